//! From the engine's errors to Python's exceptions.

use crate::diagnostic::{Category, Diagnostic, Error, Report};
use pyo3::exceptions::{
    PyException, PyMemoryError, PyNameError, PyOverflowError, PyRuntimeError, PySyntaxError, PyTypeError, PyValueError,
    PyZeroDivisionError,
};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::ffi::{CStr, CString};

/// Every category with the kind that `errors` names it by, and its exception's name.
const CATEGORIES: [(Category, &str, &CStr, &CStr); 6] = [
    (
        Category::Syntax,
        "syntax",
        c"numfuse.ExprSyntaxError",
        c"The text is not a program, or exceeds a limit. Also a SyntaxError.",
    ),
    (
        Category::Name,
        "name",
        c"numfuse.ExprNameError",
        c"A name means nothing here: an unknown function, or an argument that was not given. Also a NameError.",
    ),
    (
        Category::Type,
        "type",
        c"numfuse.ExprTypeError",
        c"An operation does not take these types, or casting is forbidden. Also a TypeError.",
    ),
    (
        Category::Overflow,
        "overflow",
        c"numfuse.ExprOverflowError",
        c"A Python integer does not fit the dtype that it meets, or 64 bits. Also an OverflowError.",
    ),
    (
        Category::Value,
        "value",
        c"numfuse.ExprValueError",
        c"An operation on constants has no value, or a name of args= is not in the text. Also a ValueError.",
    ),
    (
        Category::ZeroDivision,
        "zero_division",
        c"numfuse.ExprZeroDivisionError",
        c"A division of Python's own numbers by zero. Also a ZeroDivisionError.",
    ),
];

struct Exceptions {
    /// By category, in the order of [`CATEGORIES`].
    types: [Py<PyType>; 6],
}

static EXCEPTIONS: PyOnceLock<Exceptions> = PyOnceLock::new();

/// Makes the exception types and adds them to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    // Defaults, for exceptions that were not raised by numfuse.
    let attributes = PyDict::new(py);
    attributes.set_item("expression", "")?;
    attributes.set_item("start", 0)?;
    attributes.set_item("end", 0)?;
    attributes.set_item("hint", py.None())?;
    attributes.set_item("errors", PyTuple::empty(py))?;
    let doc = c"An error of an expression's text, with its place.

`expression` is the text; `start` and `end` are the place in it, in characters; `hint` says what to
do, or is None; `errors` has a tuple `(kind, start, end, message, hint)` for each mistake of the
text. The message is a picture with carets below the place.

>>> import numfuse as nf
>>> try:
...     nf.compile('x +')
... except nf.ExprError as error:
...     error.expression
'x +'
";
    let bases = PyTuple::new(py, [py.get_type::<PyException>()])?;
    let base = new_exception(c"numfuse.ExprError", doc, &bases, Some(&attributes))?;
    module.add("ExprError", &base)?;
    let mut types = Vec::new();
    for (category, _, name, doc) in CATEGORIES {
        let builtin = match category {
            Category::Syntax => py.get_type::<PySyntaxError>(),
            Category::Name => py.get_type::<PyNameError>(),
            Category::Type => py.get_type::<PyTypeError>(),
            Category::Overflow => py.get_type::<PyOverflowError>(),
            Category::Value => py.get_type::<PyValueError>(),
            Category::ZeroDivision => py.get_type::<PyZeroDivisionError>(),
        };
        let exception = new_exception(name, doc, &PyTuple::new(py, [&base, &builtin])?, None)?;
        module.add(exception.name()?, &exception)?;
        types.push(exception.unbind());
    }
    let types = types.try_into().map_err(|_| PyRuntimeError::new_err("categories"))?;
    let _ = EXCEPTIONS.set(py, Exceptions { types });
    Ok(())
}

/// A new exception type, with the attributes of a dict if there is one.
fn new_exception<'py>(
    name: &CStr,
    doc: &CStr,
    bases: &Bound<'py, PyTuple>,
    attributes: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyType>> {
    let attributes = attributes.map_or(std::ptr::null_mut(), |attributes| attributes.as_ptr());
    // SAFETY: the GIL is held; the strings end with a zero; the bases and the attributes are alive;
    // the result is a new reference, or null with an exception set.
    let exception = unsafe {
        let exception = ffi::PyErr_NewExceptionWithDoc(name.as_ptr(), doc.as_ptr(), bases.as_ptr(), attributes);
        Bound::from_owned_ptr_or_err(bases.py(), exception)?
    };
    Ok(exception.cast_into()?)
}

fn index(category: Category) -> usize {
    CATEGORIES.iter().position(|c| c.0 == category).expect("every category has a row")
}

