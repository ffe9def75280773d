//! Random well-formed programs over all types and primitives, random elements for their operands,
//! and statistics by which a useless generator is seen.
//!
//! No program lets a NaN's bits be seen but by storing it: any NaN may stand for any other.
#![allow(dead_code, reason = "each test uses its part")]

use crate::random::Random;
use numfuse::dtype::{DType, Scalar};
use numfuse::interp::{self, Memory};
use numfuse::ir::verify::accepts;
use numfuse::ir::{
    Args, Callee, CalleeFn, Guard, GuardId, GuardKind, Inst, Loop, Op, Operand, OperandId, Program, Role, Value,
};
use numfuse::source::Span;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

impl Random {
    /// An element: often a special one.
    pub(crate) fn scalar(&mut self, dtype: DType) -> Scalar {
        const SMALL: [f64; 13] = [0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -0.25, 4.0, 1.5, 2.5, -0.0, 100.0];
        const SPECIAL: [f64; 14] = [
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f32::MAX as f64,
            1e-45,
            2147483648.0,
            -2147483649.0,
            4294967296.5,
            9223372036854775808.0,
            -9223372036854775808.0,
            1e19,
        ];
        match (dtype, self.below(10)) {
            (DType::Bool, _) => Scalar::bool(self.chance(50)),
            (_, 0..=4) => Scalar::of(dtype, *self.choose(&SMALL)),
            (DType::F32 | DType::F64, 5..=6) => Scalar::of(dtype, *self.choose(&SPECIAL)),
            (DType::F32 | DType::F64, 7..=8) => {
                // A number of an everyday size.
                let unit = self.bits() as i64 as f64 / i64::MAX as f64;
                Scalar::of(dtype, unit * *self.choose(&[1.0, 10.0, 1000.0, 1e9]))
            }
            (DType::F32, _) => Scalar::f32(f32::from_bits(self.bits() as u32)),
            (DType::F64, _) => Scalar::f64(f64::from_bits(self.bits())),
            (_, 5..=6) => {
                let (least, greatest) = dtype.int_range();
                let near = self.below(3) as i128;
                Scalar::int(dtype, if self.chance(50) { least + near } else { greatest - near })
            }
            (_, 7) => Scalar::int(dtype, 1 << self.below(dtype.bits() as usize)),
            (_, 8) => Scalar::int(dtype, self.below(2 * dtype.bits() as usize) as i128),
            _ => Scalar::int(dtype, i128::from(self.bits())),
        }
    }
}

extern "C" fn twist(x: f64) -> f64 {
    x * x - 0.75
}

extern "C" fn mix(x: f64, y: f64) -> f64 {
    x * 0.25 + y * 0.5
}

extern "C" fn pick(c: bool, x: f32, y: f32) -> f32 {
    if c { x + y } else { x - y }
}

extern "C" fn low_bits(x: i64, y: u8) -> i16 {
    (x as i16).wrapping_add(i16::from(y))
}

extern "C" fn is_small(x: f32) -> bool {
    x.abs() < 1.0
}

extern "C" fn four(a: f64, b: i64, c: u64, d: i32) -> u64 {
    // A NaN's bits are nobody's business.
    let a = if a.is_nan() { 0.0 } else { a };
    a.to_bits() ^ (b as u64) ^ c.rotate_left(7) ^ (d as u64)
}

/// The functions that programs call.
pub(crate) fn callees() -> Vec<Arc<Callee>> {
    vec![
        Arc::new((twist as extern "C" fn(f64) -> f64).callee("twist")),
        Arc::new((mix as extern "C" fn(f64, f64) -> f64).callee("mix")),
        Arc::new((pick as extern "C" fn(bool, f32, f32) -> f32).callee("pick")),
        Arc::new((low_bits as extern "C" fn(i64, u8) -> i16).callee("low_bits")),
        Arc::new((is_small as extern "C" fn(f32) -> bool).callee("is_small")),
        Arc::new((four as extern "C" fn(f64, i64, u64, i32) -> u64).callee("four")),
    ]
}

