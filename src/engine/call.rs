//! Evaluating a kernel over arrays: shapes, outputs, overlap, and the loops one after another.

use super::Kernel;
use super::exclusive;
use super::fast_path::{Seen, UNINTERRUPTED_WORK};
use super::repeat::Step;
use super::typed::{Key, Typed};
use crate::array::{ArrayRef, Memory, Placed};
use crate::check::lower::ArgumentType;
use crate::check::names::{Reduction, Reference, Storage};
use crate::check::term::Known;
use crate::codegen::{Simd, lines};
use crate::diagnostic::Error;
use crate::dtype::{Casting, DType, Type};
use crate::interp::check_guards;
use crate::ir::{Concurrency, Effects, GuardKind, Inst, Loop, Operand, OperandId, Program, Role};
use crate::math::block::{dispatch, fold};
use crate::registry::function::Reduction as Kind;
use crate::runtime::overlap::{has_internal_overlap, may_overlap, same_view};
use crate::runtime::plan::LoopPlan;
use crate::runtime::reduce::{FoldPlacement, Source, Target, reduce};
use crate::runtime::run::{Buffer, Kept, Placement, RunError, run};
use crate::runtime::shape::{self, Order, Shape};
use crate::runtime::threads::threads_for;
use smallvec::SmallVec;
use std::sync::Arc;

/// The options of a call, as NumPy's ufuncs have them.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions<'m> {
    /// The rule for casts to outputs and targets.
    pub casting: Casting,
    /// The memory order of allocated outputs.
    pub order: Order,
    /// The dtype of allocated outputs; the arithmetic stays as it is.
    pub dtype: Option<DType>,
    /// Bools that broadcast with each output: where one is false, an array that was given keeps its element,
    /// and an allocated one has zero. All is computed for every element.
    pub mask: Option<ArrayRef<'m>>,
}

/// Where the outputs of a call live, and how the caller wants to wait.
pub trait Host {
    /// The array that the caller gives for an output, by `out=`.
    fn given(&self, output: usize) -> Option<ArrayRef<'_>>;

    /// Memory for an output of that shape, dtype and strides in bytes, which lives until the call
    /// ends. An output without dimensions is a scalar.
    ///
    /// # Errors
    /// [`Error::Memory`], or what the host has to say.
    fn allocate(&mut self, output: usize, dtype: DType, shape: &[isize], strides: &[isize]) -> Result<Memory, Error>;

    /// Runs work that takes long. `work` wants to be told, when it asks, whether the caller was
    /// interrupted.
    fn long_work(&mut self, work: &mut dyn FnMut(&dyn Fn() -> bool)) {
        work(&|| false);
    }
}

/// At least this much work ([`LoopPlan::work`]) is given to [`Host::long_work`].
pub(super) const LONG_WORK: usize = 1 << 17;

/// Loops of no more weight than this are bound by far memory.
const LIGHT: usize = 24;

type PerArgument<T> = SmallVec<[T; 8]>;

/// Shapes of the statements that have one of their own, and the loop that each belongs to.
struct Shapes {
    /// The shape of each statement.
    of: SmallVec<[Shape; 1]>,
    /// What is reduced.
    reduced: SmallVec<[Reduced; 1]>,
    groups: SmallVec<[u32; 4]>,
}

/// The shapes of a reduction.
struct Reduced {
    statement: usize,
    /// The operand's.
    operand: Shape,
    /// The axes that are reduced.
    axes: SmallVec<[bool; 6]>,
}

impl Reduced {
    /// The result's shape, where reduced axes have one element.
    fn kept(&self) -> Shape {
        self.operand.iter().zip(&self.axes).map(|(&extent, &is_reduced)| if is_reduced { 1 } else { extent }).collect()
    }

    /// How many values each result has.
    fn values(&self) -> isize {
        self.operand.iter().zip(&self.axes).filter(|(_, is_reduced)| **is_reduced).map(|(extent, _)| extent).product()
    }
}

impl Shapes {
    fn reduced(&self, statement: usize) -> Option<&Reduced> {
        self.reduced.iter().find(|reduced| reduced.statement == statement)
    }

    /// The index space of a statement's loop.
    fn space(&self, statement: usize) -> &Shape {
        self.reduced(statement).map_or(&self.of[statement], |reduced| &reduced.operand)
    }
}

