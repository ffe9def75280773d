//! The distributions: a row each, from which the functions under SciPy's and R's names follow.
//!
//! A distribution has ten functions in its standard form: location 0, scale 1, only the shapes. They are
//! private rows, `_gamma_pdf(x, a)` and so on, over a native of `math::distributions` or written in the
//! language. What a native wants prepared of the shapes is a call of its own, `__gamma_norm(a)`, so that
//! it is done once where the shapes do not vary. The public functions put location and scale around.

use crate::math::block::dispatch::Kernels;
use crate::math::block::normal::{NORM_CDF, NORM_LOGCDF, NORM_PPF, NORM_PPF_LOG};
use crate::math::block::power::ROOT;
use crate::math::distributions::kernels::NATIVES;
use crate::math::native::Native;
use crate::registry::expression::Expression;
use crate::registry::function::{Accuracy, Body, Floats, Function, Loops, Param, ParamKind};

/// A distribution.
struct Distribution {
    /// The name of its private functions.
    name: &'static str,
    /// The distribution in words.
    title: &'static str,
    /// The shapes' names in the standard form.
    shapes: &'static [&'static str],
    kind: Kind,
    /// The functions that are written in the language, over x (or q, of quantiles) and the shapes. Others follow
    /// by symmetry, or are natives.
    standard: &'static [(&'static str, &'static str)],
    /// Its names and parameters.
    habits: &'static [Habit],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Continuous,
    /// The same about 0: the functions of upper probabilities are those of lower ones, mirrored.
    Symmetric,
    /// Of whole numbers.
    Discrete,
}

/// How a distribution is called.
struct Habit {
    style: Style,
    /// Its name.
    name: &'static str,
    /// The parameters behind x, in order.
    params: &'static [Given],
    /// The standard form's shapes, as expressions over the parameters.
    shapes: &'static [&'static str],
    /// The variate in the standard form, over `{x}` and the parameters.
    to: &'static str,
    /// A quantile, over `{p}`, the standard form's, and the parameters.
    from: &'static str,
    /// The scale by which densities are divided; empty if it is 1.
    scale: &'static str,
    /// What holds of valid parameters, beyond what the standard form asks.
    valid: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    SciPy,
    R,
}

/// A parameter, and its default if it has one.
struct Given(&'static str, Option<&'static str>, ParamKind);

const fn shape(name: &'static str) -> Given {
    Given(name, None, ParamKind::Number)
}

const fn preset(name: &'static str, default: &'static str) -> Given {
    Given(name, Some(default), ParamKind::Number)
}

const fn instead(name: &'static str, default: &'static str, other: &'static str) -> Given {
    Given(name, Some(default), ParamKind::Instead(other))
}

/// The place of R's non-centrality.
const NCP: Given = Given("ncp", Some("0"), ParamKind::Refused("non-central distributions are not built in"));

/// SciPy's form of a continuous distribution: the shapes, then location and scale.
macro_rules! scipy {
    ($name:literal, [$($param:literal),*]) => {
        Habit {
            style: Style::SciPy,
            name: $name,
            params: &[$(shape($param),)* preset("loc", "0"), preset("scale", "1")],
            shapes: &[$($param),*],
            to: "({x} - loc) / scale",
            from: "{p} * scale + loc",
            scale: "scale",
            valid: "scale > 0",
        }
    };
}

/// SciPy's form of a discrete distribution: the shapes, then location.
macro_rules! scipy_discrete {
    ($name:literal, [$($param:literal),*]) => {
        scipy_discrete!($name, [$($param),*], &[$($param),*])
    };
    ($name:literal, [$($param:literal),*], $shapes:expr) => {
        scipy_discrete!($name, [$($param),*], $shapes, "{x} - loc", "{p} + loc")
    };
    ($name:literal, [$($param:literal),*], $shapes:expr, $to:literal, $from:literal) => {
        Habit {
            style: Style::SciPy,
            name: $name,
            params: &[$(shape($param),)* preset("loc", "0")],
            shapes: $shapes,
            to: $to,
            from: $from,
            scale: "",
            valid: "",
        }
    };
}

