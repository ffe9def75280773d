"""Times, `datetime64` and `timedelta64`: every operator and function against NumPy's own."""

import datetime
import itertools
import operator
import warnings

import numfuse as nf
import numpy as np
import pytest

UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]
COUNTED = ["7D", "2D", "25s", "10ms", "2Y", "3M", "5W", "90m"]
NAT = -(2**63)

NUMPY = {name: getattr(np, name) for name in dir(np) if not name.startswith("_") and callable(getattr(np, name))}
for name in ("real", "imag"):
    # Attributes of whatever array, not loops over numbers.
    del NUMPY[name]
NUMPY |= {"abs": np.absolute, "min": np.min, "max": np.max, "sum": np.sum, "round": np.round}

OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def outcome(compute):
    """What was computed, or the exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return compute()
        except (TypeError, OverflowError, ValueError, ZeroDivisionError) as error:
            return error


def show(value):
    """A value, dates as their numbers: NumPy can't write dates without a unit."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype} {value.view('i8') if value.dtype.kind in 'mM' else value}"
    return repr(value)


def same(text, function=None, options=None, **args):
    """The language's value of a text is NumPy's: by dtype and by bits; or both refuse, with the same type of error."""
    want = outcome(lambda: function(**args) if function else eval(text, dict(NUMPY), args))
    got = outcome(lambda: nf.evaluate(text, args, **(options or {})))
    shown = "".join(f"{name}: {show(value)}\n" for name, value in args.items())
    message = f"{text}\n{shown}numfuse: {show(got)}\nNumPy:   {show(want)}"
    if isinstance(want, Exception):
        kinds = (TypeError, OverflowError)
        assert isinstance(got, Exception), message
        assert [isinstance(got, kind) for kind in kinds] == [isinstance(want, kind) for kind in kinds], message
        return got
    assert not isinstance(got, Exception), message
    want = np.asarray(want)
    assert np.asarray(got).dtype == want.dtype, message
    assert np.shape(got) == want.shape, message
    assert isinstance(got, np.ndarray) == bool(want.shape), message
    if want.dtype.kind in "mM":
        got, want = np.asarray(got).view("i8"), want.view("i8")
    np.testing.assert_array_equal(got, want, err_msg=message)
    return got


def times(rng, dtype, size=40):
    """Random times: small ones, days of the usual calendars, and NaT."""
    numbers = rng.choice([10, 20_000, 2_000_000], size) * rng.uniform(-1, 1, size)
    # In years and months these would be beyond the calendars that anybody uses.
    unit = np.datetime_data(dtype)[0]
    numbers = (numbers % 5000 if unit in "YM" else numbers).astype("i8")
    numbers[rng.random(size) < 0.15] = NAT
    numbers[:3] = [0, 1, -1]
    return numbers.view(dtype)


def as_nat(x):
    """As many NaT: NumPy refuses to convert another point without a unit to years or months, when it meets one."""
    return np.full(x.shape, NAT).view(x.dtype)


def others(rng, size=40):
    """Operands that are no times."""
    integers = rng.integers(-9, 10, size)
    floats = np.round(rng.normal(0, 3, size), 2)
    floats[:6] = [0, np.nan, np.inf, 1e300, -0.0, -2.5]
    arrays = {code: integers.astype(code) for code in ["i1", "i2", "i4", "i8", "?", "c16"]}
    arrays |= {code: np.abs(integers).astype(code) for code in ["u1", "u2", "u4", "u8"]}
    with np.errstate(over="ignore"):
        arrays |= {code: floats.astype(code) for code in ["f2", "f4", "f8"]}
    return arrays | {"int": 3, "zero": 0, "float": -1.5, "complex": 2j, "True": True, "huge": 2**63, "scalar": np.int32(-4)}


DTYPES = [f"{kind}[{unit}]" for kind in ["M8", "m8"] for unit in UNITS + COUNTED] + ["M8", "m8"]


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS)
def test_operators_between_times(op, rng):
    arrays = {dtype: times(rng, dtype) for dtype in DTYPES}
    pairs = list(itertools.product(DTYPES, DTYPES))
    for x, y in itertools.chain(zip(DTYPES, DTYPES), rng.choice(pairs, 200)):
        same(f"x {op} y", x=arrays[x], y=rng.permutation(arrays[y]))


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS)
def test_operators_between_times_and_numbers(op, rng):
    for dtype in ["M8[D]", "m8[D]", "M8[7h]", "m8[25s]", "M8[Y]", "m8[M]", "m8", "M8"]:
        x = times(rng, dtype)
        for y in others(rng).values():
            same(f"x {op} y", x=x, y=y)
            same(f"y {op} x", x=x, y=y)


