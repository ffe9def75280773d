//! The negative binomial distribution: failures before there are `size` successes, which have the
//! probability `p`; `size` is any positive number.
//!
//! Prepared parameters: `norm(size)` of `pmf`, `log_norm(size)` of `logpmf`.

use super::counts::{self, Cell, Level, Moments, saddle_point, search};
use crate::math::block::lane::any_sum;
use crate::math::special::FMA;
use crate::math::special::incomplete_beta::{GREATEST_SHAPE, LEAST_SHAPE, Point, Tail, norm as beta_norm, tail};
use crate::math::special::ratio::{
    Pair, add, exp_pair, log_ratio, log_stirling_quotient, stirling_quotient, subtract, times,
};

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

/// The probability as a factor and an exponent, but for the norm, of an integer in the support.
///
/// It is `size / (size + x)` times the binomial one of `size` among `size + x` (Loader, section 5).
fn parts(x: f64, size: f64, p: f64) -> (f64, Pair) {
    let size = size.clamp(LEAST_SHAPE, GREATEST_SHAPE);
    let q = any_sum(1.0, -p);
    let n = any_sum(size, x);
    let product = |q: Pair| {
        let (high, low) = times::<FMA>(q.0, n);
        (high, low + q.1 * n.0)
    };
    let failures = {
        let (high, low) = times::<FMA>(q.0, (size, 0.0));
        (high, low + q.1 * size)
    };
    // What is expected of failures, less what there is.
    let d = subtract(failures, times::<FMA>(x, (p, 0.0)));
    let successes = log_ratio::<FMA>(size, (-d.0, -d.1), product((p, 0.0)));
    let exponent = saddle_point([Cell { count: x, d, mean: product(q) }]);
    let factor = stirling_quotient(n.0) / counts::size(x).sqrt() * (size / n.0);
    (factor, add(exponent, successes.weighted))
}

/// The probability of certain points, which the saddle point is not for.
fn certain(x: f64, size: f64, p: f64) -> Option<f64> {
    if !is_valid(size, p) || x.is_nan() {
        Some(f64::NAN)
    } else if !((0.0..GREATEST_SHAPE).contains(&x) && x.floor() == x) {
        Some(0.0)
    } else if p == 1.0 {
        Some(if x == 0.0 { 1.0 } else { 0.0 })
    } else {
        None
    }
}

/// The probability of `x`.
pub fn pmf(x: f64, size: f64, p: f64, norm: f64) -> f64 {
    certain(x, size, p).unwrap_or_else(|| {
        let (factor, exponent) = parts(x, size, p);
        exp_pair::<FMA>(exponent, factor * norm)
    })
}

/// Its logarithm.
pub fn logpmf(x: f64, size: f64, p: f64, log_norm: f64) -> f64 {
    certain(x, size, p).map(f64::ln).unwrap_or_else(|| {
        if x == 0.0 {
            return size * p.ln();
        }
        let (factor, exponent) = parts(x, size, p);
        exponent.0 + ((factor.ln() + log_norm) + exponent.1)
    })
}

/// The tail at `x`, upper or lower.
fn tail_at(x: f64, size: f64, p: f64) -> Result<Tail, f64> {
    let x = x.floor();
    // The probability up to x where it is certain.
    if !is_valid(size, p) || x.is_nan() {
        return Err(f64::NAN);
    }
    if x < 0.0 {
        return Err(0.0);
    }
    if x > GREATEST_SHAPE || p == 1.0 {
        return Err(1.0);
    }
    // The probability of no more than x is I_p(size, x + 1).
    let (a, b) = (size.clamp(LEAST_SHAPE, GREATEST_SHAPE), x + 1.0);
    let point = Point::new::<FMA>(a, b, (p, 0.0), any_sum(1.0, -p));
    Ok(tail(point, beta_norm(a, b)))
}

fn probability(x: f64, size: f64, p: f64, upper: bool) -> f64 {
    match tail_at(x, size, p) {
        Ok(tail) => tail.probability(upper),
        Err(below) => {
            if upper {
                1.0 - below
            } else {
                below
            }
        }
    }
}

fn log_probability(x: f64, size: f64, p: f64, upper: bool) -> f64 {
    match tail_at(x, size, p) {
        Ok(tail) => tail.log_probability(upper),
        Err(below) => (if upper { 1.0 - below } else { below }).ln(),
    }
}

fn quantile(level: Level, size: f64, p: f64) -> f64 {
    if !is_valid(size, p) {
        return f64::NAN;
    }
    let mean = size * ((1.0 - p) / p);
    let deviation = (mean / p).sqrt();
    let moments = Moments { mean, deviation, skewness: (2.0 - p) / (size * (1.0 - p)).sqrt() };
    search(level, 0.0, f64::INFINITY, moments, |x| {
        if level.is_log { log_probability(x, size, p, level.upper) } else { probability(x, size, p, level.upper) }
    })
}

/// The probability up to `x`.
pub fn cdf(x: f64, size: f64, p: f64) -> f64 {
    probability(x, size, p, false)
}

/// The probability beyond `x`.
pub fn sf(x: f64, size: f64, p: f64) -> f64 {
    probability(x, size, p, true)
}

/// The logarithm of [`cdf`].
pub fn logcdf(x: f64, size: f64, p: f64) -> f64 {
    log_probability(x, size, p, false)
}

/// The logarithm of [`sf`].
pub fn logsf(x: f64, size: f64, p: f64) -> f64 {
    log_probability(x, size, p, true)
}

/// The least integer with at least this probability up to it.
pub fn ppf(q: f64, size: f64, p: f64) -> f64 {
    quantile(Level { p: q, upper: false, is_log: false }, size, p)
}

/// The least integer with at most this probability beyond it.
pub fn isf(q: f64, size: f64, p: f64) -> f64 {
    quantile(Level { p: q, upper: true, is_log: false }, size, p)
}

/// [`ppf`] of a probability's logarithm.
pub fn ppf_log(log_q: f64, size: f64, p: f64) -> f64 {
    quantile(Level { p: log_q, upper: false, is_log: true }, size, p)
}

/// [`isf`] of a probability's logarithm.
pub fn isf_log(log_q: f64, size: f64, p: f64) -> f64 {
    quantile(Level { p: log_q, upper: true, is_log: true }, size, p)
}
