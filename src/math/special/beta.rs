//! The beta function, the regularised incomplete beta function and its inverses.

use super::FMA;
use super::incomplete_beta::{self, GREATEST_SHAPE, LEAST_SHAPE, Point, Quantile, log_gamma_ratio, solve, tail};
use super::ratio::{Pair, add, exp_pair, log_ratio, times};
use super::tail::{Side, Tail, Target};
use crate::math::block::lane::any_sum;

/// Shapes that functions of an incomplete beta take: `None` gives NaN.
pub(in crate::math) fn shapes(a: f64, b: f64) -> Option<(f64, f64)> {
    let is_valid = a > 0.0 && b > 0.0 && a < f64::INFINITY && b < f64::INFINITY;
    is_valid.then(|| (a.clamp(LEAST_SHAPE, GREATEST_SHAPE), b.clamp(LEAST_SHAPE, GREATEST_SHAPE)))
}

/// [`incomplete_beta::norm`] of shapes in their domain.
pub(in crate::math) fn norm(a: f64, b: f64) -> f64 {
    shapes(a, b).map_or(f64::NAN, |(a, b)| incomplete_beta::norm(a, b))
}

/// The tail of the beta distribution at `x`; what is beyond the support is at its ends.
pub(in crate::math) fn tail_at(x: f64, a: f64, b: f64, norm: f64) -> Tail {
    let Some((a, b)) = shapes(a, b) else { return Tail::NAN };
    let x = x.clamp(0.0, 1.0);
    tail(Point::new::<FMA>(a, b, (x, 0.0), any_sum(1.0, -x)), norm)
}

/// The quantile for a probability.
pub(in crate::math) fn quantile(p: f64, a: f64, b: f64, norm: f64, side: Side) -> Quantile {
    let (Some((a, b)), Some(target)) = (shapes(a, b), Target::of(p, side)) else { return Quantile::NAN };
    solve(a, b, norm, target)
}

/// The regularised incomplete beta function `I_x(a, b)`, for positive `a` and `b` and `x` in [0, 1];
/// NaN elsewhere. Zero shapes are limits: all of the probability is at 0, or at 1.
pub fn betainc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, Side::LOWER)
}

/// Its complement, `1 - I_x(a, b)`.
pub fn betaincc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, Side::UPPER)
}

/// The logarithm of [`betainc`].
pub fn log_betainc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, Side::LOG_LOWER)
}

/// The logarithm of [`betaincc`].
pub fn log_betaincc(a: f64, b: f64, x: f64) -> f64 {
    regularised(a, b, x, Side::LOG_UPPER)
}

fn regularised(a: f64, b: f64, x: f64, side: Side) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    // Limits as in SciPy: a distribution at one point.
    let is_at_zero = a == 0.0 && b > 0.0 || b == f64::INFINITY && a > 0.0 && a < b;
    let is_at_one = b == 0.0 && a > 0.0 || a == f64::INFINITY && b > 0.0 && b < a;
    let tail = if is_at_zero {
        Tail::zero(x > 0.0)
    } else if is_at_one {
        Tail::zero(x == 1.0)
    } else {
        tail_at(x, a, b, norm(a, b))
    };
    tail.probability(side)
}

/// The `x` with `I_x(a, b) = p`; NaN for `p` outside of [0, 1] and shapes that are not positive.
pub fn betaincinv(a: f64, b: f64, p: f64) -> f64 {
    quantile(p, a, b, norm(a, b), Side::LOWER).x
}

/// The `x` with `1 - I_x(a, b) = p`.
pub fn betainccinv(a: f64, b: f64, p: f64) -> f64 {
    quantile(p, a, b, norm(a, b), Side::UPPER).x
}

/// The `x` with a logarithm of `I_x(a, b)`.
pub fn log_betaincinv(a: f64, b: f64, log_p: f64) -> f64 {
    quantile(log_p, a, b, norm(a, b), Side::LOG_LOWER).x
}

/// The `x` with a logarithm of `1 - I_x(a, b)`.
pub fn log_betainccinv(a: f64, b: f64, log_q: f64) -> f64 {
    quantile(log_q, a, b, norm(a, b), Side::LOG_UPPER).x
}

