//! Distributions in their standard form, one file each: location 0, scale 1, only the shape parameters.
//!
//! Each has the functions `pdf logpdf cdf sf logcdf logsf ppf isf ppf_log isf_log` (discrete ones `pmf logpmf`) of x, or a
//! probability or its logarithm, and the shape parameters; some take more, prepared, arguments last, which the file says.
//! Parameters outside the domain and NaN give NaN. Those from `cdf` on are `probability` and `quantile` of a side.

/// The eight functions that are made from a distribution's `probability` and `quantile`, which take x or a
/// probability, the parameters, and a `Side` of `special::tail`.
macro_rules! sides {
    ($($param:ident),+) => {
        /// The probability up to `x`.
        pub fn cdf(x: f64, $($param: f64),+) -> f64 {
            probability(x, $($param,)+ Side::LOWER)
        }

        /// The probability beyond `x`.
        pub fn sf(x: f64, $($param: f64),+) -> f64 {
            probability(x, $($param,)+ Side::UPPER)
        }

        /// The logarithm of [`cdf`].
        pub fn logcdf(x: f64, $($param: f64),+) -> f64 {
            probability(x, $($param,)+ Side::LOG_LOWER)
        }

        /// The logarithm of [`sf`].
        pub fn logsf(x: f64, $($param: f64),+) -> f64 {
            probability(x, $($param,)+ Side::LOG_UPPER)
        }

        quantiles!($($param),+);
    };
}

/// Those of them that are made from `quantile`.
macro_rules! quantiles {
    ($($param:ident),+) => {
        /// The point up to which there is a probability: of whole numbers the least with at least that.
        pub fn ppf(q: f64, $($param: f64),+) -> f64 {
            quantile(q, $($param,)+ Side::LOWER)
        }

        /// The point beyond which there is a probability: of whole numbers the least with at most that.
        pub fn isf(q: f64, $($param: f64),+) -> f64 {
            quantile(q, $($param,)+ Side::UPPER)
        }

        /// [`ppf`] of a probability's logarithm.
        pub fn ppf_log(log_q: f64, $($param: f64),+) -> f64 {
            quantile(log_q, $($param,)+ Side::LOG_LOWER)
        }

        /// [`isf`] of a probability's logarithm.
        pub fn isf_log(log_q: f64, $($param: f64),+) -> f64 {
            quantile(log_q, $($param,)+ Side::LOG_UPPER)
        }
    };
}

pub mod beta;
pub mod binom;
pub mod chisq;
mod counts;
pub mod f;
pub mod gamma;
pub mod geom;
pub mod hyper;
pub mod kernels;
pub mod nbinom;
pub mod pois;
pub mod t;
