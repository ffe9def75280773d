//! Steps of float64 arithmetic that are exact, or whose error is known: with a fused multiply-add
//! where there is one, and without (T. J. Dekker, "A floating-point technique for extending the
//! available precision", 1971) where not.

/// `1.5 * 2**52`: added to a number below `2**51` in magnitude, it rounds that to an integer, which
/// is then in the low bits of the sum.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;
/// The bit of the sign.
pub(super) const SIGN: u64 = 1 << 63;

/// `a * b + c`, rounded once where fused.
#[inline(always)]
pub(super) fn fma<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `c[0] + c[1]*x + c[2]*x**2 + ...`: sums of four terms at a time, which don't wait for each other
/// (G. Estrin, "Organization of computer systems", 1960), joined in order.
#[inline(always)]
pub(super) fn polynomial<const FMA: bool, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let square = x * x;
    let pair = |i: usize| if i + 1 < N { fma::<FMA>(c[i + 1], x, c[i]) } else { c[i] };
    let four = |i: usize| if i + 2 < N { fma::<FMA>(pair(i + 2), square, pair(i)) } else { pair(i) };
    if N <= 6 {
        return if N > 4 { fma::<FMA>(fma::<FMA>(pair(4), square, pair(2)), square, pair(0)) } else { four(0) };
    }
    let fourth = square * square;
    let last = (N - 1) / 4;
    (0..last).rev().fold(four(4 * last), |sum, i| fma::<FMA>(sum, fourth, four(4 * i)))
}

/// The sum of two numbers, rounded, and its error, where the first is greater in magnitude or a
/// multiple of the second's last place.
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// Two halves of at most 26 bits, for exact products; for magnitudes below `2**996`.
#[inline(always)]
fn halves(a: f64) -> (f64, f64) {
    let shifted = a * 134_217_729.0;
    let high = shifted - (shifted - a);
    (high, a - high)
}

/// `c - a * b`, rounded once or nearly so; exact where the result is representable.
#[inline(always)]
pub(super) fn minus_product<const FMA: bool>(c: f64, a: f64, b: f64) -> f64 {
    if FMA {
        (-a).mul_add(b, c)
    } else {
        let (product, error) = two_product::<false>(a, b);
        (c - product) - error
    }
}

/// The product of two numbers, rounded, and its error: zero without a fused multiply-add where the
/// parts of the product would underflow.
#[inline(always)]
pub(super) fn two_product<const FMA: bool>(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let error = if FMA {
        a.mul_add(b, -product)
    } else {
        let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
        let error = a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2);
        if product.abs() < 1e-290 { 0.0 } else { error }
    };
    (product, error)
}

/// The quotient of two sums of a number and a small one, as a sum of the same form.
#[inline(always)]
pub(super) fn quotient<const FMA: bool>(numerator: (f64, f64), denominator: (f64, f64)) -> (f64, f64) {
    let reciprocal = 1.0 / denominator.0;
    let rough = numerator.0 * reciprocal;
    let rest = minus_product::<FMA>(numerator.0, rough, denominator.0);
    let rest = rest + fma::<FMA>(-rough, denominator.1, numerator.1);
    (rough, rest * reciprocal)
}

/// A number, negated where the highest bit of `sign` is set.
#[inline(always)]
pub(super) fn flip(x: f64, sign: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ (sign & SIGN))
}
