//! Elementary functions, one element a call, with NumPy's special values.
//!
//! The kernels are `pxfm`'s, and the platform's C library's for powers: `pxfm` 0.1.30 has wrong ones
//! (`10 ** -314`, the sign of underflowing ones). What NumPy defines beyond them is here.

macro_rules! elementary {
    ($($name:ident $single:ident $double:ident;)+) => {$(
        #[doc = concat!("`", stringify!($name), "` of a float32 and of a float64.")]
        pub mod $name {
            /// Of a float32.
            pub extern "C" fn single(x: f32) -> f32 { pxfm::$single(x) }
            /// Of a float64.
            pub extern "C" fn double(x: f64) -> f64 { pxfm::$double(x) }
        }
    )+};
}

elementary! {
    cbrt f_cbrtf f_cbrt;
    exp f_expf f_exp;
    exp2 f_exp2f f_exp2;
    expm1 f_expm1f f_expm1;
    log f_logf f_log;
    log2 f_log2f f_log2;
    log10 f_log10f f_log10;
    log1p f_log1pf f_log1p;
    sin f_sinf f_sin;
    cos f_cosf f_cos;
    tan f_tanf f_tan;
    arcsin f_asinf f_asin;
    arccos f_acosf f_acos;
    arctan f_atanf f_atan;
    sinh f_sinhf f_sinh;
    cosh f_coshf f_cosh;
    tanh f_tanhf f_tanh;
    arcsinh f_asinhf f_asinh;
    arccosh f_acoshf f_acosh;
    arctanh f_atanhf f_atanh;
}

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
    /// The square root.
    fn sqrt(self) -> Self;
    /// The magnitude with the sign of another.
    fn copysign(self, sign: Self) -> Self;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
    /// Whether it is infinite.
    fn is_infinite(self) -> bool;
    /// `x` to the power `y`.
    fn pow(x: Self, y: Self) -> Self;
    /// `sqrt(x*x + y*y)` without overflow.
    fn hypot(x: Self, y: Self) -> Self;
    /// The angle of the point (x, y).
    fn atan2(y: Self, x: Self) -> Self;
    /// `e**x`.
    fn exp(self) -> Self;
    /// `2**x`.
    fn exp2(self) -> Self;
    /// `log(1 + x)`.
    fn log1p(self) -> Self;
    /// The neighbour above.
    fn next_up(self) -> Self;
    /// The neighbour below.
    fn next_down(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
}

macro_rules! float {
    ($type:ident $hypot:ident $atan2:ident $exp:ident $exp2:ident $log1p:ident) => {
        impl Float for $type {
            fn of(value: f64) -> Self {
                value as $type
            }
            fn floor(self) -> Self {
                self.floor()
            }
            fn sqrt(self) -> Self {
                self.sqrt()
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
            fn pow(x: Self, y: Self) -> Self {
                f64::powf(x as f64, y as f64) as $type
            }
            fn hypot(x: Self, y: Self) -> Self {
                pxfm::$hypot(x, y)
            }
            fn atan2(y: Self, x: Self) -> Self {
                pxfm::$atan2(y, x)
            }
            fn exp(self) -> Self {
                pxfm::$exp(self)
            }
            fn exp2(self) -> Self {
                pxfm::$exp2(self)
            }
            fn log1p(self) -> Self {
                pxfm::$log1p(self)
            }
            fn next_up(self) -> Self {
                self.next_up()
            }
            fn next_down(self) -> Self {
                self.next_down()
            }
            fn abs(self) -> Self {
                self.abs()
            }
        }
    };
}

float!(f32 f_hypotf f_atan2f f_expf f_exp2f f_log1pf);
float!(f64 f_hypot f_atan2 f_exp f_exp2 f_log1p);

/// C99's special values hold for `pow` (Annex F.10.4.4), of which a library may miss some.
fn power<T: Float>(x: T, y: T) -> T {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    if y == zero || x == one {
        return one;
    }
    if y == one || x.is_nan() {
        return x;
    }
    T::pow(x, y)
}

both! {
    #[doc = "`x ** y`."]
    pow(x, y) |T| super::power(x, y);
    #[doc = "`x ** y` where y is a scalar: a half is a square root, as NumPy takes it."]
    pow_scalar(x, y) |T| if y == T::of(0.5) { x.sqrt() } else { super::power(x, y) };
    #[doc = "`sqrt(x*x + y*y)`."]
    hypot(x, y) |T| if x.is_infinite() || y.is_infinite() { T::of(f64::INFINITY) } else { T::hypot(x, y) };
    #[doc = "The angle of the point (x, y)."]
    arctan2(y, x) |T| T::atan2(y, x);
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
    #[doc = "`log(exp(x) + exp(y))`."]
    logaddexp(x, y) |T| {
        if x == y { return x + T::of(std::f64::consts::LN_2); }
        let difference = x - y;
        if difference > T::of(0.0) { x + (-difference).exp().log1p() }
        else if difference <= T::of(0.0) { y + difference.exp().log1p() }
        else { difference }
    };
    #[doc = "`log2(2**x + 2**y)`."]
    logaddexp2(x, y) |T| {
        if x == y { return x + T::of(1.0); }
        let difference = x - y;
        let log2e = T::of(std::f64::consts::LOG2_E);
        if difference > T::of(0.0) { x + (-difference).exp2().log1p() * log2e }
        else if difference <= T::of(0.0) { y + difference.exp2().log1p() * log2e }
        else { difference }
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
        assert_eq!(pow::double(f64::NAN, 0.0), 1.0);
        assert_eq!(pow::double(1.0, f64::NAN), 1.0);
        assert_eq!(pow::double(f64::NEG_INFINITY, 0.5), f64::INFINITY);
        assert_eq!(pow::single(-0.0, -1.0), f32::NEG_INFINITY);
        assert_eq!(pow::double(10.0, -314.0), 1e-314);
        assert_eq!(pow::double(f64::MAX, -0.5), 7.458340731200207e-155);
        assert!(pow_scalar::double(f64::NEG_INFINITY, 0.5).is_nan());
        assert_eq!(hypot::double(f64::NAN, f64::INFINITY), f64::INFINITY);
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
