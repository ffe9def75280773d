//! Exponentials.
//!
//! `b**x = 2**k * b**r` with an integer `k` and `|b**r|` between `sqrt(1/2)` and `sqrt(2)`; `r` keeps
//! its rounding error (Cody and Waite's reduction), `b**r = 1 + r*ln(b) + r*r*Q(r)` with a minimax
//! polynomial `Q`. But for `e**x` itself, which is for speed, the first two terms are added without
//! error (Dekker), so that what is left is the last rounding and some tenths.

use std::marker::PhantomData;

use super::dispatch::{Kernels, Unary};
use super::lane::{Lane, polynomial, product, sum};

/// The constants of exponentials in an element type.
pub(in crate::math) trait Exp: Lane {
    /// `log2(e)`.
    const LOG2_E: Self;
    /// `log2(10)`.
    const LOG2_10: Self;
    /// `ln(2)`: so few digits that a multiple by an exponent is exact, and the rest.
    const LN_2: (Self, Self);
    /// `log10(2)` in the same way.
    const LOG10_2: (Self, Self);
    /// `ln(2)` rounded, and the rest.
    const LN_2_WIDE: (Self, Self);
    /// `ln(10)` in the same way.
    const LN_10_WIDE: (Self, Self);
    /// `(e**r - 1 - r) / r**2`.
    const EXP_Q: &'static [Self];
    /// `(e**r - 1 - r - r**2 / 2) / r**3`.
    const EXPM1_C: &'static [Self];
    /// `(2**r - 1 - r*ln(2)) / r**2`.
    const EXP2_Q: &'static [Self];
    /// `(10**r - 1 - r*ln(10)) / r**2`.
    const EXP10_Q: &'static [Self];
    /// Powers of two with exponents up to this, of either sign, are far from overflow and underflow.
    const EXPONENT: Self;
    /// Powers of two with exponents up to this, of either sign, times 1 are infinite or zero.
    const BEYOND: Self;
}

impl Exp for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LOG2_10: f64 = std::f64::consts::LOG2_10;
    const LN_2: (f64, f64) = (0.6931471805598903, 5.497923018708371e-14);
    const LOG10_2: (f64, f64) = (0.30102999566395283, 2.8363394551044964e-14);
    const LN_2_WIDE: (f64, f64) = (std::f64::consts::LN_2, 2.3190468138462996e-17);
    const LN_10_WIDE: (f64, f64) = (std::f64::consts::LN_10, -2.1707562233822494e-16);
    const EXP_Q: &'static [f64] = &[
        0.5000000000000011,
        0.16666666666666413,
        0.04166666666652976,
        0.008333333333493571,
        0.0013888888943714487,
        0.00019841269508054517,
        2.48014930242287e-05,
        2.7557585229539544e-06,
        2.763027230727598e-07,
        2.500040947816085e-08,
    ];
    const EXPM1_C: &'static [f64] = &[
        0.16666666666666677,
        0.04166666666666655,
        0.008333333333322009,
        0.001388888888894981,
        0.00019841269885279312,
        2.480158718839779e-05,
        2.7557244987003957e-06,
        2.755739333304958e-07,
        2.5108785084497096e-08,
        2.087738735058755e-09,
    ];
    const EXP2_Q: &'static [f64] = &[
        0.24022650695910122,
        0.055504108664820744,
        0.009618129107596874,
        0.0013333558146684829,
        0.00015403530454187044,
        1.5252733547905924e-05,
        1.3215436554213663e-06,
        1.0178184255487958e-07,
        7.073588300428899e-09,
        4.4363643851099605e-10,
    ];
    const EXP10_Q: &'static [f64] = &[
        2.6509490552392045,
        2.0346785922934454,
        1.1712551489084184,
        0.539382929205953,
        0.20699584951396507,
        0.06808936393093708,
        0.019597620130845886,
        0.005013977232546206,
        0.0011575561048668434,
        0.00024116800301395965,
    ];
    const EXPONENT: f64 = 1020.0;
    const BEYOND: f64 = 1080.0;
}

