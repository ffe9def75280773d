//! Casts, a row for each type of numbers.

use crate::dtype::DType;
use crate::registry::function::{Accuracy, Body, Function, Param};

/// The names beside NumPy's: mostly the array interface's code.
fn aliases(dtype: DType) -> &'static [&'static str] {
    match dtype {
        DType::Bool => &["bool_"],
        // `i1` is a Bessel function.
        DType::I8 => &[],
        DType::I16 => &["i2"],
        DType::I32 => &["i4"],
        DType::I64 => &["i8"],
        DType::U8 => &["u1"],
        DType::U16 => &["u2"],
        DType::U32 => &["u4"],
        DType::U64 => &["u8"],
        DType::F16 => &["f2"],
        DType::F32 => &["f4"],
        DType::F64 => &["f8"],
        DType::C64 => &["c8"],
        DType::C128 => &["c16"],
        _ => &[],
    }
}

pub(super) fn rows() -> Vec<Function> {
    let row = |dtype: DType| Function {
        name: dtype.name().into(),
        aliases: aliases(dtype),
        params: vec![Param::required("x")],
        doc: match dtype {
            DType::Bool => "Whether x is not zero.".into(),
            _ if dtype.is_int() => format!("x as {dtype}: truncated, and wrapped.").into(),
            _ => format!("x as {dtype}, rounded to the nearest.").into(),
        },
        accuracy: Accuracy::Ulp(0.0),
        reference: "`astype` of NumPy's arrays".into(),
        body: Body::Cast(dtype),
        of_complex: None,
        of_time: None,
    };
    DType::NUMBERS.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_the_types_own() {
        for dtype in DType::NUMBERS {
            for name in aliases(dtype).iter().copied().chain([dtype.name()]) {
                assert_eq!(DType::parse(name), Some(dtype), "{name}");
            }
        }
    }
}
