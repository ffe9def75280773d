//! The F distribution with `df1` and `df2` degrees of freedom.
//!
//! It is the distribution of `df2/df1 u/(1 - u)` where `u` has the beta distribution with shapes
//! `a = df1/2` and `b = df2/2`. Prepared parameters: `norm(df1, df2)` of `pdf`, `log_norm` of `logpdf`,
//! `beta_norm` of all others.

use crate::math::special::FMA;
use crate::math::special::beta::{self, shapes};
use crate::math::special::incomplete_beta::{self, Point, end_tail, log_end, tail};
use crate::math::special::ratio::{Pair, add_four, exp_pair};
use crate::math::special::tail::{Side, Tail};

/// The shapes of the beta distribution, for degrees of freedom in their domain.
fn halves(df1: f64, df2: f64) -> Option<(f64, f64)> {
    // Half of the least number is 0.
    let half = |df: f64| if df > 0.0 { (0.5 * df).max(f64::MIN_POSITIVE) } else { f64::NAN };
    shapes(half(df1), half(df2))
}

/// The density at 1.
pub fn norm(df1: f64, df2: f64) -> f64 {
    halves(df1, df2).map_or(f64::NAN, |(a, b)| incomplete_beta::norm(a, b) * (a / (a + b)) * (b / (a + b)))
}

/// The logarithm of [`norm`].
pub fn log_norm(df1: f64, df2: f64) -> f64 {
    norm(df1, df2).ln()
}

/// What tails and quantiles take: the norm of the beta distribution.
pub fn beta_norm(df1: f64, df2: f64) -> f64 {
    halves(df1, df2).map_or(f64::NAN, |(a, b)| incomplete_beta::norm(a, b))
}

/// The point of the beta distribution, where none of its parts leaves the range of numbers.
#[inline(always)]
fn point(x: f64, a: f64, b: f64) -> Point {
    let odds = x * a / b;
    let (u, v) = (1.0 / (1.0 + 1.0 / odds), 1.0 / (1.0 + odds));
    Point { a, b, x: (u, 0.0), y: (v, 0.0), d: (a * (x - 1.0) * v, 0.0) }
}

/// The logarithm of `pdf / norm`, where [`point`] is good.
#[inline(always)]
fn exponent<const FMA: bool>(x: f64, a: f64, b: f64) -> Pair {
    let point = point(x, a, b);
    let (left, right) = point.ratios::<FMA>();
    // 1/x is the quotient of the two ratios.
    let left_log = (-left.log.0, -left.log.1);
    add_four(left.weighted, right.weighted, left_log, right.log)
}

/// Whether the odds of `u` are in the range of numbers, with some room.
#[inline(always)]
fn is_usual(x: f64, a: f64, b: f64) -> bool {
    let odds = x * a / b;
    (odds > 1e-307) & (odds < 1e307)
}

/// The logarithm of the density elsewhere, where it is a power.
#[cold]
fn log_end_density(x: f64, a: f64, b: f64) -> f64 {
    let beta_norm = incomplete_beta::norm(a, b);
    let (log, log_ratio) = (x.ln(), (a / b).ln());
    if log + log_ratio < 0.0 {
        (a - 1.0) * log + (a * log_ratio + a.ln() + log_end(a, b, beta_norm))
    } else {
        -(b + 1.0) * log + (b.ln() + log_end(b, a, beta_norm) - b * log_ratio)
    }
}

/// The density or its logarithm where it is neither at 0 nor inside of the support.
fn ends(x: f64, a: f64, zero: f64, one: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x == 0.0 && a < 1.0 {
        f64::INFINITY
    } else if x == 0.0 && a == 1.0 {
        one
    } else {
        zero
    }
}

/// The density.
pub fn pdf(x: f64, df1: f64, df2: f64, norm: f64) -> f64 {
    let Some((a, b)) = halves(df1, df2) else { return f64::NAN };
    if is_usual(x, a, b) {
        exp_pair::<FMA>(exponent::<FMA>(x, a, b), norm)
    } else if x > 0.0 && x < f64::INFINITY {
        log_end_density(x, a, b).exp()
    } else {
        ends(x, a, 0.0, 1.0)
    }
}

/// The density's logarithm.
pub fn logpdf(x: f64, df1: f64, df2: f64, log_norm: f64) -> f64 {
    let Some((a, b)) = halves(df1, df2) else { return f64::NAN };
    if a == 1.0 && x >= 0.0 && x / b < f64::MAX {
        // Without cancellation. Next to 0 nothing is left of the density but 1.
        let odds = x / b;
        if odds > 1e-290 { -(b + 1.0) * odds.ln_1p() } else { 0.0 }
    } else if is_usual(x, a, b) {
        let (high, low) = exponent::<FMA>(x, a, b);
        high + (low + log_norm)
    } else if x > 0.0 && x < f64::INFINITY {
        log_end_density(x, a, b)
    } else {
        ends(x, a, f64::NEG_INFINITY, 0.0)
    }
}

/// The tail at `x`.
fn tail_at(x: f64, df1: f64, df2: f64, beta_norm: f64) -> Tail {
    let Some((a, b)) = halves(df1, df2) else { return Tail::NAN };
    if is_usual(x, a, b) {
        return tail(point(x, a, b), beta_norm);
    }
    if x.is_nan() {
        return Tail::NAN;
    }
    let log_odds = if x > 0.0 { x.ln() + (a / b).ln() } else { f64::NEG_INFINITY };
    if log_odds < 0.0 { end_tail(a, b, beta_norm, log_odds) } else { end_tail(b, a, beta_norm, -log_odds).mirrored() }
}

fn probability(x: f64, df1: f64, df2: f64, beta_norm: f64, side: Side) -> f64 {
    tail_at(x, df1, df2, beta_norm).probability(side)
}

fn quantile(p: f64, df1: f64, df2: f64, beta_norm: f64, side: Side) -> f64 {
    let Some((a, b)) = halves(df1, df2) else { return f64::NAN };
    let point = beta::quantile(p, a, b, beta_norm, side);
    match point.log {
        Some((high, low)) if point.x > point.y => exp_pair::<FMA>((-high, -low), b / a),
        Some(log) => exp_pair::<FMA>(log, b / a),
        None => b * point.x / (a * point.y),
    }
}

sides!(df1, df2, beta_norm);
