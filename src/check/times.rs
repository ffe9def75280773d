//! Times: operators, comparisons, functions, reductions and casts over the int64 that count their units.

use super::errors;
use super::functions::types;
use super::lower::{Folds, Lowerer};
use super::operators::{comparison, ufunc};
use super::term::{Known, Term};
use crate::dtype::{Casting, DType, Scalar, TimeBase, Type, Unit, UnitError};
use crate::ir::{Args, Callee, Fold, Op, Role, Value};
use crate::math::block::plain;
use crate::registry::builtins::times::{body, is_nat, nat, with_nat_first, with_nat_last};
use crate::registry::function::{Function, OfTime, Reduction};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, CompareOp, Name, UnaryOp};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, LazyLock};

static DAYS_OF_MONTH: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(plain::DAYS_OF_MONTH.callee("days_of_month")));
static MONTH_OF_DAY: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(plain::MONTH_OF_DAY.callee("month_of_day")));
static QUOTIENT: LazyLock<Arc<Callee>> = LazyLock::new(|| Arc::new(plain::TIME_QUOTIENT.callee("time_quotient")));

/// What an operand is to a time.
#[derive(Clone, Copy)]
enum Part {
    Point(Unit),
    Span(Unit),
    Integer,
    Bool,
    Float,
    Other,
}

impl Part {
    fn of(term: Term) -> Part {
        match term.ty() {
            Type::WeakInt | Type::WeakUInt => Part::Integer,
            Type::WeakFloat => Part::Float,
            Type::Strong(DType::DateTime(unit)) => Part::Point(unit),
            Type::Strong(DType::TimeDelta(unit)) => Part::Span(unit),
            Type::Strong(DType::Bool) => Part::Bool,
            Type::Strong(dtype) if dtype.is_int() => Part::Integer,
            Type::Strong(dtype) if dtype.is_float() => Part::Float,
            _ => Part::Other,
        }
    }
}

/// Is any of them a time?
pub(super) fn has_times(terms: &[Term]) -> bool {
    terms.iter().any(|term| term.ty().dtype().is_time())
}

/// The types of a loop of NumPy: of its operands, and of its result.
type Signature = [DType; 3];

/// The loop of an operator, if it has one for such operands.
fn signature(op: BinaryOp, a: Part, b: Part) -> Result<Option<Signature>, UnitError> {
    use DType::{DateTime, F64, I64, TimeDelta};
    use Part::{Bool, Float, Integer, Point, Span};
    let spans = |u: Unit, v: Unit| u.common(v, true).map(TimeDelta);
    Ok(Some(match (op, a, b) {
        // An integer is a span of the unit that it meets.
        (BinaryOp::Add | BinaryOp::Sub, Point(u), Integer | Bool) => [DateTime(u), TimeDelta(u), DateTime(u)],
        (BinaryOp::Add, Integer | Bool, Point(u)) => [TimeDelta(u), DateTime(u), DateTime(u)],
        (BinaryOp::Add | BinaryOp::Sub, Span(u), Integer | Bool)
        | (BinaryOp::Add | BinaryOp::Sub, Integer | Bool, Span(u)) => [TimeDelta(u); 3],
        (BinaryOp::Add | BinaryOp::Sub, Point(u), Span(v)) => {
            let unit = u.common(v, false)?;
            [DateTime(unit), TimeDelta(unit), DateTime(unit)]
        }
        (BinaryOp::Add, Span(u), Point(v)) => {
            let unit = u.common(v, false)?;
            [TimeDelta(unit), DateTime(unit), DateTime(unit)]
        }
        (BinaryOp::Sub, Point(u), Point(v)) => {
            let unit = u.common(v, false)?;
            [DateTime(unit), DateTime(unit), TimeDelta(unit)]
        }
        (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mod, Span(u), Span(v)) => [spans(u, v)?; 3],
        (BinaryOp::Mul, Span(u), Integer | Bool) => [TimeDelta(u), I64, TimeDelta(u)],
        (BinaryOp::Mul, Integer | Bool, Span(u)) => [I64, TimeDelta(u), TimeDelta(u)],
        (BinaryOp::Mul, Float, Span(u)) => [F64, TimeDelta(u), TimeDelta(u)],
        (BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv, Span(u), Float) => [TimeDelta(u), F64, TimeDelta(u)],
        (BinaryOp::Div | BinaryOp::FloorDiv, Span(u), Integer) => [TimeDelta(u), I64, TimeDelta(u)],
        (BinaryOp::Div, Span(u), Span(v)) => {
            let span = spans(u, v)?;
            [span, span, F64]
        }
        (BinaryOp::FloorDiv, Span(u), Span(v)) => {
            let span = spans(u, v)?;
            [span, span, I64]
        }
        _ => return Ok(None),
    }))
}