/// Memory for a statement's value between loops.
pub(super) struct Hidden {
    pub(super) statement: usize,
    /// Where the value's part in it begins in an element.
    pub(super) offset: u32,
    pub(super) memory: HiddenMemory,
    /// As later loops see it, where a reduction drops axes.
    shown: Option<Placed>,
}

/// Where it is.
pub(super) enum HiddenMemory {
    Own(Buffer),
    /// An output's, with the axes that the loop has which reduces to it.
    Output(Placed),
}

/// A call whose memory is there.
pub(super) struct Stage<'c> {
    pub(super) typed: &'c Arc<Typed>,
    shapes: &'c Shapes,
    /// The program's operands.
    pub(super) operands: &'c [ArrayRef<'c>],
    pub(super) hidden: &'c [Hidden],
    /// The numbers of values, by the statements that reduce them.
    pub(super) sizes: &'c [(u32, i64)],
}

impl Hidden {
    /// Is it the memory of an operand?
    pub(super) fn is_of(&self, operand: &Operand) -> bool {
        operand.role == Role::Hidden(self.statement as u32) && operand.offset == self.offset
    }

    /// As later loops see it.
    fn view(&self) -> ArrayRef<'_> {
        self.shown.as_ref().map_or_else(|| self.whole(), Placed::view)
    }

    /// As the loop sees it that writes it.
    fn whole(&self) -> ArrayRef<'_> {
        match &self.memory {
            HiddenMemory::Own(buffer) => buffer.view(),
            HiddenMemory::Output(placed) => placed.view(),
        }
    }
}

impl Kernel {
    /// Evaluates the expression.
    ///
    /// `args` are in the order of [`Kernel::arguments`]; the outputs are the host's. Shapes broadcast
    /// as NumPy's; targets of `op=` are written where they are.
    ///
    /// # Errors
    /// Before anything is written: [`Error::Report`] for types that don't go together, [`Error::Value`]
    /// for shapes that don't fit, a read-only target or outputs that share memory, [`Error::Type`] for a
    /// wrong number of arguments or a mask that is not of bools, [`Error::Memory`]. Perhaps later, when each
    /// element of an output has its old or its final value: what only data can show, and [`Error::Interrupted`].
    pub fn call(&self, args: &[ArrayRef], host: &mut dyn Host, options: &CallOptions) -> Result<(), Error> {
        if let Some(result) = self.call_fast(args, host, options) {
            return result;
        }
        let resolved = &self.resolved;
        if args.len() != resolved.arguments.len() {
            return Err(Error::Type(format!(
                "the expression takes {} arguments, not {}",
                resolved.arguments.len(),
                args.len()
            )));
        }
        for (argument, array) in resolved.arguments.iter().zip(args) {
            if argument.is_target {
                check_target(&argument.name, array)?;
            }
        }
        let outputs = resolved.outputs.len();
        let mut given: SmallVec<[Option<Placed>; 2]> = SmallVec::new();
        for output in 0..outputs {
            let array = match resolved.outputs[output].target {
                None => host.given(output).map(|array| Placed::of(&array)),
                Some(_) => None,
            };
            if array.as_ref().is_some_and(|array| !array.view().writable()) {
                return Err(read_only());
            }
            given.push(array);
        }
        let targets = resolved.arguments.iter().zip(args).filter(|(argument, _)| argument.is_target);
        let mut written = targets.map(|(_, array)| *array).chain(given.iter().flatten().map(Placed::view));
        // No other rule tells byte orders apart.
        if options.casting == Casting::No
            && let Some(array) = written.find(ArrayRef::swapped)
        {
            let dtype = array.ty().dtype();
            let message = format!(
                "Cannot cast output from dtype('{dtype}') to dtype('>{}') with casting rule 'no'",
                dtype.code()
            );
            return Err(Error::Type(message));
        }
        if let Some(ty) = options.mask.map(|mask| mask.ty()).filter(|&ty| ty != Type::Strong(DType::Bool)) {
            let dtype = ty.dtype();
            let message =
                format!("Cannot cast array data from dtype('{dtype}') to dtype('bool') according to the rule 'safe'");
            return Err(Error::Type(message));
        }
        let shapes = self.shapes(args, &given, options.mask.as_ref())?;

        let mut arguments = SmallVec::new();
        for array in args {
            let known = match array.ty() {
                _ if !resolved.powers_matter => Known::Unknown,
                Type::WeakInt => array.integer().map_or(Known::Unknown, Known::of),
                Type::Strong(dtype) if dtype.is_float() && array.shape().is_empty() => Known::Scalar,
                _ => Known::Unknown,
            };
            arguments.push(ArgumentType { ty: array.ty(), known });
        }
        let asked = |given: &Option<Placed>| given.as_ref().map_or(options.dtype, |g| Some(g.view().ty().dtype()));
        let key = Key {
            arguments,
            outputs: given.iter().map(asked).collect(),
            casting: options.casting,
            groups: shapes.groups.clone(),
            masked: options.mask.map(|_| given.iter().map(Option::is_some).collect()),
        };
        let typed = self.typed(key)?;
        self.run(&typed, args, &given, &shapes, host, options)
    }

