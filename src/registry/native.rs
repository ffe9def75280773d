//! Functions that the host registers, as what generated code calls.
//!
//! # Safety
//! Addresses are as good as who gives them: the unsafe constructors pass on their caller's word to
//! the [`Callee`] that they make. What is safe here are Rust functions and closures, whose types the
//! compiler knows; their panics end in a shim, since nothing may unwind through generated code.
#![allow(unsafe_code, reason = "calls functions by their addresses")]

use crate::diagnostic::Failure;
use crate::dtype::{DType, Element, Scalar};
use crate::ir::callee::fail;
use crate::ir::{Callee, Effects, Form, State};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What keeps a function's code and state alive.
pub type Owner = Option<Arc<dyn Any + Send + Sync>>;

/// The most parameters of a registered function.
pub const MOST_PARAMS: usize = 8;

/// A C function that is called once an element: `R f(A, B, ...)`, with further arguments that never
/// change behind those.
///
/// # Safety
/// `address` is such a function, which may be called as `effects` says as long as `owner` lives, does
/// not unwind, and neither reads nor writes memory that others use.
pub unsafe fn scalar(
    name: &str,
    address: usize,
    params: Vec<DType>,
    constants: Vec<Scalar>,
    result: DType,
    effects: Effects,
    owner: Owner,
) -> Callee {
    let form = Form::Scalar { address, constants };
    Callee { name: name.to_owned().into(), params, result, form, effects, invoke: None, owner }
}

/// Keeps two things alive.
struct Both<T>(T, #[expect(dead_code, reason = "held, not read")] Owner);

fn stateful<T: Send + Sync + 'static>(
    name: &str,
    (params, result): (Vec<DType>, DType),
    function: crate::ir::StatefulFn,
    state: T,
    effects: Effects,
    owner: Owner,
) -> Callee {
    let both = Arc::new(Both(state, owner));
    let form = Form::Stateful(function, State((&raw const both.0) as usize));
    Callee { name: name.to_owned().into(), params, result, form, effects, invoke: None, owner: Some(both) }
}

/// A C function over packed elements: `void f(size_t n, const A *a, const B *b, ..., R *out)`.
///
/// # Panics
/// With more than [`MOST_PARAMS`] parameters.
///
/// # Safety
/// As for [`scalar`]; it reads `n` elements at each argument and writes `n` at the result, and an
/// element's result depends on its own arguments alone.
pub unsafe fn block(
    name: &str,
    address: usize,
    params: Vec<DType>,
    result: DType,
    effects: Effects,
    owner: Owner,
) -> Callee {
    assert!(params.len() <= MOST_PARAMS, "too many parameters");
    let arity = params.len();
    stateful(name, (params, result), call_block, CBlock { address, arity }, effects, owner)
}

struct CBlock {
    address: usize,
    arity: usize,
}

macro_rules! call_with_pointers {
    ($address:expr, $n:expr, $args:expr, $out:expr, $arity:expr; $($count:literal: $($index:literal)*;)+) => {
        match $arity {
            $($count => {
                let function: unsafe extern "C" fn(usize, $(pointer!($index),)* *mut u8) =
                    std::mem::transmute($address);
                function($n, $(*$args.add($index),)* $out)
            })+
            _ => unreachable!("checked by `block`"),
        }
    };
}

macro_rules! pointer {
    ($index:literal) => {
        *const u8
    };
}

/// # Safety
/// As every `StatefulFn`, with the state of [`block`].
unsafe extern "C" fn call_block(state: *const (), n: usize, args: *const *const u8, out: *mut u8) -> bool {
    // SAFETY: the state is the one that `block` made, which the callee owns; the address is a function
    // of so many pointers by the word of `block`'s caller.
    unsafe {
        let CBlock { address, arity } = *state.cast::<CBlock>();
        call_with_pointers!(address, n, args, out, arity;
            0: ; 1: 0; 2: 0 1; 3: 0 1 2; 4: 0 1 2 3; 5: 0 1 2 3 4; 6: 0 1 2 3 4 5; 7: 0 1 2 3 4 5 6;
            8: 0 1 2 3 4 5 6 7;);
    }
    true
}

/// An inner loop of a NumPy ufunc.
#[derive(Clone, Debug)]
pub struct UfuncLoop {
    /// `void loop(char **args, intp *dimensions, intp *steps, void *data)`.
    pub function: usize,
    /// Its last argument.
    pub data: usize,
    /// The types of the inputs.
    pub inputs: Vec<DType>,
    /// The types of the outputs.
    pub outputs: Vec<DType>,
    /// The output that is the function's result.
    pub output: usize,
}

/// One output of a ufunc's inner loop. `pending` is asked after each chunk whether the loop left an
/// error.
///
/// # Panics
/// With more than [`MOST_PARAMS`] inputs or outputs.
///
/// # Safety
/// As for [`scalar`], of a function that is such a loop for these types.
pub unsafe fn ufunc(
    name: &str,
    ufunc: UfuncLoop,
    pending: fn() -> Option<Failure>,
    effects: Effects,
    owner: Owner,
) -> Callee {
    assert!(ufunc.inputs.len() <= MOST_PARAMS && ufunc.outputs.len() <= MOST_PARAMS, "too many parameters");
    let types = (ufunc.inputs.clone(), ufunc.outputs[ufunc.output]);
    stateful(name, types, call_ufunc, (ufunc, pending), effects, owner)
}

