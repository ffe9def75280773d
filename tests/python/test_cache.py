"""The cache of kernels: its counts, its bounds, and who keeps what alive."""

import gc
import weakref

import numfuse as nf
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def clean():
    limits = nf.cache_info()
    nf.cache_clear()
    yield
    nf.cache_limit(limits.limit, limits.byte_limit)
    nf.cache_clear()


def test_counts():
    info = nf.cache_info()
    assert (info.hits, info.misses, info.kernels) == (0, 0, 0)
    nf.compile("x + 11")
    assert nf.cache_info()[:3] == (0, 1, 1)
    nf.compile("x + 11")
    assert nf.cache_info()[:3] == (1, 1, 1)
    for _ in range(3):
        nf.evaluate("x + 22", x=1)
    assert nf.cache_info()[:3] == (3, 2, 2)


def test_code_is_counted_and_freed():
    before = nf.cache_info().code_bytes
    nf.evaluate("x * 3 + 4", x=np.ones(3))
    assert nf.cache_info().code_bytes > before
    nf.cache_clear()
    gc.collect()
    assert nf.cache_info().code_bytes == before


def test_the_number_of_kernels_is_bounded():
    nf.cache_limit(entries=5)
    for i in range(50):
        nf.evaluate(f"x + {i}", x=1)
        assert nf.cache_info().kernels <= 5
    assert nf.cache_info().limit == 5


def test_the_bytes_of_code_are_bounded():
    nf.cache_limit(bytes=64 << 10)
    assert nf.cache_info().byte_limit == 64 << 10
    for i in range(300):
        nf.compile(f"x + {i}")(1)
    assert nf.cache_info().code_bytes <= 128 << 10


def test_none_leaves_a_limit():
    nf.cache_limit(entries=7, bytes=1 << 20)
    nf.cache_limit(entries=8)
    nf.cache_limit(bytes=2 << 20)
    nf.cache_limit()
    assert nf.cache_info()[-2:] == (8, 2 << 20)
    with pytest.raises((OverflowError, ValueError)):
        nf.cache_limit(entries=-1)


def test_a_held_kernel_outlives_the_cache():
    kernel = nf.compile("x * 5")
    nf.cache_clear()
    assert kernel(2) == 10
    assert nf.compile("x * 5") is not kernel
    nf.cache_limit(entries=1)
    for i in range(10):
        nf.compile(f"x * 5 + {i}")
    assert kernel(np.arange(3.0)).tolist() == [0, 5, 10]


def test_evaluate_holds_no_kernel_after_a_clear():
    text = "x * 6 + 1"
    nf.evaluate(text, x=1)
    reference = weakref.ref(nf.compile(text))
    assert reference() is not None
    nf.cache_clear()
    gc.collect()
    assert reference() is None
    assert nf.evaluate(text, x=1) == 7


def test_texts_that_are_made_anew():
    for i in range(2000):
        assert nf.evaluate("".join(["x + ", str(i % 7)]), x=i) == i + i % 7


def test_options_are_part_of_the_text():
    text = "a*b + c"
    for _ in range(3):
        for fastmath in (False, True, "contract", ()):
            assert nf.evaluate(text, a=2.0, b=3.0, c=1.0, fastmath=fastmath) == 7
