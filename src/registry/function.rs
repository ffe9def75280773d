//! What a function is: one row, from which everything else is derived.

use super::expression::Expression;
use crate::dtype::{Casting, DType};
use crate::ir::{Callee, Effects, Loop, Value};
use crate::math::block::dispatch::{Kernel, Kernels};
use crate::math::complex;
use crate::math::text::Test;
use crate::syntax::ast::{BinaryOp, CompareOp, LogicalOp, UnaryOp};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A function's row.
#[derive(Debug)]
pub struct Function {
    /// The name. One that begins with an underscore is for the bodies of built-in functions alone.
    pub name: Cow<'static, str>,
    /// Other names for the same function.
    pub aliases: &'static [&'static str],
    /// The parameters in order; those with defaults last.
    pub params: Vec<Param>,
    /// What it computes, in a sentence.
    pub doc: Cow<'static, str>,
    /// How exact it is, where that is known.
    pub accuracy: Accuracy,
    /// What defines it.
    pub reference: Cow<'static, str>,
    /// How it is computed.
    pub body: Body,
    /// How it is computed of complex numbers, if the body is not for any type and it takes them.
    pub of_complex: Option<OfComplex>,
    /// How it is computed of times, likewise.
    pub of_time: Option<OfTime>,
}

/// How a function is computed of complex numbers, each a pair of its real and its imaginary part, all of one type.
#[derive(Debug)]
pub enum OfComplex {
    /// Primitives that give a complex number.
    Complex(fn(&mut Loop, DType, &[[Value; 2]]) -> [Value; 2]),
    /// Primitives that give another value.
    Real(fn(&mut Loop, DType, &[[Value; 2]]) -> Value),
    /// Native functions, for each part of the value one.
    Native(&'static Complex),
}

/// How a function is computed of times, whose numbers are int64 and of one unit: primitives that give a number
/// of that unit, or a bool.
#[derive(Debug)]
pub enum OfTime {
    /// Of points in time and of spans.
    Any(fn(&mut Loop, &[Value]) -> Value),
    /// Of spans alone.
    Spans(fn(&mut Loop, &[Value]) -> Value),
}

/// The native functions of a row for complex numbers, made at first use.
#[derive(Debug)]
pub struct Complex {
    real: Floats,
    imag: Floats,
}

impl Complex {
    /// From the kernels.
    pub const fn new(kernels: &'static complex::Complex) -> Complex {
        Complex { real: Floats::new(&kernels.real), imag: Floats::new(&kernels.imag) }
    }

    /// The parts of a call's value; the arguments are parts of the given type.
    pub fn call(&self, l: &mut Loop, dtype: DType, parts: &[Value]) -> [Value; 2] {
        [&self.real, &self.imag].map(|part| part.call(l, dtype, parts))
    }
}

/// What is promised of a function's results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accuracy {
    /// Greatest error in units in the last place, of float64 where there are floats (float32's is at most
    /// 1); 0 for exact or correctly rounded results.
    Ulp(f64),
    /// Nearly all results within so many units in the last place, times one and the condition number.
    Conditioned(f64),
    /// That of whoever registered it.
    Unknown,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accuracy::Ulp(0.0) => f.write_str("exact"),
            Accuracy::Ulp(most) => write!(f, "{most} ULP"),
            Accuracy::Conditioned(most) => write!(f, "{most} ULP times 1 + condition"),
            Accuracy::Unknown => f.write_str("not stated"),
        }
    }
}

