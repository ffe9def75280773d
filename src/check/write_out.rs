//! Writes out calls of functions whose bodies reduce.
//!
//! A reduction needs a loop of its own, hence a statement of its own ([`super::names`]). Other functions'
//! bodies are lowered where they are called; these are put into the tree instead, before its names are
//! resolved, so that what they reduce is seen like everything else.

use super::errors;
use super::names::{is_too_large, places_of};
use crate::diagnostic::Diagnostic;
use crate::registry;
use crate::registry::expression::Lookup;
use crate::registry::function::{Body, Function};
use crate::source::Span;
use crate::syntax::ast::{Argument, Ast, Expr, ExprId, Name};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A program without calls of functions whose bodies reduce.
pub(super) struct Written {
    pub(super) ast: Ast,
    /// The functions that are called by what was written out.
    pub(super) functions: HashMap<ExprId, Arc<Function>>,
    /// The functions that the program's own text calls, by the names that it has for them.
    pub(super) called: Vec<(Name, Arc<Function>)>,
}

/// Writes out a program.
pub(super) fn write_out(ast: Ast, functions: &dyn Lookup) -> Result<Written, Diagnostic> {
    let mut called: Vec<(Name, Arc<Function>)> = Vec::new();
    let mut known: HashSet<&Name> = HashSet::new();
    for expr in &ast.exprs {
        if let Expr::Call(name, _) = expr
            && known.insert(&name.name)
            && let Some(function) = functions.function(&name.name)
        {
            called.push((Arc::clone(&name.name), function));
        }
    }
    if !called.iter().any(|(_, function)| is_written_out(function)) {
        return Ok(Written { ast, functions: HashMap::new(), called });
    }
    let found: HashMap<Name, Arc<Function>> = called.iter().cloned().collect();
    let mut writer = Writer { exprs: Vec::new(), spans: Vec::new(), functions: HashMap::new(), added: 0 };
    let source = Source { ast: &ast, find: &|name| found.get(name).cloned(), params: None, place: None, depth: 0 };
    let written = writer.copy(&source)?;
    let mut statements = ast.statements.clone();
    for statement in &mut statements {
        statement.value = written[statement.value.0 as usize];
    }
    let ast = Ast { text: Arc::clone(&ast.text), exprs: writer.exprs, spans: writer.spans, statements };
    Ok(Written { ast, functions: writer.functions, called })
}

/// Is it a function whose calls are written out?
fn is_written_out(function: &Function) -> bool {
    matches!(function.body, Body::Inline(_)) && function.reduces()
}

/// A tree to be copied.
struct Source<'a> {
    ast: &'a Ast,
    find: &'a dyn Fn(&str) -> Option<Arc<Function>>,
    /// Of a function's expression: the function, and what its parameters are.
    params: Option<(&'a Function, &'a [Option<ExprId>])>,
    /// The place of the call, if it is a function's expression.
    place: Option<Span>,
    depth: usize,
}

struct Writer {
    exprs: Vec<Expr>,
    spans: Vec<Span>,
    functions: HashMap<ExprId, Arc<Function>>,
    /// The nodes that bodies have, those of the functions that they call included.
    added: usize,
}

impl Writer {
    fn push(&mut self, expr: Expr, span: Span) -> ExprId {
        self.exprs.push(expr);
        self.spans.push(span);
        ExprId(self.exprs.len() as u32 - 1)
    }

