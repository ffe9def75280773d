//! Cuts a loop at its block calls.
//!
//! A block function works on packed elements, so that a loop which calls one is done chunk by chunk:
//! a segment of straight-line code, a block call, another segment, and so on. What crosses a cut
//! lives in *lines*, chunk-sized pieces of scratch memory. A segment is a loop of the same Ir over
//! the program's operands and the lines, so that the back ends know nothing of all this.
//!
//! What does not vary over an axis is computed once along it: a value has the [`Axes`] over which
//! it varies, and expensive ones that don't vary over both have segments of their own, which run
//! over fewer elements.

use super::{Layout, Simd, Stride};
use crate::dtype::DType;
use crate::ir::{BlockFn, Form, Inst, Loop, Op, Operand, OperandId, Program, Role, State, StatefulFn, Value};
use crate::math::block::dispatch;
use crate::math::block::division;
use smallvec::SmallVec;
use std::sync::Arc;

/// The axes of the call over which a value varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axes {
    /// Does it vary from row to row?
    pub outer: bool,
    /// Does it vary within a row?
    pub inner: bool,
}

impl Axes {
    /// One value for the call.
    pub const NONE: Axes = Axes { outer: false, inner: false };
    /// One value a row.
    pub const OUTER: Axes = Axes { outer: true, inner: false };
    /// The same row of values for all rows.
    pub const INNER: Axes = Axes { outer: false, inner: true };
    /// One value an element.
    pub const BOTH: Axes = Axes { outer: true, inner: true };
    /// Every kind, in the order in which they are computed.
    pub const ALL: [Axes; 4] = [Axes::NONE, Axes::OUTER, Axes::INNER, Axes::BOTH];

    fn or(self, other: Axes) -> Axes {
        Axes { outer: self.outer | other.outer, inner: self.inner | other.inner }
    }
}

/// A number of a line; lines follow the program's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineId(pub u32);

/// Scratch memory for one value of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The element type.
    pub dtype: DType,
    /// The axes over which its elements vary.
    pub axes: Axes,
    /// The place in scratch memory: lines that are never needed at the same time share one.
    pub slot: u32,
}

/// Where a block call finds an argument or leaves its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a line.
    Line(LineId),
    /// In an operand's memory; where that is not packed, or the two overlap, in the line.
    Operand(OperandId, LineId),
}

/// A function over a chunk.
#[derive(Clone, Copy, Debug)]
pub enum Block {
    /// One that has no state and never fails.
    Plain(BlockFn),
    /// One with a state.
    Stateful(StatefulFn, State),
}

/// What is done with a chunk, one after another.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs a loop of [`Segments::program`], made for these layouts.
    Segment(usize, Box<[Layout]>),
    /// Calls a block function.
    Block(Block, SmallVec<[Place; 2]>, Place),
    /// Copies an operand's elements into a line, in native byte order.
    Gather(OperandId, LineId),
    /// Writes the addresses of an operand's elements into a line.
    Index(OperandId, LineId),
    /// Copies a line to an operand's elements.
    Scatter(LineId, OperandId),
}

/// An action and the elements that it is for.
#[derive(Clone, Debug)]
pub struct Step {
    /// The axes that it runs over.
    pub axes: Axes,
    /// What it does.
    pub action: Action,
}

/// A loop in pieces.
#[derive(Clone, Debug)]
pub struct Segments {
    /// The program's operands and one more for each line; a loop for each segment.
    pub program: Program,
    /// The steps, by axes in the order of [`Axes::ALL`].
    pub steps: Vec<Step>,
    /// The lines.
    pub lines: Vec<Line>,
    /// How many places the lines have.
    pub slots: u32,
    /// Must the elements be visited in order, since a function wants its calls so?
    pub in_order: bool,
}

/// Operations from which on operands that lie apart are worth being packed, so that the code over
/// them is vector code.
const WORTH_PACKING: usize = 6;

