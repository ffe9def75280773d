"""The named tuples in which kernels return several outputs."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_classes: dict[tuple[str, ...], Any] = {}
_MOST_CLASSES = 1024


def outputs_class(names: tuple[str, ...]) -> Any:
    """The class for outputs of these names; a name that can be no attribute becomes `_0`, `_1` ..."""
    if names in _classes:
        return _classes[names]
    make: Any = namedtuple  # The names are not known before run time.
    cls = make("Outputs", names, rename=True, module="numfuse")

    # The class is made anew wherever a result is unpickled.
    def __reduce__(self: Any) -> Any:
        return restore, (names, tuple(self))

    cls.__reduce__ = __reduce__
    if len(_classes) >= _MOST_CLASSES:
        _classes.clear()
    _classes[names] = cls
    return cls


def restore(names: tuple[str, ...], values: tuple[object, ...]) -> Any:
    """Makes a pickled result again."""
    return outputs_class(names)(*values)
