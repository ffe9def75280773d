//! One call of a kernel: views of the arguments, memory for the results.

use super::argument::{Arena, Refusal, Viewer, WORDS, check_subclass, check_writable, is_array, unsupported_dtype};
use super::error::{diagnosed, exception};
use super::fast_call::call_fast;
use super::kernel::KernelObject;
use super::numpy_api::{NumPy, Slot, numpy};
use super::options::Given;
use super::register::left_behind;
use super::variable_strings;
use crate::array::{ArrayRef, Memory};
use crate::diagnostic::{Diagnostic, Error};
use crate::dtype::DType;
use crate::engine::{Host, Kernel};
use numpy::PY_ARRAY_API;
use numpy::npyffi::PyArrayObject;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString, PyTuple};
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// Calls a kernel with its arguments in order; gives a new reference.
///
/// # Safety
/// The objects are as many as the kernel's arguments, and stay alive until the call returns, as
/// does what `given` points to.
#[inline]
pub(super) unsafe fn call(
    py: Python<'_>,
    callee: &KernelObject,
    objects: &[*mut PyObject],
    given: &Given,
) -> PyResult<*mut PyObject> {
    // SAFETY: the caller's word.
    unsafe {
        if given.is_usual()
            && let Some(result) = call_fast(py, callee, objects, given.out)
        {
            return result;
        }
        call_any(py, callee, objects, given)
    }
}

/// The general way.
///
/// # Safety
/// As [`call`].
#[inline(never)]
unsafe fn call_any(
    py: Python<'_>,
    callee: &KernelObject,
    objects: &[*mut PyObject],
    given: &Given,
) -> PyResult<*mut PyObject> {
    let kernel = callee.kernel();
    let arena = Arena::default();
    let mut words = [MaybeUninit::uninit(); WORDS];
    let mut viewer = Viewer { py, arena: &arena, free: &mut words };
    let mut views = SmallVec::<[ArrayRef<'_>; 8]>::new();
    for (argument, &object) in objects.iter().enumerate() {
        let target = callee.updates() && kernel.is_target(argument);
        if target {
            // SAFETY: the object is alive, the GIL is held.
            check_target(&kernel.arguments()[argument], &unsafe { Bound::from_borrowed_ptr(py, object) })?;
        }
        // SAFETY: the caller keeps the object alive until the call returns.
        match unsafe { viewer.view(object) } {
            Ok(view) if target => {
                check_writable(&view)?;
                views.push(view);
            }
            Ok(view) => views.push(view),
            Err(refusal) => return Err(refused(py, callee, argument, refusal)),
        }
    }

    let mut host = CallHost { py, given: SmallVec::new(), made: SmallVec::new(), interrupt: None };
    match kernel.outputs().len() {
        count @ ..=2 => host.made = SmallVec::from_buf_and_len([Made::nothing(), Made::nothing()], count),
        count => host.made.resize_with(count, Made::nothing),
    }
    if !given.out.is_null() {
        // SAFETY: the object is alive, the GIL is held.
        let out = unsafe { Bound::from_borrowed_ptr(py, given.out) };
        host.given = given_outputs(kernel, &out, objects, &mut viewer)?;
    }
    let mut options = given.call;
    if !given.mask.is_null() {
        // SAFETY: the object is alive, the GIL is held.
        options.mask = Some(viewer.mask(&unsafe { Bound::from_borrowed_ptr(py, given.mask) })?);
    }
    match kernel.call(&views, &mut host, &options) {
        Ok(()) => {
            left_behind(py)?;
            host.results(callee, objects)
        }
        Err(error) => Err(host.interrupt.take().unwrap_or_else(|| exception(py, error))),
    }
}

/// A target of `op=` has to be an array, since it is written.
fn check_target(name: &str, object: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_array(object) {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "argument '{name}' is updated in place and must be a NumPy array, not {}",
        object.get_type().name()?
    )))
}

#[cold]
fn refused(py: Python<'_>, callee: &KernelObject, argument: usize, refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::Raised(error) => error,
        Refusal::Because(category, message, hint) => {
            let message = format!("argument '{}' {message}", callee.kernel().arguments()[argument]);
            let mut diagnostic = Diagnostic::new(category, callee.kernel().argument_span(argument), message);
            diagnostic.hint = hint;
            diagnosed(py, callee.kernel().text(), diagnostic)
        }
    }
}

/// What is known of an output that the call allocates.
struct Made {
    /// The array, owned, or null.
    array: *mut PyObject,
    /// The dtype of a scalar.
    scalar: Option<DType>,
    /// A scalar's value.
    slot: UnsafeCell<Slot>,
}

impl Made {
    const fn nothing() -> Made {
        Made { array: std::ptr::null_mut(), scalar: None, slot: UnsafeCell::new([0; 2]) }
    }

