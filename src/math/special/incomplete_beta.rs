//! The regularised incomplete beta function as the logarithm of its smaller tail, and its inverse.
//!
//! With `x + y = 1` and `n = a + b`, everything is relative to the density of `log(x / y)`,
//!
//! ```text
//! x^a y^b / B(a, b) = peak * e^-phase,   phase = a log(a / (n x)) + b log(b / (n y)) >= 0
//! ```
//!
//! which is precise in all of its range (see [`ratio`](super::ratio)). A tail is this density times
//! * a power series (DLMF 8.17.8) where few terms suffice;
//! * an asymptotic expansion about the peak for large `a` and `b`, of the kind of DiDonato and Morris
//!   (Algorithm 708, 1992, section 8): the series is here found from a differential equation;
//! * a continued fraction (Didonato and Morris, section 7; DLMF 8.17.22 is its odd part) elsewhere.

use super::FMA;
use super::ratio::{
    LogRatio, Pair, add, exp_pair, log_ratio, log_stirling_quotient, multiply, stirling_quotient, subtract, times,
};
use super::saddle_point::{self, stirling_error};
use super::tail::{Tail, Target, log1mexp};
use crate::math::block::lane::{any_sum, product};

/// Shapes below this are taken for this: reciprocals overflow.
pub(in crate::math) const LEAST_SHAPE: f64 = 1e-300;
/// And shapes beyond this: sums overflow.
pub(in crate::math) const GREATEST_SHAPE: f64 = 1e300;

/// `(a + b) Γ(a + b + 1) / (Γ(a + 1) Γ(b + 1)) * (a/n)^a (b/n)^b` with `n = a + b`: a beta density's
/// value at the mean, but for a factor that is about one: what depends on the shapes alone.
pub(in crate::math) fn norm(a: f64, b: f64) -> f64 {
    let n = a + b;
    if a >= 1.0 && b >= 1.0 {
        n * stirling_root(a, b) * stirling_errors(a, b).exp()
    } else {
        n * (stirling_quotient(n) / (stirling_quotient(a) * stirling_quotient(b)))
    }
}

/// The logarithm of [`norm`].
pub(in crate::math) fn log_norm(a: f64, b: f64) -> f64 {
    let n = a + b;
    if a >= 1.0 && b >= 1.0 {
        (n * stirling_root(a, b)).ln() + stirling_errors(a, b)
    } else {
        n.ln() + (log_stirling_quotient(n) - log_stirling_quotient(a) - log_stirling_quotient(b))
    }
}

/// What Stirling's formula has for `(a + b)! / (a! b!)` beside powers.
fn stirling_root(a: f64, b: f64) -> f64 {
    ((a + b) / a / (2.0 * std::f64::consts::PI * b)).sqrt()
}

/// The logarithm of its error.
fn stirling_errors(a: f64, b: f64) -> f64 {
    stirling_error(a + b) - stirling_error(a) - stirling_error(b)
}

/// Shapes and a point of a beta distribution.
#[derive(Clone, Copy, Debug)]
pub(in crate::math) struct Point {
    /// The exponent of `x`, at least [`LEAST_SHAPE`].
    pub(in crate::math) a: f64,
    /// The exponent of `y`.
    pub(in crate::math) b: f64,
    /// From 0 to 1.
    pub(in crate::math) x: Pair,
    /// `1 - x`.
    pub(in crate::math) y: Pair,
    /// `b x - a y`: how far `(a + b) x` is from `a`.
    pub(in crate::math) d: Pair,
}

impl Point {
    /// From `x` and `y` with `x + y = 1`.
    #[inline(always)]
    pub(in crate::math) fn new<const FMA: bool>(a: f64, b: f64, x: Pair, y: Pair) -> Point {
        let d = subtract(times::<FMA>(b, x), times::<FMA>(a, y));
        Point { a, b, x, y, d }
    }

    /// The same with the two sides in each other's place.
    fn swapped(self) -> Point {
        Point { a: self.b, b: self.a, x: self.y, y: self.x, d: (-self.d.0, -self.d.1) }
    }

