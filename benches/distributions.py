"""Distributions over 10,000 elements: ratios to scipy.stats and to R's library called from Numba.

Everything runs on one thread, in one process, in turns; figures are medians. scipy.stats is timed in the
plain and the frozen form, of which the faster counts. What is timed is checked first.
"""

import ctypes.util
import sys

import cffi
import numba
import numfuse as nf
import numpy as np
import scipy.stats as st
from harness import Row, table, versus

N = 10_000
RNG = np.random.default_rng(7)

# numfuse's call, SciPy's, and the greatest ratio.
SCIPY = [
    ("norm_pdf(x)", "norm", "pdf", (), 0.1),
    ("norm_cdf(x)", "norm", "cdf", (), 0.1),
    ("norm_ppf(x)", "norm", "ppf", (), 0.1),
    ("uniform_pdf(x)", "uniform", "pdf", (), 0.1),
    ("uniform_cdf(x)", "uniform", "cdf", (), 0.1),
    ("uniform_ppf(x)", "uniform", "ppf", (), 0.1),
    ("expon_pdf(x)", "expon", "pdf", (), 0.1),
    ("expon_cdf(x)", "expon", "cdf", (), 0.1),
    ("expon_ppf(x)", "expon", "ppf", (), 0.1),
    ("logistic_pdf(x)", "logistic", "pdf", (), 0.1),
    ("logistic_cdf(x)", "logistic", "cdf", (), 0.1),
    ("logistic_ppf(x)", "logistic", "ppf", (), 0.1),
    ("gamma_pdf(x, 2.5)", "gamma", "pdf", (2.5,), 0.2),
    ("gamma_cdf(x, 2.5)", "gamma", "cdf", (2.5,), 0.7),
    ("gamma_ppf(x, 2.5)", "gamma", "ppf", (2.5,), 0.7),
    ("beta_pdf(x, 2.5, 4.0)", "beta", "pdf", (2.5, 4.0), 0.2),
    ("beta_cdf(x, 2.5, 4.0)", "beta", "cdf", (2.5, 4.0), 0.7),
    ("beta_ppf(x, 2.5, 4.0)", "beta", "ppf", (2.5, 4.0), 0.7),
]

# numfuse's call, the C function's, and the greatest ratio.
RMATH = [
    ("dnorm(x)", "dnorm4", (0.0, 1.0, 0), 0.25),
    ("pnorm(x)", "pnorm5", (0.0, 1.0, 1, 0), 0.25),
    ("qnorm(x)", "qnorm5", (0.0, 1.0, 1, 0), 0.25),
    ("dunif(x)", "dunif", (0.0, 1.0, 0), 0.9),
    ("punif(x)", "punif", (0.0, 1.0, 1, 0), 0.9),
    ("qunif(x)", "qunif", (0.0, 1.0, 1, 0), 0.9),
    ("dgamma(x, 2.5)", "dgamma", (2.5, 1.0, 0), 0.2),
    ("pgamma(x, 2.5)", "pgamma", (2.5, 1.0, 1, 0), 0.6),
]


def points(peer, function, shapes):
    """Arguments all over the distribution."""
    p = RNG.uniform(0.001, 0.999, N)
    return p if function in ("ppf", "q") else peer.ppf(p, *shapes)


def against_scipy(call, name, function, shapes, limit):
    kernel = nf.compile(call)
    peer = getattr(st, name)
    plain, frozen = getattr(peer, function), getattr(peer(*shapes), function)
    x, out = points(peer, function, shapes), np.empty(N)
    np.testing.assert_allclose(kernel(x), plain(x, *shapes), rtol=1e-9)
    arguments = ", ".join(["x", *map(repr, shapes)])
    best = min(
        (versus("kernel(x, out=out)", f"plain({arguments})", locals()), versus("kernel(x, out=out)", "frozen(x)", locals())),
        key=lambda times: times[1],
    )
    return Row(f"{call} / scipy.stats.{name}.{function}", "compute", best[0] / N, best[1] / N, limit)


# What Numba calls must stay loaded.
LIBRARIES = []


def rmath_loop(name, parameters):
    """A loop of Numba's that calls the C function of R's library by CFFI."""
    ffi = cffi.FFI()
    types = ", ".join(["double"] + ["int" if isinstance(p, int) else "double" for p in parameters])
    ffi.cdef(f"double {name}({types});")
    LIBRARIES.append(ffi.dlopen(ctypes.util.find_library("Rmath")))
    function = getattr(LIBRARIES[-1], name)
    namespace = {"f": function, "numba": numba}
    arguments = ", ".join(map(repr, parameters))
    exec(f"@numba.njit\ndef loop(x, out):\n for i in range(x.size):\n  out[i] = f(x[i], {arguments})\n", namespace)
    return namespace["loop"]


def against_rmath(call, name, parameters, limit):
    kernel, loop = nf.compile(call), rmath_loop(name, parameters)
    peer = {"norm": st.norm, "unif": st.uniform, "gamma": st.gamma}[name.rstrip("45")[1:]]
    shapes = (2.5,) if "gamma" in name else ()
    x, out = points(peer, name[0], shapes), np.empty(N)
    loop(x, out)
    np.testing.assert_allclose(kernel(x), out, rtol=1e-9)
    times = versus("kernel(x, out=out)", "loop(x, out)", locals())
    return Row(f"{call} / R's {name} from Numba", "compute", times[0] / N, times[1] / N, limit)


def scalar_beta():
    """One scalar call against a C function of CFFI's that does the same with three lgamma."""
    import importlib.util
    import tempfile

    builder = cffi.FFI()
    builder.cdef("double beta_logpdf(double x, double a, double b);")
    builder.set_source(
        "numfuse_bench_beta",
        "#include <math.h>\n"
        "static double beta_logpdf(double x, double a, double b) {"
        " return (a - 1) * log(x) + (b - 1) * log1p(-x) - (lgamma(a) + lgamma(b) - lgamma(a + b)); }",
        extra_compile_args=["-O3", "-march=native"],
        libraries=["m"],
    )
    path = builder.compile(tmpdir=tempfile.mkdtemp())
    spec = importlib.util.spec_from_file_location("numfuse_bench_beta", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = module.lib.beta_logpdf
    kernel = nf.compile("beta_logpdf(x, a, b)")
    x, a, b = 0.3, 2.5, 4.0
    np.testing.assert_allclose(kernel(x, a, b), function(x, a, b), rtol=1e-13)
    times = versus("kernel(x, a, b)", "function(x, a, b)", locals())
    return Row("beta_logpdf of three floats / a C function with three lgamma, by CFFI", "compute", *times, 1.0)


def main():
    nf.set_num_threads(1)
    rows = [against_scipy(*measure) for measure in SCIPY]
    if ctypes.util.find_library("Rmath"):
        rows += [against_rmath(*measure) for measure in RMATH]
    else:
        print("R's library is not installed (Debian's r-mathlib): its rows are left out", file=sys.stderr)
    rows.append(scalar_beta())
    print(table(rows))


if __name__ == "__main__":
    main()
