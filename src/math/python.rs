//! Python's arithmetic on its own numbers, where it differs from NumPy's.

use super::complex::multiply;

/// `a / b` of integers, correctly rounded; b is not zero.
pub extern "C" fn true_divide(a: i64, b: i64) -> f64 {
    const EXACT: u64 = 1 << 53;
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
        return a as f64 / b as f64;
    }
    let sign = if (a < 0) != (b < 0) { -1.0 } else { 1.0 };
    let (a, b) = (a.unsigned_abs() as u128, b.unsigned_abs() as u128);
    if a == 0 || b == 0 {
        return sign * (a as f64 / b as f64);
    }
    // A quotient of at least 64 bits, its last bit sticky, rounds as the exact quotient does.
    let shift = 64 + b.ilog2() as i32 - a.ilog2() as i32;
    let (numerator, denominator) = if shift >= 0 { (a << shift, b) } else { (a, b << -shift) };
    let quotient = numerator / denominator;
    let sticky = u128::from(numerator % denominator != 0);
    sign * ((quotient << 1 | sticky) as f64) * 2f64.powi(-shift - 1)
}

/// How an integer compares to a float, exactly: -1, 0, 1, or 2 where the float is NaN.
pub extern "C" fn compare(a: i64, b: f64) -> i8 {
    if b.is_nan() {
        return 2;
    }
    if b >= 9_223_372_036_854_775_808.0 {
        return -1;
    }
    if b < -9_223_372_036_854_775_808.0 {
        return 1;
    }
    let whole = b.floor();
    match a.cmp(&(whole as i64)) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal if b > whole => -1,
        std::cmp::Ordering::Equal => 0,
    }
}

/// `base ** exponent` for a non-negative exponent; 0 where it exceeds int64.
pub extern "C" fn power(base: i64, exponent: i64) -> i64 {
    checked_power(base, exponent).unwrap_or(0)
}

/// Whether `base ** exponent` exceeds int64.
pub extern "C" fn power_overflows(base: i64, exponent: i64) -> bool {
    checked_power(base, exponent).is_none()
}

fn checked_power(base: i64, exponent: i64) -> Option<i64> {
    match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent & 1 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

/// Whether `a << b` exceeds int64; false for a negative b, of which others have to speak.
pub extern "C" fn shift_overflows(a: i64, b: i64) -> bool {
    a != 0 && b >= 0 && (b >= 64 || (a as i128) << b != ((a as i128) << b) as i64 as i128)
}

/// Whether `base ** exponent` of floats is Python's ZeroDivisionError.
pub extern "C" fn float_power_divides_by_zero(base: f64, exponent: f64) -> bool {
    base == 0.0 && exponent < 0.0
}

/// Whether `base ** exponent` of floats is complex.
pub extern "C" fn float_power_is_complex(base: f64, exponent: f64) -> bool {
    base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.floor() != exponent
}

/// Whether `base ** exponent` of floats is Python's OverflowError; `result` is the power.
pub extern "C" fn float_power_overflows(base: f64, exponent: f64, result: f64) -> bool {
    base.is_finite() && exponent.is_finite() && base != 0.0 && result.is_infinite()
}

/// Whether `z ** w` of complex numbers, each given by its parts, is Python's ZeroDivisionError.
pub extern "C" fn complex_power_divides_by_zero(x: f64, y: f64, u: f64, v: f64) -> bool {
    x == 0.0 && y == 0.0 && (u < 0.0 || v != 0.0)
}

/// The real part of `z ** w` of complex numbers.
pub extern "C" fn complex_power_real(x: f64, y: f64, u: f64, v: f64) -> f64 {
    complex_power([x, y], [u, v])[0]
}

/// The imaginary part of `z ** w` of complex numbers.
pub extern "C" fn complex_power_imag(x: f64, y: f64, u: f64, v: f64) -> f64 {
    complex_power([x, y], [u, v])[1]
}

/// `z ** w` of complex numbers: by products where `w` is an integer up to 100, else in polar coordinates. It is
/// Python's OverflowError where a part is infinite.
pub fn complex_power(z: [f64; 2], [u, v]: [f64; 2]) -> [f64; 2] {
    if v == 0.0 && u.floor() == u && u.abs() <= 100.0 {
        let (mut value, mut square, mut rest) = ([1.0, 0.0], z, u.abs() as u32);
        while rest != 0 {
            if rest & 1 == 1 {
                value = multiply(value, square);
            }
            rest >>= 1;
            square = multiply(square, square);
        }
        if u > 0.0 {
            return value;
        }
        let [x, y] = value;
        return if x.abs() >= y.abs() {
            let ratio = y / x;
            [1.0 / (x + y * ratio), -ratio / (x + y * ratio)]
        } else {
            let ratio = x / y;
            [ratio / (x * ratio + y), -1.0 / (x * ratio + y)]
        };
    }
    if z == [0.0, 0.0] {
        return [0.0, 0.0];
    }
    let (modulus, angle) = (z[0].hypot(z[1]), z[1].atan2(z[0]));
    let (mut size, mut phase) = (modulus.powf(u), angle * u);
    if v != 0.0 {
        size *= (-angle * v).exp();
        phase += v * modulus.ln();
    }
    [size * phase.cos(), size * phase.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_is_correctly_rounded() {
        // Python: (2**63 - 1) / 3 == 3.0744573456182584e+18; 9007199254740993 / 2 == 4503599627370496.5
        assert_eq!(true_divide(i64::MAX, 3), 3.0744573456182584e18);
        assert_eq!(true_divide(9007199254740993, 2), 4503599627370496.5);
        assert_eq!(true_divide(1, 9007199254740993), 1.1102230246251564e-16);
        assert_eq!(true_divide(-9007199254740993, 9007199254740993), -1.0);
    }

    #[test]
    fn comparison_is_exact() {
        assert_eq!(compare(9007199254740993, 9007199254740992.0), 1);
        assert_eq!(compare(i64::MAX, 9223372036854775808.0), -1);
        assert_eq!(compare(-1, -0.5), -1);
        assert_eq!(compare(0, -0.5), 1);
        assert_eq!(compare(0, f64::NAN), 2);
    }

    #[test]
    fn powers() {
        assert!(power_overflows(2, 63) && !power_overflows(-2, 63) && !power_overflows(1, i64::MAX));
        assert_eq!(power(-1, 3), -1);
        assert!(shift_overflows(1, 63) && !shift_overflows(-1, 63) && !shift_overflows(0, 1000));
    }
}
