//! The quick ways through a call: one output, the usual options, and arguments of types with which the
//! kernel was called before: numbers or packed arrays of one shape, or short arrays whose shapes and
//! strides have been seen, too. Whatever else there is, mistakes included, is left to the general way.

use super::argument::{Arena, Viewer, WORDS};
use super::call::detached;
use super::error::exception;
use super::kernel::KernelObject;
use super::numpy_api::{NumPy, Slot, descr_simple, numpy, scalar_value};
use crate::array::ArrayRef;
use crate::diagnostic::Error;
use crate::dtype::{DType, Type};
use crate::engine::FastKey;
use crate::runtime::run::{Addresses, PACKED, Packed};
use numpy::npyffi::flags::{NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_WRITEABLE};
use numpy::npyffi::{PyArrayObject, PyArrayObject_fields};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::mem::MaybeUninit;

const FLOAT: u8 = FastKey::code(Type::WeakFloat, true).expect("floats have a code");
const INT: u8 = FastKey::code(Type::WeakInt, true).expect("integers have a code");

/// The common extents of the arrays.
struct Shape<'c> {
    /// Empty before the first array.
    extents: &'c [isize],
    elements: usize,
}

impl<'c> Shape<'c> {
    /// Takes the extents of an array with dimensions; false if they are not those of the others.
    #[inline]
    fn join(&mut self, extents: &'c [isize]) -> bool {
        if self.extents.is_empty() {
            self.extents = extents;
            // An array of no elements may have any other extents: their product means nothing.
            self.elements = extents.iter().fold(1usize, |product, &extent| product.wrapping_mul(extent as usize));
            !extents.contains(&0)
        } else {
            match (self.extents, extents) {
                ([one], [other]) => one == other,
                (all, other) => all == other,
            }
        }
    }
}

/// An array's strides.
///
/// # Safety
/// As for [`array`].
#[inline]
unsafe fn strides(fields: &PyArrayObject_fields) -> &[isize] {
    match fields.nd {
        0 => &[],
        // SAFETY: an array has as many strides as dimensions.
        count => unsafe { std::slice::from_raw_parts(fields.strides, count as usize) },
    }
}

/// An array's fields, and its extents.
///
/// # Safety
/// `object` is an ndarray, alive for 'c, whose shape nobody sets meanwhile, because the GIL is held.
#[inline]
unsafe fn array<'c>(object: *mut PyObject) -> (&'c PyArrayObject_fields, &'c [isize]) {
    // SAFETY: the caller's word; an array has as many extents as dimensions.
    unsafe {
        let fields = &(*object.cast::<PyArrayObject>()).fields;
        let extents = match fields.nd {
            0 => &[][..],
            count => std::slice::from_raw_parts(fields.dimensions, count as usize),
        };
        (fields, extents)
    }
}

/// What was given for an output: an array's fields, its extents and its dtype. `None` if it is anything
/// else than a writable array of the native byte order.
///
/// # Safety
/// As for [`array`], but that the object may be of any type.
#[inline]
unsafe fn given<'c>(out: *mut PyObject) -> Option<(&'c PyArrayObject_fields, &'c [isize], DType)> {
    // SAFETY: the caller's word; the cast follows the check of exactly that type.
    unsafe {
        if ffi::Py_TYPE(out) != numpy().array {
            return None;
        }
        let (fields, extents) = array(out);
        let (dtype, swapped) = descr_simple(fields.descr)?;
        (!swapped && fields.flags & NPY_ARRAY_WRITEABLE != 0).then_some((fields, extents, dtype))
    }
}

/// Runs a call, and gives its result back, or the error of what failed, or `None`, with nothing done,
/// where operands are not apart.
///
/// # Safety
/// As [`call_fast`]; `result` is a reference that is taken over, or null.
#[inline]
unsafe fn finish<E: Send>(
    py: Python<'_>,
    objects: &[*mut PyObject],
    result: *mut PyObject,
    (is_apart, is_long): (bool, bool),
    run: impl FnOnce() -> Result<(), E>,
    error: impl FnOnce(E, &[ArrayRef]) -> Error,
) -> Option<PyResult<*mut PyObject>> {
    let done = match is_apart {
        false => None,
        true if is_long => Some(detached(py, run)),
        true => Some(run()),
    };
    if let Some(Ok(())) = done {
        return Some(Ok(result));
    }
    // SAFETY: a reference of ours, or null.
    unsafe { ffi::Py_XDECREF(result) };
    // SAFETY: as this function.
    done.and_then(Result::err).map(|failed| Err(unsafe { guard_error(py, objects, |args| error(failed, args)) }))
}

