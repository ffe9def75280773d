"""Makes special.txt: values of special functions at random points, in 40 digits and more, for tests/special.rs.

Each line is a function's name, its arguments, the correctly rounded value, and its condition number: the units in the last
place by which the value changes when each argument changes by one. Needs mpmath 1.4. The incomplete gamma functions are
integrals in the logarithm of the variable, by quadrature: independent of series and expansions.
"""

import random

from mpmath import (digamma, exp, expm1, gamma, inf, ln, log, log10, log1p, loggamma, mp, mpf, pi, psi, quad, rgamma,
                    sqrt)

SEED = 20261121


def digits(*values):
    """Sets the precision so that 45 digits are left of an exponent of this size."""
    size = max([abs(mpf(value)) for value in values] + [mpf(10)])
    needed = 60 + int(log10(size)) + max(0, *(int(-log10(abs(v))) for v in values if v))
    # In steps: the nodes of quadrature are kept for each precision.
    mp.dps = next(step for step in (80, 120, 400, 1000) if step >= needed)


def smaller_tail(a, x):
    """The logarithm of the smaller of P(a, x) and Q(a, x), nearly, `a` times its derivative, and whether it is Q."""
    is_upper = x > a or (a < 1 and a * ln(x) > -0.4 and x < 1)
    a, x = mpf(a), mpf(x)
    head = a * ln(x) - x - loggamma(a)
    if a < 1 and x < 2:
        return series(a, x, head, is_upper), None, is_upper
    # y = x exp(±t): the integral of y^(a - 1) exp(-y) over x^a exp(-x), from 0.
    sign = 1 if is_upper else -1
    width = 1 / max(sqrt(x), sqrt(a), abs(x - a))
    ends = [0] + [width * 2**k for k in range(0, 9, 2)]

    def integrand(t):
        return exp(sign * a * t - x * expm1(sign * t))

    integral = quad(integrand, ends)
    mean = quad(lambda t: t * integrand(t), ends) / integral
    return head + ln(integral), a * (ln(x) - psi(0, a) + sign * mean), is_upper


def series(a, x, head, is_upper):
    """The same by the power series of P, which may be near 1, for which there are digits enough."""
    term = total = 1 / a
    n = 0
    while abs(term) > abs(total) * mpf(10) ** (-mp.dps):
        n += 1
        term *= x / (a + n)
        total += term
    log_p = head + ln(total)
    return ln(-expm1(log_p)) if is_upper else log_p


def tails(a, x):
    """log P, log Q and their condition numbers."""
    digits(a, x)
    value, by_a, is_upper = smaller_tail(a, x)
    a, x = mpf(a), mpf(x)
    if by_a is None:
        h = mpf(10) ** -25
        above = a * (1 + h)
        by_a = (series(above, x, above * ln(x) - x - loggamma(above), is_upper) - value) / h
    by_x = exp(a * ln(x) - x - loggamma(a) - value)
    condition = abs(by_a) + abs(by_x)
    other = log1p(-exp(value))
    # The other's derivatives are the same, but for the sign.
    pair = [(value, condition), (other, condition * exp(value - other))]
    return pair[::-1] if is_upper else pair


def main():
    random.seed(SEED)
    rows = []

    def add(name, arguments, value, condition=0):
        rows.append(f"{name} {' '.join(repr(a) for a in arguments)} {float(value)!r} {float(condition):.3g}")

    def power(low, high):
        return 10.0 ** random.uniform(low, high)

    for _ in range(60):
        for x in (random.uniform(-20, 20), random.uniform(-3, 3), power(-20, 2), power(0, 15), -power(-9, 0)):
            mp.dps = 60
            if x == int(x) and x <= 0:
                continue
            y = mpf(x)
            if x < 171:
                add("gamma", [x], gamma(y), abs(y * digamma(y)))
                add("rgamma", [x], rgamma(y), abs(y * digamma(y)))
            add("lgamma", [x], ln(abs(gamma(y))) if x < 0 else loggamma(y), abs(y * digamma(y) / ln(abs(gamma(y)))) if x < 100 else 1)
            add("digamma", [x], digamma(y), abs(y * psi(1, y) / digamma(y)))
            add("trigamma", [x], psi(1, y), abs(y * psi(2, y) / psi(1, y)))
        for x in (power(-300, 0), power(-2, 2), power(0, 20), random.uniform(0, 20), random.uniform(0, 2)):
            digits(x, 1 / mpf(x))
            y = mpf(x)
            add("stirling_error", [x], loggamma(y + 1) - (y + mpf(1) / 2) * ln(y) + y - ln(2 * pi) / 2)
            mean = x * float(exp(mpf(random.choice([-1, 1]) * power(-12, 1.5))))
            digits(x, mean, 1 / mpf(x), 1 / mpf(mean))
            y, mean_y = mpf(x), mpf(mean)
            value = y * ln(y / mean_y) + mean_y - y
            if value > 1e-290:
                add("deviance", [x, mean], value, abs(y * ln(y / mean_y) / value) + abs((mean_y - y) / value))
            z = random.choice([-x / 25, x]) if x < 25 else x
            mp.dps = 700
            add("log1pmx", [z], log1p(mpf(z)) - mpf(z))
    shapes = [lambda: power(-4, 0), lambda: power(0, 1.5), lambda: power(1.2, 6), lambda: power(-1, 4), lambda: power(-20, -3)]
    for count in range(240):
        a = random.choice(shapes)() if count % 25 else power(-300, 50)
        spread = float(1 / sqrt(mpf(a))) if a > 1 else 1.0
        kind = random.random()
        if kind < 0.6:
            x = a * float(exp(mpf(random.uniform(-4, 4) * spread)))
        elif kind < 0.8:
            x = a * float(exp(mpf(random.uniform(-40, 40) * spread)))
        else:
            x = power(-10, 1) if a < 1 else a * power(-1, 1)
        if a < 0.3 and random.random() < 0.5:
            x = float(exp(-mpf(power(-1, 2)) / mpf(a))) if a > 0.002 else power(-200, 2)
        if not 1e-300 < x < 1e300:
            continue
        (p, condition_p), (q, condition_q) = tails(a, x)
        for suffix, value, condition in (("", p, condition_p), ("c", q, condition_q)):
            if value > -690:
                add("gammainc" + suffix, [a, x], exp(value), condition)
            if abs(value) < 1e300 and (value < -1e-290):
                add("log_gammainc" + suffix, [a, x], value, condition / abs(value))
    path = __file__.replace(".py", ".txt")
    with open(path, "w") as file:
        file.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
