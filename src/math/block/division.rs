//! Division with a rounded quotient: `//`, `%` and `fmod` of floats and of integers.
//!
//! # Floats
//! The bits are those of [`elementary`]'s scalar functions: CPython's `float_divmod` and C's `fmod`.
//! They follow from one exact remainder. Let `p` be the precision, `t` the true quotient `x / y`,
//! `q` the rounded one, `m = floor(t)`, `n = floor(q)`, all of magnitude below `2^(p-3)`, and `y`
//! finite.
//!
//! * Rounding is monotonic and whole numbers are representable, so `n` is `m`, or it is `m + 1`,
//!   which only happens where `t` was rounded up to that whole number.
//! * `n = m`: a fused `x - n * y` is the remainder rounded once. So is CPython's: `fmod` is exact, and
//!   the one sum that moves it to the divisor's sign rounds the same number.
//! * `n = m + 1`: the remainder has the other sign than y, hence is noticed, and is exact. Where
//!   `|x| >= |y|`, it is a multiple of y's last place, and smaller than y since
//!   `n - t <= ulp(q) / 2 < 1`. Where `|x| < |y|`, `t` is no nearer to 1 than `1 - 2^-p`, so only a
//!   quotient that underflows to `-0` is rounded up: then `n = 0`, and the remainder is x. Adding y
//!   rounds the true remainder once, as above.
//! * So the remainder is right, and `m` is known. CPython's quotient is `m` as well: it divides
//!   `x - fmod(x, y)` by y and perhaps subtracts 1, three roundings that leave it within
//!   `1/4 + 1/8` of the whole number, which the function then restores.
//! * For `fmod` the same holds with `trunc` for `floor` and x's sign for y's.
//!
//! Without fused multiply-add, float32 is computed in float64, where `n * y` is exact, the difference
//! is exact for `|n| > 1`, and for the rest has more than `2 * 24 + 2` bits, so that rounding twice
//! is rounding once. In float64, quotients are below `2^26` so that n times either half of y is
//! exact; see [`Float::residue`].
//!
//! Everything else (greater quotients, infinities, NaN, zero divisors) is rare.
//!
//! # Integers
//! A float quotient of two integers below `2^(p-1)`, rounded down, is the integer quotient: a quotient
//! that is not whole differs from any whole number by at least `1 / |b|`, and it is rounded by less,
//! `|a / b| * 2^-p < 1 / |b|`. So 8 and 16 bits are divided in float32, 32 bits in float64, and 64 bits in
//! float64 where both are below `2^51`; other 64-bit integers are rare.

use super::dispatch::{Binary, Kernel, Kernels};
use super::lane::Lane;
use crate::dtype::DType;
use crate::ir::Op;
use crate::math::elementary;

/// `//` of floats.
pub static FLOOR_DIV: Kernels = Kernels::binary::<Floor<f32, QUOTIENT>, Floor<f64, QUOTIENT>>("floor_divide");
/// `%` of floats, with the divisor's sign.
pub static FLOOR_MOD: Kernels = Kernels::binary::<Floor<f32, REMAINDER>, Floor<f64, REMAINDER>>("remainder");
/// `fmod` of floats, with the dividend's sign.
pub static FMOD: Kernels = Kernels::binary::<Trunc<f32>, Trunc<f64>>("fmod");

/// The value of [`Floor`] that is the quotient.
const QUOTIENT: bool = true;
/// The value of [`Floor`] that is the remainder.
const REMAINDER: bool = false;

/// The quotient rounded down, or the remainder that belongs to it.
struct Floor<T, const RESULT: bool>(T);

/// The remainder of the quotient rounded towards zero.
struct Trunc<T>(T);

