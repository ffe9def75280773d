//! The mathematics behind native functions.

pub mod block;
pub mod elementary;
pub mod integer;
pub mod python;
