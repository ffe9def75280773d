//! Code for 256-bit and 512-bit vectors against the reference interpreter: every operation and type,
//! all lengths, layouts, generated programs.
//!
//! Self-contained, so that the binary alone can be taken to a machine, or an emulator, that has what
//! this one lacks. `NUMFUSE_SEED` chooses the random programs.
#![allow(unsafe_code, reason = "calls generated code")]

#[path = "common/code.rs"]
mod code;
#[path = "common/random.rs"]
mod random;

use code::{Build, Candidate, check_code, layout, signatures};
use iced_x86::{Decoder, DecoderOptions};
use numfuse::codegen::wide::{self, Level};
use numfuse::codegen::{Layout, Stride};
use numfuse::dtype::{DType, Scalar};
use numfuse::ir::{Fold, Op, Program, Role, Value};
use numfuse::jit::Jit;
use random::Random;

/// The levels that this machine can run.
fn levels() -> &'static [Level] {
    match wide::detect() {
        Some(Level::Avx512) => &[Level::Avx2, Level::Avx512],
        Some(Level::Avx2) => &[Level::Avx2],
        None => &[],
    }
}

fn layouts(strides: &[Stride]) -> Vec<Layout> {
    strides.iter().map(|&stride| layout(stride)).collect()
}

/// Compiles for every level that there is, runs over arrays of the extents, and compares with the
/// interpreter. Each operand has an array of its own.
fn check(program: &Program, layouts: &[Layout], extents: &[[usize; 2]], random: &mut Random) {
    let of: Vec<usize> = (0..program.operands.len()).collect();
    check_shared(program, layouts, &of, extents, random);
}

fn check_shared(program: &Program, layouts: &[Layout], of: &[usize], extents: &[[usize; 2]], random: &mut Random) {
    // The other level's code cannot be run, but it must be code.
    decode(program, layouts, Level::Avx512);
    let candidate = |&level: &Level| {
        let code = Jit::global().unwrap().compile_wide(program, 0, layouts, level).unwrap();
        let code = code.unwrap_or_else(|| {
            panic!("{:?}: {program:#?} {layouts:?}", wide::lower(program, 0, layouts, level).map(|_| ()))
        });
        let text = move || format!("{level:?}\n{}", wide::text(program, 0, layouts, level).unwrap());
        Candidate { code, text: Box::new(text) }
    };
    let candidates: Vec<Candidate> = levels().iter().map(candidate).collect();
    check_code(program, layouts, of, extents, &candidates, random);
}

/// Decodes the code of a level: every instruction is one, and refers to constants within the pool.
fn decode(program: &Program, layouts: &[Layout], level: Level) {
    let code = wide::lower(program, 0, layouts, level).unwrap();
    let mut decoder = Decoder::with_ip(64, &code, 0, DecoderOptions::NONE);
    let (mut returned, mut pool) = (false, code.len() as u64);
    while decoder.can_decode() && decoder.ip() < pool && !returned {
        let inst = decoder.decode();
        assert!(!inst.is_invalid(), "{level:?} at {:#x}: {:x?}", inst.ip(), &code[inst.ip() as usize..]);
        if inst.is_ip_rel_memory_operand() {
            let target = inst.ip_rel_memory_address();
            assert!(target < code.len() as u64, "a constant outside of the pool");
            pool = pool.min(target);
        }
        // A comparison into a mask is another instruction than one into a vector, of the same name.
        let name = format!("{:?}", inst.code());
        let compares = name.starts_with("VEX_Vcmp") || name.starts_with("VEX_Vpcmp");
        assert!(level == Level::Avx2 || !compares, "{name} in code of {level:?}");
        // 0 for what is no jump.
        assert!(inst.near_branch_target() < pool);
        returned = inst.code() == iced_x86::Code::Retnq;
    }
    assert!(returned, "the code has an end");
}

fn is_lacking(op: Op) -> bool {
    wide::LACKING.iter().any(|(lacking, _)| *lacking == op)
}

