//! What the calls use of NumPy's C interface, looked up once, when the module is imported.

use crate::dtype::{DType, TimeBase, Unit};
use numpy::PY_ARRAY_API;
use numpy::npyffi::{
    self, NpyTypes, PyArray_DatetimeDTypeMetaData, PyArray_Descr, PyArrayObject, PyDataType_C_METADATA,
    PyDataType_ELSIZE,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{self, PyObject, PyTypeObject};
use pyo3::prelude::*;
use std::sync::OnceLock;

/// NumPy's objects; all live as long as the process.
pub(super) struct NumPy {
    /// `numpy.ndarray`
    pub(super) array: *mut PyTypeObject,
    /// `numpy.generic`, the base of NumPy's scalars
    pub(super) generic: *mut PyTypeObject,
    /// NumPy's scalar types, the most used first, and what they hold. The C types `long` and
    /// `long long` have each their own.
    scalars: [(*mut PyTypeObject, DType); 14],
    /// By [`DType::number`].
    descrs: [*mut PyArray_Descr; 14],
    /// By [`DType::number`].
    scalar_types: [*mut PyTypeObject; 14],
    /// `numpy.False_`, `numpy.True_`
    bools: [*mut PyObject; 2],
}

/// The value of a scalar of any type, in the low bytes.
pub(super) type Slot = [u64; 2];

// SAFETY: the pointers are to immortal objects and never change; they are used under the GIL only.
unsafe impl Send for NumPy {}
// SAFETY: as above.
unsafe impl Sync for NumPy {}

static NUMPY: OnceLock<NumPy> = OnceLock::new();

/// NumPy's objects.
#[inline]
pub(super) fn numpy() -> &'static NumPy {
    NUMPY.get().expect("looked up when the module was imported")
}

/// The `type_num` of NumPy's descriptors, by [`DType::number`]: where two C types have the same
/// width, the one that NumPy prefers on this platform.
const TYPE_NUMBERS: [i32; 14] = [0, 1, 3, 5, 7, 2, 4, 6, 8, 23, 11, 12, 14, 15];

/// The dtypes of the first numbers in the order of `type_num`.
const DTYPES: [Option<DType>; 24] = [
    Some(DType::Bool),
    Some(DType::I8),
    Some(DType::U8),
    Some(DType::I16),
    Some(DType::U16),
    Some(DType::I32),
    Some(DType::U32),
    Some(DType::I64),
    Some(DType::U64),
    Some(DType::I64),
    Some(DType::U64),
    Some(DType::F32),
    Some(DType::F64),
    None,
    Some(DType::C64),
    Some(DType::C128),
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    Some(DType::F16),
];

/// Looks NumPy's objects up.
pub(super) fn initialise(py: Python<'_>) -> PyResult<()> {
    // An ImportError here, not a panic below, where there is no NumPy.
    py.import("numpy")?;
    use NpyTypes::*;
    // SAFETY: the GIL is held, and NumPy, which owns the types, is imported and never unloaded.
    let object = |ty| unsafe { npyffi::get_type_object(py, ty) };
    let scalars = [
        (object(PyDoubleArrType_Type), DType::F64),
        (object(PyLongArrType_Type), DType::I64),
        (object(PyFloatArrType_Type), DType::F32),
        (object(PyBoolArrType_Type), DType::Bool),
        (object(PyIntArrType_Type), DType::I32),
        (object(PyShortArrType_Type), DType::I16),
        (object(PyByteArrType_Type), DType::I8),
        (object(PyULongArrType_Type), DType::U64),
        (object(PyUIntArrType_Type), DType::U32),
        (object(PyUShortArrType_Type), DType::U16),
        (object(PyUByteArrType_Type), DType::U8),
        (object(PyLongLongArrType_Type), DType::I64),
        (object(PyULongLongArrType_Type), DType::U64),
        (object(PyHalfArrType_Type), DType::F16),
    ];
    let mut descrs = [std::ptr::null_mut(); 14];
    let mut scalar_types = [std::ptr::null_mut(); 14];
    for (number, dtype) in DType::NUMBERS.into_iter().enumerate() {
        // SAFETY: the GIL is held and the numbers are those of built-in types; the new reference is
        // kept for ever.
        let descr = unsafe { PY_ARRAY_API.PyArray_DescrFromType(py, TYPE_NUMBERS[number]) };
        if descr.is_null() {
            return Err(PyErr::fetch(py));
        }
        descrs[number] = descr;
        scalar_types[number] = match dtype {
            DType::C64 => object(PyCFloatArrType_Type),
            DType::C128 => object(PyCDoubleArrType_Type),
            _ => scalars.iter().find(|row| row.1 == dtype).ok_or_else(|| PyRuntimeError::new_err("no scalar type"))?.0,
        };
    }
    let module = py.import("numpy")?;
    let bools = [module.getattr("False_")?.into_ptr(), module.getattr("True_")?.into_ptr()];
    let table = NumPy {
        array: object(PyArray_Type),
        generic: object(PyGenericArrType_Type),
        scalars,
        descrs,
        scalar_types,
        bools,
    };
    let _ = NUMPY.set(table);
    Ok(())
}

