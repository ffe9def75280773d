"""Random arguments and random programs, with statistics of what was made.

A program is grown from its leaves, and every node's value is computed while it grows, so that
nearly all programs have a meaning; a few that NumPy refuses are let through on purpose.
"""

from __future__ import annotations

import collections
import random
import warnings

import numpy as np
import oracle

DTYPES = [np.dtype(code) for code in "? b h i q B H I Q e f d".split()]
INTEGERS = [dtype for dtype in DTYPES if dtype.kind in "iu"]
FLOATS = [dtype for dtype in DTYPES if dtype.kind == "f"]
#: What only some tests have among their operands.
COMPLEX = [np.dtype(code) for code in "FD"]
POINTS = [np.dtype(f"M8[{unit}]") for unit in ["D", "h", "25s", "ms", "ns", "M"]]
SPANS = [np.dtype(f"m8[{unit}]") for unit in ["W", "h", "s", "10ms", "us", "Y"]]

#: The number that means no time.
NAT = -(2**63)

WEAK_INTEGERS = [
    0, 1, -1, 2, 3, 7, -5, 31, 63, 64, 100, 127, 128, -128, -129, 200, 255, 256, 32767, 32768,
    40000, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 - 1, 2**32, 2**53 + 1,
    2**63 - 1, -(2**63),
]  # fmt: skip
WEAK_FLOATS = [
    0.0, -0.0, 0.5, 1.0, -1.5, 2.0, 3.0, -7.25, 1e-3, 0.1, 1e10, 16777217.0, 2.0**63, 3.4e38, 1e39,
    1e300, 5e-324, 1e-40, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip


def special_values(dtype):
    """The values where things go wrong."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        width = dtype.itemsize * 8
        values = {0, 1, 2, 3, 5, 7, width - 1, width, width + 1, 100, info.max, info.max - 1}
        values |= {info.max // 2, info.min, info.min + 1}
        if dtype.kind == "i":
            values |= {-1, -2, -3, -7, -width, -100, info.min // 2}
        return np.array(sorted(v for v in values if info.min <= v <= info.max), dtype)
    if dtype.kind == "c":
        parts = np.array([0.0, -0.0, 1.0, -1.0, 2.5, 1e30, np.inf, -np.inf, np.nan])
        return np.array([complex(real, imag) for real in parts for imag in parts], dtype)
    if dtype.kind in "mM":
        return np.array([0, 1, -1, 59, -3600, 20_000, NAT], "i8").view(dtype)
    info = np.finfo(dtype)
    positive = [
        0.0, info.smallest_subnormal, info.smallest_normal, 1e-3, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0,
        7.3, 100.7, 2.0**23 + 1, 2.0**31, 2.0**53, 2.0**63, 2.0**64, 1e30, info.max, np.inf,
    ]  # fmt: skip
    with np.errstate(over="ignore"):
        return np.array(positive + [-v for v in positive] + [np.nan], dtype)


def elements(rng, dtype, count):
    """Random elements: small numbers, all bit patterns, or special values."""
    if dtype.kind == "b":
        return rng.integers(0, 2, count).astype(bool)
    if dtype.kind == "c":
        values = np.empty(count, dtype)
        lane = values.real.dtype
        values.real, values.imag = elements(rng, lane, count), elements(rng, lane, count)
        return values
    choice = rng.integers(0, 4)
    if choice == 0:
        return rng.choice(special_values(dtype), count)
    if dtype.kind in "mM":
        numbers = rng.integers(*[(-9, 12), (-40_000, 40_000), (0, 1_000_000)][choice - 1], count)
        return np.where(rng.random(count) < 0.05, NAT, numbers).view(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if choice == 1:
            return rng.integers(info.min, info.max, count, dtype=dtype, endpoint=True)
        return rng.integers(max(-9, info.min), 12, count).astype(dtype)
    if choice == 1:
        return (rng.standard_normal(count) * 10.0 ** rng.integers(-30, 30)).astype(dtype)
    if choice == 2:
        return rng.integers(-6, 7, count).astype(dtype) / dtype.type(2)
    return rng.standard_normal(count).astype(dtype)


LAYOUTS = ["C", "F", "negative", "step", "offset", "unaligned", "swapped", "readonly", "transposed"]


def laid_out(rng, values, layout):
    """The values in an array of another layout."""
    match layout:
        case "F":
            return values.copy("F")
        case "negative":
            index = (*(slice(None, None, -1) for _ in values.shape), ...)
            return values[index].copy()[index]
        case "step":
            big = np.zeros([2 * n + 1 for n in values.shape], values.dtype)
            view = big[(*(slice(1, None, 2) for _ in values.shape), ...)]
            view[...] = values
            return view
        case "offset":
            big = np.zeros([n + 3 for n in values.shape], values.dtype)
            view = big[(*(slice(2, -1) for _ in values.shape), ...)]
            view[...] = values
            return view
        case "unaligned":
            raw = np.zeros(values.nbytes + 1, np.uint8)
            view = raw[1:].view(values.dtype).reshape(values.shape) if values.size else values
            view[...] = values
            return view
        case "swapped":
            return values.astype(values.dtype.newbyteorder(">"))
        case "readonly":
            copy = np.array(values)
            copy.flags.writeable = False
            return copy
        case "transposed":
            axes = list(rng.permutation(values.ndim))
            return values.transpose(axes).copy("C").transpose(np.argsort(axes).astype(int))
    return values.copy("C")


def random_shape(rng):
    """Mostly small, sometimes long enough for the vector loop and its tail."""
    choice = rng.integers(0, 10)
    if choice < 4:
        return (int(rng.choice([1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 67, 130, 1000])),)
    ndim = int(rng.integers(0, 5))
    return tuple(0 if rng.random() < 0.03 else int(n) for n in rng.choice([1, 2, 3, 4, 9, 20], ndim))


def narrowed(rng, shape):
    """A shape that broadcasts to `shape`."""
    shape = list(shape)
    for axis in range(len(shape)):
        if rng.random() < 0.2:
            shape[axis] = 1
    if rng.random() < 0.2:
        shape = shape[int(rng.integers(0, len(shape) + 1)) :]
    return tuple(shape)


def argument(rng, shape, stats, whole=False, writeable=False, dtypes=DTYPES):
    """A random argument that broadcasts to `shape`."""
    choice = rng.random()
    if not whole and choice < 0.10:
        stats["argument weak int"] += 1
        return int(rng.choice(WEAK_INTEGERS[:12]))
    if not whole and choice < 0.18:
        stats["argument weak float"] += 1
        return float(rng.choice(WEAK_FLOATS))
    dtype = dtypes[int(rng.integers(0, len(dtypes)))]
    if not whole and choice < 0.20 and dtype.kind == "c":
        stats["argument weak complex"] += 1
        return complex(elements(rng, COMPLEX[1], 1)[0])
    if not whole and choice < 0.28:
        stats["argument NumPy scalar"] += 1
        return elements(rng, dtype, 1)[0]
    if not whole:
        shape = narrowed(rng, shape)
    size = int(np.prod(shape))
    values = elements(rng, dtype, size).reshape(shape)
    layout = "C" if rng.random() < 0.4 else str(rng.choice(LAYOUTS))
    if writeable and layout == "readonly":
        layout = "C"
    if not whole and not writeable and rng.random() < 0.05 and shape:
        stats["layout broadcast"] += 1
        first = values[:1]
        return np.broadcast_to(first, shape) if size else values
    stats[f"layout {layout}"] += 1
    stats[f"ndim {len(shape)}"] += 1
    if size == 0:
        stats["size 0"] += 1
    stats[f"dtype {dtype.name}"] += 1
    return laid_out(rng, values, layout)


BINARY = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
    "&": "and_", "|": "or_", "^": "xor", "<<": "lshift", ">>": "rshift", "<": "lt", "<=": "le",
    ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
}  # fmt: skip
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]
# Exact functions whose results do not depend on what IEEE leaves open (the sign of a NaN).
EXACT_UNARY = (
    "sqrt floor ceil trunc rint fix absolute fabs sign negative positive square reciprocal isnan "
    "isinf isfinite logical_not invert abs round real imag conj isnat"
).split()
EXACT_BINARY = (
    "nextafter fmod remainder floor_divide true_divide add subtract multiply logical_and "
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift equal less "
    "greater_equal"
).split()
# Two equal zeros: which one they give is our own rule; adding zero makes it no matter.
CHOOSING = ["minimum", "maximum", "fmin", "fmax"]
ELEMENTARY = (
    "cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arccosh arctanh deg2rad rad2deg"
).split()
ELEMENTARY_BINARY = ["hypot", "arctan2"]
#: Exact reductions; of the least and the greatest see above.
REDUCTIONS = ["any", "all", "count_nonzero", "argmin", "argmax", "min", "max", "nanmin", "nanmax"]
#: What is rounded where an operand is complex: NumPy's products may be fused, its quotients multiply by a reciprocal.
ROUNDED_COMPLEX = {
    "*", "/", "**", "multiply", "true_divide", "sqrt", "absolute", "abs", "sign", "square", "reciprocal",
}  # fmt: skip
#: Elementary functions of complex numbers. Others have special values of their own (the manual says which), or
#: NumPy's have errors that grow with the argument.
ELEMENTARY_COMPLEX = (
    "exp log log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh angle "
    "sqrt absolute sign square reciprocal"
).split()
#: By how many rounding errors of the modulus NumPy's values of complex numbers may differ.
COMPLEX_UNITS = 64


class Rejected(TypeError):
    """Nothing that can be compared exactly; grow something else."""


class Grower:
    """Grows one program's expressions."""

    def __init__(self, rng, env, stats):
        self.rng = rng
        self.random = random.Random(int(rng.integers(0, 2**62)))
        self.env = env
        self.stats = stats
        self.used = set()
        # Most functions and operators have no loops for such operands.
        self.is_rare = any(np.asarray(value).dtype.kind in "cmM" for value in env.values())

    def exact(self, name, *operands):
        """Leaves out what NumPy rounds in its own way."""
        if name in ROUNDED_COMPLEX and any(np.iscomplexobj(operand) for operand in operands):
            raise Rejected

    def leaf(self):
        r = self.random
        choice = r.random()
        if choice < 0.78:
            name = r.choice(list(self.env))
            self.used.add(name)
            return name, self.env[name]
        if choice < 0.88:
            value = r.choice(WEAK_INTEGERS[:14])
            return (f"({value})" if value < 0 else str(value)), value
        if choice < 0.96:
            value = abs(r.choice(WEAK_FLOATS[:-3]))
            return repr(value), value
        if choice < 0.98:
            value = r.random() < 0.5
            return str(value), np.bool_(value)
        name = r.choice(list(oracle.CONSTANTS))
        if name in self.env:
            return name, self.env[name]
        return name, oracle.CONSTANTS[name]

    def node(self, depth):
        """A text (in parentheses where it needs them) and its value."""
        if depth == 0 or self.random.random() < 0.08:
            return self.leaf()
        for _ in range(24 if self.is_rare else 6):
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    return self.inner(depth)
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                # Now and then a mistake may stay in the program.
                if self.random.random() < 0.002:
                    self.stats["node wrong on purpose"] += 1
                    name = self.leaf()[0]
                    return f"(1 << {name})" if self.random.random() < 0.5 else f"(-(~{name}))", 1
        return self.leaf()

    def inner(self, depth):
        r = self.random
        choice = r.random()
        if choice < 0.50:
            a, x = self.node(depth - 1)
            b, y = self.node(depth - 1)
            op = r.choice(list(BINARY)) if r.random() < 0.5 else r.choice(["+", "-", "*", "/"])
            self.exact(op, x, y)
            value = oracle.apply_operator(BINARY[op], x, y)
            self.stats[f"operator {op}"] += 1
            return f"({a} {op} {b})", value
        if choice < 0.58:
            a, x = self.node(depth - 1)
            op, name = r.choice([("-", "neg"), ("+", "pos"), ("~", "invert"), ("not ", "not")])
            value = oracle.apply_unary(name, x)
            self.stats[f"unary {op.strip()}"] += 1
            return f"({op}{a})", value
        if choice < 0.64:
            a, x = self.node(depth - 1)
            b, y = self.node(depth - 1)
            c, z = self.node(depth - 1)
            first, second = r.choice(COMPARISONS), r.choice(COMPARISONS)
            left = oracle.apply_operator(BINARY[first], x, y)
            right = oracle.apply_operator(BINARY[second], y, z)
            self.stats["chained comparison"] += 1
            return f"({a} {first} {b} {second} {c})", np.logical_and(left, right)
        if choice < 0.72:
            c, condition = self.node(depth - 1)
            a, x = self.node(depth - 1)
            b, y = self.node(depth - 1)
            self.stats["conditional"] += 1
            value = oracle.conditional(condition, x, y)
            if r.random() < 0.5:
                return f"where({c}, {a}, {b})", value
            return f"({a} if {c} else {b})", value
        if choice < 0.78:
            a, x = self.node(depth - 1)
            b, y = self.node(depth - 1)
            op = r.choice(["and", "or"])
            function = np.logical_and if op == "and" else np.logical_or
            self.stats[op] += 1
            return f"({a} {op} {b})", function(x, y)
        if choice < 0.80:
            return self.reduction(depth)
        if choice < 0.90:
            a, x = self.node(depth - 1)
            name = r.choice(EXACT_UNARY)
            self.exact(name, x)
            value = oracle.apply_function(name, [x])
            self.stats[f"function {name}"] += 1
            return f"{name}({a})", value
        a, x = self.node(depth - 1)
        b, y = self.node(depth - 1)
        if choice < 0.93:
            name = r.choice(CHOOSING)
            value = oracle.apply_operator("add", oracle.apply_function(name, [x, y]), 0)
            self.stats[f"function {name}"] += 1
            return f"({name}({a}, {b}) + 0)", value
        if choice < 0.95:
            c, z = self.node(depth - 1)
            value = oracle.apply_operator("add", oracle.apply_function("clip", [x, y, z]), 0)
            self.stats["function clip"] += 1
            return f"(clip({a}, {b}, {c}) + 0)", value
        name = r.choice(EXACT_BINARY)
        self.exact(name, x, y)
        value = oracle.apply_function(name, [x, y])
        self.stats[f"function {name}"] += 1
        return f"{name}({a}, {b})", value

    def reduction(self, depth):
        """An exact reduction."""
        a, x = self.node(depth - 1)
        name = self.random.choice(REDUCTIONS)
        options = {"axis": self.random.choice([None, *range(-np.ndim(x), np.ndim(x))])}
        if self.random.random() < 0.5 and name != "count_nonzero":
            options["keepdims"] = True
        value = oracle.apply_function(name, [x], options)
        written = ", ".join(f"{option}={given}" for option, given in options.items())
        self.stats[f"reduction {name}"] += 1
        if name in ("min", "max", "nanmin", "nanmax"):
            if np.iscomplexobj(value) and np.isnan(value).any():
                # Which parts it has is open.
                raise Rejected
            return f"({name}({a}, {written}) + 0)", oracle.apply_operator("add", value, 0)
        return f"{name}({a}, {written})", value

    def rounded(self, depth):
        """An operation on complex numbers that NumPy rounds in its own way; and where it is to be compared."""
        for _ in range(40):
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    a, x = self.node(depth - 1)
                    b, y = self.node(depth - 1)
                    if self.random.random() < 0.5:
                        name = self.random.choice(["*", "/"])
                        text, value = f"({a} {name} {b})", oracle.apply_operator(BINARY[name], x, y)
                        operands = [x, y]
                    else:
                        name = self.random.choice(ELEMENTARY_COMPLEX)
                        text, value = f"{name}({a})", oracle.apply_function(name, [x])
                        operands = [x]
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                continue
            if not any(np.iscomplexobj(operand) for operand in operands):
                continue
            # Fused products overflow later than others.
            if name in ("*", "/", "square", "reciprocal") and not all(map(is_moderate, operands)):
                continue
            self.stats[f"complex {name}"] += 1
            return text, value
        return self.leaf()

    def elementary(self, depth):
        """An elementary function of exact arguments, to be compared within a budget."""
        for _ in range(20):
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    a, x = self.node(depth - 1)
                    if self.random.random() < 0.7:
                        name = self.random.choice(ELEMENTARY)
                        if np.iscomplexobj(x):
                            continue
                        text, value = f"{name}({a})", oracle.apply_function(name, [x])
                    else:
                        b, y = self.node(depth - 1)
                        name = self.random.choice([*ELEMENTARY_BINARY, "**"])
                        self.exact(name, x, y)
                        if name == "**" and np.asarray(x).dtype == bool and type(y) is int:
                            # NumPy's dtype depends on the exponent's value.
                            continue
                        if name == "**":
                            text, value = f"({a} ** {b})", oracle.apply_operator("pow", x, y)
                        else:
                            text = f"{name}({a}, {b})"
                            value = oracle.apply_function(name, [x, y])
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                continue
            self.stats[f"function {name}"] += 1
            return text, value
        return self.leaf()


#: What a program is about, and how often.
KINDS = {"real": 0.8, "complex": 0.1, "times": 0.1}


def is_moderate(value):
    """Are an operand's parts so large, and so small, that products of two neither overflow nor underflow?"""
    parts = np.asarray(value).astype(np.result_type(value, np.complex64)).reshape(-1)
    info = np.finfo(parts.dtype)
    sizes = np.abs(parts.view(parts.real.dtype))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return bool(np.all((sizes < info.max**0.4) & (sizes > info.tiny**0.4)))


def program(rng, stats, kind=None):
    """A random program: its text, its arguments, and the budget of its results in ULP."""
    shape = random_shape(rng)
    count = int(rng.integers(1, 5))
    kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))
    dtypes = {"real": DTYPES, "complex": DTYPES + 6 * COMPLEX, "times": [*DTYPES[1:5], *FLOATS[1:], *POINTS, *SPANS, *SPANS]}
    dtypes = dtypes[kind]
    stats[f"program of {kind}"] += 1
    names = [str(name) for name in rng.permutation(["x", "y", "z", "u", "a_b", "Größe", "e"])[:count]]
    args = {name: argument(rng, shape, stats, dtypes=dtypes) for name in names}
    env = dict(args)
    grower = Grower(rng, env, stats)
    depth = int(rng.choice([1, 2, 3, 4, 5], p=[0.15, 0.3, 0.3, 0.2, 0.05]))
    lines = []
    if rng.random() < 0.6:
        if rng.random() < 0.2 and kind != "times":
            stats["program elementary"] += 1
            text = (grower.rounded if kind == "complex" else grower.elementary)(depth)[0]
            ulp = COMPLEX_UNITS if kind == "complex" else 5
        else:
            text = grower.node(depth)[0]
            ulp = 0
        stats["program expression"] += 1
        lines = [text]
    else:
        ulp = 0
        statements = int(rng.integers(1, 6))
        target = argument(rng, shape, stats, whole=True, writeable=True, dtypes=dtypes)
        stats["program statements"] += 1
        assigned = set()
        for index in range(statements):
            last = index == statements - 1
            choice = rng.random()
            text, value = grower.node(depth)
            if choice < 0.25 and not last:
                name = f"t{index}"
                lines.append(f"let {name} = {text}")
                env[name] = value
                stats["statement let"] += 1
            elif choice < 0.60:
                name = f"r{index}" if rng.random() < 0.8 else str(rng.choice(names))
                lines.append(f"{name} = {text}")
                env[name] = np.array(value)
                assigned.add(name)
                stats["statement ="] += 1
            elif choice < 0.85:
                # In place, where NumPy takes it.
                name, done = "w", False
                env.setdefault("w", target)
                for op in [str(op) for op in rng.permutation(["+", "-", "*", "/", "//", "&", "|"])]:
                    try:
                        grower.exact(op, env["w"], value)
                        new = oracle.run(f"w {op}= v", {"w": env["w"], "v": value})["w"]
                    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                        continue
                    lines.append(f"w {op}= {text}")
                    args["w"] = target
                    env["w"] = new
                    stats[f"statement {op}="] += 1
                    done = True
                    break
                if not done:
                    env.pop("w") if "w" not in args else None
                    lines.append(f"r{index} = {text}")
                    env[f"r{index}"] = np.array(value)
            elif last:
                lines.append(text)
                stats["statement expression"] += 1
            else:
                lines.append(f"r{index} = {text}")
                env[f"r{index}"] = np.array(value)
    separator = "; " if rng.random() < 0.5 else "\n"
    text = separator.join(lines)
    args = {name: args[name] for name in oracle.arguments(text) if name in args}
    return text, args, ulp


def new_statistics():
    return collections.Counter()
