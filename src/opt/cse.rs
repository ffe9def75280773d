//! Global value numbering: within a loop, what is the same is computed once.

use super::{Options, mirrored, rebuild};
use crate::dtype::{DType, Scalar};
use crate::ir::{Args, Inst, Loop, Op, OperandId, Program, Value};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::HashMap;

/// What makes two instructions the same.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Const(Scalar),
    /// All loads stand before the first store, so that an operand loads the same value each time.
    Load(OperandId),
    /// The type, since a conversion's is not in its arguments.
    Op(Op, Args, Option<DType>),
    /// A pure function's identity and name.
    Call((usize, usize), Cow<'static, str>, SmallVec<[Value; 4]>),
    /// A condition that has been guarded holds from there on, whatever the error.
    Guard(Value),
}

pub(super) fn run(program: &mut Program, _: &Options) {
    for body in &mut program.loops {
        number(body);
    }
}

fn number(body: &mut Loop) {
    // The standard hasher is keyed: a hostile text can't make the keys collide.
    let mut known: HashMap<Key, Option<Value>> = HashMap::with_capacity(body.insts.len());
    rebuild(body, |new, _, inst, dtype| {
        let key = match &inst {
            Inst::Const(scalar) => Key::Const(*scalar),
            Inst::Load(operand) => Key::Load(*operand),
            Inst::Op(op, args) => {
                let (op, args) = in_order(*op, *args);
                Key::Op(op, args, dtype)
            }
            Inst::Call(callee, _) if !callee.effects.pure => return Some(new.push(inst, dtype)),
            Inst::Call(callee, args) => Key::Call(callee.identity(), callee.name.clone(), SmallVec::from_slice(args)),
            Inst::Guard(condition, _) => Key::Guard(*condition),
            Inst::Store(..) | Inst::Reduce(..) => {
                new.push(inst, dtype);
                return None;
            }
        };
        *known.entry(key).or_insert_with(|| {
            let has_value = inst.has_value();
            let value = new.push(inst, dtype);
            has_value.then_some(value)
        })
    });
}

/// One of the ways to write an operation whose first two arguments can be exchanged.
fn in_order(op: Op, mut args: Args) -> (Op, Args) {
    let exchanged = if op == Op::Fma { Some(op) } else { mirrored(op) };
    match exchanged {
        Some(exchanged) if args[0] > args[1] => {
            args.swap(0, 1);
            (exchanged, args)
        }
        _ => (op, args),
    }
}

#[cfg(test)]
mod tests {
    use crate::opt::{Options, tests::check};

    #[test]
    fn before_and_after() {
        for (before, after) in [
            ("v0: float64 = load a0; v1: float64 = load a0; store a4, v1", "v0: float64 = load a0; store a4, v0"),
            (
                "v0: float64 = const 0.0; v1: float64 = const -0.0; v2: float64 = const 0.0; store a4, v2",
                "v0: float64 = const 0.0; v1: float64 = const -0.0; store a4, v0",
            ),
            // Sums and products in either order; comparisons by their mirror image.
            (
                "v0: float64 = load a0; v1: float64 = load a1; v2: float64 = add v0, v1; v3: float64 = add v1, v0; \
                 v4: float64 = mul v2, v3; store a4, v4",
                "v0: float64 = load a0; v1: float64 = load a1; v2: float64 = add v0, v1; v3: float64 = mul v2, v2; \
                 store a4, v3",
            ),
            (
                "v0: float64 = load a0; v1: float64 = load a1; v2: bool = lt v0, v1; v3: bool = gt v1, v0; \
                 v4: bool = and v2, v3; store a6, v4",
                "v0: float64 = load a0; v1: float64 = load a1; v2: bool = lt v0, v1; v3: bool = and v2, v2; \
                 store a6, v3",
            ),
            // The first of two equal operands is min's value: -0.0 and 0.0 are equal, but not the same.
            (
                "v0: float64 = load a0; v1: float64 = load a1; v2: float64 = min v0, v1; v3: float64 = min v1, v0; \
                 v4: float64 = sub v2, v3; store a4, v4",
                "v0: float64 = load a0; v1: float64 = load a1; v2: float64 = min v0, v1; v3: float64 = min v1, v0; \
                 v4: float64 = sub v2, v3; store a4, v4",
            ),
            // A conversion's type is part of it.
            (
                "v0: float64 = load a0; v1: int32 = convert v0; v2: float32 = convert v0; v3: int32 = convert v0; \
                 v4: float64 = convert v2; store a5, v3; store a4, v4",
                "v0: float64 = load a0; v1: int32 = convert v0; v2: float32 = convert v0; v3: float64 = convert v2; \
                 store a5, v1; store a4, v3",
            ),
            (
                "v0: float64 = load a0; v1: float64 = call \"half\"(v0); v2: float64 = call \"half\"(v0); \
                 v3: float64 = add v1, v2; store a4, v3",
                "v0: float64 = load a0; v1: float64 = call \"half\"(v0); v2: float64 = add v1, v1; store a4, v2",
            ),
            // The first guard of a condition decides.
            (
                "v0: bool = load a3; guard v0, g1; v2: bool = load a3; guard v2, g0; store a6, v2",
                "v0: bool = load a3; guard v0, g1; store a6, v0",
            ),
        ] {
            check(&["cse"], &Options::default(), before, after);
        }
    }
}
