//! The engine from Rust: text and slices in, arrays out.
#![allow(unsafe_code, reason = "describes memory of its own to the engine")]

#[path = "common/table.rs"]
mod table;

use numfuse::array::{ArrayRef, Memory};
use numfuse::diagnostic::Error;
use numfuse::dtype::{DType, Type};
use numfuse::engine::{CallOptions, Engine, Host, Options, Registration};
use numfuse::ir::callee::{Concurrency, Effects};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use table::check_table;

/// Type, shape and bytes.
type Output = (DType, Vec<isize>, Vec<u64>);

/// Keeps outputs as bytes.
#[derive(Default)]
struct Outputs {
    memory: Vec<Output>,
}

impl Host for Outputs {
    fn given(&self, _: usize) -> Option<ArrayRef<'_>> {
        None
    }

    fn allocate(&mut self, _: usize, dtype: DType, shape: &[isize], _: &[isize]) -> Result<Memory, Error> {
        let elements: isize = shape.iter().product();
        self.memory.push((dtype, shape.to_vec(), vec![0; elements as usize + 1]));
        let (.., memory) = self.memory.last_mut().unwrap();
        // SAFETY: as many bytes as elements of the greatest size, which stay where they are when the
        // vector around them grows, and which only the call uses.
        Ok(unsafe { Memory::new(memory.as_mut_ptr().cast()) })
    }
}

fn evaluate(text: &str, args: &[ArrayRef]) -> Result<Vec<Output>, Error> {
    evaluate_in(&Engine::new(), text, args)
}

fn evaluate_in(engine: &Engine, text: &str, args: &[ArrayRef]) -> Result<Vec<Output>, Error> {
    let kernel = engine.compile(text, &Options::default())?;
    let mut outputs = Outputs::default();
    kernel.call(args, &mut outputs, &CallOptions::default())?;
    Ok(outputs.memory)
}

fn floats(words: &[u64], n: usize) -> Vec<f64> {
    words[..n].iter().map(|&w| f64::from_bits(w)).collect()
}

#[test]
fn axpy_in_place() {
    let kernel = Engine::new().compile("y += a1*x1 + a2*x2", &Options::default()).unwrap();
    let names: Vec<&str> = kernel.arguments().iter().map(|n| &**n).collect();
    assert_eq!(names, ["y", "a1", "x1", "a2", "x2"]);
    let n = 1003;
    let x1: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let x2: Vec<f64> = (0..n).map(|i| 0.5 * i as f64).collect();
    let mut y = vec![1.0; n];
    let shape = [n as isize];
    let args = [
        ArrayRef::of_slice_mut(&mut y, &shape),
        ArrayRef::of_scalar(&2.0, Type::WeakFloat),
        ArrayRef::of_slice(&x1, &shape),
        ArrayRef::of_scalar(&4i64, Type::WeakInt),
        ArrayRef::of_slice(&x2, &shape),
    ];
    kernel.call(&args, &mut Outputs::default(), &CallOptions::default()).unwrap();
    assert!((0..n).all(|i| y[i] == 1.0 + (2.0 * x1[i] + 4.0 * x2[i])));
    assert_eq!(kernel.signatures(), ["f8(f8, float, f8, int, f8)"]);
}

#[test]
fn functions_and_several_statements() {
    let x: [f64; 4] = [0.0, 1.0, 2.0, -3.0];
    let result = evaluate("let z = exp(x); w = z + 1; w *= 2; where(x < 0, 0, w)", &[ArrayRef::of_slice(&x, &[4])]);
    let result = result.unwrap();
    let expected: Vec<f64> = x.iter().map(|x| (x.exp() + 1.0) * 2.0).collect();
    assert_eq!(floats(&result[0].2, 4), expected);
    assert_eq!(floats(&result[1].2, 4), [expected[0], expected[1], expected[2], 0.0]);
}

