from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self, TypeVar, overload

from numfuse._core import (
    ExprError as ExprError,
    ExprNameError as ExprNameError,
    ExprOverflowError as ExprOverflowError,
    ExprSyntaxError as ExprSyntaxError,
    ExprTypeError as ExprTypeError,
    ExprValueError as ExprValueError,
    ExprZeroDivisionError as ExprZeroDivisionError,
    Kernel as Kernel,
    __version__ as __version__,
    cache_clear as cache_clear,
    cache_limit as cache_limit,
    compile as compile,
    evaluate as evaluate,
    get_num_threads as get_num_threads,
    set_num_threads as set_num_threads,
)
from numfuse._register import Registry as Registry, rmath as rmath
from numfuse._registering import Registered

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

class CacheInfo(NamedTuple):
    hits: int
    misses: int
    kernels: int
    code_bytes: int
    limit: int
    byte_limit: int

def cache_info() -> CacheInfo: ...

class FunctionInfo(NamedTuple):
    name: str
    signature: str
    doc: str
    family: str
    reference: str
    accuracy: str
    aliases: tuple[str, ...]
    pure: bool
    thread_safe: bool

def define(text: str, *, doc: str | None = None, replace: bool = False) -> None: ...
@overload
def functions(name: None = None, /, *, registry: Registry | None = None) -> list[str]: ...
@overload
def functions(name: str, /, *, registry: Registry | None = None) -> FunctionInfo: ...

_Function = TypeVar("_Function")

# A decorator where the function is not given.
@overload
def register(
    name: str | tuple[str | None, ...] | None,
    function: _Function,
    signature: str | Sequence[str | None] | None = None,
    *,
    pure: bool = True,
    thread_safe: bool = True,
    defaults: Mapping[str, float] | Sequence[float] | None = None,
    doc: str | None = None,
    replace: bool = False,
    python: bool = False,
    parameters: Sequence[str] | None = None,
) -> _Function: ...
@overload
def register(
    name: str | tuple[str | None, ...] | None = None,
    function: None = None,
    signature: str | None = None,
    *,
    pure: bool = True,
    thread_safe: bool = True,
    defaults: Mapping[str, float] | Sequence[float] | None = None,
    doc: str | None = None,
    replace: bool = False,
    python: bool = False,
    parameters: Sequence[str] | None = None,
) -> Callable[[_Function], _Function]: ...
@overload
def register(name: _Function) -> _Function: ...
def register_cython(
    module: ModuleType,
    names: Iterable[str] | None = None,
    *,
    prefix: str = "",
    pure: bool = True,
    thread_safe: bool = True,
    replace: bool = False,
) -> Registered: ...
def unregister(name: str, /) -> None: ...

class num_threads:
    def __init__(self, n: int, /) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...
