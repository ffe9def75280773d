//! The normal distribution and the functions that are it in other units: `erfcx` and `erfcinv`.
//!
//! All approximations are rational minimax ones, made by Remez's algorithm in 50 digits and more; their
//! coefficients have one sign, so that sums of their terms lose nothing, except where a greater
//! term is added. Their shapes are well known:
//! `Φ(-z) = exp(-z²/2) R(z)` with a rational R for all z at once is Hart's (Computer Approximations,
//! 1968, no. 5666). The quantile of all but remote probabilities is `q` times a function of
//! `-log(4p(1-p))`, as Giles has it (GPU Computing Gems, 2012, chapter 10) with polynomials: there is
//! neither a centre apart from the tails, nor a root, and of the logarithm the absolute error counts.
//! The tail in `√-log(p)` is Wichura's (Applied Statistics 37, 1988, AS 241). Squares are in two
//! parts, so that the tails keep all digits.

use super::dispatch::{Kernels, Unary, Widened};
use super::exp::{Power, exp, expm1};
use super::lane::{Lane, any_sum, polynomial, product};
use super::log::{self, natural};
use super::logistic::log_of_pair;
use std::ops::RangeInclusive;

/// The distribution function Φ.
pub static NORM_CDF: Kernels = Kernels::unary::<Cdf32, Cdf>("norm_cdf");
/// The logarithm of Φ.
pub static NORM_LOGCDF: Kernels = Kernels::unary::<Widened<LogCdf>, LogCdf>("norm_logcdf");
/// The quantile function, Φ's inverse.
pub static NORM_PPF: Kernels = Kernels::unary::<Widened<Ppf>, Ppf>("norm_ppf");
/// The quantile of a probability given by its logarithm.
pub static NORM_PPF_LOG: Kernels = Kernels::unary::<Widened<PpfLog>, PpfLog>("norm_ppf_log");
/// `exp(x²) erfc(x)`.
pub static ERFCX: Kernels = Kernels::unary::<Widened<Erfcx>, Erfcx>("erfcx");
/// The inverse of erfc.
pub static ERFCINV: Kernels = Kernels::unary::<Widened<Erfcinv>, Erfcinv>("erfcinv");

