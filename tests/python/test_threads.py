"""The numbers of threads, large work, and calls from many threads."""

import threading

import numfuse as nf
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def restored():
    old = nf.get_num_threads()
    yield
    nf.set_num_threads(old)


def test_set_and_get():
    old = nf.get_num_threads()
    assert old >= 1
    assert nf.set_num_threads(3) == old
    assert nf.get_num_threads() == 3
    assert nf.set_num_threads(old) == 3


@pytest.mark.parametrize("n", [0, -1])
def test_at_least_one(n):
    with pytest.raises(ValueError, match="at least 1"):
        nf.set_num_threads(n)
    with pytest.raises(ValueError, match="at least 1"), nf.num_threads(n):
        pass


@pytest.mark.parametrize("n", [1.5, "2", None])
def test_a_number_is_an_integer(n):
    with pytest.raises(TypeError):
        nf.set_num_threads(n)


def test_contexts():
    old = nf.get_num_threads()
    context = nf.num_threads(2)
    with context:
        assert nf.get_num_threads() == 2
        with nf.num_threads(1):
            assert nf.get_num_threads() == 1
            with context:
                assert nf.get_num_threads() == 2
            assert nf.get_num_threads() == 1
        assert nf.get_num_threads() == 2
    assert nf.get_num_threads() == old
    with pytest.raises(KeyError), nf.num_threads(1):
        raise KeyError
    assert nf.get_num_threads() == old


def test_a_context_is_of_its_thread():
    old = nf.get_num_threads()
    seen = []
    with nf.num_threads(old + 1):
        thread = threading.Thread(target=lambda: seen.append(nf.get_num_threads()))
        thread.start()
        thread.join()
    assert seen == [old]


def test_results_are_the_same_for_any_number(rng):
    x = rng.standard_normal(1_000_003)
    want = None
    for n in (1, 2, 3, 7):
        with nf.num_threads(n):
            got = nf.evaluate("sin(x)*x + 0.1*x", x=x)
        want = got if want is None else want
        np.testing.assert_array_equal(got, want)


def test_other_threads_run_meanwhile():
    x = np.ones(4_000_000)
    turns = []
    done = threading.Event()

    def count():
        while not done.wait(0.0005):
            turns.append(1)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for _ in range(50):
            before = len(turns)
            for _ in range(10):
                nf.evaluate("sin(x) + cos(x)*tan(x)", x=x[:400_000])
            if len(turns) > before:
                break
        else:
            pytest.fail("no other thread ran")
    finally:
        done.set()
        thread.join()


def test_shapes_set_while_a_call_runs():
    x = np.ones(3_000_000)
    kernel = nf.compile("sqrt(x) + x*x")
    stop = threading.Event()

    def reshape():
        shapes = [(3_000_000,), (3, 1_000_000), (10, 10, 30_000)]
        while not stop.wait(0.001):
            shapes.append(shapes.pop(0))
            x.shape = shapes[0]

    thread = threading.Thread(target=reshape)
    thread.start()
    try:
        for _ in range(30):
            result = kernel(x)
            assert result.size == x.size and (result == 2).all()
    finally:
        stop.set()
        thread.join()


def test_one_kernel_from_many_threads():
    kernel = nf.compile("a*x + b")
    errors = []

    def work(seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(300):
                dtype = rng.choice([np.float32, np.float64, np.int32, np.int64])
                x = rng.integers(0, 100, rng.integers(1, 20)).astype(dtype)
                got = kernel(2, x, 1)
                np.testing.assert_array_equal(got, 2 * x + 1)
                assert got.dtype == x.dtype
                assert nf.evaluate(f"x + {seed}", x=seed) == 2 * seed
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]
