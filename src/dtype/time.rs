//! Units of times: which two have in common, what may be cast to what, and by which factor.

use super::{Casting, DType, TimeBase, Unit};

/// Why times of two units can't be joined, or cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// One is years or months, whose lengths in days differ.
    Nonlinear,
    /// One is more than 2^56 times the other, which is where NumPy gives up.
    Overflow,
}

/// How many days 400 years have.
const DAYS_OF_400_YEARS: u64 = 97 + 400 * 365;

impl TimeBase {
    /// Of how many of the next shorter unit it consists; 1 where that is no matter of a factor, or NumPy has none.
    const fn step(self) -> u64 {
        match self {
            TimeBase::Year | TimeBase::Month | TimeBase::Attosecond | TimeBase::Generic => 1,
            TimeBase::Week => 7,
            TimeBase::Day => 24,
            TimeBase::Hour | TimeBase::Minute => 60,
            _ => 1000,
        }
    }

    /// How many of a shorter unit, or of this, one has; only of weeks and shorter ones does it mean something.
    fn in_units(self, short: TimeBase) -> Result<u64, UnitError> {
        let mut between = TimeBase::ALL.iter().filter(|base| (self..short).contains(*base));
        let longer = |factor: u64, base: &TimeBase| factor.checked_mul(base.step()).filter(|factor| *factor < 1 << 56);
        between.try_fold(1, longer).ok_or(UnitError::Overflow)
    }

