"""Distributions as words of the language: parameters, defaults, location and scale, flags.

What the functions compute in their standard forms is tested against tables of exact values in
tests/distributions.rs. Here the peers are SciPy and, where it is installed, R's library, whose own
errors the tolerances allow for.
"""

import ctypes.util
import math

import numfuse as nf
import numpy as np
import pytest
import scipy.stats

RNG = np.random.default_rng(20240531)

# SciPy's name, and the shapes to try.
CONTINUOUS = {
    "uniform": [()],
    "norm": [()],
    "expon": [()],
    "lognorm": [(0.5,), (2.0,)],
    "weibull_min": [(0.7,), (3.0,)],
    "logistic": [()],
    "cauchy": [()],
    "laplace": [()],
    "gumbel_r": [()],
    "gamma": [(0.3,), (2.5,), (80.0,)],
    "beta": [(0.5, 0.7), (2.0, 5.0), (30.0, 40.0)],
    "t": [(1.5,), (30.0,)],
    "chi2": [(1.0,), (7.5,)],
    "f": [(3.0, 8.0), (10.0, 2.5)],
}
DISCRETE = {
    "poisson": [(0.4,), (12.0,), (300.0,)],
    "binom": [(1, 0.3), (20, 0.7), (500, 0.02)],
    "nbinom": [(1, 0.3), (4.5, 0.6)],
    "geom": [(0.2,), (0.9,)],
    "hypergeom": [(50, 12, 20), (400, 150, 60)],
}
FUNCTIONS = ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"]


def close(got, expected, text):
    np.testing.assert_allclose(got, expected, rtol=2e-9, atol=1e-280, err_msg=text)


@pytest.mark.parametrize(("name", "shapes"), [(n, s) for n, all_ in CONTINUOUS.items() for s in all_])
def test_continuous_distributions_are_scipys(name, shapes):
    peer = getattr(scipy.stats, name)
    p = np.concatenate([RNG.uniform(0, 1, 40), [1e-6, 1 - 1e-6]])
    for loc, scale in [(0, 1), (-1.5, 0.25), (10.0, 30.0)]:
        x = peer.ppf(p, *shapes, loc, scale)
        arguments = ", ".join(map(repr, (*shapes, loc, scale)))
        for function in FUNCTIONS:
            text = f"{name}_{function}(x, {arguments})"
            close(nf.evaluate(text, x=x), getattr(peer, function)(x, *shapes, loc, scale), text)
        for function in ["ppf", "isf"]:
            text = f"{name}_{function}(p, {arguments})"
            close(nf.evaluate(text, p=p), getattr(peer, function)(p, *shapes, loc, scale), text)
    names = ", ".join(f"{n}={v!r}" for n, v in [("loc", 2.0), ("scale", 0.5)])
    text = f"{name}_cdf(x, {''.join(f'{s!r}, ' for s in shapes)}{names})"
    close(nf.evaluate(text, x=x), peer.cdf(x, *shapes, loc=2.0, scale=0.5), text)


@pytest.mark.parametrize(("name", "shapes"), [(n, s) for n, all_ in DISCRETE.items() for s in all_])
def test_discrete_distributions_are_scipys(name, shapes):
    peer = getattr(scipy.stats, name)
    p = RNG.uniform(0, 1, 60)
    for loc in [0, 3]:
        k = peer.ppf(p, *shapes, loc)
        arguments = ", ".join(map(repr, (*shapes, loc)))
        for function in [f.replace("pdf", "pmf") for f in FUNCTIONS]:
            text = f"{name}_{function}(k, {arguments})"
            close(nf.evaluate(text, k=k), getattr(peer, function)(k, *shapes, loc), text)
            as_integers = nf.evaluate(text, k=k.astype("i4"))
            np.testing.assert_array_equal(as_integers, nf.evaluate(text, k=k))
        for function in ["ppf", "isf"]:
            text = f"{name}_{function}(p, {arguments})"
            np.testing.assert_array_equal(nf.evaluate(text, p=p), getattr(peer, function)(p, *shapes, loc), text)


# R's name, and its parameters as they are written, some by name.
R = {
    "unif": ["", "-2, 5", "max=3"],
    "norm": ["", "1.5, 2", "sd=3"],
    "exp": ["", "2.5"],
    "lnorm": ["", "0.5, 1.5", "sdlog=0.3"],
    "weibull": ["0.7", "3, 2", "3, scale=0.1"],
    "logis": ["", "1, 2"],
    "cauchy": ["", "1, 2"],
    "gamma": ["2.5", "0.3, 2", "2.5, scale=4", "2.5, rate=4"],
    "beta": ["0.5, 0.7", "2, 5"],
    "t": ["1.5", "30"],
    "chisq": ["1", "7.5"],
    "f": ["3, 8"],
    "pois": ["0.4", "12"],
    "binom": ["20, 0.7", "500, 0.02"],
    "nbinom": ["4.5, 0.6", "3, mu=2"],
    "geom": ["0.2"],
    "hyper": ["12, 38, 20"],
}
# As R's C functions take them: all of them, in their order.
C_PARAMETERS = {
    "unif": lambda min=0, max=1: (min, max),
    "norm": lambda mean=0, sd=1: (mean, sd),
    "exp": lambda rate=1: (1 / rate,),
    "lnorm": lambda meanlog=0, sdlog=1: (meanlog, sdlog),
    "weibull": lambda shape, scale=1: (shape, scale),
    "logis": lambda location=0, scale=1: (location, scale),
    "cauchy": lambda location=0, scale=1: (location, scale),
    "gamma": lambda shape, rate=1, scale=None: (shape, scale or 1 / rate),
    "nbinom": lambda size, prob=None, mu=None: (size, prob or size / (size + mu)),
}


