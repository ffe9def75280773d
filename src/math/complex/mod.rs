//! Functions of complex numbers, a kernel for the real part of the value and one for the imaginary part.
//!
//! Where branches are cut and what special values give is as in C99, Annex G, and for powers as NumPy has it. A
//! function is written twice: as lanes without branches for usual arguments, which the compiler vectorises, and
//! for all that these say is rare. A kernel computes what its part needs of it. complex64 is computed in float64.

mod exponential;
mod inverse;
mod logarithm;
mod powers;

use super::block::dispatch::{Kernels, Nary};
pub(super) use powers::multiply;

/// The real and the imaginary part.
type Parts = [f64; 2];

/// The value, and whether the arguments are rare: then the value may be anything.
type Lane = (Parts, bool);

/// Is a magnitude not up to a limit? So is NaN's.
#[inline(always)]
fn is_beyond(x: f64, limit: f64) -> bool {
    let is_within = x.abs() <= limit;
    !is_within
}

/// The kernels of a function of complex numbers, over their parts.
#[derive(Debug)]
pub struct Complex {
    /// The function's name.
    pub name: &'static str,
    /// Of the real part.
    pub real: Kernels,
    /// Of the imaginary part.
    pub imag: Kernels,
}

/// A table of functions of complex numbers: `NAME name(parameters): module;`, where the module has the lane
/// `name::usual` and the function `name::rare`. Behind `before` stands a function for arguments that are rare, but
/// simpler than others, if it has a value for them.
macro_rules! kernels {
    ($($(#[doc = $doc:literal])+ $kernels:ident $module:ident::$name:ident($($x:ident $y:ident),+) $(before $simple:ident)?;)+) => {
        $(
            $(#[doc = $doc])+
            pub static $kernels: Complex = {
                const ARITY: usize = [$(stringify!($x), stringify!($y)),+].len();
                struct Part<const PART: usize>;
                impl<const PART: usize> Nary<ARITY> for Part<PART> {
                    #[inline(always)]
                    fn fast<const FMA: bool>([$($x, $y),+]: [f64; ARITY]) -> (f64, bool) {
                        let (value, is_rare) = $module::$name::usual::<FMA>($([$x, $y]),+);
                        (value[PART], is_rare)
                    }

                    #[inline(always)]
                    fn careful<const FMA: bool>(parts: [f64; ARITY]) -> f64 {
                        $(if let Some(value) = $module::$simple(parts) {
                            return value[PART];
                        })?
                        let [$($x, $y),+] = parts;
                        let (value, is_rare) = $module::$name::usual::<FMA>($([$x, $y]),+);
                        if is_rare { $module::$name::rare::<FMA>($([$x, $y]),+)[PART] } else { value[PART] }
                    }
                }
                Complex {
                    name: stringify!($name),
                    real: Kernels::nary::<Part<0>, ARITY>(concat!(stringify!($name), "_real")),
                    imag: Kernels::nary::<Part<1>, ARITY>(concat!(stringify!($name), "_imag")),
                }
            };
        )+

        /// Every function.
        pub static ALL: &[&Complex] = &[$(&$kernels),+];
    };
}

kernels! {
    /// `e**z`
    EXP exponential::exp(x y);
    /// `2**z`
    EXP2 exponential::exp2(x y);
    /// `e**z - 1`
    EXPM1 exponential::expm1(x y);
    /// The sine.
    SIN exponential::sin(x y);
    /// The cosine.
    COS exponential::cos(x y);
    /// The tangent.
    TAN exponential::tan(x y);
    /// The hyperbolic sine.
    SINH exponential::sinh(x y);
    /// The hyperbolic cosine.
    COSH exponential::cosh(x y);
    /// The hyperbolic tangent.
    TANH exponential::tanh(x y);
    /// The natural logarithm.
    LOG logarithm::log(x y);
    /// The logarithm to base 2.
    LOG2 logarithm::log2(x y);
    /// The logarithm to base 10.
    LOG10 logarithm::log10(x y);
    /// `log(1 + z)`
    LOG1P logarithm::log1p(x y);
    /// The square root.
    SQRT powers::sqrt(x y);
    /// The inverse of the sine.
    ARCSIN inverse::arcsin(x y);
    /// The inverse of the cosine.
    ARCCOS inverse::arccos(x y);
    /// The inverse of the tangent.
    ARCTAN inverse::arctan(x y);
    /// The inverse of the hyperbolic sine.
    ARCSINH inverse::arcsinh(x y);
    /// The inverse of the hyperbolic cosine.
    ARCCOSH inverse::arccosh(x y);
    /// The inverse of the hyperbolic tangent.
    ARCTANH inverse::arctanh(x y);
    /// `z ** w`
    POWER powers::power(x y, u v) before whole_power;
}
