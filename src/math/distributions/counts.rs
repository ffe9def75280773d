//! What discrete distributions share: deviances of cells, and the search for quantiles.

use crate::math::special::FMA;
use crate::math::special::ratio::{Pair, add, exp_pair, log_ratio};
use crate::math::special::saddle_point::stirling_error;
use crate::math::special::tail::{Side, Tail, Target};
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

/// The probability of a count, but for a norm.
#[derive(Clone, Copy)]
pub(super) enum Mass {
    /// What it is whatever the norm, where the saddle point is not for it.
    Certain(f64),
    /// A factor of the exponential of a number.
    Power(f64, Pair),
}

impl Mass {
    pub(super) fn is_power(self) -> bool {
        matches!(self, Mass::Power(..))
    }

    /// The probability.
    pub(super) fn value(self, norm: f64) -> f64 {
        match self {
            Mass::Certain(value) => value,
            Mass::Power(factor, exponent) => exp_pair::<FMA>(exponent, factor * norm),
        }
    }

    /// Its logarithm, by that of the norm.
    pub(super) fn log(self, log_norm: f64) -> f64 {
        match self {
            Mass::Certain(value) => value.ln(),
            Mass::Power(factor, (high, low)) => high + ((factor.ln() + log_norm) + low),
        }
    }
}

/// The moments that a search begins with.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) skewness: f64,
}

/// What is certain counts as so many standard deviations further out than what is sought.
const FAR: f64 = 1e8;

/// The least integer of the support whose probability, of a side, reaches `p`; `tail_at` gives the tail at an integer.
pub(super) fn search(
    p: f64,
    side: Side,
    (least, greatest): (f64, f64),
    moments: Moments,
    tail_at: impl Fn(f64) -> Tail,
) -> f64 {
    let Some(target) = Target::of(p, side) else { return f64::NAN };
    if let Some(end) = target.end(least, greatest) {
        return end;
    }
    // The normal quantile, roughly: what is nearly linear in the point.
    let normal = |target: Target| if target.is_upper { target.normal() } else { -target.normal() };
    let goal = normal(target);
    // An equality may be missed by rounding where probabilities are small, and so is widened a little.
    let slack = match side.is_log {
        true if p <= -LN_2 => 1e-15 * p.abs().max(1.0),
        false if p <= 0.5 => 1e-15 * p,
        _ => 0.0,
    };
    let Moments { mean, deviation, skewness } = moments;
    // Cornish and Fisher's first correction.
    let start = (mean + deviation * (goal + skewness * (goal * goal - 1.0).min(30.0) / 6.0)).floor();
    let mut k = if start.is_nan() { least } else { start.clamp(least, greatest.min(f64::MAX)) };
    // `low` does not reach p, `high` does; both with their normal quantiles, once known.
    let (mut low, mut high) = ((least - 1.0, f64::NEG_INFINITY), (greatest, f64::INFINITY));
    // In standard deviations by what is missing, and at least so far: where probabilities are near 1, many are the same.
    let (mut stride, mut least_step) = (deviation.max(1.0), 1.0);
    for turn in 0..200 {
        let value = tail_at(k).probability(side);
        let z = Target::of(value, side)
            .map_or(f64::NAN, |target| target.end(goal - FAR, goal + FAR).unwrap_or_else(|| normal(target)));
        let has_low = low.1.is_finite();
        let has_high = high.1.is_finite();
        let is_reached = if side.is_upper { value <= p + slack } else { value >= p - slack };
        let next = if is_reached {
            high = (k, z);
            if has_low { None } else { Some(k - (stride * (z - goal)).max(least_step)) }
        } else {
            low = (k, z);
            if has_high { None } else { Some(k + (stride * (goal - z)).max(least_step)) }
        };
        if high.0 - low.0 <= 1.0 {
            break;
        }
        stride *= 2.0;
        least_step *= 2.0;
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
