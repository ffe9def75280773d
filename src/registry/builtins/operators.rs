//! The native functions behind operators and rows with rules of their own.

use crate::math::block::{division, plain, power};
use crate::registry::function::Floats;

/// `%` of floats.
pub static FLOOR_MOD: Floats = Floats::new(&division::FLOOR_MOD);
/// `//` of floats.
pub static FLOOR_DIV: Floats = Floats::new(&division::FLOOR_DIV);
/// `fmod` of floats.
pub static FMOD: Floats = Floats::new(&division::FMOD);
/// `**` of floats.
pub static POW: Floats = Floats::new(&power::POW);
/// `**` of floats with a scalar as exponent.
pub static POW_SCALAR: Floats = Floats::new(&power::POW_SCALAR);
/// `ldexp`.
pub static LDEXP: Floats = Floats::new(&plain::LDEXP);
