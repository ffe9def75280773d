//! What the tests of kernels share.

use super::dispatch::{Binary, Unary};
use super::lane::Lane;

/// A small generator of random numbers (SplitMix64), from `NUMFUSE_SEED` or a fixed seed, which it prints.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Random {
        let seed = std::env::var("NUMFUSE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_240_611);
        println!("NUMFUSE_SEED={seed}");
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Of any magnitude up to `bound`, small ones as likely as large ones.
    pub(super) fn up_to(&mut self, bound: f64) -> f64 {
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        let value = match self.bits() % 3 {
            0 => unit * bound,
            1 => unit * bound.min(1.0),
            _ => bound * (-90.0 * unit).exp2(),
        };
        if self.bits() & 1 == 0 { value } else { -value }
    }
}

/// Bits that are equal for all numbers that are none.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// Every argument must have exactly the value beside it, with and without fused multiply-add.
pub(super) fn exact<K: Unary<X = T, Y = T>, T: Lane + Into<f64>>(cases: &[(f64, f64)]) {
    for (x, expected) in cases {
        for careful in [K::careful::<false>, K::careful::<true>] {
            let got = careful(T::of(*x)).into();
            assert_eq!(bits(got), bits(T::of(*expected).into()), "{got} of {x}, not {expected}");
        }
        let fast = [K::fast::<false>(T::of(*x)), K::fast::<true>(T::of(*x))];
        assert!(
            fast.iter().all(|(y, rare)| *rare || bits((*y).into()) == bits(T::of(*expected).into())),
            "fast of {x}"
        );
    }
}

/// The same of two arguments.
pub(super) fn exact2<K: Binary<X = T, Z = T, Y = T>, T: Lane + Into<f64>>(cases: &[(f64, f64, f64)]) {
    for (x, z, expected) in cases {
        for careful in [K::careful::<false>, K::careful::<true>] {
            let got = careful(T::of(*x), T::of(*z)).into();
            assert_eq!(bits(got), bits(T::of(*expected).into()), "{got} of {x} and {z}, not {expected}");
        }
        let fast = [K::fast::<false>(T::of(*x), T::of(*z)), K::fast::<true>(T::of(*x), T::of(*z))];
        let is_equal = |y: T| bits(y.into()) == bits(T::of(*expected).into());
        assert!(fast.iter().all(|(y, rare)| *rare || is_equal(*y)), "fast of {x} and {z}");
    }
}

/// `got` must be within some units in the last place of what float64 gives.
fn near<T: Lane + Into<f64>>(got: T, expected: f64, ulps: f64, x: &dyn std::fmt::Debug) {
    let unit = 1.0 / T::WHOLE.into();
    let got: f64 = got.into();
    let is_same = bits(got) == bits(T::of(expected).into());
    let tiny: f64 = T::TINY.into();
    let scale = unit * expected.abs().max(tiny).log2().floor().exp2();
    let is_near = (got - expected).abs() <= ulps * scale;
    assert!(is_same || is_near, "{got} of {x:?}, not {expected}");
}

/// Fast and careful values agree, and are near to those of a reference in float64.
pub(super) fn agrees<K: Unary<X = T, Y = T>, T: Lane + Into<f64>>(bound: f64, reference: fn(f64) -> f64) {
    let mut random = Random::new();
    for _ in 0..30_000 {
        let x = T::of(random.up_to(bound));
        let pairs = [(K::fast::<false>(x), K::careful::<false>(x)), (K::fast::<true>(x), K::careful::<true>(x))];
        for ((fast, rare), careful) in pairs {
            assert!(rare || bits(fast.into()) == bits(careful.into()), "fast of {}", x.into());
            near(careful, reference(x.into()), 2.0, &x.into());
        }
    }
}

/// The same of two arguments, each with its bound.
pub(super) fn agrees2<K: Binary<X = T, Z = T, Y = T>, T: Lane + Into<f64>>(
    bounds: (f64, f64),
    reference: fn(f64, f64) -> f64,
) {
    let mut random = Random::new();
    for _ in 0..30_000 {
        let (x, z) = (T::of(random.up_to(bounds.0)), T::of(random.up_to(bounds.1)));
        let pairs =
            [(K::fast::<false>(x, z), K::careful::<false>(x, z)), (K::fast::<true>(x, z), K::careful::<true>(x, z))];
        for ((fast, rare), careful) in pairs {
            assert!(rare || bits(fast.into()) == bits(careful.into()), "fast of {} and {}", x.into(), z.into());
            near(careful, reference(x.into(), z.into()), 2.0, &(x.into(), z.into()));
        }
    }
}
