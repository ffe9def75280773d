//! What functions compute of times, by their names.
//!
//! The least integer is NaT, which is no time. It is less than all others; with 1 taken off, which wraps, it
//! is greater than all others. So what treats it as NaN is treated, or the opposite, needs no test for it.

use crate::dtype::{DType, Scalar};
use crate::ir::{Loop, Op, Value};
use crate::registry::function::OfTime;

/// What the function of that name computes of times, if it takes any.
pub fn body(name: &str) -> Option<OfTime> {
    Some(match name {
        "isnat" | "isnan" => OfTime::Any(|l, x| is_nat(l, x[0])),
        "isinf" => OfTime::Any(|l, _| l.constant(Scalar::bool(false))),
        "isfinite" => OfTime::Any(|l, x| {
            let is_nat = is_nat(l, x[0]);
            l.op(Op::Not, &[is_nat])
        }),
        "minimum" => OfTime::Any(|l, x| l.op(Op::Min, x)),
        "maximum" => OfTime::Any(|l, x| nat_last(l, Op::Max, x)),
        "fmin" => OfTime::Any(|l, x| nat_last(l, Op::Min, x)),
        "fmax" => OfTime::Any(|l, x| l.op(Op::Max, x)),
        "real" => OfTime::Any(|_, x| x[0]),
        "imag" | "zeros_like" => OfTime::Any(|l, _| l.constant(Scalar::int(DType::I64, 0))),
        "ones_like" => OfTime::Any(|l, _| l.constant(Scalar::int(DType::I64, 1))),
        "absolute" => OfTime::Spans(|l, x| l.op(Op::Abs, x)),
        // Of NaT -1, as NumPy has it.
        "sign" => OfTime::Spans(|l, x| super::arithmetic::sign(l, DType::I64, x)),
        _ => return None,
    })
}

/// NaT.
pub fn nat(l: &mut Loop) -> Value {
    l.constant(Scalar::int(DType::I64, i64::MIN.into()))
}

/// Whether a time is NaT.
pub fn is_nat(l: &mut Loop, x: Value) -> Value {
    let nat = nat(l);
    l.op(Op::Eq, &[x, nat])
}

/// Times as integers of which NaT is the greatest.
pub fn with_nat_last(l: &mut Loop, x: Value) -> Value {
    let one = l.constant(Scalar::int(DType::I64, 1));
    l.op(Op::Sub, &[x, one])
}

/// The times of such integers.
pub fn with_nat_first(l: &mut Loop, x: Value) -> Value {
    let one = l.constant(Scalar::int(DType::I64, 1));
    l.op(Op::Add, &[x, one])
}

/// The lesser or the greater, where NaT is greater than all others.
fn nat_last(l: &mut Loop, op: Op, x: &[Value]) -> Value {
    let shifted = [with_nat_last(l, x[0]), with_nat_last(l, x[1])];
    let chosen = l.op(op, &shifted);
    with_nat_first(l, chosen)
}