/// R's form.
macro_rules! r {
    ($name:literal, [$($param:expr),*], $shapes:expr) => {
        r!($name, [$($param),*], $shapes, "{x}", "{p}", "", "")
    };
    ($name:literal, [$($param:expr),*], $shapes:expr, $to:expr, $from:expr, $scale:expr, $valid:expr) => {
        Habit {
            style: Style::R,
            name: $name,
            params: &[$($param),*],
            shapes: $shapes,
            to: $to,
            from: $from,
            scale: $scale,
            valid: $valid,
        }
    };
}

/// R's form of a continuous distribution with a location and a scale alone.
macro_rules! located {
    ($name:literal, $location:literal, $scale:literal) => {
        r!(
            $name,
            [preset($location, "0"), preset($scale, "1")],
            &[],
            concat!("({x} - ", $location, ") / ", $scale),
            concat!("{p} * ", $scale, " + ", $location),
            $scale,
            concat!($scale, " > 0")
        )
    };
}

/// R's form of one with a shape and a scale.
macro_rules! scaled {
    ($name:literal, [$($param:expr),*]) => {
        r!($name, [$($param),*], &["shape"], "{x} / scale", "{p} * scale", "scale", "scale > 0")
    };
}

const DISTRIBUTIONS: &[Distribution] = &[
    Distribution {
        name: "unif",
        title: "the uniform distribution",
        shapes: &[],
        kind: Kind::Continuous,
        standard: &[
            ("pdf", "0.0 if x < 0 or x > 1 else 1 + 0*x"),
            ("logpdf", "-inf if x < 0 or x > 1 else 0*x"),
            ("cdf", "minimum(maximum(x, 0.0), 1.0)"),
            ("sf", "minimum(maximum(1 - x, 0.0), 1.0)"),
            ("logcdf", "log(minimum(maximum(x, 0.0), 1.0))"),
            ("logsf", "log1p(-minimum(maximum(x, 0.0), 1.0))"),
            ("ppf", "q if 0 <= q <= 1 else nan"),
            ("isf", "1 - q if 0 <= q <= 1 else nan"),
            ("ppf_log", "exp(q) if q <= 0 else nan"),
            ("isf_log", "-expm1(q) if q <= 0 else nan"),
        ],
        habits: &[
            scipy!("uniform", []),
            r!(
                "unif",
                [preset("min", "0"), preset("max", "1")],
                &[],
                "({x} - min) / (max - min)",
                "{p} * (max - min) + min",
                "(max - min)",
                "max > min"
            ),
        ],
    },
    Distribution {
        name: "norm",
        title: "the normal distribution",
        shapes: &[],
        kind: Kind::Symmetric,
        standard: &[
            ("pdf", "exp((-0.5*x)*x) * 0.3989422804014327"),
            ("logpdf", "(-0.5*x)*x - 0.9189385332046728"),
            ("cdf", "__norm_cdf(x)"),
            ("logcdf", "__norm_logcdf(x)"),
            ("ppf", "__norm_ppf(q)"),
            ("ppf_log", "__norm_ppf_log(q)"),
        ],
        habits: &[scipy!("norm", []), located!("norm", "mean", "sd")],
    },
    Distribution {
        name: "exp",
        title: "the exponential distribution",
        shapes: &[],
        kind: Kind::Continuous,
        standard: &[
            ("pdf", "0.0 if x < 0 else exp(-x)"),
            ("logpdf", "-inf if x < 0 else -x"),
            ("cdf", "-expm1(-maximum(x, 0.0))"),
            ("sf", "exp(-maximum(x, 0.0))"),
            ("logcdf", "log1mexp(-maximum(x, 0.0))"),
            ("logsf", "-maximum(x, 0.0)"),
            ("ppf", "-log1p(-q) if q >= 0 else nan"),
            ("isf", "-log(q) if q <= 1 else nan"),
            ("ppf_log", "-log1mexp(q)"),
            ("isf_log", "-q if q <= 0 else nan"),
        ],
        habits: &[
            scipy!("expon", []),
            r!("exp", [preset("rate", "1")], &[], "{x} * rate", "{p} / rate", "(1 / rate)", "rate > 0"),
        ],
    },
    Distribution {
        name: "lnorm",
        title: "the log-normal distribution",
        shapes: &["s", "m"],
        kind: Kind::Continuous,
        standard: &[
            (
                "pdf",
                "(0.0 if x <= 0 or x == inf else exp(-0.25*((log(x) - m)/s)**2) * (0.3989422804014327/s) / x * exp(-0.25*((log(x) - m)/s)**2)) if s > 0 else nan",
            ),
            (
                "logpdf",
                "(-inf if x <= 0 or x == inf else -0.5*((log(x) - m)/s)**2 - log(x) - (0.9189385332046728 + log(s))) if s > 0 else nan",
            ),
            ("cdf", "__norm_cdf((log(maximum(x, 0.0)) - m)/s) if s > 0 else nan"),
            ("sf", "__norm_cdf((m - log(maximum(x, 0.0)))/s) if s > 0 else nan"),
            ("logcdf", "__norm_logcdf((log(maximum(x, 0.0)) - m)/s) if s > 0 else nan"),
            ("logsf", "__norm_logcdf((m - log(maximum(x, 0.0)))/s) if s > 0 else nan"),
            ("ppf", "exp(m + s*__norm_ppf(q)) if s > 0 else nan"),
            ("isf", "exp(m - s*__norm_ppf(q)) if s > 0 else nan"),
            ("ppf_log", "exp(m + s*__norm_ppf_log(q)) if s > 0 else nan"),
            ("isf_log", "exp(m - s*__norm_ppf_log(q)) if s > 0 else nan"),
        ],
        habits: &[
            Habit { shapes: &["s", "0.0"], ..scipy!("lognorm", ["s"]) },
            r!("lnorm", [preset("meanlog", "0"), preset("sdlog", "1")], &["sdlog", "meanlog"]),
        ],
    },
    Distribution {
        name: "weibull",
        title: "Weibull's distribution",
        shapes: &["c"],
        kind: Kind::Continuous,
        standard: &[
            (
                "pdf",
                "(0.0 if x < 0 or x**c > 1500 else c*maximum(x, 0.0)**(c - 1)*exp(-0.5*x**c)*exp(-0.5*x**c)) if c > 0 else nan",
            ),
            (
                "logpdf",
                "(-inf if x < 0 or x**c == inf else log(c) + xlogy(c - 1, maximum(x, 0.0)) - x**c) if c > 0 else nan",
            ),
            ("cdf", "-expm1(-maximum(x, 0.0)**c) if c > 0 else nan"),
            ("sf", "exp(-maximum(x, 0.0)**c) if c > 0 else nan"),
            (
                "logcdf",
                "(-inf if x <= 0 else (c*log(x) if x**c < 1e-17 else log1mexp(-maximum(x, 0.0)**c))) if c > 0 else nan",
            ),
            ("logsf", "-maximum(x, 0.0)**c if c > 0 else nan"),
            ("ppf", "__root(-log1p(-q), c)"),
            ("isf", "__root(-log(q), c)"),
            ("ppf_log", "(exp(q/c) if q < -40 else __root(-log1mexp(q), c)) if c > 0 else nan"),
            ("isf_log", "__root(-q, c)"),
        ],
        habits: &[scipy!("weibull_min", ["c"]), scaled!("weibull", [shape("shape"), preset("scale", "1")])],
    },
    Distribution {
        name: "logis",
        title: "the logistic distribution",
        shapes: &[],
        kind: Kind::Symmetric,
        standard: &[
            ("pdf", "exp(-abs(x))/(1 + exp(-abs(x)))**2"),
            ("logpdf", "-abs(x) - 2*log1p(exp(-abs(x)))"),
            ("cdf", "logistic(x)"),
            ("logcdf", "-log1pexp(-x)"),
            ("ppf", "logit(q)"),
            ("ppf_log", "q - log1mexp(q)"),
        ],
        habits: &[scipy!("logistic", []), located!("logis", "location", "scale")],
    },
    Distribution {
        name: "cauchy",
        title: "Cauchy's distribution",
        shapes: &[],
        kind: Kind::Symmetric,
        standard: &[
            ("pdf", "0.3183098861837907/(1 + x*x) if abs(x) < 1e18 else 0.3183098861837907/x/x"),
            (
                "logpdf",
                "-1.1447298858494002 - (log1p(x*x if abs(x) < 1e18 else abs(x)) if abs(x) < 1e18 else 2*log1p(x*x if abs(x) < 1e18 else abs(x)))",
            ),
            ("cdf", "arctan2(1.0, -x)/pi"),
            ("logcdf", "log(arctan2(1.0, abs(x))/pi) if x < 0 else log1p(-arctan2(1.0, abs(x))/pi)"),
            ("ppf", "-cospi(q)/sinpi(q) if 0 <= q <= 1 else nan"),
            (
                "ppf_log",
                "(-cospi(minimum(exp(q), -expm1(q)))/sinpi(minimum(exp(q), -expm1(q))) if q < -0.6931471805599453 else cospi(minimum(exp(q), -expm1(q)))/sinpi(minimum(exp(q), -expm1(q)))) if q <= 0 else nan",
            ),
        ],
        habits: &[scipy!("cauchy", []), located!("cauchy", "location", "scale")],
    },
    Distribution {
        name: "laplace",
        title: "Laplace's distribution",
        shapes: &[],
        kind: Kind::Symmetric,
        standard: &[
            ("pdf", "0.5*exp(-abs(x))"),
            ("logpdf", "-abs(x) - 0.6931471805599453"),
            ("cdf", "0.5*exp(-abs(x)) if x < 0 else 1 - 0.5*exp(-abs(x))"),
            ("logcdf", "x - 0.6931471805599453 if x < 0 else log1p(-0.5*exp(-abs(x)))"),
            ("ppf", "log(2*minimum(q, 1 - q)) if q < 0.5 else -log(2*minimum(q, 1 - q))"),
            (
                "ppf_log",
                "q + 0.6931471805599453 + 2.3190468138462996e-17 if q <= -0.6931471805599453 else -0.6931471805599453 - log1mexp(q)",
            ),
        ],
        habits: &[scipy!("laplace", []), located!("laplace", "location", "scale")],
    },
    Distribution {
        name: "gumbel",
        title: "Gumbel's distribution of maxima",
        shapes: &[],
        kind: Kind::Continuous,
        standard: &[
            ("pdf", "exp(-(maximum(x, -800.0) + exp(-maximum(x, -800.0))))"),
            ("logpdf", "-(maximum(x, -800.0) + exp(-maximum(x, -800.0)))"),
            ("cdf", "exp(-exp(-x))"),
            ("sf", "-expm1(-exp(-x))"),
            ("logcdf", "-exp(-x)"),
            ("logsf", "-x if x > 40 else log1mexp(-exp(-x))"),
            ("ppf", "-log(-log(q))"),
            ("isf", "-log(-log1p(-q))"),
            ("ppf_log", "-log(-q)"),
            ("isf_log", "-q if q < -40 else -log(-log1mexp(q))"),
        ],
        habits: &[scipy!("gumbel_r", []), located!("gumbel", "location", "scale")],
    },
    Distribution {
        name: "geom",
        title: "the geometric distribution",
        shapes: &["prob"],
        kind: Kind::Discrete,
        standard: &[
            ("pmf", "(0.0 if x < 0 or x > floor(x) else exp(xlog1py(x, -prob))*prob) if 0 < prob <= 1 else nan"),
            ("logpmf", "(-inf if x < 0 or x > floor(x) else xlog1py(x, -prob) + log(prob)) if 0 < prob <= 1 else nan"),
            ("cdf", "(0.0 if x < 0 else -expm1((floor(x) + 1)*log1p(-prob))) if 0 < prob <= 1 else nan"),
            ("sf", "(1.0 if x < 0 else exp((floor(x) + 1)*log1p(-prob))) if 0 < prob <= 1 else nan"),
            ("logcdf", "(-inf if x < 0 else log1mexp((floor(x) + 1)*log1p(-prob))) if 0 < prob <= 1 else nan"),
            ("logsf", "(0.0 if x < 0 else (floor(x) + 1)*log1p(-prob)) if 0 < prob <= 1 else nan"),
        ],
        habits: &[
            scipy_discrete!("geom", ["p"], &["p"], "{x} - loc - 1", "{p} + loc + 1"),
            r!("geom", [shape("prob")], &["prob"]),
        ],
    },
    Distribution {
        name: "gamma",
        title: "the gamma distribution",
        shapes: &["a"],
        kind: Kind::Continuous,
        standard: &[],
        habits: &[
            scipy!("gamma", ["a"]),
            scaled!("gamma", [shape("shape"), instead("rate", "1", "scale"), instead("scale", "1/rate", "rate")]),
        ],
    },
    Distribution {
        name: "beta",
        title: "the beta distribution",
        shapes: &["a", "b"],
        kind: Kind::Continuous,
        standard: &[],
        habits: &[
            scipy!("beta", ["a", "b"]),
            r!("beta", [shape("shape1"), shape("shape2"), NCP], &["shape1", "shape2"]),
        ],
    },
    Distribution {
        name: "t",
        title: "Student's t distribution",
        shapes: &["df"],
        kind: Kind::Continuous,
        standard: &[],
        habits: &[scipy!("t", ["df"]), r!("t", [shape("df"), NCP], &["df"])],
    },
    Distribution {
        name: "chisq",
        title: "the chi-squared distribution",
        shapes: &["df"],
        kind: Kind::Continuous,
        standard: &[],
        habits: &[scipy!("chi2", ["df"]), r!("chisq", [shape("df"), NCP], &["df"])],
    },
    Distribution {
        name: "f",
        title: "the F distribution",
        shapes: &["df1", "df2"],
        kind: Kind::Continuous,
        standard: &[],
        habits: &[scipy!("f", ["dfn", "dfd"]), r!("f", [shape("df1"), shape("df2"), NCP], &["df1", "df2"])],
    },
    Distribution {
        name: "pois",
        title: "Poisson's distribution",
        shapes: &["mu"],
        kind: Kind::Discrete,
        standard: &[],
        habits: &[scipy_discrete!("poisson", ["mu"]), r!("pois", [shape("lambda")], &["`lambda`"])],
    },
    Distribution {
        name: "binom",
        title: "the binomial distribution",
        shapes: &["n", "p"],
        kind: Kind::Discrete,
        standard: &[],
        habits: &[scipy_discrete!("binom", ["n", "p"]), r!("binom", [shape("size"), shape("prob")], &["size", "prob"])],
    },
    Distribution {
        name: "nbinom",
        title: "the negative binomial distribution",
        shapes: &["size", "p"],
        kind: Kind::Discrete,
        standard: &[],
        habits: &[
            scipy_discrete!("nbinom", ["n", "p"]),
            r!(
                "nbinom",
                [
                    shape("size"),
                    instead("prob", "size / (size + mu)", "mu"),
                    instead("mu", "size * (1 - prob) / prob", "prob")
                ],
                &["size", "prob"]
            ),
        ],
    },
    Distribution {
        name: "hyper",
        title: "the hypergeometric distribution",
        shapes: &["m", "n", "k"],
        kind: Kind::Discrete,
        standard: &[],
        habits: &[
            scipy_discrete!("hypergeom", ["M", "n", "N"], &["n", "M - n", "N"]),
            r!("hyper", [shape("m"), shape("n"), shape("k")], &["m", "n", "k"]),
        ],
    },
];