    /// The quotients of `n x` by `a` and of `n y` by `b`.
    #[inline(always)]
    pub(in crate::math) fn ratios<const FMA: bool>(&self) -> (LogRatio, LogRatio) {
        let n = any_sum(self.a, self.b);
        let mean = |x: Pair| multiply::<FMA>(x, n);
        let minus = (-self.d.0, -self.d.1);
        (log_ratio::<FMA>(self.a, self.d, mean(self.x)), log_ratio::<FMA>(self.b, minus, mean(self.y)))
    }

    /// `-phase`.
    #[inline(always)]
    pub(in crate::math) fn exponent(ratios: &(LogRatio, LogRatio)) -> Pair {
        add(ratios.0.weighted, ratios.1.weighted)
    }
}

/// The tail at a point inside of (0, 1); `norm` is that of the shapes.
pub(in crate::math) fn tail(point: Point, norm: f64) -> Tail {
    let Point { a, b, x: (x, _), y: (y, _), d: (d, _) } = point;
    if !(x > 0.0 && y > 0.0) {
        return if x == 0.0 || y == 0.0 { Tail::zero(y == 0.0) } else { Tail::NAN };
    }
    // A shape below 1 has its tail's mass near its end, on either side of the mean. The other half is
    // the other tail's, whatever the mean: that may be far out there.
    let is_left = if a <= 1.0 && b <= 1.0 {
        x <= 0.5
    } else if a <= 1.0 && x <= 0.5 && b * x <= SMALL_MEAN {
        true
    } else if b <= 1.0 && y <= 0.5 && a * y <= SMALL_MEAN {
        false
    } else {
        d <= 0.0
    };
    if is_left { lower(point, norm) } else { lower(point.swapped(), norm).mirrored() }
}

/// The tail below, or where that is the greater and much so, that above.
fn lower(point: Point, norm: f64) -> Tail {
    let Point { a, b, x: (x, _), d: (d, _), .. } = point;
    let n = a + b;
    if a == 0.5 && b == 0.5 {
        return arcsine(point);
    }
    if b <= FEW && a <= FEW && b.floor() == b && a.floor() == a && x > 1e-18 {
        return finite(point);
    }
    let ratios = point.ratios::<FMA>();
    let exponent = Point::exponent(&ratios);
    let peak = norm * (a / n) * (b / n);
    let phase = -exponent.0;
    let lesser = if a < b { a } else { b };
    if d <= 0.0 && lesser > EXPANSION_FROM && 2.0 * phase <= lesser.min(EXPANSION_TO) {
        return Tail { exponent, factor: peak * expansion(point, phase), is_upper: false, density: peak };
    }
    let falls = (n * x).max(x * (a + 1.0)) <= SERIES_RATIO * (a + 1.0);
    let is_small_shape = a <= 1.0 && (b <= 1.0 || b * x <= SMALL_MEAN);
    let mills = if falls || is_small_shape { series(a, b, x) } else { fraction(point) };
    let tail = Tail { exponent, factor: peak * mills, is_upper: false, density: peak };
    let value = if is_small_shape { tail.value() } else { 0.0 };
    if value < 0.7 {
        return tail;
    }
    Tail { exponent: (0.0, 0.0), factor: small_shape_complement(point), is_upper: true, density: value / mills }
}

/// The tail below of the arcsine distribution, whose shapes are 1/2.
fn arcsine(point: Point) -> Tail {
    use std::f64::consts::{FRAC_1_PI, FRAC_2_PI};
    let root = (point.x.0 / point.y.0).sqrt();
    let density = FRAC_1_PI * root / (1.0 + root * root);
    Tail { exponent: (0.0, 0.0), factor: FRAC_2_PI * root.atan(), is_upper: false, density }
}

/// Whole shapes up to this have tails that are sums of so few terms.
const FEW: f64 = 12.0;

