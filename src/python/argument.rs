//! From Python's objects to views of their memory.

use super::numpy_api::{NumPy, descr_dtype, numpy, scalar_value};
use super::variable_strings::{self, Fixed};
use crate::array::ArrayRef;
use crate::diagnostic::Category;
use crate::dtype::{DType, Type};
use crate::runtime::shape::{Axes, strides_for};
use ::numpy::PY_ARRAY_API;
use ::numpy::npyffi::flags::NPY_ARRAY_WRITEABLE;
use ::numpy::npyffi::{NPY_TYPES, PyArray_Descr, PyArrayObject};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDate, PyDelta};
use std::cell::RefCell;
use std::ffi::c_int;
use std::mem::{MaybeUninit, take};

/// Words of 8 bytes that a call's arguments need in all, for most calls: extents, strides and the
/// values of Python integers.
pub(super) const WORDS: usize = 64;

/// What a call's arguments own until the call ends, besides the words on the stack.
#[derive(Default)]
pub(super) struct Arena<'py> {
    /// Where the words on the stack did not suffice.
    words: RefCell<Vec<Box<[isize]>>>,
    /// Arrays made of other objects.
    objects: RefCell<Vec<Bound<'py, PyAny>>>,
}

/// Makes views; extents and strides are copied, because another thread may set an array's `shape`
/// while the call runs without the GIL.
pub(super) struct Viewer<'py, 's> {
    pub(super) py: Python<'py>,
    pub(super) arena: &'s Arena<'py>,
    pub(super) free: &'s mut [MaybeUninit<isize>],
}

/// Why an object can be no argument.
pub(super) enum Refusal {
    /// To be said of the argument: what it is, and a hint.
    Because(Category, String, Option<String>),
    /// An exception of the object's own.
    Raised(PyErr),
}

impl Refusal {
    /// The exception that says it of an object that is no argument.
    pub(super) fn exception(self, what: &str) -> PyErr {
        match self {
            Refusal::Raised(error) => error,
            Refusal::Because(_, message, hint) => {
                let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
                PyTypeError::new_err(format!("{what} {message}{hint}"))
            }
        }
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Refusal {
        Refusal::Raised(error)
    }
}

fn wrong_type(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::Because(Category::Type, message.into(), Some(hint.into()))
}

impl<'py, 's> Viewer<'py, 's> {
    /// Keeps an object alive until the call ends.
    pub(super) fn keep(&self, object: Bound<'py, PyAny>) {
        self.arena.objects.borrow_mut().push(object);
    }

    /// Words that live as long as the call.
    fn words(&mut self, count: usize) -> &'s mut [MaybeUninit<isize>] {
        if count <= self.free.len() {
            let (taken, rest) = take(&mut self.free).split_at_mut(count);
            self.free = rest;
            return taken;
        }
        self.kept(vec![0; count])
    }

