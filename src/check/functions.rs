//! Calls: finding the type to compute in, and the body in that type.

use super::errors;
use super::lower::Lowerer;
use super::names::{Argument, Listed, Reference, Resolved, is_too_large, places_of, resolve};
use super::term::{Known, Term, promote, promoting};
use super::times::has_times;
use crate::diagnostic::Diagnostic;
use crate::dtype::{Casting, DType, Kind, Scalar, Type};
use crate::ir::{Callee, GuardKind, Inst, Op, Value};
use crate::registry::builtins;
use crate::registry::expression::{Expression, Lookup};
use crate::registry::function::{
    Body, Function, Loops, Param, ParamKind, Resolved as Resolution, Special, integer_callee,
};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, Name};
use smallvec::SmallVec;
use std::sync::Arc;

/// An expression of a function's row, its names resolved.
#[derive(Debug)]
pub(super) struct Expanded {
    /// The program: one statement.
    pub(super) resolved: Resolved,
    /// For each of its arguments, the parameter.
    params: Vec<usize>,
}

/// Resolves an expression of a function's row, once.
///
/// # Errors
/// Names that mean nothing, of expressions that users wrote.
pub(super) fn expanded<'e>(expression: &'e Expression, params: &[Param]) -> Result<&'e Expanded, &'e Vec<Diagnostic>> {
    let made = expression.resolved(|| {
        let names: Vec<Name> = params.iter().map(|p| Arc::from(&*p.name)).collect();
        let resolved = resolve(expression.ast(), expression, Listed { all: None, given: &names })?;
        let param = |argument: &Argument| match names.iter().position(|name| *name == argument.name) {
            Some(param) => Ok(param),
            None => Err(errors::no_parameter(&argument.name, argument.span, &names)),
        };
        let (found, unknown): (Vec<_>, Vec<_>) = resolved.arguments.iter().map(param).partition(Result::is_ok);
        match unknown.is_empty() {
            true => Ok(Expanded { params: found.into_iter().flatten().collect(), resolved }),
            false => Err(unknown.into_iter().filter_map(Result::err).collect()),
        }
    });
    made.as_ref()
}

