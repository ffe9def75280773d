//! Reads the text form that [`super::print`] writes, for tests and to replay a failure.
//!
//! Blank lines and lines that start with `#` are skipped. Whether the program is well formed is
//! [`super::verify`]'s to say; only what could not be represented is an error here.

use super::{Args, Callee, Fold, Guard, GuardId, GuardKind, Inst, Loop, Op, Operand, OperandId, Program, Role, Value};
use crate::dtype::{DType, Scalar};
use crate::source::Span;
use std::sync::Arc;

/// Finds a function by its name, its parameters' types and its result's type.
pub type Resolve<'a> = &'a dyn Fn(&str, &[DType], DType) -> Option<Arc<Callee>>;

/// The program with the given text form. `resolve` finds the functions that it calls.
pub fn parse(text: &str, resolve: Resolve) -> Result<Program, String> {
    let mut program = Program::default();
    let mut place = Place::Before;
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        last = index + 1;
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            parse_line(line, &mut place, &mut program, resolve).map_err(|e| format!("line {last}: {e}"))?;
        }
    }
    match place {
        Place::After => Ok(program),
        _ => Err(format!("line {last}: the text ends within the program")),
    }
}

/// Which lines may come next.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Before,
    Program,
    Loop,
    After,
}

fn parse_line(line: &str, place: &mut Place, program: &mut Program, resolve: Resolve) -> Result<(), String> {
    let mut line = Line { rest: line };
    *place = match (*place, line.rest) {
        (Place::Before, "program {") => Place::Program,
        (Place::Program, "loop {") => {
            program.loops.push(Loop::default());
            Place::Loop
        }
        (Place::Loop, "}") => Place::Program,
        (Place::Program, "}") => Place::After,
        (Place::Program, _) => {
            if line.rest.starts_with('a') {
                line.numbered("a", program.operands.len())?;
                program.operands.push(line.operand()?);
            } else {
                line.numbered("g", program.guards.len())?;
                program.guards.push(line.guard()?);
            }
            line.end()?;
            Place::Program
        }
        (Place::Loop, _) => {
            let body = program.loops.last_mut().ok_or("no loop")?;
            let (inst, dtype) = line.inst(body, resolve)?;
            line.end()?;
            body.push(inst, dtype);
            Place::Loop
        }
        (Place::Before, _) => return Err("expected `program {`".into()),
        (Place::After, _) => return Err("text after the program".into()),
    };
    Ok(())
}

