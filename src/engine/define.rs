//! Functions that are added to a registry: those defined in the language, and Rust's.

use super::Engine;
use crate::check::{errors, functions};
use crate::diagnostic::{Diagnostic, Error, Report};
use crate::ir::{Callee, Effects};
use crate::registry::expression::{Expression, Lookup};
use crate::registry::function::{Accuracy, Body, Function, Param};
use crate::registry::native::NativeFn;
use crate::registry::{Registry, constant, valid_name};
use crate::syntax::ast::{Ast, Expr, Name, Parameter};
use crate::syntax::{Limits, parse_definition};
use std::borrow::Cow;
use std::sync::Arc;

/// How a Rust function is registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// What may be done with calls.
    pub effects: Effects,
    /// May it take the place of a function that the registry already holds?
    pub replace: bool,
    /// The parameters' names; if none are given, `x`, or `x1`, `x2` and so on.
    pub params: Vec<String>,
    /// What it computes, in a sentence.
    pub doc: String,
}

impl Default for Registration {
    fn default() -> Registration {
        Registration { effects: Effects::NONE, replace: false, params: Vec::new(), doc: String::new() }
    }
}

impl Engine {
    /// Defines a function in the language: `name(parameter, parameter = default) = body`. Calls are
    /// replaced by the body, operation by operation, as if Python called a function with the same
    /// arguments; so they are fused. A default is an expression, too, over other parameters.
    ///
    /// The functions that the body calls are those of now, whatever their names mean later.
    ///
    /// # Errors
    /// [`Error::Report`] with all that is wrong with the text, and [`Error::Value`] if the engine's
    /// registry holds a function of that name that is not to be replaced. A built-in's name is free.
    ///
    /// # Examples
    /// ```
    /// use numfuse::engine::{Engine, Options};
    /// let engine = Engine::new();
    /// engine.define("zscore(x, mu=0, sigma=1) = (x - mu) / sigma", false).unwrap();
    /// let kernel = engine.compile("zscore(height, sigma=2.5)", &Options::default()).unwrap();
    /// assert_eq!(&*kernel.arguments()[0], "height");
    /// ```
    pub fn define(&self, text: &str, replace: bool) -> Result<(), Error> {
        define(self.functions(), text, "", replace)
    }

    /// Registers a Rust function or closure of up to eight arguments, which is called once an element,
    /// on any thread. Arguments are cast to its types where that is safe.
    ///
    /// A panic becomes the error of the kernel's call, [`Error::Native`].
    ///
    /// # Errors
    /// [`Error::Value`] if the name is no identifier, or the engine's registry holds a function of that
    /// name. A built-in's name is free.
    ///
    /// # Examples
    /// ```
    /// use numfuse::engine::{Engine, Options};
    /// let engine = Engine::new();
    /// let rate = 1.19;
    /// engine.register("with_tax", move |price: f64| price * rate).unwrap();
    /// engine.compile("sum = with_tax(price) * count", &Options::default()).unwrap();
    /// assert!(engine.register("with_tax", |price: f64| price).is_err());
    /// ```
    pub fn register<Args>(&self, name: &str, function: impl NativeFn<Args>) -> Result<(), Error> {
        self.register_with(name, function, Registration::default())
    }

    /// The same for a function that has effects, or with documentation and parameters' names.
    ///
    /// # Errors
    /// As of [`Engine::register`]; and if `params` has wrong names, or not one for each argument.
    pub fn register_with<Args>(
        &self,
        name: &str,
        function: impl NativeFn<Args>,
        registration: Registration,
    ) -> Result<(), Error> {
        let Registration { effects, replace, params, doc } = registration;
        let name = valid_name(name).map_err(Error::Value)?;
        let callee = function.callee(&name, effects);
        let function = Function {
            name: Cow::Owned(name.to_string()),
            aliases: &[],
            params: parameters(&callee, params)?,
            doc: doc.into(),
            accuracy: Accuracy::Unknown,
            reference: Cow::Borrowed("a Rust function"),
            body: Body::Foreign(vec![Arc::new(callee)]),
            of_complex: None,
            of_time: None,
        };
        add(self.functions(), function, replace)
    }
}

