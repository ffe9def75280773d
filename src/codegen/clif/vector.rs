//! 128-bit vectors (being written): nothing has a vector form yet.

use super::plan::Shape;
use super::{Emitter, Target};
use crate::dtype::DType;
use crate::ir::Op;

pub(super) fn has_vector_form(_: Op, _: DType, _: DType, _: bool, _: &Target) -> bool {
    false
}

pub(super) struct Lanes;
impl Lanes {
    pub(super) fn emit(_: &mut Emitter<'_>, _: Shape) {}
}
