//! temporary: scalar kernels until the vector ones are there
use super::dispatch::{Binary, Kernels};
use crate::math::elementary as e;
macro_rules! two { ($($s:ident $d:ident $name:ident $text:ident;)+) => {$(
struct $s; struct $d;
impl Binary for $s { type X = f32; type Z = f32; type Y = f32; #[inline(always)] fn fast<const F: bool>(x: f32, y: f32) -> (f32, bool) { (e::$text::single(x, y), false) } #[inline(always)] fn careful<const F: bool>(x: f32, y: f32) -> f32 { e::$text::single(x, y) } }
impl Binary for $d { type X = f64; type Z = f64; type Y = f64; #[inline(always)] fn fast<const F: bool>(x: f64, y: f64) -> (f64, bool) { (e::$text::double(x, y), false) } #[inline(always)] fn careful<const F: bool>(x: f64, y: f64) -> f64 { e::$text::double(x, y) } }
pub static $name: Kernels = Kernels::binary::<$s, $d>(stringify!($text));
)+} }
two! {
Tlogaddexp Ulogaddexp LOGADDEXP logaddexp;
Tlogaddexp2 Ulogaddexp2 LOGADDEXP2 logaddexp2;
}
