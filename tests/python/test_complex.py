"""Complex numbers against NumPy's, and Python's own against Python."""

from __future__ import annotations

import itertools
import math
import operator
import warnings

import numpy as np
import pytest

import numfuse as nf

REAL = [np.dtype(code) for code in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()]
COMPLEX = [np.dtype(np.complex64), np.dtype(np.complex128)]

#: Functions whose errors are counted by the modulus of the value.
ROUNDED = (
    "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh"
).split()
#: Functions of one argument that are a few operations or none.
PLAIN = (
    "square reciprocal absolute sign conjugate conj real imag angle isnan isinf isfinite positive negative rint "
    "logical_not copy ones_like zeros_like"
).split()
BINARY = (
    "add subtract multiply divide power float_power minimum maximum fmin fmax equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or logical_xor"
).split()
#: What NumPy has no complex loops for.
LACKING = [
    *"floor ceil trunc cbrt fabs deg2rad rad2deg signbit spacing".split(),
    *"floor_divide remainder fmod copysign arctan2 hypot logaddexp heaviside nextafter gcd bitwise_and".split(),
]

INF, NAN = math.inf, math.nan
#: Zeros, units, ends of the range, and what is none of these.
PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, INF, -INF, NAN, 1e308, -1e308, 1e-300, 5e-324, -5e-324, 700.0, -750.0]
POINTS = np.array([complex(x, y) for x in PARTS for y in PARTS])


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def sample(rng, dtype, shape, low=-9):
    """Numbers of a dtype, of moderate size, none of them 0."""
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.integers(1 if dtype.kind == "u" else low, 10, shape).astype(dtype)


def assert_near(got, want, units=16, what=""):
    """Equal dtypes and shapes; values that differ by so many rounding errors of the modulus at most."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), what
    if want.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want, what)
        return
    limit = units * np.finfo(want.dtype).eps * np.abs(want)
    wrong = ~((np.abs(got - want) <= limit) | (got == want) | (np.isnan(got) & np.isnan(want)))
    assert not wrong.any(), f"{what}: {got[wrong][:3]}, not {want[wrong][:3]}"


def is_same(got, want, units):
    """Are two parts equal, signs of zeros included, or but for rounding errors?"""
    close = np.abs(got - want) <= units * np.finfo(want.dtype).eps * np.abs(want) + units * 5e-324
    signs = np.signbit(got) == np.signbit(want)
    return (got == want) & signs | close & np.isfinite(want) & signs | np.isnan(got) & np.isnan(want)


def differing(got, want, units=0):
    """Where values differ by part. Where a part is NaN, the other's sign means nothing (C99, Annex G)."""
    if want.dtype.kind == "b":
        return got != want
    if want.dtype.kind == "f":
        return ~is_same(got, want, units)
    partly = np.isnan(want.real) ^ np.isnan(want.imag)
    signless = lambda part: np.where(partly, np.abs(part), part)  # noqa: E731
    return ~(
        is_same(signless(got.real), signless(want.real), units)
        & is_same(signless(got.imag), signless(want.imag), units)
    )


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@pytest.mark.parametrize("name", ROUNDED + PLAIN)
def test_functions(name, dtype, rng):
    z = sample(rng, dtype, 1000)
    want = getattr(np, name)(z)
    # NumPy rounds the sum of 1 and a number.
    units = 16 * np.maximum(1, 1 / abs(want)) if name == "log1p" else 16
    assert_near(nf.evaluate(f"{name}(z)", z=z), want, units, name)
    assert nf.evaluate(f"{name}(z)", z=z[0]).dtype == getattr(np, name)(z[0]).dtype


#: NumPy's exponential less one has NaNs that its exponential has not, and its log1p is 0 next to 0.
DEPARTURES = {
    "expm1": lambda z: ~(z.real < 1e300) | np.isinf(z.real),
    "log1p": lambda z: np.abs(z) < 1e-200,
}


@pytest.mark.parametrize("name", ROUNDED + PLAIN)
def test_special_values(name):
    want = getattr(np, name)(POINTS)
    got = nf.evaluate(f"{name}(z)", z=POINTS)
    wrong = differing(got, want, units=4096 if name == "exp2" else 64)
    if name in DEPARTURES:
        wrong &= ~DEPARTURES[name](POINTS)
    # NumPy multiplies an angle by a rounded ln(2), and its product of parts is fused.
    if name == "exp2":
        wrong &= np.abs(POINTS.imag) < 100
    if name == "square":
        wrong &= ~(np.abs(POINTS.real) > 1e300)
    assert not wrong.any(), list(zip(POINTS[wrong][:4], got[wrong][:4], want[wrong][:4]))


