//! Programs under construction, memory for their operands, and the comparison of machine code with
//! the reference interpreter.
#![allow(dead_code, reason = "each test uses its part")]

use crate::random::Random;
use numfuse::codegen::{Layout, Stride};
use numfuse::dtype::{DType, Scalar};
use numfuse::interp;
use numfuse::ir::fold::Tree;
use numfuse::ir::{
    Args, Fold, Guard, GuardId, GuardKind, Inst, Loop, Op, Operand, OperandId, Program, Role, TypeRule, Value,
};
use numfuse::jit::Code;
use numfuse::source::Span;

/// A program with one loop under construction.
#[derive(Default)]
pub(crate) struct Build {
    pub(crate) program: Program,
    pub(crate) body: Loop,
}

impl Build {
    pub(crate) fn operand(&mut self, dtype: DType, role: Role) -> OperandId {
        let id = OperandId(self.program.operands.len() as u32);
        self.program.operands.push(Operand {
            name: format!("o{}", id.0).into(),
            dtype,
            role,
            offset: id.0 % 2 * dtype.size() as u32,
        });
        id
    }

    pub(crate) fn argument(&mut self, dtype: DType) -> Value {
        let id = self.operand(dtype, Role::Argument(self.program.operands.len() as u32));
        self.load(id)
    }

    /// The two halves of the elements of a role.
    pub(crate) fn pair(&mut self, dtype: DType, role: Role) -> [OperandId; 2] {
        [0, 1].map(|half| {
            let id = self.operand(dtype, role);
            self.program.operands[id.0 as usize].offset = half * dtype.size() as u32;
            id
        })
    }

    pub(crate) fn load(&mut self, id: OperandId) -> Value {
        let dtype = self.program.operands[id.0 as usize].dtype;
        self.body.push(Inst::Load(id), Some(dtype))
    }

    pub(crate) fn constant(&mut self, value: Scalar) -> Value {
        self.body.push(Inst::Const(value), Some(value.dtype))
    }

    pub(crate) fn op(&mut self, op: Op, args: &[Value], result: DType) -> Value {
        self.body.push(Inst::Op(op, Args::new(args)), Some(result))
    }

    pub(crate) fn output(&mut self, value: Value) -> OperandId {
        let id = self.operand(self.body.dtype(value), Role::Output(self.program.operands.len() as u32));
        self.body.push(Inst::Store(id, value), None);
        id
    }

    pub(crate) fn store(&mut self, id: OperandId, value: Value) {
        self.body.push(Inst::Store(id, value), None);
    }

    /// Folds a value along each row.
    pub(crate) fn reduce(&mut self, fold: Fold, value: Value) {
        let id = self.operand(self.body.dtype(value), Role::Hidden(self.program.operands.len() as u32));
        self.body.push(Inst::Reduce(fold, id, Args::new(&[value])), None);
    }

    pub(crate) fn guard(&mut self, condition: Value) -> GuardId {
        let id = GuardId(self.program.guards.len() as u32);
        self.program.guards.push(Guard { kind: GuardKind::NegativePower, span: Span { start: 0, end: 0 } });
        self.body.push(Inst::Guard(condition, id), None);
        id
    }

    pub(crate) fn finish(mut self) -> Program {
        self.program.loops.push(self.body);
        self.program
    }
}

pub(crate) const fn layout(stride: Stride) -> Layout {
    Layout { stride, swapped: false }
}

pub(crate) const CONTIGUOUS: Layout = layout(Stride::Contiguous);

pub(crate) const INTS: [DType; 8] =
    [DType::I8, DType::I16, DType::I32, DType::I64, DType::U8, DType::U16, DType::U32, DType::U64];
pub(crate) const FLOAT_TYPES: [DType; 2] = [DType::F32, DType::F64];

/// The argument types and result types that an operation takes.
pub(crate) fn signatures(op: Op) -> Vec<(Vec<DType>, DType)> {
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
        TypeRule::Convert => {
            DType::LANES.iter().flat_map(|&a| DType::LANES.iter().map(move |&b| (vec![a], b))).collect()
        }
    }
}

