//! Distributions in their standard form, one file each: location 0, scale 1, only the shape parameters.
pub mod beta;
pub mod f;
pub mod t;
pub mod binom;
mod discrete;
pub mod hyper;
pub mod nbinom;
