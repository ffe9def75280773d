"""Registries: functions of one's own beside the built-in ones.

Importing numfuse imports this; what it takes to register something is imported when that is done.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numfuse._core import _define, _Registry

if TYPE_CHECKING:
    from os import PathLike
    from types import ModuleType

    from numfuse._registering import Registered


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
        from numfuse._registering import register

        options = (pure, thread_safe, defaults, doc, replace, python, parameters)
        return register(self, name, function, signature, *options)

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
        module: "ModuleType",
        names: Iterable[str] | None = None,
        *,
        prefix: str = "",
        pure: bool = True,
        thread_safe: bool = True,
        replace: bool = False,
    ) -> "Registered":
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
        from numfuse._registering import register_cython

        return register_cython(self, module, names, prefix, pure, thread_safe, replace)


def rmath(path: "str | PathLike[str] | None" = None) -> Registry:
    """The functions of libRmath as a Registry of their own, by their names in R: dnorm, pgamma, qbeta ...

    Parameters are those of Rmath.h, in its order: gamma, exp and weibull take a scale. Densities have
    `log=False` last, the others `lower_tail=True, log_p=False`. Numbers are float64, counts included.
    Special functions have their C names: lgammafn, choose, bessel_k ...

    The library is looked for where the system keeps libraries, or is the file that path names. It warns
    of lost precision on the standard output. What keeps tables, wilcox and signrank, is never called
    twice at a time.

    Errors: an OSError where there is no library.

    >>> import numfuse as nf
    >>> r = nf.rmath()  # doctest: +SKIP
    >>> nf.evaluate('pnorm(x, 0, 1, lower_tail=False)', x=1.96, functions=r)  # doctest: +SKIP
    np.float64(0.024997895148220435)
    """
    from numfuse._rmath import functions

    return functions(path)


Registry.__module__ = "numfuse"

default_registry = Registry(_default=True)
register = default_registry.register
register_cython = default_registry.register_cython
unregister = default_registry.unregister
define = default_registry.define
