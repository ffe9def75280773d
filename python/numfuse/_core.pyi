import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, Self, TypeAlias, final

from numpy import ufunc
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
    "_Registry",
    "_Callee",
    "_scalar_function",
    "_block_function",
    "_ufunc_loops",
    "_python_function",
    "_capsule",
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
        where: ArrayLike = True,
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
    functions: _Registry | None = None,
) -> Kernel: ...
def evaluate(
    expr: str,
    mapping: _HasItems | None = None,
    /,
    *,
    out: _Out = None,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    fastmath: _FastMath = False,
    functions: _Registry | None = None,
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
def _define(registry: _Registry | None, text: str, doc: str | None, replace: bool, /) -> None: ...
def _function_names(registry: _Registry | None, /) -> list[str]: ...
def _function(
    registry: _Registry | None, name: str, /
) -> tuple[str, str, str, str, str, str, list[str], bool, bool]: ...
def _set_own_num_threads(n: int | None, /) -> int | None: ...

_ParamText: TypeAlias = tuple[str, str | None]

class _Registry:
    def __new__(cls, *, _default: bool = False) -> Self: ...
    def _add(
        self,
        name: str,
        params: Sequence[_ParamText],
        overloads: Sequence[_Callee],
        about: tuple[str, str],
        replace: bool,
        /,
    ) -> None: ...
    def _add_kernel(
        self, name: str, params: Sequence[_ParamText], kernel: Kernel, doc: str, replace: bool, /
    ) -> None: ...
    def unregister(self, name: str, /) -> None: ...
    def names(self) -> tuple[str, ...]: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...

@final
class _Callee: ...

def _scalar_function(
    name: str,
    address: int,
    params: Sequence[str],
    constants: Sequence[tuple[str, int]],
    result: str,
    pure: bool,
    thread_safe: bool,
    owner: object,
    /,
) -> _Callee: ...
def _block_function(
    name: str, address: int, params: Sequence[str], result: str, pure: bool, thread_safe: bool, owner: object, /
) -> _Callee: ...
def _ufunc_loops(
    name: str, ufunc: ufunc, output: int, pure: bool, thread_safe: bool, owner: object, /
) -> list[_Callee]: ...
def _python_function(
    name: str,
    callable: Callable[..., Any],
    params: Sequence[str],
    result: str,
    pure: bool,
    thread_safe: bool,
    /,
) -> _Callee: ...
def _capsule(capsule: object, /) -> tuple[str | None, int, int]: ...
