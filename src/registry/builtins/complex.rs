//! What functions compute of complex numbers, by their names, and the functions of their parts.

use super::NUMPY;
use crate::dtype::{DType, Scalar};
use crate::ir::{Loop, Op, Value};
use crate::math::block::power::HYPOT;
use crate::math::complex as kernels;
use crate::registry::expression::Expression;
use crate::registry::function::{
    Accuracy, Body, Complex, Floats, Function, Loops, OfComplex, Param, ParamKind, Special,
};

/// The real and the imaginary part.
pub type Parts = [Value; 2];

/// `z ** w`
pub static POWER: Complex = Complex::new(&kernels::POWER);
/// The square root.
pub static SQRT: Complex = Complex::new(&kernels::SQRT);

/// What the function of that name computes of complex numbers, if it takes any.
pub fn body(name: &str) -> Option<OfComplex> {
    macro_rules! natives {
        ($($native:literal $kernels:ident)+) => {
            match name {
                $($native => {
                    static NATIVE: Complex = Complex::new(&kernels::$kernels);
                    return Some(OfComplex::Native(&NATIVE));
                })+
                _ => {}
            }
        };
    }
    natives! {
        "exp" EXP "exp2" EXP2 "expm1" EXPM1 "log" LOG "log2" LOG2 "log10" LOG10 "log1p" LOG1P
        "sin" SIN "cos" COS "tan" TAN "arcsin" ARCSIN "arccos" ARCCOS "arctan" ARCTAN
        "sinh" SINH "cosh" COSH "tanh" TANH "arcsinh" ARCSINH "arccosh" ARCCOSH "arctanh" ARCTANH
    }
    Some(match name {
        "_conj" => OfComplex::Complex(|l, _, z| [z[0][0], l.op(Op::Neg, &[z[0][1]])]),
        "sqrt" => OfComplex::Native(&SQRT),
        "float_power" => OfComplex::Native(&POWER),
        "absolute" => OfComplex::Real(|l, dtype, z| modulus(l, dtype, z[0])),
        "_abs2" => OfComplex::Real(|l, _, z| {
            let squares = z[0].map(|part| l.op(Op::Mul, &[part, part]));
            l.op(Op::Add, &squares)
        }),
        "sign" => OfComplex::Complex(|l, dtype, z| sign(l, dtype, z[0])),
        "square" => OfComplex::Complex(|l, _, z| product(l, z[0], z[0])),
        "ones_like" => OfComplex::Complex(|l, dtype, _| [1.0, 0.0].map(|part| l.constant(Scalar::of(dtype, part)))),
        "zeros_like" => OfComplex::Complex(|l, dtype, _| [0.0; 2].map(|part| l.constant(Scalar::of(dtype, part)))),
        "reciprocal" => OfComplex::Complex(|l, _, z| reciprocal(l, z[0])),
        "rint" => OfComplex::Complex(|l, _, z| z[0].map(|part| l.op(Op::Rint, &[part]))),
        "isnan" => OfComplex::Real(|l, _, z| is_nan(l, z[0])),
        "isinf" => OfComplex::Real(|l, dtype, z| {
            let infinite = sizes(l, dtype, z[0], Op::Eq);
            l.op(Op::Or, &infinite)
        }),
        "isfinite" => OfComplex::Real(|l, dtype, z| {
            let finite = sizes(l, dtype, z[0], Op::Lt);
            l.op(Op::And, &finite)
        }),
        "minimum" => OfComplex::Complex(|l, _, z| extreme(l, Op::Le, z[0], z[0], z[1])),
        "maximum" => OfComplex::Complex(|l, _, z| extreme(l, Op::Ge, z[0], z[0], z[1])),
        "fmin" => OfComplex::Complex(|l, _, z| extreme(l, Op::Le, z[1], z[0], z[1])),
        "fmax" => OfComplex::Complex(|l, _, z| extreme(l, Op::Ge, z[1], z[0], z[1])),
        "clip" => OfComplex::Complex(|l, _, z| clip(l, z[0], z[1], z[2])),
        _ => return None,
    })
}

