//! Quantiles of the geometric distribution: how many failures come before the first success. All else
//! of it is closed expressions.
//!
//! Prepared: `log_failure(p)`, the last argument of each quantile.
//!
//! k is the least number with `(1 - p)**(k + 1) <= 1 - q`, that is, `k + 1` is the quotient of two
//! logarithms, rounded up. Where the quotient is an integer but for rounding errors, the power itself
//! decides, in twice the digits.

use crate::math::block::plain::log1mexp;

/// The logarithm of the probability of failure, `log(1 - p)`; NaN unless `0 < p <= 1`.
pub fn log_failure(p: f64) -> f64 {
    if 0.0 < p && p <= 1.0 { pxfm::f_log1p(-p) } else { f64::NAN }
}

/// The least k with `cdf(k) >= q`: 0 at 0, `inf` at 1, NaN outside.
pub fn ppf(q: f64, p: f64, log_failure: f64) -> f64 {
    if !(0.0..=1.0).contains(&q) {
        return f64::NAN;
    }
    trials(pxfm::f_log1p(-q), log_failure, |n| power_is_at_most(p, n, sum(1.0, -q))) - 1.0
}

/// The least k with `sf(k) <= q`: `inf` at 0, 0 at 1, NaN outside.
pub fn isf(q: f64, p: f64, log_failure: f64) -> f64 {
    if !(0.0..=1.0).contains(&q) {
        return f64::NAN;
    }
    trials(pxfm::f_log(q), log_failure, |n| power_is_at_most(p, n, (q, 0.0))) - 1.0
}
