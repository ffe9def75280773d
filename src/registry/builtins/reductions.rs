//! Reductions: what joins an array's elements along axes.
//!
//! Few have loops of their own ([`Reduction`]). The others are expressions of these, written out in the
//! program that calls them, so that what they need at the same time is one pass over memory.

use crate::dtype::Scalar;
use crate::ir::Op;
use crate::registry::expression::Expression;
use crate::registry::function::{
    Accuracy, Body, Function, Loops, OfComplex, OfTime, Param, ParamKind, Reduction, Special,
};

const NUMPY: &str = "NumPy's function of the same name";

/// A parameter of reductions.
fn param(name: &'static str) -> Param {
    match name {
        "axis" => Param::option(name, ParamKind::Axes, "None"),
        "dtype" => Param::option(name, ParamKind::DType, "None"),
        "keepdims" => Param::option(name, ParamKind::Switch, "False"),
        "initial" => Param::option(name, ParamKind::Optional, "None"),
        "where" => Param::option(name, ParamKind::Flag, "True"),
        "ddof" => Param::option(name, ParamKind::Number, "0"),
        _ => Param::required(name),
    }
}

fn row(name: &'static str, params: &[&'static str], doc: &'static str, accuracy: Accuracy, body: Body) -> Function {
    Function {
        name: name.into(),
        aliases: &[],
        params: params.iter().map(|name| param(name)).collect(),
        doc: doc.into(),
        accuracy,
        reference: NUMPY.into(),
        body,
        of_complex: None,
        of_time: None,
    }
}