    /// Gives up the reference to the array.
    fn take(&mut self) -> *mut PyObject {
        std::mem::replace(&mut self.array, std::ptr::null_mut())
    }
}

/// The array of an entry of `out=`, and its view.
type GivenOutput<'s> = Option<(ArrayRef<'s>, *mut PyObject)>;

struct CallHost<'py, 's> {
    py: Python<'py>,
    /// What `out=` gives, by output; empty without `out=`.
    given: SmallVec<[GivenOutput<'s>; 2]>,
    /// By output.
    made: SmallVec<[Made; 2]>,
    /// What a signal handler raised while the kernel ran.
    interrupt: Option<PyErr>,
}

impl Host for CallHost<'_, '_> {
    #[inline]
    fn given(&self, output: usize) -> Option<ArrayRef<'_>> {
        self.given.get(output).copied().flatten().map(|(view, _)| view)
    }

    #[inline]
    fn allocate(&mut self, output: usize, dtype: DType, shape: &[isize], strides: &[isize]) -> Result<Memory, Error> {
        let made = &mut self.made[output];
        // What does not fit the slot is an array without dimensions until the call is over.
        if shape.is_empty() && NumPy::fits_slot(dtype) {
            made.scalar = Some(dtype);
            // The vector of these has its final length, so the slot stays where it is.
            // SAFETY: a scalar's dtype has at most the slot's bytes, which are read when the call is over.
            return Ok(unsafe { Memory::new(made.slot.get().cast()) });
        }
        let array = numpy().new_array(self.py, dtype, shape, strides);
        if array.is_null() {
            let error = PyErr::fetch(self.py);
            return Err(Error::Memory(error.value(self.py).to_string()));
        }
        made.array = array.cast();
        // SAFETY: a new array of that shape, dtype and strides, held by `made` until the call is over.
        Ok(unsafe { Memory::new((*array).fields.data.cast()) })
    }

    fn long_work(&mut self, work: &mut dyn FnMut(&dyn Fn() -> bool)) {
        let raised = Mutex::new(None);
        detached(self.py, || {
            work(&|| {
                let mut raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
                if raised.is_none() {
                    match Python::try_attach(|py| py.check_signals()) {
                        Some(Ok(())) => return false,
                        Some(Err(error)) => *raised = Some(error),
                        // The interpreter is shutting down.
                        None => {}
                    }
                }
                true
            });
        });
        self.interrupt = raised.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
}

/// Does the engine's work without the GIL.
///
/// The closure must not touch Python's objects, which its types don't show.
pub(super) fn detached<R: Send>(py: Python<'_>, work: impl FnOnce() -> R) -> R {
    /// For [`Python::detach`], which asks that what it runs could be sent, so that it holds nothing
    /// of Python's.
    struct SameThread<F>(F);

    // SAFETY: `detach` runs its closure on the calling thread; the engine doesn't know of Python, so its
    // work touches no object without the GIL, but the memory of arrays that the call's caller keeps alive.
    unsafe impl<F> Send for SameThread<F> {}

    impl<R, F: FnOnce() -> R> SameThread<F> {
        fn run(self) -> R {
            (self.0)()
        }
    }

    let work = SameThread(work);
    py.detach(|| work.run())
}

impl CallHost<'_, '_> {
    /// The call's value: one output bare, several as a named tuple.
    #[inline]
    fn results(&mut self, callee: &KernelObject, objects: &[*mut PyObject]) -> PyResult<*mut PyObject> {
        match callee.kernel().outputs() {
            [_] => self.result(callee.kernel(), 0, objects),
            outputs => {
                let count = outputs.len();
                let class = callee.result_class(self.py)?;
                // SAFETY: the class is a subclass of tuple without fields of its own, so its `tp_alloc`
                // gives a tuple of `count` empty items, as `tuple.__new__` itself makes it; each is
                // filled below, or the tuple is dropped.
                let tuple = unsafe {
                    let ty = class.as_ptr().cast::<ffi::PyTypeObject>();
                    let Some(alloc) = (*ty).tp_alloc else { return Err(PyRuntimeError::new_err("no tuple")) };
                    Bound::from_owned_ptr_or_err(self.py, alloc(ty, count as isize))?
                };
                for output in 0..count {
                    let value = self.result(callee.kernel(), output, objects)?;
                    // SAFETY: the item is empty and the reference to the value is given up.
                    unsafe { ffi::PyTuple_SET_ITEM(tuple.as_ptr(), output as isize, value) };
                }
                Ok(tuple.into_ptr())
            }
        }
    }