def test_special_values_of_single_precision():
    parts = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, INF, -INF, NAN, 3e38, 1e-45]
    points = np.array([complex(x, y) for x in parts for y in parts], np.complex64)
    for name in ROUNDED:
        got, wide = nf.evaluate(f"{name}(z)", z=points), nf.evaluate(f"{name}(z)", z=points.astype(complex))
        wrong = differing(got, wide.astype(np.complex64))
        assert not wrong.any(), (name, list(zip(points[wrong][:4], got[wrong][:4], wide[wrong][:4])))


@pytest.mark.parametrize("name", BINARY[4:])
def test_special_values_of_two(name):
    parts = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, INF, -INF, NAN, 1e200, 5e-324]
    points = np.array([complex(x, y) for x in parts for y in parts])
    x, y = np.repeat(points, len(points)), np.tile(points, len(points))
    got, want = nf.evaluate(f"{name}(x, y)", x=x, y=y), getattr(np, name)(x, y)
    if "power" in name:
        # NumPy's power has errors in the angle that grow with the exponent.
        usual = np.isfinite(want) & (np.abs(y) < 1e3)
        assert_near(got[usual], want[usual], units=1e6)
        special = ~np.isfinite(want) & (np.abs(y) < 1e3) & np.isfinite(x) & np.isfinite(y)
        assert np.array_equal(np.isfinite(got[special]), np.isfinite(want[special]))
        zero = (x == 0) & ~np.isnan(y)
        wrong = differing(got[zero], want[zero])
        assert not wrong.any(), list(zip(y[zero][wrong][:4], got[zero][wrong][:4], want[zero][wrong][:4]))
        return
    wrong = differing(got, want)
    assert not wrong.any(), list(zip(x[wrong][:4], y[wrong][:4], got[wrong][:4], want[wrong][:4]))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_pairs_of_dtypes(name, dtype, rng):
    z = sample(rng, dtype, 60)
    for other in REAL + COMPLEX:
        x = sample(rng, other, 60)
        units = 4096 if "power" in name else 16
        for args in [(z, x), (x, z)]:
            what = f"{name}({args[0].dtype}, {args[1].dtype})"
            got = nf.evaluate(f"{name}(x, y)", x=args[0], y=args[1])
            assert_near(got, getattr(np, name)(*args), units, what)


OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@pytest.mark.parametrize("text", OPERATORS)
def test_operators(text, dtype, rng):
    z, function = sample(rng, dtype, 60), OPERATORS[text]
    units = 4096 if text == "**" else 16
    for other in [2, -3, True, 0.5, 1j, 2 - 1j, *(sample(rng, real, 60) for real in REAL)]:
        for left, right in [(z, other), (other, z)]:
            got = nf.evaluate(f"x {text} y", x=left, y=right)
            assert_near(got, function(left, right), units, f"{type(left)} {text} {type(right)}")


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 7, 99, 100, -1, -2, -5, 0.5, -0.5, 1.5, 2.0, 3.0, 1j, 0.5 - 2j])
def test_powers_by_constants(exponent, rng):
    z = np.concatenate([sample(rng, np.dtype(complex), 50), [0, complex(-0.0, -0.0), 1j, -2, 3 + 4j]])
    want = z**exponent if exponent not in (-1, -2, -5) else z ** float(exponent)
    got = nf.evaluate(f"z ** ({exponent})", z=z)
    assert_near(got, want, 4096, exponent)
    assert_near(nf.evaluate("z ** w", z=z, w=exponent), want, 4096, exponent)
    assert_near(nf.evaluate("power(z, w)", z=z, w=exponent), np.power(z, complex(exponent)), 4096, exponent)


def test_small_powers_of_whole_numbers_are_exact():
    z = np.array([complex(x, y) for x in range(-5, 6) for y in range(-5, 6)])
    for exponent in range(13):
        want = [complex(*exact_power(int(v.real), int(v.imag), exponent)) for v in z]
        assert np.array_equal(nf.evaluate("power(z, n)", z=z, n=exponent), want)


