//! Scalar functions in a loop: what has no faster form, or needs none.

use super::dispatch::{Binary, Kernel, Kernels, Unary};
use super::half;
use crate::dtype::DType;
use crate::math::integer::Integer;
use crate::math::{calendar, elementary};

/// Kernels whose every argument is done by a function of scalars.
macro_rules! plain {
    ($(
        $kernel:ident$(<$param:ident>)? $trait:ident
        ($($arg:ident: $letter:ident $type:ty),+) -> $result:ty { $value:expr }
    )+) => {$(
        struct $kernel$(<$param>($param))?;

        impl$(<$param: Integer>)? $trait for $kernel$(<$param>)? {
            $(type $letter = $type;)+
            type Y = $result;

            #[inline(always)]
            fn fast<const FMA: bool>($($arg: $type),+) -> ($result, bool) {
                ($value, false)
            }

            #[inline(always)]
            fn careful<const FMA: bool>($($arg: $type),+) -> $result {
                $value
            }
        }
    )+};
}

pub(super) use plain;

plain! {
    NextAfter32 Binary (x: X f32, y: Z f32) -> f32 { elementary::nextafter::single(x, y) }
    NextAfter64 Binary (x: X f64, y: Z f64) -> f64 { elementary::nextafter::double(x, y) }
    Spacing32 Unary (x: X f32) -> f32 { elementary::spacing::single(x) }
    Spacing64 Unary (x: X f64) -> f64 { elementary::spacing::double(x) }
    Ldexp32 Binary (x: X f32, i: Z i64) -> f32 { elementary::ldexp::single(x, i) }
    Ldexp64 Binary (x: X f64, i: Z i64) -> f64 { elementary::ldexp::double(x, i) }
    Power<T> Binary (x: X T, y: Z T) -> T { x.pow(y) }
    Gcd<T> Binary (x: X T, y: Z T) -> T { x.gcd(y) }
    Lcm<T> Binary (x: X T, y: Z T) -> T { x.lcm(y) }
    Reciprocal<T> Unary (x: X T) -> T { x.reciprocal() }
    BitwiseCount<T> Unary (x: X T) -> u8 { x.ones() }
    DaysOfMonth Unary (x: X i64) -> i64 { calendar::days_of_month(x) }
    MonthOfDay Unary (x: X i64) -> i64 { calendar::month_of_day(x) }
    TimeQuotient Binary (x: X i64, y: Z i64) -> i64 { calendar::quotient(x, y) }
}

/// The neighbour of the first argument towards the second.
pub static NEXTAFTER: Kernels = Kernels::binary::<NextAfter32, NextAfter64>("nextafter").with_half(&half::NEXTAFTER);
/// The distance to the neighbour that is farther from zero.
pub static SPACING: Kernels = Kernels::unary::<Spacing32, Spacing64>("spacing").with_half(&half::SPACING);
/// `x * 2**i`; the second argument is int64 for either type.
pub static LDEXP: Kernels = Kernels::binary::<Ldexp32, Ldexp64>("ldexp");

/// The day with which a month begins, both counted from 1970.
pub static DAYS_OF_MONTH: Kernel = Kernel::unary::<DaysOfMonth>();
/// The month in which a day is, both counted from 1970.
pub static MONTH_OF_DAY: Kernel = Kernel::unary::<MonthOfDay>();
/// The truncated quotient of a span of time and an integer.
pub static TIME_QUOTIENT: Kernel = Kernel::binary::<TimeQuotient>();

macro_rules! by_type {
    ($($(#[doc = $doc:literal])+ $name:ident $kernel:ident $choose:ident;)+) => {$(
        $(#[doc = $doc])+
        pub fn $name(dtype: DType) -> Option<Kernel> {
            Some(match dtype {
                DType::I8 => Kernel::$choose::<$kernel<i8>>(),
                DType::I16 => Kernel::$choose::<$kernel<i16>>(),
                DType::I32 => Kernel::$choose::<$kernel<i32>>(),
                DType::I64 => Kernel::$choose::<$kernel<i64>>(),
                DType::U8 => Kernel::$choose::<$kernel<u8>>(),
                DType::U16 => Kernel::$choose::<$kernel<u16>>(),
                DType::U32 => Kernel::$choose::<$kernel<u32>>(),
                DType::U64 => Kernel::$choose::<$kernel<u64>>(),
                _ => return None,
            })
        }
    )+};
}

by_type! {
    /// `x ** y` of an integer type for `y >= 0`, wrapping.
    power Power binary;
    /// The greatest common divisor, for an integer type.
    gcd Gcd binary;
    /// The least common multiple, for an integer type.
    lcm Lcm binary;
    /// `1 / x`, truncated, for an integer type.
    reciprocal Reciprocal unary;
    /// The number of one bits in the magnitude, as uint8, for an integer type.
    bitwise_count BitwiseCount unary;
}
