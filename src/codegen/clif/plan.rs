//! What is decided about a loop before any code is written.

use super::{Target, vector};
use crate::codegen::{Layout, Simd, Stride};
use crate::dtype::DType;
use crate::ir::{Inst, Loop, OperandId, Program, Value};

/// The place of an instruction, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Once a call.
    Constant,
    /// Once a row.
    Row,
    /// Once an element.
    Element,
}

/// How a turn of the vector loop is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Elements that are worked on together: at least one vector of the widest type.
    pub(super) lanes: usize,
    /// How often the body stands in the loop.
    pub(super) repeats: usize,
}

/// The decisions.
pub(super) struct Plan {
    /// The place of each instruction.
    pub(super) levels: Vec<Level>,
    /// The innermost place that the loop has; all stores are there.
    pub(super) depth: Level,
    /// The operands that the loop touches.
    pub(super) operands: Vec<OperandId>,
    /// The strided operands that have a pointer of their own in the inner loop. The others multiply
    /// their stride by the index: slower, but they hold no register from turn to turn.
    pub(super) stepped: Vec<OperandId>,
    /// Are constants made where they are used? With many, they would only be spilled.
    pub(super) inline_constants: bool,
    /// Which values of outer levels are used further in.
    pub(super) escapes: Vec<bool>,
    /// Are there so many such values, and addresses, that they are kept in memory?
    pub(super) crowded: bool,
    /// The vector loop, if there is one.
    pub(super) shape: Option<Shape>,
}

/// Strided operands up to this number get pointers of their own.
const MOST_STEPPED: usize = 6;
/// Up to this many constants wait in registers.
const MOST_HOISTED_CONSTANTS: usize = 12;
/// Up to this many addresses and values from outer levels are left to the register allocator.
const MOST_HELD: usize = 40;

impl Plan {
    pub(super) fn new(program: &Program, body: &Loop, layouts: &[Layout], simd: Simd, target: &Target) -> Plan {
        let operand_level = |operand: OperandId| match layouts[operand.0 as usize].stride {
            Stride::Constant => Level::Constant,
            Stride::Row => Level::Row,
            Stride::Column | Stride::Contiguous | Stride::Streamed | Stride::Interleaved | Stride::Strided => {
                Level::Element
            }
        };
        let (mut levels, mut touched, mut constants);
        let mut depth = Level::Constant;
        // Calls that must be made once an element are at the innermost level, which is known at the
        // second attempt.
        loop {
            let deepest = depth;
            (levels, touched, constants) =
                (Vec::with_capacity(body.insts.len()), vec![false; program.operands.len()], 0);
            for (_, inst) in body.iter() {
                let mut level = inst.args().iter().map(|a| levels[a.0 as usize]).max().unwrap_or(Level::Constant);
                match inst {
                    Inst::Load(operand) | Inst::Store(operand, _) => {
                        touched[operand.0 as usize] = true;
                        level = level.max(operand_level(*operand));
                    }
                    Inst::Const(_) => constants += 1,
                    _ if inst.is_impure() => level = deepest,
                    _ => {}
                }
                levels.push(level);
                depth = depth.max(level);
            }
            if depth == deepest || !body.insts.iter().any(Inst::is_impure) {
                break;
            }
        }
        for (value, inst) in body.iter() {
            if let Inst::Store(..) = inst {
                levels[value.0 as usize] = depth;
            }
        }
        let operands: Vec<OperandId> =
            (0..program.operands.len() as u32).map(OperandId).filter(|o| touched[o.0 as usize]).collect();
        let inline_constants = constants > MOST_HOISTED_CONSTANTS;
        let mut escapes = vec![false; body.insts.len()];
        for (value, inst) in body.iter() {
            for arg in inst.args() {
                let inline = inline_constants && matches!(body[*arg], Inst::Const(_));
                escapes[arg.0 as usize] |= !inline && levels[arg.0 as usize] < levels[value.0 as usize];
            }
        }
        let held = operands.len() + escapes.iter().filter(|e| **e).count();
        let strided: Vec<OperandId> =
            operands.iter().copied().filter(|o| layouts[o.0 as usize].stride.is_apart()).collect();
        let shape = if simd >= Simd::V128 && target.simd && depth == Level::Element {
            shape(program, body, layouts, &levels, target)
        } else {
            None
        };
        Plan {
            levels,
            depth,
            operands,
            stepped: if strided.len() <= MOST_STEPPED { strided } else { Vec::new() },
            inline_constants,
            escapes,
            crowded: held > MOST_HELD,
            shape,
        }
    }

    pub(super) fn level(&self, value: Value) -> Level {
        self.levels[value.0 as usize]
    }
}

/// The vector loop, if every instruction of the inner loop has a vector form.
fn shape(program: &Program, body: &Loop, layouts: &[Layout], levels: &[Level], target: &Target) -> Option<Shape> {
    let mut widest = 1;
    // Bools count only where they are in memory: elsewhere they are masks as wide as what was
    // compared.
    let mut narrowest = 8;
    let mut count = 0;
    for (value, inst) in body.iter().filter(|(v, _)| levels[v.0 as usize] == Level::Element) {
        let size = match inst {
            Inst::Reduce(..) => return None,
            Inst::Load(operand) | Inst::Store(operand, _) => {
                let layout = layouts[operand.0 as usize];
                let dtype = program.operands[operand.0 as usize].dtype;
                if !matches!(layout.stride, Stride::Column | Stride::Contiguous) || (layout.swapped && dtype.size() > 1)
                {
                    return None;
                }
                Some(dtype.size())
            }
            Inst::Op(op, args) => {
                let dtype = body.dtype(value);
                let amount_varies = args.len() > 1 && levels[args[1].0 as usize] == Level::Element;
                if !vector::has_vector_form(*op, body.dtype(args[0]), dtype, amount_varies, target) {
                    return None;
                }
                (dtype != DType::Bool).then(|| dtype.size())
            }
            Inst::Call(..) | Inst::Guard(..) => return None,
            Inst::Const(_) => None,
        };
        if let Some(size) = size {
            widest = widest.max(size);
            narrowest = narrowest.min(size);
        }
        count += 1;
    }
    // As many lanes as fill a vector of the narrowest type, unless that takes too many vectors of
    // the widest.
    let most = if count <= 24 { 64 } else { 32 };
    let lanes = (16 / narrowest.min(widest)).min(most / widest);
    // Small bodies are repeated, so that the loop's own instructions weigh little. More makes no
    // loop faster that was measured, and costs time to compile.
    let turn = match count {
        0..=6 => 64,
        7..=24 => 32,
        _ => 0,
    };
    Some(Shape { lanes, repeats: (turn / (lanes * widest)).max(1) })
}
