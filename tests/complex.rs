//! Functions of complex numbers against values from many digits, tests/data/complex.txt, which the script of that name
//! beside it makes.
#![allow(unsafe_code, reason = "kernels are called by address")]

use numfuse::dtype::DType;
use numfuse::math::block::dispatch::{Kernels, Level, level};
use numfuse::math::complex::ALL;
use std::collections::BTreeMap;

/// The bounds on errors: of the value, over its modulus and `2**-52`, and of its parts, in units in the last place: that
/// of all but one in a hundred and that of all. Where a part is the little difference of large terms, it has few
/// correct digits.
const BOUNDS: &[(&str, f64, f64, f64)] = &[
    ("exp", 2.0, 3.0, 3.0),
    ("exp2", 2.0, 3.0, 3.0),
    ("expm1", 3.0, 4.0, 64.0),
    ("sin", 2.0, 3.0, 3.0),
    ("cos", 2.0, 3.0, 3.0),
    ("tan", 3.0, 4.0, 5.0),
    ("sinh", 2.0, 3.0, 3.0),
    ("cosh", 2.0, 3.0, 3.0),
    ("tanh", 3.0, 4.0, 5.0),
    // Next to the unit circle, where squares without a fused multiply-add are exact but for their last digits.
    ("log", 2.0, 2.0, 6.0),
    ("log2", 2.0, 2.0, 3.0),
    ("log10", 2.0, 2.0, 3.0),
    ("log1p", 2.0, 2.0, 3.0),
    ("sqrt", 2.0, 2.0, 3.0),
    ("arcsin", 3.0, 3.0, 5.0),
    ("arccos", 3.0, 3.0, 5.0),
    ("arctan", 3.0, 3.0, 5.0),
    ("arcsinh", 3.0, 3.0, 5.0),
    ("arccosh", 3.0, 3.0, 5.0),
    ("arctanh", 3.0, 3.0, 5.0),
    ("power", 4.0, 16.0, 1024.0),
];

/// The values of a kernel for the parts of arguments, in a type at a level.
fn evaluate<T: Copy + Default>(kernels: &Kernels, dtype: DType, level: Level, columns: &[Vec<T>]) -> Vec<T> {
    let kernel = if dtype == DType::F32 { &kernels.single } else { &kernels.double };
    assert_eq!(kernel.params(), vec![dtype; columns.len()]);
    let args: Vec<*const u8> = columns.iter().map(|column| column.as_ptr().cast()).collect();
    let mut out = vec![T::default(); columns[0].len()];
    // SAFETY: as many columns as the function has arguments, all of the type that it is for and of the length given, and
    // a result apart from them; the machine has the level.
    unsafe { kernel.at(level)(out.len(), args.as_ptr(), out.as_mut_ptr().cast()) };
    out
}

fn levels() -> impl Iterator<Item = Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|one| *one <= level())
}

/// The table by functions: a column for each part of the arguments, then one for each of the value.
fn table() -> BTreeMap<&'static str, Vec<Vec<f64>>> {
    let mut table: BTreeMap<&str, Vec<Vec<f64>>> = BTreeMap::new();
    for line in include_str!("data/complex.txt").lines() {
        let (name, numbers) = line.split_once(' ').unwrap();
        let numbers: Vec<f64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let columns = table.entry(name).or_insert_with(|| vec![Vec::new(); numbers.len()]);
        columns.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
    }
    table
}

/// The distance to the next number of greater magnitude.
fn ulp(x: f64) -> f64 {
    x.abs().next_up() - x.abs()
}

#[test]
fn agree_with_many_digits() {
    let table = table();
    let mut failures = Vec::new();
    for &(name, whole, most, all) in BOUNDS {
        let columns = &table[name];
        let (args, truth) = columns.split_at(columns.len() - 2);
        let function = ALL.iter().find(|function| function.name == name).unwrap();
        for level in levels() {
            let parts = [&function.real, &function.imag].map(|part| evaluate(part, DType::F64, level, args));
            let error = |part: usize, row: usize| (parts[part][row] - truth[part][row]).abs();
            let (mut norms, mut ulps): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
            for (row, (real, imag)) in truth[0].iter().zip(&truth[1]).enumerate() {
                let modulus = real.hypot(*imag);
                norms.push(error(0, row).hypot(error(1, row)) / modulus / f64::EPSILON);
                ulps.extend([0, 1].map(|part| error(part, row) / ulp(truth[part][row])));
            }
            for errors in [&mut norms, &mut ulps] {
                assert!(errors.len() >= 40, "{name} has few points");
                errors.sort_by(f64::total_cmp);
            }
            let found = [norms[norms.len() - 1], ulps[ulps.len() * 99 / 100 - 1], ulps[ulps.len() - 1]];
            println!("{name:8} {level:?}: {found:.2?} of {} points", norms.len());
            if !found.iter().zip([whole, most, all]).all(|(found, bound)| *found <= bound) {
                failures.push(format!("{name} {level:?}: {found:.2?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// complex64 is computed in float64, and rounded.
#[test]
fn single_precision_is_rounded() {
    for (name, columns) in table() {
        let args: Vec<Vec<f32>> =
            columns[..columns.len() - 2].iter().map(|c| c.iter().map(|x| *x as f32).collect()).collect();
        let wide: Vec<Vec<f64>> = args.iter().map(|c| c.iter().map(|x| f64::from(*x)).collect()).collect();
        let function = ALL.iter().find(|function| function.name == name).unwrap();
        for (part, level) in [&function.real, &function.imag].into_iter().flat_map(|p| levels().map(move |l| (p, l))) {
            let (single, double) = (evaluate(part, DType::F32, level, &args), evaluate(part, DType::F64, level, &wide));
            for (row, (single, double)) in single.into_iter().zip(double).enumerate() {
                let same = single.to_bits() == (double as f32).to_bits() || single.is_nan() && double.is_nan();
                assert!(
                    same,
                    "{} at {:?}: {single:e}, not {double:e}",
                    part.name,
                    args.iter().map(|c| c[row]).collect::<Vec<_>>()
                );
            }
        }
    }
}

/// A result depends on its own arguments alone: not on rare ones beside it.
#[test]
fn neighbours_change_nothing() {
    const RARE: [f64; 8] = [f64::NAN, f64::INFINITY, 1e300, -1e300, 5e-324, -0.0, 1e-310, -745.1];
    for (name, columns) in table() {
        let args = &columns[..columns.len() - 2];
        let function = ALL.iter().find(|function| function.name == name).unwrap();
        for (part, level) in [&function.real, &function.imag].into_iter().flat_map(|p| levels().map(move |l| (p, l))) {
            let usual = evaluate(part, DType::F64, level, args);
            let mixed: Vec<Vec<f64>> = args
                .iter()
                .map(|c| c.iter().enumerate().map(|(n, x)| if n % 11 == 7 { RARE[n / 11 % 8] } else { *x }).collect())
                .collect();
            let among = evaluate(part, DType::F64, level, &mixed);
            for row in (0..usual.len()).filter(|n| n % 11 != 7) {
                let alone: Vec<Vec<f64>> = args.iter().map(|c| vec![c[row]]).collect();
                let alone = evaluate(part, DType::F64, level, &alone)[0];
                let point: Vec<f64> = args.iter().map(|c| c[row]).collect();
                assert_eq!(usual[row].to_bits(), among[row].to_bits(), "{} {level:?} at {point:?}", part.name);
                assert_eq!(usual[row].to_bits(), alone.to_bits(), "{} {level:?} at {point:?}", part.name);
            }
        }
    }
}