/// # Safety
/// As every `StatefulFn`, with the state of [`ufunc`].
unsafe extern "C" fn call_ufunc(state: *const (), n: usize, args: *const *const u8, out: *mut u8) -> bool {
    type Loop = unsafe extern "C" fn(*mut *mut u8, *const isize, *const isize, *mut ());
    // SAFETY: the state is the one that `ufunc` made, which the callee owns; the address is a loop for
    // these types by the word of `ufunc`'s caller. Each argument and each output has `n` elements; the
    // loop does not write its inputs.
    unsafe {
        let (ufunc, pending) = &*state.cast::<(UfuncLoop, fn() -> Option<Failure>)>();
        let function: Loop = std::mem::transmute(ufunc.function);
        let inputs = ufunc.inputs.len();
        let mut pointers = [std::ptr::null_mut(); 2 * MOST_PARAMS];
        let mut steps = [0; 2 * MOST_PARAMS];
        // Outputs that are not the result, elements of at most 8 bytes.
        let mut unused: Vec<Vec<u64>> = Vec::new();
        for (k, dtype) in ufunc.inputs.iter().enumerate() {
            (pointers[k], steps[k]) = ((*args.add(k)).cast_mut(), dtype.size() as isize);
        }
        for (k, dtype) in ufunc.outputs.iter().enumerate() {
            steps[inputs + k] = dtype.size() as isize;
            pointers[inputs + k] = if k == ufunc.output {
                out
            } else {
                unused.push(vec![0; n]);
                unused.last_mut().map_or(std::ptr::null_mut(), |memory| memory.as_mut_ptr().cast())
            };
        }
        function(pointers.as_mut_ptr(), &(n as isize), steps.as_ptr(), ufunc.data as *mut ());
        match pending() {
            None => true,
            Some(failure) => {
                fail(failure);
                false
            }
        }
    }
}

/// Memory for the results of some elements.
#[derive(Debug)]
pub struct Column<'c> {
    result: DType,
    bytes: &'c mut [u8],
}

impl<'c> Column<'c> {
    /// As bytes: bools of 0 or 1, or strings.
    ///
    /// # Panics
    /// If the results are others.
    pub fn as_bytes(self) -> &'c mut [u8] {
        assert!(matches!(self.result, DType::Bool | DType::Bytes(_) | DType::Str(_)));
        self.bytes
    }

    /// As int64.
    ///
    /// # Panics
    /// If the results are others.
    pub fn as_i64(self) -> &'c mut [i64] {
        assert!(self.result == DType::I64);
        // SAFETY: elements of int64, which results are aligned for, and of which all bytes may be anything.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast(), self.bytes.len() / 8) }
    }
}

/// A function over columns of packed elements, each as bytes; it writes all results.
pub fn columns<F>(name: &str, params: Vec<DType>, result: DType, function: F) -> Callee
where
    F: Fn(&[&[u8]], Column) + Send + Sync + 'static,
{
    let state = (params.clone(), result, function);
    stateful(name, (params, result), call_columns::<F>, state, Effects::NONE, None)
}

/// # Safety
/// As every `StatefulFn`, with the state of [`columns`].
unsafe extern "C" fn call_columns<F>(state: *const (), n: usize, args: *const *const u8, out: *mut u8) -> bool
where
    F: Fn(&[&[u8]], Column),
{
    // SAFETY: the state is the one that `columns` made, which the callee owns; there are `n` elements of
    // their types at each argument, and memory for as many results, apart from these.
    let (function, given, column) = unsafe {
        let (params, result, function) = &*state.cast::<(Vec<DType>, DType, F)>();
        let arg = |(k, dtype): (usize, &DType)| std::slice::from_raw_parts(*args.add(k), n * dtype.size());
        let given: smallvec::SmallVec<[&[u8]; 2]> = params.iter().enumerate().map(arg).collect();
        // What is not initialised yet is not read, only written.
        std::ptr::write_bytes(out, 0, n * result.size());
        let bytes = std::slice::from_raw_parts_mut(out, n * result.size());
        (function, given, Column { result: *result, bytes })
    };
    done(|| {
        function(&given, column);
        Ok(())
    })
}

/// The arguments and the results of some elements.
#[derive(Debug)]
pub struct Chunk<'c> {
    params: &'c [DType],
    result: DType,
    n: usize,
    args: *const *const u8,
    out: *mut u8,
}

impl Chunk<'_> {
    /// How many elements there are.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.n
    }

    /// An element of an argument.
    ///
    /// # Panics
    /// If there is no such argument or element.
    pub fn arg(&self, argument: usize, element: usize) -> Scalar {
        let dtype = self.params[argument];
        assert!(element < self.n);
        // SAFETY: a packed array of `n` elements of that type, by the contract of `StatefulFn`.
        unsafe { read(dtype, (*self.args.add(argument)).add(element * dtype.size())) }
    }

    /// Sets the result of an element.
    ///
    /// # Panics
    /// If there is no such element, or the value is of another type than the result.
    pub fn set(&mut self, element: usize, value: Scalar) {
        assert!(element < self.n && value.dtype == self.result);
        // SAFETY: as above.
        unsafe { write(value, self.out.add(element * value.dtype.size())) }
    }
}

