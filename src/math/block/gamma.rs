//! The gamma function, its logarithm and that one's first two derivatives.
//!
//! All have one form for positive arguments, without branches. Far up it is Stirling's formula and its
//! derivatives (DLMF 5.11.1 and 5.11.2), whose asymptotic series is replaced by a polynomial in `1/x` that
//! holds from some small x on. Below, Γ is that of `x + 3` divided by `x (x + 1) (x + 2)`. The others are a
//! smooth function times the factors of their zeros, which ψ' has not, and below 1 follow from
//! `Γ(x) = Γ(x + 1) / x`. The smooth function is a straight line, whose product is known to twice the
//! digits, and a small rest, whose rounding errors hardly count. So what is left is the last rounding and
//! some tenths, and whatever is a number of the type, such as a factorial, is exact.
//!
//! All polynomials interpolate in Chebyshev's points in 60 digits. Arguments that are negative, very small
//! or too large for all this are rare, and mostly left to a library of scalar functions.

use std::f64::consts::LN_2;

use super::dispatch::{Kernels, Unary, Widened};
use super::exp::exp2;
use super::lane::{Lane, any_sum, polynomial, product, sum};
use super::log::natural;
use super::pair::{minus_product, quotient};
use super::power::{log2, product2};
use crate::math::special::FMA;

/// `Γ(x)`.
pub static GAMMA: Kernels = Kernels::unary::<Widened<Gamma>, Gamma>("gamma");
/// `log |Γ(x)|`.
pub static LGAMMA: Kernels = Kernels::unary::<Widened<LogGamma>, LogGamma>("lgamma");
/// `ψ(x)`, the derivative of `log Γ(x)`.
pub static DIGAMMA: Kernels = Kernels::unary::<Widened<Digamma>, Digamma>("digamma");
/// `ψ'(x)`.
pub static TRIGAMMA: Kernels = Kernels::unary::<Widened<Trigamma>, Trigamma>("trigamma");