    /// Is it counted by the calendar, in years or months?
    pub const fn is_of_calendar(self) -> bool {
        matches!(self, TimeBase::Year | TimeBase::Month)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Unit {
    /// No unit of its own.
    pub const GENERIC: Unit = Unit { base: TimeBase::Generic, count: 1 };

    /// Is it the one that takes that of what it meets?
    pub fn is_generic(self) -> bool {
        self.base == TimeBase::Generic
    }

    /// The longest unit that divides both, as far as NumPy looks for it: of points in time counted by the
    /// calendar and others, one of the others.
    ///
    /// # Errors
    /// Where there is none: of spans, years and months have nothing in common with days.
    pub fn common(self, other: Unit, of_spans: bool) -> Result<Unit, UnitError> {
        let (long, short) = if self.base <= other.base { (self, other) } else { (other, self) };
        if short.is_generic() {
            return Ok(long);
        }
        let factor = match (long.base, short.base) {
            (a, b) if a == b => 1,
            (TimeBase::Year, TimeBase::Month) => 12,
            (base, _) if base.is_of_calendar() && of_spans => return Err(UnitError::Nonlinear),
            // NumPy passes over the steps from years to weeks as if they were none.
            (a, b) => a.in_units(b)?,
        };
        let count = gcd(u64::from(long.count).wrapping_mul(factor), short.count.into());
        Ok(Unit { base: short.base, count: count as u32 })
    }

    /// By which quotient numbers of this unit become ones of another; a year has 365.2425 days.
    ///
    /// # Errors
    /// Where it is too large.
    pub fn factor_to(self, to: Unit) -> Result<(i64, i64), UnitError> {
        if self.is_generic() || to.is_generic() {
            return Ok((1, 1));
        }
        let (long, short) = if self.base <= to.base { (self.base, to.base) } else { (to.base, self.base) };
        let (factor, divisor) = match (long, short) {
            (a, b) if a == b => (1, 1),
            (TimeBase::Year, TimeBase::Month) => (12, 1),
            (TimeBase::Year, TimeBase::Week) => (DAYS_OF_400_YEARS, 400 * 7),
            (TimeBase::Month, TimeBase::Week) => (DAYS_OF_400_YEARS, 400 * 12 * 7),
            (TimeBase::Year, _) => (DAYS_OF_400_YEARS.wrapping_mul(TimeBase::Day.in_units(short)?), 400),
            (TimeBase::Month, _) => (DAYS_OF_400_YEARS.wrapping_mul(TimeBase::Day.in_units(short)?), 400 * 12),
            _ => (long.in_units(short)?, 1),
        };
        let (factor, divisor) = if self.base <= to.base { (factor, divisor) } else { (divisor, factor) };
        let (factor, divisor) = (factor.wrapping_mul(u64::from(self.count)), divisor.wrapping_mul(u64::from(to.count)));
        let common = gcd(factor, divisor).max(1);
        Ok(((factor / common) as i64, (divisor / common) as i64))
    }

    /// Is every number of this unit a whole number of another?
    fn is_multiple_of(self, other: Unit) -> bool {
        if self.is_generic() {
            return true;
        }
        let factor = match (self.base, other.base) {
            (a, b) if a == b => 1,
            (TimeBase::Year, TimeBase::Month) => 12,
            // As exact as the calendar is.
            (base, other) if base.is_of_calendar() && !other.is_of_calendar() => return true,
            (a, b) if a < b => match a.in_units(b) {
                Ok(factor) => factor,
                Err(_) => return false,
            },
            _ => return false,
        };
        u64::from(self.count).wrapping_mul(factor).is_multiple_of(other.count.into())
    }

    /// May times of this unit be stored in another? Of points and of spans the rules differ where the
    /// calendar is concerned.
    fn can_cast(self, to: Unit, casting: Casting, of_spans: bool) -> bool {
        // NumPy says that an unsafe cast may do this, and refuses when it comes to it.
        if to.is_generic() {
            return self.is_generic();
        }
        let crosses = of_spans && !self.is_generic() && self.base.is_of_calendar() != to.base.is_of_calendar();
        match casting {
            Casting::No | Casting::Equiv => self == to,
            Casting::Safe => self.is_generic() || !crosses && self.base <= to.base && self.is_multiple_of(to),
            Casting::SameKind => !crosses,
            Casting::Unsafe => true,
        }
    }
}

impl DType {
    /// Is it a type of points in time or of spans of time?
    pub const fn is_time(self) -> bool {
        self.unit().is_some()
    }

    /// The unit of a type of times.
    pub const fn unit(self) -> Option<Unit> {
        match self {
            DType::DateTime(unit) | DType::TimeDelta(unit) => Some(unit),
            _ => None,
        }
    }

    /// The type of times with a code or a name: `M8[ns]`, `timedelta64[25s]`.
    pub fn parse_time(text: &str) -> Option<DType> {
        let (name, unit) = match text.split_once('[') {
            Some((name, unit)) => (name, unit.strip_suffix(']')?),
            None => (text, TimeBase::Generic.code()),
        };
        let (count, base) = unit.split_at(unit.find(|c: char| !c.is_ascii_digit())?);
        let base = *TimeBase::ALL.iter().find(|known| known.code() == base)?;
        let count = if count.is_empty() { 1 } else { count.parse().ok().filter(|count| *count > 0)? };
        match name {
            "M8" | "datetime64" => Some(DType::DateTime(Unit { base, count })),
            "m8" | "timedelta64" => Some(DType::TimeDelta(Unit { base, count })),
            _ => None,
        }
    }

    /// Are numbers of the type taken for spans of time, of the unit that they meet?
    pub(crate) const fn is_time_like(self) -> bool {
        matches!(self, DType::TimeDelta(_) | DType::Bool) || self.is_int() && !matches!(self, DType::U64)
    }

    /// [`DType::promote`] where one of the types is one of times; none where they have nothing in common.
    ///
    /// # Errors
    /// Where their units can't be joined.
    pub fn promote_times(self, other: DType) -> Result<Option<DType>, UnitError> {
        use DType::{DateTime, TimeDelta};
        Ok(Some(match (self, other) {
            (TimeDelta(a), TimeDelta(b)) => TimeDelta(a.common(b, true)?),
            (DateTime(a), DateTime(b) | TimeDelta(b)) | (TimeDelta(a), DateTime(b)) => DateTime(a.common(b, false)?),
            (TimeDelta(_), number) if number.is_time_like() => self,
            (number, TimeDelta(_)) if number.is_time_like() => other,
            _ => return Ok(None),
        }))
    }

    /// [`DType::can_cast`] where one of the types, which differ, is one of times.
    pub(super) fn can_cast_times(self, to: DType, casting: Casting) -> bool {
        use DType::{DateTime, TimeDelta};
        match (self, to) {
            (DateTime(a), DateTime(b)) => a.can_cast(b, casting, false),
            (TimeDelta(a), TimeDelta(b)) => a.can_cast(b, casting, true),
            (number, TimeDelta(_)) if number == DType::Bool || number.is_int() => match casting {
                Casting::No | Casting::Equiv => false,
                Casting::Safe => number.is_time_like(),
                Casting::SameKind | Casting::Unsafe => true,
            },
            (DType::Bytes(_) | DType::Str(_), _) | (_, DType::Bytes(_) | DType::Str(_)) => false,
            _ => casting == Casting::Unsafe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(count: u32, code: &str) -> Unit {
        Unit { base: *TimeBase::ALL.iter().find(|base| base.code() == code).unwrap(), count }
    }

    #[test]
    fn units_in_common() {
        for ((a, b), of_spans, common) in [
            ((unit(7, "D"), unit(2, "D")), true, Ok(unit(1, "D"))),
            ((unit(1, "ms"), unit(1, "s")), true, Ok(unit(1, "ms"))),
            ((unit(6, "D"), unit(4, "h")), true, Ok(unit(4, "h"))),
            ((unit(1, "generic"), unit(25, "s")), true, Ok(unit(25, "s"))),
            ((unit(2, "Y"), unit(3, "M")), true, Ok(unit(3, "M"))),
            ((unit(2, "Y"), unit(3, "D")), true, Err(UnitError::Nonlinear)),
            ((unit(2, "Y"), unit(3, "D")), false, Ok(unit(1, "D"))),
            ((unit(2, "Y"), unit(14, "D")), false, Ok(unit(14, "D"))),
            ((unit(1, "s"), unit(1, "as")), true, Err(UnitError::Overflow)),
        ] {
            assert_eq!(a.common(b, of_spans), common, "{a} {b}");
            assert_eq!(b.common(a, of_spans), common, "{b} {a}");
        }
    }

    #[test]
    fn codes_and_names_are_read_back() {
        for unit in [unit(1, "D"), unit(25, "s"), Unit::GENERIC] {
            for dtype in [DType::DateTime(unit), DType::TimeDelta(unit)] {
                assert_eq!(DType::parse_time(&dtype.code()), Some(dtype));
                assert_eq!(DType::parse_time(&dtype.to_string()), Some(dtype));
            }
        }
        for text in ["", "M8[", "M8[]", "M8[0s]", "M8[x]", "m8[99999999999s]", "f8[s]", "M8[s"] {
            assert_eq!(DType::parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn factors() {
        assert_eq!(unit(7, "D").factor_to(unit(2, "D")), Ok((7, 2)));
        assert_eq!(unit(1, "s").factor_to(unit(1, "m")), Ok((1, 60)));
        assert_eq!(unit(2, "W").factor_to(unit(1, "h")), Ok((336, 1)));
        assert_eq!(unit(1, "Y").factor_to(unit(1, "D")), Ok((146_097, 400)));
        assert_eq!(unit(1, "Y").factor_to(unit(1, "as")), Err(UnitError::Overflow));
    }
}
