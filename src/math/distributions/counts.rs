//! What discrete distributions share: deviances of cells, and the search for quantiles.

use crate::math::special::FMA;
use crate::math::special::ratio::{Pair, add, log_ratio};
use crate::math::special::saddle_point::stirling_error;
use std::f64::consts::{LN_2, PI};

/// A count in a cell, of which a saddle-point probability is made: what is expected there less the
/// count, and the expectation itself.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) count: f64,
    pub(super) d: Pair,
    pub(super) mean: Pair,
}

impl Cell {
    /// `-(count log(count / mean) + mean - count)`.
    fn exponent(self) -> Pair {
        if self.count == 0.0 {
            (-self.mean.0, -self.mean.1)
        } else {
            log_ratio::<FMA>(self.count, self.d, self.mean).weighted
        }
    }
}

/// The product over cells of Poisson's probabilities, `mean^count e^-mean / count!`, as a logarithm, but
/// for the roots of their [`size`]s. Counts need not be integers.
pub(super) fn saddle_point<const N: usize>(cells: [Cell; N]) -> Pair {
    let (mut exponent, mut errors) = ((0.0, 0.0), 0.0);
    for cell in cells {
        exponent = add(exponent, cell.exponent());
        errors += rest(cell.count);
    }
    add(exponent, (-errors, 0.0))
}

/// What is under the root in Stirling's formula for `n!`; such that this is 1 for 0.
pub(super) fn size(n: f64) -> f64 {
    if n == 0.0 { 1.0 } else { 2.0 * PI * n }
}

/// The error of Stirling's formula, as [`size`] has it for 0.
pub(super) fn rest(n: f64) -> f64 {
    if n == 0.0 { 0.0 } else { stirling_error(n) }
}

/// Which quantile is sought.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) p: f64,
    /// Whether `p` is that above the point.
    pub(super) upper: bool,
    /// Whether `p` is a logarithm.
    pub(super) is_log: bool,
}

/// The moments that a search begins with.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) skewness: f64,
}

impl Level {
    /// Whether the level is a probability, and 0 or 1, and then which of the ends the quantile is.
    fn end(self, least: f64, greatest: f64) -> Result<(), f64> {
        let (none, all) = if self.is_log { (f64::NEG_INFINITY, 0.0) } else { (0.0, 1.0) };
        if !(none..=all).contains(&self.p) {
            Err(f64::NAN)
        } else if self.p == none || self.p == all {
            Err(if (self.p == none) == self.upper { greatest } else { least })
        } else {
            Ok(())
        }
    }

    /// Whether a point with this probability (of the level's kind) is at or beyond the quantile. An
    /// equality may be missed by rounding where probabilities are small, and so is widened a little.
    fn is_reached(self, value: f64) -> bool {
        let half = if self.is_log { -LN_2 } else { 0.5 };
        let slack = if self.p > half {
            0.0
        } else if self.is_log {
            1e-15 * self.p.abs().max(1.0)
        } else {
            1e-15 * self.p
        };
        if self.upper { value <= self.p + slack } else { value >= self.p - slack }
    }

    /// The normal quantile of a value of this kind, roughly: what is nearly linear in the point.
    fn normal(self, value: f64) -> f64 {
        let log = if self.is_log { value } else { value.ln() };
        let (small, sign) = if log <= -LN_2 { (log, 1.0) } else { ((-log.exp_m1()).ln(), -1.0) };
        // Abramowitz and Stegun 26.2.23.
        let t = (-2.0 * small).sqrt().min(1e8);
        let z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
        if self.upper { sign * z } else { -sign * z }
    }
}

/// The least integer from `least` to `greatest` that reaches the level, where `at` gives the
/// probability, of the level's kind, at an integer.
pub(super) fn search(level: Level, least: f64, greatest: f64, moments: Moments, at: impl Fn(f64) -> f64) -> f64 {
    if let Err(end) = level.end(least, greatest) {
        return end;
    }
    let goal = level.normal(level.p);
    let Moments { mean, deviation, skewness } = moments;
    // Cornish and Fisher's first correction.
    let start = (mean + deviation * (goal + skewness * (goal * goal - 1.0).min(30.0) / 6.0)).floor();
    let mut k = if start.is_nan() { least } else { start.clamp(least, greatest) };
    // `low` does not reach the level, `high` does; both with their normal quantiles, once known.
    let (mut low, mut high) = ((least - 1.0, f64::NEG_INFINITY), (greatest, f64::INFINITY));
    let mut stride = deviation.max(1.0);
    for turn in 0..200 {
        let value = at(k);
        let z = level.normal(value);
        let has_low = low.1.is_finite();
        let has_high = high.1.is_finite();
        let next = if level.is_reached(value) {
            high = (k, z);
            if has_low { None } else { Some(k - (stride * (z - goal)).max(1.0)) }
        } else {
            low = (k, z);
            if has_high { None } else { Some(k + (stride * (goal - z)).max(1.0)) }
        };
        if high.0 - low.0 <= 1.0 {
            break;
        }
        stride *= 2.0;
        let inner = match next {
            // Every third step halves what is left, whatever the function's form.
            None if turn % 3 == 2 => low.0 + 0.5 * (high.0 - low.0),
            None => low.0 + (high.0 - low.0) * ((goal - low.1) / (high.1 - low.1)),
            Some(next) => next,
        };
        let inner = if inner.is_nan() { low.0 + 0.5 * (high.0 - low.0) } else { inner.floor() };
        k = inner.max(low.0 + 1.0).min(high.0 - 1.0);
        // Beyond 2^53 neighbours are not one apart.
        if !(k > low.0 && k < high.0) {
            break;
        }
    }
    high.0
}