/// The tail below for small whole shapes: `x^a` times the sum of `(a)_j y^j / j!` for `j < b`, with
/// nothing but positive terms (the binomial distribution's, DLMF 8.17.5).
fn finite(point: Point) -> Tail {
    let Point { a, b, x: (x, _), y: (y, _), .. } = point;
    let (mut sum, mut term) = (1.0, 1.0);
    for j in 1..b as usize {
        let j = j as f64;
        term *= (a + j - 1.0) * y / j;
        sum += term;
    }
    let power = x.powi(a as i32);
    let density = power * (term * y * (a + b - 1.0));
    Tail { exponent: (0.0, 0.0), factor: power * sum, is_upper: false, density }
}

/// Where the power series' terms fall at least so fast, it is used.
const SERIES_RATIO: f64 = 0.3;
/// Up to here `b x` is small for the tail below of `a <= 1`: the sign-changing series of
/// [`small_shape_complement`] loses nothing.
const SMALL_MEAN: f64 = 1.5;
/// The bound on the terms of series and the steps of fractions. In their domains hundreds suffice.
const MANY: usize = 5000;

/// The tail below, divided by `x^a y^b / B(a, b)`: `F(a + b, 1; a + 1; x) / a` (DLMF 8.17.8).
fn series(a: f64, b: f64, x: f64) -> f64 {
    let n = a + b;
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 0..MANY {
        let k = k as f64;
        term *= (n + k) * x / (a + 1.0 + k);
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
    }
    sum / a
}

/// The same by a continued fraction (DiDonato and Morris, section 7), for points up to the mean.
///
/// Convergents by the forward recurrence, with numerators and denominators scaled together.
fn fraction(point: Point) -> f64 {
    let Point { a, b, x: (x, _), d: (d, _), .. } = point;
    let n = a + b;
    // Both kinds of coefficients in a unit that makes them moderate for large shapes.
    let unit = 1.0 / (1.0 - d);
    let part = x * unit;
    let mut inverse = 1.0 / (a + 1.0);
    // The last two convergents' numerators and denominators, and their determinant, which gives the
    // change by the last step free of cancellation.
    let (mut p0, mut q0, mut p1, mut q1) = (0.0, 1.0, 1.0, a * inverse);
    let mut determinant = 1.0f64;
    for m in 1..MANY {
        let m = m as f64;
        let step = a + m;
        let product = m * (b - m);
        let inverse_before = inverse;
        inverse = 1.0 / (step + m + 1.0);
        let numerator = ((step - 1.0) * inverse_before) * ((n + m - 1.0) * part * inverse_before) * (product * part);
        let denominator = m * unit + product * part * inverse_before + step * (1.0 + m * (2.0 - x) * unit) * inverse;
        (p0, p1) = (p1, denominator * p1 + numerator * p0);
        (q0, q1) = (q1, denominator * q1 + numerator * q0);
        determinant *= numerator;
        // Where changes fall slowly, so many more of them follow.
        if determinant.abs() * m <= 1e-16 * (q0 * p1).abs() {
            break;
        }
        if q1.abs() > LARGE {
            (p0, q0, p1, q1) = (p0 / LARGE, q0 / LARGE, p1 / LARGE, q1 / LARGE);
            determinant *= (1.0 / LARGE) * (1.0 / LARGE);
        }
    }
    p1 / q1 * unit
}

/// Where the convergents' parts are scaled down.
const LARGE: f64 = 1e60;

/// The expansion is used where the lesser shape is beyond this,
const EXPANSION_FROM: f64 = 40.0;
/// and up to so many standard deviations, squared.
const EXPANSION_TO: f64 = 400.0;
/// The bound on its terms.
const TERMS: usize = 32;

