"""What a program means, said by NumPy: its statements one after another, each on whole arrays.

`run` evaluates a program's text as Python would, after a few rewritings: `and`, `or`, `not`,
conditionals and chained comparisons become NumPy's functions, `let` goes, and assignments follow
the rules of the language (an argument's name is the value at the call until it is assigned, an
assigned name is the value as stored).
"""

from __future__ import annotations

import ast
import functools
import operator
import warnings

import numpy as np
import scipy.special

WIDTH = {np.dtype(np.float16): np.uint16, np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}

#: Functions that are rounded within a budget, not exactly; for each the greatest distance in ULP
#: from NumPy's own result, which is itself up to about 4 ULP off.
BUDGET = dict.fromkeys(
    "cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arccosh arctanh hypot arctan2 power float_power deg2rad rad2deg degrees "
    "radians".split(),
    5,
) | {"logaddexp": 64, "logaddexp2": 64}


class WeakComplex(TypeError):
    """A complex power of Python's own numbers, which the language has where both are literals."""


class WeakOverflow(OverflowError):
    """Python's own integers beyond 64 bits, which the language has not."""


def _weak(value):
    return type(value) in (int, float, complex)


def _checked(value):
    if type(value) is bool:
        return np.bool_(value)
    if type(value) is int:
        if not -(2**63) <= value < 2**63:
            raise WeakOverflow("Python integer beyond 64 bits")
    return value


def apply_operator(name, left, right):
    """One binary operator, as `eval` computes it."""
    if _weak(left) and _weak(right):
        integers = type(left) is int and type(right) is int
        # Python would compute numbers of astronomical size before we could see that they are.
        if name == "pow" and integers and abs(left) > 1 and right > 64:
            raise WeakOverflow("power")
        if name == "lshift" and integers and left != 0 and right > 64:
            raise WeakOverflow("shift")
    value = getattr(operator, name)(left, right)
    if type(value) is complex and complex not in (type(left), type(right)):
        raise WeakComplex("complex power of Python's own numbers")
    return _checked(value)


def apply_unary(name, value):
    """One unary operator, as `eval` computes it."""
    if name == "not":
        return np.logical_not(value)
    return _checked(getattr(operator, name)(value))


def _norm(a, axis=None, keepdims=False):
    a = np.asarray(a)
    a = a if a.dtype.kind == "f" else a.astype(float)
    return np.sqrt(np.sum(np.square(a), axis=axis, keepdims=keepdims))


def _number(z):
    """Whatever array has parts, but functions of them take numbers."""
    z = np.asarray(z)
    if z.dtype.kind in "mM":
        raise TypeError("times have no parts")
    return z


def _logsumexp(a, axis=None, keepdims=False):
    return scipy.special.logsumexp(np.asarray(a), axis=axis, keepdims=keepdims)


#: Functions that are not NumPy's of the same name; of Python's own numbers NumPy's would give such.
OTHERS = {
    "norm": _norm,
    "logsumexp": _logsumexp,
    "real": lambda z: _number(z).real[()],
    "imag": lambda z: _number(z).imag[()],
}


def apply_function(name, args, kwargs=None):
    """One function by NumPy's name for it."""
    return _checked((OTHERS.get(name) or getattr(np, name))(*args, **(kwargs or {})))


def conditional(condition, then, other):
    return _checked(np.where(condition, then, other))


_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Pow: "pow", ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor",
    ast.LShift: "lshift", ast.RShift: "rshift", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt",
    ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_UNARY = {ast.UAdd: "pos", ast.USub: "neg", ast.Invert: "invert", ast.Not: "not"}
_IN_PLACE = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "//": np.floor_divide,
    "%": np.remainder, "**": np.power, "&": np.bitwise_and, "|": np.bitwise_or,
    "^": np.bitwise_xor, "<<": np.left_shift, ">>": np.right_shift,
}  # fmt: skip
CONSTANTS = {"pi": float(np.pi), "e": float(np.e), "inf": float("inf"), "nan": float("nan")}


def _option(keyword, env):
    """The value of an argument that is given by name: Python's own where it is written out."""
    match keyword.value:
        case ast.Constant(value):
            return value
        case ast.Name(name) if keyword.arg == "dtype":
            return name
    return _expression(keyword.value, env)


