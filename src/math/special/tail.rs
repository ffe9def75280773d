//! The probabilities of the two sides of a point: which one is meant, the tail that both are made from, and
//! the smaller side of one that a quantile is sought for.

use super::FMA;
use super::ratio::{Pair, exp_pair, log_pair};
use crate::math::block::lane::any_sum;
use std::f64::consts::LN_2;

/// Which probability is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::math) struct Side {
    /// Whether it is that above a point, not that up to it.
    pub(in crate::math) is_upper: bool,
    /// Whether it is given by its logarithm.
    pub(in crate::math) is_log: bool,
}

impl Side {
    pub(in crate::math) const LOWER: Side = Side { is_upper: false, is_log: false };
    pub(in crate::math) const UPPER: Side = Side { is_upper: true, is_log: false };
    pub(in crate::math) const LOG_LOWER: Side = Side { is_upper: false, is_log: true };
    pub(in crate::math) const LOG_UPPER: Side = Side { is_upper: true, is_log: true };

    /// What is given of the probabilities 0, one half and 1.
    fn landmarks(self) -> [f64; 3] {
        if self.is_log { [f64::NEG_INFINITY, -LN_2, 0.0] } else { [0.0, 0.5, 1.0] }
    }

    /// Whether a number is one of a probability.
    pub(in crate::math) fn has(self, p: f64) -> bool {
        let [none, _, all] = self.landmarks();
        (none..=all).contains(&p)
    }
}

/// The probability of one side of a point, `factor * e**exponent`: of the smaller side, or at least not near 1.
/// Neither underflows before its logarithm does.
#[derive(Clone, Copy, Debug)]
pub(in crate::math) struct Tail {
    /// The second part is small.
    pub(in crate::math) exponent: Pair,
    pub(in crate::math) factor: f64,
    /// Whether the side is the one above.
    pub(in crate::math) is_upper: bool,
    /// The magnitude of the tail's derivative by its maker's coordinate is `density * e**exponent`. The
    /// coordinate is the logarithm of x for a gamma distribution, that of x / (1 - x) for a beta distribution,
    /// and the count where it counts.
    pub(in crate::math) density: f64,
}

impl Tail {
    /// Of a point that is none.
    pub(in crate::math) const NAN: Tail =
        Tail { exponent: (f64::NAN, 0.0), factor: f64::NAN, is_upper: false, density: f64::NAN };

    /// That of a side which has no probability.
    #[inline(always)]
    pub(in crate::math) fn zero(is_upper: bool) -> Tail {
        Tail { exponent: (0.0, 0.0), factor: 0.0, is_upper, density: 0.0 }
    }

    /// That of the mirrored distribution.
    pub(in crate::math) fn mirrored(self) -> Tail {
        Tail { is_upper: !self.is_upper, ..self }
    }

    /// The tail's value.
    pub(in crate::math) fn value(&self) -> f64 {
        exp_pair::<FMA>(self.exponent, self.factor)
    }

    /// The probability of a side.
    pub(in crate::math) fn probability(&self, side: Side) -> f64 {
        self.probability_lane::<FMA>(side)
    }

    /// [`probability`](Tail::probability) where the caller decides on fused multiply-add.
    #[inline(always)]
    pub(in crate::math) fn probability_lane<const FMA: bool>(&self, side: Side) -> f64 {
        let is_own = self.is_upper == side.is_upper;
        if is_own && side.is_log {
            return self.exponent.0 + (self.factor.ln() + self.exponent.1);
        }
        let value = exp_pair::<FMA>(self.exponent, self.factor);
        if is_own {
            value
        } else if side.is_log {
            (0.0 - value).ln_1p()
        } else {
            1.0 - value
        }
    }

    /// The logarithm of the probability above or below, and the magnitude of that logarithm's derivative by the
    /// coordinate.
    pub(in crate::math) fn log_and_slope(&self, is_upper: bool) -> (Pair, f64) {
        if self.is_upper == is_upper {
            let (high, low) = log_pair(self.factor);
            let (high, rest) = any_sum(self.exponent.0, high);
            ((high, rest + (self.exponent.1 + low)), self.density / self.factor)
        } else {
            let value = self.value();
            (((-value).ln_1p(), 0.0), exp_pair::<FMA>(self.exponent, self.density) / (1.0 - value))
        }
    }
}

/// A probability for which a quantile is sought: its smaller side.
#[derive(Clone, Copy, Debug)]
pub(in crate::math) struct Target {
    /// The logarithm of the probability, at most that of one half; -∞ where the side has none.
    pub(in crate::math) log: Pair,
    /// Whether the side is the one above.
    pub(in crate::math) is_upper: bool,
}

impl Target {
    /// Of a probability, or its logarithm; `None` of what is none.
    pub(in crate::math) fn of(p: f64, side: Side) -> Option<Target> {
        let Side { is_upper, is_log } = side;
        let [_, half, _] = side.landmarks();
        side.has(p).then(|| match (p <= half, is_log) {
            (true, false) => Target { log: log_pair(p), is_upper },
            (true, true) => Target { log: (p, 0.0), is_upper },
            (false, false) => Target { log: log_pair(1.0 - p), is_upper: !is_upper },
            (false, true) => Target { log: log_pair(-p.exp_m1()), is_upper: !is_upper },
        })
    }

    /// The quantile where one side has no probability: that end of the support.
    pub(in crate::math) fn end(&self, least: f64, greatest: f64) -> Option<f64> {
        (self.log.0 == f64::NEG_INFINITY).then_some(if self.is_upper { greatest } else { least })
    }

    /// The standard normal deviate beyond which there is this probability, in magnitude: within 5e-4 (Abramowitz
    /// and Stegun 26.2.23). NaN where the probability is 0, or its logarithm next to the greatest numbers.
    pub(in crate::math) fn normal(&self) -> f64 {
        let t = (-2.0 * self.log.0).sqrt();
        t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    }
}

/// `log(1 - e**x)` for `x <= 0`.
pub(in crate::math) fn log1mexp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}
