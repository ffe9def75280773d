//! Element types, the casting rules and promotion as NumPy 2 defines them.

mod time;

use std::fmt;
pub use time::UnitError;

/// An element type, in NumPy's order of promotion within a kind.
///
/// Those of one number that a machine computes with are *lanes* ([`DType::LANES`]). The Ir's values are
/// lanes; elements of the others consist of such ([`DType::parts`]), or stand for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// IEEE 754 binary16. In memory it is a 16-bit pattern; it is computed with as a float32.
    F16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Two float32, the real and the imaginary part.
    C64,
    /// Two float64, the real and the imaginary part.
    C128,
    /// A point in time: int64 units since 1970, of which the least is no time.
    DateTime(Unit),
    /// A span of time: int64 units, of which the least is no time.
    TimeDelta(Unit),
    /// So many bytes, padded with zeros.
    Bytes(u32),
    /// So many code points of 32 bits, padded with zeros.
    Str(u32),
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
    /// Complex numbers.
    Complex,
    /// Strings.
    Text,
    /// Spans of time.
    TimeDelta,
    /// Points in time.
    DateTime,
}

use DType::*;

impl DType {
    /// What a value of the Ir may be.
    pub const LANES: [DType; 11] = [Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64];

    /// The types of numbers, bool included.
    pub const NUMBERS: [DType; 14] = [Bool, I8, I16, I32, I64, U8, U16, U32, U64, F16, F32, F64, C64, C128];

    /// The place among [`DType::NUMBERS`].
    pub const fn number(self) -> Option<usize> {
        Some(match self {
            Bool => 0,
            I8 => 1,
            I16 => 2,
            I32 => 3,
            I64 => 4,
            U8 => 5,
            U16 => 6,
            U32 => 7,
            U64 => 8,
            F16 => 9,
            F32 => 10,
            F64 => 11,
            C64 => 12,
            C128 => 13,
            DateTime(_) | TimeDelta(_) | Bytes(_) | Str(_) => return None,
        })
    }

    /// May a value of the Ir have this type?
    pub const fn is_lane(self) -> bool {
        !matches!(self, F16 | C64 | C128 | DateTime(_) | TimeDelta(_) | Bytes(_) | Str(_))
    }

    /// The type of the values that the Ir has for an element: one, or for a complex number each of two.
    ///
    /// A string has none; it answers with that of a byte or of a code point.
    pub const fn lane(self) -> DType {
        match self {
            F16 | C64 => F32,
            C128 => F64,
            DateTime(_) | TimeDelta(_) => I64,
            Bytes(_) => U8,
            Str(_) => U32,
            lane => lane,
        }
    }

    /// Bytes of an element.
    pub const fn size(self) -> usize {
        match self {
            Bool | I8 | U8 => 1,
            I16 | U16 | F16 => 2,
            I32 | U32 | F32 => 4,
            I64 | U64 | F64 | C64 | DateTime(_) | TimeDelta(_) => 8,
            C128 => 16,
            Bytes(length) => length as usize,
            Str(length) => length as usize * 4,
        }
    }

    /// To how many bytes elements are aligned that native functions are given: none for strings.
    pub const fn alignment(self) -> usize {
        match self {
            Bytes(_) | Str(_) => 1,
            C64 => 4,
            C128 => 8,
            dtype => dtype.size(),
        }
    }

    /// Bits of an element.
    pub const fn bits(self) -> u32 {
        self.size() as u32 * 8
    }

