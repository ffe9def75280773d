"""Native functions in the objects that Python has for them: what they are called with, and where they are.

Nothing of another library is imported here: its objects exist only where somebody has.
"""

from __future__ import annotations

import ctypes
import inspect
import operator
import os
import re
import sys
from _ctypes import CFuncPtr
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numfuse._core import Kernel, _block_function, _Callee, _capsule, _python_function, _scalar_function, _ufunc_loops
from numfuse._declaration import CODES, Declaration, Parameter, parameter, parse


_BLOCK = "`void f(size_t n, const A *a, ..., R *out)`"


class Effects(NamedTuple):
    """What may be done with calls."""

    pure: bool
    thread_safe: bool


class Address(NamedTuple):
    """A C function."""

    address: int
    declaration: Declaration
    owner: object
    reference: str
    names: tuple[str, ...] = ()
    """The parameters' names, if the object has them."""
    user_data: int | None = None
    """What is passed for a last parameter `void *`."""

    def params(self) -> tuple[Parameter, ...]:
        """The parameters that a call of the language gives."""
        return self._split()[0]

    def _split(self) -> tuple[tuple[Parameter, ...], list[tuple[str, int]]]:
        params = list(self.declaration.params)
        constants: list[tuple[str, int]] = []
        while params:
            last = params[-1]
            if last.name == "__pyx_skip_dispatch":
                constants.insert(0, (last.dtype, 0))
            elif last.name == "__pyx_optional_args":
                constants.insert(0, ("i8", 0))
            elif last.pointer and not last.dtype and self.user_data is not None:
                # The same bits as a signed number.
                constants.insert(0, ("i8", ctypes.c_int64(self.user_data).value))
            else:
                break
            params.pop()
        if self.declaration.result is not None:
            return tuple(params), constants
        # A block function's first parameter is the number of elements, its last the results.
        return tuple(params[1:-1]), constants

    def check(self) -> None:
        """Raises a ValueError if it can't be called."""
        if not 0 < self.address < 1 << 64:
            raise ValueError("the function's address is null" if self.address == 0 else "an address has 64 bits")
        result, params = self.declaration.result, self.declaration.params
        if result is not None:
            if any(param.pointer for param in self.params()):
                raise ValueError(f"{self.declaration} takes pointers, which only {_BLOCK} may")
            return
        is_block = (
            len(params) > 1
            and not params[0].pointer
            and params[0].dtype in ("u8", "i8")
            and all(param.pointer and param.dtype for param in params[1:])
        )
        if not is_block or self._split()[1]:
            raise ValueError(f"{self.declaration} returns nothing, and is not {_BLOCK}")
        if params[-1].const:
            raise ValueError("the last parameter is where the results go, so it can't be const")

    def callee(self, name: str, effects: Effects) -> _Callee:
        params, constants = self._split()
        codes = [param.dtype for param in params]
        keep_loaded(self.address)
        if self.declaration.result is None:
            result = self.declaration.params[-1].dtype
            return _block_function(name, self.address, codes, result, *effects, self.owner)
        result = self.declaration.result.dtype
        return _scalar_function(name, self.address, codes, constants, result, *effects, self.owner)


class Loops(NamedTuple):
    """A ufunc."""

    ufunc: np.ufunc
    owner: object
    signature: str | None

    def callees(self, name: str, output: int, effects: Effects) -> list[_Callee]:
        chosen = None
        if self.signature is not None:
            chosen = re.sub(r"[\s,]", "", self.signature)
            if chosen not in self.ufunc.types:
                raise ValueError(f"{self.ufunc!r} has no loop {self.signature!r}; it has {', '.join(self.ufunc.types)}")
        loops = _ufunc_loops(name, self.ufunc, output, *effects, self.owner)
        if chosen is not None:
            supported = [types for types in self.ufunc.types if set(types) <= set("?bBhHiIlLqQfd->")]
            loops = [loop for types, loop in zip(supported, loops, strict=False) if types == chosen]
        if not loops:
            raise ValueError(f"{self.ufunc!r} has no loops for numbers: {_why_no_loops(self.ufunc)}")
        return loops


class PythonFunction(NamedTuple):
    """A Python callable that is called as such."""

    function: Callable[..., Any]
    declaration: Declaration
    names: tuple[str, ...]
    defaults: dict[str, Any]

    def callee(self, name: str, effects: Effects) -> _Callee:
        assert self.declaration.result is not None
        codes = [param.dtype for param in self.declaration.params]
        return _python_function(name, self.function, codes, self.declaration.result.dtype, *effects)


Source = Address | Loops | PythonFunction | Kernel


