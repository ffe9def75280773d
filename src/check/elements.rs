//! Elements of operands as values of a loop, and casts between their types.
//!
//! The Ir's values are lanes. An element of another type is held in lanes: a complex number in two, a float16
//! in a float32 that has its value, a time in an int64.

use super::errors;
use super::lower::Lowerer;
use super::term::{Known, Term};
use super::text::Literal;
use crate::dtype::{DType, Kind, Scalar, Type};
use crate::ir::{Callee, Inst, Op, Role, Value};
use crate::math::block::half;
use crate::source::Span;
use crate::syntax::ast::Name;
use std::sync::{Arc, LazyLock};

static WIDEN: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(half::WIDEN.callee("from_half")));
static NARROW: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(half::NARROW.callee("to_half")));
static ROUND_SINGLE: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(half::ROUND_SINGLE.callee("round_to_half")));
static ROUND_DOUBLE: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(half::ROUND_DOUBLE.callee("round_to_half")));

impl Lowerer<'_> {
    /// This lane's element of what has a role.
    pub(super) fn loaded(&mut self, role: Role, name: &Name, ty: Type, known: Known) -> Term {
        let dtype = ty.dtype();
        let lane = dtype.lane();
        match dtype {
            // Memory between loops holds lanes.
            DType::F16 if !matches!(role, Role::Hidden(_)) => {
                let bits = self.load(role, name, DType::U16, 0);
                Term::Value(self.current.call(&WIDEN, &[bits]), ty, known)
            }
            _ if dtype.is_complex() => {
                Term::Complex([0, lane.size()].map(|offset| self.load(role, name, lane, offset)), ty)
            }
            DType::Bytes(_) | DType::Str(_) => Term::Value(self.load(role, name, dtype, 0), ty, known),
            _ => Term::Value(self.load(role, name, lane, 0), ty, known),
        }
    }

    /// The value where the call's mask holds, else what was there before, or zero.
    pub(super) fn masked(&mut self, value: Term, before: Option<Term>, span: Span) -> Term {
        let mask = self.load(Role::Mask, &Name::from("where"), DType::Bool, 0);
        if Self::any_text(&[value]) {
            let before = before.unwrap_or_else(|| self.literal(Literal::Str(Arc::from(""))));
            return self.choose_texts(Term::strong(mask, DType::Bool), value, before, span);
        }
        let mut select = |value: Value, before: Option<Value>| {
            let dtype = self.current.dtype(value);
            let before = before.unwrap_or_else(|| self.current.constant(Scalar { dtype, bits: 0 }));
            self.current.op(Op::Select, &[mask, value, before])
        };
        match (value, before) {
            (Term::Complex([real, imag], ty), Some(Term::Complex(before, _))) => {
                Term::Complex([select(real, Some(before[0])), select(imag, Some(before[1]))], ty)
            }
            (Term::Complex(parts, ty), _) => Term::Complex(parts.map(|part| select(part, None)), ty),
            (Term::Value(value, ty, _), Some(Term::Value(before, ..))) => {
                Term::Value(select(value, Some(before)), ty, Known::Unknown)
            }
            (Term::Value(value, ty, _), _) => Term::Value(select(value, None), ty, Known::Unknown),
            (other, _) => other,
        }
    }

    /// Writes a value to this lane's element of what has a role.
    pub(super) fn store(&mut self, role: Role, name: &Name, term: Term) {
        let dtype = term.ty().dtype();
        match term {
            Term::Complex(parts, _) => {
                for (part, offset) in parts.into_iter().zip([0, dtype.lane().size()]) {
                    self.store_lane(role, name, part, offset);
                }
            }
            Term::Value(value, ..) if dtype == DType::F16 && !matches!(role, Role::Hidden(_)) => {
                let bits = self.current.call(&NARROW, &[value]);
                self.store_lane(role, name, bits, 0);
            }
            Term::Value(value, ..) => self.store_lane(role, name, value, 0),
            Term::Int(_) | Term::Float(_) | Term::Text(..) | Term::Poison => {}
        }
    }

    fn store_lane(&mut self, role: Role, name: &Name, value: Value, offset: usize) {
        let operand = self.operand(role, name, self.current.dtype(value), offset);
        self.current.push(Inst::Store(operand, value), None);
    }

    /// A float16 as it is held: the nearest to a float32 or a float64.
    pub(super) fn rounded_to_half(&mut self, value: Value) -> Value {
        let callee = if self.current.dtype(value) == DType::F64 { &ROUND_DOUBLE } else { &ROUND_SINGLE };
        self.current.call(callee, &[value])
    }

    /// A value that was computed for a type: of float16, what was computed in float32 is rounded.
    pub(super) fn finished(&mut self, value: Value, dtype: DType) -> Term {
        match self.current.dtype(value) {
            DType::F32 if dtype == DType::F16 => Term::strong(self.rounded_to_half(value), dtype),
            own => Term::strong(value, own),
        }
    }

    /// A number cast to a dtype, with NumPy's values; Python integers wrap, within 64 bits.
    pub(super) fn cast(&mut self, term: Term, dtype: DType, span: Span) -> Term {
        if term.ty() == Type::Strong(dtype) {
            return term;
        }
        if dtype.kind() == Kind::Text {
            return self.cast_text(term, dtype, span);
        }
        if dtype.is_complex() {
            return match self.complex_parts(term, dtype, span) {
                Some(parts) => Term::Complex(parts, Type::Strong(dtype)),
                None => Term::Poison,
            };
        }
        match self.cast_to_lane(term, dtype, span) {
            Some(value) => Term::strong(value, dtype),
            None => Term::Poison,
        }
    }

    /// The same for a type that is held in one lane.
    pub(super) fn cast_to_lane(&mut self, term: Term, dtype: DType, span: Span) -> Option<Value> {
        let is_float = dtype.is_float();
        Some(match term {
            Term::Poison | Term::Text(..) => return None,
            _ if dtype.is_time() && term.ty() != Type::Strong(dtype) => return self.cast_to_time(term, dtype, span),
            // As Python makes a float of an integer, and NumPy that type of the float.
            Term::Int(value) if is_float => self.constant(dtype, value as f64),
            Term::Int(value) => {
                if value < i64::MIN as i128 || value > u64::MAX as i128 {
                    self.error(errors::integer_too_large(span));
                    return None;
                }
                self.current.constant(Scalar::int(dtype, value))
            }
            Term::Float(value) => self.constant(dtype, value),
            Term::Complex(..) if dtype == DType::Bool => self.truth(term),
            // The imaginary part is lost, which only unsafe casting allows.
            Term::Complex([real, _], ty) => {
                let real = Term::strong(real, ty.dtype().lane());
                return self.cast_to_lane(real, dtype, span);
            }
            Term::Value(value, ty, _) if is_float && dtype != DType::F64 && ty.is_weak() && ty != Type::WeakFloat => {
                let double = self.current.convert(value, DType::F64);
                self.float(double, dtype)
            }
            Term::Value(value, ty, _) if ty.dtype() == dtype => value,
            Term::Value(value, ..) if is_float => self.float(value, dtype),
            Term::Value(value, ..) => self.current.convert(value, dtype),
        })
    }

    /// A number of a floating-point type, as it is held.
    fn constant(&mut self, dtype: DType, value: f64) -> Value {
        if dtype == DType::F16 {
            let value = self.current.constant(Scalar::f64(value));
            return self.rounded_to_half(value);
        }
        self.current.constant(Scalar::of(dtype, value))
    }

    /// A lane's value in a floating-point type, as that is held.
    fn float(&mut self, value: Value, dtype: DType) -> Value {
        match (dtype, self.current.dtype(value)) {
            (DType::F16, DType::F32 | DType::F64) => self.rounded_to_half(value),
            (DType::F16, _) => {
                let single = self.current.convert(value, DType::F32);
                self.rounded_to_half(single)
            }
            _ => self.current.convert(value, dtype),
        }
    }

    /// The truth of a value: whether it is not zero.
    pub(super) fn truth(&mut self, term: Term) -> Value {
        match term {
            Term::Int(value) => self.current.constant(Scalar::bool(value != 0)),
            Term::Float(value) => self.current.constant(Scalar::bool(value != 0.0)),
            Term::Complex(parts, _) => {
                let [real, imag] = parts.map(|part| self.current.convert(part, DType::Bool));
                self.current.op(Op::Or, &[real, imag])
            }
            Term::Value(value, ty, _) => {
                debug_assert_eq!(self.current.dtype(value), ty.dtype().lane());
                self.current.convert(value, DType::Bool)
            }
            Term::Poison | Term::Text(..) => self.current.constant(Scalar::bool(false)),
        }
    }
}
