//! The mathematics behind native functions.

pub mod elementary;
pub mod integer;
pub mod python;
