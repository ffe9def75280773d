//! The typed program: a short list of loops, each the straight-line SSA of one lane's work.
//!
//! What an [`Op`] means is defined by [`crate::interp`]; [`verify`] says what is well formed; the
//! text form that [`print`] writes is read back by [`parse`].

pub mod build;
pub mod callee;
pub mod fold;
pub mod parse;
pub mod print;
pub mod verify;

use crate::dtype::{DType, Scalar};
use crate::source::Span;
pub use callee::{BlockFn, Callee, CalleeFn, Concurrency, Effects, Form, State, StatefulFn};
pub use fold::Fold;
use std::fmt;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// An array or scalar that the program reads or writes: a place in [`Program::operands`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperandId(pub u32);

/// The result of an instruction: a place in [`Loop::insts`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// A place in [`Program::guards`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuardId(pub u32);

/// A typed program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Everything in memory that the loops read or write.
    pub operands: Vec<Operand>,
    /// The loops, run one after another.
    pub loops: Vec<Loop>,
    /// What the loops may find wrong with data.
    pub guards: Vec<Guard>,
}

/// An operand's name, type and part.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The name in the program's text.
    pub name: Arc<str>,
    /// The element type, a lane.
    pub dtype: DType,
    /// Where it comes from.
    pub role: Role,
    /// Where in an element of that array its own begins, in bytes: an array of complex numbers is two operands.
    pub offset: u32,
}

/// Where an operand comes from. The numbers count arguments, outputs and statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An argument that is only read.
    Argument(u32),
    /// An argument that an `op=` writes.
    Target(u32),
    /// An output's memory, allocated or given by `out=`.
    Output(u32),
    /// The stored value of a statement that a later loop needs and that is no output.
    Hidden(u32),
    /// How many values a statement's reduction has for each of its results: a scalar, filled at the call.
    Count(u32),
    /// Where elements are along the axis of a statement: an operand without memory, whose elements' addresses
    /// are their values. Only the runtime's steps read it.
    Index(u32),
    /// Where the call stores: the mask of `where=`.
    Mask,
}

impl Operand {
    /// Do only block functions and the runtime's steps read its elements, and no code of a loop?
    pub fn is_opaque(&self) -> bool {
        !self.dtype.is_lane() || matches!(self.role, Role::Index(_))
    }
}

impl Role {
    /// May loops store to it?
    pub const fn is_written(self) -> bool {
        !matches!(self, Role::Argument(_) | Role::Count(_) | Role::Index(_) | Role::Mask)
    }
}

/// One sweep over an index space.
#[derive(Clone, Debug, Default)]
pub struct Loop {
    /// The instructions in order of execution; all loads stand before the first store.
    pub insts: Vec<Inst>,
    /// The type of each instruction's value; `None` for those without one.
    pub types: Vec<Option<DType>>,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq)]
pub enum Inst {
    /// A constant.
    Const(Scalar),
    /// This lane's element of an operand.
    Load(OperandId),
    /// A primitive.
    Op(Op, Args),
    /// A native function.
    Call(Arc<Callee>, Vec<Value>),
    /// Ends the run with an error where the condition is false.
    Guard(Value, GuardId),
    /// Writes this lane's element of an operand.
    Store(OperandId, Value),
    /// Folds this lane's value, or its parts, into the element of an operand that has one element along the
    /// axes that are reduced. What the operand held before the loop has no part in it.
    Reduce(Fold, OperandId, Args),
}

/// Up to three values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Args {
    values: [Value; 3],
    len: u8,
}

impl Args {
    /// The arguments of an operation.
    ///
    /// # Panics
    /// With more than three.
    pub fn new(args: &[Value]) -> Args {
        let mut values = [Value(0); 3];
        values[..args.len()].copy_from_slice(args);
        Args { values, len: args.len() as u8 }
    }
}

impl std::ops::Deref for Args {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values[..self.len as usize]
    }
}