    /// The shape of each statement, and which statements can share a loop.
    fn shapes(&self, args: &[ArrayRef], given: &[Option<Placed>], mask: Option<&ArrayRef>) -> Result<Shapes, Error> {
        let resolved = &self.resolved;
        let mut of: SmallVec<[Shape; 1]> = SmallVec::new();
        let mut reduced: SmallVec<[Reduced; 1]> = SmallVec::new();
        for (index, statement) in resolved.statements.iter().enumerate() {
            let shape_of = |reference: &Reference| match reference {
                Reference::Argument(argument) => args[*argument as usize].shape(),
                Reference::Statement(s) => &of[*s as usize][..],
                Reference::Constant(_) => &[],
            };
            let mask = mask.filter(|_| statement.storage != Storage::Local).map(ArrayRef::shape);
            let value = shape::broadcast(statement.reads.iter().map(shape_of).chain(mask))?;
            if let Some(reduction) = &statement.reduction {
                let operand = shape::broadcast(reduction.reads.iter().map(shape_of))?;
                shape::fits_target(&operand, &value)?;
                if reduction.begins.iter().any(|reference| !shape_of(reference).is_empty()) {
                    return Err(Error::Value("the `initial` of a reduction must be a scalar".into()));
                }
                let found = Reduced { statement: index, axes: reduced_axes(reduction, operand.len())?, operand };
                if reduction.is_index() {
                    // Along the axis, whatever the others are.
                    let along = |(&extent, &is_reduced): (&isize, &bool)| if is_reduced { extent } else { 1 };
                    of.push(found.operand.iter().zip(&found.axes).map(along).collect());
                    reduced.push(found);
                    continue;
                }
                let are_vectors = || {
                    let alike = |reference: &Reference| shape_of(reference) == &found.operand[..];
                    found.operand.len() == 1 && reduction.reads.iter().all(alike)
                };
                if reduction.kind == Kind::Dot && !are_vectors() {
                    let message = "`dot` takes vectors of one length here: write `sum(x * y)`, `vecdot(x, y)` for the \
                                   last axes of others, or call numpy.dot for matrix products";
                    return Err(Error::Value(message.into()));
                }
                let mut shape = found.kept();
                if found.values() == 0 && reduction.needs_elements() {
                    let ufunc = reduction.kind.ufunc();
                    let message = format!("zero-size array to reduction operation {ufunc} which has no identity");
                    return Err(Error::Value(message));
                }
                if !reduction.keepdims {
                    let mut axes = found.axes.iter();
                    shape.retain(|_| axes.next() != Some(&true));
                }
                of.push(shape);
                reduced.push(found);
                continue;
            }
            let shape = match (&statement.update, statement.storage) {
                (Some(target), _) => {
                    let target = Shape::from_slice(shape_of(target));
                    shape::fits_target(&target, &value)?;
                    target
                }
                (None, Storage::Output(output)) => match &given[output as usize] {
                    Some(array) => {
                        shape::fits_target(array.view().shape(), &value)?;
                        array.view().shape().into()
                    }
                    None => value,
                },
                _ => value,
            };
            of.push(shape);
        }
        if of.iter().any(|shape| shape::element_count(shape).is_none()) {
            return Err(Error::Value("array is too big; `arr.size` is larger than the maximum possible size.".into()));
        }
        let mut shapes = Shapes { of, reduced, groups: SmallVec::new() };
        shapes.groups = match shapes.of.len() {
            1 => self.few_loops.clone(),
            _ => resolved.loops(|a, b| shapes.space(a) == shapes.space(b)),
        };
        Ok(shapes)
    }