/// Numerator, over [`MILLS_Q`], of `exp(z²/2) Φ(-z)` for `z >= 0`; error 2^-56.5.
const MILLS_P: [f64; 11] = [
    600348.6489676706,
    1030011.6655488792,
    873052.8272571147,
    473780.9957451207,
    180820.3413781529,
    50526.24360364473,
    10462.2494782676,
    1588.487594293505,
    170.0867755021467,
    11.700439436391855,
    0.3989422804014327,
];
/// Its denominator.
const MILLS_Q: [f64; 12] = [
    1200697.2979353413,
    3018041.1673180875,
    3553805.4568170337,
    2593407.1926637343,
    1306573.168089449,
    478631.66115224676,
    130573.60146209325,
    26649.314678748742,
    4011.076570076748,
    427.34432061448035,
    29.328652316867462,
    1.0,
];
/// The same as [`MILLS_P`] for float32; error 2^-31.
const MILLS_SHORT_P: [f64; 6] = [
    177.4601460794417,
    188.57774418259825,
    96.63770787927908,
    28.64118980930227,
    4.902747465573645,
    0.3989422395135157,
];
/// Its denominator.
const MILLS_SHORT_Q: [f64; 7] = [
    354.92029230264444,
    660.3408973512161,
    542.6912517879276,
    254.51108764260792,
    72.79333925046684,
    12.289353967007566,
    1.0,
];
/// `Φ⁻¹(1/2 + q) / q` in `w = -log(1 - 4q²)`, for w up to 14.6, within a tenth: so that what rounding does
/// to the quotient that is added hardly matters.
const NEAR_LINE: [f64; 2] = [2.75, 0.5625];
/// Numerator, over [`NEAR_Q`], of what is missing to [`NEAR_LINE`]; error 2^-55 of the sum.
const NEAR_P: [f64; 12] = [
    -0.24337172536899943,
    0.0531511516019167,
    0.03240619786705716,
    0.0028697314854143653,
    0.0011252446662907694,
    2.1342462556323085e-05,
    4.5966789072998855e-06,
    -3.0993619522140874e-07,
    -6.16536136853839e-08,
    -3.6154342264672297e-09,
    -3.159967422501141e-10,
    -1.1138804133141375e-11,
];
/// Its denominator.
const NEAR_Q: [f64; 12] = [
    1.0,
    0.16675148304503057,
    0.06529318822799811,
    0.008599855316455827,
    0.0014391620524392644,
    0.0001425352321755046,
    1.2440448547411075e-05,
    8.597927938138232e-07,
    4.0345259101962254e-08,
    1.799852031363426e-09,
    2.5295723064351998e-11,
    -9.169253712871694e-15,
];
/// Numerator, over [`TAIL_Q`], of `-Φ⁻¹(exp(-r²)) - √2 r` for r from 1.517 to 6.5; error 2^-58 of `Φ⁻¹`.
const TAIL_P: [f64; 9] = [
    -2988.0423752091165,
    -34533.98101678288,
    -74925.1654274353,
    -50981.33610078962,
    -18754.12933410946,
    -3615.644813763531,
    -259.7448365231657,
    -4.673507378159683,
    -0.003409264080568709,
];
/// Its denominator.
const TAIL_Q: [f64; 9] = [
    831.2991837972364,
    15139.57009569282,
    53135.19056407145,
    61136.31544619574,
    31595.740492226494,
    9477.131981641523,
    1409.2073453081555,
    76.67262010070141,
    1.0,
];
/// The same as [`TAIL_P`] for r from 6.4 to 27.3; error 2^-58.
const FAR_P: [f64; 8] = [
    -4156706.618556869,
    -16480913.655873427,
    -8961162.020470258,
    -1402555.4564771862,
    -74723.49451899709,
    -1306.3503036756938,
    -5.636912704463254,
    -0.0008762171769438334,
];
/// Its denominator.
const FAR_Q: [f64; 8] = [
    1316283.2836244677,
    9941874.474916708,
    12738165.938290274,
    4339586.901263077,
    505324.9375407872,
    21336.963782030023,
    300.1376704804596,
    1.0,
];
/// A polynomial times `factor`, in the variable times `scale`.
const fn rescaled<const N: usize>(mut coefficients: [f64; N], mut factor: f64, scale: f64) -> [f64; N] {
    let mut i = 0;
    while i < N {
        coefficients[i] *= factor;
        factor *= scale;
        i += 1;
    }
    coefficients
}

/// `exp(-(z²)/2)`, for z up to 38.6.
#[inline(always)]
fn bell<const FMA: bool>(z: f64) -> Power<f64> {
    let (square, rest) = product::<f64, FMA>(z, z);
    let power = exp::<f64, FMA>(-0.5 * square);
    let rest = -0.5 * rest;
    Power { low: power.low + rest.madd::<FMA>(power.low, rest), ..power }
}

/// Φ of float64. Measured error: 5.1, without fused multiply-add 5.8 ULP.
struct Cdf;

impl Cdf {
    /// `exp(z²/2) Φ(-z)`, for z from 0 to [`FLAT`].
    #[inline(always)]
    fn mills<const FMA: bool>(z: f64) -> f64 {
        polynomial::<f64, FMA>(z, &MILLS_P) / polynomial::<f64, FMA>(z, &MILLS_Q)
    }

    /// `Φ(-z)` from the same: a number and the exponent of its scale.
    #[inline(always)]
    fn lower<const FMA: bool>(z: f64, mills: f64) -> (f64, f64) {
        let bell = bell::<FMA>(z);
        (mills.madd::<FMA>(bell.low, mills), bell.shift)
    }
}

/// Up to here the powers of z are far from overflow; from here on, `log(R(z))` is less than the
/// rounding error of z².
const FLAT: f64 = 1e10;
/// Up to here `Φ(-z)` is a normal number.
const NORMAL: f64 = 37.5;
/// From here on `Φ(-z)` is 0.
const NOTHING: f64 = 38.6;

impl Unary for Cdf {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let z = x.abs();
        let (value, shift) = Self::lower::<FMA>(z, Self::mills::<FMA>(z));
        let value = value.scale(shift);
        let is_usual = z <= NORMAL;
        (if x < 0.0 { value } else { 1.0 - value }, !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let z = if x.abs() < NOTHING { x.abs() } else { NOTHING };
        let (value, shift) = Self::lower::<FMA>(z, Self::mills::<FMA>(z));
        let value = value.scale_far(shift);
        let value = if x < 0.0 { value } else { 1.0 - value };
        if x.is_nan() { x } else { value }
    }
}

