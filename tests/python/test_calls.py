"""Calls: how arguments and options are given, what is taken as an argument, what comes back."""

import array
import enum

import numfuse as nf
import numpy as np
import pytest

DTYPES = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
DTYPES += [np.float32, np.float64]


@pytest.fixture
def add():
    return nf.compile("x + y")


def same(got, want):
    """Equal in value, shape, type and dtype."""
    assert type(got) is type(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


# Each call is made several times: the first one learns, the later ones may take another way.
def repeatedly(call):
    for _ in range(2):
        call()
    return call()


def test_by_position_and_by_name(add):
    kernel = nf.compile("x - 10*y + 100*z")
    want = 1 - 20 + 300
    for _ in range(3):
        assert kernel(1, 2, 3) == want
        assert kernel(1, 2, z=3) == want
        assert kernel(1, z=3, y=2) == want
        assert kernel(z=3, y=2, x=1) == want
        assert kernel(**{"".join(["x"]): 1, "".join(["y"]): 2, "".join(["z"]): 3}) == want


def test_names_that_are_not_interned_or_normalised():
    kernel = nf.compile("`column one` + µ")
    names = {"column " + "one": 1, "\N{MICRO SIGN}": 2}
    assert kernel(**names) == 3
    assert nf.evaluate("`column one` + µ", **names) == 3
    assert nf.evaluate("`column one` + µ", names) == 3


@pytest.mark.parametrize(
    ("args", "names", "message"),
    [
        ((), {}, r"missing arguments 'x', 'y'"),
        ((1,), {}, r"missing argument 'y'"),
        ((1, 2, 3), {}, r"takes 2 positional arguments but 3 were given"),
        ((1, 2), {"z": 3}, r"unexpected keyword argument 'z'"),
        ((1, 2), {"x": 3}, r"multiple values for argument 'x'"),
        ((1,), {"x": 3}, r"multiple values for argument 'x'"),
    ],
)
def test_wrong_arguments(add, args, names, message):
    with pytest.raises(TypeError, match=message):
        add(*args, **names)


def test_an_argument_with_the_name_of_an_option_is_positional_only():
    kernel = nf.compile("x + out")
    assert kernel(1, 2) == 3
    given = np.empty(3)
    assert kernel(np.ones(3), 2.0, out=given) is given
    with pytest.raises(TypeError, match="positional-only"):
        kernel(x=1, out=np.empty(()))
    assert nf.evaluate("x + out", {"out": 2}, x=1) == 3


def test_scalars_keep_their_meaning_in_promotion(add):
    for dtype in DTYPES:
        for weak in (True, 2, 2.0):
            for strong in (dtype(1), np.ones(3, dtype), np.ones((), dtype)):
                same(repeatedly(lambda: add(strong, weak)), np.add(strong, weak))
                same(repeatedly(lambda: add(weak, strong)), np.add(weak, strong))


def test_numpy_scalars(add):
    for a in DTYPES:
        for b in DTYPES:
            same(repeatedly(lambda: add(a(1), b(1))), np.add(a(1), b(1)))
    same(add(np.longlong(1), np.ulonglong(2)), np.float64(3))


def test_results_of_scalars_are_numpy_scalars(add):
    for args in [(1, 2), (1.5, 2), (True, 1), (np.float32(1), 1), (np.ones(()), 1)]:
        result = repeatedly(lambda: add(*args))
        assert isinstance(result, np.generic) and not isinstance(result, np.ndarray)
    assert nf.evaluate("x > 1", x=2) is np.True_
    assert nf.compile("1 + 2")() == 3


def test_python_integers(add):
    assert repeatedly(lambda: add(2**62, 1)) == 2**62 + 1
    assert add(np.uint64(1), 2**64 - 2) == 2**64 - 1
    for big in (2**64, -(2**63) - 1, 10**30):
        with pytest.raises(OverflowError, match="too large"):
            add(big, 1)


def test_subclasses_of_numbers(add):
    class Number(float):
        pass

    class Count(enum.IntEnum):
        TWO = 2

    half = np.float32(0.5)
    same(add(half, Number(1)), np.add(half, 1.0))
    same(add(half, Count.TWO), np.add(half, 2))

    class Strong(np.float64):
        pass

    assert add(half, Strong(1)).dtype == np.float64


def test_arrays_of_any_layout(add, rng):
    base = rng.integers(0, 100, (4, 6, 5)).astype(float)
    layouts = [
        base,
        np.asfortranarray(base),
        base[::-1, :, ::-1],
        base[:, ::2].repeat(2, axis=1),
        np.broadcast_to(base[:1], base.shape),
        base.astype(">f8"),
        np.frombuffer(b"x" + base.tobytes(), dtype=float, offset=1).reshape(base.shape),
        base.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        base.astype(np.float32),
    ]
    for x in layouts:
        for y in layouts:
            same(repeatedly(lambda: add(x, y)), np.add(x, y))
            assert add(x, y).strides == np.add(x, y).strides
    same(add(base, base[0]), np.add(base, base[0]))
    same(add(base[:, :, :1], base[0]), np.add(base[:, :, :1], base[0]))
    for shape in [(0,), (3, 0), (1,), (1, 1), (2, 1, 3)]:
        same(repeatedly(lambda: add(np.ones(shape), np.ones(shape))), np.full(shape, 2.0))


def layouts(rng, dtype):
    """Arrays of 4 x 6 elements, or that broadcast to it, in many layouts; new memory each time."""
    swapped = np.dtype(dtype).newbyteorder(">")
    values = rng.integers(1, 9, (4, 6)).astype(dtype)
    wide = rng.integers(1, 9, (8, 18)).astype(dtype)
    return [
        values,
        np.asfortranarray(values),
        wide[::2, ::3],
        wide[::-2, 11:5:-1],
        wide[:4, :1],
        wide[:1, :6],
        wide[0, :12:2],
        values[::-1].astype(swapped),
        np.broadcast_to(values[0], (4, 6)),
        rng.integers(1, 9, (6, 4)).astype(dtype).T,
        values[1, 2],
        values[1:2, 2:3].reshape(()),
    ]


def test_layouts_come_again(rng):
    """Calls whose types, shapes and strides have been seen, and ones that differ in little."""
    kernel = nf.compile("x + y*2")
    in_place = nf.compile("x += y")
    for _ in range(3000):
        dtypes = rng.choice([np.float32, np.float64, np.int64], 2, p=[0.2, 0.6, 0.2])
        x, y = (layouts(rng, dtype)[int(rng.integers(12))] for dtype in dtypes)
        want = x + y * 2
        got = kernel(x, y)
        same(got, want)
        if want.ndim:
            assert kernel(x, y).strides == got.strides
        out = layouts(rng, want.dtype)[int(rng.integers(4))] if want.ndim else None
        if out is not None and want.shape == out.shape:
            assert kernel(x, y, out=out) is out
            same(out, want)
            # Memory that is written and read: the value of an element as it was.
            again = out + out * 2
            assert kernel(out, out, out=out) is out
            same(out, again)
            turned = out[::-1] + out * 2
            kernel(out[::-1], out, out=out)
            same(out, turned)
            if dtypes[1] == want.dtype:
                added = out + y
                assert in_place(out, y) is out
                same(out, added)
            out.flags.writeable = False
            with pytest.raises(ValueError, match="read-only"):
                kernel(x, y, out=out)


def test_errors_where_a_layout_comes_again():
    kernel = nf.compile("x ** y")
    x, y = np.arange(1, 13)[::2], np.arange(6).reshape(6, 1)
    for _ in range(3):
        same(kernel(x, y), x**y)
        with pytest.raises(ValueError, match="Integers to negative integer powers"):
            kernel(x, -y)


@pytest.mark.parametrize("threads", [1, 2])
def test_outputs_larger_than_caches(threads):
    """At any address, in one row or many: what is written past the caches is all there."""
    n = 5_000_011
    x = np.linspace(-3, 3, n)
    column, row = np.linspace(-1, 1, 1501)[:, None], np.linspace(2, 3, 3001)
    with nf.num_threads(threads):
        for at in (0, 1, 2, 3, 5, 8):
            memory = np.full(n + 16, 7.0)
            out = memory[at : at + n]
            nf.evaluate("x*2 + 1", x=x, out=out)
            np.testing.assert_array_equal(out, x * 2 + 1)
            assert (memory[:at] == 7).all() and (memory[at + n :] == 7).all()
            table = memory[at : at + column.size * row.size].reshape(column.size, row.size)
            nf.evaluate("column*row", column=column, row=row, out=table)
            np.testing.assert_array_equal(table, column * row)
        crooked = np.zeros(8 * n + 5, np.uint8)[5:].view(np.float64)
        nf.evaluate("x - 1", x=x, out=crooked)
        np.testing.assert_array_equal(crooked, x - 1)
        again = nf.compile("y = x + 1\nz = x - 1")(x)
        np.testing.assert_array_equal(again.y, x + 1)
        np.testing.assert_array_equal(again.z, x - 1)


def test_shapes_change_between_calls(add):
    for shape in [(16,), (4, 4), (2, 2, 2), (1,), (3,), (5000,), (2, 0)]:
        x = np.arange(np.prod(shape), dtype=float).reshape(shape)
        same(add(x, x), x + x)
        same(add(x, 1.0), x + 1)
    with pytest.raises(ValueError, match=r"operands could not be broadcast together with shapes \(3,\) \(4,\)"):
        add(np.ones(3), np.ones(4))


def test_objects_of_other_kinds(add):
    class Holder:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3)

    class Exchanged:
        def __init__(self):
            self.array = np.arange(3.0)

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    for thing in ([0, 1, 2], (0, 1, 2), range(3), array.array("d", [0, 1, 2]), Holder(), Exchanged()):
        same(repeatedly(lambda: add(thing, 1)), np.asarray(thing if not isinstance(thing, Exchanged) else thing.array) + 1)
    same(add([[1.0], [2.0]], [1, 2]), np.array([[2.0, 3.0], [3.0, 4.0]]))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_subclasses_of_arrays(add, tmp_path):
    mapped = np.memmap(tmp_path / "data", dtype=float, shape=(3,), mode="w+")
    mapped[:] = [1, 2, 3]
    same(add(mapped, 1.0), np.array([2.0, 3.0, 4.0]))
    assert add(1.0, 1.0, out=mapped[:1].reshape(())) == 2

    class Plain(np.ndarray):
        pass

    same(add(np.arange(3.0).view(Plain), 1.0), np.arange(3.0) + 1)

    class Unit(np.ndarray):
        def __array_ufunc__(self, *args, **options):
            return NotImplemented

    for refused in (np.arange(3.0).view(Unit), np.matrix([[1.0]]), np.ma.masked_array([1.0, 2.0], [0, 1])):
        with pytest.raises(nf.ExprTypeError, match="argument 'x'"):
            add(refused, 1)
        with pytest.raises(TypeError):
            add(1, 1, out=refused)


