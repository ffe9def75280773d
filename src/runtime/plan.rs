//! From a loop's index space and its operands to few, long calls of generated code.
//!
//! No element of a loop depends on another, so that axes may be visited in any order and direction:
//! axes of one element are dropped, backward axes turned round, the others sorted by stride and
//! merged where no operand has a gap. The last axis that remains is the inner one of the generated
//! code, the one before it the outer one; further axes are iterated around the calls.

use super::cache;
use super::shape::{self, Axes, element_count, stride_along};
use crate::array::ArrayRef;
use crate::codegen::{Layout, Stride};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// One loop over an index space, with the places of its operands.
#[derive(Clone, Debug)]
pub struct LoopPlan<'a> {
    /// The address of each operand's first element; null if this loop doesn't use the operand.
    pub(super) pointers: SmallVec<[*mut u8; 8]>,
    layouts: SmallVec<[Layout; 8]>,
    /// The extents of the axes, innermost first; at least the inner and the outer one.
    extents: SmallVec<[usize; 6]>,
    /// The strides: for each of those axes one an operand.
    strides: SmallVec<[isize; 24]>,
    elements: usize,
    bytes: usize,
    pub(super) weight: usize,
    /// Must elements be visited in the order of their indices?
    pub(super) in_order: bool,
    /// The plan points into the operands' memory.
    memory: PhantomData<&'a mut u8>,
}

const UNUSED: Layout = Layout { stride: Stride::Constant, swapped: false };

/// The layout of a packed array or a scalar of native byte order, over its own shape.
pub fn packed_layout(array: &ArrayRef) -> Layout {
    let stride = if array.ndim() == 0 { Stride::Constant } else { Stride::Contiguous };
    Layout { stride, swapped: false }
}

/// The work on an element, memory apart, as if it were bytes: a vectorised instruction is about two.
/// What touches no new memory still costs what a float64 does.
#[inline]
pub fn element_work(weight: usize) -> usize {
    weight.saturating_mul(2).max(8)
}

/// Results of so few values are computed side by side.
const FEW_VALUES: usize = 32;

/// Fewer elements than this are a poor call; then a longer axis is worth more than its locality.
const SHORT_CALL: usize = 256;

