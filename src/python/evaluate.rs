//! `numfuse.evaluate`: from a text and names to a kernel's call, by a table of the texts seen last.

use super::argument::is_array;
use super::call::call;
use super::error::{exception, guarded, text};
use super::held::Held;
use super::kernel::{KernelObject, compile};
use super::options::{self, Given};
use super::register::RegistryObject;
use super::settings;
use crate::diagnostic::{Category, Diagnostic, Error, Report};
use crate::engine::{Functions, Options};
use crate::opt::FastMath;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The constants, which arguments of these names win over.
const CONSTANTS: [&str; 4] = ["pi", "e", "inf", "nan"];

/// A set of [`CONSTANTS`], as bits.
type Constants = u8;

/// A text and its kernels.
struct Entry {
    /// The text, whose address is the key; of exactly the type str, so that it never changes.
    text: Held,
    fastmath: FastMath,
    /// The registry, if one was named.
    functions: Option<Functions>,
    /// The kernel where no constant's name is given.
    plain: Held,
    /// The constants that the text may read.
    constants: Constants,
    /// The kernels where the names of these constants are given.
    variants: RefCell<SmallVec<[(Constants, Held); 1]>>,
}

/// Texts in the table; a text's place is given by its address alone.
const SLOTS: usize = 256;

/// Longer texts are not kept alive by the table.
const LONGEST: usize = 4096;

/// The texts seen last, and how often they were found there.
struct Table {
    slots: RefCell<Vec<Option<Rc<Entry>>>>,
    hits: Cell<u64>,
}

// SAFETY: the table and its entries are used by the functions below only, each of which has a
// `Python` token: under the GIL, so by one thread at a time. No borrow of a cell is held while
// Python code may run, which might let another thread in.
unsafe impl Sync for Table {}

static TABLE: Table = Table { slots: RefCell::new(Vec::new()), hits: Cell::new(0) };

/// How often a text was found without asking the engine, since the table was last cleared.
pub(super) fn hits(_: Python<'_>) -> u64 {
    TABLE.hits.get()
}

/// Forgets all texts; their kernels live on while somebody holds them.
pub(super) fn clear(_: Python<'_>) {
    TABLE.hits.set(0);
    // Dropping a kernel may run Python code: not while the cell is borrowed.
    let slots = std::mem::take(&mut *TABLE.slots.borrow_mut());
    drop(slots);
}

fn slot(text: *mut PyObject) -> usize {
    // Objects are aligned to 16 bytes.
    (text as usize >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - SLOTS.ilog2())
}

/// The entry of a text of exactly the type str.
#[inline]
fn entry(
    py: Python<'_>,
    string: &Bound<'_, PyAny>,
    fastmath: FastMath,
    functions: Option<Functions>,
) -> PyResult<Rc<Entry>> {
    let slot = slot(string.as_ptr());
    if let Some(Some(entry)) = TABLE.slots.borrow().get(slot)
        && entry.text.as_ptr() == string.as_ptr()
        && entry.fastmath == fastmath
        && entry.functions == functions
        && entry.is_current()
    {
        TABLE.hits.set(TABLE.hits.get() + 1);
        return Ok(entry.clone());
    }
    new_entry(py, string, fastmath, functions, slot)
}

#[cold]
fn new_entry(
    py: Python<'_>,
    string: &Bound<'_, PyAny>,
    fastmath: FastMath,
    functions: Option<Functions>,
    slot: usize,
) -> PyResult<Rc<Entry>> {
    let string = string.cast::<PyString>()?;
    let text = text(string)?;
    let plain = compile(py, text, &Options { fastmath, functions: functions.clone(), ..Options::default() })?;
    // SAFETY: `compile` gives instances of Kernel; `plain` is alive.
    let kernel = unsafe { KernelObject::of(plain.as_ptr()) }.kernel();
    let mut constants = 0;
    for (index, constant) in CONSTANTS.into_iter().enumerate() {
        if may_mention(text, constant) && !kernel.arguments().iter().any(|name| **name == *constant) {
            constants |= 1 << index;
        }
    }
    let entry = Rc::new(Entry {
        text: Held::new(string.clone()),
        fastmath,
        functions,
        plain: Held::new(plain),
        constants,
        variants: RefCell::default(),
    });
    if text.len() <= LONGEST {
        let mut slots = TABLE.slots.borrow_mut();
        if slots.is_empty() {
            slots.resize(SLOTS, None);
        }
        let old = slots[slot].replace(entry.clone());
        drop(slots);
        drop(old);
    }
    Ok(entry)
}