def test_data_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"price": [1.5, 2.0], "count": [2, 3], "the name": [1, 1], "text": ["a", "b"]})
    same(nf.evaluate("price * count + `the name`", frame), np.array([4.0, 7.0]))
    same(nf.evaluate("price * count", frame, count=10), np.array([15.0, 20.0]))
    same(nf.compile("x + 1")(frame["count"]), np.array([3, 4]))
    with pytest.raises(nf.ExprTypeError, match="argument 'text'"):
        nf.evaluate("text + 1", frame)
    with pytest.raises(nf.ExprNameError, match="'cost' is not given"):
        nf.evaluate("cost + 1", frame)
    with pytest.raises(TypeError, match="never written"):
        nf.evaluate("price += 1", frame)
    assert list(frame["price"]) == [1.5, 2.0]


def test_mappings():
    record = np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i8"), ("b", "f8")])
    same(nf.evaluate("a + b", record), np.array([3.0, 7.0]))
    with pytest.raises(nf.ExprNameError):
        nf.evaluate("a + c", record)

    class Lazy:
        asked = []

        def __getitem__(self, name):
            self.asked.append(name)
            if name == "bad":
                raise RuntimeError("no")
            return {"a": 1, "b": 2}[name]

    assert nf.evaluate("a + b + c", Lazy(), c=3) == 6
    assert Lazy.asked == ["a", "b"]
    with pytest.raises(RuntimeError, match="no"):
        nf.evaluate("bad + 1", Lazy())
    assert nf.evaluate("a + b", {"a": 1, "b": 2, "unused": object()}) == 3
    assert nf.evaluate("a + b", {"a": 1, "b": 2}, b=5) == 6
    assert nf.evaluate("a + b", None, a=1, b=2) == 3