    /// Copies a tree; gives the new place of each of its nodes. It calls itself for bodies, whose depth
    /// is bounded.
    fn copy(&mut self, source: &Source) -> Result<Vec<ExprId>, Diagnostic> {
        let mut new: Vec<ExprId> = Vec::with_capacity(source.ast.exprs.len());
        for (index, expr) in source.ast.exprs.iter().enumerate() {
            let span = source.place.unwrap_or(source.ast.spans[index]);
            let id = match expr {
                Expr::Name(name) => match source.params {
                    None => self.push(expr.clone(), span),
                    Some((function, bound)) => match function.params.iter().position(|p| *p.name == **name) {
                        Some(place) => bound[place].unwrap_or_else(|| self.push(Expr::Error, span)),
                        // Whatever the name means where the function is called.
                        None => self.push(registry::constant(name).map_or(Expr::Error, Expr::Float), span),
                    },
                },
                Expr::Call(name, arguments) => {
                    let argument =
                        |a: &Argument| Argument { keyword: a.keyword.clone(), value: new[a.value.0 as usize] };
                    let arguments: Vec<Argument> = arguments.iter().map(argument).collect();
                    let function = (source.find)(&name.name);
                    let bound = function
                        .as_ref()
                        .filter(|f| is_written_out(f))
                        .map(|f| places_of(f, &arguments, span, |_| span));
                    match (function, bound) {
                        // A call that is wrong is found so where names are resolved.
                        (Some(function), Some(Ok(bound))) => self.body(&function, bound, span, source.depth)?,
                        (function, _) => {
                            let id = self.push(Expr::Call(name.clone(), arguments), span);
                            if let (Some(function), Some(_)) = (function, source.place) {
                                self.functions.insert(id, function);
                            }
                            id
                        }
                    }
                }
                other => {
                    let moved = moved(other, |id| new[id.0 as usize]);
                    self.push(moved, span)
                }
            };
            new.push(id);
        }
        Ok(new)
    }

    /// The body of a function with these arguments.
    fn body(
        &mut self,
        function: &Arc<Function>,
        mut bound: Vec<Option<ExprId>>,
        span: Span,
        depth: usize,
    ) -> Result<ExprId, Diagnostic> {
        let (nodes, inner) = function.extent();
        self.added = self.added.saturating_add(nodes);
        if is_too_large((self.added, depth.max(inner))) || is_too_large((0, depth)) {
            return Err(errors::expansion_too_large(&function.name, span));
        }
        // A default may need other parameters.
        let needs = |ast: &Ast| -> Vec<usize> {
            let names = ast.exprs.iter().filter_map(|expr| match expr {
                Expr::Name(name) => function.params.iter().position(|p| *p.name == **name),
                _ => None,
            });
            names.collect()
        };
        loop {
            let ready = function.params.iter().enumerate().find_map(|(index, param)| {
                let default = param.default.as_ref().filter(|_| bound[index].is_none())?;
                let ast = default.ast();
                needs(&ast).iter().all(|&need| bound[need].is_some()).then_some((index, default, ast))
            });
            let Some((index, default, ast)) = ready else { break };
            let value = self.expression(function, default, &ast, &bound, span, depth)?;
            bound[index] = Some(value);
        }
        let Body::Inline(body) = &function.body else { unreachable!("only such functions are written out") };
        self.expression(function, body, &body.ast(), &bound, span, depth)
    }

    fn expression(
        &mut self,
        function: &Function,
        lookup: &dyn Lookup,
        ast: &Ast,
        bound: &[Option<ExprId>],
        span: Span,
        depth: usize,
    ) -> Result<ExprId, Diagnostic> {
        let find = |name: &str| lookup.function(name);
        let params = Some((function, bound));
        let source = Source { ast, find: &find, params, place: Some(span), depth: depth + 1 };
        let new = self.copy(&source)?;
        Ok(new[ast.statements[0].value.0 as usize])
    }
}

/// The same expression with its operands at other places.
fn moved(expr: &Expr, to: impl Fn(ExprId) -> ExprId) -> Expr {
    match expr {
        Expr::Unary(op, a) => Expr::Unary(*op, to(*a)),
        Expr::Binary(op, a, b) => Expr::Binary(*op, to(*a), to(*b)),
        Expr::Compare(first, rest) => {
            Expr::Compare(to(*first), rest.iter().map(|(op, operand)| (*op, to(*operand))).collect())
        }
        Expr::Logical(op, a, b) => Expr::Logical(*op, to(*a), to(*b)),
        Expr::Conditional { then, condition, otherwise } => {
            Expr::Conditional { then: to(*then), condition: to(*condition), otherwise: to(*otherwise) }
        }
        Expr::Tuple(items) => Expr::Tuple(items.iter().map(|&item| to(item)).collect()),
        other => other.clone(),
    }
}
