"""`where=` of calls: what the mask leaves out is as it was, or zero where it is new."""

from __future__ import annotations

import generate
import numfuse as nf
import numpy as np
import oracle
import pytest

LAYOUTS = ["C", "F", "negative", "step", "unaligned", "transposed", "readonly"]


def random_mask(rng, shape):
    """A mask that broadcasts to a shape, in one of the forms that there are."""
    if rng.random() < 0.1:
        value = rng.random() < 0.5
        return [value, np.bool_(value), np.array(value)][int(rng.integers(0, 3))]
    shape = generate.narrowed(rng, shape) if rng.random() < 0.5 else shape
    values = rng.random(shape) < rng.choice([0.0, 0.1, 0.5, 0.9, 1.0], p=[0.05, 0.25, 0.4, 0.25, 0.05])
    if shape and values.size and rng.random() < 0.1:
        return np.broadcast_to(values[:1], shape)
    if values.ndim and values.size and rng.random() < 0.1:
        return values.tolist()
    return generate.laid_out(rng, values, str(rng.choice(LAYOUTS)))


def blank(rng, shape, dtype=None):
    """An array to be written, of random elements."""
    if dtype is None:
        dtype = generate.DTYPES[int(rng.integers(0, len(generate.DTYPES)))]
    values = generate.elements(rng, dtype, int(np.prod(shape))).reshape(shape)
    return generate.laid_out(rng, values, str(rng.choice(["C", "F", "negative", "step", "unaligned", "swapped"])))


def test_random_programs(differences, rng, request):
    """The programs of the differential test, under a mask, some with arrays for their outputs."""
    for _ in range(request.config.getoption("--cases") or 2500):
        text, args, ulp = generate.program(rng, differences.statistics)
        try:
            want = oracle.run(text, args)
        except Exception:
            # Of what is wrong with programs the differential test says enough.
            differences.statistics["programs left out"] += 1
            continue
        shapes = [np.shape(value) for value in want.values()]
        shape = shapes[int(rng.integers(0, len(shapes)))]
        if rng.random() < 0.1:
            shape = (2, *shape)
        options = {"where": random_mask(rng, shape)}
        if rng.random() < 0.4:
            out = {}
            for name, value in want.items():
                # Assigned once, or the array is for the last of its values only.
                if name not in args and text.count(f"{name} = ") <= 1 and rng.random() < 0.7:
                    dtype = np.asarray(value).dtype if rng.random() < 0.6 else None
                    out[name] = blank(rng, shape if rng.random() < 0.5 else np.shape(value), dtype)
            # What NumPy casts out of range depends on its own vector code.
            is_float = [np.asarray(want[name]).dtype.kind == "f" for name in out]
            if rng.random() < 0.5 and not any(is_float):
                options["casting"] = "unsafe"
            if out:
                options["out"] = out
                differences.statistics["programs with out="] += 1
        differences.check(None, text, args, ulp=ulp, strict=False, **options)


def bits(array):
    """The bytes of each element."""
    packed = np.ascontiguousarray(array)
    return packed.view(np.uint8).reshape(*packed.shape, packed.dtype.itemsize)


TYPES = [*(dtype.str for dtype in generate.DTYPES), "<c8", "<c16", "<m8[s]", "<M8[D]", ">f8", ">f2", ">i4", ">c16"]


