//! Constants are evaluated by the interpreter, and identities applied that hold for every input,
//! bit for bit (any NaN equals any NaN).
//!
//! What looks like an identity and isn't: `x + 0.0` and `0.0 - x` (of zeros), `x * 0.0`, `x - x`
//! and `x == x` (of NaN), the negation of a float's `<`.

use super::{Options, mirrored, rebuild};
use crate::dtype::{Casting, DType, Scalar};
use crate::interp;
use crate::ir::{Args, Effects, Inst, Loop, Op, Program, Value};
use smallvec::SmallVec;

pub(super) fn run(program: &mut Program, _: &Options) {
    for body in &mut program.loops {
        rebuild(body, |new, _, inst, dtype| match (&inst, dtype) {
            (Inst::Guard(condition, _), _) if constant(new, *condition) == Some(Scalar::bool(true)) => None,
            (Inst::Op(op, args), Some(dtype)) => Some(fold_op(new, *op, *args, dtype)),
            (Inst::Call(callee, args), _) if callee.effects == Effects::NONE => {
                let value = constants(new, args).and_then(|args| callee.call(&args));
                Some(match value {
                    Some(value) => push_constant(new, value),
                    None => new.push(inst, dtype),
                })
            }
            _ => Some(new.push(inst, dtype)),
        });
    }
}

fn constant(body: &Loop, value: Value) -> Option<Scalar> {
    match body[value] {
        Inst::Const(scalar) => Some(scalar),
        _ => None,
    }
}

fn constants(body: &Loop, values: &[Value]) -> Option<SmallVec<[Scalar; 4]>> {
    values.iter().map(|value| constant(body, *value)).collect()
}

fn push_constant(body: &mut Loop, scalar: Scalar) -> Value {
    body.push(Inst::Const(scalar), Some(scalar.dtype))
}

fn fold_op(body: &mut Loop, op: Op, args: Args, dtype: DType) -> Value {
    if let Some(args) = constants(body, &args) {
        return push_constant(body, interp::op(op, &args, dtype));
    }
    let (op, args) = constant_last(body, op, args);
    let (op, args) = match simpler(body, op, &args, dtype) {
        None => (op, args),
        Some(Simpler::Value(value)) => return value,
        Some(Simpler::Const(scalar)) => return push_constant(body, scalar),
        Some(Simpler::Op(op, args)) => (op, args),
        Some(Simpler::WithConst(op, arg, scalar)) => {
            let scalar = push_constant(body, scalar);
            (op, Args::new(&[arg, scalar]))
        }
    };
    body.push(Inst::Op(op, args), Some(dtype))
}

/// Exchanges the arguments so that a constant comes second, where that is the same.
fn constant_last(body: &Loop, op: Op, mut args: Args) -> (Op, Args) {
    match mirrored(op) {
        Some(mirrored) if constant(body, args[0]).is_some() => {
            args.swap(0, 1);
            (mirrored, args)
        }
        _ => (op, args),
    }
}

/// What an operation can be replaced by.
enum Simpler {
    Value(Value),
    Const(Scalar),
    Op(Op, Args),
    /// An operation on a value and a new constant.
    WithConst(Op, Value, Scalar),
}

