//! Square roots and powers.

use super::exponential::{exp, turn};
use super::logarithm::{angle, is_extreme, log_of_any_modulus, log_of_modulus};
use super::{Lane, Parts, is_beyond};
use crate::math::block::dispatch::{Binary, Unary};
use crate::math::block::exp::ExpKernel;
use crate::math::block::inverse_trig::ArcTan2x64;
use crate::math::block::lane::{any_sum, product};
use crate::math::block::power::Hypot64;
use crate::math::block::trig;

pub(super) mod sqrt {
    use super::*;

    /// The root of half the sum of modulus and magnitude of x, and what y is of twice that: neither cancels.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (modulus, is_rare) = Hypot64::fast::<FMA>(x, y);
        (parts(x, y, modulus), is_rare)
    }

    #[inline(always)]
    fn parts(x: f64, y: f64, modulus: f64) -> Parts {
        let root = (0.5 * (modulus + x.abs())).sqrt();
        let other = 0.5 * y.abs() / root;
        let is_right = x >= 0.0;
        [if is_right { root } else { other }, if is_right { other } else { root }.copysign(y)]
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        if y.is_infinite() {
            return [y.abs(), y];
        }
        if x == 0.0 && y == 0.0 {
            return [0.0, y];
        }
        if x.is_infinite() {
            let other = if y.is_nan() { y } else { 0.0 };
            return if x > 0.0 { [x, other.copysign(y)] } else { [other, x.copysign(y)] };
        }
        // By a power of 4, so that the modulus is far from overflow and underflow.
        let is_large = x.abs().max(y.abs()) > 1.0;
        let (scale, back) = if is_large { (-600.0, 300.0) } else { (600.0, -300.0) };
        let (x, y) = (x * f64::exp2(scale), y * f64::exp2(scale));
        parts(x, y, Hypot64::careful::<FMA>(x, y)).map(|part| part * f64::exp2(back))
    }
}

/// Is it a whole number of which NumPy takes powers by products?
#[inline(always)]
fn is_small_integer(u: f64) -> bool {
    (u.abs() < 100.0) & (u - u.round() == 0.0)
}

pub(super) mod power {
    use super::*;

    /// `e**(w * log(z))`, whose exponent's errors are known but for those of the angle.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>(z: Parts, w: Parts) -> Lane {
        let (angle, is_undefined) = ArcTan2x64::fast::<FMA>(z[1], z[0]);
        let ([x, y], [x_low, y_low]) = exponent::<FMA>(z, log_of_modulus::<FMA>(z), angle, w);
        let (size, _) = ExpKernel::<f64>::fast::<FMA>(x);
        let size = size + size * x_low;
        let (cos, sin, far) = turn::<FMA>(y);
        let value = [size * (cos - y_low * sin), size * (sin + y_low * cos)];
        let is_whole = (w[1] == 0.0) & is_small_integer(w[0]);
        (value, is_extreme(z) | is_undefined | far | is_whole | is_beyond(x, 700.0))
    }

    /// `w * log(z)`, and its rounding errors.
    #[inline(always)]
    fn exponent<const FMA: bool>(z: Parts, log: (f64, f64), angle: f64, [u, v]: Parts) -> (Parts, Parts) {
        let angle_low = angle_error::<FMA>(z, angle);
        let difference = |a: (f64, f64), b: (f64, f64), low: f64| {
            let (high, rest) = any_sum(a.0, b.0);
            (high, rest + (a.1 + b.1) + low)
        };
        let real = difference(product::<f64, FMA>(u, log.0), product::<f64, FMA>(-v, angle), u * log.1 - v * angle_low);
        let imag = difference(product::<f64, FMA>(u, angle), product::<f64, FMA>(v, log.0), u * angle_low + v * log.1);
        ([real.0, imag.0], [real.1, imag.1])
    }

    /// What a rounded angle of a point lacks: the angle of the point turned back by it.
    #[inline(always)]
    fn angle_error<const FMA: bool>([x, y]: Parts, angle: f64) -> f64 {
        let [(cos, cos_low), (sin, sin_low)] = trig::turn::<FMA>(angle);
        let (up, up_low) = product::<f64, FMA>(y, cos);
        let (down, down_low) = product::<f64, FMA>(-x, sin);
        let (height, rest) = any_sum(up, down);
        let height = height + (rest + (up_low + down_low) + (y * cos_low - x * sin_low));
        let error = height / (x * cos + y * sin);
        // Where that overflows or underflows, the angle has to do.
        if error.abs() < 1e-15 { error } else { 0.0 }
    }

    pub(in super::super) fn rare<const FMA: bool>(z: Parts, w: Parts) -> Parts {
        let [u, v] = w;
        if u == 0.0 && v == 0.0 {
            return [1.0, 0.0];
        }
        if z[0] == 0.0 && z[1] == 0.0 {
            return if u > 0.0 { [0.0, 0.0] } else { [f64::NAN, f64::NAN] };
        }
        let (log, angle) = (log_of_any_modulus::<FMA>(z), angle::<FMA>(z));
        let ([x, y], [x_low, y_low]) = exponent::<FMA>(z, log, angle, w);
        if x.is_nan() || y.is_nan() {
            return exp::rare::<FMA>(multiply_infinite(w, [log.0 + log.1, angle]));
        }
        let [re, im] = exp::rare::<FMA>([x, y]);
        // Of a power that is infinite, or an angle of so many turns that nothing is known of it.
        if !(x_low.abs() < 0.5 && y_low.abs() < 0.5 && re.is_finite() && im.is_finite()) {
            return [re, im];
        }
        // The errors' own power turns and stretches the value by little.
        [re + (x_low * re - y_low * im), im + (x_low * im + y_low * re)]
    }
}

