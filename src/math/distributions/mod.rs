//! Distributions in their standard form, one file each: location 0, scale 1, only the shape parameters.
//!
//! Each has the functions `pdf logpdf cdf sf logcdf logsf ppf isf ppf_log isf_log` (discrete ones `pmf logpmf`) of x, or a
//! probability or its logarithm, and the shape parameters; some take more, prepared, arguments last, which the file says.
//! Parameters outside the domain and NaN give NaN.

pub mod beta;
pub mod binom;
pub mod chisq;
mod counts;
mod discrete;
pub mod f;
pub mod gamma;
pub mod geom;
pub mod hyper;
pub mod kernels;
pub mod nbinom;
pub mod pois;
pub mod t;
