//! Poisson's distribution with mean `mu >= 0`, on the whole numbers from 0.
//!
//! Nothing is prepared: what costs depends on x too. Means that are negative or infinite give NaN.

use super::counts::{Mass, Moments, search};
use crate::math::special::gamma::{prefactor, tails};
use crate::math::special::saddle_point::deviance_pair;
use crate::math::special::tail::{Side, Tail};

fn is_valid(mu: f64) -> bool {
    (0.0..f64::INFINITY).contains(&mu)
}

/// The probability at x in Loader's saddle-point form, where `1 / (√(2πx) exp(stirling_error(x)))` is the gamma
/// functions' prefactor over x.
fn mass(x: f64, mu: f64) -> Mass {
    if !is_valid(mu) || x.is_nan() {
        Mass::Certain(f64::NAN)
    } else if x < 0.0 || x.floor() != x || x == f64::INFINITY {
        Mass::Certain(0.0)
    } else if x == 0.0 {
        Mass::Power(1.0, (-mu, 0.0))
    } else {
        let (high, low) = deviance_pair(x, mu);
        Mass::Power(prefactor(x) / x, (-high, -low))
    }
}

/// The probability at x.
pub fn pmf(x: f64, mu: f64) -> f64 {
    mass(x, mu).value(1.0)
}

/// The logarithm of [`pmf`].
pub fn logpmf(x: f64, mu: f64) -> f64 {
    mass(x, mu).log(0.0)
}

/// The tail at x. A gamma variate of shape `floor(x) + 1` is beyond mu as often as Poisson's is up to x.
fn tail_at(x: f64, mu: f64) -> Tail {
    if !is_valid(mu) || x.is_nan() {
        Tail::NAN
    } else if x < 0.0 || x == f64::INFINITY {
        Tail::zero(x > 0.0)
    } else {
        let shape = x.floor() + 1.0;
        tails(shape, mu, prefactor(shape)).mirrored()
    }
}

fn probability(x: f64, mu: f64, side: Side) -> f64 {
    tail_at(x, mu).probability(side)
}

fn quantile(p: f64, mu: f64, side: Side) -> f64 {
    if !is_valid(mu) {
        return f64::NAN;
    }
    let deviation = mu.sqrt();
    let moments = Moments { mean: mu, deviation, skewness: 1.0 / deviation };
    search(p, side, (0.0, f64::INFINITY), moments, |x| tail_at(x, mu))
}

sides!(mu);
