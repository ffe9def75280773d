//! The beta distribution, with shapes `a` and `b`, on [0, 1].
//!
//! Prepared parameters: `norm(a, b)` of all functions but `logpdf`, which takes `log_norm(a, b)`.

use crate::math::block::lane::any_sum;
use crate::math::special::FMA;
use crate::math::special::beta::{self, shapes};
use crate::math::special::incomplete_beta::{self, GREATEST_SHAPE, LEAST_SHAPE, Point};
use crate::math::special::ratio::{Pair, add_four, exp_pair};
use crate::math::special::tail::Side;

/// What depends on the shapes alone.
pub fn norm(a: f64, b: f64) -> f64 {
    beta::norm(a, b)
}

/// The logarithm of [`norm`].
pub fn log_norm(a: f64, b: f64) -> f64 {
    shapes(a, b).map_or(f64::NAN, |(a, b)| incomplete_beta::log_norm(a, b))
}

/// The logarithm of `pdf / norm`; at 0 and 1 what it tends to for a shape of 1.
#[inline(always)]
fn exponent<const FMA: bool>(x: f64, a: f64, b: f64) -> Pair {
    const NEAR: f64 = LEAST_SHAPE;
    let y = any_sum(1.0, -x);
    let (x, y) = (if x == 0.0 { NEAR } else { x }, if x == 1.0 { (NEAR, 0.0) } else { y });
    let point = Point::new::<FMA>(a, b, (x, 0.0), y);
    let (left, right) = point.ratios::<FMA>();
    // The exponent, and 1 / (x y) but for the same at the mean.
    let minus = |log: Pair| (-log.0, -log.1);
    let (left_log, right_log) = (minus(left.log), minus(right.log));
    add_four(left.weighted, right.weighted, left_log, right_log)
}

/// The density or its logarithm beyond the support and at its ends, where `inside` is that inside, and
/// at the ends for a shape of 1; `zero` and `one` are the density 0 and 1.
#[inline(always)]
fn ends(x: f64, a: f64, b: f64, inside: f64, zero: f64, one: f64) -> f64 {
    // At an end the shape there decides.
    let near = if x == 0.0 { a } else { b };
    let end = if near < 1.0 { f64::INFINITY } else { inside };
    let end = if near > 1.0 { zero } else { end };
    let value = if (x == 0.0) | (x == 1.0) { end } else { inside };
    // The uniform distribution is so exactly.
    let value = if (a == 1.0) & (b == 1.0) { one } else { value };
    let value = if x != x.clamp(0.0, 1.0) { zero } else { value };
    let is_valid = (a > 0.0) & (b > 0.0) & (a < f64::INFINITY) & (b < f64::INFINITY);
    if is_valid & !x.is_nan() { value } else { f64::NAN }
}

/// One lane of [`pdf`].
#[inline(always)]
pub(in crate::math) fn pdf_lane<const FMA: bool>(x: f64, a: f64, b: f64, norm: f64) -> f64 {
    let inside = exp_pair::<FMA>(exponent::<FMA>(x, usual(a), usual(b)), norm);
    ends(x, a, b, inside, 0.0, 1.0)
}

/// One lane of [`logpdf`].
#[inline(always)]
pub(in crate::math) fn logpdf_lane<const FMA: bool>(x: f64, a: f64, b: f64, log_norm: f64) -> f64 {
    let (high, low) = exponent::<FMA>(x, usual(a), usual(b));
    ends(x, a, b, (high + log_norm) + low, f64::NEG_INFINITY, 0.0)
}

#[inline(always)]
fn usual(shape: f64) -> f64 {
    let shape = if shape > LEAST_SHAPE { shape } else { LEAST_SHAPE };
    if shape < GREATEST_SHAPE { shape } else { GREATEST_SHAPE }
}

/// The density: at 0 and 1 infinite for a shape below 1, beyond them 0.
pub fn pdf(x: f64, a: f64, b: f64, norm: f64) -> f64 {
    pdf_lane::<FMA>(x, a, b, norm)
}

/// The density's logarithm.
pub fn logpdf(x: f64, a: f64, b: f64, log_norm: f64) -> f64 {
    logpdf_lane::<FMA>(x, a, b, log_norm)
}

fn probability(x: f64, a: f64, b: f64, norm: f64, side: Side) -> f64 {
    beta::tail_at(x, a, b, norm).probability(side)
}

fn quantile(p: f64, a: f64, b: f64, norm: f64, side: Side) -> f64 {
    beta::quantile(p, a, b, norm, side).x
}

sides!(a, b, norm);