impl<'a> LoopPlan<'a> {
    /// Plans a loop over `shape`. For each operand of the program there is the view that the loop
    /// loads or stores, which broadcasts to `shape`, or `None`.
    ///
    /// # Panics
    /// If a view doesn't broadcast to `shape`, or if `shape` has more elements than can be counted.
    // Built in the caller's place: moving a plan would cost as much as making it.
    #[inline(always)]
    pub fn new(shape: &[isize], operands: &[Option<&ArrayRef<'a>>]) -> LoopPlan<'a> {
        let mut plan = LoopPlan::empty(shape, operands.len());
        if !plan.place_packed(shape, operands) {
            plan.place(shape, operands);
        }
        plan
    }

    /// The same, but elements are visited in C order of their indices: needed where a target shows
    /// one element under two indices, so that the last one stays.
    pub fn in_order(shape: &[isize], operands: &[Option<&ArrayRef<'a>>]) -> LoopPlan<'a> {
        let mut plan = LoopPlan::empty(shape, operands.len());
        plan.in_order = true;
        plan.place(shape, operands);
        plan
    }

    /// Plans a loop that reduces: the operands for which `is_result` holds have one element along the axes
    /// that are reduced.
    pub fn reducing(
        shape: &[isize],
        operands: &[Option<&ArrayRef<'a>>],
        is_result: impl Fn(usize) -> bool,
    ) -> ReducePlan<'a> {
        let count = operands.len();
        let mut plan = LoopPlan::empty(shape, count);
        plan.find_axes(shape, operands);
        // Results lie in memory of ours, in whatever order suits the others.
        plan.turn_backward_axes(&is_result);
        plan.sort_axes();
        plan.merge_axes();
        let result = (0..count).find(|&operand| is_result(operand)).unwrap_or(0);
        let is_kept = |axis: &usize| plan.strides[axis * count + result] != 0;
        let (kept, mut reduced): (Vec<usize>, Vec<usize>) = (0..plan.extents.len()).partition(is_kept);
        let extent = |axis: &usize| plan.extents[*axis];
        let values: usize = reduced.iter().map(extent).product();
        // Rows of few values are better joined side by side.
        let longest = kept.iter().copied().max_by_key(extent);
        let column = match kept.first() {
            Some(0) => Some(0),
            _ => longest.filter(|axis| values < FEW_VALUES && extent(axis) > values),
        };
        // An axis of one element stands for none.
        if reduced.is_empty() {
            reduced.push(usize::MAX);
        }
        let others = kept.iter().copied().filter(|axis| Some(*axis) != column);
        let mut order: SmallVec<[usize; 6]> = column.into_iter().chain(reduced.iter().copied()).chain(others).collect();
        if order.len() < 2 {
            order.push(usize::MAX);
        }
        let of_axis = |&axis: &usize| if axis == usize::MAX { 1 } else { plan.extents[axis] };
        let extents = order.iter().map(of_axis).collect();
        let strides_of = |axis: usize| match axis {
            usize::MAX => SmallVec::<[isize; 8]>::from_elem(0, count),
            _ => SmallVec::from_slice(&plan.strides[axis * count..][..count]),
        };
        let strides = order.iter().flat_map(|&axis| strides_of(axis)).collect();
        (plan.extents, plan.strides) = (extents, strides);
        plan.layouts.clear();
        for (k, operand) in operands.iter().enumerate() {
            let layout = operand.map_or(UNUSED, |array| plan.place_operand(k, array));
            plan.layouts.push(layout);
        }
        ReducePlan { is_columns: column.is_some(), reduced: reduced.len(), plan }
    }

    #[inline(always)]
    fn empty(shape: &[isize], count: usize) -> LoopPlan<'a> {
        let elements = element_count(shape).expect("a loop's elements can be counted");
        LoopPlan {
            pointers: filled([std::ptr::null_mut(); 8], count),
            layouts: filled([UNUSED; 8], count),
            extents: SmallVec::from_buf_and_len([elements, 1, 0, 0, 0, 0], 2),
            strides: filled([0; 24], 2 * count),
            elements,
            bytes: 0,
            weight: 1,
            in_order: false,
            memory: PhantomData,
        }
    }

    /// The common case: every operand is a scalar or has the loop's shape without gaps. False, with
    /// nothing of use done, if it is not that case.
    #[inline(always)]
    fn place_packed(&mut self, shape: &[isize], operands: &[Option<&ArrayRef>]) -> bool {
        let mut itemsizes = 0;
        let lists = self.pointers.iter_mut().zip(&mut self.layouts).zip(&mut self.strides);
        for (operand, ((pointer, layout), stride)) in operands.iter().zip(lists) {
            let Some(array) = operand else { continue };
            *pointer = array.data();
            layout.swapped = is_swapped(array);
            if !array.shape().is_empty() {
                if !same_extents(array.shape(), shape) || !array.is_c_contiguous() {
                    return false;
                }
                layout.stride = Stride::Contiguous;
                *stride = array.itemsize() as isize;
                itemsizes += array.itemsize();
            }
        }
        self.bytes = itemsizes.saturating_mul(self.elements);
        true
    }

    /// The general case.
    #[inline(never)]
    fn place(&mut self, shape: &[isize], operands: &[Option<&ArrayRef>]) {
        self.find_axes(shape, operands);
        let count = operands.len();
        if !self.in_order {
            self.turn_backward_axes(&|_| false);
            self.sort_axes();
        }
        self.merge_axes();
        if !self.in_order {
            self.lengthen_calls();
        }
        while self.extents.len() < 2 {
            self.extents.push(1);
            self.strides.resize(self.extents.len() * count, 0);
        }
        self.layouts.clear();
        for (k, operand) in operands.iter().enumerate() {
            let layout = operand.map_or(UNUSED, |array| self.place_operand(k, array));
            self.layouts.push(layout);
        }
    }

    /// The axes of more than one element, innermost first.
    fn find_axes(&mut self, shape: &[isize], operands: &[Option<&ArrayRef>]) {
        self.pointers.clear();
        self.extents.clear();
        self.strides.clear();
        for operand in operands {
            // What the code reads and writes stays within the views because of this.
            let fits = operand.is_none_or(|array| broadcasts_to(array.shape(), shape));
            assert!(fits, "an operand doesn't broadcast to its loop");
            self.pointers.push(operand.map_or(std::ptr::null_mut(), |array| array.data()));
        }
        for (axis, &extent) in shape.iter().enumerate().rev() {
            if extent != 1 {
                self.extents.push(extent as usize);
                for operand in operands {
                    self.strides.push(operand.map_or(0, |array| stride_along(array, shape.len(), axis)));
                }
            }
        }
    }

    /// Counts an operand's memory and finds its class.
    fn place_operand(&mut self, k: usize, array: &ArrayRef) -> Layout {
        let (count, itemsize) = (self.pointers.len(), array.itemsize());
        let mut bytes = itemsize;
        for (row, &extent) in self.strides.chunks_exact(count).zip(&self.extents) {
            if row[k] != 0 {
                bytes = bytes.saturating_mul(extent);
            }
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.elements == 1 && array.ndim() > 0 {
            // Any stride will do: the code for longer arrays serves one element, too.
            self.strides[k] = itemsize as isize;
        }
        let stride = match (self.strides[k], self.strides[count + k]) {
            (0, 0) => Stride::Constant,
            (0, _) => Stride::Row,
            (stride, 0) if stride == itemsize as isize && self.extents[1] > 1 => Stride::Column,
            (stride, _) if stride == itemsize as isize => Stride::Contiguous,
            (stride, _) if stride == 2 * itemsize as isize && array.is_half() => Stride::Interleaved,
            _ => Stride::Strided,
        };
        Layout { stride, swapped: is_swapped(array) }
    }

    /// Turns the axes round along which some operands run backward and none forward, those apart whose
    /// direction doesn't matter.
    fn turn_backward_axes(&mut self, does_not_matter: &dyn Fn(usize) -> bool) {
        for (row, &extent) in self.strides.chunks_exact_mut(self.pointers.len().max(1)).zip(&self.extents) {
            if row.iter().enumerate().all(|(k, &stride)| stride <= 0 || does_not_matter(k)) {
                for (stride, pointer) in row.iter_mut().zip(&mut self.pointers) {
                    *pointer = pointer.wrapping_offset(*stride * (extent as isize - 1));
                    *stride = -*stride;
                }
            }
        }
    }

    /// Sorts axes by stride. Where operands disagree the greater number of them decides, then the
    /// order of the indices.
    fn sort_axes(&mut self) {
        let count = self.pointers.len();
        // Outermost first.
        let mut axes: Axes = Axes::new();
        for axis in (0..self.extents.len()).rev() {
            axes.push(axis as u8);
        }
        let row = |axis: u8| &self.strides[axis as usize * count..][..count];
        shape::sort_axes(&mut axes, |outer, inner| {
            let (mut votes, mut compared) = (0isize, false);
            for (&outer, &inner) in row(outer).iter().zip(row(inner)) {
                if outer != 0 && inner != 0 {
                    compared = true;
                    let (outer, inner) = (outer.unsigned_abs(), inner.unsigned_abs());
                    votes += (outer < inner) as isize - (outer > inner) as isize;
                }
            }
            compared.then_some(votes > 0)
        });
        if !axes.is_sorted_by_key(std::cmp::Reverse) {
            axes.reverse();
            self.strides = axes.iter().flat_map(|&axis| row(axis).iter().copied()).collect();
            self.extents = axes.iter().map(|&axis| self.extents[axis as usize]).collect();
        }
    }

    /// Joins neighbouring axes where for every operand the inner one's end is the outer one's next
    /// element.
    fn merge_axes(&mut self) {
        let (count, strides) = (self.pointers.len(), &mut *self.strides);
        let mut kept = 0;
        for axis in 1..self.extents.len() {
            let (inner, outer) = (kept * count, axis * count);
            let extent = self.extents[kept] as isize;
            if (0..count).all(|k| strides[outer + k] == strides[inner + k].wrapping_mul(extent)) {
                self.extents[kept] = self.extents[kept].wrapping_mul(self.extents[axis]);
            } else {
                kept += 1;
                self.extents[kept] = self.extents[axis];
                if kept != axis {
                    strides.copy_within(outer..outer + count, kept * count);
                }
            }
        }
        self.extents.truncate(kept + 1);
        self.strides.truncate(self.extents.len() * count);
    }

    /// Where calls would be short, makes the longest of the further axes the outer one.
    fn lengthen_calls(&mut self) {
        let [inner, outer, further @ ..] = &*self.extents else { return };
        let Some((axis, longest)) = further.iter().enumerate().max_by_key(|&(_, &extent)| extent) else { return };
        if inner.saturating_mul(*outer) >= SHORT_CALL || longest <= outer {
            return;
        }
        let (axis, count) = (axis + 2, self.pointers.len());
        self.extents.swap(1, axis);
        for k in 0..count {
            self.strides.swap(count + k, axis * count + k);
        }
    }

    /// Says what the loop's program costs an element, so that a chunk of it stays short enough for an
    /// interrupt to be seen.
    pub fn with_weight(mut self, weight: usize) -> LoopPlan<'a> {
        self.weight = weight.max(1);
        self
    }

    /// The work that the loop is, in bytes of memory or what takes as long.
    #[inline]
    pub fn work(&self) -> usize {
        self.bytes.max(self.elements.saturating_mul(element_work(self.weight)))
    }

    /// Lets what is written and not read go past the caches where it is too large for them; `uses`
    /// says of each operand whether the loop reads it and whether it writes it.
    pub fn stream(&mut self, uses: impl Fn(usize) -> (bool, bool), itemsize: impl Fn(usize) -> usize) {
        if !self.is_far() {
            return;
        }
        for (operand, layout) in self.layouts.iter_mut().enumerate() {
            let is_large = self.elements.saturating_mul(itemsize(operand)) > cache::last_level() / 2;
            if is_large && uses(operand) == (false, true) && layout.stride == Stride::Contiguous {
                layout.stride = Stride::Streamed;
            }
        }
    }

    /// The layout class of each operand; those that the loop doesn't use are `Constant`.
    #[inline]
    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// The number of elements to visit.
    #[inline]
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The memory that the loop reads and writes, in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Is that too much for the caches?
    pub fn is_far(&self) -> bool {
        self.bytes > cache::last_level()
    }

    /// The extents of the axes, innermost first: the inner and the outer one of the code, then
    /// those around it.
    #[inline]
    pub(super) fn extents(&self) -> &[usize] {
        &self.extents
    }

    /// Each operand's stride along the axis of this number.
    #[inline]
    pub(super) fn strides(&self, axis: usize) -> &[isize] {
        let count = self.pointers.len();
        &self.strides[axis * count..][..count]
    }

    /// The same plan, whatever it points to. Only for use that ends before `'a` does.
    pub(super) fn unbound(&self) -> LoopPlan<'static> {
        let LoopPlan { elements, bytes, weight, in_order, .. } = *self;
        LoopPlan {
            pointers: self.pointers.clone(),
            layouts: self.layouts.clone(),
            extents: self.extents.clone(),
            strides: self.strides.clone(),
            elements,
            bytes,
            weight,
            in_order,
            memory: PhantomData,
        }
    }
}

/// A plan of a loop that reduces. Its axes are those of a [`LoopPlan`], in another order: where the innermost
/// axis is kept, that one first; then the reduced axes, then the others that are kept.
#[derive(Clone, Debug)]
pub struct ReducePlan<'a> {
    pub(super) plan: LoopPlan<'a>,
    /// Is the innermost axis kept, so that rows are joined element by element?
    pub(super) is_columns: bool,
    /// How many axes are reduced, at least one.
    pub(super) reduced: usize,
}

/// How the values that are folded lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldOrder {
    /// Those of the only result along the innermost axis.
    Row,
    /// Those of each of several results.
    ManyRows,
    /// Rows of values are joined, element by element.
    Columns,
    /// Along several axes, the innermost among them, so that runs of values go round the end of an axis.
    Values,
}

