//! Functions of floats, one element a call, as NumPy defines them.

macro_rules! both {
    ($(#[doc = $doc:literal] $name:ident($($arg:ident),+) |$float:ident| $body:expr;)+) => {$(
        #[doc = $doc]
        pub mod $name {
            use super::Float;
            fn generic<$float: Float>($($arg: $float),+) -> $float { $body }
            /// Of float32.
            pub extern "C" fn single($($arg: f32),+) -> f32 { generic($($arg),+) }
            /// Of float64.
            pub extern "C" fn double($($arg: f64),+) -> f64 { generic($($arg),+) }
        }
    )+};
}

/// What the functions below need of float32 and float64.
pub trait Float:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Rem<Output = Self>
    + std::ops::Neg<Output = Self>
{
    /// From a float64 that the type holds exactly, or rounded.
    fn of(value: f64) -> Self;
    /// Rounded down.
    fn floor(self) -> Self;
    /// The magnitude with the sign of another.
    fn copysign(self, sign: Self) -> Self;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
    /// Whether it is infinite.
    fn is_infinite(self) -> bool;
    /// The neighbour above.
    fn next_up(self) -> Self;
    /// The neighbour below.
    fn next_down(self) -> Self;
}

macro_rules! float {
    ($type:ident) => {
        impl Float for $type {
            fn of(value: f64) -> Self {
                value as $type
            }
            fn floor(self) -> Self {
                self.floor()
            }
            fn copysign(self, sign: Self) -> Self {
                self.copysign(sign)
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn is_infinite(self) -> bool {
                self.is_infinite()
            }
            fn next_up(self) -> Self {
                self.next_up()
            }
            fn next_down(self) -> Self {
                self.next_down()
            }
        }
    };
}

float!(f32);
float!(f64);

both! {
    #[doc = "The remainder with the dividend's sign, exact."]
    fmod(x, y) |T| x % y;
    #[doc = "The remainder with the divisor's sign; the algorithm is CPython's float_divmod, which NumPy follows."]
    floor_mod(x, y) |T| super::div_mod(x, y).1;
    #[doc = "The quotient rounded down; the algorithm is CPython's float_divmod, which NumPy follows."]
    floor_div(x, y) |T| if y == T::of(0.0) { x / y } else { super::div_mod(x, y).0 };
    #[doc = "The neighbour of x towards y."]
    nextafter(x, y) |T| {
        if x.is_nan() || y.is_nan() { x + y }
        else if x == y { y }
        else if x < y { x.next_up() }
        else { x.next_down() }
    };
    #[doc = "The distance to the neighbour that is farther from zero, with x's sign."]
    spacing(x) |T| {
        if x.is_infinite() { T::of(f64::NAN) }
        else if x < T::of(0.0) { x.next_down() - x }
        else { x.next_up() - x }
    };
}

/// Quotient rounded down and remainder, as CPython's `float_divmod` works them out.
fn div_mod<T: Float>(x: T, y: T) -> (T, T) {
    let zero = T::of(0.0);
    let mut modulo = x % y;
    if y == zero {
        return (x / y, modulo);
    }
    let mut quotient = (x - modulo) / y;
    if modulo == zero {
        modulo = zero.copysign(y);
    } else if (y < zero) != (modulo < zero) {
        modulo = modulo + y;
        quotient = quotient - T::of(1.0);
    }
    if quotient == zero {
        return (zero.copysign(x / y), modulo);
    }
    let floor = quotient.floor();
    (if quotient - floor > T::of(0.5) { floor + T::of(1.0) } else { floor }, modulo)
}

/// `x * 2**i`, rounded once.
pub mod ldexp {
    /// Of a float32.
    pub extern "C" fn single(x: f32, i: i64) -> f32 {
        // The scaled value is exact in float64 unless it is far outside of float32's range.
        let i = i.clamp(-400, 400) as i32;
        (x as f64 * 2f64.powi(i)) as f32
    }

    /// Of a float64.
    pub extern "C" fn double(x: f64, i: i64) -> f64 {
        let mut i = i.clamp(-2200, 2200) as i32;
        if x == 0.0 || !x.is_finite() || i == 0 {
            return x;
        }
        let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32;
        if exponent == 0 {
            // A subnormal is made normal, exactly.
            return double(x * 2f64.powi(54), (i - 54) as i64);
        }
        let mantissa_and_sign = x.to_bits() & !(0x7ff << 52);
        i += exponent;
        if i >= 0x7ff {
            f64::INFINITY.copysign(x)
        } else if i > 0 {
            f64::from_bits(mantissa_and_sign | (i as u64) << 52)
        } else if i > -54 {
            // One rounding: the product of two exact factors.
            f64::from_bits(mantissa_and_sign | ((i + 54) as u64) << 52) * 2f64.powi(-54)
        } else {
            0f64.copysign(x)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_values() {
        assert_eq!(nextafter::double(0.0, -1.0), -5e-324);
        assert_eq!(spacing::single(1.0), f32::EPSILON);
        assert_eq!(floor_div::double(-7.5, 2.0), -4.0);
        assert_eq!(floor_mod::double(-7.5, 2.0), 0.5);
        assert_eq!(floor_mod::double(4.0, -2.0).to_bits(), (-0.0f64).to_bits());
        assert_eq!(ldexp::double(5e-324, 1074), 1.0);
        assert_eq!(ldexp::double(1.0, -1074), 5e-324);
        assert_eq!(ldexp::double(1.5, -1074), 1e-323);
        assert_eq!(ldexp::double(1.0, i64::MAX), f64::INFINITY);
        assert_eq!(ldexp::single(1.0, 128), f32::INFINITY);
    }
}