/// A function of every distribution: its name (`pdf` is `pmf` of discrete ones), that in the standard form
/// of what R calls it with, and what it is.
const FUNCTIONS: [(&str, &str); 10] = [
    ("pdf", "The density"),
    ("logpdf", "The logarithm of the density"),
    ("cdf", "The probability of at most x"),
    ("sf", "The probability of more than x"),
    ("logcdf", "The logarithm of the probability of at most x"),
    ("logsf", "The logarithm of the probability of more than x"),
    ("ppf", "The quantile of a probability"),
    ("isf", "The quantile of an upper probability"),
    ("ppf_log", "The quantile of a probability's logarithm"),
    ("isf_log", "The quantile of an upper probability's logarithm"),
];

pub(super) fn rows() -> Vec<Function> {
    let mut rows = natives();
    for distribution in DISTRIBUTIONS {
        for (function, _) in FUNCTIONS {
            rows.push(distribution.standard_row(function));
        }
        for habit in distribution.habits {
            match habit.style {
                Style::SciPy => rows.extend(distribution.scipy_rows(habit)),
                Style::R => rows.extend(distribution.r_rows(habit)),
            }
        }
    }
    rows
}

/// The natives themselves.
fn natives() -> Vec<Function> {
    let row = |native: &'static Native| Function {
        params: native.params.iter().map(|name| Param::required(*name)).collect(),
        ..private(native.name.into(), Body::Native(Loops::Real, Floats::new(&native.kernels)))
    };
    let block = |(name, params, kernels): &(&'static str, &'static [&'static str], &'static Kernels)| Function {
        params: params.iter().map(|name| Param::required(*name)).collect(),
        ..private((*name).into(), Body::Native(Loops::Real, Floats::new(kernels)))
    };
    NATIVES.iter().map(row).chain(BLOCKS.iter().map(block)).collect()
}