/// Φ of float32, in float64. Measured error: 0.51 ULP.
struct Cdf32;

impl Unary for Cdf32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        let x = f64::from(x);
        // From here on it is 0.
        let z = if x.abs() < 14.5 { x.abs() } else { 14.5 };
        let mills = polynomial::<f64, FMA>(z, &MILLS_SHORT_P) / polynomial::<f64, FMA>(z, &MILLS_SHORT_Q);
        let bell = exp::<f64, FMA>(-0.5 * (z * z));
        let value = mills.madd::<FMA>(bell.low, mills).scale(bell.shift);
        ((if x < 0.0 { value } else { 1.0 - value }) as f32, x.is_nan())
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        if x.is_nan() { x } else { Self::fast::<FMA>(x).0 }
    }
}

/// `log(Φ)` of float64: below 0 the sum of `-x²/2` and `log(R)`, both negative; above it the logarithm
/// of `1 - Φ(-x)`. Measured error: 6.5, without fused multiply-add 7.4 ULP.
struct LogCdf;

impl LogCdf {
    /// From `Φ(-z)`, and z with R of it, which matters below 0.
    #[inline(always)]
    fn value<const FMA: bool>(x: f64, z: f64, mills: f64, lower: f64) -> f64 {
        let (high, rest) = any_sum(1.0, -lower);
        let (high, rest) = if x < 0.0 { (mills, 0.0) } else { (high, rest) };
        let (log, log_rest) = log_of_pair::<FMA>(high, rest);
        let (square, square_rest) = product::<f64, FMA>(z, z);
        let (square, square_rest) = if x < 0.0 { (-0.5 * square, -0.5 * square_rest) } else { (0.0, 0.0) };
        let (sum, sum_rest) = any_sum(log, square);
        sum + (sum_rest + (log_rest + square_rest))
    }
}

impl Unary for LogCdf {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let z = x.abs();
        let mills = Cdf::mills::<FMA>(z);
        // Below 0 it does not matter.
        let (lower, shift) = Cdf::lower::<FMA>(if z < NORMAL { z } else { NORMAL }, mills);
        let is_usual = (-FLAT..=NORMAL).contains(&x);
        (Self::value::<FMA>(x, z, mills, lower.scale(shift)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let z = if x.abs() < FLAT { x.abs() } else { FLAT };
        let mills = Cdf::mills::<FMA>(z);
        let (lower, shift) = Cdf::lower::<FMA>(if z < NOTHING { z } else { NOTHING }, mills);
        let value = Self::value::<FMA>(x, z, mills, lower.scale_far(shift));
        let value = if x < -FLAT { (-0.5 * x) * x } else { value };
        if x.is_nan() { x } else { value }
    }
}

/// Approximations for a quantile: near, the factor of q; in the tails, what is beside `base * r`.
struct Quantile {
    near_line: [f64; 2],
    near: [f64; 12],
    tail: [f64; 9],
    far: [f64; 8],
    /// The factor of `√-log(p)`.
    base: f64,
    /// What is missing to it.
    base_rest: f64,
}

const NORMAL_QUANTILE: Quantile = Quantile {
    near_line: NEAR_LINE,
    near: NEAR_P,
    tail: TAIL_P,
    far: FAR_P,
    base: std::f64::consts::SQRT_2,
    base_rest: -9.667293313452914e-17,
};

/// The same divided by `√2`.
const ERFC_QUANTILE: Quantile = Quantile {
    near_line: rescaled(NEAR_LINE, std::f64::consts::FRAC_1_SQRT_2, 1.0),
    near: rescaled(NEAR_P, std::f64::consts::FRAC_1_SQRT_2, 1.0),
    tail: rescaled(TAIL_P, std::f64::consts::FRAC_1_SQRT_2, 1.0),
    far: rescaled(FAR_P, std::f64::consts::FRAC_1_SQRT_2, 1.0),
    base: 1.0,
    base_rest: 0.0,
};

/// The least `4p(1-p)` for which [`NEAR_P`] is enough: p from 1.2e-7 to 1 - 1.2e-7.
const NEAR: f64 = 4.6e-7;
/// Logarithms of probabilities in that range.
const NEAR_LOGS: RangeInclusive<f64> = -15.9..=-1.2e-7;
/// Up to here [`TAIL_P`] is for roots.
const TAIL: f64 = 6.44;
/// Up to here [`FAR_P`] is for roots.
const FAR: f64 = 27.25;

impl Quantile {
    /// Near, from `q = p - 1/2` and `w = -log(4p(1-p))`, whose absolute error counts.
    #[inline(always)]
    fn near<const FMA: bool>(&self, q: f64, w: f64) -> f64 {
        let rest = q * polynomial::<f64, FMA>(w, &self.near) / polynomial::<f64, FMA>(w, &NEAR_Q);
        polynomial::<f64, FMA>(w, &self.near_line).madd::<FMA>(q, rest)
    }