/// The identities. Where an operation has a mirror image, its first argument is no constant.
fn simpler(body: &Loop, op: Op, args: &[Value], dtype: DType) -> Option<Simpler> {
    use Simpler::{Const, Value as Same, WithConst};
    let (a, b) = (args[0], *args.get(1).unwrap_or(&args[0]));
    let operand = body.dtype(a);
    let float = operand.is_float();
    // Is a value this constant? Zeros of either sign are told apart, but for integers.
    let is = |value, number: f64| constant(body, value) == Some(Scalar::of(operand, number));
    let ones = if operand == DType::Bool { Scalar::bool(true) } else { Scalar::int(operand, -1) };
    let all_ones = |value| constant(body, value) == Some(ones);
    // The argument, where a value is the result of the given operation.
    let inner = |value, op| match &body[value] {
        Inst::Op(inner, args) if *inner == op => Some(args[0]),
        _ => None,
    };
    let unary = |op, a| Some(Simpler::Op(op, Args::new(&[a])));
    let binary = |op, a, b| Some(Simpler::Op(op, Args::new(&[a, b])));
    let zero = Const(Scalar::int(dtype, 0));
    let truth = |holds| Some(Const(Scalar::bool(holds)));
    // The exponent, where b is an integer constant that is a power of two.
    let log2 = || {
        let value = constant(body, b)?.as_int();
        (value > 0 && value & (value - 1) == 0).then(|| i128::from(value.trailing_zeros()))
    };
    match op {
        Op::Neg => inner(a, Op::Neg).map(Same),
        Op::Abs if inner(a, Op::Abs).is_some() || !float && !operand.is_signed() => Some(Same(a)),
        Op::Abs => unary(Op::Abs, inner(a, Op::Neg)?),
        Op::Floor | Op::Ceil | Op::Trunc | Op::Rint => is_integral(body, a).then_some(Same(a)),
        Op::Not => match &body[a] {
            Inst::Op(Op::Not, args) => Some(Same(args[0])),
            Inst::Op(compare, args) => binary(negated(*compare, body.dtype(args[0]))?, args[0], args[1]),
            _ => None,
        },

        Op::Add if is(b, -0.0) => Some(Same(a)),
        Op::Add => match (inner(a, Op::Neg), inner(b, Op::Neg)) {
            (_, Some(y)) => binary(Op::Sub, a, y),
            (Some(x), _) => binary(Op::Sub, b, x),
            _ => None,
        },
        Op::Sub if is(b, 0.0) => Some(Same(a)),
        Op::Sub if a == b && !float => Some(zero),
        Op::Sub if is(a, -0.0) => unary(Op::Neg, b),
        Op::Sub => binary(Op::Add, a, inner(b, Op::Neg)?),
        Op::Mul | Op::Div if is(b, 1.0) => Some(Same(a)),
        Op::Mul | Op::Div if is(b, -1.0) => unary(Op::Neg, a),
        Op::Mul if !float && is(b, 0.0) => Some(zero),
        Op::Div => Some(WithConst(Op::Mul, a, exact_reciprocal(constant(body, b)?)?)),

        Op::FloorDiv | Op::FloorMod | Op::TruncMod if is(b, 0.0) => Some(zero),
        Op::FloorDiv if is(b, 1.0) => Some(Same(a)),
        Op::FloorDiv if operand.is_signed() && is(b, -1.0) => unary(Op::Neg, a),
        Op::FloorMod | Op::TruncMod if is(b, 1.0) || operand.is_signed() && is(b, -1.0) => Some(zero),
        // Shifts and masks round down, for negative numbers too.
        Op::FloorDiv => Some(WithConst(Op::Shr, a, Scalar::int(dtype, log2()?))),
        Op::TruncMod if operand.is_signed() => None,
        Op::FloorMod | Op::TruncMod => Some(WithConst(Op::And, a, Scalar::int(dtype, (1 << log2()?) - 1))),

        Op::And | Op::Or if a == b => Some(Same(a)),
        Op::And if is(b, 0.0) => Some(zero),
        Op::And if all_ones(b) => Some(Same(a)),
        Op::Or if is(b, 0.0) => Some(Same(a)),
        Op::Or if all_ones(b) => Some(Const(ones)),
        Op::Xor if a == b => Some(zero),
        Op::Xor if is(b, 0.0) => Some(Same(a)),
        Op::Xor if all_ones(b) => unary(Op::Not, a),
        Op::Shl | Op::Shr if is(b, 0.0) || is(a, 0.0) => Some(Same(a)),
        Op::Shl => {
            let count = constant(body, b)?.as_int();
            (!(0..i128::from(dtype.bits())).contains(&count)).then_some(zero)
        }

        Op::Min | Op::Max | Op::FMin | Op::FMax | Op::CopySign if a == b => Some(Same(a)),
        Op::CopySign => {
            let positive = constant(body, b)?.bits >> (operand.bits() - 1) == 0;
            if positive { unary(Op::Abs, a) } else { None }
        }

        Op::Eq | Op::Le | Op::Ge if a == b && !float => truth(true),
        Op::Ne | Op::Lt | Op::Gt if a == b && !float => truth(false),
        Op::Eq | Op::Ne if operand == DType::Bool => {
            let other = constant(body, b)?.bits != 0;
            if (op == Op::Eq) == other { Some(Same(a)) } else { unary(Op::Not, a) }
        }

        Op::Select => {
            let (x, y) = (b, args[2]);
            let (yes, no) = (Some(Scalar::bool(true)), Some(Scalar::bool(false)));
            match (constant(body, a), constant(body, x), constant(body, y)) {
                (Some(condition), ..) => Some(Same(if condition.bits != 0 { x } else { y })),
                _ if x == y => Some(Same(x)),
                (_, then, otherwise) if then == yes && otherwise == no => Some(Same(a)),
                (_, then, otherwise) if then == no && otherwise == yes => unary(Op::Not, a),
                _ => Some(Simpler::Op(Op::Select, Args::new(&[inner(a, Op::Not)?, y, x]))),
            }
        }

        Op::AddOverflows | Op::SubOverflows if is(b, 0.0) => truth(false),
        Op::MulOverflows if is(b, 0.0) || is(b, 1.0) => truth(false),

        Op::Convert if operand == dtype => Some(Same(a)),
        Op::Convert => {
            let x = inner(a, Op::Convert)?;
            let from = body.dtype(x);
            match is_detour(from, operand, dtype) {
                true if from == dtype => Some(Same(x)),
                true => unary(Op::Convert, x),
                false => None,
            }
        }
        _ => None,
    }
}

