//! From the typed program to machine code. [`segment`] cuts a loop at its calls of block functions;
//! [`wide`] makes code of a segment for AVX2 and AVX-512, [`clif`] what `wide` lacks, and all code for
//! every other target that Cranelift has.
//!
//! The contract between generated code and the runtime is here, since both sides must hold it.

pub mod clif;
pub mod lines;
pub mod segment;
pub mod wide;

use crate::math::block::dispatch;
pub use crate::opt::FastMath;

/// How an operand lies in memory along the two inner axes of a loop. Part of what code is
/// specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stride {
    /// Both strides are zero: one element for the whole call.
    Constant,
    /// The inner stride is zero, the outer is not: one element a row.
    Row,
    /// The inner stride is the element size, the outer is zero: the same elements for every row.
    Column,
    /// The inner stride is the element size.
    Contiguous,
    /// The same of an operand that is written and not read, and is too large for the caches: what is
    /// stored need not be in them.
    Streamed,
    /// The inner stride is twice the element size, and the operand is one of two in each pair: at its offset
    /// ([`Operand::offset`](crate::ir::Operand::offset)) before an element begins a pair that can be read.
    Interleaved,
    /// Any inner stride.
    Strided,
}

impl Stride {
    /// Do elements lie apart along a row?
    pub fn is_apart(self) -> bool {
        matches!(self, Stride::Interleaved | Stride::Strided)
    }
}

/// The layout class of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layout {
    /// The strides' class.
    pub stride: Stride,
    /// Elements have the other byte order.
    pub swapped: bool,
}

impl Layout {
    /// The layout for code that knows nothing of caches.
    pub fn cached(self) -> Layout {
        match self.stride {
            Stride::Streamed => Layout { stride: Stride::Contiguous, ..self },
            _ => self,
        }
    }

    /// The layout for code that knows nothing of pairs either.
    pub fn plain(self) -> Layout {
        match self.stride {
            Stride::Interleaved => Layout { stride: Stride::Strided, ..self },
            _ => self.cached(),
        }
    }
}

/// What a loop's code is called with. Operands are those of the whole program, by number; the code
/// of a loop touches only those that the loop loads or stores.
///
/// The code visits `outer * inner` elements; element `(j, i)` of operand `k` is at
/// `pointers[k] + j * outer_strides[k] + i * inner_strides[k]`, with no alignment assumed.
/// `inner` and `outer` are at least 1. It returns 0, 1 + the number of the guard that failed, or [`FAILED`];
/// then some elements may not have been visited, and the others are final.
pub type Entry = unsafe extern "C" fn(
    pointers: *const *mut u8,
    inner_strides: *const isize,
    outer_strides: *const isize,
    inner: usize,
    outer: usize,
) -> u64;

/// What an [`Entry`] returns where a native function failed; its thread's [`take_failure`] says why.
///
/// [`take_failure`]: crate::ir::callee::take_failure
pub const FAILED: u64 = u64::MAX;

/// The instruction sets that generated code may use: those that the machine has, or fewer, for tests
/// and comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Simd {
    /// One element at a time.
    Scalar,
    /// 128-bit vectors wherever every operation of the loop has a vector form.
    V128,
    /// 256-bit vectors; 128-bit ones in loops for which [`wide`] has no code.
    Avx2,
    /// 512-bit vectors and masks; else as above.
    Avx512,
}

impl Simd {
    /// Every level, with the name by which it is forced.
    pub const ALL: [(&'static str, Simd); 4] =
        [("scalar", Simd::Scalar), ("v128", Simd::V128), ("avx2", Simd::Avx2), ("avx512", Simd::Avx512)];

    /// The level of a name.
    pub fn parse(name: &str) -> Option<Simd> {
        Simd::ALL.iter().find(|(own, _)| *own == name).map(|(_, simd)| *simd)
    }

    /// The best level of this machine, or the best that `NUMFUSE_SIMD` leaves to block functions
    /// ([`dispatch::level`]).
    pub fn best() -> Simd {
        match dispatch::level() {
            dispatch::Level::Baseline => Simd::V128,
            dispatch::Level::Avx2 => Simd::Avx2,
            dispatch::Level::Avx512 => Simd::Avx512,
        }
    }
}
