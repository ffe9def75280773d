//! What the names of a program mean: arguments, outputs, locals, constants and functions.

use super::errors;
use super::functions::expanded;
use super::write_out::write_out;
use crate::diagnostic::Diagnostic;
use crate::dtype::DType;
use crate::ir::Effects;
use crate::registry;
use crate::registry::expression::Lookup;
use crate::registry::function::{self, Body, Function, ParamKind};
use crate::source::Span;
use crate::syntax::ast::{self, Argument as Given, Ast, Expr, ExprId, Name, StatementKind, UnaryOp};
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// A program whose names are resolved.
#[derive(Debug)]
pub struct Resolved {
    /// The tree.
    pub ast: Ast,
    /// The arguments in order of first occurrence, or as listed.
    pub arguments: Vec<Argument>,
    /// The outputs in order of first assignment.
    pub outputs: Vec<Output>,
    /// What each statement does to which storage. Reductions in expressions are statements of their own,
    /// before those that they are part of.
    pub statements: Vec<Statement>,
    /// For each name in the tree, what it denotes there; and the statement of each reduction.
    pub references: HashMap<ExprId, Reference>,
    /// For each call in the tree, the function and its arguments in the order of its parameters.
    pub calls: HashMap<ExprId, Call>,
    /// The functions that the text calls, by their names there.
    pub called: Vec<(Name, Arc<Function>)>,
    /// Whether there is a power, whose meaning depends on more than its operands' types.
    pub powers_matter: bool,
}

impl Resolved {
    /// The statement of the tree that a statement is, or is part of.
    pub fn node(&self, statement: usize) -> &ast::Statement {
        &self.ast.statements[self.statements[statement].node as usize]
    }

    /// Does a statement only give a value to others?
    pub fn is_let(&self, statement: usize) -> bool {
        self.statements[statement].is_hoisted || matches!(self.node(statement).kind, StatementKind::Let(_))
    }

    /// Calls `visit` for each operand of an expression that is computed where the expression is.
    /// An expression that has a statement of its own is computed there, unless it `is_own`.
    pub fn operands(&self, id: ExprId, is_own: bool, visit: impl FnMut(ExprId)) {
        operands(&self.ast, &self.calls, &|id| !is_own && self.references.contains_key(&id), id, visit);
    }

    /// The loop of each statement; `is_alike` says whether two have the same elements to visit. Statements
    /// of one loop are neighbours, and a loop doesn't read what it reduces. What has no loop has any number.
    pub fn loops(&self, is_alike: impl Fn(usize, usize) -> bool) -> SmallVec<[u32; 4]> {
        let mut loops: SmallVec<[u32; 4]> = SmallVec::from_elem(0, self.statements.len());
        let (mut current, mut last) = (0, None);
        // The reduction that the current loop has, if it has one.
        let mut reducing: Option<usize> = None;
        let mut has_effects = false;
        for (index, statement) in self.statements.iter().enumerate() {
            if !statement.is_stable {
                let reduction = statement.reduction.as_ref();
                let is_other = last.is_some_and(|last| !is_alike(last, index));
                let waits = statement.waits.is_some_and(|reduction| loops[reduction as usize] == current);
                let axes = |reduction: &Reduction| reduction.axes.clone();
                let has_other_axes = reducing.is_some_and(|other| {
                    reduction.is_some_and(|own| self.statements[other].reduction.as_ref().map(axes) != Some(axes(own)))
                });
                let mixes = statement.has_effects && reducing.is_some() || has_effects && reduction.is_some();
                if last.is_some() && (is_other || waits || has_other_axes || mixes) {
                    current += 1;
                    reducing = None;
                    has_effects = false;
                }
                has_effects |= statement.has_effects;
                last = Some(index);
                reducing = reduction.map(|_| index).or(reducing);
            }
            loops[index] = current;
        }
        loops
    }
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The name.
    pub name: Name,
    /// Where it first stands.
    pub span: Span,
    /// Whether an `op=` writes it.
    pub is_target: bool,
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name.
    pub name: Name,
    /// The argument updated in place; none if the output is allocated, or given by `out=`.
    pub target: Option<usize>,
    /// The assignment that makes it; its statement's shape is the output's.
    pub base: usize,
}

