"""Functions of real libraries: SciPy, its Cython functions, CFFI, Numba, libRmath."""

import ctypes
import gc
import itertools
import subprocess
import sys
import threading

import numfuse as nf
import numpy as np
import pytest

scipy = pytest.importorskip("scipy")
special = pytest.importorskip("scipy.special")
cython_special = pytest.importorskip("scipy.special.cython_special")


def points(arity, count=160):
    """Points near those where functions are used, and some that are no numbers.

    They are always the same: elsewhere some of SciPy's own functions need minutes, or crash.
    """
    rng = np.random.default_rng(2086047327)
    fixed = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 10.0, 1e-8, np.nan]

    def column():
        usual = np.where(rng.random(count) < 0.5, rng.uniform(0, 1, count), rng.uniform(-3, 12, count))
        return np.concatenate([rng.choice(fixed, 40), usual, rng.integers(0, 8, 20).astype(float)])

    return [column() for _ in range(arity)]


def ufuncs():
    """SciPy's ufuncs that have a loop of one to four doubles."""
    for name, ufunc in vars(special).items():
        if isinstance(ufunc, np.ufunc) and ufunc.signature is None and ufunc.nin <= 4:
            if "d" * ufunc.nin + "->" + "d" * ufunc.nout in ufunc.types:
                yield name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(ufuncs()))
def test_ufuncs_of_scipy(name):
    ufunc = getattr(special, name)
    registry = nf.Registry()
    outputs = tuple(f"out{k}" for k in range(ufunc.nout))
    registry.register(outputs if ufunc.nout > 1 else outputs[0], ufunc)
    columns = points(ufunc.nin)
    if name.startswith("obl_rad"):
        # At zero SciPy's own loops read memory that nothing has written.
        columns[-1][columns[-1] == 0] = 0.25
    values = {f"a{k}": column for k, column in enumerate(columns)}
    expected = ufunc(*values.values())
    for output, wanted in zip(outputs, expected if ufunc.nout > 1 else (expected,), strict=True):
        result = nf.evaluate(f"{output}({', '.join(values)})", values, functions=registry)
        assert result.dtype == wanted.dtype
        np.testing.assert_array_equal(result, wanted)


def test_there_are_many_ufuncs():
    assert len(list(ufuncs())) > 180


@pytest.mark.parametrize("size", [10, 200_000])
def test_errors_of_scipy_are_raised(size):
    registry = nf.Registry()
    registry.register("gamma_", special.gammaln)
    with special.errstate(all="raise"), pytest.raises(special.SpecialFunctionError):
        nf.evaluate("gamma_(x) + 1", x=np.full(size, -1.0), functions=registry)
    assert nf.evaluate("gamma_(x)", x=1.0, functions=registry) == 0


@pytest.fixture(scope="module")
def cython():
    registry = nf.Registry()
    return registry, registry.register_cython(cython_special)


def test_cython_special_is_registered_whole(cython):
    registry, report = cython
    assert set(report.names) == set(registry) and len(registry) > 150
    assert not set(report.skipped) & set(report.names)
    # What is left out has pointers or complex numbers.
    assert "voigt_profile" in registry and "spherical_jn" in registry
    assert "returns nothing" in report.skipped["ellipj"] and "hankel1" in report.skipped


def double_functions():
    """The functions of one to four doubles that cython_special exports, and the variant of doubles."""
    from numfuse._sources import cython_functions, cython_overloads

    for name, variants in cython_functions(cython_special).items():
        overloads, _ = cython_overloads(variants, cython_special)
        for overload in overloads:
            types = [param.dtype for param in overload.params()]
            if 1 <= len(types) <= 4 and set(types) == {"f8"} and overload.declaration.result.dtype == "f8":
                yield name, len(types)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, arity", list(double_functions()))