def exact_power(x, y, exponent):
    a, b = 1, 0
    for _ in range(exponent):
        a, b = a * x - b * y, a * y + b * x
    return a, b


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX], ids=str)
def test_angle(dtype, rng):
    z = sample(rng, dtype, 50)
    for text, degrees in [("angle(z)", False), ("angle(z, True)", True), ("angle(z, deg=1)", True)]:
        assert_near(nf.evaluate(text, z=z), np.angle(z, degrees))
    zeros = np.array([0.0, -0.0, -1.0, INF, -INF])
    np.testing.assert_array_equal(nf.evaluate("angle(z)", z=zeros), np.angle(zeros))


@pytest.mark.parametrize("name", LACKING)
def test_functions_of_reals_alone(name):
    function = getattr(np, name)
    args = {"x": np.ones(3, complex), "y": np.ones(3, complex)} if function.nin == 2 else {"x": np.ones(3, complex)}
    with pytest.raises(TypeError):
        function(*args.values())
    with pytest.raises(nf.ExprTypeError, match=f"{name}.*complex128|complex128.*{name}"):
        nf.evaluate(f"{name}({', '.join(args)})", **args)


@pytest.mark.parametrize("text", ["x // y", "x % y", "x & y", "~x", "x << y"])
def test_operators_of_reals_alone(text):
    with pytest.raises(nf.ExprTypeError, match="complex128"):
        nf.evaluate(text, **{name: np.ones(3, complex) for name in "xy" if name in text.split("(")[-1] or name in text})


def layouts(rng, dtype):
    z = sample(rng, dtype, (40, 30))
    yield "contiguous", z
    yield "transposed", z.T.copy().T
    yield "strided", np.repeat(z, 3, axis=1)[:, ::3]
    yield "backward", z[::-1, ::-1].copy()[::-1, ::-1]
    yield "byte-swapped", z.astype(dtype.newbyteorder())
    yield "swapped and strided", np.repeat(z, 2, axis=0).astype(dtype.newbyteorder())[::2]
    yield "row", z[0]
    yield "column", z[:, :1]
    yield "scalar", z[0, 0]
    yield "without dimensions", z[0, 0].reshape(())
    yield "empty", z[:0]


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_layouts(dtype, rng):
    w = sample(rng, dtype, (40, 30))
    for name, z in layouts(rng, dtype):
        native = z.astype(dtype)
        other = w[: len(z)] if z.ndim == 2 else w
        want = np.exp(native) * other + native.real
        assert_near(nf.evaluate("exp(z) * w + real(z)", z=z, w=other), want, 64, name)
        assert_near(nf.evaluate("real(z) * 2", z=z), native.real * 2, what=name)
        assert_near(nf.evaluate("imag(sqrt(z))", z=z), np.sqrt(native).imag, 64, name)


def test_outputs(rng):
    z = sample(rng, np.dtype(complex), 100)
    for dtype in COMPLEX:
        for out in [np.empty(100, dtype), np.empty(200, dtype)[::2], np.empty(100, dtype)[::-1]]:
            assert nf.evaluate("z * 2j", z=z, out=out) is out
            np.testing.assert_allclose(out, z * 2j, 1e-6)
    swapped = np.empty(100, np.dtype(complex).newbyteorder())
    nf.evaluate("z * 2j", z=z, out=swapped)
    np.testing.assert_array_equal(swapped, z * 2j)
    out = np.empty(100)
    with pytest.raises(TypeError, match="same_kind"):
        nf.evaluate("z * 2j", z=z, out=out)
    nf.evaluate("z * 2j", z=z, out=out, casting="unsafe")
    np.testing.assert_array_equal(out, (z * 2j).real)
    wide = np.empty(100, complex)
    nf.evaluate("x * 2", x=z.real.copy(), out=wide)
    np.testing.assert_array_equal(wide, z.real * 2)
    assert nf.evaluate("x * 2", x=z.real.copy(), dtype=np.complex64).dtype == np.complex64


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_updates(dtype, rng):
    z, x = sample(rng, dtype, 50), sample(rng, np.dtype(np.float32), 50)
    for text in ["+", "-", "*", "/", "**"]:
        for other in [x, z[::-1].copy(), 2, 1.5, 1j]:
            got, want = z.copy(), z.copy()
            nf.evaluate(f"z {text}= y", z=got, y=other)
            want = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "**": np.power}[text](want, other)
            assert_near(got, want.astype(dtype), 4096, text)
    with pytest.raises(TypeError, match="same_kind"):
        nf.evaluate("x += z", x=x.copy(), z=z)


