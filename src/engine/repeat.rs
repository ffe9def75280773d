//! The quick way through a short call whose arguments have the types, shapes and strides of one
//! before, where they are not simply packed: slices, rows and columns, transposed matrices. And where the
//! program reduces, so that it has loops of several shapes.
//!
//! A [`Repeat`] is what planning such a call came to. Against it the next one compares extents and
//! strides, instead of planning again.

use super::Host;
use super::call::{CallOptions, HiddenMemory, LONG_WORK, Stage};
use super::fast_path::{Failed, FastKey, Seen, are_usual, callers, key, sources, written_is_apart};
use super::kernel::Kernel;
use super::typed::Typed;
use crate::array::ArrayRef;
use crate::diagnostic::Error;
use crate::dtype::{DType, Type};
use crate::ir::Role;
use crate::jit::Code;
use crate::runtime::reduce::FoldPlacement;
use crate::runtime::run::{Addresses, Kept, PACKED, Placement, RunError, View};
use crate::runtime::shape::{Order, Shape};
use crate::runtime::threads::threads_for;
use smallvec::SmallVec;
use std::sync::{Arc, PoisonError, RwLock};

/// A kernel called once more with other arrays of the same types, shapes and strides.
#[derive(Debug)]
pub struct Repeat {
    key: FastKey,
    /// Of each argument, and then of each output that is not updated in place.
    views: SmallVec<[View; 4]>,
    /// The dtypes of these outputs.
    outputs: SmallVec<[DType; 1]>,
    /// For each operand of the program the argument that it is, or, as if they were more of them, the output.
    sources: SmallVec<[u8; PACKED]>,
    /// The operands in the caller's memory, and whether they are written.
    callers: SmallVec<[(u8, bool); PACKED]>,
    /// The loops; if there are several, or one that reduces, none writes the caller's memory.
    steps: SmallVec<[Step; 1]>,
    /// What they keep for each other.
    kept: Kept,
    is_long: bool,
    typed: Arc<Typed>,
}

/// A loop of a repeated call.
#[derive(Debug)]
pub(super) enum Step {
    Sweep(Placement, Arc<Code>),
    Fold(FoldPlacement<Arc<Code>>),
}

impl Step {
    #[inline]
    fn run(&self, at: &Addresses, places: &[u8]) -> Result<(), RunError> {
        match self {
            Step::Sweep(placement, code) => placement.run(code, at, places),
            Step::Fold(placement) => placement.run(at, places),
        }
    }
}

/// Those of a kernel: as many as are kept, and which is to be replaced next.
#[derive(Debug, Default)]
pub(super) struct Repeats(RwLock<(SmallVec<[Arc<Repeat>; 1]>, usize)>);

impl Repeats {
    const MOST: usize = 8;

    fn add(&self, repeat: Repeat) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (repeats, next) = &mut *kept;
        // It may be known, and not have served because operands share memory.
        if repeats.iter().any(|known| known.key == repeat.key && known.views == repeat.views) {
            return;
        }
        if repeats.len() < Self::MOST {
            repeats.push(Arc::new(repeat));
        } else {
            repeats[*next % Self::MOST] = Arc::new(repeat);
            *next += 1;
        }
    }
}

