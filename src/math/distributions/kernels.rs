//! The distributions' functions as block kernels.

use super::*;
use crate::math::native::natives;

natives! {
    /// The functions: of x or a probability, the shapes, and what is prepared of these.
    NATIVES in "__":

    gamma_norm(a): gamma::norm;
    gamma_pdf(x, a, norm): gamma::pdf | crate::math::distributions::gamma::pdf_lane;
    gamma_logpdf(x, a, norm): gamma::logpdf | crate::math::distributions::gamma::logpdf_lane;
    gamma_cdf(x, a, norm): gamma::cdf => crate::math::distributions::gamma::cdf_lane;
    gamma_sf(x, a, norm): gamma::sf => crate::math::distributions::gamma::sf_lane;
    gamma_logcdf(x, a, norm): gamma::logcdf;
    gamma_logsf(x, a, norm): gamma::logsf;
    gamma_ppf(p, a, norm): gamma::ppf;
    gamma_isf(p, a, norm): gamma::isf;
    gamma_ppf_log(p, a, norm): gamma::ppf_log;
    gamma_isf_log(p, a, norm): gamma::isf_log;

    chisq_norm(df): chisq::norm;
    chisq_pdf(x, df, norm): chisq::pdf | crate::math::distributions::chisq::pdf_lane;
    chisq_logpdf(x, df, norm): chisq::logpdf | crate::math::distributions::chisq::logpdf_lane;
    chisq_cdf(x, df, norm): chisq::cdf => crate::math::distributions::chisq::cdf_lane;
    chisq_sf(x, df, norm): chisq::sf => crate::math::distributions::chisq::sf_lane;
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

    binom_norm(n): binom::norm;
    binom_log_norm(n): binom::log_norm;
    binom_pmf(x, n, p, norm): binom::pmf;
    binom_logpmf(x, n, p, log_norm): binom::logpmf;
    binom_cdf(x, n, p): binom::cdf;
    binom_sf(x, n, p): binom::sf;
    binom_logcdf(x, n, p): binom::logcdf;
    binom_logsf(x, n, p): binom::logsf;
    binom_ppf(q, n, p): binom::ppf;
    binom_isf(q, n, p): binom::isf;
    binom_ppf_log(q, n, p): binom::ppf_log;
    binom_isf_log(q, n, p): binom::isf_log;

    nbinom_norm(size): nbinom::norm;
    nbinom_log_norm(size): nbinom::log_norm;
    nbinom_pmf(x, size, p, norm): nbinom::pmf;
    nbinom_logpmf(x, size, p, log_norm): nbinom::logpmf;
    nbinom_cdf(x, size, p): nbinom::cdf;
    nbinom_sf(x, size, p): nbinom::sf;
    nbinom_logcdf(x, size, p): nbinom::logcdf;
    nbinom_logsf(x, size, p): nbinom::logsf;
    nbinom_ppf(q, size, p): nbinom::ppf;
    nbinom_isf(q, size, p): nbinom::isf;
    nbinom_ppf_log(q, size, p): nbinom::ppf_log;
    nbinom_isf_log(q, size, p): nbinom::isf_log;

    hyper_norm(m, n, k): hyper::norm;
    hyper_pmf(x, m, n, k, norm): hyper::pmf;
    hyper_logpmf(x, m, n, k, norm): hyper::logpmf;
    hyper_cdf(x, m, n, k, norm): hyper::cdf;
    hyper_sf(x, m, n, k, norm): hyper::sf;
    hyper_logcdf(x, m, n, k, norm): hyper::logcdf;
    hyper_logsf(x, m, n, k, norm): hyper::logsf;
    hyper_ppf(p, m, n, k, norm): hyper::ppf;
    hyper_isf(p, m, n, k, norm): hyper::isf;
    hyper_ppf_log(p, m, n, k, norm): hyper::ppf_log;
    hyper_isf_log(p, m, n, k, norm): hyper::isf_log;

    geom_norm(prob): geom::norm;
    geom_ppf(p, prob, norm): geom::ppf;
    geom_isf(p, prob, norm): geom::isf;
    geom_ppf_log(p, prob, norm): geom::ppf_log;
    geom_isf_log(p, prob, norm): geom::isf_log;
}
