//! Complex numbers: operators and comparisons over their parts.

use super::errors;
use super::functions::types;
use super::lower::Lowerer;
use super::operators::{comparison, ufunc};
use super::term::{Term, promote};
use crate::dtype::{DType, Scalar, Type};
use crate::ir::{GuardKind, Loop, Op, Value};
use crate::registry::builtins::complex;
use crate::registry::function::{Function, OfComplex};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, CompareOp};

/// The real and the imaginary part.
pub(super) type Parts = [Value; 2];

impl Lowerer<'_> {
    /// A number as a complex one of the given dtype.
    pub(super) fn complex_parts(&mut self, term: Term, dtype: DType, span: Span) -> Option<Parts> {
        let lane = dtype.lane();
        if let Term::Complex(parts, _) = term {
            return Some(parts.map(|part| self.current.convert(part, lane)));
        }
        let real = self.cast_to_lane(term, lane, span)?;
        Some([real, self.current.constant(Scalar::of(lane, 0.0))])
    }

    /// An operator of numbers, at least one of them complex.
    pub(super) fn complex_binary(&mut self, op: BinaryOp, a: Term, b: Term, span: Span) -> Term {
        let ty = promote(&[a, b]);
        let dtype = ty.dtype();
        let (Some(x), Some(y)) = (self.complex_parts(a, dtype, span), self.complex_parts(b, dtype, span)) else {
            return Term::Poison;
        };
        let l = &mut self.current;
        let parts = match op {
            BinaryOp::Add => [0, 1].map(|part| l.op(Op::Add, &[x[part], y[part]])),
            BinaryOp::Sub => [0, 1].map(|part| l.op(Op::Sub, &[x[part], y[part]])),
            BinaryOp::Mul => product(l, x, y),
            BinaryOp::Div if ty.is_weak() => {
                let is_zero = is_zero(l, y);
                self.guard_not(is_zero, GuardKind::ZeroDivision, span);
                quotient(&mut self.current, x, y)
            }
            BinaryOp::Div => quotient(l, x, y),
            BinaryOp::Pow => match b {
                Term::Int(2) => product(l, x, x),
                _ => complex::POWER.call(l, dtype.lane(), &[x[0], x[1], y[0], y[1]]),
            },
            _ => return self.error(errors::no_loop(ufunc(op), &types(&[a, b]), span)),
        };
        Term::Complex(parts, ty)
    }

    /// A comparison of numbers, at least one of them complex: by the real part, then by the imaginary.
    pub(super) fn complex_compare(&mut self, op: CompareOp, a: Term, b: Term, span: Span) -> Term {
        let dtype = promote(&[a, b]).dtype();
        let (Some(x), Some(y)) = (self.complex_parts(a, dtype, span), self.complex_parts(b, dtype, span)) else {
            return Term::Poison;
        };
        let l = &mut self.current;
        let value = match op {
            CompareOp::Eq | CompareOp::Ne => {
                let [real, imag] = [0, 1].map(|part| l.op(comparison(op), &[x[part], y[part]]));
                l.op(if op == CompareOp::Eq { Op::And } else { Op::Or }, &[real, imag])
            }
            _ => {
                let strictly = match op {
                    CompareOp::Lt | CompareOp::Le => Op::Lt,
                    _ => Op::Gt,
                };
                let first = l.op(strictly, &[x[0], y[0]]);
                // A NaN in an imaginary part decides nothing.
                let [known_x, known_y] = [x[1], y[1]].map(|imag| l.op(Op::Eq, &[imag, imag]));
                let known = l.op(Op::And, &[known_x, known_y]);
                let first = l.op(Op::And, &[first, known]);
                let equal = l.op(Op::Eq, &[x[0], y[0]]);
                let second = l.op(comparison(op), &[x[1], y[1]]);
                let second = l.op(Op::And, &[equal, second]);
                l.op(Op::Or, &[first, second])
            }
        };
        Term::strong(value, DType::Bool)
    }

    /// A call of a function whose row says what it computes of complex numbers.
    pub(super) fn complex_call(&mut self, function: &Function, args: &[Term], span: Span) -> Term {
        let Some(body) = &function.of_complex else {
            return self.error(errors::no_loop(&function.name, &types(args), span));
        };
        let dtype = promote(args).dtype();
        let mut parts = Vec::with_capacity(args.len());
        for &arg in args {
            match self.complex_parts(arg, dtype, span) {
                Some(arg) => parts.push(arg),
                None => return Term::Poison,
            }
        }
        let lane = dtype.lane();
        match body {
            OfComplex::Complex(build) => Term::Complex(build(&mut self.current, lane, &parts), Type::Strong(dtype)),
            OfComplex::Real(build) => {
                let value = build(&mut self.current, lane, &parts);
                Term::strong(value, self.current.dtype(value))
            }
            OfComplex::Native(kernels) => {
                let flat: Vec<Value> = parts.into_iter().flatten().collect();
                Term::Complex(kernels.call(&mut self.current, lane, &flat), Type::Strong(dtype))
            }
        }
    }
}

pub(super) fn product(l: &mut Loop, x: Parts, y: Parts) -> Parts {
    let [rr, ii, ri, ir] = [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(i, k)| l.op(Op::Mul, &[x[i], y[k]]));
    [l.op(Op::Sub, &[rr, ii]), l.op(Op::Add, &[ri, ir])]
}

fn is_zero(l: &mut Loop, x: Parts) -> Value {
    let zero = l.constant(Scalar::of(l.dtype(x[0]), 0.0));
    let [real, imag] = x.map(|part| l.op(Op::Eq, &[part, zero]));
    l.op(Op::And, &[real, imag])
}

/// By Smith's method (Algorithm 116, Communications of the ACM 5, 1962), as NumPy divides: scaled by the part of
/// the divisor that is the greater.
fn quotient(l: &mut Loop, x: Parts, y: Parts) -> Parts {
    let [size_real, size_imag] = y.map(|part| l.op(Op::Abs, &[part]));
    let by_real = l.op(Op::Ge, &[size_real, size_imag]);
    let select = |l: &mut Loop, a: Value, b: Value| l.op(Op::Select, &[by_real, a, b]);
    let (major, minor) = (select(l, y[0], y[1]), select(l, y[1], y[0]));
    let ratio = l.op(Op::Div, &[minor, major]);
    let one = l.constant(Scalar::of(l.dtype(major), 1.0));
    let scaled = l.op(Op::Mul, &[minor, ratio]);
    let scaled = l.op(Op::Add, &[major, scaled]);
    let scale = l.op(Op::Div, &[one, scaled]);
    // By the real part: (a + b r) s and (b - a r) s; by the imaginary: (a r + b) s and (b r - a) s.
    let (plain_real, turned_real) = (select(l, x[0], x[1]), select(l, x[1], x[0]));
    let turned = l.op(Op::Mul, &[turned_real, ratio]);
    let real = l.op(Op::Add, &[plain_real, turned]);
    let [b_ratio, a_ratio] = [x[1], x[0]].map(|part| l.op(Op::Mul, &[part, ratio]));
    let (from, taken) = (select(l, x[1], b_ratio), select(l, a_ratio, x[0]));
    let imag = l.op(Op::Sub, &[from, taken]);
    let scaled = [real, imag].map(|part| l.op(Op::Mul, &[part, scale]));
    // Nothing divided by zero has a ratio.
    let zero = is_zero(l, y);
    [0, 1].map(|part| {
        let over_zero = l.op(Op::Div, &[x[part], size_real]);
        l.op(Op::Select, &[zero, over_zero, scaled[part]])
    })
}
