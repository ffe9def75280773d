//! The passes over the typed program, as a list.
//!
//! A pass keeps every bit of every result (any NaN equals any NaN), unless [`FastMath`] lets it do
//! otherwise. The one exception is `powers`: products replace a function that is not exact itself.
//! Each is one walk over the instructions of each loop, without recursion.

mod approximate;
mod contract;
mod cse;
mod dce;
mod fold;
mod powers;

use crate::dtype::DType;
use crate::ir::{Inst, Loop, Op, Program, Value, verify};

/// What results may depart from strict IEEE arithmetic in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FastMath {
    /// `a * b + c` may be rounded once.
    pub contract: bool,
    /// Functions may be wrong by up to four units in the last place: powers that `powers` multiplies,
    /// functions that `approximate` replaces.
    pub afn: bool,
}

/// What the passes may do and which of them run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// The departures from strict arithmetic that are allowed.
    pub fastmath: FastMath,
    /// The names of passes that don't run.
    pub disabled: Vec<String>,
}

/// A pass.
pub struct Pass {
    /// The name by which it is disabled.
    pub name: &'static str,
    /// What it does, in a line.
    pub description: &'static str,
    /// The pass: takes and leaves a well-formed program.
    pub run: fn(&mut Program, &Options),
}

/// Every pass, in order.
pub const PASSES: &[Pass] = &[
    // First, since it makes instructions alike and unused.
    Pass { name: "fold", description: "evaluate constants, apply exact identities", run: fold::run },
    // Before values are merged: powers of one base share products.
    Pass { name: "powers", description: "multiply for small whole powers", run: powers::run },
    // After powers, which know a function by its callee.
    Pass { name: "approximate", description: "call approximate functions, where allowed", run: approximate::run },
    // Before contraction, which looks for products that are used once: a product that two sums
    // share must be seen as one.
    Pass { name: "cse", description: "compute what is the same once", run: cse::run },
    Pass { name: "contract", description: "round products and their sums once, where allowed", run: contract::run },
    // Last, since the others leave behind what they replaced.
    Pass { name: "dce", description: "drop what nothing uses", run: dce::run },
];

/// The passes that run under the given options, in order.
pub fn enabled(options: &Options) -> impl Iterator<Item = &'static Pass> {
    PASSES.iter().filter(|pass| !options.disabled.iter().any(|name| name == pass.name))
}

/// Runs the passes.
///
/// # Panics
/// In debug builds, if a pass leaves a program that is not well formed.
pub fn optimise(program: &mut Program, options: &Options) {
    for pass in enabled(options) {
        (pass.run)(program, options);
        if cfg!(debug_assertions) {
            verify::verify(program).unwrap_or_else(|error| panic!("after {}: {error}\n{program}", pass.name));
        }
    }
}

/// Builds a loop anew, instruction by instruction. `step` gets the new loop as far as it is, the
/// old number of the instruction, and the instruction with its arguments already renamed; it
/// appends what it likes and says which value of the new loop stands for the old one, which may
/// be none if nothing uses it.
fn rebuild(body: &mut Loop, mut step: impl FnMut(&mut Loop, Value, Inst, Option<DType>) -> Option<Value>) {
    let old = std::mem::take(body);
    body.insts.reserve(old.insts.len());
    body.types.reserve(old.insts.len());
    let mut renamed: Vec<Option<Value>> = Vec::with_capacity(old.insts.len());
    for (index, (mut inst, dtype)) in old.insts.into_iter().zip(old.types).enumerate() {
        for arg in inst.args_mut() {
            *arg = renamed[arg.0 as usize].expect("arguments have values");
        }
        renamed.push(step(body, Value(index as u32), inst, dtype));
    }
}