/// Those that have vector forms.
const BLOCKS: [(&str, &[&str], &Kernels); 5] = [
    ("__norm_cdf", &["x"], &NORM_CDF),
    ("__norm_logcdf", &["x"], &NORM_LOGCDF),
    ("__norm_ppf", &["p"], &NORM_PPF),
    ("__norm_ppf_log", &["p"], &NORM_PPF_LOG),
    ("__root", &["x", "n"], &ROOT),
];

fn private(name: String, body: Body) -> Function {
    Function {
        name: name.into(),
        aliases: &[],
        params: Vec::new(),
        doc: "Part of a distribution's functions.".into(),
        accuracy: Accuracy::Conditioned(BUDGET),
        reference: "the distribution's functions".into(),
        body,
        of_complex: None,
        of_time: None,
    }
}

/// Nearly all results are within so many units in the last place, times one and the condition number.
const BUDGET: f64 = 16.0;

impl Distribution {
    /// The name of a function: discrete distributions have a mass instead of a density.
    fn name_of(&self, function: &str) -> String {
        if self.kind == Kind::Discrete { function.replace("pdf", "pmf") } else { function.to_owned() }
    }

    /// A function in the standard form.
    fn standard_row(&self, function: &str) -> Function {
        let own = self.name_of(function);
        let variable = if is_quantile(function) { "q" } else { "x" };
        let text = match self.standard.iter().find(|(name, _)| *name == own) {
            Some((_, text)) => (*text).to_owned(),
            None if self.kind == Kind::Symmetric => self.mirrored(function, variable),
            None => self.native_call(&format!("__{}_{own}", self.name), variable),
        };
        let names = std::iter::once(variable).chain(self.shapes.iter().copied());
        let params = names.map(Param::required).collect();
        let body = Body::Expand(Loops::Real, Expression::made(text));
        Function { params, ..private(format!("_{}_{own}", self.name), body) }
    }

