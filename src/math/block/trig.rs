//! Sine, cosine and tangent, of radians and of half turns.
//!
//! An argument is brought to `[-pi/4, pi/4]` by subtracting a multiple of `pi/2` in several parts
//! (W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980), so that the rest
//! is known to twice the precision however close it is to zero. Beyond [`LIMIT`] the multiple itself
//! needs more digits: there `2/pi` is multiplied in integers (M. Payne and R. Hanek, "Radian
//! reduction for trigonometric functions", 1983). Polynomials are minimax ones of relative error,
//! found by Remez's algorithm.
//!
//! The errors stated are the greatest among 4 million arguments of several distributions, with and
//! without a fused multiply-add, against references of twice the precision.

use super::dispatch::{Kernels, Unary};
use super::lane::{self, Lane, polynomial};
use super::pair::{flip, quotient};

/// The sine.
pub static SIN: Kernels = Kernels::unary::<Sin32, Sin64>("sin");
/// The cosine.
pub static COS: Kernels = Kernels::unary::<Cos32, Cos64>("cos");
/// The tangent.
pub static TAN: Kernels = Kernels::unary::<Tan32, Tan64>("tan");
/// The sine of `pi * x`.
pub static SINPI: Kernels = Kernels::unary::<SinPi32, SinPi64>("sinpi");
/// The cosine of `pi * x`.
pub static COSPI: Kernels = Kernels::unary::<CosPi32, CosPi64>("cospi");

/// The greatest argument that is reduced by parts of `pi/2`: the parts are as long as allows their
/// products with a multiple below `2**20` to be exact without a fused multiply-add.
const LIMIT: f64 = 1_048_576.0;

/// `pi/2` to 160 bits, each part rounded to nearest.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];
/// `pi/2` to 150 bits, each part but the last of 33 bits.
const HALF_PI_SHORT: [f64; 4] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_711_166_5e-21, 8.478_427_660_368_9e-32];
/// `pi` to 107 bits.
const PI: [f64; 2] = [std::f64::consts::PI, 1.224_646_799_147_353_2e-16];
/// `pi` to 119 bits, each part but the last of 33 bits.
const PI_SHORT: [f64; 3] = [3.141_592_653_468_251_2, 1.215_420_101_260_793_2e-10, 4.044_532_497_591_901e-21];

/// `(sin(r)/r - 1) / z` over `z = r*r`, to `2**-58` of the sine where `|r| <= pi/4`.
const SIN_TAIL: [f64; 6] = [
    -0.1666666666666663,
    0.00833333333332212,
    -0.000198412698295899,
    2.755731362148689e-06,
    -2.5050747774994783e-08,
    1.5896230651059113e-10,
];
/// `(cos(r) - 1 + z/2) / z**2` over `z = r*r`, to `2**-59` of the cosine where `|r| <= pi/4`.
const COS_TAIL: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873058,
    2.4801587288851924e-05,
    -2.7557314179322596e-07,
    2.087570084125589e-09,
    -1.135853629430957e-11,
];
/// As [`SIN_TAIL`], to `2**-35` where `|r| <= pi/2`.
const SIN_TAIL_WIDE: [f64; 5] =
    [-0.16666666626155546, 0.008333331108773571, -0.000198408682269911, 2.752538512724173e-06, -2.388891926438876e-08];
/// `sin(pi*r)/r` over `r*r`, to `2**-35` where `|r| <= 1/2`.
const SINPI_WIDE: [f64; 6] = [
    3.1415926535233636,
    -5.167712762116,
    2.550163240295368,
    -0.5992513296681637,
    0.08204647602382367,
    -0.007022157707425109,
];
/// As [`SIN_TAIL`], to `2**-37`.
const SIN_TAIL_SHORT: [f64; 4] =
    [-0.16666666640799876, 0.008333329304979693, -0.00019839312273007493, 2.7181214220025096e-06];
