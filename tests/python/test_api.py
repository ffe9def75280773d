"""The package's own surface: kernels, `evaluate`, options, threads, the cache, exceptions."""

import copy
import inspect
import pickle

import numfuse as nf
import numpy as np
import pandas as pd
import pytest

X = np.arange(6.0)


def test_kernel_says_what_it_is():
    k = nf.compile("y += a1*x1 + a2*x2")
    assert k.args == ("y", "a1", "x1", "a2", "x2")
    assert k.outputs == ("y",)
    assert k.expression == "y += a1*x1 + a2*x2"
    assert "y += a1*x1 + a2*x2" in repr(k)
    parameters = inspect.signature(k).parameters
    assert list(parameters) == ["y", "a1", "x1", "a2", "x2", "out", "where", "casting", "order", "dtype"]
    assert parameters["casting"].default == "same_kind"


def test_names_in_order_of_the_text():
    # The first occurrence counts, not the order of evaluation.
    assert nf.compile("a if c else b").args == ("a", "c", "b")
    assert nf.compile("let t = u; r = t + v; r + w").args == ("u", "v", "w")
    assert nf.compile("let t = u; r = t + v; r + w").outputs == ("r", "result")
    assert nf.compile("pi * r").args == ("r",)
    assert nf.compile("e * x", args=("e", "x")).args == ("e", "x")
    assert nf.compile("x + 1", args=["x"]).args == ("x",)


def test_specialisations():
    nf.cache_clear()
    k = nf.compile("x + y")
    assert k.signatures == ()
    k(X, 1)
    k(X, X)
    k(X[::2], X[::2])
    count = len(k.signatures)
    assert count >= 2
    k(X, 2)
    assert len(k.signatures) == count
    k(X.astype(np.float32), 2)
    assert len(k.signatures) == count + 1
    ready = nf.compile("x * y + 1.25", signatures=["f8(f8, f8)"])
    assert len(ready.signatures) >= 1


def test_same_text_is_one_kernel():
    assert nf.compile("x + 17") is nf.compile("x + 17")
    assert nf.compile("x + 17") is not nf.compile("x + 17", fastmath=True)
    before = nf.cache_info()
    nf.compile("x + 17")
    assert nf.cache_info().hits == before.hits + 1
    assert nf.cache_info().misses == before.misses


def test_cache_is_bounded_and_kernels_outlive_it():
    info = nf.cache_info()
    held = nf.compile("x + 1009")
    try:
        nf.cache_limit(4)
        for i in range(20):
            nf.evaluate(f"x + {i}", x=X)
        assert nf.cache_info().kernels <= 4
        assert (held(X) == X + 1009).all()
        nf.cache_clear()
        assert nf.cache_info().kernels == 0
        assert (held(X) == X + 1009).all()
    finally:
        nf.cache_limit(info.limit, info.byte_limit)


def test_ways_to_call():
    k = nf.compile("x - y")
    want = X - 2
    for got in (k(X, 2), k(X, y=2), k(x=X, y=2), k(y=2, x=X), k(*[X, 2]), k(**{"y": 2, "x": X})):
        assert (got == want).all()
    for wrong in (lambda: k(), lambda: k(X), lambda: k(X, 2, 3), lambda: k(X, x=2, y=3), lambda: k(X, 2, z=1)):
        with pytest.raises(TypeError):
            wrong()


def test_several_outputs_are_a_named_tuple():
    got = nf.evaluate("s = x + 1; p = x * 2; s - p", x=X)
    assert got._fields == ("s", "p", "result")
    assert (got.s == X + 1).all() and (got.p == X * 2).all() and (got.result == 1 - X).all()
    again = pickle.loads(pickle.dumps(got))
    assert again._fields == got._fields and (again.s == got.s).all()


def test_results_of_scalars_are_numpy_scalars():
    for x in (2, 2.0, np.float64(2), np.array(2.0)):
        assert isinstance(nf.evaluate("x * 2", x=x), np.generic)
    assert nf.evaluate("x * 2", x=2).dtype == np.int64
    assert nf.evaluate("x * 2", x=np.float32(2)).dtype == np.float32
    assert nf.evaluate("x < 2", x=1).dtype == np.bool_
    assert nf.evaluate("1 + 2.5") == 3.5


