//! Hyperbolic functions and their inverses.
//!
//! The functions reduce the argument by multiples of `ln(2)`, and join polynomials of the rest with
//! powers of two. The inverses are logarithms of sums that are known to more than float64's
//! precision. Polynomials are minimax ones of relative error, found by Remez's algorithm.
//!
//! The errors stated are the greatest among 4 million arguments of several distributions, with and
//! without a fused multiply-add, against references of twice the precision.

use super::dispatch::{Kernels, Unary};
use super::lane::{self, Lane, polynomial};
use super::pair::{either, flip, minus_product, quotient};

/// The hyperbolic sine.
pub static SINH: Kernels = Kernels::unary::<Sinh32, Sinh64>("sinh");
/// The hyperbolic cosine.
pub static COSH: Kernels = Kernels::unary::<Cosh32, Cosh64>("cosh");
/// The hyperbolic tangent.
pub static TANH: Kernels = Kernels::unary::<Tanh32, Tanh64>("tanh");
/// The inverse of the hyperbolic sine.
pub static ARCSINH: Kernels = Kernels::unary::<ArcSinh32, ArcSinh64>("arcsinh");
/// The inverse of the hyperbolic cosine, where that is not negative.
pub static ARCCOSH: Kernels = Kernels::unary::<ArcCosh32, ArcCosh64>("arccosh");
/// The inverse of the hyperbolic tangent.
pub static ARCTANH: Kernels = Kernels::unary::<ArcTanh32, ArcTanh64>("arctanh");

/// `ln(2)` to 95 bits, the first part of 42 bits: exact times a multiple below `2**11`.
const LN_2: [f64; 2] = [0.693_147_180_559_890_3, 5.497_923_018_708_371e-14];

/// `(expm1(r) - r - r*r/2) / r**3`, to `2**-55` of `expm1(r)` where `|r| <= ln(2)/2`.
const EXPM1_TAIL: [f64; 9] = [
    0.16666666666666602,
    0.04166666666662,
    0.008333333333388466,
    0.0013888888920498877,
    0.0001984126970912886,
    2.480151636189e-05,
    2.755742527609606e-06,
    2.762222106685931e-07,
    2.5045838317077707e-08,
];
/// `(expm1(r) - r) / r**2`, to `2**-32` of `expm1(r)`.
const EXPM1_TAIL_SHORT: [f64; 6] = [
    0.5000000044158688,
    0.16666666370243935,
    0.041666360917803666,
    0.008333389402668454,
    0.001394062739272891,
    0.0001984586538087074,
];
/// `(sinh(r)/r - 1) / z` over `z = r*r`, to `2**-60` of `sinh(r)` where `|r| <= ln(2)/2`.
const SINH_TAIL: [f64; 5] =
    [0.16666666666666677, 0.00833333333332167, 0.00019841269886020698, 2.755724431817151e-06, 2.5108998443154902e-08];
/// `(cosh(r) - 1 - z/2) / z**2` over `z = r*r`, to `2**-67` of `cosh(r)`.
const COSH_TAIL: [f64; 5] =
    [0.041666666666666685, 0.0013888888888873461, 2.480158734879275e-05, 2.755725220630952e-07, 2.092164067126744e-09];
/// As [`SINH_TAIL`], to `2**-37`.
const SINH_TAIL_SHORT: [f64; 3] = [0.16666666754061413, 0.008333289084303756, 0.00019904883798728458];
/// As [`COSH_TAIL`], to `2**-33`.
const COSH_TAIL_SHORT: [f64; 2] = [0.041666459437461535, 0.001393540885988309];
/// `(ln((1+s)/(1-s)) - 2*s) / s**3` over `s*s`, to `2**-59` of the logarithm where that is at most
/// `ln(2)/2` in magnitude.
const LN_TAIL: [f64; 7] = [
    0.6666666666666734,
    0.3999999999941601,
    0.2857142874210235,
    0.22222198601208262,
    0.18183562939336803,
    0.15314084223401653,
    0.14795630690200356,
];
/// The same to `2**-30`.
const LN_TAIL_SHORT: [f64; 3] = [0.6666677608346998, 0.39977571715346116, 0.2987103944187388];

