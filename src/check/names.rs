//! What the names of a program mean: arguments, outputs, locals, constants and functions.

use super::errors;
use super::functions::expanded;
use crate::diagnostic::Diagnostic;
use crate::registry;
use crate::registry::expression::Lookup;
use crate::registry::function::{Body, Function};
use crate::source::Span;
use crate::syntax::ast::{Ast, Expr, ExprId, Name, StatementKind};
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
    /// What each statement does to which storage.
    pub statements: Vec<Statement>,
    /// For each name in the tree, what it denotes there.
    pub references: HashMap<ExprId, Reference>,
    /// For each call in the tree, the function and its arguments in the order of its parameters.
    pub calls: HashMap<ExprId, Call>,
    /// Whether there is a power, whose meaning depends on more than its operands' types.
    pub powers_matter: bool,
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

/// A statement whose names are resolved.
#[derive(Clone, Debug)]
pub struct Statement {
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
    let mut resolver = Resolver { given: listed.given.iter().cloned().collect(), ..Resolver::default() };
    resolver.listed = listed.all.map(|names| names.iter().cloned().collect());
    if let Some(names) = listed.all {
        // The order of the arguments is the list's; those that never occur are found at the end.
        for name in names {
            resolver.argument(name, Span::default(), false);
        }
    }
    for index in 0..ast.statements.len() {
        resolver.statement(&ast, index, functions);
    }
    resolver.finish(ast)
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

    fn statement(&mut self, ast: &Ast, index: usize, functions: &dyn Lookup) {
        let statement = &ast.statements[index];
        let start = if index == 0 { 0 } else { ast.statements[index - 1].value.0 + 1 };
        let end = statement.value.0 + 1;

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

        let mut reads = Vec::new();
        let mut is_new = HashSet::new();
        let mut is_pure = true;
        for id in self.needed(ast, start..end, statement.value) {
            match &ast[id] {
                Expr::Name(name) => {
                    let reference = self.reference(name, ast.span(id));
                    self.references.insert(id, reference);
                    reads.extend(reference.key().filter(|key| is_new.insert(*key)).map(|_| reference));
                }
                Expr::Call(..) => {
                    self.call(ast, id, functions);
                    is_pure &= self.calls.get(&id).is_none_or(|call| call.function.effects().pure);
                }
                Expr::Binary(crate::syntax::ast::BinaryOp::Pow, ..) => self.powers_matter = true,
                Expr::Imaginary(_) => {
                    self.errors.push(errors::unsupported_literal("imaginary literals", ast.span(id)));
                }
                Expr::Str(_) => self.errors.push(errors::unsupported_literal("strings", ast.span(id))),
                _ => {}
            }
        }

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
                reads.extend(before.key().filter(|key| is_new.insert(*key)).map(|_| before));
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
        for &read in &reads {
            if let Reference::Statement(s) = read {
                self.statements[s as usize].readers.push(index as u32);
            }
        }
        self.statements.push(Statement {
            storage,
            update,
            base: match update {
                Some(Reference::Statement(s)) => self.statements[s as usize].base,
                _ => index as u32,
            },
            exprs: start..end,
            reads,
            readers: Vec::new(),
            overwritten: None,
            is_stable: is_pure,
        });
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

    /// The expressions that a statement's value is made of, children first.
    fn needed(&self, ast: &Ast, exprs: Range<u32>, value: ExprId) -> Vec<ExprId> {
        let start = exprs.start;
        let mut needed = vec![false; exprs.len()];
        needed[(value.0 - start) as usize] = true;
        for at in (0..needed.len()).rev() {
            if needed[at] {
                children(&ast[ExprId(start + at as u32)], |child| needed[(child.0 - start) as usize] = true);
            }
        }
        (0..needed.len()).filter(|&at| needed[at]).map(|at| ExprId(start + at as u32)).collect()
    }

    /// Puts a call's arguments in the order of the function's parameters.
    fn call(&mut self, ast: &Ast, id: ExprId, functions: &dyn Lookup) {
        let Expr::Call(name, arguments) = &ast[id] else { return };
        let Some(function) = functions.function(&name.name) else {
            self.errors.push(errors::unknown_function(&name.name, name.span, functions));
            return;
        };
        let mut bound: Vec<Option<ExprId>> = vec![None; function.params.len()];
        let mut failed = false;
        for (position, argument) in arguments.iter().enumerate() {
            let place = match &argument.keyword {
                None if position < bound.len() => position,
                None => {
                    self.errors.push(errors::too_many_arguments(&function, arguments.len(), ast.span(id)));
                    return;
                }
                Some(keyword) => match function.params.iter().position(|p| *p.name == *keyword.name) {
                    Some(place) => place,
                    None => {
                        self.errors.push(errors::unknown_keyword(&function, &keyword.name, keyword.span));
                        failed = true;
                        continue;
                    }
                },
            };
            if bound[place].replace(argument.value).is_some() {
                let span = argument.keyword.as_ref().map_or(ast.span(argument.value), |k| k.span);
                self.errors.push(errors::repeated_argument(&function, &function.params[place].name, span));
                failed = true;
            }
        }
        if failed {
            return;
        }
        for (param, argument) in function.params.iter().zip(&bound) {
            if argument.is_none() && param.default.is_none() {
                self.errors.push(errors::missing_argument_of_call(&function, &param.name, ast.span(id)));
                return;
            }
        }
        let (nodes, depth) = function.extent();
        self.expanded = self.expanded.saturating_add(nodes);
        if is_too_large((self.expanded, depth)) {
            self.errors.push(errors::expansion_too_large(&function.name, ast.span(id)));
            return;
        }
        self.powers_matter |= match &function.body {
            Body::Binary(crate::syntax::ast::BinaryOp::Pow) => true,
            // Computed in floats, whatever the arguments.
            Body::Expand(..) => false,
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
                        Storage::Local => self.statements[s as usize].is_stable,
                        storage => writes[&storage] == 1,
                    },
                });
            self.statements[index].is_stable = is_stable;
        }
    }
}

/// Calls `visit` for each direct operand of an expression.
pub fn children(expr: &Expr, mut visit: impl FnMut(ExprId)) {
    match expr {
        Expr::Error
        | Expr::Int(_)
        | Expr::Float(_)
        | Expr::Imaginary(_)
        | Expr::Bool(_)
        | Expr::Str(_)
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
    }
}