/// A parameter.
#[derive(Debug)]
pub struct Param {
    /// The name.
    pub name: Cow<'static, str>,
    /// The value where the call gives none: an expression over other parameters, which may be needed
    /// themselves by then.
    pub default: Option<Expression>,
    /// What it takes.
    pub kind: ParamKind,
    /// Must a call name it?
    pub by_name: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A number.
    Number,
    /// A condition, whose type is not the numbers'.
    Flag,
    /// A number; not together with the parameter of this name.
    Instead(&'static str),
    /// `None`, an integer or a tuple of integers, written out in the call: axes.
    Axes,
    /// `True` or `False`, written out in the call.
    Switch,
    /// `None` or a dtype, written out in the call.
    DType,
    /// A number, or `None` for none.
    Optional,
    /// Nothing: the parameter keeps a place. What a call that gives it is told.
    Refused(&'static str),
}

impl Param {
    /// One that every call gives.
    pub fn required(name: impl Into<Cow<'static, str>>) -> Param {
        Param { name: name.into(), default: None, kind: ParamKind::Number, by_name: false }
    }

    /// Is its default a reduction?
    pub fn reduces(&self) -> bool {
        self.default.as_ref().is_some_and(Expression::reduces)
    }

    /// One that a call may give by name.
    pub fn option(name: &'static str, kind: ParamKind, default: &'static str) -> Param {
        Param { name: name.into(), default: Some(Expression::builtin(default)), kind, by_name: true }
    }
}

/// How a function is computed.
#[derive(Debug)]
pub enum Body {
    /// Primitives, over arguments of one type that the rule accepts.
    Op(Loops, fn(&mut Loop, DType, &[Value]) -> Value),
    /// An expression of the language over the parameters, as numbers of one type that the rule accepts.
    Expand(Loops, Expression),
    /// An expression of the language over the arguments as they are.
    Inline(Expression),
    /// Registered functions: the first to whose types the arguments can be cast safely.
    Foreign(Vec<Arc<Callee>>),
    /// A native function for float32 and one for float64.
    Native(Loops, Floats),
    /// A native function for each integer type.
    NativeInt(Loops, fn(DType) -> Option<Kernel>),
    /// What an operator of the language computes.
    Unary(UnaryOp),
    /// As above.
    Binary(BinaryOp),
    /// As above.
    Compare(CompareOp),
    /// As above.
    Logical(LogicalOp),
    /// Typing rules of its own, in `check`.
    Special(Special),
    /// The argument in a type.
    Cast(DType),
    /// What takes strings.
    Text(TextFunction),
    /// A loop of its own, which joins the argument's elements along axes. The parameters are among
    /// [`Reduction::PARAMS`].
    Reduce(Reduction),
}

/// What a reduction computes. Others are expressions of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The sum; of integers in 64 bits.
    Sum,
    /// The product; of integers in 64 bits.
    Prod,
    /// The sum, of integers in float64.
    Total,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The least that is no NaN.
    NanMin,
    /// The greatest that is no NaN.
    NanMax,
    /// Whether all are true.
    All,
    /// Whether any is true.
    Any,
    /// How many are true.
    Count,
    /// How many there are.
    Size,
    /// Nothing is reduced: an element's place along the axis, or among all elements in C order.
    Index,
    /// The sum in the elements' own type.
    Inner,
    /// The same of vectors, of which all that is read must have one axis and one length.
    Dot,
}

impl Reduction {
    /// The parameters, in this order, of which a row may leave some out.
    pub const PARAMS: [&'static str; 6] = ["a", "axis", "dtype", "keepdims", "initial", "where"];

    /// The name of the ufunc whose reduction NumPy makes of it, for messages.
    pub fn ufunc(self) -> &'static str {
        match self {
            Reduction::Sum
            | Reduction::Total
            | Reduction::Count
            | Reduction::Size
            | Reduction::Index
            | Reduction::Inner
            | Reduction::Dot => "add",
            Reduction::Prod => "multiply",
            Reduction::Min => "minimum",
            Reduction::Max => "maximum",
            Reduction::NanMin => "fmin",
            Reduction::NanMax => "fmax",
            Reduction::All => "logical_and",
            Reduction::Any => "logical_or",
        }
    }

    /// Is there no result of no elements?
    pub fn needs_elements(self) -> bool {
        matches!(self, Reduction::Min | Reduction::Max | Reduction::NanMin | Reduction::NanMax)
    }
}

/// Functions of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFunction {
    /// What holds of two strings.
    Test(Test),
    /// Where the second is in the first.
    Find,
    /// How many units there are.
    Len,
    /// Small letters.
    Lower,
    /// Capital letters.
    Upper,
}

