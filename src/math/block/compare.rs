//! What the tests of kernels share: random arguments, by a seed that failures name.

use std::ops::Range;

use super::dispatch::{Binary, Unary};

/// The random numbers' seed.
const SEED: u64 = 20_260_101;
/// Arguments for each check.
const COUNT: usize = 5_000;

/// Sebastiano Vigna's SplitMix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any number: evenly from the range, or any pattern of bits.
    fn number(&mut self, range: &Range<f64>) -> f64 {
        let bits = self.bits();
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        if bits & 1 == 0 { f64::from_bits(self.bits()) } else { range.start + unit * (range.end - range.start) }
    }
}

/// That two numbers are NaN, or equal up to units in the last place, those of a float64. Those of
/// the rounded expected value, which is why there is half a unit more.
pub(super) fn near(got: f64, expected: f64, ulps: f64, at: f64) {
    let unit = expected.abs().next_up() - expected.abs();
    let apart = (got - expected).abs() / unit;
    let right = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan() || apart <= ulps + 0.5;
    assert!(right, "at {at:e}: {got:e} for {expected:e}, {apart} ULP, seed {SEED}");
}

fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// That a kernel has a value at an argument, bit for bit but for NaN.
pub(super) fn same<K: Unary<X = f64, Y = f64>>(x: f64, expected: f64) {
    for got in [K::careful::<true>(x), K::careful::<false>(x)] {
        assert!(same_bits(got, expected), "at {x:e}: {got:e} for {expected:e}");
    }
}

/// The same of two arguments.
pub(super) fn same_of_two<K: Binary<X = f64, Z = f64, Y = f64>>(x: f64, z: f64, expected: f64) {
    for got in [K::careful::<true>(x, z), K::careful::<false>(x, z)] {
        assert!(same_bits(got, expected), "at ({x:e}, {z:e}): {got:e} for {expected:e}");
    }
}

/// That a kernel over float64 is near a reference, with and without fused multiply-adds, and that
/// its two ways agree.
pub(super) fn double<K: Unary<X = f64, Y = f64>>(reference: fn(f64) -> f64, range: Range<f64>, ulps: f64) {
    fn at<K: Unary<X = f64, Y = f64>, const FMA: bool>(x: f64, expected: f64, ulps: f64) {
        let (careful, (fast, rare)) = (K::careful::<FMA>(x), K::fast::<FMA>(x));
        near(careful, expected, ulps, x);
        assert!(rare || same_bits(fast, careful), "at {x:e}: {fast:e} and {careful:e}");
    }
    let mut random = Random(SEED);
    for _ in 0..COUNT {
        let x = random.number(&range);
        at::<K, true>(x, reference(x), ulps);
        at::<K, false>(x, reference(x), ulps);
    }
}

/// The same over float32, with a reference over float64.
pub(super) fn single<K: Unary<X = f32, Y = f32>>(reference: fn(f64) -> f64, range: Range<f64>, ulps: f64) {
    fn at<K: Unary<X = f32, Y = f32>, const FMA: bool>(x: f32, expected: f64, ulps: f64) {
        let (careful, (fast, rare)) = (K::careful::<FMA>(x), K::fast::<FMA>(x));
        let rounded = expected as f32;
        let unit = f64::from(rounded.abs().next_up()) - f64::from(rounded.abs());
        let apart = (f64::from(careful) - expected).abs() / unit;
        let right = careful.to_bits() == rounded.to_bits() || careful.is_nan() && rounded.is_nan() || apart <= ulps;
        assert!(right, "at {x:e}: {careful:e} for {expected:e}, {apart} ULP, seed {SEED}");
        assert!(rare || same_bits(fast.into(), careful.into()), "at {x:e}: {fast:e} and {careful:e}");
    }
    let mut random = Random(SEED);
    for _ in 0..COUNT {
        // Of the bits of a float64 half would overflow float32.
        let number = random.number(&range);
        let x = if range.contains(&number) { number as f32 } else { f32::from_bits(number.to_bits() as u32) };
        at::<K, true>(x, reference(x.into()), ulps);
        at::<K, false>(x, reference(x.into()), ulps);
    }
}

/// The same of two float64s, each from the range or of any bits.
pub(super) fn double_of_two<K: Binary<X = f64, Z = f64, Y = f64>>(
    reference: fn(f64, f64) -> f64,
    range: Range<f64>,
    ulps: f64,
) {
    fn at<K: Binary<X = f64, Z = f64, Y = f64>, const FMA: bool>(x: f64, z: f64, expected: f64, ulps: f64) {
        let (careful, (fast, rare)) = (K::careful::<FMA>(x, z), K::fast::<FMA>(x, z));
        near(careful, expected, ulps, x);
        assert!(rare || same_bits(fast, careful), "at ({x:e}, {z:e}): {fast:e} and {careful:e}");
    }
    let mut random = Random(SEED);
    for _ in 0..COUNT {
        let (x, z) = (random.number(&range), random.number(&range));
        at::<K, true>(x, z, reference(x, z), ulps);
        at::<K, false>(x, z, reference(x, z), ulps);
    }
}
