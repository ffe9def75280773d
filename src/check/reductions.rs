//! Reductions: their types, and their place in the loop over what they reduce.

use super::errors;
use super::functions::types;
use super::lower::{Folds, Lowerer};
use super::term::{Known, Term};
use super::times;
use crate::dtype::{DType, Kind, Scalar, Type};
use crate::ir::{Args, Fold, Op, Role, Value};
use crate::registry::builtins::complex::body;
use crate::registry::function::{OfComplex, Reduction};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Name};
use smallvec::{SmallVec, smallvec};

/// The type in which NumPy reduces values of a type, and what joins them.
fn rule(kind: Reduction, operand: DType, asked: Option<DType>) -> Option<(DType, Fold)> {
    if operand.is_time() || asked.is_some_and(DType::is_time) {
        return times::rule(kind, operand, asked);
    }
    let wide = match operand.kind() {
        Kind::Bool | Kind::Signed => DType::I64,
        Kind::Unsigned => DType::U64,
        _ => operand,
    };
    let has_nan = operand.is_float() || operand.is_complex();
    let float = if has_nan { operand } else { DType::F64 };
    let (dtype, fold) = match kind {
        Reduction::Sum => (asked.unwrap_or(wide), Fold::Add),
        Reduction::Total => (asked.unwrap_or(float), Fold::Add),
        Reduction::Prod => (asked.unwrap_or(wide), Fold::Mul),
        Reduction::Min => (operand, Fold::Min),
        Reduction::Max => (operand, Fold::Max),
        Reduction::NanMin if has_nan => (operand, Fold::FMin),
        Reduction::NanMin => (operand, Fold::Min),
        Reduction::NanMax if has_nan => (operand, Fold::FMax),
        Reduction::NanMax => (operand, Fold::Max),
        Reduction::All => (DType::Bool, Fold::And),
        Reduction::Any => (DType::Bool, Fold::Or),
        Reduction::Count | Reduction::Size | Reduction::Index => (DType::I64, Fold::Add),
        Reduction::Inner | Reduction::Dot => (operand, Fold::Add),
    };
    // Sums of bools, as such, are whether any holds, and so on.
    let of_bool = match fold {
        Fold::Add | Fold::Max => Fold::Or,
        Fold::Mul | Fold::Min => Fold::And,
        other => other,
    };
    dtype.is_number().then_some((dtype, if dtype == DType::Bool { of_bool } else { fold }))
}

/// Which of the loops of a reduction is it that folds?
#[derive(Clone, Copy)]
enum Lanes {
    First,
    /// The second, of what the order of complex numbers reduces.
    Second,
}

/// Does a fold choose by order?
fn is_ordered(fold: Fold) -> bool {
    matches!(fold, Fold::Min | Fold::Max | Fold::FMin | Fold::FMax)
}

