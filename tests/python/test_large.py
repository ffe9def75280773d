"""Arrays of more elements than 32 bits can count."""

import numfuse as nf
import numpy as np
import pytest

N = 2**31 + 12_345


@pytest.fixture(scope="module")
def x():
    array = np.zeros(N, np.int8)
    array[:: 2**20] = 3
    array[-5:] = [1, 2, 3, 4, 5]
    return array


@pytest.mark.slow
def test_contiguous(x):
    result = nf.evaluate("x * 2 + 1", x=x)
    assert result.dtype == np.int8
    assert list(result[-5:]) == [3, 5, 7, 9, 11]
    assert (result[:: 2**20] == 7).all()
    assert np.count_nonzero(result != 1) == len(x[:: 2**20]) + 5


@pytest.mark.slow
def test_in_place_and_reversed(x):
    y = np.ones(N, np.int8)
    assert nf.compile("y += x")(y, x[::-1]) is y
    assert list(y[:5]) == [6, 5, 4, 3, 2]
    assert y[-1] == 1 + x[0]


@pytest.mark.slow
def test_two_dimensions():
    """Each axis is short, the whole is long; one operand is broadcast."""
    y = np.ones((2**16, 2**15 + 7), np.int8)
    row = np.arange(2**15 + 7).astype(np.int8)
    assert nf.compile("y += row")(y, row) is y
    assert (y[0] == row + 1).all()
    assert (y[-1] == row + 1).all()
    assert int(y.sum(dtype=np.int64)) == 2**16 * int((row + np.int8(1)).sum(dtype=np.int64))


@pytest.mark.slow
def test_broadcast_to_more_than_memory():
    """An index space of 2**40 elements reads one; the outputs are what has to fit."""
    x = np.broadcast_to(np.int8(3), (2**20, 2**20))
    with pytest.raises(MemoryError):
        nf.evaluate("x + 1.5", x=x)
