//! Operands whose elements lie apart, or in the other byte order.
//!
//! Lanes are inserted one by one, since gather instructions are slow on many machines.
//! Four lanes are within reach of one address, by the operand's stride once, twice and three times.
//! Halves of pairs are loaded with the other halves, and taken apart in registers.

use super::encode::{Imm, Width};
use super::func::{Address, Base, Inst as Machine, Rm, Writes};
use super::isa;
use super::loops::{Builder, Splat, Src, Window, machine};
use crate::codegen::Stride;
use crate::ir::{Inst, Operand, OperandId, Value};
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

    /// Does an operand have halves of pairs in a window?
    pub(super) fn is_half_in(&self, operand: OperandId, window: Window) -> bool {
        self.layouts[operand.0 as usize].stride == Stride::Interleaved && !matches!(window, Window::Frame)
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

    /// Are lanes to be moved across the 128 bits within which pairs are taken apart and joined?
    fn crosses(&self, width: Width) -> bool {
        width == Width::Y && !self.plan.pairs_only
    }

    /// The width of vectors that are taken apart or joined. Where the order of lanes matters, they have two parts of
    /// 128 bits at most.
    fn pair_width(&self, size: usize) -> Width {
        let most = if self.plan.pairs_only { Width::Z } else { Width::Y };
        Width::of((size * self.lanes.count).min(most.bytes()))
    }

    /// The address of some byte of the current copy's pairs, of which an operand has the halves.
    fn pair(&mut self, operand: OperandId, window: Window, byte: usize) -> Address {
        let Operand { dtype, offset, .. } = self.program[operand];
        debug_assert!(byte < 2 * dtype.size() * self.lanes.count);
        let first = self.element(operand, window);
        Address { disp: first.disp + byte as i32 - offset as i32, ..first }
    }

    /// The vectors of the current copy's pairs, of which an operand has the halves; those that were loaded for the
    /// other half already, if nothing was stored since.
    fn pairs(&mut self, operand: OperandId, window: Window) -> Vec<VReg> {
        let Operand { role, dtype, .. } = self.program[operand];
        let key = (role, self.copy);
        if let Some((_, whole)) = self.pairs.iter().find(|(known, _)| *known == key) {
            return whole.clone();
        }
        let width = self.pair_width(dtype.size());
        let bytes = 2 * dtype.size() * self.lanes.count;
        let vectors = (0..bytes).step_by(width.bytes()).map(|byte| {
            let address = self.pair(operand, window, byte);
            self.reg(Src::Mem(address, width))
        });
        let vectors: Vec<VReg> = vectors.collect();
        self.pairs.push((key, vectors.clone()));
        vectors
    }

    /// The lanes of an operand whose elements of 4 or 8 bytes are halves of pairs: whole pairs are loaded, and
    /// the other halves left out.
    pub(super) fn load_half(&mut self, operand: OperandId, window: Window) -> Src {
        let Operand { dtype, offset, .. } = self.program[operand];
        let size = dtype.size();
        let is_second = offset != 0;
        let width = self.pair_width(size);
        let pairs = self.pairs(operand, window);
        let parts = pairs.chunks(2).map(|pair| {
            let [a, b] = [pair[0], pair[1]].map(Src::Reg);
            let halves = match (size, is_second) {
                (4, false) => self.binary_imm(&isa::VSHUFPS, width, a, b, 0b10_00_10_00),
                (4, true) => self.binary_imm(&isa::VSHUFPS, width, a, b, 0b11_01_11_01),
                (_, false) => self.binary(&isa::VUNPCKLPD, width, a, b),
                (_, true) => self.binary(&isa::VUNPCKHPD, width, a, b),
            };
            // Within each 128 bits one is of the first vector, the other of the second.
            match self.crosses(width) {
                true => self.unary_imm(&isa::VPERMQ, width, halves, 0b11_01_10_00),
                false => halves,
            }
        });
        let parts: Vec<Src> = parts.collect();
        self.joined(parts, Width::Z)
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
        self.joined(parts, Width::Y)
    }

    /// Registers joined in pairs to ones of a width, and so on until one is left.
    fn joined(&mut self, mut parts: Vec<Src>, mut width: Width) -> Src {
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

    /// The store to the operand whose elements are the other halves of this one's pairs.
    pub(super) fn other_store(&self, operand: OperandId) -> Option<(Value, OperandId, Value)> {
        let is_interleaved = |at: OperandId| self.layouts[at.0 as usize].stride == Stride::Interleaved;
        let Operand { role, offset, .. } = self.program[operand];
        let is_other = |other: OperandId| self.program[other].role == role && self.program[other].offset != offset;
        self.body.iter().find_map(|(at, inst)| match *inst {
            Inst::Store(other, value) if is_interleaved(operand) && is_interleaved(other) && is_other(other) => {
                Some((at, other, value))
            }
            _ => None,
        })
    }

    /// Stores lanes to an operand whose elements are the first halves of pairs, and others to that of the second
    /// halves, whose types are alike.
    pub(super) fn store_pairs(&mut self, operand: OperandId, halves: [Src; 2], window: Window) {
        let size = self.program[operand].dtype.size();
        let bytes = size * self.lanes.count;
        let width = self.pair_width(size);
        let [firsts, seconds] = halves.map(|half| {
            let whole = self.reg(half);
            match bytes > width.bytes() {
                true => vec![whole, self.upper_part(whole, &isa::VEXTRACTI64X4, Width::Z)],
                false => vec![whole],
            }
        });
        for (part, (first, second)) in firsts.into_iter().zip(seconds).enumerate() {
            // So that what is joined within each 128 bits follows one another.
            let [first, second] = [first, second].map(|half| match self.crosses(width) {
                true => self.unary_imm(&isa::VPERMQ, width, Src::Reg(half), 0b11_01_10_00),
                false => Src::Reg(half),
            });
            let (low, high) = match size {
                4 => (&isa::VPUNPCKLDQ, &isa::VPUNPCKHDQ),
                _ => (&isa::VUNPCKLPD, &isa::VUNPCKHPD),
            };
            for (row, more) in [(low, 0), (high, width.bytes())] {
                let pairs = self.binary(row, width, first, second);
                let address = self.pair(operand, window, 2 * part * width.bytes() + more);
                let reg = Some(self.reg(pairs));
                let store = machine(&isa::VMOVDQU_STORE, width, Writes::Nothing);
                self.push(Machine { reg, rm: Rm::Mem(address), ..store });
            }
        }
    }

    /// Stores lanes to an operand whose elements are halves of pairs, the others of which stay as they are.
    pub(super) fn store_half(&mut self, operand: OperandId, value: Src, window: Window) {
        let once = self.immediate(2 * self.program[operand].dtype.size() as i32);
        let thrice = self.lea(once, Some(once), 2);
        self.store_strided(operand, Steps { once, thrice }, value, window);
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

    /// The upper half of a register's lanes.
    pub(super) fn upper_part(&mut self, whole: VReg, row: &'static isa::Row, width: Width) -> VReg {
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
