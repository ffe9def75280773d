//! What a call instruction calls: an address, the types with which it is called, and what may be
//! done with the call.
//!
//! Nothing here calls an address. Who makes a [`Callee`] answers for it: only `math/block/dispatch`
//! and `registry/native` do, beside the constructors from Rust functions below.

use crate::diagnostic::Failure;
use crate::dtype::{DType, Element, Scalar};
use std::any::Any;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A function over `n` elements: reads the `n` packed elements at each of its arguments, and writes
/// `n` packed elements at `out`. All addresses are aligned to their elements' size; `out` shares no
/// memory with the arguments. It does not unwind.
pub type BlockFn = unsafe extern "C" fn(n: usize, args: *const *const u8, out: *mut u8);

/// The same with a state, which its maker gave, and that can fail: false after [`fail`]. Then what it
/// wrote counts as written, or not, as it likes.
pub type StatefulFn = unsafe extern "C" fn(state: *const (), n: usize, args: *const *const u8, out: *mut u8) -> bool;

/// How a native function is called.
#[derive(Clone, Debug)]
pub enum Form {
    /// Once an element, as the C function `R f(A, B, ...)`; behind the arguments come further ones
    /// that never change.
    Scalar {
        /// The function.
        address: usize,
        /// The further arguments, integers of 32 or 64 bits.
        constants: Vec<Scalar>,
    },
    /// Over a chunk of elements. An element's result depends on its own arguments alone.
    Block(BlockFn),
    /// The same for what has a state or can fail.
    Stateful(StatefulFn, State),
}

/// The address of a [`StatefulFn`]'s state, which the callee's owner keeps alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(pub usize);

impl State {
    /// As the function wants it.
    pub fn pointer(self) -> *const () {
        self.0 as *const ()
    }
}

/// On which threads, and how many at a time, a function may be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concurrency {
    /// On any, at the same time.
    #[default]
    Any,
    /// Only on the thread that called the kernel.
    Caller,
    /// The same, and never two calls at once in the process.
    Exclusive,
}

/// What may be done with calls of a function, or of all functions of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Effects {
    /// The result depends on the arguments alone, and nothing else shows that the function was called:
    /// calls may be made once for many elements, or not at all. If not, there is one call an element,
    /// in C order.
    pub pure: bool,
    /// On which threads.
    pub concurrency: Concurrency,
}

impl Effects {
    /// Those of a mathematical function.
    pub const NONE: Effects = Effects { pure: true, concurrency: Concurrency::Any };

    /// Those of both.
    pub fn and(self, other: Effects) -> Effects {
        Effects { pure: self.pure && other.pure, concurrency: self.concurrency.max(other.concurrency) }
    }
}

/// A native function.
pub struct Callee {
    /// The name, for text forms and errors; never a linker symbol.
    pub name: Cow<'static, str>,
    /// The parameters' types.
    pub params: Vec<DType>,
    /// The result's type.
    pub result: DType,
    /// How it is called.
    pub form: Form,
    /// What may be done with calls.
    pub effects: Effects,
    /// Calls it for one element; none for what is known by its address alone, which the interpreter
    /// can't call.
    pub invoke: Option<Box<Invoke>>,
    /// Keeps alive what the address and the state need.
    pub owner: Option<Arc<dyn Any + Send + Sync>>,
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
                    name: name.into(),
                    params: vec![$($arg::DTYPE),+],
                    result: R::DTYPE,
                    form: Form::Scalar { address: self as usize, constants: Vec::new() },
                    effects: Effects::NONE,
                    invoke: Some(Box::new(move |args| {
                        let mut args = args.iter();
                        $(let $arg = $arg::from_scalar(*args.next().expect("checked by call"));)+
                        self($($arg),+).to_scalar()
                    })),
                    owner: None,
                }
            }
        }
    )+};
}

callee_fns! { A; A B; A B C; A B C D; }

impl Callee {
    /// Where it is and what it is given, which with the name and the types tell functions apart.
    pub fn identity(&self) -> (usize, usize) {
        match &self.form {
            Form::Scalar { address, .. } => (*address, 0),
            Form::Block(function) => (*function as usize, 0),
            Form::Stateful(function, state) => (*function as usize, state.0),
        }
    }

    /// Is it called over a chunk of elements?
    pub fn is_block(&self) -> bool {
        !matches!(self.form, Form::Scalar { .. })
    }

    /// Calls the function; none if it can be called by generated code alone.
    ///
    /// # Panics
    /// If the arguments' number or types are not the parameters'.
    pub fn call(&self, args: &[Scalar]) -> Option<Scalar> {
        assert!(args.iter().map(|a| a.dtype).eq(self.params.iter().copied()), "wrong arguments for {}", self.name);
        self.invoke.as_ref().map(|invoke| invoke(args))
    }
}

/// The same function is the same address and state under the same name.
impl PartialEq for Callee {
    fn eq(&self, other: &Callee) -> bool {
        let constants = |callee: &Callee| match &callee.form {
            Form::Scalar { constants, .. } => constants.clone(),
            _ => Vec::new(),
        };
        (self.identity(), &self.name, &self.params) == (other.identity(), &other.name, &other.params)
            && constants(self) == constants(other)
    }
}

impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

thread_local! {
    static FAILURE: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Says why the [`StatefulFn`] that runs on this thread is about to return false.
pub fn fail(failure: Failure) {
    FAILURE.set(Some(failure));
}

/// What the last [`fail`] of this thread said.
pub fn take_failure() -> Option<Failure> {
    FAILURE.take()
}