/// What a name denotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// An argument's value at the call.
    Argument(u32),
    /// What a statement assigned.
    Statement(u32),
    /// A constant.
    Constant(f64),
}

impl Reference {
    /// The reference as a key; none of a constant, which has neither shape nor memory.
    fn key(self) -> Option<(bool, u32)> {
        match self {
            Reference::Argument(argument) => Some((false, argument)),
            Reference::Statement(statement) => Some((true, statement)),
            Reference::Constant(_) => None,
        }
    }
}

/// Where a statement's value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Nowhere: a local.
    Local,
    /// The memory of an output.
    Output(u32),
    /// An argument's own memory.
    Target(u32),
}

/// What a statement reduces, and how.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// What it computes.
    pub kind: function::Reduction,
    /// The axes, negative ones counted from the end; none for all.
    pub axes: Option<SmallVec<[i64; 4]>>,
    /// Does the result have the operand's dimensions?
    pub keepdims: bool,
    /// The dtype that is asked for.
    pub dtype: Option<DType>,
    /// The operand, and what it reads.
    pub operand: ExprId,
    /// As above.
    pub reads: Vec<Reference>,
    /// Where the operand takes part, if not everywhere.
    pub condition: Option<ExprId>,
    /// The value to begin with, which is joined where the result is read; and what it reads.
    pub initial: Option<ExprId>,
    /// As above.
    pub begins: Vec<Reference>,
}

impl Reduction {
    /// Is there no result of no elements?
    pub fn needs_elements(&self) -> bool {
        self.kind.needs_elements() && self.initial.is_none()
    }

    /// Is it known from shapes alone?
    pub fn is_of_shapes(&self) -> bool {
        self.kind == function::Reduction::Size && self.condition.is_none() || self.is_index()
    }

    /// Does it say where elements are?
    pub fn is_index(&self) -> bool {
        self.kind == function::Reduction::Index
    }
}

/// A statement whose names are resolved.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement of the tree that it is, or is part of.
    pub node: u32,
    /// The expression whose value it is.
    pub value: ExprId,
    /// Is it part of a statement of the tree, computed before the rest?
    pub is_hoisted: bool,
    /// What it reduces, if it is a reduction.
    pub reduction: Option<Reduction>,
    /// Where the value goes.
    pub storage: Storage,
    /// For `op=`: what the target denotes before.
    pub update: Option<Reference>,
    /// The assignment whose memory an `op=` of an output or a local goes on using; for others, itself.
    pub base: u32,
    /// The expressions of the statement, children first.
    pub exprs: Range<u32>,
    /// The arguments and statements that the statement reads, each once; the target of `op=` last.
    /// Their shapes broadcast to the value's shape.
    pub reads: Vec<Reference>,
    /// The statements that read this one's value, in order.
    pub readers: Vec<u32>,
    /// The next statement that writes the same storage, if any.
    pub overwritten: Option<u32>,
    /// A local that can be worked out anew wherever it is read, since nothing that it reads is ever
    /// overwritten. Others are kept in memory where a later loop needs them.
    pub is_stable: bool,
    /// The last reduction that must be complete before this is worked out.
    pub waits: Option<u32>,
    /// Does it call functions that want a certain thread or order? Loops that reduce have none such.
    pub has_effects: bool,
}

/// A call whose arguments are in the order of the parameters.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: Arc<Function>,
    /// An argument for each parameter; none where the default holds.
    pub arguments: Vec<Option<ExprId>>,
}

/// The most nodes that the bodies of called functions may add to a program, and how deep they may call
/// each other.
const MOST_EXPANDED: usize = 200_000;
const DEEPEST: usize = 64;

/// Are expressions of so many nodes, so deeply nested in each other, more than a program may have?
pub(super) fn is_too_large((nodes, depth): (usize, usize)) -> bool {
    nodes > MOST_EXPANDED || depth > DEEPEST
}

/// Names that are arguments even where they are constants' names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listed<'a> {
    /// All of the arguments, in their order.
    pub all: Option<&'a [Name]>,
    /// Such names, whether they occur or not.
    pub given: &'a [Name],
}