/// Functions whose typing is like no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `where(condition, x, y)`
    Where,
    /// `clip(x, min, max)`
    Clip,
    /// `round(x, decimals)`
    Round,
    /// `ldexp(x, i)`
    Ldexp,
    /// `logical_xor(x, y)`
    LogicalXor,
    /// `complex(real, imag)`
    Complex,
    /// `_per(x, n)`: the quotient, computed in float64, in the type of x.
    Per,
}

/// A function of integers for a type.
///
/// # Panics
/// If the type is no integer type.
pub fn integer_callee(name: &str, make: fn(DType) -> Option<Kernel>, dtype: DType) -> Arc<Callee> {
    let kernel = make(dtype).expect("an integer type");
    Arc::new(Callee { name: name.to_owned().into(), ..kernel.callee("") })
}

/// The native functions of a row, made at first use.
#[derive(Debug)]
pub struct Floats {
    kernels: &'static Kernels,
    made: Made,
    approximate: Made,
}

/// For float16, float32 and float64.
type Made = [OnceLock<Arc<Callee>>; 3];

impl Floats {
    /// From the kernels for float32 and for float64.
    pub const fn new(kernels: &'static Kernels) -> Floats {
        const fn none() -> Made {
            [OnceLock::new(), OnceLock::new(), OnceLock::new()]
        }
        Floats { kernels, made: none(), approximate: none() }
    }

    /// The function for a type; that for float16 takes and gives float32, and is to be rounded.
    pub fn get(&self, dtype: DType) -> &Arc<Callee> {
        Self::callee(self.kernels, &self.made, dtype)
    }

    /// The function that may stand for it within 4 ULP, if one is faster for the type.
    pub fn approximate(&self, dtype: DType) -> Option<&Arc<Callee>> {
        let callee = Self::callee(self.kernels.approximate?, &self.approximate, dtype);
        // Where nothing is gained, both have the same kernel.
        (callee.identity() != self.get(dtype).identity()).then_some(callee)
    }

    fn callee<'a>(kernels: &Kernels, made: &'a Made, dtype: DType) -> &'a Arc<Callee> {
        let Kernels { name, half, single, double, .. } = kernels;
        let (place, kernel) = match dtype {
            DType::F16 => (0, half.unwrap_or(single)),
            DType::F32 => (1, single),
            _ => (2, double),
        };
        made[place].get_or_init(|| Arc::new(kernel.callee(name)))
    }

    /// A call of the function for a type.
    pub fn call(&self, l: &mut Loop, dtype: DType, args: &[Value]) -> Value {
        l.call(self.get(dtype), args)
    }
}

/// The types that a function is computed in, as NumPy's loops: arguments are promoted to one type,
/// and that to the first of these to which it can be cast safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loops {
    /// float16, float32, float64.
    Float,
    /// The same for functions whose result is no float: what NumPy computes in float16 may be
    /// computed in float32.
    FloatOrHalf,
    /// float32 and float64; integers and bools are float64. Bodies are computed in float64 for both.
    Real,
    /// float64.
    Double,
    /// Integers and floats; bool is computed in int8.
    Number,
    /// Integers and floats, not bool.
    Arithmetic,
    /// Integers; bool is computed in int8.
    Integer,
    /// Integers, not bool.
    StrictInteger,
    /// bool and integers.
    Bits,
    /// Every number.
    All,
    /// No number: the function is one of times.
    Never,
}

/// What became of the search for a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The type to compute in.
    Loop(DType),
    /// There is no such loop.
    None,
}

