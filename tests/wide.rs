//! Code for 256-bit and 512-bit vectors against the reference interpreter: every operation and type,
//! all lengths, layouts, generated programs.
//!
//! Self-contained, so that the binary alone can be taken to a machine, or an emulator, that has what
//! this one lacks. `NUMFUSE_SEED` chooses the random programs.
#![allow(unsafe_code, reason = "calls generated code")]

use iced_x86::{Decoder, DecoderOptions};
use numfuse::codegen::wide::{self, Level};
use numfuse::codegen::{Layout, Stride};
use numfuse::dtype::{DType, Scalar};
use numfuse::interp;
use numfuse::ir::{
    Args, Guard, GuardId, GuardKind, Inst, Loop, Op, Operand, OperandId, Program, Role, TypeRule, Value,
};
use numfuse::jit::{Code, Jit};
use numfuse::source::Span;

/// The levels that this machine can run.
fn levels() -> &'static [Level] {
    match wide::detect() {
        Some(Level::Avx512) => &[Level::Avx2, Level::Avx512],
        Some(Level::Avx2) => &[Level::Avx2],
        None => &[],
    }
}

/// A generator of numbers: the next state of a linear congruence, its high bits mixed.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let seed = std::env::var("NUMFUSE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_240_611);
        println!("NUMFUSE_SEED={seed}");
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ (self.0 >> 33);
        let x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
        x ^ (x >> 29)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// An element: often a special value, else small numbers or any bits.
    fn scalar(&mut self, dtype: DType) -> Scalar {
        let (least, greatest) = dtype.int_range();
        if dtype.is_float() {
            return match self.below(4) {
                0 => Scalar::of(dtype, self.below(41) as f64 / 4.0 - 5.0),
                1 => Scalar { dtype, bits: self.bits() & if dtype == DType::F32 { 0xffff_ffff } else { !0 } },
                2 => Scalar::of(dtype, (self.bits() as i64 as f64) / 2f64.powi(self.below(64) as i32)),
                _ => Scalar::of(dtype, self.pick(&FLOATS)),
            };
        }
        let value = match self.below(4) {
            // Bochs 2.7 shifts lanes of 64 bits by 64 as if it were by 0.
            0 => match self.below(80) as i128 - 8 {
                64 if std::env::var_os("NUMFUSE_EMULATED").is_some() => 65,
                value => value,
            },
            1 => self.bits() as i128,
            // Numbers of all magnitudes, just above and below what a float can tell apart.
            2 => {
                let shift = self.below(64) as u32;
                let bits = self.bits();
                ((bits >> shift) as i128 | 1 << (63 - shift)) + self.pick(&[-1, 0, 1]) - self.pick(&[0, 1 << 62])
            }
            _ => self.pick(&[least, least + 1, greatest, greatest - 1, 0, 1, -1, greatest / 2 + 1]),
        };
        // Memory may hold any nonzero byte for true.
        if dtype == DType::Bool { Scalar { dtype, bits: value as u8 as u64 } } else { Scalar::int(dtype, value) }
    }
}

const FLOATS: [f64; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    -1e-310,
    1e-40,
    2_147_483_647.0,
    2_147_483_648.0,
    -2_147_483_648.5,
    -2_147_483_649.0,
    4_294_967_296.5,
    5e9,
    9_223_372_036_854_775_807.0,
    -9_223_372_036_854_775_808.0,
    -9_223_372_036_854_777_856.0,
    18_446_744_073_709_551_615.0,
    18_446_744_073_709_549_568.0,
    9_223_372_036_854_774_784.0,
    127.9,
    65_536.5,
];

/// An operand's memory, with room around the elements that must stay as it is.
#[derive(Clone)]
struct Array {
    dtype: DType,
    bytes: Vec<u8>,
    origin: usize,
    strides: [isize; 2],
    swapped: bool,
}

/// The bytes around the elements.
const MARGIN: usize = 80;

impl Array {
    fn at(&self, j: usize, i: usize) -> usize {
        self.origin.wrapping_add_signed(j as isize * self.strides[0] + i as isize * self.strides[1])
    }

