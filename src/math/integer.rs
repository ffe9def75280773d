//! Integer functions that have no primitive, one element at a time.

use crate::dtype::Element;

/// An integer type's arithmetic, as the functions below need it.
pub(super) trait Integer: Element {
    fn pow(self, exponent: Self) -> Self;
    fn gcd(self, other: Self) -> Self;
    fn lcm(self, other: Self) -> Self;
    fn reciprocal(self) -> Self;
    fn ones(self) -> u8;
}

macro_rules! integers {
    ($($type:ident $unsigned:ident $signed:literal;)+) => {$(
        impl Integer for $type {
            /// Wraps; a negative exponent is the caller's error.
            fn pow(self, exponent: Self) -> Self {
                let (mut base, mut exponent, mut result) = (self, exponent, 1);
                while exponent > 0 {
                    if exponent & 1 != 0 {
                        result = <$type>::wrapping_mul(result, base);
                    }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                result
            }

            /// Euclid's algorithm on the magnitudes.
            #[allow(unused_comparisons, reason = "one text for signed and unsigned types")]
            fn gcd(self, other: Self) -> Self {
                let magnitude = |x: $type| if x < 0 { (x as $unsigned).wrapping_neg() } else { x as $unsigned };
                let (mut a, mut b) = (magnitude(self), magnitude(other));
                while a != 0 {
                    (a, b) = (b % a, a);
                }
                b as $type
            }

            #[allow(unused_comparisons, reason = "one text for signed and unsigned types")]
            fn lcm(self, other: Self) -> Self {
                let magnitude = |x: $type| if x < 0 { (x as $unsigned).wrapping_neg() } else { x as $unsigned };
                let gcd = self.gcd(other) as $unsigned;
                if gcd == 0 { 0 } else { (magnitude(self) / gcd).wrapping_mul(magnitude(other)) as $type }
            }

            /// NumPy casts the float64 `1 / x`: of zero that is an infinity, whose cast a C compiler
            /// on x86-64 gives the smallest value of int32 and int64, and 0 of the others.
            fn reciprocal(self) -> Self {
                match self {
                    0 if $signed && size_of::<$type>() >= 4 => <$type>::MIN,
                    0 => 0,
                    _ => (1 as $type).wrapping_div(self),
                }
            }

            #[allow(unused_comparisons, reason = "one text for signed and unsigned types")]
            fn ones(self) -> u8 {
                (if self < 0 { (self as $unsigned).wrapping_neg() } else { self as $unsigned }).count_ones() as u8
            }
        }
    )+};
}

integers! {
    i8 u8 true; i16 u16 true; i32 u32 true; i64 u64 true;
    u8 u8 false; u16 u16 false; u32 u32 false; u64 u64 false;
}
