//! What a reduction folds values with, and in which order.
//!
//! The order is part of the meaning, since sums of floats depend on it. The values of one result are
//! numbered as the runtime's plan visits them. They are taken in runs; in a run, a fixed number of lanes
//! takes turns, and lanes are then joined, the second half to the first, until one is left. Runs are joined
//! in pairs: neighbours first, then pairs of neighbours, and so on, as a counter in binary carries. So
//! errors grow with the logarithm of the number of values, and nothing depends on chunks, on threads or on
//! the width of vectors. [`crate::interp::fold`] says it in code.

use super::Op;
use crate::dtype::{DType, Scalar};
use smallvec::{SmallVec, smallvec};

/// An operation that joins the values of a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fold {
    /// The sum; integers wrap.
    Add,
    /// The product; integers wrap.
    Mul,
    /// The least; NaN if any is.
    Min,
    /// The greatest; NaN if any is.
    Max,
    /// The least that is no NaN, if there is one.
    FMin,
    /// The greatest that is no NaN, if there is one.
    FMax,
    /// Whether all hold.
    And,
    /// Whether any holds.
    Or,
    /// The real part of the product of complex numbers, whose parts are two values.
    MulReal,
    /// The imaginary part of the same.
    MulImag,
}

/// The runs and lanes of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Values that are taken in turns before they are joined to others.
    pub run: usize,
    /// How many take turns.
    pub lanes: usize,
}

/// Values of a run where the innermost axis of the loop is reduced.
pub const ROW_RUN: usize = 1024;
/// Values of a run where the innermost axis of the loop is kept, so that whole rows are joined.
pub const COLUMN_RUN: usize = 16;
/// Bytes of the lanes of a run: several vectors of any machine's, to hide the latency of additions.
pub const LANE_BYTES: usize = 256;

impl Tree {
    /// Of a loop whose innermost axis is reduced.
    pub const fn of_rows(fold: Fold, dtype: DType) -> Tree {
        Tree { run: ROW_RUN, lanes: LANE_BYTES / (fold.parts() * dtype.size()) }
    }

    /// Of a loop whose innermost axis is kept.
    pub const COLUMNS: Tree = Tree { run: COLUMN_RUN, lanes: 1 };
}

impl Fold {
    /// Every one.
    pub const ALL: [Fold; 10] = [
        Fold::Add,
        Fold::Mul,
        Fold::Min,
        Fold::Max,
        Fold::FMin,
        Fold::FMax,
        Fold::And,
        Fold::Or,
        Fold::MulReal,
        Fold::MulImag,
    ];

    /// The primitive that joins two; none where values have parts.
    pub const fn op(self) -> Option<Op> {
        Some(match self {
            Fold::Add => Op::Add,
            Fold::Mul => Op::Mul,
            Fold::Min => Op::Min,
            Fold::Max => Op::Max,
            Fold::FMin => Op::FMin,
            Fold::FMax => Op::FMax,
            Fold::And => Op::And,
            Fold::Or => Op::Or,
            Fold::MulReal | Fold::MulImag => return None,
        })
    }

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        match self.op() {
            Some(op) => op.name(),
            None if matches!(self, Fold::MulReal) => "mul_real",
            None => "mul_imag",
        }
    }

    /// How many parts a value has.
    pub const fn parts(self) -> usize {
        if self.op().is_some() { 1 } else { 2 }
    }

    /// Which of the parts of what is folded is the result?
    pub const fn part(self) -> usize {
        matches!(self, Fold::MulImag) as usize
    }

    /// Does it fold values of this type?
    pub const fn accepts(self, dtype: DType) -> bool {
        match self {
            Fold::Add | Fold::Mul | Fold::Min | Fold::Max => !matches!(dtype, DType::Bool),
            Fold::FMin | Fold::FMax | Fold::MulReal | Fold::MulImag => dtype.is_float(),
            Fold::And | Fold::Or => matches!(dtype, DType::Bool),
        }
    }

    /// The value with which results begin, part by part: joined to another it leaves that as it is, but that a
    /// sum of nothing but negative zeros is zero, as NumPy's, and that parts of products may become NaN with
    /// those that are infinite.
    pub fn identities(self, dtype: DType) -> SmallVec<[Scalar; 2]> {
        match self {
            Fold::MulReal | Fold::MulImag => [Fold::MulReal, Fold::MulImag].map(|part| part.identity(dtype)).into(),
            _ => smallvec![self.identity(dtype)],
        }
    }

    /// Of the value with which results begin, the part that is the result.
    pub fn identity(self, dtype: DType) -> Scalar {
        let (least, greatest) = dtype.int_range();
        match (self, dtype.is_float()) {
            (Fold::Add | Fold::Or | Fold::MulImag, _) => Scalar::int(dtype, 0),
            (Fold::Mul | Fold::MulReal, _) => Scalar::of(dtype, 1.0),
            (Fold::And, _) => Scalar::bool(true),
            (Fold::Min, true) => Scalar::of(dtype, f64::INFINITY),
            (Fold::Max, true) => Scalar::of(dtype, f64::NEG_INFINITY),
            (Fold::FMin | Fold::FMax, _) => Scalar::of(dtype, f64::NAN),
            (Fold::Min, false) => Scalar::int(dtype, greatest),
            (Fold::Max, false) => Scalar::int(dtype, least),
        }
    }
}
