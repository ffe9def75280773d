"""Registering: from what a user gives to a function of a registry."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import Any, NamedTuple

import numpy as np
from numfuse._core import Kernel, _Registry
from numfuse._sources import (
    Address,
    Effects,
    Loops,
    PythonFunction,
    Source,
    cython_functions,
    cython_overloads,
    cython_source,
    find,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


class Registered(NamedTuple):
    """What register_cython gives: the names that are registered, and why others are not."""

    names: tuple[str, ...]
    skipped: dict[str, str]


class _Options(NamedTuple):
    effects: Effects
    defaults: Mapping[str, float] | Sequence[float] | None
    doc: str | None
    replace: bool
    python: bool
    parameters: Sequence[str] | None


def register(
    registry: _Registry,
    name: Any,
    function: Any,
    signature: Any,
    pure: bool,
    thread_safe: bool,
    defaults: Mapping[str, float] | Sequence[float] | None,
    doc: str | None,
    replace: bool,
    python: bool,
    parameters: Sequence[str] | None,
) -> Any:
    """Registers a function, or gives the decorator that does."""
    options = _Options(Effects(bool(pure), bool(thread_safe)), defaults, doc, replace, bool(python), parameters)
    if function is None:
        if name is not None and not isinstance(name, (str, tuple)):
            # @register, without anything else.
            return _register(registry, _own_name(name), name, signature, options)

        def decorator(function: Any) -> Any:
            return _register(registry, _own_name(function) if name is None else name, function, signature, options)

        return decorator
    return _register(registry, _own_name(function) if name is None else name, function, signature, options)


def _register(
    registry: _Registry, name: str | tuple[str | None, ...], function: Any, signature: Any, options: _Options
) -> Any:
    sources = _sources(function, signature, options.python)
    first = sources[0]
    names: tuple[str | None, ...] = name if isinstance(name, tuple) else (name,)
    outputs = first.ufunc.nout if isinstance(first, Loops) else 1
    if len(names) != outputs:
        what = f"{function!r} has {outputs} output{'s' if outputs > 1 else ''}"
        raise ValueError(f"{what}: give a {f'tuple of {outputs} names' if outputs > 1 else 'name'}")
    checked = [None if output is None else function_name(output) for output in names]
    taken = [own for own in checked if own is not None and own in registry and not options.replace]
    if taken:
        raise ValueError(f"'{taken[0]}' is already registered; replace=True puts this in its place")
    for output, own in enumerate(checked):
        if own is not None:
            _add_sources(registry, own, sources, output, options, function)
    return function


def _add_sources(
    registry: _Registry, name: str, sources: list[Source], output: int, options: _Options, function: Any
) -> None:
    first = sources[0]
    doc = options.doc if options.doc is not None else _doc(function)
    if isinstance(first, Kernel):
        if len(sources) > 1 or options.effects != Effects(True, True):
            raise ValueError("a kernel is inlined: it has no overloads, and the effects of what it calls")
        params = _parameters(name, first.args, first.args, None, options)
        registry._add_kernel(name, params, first, doc, options.replace)
        return
    overloads = []
    names: tuple[str, ...] = ()
    own_defaults: dict[str, Any] = {}
    accepted: list[list[str]] = []
    for source in sources:
        if isinstance(source, Kernel):
            raise ValueError("a kernel is inlined: it can be no overload")
        if isinstance(source, Loops):
            overloads += source.callees(name, output, options.effects)
            names = names or _numbered(source.ufunc.nin)
        else:
            declared = source.params() if isinstance(source, Address) else source.declaration.params
            overloads.append(source.callee(name, options.effects))
            accepted.append([param.dtype for param in declared])
            own = source.names or tuple(param.name for param in declared)
            if not (all(own) and len(set(own)) == len(own) == len(declared)):
                own = _numbered(len(declared))
            names = names or own
            if len(own) != len(names):
                raise ValueError("overloads have different numbers of parameters")
            if isinstance(source, PythonFunction):
                own_defaults = own_defaults or source.defaults
    reference = first.reference if isinstance(first, Address) else repr(function)
    params = _parameters(name, names, tuple(own_defaults), accepted, options, own_defaults)
    registry._add(name, params, overloads, (doc, reference), options.replace)


def register_cython(
    registry: _Registry,
    module: ModuleType,
    names: Iterable[str] | None,
    prefix: str,
    pure: bool,
    thread_safe: bool,
    replace: bool,
) -> Registered:
    """Registers what a Cython module exports to C."""
    functions = cython_functions(module)
    if names is not None:
        names = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in names if name not in functions]
        if unknown:
            raise ValueError(f"{module.__name__} exports no function '{unknown[0]}' to C")
        functions = {name: functions[name] for name in names}
    effects = Effects(bool(pure), bool(thread_safe))
    found: dict[str, list[Address]] = {}
    skipped: dict[str, str] = {}
    for name, variants in functions.items():
        overloads, reasons = cython_overloads(variants, module)
        if overloads:
            found[function_name(prefix + name)] = overloads
        else:
            skipped[name] = reasons[0]
    taken = [name for name in found if name in registry and not replace]
    if taken:
        raise ValueError(f"'{taken[0]}' is already registered; replace=True puts this in its place")
    for name, overloads in found.items():
        options = _Options(effects, None, "", replace, False, None)
        arity = len(overloads[0].params())
        sources: list[Source] = [source for source in overloads if len(source.params()) == arity]
        _add_sources(registry, name, sources, 0, options, module)
    return Registered(tuple(found), skipped)


def function_name(name: object) -> str:
    """A function's name as the language compares it; a ValueError if it is none."""
    if not isinstance(name, str):
        raise TypeError(f"a function's name must be a string, not {type(name).__name__}")
    normal = unicodedata.normalize("NFKC", name)
    if not normal.isidentifier() or iskeyword(normal) or normal == "let":
        raise ValueError(f"'{name}' can be no function's name: it must be an identifier and no keyword")
    return normal