impl Exp for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LOG2_10: f32 = std::f32::consts::LOG2_10;
    const LN_2: (f32, f32) = (0.69314575, 1.4286068e-06);
    const LOG10_2: (f32, f32) = (0.3010254, 4.605039e-06);
    const LN_2_WIDE: (f32, f32) = (std::f32::consts::LN_2, -1.9046542e-09);
    const LN_10_WIDE: (f32, f32) = (std::f32::consts::LN_10, -3.1975436e-08);
    const EXP_Q: &'static [f32] = &[0.49999994, 0.1666652, 0.041668247, 0.008368768, 0.001382195];
    const EXPM1_C: &'static [f32] = &[0.16666666, 0.04166647, 0.00833342, 0.001393391, 0.00019823846];
    const EXP2_Q: &'static [f32] = &[0.24022648, 0.05550362, 0.009618495, 0.0013390254, 0.00015329292];
    const EXP10_Q: &'static [f32] = &[2.6509488, 2.0346608, 1.1712996, 0.54167646, 0.20599823];
    const EXPONENT: f32 = 124.0;
    const BEYOND: f32 = 160.0;
}

/// `2**(shift - ROUND) * (high + low)`, where `high + low` is between `sqrt(1/2)` and `sqrt(2)`, and
/// `low` less than a tenth of it.
#[derive(Clone, Copy)]
pub(in crate::math) struct Power<T> {
    /// The exponent, plus [`Lane::ROUND`].
    pub(in crate::math) shift: T,
    /// The greater part.
    pub(in crate::math) high: T,
    /// The rest.
    pub(in crate::math) low: T,
}

impl<T: Lane> Power<T> {
    /// The value where it is a normal number.
    #[inline(always)]
    pub(in crate::math) fn normal(self) -> T {
        (self.high + self.low).scale(self.shift)
    }

    /// The value.
    #[inline(always)]
    pub(in crate::math) fn value(self) -> T {
        (self.high + self.low).scale_far(self.shift)
    }

    /// The value rounded, and the error of that, where both are normal numbers or need not be right.
    #[inline(always)]
    pub(in crate::math) fn pair(self) -> (T, T) {
        let (high, low) = sum(self.high, self.low);
        let scale = T::pow2(self.shift - T::ROUND);
        (high * scale, low * scale)
    }
}

/// `k + ROUND`, and two parts of `r`, the second by far the smaller, with `x = k * unit + r`.
#[inline(always)]
fn reduce<T: Lane, const FMA: bool>(x: T, inverse: T, unit: (T, T)) -> (T, T, T) {
    let shift = x.madd::<FMA>(inverse, T::ROUND);
    let k = shift - T::ROUND;
    (shift, (-k).madd::<FMA>(unit.0, x), -k * unit.1)
}

/// `e**x`, for `x` of no greater magnitude than `BEYOND * ln(2)`.
#[inline(always)]
pub(in crate::math) fn exp<T: Exp, const FMA: bool>(x: T) -> Power<T> {
    let (shift, most, rest) = reduce::<T, FMA>(x, T::LOG2_E, T::LN_2);
    let r = most + rest;
    let rest = (r * r).madd::<FMA>(polynomial::<T, FMA>(r, T::EXP_Q), rest);
    Power { shift, high: T::of(1.0), low: most + rest }
}

/// `b**(most + rest)`, which is between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
fn near<T: Exp, const FMA: bool>(shift: T, most: T, rest: T, ln: (T, T), q: &[T]) -> Power<T> {
    let (linear, rounding) = product::<T, FMA>(most, ln.0);
    let (high, low) = sum(T::of(1.0), linear);
    let r = most + rest;
    let rest = rest.madd::<FMA>(ln.0, r.madd::<FMA>(ln.1, rounding));
    Power { shift, high, low: low + (r * r).madd::<FMA>(polynomial::<T, FMA>(r, q), rest) }
}

/// `2**(x + rest)`, for `x` of no greater magnitude than `BEYOND`, and `rest` of a rounding error's.
#[inline(always)]
pub(in crate::math) fn exp2<T: Exp, const FMA: bool>(x: T, rest: T) -> Power<T> {
    let shift = x + T::ROUND;
    near::<T, FMA>(shift, x - (shift - T::ROUND), rest, T::LN_2_WIDE, T::EXP2_Q)
}

