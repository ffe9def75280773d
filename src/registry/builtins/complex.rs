//! What functions compute of complex numbers, by their names.

use crate::ir::Op;
use crate::math::complex as kernels;
use crate::registry::function::{Complex, OfComplex};

/// `z ** w`
pub static POWER: Complex = Complex::new(&kernels::POWER);

/// What the function of that name computes of complex numbers, if it takes any.
pub(super) fn body(name: &str) -> Option<OfComplex> {
    static EXP: Complex = Complex::new(&kernels::EXP);
    Some(match name {
        "exp" => OfComplex::Native(&EXP),
        "real" => OfComplex::Real(|_, _, z| z[0][0]),
        "imag" => OfComplex::Real(|_, _, z| z[0][1]),
        "conjugate" | "_conj" => OfComplex::Complex(|l, _, z| [z[0][0], l.op(Op::Neg, &[z[0][1]])]),
        _ => return None,
    })
}
