//! The gamma function, its logarithm and its logarithmic derivative.
//!
//! All have one form for positive arguments, without branches. Far up it is Stirling's formula (DLMF 5.11.1 and
//! 5.11.2), whose asymptotic series is replaced by a polynomial in `1/x` that holds from some small x on. Below, Γ is
//! that of `x + 3` divided by `x (x + 1) (x + 2)`; `log Γ` and ψ are their zeros' factors times a smooth function,
//! and below 1 follow from `Γ(x) = Γ(x + 1) / x`. The smooth function is a short straight line, whose product is known to twice
//! the digits, and a small rest, whose rounding errors therefore do not count. So what is left is the last rounding and some
//! tenths.
//!
//! All polynomials interpolate in Chebyshev's points in 60 digits. Arguments that are negative, very small or too
//! large for all this are rare, and left to a library of scalar functions.

use super::dispatch::{Kernels, Unary, Widened};
use super::exp::exp2;
use super::lane::{Lane, any_sum, polynomial, product, sum};
use super::log::natural;
use super::pair::{minus_product, quotient};
use super::power::{log2, product2};

/// `Γ(x)`.
pub static GAMMA: Kernels = Kernels::unary::<Widened<Gamma>, Gamma>("gamma");
/// `log |Γ(x)|`.
pub static LGAMMA: Kernels = Kernels::unary::<Widened<LogGamma>, LogGamma>("lgamma");
/// `ψ(x)`, the derivative of `log Γ(x)`.
pub static DIGAMMA: Kernels = Kernels::unary::<Widened<Digamma>, Digamma>("digamma");

/// `log Γ(1 + y) / (y (y - 1)) - (9/16 - y/8)` for y from 0 to 1.5, in powers of `y - 0.75`; error 2^-56.4 of the
/// quotient.
const NEAR_LGAMMA: [f64; 25] = [
    -0.018610687890743702,
    0.005518413374757328,
    0.044520447198509644,
    -0.019053957830260832,
    0.008776370425257302,
    -0.004226194125189418,
    0.0020955338799232407,
    -0.0010605660937984334,
    0.0005448969907212743,
    -0.00028319036037842405,
    0.0001485167612603942,
    -7.8464050392945e-05,
    4.170547456941329e-05,
    -2.226821449897537e-05,
    1.194925036645649e-05,
    -6.487859797094674e-06,
    3.5071990932812468e-06,
    -1.76764375827818e-06,
    9.597109616498142e-07,
    -7.562612463459416e-07,
    4.142761109248788e-07,
    3.404324894896923e-08,
    -1.9561462574604242e-08,
    -1.577723410210679e-07,
    8.702854149462274e-08,
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
/// Stirling's error `log Γ(x) - (x - 1/2) log(x) + x - log(2π)/2`, times x, in powers of `1/x`, for x from 2.5; error
/// 2^-57.6.
const STIRLING: [f64; 16] = [
    0.08333333333333333,
    2.5578822571353187e-15,
    -0.002777777778321941,
    4.5793991352044354e-11,
    0.0007936487696019466,
    5.4051064182453953e-08,
    -0.0005961831613748269,
    1.1354357466991722e-05,
    0.000745452993860563,
    0.0005814878733754563,
    -0.004381890926881364,
    0.0069103249520418705,
    -0.003948221695515115,
    -0.0022038514502808852,
    0.0045207441706197615,
    -0.0019884148521762874,
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

/// `Γ(x)`. Greatest error measured: GAMMA_ERROR.
struct Gamma;

impl Unary for Gamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (LEAST..=171.6).contains(&x);
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
        let (value, is_rare) = Self::fast::<FMA>(x);
        if is_rare { rare_gamma(x) } else { value }
    }
}

/// `Γ(x)` where [`Gamma`]'s fast way is not right.
fn rare_gamma(x: f64) -> f64 {
    if x == 0.0 {
        f64::INFINITY.copysign(x)
    } else if x > 171.7 {
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

/// `log |Γ(x)|`. Greatest error measured: LGAMMA_ERROR.
struct LogGamma;

impl Unary for LogGamma {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        let is_usual = (f64::TINY..=1e300).contains(&x);
        let is_small = x < 1.0;
        let is_large = x >= 2.5;
        let (k, m) = x.split();
        let (log, log_low) = natural::<f64, FMA>(k, m - 1.0, 0.0);
        let (log, log_low) = sum(log, log_low);
        // log Γ(1 + y) by its zeros.
        let y = if is_small { x } else { x - 1.0 };
        let (zeros, zeros_low) = product::<f64, FMA>(y, y - 1.0);
        let (line, line_low) = sum(0.5625, -0.125 * y);
        let rest = polynomial::<f64, FMA>(y - 0.75, &NEAR_LGAMMA) + line_low;
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
        let (value, is_rare) = Self::fast::<FMA>(x);
        if is_rare { rare_lgamma(x) } else { value }
    }
}

/// `log |Γ(x)|` where [`LogGamma`]'s fast way is not right.
fn rare_lgamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        x
    } else if x <= 0.0 && x.floor() == x {
        f64::INFINITY
    } else {
        pxfm::f_lgamma(x)
    }
}

/// `ψ(x)`. Greatest error measured: DIGAMMA_ERROR.
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
        let (value, is_rare) = Self::fast::<FMA>(x);
        if is_rare { rare_digamma(x) } else { value }
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
