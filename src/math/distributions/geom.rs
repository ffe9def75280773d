//! The geometric distribution of the failures before the first success: its quantiles. All else of it is closed
//! expressions in the registry.
//!
//! Prepared: `norm(prob)`, the last argument of each quantile, the logarithm of the probability of failure.
//!
//! The quantile is the least k with `(1 - prob)^(k + 1) <= 1 - p`: `k + 1` is the quotient of two logarithms, rounded
//! up. Where the quotient is a whole number but for rounding errors, the power itself decides, in twice the digits.

use crate::math::block::lane::{any_sum, sum};
use crate::math::special::FMA;
use crate::math::special::ratio::{Pair, multiply};
use crate::math::special::tail::{Side, log1mexp};

/// `log(1 - prob)`; NaN unless `0 < prob <= 1`.
pub fn norm(prob: f64) -> f64 {
    if 0.0 < prob && prob <= 1.0 { (-prob).ln_1p() } else { f64::NAN }
}

fn quantile(p: f64, prob: f64, norm: f64, side: Side) -> f64 {
    if norm.is_nan() || !side.has(p) {
        return f64::NAN;
    }
    // The logarithm of the probability above.
    let log = match side {
        Side::LOWER => (-p).ln_1p(),
        Side::UPPER => p.ln(),
        Side::LOG_LOWER => log1mexp(p),
        Side::LOG_UPPER => p,
    };
    if log == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    let reaches = |n: f64| match side.is_log {
        true => n * norm <= log,
        false => power_reaches(prob, n, if side.is_upper { (p, 0.0) } else { any_sum(1.0, -p) }),
    };
    // Below 1 where failures are impossible, or success is nearly sure: the first trial is enough.
    let quotient = log / norm;
    let whole = quotient.round();
    let is_near = (quotient - whole).abs() <= 4.0 * f64::EPSILON * quotient;
    let trials = match is_near {
        true if reaches(whole) => whole,
        true => whole + 1.0,
        false => quotient.ceil(),
    };
    trials.max(1.0) - 1.0
}

quantiles!(prob, norm);

/// Is `(1 - prob)^n`, for a whole n, at most a number in two parts? By squaring, in two parts.
fn power_reaches(prob: f64, n: f64, bound: Pair) -> bool {
    // Beyond, no rounded probability is one between two whole numbers.
    if n >= 2f64.powi(53) {
        return true;
    }
    let times = |a: Pair, b: Pair| {
        let (high, low) = multiply::<FMA>(a, b);
        sum(high, low)
    };
    let mut rest = n as u64;
    let mut square = any_sum(1.0, -prob);
    let mut power = (1.0, 0.0);
    while rest > 0 {
        if rest & 1 == 1 {
            power = times(power, square);
        }
        square = times(square, square);
        rest >>= 1;
    }
    (power.0 - bound.0) + (power.1 - bound.1) <= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of the quantiles at the distribution function's values for halves, which are exact.
    #[test]
    fn exact_at_the_steps() {
        let norm = norm(0.5);
        for k in 0..50 {
            let tail = 2f64.powi(-k - 1);
            assert_eq!(ppf(1.0 - tail, 0.5, norm), f64::from(k), "k {k}");
            assert_eq!(ppf((1.0 - tail).next_up(), 0.5, norm), f64::from(k + 1), "k {k}");
            assert_eq!(isf(tail, 0.5, norm), f64::from(k), "k {k}");
            assert_eq!(isf(tail.next_down(), 0.5, norm), f64::from(k + 1), "k {k}");
        }
    }

    #[test]
    fn special_values() {
        for prob in [1e-300, 1e-10, 0.3, 1.0] {
            let norm = norm(prob);
            assert_eq!([ppf(0.0, prob, norm), ppf(1.0, prob, norm)], [0.0, f64::INFINITY]);
            assert_eq!([isf(1.0, prob, norm), isf(0.0, prob, norm)], [0.0, f64::INFINITY]);
            assert_eq!([ppf_log(f64::NEG_INFINITY, prob, norm), ppf_log(0.0, prob, norm)], [0.0, f64::INFINITY]);
            assert_eq!([isf_log(0.0, prob, norm), isf_log(f64::NEG_INFINITY, prob, norm)], [0.0, f64::INFINITY]);
            for outside in [-1e-300, 1.0f64.next_up(), f64::NAN] {
                assert!(ppf(outside, prob, norm).is_nan() && isf(outside, prob, norm).is_nan());
            }
            assert!(ppf_log(1e-300, prob, norm).is_nan() && isf_log(1.0, prob, norm).is_nan());
        }
        for prob in [0.0, -0.5, 1.5, f64::NAN] {
            assert!(ppf(0.5, prob, norm(prob)).is_nan() && isf_log(-1.0, prob, norm(prob)).is_nan());
        }
        assert_eq!(ppf(0.999, 1.0, norm(1.0)), 0.0);
    }
}