pub(in crate::math) fn multiply([a, b]: Parts, [c, d]: Parts) -> Parts {
    [a * c - b * d, a * d + b * c]
}

/// The product as in C99, Annex G: what is infinite times what is not zero is infinite, though both parts of the formula
/// are NaN.
fn multiply_infinite(z: Parts, w: Parts) -> Parts {
    let product = multiply(z, w);
    let is_infinite = |z: Parts| z.iter().any(|part| part.is_infinite());
    if !product.iter().all(|part| part.is_nan()) || !(is_infinite(z) || is_infinite(w)) {
        return product;
    }
    // Infinite parts of an infinite factor count as 1, others as 0; so do NaNs of the other factor.
    let boxed = |z: Parts| {
        let size = |part: f64| match (is_infinite(z), part.is_infinite()) {
            (true, infinite) => f64::from(u8::from(infinite)).copysign(part),
            _ if part.is_nan() => 0.0f64.copysign(part),
            _ => part,
        };
        z.map(size)
    };
    multiply(boxed(z), boxed(w)).map(|part| f64::INFINITY * part)
}

/// `1 / z`, as NumPy divides.
fn reciprocal([x, y]: Parts) -> Parts {
    if x == 0.0 && y == 0.0 {
        return [1.0 / x.abs(), 0.0 / x.abs()];
    }
    if x.abs() >= y.abs() {
        let ratio = y / x;
        let scale = 1.0 / (x + y * ratio);
        [scale, (0.0 - ratio) * scale]
    } else {
        let ratio = x / y;
        let scale = 1.0 / (y + x * ratio);
        [(ratio + 0.0) * scale, -scale]
    }
}

/// A power by products, as NumPy has it: of squares of squares, those that the exponent's binary digits name.
#[inline(always)]
pub(super) fn whole_power([x, y, u, v]: [f64; 4]) -> Option<Parts> {
    let z = [x, y];
    (v == 0.0 && u != 0.0 && is_small_integer(u) && z != [0.0, 0.0]).then(|| products(z, u as i32))
}

fn products(z: Parts, exponent: i32) -> Parts {
    match exponent {
        1 => return z,
        2 => return multiply(z, z),
        3 => return multiply(z, multiply(z, z)),
        _ => {}
    }
    let (mut value, mut square, mut rest) = ([1.0, 0.0], z, exponent.unsigned_abs());
    loop {
        if rest & 1 == 1 {
            value = multiply(value, square);
        }
        rest >>= 1;
        if rest == 0 {
            break;
        }
        square = multiply(square, square);
    }
    if exponent < 0 { reciprocal(value) } else { value }
}
