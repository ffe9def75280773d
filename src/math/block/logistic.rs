//! Functions of `ln(1 + exp(x))`'s family: they neither overflow nor lose their tails.
//!
//! All start from `e**-abs(x)` in two parts, which is at most 1.

use std::marker::PhantomData;

use super::dispatch::{Binary, Kernels, Unary, Widened};
use super::exp::{Exp, Power, clamp, exp, exp2, expm1};
use super::lane::{Lane, any_sum, product, sum};
use super::log::{Log, natural, one_plus, special, split};
use super::pair::quotient;

/// `1 / (1 + e**-x)`.
///
/// With `n` the lesser of 1 and `e**x`, this is `n / (1 + e**-abs(x))`: the quotient is corrected by
/// its remainder, and by the second parts of both.
/// Greatest error measured: 0.94 ULP, 0.92 in float32.
struct LogisticKernel<T>(PhantomData<T>);

impl<T: Exp> LogisticKernel<T> {
    /// For `x` of no greater magnitude than `EXPONENT * ln(2)`.
    #[inline(always)]
    fn value<const FMA: bool>(x: T) -> T {
        let (e, e_low) = exp::<T, FMA>(-x.abs()).pair();
        let (one, zero) = (T::of(1.0), T::of(0.0));
        let (n, n_low) = if x < zero { (e, e_low) } else { (one, zero) };
        let (d, d_low) = sum(one, e);
        let inverse = one / d;
        let quotient = n * inverse;
        let (back, back_low) = product::<T, FMA>(quotient, d);
        let rest = ((n - back) - back_low) + (n_low - quotient * (d_low + e_low));
        rest.madd::<FMA>(inverse, quotient)
    }
}

impl<T: Exp> Unary for LogisticKernel<T> {
    type X = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T) -> (T, bool) {
        (Self::value::<FMA>(x), !is_moderate(x))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T) -> T {
        // Above, this is 1; below, e**x.
        let value = Self::value::<FMA>(clamp(x, moderate()));
        let value = if x < -moderate::<T>() { tail::<T, FMA>(x) } else { value };
        if x.is_nan() { x } else { value }
    }
}

/// The magnitude up to which powers of e and their errors are normal numbers.
#[inline(always)]
fn moderate<T: Exp>() -> T {
    T::EXPONENT * T::LN_2.0 * T::of(0.75)
}

#[inline(always)]
fn is_moderate<T: Exp>(x: T) -> bool {
    x.abs() <= moderate()
}

/// `e**x` for any `x` that is a number.
#[inline(always)]
fn tail<T: Exp, const FMA: bool>(x: T) -> T {
    exp::<T, FMA>(clamp(x, T::BEYOND * T::LN_2.0)).value()
}

/// `ln(1 + e**x)`: the greater of `x` and 0, and `ln(1 + e**-abs(x))`.
/// Greatest error measured: 0.94 ULP, 0.90 in float32.
struct Log1pExpKernel<T>(PhantomData<T>);

impl<T: Log> Log1pExpKernel<T> {
    /// `x` by its part over 0 and its magnitude.
    #[inline(always)]
    fn value<const FMA: bool>(over: T, magnitude: T) -> T {
        let (e, e_low) = exp::<T, FMA>(-magnitude).pair();
        let (high, low) = one_plus::<T, FMA>(e, e_low);
        let (high, rest) = any_sum(over, high);
        high + (rest + low)
    }

    #[inline(always)]
    fn over(x: T) -> T {
        if x > T::of(0.0) { x } else { T::of(0.0) }
    }
}

impl<T: Log> Unary for Log1pExpKernel<T> {
    type X = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T) -> (T, bool) {
        (Self::value::<FMA>(Self::over(x), x.abs()), !is_moderate(x))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T) -> T {
        let value = Self::value::<FMA>(Self::over(x), clamp(x, moderate()).abs());
        let value = if x < -moderate::<T>() { tail::<T, FMA>(x) } else { value };
        if x.is_nan() | (x == T::INFINITY) { x } else { value }
    }
}

