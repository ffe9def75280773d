//! Dumps of every stage, for developers.

use crate::check::lower::{ArgumentType, Stores, lower};
use crate::check::names::{Listed, Resolved, resolve};
use crate::check::term::Known;
use crate::codegen::lines::{self, Form};
use crate::codegen::{Layout, Simd, Stride, wide};
use crate::diagnostic::{Error, Report};
use crate::dtype::{Casting, DType, Type};
use crate::ir::{Program, Role};
use crate::jit::{Jit, wide_level};
use crate::opt::{self, Options};
use crate::registry::Registry;
use crate::syntax::{self, Limits};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A stage whose result can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The tokens with their places.
    Tokens,
    /// The tree.
    Ast,
    /// The typed program as the checker makes it.
    Ir,
    /// The typed program after the passes.
    Opt,
    /// Cranelift's form of each loop.
    Clif,
    /// The machine code of each loop.
    Asm,
}

impl Stage {
    /// Every stage, by the name that the command line takes.
    pub const ALL: [(&'static str, Stage); 6] = [
        ("tokens", Stage::Tokens),
        ("ast", Stage::Ast),
        ("ir", Stage::Ir),
        ("opt", Stage::Opt),
        ("clif", Stage::Clif),
        ("asm", Stage::Asm),
    ];
}

/// What to compile, and for what.
#[derive(Clone, Debug)]
pub struct Request {
    /// The program.
    pub text: String,
    /// The types of the arguments, in order; the last one goes on for those that have none. Empty
    /// for float64.
    pub types: Vec<Type>,
    /// The layout of arrays.
    pub stride: Stride,
    /// The instruction sets.
    pub simd: Simd,
    /// The passes.
    pub passes: Options,
}

/// The time that a stage or pass took.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The stage's or the pass's name.
    pub name: &'static str,
    /// How long it took.
    pub time: Duration,
}

/// A type as `f8`, `float64`, `int` or `float`.
pub fn parse_type(text: &str) -> Option<Type> {
    match text {
        "float" => Some(Type::WeakFloat),
        "int" => Some(Type::WeakInt),
        _ => DType::parse(text).or_else(|| DType::parse_time(text)).map(Type::Strong),
    }
}

/// The text of a stage's result.
///
/// # Errors
/// As compiling and calling give them.
pub fn emit(request: &Request, stage: Stage) -> Result<String, Error> {
    match stage {
        Stage::Tokens => {
            let tokens = syntax::tokens(&request.text);
            Ok(tokens.iter().map(|(token, span)| format!("{span:<8} {token:?}\n")).collect())
        }
        Stage::Ast => Ok(parse(request)?.ast.dump()),
        Stage::Ir => Ok(typed(request, &parse(request)?)?.to_string()),
        Stage::Opt => Ok(optimised(request)?.to_string()),
        Stage::Clif | Stage::Asm => {
            let program = optimised(request)?;
            let layouts = layouts(&program, request);
            let jit = Jit::global().map_err(internal)?;
            let text = |index: usize| {
                let level = wide_level(request.simd).filter(|_| stage == Stage::Asm);
                let (program, index, layouts) = coded(&program, index, &layouts, level);
                match stage {
                    Stage::Clif => jit.clif_text(&program, index, &layouts, request.simd),
                    _ => jit.asm_text(&program, index, &layouts, request.simd),
                }
            };
            (0..program.loops.len()).map(|index| text(index).map_err(internal)).collect()
        }
    }
}

/// Runs every stage and takes the time of each.
///
/// # Errors
/// As compiling and calling give them.
pub fn time_passes(request: &Request) -> Result<Vec<Timing>, Error> {
    let mut timings = Vec::new();
    let mut timed = |name: &'static str, start: Instant| timings.push(Timing { name, time: start.elapsed() });
    let start = Instant::now();
    let resolved = parse(request)?;
    timed("parse and resolve", start);
    let start = Instant::now();
    let mut program = typed(request, &resolved)?;
    timed("lower", start);
    for pass in opt::enabled(&request.passes) {
        let start = Instant::now();
        (pass.run)(&mut program, &request.passes);
        timed(pass.name, start);
    }
    let layouts = layouts(&program, request);
    let jit = Jit::global().map_err(internal)?;
    for index in 0..program.loops.len() {
        let start = Instant::now();
        let (program, index, layouts) = coded(&program, index, &layouts, wide_level(request.simd));
        jit.compile(&program, index, &layouts, request.simd).map_err(internal)?;
        timed("machine code", start);
    }
    Ok(timings)
}