/// Resolves the names of a program.
pub fn resolve(ast: Ast, functions: &dyn Lookup, listed: Listed) -> Result<Resolved, Vec<Diagnostic>> {
    let written = write_out(ast, functions).map_err(|error| vec![error])?;
    let ast = written.ast;
    let mut resolver = Resolver { given: listed.given.iter().cloned().collect(), ..Resolver::default() };
    resolver.listed = listed.all.map(|names| names.iter().cloned().collect());
    if let Some(names) = listed.all {
        // The order of the arguments is the list's; those that never occur are found at the end.
        for name in names {
            resolver.argument(name, Span::default(), false);
        }
    }
    resolver.written = written.functions;
    for index in 0..ast.statements.len() {
        resolver.statement(&ast, index, functions);
    }
    let mut resolved = resolver.finish(ast)?;
    resolved.called = written.called;
    Ok(resolved)
}

/// Something that an expression reads: what has a name, or a reduction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Read {
    /// As [`Reference::key`] has it.
    Named(bool, u32),
    Reduced(ExprId),
}

/// What an expression reads, each once.
struct Reads {
    reads: Vec<Read>,
    /// May it be worked out more than once, or not at all?
    is_pure: bool,
    /// Does it call functions that want a certain thread or order?
    has_effects: bool,
    /// One more than the reductions that are in each other.
    level: u32,
}

/// A reduction in an expression, before it is a statement.
struct Found {
    call: ExprId,
    reduction: Reduction,
    level: u32,
}

#[derive(Default)]
struct Resolver {
    listed: Option<HashSet<Name>>,
    given: HashSet<Name>,
    seen: Vec<bool>,
    arguments: Vec<Argument>,
    argument_of: HashMap<Name, u32>,
    outputs: Vec<Output>,
    output_of: HashMap<Name, usize>,
    statements: Vec<Statement>,
    /// What each assigned name denotes now.
    assigned: HashMap<Name, Reference>,
    references: HashMap<ExprId, Reference>,
    calls: HashMap<ExprId, Call>,
    /// The functions of calls that are not the text's own.
    written: HashMap<ExprId, Arc<Function>>,
    /// How deep reductions are in each other, and from which expression on each expression is.
    levels: HashMap<ExprId, u32>,
    lowest: HashMap<ExprId, u32>,
    powers_matter: bool,
    /// The nodes that the bodies of called functions add.
    expanded: usize,
    errors: Vec<Diagnostic>,
}

impl Resolver {
    fn argument(&mut self, name: &Name, span: Span, seen: bool) -> u32 {
        let index = *self.argument_of.entry(Arc::clone(name)).or_insert_with(|| {
            self.arguments.push(Argument { name: Arc::clone(name), span, is_target: false });
            self.seen.push(false);
            self.arguments.len() as u32 - 1
        });
        if seen && !std::mem::replace(&mut self.seen[index as usize], true) {
            self.arguments[index as usize].span = span;
            if self.listed.as_ref().is_some_and(|listed| !listed.contains(name)) {
                let listed: Vec<String> = self.listed.iter().flatten().map(|n| n.to_string()).collect();
                self.errors.push(errors::argument_not_listed(name, span, &listed));
            }
        }
        index
    }

    /// What a name that is read denotes.
    fn reference(&mut self, name: &Name, span: Span) -> Reference {
        if let Some(&reference) = self.assigned.get(name) {
            return reference;
        }
        let is_listed = self.given.contains(name) || self.listed.as_ref().is_some_and(|l| l.contains(name));
        match registry::constant(name) {
            Some(value) if !is_listed => Reference::Constant(value),
            _ => Reference::Argument(self.argument(name, span, true)),
        }
    }