impl Kernel {
    /// Remembers how a short call of a kernel of one output went.
    #[cold]
    pub(super) fn learn_repeat(&self, key: FastKey, args: &[ArrayRef], options: &CallOptions, seen: &Seen) {
        let Seen { typed, code, plan, operands, given } = *seen;
        // No key says which arrays have the other byte order.
        if options.order != Order::K || operands.iter().any(ArrayRef::swapped) {
            return;
        }
        let sources = sources(&typed.program, args.len());
        // What more threads could do is not for one call.
        if threads_for(plan.work()) > 1 {
            return;
        }
        let Some(placement) = Placement::new(plan, operands) else { return };
        let view = |array: &ArrayRef| (Shape::from_slice(array.shape()), Shape::from_slice(array.strides()));
        let mut views: SmallVec<[View; 4]> = args.iter().map(view).collect();
        let outputs = match self.outputs() {
            [output] if output.target.is_none() => {
                let Some(operand) = sources.iter().position(|&source| source as usize == args.len()) else { return };
                views.push(view(&operands[operand]));
                SmallVec::from_iter([typed.output(0, None)])
            }
            [_] => SmallVec::new(),
            _ => return,
        };
        let callers = callers(&typed.program, given > 0);
        let is_long = plan.work() >= LONG_WORK;
        let (typed, code) = (Arc::clone(typed), Arc::clone(code));
        let steps = SmallVec::from_iter([Step::Sweep(placement, code)]);
        let kept = Kept::default();
        self.repeats.add(Repeat { key, views, outputs, sources, callers, steps, kept, is_long, typed });
    }

    /// Remembers how a short call of a kernel of several loops went that writes nothing of the caller's.
    #[cold]
    pub(super) fn learn_steps(
        &self,
        args: &[ArrayRef],
        options: &CallOptions,
        stage: &Stage,
        steps: SmallVec<[Step; 1]>,
        work: usize,
    ) {
        let Stage { typed, operands, hidden, sizes, .. } = *stage;
        let has_sign = self.resolved.powers_matter && args.iter().any(|array| array.ty() == Type::WeakInt);
        let own = args.len() + self.outputs().len();
        let fits = own + hidden.len() + sizes.len() <= PACKED && operands.len() <= PACKED;
        if !fits || has_sign || !are_usual(options) || options.order != Order::K {
            return;
        }
        let Some(key) = key(args, false) else { return };
        if operands.iter().any(ArrayRef::swapped) {
            return;
        }
        let view = |array: &ArrayRef| (Shape::from_slice(array.shape()), Shape::from_slice(array.strides()));
        let mut written: SmallVec<[Option<View>; 2]> = SmallVec::from_elem(None, self.outputs().len());
        let mut kept = Kept::default();
        let mut sources: SmallVec<[u8; PACKED]> = SmallVec::new();
        for (operand, array) in typed.program.operands.iter().zip(operands) {
            sources.push(match operand.role {
                Role::Argument(argument) => argument as u8,
                Role::Output(output) => {
                    written[output as usize] = Some(view(array));
                    (args.len() + output as usize) as u8
                }
                Role::Hidden(_) => {
                    let Some(at) = hidden.iter().position(|h| h.is_of(operand)) else { return };
                    let HiddenMemory::Own(buffer) = &hidden[at].memory else { return };
                    let place = (own + at) as u8;
                    kept.add(place, buffer);
                    place
                }
                Role::Count(statement) => {
                    let Some(at) = sizes.iter().position(|(s, _)| *s == statement) else { return };
                    let place = (own + hidden.len() + at) as u8;
                    kept.add_number(place, sizes[at].1);
                    place
                }
                Role::Target(_) | Role::Index(_) | Role::Mask => return,
            });
        }
        if kept.bytes() > Kept::MOST {
            return;
        }
        let mut views: SmallVec<[View; 4]> = args.iter().map(view).collect();
        let mut outputs: SmallVec<[DType; 1]> = SmallVec::new();
        for (output, written) in written.into_iter().enumerate() {
            let Some(written) = written else { return };
            let dtype = typed.output(output, None);
            if dtype.number().is_none() {
                return;
            }
            views.push(written);
            outputs.push(dtype);
        }
        let (callers, is_long, typed) = (SmallVec::new(), work >= LONG_WORK, Arc::clone(typed));
        self.repeats.add(Repeat { key, views, outputs, sources, callers, steps, kept, is_long, typed });
    }

