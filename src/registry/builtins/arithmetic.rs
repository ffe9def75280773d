//! Arithmetic, extremes, signs and selection.

use super::operators::FMOD;
use super::{NUMPY, rows};
use crate::dtype::{DType, Scalar};
use crate::ir::{Loop, Op, Value};
use crate::math::block::plain::{self, NEXTAFTER, SPACING};
use crate::math::block::power::POW;
use crate::registry::expression::Expression;
use crate::registry::function::{Body, Floats, Loops, Special, integer_callee};
use crate::syntax::ast::{BinaryOp, UnaryOp};

rows! {
    add(x1, x2): "`x1 + x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::Add);
    subtract(x1, x2): "`x1 - x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::Sub);
    multiply(x1, x2): "`x1 * x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::Mul);
    divide true_divide(x1, x2): "`x1 / x2`, floating-point whatever the operands.", 0.0, NUMPY, Body::Binary(BinaryOp::Div);
    floor_divide(x1, x2): "`x1 // x2`, rounded down.", 0.0, NUMPY, Body::Binary(BinaryOp::FloorDiv);
    remainder r#mod(x1, x2): "`x1 % x2`, with the sign of x2.", 0.0, NUMPY, Body::Binary(BinaryOp::Mod);
    power pow(x1, x2): "`x1 ** x2`.", 1.0, NUMPY, Body::Binary(BinaryOp::Pow);
    float_power(x1, x2): "`x1 ** x2` in float64.", 1.0, NUMPY,
        Body::Native(Loops::Double, Floats::new(&POW));
    fmod(x1, x2): "The remainder with the sign of x1; 0 for integers where x2 is 0.", 0.0, NUMPY, Body::Op(Loops::Number, |l, dtype, args| {
        if dtype.is_float() { FMOD.call(l, dtype, args) } else { l.op(Op::TruncMod, args) }
    });
    negative(x): "`-x`.", 0.0, NUMPY, Body::Unary(UnaryOp::Neg);
    positive(x): "`+x`.", 0.0, NUMPY, Body::Unary(UnaryOp::Pos);
    copy(x): "`x` as it is, also where it is a string.", 0.0, NUMPY, Body::Inline(Expression::builtin("x"));
    ones_like(x): "1 in the type of x.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, _| l.constant(Scalar::of(dtype, 1.0)));
    zeros_like(x): "0 in the type of x.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, _| l.constant(Scalar::of(dtype, 0.0)));
    absolute abs(x): "The absolute value; of the smallest integer, itself.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if dtype == DType::Bool { args[0] } else { l.op(Op::Abs, args) }
    });
    fabs(x): "The absolute value, floating-point.", 0.0, NUMPY, Body::Op(Loops::Float, |l, _, args| l.op(Op::Abs, args));
    sign(x): "-1, 0 or 1 by the sign; NaN for NaN.", 0.0, NUMPY, Body::Op(Loops::Arithmetic, sign);
    _conj(x): "The complex conjugate; of what is not complex, itself, bools included.", 0.0, NUMPY, Body::Op(Loops::All, |_, _, args| args[0]);
    square(x): "`x * x`.", 0.0, NUMPY, Body::Op(Loops::Number, |l, _, args| l.op(Op::Mul, &[args[0], args[0]]));
    reciprocal(x): "`1 / x`, truncated for integers.", 0.0, NUMPY, Body::Op(Loops::Number, |l, dtype, args| {
        if dtype.is_float() {
            let one = l.constant(Scalar::of(dtype, 1.0));
            l.op(Op::Div, &[one, args[0]])
        } else {
            l.call(&integer_callee("reciprocal", plain::reciprocal, dtype), args)
        }
    });
    minimum(x1, x2): "The lesser; NaN where either is NaN; of two equal operands the first.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        l.op(if dtype == DType::Bool { Op::And } else { Op::Min }, args)
    });
    maximum(x1, x2): "The greater; NaN where either is NaN; of two equal operands the first.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        l.op(if dtype == DType::Bool { Op::Or } else { Op::Max }, args)
    });
    fmin(x1, x2): "The lesser; NaN only where both are NaN; of two equal operands the first.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        l.op(match dtype { DType::Bool => Op::And, _ if dtype.is_float() => Op::FMin, _ => Op::Min }, args)
    });
    fmax(x1, x2): "The greater; NaN only where both are NaN; of two equal operands the first.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        l.op(match dtype { DType::Bool => Op::Or, _ if dtype.is_float() => Op::FMax, _ => Op::Max }, args)
    });
    clip(x, min, max): "`minimum(maximum(x, min), max)`; Python integers beyond the dtype of x bound nothing.", 0.0, NUMPY, Body::Special(Special::Clip);
    r#where(condition, x, y): "x where the condition holds (is not zero), else y.", 0.0, NUMPY, Body::Special(Special::Where);
    copysign(x1, x2): "The magnitude of x1 with the sign of x2.", 0.0, NUMPY, Body::Op(Loops::Float, |l, _, args| l.op(Op::CopySign, args));
    heaviside(x1, x2): "0 below zero, 1 above, x2 at zero.", 0.0, NUMPY,
        Body::Expand(Loops::Float, Expression::builtin("x1 if x1 != x1 else (0 if x1 < 0 else (1 if x1 > 0 else x2))"));
    nextafter(x1, x2): "The neighbour of x1 towards x2.", 0.0, NUMPY,
        Body::Native(Loops::Float, Floats::new(&NEXTAFTER));
    spacing(x): "The distance to the neighbour that is farther from zero, with the sign of x.", 0.0, NUMPY,
        Body::Native(Loops::Float, Floats::new(&SPACING));
    ldexp(x1, x2): "`x1 * 2**x2` for an integer x2.", 0.0, NUMPY, Body::Special(Special::Ldexp);
}

pub(super) fn sign(l: &mut Loop, dtype: DType, args: &[Value]) -> Value {
    let x = args[0];
    let [zero, one, minus] = [0.0, 1.0, -1.0].map(|value| l.constant(Scalar::of(dtype, value)));
    let positive = l.op(Op::Gt, &[x, zero]);
    let at_most_zero = if dtype.is_float() || dtype.is_signed() {
        let negative = l.op(Op::Lt, &[x, zero]);
        // Zeros of both signs give +0; a NaN, which compares to nothing, is given back.
        let rest = if dtype.is_float() {
            let is_zero = l.op(Op::Eq, &[x, zero]);
            l.op(Op::Select, &[is_zero, zero, x])
        } else {
            zero
        };
        l.op(Op::Select, &[negative, minus, rest])
    } else {
        zero
    };
    l.op(Op::Select, &[positive, one, at_most_zero])
}