    /// NumPy's name: `float64`; without the unit of times, and without the length of strings.
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
            F16 => "float16",
            F32 => "float32",
            F64 => "float64",
            C64 => "complex64",
            C128 => "complex128",
            DateTime(_) => "datetime64",
            TimeDelta(_) => "timedelta64",
            Bytes(_) => "bytes",
            Str(_) => "str",
        }
    }

    /// The array interface's code: `f8`, `M8[ns]`, `S8`; `?` for bool.
    pub fn code(self) -> String {
        match self {
            Bool => "?".into(),
            I8 => "i1".into(),
            I16 => "i2".into(),
            I32 => "i4".into(),
            I64 => "i8".into(),
            U8 => "u1".into(),
            U16 => "u2".into(),
            U32 => "u4".into(),
            U64 => "u8".into(),
            F16 => "f2".into(),
            F32 => "f4".into(),
            F64 => "f8".into(),
            C64 => "c8".into(),
            C128 => "c16".into(),
            DateTime(unit) => format!("M8{unit}"),
            TimeDelta(unit) => format!("m8{unit}"),
            Bytes(length) => format!("S{length}"),
            Str(length) => format!("U{length}"),
        }
    }

    /// The type with NumPy's name or the array interface's code.
    pub fn parse(text: &str) -> Option<DType> {
        DType::NUMBERS.into_iter().find(|d| d.name() == text || d.code() == text).or(match text {
            "bool_" | "b1" => Some(Bool),
            "float" | "double" | "d" => Some(F64),
            "single" | "f" => Some(F32),
            "half" | "e" => Some(F16),
            "complex" | "cdouble" | "D" => Some(C128),
            "csingle" | "F" => Some(C64),
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
            F16 | F32 | F64 => Kind::Float,
            C64 | C128 => Kind::Complex,
            DateTime(_) => Kind::DateTime,
            TimeDelta(_) => Kind::TimeDelta,
            Bytes(_) | Str(_) => Kind::Text,
        }
    }

    /// Is it a floating-point type?
    pub const fn is_float(self) -> bool {
        matches!(self, F16 | F32 | F64)
    }

    /// Is it a type of complex numbers?
    pub const fn is_complex(self) -> bool {
        matches!(self, C64 | C128)
    }

    /// Is it a type of numbers, bool included?
    pub const fn is_number(self) -> bool {
        !matches!(self, DateTime(_) | TimeDelta(_) | Bytes(_) | Str(_))
    }

    /// Is it an integer type (bool is not)?
    pub const fn is_int(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
    }

    /// Is it a signed integer type?
    pub const fn is_signed(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64)
    }

    /// The smallest and the greatest value of an integer type (0 and 1 for bool).
    ///
    /// Others have none: they answer the range of `int64`.
    pub const fn int_range(self) -> (i128, i128) {
        match self {
            Bool => (0, 1),
            _ if self.is_signed() => (-(1i128 << (self.bits() - 1)), (1i128 << (self.bits() - 1)) - 1),
            _ if self.is_int() => (0, (1i128 << self.bits()) - 1),
            _ => (i64::MIN as i128, i64::MAX as i128),
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
        if !self.is_number() || !other.is_number() {
            return if self == other { self } else { F64 };
        }
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
            // An integer of 8 bits fits float16's significand, one of 16 bits float32's.
            (Kind::Unsigned | Kind::Signed, Kind::Float) if a.bits() <= 8 || b == F64 => b,
            (Kind::Unsigned | Kind::Signed, Kind::Float) if a.bits() <= 16 => F32,
            (Kind::Unsigned | Kind::Signed, Kind::Complex) if a.bits() <= 16 => b,
            (Kind::Float, Kind::Complex) if a != F64 => b,
            (_, Kind::Complex) => C128,
            _ => F64,
        }
    }

    /// May a value of this type be stored as `to` under `casting` (`numpy.can_cast`)?
    pub fn can_cast(self, to: DType, casting: Casting) -> bool {
        match casting {
            _ if self == to => true,
            // Strings are cast to strings of their kind alone.
            _ if self.kind() == Kind::Text || to.kind() == Kind::Text => match (self, to) {
                (Bytes(own), Bytes(length)) | (Str(own), Str(length)) => match casting {
                    Casting::No | Casting::Equiv => false,
                    Casting::Safe => own <= length,
                    Casting::SameKind | Casting::Unsafe => true,
                },
                _ => false,
            },
            _ if self.is_time() || to.is_time() => self.can_cast_times(to, casting),
            Casting::No | Casting::Equiv => false,
            Casting::Safe => self.promote(to) == to,
            Casting::SameKind => self.kind() <= to.kind() || self.promote(to) == to,
            Casting::Unsafe => true,
        }
    }
}

/// As NumPy writes it: `float64`, `datetime64[ns]`, `S8`.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DateTime(unit) | TimeDelta(unit) => write!(f, "{}{unit}", self.name()),
            Bytes(_) | Str(_) => f.write_str(&self.code()),
            _ => f.write_str(self.name()),
        }
    }
}

/// The unit of times: so many of a base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit {
    /// What is counted.
    pub base: TimeBase,
    /// How many of these are one unit; at least 1.
    pub count: u32,
}

