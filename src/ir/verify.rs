//! What is well formed. Every pass and both ends of the Ir may rely on it.

use super::{Guard, GuardKind, Inst, Op, OperandId, Program, Role, TypeRule, Value};
use crate::dtype::DType;
use std::fmt::Display;

/// Checks a program; the error says the first thing that is wrong, and where.
pub fn verify(program: &Program) -> Result<(), String> {
    for (index, guard) in program.guards.iter().enumerate() {
        if let Guard { kind: GuardKind::OutOfBounds(_, operand), .. } = guard {
            operand_type(program, *operand).map_err(|e| format!("g{index}: {e}"))?;
        }
    }
    // The loop that last stored to each operand, counted from 1.
    let mut stored_by = vec![0; program.operands.len()];
    for index in 0..program.loops.len() {
        verify_loop(program, index, &mut stored_by).map_err(|e| format!("loop {index}: {e}"))?;
    }
    Ok(())
}

fn verify_loop(program: &Program, index: usize, stored_by: &mut [usize]) -> Result<(), String> {
    let body = &program.loops[index];
    if body.insts.len() != body.types.len() {
        return Err(format!("{} instructions, {} types", body.insts.len(), body.types.len()));
    }
    let mut stored = false;
    let mut args = Vec::new();
    for (value, inst) in body.iter() {
        let dtype = body.types[value.0 as usize];
        let at = |message: &dyn Display| format!("{value}, `{inst}`: {message}");
        args.clear();
        for arg in inst.args() {
            args.push(earlier_type(&body.types, value, *arg).map_err(|e| at(&e))?);
        }
        let wrong = match inst {
            Inst::Const(scalar) => wrong_type(dtype, scalar.dtype),
            Inst::Load(_) if stored => Some("a load after a store".into()),
            Inst::Load(operand) => wrong_type(dtype, operand_type(program, *operand).map_err(|e| at(&e))?),
            Inst::Op(op, _) if args.len() != op.arity() => {
                Some(format!("takes {} arguments, not {}", op.arity(), args.len()))
            }
            Inst::Op(op, _) => match dtype {
                None => Some("no type".into()),
                Some(dtype) if accepts(*op, &args, dtype) => None,
                Some(dtype) => Some(format!("not for {} giving {dtype}", names(&args))),
            },
            Inst::Call(callee, _) if args != callee.params => {
                Some(format!("takes {}, not {}", names(&callee.params), names(&args)))
            }
            Inst::Call(callee, _) => wrong_type(dtype, callee.result),
            Inst::Guard(_, guard) if guard.0 as usize >= program.guards.len() => Some(format!("no guard {guard}")),
            Inst::Guard(..) if args[0] != DType::Bool => Some(format!("a condition of type {}", args[0])),
            Inst::Guard(..) => dtype.map(|_| "a type without a value".into()),
            Inst::Store(operand, _) | Inst::Reduce(_, operand, _) => {
                let element = operand_type(program, *operand).map_err(|e| at(&e))?;
                let number = operand.0 as usize;
                stored = true;
                if std::mem::replace(&mut stored_by[number], index + 1) == index + 1 {
                    Some("a second store".into())
                } else if !program.operands[number].role.is_written() {
                    Some("a store to an argument that is only read".into())
                } else if let Inst::Reduce(fold, ..) = inst
                    && !(fold.accepts(element) && matches!(program.operands[number].role, Role::Hidden(_)))
                {
                    Some(format!("no fold of {element} into this operand"))
                } else if let Inst::Reduce(fold, ..) = inst
                    && args.len() != fold.parts()
                {
                    Some(format!("{} values to fold by {}", args.len(), fold.name()))
                } else if let Some(other) = args.iter().find(|arg| **arg != element) {
                    Some(format!("{other} stored as {element}"))
                } else {
                    dtype.map(|_| "a type without a value".into())
                }
            }
        };
        if let Some(message) = wrong {
            return Err(at(&message));
        }
    }
    Ok(())
}

