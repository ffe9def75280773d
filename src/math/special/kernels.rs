//! The special functions as block kernels.

use super::*;
use crate::math::native::natives;

natives! {
    /// Special functions that have no vector form of their own.
    NATIVES as name:

    bessel {
        i0(x);
        i1(x);
        j0(x);
        j1(x);
        y0(x);
        y1(x);
        k0(x);
        k1(x);
    }

    gamma {
        rgamma(x);
        gammainc(a, x);
        gammaincc(a, x);
        gammaincinv(a, y);
        gammainccinv(a, y);
    }

    beta {
        beta(a, b);
        betaln(a, b);
        betainc(a, b, x);
        betaincc(a, b, x);
        betaincinv(a, b, y);
        betainccinv(a, b, y);
    }
}
