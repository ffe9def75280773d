//! Building a loop instruction by instruction, with the types of results worked out.

use super::{Args, Callee, Inst, Loop, Op, OperandId, TypeRule, Value};
use crate::dtype::{DType, Scalar};
use std::sync::Arc;

impl Loop {
    /// A constant.
    pub fn constant(&mut self, scalar: Scalar) -> Value {
        self.push(Inst::Const(scalar), Some(scalar.dtype))
    }

    /// This lane's element of an operand of the given type.
    pub fn load(&mut self, operand: OperandId, dtype: DType) -> Value {
        self.push(Inst::Load(operand), Some(dtype))
    }

    /// A primitive other than a conversion.
    pub fn op(&mut self, op: Op, args: &[Value]) -> Value {
        debug_assert_eq!(op.arity(), args.len());
        let dtype = match op.rule() {
            TypeRule::Compare | TypeRule::Equal | TypeRule::Overflow => DType::Bool,
            TypeRule::Select => self.dtype(args[1]),
            TypeRule::Float | TypeRule::Number | TypeRule::Int | TypeRule::Bits => self.dtype(args[0]),
            TypeRule::Convert => unreachable!("conversions are built by `convert`"),
        };
        self.push(Inst::Op(op, Args::new(args)), Some(dtype))
    }

    /// A value cast to a type; the value itself where it has that type.
    pub fn convert(&mut self, value: Value, dtype: DType) -> Value {
        if self.dtype(value) == dtype {
            return value;
        }
        self.push(Inst::Op(Op::Convert, Args::new(&[value])), Some(dtype))
    }

    /// A call of a native function.
    pub fn call(&mut self, callee: &Arc<Callee>, args: &[Value]) -> Value {
        debug_assert!(args.iter().map(|&v| self.dtype(v)).eq(callee.params.iter().copied()));
        self.push(Inst::Call(Arc::clone(callee), args.to_vec()), Some(callee.result))
    }
}
