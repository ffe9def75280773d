//! The language's operators: NumPy's on arrays, Python's where both operands are Python's own numbers.

use super::errors;
use super::functions::types;
use super::lower::Lowerer;
use super::term::{Known, Term, promote};
use super::times::has_times;
use crate::dtype::{DType, Scalar, Type};
use crate::ir::{Callee, CalleeFn, GuardKind, Op, Value};
use crate::math::block::plain;
use crate::math::{elementary, python};
use crate::registry::builtins::operators as natives;
use crate::registry::function::integer_callee;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, CompareOp, LogicalOp, UnaryOp};
use std::sync::Arc;

/// The ufunc of an operator.
pub(super) fn ufunc(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "subtract",
        BinaryOp::Mul => "multiply",
        BinaryOp::Div => "divide",
        BinaryOp::FloorDiv => "floor_divide",
        BinaryOp::Mod => "remainder",
        BinaryOp::Pow => "power",
        BinaryOp::And => "bitwise_and",
        BinaryOp::Or => "bitwise_or",
        BinaryOp::Xor => "bitwise_xor",
        BinaryOp::Shl => "left_shift",
        BinaryOp::Shr => "right_shift",
    }
}

impl Lowerer<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, a: Term, span: Span) -> Term {
        let dtype = a.ty().dtype();
        match (op, a) {
            (_, Term::Poison) => Term::Poison,
            (_, Term::Text(..) | Term::Value(_, Type::Strong(DType::Bytes(_) | DType::Str(_)), _)) => {
                self.error(errors::text_operand(unary_name(op), &types(&[a]), span))
            }
            _ if dtype.is_time() => self.time_unary(op, a, span),
            (UnaryOp::Not, _) => {
                let truth = self.truth(a);
                Term::strong(self.current.op(Op::Not, &[truth]), DType::Bool)
            }
            (UnaryOp::Pos, Term::Value(_, Type::Strong(DType::Bool), _)) => {
                self.error(errors::no_loop("positive", &types(&[a]), span))
            }
            (UnaryOp::Pos, _) => a,
            (UnaryOp::Neg, Term::Complex(parts, ty)) => {
                Term::Complex(parts.map(|part| self.current.op(Op::Neg, &[part])), ty)
            }
            (UnaryOp::Neg, Term::Int(value)) => Term::Int(value.wrapping_neg()),
            (UnaryOp::Neg, Term::Float(value)) => Term::Float(-value),
            (UnaryOp::Neg, Term::Value(value, ty, known)) => match ty {
                Type::Strong(DType::Bool) => self.error(errors::boolean_negative(span)),
                Type::WeakUInt => self.error(errors::weak_overflow(span)),
                _ => {
                    if ty == Type::WeakInt {
                        let least = self.current.constant(Scalar::int(DType::I64, i64::MIN.into()));
                        let fits = self.current.op(Op::Ne, &[value, least]);
                        self.guard(fits, GuardKind::Overflow, span);
                    }
                    Term::Value(self.current.op(Op::Neg, &[value]), ty, known.negated())
                }
            },
            (UnaryOp::Invert, Term::Int(value)) => Term::Int(!value),
            (UnaryOp::Invert, Term::Value(_, Type::WeakUInt, _)) => self.error(errors::weak_overflow(span)),
            (UnaryOp::Invert, Term::Value(value, ty, known)) if dtype == DType::Bool || dtype.is_int() => {
                Term::Value(self.current.op(Op::Not, &[value]), ty, known.inverted())
            }
            (UnaryOp::Invert, _) => self.error(errors::no_loop("invert", &types(&[a]), span)),
        }
    }

    pub(super) fn logical(&mut self, op: LogicalOp, a: Term, b: Term, span: Span) -> Term {
        if a == Term::Poison || b == Term::Poison {
            return Term::Poison;
        }
        if Self::any_text(&[a, b]) {
            let name = if op == LogicalOp::And { "and" } else { "or" };
            return self.error(errors::text_operand(name, &types(&[a, b]), span));
        }
        let operands = [self.truth(a), self.truth(b)];
        let op = match op {
            LogicalOp::And => Op::And,
            LogicalOp::Or => Op::Or,
        };
        Term::strong(self.current.op(op, &operands), DType::Bool)
    }

    pub(super) fn binary(&mut self, op: BinaryOp, a: Term, b: Term, span: Span) -> Term {
        match (a, b) {
            (Term::Poison, _) | (_, Term::Poison) => Term::Poison,
            _ if Self::any_text(&[a, b]) && op == BinaryOp::Add => self.add_texts(a, b, span),
            _ if Self::any_text(&[a, b]) => self.error(errors::text_operand(ufunc(op), &types(&[a, b]), span)),
            _ if has_times(&[a, b]) => self.time_binary(op, a, b, span),
            (Term::Complex(..), _) | (_, Term::Complex(..)) => self.complex_binary(op, a, b, span, true),
            _ if !a.is_weak() || !b.is_weak() => self.strong_binary(op, a, b, span, true),
            (Term::Int(a), Term::Int(b)) => self.fold_int(op, a, b, span),
            (Term::Int(_) | Term::Float(_), Term::Int(_) | Term::Float(_)) => {
                let [x, y] = [a, b].map(|t| match t {
                    Term::Int(value) => value as f64,
                    Term::Float(value) => value,
                    _ => f64::NAN,
                });
                self.fold_float(op, x, y, &types(&[a, b]), span)
            }
            _ if a.is_weak_int() && b.is_weak_int() => self.weak_int(op, a, b, span),
            _ => self.weak_float(op, a, b, span),
        }
    }

    /// An operator where at least one operand has a dtype: NumPy's.
    ///
    /// `as_operator` is false for the function of the same meaning, which treats exponents alike
    /// whatever they are.
    pub(super) fn strong_binary(&mut self, op: BinaryOp, a: Term, b: Term, span: Span, as_operator: bool) -> Term {
        if a == Term::Poison || b == Term::Poison {
            return Term::Poison;
        }
        if has_times(&[a, b]) {
            return self.time_binary(op, a, b, span);
        }
        let common = promote(&[a, b]).dtype();
        if common.is_complex() {
            return self.complex_binary(op, a, b, span, as_operator);
        }
        let is_bool = common == DType::Bool;
        // The type of NumPy's loop.
        let dtype = match op {
            BinaryOp::Add | BinaryOp::Mul => common,
            BinaryOp::Sub if is_bool => return self.error(errors::boolean_subtract(span)),
            BinaryOp::Sub => common,
            BinaryOp::Div if !common.is_float() => DType::F64,
            BinaryOp::Div => common,
            BinaryOp::Pow if as_operator && is_two(b) && a.ty() == Type::Strong(DType::Bool) => DType::I8,
            BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::Pow if is_bool => DType::I8,
            BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::Pow => common,
            BinaryOp::Xor if common.is_float() => return self.error(errors::xor_of_floats(&types(&[a, b]), span)),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::Shl | BinaryOp::Shr if common.is_float() => {
                return self.error(errors::no_loop(ufunc(op), &types(&[a, b]), span));
            }
            BinaryOp::Shl | BinaryOp::Shr if is_bool => DType::I8,
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::Shl | BinaryOp::Shr => common,
        };
        if op == BinaryOp::Pow {
            return self.power(a, b, dtype, span, as_operator);
        }
        let (Some(x), Some(y)) = (self.to(a, dtype, span), self.to(b, dtype, span)) else { return Term::Poison };
        let value = match op {
            BinaryOp::Add if is_bool => self.current.op(Op::Or, &[x, y]),
            BinaryOp::Mul if is_bool => self.current.op(Op::And, &[x, y]),
            BinaryOp::FloorDiv if dtype.is_float() => natives::FLOOR_DIV.call(&mut self.current, dtype, &[x, y]),
            BinaryOp::Mod if dtype.is_float() => natives::FLOOR_MOD.call(&mut self.current, dtype, &[x, y]),
            _ => self.current.op(primitive(op), &[x, y]),
        };
        self.finished(value, dtype)
    }

    fn power(&mut self, a: Term, b: Term, dtype: DType, span: Span, as_operator: bool) -> Term {
        let Some(base) = self.to(a, dtype, span) else { return Term::Poison };
        if dtype.is_float() {
            let exponent = match b {
                Term::Int(value) => Some(value as f64),
                Term::Float(value) => Some(value),
                _ => is_two(b).then_some(2.0),
            };
            // NumPy's function knows no roots of float16.
            let is_root = as_operator || dtype != DType::F16;
            // Where the power is one operation, it is the exact one, as NumPy has it.
            let simple = match exponent {
                Some(2.0) => Some(self.current.op(Op::Mul, &[base, base])),
                Some(1.0) => Some(base),
                Some(0.5) if is_root => Some(self.current.op(Op::Sqrt, &[base])),
                Some(-1.0) => {
                    let one = self.current.constant(Scalar::of(dtype.lane(), 1.0));
                    Some(self.current.op(Op::Div, &[one, base]))
                }
                _ => None,
            };
            if let Some(value) = simple {
                return self.finished(value, dtype);
            }
            let Some(power) = self.to(b, dtype, span) else { return Term::Poison };
            // Its operator knows those of Python's exponents.
            let is_known = b.known() == Known::Scalar && dtype != DType::F16;
            let is_scalar = is_root && (b.is_weak() || is_known);
            let function = if is_scalar { &natives::POW_SCALAR } else { &natives::POW };
            let value = function.call(&mut self.current, dtype, &[base, power]);
            return self.finished(value, dtype);
        }
        match b {
            Term::Int(value) if value < 0 && dtype.is_signed() => {
                return self.error(errors::negative_power(span));
            }
            _ if is_two(b) => return Term::strong(self.current.op(Op::Mul, &[base, base]), dtype),
            _ => {}
        }
        let Some(power) = self.to(b, dtype, span) else { return Term::Poison };
        if dtype.is_signed() && !matches!(b, Term::Int(_)) {
            let zero = self.current.constant(Scalar::int(dtype, 0));
            let is_natural = self.current.op(Op::Ge, &[power, zero]);
            self.guard(is_natural, GuardKind::NegativePower, span);
        }
        let callee = integer_callee("power", plain::power, dtype);
        Term::strong(self.current.call(&callee, &[base, power]), dtype)
    }

    pub(super) fn compare(&mut self, op: CompareOp, a: Term, b: Term, span: Span) -> Term {
        if a == Term::Poison || b == Term::Poison {
            return Term::Poison;
        }
        if Self::any_text(&[a, b]) {
            return self.compare_texts(op, a, b, span);
        }
        if has_times(&[a, b]) {
            return self.time_compare(op, a, b, span, true);
        }
        if [a, b].iter().any(|term| matches!(term, Term::Complex(..))) {
            return self.complex_compare(op, a, b, span);
        }
        let value = match (a.ty(), b.ty()) {
            _ if a.is_weak() && b.is_weak() => return self.compare_weak(op, a, b, span),
            (Type::Strong(dtype), _) if dtype.is_int() && b.is_weak_int() => self.compare_to_int(op, a, dtype, b),
            (_, Type::Strong(dtype)) if dtype.is_int() && a.is_weak_int() => {
                self.compare_to_int(mirrored(op), b, dtype, a)
            }
            (Type::Strong(DType::U64), Type::Strong(y)) if y.is_signed() => {
                self.compare_unsigned(mirrored(op), b, a, span)
            }
            (Type::Strong(x), Type::Strong(DType::U64)) if x.is_signed() => self.compare_unsigned(op, a, b, span),
            _ => {
                let dtype = promote(&[a, b]).dtype();
                let (Some(x), Some(y)) = (self.to(a, dtype, span), self.to(b, dtype, span)) else {
                    return Term::Poison;
                };
                Some(self.compare_values(op, x, y))
            }
        };
        value.map_or(Term::Poison, |value| Term::strong(value, DType::Bool))
    }

    /// A comparison of two values of one type.
    fn compare_values(&mut self, op: CompareOp, x: Value, y: Value) -> Value {
        if self.current.dtype(x) != DType::Bool || matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return self.current.op(comparison(op), &[x, y]);
        }
        // False is less than true.
        let (op, negated, other) = match op {
            CompareOp::Lt => (Op::And, x, y),
            CompareOp::Gt => (Op::And, y, x),
            CompareOp::Le => (Op::Or, x, y),
            _ => (Op::Or, y, x),
        };
        let negated = self.current.op(Op::Not, &[negated]);
        self.current.op(op, &[negated, other])
    }

    /// An integer array's element and a Python integer, exactly, whether it fits the type or not.
    fn compare_to_int(&mut self, op: CompareOp, a: Term, dtype: DType, b: Term) -> Option<Value> {
        let Term::Value(x, ..) = a else { return None };
        let (lowest, highest) = dtype.int_range();
        // The result where b is above everything that the type holds, and where it is below.
        let above = matches!(op, CompareOp::Ne | CompareOp::Lt | CompareOp::Le);
        let below = matches!(op, CompareOp::Ne | CompareOp::Gt | CompareOp::Ge);
        Some(match b {
            Term::Int(value) if value > highest => self.current.constant(Scalar::bool(above)),
            Term::Int(value) if value < lowest => self.current.constant(Scalar::bool(below)),
            Term::Int(value) => {
                let y = self.current.constant(Scalar::int(dtype, value));
                self.current.op(comparison(op), &[x, y])
            }
            Term::Value(value, Type::WeakUInt, _) if dtype == DType::U64 => {
                self.current.op(comparison(op), &[x, value])
            }
            Term::Value(_, Type::WeakUInt, _) => self.current.constant(Scalar::bool(above)),
            Term::Value(value, ..) if dtype == DType::I64 => self.current.op(comparison(op), &[x, value]),
            Term::Value(value, ..) => {
                let y = self.current.convert(value, dtype);
                let within = self.current.op(comparison(op), &[x, y]);
                let fits = self.fits(value, dtype);
                let zero = self.current.constant(Scalar::int(DType::I64, 0));
                let is_above = self.current.op(Op::Gt, &[value, zero]);
                let [above, below] = [above, below].map(|b| self.current.constant(Scalar::bool(b)));
                let outside = self.current.op(Op::Select, &[is_above, above, below]);
                self.current.op(Op::Select, &[fits, within, outside])
            }
            Term::Float(_) | Term::Text(..) | Term::Complex(..) | Term::Poison => return None,
        })
    }

    /// A signed integer and a uint64, exactly.
    fn compare_unsigned(&mut self, op: CompareOp, signed: Term, unsigned: Term, span: Span) -> Option<Value> {
        let x = self.to(signed, DType::I64, span)?;
        let y = self.to(unsigned, DType::U64, span)?;
        let zero = self.current.constant(Scalar::int(DType::I64, 0));
        let is_negative = self.current.op(Op::Lt, &[x, zero]);
        let bits = self.current.convert(x, DType::U64);
        let otherwise = self.current.op(comparison(op), &[bits, y]);
        let if_negative = matches!(op, CompareOp::Ne | CompareOp::Lt | CompareOp::Le);
        let if_negative = self.current.constant(Scalar::bool(if_negative));
        Some(self.current.op(Op::Select, &[is_negative, if_negative, otherwise]))
    }

    /// Python's own numbers, compared exactly.
    fn compare_weak(&mut self, op: CompareOp, a: Term, b: Term, span: Span) -> Term {
        let fits = |t: Term| !matches!(t, Term::Int(value) if value < i64::MIN as i128 || value > i64::MAX as i128);
        let value = match (a, b) {
            (Term::Int(x), Term::Int(y)) => self.current.constant(Scalar::bool(holds(op, x.partial_cmp(&y)))),
            (Term::Float(x), Term::Float(y)) => self.current.constant(Scalar::bool(holds(op, x.partial_cmp(&y)))),
            _ if !fits(a) || !fits(b) || [a.ty(), b.ty()].contains(&Type::WeakUInt) => {
                return self.error(errors::weak_overflow(span));
            }
            _ => {
                let (op, a, b) = if a.is_weak_int() { (op, a, b) } else { (mirrored(op), b, a) };
                let (Some(x), Some(y)) = (self.to(a, a.ty().dtype(), span), self.to(b, b.ty().dtype(), span)) else {
                    return Term::Poison;
                };
                if a.is_weak_int() && !b.is_weak_int() {
                    let callee = Arc::new((python::compare as extern "C" fn(i64, f64) -> i8).callee("compare"));
                    let order = self.current.call(&callee, &[x, y]);
                    let zero = self.current.constant(Scalar::int(DType::I8, 0));
                    let holds = self.current.op(comparison(op), &[order, zero]);
                    // 2 stands for unordered, which only `!=` and the likes of `>` would take for true.
                    let one = self.current.constant(Scalar::int(DType::I8, 1));
                    let ordered = self.current.op(Op::Le, &[order, one]);
                    if op == CompareOp::Ne { holds } else { self.current.op(Op::And, &[holds, ordered]) }
                } else {
                    self.current.op(comparison(op), &[x, y])
                }
            }
        };
        Term::strong(value, DType::Bool)
    }

    /// Python's integers, both known.
    fn fold_int(&mut self, op: BinaryOp, a: i128, b: i128, span: Span) -> Term {
        let floor_div =
            |a: i128, b: i128| a.wrapping_div_euclid(b) - i128::from(b < 0 && a.wrapping_rem_euclid(b) != 0);
        let result = match op {
            BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod if b == 0 => {
                return self.error(errors::zero_division(span));
            }
            BinaryOp::Shl | BinaryOp::Shr if b < 0 => return self.error(errors::negative_shift(span)),
            BinaryOp::Div => {
                return match (i64::try_from(a), i64::try_from(b)) {
                    (Ok(a), Ok(b)) => Term::Float(python::true_divide(a, b)),
                    _ => Term::Float(a as f64 / b as f64),
                };
            }
            BinaryOp::Pow if b < 0 => return self.fold_float(op, a as f64, b as f64, &[Type::WeakInt; 2], span),
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::FloorDiv => Some(floor_div(a, b)),
            BinaryOp::Mod => Some(a.wrapping_sub(floor_div(a, b).wrapping_mul(b))),
            BinaryOp::Pow => match a {
                0 | 1 => Some(if b == 0 { 1 } else { a }),
                -1 => Some(if b % 2 == 0 { 1 } else { -1 }),
                _ => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            },
            BinaryOp::And => Some(a & b),
            BinaryOp::Or => Some(a | b),
            BinaryOp::Xor => Some(a ^ b),
            BinaryOp::Shl => match u32::try_from(b) {
                _ if a == 0 => Some(0),
                Ok(b) if b < 127 && (a << b) >> b == a => Some(a << b),
                _ => None,
            },
            BinaryOp::Shr => Some(a >> b.min(127)),
        };
        match result {
            Some(value) => Term::Int(value),
            None => self.error(errors::weak_overflow(span)),
        }
    }

    /// Python's floats, both known, made of numbers of the given types.
    fn fold_float(&mut self, op: BinaryOp, a: f64, b: f64, types: &[Type], span: Span) -> Term {
        let value = match op {
            BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod if b == 0.0 => {
                return self.error(errors::zero_division(span));
            }
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            BinaryOp::FloorDiv => elementary::floor_div::double(a, b),
            BinaryOp::Mod => elementary::floor_mod::double(a, b),
            BinaryOp::Pow if python::float_power_divides_by_zero(a, b) => {
                return self.error(errors::zero_division(span));
            }
            BinaryOp::Pow if python::float_power_is_complex(a, b) => {
                let [real, imag] = python::complex_power([a, 0.0], [b, 0.0]);
                if real.is_infinite() || imag.is_infinite() {
                    return self.error(errors::weak_overflow(span));
                }
                let parts = [real, imag].map(|part| self.current.constant(Scalar::f64(part)));
                return Term::Complex(parts, Type::WeakComplex);
            }
            BinaryOp::Pow => {
                let power = natives::POW.get(DType::F64).call(&[Scalar::f64(a), Scalar::f64(b)]);
                let power = power.map_or(f64::NAN, Scalar::as_f64);
                if python::float_power_overflows(a, b, power) {
                    return self.error(errors::weak_overflow(span));
                }
                power
            }
            BinaryOp::Xor => {
                return self.error(errors::xor_of_floats(types, span));
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Shl | BinaryOp::Shr => {
                return self.error(errors::no_loop(ufunc(op), types, span));
            }
        };
        Term::Float(value)
    }

    /// Python's integers, known at the call.
    fn weak_int(&mut self, op: BinaryOp, a: Term, b: Term, span: Span) -> Term {
        let is_beyond = |t: Term| match t {
            Term::Int(value) => i64::try_from(value).is_err(),
            _ => t.ty() == Type::WeakUInt,
        };
        if is_beyond(a) || is_beyond(b) {
            return self.error(errors::weak_overflow(span));
        }
        let (Some(x), Some(y)) = (self.to(a, DType::I64, span), self.to(b, DType::I64, span)) else {
            return Term::Poison;
        };
        let overflows = match op {
            BinaryOp::Add => Some(self.current.op(Op::AddOverflows, &[x, y])),
            BinaryOp::Sub => Some(self.current.op(Op::SubOverflows, &[x, y])),
            BinaryOp::Mul => Some(self.current.op(Op::MulOverflows, &[x, y])),
            BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod => {
                let zero = self.current.constant(Scalar::int(DType::I64, 0));
                let is_defined = self.current.op(Op::Ne, &[y, zero]);
                self.guard(is_defined, GuardKind::ZeroDivision, span);
                (op == BinaryOp::FloorDiv).then(|| {
                    // Only the least integer over -1 exceeds the type: so does 0 minus that quotient.
                    let least = self.current.constant(Scalar::int(DType::I64, i64::MIN.into()));
                    let minus_one = self.current.constant(Scalar::int(DType::I64, -1));
                    let is_least = self.current.op(Op::Eq, &[x, least]);
                    let is_minus_one = self.current.op(Op::Eq, &[y, minus_one]);
                    self.current.op(Op::And, &[is_least, is_minus_one])
                })
            }
            BinaryOp::Shl | BinaryOp::Shr => {
                let zero = self.current.constant(Scalar::int(DType::I64, 0));
                let is_defined = self.current.op(Op::Ge, &[y, zero]);
                self.guard(is_defined, GuardKind::NegativeShift, span);
                (op == BinaryOp::Shl).then(|| {
                    let callee = callee_bool2(python::shift_overflows, "shift_overflows");
                    self.current.call(&callee, &[x, y])
                })
            }
            BinaryOp::Pow if b.known() == Known::Negative => return self.weak_float(op, a, b, span),
            BinaryOp::Pow => {
                if b.known() == Known::Unknown {
                    let zero = self.current.constant(Scalar::int(DType::I64, 0));
                    let is_natural = self.current.op(Op::Ge, &[y, zero]);
                    self.guard(is_natural, GuardKind::NegativePower, span);
                }
                let callee = callee_bool2(python::power_overflows, "power_overflows");
                Some(self.current.call(&callee, &[x, y]))
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => None,
        };
        if let Some(overflows) = overflows {
            self.guard_not(overflows, GuardKind::Overflow, span);
        }
        let value = match op {
            BinaryOp::Div => {
                let callee = Arc::new((python::true_divide as extern "C" fn(i64, i64) -> f64).callee("true_divide"));
                return Term::Value(self.current.call(&callee, &[x, y]), Type::WeakFloat, Known::Unknown);
            }
            BinaryOp::Pow => {
                let callee = Arc::new((python::power as extern "C" fn(i64, i64) -> i64).callee("power"));
                self.current.call(&callee, &[x, y])
            }
            _ => self.current.op(primitive(op), &[x, y]),
        };
        Term::Value(value, Type::WeakInt, Known::Unknown)
    }

    /// Python's numbers, at least one a float, known at the call.
    fn weak_float(&mut self, op: BinaryOp, a: Term, b: Term, span: Span) -> Term {
        let (Some(x), Some(y)) = (self.to(a, DType::F64, span), self.to(b, DType::F64, span)) else {
            return Term::Poison;
        };
        let zero = self.current.constant(Scalar::f64(0.0));
        if matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod) {
            let is_defined = self.current.op(Op::Ne, &[y, zero]);
            self.guard(is_defined, GuardKind::ZeroDivision, span);
        }
        let value = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => self.current.op(primitive(op), &[x, y]),
            BinaryOp::FloorDiv => natives::FLOOR_DIV.call(&mut self.current, DType::F64, &[x, y]),
            BinaryOp::Mod => natives::FLOOR_MOD.call(&mut self.current, DType::F64, &[x, y]),
            BinaryOp::Pow => {
                let divides = callee_float2(python::float_power_divides_by_zero, "power_divides_by_zero");
                let divides = self.current.call(&divides, &[x, y]);
                self.guard_not(divides, GuardKind::ZeroDivision, span);
                let is_complex = callee_float2(python::float_power_is_complex, "power_is_complex");
                let is_complex = self.current.call(&is_complex, &[x, y]);
                self.guard_not(is_complex, GuardKind::ComplexPower, span);
                let power = natives::POW.call(&mut self.current, DType::F64, &[x, y]);
                let overflows: Callee =
                    (python::float_power_overflows as extern "C" fn(f64, f64, f64) -> bool).callee("power_overflows");
                let overflows = self.current.call(&Arc::new(overflows), &[x, y, power]);
                self.guard_not(overflows, GuardKind::Overflow, span);
                power
            }
            BinaryOp::Xor => return self.error(errors::xor_of_floats(&types(&[a, b]), span)),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Shl | BinaryOp::Shr => {
                return self.error(errors::no_loop(ufunc(op), &types(&[a, b]), span));
            }
        };
        Term::Value(value, Type::WeakFloat, Known::Unknown)
    }
}