    fn statement(&mut self, ast: &Ast, node: usize, functions: &dyn Lookup) {
        let statement = &ast.statements[node];
        let start = if node == 0 { 0 } else { ast.statements[node - 1].value.0 + 1 };

        // The target of `op=` stands, and is read, before the value.
        let update = match &statement.kind {
            StatementKind::Update(target, op) => {
                self.powers_matter |= *op == crate::syntax::ast::BinaryOp::Pow;
                // An updated name is never a constant: nothing could be written.
                let reference = match self.assigned.get(&target.name) {
                    Some(&reference) => reference,
                    None => Reference::Argument(self.argument(&target.name, target.span, true)),
                };
                Some(reference)
            }
            _ => None,
        };

        let mut found = Vec::new();
        for id in self.needed(ast, start, statement.value, functions) {
            let mut lowest = id.0;
            operands(ast, &self.calls, &|id| self.references.contains_key(&id), id, |operand| {
                lowest = lowest.min(self.lowest.get(&operand).copied().unwrap_or(operand.0));
            });
            self.lowest.insert(id, lowest);
            match &ast[id] {
                Expr::Name(name) => {
                    let reference = self.reference(name, ast.span(id));
                    self.references.insert(id, reference);
                }
                Expr::Call(..) => found.extend(self.found(ast, id)),
                Expr::Binary(crate::syntax::ast::BinaryOp::Pow, ..) => self.powers_matter = true,
                Expr::None => self.errors.push(errors::no_value("`None`", ast.span(id))),
                Expr::Tuple(_) => self.errors.push(errors::no_value("a tuple", ast.span(id))),
                _ => {}
            }
        }
        // Those that need no others come first, so that they can share a loop.
        found.sort_by_key(|found| found.level);
        for found in found {
            self.hoist(ast, node as u32, found);
        }
        let Reads { reads, is_pure, has_effects, .. } = self.reads(ast, statement.value);
        let mut reads = self.resolved_reads(&reads);
        let index = self.statements.len();

        let this = Reference::Statement(index as u32);
        let (name, storage) = match &statement.kind {
            StatementKind::Let(target) => {
                if self.output_of.contains_key(&target.name) {
                    self.errors.push(errors::local_of_output(&target.name, target.span));
                }
                (Some(&target.name), Storage::Local)
            }
            StatementKind::Assign(target) => (Some(&target.name), self.output(&target.name, None, index)),
            StatementKind::Update(target, _) => {
                let before = update.expect("set above for updates");
                let storage = match before {
                    Reference::Argument(argument) => {
                        self.arguments[argument as usize].is_target = true;
                        Storage::Target(argument)
                    }
                    Reference::Statement(s) => self.statements[s as usize].storage,
                    Reference::Constant(_) => unreachable!("an updated name is no constant"),
                };
                if let Storage::Target(argument) = storage {
                    self.output(&target.name, Some(argument as usize), index);
                }
                if before.key().is_some() && !reads.contains(&before) {
                    reads.push(before);
                }
                (Some(&target.name), storage)
            }
            StatementKind::Result => {
                let name: Name = Arc::from("result");
                if self.output_of.contains_key(&name) {
                    self.errors.push(errors::result_taken(statement.span));
                }
                (None, self.output(&name, None, index))
            }
        };
        if let Some(name) = name {
            self.assigned.insert(Arc::clone(name), this);
        }
        let base = match update {
            Some(Reference::Statement(s)) => self.statements[s as usize].base,
            _ => index as u32,
        };
        self.push(Statement {
            storage,
            update,
            base,
            is_stable: is_pure,
            has_effects,
            ..self.local(node as u32, statement.value, reads)
        });
    }

    /// A statement that gives a value to others.
    fn local(&self, node: u32, value: ExprId, reads: Vec<Reference>) -> Statement {
        Statement {
            node,
            value,
            is_hoisted: false,
            reduction: None,
            storage: Storage::Local,
            update: None,
            base: self.statements.len() as u32,
            exprs: self.lowest.get(&value).copied().unwrap_or(value.0)..value.0 + 1,
            reads,
            readers: Vec::new(),
            overwritten: None,
            is_stable: false,
            waits: None,
            has_effects: false,
        }
    }

    fn push(&mut self, statement: Statement) {
        let index = self.statements.len() as u32;
        for &read in &statement.reads {
            if let Reference::Statement(s) = read {
                self.statements[s as usize].readers.push(index);
            }
        }
        self.statements.push(statement);
    }

