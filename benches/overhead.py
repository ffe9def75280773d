"""The speeds that numfuse must reach, as ratios to what people use otherwise.

Every row states its workload and what bounds it (compute, memory or the call itself). All run on
one thread, in one process, in turns; the figures are medians. What is timed is checked first.
"""

import importlib.util
import itertools
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import cffi
import numba
import numexpr
import numfuse as nf
import numpy as np
from harness import Row, table, versus

SOURCE = (pathlib.Path(__file__).parent / "loops.c").read_text()
AXPY = "y += a1*x1 + a2*x2 + a3*x3"


def compiled_c():
    """The C functions as a module in CFFI's API mode, by gcc -O3 -march=native."""
    builder = cffi.FFI()
    builder.cdef(
        "double scalar(double a, double b, double x);"
        "void axpy3(double *y, double a1, const double *x1, double a2, const double *x2,"
        " double a3, const double *x3, long n);"
    )
    builder.set_source("numfuse_bench_loops", SOURCE, extra_compile_args=["-O3", "-march=native"])
    path = builder.compile(tmpdir=tempfile.mkdtemp())
    spec = importlib.util.spec_from_file_location("numfuse_bench_loops", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ffi, module.lib


FFI, LIB = compiled_c()


def scalar_call():
    kernel = nf.compile("a*x + b", args=("a", "b", "x"))
    function = LIB.scalar
    a, b, x = 1.5, 2.5, 3.5
    assert kernel(a, b, x) == function(a, b, x)
    times = versus("kernel(a, b, x)", "function(a, b, x)", locals())
    return Row("k(a, b, x) on three floats / CFFI call of the C function", "call", *times, 0.7)


def small_add(fresh):
    kernel, add = nf.compile("x + y"), np.add
    x, y, out = np.arange(16.0), np.ones(16), np.empty(16)
    assert (kernel(x, y) == x + y).all() and kernel(x, y, out=out) is out
    if fresh:
        times = versus("kernel(x, y)", "add(x, y)", locals())
        return Row("x + y, 16 float64, fresh result / np.add(x, y)", "call", *times, 0.5)
    times = versus("kernel(x, y, out=out)", "add(x, y, out)", locals())
    return Row("x + y, 16 float64, out= / np.add(x, y, out)", "call", *times, 0.4)


@numba.njit
def numba_axpy(y, a1, x1, a2, x2, a3, x3):
    for i in range(y.size):
        y[i] += a1 * x1[i] + a2 * x2[i] + a3 * x3[i]


def operands(count):
    rng = np.random.default_rng(7)
    y, x1, x2, x3 = rng.standard_normal((4, count)).copy()
    # Small enough that the many rounds stay finite.
    return y, 1e-9, x1, 2e-9, x2, 3e-9, x3


def against_numba():
    kernel = nf.compile(AXPY)
    args = operands(128)
    one, other = args[0].copy(), args[0].copy()
    kernel(one, *args[1:])
    numba_axpy(other, *args[1:])
    np.testing.assert_allclose(one, other, rtol=1e-14)
    names = dict(zip(("a1", "x1", "a2", "x2", "a3", "x3"), args[1:], strict=True))
    names |= {"kernel": kernel, "loop": numba_axpy, "one": one, "other": other}
    given = "a1, x1, a2, x2, a3, x3"
    times = versus(f"kernel(one, {given})", f"loop(other, {given})", names)
    return Row(f"{AXPY}, 128 elements / Numba @njit loop", "call", *times, 0.5)


def against_gcc():
    kernel = nf.compile(AXPY)
    args = operands(16_000_000)
    one, other = args[0].copy(), args[0].copy()
    _, a1, x1, a2, x2, a3, x3 = args
    from_buffer, axpy3 = FFI.from_buffer, LIB.axpy3

    def gcc():
        axpy3(
            from_buffer("double[]", other), a1, from_buffer("double[]", x1), a2,
            from_buffer("double[]", x2), a3, from_buffer("double[]", x3), len(other),
        )  # fmt: skip

    kernel(one, *args[1:])
    gcc()
    np.testing.assert_allclose(one, other, rtol=1e-14)
    times = versus("kernel(one, a1, x1, a2, x2, a3, x3)", "gcc()", locals(), rounds=31)
    return Row(f"{AXPY}, 16 million / gcc -O3 -march=native", "memory", *times, 1.1, "ms")


def new_texts(count):
    """Texts of one size, each of another structure: operators, parentheses, order, constants."""
    rng = random.Random(11)
    structures = list(itertools.product("+-", "+-", "*/", "*/", "*/", range(3), range(6)))
    rng.shuffle(structures)
    orders = list(itertools.permutations(["x1", "x2", "x3"]))
    for index in range(count):
        p, q, m, n, o, shape, order = structures[index % len(structures)]
        u, v, w = orders[order]
        # Past the first round of structures a new factor changes the structure again.
        extra = "".join(f" + {name}" for name in (u, v, w)[: index // len(structures) % 4])
        c = [f"{rng.uniform(1, 9):.6f}" for _ in range(3)]
        terms = (f"{c[0]}{m}{u}", f"{c[1]}{n}{v}", f"{c[2]}{o}{w}")
        yield (
            f"y + ({terms[0]} {p} {terms[1]} {q} {terms[2]}){extra}",
            f"y + {terms[0]} {p} ({terms[1]} {q} {terms[2]}){extra}",
            f"({terms[0]} {p} {terms[1]}) {q} {terms[2]} + y{extra}",
        )[shape]


def first_result():
    rng = np.random.default_rng(3)
    names = {name: rng.uniform(1, 2, 16) for name in ("y", "x1", "x2", "x3")}
    ours, theirs = [], []
    count = 420
    for index, text in enumerate(new_texts(count)):
        order = (0, 1) if index % 2 else (1, 0)
        results = {}
        for who in order:
            start = time.perf_counter()
            if who:
                result = numexpr.evaluate(text, local_dict=names)
            else:
                result = nf.evaluate(text, names)
            elapsed = time.perf_counter() - start
            results[who] = result
            if index >= 20:
                (theirs if who else ours).append(elapsed)
        want = eval(text, {}, names)
        assert (results[0] == want).all(), text
        np.testing.assert_allclose(results[1], want, rtol=1e-13)
    times = statistics.median(ours), statistics.median(theirs)
    return Row("new text to first result, 16 elements / numexpr", "compute", *times, 1.5, "us")


IMPORT = """
import resource, time, numpy
def resident():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * 4096
before = resident()
start = time.perf_counter()
import numfuse
print((time.perf_counter() - start), (resident() - before) / 1e6)
"""


def import_cost():
    samples = []
    for _ in range(11):
        done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
        samples.append([float(number) for number in done.stdout.split()])
    seconds, megabytes = (statistics.median(column) for column in zip(*samples, strict=True))
    return [
        Row("import numfuse beyond numpy, time / 15 ms", "compute", seconds, 0.015, 1, "ms"),
        Row("import numfuse beyond numpy, memory / 10 MB", "memory", megabytes, 10, 1, "MB"),
    ]


def main():
    nf.set_num_threads(1)
    numexpr.set_num_threads(1)
    rows = [scalar_call(), small_add(fresh=False), small_add(fresh=True), against_numba()]
    rows += [against_gcc(), first_result(), *import_cost()]
    print(table(rows))


if __name__ == "__main__":
    main()