/// May a primitive take values of the given types, as many as its arity, and give `result`?
pub fn accepts(op: Op, args: &[DType], result: DType) -> bool {
    let number = |d: DType| d != DType::Bool;
    let first = args[0];
    let alike = args.iter().all(|d| *d == first);
    match op.rule() {
        TypeRule::Float => alike && first.is_float() && result == first,
        TypeRule::Number => alike && number(first) && result == first,
        TypeRule::Int => alike && first.is_int() && result == first,
        TypeRule::Bits => alike && !first.is_float() && result == first,
        TypeRule::Compare => alike && number(first) && result == DType::Bool,
        TypeRule::Equal => alike && result == DType::Bool,
        TypeRule::Select => first == DType::Bool && args[1] == args[2] && result == args[1],
        TypeRule::Overflow => alike && first == DType::I64 && result == DType::Bool,
        TypeRule::Convert => true,
    }
}

fn earlier_type(types: &[Option<DType>], value: Value, arg: Value) -> Result<DType, String> {
    if arg >= value {
        return Err(format!("{arg} is not defined before it"));
    }
    types[arg.0 as usize].ok_or_else(|| format!("{arg} has no value"))
}

fn operand_type(program: &Program, operand: OperandId) -> Result<DType, String> {
    let operand_found = program.operands.get(operand.0 as usize);
    operand_found.map(|o| o.dtype).ok_or_else(|| format!("no operand {operand}"))
}

fn wrong_type(recorded: Option<DType>, actual: DType) -> Option<String> {
    match recorded {
        Some(recorded) if recorded == actual => None,
        Some(recorded) => Some(format!("recorded as {recorded}, but is {actual}")),
        None => Some("no type".into()),
    }
}

