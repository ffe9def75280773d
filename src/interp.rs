//! The reference meaning of the Ir: what each [`Op`] gives, and what a loop does to one lane.
//!
//! Machine code must give the same bits. It is also the constant folder, so a program means the
//! same whether its values are known before it runs or not. Any NaN equals any NaN: which bits a
//! NaN has that an operation makes is left open, and so is what `copysign` takes from its sign.
//!
//! Values are NumPy's on x86-64. Where NumPy itself gives several answers (casts of floats to
//! `uint32`, see [`convert`]), the one of its scalar loops is taken: an element's value must not
//! depend on its place in an array.

use crate::dtype::{DType, Scalar};
use crate::ir::fold::Tree;
use crate::ir::{Effects, Fold, GuardId, Inst, Loop, Op, OperandId};

/// The lane's element of each operand.
pub trait Memory {
    /// Reads an element; its type is the operand's.
    fn load(&self, operand: OperandId) -> Scalar;
    /// Writes an element.
    fn store(&mut self, operand: OperandId, value: Scalar);
    /// Takes one of the values that an element is folded of ([`fold`]), or its parts, in their order.
    fn reduce(&mut self, fold: Fold, operand: OperandId, value: &[Scalar]) {
        panic!("{value:?} is to be folded into {operand} by {}", fold.name());
    }
}

/// Does one lane's work of a loop. A guard that fails ends it; the stores before it are done.
///
/// # Panics
/// If the loop is not well formed (see [`crate::ir::verify`]), or calls a function that is known by its
/// address alone.
pub fn run_lane(body: &Loop, memory: &mut dyn Memory) -> Result<(), GuardId> {
    // What has no value holds a place, so that values are found by number.
    let nothing = Scalar::bool(false);
    let mut values: Vec<Scalar> = Vec::with_capacity(body.insts.len());
    let mut args: Vec<Scalar> = Vec::new();
    for (value, inst) in body.iter() {
        args.clear();
        args.extend(inst.args().iter().map(|arg| values[arg.0 as usize]));
        values.push(match inst {
            Inst::Const(scalar) => *scalar,
            Inst::Load(operand) => memory.load(*operand),
            Inst::Op(op, _) => self::op(*op, &args, body.dtype(value)),
            Inst::Call(callee, _) => callee.call(&args).expect("a function that can be called"),
            Inst::Guard(_, guard) if args[0].bits == 0 => return Err(*guard),
            Inst::Guard(..) => nothing,
            Inst::Store(operand, _) => {
                memory.store(*operand, args[0]);
                nothing
            }
            Inst::Reduce(fold, operand, _) => {
                memory.reduce(*fold, *operand, &args);
                nothing
            }
        });
    }
    Ok(())
}

/// The value of a reduction, whose values stand in the order of the loop's plan, each part by part. See
/// [`crate::ir::fold`].
pub fn fold(fold: Fold, tree: Tree, dtype: DType, values: &[Scalar]) -> Scalar {
    let parts = fold.parts();
    let identities = fold.identities(dtype);
    let identity = [identities[0], identities[parts - 1]];
    let join = |a: Parts, b: Parts| join(fold, dtype, a, b);
    let of_run = |run: &[Scalar]| {
        let mut lanes = vec![identity; tree.lanes];
        for (index, value) in run.chunks_exact(parts).enumerate() {
            let lane = &mut lanes[index % tree.lanes];
            *lane = join(*lane, [value[0], value[parts - 1]]);
        }
        while lanes.len() > 1 {
            let second = lanes.split_off(lanes.len() / 2);
            lanes.iter_mut().zip(second).for_each(|(lane, other)| *lane = join(*lane, other));
        }
        lanes[0]
    };
    let mut joined: Vec<Parts> = Vec::new();
    for (index, run) in values.chunks(tree.run * parts).enumerate() {
        joined.push(of_run(run));
        for _ in 0..index.trailing_ones() {
            join_last(&mut joined, join);
        }
    }
    while joined.len() > 1 {
        join_last(&mut joined, join);
    }
    joined.pop().unwrap_or(identity)[fold.part()]
}

/// A value that is folded: its parts, or twice the one.
type Parts = [Scalar; 2];

/// Two values as one.
fn join(fold: Fold, dtype: DType, a: Parts, b: Parts) -> Parts {
    if let Some(op) = fold.op() {
        return [self::op(op, &[a[0], b[0]], dtype); 2];
    }
    let op = |op, a, b| self::op(op, &[a, b], dtype);
    [
        op(Op::Sub, op(Op::Mul, a[0], b[0]), op(Op::Mul, a[1], b[1])),
        op(Op::Add, op(Op::Mul, a[0], b[1]), op(Op::Mul, a[1], b[0])),
    ]
}

