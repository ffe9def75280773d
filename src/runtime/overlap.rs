//! Do views share memory?
//!
//! Two views overlap if a sum of indices times strides has a given value: a linear equation whose
//! unknowns are bounded. It is solved by search with pruning, in which views that come from slicing
//! one array need few steps; what takes too many counts as overlap.

use super::shape::stride_along;
use crate::array::ArrayRef;
use smallvec::SmallVec;

/// Steps of the search after which views count as overlapping.
const MAX_STEPS: usize = 2000;

/// May two views share a byte? `false` is certain; `true` is certain too, unless the strides are so
/// entangled that deciding would take long.
pub fn may_overlap(a: &ArrayRef, b: &ArrayRef) -> bool {
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (a_first, a_last) = extent(a);
    let (b_first, b_last) = extent(b);
    if a_last < b_first || b_last < a_first {
        return false;
    }
    // a_first + sum(a's offsets) + byte = b_last - sum(b's offsets) - byte, where all offsets and
    // bytes count up from zero.
    let axes = a.shape().iter().zip(a.strides()).chain(b.shape().iter().zip(b.strides()));
    let terms = axes.map(|(&extent, &stride)| Term { step: stride.unsigned_abs() as i128, most: extent as i128 - 1 });
    Equation::new(terms, (a.itemsize() + b.itemsize() - 2) as i128).may_have_solution(b_last - a_first)
}

/// Do two views, broadcast to a loop's shape, show the same element under the same index?
pub fn same_view(a: &ArrayRef, shape: &[isize], b: &ArrayRef) -> bool {
    a.data() == b.data()
        && a.itemsize() == b.itemsize()
        && ((a.shape() == b.shape() && a.strides() == b.strides())
            || (0..shape.len())
                .filter(|&axis| shape[axis] != 1)
                .all(|axis| stride_along(a, shape.len(), axis) == stride_along(b, shape.len(), axis)))
}

/// May two indices of a view show memory in common? `false` is certain.
pub fn has_internal_overlap(a: &ArrayRef) -> bool {
    if a.is_empty() || a.is_c_contiguous() {
        return false;
    }
    let axes = a.shape().iter().zip(a.strides()).filter(|&(&extent, _)| extent > 1);
    let mut terms: SmallVec<[Term; 8]> =
        axes.map(|(&extent, &stride)| Term { step: stride.unsigned_abs() as i128, most: extent as i128 - 1 }).collect();
    terms.sort_by_key(|term| term.step);
    let mut reach = a.itemsize() as i128;
    let nested = terms.iter().all(|term| {
        let clear = term.step >= reach;
        reach += term.step * term.most;
        clear
    });
    if nested {
        return false;
    }
    // Two different indices differ on some axis; of the two let the second have the greater index
    // there. On the other axes the difference may be of either sign.
    let slack = 2 * (a.itemsize() as i128 - 1);
    (0..terms.len()).any(|greater| {
        let mut total = slack / 2 - terms[greater].step;
        let differences = terms.iter().enumerate().map(|(k, term)| {
            if k == greater {
                Term { step: term.step, most: term.most - 1 }
            } else {
                total += term.step * term.most;
                Term { step: term.step, most: 2 * term.most }
            }
        });
        let equation = Equation::new(differences, slack);
        equation.may_have_solution(total)
    })
}

/// From a view's address to its first byte, and to the one after its last. The view is not empty.
pub(super) fn span(a: &ArrayRef) -> (isize, isize) {
    let (first, last) = extent(a);
    let from = |address: i128| (address - a.data() as i128) as isize;
    (from(first), from(last) + 1)
}

/// The addresses of the first and the last byte of a view that is not empty.
fn extent(a: &ArrayRef) -> (i128, i128) {
    let (mut first, mut last) = (a.data() as i128, a.data() as i128 + a.itemsize() as i128 - 1);
    for (&extent, &stride) in a.shape().iter().zip(a.strides()) {
        let span = stride as i128 * (extent as i128 - 1);
        *(if span < 0 { &mut first } else { &mut last }) += span;
    }
    (first, last)
}

/// `step` times an unknown between 0 and `most`.
#[derive(Clone, Copy)]
struct Term {
    step: i128,
    most: i128,
}

/// What a sum of terms, plus anything from 0 to `slack`, may be.
struct Equation {
    /// By step, greatest first.
    terms: SmallVec<[Term; 8]>,
    /// For each term and for the end: the most that it and those after it can add up to, slack
    /// included, and the greatest common divisor of their steps.
    rest: SmallVec<[(i128, i128); 8]>,
    slack: i128,
}

