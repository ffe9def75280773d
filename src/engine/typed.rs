//! A kernel's program for given types, and its machine code by layouts.

use super::compiler::{self, Folding};
use crate::check::lower::ArgumentType;
use crate::codegen::lines::{self, Folded, Form};
use crate::codegen::{Layout, Simd};
use crate::diagnostic::Error;
use crate::dtype::{Casting, DType};
use crate::ir::{Effects, Inst, Loop, OperandId, Program, Role};
use crate::jit::Code;
use crate::runtime::plan::FoldOrder;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What a typed program is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) arguments: SmallVec<[ArgumentType; 8]>,
    /// The dtype asked for each output, if one is.
    pub(super) outputs: SmallVec<[Option<DType>; 2]>,
    pub(super) casting: Casting,
    /// The loop of each statement.
    pub(super) groups: SmallVec<[u32; 4]>,
    /// With a mask: for each output whether its memory is given.
    pub(super) masked: Option<SmallVec<[bool; 2]>>,
}

/// A program for given types.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) key: Key,
    pub(super) program: Arc<Program>,
    pub(super) loops: Vec<TypedLoop>,
    /// The dtype of each output that has memory of its own.
    outputs: Vec<Option<DType>>,
}

/// One of its loops.
#[derive(Debug)]
pub(super) struct TypedLoop {
    /// The statement whose shape is the loop's.
    pub(super) statement: usize,
    /// For each operand, whether the loop reads it and whether it writes it.
    pub(super) uses: Vec<Use>,
    /// What may be done with the functions that the loop calls.
    pub(super) effects: Effects,
    /// The operands that it reduces to.
    pub(super) results: SmallVec<[OperandId; 2]>,
    /// If it does nothing but copy hidden values to outputs that nothing else writes: which to which.
    pub(super) copies: SmallVec<[(OperandId, OperandId); 2]>,
    codes: RwLock<SmallVec<[CodeOfLayouts; 1]>>,
}

/// Code, if there can be any, and what it is made for: the widest vectors, and the operands' layouts, which are
/// followed by those of lines if it reduces.
type CodeOfLayouts = ((Simd, Box<[Layout]>), Option<Arc<Code>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) reads: bool,
    pub(super) writes: bool,
}

/// What a loop copies, if that is all that it does.
fn copies(program: &Program, body: &Loop) -> Option<SmallVec<[(OperandId, OperandId); 2]>> {
    let stores = |target: OperandId| {
        let all = program.loops.iter().flat_map(|body| &body.insts);
        all.filter(|inst| matches!(inst, Inst::Store(operand, _) if *operand == target)).count()
    };
    let mut copies = SmallVec::new();
    for inst in &body.insts {
        match *inst {
            Inst::Load(operand) if matches!(program[operand].role, Role::Hidden(_)) => {}
            Inst::Store(target, value) if matches!(program[target].role, Role::Output(_)) && stores(target) == 1 => {
                let Inst::Load(operand) = body[value] else { return None };
                copies.push((operand, target));
            }
            _ => return None,
        }
    }
    Some(copies)
}

/// More layouts than this of one loop make it forget the oldest.
const MOST_LAYOUTS: usize = 64;

impl Typed {
    /// Takes an optimised program; `statements` are those whose shapes its loops have, `outputs` the dtypes of
    /// outputs that have memory of their own.
    pub(super) fn new(key: Key, program: Program, statements: &[usize], outputs: Vec<Option<DType>>) -> Typed {
        let loops = program.loops.iter().zip(statements).map(|(body, &statement)| {
            let mut uses = vec![Use::default(); program.operands.len()];
            let mut effects = Effects::NONE;
            let mut results = SmallVec::new();
            for inst in &body.insts {
                match inst {
                    Inst::Load(operand) => uses[operand.0 as usize].reads = true,
                    Inst::Store(operand, _) => uses[operand.0 as usize].writes = true,
                    Inst::Reduce(_, operand, _) => {
                        uses[operand.0 as usize].writes = true;
                        results.push(*operand);
                    }
                    Inst::Call(callee, _) => effects = effects.and(callee.effects),
                    _ => {}
                }
            }
            let copies = copies(&program, body).unwrap_or_default();
            TypedLoop { statement, uses, effects, results, copies, codes: RwLock::default() }
        });
        let loops = loops.collect();
        Typed { key, loops, outputs, program: Arc::new(program) }
    }

