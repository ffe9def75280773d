//! From a loop's index space and its operands to few, long calls of generated code.
//!
//! No element of a loop depends on another, so that axes may be visited in any order and direction:
//! axes of one element are dropped, backward axes turned round, the others sorted by stride and
//! merged where no operand has a gap. The last axis that remains is the inner one of the generated
//! code, the one before it the outer one; further axes are iterated around the calls.

use super::shape::{self, Axes, element_count, stride_along};
use crate::array::ArrayRef;
use crate::codegen::{Layout, Stride};
use smallvec::{SmallVec, smallvec};
use std::marker::PhantomData;

/// One loop over an index space, with the places of its operands.
#[derive(Clone, Debug)]
pub struct LoopPlan<'a> {
    /// One for each operand of the program, as all lists here; null if this loop doesn't use it.
    pub(super) pointers: PerOperand<*mut u8>,
    pub(super) inner_strides: PerOperand<isize>,
    pub(super) outer_strides: PerOperand<isize>,
    layouts: PerOperand<Layout>,
    pub(super) inner: usize,
    pub(super) outer: usize,
    /// The extents of the axes around the outer one, outermost first.
    pub(super) further: SmallVec<[usize; 4]>,
    /// The strides of those axes: for each axis one an operand.
    pub(super) further_strides: SmallVec<[isize; 8]>,
    elements: usize,
    bytes: usize,
    pub(super) weight: usize,
    /// Must axes and elements be visited in the order of their indices?
    pub(super) in_order: bool,
    /// The plan points into the operands' memory.
    memory: PhantomData<&'a mut u8>,
}

type PerOperand<T> = SmallVec<[T; 8]>;

const UNUSED: Layout = Layout { stride: Stride::Constant, swapped: false };

/// Fewer elements than this are a poor call; then a longer axis is worth more than its locality.
const SHORT_CALL: usize = 256;

