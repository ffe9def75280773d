"""Registered functions: every source, their signatures, effects, errors, and what keeps them alive."""

import ctypes
import gc
import pickle
import sys
import threading
import weakref

import numfuse as nf
import numpy as np
import pytest

libm = ctypes.CDLL("libm.so.6")


def address(function):
    return ctypes.cast(function, ctypes.c_void_p).value


def double_function(function, arity=1):
    """A ctypes function that calls a Python one."""
    return ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * arity)(function)


@pytest.fixture
def registry():
    return nf.Registry()


@pytest.fixture
def evaluate(registry):
    def evaluate(text, **names):
        return nf.evaluate(text, names, functions=registry)

    return evaluate


X = np.linspace(0.1, 3, 50)

# ---- Sources ----


@pytest.mark.parametrize("signature", ["d->d", "f8(f8)", "float64(float64)", "double (double)", "double cos(double x)"])
def test_an_address(registry, evaluate, signature):
    assert registry.register("f", address(libm.cos), signature) == address(libm.cos)
    np.testing.assert_array_equal(evaluate("f(x)", x=X), [libm_cos(x) for x in X])
    np.testing.assert_array_equal(evaluate("2*f(x + y) + 1", x=X, y=1), [2 * libm_cos(x + 1) + 1 for x in X])
    assert evaluate("f(x)", x=2) == libm_cos(2.0)


libm_cos = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(("cos", libm))


@pytest.mark.parametrize(
    "signature, arguments",
    [
        ("double (double, int)", (1.5, 3)),
        ("di->d", (1.5, 3)),
        ("f8(f8, i4)", (1.5, 3)),
        ("double ldexp(double x, int exp);", (1.5, 3)),
        ("double (*)(double, int)", (1.5, 3)),
        ("double (const double x, signed int)", (1.5, 3)),
    ],
)
def test_arguments_of_several_types(registry, evaluate, signature, arguments):
    registry.register("f", address(libm.ldexp), signature)
    x, n = arguments
    assert evaluate("f(x, n)", x=x, n=n) == 12
    np.testing.assert_array_equal(evaluate("f(x, n)", x=X, n=np.int16([[2], [-1]])), X * [[4], [0.5]])
    with pytest.raises(nf.ExprTypeError):
        evaluate("f(x, n)", x=X, n=np.int64([1]))  # no safe cast to int


INTEGERS = {
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned",
    "uint64": "size_t",
    "float32": "float",
    "float64": "double",
    "bool": "_Bool",
}


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_dtype(registry, evaluate, dtype, rng):
    code = np.dtype(dtype).char
    ctype = np.ctypeslib.as_ctypes_type(dtype)
    values = rng.integers(0, 2 if dtype == "bool" else 100, 300).astype(dtype)
    second = ctypes.CFUNCTYPE(ctype, ctypes.c_double, ctype)(lambda x, y: y)
    registry.register("f", second)
    result = evaluate("f(x, y)", x=1.0, y=values)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, values)
    registry.register("g", address(second), f"{INTEGERS[dtype]} (double, {INTEGERS[dtype]})")
    np.testing.assert_array_equal(evaluate("g(0.0, x)", x=values), values)
    registry.register("h", lambda x: x, f"{code}->{code}", python=True)
    np.testing.assert_array_equal(evaluate("h(x)", x=values), values)
    if code != "?":
        extreme = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max] if code not in "fd" else [-np.inf, 1e-40], dtype)
        for name in "gh":
            np.testing.assert_array_equal(evaluate(f"{name}({'0.0, ' * (name == 'g')}x)", x=extreme), extreme)


def test_ctypes_functions(registry, evaluate):
    lib = ctypes.CDLL("libm.so.6")
    lib.hypot.argtypes, lib.hypot.restype = [ctypes.c_double] * 2, ctypes.c_double
    registry.register("f", lib.hypot)
    assert evaluate("f(x, x2)", x=3.0, x2=4.0) == 5
    assert evaluate("f(x2=3, x1=4)") == 5
    # A signature stands for what is not set.
    registry.register("g", lib.ilogb, "int (double)")
    assert evaluate("g(x)", x=8.0) == 3 and evaluate("g(x)", x=8.0).dtype == np.int32


