"""Reductions against NumPy: exactly where NumPy is exact, sums of floats against sums of higher precision."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import generate
import numpy as np
import oracle
import pytest

import numfuse as nf

EXACT = "min max any all count_nonzero ptp nanmin nanmax argmin argmax".split()
SUMS = "sum prod mean nansum nanmean".split()
MOMENTS = "var std norm".split()
DTYPES = generate.DTYPES
#: With those that some reductions have an order for.
ORDERED = [*DTYPES, *generate.COMPLEX]

SHAPES = [(), (1,), (7,), (0,), (3, 5), (1, 6), (4, 1), (0, 3), (3, 0), (0, 2, 0), (2, 3, 4), (5, 1, 2), (33, 40)]


def axes_of(shape):
    """All, none, every axis from either end, pairs, and all of them."""
    ndim = len(shape)
    yield None
    yield ()
    yield from range(-ndim, ndim)
    yield from itertools.combinations(range(ndim), 2)
    if ndim > 1:
        yield tuple(range(-1, -ndim - 1, -1))


def written(axis):
    return f"({axis[0]},)" if isinstance(axis, tuple) and len(axis) == 1 else repr(axis)


def values(rng, dtype, shape):
    """Numbers whose sums and products are not beyond the type's range."""
    count = int(np.prod(shape))
    if dtype.kind == "b":
        return rng.integers(0, 2, count).astype(bool).reshape(shape)
    if dtype.kind in "iu":
        low = 0 if dtype.kind == "u" else -9
        return rng.integers(low, 10, count).astype(dtype).reshape(shape)
    if dtype.kind == "c":
        # Many have one real part.
        parts = rng.integers(-2, 3, (2, count))
        return (parts[0] + 1j * parts[1]).astype(dtype).reshape(shape)
    return rng.standard_normal(count).astype(dtype).reshape(shape)


def evaluated(text, args):
    """The result or the error of numfuse, and those of NumPy."""
    try:
        want = oracle.run(text, args)["result"]
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        want = error
    try:
        kernel = nf.compile(text, args=list(args))
        got = kernel(*args.values())
        # Once more, the way that calls like one before take, with other arrays of the same layout.
        again = kernel(*args.values())
        assert oracle.differs(again, got) is None, f"{text!r}: {got!r}, then {again!r}"
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        got = error
    return got, want


def within(got, want, scale, units):
    """Do floats differ by so many units in the last place of `scale`? NaNs and infinities are alike."""
    got, want = np.asarray(got), np.asarray(want)
    eps = np.finfo(got.dtype).eps
    with np.errstate(all="ignore"):
        close = abs(got.astype(np.longdouble) - want.astype(np.longdouble)) <= units * eps * np.asarray(scale)
        return np.all(close | (got == want) | (np.isnan(got) & np.isnan(want)))


def compare(text, args, scale=None, units=0.0):
    """Fails where numfuse and NumPy differ; floats may by some units in the last place of `scale`."""
    got, want = evaluated(text, args)
    if scale is not None and text.startswith("prod") and np.asarray(want).dtype == np.float16:
        # NumPy rounds each product to float16.
        halves = {name: value for name, value in args.items() if np.asarray(value).dtype == np.float16}
        single = {**args, **{name: value.astype(np.float32) for name, value in halves.items()}}
        of_single = evaluated(text, single)[1]
        want = of_single if isinstance(of_single, Exception) else of_single.astype(np.float16)
        scale = 1e-4 + (abs(want) if isinstance(scale, str) else scale)
    shown = f"{text!r} of {[(v.dtype, v.shape, v.strides) for v in map(np.asarray, args.values())]}"
    if isinstance(want, Exception) or isinstance(got, Exception):
        kinds = [kind for kind in (ValueError, TypeError, OverflowError) if isinstance(want, kind)]
        assert isinstance(got, tuple(kinds) or ()), f"{shown}: {got!r}, NumPy {want!r}"
        assert isinstance(got, IndexError) == isinstance(want, IndexError), f"{shown}: {got!r}, NumPy {want!r}"
        return
    want = np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), f"{shown}: {got!r}, not {want!r}"
    if scale is None or want.dtype.kind != "f":
        assert oracle.differs(got, want, zero_signs=False) is None, f"{shown}: {got!r}, not {want!r}"
    else:
        scale = abs(want.astype(np.longdouble)) + 1e-40 if isinstance(scale, str) else scale
        assert within(got, want, scale, units), f"{shown}: {got!r}, not {want!r}"


