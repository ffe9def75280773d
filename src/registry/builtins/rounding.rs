//! Rounding; integers and bool are their own roundings.

use super::{NUMPY, rows};
use crate::ir::Op;
use crate::registry::function::{Body, Loops, Special};

rows! {
    floor(x): "Rounded down.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if dtype.is_float() { l.op(Op::Floor, args) } else { args[0] }
    });
    ceil(x): "Rounded up.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if dtype.is_float() { l.op(Op::Ceil, args) } else { args[0] }
    });
    trunc fix(x): "Rounded towards zero.", 0.0, NUMPY, Body::Op(Loops::All, |l, dtype, args| {
        if dtype.is_float() { l.op(Op::Trunc, args) } else { args[0] }
    });
    rint(x): "Rounded to the nearest integer, halves to the even one; floating-point.", 0.0, NUMPY,
        Body::Op(Loops::Float, |l, _, args| l.op(Op::Rint, args));
    round around(x, decimals = 0): "Rounded to a number of decimals, halves to the even digit.", 0.0, NUMPY, Body::Special(Special::Round);
}