fn names(dtypes: &[DType]) -> String {
    let names: Vec<&str> = dtypes.iter().map(|d| d.name()).collect();
    format!("({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;
    use crate::ir::{Callee, CalleeFn, parse::parse};
    use std::sync::Arc;

    extern "C" fn half(x: f64) -> f64 {
        x / 2.0
    }

    /// A function whatever the types are, so that calls can be wrong.
    fn resolve(_: &str, _: &[DType], _: DType) -> Option<Arc<Callee>> {
        Some(Arc::new((half as extern "C" fn(f64) -> f64).callee("half")))
    }

    fn program(body: &str) -> Program {
        let text = format!(
            "program {{\n a0: float64 argument 0 \"x\"\n a1: float64 output 0 \"y\"\n a2: bool hidden 0 \"h\"\n \
             g0: overflow 0..1\n loop {{\n{}\n}}\n}}",
            body.replace("; ", "\n")
        );
        parse(&text, &resolve).unwrap()
    }

    #[test]
    fn broken_programs_are_rejected() {
        for (body, message) in [
            ("v0: float64 = neg v0", "v0, `neg v0`: v0 is not defined before it"),
            ("v0: float64 = neg v7", "v0, `neg v7`: v7 is not defined before it"),
            ("v0: float64 = load a0; store a1, v0; v2: float64 = neg v1", "v2, `neg v1`: v1 has no value"),
            ("v0: float64 = load a0; v1: float64 = add v0", "v1, `add v0`: takes 2 arguments, not 1"),
            ("v0: float64 = load a0; v1 = neg v0", "v1, `neg v0`: no type"),
            ("v0 = load a0", "v0, `load a0`: no type"),
            ("v0: float32 = load a0", "v0, `load a0`: recorded as float32, but is float64"),
            ("v0: float64 = load a9", "v0, `load a9`: no operand a9"),
            ("v0: float64 = load a0; v1: float32 = neg v0", "v1, `neg v0`: not for (float64) giving float32"),
            (
                "v0: float64 = load a0; v1: int8 = const 1; v2: float64 = add v0, v1",
                "v2, `add v0, v1`: not for (float64, int8) giving float64",
            ),
            ("v0: float64 = load a0; v1: float64 = not v0", "v1, `not v0`: not for (float64) giving float64"),
            ("v0: int8 = const 1; v1: int8 = sqrt v0", "v1, `sqrt v0`: not for (int8) giving int8"),
            ("v0: bool = const true; v1: bool = neg v0", "v1, `neg v0`: not for (bool) giving bool"),
            ("v0: bool = const true; v1: bool = lt v0, v0", "v1, `lt v0, v0`: not for (bool, bool) giving bool"),
            ("v0: bool = const true; v1: bool = shl v0, v0", "v1, `shl v0, v0`: not for (bool, bool) giving bool"),
            (
                "v0: int32 = const 1; v1: bool = add_overflows v0, v0",
                "v1, `add_overflows v0, v0`: not for (int32, int32) giving bool",
            ),
            (
                "v0: float64 = load a0; v1: float64 = select v0, v0, v0",
                "v1, `select v0, v0, v0`: not for (float64, float64, float64) giving float64",
            ),
            (
                "v0: float32 = const 1.0; v1: float64 = call \"half\"(v0)",
                "v1, `call \"half\"(v0)`: takes (float64), not (float32)",
            ),
            (
                "v0: float64 = load a0; v1: float32 = call \"half\"(v0)",
                "v1, `call \"half\"(v0)`: recorded as float32, but is float64",
            ),
            ("v0: float64 = load a0; guard v0, g0", "v1, `guard v0, g0`: a condition of type float64"),
            ("v0: bool = const true; guard v0, g1", "v1, `guard v0, g1`: no guard g1"),
            ("v0: bool = const true; v1: bool = guard v0, g0", "v1, `guard v0, g0`: a type without a value"),
            ("v0: float64 = load a0; v1: float64 = store a1, v0", "v1, `store a1, v0`: a type without a value"),
            ("v0: float64 = load a0; store a0, v0", "v1, `store a0, v0`: a store to an argument that is only read"),
            ("v0: float64 = load a0; store a2, v0", "v1, `store a2, v0`: float64 stored as bool"),
            ("v0: float64 = load a0; store a7, v0", "v1, `store a7, v0`: no operand a7"),
            (
                "v0: float64 = load a0; reduce add a1, v0",
                "v1, `reduce add a1, v0`: no fold of float64 into this operand",
            ),
            ("v0: bool = const true; reduce add a2, v0", "v1, `reduce add a2, v0`: no fold of bool into this operand"),
            ("v0: float64 = load a0; reduce and a2, v0", "v1, `reduce and a2, v0`: float64 stored as bool"),
            ("v0: bool = const true; reduce or a2, v0; store a2, v0", "v2, `store a2, v0`: a second store"),
            ("v0: float64 = load a0; store a1, v0; store a1, v0", "v2, `store a1, v0`: a second store"),
            ("v0: float64 = load a0; store a1, v0; v2: float64 = load a0", "v2, `load a0`: a load after a store"),
        ] {
            assert_eq!(verify(&program(body)), Err(format!("loop 0: {message}")), "{body}");
        }
    }

    #[test]
    fn what_has_no_text_form_is_rejected() {
        let good = program("v0: float64 = load a0; v1: float64 = const 1.0; store a1, v0");
        assert_eq!(verify(&good), Ok(()));
        let mut broken = good.clone();
        broken.loops[0].types.pop();
        assert_eq!(verify(&broken), Err("loop 0: 3 instructions, 2 types".into()));
        let mut broken = good.clone();
        broken.loops[0].insts[1] = Inst::Const(Scalar::f32(1.0));
        assert_eq!(verify(&broken), Err("loop 0: v1, `const 1.0`: recorded as float64, but is float32".into()));
        let mut broken = good.clone();
        broken.guards[0].kind = GuardKind::OutOfBounds(DType::I8, OperandId(3));
        assert_eq!(verify(&broken), Err("g0: no operand a3".into()));
        let mut twice = good.clone();
        twice.loops.push(good.loops[0].clone());
        assert_eq!(verify(&twice), Ok(()), "each loop may store once");
    }
}