/// Defines a function in a registry, as [`Engine::define`] does in the engine's.
///
/// # Errors
/// As of [`Engine::define`].
pub fn define(registry: &Registry, text: &str, doc: &str, replace: bool) -> Result<(), Error> {
    let report = |diagnostics| Error::Report(Report::new(Arc::from(text), diagnostics));
    let definition = parse_definition(text, &Limits::default()).map_err(report)?;
    let own_name = &definition.name.name;
    let defaults = definition.parameters.iter().filter_map(|parameter| parameter.default.as_ref());
    let asts = defaults.chain([&definition.body]);
    let names: Vec<Name> = definition.parameters.iter().map(|parameter| parameter.name.name.clone()).collect();
    let mut wrong: Vec<Diagnostic> = asts.flat_map(|ast| wrong_names(ast, own_name, &names, registry)).collect();

    let param = |Parameter { name, default }: Parameter| Param {
        default: default.map(|ast| Expression::of(ast, registry)),
        ..Param::required(name.name.to_string())
    };
    let function = Function {
        name: own_name.to_string().into(),
        aliases: &[],
        params: definition.parameters.into_iter().map(param).collect(),
        doc: doc.to_owned().into(),
        accuracy: Accuracy::Unknown,
        reference: text.trim().to_owned().into(),
        body: Body::Inline(Expression::of(definition.body, registry)),
        of_complex: None,
        of_time: None,
    };
    let others = functions::resolve_row(&function, definition.name.span).err().unwrap_or_default();
    // What is wrong with names was said above, of all at once and with the registry's names at hand.
    let is_new = |other: &Diagnostic| wrong.iter().all(|known| known.span != other.span);
    let others: Vec<Diagnostic> = others.into_iter().filter(is_new).collect();
    wrong.extend(others);
    match wrong.is_empty() {
        true => add(registry, function, replace),
        false => Err(report(wrong)),
    }
}

/// Calls of functions that are unknown, or of the one that is being defined, and names that are no
/// parameters.
fn wrong_names(ast: &Ast, own_name: &str, params: &[Name], functions: &dyn Lookup) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for (expr, &span) in ast.exprs.iter().zip(&ast.spans) {
        match expr {
            Expr::Name(name) if !params.contains(name) && constant(name).is_none() => {
                wrong.push(errors::no_parameter(name, span, params));
            }
            Expr::Call(called, _) if *called.name == *own_name => wrong.push(errors::recursion(own_name, called.span)),
            Expr::Call(called, _) if functions.function(&called.name).is_none() => {
                wrong.push(errors::unknown_function(&called.name, called.span, functions));
            }
            _ => {}
        }
    }
    wrong
}

/// The parameters of a Rust function.
fn parameters(callee: &Callee, names: Vec<String>) -> Result<Vec<Param>, Error> {
    let count = callee.params.len();
    let names = match (names.is_empty(), count) {
        (true, 1) => vec!["x".to_owned()],
        (true, _) => (1..=count).map(|number| format!("x{number}")).collect(),
        (false, _) => names,
    };
    if names.len() != count {
        let message = format!("'{}' takes {count} arguments, not {}", callee.name, errors::list(&names));
        return Err(Error::Value(message));
    }
    let mut params: Vec<Param> = Vec::with_capacity(count);
    for name in names {
        let name = valid_name(&name).map_err(Error::Value)?;
        if params.iter().any(|param| *param.name == *name) {
            return Err(Error::Value(format!("the parameter '{name}' of '{}' comes twice", callee.name)));
        }
        params.push(Param::required(name.to_string()));
    }
    Ok(params)
}

fn add(registry: &Registry, function: Function, replace: bool) -> Result<(), Error> {
    registry.add(function, replace).map_err(|known| {
        Error::Value(format!("`{}` is registered already; `replace` changes what it means", known.signature()))
    })
}