/// What is left of a line.
struct Line<'a> {
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.eat(text) { Ok(()) } else { Err(format!("expected `{text}` before `{}`", self.rest)) }
    }

    fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("unexpected `{}`", self.rest)) }
    }

    /// The text up to a space, a comma or a bracket.
    fn word(&mut self) -> &'a str {
        let is_end = |c: char| c == ' ' || c == ',' || c == '(' || c == ')';
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn number(&mut self) -> Result<u32, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().map_err(|_| format!("expected a number before `{}`", self.rest))?;
        self.rest = rest.trim_start();
        Ok(number)
    }

    /// `prefix` with its number, which must be the next one, and a colon.
    fn numbered(&mut self, prefix: &str, next: usize) -> Result<(), String> {
        self.expect(prefix)?;
        if self.number()? as usize != next {
            return Err(format!("expected number {prefix}{next}"));
        }
        self.expect(":")
    }

    fn value(&mut self) -> Result<Value, String> {
        self.expect("v")?;
        self.number().map(Value)
    }

    fn operand_id(&mut self) -> Result<OperandId, String> {
        self.expect("a")?;
        self.number().map(OperandId)
    }

    fn dtype(&mut self) -> Result<DType, String> {
        let word = self.word();
        DType::parse(word).ok_or_else(|| format!("no type `{word}`"))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let dtype = self.dtype()?;
        let role = match self.word() {
            "argument" => Role::Argument,
            "target" => Role::Target,
            "output" => Role::Output,
            "hidden" => Role::Hidden,
            "count" => Role::Count,
            "index" => Role::Index,
            "mask" => |_| Role::Mask,
            other => return Err(format!("no role `{other}`")),
        };
        let role = role(self.number()?);
        let offset = if self.eat("+") { self.number()? } else { 0 };
        Ok(Operand { name: self.quoted()?.into(), dtype, role, offset })
    }

    fn guard(&mut self) -> Result<Guard, String> {
        let kind = match self.word() {
            "zero-division" => GuardKind::ZeroDivision,
            "overflow" => GuardKind::Overflow,
            "negative-shift" => GuardKind::NegativeShift,
            "complex-power" => GuardKind::ComplexPower,
            "negative-power" => GuardKind::NegativePower,
            "out-of-bounds" => GuardKind::OutOfBounds(self.dtype()?, self.operand_id()?),
            other => return Err(format!("no kind of guard `{other}`")),
        };
        let start = self.number()?;
        self.expect("..")?;
        Ok(Guard { kind, span: Span { start, end: self.number()? } })
    }

    /// A string as Rust's `{:?}` writes it.
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"').ok_or("expected a string")?.chars();
        loop {
            match chars.next().ok_or("a string without its end")? {
                '"' => break,
                '\\' => text.push(match chars.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('0') => '\0',
                    Some('u') => {
                        let rest = chars.as_str().strip_prefix('{').ok_or("a bad escape")?;
                        let (digits, rest) = rest.split_once('}').ok_or("a bad escape")?;
                        chars = rest.chars();
                        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or("a bad escape")?
                    }
                    Some(c @ ('"' | '\'' | '\\')) => c,
                    _ => return Err("a bad escape".into()),
                }),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str().trim_start();
        Ok(text)
    }

    /// An instruction and the type of its value.
    fn inst(&mut self, body: &Loop, resolve: Resolve) -> Result<(Inst, Option<DType>), String> {
        let mut dtype = None;
        if self.rest.starts_with('v') {
            let next = body.insts.len();
            if self.value()?.0 as usize != next {
                return Err(format!("expected value v{next}"));
            }
            if self.eat(":") {
                dtype = Some(self.dtype()?);
            }
            self.expect("=")?;
        }
        let inst = match self.word() {
            "const" => Inst::Const(scalar(dtype.ok_or("a constant needs a type")?, self.word())?),
            "load" => Inst::Load(self.operand_id()?),
            "store" => {
                let operand = self.operand_id()?;
                self.expect(",")?;
                Inst::Store(operand, self.value()?)
            }
            "reduce" => {
                let name = self.word();
                let fold = Fold::ALL.into_iter().find(|fold| fold.name() == name);
                let fold = fold.ok_or_else(|| format!("no fold `{name}`"))?;
                let operand = self.operand_id()?;
                self.expect(",")?;
                let args = self.values()?;
                if args.len() != fold.parts() {
                    return Err(format!("{} values to fold by {name}", args.len()));
                }
                Inst::Reduce(fold, operand, Args::new(&args))
            }
            "guard" => {
                let condition = self.value()?;
                self.expect(",")?;
                self.expect("g")?;
                Inst::Guard(condition, GuardId(self.number()?))
            }
            "call" => {
                let name = self.quoted()?;
                self.expect("(")?;
                let args = self.values()?;
                self.expect(")")?;
                let type_of = |arg: &Value| body.types.get(arg.0 as usize).copied().flatten();
                let params: Option<Vec<DType>> = args.iter().map(type_of).collect();
                let params = params.ok_or("a call needs arguments that are defined before it")?;
                let result = dtype.ok_or("a call needs a type")?;
                let callee = resolve(&name, &params, result);
                let callee = callee.ok_or_else(|| format!("no function {name:?} of {params:?} giving {result}"))?;
                Inst::Call(callee, args)
            }
            name => {
                let op =
                    *Op::ALL.iter().find(|op| op.name() == name).ok_or_else(|| format!("no operation `{name}`"))?;
                let args = self.values()?;
                if args.len() > 3 {
                    return Err(format!("{} arguments of {name}", args.len()));
                }
                Inst::Op(op, Args::new(&args))
            }
        };
        Ok((inst, dtype))
    }

    /// Values separated by commas.
    fn values(&mut self) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        while values.is_empty() && self.rest.starts_with('v') || !values.is_empty() && self.eat(",") {
            values.push(self.value()?);
        }
        Ok(values)
    }
}

