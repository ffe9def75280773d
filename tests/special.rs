//! Special functions of `numfuse::math::special` against values in many digits, tests/data/special.txt and
//! tests/data/special_beta.txt, which scripts of these names beside them make.

#[path = "common/random.rs"]
mod random;

use numfuse::math::distributions::f;
use numfuse::math::special::{beta, gamma, saddle_point};
use random::Random;
use std::collections::BTreeMap;

/// A function of the file's arguments.
type Function = fn(&[f64]) -> f64;

/// The function, the bound on its errors in units in the last place times `1 + condition`, and a bound for all but one
/// in a hundred.
const FUNCTIONS: &[(&str, Function, f64, f64)] = &[
    ("gamma", |a| gamma::gamma(a[0]), 1.0, 1.0),
    ("rgamma", |a| gamma::rgamma(a[0]), 2.0, 2.0),
    ("lgamma", |a| gamma::lgamma(a[0]), 1.0, 1.0),
    ("digamma", |a| gamma::digamma(a[0]), 1.0, 1.0),
    ("trigamma", |a| gamma::trigamma(a[0]), 1.0, 1.0),
    ("stirling_error", |a| saddle_point::stirling_error(a[0]), 20.0, 16.0),
    ("deviance", |a| saddle_point::deviance(a[0], a[1]), 3.0, 2.0),
    ("log1pmx", |a| saddle_point::log1pmx(a[0]), 2.0, 1.0),
    ("gammainc", |a| gamma::gammainc(a[0], a[1]), 16.0, 6.0),
    ("gammaincc", |a| gamma::gammaincc(a[0], a[1]), 16.0, 6.0),
    ("log_gammainc", |a| gamma::log_gammainc(a[0], a[1]), 16.0, 6.0),
    ("log_gammaincc", |a| gamma::log_gammaincc(a[0], a[1]), 16.0, 6.0),
    ("beta", |a| beta::beta(a[0], a[1]), 8.0, 4.0),
    ("betaln", |a| beta::betaln(a[0], a[1]), 8.0, 4.0),
    ("betainc", |a| beta::betainc(a[0], a[1], a[2]), 16.0, 6.0),
    ("betaincc", |a| beta::betaincc(a[0], a[1], a[2]), 16.0, 6.0),
    ("log_betainc", |a| beta::log_betainc(a[0], a[1], a[2]), 16.0, 6.0),
    ("log_betaincc", |a| beta::log_betaincc(a[0], a[1], a[2]), 16.0, 6.0),
];

/// A function of one argument with its name, and values of it.
type Values = (&'static str, fn(f64) -> f64, &'static [(f64, f64)]);

/// The distance to the next number of greater magnitude.
fn ulp(x: f64) -> f64 {
    let x = x.abs().min(f64::MAX.next_down());
    x.next_up() - x
}

/// The lines of the file: a function's name, arguments, value and condition number.
fn lines() -> impl Iterator<Item = (&'static str, Vec<f64>, f64, f64)> {
    let beta = include_str!("data/special_beta.txt").lines();
    include_str!("data/special.txt").lines().chain(beta).map(|line| {
        let (name, numbers) = line.split_once(' ').unwrap();
        let mut numbers: Vec<f64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let condition = numbers.pop().unwrap();
        let value = numbers.pop().unwrap();
        (name, numbers, value, condition)
    })
}

