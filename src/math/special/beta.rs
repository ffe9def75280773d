//! The beta function, the regularised incomplete beta function and its inverses.

use super::FMA;
use super::incomplete_beta::{LEAST_SHAPE, Point, Quantile, Tail, Target, norm, solve, tail};
use crate::math::block::lane::any_sum;

/// Shapes that functions of an incomplete beta take: `None` gives NaN.
pub(in crate::math) fn shapes(a: f64, b: f64) -> Option<(f64, f64)> {
    let is_valid = a > 0.0 && b > 0.0 && a < f64::INFINITY && b < f64::INFINITY;
    is_valid.then(|| (a.max(LEAST_SHAPE), b.max(LEAST_SHAPE)))
}

/// The tail of the beta distribution at `x`; what is beyond the support is at its ends.
pub(in crate::math) fn tail_at(x: f64, a: f64, b: f64, norm: f64) -> Option<Tail> {
    let (a, b) = shapes(a, b)?;
    if x.is_nan() {
        return None;
    }
    let x = x.clamp(0.0, 1.0);
    Some(tail(Point::new::<FMA>(a, b, (x, 0.0), any_sum(1.0, -x)), norm))
}

/// The quantile for a probability, or its logarithm, below or above it.
pub(in crate::math) fn quantile(p: f64, a: f64, b: f64, norm: f64, upper: bool, is_log: bool) -> Option<Quantile> {
    let (a, b) = shapes(a, b)?;
    let (none, all) = if is_log { (f64::NEG_INFINITY, 0.0) } else { (0.0, 1.0) };
    if !(none..=all).contains(&p) {
        return None;
    }
    if p == none || p == all {
        let x = if (p == all) == upper { 0.0 } else { 1.0 };
        return Some(Quantile { x, y: 1.0 - x, log: None });
    }
    let target = if is_log { Target::of_log(p, upper) } else { Target::of(p, upper) };
    Some(solve(a, b, norm, target))
}

/// The regularised incomplete beta function `I_x(a, b)`, for positive `a` and `b` and `x` in [0, 1];
/// NaN elsewhere. Zero shapes are limits: all of the probability is at 0, or at 1.
pub fn betainc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, false)
}

/// Its complement, `1 - I_x(a, b)`.
pub fn betaincc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, true)
}

fn regularised(a: f64, b: f64, x: f64, upper: bool) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    // Limits as in SciPy: a distribution at one point.
    let is_at_zero = a == 0.0 && b > 0.0 || b == f64::INFINITY && a > 0.0 && a < b;
    let is_at_one = b == 0.0 && a > 0.0 || a == f64::INFINITY && b > 0.0 && b < a;
    if is_at_zero || is_at_one {
        let is_below = if is_at_zero { x > 0.0 } else { x == 1.0 };
        return if is_below != upper { 1.0 } else { 0.0 };
    }
    tail_at(x, a, b, norm(a, b)).map_or(f64::NAN, |tail| tail.probability(upper))
}

/// The `x` with `I_x(a, b) = p`; NaN for `p` outside of [0, 1] and shapes that are not positive.
pub fn betaincinv(a: f64, b: f64, p: f64) -> f64 {
    quantile(p, a, b, norm(a, b), false, false).map_or(f64::NAN, |point| point.x)
}

/// The `x` with `1 - I_x(a, b) = p`.
pub fn betainccinv(a: f64, b: f64, p: f64) -> f64 {
    quantile(p, a, b, norm(a, b), true, false).map_or(f64::NAN, |point| point.x)
}
