import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, final

from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "ExprError",
    "ExprSyntaxError",
    "ExprNameError",
    "ExprTypeError",
    "ExprOverflowError",
    "ExprValueError",
    "ExprZeroDivisionError",
    "Kernel",
    "__version__",
    "compile",
    "_restore_kernel",
    "set_num_threads",
    "_set_own_num_threads",
    "get_num_threads",
    "_cache_info",
    "cache_clear",
    "cache_limit",
    "_define",
    "_function_names",
    "_function",
    "evaluate",
]

__version__: str

_Array: TypeAlias = NDArray[Any]
_Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order: TypeAlias = Literal["K", "C", "F", "A"]
_Out: TypeAlias = _Array | tuple[_Array | None, ...] | Mapping[str, _Array | None] | None
_FastMathFlag: TypeAlias = Literal["contract", "reassoc", "afn"]
_FastMath: TypeAlias = bool | _FastMathFlag | Iterable[_FastMathFlag]
_Limit: TypeAlias = Literal["characters", "nodes", "depth"]
_ArgumentType: TypeAlias = type[int] | type[float] | DTypeLike
_Signature: TypeAlias = str | Iterable[_ArgumentType]

class _HasItems(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...

class ExprError(Exception):
    expression: str
    start: int
    end: int
    hint: str | None
    errors: tuple[tuple[str, int, int, str, str | None], ...]

class ExprSyntaxError(ExprError, SyntaxError): ...
class ExprNameError(ExprError, NameError): ...
class ExprTypeError(ExprError, TypeError): ...
class ExprValueError(ExprError, ValueError): ...
class ExprOverflowError(ExprError, OverflowError): ...
class ExprZeroDivisionError(ExprError, ZeroDivisionError): ...

@final
class Kernel:
    @property
    def args(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def expression(self) -> str: ...
    @property
    def signatures(self) -> tuple[str, ...]: ...
    @property
    def __signature__(self) -> inspect.Signature: ...
    # What it gives depends on the text: an array, a scalar, or a named tuple of them.
    def __call__(
        self,
        *args: ArrayLike,
        out: _Out = None,
        casting: _Casting = "same_kind",
        order: _Order = "K",
        dtype: DTypeLike | None = None,
        **names: ArrayLike,
    ) -> Any: ...

def compile(
    expr: str,
    args: Sequence[str] | None = None,
    *,
    signatures: Iterable[_Signature] | None = None,
    fastmath: _FastMath = False,
    limits: Mapping[_Limit, int] | None = None,
) -> Kernel: ...
def evaluate(
    expr: str,
    mapping: _HasItems | None = None,
    /,
    *,
    out: _Out = None,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    fastmath: _FastMath = False,
    **names: ArrayLike,
) -> Any: ...
def set_num_threads(n: int, /) -> int: ...
def get_num_threads() -> int: ...
def cache_clear() -> None: ...
def cache_limit(entries: int | None = None, bytes: int | None = None) -> None: ...
def _cache_info() -> tuple[int, int, int, int, int, int]: ...
def _restore_kernel(
    text: str, args: Sequence[str] | None, fastmath: Sequence[_FastMathFlag], limits: tuple[int, int, int], /
) -> Kernel: ...
def _define(registry: None, text: str, doc: str | None, replace: bool, /) -> None: ...
def _function_names(registry: None, /) -> list[str]: ...
def _function(
    registry: None, name: str, /
) -> tuple[str, str, str, str, str, str, list[str], bool, bool]: ...
def _set_own_num_threads(n: int | None, /) -> int | None: ...