def test_literals(rng):
    x = times(rng, "m8[h]")
    for text in ["x + 3", "3 - x", "x * 2.5", "x / 4", "x // 0", "x == 3", "x < 2", "x == 2.5", "x != 2.5", "x < 2.5"]:
        same(text, x=x)
    same("x + y + 1", x=x, y=times(rng, "M8[D]"))
    same("(y - z) / x", x=x, y=times(rng, "M8[D]"), z=times(rng, "M8[M]"))


@pytest.mark.parametrize("op", ["-x", "+x", "~x", "logical_not(x)"])
def test_unary(op, rng):
    for dtype in DTYPES:
        same(op, x=times(rng, dtype))


def test_not_is_logical_not(rng):
    for dtype in ["M8[D]", "m8[D]"]:
        with pytest.raises(TypeError, match="logical_not"):
            nf.evaluate("not x", {"x": times(rng, dtype)})


#: NumPy answers otherwise here; with the reason.
DIFFERENT = {
    # NumPy makes floats of anything, NaT included.
    "i0",
}


def arguments(rng):
    arrays = {dtype: times(rng, dtype, 12) for dtype in ["M8[D]", "m8[D]", "m8[h]", "M8[M]"]}
    numbers = {code: np.linspace(-2, 5, 12).astype(code) for code in ["f8", "i8", "?", "f2", "c16"]}
    return arrays, numbers


def test_every_function(rng):
    arrays, numbers = arguments(rng)
    operands = arrays | numbers
    checked = 0
    for name in nf.functions():
        oracle = NUMPY.get(name)
        for count in (1, 2, 3):
            for types in itertools.product(operands, repeat=count):
                if not any(code in arrays for code in types):
                    continue
                if count == 3 and name not in ("where", "clip") and len(set(types)) > 1:
                    continue
                args = dict(zip("xyz", (operands[code] for code in types)))
                text = f"{name}({', '.join(args)})"
                got = outcome(lambda: nf.evaluate(text, args))
                if isinstance(got, Exception):
                    assert isinstance(got, nf.ExprError), f"{text} {types}: {got!r}"
                if oracle is None or name in DIFFERENT or count != arity(name):
                    continue
                same(text, **args)
                checked += 1
    assert checked > 2000


def arity(name):
    """How many arguments of NumPy's function are arrays."""
    oracle = NUMPY[name]
    return oracle.nin if isinstance(oracle, np.ufunc) else {"where": 3, "clip": 3}.get(name, 1)


@pytest.mark.parametrize("name", ["minimum", "maximum", "fmin", "fmax"])
def test_extremes(name, rng):
    for x, y in itertools.product(["m8[D]", "m8[7h]", "M8[Y]", "M8[s]", "m8", "M8", "m8[M]"], repeat=2):
        same(f"{name}(x, y)", x=times(rng, x), y=times(rng, y))
    for y in others(rng).values():
        same(f"{name}(x, y)", x=times(rng, "m8[D]"), y=y)
        same(f"{name}(y, x)", x=times(rng, "M8[D]"), y=y)


def test_choice(rng):
    c = rng.random(40) < 0.5
    for x, y in itertools.product(["m8[D]", "m8[7h]", "M8[Y]", "M8[s]", "m8", "M8", "m8[M]"], repeat=2):
        first, second = times(rng, x), times(rng, y)
        if "M8" in (x, y) and {x, y} & {"M8[Y]", "m8[M]"}:
            first, second = (as_nat(t) if t.dtype == "M8" else t for t in (first, second))
        same("where(c, x, y)", c=c, x=first, y=second)
    for name, y in others(rng).items():
        if name != "huge":
            same("where(c, x, y)", c=c, x=times(rng, "m8[D]"), y=y)
            same("where(c, y, x)", c=c, x=times(rng, "M8[D]"), y=y)
    same("where(x, 1, 2)", x=times(rng, "m8[D]"))
    x, y = times(rng, "m8[D]"), times(rng, "m8[D]")
    same("x if x < y else y", lambda x, y: np.where(x < y, x, y), x=x, y=y)
    same("x and y", lambda x, y: np.logical_and(x, y), x=x, y=y)
    same("x or y", lambda x, y: np.logical_or(x, y), x=x, y=y)


def test_clip(rng):
    for types in itertools.product(["m8[D]", "m8[7h]", "M8[D]", "M8[h]", "i8", "f8"], repeat=3):
        args = [times(rng, code) if code[0] in "mM" else rng.integers(-5, 5, 40).astype(code) for code in types]
        same("clip(x, y, z)", **dict(zip("xyz", args)))


