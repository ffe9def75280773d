//! The table of accuracies holds: `numfuse::math::accuracy::BUDGETS`.
//!
//! A sample runs by default. `cargo test --release --test accuracy -- --ignored many_float64` takes
//! millions of points a function, `... all_float32` every float32; both take a name, as in
//! `all_float32::exp`. `--nocapture` shows the greatest errors.
#![allow(unsafe_code, reason = "calls block kernels over slices of its own")]

#[path = "accuracy/oracle.rs"]
mod oracle;
#[path = "accuracy/pair.rs"]
mod pair;
#[path = "common/random.rs"]
mod random;
#[path = "accuracy/specials.rs"]
mod specials;

use numfuse::dtype::DType;
use numfuse::math::accuracy::{BUDGETS, Budget, Sampling, Unit};
use numfuse::math::block::dispatch::{Kernels, Level, level};
use numfuse::math::block::{erf, exp, gamma, hyperbolic, inverse_trig, log, logistic, normal, power, trig};
use oracle::{Nearest, ORACLES, Oracle};
use pair::{Pair, Scaled, exponent, ldexp};
use random::Random;
use std::collections::BTreeSet;

/// All elementary kernels.
const KERNELS: &[&Kernels] = &[
    &exp::EXP,
    &exp::EXP2,
    &exp::EXP10,
    &exp::EXPM1,
    &log::LOG,
    &log::LOG_APPROXIMATE,
    &log::LOG2,
    &log::LOG10,
    &log::LOG1P,
    &power::POW,
    &power::CBRT,
    &power::HYPOT,
    &logistic::LOGISTIC,
    &logistic::LOG1PEXP,
    &logistic::LOGADDEXP,
    &logistic::LOGADDEXP2,
    &trig::SIN,
    &trig::COS,
    &trig::TAN,
    &trig::SINPI,
    &trig::COSPI,
    &inverse_trig::ARCSIN,
    &inverse_trig::ARCCOS,
    &inverse_trig::ARCTAN,
    &inverse_trig::ARCTAN2,
    &hyperbolic::SINH,
    &hyperbolic::COSH,
    &hyperbolic::TANH,
    &hyperbolic::ARCSINH,
    &hyperbolic::ARCCOSH,
    &hyperbolic::ARCTANH,
    &erf::ERF,
    &erf::ERFC,
    &erf::ERFC_APPROXIMATE,
    &erf::ERFINV,
    &normal::NORM_CDF,
    &normal::NORM_LOGCDF,
    &normal::NORM_PPF,
    &normal::NORM_PPF_LOG,
    &normal::ERFCX,
    &normal::ERFCINV,
    &logistic::LOG1MEXP,
    &logistic::LOGIT,
    &power::ROOT,
    &gamma::GAMMA,
    &gamma::LGAMMA,
    &gamma::DIGAMMA,
    &gamma::TRIGAMMA,
];

impl Random {
    fn sign(&mut self) -> f64 {
        if self.bits() & 1 == 0 { 1.0 } else { -1.0 }
    }

    /// `2**x` for x uniform.
    fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        let x = self.uniform(low, high);
        ldexp((x - x.floor()).exp2(), x.floor() as i32)
    }

    /// A neighbour in the type, at most `2**bits` of its values away.
    fn neighbour(&mut self, x: f64, bits: u32, dtype: DType) -> f64 {
        let steps = self.bits() & ((2 << bits) - 1);
        if dtype == DType::F32 {
            let x = (x as f32).to_bits().wrapping_add(steps as u32).wrapping_sub(1 << bits);
            return f32::from_bits(x).into();
        }
        f64::from_bits(x.to_bits().wrapping_add(steps).wrapping_sub(1 << bits))
    }

    /// A finite argument, of which float32 arguments are the nearest.
    fn draw(&mut self, sampling: &Sampling, first: f64, dtype: DType) -> f64 {
        loop {
            let x = match *sampling {
                Sampling::Uniform(low, high) => self.uniform(low, high),
                Sampling::Magnitudes(low, high) => self.sign() * self.magnitude(low, high),
                Sampling::Positive(low, high) => self.magnitude(low, high),
                Sampling::Near(points) => {
                    let point = points[self.bits() as usize % points.len()] * self.sign();
                    let bits = self.bits() % 10;
                    self.neighbour(point, bits as u32, dtype)
                }
                Sampling::Multiples(unit) => {
                    let multiple = unit * self.magnitude(0.0, 20.0).floor() * self.sign();
                    self.neighbour(multiple, 2, dtype)
                }
                Sampling::Bits if dtype == DType::F32 => f32::from_bits(self.bits() as u32).into(),
                Sampling::Bits => f64::from_bits(self.bits()),
                Sampling::Exponent(low, high) => self.uniform(low, high) / first.abs().log2(),
                Sampling::Ratio(low, high) => first * self.magnitude(low, high) * self.sign(),
                Sampling::Offset(low, high) => first + self.uniform(low, high),
            };
            let x = if dtype == DType::F32 { (x as f32).into() } else { x };
            if x.is_finite() {
                return x;
            }
            // A second argument that follows from the first may be infinite for each draw.
            if matches!(sampling, Sampling::Exponent(..) | Sampling::Ratio(..) | Sampling::Offset(..)) {
                return self.uniform(-4.0, 4.0) as f32 as f64;
            }
        }
    }
}

