//! The distributions' functions as block kernels.

use super::*;
use crate::math::block::dispatch::{Kernels, Nary};

/// A function of float64 that rows of the registry call.
#[derive(Debug)]
pub struct Native {
    /// The name: two underscores, the distribution's, and the function's.
    pub name: &'static str,
    /// The parameters: x or a probability, the shapes, and what is prepared of these.
    pub params: &'static [&'static str],
    /// The function.
    pub kernels: Kernels,
}

/// Rows of natives: `name(parameters): function` of one element, and where there is one `| lane`: the same
/// without branches, which gives a pair of the value and whether the arguments are rare, or `=> lane`, which is
/// right for all.
macro_rules! natives {
    ($($name:ident($($param:ident),+): $function:path $(| $rarely:path)? $(=> $lane:path)?;)+) => {
        /// All natives.
        pub static NATIVES: &[Native] = &[$(Native {
            name: concat!("__", stringify!($name)),
            params: &[$(stringify!($param)),+],
            kernels: {
                const ARITY: usize = [$(stringify!($param)),+].len();
                struct Lane;
                impl Nary<ARITY> for Lane {
                    #[inline(always)]
                    fn fast<const FMA: bool>([$($param),+]: [f64; ARITY]) -> (f64, bool) {
                        natives!(@fast FMA ($($param),+) $function $(| $rarely)? $(=> $lane)?)
                    }

                    #[inline(always)]
                    fn careful<const FMA: bool>([$($param),+]: [f64; ARITY]) -> f64 {
                        natives!(@careful FMA ($($param),+) $function $(=> $lane)?)
                    }
                }
                Kernels::nary::<Lane, ARITY>(concat!("__", stringify!($name)))
            },
        }),+];
    };
    (@fast $fma:ident ($($arg:ident),+) $function:path) => { ($function($($arg),+), false) };
    (@fast $fma:ident ($($arg:ident),+) $function:path | $rarely:path) => { { use $rarely as lane; lane::<$fma>($($arg),+) } };
    (@fast $fma:ident ($($arg:ident),+) $function:path => $lane:path) => { { use $lane as lane; (lane::<$fma>($($arg),+), false) } };
    (@careful $fma:ident ($($arg:ident),+) $function:path) => { $function($($arg),+) };
    (@careful $fma:ident ($($arg:ident),+) $function:path => $lane:path) => { { use $lane as lane; lane::<$fma>($($arg),+) } };
}

natives! {
    gamma_norm(a): gamma::norm;
    gamma_pdf(x, a, norm): gamma::pdf;
    gamma_logpdf(x, a, norm): gamma::logpdf;
    gamma_cdf(x, a, norm): gamma::cdf;
    gamma_sf(x, a, norm): gamma::sf;
    gamma_logcdf(x, a, norm): gamma::logcdf;
    gamma_logsf(x, a, norm): gamma::logsf;
    gamma_ppf(p, a, norm): gamma::ppf;
    gamma_isf(p, a, norm): gamma::isf;
    gamma_ppf_log(p, a, norm): gamma::ppf_log;
    gamma_isf_log(p, a, norm): gamma::isf_log;

    chisq_norm(df): chisq::norm;
    chisq_pdf(x, df, norm): chisq::pdf;
    chisq_logpdf(x, df, norm): chisq::logpdf;
    chisq_cdf(x, df, norm): chisq::cdf;
    chisq_sf(x, df, norm): chisq::sf;
    chisq_logcdf(x, df, norm): chisq::logcdf;
    chisq_logsf(x, df, norm): chisq::logsf;
    chisq_ppf(p, df, norm): chisq::ppf;
    chisq_isf(p, df, norm): chisq::isf;
    chisq_ppf_log(p, df, norm): chisq::ppf_log;
    chisq_isf_log(p, df, norm): chisq::isf_log;

    pois_pmf(x, mu): pois::pmf;
    pois_logpmf(x, mu): pois::logpmf;
    pois_cdf(x, mu): pois::cdf;
    pois_sf(x, mu): pois::sf;
    pois_logcdf(x, mu): pois::logcdf;
    pois_logsf(x, mu): pois::logsf;
    pois_ppf(p, mu): pois::ppf;
    pois_isf(p, mu): pois::isf;
    pois_ppf_log(p, mu): pois::ppf_log;
    pois_isf_log(p, mu): pois::isf_log;

    beta_norm(a, b): beta::norm;
    beta_log_norm(a, b): beta::log_norm;
    beta_pdf(x, a, b, norm): beta::pdf => crate::math::distributions::beta::pdf_lane;
    beta_logpdf(x, a, b, log_norm): beta::logpdf => crate::math::distributions::beta::logpdf_lane;
    beta_cdf(x, a, b, norm): beta::cdf;
    beta_sf(x, a, b, norm): beta::sf;
    beta_logcdf(x, a, b, norm): beta::logcdf;
    beta_logsf(x, a, b, norm): beta::logsf;
    beta_ppf(p, a, b, norm): beta::ppf;
    beta_isf(p, a, b, norm): beta::isf;
    beta_ppf_log(p, a, b, norm): beta::ppf_log;
    beta_isf_log(p, a, b, norm): beta::isf_log;

    t_norm(df): t::norm;
    t_log_norm(df): t::log_norm;
    t_beta_norm(df): t::beta_norm;
    t_pdf(x, df, norm): t::pdf => crate::math::distributions::t::pdf_lane;
    t_logpdf(x, df, log_norm): t::logpdf => crate::math::distributions::t::logpdf_lane;
    t_cdf(x, df, beta_norm): t::cdf;
    t_sf(x, df, beta_norm): t::sf;
    t_logcdf(x, df, beta_norm): t::logcdf;
    t_logsf(x, df, beta_norm): t::logsf;
    t_ppf(p, df, beta_norm): t::ppf;
    t_isf(p, df, beta_norm): t::isf;
    t_ppf_log(p, df, beta_norm): t::ppf_log;
    t_isf_log(p, df, beta_norm): t::isf_log;

    f_norm(df1, df2): f::norm;
    f_log_norm(df1, df2): f::log_norm;
    f_beta_norm(df1, df2): f::beta_norm;
    f_pdf(x, df1, df2, norm): f::pdf;
    f_logpdf(x, df1, df2, log_norm): f::logpdf;
    f_cdf(x, df1, df2, beta_norm): f::cdf;
    f_sf(x, df1, df2, beta_norm): f::sf;
    f_logcdf(x, df1, df2, beta_norm): f::logcdf;
    f_logsf(x, df1, df2, beta_norm): f::logsf;
    f_ppf(p, df1, df2, beta_norm): f::ppf;
    f_isf(p, df1, df2, beta_norm): f::isf;
    f_ppf_log(p, df1, df2, beta_norm): f::ppf_log;
    f_isf_log(p, df1, df2, beta_norm): f::isf_log;

    geom_norm(prob): geom::norm;
    geom_ppf(p, prob, norm): geom::ppf;
    geom_isf(p, prob, norm): geom::isf;
    geom_ppf_log(p, prob, norm): geom::ppf_log;
    geom_isf_log(p, prob, norm): geom::isf_log;
}
