//! The negative binomial distribution: failures before there are `size` successes, which have the
//! probability `p`; `size` is any positive number.
//!
//! Prepared parameters: `norm(size)` of `pmf`, `log_norm(size)` of `logpmf`.

use super::counts::{self, Cell, Mass, Moments, saddle_point, search};
use crate::math::block::lane::any_sum;
use crate::math::special::FMA;
use crate::math::special::beta;
use crate::math::special::incomplete_beta::{GREATEST_SHAPE, LEAST_SHAPE};
use crate::math::special::ratio::{
    add, log_ratio, log_stirling_quotient, multiply, stirling_quotient, subtract, times,
};
use crate::math::special::tail::{Side, Tail};

/// Whether the parameters are in their domain.
fn is_valid(size: f64, p: f64) -> bool {
    size > 0.0 && size < f64::INFINITY && p > 0.0 && p <= 1.0
}

/// What depends on `size` alone.
pub fn norm(size: f64) -> f64 {
    1.0 / stirling_quotient(size)
}

/// The logarithm of [`norm`].
pub fn log_norm(size: f64) -> f64 {
    -log_stirling_quotient(size)
}

/// The probability of `x`, but for the norm.
///
/// It is `size / (size + x)` times the binomial one of `size` among `size + x` (Loader, section 5).
fn mass(x: f64, size: f64, p: f64) -> Mass {
    if !is_valid(size, p) || x.is_nan() {
        return Mass::Certain(f64::NAN);
    }
    if !((0.0..GREATEST_SHAPE).contains(&x) && x.floor() == x) {
        return Mass::Certain(0.0);
    }
    if p == 1.0 {
        return Mass::Certain(if x == 0.0 { 1.0 } else { 0.0 });
    }
    let size = size.clamp(LEAST_SHAPE, GREATEST_SHAPE);
    let q = any_sum(1.0, -p);
    let n = any_sum(size, x);
    // What is expected of failures, less what there is.
    let d = subtract(times::<FMA>(size, q), times::<FMA>(x, (p, 0.0)));
    let successes = log_ratio::<FMA>(size, (-d.0, -d.1), times::<FMA>(p, n));
    let exponent = saddle_point([Cell { count: x, d, mean: multiply::<FMA>(q, n) }]);
    let factor = stirling_quotient(n.0) / counts::size(x).sqrt() * (size / n.0);
    Mass::Power(factor, add(exponent, successes.weighted))
}

/// The probability of `x`.
pub fn pmf(x: f64, size: f64, p: f64, norm: f64) -> f64 {
    mass(x, size, p).value(norm)
}

/// Its logarithm.
pub fn logpmf(x: f64, size: f64, p: f64, log_norm: f64) -> f64 {
    match mass(x, size, p) {
        Mass::Power(..) if x == 0.0 => size * p.ln(),
        mass => mass.log(log_norm),
    }
}

/// The tail at `x`.
fn tail_at(x: f64, size: f64, p: f64) -> Tail {
    let x = x.floor();
    if !is_valid(size, p) || x.is_nan() {
        Tail::NAN
    } else if x < 0.0 {
        Tail::zero(false)
    } else if x > GREATEST_SHAPE {
        Tail::zero(true)
    } else {
        // The probability of no more than x is I_p(size, x + 1).
        beta::tail_at(p, size, x + 1.0, beta::norm(size, x + 1.0))
    }
}

fn probability(x: f64, size: f64, p: f64, side: Side) -> f64 {
    tail_at(x, size, p).probability(side)
}

fn quantile(q: f64, size: f64, p: f64, side: Side) -> f64 {
    if !is_valid(size, p) {
        return f64::NAN;
    }
    let mean = size * ((1.0 - p) / p);
    let moments = Moments { mean, deviation: (mean / p).sqrt(), skewness: (2.0 - p) / (size * (1.0 - p)).sqrt() };
    search(q, side, (0.0, f64::INFINITY), moments, |x| tail_at(x, size, p))
}

sides!(size, p);
