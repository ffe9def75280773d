//! What is decided about a loop before any instruction is selected.

use super::{Level, Unsupported, lacks};
use crate::codegen::{Layout, Stride};
use crate::dtype::{DType, Scalar};
use crate::ir::fold::LANE_BYTES;
use crate::ir::{Inst, Loop, Op, Operand, OperandId, Program, Value};

/// The place of an instruction, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Once a call.
    Constant,
    /// Once a row.
    Row,
    /// Once an element.
    Element,
}

/// The decisions.
pub(super) struct Plan {
    /// The place of each instruction.
    pub(super) places: Vec<Place>,
    /// The size of the widest lane in the inner loop.
    pub(super) widest: usize,
    /// How many vectors a turn of the main loop works on, and how many of these side by side.
    pub(super) copies: usize,
    pub(super) group: usize,
    /// Loads that are an operand of the only instruction that uses them.
    pub(super) folded: Vec<bool>,
    /// Outer values that the inner loop uses.
    pub(super) escapes: Vec<bool>,
    /// The operands in memory that the inner loop reads, and those that it writes.
    pub(super) loaded: Vec<OperandId>,
    pub(super) stored: Vec<OperandId>,
    /// Those that are written past the caches.
    pub(super) streamed: Vec<OperandId>,
    /// Can all of these be moved under masks? Not if they lie apart, nor by AVX2 if they are small.
    pub(super) masked: bool,
    /// Are all of these halves of pairs of one size, and is each stored with the other? Then it does not matter
    /// in which order vectors have their lanes.
    pub(super) pairs_only: bool,
    /// How many constants may wait in registers.
    pub(super) hoists: usize,
    /// What is folded along a row, and the operands that results go to.
    pub(super) folds: Vec<RowFold>,
}

/// A fold along a row.
pub(super) struct RowFold {
    /// What joins two values.
    pub(super) op: Op,
    pub(super) identity: Scalar,
    /// Where the result goes.
    pub(super) operand: OperandId,
}

impl RowFold {
    pub(super) fn dtype(&self) -> DType {
        self.identity.dtype
    }
}

/// Loops of more instructions are refused: the time to allocate registers grows faster than they.
pub(super) const MOST_INSTRUCTIONS: usize = 2000;
/// The same of operations along a row of a loop that folds, which has more copies of them.
const MOST_FOLDED: usize = 32;

impl Plan {
    pub(super) fn new(program: &Program, body: &Loop, layouts: &[Layout], level: Level) -> Result<Plan, Unsupported> {
        if body.insts.len() > MOST_INSTRUCTIONS {
            return Err(Unsupported { reason: "more instructions than the register allocator is asked to handle" });
        }
        let mut places: Vec<Place> = Vec::with_capacity(body.insts.len());
        let mut loaded = Vec::new();
        let mut stored = Vec::new();
        let mut folds = Vec::new();
        for (_, inst) in body.iter() {
            let place = inst.args().iter().map(|a| places[a.0 as usize]).max().unwrap_or(Place::Constant);
            if let Some(reason) = lacks(inst) {
                return Err(Unsupported { reason });
            }
            places.push(match inst {
                Inst::Load(operand) | Inst::Store(operand, _) => {
                    let layout = layouts[operand.0 as usize];
                    let dtype = program[*operand].dtype;
                    let writes = matches!(inst, Inst::Store(..));
                    match layout.stride {
                        _ if program[*operand].is_opaque() => {
                            return Err(Unsupported { reason: "what only block functions read" });
                        }
                        stride if stride.is_apart() && dtype.size() < 4 => {
                            return Err(Unsupported { reason: "small elements that lie apart" });
                        }
                        Stride::Constant | Stride::Row if writes => {
                            return Err(Unsupported { reason: "a store to what stays the same along a row" });
                        }
                        Stride::Constant => Place::Constant,
                        Stride::Row => Place::Row,
                        _ => {
                            let list = if writes { &mut stored } else { &mut loaded };
                            if !list.contains(operand) {
                                list.push(*operand);
                            }
                            Place::Element
                        }
                    }
                }
                Inst::Reduce(fold, operand, _) => {
                    let op = fold.op().ok_or(Unsupported { reason: "a fold of what has parts" })?;
                    let dtype = program[*operand].dtype;
                    folds.push(RowFold { op, identity: fold.identity(dtype), operand: *operand });
                    Place::Element
                }
                _ => place,
            });
        }
        if stored.is_empty() && folds.is_empty() {
            return Err(Unsupported { reason: "nothing is stored along a row" });
        }
        let inner = |value: Value| places[value.0 as usize] == Place::Element;
        let mut widest = 1;
        let mut escapes = vec![false; body.insts.len()];
        for (value, inst) in body.iter().filter(|(value, _)| inner(*value)) {
            widest = widest.max(width(program, body, value, inst, level));
            for arg in inst.args() {
                escapes[arg.0 as usize] |= !inner(*arg) && !matches!(body[*arg], Inst::Const(_));
            }
        }
        let is_masked = |operand: &OperandId| {
            let is_strided = layouts[operand.0 as usize].stride.is_apart();
            !is_strided && (level == Level::Avx512 || program[*operand].dtype.size() >= 4)
        };
        let masked = loaded.iter().chain(&stored).all(is_masked);
        // Whole vectors only, and after a masked one that reaches an aligned address.
        let is_streamed = |operand: &OperandId| {
            let layout = layouts[operand.0 as usize];
            let is_whole = program[*operand].dtype.size() == widest && !loaded.contains(operand);
            masked && layout.stride == Stride::Streamed && is_whole
        };
        let streamed = stored.iter().copied().filter(is_streamed).collect();
        let is_pairs = |operand: &OperandId| {
            let Operand { role, dtype, offset, .. } = program[*operand];
            let is_other = |other: &OperandId| program[*other].role == role && program[*other].offset != offset;
            let is_whole = !stored.contains(operand) || stored.iter().any(is_other);
            layouts[operand.0 as usize].stride == Stride::Interleaved && dtype.size() == widest && is_whole
        };
        let pairs_only = folds.is_empty() && loaded.iter().chain(&stored).all(is_pairs);
        let folded = folded(body, layouts);
        let live = most_live(body, &places, &folded, level);
        let count = body.iter().filter(|(value, inst)| inner(*value) && matches!(inst, Inst::Op(..))).count();
        let outer = escapes.iter().filter(|e| **e).count();
        let registers = level.registers() - 2;
        // What is one chain of dependent operations needs several to keep the machine busy.
        let wish = match count {
            0..=24 => 4,
            25..=48 => 2,
            _ => 1,
        };
        // The lanes of a fold are as many as the tree says, so that all levels have the same.
        let turn = LANE_BYTES / level.bytes();
        let accumulators = folds.len() * turn;
        if accumulators > 0 {
            if !stored.is_empty() {
                return Err(Unsupported { reason: "stores beside what is folded" });
            }
            if widest < 4 || folds.iter().any(|fold| fold.dtype().size() != widest) {
                return Err(Unsupported { reason: "folds of other than the widest lanes" });
            }
            if folds.iter().any(|fold| fold.dtype() == DType::Bool) {
                return Err(Unsupported { reason: "folds of bools" });
            }
            if accumulators + live > registers || count > MOST_FOLDED {
                return Err(Unsupported { reason: "more to fold than there are registers" });
            }
        }
        // Loads of pairs, two vectors each, are many: in the caches, several copies side by side take longer.
        let mut group = if pairs_only { 1 } else { wish };
        while group > 1 && group * live + accumulators > registers.saturating_sub(outer.min(4)) {
            group /= 2;
        }
        let hoists = registers.saturating_sub(outer + group * live + accumulators);
        let copies = match (accumulators, pairs_only) {
            (0, true) => wish,
            (0, false) => group,
            _ => turn,
        };
        Ok(Plan {
            places,
            widest,
            copies,
            group,
            folded,
            escapes,
            loaded,
            stored,
            streamed,
            masked,
            pairs_only,
            hoists,
            folds,
        })
    }