    /// The reduction that a call is, if it is one. What it reads is resolved already.
    fn found(&mut self, ast: &Ast, id: ExprId) -> Option<Found> {
        let call = self.calls.get(&id)?;
        let Body::Reduce(kind) = call.function.body else { return None };
        let given = |name: &str| {
            let place = call.function.params.iter().position(|param| param.name == name)?;
            Some((&call.function.params[place], call.arguments[place]?))
        };
        let options = (|| {
            let axes = given("axis").map_or(Ok(None), |(param, id)| axes(ast, id).ok_or((param, id)))?;
            let dtype = given("dtype").map_or(Ok(None), |(param, id)| dtype(ast, id).ok_or((param, id)))?;
            let keepdims = given("keepdims").map_or(Ok(false), |(param, id)| match &ast[id] {
                Expr::Bool(value) => Ok(*value),
                _ => Err((param, id)),
            })?;
            Ok((axes, dtype, keepdims))
        })();
        let (axes, dtype, keepdims) = match options {
            Ok(options) => options,
            Err((param, option)) => {
                let error = errors::bad_option(param, ast.span(option));
                self.errors.push(error);
                return None;
            }
        };
        // A place is along one axis, or among all.
        if kind == function::Reduction::Index && axes.as_ref().is_some_and(|axes| axes.len() != 1) {
            self.errors.push(errors::one_axis(ast.span(id)));
            return None;
        }
        let operand = call.arguments[0]?;
        let condition = given("where").map(|(_, id)| id).filter(|&id| ast[id] != Expr::Bool(true));
        let initial = given("initial").map(|(_, id)| id).filter(|&id| is_operand(ast, ParamKind::Optional, id));
        if condition.is_some() && initial.is_none() && kind.needs_elements() {
            self.errors.push(errors::no_identity_under_mask(kind.ufunc(), ast.span(id)));
            return None;
        }
        let reduction = Reduction {
            kind,
            axes,
            keepdims,
            dtype,
            operand,
            reads: Vec::new(),
            condition,
            initial,
            begins: Vec::new(),
        };
        // What it begins with has no part in its loop, but must be resolved before.
        let level = [Some(operand), condition, initial].into_iter().flatten().map(|id| self.reads(ast, id).level);
        let level = level.max().unwrap_or(0);
        self.levels.insert(id, level + 1);
        Some(Found { call: id, reduction, level })
    }

    /// Makes a reduction a statement.
    fn hoist(&mut self, ast: &Ast, node: u32, found: Found) {
        let Found { call, mut reduction, .. } = found;
        reduction.reads = self.hoist_effects(ast, node, reduction.operand);
        let mut reads = reduction.reads.clone();
        if let Some(condition) = reduction.condition {
            let more = self.hoist_effects(ast, node, condition);
            reads.extend(more.into_iter().filter(|read| !reduction.reads.contains(read)));
        }
        if let Some(initial) = reduction.initial {
            reduction.begins = self.resolved_reads(&self.reads(ast, initial).reads);
        }
        let lowest = [Some(reduction.operand), reduction.condition].into_iter().flatten();
        let lowest = lowest.map(|id| self.lowest.get(&id).copied().unwrap_or(id.0)).min().unwrap_or(call.0);
        let is_stable = reduction.is_of_shapes();
        self.references.insert(call, Reference::Statement(self.statements.len() as u32));
        let local = self.local(node, call, reads);
        let exprs = lowest..call.0 + 1;
        self.push(Statement { is_hoisted: true, reduction: Some(reduction), is_stable, exprs, ..local });
    }

    /// What reading an expression means to the statement that does: what the expression reads, or, where it
    /// calls functions that want a certain thread or order, a statement of its own.
    fn hoist_effects(&mut self, ast: &Ast, node: u32, id: ExprId) -> Vec<Reference> {
        let reads = self.reads(ast, id);
        let resolved = self.resolved_reads(&reads.reads);
        if !reads.has_effects {
            return resolved;
        }
        let this = Reference::Statement(self.statements.len() as u32);
        let local = self.local(node, id, resolved);
        self.push(Statement { is_hoisted: true, has_effects: true, ..local });
        self.references.insert(id, this);
        vec![this]
    }