impl Random {
    /// An element: often a special value, else small numbers or any bits.
    pub(crate) fn scalar(&mut self, dtype: DType) -> Scalar {
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
        // Bochs 2.7 makes floats of great uint32 without their lowest bit.
        let value = match dtype {
            DType::U32 if std::env::var_os("NUMFUSE_EMULATED").is_some() => value & !1,
            _ => value,
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
pub(crate) struct Array {
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

    pub(crate) fn get(&self, j: usize, i: usize) -> Scalar {
        let size = self.dtype.size();
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.bytes[self.at(j, i)..][..size]);
        if self.swapped {
            bytes[..size].reverse();
        }
        let bits = u64::from_le_bytes(bytes);
        if self.dtype == DType::Bool { Scalar::bool(bits != 0) } else { Scalar { dtype: self.dtype, bits } }
    }

    pub(crate) fn set(&mut self, j: usize, i: usize, value: Scalar) {
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
    pub(crate) fn random(random: &mut Random, dtype: DType, layout: Layout, [outer, inner]: [usize; 2]) -> Array {
        let size = dtype.size() as isize;
        let inner_stride = match layout.stride {
            Stride::Contiguous | Stride::Streamed | Stride::Column => size,
            Stride::Interleaved => 2 * size,
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
pub(crate) struct Lane<'a> {
    arrays: &'a mut [Array],
    of: &'a [usize],
    /// Of operands whose elements are halves of an array's pairs of elements, which half.
    halves: &'a [Option<usize>],
    j: usize,
    i: usize,
    /// What is to be folded along the row into each operand.
    folded: &'a mut [Vec<Scalar>],
}

impl Lane<'_> {
    fn place(&self, operand: OperandId) -> [usize; 2] {
        [self.j, self.halves[operand.0 as usize].map_or(self.i, |half| 2 * self.i + half)]
    }
}

impl interp::Memory for Lane<'_> {
    fn load(&self, operand: OperandId) -> Scalar {
        let [j, i] = self.place(operand);
        self.arrays[self.of[operand.0 as usize]].get(j, i)
    }
    fn store(&mut self, operand: OperandId, value: Scalar) {
        let [j, i] = self.place(operand);
        self.arrays[self.of[operand.0 as usize]].set(j, i, value);
    }
    fn reduce(&mut self, _: Fold, operand: OperandId, value: &[Scalar]) {
        self.folded[operand.0 as usize].extend(value);
    }
}

pub(crate) fn call(code: &Code, arrays: &mut [Array], of: &[usize], extents: [usize; 2]) -> u64 {
    call_with_halves(code, arrays, of, &vec![None; of.len()], extents)
}

fn call_with_halves(
    code: &Code,
    arrays: &mut [Array],
    of: &[usize],
    halves: &[Option<usize>],
    [outer, inner]: [usize; 2],
) -> u64 {
    let pointers: Vec<*mut u8> = arrays.iter_mut().map(|a| a.bytes[a.origin..].as_mut_ptr()).collect();
    let address =
        |(&a, half): (&usize, &Option<usize>)| pointers[a].wrapping_add(half.unwrap_or(0) * arrays[a].dtype.size());
    let pointers: Vec<*mut u8> = of.iter().zip(halves).map(address).collect();
    let stride = |(&a, half): (&usize, &Option<usize>)| arrays[a].strides[1] * if half.is_some() { 2 } else { 1 };
    let inner_strides: Vec<isize> = of.iter().zip(halves).map(stride).collect();
    let outer_strides: Vec<isize> = of.iter().map(|&a| arrays[a].strides[0]).collect();
    // SAFETY: `Array::random` makes room for every element of these extents and strides.
    unsafe { code.call(pointers.as_ptr(), inner_strides.as_ptr(), outer_strides.as_ptr(), inner, outer) }
}

/// Code of a program's loop, and its text for where it is wrong.
pub(crate) struct Candidate<'a> {
    pub(crate) code: Code,
    pub(crate) text: Box<dyn Fn() -> String + 'a>,
}

/// Which half of an array's pairs an operand has, if another operand of its role has the other half.
fn half(program: &Program, of: &[usize], operand: usize) -> Option<usize> {
    let Operand { role, offset, dtype, .. } = program.operands[operand];
    let is_other = |other: usize| {
        let Operand { role: role_of_other, offset: offset_of_other, .. } = program.operands[other];
        of[other] == of[operand] && role_of_other == role && offset_of_other != offset
    };
    (0..of.len()).any(is_other).then_some(offset as usize / dtype.size())
}

/// Runs each piece of code over arrays of the extents, and compares with the interpreter. `of` has the
/// array of each operand; two operands of one role that share one have the halves of its pairs.
pub(crate) fn check_code(
    program: &Program,
    layouts: &[Layout],
    of: &[usize],
    extents: &[[usize; 2]],
    candidates: &[Candidate],
    random: &mut Random,
) {
    let halves: Vec<Option<usize>> = (0..of.len()).map(|operand| half(program, of, operand)).collect();
    for &extents in extents {
        let count = of.iter().max().map_or(0, |last| last + 1);
        let first_of = |array: usize| of.iter().position(|a| *a == array).unwrap();
        let extents_of = |array: usize| match halves[first_of(array)] {
            Some(_) => [extents[0], 2 * extents[1]],
            None => extents,
        };
        let before: Vec<Array> = (0..count)
            .map(|array| {
                let operand = first_of(array);
                let stride = if halves[operand].is_some() { Stride::Contiguous } else { layouts[operand].stride };
                let layout = Layout { stride, ..layouts[operand] };
                Array::random(random, program.operands[operand].dtype, layout, extents_of(array))
            })
            .collect();
        let mut expected = before.clone();
        for j in 0..extents[0] {
            let mut folded = vec![Vec::new(); of.len()];
            for i in 0..extents[1] {
                let mut lane = Lane { arrays: &mut expected, of, halves: &halves, j, i, folded: &mut folded };
                interp::run_lane(&program.loops[0], &mut lane).unwrap();
            }
            for inst in &program.loops[0].insts {
                if let Inst::Reduce(fold, operand, _) = *inst {
                    let at = operand.0 as usize;
                    let dtype = program.operands[at].dtype;
                    let value = interp::fold(fold, Tree::of_rows(fold, dtype), dtype, &folded[at]);
                    expected[of[at]].set(j, 0, value);
                }
            }
        }
        for candidate in candidates {
            let mut ours = before.clone();
            assert_eq!(call_with_halves(&candidate.code, &mut ours, of, &halves, extents), 0);
            for (array, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
                let is_stored = (0..of.len()).any(|operand| of[operand] == array && stores(program, operand));
                let wrong = difference(extents_of(array), &before[array], ours, expected, is_stored);
                assert!(
                    wrong.is_none(),
                    "array {array} of {extents:?}: {}\n{layouts:?}\n{program:#?}\n{}",
                    wrong.map_or(String::new(), |(text, [j, i])| {
                        let before: Vec<Scalar> = before.iter().map(|array| array.get(j, i)).collect();
                        format!("{text} at {:?}; before {before:?}", (j, i))
                    }),
                    (candidate.text)(),
                );
            }
        }
    }
}

fn stores(program: &Program, operand: usize) -> bool {
    !matches!(program.operands[operand].role, Role::Argument(_))
}

/// What is wrong with an array after a run, and where.
fn difference(
    [outer, inner]: [usize; 2],
    before: &Array,
    ours: &Array,
    expected: &Array,
    is_stored: bool,
) -> Option<(String, [usize; 2])> {
    let is_nan = |value: Scalar| value.dtype.is_float() && value.as_f64().is_nan();
    let (mut blank, mut blank_before) = (ours.clone(), before.clone());
    for j in 0..outer {
        for i in 0..inner {
            let (a, b) = (ours.get(j, i), expected.get(j, i));
            if a != b && !(is_nan(a) && is_nan(b)) {
                return Some((format!("{a}, interpreter {b}"), [j, i]));
            }
            // What is only read may be anything.
            if is_stored && ours.dtype == DType::Bool && ours.bytes[ours.at(j, i)] > 1 {
                return Some(("a bool that is not 0 or 1".to_string(), [j, i]));
            }
            blank.set(j, i, Scalar::int(ours.dtype, 0));
            blank_before.set(j, i, Scalar::int(ours.dtype, 0));
        }
    }
    (blank.bytes != blank_before.bytes).then(|| ("a store beside the elements".to_string(), [0, 0]))
}
