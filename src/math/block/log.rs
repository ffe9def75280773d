//! Logarithms.
//!
//! `x = 2**k * (1 + f)` with `1 + f` between `sqrt(1/2)` and `sqrt(2)`. With `s = f / (2 + f)`,
//! `ln(1 + f) = 2*atanh(s) = f - s * (f - R)` where `R` is a minimax polynomial in `s*s` (the method of
//! FreeBSD's msun). `f` is exact, and is added to `k * ln(2)` without error (Dekker), so that what is
//! left is the last rounding and some tenths. For other bases, `f` times the constant is in two parts.

use std::marker::PhantomData;

use super::dispatch::{Kernels, Unary};
use super::exp::Exp;
use super::lane::{Lane, any_sum, polynomial, product, sum};

/// The constants of logarithms in an element type.
pub(in crate::math) trait Log: Exp {
    /// `log2(e)` rounded, and the rest.
    const LOG2_E_WIDE: (Self, Self);
    /// `log10(e)` in the same way.
    const LOG10_E_WIDE: (Self, Self);
    /// `(ln((1+s) / (1-s)) - 2*s) / s**3`, a polynomial in `s*s`.
    const LOG_R: &'static [Self];
}

impl Log for f64 {
    const LOG2_E_WIDE: (f64, f64) = (std::f64::consts::LOG2_E, 2.0355273740931033e-17);
    const LOG10_E_WIDE: (f64, f64) = (std::f64::consts::LOG10_E, 1.098319650216765e-17);
    const LOG_R: &'static [f64] = &[
        0.6666666666666731,
        0.39999999999435065,
        0.28571428738574295,
        0.2222219890787768,
        0.18183549290378323,
        0.15314385722335117,
        0.14793008805199606,
    ];
}

impl Log for f32 {
    const LOG2_E_WIDE: (f32, f32) = (std::f32::consts::LOG2_E, 1.925963e-08);
    const LOG10_E_WIDE: (f32, f32) = (std::f32::consts::LOG10_E, -1.010305e-08);
    const LOG_R: &'static [f32] = &[0.6666666, 0.4000033, 0.2853744, 0.23580393];
}

/// `ln(1 + f) - f`, for `1 + f` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
pub(in crate::math) fn beyond_linear<T: Log, const FMA: bool>(f: T) -> T {
    let s = f / (T::of(2.0) + f);
    let z = s * s;
    let half = f * T::of(0.5);
    // ln(1 + f) = 2*s + s*z*R, and 2*s = f - f*f/2 + s*f*f/2.
    let (square, error) = product::<T, FMA>(half, f);
    let rest = z.madd::<FMA>(polynomial::<T, FMA>(z, T::LOG_R), square);
    if FMA { (-half).madd::<FMA>(f, s * rest) } else { (s * rest - error) - square }
}

/// `ln(2**k * (1 + f + error))` in two parts; `error` is that of a rounded `f`.
#[inline(always)]
pub(in crate::math) fn natural<T: Log, const FMA: bool>(k: T, f: T, error: T) -> (T, T) {
    // Without k, f is the greater.
    let (high, low) = sum(k * T::LN_2.0, f);
    let rest = k.madd::<FMA>(T::LN_2.1, error);
    (high, low + (rest + beyond_linear::<T, FMA>(f)))
}

/// `ln(2**k * m)`, rounded some times: within 2^-53 (of float64) where that is near 0, else within some units in the
/// last place. For what depends on no more.
#[inline(always)]
fn rounded<T: Log, const FMA: bool>(k: T, m: T) -> T {
    let s = (m - T::of(1.0)) / (m + T::of(1.0));
    let z = s * s;
    // 2 atanh(s) / s
    let quotient = polynomial::<T, FMA>(z, T::LOG_R).madd::<FMA>(z, T::of(2.0));
    s.madd::<FMA>(quotient, k * T::LN_2_WIDE.0)
}

/// `ln(x)` of a positive normal number, as [`rounded`].
#[inline(always)]
pub(in crate::math) fn absolute<const FMA: bool>(x: f64) -> f64 {
    let (k, m) = x.split();
    rounded::<f64, FMA>(k, m)
}