def find(function: Any, signature: str | None, python: bool) -> Source:
    """What an object is."""
    if signature is not None and not isinstance(signature, str):
        raise TypeError(f"a signature must be a string, not {type(function).__name__}")
    if python:
        return _python(function, signature)
    kind = type(function)
    module = kind.__module__.partition(".")[0]
    if kind is Kernel:
        if signature is not None:
            raise ValueError("a kernel takes arguments of all types: it has no signature")
        return function
    if isinstance(function, np.ufunc):
        return _loops(function, function, signature)
    found: Address | None = None
    if isinstance(function, CFuncPtr):
        found = _ctypes(function, signature)
    elif kind.__name__ == "PyCapsule":
        found = _of_capsule(function, function, signature)
    elif kind.__name__ == "LowLevelCallable" and isinstance(function, tuple):
        found = _low_level_callable(function, signature)
    elif module == "_cffi_backend" or _is_cffi_function(function):
        found = _cffi(function, signature)
    elif module == "numba":
        return _numba(function, signature)
    elif hasattr(kind, "__index__") and not isinstance(function, (bool, np.bool_)):
        if signature is None:
            raise ValueError("an address needs a signature, such as 'double (double, int)'")
        found = Address(operator.index(function), parse(signature), None, f"the C function at {function:#x}")
    else:
        found = _cython(function, signature)
    if found is None:
        raise TypeError(_refusal(function))
    found.check()
    return found


def _refusal(function: Any) -> str:
    if callable(function):
        return (
            f"{function!r} is no native function; python=True registers a Python callable as such, "
            "which is called once an element, with the GIL"
        )
    return f"cannot register {function!r}: it is neither a native function nor an address"


def _declared(own: Declaration | None, signature: str | None, what: str) -> Declaration:
    """The signature that is given or that an object has; if both, they must agree."""
    if signature is None:
        if own is None:
            raise ValueError(f"{what} has no signature of its own: give one, such as 'double (double, int)'")
        return own
    given = parse(signature)
    if own is None:
        return given
    if not own.agrees(given):
        raise ValueError(f"the signature is given as {given}, but {what} has {own}")
    return own.named(given)


# ---- ctypes ----

_PYTHON_API = 4  # FUNCFLAG_PYTHONAPI


def _ctypes(function: Any, signature: str | None) -> Address:
    what = f"the ctypes function {getattr(function, '__name__', '')}".rstrip()
    if function._flags_ & _PYTHON_API:
        raise TypeError(f"{what} is called with the GIL (PYFUNCTYPE, PyDLL): use CFUNCTYPE or CDLL, or python=True")
    types, result = function.argtypes, function.restype
    own = None
    if types is not None:
        params = tuple(_ctype(type, what) for type in types)
        if "restype" not in _set_by_type(function) and result is ctypes.c_int:
            # That of functions from libraries unless it is set, which ctypes doesn't tell.
            given = None if signature is None else parse(signature)
            if given is None:
                raise ValueError(
                    f"whether {what} returns int or its restype was never set is unknown: set restype to "
                    "another type, or give a signature, such as 'int (double)'"
                )
            own = Declaration(given.result, params)
        else:
            own = Declaration(None if result is None else _ctype(result, what), params)
    elif signature is None:
        raise ValueError(f"{what} has no argtypes: set argtypes and restype, or give a signature")
    declaration = _declared(own, signature, what)
    # Not by ctypes.cast, which makes the function hold itself.
    address = ctypes.c_void_p.from_buffer(function).value or 0
    return Address(address, declaration, function, what)


def _set_by_type(function: Any) -> set[str]:
    """CFUNCTYPE's types have argtypes of their own, and with them a restype."""
    return {"restype"} if getattr(type(function), "_argtypes_", None) is not None else set()


def _ctype(type: Any, what: str) -> Parameter:
    if type is ctypes.py_object:
        raise TypeError(f"{what} has Python objects as arguments or result: python=True calls it as Python does")
    code = getattr(type, "_type_", None)
    if isinstance(code, str):
        if code in "?bBhHiIlLqQfd":
            kind = {"?": "", "f": "f", "d": "f"}.get(code, "u" if code.isupper() else "i")
            return Parameter(kind + str(ctypes.sizeof(type)) if kind else "?")
        if code == "P":
            return Parameter("", pointer=True)
    elif code is not None and isinstance(type, type_of_pointers) and isinstance(getattr(code, "_type_", None), str):
        return Parameter(_ctype(code, what).dtype, pointer=True)
    raise ValueError(f"{what} has the type {getattr(type, '__name__', type)}, which is not supported")


type_of_pointers = type(ctypes.POINTER(ctypes.c_int))


# ---- capsules, Cython and SciPy ----