/// # Safety
/// An aligned element of that type is at the address.
#[inline(always)]
unsafe fn read(dtype: DType, at: *const u8) -> Scalar {
    // SAFETY: the caller's word.
    let bits = unsafe {
        match dtype.size() {
            1 => u64::from(*at),
            2 => u64::from(*at.cast::<u16>()),
            4 => u64::from(*at.cast::<u32>()),
            _ => *at.cast::<u64>(),
        }
    };
    Scalar { dtype, bits }
}

/// # Safety
/// There is room for an aligned element of that type at the address.
#[inline(always)]
unsafe fn write(value: Scalar, at: *mut u8) {
    // SAFETY: the caller's word.
    unsafe {
        match value.dtype.size() {
            1 => *at = value.bits as u8,
            2 => *at.cast::<u16>() = value.bits as u16,
            4 => *at.cast::<u32>() = value.bits as u32,
            _ => *at.cast::<u64>() = value.bits,
        }
    }
}

/// A Rust function over chunks, which may fail. A panic is a failure.
///
/// # Panics
/// With more than [`MOST_PARAMS`] parameters.
pub fn chunked<F>(name: &str, params: Vec<DType>, result: DType, effects: Effects, function: F) -> Callee
where
    F: Fn(&mut Chunk) -> Result<(), Failure> + Send + Sync + 'static,
{
    assert!(params.len() <= MOST_PARAMS, "too many parameters");
    let state = Chunked { params: params.clone(), result, function };
    stateful(name, (params, result), call_chunked::<F>, state, effects, None)
}

struct Chunked<F> {
    params: Vec<DType>,
    result: DType,
    function: F,
}

/// # Safety
/// As every `StatefulFn`, with the state of [`chunked`].
unsafe extern "C" fn call_chunked<F>(state: *const (), n: usize, args: *const *const u8, out: *mut u8) -> bool
where
    F: Fn(&mut Chunk) -> Result<(), Failure>,
{
    // SAFETY: the state is the one that `chunked` made, which the callee owns.
    let Chunked { params, result, function } = unsafe { &*state.cast::<Chunked<F>>() };
    done(|| function(&mut Chunk { params, result: *result, n, args, out }))
}

/// Runs what may fail or panic; says why it did.
fn done(run: impl FnOnce() -> Result<(), Failure>) -> bool {
    // What a panic leaves half done belongs to the function that panicked.
    let failure = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => return true,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
            Failure(Arc::new(Panicked(text.or_else(|| panic.downcast_ref::<String>().cloned()))))
        }
    };
    fail(failure);
    false
}

/// The error of a function that panicked, with its message if that is a text.
#[derive(Debug)]
pub struct Panicked(pub Option<String>);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(message) => write!(f, "a registered function panicked: {message}"),
            None => f.write_str("a registered function panicked"),
        }
    }
}

impl std::error::Error for Panicked {}

/// A Rust function or closure of up to [`MOST_PARAMS`] arguments, called once an element. `Args` are its
/// arguments' types, as a tuple.
pub trait NativeFn<Args>: Send + Sync + 'static {
    /// What generated code needs of it.
    fn callee(self, name: &str, effects: Effects) -> Callee;
}

macro_rules! native_fns {
    ($($($arg:ident $index:literal)*;)+) => {$(
        impl<F, $($arg: Element,)* R: Element> NativeFn<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> R + Send + Sync + 'static,
        {
            fn callee(self, name: &str, effects: Effects) -> Callee {
                /// # Safety
                /// As every `StatefulFn`, with an `F` as its state.
                unsafe extern "C" fn call<F, $($arg: Element,)* R: Element>(
                    state: *const (),
                    n: usize,
                    _args: *const *const u8,
                    out: *mut u8,
                ) -> bool
                where
                    F: Fn($($arg),*) -> R,
                {
                    // SAFETY: the state is the function, which the callee owns.
                    let function = unsafe { &*state.cast::<F>() };
                    done(|| {
                        for i in 0..n {
                            // SAFETY: the contract of `StatefulFn`, for the types that the callee has.
                            unsafe {
                                let value = function($(
                                    $arg::from_scalar(read(
                                        $arg::DTYPE,
                                        (*_args.add($index)).add(i * size_of::<$arg>()),
                                    ))
                                ),*);
                                write(value.to_scalar(), out.add(i * size_of::<R>()));
                            }
                        }
                        Ok(())
                    })
                }
                let types = (vec![$($arg::DTYPE),*], R::DTYPE);
                stateful(name, types, call::<F, $($arg,)* R>, self, effects, None)
            }
        }
    )+};
}

native_fns! {
    ;
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 G 5;
    A 0 B 1 C 2 D 3 E 4 G 5 H 6;
    A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7;
}
