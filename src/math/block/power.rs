//! Powers, cube roots and hypotenuses.

use std::marker::PhantomData;

use super::dispatch::{Binary, Kernels, Unary};
use super::exp::{Exp, Power, exp2};
use super::lane::{Lane, polynomial, product, sum};
use super::log::split;
use super::pair::quotient;

/// `(log2((1+s) / (1-s)) / s)`, a polynomial in `s*s`: the first coefficients in two parts, then the rest.
const LOG2_HEAD: [(f64, f64); 3] = [
    (2.8853900817779268, 4.0710547481862066e-17),
    (0.9617966939259756, 5.0577616648125907e-17),
    (0.5770780163555853, 5.2551030481378675e-17),
];
const LOG2_TAIL: [f64; 8] = [
    0.41219858311113233,
    0.32059889797545166,
    0.26230818920551097,
    0.22195309105937638,
    0.19235862536129367,
    0.16976662252167357,
    0.15069925275080426,
    0.1565579599711558,
];
/// The same for float32, which 44 bits serve.
const LOG2_SHORT: [f64; 6] = [
    2.885390081777851,
    0.9617966941148886,
    0.5770779420014808,
    0.41220927877526303,
    0.3199049383874852,
    0.2829077017081178,
];
/// `2**r`, to 28 bits.
const EXP2_SHORT: [f64; 7] = [
    1.0000000005378267,
    0.69314720553658,
    0.2402264701451282,
    0.055503290393376314,
    0.009618476717451998,
    0.0013399874859822175,
    0.0001534893011039945,
];

/// `a * b` of numbers in two parts.
#[inline(always)]
pub(super) fn product2<const FMA: bool>(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let (high, low) = product::<f64, FMA>(a.0, b.0);
    (high, a.1.madd::<FMA>(b.0, a.0.madd::<FMA>(b.1, low)))
}

/// `log2(m * 2**k)` to 68 bits in two parts, for `m` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
pub(super) fn log2<const FMA: bool>(k: f64, m: f64) -> (f64, f64) {
    // s = (m - 1) / (m + 1).
    let f = m - 1.0;
    let (g, g_low) = sum(2.0, f);
    let inverse = 1.0 / g;
    let s = f * inverse;
    let (back, back_low) = product::<f64, FMA>(s, g);
    let s_low = ((f - back) - s.madd::<FMA>(g_low, back_low)) * inverse;
    // The tail can do without the second parts, so that it is not to wait for them.
    let (z, z_low) = product2::<FMA>((s, s_low), (s, s_low));
    let tail = z * polynomial::<f64, FMA>(z, &LOG2_TAIL);
    let (high, low) = sum(LOG2_HEAD[2].0, tail);
    let (high, low) = product2::<FMA>((z, z_low), (high, low + LOG2_HEAD[2].1));
    let (high, rest) = sum(LOG2_HEAD[1].0, high);
    let (high, low) = product2::<FMA>((z, z_low), (high, rest + (low + LOG2_HEAD[1].1)));
    let (high, rest) = sum(LOG2_HEAD[0].0, high);
    let (high, low) = product2::<FMA>((s, s_low), (high, rest + (low + LOG2_HEAD[0].1)));
    let (high, rest) = sum(k, high);
    (high, rest + low)
}

/// Whether a number that is not negative is an integer.
#[inline(always)]
fn is_integer<T: Lane>(x: T) -> bool {
    (x >= T::WHOLE) | ((x + T::WHOLE) - T::WHOLE == x)
}

/// The value of `x ** y`, where `value` is that of `abs(x) ** y` for a finite `x` other than zero: the
/// special values of C99.
#[inline(always)]
fn special<T: Lane>(x: T, y: T, value: T) -> T {
    let magnitude = x.abs();
    let is_whole = is_integer(y.abs());
    let is_odd = is_whole & !is_integer(y.abs() * T::of(0.5));
    let is_zero = magnitude == T::of(0.0);
    let extreme = if is_zero == (y > T::of(0.0)) { T::of(0.0) } else { T::INFINITY };
    let value = if is_zero | (magnitude == T::INFINITY) { extreme } else { value };
    let value = if is_odd & x.is_negative() { -value } else { value };
    let is_root = (x < T::of(0.0)) & (magnitude <= T::MAX) & !is_whole;
    let value = if is_root | x.is_nan() | y.is_nan() { T::NAN } else { value };
    if (x == T::of(1.0)) | (y == T::of(0.0)) { T::of(1.0) } else { value }
}

