"""Writes the corpus: programs, their arguments, and what NumPy makes of them.

    python tests/corpus/write.py

Each row below becomes one case for each of its types; lengths and values rotate, so that vectors,
their remainders and special values meet every operation. `ulp` is the greatest distance from
NumPy's result, for functions that neither computes exactly.
"""

import itertools
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "python"))
import oracle  # noqa: E402

INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
FLOATS = ["f4", "f8"]
ALL = ["?", *INTEGERS, *FLOATS]
LENGTHS = itertools.cycle([3, 67, 1, 16])

UNIT = [0.0, -0.0, 0.5, -0.25, 1.0, -1.0, 0.875, 1e-9, -0.999, 0.1]
REAL = [*UNIT, 1.5, 2.5, -2.5, 100.0, -7.25, 1e30, 12.0, -3.0, np.inf, -np.inf, np.nan]
POSITIVE = [0.5, 1.0, 2.0, 1e-9, 10.0, 0.0, 1e30, np.inf, 3.25, np.nan]
MODERATE = [0.0, -0.0, 0.5, -0.25, 1.0, -1.0, 1.5, 2.5, -2.5, 10.0, -7.25, 3.0, np.nan]

# (program, types of each argument, values of floats)
OPERATORS = [
    *[(f"x {op} y", [[t, t] for t in types], REAL) for op, types in [
        ("+", ["?", "i1", "u2", "i4", "u8", "f4", "f8"]), ("-", ["i1", "u2", "i8", "f4", "f8"]),
        ("*", ["?", "u1", "i2", "i4", "i8", "f4", "f8"]), ("/", ["i4", "u8", "f4", "f8"]),
        ("//", [*INTEGERS, *FLOATS]), ("%", [*INTEGERS, *FLOATS]), ("&", ["?", "i1", "u8"]),
        ("|", ["?", "i2", "u4"]), ("^", ["?", "i4", "u1"]), ("<<", ["i1", "u2", "i4", "u8"]),
        (">>", ["i1", "u2", "i4", "i8", "u8"]), ("<", ["i1", "u8", "f4", "f8"]),
        ("<=", ["u1", "i4", "f4"]), (">", ["i2", "u4", "f8"]), (">=", ["?", "i8", "f4"]),
        ("==", ["?", "i1", "u8", "f8"]), ("!=", ["u2", "f4", "f8"]),
    ]],
    ("x + y", [["i1", "u1"], ["u4", "i4"], ["i2", "f4"], ["?", "f4"], ["u8", "i8"], ["f4", "f8"]], REAL),
    ("x < y", [["i8", "u8"], ["u8", "i8"], ["?", "i2"], ["i4", "f4"]], REAL),
    ("-x", [["i1"], ["u4"], ["f4"], ["f8"]], REAL),
    ("~x", [["?"], ["i2"], ["u8"]], REAL),
    ("not x", [["?"], ["i4"], ["f8"]], REAL),
    ("x ** 2", [["i4"], ["f4"], ["f8"]], REAL),
    ("x ** y", [["f8", "f8"], ["f4", "f4"]], MODERATE),
    ("x ** 3", [["i1"], ["u4"], ["i8"]], REAL),
    ("x ** 0.5", [["f8"]], POSITIVE),
]  # fmt: skip

