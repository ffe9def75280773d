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

use super::{FAILED, Layout, Simd, Stride};
use crate::dtype::{DType, Scalar};
use crate::ir::{Callee, Form, Inst, Loop, OperandId, Program, Value};
use cranelift::codegen::Context;
use cranelift::codegen::cursor::{Cursor, FuncCursor};
use cranelift::codegen::ir::{
    self, AbiParam, Block, BlockArg, Function, InstBuilder, MemFlagsData, Signature, StackSlot, StackSlotData,
    StackSlotKind, Type, UserFuncName, condcodes::IntCC, types,
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
            // Only frames beyond a page get probes: programs of hundreds of operands.
            ("enable_probestack", "true"),
            ("probestack_strategy", "inline"),
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
            // Without AVX, Cranelift 0.135 folds unaligned loads into `cmpps`, which then traps.
            simd: ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_avx"].into_iter().all(has),
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
    scalars: Vec<Option<Held>>,
    /// Each operand's address at inner index 0 of the row.
    bases: Vec<Option<Held>>,
    /// The pointers that step through strided operands in the loop being emitted.
    steps: Vec<Option<ir::Value>>,
    /// Where values wait that the loops need, if there are many; made at the first such value.
    frame: Option<Frame>,
    /// The counter of the inner loop being emitted, and the counter shifted by 0 to 3 bits.
    index: Option<ir::Value>,
    scaled: [Option<ir::Value>; 4],
    /// Returns its parameter: where guards go that fail.
    failure: Option<Block>,
}

/// A value that was computed further out than it is used.
#[derive(Clone, Copy)]
enum Held {
    /// Wherever the register allocator keeps it.
    Value(ir::Value),
    /// In the frame, at an offset.
    Frame(i32, Type),
}

/// Memory on the stack for [`Held`] values. The register allocator would keep them there as well,
/// but it takes time in proportion to the square of their number.
struct Frame {
    slot: StackSlot,
    address: ir::Value,
    size: u32,
}