#[test]
fn statements_of_different_shapes() {
    let row = [1.0, 2.0, 3.0];
    let column = [10.0, 20.0];
    let strides = [8isize, 0];
    // SAFETY: two elements, eight bytes apart; the second axis has one element.
    let column_view = unsafe {
        ArrayRef::from_raw(column.as_ptr() as *mut u8, &[2, 1], &strides, Type::Strong(DType::F64), false, false)
    };
    let result =
        evaluate("a = row * 2; b = a + column; a += 1; c = a + column", &[ArrayRef::of_slice(&row, &[3]), column_view])
            .unwrap();
    assert_eq!(result[0].1, [3]);
    assert_eq!(floats(&result[0].2, 3), [3.0, 5.0, 7.0]);
    assert_eq!(result[1].1, [2, 3]);
    assert_eq!(floats(&result[1].2, 6), [12.0, 14.0, 16.0, 22.0, 24.0, 26.0]);
    assert_eq!(floats(&result[2].2, 6), [13.0, 15.0, 17.0, 23.0, 25.0, 27.0]);
}

#[test]
fn errors_before_the_first_store() {
    let mut y = [1i64, 2];
    let x = [0.5, 0.5];
    let error = evaluate("y += x", &[ArrayRef::of_slice_mut(&mut y, &[2]), ArrayRef::of_slice(&x, &[2])]).unwrap_err();
    assert!(error.to_string().contains("Cannot cast ufunc 'add' output from dtype('float64') to dtype('int64')"));
    assert_eq!(y, [1, 2]);
    let error =
        evaluate("a / b", &[ArrayRef::of_scalar(&1.0, Type::WeakFloat), ArrayRef::of_scalar(&0.0, Type::WeakFloat)])
            .unwrap_err();
    assert_eq!(error, Error::ZeroDivision("division by zero".into()));
}

#[test]
fn numbers_are_checked_where_there_are_no_elements() {
    let none: [u8; 0] = [];
    let args = [ArrayRef::of_slice(&none, &[0]), ArrayRef::of_scalar(&-5i64, Type::WeakInt)];
    let error = evaluate("x - n", &args).unwrap_err();
    assert_eq!(error, Error::Overflow("Python integer -5 out of bounds for uint8".into()));
}

#[test]
fn what_is_assigned_is_no_longer_weak() {
    // Python divides by zero; NumPy, whose float64 the output is, gives NaN.
    let result = evaluate("y = x + x; y = y % y", &[ArrayRef::of_scalar(&0.0, Type::WeakFloat)]).unwrap();
    assert!(f64::from_bits(result[0].2[0]).is_nan());
    assert!(evaluate("let y = x + x; y % y", &[ArrayRef::of_scalar(&0.0, Type::WeakFloat)]).is_err());
}

#[test]
fn masks_of_stores() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let mask = [true, false, false, true];
    let options = CallOptions { mask: Some(ArrayRef::of_slice(&mask, &[4])), ..CallOptions::default() };
    let engine = Engine::new();

    // An array that is updated keeps what the mask leaves out, and what is new is zero there.
    let kernel = engine.compile("y += x; let t = 2 * x; z = t + sum(y)", &Options::default()).unwrap();
    let mut y = [10.0; 4];
    let mut outputs = Outputs::default();
    let args = [ArrayRef::of_slice_mut(&mut y, &[4]), ArrayRef::of_slice(&x, &[4])];
    kernel.call(&args, &mut outputs, &options).unwrap();
    assert_eq!(y, [11.0, 10.0, 10.0, 14.0]);
    assert_eq!(floats(&outputs.memory[0].2, 4), [47.0, 0.0, 0.0, 53.0]);

    // The mask takes part in broadcasting.
    let kernel = engine.compile("7.0", &Options::default()).unwrap();
    let mut outputs = Outputs::default();
    kernel.call(&[], &mut outputs, &options).unwrap();
    assert_eq!((outputs.memory[0].1.as_slice(), floats(&outputs.memory[0].2, 4)), (&[4][..], vec![7.0, 0.0, 0.0, 7.0]));

    // It is of bools, and no target grows by it.
    let kernel = engine.compile("y += 1", &Options::default()).unwrap();
    let wrong = |mask: ArrayRef| {
        let mut y = [0.0; 2];
        let options = CallOptions { mask: Some(mask), ..CallOptions::default() };
        let args = [ArrayRef::of_slice_mut(&mut y, &[2])];
        let error = kernel.call(&args, &mut Outputs::default(), &options).unwrap_err();
        assert_eq!(y, [0.0; 2]);
        error.to_string()
    };
    assert!(wrong(ArrayRef::of_slice(&x, &[4])).starts_with("Cannot cast array data from dtype('float64')"));
    assert!(wrong(ArrayRef::of_slice(&mask, &[4])).starts_with("operands could not be broadcast together"));
}