/// A constant as [`Scalar`] displays it.
fn scalar(dtype: DType, text: &str) -> Result<Scalar, String> {
    let wrong = || format!("no {dtype} `{text}`");
    if let Some(bits) = text.strip_prefix("nan:0x") {
        let bits = u64::from_str_radix(bits, 16).map_err(|_| wrong())?;
        let nan = Scalar { dtype, bits };
        let fits = dtype == DType::F64 || dtype == DType::F32 && bits <= u64::from(u32::MAX);
        return if fits && nan.as_f64().is_nan() { Ok(nan) } else { Err(wrong()) };
    }
    match dtype {
        DType::Bool => text.parse().map(Scalar::bool).map_err(|_| wrong()),
        DType::F32 => text.parse().map(Scalar::f32).map_err(|_| wrong()),
        DType::F64 => text.parse().map(Scalar::f64).map_err(|_| wrong()),
        _ => {
            let (least, greatest) = dtype.int_range();
            let value: i128 = text.parse().map_err(|_| wrong())?;
            if (least..=greatest).contains(&value) { Ok(Scalar::int(dtype, value)) } else { Err(wrong()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::CalleeFn;

    extern "C" fn half(x: f64) -> f64 {
        x / 2.0
    }

    fn resolve(name: &str, params: &[DType], result: DType) -> Option<Arc<Callee>> {
        let known = name == "half" && params == [DType::F64] && result == DType::F64;
        known.then(|| Arc::new((half as extern "C" fn(f64) -> f64).callee("half")))
    }

    #[test]
    fn text_round_trips() {
        let text = r#"program {
  a0: float64 argument 0 "x1"
  a1: float64 target 1 "an \"odd\"\n name\u{7f} é"
  a2: bool output 0 "result"
  a3: int8 hidden 4 ""
  a4: int64 count 5 "size"
  a5: float64 hidden 6 ""
  g0: zero-division 3..8
  g1: out-of-bounds int8 a0 0..1
  g2: overflow 1..2
  g3: negative-shift 1..2
  g4: complex-power 1..2
  g5: negative-power 1..2
  loop {
    v0: float64 = load a0
    v1: float64 = const -0.0
    v2: float64 = const nan:0x7ff8000000000001
    v3: float32 = const nan:0xffc00000
    v4: float32 = const 1e-45
    v5: float64 = const -inf
    v6: uint64 = const 18446744073709551615
    v7: int64 = const -9223372036854775808
    v8: bool = const true
    guard v8, g0
    v10: float64 = fma v0, v1, v2
    v11: float64 = call "half"(v10)
    v12: int8 = convert v11
    v13: float64 = const 1e300
    store a1, v11
    store a3, v12
  }
  loop {
    v0: int8 = load a3
    v1: bool = convert v0
    v2: int64 = load a4
    v3: float64 = convert v2
    store a2, v1
    reduce fmin a5, v3
  }
}
"#;
        let program = parse(text, &resolve).unwrap();
        assert_eq!(program.to_string(), text);
        assert_eq!(&*program.operands[1].name, "an \"odd\"\n name\u{7f} é");
        assert_eq!(crate::ir::verify::verify(&program), Ok(()));
        assert!(program.loops[1].to_string().starts_with("loop {\n  v0: int8 = load a3\n"));
    }

    #[test]
    fn errors_name_the_line() {
        let within = |line: &str| format!("program {{\n  a0: float64 argument 0 \"x\"\n  loop {{\n{line}\n  }}\n}}\n");
        for (text, message) in [
            ("", "line 0: the text ends within the program"),
            ("loop {", "line 1: expected `program {`"),
            ("program {\n", "line 1: the text ends within the program"),
            ("program {\n}\n}", "line 3: text after the program"),
            ("program {\n  a1: float64 argument 0 \"x\"\n}", "line 2: expected number a0"),
            ("program {\n  a0: float65 argument 0 \"x\"\n}", "line 2: no type `float65`"),
            ("program {\n  a0: float64 guest 0 \"x\"\n}", "line 2: no role `guest`"),
            ("program {\n  a0: float64 argument 0 \"x\n}", "line 2: a string without its end"),
            ("program {\n  a0: float64 argument 0 \"\\q\"\n}", "line 2: a bad escape"),
            ("program {\n  g0: doubt 0..1\n}", "line 2: no kind of guard `doubt`"),
            ("program {\n  g0: overflow 0-1\n}", "line 2: expected `..` before `-1`"),
            (&within("v1: float64 = load a0"), "line 4: expected value v0"),
            (&within("v0: float64 = sum v0"), "line 4: no operation `sum`"),
            (&within("v0: float64 = add v0, v0, v0, v0"), "line 4: 4 arguments of add"),
            (&within("v0: float64 = add v0,"), "line 4: expected `v` before ``"),
            (&within("v0: float64 = load a0 a1"), "line 4: unexpected `a1`"),
            (&within("v0: int8 = const 128"), "line 4: no int8 `128`"),
            (&within("v0: float64 = const nan:0x0"), "line 4: no float64 `nan:0x0`"),
            (&within("v0 = const 1"), "line 4: a constant needs a type"),
            (&within("v0: float64 = load a99999999999"), "line 4: expected a number before `99999999999`"),
            (&within("v0: float64 = call \"half\"(v9)"), "line 4: a call needs arguments that are defined before it"),
            (&within("v0: float64 = call \"half\"()"), "line 4: no function \"half\" of [] giving float64"),
        ] {
            assert_eq!(parse(text, &resolve).unwrap_err(), message, "{text}");
        }
    }
}
