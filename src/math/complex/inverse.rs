//! Inverse trigonometric and hyperbolic functions.
//!
//! Sine and cosine after T. E. Hull, T. F. Fairgrieve and P. T. P. Tang, "Implementing the complex arcsine and
//! arccosine functions using exception handling", ACM Transactions on Mathematical Software 23 (1997): with
//! `r = |z + 1|`, `s = |z - 1|` and `a = (r + s) / 2`, the real part is an angle of `x` and
//! `sqrt((a + x) * (a - x))`, the imaginary part `log1p((a - 1) + sqrt((a - 1) * (a + 1)))`, and both differences
//! are sums of positive terms. The tangent after W. Kahan, "Branch cuts for complex elementary functions" (1987).

use super::logarithm::{LARGE, angle, log_of_any_modulus};
use super::{Lane, Parts, is_beyond};
use crate::math::block::dispatch::{Binary, Unary};
use crate::math::block::inverse_trig::ArcTan2x64;
use crate::math::block::lane::Lane as _;
use crate::math::block::log::{Log1pKernel, one_plus};

const HALF_PI: f64 = std::f64::consts::FRAC_PI_2;
/// `2**-400`: the squares of less would underflow.
const SMALL: f64 = super::logarithm::SMALL;

/// `sqrt(u*u + v*v)`, far from overflow and underflow.
#[inline(always)]
fn modulus<const FMA: bool>(u: f64, v: f64) -> f64 {
    u.madd::<FMA>(u, v * v).sqrt()
}

/// Of what both parts of the inverse sine and cosine are made, where neither part is negative.
struct Arc {
    /// `sqrt((a + x) * (a - x))`, which has the inverse sine's real part as its angle to `x`.
    side: f64,
    /// The imaginary part.
    log: f64,
}

#[inline(always)]
fn arc<const FMA: bool>(x: f64, y: f64) -> Arc {
    let (right, left) = (x + 1.0, x - 1.0);
    let (r, s) = (modulus::<FMA>(right, y), modulus::<FMA>(left, y));
    let half = 0.5 * y * y;
    let a = 0.5 * (r + s);
    let outer = half / (r + right);
    // Of s + |x - 1| and s - |x - 1| the latter would cancel; their product is y*y.
    let more = s + left.abs();
    let inner = if more == 0.0 { 0.0 } else { half / more };
    let is_within = left <= 0.0;
    let (to_x, to_one) = (if is_within { 0.5 * more } else { inner }, if is_within { inner } else { 0.5 * more });
    let (below_x, below_one) = (outer + to_x, outer + to_one);
    let (high, low) = one_plus::<f64, FMA>(below_one + (below_one * (a + 1.0)).sqrt(), 0.0);
    Arc { side: ((a + x) * below_x).sqrt(), log: high + low }
}

/// The same of magnitudes whose squares overflow or underflow, and of what is no number.
fn rare_arc<const FMA: bool>(x: f64, y: f64) -> Arc {
    if is_beyond(x, LARGE) || is_beyond(y, LARGE) {
        // One is nothing beside z.
        let (high, low) = log_of_any_modulus::<FMA>([x, y]);
        let side = if x == 0.0 && y.is_nan() { 1.0 } else { y };
        return Arc { side, log: high + (low + std::f64::consts::LN_2) };
    }
    let root = ((x - 1.0).abs() * (x + 1.0)).sqrt();
    if x < 1.0 {
        Arc { side: root, log: y / root }
    } else if x == 1.0 {
        Arc { side: y.sqrt(), log: y.sqrt() }
    } else {
        Arc { side: y * (x / root), log: Log1pKernel::careful::<FMA>((x - 1.0) + root) }
    }
}

/// Do squares overflow or underflow, or is there a NaN?
#[inline(always)]
fn is_rare(x: f64, y: f64) -> bool {
    is_beyond(x, LARGE) | is_beyond(y, LARGE) | ((y < SMALL) & (y != 0.0))
}

