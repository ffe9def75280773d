//! The tree of reductions: kernels at every level, and the engine for any number of threads, against the
//! reference interpreter.
#![allow(unsafe_code, reason = "calls kernels, and describes memory of its own to the engine")]

#[path = "common/random.rs"]
mod random;

use numfuse::array::{ArrayRef, Memory};
use numfuse::codegen::Simd;
use numfuse::diagnostic::Error;
use numfuse::dtype::{DType, Scalar, Type};
use numfuse::engine::{CallOptions, Engine, Host, Options};
use numfuse::interp;
use numfuse::ir::Fold;
use numfuse::ir::fold::{COLUMN_RUN, ROW_RUN, Tree};
use numfuse::math::block::dispatch::{Level, ROWS, TREE, level};
use numfuse::math::block::fold;
use numfuse::runtime::threads::with_threads;
use random::Random;

/// Finite values of every size, zeros of both signs and a few NaNs.
fn element(random: &mut Random, dtype: DType) -> Scalar {
    match dtype {
        DType::Bool => Scalar::bool(random.chance(80)),
        _ if dtype.is_float() => match random.below(12) {
            0 => Scalar::of(dtype, 0.0),
            1 => Scalar::of(dtype, -0.0),
            2 if random.chance(2) => Scalar::of(dtype, f64::NAN),
            _ => Scalar::of(dtype, random.uniform(-2.0, 2.0)),
        },
        _ => Scalar::int(dtype, random.bits().into()),
    }
}

fn same(a: Scalar, b: Scalar) -> bool {
    let nan = |s: Scalar| s.dtype.is_float() && s.as_f64().is_nan();
    a == b || nan(a) && nan(b)
}

/// Elements behind a byte, so that they are not aligned.
fn bytes(values: &[Scalar], size: usize) -> Vec<u8> {
    let of = |value: &Scalar| value.bits.to_le_bytes()[..size].to_vec();
    std::iter::once(0).chain(values.iter().flat_map(of)).collect()
}

fn read(bytes: &[u8], dtype: DType) -> Scalar {
    let mut bits = [0; 8];
    bits[..dtype.size()].copy_from_slice(&bytes[..dtype.size()]);
    Scalar { dtype, bits: u64::from_le_bytes(bits) }
}

