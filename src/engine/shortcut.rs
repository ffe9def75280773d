//! The quick way through a call that is like one before.
//!
//! Most calls of a kernel have arguments of the same types and the same few layouts, and are so
//! short that finding out what to do costs more than doing it. A [`Shortcut`] is what was found out
//! for a call whose operands are all scalars or packed arrays of one shape: it depends on the
//! arguments' types and on which of them are scalars, not on the shape.

use super::call::{CallOptions, Host, LONG_BYTES, LONG_ELEMENTS};
use super::kernel::Kernel;
use super::typed::Typed;
use crate::array::ArrayRef;
use crate::diagnostic::Error;
use crate::dtype::{Casting, DType, Type};
use crate::ir::Role;
use crate::jit::Code;
use crate::runtime::plan::LoopPlan;
use crate::runtime::run::{RunError, run_packed};
use crate::runtime::shape::{Order, element_count};
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};

/// What is known of calls like one that was made.
#[derive(Debug)]
pub(super) struct Shortcut {
    /// For each argument its type, and whether it is a scalar.
    arguments: SmallVec<[(Type, bool); 8]>,
    casting: Casting,
    /// For each output that is not updated in place its dtype.
    outputs: SmallVec<[Option<DType>; 2]>,
    /// Are those outputs given? Otherwise they are allocated.
    is_given: bool,
    typed: Arc<Typed>,
    code: Arc<Code>,
}

/// The shortcuts of a kernel, in the order in which they were found; never taken away, so that
/// looking for one needs no lock.
#[derive(Debug, Default)]
pub(super) struct Shortcuts([OnceLock<Box<Shortcut>>; 8]);

impl Shortcuts {
    fn find(&self, fits: impl Fn(&Shortcut) -> bool) -> Option<&Shortcut> {
        self.0.iter().map_while(OnceLock::get).map(|shortcut| &**shortcut).find(|shortcut| fits(shortcut))
    }

    fn add(&self, shortcut: Shortcut) {
        let mut shortcut = Box::new(shortcut);
        for place in &self.0 {
            match place.set(shortcut) {
                Ok(()) => return,
                Err(back) => shortcut = back,
            }
        }
    }
}

/// The extents shared by all operands with dimensions; none if one is not packed, has other
/// extents, or the other byte order.
#[inline]
fn packed_shape<'a>(operands: impl Iterator<Item = ArrayRef<'a>>) -> Option<&'a [isize]> {
    let mut shape: &[isize] = &[];
    for array in operands {
        if array.swapped() {
            return None;
        }
        if array.ndim() != 0 {
            if shape.is_empty() {
                shape = array.shape();
            } else if array.shape() != shape {
                return None;
            }
            if !array.is_c_contiguous() {
                return None;
            }
        }
    }
    Some(shape)
}

/// Options under which outputs of packed arguments are native and in C order.
#[inline]
fn are_plain(options: &CallOptions) -> bool {
    options.dtype.is_none() && matches!(options.order, Order::K | Order::C)
}