impl<'a> ReducePlan<'a> {
    /// The layout class of each operand along the two innermost axes.
    pub fn layouts(&self) -> &[Layout] {
        &self.plan.layouts
    }

    /// How the values that are folded lie.
    pub fn order(&self) -> FoldOrder {
        match self.reduced {
            _ if self.is_columns => FoldOrder::Columns,
            1 if self.plan.extents[1..].iter().all(|&extent| extent == 1) => FoldOrder::Row,
            1 => FoldOrder::ManyRows,
            _ => FoldOrder::Values,
        }
    }

    /// The same plan, whatever it points to. Only for use that ends before `'a` does.
    pub(super) fn unbound(&self) -> ReducePlan<'static> {
        ReducePlan { plan: self.plan.unbound(), is_columns: self.is_columns, reduced: self.reduced }
    }

    /// Is the memory that the loop reads too much for the caches?
    pub fn is_far(&self) -> bool {
        self.plan.is_far()
    }

    /// The work that the loop is, as [`LoopPlan::work`].
    pub fn work(&self) -> usize {
        self.plan.work()
    }

    /// Says what the loop's program costs an element.
    pub fn with_weight(mut self, weight: usize) -> ReducePlan<'a> {
        self.plan.weight = weight.max(1);
        self
    }
}

/// A list of this many of the same items. Faster than one by one, if they fit inline.
#[inline(always)]
fn filled<T: Copy, const N: usize>(items: [T; N], count: usize) -> SmallVec<[T; N]>
where
    [T; N]: smallvec::Array<Item = T>,
{
    let mut list = SmallVec::from_buf_and_len(items, count.min(N));
    if count > N {
        list.resize(count, items[0]);
    }
    list
}

/// Does it matter that elements have the other byte order?
#[inline]
fn is_swapped(array: &ArrayRef) -> bool {
    array.swapped() && array.itemsize() > 1
}

/// As `a == b`, without a call of the C library for few items.
#[inline]
fn same_extents(a: &[isize], b: &[isize]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

fn broadcasts_to(shape: &[isize], target: &[isize]) -> bool {
    let surplus = shape.len().saturating_sub(target.len());
    shape[..surplus].iter().all(|&extent| extent == 1)
        && shape.iter().rev().zip(target.iter().rev()).all(|(&own, &extent)| own == extent || own == 1)
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
        let extents: Vec<usize> = plan.extents().iter().rev().copied().collect();
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
        assert_eq!(planned(&[4, 5], &[c, row]), (vec![4, 5], vec![Contiguous, Column]));
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