#[test]
fn agree_with_many_digits() {
    let mut errors: BTreeMap<&str, Vec<(f64, String)>> = BTreeMap::new();
    for (name, arguments, truth, condition) in lines() {
        let (_, function, ..) = FUNCTIONS.iter().find(|row| row.0 == name).unwrap();
        let got = function(&arguments);
        let error = if got == truth { 0.0 } else { ((got - truth) / ulp(truth)).abs() / (1.0 + condition) };
        let error = if error.is_nan() { f64::INFINITY } else { error };
        let what = format!("{error:.2}: {name}{arguments:?} is {got:e}, not {truth:e}, condition {condition}");
        errors.entry(name).or_default().push((error, what));
    }
    let mut failures = Vec::new();
    for (name, _, bound, usual) in FUNCTIONS {
        let errors = errors.get_mut(name).unwrap();
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (most, greatest) = (&errors[errors.len() * 99 / 100], errors.last().unwrap());
        println!("{name:16} {:4} values, 99 % within {:.2}, greatest {}", errors.len(), most.0, greatest.1);
        if !(greatest.0 <= *bound && most.0 <= *usual) {
            failures.push(greatest.1.clone());
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The inverses give back the argument, within what a rounding error of the probability makes of it.
#[test]
fn inverses_give_the_argument() {
    let mut failures = Vec::new();
    for (name, arguments, value, condition) in lines() {
        let inverse = match name {
            "gammainc" => gamma::gammaincinv,
            "gammaincc" => gamma::gammainccinv,
            "log_gammainc" => gamma::log_gammaincinv,
            "log_gammaincc" => gamma::log_gammainccinv,
            _ => continue,
        };
        let [a, x] = arguments[..] else { panic!("two arguments") };
        // By the smaller tail: near 1 little is known of x.
        if value > 0.75 || value.abs() < 0.2 && name.starts_with("log") {
            continue;
        }
        let got = inverse(a, value);
        // The value's relative derivative by x; the condition number counts that by a too.
        let tail = if name.ends_with("cc") { gamma::gammaincc } else { gamma::gammainc };
        let slope = gamma::prefactor(a).ln() - saddle_point::deviance(a, x);
        let slope = if name.starts_with("log") {
            let log = value;
            (slope - log).exp() / log.abs()
        } else {
            slope.exp() / tail(a, x)
        };
        let error = ((got - x) / ulp(x)).abs() / (1.0 + (1.0 + condition) / slope);
        if error.is_nan() || error > 16.0 {
            failures.push(format!("{error:.2}: the inverse of {name}({a:e}, ...) at {value:e} is {got:e}, not {x:e}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn special_values() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    // As SciPy 1.17 has them.
    let unary: &[Values] = &[
        (
            "gamma",
            gamma::gamma,
            &[(0.0, INF), (-0.0, -INF), (-1.0, NAN), (-171.0, NAN), (INF, INF), (-INF, NAN), (5.0, 24.0), (172.0, INF)],
        ),
        (
            "lgamma",
            gamma::lgamma,
            &[(0.0, INF), (-0.0, INF), (-3.0, INF), (INF, INF), (-INF, -INF), (1.0, 0.0), (2.0, 0.0)],
        ),
        ("rgamma", gamma::rgamma, &[(0.0, 0.0), (-2.0, 0.0), (INF, 0.0), (3.0, 0.5)]),
        (
            "digamma",
            gamma::digamma,
            &[(1e308, 709.1962086421661), (0.0, -INF), (-0.0, INF), (-1.0, NAN), (INF, INF), (-INF, NAN)],
        ),
        ("trigamma", gamma::trigamma, &[(1e308, 1e-308), (0.0, INF), (-1.0, INF), (INF, 0.0)]),
        ("log1pmx", saddle_point::log1pmx, &[(0.0, 0.0), (-1.0, -INF), (-1.5, NAN), (INF, -INF)]),
        ("stirling_error", saddle_point::stirling_error, &[(0.0, INF), (INF, 0.0), (-1.0, NAN)]),
    ];
    for (name, function, cases) in unary {
        for (x, value) in cases.iter().chain(&[(NAN, NAN)]) {
            let got = function(*x);
            assert!(got == *value || got.is_nan() && value.is_nan(), "{name}({x}) is {got}, not {value}");
        }
    }
    // a, x, P, Q.
    let incomplete = [
        (0.0, 1.0, 1.0, 0.0),
        (1.0, 0.0, 0.0, 1.0),
        (0.0, 0.0, NAN, NAN),
        (INF, 1.0, 0.0, 1.0),
        (1.0, INF, 1.0, 0.0),
        (INF, INF, NAN, NAN),
        (-1.0, 1.0, NAN, NAN),
        (1.0, -1.0, NAN, NAN),
        (NAN, 1.0, NAN, NAN),
        (1.0, NAN, NAN, NAN),
    ];
    for (a, x, p, q) in incomplete {
        for (got, value) in [(gamma::gammainc(a, x), p), (gamma::gammaincc(a, x), q)] {
            assert!(got == value || got.is_nan() && value.is_nan(), "P or Q({a}, {x}) is {got}, not {value}");
        }
    }
    for (p, x) in [(0.0, 0.0), (1.0, INF), (-0.1, NAN), (1.1, NAN), (NAN, NAN)] {
        for got in [gamma::gammaincinv(2.0, p), gamma::gammainccinv(2.0, 1.0 - p)] {
            assert!(got == x || got.is_nan() && x.is_nan(), "the inverse at {p} is {got}, not {x}");
        }
    }
}

/// No argument makes a function panic, search without end, or leave the range of its values.
#[test]
fn any_arguments() {
    const MAGNITUDES: [f64; 16] =
        [0.0, 5e-324, 1e-310, 1e-300, 1e-17, 1e-3, 0.3, 1.0, 1.5, 19.9, 20.0, 1e3, 1e16, 1e150, 1e300, f64::MAX];
    let numbers = || MAGNITUDES.into_iter().flat_map(|x| [x, -x]).chain([f64::INFINITY, -f64::INFINITY, f64::NAN]);
    for a in numbers() {
        for x in numbers() {
            let is_valid = a >= 0.0 && x >= 0.0 && (a > 0.0 || x > 0.0) && (a.is_finite() || x.is_finite());
            let (p, q) = (gamma::gammainc(a, x), gamma::gammaincc(a, x));
            let (log_p, log_q) = (gamma::log_gammainc(a, x), gamma::log_gammaincc(a, x));
            if is_valid {
                assert!((0.0..=1.0).contains(&p) && (p + q - 1.0).abs() < 1e-15, "P({a:e}, {x:e}) is {p}, Q {q}");
                assert!(log_p <= 0.0 && log_q <= 0.0, "log P({a:e}, {x:e}) is {log_p}, log Q {log_q}");
            } else {
                assert!(p.is_nan() && q.is_nan() && log_p.is_nan() && log_q.is_nan(), "P({a:e}, {x:e}) is {p}, Q {q}");
            }
            let has_quantiles = a > 0.0 && a.is_finite();
            let (is_probability, is_log) = ((0.0..=1.0).contains(&x), x <= 0.0);
            for (inverse, is_valid) in [
                (gamma::gammaincinv(a, x), is_probability),
                (gamma::gammainccinv(a, x), is_probability),
                (gamma::log_gammaincinv(a, x), is_log),
                (gamma::log_gammainccinv(a, x), is_log),
            ] {
                let is_right = if has_quantiles && is_valid { inverse >= 0.0 } else { inverse.is_nan() };
                assert!(is_right, "an inverse of {a:e} at {x:e} is {inverse:e}");
            }
            let deviance = saddle_point::deviance(a, x);
            assert!(if a >= 0.0 && x >= 0.0 && (a.is_finite() || x.is_finite()) {
                deviance >= 0.0
            } else {
                deviance.is_nan()
            });
        }
    }
}

/// Of shapes however large, small or unequal.
#[test]
fn inverses_of_the_incomplete_beta_function_are_in_its_domain() {
    let mut random = Random::new();
    for _ in 0..10_000 {
        let shape = |random: &mut Random| {
            let width = [3.0, 20.0, 300.0][random.below(3)];
            10f64.powf(random.uniform(-width, width))
        };
        let (a, b) = (shape(&mut random), shape(&mut random));
        let small = 10f64.powf(random.uniform(-30.0, 0.0));
        let p = if random.chance(50) { small } else { 1.0 - small };
        let (x, y) = (beta::betaincinv(a, b, p), beta::betainccinv(a, b, p));
        assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y), "({a:e}, {b:e}, {p:e}): {x:e}, {y:e}");
    }
}

/// Far out a tail is a power: `x^a / (a B(a, b))`, but for a factor `1 + O(b x)`. And so is that at the other end.
#[test]
fn tails_of_beta_distributions_far_out() {
    let mut random = Random::new();
    for _ in 0..20_000 {
        let shape = |random: &mut Random| 10f64.powf(random.uniform(-2.0, 2.0));
        let (a, b) = (shape(&mut random), shape(&mut random));
        let x = 10f64.powf(random.uniform(-250.0, -19.0));
        let expected = a * x.ln() - a.ln() - beta::betaln(a, b);
        // Where this is the smaller tail.
        if expected > -0.7 {
            continue;
        }
        let got = beta::log_betainc(a, b, x);
        let scale = (a * x.ln()).abs() + beta::betaln(a, b).abs();
        assert!((got - expected).abs() <= 1e-14 * scale, "log I({a}, {b}; {x:e}) is {got}, not {expected}");
        // Its mirror image by way of the F distribution, whose points lie near both ends.
        let (df1, df2) = (2.0 * b, 2.0 * a);
        let point = df2 / (df1 * x);
        let got = f::logsf(point, df1, df2, f::beta_norm(df1, df2));
        assert!((got - expected).abs() <= 1e-14 * scale, "log sf({point:e}; {df1}, {df2}) is {got}, not {expected}");
    }
}