def test_names_win_over_constants():
    assert nf.evaluate("2 * e") == 2 * np.e
    assert nf.evaluate("2 * e", e=3) == 6
    assert nf.evaluate("2 * e", {"e": 4}) == 8
    assert nf.evaluate("2 * e + pi", {"e": 4, "pi": 1}) == 9
    assert nf.evaluate("2 * e + pi", {"e": 4}, pi=2) == 10
    assert nf.evaluate("2 * e", {"unused": 4}) == 2 * np.e
    assert nf.evaluate("exp(x)", x=0, **{}) == 1
    with pytest.raises(TypeError, match="unexpected keyword argument 'e'"):
        nf.evaluate("exp(x)", x=0, e=1)


def test_names_of_evaluate():
    assert nf.evaluate("expr + mapping", expr=1, mapping=2) == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        nf.evaluate("x + y", x=1, y=2, z=3)
    with pytest.raises(TypeError, match="positional"):
        nf.evaluate("x + y", {}, {})
    with pytest.raises(TypeError, match="positional"):
        nf.evaluate(x=1)


def test_in_place():
    kernel = nf.compile("y += a*x")
    for dtype in (np.float64, np.float32, np.int64):
        y, x = np.ones(5, dtype), np.arange(5).astype(dtype)
        for turn in range(1, 4):
            assert kernel(y, 2, x) is y
            np.testing.assert_array_equal(y, 1 + 2 * turn * np.arange(5))
        assert kernel(y[::2], 0, x[::2]).base is y
    zero = np.zeros(())
    assert kernel(zero, 2.0, 3.0) is zero and zero == 6
    assert nf.evaluate("y += 1", y=zero) is zero and zero == 7
    for target in (1.0, np.float64(1), [1.0], np.ones(3).tolist()):
        with pytest.raises(TypeError, match="'y' is updated in place and must be a NumPy array"):
            kernel(target, 1.0, 1.0)
    fixed = np.ones(3)
    fixed.flags.writeable = False
    for _ in range(3):
        with pytest.raises(ValueError, match="output array is read-only"):
            kernel(fixed, 1.0, 1.0)
    with pytest.raises(ValueError, match="broadcast"):
        kernel(np.ones(3), 1.0, np.ones((2, 3)))


