//! From the typed program to CLIF, Cranelift's intermediate representation.
//!
//! One loop of the program becomes one function with the ABI of [`super::Entry`]:
//!
//! ```text
//! entry:   values of Constant operands, their guards, their splats
//! row:     (outer loop) addresses of this row, values of Row operands, their splats
//! vectors: (inner loop, only where every operation has a vector form) several vectors a turn
//! scalars: (inner loop) one element a turn: all of them, or what the vectors left
//! ```
//!
//! An instruction is emitted in the outermost of these places that has all its arguments; stores go
//! to the innermost place that the loop has at all, so that a program over scalars is straight-line
//! code. [`plan`] decides this, [`scalar`] and [`vector`] select instructions.
//!
//! Code is written with a cursor and explicit block parameters rather than through Cranelift's SSA
//! builder: no value here ever needs a phi but the loops' counters, places stay open until all is
//! emitted (a splat that the inner loop turns out to need goes to the row's place), and it is
//! faster. Cranelift's own optimiser is off for the same reason: hoisting is done here, folding and
//! merging of equal values by the passes over the typed program.

mod plan;
mod scalar;
mod vector;

use super::{Layout, Simd, Stride};
use crate::dtype::{DType, Scalar};
use crate::ir::{Callee, Inst, Loop, OperandId, Program, Value};
use cranelift::codegen::Context;
use cranelift::codegen::cursor::{Cursor, FuncCursor};
use cranelift::codegen::ir::{
    self, AbiParam, Block, BlockArg, Function, InstBuilder, MemFlagsData, Signature, Type, UserFuncName,
    condcodes::IntCC, types,
};
use cranelift::codegen::isa::{self, OwnedTargetIsa};
use cranelift::codegen::settings::{self, Configurable};
use plan::{Level, Plan};
use std::fmt;
use std::sync::Arc;

/// The machine for which code is generated: made once, cheap to clone.
#[derive(Clone)]
pub struct Target {
    isa: OwnedTargetIsa,
    /// The 128-bit instructions that [`vector`] relies on.
    simd: bool,
    /// `roundsd` and its kind.
    rounding: bool,
    /// Fused multiply-add.
    fma: bool,
    /// x86's own conversions of float vectors to integers.
    x86: bool,
}

/// Why a loop could not be compiled: a limit of Cranelift, or a mistake of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodegenError(pub String);

impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodegenError {}

impl Target {
    /// The machine that runs this process.
    pub fn host() -> Result<Target, CodegenError> {
        let builder = cranelift::native::builder().map_err(|error| CodegenError(error.to_string()))?;
        Target::finish(builder)
    }

    /// A machine by its target triple, with the features named (`has_avx`) and no others: what is
    /// generated then does not depend on the machine that generates it.
    pub fn for_triple(triple: &str, features: &[&str]) -> Result<Target, CodegenError> {
        let mut builder = isa::lookup_by_name(triple).map_err(|error| CodegenError(format!("{triple}: {error}")))?;
        for feature in features {
            builder.enable(feature).map_err(|error| CodegenError(format!("{feature}: {error}")))?;
        }
        Target::finish(builder)
    }

    fn finish(builder: isa::Builder) -> Result<Target, CodegenError> {
        let mut flags = settings::builder();
        let verify = if cfg!(debug_assertions) { "true" } else { "false" };
        for (name, value) in [
            ("opt_level", "none"),
            ("regalloc_algorithm", "backtracking"),
            ("enable_verifier", verify),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("enable_probestack", "false"),
            ("unwind_info", "false"),
            ("preserve_frame_pointers", "false"),
            ("machine_code_cfg_info", "false"),
        ] {
            flags.set(name, value).map_err(|error| CodegenError(format!("{name}: {error}")))?;
        }
        let isa = builder.finish(settings::Flags::new(flags)).map_err(|error| CodegenError(error.to_string()))?;
        let x86 = isa.name() == "x64";
        let has = |name: &str| !x86 || isa.isa_flags().iter().any(|f| f.name == name && f.as_bool() == Some(true));
        Ok(Target {
            simd: ["has_sse3", "has_ssse3", "has_sse41", "has_sse42"].into_iter().all(has),
            rounding: has("has_sse41"),
            fma: has("has_fma"),
            x86,
            isa,
        })
    }

    /// Cranelift's description of the target.
    pub fn isa(&self) -> &OwnedTargetIsa {
        &self.isa
    }

