from types import TracebackType
from typing import NamedTuple, Self, overload

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
    "set_num_threads",
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
def functions(name: None = None, /, *, registry: None = None) -> list[str]: ...
@overload
def functions(name: str, /, *, registry: None = None) -> FunctionInfo: ...

class num_threads:
    def __init__(self, n: int, /) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...
