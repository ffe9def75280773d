//! The search for quantiles of discrete distributions.

/// The least whole number from `low` to `high` that is enough, where all above one that is are too, and `high` is taken
/// to be; from `start` on, a guess. Whole numbers beyond 2^53 are those that are float64.
///
/// From the guess by steps that double until the number is between two, then by halving.
pub(super) fn least(start: f64, low: f64, high: f64, is_enough: impl Fn(f64) -> bool) -> f64 {
    let start = start.floor().clamp(low, high.min(f64::MAX));
    // Neither `too_few` nor anything below is enough.
    let (mut too_few, mut enough);
    // 2^1100 is beyond all numbers.
    const DOUBLINGS: i32 = 1100;
    if is_enough(start) {
        (too_few, enough) = (low - 1.0, start);
        for doubling in 0..DOUBLINGS {
            let next = enough - f64::powi(2.0, doubling);
            if next < low {
                break;
            }
            if !is_enough(next) {
                too_few = next;
                break;
            }
            enough = next;
        }
    } else {
        (too_few, enough) = (start, high);
        for doubling in 0..DOUBLINGS {
            let next = too_few + f64::powi(2.0, doubling);
            if next >= high {
                break;
            }
            if is_enough(next) {
                enough = next;
                break;
            }
            too_few = next;
        }
    }
    for _ in 0..DOUBLINGS {
        let middle = (too_few + 0.5 * (enough - too_few)).floor();
        if !(middle > too_few && middle < enough) {
            break;
        }
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    enough
}