/// The logarithm of a positive number in two parts, in two parts.
#[inline(always)]
pub(in crate::math) fn log_of_pair<const FMA: bool>(high: f64, low: f64) -> (f64, f64) {
    let (k, m) = high.split();
    let (f, rest) = any_sum(m - 1.0, low * f64::pow2(-k));
    // log(1 + f + rest) = log(1 + f) + rest / (1 + f).
    natural::<f64, FMA>(k, f, (-rest).madd::<FMA>(f, rest))
}

/// `ln(1 - e**x)` of float64, for `x` below 0: of `-(e**x - 1)` above `-ln(2)`, else of `1 - e**x` in two
/// parts (Maechler, "Accurately computing log(1 - exp(-|a|))", 2012).
/// Greatest error measured: 1.1 ULP.
struct Log1mExp;

impl Log1mExp {
    /// For `x` from the least number with a normal power to the greatest with a normal reciprocal.
    #[inline(always)]
    fn value<const FMA: bool>(x: f64) -> f64 {
        let (less_one, less_one_low) = expm1::<f64, FMA>(x).pair();
        let (e, e_low) = exp::<f64, FMA>(x).pair();
        let (high, low) = any_sum(1.0, -e);
        let is_near = x > -std::f64::consts::LN_2;
        let (high, low) = if is_near { (-less_one, -less_one_low) } else { (high, low - e_low) };
        let (high, low) = log_of_pair::<FMA>(high, low);
        high + low
    }
}

