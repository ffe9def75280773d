//! Checked views of arrays in the caller's memory.
//!
//! # Safety
//! This is where the caller's promise about memory enters: whoever makes an [`ArrayRef`] by
//! [`ArrayRef::from_raw`] promises that every element it describes may be read (and written, if it
//! is writable) for the view's lifetime. Everything below this module relies on that promise alone.
#![allow(unsafe_code, reason = "views of foreign memory")]

use crate::dtype::{DType, Element, Scalar, Type};
use smallvec::SmallVec;

/// The greatest number of dimensions, as NumPy's.
pub const MAX_DIMS: usize = 64;

/// A view of an array, or of a scalar (no dimensions): address, shape and strides in bytes.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRef<'a> {
    data: *mut u8,
    shape: &'a [isize],
    strides: &'a [isize],
    ty: Type,
    swapped: bool,
    writable: bool,
    /// If elements are halves of pairs, where in a pair they begin.
    half: Option<u8>,
}

impl<'a> ArrayRef<'a> {
    /// A view of memory that the caller answers for.
    ///
    /// # Safety
    /// Every element `data + sum(index[k] * strides[k])` with `0 <= index[k] < shape[k]` must lie in
    /// memory that stays valid for `'a`, readable, and writable if `writable`; no alignment is
    /// needed. Nobody else writes it while a kernel reads it, or reads it while a kernel writes it.
    ///
    /// # Panics
    /// If shape and strides differ in length or exceed [`MAX_DIMS`], or an extent is negative.
    pub unsafe fn from_raw(
        data: *mut u8,
        shape: &'a [isize],
        strides: &'a [isize],
        ty: Type,
        swapped: bool,
        writable: bool,
    ) -> ArrayRef<'a> {
        assert!(shape.len() == strides.len() && shape.len() <= MAX_DIMS && shape.iter().all(|&n| n >= 0));
        ArrayRef { data, shape, strides, ty, swapped, writable, half: None }
    }

    /// A one-dimensional read-only view of a slice.
    pub fn of_slice<T: Element>(slice: &'a [T], shape: &'a [isize; 1]) -> ArrayRef<'a> {
        assert_eq!(shape[0] as usize, slice.len());
        ArrayRef {
            data: slice.as_ptr() as *mut u8,
            shape,
            strides: std::slice::from_ref(item_stride::<T>()),
            ty: Type::Strong(T::DTYPE),
            swapped: false,
            writable: false,
            half: None,
        }
    }

    /// A one-dimensional writable view of a slice.
    pub fn of_slice_mut<T: Element>(slice: &'a mut [T], shape: &'a [isize; 1]) -> ArrayRef<'a> {
        ArrayRef { writable: true, ..ArrayRef::of_slice(slice, shape) }
    }

    /// A strong or weak scalar held in a variable; the variable's type must be the type's dtype.
    pub fn of_scalar<T: Element>(value: &'a T, ty: Type) -> ArrayRef<'a> {
        assert_eq!(ty.dtype(), T::DTYPE);
        ArrayRef {
            data: std::ptr::from_ref(value) as *mut u8,
            shape: &[],
            strides: &[],
            ty,
            swapped: false,
            writable: false,
            half: None,
        }
    }

    /// A new array in memory that was allocated for it.
    #[inline]
    pub fn in_memory(memory: Memory, shape: &'a [isize], strides: &'a [isize], ty: Type) -> ArrayRef<'a> {
        ArrayRef { data: memory.0, shape, strides, ty, swapped: false, writable: true, half: None }
    }

    /// The address of the element with all indices zero.
    #[inline]
    pub fn data(&self) -> *mut u8 {
        self.data
    }

    /// The extents, outermost first.
    #[inline]
    pub fn shape(&self) -> &'a [isize] {
        self.shape
    }

    /// The strides in bytes.
    #[inline]
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }

    /// The type: a dtype, or weak for Python's own numbers.
    #[inline]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Bytes of an element.
    #[inline]
    pub fn itemsize(&self) -> usize {
        self.ty.dtype().size()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Do the elements lie next to each other, the last index running fastest?
    #[inline]
    pub fn is_c_contiguous(&self) -> bool {
        is_packed(self.itemsize(), self.shape.iter().zip(self.strides).rev())
    }

    /// Do the elements lie next to each other, the first index running fastest?
    pub fn is_f_contiguous(&self) -> bool {
        is_packed(self.itemsize(), self.shape.iter().zip(self.strides))
    }

    /// Are elements halves of pairs, which can be read as wholes?
    #[inline]
    pub fn is_half(&self) -> bool {
        self.half.is_some()
    }

    /// The address of the element with all indices zero; of halves, that of the pair.
    #[inline]
    pub fn origin(&self) -> *mut u8 {
        self.data.wrapping_sub(self.half.unwrap_or(0).into())
    }

    /// Do elements have the other byte order?
    #[inline]
    pub fn swapped(&self) -> bool {
        self.swapped
    }

    /// As an array of what each element has at a place.
    ///
    /// # Panics
    /// If that is not within an element.
    #[inline]
    pub fn part(&self, offset: usize, dtype: DType) -> ArrayRef<'a> {
        let own = self.ty.dtype();
        if dtype == own {
            return *self;
        }
        assert!(offset + dtype.size() <= own.size());
        let half = (own.size() == 2 * dtype.size()).then_some(offset as u8);
        ArrayRef { data: self.data.wrapping_add(offset), ty: Type::Strong(dtype), half, ..*self }
    }

    /// The value of a scalar; none of an array with dimensions, or of what is no lane.
    pub fn scalar(&self) -> Option<Scalar> {
        let dtype = self.ty.dtype();
        if !self.shape.is_empty() || !dtype.is_lane() {
            return None;
        }
        let mut bytes = [0u8; 8];
        let element = &mut bytes[..dtype.size()];
        // SAFETY: the view's one element is readable and has the dtype's size.
        unsafe { std::ptr::copy_nonoverlapping(self.data, element.as_mut_ptr(), element.len()) };
        if self.swapped {
            element.reverse();
        }
        let bits = u64::from_le_bytes(bytes);
        // Any byte but 0 is true.
        Some(Scalar { dtype, bits: if dtype == DType::Bool { (bits != 0).into() } else { bits } })
    }

    /// The value of a scalar of an integer type; none of others.
    pub fn integer(&self) -> Option<i128> {
        self.scalar().filter(|scalar| scalar.dtype.is_int()).map(Scalar::as_int)
    }

    /// May elements be written?
    #[inline]
    pub fn writable(&self) -> bool {
        self.writable
    }
}

