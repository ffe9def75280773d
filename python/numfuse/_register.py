"""Registries: functions of one's own beside the built-in ones."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import Any, NamedTuple

import numpy as np
from numfuse._core import Kernel, _define, _Registry
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


class Registry(_Registry):
    """Functions by name, for numfuse.compile and numfuse.evaluate: `functions=registry`.

    A registry's functions shadow the built-in ones of the same name. Its methods are those of the
    module: numfuse.register and numfuse.register_cython add to the registry that holds where no other
    is named. It can be asked `name in registry`, has a length, and gives its functions' names.

    Registries can be used and changed from several threads. Kernels go on calling the functions that
    they were compiled with; a text that is compiled or evaluated again is given those of that time.

    >>> import numpy as np, numfuse as nf
    >>> registry = nf.Registry()
    >>> _ = registry.register('cube_root', np.cbrt)
    >>> nf.evaluate('cube_root(x) + 1', x=8.0, functions=registry)
    np.float64(3.0)
    >>> list(registry)
    ['cube_root']
    """

    __slots__ = ()

    # The registry's documentation is the module's: numfuse.register is this method.
    def register(
        self,
        name: Any = None,
        function: Any = None,
        signature: Any = None,
        *,
        pure: bool = True,
        thread_safe: bool = True,
        defaults: Mapping[str, float] | Sequence[float] | None = None,
        doc: str | None = None,
        replace: bool = False,
        python: bool = False,
        parameters: Sequence[str] | None = None,
    ) -> Any:
        """Register a native function, so that expressions can call it by its name; gives the function.

        function is one of:
        * an address, an int, with a signature;
        * a ctypes function with argtypes and restype (CFUNCTYPE, or of a CDLL);
        * a CFFI function, of ffi.dlopen or of a compiled module;
        * a PyCapsule whose name is a C signature, such as Cython modules have in __pyx_capi__, or a
          function that such a module exports to C;
        * a scipy.LowLevelCallable, with its user data;
        * a function compiled by numba.cfunc, or by numba.vectorize with signatures;
        * a NumPy ufunc; one with several outputs needs a tuple of names, one each (None skips one);
        * a Kernel of a single expression, which is inlined;
        * with python=True any callable. It is called once an element with Python's own numbers, on the
          thread that called the kernel, and its exceptions end the call;
        * a list of such, overloads: a call takes the first whose parameters take its arguments.

        signature is needed where the object has none, as NumPy writes it ('dd->d'), with dtypes
        ('f8(f8, i4)') or as C does ('double (double, int)'); `int`, `long` and `float` are C's. The
        function has the types bool, (u)int8 to (u)int64, float32 and float64, or it is a block function,
        'void (size_t n, const double *x, ..., double *result)', called with chunks of elements. Of a
        Python callable the annotations float, int and bool will do.

        Without function it is a decorator, `@register('name')`; so it is as `@register`, which takes the
        function's own name.

        pure=False says that calls do more than give a result: there is exactly one for each element, in C
        order, all on the thread that called the kernel. Calls of pure functions may be merged, be made
        once for many elements, or on several threads. thread_safe=False says that there must never be
        two calls at a time in the process.

        parameters are the names for keyword arguments; without them those of the object or signature, or
        else x, or x1, x2 and so on. defaults are of the last parameters: a mapping from names, or a
        sequence. doc says in a sentence what the function computes. replace=True allows to put it in the
        place of a function that the registry holds; built-in ones are shadowed without that.

        The signature has to be right: a wrong one is as fatal as a wrong cast in C. Native functions are
        called without the GIL: of Cython's, only those declared nogil can be registered, which their
        capsules don't tell. The object is kept alive as long as a kernel can call it.

        Errors: a ValueError for signatures, names and functions that are not supported, or a name that
        is registered already; a TypeError for objects that are no native functions.

        >>> import ctypes, numfuse as nf, numpy as np
        >>> libm = ctypes.CDLL('libm.so.6')
        >>> address = ctypes.cast(libm.scalbn, ctypes.c_void_p).value
        >>> _ = nf.register('scale_by_power', address, 'double (double x, int n)', defaults={'n': 1}, replace=True)
        >>> nf.evaluate('scale_by_power(x) + scale_by_power(x, n=-1)', x=np.array([1.0, 4.0]))
        array([ 2.5, 10. ])

        >>> registry = nf.Registry()
        >>> @registry.register(python=True)
        ... def collatz(n: int) -> int:
        ...     return n // 2 if n % 2 == 0 else 3*n + 1
        >>> nf.evaluate('collatz(n)', n=np.arange(1, 6), functions=registry)
        array([ 4,  1, 10,  2, 16])
        """
        options = _Options(Effects(bool(pure), bool(thread_safe)), defaults, doc, replace, bool(python), parameters)
        if function is None:
            if name is not None and not isinstance(name, (str, tuple)):
                # @register, without anything else.
                return self._register(_own_name(name), name, signature, options)

            def decorator(function: Any) -> Any:
                return self._register(_own_name(function) if name is None else name, function, signature, options)

            return decorator
        return self._register(_own_name(function) if name is None else name, function, signature, options)

    def _register(self, name: str | tuple[str | None, ...], function: Any, signature: Any, options: _Options) -> Any:
        sources = _sources(function, signature, options.python)
        first = sources[0]
        names: tuple[str | None, ...] = name if isinstance(name, tuple) else (name,)
        outputs = first.ufunc.nout if isinstance(first, Loops) else 1
        if len(names) != outputs:
            what = f"{function!r} has {outputs} output{'s' if outputs > 1 else ''}"
            raise ValueError(f"{what}: give a {f'tuple of {outputs} names' if outputs > 1 else 'name'}")
        checked = [None if name is None else function_name(name) for name in names]
        taken = [name for name in checked if name is not None and name in self and not options.replace]
        if taken:
            raise ValueError(f"'{taken[0]}' is already registered; replace=True puts this in its place")
        for output, name in enumerate(checked):
            if name is not None:
                self._add_sources(name, sources, output, options, function)
        return function

    def _add_sources(self, name: str, sources: list[Source], output: int, options: _Options, function: Any) -> None:
        first = sources[0]
        doc = options.doc if options.doc is not None else _doc(function)
        if isinstance(first, Kernel):
            if len(sources) > 1 or options.effects != Effects(True, True):
                raise ValueError("a kernel is inlined: it has no overloads, and the effects of what it calls")
            params = _parameters(name, first.args, first.args, None, options)
            self._add_kernel(name, params, first, doc, options.replace)
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
        self._add(name, params, overloads, doc, reference, options.replace)

    def define(self, text: str, *, doc: str | None = None, replace: bool = False) -> None:
        """Define a function in the language: `name(parameter, parameter=default) = expression`.

        Texts that are compiled or evaluated from then on can call it. A call is replaced by the
        expression, which is computed as if Python called a function with the same arguments, and fused
        with what is around it. A default is an expression, too, over other parameters. The functions that
        the definition calls are those of now: what becomes of their names later changes nothing, nor does
        a new definition change kernels that exist.

        doc says in a sentence what the function computes. replace=True allows to put it in the place of a
        function that the registry holds; built-in ones are shadowed without that.

        Errors: all mistakes of the text are reported at once, as those of compile. A function can't call
        itself (an ExprNameError). A ValueError if the name is taken and replace is not given.

        >>> import numpy as np, numfuse as nf
        >>> nf.define('zscore(x, mu=0, sigma=1) = (x - mu) / sigma', replace=True)
        >>> nf.evaluate('zscore(x, sigma=2)', x=np.array([1.0, 4.0]))
        array([0.5, 2. ])
        """
        _define(self, text, doc, replace)

    def register_cython(
        self,
        module: ModuleType,
        names: Iterable[str] | None = None,
        *,
        prefix: str = "",
        pure: bool = True,
        thread_safe: bool = True,
        replace: bool = False,
    ) -> Registered:
        """Register the functions that a Cython module exports to C, all or those of the given names.

        The variants of a fused function become overloads. Functions with types that are not supported
        are left out; what is returned says why, by name. prefix is put before the names. The other
        options are those of numfuse.register; here, too, only functions that are nogil can be called.

        Errors: a ValueError for a name that the module has not, or that is registered already; a
        TypeError if it is no Cython module.

        >>> import numfuse as nf
        >>> nf.register_cython(nf)
        Traceback (most recent call last):
        ...
        TypeError: <module 'numfuse' from '...'> is no Cython module with functions for C (it has no __pyx_capi__)
        """
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
        taken = [name for name in found if name in self and not replace]
        if taken:
            raise ValueError(f"'{taken[0]}' is already registered; replace=True puts this in its place")
        for name, overloads in found.items():
            options = _Options(effects, None, "", replace, False, None)
            arity = len(overloads[0].params())
            sources: list[Source] = [source for source in overloads if len(source.params()) == arity]
            self._add_sources(name, sources, 0, options, module)
        return Registered(tuple(found), skipped)


class _Options(NamedTuple):
    effects: Effects
    defaults: Mapping[str, float] | Sequence[float] | None
    doc: str | None
    replace: bool
    python: bool
    parameters: Sequence[str] | None


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
        raise ValueError(f"the default of '{name}', {value!r}, does not fit the parameter's type, {np.dtype(dtypes[0])}")
    return repr(value)


def _doc(function: Any) -> str:
    """What a function's own documentation says first."""
    if not (inspect.isfunction(function) or isinstance(function, np.ufunc)):
        return ""
    for paragraph in (inspect.getdoc(function) or "").split("\n\n"):
        if not paragraph.startswith(f"{function.__name__}("):
            return " ".join(paragraph.split())
    return ""


Registry.__module__ = "numfuse"

default_registry = Registry(_default=True)
register: Callable[..., Any] = default_registry.register
register_cython: Callable[..., Registered] = default_registry.register_cython
unregister: Callable[[str], None] = default_registry.unregister
define: Callable[..., None] = default_registry.define
