//! Plans and runs over arrays of any layout, against a plain walk over all indices.
#![allow(unsafe_code, reason = "runs plans over memory of its own, as generated code would")]

#[path = "common/random.rs"]
mod random;

use numfuse::array::ArrayRef;
use numfuse::codegen::{Entry, Stride};
use numfuse::dtype::{DType, Type};
use numfuse::runtime::plan::LoopPlan;
use numfuse::runtime::run::{RunError, run};
use numfuse::runtime::threads;
use random::Random;
use std::cell::Cell;

/// Code that stores the sum of operands 0 and 1 to operand 2; a negative number in operand 0 is
/// guard 7's business.
unsafe extern "C" fn add(
    pointers: *const *mut u8,
    inner_strides: *const isize,
    outer_strides: *const isize,
    inner: usize,
    outer: usize,
) -> u64 {
    assert!(inner > 0 && outer > 0);
    for j in 0..outer as isize {
        for i in 0..inner as isize {
            // SAFETY: by the contract of `Entry`, the addresses are those of elements of three operands.
            unsafe {
                let at = |k: usize| {
                    let offset = j * *outer_strides.add(k) + i * *inner_strides.add(k);
                    (*pointers.add(k)).wrapping_offset(offset).cast::<f64>()
                };
                let x = at(0).read_unaligned();
                if x < 0.0 {
                    return 1 + (-x) as u64;
                }
                at(2).write_unaligned(x + at(1).read_unaligned());
            }
        }
    }
    0
}

const ADD: Entry = add;

/// An array in a storage of its own.
#[derive(Clone, Debug)]
struct Array {
    storage: Vec<f64>,
    start: usize,
    shape: Vec<isize>,
    strides: Vec<isize>,
}

impl Array {
    /// An array with axes in a random order, with gaps and backward axes; where `repeat` is given,
    /// possibly broadcast along some axes.
    fn random(random: &mut Random, shape: &[isize], repeat: bool) -> Array {
        let mut order: Vec<usize> = (0..shape.len()).collect();
        match random.below(3) {
            0 => order.reverse(),
            1 => (1..order.len()).for_each(|k| order.swap(k, random.below(k + 1))),
            _ => {}
        }
        let gaps = random.below(3) == 0;
        let mut strides = vec![0; shape.len()];
        let (mut size, mut start) = (1, 0);
        for &axis in order.iter().rev() {
            if repeat && random.below(5) == 0 {
                continue;
            }
            let stride = size * if gaps && size < 10_000 { 1 + random.below(3) as isize } else { 1 };
            let span = stride * (shape[axis] - 1).max(0);
            strides[axis] = 8 * stride;
            if random.below(4) == 0 {
                strides[axis] = -strides[axis];
                start += span;
            }
            size = stride * shape[axis].max(1);
        }
        let storage = (0..size.max(1)).map(|_| random.below(1000) as f64).collect();
        Array { storage, start: start as usize, shape: shape.to_vec(), strides }
    }

    fn packed(storage: Vec<f64>) -> Array {
        Array { shape: vec![storage.len() as isize], strides: vec![8], start: 0, storage }
    }

    /// Drops leading axes along which it repeats, and shows others that repeat as one element.
    fn narrowed(mut self, random: &mut Random) -> Array {
        while !self.shape.is_empty() && self.strides[0] == 0 && self.shape[0] > 0 && random.below(2) == 0 {
            self.shape.remove(0);
            self.strides.remove(0);
        }
        for (extent, stride) in self.shape.iter_mut().zip(&mut self.strides) {
            if *stride == 0 && random.below(2) == 0 && *extent > 0 {
                *extent = 1;
                *stride = 12345;
            }
        }
        self
    }

    fn view(&mut self) -> ArrayRef<'_> {
        let data = self.storage[self.start..].as_mut_ptr().cast();
        // SAFETY: the strides were made for the storage.
        unsafe { ArrayRef::from_raw(data, &self.shape, &self.strides, Type::Strong(DType::F64), false, true) }
    }

    /// The place of an element of an array that broadcasts to `index`'s shape.
    fn place(&self, index: &[isize]) -> usize {
        let index = &index[index.len() - self.shape.len()..];
        let axes = index.iter().zip(&self.shape).zip(&self.strides);
        let offset: isize = axes.map(|((&i, &n), &stride)| if n == 1 { 0 } else { i * stride / 8 }).sum();
        (self.start as isize + offset) as usize
    }
}