REDUCTIONS = (
    "sum prod mean var std min max ptp any all count_nonzero nanmin nanmax nansum nanmean".split()
)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, rng):
    for dtype in ["m8[D]", "M8[D]", "m8[7h]", "M8[Y]", "m8", "m8[ns]"]:
        for nats in [True, False]:
            x = times(rng, dtype, 3000).reshape(3, 10, 100)
            if not nats:
                x = np.where(np.isnat(x), x.dtype.type(3, *np.datetime_data(x.dtype)[:1]), x) if dtype != "m8" else x
            same(f"{name}(x)", x=x)
            for axis in [0, 1, 2, (0, 2)]:
                same(f"{name}(x, axis={axis})", x=x)
            same(f"{name}(x, axis=1, keepdims=True)", x=x)
        same(f"{name}(x)", x=np.full(5, NAT).view(dtype))
        if name in ("any", "all", "count_nonzero", "sum", "mean", "nansum"):
            same(f"{name}(x)", x=np.empty(0, dtype))


def test_reductions_with_where_and_initial(rng):
    x = times(rng, "m8[D]", 60).reshape(6, 10)
    c = (rng.random((6, 10)) < 0.5) & ~np.isnat(x)
    # NumPy's function of this name has no such parameter.
    masked = [name for name in REDUCTIONS if name not in ("ptp", "count_nonzero", "nanmin", "nanmax", "min", "max")]
    for name in masked:
        same(f"{name}(x, where=c)", x=x, c=c)
        same(f"{name}(x, axis=1, where=c)", x=x, c=c)
    points = times(rng, "M8[D]", 60)
    for name in ["min", "max", "nanmin", "nanmax", "sum"]:
        for initial in [3, np.timedelta64(7, "h"), np.timedelta64(2, "W"), np.timedelta64("NaT"), np.timedelta64(5)]:
            for where in ["", ", where=c"]:
                same(f"{name}(x, initial=i{where})", x=x, i=initial, **({"c": c} if where else {}))
        same(f"{name}(x, initial=i)", x=points, i=points[0])
        same(f"{name}(x, initial=i)", x=points, i=3)
    for text in ["sum(x, initial=1.5)", "sum(x, dtype=float64)"]:
        with pytest.raises(TypeError, match="ufunc"):
            nf.evaluate(text, {"x": x})
    for text in ["sum(c, initial=i)", "max(1.0 * c, initial=i)", "prod(1j * c, initial=i)"]:
        with pytest.raises(TypeError, match="ufunc"):
            nf.evaluate(text, {"c": c, "i": np.timedelta64(1, "h")})


def test_numbers_become_times_in_outputs():
    kernel = nf.compile("n + 1")
    # The first calls and the later ones take different ways.
    for _ in range(3):
        for value in [3, np.int64(3)]:
            result = kernel(value, dtype="m8[s]")
            assert result == np.timedelta64(4, "s") and isinstance(result, np.timedelta64)
        assert kernel(2.5, dtype="M8[s]", casting="unsafe") == np.datetime64(3, "s")
        np.testing.assert_array_equal(kernel(np.arange(3), dtype="m8[s]"), np.arange(1, 4).astype("m8[s]"))
        with pytest.raises(TypeError, match="Cannot cast"):
            kernel(np.timedelta64(1, "s"), dtype="S5", casting="unsafe")


def test_reductions_among_other_things(rng):
    x = times(rng, "m8[h]", 500)
    x[np.isnat(x)] = 4
    y = times(rng, "M8[D]", 500)
    same("x - mean(x)", x=x)
    same("(x - min(x)) / ptp(x)", x=x)
    same("y - nanmin(y)", y=y)
    same("nanmax(y - nanmin(y) + x)", x=x, y=y)


CASTINGS = ["no", "equiv", "safe", "same_kind", "unsafe"]