impl std::ops::DerefMut for Args {
    fn deref_mut(&mut self) -> &mut [Value] {
        &mut self.values[..self.len as usize]
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// What a guard's failure means.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The error.
    pub kind: GuardKind,
    /// The place in the text.
    pub span: Span,
}

/// The errors that only data can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardKind {
    /// Python's own numbers divided by zero.
    ZeroDivision,
    /// Python's own numbers whose result exceeds 64 bits, or a float's range.
    Overflow,
    /// A negative shift of Python's own integers.
    NegativeShift,
    /// A power of Python's own numbers that is complex.
    ComplexPower,
    /// An integer to a negative integer power.
    NegativePower,
    /// The Python integer in the argument operand doesn't fit the dtype.
    OutOfBounds(DType, OperandId),
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])+ $op:ident $name:literal $arity:literal $rule:ident,)+) => {
        /// A closed primitive. Its meaning per type is [`crate::interp`]'s.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Op { $($(#[doc = $doc])+ $op,)+ }

        impl Op {
            /// Every primitive.
            pub const ALL: &'static [Op] = &[$(Op::$op,)+];

            /// The name in the text form.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$op => $name,)+ }
            }

            /// How many arguments it takes.
            pub const fn arity(self) -> usize {
                match self { $(Op::$op => $arity,)+ }
            }

            /// The types that it takes and gives.
            pub const fn rule(self) -> TypeRule {
                match self { $(Op::$op => TypeRule::$rule,)+ }
            }
        }
    };
}

/// The types that a primitive takes and gives. "Number" is an integer or floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeRule {
    /// Floats of one type, giving that type.
    Float,
    /// Numbers of one type, giving that type.
    Number,
    /// Integers of one type, giving that type.
    Int,
    /// Integers of one type, or bools, giving that type.
    Bits,
    /// Numbers of one type, giving bool.
    Compare,
    /// Two of one type, bool included, giving bool.
    Equal,
    /// A bool and two of one type, giving that type.
    Select,
    /// Two int64, giving bool.
    Overflow,
    /// Any type to any type; the instruction's type says which.
    Convert,
}

ops! {
    /// `-a`; integers wrap.
    Neg "neg" 1 Number,
    /// `|a|`; the smallest integer stays as it is.
    Abs "abs" 1 Number,
    /// Every bit inverted; for bool, the other truth value.
    Not "not" 1 Bits,
    /// The square root, correctly rounded.
    Sqrt "sqrt" 1 Float,
    /// Rounded down.
    Floor "floor" 1 Float,
    /// Rounded up.
    Ceil "ceil" 1 Float,
    /// Rounded towards zero.
    Trunc "trunc" 1 Float,
    /// Rounded to the nearest integer, halves to the even one.
    Rint "rint" 1 Float,
    /// `a + b`; integers wrap.
    Add "add" 2 Number,
    /// `a - b`; integers wrap.
    Sub "sub" 2 Number,
    /// `a * b`; integers wrap.
    Mul "mul" 2 Number,
    /// `a / b`.
    Div "div" 2 Float,
    /// `floor(a / b)`; 0 where b is 0, the smallest integer over -1 stays as it is.
    FloorDiv "floordiv" 2 Int,
    /// `a - floor(a / b) * b`, with b's sign; 0 where b is 0.
    FloorMod "floormod" 2 Int,
    /// `a - trunc(a / b) * b`, with a's sign; 0 where b is 0.
    TruncMod "truncmod" 2 Int,
    /// Bitwise and; logical for bool.
    And "and" 2 Bits,
    /// Bitwise or; logical for bool.
    Or "or" 2 Bits,
    /// Bitwise exclusive or; logical for bool.
    Xor "xor" 2 Bits,
    /// `a << b`; 0 where b is negative or not below the width.
    Shl "shl" 2 Int,
    /// `a >> b`, arithmetic for signed; where b is negative or not below the width, the sign (0 or -1).
    Shr "shr" 2 Int,
    /// The lesser; NaN if either is NaN (the first such operand); of two equal operands the first.
    Min "min" 2 Number,
    /// The greater; NaN if either is NaN (the first such operand); of two equal operands the first.
    Max "max" 2 Number,
    /// The lesser; a NaN only if both are; of two equal operands the first.
    FMin "fmin" 2 Float,
    /// The greater; a NaN only if both are; of two equal operands the first.
    FMax "fmax" 2 Float,
    /// The first's magnitude with the second's sign.
    CopySign "copysign" 2 Float,
    /// `a == b`
    Eq "eq" 2 Equal,
    /// `a != b`
    Ne "ne" 2 Equal,
    /// `a < b`
    Lt "lt" 2 Compare,
    /// `a <= b`
    Le "le" 2 Compare,
    /// `a > b`
    Gt "gt" 2 Compare,
    /// `a >= b`
    Ge "ge" 2 Compare,
    /// The second where the first holds, else the third.
    Select "select" 3 Select,
    /// `a * b + c`, rounded once.
    Fma "fma" 3 Float,
    /// Whether the sum exceeds int64.
    AddOverflows "add_overflows" 2 Overflow,
    /// Whether the difference exceeds int64.
    SubOverflows "sub_overflows" 2 Overflow,
    /// Whether the product exceeds int64.
    MulOverflows "mul_overflows" 2 Overflow,
    /// A cast with NumPy's values: to bool `a != 0`; integers wrap; floats truncate towards zero,
    /// what is NaN or out of range as an x86-64 C compiler's conversion (see `interp`).
    Convert "convert" 1 Convert,
}

