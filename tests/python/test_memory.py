"""Memory: no temporaries, no growth with the number of expressions, nothing kept after use."""

import gc
import subprocess
import sys
import textwrap
import tracemalloc
import weakref

import numfuse as nf
import numpy as np
import pytest

MANY = """
    import sys
    import numfuse as nf
    import numpy as np

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def mappings():
        with open("/proc/self/maps") as file:
            return sum(1 for _ in file)

    count = int(sys.argv[1])
    x = np.arange(16.0)
    operators = "+-*"
    for i in range(count):
        a, b, c = operators[i % 3], operators[i // 3 % 3], operators[i // 9 % 3]
        k = nf.compile(f"x {a} {i}.5 {b} (y {c} x) * {i % 7} + x")
        result = k(x, x)
        if i % 1000 == 0:
            want = eval(f"x {a} {i}.5 {b} (y {c} x) * {i % 7} + x", {"x": x, "y": x})
            assert (result == want).all(), i
        if i == 5000:
            before = resident(), mappings()
    after = resident(), mappings()
    print(after[0] - before[0], after[1] - before[1])
"""


def grown(count):
    code = textwrap.dedent(MANY)
    done = subprocess.run(
        [sys.executable, "-c", code, str(count)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


def test_many_expressions():
    memory, mappings = grown(12_000)
    assert memory < 16 << 20
    assert mappings < 64


@pytest.mark.slow
def test_forty_thousand_expressions():
    memory, mappings = grown(40_000)
    assert memory < 16 << 20
    assert mappings < 64


def peak(call):
    """The greatest amount of array memory that `call` had at one time, as NumPy reports it."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident_peak_growth(code):
    """How much a process's greatest resident size grows while `code`'s last part runs."""
    program = textwrap.dedent(
        """
        import resource
        import numfuse as nf
        import numpy as np
        def top():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        n = 8_000_000
        x, y, z = (np.full(n, float(i)) for i in range(3))
        """
    ) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_no_temporaries():
    growth = resident_peak_growth(
        """
        k = nf.compile("y += 2*x + 3*z - sqrt(x*x + z*z)")
        k(y[:100], x[:100], z[:100])
        before = top()
        k(y, x, z)
        print(top() - before)
        """
    )
    # One temporary of NumPy's would be 64 MB.
    assert growth < 8 << 20


def test_fresh_result_is_all_that_is_allocated():
    x = np.arange(1_000_000.0)
    k = nf.compile("x*x + 2*x - 1")
    assert peak(lambda: k(x)) < x.nbytes + 100_000


def test_arguments_and_results_are_let_go():
    class Array(np.ndarray):
        pass

    x = np.arange(8.0).view(Array)
    watched = weakref.ref(x)
    k = nf.compile("x + 1")
    result = k(x)
    del x
    gc.collect()
    assert watched() is None
    assert result[7] == 8.0


def test_reference_counts():
    x, y = np.arange(8.0), np.zeros(8)
    k = nf.compile("y += x * 2")
    for call in (
        lambda: k(y, x),
        lambda: k(y=y, x=x),
        lambda: nf.evaluate("x + y", x=x, y=y),
        lambda: nf.evaluate("x + y", {"x": x, "y": y}, out=y),
    ):
        call()
        before = sys.getrefcount(x), sys.getrefcount(y), sys.getrefcount(k)
        for _ in range(100):
            call()
        assert (sys.getrefcount(x), sys.getrefcount(y), sys.getrefcount(k)) == before


def test_reference_counts_after_errors():
    x, y = np.arange(8.0), np.zeros(9)
    k = nf.compile("x + y")
    before = sys.getrefcount(x), sys.getrefcount(y)
    for _ in range(100):
        with pytest.raises(ValueError, match="broadcast"):
            k(x, y)
        with pytest.raises(TypeError):
            k(x)
        with pytest.raises(TypeError):
            k(x, y, z=1)
        with pytest.raises(TypeError):
            k(x, object())
    assert (sys.getrefcount(x), sys.getrefcount(y)) == before
