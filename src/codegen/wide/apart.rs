//! Operands whose elements lie apart, or in the other byte order.
//!
//! Lanes are inserted one by one, since gather instructions are slow on many machines.
//! Four lanes are within reach of one address, by the operand's stride once, twice and three times.

use super::encode::{Imm, Width};
use super::func::{Address, Base, Inst as Machine, Rm, Writes};
use super::isa;
use super::loops::{Builder, Splat, Src, Window, machine};
use crate::codegen::Stride;
use crate::ir::OperandId;
use regalloc2::{RegClass, VReg};

/// Lanes at one address.
const GROUP: usize = 4;

/// The strides of an operand whose elements lie apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    once: VReg,
    thrice: VReg,
}

impl Builder<'_> {
    /// Loads what is needed of the strides of operands whose elements lie apart: once a call.
    pub(super) fn load_steps(&mut self, inner_strides: VReg) {
        for at in 0..self.layouts.len() {
            let operand = OperandId(at as u32);
            let is_used = self.plan.loaded.contains(&operand) || self.plan.stored.contains(&operand);
            if is_used && self.layouts[at].stride == Stride::Strided {
                let once = self.table_entry(inner_strides, operand);
                let thrice = self.lea(once, Some(once), 2);
                self.steps[at] = Some(Steps { once, thrice });
            }
        }
    }

    /// Does an operand lie apart in a window? In the frame, elements are side by side.
    pub(super) fn steps_in(&self, operand: OperandId, window: Window) -> Option<Steps> {
        self.steps[operand.0 as usize].filter(|_| !matches!(window, Window::Frame))
    }

    /// The address of an element of an operand that lies apart.
    pub(super) fn strided_element(&mut self, operand: OperandId, steps: Steps, index: VReg) -> VReg {
        let distance = self.two_address(&isa::IMUL, steps.once, index);
        let row = self.rows[operand.0 as usize].unwrap_or_else(|| unreachable!("it varies along the row"));
        self.two_address(&isa::ADD, distance, row)
    }

    /// The addresses of each four lanes of the current copy.
    fn groups(&mut self, operand: OperandId, steps: Steps, window: Window) -> Vec<VReg> {
        let each = self.lanes.count.div_ceil(GROUP);
        let (Window::Index(index) | Window::Masked(index, _)) = window else { unreachable!("not in the frame") };
        let at = operand.0 as usize;
        let first = self.copy * each;
        while self.cursors[at].len() < first + each {
            let next = match self.cursors[at].last() {
                None => self.strided_element(operand, steps, index),
                Some(&last) => self.lea(last, Some(steps.once), GROUP as u8),
            };
            self.cursors[at].push(next);
        }
        self.cursors[at][first..first + each].to_vec()
    }

    fn lane(cursor: VReg, steps: Steps, lane: usize) -> Address {
        let (index, scale) = [(None, 1), (Some(steps.once), 1), (Some(steps.once), 2), (Some(steps.thrice), 1)][lane];
        Address { base: Base::Reg(cursor), index, scale, disp: 0 }
    }

    /// The lanes of an operand of elements of 4 or 8 bytes that lie apart.
    pub(super) fn load_strided(&mut self, operand: OperandId, steps: Steps, window: Window) -> Src {
        let size = self.program[operand].dtype.size();
        let mut parts: Vec<Src> = Vec::new();
        for cursor in self.groups(operand, steps, window) {
            let mut from = |lanes: std::ops::Range<usize>| {
                let (first, next) = if size == 4 { (&isa::VMOVD, &isa::VPINSRD) } else { (&isa::VMOVQ, &isa::VMOVHPD) };
                let start = lanes.start;
                let mut all = self.unary(first, Width::X, Src::Mem(Self::lane(cursor, steps, start), Width::X));
                for lane in lanes.skip(1) {
                    let imm = if size == 4 { Imm::I8((lane - start) as u8) } else { Imm::None };
                    all = self.instruction_on(next, Width::X, all, Self::lane(cursor, steps, lane), imm);
                }
                all
            };
            if size == 4 {
                parts.push(from(0..GROUP));
            } else {
                parts.extend([from(0..2), from(2..GROUP)]);
            }
        }
        let mut width = Width::Y;
        while parts.len() > 1 {
            let row = if width == Width::Y { &isa::VINSERTI128 } else { &isa::VINSERTI64X4 };
            parts = parts.chunks(2).map(|pair| self.binary_imm(row, width, pair[0], pair[1], 1)).collect();
            width = Width::Z;
        }
        parts[0]
    }

    fn instruction_on(&mut self, row: &'static isa::Row, width: Width, a: Src, address: Address, imm: Imm) -> Src {
        let a = self.reg(a);
        let reg = self.vreg(RegClass::Float);
        self.push(Machine {
            reg: Some(reg),
            vvvv: Some(a),
            rm: Rm::Mem(address),
            imm,
            ..machine(row, width, Writes::Reg)
        });
        Src::Reg(reg)
    }

    /// Stores lanes to an operand whose elements lie apart.
    pub(super) fn store_strided(&mut self, operand: OperandId, steps: Steps, value: Src, window: Window) {
        let size = self.program[operand].dtype.size();
        let bytes = size * self.lanes.count;
        // Registers of 128 bits, the lowest first.
        let mut parts = vec![self.reg(value)];
        for (width, row) in [(Width::Z, &isa::VEXTRACTI64X4), (Width::Y, &isa::VEXTRACTI128)] {
            if bytes >= width.bytes() {
                parts = parts.into_iter().flat_map(|part| [part, self.upper_part(part, row, width)]).collect();
            }
        }
        let groups = self.groups(operand, steps, window);
        for lane in 0..self.lanes.count {
            let part = parts[lane * size / 16];
            let (row, imm) = match (size, lane * size % 16 / size) {
                (4, 0) => (&isa::VMOVD_STORE, Imm::None),
                (4, lane) => (&isa::VPEXTRD_STORE, Imm::I8(lane as u8)),
                (_, 0) => (&isa::VMOVQ_STORE, Imm::None),
                _ => (&isa::VMOVHPD_STORE, Imm::None),
            };
            let rm = Rm::Mem(Self::lane(groups[lane / GROUP], steps, lane % GROUP));
            self.push(Machine { reg: Some(part), rm, imm, ..machine(row, Width::X, Writes::Nothing) });
        }
    }

    fn upper_part(&mut self, whole: VReg, row: &'static isa::Row, width: Width) -> VReg {
        let part = self.vreg(RegClass::Float);
        let imm = Imm::I8(1);
        self.push(Machine { reg: Some(whole), rm: Rm::Reg(part), imm, ..machine(row, width, Writes::Rm) });
        part
    }

    /// Turns round the bytes of each lane of so many bytes.
    pub(super) fn swap_bytes(&mut self, value: Src, size: usize, width: Width) -> Src {
        let order = (0..16).rev().fold(0u128, |order, byte| order << 8 | (byte ^ (size - 1)) as u128);
        self.binary(&isa::VPSHUFB, width, value, Src::Splat(Splat::new(order, 16)))
    }
}
