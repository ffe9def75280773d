//! Powers with small whole exponents become multiplications.
//!
//! Multiplying as it stands loses half a unit in the last place a time, more than a power may. So the
//! products of float64 carry their rounding errors along (`a * b` is `p + e` with `p = a * b` and
//! `e = fma(a, b, -p)`, exactly where it does not underflow), of bases below one scaled up, so that no
//! error that matters underflows; those of float32 are computed in float64. Where `fastmath` allows
//! approximate functions, they are multiplied as they are, which is off by at most `n - 1` units in
//! `x**n`, as long as that keeps to the four units that are allowed.

use super::{Options, rebuild};
use crate::dtype::{DType, Scalar};
use crate::ir::{Args, Inst, Loop, Op, Program, Value};
use crate::registry::builtins::operators::{POW, POW_SCALAR};

/// Up to this exponent, multiplying is far cheaper than a power.
const GREATEST: f64 = 16.0;
/// Up to this one, rounding errors add up to at most four units.
const GREATEST_PLAIN: u32 = 5;

pub(super) fn run(program: &mut Program, options: &Options) {
    for body in &mut program.loops {
        let is_power = |inst: &Inst| {
            let Inst::Call(callee, args) = inst else { return false };
            let known = [&POW, &POW_SCALAR].map(|floats| floats.get(callee.result));
            known.contains(&callee) && matches!(body[args[1]], Inst::Const(_))
        };
        if !body.insts.iter().any(is_power) {
            continue;
        }
        rebuild(body, |new, _, inst, dtype| {
            if let (Inst::Call(callee, args), Some(dtype)) = (&inst, dtype)
                && [&POW, &POW_SCALAR].map(|floats| floats.get(callee.result)).contains(&callee)
                && let Inst::Const(exponent) = new[args[1]]
                && let exponent = exponent.as_f64()
                && (3.0..=GREATEST).contains(&exponent)
                && exponent.fract() == 0.0
            {
                return Some(power(new, args[0], exponent as u32, dtype, options.fastmath.afn));
            }
            Some(new.push(inst, dtype))
        });
    }
}

fn power(body: &mut Loop, base: Value, exponent: u32, dtype: DType, approximate: bool) -> Value {
    if dtype == DType::F32 {
        let wide = body.convert(base, DType::F64);
        let power = products(body, wide, exponent, false);
        return body.convert(power.0, DType::F32);
    }
    if approximate && exponent <= GREATEST_PLAIN {
        return products(body, base, exponent, false).0;
    }
    // Errors of products above 2**-969 are normal numbers or exact; what is less than that after it was
    // multiplied by 2**110 is too small to be anything but 0.
    let step = 110_u32.div_ceil(exponent);
    let number = |body: &mut Loop, value: f64| body.constant(Scalar::f64(value));
    let (one, up, down) =
        (number(body, 1.0), number(body, f64::from(step).exp2()), number(body, (-f64::from(step * exponent)).exp2()));
    let size = body.op(Op::Abs, &[base]);
    let is_small = body.op(Op::Lt, &[size, one]);
    let greater = body.op(Op::Mul, &[base, up]);
    let base = body.op(Op::Select, &[is_small, greater, base]);
    let scale = body.op(Op::Select, &[is_small, down, one]);
    let (value, error) = products(body, base, exponent, true);
    let error = error.expect("asked for");
    let sum = body.op(Op::Add, &[value, error]);
    // There is no error to add to a zero, whose sign counts, or to an infinity, where it is none.
    let sizes = [error, value].map(|part| body.op(Op::Abs, &[part]));
    let is_error = body.op(Op::Lt, &sizes);
    let value = body.op(Op::Select, &[is_error, sum, value]);
    body.op(Op::Mul, &[value, scale])
}

/// The power by squaring, and its rounding error if that is asked for.
fn products(body: &mut Loop, base: Value, exponent: u32, with_error: bool) -> (Value, Option<Value>) {
    let mut power = (base, None);
    for bit in (0..exponent.ilog2()).rev() {
        power = product(body, power, power, with_error);
        if exponent >> bit & 1 == 1 {
            power = product(body, power, (base, None), with_error);
        }
    }
    power
}