def test_ctypes_functions_without_signature_are_refused(registry):
    lib = ctypes.CDLL("libm.so.6")
    with pytest.raises(ValueError, match="has no argtypes"):
        registry.register("f", lib.cos)
    lib.cos.argtypes = [ctypes.c_double]
    with pytest.raises(ValueError, match="restype"):
        registry.register("f", lib.cos)
    lib.sin.argtypes, lib.sin.restype = [ctypes.c_double], ctypes.c_double
    with pytest.raises(ValueError, match="given as"):
        registry.register("f", lib.sin, "f->f")
    assert len(registry) == 0


@pytest.mark.parametrize(
    "function, error, message",
    [
        (ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_double)(float), TypeError, "GIL"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.py_object)(float), TypeError, "python=True"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_char_p)(float), ValueError, "c_char_p"),
        (ctypes.CFUNCTYPE(ctypes.c_longdouble, ctypes.c_double)(float), ValueError, "c_longdouble"),
        (ctypes.CFUNCTYPE(None, ctypes.c_double)(float), ValueError, "returns nothing"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double))(float), ValueError, "pointers"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)(float), ValueError, "pointers"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_char)(float), ValueError, "c_char"),
        (ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(0), ValueError, "null"),
    ],
)
def test_ctypes_functions_that_are_refused(registry, function, error, message):
    with pytest.raises(error, match=message):
        registry.register("f", function)


def test_block_functions(registry, evaluate):
    pointer = ctypes.POINTER(ctypes.c_double)
    sizes = []

    @ctypes.CFUNCTYPE(None, ctypes.c_size_t, pointer, pointer, pointer)
    def add_twice(n, x, y, out):
        sizes.append(n)
        for i in range(n):
            out[i] = x[i] + 2 * y[i]

    registry.register("f", add_twice, defaults=[1])
    x = np.arange(3000.0).reshape(60, 50)[::-1, ::2]
    np.testing.assert_array_equal(evaluate("f(x, y) - 1", x=x, y=x[0]), x + 2 * x[0] - 1)
    assert 1 < len(sizes) < 200
    np.testing.assert_array_equal(evaluate("f(x)", x=x.ravel()), x.ravel() + 2)
    text = "void (size_t n, const double *x, const double *y, double *out)"
    registry.register("g", address(add_twice), text)
    assert evaluate("g(y=x, x=0)", x=3.0) == 6


@pytest.mark.parametrize(
    "signature, message",
    [
        ("dd", "no signature such as"),
        ("d->dd", "one output"),
        ("x->d", "no type 'x'"),
        ("g->d", "not supported"),
        ("D->d", "not supported"),
        ("e->d", "not supported"),
        ("double (double, ...)", "variable arguments"),
        ("double (quad)", "quad"),
        ("long double (double)", "long double"),
        ("double (char)", "sign"),
        ("double *(double)", "result is a pointer"),
        ("double (double *)", "pointers"),
        ("double (double **)", "no type that is supported"),
        ("void (double)", "returns nothing"),
        ("void (int, double *, double *)", "returns nothing"),
        ("void (size_t, const double *, const double *)", "can't be const"),
        ("double (struct point)", "struct point"),
        ("double (short long)", "short long"),
        ("double double (double)", "double double"),
        ("double (double", "parentheses"),
        ("", "no signature such as"),
    ],
)
def test_signatures_that_are_refused(registry, signature, message):
    with pytest.raises(ValueError, match=message):
        registry.register("f", address(libm.cos), signature)
    assert "f" not in registry


@pytest.mark.parametrize("function", [0, -1, 1 << 64])
def test_addresses_that_are_none(registry, function):
    with pytest.raises(ValueError, match="address"):
        registry.register("f", function, "d->d")


