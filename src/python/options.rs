//! The keyword options of calls: `out=`, `where=`, `casting=`, `order=` and `dtype=`.

use super::numpy_api::descr_dtype;
use crate::dtype::{Casting, DType};
use crate::engine::CallOptions;
use crate::runtime::shape::Order;
use crate::syntax::ast::Name;
use numpy::PY_ARRAY_API;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyString};
use unicode_normalization::UnicodeNormalization;

/// The options' names, interned, in the order of [`Keyword`].
pub(super) const NAMES: [&str; 7] = ["out", "where", "casting", "order", "dtype", "fastmath", "functions"];

/// Those of a kernel's call; `evaluate` has all.
pub(super) const OF_CALLS: usize = 5;

static INTERNED: PyOnceLock<[Py<PyString>; NAMES.len()]> = PyOnceLock::new();

/// The options of a call as they were given; the default is none.
#[derive(Clone, Copy)]
pub(super) struct Given {
    /// `out=`, or null.
    pub(super) out: *mut PyObject,
    /// `where=`, or null; true is none.
    pub(super) mask: *mut PyObject,
    /// `fastmath=`, or null.
    pub(super) fastmath: *mut PyObject,
    /// `functions=`, or null.
    pub(super) functions: *mut PyObject,
    /// The others.
    pub(super) call: CallOptions<'static>,
}

impl Default for Given {
    fn default() -> Given {
        Given {
            out: std::ptr::null_mut(),
            mask: std::ptr::null_mut(),
            fastmath: std::ptr::null_mut(),
            functions: std::ptr::null_mut(),
            call: CallOptions { casting: Casting::SameKind, order: Order::K, dtype: None, mask: None },
        }
    }
}

fn names(py: Python<'_>) -> &'static [Py<PyString>; NAMES.len()] {
    INTERNED.get_or_init(py, || NAMES.map(|name| PyString::intern(py, name).unbind()))
}

/// The number of the option among the first `count` that has this name, if the name is interned.
#[inline]
pub(super) fn position(py: Python<'_>, name: *mut PyObject, count: usize) -> Option<usize> {
    names(py)[..count].iter().position(|own| own.as_ptr() == name)
}

/// The same for any name.
///
/// # Safety
/// `name` is a live str.
#[cold]
pub(super) unsafe fn position_by_text(py: Python<'_>, name: *mut PyObject, count: usize) -> Option<usize> {
    // SAFETY: the caller's word; the options' names live for ever.
    names(py)[..count].iter().position(|own| unsafe { ffi::PyUnicode_Compare(own.as_ptr(), name) == 0 })
}

/// The number of the argument that a name means, also where it isn't interned or normalised.
///
/// # Safety
/// `name` is a live str.
#[cold]
pub(super) unsafe fn argument_by_text(py: Python<'_>, arguments: &[Name], name: *mut PyObject) -> Option<usize> {
    // SAFETY: the caller's word.
    let name = unsafe { Bound::from_borrowed_ptr(py, name) };
    let text = name.cast::<PyString>().ok()?.to_str().ok()?;
    let normalised = text.nfkc();
    arguments.iter().position(|own| **own == *text || own.chars().eq(normalised.clone()))
}

impl Given {
    /// Are the options those of most calls, `out=` apart?
    #[inline]
    pub(super) fn is_usual(&self) -> bool {
        let CallOptions { casting, order, dtype, .. } = self.call;
        self.mask.is_null() && casting == Casting::SameKind && order == Order::K && dtype.is_none()
    }

    /// Takes an option's value.
    pub(super) fn set(&mut self, option: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match option {
            0 => self.out = if value.is_none() { std::ptr::null_mut() } else { value.as_ptr() },
            1 => {
                self.mask = if value.is(PyBool::new(value.py(), true)) { std::ptr::null_mut() } else { value.as_ptr() }
            }
            2 => self.call.casting = casting(value)?,
            3 => self.call.order = order(value)?,
            4 => self.call.dtype = dtype(value)?,
            5 => self.fastmath = value.as_ptr(),
            _ => self.functions = value.as_ptr(),
        }
        Ok(())
    }
}

fn casting(value: &Bound<'_, PyAny>) -> PyResult<Casting> {
    let text = value.cast::<PyString>().map_err(|_| PyTypeError::new_err("casting must be a string"))?;
    Casting::parse(&text.to_string_lossy()).ok_or_else(|| {
        PyValueError::new_err(format!(
            "casting must be one of 'no', 'equiv', 'safe', 'same_kind', or 'unsafe' (got '{text}')"
        ))
    })
}

fn order(value: &Bound<'_, PyAny>) -> PyResult<Order> {
    if value.is_none() {
        return Ok(Order::K);
    }
    let text = value.cast::<PyString>().map_err(|_| PyTypeError::new_err("order must be a string"))?;
    Order::parse(&text.to_string_lossy())
        .ok_or_else(|| PyValueError::new_err(format!("order must be one of 'C', 'F', 'A', or 'K' (got '{text}')")))
}

/// The supported dtype that a dtype, a type or a string means; byte order is of no matter, since
/// allocated outputs are always native.
pub(super) fn dtype(value: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    let py = value.py();
    if value.is_none() {
        return Ok(None);
    }
    let mut descr = std::ptr::null_mut();
    // SAFETY: the GIL is held; on success `descr` is a new reference, on failure an exception is set.
    let descr = unsafe {
        if PY_ARRAY_API.PyArray_DescrConverter(py, value.as_ptr(), &mut descr) == 0 {
            return Err(PyErr::fetch(py));
        }
        Bound::from_owned_ptr(py, descr.cast::<ffi::PyObject>())
    };
    // SAFETY: the GIL is held and `descr` is alive.
    match unsafe { descr_dtype(py, descr.as_ptr().cast()) } {
        Some((dtype, _)) => Ok(Some(dtype)),
        None => Err(PyTypeError::new_err(format!("dtype {descr} is not supported yet"))),
    }
}