/// `10**x`, for `x` of no greater magnitude than `BEYOND * log10(2)`.
#[inline(always)]
fn exp10<T: Exp, const FMA: bool>(x: T) -> Power<T> {
    let (shift, most, rest) = reduce::<T, FMA>(x, T::LOG2_10, T::LOG10_2);
    near::<T, FMA>(shift, most, rest, T::LN_10_WIDE, T::EXP10_Q)
}

/// `e**x - 1` for `x` of no greater magnitude than `EXPONENT * ln(2)`.
///
/// `2**k * (e**r - 1 + (1 - 2**-k))`, where `1 - 2**-k` and `r` are added without error; here
/// `high + low` may be of any magnitude.
#[inline(always)]
pub(super) fn expm1<T: Exp, const FMA: bool>(x: T) -> Power<T> {
    let (shift, most, rest) = reduce::<T, FMA>(x, T::LOG2_E, T::LN_2);
    // Without error for all k that matter: below -digits the value is -1 anyway.
    let (one, error) = sum(T::of(1.0), -T::pow2(T::ROUND - shift));
    let (r, rest) = sum(most, rest);
    let (high, low) = sum(one, r);
    // After cancellation with 1 - 2**-k, errors of the square would count.
    let half = r * T::of(0.5);
    let (square, square_error) = product::<T, FMA>(half, r);
    let rest = (rest.madd::<FMA>(r, rest) + error) + square_error;
    let rest = (r * r * r).madd::<FMA>(polynomial::<T, FMA>(r, T::EXPM1_C), rest);
    Power { shift, high, low: low + (square + rest) }
}

/// `x`, moved between `-bound` and `bound`; NaN stays NaN.
#[inline(always)]
pub(in crate::math) fn clamp<T: Lane>(x: T, bound: T) -> T {
    let x = if x > bound { bound } else { x };
    if x < -bound { -bound } else { x }
}