/// Is a float an integer already (or infinite, or NaN)?
fn is_integral(body: &Loop, value: Value) -> bool {
    match &body[value] {
        Inst::Op(Op::Floor | Op::Ceil | Op::Trunc | Op::Rint, _) => true,
        Inst::Op(Op::Convert, args) => !body.dtype(args[0]).is_float(),
        _ => false,
    }
}

/// The comparison that holds where the given one doesn't.
fn negated(compare: Op, operand: DType) -> Option<Op> {
    match compare {
        Op::Eq => Some(Op::Ne),
        Op::Ne => Some(Op::Eq),
        // Of a NaN, neither `<` nor `>=` holds.
        _ if operand.is_float() => None,
        Op::Lt => Some(Op::Ge),
        Op::Le => Some(Op::Gt),
        Op::Gt => Some(Op::Le),
        Op::Ge => Some(Op::Lt),
        _ => None,
    }
}

/// The reciprocal, where multiplying by it is dividing by the number: both are powers of two, so
/// that product and quotient are the same real number, rounded once. Both must be normal, since
/// a reciprocal of a subnormal may overflow.
fn exact_reciprocal(divisor: Scalar) -> Option<Scalar> {
    let value = divisor.as_f64();
    let least = if divisor.dtype == DType::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let greatest = 1.0 / least;
    let significand = value.to_bits() & ((1 << 52) - 1);
    let exact = significand == 0 && (least..=greatest).contains(&value.abs());
    exact.then(|| Scalar::of(divisor.dtype, 1.0 / value))
}

/// Does converting by way of a type give what converting at once gives, for every value?
fn is_detour(from: DType, by: DType, to: DType) -> bool {
    if is_exact(from, by) {
        // A float out of an integer type's range does not wrap as integers do.
        let wraps = !from.is_float() && to.is_int() && !is_exact(from, to);
        return !(by.is_float() && wraps);
    }
    // Bits are cut off twice, or those that have been added are.
    !from.is_float() && by.is_int() && to.is_int() && by.bits() >= to.bits()
}