/// A number up to 710.6 less a multiple of `ln(2)`, in `[-ln(2)/2, ln(2)/2]`: a number, one to add
/// to it, and the multiple.
#[inline(always)]
fn reduce<const FMA: bool>(x: f64) -> (f64, f64, f64) {
    let multiple = f64::madd::<FMA>(x, std::f64::consts::LOG2_E, f64::ROUND) - f64::ROUND;
    let rest = f64::madd::<FMA>(-multiple, LN_2[0], x);
    let (high, low) = lane::sum(rest, -(multiple * LN_2[1]));
    (high, low, multiple)
}

/// For a multiple `n` of `ln(2)`: `2 + 2**(1 - 2*n)`, `2 - 2**(1 - 2*n)`, and `2**(n - 2)`, with
/// which they are twice its hyperbolic cosine and sine. Two of them times the last don't overflow
/// where a hyperbolic function doesn't.
#[inline(always)]
fn powers(multiple: f64) -> (f64, f64, f64) {
    let scale = f64::scale(1.0, (multiple - 2.0) + f64::ROUND);
    // Beyond 32 it doesn't count.
    let lesser = f64::scale(1.0, (1.0 - 2.0 * at_most(32.0, multiple)) + f64::ROUND);
    (2.0 + lesser, 2.0 - lesser, scale)
}

/// A magnitude, but where that is greater than the limit, the limit.
#[inline(always)]
fn at_most(limit: f64, magnitude: f64) -> f64 {
    if magnitude > limit { limit } else { magnitude }
}

/// Beyond it hyperbolic sines and cosines overflow, and the multiples of `ln(2)` up to it are such
/// that their [`powers`] don't.
const OVERFLOW: f64 = 710.6;
/// The same of float32, with results that don't overflow float64.
const OVERFLOW_SHORT: f64 = 100.0;

/// The hyperbolic sine and cosine of the rest of an argument: each less its leading term.
#[inline(always)]
fn tails<const FMA: bool>(high: f64, low: f64) -> (f64, f64) {
    let z = high * high;
    let sine = f64::madd::<FMA>(high * z, polynomial::<f64, FMA>(z, &SINH_TAIL), low);
    let cosine = f64::madd::<FMA>(z * z, polynomial::<f64, FMA>(z, &COSH_TAIL), f64::madd::<FMA>(high, low, 0.5 * z));
    (sine, cosine)
}

/// `c + c*cosine + s*(r + sine)`: the greatest terms with their error.
#[inline(always)]
fn join<const FMA: bool>(c: f64, cosine: f64, s: f64, r: f64, sine: f64) -> f64 {
    let product = s * r;
    let rest = minus_product::<FMA>(product, s, r);
    // The product is at most as great as the other term, or that is zero.
    let (sum, error) = lane::sum(c, product);
    let small = f64::madd::<FMA>(c, cosine, s * sine);
    sum + (small + (error - rest))
}

/// The hyperbolic sine of a float64: at most 1.27 ULP. With the rest `r` and `2**n`, it is
/// `sinh(r)*cosh(n*ln(2)) + cosh(r)*sinh(n*ln(2))`.
pub(in crate::math) struct Sinh64;

impl Unary for Sinh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let (high, low, multiple) = reduce::<FMA>(at_most(OVERFLOW, x.abs()));
        let (plus, minus, scale) = powers(multiple);
        let (sine, cosine) = tails::<FMA>(high, low);
        flip(scale * join::<FMA>(minus, cosine, plus, high, sine), x.to_bits())
    }
}

/// The hyperbolic cosine of a float64: at most 1.23 ULP. With the rest `r` and `2**n`, it is
/// `cosh(r)*cosh(n*ln(2)) + sinh(r)*sinh(n*ln(2))`.
pub(in crate::math) struct Cosh64;

impl Unary for Cosh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let (high, low, multiple) = reduce::<FMA>(at_most(OVERFLOW, x.abs()));
        let (plus, minus, scale) = powers(multiple);
        let (sine, cosine) = tails::<FMA>(high, low);
        scale * join::<FMA>(plus, cosine, minus, high, sine)
    }
}

/// The hyperbolic sine and cosine of the rest of an argument, for results in float32.
#[inline(always)]
fn short_sine_and_cosine<const FMA: bool>(r: f64) -> (f64, f64) {
    let z = r * r;
    let sine = f64::madd::<FMA>(r * z, polynomial::<f64, FMA>(z, &SINH_TAIL_SHORT), r);
    let cosine = f64::madd::<FMA>(z * z, polynomial::<f64, FMA>(z, &COSH_TAIL_SHORT), f64::madd::<FMA>(0.5, z, 1.0));
    (sine, cosine)
}