impl Loop {
    /// What an element costs, in vectorised instructions: a call counts for as many as it has, about.
    pub fn weight(&self) -> usize {
        let weight = |inst: &Inst| match inst {
            // Of these little is known; some are slow.
            Inst::Call(callee, _) if matches!(callee.form, Form::Stateful(..)) => 64,
            Inst::Call(..) => 32,
            _ => 1,
        };
        self.insts.iter().map(weight).sum()
    }

    /// Appends an instruction and returns its value.
    pub fn push(&mut self, inst: Inst, dtype: Option<DType>) -> Value {
        let value = Value(self.insts.len() as u32);
        self.insts.push(inst);
        self.types.push(dtype);
        value
    }

    /// The type of a value.
    ///
    /// # Panics
    /// For an instruction without a value.
    pub fn dtype(&self, value: Value) -> DType {
        self.types[value.0 as usize].expect("a store or guard has no value")
    }

    /// The instructions with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Value, &Inst)> {
        self.insts.iter().enumerate().map(|(index, inst)| (Value(index as u32), inst))
    }
}

impl Inst {
    /// Does it give a value? What does not is there for its effect.
    pub const fn has_value(&self) -> bool {
        !matches!(self, Inst::Guard(..) | Inst::Store(..) | Inst::Reduce(..))
    }

    /// Is it a call that must be made once an element?
    pub fn is_impure(&self) -> bool {
        matches!(self, Inst::Call(callee, _) if !callee.effects.pure)
    }

    /// Does it do more than give a value?
    pub fn must_stay(&self) -> bool {
        !self.has_value() || self.is_impure()
    }

    /// The values that the instruction reads.
    pub fn args(&self) -> &[Value] {
        match self {
            Inst::Const(_) | Inst::Load(_) => &[],
            Inst::Op(_, args) | Inst::Reduce(_, _, args) => args,
            Inst::Call(_, args) => args,
            Inst::Guard(value, _) | Inst::Store(_, value) => std::slice::from_ref(value),
        }
    }

    /// The same, to be replaced.
    pub fn args_mut(&mut self) -> &mut [Value] {
        match self {
            Inst::Const(_) | Inst::Load(_) => &mut [],
            Inst::Op(_, args) | Inst::Reduce(_, _, args) => args,
            Inst::Call(_, args) => args,
            Inst::Guard(value, _) | Inst::Store(_, value) => std::slice::from_mut(value),
        }
    }
}

impl Index<Value> for Loop {
    type Output = Inst;

    fn index(&self, value: Value) -> &Inst {
        &self.insts[value.0 as usize]
    }
}

impl IndexMut<Value> for Loop {
    fn index_mut(&mut self, value: Value) -> &mut Inst {
        &mut self.insts[value.0 as usize]
    }
}

impl Index<OperandId> for Program {
    type Output = Operand;

    fn index(&self, id: OperandId) -> &Operand {
        &self.operands[id.0 as usize]
    }
}