@pytest.mark.parametrize("function", [None.__class__, True, 1.5, "cos", b"cos", abs, lambda x: x, object(), [], ()])
def test_objects_that_are_no_functions(registry, function):
    with pytest.raises((TypeError, ValueError)):
        registry.register("f", function, "d->d")
    assert len(registry) == 0


def test_capsules(registry, evaluate):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
    name = ctypes.create_string_buffer(b"double (double, int __pyx_skip_dispatch)")
    capsule = new(address(libm.cos), ctypes.addressof(name), None)
    registry.register("f", capsule)
    assert evaluate("f(x)", x=1.0) == libm_cos(1.0)
    with pytest.raises(ValueError, match="given as"):
        registry.register("g", capsule, "f->f")
    registry.register("g", capsule, "double (double angle)")
    assert evaluate("g(angle=1)") == libm_cos(1.0)
    # Users of a capsule that take it over change its name.
    rename = ctypes.pythonapi.PyCapsule_SetName
    rename.argtypes = [ctypes.py_object, ctypes.c_void_p]
    used = ctypes.create_string_buffer(b"used_function")
    rename(capsule, ctypes.addressof(used))
    with pytest.raises(ValueError, match="used_function"):
        registry.register("h", capsule)
    anonymous = new(address(libm.cos), None, None)
    with pytest.raises(ValueError, match="has no name"):
        registry.register("h", anonymous)
    registry.register("h", anonymous, "d->d")
    assert evaluate("h(x)", x=1.0) == libm_cos(1.0)


def test_kernels_are_inlined(registry, evaluate):
    registry.register("gauss", nf.compile("exp(-x*x / (2*s*s))"), defaults={"s": 1})
    np.testing.assert_array_equal(evaluate("gauss(x)", x=X), nf.evaluate("exp(-x*x / (2*1*1))", x=X))
    assert evaluate("gauss(x, s=y) + x", x=2.0, y=3.0) == nf.evaluate("exp(-x*x / (2*s*s)) + x", x=2.0, s=3.0)
    # What it calls keeps the meaning that it had in its own registry.
    inner = nf.Registry()
    inner.register("step", lambda x: x + 1, "d->d", python=True)
    registry.register("two_steps", nf.compile("step(step(x))", functions=inner))
    inner.unregister("step")
    assert evaluate("two_steps(1)") == 3
    for text in ["y = x + 1", "x += 1", "let y = x; y*y"]:
        with pytest.raises(ValueError, match="single expression"):
            registry.register("f", nf.compile(text))
    with pytest.raises(ValueError, match="no signature"):
        registry.register("f", nf.compile("x + 1"), "d->d")
    with pytest.raises(ValueError, match="inlined"):
        registry.register("f", nf.compile("x + 1"), pure=False)


def test_ufuncs(registry, evaluate):
    registry.register("f", np.hypot)
    np.testing.assert_array_equal(evaluate("f(x, 2) * 2", x=X), np.hypot(X, 2) * 2)
    assert evaluate("f(x, y)", x=np.float32(3), y=np.float32(4)).dtype == np.float32
    registry.register("g", np.gcd)
    np.testing.assert_array_equal(evaluate("g(x, 12)", x=np.arange(20, dtype="i4")), np.gcd(np.arange(20), 12))
    # Of a float there is none.
    with pytest.raises(nf.ExprTypeError):
        evaluate("g(x, 12)", x=X)
    registry.register("chosen", np.hypot, "dd->d")
    assert evaluate("chosen(x, y)", x=np.float32(3), y=np.float32(4)).dtype == np.float64
    with pytest.raises(ValueError, match="has no loop"):
        registry.register("h", np.hypot, "ii->d")