/// Finds the functions of [`callees`] for [`numfuse::ir::parse::parse`].
pub(crate) fn resolve(name: &str, params: &[DType], result: DType) -> Option<Arc<Callee>> {
    callees().into_iter().find(|c| c.name == name && c.params == params && c.result == result)
}

/// What a generator may make. The default is everything.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The types that arguments, outputs and most values have.
    pub dtypes: Vec<DType>,
    /// The greatest number of primitives and calls of a loop.
    pub insts: usize,
    /// The greatest number of loops.
    pub loops: usize,
    /// May programs call functions?
    pub calls: bool,
    /// May programs have guards?
    pub guards: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { dtypes: DType::LANES.to_vec(), insts: 30, loops: 3, calls: true, guards: true }
    }
}

/// Makes programs.
pub(crate) struct Generator {
    pub random: Random,
    pub shape: Shape,
    pub statistics: Statistics,
    callees: Vec<Arc<Callee>>,
}

/// How often a kind of instruction was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    pub programs: usize,
    pub loops: usize,
    /// By name and type of the first argument (for constants and loads, of the value).
    pub insts: BTreeMap<(String, DType), usize>,
}

impl Statistics {
    /// The primitives, by types that they take, which were never made.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for op in Op::ALL {
            for dtype in DType::LANES {
                if signature(*op, dtype).is_some() && !self.insts.contains_key(&(op.name().to_string(), dtype)) {
                    missing.push(format!("{} {dtype}", op.name()));
                }
            }
        }
        missing
    }

    fn count(&mut self, program: &Program) {
        self.programs += 1;
        for body in &program.loops {
            self.loops += 1;
            for (value, inst) in body.iter() {
                let name = match inst {
                    Inst::Op(op, _) => op.name().to_string(),
                    Inst::Call(callee, _) => format!("call {}", callee.name),
                    other => other.to_string().split(' ').next().unwrap().to_string(),
                };
                let dtype = body.dtype(*inst.args().first().unwrap_or(&value));
                *self.insts.entry((name, dtype)).or_default() += 1;
            }
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.insts.values().sum();
        writeln!(f, "{} programs, {} loops, {total} instructions", self.programs, self.loops)?;
        let mut by_name: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
        for ((name, dtype), count) in &self.insts {
            let (sum, each) = by_name.entry(name).or_default();
            *sum += count;
            each.push(format!("{} {count}", dtype.code()));
        }
        for (name, (sum, each)) in by_name {
            writeln!(f, "  {name:14} {sum:7}  ({})", each.join(", "))?;
        }
        Ok(())
    }
}

/// The types of a primitive's arguments and result, where `dtype` is that of the first. A
/// conversion's result and the arms of a selection may be of any type; bool stands for both.
fn signature(op: Op, dtype: DType) -> Option<(Vec<DType>, DType)> {
    let args = vec![dtype; op.arity()];
    [dtype, DType::Bool].into_iter().find(|result| accepts(op, &args, *result)).map(|result| (args, result))
}

impl Generator {
    /// A generator of everything.
    pub(crate) fn new() -> Generator {
        Generator::of(Shape::default())
    }

    pub(crate) fn of(shape: Shape) -> Generator {
        Generator { random: Random::new(), shape, statistics: Statistics::default(), callees: callees() }
    }

    /// A well-formed program.
    pub(crate) fn program(&mut self) -> Program {
        let mut program = Program::default();
        for number in 0..1 + self.random.below(5) as u32 {
            self.operand(&mut program, Role::Argument(number));
        }
        for number in 0..1 + self.random.below(4) as u32 {
            let roles = [Role::Target(100 + number), Role::Output(number), Role::Hidden(number)];
            let role = *self.random.choose(&roles);
            self.operand(&mut program, role);
        }
        if self.shape.guards {
            let bounds = GuardKind::OutOfBounds(DType::I8, OperandId(0));
            let kinds = [GuardKind::ZeroDivision, GuardKind::Overflow, GuardKind::NegativePower, bounds];
            for number in 0..self.random.below(4) {
                let kind = self.random.choose(&kinds).clone();
                program.guards.push(Guard { kind, span: Span::new(number, number + 1) });
            }
        }
        let mut stored = vec![false; program.operands.len()];
        for _ in 0..1 + self.random.below(self.shape.loops) {
            let mut body = self.body(&program, &mut stored);
            self.store_unused(&mut program, &mut body);
            stored.resize(program.operands.len(), true);
            program.loops.push(body);
        }
        self.statistics.count(&program);
        program
    }