def test_in_place_over_shared_memory():
    kernel = nf.compile("y += x")
    for _ in range(3):
        y = np.arange(6.0)
        kernel(y, y)
        np.testing.assert_array_equal(y, 2 * np.arange(6.0))
        y = np.arange(6.0)
        kernel(y[1:], y[:-1])
        np.testing.assert_array_equal(y, [0, 1, 3, 5, 7, 9])
        y = np.arange(6.0)
        kernel(y[:-1], y[1:])
        np.testing.assert_array_equal(y, [1, 3, 5, 7, 9, 5])
        y = np.arange(6.0)
        kernel(y, y[2:3].reshape(()))
        np.testing.assert_array_equal(y, np.arange(6.0) + 2)


def test_out(add):
    x, y = np.arange(4.0), np.ones(4)
    for out in (np.empty(4), np.empty(8)[::2], np.empty(4, np.float32), np.empty(4, ">f8"), np.empty((2, 4))):
        for given in (out, (out,), {"result": out}):
            assert repeatedly(lambda: add(x, y, out=given)) is out
            np.testing.assert_array_equal(out, np.broadcast_to(x + y, out.shape))
    assert nf.evaluate("x + y", x=x, y=y, out=(out := np.empty(4))) is out
    zero = np.empty(())
    assert repeatedly(lambda: add(1.0, 2.0, out=zero)) is zero and zero == 3
    same(add(x, y, out=None), x + y)
    same(add(x, y, out=(None,)), x + y)
    same(add(x, y, out={}), x + y)
    # The output may be an input, and may overlap with one.
    z = np.arange(5.0)
    assert repeatedly(lambda: add(z, 1.0, out=z)) is z
    np.testing.assert_array_equal(z, np.arange(5.0) + 3)
    add(z[:-1], 1.0, out=z[1:])
    np.testing.assert_array_equal(z, [3, 4, 5, 6, 7])


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (3, TypeError, "return arrays must be of ArrayType"),
        ([1.0, 2.0], TypeError, "return arrays must be of ArrayType"),
        ((3.0,), TypeError, "return arrays must be of ArrayType"),
        ((), ValueError, "exactly one entry"),
        ((None, None), ValueError, "exactly one entry"),
        ({"other": np.empty(4)}, ValueError, "no output 'other'"),
        (np.empty(3), ValueError, "broadcast"),
        (np.empty(4, np.int64), TypeError, "same_kind"),
        (np.empty(4, "U4"), TypeError, "U4"),
        (np.empty(4, object), TypeError, "object"),
    ],
)
def test_wrong_out(add, out, error, message):
    for _ in range(2):
        with pytest.raises(error, match=message):
            add(np.arange(4.0), 1.0, out=out)