impl Unary for Log1mExp {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (x >= -moderate::<f64>()) & (x <= -1e-290);
        (Self::value::<FMA>(x), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        let usual = if x < -1e-290 { clamp(x, moderate()) } else { -1.0 };
        let value = Self::value::<FMA>(usual);
        let value = if x < -moderate::<f64>() { -tail::<f64, FMA>(x) } else { value };
        // Above, `1 - e**x` is -x.
        let (k, m) = split(-x);
        let (high, low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
        if x < -1e-290 { value } else { special(-x, high + low) }
    }
}

/// `ln(p / (1 - p))` of float64, with the quotient in two parts, which leaves the digits of a result
/// near 0. Greatest error measured: 0.9 ULP.
struct Logit;

impl Logit {
    #[inline(always)]
    fn value<const FMA: bool>(p: f64) -> f64 {
        let (q, q_rest) = any_sum(1.0, -p);
        let (high, low) = quotient::<FMA>((p, 0.0), (q, q_rest));
        let (high, low) = log_of_pair::<FMA>(high, low);
        high + low
    }
}

impl Unary for Logit {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(p: f64) -> (f64, bool) {
        let is_usual = (1e-290..1.0).contains(&p);
        (Self::value::<FMA>(p), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(p: f64) -> f64 {
        let value = Self::value::<FMA>(if (1e-290..1.0).contains(&p) { p } else { 0.5 });
        // Below, `1 - p` is 1.
        let (k, m) = split(p);
        let (high, low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
        let value = if p >= 1e-290 { value } else { special(p, high + low) };
        let value = if p == 1.0 { f64::INFINITY } else { value };
        if p > 1.0 { f64::NAN } else { value }
    }
}

/// A base of [`LogAdd`].
trait Base {
    /// `b**x` with the error of `x`, from which a rounding error's magnitude is expected.
    fn power<const FMA: bool>(x: f64, rest: f64) -> Power<f64>;
    /// A natural logarithm in two parts, to this base.
    fn from_natural<const FMA: bool>(high: f64, low: f64) -> (f64, f64);
    /// `log_b(e)`.
    const LOG_E: f64;
    /// The magnitude up to which powers and their errors are normal numbers.
    const MODERATE: f64;
    /// The exponent of which the power is zero.
    const BEYOND: f64;
}

struct Natural;

impl Base for Natural {
    #[inline(always)]
    fn power<const FMA: bool>(x: f64, rest: f64) -> Power<f64> {
        let power = exp::<f64, FMA>(x);
        Power { low: rest.madd::<FMA>(power.high + power.low, power.low), ..power }
    }
    #[inline(always)]
    fn from_natural<const FMA: bool>(high: f64, low: f64) -> (f64, f64) {
        (high, low)
    }
    const LOG_E: f64 = 1.0;
    const MODERATE: f64 = 530.0;
    const BEYOND: f64 = 750.0;
}

struct Two;

impl Base for Two {
    #[inline(always)]
    fn power<const FMA: bool>(x: f64, rest: f64) -> Power<f64> {
        exp2::<f64, FMA>(x, rest)
    }
    #[inline(always)]
    fn from_natural<const FMA: bool>(high: f64, low: f64) -> (f64, f64) {
        let (value, rest) = product::<f64, FMA>(high, f64::LOG2_E_WIDE.0);
        (value, low.madd::<FMA>(f64::LOG2_E_WIDE.0, high.madd::<FMA>(f64::LOG2_E_WIDE.1, rest)))
    }
    const LOG_E: f64 = std::f64::consts::LOG2_E;
    const MODERATE: f64 = 765.0;
    const BEYOND: f64 = 1080.0;
}

/// `log_b(b**x + b**z)` of float64: the greater, and `log_b(1 + b**-abs(x - z))`, where the difference
/// has two parts.
///
/// Where the two terms cancel, that is near `b**x + b**z == 1`, the error is one of the greater
/// argument's last place, as NumPy's. Elsewhere, the greatest error measured is 1.3 ULP.
struct LogAdd<B>(PhantomData<B>);

impl<B: Base> LogAdd<B> {
    /// The greater argument, and the other less that in two parts.
    #[inline(always)]
    fn order(x: f64, z: f64) -> (f64, f64, f64) {
        let (most, least) = if x > z { (x, z) } else { (z, x) };
        let (difference, rest) = any_sum(least, -most);
        (most, difference, rest)
    }

    #[inline(always)]
    fn value<const FMA: bool>(most: f64, difference: f64, rest: f64) -> f64 {
        let (e, e_low) = B::power::<FMA>(difference, rest).pair();
        let (high, low) = one_plus::<f64, FMA>(e, e_low);
        let (high, low) = B::from_natural::<FMA>(high, low);
        let (high, rest) = any_sum(most, high);
        high + (rest + low)
    }
}

impl<B: Base> Binary for LogAdd<B> {
    type X = f64;
    type Z = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64, z: f64) -> (f64, bool) {
        let (most, difference, rest) = Self::order(x, z);
        let is_usual = (difference >= -B::MODERATE) & (difference <= 0.0);
        (Self::value::<FMA>(most, difference, rest), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64, z: f64) -> f64 {
        let (most, difference, rest) = Self::order(x, z);
        let is_usual = difference >= -B::MODERATE;
        let value =
            Self::value::<FMA>(most, if is_usual { difference } else { 0.0 }, if is_usual { rest } else { 0.0 });
        // The logarithm of one and little is little, times that of e.
        let far = if difference > -B::BEYOND { difference } else { -B::BEYOND };
        let value = if is_usual { value } else { most + B::LOG_E * B::power::<FMA>(far, 0.0).value() };
        let value = if most.abs() == f64::INFINITY { most } else { value };
        if x.is_nan() | z.is_nan() { f64::NAN } else { value }
    }
}

/// The same of float32: in float64, rounded at the end.
struct LogAddSingle<B>(PhantomData<B>);

impl<B: Base> Binary for LogAddSingle<B> {
    type X = f32;
    type Z = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32, z: f32) -> (f32, bool) {
        let (value, is_rare) = LogAdd::<B>::fast::<FMA>(f64::from(x), f64::from(z));
        (value as f32, is_rare)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32, z: f32) -> f32 {
        LogAdd::<B>::careful::<FMA>(f64::from(x), f64::from(z)) as f32
    }
}

/// `1 / (1 + e**-x)`.
pub static LOGISTIC: Kernels = Kernels::unary::<LogisticKernel<f32>, LogisticKernel<f64>>("logistic");
/// `ln(1 + e**x)`.
pub static LOG1PEXP: Kernels = Kernels::unary::<Log1pExpKernel<f32>, Log1pExpKernel<f64>>("log1pexp");
/// `ln(1 - e**x)`.
pub static LOG1MEXP: Kernels = Kernels::unary::<Widened<Log1mExp>, Log1mExp>("log1mexp");
/// `ln(p / (1 - p))`, the inverse of the logistic function.
pub static LOGIT: Kernels = Kernels::unary::<Widened<Logit>, Logit>("logit");
/// `ln(e**x + e**y)`.
pub static LOGADDEXP: Kernels = Kernels::binary::<LogAddSingle<Natural>, LogAdd<Natural>>("logaddexp");
/// `log2(2**x + 2**y)`.
pub static LOGADDEXP2: Kernels = Kernels::binary::<LogAddSingle<Two>, LogAdd<Two>>("logaddexp2");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{exact, exact_of_two, near, near_of_two};

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    #[test]
    fn special_values() {
        let logistic = [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (800.0, 1.0), (-800.0, 0.0)];
        exact::<LogisticKernel<f64>, f64>(&logistic);
        exact::<LogisticKernel<f32>, f32>(&logistic);
        let log1pexp = [(INF, INF), (-INF, 0.0), (NAN, NAN), (800.0, 800.0), (-800.0, 0.0), (0.0, 2f64.ln())];
        exact::<Log1pExpKernel<f64>, f64>(&log1pexp);
        exact::<Log1pExpKernel<f32>, f32>(&log1pexp);
        let sums = [
            (INF, INF, INF),
            (-INF, -INF, -INF),
            (INF, -INF, INF),
            (-INF, 3.0, 3.0),
            (0.0, -INF, 0.0),
            (NAN, 1.0, NAN),
            (INF, NAN, NAN),
            (NAN, -INF, NAN),
            (2000.0, 1.0, 2000.0),
        ];
        exact_of_two::<LogAdd<Natural>, f64>(&sums);
        exact_of_two::<LogAdd<Two>, f64>(&sums);
        exact_of_two::<LogAddSingle<Natural>, f32>(&sums);
        exact_of_two::<LogAddSingle<Two>, f32>(&sums);
        exact_of_two::<LogAdd<Two>, f64>(&[(5.0, 5.0, 6.0), (f64::MAX, -f64::MAX, f64::MAX)]);
    }

