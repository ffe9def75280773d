//! What a call instruction calls: an address and the types with which generated code calls it.

use crate::dtype::{DType, Element, Scalar};
use std::fmt;

/// A pure function called once an element as `extern "C" fn(A, B, ...) -> R`.
///
/// Constructed from Rust functions alone, so that the types are the compiler's word.
pub struct Callee {
    /// The name, for text forms and errors; never a linker symbol.
    pub name: &'static str,
    /// The parameters' types.
    pub params: Vec<DType>,
    /// The result's type.
    pub result: DType,
    /// The address that generated code calls.
    pub address: usize,
    invoke: Box<Invoke>,
}

type Invoke = dyn Fn(&[Scalar]) -> Scalar + Send + Sync;

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
                    address: self as usize,
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
        self.address == other.address && self.name == other.name && self.params == other.params
    }
}

impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