impl<'a> LoopPlan<'a> {
    /// Plans a loop over `shape`. For each operand of the program there is the view that the loop
    /// loads or stores, which broadcasts to `shape`, or `None`.
    ///
    /// # Panics
    /// If a view doesn't broadcast to `shape`, or if `shape` has more elements than can be counted.
    pub fn new(shape: &[isize], operands: &[Option<&ArrayRef<'a>>]) -> LoopPlan<'a> {
        let mut plan = LoopPlan::unplaced(shape, operands);
        if !plan.place_packed(shape, operands) {
            plan.place(shape, operands);
        }
        plan
    }

    /// The same, but elements are visited in C order of their indices: needed where a target shows
    /// one element under two indices, so that the last one stays.
    pub fn in_order(shape: &[isize], operands: &[Option<&ArrayRef<'a>>]) -> LoopPlan<'a> {
        let mut plan = LoopPlan::unplaced(shape, operands);
        plan.in_order = true;
        plan.place(shape, operands);
        plan
    }

    /// A plan that knows its operands' addresses but not yet its axes.
    fn unplaced(shape: &[isize], operands: &[Option<&ArrayRef<'a>>]) -> LoopPlan<'a> {
        let count = operands.len();
        let elements = element_count(shape).expect("a loop's elements can be counted");
        let mut plan = LoopPlan {
            pointers: smallvec![std::ptr::null_mut(); count],
            inner_strides: smallvec![0; count],
            outer_strides: smallvec![0; count],
            layouts: smallvec![UNUSED; count],
            inner: elements,
            outer: 1,
            further: SmallVec::new(),
            further_strides: SmallVec::new(),
            elements,
            bytes: 0,
            weight: 1,
            in_order: false,
            memory: PhantomData,
        };
        for (k, operand) in operands.iter().enumerate() {
            if let Some(array) = operand {
                plan.pointers[k] = array.data();
                plan.layouts[k].swapped = array.swapped() && array.itemsize() > 1;
            }
        }
        plan
    }

    /// The common case: every operand is a scalar or has the loop's shape without gaps. False, with
    /// nothing of lasting effect done, if it is not that case.
    fn place_packed(&mut self, shape: &[isize], operands: &[Option<&ArrayRef>]) -> bool {
        let mut itemsizes = 0;
        for (k, operand) in operands.iter().enumerate() {
            let Some(array) = operand else { continue };
            if array.shape().is_empty() {
                self.inner_strides[k] = 0;
                self.layouts[k].stride = Stride::Constant;
            } else if array.shape() == shape && array.is_c_contiguous() {
                self.inner_strides[k] = array.itemsize() as isize;
                self.layouts[k].stride = Stride::Contiguous;
                itemsizes += array.itemsize();
            } else {
                return false;
            }
        }
        self.bytes = itemsizes.saturating_mul(self.elements);
        true
    }

    /// The general case.
    fn place(&mut self, shape: &[isize], operands: &[Option<&ArrayRef>]) {
        let (ndim, count) = (shape.len(), operands.len());
        for array in operands.iter().flatten() {
            // What the code reads and writes stays within the views because of this.
            assert!(broadcasts_to(array.shape(), shape), "an operand doesn't broadcast to its loop");
        }
        if self.elements == 0 {
            return;
        }

        // All strides: for each axis with more than one element one an operand.
        let mut axes: Axes = (0..ndim as u8).filter(|&axis| shape[axis as usize] != 1).collect();
        let mut extents: SmallVec<[usize; 6]> = axes.iter().map(|&axis| shape[axis as usize] as usize).collect();
        let mut strides: SmallVec<[isize; 32]> = smallvec![0; axes.len() * count];
        for (row, &axis) in strides.chunks_exact_mut(count.max(1)).zip(&axes) {
            for (stride, operand) in row.iter_mut().zip(operands) {
                *stride = operand.map_or(0, |array| stride_along(array, ndim, axis as usize));
            }
        }
        self.count_bytes(&extents, &strides, operands);

        if !self.in_order {
            self.turn_backward_axes(&extents, &mut strides);
            for (place, axis) in axes.iter_mut().enumerate() {
                *axis = place as u8;
            }
            sort_axes(&mut axes, &strides, count);
            if !axes.is_sorted() {
                extents = axes.iter().map(|&axis| extents[axis as usize]).collect();
                let row = |axis: &u8| *axis as usize * count..(*axis as usize + 1) * count;
                strides = axes.iter().flat_map(|axis| strides[row(axis)].iter().copied()).collect();
            }
        }
        merge_axes(&mut extents, &mut strides, count);
        if !self.in_order {
            lengthen_calls(&mut extents, &mut strides, count);
        }

        self.inner = 1;
        if let Some(inner) = extents.pop() {
            self.inner = inner;
            self.inner_strides.copy_from_slice(&strides[extents.len() * count..]);
        }
        if let Some(outer) = extents.pop() {
            self.outer = outer;
            self.outer_strides.copy_from_slice(&strides[extents.len() * count..][..count]);
        }
        self.further_strides.extend_from_slice(&strides[..extents.len() * count]);
        self.further.extend_from_slice(&extents);

        for (k, operand) in operands.iter().enumerate() {
            let Some(array) = operand else { continue };
            if self.elements == 1 {
                // Any stride will do: the code for longer arrays serves one element, too.
                self.inner_strides[k] = if array.ndim() == 0 { 0 } else { array.itemsize() as isize };
            }
            self.layouts[k].stride = match (self.inner_strides[k], self.outer_strides[k]) {
                (0, 0) => Stride::Constant,
                (0, _) => Stride::Row,
                (stride, _) if stride == array.itemsize() as isize => Stride::Contiguous,
                _ => Stride::Strided,
            };
        }
    }

    fn count_bytes(&mut self, extents: &[usize], strides: &[isize], operands: &[Option<&ArrayRef>]) {
        for (k, operand) in operands.iter().enumerate() {
            let Some(array) = operand else { continue };
            let mut bytes = array.itemsize();
            for (row, &extent) in strides.chunks_exact(operands.len()).zip(extents) {
                if row[k] != 0 {
                    bytes = bytes.saturating_mul(extent);
                }
            }
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    /// Turns the axes round along which some operands run backward and none forward.
    fn turn_backward_axes(&mut self, extents: &[usize], strides: &mut [isize]) {
        let count = self.pointers.len().max(1);
        for (row, &extent) in strides.chunks_exact_mut(count).zip(extents) {
            if row.iter().all(|&stride| stride <= 0) {
                for (stride, pointer) in row.iter_mut().zip(&mut self.pointers) {
                    *pointer = pointer.wrapping_offset(*stride * (extent as isize - 1));
                    *stride = -*stride;
                }
            }
        }
    }

    /// Says how many instructions the loop spends on an element, so that a chunk of a very long
    /// loop stays short enough for an interrupt to be seen.
    pub fn with_weight(mut self, instructions: usize) -> LoopPlan<'a> {
        self.weight = instructions.max(1);
        self
    }

    /// The layout class of each operand; those that the loop doesn't use are `Constant`.
    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// The number of elements to visit.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The memory that the loop reads and writes, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same plan, whatever it points to. Only for use that ends before `'a` does.
    pub(super) fn unbound(&self) -> LoopPlan<'static> {
        let LoopPlan { elements, bytes, weight, in_order, inner, outer, .. } = *self;
        LoopPlan {
            pointers: self.pointers.clone(),
            inner_strides: self.inner_strides.clone(),
            outer_strides: self.outer_strides.clone(),
            layouts: self.layouts.clone(),
            inner,
            outer,
            further: self.further.clone(),
            further_strides: self.further_strides.clone(),
            elements,
            bytes,
            weight,
            in_order,
            memory: PhantomData,
        }
    }
}

fn broadcasts_to(shape: &[isize], target: &[isize]) -> bool {
    let surplus = shape.len().saturating_sub(target.len());
    shape[..surplus].iter().all(|&extent| extent == 1)
        && shape.iter().rev().zip(target.iter().rev()).all(|(&own, &extent)| own == extent || own == 1)
}

/// Sorts axes, given as places in the table of strides, so that the smallest strides come last.
/// Where operands disagree the greater number of them decides, then the order of the indices.
fn sort_axes(axes: &mut [u8], strides: &[isize], count: usize) {
    let row = |axis: u8| &strides[axis as usize * count..][..count];
    shape::sort_axes(axes, |outer, inner| {
        let (mut votes, mut compared) = (0isize, false);
        for (&outer, &inner) in row(outer).iter().zip(row(inner)) {
            if outer != 0 && inner != 0 {
                compared = true;
                votes += match outer.unsigned_abs().cmp(&inner.unsigned_abs()) {
                    std::cmp::Ordering::Less => 1,
                    std::cmp::Ordering::Equal => 0,
                    std::cmp::Ordering::Greater => -1,
                };
            }
        }
        compared.then_some(votes > 0)
    });
}

/// Joins neighbouring axes where for every operand the inner one's end is the outer one's next
/// element.
fn merge_axes(extents: &mut SmallVec<[usize; 6]>, strides: &mut SmallVec<[isize; 32]>, count: usize) {
    let mut kept = 0;
    for axis in 1..extents.len() {
        let (outer, inner) = (kept * count, axis * count);
        let extent = extents[axis] as isize;
        if (0..count).all(|k| strides[outer + k] == strides[inner + k].wrapping_mul(extent)) {
            extents[kept] *= extents[axis];
        } else {
            kept += 1;
            extents[kept] = extents[axis];
        }
        strides.copy_within(inner..inner + count, kept * count);
    }
    if !extents.is_empty() {
        extents.truncate(kept + 1);
        strides.truncate((kept + 1) * count);
    }
}

/// Where calls would be short, makes the longest of the other axes the outer one.
fn lengthen_calls(extents: &mut [usize], strides: &mut [isize], count: usize) {
    let [further @ .., outer, inner] = &*extents else { return };
    if outer.saturating_mul(*inner) >= SHORT_CALL {
        return;
    }
    let Some((axis, &longest)) = further.iter().enumerate().max_by_key(|&(_, &extent)| extent) else { return };
    if longest > *outer {
        let place = extents.len() - 2;
        extents.swap(axis, place);
        for k in 0..count {
            strides.swap(axis * count + k, place * count + k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::runtime::run::tests::unread_view;

    fn view<'a>(shape: &'a [isize], strides: &'a [isize]) -> ArrayRef<'a> {
        unread_view(1 << 20, shape, strides, DType::F64)
    }

    /// The plan's axes, innermost last, and each operand's class.
    fn planned(shape: &[isize], views: &[ArrayRef]) -> (Vec<usize>, Vec<Stride>) {
        let operands: Vec<Option<&ArrayRef>> = views.iter().map(Some).collect();
        let plan = LoopPlan::new(shape, &operands);
        let mut extents = plan.further.to_vec();
        extents.extend([plan.outer, plan.inner]);
        assert_eq!(extents.iter().product::<usize>(), plan.elements());
        (extents, plan.layouts().iter().map(|l| l.stride).collect())
    }

    use Stride::*;

    #[test]
    fn packed_operands_are_one_axis() {
        let scalar = view(&[], &[]);
        let c = view(&[4, 5], &[40, 8]);
        assert_eq!(planned(&[4, 5], &[c, scalar, c]), (vec![1, 20], vec![Contiguous, Constant, Contiguous]));
        assert_eq!(planned(&[], &[scalar, scalar]), (vec![1, 1], vec![Constant, Constant]));
        let f = view(&[4, 5], &[8, 32]);
        assert_eq!(planned(&[4, 5], &[f, f]), (vec![1, 20], vec![Contiguous, Contiguous]));
        let backward = view(&[4, 5], &[-40, -8]);
        assert_eq!(planned(&[4, 5], &[backward, backward]), (vec![1, 20], vec![Contiguous, Contiguous]));
        let mixed = view(&[4, 5], &[-40, 8]);
        assert_eq!(planned(&[4, 5], &[mixed, mixed]), (vec![1, 20], vec![Contiguous, Contiguous]));
        assert_eq!(planned(&[4, 5], &[mixed, c]), (vec![4, 5], vec![Contiguous, Contiguous]));
        let row = view(&[5], &[8]);
        assert_eq!(planned(&[4, 5], &[c, row]), (vec![4, 5], vec![Contiguous, Contiguous]));
        let column = view(&[4, 1], &[8, 8]);
        assert_eq!(planned(&[4, 5], &[c, column]), (vec![4, 5], vec![Contiguous, Row]));
        assert_eq!(planned(&[4, 5], &[view(&[4, 5], &[0, 0]), c]), (vec![1, 20], vec![Constant, Contiguous]));
        assert_eq!(planned(&[4, 5], &[view(&[4, 5], &[80, 16]), c]), (vec![1, 20], vec![Strided, Contiguous]));
    }

    #[test]
    fn one_element_uses_the_code_of_many() {
        let scalar = view(&[], &[]);
        let one = view(&[1, 1], &[3, 7]);
        assert_eq!(
            planned(&[1, 1], &[one, view(&[1], &[8]), scalar]),
            (vec![1, 1], vec![Contiguous, Contiguous, Constant])
        );
    }

    #[test]
    fn most_operands_choose_the_inner_axis() {
        let c = view(&[4, 5], &[40, 8]);
        let f = view(&[4, 5], &[8, 32]);
        assert_eq!(planned(&[4, 5], &[f, c, f]), (vec![5, 4], vec![Contiguous, Strided, Contiguous]));
        assert_eq!(planned(&[4, 5], &[f, c]), (vec![4, 5], vec![Strided, Contiguous]));
        assert_eq!(planned(&[4, 5], &[f, c, c]), (vec![4, 5], vec![Strided, Contiguous, Contiguous]));
    }

    #[test]
    fn a_long_axis_is_not_left_outside_of_short_calls() {
        let gaps = view(&[1000, 2, 3], &[144, 64, 16]);
        assert_eq!(planned(&[1000, 2, 3], &[gaps]).0, [2, 1000, 3]);
        let long = view(&[1000, 2, 300], &[13000, 6400, 16]);
        assert_eq!(planned(&[1000, 2, 300], &[long]).0, [1000, 2, 300]);
    }

    #[test]
    fn traffic_counts_each_element_once() {
        let operands = [view(&[4, 5], &[40, 8]), view(&[5], &[8]), view(&[4, 1], &[8, 8]), view(&[], &[])];
        let operands: Vec<Option<&ArrayRef>> = operands.iter().map(Some).collect();
        assert_eq!(LoopPlan::new(&[4, 5], &operands).bytes(), 8 * (20 + 5 + 4 + 1));
        assert_eq!(LoopPlan::new(&[4, 5], &operands[..1]).bytes(), 8 * 20);
    }

    #[test]
    fn sixty_four_axes() {
        let shape: Vec<isize> = (0..64).map(|k| if k % 4 == 0 { 2 } else { 1 }).collect();
        let strides: Vec<isize> = (0..64).map(|k| 16 << (k / 4)).collect();
        let x = view(&shape, &strides);
        let empty = view(&[0, 3], &[24, 8]);
        assert_eq!(planned(&shape, &[x]), (vec![1, 1 << 16], vec![Strided]));
        assert_eq!(LoopPlan::new(&[0, 3], &[Some(&empty), None]).elements(), 0);
    }

    #[test]
    #[should_panic(expected = "broadcast")]
    fn a_view_that_does_not_fit_is_refused() {
        LoopPlan::new(&[4], &[Some(&view(&[5], &[8]))]);
    }
}
