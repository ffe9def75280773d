//! The text form of a program: one operand, guard or instruction a line.
//!
//! ```text
//! program {
//!   a0: float64 argument 0 "x"
//!   a1: float64 target 1 "y"
//!   g0: zero-division 3..8
//!   loop {
//!     v0: float64 = load a0
//!     v1: float64 = const 1.5
//!     v2: float64 = add v0, v1
//!     v3: float64 = call "exp"(v2)
//!     v4: bool = gt v3, v1
//!     guard v4, g0
//!     store a1, v3
//!   }
//! }
//! ```
//!
//! Values are numbered by their place in the loop, so that the guard above is number 5 and the
//! store number 6. Programs that are not well formed print as well: [`super::verify`] judges.

use super::{Guard, GuardId, GuardKind, Inst, Loop, Operand, OperandId, Program, Role};
use std::fmt::{Display, Formatter, Result};

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("program {\n")?;
        for (index, operand) in self.operands.iter().enumerate() {
            writeln!(f, "  a{index}: {operand}")?;
        }
        for (index, guard) in self.guards.iter().enumerate() {
            writeln!(f, "  g{index}: {guard}")?;
        }
        for body in &self.loops {
            write_loop(f, body, "  ")?;
        }
        f.write_str("}\n")
    }
}

impl Display for Loop {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write_loop(f, self, "")
    }
}

fn write_loop(f: &mut Formatter<'_>, body: &Loop, indent: &str) -> Result {
    writeln!(f, "{indent}loop {{")?;
    for (value, inst) in body.iter() {
        write!(f, "{indent}  ")?;
        match body.types.get(value.0 as usize).copied().flatten() {
            Some(dtype) => writeln!(f, "{value}: {dtype} = {inst}")?,
            None if inst.has_value() => writeln!(f, "{value} = {inst}")?,
            None => writeln!(f, "{inst}")?,
        }
    }
    writeln!(f, "{indent}}}")
}

/// What the instruction does, without the value that it defines.
impl Display for Inst {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Inst::Const(scalar) => write!(f, "const {scalar}"),
            Inst::Load(operand) => write!(f, "load {operand}"),
            Inst::Op(op, _) => write!(f, "{} ", op.name()),
            Inst::Call(callee, _) => write!(f, "call {:?}(", callee.name),
            Inst::Guard(condition, guard) => write!(f, "guard {condition}, {guard}"),
            Inst::Store(operand, value) => write!(f, "store {operand}, {value}"),
            Inst::Reduce(fold, operand, _) => write!(f, "reduce {} {operand}, ", fold.name()),
        }?;
        if let Inst::Op(..) | Inst::Call(..) | Inst::Reduce(..) = self {
            for (index, arg) in self.args().iter().enumerate() {
                write!(f, "{}{arg}", if index > 0 { ", " } else { "" })?;
            }
        }
        f.write_str(if matches!(self, Inst::Call(..)) { ")" } else { "" })
    }
}

impl Display for OperandId {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "a{}", self.0)
    }
}

impl Display for GuardId {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "g{}", self.0)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (role, number) = match self.role {
            Role::Argument(number) => ("argument", number),
            Role::Target(number) => ("target", number),
            Role::Output(number) => ("output", number),
            Role::Hidden(number) => ("hidden", number),
            Role::Count(number) => ("count", number),
            Role::Index(number) => ("index", number),
            Role::Mask => ("mask", 0),
        };
        write!(f, "{} {role} {number} ", self.dtype)?;
        if self.offset != 0 {
            write!(f, "+{} ", self.offset)?;
        }
        write!(f, "{:?}", self.name)
    }
}

impl Display for Guard {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.kind, self.span)
    }
}

impl Display for GuardKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            GuardKind::ZeroDivision => f.write_str("zero-division"),
            GuardKind::Overflow => f.write_str("overflow"),
            GuardKind::NegativeShift => f.write_str("negative-shift"),
            GuardKind::ComplexPower => f.write_str("complex-power"),
            GuardKind::NegativePower => f.write_str("negative-power"),
            GuardKind::OutOfBounds(dtype, operand) => write!(f, "out-of-bounds {dtype} {operand}"),
        }
    }
}
