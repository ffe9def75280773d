//! Functions of complex numbers, a kernel for the real part of the value and one for the imaginary part.
//!
//! Where branches are cut and what special values give is as in C99, Annex G.

use super::block::dispatch::{Kernels, Nary};

/// The kernels of a function of complex numbers, over their parts.
#[derive(Debug)]
pub struct Complex {
    /// Of the real part.
    pub real: Kernels,
    /// Of the imaginary part.
    pub imag: Kernels,
}

/// A table of functions of complex numbers: `NAME name(parameters) "documentation"`, where the function takes pairs
/// of parts and gives one.
macro_rules! kernels {
    ($($(#[doc = $doc:literal])+ $kernels:ident $name:ident($($x:ident $y:ident),+);)+) => {$(
        $(#[doc = $doc])+
        pub static $kernels: Complex = {
            const ARITY: usize = [$(stringify!($x), stringify!($y)),+].len();
            struct Part<const PART: usize>;
            impl<const PART: usize> Nary<ARITY> for Part<PART> {
                #[inline(always)]
                fn fast<const FMA: bool>(args: [f64; ARITY]) -> (f64, bool) {
                    (Self::careful::<FMA>(args), false)
                }

                #[inline(always)]
                fn careful<const FMA: bool>([$($x, $y),+]: [f64; ARITY]) -> f64 {
                    $name($([$x, $y]),+)[PART]
                }
            }
            Complex {
                real: Kernels::nary::<Part<0>, ARITY>(concat!(stringify!($name), "_real")),
                imag: Kernels::nary::<Part<1>, ARITY>(concat!(stringify!($name), "_imag")),
            }
        };
    )+};
}

kernels! {
    /// `exp(z)`
    EXP exp(x y);
    /// `z ** w`
    POWER power(x y, u v);
}

fn exp([x, y]: [f64; 2]) -> [f64; 2] {
    if y == 0.0 {
        return [x.exp(), y];
    }
    if x.is_infinite() && !y.is_finite() {
        return if x < 0.0 { [0.0, 0.0f64.copysign(y)] } else { [x, f64::NAN] };
    }
    // A factor keeps from overflow what the sine and the cosine make small again.
    let (x, factor) = if x > 709.0 { (x - 709.0, 709f64.exp()) } else { (x, 1.0) };
    let size = x.exp();
    [size * y.cos() * factor, size * y.sin() * factor]
}

fn power([x, y]: [f64; 2], [u, v]: [f64; 2]) -> [f64; 2] {
    if u == 0.0 && v == 0.0 {
        return [1.0, 0.0];
    }
    if x == 0.0 && y == 0.0 {
        return if u > 0.0 && v == 0.0 { [0.0, 0.0] } else { [f64::NAN, f64::NAN] };
    }
    let (log, angle) = (x.hypot(y).ln(), y.atan2(x));
    exp([u * log - v * angle, u * angle + v * log])
}
