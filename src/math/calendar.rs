//! The proleptic Gregorian calendar, and quotients of times, one element at a time.
//!
//! The conversions are those of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin
//! with March, in eras of 400, so that a leap day is the last of its year.

const DAYS_OF_ERA: i64 = 146_097;
/// From the first of March of the year 0 to 1970.
const DAYS_TO_1970: i64 = 719_468;

/// The days from 1970 to the first of a month, which is counted from January 1970.
pub fn days_of_month(month: i64) -> i64 {
    // From March of the year 0, in eras.
    let (era, month) = (month.div_euclid(4800), month.rem_euclid(4800) + 1970 * 12 - 2);
    let (year, month) = (month / 12, month % 12);
    let day_of_year = (153 * month + 2) / 5;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_1970;
    era.wrapping_mul(DAYS_OF_ERA).wrapping_add(days)
}

/// The month, counted from January 1970, of a day, which is counted from 1970.
pub fn month_of_day(day: i64) -> i64 {
    let shifted = day.rem_euclid(DAYS_OF_ERA) + DAYS_TO_1970;
    let (era, day) = (day.div_euclid(DAYS_OF_ERA) + shifted / DAYS_OF_ERA, shifted % DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    era * 4800 + year * 12 + month + 2 - 1970 * 12
}

/// `x / y`, truncated; the least integer, which stands for no time, where `x` is that or `y` is 0.
pub fn quotient(x: i64, y: i64) -> i64 {
    match y {
        0 => i64::MIN,
        -1 => x.wrapping_neg(),
        _ if x == i64::MIN => x,
        _ => x / y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_begins_a_day_after_the_last_of_the_one_before() {
        for month in (-60_000..60_000).chain([i64::MIN / 800, i64::MAX / 800]) {
            let first = days_of_month(month);
            assert_eq!(month_of_day(first), month);
            assert_eq!(month_of_day(first - 1), month - 1);
            assert!((28..=31).contains(&(days_of_month(month + 1) - first)), "{month}");
        }
        assert_eq!((days_of_month(0), days_of_month(1), days_of_month(26)), (0, 31, 790));
        for extreme in [i64::MIN, i64::MAX] {
            let _ = (days_of_month(extreme), month_of_day(extreme));
        }
    }

    #[test]
    fn quotients_are_truncated() {
        assert_eq!([quotient(-7, 2), quotient(7, -2), quotient(7, 0)], [-3, -3, i64::MIN]);
        assert_eq!([quotient(i64::MIN, 2), quotient(i64::MIN, -1), quotient(5, -1)], [i64::MIN, i64::MIN, -5]);
    }
}
