//! The corpus: programs with NumPy's results, run in every way that there is to run one. All give
//! the same bits, any NaN being as good as any other.
#![allow(unsafe_code, reason = "describes memory of its own to the engine")]

use numfuse::array::ArrayRef;
use numfuse::check::lower::{ArgumentType, Stores, lower};
use numfuse::check::names::{Listed, Resolved, resolve};
use numfuse::check::term::Known;
use numfuse::codegen::Simd;
use numfuse::dtype::{Casting, DType, Scalar, Type};
use numfuse::emit::parse_type;
use numfuse::interp;
use numfuse::ir::{OperandId, Program, Role};
use numfuse::jit::Jit;
use numfuse::opt::{self, Options};
use numfuse::registry::Registry;
use numfuse::runtime::plan::LoopPlan;
use numfuse::runtime::run::run;
use numfuse::runtime::shape::broadcast;
use numfuse::syntax::{Limits, parse};
use serde::Deserialize;
use std::fs;
use std::sync::Arc;

/// A file of the corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    text: String,
    /// The greatest distance from NumPy's result, in units in the last place.
    #[serde(default)]
    ulp: u64,
    /// The configurations that don't run this case.
    #[serde(default)]
    exclude: Vec<Exclusion>,
    arguments: Vec<Stored>,
    results: Vec<Stored>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    configuration: String,
    #[expect(dead_code, reason = "for readers, but required")]
    reason: String,
}

/// An array as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "type")]
    ty: String,
    shape: Vec<isize>,
    values: String,
}

impl Stored {
    fn ty(&self) -> Type {
        parse_type(&self.ty).unwrap_or_else(|| panic!("no type is called {}", self.ty))
    }

    fn array(&self) -> Array {
        let dtype = self.ty().dtype();
        let elements: Vec<Scalar> = self.values.split_whitespace().map(|value| element(dtype, value)).collect();
        assert_eq!(elements.len() as isize, self.shape.iter().product::<isize>(), "{}", self.values);
        Array::new(self.ty(), &self.shape, &elements)
    }
}

fn element(dtype: DType, value: &str) -> Scalar {
    let scalar = match dtype {
        DType::F32 => value.parse().ok().map(Scalar::f32),
        DType::F64 => value.parse().ok().map(Scalar::f64),
        _ => value.parse().ok().map(|value| Scalar::int(dtype, value)),
    };
    scalar.unwrap_or_else(|| panic!("{value} is no {dtype}"))
}

/// An array in C order.
#[derive(Clone, Debug)]
struct Array {
    ty: Type,
    shape: Vec<isize>,
    strides: Vec<isize>,
    bytes: Vec<u8>,
}

impl Array {
    fn new(ty: Type, shape: &[isize], elements: &[Scalar]) -> Array {
        let size = ty.dtype().size();
        let mut strides = vec![size as isize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        let bytes = elements.iter().flat_map(|element| element.bits.to_le_bytes()[..size].to_vec()).collect();
        Array { ty, shape: shape.into(), strides, bytes }
    }

    fn zeros(dtype: DType, shape: &[isize]) -> Array {
        let elements = vec![Scalar { dtype, bits: 0 }; shape.iter().product::<isize>() as usize];
        Array::new(Type::Strong(dtype), shape, &elements)
    }

    fn get(&self, at: usize) -> Scalar {
        let (dtype, mut bits) = (self.ty.dtype(), [0; 8]);
        let size = dtype.size();
        bits[..size].copy_from_slice(&self.bytes[at..at + size]);
        Scalar { dtype, bits: u64::from_le_bytes(bits) }
    }

    fn elements(&self) -> impl Iterator<Item = Scalar> + '_ {
        (0..self.bytes.len()).step_by(self.ty.dtype().size()).map(|at| self.get(at))
    }

    /// The place of the element that is broadcast to an index.
    fn place(&self, index: &[isize]) -> usize {
        let index = &index[index.len() - self.shape.len()..];
        let axes = self.shape.iter().zip(&self.strides).zip(index);
        axes.map(|((&extent, stride), i)| if extent == 1 { 0 } else { i * stride }).sum::<isize>() as usize
    }

    fn view(&mut self) -> ArrayRef<'_> {
        // SAFETY: shape and strides are those of the vector's elements, borrowed as long as the view.
        unsafe { ArrayRef::from_raw(self.bytes.as_mut_ptr(), &self.shape, &self.strides, self.ty, false, true) }
    }
}

/// How a program is run.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Interpreter,
    Machine(Simd),
}