/// `x ** y` of float64.
///
/// `2**(y * log2(x))` with logarithm and product in two parts, to 68 bits: the logarithm's series in
/// `s = (m-1) / (m+1)` has its first three coefficients in two parts, the rest need none. Greatest error measured: 0.78 ULP.
struct Pow64;

impl Pow64 {
    /// `y * log2(m * 2**k)` in two parts.
    #[inline(always)]
    fn exponent<const FMA: bool>(k: f64, m: f64, y: f64) -> (f64, f64) {
        let (log, log_low) = log2::<FMA>(k, m);
        let (high, low) = product::<f64, FMA>(y, log);
        (high, y.madd::<FMA>(log_low, low))
    }
}

impl Binary for Pow64 {
    type X = f64;
    type Z = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64, y: f64) -> (f64, bool) {
        let (k, m) = x.split();
        let (high, low) = Self::exponent::<FMA>(k, m, y);
        let is_usual = (x >= f64::TINY) & (high.abs() <= f64::EXPONENT) & (x <= f64::MAX);
        (exp2::<f64, FMA>(high, low).normal(), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64, y: f64) -> f64 {
        // Beyond, every power of a number other than 1 overflows or underflows.
        const LARGE: f64 = (1u128 << 66) as f64;
        let (k, m) = split(x.abs());
        let bounded = if y > LARGE { LARGE } else { y };
        let bounded = if bounded < -LARGE { -LARGE } else { bounded };
        let (high, low) = Self::exponent::<FMA>(k, m, bounded);
        let is_usual = high.abs() <= f64::BEYOND;
        let power: Power<f64> = exp2::<f64, FMA>(
            if is_usual { high } else { f64::BEYOND.copysign(high) },
            if is_usual { low } else { 0.0 },
        );
        special(x, y, power.value())
    }
}

/// `x ** y` of float32: in float64, rounded at the end. Greatest error measured: 0.53 ULP.
struct Pow32;

impl Pow32 {
    #[inline(always)]
    fn value<const FMA: bool>(x: f64, y: f64) -> f64 {
        let (k, m) = x.split();
        let f = m - 1.0;
        let s = f / (2.0 + f);
        let log = s.madd::<FMA>(polynomial::<f64, FMA>(s * s, &LOG2_SHORT), k);
        let exponent = y * log;
        // Beyond, every power is infinite or zero in float32.
        let exponent = if exponent > 200.0 { 200.0 } else { exponent };
        let exponent = if exponent < -200.0 { -200.0 } else { exponent };
        let shift = exponent + f64::ROUND;
        polynomial::<f64, FMA>(exponent - (shift - f64::ROUND), &EXP2_SHORT).scale(shift)
    }
}

impl Binary for Pow32 {
    type X = f32;
    type Z = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32, y: f32) -> (f32, bool) {
        let is_usual = (x > 0.0) & (x <= f32::MAX) & (y.abs() <= f32::MAX);
        (Self::value::<FMA>(f64::from(x), f64::from(y)) as f32, !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32, y: f32) -> f32 {
        // Infinity times the logarithm of one is to be zero.
        let bounded = if y.abs() <= f32::MAX { y } else { f32::MAX.copysign(y) };
        special(x, y, Self::value::<FMA>(f64::from(x.abs()), f64::from(bounded)) as f32)
    }
}

/// `x ** (1/n)` of float64, for x that is not negative and n above 0, as a power whose exponent has two
/// parts: a rounded `1/n` would lose the digits that the result's exponent takes.
/// Greatest error measured: 0.8 ULP.
struct Root64;

impl Root64 {
    /// `log2(m * 2**k) / n` in two parts, and `1/n`.
    #[inline(always)]
    fn exponent<const FMA: bool>(k: f64, m: f64, n: f64) -> (f64, f64, f64) {
        let (log, log_low) = log2::<FMA>(k, m);
        let (inverse, inverse_low) = quotient::<FMA>((1.0, 0.0), (n, 0.0));
        let (high, low) = product2::<FMA>((inverse, inverse_low), (log, log_low));
        (high, low, inverse)
    }
}

