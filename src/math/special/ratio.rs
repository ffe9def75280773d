//! The logarithm of a quotient that may be near one, and what distributions make of it: deviances of
//! a count or a shape from its mean, given the difference, which is known better than the mean.
//!
//! Everything here is free of branches, so that loops over it become vector code.

use crate::math::block::exp::{clamp, exp};
use crate::math::block::lane::{Lane, any_sum, product, sum};
use crate::math::block::log::{natural, split};
use crate::math::block::pair::minus_product;
use crate::math::special::saddle_point::stirling_error;

/// A number as the sum of a rounded one and a small one.
pub(in crate::math) type Pair = (f64, f64);

/// The sum of two such numbers.
#[inline(always)]
pub(in crate::math) fn add(a: Pair, b: Pair) -> Pair {
    let (high, low) = any_sum(a.0, b.0);
    sum(high, low + (a.1 + b.1))
}

/// The difference of two such numbers.
#[inline(always)]
pub(in crate::math) fn subtract(a: Pair, b: Pair) -> Pair {
    add(a, (-b.0, -b.1))
}

/// The product of a number and such a sum.
#[inline(always)]
pub(in crate::math) fn times<const FMA: bool>(a: f64, b: Pair) -> Pair {
    let (high, low) = product::<f64, FMA>(a, b.0);
    (high, a.madd::<FMA>(b.1, low))
}

/// `log(1 + u)` and `log(1 + u) - u` for `u = d / a`.
#[derive(Clone, Copy)]
pub(in crate::math) struct LogRatio {
    /// `log((a + d) / a)`, to some 1e-17.
    pub(in crate::math) log: Pair,
    /// `log((a + d) / a) - d / a`, to some 1e-16 of it, and to 1e-17 where `d` is of `a`'s magnitude.
    pub(in crate::math) beyond: Pair,
}

/// The logarithm of `mean / a`, where `d` is the difference `mean - a`, for positive `a` and `mean`.
/// For `a` from 1e-300.
#[inline(always)]
pub(in crate::math) fn log_ratio<const FMA: bool>(a: f64, d: Pair, mean: Pair) -> LogRatio {
    let inverse = 1.0 / a;
    let quotient = |x: Pair| {
        let high = x.0 * inverse;
        (high, (minus_product::<FMA>(x.0, high, a) + x.1) * inverse)
    };
    let u = quotient(d);
    // 1 + u is not known to all digits where it is small: then it is the quotient itself.
    let (near, near_rest) = any_sum(1.0, u.0);
    let far = quotient(mean);
    let is_near = u.0 > -0.5;
    let (w, rest) = if is_near { (near, near_rest + u.1) } else { far };
    let (k, m) = split(w);
    let scale = f64::pow2(if k < -1000.0 { 1000.0 } else { -k });
    let (f, rest) = any_sum(m - 1.0, rest * scale);
    let (high, low) = natural::<f64, FMA>(k, f, (-rest).madd::<FMA>(f, rest));
    let (beyond, part) = any_sum(high, -u.0);
    LogRatio { log: (high, low), beyond: sum(beyond, part + (low - u.1)) }
}

/// `factor * e**x`: infinity beyond the greatest number, subnormal numbers and zero below the least
/// normal one; NaN for NaN.
#[inline(always)]
pub(in crate::math) fn exp_pair<const FMA: bool>(x: Pair, factor: f64) -> f64 {
    let (high, low) = any_sum(x.0, x.1);
    let mut power = exp::<f64, FMA>(clamp(high, 1400.0));
    power.low += if high.abs() < 1400.0 { low } else { 0.0 };
    // The power of two in three steps, of which the factor is between the first and the second: it may
    // bring back what is beyond the range.
    let k = power.shift - f64::ROUND;
    let third = (k * (1.0 / 3.0)).round();
    let step = f64::pow2(third);
    let value = ((power.high + power.low) * step * factor) * step * f64::pow2(k - (third + third));
    if high.is_nan() { high } else { value }
}

/// `n! e**n / n**n` for real `n >= 0`: what Stirling's formula says is about `sqrt(2πn)`. It is 1 at 0.
pub(in crate::math) fn stirling_quotient(n: f64) -> f64 {
    if n >= 1.0 {
        (2.0 * std::f64::consts::PI * n).sqrt() * stirling_error(n).exp()
    } else if n > 0.0 {
        // From (n + 1)! = (n + 1) n!.
        let next = n + 1.0;
        let (log, log_next) = (n.ln(), n.ln_1p());
        (2.0 * std::f64::consts::PI * next).sqrt() * (stirling_error(next) - 1.0 + n * (log_next - log)).exp()
    } else if n == 0.0 {
        1.0
    } else {
        f64::NAN
    }
}

/// The logarithm of [`stirling_quotient`].
pub(in crate::math) fn log_stirling_quotient(n: f64) -> f64 {
    if n >= 1.0 { 0.5 * (2.0 * std::f64::consts::PI * n).ln() + stirling_error(n) } else { stirling_quotient(n).ln() }
}
