//! How accurate the elementary functions are: a row for each function and type, which the tests
//! hold.
//!
//! An error is counted in units in the last place of the true value: `|result - true| / ulp(true)`,
//! where the true value is not rounded first. A correctly rounded function has at most 0.5. Functions
//! whose result may be the small difference of large terms say so by their [`Unit`].

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4, LN_2, SQRT_2};

use crate::dtype::DType;

/// What a function's results are held to.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The kernels' name: that in the registry, or of what stands for one under `fastmath`.
    pub function: &'static str,
    /// The type of its arguments and its result.
    pub dtype: DType,
    /// Where the bound holds.
    pub domain: Domain,
    /// The greatest error.
    pub ulp: f64,
    /// Whose last place the error is counted in.
    pub unit: Unit,
    /// What the true values are taken from.
    pub reference: &'static str,
}

/// Whose last place an error is counted in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// The true value's.
    Result,
    /// That of the true value or the argument that is greatest in magnitude: where a sum may cancel.
    Greatest,
}

/// Arguments: in words, and as tests draw them.
#[derive(Clone, Copy, Debug)]
pub struct Domain {
    /// The arguments in words.
    pub text: &'static str,
    /// Ways to draw, for each argument; each is used as often as the others. They dwell where a
    /// function is hard: near zeros, at the ends of its range, where an argument's magnitude changes
    /// the method.
    pub arguments: &'static [&'static [Sampling]],
}