impl Equation {
    fn new(terms: impl Iterator<Item = Term>, slack: i128) -> Equation {
        let mut terms: SmallVec<[Term; 8]> = terms.filter(|term| term.step > 0 && term.most > 0).collect();
        terms.sort_by_key(|term| -term.step);
        // Unknowns with one step act as one unknown.
        terms.dedup_by(|next, term| {
            let same = next.step == term.step;
            if same {
                term.most += next.most;
            }
            same
        });
        let mut rest: SmallVec<[(i128, i128); 8]> = SmallVec::from_elem((slack, 0), terms.len() + 1);
        for k in (0..terms.len()).rev() {
            let (most, divisor) = rest[k + 1];
            rest[k] = (most + terms[k].step * terms[k].most, gcd(terms[k].step, divisor));
        }
        Equation { terms, rest, slack }
    }

    fn may_have_solution(&self, total: i128) -> bool {
        let mut steps = MAX_STEPS;
        // One call for each axis of both views is the greatest depth.
        self.search(0, total, &mut steps)
    }

    /// Can the terms from the `k`th on make up `total`? True as well if steps run out.
    fn search(&self, k: usize, total: i128, steps: &mut usize) -> bool {
        if *steps == 0 {
            return true;
        }
        *steps -= 1;
        let (most, divisor) = self.rest[k];
        if total < 0 || total > most {
            return false;
        }
        if divisor == 0 {
            return true;
        }
        // The terms can make only multiples of the divisor; the slack must make the remainder.
        if total % divisor > self.slack {
            return false;
        }
        let term = self.terms[k];
        let highest = term.most.min(total / term.step);
        let lowest = ((total - self.rest[k + 1].0).max(0) + term.step - 1) / term.step;
        (lowest..=highest).rev().any(|n| self.search(k + 1, total - n * term.step, steps))
    }
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::runtime::run::tests::{Random, unread_view};
    use std::collections::HashSet;

    fn view<'a>(data: isize, shape: &'a [isize], strides: &'a [isize]) -> ArrayRef<'a> {
        unread_view(4096 + data, shape, strides, DType::F64)
    }

    /// The addresses of all elements.
    fn addresses(a: &ArrayRef) -> Vec<isize> {
        let mut all = vec![a.data() as isize];
        for (&extent, &stride) in a.shape().iter().zip(a.strides()) {
            all = all.iter().flat_map(|&at| (0..extent).map(move |i| at + i * stride)).collect();
        }
        all
    }

    fn bytes(a: &ArrayRef) -> HashSet<isize> {
        let size = a.itemsize() as isize;
        addresses(a).into_iter().flat_map(|at| at..at + size).collect()
    }

    fn truly_overlap(a: &ArrayRef, b: &ArrayRef) -> bool {
        !bytes(a).is_disjoint(&bytes(b))
    }

    fn truly_overlaps_itself(a: &ArrayRef) -> bool {
        bytes(a).len() < addresses(a).len() * a.itemsize()
    }

    #[test]
    fn slices_of_one_array_are_told_apart() {
        // Each with its neighbour: even and odd elements, fields of records, blocks of a matrix,
        // halves of rows and columns, forward and backward.
        let apart = [
            (view(0, &[50], &[16]), view(8, &[50], &[16])),
            (view(0, &[50], &[16]), view(8 + 49 * 16, &[50], &[-16])),
            (view(0, &[10, 5], &[80, 8]), view(40, &[10, 5], &[80, 8])),
            (view(0, &[5, 10], &[80, 8]), view(400, &[5, 10], &[80, 8])),
            (view(0, &[5, 5], &[80, 8]), view(400 + 40, &[5, 5], &[80, 8])),
            (view(0, &[5, 5], &[8, 80]), view(400 + 40, &[5, 5], &[-80, 8])),
            (view(0, &[1000, 1000, 500], &[8_000_000, 8000, 8]), view(4000, &[1000, 1000, 500], &[8_000_000, 8000, 8])),
            (view(0, &[10, 0], &[0, 8]), view(0, &[10], &[8])),
        ];
        for (k, (a, b)) in apart.iter().enumerate() {
            assert!(!may_overlap(a, b), "case {k}");
            assert!(!may_overlap(b, a), "case {k}");
        }
        assert!(may_overlap(&view(0, &[10], &[8]), &view(8, &[10], &[8])));
        assert!(may_overlap(&view(0, &[10], &[8]), &view(4, &[10], &[8])));
        assert!(may_overlap(&view(0, &[10, 5], &[80, 8]), &view(32, &[10, 5], &[80, 8])));
    }

