//! Contraction of a product and its sum into [`Op::Fma`], where `fastmath` allows it.

use super::{Options, rebuild};
use crate::dtype::DType;
use crate::ir::{Args, Inst, Loop, Op, Program, Value};

pub(super) fn run(program: &mut Program, options: &Options) {
    if options.fastmath.contract {
        for body in &mut program.loops {
            contract(body);
        }
    }
}

/// A product that has another use stays: it has to be computed anyway.
fn contract(body: &mut Loop) {
    let mut old_uses = vec![0u32; body.insts.len()];
    for arg in body.insts.iter().flat_map(Inst::args) {
        old_uses[arg.0 as usize] += 1;
    }
    // Of the values of the new loop.
    let mut uses: Vec<u32> = Vec::with_capacity(body.insts.len());
    rebuild(body, |new, old, inst, dtype| {
        let value = match (&inst, dtype) {
            (Inst::Op(op, args), Some(dtype)) if dtype.is_float() => fused(new, &uses, *op, args, dtype),
            _ => None,
        };
        let value = value.unwrap_or_else(|| new.push(inst, dtype));
        // Negations made on the way have one use.
        uses.resize(new.insts.len(), 1);
        uses[value.0 as usize] = old_uses[old.0 as usize];
        Some(value)
    });
}

/// The contracted form of a sum or difference one of whose arguments is a product of its own.
fn fused(new: &mut Loop, uses: &[u32], op: Op, args: &[Value], dtype: DType) -> Option<Value> {
    let (Op::Add | Op::Sub, [x, y]) = (op, args) else { return None };
    let factors = |value: &Value| match &new[*value] {
        Inst::Op(Op::Mul, factors) if uses[value.0 as usize] == 1 => Some((factors[0], factors[1])),
        _ => None,
    };
    let of_x = factors(x);
    let (a, b) = of_x.or_else(|| factors(y))?;
    let mut push = |op, args: &[Value]| new.push(Inst::Op(op, Args::new(args)), Some(dtype));
    let args = match (op, of_x) {
        (Op::Sub, Some(_)) => [a, b, push(Op::Neg, &[*y])],
        (Op::Sub, None) => [push(Op::Neg, &[a]), b, *x],
        (_, Some(_)) => [a, b, *y],
        (_, None) => [a, b, *x],
    };
    Some(push(Op::Fma, &args))
}

#[cfg(test)]
mod tests {
    use crate::opt::{FastMath, Options, tests::check};

    #[test]
    fn before_and_after() {
        let passes = ["contract", "dce"];
        let allowed = Options { fastmath: FastMath { contract: true, ..FastMath::default() }, ..Options::default() };
        let loads = "v0: float64 = load a0; v1: float64 = load a1; ";
        for (before, after) in [
            (
                "v2: float64 = mul v0, v1; v3: float64 = add v2, v0; store a4, v3",
                "v2: float64 = fma v0, v1, v0; store a4, v2",
            ),
            (
                "v2: float64 = mul v0, v1; v3: float64 = add v0, v2; store a4, v3",
                "v2: float64 = fma v0, v1, v0; store a4, v2",
            ),
            (
                "v2: float64 = mul v0, v1; v3: float64 = sub v2, v0; store a4, v3",
                "v2: float64 = neg v0; v3: float64 = fma v0, v1, v2; store a4, v3",
            ),
            (
                "v2: float64 = mul v0, v1; v3: float64 = sub v1, v2; store a4, v3",
                "v2: float64 = neg v0; v3: float64 = fma v2, v1, v1; store a4, v3",
            ),
            // One of two products.
            (
                "v2: float64 = mul v0, v1; v3: float64 = mul v0, v0; v4: float64 = add v2, v3; store a4, v4",
                "v2: float64 = mul v0, v0; v3: float64 = fma v0, v1, v2; store a4, v3",
            ),
            // A product with another use, or used twice, stays.
            (
                "v2: float64 = mul v0, v1; v3: float64 = add v2, v0; v4: float64 = mul v3, v2; store a4, v4",
                "v2: float64 = mul v0, v1; v3: float64 = add v2, v0; v4: float64 = mul v3, v2; store a4, v4",
            ),
            (
                "v2: float64 = mul v0, v1; v3: float64 = add v2, v2; store a4, v3",
                "v2: float64 = mul v0, v1; v3: float64 = add v2, v2; store a4, v3",
            ),
        ] {
            check(&passes, &allowed, &format!("{loads}{before}"), &format!("{loads}{after}"));
        }
        let integers = "v0: int32 = load a2; v1: int32 = mul v0, v0; v2: int32 = add v1, v0; store a5, v2";
        check(&passes, &allowed, integers, integers);
        let strict = format!("{loads}v2: float64 = mul v0, v1; v3: float64 = add v2, v0; store a4, v3");
        check(&passes, &Options::default(), &strict, &strict);
    }
}