def test_overlap_and_buffers(rng):
    z = sample(rng, np.dtype(complex), 300)
    got = z.copy()
    nf.evaluate("z = z * w", z=got, w=got[::-1], out={"z": got})
    np.testing.assert_allclose(got, z * z[::-1], 1e-15)
    # A loop of its own for the mean, and a value that outlives the memory that held it.
    kernel = nf.compile("w = z * z; y = w - mean(w); z = conj(y); w + z")
    target = z.copy()
    w = z * z
    y = w - w.mean()
    result = kernel(z=target)["result"] if isinstance(kernel(z=z.copy()), dict) else None
    if result is not None:
        np.testing.assert_allclose(result, w + y.conj(), 1e-12)


def test_selections(rng):
    z, w = sample(rng, np.dtype(complex), 200), sample(rng, np.dtype(complex), 200)
    x = z.real.copy()
    cases = {
        "where(x > 0, z, w)": np.where(x > 0, z, w),
        "where(z, 1, x)": np.where(z, 1, x),
        "z if x > 0 else 1": np.where(x > 0, z, 1),
        "z if x > 0 else x": np.where(x > 0, z, x),
        "x if z else 2j": np.where(z, x, 2j),
        "0 < z < w": (z > 0) & (z < w),
        "z and w": np.logical_and(z, w),
        "not z": np.logical_not(z),
        "clip(z, -0.5, 0.5j)": np.clip(z, -0.5, 0.5j),
        "clip(z, w, 1)": np.clip(z, w, 1),
        # What is clipped is an array, and no number of Python's own.
        "clip(0.5, -1, float32(x) * 1j)": np.clip(0.5, -1, x.astype(np.float32) * 1j),
        "round(z, 2)": np.round(z, 2),
        "round(z)": np.round(z),
        "round(z, -1)": np.round(z, -1),
        "abs(3 + 4j) + x": 5.0 + x,
        "z * 0 + 3": z * 0 + 3,
    }
    for text, want in cases.items():
        args = {name: value for name, value in [("x", x), ("z", z), ("w", w)] if name in text.replace("where", "")}
        assert_near(nf.evaluate(text, **args), want, what=text)


@pytest.mark.parametrize("name", "minimum maximum fmin fmax".split())
def test_clip_and_extremes_of_nan(name):
    parts = [0.0, 1.0, -1.0, NAN]
    points = np.array([complex(x, y) for x in parts for y in parts])
    x, y, z = (points[list(index)] for index in zip(*itertools.product(range(len(points)), repeat=3)))
    assert not differing(nf.evaluate(f"{name}(x, y)", x=x, y=y), getattr(np, name)(x, y)).any()
    assert not differing(nf.evaluate("clip(x, y, z)", x=x, y=y, z=z), np.clip(x, y, z)).any()


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions(dtype, axis, rng):
    z = sample(rng, dtype, (37, 50))
    z[3, 4] = 0
    holed = z.copy()
    holed[5, 6] = complex(NAN, 1)
    holed[0] = complex(1, NAN)
    for name in "sum mean var std any all count_nonzero min max ptp argmin argmax".split():
        want = getattr(np, name)(z, axis=axis)
        assert_near(nf.evaluate(f"{name}(z, axis={axis})", z=z), want, 512, name)
    assert_near(nf.evaluate(f"var(z, axis={axis}, ddof=1)", z=z), np.var(z, axis=axis, ddof=1), 512)
    assert_near(nf.evaluate(f"norm(z, axis={axis})", z=z), np.linalg.norm(z.ravel() if axis is None else z, axis=axis), 64)
    with warnings.catch_warnings(action="ignore"):
        for name in "nansum nanmean nanmin nanmax min max argmin argmax".split():
            want = getattr(np, name)(holed, axis=axis)
            assert_near(nf.evaluate(f"{name}(z, axis={axis})", z=holed), want, 512, name)
    assert_near(nf.evaluate("sum(z, initial=1j)", z=z), np.sum(z, initial=1j), 512)
    assert_near(nf.evaluate("sum(z, where=real(z) > 0)", z=z), np.sum(z, where=z.real > 0), 512)
    assert_near(nf.evaluate("sum(x, dtype=complex64)", x=z.real.copy()), np.sum(z.real, dtype=np.complex64), 512)