@pytest.mark.parametrize("casting", CASTINGS)
def test_casts_to_outputs(casting, rng):
    points = ["M8[D]", "M8[2D]", "M8[h]", "M8[Y]", "M8[3M]", "M8[W]", "M8[5us]", "M8[ms]", "M8"]
    spans = ["m8[D]", "m8[2D]", "m8[7h]", "m8[Y]", "m8[M]", "m8[s]", "m8[ns]", "m8"]
    types = points + spans
    numbers = ["?", "i1", "i8", "u4", "u8", "f2", "f4", "f8", "c16"]
    arrays = others(rng) | {dtype: times(rng, dtype) for dtype in types}
    for source, target in itertools.product(types + numbers, repeat=2):
        if source in numbers and target in numbers:
            continue
        x, want, got = arrays[source], np.zeros(40, target), np.zeros(40, target)
        if source == "M8" and target[-2:] in ("Y]", "M]"):
            x = as_nat(x)
        expected = outcome(lambda: np.copyto(want, x, casting=casting))
        actual = outcome(lambda: nf.evaluate("x", {"x": x}, out=got, casting=casting))
        message = f"{source} -> {target} {casting}: {show(actual)} {show(expected)}\n{show(x)}"
        if isinstance(expected, Exception):
            assert isinstance(actual, Exception), message
        else:
            assert not isinstance(actual, Exception), message
            if got.dtype.kind in "mM":
                got, want = got.view("i8"), want.view("i8")
            np.testing.assert_array_equal(got, want, err_msg=message)


@pytest.mark.parametrize("kind", ["m8", "M8"])
def test_every_conversion_of_units(kind, rng):
    for source, target in itertools.product(UNITS + COUNTED, repeat=2):
        x = times(rng, f"{kind}[{source}]", 300)
        dtype = f"{kind}[{target}]"
        same("x", lambda x: x.astype(dtype), {"dtype": dtype, "casting": "unsafe"}, x=x)


def test_calendar():
    days = np.arange("1580-01-01", "2420-01-01", dtype="M8[D]")
    for unit in ["M", "Y", "3M", "2Y", "W"]:
        same("x", lambda x: x.astype(f"M8[{unit}]"), {"dtype": f"M8[{unit}]"}, x=days)
    months = np.arange(-40_000, 40_000).view("M8[M]")
    for unit in ["D", "W", "h", "s", "Y"]:
        same("x", lambda x: x.astype(f"M8[{unit}]"), {"dtype": f"M8[{unit}]"}, x=months)


def test_large_numbers(rng):
    x = rng.integers(-(2**62), 2**62, 200).view("m8[s]")
    y = rng.integers(-(2**62), 2**62, 200).view("m8[s]")
    for text in ["x + y", "x - y", "x * 3", "x * 2.5", "x / 3", "x // -7", "x / y", "x // y", "x % y", "x < y", "-x", "abs(x)", "sign(x)"]:
        same(text, x=x, y=y)
    same("x + y", x=x, y=y.view("m8[m]"))


def test_in_place(rng):
    operators = {
        "+": operator.iadd,
        "-": operator.isub,
        "*": operator.imul,
        "/": operator.itruediv,
        "//": operator.ifloordiv,
        "%": operator.imod,
    }
    operands = {dtype: times(rng, dtype) for dtype in ["m8[D]", "m8[h]", "M8[D]", "M8[ns]", "m8[Y]"]}
    numbers = others(rng)
    operands |= {code: numbers[code] for code in ("i8", "f8", "int", "float", "u8")}
    targets = ["m8[h]", "M8[h]", "i8", "f8"]
    for target, (symbol, update), (code, y) in itertools.product(
        targets, operators.items(), operands.items()
    ):
        if target in ("i8", "f8") and code[0] not in "mM":
            continue
        x = times(rng, target) if target[0] in "mM" else others(rng)[target]
        want, got = x.copy(), x.copy()
        expected = outcome(lambda: update(want, y))
        actual = outcome(lambda: nf.evaluate(f"x {symbol}= y", x=got, y=y))
        message = f"{target} {symbol}= {code}: {show(actual)}, {show(expected)}"
        assert isinstance(actual, TypeError) == isinstance(expected, TypeError), message
        np.testing.assert_array_equal(got.view("i8"), want.view("i8"), err_msg=message)


def test_outputs_and_layouts(rng):
    x, y = times(rng, "M8[D]"), times(rng, "m8[h]")
    out = np.empty(40, "M8[ns]")
    assert nf.evaluate("x + y", {"x": x, "y": y}, out=out) is out
    np.testing.assert_array_equal(out, x + y)
    same("x - y", lambda x, y: (x - y).astype("M8[s]"), {"dtype": "M8[s]"}, x=x, y=y)
    same("x - y", lambda x, y: x - y, x=x.astype(">M8[D]"), y=y.astype(">m8[h]"))
    same("x - y", x=x[::2], y=y[::-2])
    same("x - y", x=x.reshape(40, 1), y=y)
    swapped = np.empty(40, ">M8[s]")
    nf.evaluate("x + y", {"x": x, "y": y}, out=swapped)
    np.testing.assert_array_equal(swapped, x + y)