FUNCTIONS = [
    *[(f"{f}(x)", [["f4"], ["f8"]], REAL) for f in "sqrt cbrt floor ceil trunc rint sign isnan "
      "isinf isfinite signbit square reciprocal fabs".split()],
    *[(f"{f}(x)", [["f4"], ["f8"]], MODERATE) for f in "exp exp2 expm1 sin cos tan sinh cosh tanh "
      "arctan arcsinh deg2rad rad2deg".split()],
    *[(f"{f}(x)", [["f4"], ["f8"]], POSITIVE) for f in "log log2 log10 log1p".split()],
    *[(f"{f}(x)", [["f4"], ["f8"]], UNIT) for f in "arcsin arccos arctanh".split()],
    *[(f"{f}(x, y)", [["f4", "f4"], ["f8", "f8"]], REAL) for f in "minimum maximum fmin fmax "
      "copysign fmod".split()],
    *[(f"{f}(x, y)", [["f4", "f4"], ["f8", "f8"]], MODERATE) for f in "hypot arctan2".split()],
    ("minimum(x, y)", [["i1", "i1"], ["u8", "u8"], ["?", "?"]], REAL),
    ("maximum(x, y)", [["u2", "u2"], ["i8", "i8"]], REAL),
    ("abs(x)", [["i1"], ["i8"], ["u4"], ["f4"], ["f8"]], REAL),
    ("sqrt(x)", [["i4"], ["u2"]], REAL),
    ("where(c, x, y)", [["?", "i1", "f4"], ["f8", "u2", "u2"], ["i4", "f8", "f8"]], REAL),
    ("clip(x, -1, 2)", [["i2"], ["f4"]], REAL),
    ("round(x)", [["f8"]], REAL),
    ("round(x, 1)", [["f8"], ["f4"]], MODERATE),
    ("logical_xor(x, y)", [["?", "f8"], ["i4", "u1"]], REAL),
]  # fmt: skip

# (program, types of each argument, values of floats, shapes in place of a length)
F, R, C, S = [3, 67], [67], [3, 1], []
PROGRAMS = [
    ("0 < x < y", [["f8", "f8"], ["i4", "i4"]], REAL, None),
    ("a <= x < b == c", [["f4", "f8", "i2", "u1"]], MODERATE, None),
    ("x if x > y else y", [["f8", "f8"], ["i4", "f4"]], REAL, None),
    ("x if c else y if d else 0", [["f4", "?", "f8", "i4"]], REAL, None),
    ("x > 0 and y > 0 or not x", [["f8", "i4"]], REAL, None),
    ("2*x + 1", [["u1"], ["i4"], ["f4"], ["f8"]], REAL, None),
    ("0.5*x + pi", [["i2"], ["f4"], ["f8"]], REAL, None),
    ("a*x + b", [["int", "f4", "float"], ["float", "i4", "int"], ["f8", "f8", "f8"]], MODERATE, None),
    ("x + 0*y - 0 + 1*x", [["f8", "f8"], ["i8", "i8"]], REAL, None),
    ("x*y + x*y + (y - y)", [["f8", "f8"], ["f4", "f4"]], REAL, None),
    ("x == 300", [["u1"], ["i1"]], REAL, None),
    ("x + True", [["i1"], ["f4"]], REAL, None),
    ("y += a*x + b*z", [["f8", "float", "f8", "int", "f8"], ["f4", "float", "f4", "float", "f4"]], MODERATE, None),
    ("y *= x; y -= 1", [["f8", "f8"], ["i2", "i2"], ["f4", "f8"]], REAL, None),
    ("y //= x", [["i4", "i4"], ["u8", "u8"]], REAL, None),
    ("x <<= 1; y ^= x", [["u2", "u2"]], REAL, None),
    ("let z = x - y; z*z", [["f8", "f8"], ["u4", "u4"]], REAL, None),
    ("let z = sqrt(abs(x)); s = z + 1; d = z - 1; s*d", [["f8"], ["f4"]], REAL, None),
    ("p = x + y; q = p*2; p += 1; p - q", [["f8", "i4"]], REAL, None),
    ("y += x; x = y", [["f8", "f8"]], REAL, None),
    ("floor(x) % 3 == 0", [["f8"]], MODERATE, None),
    ("(x & 7) << (y & 3) | 1", [["i4", "i4"], ["u1", "u1"]], REAL, None),
    ("x + y", [["f8", "f8"], ["i2", "f4"]], REAL, [F, R]),
    ("x * y", [["f8", "f8"], ["u1", "i2"]], REAL, [F, C]),
    ("x - y", [["f4", "f4"], ["i8", "i8"]], REAL, [R, C]),
    ("x + y*z", [["f8", "f8", "f8"], ["f4", "i2", "?"]], REAL, [F, S, R]),
    ("x if c else y", [["f8", "?", "f8"]], REAL, [R, C, S]),
    ("y += x", [["f8", "f8"], ["f4", "i1"]], REAL, [F, R]),
    ("x < y", [["f4", "f4"]], REAL, [S, F]),
    ("maximum(x, y) - z", [["i4", "i4", "int"]], REAL, [C, F, S]),
]  # fmt: skip