/// As [`COS_TAIL`], to `2**-33`.
const COS_TAIL_SHORT: [f64; 3] = [0.04166664567634993, -0.0013887315983768054, 2.4433130127876165e-05];

/// An argument less a multiple of `pi/2`: `high + low` in `[-pi/4, pi/4]`, nearly, and the multiple
/// modulo 4 in the lowest bits.
#[derive(Clone, Copy)]
struct Reduced {
    high: f64,
    low: f64,
    quadrant: u64,
}

/// Whether an argument's magnitude is beyond [`LIMIT`].
#[inline(always)]
fn is_huge(magnitude: f64) -> bool {
    magnitude > LIMIT
}

/// Of a magnitude up to [`LIMIT`].
///
/// The error of `high + low` is below `2**-115`, and no such float64 comes closer than `2**-62` to a
/// multiple of `pi/2`. The first difference is exact: it is below 1, and a multiple of `2**-53`. In
/// each later difference the first term is a multiple of the second's last place, so that its error
/// is found exactly.
#[inline(always)]
fn reduce<const FMA: bool>(magnitude: f64) -> Reduced {
    let rounded = f64::madd::<FMA>(magnitude, std::f64::consts::FRAC_2_PI, f64::ROUND);
    let multiple = rounded - f64::ROUND;
    let quadrant = rounded.to_bits();
    if FMA {
        let [p1, p2, p3] = HALF_PI;
        let rest = (-multiple).mul_add(p1, magnitude);
        let product = multiple * p2;
        let error = multiple.mul_add(p2, -product);
        let (high, low) = lane::sum(rest, -product);
        Reduced { high, low: (-multiple).mul_add(p3, low - error), quadrant }
    } else {
        let [p1, p2, p3, p4] = HALF_PI_SHORT;
        let rest = magnitude - multiple * p1;
        let (high, low) = lane::sum(rest, -(multiple * p2));
        let (high, lower) = lane::sum(high, -(multiple * p3));
        Reduced { high, low: (low + lower) - multiple * p4, quadrant }
    }
}

/// `2/pi`: its binary digits after 64 zeros, in 64-bit words, enough to reduce the greatest float64 to 384
/// digits.
pub const TWO_OVER_PI: [u64; 25] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
    0xa9e3_9161_5ee6_1b08,
    0x6599_855f_14a0_6840,
    0x8dff_d880_4d73_2731,
    0x0606_1556_ca73_a8c9,
];

/// Of a finite magnitude from `2**20`.
///
/// The magnitude is `mantissa * 2**exponent`. Of its product with `2/pi`, the digits of `2/pi` that
/// give multiples of 4 are left out, and of the others 192 are taken, so that the product modulo 4
/// is known to `2**-125`.
#[cold]
#[inline(never)]
fn reduce_huge<const FMA: bool>(magnitude: f64) -> Reduced {
    let bits = magnitude.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    // The exponent is at least 20 - 52, and the first digit that matters is at `exponent - 2`.
    let first = (bits >> 52) as usize + 64 - (1023 + 52) - 2;
    let (word, shift) = (first / 64, first % 64);
    let digits = |i: usize| {
        let pair = u128::from(TWO_OVER_PI[word + i]) << 64 | u128::from(TWO_OVER_PI[word + i + 1]);
        (pair >> (64 - shift)) as u64
    };
    let product = |i: usize| u128::from(mantissa) * u128::from(digits(i));
    let low = product(2) >> 64;
    let middle = product(1) + low;
    let turns = (product(0) << 64).wrapping_add(middle);
    // Two bits of quarter turns, then the fraction; from a half on, it belongs to the next quarter.
    let quadrant = (turns.wrapping_add(1 << 125) >> 126) as u64;
    let fraction = (turns << 2) as i128;
    // In two parts: the first 53 bits or fewer of the magnitude, and the rest.
    let (negative, size) = (fraction < 0, fraction.unsigned_abs());
    let zeros = size.leading_zeros().min(127);
    let aligned = size << zeros;
    let scale = |digits: u64, power: u64| digits as f64 * f64::from_bits((1023 - power) << 52);
    let zeros = u64::from(zeros);
    let (first, second) =
        (scale((aligned >> 75) as u64, 53 + zeros), scale((aligned >> 22) as u64 & ((1 << 53) - 1), 106 + zeros));
    let sign = if negative { -1.0 } else { 1.0 };
    let (first, second) = (first * sign, second * sign);
    let (product, error) = lane::product::<f64, FMA>(first, HALF_PI[0]);
    let (high, low) = lane::sum(product, error + (first * HALF_PI[1] + second * HALF_PI[0]));
    Reduced { high, low, quadrant }
}