macro_rules! time_bases {
    ($($(#[doc = $doc:literal])+ $base:ident $code:literal $number:literal,)+) => {
        /// A base unit of times, from long to short.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum TimeBase { $($(#[doc = $doc])+ $base,)+ }

        impl TimeBase {
            /// Every base unit.
            pub const ALL: &'static [TimeBase] = &[$(TimeBase::$base,)+];

            /// NumPy's code.
            pub const fn code(self) -> &'static str {
                match self { $(TimeBase::$base => $code,)+ }
            }

            /// The number that NumPy's C interface has for it (`NPY_DATETIMEUNIT`).
            pub const fn number(self) -> u32 {
                match self { $(TimeBase::$base => $number,)+ }
            }
        }
    };
}

time_bases! {
    /// 12 months.
    Year "Y" 0,
    /// A month of the calendar.
    Month "M" 1,
    /// 7 days.
    Week "W" 2,
    /// 24 hours.
    Day "D" 4,
    /// 60 minutes.
    Hour "h" 5,
    /// 60 seconds.
    Minute "m" 6,
    /// A second.
    Second "s" 7,
    /// 10^-3 seconds.
    Millisecond "ms" 8,
    /// 10^-6 seconds.
    Microsecond "us" 9,
    /// 10^-9 seconds.
    Nanosecond "ns" 10,
    /// 10^-12 seconds.
    Picosecond "ps" 11,
    /// 10^-15 seconds.
    Femtosecond "fs" 12,
    /// 10^-18 seconds.
    Attosecond "as" 13,
    /// None: it takes that of what it meets.
    Generic "generic" 14,
}

/// In brackets: `[ns]`, `[25s]`; nothing for the generic unit.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit { base: TimeBase::Generic, .. } => Ok(()),
            Unit { base, count: 1 } => write!(f, "[{}]", base.code()),
            Unit { base, count } => write!(f, "[{count}{}]", base.code()),
        }
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
    /// Python's `complex`; held as two `float64`.
    WeakComplex,
    /// A string in the program's text, which is of bytes or of code points as what it meets.
    WeakStr,
}

impl Type {
    /// The dtype of a value of this type; of Python's own numbers, that in which they are held.
    pub const fn dtype(self) -> DType {
        match self {
            Type::Strong(dtype) => dtype,
            Type::WeakInt => I64,
            Type::WeakUInt => U64,
            Type::WeakFloat => F64,
            Type::WeakComplex => C128,
            Type::WeakStr => Str(0),
        }
    }

    /// The dtype's code; Python's name for its own numbers.
    pub fn code(self) -> String {
        match self {
            Type::Strong(dtype) => dtype.code(),
            Type::WeakInt | Type::WeakUInt => "int".into(),
            Type::WeakFloat => "float".into(),
            Type::WeakComplex => "complex".into(),
            Type::WeakStr => "str".into(),
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
            Type::WeakComplex => f.write_str("Python complex"),
            Type::WeakStr => f.write_str("a literal string"),
        }
    }
}

/// A typed constant of a lane: the bits of an element, zero-extended.
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
    fn every_number_knows_its_place() {
        for (place, dtype) in DType::NUMBERS.into_iter().enumerate() {
            assert_eq!(dtype.number(), Some(place));
            assert_eq!(DType::parse(&dtype.code()), Some(dtype));
        }
    }

    #[test]
    fn promotion_is_symmetric_and_safe() {
        for a in DType::NUMBERS {
            assert_eq!(a.promote(a), a);
            for b in DType::NUMBERS {
                let p = a.promote(b);
                assert_eq!(p, b.promote(a));
                assert!(a.can_cast(p, Casting::Safe) || p == F64, "{a} {b} {p}");
            }
        }
        assert_eq!(U64.promote(I64), F64);
        assert_eq!(U32.promote(I8), I64);
        assert_eq!(I16.promote(F32), F32);
        assert_eq!(I32.promote(F32), F64);
        assert_eq!(U8.promote(F16), F16);
        assert_eq!(I16.promote(F16), F32);
        assert_eq!(I32.promote(F16), F64);
        assert_eq!(I16.promote(C64), C64);
        assert_eq!(I32.promote(C64), C128);
        assert_eq!(F64.promote(C64), C128);
    }

    #[test]
    fn same_kind_as_numpy() {
        assert!(F64.can_cast(F32, Casting::SameKind));
        assert!(!F64.can_cast(I64, Casting::SameKind));
        assert!(!I64.can_cast(U64, Casting::SameKind));
        assert!(U64.can_cast(I8, Casting::SameKind));
    }
}