def test_cython_special(cython, name, arity):
    function = getattr(cython_special, name)
    # A fused function is called by its types.
    if hasattr(function, "__signatures__"):
        keys = function.__signatures__
        chosen = [k for k in keys if set(k.split("|")) == {"double"}]
        function = keys[chosen[0]] if chosen else function
    columns = points(arity, 60)
    if name in ("obl_cv", "pro_cv"):
        # SciPy's own functions crash where a parameter is no number.
        columns = [np.nan_to_num(column) for column in columns]
    arguments = ", ".join(f"a{k}" for k in range(arity))
    result = nf.evaluate(f"{name}({arguments})", {f"a{k}": c for k, c in enumerate(columns)}, functions=cython[0])
    expected = [function(*map(float, row)) for row in zip(*columns, strict=True)]
    np.testing.assert_array_equal(result, expected)


def test_there_are_many_cython_functions():
    assert len(list(double_functions())) > 150


def test_cython_functions_of_one_name(cython):
    registry = nf.Registry()
    registry.register("f", cython_special.__pyx_capi__["agm"])
    assert nf.evaluate("f(3, 4)", functions=registry) == cython_special.agm(3, 4)
    # The function of Python's finds the C functions behind it, all overloads.
    registry.register("g", cython_special.expit)
    assert nf.evaluate("g(x)", x=np.float32(1), functions=registry).dtype == np.float32
    assert nf.evaluate("g(x)", x=1.0, functions=registry) == special.expit(1.0)
    report = registry.register_cython(cython_special, ["gammaln", "ellipj"], prefix="c_")
    assert report.names == ("c_gammaln",) and list(report.skipped) == ["ellipj"]
    with pytest.raises(ValueError, match="exports no function 'nothing'"):
        registry.register_cython(cython_special, ["nothing"])
    with pytest.raises(ValueError, match="already registered"):
        registry.register_cython(cython_special, ["gammaln"], prefix="c_")
    with pytest.raises(TypeError, match="no Cython module"):
        registry.register_cython(itertools)


def test_low_level_callables():
    registry = nf.Registry()
    libm = ctypes.CDLL("libm.so.6")
    libm.hypot.restype, libm.hypot.argtypes = ctypes.c_double, [ctypes.c_double] * 2
    plain = scipy.LowLevelCallable(libm.hypot)
    registry.register("f", plain)
    assert nf.evaluate("f(3, x)", x=4.0, functions=registry) == 5

    @ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_void_p)
    def scaled(x, data):
        return x * ctypes.cast(data, ctypes.POINTER(ctypes.c_double))[0]

    factor = ctypes.c_double(2.5)
    with_data = scipy.LowLevelCallable(scaled, ctypes.cast(ctypes.pointer(factor), ctypes.c_void_p))
    registry.register("g", with_data, parameters="x")
    del with_data, scaled
    gc.collect()
    x = np.arange(5.0)
    np.testing.assert_array_equal(nf.evaluate("g(x)", x=x, functions=registry), x * 2.5)
    factor.value = 3
    np.testing.assert_array_equal(nf.evaluate("g(x=x) + 1", x=x, functions=registry), x * 3 + 1)


# ---- CFFI ----

