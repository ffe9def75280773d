"""The named tuples in which kernels return several outputs."""

from __future__ import annotations

from collections import namedtuple
from functools import lru_cache


@lru_cache(maxsize=1024)
def outputs_class(names: tuple[str, ...]) -> type[tuple[object, ...]]:
    """The class for outputs of these names; a name that can be no attribute becomes `_0`, `_1` ..."""
    cls = namedtuple("Outputs", names, rename=True, module="numfuse")

    # The class is made anew wherever a result is unpickled.
    def __reduce__(self):
        return restore, (names, tuple(self))

    cls.__reduce__ = __reduce__
    return cls


def restore(names: tuple[str, ...], values: tuple[object, ...]) -> tuple[object, ...]:
    """Makes a pickled result again."""
    return outputs_class(names)(*values)
