//! The hypergeometric distribution: white balls among `k` drawn, without replacement, from an urn with
//! `m` white and `n` black ones.
//!
//! Prepared parameters: `norm(m, n, k)`, a logarithm, of all functions.

use super::counts::{Cell, Mass, Moments, rest, saddle_point, search, size};
use crate::math::block::lane::any_sum;
use crate::math::block::pair::quotient;
use crate::math::special::FMA;
use crate::math::special::ratio::{Pair, add, exp_pair, multiply, subtract, times};
use crate::math::special::tail::{Side, Tail};

/// The numbers of balls.
#[derive(Clone, Copy)]
struct Urn {
    white: f64,
    black: f64,
    drawn: f64,
}

impl Urn {
    /// From parameters in their domain.
    fn new(m: f64, n: f64, k: f64) -> Option<Urn> {
        let is_count = |x: f64| (0.0..f64::INFINITY).contains(&x) && x.floor() == x;
        (is_count(m) && is_count(n) && is_count(k) && k <= m + n).then_some(Urn { white: m, black: n, drawn: k })
    }

    /// The least and the greatest number of white balls among those drawn.
    fn support(self) -> (f64, f64) {
        ((self.drawn - self.black).max(0.0), self.drawn.min(self.white))
    }

    fn left(self) -> f64 {
        (self.white - self.drawn) + self.black
    }

    fn mean(self) -> f64 {
        self.drawn * (self.white / (self.white + self.black))
    }

    fn deviation(self) -> f64 {
        let total = self.white + self.black;
        (self.mean() * (self.black / total) * (self.left() / (total - 1.0).max(1.0))).sqrt()
    }

    fn skewness(self) -> f64 {
        let total = self.white + self.black;
        let skew = ((self.black - self.white) / total) * ((self.left() - self.drawn) / total) / self.deviation();
        if skew.is_finite() { skew } else { 0.0 }
    }

    /// The probability of `x`, but for the norm, as the square of a factor and an exponent; `x` need not be
    /// an integer.
    ///
    /// The binomial coefficients' powers (Loader, section 5) make up the deviances of the table of white
    /// and black, drawn and left.
    fn parts(self, x: f64) -> (f64, Pair) {
        let Urn { white, black, drawn } = self;
        let left = self.left();
        let total = any_sum(white, black);
        let share = |a: f64, b: f64| quotient::<FMA>(times::<FMA>(a, (b, 0.0)), total);
        let excess = subtract(times::<FMA>(white, (drawn, 0.0)), times::<FMA>(x, total));
        let d = quotient::<FMA>(excess, total);
        let minus = (-d.0, -d.1);
        let exponent = saddle_point([
            Cell { count: x, d, mean: share(white, drawn) },
            Cell { count: white - x, d: minus, mean: share(white, left) },
            Cell { count: drawn - x, d: minus, mean: share(black, drawn) },
            Cell { count: (black - drawn) + x, d, mean: share(black, left) },
        ]);
        let square = (size(white) / size(white - x)) * (size(drawn) / size(x)) / size(total.0)
            * ((size(black) / size(drawn - x)) * (size(left) / size((black - drawn) + x)));
        (square, exponent)
    }

    /// The quotient of the probabilities of `x + 1` and `x`, or its inverse.
    fn growth(self, x: f64, is_inverse: bool) -> Pair {
        let above = times::<FMA>(self.white - x, (self.drawn - x, 0.0));
        let below = times::<FMA>(x + 1.0, ((self.black - self.drawn) + x + 1.0, 0.0));
        if is_inverse { quotient::<FMA>(below, above) } else { quotient::<FMA>(above, below) }
    }
}

/// What depends on the parameters alone: the errors of Stirling's formula.
pub fn norm(m: f64, n: f64, k: f64) -> f64 {
    let Some(urn) = Urn::new(m, n, k) else { return f64::NAN };
    (rest(m) - rest(m + n)) + (rest(n) + rest(k) + rest(urn.left()))
}

/// The probability of `x`.
fn mass(x: f64, urn: Urn, norm: f64) -> Mass {
    let (least, greatest) = urn.support();
    if x.is_nan() {
        Mass::Certain(x)
    } else if !((least..=greatest).contains(&x) && x.floor() == x) {
        Mass::Certain(0.0)
    } else if least == greatest {
        Mass::Certain(1.0)
    } else {
        let (square, exponent) = urn.parts(x);
        Mass::Power(square.sqrt(), add(exponent, (norm, 0.0)))
    }
}

/// The probability of `x`.
pub fn pmf(x: f64, m: f64, n: f64, k: f64, norm: f64) -> f64 {
    Urn::new(m, n, k).map_or(f64::NAN, |urn| mass(x, urn, norm).value(1.0))
}

/// Its logarithm.
pub fn logpmf(x: f64, m: f64, n: f64, k: f64, norm: f64) -> f64 {
    let Some(urn) = Urn::new(m, n, k) else { return f64::NAN };
    let mass = mass(x, urn, norm);
    match mass.log(0.0) {
        // Near 1, the others in units of this one.
        log if log > -0.5 && mass.is_power() => -(others(urn, x, true) + others(urn, x, false)).ln_1p(),
        log => log,
    }
}

/// Standard deviations from which on tails are integrals, not sums,
const WIDE: f64 = 1000.0;
/// if each term is at least this of the one before.
const SLOW: f64 = 0.98;