/// Of any magnitude: infinities become NaN.
#[inline(always)]
fn reduce_any<const FMA: bool>(magnitude: f64) -> Reduced {
    if is_huge(magnitude) && magnitude < f64::INFINITY {
        reduce_huge::<FMA>(magnitude)
    } else {
        reduce::<FMA>(magnitude)
    }
}

/// The sine and the cosine of `high + low`, each as a number and one to add to it.
#[inline(always)]
fn sine_and_cosine<const FMA: bool>(high: f64, low: f64) -> [(f64, f64); 2] {
    let z = high * high;
    let half = 0.5 * z;
    let rough = 1.0 - half;
    let sine = f64::madd::<FMA>(high * z, polynomial::<f64, FMA>(z, &SIN_TAIL), low * rough);
    let cosine = f64::madd::<FMA>(-high, low, (1.0 - rough) - half);
    let cosine = f64::madd::<FMA>(z * z, polynomial::<f64, FMA>(z, &COS_TAIL), cosine);
    [(high, sine), (rough, cosine)]
}

/// The sine of a reduced argument that is `quarters` quarter turns further, negated where the
/// highest bit of `sign` is set.
#[inline(always)]
fn sine_of<const FMA: bool>(x: Reduced, quarters: u64, sign: u64) -> f64 {
    let [sine, cosine] = sine_and_cosine::<FMA>(x.high, x.low);
    let quadrant = x.quadrant.wrapping_add(quarters);
    let (a, b) = (sine.0 + sine.1, cosine.0 + cosine.1);
    flip(if quadrant & 1 == 0 { a } else { b }, quadrant << 62 ^ sign)
}

/// The cosine and the sine of a magnitude up to [`LIMIT`], each as a number and a little one to add to it, to some 58
/// bits.
#[inline(always)]
pub(in crate::math) fn turn<const FMA: bool>(x: f64) -> [(f64, f64); 2] {
    let reduced = reduce::<FMA>(x.abs());
    let [sine, cosine] = sine_and_cosine::<FMA>(reduced.high, reduced.low);
    let (sine, cosine) = (lane::sum(sine.0, sine.1), lane::sum(cosine.0, cosine.1));
    let quadrant = reduced.quadrant;
    let is_even = quadrant & 1 == 0;
    let (a, b) = (if is_even { cosine } else { sine }, if is_even { sine } else { cosine });
    let (sign_a, sign_b) = (quadrant.wrapping_add(1) << 62, quadrant << 62 ^ x.to_bits());
    [(flip(a.0, sign_a), flip(a.1, sign_a)), (flip(b.0, sign_b), flip(b.1, sign_b))]
}

/// The sine of a float64: at most 0.83 ULP.
pub(in crate::math) struct Sin64;

impl Unary for Sin64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (sine_of::<FMA>(reduce::<FMA>(x.abs()), 0, x.to_bits()), is_huge(x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        sine_of::<FMA>(reduce_any::<FMA>(x.abs()), 0, x.to_bits())
    }
}

/// The cosine of a float64: at most 0.86 ULP.
pub(in crate::math) struct Cos64;

impl Unary for Cos64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (sine_of::<FMA>(reduce::<FMA>(x.abs()), 1, 0), is_huge(x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        sine_of::<FMA>(reduce_any::<FMA>(x.abs()), 1, 0)
    }
}