/// May the text have this ASCII name as a word? Other characters may be forms of ASCII ones.
fn may_mention(text: &str, name: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = text.as_bytes();
    !text.is_ascii()
        || text.match_indices(name).any(|(at, _)| {
            !part(at.checked_sub(1).and_then(|before| bytes.get(before))) && !part(bytes.get(at + name.len()))
        })
}

impl Entry {
    /// Do the functions of the text mean what they did?
    #[inline]
    fn is_current(&self) -> bool {
        // SAFETY: an instance of Kernel, which the entry holds.
        unsafe { KernelObject::of(self.plain.as_ptr()) }.kernel().is_current()
    }

    /// The kernel where the names of these constants are given.
    fn variant<'py>(&self, py: Python<'py>, given: Constants) -> PyResult<Bound<'py, PyAny>> {
        if let Some((_, kernel)) = self.variants.borrow().iter().find(|(constants, _)| *constants == given) {
            return Ok(kernel.bind(py));
        }
        let string = self.text.bind(py);
        let names = CONSTANTS.iter().enumerate().filter(|(index, _)| given & 1 << index != 0);
        let options = Options {
            given: names.map(|(_, &name)| name.into()).collect(),
            fastmath: self.fastmath,
            functions: self.functions.clone(),
            ..Options::default()
        };
        let kernel = compile(py, text(string.cast::<PyString>()?)?, &options)?;
        // Others may have put the same there while Python ran; the first is found.
        self.variants.borrow_mut().push((given, Held::new(kernel.clone())));
        Ok(kernel)
    }
}

/// The names of a call and where their values come from.
struct Names<'c, 'py> {
    /// Keywords and their values.
    keywords: SmallVec<[(*mut PyObject, *mut PyObject); 16]>,
    mapping: Option<&'c Bound<'py, PyAny>>,
}

impl<'py> Names<'_, 'py> {
    /// Is there a value of this name?
    fn has(&self, py: Python<'py>, name: &str) -> PyResult<bool> {
        for &(keyword, _) in &self.keywords {
            // SAFETY: the names are live strs: the caller's tuple holds them.
            if unsafe { Bound::from_borrowed_ptr(py, keyword).cast::<PyString>()?.to_str().is_ok_and(|k| k == name) } {
                return Ok(true);
            }
        }
        Ok(self.lookup(&PyString::new(py, name))?.is_some())
    }

    /// The mapping's value for a name.
    fn lookup(&self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(mapping) = self.mapping else { return Ok(None) };
        if let Ok(dict) = mapping.cast_exact::<PyDict>() {
            return dict.get_item(name);
        }
        let py = name.py();
        match mapping.get_item(name) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_instance_of::<PyKeyError>(py) => Ok(None),
            // A structured array without such a field.
            Err(error) if is_array(mapping) && error.is_instance_of::<PyValueError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// # Safety
/// Called by Python, with the GIL held: `nargs` arguments at `args`, followed by one for each of
/// the strings in `kwnames`, which may be null.
pub(super) unsafe extern "C" fn evaluate(
    _module: *mut PyObject,
    args: *const *mut PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: Python's word, as above.
    unsafe {
        let py = Python::assume_attached();
        let result = guarded(|| {
            let keywords = if kwnames.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(kwnames) };
            let args = match (nargs + keywords) as usize {
                0 => &[][..],
                count => std::slice::from_raw_parts(args, count),
            };
            evaluated(py, args, nargs as usize, kwnames)
        });
        match result {
            Ok(object) => object,
            Err(error) => {
                error.restore(py);
                std::ptr::null_mut()
            }
        }
    }
}