/// Cuts a loop; `None` where it is one segment anyway, or of a single element, whose calls are made by
/// its code.
pub fn cut(program: &Program, body: &Loop, layouts: &[Layout], simd: Simd) -> Option<Segments> {
    let planner = Planner::new(program, body, layouts, simd);
    if planner.deepest == Axes::NONE {
        return None;
    }
    let values = || body.iter().map(|(value, _)| value);
    let calls_blocks = values().any(|value| planner.block(value).is_some());
    let packs = planner.packed.contains(&true);
    // Other instructions that the wide code generator lacks may stand in segments of their own.
    let has_narrow = simd >= Simd::Avx2
        && planner.deepest == Axes::BOTH
        && values().any(|value| planner.axes(value) != Axes::BOTH && planner.is_narrow(value));
    (calls_blocks || packs || has_narrow).then(|| planner.plan())
}

/// Where a segment's values come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The instruction is part of the segment.
    Here,
    /// From a line.
    Line(LineId),
}

struct Planner<'a> {
    program: &'a Program,
    body: &'a Loop,
    layouts: &'a [Layout],
    /// Does [`super::wide`] make the code of segments that have no narrow instructions?
    is_wide: bool,
    /// The axes of the elements that the loop visits: `NONE` or `BOTH`.
    deepest: Axes,
    /// For each instruction the axes over which its value varies; stores vary over the deepest.
    axes: Vec<Axes>,
    /// Is an instruction part of the segments over its own axes? Others are computed wherever they
    /// are needed.
    home: Vec<bool>,
    /// The segment over its axes that an instruction belongs to, counted from 0; for a block call,
    /// the segment after which it is called.
    stage: Vec<usize>,
    /// Which operands are copied to a line before the loop's code reads them, or after it wrote them.
    packed: Vec<bool>,
    /// The line of each value that has one, and of each packed operand.
    line_of: Vec<Option<LineId>>,
    line_of_packed: Vec<Option<LineId>>,
    /// Block calls that leave their result in an operand at once.
    direct: Vec<Option<OperandId>>,
    lines: Vec<Line>,
    loops: Vec<Loop>,
    /// The steps so far, the last one first.
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(program: &'a Program, body: &'a Loop, layouts: &'a [Layout], simd: Simd) -> Planner<'a> {
        let mut axes: Vec<Axes>;
        let mut deepest = Axes::NONE;
        // Calls that must be made once an element vary over all axes, which are known at the second
        // attempt.
        // What no code reads or writes is copied to or from lines element by element, whatever varies.
        let is_opaque = |inst: &Inst| match inst {
            Inst::Load(operand) | Inst::Store(operand, _) => program[*operand].is_opaque(),
            _ => false,
        };
        if body.insts.iter().any(is_opaque) {
            deepest = Axes::BOTH;
        }
        loop {
            let before = deepest;
            axes = Vec::with_capacity(body.insts.len());
            for (_, inst) in body.iter() {
                let mut own = inst.args().iter().fold(Axes::NONE, |all, arg| all.or(axes[arg.0 as usize]));
                if let Inst::Load(operand) | Inst::Store(operand, _) = inst {
                    own = own.or(match layouts[operand.0 as usize].stride {
                        Stride::Constant => Axes::NONE,
                        Stride::Row => Axes::OUTER,
                        Stride::Column => Axes::INNER,
                        Stride::Contiguous | Stride::Streamed | Stride::Interleaved | Stride::Strided => Axes::BOTH,
                    });
                }
                if inst.is_impure() || is_opaque(inst) {
                    own = own.or(before);
                }
                deepest = deepest.or(own);
                axes.push(own);
            }
            if deepest != Axes::NONE {
                deepest = Axes::BOTH;
            }
            if deepest == before || !body.insts.iter().any(Inst::is_impure) {
                break;
            }
        }
        for (value, inst) in body.iter() {
            if let Inst::Store(..) = inst {
                axes[value.0 as usize] = deepest;
            }
        }
        let count = body.insts.len();
        let mut planner = Planner {
            program,
            body,
            layouts,
            is_wide: simd >= Simd::Avx2,
            deepest,
            axes,
            home: vec![false; count],
            stage: vec![0; count],
            packed: vec![false; program.operands.len()],
            line_of: vec![None; count],
            line_of_packed: vec![None; program.operands.len()],
            direct: vec![None; count],
            lines: Vec::new(),
            loops: Vec::new(),
            steps: Vec::new(),
        };
        planner.find_packed(simd);
        planner
    }

    fn axes(&self, value: Value) -> Axes {
        self.axes[value.0 as usize]
    }

    /// Are an operand's elements in the other byte order?
    fn is_swapped(&self, operand: OperandId) -> bool {
        self.layouts[operand.0 as usize].swapped && self.program[operand].dtype.size() > 1
    }

    /// The block function of an instruction that is computed by one.
    fn block(&self, value: Value) -> Option<Block> {
        match &self.body[value] {
            Inst::Call(callee, _) => match callee.form {
                Form::Block(function) => Some(Block::Plain(function)),
                Form::Stateful(function, state) => Some(Block::Stateful(function, state)),
                Form::Scalar { .. } => None,
            },
            Inst::Op(op, _) if is_division(*op) && self.axes(value) != Axes::NONE => {
                division::integer(*op, self.body.dtype(value)).map(|kernel| Block::Plain(kernel.at(dispatch::level())))
            }
            _ => None,
        }
    }

    /// Has an instruction only a form for one element at a time?
    fn is_narrow(&self, value: Value) -> bool {
        match &self.body[value] {
            Inst::Guard(..) => true,
            Inst::Call(callee, _) => !callee.is_block(),
            Inst::Op(Op::AddOverflows | Op::SubOverflows | Op::MulOverflows, _) => true,
            Inst::Op(op, _) => is_division(*op) && self.axes(value) == Axes::NONE,
            Inst::Load(operand) => !self.is_wide && !self.axes(value).inner && self.is_swapped(*operand),
            _ => false,
        }
    }

    /// Is a value that doesn't vary over all axes worth a segment of its own?
    fn is_heavy(&self, value: Value) -> bool {
        let is_slow = matches!(self.body[value], Inst::Op(Op::Sqrt | Op::Div, _));
        self.block(value).is_some() || self.is_narrow(value) || is_slow && self.axes(value) == Axes::INNER
    }

    /// Operands that lie apart are packed where that makes vector code of more than a copy, and where no code can
    /// read or write them.
    fn find_packed(&mut self, simd: Simd) {
        for (_, inst) in self.body.iter() {
            match inst {
                Inst::Load(operand) if self.program[*operand].is_opaque() => {
                    let Layout { stride, swapped } = self.layouts[operand.0 as usize];
                    let is_index = matches!(self.program[*operand].role, Role::Index(_));
                    self.packed[operand.0 as usize] |= is_index || stride != Stride::Contiguous || swapped;
                }
                // What is copied as it is goes by way of a line.
                Inst::Store(operand, stored) if self.program[*operand].is_opaque() => {
                    if let Inst::Load(from) = self.body[*stored] {
                        self.packed[from.0 as usize] = true;
                    }
                }
                _ => {}
            }
        }
        let arithmetic = self.body.insts.iter().filter(|inst| matches!(inst, Inst::Op(..))).count();
        let calls = self.body.iter().any(|(value, _)| self.block(value).is_some());
        if simd == Simd::Scalar || self.deepest == Axes::NONE || !(calls || arithmetic >= WORTH_PACKING) {
            return;
        }
        for (value, inst) in self.body.iter() {
            if let Inst::Load(operand) | Inst::Store(operand, _) = inst {
                let is_strided = self.layouts[operand.0 as usize].stride.is_apart();
                // The wide code generator reaches most of them as they are.
                let is_apart = match self.is_wide {
                    true => is_strided && self.program[*operand].dtype.size() < 4,
                    false => is_strided || self.is_swapped(*operand),
                };
                self.packed[operand.0 as usize] |= is_apart && self.axes(value) == Axes::BOTH;
            }
        }
    }

    fn find_homes(&mut self) {
        for (value, inst) in self.body.iter().rev() {
            let axes = self.axes(value);
            let is_free = matches!(inst, Inst::Const(_) | Inst::Load(_));
            let index = value.0 as usize;
            self.home[index] = match axes == self.deepest {
                true => !is_free,
                false => self.is_heavy(value) || self.home[index] && !is_free,
            };
            if self.home[index] && axes != self.deepest {
                for arg in inst.args().iter().filter(|arg| self.axes[arg.0 as usize] == axes) {
                    self.home[arg.0 as usize] = true;
                }
            }
        }
    }

    /// The arguments of an instruction that are computed in segments over the same axes.
    fn neighbours(&self, value: Value) -> impl Iterator<Item = usize> + '_ {
        let axes = self.axes(value);
        let args = self.body[value].args().iter().copied();
        args.filter(move |arg| self.home[arg.0 as usize] && self.axes(*arg) == axes).map(|arg| arg.0 as usize)
    }

    /// Puts everything as late as its uses allow, but what block calls need as early as can be.
    fn find_stages(&mut self) {
        let mut earliest = vec![0; self.body.insts.len()];
        let mut last = 0;
        let home: Vec<Value> = self.body.iter().map(|(v, _)| v).filter(|v| self.home[v.0 as usize]).collect();
        for &value in &home {
            let after = |arg: usize| earliest[arg] + usize::from(self.block(Value(arg as u32)).is_some());
            let stage = self.neighbours(value).map(after).max().unwrap_or(0);
            earliest[value.0 as usize] = stage;
            if self.axes(value) == self.deepest {
                last = last.max(stage);
            }
        }
        let mut latest = vec![usize::MAX; self.body.insts.len()];
        for &value in home.iter().rev() {
            let index = value.0 as usize;
            self.stage[index] = match self.body[value] {
                Inst::Store(..) => last,
                Inst::Guard(..) => earliest[index],
                _ if self.block(value).is_some() || latest[index] == usize::MAX => earliest[index],
                _ => latest[index],
            };
            for arg in self.neighbours(value).collect::<SmallVec<[_; 4]>>() {
                latest[arg] = latest[arg].min(self.stage[index]);
            }
        }
    }

    fn plan(mut self) -> Segments {
        self.find_homes();
        self.find_stages();
        // From the last step to the first, since what a step leaves depends on what others need.
        for axes in Axes::ALL.into_iter().rev() {
            let of_axes = |value: &Value| self.home[value.0 as usize] && self.axes(*value) == axes;
            let here: Vec<Value> = self.body.iter().map(|(value, _)| value).filter(of_axes).collect();
            let Some(last) = here.iter().map(|value| self.stage[value.0 as usize]).max() else { continue };
            if axes == self.deepest {
                self.find_direct(&here, last);
                self.scatter();
            }
            for stage in (0..=last).rev() {
                let here: Vec<Value> = here.iter().copied().filter(|v| self.stage[v.0 as usize] == stage).collect();
                self.plan_stage(axes, &here);
            }
            if axes == self.deepest {
                self.gather();
            }
        }
        self.finish()
    }

    /// Copies to where it belongs, after all else, what no call leaves there: packed operands, and what no code can
    /// write.
    fn scatter(&mut self) {
        for inst in &self.body.insts {
            let Inst::Store(operand, stored) = inst else { continue };
            let line = match self.program[*operand].is_opaque() {
                true if self.direct[stored.0 as usize] == Some(*operand) => continue,
                true => self.packed_load(*stored).unwrap_or_else(|| self.line_of(*stored)),
                false if self.packed[operand.0 as usize] => self.packed_line(*operand),
                false => continue,
            };
            self.steps.push(Step { axes: self.deepest, action: Action::Scatter(line, *operand) });
        }
    }

    /// Copies packed operands to lines, before all else.
    fn gather(&mut self) {
        for inst in &self.body.insts {
            if let Inst::Load(operand) = inst
                && let Some(line) = self.line_of_packed[operand.0 as usize]
            {
                let action = match self.program[*operand].role {
                    Role::Index(_) => Action::Index(*operand, line),
                    _ => Action::Gather(*operand, line),
                };
                let step = Step { axes: self.deepest, action };
                let is_of =
                    |action: &Action| matches!(action, Action::Gather(o, _) | Action::Index(o, _) if o == operand);
                let is_new = !self.steps.iter().any(|step| is_of(&step.action));
                if is_new {
                    self.steps.push(step);
                }
            }
        }
    }

    /// Finds the block calls whose results can go straight to where they are stored: nothing may
    /// read an operand after that, since it might be the same memory.
    fn find_direct(&mut self, here: &[Value], last: usize) {
        let mut uses = vec![0; self.body.insts.len()];
        for inst in &self.body.insts {
            for arg in inst.args() {
                uses[arg.0 as usize] += 1;
            }
        }
        let mut candidates = Vec::new();
        let mut others: Vec<Value> = Vec::new();
        for &value in here {
            let Inst::Store(operand, stored) = self.body[value] else { continue };
            let index = stored.0 as usize;
            let is_candidate = self.block(stored).is_some()
                && self.axes(stored) == self.deepest
                && uses[index] == 1
                && self.stage[index] + 1 == last
                && !self.packed[operand.0 as usize]
                && !self.is_swapped(operand);
            if is_candidate {
                candidates.push((stored, operand));
            } else {
                others.push(stored);
            }
        }
        // What the last segment reads for the other stores.
        let mut reached = vec![false; self.body.insts.len()];
        for value in &others {
            reached[value.0 as usize] = true;
        }
        for (value, inst) in self.body.iter().rev().filter(|(_, inst)| inst.has_value()) {
            let index = value.0 as usize;
            if !reached[index] {
                continue;
            }
            match inst {
                // One element that the caller has, and that a target contained, would have been copied.
                Inst::Load(_) if self.axes(value) == Axes::NONE && self.deepest == Axes::BOTH => {}
                Inst::Load(operand) if !self.packed[operand.0 as usize] => return,
                _ if self.home[index] && (self.axes(value) != self.deepest || self.stage[index] != last) => {}
                _ => inst.args().iter().for_each(|arg| reached[arg.0 as usize] = true),
            }
        }
        // And the other calls of that stage, of which these come last.
        let mut reads_later = false;
        candidates.sort_by_key(|(value, _)| std::cmp::Reverse(*value));
        candidates.sort_by_key(|(value, _)| self.reads_operands(*value));
        for (value, operand) in candidates {
            if !reads_later {
                self.direct[value.0 as usize] = Some(operand);
            }
            reads_later |= self.reads_operands(value);
        }
    }

    fn reads_operands(&self, call: Value) -> bool {
        self.body[call].args().iter().any(|arg| self.direct_argument(self.axes(call), *arg).is_some())
    }

    /// The operand that a block call over these axes can read where it is.
    fn direct_argument(&self, axes: Axes, arg: Value) -> Option<OperandId> {
        match self.body[arg] {
            Inst::Load(operand)
                if self.axes(arg) == axes && !self.is_swapped(operand) && !self.packed[operand.0 as usize] =>
            {
                Some(operand)
            }
            _ => None,
        }
    }

    /// The block calls of a stage, and the segment before them.
    fn plan_stage(&mut self, axes: Axes, here: &[Value]) {
        // What the segment stores: operands' or lines' numbers, and values.
        let mut stores: Vec<(OperandId, Value)> = Vec::new();
        let mut calls: Vec<Value> = here.iter().copied().filter(|value| self.block(*value).is_some()).collect();
        // In the order of `find_direct`, the last one first.
        calls.sort_by_key(|value| {
            (self.direct[value.0 as usize].is_none(), self.reads_operands(*value), std::cmp::Reverse(*value))
        });
        let mut spread: Vec<(Value, LineId)> = Vec::new();
        for call in calls {
            let Some(function) = self.block(call) else { continue };
            let dtype = self.body.dtype(call);
            let out = match (self.direct[call.0 as usize], self.line_of[call.0 as usize]) {
                (Some(operand), _) => Place::Operand(operand, self.line(dtype, axes)),
                (None, Some(line)) => Place::Line(line),
                (None, None) if self.body[call].is_impure() => Place::Line(self.line_of(call)),
                // Nobody wants it.
                (None, None) => continue,
            };
            let mut args: SmallVec<[Place; 2]> = SmallVec::new();
            for &arg in self.body[call].args() {
                let dtype = self.body.dtype(arg);
                args.push(if let Some(operand) = self.direct_argument(axes, arg) {
                    Place::Operand(operand, self.line(dtype, axes))
                } else if self.axes(arg) == axes && !matches!(self.body[arg], Inst::Const(_) | Inst::Load(_)) {
                    Place::Line(self.line_of(arg))
                } else if let Some(line) = self.packed_load(arg).filter(|_| self.axes(arg) == axes) {
                    Place::Line(line)
                } else {
                    // Repeated for each element.
                    let known = spread.iter().find(|(value, _)| *value == arg).map(|(_, line)| *line);
                    let line = known.unwrap_or_else(|| self.line(dtype, axes));
                    if known.is_none() {
                        spread.push((arg, line));
                        stores.push((self.operand_of(line), arg));
                    }
                    Place::Line(line)
                });
            }
            self.steps.push(Step { axes, action: Action::Block(function, args, out) });
        }
        let mut guards = Vec::new();
        // Calls that are made for what they do.
        let mut calls = Vec::new();
        for &value in here {
            match self.body[value] {
                Inst::Guard(..) => guards.push(value),
                // Copied from its line.
                Inst::Store(operand, _) if self.program[operand].is_opaque() => {}
                Inst::Store(operand, stored) => {
                    if self.direct[stored.0 as usize].is_none() {
                        let line = self.packed[operand.0 as usize].then(|| self.packed_line(operand));
                        stores.push((line.map_or(operand, |line| self.operand_of(line)), stored));
                    }
                }
                _ => {
                    if self.body[value].is_impure() && self.block(value).is_none() {
                        calls.push(value);
                    }
                    if let (Some(line), None) = (self.line_of[value.0 as usize], self.block(value)) {
                        stores.push((self.operand_of(line), value));
                    }
                }
            }
        }
        if !(guards.is_empty() && calls.is_empty() && stores.is_empty()) {
            let body = self.segment(axes, here, &guards, &calls, &stores);
            self.loops.push(body);
            let layouts = Box::default();
            self.steps.push(Step { axes, action: Action::Segment(self.loops.len() - 1, layouts) });
        }
    }

    /// Writes a segment: the calls, and what the guards and stores need and no other step has computed.
    fn segment(
        &mut self,
        axes: Axes,
        here: &[Value],
        guards: &[Value],
        calls: &[Value],
        stores: &[(OperandId, Value)],
    ) -> Loop {
        let body = self.body;
        let mut source: Vec<Option<Source>> = vec![None; body.insts.len()];
        let mut is_here = vec![false; body.insts.len()];
        for value in here {
            is_here[value.0 as usize] = self.block(*value).is_none();
        }
        let mut needed = vec![false; body.insts.len()];
        let conditions = guards.iter().flat_map(|guard| body[*guard].args().iter().copied());
        for value in conditions.chain(calls.iter().copied()).chain(stores.iter().map(|(_, value)| *value)) {
            needed[value.0 as usize] = true;
        }
        for (value, inst) in body.iter().rev() {
            let index = value.0 as usize;
            if !needed[index] {
                continue;
            }
            let is_elsewhere = self.home[index] && !(is_here[index] && self.axes(value) == axes);
            source[index] = Some(match self.packed_load(value) {
                Some(line) => Source::Line(line),
                None if is_elsewhere => Source::Line(self.line_of(value)),
                None => {
                    inst.args().iter().for_each(|arg| needed[arg.0 as usize] = true);
                    Source::Here
                }
            });
        }
        let mut segment = Loop::default();
        let mut renamed: Vec<Value> = vec![Value(u32::MAX); body.insts.len()];
        for (value, inst) in body.iter() {
            let index = value.0 as usize;
            let inst = match source[index] {
                None => continue,
                Some(Source::Line(line)) => Inst::Load(self.operand_of(line)),
                Some(Source::Here) => {
                    let mut inst = inst.clone();
                    inst.args_mut().iter_mut().for_each(|arg| *arg = renamed[arg.0 as usize]);
                    inst
                }
            };
            renamed[index] = segment.push(inst, body.types[index]);
        }
        for guard in guards {
            let mut inst = body[*guard].clone();
            inst.args_mut().iter_mut().for_each(|arg| *arg = renamed[arg.0 as usize]);
            segment.push(inst, None);
        }
        for (operand, value) in stores {
            segment.push(Inst::Store(*operand, renamed[value.0 as usize]), None);
        }
        segment
    }

    /// The line of a packed operand that an instruction loads.
    fn packed_load(&mut self, value: Value) -> Option<LineId> {
        match self.body[value] {
            Inst::Load(operand) if self.packed[operand.0 as usize] => Some(self.packed_line(operand)),
            _ => None,
        }
    }

    fn packed_line(&mut self, operand: OperandId) -> LineId {
        let index = operand.0 as usize;
        let line = self.line_of_packed[index].unwrap_or_else(|| self.line(self.program[operand].dtype, self.deepest));
        self.line_of_packed[index] = Some(line);
        line
    }

    fn line_of(&mut self, value: Value) -> LineId {
        let index = value.0 as usize;
        let line = self.line_of[index].unwrap_or_else(|| self.line(self.body.dtype(value), self.axes(value)));
        self.line_of[index] = Some(line);
        line
    }

    fn line(&mut self, dtype: DType, axes: Axes) -> LineId {
        self.lines.push(Line { dtype, axes, slot: 0 });
        LineId(self.lines.len() as u32 - 1)
    }

    /// The operand number that stands for a line.
    fn operand_of(&self, line: LineId) -> OperandId {
        OperandId(self.program.operands.len() as u32 + line.0)
    }

    fn finish(mut self) -> Segments {
        self.steps.reverse();
        let mut operands = self.program.operands.clone();
        let name: Arc<str> = Arc::from("line");
        for (number, line) in self.lines.iter().enumerate() {
            // The role is for the text form alone.
            let role = Role::Hidden(number as u32);
            operands.push(Operand { name: Arc::clone(&name), dtype: line.dtype, role, offset: 0 });
        }
        for step in &mut self.steps {
            if let Action::Segment(_, layouts) = &mut step.action {
                let own =
                    self.layouts.iter().map(|layout| Layout { stride: seen(layout.stride, step.axes), ..*layout });
                let lines =
                    self.lines.iter().map(|line| Layout { stride: line_stride(line.axes, step.axes), swapped: false });
                *layouts = own.chain(lines).collect();
            }
        }
        let first_line = self.program.operands.len();
        let slots = share_slots(&mut self.lines, &self.steps, &self.loops, first_line);
        let program = Program { operands, loops: self.loops, guards: self.program.guards.clone() };
        let in_order = self.body.insts.iter().any(Inst::is_impure);
        Segments { program, steps: self.steps, lines: self.lines, slots, in_order }
    }
}