def test_a_read_only_out(add):
    out = np.zeros(4)
    out.flags.writeable = False
    for _ in range(3):
        with pytest.raises(ValueError, match="output array is read-only"):
            add(np.arange(4.0), 1.0, out=out)
    assert not out.any()


def test_several_outputs():
    kernel = nf.compile("s = x + y; d = x - y; `a b` = x * y; class_ = x")
    x, y = np.arange(3.0), 2.0
    result = kernel(x, y)
    assert isinstance(result, tuple) and result._fields == ("s", "d", "_2", "class_")
    s, d, product, _ = result
    same(s, x + y)
    same(result.d, x - y)
    same(product, x * y)
    assert type(kernel(1.0, 2.0).s) is np.float64
    out = np.empty(3)
    assert kernel(x, y, out={"d": out}).d is out
    assert kernel(x, y, out=(None, out, None, None)).d is out
    with pytest.raises(TypeError, match="tuple of 4 arrays"):
        kernel(x, y, out=out)
    with pytest.raises(ValueError, match="share memory"):
        kernel(x, y, out=(out, out, None, None))

    import pickle

    again = pickle.loads(pickle.dumps(result))
    assert type(again) is type(result) and again._fields == result._fields
    same(again.s, result.s)


def test_outputs_in_place_and_allocated():
    kernel = nf.compile("y += x; z = 2*y")
    y, out = np.ones(3), np.empty(3)
    for turn in range(1, 4):
        result = kernel(y, 1.0)
        assert result.y is y
        same(result.z, np.full(3, 2.0 * (1 + turn)))
    assert kernel(y, 1.0, out={"z": out}).z is out
    assert kernel(y, 1.0, out=(y, out)).y is y
    with pytest.raises(TypeError, match="'y' is updated in place"):
        kernel(y, 1.0, out={"y": out})


