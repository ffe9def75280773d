"""The named tuples in which kernels return several outputs."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)
def outputs_class(names: tuple[str, ...]) -> Callable[..., tuple[object, ...]]:
    """The class for outputs of these names; a name that can be no attribute becomes `_0`, `_1` ..."""
    # The names are known at run time only: type checkers, which know `namedtuple`, would want them.
    make: Callable[..., Any] = namedtuple
    cls = make("Outputs", names, rename=True, module="numfuse")

    # The class is made anew wherever a result is unpickled.
    def __reduce__(self: tuple[object, ...]) -> tuple[object, ...]:
        return restore, (names, tuple(self))

    cls.__reduce__ = __reduce__
    return cls  # type: ignore[no-any-return]


def restore(names: tuple[str, ...], values: tuple[object, ...]) -> tuple[object, ...]:
    """Makes a pickled result again."""
    return outputs_class(names)(*values)