def test_the_order_reduces_what_is_there_when_it_is_reduced(rng):
    """A second loop for the imaginary parts reads what the first one read, whatever is written in the statements after
    it, and before it."""
    whole = lambda: rng.integers(-2, 3, (7, 9)) + 1j * rng.integers(-2, 3, (7, 9))  # noqa: E731
    y, w = whole(), whole()
    text = "m = max(y); y += 1; n = max(y, axis=0); let t = y*2; y -= w; k = min(t); q = t + k; y = y - min(y); s = ptp(y)"
    want = [y.max(), None, (y + 1).max(axis=0), ((y + 1) * 2).min()]
    want.append((y + 1) * 2 + want[3])
    last = y + 1 - w
    want[1] = last
    last = last - last.min()
    want += [last, np.ptp(last)]
    kernel = nf.compile(text, args=["y", "w"])
    for _ in range(2):
        given = y.copy()
        got = dict(zip((output for output in kernel.outputs), kernel(given, w)))
        names = ["m", "n", "k", "q", "s"]
        for name, value in zip(names, [want[0], want[2], want[3], want[4], want[6]]):
            np.testing.assert_array_equal(got[name], value, name)
    # What shares the first loop, before the reduction and after it.
    got = nf.evaluate("y += 1; let t = y*2; let k = min(t); z = t + 1; y -= w; k + z", y=y.copy(), w=w)
    np.testing.assert_array_equal(got[1], (y + 1) * 2 + 1)
    np.testing.assert_array_equal(got[2], want[3] + (y + 1) * 2 + 1)
    got = nf.evaluate("y += 1; let t = y*2; let k = min(y); z = t + 1; y -= w; k + z", y=y.copy(), w=w)
    np.testing.assert_array_equal(got[1], (y + 1) * 2 + 1)
    for text in ["y += 1; let t = y*2; let k = min(t); y -= w; y + k", "let t = y*2 + 2; let k = min(t); y += 1; y -= w; y + k"]:
        got = nf.evaluate(text, y=y.copy(), w=w)
        np.testing.assert_array_equal(got[-1], y + 1 - w + want[3])
    # Shared loops, repeated calls, and a result that begins with another.
    for text, function in {
        "max(z) - min(z) * sum(z)": lambda z: z.max() - z.min() * z.sum(),
        "z - max(z, axis=0)": lambda z: z - z.max(axis=0),
        "max(z - min(z, axis=1, keepdims=True), axis=0)": lambda z: (z - z.min(axis=1, keepdims=True)).max(axis=0),
        "max(z, initial=max(real(z)))": lambda z: z.max(initial=z.real.max()),
        "max(z, axis=1) + max(z, axis=1, keepdims=True)": lambda z: z.max(axis=1) + z.max(axis=1, keepdims=True),
        "sum(z - max(z)) + mean(z) + max(abs(z))": lambda z: (z - z.max()).sum() + z.mean() + abs(z).max(),
    }.items():
        kernel = nf.compile(text)
        for _ in range(4):
            z = whole()
            np.testing.assert_allclose(kernel(z), function(z), 1e-14, err_msg=text)


