//! Inverse trigonometric functions.
//!
//! One polynomial each, after the classical identities `atan(t) + atan(1/t) = pi/2` and
//! `acos(1 - 2*z) = 2*asin(sqrt(z))`: minimax ones of relative error, found by Remez's algorithm.
//!
//! The errors stated are the greatest among 4 million arguments of several distributions, with and
//! without a fused multiply-add, against references of twice the precision.

use super::dispatch::{Binary, Kernels, Unary};
use super::lane::{self, Lane, polynomial};
use super::pair::{either, flip};

/// The inverse of the sine.
pub static ARCSIN: Kernels = Kernels::unary::<ArcSin32, ArcSin64>("arcsin");
/// The inverse of the cosine.
pub static ARCCOS: Kernels = Kernels::unary::<ArcCos32, ArcCos64>("arccos");
/// The inverse of the tangent.
pub static ARCTAN: Kernels = Kernels::unary::<ArcTan32, ArcTan64>("arctan");
/// The angle of the point whose ordinate is the first argument and whose abscissa is the second.
pub static ARCTAN2: Kernels = Kernels::binary::<ArcTan2x32, ArcTan2x64>("arctan2");

/// `pi/2` to 107 bits.
const HALF_PI: [f64; 2] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17];

/// `(atan(t)/t - 1) / z` over `z = t*t`, to `2**-55` of the arc where `t <= 1`.
const ATAN_TAIL: [f64; 20] = [
    -0.3333333333333307,
    0.1999999999995189,
    -0.14285714282600956,
    0.11111111007820641,
    -0.09090907017674017,
    0.07692280018332628,
    -0.06666405585814389,
    0.05880537316449744,
    -0.052535627830957096,
    0.04722479283975825,
    -0.0421960966598668,
    0.03665109148206997,
    -0.029919088969450967,
    0.022004437003222167,
    -0.013919867469153862,
    0.007210813178328166,
    -0.002892629300371418,
    0.0008341720482472356,
    -0.00015280692398973034,
    1.3292768287692598e-05,
];
/// The same to `2**-31`.
const ATAN_TAIL_SHORT: [f64; 10] = [
    -0.33333326900013266,
    0.19999671139496916,
    -0.1427983324308385,
    0.11058224727337063,
    -0.08811094479513071,
    0.06741602395851638,
    -0.04468999140280746,
    0.022539889889186485,
    -0.007317958851906734,
    0.0011137876771224367,
];
/// `(asin(s)/s - 1) / z` over `z = s*s`, to `2**-55` of the arc where `s <= 1/2`.
const ASIN_TAIL: [f64; 12] = [
    0.16666666666665408,
    0.07500000000336995,
    0.044642856828343895,
    0.03038195913634995,
    0.022371758064759342,
    0.017359704550250505,
    0.013885237579109274,
    0.012169197554575194,
    0.006528037352479213,
    0.019528092176904703,
    -0.016223976865836987,
    0.03191207806088422,
];
/// The same to `2**-31`.
const ASIN_TAIL_SHORT: [f64; 6] = [
    0.16666659992079033,
    0.07500504163297039,
    0.044516955938988995,
    0.03180773159662231,
    0.0144385019983403,
    0.0375166486631887,
];

/// As many quarter turns, plus the arc whose tangent is `t` in `[0, 1]`, or minus that where the
/// highest bit of `sign` is set.
#[inline(always)]
fn arc<const FMA: bool>(t: f64, quarters: f64, sign: u64) -> f64 {
    let z = t * t;
    // The first steps in order: the terms are of opposite signs, and sums of every other one would
    // cancel.
    let [a, b, c, d, rest @ ..] = ATAN_TAIL;
    let tail = f64::madd::<FMA>(z, f64::madd::<FMA>(z, polynomial::<f64, FMA>(z, &rest), d), c);
    let tail = (t * z) * f64::madd::<FMA>(z, f64::madd::<FMA>(z, tail, b), a);
    let (t, tail) = (flip(t, sign), flip(tail, sign));
    // The multiples by 0, 1 and 2 are exact.
    let turn = quarters * HALF_PI[0];
    // Where the turn is zero, the order is wrong, but then nothing is rounded.
    let (high, low) = lane::sum(turn, t);
    high + (low + f64::madd::<FMA>(quarters, HALF_PI[1], tail))
}

