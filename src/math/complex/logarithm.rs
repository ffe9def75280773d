//! Logarithms: that of the modulus, and the angle.
//!
//! The square of the modulus is a sum of squares in two parts, to which the logarithm is as sensitive as its
//! distance from 1 is small: where it nearly is 1, what the parts' products lost counts as well.

use super::{Lane, Parts, is_beyond};
use crate::math::block::dispatch::{Binary, Unary};
use crate::math::block::inverse_trig::ArcTan2x64;
use crate::math::block::lane::{any_sum, product, sum};
use crate::math::block::log::{Log1pKernel, one_plus};
use crate::math::block::logistic::log_of_pair;

/// `2**400` and `2**-400`: in between, squares and their errors are far from overflow and underflow.
pub(super) const LARGE: f64 = f64::from_bits((1023 + 400) << 52);
pub(super) const SMALL: f64 = f64::from_bits((1023 - 400) << 52);

/// `ln(2)`, with so few digits that a multiple by an exponent is exact, and the rest.
const LN_2: (f64, f64) = (0.6931471805598903, 5.497923018708371e-14);

/// What half of a natural logarithm and an angle are multiplied by, in two parts.
type Unit = (f64, f64);
const NATURAL: Unit = (1.0, 0.0);
const BINARY: Unit = (std::f64::consts::LOG2_E, 2.035_527_374_093_103_3e-17);
const DECIMAL: Unit = (std::f64::consts::LOG10_E, 1.098_319_650_216_765e-17);

/// `base + linear + u*u + v*v` in two parts, the second correct to its last digits unless there are few left: what
/// is rounded in each step is added up from the least.
#[inline(always)]
fn sum_of_squares<const FMA: bool>(base: f64, linear: f64, u: f64, v: f64) -> (f64, f64) {
    let ((uu, u_low), (vv, v_low)) = (product::<f64, FMA>(u, u), product::<f64, FMA>(v, v));
    let (sum, low1) = any_sum(uu, vv);
    let (sum, low2) = any_sum(linear, sum);
    let (sum, low3) = any_sum(base, sum);
    let (rest, least1) = any_sum(u_low, v_low);
    let (rest, least2) = any_sum(low1, rest);
    let (rest, least3) = any_sum(low2, rest);
    let (rest, least4) = any_sum(low3, rest);
    let (sum, rest) = any_sum(sum, rest);
    (sum, rest + ((least1 + least2) + (least3 + least4)))
}

/// The logarithm of the modulus in two parts, for a greater part between [`SMALL`] and [`LARGE`].
#[inline(always)]
pub(super) fn log_of_modulus<const FMA: bool>([x, y]: Parts) -> (f64, f64) {
    let (high, low) = sum_of_squares::<FMA>(0.0, 0.0, x, y);
    let (high, low) = log_of_pair::<FMA>(high, low);
    let (high, low) = sum(high, low);
    (0.5 * high, 0.5 * low)
}

/// Is the greater part's magnitude not between [`SMALL`] and [`LARGE`]?
#[inline(always)]
pub(super) fn is_extreme([x, y]: Parts) -> bool {
    let (x, y) = (x.abs(), y.abs());
    let most = if x > y { x } else { y };
    // A NaN may be in either.
    (most < SMALL) | is_beyond(most, LARGE) | is_beyond(x, LARGE)
}

/// The same for all others.
pub(super) fn log_of_any_modulus<const FMA: bool>([x, y]: Parts) -> (f64, f64) {
    let (x, y) = (x.abs(), y.abs());
    if x.is_infinite() || y.is_infinite() {
        return (f64::INFINITY, 0.0);
    }
    if x.is_nan() || y.is_nan() {
        return (f64::NAN, 0.0);
    }
    let most = x.max(y);
    if most == 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    let shift = if most > LARGE {
        600.0
    } else if most < SMALL {
        -600.0
    } else {
        0.0
    };
    let scale = f64::exp2(-shift);
    let (high, low) = log_of_modulus::<FMA>([x * scale, y * scale]);
    let (high, rest) = any_sum(shift * LN_2.0, high);
    (high, low + rest + shift * LN_2.1)
}

/// The angle of a point, for any.
#[inline(always)]
pub(super) fn angle<const FMA: bool>([x, y]: Parts) -> f64 {
    ArcTan2x64::careful::<FMA>(y, x)
}

/// A logarithm in two parts, and an angle, in a unit.
#[inline(always)]
fn in_unit<const FMA: bool>((high, low): (f64, f64), angle: f64, unit: Unit) -> Parts {
    let (most, rest) = product::<f64, FMA>(high, unit.0);
    // What is infinite has no rest.
    let rest = if high.abs() < f64::INFINITY { rest + (low * unit.0 + high * unit.1) } else { 0.0 };
    [most + rest, angle * unit.0]
}

#[inline(always)]
fn usual<const FMA: bool>([x, y]: Parts, unit: Unit) -> Lane {
    let (angle, is_undefined) = ArcTan2x64::fast::<FMA>(y, x);
    (in_unit::<FMA>(log_of_modulus::<FMA>([x, y]), angle, unit), is_extreme([x, y]) | is_undefined)
}

fn rare<const FMA: bool>(z: Parts, unit: Unit) -> Parts {
    in_unit::<FMA>(log_of_any_modulus::<FMA>(z), angle::<FMA>(z), unit)
}

macro_rules! logarithms {
    ($($name:ident in $unit:ident;)+) => {$(
        pub(super) mod $name {
            use super::*;

            #[inline(always)]
            pub(in super::super) fn usual<const FMA: bool>(z: Parts) -> Lane {
                super::usual::<FMA>(z, $unit)
            }

            pub(in super::super) fn rare<const FMA: bool>(z: Parts) -> Parts {
                super::rare::<FMA>(z, $unit)
            }
        }
    )+};
}

logarithms! {
    log in NATURAL;
    log2 in BINARY;
    log10 in DECIMAL;
}

pub(super) mod log1p {
    use super::*;

    /// Around -1, `1 + x` is exact, and the logarithm is that of a modulus. Elsewhere the square of the modulus is
    /// `1 + (2*x + x*x + y*y)`, whose logarithm knows how little the bracket is.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let one_more = 1.0 + x;
        let is_near = (x > -2.0) & (x < -0.5);
        let (u, linear) = (if is_near { one_more } else { x }, if is_near { 0.0 } else { x + x });
        let (high, low) = sum_of_squares::<FMA>(0.0, linear, u, y);
        let near = log_of_pair::<FMA>(high, low);
        let elsewhere = one_plus::<f64, FMA>(high, low);
        let real = if is_near { near.0 + near.1 } else { elsewhere.0 + elsewhere.1 };
        let (angle, is_undefined) = ArcTan2x64::fast::<FMA>(y, one_more);
        let most = if one_more.abs() > y.abs() { one_more.abs() } else { y.abs() };
        let is_extreme = (most < SMALL) | is_beyond(most, LARGE) | is_beyond(one_more, LARGE);
        ([0.5 * real, angle], is_extreme | is_undefined)
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        let (high, low) = log_of_any_modulus::<FMA>([1.0 + x, y]);
        let real = if y == 0.0 && x > -1.0 { Log1pKernel::careful::<FMA>(x) } else { high + low };
        [real, angle::<FMA>([1.0 + x, y])]
    }
}