def scale_of(name, x, axis, keepdims):
    """The size of what is rounded on the way."""
    with np.errstate(all="ignore"):
        magnitude = abs(x.astype(np.float64))
        if name == "prod":
            return abs(np.prod(x.astype(np.float64), axis=axis, keepdims=keepdims)) + 1e-300
        total = np.nansum(magnitude, axis=axis, keepdims=keepdims)
        if name in ("sum", "nansum"):
            return total
        square = np.nanmean(np.square(magnitude), axis=axis, keepdims=keepdims)
        count = x.size / max(np.asarray(total).size, 1)
        return square + np.sqrt(square) if name == "var" else np.sqrt(square) * max(count, 1)


@pytest.mark.parametrize("name", [*EXACT, *SUMS, *MOMENTS])
def test_every_dtype_axis_and_layout(name, rng, statistics):
    for dtype, shape in itertools.product(ORDERED if name in EXACT else DTYPES, SHAPES):
        x = values(rng, dtype, shape)
        if dtype.kind in "fc" and x.size > 4 and name.startswith("nan"):
            x.reshape(-1)[::3] = np.nan
        for axis, keepdims in itertools.product(axes_of(shape), (False, True)):
            options = f", axis={written(axis)}" + (", keepdims=True" if keepdims else "")
            text = f"{name}(x{options})"
            if name == "count_nonzero" and axis is None and keepdims:
                text = "count_nonzero(x, keepdims=True)"
            layouts = ["C"] if x.size > 100 else ["C", "F", "negative", "step", "unaligned", "swapped", "transposed"]
            layout = str(rng.choice(layouts))
            statistics[f"layout {layout}"] += 1
            scale = None if name in EXACT else scale_of(name, x, axis, keepdims)
            compare(text, {"x": generate.laid_out(rng, x, layout)}, scale, 40)


@pytest.mark.parametrize("name", [*EXACT, "sum", "prod", "nansum", "mean", "var"])
def test_special_values(name, rng):
    """NaNs, infinities, and the ends of integers' ranges."""
    for dtype in ORDERED if name in EXACT else DTYPES:
        special = generate.special_values(dtype)
        for _ in range(30):
            x = rng.choice(special, int(rng.integers(1, 70)))
            if dtype.kind == "c" and rng.random() < 0.5:
                x = np.where(np.isnan(x), 0, x).astype(dtype)
            if dtype.kind == "f" and name not in EXACT:
                # Sums of great numbers may overflow in one order and not in another.
                x = x[(abs(x) < (9 if name == "prod" else 1e10)) & (abs(x) > 1e-4) | ~np.isfinite(x)]
                if x.size == 0:
                    continue
            finite = np.where(np.isfinite(x), x, 0) if dtype.kind == "f" else x
            scale = None if name in EXACT else scale_of(name, finite, None, False) + 1e-300
            compare(f"{name}(x)", {"x": x}, scale, 400)