/// What division needs of float32 and float64.
trait Float: Lane {
    /// A quotient that is not rare, rounded down; `-0` for `-0`.
    fn floor<const FMA: bool>(self) -> Self;
    /// The same rounded towards zero, with the sign of the quotient.
    fn trunc<const FMA: bool>(self) -> Self;
    /// `x - n * y`, rounded once, where n is whole and near `x / y` and the arguments are not rare.
    fn residue<const FMA: bool>(n: Self, y: Self, x: Self) -> Self;
    /// Whether the quotient is too great or the arguments too special.
    fn is_rare<const FMA: bool>(x: Self, y: Self, quotient: Self) -> bool;
    /// The scalar functions.
    fn floor_div(x: Self, y: Self) -> Self;
    fn floor_mod(x: Self, y: Self) -> Self;
    fn fmod(x: Self, y: Self) -> Self;
    /// Whether the other's sign bit is the same.
    #[inline(always)]
    fn has_sign_of(self, other: Self) -> bool {
        self.is_negative() == other.is_negative()
    }
}

macro_rules! float {
    ($type:ident $scalar:ident) => {
        #[inline(always)]
        fn floor<const FMA: bool>(self) -> $type {
            if FMA {
                return self.floor();
            }
            // The baseline has no instruction for it: round to nearest by a great number, then down.
            let nearest = Lane::round(self);
            let floor = if nearest > self { nearest - 1.0 } else { nearest };
            // -0 stays.
            if floor == 0.0 { floor.copysign(self) } else { floor }
        }

        #[inline(always)]
        fn trunc<const FMA: bool>(self) -> $type {
            if FMA { self.trunc() } else { Float::floor::<FMA>(self.abs()).copysign(self) }
        }

        fn floor_div(x: $type, y: $type) -> $type {
            elementary::floor_div::$scalar(x, y)
        }

        fn floor_mod(x: $type, y: $type) -> $type {
            elementary::floor_mod::$scalar(x, y)
        }

        fn fmod(x: $type, y: $type) -> $type {
            elementary::fmod::$scalar(x, y)
        }
    };
}

impl Float for f32 {
    float!(f32 single);

    #[inline(always)]
    fn residue<const FMA: bool>(n: f32, y: f32, x: f32) -> f32 {
        if FMA { (-n).mul_add(y, x) } else { (x as f64 - n as f64 * y as f64) as f32 }
    }

    #[inline(always)]
    fn is_rare<const FMA: bool>(_: f32, y: f32, quotient: f32) -> bool {
        !((quotient.abs() < (1 << 21) as f32) & (y.abs() < f32::INFINITY))
    }
}

impl Float for f64 {
    float!(f64 double);

    #[inline(always)]
    fn residue<const FMA: bool>(n: f64, y: f64, x: f64) -> f64 {
        if FMA {
            return (-n).mul_add(y, x);
        }
        // Both partial products are exact, of 26 + 26 and 26 + 27 bits. So are the rounding error of
        // the product, whose parts are multiples of y's last place, and `x - product` by Sterbenz's
        // lemma, or where n is 0, or, for n = -1, where that error is 0 and the last difference too.
        let high = y.half();
        let product = n * y;
        let error = (n * high - product) + n * (y - high);
        (x - product) - error
    }

    #[inline(always)]
    fn is_rare<const FMA: bool>(x: f64, y: f64, quotient: f64) -> bool {
        const LARGE: f64 = f64::MAX / 4.0;
        if FMA {
            !((quotient.abs() < (1u64 << 50) as f64) & (y.abs() < f64::INFINITY))
        } else {
            !((quotient.abs() < (1u64 << 26) as f64) & (y.abs() < LARGE) & (x.abs() < LARGE))
        }
    }
}

/// The quotient rounded down, the remainder, and whether the arguments are rare.
#[inline(always)]
fn floor<T: Float, const FMA: bool>(x: T, y: T) -> (T, T, bool) {
    let quotient = x / y;
    let n = quotient.floor::<FMA>();
    let remainder = T::residue::<FMA>(n, y, x);
    let exact = remainder == T::of(0.0);
    let over = !exact & !remainder.has_sign_of(y);
    let remainder = if over { remainder + y } else { remainder };
    let n = if over { n - T::of(1.0) } else { n };
    (n, if exact { T::of(0.0).copysign(y) } else { remainder }, T::is_rare::<FMA>(x, y, quotient))
}