/// Memory for a new array, as its allocator promises it.
#[derive(Clone, Copy, Debug)]
pub struct Memory(*mut u8);

impl Memory {
    /// Memory that the caller answers for.
    ///
    /// # Safety
    /// An array of the shape, strides and dtype that the allocation was asked for must fit behind
    /// `data`, readable and writable by nobody else, for as long as the call lasts that asked for it.
    pub unsafe fn new(data: *mut u8) -> Memory {
        Memory(data)
    }
}

/// An array whose shape and strides are its own.
#[derive(Clone, Debug)]
pub struct Placed {
    data: *mut u8,
    shape: SmallVec<[isize; 6]>,
    strides: SmallVec<[isize; 6]>,
    ty: Type,
    swapped: bool,
    writable: bool,
    /// If elements are halves of pairs, where in a pair they begin.
    half: Option<u8>,
}

impl Placed {
    /// The same array as a view shows. To be used only while that view may be.
    pub fn of(array: &ArrayRef) -> Placed {
        Placed {
            data: array.data,
            shape: array.shape.into(),
            strides: array.strides.into(),
            ty: array.ty,
            swapped: array.swapped,
            writable: array.writable,
            half: array.half,
        }
    }

    /// The same array without some axes, which must have one element.
    ///
    /// # Panics
    /// If one has more.
    pub fn without_axes(array: &ArrayRef, is_dropped: impl Fn(usize) -> bool) -> Placed {
        let mut placed = Placed { shape: SmallVec::new(), strides: SmallVec::new(), ..Placed::of(array) };
        for axis in 0..array.ndim() {
            if is_dropped(axis) {
                assert_eq!(array.shape[axis], 1);
            } else {
                placed.shape.push(array.shape[axis]);
                placed.strides.push(array.strides[axis]);
            }
        }
        placed
    }

    /// The same array with an axis of one element for each true one, and its own axes for the others.
    ///
    /// # Panics
    /// If it has more or fewer axes than these.
    pub fn with_axes(array: &ArrayRef, is_added: &[bool]) -> Placed {
        let mut placed = Placed { shape: SmallVec::new(), strides: SmallVec::new(), ..Placed::of(array) };
        let mut own = array.shape.iter().zip(array.strides);
        for &is_added in is_added {
            let (extent, stride) = if is_added { (1, 0) } else { own.next().map_or((0, 0), |(&n, &s)| (n, s)) };
            placed.shape.push(extent);
            placed.strides.push(stride);
        }
        assert_eq!(array.ndim(), is_added.iter().filter(|is_added| !**is_added).count());
        placed
    }

    /// An array without memory: the address of each element is the sum of its indices times the strides. Who reads
    /// it takes addresses for values.
    pub fn indices(shape: &[isize], strides: &[isize]) -> Placed {
        Placed {
            data: std::ptr::null_mut(),
            shape: shape.into(),
            strides: strides.into(),
            ty: Type::Strong(DType::I64),
            swapped: false,
            writable: false,
            half: None,
        }
    }

    /// A new array in memory that was allocated for it.
    pub fn in_memory(memory: Memory, shape: &[isize], strides: &[isize], ty: Type) -> Placed {
        Placed {
            data: memory.0,
            shape: shape.into(),
            strides: strides.into(),
            ty,
            swapped: false,
            writable: true,
            half: None,
        }
    }

    /// As a view.
    pub fn view(&self) -> ArrayRef<'_> {
        ArrayRef {
            data: self.data,
            shape: &self.shape,
            strides: &self.strides,
            ty: self.ty,
            swapped: self.swapped,
            writable: self.writable,
            half: self.half,
        }
    }
}

/// Are axes, innermost first, without gaps? The stride of an axis with one element says nothing.
#[inline]
fn is_packed<'s>(itemsize: usize, axes: impl Iterator<Item = (&'s isize, &'s isize)>) -> bool {
    let mut packed = itemsize as isize;
    for (&extent, &stride) in axes {
        if extent != 1 {
            if stride != packed {
                return false;
            }
            packed = packed.wrapping_mul(extent);
        }
    }
    true
}

fn item_stride<T>() -> &'static isize {
    const { &(size_of::<T>() as isize) }
}
