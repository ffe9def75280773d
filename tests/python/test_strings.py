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
    assert np.asarray(got).dtype == want.dtype, f"{shown}: {np.asarray(got).dtype}"
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


def test_python_strings_are_scalars():
    assert nf.evaluate("a == 'x'", a="x") is np.True_
    assert nf.evaluate("a == b", a=b"x", b=b"xy") is np.False_
    assert nf.evaluate("len(a)", a="four") == 4


def test_literals_of_letters_beyond_ascii():
    bytes_ = np.array(["é".encode(), b"e"])
    assert nf.evaluate("a == 'é'", a=bytes_).tolist() == [True, False]
    assert nf.evaluate("a == 'é'", a=np.array(["é", "e"])).tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["a", "a + a", "a * 2", "-a", "not a", "a and a", "sin(a)", "abs(a)", "sum(a)", "max(a)", "any(a)", "mean(a)"]
    + ["count_nonzero(a)", "a == 1", "a == b", "find(a, b)", "find(a, 1)", "where(a, 1, 2)", "a if a == a else a"]
    + ["'a' == 'b'", "len(1.5)", "upper('a') == 'A'", "round(a)", "clip(a, 1, 2)", "a ** 2", "len('a')", "'text'"]
    + ["isnan(a)", "logical_xor(a, a)", "sum(len(a), where=a)", "upper(a)", "a < 'a' < 1", "norm_cdf(a)"],
)
def test_errors(text):
    args = {"a": column("U", 4), "b": column("S", 4)}
    used = {name: value for name, value in args.items() if name in nf.compile(text).args}
    with pytest.raises(nf.ExprTypeError):
        nf.evaluate(text, **used)


def test_strings_that_share_memory_with_a_target():
    memory = np.zeros(64, "f8")
    text = memory.view("S8")
    with pytest.raises(ValueError, match="shares memory"):
        nf.evaluate("y = 1.0 * len(s)", s=text[::-1], out=memory)