/// Lengths around all sizes of vectors and turns.
const EXTENTS: [[usize; 2]; 5] = [[1, 300], [3, 71], [2, 1], [2, 15], [1, 129]];

/// Everything is there that the table doesn't name, and nothing that it names.
#[test]
fn the_table_names_what_is_lacking() {
    for level in [Level::Avx2, Level::Avx512] {
        for &op in Op::ALL {
            for (args, result) in signatures(op) {
                let mut build = Build::default();
                let args: Vec<Value> = args.iter().map(|&d| build.argument(d)).collect();
                let value = build.op(op, &args, result);
                build.output(value);
                let program = build.finish();
                let strides = vec![Stride::Contiguous; args.len() + 1];
                let found = wide::lower(&program, 0, &layouts(&strides), level);
                assert_eq!(found.is_err(), is_lacking(op), "{} {result} {level:?}: {:?}", op.name(), found.err());
            }
        }
    }
    // What is no primitive, and layouts.
    let mut build = Build::default();
    let condition = build.argument(DType::Bool);
    build.guard(condition);
    build.output(condition);
    let guarded = build.finish();
    let plain = [Stride::Contiguous; 2];
    assert!(wide::lower(&guarded, 0, &layouts(&plain), Level::Avx2).is_err());
    let mut build = Build::default();
    let x = build.argument(DType::F64);
    build.output(x);
    let copy = build.finish();
    for [load, store] in [[Stride::Contiguous, Stride::Row], [Stride::Constant, Stride::Constant]] {
        assert!(wide::lower(&copy, 0, &layouts(&[load, store]), Level::Avx2).is_err());
    }
    let mut build = Build::default();
    let x = build.argument(DType::I16);
    build.output(x);
    let copy = build.finish();
    for apart in [
        [Stride::Strided, Stride::Contiguous],
        [Stride::Contiguous, Stride::Strided],
        [Stride::Interleaved, Stride::Interleaved],
    ] {
        assert!(wide::lower(&copy, 0, &layouts(&apart), Level::Avx2).is_err());
    }
}

/// A layout of elements that lie apart, or in the other byte order, or both.
fn apart(random: &mut Random, dtype: DType) -> Layout {
    let strides = [Stride::Strided, Stride::Interleaved, Stride::Contiguous];
    let stride = if dtype.size() < 4 { Stride::Contiguous } else { random.pick(&strides) };
    Layout { stride, swapped: random.below(2) == 0 }
}

#[test]
fn every_operation_in_every_layout() {
    let mut random = Random::new();
    for &op in Op::ALL.iter().filter(|op| !is_lacking(**op)) {
        for (types, result) in signatures(op) {
            let mut build = Build::default();
            let args: Vec<Value> = types.iter().map(|&d| build.argument(d)).collect();
            let value = build.op(op, &args, result);
            build.output(value);
            let program = build.finish();
            let n = args.len();
            let mut classes = vec![vec![Stride::Contiguous; n + 1]];
            for k in 0..n {
                for stride in [Stride::Constant, Stride::Row] {
                    let mut one = vec![Stride::Contiguous; n + 1];
                    one[k] = stride;
                    classes.push(one);
                }
            }
            // Computed outside of the loop.
            for stride in [Stride::Constant, Stride::Row] {
                let mut outer = vec![stride; n + 1];
                outer[n] = Stride::Contiguous;
                classes.push(outer);
            }
            let mut streamed = vec![Stride::Contiguous; n + 1];
            streamed[n] = Stride::Streamed;
            classes.push(streamed);
            for strides in classes {
                check(&program, &layouts(&strides), &EXTENTS, &mut random);
            }
            let all: Vec<Layout> = program.operands.iter().map(|operand| apart(&mut random, operand.dtype)).collect();
            check(&program, &all, &EXTENTS, &mut random);
        }
    }
}

