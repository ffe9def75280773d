"""Reductions, complex numbers and strings: ratios to the best of several peers, and what a second thread gains.

Everything runs in one process, in turns, on one thread but for the last rows; figures are medians. What is timed
is checked first. JAX is among the peers where it is installed.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import cffi
import numba
import numexpr as ne
import numfuse as nf
import numpy as np
from harness import Row, table, versus

RNG = np.random.default_rng(5)
FFI = cffi.FFI()
FFI.cdef("double squares(size_t, void *, void *); void multiply_add(size_t, void *, void *, void *, void *);")


def compiled():
    """The functions of reductions.c."""
    library = Path(tempfile.mkdtemp()) / "reductions.so"
    source = Path(__file__).with_suffix(".c")
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", library, source], check=True)
    return FFI.dlopen(str(library))


def jax_functions():
    """JAX's forms, or none."""
    os.environ |= {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    try:
        import jax
    except ImportError:
        return {}
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jnp = jax.numpy
    return {
        "array": jnp.asarray,
        "squares": jax.jit(lambda x, y: jnp.sum((x - y) ** 2)),
        "multiply_add": jax.jit(lambda a, b, c: a * b + c),
        "axis": jax.jit(lambda x, axis: jnp.sum(x, axis=axis), static_argnums=1),
    }


@numba.njit(fastmath=True)
def squares_by_numba(x, y):
    total = 0.0
    for i in range(x.size):
        total += (x[i] - y[i]) ** 2
    return total


@numba.njit(fastmath=True)
def multiply_add_by_numba(a, b, c, out):
    for i in range(a.size):
        out[i] = a[i] * b[i] + c[i]


def best(workload, bound_by, ours, peers, names, limit, *, size=0, unit="us"):
    """The row of a statement against the quickest of others."""
    rounds = 9 if size > 1 << 20 else 41
    times = {peer: versus(ours, statement, names, rounds=rounds) for peer, statement in peers.items()}
    peer = min(times, key=lambda peer: times[peer][1])
    return Row(f"{workload} / {peer}", bound_by, *times[peer], limit, unit)


def squares(size, c, jax):
    x, y = RNG.random(size), RNG.random(size)
    kernel, function = nf.compile("sum((x - y)**2)"), c.squares
    px, py = FFI.from_buffer(x), FFI.from_buffer(y)
    np.testing.assert_allclose(kernel(x, y), ((x - y) ** 2).sum(), rtol=1e-12)
    peers = {
        "NumPy": "np.sum((x - y)**2)",
        "numexpr": "ne.evaluate('sum((x - y)**2)')",
        "Numba": "squares_by_numba(x, y)",
        "gcc": "function(size, px, py)",
    }
    if jax:
        jitted, jx, jy = jax["squares"], jax["array"](x), jax["array"](y)
        peers["JAX"] = "jitted(jx, jy).block_until_ready()"
    bound_by = "compute" if size < 1 << 16 else "memory"
    return best(f"sum((x-y)**2) {size:,}", bound_by, "kernel(x, y)", peers, globals() | locals(), 1.0, size=size)


def axis(number, jax):
    x = RNG.random((2000, 2000))
    kernel = nf.compile(f"sum(x, axis={number})")
    np.testing.assert_allclose(kernel(x), x.sum(axis=number), rtol=1e-12)
    peers = {"NumPy": "x.sum(axis=number)"}
    if jax:
        jitted, jx = jax["axis"], jax["array"](x)
        peers["JAX"] = "jitted(jx, number).block_until_ready()"
    workload = f"sum(x, axis={number}) 2000x2000"
    return best(workload, "memory", "kernel(x)", peers, globals() | locals(), 1.0)


def multiply_add(size, c, jax):
    a, b, d = (RNG.normal(size=size) + 1j * RNG.normal(size=size) for _ in range(3))
    kernel, function = nf.compile("a*b + d"), c.multiply_add
    out, part = np.empty_like(a), np.empty_like(a)
    addresses = [FFI.from_buffer(array) for array in (a, b, d, out)]
    np.testing.assert_allclose(kernel(a, b, d), a * b + d, rtol=1e-12)
    peers = {
        "NumPy": "np.add(np.multiply(a, b, out=part), d, out=out)",
        "numexpr": "ne.evaluate('a*b + d', out=out)",
        "Numba": "multiply_add_by_numba(a, b, d, out)",
        "gcc": "function(size, *addresses)",
    }
    if jax:
        jitted, (ja, jb, jd) = jax["multiply_add"], map(jax["array"], (a, b, d))
        peers["JAX"] = "jitted(ja, jb, jd).block_until_ready()"
    workload = f"complex128 a*b + c {size:,}"
    return best(workload, "memory", "kernel(a, b, d, out=out)", peers, globals() | locals(), 1.0)


def moments(size):
    x = RNG.random(size)
    kernel = nf.compile("m = mean(x); v = var(x)")
    np.testing.assert_allclose(kernel(x), (x.mean(), x.var()), rtol=1e-12)
    peers = {"NumPy": "(np.mean(x), np.var(x))"}
    return best(f"mean(x), var(x) {size:,}", "memory", "kernel(x)", peers, globals() | locals(), 0.5, size=size)


def equal_strings():
    x = np.array([b"%07d" % (k % 1000) for k in range(1 << 20)], "S8")
    y = x.copy()
    y[::3] = b"x"
    kernel, out = nf.compile("x == y"), np.empty(x.shape, bool)
    np.testing.assert_array_equal(kernel(x, y), x == y)
    peers = {"NumPy": "np.equal(x, y, out=out)"}
    return best("S8 x == y 1,048,576", "compute", "kernel(x, y, out=out)", peers, globals() | locals(), 0.5)


def second_thread(text):
    """The times with two threads and with one; at most 1/1.7."""
    x, y = RNG.random(1 << 20), RNG.random(1 << 20)
    kernel = nf.compile(text)
    two, one = "set_threads(2); kernel(x, y)", "set_threads(1); kernel(x, y)"
    times = versus(two, one, globals() | locals() | {"set_threads": nf.set_num_threads})
    nf.set_num_threads(1)
    return Row(f"{text} 1,048,576, two threads / one", "threads", *times, 0.588, "us")


def main():
    # JAX takes all processors that it finds, whatever it is told.
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    nf.set_num_threads(1)
    ne.set_num_threads(1)
    c, jax = compiled(), jax_functions()
    rows = [squares(size, c, jax) for size in (4096, 65_536, 1 << 24)]
    rows += [axis(number, jax) for number in (0, 1)]
    rows += [multiply_add(size, c, jax) for size in (4096, 1 << 20)]
    rows += [moments(size) for size in (4096, 65_536, 1 << 24)]
    rows.append(equal_strings())
    os.sched_setaffinity(0, processors)
    rows += [second_thread(text) for text in ("sum((x-y)**2)", "sum(x*y)", "var(x*y)", "max(x-y)", "sum(exp(x)*y)")]
    print(table(rows))


if __name__ == "__main__":
    main()