/// The arguments of many calls, each argument's together.
type Columns = Vec<Vec<f64>>;

fn sample(budget: &Budget, count: usize, random: &mut Random) -> Columns {
    let mut columns = vec![Vec::with_capacity(count); budget.domain.arguments.len()];
    for _ in 0..count {
        let mut first = 0.0;
        for (column, samplings) in columns.iter_mut().zip(budget.domain.arguments) {
            let sampling = &samplings[random.bits() as usize % samplings.len()];
            first = random.draw(sampling, first, budget.dtype);
            column.push(first);
        }
    }
    columns
}

fn evaluate(kernels: &Kernels, dtype: DType, level: Level, columns: &[Vec<f64>]) -> Vec<f64> {
    fn call<T: Copy + Default>(function: numfuse::ir::BlockFn, columns: &[Vec<T>]) -> Vec<T> {
        let args: Vec<*const u8> = columns.iter().map(|c| c.as_ptr().cast()).collect();
        let mut out = vec![T::default(); columns[0].len()];
        // SAFETY: as many columns as the function has arguments, all of the type that it is for and
        // of the length given, and a result apart from them; the machine has the level.
        unsafe { function(out.len(), args.as_ptr(), out.as_mut_ptr().cast()) };
        out
    }
    assert_eq!(columns.len(), kernels.double.params().len());
    if dtype == DType::F64 {
        return call(kernels.double.at(level), columns);
    }
    let columns: Vec<Vec<f32>> = columns.iter().map(|c| c.iter().map(|x| *x as f32).collect()).collect();
    call(kernels.single.at(level), &columns).into_iter().map(f64::from).collect()
}

/// The error of a result in units in the last place of the true value.
fn error(result: f64, truth: Scaled, dtype: DType) -> f64 {
    let Scaled(Pair(high, low), k) = truth;
    let (bits, least, greatest) = if dtype == DType::F32 { (24, -149, 104) } else { (53, -1074, 971) };
    if result.is_nan() || high.is_nan() {
        return if result.is_nan() && high.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if high.is_infinite() || high == 0.0 {
        return if high == result { 0.0 } else { f64::INFINITY };
    }
    let is_below_power = low != 0.0 && (low < 0.0) == (high > 0.0) && high.to_bits() << 12 == 0;
    let last = (exponent(high) + k - i32::from(is_below_power) - (bits - 1)).clamp(least, greatest);
    let (high, low) = (ldexp(high, k - last), ldexp(low, k - last));
    if result.is_infinite() {
        // As if the type had the next power of two, to which all beyond rounds.
        let end = ldexp(1.0, bits).copysign(result);
        let distance = (end - high) - low;
        let is_beyond = (high * result.signum() - ldexp(1.0, bits)) + low * result.signum() >= -0.5;
        return if is_beyond && last == greatest { 0.0 } else { distance.abs() };
    }
    ((ldexp(result, -last) - high) - low).abs()
}

/// The number of values of the type from one to the other.
fn distance(a: f64, b: f64) -> u64 {
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() { 0 } else { u64::MAX };
    }
    place(a).abs_diff(place(b))
}

/// The error of a float64 result. A correctly rounded result's isn't looked at more closely: 0.5.
fn error64(oracle: &Oracle, x: f64, y: f64, result: f64) -> f64 {
    let nearest = match oracle.nearest {
        Nearest::One(function) => Some(function(x)),
        Nearest::Two(function) => Some(function(x, y)),
        Nearest::None => None,
    };
    match nearest.map(|nearest| (nearest, distance(result, nearest))) {
        Some((_, 0)) => 0.5,
        Some((nearest, _)) if nearest.is_nan() || result.is_nan() => f64::INFINITY,
        Some((nearest, apart)) => {
            let truth = (oracle.value)(x, y);
            let own = error(nearest, truth, DType::F64);
            assert!(
                own < 0.500001,
                "{}: the oracles disagree at {x:e} ({:#x}), {y:e}: {nearest:e} is {own} ULP from {truth:?}",
                oracle.function,
                x.to_bits()
            );
            if apart > 1 << 20 { f64::INFINITY } else { error(result, truth, DType::F64) }
        }
        None => error(result, (oracle.value)(x, y), DType::F64),
    }
}