/// The beta function `Γ(a) Γ(b) / Γ(a + b)`: as in SciPy also for negative arguments, and infinite at its
/// poles.
pub fn beta(a: f64, b: f64) -> f64 {
    match continued(a, b) {
        Form::Limit(sign, log) => sign * log.exp(),
        Form::Product(factor, a, b, power) => {
            let (high, low) = log_peak(a, b);
            let scale = peak(a, b);
            let (small, large) = if a < b { (a, b) } else { (b, a) };
            if small < SMALL {
                let value = (log_gamma_ratio(1.0, small, 1.0) - log_gamma_ratio(large, small, 1.0)).exp() / small;
                factor * if power > 0 { value } else { 1.0 / value }
            } else if power > 0 {
                exp_pair::<FMA>((-high, -low), factor / scale)
            } else {
                exp_pair::<FMA>((high, low), factor * scale)
            }
        }
    }
}

/// Below this the gamma function of an argument is its reciprocal times an exponential near 1.
const SMALL: f64 = 0.01;

/// The logarithm of the beta function's magnitude.
pub fn betaln(a: f64, b: f64) -> f64 {
    match continued(a, b) {
        Form::Limit(_, log) => log,
        Form::Product(factor, a, b, power) => {
            let log = log_beta(a, b);
            let factor = if factor.abs() == 1.0 { 0.0 } else { factor.abs().ln() };
            if power > 0 { log + factor } else { factor - log }
        }
    }
}

/// The beta function in terms of that of positive arguments.
enum Form {
    /// A sign and the logarithm of a zero or a pole, or NaN.
    Limit(f64, f64),
    /// A factor, arguments, and the power of their beta function: 1 or -1.
    Product(f64, f64, f64, i32),
}

/// By the reflection formula (DLMF 5.5.3) of the gamma functions of negative arguments.
fn continued(a: f64, b: f64) -> Form {
    use std::f64::consts::PI;
    if a.is_nan() || b.is_nan() {
        return Form::Limit(1.0, f64::NAN);
    }
    let is_pole = |x: f64| x <= 0.0 && x.floor() == x;
    if is_pole(a) || is_pole(b) {
        let (pole, other) = if is_pole(a) { (a, b) } else { (b, a) };
        // Where the pole of one gamma function is cancelled by that of the sum.
        let mirror = 1.0 - pole - other;
        if other.floor() == other && other > 0.0 && mirror > 0.0 && mirror < f64::INFINITY {
            let sign = if other % 2.0 == 0.0 { 1.0 } else { -1.0 };
            return Form::Product(sign, mirror, other, 1);
        }
        return Form::Limit(1.0, f64::INFINITY);
    }
    if a == f64::INFINITY || b == f64::INFINITY {
        return Form::Limit(1.0, if a > 0.0 && b > 0.0 { f64::NEG_INFINITY } else { f64::NAN });
    }
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        return Form::Limit(1.0, f64::NAN);
    }
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    let sum = any_sum(a, b);
    let total = sum.0;
    if a > 0.0 {
        return Form::Product(1.0, a, b, 1);
    }
    if is_pole(total) {
        return Form::Limit(1.0, f64::NEG_INFINITY);
    }
    if b > 0.0 && total > 0.0 {
        Form::Product(PI / (sin_pi((a, 0.0)) * b), 1.0 - a, total, -1)
    } else if b > 0.0 {
        Form::Product(sin_pi(sum) / sin_pi((a, 0.0)), 1.0 - total, b, 1)
    } else {
        Form::Product(PI * sin_pi(sum) / (sin_pi((a, 0.0)) * sin_pi((b, 0.0)) * (1.0 - total)), 1.0 - a, 1.0 - b, -1)
    }
}

/// `sin(πx)`, which is 0 at integers.
fn sin_pi((x, low): Pair) -> f64 {
    let nearest = x.round();
    let value = (std::f64::consts::PI * ((x - nearest) + low)).sin();
    if nearest % 2.0 == 0.0 { value } else { -value }
}

/// `log((a + b)^(a + b) / (a^a b^b))`.
fn log_peak(a: f64, b: f64) -> Pair {
    let n = any_sum(a, b);
    let part = |a: f64, b: f64| times::<FMA>(a, log_ratio::<FMA>(a, (b, 0.0), n).log);
    add(part(a, b), part(b, a))
}

/// `a^a b^b / ((a + b)^(a + b) B(a, b))`.
fn peak(a: f64, b: f64) -> f64 {
    incomplete_beta::norm(a, b) * (a / (a + b)) * (b / (a + b))
}

/// `log(B(a, b))` for positive arguments.
fn log_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if small < 1.0 {
        // Γ(small) = Γ(small + 1) / small.
        log_gamma_ratio(1.0, small, 1.0) - log_gamma_ratio(large, small, 1.0) - small.ln()
    } else {
        let (high, low) = log_peak(a, b);
        -high - (low + peak(a, b).ln())
    }
}
