//! Bits and integers.

use super::{NUMPY, rows};
use crate::math::block::plain;
use crate::registry::function::{Body, Loops};
use crate::syntax::ast::{BinaryOp, UnaryOp};

rows! {
    bitwise_and(x1, x2): "`x1 & x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::And);
    bitwise_or(x1, x2): "`x1 | x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::Or);
    bitwise_xor(x1, x2): "`x1 ^ x2`.", 0.0, NUMPY, Body::Binary(BinaryOp::Xor);
    invert bitwise_not bitwise_invert(x): "`~x`.", 0.0, NUMPY, Body::Unary(UnaryOp::Invert);
    left_shift bitwise_left_shift(x1, x2): "`x1 << x2`; 0 where x2 is negative or not below the width.", 0.0, NUMPY, Body::Binary(BinaryOp::Shl);
    right_shift bitwise_right_shift(x1, x2): "`x1 >> x2`; the sign where x2 is negative or not below the width.", 0.0, NUMPY, Body::Binary(BinaryOp::Shr);
    gcd(x1, x2): "The greatest common divisor.", 0.0, NUMPY, Body::NativeInt(Loops::StrictInteger, plain::gcd);
    lcm(x1, x2): "The least common multiple.", 0.0, NUMPY, Body::NativeInt(Loops::StrictInteger, plain::lcm);
    bitwise_count(x): "The number of one bits in the magnitude of x, as uint8.", 0.0, NUMPY, Body::NativeInt(Loops::Integer, plain::bitwise_count);
}
