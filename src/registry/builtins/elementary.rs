//! Elementary functions.

use super::{NUMPY, rows};
use crate::ir::Op;
use crate::math::block::dispatch::Kernels;
use crate::math::block::erf::*;
use crate::math::block::exp::*;
use crate::math::block::hyperbolic::*;
use crate::math::block::inverse_trig::*;
use crate::math::block::log::*;
use crate::math::block::logistic::*;
use crate::math::block::power::*;
use crate::math::block::trig::*;
use crate::registry::expression::Expression;
use crate::registry::function::{Body, Floats, Loops};

/// The body of a function that kernels compute in float32 or float64.
const fn floats(kernels: &'static Kernels) -> Body {
    Body::Native(Loops::Float, Floats::new(kernels))
}

rows! {
    sqrt(x): "The square root, correctly rounded.", 0.0, NUMPY, Body::Op(Loops::Float, |l, _, args| l.op(Op::Sqrt, args));
    cbrt(x): "The cube root.", 1.0, NUMPY, floats(&CBRT);
    exp(x): "`e**x`.", 1.0, NUMPY, floats(&EXP);
    exp2(x): "`2**x`.", 1.0, NUMPY, floats(&EXP2);
    expm1(x): "`e**x - 1`, accurate near zero.", 1.0, NUMPY, floats(&EXPM1);
    log(x): "The natural logarithm.", 1.0, NUMPY, floats(&LOG);
    log2(x): "The logarithm to base 2.", 1.0, NUMPY, floats(&LOG2);
    log10(x): "The logarithm to base 10.", 1.0, NUMPY, floats(&LOG10);
    log1p(x): "`log(1 + x)`, accurate near zero.", 1.0, NUMPY, floats(&LOG1P);
    sin(x): "The sine of radians.", 1.0, NUMPY, floats(&SIN);
    cos(x): "The cosine of radians.", 1.0, NUMPY, floats(&COS);
    tan(x): "The tangent of radians.", 2.0, NUMPY, floats(&TAN);
    sinpi(x): "The sine of half-turns, `sin(pi*x)`: exact where that is 0 or 1.", 1.0, "sinPi of IEEE 754-2019", floats(&SINPI);
    cospi(x): "The cosine of half-turns, `cos(pi*x)`: exact where that is 0 or 1.", 1.0, "cosPi of IEEE 754-2019", floats(&COSPI);
    arcsin asin(x): "The inverse sine, in radians.", 2.0, NUMPY, floats(&ARCSIN);
    arccos acos(x): "The inverse cosine, in radians.", 2.0, NUMPY, floats(&ARCCOS);
    arctan atan(x): "The inverse tangent, in radians.", 2.0, NUMPY, floats(&ARCTAN);
    sinh(x): "The hyperbolic sine.", 2.0, NUMPY, floats(&SINH);
    cosh(x): "The hyperbolic cosine.", 2.0, NUMPY, floats(&COSH);
    tanh(x): "The hyperbolic tangent.", 2.0, NUMPY, floats(&TANH);
    arcsinh asinh(x): "The inverse hyperbolic sine.", 2.0, NUMPY, floats(&ARCSINH);
    arccosh acosh(x): "The inverse hyperbolic cosine.", 2.0, NUMPY, floats(&ARCCOSH);
    arctanh atanh(x): "The inverse hyperbolic tangent.", 2.0, NUMPY, floats(&ARCTANH);
    hypot(x1, x2): "`sqrt(x1**2 + x2**2)` without overflow.", 1.0, NUMPY, floats(&HYPOT);
    arctan2 atan2(x1, x2): "The angle of the point (x2, x1), in radians from -pi to pi.", 2.0, NUMPY, floats(&ARCTAN2);
    logaddexp(x1, x2): "`log(exp(x1) + exp(x2))`.", 2.0, NUMPY, floats(&LOGADDEXP);
    logaddexp2(x1, x2): "`log2(2**x1 + 2**x2)`.", 2.0, NUMPY, floats(&LOGADDEXP2);
    exp10(x): "`10**x`.", 1.0, "The exponential function to base 10", floats(&EXP10);
    erf(x): "The error function.", 2.0, "SciPy's `special.erf`", floats(&ERF);
    erfc(x): "`1 - erf(x)`, accurate where that is small.", 2.0, "SciPy's `special.erfc`", floats(&ERFC);
    erfinv(x): "The inverse of the error function.", 2.0, "SciPy's `special.erfinv`", floats(&ERFINV);
    log1pexp softplus(x): "`log(1 + exp(x))`, accurate everywhere.", 2.0, "`logaddexp(0, x)`", floats(&LOG1PEXP);
    logistic expit(x): "`1 / (1 + exp(-x))`.", 2.0, "SciPy's `special.expit`", floats(&LOGISTIC);
    deg2rad radians(x): "Degrees to radians.", 1.0, NUMPY, Body::Expand(Loops::Float, Expression::builtin("x * (pi / 180)"));
    rad2deg degrees(x): "Radians to degrees.", 1.0, NUMPY, Body::Expand(Loops::Float, Expression::builtin("x * (180 / pi)"));
}