/// Joins the last two.
fn join_last(joined: &mut Vec<Parts>, join: impl Fn(Parts, Parts) -> Parts) {
    if let (Some(second), Some(first)) = (joined.pop(), joined.pop()) {
        joined.push(join(first, second));
    }
}

/// Looks at the guards of a loop that has no lanes: those that depend alone on what `scalar` knows
/// hold or fail all the same.
pub fn check_guards(body: &Loop, scalar: impl Fn(OperandId) -> Option<Scalar>) -> Result<(), GuardId> {
    let mut values: Vec<Option<Scalar>> = Vec::with_capacity(body.insts.len());
    for (value, inst) in body.iter() {
        let args: Option<Vec<Scalar>> = inst.args().iter().map(|arg| values[arg.0 as usize]).collect();
        values.push(match (inst, args) {
            (Inst::Const(scalar), _) => Some(*scalar),
            (Inst::Load(operand), _) => scalar(*operand),
            (Inst::Op(op, _), Some(args)) => Some(self::op(*op, &args, body.dtype(value))),
            (Inst::Call(callee, _), Some(args)) if callee.effects == Effects::NONE => callee.call(&args),
            (Inst::Guard(_, guard), Some(args)) if args[0].bits == 0 => return Err(*guard),
            _ => None,
        });
    }
    Ok(())
}

/// The value of a primitive. `result` is the type of its value, which decides what
/// [`Op::Convert`] does and follows from the arguments for all others.
///
/// # Panics
/// If the number or the types of the arguments are not the primitive's.
pub fn op(op: Op, args: &[Scalar], result: DType) -> Scalar {
    assert_eq!(args.len(), op.arity(), "arguments of {}", op.name());
    match op {
        Op::Convert => convert(args[0], result),
        Op::Select if args[0].bits != 0 => args[1],
        Op::Select => args[2],
        _ => match args[0].dtype {
            DType::F32 => f32_op(op, args),
            DType::F64 => f64_op(op, args),
            dtype => int_op(op, dtype, args),
        },
    }
}

/// Integers and bools: computed exactly in 128 bits, or modulo 2^128, then wrapped to the width.
fn int_op(op: Op, dtype: DType, args: &[Scalar]) -> Scalar {
    let a = args[0].as_int();
    let b = args.get(1).map_or(0, |b| b.as_int());
    let in_width = (0..i128::from(dtype.bits())).contains(&b);
    let value = match op {
        Op::Neg => -a,
        Op::Abs => a.abs(),
        Op::Not if dtype == DType::Bool => a ^ 1,
        Op::Not => !a,
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a.wrapping_mul(b),
        Op::FloorDiv | Op::FloorMod | Op::TruncMod if b == 0 => 0,
        Op::FloorDiv => (a - floor_mod(a, b)) / b,
        Op::FloorMod => floor_mod(a, b),
        Op::TruncMod => a % b,
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Shl if in_width => a << b,
        Op::Shl => 0,
        Op::Shr if in_width => a >> b,
        Op::Shr => a >> 127,
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::Eq => return Scalar::bool(a == b),
        Op::Ne => return Scalar::bool(a != b),
        Op::Lt => return Scalar::bool(a < b),
        Op::Le => return Scalar::bool(a <= b),
        Op::Gt => return Scalar::bool(a > b),
        Op::Ge => return Scalar::bool(a >= b),
        Op::AddOverflows => return Scalar::bool(i64::try_from(a + b).is_err()),
        Op::SubOverflows => return Scalar::bool(i64::try_from(a - b).is_err()),
        Op::MulOverflows => return Scalar::bool(i64::try_from(a * b).is_err()),
        _ => panic!("{} of {dtype}", op.name()),
    };
    Scalar::int(dtype, value)
}

/// The remainder with the divisor's sign.
fn floor_mod(a: i128, b: i128) -> i128 {
    let remainder = a % b;
    if remainder != 0 && (remainder < 0) != (b < 0) { remainder + b } else { remainder }
}

macro_rules! float_op {
    ($name:ident, $float:ident) => {
        fn $name(op: Op, args: &[Scalar]) -> Scalar {
            let arg = |k: usize| args.get(k).map_or(0.0, |s| <$float as crate::dtype::Element>::from_scalar(*s));
            let (a, b) = (arg(0), arg(1));
            Scalar::$float(match op {
                Op::Neg => -a,
                Op::Abs => a.abs(),
                Op::Sqrt => a.sqrt(),
                Op::Floor => a.floor(),
                Op::Ceil => a.ceil(),
                Op::Trunc => a.trunc(),
                Op::Rint => a.round_ties_even(),
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Min => {
                    if a <= b || a.is_nan() {
                        a
                    } else {
                        b
                    }
                }
                Op::Max => {
                    if a >= b || a.is_nan() {
                        a
                    } else {
                        b
                    }
                }
                Op::FMin => {
                    if a <= b || b.is_nan() {
                        a
                    } else {
                        b
                    }
                }
                Op::FMax => {
                    if a >= b || b.is_nan() {
                        a
                    } else {
                        b
                    }
                }
                Op::CopySign => a.copysign(b),
                Op::Fma => a.mul_add(b, arg(2)),
                Op::Eq => return Scalar::bool(a == b),
                Op::Ne => return Scalar::bool(a != b),
                Op::Lt => return Scalar::bool(a < b),
                Op::Le => return Scalar::bool(a <= b),
                Op::Gt => return Scalar::bool(a > b),
                Op::Ge => return Scalar::bool(a >= b),
                _ => panic!("{} of {}", op.name(), stringify!($float)),
            })
        }
    };
}

