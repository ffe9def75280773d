//! The loops around a body, and the places of its values.

use super::apart::Steps;
use super::emit::{self, PARAMS};
use super::encode::{Imm, Width};
use super::func::{Address, Base, Block, Cond, End, Func, Inst as Machine, Rm, Writes};
use super::isa::{self, Row};
use super::plan::{Place, Plan};
use super::{Level, Unsupported};
use crate::codegen::{Layout, Stride};
use crate::dtype::DType;
use crate::ir::{Inst, Loop, OperandId, Program, Role, Value};
use regalloc2::{PReg, RegClass, VReg};
use std::collections::HashMap;
use std::ops::Range;

/// Where an instruction finds a source.
#[derive(Clone, Copy, Debug)]
pub(super) enum Src {
    Reg(VReg),
    /// Memory with as many bytes as a register of this width has.
    Mem(Address, Width),
    Splat(Splat),
}

/// The same bytes in all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Splat {
    bits: u128,
    /// How many bytes are repeated: 4, 8 or 16.
    size: u8,
}

impl Splat {
    /// Repeats the low `size` bytes of `bits`. What has a shorter period is stored by that.
    pub(super) const fn new(bits: u128, size: usize) -> Splat {
        let mut size = size * 8;
        let mut bits = if size < 128 { bits & ((1 << size) - 1) } else { bits };
        while size < 32 {
            bits |= bits << size;
            size *= 2;
        }
        while size > 32 && bits >> (size / 2) == bits & ((1 << (size / 2)) - 1) {
            size /= 2;
            bits &= (1 << size) - 1;
        }
        Splat { bits, size: size as u8 / 8 }
    }
}

/// The lanes of the values that are being selected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    pub(super) count: usize,
    /// The size of the widest, which is also an AVX2 bool's.
    pub(super) widest: usize,
    /// Are all lanes equal? Such code runs once a call or once a row.
    uniform: bool,
}

/// The constants behind the code.
#[derive(Default)]
pub(super) struct Pool {
    bytes: Vec<u8>,
    places: HashMap<(Splat, usize), u32>,
    numbers: [Option<u32>; 2],
}

impl Pool {
    /// The offset of `bytes` bytes that repeat a splat.
    fn place(&mut self, splat: Splat, bytes: usize) -> u32 {
        *self.places.entry((splat, bytes)).or_insert_with(|| {
            let at = self.bytes.len().next_multiple_of(bytes);
            self.bytes.resize(at, 0);
            let one = splat.bits.to_le_bytes();
            self.bytes.extend(one[..splat.size as usize].iter().cycle().take(bytes));
            at as u32
        })
    }

    /// The offset of `bytes` bytes with the numbers 0, 1, 2 ... in lanes of 4 or 8 bytes.
    pub(super) fn place_numbers(&mut self, size: usize, bytes: usize) -> u32 {
        *self.numbers[usize::from(size == 8)].get_or_insert_with(|| {
            let at = self.bytes.len().next_multiple_of(bytes);
            self.bytes.resize(at, 0);
            for number in 0..bytes / size {
                self.bytes.extend_from_slice(&(number as u64).to_le_bytes()[..size]);
            }
            at as u32
        })
    }
}

/// The state of writing one function.
pub(super) struct Builder<'a> {
    pub(super) program: &'a Program,
    pub(super) body: &'a Loop,
    pub(super) layouts: &'a [Layout],
    pub(super) plan: &'a Plan,
    pub(super) level: Level,
    pub(super) func: Func,
    pub(super) pool: Pool,
    /// Where instructions go.
    pub(super) block: Block,
    /// Run once, before the loops: constants that wait in registers.
    preheader: Block,
    hoisted: HashMap<Splat, VReg>,
    /// Values that are there from the beginning of a call on, and their masks of lanes that are NaN.
    constants: HashMap<VReg, Option<Src>>,
    /// How many more constants may wait in registers, and how many that must be there anyhow.
    hoists: usize,
    needs: usize,
    pub(super) lanes: Lanes,
    /// Values of outer places, as outer code and as the inner loop sees them.
    outer: Vec<Option<Src>>,
    escaped: Vec<Option<Src>>,
    /// The values of the body, for each of its copies.
    inner: Vec<Option<Src>>,
    pub(super) copies: usize,
    pub(super) copy: usize,
    /// Each operand's address in the row.
    pub(super) rows: Vec<Option<VReg>>,
    /// The strides of operands whose elements lie apart, and the addresses in the copies of a body of
    /// each four lanes of theirs.
    pub(super) steps: Vec<Option<Steps>>,
    pub(super) cursors: Vec<Vec<VReg>>,
    /// Vectors of pairs that were loaded in this turn, by what they are of and the copy of the body.
    pub(super) pairs: Vec<((Role, usize), Vec<VReg>)>,
    /// An index and twice that, where pairs of 8 bytes each are at.
    doubled: Option<[VReg; 2]>,
    pub(super) frame: usize,
    /// What is folded so far in each of a turn's vectors, fold by fold, and the lanes of the current vector
    /// that are there, if not all are.
    pub(super) accumulators: Vec<VReg>,
    pub(super) partial: Option<Src>,
    /// Are the streamed operands at addresses of whole vectors, in the loop that is being written?
    streaming: bool,
}

