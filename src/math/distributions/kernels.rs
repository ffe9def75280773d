//! The distributions' functions as block kernels.

use super::*;
use crate::math::native::natives;

/// The natives of distributions: each row of one is a function of its module, as in [`natives`], and `sides` stands
/// for the eight that are of x or a probability and these parameters; what is behind `in` are the lanes of the first
/// two.
macro_rules! distributions {
    ($(#[doc = $doc:literal])+ $table:ident: $($module:ident {
        $($rows:tt)+
    } $(sides($($param:ident),+) $(in $cdf:ident, $sf:ident)?)?;)+) => {
        natives! {
            $(#[doc = $doc])+
            $table as __module_name:
            $($module {
                $($rows)+
                $(
                    cdf(x, $($param),+) $(=> $cdf)?;
                    sf(x, $($param),+) $(=> $sf)?;
                    logcdf(x, $($param),+);
                    logsf(x, $($param),+);
                    ppf(q, $($param),+);
                    isf(q, $($param),+);
                    ppf_log(q, $($param),+);
                    isf_log(q, $($param),+);
                )?
            })+
        }
    };
}

distributions! {
    /// The functions: of x or a probability, the shapes, and what is prepared of these.
    NATIVES:

    gamma {
        norm(a);
        pdf(x, a, norm) | pdf_lane;
        logpdf(x, a, norm) | logpdf_lane;
    } sides(a, norm) in cdf_lane, sf_lane;

    chisq {
        norm(df);
        pdf(x, df, norm) | pdf_lane;
        logpdf(x, df, norm) | logpdf_lane;
    } sides(df, norm) in cdf_lane, sf_lane;

    pois {
        pmf(x, mu);
        logpmf(x, mu);
    } sides(mu);

    beta {
        norm(a, b);
        log_norm(a, b);
        pdf(x, a, b, norm) => pdf_lane;
        logpdf(x, a, b, log_norm) => logpdf_lane;
    } sides(a, b, norm);

    t {
        norm(df);
        log_norm(df);
        beta_norm(df);
        pdf(x, df, norm) => pdf_lane;
        logpdf(x, df, log_norm) => logpdf_lane;
    } sides(df, beta_norm);

    f {
        norm(df1, df2);
        log_norm(df1, df2);
        beta_norm(df1, df2);
        pdf(x, df1, df2, norm);
        logpdf(x, df1, df2, log_norm);
    } sides(df1, df2, beta_norm);

    binom {
        norm(n);
        log_norm(n);
        pmf(x, n, p, norm);
        logpmf(x, n, p, log_norm);
    } sides(n, p);

    nbinom {
        norm(size);
        log_norm(size);
        pmf(x, size, p, norm);
        logpmf(x, size, p, log_norm);
    } sides(size, p);

    hyper {
        norm(m, n, k);
        pmf(x, m, n, k, norm);
        logpmf(x, m, n, k, norm);
    } sides(m, n, k, norm);

    geom {
        norm(prob);
        ppf(q, prob, norm);
        isf(q, prob, norm);
        ppf_log(q, prob, norm);
        isf_log(q, prob, norm);
    };
}