    /// An element for each operand.
    pub(crate) fn elements(&mut self, program: &Program) -> Vec<Scalar> {
        program.operands.iter().map(|operand| self.random.scalar(operand.dtype)).collect()
    }

    fn operand(&mut self, program: &mut Program, role: Role) {
        let name = format!("x{}", program.operands.len()).into();
        program.operands.push(Operand { name, dtype: *self.random.choose(&self.shape.dtypes), role, offset: 0 });
    }

    fn body(&mut self, program: &Program, stored: &mut [bool]) -> Loop {
        let mut body = Loop::default();
        for (id, operand) in operands(program) {
            // An output's memory holds nothing before it is stored.
            let defined = matches!(operand.role, Role::Argument(_) | Role::Target(_)) || stored[id.0 as usize];
            if defined && self.random.chance(75) {
                body.push(Inst::Load(id), Some(operand.dtype));
            }
        }
        for _ in 0..1 + self.random.below(self.shape.insts) {
            match self.random.below(20) {
                0 if self.shape.calls => {
                    let callee = self.random.choose(&self.callees).clone();
                    let args = callee.params.iter().map(|dtype| self.value(&mut body, *dtype)).collect();
                    let result = callee.result;
                    body.push(Inst::Call(callee, args), Some(result));
                }
                1 if !program.guards.is_empty() => {
                    // Most conditions hold, or little of a program would run.
                    let condition = self.value(&mut body, DType::Bool);
                    let condition = if self.random.chance(80) {
                        let args = [DType::Bool; 2].map(|dtype| self.value(&mut body, dtype));
                        let equal = body.push(Inst::Op(Op::Eq, Args::new(&args)), Some(DType::Bool));
                        let different = body.push(Inst::Op(Op::Ne, Args::new(&args)), Some(DType::Bool));
                        body.push(Inst::Op(Op::Or, Args::new(&[equal, different])), Some(DType::Bool))
                    } else {
                        condition
                    };
                    let guard = GuardId(self.random.below(program.guards.len()) as u32);
                    body.push(Inst::Guard(condition, guard), None);
                }
                _ => self.primitive(&mut body),
            }
        }
        let mut values = Vec::new();
        for (id, operand) in operands(program) {
            if operand.role.is_written() && self.random.chance(80) {
                values.push((id, self.value(&mut body, operand.dtype)));
            }
        }
        for (id, value) in values {
            stored[id.0 as usize] = true;
            body.push(Inst::Store(id, value), None);
        }
        body
    }

    /// Gives most of what nothing uses an output of its own, so that it is looked at.
    fn store_unused(&mut self, program: &mut Program, body: &mut Loop) {
        let mut used = vec![false; body.insts.len()];
        body.insts.iter().flat_map(Inst::args).for_each(|arg| used[arg.0 as usize] = true);
        for index in (0..used.len()).filter(|index| !used[*index]) {
            let Some(mut dtype) = body.types[index].filter(|_| self.random.chance(75)) else { continue };
            let mut value = Value(index as u32);
            if !self.shape.dtypes.contains(&dtype) {
                dtype = *self.random.choose(&self.shape.dtypes);
                value = body.push(Inst::Op(Op::Convert, Args::new(&[value])), Some(dtype));
            }
            let id = OperandId(program.operands.len() as u32);
            let name = format!("x{}", id.0).into();
            program.operands.push(Operand { name, dtype, role: Role::Output(200 + id.0), offset: 0 });
            body.push(Inst::Store(id, value), None);
        }
    }