const ENGINES: [(&str, Engine); 5] = [
    ("interpreter", Engine::Interpreter),
    ("scalar", Engine::Machine(Simd::Scalar)),
    ("v128", Engine::Machine(Simd::V128)),
    ("avx2", Engine::Machine(Simd::Avx2)),
    ("avx512", Engine::Machine(Simd::Avx512)),
];

/// The passes' configurations: none, all, and all but each in turn.
fn passes() -> Vec<(String, Options)> {
    let without = |disabled: Vec<String>| Options { disabled, ..Options::default() };
    let mut all = vec![
        ("no passes".to_owned(), without(opt::PASSES.iter().map(|p| p.name.to_owned()).collect())),
        ("all passes".to_owned(), without(Vec::new())),
    ];
    all.extend(opt::PASSES.iter().map(|p| (format!("without {}", p.name), without(vec![p.name.to_owned()]))));
    all
}

/// The typed program of a case, all of whose statements have one shape.
fn typed(case: &Case) -> (Resolved, Program) {
    let parsed = parse(&case.text, &Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{}: {:?}", case.text, parsed.diagnostics);
    let resolved = resolve(parsed.ast, Registry::builtin(), Listed::default()).expect("names that mean something");
    assert_eq!(resolved.arguments.len(), case.arguments.len(), "arguments of {}", case.text);
    let types = case.arguments.iter().map(|argument| {
        let integer = argument.values.parse().ok().filter(|_| resolved.powers_matter && argument.ty == "int");
        ArgumentType { ty: argument.ty(), known: integer.map_or(Known::Unknown, Known::of) }
    });
    let types: Vec<ArgumentType> = types.collect();
    let outputs = vec![None; resolved.outputs.len()];
    let groups = vec![0; resolved.statements.len()];
    let stores = Stores { casting: Casting::default(), outputs: &outputs, groups: &groups, masked: None };
    let lowered = lower(&resolved, &types, &stores).unwrap_or_else(|errors| panic!("{}: {errors:?}", case.text));
    (resolved, lowered.program)
}

/// Runs a program over the arguments and returns the memory of each operand.
fn evaluate(engine: Engine, program: &Program, arguments: &[Array], shape: &[isize]) -> Vec<Array> {
    let operands = program.operands.iter().map(|operand| match operand.role {
        Role::Argument(argument) | Role::Target(argument) => arguments[argument as usize].clone(),
        _ => Array::zeros(operand.dtype, shape),
    });
    let mut arrays: Vec<Array> = operands.collect();
    for index in 0..program.loops.len() {
        match engine {
            Engine::Interpreter => interpret(program, index, &mut arrays, shape),
            Engine::Machine(simd) => run_machine_code(program, index, &mut arrays, shape, simd),
        }
    }
    arrays
}

struct Lane<'a> {
    arrays: &'a mut [Array],
    index: &'a [isize],
}

impl interp::Memory for Lane<'_> {
    fn load(&self, operand: OperandId) -> Scalar {
        let array = &self.arrays[operand.0 as usize];
        array.get(array.place(self.index))
    }

    fn store(&mut self, operand: OperandId, value: Scalar) {
        let array = &mut self.arrays[operand.0 as usize];
        let (at, size) = (array.place(self.index), value.dtype.size());
        array.bytes[at..at + size].copy_from_slice(&value.bits.to_le_bytes()[..size]);
    }
}

fn interpret(program: &Program, index: usize, arrays: &mut [Array], shape: &[isize]) {
    for element in 0..shape.iter().product::<isize>() {
        let (mut rest, mut at) = (element, vec![0; shape.len()]);
        for (place, extent) in at.iter_mut().zip(shape).rev() {
            *place = rest % extent;
            rest /= extent;
        }
        interp::run_lane(&program.loops[index], &mut Lane { arrays, index: &at }).expect("no guard fails");
    }
}

fn run_machine_code(program: &Program, index: usize, arrays: &mut [Array], shape: &[isize], simd: Simd) {
    let views: Vec<ArrayRef> = arrays.iter_mut().map(Array::view).collect();
    let operands: Vec<Option<&ArrayRef>> = views.iter().map(Some).collect();
    let plan = LoopPlan::new(shape, &operands);
    let code = Jit::global().unwrap().compile(program, index, plan.layouts(), simd).unwrap();
    run(&plan, &Arc::new(code), 1, &|| false).expect("no guard fails");
}