impl Lowerer<'_> {
    /// Whether any of some times is NaT.
    fn any_nat(&mut self, times: &[Value]) -> Value {
        let mut all = self.current.constant(Scalar::bool(false));
        for (number, &time) in times.iter().enumerate() {
            let is_nat = is_nat(&mut self.current, time);
            all = if number == 0 { is_nat } else { self.current.op(Op::Or, &[all, is_nat]) };
        }
        all
    }

    /// A value, or NaT where any of some times is.
    fn unless_nat(&mut self, times: &[Value], value: Value) -> Value {
        let is_nat = self.any_nat(times);
        let nat = nat(&mut self.current);
        self.current.op(Op::Select, &[is_nat, nat, value])
    }

    fn integer(&mut self, value: i64) -> Value {
        self.current.constant(Scalar::int(DType::I64, value.into()))
    }

    /// `-x` and the like of a time.
    pub(super) fn time_unary(&mut self, op: UnaryOp, a: Term, span: Span) -> Term {
        match (op, a) {
            (UnaryOp::Pos, Term::Value(_, Type::Strong(DType::TimeDelta(_)), _)) => a,
            (UnaryOp::Neg, Term::Value(value, ty @ Type::Strong(DType::TimeDelta(_)), _)) => {
                Term::Value(self.current.op(Op::Neg, &[value]), ty, Known::Unknown)
            }
            _ => {
                let name = match op {
                    UnaryOp::Neg => "negative",
                    UnaryOp::Pos => "positive",
                    UnaryOp::Not => "logical_not",
                    UnaryOp::Invert => "invert",
                };
                self.error(errors::no_loop(name, &types(&[a]), span))
            }
        }
    }

    /// An operator, one of whose operands at least is a time.
    pub(super) fn time_binary(&mut self, op: BinaryOp, a: Term, b: Term, span: Span) -> Term {
        let [left, right, result] = match signature(op, Part::of(a), Part::of(b)) {
            Ok(Some(signature)) => signature,
            Ok(None) => return self.error(errors::no_loop(ufunc(op), &types(&[a, b]), span)),
            Err(error) => return self.error(errors::no_common_unit(error, &types(&[a, b]), span)),
        };
        let operands =
            (self.time_operand(ufunc(op), 0, a, left, span), self.time_operand(ufunc(op), 1, b, right, span));
        let (Some(x), Some(y)) = operands else { return Term::Poison };
        let value = match op {
            BinaryOp::Add | BinaryOp::Sub => {
                let value = self.current.op(if op == BinaryOp::Add { Op::Add } else { Op::Sub }, &[x, y]);
                self.unless_nat(&[x, y], value)
            }
            BinaryOp::Mul if !left.is_time() => self.time_product(y, x),
            BinaryOp::Mul => self.time_product(x, y),
            BinaryOp::Mod => {
                let zero = self.integer(0);
                let remainder = self.current.op(Op::FloorMod, &[x, y]);
                let by_zero = self.current.op(Op::Eq, &[y, zero]);
                let nat = nat(&mut self.current);
                let remainder = self.current.op(Op::Select, &[by_zero, nat, remainder]);
                self.unless_nat(&[x, y], remainder)
            }
            _ if right == DType::F64 => {
                let double = self.current.convert(x, DType::F64);
                let quotient = self.current.op(Op::Div, &[double, y]);
                self.time_of_float(x, quotient)
            }
            // NumPy truncates both.
            BinaryOp::Div | BinaryOp::FloorDiv if right == DType::I64 => self.current.call(&QUOTIENT, &[x, y]),
            BinaryOp::Div => {
                let [dividend, divisor] = [x, y].map(|value| self.current.convert(value, DType::F64));
                let quotient = self.current.op(Op::Div, &[dividend, divisor]);
                let is_nat = self.any_nat(&[x, y]);
                let nan = self.current.constant(Scalar::f64(f64::NAN));
                self.current.op(Op::Select, &[is_nat, nan, quotient])
            }
            _ => {
                let quotient = self.current.op(Op::FloorDiv, &[x, y]);
                let is_nat = self.any_nat(&[x, y]);
                let zero = self.integer(0);
                self.current.op(Op::Select, &[is_nat, zero, quotient])
            }
        };
        Term::strong(value, result)
    }

    /// A span of time times an int64 or a float64.
    fn time_product(&mut self, time: Value, factor: Value) -> Value {
        if self.current.dtype(factor) == DType::I64 {
            let product = self.current.op(Op::Mul, &[time, factor]);
            return self.unless_nat(&[time], product);
        }
        let double = self.current.convert(time, DType::F64);
        let product = self.current.op(Op::Mul, &[double, factor]);
        self.time_of_float(time, product)
    }

    /// What a float64 that was made of a time is as a time: truncated, and NaT where it is not finite or too
    /// large.
    fn time_of_float(&mut self, time: Value, value: Value) -> Value {
        let value = self.current.convert(value, DType::I64);
        self.unless_nat(&[time], value)
    }

    /// An operand of a loop, in the type that the loop takes.
    fn time_operand(&mut self, ufunc: &str, number: usize, term: Term, dtype: DType, span: Span) -> Option<Value> {
        let from = term.ty().dtype();
        if from.is_time() && !from.can_cast(dtype, Casting::SameKind) {
            self.error(errors::cannot_cast_input(ufunc, number, from, dtype, span));
            return None;
        }
        self.to(term, dtype, span)
    }

    /// The type to which operands, a time among them, are promoted; none where they have nothing in common.
    fn common_time(&mut self, terms: &[Term], span: Span) -> Result<Option<DType>, ()> {
        let mut common: Option<DType> = terms.iter().map(|term| term.ty().dtype()).find(|dtype| dtype.is_time());
        for term in terms {
            let dtype = if term.is_weak_int() { DType::I64 } else { term.ty().dtype() };
            let Some(so_far) = common else { break };
            common = match so_far.promote_times(dtype) {
                Ok(joined) => joined,
                Err(error) => {
                    self.error(errors::no_common_unit(error, &types(terms), span));
                    return Err(());
                }
            };
        }
        Ok(common)
    }

    /// A comparison, one of whose operands at least is a time. Of what is no time at all, an operator says that
    /// it is not equal; a ufunc has no loop.
    pub(super) fn time_compare(&mut self, op: CompareOp, a: Term, b: Term, span: Span, as_operator: bool) -> Term {
        let of_points = [a, b].iter().filter(|term| matches!(Part::of(**term), Part::Point(_))).count();
        let common = if of_points == 1 { Ok(None) } else { self.common_time(&[a, b], span) };
        let dtype = match common {
            Ok(Some(dtype)) => dtype,
            Ok(None) if as_operator && matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                return Term::strong(self.current.constant(Scalar::bool(op == CompareOp::Ne)), DType::Bool);
            }
            Ok(None) => return self.error(errors::no_loop(compare_ufunc(op), &types(&[a, b]), span)),
            Err(()) => return Term::Poison,
        };
        let (Some(x), Some(y)) = (self.to(a, dtype, span), self.to(b, dtype, span)) else { return Term::Poison };
        let plain = self.current.op(comparison(op), &[x, y]);
        // NaT is less than all others, so that it is looked for where it would be the lesser.
        let lesser = if matches!(op, CompareOp::Gt | CompareOp::Ge) { y } else { x };
        let unordered = is_nat(&mut self.current, lesser);
        let value = if op == CompareOp::Ne {
            self.current.op(Op::Or, &[plain, unordered])
        } else {
            let ordered = self.current.op(Op::Not, &[unordered]);
            self.current.op(Op::And, &[plain, ordered])
        };
        Term::strong(value, DType::Bool)
    }

    /// A call of a function whose row says what it computes of times.
    pub(super) fn time_call(&mut self, function: &Function, args: &[Term], span: Span) -> Term {
        let Some(of_time) = &function.of_time else {
            return self.error(errors::no_loop(&function.name, &types(args), span));
        };
        let Some((dtype, values)) = self.time_operands(&function.name, args, span) else { return Term::Poison };
        let build = match of_time {
            OfTime::Any(build) => build,
            OfTime::Spans(build) if matches!(dtype, DType::TimeDelta(_)) => build,
            OfTime::Spans(_) => return self.error(errors::no_loop(&function.name, &types(args), span)),
        };
        let value = build(&mut self.current, &values);
        let is_bool = self.current.dtype(value) == DType::Bool;
        Term::strong(value, if is_bool { DType::Bool } else { dtype })
    }

    /// The operands of a function in their common type.
    fn time_operands(&mut self, ufunc: &str, args: &[Term], span: Span) -> Option<(DType, SmallVec<[Value; 3]>)> {
        let Some(dtype) = self.common_time(args, span).ok()? else {
            self.error(errors::no_loop(ufunc, &types(args), span));
            return None;
        };
        let operand = |(number, &arg)| self.time_operand(ufunc, number, arg, dtype, span);
        Some((dtype, args.iter().enumerate().map(operand).collect::<Option<_>>()?))
    }

    /// `clip` of times.
    pub(super) fn time_clip(&mut self, args: &[Term], span: Span) -> Term {
        let Some((dtype, values)) = self.time_operands("clip", args, span) else { return Term::Poison };
        let [x, min, max] = values[..] else { return Term::Poison };
        let raised = self.time_extreme("maximum", x, min);
        Term::strong(self.time_extreme("minimum", raised, max), dtype)
    }

    /// The lesser or the greater of two times, by the name of the ufunc.
    fn time_extreme(&mut self, ufunc: &str, x: Value, y: Value) -> Value {
        match body(ufunc) {
            Some(OfTime::Any(build) | OfTime::Spans(build)) => build(&mut self.current, &[x, y]),
            None => x,
        }
    }

    /// The type of a choice between two values, at least one of them a time.
    pub(super) fn time_choice(&mut self, then: Term, otherwise: Term, span: Span) -> Option<DType> {
        let common = self.common_time(&[then, otherwise], span).ok()?;
        if common.is_none() {
            self.error(errors::no_loop("where", &types(&[then, otherwise]), span));
        }
        common
    }

    /// Any value as the int64 of a type of times.
    pub(super) fn cast_to_time(&mut self, term: Term, dtype: DType, span: Span) -> Option<Value> {
        let to = dtype.unit()?;
        let Term::Value(value, Type::Strong(from), _) = term else {
            return match term.is_weak_int() {
                true => self.to(term, DType::I64, span),
                false => self.cast_to_lane(term, DType::I64, span),
            };
        };
        let rescaled = match (from, dtype) {
            (DType::DateTime(from), DType::DateTime(_)) => self.point_in_unit(value, from, to),
            (DType::TimeDelta(from), DType::TimeDelta(_)) => self.span_in_unit(value, from, to),
            // A point as a span, or a span as a point, keeps its number.
            _ if from.is_time() => Ok(value),
            _ => return self.cast_to_lane(term, DType::I64, span),
        };
        if let Err(error) = rescaled {
            self.error(errors::no_conversion(error, from, dtype, span));
        }
        rescaled.ok()
    }

    fn span_in_unit(&mut self, value: Value, from: Unit, to: Unit) -> Result<Value, UnitError> {
        let (factor, divisor) = from.factor_to(to)?;
        Ok(self.rescaled(value, factor, divisor))
    }

    /// A time times a factor, over a divisor, rounded down.
    fn rescaled(&mut self, value: Value, factor: i64, divisor: i64) -> Value {
        if (factor, divisor) == (1, 1) {
            return value;
        }
        let factor = self.integer(factor);
        let mut scaled = self.current.op(Op::Mul, &[value, factor]);
        if divisor != 1 {
            let [zero, more, divisor] = [0, divisor.wrapping_sub(1), divisor].map(|number| self.integer(number));
            let lower = self.current.op(Op::Sub, &[scaled, more]);
            let is_negative = self.current.op(Op::Lt, &[value, zero]);
            let dividend = self.current.op(Op::Select, &[is_negative, lower, scaled]);
            scaled = self.current.call(&QUOTIENT, &[dividend, divisor]);
        }
        self.unless_nat(&[value], scaled)
    }

    /// A point in time, of which years and months count by the calendar.
    fn point_in_unit(&mut self, value: Value, from: Unit, to: Unit) -> Result<Value, UnitError> {
        let day = |base: TimeBase| match base {
            TimeBase::Week => Unit { base: TimeBase::Day, count: 7 },
            base => Unit { base, count: 1 },
        };
        let is_linear = from == to || !from.base.is_of_calendar() && !to.base.is_of_calendar();
        if is_linear || from.is_generic() || to.is_generic() {
            return self.span_in_unit(value, from, to);
        }
        // Where NumPy has no factor, it has no conversion either.
        from.factor_to(to)?;
        let days = Unit { base: TimeBase::Day, count: 1 };
        let months = Unit { base: TimeBase::Month, count: 1 };
        let converted = if from.base.is_of_calendar() {
            let month = self.span_in_unit(value, from, months)?;
            if to.base.is_of_calendar() {
                self.span_in_unit(month, months, to)?
            } else {
                let day_number = self.current.call(&DAYS_OF_MONTH, &[month]);
                let unit = self.span_in_unit(day_number, days, day(to.base))?;
                self.rescaled(unit, 1, to.count.into())
            }
        } else {
            let day_number = self.span_in_unit(value, from, days)?;
            let month = self.current.call(&MONTH_OF_DAY, &[day_number]);
            self.span_in_unit(month, months, to)?
        };
        Ok(self.unless_nat(&[value], converted))
    }

    /// What a reduction of times folds, and with what: of a sum also whether any is NaT.
    pub(super) fn time_lanes(&mut self, kind: Reduction, fold: Fold, time: Value) -> Folds {
        match kind {
            Reduction::Sum | Reduction::Total => {
                let is_nat = is_nat(&mut self.current, time);
                smallvec![(fold, Args::new(&[time])), (Fold::Or, Args::new(&[is_nat]))]
            }
            Reduction::NanMin | Reduction::Max => {
                smallvec![(fold, Args::new(&[with_nat_last(&mut self.current, time)]))]
            }
            _ => smallvec![(fold, Args::new(&[time]))],
        }
    }

    /// The time that was folded so, joined to the value that it begins with, if it has one.
    pub(super) fn time_folded(
        &mut self,
        kind: Reduction,
        index: u32,
        folded: Value,
        initial: Option<Term>,
        dtype: DType,
        span: Span,
    ) -> Term {
        let result = match kind {
            Reduction::Sum | Reduction::Total => {
                let is_nat = self.load(Role::Hidden(index), &Name::from(""), DType::Bool, DType::I64.size());
                let nat = nat(&mut self.current);
                self.current.op(Op::Select, &[is_nat, nat, folded])
            }
            Reduction::NanMin | Reduction::Max => with_nat_first(&mut self.current, folded),
            _ => folded,
        };
        let Some(initial) = initial else { return Term::strong(result, dtype) };
        let initial = match Part::of(initial) {
            Part::Point(_) | Part::Span(_) | Part::Integer | Part::Bool => {
                self.time_operand(kind.ufunc(), 0, initial, dtype, span)
            }
            Part::Float | Part::Other => {
                self.error(errors::no_loop(kind.ufunc(), &types(&[initial]), span));
                None
            }
        };
        let Some(initial) = initial else { return Term::Poison };
        if matches!(kind, Reduction::Sum | Reduction::Total) {
            return self.time_binary(BinaryOp::Add, Term::strong(initial, dtype), Term::strong(result, dtype), span);
        }
        Term::strong(self.time_extreme(kind.ufunc(), initial, result), dtype)
    }
}

/// The type in which NumPy reduces times, and what joins them.
pub(super) fn rule(kind: Reduction, operand: DType, asked: Option<DType>) -> Option<(DType, Fold)> {
    let is_span = matches!(operand, DType::TimeDelta(_));
    Some(match kind {
        Reduction::Sum | Reduction::Total if is_span && asked.is_none() => (operand, Fold::Add),
        Reduction::Sum | Reduction::Total | Reduction::Prod | Reduction::Inner | Reduction::Dot => return None,
        Reduction::Min | Reduction::NanMin => (operand, Fold::Min),
        Reduction::Max | Reduction::NanMax => (operand, Fold::Max),
        Reduction::All => (DType::Bool, Fold::And),
        Reduction::Any => (DType::Bool, Fold::Or),
        Reduction::Count | Reduction::Size | Reduction::Index => (DType::I64, Fold::Add),
    })
}

fn compare_ufunc(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "equal",
        CompareOp::Ne => "not_equal",
        CompareOp::Lt => "less",
        CompareOp::Le => "less_equal",
        CompareOp::Gt => "greater",
        CompareOp::Ge => "greater_equal",
    }
}
