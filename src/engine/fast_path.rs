//! The quick way through a call that is like one before.
//!
//! Most calls of a kernel have arguments of the same types and the same few layouts, and are so
//! short that finding out what to do costs more than doing it. A [`FastPath`] is what was found out
//! for a call whose operands are all scalars or packed arrays of one shape: it depends on the
//! arguments' types and on which of them are scalars, not on the shape.

use super::call::{CallOptions, Host, LONG_WORK};
use super::kernel::Kernel;
use super::typed::Typed;
use crate::array::ArrayRef;
use crate::diagnostic::Error;
use crate::dtype::{Casting, DType, Type};
use crate::ir::{Operand, Program, Role};
use crate::jit::Code;
use crate::runtime::plan::{LoopPlan, element_work, packed_layout};
use crate::runtime::run::{PACKED, Packed, RunError};
use crate::runtime::shape::{Order, element_count};
use crate::runtime::threads::threads_for;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};

/// So much work takes a fraction of a millisecond.
pub(super) const UNINTERRUPTED_WORK: usize = 4 << 20;

/// The types of a call's arguments, which of them are scalars, and whether its outputs are given: a
/// byte for each argument, so that comparing is quick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastKey([u8; PACKED]);

impl FastKey {
    /// Where the outputs' byte is; what lies before is for arguments.
    const OUTPUTS: usize = PACKED - 1;

    /// The greatest number of arguments.
    pub const ARGUMENTS: usize = Self::OUTPUTS;

    /// The byte of an argument.
    ///
    /// Types that have parameters have none.
    pub const fn code(ty: Type, is_scalar: bool) -> Option<u8> {
        let ty = match ty {
            Type::Strong(dtype) => match dtype.number() {
                Some(number) => number as u8,
                None => return None,
            },
            Type::WeakInt => 14,
            Type::WeakUInt => 15,
            Type::WeakFloat => 16,
            Type::WeakComplex | Type::WeakStr => return None,
        };
        Some(1 + 2 * ty + is_scalar as u8)
    }

    /// Sets the byte of an argument.
    #[inline]
    pub fn set(&mut self, argument: usize, code: u8) {
        self.0[argument] = code;
    }

    /// Says that the outputs are given.
    #[inline]
    pub fn set_given(&mut self) {
        self.0[Self::OUTPUTS] = 1;
    }
}

/// What is known of calls like one that was made.
#[derive(Debug)]
pub struct FastPath {
    key: FastKey,
    /// For each operand of the program the argument that it is, or, counted on from there, the output.
    sources: SmallVec<[u8; PACKED]>,
    /// Each operand's stride.
    strides: [isize; PACKED],
    /// For each output its dtype; none if it is updated in place.
    outputs: SmallVec<[Option<DType>; 2]>,
    /// The operands in the caller's memory, and whether they are written.
    callers: SmallVec<[(u8, bool); PACKED]>,
    /// Is any of them written?
    writes: bool,
    /// The work on an element, as [`LoopPlan::work`] counts it.
    element_work: usize,
    typed: Arc<Typed>,
    code: Arc<Code>,
}

/// The fast paths of a kernel, in the order in which they were found; never taken away, so that
/// looking for one needs no lock.
#[derive(Debug, Default)]
pub(super) struct FastPaths([OnceLock<Box<FastPath>>; 8]);

impl FastPaths {
    #[inline]
    fn find(&self, key: &FastKey) -> Option<&FastPath> {
        self.0.iter().map_while(OnceLock::get).map(|path| &**path).find(|path| path.key == *key)
    }

    fn add(&self, path: FastPath) {
        let mut path = Box::new(path);
        for place in &self.0 {
            match place.set(path) {
                Ok(()) => return,
                Err(back) => path = back,
            }
        }
    }
}

/// A call whose loop is over the operands as they were given.
pub(super) struct Seen<'c> {
    pub(super) typed: &'c Arc<Typed>,
    pub(super) code: &'c Arc<Code>,
    pub(super) plan: &'c LoopPlan<'c>,
    /// The program's operands.
    pub(super) operands: &'c [ArrayRef<'c>],
    /// How many outputs were given.
    pub(super) given: usize,
}

/// For each operand of a program the argument that it is, or, counted on from there, the output.
pub(super) fn sources(program: &Program, arguments: usize) -> SmallVec<[u8; PACKED]> {
    let source = |operand: &Operand| match operand.role {
        Role::Argument(argument) | Role::Target(argument) => argument as u8,
        Role::Output(output) => (arguments + output as usize) as u8,
        Role::Hidden(_) | Role::Count(_) | Role::Index(_) | Role::Mask => u8::MAX,
    };
    program.operands.iter().map(source).collect()
}

/// Are these the options of fast paths? They are the defaults, and what means the same.
#[inline]
pub(super) fn are_usual(options: &CallOptions) -> bool {
    options.dtype.is_none()
        && options.mask.is_none()
        && options.casting == Casting::SameKind
        && matches!(options.order, Order::K | Order::C)
}