    fn get(&self, j: usize, i: usize) -> Scalar {
        let size = self.dtype.size();
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.bytes[self.at(j, i)..][..size]);
        if self.swapped {
            bytes[..size].reverse();
        }
        let bits = u64::from_le_bytes(bytes);
        if self.dtype == DType::Bool { Scalar::bool(bits != 0) } else { Scalar { dtype: self.dtype, bits } }
    }

    fn set(&mut self, j: usize, i: usize, value: Scalar) {
        assert_eq!(value.dtype, self.dtype);
        let size = self.dtype.size();
        let at = self.at(j, i);
        let mut bytes = value.bits.to_le_bytes();
        if self.swapped {
            bytes[..size].reverse();
        }
        self.bytes[at..][..size].copy_from_slice(&bytes[..size]);
    }

    /// Random elements in the layout, at any address.
    fn random(random: &mut Random, dtype: DType, layout: Layout, [outer, inner]: [usize; 2]) -> Array {
        let size = dtype.size() as isize;
        let inner_stride = match layout.stride {
            Stride::Contiguous | Stride::Streamed | Stride::Column => size,
            Stride::Strided => random.pick(&[2 * size, -size, size + 3, -3 * size]),
            Stride::Constant | Stride::Row => 0,
        };
        let row = (inner_stride.abs() * inner as isize).max(size);
        let outer_stride = match layout.stride {
            Stride::Constant | Stride::Column => 0,
            _ => random.pick(&[row, row + 3, -row]),
        };
        let reach = (row as usize + 3) * (outer + 1);
        let mut array = Array {
            dtype,
            bytes: vec![0xa5; 2 * (reach + MARGIN)],
            // Memory is given out at multiples of 16.
            origin: if random.below(2) == 0 { reach + MARGIN - random.below(8) } else { (reach + MARGIN) / 16 * 16 },
            strides: [outer_stride, inner_stride],
            swapped: layout.swapped,
        };
        for j in 0..outer {
            for i in 0..inner {
                let value = random.scalar(dtype);
                array.set(j, i, value);
            }
        }
        array
    }
}

/// The operands' arrays; operands may share one.
struct Lane<'a> {
    arrays: &'a mut [Array],
    of: &'a [usize],
    j: usize,
    i: usize,
}

impl interp::Memory for Lane<'_> {
    fn load(&self, operand: OperandId) -> Scalar {
        self.arrays[self.of[operand.0 as usize]].get(self.j, self.i)
    }
    fn store(&mut self, operand: OperandId, value: Scalar) {
        self.arrays[self.of[operand.0 as usize]].set(self.j, self.i, value);
    }
}

fn call(code: &Code, arrays: &mut [Array], of: &[usize], [outer, inner]: [usize; 2]) -> u64 {
    let pointers: Vec<*mut u8> = arrays.iter_mut().map(|a| a.bytes[a.origin..].as_mut_ptr()).collect();
    let pointers: Vec<*mut u8> = of.iter().map(|&a| pointers[a]).collect();
    let inner_strides: Vec<isize> = of.iter().map(|&a| arrays[a].strides[1]).collect();
    let outer_strides: Vec<isize> = of.iter().map(|&a| arrays[a].strides[0]).collect();
    // SAFETY: `Array::random` makes room for every element of these extents and strides.
    unsafe { code.call(pointers.as_ptr(), inner_strides.as_ptr(), outer_strides.as_ptr(), inner, outer) }
}

fn layouts(strides: &[Stride]) -> Vec<Layout> {
    strides.iter().map(|&stride| Layout { stride, swapped: false }).collect()
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
    for &level in levels() {
        let code = Jit::global().unwrap().compile_wide(program, 0, layouts, level).unwrap();
        let code = code.unwrap_or_else(|| {
            panic!("{:?}: {program:#?} {layouts:?}", wide::lower(program, 0, layouts, level).map(|_| ()))
        });
        for &extents in extents {
            let count = of.iter().max().map_or(0, |last| last + 1);
            let before: Vec<Array> = (0..count)
                .map(|array| {
                    let operand = of.iter().position(|a| *a == array).unwrap();
                    Array::random(random, program.operands[operand].dtype, layouts[operand], extents)
                })
                .collect();
            let mut expected = before.clone();
            for j in 0..extents[0] {
                for i in 0..extents[1] {
                    let mut lane = Lane { arrays: &mut expected, of, j, i };
                    interp::run_lane(&program.loops[0], &mut lane).unwrap();
                }
            }
            let mut ours = before.clone();
            assert_eq!(call(&code, &mut ours, of, extents), 0);
            compare(program, layouts, level, extents, &before, &ours, &expected);
        }
    }
}