def _expression(node, env):
    """The value of a Python expression tree."""
    match node:
        case ast.Constant(value):
            return _checked(value)
        case ast.Tuple(items):
            return tuple(_expression(item, env) for item in items)
        case ast.Name(name):
            return env[name] if name in env else CONSTANTS[name]
        case ast.BinOp(left, op, right):
            left = _expression(left, env)
            return apply_operator(_BINARY[type(op)], left, _expression(right, env))
        case ast.UnaryOp(op, operand):
            return apply_unary(_UNARY[type(op)], _expression(operand, env))
        case ast.BoolOp(op, values):
            function = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return functools.reduce(function, [_expression(value, env) for value in values])
        case ast.IfExp(test, body, orelse):
            test = _expression(test, env)
            body = _expression(body, env)
            return conditional(test, body, _expression(orelse, env))
        case ast.Compare(left, ops, comparators):
            values = [_expression(value, env) for value in [left, *comparators]]
            links = [
                apply_operator(_BINARY[type(op)], values[i], values[i + 1])
                for i, op in enumerate(ops)
            ]
            return functools.reduce(np.logical_and, links)
        case ast.Call(ast.Name(name), args, keywords):
            values = [_expression(arg, env) for arg in args]
            named = {keyword.arg: _option(keyword, env) for keyword in keywords}
            return apply_function(name, values, named)
    raise AssertionError(f"the oracle does not know {ast.dump(node)}")


@functools.lru_cache(maxsize=4096)
def _parse(text):
    """A program's statements: (kind, name, operator, tree), kind one of let, =, op, expr."""
    statements = []
    for line in text.replace(";", "\n").splitlines():
        line = line.strip()
        if not line:
            continue
        let = line.startswith("let ")
        tree = ast.parse(line.removeprefix("let ")).body[0]
        match tree:
            case ast.Assign([ast.Name(name)], value):
                statements.append(("let" if let else "=", name, None, value))
            case ast.AugAssign(ast.Name(name), _, value):
                op = line[len(name) :].split("=")[0].strip()
                statements.append(("op", name, op, value))
            case ast.Expr(value):
                statements.append(("expr", "result", None, value))
            case _:
                raise AssertionError(f"the oracle does not know {line!r}")
    return statements


def arguments(text):
    """The names read before any assignment, in order of first occurrence, constants included."""
    found, assigned = [], set()
    for kind, name, _, tree in _parse(text):
        functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        names = [node for node in names if id(node) not in functions]
        reads = [node.id for node in sorted(names, key=lambda node: node.col_offset)]
        if kind == "op":
            reads.insert(0, name)
        found += dict.fromkeys(r for r in reads if r not in assigned and r not in found)
        if kind != "expr":
            assigned.add(name)
    return found


def _masked_statements(statements):
    """Which statements `where=` masks: those whose storage a caller gets to see."""
    # For each statement the assignment whose storage it writes; none if it is an argument's.
    base, bases = {}, []
    for index, (kind, name, _, _) in enumerate(statements):
        if kind != "op":
            base[name] = index
        bases.append(base.get(name))
    last = {own for own in base.values() if statements[own][0] != "let"}
    return [own is None or own in last for own in bases]


def _masked(value, where, before=None):
    """`value` where the mask holds, else what was there before, or zero."""
    value = np.asarray(value)
    if before is None:
        before = np.zeros(np.broadcast_shapes(value.shape, where.shape), value.dtype)
    masked = np.array(before, before.dtype.newbyteorder("="))
    if np.broadcast_shapes(where.shape, masked.shape) != masked.shape:
        raise ValueError("non-broadcastable output operand")
    np.copyto(masked, value, where=where)
    return masked


def _stored(value, out, casting):
    """`value` as the array `out` would hold it, in a copy."""
    value = np.asarray(value)
    if np.broadcast_shapes(value.shape, out.shape) != out.shape:
        raise ValueError("non-broadcastable output operand")
    if not np.can_cast(value.dtype, out.dtype, casting):
        raise TypeError("cannot cast output")
    copy = np.empty_like(out, dtype=out.dtype.newbyteorder("="), subok=False)
    copy[...] = value.astype(copy.dtype, copy=False)
    return copy