    /// The dtype of an output that is updated in place in the given argument, or has memory of its own.
    pub(super) fn output(&self, output: usize, target: Option<usize>) -> DType {
        match target {
            Some(argument) => self.key.arguments[argument].ty.dtype(),
            None => self.outputs[output].expect("an output that is no argument is stored"),
        }
    }

    /// The machine code of a loop for the layouts of the program's operands.
    pub(super) fn code(
        &self,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
        code_bytes: &AtomicUsize,
    ) -> Result<Arc<Code>, Error> {
        let code = self.code_of(loop_index, layouts, simd, code_bytes, || {
            compiler::compile(&self.program, loop_index, layouts, None, simd)
        });
        Ok(code?.expect("every loop has code that stores values"))
    }

    /// The folds of a loop that reduces, with operands of these layouts, and its machine code if they need any.
    pub(super) fn folding_code(
        &self,
        loop_index: usize,
        layouts: &[Layout],
        order: FoldOrder,
        simd: Simd,
        code_bytes: &AtomicUsize,
    ) -> Result<(Vec<Folded>, Option<Arc<Code>>), Error> {
        let body = &self.program.loops[loop_index];
        let code = |folds: &[Folded], form: Form| {
            let known = lines::layouts(layouts, folds, form);
            self.code_of(loop_index, &known, simd, code_bytes, || {
                let folding = Folding { folds: folds.to_vec(), form };
                compiler::compile(&self.program, loop_index, layouts, Some(folding), simd)
            })
        };
        // Code folds many rows sooner than kernels that are called for each.
        if order == FoldOrder::ManyRows {
            let (folds, _) = lines::folds(&self.program, body, layouts, false);
            if let Some(code) = code(&folds, Form::Rows)? {
                return Ok((folds, Some(code)));
            }
        }
        let (folds, needs_code) = lines::folds(&self.program, body, layouts, order != FoldOrder::Values);
        if !needs_code {
            return Ok((folds, None));
        }
        if matches!(order, FoldOrder::Row | FoldOrder::ManyRows)
            && let Some(code) = code(&folds, Form::Rows)?
        {
            return Ok((folds, Some(code)));
        }
        let code = code(&folds, Form::Values)?;
        Ok((folds, code))
    }

    fn code_of(
        &self,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
        code_bytes: &AtomicUsize,
        compile: impl FnOnce() -> Result<Option<Code>, Error>,
    ) -> Result<Option<Arc<Code>>, Error> {
        let codes = &self.loops[loop_index].codes;
        let is_known = |(known, _): &&CodeOfLayouts| known.0 == simd && *known.1 == *layouts;
        {
            let codes = codes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, code)) = codes.iter().find(is_known) {
                return Ok(code.clone());
            }
        }
        let code = compile()?.map(Arc::new);
        let mut codes = codes.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been quicker.
        if let Some((_, code)) = codes.iter().find(is_known) {
            return Ok(code.clone());
        }
        let footprint = |code: &Option<Arc<Code>>| code.as_ref().map_or(0, |code| code.footprint());
        code_bytes.fetch_add(footprint(&code), Ordering::Relaxed);
        if codes.len() == MOST_LAYOUTS {
            let (_, oldest) = codes.remove(0);
            code_bytes.fetch_sub(footprint(&oldest), Ordering::Relaxed);
        }
        codes.push(((simd, layouts.into()), code.clone()));
        Ok(code)
    }

    /// Bytes of machine code.
    pub(super) fn footprint(&self) -> usize {
        let of = |l: &TypedLoop| {
            let codes = l.codes.read().unwrap_or_else(PoisonError::into_inner);
            codes.iter().flat_map(|(_, code)| code).map(|code| code.footprint()).sum::<usize>()
        };
        self.loops.iter().map(of).sum()
    }
}