    fn run(
        &self,
        typed: &Arc<Typed>,
        args: &[ArrayRef],
        given: &[Option<Placed>],
        shapes: &Shapes,
        host: &mut dyn Host,
        options: &CallOptions,
    ) -> Result<(), Error> {
        let resolved = &self.resolved;
        let program = &*typed.program;

        // Outputs that nobody gives are allocated.
        let mut outputs: SmallVec<[Option<Placed>; 2]> = given.into();
        for (index, output) in resolved.outputs.iter().enumerate() {
            if outputs[index].is_some() || output.target.is_some() {
                continue;
            }
            let dtype = typed.output(index, output.target);
            let shape = &shapes.of[output.base];
            let axes = shape::output_axes(options.order, shape, &inputs(args, options));
            let strides = shape::strides_for(shape, &axes, dtype.size());
            let memory = host.allocate(index, dtype, shape, &strides)?;
            outputs[index] = Some(Placed::in_memory(memory, shape, &strides, Type::Strong(dtype)));
        }

        let copied = self.results_in_outputs(typed, given, shapes);

        // Memory for what later loops need and no output holds.
        let mut hidden: Vec<Hidden> = Vec::new();
        let mut sizes: Vec<(u32, i64)> = Vec::new();
        let mut indices: Vec<(u32, Placed)> = Vec::new();
        for (id, operand) in program.operands.iter().enumerate() {
            match operand.role {
                Role::Hidden(statement) => {
                    let target = copied.iter().find(|(result, _)| result.0 as usize == id);
                    if let Some((_, target)) = target
                        && let Role::Output(output) = program[*target].role
                        && let Some(output) = &outputs[output as usize]
                    {
                        let target = output.view().part(program[*target].offset as usize, operand.dtype);
                        hidden.push(shapes.hidden_in(statement as usize, operand, &target));
                        continue;
                    }
                    let order =
                        || shape::output_axes(Order::K, shapes.space(statement as usize), &inputs(args, options));
                    hidden.push(shapes.hidden(statement as usize, operand, order)?);
                }
                Role::Count(statement) => {
                    let reduced = shapes.reduced(statement as usize);
                    sizes.push((statement, reduced.map_or(1, Reduced::values) as i64));
                }
                Role::Index(statement) => {
                    let shape = &shapes.of[statement as usize];
                    let axes: shape::Axes = (0..shape.len() as u8).collect();
                    indices.push((statement, Placed::indices(shape, &shape::strides_for(shape, &axes, 1))));
                }
                _ => {}
            }
        }

        let originals: PerArgument<ArrayRef> = program
            .operands
            .iter()
            .map(|operand| match operand.role {
                Role::Argument(argument) | Role::Target(argument) => {
                    args[argument as usize].part(operand.offset as usize, operand.dtype)
                }
                Role::Output(output) => {
                    let output = outputs[output as usize].as_ref().expect("every output has memory by now");
                    output.view().part(operand.offset as usize, operand.dtype)
                }
                Role::Hidden(_) => hidden.iter().find(|h| h.is_of(operand)).expect("allocated above").view(),
                Role::Count(statement) => {
                    let (_, size) = sizes.iter().find(|(s, _)| *s == statement).expect("counted above");
                    ArrayRef::of_scalar(size, Type::Strong(DType::I64))
                }
                Role::Mask => options.mask.expect("a masked program is for calls with a mask"),
                Role::Index(statement) => {
                    let (_, places) = indices.iter().find(|(s, _)| *s == statement).expect("made above");
                    places.view()
                }
            })
            .collect();

        let apart = Apart::new(typed, &originals, given, shapes)?;
        let mut operands: PerArgument<ArrayRef> = originals.iter().copied().collect();
        for (index, buffer) in &apart.copies {
            operands[*index] = buffer.view();
        }

        // What a program does that reduces, and nothing of the caller's, may be done again.
        let reduces = !shapes.reduced.is_empty()
            && copied.is_empty()
            && given.iter().all(Option::is_none)
            && apart.copies.is_empty();
        let mut steps: Option<SmallVec<[Step; 1]>> = reduces.then(SmallVec::new);
        let mut work = 0;
        let stage = Stage { typed, shapes, operands: &operands, hidden: &hidden, sizes: &sizes };
        for (index, body) in typed.loops.iter().enumerate() {
            if !body.copies.is_empty() && body.copies.iter().all(|copy| copied.contains(copy)) {
                continue;
            }
            let used: PerArgument<Option<&ArrayRef>> =
                operands.iter().zip(&body.uses).map(|(o, u)| (u.reads || u.writes).then_some(o)).collect();
            let weight = program.loops[index].weight();
            let effects = body.effects;
            let shape = shapes.space(body.statement);
            if !body.results.is_empty() {
                let step = self.reduce(&stage, index, &used, host);
                let step = step.map_err(|error| self.run_error(typed, error, &operands))?;
                steps = steps.zip(step).map(|(mut steps, (step, more))| {
                    work += more;
                    steps.push(step);
                    steps
                });
                continue;
            }
            let mut plan = match effects.pure {
                true => LoopPlan::new(shape, &used),
                false => LoopPlan::in_order(shape, &used),
            }
            .with_weight(weight);
            let uses = |operand: usize| (body.uses[operand].reads, body.uses[operand].writes);
            plan.stream(uses, |operand| program.operands[operand].dtype.size());
            if plan.elements() == 0 {
                check_empty(&program.loops[index], program, |operand| Some(operands[operand.0 as usize]))
                    .map_err(|error| self.run_error(typed, error, &operands))?;
                continue;
            }
            let simd = self.simd_of(plan.is_far(), weight);
            let code = typed.code(index, plan.layouts(), simd, &self.code_bytes)?;
            let is_exclusive = effects.concurrency == Concurrency::Exclusive;
            let result = if plan.work() < LONG_WORK && !is_exclusive {
                run(&plan, &code, 1, &|| false)
            } else {
                let threads = if effects == Effects::NONE { threads_for(plan.work()) } else { 1 };
                let mut result = Ok(());
                host.long_work(&mut |interrupted| {
                    let turn = if is_exclusive { exclusive::turn(interrupted).map(Some) } else { Some(None) };
                    result = match turn {
                        Some(_turn) => run(&plan, &code, threads, interrupted),
                        None => Err(RunError::Interrupted),
                    };
                });
                result
            };
            result.map_err(|error| self.run_error(typed, error, &operands))?;
            steps = steps.filter(|_| effects == Effects::NONE && threads_for(plan.work()) == 1);
            steps = steps.and_then(|mut steps| {
                work += plan.work();
                steps.push(Step::Sweep(Placement::new(&plan, &operands)?, Arc::clone(&code)));
                Some(steps)
            });
            if steps.is_none()
                && simd == self.simd
                && typed.loops.len() == 1
                && effects == Effects::NONE
                && hidden.is_empty()
                && apart.copies.is_empty()
            {
                let given = given.iter().flatten().count();
                let seen = Seen { typed, code: &code, plan: &plan, operands: &operands, given };
                self.learn(args, options, &seen);
            }
        }
        if let Some(steps) = steps.filter(|steps| steps.len() == typed.loops.len() && work < UNINTERRUPTED_WORK) {
            self.learn_steps(args, options, &stage, steps, work);
        }
        let mask = program.operands.iter().position(|operand| operand.role == Role::Mask);
        let mask = mask.map(|mask| &operands[mask]);
        for &(index, ref buffer) in &apart.copies {
            if apart.written_back.contains(&index) {
                let Operand { role, offset, dtype, .. } = program.operands[index];
                let target = match role {
                    Role::Output(output) => outputs[output as usize].as_ref().map(Placed::view),
                    Role::Target(argument) => Some(args[argument as usize]),
                    _ => None,
                };
                if let Some(target) = target {
                    buffer.copy_to(&target.part(offset as usize, dtype), mask);
                }
            }
        }
        Ok(())
    }

