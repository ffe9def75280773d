//! Elementary functions to about a hundred bits: numbers as unevaluated sums of two float64
//! (Dekker, Numerische Mathematik 18, 1971), and series. Slow and simple.

use numfuse::math::block::trig::TWO_OVER_PI;
use std::f64::consts;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `high + low`, where low is at most half of high's last place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair(pub f64, pub f64);

/// A number times a power of two, for what is outside of float64's range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled(pub Pair, pub i32);

pub(crate) const PI: Pair = Pair(consts::PI, 1.2246467991473532e-16);
pub(crate) const HALF_PI: Pair = Pair(consts::FRAC_PI_2, 6.123233995736766e-17);
pub(crate) const LN_2: Pair = Pair(consts::LN_2, 2.3190468138462996e-17);
const LN_2_REST: f64 = 5.707708438416212e-34;
pub(crate) const LOG2_E: Pair = Pair(consts::LOG2_E, 2.0355273740931033e-17);
pub(crate) const LN_10: Pair = Pair(consts::LN_10, -2.1707562233822494e-16);
pub(crate) const LOG10_E: Pair = Pair(consts::LOG10_E, 1.098319650216765e-17);
pub(crate) const TWO_OVER_ROOT_PI: Pair = Pair(consts::FRAC_2_SQRT_PI, 1.533545961316588e-17);
pub(crate) const SQRT_2: Pair = Pair(consts::SQRT_2, -9.667293313452913e-17);
const ZERO: Pair = Pair(0.0, 0.0);
const ONE: Pair = Pair(1.0, 0.0);

fn sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    let from_b = high - a;
    Pair(high, (a - (high - from_b)) + (b - from_b))
}

fn normal(high: f64, low: f64) -> Pair {
    let top = high + low;
    Pair(top, (high - top) + low)
}

impl From<f64> for Pair {
    fn from(x: f64) -> Pair {
        Pair(x, 0.0)
    }
}

impl Add for Pair {
    type Output = Pair;
    fn add(self, other: Pair) -> Pair {
        let (high, low) = (sum(self.0, other.0), sum(self.1, other.1));
        let first = normal(high.0, high.1 + low.0);
        normal(first.0, first.1 + low.1)
    }
}

impl Neg for Pair {
    type Output = Pair;
    fn neg(self) -> Pair {
        Pair(-self.0, -self.1)
    }
}

impl Sub for Pair {
    type Output = Pair;
    fn sub(self, other: Pair) -> Pair {
        self + -other
    }
}

impl Mul for Pair {
    type Output = Pair;
    fn mul(self, other: Pair) -> Pair {
        let high = self.0 * other.0;
        let low = self.0.mul_add(other.0, -high);
        normal(high, low + (self.0 * other.1 + self.1 * other.0))
    }
}

impl Div for Pair {
    type Output = Pair;
    fn div(self, other: Pair) -> Pair {
        let first = self.0 / other.0;
        let rest = self - other * first.into();
        let second = rest.0 / other.0;
        let rest = rest - other * second.into();
        normal(first, second) + (rest.0 / other.0).into()
    }
}

/// `x * 2**k` for a result that float64 holds, perhaps rounded once at its end.
pub(crate) fn ldexp(mut x: f64, mut k: i32) -> f64 {
    while k > 1000 {
        (x, k) = (x * 2f64.powi(1000), k - 1000);
        if x.is_infinite() {
            return x;
        }
    }
    while k < -960 {
        // Far below the end nothing is rounded twice.
        let step = if k < -1900 { 900 } else { -k / 2 };
        (x, k) = (x * 2f64.powi(-step), k + step);
        if x == 0.0 {
            return x;
        }
    }
    x * 2f64.powi(k)
}