/// The tail up to `x`, or that beyond it, whichever does not hold the mean.
fn tail_at(x: f64, urn: Urn, norm: f64) -> Tail {
    let (least, greatest) = urn.support();
    let x = x.floor();
    if x.is_nan() {
        return Tail::NAN;
    }
    if x < least || x >= greatest {
        return Tail::zero(x >= greatest);
    }
    let is_upper = x + 0.5 > urn.mean();
    let first = if is_upper { x + 1.0 } else { x };
    let parts = urn.parts(first);
    let outwards = if is_upper { urn.growth(first, false) } else { urn.growth(first - 1.0, true) };
    let is_wide = urn.deviation() > WIDE && outwards.0 > SLOW;
    let sum = if is_wide { integral(urn, first, is_upper, parts) } else { 1.0 + others(urn, first, is_upper) };
    Tail { factor: parts.0.sqrt() * sum, exponent: add(parts.1, (norm, 0.0)), is_upper, density: parts.0.sqrt() }
}

/// The sum of the probabilities above or below a point, divided by that of the point. Where the point
/// begins a tail, some ten standard deviations make it up.
fn others(urn: Urn, point: f64, is_upper: bool) -> f64 {
    let (mut sum, mut term, mut x) = ((0.0, 0.0), (1.0, 0.0), point);
    // Terms are 0 beyond the support.
    for _ in 0..(60.0 * WIDE) as usize {
        let growth = if is_upper { urn.growth(x, false) } else { urn.growth(x - 1.0, true) };
        x += if is_upper { 1.0 } else { -1.0 };
        term = multiply::<FMA>(term, growth);
        sum = add(sum, term);
        if term.0 <= 1e-18 * sum.0 || term.0.is_nan() {
            break;
        }
    }
    sum.0
}

/// The same where there are very many: the integral from half a step before the first, by Gauss and
/// Legendre's rule over pieces, and the Euler-Maclaurin formula's two terms, in differences.
fn integral(urn: Urn, first: f64, is_upper: bool, (square, exponent): (f64, Pair)) -> f64 {
    let (least, greatest) = urn.support();
    let sign = if is_upper { 1.0 } else { -1.0 };
    let start = first - 0.5 * sign;
    let value = |x: f64| {
        let (other, power) = urn.parts(x);
        exp_pair::<FMA>(subtract(power, exponent), (other / square).sqrt())
    };
    let deviation = urn.deviation();
    let distance = ((start - urn.mean()) / deviation).abs();
    let piece = deviation / distance.max(1.0);
    let end = if is_upper { greatest } else { least };
    let (mut total, mut from) = (0.0, start);
    for _ in 0..60 {
        let to = from + sign * piece;
        let to = if (to - end) * sign > 0.0 { end } else { to };
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        let mut part = 0.0;
        for (node, weight) in LEGENDRE {
            part += weight * (value(middle + half * node) + value(middle - half * node));
        }
        let part = part * half.abs();
        total += part;
        if part <= 1e-17 * total || to == end {
            break;
        }
        from = to;
    }
    // The first and the third difference about the start, outwards.
    let before = value(first - sign);
    let slope = 1.0 - before;
    let bend = (value(first + sign) - 1.0) - 2.0 * slope + (before - value(first - 2.0 * sign));
    total + slope / 24.0 - 17.0 / 5760.0 * bend
}

/// The positive nodes of Gauss and Legendre's rule of 16 points, and their weights.
const LEGENDRE: [(f64, f64); 8] = [
    (0.9894009349916499, 0.027152459411754096),
    (0.9445750230732326, 0.062253523938647894),
    (0.8656312023878318, 0.09515851168249279),
    (0.755404408355003, 0.12462897125553388),
    (0.6178762444026438, 0.14959598881657674),
    (0.45801677765722737, 0.16915651939500254),
    (0.2816035507792589, 0.18260341504492358),
    (0.09501250983763744, 0.1894506104550685),
];

fn probability(x: f64, m: f64, n: f64, k: f64, norm: f64, side: Side) -> f64 {
    Urn::new(m, n, k).map_or(f64::NAN, |urn| tail_at(x, urn, norm).probability(side))
}

fn quantile(p: f64, m: f64, n: f64, k: f64, norm: f64, side: Side) -> f64 {
    let Some(urn) = Urn::new(m, n, k) else { return f64::NAN };
    let moments = Moments { mean: urn.mean(), deviation: urn.deviation(), skewness: urn.skewness() };
    search(p, side, urn.support(), moments, |x| tail_at(x, urn, norm))
}

sides!(m, n, k, norm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_are_the_sums() {
        // Some 1900 wide: sums of some ten thousand terms.
        let urn = Urn::new(4e7, 4e7, 2e7).unwrap();
        for distance in [1.0, 500.0, 3000.0, 8000.0] {
            for is_upper in [false, true] {
                let first = if is_upper { urn.mean() + distance } else { urn.mean() - distance };
                let sum = 1.0 + others(urn, first, is_upper);
                let integral = integral(urn, first, is_upper, urn.parts(first));
                // Between whole numbers, counts of some 1e7 have nine digits behind the point.
                assert!((integral / sum - 1.0).abs() < 1e-12, "{integral} is not {sum}, {distance} from the mean");
            }
        }
    }
}
