//! What a call instruction calls: an address and the types with which it is called.
//!
//! # Safety
//! Calling addresses is for others; here is only the promise that a [`Block`]'s maker gives.
#![allow(unsafe_code, reason = "a promise about an address")]

use crate::dtype::{DType, Element, Scalar};
use std::fmt;

/// A function over `n` elements: reads the `n` packed elements at each of its arguments, and writes
/// `n` packed elements at `out`. All addresses are aligned to their elements' size; `out` shares no
/// memory with the arguments.
pub type BlockFn = unsafe extern "C" fn(n: usize, args: *const *const u8, out: *mut u8);

/// A [`BlockFn`] whose element types are those of the callee that holds it.
#[derive(Clone, Copy, Debug)]
pub struct Block(BlockFn);

impl Block {
    /// # Safety
    /// The function must be one for the parameters and the result of the [`Callee`] that it is put
    /// into, keep to the contract of [`BlockFn`], not unwind, and be callable from any thread.
    pub const unsafe fn new(function: BlockFn) -> Block {
        Block(function)
    }

    /// The function.
    pub const fn function(self) -> BlockFn {
        self.0
    }
}

/// How a native function is called.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Once an element, as `extern "C" fn(A, B, ...) -> R`; constructed from Rust functions alone, so
    /// that the types are the compiler's word.
    Scalar(usize),
    /// Over a chunk of elements. An element's result depends on its own arguments alone.
    Block(Block),
}

/// A pure function.
pub struct Callee {
    /// The name, for text forms and errors; never a linker symbol.
    pub name: &'static str,
    /// The parameters' types.
    pub params: Vec<DType>,
    /// The result's type.
    pub result: DType,
    /// How it is called.
    pub form: Form,
    /// Calls it for one element.
    pub invoke: Box<Invoke>,
}

/// A call for one element, whose arguments have the parameters' types.
pub type Invoke = dyn Fn(&[Scalar]) -> Scalar + Send + Sync;

/// A function pointer that can become a [`Callee`]. The functions must not unwind.
pub trait CalleeFn {
    /// What generated code needs of the function.
    fn callee(self, name: &'static str) -> Callee;
}

macro_rules! callee_fns {
    ($($($arg:ident)+;)+) => {$(
        impl<$($arg: Element,)+ R: Element> CalleeFn for extern "C" fn($($arg),+) -> R {
            #[allow(non_snake_case, reason = "one name for a type and its value")]
            fn callee(self, name: &'static str) -> Callee {
                Callee {
                    name,
                    params: vec![$($arg::DTYPE),+],
                    result: R::DTYPE,
                    form: Form::Scalar(self as usize),
                    invoke: Box::new(move |args| {
                        let mut args = args.iter();
                        $(let $arg = $arg::from_scalar(*args.next().expect("checked by call"));)+
                        self($($arg),+).to_scalar()
                    }),
                }
            }
        }
    )+};
}

callee_fns! { A; A B; A B C; A B C D; }

impl Callee {
    /// The address, which with the name and the types tells functions apart.
    pub fn address(&self) -> usize {
        match self.form {
            Form::Scalar(address) => address,
            Form::Block(block) => block.0 as usize,
        }
    }

    /// Calls the function.
    ///
    /// # Panics
    /// If the arguments' number or types are not the parameters'.
    pub fn call(&self, args: &[Scalar]) -> Scalar {
        assert!(args.iter().map(|a| a.dtype).eq(self.params.iter().copied()), "wrong arguments for {}", self.name);
        (self.invoke)(args)
    }
}

/// The same function is the same address under the same name.
impl PartialEq for Callee {
    fn eq(&self, other: &Callee) -> bool {
        self.address() == other.address() && self.name == other.name && self.params == other.params
    }
}

impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