impl Loops {
    /// The type in which operands of the given types are computed: that of the first of NumPy's
    /// loops to which all of them can be cast safely.
    pub fn resolve(self, operands: &[DType]) -> Resolved {
        use DType::*;
        const BOOL: &[DType] = &[Bool];
        const INTEGERS: &[DType] = &[I8, U8, I16, U16, I32, U32, I64, U64];
        const FLOATS: &[DType] = &[F16, F32, F64];
        const REALS: &[DType] = &[F32, F64];
        const COMPLEX: &[DType] = &[C64, C128];
        let fits = |loop_: &DType| operands.iter().all(|dtype| dtype.can_cast(*loop_, Casting::Safe));
        let lists: &[&[DType]] = match self {
            Loops::Float => &[FLOATS],
            Loops::FloatOrHalf => &[REALS],
            Loops::Real if operands.iter().all(|dtype| matches!(dtype, F16 | F32)) => &[REALS],
            Loops::Real | Loops::Double => &[&[F64]],
            Loops::Arithmetic | Loops::StrictInteger if operands.iter().all(|dtype| *dtype == Bool) => &[],
            Loops::Number | Loops::Arithmetic => &[INTEGERS, FLOATS],
            Loops::Integer | Loops::StrictInteger => &[INTEGERS],
            Loops::Bits => &[BOOL, INTEGERS],
            Loops::Never => &[],
            Loops::All => &[BOOL, INTEGERS, FLOATS, COMPLEX],
        };
        lists.iter().copied().flatten().find(|l| fits(l)).map_or(Resolved::None, |l| Resolved::Loop(*l))
    }
}

impl Function {
    /// Does the body take numbers of any type?
    pub fn is_of_any_type(&self) -> bool {
        match self.body {
            Body::Inline(_) | Body::Unary(_) | Body::Binary(_) | Body::Compare(_) | Body::Logical(_) => true,
            Body::Cast(_) => true,
            Body::Special(special) => !matches!(special, Special::Clip | Special::Ldexp | Special::Complex),
            _ => false,
        }
    }

    /// Does the body take strings?
    pub fn takes_text(&self) -> bool {
        matches!(self.body, Body::Text(_) | Body::Compare(_) | Body::Inline(_) | Body::Special(Special::Where))
    }

    /// Does a call of it need loops of its own?
    pub fn reduces(&self) -> bool {
        matches!(self.body, Body::Reduce(_)) || self.expressions().any(Expression::reduces)
    }

    /// The number of parameters that a call may give by their places.
    pub fn places(&self) -> usize {
        self.params.iter().position(|param| param.by_name).unwrap_or(self.params.len())
    }

    /// The expressions of the row: the defaults, then the body if it is one.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let body = match &self.body {
            Body::Inline(expression) | Body::Expand(_, expression) => Some(expression),
            _ => None,
        };
        self.params.iter().filter_map(|param| param.default.as_ref()).chain(body)
    }

    /// What may be done with calls, whether they take defaults or not.
    pub fn effects(&self) -> Effects {
        let own = match &self.body {
            Body::Foreign(overloads) => overloads.iter().fold(Effects::NONE, |all, callee| all.and(callee.effects)),
            _ => Effects::NONE,
        };
        self.expressions().fold(own, |all, expression| all.and(expression.effects()))
    }

    /// The nodes that a call adds to an expression at most, and how deep expressions are nested in it.
    pub fn extent(&self) -> (usize, usize) {
        self.expressions()
            .map(Expression::extent)
            .fold((1, 0), |(nodes, depth), (more, inner)| (nodes.saturating_add(more), depth.max(inner + 1)))
    }

    /// Is it for the bodies of built-in functions alone?
    pub fn is_private(&self) -> bool {
        self.name.starts_with('_') && !matches!(self.body, Body::Foreign(_) | Body::Inline(_))
    }

    /// The call as one writes it: `clip(x, min, max)`.
    pub fn signature(&self) -> String {
        let written = |p: &Param| match &p.default {
            Some(default) => format!("{}={}", p.name, default.text()),
            None => p.name.to_string(),
        };
        let mut params: Vec<String> = self.params.iter().map(written).collect();
        if self.places() < params.len() {
            params.insert(self.places(), "*".to_owned());
        }
        format!("{}({})", self.name, params.join(", "))
    }
}
