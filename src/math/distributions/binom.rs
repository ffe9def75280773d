//! The binomial distribution: successes in `n` trials with probability `p` each.
//!
//! Prepared parameters: `norm(n)` of `pmf`, `log_norm(n)` of `logpmf`.

use super::counts::{Cell, Mass, Moments, saddle_point, search, size};
use crate::math::block::lane::any_sum;
use crate::math::special::FMA;
use crate::math::special::beta;
use crate::math::special::ratio::{Pair, log_stirling_quotient, stirling_quotient, subtract, times};
use crate::math::special::tail::{Side, Tail};

/// Whether the parameters are in their domain.
fn is_valid(n: f64, p: f64) -> bool {
    (0.0..f64::INFINITY).contains(&n) && n.floor() == n && (0.0..=1.0).contains(&p)
}

/// What depends on the number of trials alone.
pub fn norm(n: f64) -> f64 {
    stirling_quotient(n)
}

/// The logarithm of [`norm`].
pub fn log_norm(n: f64) -> f64 {
    log_stirling_quotient(n)
}

/// The product of a number and `1 - p`.
fn of_failures(n: f64, p: f64) -> Pair {
    times::<FMA>(n, any_sum(1.0, -p))
}

/// The probability of `x`, but for the norm.
fn mass(x: f64, n: f64, p: f64) -> Mass {
    if !is_valid(n, p) || x.is_nan() {
        return Mass::Certain(f64::NAN);
    }
    if !((0.0..=n).contains(&x) && x.floor() == x) {
        return Mass::Certain(0.0);
    }
    if p == 0.0 || p == 1.0 {
        return Mass::Certain(if x == n * p { 1.0 } else { 0.0 });
    }
    let mean = times::<FMA>(n, (p, 0.0));
    let d = subtract(mean, (x, 0.0));
    let exponent =
        saddle_point([Cell { count: x, d, mean }, Cell { count: n - x, d: (-d.0, -d.1), mean: of_failures(n, p) }]);
    Mass::Power(1.0 / (size(x).sqrt() * size(n - x).sqrt()), exponent)
}

/// The probability of `x`.
pub fn pmf(x: f64, n: f64, p: f64, norm: f64) -> f64 {
    mass(x, n, p).value(norm)
}

/// Its logarithm.
pub fn logpmf(x: f64, n: f64, p: f64, log_norm: f64) -> f64 {
    match mass(x, n, p) {
        // The ends, where the result may be near 0.
        Mass::Power(..) if x == 0.0 => n * (-p).ln_1p(),
        Mass::Power(..) if x == n => n * p.ln(),
        mass => mass.log(log_norm),
    }
}

/// The tail at `x`.
fn tail_at(x: f64, n: f64, p: f64) -> Tail {
    let x = x.floor();
    if !is_valid(n, p) || x.is_nan() {
        Tail::NAN
    } else if x < 0.0 {
        Tail::zero(false)
    } else if x >= n {
        Tail::zero(true)
    } else {
        // The probability of more than x is I_p(x + 1, n - x).
        let (a, b) = (x + 1.0, n - x);
        beta::tail_at(p, a, b, beta::norm(a, b)).mirrored()
    }
}

fn probability(x: f64, n: f64, p: f64, side: Side) -> f64 {
    tail_at(x, n, p).probability(side)
}

fn quantile(q: f64, n: f64, p: f64, side: Side) -> f64 {
    if !is_valid(n, p) {
        return f64::NAN;
    }
    let deviation = of_failures(n * p, p).0.sqrt();
    let moments = Moments { mean: n * p, deviation, skewness: (1.0 - 2.0 * p) / deviation };
    search(q, side, (0.0, n), moments, |x| tail_at(x, n, p))
}

sides!(n, p);
