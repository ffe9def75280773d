//! What an expression has become while a loop is built: a value, or a number of Python's own.

use crate::dtype::{DType, Kind, Type};
use crate::ir::Value;
use crate::registry::function::{Loops, Resolved};
use smallvec::SmallVec;

/// An expression's meaning in the loop being built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Term {
    /// Python's `int`, known now. Not yet confined to 64 bits.
    Int(i128),
    /// Python's `float`, known now.
    Float(f64),
    /// A value of the loop.
    Value(Value, Type, Sign),
    /// What had an error, which is reported already.
    Poison,
}

/// What is known of a Python integer on which the type of a power depends: its sign, and whether it
/// is two, since NumPy squares where it would else convert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Below zero.
    Negative,
    /// Zero.
    Zero,
    /// Above zero, and not two.
    Positive,
    /// Two.
    Two,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl Sign {
    /// The sign of a number.
    pub fn of(value: i128) -> Sign {
        match value.signum() {
            -1 => Sign::Negative,
            0 => Sign::Zero,
            _ if value == 2 => Sign::Two,
            _ => Sign::Positive,
        }
    }

    /// The sign of `-x`.
    pub fn negated(self) -> Sign {
        match self {
            // It may be two.
            Sign::Negative => Sign::Unknown,
            Sign::Positive | Sign::Two => Sign::Negative,
            other => other,
        }
    }
}

impl Term {
    /// A value with a dtype.
    pub fn strong(value: Value, dtype: DType) -> Term {
        Term::Value(value, Type::Strong(dtype), Sign::Unknown)
    }

    /// The type; of what had an error, any.
    pub fn ty(self) -> Type {
        match self {
            Term::Int(value) if value > i64::MAX as i128 => Type::WeakUInt,
            Term::Int(_) => Type::WeakInt,
            Term::Float(_) | Term::Poison => Type::WeakFloat,
            Term::Value(_, ty, _) => ty,
        }
    }

    /// Is it a number of Python's own?
    pub fn is_weak(self) -> bool {
        self.ty().is_weak()
    }

    /// Is it an integer of Python's own?
    pub fn is_weak_int(self) -> bool {
        matches!(self.ty(), Type::WeakInt | Type::WeakUInt)
    }

    /// What is known of its sign.
    pub fn sign(self) -> Sign {
        match self {
            Term::Int(value) => Sign::of(value),
            Term::Value(_, Type::WeakInt, sign) => sign,
            Term::Value(_, Type::WeakUInt, _) => Sign::Positive,
            _ => Sign::Unknown,
        }
    }
}

/// The dtypes that take part in promotion (NEP 50): the strong operands', and those of Python's own
/// numbers that the strong ones don't take in.
pub fn promoting(terms: &[Term]) -> SmallVec<[DType; 4]> {
    let strong = terms.iter().filter_map(|term| match term.ty() {
        Type::Strong(dtype) => Some(dtype),
        _ => None,
    });
    let mut dtypes: SmallVec<[DType; 4]> = strong.collect();
    let highest = dtypes.iter().map(|dtype| dtype.kind()).max();
    if terms.iter().any(|term| term.ty() == Type::WeakFloat) {
        if highest < Some(Kind::Float) {
            dtypes.push(DType::F64);
        }
    } else if terms.iter().any(|term| term.is_weak_int()) && highest <= Some(Kind::Bool) {
        dtypes.push(DType::I64);
    }
    dtypes
}

/// The type to which operands are promoted: weak ones adapt to strong ones.
pub fn promote(terms: &[Term]) -> Type {
    if terms.iter().any(|term| !term.is_weak()) {
        return match Loops::All.resolve(&promoting(terms)) {
            Resolved::Loop(dtype) => Type::Strong(dtype),
            _ => Type::Strong(DType::F64),
        };
    }
    if terms.iter().any(|term| term.ty() == Type::WeakFloat) { Type::WeakFloat } else { Type::WeakInt }
}