/// An operation on values of one row or all rows, of which narrower or wider ones than the loop's
/// are made use of in the loop.
#[test]
fn outer_values_of_any_width() {
    let mut random = Random::new();
    for from in DType::LANES {
        for to in DType::LANES {
            for mate in [DType::Bool, DType::U8, DType::I16, DType::F32, DType::F64] {
                let mut build = Build::default();
                let outer = build.argument(from);
                let changed = build.op(Op::Convert, &[outer], to);
                let flag = build.op(Op::Eq, &[changed, changed], DType::Bool);
                let inner = build.argument(mate);
                let same = build.op(Op::Convert, &[inner], to);
                let both = build.op(Op::Eq, &[same, changed], DType::Bool);
                let chosen = build.op(Op::Select, &[flag, changed, same], to);
                let xor = build.op(Op::Xor, &[both, flag], DType::Bool);
                build.output(chosen);
                build.output(xor);
                let program = build.finish();
                for stride in [Stride::Constant, Stride::Row] {
                    let rest = Stride::Contiguous;
                    check(&program, &layouts(&[stride, rest, rest, rest]), &[[2, 77]], &mut random);
                }
            }
        }
    }
}

/// One operand is a constant of the program.
#[test]
fn operations_with_constants() {
    let mut random = Random::new();
    for &op in Op::ALL.iter().filter(|op| op.arity() == 2 && !is_lacking(**op)) {
        for (types, result) in signatures(op) {
            for k in 0..14 {
                let dtype = types[1];
                let bound = i128::from(dtype.bits());
                let constant = match k {
                    0..8 if dtype.is_int() => Scalar::int(dtype, [0, 1, -1, 2, 7, 8, bound - 1, bound][k]),
                    _ => match random.scalar(dtype) {
                        s if dtype == DType::Bool => Scalar::bool(s.bits != 0),
                        s => s,
                    },
                };
                for first in [true, false] {
                    let mut build = Build::default();
                    let a = build.argument(types[0]);
                    let b = build.constant(constant);
                    let args = if first { [b, a] } else { [a, b] };
                    let value = build.op(op, &args, result);
                    build.output(value);
                    check(&build.finish(), &layouts(&[Stride::Contiguous; 2]), &[[1, 135], [2, 9]], &mut random);
                }
            }
        }
    }
}

/// All lengths, for all sizes of lanes.
#[test]
fn every_length() {
    let mut random = Random::new();
    for wide in [DType::I8, DType::U16, DType::F32, DType::F64] {
        for narrow in [DType::Bool, DType::I8, DType::I16, DType::I32] {
            if narrow.size() > wide.size() {
                continue;
            }
            let mut build = Build::default();
            let a = build.argument(wide);
            let b = build.argument(narrow);
            let c = build.argument(wide);
            let b = build.op(Op::Convert, &[b], wide);
            let product = build.op(Op::Mul, &[a, c], wide);
            let sum = build.op(Op::Add, &[product, b], wide);
            let less = build.op(Op::Lt, &[sum, a], DType::Bool);
            build.output(sum);
            build.output(less);
            let back = build.op(Op::Convert, &[sum], narrow);
            build.output(back);
            let program = build.finish();
            let lengths: Vec<[usize; 2]> = (1..=140).map(|n| [1 + n % 3, n]).collect();
            let mut strides = vec![Stride::Contiguous; 6];
            strides[2] = Stride::Row;
            check(&program, &layouts(&strides), &lengths, &mut random);
        }
    }
}

/// Results written over arguments: all loads of an element come before its stores.
#[test]
fn in_place() {
    let mut random = Random::new();
    for dtype in [DType::U8, DType::I16, DType::F32, DType::F64] {
        // x, y = x + y, x - y
        let mut build = Build::default();
        let (x, y) = (build.argument(dtype), build.argument(dtype));
        let sum = build.op(Op::Add, &[x, y], dtype);
        build.output(sum);
        let difference = build.op(Op::Sub, &[x, y], dtype);
        build.output(difference);
        let program = build.finish();
        let extents: Vec<[usize; 2]> = (1..=90).map(|n| [2, n]).collect();
        check_shared(&program, &layouts(&[Stride::Contiguous; 4]), &[0, 1, 0, 1], &extents, &mut random);
        let layout = apart(&mut random, dtype);
        check_shared(&program, &[layout; 4], &[0, 1, 0, 1], &extents, &mut random);
    }
}