def test_scalars():
    point, span = np.datetime64("2024-02-28", "D"), np.timedelta64(36, "h")
    for text in ["x + y", "x - x", "y * 2", "y / 2.5", "y // y", "x < x + y", "isnat(x)", "minimum(y, y)", "y / y"]:
        args = {name: value for name, value in {"x": point, "y": span}.items() if name in text}
        value = same(text, **args)
        assert isinstance(nf.evaluate(text, args), np.generic), text
    nat = np.datetime64("NaT")
    for text in ["x == x", "x != x", "x < y", "x - y", "isnat(x)", "isnan(x)", "isfinite(x)", "maximum(x, y)", "fmax(x, y)"]:
        same(text, **({"x": nat, "y": point} if "y" in text else {"x": nat}))


def test_objects_of_python(rng):
    x, y = times(rng, "M8[D]"), times(rng, "m8[h]")
    for value in [datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 15, 123456)]:
        scalar = np.datetime64(value)
        for text in ["x - v", "v - x", "v + y", "x < v", "v == x", "where(isnat(x), v, x)", "maximum(x, v)"]:
            args = {"v": value} | ({"x": x} if "x" in text.replace("max", "") else {"y": y})
            same(text, lambda **args: eval(text, dict(NUMPY), args | {"v": scalar}), **args)
    for value in [datetime.timedelta(hours=5), datetime.timedelta(days=-3, microseconds=7)]:
        scalar = np.timedelta64(value)
        for text in ["x - v", "v + x", "v + y", "y < v", "y / v", "y % v", "2 * v", "v"]:
            args = {"v": value} | {name: array for name, array in {"x": x, "y": y}.items() if name in text}
            same(text, lambda **args: eval(text, dict(NUMPY), args | {"v": scalar}), **args)


def test_several_loops(rng):
    x, y = times(rng, "M8[D]"), times(rng, "m8[h]")
    # What a later statement reads after it was overwritten is kept.
    text = "d = x - t\nx += y\ne = d + (x - t)\nm = max(e)"
    got = nf.evaluate(text, x=x.copy(), y=y, t=np.datetime64("2001-01-01"))
    d = x - np.datetime64("2001-01-01")
    after = (x + y).astype("M8[D]")
    e = d + (after - np.datetime64("2001-01-01"))
    for value, want in zip((got.d, got.e, got.m), (d, e, e.max())):
        assert value.dtype == want.dtype
        np.testing.assert_array_equal(value, want)


def test_threads_and_sizes(rng):
    for size in [0, 1, 2, 7, 1000, 300_000]:
        x = rng.integers(-(10**6), 10**6, size).view("m8[s]")
        y = rng.integers(0, 10**6, size).view("M8[h]")
        same("y + x * 2 - y", x=x, y=y)
        if size:
            same("max(x) - min(x)", x=x)
            same("sum(x)", x=x)
            same("mean(x)", x=x)


def test_messages():
    x = np.array(["2024-01-01"], "M8[D]")
    with pytest.raises(TypeError, match="ufunc 'add' not supported for the input types datetime64.D. and datetime64.D."):
        nf.evaluate("x + x", {"x": x})
    with pytest.raises(TypeError, match="years and months have no fixed length in days"):
        nf.evaluate("a + b", {"a": np.array([1], "m8[Y]"), "b": np.array([1], "m8[D]")})
    with pytest.raises(OverflowError, match="Integer overflow"):
        nf.evaluate("a + b", {"a": np.array([1], "m8[s]"), "b": np.array([1], "m8[as]")})
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' input 1 from .*timedelta64.Y."):
        nf.evaluate("x + b", {"x": x, "b": np.array([1], "m8[Y]")})
    with pytest.raises(TypeError, match="isnat"):
        nf.evaluate("isnat(x)", {"x": 1.5})


def test_definitions_and_signatures(rng):
    x, y = times(rng, "M8[D]"), times(rng, "m8[h]")
    registry = nf.Registry()
    registry.define("later(t, by=3) = t + by")
    registry.define("breadth(a) = max(a) - min(a)")
    known = x[~np.isnat(x)]
    got = nf.evaluate("later(x)", {"x": x}, functions=registry)
    np.testing.assert_array_equal(got, x + 3)
    assert nf.evaluate("breadth(x)", {"x": known}, functions=registry) == np.ptp(known)
    kernel = nf.compile("when + by", signatures=["M8[h](M8[D], m8[h])", (x.dtype, np.dtype("m8[25s]"))])
    assert {str(signature) for signature in kernel.signatures} == {"M8[h](M8[D], m8[h])", "M8[25s](M8[D], m8[25s])"}
    np.testing.assert_array_equal(kernel(x, y), x + y)