/// The same by an expansion about the peak of the density of `s = log(x / y)`, for points up to it.
///
/// With `phase = η²/2` and `t = d / sqrt(ab/n)`, which is `-phase'(s)` in a certain unit,
/// `t dt/dη = η (1 + t (b - a) / sqrt(abn) - t²/n)`. The series of `t(η)` follows, from that the one of
/// `ds/dη = sqrt(n/ab) η / t`, and the tail is the integral of `e^(-η²/2) ds/dη` term by term.
fn expansion(point: Point, phase: f64) -> f64 {
    let Point { a, b, .. } = point;
    let n = a + b;
    let root = (a / n * b).sqrt();
    // Seen from above: the point is at -η, and so odd coefficients change their signs.
    let skew = (a - b) / n / root;
    let eta = (2.0 * phase).sqrt();
    // Of t, t² and η/t in powers of η.
    let (mut t, mut square, mut c) = ([0.0; TERMS + 2], [0.0; TERMS + 2], [0.0; TERMS + 2]);
    (t[1], square[2], c[0]) = (1.0, 1.0, 1.0);
    // Moments: the integrals of η^k e^(-η²/2) from the point on, by e^(-η²/2) there.
    let mut power = 1.0;
    let mut moments = (half_root_pi_erfcx(eta), 1.0);
    let mut total = moments.0;
    for k in 1..TERMS {
        // Coefficient k + 1 of t, from coefficient k + 2 of t².
        square[k + 2] = 2.0 / (k as f64 + 2.0) * (skew * t[k] - square[k] / n);
        let mut rest = square[k + 2];
        for i in 2..=k {
            rest -= t[i] * t[k + 2 - i];
        }
        t[k + 1] = 0.5 * rest;
        let mut next = 0.0;
        for i in 0..k {
            next -= c[i] * t[k + 1 - i];
        }
        c[k] = next;
        let moment = if k == 1 {
            1.0
        } else {
            power *= eta;
            let moment = power + (k as f64 - 1.0) * moments.0;
            moments = (moments.1, moment);
            moment
        };
        let term = next * moment;
        total += term;
        if k > 2 && term.abs() + (c[k - 1] * moments.0).abs() <= 1e-17 * total {
            break;
        }
    }
    total / root
}

/// `sqrt(π/2) e^(η²/2) erfc(η / sqrt(2))`.
fn half_root_pi_erfcx(eta: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2};
    FRAC_PI_2.sqrt() * pxfm::f_erfcx(eta * FRAC_1_SQRT_2)
}

/// The tail so near to 0 that it is a power of `x`, whose logarithm is given.
pub(in crate::math) fn end_tail(a: f64, b: f64, norm: f64, log_x: f64) -> Tail {
    let log = (a * log_x + log_end(a, b, norm)).min(0.0);
    if log < -std::f64::consts::LN_2 {
        Tail { exponent: (log, 0.0), factor: 1.0, is_upper: false, density: a }
    } else {
        Tail { exponent: (0.0, 0.0), factor: -log.exp_m1(), is_upper: true, density: a * log.exp() }
    }
}

/// The tail above, for `a <= 1` and small `b x`, where that below is near 1: that is
/// `x^a / (a B(a, b)) (1 + a S)` (DLMF 8.17.7), where the logarithm of each factor is small with `a`.
fn small_shape_complement(point: Point) -> f64 {
    let Point { a, b, x, .. } = point;
    let x = x.0;
    let (mut sum, mut term) = (0.0f64, 1.0);
    for k in 1..MANY {
        let k = k as f64;
        term *= (k - b) * x / k;
        sum += term / (a + k);
        if term.abs() <= 1e-17 * sum.abs() * a.max(1.0) {
            break;
        }
    }
    let log = log_gamma_ratio(b, a, x) - log_gamma_ratio(1.0, a, 1.0) + (a * sum).ln_1p();
    -log.exp_m1()
}

