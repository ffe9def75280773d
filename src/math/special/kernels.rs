//! The special functions as block kernels.

use super::*;
use crate::math::native::natives;

natives! {
    /// Special functions that have no vector form of their own.
    NATIVES in "":

    i0(x): bessel::i0;
    i1(x): bessel::i1;
    j0(x): bessel::j0;
    j1(x): bessel::j1;
    y0(x): bessel::y0;
    y1(x): bessel::y1;
    k0(x): bessel::k0;
    k1(x): bessel::k1;
    rgamma(x): gamma::rgamma;
    gammainc(a, x): gamma::gammainc;
    gammaincc(a, x): gamma::gammaincc;
    gammaincinv(a, y): gamma::gammaincinv;
    gammainccinv(a, y): gamma::gammainccinv;
    beta(a, b): beta::beta;
    betaln(a, b): beta::betaln;
    betainc(a, b, x): beta::betainc;
    betaincc(a, b, x): beta::betaincc;
    betaincinv(a, b, y): beta::betaincinv;
    betainccinv(a, b, y): beta::betainccinv;
}
