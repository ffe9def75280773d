"""What registered functions cost, as ratios to calling them otherwise, in one run.

    python benches/natives.py

One thread, medians of turns; what is timed is checked first. The exit status is 1 if a bound is missed.
"""

import ctypes
import pathlib
import subprocess
import sys
import tempfile

import numfuse as nf
import numpy as np
from harness import Row, table, versus
from scipy import special

ELEMENTS = 100_000

FUNCTIONS = """
#include <math.h>
double square_plus(double x) { return x * x + 1; }
double distance(double x, double y) { return sqrt(x * x + y * y); }
double rational(double x) {
    double p = 1, q = 2;
    for (int i = 0; i < 12; i++) { p = p * x + 0.5; q = q * x + 0.25; }
    return p / (q + 3);
}
"""
# In a library of their own, so that nothing is inlined.
LOOPS = """
#include <stddef.h>
void loop1(double (*f)(double), size_t n, double *out, const double *x) {
    for (size_t i = 0; i < n; i++) out[i] = f(x[i]);
}
void loop2(double (*f)(double, double), size_t n, double *out, const double *x, const double *y) {
    for (size_t i = 0; i < n; i++) out[i] = f(x[i], y[i]);
}
"""


def library(name, text):
    folder = pathlib.Path(tempfile.mkdtemp())
    source, target = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(text)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", target, source, "-lm"], check=True)
    return ctypes.CDLL(str(target))


def arguments(arity):
    return [np.linspace(0.1, 3, ELEMENTS) + place for place in range(arity)]


def registered(function, arity, signature=None):
    """A kernel that is a call of a function, and nothing else."""
    registry = nf.Registry()
    registry.register("f", function, signature)
    return nf.compile(f"f({', '.join('xy'[:arity])})", functions=registry)


def c_functions():
    functions, loops = library("functions", FUNCTIONS), library("loops", LOOPS)
    for name, arity in (("square_plus", 1), ("distance", 2), ("rational", 1)):
        address = ctypes.cast(functions[name], ctypes.c_void_p)
        kernel = registered(address.value, arity, "d" * arity + "->d")
        args, loop, out, expected = arguments(arity), loops[f"loop{arity}"], np.empty(ELEMENTS), np.empty(ELEMENTS)
        pointers = [address, ctypes.c_size_t(ELEMENTS)]
        pointers += [ctypes.c_void_p(array.ctypes.data) for array in (expected, *args)]
        kernel(*args, out=out)
        loop(*pointers)
        np.testing.assert_array_equal(out, expected)
        times = versus("kernel(*args, out=out)", "loop(*pointers)", locals())
        yield Row(f"C function {name} / C loop that calls it", "compute", *times, 1.15, "us")


def ufuncs():
    for ufunc in (np.hypot, np.logaddexp, np.add, np.sqrt, special.erf, special.gammaln, special.xlogy):
        kernel = registered(ufunc, ufunc.nin)
        args, out = arguments(ufunc.nin), np.empty(ELEMENTS)
        np.testing.assert_array_equal(kernel(*args, out=out), ufunc(*args))
        times = versus("kernel(*args, out=out)", "ufunc(*args, out=out)", locals())
        yield Row(f"ufunc {ufunc.__name__} / the ufunc itself", "compute", *times, 1.1, "us")


def main():
    nf.set_num_threads(1)
    rows = [*c_functions(), *ufuncs()]
    print(table(rows))
    return int(any(row.ratio > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
