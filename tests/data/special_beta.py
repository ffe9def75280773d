"""Makes special_beta.txt: values of the beta functions at random points, for tests/special.rs.

Each line is a function's name, its arguments, the correctly rounded value, and its condition number: the units in the last
place by which the value changes when each argument changes by one. Needs mpmath. The smaller side of the incomplete beta
function is a series of positive terms (DLMF 8.17.8) in 60 digits; the condition is found by differences.
"""

import math
import random
import sys

from mpmath import exp, log, log1p, loggamma, mp, mpf

SEED = 20261122
STEP = mpf(10) ** -20


class Slow(Exception):
    """The series would take too many terms."""


def log_side(a, b, x, y):
    """log of the tail below, for x up to the mean."""
    n, term, total, k = a + b, mpf(1), mpf(1), 0
    while True:
        ratio = (n + k) * x / (a + 1 + k)
        term *= ratio
        total += term
        k += 1
        if ratio < 1 and term < total * mpf(10) ** -50:
            break
        if k > 3000:
            raise Slow
    return a * log(x) + b * log(y) - (loggamma(a) + loggamma(b) - loggamma(n)) - log(a) + log(total)


def tails(a, b, x):
    """The logarithms of both tails."""
    y = 1 - x
    if x * b <= y * a:
        below = log_side(a, b, x, y)
        return below, log1p(-exp(below))
    above = log_side(b, a, y, x)
    return log1p(-exp(above)), above


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def derivatives(function, arguments):
    """The function's values, and the sums of its derivatives' magnitudes by the arguments' logarithms."""
    values = function(*arguments)
    sums = [mpf(0)] * len(values)
    for i, argument in enumerate(arguments):
        moved = list(arguments)
        moved[i] = argument * (1 + STEP)
        sums = [s + abs(w - v) / STEP for s, v, w in zip(sums, values, function(*moved))]
    return values, sums


def shapes():
    if random.random() < 0.2:
        return float(random.randint(1, 14)), float(random.randint(1, 14))
    low, high = (-3, 4) if random.random() < 0.8 else (-9, 7)
    return tuple(10 ** random.uniform(low, high) for _ in range(2))


def point(a, b):
    """A point some standard deviations from the middle of log(x / y), or far out."""
    deviation = math.sqrt(1 / a + 1 / b)
    middle = math.log(a / b)
    logit = middle + random.choice([random.gauss(0, 3) * min(deviation, 5), random.gauss(0, 12) * min(deviation, 10)])
    if random.random() < 0.1:
        logit = random.uniform(-600, 30)
    return 1 / (1 + math.exp(-logit)) if logit > -30 else math.exp(max(logit, -690))


def main():
    mp.dps = 60
    random.seed(SEED)
    rows = []

    def add(name, arguments, value, condition):
        number = float(value)
        if number != 0 and 1e-300 < abs(number) < 1e300:
            rows.append(f"{name} {' '.join(repr(a) for a in arguments)} {number!r} {float(condition):.3g}")

    for _ in range(100):
        a, b = 10 ** random.uniform(-12, 8), 10 ** random.uniform(-12, 8)
        (value,), (change,) = derivatives(lambda a, b: (log_beta(a, b),), [mpf(a), mpf(b)])
        add("beta", (a, b), exp(value), change)
        add("betaln", (a, b), value, change / abs(value))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    while count:
        a, b = shapes()
        x = point(a, b)
        if not 0 < x < 1:
            continue
        try:
            values, changes = derivatives(tails, [mpf(a), mpf(b), mpf(x)])
        except Slow:
            continue
        count -= 1
        for name, value, change in zip(("betainc", "betaincc"), values, changes):
            add(name, (a, b, x), exp(value), change)
            if value:
                add("log_" + name, (a, b, x), value, change / abs(value))
    with open("special_beta.txt", "w") as file:
        file.write("\n".join(rows) + "\n")


main()