impl NumPy {
    /// What a scalar of exactly this type holds.
    #[inline]
    pub(super) fn scalar_dtype(&self, ty: *mut PyTypeObject) -> Option<DType> {
        self.scalars.iter().find(|row| row.0 == ty).map(|row| row.1)
    }

    /// A new reference to the descriptor of a dtype; null with an exception set.
    #[inline]
    fn descr(&self, py: Python<'_>, dtype: DType) -> *mut PyArray_Descr {
        match dtype.number() {
            Some(number) => {
                // SAFETY: the GIL is held, and the descriptor is alive.
                unsafe { ffi::Py_INCREF(self.descrs[number].cast()) };
                self.descrs[number]
            }
            None => match descr_with_parameters(py, dtype) {
                Ok(descr) => descr.into_ptr().cast(),
                Err(error) => {
                    error.restore(py);
                    std::ptr::null_mut()
                }
            },
        }
    }

    /// A new array of native byte order: C or F order if the strides say so, else the given strides.
    #[inline]
    pub(super) fn new_array(
        &self,
        py: Python<'_>,
        dtype: DType,
        shape: &[isize],
        strides: &[isize],
    ) -> *mut PyArrayObject {
        let descr = self.descr(py, dtype);
        if descr.is_null() {
            return std::ptr::null_mut();
        }
        let order = dense_order(dtype.size() as isize, shape, strides);
        let (strides, flags) = match order {
            Some(flags) => (std::ptr::null_mut(), flags),
            None => (strides.as_ptr().cast_mut(), 0),
        };
        let dims = shape.as_ptr().cast_mut();
        // SAFETY: the GIL is held; the call takes over one reference to the descriptor, made above,
        // and only reads the extents and strides, of which there are as many as it is told.
        unsafe {
            PY_ARRAY_API
                .PyArray_NewFromDescr(
                    py,
                    self.array,
                    descr,
                    shape.len() as i32,
                    dims,
                    strides,
                    std::ptr::null_mut(),
                    flags,
                    std::ptr::null_mut(),
                )
                .cast()
        }
    }

    /// A new array of native byte order in C order.
    #[inline]
    pub(super) fn new_packed_array(&self, py: Python<'_>, dtype: DType, shape: &[isize]) -> *mut PyArrayObject {
        let descr = self.descr(py, dtype);
        if descr.is_null() {
            return std::ptr::null_mut();
        }
        let (dims, none) = (shape.as_ptr().cast_mut(), std::ptr::null_mut());
        // SAFETY: as in `new_array`.
        unsafe {
            PY_ARRAY_API
                .PyArray_NewFromDescr(
                    py,
                    self.array,
                    descr,
                    shape.len() as i32,
                    dims,
                    none,
                    none.cast(),
                    0,
                    none.cast(),
                )
                .cast()
        }
    }

    /// Is a scalar of a dtype made of a slot, by [`NumPy::new_scalar`]?
    #[inline]
    pub(super) fn fits_slot(dtype: DType) -> bool {
        dtype.is_number()
    }

