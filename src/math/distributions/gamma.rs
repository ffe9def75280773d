//! The gamma distribution with shape `a > 0` and scale 1: density `x^(a-1) e⁻ˣ / Γ(a)` on `x >= 0`.
//!
//! Prepared: every function takes `norm(a)` last. Shapes that are not positive and finite give NaN.

use crate::math::block::exp::{Exp, Power, exp};
use crate::math::block::lane::{Lane, any_sum, product, sum};
use crate::math::block::log::beyond_linear;
use crate::math::special::FMA;
use crate::math::special::gamma::{Tail, Target, prefactor, quantile, scaled_exp, tails};
use crate::math::special::saddle_point::deviance_pair;

/// What depends on the shape alone: `aᵃ e⁻ᵃ / Γ(a)`.
pub fn norm(a: f64) -> f64 {
    if a > 0.0 && a < f64::INFINITY { prefactor(a) } else { f64::NAN }
}

/// `-deviance(a, x)` in two parts, without branches; for x and a far from overflow and underflow.
///
/// It is `a log(x/a) - (x - a)` with `x/a = 2^k (1 + f) (1 + error)`. For `k = 0` what is of the size of `a f` and of
/// `a error` cancels exactly, and leaves `a (log(1 + f) - f) - a f error`.
#[inline(always)]
fn exponent<const FMA: bool>(x: f64, a: f64) -> (f64, f64) {
    let ratio = x / a;
    let (high, low) = product::<f64, FMA>(ratio, a);
    let error = ((x - high) - low) / x;
    let (k, m) = ratio.split();
    let f = m - 1.0;
    let (log, log_low) = sum(k * f64::LN_2.0, f);
    let log_low = log_low + (k.madd::<FMA>(f64::LN_2.1, error) + beyond_linear::<f64, FMA>(f));
    let (power, power_low) = product::<f64, FMA>(a, log);
    let (linear, linear_low) = any_sum(x, -a);
    let (high, low) = any_sum(power, -linear);
    any_sum(high, low + ((power_low - linear_low) + a * log_low))
}

/// `exp(-deviance(a, x)) factor` without branches; and whether the arguments are rare, when it may be anything.
/// The density is this with the norm over x as the factor.
#[inline(always)]
pub(in crate::math) fn density_lane<const FMA: bool>(x: f64, a: f64, factor: f64) -> (f64, bool) {
    const GREAT: f64 = 1e140;
    let (high, low) = exponent::<FMA>(x, a);
    let power = exp::<f64, FMA>(high);
    let value = Power { low: power.low + low, ..power }.normal() * factor;
    // NaN is rare too.
    let is_usual = (x > 1.0 / GREAT) & (x < GREAT) & (a > 1.0 / GREAT) & (a < GREAT);
    (value, !(is_usual & (high > -600.0) & (factor > 1e-40)))
}

/// The logarithm of the density of a variate times `multiple`, at `x * multiple`, which is 1 or 2.
#[inline]
pub(super) fn scaled_logpdf(x: f64, a: f64, norm: f64, multiple: f64) -> f64 {
    if norm.is_nan() || x.is_nan() {
        f64::NAN
    } else if x < 0.0 || x == f64::INFINITY || x == 0.0 && a > 1.0 {
        -f64::INFINITY
    } else if a == 1.0 {
        // Exactly, since it is zero at 0.
        -multiple.ln() - x
    } else if x == 0.0 {
        f64::INFINITY
    } else {
        let (high, low) = deviance_pair(a, x);
        let factor = norm / (x * multiple);
        let log_factor = if factor.is_normal() { factor.ln() } else { norm.ln() - (x.ln() + multiple.ln()) };
        -high + (log_factor - low)
    }
}

/// The density.
pub fn pdf(x: f64, a: f64, norm: f64) -> f64 {
    let (value, is_rare) = density_lane::<FMA>(x, a, norm / x);
    if is_rare { careful_pdf(x, a, norm) } else { value }
}

/// The density for all arguments.
#[cold]
fn careful_pdf(x: f64, a: f64, norm: f64) -> f64 {
    let factor = norm / x;
    if x > 0.0 && x < f64::INFINITY && factor.is_normal() {
        let (high, low) = deviance_pair(a, x);
        scaled_exp((-high, -low), factor)
    } else {
        logpdf(x, a, norm).exp()
    }
}

/// The density's logarithm.
pub fn logpdf(x: f64, a: f64, norm: f64) -> f64 {
    scaled_logpdf(x, a, norm, 1.0)
}

/// The smaller tail, for all arguments.
fn tail(x: f64, a: f64, norm: f64) -> Tail {
    if norm.is_nan() {
        Tail::exactly(false, f64::NAN)
    } else if x <= 0.0 {
        Tail::exactly(false, 0.0)
    } else {
        tails(a, x, norm)
    }
}

/// The probability up to x.
pub fn cdf(x: f64, a: f64, norm: f64) -> f64 {
    tail(x, a, norm).lower()
}

/// The probability beyond x.
pub fn sf(x: f64, a: f64, norm: f64) -> f64 {
    tail(x, a, norm).upper()
}

/// The logarithm of [`cdf`].
pub fn logcdf(x: f64, a: f64, norm: f64) -> f64 {
    tail(x, a, norm).log_lower()
}

/// The logarithm of [`sf`].
pub fn logsf(x: f64, a: f64, norm: f64) -> f64 {
    tail(x, a, norm).log_upper()
}

/// The inverse of [`cdf`].
pub fn ppf(p: f64, a: f64, norm: f64) -> f64 {
    quantile(a, norm, Target::lower(p))
}

/// The inverse of [`sf`].
pub fn isf(q: f64, a: f64, norm: f64) -> f64 {
    quantile(a, norm, Target::upper(q))
}

/// The inverse of [`logcdf`].
pub fn ppf_log(log_p: f64, a: f64, norm: f64) -> f64 {
    quantile(a, norm, Target::log_lower(log_p))
}

/// The inverse of [`logsf`].
pub fn isf_log(log_q: f64, a: f64, norm: f64) -> f64 {
    quantile(a, norm, Target::log_upper(log_q))
}
