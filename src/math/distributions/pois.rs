//! Poisson's distribution with mean `mu >= 0`, on the whole numbers from 0.
//!
//! Nothing is prepared: what costs depends on x too. Means that are negative or infinite give NaN.

use super::discrete::least;
use crate::math::special::FMA;
use crate::math::special::gamma::{Tail, Target, prefactor, tails};
use crate::math::special::ratio::exp_pair;
use crate::math::special::saddle_point::deviance_pair;

fn is_valid(mu: f64) -> bool {
    (0.0..f64::INFINITY).contains(&mu)
}

/// The probability at k, a whole number from 0 on, as `exp(high + low) * factor`: Loader's saddle-point form, where
/// `1 / (√(2πk) exp(stirling_error(k)))` is the gamma functions' prefactor over k.
fn mass(k: f64, mu: f64) -> ((f64, f64), f64) {
    if k == 0.0 {
        ((-mu, 0.0), 1.0)
    } else {
        let (high, low) = deviance_pair(k, mu);
        ((-high, -low), prefactor(k) / k)
    }
}

/// The probability at x.
pub fn pmf(x: f64, mu: f64) -> f64 {
    if !is_valid(mu) || x.is_nan() {
        f64::NAN
    } else if x < 0.0 || x.floor() != x || x == f64::INFINITY {
        0.0
    } else {
        let (exponent, factor) = mass(x, mu);
        exp_pair::<FMA>(exponent, factor)
    }
}

/// The logarithm of [`pmf`].
pub fn logpmf(x: f64, mu: f64) -> f64 {
    if !is_valid(mu) || x.is_nan() {
        f64::NAN
    } else if x < 0.0 || x.floor() != x || x == f64::INFINITY {
        -f64::INFINITY
    } else {
        let ((high, low), factor) = mass(x, mu);
        high + (low + factor.ln())
    }
}

/// The tails at x: that of a gamma variate of shape `floor(x) + 1`, which is beyond mu as often as Poisson's is up to
/// x. So its upper one is Poisson's lower one.
fn tail(x: f64, mu: f64) -> Tail {
    if !is_valid(mu) || x.is_nan() {
        Tail::exactly(false, f64::NAN)
    } else if x < 0.0 {
        Tail::exactly(true, 0.0)
    } else if x == f64::INFINITY {
        Tail::exactly(false, 0.0)
    } else {
        let shape = x.floor() + 1.0;
        tails(shape, mu, prefactor(shape))
    }
}

/// The probability up to x.
pub fn cdf(x: f64, mu: f64) -> f64 {
    tail(x, mu).upper()
}

/// The probability beyond x.
pub fn sf(x: f64, mu: f64) -> f64 {
    tail(x, mu).lower()
}

/// The logarithm of [`cdf`].
pub fn logcdf(x: f64, mu: f64) -> f64 {
    tail(x, mu).log_upper()
}

/// The logarithm of [`sf`].
pub fn logsf(x: f64, mu: f64) -> f64 {
    tail(x, mu).log_lower()
}

/// Steps towards a quantile before it is searched for.
const STEPS: usize = 12;

/// The least number whose probability is enough: near the normal approximation with the correction for skewness (Cornish
/// and Fisher), made better by Newton's steps on the logarithm of the smaller tail.
fn quantile(mu: f64, target: Target, is_enough: impl Fn(f64) -> bool) -> f64 {
    if !is_valid(mu) || target.log.0.is_nan() {
        return f64::NAN;
    }
    if target.log.0 == -f64::INFINITY {
        return if target.is_upper { f64::INFINITY } else { 0.0 };
    }
    let z = if target.is_upper { target.normal() } else { -target.normal() };
    let mut k = (mu + z * mu.sqrt() + (z * z - 1.0) / 6.0).max(0.0);
    for _ in 0..STEPS {
        k = k.floor();
        let shape = k + 1.0;
        // The lower tail is the gamma variate's upper one; its slope is mu times the probability at k.
        let (log, slope) = tails(shape, mu, prefactor(shape)).log_and_slope(!target.is_upper);
        let excess = (log.0 - target.log.0) + (log.1 - target.log.1);
        let step = if target.is_upper { excess / (slope / mu).ln_1p() } else { -excess / (slope / shape).ln_1p() };
        let next = k + step;
        if !next.is_finite() || step.abs() < 1.0 {
            k = if next.is_finite() { next } else { k };
            break;
        }
        k = next.max(0.0);
    }
    least(k, 0.0, f64::INFINITY, is_enough)
}

/// The least number up to which there is at least this probability.
pub fn ppf(p: f64, mu: f64) -> f64 {
    quantile(mu, Target::lower(p), |k| cdf(k, mu) >= p)
}

/// The least number beyond which there is at most this probability.
pub fn isf(q: f64, mu: f64) -> f64 {
    quantile(mu, Target::upper(q), |k| sf(k, mu) <= q)
}

/// [`ppf`] of the probability's logarithm.
pub fn ppf_log(log_p: f64, mu: f64) -> f64 {
    quantile(mu, Target::log_lower(log_p), |k| logcdf(k, mu) >= log_p)
}

/// [`isf`] of the probability's logarithm.
pub fn isf_log(log_q: f64, mu: f64) -> f64 {
    quantile(mu, Target::log_upper(log_q), |k| logsf(k, mu) <= log_q)
}
