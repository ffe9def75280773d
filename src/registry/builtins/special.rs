//! Special functions, under SciPy's names.

use super::rows;
use crate::math::block::dispatch::Kernels;
use crate::math::block::gamma::{DIGAMMA, GAMMA as GAMMA_FUNCTION, LGAMMA, TRIGAMMA};
use crate::math::block::logistic::{LOG1MEXP, LOGIT};
use crate::math::block::normal::{ERFCINV, ERFCX};
use crate::math::special::kernels::NATIVES;
use crate::registry::expression::Expression;
use crate::registry::function::{Body, Floats, Loops};

/// A function that kernels compute in float32 or float64; small integers are computed in float32, as
/// SciPy does.
const fn floats(kernels: &'static Kernels) -> Body {
    Body::Native(Loops::FloatOrHalf, Floats::new(kernels))
}

/// The native of that name.
fn native(name: &str) -> Body {
    let native = NATIVES.iter().find(|native| native.name == name);
    floats(&native.unwrap_or_else(|| panic!("there is no {name}")).kernels)
}

const GAMMA: &str = "SciPy's `special` of the same name; DLMF chapters 5 and 8";
const BETA: &str = "SciPy's `special` of the same name; DLMF 8.17";
const BESSEL: &str = "SciPy's `special` of the same name; DLMF chapter 10";
const ERF: &str = "SciPy's `special` of the same name; DLMF chapter 7";

rows! {
    erfcx(x): "`exp(x**2) * erfc(x)`, the scaled complementary error function.", 1.0, ERF, floats(&ERFCX);
    erfcinv(x): "The inverse of `erfc`.", 4.0, ERF, floats(&ERFCINV);
    logit(x): "`log(x / (1 - x))`.", 1.0, "SciPy's `special.logit`", floats(&LOGIT);
    log1mexp(x): "`log(1 - exp(x))` for x below 0, accurate everywhere.", 2.0, "Mächler 2012, Accurately computing log(1 - exp(-|a|))", floats(&LOG1MEXP);
    xlogy(x, y): "`x * log(y)`; 0 where x is 0 and y is a number.", 2.0, "SciPy's `special.xlogy`",
        Body::Expand(Loops::FloatOrHalf, Expression::builtin("0 if x == 0 and y == y else x * log(y)"));
    xlog1py(x, y): "`x * log1p(y)`; 0 where x is 0 and y is a number.", 2.0, "SciPy's `special.xlog1py`",
        Body::Expand(Loops::FloatOrHalf, Expression::builtin("0 if x == 0 and y == y else x * log1p(y)"));
    sinc(x): "`sin(pi*x) / (pi*x)`; 1 at 0.", 4.0, "NumPy's function of the same name",
        Body::Expand(Loops::Float, Expression::builtin("1 if x == 0 else sinpi(x) / (pi * x)"));
    i0(x): "The modified Bessel function of the first kind of order 0.", 1.0, BESSEL, native("i0");
    i1(x): "The modified Bessel function of the first kind of order 1.", 1.0, BESSEL, native("i1");
    j0(x): "The Bessel function of the first kind of order 0.", 1.0, BESSEL, native("j0");
    j1(x): "The Bessel function of the first kind of order 1.", 1.0, BESSEL, native("j1");
    y0(x): "The Bessel function of the second kind of order 0.", 1.0, BESSEL, native("y0");
    y1(x): "The Bessel function of the second kind of order 1.", 1.0, BESSEL, native("y1");
    k0(x): "The modified Bessel function of the second kind of order 0.", 1.0, BESSEL, native("k0");
    k1(x): "The modified Bessel function of the second kind of order 1.", 1.0, BESSEL, native("k1");
    gamma tgamma(x): "The gamma function.", 1.0, GAMMA, floats(&GAMMA_FUNCTION);
    lgamma gammaln(x): "The logarithm of the gamma function's magnitude.", 1.0, GAMMA, floats(&LGAMMA);
    rgamma(x): "The reciprocal of the gamma function.", 2.0, GAMMA, native("rgamma");
    digamma psi(x): "The derivative of the logarithm of the gamma function.", 1.0, GAMMA, floats(&DIGAMMA);
    trigamma(x): "The derivative of digamma.", 1.25, GAMMA, floats(&TRIGAMMA);
    gammainc(a, x): "The regularised lower incomplete gamma function P(a, x).", 64.0, GAMMA, native("gammainc");
    gammaincc(a, x): "The regularised upper incomplete gamma function Q(a, x).", 64.0, GAMMA, native("gammaincc");
    gammaincinv(a, y): "The x with `gammainc(a, x) == y`.", 64.0, GAMMA, native("gammaincinv");
    gammainccinv(a, y): "The x with `gammaincc(a, x) == y`.", 64.0, GAMMA, native("gammainccinv");
    beta(a, b): "The beta function.", 16.0, BETA, native("beta");
    betaln(a, b): "The logarithm of the beta function's magnitude.", 16.0, BETA, native("betaln");
    betainc(a, b, x): "The regularised incomplete beta function.", 64.0, BETA, native("betainc");
    betaincc(a, b, x): "`1 - betainc(a, b, x)`, accurate where that is small.", 64.0, BETA, native("betaincc");
    betaincinv(a, b, y): "The x with `betainc(a, b, x) == y`.", 64.0, BETA, native("betaincinv");
    betainccinv(a, b, y): "The x with `betaincc(a, b, x) == y`.", 64.0, BETA, native("betainccinv");
}