/// The error of a float32 result.
fn error32(oracle: &Oracle, x: f64, y: f64, result: f64) -> f64 {
    let truth = match oracle.nearest {
        Nearest::One(function) => function(x),
        Nearest::Two(function) => function(x, y),
        Nearest::None => (oracle.double)(x, y),
    };
    error(result, Scaled(Pair(truth, 0.0), 0), DType::F32)
}

/// What part of a unit that errors are counted in a result's last place is.
fn share(unit: Unit, argument: f64, result: f64) -> f64 {
    if unit == Unit::Result || result.is_nan() || result.abs() >= argument {
        return 1.0;
    }
    ldexp(1.0, exponent(result.abs().max(f64::MIN_POSITIVE)) - exponent(argument))
}

/// The levels of this machine.
fn levels() -> Vec<Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|l| *l <= level()).collect()
}

fn find(function: &str, dtype: DType) -> (&'static Budget, &'static Oracle, &'static Kernels) {
    let budget = BUDGETS.iter().find(|b| b.function == function && b.dtype == dtype).expect("a row of the table");
    let oracle = ORACLES.iter().find(|o| o.function == function).expect("an oracle");
    let kernels = KERNELS.iter().find(|k| k.name == function).expect("a kernel");
    (budget, oracle, kernels)
}