/// `log(x^a Γ(z + a) / Γ(z))` for `a >= 0`, to full precision also for small `a`, for which it is small.
pub(in crate::math) fn log_gamma_ratio(z: f64, a: f64, x: f64) -> f64 {
    // Γ(z + 1 + a) / Γ(z + 1) = Γ(z + a) / Γ(z) (1 + a/z), until Stirling's series is good.
    let (mut z, mut less_one) = (z, 0.0);
    while z < 10.0 {
        let step = a / z;
        less_one += step + less_one * step;
        z += 1.0;
    }
    let w = z + a;
    let u = a / z;
    let log = u.ln_1p();
    // Differences of the powers of 1/w and 1/z, divided by their first.
    let (inverse_z, inverse_w) = (1.0 / z, 1.0 / w);
    let mut correction = 0.0;
    let (mut quotient, mut power) = (1.0, inverse_w);
    for (i, coefficient) in saddle_point::SERIES.iter().enumerate() {
        if i > 0 {
            for _ in 0..2 {
                quotient = inverse_z * quotient + power;
                power *= inverse_w;
            }
        }
        correction += coefficient * quotient;
    }
    let correction = -a * inverse_z * inverse_w * correction;
    let main = z * saddle_point::log1pmx(u) - 0.5 * log + a * (w * x).ln();
    main + correction - less_one.ln_1p()
}

/// A quantile of a beta distribution.
#[derive(Clone, Copy, Debug)]
pub(in crate::math) struct Quantile {
    /// The quantile.
    pub(in crate::math) x: f64,
    /// 1 less it.
    pub(in crate::math) y: f64,
    /// The logarithm of the smaller one, where that may be beyond the range of numbers.
    pub(in crate::math) log: Option<Pair>,
}

impl Quantile {
    /// That of what is no probability.
    pub(in crate::math) const NAN: Quantile = Quantile { x: f64::NAN, y: f64::NAN, log: None };
}

/// The point whose tail is the target.
pub(in crate::math) fn solve(a: f64, b: f64, norm: f64, target: Target) -> Quantile {
    if let Some(x) = target.end(0.0, 1.0) {
        Quantile { x, y: 1.0 - x, log: None }
    } else if target.is_upper {
        let Quantile { x, y, log } = solve_lower(b, a, norm, target);
        Quantile { x: y, y: x, log }
    } else {
        solve_lower(a, b, norm, target)
    }
}

/// `log(x^a / (a B(a, b)))` less `a log(x)`: what a tail is near its end.
pub(in crate::math) fn log_end(a: f64, b: f64, norm: f64) -> f64 {
    if a <= 1.0 {
        // Small with a, and then to be divided by it.
        return log_gamma_ratio(b, a, 1.0) - log_gamma_ratio(1.0, a, 1.0);
    } else if b <= 1.0 {
        return log_gamma_ratio(a, b, 1.0) - log_gamma_ratio(1.0, b, 1.0) + (b.ln() - a.ln());
    }
    let n = a + b;
    (norm * (b / n) / n).ln() + a * (b / a).ln_1p() + b * (a / b).ln_1p()
}