/// The name of an operator's ufunc.
fn unary_name(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "negative",
        UnaryOp::Pos => "positive",
        UnaryOp::Invert => "invert",
        UnaryOp::Not => "not",
    }
}

/// Is it a Python integer that is known to be two?
fn is_two(term: Term) -> bool {
    term.is_weak_int() && term.known() == Known::Two
}

fn callee_bool2(function: extern "C" fn(i64, i64) -> bool, name: &'static str) -> Arc<Callee> {
    Arc::new(function.callee(name))
}

fn callee_float2(function: extern "C" fn(f64, f64) -> bool, name: &'static str) -> Arc<Callee> {
    Arc::new(function.callee(name))
}

/// The primitive of an operator that has one for every type that reaches it.
fn primitive(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::FloorDiv => Op::FloorDiv,
        BinaryOp::Mod => Op::FloorMod,
        BinaryOp::And => Op::And,
        BinaryOp::Or => Op::Or,
        BinaryOp::Xor => Op::Xor,
        BinaryOp::Shl => Op::Shl,
        BinaryOp::Shr => Op::Shr,
        BinaryOp::Pow => unreachable!("powers are native functions"),
    }
}

pub(super) fn comparison(op: CompareOp) -> Op {
    match op {
        CompareOp::Eq => Op::Eq,
        CompareOp::Ne => Op::Ne,
        CompareOp::Lt => Op::Lt,
        CompareOp::Le => Op::Le,
        CompareOp::Gt => Op::Gt,
        CompareOp::Ge => Op::Ge,
    }
}

/// The operator that holds for (b, a) where `op` holds for (a, b).
pub(super) fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        same => same,
    }
}

fn holds(op: CompareOp, order: Option<std::cmp::Ordering>) -> bool {
    match op {
        CompareOp::Eq => order.is_some_and(|o| o.is_eq()),
        CompareOp::Ne => order.is_none_or(|o| o.is_ne()),
        CompareOp::Lt => order.is_some_and(|o| o.is_lt()),
        CompareOp::Le => order.is_some_and(|o| o.is_le()),
        CompareOp::Gt => order.is_some_and(|o| o.is_gt()),
        CompareOp::Ge => order.is_some_and(|o| o.is_ge()),
    }
}
