//! temporary: scalar kernels until the vector ones are there
use super::dispatch::{Binary, Kernels, Unary};
use crate::math::elementary as e;
macro_rules! one { ($($s:ident $d:ident $name:ident $text:ident;)+) => {$(
struct $s; struct $d;
impl Unary for $s { type X = f32; type Y = f32; #[inline(always)] fn fast<const F: bool>(x: f32) -> (f32, bool) { (e::$text::single(x), false) } #[inline(always)] fn careful<const F: bool>(x: f32) -> f32 { e::$text::single(x) } }
impl Unary for $d { type X = f64; type Y = f64; #[inline(always)] fn fast<const F: bool>(x: f64) -> (f64, bool) { (e::$text::double(x), false) } #[inline(always)] fn careful<const F: bool>(x: f64) -> f64 { e::$text::double(x) } }
pub static $name: Kernels = Kernels::unary::<$s, $d>(stringify!($text));
)+} }
macro_rules! two { ($($s:ident $d:ident $name:ident $text:ident;)+) => {$(
struct $s; struct $d;
impl Binary for $s { type X = f32; type Z = f32; type Y = f32; #[inline(always)] fn fast<const F: bool>(x: f32, y: f32) -> (f32, bool) { (e::$text::single(x, y), false) } #[inline(always)] fn careful<const F: bool>(x: f32, y: f32) -> f32 { e::$text::single(x, y) } }
impl Binary for $d { type X = f64; type Z = f64; type Y = f64; #[inline(always)] fn fast<const F: bool>(x: f64, y: f64) -> (f64, bool) { (e::$text::double(x, y), false) } #[inline(always)] fn careful<const F: bool>(x: f64, y: f64) -> f64 { e::$text::double(x, y) } }
pub static $name: Kernels = Kernels::binary::<$s, $d>(stringify!($text));
)+} }
one! {Scbrt Dcbrt CBRT cbrt;
Sexp Dexp EXP exp;
Sexp2 Dexp2 EXP2 exp2;
Sexpm1 Dexpm1 EXPM1 expm1;
Slog Dlog LOG log;
Slog2 Dlog2 LOG2 log2;
Slog10 Dlog10 LOG10 log10;
Slog1p Dlog1p LOG1P log1p;
S10 D10 EXP10 exp2;
}
two! {Thypot Uhypot HYPOT hypot;
Tlogaddexp Ulogaddexp LOGADDEXP logaddexp;
Tlogaddexp2 Ulogaddexp2 LOGADDEXP2 logaddexp2;
Tpow Upow POW pow;
Tpow_scalar Upow_scalar POW_SCALAR pow_scalar;
}