/// The primitive that gives the same for the two arguments exchanged.
///
/// `min` and its kind have none: they choose the first of two equal zeros.
fn mirrored(op: Op) -> Option<Op> {
    match op {
        Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne | Op::AddOverflows | Op::MulOverflows => {
            Some(op)
        }
        Op::Lt => Some(Op::Gt),
        Op::Gt => Some(Op::Lt),
        Op::Le => Some(Op::Ge),
        Op::Ge => Some(Op::Le),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Args, Callee, CalleeFn, Operand, OperandId, Role, parse::parse};
    use std::sync::Arc;

    extern "C" fn half(x: f64) -> f64 {
        x / 2.0
    }

    /// A program of one loop, whose instructions are separated by `; `.
    fn program(body: &str) -> Program {
        let text = format!(
            "program {{\n a0: float64 argument 0 \"x\"\n a1: float64 argument 1 \"y\"\n a2: int32 argument 2 \"i\"\n \
             a3: bool argument 3 \"b\"\n a4: float64 output 0 \"f\"\n a5: int32 output 1 \"j\"\n \
             a6: bool output 2 \"c\"\n a7: uint32 argument 4 \"u\"\n a8: float32 argument 5 \"s\"\n \
             g0: overflow 0..1\n g1: overflow 1..2\n loop {{\n{}\n}}\n}}",
            body.replace("; ", "\n")
        );
        let half = Arc::<Callee>::new((half as extern "C" fn(f64) -> f64).callee("half"));
        parse(&text, &|name, _, _| (name == "half").then(|| half.clone())).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// The instructions of the program's loop after some passes.
    fn after(mut program: Program, passes: &[&str], options: &Options) -> Vec<String> {
        for name in passes {
            verify::verify(&program).unwrap_or_else(|error| panic!("before {name}: {error}\n{program}"));
            (PASSES.iter().find(|pass| pass.name == *name).unwrap().run)(&mut program, options);
        }
        verify::verify(&program).unwrap_or_else(|error| panic!("{error}\n{program}"));
        let text = program.loops[0].to_string();
        text.lines().map(str::trim).filter(|line| !["loop {", "}"].contains(line)).map(String::from).collect()
    }

    fn lines(text: &str) -> Vec<&str> {
        text.split("; ").filter(|line| !line.is_empty()).collect()
    }

    /// What passes make of a loop's instructions.
    #[track_caller]
    pub(super) fn check(passes: &[&str], options: &Options, before: &str, expected: &str) {
        assert_eq!(after(program(before), passes, options), lines(expected), "{passes:?} of {before}");
    }

    /// What folding leaves of what the last value needs.
    #[track_caller]
    pub(super) fn check_folded(before: &str, expected: &str) {
        let mut program = program(before);
        let last = Value(program.loops[0].insts.len() as u32 - 1);
        let operand = OperandId(program.operands.len() as u32);
        let dtype = program.loops[0].dtype(last);
        program.operands.push(Operand { name: "".into(), dtype, role: Role::Output(9), offset: 0 });
        program.loops[0].push(Inst::Store(operand, last), None);
        let mut left = after(program, &["fold", "dce"], &Options::default());
        assert!(left.pop().is_some_and(|line| line.starts_with("store")));
        assert_eq!(left, lines(expected), "{before}");
    }

    #[test]
    fn passes_can_be_disabled() {
        let length = |disabled: &[&str]| {
            let text = "v0: float64 = load a0; v1: float64 = const 1.0; v2: float64 = mul v0, v1; store a4, v2";
            let mut program = program(text);
            let disabled = disabled.iter().map(|name| name.to_string()).collect();
            optimise(&mut program, &Options { disabled, ..Options::default() });
            program.loops[0].insts.len()
        };
        assert_eq!(length(&[]), 2);
        assert_eq!(length(&["dce"]), 3, "the constant is unused");
        assert_eq!(length(&["fold"]), 4);
    }

    /// Longer than the limits on a text allow, each instruction used by the next.
    #[test]
    fn long_chains_are_flat_work() {
        let mut program = program("v0: float64 = load a0; v1: float64 = const 3.0");
        let body = &mut program.loops[0];
        let (x, c) = (Value(0), Value(1));
        let mut last = x;
        for _ in 0..200_000 {
            last = body.push(Inst::Op(Op::Mul, Args::new(&[last, c])), Some(DType::F64));
            last = body.push(Inst::Op(Op::Add, Args::new(&[last, x])), Some(DType::F64));
        }
        body.push(Inst::Store(OperandId(4), last), None);
        optimise(
            &mut program,
            &Options { fastmath: FastMath { contract: true, ..FastMath::default() }, ..Options::default() },
        );
        assert_eq!(program.loops[0].insts.len(), 200_003);
    }
}
