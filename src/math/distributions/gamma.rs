//! The gamma distribution with shape `a > 0` and scale 1: density `x^(a-1) e⁻ˣ / Γ(a)` on `x >= 0`.
//!
//! Prepared: every function takes `norm(a)` last. Shapes that are not positive and finite give NaN.

use crate::math::block::exp::{Power, exp};
use crate::math::block::lane::{Lane, any_sum};
use crate::math::block::log::natural;
use crate::math::special::FMA;
pub(super) use crate::math::special::gamma::quantile;
use crate::math::special::gamma::{prefactor, tails_lane};
use crate::math::special::ratio::exp_pair;
use crate::math::special::saddle_point::{deviance_lane, deviance_pair};
use crate::math::special::tail::{Side, Tail};
use std::f64::consts::LN_2;

/// What depends on the shape alone: `aᵃ e⁻ᵃ / Γ(a)`.
pub fn norm(a: f64) -> f64 {
    if a > 0.0 && a < f64::INFINITY { prefactor(a) } else { f64::NAN }
}

/// One lane of [`pdf`]; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
pub(in crate::math) fn pdf_lane<const FMA: bool>(x: f64, a: f64, norm: f64) -> (f64, bool) {
    let y = if is_inside(x) { x } else { 1.0 };
    let ((high, low), is_rare) = deviance_lane::<FMA>(a, y);
    // From 1400 on it is 0. The power of two in two steps, of which the second may underflow.
    let power = exp::<f64, FMA>(if high < 1400.0 { -high } else { -1400.0 });
    let power = Power { low: power.low - (power.high + power.low) * low, ..power };
    let value = (power.high + power.low) * (norm / y);
    let k = power.shift - f64::ROUND;
    let half = (0.5 * k).round();
    let value = value * f64::pow2(half) * f64::pow2(k - half);
    (with_ends(x, a, norm, value, (1.0, 0.0)), is_rare)
}

/// The density: at 0 infinite for a shape below 1.
pub fn pdf(x: f64, a: f64, norm: f64) -> f64 {
    let (value, is_rare) = pdf_lane::<FMA>(x, a, norm);
    if !is_rare {
        return value;
    }
    let factor = norm / x;
    if is_inside(x) && factor.is_normal() {
        let (high, low) = deviance_pair(a, x);
        exp_pair::<FMA>((-high, -low), factor)
    } else {
        logpdf(x, a, norm).exp()
    }
}

/// One lane of [`logpdf`], and of that of a variate by `e**log_multiple` greater, less which the factor of the density
/// is; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
fn scaled_logpdf_lane<const FMA: bool>(x: f64, a: f64, norm: f64, multiple: f64, log_multiple: f64) -> (f64, bool) {
    let y = if is_inside(x) { x } else { 1.0 };
    let ((high, low), is_rare) = deviance_lane::<FMA>(a, y);
    let (k, m) = (norm / (multiple * y)).split();
    let factor = natural::<f64, FMA>(k, m - 1.0, 0.0);
    let (sum, rest) = any_sum(factor.0, -high);
    let value = sum + (rest + (factor.1 - low));
    // Exactly, since it may be zero.
    let value = if a == 1.0 { -log_multiple - y } else { value };
    (with_ends(x, a, norm, value, (-log_multiple, -f64::INFINITY)), is_rare)
}

/// The logarithm of the density of a variate times `multiple`, at `x * multiple`; the multiple is 1 or 2.
fn scaled_logpdf(x: f64, a: f64, norm: f64, multiple: f64, log_multiple: f64) -> f64 {
    let (value, is_rare) = scaled_logpdf_lane::<FMA>(x, a, norm, multiple, log_multiple);
    if !is_rare || a == 1.0 || !is_inside(x) || norm.is_nan() {
        return value;
    }
    let (high, low) = deviance_pair(a, x);
    let factor = norm / (x * multiple);
    let log_factor = if factor.is_normal() { factor.ln() } else { norm.ln() - (x.ln() + log_multiple) };
    -high + (log_factor - low)
}

/// One lane of [`logpdf`]; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
pub(in crate::math) fn logpdf_lane<const FMA: bool>(x: f64, a: f64, norm: f64) -> (f64, bool) {
    scaled_logpdf_lane::<FMA>(x, a, norm, 1.0, 0.0)
}

/// The density's logarithm.
pub fn logpdf(x: f64, a: f64, norm: f64) -> f64 {
    scaled_logpdf(x, a, norm, 1.0, 0.0)
}

/// One lane of [`doubled_logpdf`]; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
pub(super) fn doubled_logpdf_lane<const FMA: bool>(x: f64, a: f64, norm: f64) -> (f64, bool) {
    scaled_logpdf_lane::<FMA>(x, a, norm, 2.0, LN_2)
}

/// The logarithm of the density of twice the variate, at `2x`.
pub(super) fn doubled_logpdf(x: f64, a: f64, norm: f64) -> f64 {
    scaled_logpdf(x, a, norm, 2.0, LN_2)
}

/// Whether x is where the density is positive and its formula holds.
#[inline(always)]
fn is_inside(x: f64) -> bool {
    (x > 0.0) & (x < f64::INFINITY)
}

/// The density or its logarithm: `value` inside; at 0 that of shape 1 is `ends.0`, and where there is none it is `ends.1`.
#[inline(always)]
fn with_ends(x: f64, a: f64, norm: f64, value: f64, ends: (f64, f64)) -> f64 {
    let at_zero = if a < 1.0 { f64::INFINITY } else { ends.1 };
    let at_zero = if a == 1.0 { ends.0 } else { at_zero };
    let outside = if x == 0.0 { at_zero } else { ends.1 };
    let value = if is_inside(x) { value } else { outside };
    if x.is_nan() | norm.is_nan() { f64::NAN } else { value }
}

/// The probability of a side.
#[inline(always)]
fn probability_lane<const FMA: bool>(x: f64, a: f64, norm: f64, side: Side) -> f64 {
    let tail = if norm.is_nan() {
        Tail::NAN
    } else if x <= 0.0 {
        Tail::zero(false)
    } else {
        tails_lane::<FMA>(a, x, norm)
    };
    tail.probability_lane::<FMA>(side)
}

/// One lane of [`cdf`].
#[inline(always)]
pub(in crate::math) fn cdf_lane<const FMA: bool>(x: f64, a: f64, norm: f64) -> f64 {
    probability_lane::<FMA>(x, a, norm, Side::LOWER)
}

/// One lane of [`sf`].
#[inline(always)]
pub(in crate::math) fn sf_lane<const FMA: bool>(x: f64, a: f64, norm: f64) -> f64 {
    probability_lane::<FMA>(x, a, norm, Side::UPPER)
}

pub(super) fn probability(x: f64, a: f64, norm: f64, side: Side) -> f64 {
    probability_lane::<FMA>(x, a, norm, side)
}

sides!(a, norm);
