//! Student's t distribution with `df` degrees of freedom; infinitely many are a normal distribution's.
//!
//! Prepared parameters: `norm(df)` of `pdf`, `log_norm(df)` of `logpdf`, and `beta_norm(df)` of all
//! others: tails and quantiles are those of the beta distribution of `df / (df + x²)`.

use crate::math::block::lane::{Lane, any_sum, product};
use crate::math::block::log::split;
use crate::math::block::pair::minus_product;
use crate::math::special::FMA;
use crate::math::special::incomplete_beta::{self, Point, end_tail, solve, tail};
use crate::math::special::ratio::{Pair, exp_pair, log_parts, multiply, stirling_quotient};
use crate::math::special::saddle_point::{log1pmx, stirling_error};
use crate::math::special::tail::{Side, Tail, Target};
use std::f64::consts::{LN_2, PI};

/// From here on the distribution is the normal one to all digits of a float64.
const NORMAL: f64 = 1e150;

/// Degrees of freedom that can be calculated with.
#[inline(always)]
fn usual(df: f64) -> f64 {
    let df = if df > NORMAL { NORMAL } else { df };
    if df > 2.0 * incomplete_beta::LEAST_SHAPE { df } else { 2.0 * incomplete_beta::LEAST_SHAPE }
}

/// The density at 0, `Γ((df + 1) / 2) / (sqrt(π df) Γ(df / 2))`.
pub fn norm(df: f64) -> f64 {
    if df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    let a = 0.5 * usual(df);
    let next = a + 0.5;
    // Stirling's formula for both, whose large terms make up the logarithm.
    let skew = a * log1pmx(0.5 / a);
    if a >= 1.0 {
        (stirling_error(next) - stirling_error(a) + skew).exp() / (2.0 * PI).sqrt()
    } else {
        let quotient = stirling_quotient(next) / stirling_quotient(a);
        quotient * (a / next / (2.0 * PI)).sqrt() * skew.exp()
    }
}

/// The logarithm of [`norm`].
pub fn log_norm(df: f64) -> f64 {
    norm(df).ln()
}

/// What tails and quantiles take: the norm of the beta distribution.
pub fn beta_norm(df: f64) -> f64 {
    if df > 0.0 { incomplete_beta::norm(0.5 * usual(df), 0.5) } else { f64::NAN }
}

/// `-(df + 1) / 2 log(1 + x²/df)`.
#[inline(always)]
fn exponent<const FMA: bool>(x: f64, df: f64) -> Pair {
    // Where x²/df is so large that it may overflow, one plus it is not needed.
    let ((k_x, x_part), (k_df, df_part)) = (split(x.abs()), split(df));
    let large = (k_x + k_x) - k_df;
    let is_large = large > 200.0;
    let (x, divisor) = if is_large { (x_part, df_part) } else { (x, df) };
    let (square, error) = product::<f64, FMA>(x, x);
    let quotient = square / divisor;
    let rest = (minus_product::<FMA>(square, quotient, divisor) + error) / divisor;
    let (near, near_rest) = any_sum(1.0, quotient);
    let (w, rest) = if is_large { (quotient, rest) } else { (near, near_rest + rest) };
    let (k, m) = split(w);
    let scale = f64::pow2(-k);
    let (f, rest) = any_sum(m - 1.0, rest * scale);
    let k = if is_large { k + large } else { k };
    let log = log_parts::<FMA>(k, f, rest).pair();
    let count = any_sum(df, 1.0);
    multiply::<FMA>((-0.5 * count.0, -0.5 * count.1), log)
}

/// One lane of [`pdf`].
#[inline(always)]
pub(in crate::math) fn pdf_lane<const FMA: bool>(x: f64, df: f64, norm: f64) -> f64 {
    let value = exp_pair::<FMA>(exponent::<FMA>(x, usual(df)), norm);
    let value = if x.abs() == f64::INFINITY { 0.0 } else { value };
    if (df > 0.0) & !x.is_nan() { value } else { f64::NAN }
}

/// One lane of [`logpdf`].
#[inline(always)]
pub(in crate::math) fn logpdf_lane<const FMA: bool>(x: f64, df: f64, log_norm: f64) -> f64 {
    let (high, low) = exponent::<FMA>(x, usual(df));
    let value = high + (low + log_norm);
    let value = if x.abs() == f64::INFINITY { f64::NEG_INFINITY } else { value };
    if (df > 0.0) & !x.is_nan() { value } else { f64::NAN }
}

/// The density.
pub fn pdf(x: f64, df: f64, norm: f64) -> f64 {
    pdf_lane::<FMA>(x, df, norm)
}

/// The density's logarithm.
pub fn logpdf(x: f64, df: f64, log_norm: f64) -> f64 {
    logpdf_lane::<FMA>(x, df, log_norm)
}

/// The tail of `df / (df + x²)` below, which is the probability of magnitudes beyond `x`, or above.
fn magnitude(x: f64, df: f64, beta_norm: f64) -> Tail {
    let df = usual(df);
    let a = 0.5 * df;
    let square = x * x;
    let total = df + square;
    let below = df / total;
    if below < 1e-290 {
        // Both may be beyond the range of numbers.
        return end_tail(a, 0.5, beta_norm, df.ln() - 2.0 * x.abs().ln());
    }
    let d = a * ((1.0 - x) * (1.0 + x)) / total;
    tail(Point { a, b: 0.5, x: (below, 0.0), y: (square / total, 0.0), d: (d, 0.0) }, beta_norm)
}

fn probability(x: f64, df: f64, beta_norm: f64, side: Side) -> f64 {
    if df.is_nan() || df <= 0.0 || x.is_nan() {
        return f64::NAN;
    }
    let tail = magnitude(x, df, beta_norm);
    // By symmetry, half of what is beyond x and -x,
    if !tail.is_upper {
        return Tail { factor: 0.5 * tail.factor, is_upper: x > 0.0, ..tail }.probability(side);
    }
    // or one half and half of what is between.
    let between = if (x > 0.0) == side.is_upper { -tail.value() } else { tail.value() };
    if side.is_log { between.ln_1p() - LN_2 } else { 0.5 + 0.5 * between }
}

fn quantile(p: f64, df: f64, beta_norm: f64, side: Side) -> f64 {
    let Some(target) = Target::of(p, side).filter(|_| df > 0.0) else { return f64::NAN };
    // By symmetry, the smaller side, doubled.
    let double = if side.is_log {
        (target.log.0 + LN_2) + (target.log.1 + 2.3190468138462996e-17)
    } else {
        2.0 * p.min(1.0 - p)
    };
    // It is 1 in the middle.
    let Some(magnitude) = Target::of(double, Side { is_upper: false, ..side }) else { return 0.0 };
    let df = usual(df);
    let point = solve(0.5 * df, 0.5, beta_norm, magnitude);
    let magnitude = match point.log {
        Some(log) => {
            let sign = if point.x < point.y { -0.5 } else { 0.5 };
            exp_pair::<FMA>((sign * log.0, sign * log.1), df.sqrt())
        }
        None => (df * (point.y / point.x)).sqrt(),
    };
    if target.is_upper { magnitude } else { 0.0 - magnitude }
}

sides!(df, beta_norm);