/// The key of a call; none if it has too many arguments.
#[inline]
pub(super) fn key(args: &[ArrayRef], is_given: bool) -> Option<FastKey> {
    if args.len() > FastKey::ARGUMENTS {
        return None;
    }
    let mut key = FastKey::default();
    for (argument, array) in args.iter().enumerate() {
        key.set(argument, FastKey::code(array.ty(), array.ndim() == 0)?);
    }
    if is_given {
        key.set_given();
    }
    Some(key)
}

/// The extents of the first argument that has dimensions, and their product.
#[inline]
fn common_shape<'a>(args: &[ArrayRef<'a>]) -> Option<(&'a [isize], usize)> {
    match args.iter().find(|array| array.ndim() != 0) {
        Some(array) => Some((array.shape(), element_count(array.shape())?)),
        None => Some((&[], 1)),
    }
}

/// The operands in the caller's memory, and whether they are written.
pub(super) fn callers(program: &Program, is_given: bool) -> SmallVec<[(u8, bool); PACKED]> {
    let operands = program.operands.iter().enumerate();
    let callers = operands.filter(|(_, operand)| is_given || !matches!(operand.role, Role::Output(_)));
    callers.map(|(index, operand)| (index as u8, operand.role.is_written())).collect()
}

/// Does what is written of the caller's memory overlap with nothing else, or element by element with
/// what is read? `may_touch` and `is_same` are asked of two operands.
#[inline]
pub(super) fn written_is_apart(
    callers: &[(u8, bool)],
    sources: &[u8],
    may_touch: impl Fn(u8, u8) -> bool,
    is_same: impl Fn(u8, u8) -> bool,
) -> bool {
    // Parts of one array are apart.
    let source = |operand: u8| sources[operand as usize];
    callers.iter().filter(|(_, is_written)| *is_written).all(|&(target, _)| {
        let mut others = callers.iter().filter(|(other, _)| source(*other) != source(target));
        others.all(|&(other, is_written)| !may_touch(target, other) || !is_written && is_same(target, other))
    })
}

/// Each operand's stride, if all are scalars or packed arrays of one shape.
fn packed_strides(args: &[ArrayRef], seen: &Seen) -> Option<[isize; PACKED]> {
    let Seen { typed, plan, operands, .. } = *seen;
    let (shape, elements) = common_shape(args)?;
    let mut strides = [0; PACKED];
    for (operand, array) in operands.iter().enumerate() {
        let is_written = typed.program.operands[operand].role.is_written();
        let is_like_others = array.ndim() == 0 && !is_written || array.shape() == shape;
        // Halves of a single pair are packed, those of others are not.
        if !is_like_others || array.is_half() || !Packed::new(elements).push(array) {
            return None;
        }
        // The code is made for these layouts.
        let uses = typed.loops[0].uses[operand];
        if (uses.reads || uses.writes) && plan.layouts()[operand] != packed_layout(array) {
            return None;
        }
        strides[operand] = if array.ndim() == 0 { 0 } else { array.itemsize() as isize };
    }
    Some(strides)
}

impl Kernel {
    /// Remembers how a call went.
    #[cold]
    pub(super) fn learn(&self, args: &[ArrayRef], options: &CallOptions, seen: &Seen) {
        let Seen { typed, code, operands, given, .. } = *seen;
        let program = &typed.program;
        let sources = sources(program, args.len());
        let outputs: SmallVec<[Option<DType>; 2]> = (0..self.outputs().len())
            .map(|output| match self.outputs()[output].target {
                None => Some(typed.output(output, None)),
                Some(_) => None,
            })
            .collect();

        // Signs of Python's integers may be part of the types.
        let has_sign = self.resolved.powers_matter && args.iter().any(|array| array.ty() == Type::WeakInt);
        let allocatable = outputs.iter().flatten().count();
        if has_sign
            || !are_usual(options)
            || args.len() + outputs.len() > PACKED
            || !(given == 0 || given == allocatable)
        {
            return;
        }
        // An argument or output that is no operand has no place below, and its layout no test.
        if (0..args.len() as u8).any(|argument| !sources.contains(&argument)) || operands.len() != sources.len() {
            return;
        }
        let Some(key) = key(args, given > 0) else { return };
        if !outputs.iter().flatten().all(|dtype| dtype.number().is_some()) {
            return;
        }
        let Some(strides) = packed_strides(args, seen) else { return self.learn_repeat(key, args, options, seen) };
        let callers = callers(program, given > 0);
        if self.fast_paths.find(&key).is_none() {
            let writes = callers.iter().any(|(_, is_written)| *is_written);
            let (typed, code) = (Arc::clone(typed), Arc::clone(code));
            let bytes: isize = strides.iter().sum();
            let element_work = element_work(program.loops[0].weight()).max(bytes as usize);
            let path = FastPath { key, sources, strides, outputs, callers, writes, element_work, typed, code };
            self.fast_paths.add(path);
        }
    }

    /// The fast path of calls with such arguments and the usual options, if one is known.
    #[inline]
    pub fn fast_path(&self, key: &FastKey) -> Option<&FastPath> {
        self.fast_paths.find(key)
    }