fn compare(
    program: &Program,
    layouts: &[Layout],
    level: Level,
    extents: [usize; 2],
    before: &[Array],
    ours: &[Array],
    expected: &[Array],
) {
    for (k, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        for j in 0..extents[0] {
            for i in 0..extents[1] {
                let (a, b) = (ours.get(j, i), expected.get(j, i));
                let nan = |s: Scalar| s.dtype.is_float() && s.as_f64().is_nan();
                assert!(
                    a == b || nan(a) && nan(b),
                    "array {k} at {:?} of {extents:?}: {a}, interpreter {b}; before {:?}\n{layouts:?} {level:?}\n{:?}\n{}",
                    (j, i),
                    before.iter().map(|x| x.get(j, i)).collect::<Vec<_>>(),
                    program.loops[0].insts,
                    text(program, layouts, level),
                );
            }
        }
        // A stored bool is 0 or 1 (what is only read may be anything).
        if ours.dtype == DType::Bool && ours.bytes != before[k].bytes {
            assert!((0..extents[1]).all(|i| ours.bytes[ours.at(0, i)] <= 1), "array {k}: a bool that is not 0 or 1");
        }
        let mut blank = ours.clone();
        let mut blank_before = before[k].clone();
        for j in 0..extents[0] {
            for i in 0..extents[1] {
                blank.set(j, i, Scalar::int(ours.dtype, 0));
                blank_before.set(j, i, Scalar::int(ours.dtype, 0));
            }
        }
        assert!(
            blank.bytes == blank_before.bytes,
            "array {k}: a store beside the elements, {extents:?}\n{:?}\n{}",
            program.loops[0].insts,
            text(program, layouts, level)
        );
    }
}

fn text(program: &Program, layouts: &[Layout], level: Level) -> String {
    wide::text(program, 0, layouts, level).unwrap()
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

/// A program with one loop under construction.
#[derive(Default)]
struct Build {
    program: Program,
    body: Loop,
}

impl Build {
    fn operand(&mut self, dtype: DType, role: Role) -> OperandId {
        let id = OperandId(self.program.operands.len() as u32);
        self.program.operands.push(Operand { name: format!("o{}", id.0).into(), dtype, role });
        id
    }

    fn argument(&mut self, dtype: DType) -> Value {
        let id = self.operand(dtype, Role::Argument(0));
        self.body.push(Inst::Load(id), Some(dtype))
    }

    fn constant(&mut self, value: Scalar) -> Value {
        self.body.push(Inst::Const(value), Some(value.dtype))
    }

    fn op(&mut self, op: Op, args: &[Value], result: DType) -> Value {
        self.body.push(Inst::Op(op, Args::new(args)), Some(result))
    }

    fn output(&mut self, value: Value) -> OperandId {
        let id = self.operand(self.body.dtype(value), Role::Output(0));
        self.body.push(Inst::Store(id, value), None);
        id
    }

    fn finish(mut self) -> Program {
        self.program.loops.push(self.body);
        self.program
    }
}

const INTS: [DType; 8] = [DType::I8, DType::I16, DType::I32, DType::I64, DType::U8, DType::U16, DType::U32, DType::U64];
const FLOAT_TYPES: [DType; 2] = [DType::F32, DType::F64];

/// The argument types and result types that an operation takes.
fn signatures(op: Op) -> Vec<(Vec<DType>, DType)> {
    let all = |types: Vec<DType>| types.into_iter().map(|d| (vec![d; op.arity()], d)).collect::<Vec<_>>();
    let numbers = || [&INTS[..], &FLOAT_TYPES].concat();
    let with_bool = |mut types: Vec<DType>| {
        types.push(DType::Bool);
        types
    };
    let to_bool = |list: Vec<(Vec<DType>, DType)>| list.into_iter().map(|(args, _)| (args, DType::Bool)).collect();
    match op.rule() {
        TypeRule::Float => all(FLOAT_TYPES.to_vec()),
        TypeRule::Number => all(numbers()),
        TypeRule::Int => all(INTS.to_vec()),
        TypeRule::Bits => all(with_bool(INTS.to_vec())),
        TypeRule::Compare => to_bool(all(numbers())),
        TypeRule::Equal => to_bool(all(with_bool(numbers()))),
        TypeRule::Select => with_bool(numbers()).into_iter().map(|d| (vec![DType::Bool, d, d], d)).collect(),
        TypeRule::Overflow => vec![(vec![DType::I64; 2], DType::Bool)],
        TypeRule::Convert => DType::ALL.iter().flat_map(|&a| DType::ALL.iter().map(move |&b| (vec![a], b))).collect(),
    }
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
    build.body.push(Inst::Guard(condition, GuardId(0)), None);
    build.program.guards.push(Guard { kind: GuardKind::NegativePower, span: Span { start: 0, end: 0 } });
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
    for apart in [[Stride::Strided, Stride::Contiguous], [Stride::Contiguous, Stride::Strided]] {
        assert!(wide::lower(&copy, 0, &layouts(&apart), Level::Avx2).is_err());
    }
}

/// A layout of elements that lie apart, or in the other byte order, or both.
fn apart(random: &mut Random, dtype: DType) -> Layout {
    let strides = [Stride::Strided, Stride::Strided, Stride::Contiguous];
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
    for from in DType::ALL {
        for to in DType::ALL {
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
        &DType::ALL,
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
