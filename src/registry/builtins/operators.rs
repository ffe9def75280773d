//! The native functions behind operators and rows with rules of their own.

use crate::ir::CalleeFn;
use crate::math::elementary as math;
use crate::registry::function::Floats;

macro_rules! floats {
    ($(#[doc = $doc:literal] $static:ident $name:literal $module:ident($($single:ty),+) ($($double:ty),+);)+) => {$(
        #[doc = $doc]
        pub static $static: Floats = Floats::new(
            || (math::$module::single as extern "C" fn($($single),+) -> f32).callee($name),
            || (math::$module::double as extern "C" fn($($double),+) -> f64).callee($name),
        );
    )+};
}

floats! {
    #[doc = "`%` of floats."]
    FLOOR_MOD "remainder" floor_mod(f32, f32)(f64, f64);
    #[doc = "`//` of floats."]
    FLOOR_DIV "floor_divide" floor_div(f32, f32)(f64, f64);
    #[doc = "`fmod` of floats."]
    FMOD "fmod" fmod(f32, f32)(f64, f64);
    #[doc = "`**` of floats."]
    POW "pow" pow(f32, f32)(f64, f64);
    #[doc = "`**` of floats with a scalar as exponent."]
    POW_SCALAR "pow_scalar" pow_scalar(f32, f32)(f64, f64);
    #[doc = "`ldexp`."]
    LDEXP "ldexp" ldexp(f32, i64)(f64, i64);
}