/// The number of floats of the type from one to the other; a NaN is as good as any other.
fn distance(a: Scalar, b: Scalar) -> u64 {
    assert_eq!(a.dtype, b.dtype);
    let is_nan = |s: Scalar| s.dtype.is_float() && s.as_f64().is_nan();
    if a.bits == b.bits || is_nan(a) && is_nan(b) {
        return 0;
    }
    if !a.dtype.is_float() || is_nan(a) || is_nan(b) {
        return u64::MAX;
    }
    let sign = 1u64 << (a.dtype.bits() - 1);
    let ordered = |s: Scalar| i128::from(s.bits & !sign) * if s.bits & sign == 0 { 1 } else { -1 };
    // Zeros of both signs are two numbers.
    (ordered(a) - ordered(b)).unsigned_abs().max(1) as u64
}

/// What of two arrays differs by more than `ulp`, if anything does.
fn difference(found: &Array, expected: &Array, ulp: u64) -> Option<String> {
    if found.ty.dtype() != expected.ty.dtype() || found.shape != expected.shape {
        let described = |a: &Array| format!("{} {:?}", a.ty.dtype(), a.shape);
        return Some(format!("{}, not {}", described(found), described(expected)));
    }
    let mut pairs = found.elements().zip(expected.elements()).enumerate();
    let (at, (found, expected)) = pairs.find(|(_, (found, expected))| distance(*found, *expected) > ulp)?;
    Some(format!("element {at}: {found}, not {expected}"))
}

/// Runs a case in every way and appends what is wrong.
fn check(case: &Case, wrong: &mut Vec<String>) {
    let types: Vec<&str> = case.arguments.iter().map(|a| a.ty.as_str()).collect();
    let mut complain = |way: &str, what: String| wrong.push(format!("{} of {types:?}, {way}: {what}", case.text));
    let (resolved, program) = typed(case);
    let arguments: Vec<Array> = case.arguments.iter().map(Stored::array).collect();
    let shape = broadcast(arguments.iter().map(|a| a.shape.as_slice())).expect("shapes that fit");
    let reference = evaluate(Engine::Interpreter, &program, &arguments, &shape);

    assert_eq!(resolved.outputs.len(), case.results.len(), "results of {}", case.text);
    for (index, (output, stored)) in resolved.outputs.iter().zip(&case.results).enumerate() {
        let role = output.target.map_or(Role::Output(index as u32), |target| Role::Target(target as u32));
        let operand = program.operands.iter().position(|o| o.role == role).expect("an output's operand");
        if let Some(what) = difference(&reference[operand], &stored.array(), case.ulp) {
            complain(&format!("{} against NumPy", output.name), what);
        }
    }
    let mut excluded = 0;
    for (passes, options) in passes() {
        let mut program = program.clone();
        opt::optimise(&mut program, &options);
        // Levels that the machine lacks would be others again.
        let has = |how: &Engine| !matches!(how, Engine::Machine(simd) if *simd > Simd::best());
        for (engine, how) in ENGINES.into_iter().filter(|(_, how)| has(how)) {
            let configuration = format!("{engine}, {passes}");
            if case.exclude.iter().any(|e| e.configuration == configuration) {
                excluded += 1;
                continue;
            }
            let found = evaluate(how, &program, &arguments, &shape);
            for ((found, reference), operand) in found.iter().zip(&reference).zip(&program.operands) {
                if let Some(what) = difference(found, reference, 0) {
                    complain(&configuration, format!("{}: {what}", operand.name));
                }
            }
        }
    }
    assert_eq!(excluded, case.exclude.len(), "{} excludes what does not exist", case.text);
}

/// Checks a file and returns its number of cases.
fn check_file(name: &str, at_least: usize) {
    let path = format!("{}/tests/corpus/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let corpus: Corpus = toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(corpus.case.len() >= at_least, "{path} has {} cases only", corpus.case.len());
    let mut wrong = Vec::new();
    corpus.case.iter().for_each(|case| check(case, &mut wrong));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn operators() {
    check_file("operators", 100);
}

#[test]
fn functions() {
    check_file("functions", 100);
}

#[test]
fn programs() {
    check_file("programs", 50);
}

#[test]
fn unknown_keys_are_rejected() {
    let good = "[[case]]\ntext = 'x'\narguments = []\nresults = []\n";
    assert!(toml::from_str::<Corpus>(good).is_ok());
    for bad in ["tolerance = 1\n", "[[case.exclude]]\nconfiguration = 'scalar, all passes'\n"] {
        assert!(toml::from_str::<Corpus>(&format!("{good}{bad}")).is_err(), "{bad}");
    }
}
