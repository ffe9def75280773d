"""Writes ops.txt: what NumPy gives for each primitive of the Ir over special values.

    python tests/data/ops.py > tests/data/ops.txt

Two zeros of either sign are equal for minimum and its kind, and NumPy does not say which it takes;
the Ir's rule (the first) is written down instead.
"""

import platform

import numpy as np

np.seterr(all="ignore")
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]


def values(dtype):
    if dtype == "bool":
        return [False, True]
    if dtype in INTS:
        info, bits = np.iinfo(dtype), np.iinfo(dtype).bits
        v = [info.min, info.min + 1, -7, -1, 0, 1, 3, bits - 1, bits, 100, info.max - 1, info.max]
        return sorted({x for x in v if x >= info.min})
    big = [2.0**62, 2.0**63, -(2.0**63), 2.0**64, 1.2e19, -2e19, 1e30, -1e30]
    info = np.finfo(dtype)
    v = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 1.9, 127.5, -129.0, 300.0, -200.0, 65536.0, -70000.0]
    v += [2147483520.0, 2147483648.0, -2147483648.0, -2147483904.0, 3e9, -3e9, 5e9, *big]
    v += [float(info.tiny), float(info.smallest_subnormal), float(info.max), np.inf, -np.inf, np.nan]
    return v


# The squares of these are written, so they are fewer.
PAIRED = [0.0, -0.0, 0.1, 1.0, -1.5, 3.0, -7.25, 1e30, np.inf, -np.inf, np.nan]


def same_zero(f):
    def chosen(a, b):
        return np.where((a == 0) & (b == 0), a, f(a, b))

    return chosen


UNARY = {
    "neg": (np.negative, INTS + FLOATS),
    "abs": (np.absolute, INTS + FLOATS),
    "not": (np.invert, ["bool"] + INTS),
    "sqrt": (np.sqrt, FLOATS),
    "floor": (np.floor, FLOATS),
    "ceil": (np.ceil, FLOATS),
    "trunc": (np.trunc, FLOATS),
    "rint": (np.rint, FLOATS),
}
BINARY = {
    "add": (np.add, INTS + FLOATS),
    "sub": (np.subtract, INTS + FLOATS),
    "mul": (np.multiply, INTS + FLOATS),
    "div": (np.divide, FLOATS),
    "floordiv": (np.floor_divide, INTS),
    "floormod": (np.remainder, INTS),
    "truncmod": (np.fmod, INTS),
    "and": (np.bitwise_and, ["bool"] + INTS),
    "or": (np.bitwise_or, ["bool"] + INTS),
    "xor": (np.bitwise_xor, ["bool"] + INTS),
    "shl": (np.left_shift, INTS),
    "shr": (np.right_shift, INTS),
    "min": (same_zero(np.minimum), INTS + FLOATS),
    "max": (same_zero(np.maximum), INTS + FLOATS),
    "fmin": (same_zero(np.fmin), FLOATS),
    "fmax": (same_zero(np.fmax), FLOATS),
    "copysign": (np.copysign, FLOATS),
    "eq": (np.equal, ["bool"] + INTS + FLOATS),
    "ne": (np.not_equal, ["bool"] + INTS + FLOATS),
    "lt": (np.less, INTS + FLOATS),
    "le": (np.less_equal, INTS + FLOATS),
    "gt": (np.greater, INTS + FLOATS),
    "ge": (np.greater_equal, INTS + FLOATS),
}


def show(x):
    return str(x.item()) if x.dtype != np.float32 else str(x)


def line(head, results):
    print(f"{head}: {' '.join(map(show, results))}")


def one(x, dtype):
    """An array of one element: NumPy's scalar loops."""
    return np.array([x], dtype)


print(f"# Written by ops.py with NumPy {np.__version__} on {platform.machine()}.")
for dtype in ["bool"] + INTS + FLOATS:
    line(f"values {dtype}", np.array(values(dtype), dtype))
    for to in ["bool"] + INTS + FLOATS:
        line(f"convert {dtype} {to}", [one(x, dtype).astype(to)[0] for x in values(dtype)])
    for name, (function, dtypes) in UNARY.items():
        if dtype in dtypes:
            line(f"{name} {dtype} {dtype}", [function(one(x, dtype))[0] for x in values(dtype)])
for dtype in ["bool"] + INTS + FLOATS:
    operands = PAIRED if dtype in FLOATS else values(dtype)
    line(f"values {dtype}", np.array(operands, dtype))
    for name, (function, dtypes) in BINARY.items():
        if dtype in dtypes:
            results = [function(one(x, dtype), one(y, dtype))[0] for x in operands for y in operands]
            line(f"{name} {dtype} {results[0].dtype}", results)