    /// In the tails, from `q` and `w = -log(p)`, for p the lesser of p and `1 - p`.
    #[inline(always)]
    fn tail<const FMA: bool>(&self, q: f64, w: f64) -> f64 {
        let r = w.sqrt();
        let rest = if r > TAIL {
            polynomial::<f64, FMA>(r, &self.far) / polynomial::<f64, FMA>(r, &FAR_Q)
        } else {
            polynomial::<f64, FMA>(r, &self.tail) / polynomial::<f64, FMA>(r, &TAIL_Q)
        };
        r.madd::<FMA>(self.base, r.madd::<FMA>(self.base_rest, rest)).copysign(q)
    }
}

/// Φ's inverse of float64. Measured error: 2.4, without fused multiply-add 3.2 ULP.
struct Ppf;

impl Ppf {
    /// `4p(1-p)`, negative or NaN for what is no probability.
    #[inline(always)]
    fn spread<const FMA: bool>(p: f64) -> f64 {
        let four = 4.0 * p;
        if FMA { (-four).madd::<FMA>(p, four) } else { four * (1.0 - p) }
    }
}

impl Unary for Ppf {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(p: f64) -> (f64, bool) {
        let spread = Self::spread::<FMA>(p);
        let is_usual = spread >= NEAR;
        (NORMAL_QUANTILE.near::<FMA>(p - 0.5, -log::absolute::<FMA>(spread)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(p: f64) -> f64 {
        let q = p - 0.5;
        let (near, is_rare) = Self::fast::<FMA>(p);
        let least = if p < 0.5 { p } else { 1.0 - p };
        let tail = NORMAL_QUANTILE.tail::<FMA>(q, minus_log::<FMA>(least));
        ends(least, q, if is_rare { tail } else { near })
    }
}

/// `-log(x)` of a positive number.
#[inline(always)]
fn minus_log<const FMA: bool>(x: f64) -> f64 {
    let (k, m) = log::split(x);
    let (high, low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
    -(high + low)
}

/// A quantile at the ends of the probabilities, and beyond them; `value` between them.
#[inline(always)]
fn ends(least: f64, q: f64, value: f64) -> f64 {
    let value = if least > 0.0 { value } else { f64::NAN };
    if least == 0.0 { f64::INFINITY.copysign(q) } else { value }
}

/// Φ's inverse of `exp(l)`, of float64. Measured error: 2 ULP times one and the condition number.
struct PpfLog;

impl PpfLog {
    /// `exp(l) - 1/2`, and `1 - exp(l)`, for l from -700 to the greatest negative normal number.
    #[inline(always)]
    fn middle<const FMA: bool>(l: f64) -> (f64, f64) {
        let (less_one, rest) = expm1::<f64, FMA>(l).pair();
        ((0.5 + less_one) + rest, -less_one)
    }

    /// The quantile for logarithms below that of `Φ(-38)`: two steps of Newton's method for
    /// `y = x²` on `y + log(2π y) - 2 log(1 - 1/y + 3/y² - ...) = 2w`, the tail's asymptotic series
    /// (Abramowitz and Stegun, 26.2.12).
    #[inline(always)]
    fn beyond<const FMA: bool>(w: f64) -> f64 {
        const LOG_2_PI: f64 = 1.8378770664093456;
        let log = |y: f64| {
            let (k, m) = y.split();
            let (high, low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
            high + low
        };
        // Halves, so that the greatest w does not overflow.
        let step = |h: f64| {
            let v = 0.5 / h;
            // log(1 - v + 3v² - 15v³ + 105v⁴)
            let series = v * (-1.0 + v * (2.5 + v * (-37.0 / 3.0 + v * 88.25)));
            let excess = (h - w) + (0.5 * (LOG_2_PI + std::f64::consts::LN_2 + log(h)) - series);
            h - excess / (1.0 + v)
        };
        let first = w - 0.5 * (LOG_2_PI + std::f64::consts::LN_2 + log(w));
        std::f64::consts::SQRT_2 * step(step(first)).sqrt()
    }
}

impl Unary for PpfLog {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(l: f64) -> (f64, bool) {
        let (q, upper) = Self::middle::<FMA>(l);
        let w = -(l + log::absolute::<FMA>(4.0 * upper));
        (NORMAL_QUANTILE.near::<FMA>(q, w), !NEAR_LOGS.contains(&l))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(l: f64) -> f64 {
        let (near, is_rare) = Self::fast::<FMA>(l);
        // Below, only w counts; above, `1 - exp(l)` is -l.
        let clamped = if l > -f64::MIN_POSITIVE { -f64::MIN_POSITIVE } else { l };
        let clamped = if clamped < -700.0 { -700.0 } else { clamped };
        let (q, upper) = Self::middle::<FMA>(clamped);
        let upper = if l > -f64::MIN_POSITIVE { -l } else { upper };
        let w = if q < 0.0 { -l } else { minus_log::<FMA>(upper) };
        let value = if is_rare { NORMAL_QUANTILE.tail::<FMA>(q, w) } else { near };
        let value = if l < -FAR * FAR { -Self::beyond::<FMA>(-l) } else { value };
        let value = if l == f64::NEG_INFINITY { l } else { value };
        ends(-l, q, value)
    }
}

/// [`MILLS_P`] for `exp(x²) erfc(x)`.
const ERFCX_P: [f64; 11] = rescaled(MILLS_P, 2.0, std::f64::consts::SQRT_2);
/// Its denominator.
const ERFCX_Q: [f64; 12] = rescaled(MILLS_Q, 1.0, std::f64::consts::SQRT_2);

/// `exp(x²) erfc(x)` of float64, an element at a time: `pxfm`'s, but where that is NaN: next to overflow and
/// for great arguments.
/// Measured error: 0.6 ULP.
struct Erfcx;

impl Unary for Erfcx {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        // Here erfc is 2 to all digits.
        if x < -26.7 {
            f64::INFINITY
        } else if x < -26.0 {
            let (square, rest) = product::<f64, FMA>(x, x);
            let power = 2.0 * pxfm::f_exp(square);
            if power < f64::INFINITY { rest.madd::<FMA>(power, power) } else { power }
        } else if x > 1e10 {
            0.5 * std::f64::consts::FRAC_2_SQRT_PI / x
        } else {
            pxfm::f_erfcx(x)
        }
    }
}

/// `exp(x²) erfc(x)`, for `x >= 0`, to some units in the last place: one lane, with a branch.
#[inline(always)]
pub(in crate::math) fn scaled_erfc<const FMA: bool>(x: f64) -> f64 {
    if x > FLAT {
        return 0.5 * std::f64::consts::FRAC_2_SQRT_PI / x;
    }
    polynomial::<f64, FMA>(x, &ERFCX_P) / polynomial::<f64, FMA>(x, &ERFCX_Q)
}

/// The inverse of erfc, of float64: `-Φ⁻¹(y/2) / √2`. Measured error: 2.8, without fused multiply-add 3.6 ULP.
struct Erfcinv;

impl Unary for Erfcinv {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(y: f64) -> (f64, bool) {
        let spread = if FMA { (-y).madd::<FMA>(y, 2.0 * y) } else { y * (2.0 - y) };
        let is_usual = spread >= NEAR;
        (ERFC_QUANTILE.near::<FMA>(0.5 - 0.5 * y, -log::absolute::<FMA>(spread)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(y: f64) -> f64 {
        let q = 0.5 - 0.5 * y;
        let (near, is_rare) = Self::fast::<FMA>(y);
        let least = if y < 1.0 { y } else { 2.0 - y };
        let (k, m) = log::split(least);
        let (high, low) = natural::<f64, FMA>(k - 1.0, m - 1.0, 0.0);
        let tail = ERFC_QUANTILE.tail::<FMA>(q, -(high + low));
        ends(least, q, if is_rare { tail } else { near })
    }
}