/// # Safety
/// `args` are alive until the call returns; `kwnames` is null or a tuple of `args.len() - positional`
/// strings.
unsafe fn evaluated(
    py: Python<'_>,
    args: &[*mut PyObject],
    positional: usize,
    kwnames: *mut PyObject,
) -> PyResult<*mut PyObject> {
    // SAFETY: the arguments are alive.
    let argument = |index: usize| unsafe { Bound::from_borrowed_ptr(py, args[index]) };
    if positional == 0 || positional > 2 {
        let message = format!(
            "evaluate() takes an expression and at most one mapping by position, and the names by keyword ({positional} positional arguments given)"
        );
        return Err(PyTypeError::new_err(message));
    }
    let string = exact_string(argument(0))?;
    let mapping = (positional == 2).then(|| argument(1)).filter(|mapping| !mapping.is_none());

    let mut given = Given::default();
    let mut names = Names { keywords: SmallVec::new(), mapping: mapping.as_ref() };
    for (index, &value) in args[positional..].iter().enumerate() {
        // SAFETY: there are as many names as values; the tuple holds them.
        let (name, option) = unsafe {
            let name = ffi::PyTuple_GET_ITEM(kwnames, index as isize);
            let count = options::NAMES.len();
            let interned = || (*name.cast::<ffi::PyASCIIObject>()).interned() != 0;
            let option = options::position(py, name, count);
            (name, option.or_else(|| if interned() { None } else { options::position_by_text(py, name, count) }))
        };
        match option {
            Some(option) => given.set(option, &argument(positional + index))?,
            None => names.keywords.push((name, value)),
        }
    }
    let fastmath = match given.fastmath.is_null() {
        true => FastMath::default(),
        false => {
            // SAFETY: alive, one of the arguments.
            let value = unsafe { Bound::from_borrowed_ptr(py, given.fastmath) };
            settings::fastmath(&value)?
        }
    };

    let functions = match given.functions.is_null() {
        true => None,
        // SAFETY: as above.
        false => RegistryObject::of_option(&unsafe { Bound::from_borrowed_ptr(py, given.functions) })?,
    };

    let entry = entry(py, &string, fastmath, functions)?;
    let mut variant = None;
    if entry.constants != 0 {
        let mut given = 0;
        for (index, constant) in CONSTANTS.into_iter().enumerate() {
            if entry.constants & 1 << index != 0 && names.has(py, constant)? {
                given |= 1 << index;
            }
        }
        if given != 0 {
            variant = Some(entry.variant(py, given)?);
        }
    }
    let kernel = variant.as_ref().map_or(entry.plain.as_ptr(), |kernel| kernel.as_ptr());
    // SAFETY: an instance of Kernel, held by the entry or the variant until the call returns.
    unsafe { call_with_names(py, KernelObject::of(kernel), &names, &given) }
}

fn exact_string(expression: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if expression.is_exact_instance_of::<PyString>() {
        return Ok(expression);
    }
    match expression.cast::<PyString>() {
        Ok(string) => Ok(PyString::new(string.py(), text(string)?).into_any()),
        Err(_) => {
            let name = expression.get_type().name()?;
            Err(PyTypeError::new_err(format!("an expression must be a string, not {name}")))
        }
    }
}

/// # Safety
/// The keywords' names and values are alive until the call returns.
#[inline]
unsafe fn call_with_names(
    py: Python<'_>,
    kernel: &KernelObject,
    names: &Names<'_, '_>,
    given: &Given,
) -> PyResult<*mut PyObject> {
    let keywords = &names.keywords;
    let mut objects = SmallVec::<[*mut PyObject; 16]>::new();
    for (argument, name) in kernel.names().iter().enumerate() {
        let found = match keywords.get(argument) {
            // Arguments are likely to come in their order.
            Some(&(keyword, value)) if keyword == name.as_ptr() => Some(value),
            _ => keywords.iter().find(|(keyword, _)| *keyword == name.as_ptr()).map(|&(_, value)| value),
        };
        objects.push(found.unwrap_or(std::ptr::null_mut()));
    }
    let found = objects.iter().filter(|object| !object.is_null()).count();
    if found == objects.len() && found == keywords.len() {
        // SAFETY: one object for each argument, each alive.
        return unsafe { call(py, kernel, &objects, given) };
    }
    // SAFETY: as this function.
    unsafe { call_with_lookups(py, kernel, names, given, objects) }
}