    /// The widest vectors for a loop of some weight. Light loops wait for far memory, of which vectors of 256 bits get
    /// 5 to 10 % more than wider ones do (measured on Zen 4). The results are the same.
    fn simd_of(&self, is_far: bool, weight: usize) -> Simd {
        if is_far && weight <= LIGHT { self.simd.min(Simd::Avx2) } else { self.simd }
    }

    /// Results of reductions, and the new outputs that merely copy them: where these are large, they are reduced to the
    /// outputs' memory.
    fn results_in_outputs(
        &self,
        typed: &Typed,
        given: &[Option<Placed>],
        shapes: &Shapes,
    ) -> PerArgument<(OperandId, OperandId)> {
        let program = &*typed.program;
        let is_in_output = |&(result, target): &(OperandId, OperandId)| {
            let (Role::Hidden(statement), Role::Output(output)) = (program[result].role, program[target].role) else {
                return false;
            };
            let is_new = given[output as usize].is_none() && self.resolved.outputs[output as usize].target.is_none();
            let is_large = |shape: &Shape| {
                shape::element_count(shape).is_some_and(|count| count * program[result].dtype.size() > Kept::MOST)
            };
            let shape = &shapes.of[statement as usize];
            is_new
                && is_large(shape)
                && *shape == shapes.of[self.resolved.outputs[output as usize].base]
                && shapes.reduced(statement as usize).is_some_and(|reduced| reduced.values() > 0)
        };
        let mut copied: PerArgument<(OperandId, OperandId)> = SmallVec::new();
        for body in &typed.loops {
            let before = copied.len();
            for copy in &body.copies {
                // A result is in one place alone.
                if !is_in_output(copy) || copied.iter().any(|(result, _)| *result == copy.0) {
                    copied.truncate(before);
                    break;
                }
                copied.push(*copy);
            }
        }
        copied
    }