    pub(super) fn place(&self, value: Value) -> Place {
        self.places[value.0 as usize]
    }
}

/// Is the second argument, a shift's amount, a constant of the program?
pub(super) fn constant_amount(body: &Loop, args: &[Value]) -> Option<i128> {
    match body[args[1]] {
        Inst::Const(scalar) => Some(scalar.as_int()),
        _ => None,
    }
}

/// The widest lane that an instruction needs.
fn width(program: &Program, body: &Loop, value: Value, inst: &Inst, level: Level) -> usize {
    let size = |value: &Value| body.dtype(*value).size();
    match inst {
        Inst::Load(operand) | Inst::Store(operand, _) | Inst::Reduce(_, operand, _) => program[*operand].dtype.size(),
        Inst::Op(op, args) => {
            let (from, to) = (body.dtype(args[0]), body.dtype(value));
            let own = args.iter().map(size).max().unwrap_or(1).max(to.size());
            let inside = match op {
                // By way of int64.
                Op::Convert if from.is_float() && to == DType::U32 => 8,
                // Shifts that the machine has for wider lanes only.
                Op::Shl | Op::Shr if constant_amount(body, args).is_none() => match level {
                    Level::Avx2 => 4,
                    Level::Avx512 => 2,
                },
                _ => 1,
            };
            own.max(inside)
        }
        _ => 1,
    }
}

/// The loads that are used once, with no store between.
fn folded(body: &Loop, layouts: &[Layout]) -> Vec<bool> {
    let mut uses = vec![0u32; body.insts.len()];
    let mut before_stores = vec![false; body.insts.len()];
    let mut stored = false;
    for (_, inst) in body.iter() {
        stored |= matches!(inst, Inst::Store(..));
        for arg in inst.args() {
            uses[arg.0 as usize] += 1;
            before_stores[arg.0 as usize] = !stored && matches!(inst, Inst::Op(..));
        }
    }
    let foldable = |value: Value, inst: &Inst| match inst {
        Inst::Load(operand) => {
            let once = uses[value.0 as usize] == 1 && before_stores[value.0 as usize];
            let Layout { stride, swapped } = layouts[operand.0 as usize];
            once && !swapped && matches!(stride, Stride::Contiguous | Stride::Column)
        }
        _ => false,
    };
    body.iter().map(|(value, inst)| foldable(value, inst)).collect()
}

/// The greatest number of vectors of the inner loop that are alive at once.
fn most_live(body: &Loop, places: &[Place], folded: &[bool], level: Level) -> usize {
    let mut alive = vec![false; body.insts.len()];
    let (mut count, mut most) = (0usize, 1);
    for (value, inst) in body.iter().rev() {
        let at = value.0 as usize;
        if places[at] != Place::Element {
            continue;
        }
        if alive[at] {
            count -= 1;
        }
        for arg in inst.args() {
            let arg = arg.0 as usize;
            let in_mask = level == Level::Avx512 && body.types[arg] == Some(DType::Bool);
            if places[arg] == Place::Element && !alive[arg] && !folded[arg] && !in_mask {
                alive[arg] = true;
                count += 1;
            }
        }
        most = most.max(count);
    }
    most
}
