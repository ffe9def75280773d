//! From a resolved program and the types of its arguments to the typed program.

use super::errors;
use super::names::{Reference, Resolved, Statement, Storage};
use super::term::{Known, Term};
use super::text::Literal;
use crate::diagnostic::Diagnostic;
use crate::dtype::{Casting, DType, Scalar, Type};
use crate::ir::{Args, Fold, Guard, GuardId, GuardKind, Inst, Loop, Op, Operand, OperandId, Program, Role, Value};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprId, Name, StatementKind};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// An argument as the types of a specialisation see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArgumentType {
    /// The type.
    pub ty: Type,
    /// What is known beside the type, where the program has a power.
    pub known: Known,
}

/// What a specialisation's types are made for, beside the arguments.
#[derive(Clone, Debug)]
pub struct Stores<'a> {
    /// The rule for casts to outputs and targets.
    pub casting: Casting,
    /// The dtype asked for each output, by `dtype=` or the array that `out=` gives.
    pub outputs: &'a [Option<DType>],
    /// The loop of each statement; statements of one loop are neighbours. Stable locals have none,
    /// whatever stands in their place.
    pub groups: &'a [u32],
    /// If elements are masked by `where=`, for each output whether its memory is given, and what is masked
    /// stays as it was there; else it becomes zero.
    pub masked: Option<&'a [bool]>,
}

/// A typed program, and for each of its loops a statement whose shape is the loop's.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The program.
    pub program: Program,
    /// A statement of each loop.
    pub statements: Vec<usize>,
    /// The dtype of each output that has memory of its own.
    pub outputs: Vec<Option<DType>>,
}

/// Lowers a program for arguments of the given types.
pub fn lower(resolved: &Resolved, types: &[ArgumentType], stores: &Stores) -> Result<Lowered, Vec<Diagnostic>> {
    let mut lowerer = Lowerer {
        resolved,
        types,
        stores,
        program: Program::default(),
        statements: Vec::new(),
        first: None,
        roles: HashMap::new(),
        current: Loop::default(),
        group: stores.groups.first().copied().unwrap_or(0),
        groups: stores.groups.to_vec(),
        loads: HashMap::new(),
        values: vec![None; resolved.statements.len()],
        kept: vec![None; resolved.statements.len()],
        pending: Vec::new(),
        folds: Vec::new(),
        places: HashMap::new(),
        outputs: vec![None; resolved.outputs.len()],
        folded: Vec::new(),
        halved: Vec::new(),
        literals: Vec::new(),
        errors: Vec::new(),
    };
    for index in 0..resolved.statements.len() {
        lowerer.statement(index);
    }
    lowerer.finish(resolved.statements.len());
    if lowerer.errors.is_empty() {
        Ok(Lowered { program: lowerer.program, statements: lowerer.statements, outputs: lowerer.outputs })
    } else {
        Err(lowerer.errors)
    }
}

/// The lanes that are folded: with what, and their values.
pub(super) type Folds = SmallVec<[(Fold, Args); 2]>;

/// What a statement's reduction folds.
struct Folded {
    statement: usize,
    lanes: Folds,
    dtype: DType,
}

pub(super) struct Lowerer<'a> {
    pub(super) resolved: &'a Resolved,
    types: &'a [ArgumentType],
    stores: &'a Stores<'a>,
    program: Program,
    /// A statement of each finished loop, and one of the current loop.
    statements: Vec<usize>,
    first: Option<usize>,
    /// The operand of each role that has one, by the offset in an element.
    roles: HashMap<(Role, usize), OperandId>,
    /// The loop being built, and its number.
    pub(super) current: Loop,
    group: u32,
    /// The loop of each statement, those that were divided counted.
    groups: Vec<u32>,
    /// The operands that the current loop has loaded.
    loads: HashMap<OperandId, Value>,
    /// What each statement's value is in the current loop, if it is there.
    values: Vec<Option<Term>>,
    /// For statements of earlier loops: the memory that holds the value, and its type.
    kept: Vec<Option<(Role, Type)>>,
    /// What the current loop stores at its end: the last value of each storage.
    pending: Vec<(Role, Term, u32)>,
    /// What it folds, and into which operands.
    folds: Vec<(Fold, OperandId, Args)>,
    /// What the current loop's reductions fold.
    folded: Vec<Folded>,
    /// Those of them that only the real parts of complex numbers are folded for, as yet.
    pub(super) halved: Vec<usize>,
    /// The dtype of each output that has memory of its own.
    outputs: Vec<Option<DType>>,
    /// Where each storage is in `pending`.
    places: HashMap<Role, usize>,
    /// The literal strings.
    pub(super) literals: Vec<Literal>,
    pub(super) errors: Vec<Diagnostic>,
}

