//! The folds of reductions, run by run: the order is that of [`crate::ir::fold`].
//!
//! A run is a fixed number of lanes that take turns, whatever the machine's vectors hold, so that every
//! level gives the same bits.

use super::dispatch::{Folding, Join, Level};
use crate::dtype::{DType, Scalar};
use crate::ir::Fold;
use crate::ir::fold::LANE_BYTES;

struct Add;
struct Mul;
struct Min;
struct Max;
struct FMin;
struct FMax;
struct And;
struct Or;
/// The product of complex numbers.
struct ComplexMul;

macro_rules! joins {
    ($($name:ident [$($type:ty)+] |$a:ident, $b:ident| $value:expr;)+) => {$($(
        impl Join<$type> for $name {
            #[inline(always)]
            fn join($a: $type, $b: $type) -> $type {
                $value
            }
        }
    )+)+};
}

// As `interp` has them: of two equal numbers the first; of NaNs the first.
joins! {
    Add [f32 f64] |a, b| a + b;
    Add [i8 i16 i32 i64 u8 u16 u32 u64] |a, b| a.wrapping_add(b);
    Mul [f32 f64] |a, b| a * b;
    Mul [i8 i16 i32 i64 u8 u16 u32 u64] |a, b| a.wrapping_mul(b);
    Min [f32 f64] |a, b| if (a <= b) | a.is_nan() { a } else { b };
    Min [i8 i16 i32 i64 u8 u16 u32 u64] |a, b| if b < a { b } else { a };
    Max [f32 f64] |a, b| if (a >= b) | a.is_nan() { a } else { b };
    Max [i8 i16 i32 i64 u8 u16 u32 u64] |a, b| if b > a { b } else { a };
    FMin [f32 f64] |a, b| if (a <= b) | b.is_nan() { a } else { b };
    FMax [f32 f64] |a, b| if (a >= b) | b.is_nan() { a } else { b };
    // Bytes, since any but 0 is true; they begin with 1 and 0, so that results are no others.
    And [u8] |a, b| a.min(b);
    Or [u8] |a, b| (a | b).min(1);
    ComplexMul [[f32; 2] [f64; 2]] |a, b| [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
}

/// The functions of a fold of a type, at a level that the machine has; none where there is no such fold.
pub fn functions(fold: Fold, dtype: DType, level: Level) -> Option<Folding> {
    macro_rules! of_type {
        ($join:ident, $($dtype:ident $type:ty, $lanes:literal;)+) => {
            match dtype {
                $(DType::$dtype => {
                    const { assert!($lanes * size_of::<$type>() == LANE_BYTES) };
                    Some(Folding::new::<$join, $type, $lanes>(level, identity(fold, dtype)))
                })+
                _ => None,
            }
        };
    }
    macro_rules! of_numbers {
        ($join:ident) => {
            of_type!($join, I8 i8, 256; I16 i16, 128; I32 i32, 64; I64 i64, 32; U8 u8, 256; U16 u16, 128;
                U32 u32, 64; U64 u64, 32; F32 f32, 64; F64 f64, 32;)
        };
    }
    match fold {
        Fold::Add => of_numbers!(Add),
        Fold::Mul => of_numbers!(Mul),
        Fold::Min => of_numbers!(Min),
        Fold::Max => of_numbers!(Max),
        Fold::FMin => of_type!(FMin, F32 f32, 64; F64 f64, 32;),
        Fold::FMax => of_type!(FMax, F32 f32, 64; F64 f64, 32;),
        Fold::And => of_type!(And, Bool u8, 256;),
        Fold::Or => of_type!(Or, Bool u8, 256;),
        Fold::MulReal | Fold::MulImag => of_type!(ComplexMul, F32 [f32; 2], 32; F64 [f64; 2], 16;),
    }
}

/// The bits with which results begin, all parts of them.
fn identity(fold: Fold, dtype: DType) -> u128 {
    let bits = |(part, scalar): (usize, Scalar)| u128::from(scalar.bits) << (8 * part * dtype.size());
    fold.identities(dtype).into_iter().enumerate().map(bits).sum()
}