/// `log Γ(1 + y) / (y (y - 1)) - (9/16 - y/8)` for y from 0 to 1.75, in powers of `y - 0.875`; error 2^-57 of the
/// quotient.
const NEAR_LGAMMA: [f64; 27] = [
    -0.017260447778849834,
    0.0158191346872242,
    0.038122502984276115,
    -0.015252472846043863,
    0.006561971241559233,
    -0.0029506372013399134,
    0.0013661088724103406,
    -0.0006455970486278116,
    0.0003097323393196836,
    -0.00015031815375135936,
    7.361638252766691e-05,
    -3.63174587846756e-05,
    1.802594563007108e-05,
    -8.99609158272763e-06,
    4.507789994297992e-06,
    -2.256362874900455e-06,
    1.1385818152353532e-06,
    -6.02904137633416e-07,
    3.0621406590932625e-07,
    -1.1109229142900031e-07,
    5.634419510987996e-08,
    -7.990712905422575e-08,
    4.112172462647232e-08,
    1.6922061763595435e-08,
    -8.792981674771328e-09,
    -1.2021165587877377e-08,
    6.209465305341207e-09,
];
/// `ψ(1 + y) / (y - y0) - (19/16 - 3/8 y)` for y from 0 to 1.25, in powers of `y - 0.625`, where ψ is zero at
/// `1 + y0`; error 2^-57.5 of the quotient.
const NEAR_DIGAMMA: [f64; 25] = [
    -0.05153248417178424,
    0.005225035542589214,
    0.19272012460146237,
    -0.10919698588599112,
    0.06426251743360172,
    -0.03855782679367573,
    0.023380439935178125,
    -0.014262521424889553,
    0.008730867749897028,
    -0.005355729096668171,
    0.003289429308331308,
    -0.0020218773225185744,
    0.0012433224248890764,
    -0.0007645910164824769,
    0.00047038693538688274,
    -0.0002904536238760409,
    0.0001787218407904577,
    -0.00010608152410317694,
    6.527821113734726e-05,
    -4.9963864809165614e-05,
    3.0746595771546876e-05,
    -3.1613747929558e-06,
    1.9454082468852876e-06,
    -1.586777462324663e-05,
    9.764772440743301e-06,
];
/// Stirling's error `log Γ(x) - (x - 1/2) log(x) + x - log(2π)/2`, times x, in powers of `1/x`, for x from 2.75;
/// error 2^-57.6.
const STIRLING: [f64; 15] = [
    0.08333333333333333,
    4.010035760383826e-15,
    -0.0027777777786067745,
    6.800138573677905e-11,
    0.0007936478571354175,
    7.675459327332745e-08,
    -0.0005965536337651581,
    1.5516516563252546e-05,
    0.0007123009379995387,
    0.0007715939463876846,
    -0.005169372780642816,
    0.009245253191061438,
    -0.008779552040949353,
    0.0044202191855796475,
    -0.0008860097263058413,
];
/// The same times `log2(e)`, for x from 3; error 2^-57.
const STIRLING_2: [f64; 14] = [
    0.12022458674074694,
    4.627341404418722e-15,
    -0.004007486225618806,
    7.474911785165569e-11,
    0.0011449928537796326,
    8.43067981248578e-08,
    -0.000860210783894455,
    1.759897733411281e-05,
    0.001064083142937923,
    0.0009190004895950751,
    -0.006736023906042778,
    0.011503730853000821,
    -0.009628838286716639,
    0.003424387315767919,
];
/// `x² (log(x) - 1/(2x) - ψ(x))` in powers of `1/x`, for x from 2.25; error 2^-57.5 of `log(x) - 1/(2x) - ψ(x)`, absolutely.
const FAR_DIGAMMA: [f64; 16] = [
    0.08333333333333325,
    9.996478462972271e-14,
    -0.008333333352615834,
    1.4802832605977753e-09,
    0.0039681938995065865,
    1.4831425844665577e-06,
    -0.004190836182334855,
    0.0002732063754116233,
    0.005370253079582818,
    0.012870817589523312,
    -0.07499921212461501,
    0.15563286393223955,
    -0.18876784285204287,
    0.14106867928338487,
    -0.06008101558180882,
    0.011016149309662583,
];
/// `ψ'(1 + y) - (3/2 - 7/8 y)` for y from 0 to 1.25, in powers of `y - 0.625`; error 2^-56.8 of `ψ'`.
const NEAR_TRIGAMMA: [f64; 28] = [
    -0.11194182695959151,
    0.19841861784031992,
    0.5246425417240596,
    -0.39479422501561384,
    0.2898170398760603,
    -0.20842928684329315,
    0.14735281693386004,
    -0.10268942569067384,
    0.07070322070108316,
    -0.048183436404176,
    0.032550370854688176,
    -0.021824868201877578,
    0.01453875165821632,
    -0.009630627820956517,
    0.006348610850441757,
    -0.0041665370943335745,
    0.002720310141142539,
    -0.0017724453275664489,
    0.0011674688606957517,
    -0.0007560489025005317,
    0.0004383509541827299,
    -0.00028301653794543747,
    0.00028883464523307435,
    -0.0001848591477788085,
    -3.004819265899848e-05,
    1.8707109549175143e-05,
    0.00010974910636297966,
    -6.984032186134573e-05,
];
/// `x³ (ψ'(x) - 1/x - 1/(2x²))` in powers of `1/x`, for x from 2.25; error 2^-55 of `ψ'`.
const FAR_TRIGAMMA: [f64; 16] = [
    0.16666666666666566,
    1.156265405560225e-12,
    -0.033333333557517435,
    1.7369130393077498e-08,
    0.023808809580016903,
    1.7943986790631254e-05,
    -0.03363214010831911,
    0.003466651753388573,
    0.04690178325296495,
    0.17450020285841705,
    -1.014749079301458,
    2.3087801518929116,
    -3.137411371119565,
    2.6826525109422823,
    -1.3470010483518833,
    0.30538994054086227,
];
/// The functions of one element.
macro_rules! scalar {
    ($($(#[doc = $doc:literal])+ $name:ident: $kernel:ident;)+) => {$(
        $(#[doc = $doc])+
        pub fn $name(x: f64) -> f64 {
            $kernel::careful::<FMA>(x)
        }
    )+};
}

scalar! {
    /// `Γ(x)`, as SciPy's `gamma`: NaN at negative integers and -∞, infinite with the sign of zero at zero.
    /// Error: 1 ULP.
    gamma: Gamma;
    /// `log |Γ(x)|`, as SciPy's `gammaln`: infinite at zero, at negative integers and at ∞, -∞ at -∞. Error: 1 ULP.
    lgamma: LogGamma;
    /// The derivative of `log Γ(x)`, as SciPy's `digamma`: at zero infinite with the opposite sign, NaN at negative
    /// integers and at -∞. Error: 1 ULP, but 1e-18 near to its negative zeros.
    digamma: Digamma;
    /// The derivative of [`digamma`], as SciPy's `polygamma(1, x)`: infinite at zero and at negative integers, 0 at ∞.
    /// Error: 1.25 ULP.
    trigamma: Trigamma;
}

/// `log(2π) / 2`, rounded and the rest.
const HALF_LOG_TAU: (f64, f64) = (0.9189385332046728, -3.8782941580672414e-17);
/// `log2(2π) / 2` in the same way.
const HALF_LOG2_TAU: (f64, f64) = (1.3257480647361595, -7.153413670427599e-17);
/// `log2(e)` in the same way.
const LOG2_E: (f64, f64) = (std::f64::consts::LOG2_E, 2.0355273740931033e-17);
/// The zero of ψ less 1, in the same way.
const DIGAMMA_ZERO: (f64, f64) = (0.46163214496836236, -1.5522348162858677e-17);

/// Numbers from this on have reciprocals, and quotients of some units by them, that are far from overflow.
const LEAST: f64 = 1e-300;
/// Γ of this is the greatest below infinity.
const GREATEST_FACTORIAL: f64 = 171.6243769563027;
/// Up to here the terms of `log Γ` are finite. It is so itself up to some 2.556e305.
const GREATEST: f64 = 2.5e305;
/// From here on squares of reciprocals are finite.
const LEAST_SQUARE: f64 = 1e-154;

/// `Γ(x)`. Greatest error measured: 0.69 ULP, 0.81 for negative arguments.
struct Gamma;

impl Unary for Gamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (LEAST..=GREATEST_FACTORIAL).contains(&x);
        let is_small = x < 3.0;
        let (high, low) = sum(3.0, x);
        let (y, y_low) = if is_small { (high, low) } else { (x, 0.0) };
        // x (x + 1) (x + 2), from x (x + 3) + 2.
        let (rising, rising_low) = product2::<FMA>((x, 0.0), (y, y_low));
        let (rising, rest) = any_sum(rising, 2.0);
        let (rising, rising_low) = product2::<FMA>((x, 0.0), (rising, rest + rising_low));
        let (rising, rising_low) = if is_small { (rising, rising_low) } else { (1.0, 0.0) };
        // log2(Γ(y)): its terms cancel in part.
        let w = 1.0 / y;
        let (k, m) = y.split();
        let log = log2::<FMA>(k, m);
        let (power, power_low) = product2::<FMA>((y - 0.5, 0.0), log);
        let (linear, linear_low) = product2::<FMA>((y, 0.0), LOG2_E);
        let (high, rest) = any_sum(power, -linear);
        let (high, next) = any_sum(high, HALF_LOG2_TAU.0);
        let (high, last) = any_sum(high, w * polynomial::<f64, FMA>(w, &STIRLING_2));
        // Its derivative, ψ, is about log(y) - 1/(2y).
        let low = y_low.madd::<FMA>((-0.5 * LOG2_E.0).madd::<FMA>(w, log.0), HALF_LOG2_TAU.1);
        let low = low + ((power_low - linear_low) + (rest + (next + last)));
        let power = exp2::<f64, FMA>(high, low);
        let (value, rest) = quotient::<FMA>(sum(power.high, power.low), (rising, rising_low));
        ((value + rest).scale(power.shift), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        or_rare(Self::fast::<FMA>(x), || rare_gamma(x))
    }
}

/// The value of a fast way, or what the other way gives where the argument is rare.
#[inline(always)]
fn or_rare((value, is_rare): (f64, bool), rare: impl FnOnce() -> f64) -> f64 {
    if is_rare { rare() } else { value }
}

/// `Γ(x)` where [`Gamma`]'s fast way is not right.
fn rare_gamma(x: f64) -> f64 {
    if x == 0.0 {
        f64::INFINITY.copysign(x)
    } else if x > GREATEST_FACTORIAL {
        f64::INFINITY
    } else if x < 0.0 && x.floor() == x {
        f64::NAN
    } else if x < -184.0 {
        // Zero after rounding, with the sign of the interval: negative between -1 and 0, and so on in turns.
        if (x.floor() * 0.5).fract() == 0.0 { 0.0 } else { -0.0 }
    } else {
        pxfm::f_tgamma(x)
    }
}

/// `log |Γ(x)|`. Greatest error measured: 0.93 ULP for positive arguments up to [`GREATEST`], 0.96 beyond.
struct LogGamma;

impl Unary for LogGamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (f64::TINY..=GREATEST).contains(&x);
        let is_small = x < 1.0;
        let is_large = x >= 2.75;
        let (k, m) = x.split();
        let (log, log_low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
        let (log, log_low) = sum(log, log_low);
        // log Γ(1 + y) by its zeros.
        let y = if is_small { x } else { x - 1.0 };
        let (zeros, zeros_low) = product::<f64, FMA>(y, y - 1.0);
        let (line, line_low) = sum(0.5625, -0.125 * y);
        let rest = polynomial::<f64, FMA>(y - 0.875, &NEAR_LGAMMA) + line_low;
        let (near, near_low) = product::<f64, FMA>(zeros, line);
        let near_low = zeros.madd::<FMA>(rest, zeros_low.madd::<FMA>(line, near_low));
        // (x - 1/2) log(x) - x + log(2π)/2 + ...
        let w = 1.0 / x;
        let (factor, factor_low) = sum(x, -0.5);
        let (far, far_low) = sum(-x, HALF_LOG_TAU.0);
        let far_low = w.madd::<FMA>(polynomial::<f64, FMA>(w, &STIRLING), far_low + HALF_LOG_TAU.1);
        let (factor, factor_low) = if is_large { (factor, factor_low) } else { (0.0, 0.0) };
        let factor = if is_small { -1.0 } else { factor };
        let (rest, rest_low) = if is_large { (far, far_low) } else { (near, near_low) };
        let (power, power_low) = product2::<FMA>((factor, factor_low), (log, log_low));
        let (high, low) = any_sum(power, rest);
        (high + (low + (power_low + rest_low)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        or_rare(Self::fast::<FMA>(x), || rare_lgamma(x))
    }
}

/// `log |Γ(x)|` where [`LogGamma`]'s fast way is not right.
fn rare_lgamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        x
    } else if x <= 0.0 && x.floor() == x || x > 2.0 * GREATEST {
        f64::INFINITY
    } else if x > GREATEST {
        // Of Γ(2y)'s duplication formula, what is not far below the last place (DLMF 5.5.5).
        LN_2.mul_add(x, 2.0 * lgamma(0.5 * x))
    } else {
        pxfm::f_lgamma(x)
    }
}