/// The tangent of a reduced argument, as the quotient of its sine and cosine to more than float64's
/// precision.
#[inline(always)]
fn tangent_of<const FMA: bool>(x: Reduced, sign: u64) -> f64 {
    let [sine, cosine] = sine_and_cosine::<FMA>(x.high, x.low);
    let (sine, cosine) = (lane::sum(sine.0, sine.1), lane::sum(cosine.0, cosine.1));
    let even = x.quadrant & 1 == 0;
    let either = |a: f64, b: f64| if even { a } else { b };
    let (value, rest) = quotient::<FMA>(
        (either(sine.0, cosine.0), either(sine.1, cosine.1)),
        (either(cosine.0, sine.0), either(cosine.1, sine.1)),
    );
    flip(value + rest, x.quadrant << 63 ^ sign)
}

/// The tangent of a float64: at most 1.07 ULP.
pub(in crate::math) struct Tan64;

impl Unary for Tan64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (tangent_of::<FMA>(reduce::<FMA>(x.abs()), x.to_bits()), is_huge(x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        tangent_of::<FMA>(reduce_any::<FMA>(x.abs()), x.to_bits())
    }
}

/// `x - multiple * pi`, for results in float32.
#[inline(always)]
fn minus_multiple_of_pi<const FMA: bool>(x: f64, multiple: f64) -> f64 {
    if FMA {
        let [p1, p2] = PI;
        (-multiple).mul_add(p2, (-multiple).mul_add(p1, x))
    } else {
        let [p1, p2, p3] = PI_SHORT;
        ((x - multiple * p1) - multiple * p2) - multiple * p3
    }
}

/// The sine of `r` in `[-pi/2, pi/2]`, for results in float32.
#[inline(always)]
fn short_sine<const FMA: bool>(r: f64) -> f64 {
    let z = r * r;
    f64::madd::<FMA>(r * z, polynomial::<f64, FMA>(z, &SIN_TAIL_WIDE), r)
}

/// The greatest float32 that is reduced in float32.
const LIMIT_SINGLE: f32 = 131_072.0;
/// `pi/2` to 74 bits, each part rounded to nearest.
const HALF_PI_SINGLE: [f32; 3] = [std::f32::consts::FRAC_PI_2, -4.371_139e-8, -1.715_124_5e-15];
/// As [`SIN_TAIL`], to `2**-27`.
const SIN_TAIL_SINGLE: [f32; 3] = [-0.166_666_54, 0.008_332_113, -0.000_195_087_6];
/// As [`COS_TAIL`], to `2**-32`.
const COS_TAIL_SINGLE: [f32; 3] = [0.041_666_646, -0.001_388_725_1, 2.442_569_3e-5];

/// The sine of a magnitude up to [`LIMIT_SINGLE`] and of as many quarter turns more, negated where
/// the highest bit of `sign` is set, by fused multiply-adds in float32.
#[inline(always)]
fn sine_of_single(magnitude: f32, quarters: u32, sign: u32) -> f32 {
    // 1.5 * 2**23.
    let round = 12_582_912.0;
    let rounded = magnitude.mul_add(std::f32::consts::FRAC_2_PI, round);
    let multiple = rounded - round;
    let quadrant = rounded.to_bits().wrapping_add(quarters);
    let [p1, p2, p3] = HALF_PI_SINGLE;
    let rest = (-multiple).mul_add(p1, magnitude);
    let product = multiple * p2;
    let error = multiple.mul_add(p2, -product);
    let high = rest - product;
    let low = (-multiple).mul_add(p3, ((rest - high) - product) - error);
    let z = high * high;
    let [a, b, c] = SIN_TAIL_SINGLE;
    let low_of_sine = low * z.mul_add(-0.5, 1.0);
    let sine = high + (high * z).mul_add(z.mul_add(z.mul_add(c, b), a), low_of_sine);
    let [a, b, c] = COS_TAIL_SINGLE;
    let cosine = z.mul_add(z.mul_add(z.mul_add(c, b), a), -0.5);
    let low_of_z = high.mul_add(low + low, high.mul_add(high, -z));
    let cosine = 1.0 + z.mul_add(cosine, -0.5 * low_of_z);
    let y = if quadrant & 1 == 0 { sine } else { cosine };
    f32::from_bits(y.to_bits() ^ ((quadrant << 30 ^ sign) & 1 << 31))
}

