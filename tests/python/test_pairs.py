"""Complex arrays in memory: every length of the vector loop and its rest, layouts, targets, repeated calls."""

from __future__ import annotations

import numpy as np
import pytest

import numfuse as nf

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 1001]
PROGRAMS = {
    "a*b + c": lambda a, b, c, x: a * b + c,
    "a + b": lambda a, b, c, x: a + b,
    "a - b*2": lambda a, b, c, x: a - b * 2,
    "real(a) * 2": lambda a, b, c, x: a.real * 2,
    "imag(a) + real(b)": lambda a, b, c, x: a.imag + b.real,
    "a * x": lambda a, b, c, x: a * x,
    "a / b": lambda a, b, c, x: a / b,
    "conj(a) * b": lambda a, b, c, x: a.conj() * b,
}


def operands(rng, dtype, n):
    a, b, c = ((rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype) for _ in range(3))
    return {"a": a, "b": b, "c": c, "x": rng.standard_normal(n).astype(a.real.dtype)}


def close(got, want, dtype):
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=2e-5 if dtype == "c8" else 1e-13)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("text", PROGRAMS)
def test_every_length(text, dtype, rng):
    """From the shortest on: what was learned of one call must not be taken for another."""
    kernel = nf.compile(text)
    for n in LENGTHS:
        values = operands(rng, dtype, n)
        want = PROGRAMS[text](**values)
        args = [values[name] for name in kernel.args]
        out = np.empty(n, want.dtype)
        for _ in range(3):
            close(kernel(*args), want, dtype)
            out[:] = 0
            assert kernel(*args, out=out) is out
            close(out, want, dtype)
            close(kernel(*(arg[::-1] for arg in args)), want[::-1], dtype)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_targets(dtype, rng):
    update, onto = nf.compile("y *= b"), nf.compile("y*y + b")
    for n in LENGTHS:
        values = operands(rng, dtype, n)
        a, b = values["a"], values["b"]
        for _ in range(3):
            y = a.copy()
            assert update(y, b) is y
            close(y, a * b, dtype)
            y = a.copy()
            close(onto(y, b, out=y), a * a + b, dtype)
            # What is read must be as it was.
            memory = np.concatenate([a, a])
            close(nf.evaluate("y*y + b", y=memory[:n], b=b, out=memory[n // 2 :][:n]), a * a + b, dtype)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_layouts(dtype, rng):
    m = (rng.standard_normal((30, 40)) + 1j * rng.standard_normal((30, 40))).astype(dtype)
    kernel = nf.compile("q*q + 1")
    for q in (m, m.T, m[::2, ::3], m[:, ::-1], m[:1], m[:, 3], m.astype(m.dtype.newbyteorder(">"))):
        for _ in range(3):
            close(kernel(q), (q * q + 1).astype(m.dtype), dtype)
    close(nf.evaluate("q * r", q=m, r=m[:, :1]), m * m[:, :1], dtype)
    assert type(nf.evaluate("q * 2", q=m[0, 0])) is m.dtype.type
    for _ in range(3):
        close(nf.evaluate("sum(q, axis=1)", q=m), m.sum(axis=1), dtype)


def test_the_last_element_is_the_last_that_is_read(tmp_path):
    """A half's vector ends where its pairs do: at the end of a mapped file."""
    page = np.memmap(tmp_path / "pairs", dtype="c16", mode="w+", shape=(256,))
    page[:] = np.arange(256) + 1j
    np.testing.assert_array_equal(nf.evaluate("imag(z) + real(z)", z=page), np.arange(256) + 1.0)


def test_fields_of_records_are_operands_where_they_are(rng, tmp_path):
    """Without copies: what is written to a field is in the record, and so with files that are mapped."""
    kinds = [("flag", "?"), ("count", "<i2"), ("x", "<f8"), ("z", "<c16"), ("half", "<f2"), ("big", ">f4")]
    memory = np.memmap(tmp_path / "records", dtype=kinds, mode="w+", shape=(100,))
    for records in (np.zeros(100, kinds), memory, np.zeros((10, 10), kinds)[::2, ::-1]):
        for name in ("count", "x", "half", "big"):
            records[name] = rng.integers(0, 100, records.shape)
        records["z"] = records["x"] + 2j
        fields = {name: records[name] for name, _ in kinds}
        want = fields["x"] * fields["count"] + fields["z"] - fields["big"] * fields["half"]
        for _ in range(3):
            got = nf.evaluate("x*count + z - big*half", {name: fields[name] for name in ("x", "count", "z", "big", "half")})
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want)
        before = fields["z"].copy()
        nf.evaluate("z += x; flag |= x > 50", z=fields["z"], x=fields["x"], flag=fields["flag"])
        np.testing.assert_array_equal(records["z"], before + records["x"])
        np.testing.assert_array_equal(records["flag"], records["x"] > 50)