/// `log_b(2**k * (1 + f))` in two parts, from `log_b(e)` and `log_b(2)` times `k`.
#[inline(always)]
fn based<T: Log, const FMA: bool>(k: (T, T), f: T, scale: (T, T)) -> (T, T) {
    let (linear, error) = product::<T, FMA>(f, scale.0);
    let (high, low) = sum(k.0, linear);
    let rest = f.madd::<FMA>(scale.1, error) + k.1;
    let beyond = beyond_linear::<T, FMA>(f);
    if FMA {
        (high, low + beyond.madd::<FMA>(scale.0, rest))
    } else {
        let (beyond, error) = product::<T, FMA>(beyond, scale.0);
        (high, low + (beyond + (rest + error)))
    }
}

/// `k` and `m` with `x = m * 2**k`, also of a subnormal number.
#[inline(always)]
pub(in crate::math) fn split<T: Lane>(x: T) -> (T, T) {
    let is_subnormal = x < T::TINY;
    let (k, m) = (if is_subnormal { x * T::LIFTED } else { x }).split();
    (if is_subnormal { k - T::LIFT } else { k }, m)
}

/// The value of a logarithm where `value` is that for normal and subnormal `x`.
#[inline(always)]
pub(in crate::math) fn special<T: Lane>(x: T, value: T) -> T {
    let value = if x > T::of(0.0) { value } else { T::NAN };
    let value = if x == T::of(0.0) { -T::INFINITY } else { value };
    if x == T::INFINITY { x } else { value }
}

#[inline(always)]
fn total<T: Lane>((high, low): (T, T)) -> T {
    high + low
}

