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
    _set_own_num_threads,
    cache_clear,
    cache_limit,
    compile,
    evaluate,
    get_num_threads,
    set_num_threads,
)
from numfuse._register import Registry, register, register_cython, rmath, unregister

__all__ = [
    "CacheInfo",
    "ExprError",
    "ExprNameError",
    "ExprOverflowError",
    "ExprSyntaxError",
    "ExprTypeError",
    "ExprValueError",
    "ExprZeroDivisionError",
    "Kernel",
    "Registry",
    "__version__",
    "cache_clear",
    "cache_info",
    "cache_limit",
    "compile",
    "evaluate",
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