    #[test]
    fn near_to_a_reference() {
        fn logistic(x: f64) -> f64 {
            let e = pxfm::f_exp(-x.abs());
            if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
        }
        fn log1pexp(x: f64) -> f64 {
            x.max(0.0) + pxfm::f_log1p(pxfm::f_exp(-x.abs()))
        }
        near::<LogisticKernel<f64>, f64>(logistic, -760.0..760.0, 1.5);
        near::<LogisticKernel<f32>, f32>(logistic, -110.0..110.0, 2.0);
        near::<Log1pExpKernel<f64>, f64>(log1pexp, -760.0..760.0, 1.5);
        near::<Log1pExpKernel<f32>, f32>(log1pexp, -110.0..110.0, 2.0);
        // One argument is nearly zero, so that the reference's difference is exact.
        near_of_two::<LogAdd<Natural>, f64>(
            |x, z| x.max(z) + pxfm::f_log1p(pxfm::f_exp(-(x - z).abs())),
            [-500.0..500.0, -1e-300..1e-300],
            1.5,
        );
        near_of_two::<LogAdd<Two>, f64>(
            |x, z| x.max(z) + pxfm::f_log1p(pxfm::f_exp2(-(x - z).abs())) / std::f64::consts::LN_2,
            [-500.0..500.0, -1e-300..1e-300],
            1.5,
        );
    }
}