macro_rules! kernels {
    ($($(#[doc = $doc:literal])+ $kernel:ident: |$k:ident, $m:ident| $value:expr;)+) => {$(
        $(#[doc = $doc])+
        struct $kernel<T>(PhantomData<T>);

        impl<T: Log> $kernel<T> {
            #[inline(always)]
            fn value<const FMA: bool>($k: T, $m: T) -> T {
                $value
            }
        }

        impl<T: Log> Unary for $kernel<T> {
            type X = T;
            type Y = T;

            #[inline(always)]
            fn fast<const FMA: bool>(x: T) -> (T, bool) {
                let (k, m) = x.split();
                let is_usual = (x >= T::TINY) & (x <= T::MAX);
                (Self::value::<FMA>(k, m), !is_usual)
            }

            #[inline(always)]
            fn careful<const FMA: bool>(x: T) -> T {
                let (k, m) = split(x);
                special(x, Self::value::<FMA>(k, m))
            }
        }
    )+};
}

kernels! {
    /// The natural logarithm. Greatest error measured: 0.79 ULP, 0.82 in float32.
    LogKernel: |k, m| total(natural::<T, FMA>(k, m - T::of(1.0), T::of(0.0)));
    /// The same with fewer operations. Greatest error measured: 2.9 ULP in both types.
    RoundedLog: |k, m| rounded::<T, FMA>(k, m);
    /// The logarithm to base 2. Greatest error measured: 0.97 ULP, 0.93 in float32.
    Log2Kernel: |k, m| total(based::<T, FMA>((k, T::of(0.0)), m - T::of(1.0), T::LOG2_E_WIDE));
    /// The logarithm to base 10. Greatest error measured: 0.90 ULP, 0.92 in float32.
    Log10Kernel: |k, m| total(based::<T, FMA>((k * T::LOG10_2.0, k * T::LOG10_2.1), m - T::of(1.0), T::LOG10_E_WIDE));
}

/// `ln(1 + x + error)` in two parts, for `x` over -1 and under `2**EXPONENT`; `error` is that of a
/// rounded `x`.
///
/// `1 + x` in two parts is `2**k * (m + part)`; then `f = m - 1 + part` is rounded, which is exactly `x`
/// where `k` is 0 and `error` is.
#[inline(always)]
pub(in crate::math) fn one_plus<T: Log, const FMA: bool>(x: T, error: T) -> (T, T) {
    let (one_plus, rest) = any_sum(T::of(1.0), x);
    let (k, m) = one_plus.split();
    let scale = T::pow2(-k);
    let (f, rest) = any_sum(m - T::of(1.0), rest * scale);
    let rest = error.madd::<FMA>(scale, rest);
    // ln(1 + f + rest) = ln(1 + f) + rest / (1 + f).
    natural::<T, FMA>(k, f, (-rest).madd::<FMA>(f, rest))
}

/// `ln(1 + x)`. Greatest error measured: 0.80 ULP in both types.
pub(in crate::math) struct Log1pKernel<T>(PhantomData<T>);

impl<T: Log> Unary for Log1pKernel<T> {
    type X = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T) -> (T, bool) {
        let is_usual = (x > T::of(-1.0)) & (x < T::TINY_INVERSE);
        let (high, low) = one_plus::<T, FMA>(x, T::of(0.0));
        // A zero's sign is lost in the sums.
        ((high + low).copysign(x), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T) -> T {
        let usual = if x < T::TINY_INVERSE { x } else { T::of(1.0) };
        let (high, low) = one_plus::<T, FMA>(usual, T::of(0.0));
        // For large numbers there is no difference to ln(x).
        let large = LogKernel::<T>::careful::<FMA>(x);
        let value = if x < T::TINY_INVERSE { (high + low).copysign(x) } else { large };
        let value = if x == T::of(-1.0) { -T::INFINITY } else { value };
        if x < T::of(-1.0) { T::NAN } else { value }
    }
}

/// The natural logarithm.
pub static LOG: Kernels = Kernels::unary::<LogKernel<f32>, LogKernel<f64>>("log").approximately(&LOG_APPROXIMATE);
/// The same within 4 ULP.
pub static LOG_APPROXIMATE: Kernels = Kernels::unary::<RoundedLog<f32>, RoundedLog<f64>>("log_approximate");
/// The logarithm to base 2, exact for powers of two.
pub static LOG2: Kernels = Kernels::unary::<Log2Kernel<f32>, Log2Kernel<f64>>("log2");
/// The logarithm to base 10, exact for powers of ten that are numbers of the type.
pub static LOG10: Kernels = Kernels::unary::<Log10Kernel<f32>, Log10Kernel<f64>>("log10");
/// `ln(1 + x)`, without cancellation near zero.
pub static LOG1P: Kernels = Kernels::unary::<Log1pKernel<f32>, Log1pKernel<f64>>("log1p");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{exact, near};

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    #[test]
    fn special_values() {
        let cases = [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)];
        exact::<LogKernel<f64>, f64>(&cases);
        exact::<LogKernel<f32>, f32>(&cases);
        exact::<Log2Kernel<f64>, f64>(&cases);
        exact::<Log2Kernel<f32>, f32>(&cases);
        exact::<Log10Kernel<f64>, f64>(&cases);
        exact::<Log10Kernel<f32>, f32>(&cases);
        let cases = [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)];
        exact::<Log1pKernel<f64>, f64>(&cases);
        exact::<Log1pKernel<f32>, f32>(&cases);
        exact::<Log1pKernel<f64>, f64>(&[(5e-324, 5e-324), (-1e-300, -1e-300), (f64::MAX, 709.782712893384)]);
    }

    #[test]
    fn logarithms_of_powers_are_exact() {
        let two: Vec<(f64, f64)> = (-1074..1024).map(|k| (f64::from(k).exp2(), f64::from(k))).collect();
        exact::<Log2Kernel<f64>, f64>(&two);
        exact::<Log2Kernel<f32>, f32>(&two[1074 - 149..1074 + 128]);
        let ten: Vec<(f64, f64)> = (0..=22).map(|k| (format!("1e{k}").parse().unwrap(), f64::from(k))).collect();
        exact::<Log10Kernel<f64>, f64>(&ten);
        exact::<Log10Kernel<f32>, f32>(&ten[..=10]);
    }

    #[test]
    fn near_to_a_reference() {
        for bound in [2.0, 1e300] {
            near::<LogKernel<f64>, f64>(pxfm::f_log, -bound..bound, 1.5);
            near::<Log2Kernel<f64>, f64>(pxfm::f_log2, -bound..bound, 1.5);
            near::<Log10Kernel<f64>, f64>(pxfm::f_log10, -bound..bound, 1.5);
            near::<Log1pKernel<f64>, f64>(pxfm::f_log1p, -bound..bound, 1.5);
        }
        for bound in [2.0, 1e38] {
            near::<LogKernel<f32>, f32>(pxfm::f_log, -bound..bound, 2.0);
            near::<Log2Kernel<f32>, f32>(pxfm::f_log2, -bound..bound, 2.0);
            near::<Log10Kernel<f32>, f32>(pxfm::f_log10, -bound..bound, 2.0);
            near::<Log1pKernel<f32>, f32>(pxfm::f_log1p, -bound..bound, 2.0);
        }
    }
}