/// The same for results in float32.
#[inline(always)]
fn short_arc<const FMA: bool>(t: f64, quarters: f64, sign: u64) -> f64 {
    let z = t * t;
    let arc = f64::madd::<FMA>(t * z, polynomial::<f64, FMA>(z, &ATAN_TAIL_SHORT), t);
    f64::madd::<FMA>(quarters, HALF_PI[0], flip(arc, sign))
}

/// A tangent in `[0, 1]` for one that is not negative, and the quarter turns and the sign with which
/// [`arc`] gives its arc. The latter are made of bits, without a condition: on a common one, the
/// compiler would do everything once for each outcome.
#[inline(always)]
fn fold_tangent(magnitude: f64) -> (f64, f64, u64) {
    let steep = magnitude > 1.0;
    let t = if steep { 1.0 } else { magnitude } / if steep { magnitude } else { 1.0 };
    let one = 1.0_f64.to_bits();
    let sign = one.wrapping_sub(magnitude.to_bits());
    (t, f64::from_bits((sign >> 63).wrapping_neg() & one), sign)
}

/// The inverse of the tangent of a float64: at most 1.26 ULP.
struct ArcTan64;

impl Unary for ArcTan64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let (t, quarters, sign) = fold_tangent(x.abs());
        flip(arc::<FMA>(t, quarters, sign), x.to_bits())
    }
}

/// The inverse of the tangent of a float32, in float64: at most 0.508 ULP.
struct ArcTan32;

impl Unary for ArcTan32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let (t, quarters, sign) = fold_tangent(x.abs());
        flip(short_arc::<FMA>(t, quarters, sign), x.to_bits()) as f32
    }
}

/// As [`fold_tangent`], of the tangent `y / x` with `y` not negative.
#[inline(always)]
fn fold_quotient(y: f64, x: f64) -> (f64, f64, u64) {
    let steep = x.abs().to_bits().wrapping_sub(y.to_bits());
    let all = (steep >> 63).wrapping_neg();
    let t = either(all, x.abs(), y) / either(all, y, x.abs());
    // Two quarters where the abscissa is negative: the bit of its sign moves to the exponent.
    let quarters = either(all, 1.0, f64::from_bits((x.to_bits() >> 63) << 62));
    (t, quarters, steep ^ x.to_bits())
}

/// Whether the quotient of two magnitudes is undefined, though their arc is not.
#[inline(always)]
fn is_undefined(y: f64, x: f64) -> bool {
    (y == x) & ((y == 0.0) | (y == f64::INFINITY))
}

/// A point in the same direction, with a quotient that is defined, where that of the point is
/// not: zeros are taken for points on the axis of abscissas, infinite coordinates for equal ones.
#[inline(always)]
fn direction(y: f64, x: f64) -> (f64, f64) {
    let infinite = (y == f64::INFINITY) & (x.abs() == f64::INFINITY);
    let zero = (y == 0.0) & (x == 0.0);
    (if infinite { 1.0 } else { y }, if infinite | zero { 1.0_f64.copysign(x) } else { x })
}

/// The angle of a point of float64 coordinates: at most 1.50 ULP. Zeros, infinities and their signs
/// are as in C99's annex F.
pub(in crate::math) struct ArcTan2x64;