impl Lowerer<'_> {
    fn statement(&mut self, index: usize) {
        let statement = &self.resolved.statements[index];
        if statement.is_stable {
            // Worked out where it is read; where nothing reads it, here, for its errors' sake.
            if statement.readers.is_empty() {
                self.stable(index as u32);
            }
            return;
        }
        let ends = self.groups[index] != self.group || !self.halved.is_empty() && statement.reduction.is_none();
        if ends && self.first.is_some() {
            self.finish(index);
        }
        self.group = self.groups[index];
        self.first.get_or_insert(index);
        if statement.reduction.is_some() {
            return self.reduction(index);
        }
        let resolved = self.resolved;
        let node = resolved.node(index);
        let value = self.value(index);
        let (value, what, before) = match (&node.kind, statement.update) {
            (StatementKind::Update(target, op), Some(before)) => {
                let before = self.reference(before, &target.name);
                (self.binary(*op, before, value, node.span), super::operators::ufunc(*op), Some(before))
            }
            _ => (value, what(self.resolved, node.value), None),
        };
        if value == Term::Poison {
            return self.remember(index, value);
        }
        // What a name denotes after the statement is the value as stored.
        let stored_type = match statement.storage {
            Storage::Target(argument) => Some(self.types[argument as usize].ty.dtype()),
            Storage::Output(output) if statement.update.is_none() => self.stores.outputs[output as usize],
            Storage::Output(_) | Storage::Local => match statement.update {
                Some(Reference::Statement(before)) => self.type_of(before).map(Type::dtype),
                _ => None,
            },
        };
        if resolved.is_let(index) {
            return self.remember(index, value);
        }
        // What is weak in the end becomes int64, float64 or complex128.
        if value.ty() == Type::WeakUInt {
            self.errors.push(errors::integer_too_large(node.span));
            return self.remember(index, Term::Poison);
        }
        let strong = self.strong(value, node.span);
        let from = strong.ty().dtype();
        let to = stored_type.unwrap_or(from);
        // A local's type is its own affair, as an ndarray's in place is not.
        let casting = if statement.storage == Storage::Local { Casting::SameKind } else { self.stores.casting };
        if strong == Term::Poison {
            return self.remember(index, strong);
        }
        if let Term::Text(..) = strong {
            self.errors.push(errors::text_literals(node.span));
            return self.remember(index, Term::Poison);
        }
        if !from.can_cast(to, casting) {
            self.errors.push(errors::cannot_cast(from, to, casting, node.span, what));
            return self.remember(index, Term::Poison);
        }
        let mut value = self.cast(strong, to, node.span);
        let role = match statement.storage {
            Storage::Local => return self.remember(index, value),
            Storage::Output(output) => Role::Output(output),
            Storage::Target(argument) => Role::Target(argument),
        };
        if let Some(is_given) = self.stores.masked {
            let before = before.or_else(|| match role {
                Role::Output(output) if is_given[output as usize] => {
                    let name = Arc::clone(&resolved.outputs[output as usize].name);
                    Some(self.loaded(role, &name, Type::Strong(to), Known::Unknown))
                }
                _ => None,
            });
            value = self.masked(value, before, node.span);
        }
        self.remember(index, value);
        let place = *self.places.entry(role).or_insert(self.pending.len());
        match self.pending.get_mut(place) {
            Some(pending) => *pending = (role, value, index as u32),
            None => self.pending.push((role, value, index as u32)),
        }
    }

    fn remember(&mut self, index: usize, term: Term) {
        self.values[index] = Some(term);
    }

    /// The type of an earlier statement's value.
    fn type_of(&self, statement: u32) -> Option<Type> {
        match (self.values[statement as usize], self.kept[statement as usize]) {
            (Some(Term::Poison), _) => None,
            (Some(term), _) => Some(term.ty()),
            (None, kept) => kept.map(|(_, ty)| ty),
        }
    }

    /// A stable local's value in the current loop.
    fn stable(&mut self, index: u32) -> Term {
        if let Some(term) = self.values[index as usize] {
            return term;
        }
        let mut term = self.value(index as usize);
        if !self.resolved.is_let(index as usize) {
            // An output's value, though it is assigned anew later: an array's, hence not weak.
            term = self.strong(term, self.resolved.node(index as usize).span);
        }
        self.remember(index as usize, term);
        term
    }

    /// The value of a statement's expression.
    fn value(&mut self, index: usize) -> Term {
        let statement = &self.resolved.statements[index];
        self.values_of(statement, &[statement.value])[0]
    }

    /// The values of some of a statement's expressions.
    pub(super) fn values_of(&mut self, statement: &Statement, wanted: &[ExprId]) -> SmallVec<[Term; 2]> {
        let own = statement.is_hoisted.then_some(statement.value);
        self.exprs(self.resolved, statement.exprs.clone(), wanted, own, None, &mut |lowerer, reference, name, _| {
            lowerer.reference(reference, name)
        })
    }

    /// Lowers those of a range of expressions that are wanted.
    ///
    /// `own` is worked out here though it is a statement of its own; `place` is where errors are reported,
    /// where that is not the expressions' own place.
    pub(super) fn exprs(
        &mut self,
        resolved: &Resolved,
        exprs: Range<u32>,
        wanted: &[ExprId],
        own: Option<ExprId>,
        place: Option<Span>,
        read: &mut dyn FnMut(&mut Self, Reference, &Name, Span) -> Term,
    ) -> SmallVec<[Term; 2]> {
        let start = exprs.start;
        let mut needed = vec![false; exprs.len()];
        for id in wanted {
            needed[(id.0 - start) as usize] = true;
        }
        for at in (0..needed.len()).rev() {
            if needed[at] {
                let id = ExprId(start + at as u32);
                resolved.operands(id, own == Some(id), |c| needed[(c.0 - start) as usize] = true);
            }
        }
        let mut terms = vec![Term::Poison; exprs.len()];
        for id in exprs.map(ExprId) {
            let at = (id.0 - start) as usize;
            if !needed[at] {
                continue;
            }
            let span = place.unwrap_or(resolved.ast.span(id));
            let term = |id: ExprId| terms[(id.0 - start) as usize];
            terms[at] = match &resolved.ast[id] {
                Expr::Int(value) => Term::Int(*value),
                Expr::Float(value) => Term::Float(*value),
                Expr::Bool(value) => Term::strong(self.current.constant(Scalar::bool(*value)), DType::Bool),
                Expr::Name(name) => read(self, resolved.references[&id], name, span),
                _ if own != Some(id)
                    && let Some(&Reference::Statement(statement)) = resolved.references.get(&id) =>
                {
                    self.hoisted(statement, term, span)
                }
                Expr::Unary(op, a) => self.unary(*op, term(*a), span),
                Expr::Binary(op, a, b) => self.binary(*op, term(*a), term(*b), span),
                Expr::Compare(first, rest) => {
                    let mut left = term(*first);
                    let mut all: Option<Term> = None;
                    for (op, right) in rest {
                        let right = term(*right);
                        let one = self.compare(*op, left, right, span);
                        all = Some(match all {
                            None => one,
                            Some(before) => self.logical(crate::syntax::ast::LogicalOp::And, before, one, span),
                        });
                        left = right;
                    }
                    all.unwrap_or(Term::Poison)
                }
                Expr::Logical(op, a, b) => self.logical(*op, term(*a), term(*b), span),
                Expr::Conditional { then, condition, otherwise } => {
                    self.where_(term(*condition), term(*then), term(*otherwise), span)
                }
                Expr::Call(..) => {
                    let call = &resolved.calls[&id];
                    let given: Vec<Option<Term>> = call.arguments.iter().map(|a| a.map(term)).collect();
                    self.call(&call.function, given, span)
                }
                Expr::Imaginary(value) => {
                    let parts = [0.0, *value].map(|part| self.current.constant(Scalar::f64(part)));
                    Term::Complex(parts, Type::WeakComplex)
                }
                Expr::Str(text) => self.literal(Literal::Str(Arc::clone(text))),
                Expr::Bytes(bytes) => self.literal(Literal::Bytes(Arc::clone(bytes))),
                Expr::Error | Expr::None | Expr::Tuple(_) => Term::Poison,
            };
        }
        wanted.iter().map(|id| terms[(id.0 - start) as usize]).collect()
    }

    /// A literal string.
    pub(super) fn literal(&mut self, literal: Literal) -> Term {
        let ty = literal.ty();
        self.literals.push(literal);
        Term::Text(self.literals.len() as u32 - 1, ty)
    }

    /// What a name denotes, in the current loop.
    fn reference(&mut self, reference: Reference, name: &Name) -> Term {
        match reference {
            Reference::Constant(value) => Term::Float(value),
            Reference::Argument(argument) => {
                let is_target = self.resolved.arguments[argument as usize].is_target;
                let role = if is_target { Role::Target(argument) } else { Role::Argument(argument) };
                let ArgumentType { ty, known } = self.types[argument as usize];
                self.loaded(role, name, ty, known)
            }
            Reference::Statement(statement) => self.earlier(statement),
        }
    }

    /// What a statement's value is, in the current loop.
    pub(super) fn earlier(&mut self, statement: u32) -> Term {
        let Statement { is_stable, reduction, .. } = &self.resolved.statements[statement as usize];
        if let Some(reduction) = reduction.as_ref().filter(|reduction| reduction.is_of_shapes()) {
            let (role, name) = match reduction.is_index() {
                true => (Role::Index(statement), "index"),
                false => (Role::Count(statement), "size"),
            };
            return Term::strong(self.load(role, &Name::from(name), DType::I64, 0), DType::I64);
        }
        if *is_stable {
            return self.stable(statement);
        }
        match (self.values[statement as usize], self.kept[statement as usize]) {
            (Some(term), _) => term,
            (None, Some((role, ty))) => self.loaded(role, &Name::from(""), ty, Known::Unknown),
            (None, None) => Term::Poison,
        }
    }

    /// Folds values into operands of the statement's own, at the end of the current loop: the lanes of a dtype,
    /// and what else its value is made of.
    /// False if another statement folds the same.
    pub(super) fn fold(&mut self, statement: usize, lanes: &[(Fold, Args)], dtype: DType) -> bool {
        let known = self.folded.iter().find(|known| {
            known.lanes[..] == *lanes && known.dtype == dtype && self.can_stand_for(known.statement, statement)
        });
        if let Some(known) = known {
            self.kept[statement] = self.kept[known.statement];
            return false;
        }
        self.folded.push(Folded { statement, lanes: lanes.into(), dtype });
        let mut offset = 0;
        for &(fold, values) in lanes {
            self.fold_lane(statement, fold, values, offset);
            offset += self.current.dtype(values[0]).size();
        }
        self.kept[statement] = Some((Role::Hidden(statement as u32), Type::Strong(dtype)));
        true
    }

    /// Folds one more lane of a statement, at an offset.
    pub(super) fn fold_lane(&mut self, statement: usize, fold: Fold, values: Args, offset: usize) {
        let name: Name = Arc::from(format!("statement {statement}"));
        let operand = self.operand(Role::Hidden(statement as u32), &name, self.current.dtype(values[0]), offset);
        self.folds.push((fold, operand, values));
    }

    /// Can the result of one reduction of a loop be read for that of another, of the same values?
    fn can_stand_for(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|statement| self.resolved.statements[statement].reduction.as_ref());
        // They are along the same axes, or they would not share the loop. What has no dimensions broadcasts.
        one.zip(other).is_some_and(|(one, other)| one.keepdims == other.keepdims || one.axes.is_none() && !one.keepdims)
    }

    pub(super) fn operand(&mut self, role: Role, name: &Name, dtype: DType, offset: usize) -> OperandId {
        *self.roles.entry((role, offset)).or_insert_with(|| {
            self.program.operands.push(Operand { name: Arc::clone(name), dtype, role, offset: offset as u32 });
            OperandId(self.program.operands.len() as u32 - 1)
        })
    }

    /// What an element of an operand has at an offset.
    pub(super) fn load(&mut self, role: Role, name: &Name, dtype: DType, offset: usize) -> Value {
        let operand = self.operand(role, name, dtype, offset);
        *self.loads.entry(operand).or_insert_with(|| self.current.load(operand, dtype))
    }

    /// Ends the current loop before a statement. What the order of complex numbers reduces takes one more.
    fn finish(&mut self, next: usize) {
        if self.halved.is_empty() {
            return self.finish_loop();
        }
        // The next statements have a loop of their own, even if they were to share this one: what the second loop
        // reads must be as it is now.
        self.groups[next..].iter_mut().for_each(|group| *group += 1);
        self.finish_loop();
        for index in std::mem::take(&mut self.halved) {
            self.first.get_or_insert(index);
            self.second_half(index);
        }
        self.finish_loop();
    }

    /// Stores what the current loop computed for later loops and for the caller.
    fn finish_loop(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.places.clear();
        for (role, value, statement) in pending {
            let name = match role {
                Role::Output(output) => &self.resolved.outputs[output as usize].name,
                Role::Target(argument) | Role::Argument(argument) => &self.resolved.arguments[argument as usize].name,
                Role::Hidden(_) | Role::Count(_) | Role::Index(_) | Role::Mask => {
                    unreachable!("hidden operands are stored below")
                }
            };
            if let Role::Output(output) = role {
                self.outputs[output as usize] = Some(value.ty().dtype());
            }
            self.store(role, &Arc::clone(name), value);
            self.kept[statement as usize] = Some((role, value.ty()));
        }
        for index in 0..self.values.len() {
            let Some(term) = self.values[index].take() else { continue };
            if self.resolved.statements[index].is_stable || !self.is_hidden(index) {
                continue;
            }
            let held = self.held(term);
            if held != Term::Poison {
                let role = Role::Hidden(index as u32);
                self.store(role, &Arc::from(format!("statement {index}")), held);
                self.kept[index] = Some((role, term.ty()));
            }
        }
        for (fold, operand, values) in std::mem::take(&mut self.folds) {
            self.current.push(Inst::Reduce(fold, operand, values), None);
        }
        self.loads.clear();
        self.folded.clear();
        let finished = std::mem::take(&mut self.current);
        let first = self.first.take();
        if finished.insts.iter().any(Inst::must_stay) {
            self.program.loops.push(finished);
            self.statements.extend(first);
        }
    }

    /// A weak number as a value of the type that holds it, still weak.
    fn held(&mut self, term: Term) -> Term {
        match term {
            Term::Int(value) => {
                let dtype = term.ty().dtype();
                Term::Value(self.current.constant(Scalar::int(dtype, value)), term.ty(), Known::of(value))
            }
            Term::Float(value) => {
                Term::Value(self.current.constant(Scalar::f64(value)), Type::WeakFloat, Known::Unknown)
            }
            other => other,
        }
    }

    /// Does a later loop read the value of a statement of the current loop where no storage holds it?
    fn is_hidden(&self, index: usize) -> bool {
        let statements = &self.resolved.statements;
        let groups = &self.groups;
        let Statement { storage, overwritten, readers, .. } = &statements[index];
        readers.iter().map(|&reader| reader as usize).any(|reader| {
            let is_later = groups[reader] != groups[index] || self.halved.contains(&reader);
            let reads = !statements[reader].is_stable && is_later;
            // Loops are in the order of statements, so the next write is the first to matter.
            let is_overwritten = overwritten.is_some_and(|other| groups[other as usize] < groups[reader]);
            reads && (*storage == Storage::Local || is_overwritten)
        })
    }

    /// Ends the run with an error where `condition` is false.
    pub(super) fn guard(&mut self, condition: Value, kind: GuardKind, span: Span) {
        let id = GuardId(self.program.guards.len() as u32);
        self.program.guards.push(Guard { kind, span });
        self.current.push(Inst::Guard(condition, id), None);
    }

    /// Ends the run with an error where `condition` is true.
    pub(super) fn guard_not(&mut self, condition: Value, kind: GuardKind, span: Span) {
        let holds = self.current.op(Op::Not, &[condition]);
        self.guard(holds, kind, span);
    }

    /// Reports an error; the expression is then nothing.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) -> Term {
        self.errors.push(diagnostic);
        Term::Poison
    }
}

/// The name of the ufunc whose output an expression is, for messages.
fn what(resolved: &Resolved, value: ExprId) -> &str {
    match &resolved.ast[value] {
        Expr::Binary(op, ..) => super::operators::ufunc(*op),
        Expr::Call(..) => resolved.calls.get(&value).map_or("positive", |call| &call.function.name),
        Expr::Conditional { .. } => "where",
        Expr::Unary(crate::syntax::ast::UnaryOp::Neg, _) => "negative",
        _ => "positive",
    }
}