float_op!(f32_op, f32);
float_op!(f64_op, f64);

/// The value of a cast.
///
/// Integers wrap and round once. A float to an integer is what gcc makes of the C cast on x86-64,
/// which is what NumPy's casts are compiled from: the truncated value where the conversion
/// instruction can hold it, else that instruction's "indefinite", the smallest signed integer.
/// Types of up to 32 bits but `uint32` convert to 32 bits and wrap; `uint32` converts to 64 bits
/// and wraps; `uint64` converts numbers from 2^63 up with 2^63 taken off.
///
/// NumPy 2.4 agrees for arrays of 1, 7 and 1000 elements and for strided ones, but for one cast:
/// of contiguous arrays, its vectorised float to `uint32` differs outside the type's range
/// (5e9 gives 0 there, and 705032704 alone or strided); ours is the latter.
pub fn convert(value: Scalar, to: DType) -> Scalar {
    let from = value.dtype;
    if from == to {
        return value;
    }
    if !from.is_float() {
        return match to {
            DType::Bool => Scalar::bool(value.bits != 0),
            DType::F32 => Scalar::f32(value.as_int() as f32),
            DType::F64 => Scalar::f64(value.as_int() as f64),
            _ => Scalar::int(to, value.as_int()),
        };
    }
    // Exact for float32 too.
    let x = value.as_f64();
    match to {
        DType::Bool => Scalar::bool(x != 0.0),
        DType::F32 => Scalar::f32(x as f32),
        DType::F64 => Scalar::f64(x),
        DType::U64 if x >= TWO_63 => Scalar::int(to, i128::from(truncate(x - TWO_63, DType::I64) ^ i64::MIN)),
        DType::I64 | DType::U64 | DType::U32 => Scalar::int(to, i128::from(truncate(x, DType::I64))),
        _ => Scalar::int(to, i128::from(truncate(x, DType::I32))),
    }
}

const TWO_63: f64 = (1u64 << 63) as f64;