#: Shapes with few and many values of a result, and few and many results.
PRODUCT_SHAPES = [(), (0,), (1,), (5,), (17,), (3000,), (200_000,), (7, 4), (300, 50), (2000, 3), (3, 2500), (40, 600), (4, 5, 6), (2, 3, 0)]


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_products(dtype, rng):
    """Of units and few other whole numbers, so that they are exact in any order."""
    for shape in PRODUCT_SHAPES:
        units = rng.choice([1, -1, 1j, -1j], shape)
        z = np.asarray(np.where(rng.random(shape) < 8 / max(units.size, 8), 1 + 2j, units), dtype)
        mask = rng.random(shape) < 0.7
        axes = [None, *range(-z.ndim, z.ndim), *([(0, 1), (-1, 0)] if z.ndim > 2 else [])]
        for axis, keepdims in itertools.product(axes, (False, True)):
            if z.ndim == 0 and keepdims:
                continue
            for x in (z, z.T.copy().T, z[::-1] if z.ndim else z, z.astype(dtype.newbyteorder())):
                options = f"axis={axis}, keepdims={keepdims}"
                with warnings.catch_warnings(action="ignore"):
                    want = np.prod(x, axis=axis, keepdims=keepdims)
                    masked = np.prod(x, axis=axis, keepdims=keepdims, where=mask, initial=2 - 1j)
                got = nf.evaluate(f"prod(x, {options})", x=x)
                assert got.dtype == dtype
                np.testing.assert_array_equal(got, want, f"{shape} {options}")
                got = nf.evaluate(f"prod(x, {options}, where=mask, initial=2-1j)", x=x, mask=mask)
                assert got.dtype == dtype
                np.testing.assert_array_equal(got, masked, f"{shape} {options}")


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_scalars_of_repeated_calls(dtype):
    a, b, z = np.array(1 + 2j, dtype), dtype.type(3 - 1j), np.array([1 + 2j, 3, 4j], dtype)
    kernel = nf.compile("a*b + 1")
    for x, y in [(a, b), (b, a), (b, b), (z, b), (z, z), (1j, a), (2.0, b), (a, np.float32(2)), (z, a)]:
        for _ in range(3):
            got, want = kernel(x, y), x * y + 1
            assert type(got) is type(want) and np.asarray(got).dtype == np.asarray(want).dtype
            np.testing.assert_array_equal(got, want)
    for name in ("sum", "prod", "mean", "max"):
        kernel, want = nf.compile(f"{name}(z)"), getattr(np, name)(z)
        for _ in range(3):
            assert type(kernel(z)) is type(want)
            np.testing.assert_allclose(kernel(z), want, 1e-6)


def test_products_of_what_is_computed_beside_other_reductions(rng):
    z, w = (sample(rng, np.dtype(complex), (6, 40)) for _ in range(2))
    z, w = z / abs(z), w / abs(w)
    for text, want in {
        "prod(z*w) + sum(z)": np.prod(z * w) + z.sum(),
        "real(prod(z, axis=0)) - max(abs(z), axis=0)": np.prod(z, axis=0).real - abs(z).max(axis=0),
        "imag(prod(exp(z), axis=1))": np.prod(np.exp(z), axis=1).imag,
        "z / prod(z, axis=1, keepdims=True) * prod(w)": z / np.prod(z, axis=1, keepdims=True) * np.prod(w),
        "prod(real(z), dtype=complex64)": np.prod(z.real, dtype=np.complex64),
    }.items():
        kernel = nf.compile(text)
        args = {name: {"z": z, "w": w}[name] for name in kernel.args}
        for _ in range(2):
            assert_near(kernel(**args), want, 4096, text)


WEAK = [2j, 1 + 2j, -3.5 + 0.25j, 0j, complex(-0.0, 0.0), 3, -2, 0, 2.5, -0.5, 101]


@pytest.mark.parametrize("text", ["+", "-", "*", "/", "**", "==", "!="])
def test_python_numbers(text):
    """Among themselves, Python's complex numbers are Python's, errors included."""
    function = OPERATORS[text]
    for x, y in itertools.product(WEAK, WEAK):
        if not (isinstance(x, complex) or isinstance(y, complex)):
            continue
        try:
            want = function(x, y)
        except (ZeroDivisionError, OverflowError) as error:
            for run in (lambda: nf.evaluate(f"x {text} y", x=x, y=y), lambda: nf.evaluate(f"({x!r}) {text} ({y!r})")):
                with pytest.raises(type(error)):
                    run()
            continue
        written = f"({x!r}) {text} ({y!r})"
        for got, want in [(nf.evaluate(f"x {text} y", x=x, y=y), want), (nf.evaluate(written), eval(written))]:
            if text == "**":
                # Versions of Python round powers in polar coordinates differently.
                assert abs(got - want) <= 1e-14 * abs(want), (x, text, y, got, want)
            else:
                assert str(got) == str(got.dtype.type(want)), (x, text, y, got, want)
        if text in ("==", "!="):
            continue
        a = np.zeros(2, np.complex64)
        assert nf.evaluate(f"a + (x {text} y)", x=x, y=y, a=a).dtype == np.complex64


