//! Native functions: an address and the types with which generated code calls it.

use crate::dtype::{DType, Scalar};
use std::fmt;

/// A Rust type that is an element type.
pub trait Element: Copy + Send + Sync + 'static {
    /// The element type.
    const DTYPE: DType;
    /// From a constant of that type.
    fn from_scalar(scalar: Scalar) -> Self;
    /// To a constant of that type.
    fn to_scalar(self) -> Scalar;
}

macro_rules! int_elements {
    ($($type:ty, $dtype:ident;)+) => {$(
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
            fn from_scalar(scalar: Scalar) -> Self { scalar.bits as $type }
            fn to_scalar(self) -> Scalar { Scalar::int(DType::$dtype, self as i128) }
        }
    )+};
}

int_elements! { i8, I8; i16, I16; i32, I32; i64, I64; u8, U8; u16, U16; u32, U32; u64, U64; }

impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn from_scalar(scalar: Scalar) -> Self {
        scalar.bits != 0
    }
    fn to_scalar(self) -> Scalar {
        Scalar::bool(self)
    }
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
    fn from_scalar(scalar: Scalar) -> Self {
        f32::from_bits(scalar.bits as u32)
    }
    fn to_scalar(self) -> Scalar {
        Scalar::f32(self)
    }
}

impl Element for f64 {
    const DTYPE: DType = DType::F64;
    fn from_scalar(scalar: Scalar) -> Self {
        f64::from_bits(scalar.bits)
    }
    fn to_scalar(self) -> Scalar {
        Scalar::f64(self)
    }
}

/// A pure function called once an element as `extern "C" fn(A, B, ...) -> R`.
///
/// Constructed from Rust functions alone, so that the types are the compiler's word.
pub struct Native {
    /// The name, for text forms and errors; never a linker symbol.
    pub name: &'static str,
    /// The parameters' types.
    pub params: Vec<DType>,
    /// The result's type.
    pub result: DType,
    /// The address that generated code calls.
    pub address: usize,
    invoke: Box<dyn Fn(&[Scalar]) -> Scalar + Send + Sync>,
}

/// A function pointer that can become a [`Native`]. The functions must not unwind.
pub trait NativeFunction {
    /// The native function.
    fn native(self, name: &'static str) -> Native;
}

macro_rules! native_functions {
    ($($($arg:ident)+;)+) => {$(
        impl<$($arg: Element,)+ R: Element> NativeFunction for extern "C" fn($($arg),+) -> R {
            #[allow(non_snake_case, reason = "one name for a type and its value")]
            fn native(self, name: &'static str) -> Native {
                Native {
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

native_functions! { A; A B; A B C; A B C D; }

impl Native {
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
impl PartialEq for Native {
    fn eq(&self, other: &Native) -> bool {
        self.address == other.address && self.name == other.name && self.params == other.params
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