/// Completes the arguments by names that are not interned, and from the mapping.
///
/// # Safety
/// As [`call_with_names`].
unsafe fn call_with_lookups(
    py: Python<'_>,
    kernel: &KernelObject,
    names: &Names<'_, '_>,
    given: &Given,
    mut objects: SmallVec<[*mut PyObject; 16]>,
) -> PyResult<*mut PyObject> {
    let arguments = kernel.kernel().arguments();
    let mut unused = Vec::new();
    for &(keyword, value) in &names.keywords {
        if kernel.names().iter().any(|name| name.as_ptr() == keyword) {
            continue;
        }
        // SAFETY: a live str; the caller's tuple holds it.
        match unsafe { options::argument_by_text(py, arguments, keyword) } {
            Some(argument) if objects[argument].is_null() => objects[argument] = value,
            Some(argument) => {
                let name = &arguments[argument];
                return Err(PyTypeError::new_err(format!("got multiple values for argument '{name}'")));
            }
            // SAFETY: as above.
            None => unused.push(unsafe { Bound::from_borrowed_ptr(py, keyword) }.to_string()),
        }
    }

    // What the mapping gives is held until the call is over.
    let mut looked_up = SmallVec::<[Bound<'_, PyAny>; 16]>::new();
    let mut missing = Vec::new();
    for argument in 0..arguments.len() {
        if !objects[argument].is_null() {
            continue;
        }
        let name = kernel.names()[argument].bind(py);
        let mut value = names.lookup(name.cast::<PyString>()?)?;
        if value.is_none() && !kernel.kernel().text().is_ascii() {
            // The mapping may have the name as it is written, not as the language compares it.
            value = names.lookup(&PyString::new(py, spelling(kernel, argument)))?;
        }
        let Some(value) = value else {
            missing.push(argument);
            continue;
        };
        if kernel.updates() && kernel.kernel().is_target(argument) {
            return Err(PyTypeError::new_err(format!(
                "'{name}' is updated in place, and a mapping's entries are never written: pass it by keyword"
            )));
        }
        objects[argument] = value.as_ptr();
        looked_up.push(value);
    }
    if !missing.is_empty() {
        return Err(not_given(py, kernel, &missing, &unused));
    }
    if let Some(name) = unused.first() {
        return Err(PyTypeError::new_err(format!(
            "evaluate() got an unexpected keyword argument '{name}': the expression has no such name"
        )));
    }
    // SAFETY: one object for each argument, each alive: the caller's or held above.
    unsafe { call(py, kernel, &objects, given) }
}

/// An argument's name as the text spells it first.
fn spelling(kernel: &KernelObject, argument: usize) -> &str {
    let written = kernel.kernel().text().get(kernel.kernel().argument_span(argument).range()).unwrap_or_default();
    written.trim_matches('`')
}

#[cold]
fn not_given(py: Python<'_>, kernel: &KernelObject, missing: &[usize], unused: &[String]) -> PyErr {
    let text = kernel.kernel().text();
    let diagnostics = missing.iter().map(|&argument| {
        let name = &kernel.kernel().arguments()[argument];
        let place = kernel.kernel().argument_span(argument);
        let diagnostic = Diagnostic::new(Category::Name, place, format!("the name '{name}' is not given"));
        if options::NAMES.contains(&&**name) {
            diagnostic.with_hint(format!("`{name}=` is an option of evaluate: give this name in a mapping"))
        } else if !unused.is_empty() {
            diagnostic.with_hint(format!("given, but not in the expression: {}", unused.join(", ")))
        } else {
            diagnostic
        }
    });
    exception(py, Error::Report(Report::new(text.into(), diagnostics.collect())))
}