    /// Runs a loop that reduces. If it is short, gives it as a step to repeat, with its work.
    fn reduce(
        &self,
        stage: &Stage,
        index: usize,
        used: &[Option<&ArrayRef>],
        host: &mut dyn Host,
    ) -> Result<Option<(Step, usize)>, LoopError> {
        let Stage { typed, shapes, operands, hidden, .. } = *stage;
        let (program, body) = (&*typed.program, &typed.loops[index]);
        let result_of = |operand: &OperandId| hidden.iter().find(|hidden| hidden.is_of(&program[*operand]));
        // As the loop sees it, a result has one element along the axes that are reduced.
        // So has a part of it that an earlier loop folded.
        let mut views: PerArgument<Option<ArrayRef>> = SmallVec::from_elem(None, used.len());
        for result in &body.results {
            let role = program[*result].role;
            for (operand, view) in views.iter_mut().enumerate().filter(|(o, _)| program.operands[*o].role == role) {
                *view = result_of(&OperandId(operand as u32)).map(Hidden::whole);
            }
        }
        let used: PerArgument<Option<&ArrayRef>> =
            used.iter().zip(&views).map(|(used, view)| used.map(|used| view.as_ref().unwrap_or(used))).collect();
        let shape = shapes.space(body.statement);
        if shape::element_count(shape) == Some(0) {
            for inst in &program.loops[index].insts {
                if let Inst::Reduce(fold, operand, _) = inst
                    && let Some(Hidden { memory: HiddenMemory::Own(buffer), .. }) = result_of(operand)
                {
                    buffer.fill(fold.identity(program[*operand].dtype));
                }
            }
            check_empty(&program.loops[index], program, |operand| used[operand.0 as usize].copied())?;
            return Ok(None);
        }
        let weight = program.loops[index].weight();
        let plan = LoopPlan::reducing(shape, &used, |operand| body.results.contains(&OperandId(operand as u32)))
            .with_weight(weight);
        // Several folds may want all registers that there are.
        let simd = self.simd_of(plan.is_far() && body.results.len() == 1, weight);
        let (folds, code) = typed.folding_code(index, plan.layouts(), plan.order(), simd, &self.code_bytes)?;
        let stores = program.loops[index].insts.iter().any(|inst| matches!(inst, Inst::Store(..)));
        let only_reduces = body.effects.pure && !stores;
        let folds_rows = code.as_ref().is_some_and(|code| code.folds_rows());
        let level = dispatch::level();
        let targets: PerArgument<Target> = folds
            .iter()
            .map(|folded| Target {
                folding: fold::functions(folded.fold, folded.dtype, level).expect("verified with the program"),
                size: folded.size(),
                parts: folded.fold.parts(),
                decides: folded.dtype == DType::Bool && only_reduces,
                results: folded.results.map(|result| result.map(|operand| operand.0 as usize)),
                source: match folded.source {
                    lines::Source::Operand(operand) => Source::Operand(operand.0 as usize),
                    lines::Source::Line(_) if folds_rows => Source::Runs,
                    lines::Source::Line(_) => Source::Values,
                },
            })
            .collect();
        let work = plan.work();
        let threads = threads_for(work);
        if work < LONG_WORK {
            reduce(&plan, code.as_ref(), &targets, 1, &|| false)?;
        } else {
            let mut result = Ok(());
            host.long_work(&mut |interrupted| result = reduce(&plan, code.as_ref(), &targets, threads, interrupted));
            result?;
        }
        let step = || Step::Fold(FoldPlacement::new(&plan, code.as_ref(), &targets, operands));
        Ok((threads == 1 && work < UNINTERRUPTED_WORK).then(|| (step(), work)))
    }