impl Kernel {
    /// Remembers how a call went that was a single loop over operands as they were given: `operands`
    /// are the program's, `plan` is the loop's and `code` its code.
    #[expect(clippy::too_many_arguments, reason = "all that the call found out, from its one caller")]
    pub(super) fn learn(
        &self,
        typed: &Arc<Typed>,
        args: &[ArrayRef],
        operands: &[ArrayRef],
        given: usize,
        options: &CallOptions,
        plan: &LoopPlan,
        code: &Arc<Code>,
    ) {
        let program = &typed.program;
        let allocatable = self.outputs().iter().filter(|output| output.target.is_none()).count();
        let powers_matter = self.resolved.powers_matter && args.iter().any(|array| array.ty() == Type::WeakInt);
        if !are_plain(options) || powers_matter || !(given == 0 || given == allocatable) {
            return;
        }
        let Some(shape) = packed_shape(args.iter().copied()) else { return };
        let is_like_args = |array: &ArrayRef| array.shape() == shape && array.is_c_contiguous() && !array.swapped();
        if !program.operands.iter().zip(operands).all(|(o, array)| !o.role.is_written() || is_like_args(array)) {
            return;
        }
        // The code is made for these layouts.
        let fits = |index: usize| {
            let uses = &typed.loops[0].uses[index];
            !(uses.reads || uses.writes)
                || plan.layouts()[index] == crate::runtime::plan::packed_layout(&operands[index])
        };
        if !(0..operands.len()).all(fits) {
            return;
        }
        let dtype_of = |output: usize| {
            let role = Role::Output(output as u32);
            program.operands.iter().find(|operand| operand.role == role).map(|operand| operand.dtype)
        };
        let known = |shortcut: &Shortcut| shortcut.fits(args, options) && shortcut.is_given == (given > 0);
        if self.shortcuts.find(known).is_none() {
            self.shortcuts.add(Shortcut {
                arguments: args.iter().map(|array| (array.ty(), array.ndim() == 0)).collect(),
                casting: options.casting,
                outputs: (0..self.outputs().len()).map(dtype_of).collect(),
                is_given: given > 0,
                typed: Arc::clone(typed),
                code: Arc::clone(code),
            });
        }
    }

    /// Calls the kernel if there is a shortcut for such a call; `None`, with nothing done, if not.
    #[inline]
    pub(super) fn call_by_shortcut(
        &self,
        args: &[ArrayRef],
        host: &mut dyn Host,
        options: &CallOptions,
    ) -> Option<Result<(), Error>> {
        if !are_plain(options) {
            return None;
        }
        let shape = packed_shape(args.iter().copied())?;
        let elements = element_count(shape)?;
        if elements == 0 || elements >= LONG_ELEMENTS {
            return None;
        }
        let first_allocatable = self.outputs().iter().position(|output| output.target.is_none());
        let is_given = first_allocatable.is_some_and(|output| host.given(output).is_some());
        let shortcut = self.shortcuts.find(|shortcut| shortcut.is_given == is_given && shortcut.fits(args, options))?;
        if !shortcut.is_short(elements) {
            return None;
        }
        shortcut.call(self, args, shape, elements, host)
    }
}

impl Shortcut {
    #[inline]
    fn fits(&self, args: &[ArrayRef], options: &CallOptions) -> bool {
        self.arguments.len() == args.len()
            && self.casting == options.casting
            && self.arguments.iter().zip(args).all(|(known, array)| *known == (array.ty(), array.ndim() == 0))
    }

    /// Is it too little work to give the caller's lock away for?
    #[inline]
    fn is_short(&self, elements: usize) -> bool {
        // No element has more than 8 bytes.
        elements.saturating_mul(8 * self.typed.program.operands.len()) < LONG_BYTES
    }

    #[inline]
    fn call(
        &self,
        kernel: &Kernel,
        args: &[ArrayRef],
        shape: &[isize],
        elements: usize,
        host: &mut dyn Host,
    ) -> Option<Result<(), Error>> {
        if self.is_given {
            self.fill(kernel, args, shape, elements, host)
        } else {
            self.make(kernel, args, shape, elements, host)
        }
    }

    /// Calls for outputs that are given.
    fn fill(
        &self,
        kernel: &Kernel,
        args: &[ArrayRef],
        shape: &[isize],
        elements: usize,
        host: &dyn Host,
    ) -> Option<Result<(), Error>> {
        let mut outputs = SmallVec::<[Option<ArrayRef>; 2]>::new();
        for (output, dtype) in self.outputs.iter().enumerate() {
            outputs.push(match dtype {
                Some(dtype) => {
                    let array = host.given(output)?;
                    let is_like = array.ty() == Type::Strong(*dtype) && !array.swapped() && array.writable();
                    if !is_like || array.shape() != shape || !array.is_c_contiguous() {
                        return None;
                    }
                    Some(array)
                }
                None => None,
            });
        }
        self.is_apart(args, &outputs).then(|| self.run(kernel, args, &outputs, elements))
    }