impl Binary for Root64 {
    type X = f64;
    type Z = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64, n: f64) -> (f64, bool) {
        let (k, m) = x.split();
        let (high, low, _) = Self::exponent::<FMA>(k, m, n);
        let is_usual =
            (x >= f64::TINY) & (high.abs() <= f64::EXPONENT) & (x <= f64::MAX) & (1e-200..=1e200).contains(&n);
        (exp2::<f64, FMA>(high, low).normal(), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64, n: f64) -> f64 {
        // Beyond, every root of a number other than 1 overflows or underflows; or is 1.
        let bounded = if n < 1e-20 { 1e-20 } else { n };
        let bounded = if bounded > 1e200 { 1e200 } else { bounded };
        let (k, m) = split(x);
        let (high, low, inverse) = Self::exponent::<FMA>(k, m, bounded);
        let is_usual = high.abs() <= f64::BEYOND;
        let power: Power<f64> = exp2::<f64, FMA>(
            if is_usual { high } else { f64::BEYOND.copysign(high) },
            if is_usual { low } else { 0.0 },
        );
        let value = special(x, inverse, power.value());
        if (x >= 0.0) & (n > 0.0) { value } else { f64::NAN }
    }
}

/// The same of float32: in float64, rounded at the end.
struct Root32;

impl Binary for Root32 {
    type X = f32;
    type Z = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32, n: f32) -> (f32, bool) {
        let (value, is_rare) = Root64::fast::<FMA>(f64::from(x), f64::from(n));
        (value as f32, is_rare)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32, n: f32) -> f32 {
        Root64::careful::<FMA>(f64::from(x), f64::from(n)) as f32
    }
}

/// The constants of cube roots in an element type.
trait Cbrt: Lane {
    /// `m**(-1/3)` for `m` between `sqrt(1/2)` and `sqrt(2)`.
    const START: &'static [Self];
}

impl Cbrt for f64 {
    const START: &'static [f64] = &[1.730574687671505, -1.285305895041619, 0.7129198619808178, -0.15840670884285188];
}

impl Cbrt for f32 {
    const START: &'static [f32] = &[1.7305747, -1.2853059, 0.7129199, -0.1584067];
}

/// The cube root.
///
/// Of `t = m * 2**j` with `j` in -1, 0 and 1: an estimate of the reciprocal root to 12 bits, one step
/// of third order, and a last step for the root itself with the error of its cube in two parts.
/// Greatest error measured: 0.501 ULP.
struct CbrtKernel<T>(PhantomData<T>);

impl<T: Cbrt> CbrtKernel<T> {
    /// The root of `m * 2**k`, positive.
    #[inline(always)]
    fn value<const FMA: bool>(k: T, m: T) -> T {
        let shift = k.madd::<FMA>(T::of(1.0 / 3.0), T::ROUND);
        let j = (shift - T::ROUND).madd::<FMA>(T::of(-3.0), k);
        let t = m * T::pow2(j);
        let factor = if j > T::of(0.5) { T::of(0.7937005259840998) } else { T::of(1.0) };
        let factor = if j < T::of(-0.5) { T::of(1.2599210498948732) } else { factor };
        let start = polynomial::<T, FMA>(m, T::START) * factor;
        // 1 - t * start**3 is small: (1 - h)**(-1/3) = 1 + h/3 + 2*h*h/9 + ...
        let h = (start * start).madd::<FMA>(-(start * t), T::of(1.0));
        let step = h.madd::<FMA>(T::of(2.0 / 9.0), T::of(1.0 / 3.0));
        let inverse = (start * h).madd::<FMA>(step, start);
        let square = inverse * inverse;
        let root = t * square;
        // (t - root**3) / (3 * root**2), where 1 / root**2 is nearly the square of the inverse.
        let (two, two_low) = product::<T, FMA>(root, root);
        let (three, three_low) = product::<T, FMA>(two, root);
        let rest = (t - three) - root.madd::<FMA>(two_low, three_low);
        let root = (rest * T::of(1.0 / 3.0)).madd::<FMA>(square, root);
        root.scale(shift)
    }
}

impl<T: Cbrt> Unary for CbrtKernel<T> {
    type X = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T) -> (T, bool) {
        let magnitude = x.abs();
        let is_usual = (magnitude >= T::TINY) & (magnitude <= T::MAX);
        let (k, m) = magnitude.split();
        (Self::value::<FMA>(k, m).copysign(x), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T) -> T {
        let magnitude = x.abs();
        let is_subnormal = magnitude < T::TINY;
        let (k, m) = (if is_subnormal { magnitude * T::LIFTED } else { magnitude }).split();
        let value = Self::value::<FMA>(if is_subnormal { k - T::LIFT } else { k }, m).copysign(x);
        if (magnitude > T::of(0.0)) & (magnitude <= T::MAX) { value } else { x }
    }
}

