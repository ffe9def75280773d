//! Exponentials, trigonometric and hyperbolic functions: products of those of the parts.

use super::{Lane, Parts, is_beyond};
use crate::math::block::dispatch::Unary;
use crate::math::block::exp::{Exp2Kernel, ExpKernel, Expm1Kernel};
use crate::math::block::hyperbolic::{Cosh64, Sinh64, Tanh64};
use crate::math::block::lane;
use crate::math::block::trig::{Cos64, Sin64, Tan64};

/// Up to this magnitude, exponentials and hyperbolic functions are far from overflow and underflow.
const MODERATE: f64 = 700.0;
/// Up to this magnitude, so are the squares of hyperbolic functions.
const SQUARED: f64 = 350.0;
/// Beyond this magnitude, hyperbolic sine and cosine are half an exponential.
const ONE_SIDED: f64 = 22.0;

/// `ln(2)` in two parts.
const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

/// The value for every argument.
#[inline(always)]
fn of<K: Unary<X = f64, Y = f64>, const FMA: bool>(x: f64) -> f64 {
    K::careful::<FMA>(x)
}

/// The cosine and the sine, and whether the angle is too large for them here, or no number.
#[inline(always)]
pub(super) fn turn<const FMA: bool>(angle: f64) -> (f64, f64, bool) {
    let ((cos, far), (sin, _)) = (Cos64::fast::<FMA>(angle), Sin64::fast::<FMA>(angle));
    (cos, sin, far | angle.is_nan())
}

/// A product that is zero where its first factor is, as if the second were a number.
fn product(zero: f64, other: f64) -> f64 {
    if zero == 0.0 && !other.is_finite() { zero } else { zero * other }
}

/// `e**x * unit * factor` for a `unit` up to 1, where the power may overflow, but the product does not.
fn scaled<const FMA: bool>(x: f64, unit: f64, factor: f64) -> f64 {
    const STEP: f64 = 600.0;
    let (mut x, mut factor) = (x, factor);
    // With three steps, the least factor overflows.
    for _ in 0..3 {
        if x > MODERATE {
            x -= STEP;
            factor *= of::<ExpKernel<f64>, FMA>(STEP);
        }
    }
    factor * (unit * of::<ExpKernel<f64>, FMA>(x))
}

/// `size(x) * e**(i*y)` of a power that is zero, a number or infinite.
fn rare_power<const FMA: bool>([x, y]: Parts, size: impl Fn(f64) -> f64) -> Parts {
    if y == 0.0 {
        return [size(1.0), y];
    }
    if x.is_infinite() && !y.is_finite() {
        return if x < 0.0 { [0.0, 0.0f64.copysign(y)] } else { [x, f64::NAN] };
    }
    [size(of::<Cos64, FMA>(y)), size(of::<Sin64, FMA>(y))]
}

pub(super) mod exp {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (size, _) = ExpKernel::<f64>::fast::<FMA>(x);
        let (cos, sin, far) = turn::<FMA>(y);
        ([size * cos, size * sin], far | is_beyond(x, MODERATE))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        rare_power::<FMA>([x, y], |factor| scaled::<FMA>(x, 1.0, factor))
    }
}

pub(super) mod exp2 {
    use super::*;

    /// The cosine and the sine of `y * ln(2)`, whose rounding error counts.
    #[inline(always)]
    fn turned<const FMA: bool>(y: f64) -> (f64, f64, bool) {
        let (angle, low) = lane::product::<f64, FMA>(y, LN_2.0);
        let low = low + y * LN_2.1;
        let (cos, sin, far) = turn::<FMA>(angle);
        // A zero's sign is the angle's.
        (cos - low * sin, if y == 0.0 { y } else { sin + low * cos }, far)
    }

    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (size, _) = Exp2Kernel::<f64>::fast::<FMA>(x);
        let (cos, sin, far) = turned::<FMA>(y);
        ([size * cos, size * sin], far | is_beyond(x, 1000.0))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        const STEP: f64 = 900.0;
        let size = |factor: f64| {
            let (mut x, mut factor) = (x, factor);
            for _ in 0..3 {
                if x > 1000.0 {
                    x -= STEP;
                    factor *= of::<Exp2Kernel<f64>, FMA>(STEP);
                }
            }
            factor * of::<Exp2Kernel<f64>, FMA>(x)
        };
        let (angle, low) = lane::product::<f64, FMA>(y, LN_2.0);
        if y == 0.0 || !angle.is_finite() {
            return rare_power::<FMA>([x, y], size);
        }
        let low = low + y * LN_2.1;
        let (low_cos, low_sin) = (of::<Cos64, FMA>(low), of::<Sin64, FMA>(low));
        let (cos, sin) = (of::<Cos64, FMA>(angle), of::<Sin64, FMA>(angle));
        [size(cos * low_cos - sin * low_sin), size(sin * low_cos + cos * low_sin)]
    }
}

pub(super) mod expm1 {
    use super::*;