impl Binary for ArcTan2x64 {
    type X = f64;
    type Z = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(y: f64, x: f64) -> (f64, bool) {
        let (t, quarters, sign) = fold_quotient(y.abs(), x);
        (flip(arc::<FMA>(t, quarters, sign), y.to_bits()), is_undefined(y.abs(), x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(y: f64, x: f64) -> f64 {
        let (ordinate, abscissa) = direction(y.abs(), x);
        let (t, quarters, sign) = fold_quotient(ordinate, abscissa);
        flip(arc::<FMA>(t, quarters, sign), y.to_bits())
    }
}

/// The angle of a point of float32 coordinates, in float64: at most 0.508 ULP.
struct ArcTan2x32;

impl Binary for ArcTan2x32 {
    type X = f32;
    type Z = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(y: f32, x: f32) -> (f32, bool) {
        let (y, x) = (f64::from(y), f64::from(x));
        let (t, quarters, sign) = fold_quotient(y.abs(), x);
        (flip(short_arc::<FMA>(t, quarters, sign), y.to_bits()) as f32, is_undefined(y.abs(), x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(y: f32, x: f32) -> f32 {
        let (y, x) = (f64::from(y), f64::from(x));
        let (ordinate, abscissa) = direction(y.abs(), x);
        let (t, quarters, sign) = fold_quotient(ordinate, abscissa);
        flip(short_arc::<FMA>(t, quarters, sign), y.to_bits()) as f32
    }
}

/// A sine in `[0, 1/2]` for one that is not negative, its square, and whether it is that of half the
/// rest of the arc to a quarter turn.
#[inline(always)]
fn fold_sine(magnitude: f64) -> (f64, f64, bool) {
    let steep = magnitude > 0.5;
    let z = if steep { 0.5 - 0.5 * magnitude } else { magnitude * magnitude };
    (if steep { z.sqrt() } else { magnitude }, z, steep)
}

/// The arc whose sine is `s`, of which `z` is the square, less `s`.
#[inline(always)]
fn tail_of_sine<const FMA: bool>(s: f64, z: f64) -> f64 {
    (s * z) * polynomial::<f64, FMA>(z, &ASIN_TAIL)
}

/// The same for results in float32.
#[inline(always)]
fn short_tail_of_sine<const FMA: bool>(s: f64, z: f64) -> f64 {
    (s * z) * polynomial::<f64, FMA>(z, &ASIN_TAIL_SHORT)
}

/// From the sine of [`fold_sine`] and the rest of its arc to the inverse of the sine.
#[inline(always)]
fn unfold_sine(s: f64, tail: f64, steep: bool, sign: u64) -> f64 {
    let (high, low) = lane::sum(HALF_PI[0], -(s + s));
    let low = low + (HALF_PI[1] - (tail + tail));
    flip(if steep { high } else { s } + if steep { low } else { tail }, sign)
}

/// From the sine of [`fold_sine`] and the rest of its arc to the inverse of the cosine.
#[inline(always)]
fn unfold_cosine(s: f64, tail: f64, steep: bool, sign: u64) -> f64 {
    let backwards = sign >> 63 != 0;
    let quarters = if steep { if backwards { 2.0 } else { 0.0 } } else { 1.0 };
    let times = if steep { 2.0 } else { 1.0 };
    let times = if steep == backwards { -times } else { times };
    // Where there are no quarter turns, the order is wrong, but then nothing is rounded.
    let (high, low) = lane::sum(quarters * HALF_PI[0], times * s);
    high + (low + (quarters * HALF_PI[1] + times * tail))
}

/// The inverse of the sine of a float64: at most 1.27 ULP.
struct ArcSin64;

impl Unary for ArcSin64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let (s, z, steep) = fold_sine(x.abs());
        unfold_sine(s, tail_of_sine::<FMA>(s, z), steep, x.to_bits())
    }
}

/// The inverse of the cosine of a float64: at most 1.21 ULP.
struct ArcCos64;

impl Unary for ArcCos64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let (s, z, steep) = fold_sine(x.abs());
        unfold_cosine(s, tail_of_sine::<FMA>(s, z), steep, x.to_bits())
    }
}

/// The inverse of the sine of a float32, in float64: at most 0.506 ULP.
struct ArcSin32;

impl Unary for ArcSin32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let (s, z, steep) = fold_sine(x.abs());
        unfold_sine(s, short_tail_of_sine::<FMA>(s, z), steep, x.to_bits()) as f32
    }
}

