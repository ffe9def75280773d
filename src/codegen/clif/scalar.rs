//! One element at a time: every operation, every layout.

use super::{Emitter, Held, Level, int_type, memory, scalar_type};
use crate::dtype::DType;
use crate::ir::{Inst, Op, OperandId, Value};
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::{self, InstBuilder, MemFlagsData, types};

/// What stands in for instructions that the target lacks.
mod substitute {
    pub(super) extern "C" fn fma32(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    pub(super) extern "C" fn fma64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    macro_rules! rounding {
        ($($name32:ident $name64:ident $method:ident;)+) => {$(
            pub(super) extern "C" fn $name32(a: f32) -> f32 { a.$method() }
            pub(super) extern "C" fn $name64(a: f64) -> f64 { a.$method() }
        )+};
    }
    rounding! {
        floor32 floor64 floor;
        ceil32 ceil64 ceil;
        trunc32 trunc64 trunc;
        rint32 rint64 round_ties_even;
    }
}

impl Emitter<'_> {
    /// Emits the instructions of a level, in order.
    pub(super) fn scalar_level(&mut self, level: Level) {
        let body = self.body;
        for (value, inst) in body.iter().filter(|(v, _)| self.plan.level(*v) == level).collect::<Vec<_>>() {
            let result = match inst {
                Inst::Const(_) if self.plan.inline_constants => None,
                Inst::Const(constant) => Some(self.constant_scalar(*constant)),
                Inst::Load(operand) => Some(self.load(*operand)),
                Inst::Op(op, args) => {
                    let values = args.iter().map(|a| self.scalar(*a)).collect::<smallvec::SmallVec<[_; 3]>>();
                    Some(self.scalar_op(*op, value, args, &values))
                }
                Inst::Call(callee, args) => {
                    let values: Vec<_> = args.iter().map(|a| self.scalar(*a)).collect();
                    Some(self.call(level, callee, &values))
                }
                Inst::Guard(condition, guard) => {
                    let condition = self.scalar(*condition);
                    self.guard(level, condition, guard.0 as u64 + 1);
                    None
                }
                Inst::Store(operand, value) => {
                    let value = self.scalar(*value);
                    self.store(*operand, value);
                    None
                }
                Inst::Reduce(..) => unreachable!("values to fold are stored to lines"),
            };
            self.scalars[value.0 as usize] = result.map(|result| match self.plan.escapes[value.0 as usize] {
                true => self.hold(result),
                false => Held::Value(result),
            });
        }
    }

    /// The machine value of an instruction that was emitted here or further out.
    pub(super) fn scalar(&mut self, value: Value) -> ir::Value {
        match (self.scalars[value.0 as usize], &self.body[value]) {
            (Some(scalar), _) => self.fetch(scalar),
            (None, Inst::Const(constant)) => self.constant_scalar(*constant),
            (None, _) => unreachable!("an instruction reads only values before it"),
        }
    }

    fn constant_scalar(&mut self, constant: crate::dtype::Scalar) -> ir::Value {
        let ins = self.cursor.ins();
        match constant.dtype {
            DType::F32 => ins.f32const(ir::immediates::Ieee32::with_bits(constant.bits as u32)),
            DType::F64 => ins.f64const(ir::immediates::Ieee64::with_bits(constant.bits)),
            dtype => ins.iconst(scalar_type(dtype), constant.bits as i64),
        }
    }

    fn load(&mut self, operand: OperandId) -> ir::Value {
        let dtype = self.program.operands[operand.0 as usize].dtype;
        let address = self.address(operand);
        if self.is_swapped(operand) {
            let raw = self.cursor.ins().load(int_type(dtype.size()), memory(), address, 0);
            let swapped = self.cursor.ins().bswap(raw);
            return self.reinterpret(swapped, dtype);
        }
        let value = self.cursor.ins().load(scalar_type(dtype), memory(), address, 0);
        match dtype {
            // Any nonzero byte is true.
            DType::Bool => self.cursor.ins().icmp_imm_u(IntCC::NotEqual, value, 0),
            _ => value,
        }
    }