def truth(x, axis):
    """The sum in twice the digits, by halves."""
    x = np.moveaxis(x.astype(np.longdouble), axis, 0)
    while len(x) > 1:
        if len(x) % 2:
            x = np.concatenate([x, np.zeros_like(x[:1])])
        x = x[::2] + x[1::2]
    return x[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_accurate_along_every_axis(dtype, rng):
    """Errors grow with the logarithm of the number of elements: never a running sum."""
    for shape in [(1_000_000,), (300_000, 3), (3, 300_000), (100, 50, 64), (70_000, 17), (40, 3, 2500)]:
        x = (rng.random(shape) + 1e-3).astype(dtype)
        for axis in range(len(shape)):
            want = truth(x, axis)
            got = nf.evaluate(f"sum(x, axis={axis})", x=x)
            assert within(got, want, want, 8), (dtype, shape, axis)
            mean = nf.evaluate(f"mean(x, axis={axis})", x=x)
            assert within(mean, want / shape[axis], want / shape[axis], 8), (dtype, shape, axis)
        ones = np.ones(shape, dtype)
        assert nf.evaluate("sum(x)", x=ones) == ones.size


def test_products_of_vectors(rng):
    for dtype in DTYPES:
        x, y = values(rng, dtype, (100,)), values(rng, dtype, (100,))
        scale = np.sum(abs(x.astype(float)) * abs(y.astype(float)))
        compare("vecdot(x, y)", {"x": x, "y": y}, scale, 40)
        compare("dot(x, y)", {"x": x[::2], "y": y[50:]}, scale, 40)
        a = values(rng, dtype, (7, 100))
        compare("vecdot(a, y, axis=-1)", {"a": a, "y": y}, scale_of("sum", a * 9.0, -1, False), 40)
    with pytest.raises(ValueError, match="vecdot"):
        nf.evaluate("dot(x, y)", x=np.ones((3, 3)), y=np.ones(3))
    with pytest.raises(ValueError, match="vecdot"):
        nf.evaluate("dot(x, y)", x=np.ones(3), y=2.0)


def test_places_of_equal_elements(rng):
    """The first in C order, whatever lies first in memory, in chunks and on several threads."""
    for shape in [(100_000,), (300, 400), (17, 5, 900), (2_000_000,)]:
        x = rng.integers(0, 50, shape).astype(np.int16)
        z = rng.integers(0, 5, shape) + 1j * rng.integers(0, 5, shape)
        for y in (x, x[..., ::-1], x.T, np.asfortranarray(x), z, z.T.astype(np.complex64)):
            for axis in (None, 0, -1):
                for name in ("argmin", "argmax"):
                    compare(f"{name}(y, axis={axis})", {"y": y})
                    compare(f"{name}(y * 2 - 1, axis={axis})", {"y": y})


def test_reductions_that_are_written_twice(rng):
    """One fold for both, whatever becomes of the axes."""
    x = rng.standard_normal((30, 30))
    for text in [
        "mean(x) + sum(x - mean(x, keepdims=True))",
        "sum(x, keepdims=True) - sum(x)",
        "sum(x) - sum(x, keepdims=True)",
        "sum(x, axis=0) * 2 + sum(x, axis=0)",
        "sum(x, axis=1, keepdims=True) + x - sum(x, axis=0)",
        "sum(x, axis=1) + sum(x, axis=1, keepdims=True)",
        "sum(x, axis=1, keepdims=True) + sum(x, axis=1)",
        "max(x) - max(x, keepdims=True) * x",
        "sum(x * 2) + sum(x * 2, keepdims=True)",
    ]:
        compare(text, {"x": x}, 1e3, 100)
    m, v = nf.evaluate("m = mean(x); v = var(x)", x=x)
    assert within(m, x.mean(), 1, 8) and within(v, x.var(), 1, 8)


def test_variances_of_distant_values(rng):
    x = rng.standard_normal(100_000) + 1e8
    want = np.var((x - 1e8).astype(np.longdouble))
    assert abs(nf.evaluate("var(x)", x=x) - want) < 1e-6
    assert nf.evaluate("std(x)", x=np.full(1000, 0.1)) < 1e-15


def test_options(rng, statistics):
    """`dtype`, `initial`, `where` and `ddof`, alone and together."""
    for _ in range(1500):
        name = str(rng.choice([*EXACT, *SUMS, *MOMENTS]))
        dtypes = ORDERED if name in EXACT else DTYPES
        dtype = dtypes[int(rng.integers(0, len(dtypes)))]
        shape = [(5,), (4, 6), (1, 3), (0, 3), (2, 3, 4)][int(rng.integers(0, 5))]
        x = values(rng, dtype, shape)
        args, options = {"x": x}, ""
        axis = list(axes_of(shape))[int(rng.integers(0, len(list(axes_of(shape)))))]
        if rng.random() < 0.7:
            options += f", axis={written(axis)}"
        else:
            axis = None
        keepdims = rng.random() < 0.3
        options += ", keepdims=True" if keepdims else ""
        takes_where = name not in ("count_nonzero", "ptp", "norm")
        has_initial = name in ("min", "max", "sum", "prod", "nansum", "nanmin", "nanmax") and rng.random() < 0.5
        if has_initial:
            options += f", initial={str(rng.choice(['0', '3', '1', 'i']))}"
            if options.endswith("i"):
                args["i"] = dtype.type(1)
        if takes_where and rng.random() < 0.4 and not (name == "nansum" and dtype.kind != "f"):
            options += ", where=m"
            args["m"] = rng.random(shape if rng.random() < 0.7 else shape[-1:]) < 0.6
        if name in ("sum", "prod", "mean", "var", "std", "nansum") and rng.random() < 0.4:
            options += f", dtype={rng.choice(['f8', 'float32', 'i8', 'int32'])}"
        if name in ("var", "std") and rng.random() < 0.5:
            options += f", ddof={rng.choice(['1', '2', '0.5'])}"
        for option in ("axis", "keepdims", "initial", "where", "dtype", "ddof"):
            statistics[option] += f"{option}=" in options
        # Casts of fractions to integers before they are summed may be of what rounding made of them.
        if "dtype=i" in options and name in ("var", "std", "mean", "nansum"):
            continue
        with np.errstate(all="ignore"):
            scale = None if name in EXACT else 40 + 40 * np.max(abs(x.astype(float)), initial=0) ** 2 * x.size
            if name == "prod":
                # A product's error is relative to itself.
                scale = "own"
        compare(f"{name}(x{options})", args, scale, 40)


@pytest.mark.parametrize(
    "text",
    [
        "x - mean(x, axis=0, keepdims=True)",
        "sum(w*x)/sum(w)",
        "sqrt(sum((x-y)**2, axis=-1))",
        "(x - mean(x)) / std(x)",
        "(x - mean(x, axis=1, keepdims=True)) / std(x, axis=1, keepdims=True, ddof=1)",
        "max(abs(x - y)) > 0.5",
        "sum(x * (x > mean(x))) / count_nonzero(x > mean(x))",
        "max(sum(x, axis=0)) - min(sum(x, axis=1))",
        "sum(sum(sum(x * w, axis=0)))",
        "x / norm(x, axis=-1, keepdims=True)",
        "exp(x - logsumexp(x, axis=1, keepdims=True))",
        "logsumexp(1000 * x, axis=0)",
        "let s = sum(x); let t = s * 2; (x + t) / s",
        "y = x * 2; z = sum(y); x + z",
        "x if any(x > 2) else y",
        "sum(x, initial=max(y)) + sum(y)",
        "sum(x if x > 0 else 0, axis=0)",
        "mean(x, axis=0, where=x > y)",
        "any(x > y, axis=0) & all(w > 0, axis=0)",
        "sum(x) ** 2 + 2 ** sum(w > 0.9)",
        "x ** min(w)",
    ],
)
def test_anywhere_in_an_expression(text, rng):
    args = {name: rng.standard_normal((40, 30)) for name in "xy"} | {"w": rng.random(30)}
    args = {name: args[name] for name in oracle.arguments(text)}
    for want, got in zip(oracle.run(text, args).values(), outputs(nf.evaluate(text, args)), strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def outputs(result):
    return list(result) if isinstance(result, tuple) else [result]


def test_calls_like_one_before(rng):
    """Other arrays of the same shapes and strides, then others, and back."""
    for text in [
        "sum(x)", "sum(x, axis=0)", "mean(x, axis=1, keepdims=True)", "x - mean(x, axis=0, keepdims=True)",
        "std(x, ddof=1)", "sum(x * y) / sum(y)", "sqrt(sum((x - y)**2, axis=-1))", "max(x, axis=0)",
        "x / norm(x, axis=1, keepdims=True)", "any(x > 1)", "sum(x, axis=1, dtype='float32')", "nanmax(x)",
    ]:  # fmt: skip
        kernel = nf.compile(text)
        for shape in [(3, 5), (3, 5), (40, 300), (3, 5), (300, 40), (40, 300)]:
            for index in [(...,), (slice(None, None, -1), slice(None, None, 2))]:
                for _ in range(3):
                    args = {name: rng.standard_normal(shape)[index] for name in oracle.arguments(text)}
                    want = oracle.run(text, args)["result"]
                    got = kernel(*args.values())
                    kind = np.ndarray if want.ndim else type(want[()])
                    assert (got.dtype, got.shape, type(got)) == (want.dtype, want.shape, kind)
                    close = 1e-4 if "float32" in text else 1e-10
                    np.testing.assert_allclose(got, want, rtol=close, atol=close)


def test_statements_around_a_reduction(rng):
    """A program means the same as its statements one after another."""
    for text in [
        "y += x * (sum(x) > 0)",
        "y += x * (sum(y) > 0); y -= mean(y)",
        "s = sum(y); y += s; t = sum(y)",
        "let m = max(y); y -= m; y /= -min(y)",
        "y *= 2; x2 = y - x; m = mean(x2, axis=0); y += m",
        "a = mean(x, axis=0); b = x - a; c = sum(b * b, axis=0); d = c / a",
        "let s = sum(y, axis=0); y += s; y += s",
    ]:
        args = {"x": rng.standard_normal((8, 9)), "y": rng.standard_normal((8, 9))}
        args = {name: args[name] for name in oracle.arguments(text)}
        want = oracle.run(text, args)
        got = nf.evaluate(text, **{name: value.copy() for name, value in args.items()})
        for one, other in zip(outputs(got), want.values(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=text)


def test_functions_that_reduce(rng):
    """Defined functions are written out, with their own names."""
    functions = nf.Registry() if hasattr(nf, "Registry") else None
    if functions is None:
        pytest.skip("no registries")
    functions.define("centred(x, about=mean(x)) = x - about")
    functions.define("spread(x) = sqrt(mean(centred(x)**2))")
    functions.define("total(x, weight=1) = sum(x * weight) + 0*pi")
    x = rng.standard_normal(100)
    got = nf.compile("spread(x) + total(x, weight=2)", functions=functions)(x)
    assert np.isclose(got, x.std() + 2 * x.sum())
    assert np.allclose(nf.compile("centred(x, about=1)", functions=functions)(x), x - 1)


def test_functions_with_effects_are_called_once_an_element(rng):
    """What is reduced may call functions that want their order, or the calling thread."""
    registry = nf.Registry()
    for pure in (False, True):
        calls = []

        def seen(value, calls=calls):
            calls.append(value)
            return 2 * value

        registry.register(f"seen_{pure}", seen, "d(d)", python=True, pure=pure)
        x = rng.standard_normal((30, 20))
        y = np.asfortranarray(x)
        for text in (f"sum(seen_{pure}(x), axis=0)", f"y = seen_{pure}(x); sum(y, axis=0)"):
            for argument in (x, y):
                calls.clear()
                got = outputs(nf.compile(text, args=["x"], functions=registry)(argument))[-1]
                np.testing.assert_allclose(got, 2 * x.sum(axis=0), atol=1e-12)
                if not pure:
                    assert calls == x.ravel().tolist()
    large = rng.standard_normal(300_000)
    got = nf.compile("mean(seen_True(x))", functions=registry)(large)
    np.testing.assert_allclose(got, 2 * large.mean(), atol=1e-12)


def test_signatures():
    kernel = nf.compile("x - mean(x, axis=0) + sum(y)", signatures=["f8(f8, f4)", "f8(f4, f8)"])
    assert kernel.signatures == ["f8(f8, f4)", "f8(f4, f8)"] or len(kernel.signatures) == 2


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("max(x, 0)", nf.ExprTypeError, "maximum(x, 0)"),
        ("min(x, 0)", nf.ExprTypeError, "minimum(x, 0)"),
        ("sum(x, 1)", nf.ExprTypeError, "by name"),
        ("sum(x, axis=n)", nf.ExprTypeError, "axis"),
        ("sum(x, axis=1.5)", nf.ExprTypeError, "axis"),
        ("sum(x, keepdims=1)", nf.ExprTypeError, "keepdims"),
        ("sum(x, dtype=f16)", nf.ExprTypeError, "dtype"),
        ("sum(x, where=x)", nf.ExprTypeError, "bool"),
        ("min(x, where=x > 0)", nf.ExprValueError, "identity"),
        ("cumsum(x)", nf.ExprNameError, "numpy.cumsum"),
        ("cumprod(x)", nf.ExprNameError, "numpy.cumprod"),
        ("diff(x)", nf.ExprNameError, "numpy.diff"),
        ("x + None", nf.ExprSyntaxError, "None"),
        ("exp(x=(1, 2))", nf.ExprTypeError, "tuple"),
        ("exp(x=None)", nf.ExprTypeError, "None"),
        ("exp(x=())", nf.ExprTypeError, "tuple"),
        ("argmin(x, axis=())", nf.ExprTypeError, "an integer or `None`"),
        ("x + ()", nf.ExprSyntaxError, "no value in these parentheses"),
        ("ptp(x)", nf.ExprTypeError, "boolean subtract"),
    ],
)
def test_mistakes(text, error, words):
    x = np.ones(3, bool) if "ptp" in text else np.ones(3)
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        nf.evaluate(text, {"x": x})


def test_errors_come_before_the_first_store():
    for text, error in [
        ("y += 1; s = min(x)", ValueError),
        ("y += 1; s = sum(y, axis=1)", np.exceptions.AxisError),
        ("y += 1; s = sum(y, axis=(0, 0))", ValueError),
        ("y += 1; s = sum(y, initial=y)", ValueError),
        ("y += 1; s = sum(y, where=m)", ValueError),
    ]:
        y = np.zeros(3)
        args = {"x": np.empty(0), "y": y, "m": np.ones((2, 3), bool)}
        args = {name: args[name] for name in oracle.arguments(text)}
        with pytest.raises(error):
            nf.evaluate(text, **args)
        assert (y == 0).all(), text


BITS = """
import hashlib, sys
import numpy as np
import numfuse as nf
rng = np.random.default_rng(int(sys.argv[1]))
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for shape in [(1_500_000,), (1200, 1300), (3, 400_000), (400_000, 3), (40, 50, 600)]:
        x = rng.standard_normal(shape).astype(dtype)
        for view in (x, x.T, x[..., ::2]):
            for axis in (None, *range(view.ndim)):
                for text in ("sum(x, axis={})", "sum((x - y)**2, axis={})", "max(x * y, axis={})", "var(x, axis={})"):
                    kernel = nf.compile(text.format(axis))
                    digest.update(kernel(*[view, view[::-1]][: len(kernel.args)]).tobytes())
print(digest.hexdigest())
"""


def test_the_same_bits_for_every_number_of_threads_and_every_level(seed):
    def bits(**environment):
        command = [sys.executable, "-c", BITS, str(seed)]
        return subprocess.run(command, env=os.environ | environment, capture_output=True, check=True).stdout

    want = bits(NUMFUSE_NUM_THREADS="1")
    assert bits(NUMFUSE_NUM_THREADS="2") == want
    assert bits(NUMFUSE_NUM_THREADS="7") == want
    for level in ("avx2", "v128", "scalar"):
        assert bits(NUMFUSE_NUM_THREADS="2", NUMFUSE_SIMD=level) == want, level


def test_random_reductions(rng, statistics):
    """Exact reductions of random expressions, over random axes and layouts."""
    for _ in range(1500):
        shape = generate.random_shape(rng)
        dtypes = ORDERED if rng.random() < 0.8 else [*DTYPES[1:5], *generate.POINTS, *generate.SPANS]
        args = {name: generate.argument(rng, shape, statistics, dtypes=dtypes) for name in ("x", "y", "z")}
        env = dict(args)
        grower = generate.Grower(rng, env, statistics)
        inner, value = grower.node(int(rng.integers(0, 3)))
        name = str(rng.choice(generate.REDUCTIONS))
        # Places are along one axis, or all.
        axes = [a for a in axes_of(np.shape(value)) if not (name.startswith("arg") and isinstance(a, tuple))]
        axis = axes[int(rng.integers(0, len(axes)))]
        keepdims = ", keepdims=True" if rng.random() < 0.5 else ""
        text = f"{name}({inner}, axis={written(axis)}{keepdims})"
        if name in ("min", "max", "nanmin", "nanmax"):
            text += " + 0"
        used = {argument: args[argument] for argument in oracle.arguments(text) if argument in args}
        compare(text, used)


@pytest.fixture(params=[1, 2])
def threads(request):
    old = nf.set_num_threads(request.param)
    yield request.param
    nf.set_num_threads(old)


@pytest.mark.parametrize("size", [5, 3000, 1_000_000])
def test_any_and_all_end_early_and_lose_nothing(size, threads, seed):
    """What decides a result may stand anywhere; other statements of the loop go on to the end."""
    rng = np.random.default_rng(seed)
    for place in {0, size // 3, size - 1, int(rng.integers(size))}:
        x = np.zeros(size)
        x[place] = 1
        assert nf.evaluate("any(x > 0)", x=x) and not nf.evaluate("all(x == 0)", x=x)
        assert nf.evaluate("any(x > 0) and not any(x > 1) and all(x < 2)", x=x)
        flags = x.astype(bool)
        assert nf.evaluate("any(f)", f=flags) and not nf.evaluate("all(~f)", f=flags)
        result = nf.evaluate("y = x + 1; found = any(x > 0); total = sum(x)", x=x)
        np.testing.assert_array_equal(result.y, x + 1)
        assert result.found and result.total == 1


def test_any_calls_functions_with_effects_for_every_element():
    calls = []
    registry = nf.Registry()
    registry.register("seen", lambda v: calls.append(v) or v, "d->d", python=True, pure=False)
    assert nf.evaluate("any(seen(x) > 0)", x=np.ones(1000), functions=registry)
    assert len(calls) == 1000


def test_several_outputs_of_calls_like_one_before(seed):
    """The second and third call of the same types and shapes go a shorter way; others must not."""
    rng = np.random.default_rng(seed)
    kernel = nf.compile("m = mean(x, axis=0); v = var(x); y = x - m; z = sum(x, axis=1) > 0")
    for shape, order in [((3, 5), "C"), ((3, 5), "F"), ((40, 7), "C"), ((3, 5), "C"), ((1, 1), "C")]:
        for dtype in ("f8", "f8", "f4", "i2", "f8"):
            x = np.asarray((rng.standard_normal(shape) * 10).astype(dtype), order=order)
            m, v, y, z = kernel(x)
            nf.cache_clear()
            fresh = nf.compile(kernel.expression)(x)
            for got, want in zip((m, v, y, z), fresh, strict=True):
                assert got.dtype == want.dtype and got.strides == want.strides
                np.testing.assert_array_equal(got, want)
            np.testing.assert_allclose(m, x.mean(axis=0), rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(z, x.sum(axis=1) > 0)
            # Results are the caller's own.
            assert not np.shares_memory(m, kernel(x)[0])
    scalars = nf.compile("a = sum(x) + k; b = max(x) * k")
    for k in (2, 3, 2.5):
        a, b = scalars(np.arange(4.0), k)
        assert (a, b) == (6 + k, 3 * k)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1", "?", "c16", "m8[s]"])
def test_large_results(dtype, rng):
    """Results that are reduced to the memory of the outputs."""
    for shape in [(3, 5000), (5, 40, 300), (4100, 2), (1, 6000), (0, 5000), (40, 70, 17)]:
        x = values(rng, np.dtype("i4"), shape).astype(dtype)
        for array in (x, np.asfortranarray(x), x[..., ::-1], x[:, ::2]):
            for axis, keepdims in itertools.product(range(x.ndim), (False, True)):
                names = ["sum"] + (["max", "min"] if array.shape[axis] else []) + (["any"] if dtype[0] != "m" else [])
                for name in names:
                    text = f"{name}(x, axis={axis}, keepdims={keepdims})"
                    want = getattr(np, name)(array, axis=axis, keepdims=keepdims)
                    for order in "KCF":
                        got = nf.evaluate(text, x=array, order=order)
                        assert got.dtype == want.dtype
                        np.testing.assert_allclose(got.astype("c16"), want.astype("c16"), rtol=1e-5, err_msg=text)
                    assert got.flags.f_contiguous or got.size == 0
                    out = np.zeros(want.shape, want.dtype)
                    nf.evaluate(text, x=array, out=out)
                    np.testing.assert_array_equal(out, got)


def test_large_results_that_are_read_or_written_again(rng):
    x = rng.random((4, 9000))
    total = x.sum(axis=0)
    for text, want in {
        "s = sum(x, axis=0); t = s + 1": (total, total + 1),
        "s = sum(x, axis=0); t = max(s) - s": (total, total.max() - total),
        "s = sum(x, axis=0); m = max(x, axis=0)": (total, x.max(axis=0)),
        "s = sum(x, axis=0); s = s * 2": total * 2,
        "s = sum(x, axis=0); s += sum(s)": total + total.sum(),
        "s = sum(x, axis=0); t = sum(x, axis=0)": (total, total),
        "s = sum(x, axis=0); t = x - s": (total, x - total),
        "let s = sum(x, axis=0); s": total,
        "let s = sum(x, axis=0); a = s; b = s": (total, total),
        "let s = sum(x, axis=0); a = s; b = s; c = max(x, axis=0); d = s": (total, total, x.max(axis=0), total),
        "s = sum(x, axis=0); t = s": (total, total),
        "s = sum(x, axis=0); t = s; s = max(x, axis=0)": (x.max(axis=0), total),
    }.items():
        got = nf.evaluate(text, x=x)
        for value, expected in zip(got, want) if isinstance(want, tuple) else [(got, want)]:
            np.testing.assert_allclose(value, expected, rtol=1e-12, err_msg=text)
    mask = rng.random(9000) < 0.5
    out = np.full(9000, 7.0)
    nf.evaluate("sum(x, axis=0)", x=x, out=out, where=mask)
    np.testing.assert_allclose(out, np.where(mask, total, 7), rtol=1e-12)
    np.testing.assert_allclose(nf.evaluate("sum(x, axis=0)", x=x, where=mask), np.where(mask, total, 0), rtol=1e-12)
    got = nf.evaluate("sum(x, axis=0)", x=x, dtype="f4")
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, total, rtol=1e-6)