def test_ufuncs_of_large_and_strided_arrays(registry, evaluate, rng):
    registry.register("f", np.logaddexp)
    x = rng.normal(size=(301, 1001))[::-2, ::3].T
    y = rng.normal(size=x.shape[1])
    np.testing.assert_array_equal(evaluate("f(x*2, y) - x", x=x, y=y), np.logaddexp(x * 2, y) - x)


def test_ufuncs_with_several_outputs(registry, evaluate):
    assert registry.register(("mantissa", "exponent"), np.frexp) is np.frexp
    values = X * 1000
    np.testing.assert_array_equal(evaluate("mantissa(x) * 2.0**exponent(x)", x=values), values)
    assert evaluate("exponent(x)", x=values).dtype == np.frexp(values)[1].dtype
    registry.register((None, "whole"), np.modf)
    np.testing.assert_array_equal(evaluate("whole(x)", x=values), np.modf(values)[1])
    assert list(registry) == ["exponent", "mantissa", "whole"]
    with pytest.raises(ValueError, match="2 outputs: give a tuple of 2 names"):
        registry.register("f", np.frexp)
    with pytest.raises(ValueError, match="1 output: give a name"):
        registry.register(("f", "g"), np.sin)


def test_ufuncs_that_are_refused(registry):
    with pytest.raises(ValueError, match="generalised"):
        registry.register("f", np.matmul)
    with pytest.raises(ValueError, match="Python objects"):
        registry.register("f", np.frompyfunc(lambda x: x, 1, 1))
    with pytest.raises(ValueError, match="no loops for numbers"):
        registry.register("f", np.isnat)
    with pytest.raises(ValueError, match="no loops for numbers"):
        registry.register("f", np.strings.str_len)
    assert len(registry) == 0


def test_a_ufunc_that_raises(registry, evaluate):
    registry.register("raised_to", np.power)
    with pytest.raises(ValueError, match="negative integer powers"):
        evaluate("raised_to(x, y)", x=np.arange(5), y=-1)
    with pytest.raises(ValueError, match="negative integer powers"):
        evaluate("raised_to(x, y)", x=np.arange(500_000), y=np.int64(-1))
    np.testing.assert_array_equal(evaluate("raised_to(x, y)", x=np.arange(5), y=2), np.arange(5) ** 2)


# ---- Python callables ----


def test_python_callables(registry, evaluate):
    def f(x: float, n: int = 2) -> float:
        """Multiplies."""
        assert type(x) is float and type(n) is int
        return x * n

    with pytest.raises(TypeError, match="python=True"):
        registry.register("f", f)
    registry.register("f", f, python=True)
    np.testing.assert_array_equal(evaluate("f(x) + f(n=3, x=x)", x=X), X * 2 + X * 3)
    registry.register("is_even", lambda n: n % 2 == 0, "bool (long)", python=True)
    assert evaluate("is_even(n)", n=np.arange(3)).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="types of"):
        registry.register("g", lambda x: x, python=True)
    with pytest.raises(ValueError, match="cannot be called with 2 arguments"):
        registry.register("g", lambda x: x, "dd->d", python=True)
    with pytest.raises(ValueError, match="returns numbers"):
        registry.register("g", lambda x: x, "void (size_t, double *)", python=True)


@pytest.mark.parametrize("size", [1, 10, 300_000])
def test_exceptions_pass_through(registry, evaluate, size):
    class Special(Exception):
        pass

    calls = []

    def f(x):
        calls.append(x)
        if len(calls) >= 5 or size == 1:
            raise Special("x", x)
        return x

    registry.register("f", f, "d->d", python=True, pure=False)
    with pytest.raises(Special) as caught:
        evaluate("f(x) + 1", x=np.arange(float(size)))
    assert caught.value.args[0] == "x"
    assert len(calls) == min(size, 5)
    # Nothing is left over from the call.
    assert nf.evaluate("x + 1", x=1) == 2
    assert sys.exc_info() == (None, None, None)