/// The hyperbolic sine of a float32, in float64: at most 0.503 ULP.
struct Sinh32;

impl Unary for Sinh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let (high, _, multiple) = reduce::<FMA>(at_most(OVERFLOW_SHORT, x.abs()));
        let (plus, minus, scale) = powers(multiple);
        let (sine, cosine) = short_sine_and_cosine::<FMA>(high);
        flip(scale * f64::madd::<FMA>(minus, cosine, plus * sine), x.to_bits()) as f32
    }
}

/// The hyperbolic cosine of a float32, in float64: at most 0.503 ULP.
struct Cosh32;

impl Unary for Cosh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let (high, _, multiple) = reduce::<FMA>(at_most(OVERFLOW_SHORT, f64::from(x.abs())));
        let (plus, minus, scale) = powers(multiple);
        let (sine, cosine) = short_sine_and_cosine::<FMA>(high);
        (scale * f64::madd::<FMA>(plus, cosine, minus * sine)) as f32
    }
}

/// The hyperbolic tangent of a float64: at most 1.42 ULP. With `m = expm1(-2*x)` it is
/// `-m / (m + 2)`, where the errors of the terms are added to the quotient.
pub(in crate::math) struct Tanh64;

impl Unary for Tanh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        // From 22 on it rounds to 1.
        let magnitude = at_most(22.0, x.abs());
        let (r, low, multiple) = reduce::<FMA>(-2.0 * magnitude);
        let z = r * r;
        let tail = f64::madd::<FMA>(r, polynomial::<f64, FMA>(r, &EXPM1_TAIL), 0.5);
        let (r, low) = lane::sum(r, f64::madd::<FMA>(z, tail, low));
        // 2**n * (1 + expm1(r)) - 1, where one of the terms 2**n - 1 and 2**n * r is zero or the
        // lesser.
        let scale = f64::scale(1.0, multiple + f64::ROUND);
        let (m, error) = lane::sum(scale - 1.0, scale * r);
        let low = f64::madd::<FMA>(scale, low, error);
        let (bottom, error) = lane::sum(2.0, m);
        // The errors of numerator and denominator, divided by the latter, whose reciprocal is
        // (1 - m/bottom) / 2.
        let ratio = m / bottom;
        let rest = f64::madd::<FMA>(-ratio, low + error, low) * f64::madd::<FMA>(-0.5, ratio, 0.5);
        flip((ratio + rest).abs(), x.to_bits())
    }
}

/// The hyperbolic tangent of a float32, in float64: at most 0.504 ULP.
struct Tanh32;

impl Unary for Tanh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let rounded = f64::madd::<FMA>(at_most(22.0, x.abs()), 2.0 * std::f64::consts::LOG2_E, f64::ROUND);
        let r = f64::madd::<FMA>(rounded - f64::ROUND, -std::f64::consts::LN_2, 2.0 * at_most(22.0, x.abs()));
        let scale = f64::scale(1.0, rounded);
        let m = f64::madd::<FMA>(r * r, polynomial::<f64, FMA>(r, &EXPM1_TAIL_SHORT), r);
        let m = f64::madd::<FMA>(scale, m, scale - 1.0);
        flip(m / (m + 2.0), x.to_bits()) as f32
    }
}

/// The natural logarithm of `2**more * (x + low)` for a positive normal `x` from 1/2, of which `low`
/// is at most a last place or so.
#[inline(always)]
fn ln<const FMA: bool>(x: f64, low: f64, more: f64) -> f64 {
    let (exponent, m) = x.split();
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let z = s * s;
    let half = 0.5 * f * f;
    let tail = s * f64::madd::<FMA>(z, polynomial::<f64, FMA>(z, &LN_TAIL), half);
    let n = exponent + more;
    // f - half + tail + n * ln(2) + low / m
    let low = f64::madd::<FMA>(n, LN_2[1], low * f64::pow2(-exponent) / m);
    let (high, error) = lane::sum(n * LN_2[0], f);
    high + (((tail + low) - half) + error)
}