pub(super) fn rows() -> Vec<Function> {
    let row = |name: &'static str, aliases, doc: &'static str, ulp, body, of_complex: Option<OfComplex>| Function {
        name: name.into(),
        aliases,
        params: vec![Param::required("z")],
        doc: doc.into(),
        accuracy: Accuracy::Ulp(ulp),
        reference: NUMPY.into(),
        body,
        of_complex,
        of_time: None,
    };
    vec![
        row(
            "real",
            &[],
            "The real part.",
            0.0,
            Body::Op(Loops::All, |_, _, args| args[0]),
            Some(OfComplex::Real(|_, _, z| z[0][0])),
        ),
        row(
            "imag",
            &[],
            "The imaginary part: 0 of what is not complex.",
            0.0,
            Body::Op(Loops::All, |l, dtype, _| l.constant(Scalar::of(dtype, 0.0))),
            Some(OfComplex::Real(|_, _, z| z[0][1])),
        ),
        row(
            "conjugate",
            &["conj"],
            "The complex conjugate; of what is not complex, itself.",
            0.0,
            Body::Op(Loops::Number, |_, _, args| args[0]),
            Some(OfComplex::Complex(|l, _, z| [z[0][0], l.op(Op::Neg, &[z[0][1]])])),
        ),
        Function {
            params: vec![Param::required("real"), Param::required("imag")],
            reference: "numexpr's function of the same name".into(),
            ..row(
                "complex",
                &[],
                "The complex number of these parts: complex64 of float16 and float32, else complex128.",
                0.0,
                Body::Special(Special::Complex),
                None,
            )
        },
        Function {
            params: vec![
                Param::required("z"),
                Param { by_name: false, ..Param::option("deg", ParamKind::Flag, "False") },
            ],
            ..row(
                "angle",
                &[],
                "The angle from the positive real axis, in radians from -pi to pi, or in degrees.",
                3.0,
                // The difference makes a number of a bool, and keeps a zero's sign.
                Body::Inline(Expression::builtin(
                    "arctan2(imag(z) - 0, real(z)) * (180 / pi) if deg else arctan2(imag(z) - 0, real(z))",
                )),
                None,
            )
        },
    ]
}

/// The product, as NumPy multiplies.
pub fn product(l: &mut Loop, x: Parts, y: Parts) -> Parts {
    let [rr, ii, ri, ir] = [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(i, k)| l.op(Op::Mul, &[x[i], y[k]]));
    [l.op(Op::Sub, &[rr, ii]), l.op(Op::Add, &[ri, ir])]
}

/// Whether both parts are zero.
pub fn is_zero(l: &mut Loop, x: Parts) -> Value {
    let zero = l.constant(Scalar::of(l.dtype(x[0]), 0.0));
    let [real, imag] = x.map(|part| l.op(Op::Eq, &[part, zero]));
    l.op(Op::And, &[real, imag])
}

/// A divisor as Smith's method has it (Algorithm 116, Communications of the ACM 5, 1962): scaled by the part that is
/// the greater.
struct Divisor {
    /// Is that the real part?
    by_real: Value,
    /// The lesser part over the greater.
    ratio: Value,
    /// The square of the modulus over the greater part.
    scaled: Value,
}

fn divisor(l: &mut Loop, y: Parts) -> Divisor {
    let [size_real, size_imag] = y.map(|part| l.op(Op::Abs, &[part]));
    let by_real = l.op(Op::Ge, &[size_real, size_imag]);
    let (major, minor) = (select(l, by_real, y[0], y[1]), select(l, by_real, y[1], y[0]));
    let ratio = l.op(Op::Div, &[minor, major]);
    let scaled = l.op(Op::Mul, &[minor, ratio]);
    let scaled = l.op(Op::Add, &[major, scaled]);
    Divisor { by_real, ratio, scaled }
}

fn select(l: &mut Loop, condition: Value, then: Value, otherwise: Value) -> Value {
    l.op(Op::Select, &[condition, then, otherwise])
}

/// The quotient, as NumPy divides, or as Python: NumPy multiplies by a reciprocal.
pub fn quotient(l: &mut Loop, x: Parts, y: Parts, is_python: bool) -> Parts {
    let Divisor { by_real, ratio, scaled } = divisor(l, y);
    // By the real part: (a + b r) s and (b - a r) s; by the imaginary: (a r + b) s and (b r - a) s.
    let (plain_real, turned_real) = (select(l, by_real, x[0], x[1]), select(l, by_real, x[1], x[0]));
    let turned = l.op(Op::Mul, &[turned_real, ratio]);
    let real = l.op(Op::Add, &[plain_real, turned]);
    let [b_ratio, a_ratio] = [x[1], x[0]].map(|part| l.op(Op::Mul, &[part, ratio]));
    let (from, taken) = (select(l, by_real, x[1], b_ratio), select(l, by_real, a_ratio, x[0]));
    let imag = l.op(Op::Sub, &[from, taken]);
    if is_python {
        return [real, imag].map(|part| l.op(Op::Div, &[part, scaled]));
    }
    let one = l.constant(Scalar::of(l.dtype(scaled), 1.0));
    let scale = l.op(Op::Div, &[one, scaled]);
    let scaled = [real, imag].map(|part| l.op(Op::Mul, &[part, scale]));
    // Nothing divided by zero has a ratio.
    let zero = is_zero(l, y);
    let size = l.op(Op::Abs, &[y[0]]);
    [0, 1].map(|part| {
        let over_zero = l.op(Op::Div, &[x[part], size]);
        select(l, zero, over_zero, scaled[part])
    })
}

/// The reciprocal, as NumPy has it: that of zero is no number.
pub fn reciprocal(l: &mut Loop, y: Parts) -> Parts {
    let Divisor { by_real, ratio, scaled } = divisor(l, y);
    let one = l.constant(Scalar::of(l.dtype(scaled), 1.0));
    let minus = l.op(Op::Neg, &[ratio]);
    let negative = l.constant(Scalar::of(l.dtype(scaled), -1.0));
    let (real, imag) = (select(l, by_real, one, ratio), select(l, by_real, minus, negative));
    [real, imag].map(|part| l.op(Op::Div, &[part, scaled]))
}

