//! Element types, the casting rules and promotion as NumPy 2 defines them.

use std::fmt;

/// An element type, in NumPy's order of promotion within a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

/// The kinds between which `same_kind` casting distinguishes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// Unsigned integers.
    Unsigned,
    /// Signed integers.
    Signed,
    /// Floating-point numbers.
    Float,
}

use DType::*;

impl DType {
    /// Every element type.
    pub const ALL: [DType; 11] = [Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64];

    /// Bytes of an element.
    pub const fn size(self) -> usize {
        match self {
            Bool | I8 | U8 => 1,
            I16 | U16 => 2,
            I32 | U32 | F32 => 4,
            I64 | U64 | F64 => 8,
        }
    }

    /// Bits of an element.
    pub const fn bits(self) -> u32 {
        self.size() as u32 * 8
    }

    /// NumPy's name: `float64`.
    pub const fn name(self) -> &'static str {
        match self {
            Bool => "bool",
            I8 => "int8",
            I16 => "int16",
            I32 => "int32",
            I64 => "int64",
            U8 => "uint8",
            U16 => "uint16",
            U32 => "uint32",
            U64 => "uint64",
            F32 => "float32",
            F64 => "float64",
        }
    }

    /// The array interface's code: `f8`; `?` for bool.
    pub const fn code(self) -> &'static str {
        match self {
            Bool => "?",
            I8 => "i1",
            I16 => "i2",
            I32 => "i4",
            I64 => "i8",
            U8 => "u1",
            U16 => "u2",
            U32 => "u4",
            U64 => "u8",
            F32 => "f4",
            F64 => "f8",
        }
    }

    /// The type with NumPy's name or the array interface's code.
    pub fn parse(text: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == text || d.code() == text).or(match text {
            "bool_" | "b1" => Some(Bool),
            "float" | "double" | "d" => Some(F64),
            "single" | "f" => Some(F32),
            "int" => Some(I64),
            _ => None,
        })
    }

    /// The kind.
    pub const fn kind(self) -> Kind {
        match self {
            Bool => Kind::Bool,
            I8 | I16 | I32 | I64 => Kind::Signed,
            U8 | U16 | U32 | U64 => Kind::Unsigned,
            F32 | F64 => Kind::Float,
        }
    }

    /// Is it a floating-point type?
    pub const fn is_float(self) -> bool {
        matches!(self, F32 | F64)
    }

    /// Is it an integer type (bool is not)?
    pub const fn is_int(self) -> bool {
        !matches!(self, Bool | F32 | F64)
    }

    /// Is it a signed integer type?
    pub const fn is_signed(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64)
    }

    /// The smallest and the greatest value of an integer type (0 and 1 for bool).
    ///
    /// Floating-point types have none: they answer the range of `int64`.
    pub const fn int_range(self) -> (i128, i128) {
        match self {
            Bool => (0, 1),
            _ if self.is_signed() || self.is_float() => {
                (-(1i128 << (self.bits() - 1)), (1i128 << (self.bits() - 1)) - 1)
            }
            _ => (0, (1i128 << self.bits()) - 1),
        }
    }

    const fn int(kind: Kind, bits: u32) -> Option<DType> {
        Some(match (kind, bits) {
            (Kind::Signed, 8) => I8,
            (Kind::Signed, 16) => I16,
            (Kind::Signed, 32) => I32,
            (Kind::Signed, 64) => I64,
            (Kind::Unsigned, 8) => U8,
            (Kind::Unsigned, 16) => U16,
            (Kind::Unsigned, 32) => U32,
            (Kind::Unsigned, 64) => U64,
            _ => return None,
        })
    }

    /// The smallest type to which both can be cast safely (`numpy.promote_types`).
    pub fn promote(self, other: DType) -> DType {
        let (a, b) = if self.kind() <= other.kind() { (self, other) } else { (other, self) };
        match (a.kind(), b.kind()) {
            (Kind::Bool, _) => b,
            (x, y) if x == y => {
                if a.bits() >= b.bits() {
                    a
                } else {
                    b
                }
            }
            (Kind::Unsigned, Kind::Signed) => {
                let bits = b.bits().max(a.bits() * 2);
                DType::int(Kind::Signed, bits).unwrap_or(F64)
            }
            // An integer of 16 bits or fewer fits float32's significand.
            _ if b == F32 && a.bits() <= 16 => F32,
            _ => F64,
        }
    }

    /// May a value of this type be stored as `to` under `casting` (`numpy.can_cast`)?
    pub fn can_cast(self, to: DType, casting: Casting) -> bool {
        match casting {
            Casting::No | Casting::Equiv => self == to,
            Casting::Safe => self.promote(to) == to,
            Casting::SameKind => self.kind() <= to.kind() || self.promote(to) == to,
            Casting::Unsafe => true,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// NumPy's casting rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Casting {
    /// The same type and byte order.
    No,
    /// The same type, byte order apart.
    Equiv,
    /// Only casts that preserve values.
    Safe,
    /// Safe casts, and casts within a kind or to a higher kind.
    #[default]
    SameKind,
    /// Any cast.
    Unsafe,
}

impl Casting {
    /// NumPy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Casting::No => "no",
            Casting::Equiv => "equiv",
            Casting::Safe => "safe",
            Casting::SameKind => "same_kind",
            Casting::Unsafe => "unsafe",
        }
    }

    /// The rule with NumPy's name.
    pub fn parse(text: &str) -> Option<Casting> {
        [Casting::No, Casting::Equiv, Casting::Safe, Casting::SameKind, Casting::Unsafe]
            .into_iter()
            .find(|c| c.name() == text)
    }
}

