//! The developer's command line: shows what each stage makes of an expression.

use numfuse::codegen::{Simd, Stride};
use numfuse::diagnostic::Error;
use numfuse::emit::{Request, Stage, emit, parse_type, time_passes};
use numfuse::opt::{self, FastMath, Options};
use std::process::ExitCode;

const USAGE: &str = "\
usage: numfuse-dev [options] EXPRESSION

  --emit STAGE         tokens, ast, ir, opt (the default), clif or asm
  --types TYPES        the arguments' types in order, as f8,i4,float (default f8 for all)
  --layout LAYOUT      contiguous (the default), strided, row or constant
  --simd LEVEL         scalar, v128, avx2 or avx512; the default is the machine's best
  --fastmath           allow contraction to fused multiply-add, and approximate functions
  --disable-pass PASS  don't run a pass; may be repeated
  --time-passes        print how long each stage and pass takes
  --help               print this and the passes
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<String, String> {
    let mut stage = Stage::Opt;
    let mut time = false;
    let mut request = Request {
        text: String::new(),
        types: Vec::new(),
        stride: Stride::Contiguous,
        simd: Simd::best(),
        passes: Options::default(),
    };
    let mut text = None;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n\n{USAGE}"));
        match arg.as_str() {
            "--emit" => {
                let name = value()?;
                let found = Stage::ALL.into_iter().find(|(n, _)| *n == name);
                stage = found.ok_or_else(|| format!("no stage is called {name}\n\n{USAGE}"))?.1;
            }
            "--types" => {
                let types = value()?;
                let parsed = types.split(',').map(|t| parse_type(t.trim()).ok_or(format!("no type is called {t}")));
                request.types = parsed.collect::<Result<_, _>>()?;
            }
            "--layout" => {
                request.stride = match value()?.as_str() {
                    "contiguous" => Stride::Contiguous,
                    "interleaved" => Stride::Interleaved,
                    "strided" => Stride::Strided,
                    "row" => Stride::Row,
                    "constant" => Stride::Constant,
                    other => return Err(format!("no layout is called {other}\n\n{USAGE}")),
                }
            }
            "--simd" => {
                let name = value()?;
                request.simd = Simd::parse(&name).ok_or(format!("no level is called {name}\n\n{USAGE}"))?;
            }
            "--fastmath" => request.passes.fastmath = FastMath { contract: true, afn: true },
            "--disable-pass" => {
                let name = value()?;
                if opt::PASSES.iter().all(|pass| pass.name != name) {
                    return Err(format!("no pass is called {name}\n\n{}", help()));
                }
                request.passes.disabled.push(name);
            }
            "--time-passes" => time = true,
            "--help" | "-h" => return Ok(help()),
            _ if arg.starts_with("--") => return Err(format!("unknown option {arg}\n\n{USAGE}")),
            _ if text.is_none() => text = Some(arg),
            _ => return Err(format!("more than one expression\n\n{USAGE}")),
        }
    }
    request.text = text.ok_or(USAGE)?;
    let show = |error: Error| error.to_string();
    if time {
        // The first run loads code and warms caches; the second is what compiling costs.
        time_passes(&request).map_err(show)?;
        let timings = time_passes(&request).map_err(show)?;
        return Ok(timings.iter().map(|t| format!("{:<20}{:>10.1?}\n", t.name, t.time)).collect());
    }
    emit(&request, stage).map_err(show)
}

fn help() -> String {
    let passes: String = opt::PASSES.iter().map(|pass| format!("  {:<12} {}\n", pass.name, pass.description)).collect();
    format!("{USAGE}\npasses, in order:\n{passes}")
}