/// A distribution of test arguments.
#[derive(Clone, Copy, Debug)]
pub enum Sampling {
    /// Uniform between two values.
    Uniform(f64, f64),
    /// Of either sign, the logarithm of the magnitude to base 2 uniform between two values.
    Magnitudes(f64, f64),
    /// The same of positive numbers alone.
    Positive(f64, f64),
    /// Some of the nearest thousand neighbours of one of these values, or of its negative.
    Near(&'static [f64]),
    /// A few units in the last place from a multiple of this, up to a million times it.
    Multiples(f64),
    /// Any pattern of bits that is a number.
    Bits,
    /// Of a second argument: so that the power of the first to it is `2**x`, x uniform between two
    /// values.
    Exponent(f64, f64),
    /// Of a second argument: the first one, times `2**x` of either sign, x uniform between two values.
    Ratio(f64, f64),
    /// Of a second argument: the first one, plus a number uniform between two values.
    Offset(f64, f64),
}

use Sampling::*;

/// The true value to twice the precision, which agrees with a correctly rounded library.
const FLOAT64: &str = "CORE-MATH, and twice the precision";
/// The true value to twice the precision.
const TWICE: &str = "twice the precision";
/// The float64 value.
const FLOAT32: &str = "float64";

/// Both ends of the numbers.
const ALL: &[Sampling] = &[Bits, Magnitudes(-1074.0, 1024.0), Magnitudes(-30.0, 10.0), Uniform(-4.0, 4.0)];

/// The greatest errors: that in float64, and behind a slash that in float32, where it is more than 1.
macro_rules! budgets {
    ($($function:literal $ulp:literal $(/ $single:literal)? $unit:ident, $reference:ident, $text:literal, [$($argument:expr),+];)+) => {
        /// The table.
        pub const BUDGETS: &[Budget] = &[$(
            Budget {
                function: $function,
                dtype: DType::F64,
                domain: Domain { text: $text, arguments: &[$($argument),+] },
                ulp: $ulp,
                unit: Unit::$unit,
                reference: $reference,
            },
            Budget {
                function: $function,
                dtype: DType::F32,
                domain: Domain { text: $text, arguments: &[$($argument),+] },
                ulp: budgets!(@single $($single)?),
                unit: Unit::Result,
                reference: FLOAT32,
            },
        )+];
    };
    (@single) => { 1.0 };
    (@single $ulp:literal) => { $ulp };
}

budgets! {
    "exp" 1.0 Result, FLOAT64, "all", [&[Uniform(-746.0, 710.0), Uniform(-1.0, 1.0), Magnitudes(-60.0, 10.0), Near(&[709.782712893384, -708.3964185322641, -745.1332191019412, 0.34657359027997264]), Uniform(-105.0, 89.0), Bits]];
    "exp2" 1.0 Result, FLOAT64, "all", [&[Uniform(-1076.0, 1025.0), Uniform(-1.0, 1.0), Magnitudes(-60.0, 11.0), Near(&[1024.0, -1022.0, -1075.0, 0.5]), Uniform(-150.0, 129.0), Bits]];
    "exp10" 1.0 Result, FLOAT64, "all", [&[Uniform(-324.0, 309.0), Uniform(-1.0, 1.0), Magnitudes(-60.0, 9.0), Near(&[308.25471555991675, -307.6526555685888, -323.60724533877976]), Uniform(-46.0, 39.0), Bits]];
    "expm1" 1.0 Result, FLOAT64, "all", [&[Uniform(-40.0, 710.0), Uniform(-1.0, 1.0), Magnitudes(-1074.0, 10.0), Magnitudes(-60.0, 4.0), Near(&[709.782712893384, 0.34657359027997264, LN_2, 1.0397207708399179]), Bits]];
    "log" 1.0 Result, FLOAT64, "all", [&[Positive(-1074.0, 1024.0), Uniform(0.0, 2.0), Uniform(0.98, 1.02), Near(&[1.0, FRAC_1_SQRT_2, SQRT_2]), Bits]];
    "log_approximate" 4.0 / 4.0 Result, FLOAT64, "all", [&[Positive(-1074.0, 1024.0), Uniform(0.0, 2.0), Uniform(0.98, 1.02), Near(&[1.0, FRAC_1_SQRT_2, SQRT_2]), Bits]];
    "log2" 1.0 Result, FLOAT64, "all", [&[Positive(-1074.0, 1024.0), Uniform(0.0, 2.0), Uniform(0.98, 1.02), Near(&[1.0, FRAC_1_SQRT_2, SQRT_2, 2.0, 0.5]), Bits]];
    "log10" 1.0 Result, FLOAT64, "all", [&[Positive(-1074.0, 1024.0), Uniform(0.0, 2.0), Uniform(0.98, 1.02), Near(&[1.0, FRAC_1_SQRT_2, SQRT_2, 10.0]), Bits]];
    "log1p" 1.0 Result, FLOAT64, "all", [&[Magnitudes(-1074.0, 1024.0), Magnitudes(-60.0, 1.0), Uniform(-1.0, 1.0), Uniform(-0.5, 2.0), Near(&[-1.0, 0.41421356237309503, -0.2928932188134524]), Bits]];
    "sin" 1.0 Result, FLOAT64, "all", [&[Uniform(-10.0, 10.0), Uniform(-1e5, 1e5), Magnitudes(-30.0, 60.0), Multiples(FRAC_PI_2), Multiples(FRAC_PI_4), Magnitudes(-1074.0, 1024.0), Bits]];
    "cos" 1.0 Result, FLOAT64, "all", [&[Uniform(-10.0, 10.0), Uniform(-1e5, 1e5), Magnitudes(-30.0, 60.0), Multiples(FRAC_PI_2), Multiples(FRAC_PI_4), Magnitudes(-1074.0, 1024.0), Bits]];
    "tan" 2.0 Result, FLOAT64, "all", [&[Uniform(-10.0, 10.0), Uniform(-1e5, 1e5), Magnitudes(-30.0, 60.0), Multiples(FRAC_PI_2), Multiples(FRAC_PI_4), Magnitudes(-1074.0, 1024.0), Bits]];
    "sinpi" 1.0 Result, FLOAT64, "all", [&[Uniform(-4.0, 4.0), Uniform(-1e5, 1e5), Magnitudes(-60.0, 60.0), Multiples(0.25), Magnitudes(-1074.0, 1024.0), Bits]];
    "cospi" 1.0 Result, FLOAT64, "all", [&[Uniform(-4.0, 4.0), Uniform(-1e5, 1e5), Magnitudes(-60.0, 60.0), Multiples(0.25), Magnitudes(-1074.0, 1024.0), Bits]];
    "arcsin" 2.0 Result, FLOAT64, "all", [&[Uniform(-1.0, 1.0), Magnitudes(-60.0, 0.0), Uniform(0.4, 0.6), Uniform(0.98, 1.0), Near(&[1.0, 0.5]), Magnitudes(-1074.0, 0.0), Bits]];
    "arccos" 2.0 Result, FLOAT64, "all", [&[Uniform(-1.0, 1.0), Magnitudes(-60.0, 0.0), Uniform(0.4, 0.6), Uniform(0.98, 1.0), Near(&[1.0, 0.5]), Magnitudes(-1074.0, 0.0), Bits]];
    "arctan" 2.0 Result, FLOAT64, "all", [&[Uniform(-4.0, 4.0), Magnitudes(-60.0, 60.0), Near(&[1.0, 0.41421356237309503, 2.414213562373095]), Magnitudes(-1074.0, 1024.0), Bits]];
    "arctan2" 2.0 Result, FLOAT64, "all", [ALL, &[Ratio(-3.0, 3.0), Ratio(-60.0, 60.0), Ratio(-1000.0, 1000.0), Uniform(-4.0, 4.0), Bits]];
    "sinh" 2.0 Result, FLOAT64, "all", [&[Uniform(-711.0, 711.0), Uniform(-2.0, 2.0), Magnitudes(-60.0, 10.0), Near(&[710.4758600739439, 709.782712893384, 1.0]), Magnitudes(-1074.0, 1.0), Uniform(-90.0, 90.0), Bits]];
    "cosh" 2.0 Result, FLOAT64, "all", [&[Uniform(-711.0, 711.0), Uniform(-2.0, 2.0), Magnitudes(-60.0, 10.0), Near(&[710.4758600739439, 709.782712893384, 1.0]), Uniform(-90.0, 90.0), Bits]];
    "tanh" 2.0 Result, FLOAT64, "all", [&[Uniform(-25.0, 25.0), Uniform(-1.0, 1.0), Magnitudes(-60.0, 5.0), Magnitudes(-1074.0, 5.0), Near(&[0.5, 1.0, 19.06154746539849]), Bits]];
    "arcsinh" 2.0 Result, FLOAT64, "all", [&[Uniform(-4.0, 4.0), Magnitudes(-60.0, 60.0), Magnitudes(-1074.0, 1024.0), Near(&[1.0, 0.5]), Bits]];
    "arccosh" 2.0 Result, FLOAT64, "all", [&[Uniform(1.0, 4.0), Uniform(1.0, 1.01), Positive(0.0, 60.0), Positive(0.0, 1024.0), Near(&[1.0, 2.0]), Bits]];
    "arctanh" 2.0 Result, FLOAT64, "all", [&[Uniform(-1.0, 1.0), Magnitudes(-60.0, 0.0), Magnitudes(-1074.0, 0.0), Near(&[1.0, 0.5]), Bits]];
    "pow" 1.0 Result, FLOAT64, "all", [&[Positive(-1074.0, 1024.0), Positive(-30.0, 30.0), Uniform(0.9, 1.1), Near(&[1.0]), Uniform(-8.0, 8.0)], &[Exponent(-1076.0, 1025.0), Exponent(-4.0, 4.0), Exponent(-150.0, 128.0), Exponent(-1075.0, -1020.0), Uniform(-8.0, 8.0), Multiples(0.5)]];
    "cbrt" 1.0 Result, FLOAT64, "all", [ALL];
    "hypot" 1.0 Result, FLOAT64, "all", [ALL, &[Ratio(-3.0, 3.0), Ratio(-30.0, 30.0), Uniform(-4.0, 4.0), Bits]];
    "erf" 2.0 Result, FLOAT64, "all", [&[Uniform(-6.5, 6.5), Uniform(-1.2, 1.2), Magnitudes(-60.0, 3.0), Near(&[1.0]), Magnitudes(-1074.0, 3.0), Bits]];
    "erfc" 2.0 Result, FLOAT64, "all", [&[Uniform(-6.5, 28.0), Uniform(-1.0, 2.0), Magnitudes(-60.0, 4.75), Near(&[0.45, 1.0, 26.5, 26.543258430335506, 27.226017111108362]), Uniform(26.0, 27.3), Bits]];
    "erfc_approximate" 4.0 Result, FLOAT64, "all", [&[Uniform(-6.5, 28.0), Uniform(-1.0, 2.0), Magnitudes(-60.0, 4.75), Near(&[0.45, 1.0, 26.5, 26.543258430335506, 27.226017111108362]), Uniform(26.0, 27.3), Bits]];
    "erfinv" 2.0 Result, TWICE, "all", [&[Uniform(-1.0, 1.0), Uniform(0.55, 0.7), Magnitudes(-60.0, 0.0), Near(&[1.0, 0.625]), Uniform(0.99, 1.0), Magnitudes(-1074.0, 0.0), Bits]];
    "norm_cdf" 6.0 Result, TWICE, "all", [&[Uniform(-6.5, 6.5), Uniform(-38.6, 0.0), Uniform(-1.0, 1.0), Magnitudes(-60.0, 6.0), Near(&[37.5, 37.5193793471445, 38.4679361682446]), Bits]];
    "norm_logcdf" 8.0 Result, TWICE, "all", [&[Uniform(-6.5, 6.5), Uniform(-40.0, 38.6), Uniform(-1.0, 1.0), Magnitudes(-60.0, 6.0), Magnitudes(0.0, 500.0), Near(&[37.5, 1e10]), Bits]];
    "norm_ppf" 4.0 Result, TWICE, "all", [&[Uniform(0.0, 1.0), Uniform(0.05, 0.2), Positive(-1074.0, 0.0), Positive(-60.0, 0.0), Near(&[0.5, 1.0, 1.15e-7, 1e-18]), Bits]];
    "norm_ppf_log" 5.0 Greatest, TWICE, "all", [&[Uniform(-3.0, 0.0), Uniform(-45.0, 0.0), Uniform(-800.0, 0.0), Magnitudes(-60.0, 10.0), Magnitudes(-1000.0, 1000.0), Near(&[15.9, 1.2e-7, 41.4, 742.5625, LN_2])]];
    "erfcx" 1.0 Result, TWICE, "all", [&[Uniform(-6.5, 6.5), Uniform(-26.7, 0.0), Magnitudes(-60.0, 4.0), Positive(0.0, 1000.0), Near(&[26.0, 26.628735713751, 1e10]), Bits]];
    "erfcinv" 4.0 Result, TWICE, "all", [&[Uniform(0.0, 2.0), Uniform(0.1, 0.4), Positive(-1074.0, 1.0), Positive(-60.0, 0.0), Near(&[1.0, 0.2, 1.8, 2.0, 2.3e-7, 2e-18]), Bits]];
    "log1mexp" 2.0 Result, TWICE, "all", [&[Uniform(-5.0, 0.0), Uniform(-746.0, 0.0), Magnitudes(-60.0, 10.0), Magnitudes(-1074.0, 10.0), Near(&[LN_2, 1e-290]), Bits]];
    "logit" 1.0 Result, TWICE, "all", [&[Uniform(0.0, 1.0), Uniform(0.49, 0.51), Positive(-1074.0, 0.0), Near(&[0.5, 1.0, 1e-290]), Bits]];
    "root" 1.0 Result, TWICE, "all", [&[Positive(-1074.0, 1024.0), Positive(-30.0, 30.0), Uniform(0.9, 1.1)], &[Positive(-4.0, 4.0), Positive(-30.0, 60.0), Uniform(0.5, 40.0), Multiples(1.0)]];
    "gamma" 1.0 Result, TWICE, "all", [&[Uniform(0.0, 171.7), Uniform(0.0, 4.0), Positive(-1030.0, 7.5), Uniform(-185.0, 5.0), Magnitudes(-1074.0, 8.0), Near(&[1.0, 2.0, 3.0, 171.6, 171.6243769563027]), Uniform(0.0, 35.1), Bits]];
    "lgamma" 1.0 Result, TWICE, "above 0", [&[Uniform(0.0, 171.0), Uniform(0.0, 4.0), Uniform(0.9, 2.1), Uniform(2.5, 4.0), Positive(-1074.0, 1024.0), Positive(-30.0, 30.0)]];
    "digamma" 1.0 Result, TWICE, "above 0", [&[Uniform(0.0, 171.0), Uniform(0.0, 4.0), Uniform(1.4616, 1.4617), Uniform(2.0, 4.0), Positive(-1022.0, 1024.0), Positive(-30.0, 30.0)]];
    "trigamma" 1.25 Result, TWICE, "above 0", [&[Uniform(0.0, 171.0), Uniform(0.0, 4.0), Uniform(1.0, 3.0), Positive(-511.0, 1022.0), Positive(-30.0, 30.0)]];
    "logistic" 2.0 Result, TWICE, "all", [&[Uniform(-746.0, 40.0), Uniform(-2.0, 2.0), Uniform(-40.0, 40.0), Magnitudes(-60.0, 10.0), Near(&[-708.3964185322641, -745.1332191019412]), Uniform(-105.0, 18.0), Bits]];
    "log1pexp" 2.0 Result, TWICE, "all", [&[Uniform(-746.0, 40.0), Uniform(-2.0, 2.0), Uniform(-40.0, 40.0), Magnitudes(-60.0, 10.0), Near(&[-708.3964185322641, -745.1332191019412]), Uniform(-105.0, 18.0), Bits]];
    "logaddexp" 2.0 Greatest, TWICE, "all", [&[Uniform(-4.0, 4.0), Uniform(-800.0, 800.0), Magnitudes(-60.0, 60.0)], &[Offset(-4.0, 4.0), Offset(-40.0, 40.0), Offset(-750.0, 750.0), Uniform(-4.0, 4.0), Magnitudes(-60.0, 60.0)]];
    "logaddexp2" 2.0 Greatest, TWICE, "all", [&[Uniform(-4.0, 4.0), Uniform(-1100.0, 1100.0), Magnitudes(-60.0, 60.0)], &[Offset(-4.0, 4.0), Offset(-60.0, 60.0), Offset(-1080.0, 1080.0), Uniform(-4.0, 4.0), Magnitudes(-60.0, 60.0)]];
}