/// A power by a whole number other than 0, by the products that [`POWER`] has for it.
pub fn whole_power(l: &mut Loop, z: Parts, exponent: i32) -> Parts {
    let [zero, one] = [0.0, 1.0].map(|value| l.constant(Scalar::of(l.dtype(z[0]), value)));
    let mut square = z;
    let value = match exponent {
        1 => z,
        3 => {
            square = product(l, z, z);
            product(l, z, square)
        }
        _ => {
            let (mut value, mut rest) = ([one, zero], exponent.unsigned_abs());
            loop {
                if rest & 1 == 1 {
                    value = product(l, value, square);
                }
                rest >>= 1;
                if rest == 0 {
                    break value;
                }
                square = product(l, square, square);
            }
        }
    };
    let value = if exponent < 0 { quotient(l, [one, zero], value, false) } else { value };
    // Zero is not multiplied.
    let of_zero = if exponent < 0 { l.constant(Scalar::of(l.dtype(z[0]), f64::NAN)) } else { zero };
    let is_zero = is_zero(l, z);
    value.map(|part| select(l, is_zero, of_zero, part))
}

/// A comparison in order: by the real part, then by the imaginary.
pub fn in_order(l: &mut Loop, op: Op, x: Parts, y: Parts) -> Value {
    // A NaN in an imaginary part decides nothing.
    let [known_x, known_y] = [x[1], y[1]].map(|imag| l.op(Op::Eq, &[imag, imag]));
    let known = l.op(Op::And, &[known_x, known_y]);
    in_order_if(l, known, op, x, y)
}

/// The same, where the real parts decide on a condition.
fn in_order_if(l: &mut Loop, condition: Value, op: Op, x: Parts, y: Parts) -> Value {
    let strictly = if matches!(op, Op::Lt | Op::Le) { Op::Lt } else { Op::Gt };
    let first = l.op(strictly, &[x[0], y[0]]);
    let first = l.op(Op::And, &[first, condition]);
    let equal = l.op(Op::Eq, &[x[0], y[0]]);
    let second = l.op(op, &[x[1], y[1]]);
    let second = l.op(Op::And, &[equal, second]);
    l.op(Op::Or, &[first, second])
}

fn is_nan(l: &mut Loop, z: Parts) -> Value {
    let unequal = z.map(|part| l.op(Op::Ne, &[part, part]));
    l.op(Op::Or, &unequal)
}

/// The parts' magnitudes, compared with infinity.
fn sizes(l: &mut Loop, dtype: DType, z: Parts, op: Op) -> [Value; 2] {
    let infinity = l.constant(Scalar::of(dtype, f64::INFINITY));
    z.map(|part| {
        let size = l.op(Op::Abs, &[part]);
        l.op(op, &[size, infinity])
    })
}

/// x, where a comparison with y holds or `unless` is NaN, else y.
fn extreme(l: &mut Loop, op: Op, unless: Parts, x: Parts, y: Parts) -> Parts {
    let holds = in_order(l, op, x, y);
    first_if(l, holds, unless, x, y)
}

fn first_if(l: &mut Loop, condition: Value, unless: Parts, x: Parts, y: Parts) -> Parts {
    let is_nan = is_nan(l, unless);
    let is_first = l.op(Op::Or, &[condition, is_nan]);
    [0, 1].map(|part| select(l, is_first, x[part], y[part]))
}

/// x within bounds, where a bound's real part decides whatever its imaginary part, as in NumPy.
fn clip(l: &mut Loop, x: Parts, lower: Parts, upper: Parts) -> Parts {
    let always = l.constant(Scalar::bool(true));
    let is_above = in_order_if(l, always, Op::Gt, x, lower);
    let above = first_if(l, is_above, x, x, lower);
    let is_below = in_order_if(l, always, Op::Lt, above, upper);
    first_if(l, is_below, above, above, upper)
}

fn modulus(l: &mut Loop, dtype: DType, z: Parts) -> Value {
    static MODULUS: Floats = Floats::new(&HYPOT);
    MODULUS.call(l, dtype, &z)
}

/// z over its modulus; of zero, zero; of one infinite part, its direction.
fn sign(l: &mut Loop, dtype: DType, z: Parts) -> Parts {
    let modulus = modulus(l, dtype, z);
    let [zero, one, infinity, no_number] =
        [0.0, 1.0, f64::INFINITY, f64::NAN].map(|value| l.constant(Scalar::of(dtype, value)));
    let is_zero = l.op(Op::Eq, &[modulus, zero]);
    let is_infinite = l.op(Op::Eq, &[modulus, infinity]);
    let infinite = sizes(l, dtype, z, Op::Eq);
    let neither = l.op(Op::Xor, &infinite);
    [0, 1].map(|part| {
        let quotient = l.op(Op::Div, &[z[part], modulus]);
        let usual = select(l, is_zero, zero, quotient);
        let whole = l.op(Op::CopySign, &[one, z[part]]);
        let direction = select(l, infinite[part], whole, zero);
        let direction = select(l, neither, direction, no_number);
        select(l, is_infinite, direction, usual)
    })
}