SOURCE = """
#include <stdint.h>
#include <stddef.h>
static double scaled(double x, int n) { return x * n; }
static float single(float x) { return x + 1; }
static int64_t wide(uint8_t a, int16_t b) { return a * (int64_t)b; }
static unsigned long count = 0;
static double counted(double x) { count++; return x + count; }
static void blocks(size_t n, const double *x, const double *y, double *out) {
    for (size_t i = 0; i < n; i++) out[i] = x[i] - y[i];
}
static double many(double a, double b, double c, double d, double e, double f, double g, double h) {
    return a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h;
}
static double varied(double x, ...) { return x; }
typedef struct { double x; } point;
static double of_point(point *p) { return p->x; }
"""
DECLARATIONS = """
double scaled(double, int); float single(float); int64_t wide(uint8_t, int16_t); double counted(double);
void blocks(size_t n, const double *x, const double *y, double *out);
double many(double, double, double, double, double, double, double, double);
double varied(double, ...); typedef struct { double x; } point; double of_point(point *); extern unsigned long count;
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    cffi = pytest.importorskip("cffi")
    folder = tmp_path_factory.mktemp("cffi")
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source("numfuse_test_cffi", SOURCE)
    ffi.compile(tmpdir=str(folder))
    sys.path.insert(0, str(folder))
    try:
        import numfuse_test_cffi
    finally:
        sys.path.remove(str(folder))
    return numfuse_test_cffi


def test_compiled_cffi_modules(compiled):
    registry = nf.Registry()
    lib = compiled.lib
    for name in ("scaled", "single", "wide", "blocks", "many"):
        registry.register(name, getattr(lib, name))
    x = np.linspace(-1, 1, 700)
    np.testing.assert_array_equal(nf.evaluate("scaled(x, 3) + 1", x=x, functions=registry), x * 3 + 1)
    result = nf.evaluate("single(x)", x=x.astype("f4"), functions=registry)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, x.astype("f4") + np.float32(1))
    wide = nf.evaluate("wide(a, b)", a=np.uint8(200), b=np.int16([-300, 300]), functions=registry)
    assert wide.dtype == np.int64 and wide.tolist() == [-60000, 60000]
    np.testing.assert_array_equal(nf.evaluate("blocks(x, 1)", x=x, functions=registry), x - 1)
    arguments = ", ".join(f"x + {k}" for k in range(8))
    np.testing.assert_allclose(
        nf.evaluate(f"many({arguments})", x=x, functions=registry), sum((k + 1) * (x + k) for k in range(8)), rtol=1e-14
    )
    with pytest.raises(ValueError, match="variable arguments"):
        registry.register("f", lib.varied)
    with pytest.raises(ValueError, match="point"):
        registry.register("f", lib.of_point)
    with pytest.raises((TypeError, ValueError)):
        registry.register("f", compiled.ffi.new("double *"))
    pointer = compiled.ffi.addressof(lib, "scaled")
    registry.register("again", pointer)
    assert nf.evaluate("again(1.5, 2)", functions=registry) == 3


def test_impure_c_functions(compiled):
    registry = nf.Registry()
    registry.register("counted", compiled.lib.counted, pure=False)
    before = compiled.lib.count
    x = np.zeros((30, 40)).T[::-1]
    result = nf.evaluate("counted(x)", x=x, functions=registry)
    assert compiled.lib.count - before == x.size
    np.testing.assert_array_equal(result.ravel(), before + 1 + np.arange(x.size))


def test_libraries_that_cffi_closes(tmp_path):
    cffi = pytest.importorskip("cffi")
    source, library = tmp_path / "own.c", tmp_path / "libown.so"
    source.write_text("double own(double x) { return 3*x; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    ffi = cffi.FFI()
    ffi.cdef("double own(double);")
    lib = ffi.dlopen(str(library))
    registry = nf.Registry()
    registry.register("own", lib.own)
    kernel = nf.compile("own(x)", functions=registry)
    del lib
    gc.collect()
    assert kernel(2.0) == 6
    # The same by its address, closed by hand.
    lib = ffi.dlopen(str(library))
    registry.register("own", int(ffi.cast("uintptr_t", lib.own)), "d->d", replace=True)
    ffi.dlclose(lib)
    library.unlink()
    assert nf.evaluate("own(x)", x=np.arange(3.0), functions=registry).tolist() == [0, 3, 6]


# ---- Numba ----


def test_numba_functions():
    numba = pytest.importorskip("numba")
    registry = nf.Registry()

    @registry.register("f")
    @numba.cfunc("float64(float64, int32)")
    def f(x, n):
        return x**n

    x = np.linspace(0, 2, 100)
    np.testing.assert_allclose(nf.evaluate("f(x, n=2) + 1", x=x, functions=registry), x * x + 1, rtol=1e-15)

    @numba.vectorize(["float64(float64, float64)", "int64(int64, int64)"])
    def compiled(a, b):
        return a * b + 1

    registry.register("g", compiled)
    np.testing.assert_array_equal(nf.evaluate("g(x, 2)", x=x, functions=registry), x * 2 + 1)
    integers = np.arange(5)
    result = nf.evaluate("g(x, x)", x=integers, functions=registry)
    np.testing.assert_array_equal(result, compiled(integers, integers))

    @numba.vectorize
    def lazy(a):
        return a

    with pytest.raises(ValueError, match="no compiled signatures"):
        registry.register("h", lazy)

    @numba.njit
    def jitted(a):
        return a

    with pytest.raises(TypeError, match="cfunc"):
        registry.register("h", jitted)

    pointer = numba.types.CPointer(numba.types.float64)

    @numba.cfunc(numba.types.void(numba.types.uint64, pointer, pointer))
    def block(n, x, out):
        for i in range(n):
            out[i] = 2 * x[i]

    registry.register("twice", block)
    np.testing.assert_array_equal(nf.evaluate("twice(x) - x", x=x, functions=registry), x)


# ---- libRmath ----


@pytest.fixture(scope="module")
def r():
    try:
        return nf.rmath()
    except OSError as error:
        pytest.skip(str(error))


def test_rmath(r):
    assert len(r) > 90
    stats = pytest.importorskip("scipy.stats")
    x = np.linspace(0.05, 4, 40)

    def value(text, **names):
        return nf.evaluate(text, names, functions=r)

    close = {"rtol": 1e-10, "atol": 1e-300}
    np.testing.assert_allclose(value("dnorm(x, 1, 2)", x=x), stats.norm.pdf(x, 1, 2), **close)
    np.testing.assert_allclose(value("dnorm(x, mu=1, sigma=2, log=True)", x=x), stats.norm.logpdf(x, 1, 2), **close)
    np.testing.assert_allclose(value("pnorm(x, 0, 1)", x=x), stats.norm.cdf(x), **close)
    np.testing.assert_allclose(value("pnorm(x, 0, 1, lower_tail=False, log_p=True)", x=x), stats.norm.logsf(x), **close)
    np.testing.assert_allclose(value("qgamma(p, 2, scale=3)", p=x / 5), stats.gamma.ppf(x / 5, 2, scale=3), **close)
    np.testing.assert_allclose(value("dexp(x, 3)", x=x), stats.expon.pdf(x, scale=3), **close)
    np.testing.assert_allclose(value("pweibull(x, 2, 3)", x=x), stats.weibull_min.cdf(x, 2, scale=3), **close)
    k = np.arange(9.0)
    np.testing.assert_allclose(value("dpois(k, lambda=3.5)", k=k), stats.poisson.pmf(k, 3.5), **close)
    np.testing.assert_allclose(value("phyper(k, 10, 7, 8)", k=k), stats.hypergeom.cdf(k, 17, 10, 8), **close)
    np.testing.assert_allclose(value("pbinom(q, n=12, prob=0.3)", q=3.0), stats.binom.cdf(3, 12, 0.3), **close)
    np.testing.assert_allclose(value("lgammafn(x) + choose(5, 2)", x=x), special.gammaln(x) + 10, rtol=1e-12)
    assert value("R_pow_di(x, 3)", x=2.0) == 8
    assert value("dnorm(x, 0, 1)", x=np.int32(0)) == value("dnorm(0.0, 0, 1)")


def test_rmath_is_not_called_twice_at_a_time_where_it_must_not(r):
    text = "pwilcox(x, 20, 15)"
    x = np.arange(300.0)
    wanted = nf.evaluate(text, x=x, functions=r)
    results = [None] * 4

    def work(place):
        results[place] = nf.evaluate(text, x=x, functions=r)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, wanted)


def test_a_library_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(OSError):
        nf.rmath(tmp_path / "libRmath.so")
    with pytest.raises(OSError, match="none of libRmath"):
        nf.rmath("libm.so.6")
    from numfuse import _rmath

    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr(_rmath.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    with pytest.raises(OSError, match="r-mathlib"):
        nf.rmath()
