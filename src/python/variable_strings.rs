//! Arrays of `numpy.dtypes.StringDType`, whose elements refer to strings of any length, as strings of one width.
//!
//! NumPy's C interface lends the strings only while a lock is held, which other threads wait for with the GIL in
//! their hands. So the strings are copied, and the call works on the copy.

use super::argument::Refusal;
use crate::diagnostic::Category;
use numpy::npyffi::{PyArray_Descr, PyArrayObject};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};

/// The `type_num` of `StringDType`.
const TYPE_NUMBER: i32 = 2056;

/// Is a descriptor one of strings of variable width?
///
/// # Safety
/// `descr` points to a live descriptor, and the GIL is held.
pub(super) unsafe fn is_descr(descr: *const PyArray_Descr) -> bool {
    // SAFETY: the caller's word.
    unsafe { (*descr).fields.type_num == TYPE_NUMBER }
}

/// A string that the allocator lends: NumPy's `npy_static_string`.
#[repr(C)]
struct Lent {
    size: usize,
    bytes: *const u8,
}

type Load = unsafe extern "C" fn(*mut c_void, *const c_void, *mut Lent) -> c_int;
type Acquire = unsafe extern "C" fn(*const c_void) -> *mut c_void;
type Release = unsafe extern "C" fn(*mut c_void);

/// NumPy's `NpyString_load`, `_acquire_allocator` and `_release_allocator`.
struct Interface {
    load: Load,
    acquire: Acquire,
    release: Release,
}

impl Interface {
    fn new(py: Python<'_>) -> PyResult<Interface> {
        let module = py.import(intern!(py, "numpy._core._multiarray_umath"))?;
        let capsule = module.getattr(intern!(py, "_ARRAY_API"))?;
        // SAFETY: the GIL is held; NumPy's capsule has no name, and points to a table of addresses that lives as long
        // as the process. These have the numbers and types of NumPy's header since 2.0, before which there are no
        // such arrays.
        unsafe {
            let table = ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()).cast::<*const c_void>();
            if table.is_null() {
                return Err(PyErr::fetch(py));
            }
            Ok(Interface {
                load: std::mem::transmute::<*const c_void, Load>(*table.add(313)),
                acquire: std::mem::transmute::<*const c_void, Acquire>(*table.add(316)),
                release: std::mem::transmute::<*const c_void, Release>(*table.add(318)),
            })
        }
    }
}

/// The lock on the strings of a descriptor.
struct Strings<'i> {
    interface: &'i Interface,
    allocator: *mut c_void,
}

impl Drop for Strings<'_> {
    fn drop(&mut self) {
        // SAFETY: acquired when this was made.
        unsafe { (self.interface.release)(self.allocator) }
    }
}

/// Why strings can't be copied.
enum Wrong {
    Missing,
    EndsWithZero,
    TooMany,
    Unreadable,
}

impl Strings<'_> {
    /// The UTF-8 of an element, which must not be kept longer than the lock is held.
    ///
    /// # Safety
    /// The element is one of an array of the descriptor.
    unsafe fn get(&self, element: *const u8) -> Result<&[u8], Wrong> {
        let mut lent = Lent { size: 0, bytes: std::ptr::null() };
        // SAFETY: the caller's word; the lock is held.
        unsafe {
            match (self.interface.load)(self.allocator, element.cast(), &raw mut lent) {
                0 if lent.size == 0 => Ok(&[]),
                0 => Ok(std::slice::from_raw_parts(lent.bytes, lent.size)),
                1 => Err(Wrong::Missing),
                _ => Err(Wrong::Unreadable),
            }
        }
    }
}

/// Strings of so many code points each, padded with zeros, in C order.
pub(super) struct Fixed {
    /// How many code points each has. A power of two, so that programs are made for few widths.
    pub(super) width: u32,
    /// Two code points a word.
    pub(super) words: Vec<isize>,
}

/// The strings of an array of so many extents.
///
/// # Safety
/// The array is alive, of `StringDType`, and the GIL is held.
pub(super) unsafe fn fixed(py: Python<'_>, array: *mut PyArrayObject, shape: &[isize]) -> Result<Fixed, Refusal> {
    let interface = Interface::new(py)?;
    // SAFETY: an array has as many strides as extents.
    let (data, descr, strides) = unsafe {
        let fields = &(*array).fields;
        let strides = if shape.is_empty() { &[] } else { std::slice::from_raw_parts(fields.strides, shape.len()) };
        (fields.data.cast_const().cast::<u8>(), fields.descr, strides)
    };
    // SAFETY: the descriptor lives as long as the array, whose elements the extents and strides describe.
    let copied = unsafe { copy(&interface, descr, data, shape, strides) };
    copied.map_err(|wrong| match wrong {
        Wrong::Missing => Refusal::Because(
            Category::Type,
            "has missing strings, which are not supported".into(),
            Some("pass those that are there, x[~numpy.isnan(x)]".into()),
        ),
        Wrong::EndsWithZero => Refusal::Because(
            Category::Value,
            "has a string that ends with a zero character, which is not supported".into(),
            None,
        ),
        Wrong::TooMany => PyMemoryError::new_err("no memory for a copy of the strings in fixed width").into(),
        Wrong::Unreadable if PyErr::occurred(py) => PyErr::fetch(py).into(),
        Wrong::Unreadable => PyRuntimeError::new_err("a string that can't be read").into(),
    })
}

/// # Safety
/// The elements at `data` and these strides are strings of the descriptor.
unsafe fn copy(
    interface: &Interface,
    descr: *const PyArray_Descr,
    data: *const u8,
    shape: &[isize],
    strides: &[isize],
) -> Result<Fixed, Wrong> {
    // SAFETY: the caller's word; nothing of Python's is called until the lock is given back.
    let strings = Strings { interface, allocator: unsafe { (interface.acquire)(descr.cast()) } };
    let count: usize = shape.iter().product::<isize>() as usize;
    // Where an element is, counted in C order.
    let at = |index: usize| {
        let mut rest = index as isize;
        shape.iter().zip(strides).rev().fold(data, |at, (extent, stride)| {
            let place = rest % extent;
            rest /= extent;
            at.wrapping_offset(place * stride)
        })
    };
    let mut longest = 1;
    for index in 0..count {
        // SAFETY: an element of the array.
        let text = unsafe { strings.get(at(index)) }?;
        if text.last() == Some(&0) {
            return Err(Wrong::EndsWithZero);
        }
        // A code point has one byte that continues none.
        let length = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        longest = longest.max(length);
    }
    let width = longest.next_power_of_two();
    let units = count.checked_mul(width).ok_or(Wrong::TooMany)?;
    let mut words: Vec<isize> = Vec::new();
    words.try_reserve_exact(units.div_ceil(2)).map_err(|_| Wrong::TooMany)?;
    words.resize(units.div_ceil(2), 0);
    // SAFETY: two code points fit a word.
    let points = unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u32>(), units) };
    for (index, element) in points.chunks_exact_mut(width).enumerate() {
        // SAFETY: an element of the array.
        let text = unsafe { strings.get(at(index)) }?;
        let text = std::str::from_utf8(text).map_err(|_| Wrong::Unreadable)?;
        element.iter_mut().zip(text.chars()).for_each(|(unit, point)| *unit = point.into());
    }
    Ok(Fixed { width: width as u32, words })
}
