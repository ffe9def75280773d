//! References that die at once.

use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;

/// An owned reference, held and dropped under the GIL only.
///
/// `Py` cannot tell that the GIL is held where Python called a function of ours directly, and puts
/// the drop off; the owners of these are dropped in such functions.
pub(super) struct Held(*mut PyObject);

impl Held {
    /// Takes a reference over.
    pub(super) fn new<T>(object: Bound<'_, T>) -> Held {
        Held(object.into_ptr())
    }

    /// The object, borrowed.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut PyObject {
        self.0
    }

    /// Another reference.
    #[inline]
    pub(super) fn bind<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: the object is alive, since this owns a reference to it.
        unsafe { Bound::from_borrowed_ptr(py, self.0) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the reference is owned and given up here; the GIL is held, as the type says.
        unsafe { ffi::Py_DECREF(self.0) }
    }
}