    /// Words, for as long as the call lives.
    fn kept(&self, words: Vec<isize>) -> &'s mut [MaybeUninit<isize>] {
        let mut block = words.into_boxed_slice();
        let (start, count) = (block.as_mut_ptr().cast(), block.len());
        self.arena.words.borrow_mut().push(block);
        // SAFETY: the arena keeps the block, which does not move with its box, for 's, and nobody
        // else ever gets it.
        unsafe { std::slice::from_raw_parts_mut(start, count) }
    }

    /// A copy of `count` words.
    ///
    /// # Safety
    /// `source` points to `count` readable words, unless `count` is 0.
    #[inline]
    unsafe fn copied(&mut self, source: *const isize, count: usize) -> &'s [isize] {
        let words = self.words(count);
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: the caller's word.
            word.write(unsafe { *source.add(index) });
        }
        // SAFETY: all are written above, and `MaybeUninit<isize>` has the layout of `isize`.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), count) }
    }

    /// The view of an argument.
    ///
    /// # Safety
    /// `object` is alive, and stays so until the call ends.
    #[inline]
    pub(super) unsafe fn view(&mut self, object: *mut PyObject) -> Result<ArrayRef<'s>, Refusal> {
        let table = numpy();
        // SAFETY: the object is alive and the GIL is held (`self.py`); a cast to a type's struct
        // follows the check of exactly that type. The values of Python's and NumPy's scalars never
        // change, and lie in the object, which outlives the view.
        unsafe {
            let ty = ffi::Py_TYPE(object);
            if ty == table.array {
                self.array(object.cast())
            } else if ty == &raw mut ffi::PyFloat_Type {
                let value = &raw mut (*object.cast::<ffi::PyFloatObject>()).ob_fval;
                Ok(scalar(value.cast(), Type::WeakFloat))
            } else if ty == &raw mut ffi::PyLong_Type {
                self.int(object)
            } else if let Some(dtype) = table.scalar_dtype(ty) {
                Ok(scalar(scalar_value(object), Type::Strong(dtype)))
            } else {
                self.other(table, object)
            }
        }
    }

    /// The view of an array, of whatever subclass.
    ///
    /// # Safety
    /// `array` is an instance of ndarray that stays alive until the call ends.
    pub(super) unsafe fn array(&mut self, array: *mut PyArrayObject) -> Result<ArrayRef<'s>, Refusal> {
        // SAFETY: an array's extents and strides are `nd` words each; its descriptor is alive as
        // long as it.
        unsafe {
            let fields = &(*array).fields;
            let dims = usize::try_from(fields.nd).unwrap_or(0);
            let Some((dtype, swapped)) = descr_dtype(self.py, fields.descr) else {
                if variable_strings::is_descr(fields.descr) {
                    let shape = self.copied(fields.dimensions, dims);
                    return self.variable_strings(array, shape);
                }
                return Err(unsupported_dtype(self.py, fields.descr));
            };
            let shape = self.copied(fields.dimensions, dims);
            let strides = self.copied(fields.strides, dims);
            let writable = fields.flags & NPY_ARRAY_WRITEABLE != 0;
            // NumPy answers for the memory that shape and strides describe, and the array, which
            // keeps that memory, is alive until the call ends.
            Ok(ArrayRef::from_raw(fields.data.cast(), shape, strides, Type::Strong(dtype), swapped, writable))
        }
    }

    /// The view of a copy of strings of variable width.
    ///
    /// # Safety
    /// `array` is an array of such strings, of these extents.
    #[cold]
    unsafe fn variable_strings(
        &mut self,
        array: *mut PyArrayObject,
        shape: &'s [isize],
    ) -> Result<ArrayRef<'s>, Refusal> {
        // SAFETY: the caller's word, and the GIL is held.
        let Fixed { width, words } = unsafe { variable_strings::fixed(self.py, array, shape) }?;
        let dtype = DType::Str(width);
        let axes: Axes = (0..shape.len() as u8).collect();
        let strides = strides_for(shape, &axes, dtype.size());
        // SAFETY: a stride for each axis. The words hold the elements of these extents, packed.
        unsafe {
            let strides = self.copied(strides.as_ptr(), strides.len());
            let data = self.kept(words).as_mut_ptr().cast();
            Ok(ArrayRef::from_raw(data, shape, strides, Type::Strong(dtype), false, false))
        }
    }

    /// The view of the mask that `where=` gives, an array or what NumPy makes one of.
    #[cold]
    pub(super) fn mask(&mut self, object: &Bound<'py, PyAny>) -> PyResult<ArrayRef<'s>> {
        let py = self.py;
        // SAFETY: the GIL is held; the reference to the dtype is given up; the result is a new reference or
        // null with an exception set.
        let array = unsafe {
            let bools = PY_ARRAY_API.PyArray_DescrFromType(py, NPY_TYPES::NPY_BOOL as c_int);
            let any = PY_ARRAY_API.PyArray_FromAny(py, object.as_ptr(), bools, 0, 0, 0, std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, any)?
        };
        let raised = |refusal: Refusal| refusal.exception("the mask");
        let pointer = array.as_ptr();
        if array.get_type_ptr() != numpy().array {
            check_subclass(&array).map_err(raised)?;
        }
        self.keep(array);
        // SAFETY: an array, which the arena keeps until the call ends.
        unsafe { self.array(pointer.cast()) }.map_err(raised)
    }

    /// # Safety
    /// `object` is an `int`, or of a subclass, alive.
    unsafe fn int(&mut self, object: *mut PyObject) -> Result<ArrayRef<'s>, Refusal> {
        let mut overflow = 0;
        // SAFETY: the caller's word; the GIL is held.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow) };
        let (bits, ty) = if overflow == 0 {
            if value == -1 && PyErr::occurred(self.py) {
                return Err(PyErr::fetch(self.py).into());
            }
            (value as isize, Type::WeakInt)
        } else {
            // SAFETY: as above.
            let value = unsafe { ffi::PyLong_AsUnsignedLongLong(object) };
            if PyErr::occurred(self.py) {
                let _ = PyErr::take(self.py);
                return Err(Refusal::Because(
                    Category::Overflow,
                    "is a Python integer too large for 64 bits".into(),
                    Some("pass a float, or an array of floats".into()),
                ));
            }
            (value as isize, Type::WeakUInt)
        };
        let word = self.words(1)[0].write(bits);
        // SAFETY: the word is the call's, which outlives the view.
        Ok(unsafe { scalar(std::ptr::from_mut(word).cast(), ty) })
    }

    /// The view of an object that is of none of the usual types.
    ///
    /// # Safety
    /// `object` is alive, and stays so until the call ends.
    #[cold]
    unsafe fn other(&mut self, table: &NumPy, object: *mut PyObject) -> Result<ArrayRef<'s>, Refusal> {
        let py = self.py;
        // SAFETY: the object is alive and the GIL is held; casts follow checks of the type.
        unsafe {
            if object == ffi::Py_True() || object == ffi::Py_False() {
                static BOOLS: [u8; 2] = [0, 1];
                let value = &raw const BOOLS[(object == ffi::Py_True()) as usize];
                return Ok(scalar(value.cast_mut(), Type::Strong(DType::Bool)));
            }
            let any = Bound::from_borrowed_ptr(py, object);
            if ffi::PyObject_TypeCheck(object, table.array) != 0 {
                check_subclass(&any)?;
                return self.array(object.cast());
            }
            // NumPy's scalars that are not in the table come as arrays, with their own dtype.
            if ffi::PyObject_TypeCheck(object, table.generic) == 0 {
                if ffi::PyLong_Check(object) != 0 {
                    return self.int(object);
                }
                if ffi::PyFloat_Check(object) != 0 {
                    let value = &raw mut (*object.cast::<ffi::PyFloatObject>()).ob_fval;
                    return Ok(scalar(value.cast(), Type::WeakFloat));
                }
                if ffi::PyComplex_Check(object) != 0 {
                    let value = &raw mut (*object.cast::<ffi::PyComplexObject>()).cval;
                    return Ok(scalar(value.cast(), Type::WeakComplex));
                }
                refuse(&any)?;
            }
            let array = match as_time(&any)? {
                Some(time) => as_array(&time)?,
                None => as_array(&any)?,
            };
            let pointer = array.as_ptr();
            self.keep(array);
            // The arena keeps the array until the call ends.
            self.array(pointer.cast())
        }
    }
}