    /// The error of what ended a loop.
    pub(super) fn run_error(&self, typed: &Typed, error: impl Into<LoopError>, operands: &[ArrayRef]) -> Error {
        match error.into() {
            LoopError::Other(error) => error,
            LoopError::Run(RunError::Interrupted) => Error::Interrupted,
            LoopError::Run(RunError::Native(failure)) => Error::Native(failure),
            LoopError::Run(RunError::Guard(guard)) => self.guard_error(typed, guard, operands),
        }
    }

    /// The error of a failed guard, in Python's or NumPy's words.
    fn guard_error(&self, typed: &Typed, guard: u32, operands: &[ArrayRef]) -> Error {
        let Some(guard) = typed.program.guards.get(guard as usize) else {
            return Error::Internal("the code named a guard that it doesn't have".into());
        };
        match guard.kind {
            GuardKind::ZeroDivision => Error::ZeroDivision("division by zero".into()),
            GuardKind::Overflow => Error::Overflow("the result of Python's own numbers is too large".into()),
            GuardKind::NegativeShift => Error::Value("negative shift count".into()),
            GuardKind::ComplexPower => {
                Error::Type("the power of a negative float is complex; write `(x+0j)` for `x`".into())
            }
            GuardKind::NegativePower => Error::Value("Integers to negative integer powers are not allowed.".into()),
            GuardKind::OutOfBounds(DType::I64, _) => {
                Error::Overflow("Python int too large to convert to C long".into())
            }
            GuardKind::OutOfBounds(dtype, operand) => {
                let value = operands[operand.0 as usize].integer().map_or(String::new(), |v| format!(" {v}"));
                Error::Overflow(format!("Python integer{value} out of bounds for {dtype}"))
            }
        }
    }
}

/// Why a loop ended early, or could not begin.
pub(super) enum LoopError {
    Run(RunError),
    Other(Error),
}

impl From<RunError> for LoopError {
    fn from(error: RunError) -> LoopError {
        LoopError::Run(error)
    }
}

impl From<Error> for LoopError {
    fn from(error: Error) -> LoopError {
        LoopError::Other(error)
    }
}

/// A loop without elements has nothing to compute, but Python's own numbers may still be wrong. A negative
/// power is an element's mistake.
fn check_empty<'a>(
    body: &Loop,
    program: &Program,
    array: impl Fn(OperandId) -> Option<ArrayRef<'a>>,
) -> Result<(), LoopError> {
    let number = |operand: OperandId| array(operand).filter(|array| array.ty().is_weak())?.scalar();
    match check_guards(body, number) {
        Err(guard) if program.guards[guard.0 as usize].kind != GuardKind::NegativePower => {
            Err(RunError::Guard(guard.0).into())
        }
        _ => Ok(()),
    }
}

/// What has a say in the order of what is allocated.
fn inputs<'a>(args: &'a [ArrayRef<'a>], options: &'a CallOptions<'a>) -> PerArgument<&'a ArrayRef<'a>> {
    args.iter().chain(&options.mask).filter(|array| !array.shape().is_empty()).collect()
}

/// Which axes of an operand of so many dimensions are reduced.
fn reduced_axes(reduction: &Reduction, ndim: usize) -> Result<SmallVec<[bool; 6]>, Error> {
    let Some(axes) = &reduction.axes else { return Ok(SmallVec::from_elem(true, ndim)) };
    let mut is_reduced = SmallVec::from_elem(false, ndim);
    for &axis in axes {
        let place = if axis < 0 { axis + ndim as i64 } else { axis };
        match usize::try_from(place).ok().and_then(|place| is_reduced.get_mut(place)) {
            Some(true) => return Err(Error::Value("duplicate value in 'axis'".into())),
            Some(is_reduced) => *is_reduced = true,
            // NumPy lets a scalar have an axis where elements are not counted.
            None if ndim == 0 && (axis == 0 || axis == -1) && reduction.kind != Kind::Size => {}
            None => {
                let message = format!("axis {axis} is out of bounds for array of dimension {ndim}");
                return Err(Error::Axis(message));
            }
        }
    }
    Ok(is_reduced)
}