def run(text, args, out=None, dtype=None, casting="same_kind", where=True):
    """The outputs of a program, by name in order of first assignment.

    `args` and `out` are left as they are: what a call would store in them is in the outputs.
    """
    env = {}
    for name, value in args.items():
        if isinstance(value, np.ndarray):
            # Native, aligned and our own, so that nothing is shared.
            env[name] = np.array(value, dtype=value.dtype.newbyteorder("="), copy=True)
        else:
            env[name] = _checked(value)
    out = out or {}
    outputs = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        statements = _parse(text)
        masks = [where is not True and is_masked for is_masked in _masked_statements(statements)]
        where = np.array(where)
        for (kind, name, op, tree), is_masked in zip(statements, masks, strict=True):
            value = _expression(tree, env)
            match kind:
                case "let":
                    env[name] = value
                    continue
                case "op":
                    target = env[name]
                    if not isinstance(target, np.ndarray):
                        if name not in outputs:
                            raise TypeError("the target of an in-place operation must be an array")
                        target = np.asarray(target)
                    target = target.copy()
                    if op == "**" and target.dtype == np.float16 and casting == "same_kind":
                        # Its operator has special cases that its ufunc has not.
                        value = operator.ipow(target, value)
                    else:
                        value = _IN_PLACE[op](target, value, out=target, casting=casting)
                    if is_masked:
                        value = _masked(value, where, np.asarray(env[name]))
                case "=" | "expr":
                    if out.get(name) is not None:
                        value = _stored(value, out[name], casting)
                    elif dtype is not None:
                        fresh = np.empty(np.shape(value), dtype)
                        value = _stored(value, fresh, casting)
                    else:
                        value = np.array(value)
                    if is_masked:
                        value = _masked(value, where, out.get(name))
            outputs[name] = value
            env[name] = value
    return outputs


def ulp_distance(got, want):
    """How many numbers of their type lie between two arrays' elements; NaNs are one number."""
    bits = WIDTH[got.dtype]
    width = np.dtype(bits).itemsize * 8

    def ordered(values):
        raw = values.view(bits)
        sign = bits(1 << (width - 1))
        return np.where(raw & sign, ~raw, raw | sign)

    a, b = ordered(np.ascontiguousarray(got)), ordered(np.ascontiguousarray(want))
    distance = np.where(a > b, a - b, b - a)
    nan_got, nan_want = np.isnan(got), np.isnan(want)
    distance[nan_got & nan_want] = 0
    distance[nan_got ^ nan_want] = np.iinfo(bits).max
    return distance


def _differs_by_modulus(got, want, units):
    """Where complex numbers differ by more than so many rounding errors of the modulus; of infinite ones, of each part."""
    info = np.finfo(want.dtype)

    def close(got, want):
        limit = units * (info.eps * np.abs(want) + info.smallest_subnormal)
        return (np.abs(got - want) <= limit) | (got == want)

    with np.errstate(all="ignore"):
        by_part = close(got.real, want.real) & close(got.imag, want.imag)
        wrong = ~(close(got, want) | by_part | (np.isnan(got) & np.isnan(want)))
    return wrong if wrong.any() else None


def differs(got, want, ulp=0, zero_signs=True):
    """What is wrong with `got` as a mask of wrong elements, or a sentence, or None."""
    got, want = np.asarray(got), np.asarray(want)
    if got.dtype.newbyteorder("=") != want.dtype.newbyteorder("="):
        return f"dtype {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    got = np.array(got, dtype=want.dtype.newbyteorder("="))
    want = np.array(want, dtype=got.dtype)
    if got.dtype.kind == "c" and ulp:
        return _differs_by_modulus(got, want, ulp)
    if got.dtype.kind == "c":
        # What is no number in one part is none, whatever the other part.
        wrong = np.zeros(got.shape, bool)
        for one, other in ((got.real, want.real), (got.imag, want.imag)):
            part = differs(one, other, zero_signs=zero_signs)
            wrong |= False if part is None else part
        wrong &= ~(np.isnan(got) & np.isnan(want))
    elif got.dtype.kind in "mM":
        wrong = got.view("i8") != want.view("i8")
    elif got.dtype.kind == "f":
        wrong = ulp_distance(got.reshape(-1), want.reshape(-1)).reshape(got.shape) > ulp
        if ulp or not zero_signs:
            wrong &= ~((got == 0) & (want == 0))
    else:
        wrong = got != want
    return wrong if wrong.any() else None