    /// An output's value, a new reference.
    #[inline]
    fn result(&mut self, kernel: &Kernel, output: usize, objects: &[*mut PyObject]) -> PyResult<*mut PyObject> {
        let made = &mut self.made[output];
        let object = if !made.array.is_null() {
            // SAFETY: an owned array, which is given up for itself, or if it has no dimensions, for a scalar.
            unsafe { PY_ARRAY_API.PyArray_Return(self.py, made.take().cast()) }
        } else if let Some(dtype) = made.scalar {
            numpy().new_scalar(dtype, *made.slot.get_mut())
        } else {
            let target = kernel.outputs()[output].target.map(|argument| objects[argument]);
            let given = self.given.get(output).copied().flatten().map(|(_, object)| object);
            match target.or(given) {
                Some(object) => {
                    // SAFETY: alive, by the word of `call`'s caller; the GIL is held.
                    unsafe { ffi::Py_INCREF(object) };
                    object
                }
                None => return Err(PyRuntimeError::new_err(format!("output {output} has no value"))),
            }
        };
        if object.is_null() { Err(PyErr::fetch(self.py)) } else { Ok(object) }
    }
}

impl Drop for CallHost<'_, '_> {
    fn drop(&mut self) {
        for made in &mut self.made {
            // SAFETY: an owned reference or null; the GIL is held.
            unsafe { ffi::Py_XDECREF(made.take()) };
        }
    }
}

/// What `out=` gives to each output: an array, a tuple in output order, or a mapping by name.
#[cold]
fn given_outputs<'py, 's>(
    kernel: &Kernel,
    out: &Bound<'py, PyAny>,
    objects: &[*mut PyObject],
    viewer: &mut Viewer<'py, 's>,
) -> PyResult<SmallVec<[GivenOutput<'s>; 2]>> {
    let outputs = kernel.outputs();
    let mut given = SmallVec::<[GivenOutput<'s>; 2]>::new();
    given.resize(outputs.len(), None);
    if is_array(out) {
        if outputs.len() != 1 {
            let message =
                format!("'out' must be a tuple of {} arrays, or a mapping from the outputs' names", outputs.len());
            return Err(PyTypeError::new_err(message));
        }
        given[0] = given_output(kernel, 0, out, objects, viewer)?;
    } else if let Ok(tuple) = out.cast::<PyTuple>() {
        if tuple.len() != outputs.len() {
            let message = match outputs.len() {
                1 => "The 'out' tuple must have exactly one entry".into(),
                count => format!("The 'out' tuple must have exactly {count} entries, one for each output"),
            };
            return Err(PyValueError::new_err(message));
        }
        for (output, entry) in tuple.iter_borrowed().enumerate() {
            given[output] = given_output(kernel, output, &entry, objects, viewer)?;
        }
    } else if let Ok(mapping) = out.cast::<PyMapping>() {
        for entry in mapping.items()?.iter() {
            let (name, array) = entry.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let text = name.cast::<PyString>()?.to_string_lossy();
            let Some(output) = outputs.iter().position(|output| *output.name == *text) else {
                let names = outputs.iter().map(|output| &*output.name).collect::<Vec<_>>().join(", ");
                return Err(PyValueError::new_err(format!("'out' has no output '{text}': the outputs are {names}")));
            };
            // Two spellings of a key cannot both be exact, so no output is given twice.
            given[output] = given_output(kernel, output, &array, objects, viewer)?;
            if given[output].is_some() {
                // A mapping that is no dict may make its values as they are asked for.
                viewer.keep(array);
            }
        }
    } else {
        return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
    }
    Ok(given)
}

/// The view of an entry of `out=`.
fn given_output<'s>(
    kernel: &Kernel,
    output: usize,
    entry: &Bound<'_, PyAny>,
    objects: &[*mut PyObject],
    viewer: &mut Viewer<'_, 's>,
) -> PyResult<GivenOutput<'s>> {
    if entry.is_none() {
        return Ok(None);
    }
    if !is_array(entry) {
        return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
    }
    let name = &kernel.outputs()[output].name;
    if let Some(argument) = kernel.outputs()[output].target {
        if objects[argument] == entry.as_ptr() {
            return Ok(None);
        }
        return Err(PyTypeError::new_err(format!(
            "output '{name}' is updated in place and takes no other array in 'out'"
        )));
    }
    let raised = |refusal: Refusal| refusal.exception(&format!("the array for output '{name}'"));
    // SAFETY: the check above says that it is an array; the caller, the tuple that the caller holds,
    // or the viewer's arena keeps it alive until the call ends.
    let view = unsafe {
        if (*entry.as_ptr()).ob_type != numpy().array {
            check_subclass(entry).map_err(raised)?;
        }
        let array: *mut PyArrayObject = entry.as_ptr().cast();
        // Its view would be one of a copy.
        if variable_strings::is_descr((*array).fields.descr) {
            return Err(raised(unsupported_dtype(entry.py(), (*array).fields.descr)));
        }
        viewer.array(array).map_err(raised)?
    };
    check_writable(&view)?;
    Ok(Some((view, entry.as_ptr())))
}
