//! numfuse: array expressions compiled into fused loops.

pub mod array;
pub mod check;
pub mod codegen;
pub mod diagnostic;
pub mod dtype;
pub mod emit;
pub mod engine;
pub mod interp;
pub mod ir;
pub mod jit;
pub mod math;
pub mod opt;
#[cfg(feature = "python")]
mod python;
pub mod registry;
pub mod runtime;
pub mod source;
pub mod syntax;
