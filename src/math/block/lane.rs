//! What kernels need of an element type: one source for float32 and float64.
//!
//! Everything here vectorises at every level: no 64-bit arithmetic shift and no conversion between
//! integers and floats, neither of which AVX2 has.

use crate::dtype::Element;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An element type of floating point.
pub(in crate::math) trait Lane:
    Element
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// `1.5 * 2**(digits - 1)`: a number of much smaller magnitude is rounded to an integer by
    /// adding this, and the integer is in the low bits of the sum.
    const ROUND: Self;
    /// `2**(digits - 1)`, from where on every number is an integer.
    const WHOLE: Self;
    /// The least normal number.
    const TINY: Self;
    /// `1 / TINY`.
    const TINY_INVERSE: Self;
    /// The greatest finite number.
    const MAX: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// `2**LIFT` makes a subnormal number normal; a multiple of 3.
    const LIFT: Self;
    /// `2**LIFT`.
    const LIFTED: Self;

    /// A constant, rounded.
    fn of(value: f64) -> Self;
    /// `self * b + c`: rounded once with `FMA`, else twice.
    fn madd<const FMA: bool>(self, b: Self, c: Self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The magnitude with the sign of another.
    fn copysign(self, sign: Self) -> Self;
    /// Whether the sign bit is set.
    fn is_negative(self) -> bool;
    /// The upper half of the digits: a product of two of these is exact.
    fn half(self) -> Self;
    /// `self * 2**k` for the integer `k = shift - ROUND`, where both are normal numbers.
    fn scale(self, shift: Self) -> Self;
    /// `k` and `m` with `self = m * 2**k` and `m` in `[sqrt(1/2), sqrt(2))`, of a positive normal
    /// number.
    fn split(self) -> (Self, Self);

    /// Whether it is not a number.
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }
    /// Rounded to an integer, ties to even; for magnitudes that are far below `ROUND`.
    #[inline(always)]
    fn round(self) -> Self {
        (self + Self::ROUND) - Self::ROUND
    }
    /// `2**k` of an integer, where that is a normal number.
    #[inline(always)]
    fn pow2(k: Self) -> Self {
        Self::of(1.0).scale(k + Self::ROUND)
    }
    /// `self * 2**k`, rounded once, for the integer `k = shift - ROUND`, where `self` is in `[1/2, 2]`
    /// and `k` at most one binary order beyond the exponents of the type.
    #[inline(always)]
    fn scale_far(self, shift: Self) -> Self {
        let k = shift - Self::ROUND;
        let near = (k * Self::of(0.5)).round();
        self.scale(near + Self::ROUND) * Self::pow2(k - near)
    }
}

macro_rules! lane {
    ($float:ident $bits:ident $mantissa:literal $half:literal $sqrt_half:literal $lift:literal) => {
        impl Lane for $float {
            const ROUND: $float = 1.5 * Self::WHOLE;
            const WHOLE: $float = (1u64 << $mantissa) as $float;
            const TINY: $float = $float::MIN_POSITIVE;
            const TINY_INVERSE: $float = 1.0 / $float::MIN_POSITIVE;
            const MAX: $float = $float::MAX;
            const INFINITY: $float = $float::INFINITY;
            const NAN: $float = $float::NAN;
            const LIFT: $float = $lift as $float;
            const LIFTED: $float = (1u64 << $lift) as $float;

            #[inline(always)]
            fn of(value: f64) -> $float {
                value as $float
            }
            #[inline(always)]
            fn madd<const FMA: bool>(self, b: $float, c: $float) -> $float {
                if FMA { self.mul_add(b, c) } else { self * b + c }
            }
            #[inline(always)]
            fn abs(self) -> $float {
                $float::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> $float {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn copysign(self, sign: $float) -> $float {
                $float::copysign(self, sign)
            }
            #[inline(always)]
            fn is_negative(self) -> bool {
                self.is_sign_negative()
            }
            #[inline(always)]
            fn half(self) -> $float {
                $float::from_bits(self.to_bits() & ($bits::MAX << $half))
            }
            #[inline(always)]
            fn scale(self, shift: $float) -> $float {
                $float::from_bits(self.to_bits().wrapping_add(shift.to_bits() << $mantissa))
            }
            #[inline(always)]
            fn split(self) -> ($float, $float) {
                const ONE: $bits = (1 as $float).to_bits();
                const WHOLE: $float = <$float as Lane>::WHOLE;
                const BIAS: $float = (ONE >> $mantissa) as $float;
                let bits = self.to_bits().wrapping_add(ONE - $sqrt_half);
                let k = $float::from_bits(bits >> $mantissa | WHOLE.to_bits()) - (WHOLE + BIAS);
                (k, $float::from_bits((bits & ((1 << $mantissa) - 1)) + $sqrt_half))
            }
        }
    };
}

lane!(f32 u32 23 12 0x3f35_04f3 24);
lane!(f64 u64 52 27 0x3fe6_a09e_667f_3bcd 54);

/// The polynomial with the given coefficients, at most 32, the constant's first. Neighbours are put
/// together in pairs, and these again (Estrin's scheme): what limits a kernel is mostly latency.
#[inline(always)]
pub(in crate::math) fn polynomial<T: Lane, const FMA: bool>(x: T, coefficients: &[T]) -> T {
    let mut terms = [T::of(0.0); 32];
    let mut count = coefficients.len();
    terms[..count].copy_from_slice(coefficients);
    let mut power = x;
    while count > 1 {
        let pairs = count / 2;
        for i in 0..pairs {
            terms[i] = terms[2 * i + 1].madd::<FMA>(power, terms[2 * i]);
        }
        if count % 2 == 1 {
            terms[pairs] = terms[count - 1];
        }
        count -= pairs;
        power = power * power;
    }
    terms[0]
}

/// `a + b` rounded, and the error of that, for `a` zero or of at least the magnitude of `b` (Dekker).
#[inline(always)]
pub(in crate::math) fn sum<T: Lane>(a: T, b: T) -> (T, T) {
    let high = a + b;
    (high, (a - high) + b)
}

/// `a + b` rounded, and the error of that (Knuth).
#[inline(always)]
pub(in crate::math) fn any_sum<T: Lane>(a: T, b: T) -> (T, T) {
    let high = a + b;
    let part = high - a;
    (high, (a - (high - part)) + (b - part))
}

/// `a * b` rounded, and the error of that: exact with `FMA`, else (Dekker) to the last bit of twice
/// the digits.
#[inline(always)]
pub(in crate::math) fn product<T: Lane, const FMA: bool>(a: T, b: T) -> (T, T) {
    let high = a * b;
    if FMA {
        (high, a.madd::<FMA>(b, -high))
    } else {
        let (a1, b1) = (a.half(), b.half());
        let (a2, b2) = (a - a1, b - b1);
        (high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2)
    }
}