/// The inverse of the cosine of a float32, in float64: at most 0.506 ULP.
struct ArcCos32;

impl Unary for ArcCos32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let x = f64::from(x);
        let (s, z, steep) = fold_sine(x.abs());
        unfold_cosine(s, short_tail_of_sine::<FMA>(s, z), steep, x.to_bits()) as f32
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

    use super::*;
    use crate::math::block::check::{near, near_of_two, same, same_of_two};

    const INFINITY: f64 = f64::INFINITY;

    #[test]
    fn arcs_are_within_budget() {
        near::<ArcSin64, f64>(pxfm::f_asin, -1.1..1.1, 2.0);
        near::<ArcCos64, f64>(pxfm::f_acos, -1.1..1.1, 2.0);
        near::<ArcSin32, f32>(pxfm::f_asin, -1.1..1.1, 1.0);
        near::<ArcCos32, f32>(pxfm::f_acos, -1.1..1.1, 1.0);
        for most in [3.0, f64::MAX] {
            near::<ArcTan64, f64>(pxfm::f_atan, -most..most, 2.0);
            near::<ArcTan32, f32>(pxfm::f_atan, -most..most, 1.0);
            near_of_two::<ArcTan2x64, f64>(pxfm::f_atan2, [-most..most, -most..most], 2.0);
        }
    }

    #[test]
    fn special_values() {
        for x in [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE] {
            same::<ArcSin64, f64>(x, x);
            same::<ArcTan64, f64>(x, x);
        }
        for x in [1.5, -1.000_000_1, INFINITY, -INFINITY, f64::NAN] {
            same::<ArcSin64, f64>(x, f64::NAN);
            same::<ArcCos64, f64>(x, f64::NAN);
            assert!(ArcSin32::careful::<true>(x as f32).is_nan() && ArcCos32::careful::<true>(x as f32).is_nan());
        }
        same::<ArcSin64, f64>(-1.0, -FRAC_PI_2);
        for (x, y) in [(1.0, 0.0), (-1.0, PI), (0.0, FRAC_PI_2), (-0.0, FRAC_PI_2)] {
            same::<ArcCos64, f64>(x, y);
        }
        for (x, y) in [(INFINITY, FRAC_PI_2), (-INFINITY, -FRAC_PI_2), (1.0, FRAC_PI_4), (f64::NAN, f64::NAN)] {
            same::<ArcTan64, f64>(x, y);
        }
    }

    #[test]
    fn angles_of_special_points() {
        for (y, x, angle) in [
            (0.0, 0.0, 0.0),
            (0.0, -0.0, PI),
            (0.0, 1.0, 0.0),
            (0.0, -1.0, PI),
            (1.0, 0.0, FRAC_PI_2),
            (1.0, -0.0, FRAC_PI_2),
            (1.0, INFINITY, 0.0),
            (1.0, -INFINITY, PI),
            (INFINITY, 1.0, FRAC_PI_2),
            (INFINITY, -1.0, FRAC_PI_2),
            (INFINITY, INFINITY, FRAC_PI_4),
            (INFINITY, -INFINITY, 3.0 * FRAC_PI_4),
            (5e-324, -5e-324, 3.0 * FRAC_PI_4),
            (5e-324, f64::MAX, 0.0),
            (f64::MAX, 5e-324, FRAC_PI_2),
        ] {
            same_of_two::<ArcTan2x64, f64>(y, x, angle);
            same_of_two::<ArcTan2x64, f64>(-y, x, -angle);
            assert_eq!(ArcTan2x32::careful::<true>(y as f32, x as f32).to_bits(), (y as f32).atan2(x as f32).to_bits());
        }
        for (y, x) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, INFINITY), (0.0, f64::NAN)] {
            same_of_two::<ArcTan2x64, f64>(y, x, f64::NAN);
        }
    }
}