    /// Calls the kernel by a fast path; `None`, with nothing done, if there is none.
    #[inline]
    pub(super) fn call_fast(
        &self,
        args: &[ArrayRef],
        host: &mut dyn Host,
        options: &CallOptions,
    ) -> Option<Result<(), Error>> {
        if !are_usual(options) {
            return None;
        }
        let mut first = self.outputs().iter().enumerate().filter(|(_, output)| output.target.is_none());
        let is_given = first.next().is_some_and(|(output, _)| host.given(output).is_some());
        let Some(path) = self.fast_paths.find(&key(args, is_given)?) else {
            let is_any_given = is_given || first.any(|(output, _)| host.given(output).is_some());
            return if is_any_given { None } else { self.call_repeat(args, host) };
        };
        let (shape, elements) = common_shape(args)?;
        if !path.takes(elements) {
            return None;
        }
        let mut packed = Packed::new(elements);
        for array in args {
            if array.ndim() != 0 && array.shape() != shape || !packed.push(array) {
                return None;
            }
        }
        if is_given {
            for (output, dtype) in path.outputs.iter().enumerate() {
                let Some(dtype) = dtype else {
                    packed.push_nothing();
                    continue;
                };
                let array = host.given(output)?;
                let is_like = array.ty() == Type::Strong(*dtype) && array.writable() && array.shape() == shape;
                if !is_like || !packed.push(&array) {
                    return None;
                }
            }
        } else if first.any(|(output, _)| host.given(output).is_some()) {
            return None;
        }
        if !path.is_apart(&packed) {
            return None;
        }
        if !is_given {
            let mut strides = SmallVec::<[isize; 6]>::from_elem(0, shape.len());
            for (output, dtype) in path.outputs.iter().enumerate() {
                let Some(dtype) = *dtype else {
                    packed.push_nothing();
                    continue;
                };
                let mut stride = dtype.size() as isize;
                for axis in (0..shape.len()).rev() {
                    strides[axis] = stride;
                    stride *= shape[axis];
                }
                match host.allocate(output, dtype, shape, &strides) {
                    Ok(memory) => {
                        packed.push(&ArrayRef::in_memory(memory, shape, &strides, Type::Strong(dtype)));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
        }
        let mut result = Ok(());
        if path.is_long(elements) {
            host.long_work(&mut |_| result = path.run(&packed));
        } else {
            result = path.run(&packed);
        }
        Some(result.map_err(|failed| path.error(self, failed, args)))
    }
}

/// A guard or a function that failed.
#[derive(Clone, Debug)]
pub struct Failed(RunError);

impl Failed {
    pub(super) fn of(error: RunError) -> Failed {
        Failed(error)
    }

    /// Its error, in a call with these arguments; `sources` says which of them each operand is.
    #[cold]
    pub(super) fn error(self, kernel: &Kernel, typed: &Typed, sources: &[u8], args: &[ArrayRef]) -> Error {
        // Guards name arguments only.
        let nothing = ArrayRef::of_scalar(&0u8, Type::Strong(DType::U8));
        let operand = |source: &u8| args.get(*source as usize).copied().unwrap_or(nothing);
        let operands: SmallVec<[ArrayRef; 8]> = sources.iter().map(operand).collect();
        kernel.run_error(typed, self.0, &operands)
    }
}

impl FastPath {
    /// The dtype of an output; none if it is updated in place.
    #[inline]
    pub fn output(&self, output: usize) -> Option<DType> {
        self.outputs[output]
    }

    /// Are so many elements for a fast path, which is not interrupted and knows one thread? None at
    /// all aren't.
    #[inline]
    pub fn takes(&self, elements: usize) -> bool {
        let work = elements.saturating_mul(self.element_work);
        elements != 0 && (work < LONG_WORK || work < UNINTERRUPTED_WORK && threads_for(work) == 1)
    }

    /// Are so many elements enough for [`Host::long_work`]?
    #[inline]
    pub fn is_long(&self, elements: usize) -> bool {
        elements.saturating_mul(self.element_work) >= LONG_WORK
    }

    /// Does what is written of the caller's memory overlap with nothing else, or element by element
    /// with what is read? Allocated outputs, which need not be there yet, overlap with nothing.
    #[inline]
    pub fn is_apart(&self, packed: &Packed) -> bool {
        let at = |operand: u8| (self.sources[operand as usize] as usize, self.strides[operand as usize]);
        let may_touch = |a, b| packed.may_touch(at(a), at(b));
        !self.writes || written_is_apart(&self.callers, &self.sources, may_touch, |a, b| packed.is_same(at(a), at(b)))
    }

    /// Runs over the arguments and then the outputs, which the key describes.
    ///
    /// # Errors
    /// The guard or function that failed; [`FastPath::error`] says what it means.
    #[inline]
    pub fn run(&self, packed: &Packed) -> Result<(), Failed> {
        packed.run(&self.code, &self.sources, &self.strides).map_err(Failed::of)
    }

    /// The error of what failed.
    #[cold]
    pub fn error(&self, kernel: &Kernel, failed: Failed, args: &[ArrayRef]) -> Error {
        failed.error(kernel, &self.typed, &self.sources, args)
    }
}
