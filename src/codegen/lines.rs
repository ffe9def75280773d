//! A loop that reduces, as the back ends see it: what is folded is stored to lines, which the runtime
//! folds. Where that is an operand as it is, nothing is stored, and the runtime reads the operand. Where a
//! back end has room for it in registers, the code folds each row itself, and lines have an element a row.

use super::{Layout, Stride};
use crate::dtype::{DType, Scalar};
use crate::ir::{Args, Fold, Inst, Loop, Operand, OperandId, Program, Role, Value};
use std::sync::Arc;

/// Where the values lie that are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a line: an operand behind the program's own, or one for each part of values, side by side.
    Line(u32),
    /// In an operand whose elements lie packed along the innermost axis.
    Operand(OperandId),
}

/// A fold of a loop.
#[derive(Clone, Copy, Debug)]
pub struct Folded {
    /// What joins the values; of those with several results any of them.
    pub fold: Fold,
    /// The parts of a value.
    pub values: Args,
    /// Their type.
    pub dtype: DType,
    /// Where the results go, each part of them, where something reads it.
    pub results: [Option<OperandId>; 2],
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
    /// How the lines of a fold lie.
    fn layout(self, folded: &Folded) -> Layout {
        let stride = match self {
            Form::Values if folded.fold.parts() > 1 => Stride::Interleaved,
            Form::Values => Stride::Contiguous,
            Form::Rows => Stride::Row,
        };
        Layout { stride, swapped: false }
    }
}

impl Folded {
    /// How many operands its line is: one for each part of a value.
    fn lines(&self) -> usize {
        if matches!(self.source, Source::Line(_)) { self.fold.parts() } else { 0 }
    }

    /// Bytes of a value, all its parts.
    pub fn size(&self) -> usize {
        self.fold.parts() * self.dtype.size()
    }
}

/// The folds of a loop, and whether its code has anything to do. `in_place` says that the runtime can read
/// packed operands where they are.
pub fn folds(program: &Program, body: &Loop, layouts: &[Layout], in_place: bool) -> (Vec<Folded>, bool) {
    // An operand must not have been overwritten by the time when it is folded.
    let has_effects = body.insts.iter().any(|inst| inst.must_stay() && !matches!(inst, Inst::Reduce(..)));
    let mut lines = program.operands.len();
    let mut folds: Vec<Folded> = Vec::new();
    for inst in &body.insts {
        let Inst::Reduce(fold, result, values) = *inst else { continue };
        let part = fold.part();
        // What has parts is folded once for all of them.
        let is_other = |other: &&mut Folded| {
            fold.parts() > 1 && other.fold.parts() > 1 && other.values == values && other.results[part].is_none()
        };
        if let Some(other) = folds.iter_mut().find(is_other) {
            other.results[part] = Some(result);
            continue;
        }
        let operand = operand_of(program, body, &values).filter(|_| in_place && !has_effects);
        let source = match operand {
            Some(operand) if is_packed(program, operand, layouts, values.len()) => Source::Operand(operand),
            _ => Source::Line(lines as u32),
        };
        let mut results = [None; 2];
        results[part] = Some(result);
        let folded = Folded { fold, values, dtype: body.dtype(values[0]), results, source };
        lines += folded.lines();
        folds.push(folded);
    }
    (folds, has_effects || lines > program.operands.len())
}

/// The operand whose elements are these values, or the first part of an array's whose elements have these parts.
fn operand_of(program: &Program, body: &Loop, values: &[Value]) -> Option<OperandId> {
    let operand = |value: &Value| match body[*value] {
        Inst::Load(operand) => Some(operand),
        _ => None,
    };
    let first = operand(&values[0])?;
    let Operand { role, dtype, offset, .. } = program[first];
    let is_next = |(part, value): (usize, &Value)| {
        let at = offset as usize + part * dtype.size();
        operand(value).is_some_and(|other| program[other].role == role && program[other].offset as usize == at)
    };
    values.iter().enumerate().all(is_next).then_some(first)
}

/// Are elements of so many parts one after another, as they are?
fn is_packed(program: &Program, operand: OperandId, layouts: &[Layout], parts: usize) -> bool {
    let Layout { stride, swapped } = layouts[operand.0 as usize];
    let is_packed = match parts {
        1 => matches!(stride, Stride::Contiguous | Stride::Column),
        _ => stride == Stride::Interleaved,
    };
    is_packed && !program[operand].is_opaque() && !(swapped && program[operand].dtype.size() > 1)
}

/// A loop's layouts, its lines' among them.
pub fn layouts(operands: &[Layout], folds: &[Folded], form: Form) -> Vec<Layout> {
    let lines = folds.iter().flat_map(|folded| std::iter::repeat_n(form.layout(folded), folded.lines()));
    operands.iter().copied().chain(lines).collect()
}

/// The program with lines, and with a single loop that stores to them.
pub fn with_lines(program: &Program, body: &Loop, folds: &[Folded], form: Form) -> Program {
    let mut operands = program.operands.clone();
    for folded in folds {
        let Source::Line(line) = folded.source else { continue };
        let (name, role) = (Arc::from(format!("line {line}")), Role::Hidden(u32::MAX - line));
        operands.extend((0..folded.fold.parts()).map(|part| {
            let offset = (part * folded.dtype.size()) as u32;
            Operand { name: Arc::clone(&name), dtype: folded.dtype, role, offset }
        }));
    }
    let mut stored = Loop::default();
    for (inst, dtype) in body.insts.iter().zip(&body.types) {
        match inst {
            // Keeps its place, so that values keep their numbers.
            Inst::Reduce(..) => stored.push(Inst::Const(Scalar::bool(false)), Some(DType::Bool)),
            _ => stored.push(inst.clone(), *dtype),
        };
    }
    for folded in folds {
        let Source::Line(line) = folded.source else { continue };
        match form {
            Form::Values => folded.values.iter().zip(line..).for_each(|(&value, line)| {
                stored.push(Inst::Store(OperandId(line), value), None);
            }),
            Form::Rows => _ = stored.push(Inst::Reduce(folded.fold, OperandId(line), folded.values), None),
        }
    }
    Program { operands, loops: vec![stored], guards: program.guards.clone() }
}