def values(code, count, place, floats):
    """Values of a type, those of another place in another order."""
    if code in ("int", "float"):
        return [(2, 3, 1)[place % 3] if code == "int" else (2.5, -0.5, 3.0)[place % 3]]
    dtype = np.dtype(code)
    if code == "?":
        all_ = [True, False, False]
    elif dtype.kind == "f":
        all_ = floats
    else:
        info = np.iinfo(dtype)
        all_ = [1, 7, -3, info.min, 0, 2, info.max, -1, 5, info.max - 1, info.min + 1, 100, 33, 8]
        all_ = [v for v in all_ if info.min <= v <= info.max]
    step = 1 if place == 0 else 5
    return np.array([all_[(place * 3 + i * step + i // len(all_)) % len(all_)] for i in range(count)], dtype)


def text(array):
    """Values so that they read back as they are."""
    array = np.asarray(array)
    if array.dtype.kind == "f":
        return " ".join(repr(float(v)) if array.dtype == np.float64 else str(v) for v in array.flat)
    return " ".join(str(int(v)) for v in array.flat)


def described(value, code):
    shape = list(np.shape(value))
    return f'{{ type = "{code}", shape = {shape}, values = "{text(value)}" }}'


def case(program, types, floats, shapes):
    names = oracle.arguments(program)
    names = [name for name in names if name not in ("pi", "e")]
    assert len(names) == len(types), (program, names)
    length = next(LENGTHS)
    args = {}
    for place, (name, code) in enumerate(zip(names, types)):
        shape = shapes[place] if shapes else [length]
        flat = values(code, int(np.prod(shape)), place, floats)
        args[name] = flat[0] if code in ("int", "float") else flat.reshape(shape)
    results = oracle.run(program, args)
    if program.split("(")[0] in ("minimum", "maximum", "fmin", "fmax") and program.endswith("(x, y)"):
        # Of two zeros NumPy takes either, depending on their place in the array; here, the first.
        zeros = (args["x"] == 0) & (args["y"] == 0)
        results["result"] = np.where(zeros, args["x"], results["result"])
    ulp = max((limit for name, limit in oracle.BUDGET.items() if name + "(" in program), default=0)
    if "**" in program and "** 2" not in program and types[0][0] == "f":
        ulp = 5
    lines = ["[[case]]", f"text = {json.dumps(program)}"]
    lines += [f"ulp = {ulp}"] if ulp else []
    lines += ["arguments = ["]
    lines += [f"    {described(args[name], code)}," for name, code in zip(names, types)]
    lines += ["]", "results = ["]
    for value in results.values():
        code = "?" if value.dtype == bool else value.dtype.str[1:]
        lines.append(f"    {described(value, code)},")
    return "\n".join([*lines, "]"]) + "\n"


def main():
    tables = {"operators": OPERATORS, "functions": FUNCTIONS, "programs": PROGRAMS}
    for file, rows in tables.items():
        cases = []
        for program, signatures, floats, *shapes in rows:
            cases += [case(program, types, floats, shapes[0] if shapes else None) for types in signatures]
        header = "# Written by write.py: programs, their arguments in order, and NumPy's results.\n\n"
        (HERE / f"{file}.toml").write_text(header + "\n".join(cases))
        print(file, len(cases))


main()