/// # Safety
/// `data` points to a value of the type's dtype that outlives 's.
#[inline]
unsafe fn scalar<'s>(data: *mut u8, ty: Type) -> ArrayRef<'s> {
    // SAFETY: the caller's word; one element, not to be written.
    unsafe { ArrayRef::from_raw(data, &[], &[], ty, false, false) }
}

/// Is it an ndarray or of a subclass?
pub(super) fn is_array(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive and the GIL is held.
    unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), numpy().array) != 0 }
}

/// Refuses the arrays whose meaning a plain view of their memory would lose.
pub(super) fn check_subclass(array: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    let py = array.py();
    let numpy = py.import(intern!(py, "numpy"))?;
    if array.is_instance(&numpy.getattr(intern!(py, "matrix"))?)? {
        return Err(wrong_type("is a numpy.matrix, which is not supported", "pass numpy.asarray(...) of it"));
    }
    // There is no masked array where its module was never imported.
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    if let Ok(masked) = modules.get_item(intern!(py, "numpy.ma"))
        && array.is_instance(&masked.getattr(intern!(py, "MaskedArray"))?)?
    {
        return Err(wrong_type(
            "is a masked array, which is not supported: its mask would be lost",
            "pass .filled(value), or .data and .mask as arguments of their own",
        ));
    }
    let name = intern!(py, "__array_ufunc__");
    let own = array.get_type().getattr(name)?;
    if !own.is(numpy.getattr(intern!(py, "ndarray"))?.getattr(name)?) {
        return Err(wrong_type("overrides NumPy's functions", "pass numpy.asarray(...) of it"));
    }
    Ok(())
}