/// Holds a budget on a sample.
fn check(function: &str, dtype: DType, count: usize, random: &mut Random) {
    let (budget, oracle, kernels) = find(function, dtype);
    let columns = sample(budget, count, random);
    let row = |n: usize| (columns[0][n], columns.get(1).map_or(0.0, |c| c[n]));
    let error = if dtype == DType::F64 { error64 } else { error32 };
    let mut failures = Vec::new();
    let mut before: Option<(Level, Vec<f64>)> = None;
    for level in levels() {
        let results = evaluate(kernels, dtype, level, &columns);
        let (mut worst, mut place, mut beyond) = (0.0, 0, 0);
        for (n, result) in results.iter().enumerate() {
            let (x, y) = row(n);
            let error = error(oracle, x, y, *result) * share(budget.unit, x.abs().max(y.abs()), *result);
            if error > worst {
                (worst, place) = (error, n);
            }
            beyond += usize::from(error > budget.ulp);
        }
        let (x, y) = row(place);
        let text = format!(
            "{function} {dtype} {level:?}: {worst:.3} ULP at {x:e} ({:#x}), {y:e} ({:#x}): {:e}",
            x.to_bits(),
            y.to_bits(),
            results[place]
        );
        println!("{text}");
        if worst > budget.ulp {
            failures.push(format!("{text}; {beyond} of {count} beyond {}", budget.ulp));
        }
        // With fused multiply-add, the width changes no bit.
        if let Some((Level::Avx2, narrow)) = &before
            && let Some(n) = (0..count).find(|&n| narrow[n].to_bits() != results[n].to_bits())
        {
            failures.push(format!("{function} {dtype}: {level:?} differs at {:e}, {:e}", row(n).0, row(n).1));
        }
        failures.extend(neighbours(kernels, dtype, level, &columns, &results));
        before = Some((level, results));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A result depends on its own arguments alone, whether alone, or among rare arguments.
fn neighbours(kernels: &Kernels, dtype: DType, level: Level, columns: &Columns, results: &[f64]) -> Option<String> {
    let count = results.len().min(8192);
    let rare = [f64::NAN, f64::INFINITY, 1e300, -1e300, 5e-324, -0.0, 1e-310, -745.1];
    let among: Columns = columns
        .iter()
        .map(|c| c[..count].iter().enumerate().map(|(n, x)| if n % 61 == 7 { rare[n / 61 % 8] } else { *x }).collect())
        .collect();
    let among = evaluate(kernels, dtype, level, &among);
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    for n in (0..count).filter(|n| n % 61 != 7) {
        let args: Columns = columns.iter().map(|c| vec![c[n]]).collect();
        let alone = if n % 8 == 0 { evaluate(kernels, dtype, level, &args)[0] } else { results[n] };
        if !same(alone, results[n]) || !same(among[n], results[n]) {
            let (result, among) = (results[n], among[n]);
            return Some(format!(
                "{} {dtype} {level:?}: {args:?} is {result:e}, alone {alone:e}, among rare arguments {among:e}",
                kernels.name
            ));
        }
    }
    None
}

/// Holds a budget for every float32. The float64 kernels are the reference, which other tests hold to
/// theirs: what is less than a hundredth of a unit from a bound is looked up by the oracle.
fn check_all(function: &str) {
    let (budget, oracle, kernels) = find(function, DType::F32);
    if kernels.double.params().len() > 1 {
        return check(function, DType::F32, 20_000_000, &mut Random::new());
    }
    // At all levels with fused multiply-add the bits are the same, which samples show.
    for level in BTreeSet::from([Level::Baseline, level()]) {
        let (mut worst, mut place) = (0.0, 0f32);
        const RUN: u64 = 1 << 16;
        for start in (0..1 << 32).step_by(RUN as usize) {
            let arguments: Vec<f64> = (start..start + RUN).map(|bits| f32::from_bits(bits as u32).into()).collect();
            let columns = vec![arguments];
            let results = evaluate(kernels, DType::F32, level, &columns);
            let references = evaluate(kernels, DType::F64, crate::level(), &columns);
            for ((&x, &result), reference) in columns[0].iter().zip(&results).zip(references) {
                // Most are the nearest float32, so that nothing greater comes of them.
                let nearest = f64::from(reference as f32);
                if result.to_bits() == nearest.to_bits() || result.is_nan() && nearest.is_nan() {
                    continue;
                }
                let mut error = error(result, Scaled(Pair(reference, 0.0), 0), DType::F32);
                if error > budget.ulp - 0.01 {
                    error = error32(oracle, x, 0.0, result);
                }
                if error > worst {
                    (worst, place) = (error, x as f32);
                }
            }
        }
        println!("{function} float32 {level:?}: {worst:.4} ULP at {place:e} ({:#x})", place.to_bits());
        assert!(worst <= budget.ulp, "{function} {level:?}: {worst} ULP at {place:e} ({:#x})", place.to_bits());
    }
}

/// Special values are exact, at every level, alone and in vectors.
fn check_specials(function: &str) {
    let (.., kernels) = find(function, DType::F64);
    let mut failures = Vec::new();
    for dtype in [DType::F64, DType::F32] {
        let held = |x: f64| dtype == DType::F64 || f64::from(x as f32).to_bits() == x.to_bits() || x.is_nan();
        for level in levels() {
            for (args, want) in
                specials::of(function).into_iter().filter(|(a, w)| a.iter().all(|x| held(*x)) && held(*w))
            {
                for count in [1, 40] {
                    let columns: Columns = args.iter().map(|x| vec![*x; count]).collect();
                    for result in evaluate(kernels, dtype, level, &columns) {
                        if result.to_bits() != want.to_bits() && !(result.is_nan() && want.is_nan()) {
                            failures.push(format!("{function} {dtype} {level:?} {args:?}: {result:e}, not {want:e}"));
                            break;
                        }
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

macro_rules! functions {
    ($($function:ident)+) => {
        mod float64 {
            $(#[test] fn $function() { super::check(stringify!($function), super::DType::F64, 20_000, &mut super::Random::new()) })+
        }
        mod float32 {
            $(#[test] fn $function() { super::check(stringify!($function), super::DType::F32, 20_000, &mut super::Random::new()) })+
        }
        mod special_values {
            $(#[test] fn $function() { super::check_specials(stringify!($function)) })+
        }
        mod many_float64 {
            $(
                #[test]
                #[ignore = "minutes"]
                fn $function() {
                    let mut random = super::Random::new();
                    for _ in 0..10 {
                        super::check(stringify!($function), super::DType::F64, 400_000, &mut random);
                    }
                }
            )+
        }
        mod all_float32 {
            $(
                #[test]
                #[ignore = "minutes"]
                fn $function() { super::check_all(stringify!($function)) }
            )+
        }
        const FUNCTIONS: &[&str] = &[$(stringify!($function)),+];
    };
}

functions! {
    exp exp2 exp10 expm1 log log_approximate log2 log10 log1p pow cbrt hypot
    sin cos tan sinpi cospi arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh
    erf erfc erfc_approximate erfinv logistic log1pexp logaddexp logaddexp2
    norm_cdf norm_logcdf norm_ppf norm_ppf_log erfcx erfcinv log1mexp logit root gamma lgamma digamma trigamma
}

#[test]
fn the_table_and_the_tests_are_of_the_same_functions() {
    let sorted = |names: Vec<&'static str>| {
        let mut names = names;
        names.sort_unstable();
        names
    };
    let tested = sorted(FUNCTIONS.to_vec());
    assert_eq!(tested, sorted(KERNELS.iter().map(|k| k.name).collect()));
    for dtype in [DType::F32, DType::F64] {
        assert_eq!(tested, sorted(BUDGETS.iter().filter(|b| b.dtype == dtype).map(|b| b.function).collect()));
    }
}
