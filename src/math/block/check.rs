//! What the tests of kernels share: exact values, and agreement with references at random arguments.

use std::ops::Range;

use super::dispatch::{Binary, Unary};
use super::lane::Lane;
use crate::dtype::{Element, Scalar};

#[path = "../../../tests/common/random.rs"]
mod random;
pub(super) use random::Random;

/// Random arguments for each check.
const COUNT: usize = 20_000;

/// A type that is computed in float64 for comparison.
pub(super) trait Real: Lane + Into<f64> {}
impl Real for f32 {}
impl Real for f64 {}

/// Bits that are equal for all numbers that are none.
fn bits<T: Into<f64>>(value: T) -> u64 {
    let value = value.into();
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// A number from the range: evenly, or from its part within one, or of any magnitude.
fn number<T: Real>(random: &mut Random, range: &Range<f64>) -> T {
    let any = T::from_scalar(Scalar { dtype: T::DTYPE, bits: random.bits() >> (64 - T::DTYPE.bits()) });
    match random.below(3) {
        0 if range.contains(&any.into()) => any,
        1 => T::of(random.uniform(range.start.max(-1.0), range.end.min(1.0))),
        _ => T::of(range.start + (range.end / 2.0 - range.start / 2.0) * random.uniform(0.0, 2.0)),
    }
}

/// That a result is within units in the last place of what a reference has in float64. Its own error
/// of half a unit, which counts where the results are float64, comes on top.
fn assert_near<T: Real>(got: T, expected: f64, ulps: f64, at: &dyn Fn() -> String) {
    let power = f64::from_bits(expected.abs().max(T::TINY.into()).to_bits() & f64::INFINITY.to_bits());
    let unit = power / T::WHOLE.into();
    let ulps = if T::DTYPE == f64::DTYPE { ulps + 0.5 } else { ulps };
    let is_near = expected.is_finite() && (got.into() - expected).abs() <= ulps * unit;
    let is_same = bits(got) == bits(T::of(expected));
    assert!(is_same || is_near, "{:e} {}, not {expected:e}", got.into(), at());
}

/// That a kernel has a value at an argument, bit for bit but for NaN, with and without fused
/// multiply-add.
pub(super) fn same<K: Unary<X = T, Y = T>, T: Real>(x: f64, expected: f64) {
    let (x, expected) = (T::of(x), T::of(expected));
    for got in [K::careful::<false>(x), K::careful::<true>(x)] {
        assert!(bits(got) == bits(expected), "{:e} of {:e}, not {:e}", got.into(), x.into(), expected.into());
    }
    for (got, rare) in [K::fast::<false>(x), K::fast::<true>(x)] {
        let right = rare || bits(got) == bits(expected);
        assert!(right, "fast {:e} of {:e}, not {:e}", got.into(), x.into(), expected.into());
    }
}

/// The same of two arguments.
pub(super) fn same_of_two<K: Binary<X = T, Z = T, Y = T>, T: Real>(x: f64, z: f64, expected: f64) {
    let (x, z, expected) = (T::of(x), T::of(z), T::of(expected));
    let at = || format!("of {:e} and {:e}, not {:e}", x.into(), z.into(), expected.into());
    for got in [K::careful::<false>(x, z), K::careful::<true>(x, z)] {
        assert!(bits(got) == bits(expected), "{:e} {}", got.into(), at());
    }
    for (got, rare) in [K::fast::<false>(x, z), K::fast::<true>(x, z)] {
        assert!(rare || bits(got) == bits(expected), "fast {:e} {}", got.into(), at());
    }
}

/// [`same`] of many arguments and values.
pub(super) fn exact<K: Unary<X = T, Y = T>, T: Real>(cases: &[(f64, f64)]) {
    cases.iter().for_each(|(x, expected)| same::<K, T>(*x, *expected));
}

/// [`same_of_two`] of many arguments and values.
pub(super) fn exact_of_two<K: Binary<X = T, Z = T, Y = T>, T: Real>(cases: &[(f64, f64, f64)]) {
    cases.iter().for_each(|(x, z, expected)| same_of_two::<K, T>(*x, *z, *expected));
}

/// That a kernel is near a reference at an argument, with and without fused multiply-add, and that its
/// two ways agree.
pub(super) fn near_at<K: Unary<X = T, Y = T>, T: Real>(x: T, reference: fn(f64) -> f64, ulps: f64) {
    let expected = reference(x.into());
    let at = || format!("of {:e}", x.into());
    let ways = [(K::careful::<false>(x), K::fast::<false>(x)), (K::careful::<true>(x), K::fast::<true>(x))];
    for (careful, (fast, rare)) in ways {
        assert_near(careful, expected, ulps, &at);
        assert!(rare || bits(fast) == bits(careful), "fast {:e} and {:e} {}", fast.into(), careful.into(), at());
    }
}

/// The same at random arguments of a range.
pub(super) fn near<K: Unary<X = T, Y = T>, T: Real>(reference: fn(f64) -> f64, range: Range<f64>, ulps: f64) {
    let mut random = Random::new();
    for _ in 0..COUNT {
        near_at::<K, T>(number(&mut random, &range), reference, ulps);
    }
}

/// The same of two arguments, each of its range.
pub(super) fn near_of_two<K: Binary<X = T, Z = T, Y = T>, T: Real>(
    reference: fn(f64, f64) -> f64,
    ranges: [Range<f64>; 2],
    ulps: f64,
) {
    let mut random = Random::new();
    for _ in 0..COUNT {
        let [x, z] = [0, 1].map(|k| number::<T>(&mut random, &ranges[k]));
        let expected = reference(x.into(), z.into());
        let at = || format!("of {:e} and {:e}", x.into(), z.into());
        let ways =
            [(K::careful::<false>(x, z), K::fast::<false>(x, z)), (K::careful::<true>(x, z), K::fast::<true>(x, z))];
        for (careful, (fast, rare)) in ways {
            assert_near(careful, expected, ulps, &at);
            assert!(rare || bits(fast) == bits(careful), "fast {:e} and {:e} {}", fast.into(), careful.into(), at());
        }
    }
}