fn is_division(op: Op) -> bool {
    matches!(op, Op::FloorDiv | Op::FloorMod | Op::TruncMod)
}

/// An operand's class for a segment over some axes, along which the elements follow one another.
fn seen(stride: Stride, axes: Axes) -> Stride {
    match (stride, axes) {
        (_, Axes::NONE) => Stride::Constant,
        (Stride::Row, Axes::OUTER) => Stride::Strided,
        (_, Axes::OUTER) => Stride::Constant,
        (Stride::Column, _) => Stride::Contiguous,
        (Stride::Row, Axes::INNER) => Stride::Constant,
        _ => stride,
    }
}

/// The class of a line for a segment over some axes.
fn line_stride(line: Axes, axes: Axes) -> Stride {
    match (line, axes) {
        (Axes::NONE, _) => Stride::Constant,
        (Axes::OUTER, Axes::BOTH) => Stride::Row,
        _ => Stride::Contiguous,
    }
}

/// Gives lines that are never needed at the same time one place; returns the number of places.
fn share_slots(lines: &mut [Line], steps: &[Step], loops: &[Loop], first_line: usize) -> u32 {
    // The first and the last step that touches a line. What does not vary over both axes is needed
    // for many chunks.
    let mut spans = vec![(usize::MAX, 0); lines.len()];
    for (index, step) in steps.iter().enumerate() {
        let mut touch = |line: LineId| {
            let span = &mut spans[line.0 as usize];
            *span = (span.0.min(index), index);
        };
        let mut touch_place = |place: &Place| match place {
            Place::Line(line) | Place::Operand(_, line) => touch(*line),
        };
        match &step.action {
            Action::Segment(body, _) => {
                for inst in &loops[*body].insts {
                    if let Inst::Load(operand) | Inst::Store(operand, _) = inst
                        && operand.0 as usize >= first_line
                    {
                        touch(LineId(operand.0 - first_line as u32));
                    }
                }
            }
            Action::Block(_, args, out) => {
                args.iter().for_each(&mut touch_place);
                touch_place(out);
            }
            Action::Gather(_, line) | Action::Index(_, line) | Action::Scatter(line, _) => touch(*line),
        }
    }
    // The last step that needs what is in each place.
    let mut places: Vec<usize> = Vec::new();
    let mut order: Vec<usize> = (0..lines.len()).filter(|line| spans[*line].0 != usize::MAX).collect();
    order.sort_by_key(|line| spans[*line].0);
    for line in order {
        let (first, last) = spans[line];
        let last = if lines[line].axes == Axes::BOTH { last } else { usize::MAX };
        let place = places.iter().position(|busy_until| *busy_until < first).unwrap_or(places.len());
        if place == places.len() {
            places.push(last);
        } else {
            places[place] = last;
        }
        lines[line].slot = place as u32;
    }
    places.len() as u32
}
