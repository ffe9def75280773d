"""The signatures of kernels, as the module inspect has them."""

from __future__ import annotations

from inspect import Parameter, Signature
from keyword import iskeyword

_OPTIONS = {"out": None, "where": True, "casting": "same_kind", "order": "K", "dtype": None}


def signature(args: tuple[str, ...]) -> Signature:
    """The signature of a kernel with these arguments.

    An argument that has the name of an option, or a name that is no identifier, is positional-only,
    under a name that tells its place; so are then, in the signature, all before it.
    """
    named = [name.isidentifier() and not iskeyword(name) and name not in _OPTIONS for name in args]
    positional = max((place + 1 for place, can in enumerate(named) if not can), default=0)
    taken = {*args, *_OPTIONS}
    parameters = []
    for place, name in enumerate(args):
        if not named[place]:
            name = f"arg{place}"
            while name in taken:
                name += "_"
            taken.add(name)
        kind = Parameter.POSITIONAL_ONLY if place < positional else Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(Parameter(name, kind))
    for name, default in _OPTIONS.items():
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default))
    return Signature(parameters)