/// `ψ(x)`. Greatest error measured: 0.78 ULP for positive arguments.
struct Digamma;

impl Unary for Digamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (LEAST..=f64::MAX).contains(&x);
        let is_small = x < 1.0;
        let is_large = x >= 2.25;
        let (k, m) = x.split();
        let (log, log_low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
        // ψ(1 + y) by its zero.
        let y = if is_small { x } else { x - 1.0 };
        let (zero, zero_low) = any_sum(y, -DIGAMMA_ZERO.0);
        let zero_low = zero_low - DIGAMMA_ZERO.1;
        let (slope, slope_low) = product::<f64, FMA>(y, -0.375);
        let (line, line_low) = sum(1.1875, slope);
        let rest = polynomial::<f64, FMA>(y - 0.625, &NEAR_DIGAMMA) + (line_low + slope_low);
        let (near, near_low) = product::<f64, FMA>(zero, line);
        let near_low = zero.madd::<FMA>(rest, zero_low.madd::<FMA>(line + rest, near_low));
        // log(x) - 1/(2x) - ...
        let w = 1.0 / x;
        let far_low = (-(w * w)).madd::<FMA>(polynomial::<f64, FMA>(w, &FAR_DIGAMMA), log_low);
        // Less 1/x where it is ψ(1 + x).
        let w_low = w * minus_product::<FMA>(1.0, w, x);
        let (shift, shift_low) = if is_small { (w, w_low) } else { (0.0, 0.0) };
        let shift = if is_large { 0.5 * w } else { shift };
        let (rest, rest_low) = if is_large { (log, far_low) } else { (near, near_low) };
        let (high, low) = any_sum(rest, -shift);
        (high + (low + (rest_low - shift_low)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        or_rare(Self::fast::<FMA>(x), || rare_digamma(x))
    }
}

/// `ψ(x)` where [`Digamma`]'s fast way is not right.
fn rare_digamma(x: f64) -> f64 {
    if x == 0.0 {
        f64::INFINITY.copysign(-x)
    } else if x == f64::INFINITY {
        x
    } else if x < 0.0 && x.floor() == x {
        f64::NAN
    } else {
        pxfm::f_digamma(x)
    }
}

/// `ψ'(x)`. Greatest error measured: 1.03 ULP for positive arguments.
struct Trigamma;

impl Unary for Trigamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (LEAST_SQUARE..=f64::MAX).contains(&x);
        let is_small = x < 1.0;
        let is_large = x >= 2.25;
        let w = 1.0 / x;
        let w_low = w * minus_product::<FMA>(1.0, w, x);
        // ψ'(1 + y).
        let y = if is_small { x } else { x - 1.0 };
        let (slope, slope_low) = product::<f64, FMA>(y, -0.875);
        let (line, line_low) = sum(1.5, slope);
        let near_low = polynomial::<f64, FMA>(y - 0.625, &NEAR_TRIGAMMA) + (line_low + slope_low);
        // 1/x + 1/(2x²) + ...
        let (square, square_low) = product2::<FMA>((w, w_low), (w, w_low));
        let (far, far_low) = sum(w, 0.5 * square);
        let far_low = 0.5f64.madd::<FMA>(square_low, far_low + w_low);
        let far_low = (w * square).madd::<FMA>(polynomial::<f64, FMA>(w, &FAR_TRIGAMMA), far_low);
        // And 1/x² where it is ψ'(1 + x).
        let (shift, shift_low) = if is_small { (square, square_low) } else { (0.0, 0.0) };
        let (rest, rest_low) = if is_large { (far, far_low) } else { (line, near_low) };
        let (high, low) = any_sum(shift, rest);
        (high + (low + (rest_low + shift_low)), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        or_rare(Self::fast::<FMA>(x), || rare_trigamma(x))
    }
}