/// `cvttsd2si`: the truncated number, or the smallest integer for what doesn't fit.
fn truncate(x: f64, width: DType) -> i64 {
    let (least, greatest) = width.int_range();
    let truncated = x.trunc();
    // Both bounds are exact; NaN is in no range.
    if truncated >= least as f64 && truncated < (greatest + 1) as f64 { truncated as i64 } else { least as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn scalar(dtype: DType, text: &str) -> Scalar {
        match dtype {
            DType::Bool => Scalar::bool(text == "True"),
            DType::F32 => Scalar::f32(text.parse().unwrap()),
            DType::F64 => Scalar::f64(text.parse().unwrap()),
            _ => Scalar::int(dtype, text.parse().unwrap()),
        }
    }

    fn same(a: Scalar, b: Scalar) -> bool {
        let nan = |s: Scalar| s.dtype.is_float() && s.as_f64().is_nan();
        a == b || a.dtype == b.dtype && nan(a) && nan(b)
    }

    /// Every line of a table that NumPy wrote.
    #[test]
    fn numpy_agrees() {
        let mut values: HashMap<DType, Vec<Scalar>> = HashMap::new();
        let mut lines = 0;
        for line in include_str!("../tests/data/ops.txt").lines().filter(|line| !line.starts_with('#')) {
            let (head, tail) = line.split_once(": ").unwrap();
            let head: Vec<&str> = head.split(' ').collect();
            let dtype = DType::parse(head[1]).unwrap();
            let tail = tail.split(' ');
            if head[0] == "values" {
                values.insert(dtype, tail.map(|text| scalar(dtype, text)).collect());
                continue;
            }
            lines += 1;
            let primitive = *Op::ALL.iter().find(|op| op.name() == head[0]).unwrap();
            let result = DType::parse(head[2]).unwrap();
            let second = if primitive.arity() == 1 { &[Scalar::bool(false)][..] } else { &values[&dtype] };
            let pairs = values[&dtype].iter().flat_map(|a| second.iter().map(move |b| [*a, *b]));
            let mut tail = tail;
            for pair in pairs {
                let args = &pair[..primitive.arity()];
                let expected = scalar(result, tail.next().unwrap());
                let got = op(primitive, args, result);
                assert!(same(got, expected), "{} {dtype} {args:?} -> {result}: {got}, NumPy {expected}", head[0]);
            }
            assert_eq!(tail.next(), None, "{line}");
        }
        assert!(lines > 300, "{lines} lines");
    }

    /// What NumPy has no function for, or leaves open.
    #[test]
    fn chosen_values() {
        let f = Scalar::f64;
        let nan = f(f64::NAN);
        let table: &[(Op, &[Scalar], Scalar)] = &[
            (Op::Min, &[f(0.0), f(-0.0)], f(0.0)),
            (Op::Min, &[f(-0.0), f(0.0)], f(-0.0)),
            (Op::Max, &[f(0.0), f(-0.0)], f(0.0)),
            (Op::Max, &[f(-0.0), f(0.0)], f(-0.0)),
            (Op::FMin, &[f(0.0), f(-0.0)], f(0.0)),
            (Op::FMin, &[f(-0.0), f(0.0)], f(-0.0)),
            (Op::FMax, &[f(0.0), f(-0.0)], f(0.0)),
            (Op::FMax, &[f(-0.0), f(0.0)], f(-0.0)),
            (Op::FMax, &[f(1.0), nan], f(1.0)),
            (Op::Max, &[f(1.0), nan], nan),
            (Op::Select, &[Scalar::bool(true), f(1.0), f(2.0)], f(1.0)),
            (Op::Select, &[Scalar::bool(false), f(1.0), f(2.0)], f(2.0)),
            // Rounded once: the product alone would round to 1 - 2^-53 + ... and lose the rest.
            (Op::Fma, &[f(1.0 + f64::EPSILON), f(1.0 - f64::EPSILON), f(-1.0)], f(-f64::EPSILON * f64::EPSILON)),
            (
                Op::Fma,
                &[Scalar::f32(1.0 + f32::EPSILON), Scalar::f32(1.0 - f32::EPSILON), Scalar::f32(-1.0)],
                Scalar::f32(-f32::EPSILON * f32::EPSILON),
            ),
        ];
        for (primitive, args, expected) in table {
            let got = op(*primitive, args, expected.dtype);
            assert!(same(got, *expected), "{} {args:?}: {got}, not {expected}", primitive.name());
        }
    }

    #[test]
    fn overflow_of_int64() {
        let i = |v: i64| Scalar::int(DType::I64, i128::from(v));
        let (min, max) = (i64::MIN, i64::MAX);
        for (primitive, a, b, expected) in [
            (Op::AddOverflows, max, 1, true),
            (Op::AddOverflows, max, -1, false),
            (Op::AddOverflows, min, -1, true),
            (Op::SubOverflows, min, 1, true),
            (Op::SubOverflows, 0, min, true),
            (Op::SubOverflows, -1, min, false),
            (Op::MulOverflows, min, -1, true),
            (Op::MulOverflows, min, min, true),
            (Op::MulOverflows, 1 << 32, 1 << 31, true),
            (Op::MulOverflows, -(1 << 32), 1 << 31, false),
        ] {
            assert_eq!(
                op(primitive, &[i(a), i(b)], DType::Bool),
                Scalar::bool(expected),
                "{} {a} {b}",
                primitive.name()
            );
        }
    }

    struct Cells(Vec<Scalar>);

    impl Memory for Cells {
        fn load(&self, operand: OperandId) -> Scalar {
            self.0[operand.0 as usize]
        }
        fn store(&mut self, operand: OperandId, value: Scalar) {
            self.0[operand.0 as usize] = value;
        }
    }

    /// A guard that fails comes after the stores before it and before those after it.
    #[test]
    fn a_failed_guard_ends_the_lane() {
        let mut body = Loop::default();
        let x = body.push(Inst::Load(OperandId(0)), Some(DType::F64));
        body.push(Inst::Store(OperandId(1), x), None);
        let zero = body.push(Inst::Const(Scalar::f64(0.0)), Some(DType::F64));
        let good = body.push(Inst::Op(Op::Ge, crate::ir::Args::new(&[x, zero])), Some(DType::Bool));
        body.push(Inst::Guard(good, GuardId(3)), None);
        body.push(Inst::Store(OperandId(2), x), None);
        let run = |x: f64| {
            let mut cells = Cells(vec![Scalar::f64(x), Scalar::f64(9.0), Scalar::f64(9.0)]);
            let end = run_lane(&body, &mut cells);
            (end, cells.0[1].as_f64(), cells.0[2].as_f64())
        };
        assert_eq!(run(1.0), (Ok(()), 1.0, 1.0));
        assert_eq!(run(-1.0), (Err(GuardId(3)), -1.0, 9.0));
    }
}