/// The point with a tail below of at most one half: the target's probability.
fn solve_lower(a: f64, b: f64, norm: f64, target: Target) -> Quantile {
    let log_p = target.log;
    // Near its end a tail is a power, and so is the other one.
    let power = |a: f64, b: f64, log: Pair| {
        let (high, low) = subtract(log, (log_end(a, b, norm), 0.0));
        let quotient = high / a;
        let (product, error) = product::<f64, FMA>(quotient, a);
        (quotient, ((high - product) - error + low) / a)
    };
    if a == 0.5 && b == 0.5 {
        let angle = exp_pair::<FMA>(log_p, std::f64::consts::FRAC_PI_2);
        let (sin, cos) = angle.sin_cos();
        return Quantile { x: sin * sin, y: cos * cos, log: None };
    }
    // Far from the ends, that need not be looked at.
    let is_central = a > 1.0 && b > 1.0 && log_p.0 > -40.0;
    let end = if is_central { (f64::INFINITY, 0.0) } else { power(a, b, log_p) };
    // The next term of the series is (1 - b) a / (a + 1) x.
    if end.0 + ((1.0 - b).abs() * a / (a + 1.0)).max(0.5).ln() < -38.0 {
        let x = exp_pair::<FMA>(end, 1.0);
        return Quantile { x, y: 1.0 - x, log: Some(end) };
    }
    let mut start = None;
    if b <= 1.0 {
        let log_q = log1mexp(log_p.0 + log_p.1);
        let end = power(b, a, (log_q, 0.0));
        if end.0 + ((1.0 - a).abs() * b / (b + 1.0)).max(0.5).ln() < -38.0 {
            let y = exp_pair::<FMA>(end, 1.0);
            return Quantile { x: 1.0 - y, y, log: Some(end) };
        }
        if end.0.exp() * a.max(1.0) < 0.5 {
            start = Some(-end.0);
        }
    }
    if start.is_none() && end.0 + b.max(1.0).ln() < -1.0 {
        start = Some(end.0);
    }
    let logit = start.unwrap_or_else(|| start_logit(a, b, target.normal()));
    let mut logit = if logit.is_nan() { 0.0 } else { logit.clamp(-700.0, 700.0) };
    let (mut x, mut y) = logistic(logit);
    // Bounds of log(x / y), once they are known.
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..100 {
        let point = Point::new::<FMA>(a, b, (x, 0.0), (y, 0.0));
        let (log, slope) = tail(point, norm).log_and_slope(false);
        let residual = (log.0 - log_p.0) + (log.1 - log_p.1);
        let newton = residual / slope;
        // Halley's step: the slope's own logarithm has the derivative -(d + slope). Nothing is left of that
        // where both are large and cancel.
        let curvature = point.d.0 + slope;
        let curvature = if curvature.abs() > 1e-13 * slope { curvature } else { 0.0 };
        let bend = 1.0 + 0.5 * newton * curvature;
        let mut step = -newton / bend.max(0.3);
        if residual > 0.0 {
            high = logit;
        } else {
            low = logit;
        }
        let next = logit + step;
        let is_beyond = !(next > low && next < high);
        if is_beyond && (step.is_nan() || step.abs() > 1e-3) {
            step = if low.is_infinite() {
                -step.abs().min(20.0)
            } else if high.is_infinite() {
                step.abs().min(20.0)
            } else {
                0.5 * (low + high) - logit
            };
        }
        let step = step.clamp(-300.0, 300.0);
        logit += step;
        if step.abs() > 1.0 {
            (x, y) = logistic(logit);
        } else {
            // The point itself is moved, not found from its logit: small steps keep all digits. After large ones
            // the sum might be 0.
            let growth = step.exp_m1();
            let scale = 1.0 / (1.0 + x * growth);
            (x, y) = ((x + x * growth) * scale, y * scale);
        }
        // The error of Halley's step is of the third order.
        if step.abs() * (1.0 + slope) < 1e-5 || x == 0.0 || y == 0.0 {
            break;
        }
    }
    Quantile { x, y, log: None }
}

/// The two sides at a logit.
fn logistic(logit: f64) -> (f64, f64) {
    let power = (-logit.abs()).exp();
    let (small, large) = (power / (1.0 + power), 1.0 / (1.0 + power));
    if logit < 0.0 { (small, large) } else { (large, small) }
}

/// A point to start from, from the normal approximation of log(x / y) with a correction of its
/// skewness (Abramowitz and Stegun 26.5.22); `z` is the normal quantile.
fn start_logit(a: f64, b: f64, z: f64) -> f64 {
    if a > 1.0 && b > 1.0 {
        let (u, v) = (1.0 / (2.0 * a - 1.0), 1.0 / (2.0 * b - 1.0));
        let lambda = (z * z - 3.0) / 6.0;
        let h = 2.0 / (u + v);
        let w = z * (h + lambda).max(0.0).sqrt() / h - (v - u) * (lambda + 5.0 / 6.0 - 2.0 / (3.0 * h));
        (a / b).ln() - 2.0 * w.clamp(-300.0, 300.0)
    } else {
        (a / b).ln() - z * (1.0 / a + 1.0 / b).sqrt().min(20.0)
    }
}
