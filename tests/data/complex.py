"""Makes complex.txt: values of functions of complex numbers, from many digits, for tests/complex.rs.

Each line is a function's name, the parts of its arguments, and the correctly rounded parts of its value. Needs mpmath.
Points are random in several ways, and next to where a function is hard: zeros, poles, branch points, the unit circle,
the ends of the exponents' range.
"""

import math
import random
import sys

from mpmath import mp, mpc, mpf

SEED = 20261122
random.seed(SEED)
mp.dps = 400

UNARY = {
    "exp": mp.exp,
    "exp2": lambda z: mp.exp(z * mp.ln(2)),
    "expm1": lambda z: mp.exp(z) - 1,
    "log": mp.log,
    "log2": lambda z: mp.log(z) / mp.ln(2),
    "log10": lambda z: mp.log(z) / mp.ln(10),
    "log1p": lambda z: mp.log(1 + z),
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
}
PERIODIC = {"exp", "exp2", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh"}
MOST = 600.0


def sign():
    return random.choice((-1.0, 1.0))


def magnitude(low, high):
    return math.ldexp(random.uniform(1, 2), random.randint(low, high)) * sign()


def near(x):
    """Next to a number, at a distance of any order."""
    return x + magnitude(-52, -2)


def on_circle():
    """Next to the unit circle."""
    angle = random.uniform(-math.pi, math.pi)
    size = 1 + random.choice((0.0, magnitude(-52, -8)))
    return math.cos(angle) * size, math.sin(angle) * size


def wide():
    return magnitude(-300, 300), magnitude(-300, 300)


def hard_for_log1p():
    """Where 1 + z is next to the unit circle: close to 0 as well."""
    y = magnitude(-30, -2)
    return -y * y / 2 * (1 + magnitude(-40, -1)), y


WAYS = [
    lambda: (random.gauss(0, 1), random.gauss(0, 1)),
    lambda: (random.gauss(0, 1), random.gauss(0, 1)),
    lambda: (random.uniform(-20, 20), random.uniform(-20, 20)),
    lambda: (magnitude(-30, 3), magnitude(-30, 3)),
    lambda: (near(sign()), magnitude(-60, -1)),
    lambda: (magnitude(-60, -1), near(sign())),
    on_circle,
    hard_for_log1p,
]


def points(name, count):
    ways = list(WAYS)
    if name in PERIODIC:
        half_pi = math.pi / 2
        ways += [
            lambda: (magnitude(-40, 2), near(half_pi * random.randint(-20, 20))),
            lambda: (near(half_pi * random.randint(-20, 20)), magnitude(-40, 2)),
            lambda: (random.uniform(-MOST, MOST), random.uniform(-MOST, MOST)),
            lambda: (random.gauss(0, 3), magnitude(5, 60) if name != "exp2" else magnitude(5, 25)),
        ]
    else:
        ways += [wide]
    for index in range(count):
        x, y = ways[index % len(ways)]()
        yield x, y


def write(name, args, value):
    parts = [float(value.real), float(value.imag)]
    if all(math.isfinite(part) and abs(part) > 1e-290 for part in parts):
        print(name, *(repr(part) for arg in args for part in arg), *(repr(part) for part in parts))


def main():
    for name, function in UNARY.items():
        for x, y in points(name, 60 if len(sys.argv) < 2 else int(sys.argv[1])):
            write(name, [(x, y)], mpc(function(mpc(mpf(x), mpf(y)))))
    for _ in range(150 if len(sys.argv) < 2 else int(sys.argv[1])):
        size = random.choice((1.0, 1.0, 10.0))
        z = random.choice(WAYS)()
        w = random.gauss(0, size), random.gauss(0, size)
        exponent = mpc(*map(mpf, w)) * mp.log(mpc(*map(mpf, z)))
        if abs(exponent.real) < 600:
            write("power", [z, w], mp.exp(exponent))


main()