@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_left_out_keeps_every_bit(dtype, rng):
    """Of all types, cast or not, whatever the bits are; what is new is zero."""
    dtype = np.dtype(dtype)
    for n in [1, 5, 64, 1003]:
        raw = rng.integers(0, 256, n * dtype.itemsize).astype(np.uint8)
        before = (raw & 1 if dtype.kind == "b" else raw).view(dtype)
        x = rng.integers(0, 100, n).astype(dtype)
        source = x.astype("f4") if dtype.kind in "iuf" else x
        mask = rng.random(n) < 0.5
        for kernel, value in [("x", source), ("y = x; z = y", x)]:
            kernel = nf.compile(kernel)
            outs = tuple(before.copy() for _ in kernel.outputs)
            kernel(value, out=outs, where=mask, casting="unsafe")
            for out in outs:
                assert (out[mask] == x[mask]).all()
                assert (bits(out)[~mask] == bits(before)[~mask]).all()
        if dtype.kind in "iuf":
            y = before.copy()
            with np.errstate(all="ignore"):
                want = np.where(mask, y + x, y)
            assert nf.compile("y += x")(y, x, where=mask) is y
            assert oracle.differs(y, want) is None
            assert (bits(y)[~mask] == bits(before)[~mask]).all()
        new = nf.evaluate("x", x=x, where=mask)
        assert new.dtype == dtype.newbyteorder("=")
        assert (bits(new)[~mask] == 0).all() and (new[mask] == x[mask]).all()


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("x + 1", {"x": (3,)}),
        ("x + y", {"x": (2, 1), "y": (3,)}),
        ("7", {}),
        ("sum(x)", {"x": (4, 3)}),
        ("sum(x, axis=0)", {"x": (4, 3)}),
        ("sum(x, axis=1, keepdims=True) + x", {"x": (4, 3)}),
        ("argmax(x, axis=1)", {"x": (4, 3)}),
        ("mean(x, where=x > 0.5)", {"x": (4, 3)}),
        ("a = x + 1; b = a * 2; a - b", {"x": (3,)}),
        ("a = x; b = sum(a); c = a - b", {"x": (4, 3)}),
        ("let t = sum(x, axis=0); let u = t * 2; a = u + x; a", {"x": (4, 3)}),
        ("a = x; a += sum(a); a *= 2", {"x": (4, 3)}),
        ("a = x; a = sum(a) + x", {"x": (4, 3)}),
        ("y += x; s = sum(y); y += s", {"x": (3,), "y": (4, 3)}),
        ("y += x; y = y * sum(y)", {"x": (3,), "y": (4, 3)}),
        ("y *= 2; z -= y; w = y - z", {"y": (3,), "z": (4, 3)}),
    ],
)
def test_statements_and_shapes(text, shapes, differences, rng):
    """The mask broadcasts with each output, locals are not masked, and what a name denotes is as stored."""
    for shape in [(), (1,), (3,), (4, 3), (4, 1), (2, 4, 3), (1, 3), (0, 3), (5,)]:
        for _ in range(5):
            args = {name: rng.random(own) for name, own in shapes.items()}
            differences.check(None, text, args, ulp=8, where=rng.random(shape) < 0.5, strict=False)


def test_true_is_no_mask(rng):
    x, y = rng.random(5), rng.random(5)
    kernel = nf.compile("x + y")
    for where, ndim in [(True, 1), (np.True_, 1), (np.array(True), 1), ([[True]], 2)]:
        for _ in range(3):
            result = kernel(x, y, where=where)
            assert (result == x + y).all() and result.ndim == ndim
    assert kernel(1.5, 2.0, where=True) == 3.5
    result = kernel(1.5, 2.0, where=False)
    assert result == 0 and type(result) is np.float64


def test_masks_that_share_memory_with_outputs(differences, rng):
    """All is as if the mask had been copied first."""
    texts = [
        "x | y",
        "a = x ^ y; b = a & x",
        "a = x | y; b = any(a) ^ x",
        "x ^= y",
        "x ^= y; y |= x",
        "x |= any(x); ~x",
    ]
    for _ in range(1500):
        text = str(rng.choice(texts))
        kernel = nf.compile(text)
        buffer = rng.random(100) < 0.5
        n = int(rng.choice([1, 4, 17, 33]))

        def view(buffer=buffer, n=n):
            step = int(rng.choice([1, 1, 2, -1, -2, 3, 0]))
            start = int(rng.integers(0, min(8, 100 - (n - 1) * abs(step))))
            return np.lib.stride_tricks.as_strided(buffer[start:], (n,), (abs(step),))[:: -1 if step < 0 else 1]

        def apart():
            part = view()
            return part if part.strides[0] else view(np.zeros(100, bool))

        targets = [name for name in kernel.args if f"{name} ^= " in text or f"{name} |= " in text]
        args = {name: view() for name in kernel.args}
        writable = [name for name in kernel.outputs if name not in targets]
        for name in targets:
            args[name] = buffer[:n] if rng.random() < 0.5 else buffer[1 : n + 1]
        out = {name: buffer[40 : 40 + n] if rng.random() < 0.3 else apart() for name in writable}
        out = {name: array for name, array in out.items() if array.strides[0] != 0 and rng.random() < 0.7}
        written = [*out.values(), *(args[name] for name in targets)]
        if any(np.shares_memory(a, b) for i, a in enumerate(written) for b in written[:i]):
            continue
        mask = written[0] if written and rng.random() < 0.2 else view()
        want = oracle.run(text, args, out=out, where=mask.copy())
        shown = {**{name: value.copy() for name, value in args.items()}, "where": mask.copy()}
        results = kernel(*args.values(), out=out or None, where=mask)
        differences.statistics["cases"] += 1
        differences.statistics["the mask is written"] += any(np.shares_memory(mask, array) for array in written)
        results = results if isinstance(results, tuple) else [results]
        for result, (name, value) in zip(results, want.items(), strict=True):
            differences.compare(text, shown, name, result, value, 0, True)


