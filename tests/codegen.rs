//! Machine code against the reference interpreter: every operation, type and layout, scalar and
//! vector code, generated programs; and the life of machine code in memory.
#![allow(unsafe_code, reason = "calls generated code")]

#[path = "common/code.rs"]
mod code;
#[path = "common/random.rs"]
mod random;

use code::{Array, Build, CONTIGUOUS, Candidate, call, check_code, layout, signatures};
use numfuse::codegen::clif::Target;
use numfuse::codegen::{Layout, Simd, Stride};
use numfuse::dtype::{DType, Scalar};
use numfuse::ir::{Callee, CalleeFn, Inst, Op, Program, Role, Value};
use numfuse::jit::Jit;
use numfuse::math::block::dispatch::Kernel;
use numfuse::math::block::log::LOG;
use numfuse::math::block::power::HYPOT;
use numfuse::math::block::{division, plain};
use random::Random;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The least features for which there is vector code.
const AVX: [&str; 5] = ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_avx"];

/// The ways to compile: scalar and vector code for this machine, vector code with the least features
/// for it, and code for the first machines of all (no rounding, no fma).
fn modes() -> &'static [(Jit, Simd)] {
    static MODES: OnceLock<Vec<(Jit, Simd)>> = OnceLock::new();
    MODES.get_or_init(|| {
        let host = Jit::global().unwrap();
        let levels = Simd::ALL.iter().map(|(_, simd)| *simd).filter(|simd| *simd <= Simd::best());
        let mut modes: Vec<(Jit, Simd)> = levels.map(|simd| (host.clone(), simd)).collect();
        for features in [&AVX[..], &[]] {
            if features.is_empty() || std::arch::is_x86_feature_detected!("avx") {
                let target = Target::for_triple("x86_64-unknown-linux-gnu", features).unwrap();
                // SAFETY: the machine has these features.
                modes.push((unsafe { Jit::for_target(target) }, Simd::V128));
            }
        }
        modes
    })
}

/// Compiles in every mode, runs over arrays of the extents, and compares with the interpreter's
/// results.
fn check(program: &Program, layouts: &[Layout], extents: &[[usize; 2]], random: &mut Random) {
    let of: Vec<usize> = (0..program.operands.len()).collect();
    let candidate = |(jit, simd): &'static (Jit, Simd)| Candidate {
        code: jit.compile(program, 0, layouts, *simd).unwrap(),
        text: Box::new(move || format!("{simd:?}\n{}", jit.clif_text(program, 0, layouts, *simd).unwrap())),
    };
    let candidates: Vec<Candidate> = modes().iter().map(candidate).collect();
    check_code(program, layouts, &of, extents, &candidates, random);
}

#[test]
fn every_operation_in_every_layout() {
    let mut random = Random::new();
    for &op in Op::ALL {
        for (args, result) in signatures(op) {
            let mut build = Build::default();
            let args: Vec<Value> = args.iter().map(|&d| build.argument(d)).collect();
            let value = build.op(op, &args, result);
            build.output(value);
            let program = build.finish();
            let n = args.len();
            let mut classes = vec![vec![CONTIGUOUS; n + 1]];
            for k in 0..n {
                // One argument the same all over, or once a row.
                for stride in [Stride::Constant, Stride::Row] {
                    let mut one = vec![CONTIGUOUS; n + 1];
                    one[k] = layout(stride);
                    classes.push(one);
                }
            }
            classes.push((0..=n).map(|k| layout([Stride::Strided, Stride::Contiguous][k % 2])).collect());
            classes.push((0..=n).map(|k| layout([Stride::Interleaved, Stride::Contiguous][k % 2])).collect());
            classes.push(vec![Layout { stride: Stride::Contiguous, swapped: true }; n + 1]);
            classes.push(vec![Layout { stride: Stride::Strided, swapped: true }; n + 1]);
            for layouts in classes {
                check(&program, &layouts, &[[1, 70], [3, 17], [2, 1]], &mut random);
            }
        }
    }
}