def _of_capsule(capsule: Any, owner: object, signature: str | None) -> Address:
    try:
        name, address, context = _capsule(capsule)
    except ValueError as error:
        raise ValueError(f"the capsule is dead: {error}") from None
    own = None
    if name is not None and "(" in name:
        own = parse(name)
    elif signature is None:
        called = "has no name" if name is None else f"is called {name!r}, which is no C signature"
        raise ValueError(f"the capsule {called}: give a signature")
    declaration = _declared(own, signature, "the capsule")
    return Address(address, declaration, owner, f"the capsule {name or declaration}", user_data=context or None)


def _low_level_callable(function: Any, signature: str | None) -> Address:
    capsule = tuple.__getitem__(function, 0)
    found = _of_capsule(capsule, function, signature)
    # Without user data SciPy passes a null pointer.
    return found._replace(reference=f"scipy.LowLevelCallable, {found.declaration}", user_data=found.user_data or 0)


def cython_functions(module: Any) -> dict[str, list[tuple[str, Any]]]:
    """The functions that a Cython module exports to C, by name: the variants of a fused one with theirs."""
    exported = getattr(module, "__pyx_capi__", None)
    if not isinstance(exported, Mapping):
        raise TypeError(f"{module!r} is no Cython module with functions for C (it has no __pyx_capi__)")
    functions: dict[str, list[tuple[str, Any]]] = {}
    for exported_name, capsule in exported.items():
        name = re.sub(r"^__pyx_fuse_(?:\d+_)*\d+", "", exported_name)
        functions.setdefault(name, []).append((exported_name, capsule))
    return functions


def cython_overloads(variants: list[tuple[str, Any]], owner: object) -> tuple[list[Address], list[str]]:
    """What of a function's variants can be called, and why the others can't."""
    found: dict[tuple[str, ...], Address] = {}
    reasons = []
    for name, capsule in variants:
        try:
            source = _of_capsule(capsule, (capsule, owner), None)
            source = source._replace(user_data=None, reference=f"Cython's {name}, {source.declaration}")
            source.check()
        except ValueError as error:
            reasons.append(str(error))
        else:
            found.setdefault(tuple(param.dtype for param in source.params()), source)
    # Of several that take the arguments, the one of the narrowest types.
    return [found[key] for key in sorted(found, key=lambda key: [CODES.index(code) for code in key])], reasons


