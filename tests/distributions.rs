//! The distributions' functions against correctly rounded values, tests/data/distributions.json.
//!
//! An error is counted in units of `ulp(true value) * (1 + condition)`: the condition number says how many units in the
//! last place the value changes by when the arguments change by one. Loc and scale, which the functions tested here know
//! nothing of, are applied as the registry does.

use std::collections::BTreeMap;

use numfuse::math::distributions::{beta, binom, chisq, f, gamma, hyper, nbinom, pois, t};
use serde_json::Value;

/// A function of x, or a probability or its logarithm, and the table's parameters.
type Function = fn(f64, &[f64]) -> f64;

/// A distribution of the table.
struct Row {
    /// The name there.
    name: &'static str,
    /// Location and scale, of the table's parameters.
    place: fn(&[f64]) -> (f64, f64),
    /// In the order of the table's columns.
    values: [Function; 6],
    /// By `p`, `q`, `logp` and `logq`.
    quantiles: [Function; 4],
}

/// The arguments after x are given once for all functions, or for the density, its logarithm, and the others.
macro_rules! row {
    (discrete $name:literal, $module:ident, |$p:ident| $place:expr, $($arguments:tt),+) => {
        row!(@ $name, $module, pmf, logpmf, |$p| $place, $($arguments),+)
    };
    (continuous $name:literal, $module:ident, |$p:ident| $place:expr, $($arguments:tt),+) => {
        row!(@ $name, $module, pdf, logpdf, |$p| $place, $($arguments),+)
    };
    (@ $name:literal, $module:ident, $density:ident, $logdensity:ident, |$p:ident| $place:expr, $all:tt) => {
        row!(@ $name, $module, $density, $logdensity, |$p| $place, $all, $all, $all)
    };
    (
        @ $name:literal, $module:ident, $density:ident, $logdensity:ident, |$p:ident| $place:expr,
        ($($of_density:expr),*), ($($of_log:expr),*), ($($argument:expr),*)
    ) => {
        Row {
            name: $name,
            #[allow(unused_variables, reason = "most distributions have neither")]
            place: |$p| $place,
            values: [
                |x, $p| $module::$density(x, $($of_density),*),
                |x, $p| $module::$logdensity(x, $($of_log),*),
                |x, $p| $module::cdf(x, $($argument),*),
                |x, $p| $module::sf(x, $($argument),*),
                |x, $p| $module::logcdf(x, $($argument),*),
                |x, $p| $module::logsf(x, $($argument),*),
            ],
            quantiles: [
                |x, $p| $module::ppf(x, $($argument),*),
                |x, $p| $module::isf(x, $($argument),*),
                |x, $p| $module::ppf_log(x, $($argument),*),
                |x, $p| $module::isf_log(x, $($argument),*),
            ],
        }
    };
}

/// One row for each distribution that exists: the table's name, the module, location and scale, and the arguments
/// after x, of the table's parameters.
const ROWS: &[Row] = &[
    row!(continuous "gamma", gamma, |p| (0.0, p[1]), (p[0], gamma::norm(p[0]))),
    row!(continuous "chisq", chisq, |p| (0.0, 1.0), (p[0], chisq::norm(p[0]))),
    row!(discrete "pois", pois, |p| (0.0, 1.0), (p[0])),
    row!(
        continuous "beta", beta, |p| (0.0, 1.0),
        (p[0], p[1], beta::norm(p[0], p[1])),
        (p[0], p[1], beta::log_norm(p[0], p[1])),
        (p[0], p[1], beta::norm(p[0], p[1]))
    ),
    row!(
        continuous "t", t, |p| (0.0, 1.0),
        (p[0], t::norm(p[0])), (p[0], t::log_norm(p[0])), (p[0], t::beta_norm(p[0]))
    ),
    row!(
        continuous "f", f, |p| (0.0, 1.0),
        (p[0], p[1], f::norm(p[0], p[1])),
        (p[0], p[1], f::log_norm(p[0], p[1])),
        (p[0], p[1], f::beta_norm(p[0], p[1]))
    ),
    row!(
        discrete "binom", binom, |p| (0.0, 1.0),
        (p[0], p[1], binom::norm(p[0])), (p[0], p[1], binom::log_norm(p[0])), (p[0], p[1])
    ),
    row!(
        discrete "nbinom", nbinom, |p| (0.0, 1.0),
        (p[0], p[1], nbinom::norm(p[0])), (p[0], p[1], nbinom::log_norm(p[0])), (p[0], p[1])
    ),
    row!(discrete "hyper", hyper, |p| (0.0, 1.0), (p[0], p[1], p[2], hyper::norm(p[0], p[1], p[2]))),
];

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