/// An engine with definitions.
fn defining(definitions: &[&str]) -> Engine {
    let engine = Engine::new();
    for text in definitions {
        engine.define(text, false).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    engine
}

/// The definitions that a case begins with, each in a line after `: `, are made first; the last text is
/// a definition whose report is in the table, or after `? ` an expression of a float64 array.
#[test]
fn mistakes_in_definitions_give_the_reports_of_the_table() {
    check_table("diagnostics/define.txt", |case| {
        let mut rest = case;
        let engine = Engine::new();
        while let Some((line, after)) = rest.strip_prefix(": ").and_then(|rest| rest.split_once('\n')) {
            engine.define(line, false).unwrap_or_else(|error| panic!("{line}: {error}"));
            rest = after;
        }
        let result = match rest.strip_prefix("? ") {
            Some(text) => evaluate_in(&engine, text, &[ArrayRef::of_slice(&[1.5, -2.0], &[2])]).map(|_| ()),
            None => engine.define(rest, false),
        };
        result.err().map_or("no error".to_owned(), |error| error.to_string())
    });
}

#[test]
fn a_definition_is_computed_operation_by_operation() {
    let engine = defining(&[
        "half(x) = x / 2",
        "zscore(x, mu=0, sigma=1) = (x - mu) / sigma",
        "twice_half(x) = half(x) + half(x=x)",
        "nothing() = 7",
        "first(x, y) = x",
        "scaled(x, rate=1 / scale, scale=1 / rate) = x * rate + scale",
        "pick(x, low=minimum(x, 0), high=-low,) = x if low < x < high else e",
        "cube(e) = e**3",
    ]);
    let x = [1.0f32, -3.0, 0.5];
    let i = [1i32, -2, 3];
    let d = [1.0, 2.0, 4.0];
    let (x, i, d) = (ArrayRef::of_slice(&x, &[3]), ArrayRef::of_slice(&i, &[3]), ArrayRef::of_slice(&d, &[3]));
    let two = ArrayRef::of_scalar(&2i64, Type::WeakInt);
    // Each is the same as what it stands for, in type and bits.
    let cases: &[(&str, &str, &[ArrayRef])] = &[
        ("half(x)", "x / 2", &[x]),
        ("half(i)", "i / 2", &[i]),
        ("half(n) + x", "n / 2 + x", &[two, x]),
        ("half(3) + x", "1.5 + x", &[x]),
        ("zscore(x)", "(x - 0) / 1", &[x]),
        ("zscore(x, sigma=d)", "(x - 0) / d", &[x, d]),
        ("zscore(i, 2)", "(i - 2) / 1", &[i]),
        ("twice_half(x)", "x/2 + x/2", &[x]),
        ("x + nothing()", "x + 7", &[x]),
        ("first(x, d)", "x + d*0", &[d, d]),
        ("scaled(x, 4)", "x * 4 + 0.25", &[x]),
        ("scaled(x, scale=4)", "x * 0.25 + 4", &[x]),
        ("pick(x)", "where(minimum(x, 0) < x and x < -minimum(x, 0), x, e)", &[x]),
        ("cube(x) + e", "x**3 + e", &[x]),
        ("cube(n)", "n**3", &[two]),
        ("cube(i)", "i**3", &[i]),
    ];
    for (call, meant, args) in cases {
        let [found, expected] =
            [call, meant].map(|text| evaluate_in(&engine, text, args).unwrap_or_else(|e| panic!("{text}: {e}")));
        assert_eq!(found, expected, "{call}");
    }
}

#[test]
fn definitions_keep_what_their_functions_meant() {
    let engine = defining(&["f(x) = x + 1", "g(x) = f(x) * 2"]);
    let old = engine.compile("g(x) + f(x)", &Options::default()).unwrap();
    let x = [1.0];
    let x = [ArrayRef::of_slice(&x, &[1])];
    let value = |text: &str| floats(&evaluate_in(&engine, text, &x).unwrap()[0].2, 1)[0];
    assert_eq!(value("g(x) + f(x)"), 6.0);
    let error = engine.define("f(x) = x - 1", false).unwrap_err();
    assert_eq!(error, Error::Value("`f(x)` is registered already; `replace` changes what it means".into()));
    engine.define("f(x) = x - 1", true).unwrap();
    assert_eq!(value("g(x) + f(x)"), 4.0, "what f means now, and what it meant in g");
    let mut outputs = Outputs::default();
    old.call(&x, &mut outputs, &CallOptions::default()).unwrap();
    assert_eq!(floats(&outputs.memory[0].2, 1), [6.0], "a kernel goes on as it was compiled");
    // A built-in's name is free.
    engine.define("exp(x) = x * 100", false).unwrap();
    assert_eq!(value("exp(x)"), 100.0);
    assert!(Engine::new().compile("g(x)", &Options::default()).is_err(), "another engine knows nothing of it");
}

/// Texts that grow when calls are replaced by bodies: what could be 2^100 operations is refused.
#[test]
fn expanding_is_bounded() {
    let grow = |rule: &dyn Fn(usize) -> String| -> (usize, String) {
        let engine = Engine::new();
        engine.define("f0(x, y=1) = x + y", false).unwrap();
        for n in 1..100 {
            if let Err(error) = engine.define(&rule(n), false) {
                // The largest and deepest that there may be can be compiled.
                let x = [1.0];
                let last = format!("f{}(x)", n - 1);
                evaluate_in(&engine, &last, &[ArrayRef::of_slice(&x, &[1])]).unwrap();
                let many = format!("{last} + ").repeat(5000) + "x";
                assert!(engine.compile(&many, &Options::default()).is_err());
                return (n, error.to_string());
            }
        }
        panic!("no end");
    };
    let wide: [&dyn Fn(usize) -> String; 3] = [
        &|n| format!("f{n}(x) = f{0}(x) + f{0}(x + 1)", n - 1),
        &|n| format!("f{n}(x, y=f{0}(x) + f{0}(x + 1)) = x", n - 1),
        &|n| format!("f{n}(x, y=f{0}(x)) = f{0}(y)", n - 1),
    ];
    for rule in wide {
        let (n, error) = grow(rule);
        assert!((10..20).contains(&n) && error.contains("the program is too large"), "{n}: {error}");
    }
    let deep: [&dyn Fn(usize) -> String; 2] =
        [&|n| format!("f{n}(x) = f{}(x) + 1", n - 1), &|n| format!("f{n}(x, y=f{}(x)) = y", n - 1)];
    for rule in deep {
        let (n, error) = grow(rule);
        assert!((60..=65).contains(&n) && error.contains("the program is too large"), "{n}: {error}");
    }
}

#[test]
fn rust_functions_of_all_arities_and_types() {
    let engine = Engine::new();
    engine.register("f0", || 3.5).unwrap();
    engine.register("f1", |a: f64| a + 1.0).unwrap();
    engine.register("f2", |a: f64, b: f64| a - b).unwrap();
    engine.register("f3", |a: f64, b: f32, c: i64| a * f64::from(b) - c as f64).unwrap();
    engine
        .register("f4", |a: f64, b: i8, c: u8, d: bool| a + f64::from(b) - f64::from(c) + f64::from(u8::from(d)))
        .unwrap();
    engine.register("f5", |a: f64, b: f64, c: f64, d: f64, e: f64| a + b * c - d * e).unwrap();
    engine.register("f6", |a: f64, b: f64, c: f64, d: f64, e: f64, f: f64| a + b * c - d * e + f).unwrap();
    engine.register("f7", |a: f64, b: f64, c: f64, d: f64, e: f64, f: f64, g: f64| a + b * c - d * e + f * g).unwrap();
    engine
        .register("f8", |a: f64, b: f64, c: f64, d: f64, e: f64, f: f64, g: f64, h: u16| {
            a + b * c - d * e + f * g - f64::from(h)
        })
        .unwrap();
    engine.register("is_odd", |n: i64| n % 2 != 0).unwrap();
    engine.register("negated", |b: bool| !b).unwrap();
    engine.register("halved", |x: f32| x / 2.0).unwrap();
    let n = 3000;
    let shape = [n as isize];
    let x: Vec<f64> = (0..n).map(|i| i as f64 * 0.25 - 100.0).collect();
    let i: Vec<i64> = (0..n as i64).collect();
    let small: Vec<i8> = (0..n).map(|i| i as i8).collect();
    let byte: Vec<u8> = (0..n).map(|i| i as u8).collect();
    let flags: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
    let single: Vec<f32> = (0..n).map(|i| i as f32).collect();
    let (xs, is) = (ArrayRef::of_slice(&x, &shape), ArrayRef::of_slice(&i, &shape));
    let run = |text: &str, args: &[ArrayRef]| {
        let output = evaluate_in(&engine, text, args).unwrap_or_else(|error| panic!("{text}: {error}")).remove(0);
        (output.0, output.2)
    };
    let check = |text: &str, args: &[ArrayRef], expected: &dyn Fn(usize) -> f64| {
        let (dtype, words) = run(text, args);
        assert_eq!(dtype, DType::F64, "{text}");
        let found = floats(&words, n);
        assert!((0..n).all(|k| found[k] == expected(k)), "{text}");
    };
    check("f0() + x", &[xs], &|k| 3.5 + x[k]);
    check("f1(x) * 2", &[xs], &|k| (x[k] + 1.0) * 2.0);
    check("f1(i)", &[is], &|k| i[k] as f64 + 1.0);
    check("f2(x, x*x)", &[xs], &|k| x[k] - x[k] * x[k]);
    check("f2(x2=x, x1=1)", &[xs], &|k| 1.0 - x[k]);
    check("f3(x, s, i)", &[xs, ArrayRef::of_slice(&single, &shape), is], &|k| {
        x[k] * f64::from(single[k]) - i[k] as f64
    });
    let four =
        [xs, ArrayRef::of_slice(&small, &shape), ArrayRef::of_slice(&byte, &shape), ArrayRef::of_slice(&flags, &shape)];
    check("f4(x, a, b, c)", &four, &|k| {
        x[k] + f64::from(small[k]) - f64::from(byte[k]) + f64::from(u8::from(flags[k]))
    });
    check("f5(x, x, 2, x, 3)", &[xs], &|k| x[k] + x[k] * 2.0 - x[k] * 3.0);
    check("f6(x, x, 2, x, 3, 4)", &[xs], &|k| x[k] + x[k] * 2.0 - x[k] * 3.0 + 4.0);
    check("f7(x, x, 2, x, 3, 4, x)", &[xs], &|k| x[k] + x[k] * 2.0 - x[k] * 3.0 + 4.0 * x[k]);
    check("f8(x, x, 2, x, 3, 4, x, 5)", &[xs], &|k| x[k] + x[k] * 2.0 - x[k] * 3.0 + 4.0 * x[k] - 5.0);
    check("x if is_odd(i) else -x", &[xs, is], &|k| if i[k] % 2 != 0 { x[k] } else { -x[k] });
    let (dtype, words) = run("negated(c)", &four[3..]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take(n).collect();
    assert!(dtype == DType::Bool && (0..n).all(|k| (bytes[k] == 0) == flags[k]));
    assert_eq!(run("halved(s)", &[ArrayRef::of_slice(&single, &shape)]).0, DType::F32);
    let error = evaluate_in(&engine, "halved(x)", &[xs]).unwrap_err().to_string();
    assert!(error.contains("ufunc 'halved' not supported for the input types float64"), "{error}");
}

#[test]
fn closures_with_state_and_effects() {
    let engine = Engine::new();
    let calls = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&calls);
    let count = move |x: f64| x + counter.fetch_add(1, Ordering::Relaxed) as f64;
    let effects = Effects { pure: false, concurrency: Concurrency::Exclusive };
    engine.register_with("numbered", count, Registration { effects, ..Registration::default() }).unwrap();
    let x = vec![0.0; 100_000];
    let shape = [x.len() as isize];
    let result = evaluate_in(&engine, "numbered(x)", &[ArrayRef::of_slice(&x, &shape)]).unwrap();
    assert!(floats(&result[0].2, x.len()).iter().enumerate().all(|(k, &value)| value == k as f64), "in order");
    assert_eq!(calls.load(Ordering::Relaxed), x.len() as u64);
    // A definition that calls it, if only in a default, has its effects.
    engine.define("f(x, y=numbered(0)) = x + y", false).unwrap();
    evaluate_in(&engine, "f(x)", &[ArrayRef::of_slice(&x, &shape)]).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2 * x.len() as u64);
    assert!(!engine.functions().get("f").unwrap().effects().pure);
    // What nothing holds any more is dropped.
    engine.functions().remove("numbered");
    engine.functions().remove("f");
    engine.cache_clear();
    assert_eq!(Arc::strong_count(&calls), 1);
}