/// Calls a kernel with its arguments in order, and the array for its output or null; gives a new
/// reference. `None`, with nothing done, if the call is not of this sort.
///
/// # Safety
/// The objects are as many as the kernel's arguments; they and `out` stay alive until this returns.
#[inline]
pub(super) unsafe fn call_fast(
    py: Python<'_>,
    callee: &KernelObject,
    objects: &[*mut PyObject],
    out: *mut PyObject,
) -> Option<PyResult<*mut PyObject>> {
    let target = callee.only_output()?;
    if objects.len() > FastKey::ARGUMENTS {
        return None;
    }
    let table = numpy();
    let mut key = FastKey::default();
    let mut pointers = [std::ptr::null_mut::<u8>(); PACKED];
    let mut ints = [MaybeUninit::<i64>::uninit(); PACKED];
    let mut shape = Shape { extents: &[], elements: 1 };
    let mut is_packed = true;
    for (argument, &object) in objects.iter().enumerate() {
        // SAFETY: the object is alive and the GIL is held; a cast to a type's struct follows the check
        // of exactly that type; a descriptor is alive as long as its array.
        unsafe {
            let ty = ffi::Py_TYPE(object);
            let (pointer, code) = if ty == &raw mut ffi::PyFloat_Type {
                ((&raw mut (*object.cast::<ffi::PyFloatObject>()).ob_fval).cast(), FLOAT)
            } else if ty == table.array {
                let (fields, extents) = array(object);
                let (dtype, swapped) = descr_simple(fields.descr)?;
                if swapped {
                    return None;
                }
                is_packed &= fields.flags & NPY_ARRAY_C_CONTIGUOUS != 0 && (extents.is_empty() || shape.join(extents));
                if target == Some(argument) && fields.flags & NPY_ARRAY_WRITEABLE == 0 {
                    return None;
                }
                (fields.data.cast(), FastKey::code(Type::Strong(dtype), extents.is_empty())?)
            } else if ty == &raw mut ffi::PyLong_Type {
                let mut overflow = 0;
                let value = ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow);
                if overflow != 0 {
                    return None;
                }
                (std::ptr::from_mut(ints[argument].write(value)).cast(), INT)
            } else {
                let dtype = table.scalar_dtype(ty)?;
                (scalar_value(object), FastKey::code(Type::Strong(dtype), true)?)
            };
            if target == Some(argument) && ty != table.array {
                return None;
            }
            pointers[argument] = pointer;
            key.set(argument, code);
        }
    }
    if !out.is_null() {
        key.set_given();
    }
    if !is_packed {
        // SAFETY: the objects are those of the pointers, and stay alive.
        return unsafe { call_repeat(py, callee, objects, out, &key, pointers) };
    }
    let kernel = callee.kernel();
    let Some(path) = kernel.fast_path(&key) else {
        // SAFETY: the objects are those of the pointers, and stay alive.
        return unsafe { call_repeat(py, callee, objects, out, &key, pointers) };
    };
    if !path.takes(shape.elements) {
        return None;
    }
    // SAFETY: the arguments are scalars, or packed arrays of this shape, as checked above; they are
    // alive until this returns. What of them is written is looked at below.
    let mut packed = unsafe { Packed::from_raw(pointers, objects.len(), shape.elements) };

    let mut slot = Slot::default();
    let output = path.output(0);
    let (result, pointer): (*mut PyObject, *mut u8) = match output {
        // What is updated in place is returned.
        None => {
            let object = objects[target?];
            // SAFETY: alive, and the GIL is held.
            unsafe { ffi::Py_INCREF(object) };
            (object, std::ptr::null_mut())
        }
        Some(dtype) if !out.is_null() => {
            // SAFETY: alive, and the GIL is held.
            unsafe {
                let (fields, extents, given) = given(out)?;
                if given != dtype || fields.flags & NPY_ARRAY_C_CONTIGUOUS == 0 || extents != shape.extents {
                    return None;
                }
                ffi::Py_INCREF(out);
                (out, fields.data.cast())
            }
        }
        Some(dtype) if shape.extents.is_empty() && !NumPy::fits_slot(dtype) => return None,
        Some(_) if shape.extents.is_empty() => (std::ptr::null_mut(), (&raw mut slot).cast()),
        Some(dtype) => {
            let array = table.new_packed_array(py, dtype, shape.extents);
            if array.is_null() {
                return Some(Err(PyErr::fetch(py)));
            }
            // SAFETY: a new array.
            (array.cast(), unsafe { (*array).fields.data.cast() })
        }
    };
    // SAFETY: the output has the arguments' shape and is packed, or is a slot for a scalar; it is
    // alive and, but for what `is_apart` looks at, used by nobody else.
    unsafe { packed.push_raw(pointer) };
    let state = (path.is_apart(&packed), path.is_long(shape.elements));
    let run = || path.run(&packed);
    // SAFETY: as this function; the result is a reference that was made above, or null.
    let done = unsafe { finish(py, objects, result, state, run, |guard, args| path.error(kernel, guard, args)) }?;
    Some(match output {
        Some(dtype) if result.is_null() => done.and_then(|_| scalar_result(py, dtype, slot)),
        _ => done,
    })
}