/// The same for results in float32.
#[inline(always)]
fn short_ln<const FMA: bool>(x: f64, low: f64) -> f64 {
    let (exponent, m) = x.split();
    let f = f64::madd::<FMA>(low, f64::pow2(-exponent), m - 1.0);
    let s = f / (f + 2.0);
    let z = s * s;
    f64::madd::<FMA>(
        exponent,
        std::f64::consts::LN_2,
        s * f64::madd::<FMA>(z, polynomial::<f64, FMA>(z, &LN_TAIL_SHORT), 2.0),
    )
}

/// The sum of 1 and a number that is not negative, and its error.
#[inline(always)]
fn one_plus(f: f64) -> (f64, f64) {
    let sum = 1.0 + f;
    // The lesser term is what the error is taken against.
    let error = if f < 1.0 { f - (sum - 1.0) } else { 1.0 - (sum - f) };
    (sum, error)
}

/// From here on the square root of `x*x + 1` or `x*x - 1` is `x`.
const LARGE: f64 = 268_435_456.0;

/// Ones in all bits where a number that is not negative is at least [`LARGE`], else zeros. With a
/// condition instead, the compiler would compute logarithms once for each outcome.
#[inline(always)]
fn is_large(x: f64) -> u64 {
    ((LARGE.to_bits() - 1).wrapping_sub(x.to_bits()) >> 63).wrapping_neg()
}

/// The inverse of the hyperbolic sine of a float64: at most 1.01 ULP. It is
/// `log1p(x + x*x / (1 + sqrt(x*x + 1)))`.
struct ArcSinh64;

impl Unary for ArcSinh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let magnitude = x.abs();
        let large = is_large(magnitude);
        let bounded = either(large, 1.0, magnitude);
        let square = bounded * bounded;
        let more = square / (1.0 + f64::madd::<FMA>(bounded, bounded, 1.0).sqrt());
        let (f, low) = lane::sum(bounded, more);
        let (sum, error) = one_plus(f);
        let y =
            ln::<FMA>(either(large, 0.25 * magnitude, sum), either(large, 0.0, error + low), either(large, 3.0, 0.0));
        flip(if magnitude < f64::INFINITY { y } else { magnitude }, x.to_bits())
    }
}

/// The inverse of the hyperbolic sine of a float32, in float64: at most 0.514 ULP.
struct ArcSinh32;

impl Unary for ArcSinh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let magnitude = x.abs();
        let square = magnitude * magnitude;
        let (sum, low) = one_plus(magnitude + square / (1.0 + (square + 1.0).sqrt()));
        let y = short_ln::<FMA>(sum, low);
        flip(if magnitude < f64::INFINITY { y } else { magnitude }, x.to_bits()) as f32
    }
}

/// The inverse of the hyperbolic cosine of a float64: at most 0.80 ULP. With `t = x - 1` it is
/// `log1p(t + sqrt(2*t + t*t))`, and the root is found to more than float64's precision.
struct ArcCosh64;

impl Unary for ArcCosh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let large = is_large(x);
        let t = either(large, 1.0, x) - 1.0;
        let (square, square_error) = lane::product::<f64, FMA>(t, t);
        // For t > 2 the order is wrong, but then an error of the last place counts half.
        let (sum, error) = lane::sum(t + t, square);
        let root = sum.sqrt();
        let rest = minus_product::<FMA>(sum, root, root) + (error + square_error);
        // Of zero, it adds zero.
        let root_error = rest / (root + root + f64::MIN_POSITIVE);
        let (f, low) = lane::sum(root, t);
        let (sum, error) = one_plus(f);
        let y = ln::<FMA>(
            either(large, 0.25 * x, sum),
            either(large, 0.0, error + (low + root_error)),
            either(large, 3.0, 0.0),
        );
        let y = if x < f64::INFINITY { y } else { x };
        if x < 1.0 { f64::NAN } else { y }
    }
}

/// The inverse of the hyperbolic cosine of a float32, in float64: at most 0.514 ULP.
struct ArcCosh32;

impl Unary for ArcCosh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let t = x - 1.0;
        let (sum, low) = one_plus(t + (t * (t + 2.0)).sqrt());
        let y = short_ln::<FMA>(sum, low);
        let y = if x < f64::INFINITY { y } else { x };
        (if x < 1.0 { f64::NAN } else { y }) as f32
    }
}