    /// `(e**x - 1)*cos(y) - 2*sin(y/2)**2`, where the cosine less one has no cancellation.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (less_one, _) = Expm1Kernel::<f64>::fast::<FMA>(x);
        let (size, _) = ExpKernel::<f64>::fast::<FMA>(x);
        let (cos, sin, far) = turn::<FMA>(y);
        let (half, _) = Sin64::fast::<FMA>(0.5 * y);
        ([less_one * cos - 2.0 * (half * half), size * sin], far | is_beyond(x, MODERATE))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        let [_, imag] = exp::rare::<FMA>([x, y]);
        if x.is_infinite() && !y.is_finite() {
            return [if x < 0.0 { -1.0 } else { x }, imag];
        }
        if y == 0.0 {
            return [of::<Expm1Kernel<f64>, FMA>(x), y];
        }
        let cos = of::<Cos64, FMA>(y);
        if x > MODERATE {
            return [scaled::<FMA>(x, 1.0, cos), imag];
        }
        let half = of::<Sin64, FMA>(0.5 * y);
        [of::<Expm1Kernel<f64>, FMA>(x) * cos - 2.0 * (half * half), imag]
    }
}

pub(super) mod sinh {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (cos, sin, far) = turn::<FMA>(y);
        let (sinh, cosh) = (Sinh64::fast::<FMA>(x).0, Cosh64::fast::<FMA>(x).0);
        ([sinh * cos, cosh * sin], far | is_beyond(x, MODERATE))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        if y == 0.0 {
            return [of::<Sinh64, FMA>(x), y];
        }
        let (cos, sin) = (of::<Cos64, FMA>(y), of::<Sin64, FMA>(y));
        if x.is_infinite() && !y.is_finite() {
            return [x, f64::NAN];
        }
        if x.abs() > ONE_SIDED {
            let half = |factor: f64| scaled::<FMA>(x.abs(), 0.5, factor);
            return [half(cos * 1f64.copysign(x)), half(sin)];
        }
        [product(of::<Sinh64, FMA>(x), cos), of::<Cosh64, FMA>(x) * sin]
    }
}

pub(super) mod cosh {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (cos, sin, far) = turn::<FMA>(y);
        let (sinh, cosh) = (Sinh64::fast::<FMA>(x).0, Cosh64::fast::<FMA>(x).0);
        ([cosh * cos, sinh * sin], far | is_beyond(x, MODERATE))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        if y == 0.0 {
            return [of::<Cosh64, FMA>(x), y * 1f64.copysign(x)];
        }
        let (cos, sin) = (of::<Cos64, FMA>(y), of::<Sin64, FMA>(y));
        if x.is_infinite() && !y.is_finite() {
            return [x.abs(), f64::NAN];
        }
        if x.abs() > ONE_SIDED {
            let half = |factor: f64| scaled::<FMA>(x.abs(), 0.5, factor);
            return [half(cos), half(sin * 1f64.copysign(x))];
        }
        [of::<Cosh64, FMA>(x) * cos, product(of::<Sinh64, FMA>(x), sin)]
    }
}

pub(super) mod tanh {
    use super::*;

    /// With `s` the hyperbolic sine of x and `c` its cosine, `(s*c + i*sin(y)*cos(y)) / (s*s + cos(y)**2)`: sums
    /// of squares, which do not cancel.
    #[inline(always)]
    pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
        let (cos, sin, far) = turn::<FMA>(y);
        let (sinh, cosh) = (Sinh64::fast::<FMA>(x).0, Cosh64::fast::<FMA>(x).0);
        let inverse = lane::Lane::madd::<FMA>(sinh, sinh, cos * cos);
        ([sinh * cosh / inverse, sin * cos / inverse], far | is_beyond(x, SQUARED))
    }

    pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
        if y == 0.0 {
            return [of::<Tanh64, FMA>(x), y];
        }
        if x == 0.0 {
            return [x, of::<Tan64, FMA>(y)];
        }
        let (cos, sin) = (of::<Cos64, FMA>(y), of::<Sin64, FMA>(y));
        if x.is_infinite() && !y.is_finite() {
            return [1f64.copysign(x), 0.0f64.copysign(y)];
        }
        if x.abs() > ONE_SIDED {
            let power = of::<ExpKernel<f64>, FMA>(-x.abs());
            let real = if y.is_finite() { 1f64.copysign(x) } else { f64::NAN };
            return [real, 4.0 * sin * cos * power * power];
        }
        let (sinh, cosh) = (of::<Sinh64, FMA>(x), of::<Cosh64, FMA>(x));
        let inverse = sinh * sinh + cos * cos;
        [sinh * cosh / inverse, sin * cos / inverse]
    }
}

/// A table of functions of `i*z`: `name from hyperbolic: |[re, im]| value` from the parts of the hyperbolic
/// function of `[-y, x]`.
macro_rules! turned {
    ($($name:ident from $hyperbolic:ident: |[$re:ident, $im:ident]| $value:expr;)+) => {$(
        pub(super) mod $name {
            use super::*;

            #[inline(always)]
            pub(in super::super) fn usual<const FMA: bool>([x, y]: Parts) -> Lane {
                let ([$re, $im], is_rare) = $hyperbolic::usual::<FMA>([-y, x]);
                ($value, is_rare)
            }

            pub(in super::super) fn rare<const FMA: bool>([x, y]: Parts) -> Parts {
                let [$re, $im] = $hyperbolic::rare::<FMA>([-y, x]);
                $value
            }
        }
    )+};
}

turned! {
    sin from sinh: |[re, im]| [im, -re];
    cos from cosh: |[re, im]| [re, im];
    tan from tanh: |[re, im]| [im, -re];
}