/// Does a type hold every value of another?
fn is_exact(from: DType, to: DType) -> bool {
    // NumPy calls int64 to float64 safe, though it rounds.
    let rounds = from.is_int() && from.bits() == 64 && to.is_float();
    from.can_cast(to, Casting::Safe) && !rounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::tests::{check, check_folded};

    /// Before and after; the loads stand before both, unless the latter begins anew.
    #[test]
    fn identities() {
        let x = "v0: float64 = load a0";
        let xy = "v0: float64 = load a0; v1: float64 = load a1";
        let i = "v0: int32 = load a2";
        let b = "v0: bool = load a3";
        let u = "v0: uint32 = load a7";
        let s = "v0: float32 = load a8";
        for (loads, before, after) in [
            (x, "v1: float64 = const 1.0; v2: float64 = mul v0, v1", ""),
            (x, "v1: float64 = const 1.0; v2: float64 = mul v1, v0", ""),
            (x, "v1: float64 = const -1.0; v2: float64 = mul v1, v0", "v1: float64 = neg v0"),
            (x, "v1: float64 = const 1.0; v2: float64 = div v0, v1", ""),
            (x, "v1: float64 = const -0.0; v2: float64 = add v0, v1", ""),
            (x, "v1: float64 = const 0.0; v2: float64 = sub v0, v1", ""),
            (x, "v1: float64 = const -0.0; v2: float64 = sub v1, v0", "v1: float64 = neg v0"),
            (x, "v1: float64 = neg v0; v2: float64 = neg v1", ""),
            (x, "v1: float64 = neg v0; v2: float64 = abs v1", "v1: float64 = abs v0"),
            (xy, "v2: float64 = neg v1; v3: float64 = add v0, v2", "v2: float64 = sub v0, v1"),
            (xy, "v2: float64 = neg v0; v3: float64 = add v2, v1", "v2: float64 = sub v1, v0"),
            (xy, "v2: float64 = neg v1; v3: float64 = sub v0, v2", "v2: float64 = add v0, v1"),
            (
                x,
                "v1: float64 = const 4.0; v2: float64 = div v0, v1",
                "v1: float64 = const 0.25; v2: float64 = mul v0, v1",
            ),
            (
                s,
                "v1: float32 = const -0.5; v2: float32 = div v0, v1",
                "v1: float32 = const -2.0; v2: float32 = mul v0, v1",
            ),
            (x, "v1: float64 = floor v0; v2: float64 = rint v1", "v1: float64 = floor v0"),
            (i, "v1: float64 = convert v0; v2: float64 = ceil v1", "v1: float64 = convert v0"),
            (x, "v1: float64 = fmax v0, v0", ""),
            (x, "v1: float64 = const 2.0; v2: float64 = copysign v0, v1", "v1: float64 = abs v0"),
            (x, "v1: float64 = const 2.0; v2: bool = lt v1, v0", "v1: float64 = const 2.0; v2: bool = gt v0, v1"),
            (xy, "v2: bool = eq v0, v1; v3: bool = not v2", "v2: bool = ne v0, v1"),
            (i, "v1: bool = lt v0, v0", "v0: bool = const false"),
            (
                i,
                "v1: int32 = const 3; v2: bool = lt v0, v1; v3: bool = not v2",
                "v1: int32 = const 3; v2: bool = ge v0, v1",
            ),
            (i, "v1: int32 = const 0; v2: int32 = add v0, v1", ""),
            (i, "v1: int32 = const 0; v2: int32 = sub v1, v0", "v1: int32 = neg v0"),
            (i, "v1: int32 = const 0; v2: int32 = mul v0, v1", "v0: int32 = const 0"),
            (i, "v1: int32 = sub v0, v0", "v0: int32 = const 0"),
            (i, "v1: int32 = const 8; v2: int32 = floordiv v0, v1", "v1: int32 = const 3; v2: int32 = shr v0, v1"),
            (i, "v1: int32 = const 8; v2: int32 = floormod v0, v1", "v1: int32 = const 7; v2: int32 = and v0, v1"),
            (u, "v1: uint32 = const 8; v2: uint32 = truncmod v0, v1", "v1: uint32 = const 7; v2: uint32 = and v0, v1"),
            (i, "v1: int32 = const -1; v2: int32 = floordiv v0, v1", "v1: int32 = neg v0"),
            (i, "v1: int32 = const -1; v2: int32 = floormod v0, v1", "v0: int32 = const 0"),
            (i, "v1: int32 = const 0; v2: int32 = floordiv v0, v1", "v0: int32 = const 0"),
            (u, "v1: uint32 = abs v0", ""),
            (i, "v1: int32 = const -1; v2: int32 = and v1, v0", ""),
            (i, "v1: int32 = const -1; v2: int32 = xor v1, v0", "v1: int32 = not v0"),
            (i, "v1: int32 = const 32; v2: int32 = shl v0, v1", "v0: int32 = const 0"),
            (i, "v1: int32 = not v0; v2: int32 = not v1", ""),
            (b, "v1: bool = const true; v2: bool = and v0, v1", ""),
            (b, "v1: bool = const true; v2: bool = or v0, v1", "v0: bool = const true"),
            (b, "v1: bool = const true; v2: bool = xor v0, v1", "v1: bool = not v0"),
            (b, "v1: bool = const false; v2: bool = eq v0, v1", "v1: bool = not v0"),
            (b, "v1: bool = const false; v2: bool = ne v1, v0", ""),
            (b, "v1: bool = const true; v2: bool = const false; v3: bool = select v0, v1, v2", ""),
            (b, "v1: bool = const true; v2: bool = const false; v3: bool = select v0, v2, v1", "v1: bool = not v0"),
            (
                b,
                "v1: float64 = load a0; v2: float64 = load a1; v3: bool = not v0; v4: float64 = select v3, v1, v2",
                "v1: float64 = load a0; v2: float64 = load a1; v3: float64 = select v0, v2, v1",
            ),
            (xy, "v2: bool = const false; v3: float64 = select v2, v1, v0", x),
            (b, "v1: int32 = convert v0; v2: bool = convert v1", ""),
            (s, "v1: float64 = convert v0; v2: float32 = convert v1", ""),
            (u, "v1: float64 = convert v0; v2: uint32 = convert v1", ""),
            (i, "v1: int64 = convert v0; v2: int8 = convert v1", "v1: int8 = convert v0"),
            (i, "v1: uint16 = convert v0; v2: int8 = convert v1", "v1: int8 = convert v0"),
            (i, "v1: float64 = convert v0; v2: float32 = convert v1", "v1: float32 = convert v0"),
        ] {
            let after = match after {
                "" => loads.to_string(),
                _ if after.starts_with("v0") => after.to_string(),
                _ => format!("{loads}; {after}"),
            };
            check_folded(&format!("{loads}; {before}"), &after);
        }
    }

    /// What looks like an identity.
    #[test]
    fn no_identities() {
        for body in [
            "v0: float64 = load a0; v1: float64 = const 0.0; v2: float64 = add v0, v1",
            "v0: float64 = load a0; v1: float64 = const 0.0; v2: float64 = sub v1, v0",
            "v0: float64 = load a0; v1: float64 = const 0.0; v2: float64 = mul v0, v1",
            "v0: float64 = load a0; v1: float64 = sub v0, v0",
            "v0: float64 = load a0; v1: bool = eq v0, v0",
            "v0: float64 = load a0; v1: float64 = load a1; v2: bool = lt v0, v1; v3: bool = not v2",
            "v0: float64 = load a0; v1: float64 = const 3.0; v2: float64 = div v0, v1",
            "v0: float64 = load a0; v1: float64 = const 5e-324; v2: float64 = div v0, v1",
            "v0: float64 = load a0; v1: float64 = const 8.98846567431158e307; v2: float64 = div v0, v1",
            "v0: float64 = load a0; v1: float64 = const 0.0; v2: float64 = div v0, v1",
            "v0: float64 = load a0; v1: float64 = const inf; v2: float64 = div v0, v1",
            "v0: float32 = load a8; v1: float32 = const 1e-45; v2: float32 = div v0, v1",
            "v0: int32 = load a2; v1: int32 = const 8; v2: int32 = truncmod v0, v1",
            "v0: int32 = load a2; v1: int32 = const -8; v2: int32 = floordiv v0, v1",
            "v0: int32 = load a2; v1: int32 = const 32; v2: int32 = shr v0, v1",
            "v0: uint32 = load a7; v1: float64 = convert v0; v2: int32 = convert v1",
            "v0: int32 = load a2; v1: float32 = convert v0; v2: int32 = convert v1",
            "v0: int32 = load a2; v1: int8 = convert v0; v2: int32 = convert v1",
            "v0: int32 = load a2; v1: int8 = convert v0; v2: bool = convert v1",
            "v0: float64 = load a0; v1: int64 = convert v0; v2: float64 = convert v1",
        ] {
            check_folded(body, body);
        }
    }

    #[test]
    fn constants_and_guards() {
        for (before, after) in [
            (
                "v0: int32 = const 2147483647; v1: int32 = const 1; v2: int32 = add v0, v1",
                "v0: int32 = const -2147483648",
            ),
            ("v0: float64 = const 9.0; v1: float64 = sqrt v0; v2: int32 = convert v1", "v0: int32 = const 3"),
            ("v0: float64 = const 9.0; v1: float64 = call \"half\"(v0)", "v0: float64 = const 4.5"),
        ] {
            check_folded(before, after);
        }
        check(
            &["fold", "dce"],
            &Options::default(),
            "v0: bool = const true; guard v0, g0; v2: bool = not v0; guard v2, g1",
            "v0: bool = const false; guard v0, g1",
        );
    }
}
