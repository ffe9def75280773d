//! Numbers as the sum of a number and a small one, which holds what rounding took from it: steps of
//! arithmetic beyond those in [`lane`](super::lane), in float64.

use super::lane::{self, Lane};

/// `c - a * b`, rounded once or nearly so: exact where the result is representable.
#[inline(always)]
pub(in crate::math) fn minus_product<const FMA: bool>(c: f64, a: f64, b: f64) -> f64 {
    if FMA {
        (-a).madd::<FMA>(b, c)
    } else {
        let (high, low) = lane::product::<f64, FMA>(a, b);
        (c - high) - low
    }
}

/// The quotient of two such sums, as another.
#[inline(always)]
pub(in crate::math) fn quotient<const FMA: bool>(numerator: (f64, f64), denominator: (f64, f64)) -> (f64, f64) {
    let reciprocal = 1.0 / denominator.0;
    let rough = numerator.0 * reciprocal;
    let rest = minus_product::<FMA>(numerator.0, rough, denominator.0);
    let rest = rest + (-rough).madd::<FMA>(denominator.1, numerator.1);
    (rough, rest * reciprocal)
}

/// A number, negated where the highest bit of `sign` is set.
#[inline(always)]
pub(in crate::math) fn flip(x: f64, sign: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ (sign & 1 << 63))
}

/// One number where the bits are ones, another where they are zeros.
#[inline(always)]
pub(in crate::math) fn either(bits: u64, ones: f64, zeros: f64) -> f64 {
    f64::from_bits(bits & ones.to_bits() | !bits & zeros.to_bits())
}