#[test]
fn a_panic_is_the_calls_error() {
    let engine = Engine::new();
    engine.register("picky", |x: f64| if x == 77_777.0 { panic!("no {x}") } else { x }).unwrap();
    engine.register("rude", |_: f64| -> f64 { std::panic::panic_any(7) }).unwrap();
    let x: Vec<f64> = (0..300_000).map(f64::from).collect();
    for n in [1usize, 10, 77_777, 77_778, 100_000, 300_000] {
        let shape = [n as isize];
        let result = evaluate_in(&engine, "picky(x) * 2", &[ArrayRef::of_slice(&x[..n], &shape)]);
        match result {
            Ok(result) => {
                assert!(n < 77_778);
                assert!(floats(&result[0].2, n).iter().zip(&x).all(|(found, x)| *found == 2.0 * x));
            }
            Err(Error::Native(failure)) => {
                assert!(n >= 77_778);
                assert_eq!(failure.to_string(), "a registered function panicked: no 77777");
            }
            Err(error) => panic!("{n}: {error}"),
        }
    }
    let error = evaluate_in(&engine, "rude(x)", &[ArrayRef::of_slice(&x, &[300_000])]).unwrap_err();
    assert_eq!(error.to_string(), "a registered function panicked");
}

#[test]
fn names_are_checked_and_taken_names_refused() {
    let engine = Engine::new();
    let refusal = |name: &str| engine.register(name, |x: f64| x).unwrap_err().to_string();
    for name in ["", "a b", "1a", "a-b", "a.b", "x\0", "λ+"] {
        assert!(refusal(name).contains("is no identifier"), "{name:?}: {}", refusal(name));
    }
    for name in ["if", "let", "None", "ｉｆ"] {
        assert!(refusal(name).contains("is a keyword"), "{name:?}: {}", refusal(name));
    }
    engine.register("ﬁt", |x: f64| x + 1.0).unwrap();
    assert_eq!(refusal("fit"), "`fit(x)` is registered already; `replace` changes what it means");
    let x = [1.0];
    let x = [ArrayRef::of_slice(&x, &[1])];
    let value = || floats(&evaluate_in(&engine, "fit(x)", &x).unwrap()[0].2, 1)[0];
    let old = engine.compile("fit(x)", &Options::default()).unwrap();
    assert_eq!(value(), 2.0);
    let registration = Registration { replace: true, params: vec!["size".into()], ..Registration::default() };
    engine.register_with("fit", |x: f64| x - 1.0, registration.clone()).unwrap();
    assert_eq!(value(), 0.0);
    assert_eq!(engine.functions().get("fit").unwrap().signature(), "fit(size)");
    let mut outputs = Outputs::default();
    old.call(&x, &mut outputs, &CallOptions::default()).unwrap();
    assert_eq!(floats(&outputs.memory[0].2, 1), [2.0], "a kernel goes on as it was compiled");
    let error = engine.register_with("fit", |x: f64, y: f64| x - y, registration).unwrap_err();
    assert_eq!(error.to_string(), "'fit' takes 2 arguments, not size");
}