    /// What an expression reads, reductions being one thing.
    fn reads(&self, ast: &Ast, root: ExprId) -> Reads {
        let lowest = self.lowest.get(&root).copied().unwrap_or(root.0);
        let mut needed = vec![false; (root.0 - lowest + 1) as usize];
        needed[(root.0 - lowest) as usize] = true;
        for at in (0..needed.len()).rev() {
            if needed[at] {
                let id = ExprId(lowest + at as u32);
                operands(ast, &self.calls, &|id| self.references.contains_key(&id), id, |c| {
                    needed[(c.0 - lowest) as usize] = true
                });
            }
        }
        let mut found = Reads { reads: Vec::new(), is_pure: true, has_effects: false, level: 0 };
        let mut is_new = HashSet::new();
        for id in (0..needed.len()).filter(|&at| needed[at]).map(|at| ExprId(lowest + at as u32)) {
            let read = match (&ast[id], self.references.get(&id)) {
                (Expr::Name(_), Some(reference)) => {
                    reference.key().map(|(is_statement, n)| Read::Named(is_statement, n))
                }
                (Expr::Call(..), _) if self.levels.contains_key(&id) => {
                    found.level = found.level.max(self.levels[&id]);
                    Some(Read::Reduced(id))
                }
                // It has a statement of its own.
                (_, Some(reference)) => reference.key().map(|(is_statement, n)| Read::Named(is_statement, n)),
                (Expr::Call(..), _) => {
                    let effects = self.calls.get(&id).map_or(Effects::NONE, |call| call.function.effects());
                    found.is_pure &= effects.pure;
                    found.has_effects |= effects != Effects::NONE;
                    None
                }
                _ => None,
            };
            found.reads.extend(read.filter(|read| is_new.insert(*read)));
        }
        found
    }

    /// The same once the reductions are statements.
    fn resolved_reads(&self, reads: &[Read]) -> Vec<Reference> {
        let resolved = reads.iter().map(|read| match *read {
            Read::Named(false, argument) => Reference::Argument(argument),
            Read::Named(true, statement) => Reference::Statement(statement),
            Read::Reduced(call) => self.references[&call],
        });
        resolved.collect()
    }

    /// The storage of an assignment: one output for each name, holding the last value.
    fn output(&mut self, name: &Name, target: Option<usize>, index: usize) -> Storage {
        let place = *self.output_of.entry(Arc::clone(name)).or_insert(self.outputs.len());
        if place == self.outputs.len() {
            self.outputs.push(Output { name: Arc::clone(name), target, base: index });
        } else {
            self.outputs[place].target = target;
            self.outputs[place].base = index;
        }
        Storage::Output(place as u32)
    }

    /// The expressions that a statement's value is made of, children first; resolves its calls.
    fn needed(&mut self, ast: &Ast, start: u32, value: ExprId, functions: &dyn Lookup) -> Vec<ExprId> {
        let mut needed = vec![false; (value.0 + 1 - start) as usize];
        needed[(value.0 - start) as usize] = true;
        for at in (0..needed.len()).rev() {
            if needed[at] {
                let id = ExprId(start + at as u32);
                self.call(ast, id, functions);
                operands(ast, &self.calls, &|id| self.references.contains_key(&id), id, |c| {
                    needed[(c.0 - start) as usize] = true
                });
            }
        }
        (0..needed.len()).filter(|&at| needed[at]).map(|at| ExprId(start + at as u32)).collect()
    }