impl<T: Float, const RESULT: bool> Binary for Floor<T, RESULT> {
    type X = T;
    type Z = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T, y: T) -> (T, bool) {
        let (quotient, remainder, rare) = floor::<T, FMA>(x, y);
        (if RESULT == QUOTIENT { quotient } else { remainder }, rare)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T, y: T) -> T {
        match Self::fast::<FMA>(x, y) {
            (value, false) => value,
            _ if RESULT == QUOTIENT => T::floor_div(x, y),
            _ => T::floor_mod(x, y),
        }
    }
}

impl<T: Float> Binary for Trunc<T> {
    type X = T;
    type Z = T;
    type Y = T;

    #[inline(always)]
    fn fast<const FMA: bool>(x: T, y: T) -> (T, bool) {
        let quotient = x / y;
        let remainder = T::residue::<FMA>(quotient.trunc::<FMA>(), y, x);
        let exact = remainder == T::of(0.0);
        let over = !exact & !remainder.has_sign_of(x);
        let remainder = if over { if x.has_sign_of(y) { remainder + y } else { remainder - y } } else { remainder };
        (if exact { T::of(0.0).copysign(x) } else { remainder }, T::is_rare::<FMA>(x, y, quotient))
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: T, y: T) -> T {
        match Self::fast::<FMA>(x, y) {
            (value, false) => value,
            _ => T::fmod(x, y),
        }
    }
}

/// A rounded division of integers.
trait Rounding {
    /// The float quotient rounded as the division does.
    fn round<T: Float, const FMA: bool>(quotient: T) -> T;
    /// Whether that is down rather than towards zero.
    const DOWN: bool;
    /// Whether the value is the quotient or the remainder.
    const RESULT: bool;
}

/// The primitives of [`Op`], whose meaning [`crate::interp`] defines.
struct FloorDiv;
struct FloorMod;
struct TruncMod;

macro_rules! rounding {
    ($($op:ident $round:ident $down:literal $result:ident;)+) => {$(
        impl Rounding for $op {
            #[inline(always)]
            fn round<T: Float, const FMA: bool>(quotient: T) -> T {
                quotient.$round::<FMA>()
            }

            const DOWN: bool = $down;
            const RESULT: bool = $result;
        }
    )+};
}

rounding! {
    FloorDiv floor true QUOTIENT;
    FloorMod floor true REMAINDER;
    TruncMod trunc false REMAINDER;
}

/// A division of integers of the type T.
struct Integer<R, T>(R, T);

/// Types of which a float holds all values: no division is rare.
macro_rules! narrow {
    ($($type:ident $float:ident |$x:ident| $float_of:expr;)+) => {$(
        impl<R: Rounding> Binary for Integer<R, $type> {
            type X = $type;
            type Z = $type;
            type Y = $type;

            #[inline(always)]
            fn fast<const FMA: bool>(x: $type, y: $type) -> ($type, bool) {
                let float_of = |$x: $type| -> $float { $float_of };
                let rounded = R::round::<$float, FMA>(float_of(x) / float_of(y));
                // The smallest value over -1 is one more than the greatest, and wraps; what comes of
                // y = 0 is not used.
                let quotient = (rounded + $float::ROUND).to_bits() as $type;
                let value =
                    if R::RESULT == QUOTIENT { quotient } else { x.wrapping_sub(quotient.wrapping_mul(y)) };
                (if y == 0 { 0 } else { value }, false)
            }

            #[inline(always)]
            fn careful<const FMA: bool>(x: $type, y: $type) -> $type {
                Self::fast::<FMA>(x, y).0
            }
        }
    )+};
}

narrow! {
    i8 f32 |x| x as f32;
    i16 f32 |x| x as f32;
    i32 f64 |x| x as f64;
    u8 f32 |x| x as f32;
    u16 f32 |x| x as f32;
    u32 f64 |x| f64::from_bits(x as u64 | f64::WHOLE.to_bits()) - f64::WHOLE;
}

