"""The functions of libRmath, the mathematical library of R, where a machine has it.

Names, parameters and their order are those of Rmath.h. The library is opened, never distributed: it
is the user's own choice at run time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

from numfuse._register import Registry

# Name, parameters behind the first, and the functions that exist, where not all.
_DISTRIBUTIONS = """
norm mu sigma | dnorm4 pnorm5 qnorm5
unif a b
gamma shape scale
beta a b
lnorm meanlog sdlog
chisq df
nchisq df ncp
f df1 df2
t df
binom n p
cauchy location scale
exp scale
geom p
hyper r b n
nbinom size p
nbinom_mu size mu
pois lambda
weibull shape scale
logis location scale
nbeta a b ncp
nf df1 df2 ncp
nt df ncp
tukey rr cc df | - ptukey qtukey
wilcox m n
signrank n
"""

_SPECIAL = """
gammafn x
lgammafn x
lgamma1p x
digamma x
trigamma x
tetragamma x
pentagamma x
psigamma x deriv
beta a b
lbeta a b
choose n k
lchoose n k
log1pmx x
log1pexp x
log1mexp x
logspace_add logx logy
logspace_sub logx logy
bessel_i x nu expo
bessel_j x nu
bessel_k x nu expo
bessel_y x nu
R_pow x y
R_pow_di x n:int
fround x digits
fprec x digits
ftrunc x
fsign x y
cospi x
sinpi x
tanpi x
"""

# They keep tables between calls.
_NOT_THREAD_SAFE = ("wilcox", "signrank")

_FLAGS = {"d": {"log": False}, "p": {"lower_tail": True, "log_p": False}, "q": {"lower_tail": True, "log_p": False}}


def functions(path: str | os.PathLike[str] | None) -> Registry:
    """A registry of the library's functions."""
    library = _open(path)
    registry = Registry()
    for name, c_name, params, flags in _functions():
        try:
            function = library[c_name]
        except AttributeError:
            continue  # An older version.
        numbers = [param.partition(":") for param in params]
        types = [kind or "double" for _, _, kind in numbers] + ["int"] * len(flags)
        registry.register(
            name,
            ctypes.cast(function, ctypes.c_void_p).value,
            f"double ({', '.join(types)})",
            parameters=[name for name, _, _ in numbers] + list(flags),
            defaults=flags,
            thread_safe=not name[1:].startswith(_NOT_THREAD_SAFE),
            doc=f"{c_name} of libRmath.",
        )
    if not registry:
        raise OSError(f"{library._name} has none of libRmath's functions")
    return registry


def _functions() -> Iterator[tuple[str, str, list[str], dict[str, bool]]]:
    """The functions: name, name in C, parameters, flags."""
    for line in _DISTRIBUTIONS.split("\n")[1:-1]:
        words, _, c_names = line.partition("|")
        name, *params = words.split()
        for letter, c_name in zip("dpq", c_names.split() or [letter + name for letter in "dpq"], strict=True):
            if c_name != "-":
                variable = {"d": "x", "p": "q", "q": "p"}[letter]
                # Rmath.h has a parameter p of its own in the quantiles of binom and its kin.
                rest = ["prob" if param == "p" else param for param in params]
                yield letter + name, c_name, [variable, *rest], _FLAGS[letter]
    for line in _SPECIAL.split("\n")[1:-1]:
        name, *params = line.split()
        yield name, name, params, {}


def _open(path: str | os.PathLike[str] | None) -> ctypes.CDLL:
    if path is not None:
        return ctypes.CDLL(os.fspath(path))
    # What this imports would slow down every import of numfuse.
    from ctypes.util import find_library

    found = find_library("Rmath")
    for name in filter(None, (found, "libRmath.so.1", "libRmath.so", "libRmath.dylib")):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise OSError(
        "libRmath is not found: install it (Debian and Ubuntu: the package r-mathlib), or give its path, "
        "numfuse.rmath('/path/to/libRmath.so')"
    )