/// `ψ'(x)` where [`Trigamma`]'s fast way is not right.
fn rare_trigamma(x: f64) -> f64 {
    if x <= 0.0 && x.floor() == x {
        f64::INFINITY
    } else if x == f64::INFINITY {
        0.0
    } else if x.abs() < 0.5 * LEAST_SQUARE {
        f64::INFINITY
    } else if x.abs() < LEAST_SQUARE {
        // It is 1/x².
        const SCALE: f64 = (1u64 << 32) as f64;
        trigamma(x.abs() * SCALE) * SCALE * SCALE
    } else {
        pxfm::f_trigamma(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{exact, near, near_at};

    #[test]
    fn special_values() {
        const INF: f64 = f64::INFINITY;
        const NAN: f64 = f64::NAN;
        exact::<Gamma, f64>(&[(0.0, INF), (-0.0, -INF), (-2.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)]);
        exact::<LogGamma, f64>(&[
            (0.0, INF),
            (-2.0, INF),
            (1.0, 0.0),
            (2.0, 0.0),
            (INF, INF),
            (-INF, -INF),
            (NAN, NAN),
        ]);
        exact::<Digamma, f64>(&[(0.0, -INF), (-0.0, INF), (-2.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)]);
        exact::<Trigamma, f64>(&[(0.0, INF), (-2.0, INF), (5e-324, INF), (INF, 0.0), (-INF, INF), (NAN, NAN)]);
    }

    #[test]
    fn factorials_are_exact() {
        let mut factorial = 1.0;
        let cases: Vec<(f64, f64)> = (1..=23)
            .map(|n| {
                let value = factorial;
                factorial *= f64::from(n);
                (f64::from(n), value)
            })
            .collect();
        exact::<Gamma, f64>(&cases);
    }

    #[test]
    fn near_to_a_reference() {
        near::<Gamma, f64>(pxfm::f_tgamma, 0.001..171.0, 1.5);
        near::<LogGamma, f64>(pxfm::f_lgamma, 0.001..1e200, 1.5);
        near::<Trigamma, f64>(pxfm::f_trigamma, 0.001..1e100, 1.5);
        // Near to the zero the reference is not exact.
        for n in 1..20_000 {
            near_at::<Digamma, f64>(f64::from(n).mul_add(0.0137, 1.5), pxfm::f_digamma, 1.5);
        }
    }
}
