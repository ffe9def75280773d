"""numfuse against NumPy, over every operator and pair of dtypes and over random programs.

The results must have NumPy's dtypes, shapes and bits (elementary functions: within a few ULP),
and where NumPy raises, numfuse must raise the same kind of error. A test gathers what differs and
shows the first few, each as a program that a person can paste.
"""

import itertools
import re

import generate
import numfuse as nf
import numpy as np
import oracle
import pytest


def crossed(first, second):
    """Every pair of special values, and more elements than a vector loop's stride."""
    x, y = generate.special_values(first), generate.special_values(second)
    return np.repeat(x, len(y)), np.tile(y, len(x))


PAIRS = list(itertools.product(generate.DTYPES, generate.DTYPES))
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", *generate.COMPARISONS]


def ulp_of(operator_or_function, *dtypes):
    if operator_or_function == "**":
        operator_or_function = "power"
    if operator_or_function == "power" and np.result_type(*dtypes).kind in "biu":
        return 0
    return oracle.BUDGET.get(operator_or_function, 0)


@pytest.mark.parametrize("op", OPERATORS)
def test_operator_on_arrays(op, differences, rng):
    """Every pair of dtypes, as arrays and with a NumPy scalar or 0-d array on either side."""
    text = f"x {op} y"
    kernel = nf.compile(text)
    for first, second in PAIRS:
        x, y = crossed(first, second)
        ulp = ulp_of(op, first, second)
        if op == "**" and first.kind in "iu" and second.kind == "i":
            differences.check(kernel, text, {"x": x, "y": y}, ulp=ulp)
            keep = y >= 0
            x, y = x[keep], y[keep]
        differences.check(kernel, text, {"x": x, "y": y}, ulp=ulp)
        differences.check(kernel, text, {"x": x[::-2], "y": y[::-2]}, ulp=ulp)
        for values, other in ((x, y), (y, x)):
            scalar = rng.choice(other) if rng.random() < 0.7 else np.array(rng.choice(other))
            pair = {"x": values, "y": scalar} if values is x else {"x": scalar, "y": values}
            differences.check(kernel, text, pair, ulp=ulp)
        scalars = {"x": rng.choice(x), "y": rng.choice(y)}
        differences.check(kernel, text, scalars, ulp=ulp)


@pytest.mark.parametrize("op", OPERATORS)
def test_operator_with_python_numbers(op, differences, rng):
    """Weak numbers on either side of every dtype, as arguments and as literals."""
    right, left = nf.compile(f"x {op} w"), nf.compile(f"w {op} x")
    for dtype in generate.DTYPES:
        x = generate.special_values(dtype)
        for weak in [*generate.WEAK_INTEGERS, *generate.WEAK_FLOATS, True, False]:
            kind = np.dtype(type(weak))
            ulp = ulp_of(op, dtype, kind)
            # NumPy's `bools ** 2` is int8, `bools ** 3` int64: here a dtype never depends on an
            # argument's value.
            if not (op == "**" and dtype.kind == "b" and type(weak) is int and weak == 2):
                differences.check(right, f"x {op} w", {"x": x, "w": weak}, ulp=ulp)
            differences.check(left, f"w {op} x", {"w": weak, "x": x}, ulp=ulp)
        for weak in [0, 1, 2, -1, 3, 128, 300, 70000, 2**40, 0.0, 0.5, 2.0, -1.5, 1e39, 1e300]:
            literal = f"({weak!r})" if weak < 0 else repr(weak)
            ulp = ulp_of(op, dtype, np.dtype(type(weak)))
            for text in (f"x {op} {literal}", f"{literal} {op} x"):
                differences.check(None, text, {"x": x}, ulp=ulp)


