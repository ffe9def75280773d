//! A loop that reduces, as the back ends see it: what is folded is stored to lines, which the runtime
//! folds. Where that is an operand as it is, nothing is stored, and the runtime reads the operand.

use super::{Layout, Stride};
use crate::dtype::{DType, Scalar};
use crate::ir::{Fold, Inst, Loop, Operand, OperandId, Program, Role};

/// Where the values lie that are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a line: an operand behind the program's own.
    Line(u32),
    /// In an operand whose elements lie packed along the innermost axis.
    Operand(OperandId),
}

/// A fold of a loop.
#[derive(Clone, Copy, Debug)]
pub struct Folded {
    /// What joins the values.
    pub fold: Fold,
    /// Their type.
    pub dtype: DType,
    /// Where the results go.
    pub result: OperandId,
    /// Where the values are.
    pub source: Source,
}

/// The folds of a loop, and whether its code has anything to do. `in_place` says that the runtime can read
/// packed operands where they are.
pub fn folds(program: &Program, body: &Loop, layouts: &[Layout], in_place: bool) -> (Vec<Folded>, bool) {
    // An operand must not have been overwritten by the time when it is folded.
    let has_effects = body.insts.iter().any(|inst| inst.must_stay() && !matches!(inst, Inst::Reduce(..)));
    let mut lines = program.operands.len() as u32;
    let mut folds = Vec::new();
    for inst in &body.insts {
        let Inst::Reduce(fold, result, value) = *inst else { continue };
        let source = match body[value] {
            Inst::Load(operand) if in_place && !has_effects && is_packed(program, operand, layouts) => {
                Source::Operand(operand)
            }
            _ => {
                lines += 1;
                Source::Line(lines - 1)
            }
        };
        folds.push(Folded { fold, dtype: body.dtype(value), result, source });
    }
    (folds, has_effects || lines as usize > program.operands.len())
}

fn is_packed(program: &Program, operand: OperandId, layouts: &[Layout]) -> bool {
    let Layout { stride, swapped } = layouts[operand.0 as usize];
    !program[operand].is_opaque()
        && matches!(stride, Stride::Contiguous | Stride::Column)
        && !(swapped && program[operand].dtype.size() > 1)
}

/// The program with lines, and with a single loop that stores to them.
pub fn with_lines(program: &Program, body: &Loop, folds: &[Folded]) -> Program {
    let mut operands = program.operands.clone();
    let mut stored = Loop::default();
    let mut folds = folds.iter();
    for (inst, dtype) in body.insts.iter().zip(&body.types) {
        match *inst {
            Inst::Reduce(_, _, value) => match folds.next() {
                Some(Folded { source: Source::Line(line), dtype, .. }) => {
                    let (name, role) = (format!("line {line}").into(), Role::Hidden(u32::MAX - line));
                    operands.push(Operand { name, dtype: *dtype, role, offset: 0 });
                    stored.push(Inst::Store(OperandId(*line), value), None);
                }
                // Keeps its place, so that values keep their numbers.
                _ => _ = stored.push(Inst::Const(Scalar::bool(false)), Some(DType::Bool)),
            },
            _ => _ = stored.push(inst.clone(), *dtype),
        }
    }
    Program { operands, loops: vec![stored], guards: program.guards.clone() }
}
