//! The distributions against correctly rounded values, through R's names.
//!
//! An error is counted in units of `ulp(true value) * (1 + condition)`: the condition number says how many units in the
//! last place the value changes by when the arguments change by one.

#[path = "common/random.rs"]
mod random;

use numfuse::array::{ArrayRef, Memory};
use numfuse::diagnostic::Error;
use numfuse::dtype::DType;
use numfuse::engine::{CallOptions, Engine, Host, Options};
use random::Random;
use serde_json::Value;
use std::collections::BTreeMap;

/// A distribution's name in the tables and in R, and how R's function is called with the tables' parameters, `{}` being
/// x and `#` the flags.
const ROWS: &[(&str, &str)] = &[
    ("unif", "unif({}, a, b, #)"),
    ("norm", "norm({}, a, b, #)"),
    ("gamma", "gamma({}, a, scale=b, #)"),
    ("beta", "beta({}, a, b, #)"),
    ("t", "t({}, a, #)"),
    ("chisq", "chisq({}, a, #)"),
    ("f", "f({}, a, b, #)"),
    ("exp", "exp({}, 1/a, #)"),
    ("lnorm", "lnorm({}, a, b, #)"),
    ("weibull", "weibull({}, a, b, #)"),
    ("logis", "logis({}, a, b, #)"),
    ("cauchy", "cauchy({}, a, b, #)"),
    ("laplace", "laplace({}, a, b, #)"),
    ("gumbel", "gumbel({}, a, b, #)"),
    ("binom", "binom({}, a, b, #)"),
    ("pois", "pois({}, a, #)"),
    ("geom", "geom({}, a, #)"),
    ("nbinom", "nbinom({}, a, b, #)"),
    ("hyper", "hyper({}, a, b, c, #)"),
];

/// R's letter and flags of each column.
const CALLS: [(&str, &str); 6] = [
    ("d", "log=False"),
    ("d", "log=True"),
    ("p", "lower_tail=True, log_p=False"),
    ("p", "lower_tail=False, log_p=False"),
    ("p", "lower_tail=True, log_p=True"),
    ("p", "lower_tail=False, log_p=True"),
];

/// A host of kernels that allocate nothing.
struct Nothing;

impl Host for Nothing {
    fn given(&self, _: usize) -> Option<ArrayRef<'_>> {
        None
    }

    fn allocate(&mut self, _: usize, _: DType, _: &[isize], _: &[isize]) -> Result<Memory, Error> {
        Err(Error::Memory("the test gives all memory".into()))
    }
}

/// Values of an expression over x and parameters `a`, `b`, `c`, for all points at once.
fn evaluate(engine: &Engine, expression: &str, x: &[f64], params: &[Vec<f64>]) -> Vec<f64> {
    let shape = [x.len() as isize];
    let column = |k: usize| -> Vec<f64> { params.iter().map(|params| params.get(k).copied().unwrap_or(0.0)).collect() };
    let columns = [column(0), column(1), column(2)];
    let options = Options::default();
    let kernel = engine.compile(&format!("result_ += {expression}"), &options).unwrap_or_else(|e| panic!("{e}"));
    let mut values = vec![-0.0; x.len()];
    let target = ArrayRef::of_slice_mut(&mut values, &shape);
    let argument = |name: &str| match name {
        "result_" => target,
        "x" => ArrayRef::of_slice(x, &shape),
        name => ArrayRef::of_slice(&columns["abc".find(name).expect("a parameter")], &shape),
    };
    let arguments: Vec<ArrayRef> = kernel.arguments().iter().map(|name| argument(name)).collect();
    kernel.call(&arguments, &mut Nothing, &CallOptions::default()).unwrap_or_else(|e| panic!("{expression}\n{e}"));
    values
}

const COLUMNS: [&str; 6] = ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"];
const KINDS: [&str; 4] = ["p", "q", "logp", "logq"];

/// A number of the table: C99's hexadecimal, or JSON's.
fn number(value: &Value) -> f64 {
    let Value::String(text) = value else { return value.as_f64().unwrap() };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, &text[..]),
    };
    let Some(digits) = digits.strip_prefix("0x") else { return sign * digits.parse::<f64>().unwrap() };
    let (significand, exponent) = digits.split_once('p').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    // At most 53 bits: exact. The scaling is in two steps, since that by itself may be out of range.
    let bits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap() as f64;
    let exponent = exponent - 4 * fraction.len() as i32;
    sign * bits * f64::powi(2.0, exponent / 2) * f64::powi(2.0, exponent - exponent / 2)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The distance to the next number of greater magnitude.