/// Refuses what NumPy would make an array of, but none that could be computed with.
fn refuse(object: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    use pyo3::types::{PyByteArray, PyDict, PySet};
    let is = |what: &str, hint: &str| Err(wrong_type(format!("is {what}, which is not supported"), hint));
    if object.is_none() {
        is("None", "pass a number or an array")
    } else if object.is_instance_of::<PyDict>() || object.is_instance_of::<PySet>() {
        is("a dict or a set", "pass an array of its values")
    } else if object.is_instance_of::<PyByteArray>() {
        is("a bytearray", "pass numpy.frombuffer(...) of it")
    } else {
        Ok(())
    }
}

/// NumPy's scalar of a `datetime.datetime`, `date` or `timedelta`, of which NumPy's arrays would be of objects.
fn as_time<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    let constructor = if object.is_instance_of::<PyDelta>() {
        intern!(py, "timedelta64")
    } else if object.is_instance_of::<PyDate>() {
        // A `datetime` is a `date`.
        intern!(py, "datetime64")
    } else {
        return Ok(None);
    };
    // Those of other libraries may be finer than Python's, and say so.
    let to_numpy = intern!(py, "to_numpy");
    if object.get_type().hasattr(to_numpy)? {
        return object.call_method0(to_numpy).map(Some);
    }
    py.import(intern!(py, "numpy"))?.call_method1(constructor, (object,)).map(Some)
}

/// The array that NumPy makes of an object.
fn as_array<'py>(object: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Refusal> {
    let py = object.py();
    let kind = object.get_type();
    // An object on the type's side: an instance's `__getattr__` may answer to anything.
    let array = if kind.hasattr(intern!(py, "__dlpack__"))? && !kind.hasattr(intern!(py, "__array__"))? {
        py.import(intern!(py, "numpy"))?.call_method1(intern!(py, "from_dlpack"), (object,))?
    } else {
        // SAFETY: the GIL is held; no dtype is asked for; the result is a new reference or null with
        // an exception set.
        unsafe {
            let any =
                PY_ARRAY_API.PyArray_FromAny(py, object.as_ptr(), std::ptr::null_mut(), 0, 0, 0, std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, any)?
        }
    };
    if !is_array(&array) {
        return Err(wrong_type(format!("is a {}, which is no array", kind.name()?), "pass a NumPy array"));
    }
    check_dtype_of_object(object, &array)?;
    Ok(array)
}

/// Says of which Python type an object was that NumPy could only make an array of objects of.
fn check_dtype_of_object(object: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    // SAFETY: an array's descriptor is alive as long as it; the GIL is held.
    let supported = unsafe {
        let descr = (*array.as_ptr().cast::<PyArrayObject>()).fields.descr;
        descr_dtype(object.py(), descr).is_some() || variable_strings::is_descr(descr)
    };
    if supported {
        return Ok(());
    }
    let dtype = array.getattr(intern!(array.py(), "dtype"))?.str()?;
    Err(wrong_type(
        format!("is a {} of dtype {dtype}, which is not supported yet", object.get_type().name()?),
        "convert it to a supported dtype, for example with .astype('float64')",
    ))
}

/// # Safety
/// `descr` points to a live descriptor, and the GIL is held.
pub(super) unsafe fn unsupported_dtype(py: Python<'_>, descr: *mut PyArray_Descr) -> Refusal {
    // SAFETY: the caller's word.
    let descr = unsafe { Bound::from_borrowed_ptr(py, descr.cast()) };
    match descr.str() {
        Ok(name) => wrong_type(
            format!("has dtype {name}, which is not supported yet"),
            match name.to_str() {
                Ok("longdouble" | "float128") => "convert it with .astype('float64')",
                Ok("clongdouble" | "complex256") => "convert it with .astype('complex128')",
                Ok(name) if name.starts_with('[') || name.starts_with('{') => "pass its fields: x['name']",
                _ => "convert it to a supported dtype, for example with .astype('float64')",
            },
        ),
        Err(error) => error.into(),
    }
}

/// An array that the caller gave to be written: a target of `op=`, or an entry of `out=`.
pub(super) fn check_writable(array: &ArrayRef<'_>) -> PyResult<()> {
    if array.writable() { Ok(()) } else { Err(PyValueError::new_err("output array is read-only")) }
}
