"""Exceptions: their kinds, their places, and that nothing is written before them."""

import pickle

import numfuse as nf
import numpy as np
import pytest


def raised(call):
    with pytest.raises(nf.ExprError) as info:
        call()
    return info.value


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (nf.ExprSyntaxError, SyntaxError),
        (nf.ExprNameError, NameError),
        (nf.ExprTypeError, TypeError),
        (nf.ExprValueError, ValueError),
        (nf.ExprOverflowError, OverflowError),
        (nf.ExprZeroDivisionError, ZeroDivisionError),
    ],
)
def test_kinds(kind, builtin):
    assert issubclass(kind, nf.ExprError) and issubclass(kind, builtin)
    assert kind.__module__ == "numfuse"
    error = kind("message")
    assert (str(error), error.expression, error.start, error.end, error.hint, error.errors) == ("message", "", 0, 0, None, ())


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("x +", nf.ExprSyntaxError, None),
        ("x + )", nf.ExprSyntaxError, ")"),
        ("sinn(x)", nf.ExprNameError, "sinn"),
        ("ä + ö + sinn(x)", nf.ExprNameError, "sinn"),
    ],
)
def test_places(text, kind, place):
    error = raised(lambda: nf.compile(text))
    assert type(error) is kind
    assert error.expression == text
    if place is not None:
        assert text[error.start : error.end] == place
    assert error.errors[0][0] in ("syntax", "name", "type")
    assert "^" in str(error)


def test_all_errors_of_a_text():
    error = raised(lambda: nf.compile("sinn(x) + coss(y)"))
    places = ["sinn(x) + coss(y)"[start:end] for _, start, end, _, _ in error.errors]
    assert places == ["sinn", "coss"]
    assert all(kind == "name" and "sin" in hint + "sin" for kind, _, _, _, hint in error.errors)


def test_a_hint():
    error = raised(lambda: nf.compile("sinn(x)"))
    assert "sin" in error.hint and error.hint in str(error)


def test_errors_can_be_pickled():
    error = raised(lambda: nf.compile("x + )"))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_a_lone_surrogate():
    error = raised(lambda: nf.compile("ä + \ud800 + x"))
    assert type(error) is nf.ExprSyntaxError and (error.start, error.end) == (4, 5)
    assert error.expression == "ä + \ud800 + x"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (np.array([None]), "object"),
        (np.longdouble(1), "longdouble|float128"),
        ({"a": 1}, "dict"),
        (object(), "object"),
        (np.ones(2, "i4,f8"), "i4"),
    ],
)
def test_arguments_that_are_refused(value, words):
    kernel = nf.compile("a + x")
    error = raised(lambda: kernel(1, value))
    assert type(error) is nf.ExprTypeError and isinstance(error, TypeError)
    assert "argument 'x'" in str(error)
    assert any(word in str(error) for word in words.split("|"))
    assert (error.start, error.end) == (4, 5)
    assert error.hint


def test_names_that_are_not_given():
    error = raised(lambda: nf.evaluate("x + yy*z", x=1, y=2))
    assert type(error) is nf.ExprNameError
    assert [(start, end) for _, start, end, _, _ in error.errors] == [(4, 6), (7, 8)]
    assert "y" in error.hint
    error = raised(lambda: nf.evaluate("x + out", x=1))
    assert "option" in error.hint


def test_types_that_do_not_go_together():
    error = raised(lambda: nf.evaluate("(x + 1) & y", x=1.0, y=2))
    assert type(error) is nf.ExprTypeError
    with pytest.raises(OverflowError, match="out of bounds for int8"):
        nf.evaluate("x + y", x=np.int8(1), y=1000)
    error = raised(lambda: nf.evaluate("x + 1000", x=np.int8(1)))
    assert type(error) is nf.ExprOverflowError


def test_errors_of_data():
    power = nf.compile("x ** y")
    for _ in range(3):
        assert power(np.int64(2), np.int64(3)) == 8
        with pytest.raises(ValueError, match="Integers to negative integer powers are not allowed"):
            power(np.int64(2), np.int64(-3))
        with pytest.raises(ValueError, match="Integers to negative integer powers are not allowed"):
            power(np.array([2, 2]), np.array([1, -1]))
    divide = nf.compile("x / y")
    for _ in range(3):
        assert divide(1.0, 2.0) == 0.5
        with pytest.raises(ZeroDivisionError):
            divide(1, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda y: nf.evaluate("y += x", y=y, x=np.ones(4)),
        lambda y: nf.evaluate("y += x; z = y", y=y, x=1.0, out={"z": np.empty(2)}),
        lambda y: nf.evaluate("y += x", y=y, x=None),
        lambda y: nf.evaluate("y += 1; z = x", y=y, x=np.float64(1), out={"z": np.empty(3, int)}),
        lambda y: nf.evaluate("y += 1; z = 2*y", y=y, out={"z": y}),
        lambda y: nf.evaluate("y += 1", y=y, unused=1),
    ],
)
def test_nothing_is_written_before_an_error(call):
    y = np.zeros(3)
    with pytest.raises((TypeError, ValueError)):
        call(y)
    assert not y.any()