fn ulp(x: f64) -> f64 {
    let x = x.abs().min(f64::MAX.next_down());
    x.next_up() - x
}

/// The error; infinite for a gross failure: a wrong infinity or NaN, or a sign or zero that the condition
/// number doesn't excuse (where a quantile crosses zero, nothing is left of it).
fn error(got: f64, truth: f64, condition: f64) -> f64 {
    if got == truth {
        return 0.0;
    }
    if got.is_nan() || got.is_infinite() || truth.is_infinite() {
        return f64::INFINITY;
    }
    let error = ((got - truth) / ulp(truth)).abs() / (1.0 + condition);
    let is_gross = got * truth.signum() < 0.0 || (got == 0.0 && truth.abs() > 1e-320);
    if is_gross && error > 2.0 { f64::INFINITY } else { error }
}

/// Errors, and what gave the greatest.
#[derive(Default)]
struct Score {
    errors: Vec<f64>,
    worst: String,
}

impl Score {
    fn add(&mut self, error: f64, what: impl FnOnce() -> String) {
        if self.errors.iter().all(|other| *other < error) {
            self.worst = what();
        }
        self.errors.push(error);
    }

    /// The share of errors within a bound.
    fn within(&self, bound: f64) -> f64 {
        self.errors.iter().filter(|error| **error <= bound).count() as f64 / self.errors.len() as f64
    }

    fn greatest(&self) -> f64 {
        self.errors.iter().copied().fold(0.0, f64::max)
    }

    fn print(&self, name: &str) {
        println!(
            "{name:16} {:4} values, {:5.1} % within 2, {:5.1} % within 16, greatest {:.3}: {}",
            self.errors.len(),
            100.0 * self.within(2.0),
            100.0 * self.within(16.0),
            self.greatest(),
            self.worst,
        );
    }
}

/// R's call of a distribution of the tables.
fn call(name: &str, letter: &str, flags: &str) -> String {
    let (_, call) = ROWS.iter().find(|(row, _)| *row == name).unwrap_or_else(|| panic!("{name} has no row"));
    format!("{letter}{}", call.replace("{}", "x").replace('#', flags))
}

/// The columns of a table, and what is beyond its bounds.
fn check(table: &Value, failures: &mut Vec<String>) {
    let engine = Engine::new();
    for (name, entry) in table["dists"].as_object().unwrap() {
        let call = |letter: &str, flags: &str| call(name, letter, flags);
        let is_discrete = entry["discrete"].as_bool().unwrap();
        let (mut values, mut quantiles) = (Score::default(), Score::default());
        let points = entry["points"].as_array().unwrap();
        let x: Vec<f64> = points.iter().map(|point| number(&point[0])).collect();
        let params: Vec<Vec<f64>> = points.iter().map(|point| numbers(&point[1])).collect();
        for (column, title) in COLUMNS.iter().enumerate() {
            let (letter, flags) = CALLS[column];
            let got = evaluate(&engine, &call(letter, flags), &x, &params);
            let mut score = Score::default();
            for (k, point) in points.iter().enumerate() {
                let truth = number(&point[2 + column]);
                let error = error(got[k], truth, number(&point[8][column]));
                let what = || format!("{name} {title}({:e}; {:?}) is {:e}, not {truth:e}", x[k], params[k], got[k]);
                values.add(error, what);
                score.add(error, what);
            }
            score.print(&format!("{name} {title}"));
        }
        let mut by_kind: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for point in entry["quantiles"].as_array().unwrap() {
            by_kind.entry(point[0].as_str().unwrap()).or_default().push(point);
        }
        for (kind, points) in by_kind {
            let place = KINDS.iter().position(|name| *name == kind).unwrap();
            let flags = CALLS[2 + place].1;
            let p: Vec<f64> = points.iter().map(|point| number(&point[1])).collect();
            let params: Vec<Vec<f64>> = points.iter().map(|point| numbers(&point[2])).collect();
            let got = evaluate(&engine, &call("q", flags), &p, &params);
            for (k, point) in points.iter().enumerate() {
                let (truth, condition) = (number(&point[3]), number(&point[4]));
                let error =
                    if is_discrete && got[k] != truth { f64::INFINITY } else { error(got[k], truth, condition) };
                let what =
                    || format!("{name} quantile({kind} = {:e}; {:?}) is {:e}, not {truth:e}", p[k], params[k], got[k]);
                quantiles.add(error, what);
            }
        }
        quantiles.print(&format!("{name} quantiles"));
        let bound = if name == "hyper" { 8192.0 } else { 256.0 };
        let is_good = values.greatest() <= bound && values.within(16.0) >= 0.99 && values.within(2.0) >= 0.95;
        if !is_good {
            failures.push(values.worst);
        }
        let bound = if is_discrete { 0.0 } else { f64::MAX };
        if !(quantiles.greatest() <= bound && quantiles.within(64.0) >= 0.99 && quantiles.within(2.0) >= 0.9) {
            failures.push(quantiles.worst);
        }
    }
}