    /// Puts a call's arguments in the order of the function's parameters.
    fn call(&mut self, ast: &Ast, id: ExprId, functions: &dyn Lookup) {
        let Expr::Call(name, arguments) = &ast[id] else { return };
        let written = self.written.get(&id).cloned();
        let Some(function) = written.or_else(|| functions.function(&name.name)) else {
            self.errors.push(errors::unknown_function(&name.name, name.span, functions));
            return;
        };
        let bound = match places_of(&function, arguments, ast.span(id), |id| ast.span(id)) {
            Ok(bound) => bound,
            Err(wrong) => return self.errors.extend(wrong),
        };
        let (nodes, depth) = function.extent();
        self.expanded = self.expanded.saturating_add(nodes);
        if is_too_large((self.expanded, depth)) {
            self.errors.push(errors::expansion_too_large(&function.name, ast.span(id)));
            return;
        }
        self.powers_matter |= match &function.body {
            Body::Binary(crate::syntax::ast::BinaryOp::Pow) => true,
            // Computed in floats, whatever the arguments.
            Body::Expand(..) | Body::Reduce(_) => false,
            _ => function
                .expressions()
                .any(|own| expanded(own, &function.params).is_ok_and(|own| own.resolved.powers_matter)),
        };
        self.calls.insert(id, Call { function, arguments: bound });
    }

    fn finish(mut self, ast: Ast) -> Result<Resolved, Vec<Diagnostic>> {
        let whole = Span::new(0, ast.text.len());
        for (argument, seen) in self.arguments.iter().zip(&self.seen) {
            if !seen {
                self.errors.push(errors::listed_argument_unused(&argument.name, whole));
            }
        }
        if self.outputs.is_empty() && self.errors.is_empty() {
            self.errors.push(errors::no_output(whole));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        self.demote_overwritten();
        self.find_stable();
        Ok(Resolved {
            ast,
            arguments: self.arguments,
            outputs: self.outputs,
            statements: self.statements,
            references: self.references,
            calls: self.calls,
            called: Vec::new(),
            powers_matter: self.powers_matter,
        })
    }

    /// What is assigned to a name that is assigned anew later is no output, but a local.
    fn demote_overwritten(&mut self) {
        for statement in &mut self.statements {
            if let Storage::Output(output) = statement.storage
                && self.outputs[output as usize].base != statement.base as usize
            {
                statement.storage = Storage::Local;
            }
        }
    }

    /// Finds the locals that read nothing that is ever overwritten.
    fn find_stable(&mut self) {
        let mut writes: HashMap<Storage, u32> = HashMap::new();
        let mut next: HashMap<Storage, u32> = HashMap::new();
        for (index, statement) in self.statements.iter_mut().enumerate().rev() {
            *writes.entry(statement.storage).or_default() += 1;
            statement.overwritten = next.insert(statement.storage, index as u32);
        }
        for index in 0..self.statements.len() {
            let statement = &self.statements[index];
            let is_stable = statement.storage == Storage::Local
                && statement.is_stable
                && statement.update.is_none()
                && statement.reads.iter().all(|read| match *read {
                    Reference::Constant(_) => true,
                    Reference::Argument(a) => !self.arguments[a as usize].is_target,
                    Reference::Statement(s) => match self.statements[s as usize].storage {
                        _ if self.statements[s as usize].reduction.is_some() => true,
                        Storage::Local => self.statements[s as usize].is_stable,
                        storage => writes[&storage] == 1,
                    },
                });
            let waits = statement.reads.iter().filter_map(|read| match *read {
                Reference::Statement(s) => match &self.statements[s as usize] {
                    Statement { reduction: Some(reduction), .. } => (!reduction.is_of_shapes()).then_some(s),
                    Statement { is_stable: true, waits, .. } => *waits,
                    _ => None,
                },
                _ => None,
            });
            let waits = waits.max();
            let statement = &mut self.statements[index];
            statement.is_stable = is_stable;
            statement.waits = waits;
        }
    }
}

/// A call's arguments in the order of the function's parameters.
pub(super) fn places_of(
    function: &Function,
    arguments: &[Given],
    span: Span,
    span_of: impl Fn(ExprId) -> Span,
) -> Result<Vec<Option<ExprId>>, Vec<Diagnostic>> {
    let mut bound: Vec<Option<ExprId>> = vec![None; function.params.len()];
    let mut errors = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let place = match &argument.keyword {
            None if position < function.places() => position,
            None => return Err(vec![errors::too_many_arguments(function, arguments.len(), span)]),
            Some(keyword) => match function.params.iter().position(|p| *p.name == *keyword.name) {
                Some(place) => place,
                None => {
                    errors.push(errors::unknown_keyword(function, &keyword.name, keyword.span));
                    continue;
                }
            },
        };
        if bound[place].replace(argument.value).is_some() {
            let span = argument.keyword.as_ref().map_or(span_of(argument.value), |k| k.span);
            errors.push(errors::repeated_argument(function, &function.params[place].name, span));
        }
    }
    let missing = function.params.iter().zip(&bound).find(|(param, bound)| bound.is_none() && param.default.is_none());
    match missing {
        Some((param, _)) if errors.is_empty() => {
            Err(vec![errors::missing_argument_of_call(function, &param.name, span)])
        }
        _ if errors.is_empty() => Ok(bound),
        _ => Err(errors),
    }
}

