//! `numfuse.define`, and what there is to say of functions.

use super::error::{exception, guarded, text};
use super::register::RegistryObject;
use crate::check::errors;
use crate::engine;
use crate::ir::callee::Concurrency;
use crate::registry::{Registry, builtins};
use crate::source::Span;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::sync::Arc;

/// The registry that a `registry=` means: none is the process's.
fn registry(object: Option<&Bound<'_, PyAny>>) -> PyResult<Arc<Registry>> {
    match object {
        None => Ok(Arc::clone(Registry::global())),
        Some(object) => {
            let named = RegistryObject::of_option(object)?;
            Ok(named.map_or_else(|| Arc::clone(Registry::global()), |functions| functions.0))
        }
    }
}

/// Defines a function in the language; for define.
#[pyfunction]
#[pyo3(signature = (registry, text, doc, replace, /))]
pub(super) fn _define(
    py: Python<'_>,
    registry: Option<&Bound<'_, PyAny>>,
    text: &Bound<'_, PyString>,
    doc: Option<&str>,
    replace: bool,
) -> PyResult<()> {
    guarded(|| {
        let registry = self::registry(registry)?;
        engine::define(&registry, self::text(text)?, doc.unwrap_or_default(), replace)
            .map_err(|error| exception(py, error))
    })
}

/// The names of a registry's functions and the built-in ones, sorted; for functions.
#[pyfunction]
#[pyo3(signature = (registry, /))]
pub(super) fn _function_names(registry: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    guarded(|| {
        let names = self::registry(registry)?.names();
        let mut names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        names.sort();
        Ok(names)
    })
}

/// The fields of FunctionInfo.
type Fields = (String, String, String, &'static str, String, String, Vec<&'static str>, bool, bool);

/// What there is to say of a function; for functions.
#[pyfunction]
#[pyo3(signature = (registry, name, /))]
pub(super) fn _function(registry: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<Fields> {
    guarded(|| {
        let registry = self::registry(registry)?;
        let Some(function) = registry.get(name) else {
            let unknown = errors::unknown_function(name, Span::default(), &*registry);
            let hint = unknown.hint.map_or_else(String::new, |hint| format!(" ({hint})"));
            return Err(PyKeyError::new_err(unknown.message + &hint));
        };
        let effects = function.effects();
        Ok((
            function.name.to_string(),
            function.signature(),
            function.doc.to_string(),
            builtins::family(&function).unwrap_or("Registered functions"),
            function.reference.to_string(),
            function.accuracy.to_string(),
            function.aliases.to_vec(),
            effects.pure,
            effects.concurrency != Concurrency::Exclusive,
        ))
    })
}