/// The exponent: `2**e <= |x| < 2**(e + 1)`.
pub(crate) fn exponent(x: f64) -> i32 {
    if x.abs() < f64::MIN_POSITIVE {
        return exponent(x * 2f64.powi(64)) - 64;
    }
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

impl Pair {
    /// Times a power of two.
    pub(crate) fn scale(self, k: i32) -> Pair {
        Pair(ldexp(self.0, k), ldexp(self.1, k))
    }

    pub(crate) fn sqrt(self) -> Pair {
        if self.0 == 0.0 {
            return self;
        }
        let first = self.0.sqrt();
        let first = normal(first, (self - Pair::from(first) * first.into()).0 / (2.0 * first));
        first + ((self - first * first).0 / (2.0 * first.0)).into()
    }

    /// `exp(x) - 1` by a short series and doubling.
    pub(crate) fn expm1(self) -> Pair {
        let r = self.scale(-9);
        let mut term = r;
        let mut total = r;
        for n in 2..12 {
            term = term * r / f64::from(n).into();
            total = total + term;
        }
        for _ in 0..9 {
            total = total * (total + 2.0.into());
        }
        total
    }

    /// `exp(x)`.
    pub(crate) fn exp(self) -> Scaled {
        let k = (self.0 / LN_2.0).round_ties_even().clamp(-1e5, 1e5);
        let factor = Pair::from(k);
        let r = self - factor * LN_2 - (k * LN_2_REST).into();
        let r = if r.0.abs() > 1.0 { ZERO } else { r };
        Scaled(r.expm1() + ONE, k as i32)
    }

    /// `log(1 + x)` for x from `√½ - 1` to `√2 - 1` by the series of the inverse hyperbolic tangent.
    fn log1p_series(self) -> Pair {
        let s = self / (self + 2.0.into());
        let square = s * s;
        let mut total = ZERO;
        for n in (0..24).rev() {
            total = total * square + ONE / f64::from(2 * n + 1).into();
        }
        total * s * 2.0.into()
    }

    /// `log(x)`.
    pub(crate) fn log(self) -> Pair {
        let mut k = exponent(self.0);
        let mut m = Pair(ldexp(self.0, -k), ldexp(self.1, -k));
        if m.0 > std::f64::consts::SQRT_2 {
            (m, k) = (m.scale(-1), k + 1);
        }
        (m - ONE).log1p_series() + Pair::from(f64::from(k)) * LN_2 + (f64::from(k) * LN_2_REST).into()
    }

    /// `log(1 + x)`.
    pub(crate) fn log1p(self) -> Pair {
        if self.0.abs() < 0.25 { self.log1p_series() } else { (self + ONE).log() }
    }

    /// Sine and cosine for magnitudes to about 1.
    fn sin_cos_series(self) -> (Pair, Pair) {
        let square = self * self;
        let (mut sin, mut cos) = (ONE, ONE);
        for n in (1..16).rev() {
            let n = f64::from(2 * n);
            sin = ONE - sin * square / (n * (n + 1.0)).into();
            cos = ONE - cos * square / (n * (n - 1.0)).into();
        }
        (sin * self, cos)
    }

    fn quadrants(self, quadrant: u64) -> (Pair, Pair) {
        let (sin, cos) = self.sin_cos_series();
        match quadrant % 4 {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        }
    }

    /// The angle of the point (x, y), whose coordinates are about 1 or less.
    pub(crate) fn atan2(y: Pair, x: Pair) -> Pair {
        let first = y.0.atan2(x.0);
        // The multiple of π/2 is taken off, so that the series are short.
        let quadrant = (first / HALF_PI.0).round_ties_even();
        let (x, y) = match quadrant as i32 {
            0 => (x, y),
            1 => (y, -x),
            -1 => (-y, x),
            _ => (-x, -y),
        };
        let rest = y.0.atan2(x.0);
        let (sin, cos) = Pair::from(rest).sin_cos_series();
        let d = (y * cos - x * sin) / (x * cos + y * sin);
        Pair::from(quadrant) * HALF_PI + (Pair::from(rest) + (d - d * d * d / 3.0.into()))
    }

    /// `erf(x)` for magnitudes to 7, by a series of terms of one sign.
    pub(crate) fn erf(self) -> Pair {
        let square = self * self;
        let mut term = self;
        let mut total = self;
        let mut n = 1.0;
        while term.0.abs() > 1e-34 * total.0.abs() {
            term = term * square * 2.0.into() / (2.0 * n + 1.0).into();
            total = total + term;
            n += 1.0;
        }
        let Scaled(exp, k) = (-square).exp();
        (total * exp * TWO_OVER_ROOT_PI).scale(k)
    }

    /// `exp(x²) erfc(x)` for x above 2, by the continued fraction.
    pub(crate) fn erfcx_tail(self) -> Pair {
        let terms = (545.0 / (self.0 * self.0)) as i32 + 12;
        let mut fraction = ZERO;
        for n in (1..=terms).rev() {
            fraction = Pair::from(f64::from(n) / 2.0) / (self + fraction);
        }
        TWO_OVER_ROOT_PI.scale(-1) / (self + fraction)
    }

    /// `erfc(x)` for x above 2.
    pub(crate) fn erfc_tail(self) -> Scaled {
        let Scaled(exp, k) = (-(self * self)).exp();
        Scaled(exp * self.erfcx_tail(), k)
    }
}

/// Sine and cosine: the multiple of π/2 is taken off in integers.
pub(crate) fn sin_cos(x: f64) -> (Pair, Pair) {
    if x.abs() < 0.75 {
        return Pair::from(x).sin_cos_series();
    }
    const WORDS: usize = 6;
    let e = exponent(x) - 52;
    let m = (x.to_bits() & ((1 << 52) - 1)) | 1 << 52;
    // x is m * 2^e. Bits of 2/π whose product with it is a multiple of 4 are left out.
    let skip = (e - 2).max(0) as usize;
    let word = |n: usize| TWO_OVER_PI.get(n + 1).copied().unwrap_or(0);
    let window = |n: usize| {
        let (from, shift) = (skip / 64 + n, skip % 64);
        word(from) << shift | word(from + 1).checked_shr(64 - shift as u32).unwrap_or(0)
    };
    // The product, the lowest word first; then shifted so that 384 bits are its value modulo 4.
    let mut product = [0u64; WORDS + 2];
    let mut carry = 0u128;
    for (n, word) in product.iter_mut().take(WORDS).enumerate() {
        carry += u128::from(m) * u128::from(window(WORDS - 1 - n));
        *word = carry as u64;
        carry >>= 64;
    }
    product[WORDS] = carry as u64;
    let shift = (2 - e).max(0) as u32;
    let mut turn: Vec<u64> = (0..WORDS)
        .map(|n| (product[n] >> (shift % 64)) | product[n + 1].checked_shl(64 - shift).unwrap_or(0))
        .collect();
    // The nearest multiple of π/2 is the quadrant; what is left is a fraction of either sign.
    let top = turn[WORDS - 1];
    let quadrant = top.wrapping_add(1 << 61) >> 62;
    turn[WORDS - 1] = top.wrapping_sub(quadrant << 62);
    let is_negative = turn[WORDS - 1] >> 63 == 1;
    if is_negative {
        let mut carry = true;
        for word in &mut turn {
            let (value, over) = (!*word).overflowing_add(u64::from(carry));
            (*word, carry) = (value, over);
        }
    }
    // 32 bits at a time: every sum is exact until it no longer matters.
    let mut fraction = ZERO;
    for (n, word) in turn.iter().rev().enumerate() {
        for (half, value) in [word >> 32, word & 0xffff_ffff].into_iter().enumerate() {
            let place = 2 - 32 * (2 * n + half + 1) as i32;
            fraction = fraction + (value as f64 * 2f64.powi(place)).into();
        }
    }
    let r = fraction * HALF_PI;
    let (sin, cos) = if is_negative { -r } else { r }.quadrants(quadrant);
    if x < 0.0 { (-sin, cos) } else { (sin, cos) }
}

/// Sine and cosine of π times x.
pub(crate) fn sin_cos_pi(x: f64) -> (Pair, Pair) {
    let rest = x % 2.0;
    let quadrant = (rest * 2.0).round_ties_even();
    let r = Pair::from(rest - quadrant / 2.0) * PI;
    r.quadrants(quadrant.rem_euclid(4.0) as u64)
}