/// Types of 64 bits.
macro_rules! wide {
    ($($type:ident $offset:literal $bits:literal;)+) => {$(
        impl<R: Rounding> Binary for Integer<R, $type> {
            type X = $type;
            type Z = $type;
            type Y = $type;

            #[inline(always)]
            fn fast<const FMA: bool>(x: $type, y: $type) -> ($type, bool) {
                // What is added is not negative below, so that one shift finds greater magnitudes.
                let (offset_x, offset_y) = ((x as u64).wrapping_add($offset), (y as u64).wrapping_add($offset));
                let float_of =
                    |offset: u64| f64::from_bits(offset & !(!0 << 52) | f64::WHOLE.to_bits()) - ((1u64 << 52) + $offset) as f64;
                let (a, b) = (float_of(offset_x), float_of(offset_y));
                let rounded = R::round::<f64, FMA>(a / b);
                // The product is below 2^52, hence exact.
                let value = if R::RESULT == QUOTIENT { rounded } else { a - rounded * b };
                let value = ((value + f64::ROUND).to_bits().wrapping_sub(f64::ROUND.to_bits())) as $type;
                (if y == 0 { 0 } else { value }, (offset_x | offset_y) >> $bits != 0)
            }

            #[inline(always)]
            #[allow(unused_comparisons, reason = "one text for signed and unsigned types")]
            fn careful<const FMA: bool>(x: $type, y: $type) -> $type {
                if y == 0 {
                    return 0;
                }
                let (quotient, remainder) = (x.wrapping_div(y), x.wrapping_rem(y));
                let down = R::DOWN && remainder != 0 && (remainder < 0) != (y < 0);
                match R::RESULT {
                    QUOTIENT => quotient.wrapping_sub(down as $type),
                    REMAINDER => if down { remainder + y } else { remainder },
                }
            }
        }
    )+};
}

wide! {
    i64 0x8_0000_0000_0000u64 52;
    u64 0u64 51;
}