pub(super) fn rows() -> Vec<Function> {
    use Reduction::*;
    let all = &Reduction::PARAMS;
    let choosing = &["a", "axis", "keepdims", "initial", "where"];
    let plain = &["a", "axis", "keepdims", "where"];
    let moment = &["a", "axis", "dtype", "keepdims", "where"];
    let spread = &["a", "axis", "dtype", "ddof", "keepdims", "where"];
    let inline = |text| Body::Inline(Expression::reducing(text));
    // The condition of a sum is that of its terms: the sum of their magnitudes over its own.
    let (exact, sums) = (Accuracy::Ulp(0.0), Accuracy::Conditioned(8.0));
    vec![
        row(
            "sum",
            all,
            "The sum along axes; of integers and bools in 64 bits. Rounding errors grow with the logarithm of the number of elements.",
            sums,
            Body::Reduce(Sum),
        ),
        row("prod", all, "The product along axes; of integers and bools in 64 bits.", sums, Body::Reduce(Prod)),
        row(
            "mean",
            moment,
            "The arithmetic mean along axes; of integers in float64.",
            sums,
            inline(
                "_per(_total(a, axis=axis, dtype=dtype, keepdims=keepdims, where=where), \
             _size(a, axis=axis, keepdims=keepdims, where=where))",
            ),
        ),
        row(
            "var",
            spread,
            "The variance along axes: the mean square of the distances from the mean, with `ddof` less in the divisor.",
            sums,
            inline(
                "_per(_total(_abs2(a - mean(a, axis=axis, dtype=dtype, keepdims=True, where=where)), axis=axis, \
             dtype=dtype, keepdims=keepdims, where=where), \
             maximum(_size(a, axis=axis, keepdims=keepdims, where=where) - ddof, 0))",
            ),
        ),
        row(
            "std",
            spread,
            "The standard deviation along axes: the square root of `var`.",
            sums,
            inline("sqrt(var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where))"),
        ),
        row("min", choosing, "The least along axes; NaN where there is a NaN.", exact, Body::Reduce(Min)),
        row("max", choosing, "The greatest along axes; NaN where there is a NaN.", exact, Body::Reduce(Max)),
        row(
            "ptp",
            &["a", "axis", "keepdims"],
            "The range of values along axes: `max` less `min`.",
            exact,
            inline("max(a, axis=axis, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)"),
        ),
        row(
            "argmin",
            &["a", "axis", "keepdims"],
            "Where the least is along an axis, or among all elements in C order: the first of equal ones, or the first NaN.",
            exact,
            inline(
                "min(_index(a, axis=axis) if (a == min(a, axis=axis, keepdims=True)) | (a != a) else 9223372036854775807, \
             axis=axis, keepdims=keepdims)",
            ),
        ),
        row(
            "argmax",
            &["a", "axis", "keepdims"],
            "Where the greatest is along an axis, or among all elements in C order: the first of equal ones, or the first NaN.",
            exact,
            inline(
                "min(_index(a, axis=axis) if (a == max(a, axis=axis, keepdims=True)) | (a != a) else 9223372036854775807, \
             axis=axis, keepdims=keepdims)",
            ),
        ),
        row("dot", &["a", "b"], "The sum of products of two vectors, in their type.", sums, inline("_dot(a * b)")),
        Function {
            params: vec![
                param("a"),
                param("b"),
                Param::option("axis", ParamKind::Axes, "-1"),
                Param::option("keepdims", ParamKind::Switch, "False"),
            ],
            ..row(
                "vecdot",
                &[],
                "The sum along an axis, the last where none is given, of `conj(a) * b`, in their type.",
                sums,
                inline("_inner(_conj(a) * b, axis=axis, keepdims=keepdims)"),
            )
        },
        row("any", plain, "Whether any element along axes is not zero.", exact, Body::Reduce(Any)),
        row("all", plain, "Whether no element along axes is zero.", exact, Body::Reduce(All)),
        row(
            "count_nonzero",
            &["a", "axis", "keepdims"],
            "How many elements along axes are not zero, in int64.",
            exact,
            Body::Reduce(Count),
        ),
        row("nanmin", choosing, "The least along axes that is no NaN; NaN where all are.", exact, Body::Reduce(NanMin)),
        row(
            "nanmax",
            choosing,
            "The greatest along axes that is no NaN; NaN where all are.",
            exact,
            Body::Reduce(NanMax),
        ),
        row(
            "nansum",
            all,
            "The sum along axes, NaNs left out.",
            sums,
            inline(
                "sum(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=_known(a) & (where != 0))",
            ),
        ),
        row(
            "nanmean",
            moment,
            "The mean along axes, NaNs left out.",
            sums,
            inline("mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=_known(a) & (where != 0))"),
        ),
        Function {
            reference: "numpy.linalg.norm of vectors".into(),
            ..row(
                "norm",
                &["a", "axis", "keepdims"],
                "The Euclidean norm along axes: the square root of the sum of squares.",
                sums,
                inline("sqrt(sum(_abs2(a * 1.0), axis=axis, keepdims=keepdims))"),
            )
        },
        Function {
            reference: "SciPy's function of the same name".into(),
            ..row(
                "logsumexp",
                &["a", "axis", "keepdims"],
                "The logarithm of the sum of exponentials along axes, where these may overflow. Its error is counted in the last place of the greatest element or of 1.",
                sums,
                inline(
                    "log(sum(exp(a - _finite(max(a, axis=axis, keepdims=True))), axis=axis, keepdims=keepdims)) \
                 + _finite(max(a, axis=axis, keepdims=keepdims))",
                ),
            )
        },
        row(
            "_total",
            moment,
            "The sum along axes, as means need it: of integers in float64.",
            sums,
            Body::Reduce(Total),
        ),
        row("_index", &["a", "axis"], "The place of an element along an axis, in int64.", exact, Body::Reduce(Index)),
        row("_inner", &["a", "axis", "keepdims"], "The sum along axes, in the type of a.", sums, Body::Reduce(Inner)),
        row("_dot", &["a"], "The sum of the products of vectors, in their type.", sums, Body::Reduce(Dot)),
        row("_size", plain, "How many elements there are along axes, in int64.", exact, Body::Reduce(Size)),
        row(
            "_per",
            &["x", "n"],
            "The quotient, computed in float64, in the type of x.",
            Accuracy::Ulp(1.0),
            Body::Special(Special::Per),
        ),
        Function {
            of_complex: Some(OfComplex::Real(|l, _, z| {
                let known = [0, 1].map(|part| l.op(Op::Eq, &[z[0][part], z[0][part]]));
                l.op(Op::And, &known)
            })),
            of_time: Some(OfTime::Any(|l, _| l.constant(Scalar::bool(true)))),
            ..row(
                "_known",
                &["x"],
                "Whether x is no NaN; a time that is NaT is none.",
                exact,
                Body::Op(Loops::All, |l, dtype, args| {
                    if dtype.is_float() { l.op(Op::Eq, &[args[0], args[0]]) } else { l.constant(Scalar::bool(true)) }
                }),
            )
        },
        Function {
            of_complex: super::complex::body("_abs2"),
            ..row(
                "_abs2",
                &["x"],
                "The square of the magnitude.",
                exact,
                Body::Op(Loops::Number, |l, _, args| l.op(Op::Mul, &[args[0], args[0]])),
            )
        },
        row(
            "_finite",
            &["x"],
            "x where it is finite, else 0.",
            exact,
            Body::Op(Loops::All, |l, dtype, args| {
                if !dtype.is_float() {
                    return args[0];
                }
                let [zero, infinity] = [0.0, f64::INFINITY].map(|value| l.constant(Scalar::of(dtype, value)));
                let magnitude = l.op(Op::Abs, args);
                let is_finite = l.op(Op::Lt, &[magnitude, infinity]);
                l.op(Op::Select, &[is_finite, args[0], zero])
            }),
        ),
    ]
}