    /// A new NumPy scalar of a value; null with an exception set.
    #[inline]
    pub(super) fn new_scalar(&self, dtype: DType, slot: Slot) -> *mut PyObject {
        let bits = slot[0];
        if dtype == DType::Bool {
            let object = self.bools[(bits as u8 != 0) as usize];
            // SAFETY: the GIL is held; the object is immortal.
            unsafe { ffi::Py_INCREF(object) };
            return object;
        }
        let ty = self.scalar_types[dtype.number().expect("scalars are numbers")];
        // SAFETY: the GIL is held; `tp_alloc` of a NumPy scalar type gives an object whose value
        // follows its header (`PyDoubleScalarObject` and its kind) in `dtype.size()` bytes, as
        // NumPy's public header lays them out; x86-64 and aarch64 are little-endian, so the low
        // bytes come first.
        unsafe {
            let Some(alloc) = (*ty).tp_alloc else { return std::ptr::null_mut() };
            let object = alloc(ty, 0);
            if !object.is_null() {
                let value = scalar_value(object);
                match dtype.size() {
                    16 => value.cast::<Slot>().write(slot),
                    8 => value.cast::<u64>().write(bits),
                    4 => value.cast::<u32>().write(bits as u32),
                    2 => value.cast::<u16>().write(bits as u16),
                    _ => value.write(bits as u8),
                }
            }
            object
        }
    }
}

/// The address of the value of a NumPy scalar of a supported dtype: right behind the header.
#[inline]
pub(super) fn scalar_value(object: *mut PyObject) -> *mut u8 {
    object.cast::<u8>().wrapping_add(size_of::<PyObject>())
}

/// The supported dtype of a `type_num`.
pub(super) fn dtype_of_number(number: i32) -> Option<DType> {
    *DTYPES.get(usize::try_from(number).ok()?)?
}

/// A descriptor of a dtype that has a unit or a length.
#[cold]
fn descr_with_parameters(py: Python<'_>, dtype: DType) -> PyResult<Bound<'_, PyAny>> {
    py.import("numpy")?.getattr("dtype")?.call1((dtype.code(),))
}

/// The dtype of a descriptor, and whether its byte order is the other one.
///
/// # Safety
/// `descr` points to a live descriptor, and the GIL is held.
pub(super) unsafe fn descr_dtype(py: Python<'_>, descr: *mut PyArray_Descr) -> Option<(DType, bool)> {
    // SAFETY: the caller's word.
    if let Some(simple) = unsafe { descr_simple(descr) } {
        return Some(simple);
    }
    // SAFETY: the caller's word; a descriptor of times has their metadata, which lives as long as it.
    let (dtype, order) = unsafe {
        let fields = &(*descr).fields;
        // Strings without a length have no elements to point to.
        let length = |size: usize| {
            let length = u32::try_from(PyDataType_ELSIZE(py, descr) as usize / size).ok()?;
            (length > 0).then_some(length)
        };
        let unit = || {
            let metadata = PyDataType_C_METADATA(py, descr).cast::<PyArray_DatetimeDTypeMetaData>();
            let meta = &metadata.as_ref()?.meta;
            let base = *TimeBase::ALL.iter().find(|base| base.number() == meta.base as u32)?;
            Some(Unit { base, count: u32::try_from(meta.num).ok()? })
        };
        let dtype = match fields.type_num {
            18 => DType::Bytes(length(1)?),
            19 => DType::Str(length(4)?),
            21 => DType::DateTime(unit()?),
            22 => DType::TimeDelta(unit()?),
            _ => return None,
        };
        (dtype, fields.byteorder as u8)
    };
    let foreign = if cfg!(target_endian = "little") { b'>' } else { b'<' };
    Some((dtype, order == foreign))
}

/// The same for the types without parameters.
///
/// # Safety
/// As of [`descr_dtype`].
#[inline]
pub(super) unsafe fn descr_simple(descr: *const PyArray_Descr) -> Option<(DType, bool)> {
    // SAFETY: the caller's word.
    let fields = unsafe { &(*descr).fields };
    let dtype = dtype_of_number(fields.type_num)?;
    let foreign = if cfg!(target_endian = "little") { b'>' } else { b'<' };
    Some((dtype, fields.byteorder as u8 == foreign))
}

/// `PyArray_NewFromDescr`'s flag (0: C order, 1: F order) if the strides are those of that order.
fn dense_order(item: isize, shape: &[isize], strides: &[isize]) -> Option<i32> {
    fn dense<'a>(item: isize, axes: impl Iterator<Item = (&'a isize, &'a isize)>) -> bool {
        let mut expected = item;
        axes.into_iter().all(|(&extent, &stride)| {
            let fits = stride == expected;
            expected = expected.wrapping_mul(extent);
            fits
        })
    }
    if dense(item, shape.iter().zip(strides).rev()) {
        Some(0)
    } else if dense(item, shape.iter().zip(strides)) {
        Some(1)
    } else {
        None
    }
}