@pytest.mark.parametrize(
    "result, error", [("1.5", TypeError), (None, TypeError), ([1.0], TypeError), (1.5, TypeError), (1 << 70, OverflowError)]
)
def test_results_of_python_callables_that_are_no_numbers(registry, evaluate, result, error):
    registry.register("f", lambda x: result, "d->l", python=True)
    with pytest.raises(error):
        evaluate("f(x)", x=X)


def test_python_callables_may_call_kernels_and_registries(registry, evaluate):
    def f(x):
        registry.register("other", np.sin, replace=True)
        return float(nf.evaluate("x + other(x)", x=x, functions=registry)) - np.sin(x)

    registry.register("f", f, "d->d", python=True, thread_safe=False)
    np.testing.assert_allclose(evaluate("f(x) * 2", x=X), X * 2, rtol=1e-12)


# ---- Effects ----


def sequences():
    base = np.arange(12.0)
    yield "packed", {"x": base}
    yield "scalar", {"x": 3.0}
    yield "empty", {"x": np.zeros((0, 3))}
    yield "reversed", {"x": base[::-1]}
    yield "2-d", {"x": base.reshape(3, 4)}
    yield "reversed in both", {"x": base.reshape(3, 4)[::-1, ::-1]}
    yield "transposed", {"x": base.reshape(3, 4).T}
    yield "3-d", {"x": base.reshape(2, 3, 2).transpose(2, 0, 1)[:, ::-1]}
    yield "broadcast", {"x": base[:3], "y": base.reshape(4, 3)}
    yield "column", {"x": base[:4, None], "y": base[:3]}
    yield "scalar among arrays", {"x": 5.0, "y": base}
    yield "long", {"x": np.arange(5000.0).reshape(50, 100).T}


@pytest.mark.parametrize("kind", ["python", "ctypes", "block"])
@pytest.mark.parametrize("shape, names", list(sequences()), ids=[name for name, _ in sequences()])
def test_impure_functions_are_called_once_an_element_in_c_order(registry, evaluate, kind, shape, names):
    seen = []

    def f(x):
        seen.append(x)
        return float(len(seen))

    if kind == "python":
        registry.register("f", f, "d->d", python=True, pure=False)
    elif kind == "ctypes":
        registry.register("f", double_function(f), pure=False)
    else:

        @ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_double))
        def block(n, x, out):
            for i in range(n):
                out[i] = f(x[i])

        registry.register("f", block, pure=False)
    x = np.broadcast_arrays(*names.values())[0]
    text = "f(x)" if len(names) == 1 else "f(x) + 0*y"
    result = evaluate(text, **names)
    assert seen == x.ravel().tolist()
    np.testing.assert_array_equal(np.ravel(result), np.arange(1.0, x.size + 1))


def test_each_call_of_an_impure_function_counts(registry, evaluate):
    count = iter(range(10**6))
    registry.register("next_number", lambda: float(next(count)), "double ()", python=True, pure=False)
    assert evaluate("next_number() - next_number()") in (-1, 1)
    assert next(count) == 2
    evaluate("where(x > 3, next_number(), x)", x=np.arange(7.0))
    assert next(count) == 3 + 7


def test_pure_functions_of_what_does_not_vary_are_called_seldom(registry, evaluate):
    calls = []

    def f(x):
        calls.append(x)
        return x

    registry.register("f", f, "d->d", python=True)
    x = np.arange(1000.0).reshape(10, 100)
    np.testing.assert_array_equal(evaluate("f(a)*x + f(a)", a=2.0, x=x), 2 * x + 2)
    assert len(calls) < 10


def test_impure_functions_stay_on_the_calling_thread(registry, evaluate):
    threads = set()

    def f(x):
        threads.add(threading.get_ident())
        return x

    registry.register("f", double_function(f), pure=False)
    registry.register("g", f, "d->d", python=True)
    x = np.arange(50_000.0)
    with nf.num_threads(2):
        np.testing.assert_array_equal(evaluate("f(x) + g(x)", x=x), 2 * x)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("kind", ["python", "ctypes"])
