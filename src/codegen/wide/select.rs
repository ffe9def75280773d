//! Instructions of each primitive. The rows of the instruction table that differ in the size of a
//! lane alone are picked from small arrays by that size.

use super::Level;
use super::encode::{Imm, Width};
use super::func::{Inst as Machine, Rm, Writes};
use super::isa::{self, Row};
use super::loops::{Builder, Splat, Src, machine};
use super::plan::constant_amount;
use crate::dtype::{DType, Scalar};
use crate::ir::{Inst, Op, Value};
use regalloc2::{RegClass, VReg};

/// Predicates of floating-point comparisons: quiet; of unordered ones only "not equal" holds.
const EQ: u8 = 0x00;
const NE: u8 = 0x04;
const LT: u8 = 0x11;
const LE: u8 = 0x12;
const GE: u8 = 0x1d;
const GT: u8 = 0x1e;
const UNORDERED: u8 = 0x03;

/// 2^63 as a float64.
const TWO_63: u64 = 0x43e0_0000_0000_0000;

/// One of the rows for lanes of 1, 2, 4 and 8 bytes.
fn sized(rows: [&'static Row; 4], size: usize) -> &'static Row {
    rows[size.ilog2() as usize]
}

/// One of the rows for float32 and float64.
fn float(rows: [&'static Row; 2], dtype: DType) -> &'static Row {
    rows[usize::from(dtype == DType::F64)]
}

const ONES: Src = Src::Splat(Splat::new(u64::MAX as u128, 8));
const ZERO: Src = Src::Splat(Splat::new(0, 8));

fn splat(bits: u64, size: usize) -> Src {
    Src::Splat(Splat::new(bits as u128, size))
}

fn sign_bit(size: usize) -> u64 {
    1 << (size * 8 - 1)
}

impl Builder<'_> {
    /// A primitive, in the current lanes.
    pub(super) fn op(&mut self, op: Op, args: &[Value], value: Value) -> Src {
        let from = self.body.dtype(args[0]);
        let to = self.body.dtype(value);
        if matches!(op, Op::Shl | Op::Shr) {
            let a = self.value(args[0]);
            return match constant_amount(self.body, args) {
                Some(amount) => self.shift_by_constant(op, from, a, amount),
                None => {
                    let b = self.value(args[1]);
                    self.shift(op, from, a, b)
                }
            };
        }
        let a = self.value(args[0]);
        match op {
            Op::Convert => return self.convert(from, to, a),
            Op::Select => {
                let (b, c) = (self.value(args[1]), self.value(args[2]));
                return if to == DType::Bool { self.select_bool(a, b, c) } else { self.select(a, b, c, to) };
            }
            Op::Fma => {
                let (b, c) = (self.value(args[1]), self.value(args[2]));
                return self.fma(to, a, b, c);
            }
            _ => {}
        }
        match (args.get(1), from) {
            (None, DType::Bool) => self.not_mask(a),
            (None, _) if from.is_float() => self.float_unary(op, from, a),
            (None, _) => self.int_unary(op, from, a),
            (Some(b), _) => {
                let quiet = self.never_nan(if matches!(op, Op::Min | Op::Max) { *b } else { args[0] });
                let b = self.value(*b);
                self.binary_op(op, from, a, b, quiet)
            }
        }
    }

    /// A primitive of two arguments of a type. `quiet`: the one whose NaN would need care is a number.
    pub(super) fn binary_op(&mut self, op: Op, dtype: DType, a: Src, b: Src, quiet: bool) -> Src {
        match dtype {
            DType::Bool => self.bool_binary(op, a, b),
            _ if dtype.is_float() => self.float_binary(op, dtype, a, b, quiet),
            _ => self.int_binary(op, dtype, a, b),
        }
    }

    /// Is the value a number that is surely not NaN?
    fn never_nan(&self, value: Value) -> bool {
        matches!(self.body[value], Inst::Const(c) if !c.as_f64().is_nan())
    }

    // Building blocks.

    fn wide(&self) -> bool {
        self.level == Level::Avx512
    }

    /// The width of a value whose lanes have this size.
    fn width(&self, size: usize) -> Width {
        Width::of(size * self.lanes.count)
    }

    pub(super) fn full(&self) -> Width {
        Width::of(self.level.bytes())
    }

    fn instruction(&mut self, row: &'static Row, width: Width, a: Option<VReg>, b: Src, imm: Imm) -> Src {
        let rm = self.rm(b, row);
        let reg = self.vreg(RegClass::Float);
        self.push(Machine { reg: Some(reg), vvvv: a, rm, imm, ..machine(row, width, Writes::Reg) });
        Src::Reg(reg)
    }

    pub(super) fn unary(&mut self, row: &'static Row, width: Width, a: Src) -> Src {
        self.instruction(row, width, None, a, Imm::None)
    }

    pub(super) fn unary_imm(&mut self, row: &'static Row, width: Width, a: Src, imm: u8) -> Src {
        self.instruction(row, width, None, a, Imm::I8(imm))
    }

    pub(super) fn binary(&mut self, row: &'static Row, width: Width, a: Src, b: Src) -> Src {
        let a = self.reg(a);
        self.instruction(row, width, Some(a), b, Imm::None)
    }

    pub(super) fn binary_imm(&mut self, row: &'static Row, width: Width, a: Src, b: Src, imm: u8) -> Src {
        let a = self.reg(a);
        self.instruction(row, width, Some(a), b, Imm::I8(imm))
    }

    /// The same where the operands may change places: memory and constants are better second.
    fn commutative(&mut self, row: &'static Row, width: Width, a: Src, b: Src) -> Src {
        match (a, b) {
            (Src::Reg(_), _) => self.binary(row, width, a, b),
            (Src::Mem(..), Src::Splat(_)) | (_, Src::Reg(_)) => self.binary(row, width, b, a),
            _ => self.binary(row, width, a, b),
        }
    }

    /// A shift by an immediate: the result is in the prefix's place.
    fn shift_imm(&mut self, row: &'static Row, width: Width, a: Src, amount: u8) -> Src {
        let rm = self.rm(a, row);
        let reg = self.vreg(RegClass::Float);
        self.push(Machine { vvvv: Some(reg), rm, imm: Imm::I8(amount), ..machine(row, width, Writes::Vvvv) });
        Src::Reg(reg)
    }

    /// The second where the mask's lanes are ones, for AVX-512 its bits, else the third.
    fn blend(&mut self, row: &'static Row, width: Width, mask: Src, then: Src, other: Src) -> Src {
        let (mask, other) = (self.reg(mask), self.reg(other));
        let (mask, is4) = if self.wide() { (Some(mask), None) } else { (None, Some(mask)) };
        let rm = self.rm(then, row);
        let reg = self.vreg(RegClass::Float);
        self.push(Machine { reg: Some(reg), vvvv: Some(other), rm, mask, is4, ..machine(row, width, Writes::Reg) });
        Src::Reg(reg)
    }

    /// AVX-512: a comparison into a mask register.
    pub(super) fn compare_into_mask(&mut self, row: &'static Row, width: Width, a: Src, b: Src, imm: Imm) -> Src {
        debug_assert!(row.vex == isa::W::No, "its VEX form compares into a vector");
        let a = self.reg(a);
        let rm = self.rm(b, row);
        let mask = self.vreg(RegClass::Vector);
        self.push(Machine { reg: Some(mask), vvvv: Some(a), rm, imm, ..machine(row, width, Writes::Reg) });
        Src::Reg(mask)
    }

    /// AVX-512: an operation on mask registers.
    fn mask_op(&mut self, row: &'static Row, a: Option<Src>, b: Src) -> Src {
        let a = a.map(|a| self.reg(a));
        let b = self.reg(b);
        let mask = self.vreg(RegClass::Vector);
        self.push(Machine { reg: Some(mask), vvvv: a, rm: Rm::Reg(b), ..machine(row, Width::X, Writes::Reg) });
        Src::Reg(mask)
    }

    /// AVX-512: the source where the mask's bits are set, else zeros.
    fn zeroed(&mut self, mask: Src, src: Src, size: usize) -> Src {
        let row = sized([&isa::VMOVDQU8, &isa::VMOVDQU16, &isa::VMOVDQU32, &isa::VMOVDQU64], size);
        let mask = self.reg(mask);
        let rm = self.rm(src, row);
        let reg = self.vreg(RegClass::Float);
        let width = self.width(size);
        self.push(Machine { reg: Some(reg), rm, mask: Some(mask), zeroing: true, ..machine(row, width, Writes::Reg) });
        Src::Reg(reg)
    }

    /// AVX-512: narrowing, which has its destination in the "r/m" place.
    fn narrowing(&mut self, row: &'static Row, width: Width, a: Src) -> Src {
        let a = self.reg(a);
        let reg = self.vreg(RegClass::Float);
        self.push(Machine { reg: Some(a), rm: Rm::Reg(reg), ..machine(row, width, Writes::Rm) });
        Src::Reg(reg)
    }

    // Bools.

    /// A bool that is known.
    pub(super) fn constant_bool(&mut self, value: bool) -> Src {
        if !self.wide() {
            return if value { ONES } else { ZERO };
        }
        let bits = self.immediate(-i32::from(value));
        Src::Reg(self.mask_of_bits(bits))
    }

    /// AVX-512: the mask with the bits of a general-purpose register.
    pub(super) fn mask_of_bits(&mut self, bits: VReg) -> VReg {
        let mask = self.vreg(RegClass::Vector);
        self.push(Machine { reg: Some(mask), rm: Rm::Reg(bits), ..machine(&isa::KMOVQ_GPR, Width::X, Writes::Reg) });
        mask
    }

    /// The bool that bytes in memory mean: any but 0 is true.
    pub(super) fn mask_of_bytes(&mut self, bytes: Src, width: Width) -> Src {
        if self.wide() {
            let bytes = Src::Reg(self.reg(bytes));
            return self.compare_into_mask(&isa::VPTESTMB, width, bytes, bytes, Imm::None);
        }
        let zero = self.commutative(&isa::VPCMPEQB, width, bytes, ZERO);
        let mask = self.commutative(&isa::VPXOR, width, zero, ONES);
        if width == self.full() { mask } else { self.widen_mask(mask, 1) }
    }

    /// Bytes 0 or 1.
    pub(super) fn bytes_of_mask(&mut self, mask: Src) -> Src {
        let one = splat(1, 1);
        if self.wide() {
            return self.zeroed(mask, one, 1);
        }
        let bytes = self.narrow_mask(mask, 1);
        let width = self.width(1);
        self.commutative(&isa::VPAND, width, bytes, one)
    }

    fn widen_mask(&mut self, mask: Src, size: usize) -> Src {
        self.resize(mask, size, self.lanes.widest, true)
    }

    fn narrow_mask(&mut self, mask: Src, size: usize) -> Src {
        self.resize(mask, self.lanes.widest, size, true)
    }

    fn not_mask(&mut self, mask: Src) -> Src {
        if self.wide() {
            return self.mask_op(&isa::KNOTQ, None, mask);
        }
        let width = self.full();
        self.commutative(&isa::VPXOR, width, mask, ONES)
    }

    fn bool_binary(&mut self, op: Op, a: Src, b: Src) -> Src {
        if self.wide() {
            let row = match op {
                Op::And => &isa::KANDQ,
                Op::Or => &isa::KORQ,
                Op::Eq => &isa::KXNORQ,
                _ => &isa::KXORQ,
            };
            return self.mask_op(row, Some(a), b);
        }
        let width = self.full();
        match op {
            Op::And => self.commutative(&isa::VPAND, width, a, b),
            Op::Or => self.commutative(&isa::VPOR, width, a, b),
            Op::Eq => {
                let differ = self.commutative(&isa::VPXOR, width, a, b);
                self.not_mask(differ)
            }
            _ => self.commutative(&isa::VPXOR, width, a, b),
        }
    }

    fn select_bool(&mut self, mask: Src, then: Src, other: Src) -> Src {
        if self.wide() {
            let then = self.mask_op(&isa::KANDQ, Some(mask), then);
            let other = self.mask_op(&isa::KANDNQ, Some(mask), other);
            return self.mask_op(&isa::KORQ, Some(then), other);
        }
        let width = self.full();
        self.blend(&isa::VPBLENDVB, width, mask, then, other)
    }

    pub(super) fn select(&mut self, mask: Src, then: Src, other: Src, dtype: DType) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        if self.wide() {
            let row = match dtype {
                DType::F32 => &isa::VBLENDMPS,
                DType::F64 => &isa::VBLENDMPD,
                _ => sized([&isa::VPBLENDMB, &isa::VPBLENDMW, &isa::VPBLENDMD, &isa::VPBLENDMQ], size),
            };
            return self.blend(row, width, mask, then, other);
        }
        let mask = self.narrow_mask(mask, size);
        let row = match dtype {
            DType::F32 => &isa::VBLENDVPS,
            DType::F64 => &isa::VBLENDVPD,
            _ => &isa::VPBLENDVB,
        };
        self.blend(row, width, mask, then, other)
    }

    /// A bool from lanes of ones or zeros of a size.
    fn finish_comparison(&mut self, mask: Src, size: usize, invert: bool) -> Src {
        let mask = if invert {
            let width = self.width(size);
            self.commutative(&isa::VPXOR, width, mask, ONES)
        } else {
            mask
        };
        self.widen_mask(mask, size)
    }

    // Floating-point numbers.

    fn float_unary(&mut self, op: Op, dtype: DType, a: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        let round = float([&isa::VROUNDPS, &isa::VROUNDPD], dtype);
        // 8: no exception for what is inexact.
        match op {
            Op::Neg => {
                self.commutative(float([&isa::VXORPS, &isa::VXORPD], dtype), width, a, splat(sign_bit(size), size))
            }
            Op::Abs => {
                self.commutative(float([&isa::VANDPS, &isa::VANDPD], dtype), width, a, splat(!sign_bit(size), size))
            }
            Op::Sqrt => self.unary(float([&isa::VSQRTPS, &isa::VSQRTPD], dtype), width, a),
            Op::Floor => self.unary_imm(round, width, a, 8 | 1),
            Op::Ceil => self.unary_imm(round, width, a, 8 | 2),
            Op::Trunc => self.unary_imm(round, width, a, 8 | 3),
            _ => self.unary_imm(round, width, a, 8),
        }
    }

    fn float_binary(&mut self, op: Op, dtype: DType, a: Src, b: Src, quiet: bool) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        match op {
            Op::Add => self.commutative(float([&isa::VADDPS, &isa::VADDPD], dtype), width, a, b),
            Op::Mul => self.commutative(float([&isa::VMULPS, &isa::VMULPD], dtype), width, a, b),
            Op::Sub => self.binary(float([&isa::VSUBPS, &isa::VSUBPD], dtype), width, a, b),
            Op::Div => self.binary(float([&isa::VDIVPS, &isa::VDIVPD], dtype), width, a, b),
            Op::Min | Op::Max | Op::FMin | Op::FMax => self.extremum(op, dtype, a, b, quiet),
            Op::CopySign => {
                let and = float([&isa::VANDPS, &isa::VANDPD], dtype);
                let magnitude = self.commutative(and, width, a, splat(!sign_bit(size), size));
                let sign = self.commutative(and, width, b, splat(sign_bit(size), size));
                self.commutative(float([&isa::VORPS, &isa::VORPD], dtype), width, magnitude, sign)
            }
            Op::Eq => self.float_compare(dtype, a, b, EQ),
            Op::Ne => self.float_compare(dtype, a, b, NE),
            Op::Lt => self.float_compare(dtype, a, b, LT),
            Op::Le => self.float_compare(dtype, a, b, LE),
            Op::Gt => self.float_compare(dtype, a, b, GT),
            _ => self.float_compare(dtype, a, b, GE),
        }
    }

    fn float_compare(&mut self, dtype: DType, a: Src, b: Src, predicate: u8) -> Src {
        let width = self.width(dtype.size());
        if self.wide() {
            let row = float([&isa::VCMPPS_MASK, &isa::VCMPPD_MASK], dtype);
            return self.compare_into_mask(row, width, a, b, Imm::I8(predicate));
        }
        let row = float([&isa::VCMPPS, &isa::VCMPPD], dtype);
        let mask = self.binary_imm(row, width, a, b, predicate);
        self.finish_comparison(mask, dtype.size(), false)
    }

    /// The machine's `min(b, a)` is b where it is less, else a: right but where b is a NaN that must
    /// win, or a one that must give way.
    fn extremum(&mut self, op: Op, dtype: DType, a: Src, b: Src, quiet: bool) -> Src {
        let width = self.width(dtype.size());
        let row = match op {
            Op::Min | Op::FMin => float([&isa::VMINPS, &isa::VMINPD], dtype),
            _ => float([&isa::VMAXPS, &isa::VMAXPD], dtype),
        };
        if quiet {
            return self.binary(row, width, b, a);
        }
        let (a, b) = (Src::Reg(self.reg(a)), Src::Reg(self.reg(b)));
        let chosen = self.binary(row, width, b, a);
        let fixed = if matches!(op, Op::Min | Op::Max) { b } else { a };
        let nan = self.once_a_call(fixed, |builder| {
            if builder.wide() {
                let compare = float([&isa::VCMPPS_MASK, &isa::VCMPPD_MASK], dtype);
                builder.compare_into_mask(compare, width, fixed, fixed, Imm::I8(UNORDERED))
            } else {
                let compare = float([&isa::VCMPPS, &isa::VCMPPD], dtype);
                builder.binary_imm(compare, width, fixed, fixed, UNORDERED)
            }
        });
        if self.wide() {
            return self.select(nan, b, chosen, dtype);
        }
        self.blend(float([&isa::VBLENDVPS, &isa::VBLENDVPD], dtype), width, nan, b, chosen)
    }

    fn fma(&mut self, dtype: DType, a: Src, b: Src, c: Src) -> Src {
        let row = float([&isa::VFMADD213PS, &isa::VFMADD213PD], dtype);
        let width = self.width(dtype.size());
        let (a, b) = (self.reg(a), self.reg(b));
        let rm = self.rm(c, row);
        let reg = self.vreg(RegClass::Float);
        // The destination's old content times the second, plus the third.
        self.push(Machine { reg: Some(reg), tied: Some(a), vvvv: Some(b), rm, ..machine(row, width, Writes::Reg) });
        Src::Reg(reg)
    }

    // Integers.

    fn subtract(&mut self, size: usize, a: Src, b: Src) -> Src {
        let width = self.width(size);
        self.binary(sized([&isa::VPSUBB, &isa::VPSUBW, &isa::VPSUBD, &isa::VPSUBQ], size), width, a, b)
    }

    fn int_unary(&mut self, op: Op, dtype: DType, a: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        match op {
            Op::Neg => self.subtract(size, ZERO, a),
            Op::Abs if !dtype.is_signed() => a,
            Op::Abs if size == 8 && !self.wide() => {
                let a = Src::Reg(self.reg(a));
                let negative = self.binary(&isa::VPCMPGTQ, width, ZERO, a);
                let flipped = self.commutative(&isa::VPXOR, width, a, negative);
                self.subtract(size, flipped, negative)
            }
            Op::Abs => self.unary(sized([&isa::VPABSB, &isa::VPABSW, &isa::VPABSD, &isa::VPABSQ], size), width, a),
            _ => self.commutative(&isa::VPXOR, width, a, ONES),
        }
    }

    fn int_binary(&mut self, op: Op, dtype: DType, a: Src, b: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        match op {
            Op::Add => {
                self.commutative(sized([&isa::VPADDB, &isa::VPADDW, &isa::VPADDD, &isa::VPADDQ], size), width, a, b)
            }
            Op::Sub => self.subtract(size, a, b),
            Op::Mul => self.multiply(size, a, b),
            Op::And => self.commutative(&isa::VPAND, width, a, b),
            Op::Or => self.commutative(&isa::VPOR, width, a, b),
            Op::Xor => self.commutative(&isa::VPXOR, width, a, b),
            Op::Min | Op::Max => self.int_extremum(op, dtype, a, b),
            _ => self.int_compare(op, dtype, a, b),
        }
    }

    fn multiply(&mut self, size: usize, a: Src, b: Src) -> Src {
        let width = self.width(size);
        match size {
            1 => {
                // As 16-bit lanes: the even bytes, and the odd ones in the upper halves.
                let (a, b) = (Src::Reg(self.reg(a)), Src::Reg(self.reg(b)));
                let even = self.binary(&isa::VPMULLW, width, a, b);
                let even = self.commutative(&isa::VPAND, width, even, splat(0x00ff, 2));
                let a = self.shift_imm(&isa::VPSRLW_I, width, a, 8);
                let b = self.commutative(&isa::VPAND, width, b, splat(0xff00, 2));
                let odd = self.binary(&isa::VPMULLW, width, a, b);
                self.commutative(&isa::VPOR, width, even, odd)
            }
            2 => self.commutative(&isa::VPMULLW, width, a, b),
            4 => self.commutative(&isa::VPMULLD, width, a, b),
            _ if self.wide() => self.commutative(&isa::VPMULLQ, width, a, b),
            _ => {
                // Of the four products of halves one is beyond the width, and of the crosswise ones
                // only the lower halves count.
                let (a, b) = (Src::Reg(self.reg(a)), Src::Reg(self.reg(b)));
                let swapped = self.unary_imm(&isa::VPSHUFD, width, b, 0b10_11_00_01);
                let cross = self.binary(&isa::VPMULLD, width, a, swapped);
                let upper = self.shift_imm(&isa::VPSRLQ_I, width, cross, 32);
                let cross = self.binary(&isa::VPADDD, width, cross, upper);
                let cross = self.shift_imm(&isa::VPSLLQ_I, width, cross, 32);
                let low = self.binary(&isa::VPMULUDQ, width, a, b);
                self.binary(&isa::VPADDQ, width, low, cross)
            }
        }
    }

    fn int_extremum(&mut self, op: Op, dtype: DType, a: Src, b: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        if size == 8 && !self.wide() {
            let (a, b) = (Src::Reg(self.reg(a)), Src::Reg(self.reg(b)));
            let greater = self.greater(dtype, a, b);
            let (then, other) = if op == Op::Min { (b, a) } else { (a, b) };
            return self.blend(&isa::VBLENDVPD, width, greater, then, other);
        }
        let rows: [&'static Row; 4] = match (op, dtype.is_signed()) {
            (Op::Min, true) => [&isa::VPMINSB, &isa::VPMINSW, &isa::VPMINSD, &isa::VPMINSQ],
            (Op::Min, false) => [&isa::VPMINUB, &isa::VPMINUW, &isa::VPMINUD, &isa::VPMINUQ],
            (_, true) => [&isa::VPMAXSB, &isa::VPMAXSW, &isa::VPMAXSD, &isa::VPMAXSQ],
            (_, false) => [&isa::VPMAXUB, &isa::VPMAXUW, &isa::VPMAXUD, &isa::VPMAXUQ],
        };
        self.commutative(sized(rows, size), width, a, b)
    }

    fn int_compare(&mut self, op: Op, dtype: DType, a: Src, b: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        if self.wide() {
            let rows: [&'static Row; 4] = match dtype.is_signed() {
                true => [&isa::VPCMPB, &isa::VPCMPW, &isa::VPCMPD, &isa::VPCMPQ],
                false => [&isa::VPCMPUB, &isa::VPCMPUW, &isa::VPCMPUD, &isa::VPCMPUQ],
            };
            let predicate = match op {
                Op::Eq => 0,
                Op::Lt => 1,
                Op::Le => 2,
                Op::Ne => 4,
                Op::Ge => 5,
                _ => 6,
            };
            return self.compare_into_mask(sized(rows, size), width, a, b, Imm::I8(predicate));
        }
        let (mask, invert) = match op {
            Op::Eq | Op::Ne => (self.equal(size, a, b), op == Op::Ne),
            Op::Gt | Op::Le => (self.greater(dtype, a, b), op == Op::Le),
            _ => (self.greater(dtype, b, a), op == Op::Ge),
        };
        self.finish_comparison(mask, size, invert)
    }

    fn equal(&mut self, size: usize, a: Src, b: Src) -> Src {
        let row = sized([&isa::VPCMPEQB, &isa::VPCMPEQW, &isa::VPCMPEQD, &isa::VPCMPEQQ], size);
        let width = self.width(size);
        self.commutative(row, width, a, b)
    }

    /// AVX2: lanes of ones where a > b. The machine compares signed numbers; unsigned ones have the
    /// same order once their upper bits are flipped.
    fn greater(&mut self, dtype: DType, a: Src, b: Src) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        let (a, b) = if dtype.is_signed() {
            (a, b)
        } else {
            let flip = splat(sign_bit(size), size);
            (self.commutative(&isa::VPXOR, width, a, flip), self.commutative(&isa::VPXOR, width, b, flip))
        };
        let row = sized([&isa::VPCMPGTB, &isa::VPCMPGTW, &isa::VPCMPGTD, &isa::VPCMPGTQ], size);
        self.binary(row, width, a, b)
    }

    /// Shifts lane by lane. The machine takes amounts as unsigned, and those beyond the width as
    /// such: what the language wants. Narrow lanes are shifted as wider ones.
    fn shift(&mut self, op: Op, dtype: DType, a: Src, b: Src) -> Src {
        let size = dtype.size();
        let least = if self.wide() { 2 } else { 4 };
        if size < least {
            let a = self.resize(a, size, least, dtype.is_signed());
            let b = self.resize(b, size, least, false);
            let shifted = self.shift_lanes(op, dtype.is_signed(), least, a, b);
            return self.resize(shifted, least, size, false);
        }
        self.shift_lanes(op, dtype.is_signed(), size, a, b)
    }

    fn shift_lanes(&mut self, op: Op, signed: bool, size: usize, a: Src, b: Src) -> Src {
        let width = self.width(size);
        let by_size = |w, d, q| match size {
            2 => w,
            4 => d,
            _ => q,
        };
        match (op, signed) {
            (Op::Shl, _) => self.binary(by_size(&isa::VPSLLVW, &isa::VPSLLVD, &isa::VPSLLVQ), width, a, b),
            (_, false) => self.binary(by_size(&isa::VPSRLVW, &isa::VPSRLVD, &isa::VPSRLVQ), width, a, b),
            (_, true) if size == 8 && !self.wide() => {
                self.flipping_negatives(a, |this, a| this.binary(&isa::VPSRLVQ, width, a, b))
            }
            (_, true) => self.binary(by_size(&isa::VPSRAVW, &isa::VPSRAVD, &isa::VPSRAVQ), width, a, b),
        }
    }

    /// AVX2 has no arithmetic shift of 64-bit lanes: a logical one of the number with the bits of
    /// negative ones inverted, and inverted back.
    fn flipping_negatives(&mut self, a: Src, shift: impl FnOnce(&mut Self, Src) -> Src) -> Src {
        let width = self.full();
        let a = Src::Reg(self.reg(a));
        let negative = self.binary(&isa::VPCMPGTQ, width, ZERO, a);
        let flipped = self.commutative(&isa::VPXOR, width, a, negative);
        let shifted = shift(self, flipped);
        self.commutative(&isa::VPXOR, width, shifted, negative)
    }

    fn shift_by_constant(&mut self, op: Op, dtype: DType, a: Src, amount: i128) -> Src {
        let size = dtype.size();
        let width = self.width(size);
        let bits = dtype.bits() as i128;
        let arithmetic = op == Op::Shr && dtype.is_signed();
        let amount = match (0..bits).contains(&amount) {
            true => amount as u8,
            false if arithmetic => bits as u8 - 1,
            false => return ZERO,
        };
        if size == 1 {
            return self.shift_bytes(op, arithmetic, a, amount);
        }
        let row = match (op, arithmetic, size) {
            (Op::Shl, _, 2) => &isa::VPSLLW_I,
            (Op::Shl, _, 4) => &isa::VPSLLD_I,
            (Op::Shl, ..) => &isa::VPSLLQ_I,
            (_, false, 2) => &isa::VPSRLW_I,
            (_, false, 4) => &isa::VPSRLD_I,
            (_, false, _) => &isa::VPSRLQ_I,
            (_, true, 2) => &isa::VPSRAW_I,
            (_, true, 4) => &isa::VPSRAD_I,
            (_, true, _) if self.wide() => &isa::VPSRAQ_I,
            _ => return self.flipping_negatives(a, |this, a| this.shift_imm(&isa::VPSRLQ_I, width, a, amount)),
        };
        self.shift_imm(row, width, a, amount)
    }

    /// Bytes are shifted in pairs, and what came over from the neighbour is cleared.
    fn shift_bytes(&mut self, op: Op, arithmetic: bool, a: Src, amount: u8) -> Src {
        let width = self.width(1);
        let (row, mask) = match op {
            Op::Shl => (&isa::VPSLLW_I, 0xff << amount),
            _ => (&isa::VPSRLW_I, 0xff >> amount),
        };
        let shifted = self.shift_imm(row, width, a, amount);
        let shifted = self.commutative(&isa::VPAND, width, shifted, splat(mask & 0xff, 1));
        if !arithmetic {
            return shifted;
        }
        // Extends the sign, which is now at this bit.
        let sign = splat(0x80 >> amount, 1);
        let flipped = self.commutative(&isa::VPXOR, width, shifted, sign);
        self.subtract(1, flipped, sign)
    }

    // Conversions.

    fn convert(&mut self, from: DType, to: DType, a: Src) -> Src {
        if from == to {
            return a;
        }
        match (from, to) {
            (DType::Bool, _) => {
                let one = splat(Scalar::of(to, 1.0).bits, to.size());
                if self.wide() {
                    return self.zeroed(a, one, to.size());
                }
                let mask = self.narrow_mask(a, to.size());
                let width = self.width(to.size());
                self.commutative(&isa::VPAND, width, mask, one)
            }
            (_, DType::Bool) if from.is_float() => self.float_compare(from, a, ZERO, NE),
            (_, DType::Bool) => self.int_compare(Op::Ne, from, a, ZERO),
            (DType::F32, DType::F64) => {
                let width = self.width(8);
                self.unary(&isa::VCVTPS2PD, width, a)
            }
            (DType::F64, DType::F32) => {
                let width = self.width(8);
                self.unary(&isa::VCVTPD2PS, width, a)
            }
            _ if from.is_float() => self.float_to_int(from, to, a),
            _ if to.is_float() => self.int_to_float(from, to, a),
            _ => self.resize(a, from.size(), to.size(), from.is_signed()),
        }
    }

    fn float_to_int(&mut self, from: DType, to: DType, a: Src) -> Src {
        match (from, to) {
            (_, DType::I64 | DType::U64 | DType::U32) => {
                let a = self.convert(from, DType::F64, a);
                let long = if to == DType::U64 { self.truncate_to_u64(a) } else { self.truncate_to_i64(a) };
                self.resize(long, 8, to.size(), false)
            }
            (DType::F32, _) => {
                let width = self.width(4);
                let int = self.unary(&isa::VCVTTPS2DQ, width, a);
                self.resize(int, 4, to.size(), false)
            }
            _ => {
                let width = self.width(8);
                let int = self.unary(&isa::VCVTTPD2DQ, width, a);
                self.resize(int, 4, to.size(), false)
            }
        }
    }

    /// 2^63 is taken off what reaches it.
    fn truncate_to_u64(&mut self, a: Src) -> Src {
        let width = self.width(8);
        let a = Src::Reg(self.reg(a));
        let limit = splat(TWO_63, 8);
        let sign = splat(sign_bit(8), 8);
        let (excess, upper) = if self.wide() {
            let large = self.compare_into_mask(&isa::VCMPPD_MASK, width, a, limit, Imm::I8(GE));
            (self.zeroed(large, limit, 8), self.zeroed(large, sign, 8))
        } else {
            let large = self.binary_imm(&isa::VCMPPD, width, a, limit, GE);
            (self.commutative(&isa::VANDPD, width, large, limit), self.commutative(&isa::VPAND, width, large, sign))
        };
        let rest = self.binary(&isa::VSUBPD, width, a, excess);
        let long = self.truncate_to_i64(rest);
        self.commutative(&isa::VPXOR, width, long, upper)
    }

    /// AVX2 converts to 64 bits one lane at a time.
    fn truncate_to_i64(&mut self, a: Src) -> Src {
        let width = self.width(8);
        if self.wide() {
            return self.unary(&isa::VCVTTPD2QQ, width, a);
        }
        let a = Src::Reg(self.reg(a));
        let high = self.upper_half(a);
        let [low, high] = [a, high].map(|half| {
            let second = self.binary(&isa::VUNPCKHPD, Width::X, half, half);
            let [first, second] = [half, second].map(|lane| {
                let lane = self.reg(lane);
                let reg = self.vreg(RegClass::Int);
                self.push(Machine {
                    reg: Some(reg),
                    rm: Rm::Any(lane),
                    ..machine(&isa::VCVTTSD2SI, Width::X, Writes::Reg)
                });
                reg
            });
            let lane = self.vreg(RegClass::Float);
            self.push(Machine {
                reg: Some(lane),
                rm: Rm::Any(first),
                ..machine(&isa::VMOVQ_GPR, Width::X, Writes::Reg)
            });
            let pair = self.vreg(RegClass::Float);
            self.push(Machine {
                reg: Some(pair),
                vvvv: Some(lane),
                rm: Rm::Any(second),
                imm: Imm::I8(1),
                ..machine(&isa::VPINSRQ, Width::X, Writes::Reg)
            });
            Src::Reg(pair)
        });
        self.binary_imm(&isa::VINSERTI128, width, low, high, 1)
    }

    /// AVX2: the upper 128 bits of a register.
    fn upper_half(&mut self, a: Src) -> Src {
        let a = self.reg(a);
        Src::Reg(self.upper_part(a, &isa::VEXTRACTI128, Width::Y))
    }

    fn int_to_float(&mut self, from: DType, to: DType, a: Src) -> Src {
        let width = self.width(8);
        let narrow = self.width(4);
        match (from, to) {
            (DType::I64, _) if self.wide() => self.unary(float([&isa::VCVTQQ2PS, &isa::VCVTQQ2PD], to), width, a),
            (DType::U64, _) if self.wide() => self.unary(float([&isa::VCVTUQQ2PS, &isa::VCVTUQQ2PD], to), width, a),
            (DType::U32, DType::F32) if self.wide() => self.unary(&isa::VCVTUDQ2PS, narrow, a),
            (DType::U32, DType::F64) if self.wide() => self.unary(&isa::VCVTUDQ2PD, width, a),
            (DType::I64 | DType::U64, DType::F64) => self.long_to_double(from, a),
            (DType::I64 | DType::U64, _) => {
                let odd = self.round_to_odd(from, a);
                let double = self.long_to_double(from, odd);
                self.unary(&isa::VCVTPD2PS, width, double)
            }
            (DType::U32, DType::F32) => {
                // The halves are exact, so only their sum is rounded.
                let a = Src::Reg(self.reg(a));
                let high = self.shift_imm(&isa::VPSRLD_I, narrow, a, 16);
                let high = self.unary(&isa::VCVTDQ2PS, narrow, high);
                let high = self.commutative(&isa::VMULPS, narrow, high, splat(Scalar::f32(65536.0).bits, 4));
                let low = self.commutative(&isa::VPAND, narrow, a, splat(0xffff, 4));
                let low = self.unary(&isa::VCVTDQ2PS, narrow, low);
                self.commutative(&isa::VADDPS, narrow, high, low)
            }
            (DType::U32, _) => {
                // In the low bits of 2^52, which is then taken off.
                let a = self.resize(a, 4, 8, false);
                let two_52 = splat(Scalar::f64((1u64 << 52) as f64).bits, 8);
                let sum = self.commutative(&isa::VPOR, width, a, two_52);
                self.binary(&isa::VSUBPD, width, sum, two_52)
            }
            _ => {
                let a = self.resize(a, from.size(), 4, from.is_signed());
                match to {
                    DType::F32 => self.unary(&isa::VCVTDQ2PS, narrow, a),
                    _ => self.unary(&isa::VCVTDQ2PD, width, a),
                }
            }
        }
    }

    /// AVX2: the halves of a 64-bit integer in the low bits of 2^84 and 2^52, the powers taken off
    /// (exactly, as the upper half has no bits below 2^32), and added with one rounding. A signed
    /// number's sign counts 2^63 too much, which is taken off as well.
    fn long_to_double(&mut self, from: DType, a: Src) -> Src {
        let width = self.width(8);
        let a = Src::Reg(self.reg(a));
        let sign: u64 = if from == DType::I64 { 1 << 63 } else { 0 };
        let two_84 = 0x4530_0000_0000_0000u64 | sign >> 32;
        let two_52 = 0x4330_0000_0000_0000u64;
        let powers = 0x4530_0000_0010_0000u64 | sign >> 32;
        let low = self.binary_imm(&isa::VPBLENDD, width, a, splat(two_52, 8), 0b1010_1010);
        let high = self.shift_imm(&isa::VPSRLQ_I, width, a, 32);
        let high = self.commutative(&isa::VPXOR, width, high, splat(two_84, 8));
        let high = self.binary(&isa::VSUBPD, width, high, splat(powers, 8));
        self.commutative(&isa::VADDPD, width, high, low)
    }

    /// AVX2: a 64-bit integer that float64 holds exactly and that rounds to the same float32: of
    /// large ones, the last 11 bits are cleared, and the one above set if any of them was.
    fn round_to_odd(&mut self, from: DType, a: Src) -> Src {
        let width = self.width(8);
        let a = Src::Reg(self.reg(a));
        let rest = self.commutative(&isa::VPAND, width, a, splat(0x7ff, 8));
        let sticky = self.commutative(&isa::VPADDQ, width, rest, splat(0x7ff, 8));
        let sticky = self.commutative(&isa::VPAND, width, sticky, splat(0x800, 8));
        let large = self.commutative(&isa::VPAND, width, a, splat(!0x7ff, 8));
        let large = self.commutative(&isa::VPOR, width, large, sticky);
        // In [-2^53, 2^53), or below 2^53: compared as numbers shifted down to the least one.
        let exact = 1u64 << 53;
        let (shifted, limit) = match from {
            DType::I64 => (self.commutative(&isa::VPADDQ, width, a, splat(exact | sign_bit(8), 8)), 2 * exact),
            _ => (self.commutative(&isa::VPXOR, width, a, splat(sign_bit(8), 8)), exact),
        };
        let small = self.binary(&isa::VPCMPGTQ, width, splat(limit | sign_bit(8), 8), shifted);
        self.blend(&isa::VBLENDVPD, width, small, a, large)
    }

    /// Integer lanes of another size: extended, or wrapped.
    fn resize(&mut self, a: Src, from: usize, to: usize, signed: bool) -> Src {
        match (from, to) {
            _ if from == to => a,
            _ if from < to => {
                let row = match (from, to, signed) {
                    (1, 2, true) => &isa::VPMOVSXBW,
                    (1, 4, true) => &isa::VPMOVSXBD,
                    (1, _, true) => &isa::VPMOVSXBQ,
                    (2, 4, true) => &isa::VPMOVSXWD,
                    (2, _, true) => &isa::VPMOVSXWQ,
                    (_, _, true) => &isa::VPMOVSXDQ,
                    (1, 2, false) => &isa::VPMOVZXBW,
                    (1, 4, false) => &isa::VPMOVZXBD,
                    (1, _, false) => &isa::VPMOVZXBQ,
                    (2, 4, false) => &isa::VPMOVZXWD,
                    (2, _, false) => &isa::VPMOVZXWQ,
                    (_, _, false) => &isa::VPMOVZXDQ,
                };
                let width = self.width(to);
                self.unary(row, width, a)
            }
            _ if self.wide() => {
                let row = match (from, to) {
                    (2, _) => &isa::VPMOVWB,
                    (4, 1) => &isa::VPMOVDB,
                    (4, _) => &isa::VPMOVDW,
                    (_, 1) => &isa::VPMOVQB,
                    (_, 2) => &isa::VPMOVQW,
                    _ => &isa::VPMOVQD,
                };
                let width = self.width(from);
                self.narrowing(row, width, a)
            }
            _ => self.narrow(a, from, to),
        }
    }

    /// AVX2: narrower lanes, by shuffles within 128 bits and then between the halves.
    fn narrow(&mut self, a: Src, from: usize, to: usize) -> Src {
        let width = self.width(from);
        if from == 8 {
            let pairs = self.unary_imm(&isa::VPSHUFD, width, a, 0b00_00_10_00);
            let joined = self.unary_imm(&isa::VPERMQ, width, pairs, 0b00_00_10_00);
            return if to == 4 { joined } else { self.narrow(joined, 4, to) };
        }
        let mut order = u128::MAX;
        for k in (0..16 / from * to).rev() {
            order = order << 8 | (k / to * from + k % to) as u128;
        }
        let packed = self.binary(&isa::VPSHUFB, width, a, Src::Splat(Splat::new(order, 16)));
        match (width, from / to) {
            (Width::X, _) => packed,
            (_, 2) => self.unary_imm(&isa::VPERMQ, width, packed, 0b00_00_10_00),
            _ => {
                let high = self.upper_half(packed);
                self.binary(&isa::VPUNPCKLDQ, Width::X, packed, high)
            }
        }
    }

    // Outer values.

    /// The value of an element in memory, in all lanes of a full register.
    pub(super) fn broadcast_load(&mut self, address: super::func::Address, dtype: DType) -> Src {
        let width = self.full();
        let row = broadcast_row(dtype.size());
        let src = self.unary(row, width, Src::Mem(address, Width::X));
        if dtype == DType::Bool { self.mask_of_bytes(src, width) } else { src }
    }

    /// Lane 0 in all lanes of a full register.
    pub(super) fn broadcast(&mut self, src: Src, dtype: DType) -> Src {
        let width = self.full();
        match (dtype, self.wide()) {
            // All ones or zeros already.
            (DType::Bool, false) => src,
            (DType::Bool, true) => {
                let mask = self.reg(src);
                let lanes = self.vreg(RegClass::Float);
                self.push(Machine {
                    reg: Some(lanes),
                    rm: Rm::Reg(mask),
                    ..machine(&isa::VPMOVM2Q, width, Writes::Reg)
                });
                let mask = self.vreg(RegClass::Vector);
                self.push(Machine {
                    reg: Some(mask),
                    rm: Rm::Reg(lanes),
                    ..machine(&isa::VPMOVB2M, width, Writes::Reg)
                });
                Src::Reg(mask)
            }
            _ => self.unary(broadcast_row(dtype.size()), width, src),
        }
    }
}

fn broadcast_row(size: usize) -> &'static Row {
    sized([&isa::VPBROADCASTB, &isa::VPBROADCASTW, &isa::VPBROADCASTD, &isa::VPBROADCASTQ], size)
}