/// The type of an operand: a dtype, or Python's own number, which adapts to what it meets (NEP 50).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// An array's or a NumPy scalar's dtype.
    Strong(DType),
    /// Python's `int`, within int64; held as `int64`.
    WeakInt,
    /// Python's `int` from 2^63 to 2^64 - 1; held as `uint64`.
    WeakUInt,
    /// Python's `float`; held as `float64`.
    WeakFloat,
}

impl Type {
    /// The dtype in which a value of this type is held.
    pub const fn dtype(self) -> DType {
        match self {
            Type::Strong(dtype) => dtype,
            Type::WeakInt => I64,
            Type::WeakUInt => U64,
            Type::WeakFloat => F64,
        }
    }

    /// Is it one of Python's own numbers?
    pub const fn is_weak(self) -> bool {
        !matches!(self, Type::Strong(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Strong(dtype) => dtype.fmt(f),
            Type::WeakInt | Type::WeakUInt => f.write_str("Python int"),
            Type::WeakFloat => f.write_str("Python float"),
        }
    }
}

/// A typed constant: the bits of an element, zero-extended.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    /// The element type.
    pub dtype: DType,
    /// The element's bits in the low bytes, the rest zero.
    pub bits: u64,
}

impl Scalar {
    /// A boolean.
    pub const fn bool(value: bool) -> Scalar {
        Scalar { dtype: Bool, bits: value as u64 }
    }

    /// A float64.
    pub const fn f64(value: f64) -> Scalar {
        Scalar { dtype: F64, bits: value.to_bits() }
    }

    /// A float32.
    pub const fn f32(value: f32) -> Scalar {
        Scalar { dtype: F32, bits: value.to_bits() as u64 }
    }

    /// An integer (or bool) of the given type, wrapped to its width.
    pub const fn int(dtype: DType, value: i128) -> Scalar {
        let mask = if dtype.size() == 8 { u64::MAX } else { (1u64 << dtype.bits()) - 1 };
        Scalar { dtype, bits: value as u64 & mask }
    }

    /// A number of the given type nearest to `value` (integers truncate).
    pub fn of(dtype: DType, value: f64) -> Scalar {
        match dtype {
            F64 => Scalar::f64(value),
            F32 => Scalar::f32(value as f32),
            _ => Scalar::int(dtype, value as i128),
        }
    }

    /// The value of an integer or bool constant; of a float, its bits.
    pub const fn as_int(self) -> i128 {
        match self.dtype {
            I8 => self.bits as u8 as i8 as i128,
            I16 => self.bits as u16 as i16 as i128,
            I32 => self.bits as u32 as i32 as i128,
            I64 => self.bits as i64 as i128,
            _ => self.bits as i128,
        }
    }

    /// The value as a float64 (rounded where it must be).
    pub fn as_f64(self) -> f64 {
        match self.dtype {
            F64 => f64::from_bits(self.bits),
            F32 => f32::from_bits(self.bits as u32) as f64,
            _ => self.as_int() as f64,
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The value alone, in a form that reads back to the same bits; NaNs as `nan:0x...`.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dtype {
            Bool => write!(f, "{}", self.bits != 0),
            F64 if f64::from_bits(self.bits).is_nan() => write!(f, "nan:{:#x}", self.bits),
            F32 if f32::from_bits(self.bits as u32).is_nan() => write!(f, "nan:{:#x}", self.bits),
            F64 => write!(f, "{:?}", f64::from_bits(self.bits)),
            F32 => write!(f, "{:?}", f32::from_bits(self.bits as u32)),
            _ => write!(f, "{}", self.as_int()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_symmetric_and_safe() {
        for a in DType::ALL {
            assert_eq!(a.promote(a), a);
            for b in DType::ALL {
                let p = a.promote(b);
                assert_eq!(p, b.promote(a));
                assert!(a.can_cast(p, Casting::Safe) || p == F64, "{a} {b} {p}");
            }
        }
        assert_eq!(U64.promote(I64), F64);
        assert_eq!(U32.promote(I8), I64);
        assert_eq!(I16.promote(F32), F32);
        assert_eq!(I32.promote(F32), F64);
    }

    #[test]
    fn same_kind_as_numpy() {
        assert!(F64.can_cast(F32, Casting::SameKind));
        assert!(!F64.can_cast(I64, Casting::SameKind));
        assert!(!I64.can_cast(U64, Casting::SameKind));
        assert!(U64.can_cast(I8, Casting::SameKind));
    }
}
