//! float16, which is computed with as float32: its values among those of wider types, and its bits.

use super::dispatch::{Binary, Kernel, Unary};
use super::plain::plain;

/// Parts of a float16's bits.
const SIGN: u16 = 0x8000;
const INFINITY: u16 = 0x7C00;
const QUIET_NAN: u16 = 0x7E00;
const FRACTION: u16 = 0x3FF;
/// What a float32's exponent is greater by.
const BIAS: u32 = (127 - 15) << 23;
/// The fraction bits that float32 has more.
const DROPPED: u32 = 13;
/// From here on values round to infinity, once they are rounded to 11 digits.
const TOO_LARGE: f32 = 65536.0;
/// The least normal number.
const LEAST: f32 = 1.0 / 16384.0;

/// The float32 of a float16's bits.
#[inline(always)]
fn widen(half: u16) -> f32 {
    let magnitude = (half & !SIGN) as u32;
    let shifted = (magnitude << DROPPED) + BIAS;
    // An exponent of ones stays one of ones.
    let normal = f32::from_bits(if half & INFINITY == INFINITY { shifted + BIAS } else { shifted });
    let tiny = magnitude as i32 as f32 * (LEAST / 1024.0);
    let value = if magnitude < 1 << 10 { tiny } else { normal };
    f32::from_bits(value.to_bits() | ((half & SIGN) as u32) << 16)
}

/// The bits of a float32 that is a float16.
#[inline(always)]
fn narrow(x: f32) -> u16 {
    let magnitude = x.abs();
    let bits = magnitude.to_bits();
    // Added to 1/2, a subnormal one has its fraction in the lowest bits.
    let tiny = (magnitude + 0.5).to_bits() & 0x7FF;
    let normal = bits.wrapping_sub(BIAS) >> DROPPED;
    let finite = if magnitude < LEAST { tiny } else { normal } as u16;
    let value = if magnitude >= TOO_LARGE { INFINITY } else { finite };
    // A NaN keeps what fits of its payload.
    let payload = normal as u16 & FRACTION;
    let nan = if payload == 0 { QUIET_NAN } else { INFINITY | payload };
    let value = if x.is_nan() { nan } else { value };
    value | (x.to_bits() >> 16) as u16 & SIGN
}

macro_rules! rounding {
    ($(#[doc = $doc:literal])+ $name:ident $float:ident $dropped:expr, $aligned:literal) => {
        $(#[doc = $doc])+
        #[inline(always)]
        fn $name(x: $float) -> f32 {
            const EXTRA: u32 = $dropped;
            let magnitude = x.abs();
            let bits = magnitude.to_bits();
            // To the nearest, of two the one whose last bit is 0.
            let half = (1 << (EXTRA - 1)) - 1 + (bits >> EXTRA & 1);
            let normal = $float::from_bits((bits + half) & !((1 << EXTRA) - 1));
            // A sum whose last place is the subnormals'.
            let tiny = (magnitude + $aligned) - $aligned;
            let value = if magnitude < LEAST as $float { tiny } else { normal };
            let value = if value >= TOO_LARGE as $float { $float::INFINITY } else { value };
            let value = if x.is_nan() { x } else { value };
            value.copysign(x) as f32
        }
    };
}

rounding! {
    /// The nearest float16 to a float32, as a float32.
    round_single f32 DROPPED, 0.5
}

rounding! {
    /// The nearest float16 to a float64, as a float32.
    round_double f64 DROPPED + 29, 268_435_456.0
}

/// The neighbour of a float16 that is farther from or nearer to zero, both as float32.
fn neighbour(x: f32, is_outward: bool) -> f32 {
    let bits = narrow(x);
    widen(if is_outward { bits + 1 } else { bits - 1 })
}

/// The neighbour towards another float16.
#[inline(always)]
fn next_after(x: f32, towards: f32) -> f32 {
    if x.is_nan() || towards.is_nan() {
        f32::NAN
    } else if x == towards {
        x
    } else if x == 0.0 {
        (LEAST / 1024.0).copysign(towards)
    } else {
        neighbour(x, (x < towards) == (x > 0.0))
    }
}

/// The distance to the next greater float16, as NumPy has it: for the wider types it is the one farther from zero.
#[inline(always)]
fn spacing(x: f32) -> f32 {
    if x.is_infinite() { f32::NAN } else { next_after(x, f32::INFINITY) - x }
}

plain! {
    Widen Unary (half: X u16) -> f32 { widen(half) }
    Narrow Unary (x: X f32) -> u16 { narrow(x) }
    RoundSingle Unary (x: X f32) -> f32 { round_single(x) }
    RoundDouble Unary (x: X f64) -> f32 { round_double(x) }
    NextAfter Binary (x: X f32, towards: Z f32) -> f32 { next_after(x, towards) }
    Spacing Unary (x: X f32) -> f32 { spacing(x) }
}

/// The neighbour of a float16 towards another, all as float32.
pub static NEXTAFTER: Kernel = Kernel::binary::<NextAfter>();
/// The distance from a float16 to the next, both as float32.
pub static SPACING: Kernel = Kernel::unary::<Spacing>();
/// The float32 of a float16's bits.
pub static WIDEN: Kernel = Kernel::unary::<Widen>();
/// The bits of a float32 that is a float16.
pub static NARROW: Kernel = Kernel::unary::<Narrow>();
/// The nearest float16 to a float32, as a float32.
pub static ROUND_SINGLE: Kernel = Kernel::unary::<RoundSingle>();
/// The nearest float16 to a float64, as a float32.
pub static ROUND_DOUBLE: Kernel = Kernel::unary::<RoundDouble>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float16_comes_back() {
        for half in 0..=u16::MAX {
            let value = widen(half);
            let exponent = i32::from(half >> 10 & 31);
            let fraction = f64::from(half & 1023);
            let magnitude = match exponent {
                0 => fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
            };
            assert_eq!(value.is_nan(), magnitude.is_nan(), "{half:#x}");
            assert_eq!(narrow(value), half);
            if !value.is_nan() {
                assert_eq!(f64::from(value.abs()), magnitude, "{half:#x}");
                assert_eq!(value.is_sign_negative(), half & SIGN != 0);
                assert_eq!(round_single(value).to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn between_two_the_nearest_is_taken() {
        for half in 0..INFINITY {
            let low = f64::from(widen(half));
            let high = if half + 1 == INFINITY { 65536.0 } else { f64::from(widen(half + 1)) };
            let middle = (low + high) / 2.0;
            let rounded = |x: f64| {
                let double = round_double(x);
                let single = round_single(x as f32);
                if f64::from(x as f32) == x {
                    assert_eq!(double.to_bits(), single.to_bits(), "{x}");
                }
                assert_eq!(round_double(-x).to_bits(), (-double).to_bits());
                f64::from(double)
            };
            let even = if half & 1 == 0 { low } else { high };
            let shown = |x: f64| if x == 65536.0 { f64::INFINITY } else { x };
            assert_eq!(rounded(middle), shown(even), "{half:#x}");
            assert_eq!(rounded(middle.next_down()), low, "{half:#x}");
            assert_eq!(rounded(middle.next_up()), shown(high), "{half:#x}");
        }
        assert!(round_double(f64::NAN).is_nan());
        assert_eq!(round_double(1e300), f32::INFINITY);
    }
}