/// A division of integers at a level, which must be one that the machine has: `FloorDiv`, `FloorMod`
/// or `TruncMod` of an integer type.
pub fn integer(op: Op, dtype: DType) -> Option<Kernel> {
    fn of<R: Rounding>(dtype: DType) -> Option<Kernel> {
        Some(match dtype {
            DType::I8 => Kernel::binary::<Integer<R, i8>>(),
            DType::I16 => Kernel::binary::<Integer<R, i16>>(),
            DType::I32 => Kernel::binary::<Integer<R, i32>>(),
            DType::I64 => Kernel::binary::<Integer<R, i64>>(),
            DType::U8 => Kernel::binary::<Integer<R, u8>>(),
            DType::U16 => Kernel::binary::<Integer<R, u16>>(),
            DType::U32 => Kernel::binary::<Integer<R, u32>>(),
            DType::U64 => Kernel::binary::<Integer<R, u64>>(),
            _ => return None,
        })
    }
    match op {
        Op::FloorDiv => of::<FloorDiv>(dtype),
        Op::FloorMod => of::<FloorMod>(dtype),
        Op::TruncMod => of::<TruncMod>(dtype),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Element, Scalar};
    use crate::math::block::check::Random;

    /// Divisors, and dividends of which many are next to a multiple.
    fn floats(random: &mut Random) -> (f64, f64) {
        let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, 5e-324, f64::MIN_POSITIVE];
        let y = match random.bits() % 8 {
            0 => special[(random.bits() % 8) as usize],
            1 => (random.bits() % 100) as f64 - 50.0,
            _ => f64::from_bits(random.bits()),
        };
        let n = (random.bits() >> (10 + random.bits() % 54)) as f64;
        let x = match random.bits() % 8 {
            0 => special[(random.bits() % 8) as usize],
            1 => f64::from_bits(random.bits()),
            2 => -n * y,
            3 => y.next_down(),
            _ => f64::from_bits((n * y).to_bits().wrapping_add(random.bits() % 5).wrapping_sub(2)),
        };
        (x, y)
    }

    #[test]
    fn floats_have_the_bits_of_the_scalar_functions() {
        fn check<K: Binary<X = T, Z = T, Y = T>, T: Float + std::fmt::Debug>(x: T, y: T, scalar: fn(T, T) -> T) {
            let same = |a: T, b: T| a == b && a.has_sign_of(b) || a != a && b != b;
            let want = scalar(x, y);
            for value in [K::careful::<true>(x, y), K::careful::<false>(x, y)] {
                assert!(same(value, want), "{x:?} and {y:?}: {value:?}, not {want:?}");
            }
            for (value, rare) in [K::fast::<true>(x, y), K::fast::<false>(x, y)] {
                assert!(rare || same(value, want), "fast {x:?} and {y:?}: {value:?}, not {want:?}");
            }
        }
        let mut random = Random::new();
        for _ in 0..50_000 {
            let (x, y) = floats(&mut random);
            check::<Floor<f64, QUOTIENT>, f64>(x, y, Float::floor_div);
            check::<Floor<f64, REMAINDER>, f64>(x, y, Float::floor_mod);
            check::<Trunc<f64>, f64>(x, y, Float::fmod);
            let (x, y) = (x as f32, y as f32);
            check::<Floor<f32, QUOTIENT>, f32>(x, y, Float::floor_div);
            check::<Floor<f32, REMAINDER>, f32>(x, y, Float::floor_mod);
            check::<Trunc<f32>, f32>(x, y, Float::fmod);
        }
    }

    #[test]
    fn integers_are_divided_as_in_128_bits() {
        fn check<R: Rounding, T: Element + PartialEq + std::fmt::Debug>(op: Op, x: T, y: T)
        where
            Integer<R, T>: Binary<X = T, Z = T, Y = T>,
        {
            let (a, b) = (x.to_scalar().as_int(), y.to_scalar().as_int());
            let floor_mod = |a: i128, b: i128| (a % b + b) % b;
            let want = match op {
                _ if b == 0 => 0,
                Op::FloorDiv => (a - floor_mod(a, b)) / b,
                Op::FloorMod => floor_mod(a, b),
                _ => a % b,
            };
            let want = T::from_scalar(Scalar::int(T::DTYPE, want));
            for value in [Integer::<R, T>::careful::<true>(x, y), Integer::<R, T>::careful::<false>(x, y)] {
                assert!(value == want, "{op:?} of {x:?} and {y:?}: {value:?}, not {want:?}");
            }
            for (value, rare) in [Integer::<R, T>::fast::<true>(x, y), Integer::<R, T>::fast::<false>(x, y)] {
                assert!(rare || value == want, "{op:?} of {x:?} and {y:?}: {value:?}, not {want:?}");
            }
        }
        let mut random = Random::new();
        for _ in 0..20_000 {
            let mut draw = || match random.bits() % 8 {
                0 => [0, 1, u64::MAX, 1 << 63, 1 << 31, 1 << 15, 1 << 7, 1 << 51][(random.bits() % 8) as usize],
                1 => !(random.bits() >> (random.bits() % 64)),
                _ => random.bits() >> (random.bits() % 64),
            };
            let (mut x, y) = (draw(), draw());
            if y != 0 && x % 4 != 0 {
                // Next to a multiple.
                x = (x / y).wrapping_mul(y).wrapping_add(x % 3).wrapping_sub(1);
            }
            macro_rules! types {
                ($($type:ident)+) => {$(
                    check::<FloorDiv, $type>(Op::FloorDiv, x as $type, y as $type);
                    check::<FloorMod, $type>(Op::FloorMod, x as $type, y as $type);
                    check::<TruncMod, $type>(Op::TruncMod, x as $type, y as $type);
                )+};
            }
            types!(i8 i16 i32 i64 u8 u16 u32 u64);
        }
        assert!(integer(Op::FloorDiv, DType::F64).is_none() && integer(Op::Add, DType::I8).is_none());
        assert_eq!(Scalar::int(DType::I8, -128), Integer::<FloorDiv, i8>::careful::<false>(-128, -1).to_scalar());
    }
}
