//! Loops that fold along each row: what is folded so far stays in registers.
//!
//! The lanes of the tree ([`crate::ir::fold`]) are those of a turn's vectors. What is left of a row is one turn
//! more, in which lanes without an element keep what they have.

use super::Level;
use super::encode::{Imm, Width};
use super::func::{Address, Base, Block, Cond, End, Inst as Machine, Rm, Writes};
use super::isa;
use super::loops::{Builder, Splat, Src, Window, machine};
use super::plan::RowFold;
use crate::ir::{OperandId, Value};
use regalloc2::{RegClass, VReg};

/// The predicate "greater" of comparisons of integers into mask registers.
const GREATER: u8 = 6;

impl Builder<'_> {
    /// Folds the elements of a row, from the row's block to `row_end`.
    pub(super) fn folding_loop(&mut self, inner: VReg, row_end: Block) {
        let plan = self.plan;
        let copies = plan.copies;
        let step = (self.lanes.count * copies) as i32;
        let mut nothing = Vec::new();
        for fold in &plan.folds {
            let identity = self.splat_reg(Splat::new(fold.identity.bits.into(), fold.dtype().size()));
            nothing.extend(std::iter::repeat_n(identity, copies));
        }
        let [head, rest, partial, end] = [(); 4].map(|()| self.func.block());
        let i = self.func.param(head, RegClass::Int);
        let in_turn = self.accumulators_of(head);
        let from = self.func.param(rest, RegClass::Int);
        let at_rest = self.accumulators_of(rest);
        let at_end = self.accumulators_of(end);
        let with = |index: VReg, accumulators: &[VReg]| [&[index], accumulators].concat();

        let zero = self.immediate(0);
        let whole = self.and_immediate(inner, -step);
        self.compare(zero, whole);
        self.branch(Cond::Below, (head, with(zero, &nothing)), (rest, with(zero, &nothing)));

        self.func.mark_hot(head);
        self.start(head);
        self.accumulators = in_turn;
        self.copies_of_body(copies, Window::Index(i));
        let next = self.add_immediate(i, step);
        self.compare(next, whole);
        let args = with(next, &self.accumulators);
        self.branch(Cond::Below, (head, args.clone()), (rest, args));

        self.start(rest);
        self.compare(from, inner);
        self.branch(Cond::Below, (partial, Vec::new()), (end, at_rest.clone()));
        self.start(partial);
        self.accumulators = at_rest;
        self.partial_turn(from, inner);
        self.func.end(self.block, End::Jump(end, self.accumulators.clone()));

        self.start(end);
        for (k, fold) in plan.folds.iter().enumerate() {
            self.join_lanes(fold, &at_end[k * copies..][..copies]);
        }
        self.func.end(self.block, End::Jump(row_end, Vec::new()));
    }

    fn accumulators_of(&mut self, block: Block) -> Vec<VReg> {
        let count = self.plan.folds.len() * self.plan.copies;
        (0..count).map(|_| self.func.param(block, RegClass::Float)).collect()
    }

    /// Folds the current vector's lanes of a value.
    pub(super) fn fold(&mut self, operand: OperandId, value: Value) {
        let number = self.plan.folds.iter().position(|fold| fold.operand == operand);
        let number = number.unwrap_or_else(|| unreachable!("planned"));
        let (op, dtype) = (self.plan.folds[number].op, self.plan.folds[number].dtype());
        let at = number * self.copies + self.copy;
        let (before, value) = (Src::Reg(self.accumulators[at]), self.value(value));
        let joined = self.binary_op(op, dtype, before, value, false);
        let joined = match self.partial {
            Some(there) => self.select(there, joined, before, dtype),
            None => joined,
        };
        self.accumulators[at] = self.reg(joined);
    }

    /// A turn over the elements from an index on, fewer than a turn's.
    fn partial_turn(&mut self, from: VReg, inner: VReg) {
        let copies = self.plan.copies;
        self.begin_turn(copies);
        if !self.plan.masked {
            self.frame = self.program.operands.len() * copies * self.level.bytes();
            self.copy_elements(from, inner, true);
        }
        let numbers = self.pool.place_numbers(self.lanes.widest, self.level.bytes());
        let left = self.two_address(&isa::SUB, inner, from);
        for copy in 0..copies {
            let left = self.add_immediate(left, -((copy * self.lanes.count) as i32));
            let there = self.lanes_below(left, numbers);
            self.partial = Some(Src::Reg(there));
            let window = if self.plan.masked { Window::Masked(from, [there; 2]) } else { Window::Frame };
            self.body(copy..copy + 1, window);
        }
        self.partial = None;
    }

    /// The lanes whose numbers, which stand in the pool, are less than a signed one: a vector of ones there, or a
    /// mask register.
    fn lanes_below(&mut self, limit: VReg, numbers: u32) -> VReg {
        let is_long = self.lanes.widest == 8;
        let lane = self.vreg(RegClass::Float);
        self.push(Machine { reg: Some(lane), rm: Rm::Any(limit), ..machine(&isa::VMOVQ_GPR, Width::X, Writes::Reg) });
        let width = self.full();
        let all = self.unary(if is_long { &isa::VPBROADCASTQ } else { &isa::VPBROADCASTD }, width, Src::Reg(lane));
        let (row, class, imm) = match (self.level, is_long) {
            (Level::Avx2, true) => (&isa::VPCMPGTQ, RegClass::Float, Imm::None),
            (Level::Avx2, false) => (&isa::VPCMPGTD, RegClass::Float, Imm::None),
            (Level::Avx512, true) => (&isa::VPCMPQ, RegClass::Vector, Imm::I8(GREATER)),
            (Level::Avx512, false) => (&isa::VPCMPD, RegClass::Vector, Imm::I8(GREATER)),
        };
        let vvvv = Some(self.reg(all));
        let rm = Rm::Pool { offset: numbers, broadcast: false };
        let mask = self.vreg(class);
        self.push(Machine { reg: Some(mask), vvvv, rm, imm, ..machine(row, width, Writes::Reg) });
        mask
    }

    /// Joins the lanes of a row, the second half to the first until one is left, and stores that.
    fn join_lanes(&mut self, fold: &RowFold, lanes: &[VReg]) {
        let (op, dtype) = (fold.op, fold.dtype());
        let mut lanes: Vec<Src> = lanes.iter().copied().map(Src::Reg).collect();
        while let [_, _, ..] = *lanes {
            let second = lanes.split_off(lanes.len() / 2);
            for (a, b) in lanes.iter_mut().zip(second) {
                *a = self.binary_op(op, dtype, *a, b, false);
            }
        }
        let mut joined = self.reg(lanes[0]);
        let mut bytes = self.level.bytes();
        while bytes > dtype.size() {
            let upper = match bytes {
                64 => self.upper_part(joined, &isa::VEXTRACTI64X4, Width::Z),
                32 => self.upper_part(joined, &isa::VEXTRACTI128, Width::Y),
                16 => self.shuffled(joined, 0b11_10_11_10),
                _ => self.shuffled(joined, 0b01_01_01_01),
            };
            let both = self.binary_op(op, dtype, Src::Reg(joined), Src::Reg(upper), false);
            joined = self.reg(both);
            bytes /= 2;
        }
        let row = self.rows[fold.operand.0 as usize].unwrap_or_else(|| unreachable!("it varies from row to row"));
        let address = Address { base: Base::Reg(row), index: None, scale: 1, disp: 0 };
        let store = if dtype.size() == 8 { &isa::VMOVQ_STORE } else { &isa::VMOVD_STORE };
        self.push(Machine { reg: Some(joined), rm: Rm::Mem(address), ..machine(store, Width::X, Writes::Nothing) });
    }

    /// The lowest four lanes of 4 bytes in another order.
    fn shuffled(&mut self, a: VReg, order: u8) -> VReg {
        let shuffled = self.unary_imm(&isa::VPSHUFD, Width::X, Src::Reg(a), order);
        self.reg(shuffled)
    }
}