def test_casting(add):
    x = np.array([1.5, 2.5])
    out = np.empty(2, np.int32)
    for _ in range(2):
        with pytest.raises(TypeError, match="same_kind"):
            add(x, 1.0, out=out)
        assert add(x, 1.0, out=out, casting="unsafe") is out and list(out) == [2, 3]
        with pytest.raises(TypeError, match="safe"):
            add(x, 1.0, out=np.empty(2, np.float32), casting="safe")
        with pytest.raises(TypeError, match="same_kind"):
            nf.evaluate("y += x", y=out, x=x)
        nf.evaluate("y += x", y=out, x=x, casting="unsafe")
    with pytest.raises(ValueError, match=r"casting must be one of .* \(got 'foo'\)"):
        add(x, 1.0, casting="foo")
    with pytest.raises(TypeError, match="casting"):
        add(x, 1.0, casting=3)


def test_order(add):
    c, f = np.ones((3, 4)), np.ones((3, 4), order="F")
    for order in "KCFAkcfa":
        for x in (c, f, c[:, ::2]):
            for _ in range(2):
                got, want = add(x, 1.0, order=order), np.add(x, 1.0, order=order)
                same(got, want)
                assert got.strides == want.strides
    with pytest.raises(ValueError, match=r"order must be one of 'C', 'F', 'A', or 'K' \(got 'Z'\)"):
        add(c, f, order="Z")


def test_dtype(add):
    x = np.arange(4.0)
    for dtype in (np.float32, "f4", np.dtype("float32"), ">f4", "float32"):
        same(repeatedly(lambda: add(x, 1.0, dtype=dtype)), (x + 1).astype(np.float32))
    same(add(np.int8(100), np.int8(100), dtype=np.int64), np.int64(-56))
    same(add(x, 1.0, dtype=None), x + 1)
    with pytest.raises(TypeError, match="same_kind"):
        add(x, 1.0, dtype=np.int64)
    same(add(x, 1.5, dtype=np.int64, casting="unsafe"), (x + 1.5).astype(np.int64))
    same(add(x, 1.5, dtype="c16"), (x + 1.5).astype("c16"))
    for wrong in ("O", "U5", "nonsense", "datetime64[s]"):
        with pytest.raises(TypeError):
            add(x, 1.0, dtype=wrong)


def test_hundreds_of_arguments():
    names = [f"x{i}" for i in range(300)]
    kernel = nf.compile(" + ".join(names))
    values = [np.full(3, float(i)) for i in range(300)]
    same(repeatedly(lambda: kernel(*values)), np.full(3, float(sum(range(300)))))
    same(kernel(**dict(zip(reversed(names), reversed(values)))), np.full(3, float(sum(range(300)))))


def test_references_are_given_back():
    import sys

    add = nf.compile("x + y")
    x, y, out = np.arange(16.0), np.ones(16), np.empty(16)
    other = np.ones(8)[::2]

    def calls():
        add(x, y)
        add(x, y, out=out)
        add(x, y, out=(out,))
        add(x[::4], other)
        add(x, [1.0] * 16)
        nf.evaluate("x + y", {"x": x, "y": y})
        nf.evaluate("x += y", x=x, y=0.0)
        for wrong in (None, np.ones(3), "a"):
            try:
                add(x, wrong)
            except (TypeError, ValueError):
                pass

    calls()
    things = (x, y, out, other, add)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(100):
        calls()
    assert [sys.getrefcount(thing) for thing in things] == before


def test_only_the_casting_rule_no_tells_byte_orders_apart():
    out = np.zeros(3, ">f8")
    for casting in ("equiv", "safe", "same_kind", "unsafe"):
        assert nf.evaluate("x + 1", x=np.ones(3), out=out, casting=casting) is out
    with pytest.raises(TypeError, match=r"from dtype\('float64'\) to dtype\('>f8'\) with casting rule 'no'"):
        nf.evaluate("x + 2", x=np.ones(3), out=out, casting="no")
    with pytest.raises(TypeError, match="casting rule 'no'"):
        nf.compile("y += x")(out, np.ones(3), casting="no")
    assert (out == 2).all()
    assert (nf.compile("y += x")(np.ones(3), np.ones(3, ">f8"), casting="no") == 2).all()