    /// Calls for outputs that are allocated.
    #[inline]
    fn make(
        &self,
        kernel: &Kernel,
        args: &[ArrayRef],
        shape: &[isize],
        elements: usize,
        host: &mut dyn Host,
    ) -> Option<Result<(), Error>> {
        let is_given = |output: usize| self.outputs[output].is_some() && host.given(output).is_some();
        if self.outputs.len() > 1 && (0..self.outputs.len()).any(is_given) || !self.is_apart(args, &[]) {
            return None;
        }
        // Strides in elements, then in bytes for each output.
        let mut packed = SmallVec::<[isize; 6]>::from_elem(1, shape.len());
        for axis in (1..shape.len()).rev() {
            packed[axis - 1] = packed[axis] * shape[axis];
        }
        let mut strides = SmallVec::<[isize; 12]>::new();
        for dtype in &self.outputs {
            let size = dtype.map_or(0, DType::size) as isize;
            strides.extend(packed.iter().map(|stride| stride * size));
        }
        let mut outputs = SmallVec::<[Option<ArrayRef>; 2]>::new();
        for (output, dtype) in self.outputs.iter().enumerate() {
            outputs.push(match *dtype {
                Some(dtype) => {
                    let strides = &strides[output * shape.len()..][..shape.len()];
                    match host.allocate(output, dtype, shape, strides) {
                        Ok(memory) => Some(ArrayRef::in_memory(memory, shape, strides, Type::Strong(dtype))),
                        Err(error) => return Some(Err(error)),
                    }
                }
                None => None,
            });
        }
        Some(self.run(kernel, args, &outputs, elements))
    }

    /// Runs over operands that share no memory in a way that matters.
    #[inline]
    fn run(
        &self,
        kernel: &Kernel,
        args: &[ArrayRef],
        outputs: &[Option<ArrayRef>],
        elements: usize,
    ) -> Result<(), Error> {
        let operands: SmallVec<[ArrayRef; 8]> = self
            .typed
            .program
            .operands
            .iter()
            .map(|operand| match operand.role {
                Role::Argument(argument) | Role::Target(argument) => args[argument as usize],
                Role::Output(output) => outputs[output as usize].expect("given or allocated"),
                Role::Hidden(_) => unreachable!("a single loop hides nothing"),
            })
            .collect();
        run_packed(&operands, elements, self.code.entry()).map_err(|error| match error {
            RunError::Interrupted => Error::Interrupted,
            RunError::Guard(guard) => kernel.guard_error(&self.typed, guard, &operands),
        })
    }

    /// Does what is written share no memory with anything else, or only element by element? The
    /// given outputs and the targets are looked at: new memory overlaps with nothing.
    #[inline]
    fn is_apart(&self, args: &[ArrayRef], outputs: &[Option<ArrayRef>]) -> bool {
        let operands = &self.typed.program.operands;
        let array = |role: Role| match role {
            Role::Argument(argument) | Role::Target(argument) => args.get(argument as usize),
            Role::Output(output) => outputs.get(output as usize).and_then(Option::as_ref),
            Role::Hidden(_) => None,
        };
        operands.iter().enumerate().filter(|(_, written)| written.role.is_written()).all(|(w, written)| {
            let Some(target) = array(written.role) else { return true };
            operands.iter().enumerate().all(|(r, read)| {
                let Some(other) = array(read.role) else { return true };
                let same = || {
                    !read.role.is_written()
                        && other.data() == target.data()
                        && other.itemsize() == target.itemsize()
                        && other.ndim() == target.ndim()
                };
                r == w || !spans_touch(target, other) || same()
            })
        })
    }
}

/// Do the spans of two packed arrays or scalars overlap?
#[inline]
fn spans_touch(a: &ArrayRef, b: &ArrayRef) -> bool {
    let span = |array: &ArrayRef| {
        let bytes = array.shape().iter().product::<isize>() as usize * array.itemsize();
        (array.data() as usize, array.data() as usize + bytes)
    };
    let ((a_start, a_end), (b_start, b_end)) = (span(a), span(b));
    a_start < b_end && b_start < a_end
}
