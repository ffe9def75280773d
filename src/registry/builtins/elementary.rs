//! Elementary functions.

use super::{NUMPY, rows};
use crate::ir::{CalleeFn, Op};
use crate::math::elementary as math;
use crate::registry::function::{Body, Floats, Loops};

/// The body of a function of one argument that is computed in float32 or float64.
macro_rules! unary {
    ($name:ident) => {
        Body::Native(
            Loops::Float,
            Floats::new(
                || (math::$name::single as extern "C" fn(f32) -> f32).callee(stringify!($name)),
                || (math::$name::double as extern "C" fn(f64) -> f64).callee(stringify!($name)),
            ),
        )
    };
}

/// The same of two arguments.
macro_rules! binary {
    ($name:ident) => {
        Body::Native(
            Loops::Float,
            Floats::new(
                || (math::$name::single as extern "C" fn(f32, f32) -> f32).callee(stringify!($name)),
                || (math::$name::double as extern "C" fn(f64, f64) -> f64).callee(stringify!($name)),
            ),
        )
    };
}

rows! {
    sqrt(x): "The square root, correctly rounded.", 0.0, NUMPY, Body::Op(Loops::Float, |l, _, args| l.op(Op::Sqrt, args));
    cbrt(x): "The cube root.", 1.0, NUMPY, unary!(cbrt);
    exp(x): "`e**x`.", 1.0, NUMPY, unary!(exp);
    exp2(x): "`2**x`.", 1.0, NUMPY, unary!(exp2);
    expm1(x): "`e**x - 1`, accurate near zero.", 1.0, NUMPY, unary!(expm1);
    log(x): "The natural logarithm.", 1.0, NUMPY, unary!(log);
    log2(x): "The logarithm to base 2.", 1.0, NUMPY, unary!(log2);
    log10(x): "The logarithm to base 10.", 1.0, NUMPY, unary!(log10);
    log1p(x): "`log(1 + x)`, accurate near zero.", 1.0, NUMPY, unary!(log1p);
    sin(x): "The sine of radians.", 1.0, NUMPY, unary!(sin);
    cos(x): "The cosine of radians.", 1.0, NUMPY, unary!(cos);
    tan(x): "The tangent of radians.", 2.0, NUMPY, unary!(tan);
    arcsin asin(x): "The inverse sine, in radians.", 2.0, NUMPY, unary!(arcsin);
    arccos acos(x): "The inverse cosine, in radians.", 2.0, NUMPY, unary!(arccos);
    arctan atan(x): "The inverse tangent, in radians.", 2.0, NUMPY, unary!(arctan);
    sinh(x): "The hyperbolic sine.", 2.0, NUMPY, unary!(sinh);
    cosh(x): "The hyperbolic cosine.", 2.0, NUMPY, unary!(cosh);
    tanh(x): "The hyperbolic tangent.", 2.0, NUMPY, unary!(tanh);
    arcsinh asinh(x): "The inverse hyperbolic sine.", 2.0, NUMPY, unary!(arcsinh);
    arccosh acosh(x): "The inverse hyperbolic cosine.", 2.0, NUMPY, unary!(arccosh);
    arctanh atanh(x): "The inverse hyperbolic tangent.", 2.0, NUMPY, unary!(arctanh);
    hypot(x1, x2): "`sqrt(x1**2 + x2**2)` without overflow.", 1.0, NUMPY, binary!(hypot);
    arctan2 atan2(x1, x2): "The angle of the point (x2, x1), in radians from -pi to pi.", 2.0, NUMPY, binary!(arctan2);
    logaddexp(x1, x2): "`log(exp(x1) + exp(x2))`.", 4.0, NUMPY, binary!(logaddexp);
    logaddexp2(x1, x2): "`log2(2**x1 + 2**x2)`.", 4.0, NUMPY, binary!(logaddexp2);
    deg2rad radians(x): "Degrees to radians.", 1.0, NUMPY, Body::Expand(Loops::Float, "x * (pi / 180)");
    rad2deg degrees(x): "Radians to degrees.", 1.0, NUMPY, Body::Expand(Loops::Float, "x * (180 / pi)");
}