    /// The signature of [`super::Entry`].
    pub fn entry_signature(&self) -> Signature {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params.extend([AbiParam::new(types::I64); 5]);
        signature.returns.push(AbiParam::new(types::I64));
        signature
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.isa.triple())
    }
}

/// Writes the CLIF of a loop into `context`. `layouts` has one entry for each of the program's
/// operands.
pub fn lower(
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
    target: &Target,
    context: &mut Context,
) -> Result<(), CodegenError> {
    let body =
        program.loops.get(loop_index).ok_or_else(|| CodegenError(format!("the program has no loop {loop_index}")))?;
    if layouts.len() != program.operands.len() {
        return Err(CodegenError("a program needs a layout for each of its operands".into()));
    }
    context.clear();
    context.func.name = UserFuncName::user(0, 0);
    context.func.signature = target.entry_signature();
    let plan = Plan::new(program, body, layouts, simd, target);
    Emitter::new(program, body, layouts, plan, target, &mut context.func).emit();
    Ok(())
}

/// The state of writing one function.
struct Emitter<'a> {
    program: &'a Program,
    body: &'a Loop,
    layouts: &'a [Layout],
    plan: Plan,
    target: &'a Target,
    cursor: FuncCursor<'a>,
    /// Where each level's code ends so far.
    places: [Block; 3],
    /// The function's parameters: pointers, inner strides, outer strides, inner, outer.
    params: [ir::Value; 5],
    /// The values of instructions that were emitted as scalars.
    scalars: Vec<Option<ir::Value>>,
    /// Each operand's address at inner index 0.
    bases: Vec<Option<ir::Value>>,
    /// The operand's inner strides, and the pointers that step by them in the loop being emitted.
    strides: Vec<Option<ir::Value>>,
    steps: Vec<Option<ir::Value>>,
    /// The counter of the inner loop being emitted, and the counter shifted by 0 to 3 bits.
    index: Option<ir::Value>,
    scaled: [Option<ir::Value>; 4],
    /// Returns its parameter: where guards go that fail.
    failure: Option<Block>,
}

/// Memory of the caller: never traps, aligned or not.
fn memory() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// The arrays of pointers and strides that the caller passes.
fn table() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// The machine type that holds a scalar. Bools are 0 or 1 in a byte.
fn scalar_type(dtype: DType) -> Type {
    match dtype {
        DType::F32 => types::F32,
        DType::F64 => types::F64,
        _ => int_type(dtype.size()),
    }
}