    const DTYPES: [DType; 4] = [DType::I8, DType::I16, DType::F32, DType::F64];

    #[test]
    fn overlap_of_random_views_as_by_enumeration() {
        let mut random = Random::new("overlap");
        let (mut overlapping, mut undecided, mut inner) = (0, 0, 0);
        for _ in 0..20_000 {
            let (shape_a, strides_a) = random.small_view();
            let (shape_b, strides_b) = random.small_view();
            let a = unread_view(4096, &shape_a, &strides_a, DTYPES[random.below(4)]);
            let b = unread_view(4096 + random.below(80) as isize - 40, &shape_b, &strides_b, DTYPES[random.below(4)]);
            let truly = truly_overlap(&a, &b);
            let answer = may_overlap(&a, &b);
            assert!(answer || !truly, "{a:?} {b:?}");
            overlapping += truly as usize;
            undecided += (answer && !truly) as usize;

            let truly = truly_overlaps_itself(&a);
            let answer = has_internal_overlap(&a);
            assert!(answer || !truly, "{a:?}");
            inner += truly as usize;
            undecided += (answer && !truly) as usize;
        }
        println!("{overlapping} pairs overlap, {inner} views overlap themselves, {undecided} undecided");
        assert!(overlapping > 1000 && inner > 1000);
        assert_eq!(undecided, 0);
    }

    #[test]
    fn sections_of_one_array_are_decided_exactly() {
        let mut random = Random::new("sections");
        let (mut overlapping, mut apart) = (0, 0);
        for _ in 0..5_000 {
            let parent: Vec<isize> = (0..1 + random.below(4)).map(|_| 1 + random.below(6) as isize).collect();
            let mut section = || {
                let (mut data, mut stride, mut axes) = (0, 8, Vec::new());
                for &extent in parent.iter().rev() {
                    let start = random.below(extent as usize) as isize;
                    let step = 1 + random.below(3) as isize;
                    let count = (extent - start + step - 1) / step;
                    if random.below(2) == 0 {
                        data += stride * start;
                        axes.push((count, stride * step));
                    } else {
                        data += stride * (start + (count - 1) * step);
                        axes.push((count, -stride * step));
                    }
                    stride *= extent;
                }
                let (shape, strides): (Vec<isize>, Vec<isize>) = axes.into_iter().rev().unzip();
                (data, shape, strides)
            };
            let ((data_a, shape_a, strides_a), (data_b, shape_b, strides_b)) = (section(), section());
            let (a, b) = (view(data_a, &shape_a, &strides_a), view(data_b, &shape_b, &strides_b));
            assert_eq!(may_overlap(&a, &b), truly_overlap(&a, &b), "{a:?} {b:?}");
            assert!(!has_internal_overlap(&a), "{a:?}");
            *(if truly_overlap(&a, &b) { &mut overlapping } else { &mut apart }) += 1;
        }
        println!("{overlapping} overlap, {apart} don't");
        assert!(overlapping > 500 && apart > 500);
    }

    #[test]
    fn entangled_views_end_in_bounded_work() {
        // A hard instance: many coprime strides. Any answer is right that comes.
        let shape = [50; 12];
        let strides: Vec<isize> = (0..12).map(|k| 1_000_003 + 7919 * k * k).collect();
        let a = view(0, &shape, &strides);
        let b = view(5, &shape, &strides);
        assert!(may_overlap(&a, &b));
        assert!(has_internal_overlap(&a));
    }

    #[test]
    fn the_same_view_under_broadcasting() {
        let a = view(0, &[3, 4], &[32, 8]);
        assert!(same_view(&a, &[3, 4], &a));
        assert!(same_view(&a, &[3, 4], &view(0, &[1, 3, 4], &[7, 32, 8])));
        assert!(!same_view(&a, &[3, 4], &view(8, &[3, 4], &[32, 8])));
        assert!(!same_view(&a, &[3, 4], &view(0, &[4], &[8])));
        assert!(same_view(&view(0, &[4], &[8]), &[3, 4], &view(0, &[3, 4], &[0, 8])));
        assert!(!same_view(&a, &[3, 4], &unread_view(4096, &[3, 4], &[32, 8], DType::F32)));
        assert!(same_view(&view(0, &[1], &[8]), &[1], &view(0, &[], &[])));
    }
}