    fn store(&mut self, operand: OperandId, value: ir::Value) {
        let dtype = self.program.operands[operand.0 as usize].dtype;
        let address = self.address(operand);
        let value = if self.is_swapped(operand) {
            let raw = match dtype.is_float() {
                true => self.cursor.ins().bitcast(int_type(dtype.size()), MemFlagsData::new(), value),
                false => value,
            };
            self.cursor.ins().bswap(raw)
        } else {
            value
        };
        self.cursor.ins().store(memory(), value, address, 0);
    }

    fn is_swapped(&self, operand: OperandId) -> bool {
        self.layouts[operand.0 as usize].swapped && self.program.operands[operand.0 as usize].dtype.size() > 1
    }

    /// The bits of an integer as a value of a type of the same size.
    fn reinterpret(&mut self, bits: ir::Value, dtype: DType) -> ir::Value {
        match dtype.is_float() {
            true => self.cursor.ins().bitcast(scalar_type(dtype), MemFlagsData::new(), bits),
            false => bits,
        }
    }

    fn scalar_op(&mut self, op: Op, value: Value, args: &[Value], v: &[ir::Value]) -> ir::Value {
        let dtype = self.body.dtype(args[0]);
        let result = self.body.dtype(value);
        let (float, signed) = (dtype.is_float(), dtype.is_signed());
        let a = v[0];
        // For operations of one argument, never read.
        let b = *v.get(1).unwrap_or(&a);
        match op {
            Op::Neg if float => self.cursor.ins().fneg(a),
            Op::Neg => self.cursor.ins().ineg(a),
            Op::Abs if float => self.cursor.ins().fabs(a),
            Op::Abs if signed => self.cursor.ins().iabs(a),
            Op::Abs => a,
            Op::Not if dtype == DType::Bool => self.cursor.ins().bxor_imm_u(a, 1),
            Op::Not => self.cursor.ins().bnot(a),
            Op::Sqrt => self.cursor.ins().sqrt(a),
            Op::Floor | Op::Ceil | Op::Trunc | Op::Rint => self.round(op, dtype, a),
            Op::Add if float => self.cursor.ins().fadd(a, b),
            Op::Add => self.cursor.ins().iadd(a, b),
            Op::Sub if float => self.cursor.ins().fsub(a, b),
            Op::Sub => self.cursor.ins().isub(a, b),
            Op::Mul if float => self.cursor.ins().fmul(a, b),
            Op::Mul => self.cursor.ins().imul(a, b),
            Op::Div => self.cursor.ins().fdiv(a, b),
            Op::FloorDiv | Op::FloorMod | Op::TruncMod => self.divide(op, dtype, args[1], a, b),
            Op::And => self.cursor.ins().band(a, b),
            Op::Or => self.cursor.ins().bor(a, b),
            Op::Xor => self.cursor.ins().bxor(a, b),
            Op::Shl => {
                let shifted = self.cursor.ins().ishl(a, b);
                self.unless_oversized(dtype, b, shifted)
            }
            Op::Shr if signed => {
                let amount = self.clamped_amount(dtype, b);
                self.cursor.ins().sshr(a, amount)
            }
            Op::Shr => {
                let shifted = self.cursor.ins().ushr(a, b);
                self.unless_oversized(dtype, b, shifted)
            }
            Op::Min | Op::Max | Op::FMin | Op::FMax if float => self.float_extremum(op, args, a, b),
            Op::Min | Op::FMin if signed => self.cursor.ins().smin(a, b),
            Op::Min | Op::FMin => self.cursor.ins().umin(a, b),
            Op::Max | Op::FMax if signed => self.cursor.ins().smax(a, b),
            Op::Max | Op::FMax => self.cursor.ins().umax(a, b),
            Op::CopySign => self.cursor.ins().fcopysign(a, b),
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge if float => {
                self.cursor.ins().fcmp(float_condition(op), a, b)
            }
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                self.cursor.ins().icmp(int_condition(op, signed), a, b)
            }
            Op::Select => self.cursor.ins().select(a, b, v[2]),
            Op::Fma if self.target.fma => self.cursor.ins().fma(a, b, v[2]),
            Op::Fma => {
                let address = match dtype {
                    DType::F32 => substitute::fma32 as *const () as usize,
                    _ => substitute::fma64 as *const () as usize,
                };
                self.call_address(address, &[dtype; 3], dtype, v)
            }
            // The sum overflows where its sign differs from both operands'.
            Op::AddOverflows => {
                let sum = self.cursor.ins().iadd(a, b);
                let x = self.cursor.ins().bxor(a, sum);
                let y = self.cursor.ins().bxor(b, sum);
                let both = self.cursor.ins().band(x, y);
                self.cursor.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0)
            }
            // The difference overflows where the operands' signs differ and its own is not the first's.
            Op::SubOverflows => {
                let difference = self.cursor.ins().isub(a, b);
                let x = self.cursor.ins().bxor(a, b);
                let y = self.cursor.ins().bxor(a, difference);
                let both = self.cursor.ins().band(x, y);
                self.cursor.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0)
            }
            // The product overflows where the high half is not the low half's sign.
            Op::MulOverflows => {
                let high = self.cursor.ins().smulhi(a, b);
                let low = self.cursor.ins().imul(a, b);
                let sign = self.cursor.ins().sshr_imm_u(low, 63);
                self.cursor.ins().icmp(IntCC::NotEqual, high, sign)
            }
            Op::Convert => self.convert(dtype, result, a),
        }
    }

    fn round(&mut self, op: Op, dtype: DType, a: ir::Value) -> ir::Value {
        use substitute::*;
        if !self.target.rounding {
            let (f32, f64): (extern "C" fn(f32) -> f32, extern "C" fn(f64) -> f64) = match op {
                Op::Floor => (floor32, floor64),
                Op::Ceil => (ceil32, ceil64),
                Op::Trunc => (trunc32, trunc64),
                _ => (rint32, rint64),
            };
            let address = if dtype == DType::F32 { f32 as usize } else { f64 as usize };
            return self.call_address(address, &[dtype], dtype, &[a]);
        }
        let ins = self.cursor.ins();
        match op {
            Op::Floor => ins.floor(a),
            Op::Ceil => ins.ceil(a),
            Op::Trunc => ins.trunc(a),
            _ => ins.nearest(a),
        }
    }

    /// `shifted` where the amount is below the width, else 0. A negative amount is a great one.
    fn unless_oversized(&mut self, dtype: DType, amount: ir::Value, shifted: ir::Value) -> ir::Value {
        let fits = self.cursor.ins().icmp_imm_u(IntCC::UnsignedLessThan, amount, dtype.bits() as i64);
        let zero = self.cursor.ins().iconst(scalar_type(dtype), 0);
        self.cursor.ins().select(fits, shifted, zero)
    }

    /// The amount, or width - 1 where it is not below the width.
    pub(super) fn clamped_amount(&mut self, dtype: DType, amount: ir::Value) -> ir::Value {
        let most = self.cursor.ins().iconst(scalar_type(dtype), dtype.bits() as i64 - 1);
        self.cursor.ins().umin(amount, most)
    }

    /// Integer division. Neither 0 nor -1 ever reaches the machine's divide instruction, which would
    /// trap; both are replaced by 1, and what they should have given is selected afterwards.
    fn divide(&mut self, op: Op, dtype: DType, divisor: Value, a: ir::Value, b: ir::Value) -> ir::Value {
        let ty = scalar_type(dtype);
        let signed = dtype.is_signed();
        if dtype.size() < 4 {
            let (wide, a, b) = match signed {
                true => {
                    (DType::I32, self.cursor.ins().sextend(types::I32, a), self.cursor.ins().sextend(types::I32, b))
                }
                false => {
                    (DType::U32, self.cursor.ins().uextend(types::I32, a), self.cursor.ins().uextend(types::I32, b))
                }
            };
            let result = self.divide(op, wide, divisor, a, b);
            return self.cursor.ins().ireduce(ty, result);
        }
        let harmless = self.constant(divisor).is_some_and(|c| !matches!(c.as_int(), 0 | -1));
        let zero = self.cursor.ins().iconst(ty, 0);
        let special = match (harmless, signed) {
            (true, _) => None,
            (false, true) => {
                let next = self.cursor.ins().iadd_imm_s(b, 1);
                Some(self.cursor.ins().icmp_imm_u(IntCC::UnsignedLessThan, next, 2))
            }
            (false, false) => Some(self.cursor.ins().icmp_imm_u(IntCC::Equal, b, 0)),
        };
        let divisor = match special {
            Some(special) => {
                let one = self.cursor.ins().iconst(ty, 1);
                self.cursor.ins().select(special, one, b)
            }
            None => b,
        };
        let quotient = match signed {
            true => self.cursor.ins().sdiv(a, divisor),
            false => self.cursor.ins().udiv(a, divisor),
        };
        let product = self.cursor.ins().imul(quotient, divisor);
        // 0 where the divisor was replaced.
        let remainder = self.cursor.ins().isub(a, product);
        if op == Op::TruncMod || (op == Op::FloorMod && !signed) {
            return remainder;
        }
        // Rounding down differs where a remainder has the other sign than the divisor.
        let rounds_down = |emitter: &mut Self| {
            let signs = emitter.cursor.ins().bxor(remainder, divisor);
            let differ = emitter.cursor.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
            let inexact = emitter.cursor.ins().icmp_imm_u(IntCC::NotEqual, remainder, 0);
            emitter.cursor.ins().band(differ, inexact)
        };
        if op == Op::FloorMod {
            let adjusted = self.cursor.ins().iadd(remainder, divisor);
            let condition = rounds_down(self);
            return self.cursor.ins().select(condition, adjusted, remainder);
        }
        let floor = if signed {
            let condition = rounds_down(self);
            let lower = self.cursor.ins().iadd_imm_s(quotient, -1);
            self.cursor.ins().select(condition, lower, quotient)
        } else {
            quotient
        };
        match (special, signed) {
            (None, _) => floor,
            (Some(special), false) => self.cursor.ins().select(special, zero, floor),
            // -a where b is -1, all ones; 0 where b is 0.
            (Some(special), true) => {
                let negated = self.cursor.ins().ineg(a);
                let masked = self.cursor.ins().band(negated, b);
                self.cursor.ins().select(special, masked, floor)
            }
        }
    }

    /// The four float extrema. `b < a ? b : a` is one x86 instruction and right except where one
    /// operand is NaN: where b is, it gives a; where a is, it gives a.
    fn float_extremum(&mut self, op: Op, args: &[Value], a: ir::Value, b: ir::Value) -> ir::Value {
        let less = match op {
            Op::Min | Op::FMin => self.cursor.ins().fcmp(FloatCC::LessThan, b, a),
            _ => self.cursor.ins().fcmp(FloatCC::LessThan, a, b),
        };
        let chosen = self.cursor.ins().select(less, b, a);
        let (fixed, value) = match op {
            Op::Min | Op::Max => (b, args[1]),
            _ => (a, args[0]),
        };
        if self.never_nan(value) {
            return chosen;
        }
        // Min and Max owe b's NaN; FMin and FMax owe b where a is NaN.
        let nan = self.cursor.ins().fcmp(FloatCC::Unordered, fixed, fixed);
        self.cursor.ins().select(nan, b, chosen)
    }

    fn convert(&mut self, from: DType, to: DType, a: ir::Value) -> ir::Value {
        let ty = scalar_type(to);
        if from == to {
            return a;
        }
        match (from, to) {
            (_, DType::Bool) if from.is_float() => {
                let zero = self.float_constant(from, 0.0);
                self.cursor.ins().fcmp(FloatCC::NotEqual, a, zero)
            }
            (_, DType::Bool) => self.cursor.ins().icmp_imm_u(IntCC::NotEqual, a, 0),
            (DType::F32, DType::F64) => self.cursor.ins().fpromote(ty, a),
            (DType::F64, DType::F32) => self.cursor.ins().fdemote(ty, a),
            _ if from.is_float() => self.float_to_int(from, to, a),
            _ if to.is_float() && from.is_signed() => {
                let a = match from.size() < 4 {
                    true => self.cursor.ins().sextend(types::I32, a),
                    false => a,
                };
                self.cursor.ins().fcvt_from_sint(ty, a)
            }
            (DType::U64, _) if to.is_float() => self.cursor.ins().fcvt_from_uint(ty, a),
            // Narrower unsigned integers are signed ones of a greater width.
            _ if to.is_float() => {
                let wide = if from == DType::U32 { types::I64 } else { types::I32 };
                let a = self.cursor.ins().uextend(wide, a);
                self.cursor.ins().fcvt_from_sint(ty, a)
            }
            _ if to.size() == from.size() => a,
            _ if to.size() < from.size() => self.cursor.ins().ireduce(ty, a),
            _ if from.is_signed() => self.cursor.ins().sextend(ty, a),
            _ => self.cursor.ins().uextend(ty, a),
        }
    }

    /// As x86-64 compilers convert: by a signed 32- or 64-bit conversion that gives the smallest
    /// integer for NaN and what is out of range, then wrapped.
    fn float_to_int(&mut self, from: DType, to: DType, a: ir::Value) -> ir::Value {
        match to {
            DType::U64 => {
                let limit = self.float_constant(from, 2f64.powi(63));
                let large = self.cursor.ins().fcmp(FloatCC::GreaterThanOrEqual, a, limit);
                let direct = self.float_to_signed(from, types::I64, a);
                let lowered = self.cursor.ins().fsub(a, limit);
                let rest = self.float_to_signed(from, types::I64, lowered);
                let flipped = self.cursor.ins().bxor_imm_s(rest, i64::MIN);
                self.cursor.ins().select(large, flipped, direct)
            }
            DType::I64 => self.float_to_signed(from, types::I64, a),
            DType::U32 => {
                let wide = self.float_to_signed(from, types::I64, a);
                self.cursor.ins().ireduce(types::I32, wide)
            }
            DType::I32 => self.float_to_signed(from, types::I32, a),
            _ => {
                let wide = self.float_to_signed(from, types::I32, a);
                self.cursor.ins().ireduce(scalar_type(to), wide)
            }
        }
    }

    /// Cranelift's saturating conversion is right below the range; above it and for NaN the smallest
    /// integer is selected.
    fn float_to_signed(&mut self, from: DType, to: ir::Type, a: ir::Value) -> ir::Value {
        let bits = to.bits() as i32;
        let limit = self.float_constant(from, 2f64.powi(bits - 1));
        let below = self.cursor.ins().fcmp(FloatCC::LessThan, a, limit);
        let saturated = self.cursor.ins().fcvt_to_sint_sat(to, a);
        let smallest = self.cursor.ins().iconst(to, (1i64 << (bits - 1)) & (-1i64 as u64 >> (64 - bits)) as i64);
        self.cursor.ins().select(below, saturated, smallest)
    }

    fn float_constant(&mut self, dtype: DType, value: f64) -> ir::Value {
        self.constant_scalar(crate::dtype::Scalar::of(dtype, value))
    }
}

