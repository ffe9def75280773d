//! Complex numbers: operators and comparisons over their parts.

use super::errors;
use super::functions::types;
use super::lower::Lowerer;
use super::operators::{comparison, ufunc};
use super::term::{Known, Term, promote};
use crate::dtype::{DType, Scalar, Type};
use crate::ir::{CalleeFn, GuardKind, Op, Value};
use crate::math::python;
use crate::registry::builtins::complex::{self, Parts};
use crate::registry::function::{Body, Function, Loops, OfComplex};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, CompareOp};
use std::sync::Arc;

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

    /// An operator of numbers, at least one of them complex. `as_operator` is false for the function of the same
    /// meaning, which treats exponents alike whatever they are.
    pub(super) fn complex_binary(&mut self, op: BinaryOp, a: Term, b: Term, span: Span, as_operator: bool) -> Term {
        let ty = promote(&[a, b]);
        let dtype = ty.dtype();
        let (Some(x), Some(y)) = (self.complex_parts(a, dtype, span), self.complex_parts(b, dtype, span)) else {
            return Term::Poison;
        };
        let l = &mut self.current;
        let parts = match op {
            BinaryOp::Add => [0, 1].map(|part| l.op(Op::Add, &[x[part], y[part]])),
            BinaryOp::Sub => [0, 1].map(|part| l.op(Op::Sub, &[x[part], y[part]])),
            BinaryOp::Mul => complex::product(l, x, y),
            BinaryOp::Div => {
                if ty.is_weak() {
                    let is_zero = complex::is_zero(l, y);
                    self.guard_not(is_zero, GuardKind::ZeroDivision, span);
                }
                complex::quotient(&mut self.current, x, y, ty.is_weak())
            }
            BinaryOp::Pow if ty.is_weak() => self.weak_complex_power(x, y, span),
            BinaryOp::Pow => self.complex_power(x, y, exponent(b), as_operator, dtype),
            _ => return self.error(errors::no_loop(ufunc(op), &types(&[a, b]), span)),
        };
        Term::Complex(parts, ty)
    }

    /// A power by NumPy's rules: as an operator it has its own functions for some exponents.
    fn complex_power(&mut self, x: Parts, y: Parts, exponent: Option<f64>, as_operator: bool, dtype: DType) -> Parts {
        let l = &mut self.current;
        match exponent {
            Some(2.0) if as_operator => complex::product(l, x, x),
            Some(0.5) if as_operator => complex::SQRT.call(l, dtype.lane(), &x),
            Some(-1.0) if as_operator => complex::reciprocal(l, x),
            Some(whole) if whole.abs() < 100.0 && whole.fract() == 0.0 && whole != 0.0 => {
                complex::whole_power(l, x, whole as i32)
            }
            _ => complex::POWER.call(l, dtype.lane(), &[x[0], x[1], y[0], y[1]]),
        }
    }

    /// A power of Python's own complex numbers.
    fn weak_complex_power(&mut self, x: Parts, y: Parts, span: Span) -> Parts {
        type Part = extern "C" fn(f64, f64, f64, f64) -> f64;
        type Question = extern "C" fn(f64, f64, f64, f64) -> bool;
        let args = [x[0], x[1], y[0], y[1]];
        let divides = (python::complex_power_divides_by_zero as Question).callee("complex_power_divides_by_zero");
        let divides = self.current.call(&Arc::new(divides), &args);
        self.guard_not(divides, GuardKind::ZeroDivision, span);
        let parts = [
            (python::complex_power_real as Part).callee("complex_power_real"),
            (python::complex_power_imag as Part).callee("complex_power_imag"),
        ];
        let parts = parts.map(|part| self.current.call(&Arc::new(part), &args));
        let infinity = self.current.constant(Scalar::f64(f64::INFINITY));
        let [real, imag] = parts.map(|part| {
            let size = self.current.op(Op::Abs, &[part]);
            self.current.op(Op::Eq, &[size, infinity])
        });
        let overflows = self.current.op(Op::Or, &[real, imag]);
        self.guard_not(overflows, GuardKind::Overflow, span);
        parts
    }

    /// A comparison of numbers, at least one of them complex: by the real part, then by the imaginary.
    pub(super) fn complex_compare(&mut self, op: CompareOp, a: Term, b: Term, span: Span) -> Term {
        let ty = promote(&[a, b]);
        if ty.is_weak() && !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return self.error(errors::not_ordered(op, &types(&[a, b]), span));
        }
        let dtype = ty.dtype();
        let (Some(x), Some(y)) = (self.complex_parts(a, dtype, span), self.complex_parts(b, dtype, span)) else {
            return Term::Poison;
        };
        let l = &mut self.current;
        let value = match op {
            CompareOp::Eq | CompareOp::Ne => {
                let [real, imag] = [0, 1].map(|part| l.op(comparison(op), &[x[part], y[part]]));
                l.op(if op == CompareOp::Eq { Op::And } else { Op::Or }, &[real, imag])
            }
            _ => complex::in_order(l, comparison(op), x, y),
        };
        Term::strong(value, DType::Bool)
    }

    /// `complex(real, imag)`
    pub(super) fn complex_of_parts(&mut self, function: &Function, args: &[Term], span: Span) -> Term {
        let Some(lane) = self.resolve(function, Loops::Real, args, span) else { return Term::Poison };
        match [args[0], args[1]].map(|arg| self.to(arg, lane, span)) {
            [Some(real), Some(imag)] => {
                let dtype = if lane == DType::F32 { DType::C64 } else { DType::C128 };
                Term::Complex([real, imag], Type::Strong(dtype))
            }
            _ => Term::Poison,
        }
    }

    /// A call of a function whose row says what it computes of complex numbers.
    pub(super) fn complex_call(&mut self, function: &Function, args: &[Term], span: Span) -> Term {
        let Some(body) = &function.of_complex else {
            return self.error(errors::no_loop(&function.name, &types(args), span));
        };
        let dtype = match function.body {
            Body::Native(Loops::Double, _) => DType::C128,
            _ => promote(args).dtype(),
        };
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

/// An exponent that is a number of Python's own and known.
fn exponent(term: Term) -> Option<f64> {
    match term {
        Term::Int(value) => Some(value as f64),
        Term::Float(value) => Some(value),
        _ => (term.is_weak_int() && term.known() == Known::Two).then_some(2.0),
    }
}