def test_functions_that_are_not_thread_safe_are_never_called_twice_at_a_time(registry, evaluate, kind):
    inside, most, errors = 0, 0, []

    def f(x):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if x % 50 == 0:
            threading.Event().wait(0.001)  # lets other threads in
        inside -= 1
        return x

    # Two functions, since it holds for all of the process.
    for name in ("f", "g"):
        if kind == "python":
            registry.register(name, f, "d->d", python=True, thread_safe=False)
        else:
            registry.register(name, double_function(f), thread_safe=False)
    x = np.arange(1000.0)

    def work(name):
        try:
            for _ in range(3):
                np.testing.assert_array_equal(evaluate(f"{name}(x)", x=x), x)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "fgfg"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not errors and most == 1


def test_an_exception_ends_a_turn(registry, evaluate):
    def f(x):
        raise KeyError(x)

    registry.register("f", f, "d->d", python=True, thread_safe=False)
    registry.register("g", lambda x: x, "d->d", python=True, thread_safe=False)
    with pytest.raises(KeyError):
        evaluate("f(x)", x=X)
    done = []
    thread = threading.Thread(target=lambda: done.append(evaluate("g(x)", x=1.0)))
    thread.start()
    thread.join(30)
    assert done == [1.0]


# ---- Names, parameters and defaults ----


@pytest.mark.parametrize("name", ["", "1f", "a b", "let", "if", "True", "f()", "a.b", "x\0"])
def test_names_that_are_refused(registry, name):
    with pytest.raises(ValueError, match="can be no function's name"):
        registry.register(name, np.sin)


def test_names_are_normalised(registry, evaluate):
    registry.register("ﬁx", np.trunc)  # with a ligature
    assert list(registry) == ["fix"] and "ﬁx" in registry and "fix" in registry and 1 not in registry
    assert evaluate("ﬁx(1.5) + fix(x=1.5)") == 2
    registry.register("größe", np.abs)
    assert evaluate("größe(x)", x=-1.0) == 1
    with pytest.raises(TypeError, match="must be a string"):
        registry.register((3,), np.sin)


def test_parameters(registry, evaluate):
    fma = address(libm.fma)
    registry.register("f", fma, "double (double, double, double)", parameters=["x", "a", "b"], defaults=(2, -1.5))
    assert evaluate("f(3)") == 4.5
    assert evaluate("f(3, b=0)") == 6
    assert evaluate("f(b=1, a=2, x=5)") == 11
    for text in ["f()", "f(1, 2, 3, 4)", "f(1, c=2)", "f(1, x=2)"]:
        with pytest.raises(nf.ExprError):
            evaluate(text)
    registry.register("g", address(libm.fma), "double (double x, double a, double b)", defaults={"b": np.inf})
    assert evaluate("g(1, 1)") == np.inf
    registry.register("h", address(libm.ldexp), "double (double x, int n)", defaults={"n": -1})
    assert evaluate("h(3)") == 1.5
    np.testing.assert_array_equal(evaluate("h(x)", x=X), X / 2)
    registry.register("k", address(libm.fma), "ddd->d", defaults=[True, np.nan])
    assert np.isnan(evaluate("k(1)"))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"parameters": ["x"]}, ValueError, "has 2 parameters, but 1"),
        ({"parameters": ["x", "x"]}, ValueError, "one name"),
        ({"parameters": ["x", "1"]}, ValueError, "identifier"),
        ({"defaults": {"y": 1}}, ValueError, "no parameter 'y': they are x1, x2"),
        ({"defaults": {"x1": 1}}, ValueError, "without a default"),
        ({"defaults": [1, 2, 3]}, ValueError, "3 defaults"),
        ({"defaults": ["1"]}, TypeError, "must be a number"),
        ({"defaults": [1.5]}, ValueError, "does not fit"),
        ({"defaults": [1 << 40]}, ValueError, "does not fit"),
    ],
)
def test_parameters_that_are_refused(registry, options, error, message):
    with pytest.raises(error, match=message):
        registry.register("f", address(libm.ldexp), "double (double, int)", **options)
    assert "f" not in registry