fn product(
    body: &mut Loop,
    (a, a_error): (Value, Option<Value>),
    (b, b_error): (Value, Option<Value>),
    with_error: bool,
) -> (Value, Option<Value>) {
    let value = body.op(Op::Mul, &[a, b]);
    if !with_error {
        return (value, None);
    }
    let negated = body.op(Op::Neg, &[value]);
    let mut error = body.push(Inst::Op(Op::Fma, Args::new(&[a, b, negated])), Some(DType::F64));
    for (error_of_one, other) in [(a_error, b), (b_error, a)] {
        if let Some(part) = error_of_one {
            error = body.push(Inst::Op(Op::Fma, Args::new(&[part, other, error])), Some(DType::F64));
        }
    }
    (value, Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::{self, Memory};
    use crate::ir::OperandId;
    use crate::opt::FastMath;

    struct One(f64, f64, DType);

    impl Memory for One {
        fn load(&self, _: OperandId) -> Scalar {
            Scalar::of(self.2, self.0)
        }
        fn store(&mut self, _: OperandId, value: Scalar) {
            self.1 = value.as_f64();
        }
    }

    /// A loop of the power after the pass, and whether it still calls a function.
    fn cube(dtype: DType, exponent: f64, afn: bool) -> (Loop, bool) {
        let mut body = Loop::default();
        let x = body.load(OperandId(0), dtype);
        let exponent = body.constant(Scalar::of(dtype, exponent));
        let value = POW.call(&mut body, dtype, &[x, exponent]);
        body.push(Inst::Store(OperandId(1), value), None);
        let mut program = Program { loops: vec![body], ..Program::default() };
        run(&mut program, &Options { fastmath: FastMath { afn, ..FastMath::default() }, ..Options::default() });
        let body = program.loops.remove(0);
        let calls = body.insts.iter().any(|inst| matches!(inst, Inst::Call(..)));
        (body, calls)
    }

    #[test]
    fn powers_are_nearest_and_keep_special_values() {
        for exponent in 3..=16 {
            let (double, calls) = cube(DType::F64, f64::from(exponent), false);
            assert!(!calls);
            let (single, _) = cube(DType::F32, f64::from(exponent), false);
            for k in 0..2000 {
                let x = 0.25 + f64::from(k) * 0.00437;
                let x = if k % 2 == 0 { x } else { -x };
                let mut memory = One(x, 0.0, DType::F64);
                interp::run_lane(&double, &mut memory).unwrap();
                // The C library's is within a unit as well.
                let expected = x.powf(f64::from(exponent));
                let distance = memory.1.to_bits().abs_diff(expected.to_bits());
                assert!(distance <= 1, "{x} ** {exponent}: {}, not {expected}", memory.1);
                let x = x as f32;
                let mut memory = One(f64::from(x), 0.0, DType::F32);
                interp::run_lane(&single, &mut memory).unwrap();
                assert_eq!(memory.1, f64::from(f64::from(x).powf(f64::from(exponent)) as f32), "{x} ** {exponent}");
            }
            let odd = if exponent % 2 == 1 { -1.0 } else { 1.0 };
            let table = [
                (0.0, 0.0),
                (-0.0, 0.0 * odd),
                (f64::INFINITY, f64::INFINITY),
                (f64::NEG_INFINITY, f64::INFINITY * odd),
                (1e300, f64::INFINITY),
                (-1e300, f64::INFINITY * odd),
                (1e-200, 0.0),
                (-1e-200, 0.0 * odd),
                (f64::NAN, f64::NAN),
                (-1.0, odd),
            ];
            for (x, expected) in table {
                let mut memory = One(x, 0.0, DType::F64);
                interp::run_lane(&double, &mut memory).unwrap();
                let same = memory.1.to_bits() == expected.to_bits() || memory.1.is_nan() && expected.is_nan();
                assert!(same, "{x} ** {exponent}: {}, not {expected}", memory.1);
            }
        }
    }

    #[test]
    fn powers_near_underflow_are_nearest() {
        for exponent in 3..=16 {
            let (body, _) = cube(DType::F64, f64::from(exponent), false);
            let mut others = 0;
            for k in 0..2000 {
                // From the least number to where errors of products are normal numbers.
                let x = ((-1074.0 + f64::from(k) * 0.06) / f64::from(exponent)).exp2();
                let mut memory = One(x, 0.0, DType::F64);
                interp::run_lane(&body, &mut memory).unwrap();
                let expected = x.powf(f64::from(exponent));
                others += u32::from(memory.1 != expected);
                assert!(memory.1.to_bits().abs_diff(expected.to_bits()) <= 1, "{x:e} ** {exponent}");
            }
            // The C library's is the nearest number nearly always.
            assert!(others < 40, "{others} of 2000 differ, exponent {exponent}");
        }
    }

    #[test]
    fn other_powers_stay() {
        for exponent in [2.5, 17.0, -3.0, f64::NAN] {
            assert!(cube(DType::F64, exponent, true).1, "{exponent}");
        }
        let length = |exponent, afn| cube(DType::F64, exponent, afn).0.insts.len();
        assert!(length(5.0, true) < length(5.0, false));
        assert_eq!(length(6.0, true), length(6.0, false));
    }
}
