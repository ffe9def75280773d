//! Special functions of float64: what distributions are made of, and functions in their own right.

pub mod bessel;
pub mod beta;
pub mod gamma;
pub(in crate::math) mod incomplete_beta;
pub mod kernels;
pub(in crate::math) mod ratio;
pub mod saddle_point;
pub(in crate::math) mod tail;

/// Whether one lane's code, outside of block kernels, may count on fused multiply-add.
pub(in crate::math) const FMA: bool = cfg!(target_feature = "fma");