    /// A function of upper probabilities by that of lower ones.
    fn mirrored(&self, function: &str, variable: &str) -> String {
        let name = self.name;
        match function.split_once("sf") {
            Some(("i", log)) => format!("-_{name}_ppf{log}({variable})"),
            Some((log, _)) => format!("_{name}_{log}cdf(-{variable})"),
            None => panic!("there is no {function} of {name}"),
        }
    }

    /// The call of a native, what it wants prepared included.
    fn native_call(&self, name: &str, variable: &str) -> String {
        let find = |name: &str| {
            let native = NATIVES.iter().find(|native| native.name == name);
            native.unwrap_or_else(|| panic!("there is no {name}"))
        };
        let argument = |(place, param): (usize, &&str)| match place {
            0 => variable.to_owned(),
            _ if self.shapes.contains(param) => (*param).to_owned(),
            _ => {
                let prepared = find(&format!("__{}_{param}", self.name));
                format!("{}({})", prepared.name, prepared.params.join(", "))
            }
        };
        let arguments: Vec<String> = find(name).params.iter().enumerate().map(argument).collect();
        format!("{name}({})", arguments.join(", "))
    }

    /// A function with location and scale: an expression over `variable` and the habit's parameters.
    fn call(&self, habit: &Habit, function: &str, variable: &str) -> String {
        let own = self.name_of(function);
        let argument = match is_quantile(function) {
            true => variable.to_owned(),
            false => habit.to.replace("{x}", variable),
        };
        let arguments = std::iter::once(argument).chain(habit.shapes.iter().map(|shape| (*shape).to_owned()));
        let arguments: Vec<String> = arguments.collect();
        let value = format!("_{}_{own}({})", self.name, arguments.join(", "));
        match function {
            "pdf" if !habit.scale.is_empty() => format!("{value} / {}", habit.scale),
            "logpdf" if !habit.scale.is_empty() => format!("{value} - log({})", habit.scale),
            _ if is_quantile(function) => habit.from.replace("{p}", &value),
            _ => value,
        }
    }