def test_in_place_gives_the_same_object():
    y = np.zeros(6)
    k = nf.compile("y += x")
    assert k(y, X) is y and (y == X).all()
    zero = np.zeros(())
    assert k(zero, 3.0) is zero and zero == 3
    frozen = np.zeros(6)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        k(frozen, X)
    for wrong in (1.0, np.float64(1), [1.0, 2.0], "text", None):
        with pytest.raises(TypeError):
            k(wrong, X)
    with pytest.raises(TypeError, match="[Cc]annot cast"):
        k(np.zeros(6, int), X)
    with pytest.raises(ValueError, match="broadcast"):
        k(np.zeros(1), X)


def test_nothing_is_written_when_a_call_is_refused():
    y, z = np.zeros(6), np.zeros(5)
    for text in ("y += x; z += x", "y += x; z -= x; y *= 2"):
        with pytest.raises(ValueError, match="broadcast"):
            nf.evaluate(text, x=X, y=y, z=z)
        assert not y.any() and not z.any()
    with pytest.raises(TypeError):
        nf.evaluate("y += x; w += x", x=X, y=y, w=np.zeros(6, np.int8))
    assert not y.any()


def test_out():
    r, s = np.empty(6), np.empty(6)
    one, two = nf.compile("x * 2"), nf.compile("r = x * 2; s = x + 1")
    assert one(X, out=r) is r and (r == X * 2).all()
    assert one(X, out=(s,)) is s and (s == X * 2).all()
    got = two(X, out=(r, s))
    assert got.r is r and got.s is s
    got = two(X, out={"s": r})
    assert got.s is r and got.r is not s and (r == X + 1).all()
    got = two(X, out=(None, s))
    assert got.s is s
    for wrong in ((r,), (r, s, r), {"nothing": r}, 3, [r, s]):
        with pytest.raises((TypeError, ValueError)):
            two(X, out=wrong)
    with pytest.raises(ValueError):
        two(X, out=(r, r))
    with pytest.raises(ValueError):
        one(X, out=np.empty(5))
    with pytest.raises(TypeError):
        one(X, out=np.empty(6, int))
    assert one(X, out=np.empty(6, int), casting="unsafe").dtype == int
    assert one(np.float64(2), out=np.empty((2, 3))).shape == (2, 3)


def test_dtype_and_order():
    k = nf.compile("x * 2")
    assert k(X, dtype=np.float32).dtype == np.float32
    assert k(X, dtype="f4").dtype == np.float32
    with pytest.raises(TypeError):
        k(X, dtype=np.int32)
    assert k(X.reshape(2, 3), order="F").flags.f_contiguous
    assert k(np.asfortranarray(X.reshape(2, 3))).flags.f_contiguous
    for wrong in ({"order": "Z"}, {"casting": "hopeful"}, {"dtype": "nonsense"}):
        with pytest.raises((TypeError, ValueError)):
            k(X, **wrong)


def test_evaluate_with_mappings():
    frame = pd.DataFrame({"a": X, "unit price": X + 1, "other": ["text"] * 6})
    got = nf.evaluate("a * `unit price`", frame)
    assert (np.asarray(got) == X * (X + 1)).all()
    assert (nf.evaluate("a + b", {"a": X, "unused": "text"}, b=1) == X + 1).all()
    assert (nf.evaluate("a + 1", {"a": 5}, a=X) == X + 1).all()
    with pytest.raises(nf.ExprNameError, match="missing"):
        nf.evaluate("a + missing", frame)
    with pytest.raises(TypeError):
        nf.evaluate("a + 1", frame, unused=1)


def test_a_given_argument_wins_over_a_constant():
    assert nf.evaluate("e + 0") == np.e
    assert nf.evaluate("e + 0", e=5) == 5
    assert nf.evaluate("e + 0", {"e": 6}) == 6
    assert nf.evaluate("e + 0") == np.e


