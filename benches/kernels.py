"""The work that is compared: one row a kernel.

A row's text is in Python's syntax: assignments of intermediate values, then the result, separated
by semicolons. Every peer gets its form of it from the text (peers.py); `forms` has what a peer
writes otherwise, or None where it cannot express the work.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kernel:
    name: str
    text: str
    # The range of every array's uniformly distributed values, and the scalars' values.
    arrays: dict[str, tuple[float, float]]
    scalars: dict[str, float] = field(default_factory=dict)
    dtype: str = "float64"
    # "flat": packed arrays; "outer": the arrays are (N, 1) and (1, M); "strided": every other
    # element of arrays twice as long.
    layout: str = "flat"
    # The array that is both read and written.
    in_place: str | None = None
    forms: dict[str, str | None] = field(default_factory=dict)
    # At most this relative difference from NumPy, beside as much of the greatest value.
    tolerance: float = 1e-13


DEGREE_8 = "0.53*x - 0.48"
for coefficient in ("+ 0.41", "- 0.37", "+ 0.31", "- 0.24", "+ 0.16", "- 0.71", "+ 0.93"):
    DEGREE_8 = f"({DEGREE_8})*x {coefficient}"

GAUSS = "exp(-x*x/2)"
LOG_DENSITY = "u = (x - m)/s; -0.5*u*u - log(s) - 0.9189385332046727"
OBSERVATIONS = {"x": (-3.0, 3.0), "m": (-0.5, 0.5), "s": (0.5, 2.0)}

# The normal distribution's cumulative probability is erfc(-d/sqrt(2))/2.
BLACK_SCHOLES = (
    "v = sigma*sqrt(t); d = (log(s/k) + (r + sigma*sigma/2)*t)/v; "
    "0.5*(s*erfc(-0.7071067811865476*d) - k*exp(-r*t)*erfc(0.7071067811865476*(v - d)))"
)

KERNELS = [
    Kernel(
        "axpy3",
        "y + (a1*x1 + a2*x2 + a3*x3)",
        {name: (-1.0, 1.0) for name in ("y", "x1", "x2", "x3")},
        # Small enough that y stays small after the many runs.
        {"a1": 1e-9, "a2": -2e-9, "a3": 3e-9},
        in_place="y",
        forms={"numfuse": "y += a1*x1 + a2*x2 + a3*x3"},
    ),
    Kernel("poly8", DEGREE_8, {"x": (-1.0, 1.0)}),
    Kernel("sqrt", "sqrt(x)", {"x": (0.0, 10.0)}),
    Kernel("clamp", "clip(x, lo, hi)", {"x": (-1.0, 1.0)}, {"lo": -0.5, "hi": 0.25}),
    Kernel("gauss", GAUSS, {"x": (-5.0, 5.0)}),
    Kernel("softplus", "log(1 + exp(x))", {"x": (-20.0, 20.0)}),
    Kernel("softplus, stable", "maximum(x, 0) + log1p(exp(-abs(x)))", {"x": (-20.0, 20.0)}),
    Kernel(
        "Black-Scholes",
        BLACK_SCHOLES,
        {"s": (10.0, 50.0), "k": (10.0, 50.0), "t": (0.1, 2.0)},
        {"r": 0.03, "sigma": 0.3},
        # numexpr has neither erf nor erfc.
        forms={"numexpr": None},
        tolerance=1e-12,
    ),
    Kernel("log-density", LOG_DENSITY, OBSERVATIONS),
    Kernel(
        "mix64",
        "a = (x ^ (x >> 30))*0xbf58476d1ce4e5b9; b = (a ^ (a >> 27))*0x94d049bb133111eb; b ^ (b >> 31)",
        {"x": (0, 2**64 - 1)},
        dtype="uint64",
        # numexpr has no unsigned integers, symjit no integers.
        forms={"numexpr": None, "symjit": None},
        tolerance=0,
    ),
    # symjit computes with float64 alone.
    Kernel("poly8, float32", DEGREE_8, {"x": (-1.0, 1.0)}, dtype="float32", forms={"symjit": None}, tolerance=1e-5),
    Kernel("gauss, float32", GAUSS, {"x": (-5.0, 5.0)}, dtype="float32", forms={"symjit": None}, tolerance=1e-5),
    Kernel(
        "log-density, float32",
        LOG_DENSITY,
        OBSERVATIONS,
        dtype="float32",
        forms={"symjit": None},
        tolerance=1e-5,
    ),
    # symjit wants arrays of one shape.
    Kernel(
        "outer product",
        "a*b",
        {"a": (-1.0, 1.0), "b": (-1.0, 1.0)},
        layout="outer",
        forms={"symjit": None},
    ),
    Kernel("slices", "x*y + x", {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}, layout="strided"),
]

# Compared with NumPy alone, over 4096 elements, and the most that they may take of its time.
ELEMENTARY = [
    (Kernel("exp", "exp(x)", {"x": (-10.0, 10.0)}), 0.7),
    (Kernel("log", "log(x)", {"x": (0.01, 100.0)}), 0.8),
    (Kernel("sin", "sin(x)", {"x": (-10.0, 10.0)}), 0.15),
]