#[test]
fn kernels_fold_as_the_interpreter_at_every_level() {
    let mut random = Random::new();
    let mut count = 0;
    for (fold, dtype) in Fold::ALL.into_iter().flat_map(|fold| DType::LANES.map(|dtype| (fold, dtype))) {
        let levels = [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|l| *l <= level());
        for level in levels {
            let Some(folding) = fold::functions(fold, dtype, level) else {
                assert!(!fold.accepts(dtype), "{fold:?} {dtype}");
                continue;
            };
            assert!(fold.accepts(dtype));
            count += 1;
            let (size, parts) = (dtype.size(), fold.parts());
            // Kernels fold values, of which the interpreter gives a part.
            let of_part = |memory: &[u8]| read(&memory[fold.part() * size..], dtype);
            let elements = |random: &mut Random, n: usize| -> Vec<Scalar> {
                (0..n * parts).map(|_| element(random, dtype)).collect()
            };
            for n in [0, 1, 2, 15, 16, 31, 32, 33, 65, 300, ROW_RUN] {
                let values = elements(&mut random, n);
                let memory = bytes(&values, size);
                let mut out = folding.identity.to_le_bytes();
                // SAFETY: so many elements behind the first byte, and room for any element.
                unsafe { (folding.run)(n, [memory[1..].as_ptr()].as_ptr(), out.as_mut_ptr()) };
                let expected = interp::fold(fold, Tree::of_rows(fold, dtype), dtype, &values);
                assert!(same(of_part(&out), expected), "{fold:?} {dtype} {n} {level:?}");
            }
            for n in 1..=TREE {
                // As runs are, joined to what these begin with; a second time does not change it any more.
                let again = |value: &[Scalar], part: Fold| {
                    let value = [&fold.identities(dtype), value].concat();
                    interp::fold(part, Tree { run: 1, lanes: 1 }, dtype, &value)
                };
                let values: Vec<Scalar> = elements(&mut random, n)
                    .chunks(parts)
                    .flat_map(|value| match parts {
                        1 => vec![again(value, fold)],
                        _ => vec![again(value, Fold::MulReal), again(value, Fold::MulImag)],
                    })
                    .collect();
                let mut out = [0; 16];
                // SAFETY: so many elements behind the first byte, and room for any element.
                unsafe { (folding.tree)(n, [bytes(&values, size)[1..].as_ptr()].as_ptr(), out.as_mut_ptr()) };
                let expected = interp::fold(fold, Tree { run: 1, lanes: 1 }, dtype, &values);
                assert!(same(of_part(&out), expected), "{fold:?} {dtype} {n} {level:?}");
            }
            let rows: Vec<Vec<Scalar>> = (0..ROWS * (ROWS + 1) / 2).map(|_| elements(&mut random, 37)).collect();
            let memory: Vec<Vec<u8>> = rows.iter().map(|row| bytes(row, size)).collect();
            let pointers: Vec<*const u8> = memory.iter().map(|row| row[1..].as_ptr()).collect();
            let identities: Vec<Scalar> = (0..37).flat_map(|_| fold.identities(dtype)).collect();
            let mut out = bytes(&identities, size);
            let mut pointers = &pointers[..];
            for (count, rows) in (1..).zip(folding.rows) {
                // SAFETY: so many rows have as many elements as there are results.
                unsafe { rows(37, pointers.as_ptr(), out[1..].as_mut_ptr()) };
                pointers = &pointers[count..];
            }
            let mut in_turn = bytes(&identities, size);
            let ended: Vec<*const u8> = memory.iter().map(|row| row[1..].as_ptr()).chain([std::ptr::null()]).collect();
            // SAFETY: as above; a null address follows those of the rows.
            unsafe { (folding.rows_in_turn)(37, ended.as_ptr(), in_turn[1..].as_mut_ptr()) };
            assert!(in_turn == out || dtype.is_float(), "{fold:?} {dtype} {level:?}");
            for column in 0..37 {
                let at = 1 + column * parts * size;
                assert!(same(of_part(&in_turn[at..]), of_part(&out[at..])), "{fold:?} {dtype} {level:?}");
                let values: Vec<Scalar> = rows.iter().flat_map(|row| row[column * parts..][..parts].to_vec()).collect();
                let expected = interp::fold(fold, Tree::COLUMNS, dtype, &values);
                assert!(same(of_part(&out[1 + column * parts * size..]), expected), "{fold:?} {dtype} {level:?}");
            }
        }
    }
    assert!(count >= 50, "{count}");
}

/// The tree in other words: halves at the greatest power of two of runs.
#[test]
fn runs_are_joined_in_pairs() {
    fn tree(values: &[f64], run: usize) -> f64 {
        if values.len() <= run {
            return values.iter().fold(0.0, |sum, value| sum + value);
        }
        let half = values.len().div_ceil(run).next_power_of_two() / 2 * run;
        tree(&values[..half], run) + tree(&values[half..], run)
    }
    let mut random = Random::new();
    for n in 0..40 * COLUMN_RUN {
        let values: Vec<f64> = (0..n).map(|_| random.uniform(-1.0, 1.0)).collect();
        let scalars: Vec<Scalar> = values.iter().map(|&value| Scalar::f64(value)).collect();
        let folded = interp::fold(Fold::Add, Tree::COLUMNS, DType::F64, &scalars);
        assert_eq!(folded, Scalar::f64(tree(&values, COLUMN_RUN)), "{n}");
    }
}

#[derive(Default)]
struct Outputs(Vec<Vec<u64>>);

impl Host for Outputs {
    fn given(&self, _: usize) -> Option<ArrayRef<'_>> {
        None
    }

    fn allocate(&mut self, _: usize, _: DType, shape: &[isize], _: &[isize]) -> Result<Memory, Error> {
        self.0.push(vec![0; shape.iter().product::<isize>() as usize + 1]);
        let memory = self.0.last_mut().expect("just pushed").as_mut_ptr().cast();
        // SAFETY: eight bytes for each element, which only the call uses, and which stay where they are.
        Ok(unsafe { Memory::new(memory) })
    }
}

