"""Ratios of times: what is compared runs in turns in one process, on one thread; medians."""

from __future__ import annotations

import statistics
import timeit
from dataclasses import dataclass


@dataclass
class Row:
    """One measure of the table."""

    workload: str
    bound_by: str
    ours: float
    theirs: float
    limit: float
    unit: str = "ns"

    @property
    def ratio(self):
        return self.ours / self.theirs


def versus(ours, theirs, names, *, rounds=41, seconds=0.005):
    """The medians of two statements, in seconds a run, measured in turns.

    They are statements and not functions, so that no call but their own is measured.
    """
    timers = [timeit.Timer(statement, globals=names) for statement in (ours, theirs)]
    loops = []
    for timer in timers:
        timer.timeit(1)
        loops.append(max(1, int(seconds / max(timer.timeit(3) / 3, 1e-9))))
    samples = ([], [])
    for _ in range(rounds):
        for sample, timer, count in zip(samples, timers, loops, strict=True):
            sample.append(timer.timeit(count) / count)
    return statistics.median(samples[0]), statistics.median(samples[1])


def table(rows):
    """The table as text."""
    width = max(len(row.workload) for row in rows)
    lines = [f"{'workload':{width}}  {'bound by':8}  {'numfuse':>11}  {'other':>11}  {'ratio':>6}  at most"]
    scale = {"ns": 1e9, "us": 1e6, "ms": 1e3, "MB": 1}
    for row in rows:
        ours, theirs = (f"{v * scale[row.unit]:.1f} {row.unit}" for v in (row.ours, row.theirs))
        verdict = "" if row.ratio <= row.limit else "  MISSED"
        lines.append(
            f"{row.workload:{width}}  {row.bound_by:8}  {ours:>11}  {theirs:>11}  {row.ratio:6.2f}  "
            f"{row.limit:7g}{verdict}"
        )
    return "\n".join(lines)