/// The error; infinite for a gross failure: a wrong infinity, NaN, zero or sign.
fn error(got: f64, truth: f64, condition: f64) -> f64 {
    if got == truth {
        return 0.0;
    }
    let is_gross = got.is_nan()
        || got.is_infinite()
        || truth.is_infinite()
        || got * truth.signum() < 0.0
        || (got == 0.0 && truth.abs() > 1e-320);
    if is_gross { f64::INFINITY } else { ((got - truth) / ulp(truth)).abs() / (1.0 + condition) }
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

/// The value of a column at the place and scale: densities are divided by the scale.
fn value(row: &Row, column: usize, x: f64, params: &[f64]) -> f64 {
    let (loc, scale) = (row.place)(params);
    let value = row.values[column]((x - loc) / scale, params);
    match column {
        0 if scale != 1.0 => value / scale,
        1 if scale != 1.0 => value - scale.ln(),
        _ => value,
    }
}

#[test]
fn agree_with_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/distributions.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut failures = Vec::new();
    for row in ROWS {
        let entry = &table["dists"][row.name];
        let is_discrete = entry["discrete"].as_bool().unwrap();
        let mut columns: BTreeMap<&str, Score> = BTreeMap::new();
        let (mut values, mut quantiles) = (Score::default(), Score::default());
        for point in entry["points"].as_array().unwrap() {
            let (x, params) = (number(&point[0]), numbers(&point[1]));
            for (column, name) in COLUMNS.iter().enumerate() {
                let truth = number(&point[2 + column]);
                let got = value(row, column, x, &params);
                let error = error(got, truth, number(&point[8][column]));
                let what = || format!("{name}({x:e}; {params:?}) is {got:e}, not {truth:e}");
                values.add(error, what);
                columns.entry(name).or_default().add(error, what);
            }
        }
        for point in entry["quantiles"].as_array().unwrap() {
            let (kind, p, params) = (point[0].as_str().unwrap(), number(&point[1]), numbers(&point[2]));
            let (truth, condition) = (number(&point[3]), number(&point[4]));
            let function = row.quantiles[KINDS.iter().position(|name| *name == kind).unwrap()];
            let (loc, scale) = (row.place)(&params);
            let got = loc + scale * function(p, &params);
            let error = if is_discrete && got != truth { f64::INFINITY } else { error(got, truth, condition) };
            quantiles.add(error, || format!("quantile({kind} = {p:e}; {params:?}) is {got:e}, not {truth:e}"));
        }
        for (name, score) in &columns {
            score.print(&format!("{} {name}", row.name));
        }
        quantiles.print(&format!("{} quantiles", row.name));
        let bound = if row.name == "hyper" { 8192.0 } else { 256.0 };
        let is_good = values.greatest() <= bound && values.within(16.0) >= 0.99 && values.within(2.0) >= 0.95;
        if !is_good {
            failures.push(values.worst);
        }
        let bound = if is_discrete { 0.0 } else { f64::MAX };
        if !(quantiles.greatest() <= bound && quantiles.within(64.0) >= 0.99 && quantiles.within(2.0) >= 0.9) {
            failures.push(quantiles.worst);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Values at the ends of the support, beyond them and for parameters outside the domain, as SciPy has them; but quantiles
/// of discrete distributions at 0 are the least number, not one below it.
#[test]
fn ends_of_the_support() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let row = |name: &str| ROWS.iter().find(|row| row.name == name).unwrap();
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
        for (function, (column, truth)) in row(name).values.iter().zip(COLUMNS.iter().zip(truths)) {
            let got = function(x, params);
            assert!(
                got == truth || got.is_nan() && truth.is_nan(),
                "{name} {column}({x}; {params:?}) is {got}, not {truth}"
            );
        }
    }
    // The probability of the lower side, and the quantile; upper ones and logarithms follow.
    for (name, params) in [("gamma", &[2.5, 1.0][..]), ("chisq", &[3.0]), ("pois", &[3.0])] {
        for (p, truth) in [(0.0, 0.0), (1.0, INF), (-0.1, NAN), (1.1, NAN), (NAN, NAN)] {
            for (function, (kind, p)) in
                row(name).quantiles.iter().zip(KINDS.iter().zip([p, 1.0 - p, p.ln(), (1.0 - p).ln()]))
            {
                let got = function(p, params);
                assert!(got == truth || got.is_nan() && truth.is_nan(), "{name} of {kind} = {p} is {got}, not {truth}");
            }
        }
    }
    for quantile in row("gamma").quantiles.iter().chain(&row("pois").quantiles) {
        assert!(quantile(0.5, &[-1.0, 1.0]).is_nan());
    }
}