/// Twice, since calls like one before go another way.
fn evaluate(engine: &Engine, text: &str, args: &[ArrayRef]) -> Vec<f64> {
    let mut outputs = Outputs::default();
    let kernel = engine.compile(text, &Options::default()).expect("a program");
    for _ in 0..2 {
        kernel.call(args, &mut outputs, &CallOptions::default()).expect("a result");
    }
    assert_eq!(outputs.0[0], outputs.0[1], "{text}");
    outputs.0[0].iter().map(|&bits| f64::from_bits(bits)).collect()
}

fn view<'a>(values: &'a [f64], shape: &'a [isize], strides: &'a [isize]) -> ArrayRef<'a> {
    // SAFETY: the tests below give shapes and strides that stay within the values.
    unsafe { ArrayRef::from_raw(values.as_ptr() as *mut u8, shape, strides, Type::Strong(DType::F64), false, false) }
}

fn engines() -> Vec<Engine> {
    let levels = Simd::ALL.iter().map(|(_, simd)| *simd).filter(|simd| *simd <= Simd::best());
    levels.map(Engine::with_simd).collect()
}

fn folded(fold: Fold, tree: Tree, values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<Scalar> = values.map(Scalar::f64).collect();
    interp::fold(fold, tree, DType::F64, &values).as_f64()
}

#[test]
fn sums_of_rows_are_the_interpreters_for_every_level_and_number_of_threads() {
    let mut random = Random::new();
    for n in [1, 5, 1024, 1025, 5000, 65_535, 65_536, 70_000, 300_001] {
        let x: Vec<f64> = (0..n).map(|_| random.uniform(-1.0, 1.0)).collect();
        let shape = [n as isize];
        let arg = ArrayRef::of_slice(&x, &shape);
        let tree = Tree::of_rows(Fold::Add, DType::F64);
        let sum = folded(Fold::Add, tree, x.iter().copied());
        let squares = folded(Fold::Add, tree, x.iter().map(|x| x * x));
        for engine in engines() {
            for threads in [1, 2, 5] {
                with_threads(threads, || {
                    assert_eq!(evaluate(&engine, "sum(x)", &[arg])[0], sum, "{n} {threads}");
                    assert_eq!(evaluate(&engine, "sum(x*x)", &[arg])[0], squares, "{n} {threads}");
                    assert_eq!(evaluate(&engine, "sum(x) - sum(x*x)", &[arg])[0], sum - squares, "{n} {threads}");
                });
            }
        }
    }
}

/// Rows and columns of matrices, packed and with gaps, whole and in parts.
#[test]
fn sums_along_an_axis_are_the_interpreters() {
    let mut random = Random::new();
    for (rows, columns) in
        [(3, 7), (100, 3), (40, 600), (5000, 70), (33, 5000), (250, 2100), (2, 200_000), (200_000, 2), (17, 150_000)]
    {
        let width = columns + 3;
        let x: Vec<f64> = (0..rows * width).map(|_| random.uniform(-1.0, 1.0)).collect();
        let shape = [rows as isize, columns as isize];
        let strides = [8 * width as isize, 8];
        let arg = view(&x, &shape, &strides);
        let row = |i: usize| (0..columns).map(move |j| i * width + j);
        let column = |j: usize| (0..rows).map(move |i| i * width + j);
        let is_columns = |values: usize, results: usize| values < 32 && results > values;
        for engine in engines().into_iter().rev().take(2) {
            for (text, square) in [("sum(x, axis=0)", false), ("sum(x*x, axis=0)", true)] {
                let got = with_threads(2, || evaluate(&engine, text, &[arg]));
                for j in [0, columns / 2, columns - 1] {
                    let values = column(j).map(|at| if square { x[at] * x[at] } else { x[at] });
                    assert_eq!(got[j], folded(Fold::Add, Tree::COLUMNS, values), "{text} {rows} {columns} {j}");
                }
            }
            for (text, square) in [("sum(x, axis=1)", false), ("sum(x*x, axis=1)", true)] {
                let got = with_threads(2, || evaluate(&engine, text, &[arg]));
                for i in (0..rows).step_by(rows.div_ceil(40)) {
                    let values = row(i).map(|at| if square { x[at] * x[at] } else { x[at] });
                    let tree =
                        if is_columns(columns, rows) { Tree::COLUMNS } else { Tree::of_rows(Fold::Add, DType::F64) };
                    assert_eq!(got[i], folded(Fold::Add, tree, values), "{text} {rows} {columns} {i}");
                }
            }
            // With gaps at the rows' ends there are two axes, taken as one.
            let all = (0..rows).flat_map(row).map(|at| x[at]);
            let got = with_threads(2, || evaluate(&engine, "sum(x)", &[arg]))[0];
            assert_eq!(got, folded(Fold::Add, Tree::of_rows(Fold::Add, DType::F64), all), "{rows} {columns}");
        }
    }
}