/// The inverse of the hyperbolic tangent of a float64: at most 1.00 ULP. It is half of
/// `log1p(2*x / (1 - x))`, with the quotient to more than float64's precision.
struct ArcTanh64;

/// Outside the open interval from -1 to 1, the inverse of the hyperbolic tangent's magnitude is
/// infinity or NaN.
#[inline(always)]
fn beyond_one(magnitude: f64) -> f64 {
    if magnitude == 1.0 { f64::INFINITY } else { f64::NAN }
}

impl Unary for ArcTanh64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let magnitude = x.abs();
        let (high, low) = quotient::<FMA>((magnitude + magnitude, 0.0), lane::sum(1.0, -magnitude));
        let (sum, error) = one_plus(high);
        let y = 0.5 * ln::<FMA>(sum, error + low, 0.0);
        flip(if magnitude < 1.0 { y } else { beyond_one(magnitude) }, x.to_bits())
    }
}

/// The inverse of the hyperbolic tangent of a float32, in float64: at most 0.514 ULP.
struct ArcTanh32;

impl Unary for ArcTanh32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let magnitude = x.abs();
        let (sum, low) = one_plus((magnitude + magnitude) / (1.0 - magnitude));
        let y = 0.5 * short_ln::<FMA>(sum, low);
        flip(if magnitude < 1.0 { y } else { beyond_one(magnitude) }, x.to_bits()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{near, same};

    const INFINITY: f64 = f64::INFINITY;

    #[test]
    fn functions_are_within_budget() {
        for most in [1.0, 20.0, f64::MAX] {
            near::<Sinh64, f64>(pxfm::f_sinh, -most..most, 2.0);
            near::<Cosh64, f64>(pxfm::f_cosh, -most..most, 2.0);
            near::<Tanh64, f64>(pxfm::f_tanh, -most..most, 2.0);
            near::<Sinh32, f32>(pxfm::f_sinh, -most..most, 1.0);
            near::<Cosh32, f32>(pxfm::f_cosh, -most..most, 1.0);
            near::<Tanh32, f32>(pxfm::f_tanh, -most..most, 1.0);
        }
        near::<Sinh64, f64>(pxfm::f_sinh, -710.47..710.47, 2.0);
        near::<Cosh64, f64>(pxfm::f_cosh, -710.47..710.47, 2.0);
    }

    #[test]
    fn inverses_are_within_budget() {
        for most in [5.0, f64::MAX] {
            near::<ArcSinh64, f64>(pxfm::f_asinh, -most..most, 2.0);
            near::<ArcCosh64, f64>(pxfm::f_acosh, 0.9..most, 2.0);
            near::<ArcSinh32, f32>(pxfm::f_asinh, -most..most, 1.0);
            near::<ArcCosh32, f32>(pxfm::f_acosh, 0.9..most, 1.0);
        }
        near::<ArcTanh64, f64>(pxfm::f_atanh, -1.1..1.1, 2.0);
        near::<ArcTanh32, f32>(pxfm::f_atanh, -1.1..1.1, 1.0);
    }

    #[test]
    fn special_values() {
        for x in [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE, f64::NAN] {
            same::<Sinh64, f64>(x, x);
            same::<Tanh64, f64>(x, x);
            same::<ArcSinh64, f64>(x, x);
            same::<ArcTanh64, f64>(x, x);
            same::<Cosh64, f64>(x, 1.0 + x);
        }
        for x in [INFINITY, -INFINITY, 711.0, -711.0, f64::MAX] {
            same::<Sinh64, f64>(x, INFINITY.copysign(x));
            same::<Cosh64, f64>(x, INFINITY);
            same::<Tanh64, f64>(x, 1.0_f64.copysign(x));
        }
        same::<ArcSinh64, f64>(-INFINITY, -INFINITY);
        same::<ArcCosh64, f64>(INFINITY, INFINITY);
        same::<ArcCosh64, f64>(1.0, 0.0);
        for x in [0.999_999, 0.0, -1.0, -3.0, -INFINITY, f64::NAN] {
            same::<ArcCosh64, f64>(x, f64::NAN);
            assert!(ArcCosh32::careful::<true>(x as f32).is_nan());
        }
        for (x, y) in [(1.0, INFINITY), (-1.0, -INFINITY), (1.5, f64::NAN), (-INFINITY, f64::NAN)] {
            same::<ArcTanh64, f64>(x, y);
        }
    }
}
