"""The main job on real data: `y += a1*x1 + a2*x2`, compiled once, with no temporary arrays.

The data are four years of daily weather in Seattle, which the package `vega_datasets` ships. A
regression explains the day's high temperature by the night's low and the wind; the job takes the
explained part from the deviations, in place, so that the residuals are left. To time it, the
columns are repeated until they no longer fit in the processor's caches.
"""

import importlib.resources
import resource
import statistics
import time
import tracemalloc

import numexpr
import numfuse as nf
import numpy as np
import pandas as pd

EXPRESSION = "y += a1*x1 + a2*x2"
ROUNDS = 15


def peak_megabytes(call):
    """The greatest amount of array memory that a call holds at one time."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main():
    files = importlib.resources.files("vega_datasets") / "_data" / "seattle-weather.csv"
    with files.open() as file:
        weather = pd.read_csv(file)
    high, low, wind = (weather[c].to_numpy(float) for c in ("temp_max", "temp_min", "wind"))
    y, x1, x2 = (column - column.mean() for column in (high, low, wind))
    (slope_low, slope_wind), *_ = np.linalg.lstsq(np.column_stack([x1, x2]), y, rcond=None)
    a1, a2 = -float(slope_low), -float(slope_wind)
    print(f"data        {len(y)} days of weather in Seattle, {weather.date[0]} to {weather.date.iloc[-1]}")
    print("model       high - mean = {:.3f} * (low - mean) + {:.3f} * (wind - mean)".format(-a1, -a2))

    kernel = nf.compile(EXPRESSION)
    residual = y.copy()
    start = time.perf_counter()
    kernel(residual, a1, x1, a2, x2)
    first = time.perf_counter() - start
    print(f"\ncompiled    {kernel.expression}")
    print(f"arguments   {', '.join(kernel.args)}; in place: {', '.join(kernel.outputs)}")
    print(f"signature   {'; '.join(str(s) for s in kernel.signatures)}")
    print(f"code        {nf.cache_info().code_bytes} bytes")
    print(f"first call  {first * 1e6:.0f} us, compiling included")

    expected = y.copy()
    expected += a1 * x1 + a2 * x2
    print(f"\nresiduals   numfuse {residual[:4].round(4)} ...")
    print(f"            NumPy   {expected[:4].round(4)} ...")
    equal = np.array_equal(residual, expected)
    worst = np.abs(residual - expected).max()
    print(f"            the same bits: {'yes' if equal else 'NO'}; greatest difference {worst:g}")
    print(f"            explained {1 - residual.var() / y.var():.1%} of the variance")

    repeat = 8_000_000 // len(y)
    big = {name: np.tile(v, repeat) for name, v in (("y", y), ("x1", x1), ("x2", x2))}
    names = big | {"a1": a1, "a2": a2}
    targets = {who: big["y"].copy() for who in ("numfuse", "NumPy", "numexpr")}

    def numpy_call():
        target = targets["NumPy"]
        target += a1 * big["x1"] + a2 * big["x2"]

    def numexpr_call():
        local = names | {"y": targets["numexpr"]}
        numexpr.evaluate("y + a1*x1 + a2*x2", local_dict=local, out=local["y"])

    calls = {
        "numfuse": lambda: kernel(targets["numfuse"], a1, big["x1"], a2, big["x2"]),
        "NumPy": numpy_call,
        "numexpr": numexpr_call,
    }
    nf.set_num_threads(1)
    numexpr.set_num_threads(1)
    times = {who: [] for who in calls}
    for call in calls.values():
        call()
    # In turns, so that what disturbs the machine disturbs all of them.
    for _ in range(ROUNDS):
        for who, call in calls.items():
            start = time.perf_counter()
            call()
            times[who].append(time.perf_counter() - start)
    agree = np.array_equal(targets["numfuse"], targets["NumPy"])
    print(f"\ntime        {len(big['y']):,} elements, one thread, bound by memory, median of {ROUNDS}")
    median = {who: statistics.median(seconds) for who, seconds in times.items()}
    for who, seconds in median.items():
        memory = peak_megabytes(calls[who])
        print(
            f"            {who:8} {seconds * 1e3:7.2f} ms  {seconds / median['numfuse']:5.2f} times numfuse's"
            f"   {memory:7.2f} MB of temporary arrays"
        )
    print(f"            the same bits as NumPy after {ROUNDS + 1} rounds: {'yes' if agree else 'NO'}")
    print(f"            process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if not (equal and agree):
        raise SystemExit("the results differ from NumPy's")


if __name__ == "__main__":
    main()