/// The functions, by the [`Arc`] of the magnitudes of `u` and `v`: `name([x, y]) by [u, v]: |arc, angle| parts`, where
/// `angle` takes an ordinate and an abscissa.
macro_rules! arcs {
    ($($name:ident([$x:ident, $y:ident]) by [$u:ident, $v:ident]: |$arc:ident, $angle:ident| $value:expr;)+) => {$(
        pub(super) mod $name {
            use super::*;

            #[inline(always)]
            fn value([$x, $y]: Parts, $arc: Arc, $angle: impl Fn(f64, f64) -> f64) -> Parts {
                $value
            }

            #[inline(always)]
            pub(in super::super) fn usual<const FMA: bool>([$x, $y]: Parts) -> Lane {
                let arc = arc::<FMA>($u.abs(), $v.abs());
                let value = value([$x, $y], arc, |ordinate, abscissa| ArcTan2x64::fast::<FMA>(ordinate, abscissa).0);
                (value, is_rare($u.abs(), $v.abs()))
            }

            pub(in super::super) fn rare<const FMA: bool>([$x, $y]: Parts) -> Parts {
                let arc = rare_arc::<FMA>($u.abs(), $v.abs());
                value([$x, $y], arc, |ordinate, abscissa| angle::<FMA>([abscissa, ordinate]))
            }
        }
    )+};
}

arcs! {
    arcsin([x, y]) by [x, y]: |arc, angle| [angle(x, arc.side), arc.log.copysign(y)];
    arccos([x, y]) by [x, y]: |arc, angle| [angle(arc.side, x), arc.log.copysign(-y)];
    arcsinh([x, y]) by [y, x]: |arc, angle| [arc.log.copysign(x), angle(y, arc.side)];
    arccosh([x, y]) by [x, y]: |arc, angle| [arc.log, angle(arc.side, x).copysign(y)];
}

pub(super) mod arctanh {
    use super::*;

    /// `log1p(4*x / ((1 - x)**2 + y*y)) / 4` and half of the angle of `((1 - x)*(1 + x) - y*y, 2*y)`, by x's
    /// magnitude.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let magnitude = x.abs();
        let less = 1.0 - magnitude;
        let square = less.madd::<FMA>(less, y * y);
        let (high, low) = one_plus::<f64, FMA>(4.0 * magnitude / square, 0.0);
        let (angle, _) = ArcTan2x64::fast::<FMA>(y + y, less.madd::<FMA>(1.0 + magnitude, -(y * y)));
        let is_usual = (magnitude <= LARGE) & (y.abs() <= LARGE) & (square >= SMALL);
        ([(0.25 * (high + low)).copysign(x), 0.5 * angle], !is_usual)
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        let magnitude = x.abs();
        let quarter = HALF_PI.copysign(y);
        if magnitude <= LARGE && y.abs() <= LARGE {
            // Next to 1, where the square is less than can be told apart from the pole's.
            let real = if y == 0.0 { f64::INFINITY } else { 0.5 * (std::f64::consts::LN_2 - log::<FMA>(y.abs())) };
            return [real.copysign(x), if y == 0.0 { y } else { 0.5 * quarter }];
        }
        if magnitude.is_infinite() || y.is_infinite() {
            return [0.0f64.copysign(x), if y.is_nan() { y } else { quarter }];
        }
        if magnitude.is_nan() || y.is_nan() {
            return [if magnitude == 0.0 { x } else { f64::NAN }, f64::NAN];
        }
        // The real part of 1/z, scaled.
        let scale = f64::exp2(-600.0);
        let (u, v) = (x * scale, y * scale);
        [u / (u * u + v * v) * scale, quarter]
    }

    /// The logarithm of a positive number.
    fn log<const FMA: bool>(x: f64) -> f64 {
        let (high, low) = log_of_any_modulus::<FMA>([x, 0.0]);
        high + low
    }
}

pub(super) mod arctan {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let ([re, im], is_rare) = arctanh::usual::<FMA>([y, x]);
        ([im, re], is_rare)
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        let [re, im] = arctanh::rare::<FMA>([y, x]);
        [im, re]
    }
}
