//! Every function of the registry can be called: with all arguments, with defaults, with flags.

use numfuse::dtype::{DType, Type};
use numfuse::engine::{Engine, Options};
use numfuse::registry::builtins;
use numfuse::registry::function::{Body, Function, Loops, ParamKind};

fn compiles(engine: &Engine, text: &str, dtype: DType) {
    let kernel = engine.compile(text, &Options::default()).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let types = vec![Type::Strong(dtype); kernel.arguments().len()];
    kernel.compile_signature(&types).unwrap_or_else(|error| panic!("{text} of {dtype}\n{error}"));
}

fn public() -> impl Iterator<Item = &'static Function> {
    builtins::all().iter().map(|function| &**function).filter(|function| !function.is_private())
}

/// A call with the first `count` parameters, then by keyword what `more` says.
fn call(function: &Function, count: usize, more: &[(&str, &str)]) -> String {
    let mut arguments: Vec<String> = (0..count).map(|k| format!("v{k}")).collect();
    arguments.extend(more.iter().map(|(name, value)| format!("{name}={value}")));
    format!("{}({})", function.name, arguments.join(", "))
}

#[test]
fn bodies_in_the_language_compile() {
    let engine = Engine::new();
    let mut calls = 0;
    for function in public() {
        let Body::Expand(loops, _) = &function.body else { continue };
        let mut required = function.params.iter().filter(|param| param.default.is_none()).count();
        // It wants one of two parameters, each of which follows from the other.
        required += usize::from(function.name.ends_with("nbinom"));
        let flags: Vec<&str> =
            function.params.iter().filter(|param| param.kind == ParamKind::Flag).map(|param| &*param.name).collect();
        let mut types = vec![DType::F64, DType::F32];
        if *loops == Loops::Real {
            types.extend([DType::I8, DType::Bool]);
        }
        for &dtype in &types {
            compiles(&engine, &call(function, required, &[]), dtype);
            calls += 1;
        }
        for set in 0..1 << flags.len() {
            let given: Vec<(&str, &str)> = flags
                .iter()
                .enumerate()
                .map(|(k, flag)| (*flag, if set >> k & 1 == 1 { "True" } else { "False" }))
                .collect();
            compiles(&engine, &call(function, required, &given), DType::F64);
        }
        // A flag that is known at the call alone.
        let varying: Vec<(&str, &str)> = flags.iter().map(|flag| (*flag, "v0 > 0.5")).collect();
        compiles(&engine, &call(function, required, &varying), DType::F64);
        // All numbers, but not those that exclude each other.
        let numbers = function.params.iter().take_while(|param| param.kind == ParamKind::Number).count();
        compiles(&engine, &call(function, numbers.max(required), &[]), DType::F64);
    }
    assert!(calls > 400, "only {calls} calls");
}

#[test]
fn private_functions_are_not_found() {
    let engine = Engine::new();
    for function in builtins::all().iter().filter(|function| function.is_private()) {
        let text = call(function, function.params.len(), &[]);
        let error = engine.compile(&text, &Options::default()).expect_err(&text).to_string();
        assert!(error.contains("unknown function"), "{error}");
        assert!(!error.contains("did you mean `_"), "{error}");
    }
}