def test_overloads(registry, evaluate):
    single = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_float)(lambda x: x + 1)
    double = double_function(lambda x: x + 2)
    integer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 3)
    registry.register("f", [integer, single, double])
    assert evaluate("f(x)", x=np.float32(1)) == 2 and evaluate("f(x)", x=np.float32(1)).dtype == np.float32
    assert evaluate("f(x)", x=np.float64(1)) == 3
    assert evaluate("f(x)", x=np.int16(1)) == 4 and evaluate("f(x)", x=np.int16(1)).dtype == np.int32
    registry.register("g", [address(libm.cosf), address(libm.cos)], ["f->f", "d->d"])
    assert evaluate("g(x)", x=np.float32(0)).dtype == np.float32
    with pytest.raises(ValueError, match="2 signatures for 1"):
        registry.register("h", [address(libm.cos)], ["f->f", "d->d"])
    with pytest.raises(ValueError, match="different numbers"):
        registry.register("h", [double, double_function(lambda x, y: x, 2)])


def test_decorators():
    registry = nf.Registry()

    @registry.register("twice", python=True)
    def f(x: float) -> float:
        return 2 * x

    @registry.register(python=True)
    def thrice(x: float) -> float:
        return 3 * x

    @registry.register("plus", signature="double (double, double)", python=True, defaults=[1])
    def plus(a, b):
        return a + b

    assert f(1.0) == 2 and thrice(1.0) == 3
    assert nf.evaluate("twice(x) + thrice(x) + plus(x)", x=1.0, functions=registry) == 7
    assert registry.register(np.cbrt) is np.cbrt
    assert nf.evaluate("cbrt(27.0)", functions=registry) == np.cbrt(27.0)
    with pytest.raises(TypeError, match="python=True"):

        @registry.register
        def g(x):
            return x

    with pytest.raises(TypeError, match="no name of its own"):
        registry.register(nf.compile("x + 1"))


# ---- Registries ----


def test_registries_are_apart():
    one, two = nf.Registry(), nf.Registry()
    one.register("f", lambda x: x + 1, "d->d", python=True)
    two.register("f", lambda x: x + 2, "d->d", python=True)
    assert nf.evaluate("f(x)", x=1.0, functions=one) == 2
    assert nf.evaluate("f(x)", x=1.0, functions=two) == 3
    with pytest.raises(nf.ExprNameError):
        nf.evaluate("f(x)", x=1.0)
    assert nf.compile("f(x)", functions=one) is nf.compile("f(x)", functions=one)
    assert nf.compile("f(x)", functions=one) is not nf.compile("f(x)", functions=two)
    assert (len(one), list(one), one.names(), "f" in one, "g" in one) == (1, ["f"], ("f",), True, False)
    assert repr(one) == "<numfuse.Registry of 1 function>"
    for wrong in ({}, "f", nf):
        with pytest.raises(TypeError, match=r"functions must be a numfuse\.Registry"):
            nf.compile("x", functions=wrong)
        with pytest.raises(TypeError, match=r"functions must be a numfuse\.Registry"):
            nf.evaluate("x", x=1, functions=wrong)


def test_registering_again():
    registry = nf.Registry()
    registry.register("f", lambda x: x + 1, "d->d", python=True)
    kernel = nf.compile("f(x)", functions=registry)
    text = "f(x) * 1"
    assert kernel(1.0) == 2 and nf.evaluate(text, x=1.0, functions=registry) == 2
    with pytest.raises(ValueError, match="'f' is already registered"):
        registry.register("f", lambda x: x + 2, "d->d", python=True)
    assert nf.evaluate(text, x=1.0, functions=registry) == 2
    registry.register("f", lambda x: x + 2, "d->d", python=True, replace=True)
    assert kernel(1.0) == 2
    assert nf.evaluate(text, x=1.0, functions=registry) == 3
    assert nf.compile("f(x)", functions=registry)(1.0) == 3
    registry.unregister("f")
    assert kernel(1.0) == 2
    with pytest.raises(nf.ExprNameError):
        nf.evaluate(text, x=1.0, functions=registry)
    with pytest.raises(KeyError):
        registry.unregister("f")