def r_parameters(name, text):
    make = C_PARAMETERS.get(name, lambda *parameters: parameters)
    return eval(f"make({text})", {"make": make})


@pytest.mark.skipif(ctypes.util.find_library("Rmath") is None, reason="R's library is not installed")
@pytest.mark.parametrize(("name", "text"), [(n, t) for n, all_ in R.items() for t in all_])
def test_rs_functions_are_rs(name, text):
    rmath = nf.rmath()
    own = f", {text}" if text else ""
    peers = "".join(f", {p!r}" for p in r_parameters(name, text))
    p = RNG.uniform(0.001, 0.999, 50)

    def both(call, arguments):
        ours = nf.evaluate(call.format(own), **arguments)
        return ours, nf.compile(call.format(peers), functions=rmath)(**arguments)

    x, theirs = both(f"q{name}(p{{}})", {"p": p})
    np.testing.assert_allclose(x, theirs, rtol=1e-8, atol=1e-9)
    flags = [f"lower_tail={a}, log_p={b}" for a in (True, False) for b in (True, False)]
    for flag in flags:
        q = np.log(p) if "log_p=True" in flag else p
        np.testing.assert_allclose(*both(f"q{name}(q{{}}, {flag})", {"q": q}), rtol=1e-8, atol=1e-9, err_msg=flag)
        np.testing.assert_allclose(*both(f"p{name}(x{{}}, {flag})", {"x": x}), rtol=1e-9, err_msg=flag)
    for log in (True, False):
        np.testing.assert_allclose(*both(f"d{name}(x{{}}, log={log})", {"x": x}), rtol=1e-9)


def test_defaults_of_r_and_of_scipy():
    x = np.linspace(-2, 2, 7)
    np.testing.assert_array_equal(nf.evaluate("pnorm(x)", x=x), nf.evaluate("norm_cdf(x)", x=x))
    np.testing.assert_array_equal(
        nf.evaluate("dgamma(abs(x), 2, scale=4)", x=x), nf.evaluate("gamma_pdf(abs(x), 2, 0, 4)", x=x)
    )
    flags = np.array([True, False] * 3 + [True])
    chosen = nf.evaluate("pnorm(x, lower_tail=f)", x=x, f=flags)
    np.testing.assert_array_equal(chosen, np.where(flags, nf.evaluate("pnorm(x)", x=x), nf.evaluate("pnorm(-x)", x=x)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dgamma(x, 2, rate=1, scale=1)", "`rate` or `scale`, not both"),
        ("pt(x, 3, 1)", "non-central"),
        ("dnbinom(x, 3)", "lacks its argument"),
        ("gamma_pdf(x)", "lacks its argument `a`"),
        ("gamma_pdf(x, 1, 2, 3, 4)", "at most 4"),
        ("_gamma_pdf(x, 1)", "unknown function"),
    ],
)
def test_wrong_calls_are_explained(text, message):
    with pytest.raises(nf.NumfuseError if hasattr(nf, "NumfuseError") else Exception, match=message):
        nf.evaluate(text, x=np.ones(3))


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_parameters_out_of_the_domain_give_nan(name):
    shapes = (CONTINUOUS.get(name) or DISCRETE[name])[0]
    x = np.array([0.25, 1.0, 2.0])
    if name in CONTINUOUS:
        for function in [*FUNCTIONS, "ppf"]:
            for scale in [0.0, -1.0, math.nan]:
                text = f"{name}_{function}(x, {''.join(f'{s!r}, ' for s in shapes)}scale=s)"
                assert np.isnan(nf.evaluate(text, x=x, s=scale)).all(), text
    for place in range(len(shapes)):
        # `n` of the hypergeometric distribution may be zero, and no shape may be NaN.
        wrong = [*shapes]
        wrong[place] = math.nan
        call = ", ".join(f"a{k}" for k in range(len(shapes)))
        arguments = {f"a{k}": float(v) for k, v in enumerate(wrong)}
        for function in ["cdf", "ppf"]:
            assert np.isnan(nf.evaluate(f"{name}_{function}(x, {call})", x=x, **arguments)).all(), (name, place)


def test_float32_stays_float32_and_is_rounded_once():
    x = RNG.gamma(3.0, size=1000).astype("f4")
    for text in ["gamma_pdf(x, 3)", "norm_cdf(x)", "qnorm(pnorm(x))", "t_cdf(x, 4.0)"]:
        single = nf.evaluate(text, x=x)
        assert single.dtype == np.float32, text
        if "qnorm" not in text:
            np.testing.assert_array_equal(single, nf.evaluate(text, x=x.astype("f8")).astype("f4"))
    assert nf.evaluate("norm_cdf(x)", x=np.ones(3, "i1")).dtype == np.float64


def test_parameters_may_be_arrays_and_broadcast():
    x = RNG.gamma(3.0, size=(7, 1))
    a = RNG.uniform(0.5, 9, 5)
    close(nf.evaluate("gamma_logpdf(x, a)", x=x, a=a), scipy.stats.gamma.logpdf(x, a), "gamma_logpdf")
    got = nf.evaluate("sum_ + beta_cdf(exp(-x), a, 2*a)", sum_=1.0, x=x, a=a)
    close(got, 1 + scipy.stats.beta.cdf(np.exp(-x), a, 2 * a), "in a larger expression")