/// The integer type of a number of bytes.
fn int_type(size: usize) -> Type {
    match size {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}

impl<'a> Emitter<'a> {
    fn new(
        program: &'a Program,
        body: &'a Loop,
        layouts: &'a [Layout],
        plan: Plan,
        target: &'a Target,
        func: &'a mut Function,
    ) -> Emitter<'a> {
        let entry = func.dfg.make_block();
        func.layout.append_block(entry);
        let params = std::array::from_fn(|_| func.dfg.append_block_param(entry, types::I64));
        Emitter {
            program,
            body,
            layouts,
            plan,
            target,
            cursor: FuncCursor::new(func),
            places: [entry; 3],
            params,
            scalars: vec![None; body.insts.len()],
            bases: vec![None; program.operands.len()],
            strides: vec![None; program.operands.len()],
            steps: vec![None; program.operands.len()],
            index: None,
            scaled: [None; 4],
            failure: None,
        }
    }

    fn emit(mut self) {
        let [.., inner, outer] = self.params;
        let entry = Level::Constant;
        self.at(entry);
        self.load_bases(Level::Constant, None);
        self.scalar_level(Level::Constant);
        if self.plan.depth == Level::Constant {
            self.return_status(0);
            return;
        }

        let row = self.new_block();
        let j = self.param(row, types::I64);
        self.places[Level::Row as usize] = row;
        self.at(Level::Row);
        self.load_bases(Level::Row, Some(j));
        self.scalar_level(Level::Row);

        let row_end = if self.plan.depth == Level::Element {
            let row_end = self.new_block_unplaced();
            self.inner_loops(inner, row_end);
            self.place(row_end);
            row_end
        } else {
            self.places[Level::Row as usize]
        };

        let exit = self.new_block_unplaced();
        self.cursor.goto_bottom(row_end);
        let next = self.cursor.ins().iadd_imm_s(j, 1);
        let more = self.cursor.ins().icmp(IntCC::UnsignedLessThan, next, outer);
        self.cursor.ins().brif(more, row, &[BlockArg::Value(next)], exit, &[]);
        self.place(exit);
        self.cursor.goto_bottom(exit);
        self.return_status(0);

        self.at(entry);
        let zero = self.cursor.ins().iconst(types::I64, 0);
        self.cursor.ins().jump(row, &[BlockArg::Value(zero)]);
    }

    /// The loops over a row's elements: vectors if there are any, then scalars. Ends the row's place
    /// and continues in `row_end`.
    fn inner_loops(&mut self, inner: ir::Value, row_end: Block) {
        let Some(shape) = self.plan.shape else {
            let scalars = self.scalar_loop(inner, row_end);
            self.at(Level::Row);
            let zero = self.cursor.ins().iconst(types::I64, 0);
            let starts = self.plan.stepped.iter().map(|o| self.bases[o.0 as usize].expect("loaded with the row"));
            let args: Vec<_> = std::iter::once(zero).chain(starts).map(BlockArg::Value).collect();
            self.cursor.ins().jump(scalars, &args);
            return;
        };
        let step = (shape.lanes * shape.repeats) as i64;
        self.at(Level::Row);
        let whole = self.cursor.ins().band_imm_s(inner, -step);

        let vectors = self.new_block();
        let i = self.param(vectors, types::I64);
        self.places[Level::Element as usize] = vectors;
        self.at(Level::Element);
        self.set_index(i);
        vector::Lanes::emit(self, shape);
        let next = self.cursor.ins().iadd_imm_s(i, step);
        let more = self.cursor.ins().icmp(IntCC::UnsignedLessThan, next, whole);
        let rest = self.new_block_unplaced();
        self.cursor.ins().brif(more, vectors, &[BlockArg::Value(next)], rest, &[]);
        self.place(rest);

        let scalars = self.scalar_loop(inner, row_end);
        self.cursor.goto_bottom(rest);
        let done = self.cursor.ins().icmp(IntCC::Equal, whole, inner);
        self.cursor.ins().brif(done, row_end, &[], scalars, &[BlockArg::Value(whole)]);

        self.at(Level::Row);
        let zero = self.cursor.ins().iconst(types::I64, 0);
        let zero = [BlockArg::Value(zero)];
        self.cursor.ins().brif(whole, vectors, &zero, scalars, &zero);
    }

    /// The loop over single elements: its parameters are the index to begin with, and the addresses
    /// of the operands that have pointers of their own.
    fn scalar_loop(&mut self, inner: ir::Value, row_end: Block) -> Block {
        let scalars = self.new_block();
        let i = self.param(scalars, types::I64);
        self.set_index(i);
        let stepped = self.plan.stepped.clone();
        for operand in &stepped {
            self.steps[operand.0 as usize] = Some(self.param(scalars, types::I64));
        }
        self.places[Level::Element as usize] = scalars;
        self.at(Level::Element);
        self.scalar_level(Level::Element);
        let next = self.cursor.ins().iadd_imm_s(i, 1);
        let mut args = vec![BlockArg::Value(next)];
        for operand in stepped {
            let pointer = self.address(operand);
            let stride = self.inner_stride(operand);
            args.push(BlockArg::Value(self.cursor.ins().iadd(pointer, stride)));
        }
        let more = self.cursor.ins().icmp(IntCC::UnsignedLessThan, next, inner);
        self.cursor.ins().brif(more, scalars, &args, row_end, &[]);
        scalars
    }

    /// Loads what addresses are made of: of Constant operands, and every stride, on entry; the
    /// others' for row `j`.
    fn load_bases(&mut self, level: Level, j: Option<ir::Value>) {
        let [pointers, inner_strides, outer_strides, ..] = self.params;
        for operand in self.plan.operands.clone() {
            let slot = operand.0 as usize;
            let offset = operand.0 as i32 * 8;
            let stride = self.layouts[slot].stride;
            if level == Level::Constant && stride == Stride::Strided {
                self.strides[slot] = Some(self.cursor.ins().load(types::I64, table(), inner_strides, offset));
            }
            if (level == Level::Constant) == (stride == Stride::Constant) {
                let mut base = self.cursor.ins().load(types::I64, table(), pointers, offset);
                if let Some(j) = j {
                    let step = self.cursor.ins().load(types::I64, table(), outer_strides, offset);
                    let distance = self.cursor.ins().imul(step, j);
                    base = self.cursor.ins().iadd(base, distance);
                }
                self.bases[slot] = Some(base);
            }
        }
    }

    fn inner_stride(&self, operand: OperandId) -> ir::Value {
        self.strides[operand.0 as usize].expect("loaded on entry")
    }

    /// The address of the current element of an operand.
    fn address(&mut self, operand: OperandId) -> ir::Value {
        let slot = operand.0 as usize;
        let base = self.bases[slot].expect("an operand's address is loaded before its elements");
        match self.layouts[slot].stride {
            Stride::Constant | Stride::Row => base,
            Stride::Contiguous => {
                let offset = self.scaled_index(self.program.operands[slot].dtype.size());
                self.cursor.ins().iadd(base, offset)
            }
            Stride::Strided => match self.steps[slot] {
                Some(pointer) => pointer,
                None => {
                    let stride = self.inner_stride(operand);
                    let index = self.index.expect("inside the inner loop");
                    let offset = self.cursor.ins().imul(stride, index);
                    self.cursor.ins().iadd(base, offset)
                }
            },
        }
    }

    fn set_index(&mut self, index: ir::Value) {
        self.index = Some(index);
        self.scaled = [Some(index), None, None, None];
    }

    /// The inner index times an element size. Cranelift folds the shift into the address.
    fn scaled_index(&mut self, size: usize) -> ir::Value {
        let shift = size.trailing_zeros() as usize;
        let index = self.index.expect("inside the inner loop");
        *self.scaled[shift].get_or_insert_with(|| self.cursor.ins().ishl_imm_u(index, shift as i64))
    }

    /// Moves to the end of a level's code.
    fn at(&mut self, level: Level) {
        self.cursor.goto_bottom(self.places[level as usize]);
    }

    fn new_block_unplaced(&mut self) -> Block {
        self.cursor.func.dfg.make_block()
    }

    fn new_block(&mut self) -> Block {
        let block = self.new_block_unplaced();
        self.place(block);
        block
    }

    fn place(&mut self, block: Block) {
        self.cursor.func.layout.append_block(block);
    }

    fn param(&mut self, block: Block, ty: Type) -> ir::Value {
        self.cursor.func.dfg.append_block_param(block, ty)
    }

    fn return_status(&mut self, status: i64) {
        let status = self.cursor.ins().iconst(types::I64, status);
        self.cursor.ins().return_(&[status]);
    }

    /// Leaves the function with a status where `condition` is 0; goes on in a new block.
    fn guard(&mut self, level: Level, condition: ir::Value, status: u64) {
        let failure = match self.failure {
            Some(block) => block,
            None => {
                let here = self.cursor.current_block().expect("emitting");
                let block = self.new_block_unplaced();
                let status = self.param(block, types::I64);
                self.cursor.func.layout.append_block(block);
                self.cursor.goto_bottom(block);
                self.cursor.ins().return_(&[status]);
                self.cursor.func.layout.set_cold(block);
                self.cursor.goto_bottom(here);
                self.failure = Some(block);
                block
            }
        };
        let status = self.cursor.ins().iconst(types::I64, status as i64);
        let next = self.new_block();
        self.cursor.ins().brif(condition, next, &[], failure, &[BlockArg::Value(status)]);
        self.places[level as usize] = next;
        self.at(level);
    }

    /// Calls a native function by its address.
    fn call(&mut self, callee: &Arc<Callee>, args: &[ir::Value]) -> ir::Value {
        self.call_address(callee.address, &callee.params, callee.result, args)
    }

    fn call_address(&mut self, address: usize, params: &[DType], result: DType, args: &[ir::Value]) -> ir::Value {
        let mut signature = Signature::new(self.target.isa.default_call_conv());
        // C callers extend narrow arguments to 32 bits, and C callees rely on it.
        let abi = |dtype: DType| match scalar_type(dtype) {
            ty @ (types::I8 | types::I16) if dtype.is_signed() => AbiParam::new(ty).sext(),
            ty @ (types::I8 | types::I16) => AbiParam::new(ty).uext(),
            ty => AbiParam::new(ty),
        };
        signature.params.extend(params.iter().map(|&p| abi(p)));
        signature.returns.push(AbiParam::new(scalar_type(result)));
        let signature = self.cursor.func.import_signature(signature);
        let address = self.cursor.ins().iconst(types::I64, address as i64);
        let call = self.cursor.ins().call_indirect(signature, address, args);
        self.cursor.func.dfg.first_result(call)
    }

    /// The bits of a constant operand of an operation, if it is one.
    fn constant(&self, value: Value) -> Option<Scalar> {
        match self.body[value] {
            Inst::Const(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Is the value a number that is surely not NaN?
    fn never_nan(&self, value: Value) -> bool {
        self.constant(value).is_some_and(|c| !c.as_f64().is_nan())
    }
}
