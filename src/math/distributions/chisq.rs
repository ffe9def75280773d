//! The χ² distribution with `df > 0` degrees of freedom: twice a gamma variate of shape `df / 2`.
//!
//! Prepared: every function takes `norm(df)` last. Degrees of freedom that are not positive and finite give NaN.

use super::gamma;

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

/// The probability up to x.
pub fn cdf(x: f64, df: f64, norm: f64) -> f64 {
    gamma::cdf(0.5 * x, 0.5 * df, norm)
}

/// One lane of [`sf`].
#[inline(always)]
pub(in crate::math) fn sf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> f64 {
    gamma::sf_lane::<FMA>(0.5 * x, 0.5 * df, norm)
}

/// The probability beyond x.
pub fn sf(x: f64, df: f64, norm: f64) -> f64 {
    gamma::sf(0.5 * x, 0.5 * df, norm)
}

/// The logarithm of [`cdf`].
pub fn logcdf(x: f64, df: f64, norm: f64) -> f64 {
    gamma::logcdf(0.5 * x, 0.5 * df, norm)
}

/// The logarithm of [`sf`].
pub fn logsf(x: f64, df: f64, norm: f64) -> f64 {
    gamma::logsf(0.5 * x, 0.5 * df, norm)
}

/// The inverse of [`cdf`].
pub fn ppf(p: f64, df: f64, norm: f64) -> f64 {
    2.0 * gamma::ppf(p, 0.5 * df, norm)
}

/// The inverse of [`sf`].
pub fn isf(q: f64, df: f64, norm: f64) -> f64 {
    2.0 * gamma::isf(q, 0.5 * df, norm)
}

/// The inverse of [`logcdf`].
pub fn ppf_log(log_p: f64, df: f64, norm: f64) -> f64 {
    2.0 * gamma::ppf_log(log_p, 0.5 * df, norm)
}

/// The inverse of [`logsf`].
pub fn isf_log(log_q: f64, df: f64, norm: f64) -> f64 {
    2.0 * gamma::isf_log(log_q, 0.5 * df, norm)
}