/// Memory of the caller: never traps, aligned or not.
fn memory() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
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
            steps: vec![None; program.operands.len()],
            frame: None,
            index: None,
            scaled: [None; 4],
            failure: None,
        }
    }

    fn emit(mut self) {
        let [.., inner, outer] = self.params;
        let entry = Level::Constant;
        self.at(entry);
        if self.plan.crowded {
            self.make_frame();
        }
        self.scalar_level(Level::Constant);
        if self.plan.depth == Level::Constant {
            self.return_status(0);
            return;
        }

        let row = self.new_block();
        let j = self.param(row, types::I64);
        self.places[Level::Row as usize] = row;
        self.at(Level::Row);
        self.load_bases(j);
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
            let mut args = vec![BlockArg::Value(zero)];
            for operand in self.plan.stepped.clone() {
                args.push(BlockArg::Value(self.base(operand)));
            }
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
            let stride = self.table_entry(self.params[1], operand);
            args.push(BlockArg::Value(self.cursor.ins().iadd(pointer, stride)));
        }
        let more = self.cursor.ins().icmp(IntCC::UnsignedLessThan, next, inner);
        self.cursor.ins().brif(more, scalars, &args, row_end, &[]);
        scalars
    }

    /// Computes the addresses of operands in row `j`.
    fn load_bases(&mut self, j: ir::Value) {
        let [pointers, _, outer_strides, ..] = self.params;
        for operand in self.plan.operands.clone() {
            if self.stride(operand) != Stride::Constant {
                let pointer = self.table_entry(pointers, operand);
                let step = self.table_entry(outer_strides, operand);
                let distance = self.cursor.ins().imul(step, j);
                let base = self.cursor.ins().iadd(pointer, distance);
                self.bases[operand.0 as usize] = Some(self.hold(base));
            }
        }
    }

    fn stride(&self, operand: OperandId) -> Stride {
        self.layouts[operand.0 as usize].stride
    }

    /// What one of the caller's arrays says of an operand.
    fn table_entry(&mut self, table: ir::Value, operand: OperandId) -> ir::Value {
        self.cursor.ins().load(types::I64, MemFlagsData::trusted(), table, operand.0 as i32 * 8)
    }

    /// The address of an operand's first element in this row.
    fn base(&mut self, operand: OperandId) -> ir::Value {
        match self.bases[operand.0 as usize] {
            Some(base) => self.fetch(base),
            // The same for all rows.
            None => self.table_entry(self.params[0], operand),
        }
    }

    /// The address of the current element of an operand.
    fn address(&mut self, operand: OperandId) -> ir::Value {
        if let Some(pointer) = self.steps[operand.0 as usize] {
            return pointer;
        }
        let base = self.base(operand);
        let offset = match self.stride(operand) {
            Stride::Constant | Stride::Row => return base,
            Stride::Column | Stride::Contiguous | Stride::Streamed => {
                self.scaled_index(self.program.operands[operand.0 as usize].dtype.size())
            }
            Stride::Interleaved | Stride::Strided => {
                let stride = self.table_entry(self.params[1], operand);
                let index = self.index.expect("inside the inner loop");
                self.cursor.ins().imul(stride, index)
            }
        };
        self.cursor.ins().iadd(base, offset)
    }

    fn make_frame(&mut self) {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 4);
        let slot = self.cursor.func.create_sized_stack_slot(slot);
        let address = self.cursor.ins().stack_addr(types::I64, slot, 0);
        self.frame = Some(Frame { slot, address, size: 0 });
    }

    /// Keeps a value of this level for the inner ones.
    fn hold(&mut self, value: ir::Value) -> Held {
        let ty = self.cursor.func.dfg.value_type(value);
        let Some(frame) = &mut self.frame else { return Held::Value(value) };
        let offset = frame.size.next_multiple_of(ty.bytes());
        frame.size = offset + ty.bytes();
        self.cursor.func.sized_stack_slots[frame.slot].size = frame.size;
        self.cursor.ins().store(memory(), value, frame.address, offset as i32);
        Held::Frame(offset as i32, ty)
    }

    /// The value of an outer level.
    fn fetch(&mut self, held: Held) -> ir::Value {
        match (held, &self.frame) {
            (Held::Value(value), _) => value,
            (Held::Frame(offset, ty), Some(frame)) => self.cursor.ins().load(ty, memory(), frame.address, offset),
            (Held::Frame(..), None) => unreachable!("held in the frame"),
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

    /// Calls a native function for one element.
    fn call(&mut self, level: Level, callee: &Arc<Callee>, args: &[ir::Value]) -> ir::Value {
        let (address, constants) = match &callee.form {
            Form::Scalar { address, constants } => (address, constants),
            Form::Block(function) => return self.call_block(level, *function as usize, None, callee.result, args),
            Form::Stateful(function, state) => {
                return self.call_block(level, *function as usize, Some(state.0), callee.result, args);
            }
        };
        if constants.is_empty() {
            return self.call_address(*address, &callee.params, callee.result, args);
        }
        let params: Vec<DType> = callee.params.iter().copied().chain(constants.iter().map(|c| c.dtype)).collect();
        let mut args = args.to_vec();
        for constant in constants {
            args.push(self.cursor.ins().iconst(scalar_type(constant.dtype), constant.bits as i64));
        }
        self.call_address(*address, &params, callee.result, &args)
    }

    /// Calls a block function for one element; one with a state may fail.
    fn call_block(
        &mut self,
        level: Level,
        function: usize,
        state: Option<usize>,
        result: DType,
        args: &[ir::Value],
    ) -> ir::Value {
        // In memory: the addresses of the arguments, then these, then the result, eight bytes each.
        let count = args.len() as i32;
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8 * (2 * count as u32 + 1), 3);
        let memory = self.cursor.func.create_sized_stack_slot(data);
        for (place, arg) in (0..).zip(args) {
            self.cursor.ins().stack_store(types::I64, *arg, memory, 8 * (count + place));
            let address = self.cursor.ins().stack_addr(types::I64, memory, 8 * (count + place));
            self.cursor.ins().stack_store(types::I64, address, memory, 8 * place);
        }
        let mut passed = Vec::new();
        passed.extend(state.map(|state| self.cursor.ins().iconst(types::I64, state as i64)));
        passed.push(self.cursor.ins().iconst(types::I64, 1));
        passed.push(self.cursor.ins().stack_addr(types::I64, memory, 0));
        passed.push(self.cursor.ins().stack_addr(types::I64, memory, 16 * count));
        let mut signature = Signature::new(self.target.isa.default_call_conv());
        signature.params.extend(passed.iter().map(|_| AbiParam::new(types::I64)));
        signature.returns.extend(state.map(|_| AbiParam::new(types::I8)));
        let signature = self.cursor.func.import_signature(signature);
        let address = self.cursor.ins().iconst(types::I64, function as i64);
        let call = self.cursor.ins().call_indirect(signature, address, &passed);
        if state.is_some() {
            let is_done = self.cursor.func.dfg.first_result(call);
            self.guard(level, is_done, FAILED);
        }
        self.cursor.ins().stack_load(types::I64, scalar_type(result), memory, 16 * count)
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