/// The exception for an error, except for the caller's interrupt, which is pending where it was seen.
pub(super) fn exception(py: Python<'_>, error: Error) -> PyErr {
    match error {
        Error::Report(report) => match raise_report(py, &report) {
            Ok(exception) => exception,
            Err(exception) => exception,
        },
        Error::Value(message) => PyValueError::new_err(message),
        Error::Axis(message) => {
            let axis_error = || py.import("numpy.exceptions")?.getattr("AxisError")?.call1((&message,));
            axis_error().map_or_else(|error| error, PyErr::from_value)
        }
        Error::Type(message) => PyTypeError::new_err(message),
        Error::Overflow(message) => PyOverflowError::new_err(message),
        Error::ZeroDivision(message) => PyZeroDivisionError::new_err(message),
        Error::Memory(message) => PyMemoryError::new_err(message),
        Error::Native(failure) => match failure.0.downcast_ref::<PyErr>() {
            Some(exception) => exception.clone_ref(py),
            None => PyRuntimeError::new_err(failure.to_string()),
        },
        Error::Interrupted => PyErr::take(py).unwrap_or_else(|| pyo3::exceptions::PyKeyboardInterrupt::new_err(())),
        Error::Internal(_) => PyRuntimeError::new_err(error.to_string()),
    }
}

/// An error with a single diagnostic.
pub(super) fn diagnosed(py: Python<'_>, text: &str, diagnostic: Diagnostic) -> PyErr {
    exception(py, Error::Report(Report::new(text.into(), vec![diagnostic])))
}

fn raise_report(py: Python<'_>, report: &Report) -> PyResult<PyErr> {
    let mut positions = Positions::new(&report.text);
    // In order of place, so that one walk over the text finds all positions.
    let mut errors = Vec::new();
    for diagnostic in &report.diagnostics {
        let start = positions.characters(diagnostic.span.start);
        let end = positions.characters(diagnostic.span.end).max(start);
        let kind = CATEGORIES[index(diagnostic.category)].1;
        errors.push((kind, start, end, &diagnostic.message, diagnostic.hint.as_deref()));
    }
    let primary = report.primary();
    let at = report.diagnostics.iter().position(|d| std::ptr::eq(d, primary)).unwrap_or(0);
    let (_, start, end, _, hint) = errors[at];

    let exceptions = EXCEPTIONS.get(py).ok_or_else(|| PyRuntimeError::new_err(report.to_string()))?;
    let value = exceptions.types[index(primary.category)].bind(py).call1((report.to_string(),))?;
    value.setattr("expression", &*report.text)?;
    value.setattr("start", start)?;
    value.setattr("end", end)?;
    value.setattr("hint", hint)?;
    value.setattr("errors", PyTuple::new(py, errors)?)?;
    Ok(PyErr::from_value(value))
}

/// Finds the characters' numbers of byte offsets, walking on from the last one asked for.
struct Positions<'t> {
    text: &'t str,
    bytes: usize,
    characters: usize,
}

impl<'t> Positions<'t> {
    fn new(text: &'t str) -> Positions<'t> {
        Positions { text, bytes: 0, characters: 0 }
    }

    fn characters(&mut self, offset: u32) -> usize {
        let offset = (offset as usize).min(self.text.len());
        if offset < self.bytes {
            (self.bytes, self.characters) = (0, 0);
        }
        self.characters += self.text.get(self.bytes..offset).map_or(0, |skipped| skipped.chars().count());
        self.bytes = offset;
        self.characters
    }
}

/// Runs an entry point: a panic, which would be a mistake of numfuse, becomes a RuntimeError.
pub(super) fn guarded<T>(run: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // What a panic may leave half done is dropped with the call: shared state is behind locks or
    // cells that are written in single steps.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(result) => result,
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|s| s.to_string())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(PyRuntimeError::new_err(Error::Internal(what).to_string()))
        }
    }
}

/// The text of a Python string; a lone surrogate is a syntax error at its place.
pub(super) fn text<'a>(string: &'a Bound<'_, pyo3::types::PyString>) -> PyResult<&'a str> {
    string.to_str().map_err(|error| {
        let py = string.py();
        if !error.is_instance_of::<pyo3::exceptions::PyUnicodeEncodeError>(py) {
            return error;
        }
        lone_surrogate(py, string).unwrap_or_else(|error| error)
    })
}

fn lone_surrogate(py: Python<'_>, string: &Bound<'_, pyo3::types::PyString>) -> PyResult<PyErr> {
    // A text of the same characters, surrogates replaced by one character each.
    let encoded = string.call_method1("encode", ("utf-8", "replace"))?;
    let shown: String = encoded.call_method1("decode", ("utf-8",))?.extract()?;
    let mut at = 0;
    for index in 0..string.len()? {
        let character = string.get_item(index)?;
        if character.cast::<pyo3::types::PyString>()?.to_str().is_err() {
            at = index;
            break;
        }
    }
    let offset = shown.char_indices().nth(at).map_or(0, |(offset, _)| offset);
    let span = crate::source::Span::new(offset, offset + 1);
    let message = "the text has half of a surrogate pair, which is no character";
    let exception = diagnosed(py, &shown, Diagnostic::new(Category::Syntax, span, message));
    exception.value(py).setattr("expression", string)?;
    Ok(exception)
}

/// As a C string, for names and documentation that were written here.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}
