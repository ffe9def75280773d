//! What an expression has become while a loop is built: a value, or a number of Python's own.

use crate::dtype::{DType, Type};
use crate::ir::Value;

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

/// What is known of the sign of a Python integer, on which the type of its powers depends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Below zero.
    Negative,
    /// Zero.
    Zero,
    /// Above zero.
    Positive,
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
            _ => Sign::Positive,
        }
    }

    /// The sign of `-x`.
    pub fn negated(self) -> Sign {
        match self {
            Sign::Negative => Sign::Positive,
            Sign::Positive => Sign::Negative,
            other => other,
        }
    }

    /// The sign of `x + y`.
    pub fn plus(self, other: Sign) -> Sign {
        match (self, other) {
            (Sign::Zero, s) | (s, Sign::Zero) => s,
            (a, b) if a == b => a,
            _ => Sign::Unknown,
        }
    }

    /// The sign of `x * y`.
    pub fn times(self, other: Sign) -> Sign {
        match (self, other) {
            (Sign::Zero, _) | (_, Sign::Zero) => Sign::Zero,
            (Sign::Unknown, _) | (_, Sign::Unknown) => Sign::Unknown,
            (a, b) if a == b => Sign::Positive,
            _ => Sign::Negative,
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

/// The type to which operands are promoted (NEP 50): weak ones adapt to strong ones.
pub fn promote(terms: &[Term]) -> Type {
    let mut strong: Option<DType> = None;
    let (mut weak_int, mut weak_float) = (false, false);
    for term in terms {
        match term.ty() {
            Type::Strong(dtype) => strong = Some(strong.map_or(dtype, |s| s.promote(dtype))),
            Type::WeakFloat => weak_float = true,
            Type::WeakInt | Type::WeakUInt => weak_int = true,
        }
    }
    match strong {
        Some(dtype) if weak_float && !dtype.is_float() => Type::Strong(DType::F64),
        Some(DType::Bool) if weak_int => Type::Strong(DType::I64),
        Some(dtype) => Type::Strong(dtype),
        None if weak_float => Type::WeakFloat,
        None => Type::WeakInt,
    }
}