    /// Calls the kernel as once before; `None`, with nothing done, if there was no such call, or it wrote the caller's
    /// memory.
    #[inline]
    pub(super) fn call_repeat(&self, args: &[ArrayRef], host: &mut dyn Host) -> Option<Result<(), Error>> {
        let is_like = |place: usize, extents: &[isize], strides: &[isize]| {
            args.get(place).is_none_or(|array| array.shape() == extents && array.strides() == strides)
        };
        let repeat = self.repeat(&key(args, false)?, is_like).filter(|repeat| repeat.callers.is_empty())?;
        if args.iter().any(ArrayRef::swapped) {
            return None;
        }
        let mut arrays: SmallVec<[ArrayRef; PACKED]> = args.into();
        for (output, (dtype, (shape, strides))) in repeat.outputs.iter().zip(&repeat.views[args.len()..]).enumerate() {
            match host.allocate(output, *dtype, shape, strides) {
                Ok(memory) => arrays.push(ArrayRef::in_memory(memory, shape, strides, Type::Strong(*dtype))),
                Err(error) => return Some(Err(error)),
            }
        }
        let at = Addresses::of(&arrays, &repeat.views)?;
        let mut result = Ok(());
        match repeat.is_long {
            true => host.long_work(&mut |_| result = repeat.run(&at)),
            false => result = repeat.run(&at),
        }
        Some(result.map_err(|failed| repeat.error(self, failed, args)))
    }

    /// A call that this one repeats: `is_like` says whether an argument, or the output as if it were
    /// one more, has these extents and strides.
    #[inline]
    pub fn repeat(&self, key: &FastKey, is_like: impl Fn(usize, &[isize], &[isize]) -> bool) -> Option<Arc<Repeat>> {
        let kept = self.repeats.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut repeats = kept.0.iter().filter(|repeat| repeat.key == *key);
        let is_alike = |repeat: &&Arc<Repeat>| {
            let mut views = repeat.views.iter().enumerate();
            views.all(|(place, (shape, strides))| is_like(place, shape, strides))
        };
        repeats.find(is_alike).cloned()
    }
}

impl Repeat {
    /// The dtype, extents and strides of the only output; none if it is updated in place.
    #[inline]
    pub fn output(&self) -> Option<(DType, &[isize], &[isize])> {
        let (&dtype, (shape, strides)) = self.outputs.first().zip(self.views.last())?;
        Some((dtype, shape, strides))
    }

    /// Is the work enough for [`Host::long_work`](super::Host::long_work)?
    #[inline]
    pub fn is_long(&self) -> bool {
        self.is_long
    }

    /// Does what is written of the caller's memory overlap with nothing else, or element by element
    /// with what is read? The addresses are those of the arguments and of the output, where it has one
    /// of its own.
    #[inline]
    pub fn is_apart(&self, at: &Addresses) -> bool {
        let Some(Step::Sweep(placement, _)) = self.steps.first() else { return true };
        let of = |operand: u8| (operand as usize, self.sources[operand as usize] as usize);
        let may_touch = |a, b| placement.may_touch(at, of(a), of(b));
        written_is_apart(&self.callers, &self.sources, may_touch, |a, b| placement.is_same(at, of(a), of(b)))
    }

    /// Runs over the arguments and the output.
    ///
    /// # Errors
    /// The guard or function that failed; [`Repeat::error`] says what it means.
    #[inline]
    pub fn run(&self, at: &Addresses) -> Result<(), Failed> {
        let done = match (&*self.steps, self.kept.is_empty()) {
            ([step], true) => step.run(at, &self.sources),
            (steps, _) => self.kept.within(at, |at| steps.iter().try_for_each(|step| step.run(at, &self.sources))),
        };
        done.map_err(Failed::of)
    }

    /// The error of what failed.
    #[cold]
    pub fn error(&self, kernel: &Kernel, failed: Failed, args: &[ArrayRef]) -> Error {
        failed.error(kernel, &self.typed, &self.sources, args)
    }
}