def _own_name(function: Any) -> str:
    name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        raise TypeError(f"{function!r} has no name of its own: give one")
    return name


def _sources(function: Any, signature: Any, python: bool) -> list[Source]:
    if type(function) in (list, tuple):
        if not function:
            raise ValueError("there is no function")
        signatures = [signature] * len(function) if signature is None or isinstance(signature, str) else list(signature)
        if len(signatures) != len(function):
            raise ValueError(f"there are {len(signatures)} signatures for {len(function)} functions")
        return [find(one, text, python) for one, text in zip(function, signatures, strict=True)]
    overloads = None if python or signature is not None else cython_source(function)
    return list(overloads) if overloads is not None else [find(function, signature, python)]


def _numbered(count: int) -> tuple[str, ...]:
    return ("x",) if count == 1 else tuple(f"x{place}" for place in range(1, count + 1))


def _parameters(
    function: str,
    names: tuple[str, ...],
    own: tuple[str, ...],
    accepted: list[list[str]] | None,
    options: _Options,
    own_defaults: Mapping[str, Any] | None = None,
) -> list[tuple[str, str | None]]:
    """The parameters' names, and their defaults as the language writes them."""
    arity = len(names)
    if options.parameters is not None:
        given = [options.parameters] if isinstance(options.parameters, str) else list(options.parameters)
        if len(given) != arity:
            raise ValueError(f"'{function}' has {arity} parameters, but {len(given)} names are given for them")
        if own_defaults:
            own_defaults = {given[names.index(name)]: value for name, value in own_defaults.items()}
        names = tuple(given)
    normal = [unicodedata.normalize("NFKC", name) if isinstance(name, str) else "" for name in names]
    for name in normal:
        if not name.isidentifier():
            raise ValueError(f"a parameter's name must be an identifier, which '{name}' is not")
    if len(set(normal)) < arity:
        raise ValueError(f"two parameters of '{function}' have one name: {', '.join(normal)}")
    defaults = options.defaults
    if defaults is None:
        defaults = own_defaults or {}
    if isinstance(defaults, Mapping):
        by_name = {unicodedata.normalize("NFKC", name): value for name, value in defaults.items()}
        for name in by_name:
            if name not in normal:
                raise ValueError(f"'{function}' has no parameter '{name}': they are {', '.join(normal)}")
    else:
        values = list(defaults)
        if len(values) > arity:
            raise ValueError(f"'{function}' has {arity} parameters, but {len(values)} defaults are given")
        by_name = dict(zip(normal[arity - len(values) :], values, strict=True))
    texts: list[tuple[str, str | None]] = []
    for place, name in enumerate(normal):
        if name not in by_name:
            if texts and texts[-1][1] is not None:
                raise ValueError(f"parameter '{name}' without a default comes after '{texts[-1][0]}', which has one")
            texts.append((name, None))
            continue
        dtypes = [dtypes[place] for dtypes in accepted or () if place < len(dtypes)]
        texts.append((name, _default(name, by_name[name], dtypes)))
    return texts


def _default(name: str, value: Any, dtypes: list[str]) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"the default of '{name}' must be a number, not {type(value).__name__}")

    def fits(dtype: str) -> bool:
        if isinstance(value, bool) or dtype[0] == "f":
            return True
        return isinstance(value, int) and dtype != "?" and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max

    if dtypes and not any(map(fits, dtypes)):
        wanted = np.dtype(dtypes[0])
        raise ValueError(f"the default of '{name}', {value!r}, does not fit the parameter's type, {wanted}")
    return repr(value)


def _doc(function: Any) -> str:
    """What a function's own documentation says first."""
    if not (inspect.isfunction(function) or isinstance(function, np.ufunc)):
        return ""
    for paragraph in (inspect.getdoc(function) or "").split("\n\n"):
        if not paragraph.startswith(f"{function.__name__}("):
            return " ".join(paragraph.split())
    return ""