macro_rules! kernels {
    ($($(#[doc = $doc:literal])+ $kernel:ident: |$x:ident| $power:expr, unit $unit:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(in crate::math) struct $kernel<T>(PhantomData<T>);

        impl<T: Exp> Unary for $kernel<T> {
            type X = T;
            type Y = T;

            #[inline(always)]
            fn fast<const FMA: bool>($x: T) -> (T, bool) {
                let is_usual = $x.abs() <= T::EXPONENT * $unit;
                ($power.normal(), !is_usual)
            }

            #[inline(always)]
            fn careful<const FMA: bool>(x: T) -> T {
                let $x = clamp(x, T::BEYOND * $unit);
                let value = $power.value();
                if x.is_nan() { x } else { value }
            }
        }
    )+};
}

kernels! {
    /// `e**x`. Greatest error measured: 0.94 ULP, 0.92 in float32.
    ExpKernel: |x| exp::<T, FMA>(x), unit T::LN_2.0;
    /// `2**x`. Greatest error measured: 0.66 ULP, 0.76 in float32 (subnormal results).
    Exp2Kernel: |x| exp2::<T, FMA>(x, T::of(0.0)), unit T::of(1.0);
    /// `10**x`. Greatest error measured: 0.78 ULP, 0.77 in float32.
    Exp10Kernel: |x| exp10::<T, FMA>(x), unit T::LOG10_2.0;
}

/// `e**x - 1`. Greatest error measured: 0.92 ULP, 0.81 in float32.
pub(in crate::math) struct Expm1Kernel<T>(PhantomData<T>);

impl<T: Exp> Unary for Expm1Kernel<T> {
    type X = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T) -> (T, bool) {
        let is_usual = x.abs() <= T::EXPONENT * T::LN_2.0;
        // A zero's sign is lost in the sums.
        (expm1::<T, FMA>(x).normal().copysign(x), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T) -> T {
        let bound = T::EXPONENT * T::LN_2.0;
        // Below, the value is -1, so that it does not matter where.
        let below = if x < -bound { -bound } else { x };
        let usual = if below > bound { bound } else { below };
        // Above, there is no difference to e**x.
        let large = exp::<T, FMA>(clamp(x, T::BEYOND * T::LN_2.0)).value();
        let value = expm1::<T, FMA>(usual).normal().copysign(x);
        let value = if x > bound { large } else { value };
        if x.is_nan() { x } else { value }
    }
}

/// `e**x`.
pub static EXP: Kernels = Kernels::unary::<ExpKernel<f32>, ExpKernel<f64>>("exp");
/// `2**x`, exact for integers.
pub static EXP2: Kernels = Kernels::unary::<Exp2Kernel<f32>, Exp2Kernel<f64>>("exp2");
/// `10**x`, exact for integers where the power is a number of the type.
pub static EXP10: Kernels = Kernels::unary::<Exp10Kernel<f32>, Exp10Kernel<f64>>("exp10");
/// `e**x - 1`, without cancellation near zero.
pub static EXPM1: Kernels = Kernels::unary::<Expm1Kernel<f32>, Expm1Kernel<f64>>("expm1");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{exact, near};

    const INF: f64 = f64::INFINITY;

    fn both(cases: [&[(f64, f64)]; 4]) {
        let [exp, exp2, exp10, expm1] = cases;
        exact::<ExpKernel<f64>, f64>(exp);
        exact::<ExpKernel<f32>, f32>(exp);
        exact::<Exp2Kernel<f64>, f64>(exp2);
        exact::<Exp2Kernel<f32>, f32>(exp2);
        exact::<Exp10Kernel<f64>, f64>(exp10);
        exact::<Exp10Kernel<f32>, f32>(exp10);
        exact::<Expm1Kernel<f64>, f64>(expm1);
        exact::<Expm1Kernel<f32>, f32>(expm1);
    }

    #[test]
    fn special_values() {
        let power: &[(f64, f64)] =
            &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (f64::NAN, f64::NAN), (1e300, INF), (-1e300, 0.0)];
        let less_one =
            &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (f64::NAN, f64::NAN), (1e300, INF), (-1e300, -1.0)];
        both([power, power, power, less_one]);
        exact::<ExpKernel<f64>, f64>(&[(709.782712893384, 1.7976931348622732e308), (709.7827128933841, INF)]);
        exact::<ExpKernel<f64>, f64>(&[(-745.1332191019411, 5e-324), (-745.1332191019412, 0.0)]);
        exact::<Expm1Kernel<f64>, f64>(&[(5e-324, 5e-324), (-1e-300, -1e-300), (-40.0, -1.0)]);
    }

    #[test]
    fn powers_that_are_numbers_are_exact() {
        let two: Vec<(f64, f64)> = (-1074..1024).map(|k| (f64::from(k), f64::from(k).exp2())).collect();
        exact::<Exp2Kernel<f64>, f64>(&two);
        exact::<Exp2Kernel<f32>, f32>(&two);
        let ten: Vec<(f64, f64)> = (0..=22).map(|k| (f64::from(k), format!("1e{k}").parse().unwrap())).collect();
        exact::<Exp10Kernel<f64>, f64>(&ten);
        exact::<Exp10Kernel<f32>, f32>(&ten[..=10]);
    }

    #[test]
    fn near_to_a_reference() {
        near::<ExpKernel<f64>, f64>(pxfm::f_exp, -760.0..760.0, 1.5);
        near::<ExpKernel<f32>, f32>(pxfm::f_exp, -110.0..110.0, 2.0);
        near::<Exp2Kernel<f64>, f64>(pxfm::f_exp2, -1090.0..1090.0, 1.5);
        near::<Exp2Kernel<f32>, f32>(pxfm::f_exp2, -160.0..160.0, 2.0);
        near::<Exp10Kernel<f64>, f64>(pxfm::f_exp10, -305.0..305.0, 1.5);
        near::<Exp10Kernel<f32>, f32>(pxfm::f_exp10, -50.0..50.0, 2.0);
        near::<Expm1Kernel<f64>, f64>(pxfm::f_expm1, -760.0..760.0, 1.5);
        near::<Expm1Kernel<f32>, f32>(pxfm::f_expm1, -110.0..110.0, 2.0);
    }
}