@pytest.mark.parametrize("op", OPERATORS)
def test_operator_between_python_numbers(op, differences):
    """Weak operands give what Python gives, as int64 or float64."""
    kernel = nf.compile(f"a {op} b")
    numbers = [0, 1, 2, 3, -1, -7, 63, 64, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
    numbers += [0.0, -0.0, 0.5, -2.5, 2.0**53, 1e300, -1e300, float("inf"), float("nan"), True]
    for a, b in itertools.product(numbers, repeat=2):
        if (op, a is True, b) == ("**", True, 2):
            continue  # int8 for NumPy's arrays of bools, int64 for its scalars
        ulp = 1 if op == "**" else 0
        differences.check(kernel, f"a {op} b", {"a": a, "b": b}, ulp=ulp)
        if all(abs(n) < 2**63 for n in (a, b)) and abs(a) < 1e300 and abs(b) < 1e300:
            differences.check(None, f"({a!r}) {op} ({b!r})", {}, ulp=ulp)


UNARY_FUNCTIONS = generate.EXACT_UNARY + generate.ELEMENTARY
UNARY_FUNCTIONS += "signbit spacing degrees radians bitwise_not copy ones_like zeros_like".split()


@pytest.mark.parametrize("name", [*UNARY_FUNCTIONS, "-", "+", "~", "not "])
def test_unary(name, differences, rng):
    text = f"{name}(x)"
    kernel = nf.compile(text)
    ulp = oracle.BUDGET.get(name, 0)
    for dtype in generate.DTYPES:
        special = generate.special_values(dtype)
        samples = [special, np.tile(special, 5)[3:], special[::-1], special.astype(dtype.newbyteorder(">"))]
        samples += [generate.elements(rng, dtype, 1000) for _ in range(4)]
        if dtype.kind == "f":
            # Where results are near overflow, subnormal, or near a zero.
            samples += [rng.uniform(-limit, limit, 500).astype(dtype) for limit in (1, 8, 110, 760)]
            samples.append((10.0 ** rng.uniform(-45, 38, 500)).astype(dtype))
            samples.append((1 + 10.0 ** rng.uniform(-18, 0, 500)).astype(dtype))
        samples += list(special[:: max(1, len(special) // 6)])
        for x in samples:
            differences.check(kernel, text, {"x": x}, ulp=ulp)
    for weak in [0, 1, 3, -2, 2**62, 0.0, -0.0, 0.5, 2.5, -1e300, float("inf"), float("nan"), True]:
        differences.check(kernel, text, {"x": weak}, ulp=ulp)


BINARY_FUNCTIONS = generate.EXACT_BINARY + generate.CHOOSING + generate.ELEMENTARY_BINARY
BINARY_FUNCTIONS += (
    "copysign heaviside power float_power logaddexp logaddexp2 gcd lcm mod divide not_equal "
    "less_equal greater"
).split()


def steady(name, pair):
    """The pair without elements where a sum of logarithms cancels: NumPy's error there is of its
    arguments' last places, any number of the result's."""
    if not name.startswith("logaddexp"):
        return pair
    keep = abs(getattr(np, name)(pair["x"], pair["y"])) >= np.maximum(abs(pair["x"]), abs(pair["y"])) / 8
    return {argument: values[keep] for argument, values in pair.items()}


@pytest.mark.parametrize("name", BINARY_FUNCTIONS)
def test_binary_function(name, differences, rng):
    text = f"{name}(x, y)"
    kernel = nf.compile(text)
    zero_signs = name not in generate.CHOOSING
    for first, second in PAIRS:
        x, y = crossed(first, second)
        if name == "power" and first.kind in "iu" and second.kind == "i":
            x, y = x[y >= 0], y[y >= 0]
        ulp = ulp_of(name, first, second)
        differences.check(kernel, text, {"x": x, "y": y}, ulp=ulp, zero_signs=zero_signs)
        pair = {"x": x, "y": rng.choice(y)}
        differences.check(kernel, text, pair, ulp=ulp, zero_signs=zero_signs)
        if first.kind == second.kind == "f":
            x = 10.0 ** rng.uniform(-45, 38, 2000) * rng.choice([-1, 1, 1, 1], 2000)
            y = rng.choice([rng.uniform(-9, 9), rng.integers(-9, 9), rng.integers(-330, 330)], 2000)
            for values in (x, rng.choice([-10, -2, 0.5, 2, 10, 1.0001], 2000)):
                pair = steady(name, {"x": values.astype(first), "y": y.astype(second)})
                differences.check(kernel, text, pair, ulp=ulp, zero_signs=zero_signs)
    for dtype in generate.DTYPES:
        x = generate.special_values(dtype)
        for weak in [0, 1, 2, 5, 100, 300, 0.0, 0.5, -2.0, 1e300, True]:
            ulp = ulp_of(name, dtype, np.dtype(type(weak)))
            pair = {"x": x, "y": weak}
            differences.check(kernel, text, pair, ulp=ulp, zero_signs=zero_signs)


def test_choice_between_zeros():
    """Of two equal operands, the first."""
    x = np.array([0.0, -0.0, 0.0, -0.0] * 9)
    y = np.array([0.0, 0.0, -0.0, -0.0] * 9)
    for name in generate.CHOOSING:
        for dtype in (np.float32, np.float64):
            result = nf.evaluate(f"{name}(x, y)", x=x.astype(dtype), y=y.astype(dtype))
            assert (np.signbit(result) == np.signbit(x)).all(), name


def test_selection(differences, rng):
    """`where`, conditionals and `clip` over every pair of dtypes."""
    programs = ["where(c, x, y)", "x if c else y", "clip(x, y, c)", "clip(c, x, y)", "x and y", "x or y"]
    for text in programs:
        names = oracle.arguments(text)
        kernel = nf.compile(text)
        for first, second in PAIRS:
            condition = generate.DTYPES[int(rng.integers(0, len(generate.DTYPES)))]
            x, y = crossed(first, second)
            values = {"x": x, "y": y, "c": generate.elements(rng, condition, len(x))}
            args = {name: values[name] for name in names}
            differences.check(kernel, text, args, zero_signs="clip" not in text)
            args |= {names[0]: rng.choice(values[names[0]])}
            differences.check(kernel, text, args, zero_signs="clip" not in text)
        for dtype in generate.DTYPES:
            for weak in [0, 1, -1, 200, 1000, 2**40, 0.5, -1e300]:
                values = {"x": generate.special_values(dtype), "y": weak, "c": True}
                if "clip" in text:
                    values["c"] = 100
                args = {name: values[name] for name in names}
                differences.check(kernel, text, args, zero_signs="clip" not in text)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"])
def test_in_place(op, differences, rng):
    """`op=` over every pair of dtypes, with same_kind casting of the result."""
    text = f"y {op}= x"
    kernel = nf.compile(text)
    for first, second in PAIRS:
        y, x = crossed(first, second)
        if op == "**" and first.kind in "iu" and second.kind == "i":
            y, x = y[x >= 0], x[x >= 0]
        ulp = ulp_of(op, first, second)
        differences.check(kernel, text, {"y": y, "x": x}, ulp=ulp)
        differences.check(kernel, text, {"y": y.copy()[::-1], "x": rng.choice(x)}, ulp=ulp)
    for dtype in generate.DTYPES:
        for weak in [0, 1, -1, 2, 100, 300, -200, 0.5, 2.0]:
            y = generate.special_values(dtype)
            ulp = ulp_of(op, dtype, np.dtype(type(weak)))
            differences.check(kernel, text, {"y": y, "x": weak}, ulp=ulp)


def agreed(x, dtype):
    """NumPy's cast, and where its vector code and its scalar code agree on it."""
    many = np.tile(x, 16).astype(dtype)[: len(x)]
    single = np.array([x[i : i + 1].astype(dtype)[0] for i in range(len(x))], dtype)
    same = (many == single) | ((many != many) & (single != single))
    return many, same


@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
def test_casts(casting, statistics):
    """Every pair of dtypes as `out=` and `dtype=`, NaN, infinities and all."""
    wrong = []
    kernel = nf.compile("r = x")
    for source, target in PAIRS:
        x = generate.special_values(source)
        allowed = np.can_cast(source, target, casting)
        for options in ({"out": np.zeros(len(x), target)}, {"dtype": target}):
            statistics["cases"] += 1
            try:
                got = kernel(x, casting=casting, **options)
            except TypeError:
                if allowed:
                    wrong.append(f"{source} to {target}: TypeError")
                continue
            if not allowed:
                wrong.append(f"{source} to {target}: no TypeError")
                continue
            with np.errstate(all="ignore"):
                want, same = agreed(x, target)
            bad = oracle.differs(got, want)
            if isinstance(bad, str):
                wrong.append(f"{source} to {target}: {bad}")
            elif bad is not None and (bad & same).any():
                at = np.flatnonzero(bad & same)
                wrong.append(f"{source} to {target}: {x[at]} gave {got[at]}, not {want[at]}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def cases(request):
    return request.config.getoption("--cases") or 20_000


def run_programs(differences, rng, cases):
    for _ in range(cases):
        text, args, ulp = generate.program(rng, differences.statistics)
        if not args:
            differences.check(None, text, args, ulp=ulp, strict=False)
            continue
        written = "w" if re.search(r"\bw (\W+)= ", text) else None
        before = {n: np.array(v) for n, v in args.items() if isinstance(v, np.ndarray)}
        differences.check(None, text, args, ulp=ulp, strict=False)
        for name, value in before.items():
            if name != written and oracle.differs(args[name], value) is not None:
                differences.note(text, args, f"the argument {name} was written")


def test_random_programs(differences, rng, cases):
    run_programs(differences, rng, cases)


@pytest.mark.slow
def test_many_random_programs(differences, rng):
    run_programs(differences, rng, 150_000)


def test_argument_order(rng, statistics):
    """`args` are the names read before any assignment, in order of first occurrence."""
    for _ in range(500):
        text, args, _ = generate.program(rng, statistics)
        constants = set(oracle.CONSTANTS)
        want = [name for name in oracle.arguments(text) if name not in constants]
        assert [name for name in nf.compile(text).args if name not in constants] == want, text


def test_shared_memory(differences, rng):
    """Arguments and targets that are views of one buffer, in every relative position."""
    programs = [
        "y += x", "y -= x * 2", "y = y + x; z += y", "y *= x; y += x", "t = x * 3; y += t - x",
        "let t = x + y; y += t; y -= x", "y += x + z", "y += z; x -= z",
    ]  # fmt: skip
    for _ in range(1500):
        dtype = generate.DTYPES[int(rng.integers(1, len(generate.DTYPES)))]
        buffer = rng.integers(0, 100, 80).astype(dtype)
        size = int(rng.choice([1, 2, 5, 8, 17]))

        def view(buffer=buffer, size=size):
            step = int(rng.choice([1, 1, 1, 2, -1, -2, 3]))
            span = (size - 1) * abs(step) + 1
            start = int(rng.integers(0, min(12, 80 - span + 1)))
            part = buffer[start : start + span]
            return part[:: abs(step)][:: 1 if step > 0 else -1]

        text = str(rng.choice(programs))
        args = {name: view() for name in oracle.arguments(text)}
        targets = [name for name in ("x", "y", "z") if any(f"{name} {op}= " in text for op in "+-*")]
        want = oracle.run(text, args)
        state = buffer.copy()
        shared = any(
            np.shares_memory(args[a], args[b]) for a, b in itertools.combinations(targets, 2)
        )
        differences.statistics["cases"] += 1
        call = {name: value.copy() for name, value in args.items()}
        try:
            nf.compile(text)(*args.values())
        except ValueError as error:
            if not shared:
                differences.note(text, call, f"raised {error}")
            elif (buffer != state).any():
                differences.note(text, call, "raised and wrote")
            continue
        if shared:
            differences.note(text, call, "two targets that share memory gave no ValueError")
            continue
        for name in targets:
            if oracle.differs(args[name], want[name]) is not None:
                where = {n: (a.ctypes.data - buffer.ctypes.data, a.strides) for n, a in args.items()}
                what = f"{name} is {args[name]}, not {want[name]}; offsets and strides {where}"
                differences.note(text, call, what)


def test_out_overlapping_inputs(differences, rng):
    """`out=` that overlaps the inputs behaves as if they had been copied first."""
    kernel = nf.compile("x * 2 - y")
    for _ in range(600):
        buffer = rng.standard_normal((9, 11))
        parts = []
        for _ in range(3):
            rows, columns = rng.integers(0, 4, 2)
            flip = [slice(None, None, int(rng.choice([1, -1]))) for _ in range(2)]
            part = buffer[rows : rows + 5, columns : columns + 6][tuple(flip)]
            parts.append(part)
        x, y, out = parts
        want = x * 2 - y
        got = kernel(x, y, out=out)
        differences.statistics["cases"] += 1
        if got is not out or oracle.differs(out, want) is not None:
            differences.note("x * 2 - y", {"x": x, "y": y}, f"out is {out}, not {want}")


def test_options(differences, rng):
    """`out=`, `dtype=` and `casting=` over random dtypes and shapes."""
    texts = ["x + y", "x * 2", "r = x - y; s = r > x", "where(x > y, x, y)", "r = x * y; r + x"]
    for _ in range(3000):
        text = str(rng.choice(texts))
        kernel = nf.compile(text)
        shape = generate.random_shape(rng)
        args = {
            name: generate.argument(rng, shape, differences.statistics)
            for name in oracle.arguments(text)
        }
        options = {}
        names = kernel.outputs
        if rng.random() < 0.7:
            out = {}
            for name in names:
                if rng.random() < 0.7:
                    dtype = generate.DTYPES[int(rng.integers(0, len(generate.DTYPES)))]
                    given = shape if rng.random() < 0.8 else generate.narrowed(rng, shape)
                    layout = str(rng.choice(["C", "F", "negative", "step", "unaligned", "swapped"]))
                    blank = np.zeros(given, dtype)
                    out[name] = generate.laid_out(rng, blank, layout)
            options["out"] = out
            if len(names) == 1 and names[0] == "result":
                options["out"] = out.get("result")
        if rng.random() < 0.3:
            options["dtype"] = generate.DTYPES[int(rng.integers(0, len(generate.DTYPES)))]
        if rng.random() < 0.5:
            options["casting"] = str(rng.choice(["no", "equiv", "safe", "same_kind", "unsafe"]))
        if options.get("casting") == "unsafe":
            # What NumPy casts out of range depends on its own vector code.
            args = {n: np.clip(np.nan_to_num(v), 0, 100) for n, v in args.items()}
        if options.get("out") is None:
            options.pop("out", None)
        differences.check(kernel, text, args, strict=False, **options)


@pytest.mark.parametrize("order", ["K", "A", "C", "F"])
def test_layout_of_results(order, rng):
    """A fresh result is laid out as NumPy's iterator lays it out."""
    for _ in range(600):
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 4], int(rng.integers(0, 5))))
        operands = []
        for _ in range(int(rng.integers(1, 4))):
            narrow = shape if rng.random() < 0.7 else generate.narrowed(rng, shape)
            layout = str(rng.choice(["C", "F", "negative", "step", "transposed"]))
            operands.append(generate.laid_out(rng, np.ones(narrow), layout))
        text = " + ".join(["x", "y", "z"][: len(operands)]) + " + 1"
        got = nf.compile(text)(*operands, order=order)
        flags = [["readonly"]] * len(operands) + [["writeonly", "allocate"]]
        iterator = np.nditer(
            [*operands, None], ["zerosize_ok", "multi_index"], flags, order=order,
            op_dtypes=[None] * len(operands) + [np.float64],
        )  # fmt: skip
        want = iterator.operands[-1]
        assert got.shape == want.shape
        strides = [(g, w) for g, w, n in zip(np.asarray(got).strides, want.strides, want.shape, strict=True) if n > 1]
        where = [(operand.shape, operand.strides) for operand in operands]
        assert all(g == w for g, w in strides), (got.strides, want.strides, where)


def test_statements_of_different_shapes(differences, rng):
    """Each statement has its own broadcast shape."""
    texts = [
        "a = x + 1; b = a * y; c = b - x",
        "a = y * 2; x += 1; b = a + x",
        "let t = x + y; a = x * 2; b = t + a",
        "x += s; a = x * y; b = a > x",
        "a = x; b = y; c = a + b; d = c * s",
    ]
    for _ in range(600):
        text = str(rng.choice(texts))
        n, m = (int(v) for v in rng.choice([1, 2, 3, 17], 2))
        kind = generate.DTYPES[int(rng.integers(1, len(generate.DTYPES)))]
        values = {
            "x": rng.integers(0, 50, m).astype(kind),
            "y": rng.integers(0, 50, (n, m)).astype(kind)[:, ::-1],
            "s": rng.integers(0, 50, 1).astype(kind),
        }
        differences.check(nf.compile(text), text, {name: values[name] for name in oracle.arguments(text)})


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("x + y", {"x": np.ones(3), "y": np.ones(4)}),
        ("x += y", {"x": np.ones(3), "y": np.ones((2, 3))}),
        ("x += y", {"x": np.ones(3, np.int32), "y": np.ones(3)}),
        ("x += 1.5", {"x": np.arange(3)}),
        ("-x", {"x": np.ones(3, bool)}),
        ("x - y", {"x": np.ones(3, bool), "y": np.ones(3, bool)}),
        ("x << y", {"x": np.ones(3), "y": np.ones(3)}),
        ("x ** y", {"x": np.arange(3), "y": np.array([1, 2, -3])}),
        # Whether a shift overflows is asked even where its count is negative, which is the error.
        ("(i << k) + x", {"i": 3, "k": -1, "x": np.ones(3)}),
        ("(i << k) + x", {"i": 3, "k": -200, "x": np.ones(3)}),
        ("x + 300", {"x": np.arange(3, dtype=np.int8)}),
        ("x - 1", {"x": np.arange(3, dtype=np.uint8)}),
        ("x + (-1)", {"x": np.arange(3, dtype=np.uint8)}),
    ],
)
def test_errors_of_numpy(text, args, differences):
    differences.check(None, text, args)


def test_many_operands_and_dimensions():
    """Hundreds of operands; 64 dimensions."""
    names = [f"v{i}" for i in range(300)]
    args = [np.arange(5) * i for i in range(300)]
    want = sum(args[1:], args[0])
    assert (nf.compile(" + ".join(names))(*args) == want).all()
    shape = tuple(2 if axis % 8 == 0 else 1 for axis in range(64))
    x = np.arange(2**8, dtype=float).reshape(shape)
    assert (nf.evaluate("x * 2 + 1", x=x) == x * 2 + 1).all()
    y = np.arange(2**8, dtype=float).reshape(shape).transpose(range(63, -1, -1))
    assert (nf.evaluate("y + 1", y=y) == y + 1).all()
