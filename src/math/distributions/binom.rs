//! The binomial distribution: successes in `n` trials with probability `p` each.
//!
//! Prepared parameters: `norm(n)` of `pmf`, `log_norm(n)` of `logpmf`.

use super::counts::{Cell, Level, Moments, saddle_point, search, size};
use crate::math::block::lane::any_sum;
use crate::math::special::FMA;
use crate::math::special::incomplete_beta::{Point, Tail, norm as beta_norm, tail};
use crate::math::special::ratio::{Pair, exp_pair, log_stirling_quotient, stirling_quotient, subtract, times};

/// Whether the parameters are in their domain.
fn is_valid(n: f64, p: f64) -> bool {
    (0.0..f64::INFINITY).contains(&n) && n.floor() == n && (0.0..=1.0).contains(&p)
}

/// What depends on the number of trials alone.
pub fn norm(n: f64) -> f64 {
    stirling_quotient(n)
}

/// The logarithm of [`norm`].
pub fn log_norm(n: f64) -> f64 {
    log_stirling_quotient(n)
}

/// The product of a number and `1 - p`.
fn of_failures(n: f64, p: f64) -> Pair {
    let q = any_sum(1.0, -p);
    let (high, low) = times::<FMA>(q.0, (n, 0.0));
    (high, low + n * q.1)
}

/// The probability as a factor and an exponent, but for the norm, of an integer in the support.
fn parts(x: f64, n: f64, p: f64) -> (f64, Pair) {
    let mean = times::<FMA>(n, (p, 0.0));
    let d = subtract(mean, (x, 0.0));
    let exponent =
        saddle_point([Cell { count: x, d, mean }, Cell { count: n - x, d: (-d.0, -d.1), mean: of_failures(n, p) }]);
    (1.0 / (size(x).sqrt() * size(n - x).sqrt()), exponent)
}

/// The probability of certain points, which the saddle point is not for.
fn certain(x: f64, n: f64, p: f64) -> Option<f64> {
    if !is_valid(n, p) || x.is_nan() {
        Some(f64::NAN)
    } else if !((0.0..=n).contains(&x) && x.floor() == x) {
        Some(0.0)
    } else if p == 0.0 || p == 1.0 {
        Some(if x == n * p { 1.0 } else { 0.0 })
    } else {
        None
    }
}

/// The probability of `x`.
pub fn pmf(x: f64, n: f64, p: f64, norm: f64) -> f64 {
    certain(x, n, p).unwrap_or_else(|| {
        let (factor, exponent) = parts(x, n, p);
        exp_pair::<FMA>(exponent, factor * norm)
    })
}

/// Its logarithm.
pub fn logpmf(x: f64, n: f64, p: f64, log_norm: f64) -> f64 {
    certain(x, n, p).map(f64::ln).unwrap_or_else(|| {
        // The ends, where the result may be near 0.
        if x == 0.0 {
            return n * (-p).ln_1p();
        } else if x == n {
            return n * p.ln();
        }
        let (factor, exponent) = parts(x, n, p);
        exponent.0 + ((factor.ln() + log_norm) + exponent.1)
    })
}

/// The tail at `x`, upper or lower.
fn tail_at(x: f64, n: f64, p: f64) -> Result<Tail, f64> {
    let x = x.floor();
    // The probability up to x where it is certain.
    if !is_valid(n, p) || x.is_nan() {
        return Err(f64::NAN);
    }
    if x < 0.0 {
        return Err(0.0);
    }
    if x >= n || p == 0.0 {
        return Err(1.0);
    }
    if p == 1.0 {
        return Err(0.0);
    }
    // The probability of more than x is I_p(x + 1, n - x).
    let (a, b) = (x + 1.0, n - x);
    let point = Point::new::<FMA>(a, b, (p, 0.0), any_sum(1.0, -p));
    Ok(tail(point, beta_norm(a, b)).mirrored())
}

fn probability(x: f64, n: f64, p: f64, upper: bool) -> f64 {
    match tail_at(x, n, p) {
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

fn log_probability(x: f64, n: f64, p: f64, upper: bool) -> f64 {
    match tail_at(x, n, p) {
        Ok(tail) => tail.log_probability(upper),
        Err(below) => (if upper { 1.0 - below } else { below }).ln(),
    }
}

fn quantile(level: Level, n: f64, p: f64) -> f64 {
    if !is_valid(n, p) {
        return f64::NAN;
    }
    let variance = of_failures(n * p, p).0;
    let deviation = variance.sqrt();
    let moments = Moments { mean: n * p, deviation, skewness: (1.0 - 2.0 * p) / deviation };
    search(level, 0.0, n, moments, |x| {
        if level.is_log { log_probability(x, n, p, level.upper) } else { probability(x, n, p, level.upper) }
    })
}

/// The probability up to `x`.
pub fn cdf(x: f64, n: f64, p: f64) -> f64 {
    probability(x, n, p, false)
}

/// The probability beyond `x`.
pub fn sf(x: f64, n: f64, p: f64) -> f64 {
    probability(x, n, p, true)
}

/// The logarithm of [`cdf`].
pub fn logcdf(x: f64, n: f64, p: f64) -> f64 {
    log_probability(x, n, p, false)
}

/// The logarithm of [`sf`].
pub fn logsf(x: f64, n: f64, p: f64) -> f64 {
    log_probability(x, n, p, true)
}

/// The least integer with at least this probability up to it.
pub fn ppf(q: f64, n: f64, p: f64) -> f64 {
    quantile(Level { p: q, upper: false, is_log: false }, n, p)
}

/// The least integer with at most this probability beyond it.
pub fn isf(q: f64, n: f64, p: f64) -> f64 {
    quantile(Level { p: q, upper: true, is_log: false }, n, p)
}

/// [`ppf`] of a probability's logarithm.
pub fn ppf_log(log_q: f64, n: f64, p: f64) -> f64 {
    quantile(Level { p: log_q, upper: false, is_log: true }, n, p)
}

/// [`isf`] of a probability's logarithm.
pub fn isf_log(log_q: f64, n: f64, p: f64) -> f64 {
    quantile(Level { p: log_q, upper: true, is_log: true }, n, p)
}