/// The same beside wider elements, so that vectors of small ones are not full.
#[test]
fn in_place_beside_wider_elements() {
    let mut random = Random::new();
    for wide in [DType::U16, DType::F32, DType::I64] {
        for narrow in [DType::Bool, DType::U8, DType::I16, DType::F32] {
            // x, z = x ^ y, w + w; or x + y
            let mut build = Build::default();
            let (x, y, w) = (build.argument(narrow), build.argument(narrow), build.argument(wide));
            let op = if narrow == DType::Bool { Op::Xor } else { Op::Add };
            let changed = build.op(op, &[x, y], narrow);
            build.output(changed);
            let twice = build.op(Op::Add, &[w, w], wide);
            build.output(twice);
            let program = build.finish();
            let extents: Vec<[usize; 2]> = (1..=90).map(|n| [2, n]).collect();
            check_shared(&program, &layouts(&[Stride::Contiguous; 5]), &[0, 1, 2, 0, 3], &extents, &mut random);
        }
    }
}

/// Every fold of each type that vectors of its width fold, along rows of all lengths, of values from operands of any
/// width and layout.
#[test]
fn folds_of_rows() {
    let mut random = Random::new();
    let of_types = |fold: Fold| DType::LANES.into_iter().filter(move |&d| d.size() >= 4 && fold.accepts(d));
    // What has parts is folded by the runtime.
    let folds = Fold::ALL.into_iter().filter(|fold| fold.parts() == 1);
    for (fold, dtype) in folds.flat_map(|fold| of_types(fold).map(move |dtype| (fold, dtype))) {
        for narrow in [DType::Bool, DType::I8, DType::I16, DType::I32] {
            let mut build = Build::default();
            // Any bits, but for sums, which would be no number.
            let x = build.argument(if matches!(fold, Fold::Add | Fold::Mul) { narrow } else { dtype });
            let x = build.op(Op::Convert, &[x], dtype);
            let y = build.argument(narrow);
            let y = build.op(Op::Convert, &[y], dtype);
            let tenth = build.constant(Scalar::of(dtype, if dtype.is_float() { 0.1 } else { 3.0 }));
            let y = build.op(Op::Mul, &[y, tenth], dtype);
            let less = build.op(Op::Lt, &[x, y], DType::Bool);
            let value = build.op(Op::Select, &[less, x, y], dtype);
            build.reduce(fold, value);
            let program = build.finish();
            let some = (1 + random.below(4)..=140).step_by(4).map(|n| [1 + n % 3, n]);
            let lengths: Vec<[usize; 2]> = some.chain([[2, 1024]]).collect();
            let mut strides = vec![Stride::Contiguous, Stride::Contiguous, Stride::Row];
            check(&program, &layouts(&strides), &lengths, &mut random);
            strides[1] = random.pick(&[Stride::Row, Stride::Constant, Stride::Column]);
            check(&program, &layouts(&strides), &lengths, &mut random);
            let mut layouts: Vec<Layout> =
                program.operands.iter().map(|operand| apart(&mut random, operand.dtype)).collect();
            layouts[2] = layout(Stride::Row);
            check(&program, &layouts, &lengths, &mut random);
        }
    }
}

/// As many folds in a loop as there are registers for; more are refused.
#[test]
fn folds_beside_one_another() {
    let mut random = Random::new();
    for (count, fits) in [(1, [true, true]), (2, [false, true]), (5, [false, true]), (8, [false, false])] {
        let mut build = Build::default();
        let narrow = build.argument(DType::I16);
        let x = build.op(Op::Convert, &[narrow], DType::F64);
        for k in 0..count {
            let factor = build.constant(Scalar::f64(0.1 + k as f64));
            let value = build.op(Op::Mul, &[x, factor], DType::F64);
            build.reduce(if k % 3 == 1 { Fold::Max } else { Fold::Add }, value);
        }
        let program = build.finish();
        let mut layouts = layouts(&vec![Stride::Row; count + 1]);
        layouts[0] = layout(Stride::Contiguous);
        for (level, fits) in [Level::Avx2, Level::Avx512].into_iter().zip(fits) {
            assert_eq!(wide::lower(&program, 0, &layouts, level).is_ok(), fits, "{count} {level:?}");
        }
        if fits[0] {
            check(&program, &layouts, &[[3, 300]], &mut random);
        }
    }
}

