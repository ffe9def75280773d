//! The logarithm of a quotient that may be near one, and what distributions make of it: deviances of
//! a count or a shape from its mean, given the difference, which is known better than the mean.
//!
//! Everything here is free of branches, so that loops over it become vector code.

use super::FMA;
use crate::math::block::exp::{Exp, clamp, exp};
use crate::math::block::lane::{Lane, any_sum, polynomial, product, sum};
use crate::math::block::log::split;
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

/// The sum of four such numbers; the second part is small, but may be more than a rounding error.
#[inline(always)]
pub(in crate::math) fn add_four(a: Pair, b: Pair, c: Pair, d: Pair) -> Pair {
    let (first, first_low) = any_sum(a.0, b.0);
    let (second, second_low) = any_sum(c.0, d.0);
    let (high, low) = any_sum(first, second);
    (high, low + ((first_low + second_low) + ((a.1 + b.1) + (c.1 + d.1))))
}

/// The product of a number and such a sum.
#[inline(always)]
pub(in crate::math) fn times<const FMA: bool>(a: f64, b: Pair) -> Pair {
    let (high, low) = product::<f64, FMA>(a, b.0);
    (high, a.madd::<FMA>(b.1, low))
}

/// The product of two such sums.
#[inline(always)]
pub(in crate::math) fn multiply<const FMA: bool>(a: Pair, b: Pair) -> Pair {
    let (high, low) = times::<FMA>(a.0, b);
    (high, low + a.1 * b.0)
}

/// `log(1 + u)` and `a (log(1 + u) - u)` for `u = d / a`.
#[derive(Clone, Copy)]
pub(in crate::math) struct LogRatio {
    /// `log((a + d) / a)`, to some 1e-20.
    pub(in crate::math) log: Pair,
    /// `a log((a + d) / a) - d`, to some 1e-19 of it: a deviance, negated.
    pub(in crate::math) weighted: Pair,
}

/// Quotients beyond this are taken for this.
const HUGE: f64 = 1e305;

/// The logarithm of `mean / a`, where `d` is the difference `mean - a`, for positive `a` and `mean`.
/// For `a` from 1e-300.
#[inline(always)]
pub(in crate::math) fn log_ratio<const FMA: bool>(a: f64, d: Pair, mean: Pair) -> LogRatio {
    let inverse = 1.0 / a;
    // Infinity would give NaN; what is so large is not near one.
    let quotient = |x: Pair| {
        let high = x.0 * inverse;
        let low = (minus_product::<FMA>(x.0, high, a) + x.1) * inverse;
        if high > HUGE { (HUGE, 0.0) } else { (high, low) }
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
    let log = log_parts::<FMA>(k, f, rest);
    let (high, part) = any_sum(log.linear, -u.0);
    let (high, next) = any_sum(log.exponent, high);
    let (high, last) = any_sum(high, log.cubic);
    let beyond = sum(high, last + ((part + next) + (log.low - u.1)));
    let weighted = times::<FMA>(a, beyond);
    LogRatio { log: log.pair(), weighted: if u.0 < HUGE { weighted } else { (-d.0, -d.1) } }
}

/// `log(2**k (1 + f))` in parts, of which `linear` and `cubic` are not small where the sum is.
pub(in crate::math) struct LogParts {
    exponent: f64,
    linear: f64,
    cubic: f64,
    low: f64,
}

impl LogParts {
    /// The sum.
    #[inline(always)]
    pub(in crate::math) fn pair(&self) -> Pair {
        let (high, part) = any_sum(self.exponent, self.linear);
        let (high, rest) = sum(high, self.cubic);
        sum(high, (rest + part) + self.low)
    }
}

/// The logarithm of `2**k (1 + f + rest)`, which is between `sqrt(1/2)` and `sqrt(2)` but for `k`, to some
/// 1e-20: with `s = f / (2 + f)` it is `k log(2) + 2 (s + s^3/3 + s^5/5 + ...)`, the first two terms in
/// twice the precision.
#[inline(always)]
pub(in crate::math) fn log_parts<const FMA: bool>(k: f64, f: f64, rest: f64) -> LogParts {
    const THIRD: Pair = (2.0 / 3.0, 3.700743415417188e-17);
    // 2/5 + 2/7 s^2 + ..., interpolated in Chebyshev's points in 60 digits; error 2^-51.
    const FIFTH_ON: [f64; 7] = [
        0.40000000000000024,
        0.2857142857133851,
        0.2222222227110234,
        0.18181808247544543,
        0.15385574796462032,
        0.13285957435193352,
        0.1291361767218225,
    ];
    let (below, below_low) = sum(2.0, f);
    let below_low = below_low + rest;
    let inverse = 1.0 / below;
    let s = f * inverse;
    let s_low = ((minus_product::<FMA>(f, s, below) + rest) - s * below_low) * inverse;
    let (square, square_low) = product::<f64, FMA>(s, s);
    let square_low = (s + s).madd::<FMA>(s_low, square_low);
    let (cube, cube_low) = product::<f64, FMA>(s, square);
    let cube_low = s.madd::<FMA>(square_low, s_low.madd::<FMA>(square, cube_low));
    let (cubic, cubic_low) = product::<f64, FMA>(cube, THIRD.0);
    let cubic_low = cube.madd::<FMA>(THIRD.1, cube_low.madd::<FMA>(THIRD.0, cubic_low));
    let higher = (cube * square) * polynomial::<f64, FMA>(square, &FIFTH_ON);
    LogParts {
        exponent: k * f64::LN_2.0,
        linear: s + s,
        cubic,
        low: k.madd::<FMA>(f64::LN_2.1, s_low + s_low) + (cubic_low + higher),
    }
}

/// The logarithm of a number, to some 1e-20 in addition to that of the sum's rounding.
pub(in crate::math) fn log_pair(x: f64) -> Pair {
    if !(x > 0.0 && x < f64::INFINITY) {
        return (x.ln(), 0.0);
    }
    let (k, m) = split(x);
    log_parts::<FMA>(k, m - 1.0, 0.0).pair()
}

/// `factor * e**x` for `x` whose second part is small, with a relative error of its square: infinity beyond the
/// greatest number, subnormal numbers and zero below the least normal one; NaN for NaN.
#[inline(always)]
pub(in crate::math) fn exp_pair<const FMA: bool>(x: Pair, factor: f64) -> f64 {
    let (high, low) = x;
    let mut power = exp::<f64, FMA>(clamp(high, 1400.0));
    let rest = if high.abs() < 1400.0 { low } else { 0.0 };
    power.low = (power.high + power.low).madd::<FMA>(rest, power.low);
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