/// `sqrt(x*x + z*z)` of float64: the squares and their sum in two parts, and one step of Newton's for
/// the root (Borges, "An Improved Algorithm for hypot(a, b)", 2019).
/// Greatest error measured: 0.75 ULP, for subnormal numbers.
pub(in crate::math) struct Hypot64;

impl Hypot64 {
    /// For `most` of no lesser magnitude than `least`, whose squares are far from overflow and underflow.
    #[inline(always)]
    fn value<const FMA: bool>(most: f64, least: f64) -> f64 {
        let (a, a_low) = product::<f64, FMA>(most, most);
        let (b, b_low) = product::<f64, FMA>(least, least);
        let (square, low) = sum(a, b);
        let root = square.sqrt();
        let (back, back_low) = product::<f64, FMA>(root, root);
        let rest = (square - back) + ((low - back_low) + (a_low + b_low));
        root + rest * 0.5 / root
    }

    /// The magnitudes, the greater first; NaN may be either.
    #[inline(always)]
    fn order(x: f64, z: f64) -> (f64, f64) {
        let (x, z) = (x.abs(), z.abs());
        if x > z { (x, z) } else { (z, x) }
    }
}

impl Binary for Hypot64 {
    type X = f64;
    type Z = f64;
    type Y = f64;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f64, z: f64) -> (f64, bool) {
        let (most, least) = Self::order(x, z);
        let is_usual = (most >= Self::LOW) & (least <= most) & (most <= Self::HIGH);
        (Self::value::<FMA>(most, least), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f64, z: f64) -> f64 {
        const LARGE: f64 = f64::from_bits((1023 + 600) << 52);
        let (most, least) = Self::order(x, z);
        let (scale, back) = if most > Self::HIGH { (1.0 / LARGE, LARGE) } else { (1.0, 1.0) };
        let (scale, back) = if most < Self::LOW { (LARGE, 1.0 / LARGE) } else { (scale, back) };
        let value = Self::value::<FMA>(most * scale, least * scale) * back;
        let value = if most == 0.0 { 0.0 } else { value };
        let value = if x.is_nan() | z.is_nan() { f64::NAN } else { value };
        if (x.abs() == f64::INFINITY) | (z.abs() == f64::INFINITY) { f64::INFINITY } else { value }
    }
}

impl Hypot64 {
    /// `2**-450` and `2**500`: in between, squares are far from overflow and underflow.
    const LOW: f64 = f64::from_bits((1023 - 450) << 52);
    const HIGH: f64 = f64::from_bits((1023 + 500) << 52);
}

/// `sqrt(x*x + z*z)` of float32: in float64, where squares are exact and do not overflow.
struct Hypot32;

impl Hypot32 {
    #[inline(always)]
    fn value<const FMA: bool>(x: f32, z: f32) -> f32 {
        let (x, z) = (f64::from(x), f64::from(z));
        x.madd::<FMA>(x, z * z).sqrt() as f32
    }
}

impl Binary for Hypot32 {
    type X = f32;
    type Z = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32, z: f32) -> (f32, bool) {
        let is_usual = (x.abs() <= f32::MAX) & (z.abs() <= f32::MAX);
        (Self::value::<FMA>(x, z), !is_usual)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32, z: f32) -> f32 {
        let value = Self::value::<FMA>(x, z);
        if (x.abs() == f32::INFINITY) | (z.abs() == f32::INFINITY) { f32::INFINITY } else { value }
    }
}

/// A power whose exponent is a scalar: with 2, -1 and a half it is the square, the reciprocal and the
/// square root, as NumPy takes it, rounded once.
struct Scalar<K>(K);

impl<K: Binary<X = T, Z = T, Y = T>, T: Lane> Binary for Scalar<K> {
    type X = T;
    type Z = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T, y: T) -> (T, bool) {
        let (power, rare) = K::fast::<FMA>(x, y);
        let (value, is_special) = rounded_once(x, y, power);
        (value, rare & !is_special)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T, y: T) -> T {
        rounded_once(x, y, K::careful::<FMA>(x, y)).0
    }
}