/// The sine of a float32: at most 0.97 ULP. With fused multiply-adds in float32, without them in
/// float64.
struct Sin32;

impl Unary for Sin32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        if FMA {
            return (sine_of_single(x.abs(), 0, x.to_bits()), x.abs() > LIMIT_SINGLE);
        }
        let (magnitude, sign) = (f64::from(x.abs()), f64::from(x).to_bits());
        let rounded = f64::madd::<FMA>(magnitude, std::f64::consts::FRAC_1_PI, f64::ROUND);
        let r = minus_multiple_of_pi::<FMA>(magnitude, rounded - f64::ROUND);
        (flip(short_sine::<FMA>(r), rounded.to_bits() << 63 ^ sign) as f32, is_huge(magnitude))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let (y, far) = Self::fast::<FMA>(x);
        if far { Sin64::careful::<FMA>(x.into()) as f32 } else { y }
    }
}

/// The cosine of a float32: at most 0.97 ULP. With fused multiply-adds in float32, without them in
/// float64.
struct Cos32;

impl Unary for Cos32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        if FMA {
            return (sine_of_single(x.abs(), 1, 0), x.abs() > LIMIT_SINGLE);
        }
        // The sine of x + pi/2: by odd multiples of pi/2.
        let magnitude = f64::from(x.abs());
        let rounded = f64::madd::<FMA>(magnitude, std::f64::consts::FRAC_1_PI, -0.5) + f64::ROUND;
        let r = minus_multiple_of_pi::<FMA>(magnitude, (rounded - f64::ROUND) + 0.5);
        (flip(short_sine::<FMA>(r), !rounded.to_bits() << 63) as f32, is_huge(magnitude))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let (y, far) = Self::fast::<FMA>(x);
        if far { Cos64::careful::<FMA>(x.into()) as f32 } else { y }
    }
}

/// The tangent of a float32, in float64: at most 0.503 ULP.
struct Tan32;

impl Unary for Tan32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        let (magnitude, sign) = (f64::from(x.abs()), f64::from(x).to_bits());
        let rounded = f64::madd::<FMA>(magnitude, std::f64::consts::FRAC_2_PI, f64::ROUND);
        let r = minus_multiple_of_pi::<FMA>(magnitude, 0.5 * (rounded - f64::ROUND));
        let z = r * r;
        let sine = f64::madd::<FMA>(r * z, polynomial::<f64, FMA>(z, &SIN_TAIL_SHORT), r);
        let cosine =
            f64::madd::<FMA>(z * z, polynomial::<f64, FMA>(z, &COS_TAIL_SHORT), f64::madd::<FMA>(-0.5, z, 1.0));
        let even = rounded.to_bits() & 1 == 0;
        let y = if even { sine } else { cosine } / if even { cosine } else { sine };
        (flip(y, rounded.to_bits() << 63 ^ sign) as f32, is_huge(magnitude))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let (y, huge) = Self::fast::<FMA>(x);
        if huge { Tan64::careful::<FMA>(x.into()) as f32 } else { y }
    }
}

/// The greatest number of half turns that is rounded by [`f64::ROUND`].
const MOST_HALF_TURNS: f64 = 1_125_899_906_842_624.0;

/// Whether half turns are beyond [`MOST_HALF_TURNS`].
#[inline(always)]
fn are_many(magnitude: f64) -> bool {
    (magnitude > MOST_HALF_TURNS) & (magnitude < f64::INFINITY)
}