/// Calls a function with every index of a shape.
fn each_index(shape: &[isize], mut visit: impl FnMut(&[isize])) {
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; shape.len()];
    loop {
        visit(&index);
        let Some(axis) = (0..shape.len()).rev().find(|&axis| index[axis] + 1 < shape[axis]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Adds with the runtime and with a plain walk; all of the target's storage must agree.
fn check(shape: &[isize], mut x: Array, mut y: Array, mut out: Array, threads: usize, in_order: bool) {
    let mut expected = out.storage.clone();
    each_index(shape, |index| {
        expected[out.place(index)] = x.storage[x.place(index)] + y.storage[y.place(index)];
    });
    let text = format!("{:?} {:?} {:?}", (&x.shape, &x.strides), (&y.shape, &y.strides), (&out.shape, &out.strides));
    {
        let (x, y, out) = (x.view(), y.view(), out.view());
        let operands = [Some(&x), Some(&y), Some(&out), None];
        let plan = if in_order { LoopPlan::in_order(shape, &operands) } else { LoopPlan::new(shape, &operands) };
        assert_eq!(plan.layouts().len(), 4);
        assert_eq!(plan.elements() as isize, shape.iter().product::<isize>());
        assert_eq!(run(&plan, &ADD, threads, &|| false), Ok(()), "{text}");
    }
    assert!(out.storage == expected, "{text}");
}

#[test]
fn any_layout() {
    let mut random = Random::new();
    for round in 0..4000 {
        let ndim = random.below(6);
        let shape: Vec<isize> = (0..ndim).map(|_| [0, 1, 2, 3, 5, 8, 4, 6, 7][random.below(9)]).collect();
        let x = Array::random(&mut random, &shape, true).narrowed(&mut random);
        let y = Array::random(&mut random, &shape, true).narrowed(&mut random);
        let out = Array::random(&mut random, &shape, false);
        check(&shape, x, y, out, 1 + round % 3, round % 5 == 0);
    }
}

#[test]
fn large_arrays_in_chunks_on_threads() {
    let mut random = Random::new();
    let shapes: [&[isize]; 7] =
        [&[300_007], &[3, 100_003], &[100_003, 3], &[50_001, 2, 3], &[40, 50, 60, 3], &[2, 2, 70_001], &[7; 6]];
    for round in 0..21 {
        let shape = shapes[round % shapes.len()];
        let x = Array::random(&mut random, shape, true);
        let y = Array::random(&mut random, shape, true);
        let out = Array::random(&mut random, shape, false);
        check(shape, x, y, out, 1 + round % 4, false);
    }
}

#[test]
fn sixty_four_axes_and_many_operands() {
    let mut random = Random::new();
    let shape: Vec<isize> = (0..64).map(|k| if k % 7 == 3 { 2 } else { 1 }).collect();
    for _ in 0..20 {
        let x = Array::random(&mut random, &shape, true);
        let y = Array::random(&mut random, &shape, true);
        let out = Array::random(&mut random, &shape, false);
        check(&shape, x, y, out, 1, false);
    }
    let mut arrays: Vec<Array> = (0..500).map(|_| Array::random(&mut random, &[3, 4, 5], false)).collect();
    let views: Vec<ArrayRef> = arrays.iter_mut().map(Array::view).collect();
    let operands: Vec<Option<&ArrayRef>> = views.iter().map(Some).collect();
    let plan = LoopPlan::new(&[3, 4, 5], &operands);
    assert_eq!((plan.layouts().len(), plan.bytes()), (500, 500 * 60 * 8));
    assert_eq!(run(&plan, &ADD, 1, &|| false), Ok(()));
}

#[test]
fn swapped_operands_keep_their_class() {
    let values = [1.0f64, 2.0];
    let bytes = [1u8, 2];
    let data = values.as_ptr().cast_mut().cast();
    // SAFETY: as of the arrays; nothing is written.
    let (swapped, byte) = unsafe {
        let byte_data = bytes.as_ptr().cast_mut();
        let swapped = ArrayRef::from_raw(data, &[2], &[8], Type::Strong(DType::F64), true, false);
        (swapped, ArrayRef::from_raw(byte_data, &[2], &[1], Type::Strong(DType::U8), true, false))
    };
    let plan = LoopPlan::new(&[2], &[Some(&swapped), Some(&byte), None]);
    let classes: Vec<_> = plan.layouts().iter().map(|l| (l.stride, l.swapped)).collect();
    assert_eq!(classes, [(Stride::Contiguous, true), (Stride::Contiguous, false), (Stride::Constant, false)]);
}

#[test]
fn the_first_guard_is_reported_whatever_the_threads() {
    let mut random = Random::new();
    for round in 0..24 {
        let size = 200_000 + random.below(200_000);
        let mut x = vec![1.0; size];
        let mut failing: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(size)).collect();
        failing.sort_unstable();
        failing.dedup();
        for (number, &at) in failing.iter().enumerate() {
            x[at] = -(number as f64) - 1.0;
        }
        let (mut x, mut y) = (Array::packed(x), Array::packed(vec![2.0; size]));
        let mut out = Array::packed(vec![0.0; size]);
        {
            let (x, y, out) = (x.view(), y.view(), out.view());
            let plan = LoopPlan::new(&[size as isize], &[Some(&x), Some(&y), Some(&out)]);
            assert_eq!(run(&plan, &ADD, 1 + round % 4, &|| false), Err(RunError::Guard(1)));
        }
        // What stands before the first failure is done; everything is old or final.
        assert!(out.storage[..failing[0]].iter().all(|&value| value == 3.0));
        assert!(out.storage.iter().all(|&value| value == 3.0 || value == 0.0));
        assert!(failing.iter().all(|&at| out.storage[at] == 0.0));
    }
}

/// Code that takes a long time and counts the elements in operand 1, one cell for each element.
unsafe extern "C" fn slow(
    pointers: *const *mut u8,
    inner_strides: *const isize,
    _: *const isize,
    inner: usize,
    outer: usize,
) -> u64 {
    assert_eq!(outer, 1);
    std::thread::sleep(std::time::Duration::from_millis(4));
    for i in 0..inner as isize {
        // SAFETY: by the contract of `Entry`; an element is one cell, which one thread visits.
        unsafe {
            let cell = (*pointers).wrapping_offset(i * *inner_strides).cast::<f64>();
            cell.write(cell.read() + 1.0);
        }
    }
    0
}

#[test]
fn an_interrupt_stops_all_threads() {
    for threads in [1, 2, 4] {
        let size = 40_000_000;
        let mut cells = Array::packed(vec![0.0; size]);
        let asked = Cell::new(0);
        let caller = std::thread::current().id();
        {
            let cells = cells.view();
            let plan = LoopPlan::new(&[size as isize], &[Some(&cells)]);
            let interrupted = || {
                assert_eq!(std::thread::current().id(), caller);
                asked.set(asked.get() + 1);
                asked.get() == 3
            };
            assert_eq!(run(&plan, &(slow as Entry), threads, &interrupted), Err(RunError::Interrupted));
        }
        assert_eq!(asked.get(), 3);
        // Nobody is at work any more: the counts stay as they are.
        let done = cells.storage.iter().filter(|&&count| count == 1.0).count();
        assert!(done > 0 && done < size);
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!(cells.storage.iter().sum::<f64>() as usize, done);
    }
}

#[test]
fn a_panicking_interrupt_stops_all_threads() {
    let size = 4_000_000;
    let mut cells = Array::packed(vec![0.0; size]);
    let view = cells.view();
    let plan = LoopPlan::new(&[size as isize], &[Some(&view)]);
    let interrupted = || -> bool { std::panic::resume_unwind(Box::new("from the caller")) };
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&plan, &(slow as Entry), 3, &interrupted)));
    assert!(result.is_err());
    let before: f64 = cells.storage.iter().sum();
    std::thread::sleep(std::time::Duration::from_millis(10));
    assert_eq!(cells.storage.iter().sum::<f64>(), before);
    assert!(before < size as f64);
}