def test_an_output_that_shares_memory_with_itself(rng):
    """Of two indices of one element the last, in C order, decides, as in NumPy."""
    for _ in range(200):
        x, mask = rng.random((3, 2)), rng.random((3, 2)) < 0.5
        buffers = [np.zeros(4), np.zeros(4)]
        outs = [np.lib.stride_tricks.as_strided(buffer, (3, 2), (8, 8)) for buffer in buffers]
        np.add(x, 1, out=outs[0], where=mask)
        nf.evaluate("x + 1", x=x, out=outs[1], where=mask)
        assert (buffers[0] == buffers[1]).all()


def test_large_arrays(rng):
    """By several threads, by vectors, with functions that are called by blocks."""
    n = 400_003
    x, y, mask = rng.random(n), rng.random(n), rng.random(n) < 0.3
    for text, value in [("y += 2*x", y + 2 * x), ("y *= sin(x)", y * nf.evaluate("sin(x)", x=x))]:
        target = y.copy()
        for threads in (1, 4):
            with nf.num_threads(threads):
                got = nf.compile(text)(target.copy(), x, where=mask)
            assert (got == np.where(mask, value, y)).all()
    out = y.copy()
    assert (nf.evaluate("x*x", x=x, out=out, where=mask[::-1]) == np.where(mask[::-1], x * x, y)).all()
    assert (nf.evaluate("x*x", x=x, where=mask) == np.where(mask, x * x, 0)).all()


def test_functions_are_called_for_every_element():
    calls = []
    registry = nf.Registry()
    registry.register("noted", lambda x: calls.append(x) or x, "double (double)", python=True, pure=False)
    result = nf.evaluate("noted(x)", x=np.arange(4.0), where=[True, False, False, True], functions=registry)
    assert (result == [0, 0, 0, 3]).all() and calls == [0, 1, 2, 3]


@pytest.mark.parametrize("order", ["K", "A", "C", "F"])
def test_the_mask_has_a_say_in_the_layout_of_results(order, rng):
    for _ in range(200):
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 4], int(rng.integers(0, 5))))
        x = generate.laid_out(rng, np.ones(generate.narrowed(rng, shape)), str(rng.choice(["C", "F", "transposed"])))
        mask = generate.laid_out(rng, np.ones(shape, bool), str(rng.choice(["C", "F", "transposed"])))
        got = nf.evaluate("x + 1", x=x, where=mask, order=order)
        want = np.add(x, 1, out=None, where=mask, order=order)
        strides = zip(np.asarray(got).strides, np.asarray(want).strides, shape, strict=True)
        assert all(g == w for g, w, n in strides if n > 1), (shape, x.strides, mask.strides)


@pytest.mark.parametrize(
    "where",
    [
        np.array([1, 0, 1]),
        np.ones(3),
        np.ones(3, np.uint8),
        np.array([True, False, True], object),
        np.array(["a", "b", "c"]),
        np.ones(3, "m8[s]"),
        1.5,
        0,
        None,
        [1, 0, 1],
        [True, [False, True], True],
        np.ones(2, bool),
        np.ones((2, 3), bool),
        [[True, False, True]],
        [],
        {"a": True},
    ],
)
def test_what_is_no_mask(where):
    """NumPy's errors, before anything is written; and what it takes is taken."""
    x, raised = np.arange(3.0), None
    want, out = np.full(3, 9.0), np.full(3, 9.0)
    try:
        np.add(x, 1, out=want, where=where)
    except (TypeError, ValueError) as error:
        raised = error
    if raised is None:
        assert (nf.evaluate("x + 1", x=x, out=out, where=where) == want).all()
        return
    with pytest.raises(type(raised)) as found:
        nf.evaluate("x + 1", x=x, out=out, where=where)
    # NumPy counts the output among the operands of which it shows the shapes.
    if "with shapes" not in str(raised):
        assert str(found.value) == str(raised)
    y = np.full(3, 9.0)
    with pytest.raises(type(raised)):
        nf.compile("y += x")(y, x, where=where)
    assert (out == 9).all() and (y == 9).all()


def test_masked_arrays_are_no_masks():
    with pytest.raises(TypeError, match="the mask is a masked array"):
        nf.evaluate("x", x=np.ones(1), where=np.ma.array([True]))


def test_an_argument_called_where_is_positional_only():
    kernel = nf.compile("x + where")
    assert kernel(1, 2) == 3 and (kernel(np.ones(2), 2, where=[True, False]) == [3, 0]).all()
    with pytest.raises(TypeError, match="positional-only"):
        kernel(x=1, where=2)
    assert nf.evaluate("x + where(x > 0, 1, where)", {"x": 1, "where": 5}) == 2
