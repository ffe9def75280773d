"""Every function and operator over operands of every kind: a value, or an error of the user's own."""

from __future__ import annotations

import itertools
import pathlib
import re

import numpy as np
import pytest

import numfuse as nf

MANUAL = pathlib.Path(__file__).parents[2] / "grammar" / "README.md"
FUNCTIONS = sorted(set(re.findall(r"^\| `(\w+)\(([^`]*)\)`", MANUAL.read_text(), re.MULTILINE)))
ERRORS = (TypeError, ValueError, OverflowError, ZeroDivisionError, IndexError)
VALUES = {
    "point": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "span": np.array([1, 2], "m8[s]"),
    "z": np.array([1j, 2]),
    "half": np.array([1, 2], "f2"),
    "x": np.array([0.5, 0.25]),
    "i": np.array([1, 2]),
    "flag": np.array([True, False]),
    "raw": np.array([b"a", b"bc"]),
    "text": np.array(["a", "bc"]),
    "int_": 2,
    "float_": 1.5,
    "complex_": 2j,
    "str_": "ab",
}


def run(text, names):
    """Fails for what is neither a value nor an error of these."""
    try:
        nf.evaluate(text, {name: VALUES[name] for name in set(names)})
    except ERRORS as error:
        assert "internal error" not in str(error), (text, error)
        return False
    return True


def test_the_manual_lists_functions():
    assert len(FUNCTIONS) > 200


def test_functions(rng, statistics):
    for name, params in FUNCTIONS:
        required = [param for param in params.split(",") if "=" not in param and "*" not in param]
        combinations = list(itertools.product(VALUES, repeat=len(required)))
        if len(combinations) > 169:
            combinations = [combinations[at] for at in rng.choice(len(combinations), 100, replace=False)]
        for names in combinations:
            statistics["values"] += run(f"{name}({', '.join(names)})", names)


@pytest.mark.parametrize("op", "+ - * / // % ** & | ^ << >> == != < <= > >= and or".split())
def test_operators(op):
    for a, b in itertools.product(VALUES, repeat=2):
        run(f"{a} {op} {b}", (a, b))
    for a in VALUES:
        for text in (f"{a} {op} 'x'", f"'x' {op} {a}", f"{a} {op} 3", f"2j {op} {a}", f"-{a}", f"~{a}", f"not {a}"):
            run(text, (a,))


def test_conditionals_and_reductions():
    for names in itertools.product(VALUES, repeat=3):
        run("{} if {} else {}".format(*names), names)
    for a, b in itertools.product(VALUES, repeat=2):
        for text in ("sum({}, where={})", "max({}, initial={})", "sum({}, initial={})", "prod({}, initial={})"):
            run(text.format(a, b), (a, b))


def test_targets():
    """Each kind stored to each: NumPy's casting, or an error and nothing written."""
    for (name, value), kind in itertools.product(VALUES.items(), VALUES):
        target = VALUES[kind]
        if not isinstance(target, np.ndarray):
            continue
        for casting in ("safe", "same_kind", "unsafe"):
            out = target.copy()
            try:
                nf.compile("v")(value, out=out, casting=casting)
            except ERRORS as error:
                assert "internal error" not in str(error), (name, kind, casting, error)
                np.testing.assert_array_equal(out, target)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_roots_by_scalar_exponents(dtype):
    """NumPy's powers of float16 are roots where the exponent is Python's, not where it is a scalar of NumPy's."""
    x = np.array([-np.inf, -0.0, 4, 2, np.inf, -1], dtype)
    for exponent in (0.5, dtype(0.5), np.array(0.5, dtype)):
        with np.errstate(all="ignore"):
            want = x**exponent
        got = nf.evaluate("x ** y", x=x, y=exponent)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
        assert np.signbit(got[1]) == np.signbit(want[1])