    fn primitive(&mut self, body: &mut Loop) {
        let (op, dtype) = loop {
            let op = *self.random.choose(Op::ALL);
            let types: Vec<DType> =
                self.shape.dtypes.iter().copied().filter(|dtype| signature(op, *dtype).is_some()).collect();
            if !types.is_empty() {
                break (op, *self.random.choose(&types));
            }
        };
        let (mut types, mut result) = signature(op, dtype).expect("one of its types");
        let any = *self.random.choose(&self.shape.dtypes);
        match op {
            Op::Select => (types, result) = (vec![DType::Bool, any, any], any),
            Op::Convert => result = any,
            _ => {}
        }
        let mut args: Vec<Value> = types.iter().map(|dtype| self.value(body, *dtype)).collect();
        if args.len() == 2 && self.random.chance(3) {
            args[1] = args[0];
        }
        if op == Op::CopySign {
            args[1] = self.not_nan(body, args[1], dtype);
        }
        body.push(Inst::Op(op, Args::new(&args)), Some(result));
    }

    /// The value, or 1 where it is NaN: a NaN's sign is nobody's business.
    fn not_nan(&mut self, body: &mut Loop, value: Value, dtype: DType) -> Value {
        let one = body.push(Inst::Const(Scalar::of(dtype, 1.0)), Some(dtype));
        let is_number = body.push(Inst::Op(Op::Eq, Args::new(&[value, value])), Some(DType::Bool));
        body.push(Inst::Op(Op::Select, Args::new(&[is_number, value, one])), Some(dtype))
    }

    /// A value of the type: most often one that the loop has, else a constant or a conversion.
    fn value(&mut self, body: &mut Loop, dtype: DType) -> Value {
        let mut used = vec![false; body.insts.len()];
        body.insts.iter().flat_map(Inst::args).for_each(|arg| used[arg.0 as usize] = true);
        let values = || (0..body.insts.len()).filter(|index| body.types[*index].is_some());
        let value = |index: &usize| Value(*index as u32);
        let has: Vec<usize> = values().filter(|index| body.types[*index] == Some(dtype)).collect();
        let unused: Vec<usize> = has.iter().copied().filter(|index| !used[*index]).collect();
        let others: Vec<usize> = values().filter(|index| !used[*index]).collect();
        match self.random.below(20) {
            // Unused values most often, or much of a program would be for nothing.
            0..=9 if !unused.is_empty() => value(self.random.choose(&unused)),
            0..=13 if !has.is_empty() => value(self.random.choose(&has)),
            0..=17 if !others.is_empty() => {
                let value = value(self.random.choose(&others));
                body.push(Inst::Op(Op::Convert, Args::new(&[value])), Some(dtype))
            }
            _ => body.push(Inst::Const(self.random.scalar(dtype)), Some(dtype)),
        }
    }
}

fn operands(program: &Program) -> impl Iterator<Item = (OperandId, &Operand)> {
    program.operands.iter().enumerate().map(|(index, operand)| (OperandId(index as u32), operand))
}

/// An element of each operand.
#[derive(Clone, Debug)]
pub(crate) struct Elements(pub Vec<Scalar>);

impl Memory for Elements {
    fn load(&self, operand: OperandId) -> Scalar {
        self.0[operand.0 as usize]
    }

    fn store(&mut self, operand: OperandId, value: Scalar) {
        self.0[operand.0 as usize] = value;
    }
}

/// Runs all loops on one lane: the elements afterwards, and the guard that failed.
pub(crate) fn run(program: &Program, elements: &[Scalar]) -> (Vec<Scalar>, Option<GuardId>) {
    let mut elements = Elements(elements.to_vec());
    let end = program.loops.iter().try_for_each(|body| interp::run_lane(body, &mut elements));
    (elements.0, end.err())
}

/// Are two elements the same bits, or both NaN?
pub(crate) fn same(a: Scalar, b: Scalar) -> bool {
    let nan = |s: Scalar| s.dtype.is_float() && s.as_f64().is_nan();
    a == b || a.dtype == b.dtype && nan(a) && nan(b)
}