/// One operand is a constant of the program: divisors, shift amounts and bounds take short cuts.
#[test]
fn operations_with_constants() {
    let mut random = Random::new();
    for &op in Op::ALL.iter().filter(|op| op.arity() == 2) {
        for (types, result) in signatures(op) {
            for k in 0..16 {
                let dtype = types[1];
                let bound = dtype.bits() as i128;
                let constant = match k {
                    0..7 if !dtype.is_float() => Scalar::int(
                        dtype,
                        [0, 1, -1, 2, 8, bound - 1, bound][k] & if dtype == DType::Bool { 1 } else { -1 },
                    ),
                    _ => match random.scalar(dtype) {
                        s if dtype == DType::Bool => Scalar::bool(s.bits != 0),
                        s => s,
                    },
                };
                let mut build = Build::default();
                let a = build.argument(dtype);
                let c = build.constant(constant);
                let args = if k % 4 == 3 { [c, a] } else { [a, c] };
                let value = build.op(op, &args, result);
                build.output(value);
                let program = build.finish();
                check(&program, &[CONTIGUOUS; 2], &[[1, 67]], &mut random);
            }
        }
    }
}

/// Functions of every form: block kernels, and one of one element at a time.
fn native() -> Vec<Arc<Callee>> {
    extern "C" fn third(x: f64, i: i32) -> f64 {
        x / 3.0 + f64::from(i)
    }
    let integer = |kernel: Option<Kernel>, name| kernel.unwrap().callee(name);
    [
        LOG.double.callee("log"),
        HYPOT.double.callee("hypot"),
        HYPOT.single.callee("hypotf"),
        plain::NEXTAFTER.single.callee("nextafterf"),
        plain::LDEXP.double.callee("ldexp"),
        division::FLOOR_MOD.double.callee("remainder"),
        integer(plain::gcd(DType::I16), "gcd"),
        integer(plain::bitwise_count(DType::I64), "bitwise_count"),
        (third as extern "C" fn(f64, i32) -> f64).callee("third"),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

/// Straight-line code over whatever types come up, with several outputs and targets in place.
fn generate(random: &mut Random, types: &[DType], scalars_only: bool, calls: bool) -> (Program, Vec<Layout>) {
    let mut build = Build::default();
    let mut layouts = Vec::new();
    let mut pool: BTreeMap<DType, Vec<Value>> = BTreeMap::new();
    let mut plain = Vec::new();
    let mut targets = Vec::new();
    let swapped = |random: &mut Random| scalars_only && random.below(4) == 0;
    let add = |pool: &mut BTreeMap<DType, Vec<Value>>, build: &Build, value: Value| {
        pool.entry(build.body.dtype(value)).or_default().push(value);
    };
    for _ in 0..1 + random.below(5) {
        let dtype = random.pick(types);
        let is_target = random.below(4) == 0;
        let role = if is_target { Role::Target(0) } else { Role::Argument(0) };
        let id = build.operand(dtype, role);
        let strides = match (is_target, scalars_only) {
            (true, false) => &[Stride::Contiguous][..],
            (true, true) => &[Stride::Contiguous, Stride::Strided],
            (false, false) => &[Stride::Contiguous, Stride::Contiguous, Stride::Constant, Stride::Row, Stride::Column],
            (false, true) => &[Stride::Contiguous, Stride::Strided, Stride::Constant, Stride::Row],
        };
        layouts.push(Layout { stride: random.pick(strides), swapped: swapped(random) });
        let value = build.load(id);
        plain.push(value);
        add(&mut pool, &build, value);
        if is_target {
            targets.push(id);
        }
    }
    for _ in 0..random.below(4) {
        let dtype = random.pick(types);
        let scalar = random.scalar(dtype);
        let scalar = if dtype == DType::Bool { Scalar::bool(scalar.bits != 0) } else { scalar };
        let value = build.constant(scalar);
        plain.push(value);
        add(&mut pool, &build, value);
    }
    let native = native();
    for _ in 0..1 + random.below(25) {
        if calls && random.below(4) == 0 {
            let callee = &native[random.below(native.len())];
            let find =
                |dtype: &DType| pool.get(dtype).map(|from| from[from.len() - 1 - random.clone().below(from.len())]);
            if let Some(values) = callee.params.iter().map(find).collect::<Option<Vec<Value>>>() {
                let value = build.body.push(Inst::Call(Arc::clone(callee), values), Some(callee.result));
                add(&mut pool, &build, value);
            }
            continue;
        }
        let op = random.pick(Op::ALL);
        let (args, result) = random.pick(&signatures(op).iter().collect::<Vec<_>>()).clone();
        if op == Op::Convert && !types.contains(&result) {
            continue;
        }
        let mut values = Vec::new();
        for (k, dtype) in args.iter().enumerate() {
            // The sign of a NaN that was computed is nobody's promise.
            let from: Vec<Value> = match pool.get(dtype) {
                Some(pool) if op == Op::CopySign && k == 1 => {
                    pool.iter().copied().filter(|v| plain.contains(v)).collect()
                }
                Some(pool) => pool.clone(),
                None => Vec::new(),
            };
            if !from.is_empty() {
                // Late values more often: deeper programs.
                let back = random.below(from.len()).min(random.below(from.len()));
                values.push(from[from.len() - 1 - back]);
            }
        }
        if values.len() == args.len() {
            let value = build.op(op, &values, result);
            add(&mut pool, &build, value);
        }
    }
    for target in targets {
        let dtype = build.program.operands[target.0 as usize].dtype;
        let value = *pool[&dtype].last().unwrap();
        build.body.push(Inst::Store(target, value), None);
    }
    for _ in 0..1 + random.below(3) {
        let values: Vec<Value> = pool.values().filter_map(|v| v.last().copied()).collect();
        let value = random.pick(&values);
        build.output(value);
        let strides = if scalars_only { &[Stride::Contiguous, Stride::Strided][..] } else { &[Stride::Contiguous] };
        layouts.push(Layout { stride: random.pick(strides), swapped: swapped(random) });
    }
    (build.finish(), layouts)
}

#[test]
fn generated_programs() {
    use DType::*;
    let mut random = Random::new();
    let mixes: [&[DType]; 8] = [
        &[F64],
        &[F32],
        &[F64, F32, Bool],
        &[I32, F64, Bool],
        &[I8, U8, I16, U16, Bool],
        &[I64, U64, F64],
        &[U32, I32, F32, I16, U8],
        &DType::LANES,
    ];
    for round in 0..1500 {
        let (program, layouts) = generate(&mut random, mixes[round % mixes.len()], round % 3 == 0, false);
        let extents = [[1, 1 + random.below(70)], [1 + random.below(4), 1 + random.below(40)], [1, 1]];
        check(&program, &layouts, &extents, &mut random);
    }
}

/// Programs that are cut at block calls, over more elements than a chunk has.
#[test]
fn generated_programs_with_calls() {
    use DType::*;
    let mut random = Random::new();
    let mixes: [&[DType]; 3] = [&[F64], &[F64, F32, Bool, I64], &DType::LANES];
    for round in 0..600 {
        let (program, layouts) = generate(&mut random, mixes[round % mixes.len()], round % 4 == 0, true);
        let wide = [[1, 1 + random.below(40)], [1 + random.below(4), 1 + random.below(30)], [1, 1]];
        let long = [[1, 1500], [3, 1100], [700, 3], [1100, 2]];
        check(&program, &layouts, if round % 20 == 0 { &long } else { &wide }, &mut random);
    }
}

/// Each length of a row, for elements of each size: no vector loop misses a tail.
#[test]
fn every_length() {
    let mut random = Random::new();
    for dtype in [DType::U8, DType::I16, DType::F32, DType::F64] {
        let mut build = Build::default();
        let (a, b) = (build.argument(dtype), build.argument(dtype));
        let sum = build.op(Op::Add, &[a, b], dtype);
        let less = build.op(Op::Lt, &[a, sum], DType::Bool);
        build.output(sum);
        build.output(less);
        let program = build.finish();
        let extents: Vec<[usize; 2]> = (1..=150).map(|n| [1, n]).collect();
        check(&program, &[CONTIGUOUS; 4], &extents, &mut random);
    }
}

#[test]
fn guards_stop_before_or_in_the_loop() {
    let mut build = Build::default();
    let x = build.argument(DType::I64);
    let c = build.argument(DType::I64);
    let zero = build.constant(Scalar::int(DType::I64, 0));
    let first = build.op(Op::Ge, &[c, zero], DType::Bool);
    build.guard(first);
    let each = build.op(Op::Ge, &[x, zero], DType::Bool);
    build.guard(each);
    let sum = build.op(Op::Add, &[x, c], DType::I64);
    build.output(sum);
    let program = build.finish();
    let layouts = [CONTIGUOUS, layout(Stride::Constant), CONTIGUOUS];
    for simd in [Simd::Scalar, Simd::V128] {
        let code = Jit::global().unwrap().compile(&program, 0, &layouts, simd).unwrap();
        let mut random = Random::new();
        for (c, bad, status, done) in [(1, None, 0, 20), (-1, None, 1, 0), (-1, Some(3), 1, 0), (5, Some(7), 2, 7)] {
            let mut arrays: Vec<Array> =
                layouts.iter().map(|&l| Array::random(&mut random, DType::I64, l, [1, 20])).collect();
            for i in 0..20 {
                arrays[0].set(0, i, Scalar::int(DType::I64, if bad == Some(i) { -1 } else { i as i128 }));
                arrays[2].set(0, i, Scalar::int(DType::I64, -100));
            }
            arrays[1].set(0, 0, Scalar::int(DType::I64, c));
            assert_eq!(call(&code, &mut arrays, &[0, 1, 2], [1, 20]), status);
            for i in 0..20 {
                let expected = if i < done { i as i128 + c } else { -100 };
                assert_eq!(arrays[2].get(0, i).as_int(), expected, "c = {c}, bad = {bad:?}, i = {i}");
            }
        }
    }
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn counted(x: f64) -> f64 {
    CALLS.fetch_add(1, Ordering::Relaxed);
    x + 0.5
}

extern "C" fn narrow(a: i8, b: u16, c: bool, d: f32) -> i16 {
    a as i16 * 3 + b as i16 + c as i16 * 1000 + d as i16
}

/// A function is called as often as its argument can differ.
#[test]
fn calls_happen_where_their_arguments_vary() {
    let mut build = Build::default();
    let x = build.argument(DType::F64);
    let callee = Arc::new((counted as extern "C" fn(f64) -> f64).callee("counted"));
    let y = build.body.push(Inst::Call(callee, vec![x]), Some(DType::F64));
    let other = build.argument(DType::F64);
    let sum = build.op(Op::Add, &[y, other], DType::F64);
    build.output(sum);
    let program = build.finish();
    for (stride, calls) in [(Stride::Constant, 1), (Stride::Row, 3), (Stride::Contiguous, 60), (Stride::Strided, 60)] {
        for simd in [Simd::Scalar, Simd::V128] {
            let layouts = [layout(stride), CONTIGUOUS, CONTIGUOUS];
            let code = Jit::global().unwrap().compile(&program, 0, &layouts, simd).unwrap();
            let mut random = Random::new();
            let mut arrays: Vec<Array> =
                layouts.iter().map(|&l| Array::random(&mut random, DType::F64, l, [3, 20])).collect();
            let before = CALLS.load(Ordering::Relaxed);
            assert_eq!(call(&code, &mut arrays, &[0, 1, 2], [3, 20]), 0);
            assert_eq!(CALLS.load(Ordering::Relaxed) - before, calls, "{stride:?}");
            let (x, other, sum) = (arrays[0].get(2, 19), arrays[1].get(2, 19), arrays[2].get(2, 19));
            let expected = x.as_f64() + 0.5 + other.as_f64();
            assert!(sum.as_f64() == expected || sum.as_f64().is_nan() && expected.is_nan());
        }
    }
}

#[test]
fn narrow_arguments_are_passed_as_c_passes_them() {
    let mut build = Build::default();
    let args: Vec<Value> = [DType::I8, DType::U16, DType::Bool, DType::F32].map(|d| build.argument(d)).to_vec();
    let callee = Arc::new((narrow as extern "C" fn(i8, u16, bool, f32) -> i16).callee("narrow"));
    let y = build.body.push(Inst::Call(callee, args), Some(DType::I16));
    let y = build.op(Op::Neg, &[y], DType::I16);
    build.output(y);
    let program = build.finish();
    let mut random = Random::new();
    let jit = Jit::global().unwrap();
    let code = jit.compile(&program, 0, &[CONTIGUOUS; 5], Simd::V128).unwrap();
    let mut arrays: Vec<Array> =
        program.operands.iter().map(|o| Array::random(&mut random, o.dtype, CONTIGUOUS, [1, 50])).collect();
    for i in 0..50 {
        arrays[1].set(0, i, Scalar::int(DType::U16, (i * 97 % 900) as i128));
        arrays[3].set(0, i, Scalar::f32(i as f32 - 20.0));
    }
    assert_eq!(call(&code, &mut arrays, &[0, 1, 2, 3, 4], [1, 50]), 0);
    for i in 0..50 {
        let expected = arrays[0].get(0, i).as_int() * 3
            + arrays[1].get(0, i).as_int()
            + arrays[2].get(0, i).as_int() * 1000
            + (i as i128 - 20);
        assert_eq!(arrays[4].get(0, i).as_int(), -expected);
    }
}

/// Scalars only: no loop is left in the code.
#[test]
fn programs_over_scalars_are_straight_lines() {
    let mut build = Build::default();
    let (a, b) = (build.argument(DType::F64), build.argument(DType::F64));
    let product = build.op(Op::Mul, &[a, b], DType::F64);
    build.output(product);
    let program = build.finish();
    let layouts = [layout(Stride::Constant); 3];
    check(&program, &layouts, &[[1, 1]], &mut Random::new());
    for simd in [Simd::Scalar, Simd::V128] {
        let text = Jit::global().unwrap().clif_text(&program, 0, &layouts, simd).unwrap();
        assert!(!text.contains("brif") && !text.contains("jump"), "{text}");
    }
}

/// A sum of `n` terms, alternately of an argument and a constant, `arguments` arguments in turn.
fn long_sum(n: usize, arguments: usize) -> Program {
    let mut build = Build::default();
    let inputs: Vec<Value> = (0..arguments).map(|_| build.argument(DType::F64)).collect();
    let mut sum = inputs[0];
    for k in 1..n {
        let term = match k % 2 {
            0 => inputs[k / 2 % arguments],
            _ => build.constant(Scalar::f64(k as f64)),
        };
        sum = build.op(Op::Add, &[sum, term], DType::F64);
    }
    build.output(sum);
    build.finish()
}

#[test]
fn hundreds_of_operands_and_thousands_of_terms() {
    let mut random = Random::new();
    for (terms, arguments) in [(1600, 800), (10_000, 3)] {
        let program = long_sum(terms, arguments);
        let mut layouts = vec![CONTIGUOUS; arguments + 1];
        check(&program, &layouts, &[[2, 9]], &mut random);
        for (k, l) in layouts.iter_mut().enumerate() {
            l.stride = [Stride::Strided, Stride::Constant, Stride::Row][k % 3];
        }
        *layouts.last_mut().unwrap() = CONTIGUOUS;
        check(&program, &layouts, &[[2, 9]], &mut random);
    }
}

/// Lines of the process's memory map that are executable and have no file: ours.
fn code_mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines()
        .filter(|line| {
            let mut fields = line.split_whitespace();
            fields.nth(1) == Some("r-xp") && fields.nth(2) == Some("0") && fields.next().is_none()
        })
        .count()
}

fn scaled(factor: u64) -> Program {
    let mut build = Build::default();
    let x = build.argument(DType::U64);
    let c = build.constant(Scalar::int(DType::U64, factor as i128));
    let product = build.op(Op::Mul, &[x, c], DType::U64);
    build.output(product);
    build.finish()
}

fn run_scaled(code: &numfuse::jit::Code, x: u64) -> u64 {
    let (x, mut y) = (x, 0u64);
    let pointers = [(&raw const x) as *mut u8, (&raw mut y) as *mut u8];
    // SAFETY: one element of each operand.
    let status = unsafe { code.call(pointers.as_ptr(), [8, 8].as_ptr(), [8, 8].as_ptr(), 1, 1) };
    assert_eq!(status, 0);
    y
}

/// Thousands of kernels, freed in no order while others live: mappings stay few, code stays right.
#[test]
fn code_memory_is_shared_and_reused() {
    let jit = Jit::global().unwrap();
    let mut random = Random::new();
    let mut live: Vec<(u64, numfuse::jit::Code)> = Vec::new();
    let mut most = 0;
    for k in 0..6000u64 {
        live.push((k, jit.compile(&scaled(k), 0, &[CONTIGUOUS; 2], Simd::Scalar).unwrap()));
        if live.len() > 1000 {
            let (factor, code) = live.swap_remove(random.below(1000));
            assert_eq!(run_scaled(&code, 3), 3 * factor);
        }
        if k % 500 == 0 {
            most = most.max(code_mappings());
        }
    }
    for (factor, code) in &live {
        assert_eq!(run_scaled(code, 7), 7 * factor);
    }
    // 1000 pages are 4 mappings; other tests have a few more.
    assert!(most <= 24, "{most} mappings");
    assert!(live.iter().all(|(_, code)| code.footprint() >= code.size()));
}

#[test]
fn threads_compile_run_and_drop_at_once() {
    let jit = Jit::global().unwrap();
    let total = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let total = &total;
            scope.spawn(move || {
                for k in 0..300 {
                    let factor = thread * 1000 + k;
                    let code = Arc::new(jit.compile(&scaled(factor), 0, &[CONTIGUOUS; 2], Simd::V128).unwrap());
                    let other = code.clone();
                    let remote = std::thread::spawn(move || run_scaled(&other, 5));
                    assert_eq!(run_scaled(&code, 3), 3 * factor);
                    drop(code);
                    total.fetch_add(u64::from(remote.join().unwrap() == 5 * factor), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(total.into_inner(), 1200);
}

/// A child of a fork compiles for itself, even when other threads were compiling.
#[test]
fn code_survives_fork() {
    let jit = Jit::global().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut k = 0;
            while !stop.load(Ordering::Relaxed) {
                drop(jit.compile(&scaled(k), 0, &[CONTIGUOUS; 2], Simd::V128));
                k += 1;
            }
        });
        let parents = jit.compile(&scaled(11), 0, &[CONTIGUOUS; 2], Simd::V128).unwrap();
        for _ in 0..20 {
            // SAFETY: the child only compiles and runs code, then leaves without clean-up; the
            // allocator and our own lock are made for it.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let own = jit.compile(&scaled(13), 0, &[CONTIGUOUS; 2], Simd::V128).unwrap();
                let good = run_scaled(&own, 2) == 26 && run_scaled(&parents, 2) == 22;
                // SAFETY: ends this process.
                unsafe { libc::_exit(if good { 0 } else { 1 }) };
            }
            let mut status = 0;
            // SAFETY: waits for the child just made.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(run_scaled(&parents, 2), 22);
    });
}

/// Vectors where there should be some, and none where an operation has none.
#[test]
fn vector_forms_are_used() {
    use DType::*;
    let text = |op: Op, from: DType, to: DType, layouts: [Stride; 3]| {
        let mut build = Build::default();
        let args: Vec<Value> = (0..op.arity()).map(|_| build.argument(from)).collect();
        let value = build.op(op, &args, to);
        build.output(value);
        let program = build.finish();
        let layouts = layouts.map(layout);
        // SAFETY: the code is not called.
        let jit = unsafe { Jit::for_target(Target::for_triple("x86_64-unknown-linux-gnu", &AVX).unwrap()) };
        jit.clif_text(&program, 0, &layouts[..program.operands.len()], Simd::V128).unwrap()
    };
    let c = Stride::Contiguous;
    for (op, from, to, vector) in [
        (Op::Add, F64, F64, "f64x2"),
        (Op::Lt, F32, Bool, "f32x4"),
        (Op::Mul, I8, I8, "i16x8"),
        (Op::Convert, I32, F64, "f64x2"),
        (Op::Convert, F64, F32, "fvdemote"),
        (Op::Max, U16, U16, "umax"),
    ] {
        let text = text(op, from, to, [c; 3]);
        assert!(text.contains(vector), "{op:?}\n{text}");
    }
    assert!(text(Op::Shl, I32, I32, [c, Stride::Constant, c]).contains("i32x4"));
    for text in [
        text(Op::Shl, I32, I32, [c; 3]),
        text(Op::FloorDiv, I64, I64, [c; 3]),
        text(Op::Add, F64, F64, [Stride::Strided, c, c]),
        text(Op::Convert, F64, I64, [c; 3]),
    ] {
        assert!(!["x2 ", "x4 ", "x8 ", "x16 "].iter().any(|v| text.contains(v)), "{text}");
    }
}

#[test]
fn mistakes_are_errors() {
    let jit = Jit::global().unwrap();
    assert!(jit.compile(&scaled(2), 1, &[CONTIGUOUS; 2], Simd::V128).is_err());
    assert!(jit.compile(&scaled(2), 0, &[CONTIGUOUS; 1], Simd::V128).is_err());
}
