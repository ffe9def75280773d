"""Strings against `numpy.strings` and NumPy's comparisons."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import numfuse as nf

WORDS = ["a", "ab", "abc", "", "bob", "zebra", "Alice", "été", "ab\0c", "Zz", "bobby", "ÉTÉ", " a", "a "]
COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LITERALS = ["", "a", "bob", "Zz", "zebra", "a longer text than any of them"]


def column(kind, width, shift=0, times=40):
    words = np.array(WORDS * times)
    words = np.roll(words, shift)
    if kind == "S":
        return np.array([word.encode("latin1") for word in words]).astype(f"S{width}")
    return words.astype(f"U{width}")


def pairs():
    """Two columns: of the same and of different widths, strided, backward, swapped, unaligned, broadcast."""
    for kind in "SU":
        for width, other in [(8, 8), (5, 5), (4, 4), (12, 12), (16, 16), (32, 32), (3, 9), (9, 2), (40, 7)]:
            yield column(kind, width), column(kind, other, 3)
        a, b = column(kind, 7), column(kind, 9, 5)
        yield a[::2], b[::2]
        yield a[::-1], b
        yield a, b[4:5]
        yield a[2], b
        yield a[2], b[2]
        yield a[:0], b[:0]
        yield a.reshape(14, 40), b.reshape(14, 40).T[:14, :1]
        yield a.reshape(14, 40).T, b[:14]
        fields = np.zeros(len(a), dtype=[("x", "b"), ("text", a.dtype)])
        fields["text"] = a
        yield fields["text"], b
    wide = column("U", 6)
    yield wide.astype(">U6"), column("U", 8, 1)
    yield column("U", 8, 1), wide.astype(">U6")
    yield wide.astype(">U6")[::3], wide[::3]


def check(text, want, args):
    got = nf.compile(text, args=list(args))(*args.values())
    want = np.asarray(want)
    shown = f"{text!r} of {[(np.asarray(v).dtype, np.shape(v)) for v in args.values()]}"
    # A scalar string is as wide as it is long.
    if not isinstance(got, np.character):
        assert np.asarray(got).dtype == want.dtype.newbyteorder("="), f"{shown}: {np.asarray(got).dtype}"
    np.testing.assert_array_equal(got, want, err_msg=shown)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name):
    for a, b in pairs():
        check(f"a {name} b", COMPARISONS[name](a, b), {"a": a, "b": b})


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_with_literals(name):
    for kind in "SU":
        for width in (3, 8, 20):
            a = column(kind, width)
            for literal in LITERALS:
                value = literal.encode() if kind == "S" else literal
                check(f"a {name} {literal!r}", COMPARISONS[name](a, value), {"a": a})
                check(f"{literal!r} {name} a", COMPARISONS[name](value, a), {"a": a})
                check(f"a {name} {value!r}", COMPARISONS[name](a, value), {"a": a})


@pytest.mark.parametrize("name", ["startswith", "endswith", "find"])
def test_functions_of_two(name):
    function = getattr(np.strings, name)
    for a, b in pairs():
        for x, y in ((a, b), (a, np.strings.lower(b))):
            check(f"{name}(a, b)", function(x, y), {"a": x, "b": y})
            if name == "find":
                check("contains(a, b)", function(x, y) >= 0, {"a": x, "b": y})
    for kind in "SU":
        for literal in LITERALS:
            a = column(kind, 8)
            check(f"{name}(a, {literal!r})", function(a, literal.encode() if kind == "S" else literal), {"a": a})
    check(f"{name}('bobby', a)", function("bobby", column("U", 3)), {"a": column("U", 3)})


def test_functions_of_one():
    for a, _ in pairs():
        check("len(a)", np.strings.str_len(a), {"a": a})
        for name in ("upper", "lower"):
            changed = getattr(np.strings, name)(a)
            check(f"{name}(a) == b", np.ones(a.shape, bool), {"a": a, "b": changed})
            check(f"len({name}(a))", np.strings.str_len(changed), {"a": a})


def test_within_expressions():
    a, x = column("U", 8), np.arange(560.0)
    check("where(a == 'bob', x, -x)", np.where(a == "bob", x, -x), {"a": a, "x": x})
    check("x if startswith(a, 'a') else 0", np.where(np.strings.startswith(a, "a"), x, 0), {"a": a, "x": x})
    check("(a == 'bob') & (x > 3) | (a == 'zebra')", (a == "bob") & (x > 3) | (a == "zebra"), {"a": a, "x": x})
    check("'a' < a <= 'bob'", ("a" < a) & (a <= "bob"), {"a": a})
    check("sum(x, where=a == 'bob')", np.sum(x, where=a == "bob"), {"a": a, "x": x})
    check("sum(a == 'bob')", np.sum(a == "bob"), {"a": a})
    check("any(lower(a) == b)", np.any(np.strings.lower(a) == a), {"a": a, "b": a})
    check("sqrt(x) * (len(a) > 2)", np.sqrt(x) * (np.strings.str_len(a) > 2), {"a": a, "x": x})
    check("let t = lower(a); (t == 'bob') | (t == 'alice')", np.isin(np.strings.lower(a), ["bob", "alice"]), {"a": a})


def test_results(rng):
    for a, b in pairs():
        for name in ("upper", "lower"):
            check(f"{name}(a)", getattr(np.strings, name)(a), {"a": a})
        check("a", a.astype(a.dtype.newbyteorder("=")), {"a": a})
        shape = np.broadcast_shapes(a.shape, b.shape)
        chosen = rng.random(shape) < 0.5
        native = [v.astype(v.dtype.newbyteorder("=")) for v in (a, b)]
        check("where(c, a, b)", np.where(chosen, *native), {"c": chosen, "a": a, "b": b})
        check("b if c else a", np.where(chosen, *native[::-1]), {"b": b, "c": chosen, "a": a})
        check("where(c, a, upper(b))", np.where(chosen, native[0], np.strings.upper(native[1])), {"c": chosen, "a": a, "b": b})
        check("a + b", np.strings.add(*native), {"a": a, "b": b})
        check("'' + a", np.strings.add(np.array("", a.dtype.kind), native[0]), {"a": a})
        if a.dtype.kind == "U":
            check("'<' + a + '>'", np.strings.add(np.strings.add("<", native[0]), ">"), {"a": a})
            check("where(c, a, 'something long')", np.where(chosen, native[0], "something long"), {"c": chosen, "a": a})
            check("where(c, '', a)", np.where(chosen, "", native[0]), {"c": chosen, "a": a})


def test_results_of_other_arguments():
    x = np.linspace(-2, 2, 3001)
    for _ in range(3):
        check("where(x > 0, 'positive', 'not')", np.where(x > 0, "positive", "not"), {"x": x})
    check("where(x > 0, '', '')", np.where(x > 0, "", ""), {"x": x})
    check("'high' if x > 1 else 'middle' if x > -1 else 'low'", np.select([x > 1, x > -1], ["high", "middle"], "low"), {"x": x})
    check("where(x > 0, 'é', 'e')", np.where(x[0] > 0, "é", "e"), {"x": x[0]})
    assert isinstance(nf.evaluate("where(x > 0, 'a', 'b')", x=1.0), np.str_)
    assert isinstance(nf.evaluate("upper(s)", s=b"ab"), np.bytes_)
    assert isinstance(nf.evaluate("upper(s)", s="ab"), np.str_)
    check("where(x > 0, 'a', 'b')", np.where(x[:0] > 0, "a", "b"), {"x": x[:0]})
    y = x.reshape(3001, 1) * np.ones(2)
    check("where(x > y, 'a', 'bc')", np.where(x[:, None] > y, "a", "bc"), {"x": x[:, None], "y": y})
    # Beside other results, in other loops, and under names.
    a = column("U", 8)
    kernel = nf.compile("let n = len(a); t = lower(a); m = sum(n); u = where(n > mean(n), t, 'short')")
    n = np.strings.str_len(a)
    t = np.strings.lower(a)
    for _ in range(2):
        for got, want in zip(kernel(a), (t, n.sum(), np.where(n > n.mean(), t, "short"))):
            assert got.dtype == np.asarray(want).dtype
            np.testing.assert_array_equal(got, want)


def test_results_in_given_arrays():
    a = column("U", 8)
    for width, casting in ((8, "no"), (20, "safe"), (3, "same_kind")):
        for out in (np.empty(560, f"U{width}"), np.empty(560, f">U{width}"), np.full(1120, "old", f"U{width}")[::2]):
            if casting == "no" and not out.dtype.isnative:
                continue
            assert nf.evaluate("upper(a)", a=a, out=out, casting=casting) is out
            np.testing.assert_array_equal(out, np.strings.upper(a).astype(f"U{width}"))
    for wrong, casting in ((np.empty(560, "S8"), "unsafe"), (np.empty(560), "unsafe"), (np.empty(560, "U3"), "safe")):
        with pytest.raises(nf.ExprTypeError, match="cast"):
            nf.evaluate("upper(a)", a=a, out=wrong, casting=casting)
    mask = np.arange(560) % 3 == 0
    out = np.full(560, "kept", "U8")
    nf.evaluate("upper(a)", a=a, out=out, where=mask)
    np.testing.assert_array_equal(out, np.where(mask, np.strings.upper(a), "kept"))
    np.testing.assert_array_equal(nf.evaluate("upper(a)", a=a, where=mask), np.where(mask, np.strings.upper(a), ""))
    b = a.copy()
    nf.evaluate("b += '-more'", b=b)
    np.testing.assert_array_equal(b, np.strings.add(a, "-more").astype("U8"))
    overlapping = np.lib.stride_tricks.as_strided(np.zeros(3, "U3"), (2, 2), (12, 12))
    with pytest.raises(ValueError, match="share memory"):
        nf.evaluate("upper(a)", a=a[:2], out=overlapping)
    # In place, and into what is read in another order.
    b = a.copy()
    nf.evaluate("upper(b)", b=b, out=b)
    np.testing.assert_array_equal(b, np.strings.upper(a))
    big = np.empty((4, 560), "U8")
    nf.evaluate("where(x > 0, a, 'none')", x=1.0, a="some", out=big)
    assert (big == "some").all()


@pytest.mark.parametrize("width", [17, 40, 300, 5000, 70_000])
def test_wide_strings(width, rng):
    """Of which less is in the caches at a time."""
    count = 400_000 // width + 3
    a = np.array(["x" * int(k) for k in rng.integers(0, width + 1, count)], f"U{width}")
    x = np.linspace(0, 1, count)
    n = np.strings.str_len(a)
    for a, x, n in [(a, x, n), (a[::-2], x[::-2], n[::-2])]:
        check("sqrt(x) * len(a)", np.sqrt(x) * n, {"x": x, "a": a})
        check("upper(a)", np.strings.upper(a), {"a": a})
        check("a + '!' if x > 0.5 else lower(a)", np.where(x > 0.5, np.strings.add(a, "!"), a), {"a": a, "x": x})
        check("(upper(a) == 'X') & (x > 0.3) | (len(a + a) > 20)", (a == "x") & (x > 0.3) | (2 * n > 20), {"a": a, "x": x})


class Random:
    """Random expressions of strings of a kind, with their values by NumPy."""

    def __init__(self, rng, kind, names):
        self.rng, self.kind = rng, kind
        self.values = {name: np.asarray(v, v.dtype.newbyteorder("=")) for name, v in names.items()}

    def literal(self):
        text = str(self.rng.choice(["", "a", "bob", "Zz", "zebra!"]))
        written = text.encode() if self.kind == "S" and self.rng.random() < 0.5 else text
        return repr(written), np.array(text.encode() if self.kind == "S" else text)

    def other(self, depth):
        return self.literal() if self.rng.random() < 0.4 else self.string(depth)

    def string(self, depth):
        choice = self.rng.integers(5) if depth > 0 else 5
        if choice == 5 or self.rng.random() < 0.2:
            name = str(self.rng.choice(["a", "b"]))
            return name, self.values[name]
        text, value = self.string(depth - 1)
        if choice < 2:
            name = ("upper", "lower")[choice]
            return f"{name}({text})", getattr(np.strings, name)(value)
        other, by = self.other(depth - 1)
        if choice == 2:
            return f"({text} + {other})", np.strings.add(value, by)
        if choice == 3:
            return f"({other} + {text})", np.strings.add(by, value)
        condition, holds = self.condition(depth - 1)
        return f"({other} if {condition} else {text})", np.where(holds, by, value)

    def condition(self, depth):
        text, value = self.string(depth)
        other, by = self.other(depth)
        choice = self.rng.integers(4)
        if choice == 0:
            return "(x > 0)", self.values["x"] > 0
        if choice == 1:
            return f"(len({text}) > find({other}, {text}) + 2)", np.strings.str_len(value) > np.strings.find(by, value) + 2
        if choice == 2:
            name = str(self.rng.choice(["startswith", "endswith"]))
            return f"{name}({text}, {other})", getattr(np.strings, name)(value, by)
        name = str(self.rng.choice(list(COMPARISONS)))
        return f"({text} {name} {other})", COMPARISONS[name](value, by)


@pytest.mark.parametrize("kind", ["S", "U"])
def test_random_expressions(kind, rng):
    for _ in range(150):
        shape = [(1,), (5,), (130,), (3, 7), (0,), (2000,)][rng.integers(6)]
        names = {"x": rng.normal(size=shape)}
        for name in "ab":
            count = int(np.prod(shape))
            words = np.resize(column(kind, int(rng.choice([1, 3, 8, 9, 20, 70])), int(rng.integers(14))), count).reshape(shape)
            names[name] = [words, words[::-1], np.repeat(words, 2, axis=0)[::2], words.astype(words.dtype.newbyteorder())][rng.integers(4)]
        random = Random(rng, kind, names)
        depth = int(rng.integers(1, 5))
        text, want = random.string(depth) if rng.random() < 0.7 else random.condition(depth)
        used = nf.compile(text).args
        check(text, want, {name: value for name, value in names.items() if name in used})


def test_sums_of_strings_that_are_too_long():
    text = "".join(f"let s{k + 1} = s{k} + s{k};" for k in range(30))
    with pytest.raises(nf.ExprTypeError, match="longest"):
        nf.evaluate(f"let s0 = a + 'x'; {text} s30", a=np.array(["y"]))
    assert nf.evaluate("a + a", a="y" * (1 << 19)) == "y" * (1 << 20)


def variable(words, **options):
    return np.array(words, dtype=np.dtypes.StringDType(**options))


def test_strings_of_variable_width():
    """Short ones, longer ones and long ones, which NumPy keeps in different places."""
    words = [word.replace("\0", "") for word in WORDS] + ["x" * 15, "x" * 16, "é" * 200, "😀", "y" * 300, "😀y" * 200]
    a = variable(words * 3)
    b = np.roll(a, 5)
    for x, y in [(a, b), (a[::2], b[1::2]), (a[::-1], b), (a, b[3]), (a[:0], b[:0]), (a.reshape(3, -1), b.reshape(3, -1)[1:2])]:
        y = np.asarray(y, a.dtype)
        for name, function in COMPARISONS.items():
            check(f"x {name} y", function(x, y), {"x": x, "y": y})
        for name in ("startswith", "endswith", "find"):
            check(f"{name}(x, y)", getattr(np.strings, name)(x, y), {"x": x, "y": y})
        check("len(x)", np.strings.str_len(x), {"x": x})
    x = a.reshape(3, -1).T
    for name, function in COMPARISONS.items():
        check(f"x {name} 'bob'", function(x, "bob"), {"x": x})
        check(f"x {name} y", function(x, x.astype("U400")), {"x": x, "y": x.astype("U400")})
    check("x == 'a'", np.array(True), {"x": variable("a")})
    check("sum(z, where=x == 'bob')", np.sum(x == "bob").astype(float), {"z": np.ones(x.shape), "x": x})
    # Results are of fixed width, here that of the longest.
    assert (nf.evaluate("upper(x)", x=x[:3]) == np.strings.upper(x[:3])).all()


def test_strings_of_variable_width_that_are_refused():
    with pytest.raises(nf.ExprTypeError, match="'x' has missing strings"):
        nf.evaluate("x == 'a'", x=variable(["a", None], na_object=None))
    with pytest.raises(nf.ExprTypeError, match="'x' has missing strings"):
        nf.evaluate("x == 'a'", x=variable(["a", np.nan], na_object=np.nan))
    np.testing.assert_array_equal(nf.evaluate("x == 'a'", x=variable(["a", "b"], na_object=np.nan)), [True, False])
    with pytest.raises(nf.ExprValueError, match="zero"):
        nf.evaluate("x == 'a'", x=variable(["a", "a\0"]))
    with pytest.raises(TypeError, match="StringDType"):
        nf.evaluate("upper(x)", x=np.array(["a"]), out=variable(["a"]))


def test_python_strings_are_scalars():
    assert nf.evaluate("a == 'x'", a="x") is np.True_
    assert nf.evaluate("a == b", a=b"x", b=b"xy") is np.False_
    assert nf.evaluate("len(a)", a="four") == 4


def test_literals_alone():
    for text in ["b'abc' == b'abc'", "b'a' < 'b'", "'a' == 'b'", "b'' != b'a'"]:
        assert nf.evaluate(text) is np.bool(eval(text.replace("< '", "< b'"))), text
    assert nf.evaluate("contains(b'abc', b'bc') and not contains('abc', 'd')") is np.True_
    assert nf.evaluate("len('four') + find(b'four', b'r')") == 7
    assert nf.evaluate("x * len('four')", x=np.arange(3.0)).tolist() == [0, 4, 8]


def test_literals_of_bytes():
    every = bytes(range(1, 256))
    a = np.array([every, b"\\", b"'", b'"', b""])
    for literal in [every, b"\\", b"'", b'"', b"", b"\n\t\r\x7f"]:
        check(f"a == {literal!r}", a == literal, {"a": a})
    check("a == B'\\xff'", a == b"\xff", {"a": a})
    check("where(c, b'yes', b'no')", np.array([b"yes", b"no"]), {"c": np.array([True, False])})


def test_literals_of_letters_beyond_ascii():
    bytes_ = np.array(["é".encode(), b"e"])
    assert nf.evaluate("a == 'é'", a=bytes_).tolist() == [True, False]
    assert nf.evaluate("a == 'é'", a=np.array(["é", "e"])).tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["a + 1", "a + b", "a - a", "a * 2", "-a", "not a", "a and a", "sin(a)", "abs(a)", "sum(a)", "max(a)", "any(a)", "mean(a)"]
    + ["count_nonzero(a)", "a == 1", "a == b", "find(a, b)", "find(a, 1)", "where(a, 1, 2)", "where(c, a, b)", "where(c, a, 1)"]
    + ["a == b'x'", "b'x' + 'y' == a", "len(1.5)", "upper('a') == 'A'", "round(a)", "clip(a, 1, 2)", "a ** 2", "'text'", "b'text'"]
    + ["isnan(a)", "logical_xor(a, a)", "sum(len(a), where=a)", "y = 'text'", "a < 'a' < 1", "norm_cdf(a)"],
)
def test_errors(text):
    args = {"a": column("U", 4), "b": column("S", 4), "c": np.ones(560, bool)}
    used = {name: value for name, value in args.items() if name in nf.compile(text).args}
    with pytest.raises(nf.ExprTypeError):
        nf.evaluate(text, **used)


def test_strings_that_share_memory_with_a_target():
    memory = np.zeros(64, "f8")
    text = memory.view("S8")
    with pytest.raises(ValueError, match="shares memory"):
        nf.evaluate("y = 1.0 * len(s)", s=text[::-1], out=memory)
