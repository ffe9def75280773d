//! Comparisons, logic and classification.

use super::{NUMPY, rows};
use crate::dtype::{DType, Scalar};
use crate::ir::Op;
use crate::registry::function::{Body, Loops, Special};
use crate::syntax::ast::{CompareOp, LogicalOp, UnaryOp};

rows! {
    equal(x1, x2): "`x1 == x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Eq);
    not_equal(x1, x2): "`x1 != x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Ne);
    less(x1, x2): "`x1 < x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Lt);
    less_equal(x1, x2): "`x1 <= x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Le);
    greater(x1, x2): "`x1 > x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Gt);
    greater_equal(x1, x2): "`x1 >= x2`.", 0.0, NUMPY, Body::Compare(CompareOp::Ge);
    logical_and(x1, x2): "`x1 and x2`, as bool.", 0.0, NUMPY, Body::Logical(LogicalOp::And);
    logical_or(x1, x2): "`x1 or x2`, as bool.", 0.0, NUMPY, Body::Logical(LogicalOp::Or);
    logical_xor(x1, x2): "Whether just one of the two holds.", 0.0, NUMPY, Body::Special(Special::LogicalXor);
    logical_not(x): "`not x`, as bool.", 0.0, NUMPY, Body::Unary(UnaryOp::Not);
    isnan(x): "Whether x is NaN.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if dtype.is_float() { l.op(Op::Ne, &[args[0], args[0]]) } else { l.constant(Scalar::bool(false)) }
    });
    isnat(x): "Whether x, a time, is NaT: no time.", 0.0, NUMPY, Body::Op(Loops::Never, |_, _, args| args[0]);
    isinf(x): "Whether x is an infinity.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if !dtype.is_float() {
            return l.constant(Scalar::bool(false));
        }
        let magnitude = l.op(Op::Abs, args);
        let infinity = l.constant(Scalar::of(dtype, f64::INFINITY));
        l.op(Op::Eq, &[magnitude, infinity])
    });
    isfinite(x): "Whether x is neither NaN nor an infinity.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if !dtype.is_float() {
            return l.constant(Scalar::bool(true));
        }
        let magnitude = l.op(Op::Abs, args);
        let infinity = l.constant(Scalar::of(dtype, f64::INFINITY));
        l.op(Op::Lt, &[magnitude, infinity])
    });
    signbit(x): "Whether the sign bit of x is set, NaNs and zeros included.", 0.0, NUMPY, Body::Op(Loops::FloatOrHalf, |l, dtype, args| {
        let one = l.constant(Scalar::of(dtype, 1.0));
        let signed = l.op(Op::CopySign, &[one, args[0]]);
        let zero = l.constant(Scalar::of(dtype, 0.0));
        debug_assert!(matches!(dtype, DType::F32 | DType::F64));
        l.op(Op::Lt, &[signed, zero])
    });
}