    /// A public function.
    fn public(&self, name: String, doc: &str, reference: String, params: Vec<Param>, text: String) -> Function {
        Function {
            name: name.into(),
            aliases: &[],
            params,
            doc: format!("{doc}, of {}.", self.title).into(),
            accuracy: Accuracy::Conditioned(BUDGET),
            reference: reference.into(),
            body: Body::Expand(Loops::Real, Expression::made(text)),
            of_complex: None,
            of_time: None,
        }
    }

    /// SciPy's functions.
    fn scipy_rows(&self, habit: &Habit) -> Vec<Function> {
        let public = FUNCTIONS.iter().filter(|(function, _)| !function.ends_with("_log"));
        let row = |(function, doc): &(&str, &str)| {
            let variable = match *function {
                "ppf" | "isf" => "q",
                _ if self.kind == Kind::Discrete => "k",
                _ => "x",
            };
            let own = self.name_of(function);
            let text = valid(habit, self.call(habit, function, variable));
            let reference = format!("SciPy's `stats.{}.{own}`", habit.name);
            self.public(format!("{}_{own}", habit.name), doc, reference, params(variable, habit), text)
        };
        public.map(row).collect()
    }

    /// R's three functions, whose flags choose among all.
    fn r_rows(&self, habit: &Habit) -> Vec<Function> {
        let row =
            |letter: &str, variable: &'static str, flags: &[(&'static str, &'static str)], doc: &str, text: String| {
                let name = format!("{letter}{}", habit.name);
                let mut params = params(variable, habit);
                params.extend(flags.iter().map(|&(name, default)| Param {
                    default: Some(Expression::builtin(default)),
                    kind: ParamKind::Flag,
                    ..Param::required(name)
                }));
                self.public(name.clone(), doc, format!("R's `{name}`"), params, valid(habit, text))
            };
        let call = |function: &str, variable: &str| self.call(habit, function, variable);
        let chosen = |[lower, upper, log_lower, log_upper]: [&str; 4], variable: &str| {
            let [lower, upper] = [lower, upper].map(|function| call(function, variable));
            let [log_lower, log_upper] = [log_lower, log_upper].map(|function| call(function, variable));
            format!(
                "((({log_lower}) if lower_tail else ({log_upper})) if log_p else (({lower}) if lower_tail else ({upper})))"
            )
        };
        const TAILS: &[(&str, &str)] = &[("lower_tail", "True"), ("log_p", "False")];
        let density = format!("(({}) if log else ({}))", call("logpdf", "x"), call("pdf", "x"));
        vec![
            row(
                "d",
                "x",
                &[("log", "False")],
                if self.kind == Kind::Discrete { "The probability of x" } else { FUNCTIONS[0].1 },
                density,
            ),
            row("p", "q", TAILS, "The probability of at most q", chosen(["cdf", "sf", "logcdf", "logsf"], "q")),
            row("q", "p", TAILS, FUNCTIONS[6].1, chosen(["ppf", "isf", "ppf_log", "isf_log"], "p")),
        ]
    }
}

fn is_quantile(function: &str) -> bool {
    function.starts_with("ppf") || function.starts_with("isf")
}

/// NaN where the parameters are not valid.
fn valid(habit: &Habit, text: String) -> String {
    if habit.valid.is_empty() { text } else { format!("({text}) if {} else nan", habit.valid) }
}

/// The parameters of a habit's function.
fn params(variable: &'static str, habit: &Habit) -> Vec<Param> {
    let given = habit.params.iter().map(|Given(name, default, kind)| Param {
        default: default.map(Expression::builtin),
        kind: *kind,
        ..Param::required(*name)
    });
    std::iter::once(Param::required(variable)).chain(given).collect()
}
