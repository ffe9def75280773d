//! The two parts of saddle-point densities: Stirling's error and the deviance (C. Loader, Fast and
//! accurate computation of binomial probabilities, 2000).
//!
//! A density of the gamma, Poisson, binomial and kindred families is the exponential of sums of
//! `log(n!)` and `x log(m)`, which are large and nearly cancel. With
//!
//! ```text
//! log(n!) = n log(n) - n + log(2πn)/2 + stirling_error(n)
//! ```
//!
//! the large terms make up deviances, `x log(x/m) + m - x`, which are never negative, zero where x is m, and can
//! be computed to full precision.

use super::FMA;
use crate::math::block::exp::Exp;
use crate::math::block::lane::{Lane, any_sum, polynomial, product, sum};
use crate::math::block::log::{beyond_linear, natural, one_plus, split};

/// `n stirling_error(n)` in powers of `1/n`, interpolated in Chebyshev's points in 60 digits; for n from 4 to 16,
/// error 2^-55.
const FOUR: [f64; 12] = [
    0.0833333333334715,
    -1.337401275836274e-11,
    -0.0027777771972703888,
    -1.4942195021940527e-08,
    0.0007939048215618985,
    -3.003871619399096e-06,
    -0.0005699414610317806,
    -0.00015220751997480878,
    0.001483456541720663,
    -0.001783220734312936,
    0.0007661105773098233,
    3.3318821773024854e-05,
];
/// The same for n from 2 to 4, error 2^-54.
const TWO: [f64; 12] = [
    0.08333333194165342,
    4.782650717400105e-08,
    -0.0027785255529532656,
    7.015287191814368e-06,
    0.0007498919172867542,
    0.00018921407617473896,
    -0.001163614691009023,
    0.0011270601333980082,
    -0.0003464055379478134,
    -0.00025037212013737385,
    0.0002730717218248366,
    -7.955687160156183e-05,
];
/// The same for n from 1 to 2, error 2^-54.
const ONE: [f64; 14] = [
    0.08333331312994828,
    4.966717788281734e-07,
    -0.0027834388289831075,
    3.9628711292385486e-05,
    0.0006038712523458241,
    0.0006527562159275277,
    -0.0022297270659403855,
    0.0029077454201847613,
    -0.002473560432558749,
    0.0015009389542003687,
    -0.0006524330631165216,
    0.00019466003130791946,
    -3.5869097067369996e-05,
    3.0848960074937164e-06,
];
/// Stirling's series, `B(2k) / (2k (2k - 1))`, in powers of `1/n²`: from 16 on the first term left out is 2^-57 of
/// the sum.
pub(super) const SERIES: [f64; 7] =
    [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0];

/// The error of Stirling's formula, `log Γ(n + 1) - (n + 1/2) log(n) + n - log(2π)/2`, for any real `n >= 0`:
/// positive, falling from infinity at 0 to 0 at infinity. NaN for negative n.
///
/// Error: 3e-16 relative from 1 on, below it 3e-16 absolute or relative, whichever is greater.
pub fn stirling_error(n: f64) -> f64 {
    let y = 1.0 / n;
    if n >= 16.0 {
        y * polynomial::<f64, FMA>(y * y, &SERIES)
    } else if n >= 4.0 {
        y * polynomial::<f64, FMA>(y, &FOUR)
    } else if n >= 2.0 {
        y * polynomial::<f64, FMA>(y, &TWO)
    } else if n >= 1.0 {
        y * polynomial::<f64, FMA>(y, &ONE)
    } else if n > 0.0 {
        // From Γ(n + 2) = (n + 1) Γ(n + 1).
        let next = n + 1.0;
        ((n + 0.5) * (n.ln_1p() - n.ln()) - 1.0) + polynomial::<f64, FMA>(1.0 / next, &ONE) / next
    } else if n == 0.0 {
        f64::INFINITY
    } else {
        f64::NAN
    }
}

/// The deviance `x log(x/mean) + mean - x` of Poisson's and the gamma distribution, for `x, mean >= 0`: never negative,
/// and zero only where they are equal. NaN for negative arguments and for two infinities.
///
/// Error: some units in the last place of the value, plus what a rounding error of `x / mean` makes, half an ULP of
/// `x - mean`.
pub fn deviance(x: f64, mean: f64) -> f64 {
    let (high, low) = deviance_pair(x, mean);
    high + low
}

/// The same as the sum of the rounded value and a small number. The sum is more precise than a float64 where the
/// deviance is large, and so its exponential would otherwise lose digits: some 2^-57 of it for ratios beyond 2, and
/// 2^-60 for ratios beyond 2^10.
pub fn deviance_pair(x: f64, mean: f64) -> (f64, f64) {
    deviance_pair_lane::<FMA>(x, mean)
}

