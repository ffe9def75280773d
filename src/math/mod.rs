//! The mathematics behind native functions.

pub mod accuracy;
pub mod block;
pub mod calendar;
pub mod complex;
pub mod distributions;
pub mod elementary;
pub mod integer;
pub mod native;
pub mod python;
pub mod special;
pub mod text;
