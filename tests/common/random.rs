//! Random numbers for tests.
#![allow(dead_code, reason = "each test uses its part")]

/// SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// From `NUMFUSE_SEED`, which is a number, or `new` for a fresh one; without it the same for every
    /// run, so that a change is judged by itself. The seed is printed.
    pub(crate) fn new() -> Random {
        let seed = match std::env::var("NUMFUSE_SEED") {
            Ok(text) if text == "new" => std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64),
            Ok(text) => text.parse().expect("NUMFUSE_SEED is a number or `new`"),
            Err(_) => 20_240_611,
        };
        println!("NUMFUSE_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.bits() % 100 < percent
    }

    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }

    pub(crate) fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        self.choose(from).clone()
    }
}