def test_built_in_functions_are_shadowed():
    registry = nf.Registry()
    assert nf.evaluate("sin(x)", x=1.0, functions=registry) == nf.evaluate("sin(x)", x=1.0)
    registry.register("sin", lambda x: 42, "d->d", python=True)
    assert nf.evaluate("sin(x)", x=1.0, functions=registry) == 42
    assert nf.evaluate("sin(x)", x=1.0) == np.sin(1.0)
    registry.unregister("sin")
    assert nf.evaluate("sin(x)", x=1.0, functions=registry) == np.sin(1.0)


def test_the_default_registry():
    assert nf.register("test_default_function", np.cbrt) is np.cbrt
    try:
        assert nf.evaluate("test_default_function(x)", x=8.0) == 2
        kernel = nf.compile("test_default_function(x)")
        assert pickle.loads(pickle.dumps(kernel)) is kernel
        with pytest.raises(nf.ExprNameError):
            nf.evaluate("test_default_function(x)", x=8.0, functions=nf.Registry())
    finally:
        nf.unregister("test_default_function")
    with pytest.raises(nf.ExprNameError):
        nf.evaluate("test_default_function(x)", x=8.0)


def test_kernels_with_a_registry_are_not_pickled(registry):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(nf.compile("x + 1", functions=registry))


def test_functions_is_an_option_of_evaluate(registry):
    assert nf.evaluate("functions + 1", {"functions": 1}, functions=registry) == 2
    assert nf.evaluate("x + 1", x=1, functions=None) == 2


def test_many_threads_register_and_call(registry):
    errors = []

    def work(number):
        try:
            for turn in range(30):
                value = float(number * 1000 + turn)
                registry.register(f"own{number}", lambda value=value: value, "double ()", python=True, replace=True)
                registry.register("common", np.cbrt if turn % 2 else np.fabs, replace=True)
                assert nf.evaluate(f"own{number}() + 0*common(x)", x=1.0, functions=registry) == value
                assert f"own{number}" in registry and len(registry) >= 2
                if turn % 10 == 0:
                    nf.cache_clear()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert not errors


# ---- Owners ----


def test_owners_live_as_long_as_kernels_and_registries(registry):
    function = double_function(lambda x: x + 1)
    alive = weakref.ref(function)
    registry.register("f", function)
    kernel = nf.compile("f(x)", functions=registry)
    del function
    gc.collect()
    assert kernel(1.0) == 2 and alive() is not None
    registry.unregister("f")
    nf.cache_clear()
    assert kernel(1.0) == 2 and alive() is not None
    del kernel
    gc.collect()
    nf.cache_clear()
    nf.cache_info()
    assert alive() is None


def test_python_callables_are_released(registry):
    class F:
        def __call__(self, x):
            return x

    function = F()
    alive = weakref.ref(function)
    registry.register("f", function, "d->d", python=True)
    assert nf.evaluate("f(x)", x=1.0, functions=registry) == 1
    del function
    gc.collect()
    assert alive() is not None
    registry.unregister("f")
    nf.cache_clear()
    nf.cache_info()
    assert alive() is None


def test_temporary_arrays_are_not_made(registry, evaluate):
    tracemalloc = pytest.importorskip("tracemalloc")
    registry.register("f", np.hypot)
    registry.register("g", address(libm.cos), "d->d")
    kernel = nf.compile("2*f(x + 1, g(x)) - f(x, 3)*x", functions=registry)
    x, out = np.linspace(0, 1, 1_000_000), np.empty(1_000_000)
    kernel(x, out=out)
    tracemalloc.start()
    try:
        kernel(x, out=out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