#[test]
fn heavy_loops_have_short_chunks() {
    let mut arrays = [vec![1.0; 1 << 16], vec![2.0; 1 << 16], vec![0.0; 1 << 16]].map(Array::packed);
    let asked = Cell::new(0);
    {
        let [x, y, out] = &mut arrays;
        let (x, y, out) = (x.view(), y.view(), out.view());
        let plan = LoopPlan::new(&[1 << 16], &[Some(&x), Some(&y), Some(&out)]).with_weight(1 << 14);
        let entry: Entry = {
            unsafe extern "C" fn slow_add(
                pointers: *const *mut u8,
                inner_strides: *const isize,
                outer_strides: *const isize,
                inner: usize,
                outer: usize,
            ) -> u64 {
                assert_eq!(inner, 64);
                std::thread::sleep(std::time::Duration::from_micros(100));
                // SAFETY: by the same contract.
                unsafe { add(pointers, inner_strides, outer_strides, inner, outer) }
            }
            slow_add
        };
        let interrupted = || {
            asked.set(asked.get() + 1);
            false
        };
        assert_eq!(run(&plan, &entry, 1, &interrupted), Ok(()));
    }
    assert!(asked.get() > 0);
    assert!(arrays[2].storage.iter().all(|&value| value == 3.0));
}

#[test]
fn many_callers_at_once() {
    std::thread::scope(|scope| {
        for caller in 0..6 {
            scope.spawn(move || {
                let mut random = Random::new();
                for _ in 0..10 {
                    let shape = [400 + caller, 1000];
                    let x = Array::random(&mut random, &shape, true);
                    let y = Array::random(&mut random, &shape, true);
                    let out = Array::random(&mut random, &shape, false);
                    check(&shape, x, y, out, 1 + random.below(5), false);
                }
            });
        }
    });
}

#[test]
fn threads_can_be_set() {
    let old = threads::set_num_threads(3);
    assert!(old >= 1);
    assert_eq!(threads::num_threads(), 3);
    std::thread::spawn(|| assert_eq!(threads::num_threads(), 3)).join().unwrap();
    threads::with_threads(2, || assert_eq!(threads::num_threads(), 2));
    assert_eq!(threads::set_num_threads(old), 3);
}
