//! Several elements at a time, in 128-bit vectors.
//!
//! A turn of the vector loop works on `lanes` elements together, `repeats` times over. `lanes`
//! elements of a type are as many vectors as they fill, or the low part of one vector; what lies in
//! the other lanes then is never stored, and no instruction here traps on it.
//!
//! A bool is a mask: all bits of a lane set or none, in lanes as wide as what was compared. It is
//! narrowed or widened when something of another width wants it, once for each width.

use super::plan::{Level, Shape};
use super::scalar::{float_condition, int_condition};
use super::{Emitter, Held, Target, int_type, memory, scalar_type};
use crate::dtype::{DType, Scalar};
use crate::ir::{Inst, Op, OperandId, Value};
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::{self, ConstantData, Endianness, InstBuilder, MemFlagsData, Type, types};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// The vectors of one value, lowest lanes first.
type Parts = SmallVec<[ir::Value; 4]>;

/// Has the operation, on arguments of type `from` with a result of type `to`, a vector form?
/// `amount_varies` says that the second argument differs from element to element.
pub(super) fn has_vector_form(op: Op, from: DType, to: DType, amount_varies: bool, target: &Target) -> bool {
    match op {
        // SSE shifts all lanes by one amount; lane-wise shifts came with AVX2, in 256-bit vectors'
        // company, and Cranelift has none.
        Op::Shl | Op::Shr => !amount_varies,
        // No machine divides integer vectors.
        Op::FloorDiv | Op::FloorMod | Op::TruncMod => false,
        // Only Python's own numbers are checked, and they never differ from element to element.
        Op::AddOverflows | Op::SubOverflows | Op::MulOverflows => false,
        // The substitute is a function of scalars.
        Op::Fma => target.fma,
        Op::Convert => has_vector_conversion(from, to, target),
        Op::Neg
        | Op::Abs
        | Op::Not
        | Op::Sqrt
        | Op::Floor
        | Op::Ceil
        | Op::Trunc
        | Op::Rint
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Min
        | Op::Max
        | Op::FMin
        | Op::FMax
        | Op::CopySign
        | Op::Eq
        | Op::Ne
        | Op::Lt
        | Op::Le
        | Op::Gt
        | Op::Ge
        | Op::Select => true,
    }
}

fn has_vector_conversion(from: DType, to: DType, target: &Target) -> bool {
    use DType::*;
    match (from, to) {
        (F32 | F64, F32 | F64 | Bool) => true,
        // Conversions to 64 bits, which these go through, came with AVX-512.
        (F32 | F64, I64 | U64 | U32) => false,
        // Elsewhere than on x86 the machine saturates, and putting that right is slower than scalars.
        (F32 | F64, _) => target.x86,
        // By way of float64 they would be rounded twice.
        (I64 | U64, F32) => false,
        _ => true,
    }
}

/// The vector type whose lanes hold a type.
fn vector_type(dtype: DType) -> Type {
    match dtype {
        DType::F32 => types::F32X4,
        DType::F64 => types::F64X2,
        _ => lane_type(dtype.size()),
    }
}