/// Where a body finds the elements of its operands.
#[derive(Clone, Copy)]
pub(super) enum Window {
    /// At an index, in all copies.
    Index(VReg),
    /// At an index, under masks for elements of 4 and of 8 bytes (AVX-512: for all, a mask register).
    Masked(VReg, [VReg; 2]),
    /// In the frame.
    Frame,
}

/// Limit of constants that are held in registers although there are no registers to spare. They are
/// spilled then; beyond this they are loaded where they are needed.
const MOST_NEEDED: usize = 24;

/// Functions of more machine instructions are refused.
const MOST_INSTRUCTIONS: usize = 12_000;

impl<'a> Builder<'a> {
    pub(super) fn new(
        program: &'a Program,
        body: &'a Loop,
        layouts: &'a [Layout],
        plan: &'a Plan,
        level: Level,
    ) -> Builder<'a> {
        let mut func = Func::new(level.bytes());
        let block = func.block();
        let preheader = func.block();
        Builder {
            program,
            body,
            layouts,
            plan,
            level,
            func,
            pool: Pool::default(),
            block,
            preheader,
            hoisted: HashMap::new(),
            constants: HashMap::new(),
            hoists: plan.hoists,
            needs: MOST_NEEDED,
            lanes: Lanes { count: level.bytes() / 8, widest: 8, uniform: true },
            outer: vec![None; body.insts.len()],
            escaped: vec![None; body.insts.len()],
            inner: Vec::new(),
            copies: 1,
            copy: 0,
            rows: vec![None; program.operands.len()],
            steps: vec![None; program.operands.len()],
            cursors: vec![Vec::new(); program.operands.len()],
            pairs: Vec::new(),
            doubled: None,
            frame: 0,
            accumulators: Vec::new(),
            partial: None,
            streaming: false,
        }
    }

    pub(super) fn build(mut self) -> Result<Vec<u8>, Unsupported> {
        let params = PARAMS.map(|number| {
            let vreg = self.func.vreg(RegClass::Int);
            self.func.params.push((vreg, PReg::new(number as usize, RegClass::Int)));
            vreg
        });
        let [pointers, inner_strides, outer_strides, inner, outer] = params;
        self.func.place(self.block);
        self.func.place(self.preheader);
        self.uniform_values(Place::Constant, pointers);
        self.load_steps(inner_strides);
        let zero = self.immediate(0);
        self.func.end(self.block, End::Jump(self.preheader, Vec::new()));

        let row = self.func.block();
        let j = self.func.param(row, RegClass::Int);
        self.func.end(self.preheader, End::Jump(row, vec![zero]));
        self.start(row);
        self.row_addresses(j, pointers, outer_strides);
        self.uniform_values(Place::Row, pointers);
        let row_end = self.func.block();
        self.inner_loops(inner, row_end);
        if self.func.count() > MOST_INSTRUCTIONS {
            return Err(Unsupported { reason: "more instructions than the register allocator is asked to handle" });
        }

        self.start(row_end);
        let next = self.add_immediate(j, 1);
        self.compare(next, outer);
        let exit = self.func.block();
        self.branch(Cond::Below, (row, vec![next]), (exit, Vec::new()));
        self.start(exit);
        self.func.end(exit, End::Return);
        let streams = !self.plan.streamed.is_empty();
        emit::emit(&self.func.finish(), self.level, self.frame, streams, &self.pool.bytes)
    }

    /// The loops over a row's elements, from the row's block to `row_end`.
    fn inner_loops(&mut self, inner: VReg, row_end: Block) {
        let widest = self.plan.widest;
        let lanes = self.level.bytes() / widest;
        self.lanes = Lanes { count: lanes, widest, uniform: false };
        if !self.plan.folds.is_empty() {
            return self.folding_loop(inner, row_end);
        }
        // The mask of the rest is made of a count in a byte.
        let copies = self.plan.copies.min(256 / lanes);
        let rest = self.func.block();
        let i = self.func.param(rest, RegClass::Int);
        self.streaming_loop(inner, copies, rest);
        let zero = self.immediate(0);
        self.vector_loop(inner, copies, zero, rest);
        self.start(rest);
        if self.plan.masked {
            self.masked_loop(i, inner, row_end);
        } else if copies == 1 {
            self.framed_tail(i, inner, row_end);
        } else {
            let tail = self.func.block();
            let t = self.func.param(tail, RegClass::Int);
            self.vector_loop(inner, 1, i, tail);
            self.start(tail);
            self.framed_tail(t, inner, row_end);
        }
    }

    /// The loop whose stores go past the caches, if that is wanted: once the elements before the first
    /// whole vector of what is streamed are done, the same as the loop below. Goes on here where a row
    /// is too short or lies so that there is no such place.
    fn streaming_loop(&mut self, inner: VReg, copies: usize, rest: Block) {
        let Some(&first) = self.plan.streamed.first() else { return };
        let (size, vector) = (self.program[first].dtype.size() as i32, self.level.bytes() as i32);
        let row = |builder: &Self, operand: OperandId| {
            builder.rows[operand.0 as usize].unwrap_or_else(|| unreachable!("it varies along the row"))
        };
        let address = row(self, first);
        let mut misfit = self.and_immediate(address, size - 1);
        for other in self.plan.streamed[1..].iter().copied() {
            let other = row(self, other);
            let distance = self.two_address(&isa::SUB, other, address);
            let distance = self.and_immediate(distance, vector - 1);
            misfit = self.two_address(&isa::OR, misfit, distance);
        }
        let zero = self.immediate(0);
        self.compare(misfit, zero);
        let [plain, fits, long] = [(); 3].map(|()| self.func.block());
        self.branch(Cond::Equal, (fits, Vec::new()), (plain, Vec::new()));
        self.start(fits);
        let enough = self.immediate(2 * vector);
        self.compare(inner, enough);
        self.branch(Cond::AboveOrEqual, (long, Vec::new()), (plain, Vec::new()));

        self.start(long);
        let distance = self.two_address(&isa::SUB, zero, address);
        let distance = self.and_immediate(distance, vector - 1);
        let head = self.shift_right(distance, size.ilog2() as u8);
        let aligned = self.func.block();
        self.masked_loop(zero, head, aligned);
        self.start(aligned);
        self.streaming = true;
        self.vector_loop(inner, copies, head, rest);
        self.streaming = false;
        self.start(plain);
    }

    /// A loop from index `from` on, of so many vectors a turn while there are whole turns; goes on
    /// to `exit` with the index that it reached.
    fn vector_loop(&mut self, inner: VReg, copies: usize, from: VReg, exit: Block) {
        let step = (self.lanes.count * copies) as i32;
        let left = self.two_address(&isa::SUB, inner, from);
        let whole = self.and_immediate(left, -step);
        let end = self.two_address(&isa::ADD, whole, from);
        self.compare(from, end);
        let head = self.func.block();
        let i = self.func.param(head, RegClass::Int);
        self.branch(Cond::Below, (head, vec![from]), (exit, vec![from]));
        self.func.mark_hot(head);
        self.start(head);
        self.copies_of_body(copies, Window::Index(i));
        let next = self.add_immediate(i, step);
        self.compare(next, end);
        self.branch(Cond::Below, (head, vec![next]), (exit, vec![next]));
    }

    /// The elements that are left, one vector a turn, under a mask for as many lanes.
    fn masked_loop(&mut self, from: VReg, inner: VReg, row_end: Block) {
        self.compare(from, inner);
        let head = self.func.block();
        let i = self.func.param(head, RegClass::Int);
        self.branch(Cond::Below, (head, vec![from]), (row_end, Vec::new()));
        self.start(head);
        let left = self.two_address(&isa::SUB, inner, i);
        let masks = match self.level {
            Level::Avx2 => self.lane_masks(left),
            Level::Avx512 => [self.bit_mask(left); 2],
        };
        self.copies_of_body(1, Window::Masked(i, masks));
        let next = self.add_immediate(i, self.lanes.count as i32);
        self.compare(next, inner);
        self.branch(Cond::Below, (head, vec![next]), (row_end, Vec::new()));
    }

    /// A mask register with a bit set for each of a vector's lanes that is left. Registers of the smallest elements
    /// may have more lanes than the widest have, which are no elements of this turn.
    fn bit_mask(&mut self, left: VReg) -> VReg {
        let ones = self.immediate(if self.lanes.count < 32 { (1 << self.lanes.count) - 1 } else { -1 });
        let bits = self.func.vreg(RegClass::Int);
        self.push(Machine {
            reg: Some(bits),
            vvvv: Some(left),
            rm: Rm::Reg(ones),
            ..machine(&isa::BZHI, Width::X, Writes::Reg)
        });
        self.mask_of_bits(bits)
    }

    /// Vectors of ones in as many lanes as are left, of 4 and of 8 bytes: those whose number is less.
    fn lane_masks(&mut self, left: VReg) -> [VReg; 2] {
        let lane = self.func.vreg(RegClass::Float);
        self.push(Machine { reg: Some(lane), rm: Rm::Any(left), ..machine(&isa::VMOVQ_GPR, Width::X, Writes::Reg) });
        let rows: [(&Row, &Row, usize); 2] =
            [(&isa::VPBROADCASTD, &isa::VPCMPGTD, 4), (&isa::VPBROADCASTQ, &isa::VPCMPGTQ, 8)];
        rows.map(|(broadcast, greater, size)| {
            // Is it needed at all?
            let sized = |operand: &OperandId| self.program[*operand].dtype.size() == size;
            if !self.plan.loaded.iter().chain(&self.plan.stored).any(sized) {
                return lane;
            }
            let all = self.unary(broadcast, Width::Y, Src::Reg(lane));
            let vvvv = Some(self.reg(all));
            let rm = Rm::Pool { offset: self.pool.place_numbers(size, self.level.bytes()), broadcast: false };
            let mask = self.func.vreg(RegClass::Float);
            self.push(Machine { reg: Some(mask), vvvv, rm, ..machine(greater, Width::Y, Writes::Reg) });
            mask
        })
    }

    /// The elements that are left are copied to the frame, which has room for a vector of each
    /// operand, and the results from there.
    fn framed_tail(&mut self, from: VReg, inner: VReg, row_end: Block) {
        self.compare(from, inner);
        let tail = self.func.block();
        self.branch(Cond::Below, (tail, Vec::new()), (row_end, Vec::new()));
        self.start(tail);
        let vector = self.level.bytes();
        self.begin_turn(1);
        self.frame = self.program.operands.len() * vector;
        self.copy_elements(from, inner, true);
        self.body(0..1, Window::Frame);
        self.copy_elements(from, inner, false);
        self.func.end(self.block, End::Jump(row_end, Vec::new()));
    }

    /// Copies the elements from index `from` on, of all operands that are read to the frame, or of
    /// all that are written from it.
    pub(super) fn copy_elements(&mut self, from: VReg, inner: VReg, to_frame: bool) {
        let operands = if to_frame { &self.plan.loaded } else { &self.plan.stored };
        if operands.is_empty() {
            return;
        }
        self.copy = 0;
        let head = self.func.block();
        let [i, k] = [self.func.param(head, RegClass::Int), self.func.param(head, RegClass::Int)];
        let zero = self.immediate(0);
        self.func.end(self.block, End::Jump(head, vec![from, zero]));
        self.start(head);
        for &operand in operands {
            let size = self.program[operand].dtype.size();
            let there = match self.steps_in(operand, Window::Index(i)) {
                Some(steps) => {
                    let base = Base::Reg(self.strided_element(operand, steps, i));
                    Address { base, index: None, scale: 1, disp: 0 }
                }
                None => self.element(operand, Window::Index(i)),
            };
            let here = Address { index: Some(k), scale: size as u8, ..self.element(operand, Window::Frame) };
            let (source, target) = if to_frame { (there, here) } else { (here, there) };
            let (load, store) = match size {
                1 => (&isa::MOVZX8, &isa::MOV8_STORE),
                2 => (&isa::MOVZX16, &isa::MOV16_STORE),
                4 => (&isa::MOV32, &isa::MOV32_STORE),
                _ => (&isa::MOV, &isa::MOV_STORE),
            };
            let value = self.gpr_load(load, source);
            self.push(Machine { reg: Some(value), rm: Rm::Mem(target), ..machine(store, Width::X, Writes::Nothing) });
        }
        let [i, k] = [self.add_immediate(i, 1), self.add_immediate(k, 1)];
        self.compare(i, inner);
        let done = self.func.block();
        self.branch(Cond::Below, (head, vec![i, k]), (done, Vec::new()));
        self.start(done);
    }

    /// The values of a place outside of the inner loop.
    fn uniform_values(&mut self, place: Place, pointers: VReg) {
        let lanes = self.level.bytes() / self.plan.widest;
        for (value, inst) in self.body.iter().filter(|(value, _)| self.plan.place(*value) == place) {
            let at = value.0 as usize;
            let (src, full) = match inst {
                Inst::Load(operand) => {
                    let base = match self.rows[operand.0 as usize] {
                        Some(base) => base,
                        None => self.table_entry(pointers, *operand),
                    };
                    let address = Address { base: Base::Reg(base), index: None, scale: 1, disp: 0 };
                    let src = self.broadcast_load(address, self.body.dtype(value));
                    (self.in_own_order(*operand, src, Width::of(self.level.bytes())), true)
                }
                Inst::Op(op, args) => (self.op(*op, args, value), false),
                _ => continue,
            };
            self.outer[at] = Some(src);
            if self.plan.escapes[at] {
                let same = full || lanes == self.lanes.count;
                let src = if same { src } else { self.broadcast(src, self.body.dtype(value)) };
                if let (Place::Constant, Src::Reg(reg)) = (place, src) {
                    self.constants.insert(reg, None);
                }
                self.escaped[at] = Some(src);
            }
        }
    }

    /// Writes the body for so many vectors that follow one another.
    pub(super) fn copies_of_body(&mut self, copies: usize, window: Window) {
        self.begin_turn(copies);
        for first in (0..copies).step_by(self.plan.group) {
            self.body(first..copies.min(first + self.plan.group), window);
        }
    }

    /// Forgets the values of the body before.
    pub(super) fn begin_turn(&mut self, copies: usize) {
        self.inner.clear();
        self.inner.resize(copies * self.body.insts.len(), None);
        self.copies = copies;
        self.cursors.iter_mut().for_each(Vec::clear);
        self.pairs.clear();
        self.doubled = None;
    }

    /// Writes the body for some of a turn's vectors, instruction by instruction.
    pub(super) fn body(&mut self, copies: Range<usize>, window: Window) {
        for (value, inst) in self.body.iter().filter(|(value, _)| self.plan.place(*value) == Place::Element) {
            for copy in copies.clone() {
                self.copy = copy;
                let src = match inst {
                    Inst::Load(operand) => Some(self.load(value, *operand, window)),
                    Inst::Op(op, args) => Some(self.op(*op, args, value)),
                    Inst::Store(operand, stored) => {
                        self.store(value, *operand, *stored, window);
                        None
                    }
                    Inst::Reduce(_, operand, folded) => {
                        self.fold(*operand, folded[0]);
                        None
                    }
                    _ => None,
                };
                self.inner[value.0 as usize * self.copies + copy] = src;
            }
        }
    }

    /// The value of an argument, in the copy that is being written.
    pub(super) fn value(&mut self, value: Value) -> Src {
        let at = value.0 as usize;
        if let Inst::Const(scalar) = self.body[value] {
            return match scalar.dtype {
                DType::Bool => self.constant_bool(scalar.bits != 0),
                dtype => Src::Splat(Splat::new(u128::from(scalar.bits), dtype.size())),
            };
        }
        let found = match (self.lanes.uniform, self.plan.place(value)) {
            (false, Place::Element) => self.inner[at * self.copies + self.copy],
            (false, _) => self.escaped[at],
            (true, _) => self.outer[at],
        };
        found.unwrap_or_else(|| unreachable!("{value} is used before it is computed"))
    }

    /// The address of an operand's lane 0 in the current copy.
    pub(super) fn element(&mut self, operand: OperandId, window: Window) -> Address {
        let at = operand.0 as usize;
        let size = self.program[operand].dtype.size();
        match (window, self.rows[at]) {
            (Window::Index(i) | Window::Masked(i, _), Some(row)) if self.is_half_in(operand, window) => {
                let index = if size == 8 { self.twice(i) } else { i };
                let disp = (2 * self.copy * self.lanes.count * size) as i32;
                Address { base: Base::Reg(row), index: Some(index), scale: 8, disp }
            }
            (Window::Index(i) | Window::Masked(i, _), Some(row)) => {
                let disp = (self.copy * self.lanes.count * size) as i32;
                Address { base: Base::Reg(row), index: Some(i), scale: size as u8, disp }
            }
            _ => {
                let disp = at * self.copies * self.level.bytes() + self.copy * self.lanes.count * size;
                Address { base: Base::Frame, index: None, scale: 1, disp: disp as i32 }
            }
        }
    }

    /// Twice an index.
    fn twice(&mut self, index: VReg) -> VReg {
        match self.doubled {
            Some([known, doubled]) if known == index => doubled,
            _ => {
                let doubled = self.lea(index, Some(index), 1);
                self.doubled = Some([index, doubled]);
                doubled
            }
        }
    }

    fn load(&mut self, value: Value, operand: OperandId, window: Window) -> Src {
        let dtype = self.program[operand].dtype;
        let address = self.element(operand, window);
        let bytes = dtype.size() * self.lanes.count;
        let width = Width::of(bytes);
        let src = if let Some(steps) = self.steps_in(operand, window) {
            self.load_strided(operand, steps, window)
        } else if self.is_half_in(operand, window) {
            self.load_half(operand, window)
        } else if let (Window::Masked(_, masks), Level::Avx2) = (window, self.level) {
            let (row, mask) = match dtype.size() {
                4 => (&isa::VPMASKMOVD, masks[0]),
                _ => (&isa::VPMASKMOVQ, masks[1]),
            };
            let reg = self.func.vreg(RegClass::Float);
            let rm = Rm::Mem(address);
            self.push(Machine { reg: Some(reg), vvvv: Some(mask), rm, ..machine(row, width, Writes::Reg) });
            Src::Reg(reg)
        } else if let Window::Masked(_, [mask, _]) = window {
            let row =
                [&isa::VMOVDQU8, &isa::VMOVDQU16, &isa::VMOVDQU32, &isa::VMOVDQU64][dtype.size().ilog2() as usize];
            let reg = self.func.vreg(RegClass::Float);
            self.push(Machine {
                reg: Some(reg),
                rm: Rm::Mem(address),
                mask: Some(mask),
                zeroing: true,
                ..machine(row, width, Writes::Reg)
            });
            Src::Reg(reg)
        } else if bytes < 16 {
            let row = if bytes == 4 { &isa::VMOVD } else { &isa::VMOVQ };
            self.unary(row, width, Src::Mem(address, width))
        } else if self.plan.folded[value.0 as usize] && dtype != DType::Bool {
            return Src::Mem(address, width);
        } else {
            self.unary(&isa::VMOVDQU, width, Src::Mem(address, width))
        };
        let src = self.in_own_order(operand, src, width);
        if dtype == DType::Bool { self.mask_of_bytes(src, width) } else { src }
    }

    /// An operand's lanes with the bytes of each turned round, if they are in the other order.
    fn in_own_order(&mut self, operand: OperandId, src: Src, width: Width) -> Src {
        let size = self.program[operand].dtype.size();
        let is_swapped = self.layouts[operand.0 as usize].swapped && size > 1;
        if is_swapped { self.swap_bytes(src, size, width) } else { src }
    }

    /// What is stored to an operand: in memory's form.
    fn stored(&mut self, operand: OperandId, value: Value) -> Src {
        let dtype = self.program[operand].dtype;
        let src = self.value(value);
        let src = if dtype == DType::Bool { self.bytes_of_mask(src) } else { src };
        self.in_own_order(operand, src, Width::of(dtype.size() * self.lanes.count))
    }

    /// The store of instruction `at`.
    fn store(&mut self, at: Value, operand: OperandId, value: Value, window: Window) {
        let dtype = self.program[operand].dtype;
        let bytes = dtype.size() * self.lanes.count;
        let src = self.stored(operand, value);
        self.pairs.clear();
        if let Some(steps) = self.steps_in(operand, window) {
            return self.store_strided(operand, steps, src, window);
        }
        if self.is_half_in(operand, window) {
            return match self.other_store(operand) {
                None => self.store_half(operand, src, window),
                // What comes second stores both.
                Some((other_at, ..)) if other_at > at => {}
                Some((_, other, stored)) => {
                    let other_src = self.stored(other, stored);
                    let is_first = self.program[operand].offset == 0;
                    let (first, halves) =
                        if is_first { (operand, [src, other_src]) } else { (other, [other_src, src]) };
                    self.store_pairs(first, halves, window);
                }
            };
        }
        let address = self.element(operand, window);
        let reg = self.reg(src);
        let mut lanes = None;
        let (row, mask) = match window {
            Window::Masked(_, masks) if self.level == Level::Avx2 => {
                let wide = dtype.size() == 8;
                lanes = Some(masks[usize::from(wide)]);
                (if wide { &isa::VPMASKMOVQ_STORE } else { &isa::VPMASKMOVD_STORE }, None)
            }
            Window::Masked(_, [mask, _]) => {
                let rows = [&isa::VMOVDQU8_STORE, &isa::VMOVDQU16_STORE, &isa::VMOVDQU32_STORE, &isa::VMOVDQU64_STORE];
                (rows[dtype.size().ilog2() as usize], Some(mask))
            }
            _ if self.streaming && self.plan.streamed.contains(&operand) => (&isa::VMOVNTDQ, None),
            _ if bytes == 4 => (&isa::VMOVD_STORE, None),
            _ if bytes == 8 => (&isa::VMOVQ_STORE, None),
            _ => (&isa::VMOVDQU_STORE, None),
        };
        let rm = Rm::Mem(address);
        self.push(Machine { reg: Some(reg), vvvv: lanes, rm, mask, ..machine(row, Width::of(bytes), Writes::Nothing) });
    }

    // Constants.

    /// A register with a constant in all its bytes.
    pub(super) fn splat_reg(&mut self, splat: Splat) -> VReg {
        if self.lanes.uniform {
            return self.load_splat(splat);
        }
        if let Some(&reg) = self.hoisted.get(&splat) {
            return reg;
        }
        if self.hoists == 0 && self.needs == 0 {
            return self.load_splat(splat);
        }
        if self.hoists == 0 {
            self.needs -= 1;
        }
        self.hoist(splat)
    }

    /// Makes a constant wait in a register.
    fn hoist(&mut self, splat: Splat) -> VReg {
        self.hoists = self.hoists.saturating_sub(1);
        let here = std::mem::replace(&mut self.block, self.preheader);
        let reg = self.load_splat(splat);
        self.block = here;
        self.hoisted.insert(splat, reg);
        reg
    }

    /// What is made of a value: once, if the value is there from the beginning and there is a register
    /// in which that can wait. There is one such thing for a value.
    pub(super) fn once_a_call(&mut self, of: Src, make: impl FnOnce(&mut Self) -> Src) -> Src {
        let Src::Reg(reg) = of else { return make(self) };
        match self.constants.get(&reg) {
            Some(Some(made)) => return *made,
            Some(None) if self.hoists > 0 && !self.lanes.uniform => {}
            _ => return make(self),
        }
        self.hoists -= 1;
        let here = std::mem::replace(&mut self.block, self.preheader);
        let made = make(self);
        self.block = here;
        self.constants.insert(reg, Some(made));
        made
    }

    fn load_splat(&mut self, splat: Splat) -> VReg {
        let reg = self.func.vreg(RegClass::Float);
        let (row, bytes) = match (self.level, splat.size) {
            (Level::Avx512, 4) => (&isa::VPBROADCASTD, 4),
            (Level::Avx512, 8) => (&isa::VPBROADCASTQ, 8),
            _ => (&isa::VMOVDQU, self.level.bytes()),
        };
        let rm = Rm::Pool { offset: self.pool.place(splat, bytes), broadcast: false };
        self.push(Machine { reg: Some(reg), rm, ..machine(row, Width::of(self.level.bytes()), Writes::Reg) });
        reg
    }

    /// A source as the "r/m" operand of an instruction.
    pub(super) fn rm(&mut self, src: Src, row: &'static Row) -> Rm {
        let only_register = row.tuple == isa::Tuple::Reg;
        match src {
            Src::Mem(address, _) if !only_register => return Rm::Mem(address),
            Src::Splat(splat) if !only_register => {
                if !self.lanes.uniform && (self.hoists > 0 || self.hoisted.contains_key(&splat)) {
                    return Rm::Any(self.splat_reg(splat));
                }
                match (self.level, row.tuple) {
                    (Level::Avx2, _) => {
                        let offset = self.pool.place(splat, self.level.bytes());
                        return Rm::Pool { offset, broadcast: false };
                    }
                    (Level::Avx512, isa::Tuple::Full(size)) if splat.size <= size => {
                        let offset = self.pool.place(splat, size as usize);
                        return Rm::Pool { offset, broadcast: true };
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        let reg = self.reg(src);
        if only_register || reg.class() != RegClass::Float { Rm::Reg(reg) } else { Rm::Any(reg) }
    }

    /// A source in a register.
    pub(super) fn reg(&mut self, src: Src) -> VReg {
        match src {
            Src::Reg(reg) => reg,
            Src::Splat(splat) => self.splat_reg(splat),
            Src::Mem(address, width) => {
                let reg = self.func.vreg(RegClass::Float);
                self.push(Machine {
                    reg: Some(reg),
                    rm: Rm::Mem(address),
                    ..machine(&isa::VMOVDQU, width, Writes::Reg)
                });
                reg
            }
        }
    }

    // Control flow and addresses.

    pub(super) fn start(&mut self, block: Block) {
        self.func.place(block);
        self.block = block;
    }

    /// Ends the block. Each way has a block of its own, so that the allocator may put moves there.
    pub(super) fn branch(&mut self, cond: Cond, yes: (Block, Vec<VReg>), no: (Block, Vec<VReg>)) {
        let [yes, no] = [yes, no].map(|(to, args)| {
            let edge = self.func.block();
            self.func.place(edge);
            self.func.end(edge, End::Jump(to, args));
            edge
        });
        self.func.end(self.block, End::Branch(cond, yes, no));
    }

    /// Computes the addresses of operands in row `j`.
    fn row_addresses(&mut self, j: VReg, pointers: VReg, outer_strides: VReg) {
        let mut touched = vec![false; self.program.operands.len()];
        for (_, inst) in self.body.iter() {
            if let Inst::Load(operand) | Inst::Store(operand, _) | Inst::Reduce(_, operand, _) = inst {
                touched[operand.0 as usize] = self.layouts[operand.0 as usize].stride != Stride::Constant;
            }
        }
        for (at, _) in touched.into_iter().enumerate().filter(|(_, touched)| *touched) {
            let operand = OperandId(at as u32);
            let step = self.table_entry(outer_strides, operand);
            let distance = self.two_address(&isa::IMUL, step, j);
            let pointer = self.table_entry(pointers, operand);
            self.rows[at] = Some(self.two_address(&isa::ADD, pointer, distance));
        }
    }

    /// What one of the caller's arrays says of an operand.
    pub(super) fn table_entry(&mut self, table: VReg, operand: OperandId) -> VReg {
        let address = Address { base: Base::Reg(table), index: None, scale: 1, disp: operand.0 as i32 * 8 };
        self.gpr_load(&isa::MOV, address)
    }

    fn gpr_load(&mut self, row: &'static Row, address: Address) -> VReg {
        let reg = self.func.vreg(RegClass::Int);
        self.push(Machine { reg: Some(reg), rm: Rm::Mem(address), ..machine(row, Width::X, Writes::Reg) });
        reg
    }

    /// A number in a general-purpose register.
    pub(super) fn immediate(&mut self, value: i32) -> VReg {
        let reg = self.func.vreg(RegClass::Int);
        let imm = Imm::I32(value);
        self.push(Machine { rm: Rm::Reg(reg), imm, ..machine(&isa::MOV_IMM, Width::X, Writes::Rm) });
        reg
    }

    /// `base + index * scale`.
    pub(super) fn lea(&mut self, base: VReg, index: Option<VReg>, scale: u8) -> VReg {
        self.gpr_load(&isa::LEA, Address { base: Base::Reg(base), index, scale, disp: 0 })
    }

    pub(super) fn two_address(&mut self, row: &'static Row, a: VReg, b: VReg) -> VReg {
        let reg = self.func.vreg(RegClass::Int);
        self.push(Machine { reg: Some(reg), tied: Some(a), rm: Rm::Any(b), ..machine(row, Width::X, Writes::Reg) });
        reg
    }

    fn with_immediate(&mut self, row: &'static Row, a: VReg, value: i32) -> VReg {
        let reg = self.func.vreg(RegClass::Int);
        let imm = i8::try_from(value).map_or(Imm::I32(value), |value| Imm::I8(value as u8));
        self.push(Machine { rm: Rm::Reg(reg), tied: Some(a), imm, ..machine(row, Width::X, Writes::Rm) });
        reg
    }

    pub(super) fn add_immediate(&mut self, a: VReg, value: i32) -> VReg {
        self.with_immediate(&isa::ADD_IMM, a, value)
    }

    pub(super) fn and_immediate(&mut self, a: VReg, value: i32) -> VReg {
        self.with_immediate(&isa::AND_IMM, a, value)
    }

    fn shift_right(&mut self, a: VReg, amount: u8) -> VReg {
        let reg = self.func.vreg(RegClass::Int);
        let imm = Imm::I8(amount);
        self.push(Machine { rm: Rm::Reg(reg), tied: Some(a), imm, ..machine(&isa::SHR_IMM, Width::X, Writes::Rm) });
        reg
    }

    pub(super) fn compare(&mut self, a: VReg, b: VReg) {
        self.push(Machine { reg: Some(a), rm: Rm::Any(b), ..machine(&isa::CMP, Width::X, Writes::Nothing) });
    }

    pub(super) fn push(&mut self, inst: Machine) {
        self.func.push(self.block, inst);
    }

    pub(super) fn vreg(&mut self, class: RegClass) -> VReg {
        self.func.vreg(class)
    }
}

/// An instruction without operands, to be completed.
pub(super) fn machine(row: &'static Row, width: Width, writes: Writes) -> Machine {
    Machine {
        row,
        width,
        writes,
        reg: None,
        vvvv: None,
        rm: Rm::Pool { offset: 0, broadcast: false },
        is4: None,
        mask: None,
        zeroing: false,
        tied: None,
        imm: Imm::None,
    }
}
