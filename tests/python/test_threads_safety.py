"""Threads, processes and signals."""

import _thread
import multiprocessing
import signal
import threading
import time

import numfuse as nf
import numpy as np
import pytest


def run_all(functions):
    """Runs each in a thread of its own and gives the first error back."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:  # shown by the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_one_kernel_from_many_threads_while_others_compile():
    shared = nf.compile("a * x + b * y - sqrt(x * x)")
    x = np.linspace(1, 9, 5_000)

    def call():
        for i in range(200):
            dtype = (np.float64, np.float32, np.int32, np.int64)[i % 4]
            y = np.arange(5_000).astype(dtype)
            want = 2.0 * x + i * y - np.sqrt(x * x)
            assert (shared(2.0, x, i, y) == want).all()

    def build(part):
        for i in range(150):
            assert nf.evaluate(f"z * {part} + {i}", z=np.int64(3)) == 3 * part + i

    run_all([call] * 4 + [lambda part=part: build(part) for part in range(4)])


def test_first_call_from_many_threads():
    for i in range(40):
        kernel = nf.compile(f"x * {i} + y")
        barrier = threading.Barrier(6)

        def call(kernel=kernel, barrier=barrier, i=i):
            barrier.wait()
            assert (kernel(np.arange(4.0), np.ones(4)) == np.arange(4.0) * i + 1).all()

        run_all([call] * 6)


def test_cache_is_cleared_while_kernels_run():
    stop = threading.Event()

    def clear():
        while not stop.is_set():
            nf.cache_clear()
            time.sleep(0.001)

    def call():
        try:
            for i in range(400):
                assert (nf.evaluate(f"x + {i % 50}", x=np.arange(8)) == np.arange(8) + i % 50).all()
        finally:
            stop.set()

    run_all([clear, call, call])


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 3_000_001))
    kernel = nf.compile("t = x * y + sin(x); u = t / y; u - x")
    results = []
    for count in (1, 2, 3, 7):
        with nf.num_threads(count):
            assert nf.get_num_threads() == count
            results.append(kernel(x, y))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


LONG = "let a = sin(x) * cos(x); let b = tan(a) + exp(a); y += arctan2(a, b) ** sinh(x)"


def test_gil_is_released():
    """Another thread makes progress while a kernel runs."""
    x = np.linspace(0, 1, 4_000_000)
    y = np.zeros_like(x)
    kernel = nf.compile(LONG)
    kernel(x=x[:10], y=y[:10])
    running, ticks = threading.Event(), []

    def call():
        running.set()
        kernel(x=x, y=y)
        running.clear()

    thread = threading.Thread(target=call)
    thread.start()
    running.wait()
    while running.is_set():
        ticks.append(time.perf_counter())
        time.sleep(0.001)
    thread.join()
    assert len(ticks) > 10


def test_keyboard_interrupt():
    """Ctrl-C ends a long run; each element is old or final, and the kernel still works."""
    x = np.linspace(0, 1, 20_000_000)
    y = np.full_like(x, -1.0)
    kernel = nf.compile(LONG)
    small = kernel(x=x[:64], y=np.full(64, -1.0))
    timer = threading.Timer(0.15, _thread.interrupt_main)
    # A process that was started in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            kernel(x=x, y=y)
            # Should the run have been shorter than that, the interrupt comes here.
            time.sleep(2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (y[:64] == small).all() or (y[:64] == -1.0).all() or np.isin(y[:64], [*small, -1.0]).all()
    assert (kernel(x=x[:64], y=np.full(64, -1.0)) == small).all()


def _in_child(queue):
    x = np.arange(2_000_000.0)
    queue.put(bool((nf.evaluate("x * 3 + 1", x=x) == x * 3 + 1).all()))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method):
    """A fork's child has no threads of its parent's, and works."""
    x = np.arange(2_000_000.0)
    with nf.num_threads(4):
        assert (nf.evaluate("x * 3 + 1", x=x) == x * 3 + 1).all()
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        child = context.Process(target=_in_child, args=(queue,))
        child.start()
        assert queue.get(timeout=60)
        child.join(60)
        assert child.exitcode == 0
        assert (nf.evaluate("x * 3 + 1", x=x) == x * 3 + 1).all()


def test_fork_while_another_thread_runs():
    x = np.linspace(0, 1, 4_000_000)
    thread = threading.Thread(target=lambda: nf.evaluate(LONG, x=x, y=np.zeros_like(x)))
    thread.start()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60)
    child.join(60)
    thread.join()
    assert child.exitcode == 0