/// The condition of a comparison of floats: all but Ne are false for NaN.
pub(super) fn float_condition(op: Op) -> FloatCC {
    match op {
        Op::Eq => FloatCC::Equal,
        Op::Ne => FloatCC::NotEqual,
        Op::Lt => FloatCC::LessThan,
        Op::Le => FloatCC::LessThanOrEqual,
        Op::Gt => FloatCC::GreaterThan,
        _ => FloatCC::GreaterThanOrEqual,
    }
}

/// The condition of a comparison of integers or bools.
pub(super) fn int_condition(op: Op, signed: bool) -> IntCC {
    match (op, signed) {
        (Op::Eq, _) => IntCC::Equal,
        (Op::Ne, _) => IntCC::NotEqual,
        (Op::Lt, true) => IntCC::SignedLessThan,
        (Op::Le, true) => IntCC::SignedLessThanOrEqual,
        (Op::Gt, true) => IntCC::SignedGreaterThan,
        (_, true) => IntCC::SignedGreaterThanOrEqual,
        (Op::Lt, false) => IntCC::UnsignedLessThan,
        (Op::Le, false) => IntCC::UnsignedLessThanOrEqual,
        (Op::Gt, false) => IntCC::UnsignedGreaterThan,
        (_, false) => IntCC::UnsignedGreaterThanOrEqual,
    }
}