def test_python_numbers_that_overflow():
    for x, y in [(1e200 + 0j, 2), (1e200j, 3), (10j, 400.5)]:
        with pytest.raises(OverflowError):
            operator.pow(x, y)
        with pytest.raises(OverflowError):
            nf.evaluate("x ** y", x=x, y=y)
        with pytest.raises(OverflowError):
            nf.evaluate(f"({x!r}) ** {y!r}")


def test_python_numbers_have_no_order():
    with pytest.raises(TypeError, match="'<' not supported between instances of 'complex' and 'int'"):
        nf.evaluate("2j < 3")
    with pytest.raises(TypeError, match="'>='"):
        nf.evaluate("x >= y", x=1j, y=2j)
    assert nf.evaluate("x > y", x=1j, y=np.array([2j])).tolist() == [False]
    # Functions take them for NumPy's, which have.
    assert nf.evaluate("less(1j, 2j)") and not nf.evaluate("greater_equal(x, 0.5)", x=-1j)


def test_powers_of_negative_floats():
    assert nf.evaluate("(-8.0) ** (1 / 3)") == (-8.0) ** (1 / 3)
    assert nf.evaluate("(-8) ** 0.5") == (-8) ** 0.5
    assert nf.evaluate("abs((-8) ** 0.5 + x)", x=np.zeros(1)).tolist() == [abs((-8) ** 0.5)]
    with pytest.raises(TypeError, match=r"write `\(x\+0j\)`"):
        nf.evaluate("x ** 0.5", x=-8.0)
    assert nf.evaluate("(x + 0j) ** 0.5", x=-8.0) == (-8.0 + 0j) ** 0.5


def test_functions_of_python_numbers():
    for text in ["abs(3 + 4j)", "exp(1j)", "conj(2j)", "real(1 + 2j)", "sqrt(-1 + 0j)", "angle(1j)", "isnan(1j)"]:
        want = eval(text, {name: getattr(np, name) for name in "abs exp conj real sqrt angle isnan".split()})
        assert_near(nf.evaluate(text), want, what=text)
    assert nf.evaluate("2j").dtype == np.complex128
    assert nf.evaluate("x + 1j", x=np.ones(2, np.float32)).dtype == np.complex64
    assert nf.evaluate("x + 1j", x=np.ones(2, np.int8)).dtype == (np.ones(2, np.int8) + 1j).dtype


def test_attributes(rng):
    z = rng.normal(size=20) + 1j * rng.normal(size=20)
    x = rng.normal(size=20)
    for text in ["z.real", "z.imag", "(z * x).imag + x", "-z.real ** 2", "x.real", "x.imag", "z.imag.real"]:
        assert_near(nf.evaluate(text, {"z": z, "x": x}), eval(text), what=text)
    assert nf.compile("where((a - 10).real != 0.0, a, 2)").args == ("a",)
    assert nf.evaluate("2j.imag") == 2
    assert nf.evaluate("real.real + imag(real)", {"real": 3 + 4j}) == 7


@pytest.mark.parametrize(
    "real, imag, result",
    [("f4", "f4", "c8"), ("f4", "f8", "c16"), ("f2", "f4", "c8"), ("i4", "f4", "c16"), ("?", "u1", "c16"), ("f4", float, "c8")],
)
def test_complex_of_parts(real, imag, result):
    x = np.array([0, 1, 3]).astype(real)
    y = 2.5 if imag is float else np.array([5, 0, 1]).astype(imag)
    got = nf.evaluate("complex(x, y)", x=x, y=y)
    want = np.empty(3, result)
    want.real, want.imag = x, y
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def test_complex_of_special_parts():
    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0])
    x, y = special[:, None], special[None, :]
    got = nf.evaluate("complex(x, y)", x=x, y=y)
    np.testing.assert_array_equal(got.real, np.broadcast_to(x, (6, 6)))
    np.testing.assert_array_equal(got.imag, np.broadcast_to(y, (6, 6)))
    assert np.array_equal(np.signbit(got.imag), np.broadcast_to(np.signbit(y), (6, 6)))
    for text in ["complex(1j, 2)", "complex(1, 2j)", "complex('a', 1)"]:
        with pytest.raises(nf.ExprTypeError):
            nf.evaluate(text)