impl Shapes {
    /// Memory for a statement's value between loops. Results of reductions lie in the order of the operand's
    /// axes, which `order` gives.
    fn hidden(&self, statement: usize, operand: &Operand, order: impl Fn() -> shape::Axes) -> Result<Hidden, Error> {
        let (dtype, offset) = (operand.dtype, operand.offset);
        let Some(reduced) = self.reduced(statement) else {
            let memory = HiddenMemory::Own(Buffer::new(&self.of[statement], dtype)?);
            return Ok(Hidden { statement, offset, memory, shown: None });
        };
        let buffer = Buffer::ordered(&reduced.kept(), &order(), dtype)?;
        let drops = self.of[statement].len() < reduced.operand.len();
        let shown = drops.then(|| Placed::without_axes(&buffer.view(), |axis| reduced.axes[axis]));
        Ok(Hidden { statement, offset, memory: HiddenMemory::Own(buffer), shown })
    }

    /// The same in an output's memory.
    fn hidden_in(&self, statement: usize, operand: &Operand, output: &ArrayRef) -> Hidden {
        let whole = match self.reduced(statement) {
            Some(reduced) if output.ndim() < reduced.operand.len() => Placed::with_axes(output, &reduced.axes),
            _ => Placed::of(output),
        };
        let memory = HiddenMemory::Output(whole);
        Hidden { statement, offset: operand.offset, memory, shown: Some(Placed::of(output)) }
    }
}

fn read_only() -> Error {
    Error::Value("output array is read-only".into())
}

fn check_target(name: &str, array: &ArrayRef) -> Result<(), Error> {
    if array.ty().is_weak() {
        return Err(Error::Type(format!("`{name}` is updated in place, so it must be an array")));
    }
    if array.writable() { Ok(()) } else { Err(read_only()) }
}

/// What keeps operands apart that share memory where that would show.
struct Apart {
    /// Copies that stand in for operands, by the operands' numbers.
    copies: Vec<(usize, Buffer)>,
    /// Those of them that are copied back in the end.
    written_back: Vec<usize>,
}

impl Apart {
    /// Finds the operands that share memory, and copies those that must be as they were.
    fn new(typed: &Typed, operands: &[ArrayRef], given: &[Option<Placed>], shapes: &Shapes) -> Result<Apart, Error> {
        let mut apart = Apart { copies: Vec::new(), written_back: Vec::new() };
        let program = &*typed.program;
        // Memory that was allocated for this call overlaps with nothing.
        let is_callers = |role: Role| match role {
            Role::Target(_) | Role::Argument(_) | Role::Mask => true,
            Role::Output(output) => given[output as usize].is_some(),
            Role::Hidden(_) | Role::Count(_) | Role::Index(_) => false,
        };
        for (w, written) in program.operands.iter().enumerate() {
            if !written.role.is_written() || !is_callers(written.role) {
                continue;
            }
            let Some(first_write) = typed.loops.iter().position(|l| l.uses[w].writes) else { continue };
            for (r, read) in program.operands.iter().enumerate() {
                if r == w || !is_callers(read.role) || !may_overlap(&operands[w], &operands[r]) {
                    continue;
                }
                if read.role.is_written() {
                    // Parts of an array that overlaps with itself belong together.
                    if r > w && read.role != written.role && typed.loops.iter().any(|l| l.uses[r].writes) {
                        return Err(Error::Value(format!(
                            "`{}` and `{}` are both written and share memory",
                            written.name, read.name
                        )));
                    }
                    continue;
                }
                let Some(last_read) = typed.loops.iter().rposition(|l| l.uses[r].reads) else { continue };
                let is_seen = last_read > first_write
                    || last_read == first_write && {
                        let shape = shapes.space(typed.loops[first_write].statement);
                        !same_view(&operands[w], shape, &operands[r])
                    };
                if is_seen && !read.dtype.is_lane() {
                    let message =
                        format!("`{}` is written and shares memory with the strings of `{}`", written.name, read.name);
                    return Err(Error::Value(message));
                }
                if is_seen && apart.copies.iter().all(|(copied, _)| *copied != r) {
                    apart.copies.push((r, Buffer::snapshot(&operands[r])?));
                }
            }
            // Two indices, one element: what is written last, in C order, stays.
            if has_internal_overlap(&operands[w]) {
                if !written.dtype.is_lane() {
                    let message = format!("strings of `{}` share memory, so they can't be written", written.name);
                    return Err(Error::Value(message));
                }
                let shape = operands[w].shape();
                let mut buffer = Buffer::new(shape, written.dtype)?;
                buffer.copy_from(&operands[w]);
                apart.copies.push((w, buffer));
                apart.written_back.push(w);
            }
        }
        Ok(apart)
    }
}