#[test]
fn axes_of_any_order() {
    let mut random = Random::new();
    let x: Vec<f64> = (0..4 * 5 * 6 * 7).map(|_| f64::from(random.below(100) as u32)).collect();
    let engine = Engine::new();
    for _ in 0..200 {
        // Whole numbers, so that the order doesn't matter.
        let extents = [4, 5, 6, 7];
        let mut order = [0, 1, 2, 3];
        (1..4).for_each(|k| order.swap(k, random.below(k + 1)));
        let mut strides = [0isize; 4];
        let mut step = 8;
        for &axis in &order {
            strides[axis] = step;
            step *= extents[axis];
        }
        let axes: Vec<usize> = (0..4).filter(|_| random.chance(50)).collect();
        if axes.is_empty() {
            continue;
        }
        let text = match axes.as_slice() {
            [one] => format!("sum(x + 0, axis={one})"),
            several => {
                format!("sum(x, axis=({}))", several.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", "))
            }
        };
        let got = evaluate(&engine, &text, &[view(&x, &extents, &strides)]);
        let mut expected = std::collections::BTreeMap::new();
        for at in 0..840 {
            let index: Vec<isize> =
                (0..4).map(|axis| at / extents[axis + 1..].iter().product::<isize>() % extents[axis]).collect();
            let kept: Vec<isize> = (0..4).filter(|axis| !axes.contains(axis)).map(|axis| index[axis]).collect();
            let place: isize = index.iter().zip(&strides).map(|(i, stride)| i * stride / 8).sum();
            *expected.entry(kept).or_insert(0.0) += x[place as usize];
        }
        // Outputs lie in the order of the argument's axes; their sums are the same in any.
        let mut got = got[..expected.len()].to_vec();
        let mut expected: Vec<f64> = expected.into_values().collect();
        got.sort_by(f64::total_cmp);
        expected.sort_by(f64::total_cmp);
        assert_eq!(got, expected, "{text} {strides:?}");
    }
}

#[test]
fn what_is_needed_at_the_same_time_is_one_loop() {
    use numfuse::codegen::Stride;
    use numfuse::emit::{Request, Stage, emit};
    for (text, loops) in [
        ("sum(w*x) / sum(w)", 2),
        ("mean(x)", 2),
        ("var(x)", 3),
        ("mean(x) + var(x)", 3),
        ("(x - mean(x)) / std(x)", 3),
        ("ptp(x)", 2),
        ("y = x * 2; s = sum(y)", 2),
        ("let m = max(x); a = x - m; b = sum(a)", 3),
    ] {
        let request = Request {
            text: text.to_owned(),
            types: Vec::new(),
            stride: Stride::Contiguous,
            simd: Simd::best(),
            passes: numfuse::opt::Options::default(),
        };
        let program = emit(&request, Stage::Opt).expect("a program");
        assert_eq!(program.matches("loop {").count(), loops, "{text}\n{program}");
    }
}