def test_the_callers_names_are_never_looked_at():
    secret = 3
    with pytest.raises(nf.ExprNameError):
        nf.evaluate("secret + 1")
    assert secret == 3


def test_a_mappings_own_entries_are_never_written():
    entries = {"y": X.copy(), "x": X}
    with pytest.raises((TypeError, ValueError)):
        nf.evaluate("y += x", entries)
    assert (entries["y"] == X).all()


@pytest.mark.parametrize(
    ("text", "kind", "builtin", "words"),
    [
        ("x +", nf.ExprSyntaxError, SyntaxError, "expected|after|end"),
        ("sqt(x)", nf.ExprNameError, NameError, "sqrt"),
        ("x ^ 2.5", nf.ExprTypeError, TypeError, r"\*\*"),
        ("x && y", nf.ExprSyntaxError, SyntaxError, "and"),
        ("max(x, 0)", nf.ExprTypeError, TypeError, "maximum"),
        ("x == 'text'", nf.ExprTypeError, TypeError, "string"),
        ("~x", nf.ExprTypeError, TypeError, "float64"),
        ("sin(x, x, x, x)", nf.ExprTypeError, TypeError, "sin"),
        ("1 // 0 + x", nf.ExprZeroDivisionError, ZeroDivisionError, "zero"),
    ],
)
def test_errors(text, kind, builtin, words):
    with pytest.raises(kind, match=words) as caught:
        nf.evaluate(text, {"x": X, "y": X})
    error = caught.value
    assert isinstance(error, builtin) and isinstance(error, nf.ExprError)
    assert error.expression == text
    assert 0 <= error.start <= error.end <= len(text)
    assert "^" in str(error)


def test_all_errors_of_a_text_at_once():
    with pytest.raises(nf.ExprError) as caught:
        nf.compile("sqt(x) + coss(y) * tann(z)")
    assert len(caught.value.errors) == 3
    for name in ("sqt", "coss", "tann"):
        assert name in str(caught.value)


def test_unsupported_values():
    k = nf.compile("x + 1")
    for wrong in (object(), "text", None, {}, b"bytes", np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError):
            k(wrong)
    with pytest.raises(OverflowError):
        k(2**64)


def test_threads():
    before = nf.get_num_threads()
    with nf.num_threads(2):
        assert nf.get_num_threads() == 2
        with nf.num_threads(1):
            assert nf.get_num_threads() == 1
        assert nf.get_num_threads() == 2
    assert nf.get_num_threads() == before
    old = nf.set_num_threads(3)
    assert old == before and nf.get_num_threads() == 3
    nf.set_num_threads(before)
    for wrong in (0, -1):
        with pytest.raises(ValueError):
            nf.set_num_threads(wrong)


def test_fastmath():
    a, b, c = 1 + 2.0**-30, 1 - 2.0**-30, -1.0
    strict = nf.compile("a*b + c")
    fused = nf.compile("a*b + c", fastmath={"contract"})
    for count in (1, 7, 64):
        x = np.full(count, a)
        assert (strict(x, b, c) == 0).all() == (a * b + c == 0)
        assert (fused(x, b, c) == -(2.0**-60)).all()
    with pytest.raises((TypeError, ValueError)):
        nf.compile("a", fastmath={"recklessly"})


def test_limits():
    assert (nf.compile("x + x", limits={"characters": 5})(X) == X + X).all()
    with pytest.raises(nf.ExprSyntaxError):
        nf.compile("x + x + x", limits={"characters": 5})


def test_pickle_and_copy():
    k = nf.compile("x * 2 + e", args=("x", "e"))
    for other in (pickle.loads(pickle.dumps(k)), copy.copy(k), copy.deepcopy(k)):
        assert other.expression == k.expression and other.args == k.args
        assert (other(X, 1) == X * 2 + 1).all()


def test_array_likes():
    k = nf.compile("x + 1")
    assert (k([1, 2, 3]) == np.array([2, 3, 4])).all()
    assert (np.asarray(k(pd.Series([1.5, 2.5]))) == [2.5, 3.5]).all()
    mapped = np.array([1.0, 2.0]).view(np.ndarray)
    assert (k(mapped) == [2, 3]).all()