/// Is an argument of this kind something that is computed?
fn is_operand(ast: &Ast, kind: ParamKind, id: ExprId) -> bool {
    match kind {
        ParamKind::Axes | ParamKind::Switch | ParamKind::DType => false,
        ParamKind::Optional => ast[id] != Expr::None,
        _ => true,
    }
}

/// The axes that are written out; none if they are not.
fn axes(ast: &Ast, id: ExprId) -> Option<Option<SmallVec<[i64; 4]>>> {
    let integer = |id: ExprId| {
        let (negative, id) = match ast[id] {
            Expr::Unary(UnaryOp::Neg, operand) => (true, operand),
            _ => (false, id),
        };
        let Expr::Int(value) = ast[id] else { return None };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Some(if negative { -value } else { value })
    };
    match &ast[id] {
        Expr::None => Some(None),
        Expr::Tuple(items) => items.iter().map(|&item| integer(item)).collect::<Option<_>>().map(Some),
        _ => integer(id).map(|axis| Some(SmallVec::from_slice(&[axis]))),
    }
}

/// The dtype that is written out; none if it is not.
fn dtype(ast: &Ast, id: ExprId) -> Option<Option<DType>> {
    match &ast[id] {
        Expr::None => Some(None),
        Expr::Name(name) | Expr::Str(name) => DType::parse(name).map(Some),
        _ => None,
    }
}

/// Calls `visit` for each operand of an expression that is computed where the expression is: of a reduction
/// and of what has a statement of its own, that is not the operand.
fn operands(
    ast: &Ast,
    calls: &HashMap<ExprId, Call>,
    has_statement: &dyn Fn(ExprId) -> bool,
    id: ExprId,
    mut visit: impl FnMut(ExprId),
) {
    let has_statement = has_statement(id);
    let call = match &ast[id] {
        Expr::Call(_, arguments) => match calls.get(&id) {
            Some(call) => call,
            None => return arguments.iter().for_each(|argument| visit(argument.value)),
        },
        _ if has_statement => return,
        expr => return children(expr, visit),
    };
    for (param, argument) in call.function.params.iter().zip(&call.arguments) {
        // What a reduction begins with is joined where its result is read.
        let is_own = !has_statement || param.kind == ParamKind::Optional;
        if let Some(argument) = argument.filter(|&argument| is_own && is_operand(ast, param.kind, argument)) {
            visit(argument);
        }
    }
}

/// Calls `visit` for each direct operand of an expression.
fn children(expr: &Expr, mut visit: impl FnMut(ExprId)) {
    match expr {
        Expr::Error
        | Expr::Int(_)
        | Expr::Float(_)
        | Expr::Imaginary(_)
        | Expr::Bool(_)
        | Expr::Str(_)
        | Expr::Bytes(_)
        | Expr::Name(_) => {}
        Expr::Unary(_, a) => visit(*a),
        Expr::Binary(_, a, b) | Expr::Logical(_, a, b) => {
            visit(*a);
            visit(*b);
        }
        Expr::Compare(first, rest) => {
            visit(*first);
            rest.iter().for_each(|(_, operand)| visit(*operand));
        }
        Expr::Conditional { then, condition, otherwise } => {
            visit(*then);
            visit(*condition);
            visit(*otherwise);
        }
        Expr::Call(_, arguments) => arguments.iter().for_each(|argument| visit(argument.value)),
        Expr::None => {}
        Expr::Tuple(items) => items.iter().for_each(|&item| visit(item)),
    }
}