#[test]
fn agree_with_the_tables() {
    let mut failures = Vec::new();
    for file in ["distributions.json", "distributions_more.json"] {
        let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        check(&serde_json::from_str(&text).unwrap(), &mut failures);
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Values at the ends of the support, beyond them and for parameters outside the domain, as SciPy has them; but quantiles
/// of discrete distributions at 0 are the least number, not one below it.
#[test]
fn ends_of_the_support() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let engine = Engine::new();
    let value = |letter: &str, name: &str, flags: &str, x: f64, params: &[f64]| {
        evaluate(&engine, &call(name, letter, flags), &[x], &[params.to_vec()])[0]
    };
    // x, parameters, and the columns.
    let values: [(&str, f64, &[f64], [f64; 6]); 16] = [
        ("gamma", 0.0, &[0.5, 1.0], [INF, INF, 0.0, 1.0, -INF, 0.0]),
        ("gamma", 0.0, &[1.0, 1.0], [1.0, 0.0, 0.0, 1.0, -INF, 0.0]),
        ("gamma", 0.0, &[2.0, 1.0], [0.0, -INF, 0.0, 1.0, -INF, 0.0]),
        ("gamma", -1.0, &[0.5, 1.0], [0.0, -INF, 0.0, 1.0, -INF, 0.0]),
        ("gamma", INF, &[0.5, 1.0], [0.0, -INF, 1.0, 0.0, 0.0, -INF]),
        ("gamma", -INF, &[0.5, 1.0], [0.0, -INF, 0.0, 1.0, -INF, 0.0]),
        ("gamma", 1.0, &[0.0, 1.0], [NAN; 6]),
        ("gamma", -1.0, &[-1.0, 1.0], [NAN; 6]),
        ("gamma", 1.0, &[INF, 1.0], [NAN; 6]),
        ("gamma", NAN, &[1.0, 1.0], [NAN; 6]),
        ("chisq", 0.0, &[2.0], [0.5, -std::f64::consts::LN_2, 0.0, 1.0, -INF, 0.0]),
        ("pois", 0.5, &[0.0], [0.0, -INF, 1.0, 0.0, 0.0, -INF]),
        ("pois", 0.0, &[0.0], [1.0, 0.0, 1.0, 0.0, 0.0, -INF]),
        ("pois", -0.5, &[3.0], [0.0, -INF, 0.0, 1.0, -INF, 0.0]),
        ("pois", INF, &[3.0], [0.0, -INF, 1.0, 0.0, 0.0, -INF]),
        ("pois", 1.0, &[-1.0], [NAN; 6]),
    ];
    for (name, x, params, truths) in values {
        for ((letter, flags), (column, truth)) in CALLS.iter().zip(COLUMNS.iter().zip(truths)) {
            let got = value(letter, name, flags, x, params);
            assert!(
                got == truth || got.is_nan() && truth.is_nan(),
                "{name} {column}({x}; {params:?}) is {got}, not {truth}"
            );
        }
    }
    // The probability of the lower side, and the quantile; upper ones and logarithms follow.
    for (name, params) in [("gamma", &[2.5, 1.0][..]), ("chisq", &[3.0]), ("pois", &[3.0])] {
        for (p, truth) in [(0.0, 0.0), (1.0, INF), (-0.1, NAN), (1.1, NAN), (NAN, NAN)] {
            for ((_, flags), (kind, p)) in CALLS[2..].iter().zip(KINDS.iter().zip([p, 1.0 - p, p.ln(), (1.0 - p).ln()]))
            {
                let got = value("q", name, flags, p, params);
                assert!(got == truth || got.is_nan() && truth.is_nan(), "{name} of {kind} = {p} is {got}, not {truth}");
            }
        }
    }
    for (_, flags) in &CALLS[2..] {
        assert!(value("q", "gamma", flags, 0.5, &[-1.0, 1.0]).is_nan());
        assert!(value("q", "pois", flags, 0.5, &[-1.0]).is_nan());
    }
}

/// Quantiles of large counts are the least numbers that reach the probability, also where it is so near 1 that many have
/// the same; and those of beta distributions with very unequal shapes give the probability back.
#[test]
fn quantiles_reach_the_probability() {
    let engine = Engine::new();
    let mut random = Random::new();
    for (name, bounds) in [
        ("pois", [(0.0, 14.0), (0.0, 0.0)]),
        ("binom", [(1.0, 12.0), (-6.0, -0.01)]),
        ("nbinom", [(1.0, 9.0), (-4.0, -0.01)]),
    ] {
        let power = |random: &mut Random, (low, high): (f64, f64)| 10f64.powf(random.uniform(low, high));
        let mut params: Vec<Vec<f64>> =
            (0..2000).map(|_| bounds.map(|bounds| power(&mut random, bounds)).to_vec()).collect();
        params.iter_mut().for_each(|params| params[0] = params[0].floor());
        if name == "nbinom" {
            params[0] = vec![2.4879340561870586e7, 1e-6];
        }
        let mut p: Vec<f64> = (0..2000).map(|_| 1.0 - power(&mut random, (-16.0, 0.0))).collect();
        p[0] = 0.5;
        for (_, flags) in &CALLS[2..4] {
            let is_upper = flags.contains("lower_tail=False");
            let points = evaluate(&engine, &call(name, "q", flags), &p, &params);
            let before: Vec<f64> = points.iter().map(|x| x - 1.0).collect();
            let at = evaluate(&engine, &call(name, "p", flags), &points, &params);
            let not_yet = evaluate(&engine, &call(name, "p", flags), &before, &params);
            for (k, p) in p.iter().enumerate() {
                let reaches = |value: f64, slack: f64| if is_upper { value <= p + slack } else { value >= p - slack };
                assert!(
                    reaches(at[k], 2e-15 * p) && !reaches(not_yet[k], 0.0),
                    "{name}({p:e}; {:?}; {flags}) is {:e}, with {:e}; before it {:e}",
                    params[k],
                    points[k],
                    at[k],
                    not_yet[k]
                );
            }
        }
    }
    // With slopes whose difference from the derivative's is nothing but rounding errors.
    let tiny = [vec![1.8476963188757423e-8, 8.931625773616524e18]];
    let point = evaluate(&engine, &call("beta", "q", CALLS[2].1), &[0.9999999997821278], &tiny);
    assert!((point[0] / 3.448223954377833e-19 - 1.0).abs() < 1e-6, "{:e}", point[0]);
    let shapes = |_| vec![10f64.powf(random.uniform(14.0, 20.0)), 10f64.powf(random.uniform(-3.0, -1.0))];
    let params: Vec<Vec<f64>> = (0..2000).map(shapes).collect();
    let p: Vec<f64> = (0..2000).map(|_| 10f64.powf(random.uniform(-30.0, -0.4))).collect();
    for (_, flags) in &CALLS[2..4] {
        let points = evaluate(&engine, &call("f", "q", flags), &p, &params);
        let back = evaluate(&engine, &call("f", "p", flags), &points, &params);
        for (k, p) in p.iter().enumerate().filter(|(k, _)| points[*k] > 0.0 && points[*k] < f64::INFINITY) {
            let error = (back[k] / p - 1.0).abs();
            assert!(error < 1e-11, "f({p:e}; {:?}; {flags}) is {:e}, with {:e}", params[k], points[k], back[k]);
        }
    }
}