/// Operands whose elements are halves of pairs: all of them or beside whole elements, in place, only one half of
/// them stored, read again when they are stored.
#[test]
fn pairs() {
    let mut random = Random::new();
    for round in 0..130 {
        let dtype = random.pick(&[DType::F64, DType::F32, DType::I64, DType::U32]);
        let mut build = Build::default();
        let [a, b, c, out] =
            [Role::Argument(0), Role::Argument(1), Role::Argument(2), Role::Output(0)].map(|r| build.pair(dtype, r));
        let mut of = vec![0, 0, 1, 1, 2, 2, 3, 3];
        let mut loaded = vec![a[0], b[1], a[1], b[0], c[0]];
        if round % 7 > 0 {
            loaded.push(c[1]);
        }
        let mut values: Vec<Value> = loaded.into_iter().map(|half| build.load(half)).collect();
        for _ in 0..random.below(12) {
            let args = [random.pick(&values), random.pick(&values)];
            values.push(build.op(random.pick(&[Op::Add, Op::Sub, Op::Min]), &args, dtype));
        }
        let target = if round % 2 == 0 { a } else { out };
        let mut halves = target.map(|half| (half, random.pick(&values)));
        if random.below(2) == 0 {
            halves.reverse();
        }
        let stored = if round % 11 == 10 { 1 } else { 2 };
        halves[..stored].iter().for_each(|(half, value)| build.store(*half, *value));
        if round % 13 == 12 {
            let [first, second] = target.map(|half| build.load(half));
            let sum = build.op(Op::Add, &[first, second], dtype);
            build.store(b[0], sum);
            build.store(b[1], second);
        }
        let mut layouts = vec![Layout { stride: Stride::Interleaved, swapped: round % 5 == 4 }; 8];
        if round % 3 == 0 {
            let wide = build.argument(DType::F64);
            let value = build.op(Op::Convert, &[wide], dtype);
            build.output(value);
            layouts.extend([layout(Stride::Contiguous); 2]);
            of.extend([4, 5]);
        }
        let extents: Vec<[usize; 2]> =
            [1, 2, 3, 7, 8, 15, 16, 31, 33, 64, 100, 129].iter().map(|&n| [1 + n % 3, n]).collect();
        check_shared(&build.finish(), &layouts, &of, &extents, &mut random);
    }
}

/// A random program over operands of some types.
fn random_program(random: &mut Random, length: usize, types: &[DType]) -> (Program, Vec<Layout>) {
    let mut build = Build::default();
    let mut layouts = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let layout = |random: &mut Random, dtype: DType, strides: &[Stride]| {
        let layout = Layout { stride: random.pick(strides), swapped: random.below(8) == 0 };
        if random.below(4) == 0 { apart(random, dtype) } else { layout }
    };
    for _ in 0..2 + random.below(4) {
        let dtype = random.pick(types);
        values.push(build.argument(dtype));
        let strides = [Stride::Contiguous, Stride::Contiguous, Stride::Row, Stride::Constant];
        layouts.push(layout(random, dtype, &strides));
    }
    let ops: Vec<Op> = Op::ALL.iter().copied().filter(|op| !is_lacking(*op)).collect();
    for _ in 0..length {
        let op = random.pick(&ops);
        let usable: Vec<_> = signatures(op)
            .into_iter()
            .filter(|(args, result)| args.iter().chain([result]).all(|d| types.contains(d)))
            .collect();
        if usable.is_empty() {
            continue;
        }
        let (args, result) = usable[random.below(usable.len())].clone();
        let args: Vec<Value> = args
            .iter()
            .map(|&dtype| {
                let known: Vec<Value> = values.iter().copied().filter(|v| build.body.dtype(*v) == dtype).collect();
                if known.is_empty() || random.below(5) == 0 {
                    let value = random.scalar(dtype);
                    build.constant(if dtype == DType::Bool { Scalar::bool(value.bits != 0) } else { value })
                } else {
                    // Most often what came last.
                    known[known.len() - 1 - random.below(known.len()).min(random.below(known.len()))]
                }
            })
            .collect();
        values.push(build.op(op, &args, result));
    }
    for _ in 0..1 + random.below(3) {
        let value = values[values.len() - 1 - random.below(values.len().min(6))];
        build.output(value);
        layouts.push(layout(random, build.body.dtype(value), &[Stride::Contiguous, Stride::Streamed]));
    }
    (build.finish(), layouts)
}