/// Resolves the expressions of a function's row: a row that passes can be called. `whole` is the place of
/// what concerns them all.
///
/// # Errors
/// Names that mean nothing, calls that lack arguments, bodies that are too large, and defaults that need
/// themselves, with their places in the text of each expression.
pub fn resolve_row(function: &Function, whole: Span) -> Result<(), Vec<Diagnostic>> {
    let mut errors: Vec<Diagnostic> = Vec::new();
    for expression in function.expressions().filter(|expression| !expression.reduces()) {
        errors.extend(expanded(expression, &function.params).err().into_iter().flatten().cloned());
    }
    // What reduces is resolved where it is called; only its calls can be looked at before.
    for expression in function.expressions().filter(|expression| expression.reduces()) {
        let ast = expression.ast();
        for (expr, &span) in ast.exprs.iter().zip(&ast.spans) {
            if let Expr::Call(name, arguments) = expr
                && let Some(called) = expression.function(&name.name)
            {
                errors.extend(places_of(&called, arguments, span, |id| ast.span(id)).err().into_iter().flatten());
            }
        }
    }
    for (index, param) in function.params.iter().enumerate().filter(|(_, param)| !param.reduces()) {
        if let Some(default) = &param.default
            && let Ok(default) = expanded(default, &function.params)
            && let Some(at) = default.params.iter().position(|&needed| needed == index)
        {
            errors.push(errors::default_of_itself(&param.name, default.resolved.arguments[at].span));
        }
    }
    if errors.is_empty() && is_too_large(function.extent()) {
        errors.push(errors::expansion_too_large(&function.name, whole));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

impl Lowerer<'_> {
    /// A call, the arguments that it gives in the order of the parameters.
    pub(super) fn call(&mut self, function: &Function, given: Vec<Option<Term>>, span: Span) -> Term {
        if given.contains(&Some(Term::Poison)) {
            return Term::Poison;
        }
        let Some(args) = self.complete(function, given, span) else { return Term::Poison };
        let args = &args[..];
        if Self::any_text(args) && !function.takes_text() {
            return self.error(errors::text_operand(&function.name, &types(args), span));
        }
        if has_times(args) && !function.is_of_any_type() {
            return match function.body {
                Body::Special(Special::Clip) => self.time_clip(args, span),
                _ => self.time_call(function, args, span),
            };
        }
        if args.iter().any(|arg| arg.ty().dtype().is_complex()) && !function.is_of_any_type() {
            return match (&function.body, args) {
                (Body::Special(Special::Clip), &[x, min, max]) => {
                    // NumPy makes an array of what is clipped, so that it is never weak.
                    let x = self.strong(x, span);
                    self.complex_call(function, &[x, min, max], span)
                }
                _ => self.complex_call(function, args, span),
            };
        }
        match &function.body {
            Body::Cast(dtype) => match args[0] {
                // A Python integer must fit, as NumPy's types have it.
                x if x.is_weak_int() && dtype.is_int() => match self.to(x, *dtype, span) {
                    Some(value) => Term::strong(value, *dtype),
                    None => Term::Poison,
                },
                x => self.cast(x, *dtype, span),
            },
            Body::Text(which) => self.text_call(function, *which, args, span),
            Body::Op(loops, build) => self.in_loop(function, *loops, args, span, |lowerer, dtype, values| {
                build(&mut lowerer.current, dtype.lane(), values)
            }),
            Body::Native(loops, floats) => self.in_loop(function, *loops, args, span, |lowerer, dtype, values| {
                floats.call(&mut lowerer.current, dtype, values)
            }),
            Body::NativeInt(loops, make) => self.in_loop(function, *loops, args, span, |lowerer, dtype, values| {
                lowerer.current.call(&integer_callee(&function.name, *make, dtype), values)
            }),
            Body::Expand(loops, body) => self.in_loop(function, *loops, args, span, |lowerer, dtype, values| {
                let as_computed = |lowerer: &mut Self, value: Value| match lowerer.current.dtype(value) {
                    DType::F32 if *loops == Loops::Real => lowerer.current.convert(value, DType::F64),
                    _ => value,
                };
                let term = |&value: &Value| {
                    let value = as_computed(lowerer, value);
                    Term::strong(value, lowerer.current.dtype(value))
                };
                let args: Vec<Term> = values.iter().map(term).collect();
                let term = lowerer.expand(function, body, &args, span);
                lowerer.to(term, dtype.lane(), span).expect("a built-in's body has no errors")
            }),
            Body::Inline(body) => self.expand(function, body, args, span),
            Body::Foreign(overloads) => self.foreign(function, overloads, args, span),
            Body::Unary(op) => {
                let arg = self.strong(args[0], span);
                self.unary(*op, arg, span)
            }
            Body::Binary(op) => match promote(args) {
                Type::Strong(_) => self.strong_binary(*op, args[0], args[1], span, false),
                _ => {
                    let [a, b] = [self.strong(args[0], span), self.strong(args[1], span)];
                    self.strong_binary(*op, a, b, span, false)
                }
            },
            Body::Compare(op) if has_times(args) => self.time_compare(*op, args[0], args[1], span, false),
            // Python's complex numbers have no order, but a function takes them for NumPy's.
            Body::Compare(op) if promote(args) == Type::WeakComplex => {
                let [a, b] = [self.strong(args[0], span), self.strong(args[1], span)];
                self.compare(*op, a, b, span)
            }
            Body::Compare(op) => self.compare(*op, args[0], args[1], span),
            Body::Logical(op) => self.logical(*op, args[0], args[1], span),
            Body::Special(Special::LogicalXor) => {
                let [a, b] = [self.truth(args[0]), self.truth(args[1])];
                let value = self.current.op(Op::Xor, &[a, b]);
                Term::strong(value, DType::Bool)
            }
            Body::Special(Special::Where) => self.where_(args[0], args[1], args[2], span),
            Body::Special(Special::Clip) => self.clip(args, span),
            Body::Special(Special::Round) => self.round(args, span),
            Body::Special(Special::Ldexp) => self.ldexp(function, args, span),
            Body::Special(Special::Complex) => self.complex_of_parts(function, args, span),
            Body::Special(Special::Per) if has_times(args) => self.time_binary(BinaryOp::Div, args[0], args[1], span),
            Body::Special(Special::Per) => self.per(args[0], args[1], span),
            Body::Reduce(_) => unreachable!("a reduction is a statement of its own"),
        }
    }

    /// Converts the arguments to the type of the loop that takes them, and builds the body.
    fn in_loop(
        &mut self,
        function: &Function,
        loops: Loops,
        args: &[Term],
        span: Span,
        build: impl FnOnce(&mut Self, DType, &[Value]) -> Value,
    ) -> Term {
        let kinds = || function.params.iter().map(|param| param.kind);
        let numbers: SmallVec<[Term; 4]> =
            args.iter().zip(kinds()).filter(|(_, kind)| is_number(*kind)).map(|(arg, _)| *arg).collect();
        let Some(dtype) = self.resolve(function, loops, &numbers, span) else { return Term::Poison };
        let mut values = Vec::with_capacity(args.len());
        for (&arg, kind) in args.iter().zip(kinds()) {
            let value = if is_number(kind) { self.to(arg, dtype, span) } else { Some(self.truth(arg)) };
            match value {
                Some(value) => values.push(value),
                None => return Term::Poison,
            }
        }
        let value = build(self, dtype, &values);
        self.finished(value, dtype)
    }

    pub(super) fn resolve(&mut self, function: &Function, loops: Loops, args: &[Term], span: Span) -> Option<DType> {
        let mut dtypes = promoting(args);
        if dtypes.is_empty() {
            dtypes.push(promote(args).dtype());
        }
        match loops.resolve(&dtypes) {
            Resolution::Loop(dtype) => Some(dtype),
            Resolution::None => {
                self.error(errors::no_loop(&function.name, &types(args), span));
                None
            }
        }
    }

    /// An expression of a function's row over its arguments.
    fn expand(&mut self, function: &Function, body: &Expression, args: &[Term], span: Span) -> Term {
        let body = match expanded(body, &function.params) {
            Ok(body) => body,
            Err(diagnostics) => {
                // Said when the function was defined; here only for what was not.
                self.errors.extend(diagnostics.iter().cloned().map(|d| Diagnostic { span, ..d }));
                return Term::Poison;
            }
        };
        let exprs = body.resolved.statements[0].exprs.clone();
        let known = self.errors.len();
        let wanted = [body.resolved.statements[0].value];
        let read = &mut |_: &mut Self, reference: Reference, _: &Name, _: Span| match reference {
            Reference::Argument(index) => args[body.params[index as usize]],
            Reference::Constant(value) => Term::Float(value),
            Reference::Statement(_) => Term::Poison,
        };
        let term = self.exprs(&body.resolved, exprs, &wanted, None, Some(span), read)[0];
        // The place is the call's, so that the message has to say where in the function it is.
        self.errors[known..].iter_mut().for_each(|error| errors::inside(error, function));
        term
    }

    /// All arguments of a call: those that it gives, and defaults, of which one may need another.
    fn complete(&mut self, function: &Function, mut args: Vec<Option<Term>>, span: Span) -> Option<Vec<Term>> {
        for (index, param) in function.params.iter().enumerate() {
            let refusal = match param.kind {
                _ if args[index].is_none() => None,
                ParamKind::Refused(reason) => Some(errors::refused_argument(function, &param.name, reason, span)),
                ParamKind::Instead(other) => {
                    let place = function.params.iter().position(|p| p.name == other);
                    let both = place.is_some_and(|other| args[other].is_some());
                    both.then(|| errors::given_instead(function, &param.name, other, span))
                }
                _ => None,
            };
            if let Some(refusal) = refusal {
                self.error(refusal);
                return None;
            }
        }
        while let Some(first) = args.iter().position(Option::is_none) {
            let ready = function.params.iter().enumerate().find_map(|(index, param)| {
                let default = param.default.as_ref().filter(|_| args[index].is_none())?;
                let needs = &expanded(default, &function.params).ok()?.params;
                needs.iter().all(|&need| args[need].is_some()).then_some((index, default))
            });
            let Some((index, default)) = ready else {
                self.error(errors::missing_argument_of_call(function, &function.params[first].name, span));
                return None;
            };
            let known: Vec<Term> = args.iter().map(|arg| arg.unwrap_or(Term::Poison)).collect();
            let term = self.expand(function, default, &known, span);
            if term == Term::Poison {
                return None;
            }
            args[index] = Some(term);
        }
        Some(args.into_iter().flatten().collect())
    }

    /// A call of the first of some functions whose parameters take the arguments.
    fn foreign(&mut self, function: &Function, overloads: &[Arc<Callee>], args: &[Term], span: Span) -> Term {
        let strong = args.iter().filter(|arg| !arg.is_weak()).map(|arg| arg.ty().dtype().kind()).max();
        let fits = |arg: &Term, param: DType, strong: Option<Kind>| match arg.ty() {
            Type::Strong(dtype) => dtype.can_cast(param, Casting::Safe),
            // Python's own numbers adapt to what is like them, and are int64 and float64 among others.
            Type::WeakFloat if strong >= Some(Kind::Float) => param.is_float(),
            Type::WeakFloat => param == DType::F64,
            Type::WeakComplex | Type::WeakStr => false,
            Type::WeakInt | Type::WeakUInt if strong > Some(Kind::Bool) => param != DType::Bool,
            Type::WeakInt | Type::WeakUInt => {
                DType::I64.can_cast(param, Casting::Safe) || param.is_int() && matches!(arg, Term::Int(_))
            }
        };
        let takes = |callee: &Callee, strong: Option<Kind>| {
            args.iter().zip(&callee.params).all(|(arg, param)| fits(arg, *param, strong))
        };
        // Where no function takes int64 and float64, they adapt to what there is.
        let find = |strong: Option<Kind>| overloads.iter().find(|callee| takes(callee, strong));
        let Some(callee) = find(strong).or_else(|| find(Some(Kind::Float))) else {
            return self.error(errors::no_loop(&function.name, &types(args), span));
        };
        let mut values = Vec::with_capacity(args.len());
        for (&arg, &param) in args.iter().zip(&callee.params) {
            match self.to(arg, param, span) {
                Some(value) => values.push(value),
                None => return Term::Poison,
            }
        }
        let value = self.current.call(callee, &values);
        Term::strong(value, callee.result)
    }

    /// `where(condition, then, otherwise)`. Python integers are cast, not checked, as NumPy does.
    pub(super) fn where_(&mut self, condition: Term, then: Term, otherwise: Term, span: Span) -> Term {
        if [condition, then, otherwise].contains(&Term::Poison) {
            return Term::Poison;
        }
        if Self::any_text(&[condition, then, otherwise]) {
            return self.choose_texts(condition, then, otherwise, span);
        }
        let dtype = match has_times(&[then, otherwise]) {
            true => self.time_choice(then, otherwise, span),
            false => Some(promote(&[then, otherwise]).dtype()),
        };
        let Some(dtype) = dtype else { return Term::Poison };
        let condition = self.truth(condition);
        match (self.cast(then, dtype, span), self.cast(otherwise, dtype, span)) {
            (Term::Complex(then, ty), Term::Complex(otherwise, _)) => {
                let select = |part: usize| self.current.op(Op::Select, &[condition, then[part], otherwise[part]]);
                Term::Complex([0, 1].map(select), ty)
            }
            (Term::Value(then, ty, _), Term::Value(otherwise, ..)) => {
                Term::Value(self.current.op(Op::Select, &[condition, then, otherwise]), ty, Known::Unknown)
            }
            _ => Term::Poison,
        }
    }

    fn clip(&mut self, args: &[Term], span: Span) -> Term {
        // Never weak, as above.
        let x = self.strong(args[0], span);
        let own = x.ty().dtype();
        let (lowest, highest) = own.int_range();
        // A Python integer that no value of an integer type passes is no bound, nor has it a type.
        let bounds = |bound: &&(Term, bool)| match **bound {
            (Term::Int(value), true) if own.is_int() => value > lowest,
            (Term::Int(value), false) if own.is_int() => value < highest,
            _ => true,
        };
        let bounds: SmallVec<[(Term, bool); 2]> =
            [(args[1], true), (args[2], false)].iter().filter(bounds).copied().collect();
        let operands: SmallVec<[Term; 3]> = std::iter::once(x).chain(bounds.iter().map(|b| b.0)).collect();
        let dtype = promote(&operands).dtype();
        let Some(mut value) = self.to(x, dtype, span) else { return Term::Poison };
        for (bound, is_lower) in bounds {
            let bound = self.nearest_bound(bound, is_lower, dtype);
            let Some(bound) = self.to(bound, dtype, span) else { return Term::Poison };
            let op = match (dtype, is_lower) {
                (DType::Bool, true) => Op::Or,
                (DType::Bool, false) => Op::And,
                (_, true) => Op::Max,
                (_, false) => Op::Min,
            };
            value = self.current.op(op, &[value, bound]);
        }
        Term::strong(value, dtype)
    }

    /// A Python integer, known at the call, that no value of an integer type passes becomes the
    /// type's own bound.
    fn nearest_bound(&mut self, bound: Term, is_lower: bool, dtype: DType) -> Term {
        let Term::Value(value, Type::WeakInt, _) = bound else { return bound };
        let (lowest, highest) = dtype.int_range();
        let (edge, op) = if is_lower { (lowest, Op::Max) } else { (highest, Op::Min) };
        match i64::try_from(edge) {
            Ok(edge) if dtype.is_int() => {
                let edge = self.current.constant(Scalar::int(DType::I64, edge.into()));
                Term::Value(self.current.op(op, &[value, edge]), Type::WeakInt, Known::Unknown)
            }
            _ => bound,
        }
    }

    fn round(&mut self, args: &[Term], span: Span) -> Term {
        let Term::Int(decimals) = args[1] else { return self.error(errors::round_decimals(span)) };
        if has_times(&args[..1]) {
            return self.error(errors::no_loop("rint", &types(&args[..1]), span));
        }
        let dtype = promote(&args[..1]).dtype();
        let x = self.strong(args[0], span);
        if let Term::Complex(parts, ty) = x {
            let parts = parts.map(|part| match self.round(&[Term::strong(part, dtype.lane()), args[1]], span) {
                Term::Value(value, ..) => value,
                _ => part,
            });
            return Term::Complex(parts, ty);
        }
        // A bool is rounded as a float16.
        let dtype = if dtype == DType::Bool { DType::F16 } else { dtype };
        let Some(x) = self.to(x, dtype, span) else { return Term::Poison };
        if !dtype.is_float() {
            return if decimals >= 0 { Term::strong(x, dtype) } else { self.error(errors::round_integers(span)) };
        }
        // As NumPy rounds: scaled by a power of ten, rounded, scaled back; each in the type.
        if decimals == 0 {
            let value = self.current.op(Op::Rint, &[x]);
            return Term::strong(value, dtype);
        }
        let scale = Term::Float(10f64.powi(decimals.unsigned_abs().min(400) as i32));
        let (there, back) = if decimals > 0 { (Op::Mul, Op::Div) } else { (Op::Div, Op::Mul) };
        let Some(scale) = self.to(scale, dtype, span) else { return Term::Poison };
        let mut step = |op: Op, args: &[Value]| {
            let value = self.current.op(op, args);
            if dtype == DType::F16 { self.rounded_to_half(value) } else { value }
        };
        let scaled = step(there, &[x, scale]);
        let rounded = step(Op::Rint, &[scaled]);
        Term::strong(step(back, &[rounded, scale]), dtype)
    }

    /// The exponent is an integer of its own type.
    fn ldexp(&mut self, function: &Function, args: &[Term], span: Span) -> Term {
        let exponent_type = promote(&args[1..]).dtype();
        if exponent_type.is_float() || exponent_type == DType::U64 {
            return self.error(errors::no_loop(&function.name, &types(args), span));
        }
        let Some(dtype) = self.resolve(function, Loops::Float, &args[..1], span) else { return Term::Poison };
        let (Some(x), Some(exponent)) = (self.to(args[0], dtype, span), self.to(args[1], DType::I64, span)) else {
            return Term::Poison;
        };
        let value = builtins::operators::LDEXP.call(&mut self.current, dtype, &[x, exponent]);
        self.finished(value, dtype)
    }

    /// A value as a function takes it: Python's own numbers become int64 or float64.
    pub(super) fn strong(&mut self, term: Term, span: Span) -> Term {
        match term {
            Term::Value(value, ty, _) => Term::strong(value, ty.dtype()),
            Term::Complex(parts, ty) => Term::Complex(parts, Type::Strong(ty.dtype())),
            Term::Int(value) => {
                let dtype = if value > i64::MAX as i128 { DType::U64 } else { DType::I64 };
                let (lowest, highest) = dtype.int_range();
                if value < lowest || value > highest {
                    return self.error(errors::integer_too_large(span));
                }
                Term::strong(self.current.constant(Scalar::int(dtype, value)), dtype)
            }
            Term::Float(value) => Term::strong(self.current.constant(Scalar::f64(value)), DType::F64),
            Term::Text(..) | Term::Poison => term,
        }
    }

    /// A value in a type to which its own was promoted; a Python integer must fit it.
    pub(super) fn to(&mut self, term: Term, dtype: DType, span: Span) -> Option<Value> {
        match term {
            Term::Int(value) if dtype.is_int() => {
                let (lowest, highest) = dtype.int_range();
                if value < lowest || value > highest {
                    let is_c_long = dtype == DType::I64;
                    self.error(if is_c_long {
                        errors::integer_too_large(span)
                    } else {
                        errors::out_of_bounds(value, dtype, span)
                    });
                    return None;
                }
                Some(self.current.constant(Scalar::int(dtype, value)))
            }
            Term::Value(value, Type::WeakUInt, _) if dtype.is_int() && dtype != DType::U64 => {
                // It exceeds int64, so it fits nothing but uint64.
                let never = self.current.constant(Scalar::bool(false));
                self.guard_bounds(never, value, dtype, span);
                Some(self.current.convert(value, dtype))
            }
            Term::Value(value, Type::WeakInt, _) if dtype.is_int() && dtype != DType::I64 => {
                let fits = self.fits(value, dtype);
                self.guard_bounds(fits, value, dtype, span);
                Some(self.current.convert(value, dtype))
            }
            _ => self.cast_to_lane(term, dtype, span),
        }
    }

    /// Whether an int64 fits an integer type.
    pub(super) fn fits(&mut self, value: Value, dtype: DType) -> Value {
        let (lowest, highest) = dtype.int_range();
        let at_least = self.current.constant(Scalar::int(DType::I64, lowest));
        let mut fits = self.current.op(Op::Ge, &[value, at_least]);
        if dtype != DType::U64 {
            let at_most = self.current.constant(Scalar::int(DType::I64, highest));
            let below = self.current.op(Op::Le, &[value, at_most]);
            fits = self.current.op(Op::And, &[fits, below]);
        }
        fits
    }

    /// Ends the run with NumPy's OverflowError where a Python integer doesn't fit.
    fn guard_bounds(&mut self, fits: Value, value: Value, dtype: DType, span: Span) {
        let kind = match self.current[value] {
            Inst::Load(operand) => GuardKind::OutOfBounds(dtype, operand),
            _ => GuardKind::Overflow,
        };
        self.guard(fits, kind, span);
    }
}

/// Does a parameter take part in finding the type to compute in?
fn is_number(kind: ParamKind) -> bool {
    matches!(kind, ParamKind::Number | ParamKind::Instead(_))
}

/// The types of terms, for messages.
pub(super) fn types(terms: &[Term]) -> Vec<Type> {
    terms.iter().map(|t| t.ty()).collect()
}
