"""Array expressions compiled into fused machine-code loops, with NumPy's results.

>>> import numpy as np
>>> import numfuse as nf
>>> kernel = nf.compile("y += a1*x1 + a2*x2")
>>> y, x1, x2 = np.zeros(4), np.arange(4.0), np.ones(4)
>>> kernel(y, 2.0, x1, 3.0, x2)
array([3., 5., 7., 9.])
>>> nf.evaluate("sqrt(u*u + v*v)", u=3.0, v=4.0)
np.float64(5.0)
"""

from collections import namedtuple as _namedtuple

from numfuse._core import (
    ExprError,
    ExprNameError,
    ExprOverflowError,
    ExprSyntaxError,
    ExprTypeError,
    ExprValueError,
    ExprZeroDivisionError,
    Kernel,
    __version__,
    _cache_info,
    _function,
    _function_names,
    _set_own_num_threads,
    cache_clear,
    cache_limit,
    compile,
    evaluate,
    get_num_threads,
    set_num_threads,
)
from numfuse._register import Registry, define, register, register_cython, rmath, unregister

__all__ = [
    "CacheInfo",
    "ExprError",
    "ExprNameError",
    "ExprOverflowError",
    "ExprSyntaxError",
    "ExprTypeError",
    "ExprValueError",
    "ExprZeroDivisionError",
    "FunctionInfo",
    "Kernel",
    "Registry",
    "__version__",
    "cache_clear",
    "cache_info",
    "cache_limit",
    "compile",
    "define",
    "evaluate",
    "functions",
    "get_num_threads",
    "num_threads",
    "register",
    "register_cython",
    "rmath",
    "set_num_threads",
    "unregister",
]

CacheInfo = _namedtuple("CacheInfo", ["hits", "misses", "kernels", "code_bytes", "limit", "byte_limit"])
CacheInfo.__doc__ = """What cache_info gives.

hits and misses count the texts that were and were not found; kernels and code_bytes are what the
cache holds; limit and byte_limit are how many kernels and how many bytes it may hold.
"""


def cache_info():
    """What the cache of kernels holds, how often it helped, and its limits.

    >>> import numfuse as nf
    >>> nf.cache_info()._fields
    ('hits', 'misses', 'kernels', 'code_bytes', 'limit', 'byte_limit')
    """
    return CacheInfo(*_cache_info())


class FunctionInfo(
    _namedtuple(
        "FunctionInfo",
        ["name", "signature", "doc", "family", "reference", "accuracy", "aliases", "pure", "thread_safe"],
    )
):
    """What functions says of a function; as a str, a text to read.

    name is the main name and aliases are the others; signature shows parameters and defaults; doc is
    what it computes; family is its chapter of the manual; reference is what defines it; accuracy
    bounds its error ('not stated' for functions of your own); pure says that calls may be merged and
    left out, thread_safe that there may be several at a time.

    >>> import numfuse as nf
    >>> nf.functions('hypot').accuracy
    '1 ULP'
    """

    __slots__ = ()

    def __str__(self):
        facts = {
            "also called": ", ".join(self.aliases),
            "family": self.family,
            "reference": self.reference,
            "error": self.accuracy,
            "calls": ", ".join(
                limit
                for limit, holds in [
                    ("one for each element, in order", not self.pure),
                    ("one at a time", not self.thread_safe),
                ]
                if holds
            ),
        }
        lines = [f"{what}: {fact}" for what, fact in facts.items() if fact]
        return "\n".join([self.signature, *([self.doc] if self.doc else []), "", *lines])


def functions(name=None, /, *, registry=None):
    """The names of all functions, sorted; or what there is to know of one, as a FunctionInfo.

    registry is the registry to ask instead of the default one.

    Errors: a KeyError for a name that is no function's.

    >>> import numfuse as nf
    >>> 'arctan2' in nf.functions()
    True
    >>> print(nf.functions('atan2'))
    arctan2(x1, x2)
    The angle of the point (x2, x1), in radians from -pi to pi.
    <BLANKLINE>
    also called: atan2
    family: Elementary functions
    reference: NumPy's function of the same name
    error: 2 ULP
    """
    if name is None:
        return _function_names(registry)
    *before, aliases, pure, thread_safe = _function(registry, name)
    return FunctionInfo(*before, tuple(aliases), pure, thread_safe)


class num_threads:
    """A context in which calls from the current thread use `n` threads for large arrays.

    Results are the same for any number. Contexts can be nested and used again.

    Errors: a ValueError for less than 1, when the context is entered.

    >>> import numfuse as nf
    >>> with nf.num_threads(1):
    ...     nf.get_num_threads()
    1
    """

    __slots__ = ("_n", "_old")

    def __init__(self, n, /):
        self._n = n
        self._old = []

    def __enter__(self):
        self._old.append(_set_own_num_threads(self._n))
        return self

    def __exit__(self, *exception):
        _set_own_num_threads(self._old.pop())