/// [`deviance_pair`] where the caller decides on fused multiply-add.
#[inline(always)]
pub(in crate::math) fn deviance_pair_lane<const FMA: bool>(x: f64, mean: f64) -> (f64, f64) {
    let (value, is_rare) = deviance_lane::<FMA>(x, mean);
    if is_rare { deviance_careful(x, mean) } else { value }
}

/// [`deviance_pair`] without branches; and whether an argument is so small or large, or not a number, that it may be
/// anything.
///
/// With `mean/x = 2^k (1 + f) (1 + error)`. For `k = 0` what is of the size of `x f` and of `x error` cancels exactly, and
/// leaves `x (f - log(1 + f)) + x f error`.
#[inline(always)]
pub(in crate::math) fn deviance_lane<const FMA: bool>(x: f64, mean: f64) -> ((f64, f64), bool) {
    const GREAT: f64 = 1e140;
    let ratio = mean / x;
    let (high, low) = product::<f64, FMA>(ratio, x);
    let error = ((mean - high) - low) / mean;
    let (k, m) = ratio.split();
    let f = m - 1.0;
    let (log, log_low) = sum(k * f64::LN_2.0, f);
    let log_low = log_low + (k.madd::<FMA>(f64::LN_2.1, error) + beyond_linear::<f64, FMA>(f));
    let (entropy, entropy_low) = product::<f64, FMA>(x, log);
    let (linear, linear_low) = any_sum(mean, -x);
    let (high, low) = any_sum(linear, -entropy);
    let value = any_sum(high, low + ((linear_low - entropy_low) - x * log_low));
    let is_usual = (x > 1.0 / GREAT) & (x < GREAT) & (mean > 1.0 / GREAT) & (mean < GREAT);
    (value, !is_usual)
}

/// [`deviance_pair`] for all arguments.
#[cold]
fn deviance_careful(x: f64, mean: f64) -> (f64, f64) {
    if !(x > 0.0 && mean > 0.0 && x < f64::INFINITY && mean < f64::INFINITY) {
        let value = if x == 0.0 && mean >= 0.0 {
            mean
        } else if x > 0.0 && mean == 0.0 || (x == f64::INFINITY) != (mean == f64::INFINITY) && x >= 0.0 && mean >= 0.0 {
            f64::INFINITY
        } else {
            f64::NAN
        };
        return (value, 0.0);
    }
    // r = mean/x = 2^k (1 + f + error) by quotients of significands, which are far from overflow.
    let ((k_x, x_part), (k_mean, mean_part)) = (split(x), split(mean));
    let ratio = mean_part / x_part;
    let (high, low) = product::<f64, FMA>(ratio, x_part);
    let error = ((mean_part - high) - low) / x_part;
    let (k, m) = ratio.split();
    let error = error * f64::pow2(-k);
    let (k, f) = (k + (k_mean - k_x), m - 1.0);
    if k == 0.0 {
        // x (r - 1 - log(r)), where r - 1 = f + error and the derivative of that is f / (1 + f).
        let value = x * (error * f / m - beyond_linear::<f64, FMA>(f));
        return (value, 0.0);
    }
    let (log, log_low) = natural::<f64, FMA>(k, f, error / m);
    let (log, log_low) = sum(log, log_low);
    let (linear, linear_low) = any_sum(mean, -x);
    // Scaled where the product could overflow or its parts underflow.
    let scale = if x > 1e150 {
        f64::powi(2.0, -512)
    } else if x < 1e-150 {
        f64::powi(2.0, 512)
    } else {
        1.0
    };
    let (entropy, entropy_low) = product::<f64, FMA>(x * scale, log);
    let unscale = 1.0 / scale;
    let (entropy, entropy_low) = (entropy * unscale, (entropy_low + x * scale * log_low) * unscale);
    let (high, low) = any_sum(linear, -entropy);
    if high == f64::INFINITY { (high, 0.0) } else { sum(high, low + (linear_low - entropy_low)) }
}

/// `log(1 + x) - x` without cancellation; -∞ at -1, NaN below it.
pub fn log1pmx(x: f64) -> f64 {
    if x > -1.0 && x < f64::TINY_INVERSE {
        let (high, low) = one_plus::<f64, FMA>(x, 0.0);
        // Where x is small high is x itself.
        (high - x) + low
    } else {
        if x == f64::INFINITY { -x } else { x.ln_1p() - x }
    }
}