/// A loop as it is compiled: where it reduces, it stores what is folded to lines, or what a row folds to if the
/// wide back end has code of a level for that.
fn coded<'p>(
    program: &'p Program,
    index: usize,
    layouts: &[Layout],
    level: Option<wide::Level>,
) -> (Cow<'p, Program>, usize, Vec<Layout>) {
    let body = &program.loops[index];
    let (folds, _) = lines::folds(program, body, layouts, false);
    if folds.is_empty() {
        return (Cow::Borrowed(program), index, layouts.to_vec());
    }
    let made = |form| (lines::with_lines(program, body, &folds, form), lines::layouts(layouts, &folds, form));
    let (rows, row_layouts) = made(Form::Rows);
    let (program, layouts) = match level {
        Some(level) if wide::lower(&rows, 0, &row_layouts, level).is_ok() => (rows, row_layouts),
        _ => made(Form::Values),
    };
    (Cow::Owned(program), 0, layouts)
}

fn internal(error: impl ToString) -> Error {
    Error::Internal(error.to_string())
}

fn parse(request: &Request) -> Result<Resolved, Error> {
    let text: Arc<str> = Arc::from(request.text.as_str());
    let report = |diagnostics| Error::Report(Report::new(Arc::clone(&text), diagnostics));
    let parsed = syntax::parse(&request.text, &Limits::default());
    if !parsed.diagnostics.is_empty() {
        return Err(report(parsed.diagnostics));
    }
    resolve(parsed.ast, Registry::builtin(), Listed::default()).map_err(report)
}

fn typed(request: &Request, resolved: &Resolved) -> Result<Program, Error> {
    let default = request.types.last().copied().unwrap_or(Type::Strong(DType::F64));
    let argument = |index: usize| request.types.get(index).copied().unwrap_or(default);
    let types: Vec<ArgumentType> = (0..resolved.arguments.len())
        .map(|index| ArgumentType { ty: argument(index), known: Known::Unknown })
        .collect();
    let outputs = vec![None; resolved.outputs.len()];
    let groups = resolved.loops(|_, _| true);
    let stores = Stores { casting: Casting::default(), outputs: &outputs, groups: &groups, masked: None };
    let lowered = lower(resolved, &types, &stores)
        .map_err(|diagnostics| Error::Report(Report::new(Arc::clone(&resolved.ast.text), diagnostics)))?;
    Ok(lowered.program)
}

fn optimised(request: &Request) -> Result<Program, Error> {
    let mut program = typed(request, &parse(request)?)?;
    opt::optimise(&mut program, &request.passes);
    Ok(program)
}

fn layouts(program: &Program, request: &Request) -> Vec<Layout> {
    let stride = |role: Role| match role {
        Role::Argument(index) if request.types.get(index as usize).is_some_and(|ty| ty.is_weak()) => Stride::Constant,
        _ => request.stride,
    };
    program.operands.iter().map(|operand| Layout { stride: stride(operand.role), swapped: false }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        Request {
            text: text.to_owned(),
            types: Vec::new(),
            stride: Stride::Contiguous,
            simd: Simd::best(),
            passes: Options::default(),
        }
    }

    #[test]
    fn every_stage_shows_something_of_the_program() {
        let expected = ["Plus", "x", "v2: float64 = add v0, v1", "v2: float64 = add v0, v1", "fadd", "ret"];
        for ((name, stage), expected) in Stage::ALL.into_iter().zip(expected) {
            let text = emit(&request("x + y"), stage).unwrap();
            assert!(text.contains(expected), "{name}:\n{text}");
        }
    }

    #[test]
    fn reductions_have_code_too() {
        for stage in [Stage::Clif, Stage::Asm] {
            assert!(!emit(&request("sum(x * y) / sum(y)"), stage).unwrap().is_empty());
        }
        assert!(time_passes(&request("x - mean(x)")).is_ok());
    }

    #[test]
    fn disabled_passes_do_not_run() {
        let mut request = request("x + 0*1");
        assert!(!emit(&request, Stage::Opt).unwrap().contains("mul"));
        let timed = |request: &Request| time_passes(request).unwrap().iter().any(|t| t.name == "dce");
        assert!(timed(&request));
        request.passes.disabled.push("dce".into());
        assert!(!timed(&request));
    }
}
