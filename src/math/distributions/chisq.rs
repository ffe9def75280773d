//! The χ² distribution with `df > 0` degrees of freedom: twice a gamma variate of shape `df / 2`.
//!
//! Prepared: every function takes `norm(df)` last. Degrees of freedom that are not positive and finite give NaN.

use super::gamma;
use crate::math::special::tail::Side;

/// What depends on the degrees of freedom alone: the gamma distribution's.
pub fn norm(df: f64) -> f64 {
    gamma::norm(0.5 * df)
}

/// One lane of [`pdf`]; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
pub(in crate::math) fn pdf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> (f64, bool) {
    let (value, is_rare) = gamma::pdf_lane::<FMA>(0.5 * x, 0.5 * df, norm);
    (0.5 * value, is_rare)
}

/// The density: at 0 infinite for less than 2 degrees of freedom.
pub fn pdf(x: f64, df: f64, norm: f64) -> f64 {
    0.5 * gamma::pdf(0.5 * x, 0.5 * df, norm)
}

/// One lane of [`logpdf`]; and whether the arguments are so small or large that it may be anything.
#[inline(always)]
pub(in crate::math) fn logpdf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> (f64, bool) {
    gamma::doubled_logpdf_lane::<FMA>(0.5 * x, 0.5 * df, norm)
}

/// The density's logarithm.
pub fn logpdf(x: f64, df: f64, norm: f64) -> f64 {
    gamma::doubled_logpdf(0.5 * x, 0.5 * df, norm)
}

/// One lane of [`cdf`].
#[inline(always)]
pub(in crate::math) fn cdf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> f64 {
    gamma::cdf_lane::<FMA>(0.5 * x, 0.5 * df, norm)
}

/// One lane of [`sf`].
#[inline(always)]
pub(in crate::math) fn sf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> f64 {
    gamma::sf_lane::<FMA>(0.5 * x, 0.5 * df, norm)
}

fn probability(x: f64, df: f64, norm: f64, side: Side) -> f64 {
    gamma::probability(0.5 * x, 0.5 * df, norm, side)
}

fn quantile(p: f64, df: f64, norm: f64, side: Side) -> f64 {
    2.0 * gamma::quantile(p, 0.5 * df, norm, side)
}

sides!(df, norm);