/// The vector type with integer lanes of a number of bytes.
fn lane_type(size: usize) -> Type {
    match size {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}

/// A value of the loop body.
enum Lane {
    Number(Parts),
    /// Masks by the logarithm of their lanes' width in bytes.
    Mask([Option<Parts>; 4]),
}

/// The body of the vector loop while it is written.
pub(super) struct Lanes<'e, 'a> {
    emitter: &'e mut Emitter<'a>,
    lanes: usize,
    /// Which repeat is being written.
    turn: usize,
    values: Vec<Option<Lane>>,
    /// Values from outside the loop in all lanes, by value and lane width.
    uniforms: HashMap<(Value, usize), Held>,
    /// Shift amounts from outside the loop, for arithmetic shifts or others: the amount, and a mask
    /// of the lanes if it may be too great.
    amounts: HashMap<(Value, bool), (ir::Value, Option<ir::Value>)>,
    /// Constants in all lanes, by type and lane.
    constants: HashMap<(Type, u64), ir::Value>,
}

impl<'e, 'a> Lanes<'e, 'a> {
    /// Writes one turn of the loop at the end of the element level.
    pub(super) fn emit(emitter: &'e mut Emitter<'a>, shape: Shape) {
        let body = emitter.body;
        let mut lanes = Lanes {
            emitter,
            lanes: shape.lanes,
            turn: 0,
            values: Vec::new(),
            uniforms: HashMap::new(),
            amounts: HashMap::new(),
            constants: HashMap::new(),
        };
        for turn in 0..shape.repeats {
            lanes.turn = turn;
            lanes.values.clear();
            lanes.values.resize_with(body.insts.len(), || None);
            for (value, inst) in body.iter() {
                if lanes.emitter.plan.level(value) == Level::Element {
                    lanes.inst(value, inst);
                }
            }
        }
    }

    fn inst(&mut self, value: Value, inst: &Inst) {
        let result = match inst {
            Inst::Load(operand) => self.load(*operand),
            Inst::Store(operand, stored) => return self.store(*operand, *stored),
            Inst::Op(op, args) => match self.emitter.body.dtype(value) {
                DType::Bool => self.bool_op(*op, args),
                dtype => Lane::Number(self.number_op(*op, args, dtype)),
            },
            Inst::Const(_) | Inst::Call(..) | Inst::Guard(..) | Inst::Reduce(..) => {
                unreachable!("has no vector form, so there is no vector loop")
            }
        };
        self.values[value.0 as usize] = Some(result);
    }

    fn ins(&mut self) -> ir::InsertBuilder<'_, &mut cranelift::codegen::cursor::FuncCursor<'a>> {
        self.emitter.cursor.ins()
    }

    /// How many vectors the lanes of a width fill.
    fn count(&self, size: usize) -> usize {
        (self.lanes * size).div_ceil(16)
    }

    fn map(&mut self, a: Parts, mut f: impl FnMut(&mut Self, ir::Value) -> ir::Value) -> Parts {
        a.into_iter().map(|a| f(self, a)).collect()
    }

    fn zip(&mut self, a: Parts, b: Parts, mut f: impl FnMut(&mut Self, ir::Value, ir::Value) -> ir::Value) -> Parts {
        a.into_iter().zip(b).map(|(a, b)| f(self, a, b)).collect()
    }

    /// The same bits as another vector type.
    fn cast(&mut self, value: ir::Value, ty: Type) -> ir::Value {
        if self.emitter.cursor.func.dfg.value_type(value) == ty {
            return value;
        }
        self.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    /// A constant in all lanes, made on entry.
    fn splat(&mut self, ty: Type, lane: u64) -> ir::Value {
        if let Some(&constant) = self.constants.get(&(ty, lane)) {
            return constant;
        }
        self.emitter.at(Level::Constant);
        let constant = self.splat_here(ty, lane);
        self.emitter.at(Level::Element);
        self.constants.insert((ty, lane), constant);
        constant
    }

    fn splat_here(&mut self, ty: Type, lane: u64) -> ir::Value {
        let size = ty.lane_type().bytes() as usize;
        let bytes: Vec<u8> = lane.to_le_bytes()[..size].iter().copied().cycle().take(16).collect();
        let constant = self.emitter.cursor.func.dfg.constants.insert(ConstantData::from(bytes));
        self.ins().vconst(ty, constant)
    }

    /// A constant of the program in all lanes.
    fn constant(&mut self, ty: Type, lane: u64) -> ir::Value {
        match self.emitter.plan.inline_constants {
            true => self.splat_here(ty, lane),
            false => self.splat(ty, lane),
        }
    }

    /// A value from outside the loop in all lanes, made where the value is made. Of a bool, the mask
    /// of the given lane width.
    fn uniform(&mut self, value: Value, size: usize) -> ir::Value {
        if let Some(&uniform) = self.uniforms.get(&(value, size)) {
            return self.emitter.fetch(uniform);
        }
        let dtype = self.emitter.body.dtype(value);
        if let Some(constant) = self.emitter.constant(value) {
            return match dtype {
                DType::Bool => self.constant(lane_type(size), constant.bits.wrapping_neg()),
                _ => self.constant(vector_type(dtype), constant.bits),
            };
        }
        self.emitter.at(self.emitter.plan.level(value));
        let scalar = self.emitter.scalar(value);
        let (scalar, ty) = match dtype {
            DType::Bool => (self.scalar_mask(scalar, int_type(size)), lane_type(size)),
            _ => (scalar, vector_type(dtype)),
        };
        let uniform = self.ins().splat(ty, scalar);
        let uniform = self.emitter.hold(uniform);
        self.emitter.at(Level::Element);
        self.uniforms.insert((value, size), uniform);
        self.emitter.fetch(uniform)
    }

    /// All bits set where a bool is 1.
    fn scalar_mask(&mut self, bool: ir::Value, ty: Type) -> ir::Value {
        let wide = if ty == types::I8 { bool } else { self.ins().uextend(ty, bool) };
        self.ins().ineg(wide)
    }

    fn is_uniform(&self, value: Value) -> bool {
        self.emitter.plan.level(value) < Level::Element
    }

    /// The vectors of a number.
    fn number(&mut self, value: Value) -> Parts {
        if self.is_uniform(value) {
            let size = self.emitter.body.dtype(value).size();
            let uniform = self.uniform(value, size);
            return smallvec![uniform; self.count(size)];
        }
        match &self.values[value.0 as usize] {
            Some(Lane::Number(parts)) => parts.clone(),
            _ => unreachable!("a number, emitted before its use"),
        }
    }

    /// The mask of a bool, in lanes of a width.
    fn mask(&mut self, value: Value, size: usize) -> Parts {
        if self.is_uniform(value) {
            let uniform = self.uniform(value, size);
            return smallvec![uniform; self.count(size)];
        }
        let Some(Lane::Mask(masks)) = &self.values[value.0 as usize] else {
            unreachable!("a bool, emitted before its use")
        };
        let wanted = size.trailing_zeros() as usize;
        if let Some(mask) = &masks[wanted] {
            return mask.clone();
        }
        let nearest = (0..4).filter(|&k| masks[k].is_some()).min_by_key(|k| k.abs_diff(wanted)).expect("a mask");
        let mut mask = masks[nearest].clone().expect("just found");
        let mut at = nearest;
        while at != wanted {
            (mask, at) = match at < wanted {
                true => (self.widen(mask, 1 << at, true), at + 1),
                false => (self.narrow_mask(mask, 1 << at), at - 1),
            };
            if let Some(Lane::Mask(masks)) = &mut self.values[value.0 as usize] {
                masks[at] = Some(mask.clone());
            }
        }
        mask
    }

    fn new_mask(size: usize, parts: Parts) -> Lane {
        let mut masks = [const { None }; 4];
        masks[size.trailing_zeros() as usize] = Some(parts);
        Lane::Mask(masks)
    }

    /// The lane width in which bools are combined: the widest that one of them has already.
    fn common_width(&self, values: &[Value]) -> usize {
        let widths = values.iter().filter_map(|v| match &self.values[v.0 as usize] {
            Some(Lane::Mask(masks)) => (0..4).rfind(|&k| masks[k].is_some()),
            _ => None,
        });
        1 << widths.max().unwrap_or(0)
    }

    fn address(&mut self, operand: OperandId) -> (ir::Value, i32) {
        let size = self.emitter.program.operands[operand.0 as usize].dtype.size();
        (self.emitter.address(operand), (self.turn * self.lanes * size) as i32)
    }

    fn load(&mut self, operand: OperandId) -> Lane {
        let dtype = self.emitter.program.operands[operand.0 as usize].dtype;
        let (address, offset) = self.address(operand);
        let ty = vector_type(dtype);
        let parts: Parts = match self.lanes * dtype.size() {
            bytes @ ..16 => smallvec![self.load_low(address, offset, bytes, ty)],
            bytes => (0..bytes as i32 / 16).map(|k| self.ins().load(ty, memory(), address, offset + 16 * k)).collect(),
        };
        if dtype != DType::Bool {
            return Lane::Number(parts);
        }
        // Any nonzero byte is true.
        let zero = self.splat(types::I8X16, 0);
        let masks = self.map(parts, |this, part| this.ins().icmp(IntCC::NotEqual, part, zero));
        Lanes::new_mask(1, masks)
    }

    /// Loads 2, 4 or 8 bytes into the low lanes.
    fn load_low(&mut self, address: ir::Value, offset: i32, bytes: usize, ty: Type) -> ir::Value {
        let low = match bytes {
            8 => {
                let low = self.ins().load(types::F64, memory(), address, offset);
                self.ins().scalar_to_vector(types::F64X2, low)
            }
            4 => {
                let low = self.ins().load(types::F32, memory(), address, offset);
                self.ins().scalar_to_vector(types::F32X4, low)
            }
            _ => {
                let low = self.ins().uload16(types::I32, memory(), address, offset);
                self.ins().scalar_to_vector(types::I32X4, low)
            }
        };
        self.cast(low, ty)
    }

    fn store(&mut self, operand: OperandId, value: Value) {
        let dtype = self.emitter.program.operands[operand.0 as usize].dtype;
        let parts = if dtype == DType::Bool {
            let one = self.splat(types::I8X16, 1);
            let mask = self.mask(value, 1);
            self.map(mask, |this, part| this.ins().band(part, one))
        } else {
            self.number(value)
        };
        let (address, offset) = self.address(operand);
        let bytes = self.lanes * dtype.size();
        if bytes < 16 {
            let ty = match bytes {
                8 => types::F64X2,
                4 => types::F32X4,
                _ => types::I16X8,
            };
            let part = self.cast(parts[0], ty);
            let low = self.ins().extractlane(part, 0);
            self.ins().store(memory(), low, address, offset);
            return;
        }
        for (k, part) in parts.into_iter().enumerate() {
            self.ins().store(memory(), part, address, offset + 16 * k as i32);
        }
    }

    /// An operation whose result is bool.
    fn bool_op(&mut self, op: Op, args: &[Value]) -> Lane {
        let dtype = self.emitter.body.dtype(args[0]);
        if dtype != DType::Bool {
            let a = self.number(args[0]);
            let (op, b) = match op {
                // To bool: is it another number than 0?
                Op::Convert => (Op::Ne, {
                    let zero = self.splat(vector_type(dtype), 0);
                    smallvec![zero; a.len()]
                }),
                _ => (op, self.number(args[1])),
            };
            let parts = self.zip(a, b, |this, a, b| match dtype.is_float() {
                true => this.ins().fcmp(float_condition(op), a, b),
                false => this.ins().icmp(int_condition(op, dtype.is_signed()), a, b),
            });
            return Lanes::new_mask(dtype.size(), parts);
        }
        let size = self.common_width(args);
        let mut masks: SmallVec<[Parts; 3]> = args.iter().map(|a| self.mask(*a, size)).collect();
        if op == Op::Select {
            let (c, b, a) = (masks.pop(), masks.pop(), masks.pop());
            let (Some(a), Some(b), Some(c)) = (a, b, c) else { unreachable!("three arguments") };
            let parts = self.select(a, b, c);
            return Lanes::new_mask(size, parts);
        }
        let a = masks.swap_remove(0);
        let b = masks.pop().unwrap_or_else(|| a.clone());
        let parts = self.zip(a, b, |this, a, b| match op {
            Op::Not => this.ins().bnot(a),
            Op::And => this.ins().band(a, b),
            Op::Or => this.ins().bor(a, b),
            Op::Xor | Op::Ne => this.ins().bxor(a, b),
            Op::Eq => {
                let differ = this.ins().bxor(a, b);
                this.ins().bnot(differ)
            }
            // Convert from bool to bool.
            _ => a,
        });
        Lanes::new_mask(size, parts)
    }

    fn select(&mut self, mask: Parts, a: Parts, b: Parts) -> Parts {
        let arms: SmallVec<[_; 4]> = a.into_iter().zip(b).collect();
        mask.into_iter()
            .zip(arms)
            .map(|(mask, (a, b))| {
                let ty = self.emitter.cursor.func.dfg.value_type(a);
                let mask = self.cast(mask, ty);
                self.ins().bitselect(mask, a, b)
            })
            .collect()
    }

    /// An operation whose result is a number.
    fn number_op(&mut self, op: Op, args: &[Value], result: DType) -> Parts {
        match op {
            Op::Convert => return self.convert(args[0], result),
            Op::Select => {
                let mask = self.mask(args[0], result.size());
                let (a, b) = (self.number(args[1]), self.number(args[2]));
                return self.select(mask, a, b);
            }
            Op::Shl | Op::Shr => return self.shift(op, args, result),
            Op::Fma => {
                let (a, b, c) = (self.number(args[0]), self.number(args[1]), self.number(args[2]));
                let mut c = c.into_iter();
                return self.zip(a, b, |this, a, b| {
                    let c = c.next().expect("as many parts");
                    this.ins().fma(a, b, c)
                });
            }
            _ => {}
        }
        let a = self.number(args[0]);
        if args.len() == 1 {
            return self.map(a, |this, a| this.unary(op, result, a));
        }
        let b = self.number(args[1]);
        match op {
            Op::Min | Op::Max | Op::FMin | Op::FMax if result.is_float() => {
                self.zip(a, b, |this, a, b| this.float_extremum(op, args, a, b))
            }
            Op::Mul if result.size() == 1 => self.multiply_bytes(a, b),
            _ => self.zip(a, b, |this, a, b| this.binary(op, result, a, b)),
        }
    }

    fn unary(&mut self, op: Op, dtype: DType, a: ir::Value) -> ir::Value {
        let ins = self.ins();
        match op {
            Op::Neg if dtype.is_float() => ins.fneg(a),
            Op::Neg => ins.ineg(a),
            Op::Abs if dtype.is_float() => ins.fabs(a),
            Op::Abs if dtype.is_signed() => ins.iabs(a),
            Op::Not => ins.bnot(a),
            Op::Sqrt => ins.sqrt(a),
            Op::Floor => ins.floor(a),
            Op::Ceil => ins.ceil(a),
            Op::Trunc => ins.trunc(a),
            Op::Rint => ins.nearest(a),
            // The magnitude of an unsigned integer.
            _ => a,
        }
    }

    fn binary(&mut self, op: Op, dtype: DType, a: ir::Value, b: ir::Value) -> ir::Value {
        let (float, signed) = (dtype.is_float(), dtype.is_signed());
        if op == Op::CopySign {
            let (ty, lanes) = (vector_type(dtype), lane_type(dtype.size()));
            let sign = self.splat(lanes, 1 << (dtype.bits() - 1));
            let (a, b) = (self.cast(a, lanes), self.cast(b, lanes));
            let magnitude = self.ins().band_not(a, sign);
            let sign = self.ins().band(b, sign);
            let both = self.ins().bor(magnitude, sign);
            return self.cast(both, ty);
        }
        let ins = self.ins();
        match op {
            Op::Add if float => ins.fadd(a, b),
            Op::Add => ins.iadd(a, b),
            Op::Sub if float => ins.fsub(a, b),
            Op::Sub => ins.isub(a, b),
            Op::Mul if float => ins.fmul(a, b),
            Op::Mul => ins.imul(a, b),
            Op::Div => ins.fdiv(a, b),
            Op::And => ins.band(a, b),
            Op::Or => ins.bor(a, b),
            Op::Xor => ins.bxor(a, b),
            Op::Min | Op::FMin if signed => ins.smin(a, b),
            Op::Min | Op::FMin => ins.umin(a, b),
            Op::Max | Op::FMax if signed => ins.smax(a, b),
            Op::Max | Op::FMax => ins.umax(a, b),
            _ => unreachable!("{} has no vector form", op.name()),
        }
    }

    /// As in scalar code: `b < a ? b : a`, then b where an operand is NaN that must win or give way.
    fn float_extremum(&mut self, op: Op, args: &[Value], a: ir::Value, b: ir::Value) -> ir::Value {
        let ty = self.emitter.cursor.func.dfg.value_type(a);
        let less = match op {
            Op::Min | Op::FMin => self.ins().fcmp(FloatCC::LessThan, b, a),
            _ => self.ins().fcmp(FloatCC::LessThan, a, b),
        };
        let less = self.cast(less, ty);
        let chosen = self.ins().bitselect(less, b, a);
        let (fixed, value) = match op {
            Op::Min | Op::Max => (b, args[1]),
            _ => (a, args[0]),
        };
        if self.emitter.never_nan(value) {
            return chosen;
        }
        let nan = self.ins().fcmp(FloatCC::Unordered, fixed, fixed);
        let nan = self.cast(nan, ty);
        self.ins().bitselect(nan, b, chosen)
    }

    /// The machine multiplies no bytes: multiplied as 16-bit lanes, of which the low halves stay.
    fn multiply_bytes(&mut self, a: Parts, b: Parts) -> Parts {
        self.zip(a, b, |this, a, b| {
            let halves = [true, false].map(|low| {
                let (a, b) = match low {
                    true => (this.ins().uwiden_low(a), this.ins().uwiden_low(b)),
                    false => (this.ins().uwiden_high(a), this.ins().uwiden_high(b)),
                };
                this.ins().imul(a, b)
            });
            this.narrow_pair(halves[0], halves[1], 2)
        })
    }

    /// Shifts all lanes by one amount. Machines take the amount modulo the width, so an amount that
    /// is too great is clamped, or masks the result to 0.
    fn shift(&mut self, op: Op, args: &[Value], dtype: DType) -> Parts {
        let arithmetic = op == Op::Shr && dtype.is_signed();
        let (amount, mask) = match self.amounts.get(&(args[1], arithmetic)) {
            Some(&prepared) => prepared,
            None => {
                self.emitter.at(self.emitter.plan.level(args[1]));
                let amount = self.emitter.scalar(args[1]);
                let known = self.emitter.constant(args[1]).map(Scalar::as_int);
                let in_range = known.is_some_and(|known| (0..dtype.bits() as i128).contains(&known));
                let prepared = match (in_range, arithmetic) {
                    (true, _) => (amount, None),
                    (false, true) => (self.emitter.clamped_amount(dtype, amount), None),
                    (false, false) => {
                        let fits = self.ins().icmp_imm_u(IntCC::UnsignedLessThan, amount, dtype.bits() as i64);
                        let mask = self.scalar_mask(fits, scalar_type(dtype));
                        (amount, Some(self.ins().splat(vector_type(dtype), mask)))
                    }
                };
                self.emitter.at(Level::Element);
                self.amounts.insert((args[1], arithmetic), prepared);
                prepared
            }
        };
        let a = self.number(args[0]);
        self.map(a, |this, a| {
            let shifted = match (op, arithmetic) {
                (Op::Shl, _) => this.ins().ishl(a, amount),
                (_, true) => this.ins().sshr(a, amount),
                (_, false) => this.ins().ushr(a, amount),
            };
            match mask {
                Some(mask) => this.ins().band(shifted, mask),
                None => shifted,
            }
        })
    }

    fn convert(&mut self, value: Value, to: DType) -> Parts {
        let from = self.emitter.body.dtype(value);
        let ty = vector_type(to);
        if from == DType::Bool {
            let mask = self.mask(value, to.size());
            let one = self.splat(lane_type(to.size()), Scalar::of(to, 1.0).bits);
            return self.map(mask, |this, mask| {
                let bits = this.ins().band(mask, one);
                this.cast(bits, ty)
            });
        }
        let parts = self.number(value);
        match (from, to) {
            _ if from == to => parts,
            (DType::F32, DType::F64) => self.spread(parts, |this, low| this.ins().fvpromote_low(low)),
            (DType::F64, DType::F32) => self.gather(parts, types::F32X4, |this, part| this.ins().fvdemote(part)),
            (DType::F32, _) if to.is_int() => {
                let parts = self.map(parts, |this, part| this.ins().x86_cvtt2dq(types::I32X4, part));
                self.resize(parts, 4, to.size(), true)
            }
            (DType::F64, _) if to.is_int() => {
                // Cranelift's way to write `cvttpd2dq`.
                let parts = self.gather(parts, types::I32X4, |this, part| {
                    let zero = this.splat(types::I64X2, 0);
                    let truncated = this.ins().x86_cvtt2dq(types::I64X2, part);
                    this.ins().snarrow(truncated, zero)
                });
                self.resize(parts, 4, to.size(), true)
            }
            (DType::I64, DType::F64) => self.map(parts, |this, part| this.ins().fcvt_from_sint(ty, part)),
            (DType::U64, DType::F64) => self.map(parts, |this, part| this.ins().fcvt_from_uint(ty, part)),
            (DType::U32, DType::F32) => self.map(parts, |this, part| this.ins().fcvt_from_uint(ty, part)),
            (DType::U32, DType::F64) => self.spread(parts, |this, low| {
                let wide = this.ins().uwiden_low(low);
                this.ins().fcvt_from_uint(ty, wide)
            }),
            // Narrower integers are 32-bit ones.
            (_, DType::F32) => {
                let parts = self.resize(parts, from.size(), 4, from.is_signed());
                self.map(parts, |this, part| this.ins().fcvt_from_sint(ty, part))
            }
            (_, DType::F64) => {
                let parts = self.resize(parts, from.size(), 4, from.is_signed());
                self.spread(parts, |this, low| {
                    let wide = this.ins().swiden_low(low);
                    this.ins().fcvt_from_sint(ty, wide)
                })
            }
            _ => self.resize(parts, from.size(), to.size(), from.is_signed()),
        }
    }

    /// From 32-bit lanes to 64-bit ones by an instruction that takes the two low lanes.
    fn spread(&mut self, parts: Parts, f: impl Fn(&mut Self, ir::Value) -> ir::Value) -> Parts {
        (0..self.count(8))
            .map(|k| {
                let part = parts[k / 2];
                let low = match k % 2 {
                    0 => part,
                    _ => self.shuffle(part, part, std::array::from_fn(|k| (k % 8 + 8) as u8)),
                };
                f(self, low)
            })
            .collect()
    }

    /// From 64-bit lanes to 32-bit ones of type `ty` by an instruction that gives the two low lanes.
    fn gather(&mut self, parts: Parts, ty: Type, f: impl Fn(&mut Self, ir::Value) -> ir::Value) -> Parts {
        let halves = self.map(parts, f);
        halves
            .chunks(2)
            .map(|pair| match pair {
                [low, high] => {
                    let mask = std::array::from_fn(|k| if k < 8 { k as u8 } else { k as u8 + 8 });
                    let both = self.shuffle(*low, *high, mask);
                    self.cast(both, ty)
                }
                _ => pair[0],
            })
            .collect()
    }

    /// Bytes chosen from two vectors, in the type of the first.
    fn shuffle(&mut self, a: ir::Value, b: ir::Value, mask: [u8; 16]) -> ir::Value {
        let ty = self.emitter.cursor.func.dfg.value_type(a);
        let mask = self.emitter.cursor.func.dfg.immediates.push(ConstantData::from(&mask[..]));
        let (a, b) = (self.cast(a, types::I8X16), self.cast(b, types::I8X16));
        let bytes = self.ins().shuffle(a, b, mask);
        self.cast(bytes, ty)
    }

    /// Integer lanes of another width: extended or wrapped.
    fn resize(&mut self, mut parts: Parts, mut from: usize, to: usize, signed: bool) -> Parts {
        while from < to {
            parts = self.widen(parts, from, signed);
            from *= 2;
        }
        while from > to {
            parts = self.narrow(parts, from, |this, low, high| this.narrow_pair(low, high, from));
            from /= 2;
        }
        parts
    }

    /// Integer lanes of twice the width.
    fn widen(&mut self, parts: Parts, from: usize, signed: bool) -> Parts {
        (0..self.count(2 * from))
            .map(|k| {
                let part = parts[k / 2];
                match (k % 2, signed) {
                    (0, true) => self.ins().swiden_low(part),
                    (0, false) => self.ins().uwiden_low(part),
                    (_, true) => self.ins().swiden_high(part),
                    (_, false) => self.ins().uwiden_high(part),
                }
            })
            .collect()
    }

    /// Integer lanes of half the width; `f` makes one vector of two.
    fn narrow(&mut self, parts: Parts, from: usize, f: impl Fn(&mut Self, ir::Value, ir::Value) -> ir::Value) -> Parts {
        (0..self.count(from / 2))
            .map(|k| {
                let low = parts[2 * k];
                let high = parts.get(2 * k + 1).copied().unwrap_or(low);
                f(self, low, high)
            })
            .collect()
    }

    /// The low halves of the lanes of two vectors.
    fn narrow_pair(&mut self, low: ir::Value, high: ir::Value, from: usize) -> ir::Value {
        if from == 8 {
            return self.even_words(low, high);
        }
        // Cleared of their upper halves, they are in the range where the instruction is exact.
        let mask = self.splat(lane_type(from), (1 << (4 * from)) - 1);
        let low = self.ins().band(low, mask);
        let high = self.ins().band(high, mask);
        self.ins().unarrow(low, high)
    }

    fn narrow_mask(&mut self, parts: Parts, from: usize) -> Parts {
        self.narrow(parts, from, |this, low, high| match from {
            8 => this.even_words(low, high),
            _ => this.ins().snarrow(low, high),
        })
    }

    /// The low 32 bits of each 64-bit lane.
    fn even_words(&mut self, low: ir::Value, high: ir::Value) -> ir::Value {
        let mask = std::array::from_fn(|k| (k / 4 * 8 + k % 4) as u8);
        let words = self.shuffle(low, high, mask);
        self.cast(words, types::I32X4)
    }
}