/// A magnitude beyond [`MOST_HALF_TURNS`] modulo 4, which is exact; others as they are.
#[inline(always)]
fn modulo_4(magnitude: f64) -> f64 {
    // Added to a magnitude below 2**53, it rounds that to a multiple of 4; greater ones are even.
    let fours = 18_014_398_509_481_984.0;
    let rest = magnitude - ((magnitude + fours) - fours);
    let rest = if rest < 0.0 { rest + 4.0 } else { rest };
    let rest = if magnitude < 9_007_199_254_740_992.0 { rest } else { 0.0 };
    if are_many(magnitude) { rest } else { magnitude }
}

/// `2**200`.
const TWO_200: f64 = f64::from_bits((1023 + 200) << 52);

/// Half turns as radians, less quarter turns: exact but for the product with `pi`.
#[inline(always)]
fn reduce_half_turns<const FMA: bool>(magnitude: f64) -> Reduced {
    let rounded = (magnitude + magnitude) + f64::ROUND;
    let rest = magnitude - 0.5 * (rounded - f64::ROUND);
    // Without a fused multiply-add the parts of a small product's error would underflow.
    let (scale, inverse) = if FMA || rest.abs() > 1e-280 { (1.0, 1.0) } else { (TWO_200, 1.0 / TWO_200) };
    let (product, error) = lane::product::<f64, FMA>(rest * scale, PI[0]);
    let (product, error) = (product * inverse, error * inverse);
    Reduced { high: product, low: f64::madd::<FMA>(rest, PI[1], error), quadrant: rounded.to_bits() }
}

/// The sine of `pi * x` of a float64: at most 0.99 ULP. Of integers it is zero with the argument's
/// sign, as IEEE 754-2019 has it.
struct SinPi64;

impl SinPi64 {
    #[inline(always)]
    fn of<const FMA: bool>(magnitude: f64, sign: u64) -> f64 {
        // The sum makes negative zeros positive ones.
        flip(sine_of::<FMA>(reduce_half_turns::<FMA>(magnitude), 0, 0) + 0.0, sign)
    }
}

impl Unary for SinPi64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::of::<FMA>(x.abs(), x.to_bits()), are_many(x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        Self::of::<FMA>(modulo_4(x.abs()), x.to_bits())
    }
}

/// The cosine of `pi * x` of a float64: at most 0.90 ULP. Of odd multiples of a half it is positive
/// zero, as IEEE 754-2019 has it.
struct CosPi64;

impl CosPi64 {
    #[inline(always)]
    fn of<const FMA: bool>(magnitude: f64) -> f64 {
        sine_of::<FMA>(reduce_half_turns::<FMA>(magnitude), 1, 0) + 0.0
    }
}

impl Unary for CosPi64 {
    type X = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64) -> (f64, bool) {
        (Self::of::<FMA>(x.abs()), are_many(x.abs()))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64) -> f64 {
        Self::of::<FMA>(modulo_4(x.abs()))
    }
}

/// Half turns in float32, whose values from `2**24` are even integers.
#[inline(always)]
fn short_half_turns(x: f32) -> f64 {
    let magnitude = x.abs();
    let (whole, finite) = (magnitude >= 16_777_216.0, magnitude < f32::INFINITY);
    f64::from(if whole & finite { 0.0 } else { magnitude })
}

/// The sine of `pi * r` for `r` in `[-1/2, 1/2]`, for results in float32.
#[inline(always)]
fn short_sine_of_half_turns<const FMA: bool>(r: f64) -> f64 {
    r * polynomial::<f64, FMA>(r * r, &SINPI_WIDE)
}

/// The sine of `pi * x` of a float32, in float64: at most 0.501 ULP.
struct SinPi32;

impl Unary for SinPi32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let magnitude = short_half_turns(x);
        let rounded = magnitude + f64::ROUND;
        let y = short_sine_of_half_turns::<FMA>(magnitude - (rounded - f64::ROUND));
        flip(flip(y, rounded.to_bits() << 63) + 0.0, f64::from(x).to_bits()) as f32
    }
}

/// The cosine of `pi * x` of a float32, in float64: at most 0.501 ULP.
struct CosPi32;