#[test]
fn random_programs() {
    let mut random = Random::new();
    let groups: [&[DType]; 6] = [
        &[DType::F64, DType::Bool, DType::I64],
        &[DType::F32, DType::Bool, DType::I32],
        &[DType::I8, DType::U8, DType::Bool],
        &[DType::I16, DType::U16, DType::I8, DType::Bool],
        &[DType::U64, DType::I64, DType::U32, DType::F32],
        &DType::LANES,
    ];
    for round in 0..240 {
        let length = [3, 8, 20, 60][round % 4];
        let (program, layouts) = random_program(&mut random, length, groups[round % groups.len()]);
        check(&program, &layouts, &[[1, 150], [2, 37], [1, 3]], &mut random);
    }
}

/// More values at once than there are registers: vectors, masks and addresses.
#[test]
fn spills() {
    let mut random = Random::new();
    for dtype in [DType::F64, DType::F32, DType::I64, DType::U8, DType::Bool] {
        let mut build = Build::default();
        let mut strides = Vec::new();
        let mut values = Vec::new();
        for k in 0..45 {
            values.push(build.argument(dtype));
            strides.push([Stride::Contiguous, Stride::Contiguous, Stride::Constant][k % 3]);
        }
        let (add, other) = if dtype == DType::Bool { (Op::Xor, Op::Or) } else { (Op::Add, Op::Sub) };
        let sums: Vec<Value> = (0..44).map(|k| build.op(add, &[values[k], values[k + 1]], dtype)).collect();
        let flags: Vec<Value> = (0..20).map(|k| build.op(Op::Eq, &[sums[k], values[2 * k]], DType::Bool)).collect();
        let mut total = sums[0];
        for &sum in sums.iter().rev() {
            total = build.op(other, &[total, sum], dtype);
        }
        for &flag in flags.iter().rev() {
            let last = build.op(Op::Select, &[flag, total, values[3]], dtype);
            total = build.op(add, &[total, last], dtype);
        }
        build.output(total);
        strides.push(Stride::Contiguous);
        check(&build.finish(), &layouts(&strides), &[[2, 67], [1, 33], [1, 5]], &mut random);
    }
}

/// A sum of very many terms compiles in time that grows with their number, or not at all.
#[test]
fn long_programs() {
    let mut random = Random::new();
    for length in [200, 900, 1900, 4000] {
        let mut build = Build::default();
        let x = build.argument(DType::F64);
        let mut sum = x;
        for k in 0..length / 2 {
            let c = build.constant(Scalar::f64(k as f64 + 0.5));
            let term = build.op(Op::Mul, &[x, c], DType::F64);
            sum = build.op(Op::Add, &[sum, term], DType::F64);
        }
        build.output(sum);
        let program = build.finish();
        let strides = [Stride::Contiguous; 2];
        if length > 1400 {
            assert!(wide::lower(&program, 0, &layouts(&strides), Level::Avx2).is_err());
            continue;
        }
        check(&program, &layouts(&strides), &[[1, 23]], &mut random);
    }
}