#[inline]
fn scalar_result(py: Python<'_>, dtype: DType, slot: Slot) -> PyResult<*mut PyObject> {
    let object = numpy().new_scalar(dtype, slot);
    if object.is_null() { Err(PyErr::fetch(py)) } else { Ok(object) }
}

/// A call with arguments of types, shapes and strides as one before.
///
/// # Safety
/// As [`call_fast`]; `pointers` are the addresses of the arguments' elements, all of native byte
/// order and of the types that the key says; a target is a writable array.
#[inline(never)]
unsafe fn call_repeat(
    py: Python<'_>,
    callee: &KernelObject,
    objects: &[*mut PyObject],
    out: *mut PyObject,
    key: &FastKey,
    mut pointers: [*mut u8; PACKED],
) -> Option<PyResult<*mut PyObject>> {
    let table = numpy();
    let kernel = callee.kernel();
    // An argument's type is in the key; of the output all is looked at here.
    let mut output = None;
    if !out.is_null() {
        // SAFETY: alive, and the GIL is held.
        let (fields, _, dtype) = unsafe { given(out) }?;
        output = Some((dtype, fields.data));
    }
    let is_like = |place: usize, extents: &[isize], steps: &[isize]| {
        let object = match objects.get(place) {
            Some(&object) => object,
            // An output that is not there yet is made alike.
            None if out.is_null() => return true,
            None => out,
        };
        // SAFETY: alive, and the GIL is held; the cast follows the check of the type.
        unsafe {
            if ffi::Py_TYPE(object) != table.array {
                return extents.is_empty();
            }
            let (fields, own) = array(object);
            own == extents && strides(fields) == steps
        }
    };
    let repeat = kernel.repeat(key, is_like)?;
    let mut slot = Slot::default();
    let (result, pointer): (*mut PyObject, *mut u8) = match (repeat.output(), output) {
        // What is updated in place is returned.
        (None, _) => {
            let object = objects[callee.only_output()??];
            // SAFETY: alive, and the GIL is held.
            unsafe { ffi::Py_INCREF(object) };
            (object, std::ptr::null_mut())
        }
        (Some((dtype, ..)), Some((given, data))) => {
            if given != dtype {
                return None;
            }
            // SAFETY: alive, and the GIL is held.
            unsafe { ffi::Py_INCREF(out) };
            (out, data.cast())
        }
        (Some((dtype, [], _)), None) if !NumPy::fits_slot(dtype) => return None,
        (Some((_, [], _)), None) => (std::ptr::null_mut(), (&raw mut slot).cast()),
        (Some((dtype, extents, strides)), None) => {
            let array = table.new_array(py, dtype, extents, strides);
            if array.is_null() {
                return Some(Err(PyErr::fetch(py)));
            }
            // SAFETY: a new array.
            (array.cast(), unsafe { (*array).fields.data.cast() })
        }
    };
    pointers[objects.len()] = pointer;
    // SAFETY: the arguments and the output have the types of the key, and the extents and strides that
    // `is_like` compared or `new_array` was given; they are alive until this returns.
    let addresses = unsafe { Addresses::new(pointers) };
    let state = (repeat.is_apart(&addresses), repeat.is_long());
    let run = || repeat.run(&addresses);
    // SAFETY: as this function; the result is a reference that was made above, or null.
    let done = unsafe { finish(py, objects, result, state, run, |guard, args| repeat.error(kernel, guard, args)) }?;
    Some(match repeat.output() {
        Some((dtype, ..)) if result.is_null() => done.and_then(|_| scalar_result(py, dtype, slot)),
        _ => done,
    })
}

/// The exception for a guard that failed in a call with these arguments.
///
/// # Safety
/// As [`call_fast`].
#[cold]
unsafe fn guard_error(py: Python<'_>, objects: &[*mut PyObject], error: impl FnOnce(&[ArrayRef]) -> Error) -> PyErr {
    let arena = Arena::default();
    let mut words = [MaybeUninit::uninit(); WORDS];
    let mut viewer = Viewer { py, arena: &arena, free: &mut words };
    // SAFETY: the objects are alive. Each has been looked at already, so none is refused.
    let views: SmallVec<[ArrayRef<'_>; 8]> =
        objects.iter().filter_map(|&object| unsafe { viewer.view(object) }.ok()).collect();
    exception(py, error(&views))
}