impl Unary for CosPi32 {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        (Self::careful::<FMA>(x), false)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        let magnitude = short_half_turns(x);
        let rounded = (magnitude - 0.5) + f64::ROUND;
        let y = short_sine_of_half_turns::<FMA>(magnitude - ((rounded - f64::ROUND) + 0.5));
        (flip(y, !rounded.to_bits() << 63) + 0.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{near, near_at, same};

    #[test]
    fn radians_are_within_budget() {
        for most in [4.0, 1e3, 1e6, f64::MAX] {
            near::<Sin64, f64>(pxfm::f_sin, -most..most, 1.0);
            near::<Cos64, f64>(pxfm::f_cos, -most..most, 1.0);
            near::<Tan64, f64>(pxfm::f_tan, -most..most, 2.0);
            near::<Sin32, f32>(pxfm::f_sin, -most..most, 1.0);
            near::<Cos32, f32>(pxfm::f_cos, -most..most, 1.0);
            near::<Tan32, f32>(pxfm::f_tan, -most..most, 1.0);
        }
    }

    #[test]
    fn half_turns_are_within_budget() {
        for most in [1.0, 1e3, f64::MAX] {
            near::<SinPi64, f64>(pxfm::f_sinpi, -most..most, 1.0);
            near::<CosPi64, f64>(pxfm::f_cospi, -most..most, 1.0);
            near::<SinPi32, f32>(pxfm::f_sinpi, -most..most, 1.0);
            near::<CosPi32, f32>(pxfm::f_cospi, -most..most, 1.0);
        }
    }

    #[test]
    fn sines_near_multiples_of_pi_are_right() {
        // The float64s nearest to a multiple of pi/2, of all and of those that are reduced the short
        // way in float32, and the float64 nearest to pi.
        for x in [6_381_956_970_095_103.0 * 2_f64.powi(797), 12_345_678.0, 355.0, 103_993.0, std::f64::consts::PI] {
            for x in [x, -x] {
                near_at::<Sin64, f64>(x, pxfm::f_sin, 1.0);
                near_at::<Cos64, f64>(x, pxfm::f_cos, 1.0);
                near_at::<Tan64, f64>(x, pxfm::f_tan, 2.0);
            }
        }
    }

    #[test]
    fn special_values() {
        for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            same::<Sin64, f64>(x, f64::NAN);
            same::<Cos64, f64>(x, f64::NAN);
            same::<Tan64, f64>(x, f64::NAN);
            same::<SinPi64, f64>(x, f64::NAN);
            same::<CosPi64, f64>(x, f64::NAN);
            assert!(Sin32::careful::<true>(x as f32).is_nan() && Cos32::careful::<true>(x as f32).is_nan());
            assert!(SinPi32::careful::<true>(x as f32).is_nan() && CosPi32::careful::<true>(x as f32).is_nan());
        }
        for x in [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE] {
            same::<Sin64, f64>(x, x);
            same::<Tan64, f64>(x, x);
            same::<Cos64, f64>(x, 1.0);
            same::<CosPi64, f64>(x, 1.0);
        }
        for x in [0.0, 1.0, 2.0, 3.0, 4_503_599_627_370_497.0, 1e300] {
            same::<SinPi64, f64>(x, 0.0);
            same::<SinPi64, f64>(-x, -0.0);
        }
        for (x, y) in
            [(0.5, 0.0), (1.5, 0.0), (2_251_799_813_685_247.5, 0.0), (9_007_199_254_740_991.0, -1.0), (1e300, 1.0)]
        {
            same::<CosPi64, f64>(x, y);
            same::<CosPi64, f64>(-x, y);
        }
        for (x, y) in
            [(0.5, 1.0), (1.5, -1.0), (-0.5, -1.0), (2_251_799_813_685_246.5, 1.0), (2_251_799_813_685_247.5, -1.0)]
        {
            same::<SinPi64, f64>(x, y);
        }
    }
}
