"""Writes distributions_more.json: Laplace and Gumbel in the columns of distributions.json.

Values are computed by mpmath in 60 digits and rounded once. A condition number says by how many units in the last place a
value changes when the arguments change by one: of points, for x and the parameters together; of quantiles, for the
probability alone. Run it as `python tests/data/make_distributions.py`; it needs mpmath.
"""

import json
import pathlib

import mpmath
from mpmath import mp, mpf

mp.dps = 60


def laplace(x, m, s):
    z = (x - m) / s
    tail = mpmath.exp(-abs(z)) / 2
    log_tail = -abs(z) - mpmath.log(2)
    lower, upper = (tail, 1 - tail), (log_tail, mpmath.log1p(-tail))
    if z > 0:
        lower, upper = lower[::-1], upper[::-1]
    return (tail / s, log_tail - mpmath.log(s), *lower, *upper)


def laplace_quantile(log_lower, log_upper, m, s):
    z = log_lower + mpmath.log(2) if log_lower < log_upper else -log_upper - mpmath.log(2)
    return m + s * z


def exp_or_zero(log):
    """0 where the exponential is far below float64's least number."""
    return mpmath.exp(log) if log > -(10**6) else mpf(0)


def log1mexp(log):
    """`log(1 - exp(log))`."""
    return mpmath.log(-mpmath.expm1(log)) if log > -1 else mpmath.log1p(-exp_or_zero(log))


def gumbel(x, m, s):
    z = (x - m) / s
    # Beyond, the survival function is 1 to more digits than are computed with.
    e = mpmath.exp(-z)
    sf = -mpmath.expm1(-e) if e < 1000 else mpf(1)
    log_pdf = -z - e - mpmath.log(s)
    return (exp_or_zero(log_pdf), log_pdf, exp_or_zero(-e), sf, -e, log1mexp(-e))


def gumbel_quantile(log_lower, log_upper, m, s):
    return m - s * mpmath.log(-log_lower)


def condition(values, arguments, function):
    """The sum over the arguments of the relative changes of the values, by central differences."""
    total = [mpf(0)] * len(values)
    for place, argument in enumerate(arguments):
        if argument == 0:
            continue
        # Far below the digits of a float64, far above those that are computed.
        step = argument * mpf(10) ** -24
        sides = [function(*arguments[:place], argument + d, *arguments[place + 1 :]) for d in (step, -step)]
        for i, (above, below) in enumerate(zip(*sides)):
            if values[i] != 0:
                total[i] += abs((above - below) / values[i]) * mpf(10) ** 24 / 2
    return [float(mpmath.nstr(c, 3)) for c in total]


def hexadecimal(value):
    return float(value).hex()


PARAMETERS = [(0.0, 1.0), (1.5, 0.25), (-3.0, 1e-5), (1e6, 2.0), (0.0, 1e200), (0.0, 1e-200)]
STANDARD = [
    0.0, 1e-300, 1e-17, 1e-9, 0.001, 0.3, 0.6931471805599453, 1.0, 2.5, 5.0, 7.3, 20.0, 36.7, 41.0, 100.0, 700.0, 709.5, 740.0,
    1e3, 23026.0, 1e5,
]  # fmt: skip
LOGS = [-1e-300, -1e-17, -1e-10, -0.01, -0.2, -0.6931471805599453, -0.7, -2.0, -10.0, -41.0, -700.0, -750.0, -1e4, -2.3e5]
PROBABILITIES = [5e-324, 1e-300, 1e-20, 1e-9, 0.01, 0.2, 0.36787944117144233, 0.5, 0.50000000001, 0.7, 0.99, 0.9999999999]


def points(function):
    rows = []
    for n, z in enumerate(sorted({s * z for z in STANDARD for s in (1, -1)})):
        # Each point for the standard form, and for one other.
        for m, s in (PARAMETERS[0], PARAMETERS[1 + n % 5]):
            x = m + s * z
            arguments = [mpf(x), mpf(m), mpf(s)]
            values = function(*arguments)
            cond = condition(values, arguments, function)
            rows.append([x.hex(), [m.hex(), s.hex()], *map(hexadecimal, values), cond])
    return rows


def quantiles(function):
    kinds = {
        "p": (PROBABILITIES, lambda p: (mpmath.log(p), mpmath.log1p(-p))),
        "q": (PROBABILITIES, lambda q: (mpmath.log1p(-q), mpmath.log(q))),
        "logp": (LOGS, lambda p: (p, log1mexp(p))),
        "logq": (LOGS, lambda q: (log1mexp(q), q)),
    }
    rows = []
    for kind, (arguments, logs) in kinds.items():
        for n, p in enumerate(arguments):
            m, s = PARAMETERS[(0, 4, 5)[n % 3]]
            # The lesser side's logarithm has its digits where the other is 1 but for 1e-300.
            with mp.workdps(400 if kind.startswith("log") or p < 1e-50 else 60):
                value = lambda p: (function(*logs(p), mpf(m), mpf(s)),)
                x = value(mpf(p))
                step = mpf(p) * mpf(10) ** -24
                slope = (value(mpf(p) + step)[0] - value(mpf(p) - step)[0]) / (2 * step)
                cond = float(mpmath.nstr(abs(slope * mpf(p) / x[0]), 3)) if x[0] else 0.0
                rows.append([kind, p.hex(), [m.hex(), s.hex()], hexadecimal(x[0]), cond])
    return rows


def main():
    columns = ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"]
    table = {
        "format": 1,
        "dps": mp.dps,
        "generator": "mpmath, 60 digits and more, correctly rounded to binary64; values are C99 hex floats",
        "columns": ["x", "params", *columns, "cond"],
        "cond": columns,
        "quantile_columns": ["kind", "p", "params", "x", "cond_p"],
        "dists": {
            name: {
                "params": ["location", "scale"],
                "scipy": scipy,
                "discrete": False,
                "points": points(function),
                "quantiles": quantiles(quantile),
            }
            for name, scipy, function, quantile in [
                ("laplace", "laplace(location, scale)", laplace, laplace_quantile),
                ("gumbel", "gumbel_r(location, scale)", gumbel, gumbel_quantile),
            ]
        },
    }
    path = pathlib.Path(__file__).parent / "distributions_more.json"
    # A row a line.
    path.write_text(json.dumps(table).replace("[[", "[\n[").replace("], [\"", "],\n[\"") + "\n")


main()
