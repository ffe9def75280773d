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
    /// A value of the loop. That of a float16 is a float32, that of a time an int64.
    Value(Value, Type, Known),
    /// A literal string: a place in [`super::lower::Lowerer::literals`], and its type, which is weak or that of bytes.
    Text(u32, Type),
    /// The real and the imaginary part of a complex number.
    Complex([Value; 2], Type),
    /// What had an error, which is reported already.
    Poison,
}

/// What is known of an operand beside its type, where a power depends on it: of a Python integer the
/// sign, since a negative exponent of integers makes a float, and whether it is two, since NumPy
/// squares where it would else convert; of an array whether it is a scalar, since NumPy takes such
/// an exponent of a half for a root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Known {
    /// An integer below zero.
    Negative,
    /// Zero.
    Zero,
    /// An integer above zero, and not two.
    Positive,
    /// Two.
    Two,
    /// An array without dimensions.
    Scalar,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl Known {
    /// What there is to know of an integer.
    pub fn of(value: i128) -> Known {
        match value.signum() {
            -1 => Known::Negative,
            0 => Known::Zero,
            _ if value == 2 => Known::Two,
            _ => Known::Positive,
        }
    }

    /// What is known of `-x`.
    pub fn negated(self) -> Known {
        match self {
            // It may be two.
            Known::Negative => Known::Unknown,
            Known::Positive | Known::Two => Known::Negative,
            other => other,
        }
    }

    /// What is known of `~x`, which is `-x - 1`.
    pub fn inverted(self) -> Known {
        match self {
            Known::Zero | Known::Positive | Known::Two => Known::Negative,
            _ => Known::Unknown,
        }
    }
}

impl Term {
    /// A value with a dtype.
    pub fn strong(value: Value, dtype: DType) -> Term {
        Term::Value(value, Type::Strong(dtype), Known::Unknown)
    }

    /// The type; of what had an error, any.
    pub fn ty(self) -> Type {
        match self {
            Term::Int(value) if value > i64::MAX as i128 => Type::WeakUInt,
            Term::Int(_) => Type::WeakInt,
            Term::Float(_) | Term::Poison => Type::WeakFloat,
            Term::Value(_, ty, _) | Term::Complex(_, ty) | Term::Text(_, ty) => ty,
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

    /// What is known beside the type.
    pub fn known(self) -> Known {
        match self {
            Term::Int(value) => Known::of(value),
            Term::Value(_, Type::WeakUInt, _) => Known::Positive,
            Term::Value(_, _, known) => known,
            _ => Known::Unknown,
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
    if terms.iter().any(|term| term.ty() == Type::WeakComplex) {
        // As complex as it is, and no more exact than what it meets.
        if highest < Some(Kind::Complex) {
            let float = dtypes.iter().filter(|dtype| dtype.is_float()).max();
            dtypes.push(if matches!(float, Some(DType::F16 | DType::F32)) { DType::C64 } else { DType::C128 });
        }
    } else if terms.iter().any(|term| term.ty() == Type::WeakFloat) {
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
    let any = |ty: Type| terms.iter().any(|term| term.ty() == ty);
    if any(Type::WeakComplex) {
        Type::WeakComplex
    } else if any(Type::WeakFloat) {
        Type::WeakFloat
    } else {
        Type::WeakInt
    }
}