impl Lowerer<'_> {
    /// Adds a reduction to the current loop, which is over what it reduces.
    pub(super) fn reduction(&mut self, index: usize) {
        let Some((lanes, dtype)) = self.lanes(index, Lanes::First) else { return };
        let is_new = self.fold(index, &lanes, dtype);
        if is_new && dtype.is_complex() && is_ordered(lanes[0].0) {
            self.halved.push(index);
        }
    }

    /// Adds the imaginary part of what is the first or the last in the order of complex numbers, once its real
    /// part is there.
    pub(super) fn second_half(&mut self, index: usize) {
        if let Some((lanes, dtype)) = self.lanes(index, Lanes::Second) {
            let (fold, values) = lanes[0];
            self.fold_lane(index, fold, values, dtype.lane().size());
        }
    }

    /// What a reduction folds in the current loop, and the type of its value.
    fn lanes(&mut self, index: usize, lanes: Lanes) -> Option<(Folds, DType)> {
        let resolved = self.resolved;
        let statement = &resolved.statements[index];
        let reduction = statement.reduction.as_ref()?;
        let span = resolved.ast.span(statement.value);
        let wanted: SmallVec<[_; 2]> = [Some(reduction.operand), reduction.condition].into_iter().flatten().collect();
        let terms = self.values_of(statement, &wanted);
        if terms.contains(&Term::Poison) {
            return None;
        }
        if Self::any_text(&terms) {
            self.errors.push(errors::text_operand(reduction.kind.ufunc(), &types(&terms[..1]), span));
            return None;
        }
        let strong = self.strong(terms[0], span);
        let Some((dtype, fold)) = rule(reduction.kind, strong.ty().dtype(), reduction.dtype) else {
            self.errors.push(errors::no_loop(reduction.kind.ufunc(), &[strong.ty()], span));
            return None;
        };
        let value = match reduction.kind {
            Reduction::Size => Term::strong(self.current.constant(Scalar::int(DType::I64, 1)), dtype),
            Reduction::Count => {
                let truth = self.truth(strong);
                Term::strong(self.current.convert(truth, dtype), dtype)
            }
            _ => self.cast(strong, dtype, span),
        };
        let mut lanes: Folds = match value {
            Term::Complex(parts, _) if is_ordered(fold) => {
                let lane = match lanes {
                    Lanes::First => self.known_real(parts),
                    Lanes::Second => self.imag_of_first(index, fold, parts),
                };
                smallvec![(fold, Args::new(&[lane]))]
            }
            Term::Complex(parts, _) if fold == Fold::Mul => {
                [Fold::MulReal, Fold::MulImag].map(|fold| (fold, Args::new(&parts))).into_iter().collect()
            }
            Term::Complex(parts, _) => parts.into_iter().map(|part| (fold, Args::new(&[part]))).collect(),
            Term::Value(value, ..) if dtype.is_time() => self.time_lanes(reduction.kind, fold, value),
            Term::Value(value, ..) => smallvec![(fold, Args::new(&[value]))],
            _ => return None,
        };
        if let Some(&condition) = terms.get(1) {
            if condition.ty() != Type::Strong(DType::Bool) {
                self.errors.push(errors::mask_is_no_bool(reduction.kind.ufunc(), condition.ty(), span));
                return None;
            }
            let condition = self.truth(condition);
            for (fold, values) in &mut lanes {
                let nothing = fold.identities(self.current.dtype(values[0]));
                for (value, nothing) in values.iter_mut().zip(nothing) {
                    let nothing = self.current.constant(nothing);
                    *value = self.current.op(Op::Select, &[condition, *value, nothing]);
                }
            }
        }
        Some((lanes, dtype))
    }

    /// The real part, which is no number where the imaginary is none.
    fn known_real(&mut self, [real, imag]: [Value; 2]) -> Value {
        let l = &mut self.current;
        let is_known = l.op(Op::Eq, &[imag, imag]);
        let no_number = l.constant(Scalar::of(l.dtype(real), f64::NAN));
        l.op(Op::Select, &[is_known, real, no_number])
    }

    /// The imaginary part where the real part is the one that was folded.
    fn imag_of_first(&mut self, index: usize, fold: Fold, [real, imag]: [Value; 2]) -> Value {
        let dtype = self.current.dtype(real);
        let folded = self.load(Role::Hidden(index as u32), &Name::from(""), dtype, 0);
        let l = &mut self.current;
        let is_first = l.op(Op::Eq, &[real, folded]);
        let nothing = l.constant(fold.identity(dtype));
        l.op(Op::Select, &[is_first, imag, nothing])
    }

    /// What has a statement of its own, where it is read: a reduction joined to the value that it begins
    /// with, if it has one.
    pub(super) fn hoisted(
        &mut self,
        index: u32,
        term: impl Fn(crate::syntax::ast::ExprId) -> Term,
        span: Span,
    ) -> Term {
        let value = self.earlier(index);
        let Some(reduction) = &self.resolved.statements[index as usize].reduction else { return value };
        let dtype = value.ty().dtype();
        let initial = reduction.initial.map(term);
        // A string, a time or a complex number begins no reduction of others.
        let differs = |initial: Term| {
            let is_other = |is: fn(DType) -> bool| is(initial.ty().dtype()) && !is(dtype);
            Self::any_text(&[initial]) || is_other(DType::is_time) || is_other(DType::is_complex)
        };
        if let Some(initial) = initial
            && differs(initial)
        {
            return self.error(errors::no_loop(reduction.kind.ufunc(), &[initial.ty(), value.ty()], span));
        }
        if let Term::Complex(parts, _) = value {
            let initial = initial.map(|initial| self.cast(initial, dtype, span));
            return match (body(reduction.kind.ufunc()), initial) {
                (Some(OfComplex::Complex(extreme)), initial) => {
                    let folded = self.known_or_nan(parts);
                    let joined = match initial {
                        Some(Term::Complex(initial, _)) => extreme(&mut self.current, dtype.lane(), &[initial, folded]),
                        _ => folded,
                    };
                    Term::Complex(joined, Type::Strong(dtype))
                }
                (_, Some(initial)) => {
                    let op = if reduction.kind == Reduction::Prod { BinaryOp::Mul } else { BinaryOp::Add };
                    self.complex_binary(op, initial, value, span, false)
                }
                (_, None) => value,
            };
        }
        let Term::Value(mut result, ty, _) = value else { return value };
        if dtype.is_time() {
            return self.time_folded(reduction.kind, index, result, initial, dtype, span);
        }
        // It was folded in float32; a mean is rounded when it is one.
        if dtype == DType::F16 && reduction.kind != Reduction::Total {
            result = self.rounded_to_half(result);
        }
        let Some(initial) = initial else {
            // As NumPy's scalars, it may be an exponent that is treated specially.
            let is_scalar = reduction.axes.is_none() && !reduction.keepdims && dtype.is_float();
            return Term::Value(result, ty, if is_scalar { Known::Scalar } else { Known::Unknown });
        };
        let initial = match dtype {
            DType::Bool => Some(self.truth(initial)),
            _ => self.to(initial, dtype, span),
        };
        let Some(initial) = initial else { return Term::Poison };
        let op = rule(reduction.kind, dtype, Some(dtype)).and_then(|(_, fold)| fold.op());
        let Some(op) = op else { return Term::Poison };
        let joined = self.current.op(op, &[initial, result]);
        if dtype == DType::F16 { self.finished(joined, dtype) } else { Term::strong(joined, dtype) }
    }

    /// A complex number of which both parts are NaN if the real part is.
    fn known_or_nan(&mut self, [real, imag]: [Value; 2]) -> [Value; 2] {
        let l = &mut self.current;
        let is_known = l.op(Op::Eq, &[real, real]);
        [real, l.op(Op::Select, &[is_known, imag, real])]
    }

    /// `_per(x, n)`
    pub(super) fn per(&mut self, x: Term, n: Term, span: Span) -> Term {
        let dtype = x.ty().dtype();
        let Some(n) = self.to(n, DType::F64, span) else { return Term::Poison };
        if let Term::Complex(parts, ty) = x {
            let quotients = parts.map(|part| {
                let part = self.current.convert(part, DType::F64);
                let quotient = self.current.op(Op::Div, &[part, n]);
                self.current.convert(quotient, dtype.lane())
            });
            return Term::Complex(quotients, ty);
        }
        let Some(x) = self.to(x, DType::F64, span) else { return Term::Poison };
        let quotient = self.current.op(Op::Div, &[x, n]);
        self.cast(Term::strong(quotient, DType::F64), dtype, span)
    }
}
