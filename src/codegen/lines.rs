//! A loop that reduces, as the back ends see it: what is folded is stored to lines, which the runtime
//! folds. Where that is an operand as it is, nothing is stored, and the runtime reads the operand. Where a
//! back end has room for it in registers, the code folds each row itself, and lines have an element a row.

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

/// What the code of a loop that reduces puts into a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All values.
    Values,
    /// What each row folds to. A row must be a run of the tree, or a part of one that is folded alone.
    Rows,
}

impl Form {
    /// How a line lies.
    pub fn layout(self) -> Layout {
        let stride = match self {
            Form::Values => Stride::Contiguous,
            Form::Rows => Stride::Row,
        };
        Layout { stride, swapped: false }
    }
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

/// A loop's layouts, its lines' among them.
pub fn layouts(operands: &[Layout], folds: &[Folded], form: Form) -> Vec<Layout> {
    let lines = folds.iter().filter(|folded| matches!(folded.source, Source::Line(_)));
    operands.iter().copied().chain(lines.map(|_| form.layout())).collect()
}

/// The program with lines, and with a single loop that stores to them.
pub fn with_lines(program: &Program, body: &Loop, folds: &[Folded], form: Form) -> Program {
    let mut operands = program.operands.clone();
    let mut stored = Loop::default();
    let mut folds = folds.iter();
    for (inst, dtype) in body.insts.iter().zip(&body.types) {
        match *inst {
            Inst::Reduce(fold, _, value) => match folds.next() {
                Some(Folded { source: Source::Line(line), dtype, .. }) => {
                    let (name, role) = (format!("line {line}").into(), Role::Hidden(u32::MAX - line));
                    operands.push(Operand { name, dtype: *dtype, role, offset: 0 });
                    let line = OperandId(*line);
                    let inst = match form {
                        Form::Values => Inst::Store(line, value),
                        Form::Rows => Inst::Reduce(fold, line, value),
                    };
                    stored.push(inst, None);
                }
                // Keeps its place, so that values keep their numbers.
                _ => _ = stored.push(Inst::Const(Scalar::bool(false)), Some(DType::Bool)),
            },
            _ => _ = stored.push(inst.clone(), *dtype),
        }
    }
    Program { operands, loops: vec![stored], guards: program.guards.clone() }
}
