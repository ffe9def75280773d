//! Expressions of the language in functions' rows: bodies and defaults.

use super::Registry;
use super::function::Function;
use crate::diagnostic::Diagnostic;
use crate::ir::Effects;
use crate::source::Span;
use crate::syntax::ast::{Ast, Expr, ExprId, Name, Statement, StatementKind};
use crate::syntax::{Limits, parse, print};
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// An expression over a function's parameters.
pub struct Expression {
    text: Cow<'static, str>,
    source: Source,
    resolved: OnceLock<Box<dyn Any + Send + Sync>>,
}

enum Source {
    /// A built-in's: what it calls is found among the built-ins, private ones included.
    Builtin { reduces: bool },
    /// Any other, and what the functions that it calls meant when it was made.
    Defined { ast: Ast, functions: Vec<(Name, Arc<Function>)>, effects: Effects, extent: (usize, usize), reduces: bool },
}

impl Expression {
    /// A built-in's.
    pub const fn builtin(text: &'static str) -> Expression {
        let source = Source::Builtin { reduces: false };
        Expression { text: Cow::Borrowed(text), source, resolved: OnceLock::new() }
    }

    /// A built-in's that calls reductions.
    pub const fn reducing(text: &'static str) -> Expression {
        let source = Source::Builtin { reduces: true };
        Expression { text: Cow::Borrowed(text), source, resolved: OnceLock::new() }
    }

    /// The same whose text is put together.
    pub fn made(text: String) -> Expression {
        let source = Source::Builtin { reduces: false };
        Expression { text: Cow::Owned(text), source, resolved: OnceLock::new() }
    }

    /// From a text, with the functions that it calls.
    ///
    /// # Errors
    /// What is wrong with the text. That its names mean something is for who resolves it.
    pub fn defined(text: &str, limits: &Limits, functions: &dyn Lookup) -> Result<Expression, Vec<Diagnostic>> {
        let parsed = parse(text, limits);
        match parsed.diagnostics.is_empty() {
            true => Ok(Expression::of(parsed.ast, functions)),
            false => Err(parsed.diagnostics),
        }
    }

    /// From a program of one expression, with the functions that it calls.
    pub fn of(ast: Ast, functions: &dyn Lookup) -> Expression {
        let mut called: Vec<(Name, Arc<Function>)> = Vec::new();
        let (mut effects, mut nodes, mut depth, mut reduces) = (Effects::NONE, 0usize, 0usize, false);
        for expr in ast.expressions() {
            nodes += 1;
            if let Expr::Call(name, _) = expr
                && let Some(function) = functions.function(&name.name)
            {
                let (inner_nodes, inner_depth) = function.extent();
                nodes = nodes.saturating_add(inner_nodes);
                depth = depth.max(inner_depth);
                effects = effects.and(function.effects());
                reduces |= function.reduces();
                if called.iter().all(|(known, _)| *known != name.name) {
                    called.push((Arc::clone(&name.name), function));
                }
            }
        }
        let text = print(&ast).into();
        let source = Source::Defined { ast, functions: called, effects, extent: (nodes, depth), reduces };
        Expression { text, source, resolved: OnceLock::new() }
    }

    /// The text, in canonical form where it is not a built-in's.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree.
    ///
    /// # Panics
    /// If a built-in's text is no expression.
    pub fn ast(&self) -> Ast {
        match &self.source {
            Source::Defined { ast, .. } => ast.clone(),
            Source::Builtin { .. } if self.text == "None" => Ast {
                text: Arc::from("None"),
                exprs: vec![Expr::None],
                spans: vec![Span::default()],
                statements: vec![Statement { kind: StatementKind::Result, value: ExprId(0), span: Span::default() }],
            },
            Source::Builtin { .. } => {
                let parsed = parse(&self.text, &Limits::default());
                assert!(parsed.diagnostics.is_empty(), "the body {:?} is no expression", self.text);
                parsed.ast
            }
        }
    }

    /// What the functions that it calls may do.
    pub fn effects(&self) -> Effects {
        match &self.source {
            Source::Defined { effects, .. } => *effects,
            Source::Builtin { .. } => Effects::NONE,
        }
    }

    /// Does it call reductions, directly or not?
    pub fn reduces(&self) -> bool {
        match &self.source {
            Source::Defined { reduces, .. } | Source::Builtin { reduces } => *reduces,
        }
    }

    /// Its nodes, those of the expressions that it calls included, and how deep these are nested.
    pub fn extent(&self) -> (usize, usize) {
        match &self.source {
            Source::Defined { extent, .. } => *extent,
            Source::Builtin { .. } => (self.text.len(), 1),
        }
    }

    /// What a later stage made of it, made at first use. One stage alone may keep something here.
    pub fn resolved<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> &T {
        let made = self.resolved.get_or_init(|| Box::new(make()));
        made.downcast_ref().expect("one stage keeps things here")
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// Where the names of functions are looked up.
pub trait Lookup {
    /// The function of a name.
    fn function(&self, name: &str) -> Option<Arc<Function>>;

    /// Every name, for messages.
    fn names(&self) -> Vec<Name>;
}

impl Lookup for Expression {
    fn function(&self, name: &str) -> Option<Arc<Function>> {
        match &self.source {
            Source::Builtin { .. } => super::builtin().get(name).cloned(),
            Source::Defined { functions, .. } => {
                functions.iter().find(|(known, _)| **known == *name).map(|(_, function)| Arc::clone(function))
            }
        }
    }

    fn names(&self) -> Vec<Name> {
        Registry::builtin().names()
    }
}