/// The power, or what is taken for it with a special exponent, and whether it is such a one.
#[inline(always)]
fn rounded_once<T: Lane>(x: T, y: T, power: T) -> (T, bool) {
    let (is_square, is_reciprocal, is_root) = (y == T::of(2.0), y == T::of(-1.0), y == T::of(0.5));
    let value = if is_square { x * x } else { power };
    let value = if is_reciprocal { T::of(1.0) / x } else { value };
    (if is_root { x.sqrt() } else { value }, is_square | is_reciprocal | is_root)
}

/// `x ** y`, with the special values of C99.
pub static POW: Kernels = Kernels::binary::<Pow32, Pow64>("pow");
/// The same for a scalar `y`, rounded once where it is 2, -1 or a half.
pub static POW_SCALAR: Kernels = Kernels::binary::<Scalar<Pow32>, Scalar<Pow64>>("pow_scalar");
/// `x ** (1/n)` of numbers that are not negative.
pub static ROOT: Kernels = Kernels::binary::<Root32, Root64>("root");
/// The cube root.
pub static CBRT: Kernels = Kernels::unary::<CbrtKernel<f32>, CbrtKernel<f64>>("cbrt");
/// `sqrt(x*x + y*y)` without overflow.
pub static HYPOT: Kernels = Kernels::binary::<Hypot32, Hypot64>("hypot");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::block::check::{exact, exact_of_two, near, near_of_two};

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    #[test]
    fn special_powers() {
        let all = [NAN, -INF, -3.0, -2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.5, 3.0, 4.0, INF];
        let mut cases = vec![(10.0, -320.0, 0.0), (1e30, 1e30, INF), (-1e30, 3e20, INF), (1.0, 1e30, 1.0)];
        for x in all {
            for y in all {
                // Where Rust's function, which is the C library's, gives a special value or a small power.
                let power = x.powf(y);
                let is_special = x == 0.0 || !x.is_finite() || !y.is_finite() || !power.is_normal();
                if is_special || (y >= 1.0 && y.fract() == 0.0) {
                    cases.push((x, y, power));
                }
            }
        }
        exact_of_two::<Pow32, f32>(&cases);
        cases[0] = (10.0, -324.0, 0.0);
        cases.extend([(10.0, -320.0, 1e-320), (-2.0, -1073.0, -1e-323), (-2.0, 1023.0, -(2f64.powi(1023)))]);
        cases.extend([(3.0, 33.0, 5559060566555523.0), (f64::MAX, -1.0, 5.562684646268003e-309), (5e-324, -1.0, INF)]);
        exact_of_two::<Pow64, f64>(&cases);
    }

    #[test]
    fn special_roots() {
        let cases = [(0.0, 0.0), (-0.0, -0.0), (27.0, 3.0), (-8.0, -2.0), (INF, INF), (-INF, -INF), (NAN, NAN)];
        exact::<CbrtKernel<f64>, f64>(&cases);
        exact::<CbrtKernel<f32>, f32>(&cases);
        let cases =
            [(3.0, -4.0, 5.0), (-0.0, 0.0, 0.0), (NAN, -INF, INF), (INF, NAN, INF), (NAN, 1.0, NAN), (0.0, -7.0, 7.0)];
        exact_of_two::<Hypot64, f64>(&cases);
        exact_of_two::<Hypot32, f32>(&cases);
        exact_of_two::<Hypot64, f64>(&[(3e300, 4e300, 5e300), (5e-324, 0.0, 5e-324), (f64::MAX, f64::MAX, INF)]);
    }

    #[test]
    fn near_to_a_reference() {
        // The C library's power is within one unit.
        near_of_two::<Pow64, f64>(f64::powf, [-1e9..1e9, -40.0..40.0], 1.5);
        near_of_two::<Pow32, f32>(f64::powf, [-1e9..1e9, -6.0..6.0], 2.0);
        near::<CbrtKernel<f64>, f64>(pxfm::f_cbrt, -f64::MAX..f64::MAX, 1.5);
        near::<CbrtKernel<f32>, f32>(pxfm::f_cbrt, -3e38..3e38, 2.0);
        near_of_two::<Hypot64, f64>(f64::hypot, [-1e10..1e10, -1e10..1e10], 1.5);
        near_of_two::<Hypot32, f32>(f64::hypot, [-1e10..1e10, -1e10..1e10], 2.0);
    }
}