def cython_source(function: Any) -> list[Address] | None:
    """The C functions behind a Python function of a Cython module, if there are such."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    name = getattr(function, "__name__", None)
    if "cython_function" not in type(function).__name__ or not hasattr(module, "__pyx_capi__"):
        return None
    variants = cython_functions(module).get(name or "", [])
    if getattr(module, name or "", None) is not function or not variants:
        return None
    overloads, reasons = cython_overloads(variants, module)
    if not overloads:
        raise ValueError(f"{name} has no variant that can be called: {reasons[0]}")
    return overloads


def _cython(function: Any, signature: str | None) -> Address | None:
    overloads = cython_source(function)
    if overloads is None:
        return None
    if signature is not None:
        given = [param.dtype for param in parse(signature).params]
        overloads = [overload for overload in overloads if [param.dtype for param in overload.params()] == given]
    if len(overloads) != 1:
        raise ValueError(f"{function.__name__} has {len(overloads)} variants of signature {signature!r}")
    return overloads[0]


# ---- CFFI ----


def _backend() -> Any:
    return sys.modules.get("_cffi_backend")


def _is_cffi_function(function: Any) -> bool:
    backend = _backend()
    return backend is not None and type(getattr(function, "__self__", None)) is backend.Lib


def _cffi(function: Any, signature: str | None) -> Address:
    backend = _backend()
    owner: object = function
    what = "the CFFI function"
    if _is_cffi_function(function):
        # A function of a compiled module is one of Python's, which knows its library.
        lib, name = function.__self__, function.__name__
        what = f"the CFFI function {name}"
        function, owner = backend.FFI().addressof(lib, name), lib
    if not isinstance(function, backend._CDataBase):
        raise TypeError(f"cannot register {function!r}")
    type = backend.typeof(function)
    if type.kind == "pointer" and type.item.kind == "void" or type.kind == "primitive":
        if signature is None:
            raise ValueError(f"{function!r} has no signature: give one, such as 'double (double, int)'")
        own = None
    elif type.kind == "function":
        if type.ellipsis:
            raise ValueError(f"{what} takes variable arguments, which is not supported")
        result = None if type.result.kind == "void" else _cffi_type(type.result)
        own = Declaration(result, tuple(map(_cffi_type, type.args)))
    else:
        raise TypeError(f"{function!r} is no function")
    address = int(backend.cast(backend.new_primitive_type("uintptr_t"), function))
    return Address(address, _declared(own, signature, what), owner, f"{what}, {type.cname}")


def _cffi_type(type: Any) -> Parameter:
    if type.kind == "pointer":
        if type.item.kind == "void":
            return Parameter("", pointer=True)
        if type.item.kind == "primitive":
            return parameter(f"{type.item.cname} *")
    elif type.kind == "primitive":
        return parameter(type.cname)
    raise ValueError(f"the type {type.cname} is not supported")


# ---- Numba ----


def _numba(function: Any, signature: str | None) -> Source:
    if hasattr(function, "address") and hasattr(function, "_sig"):
        types = function._sig
        result = None if str(types.return_type) in ("none", "void") else _numba_type(types.return_type)
        own = Declaration(result, tuple(map(_numba_type, types.args)))
        what = f"the Numba cfunc {getattr(function, '__name__', '')}"
        names = tuple(inspect.signature(function._pyfunc).parameters) if hasattr(function, "_pyfunc") else ()
        found = Address(function.address, _declared(own, signature, what), function, what, names)
        found.check()
        return found
    ufunc = getattr(function, "ufunc", None)
    if isinstance(ufunc, np.ufunc):
        return _loops(ufunc, function, signature)
    raise TypeError(f"{function!r} has no C function: compile it with @numba.cfunc('float64(float64)') or the like")


def _numba_type(type: Any) -> Parameter:
    text = str(type)
    names = {"boolean": "bool", "bool": "bool", "void*": "void *", "voidptr": "void *"}
    return parameter(names.get(text, text))


# ---- NumPy's ufuncs ----


def _loops(ufunc: np.ufunc, owner: object, signature: str | None) -> Loops:
    if ufunc.signature is not None:
        raise ValueError(f"{ufunc!r} is generalised, {ufunc.signature}: it is no function of single elements")
    if ufunc is not owner and not ufunc.types:
        raise ValueError(
            f"{owner!r} has no compiled signatures: give @numba.vectorize some, such as ['float64(float64)'], "
            "or use @numba.cfunc"
        )
    return Loops(ufunc, owner, signature)


def _why_no_loops(ufunc: np.ufunc) -> str:
    if not ufunc.types:
        return "it has no legacy loops at all"
    if all("O" in types for types in ufunc.types):
        return "they are of Python objects; python=True registers a Python function"
    return f"they are {', '.join(ufunc.types)}"


# ---- Python callables ----

_ANNOTATIONS = {float: "f8", int: "i8", bool: "?", "float": "f8", "int": "i8", "bool": "?"}


def _python(function: Any, signature: str | None) -> PythonFunction:
    if not callable(function):
        raise TypeError(f"python=True is for callables, not {function!r}")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = None
    if signature is not None:
        declaration = parse(signature)
        if declaration.result is None or any(param.pointer for param in declaration.params):
            raise ValueError("a Python callable takes and returns numbers")
    else:
        declaration = _annotated(function, parameters or [])
    arity = len(declaration.params)
    if parameters is None:
        return PythonFunction(function, declaration, (), {})
    try:
        inspect.signature(function).bind(*[None] * arity)
    except TypeError:
        raise ValueError(f"{function!r} cannot be called with {arity} arguments") from None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [param for param in parameters if param.kind in kinds][:arity]
    if len(taken) < arity:
        return PythonFunction(function, declaration, (), {})
    defaults = {param.name: param.default for param in taken if isinstance(param.default, (int, float, np.number))}
    return PythonFunction(function, declaration, tuple(param.name for param in taken), defaults)


def _annotated(function: Any, parameters: list[inspect.Parameter]) -> Declaration:
    annotations = getattr(function, "__annotations__", {})
    try:
        result = _ANNOTATIONS[annotations["return"]]
        params = tuple(Parameter(_ANNOTATIONS[annotations[param.name]]) for param in parameters)
    except (KeyError, TypeError):
        raise ValueError(
            f"the types of {function!r} are unknown: give a signature, such as 'dd->d', or annotate it with "
            "float, int and bool"
        ) from None
    return Declaration(Parameter(result), params)


# ---- Libraries ----


_kept: set[int] = set()


def keep_loaded(address: int) -> None:
    """Keeps the shared library to which an address belongs loaded from now on, whoever closes it.

    What owns the address may do that without telling: CFFI's libraries close when they are collected,
    whatever became of their functions.
    """
    dladdr = getattr(ctypes.CDLL(None), "dladdr", None)
    place = (ctypes.c_void_p * 4)()  # Dl_info: the file, its base, and a symbol
    if dladdr is None or not dladdr(ctypes.c_void_p(address), place):
        return  # Code that was made at run time.
    file, base = place[0], place[1]
    if file is None or base is None or base in _kept:
        return
    try:
        # ctypes never closes what it opened.
        ctypes.CDLL(os.fsdecode(ctypes.string_at(file)), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return  # The program itself, which is never unloaded.
    _kept.add(base)
