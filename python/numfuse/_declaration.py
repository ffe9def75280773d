"""Signatures of native functions, written as NumPy, as dtypes or as C writes them."""

from __future__ import annotations

import ctypes
import re
from typing import NamedTuple

import numpy as np


class Parameter(NamedTuple):
    """A parameter's or a result's type."""

    dtype: str
    """The array interface's code, such as 'f8', or '' for what a pointer points to that is no number."""
    pointer: bool = False
    const: bool = False
    name: str = ""

    def __str__(self) -> str:
        return (self.dtype or "void") + " *" * self.pointer


class Declaration(NamedTuple):
    """A function's types; the result is None for void."""

    result: Parameter | None
    params: tuple[Parameter, ...]

    def __str__(self) -> str:
        return f"{self.result or 'void'} ({', '.join(map(str, self.params))})"

    def agrees(self, other: Declaration) -> bool:
        """Do both mean the same function, whatever its parameters are called?

        What Cython adds behind the parameters needs not be written.
        """

        def types(declaration: Declaration) -> list[tuple[str, bool] | None]:
            params = (param for param in declaration.params if not param.name.startswith("__pyx_"))
            return [type and (type.dtype, type.pointer) for type in (declaration.result, *params)]

        return types(self) == types(other)

    def named(self, other: Declaration) -> Declaration:
        """The same with the parameters' names of another."""
        names = [param.name for param in other.params]
        names += [""] * (len(self.params) - len(names))
        params = (param._replace(name=param.name or name) for param, name in zip(self.params, names, strict=True))
        return self._replace(params=tuple(params))


CODES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
"""The supported dtypes, in the order in which overloads are tried."""

_WORDS = {"char", "short", "int", "long", "signed", "unsigned", "float", "double", "void", "bool", "_Bool"}
_QUALIFIERS = {"const", "volatile", "restrict", "__restrict", "__restrict__", "static", "inline", "extern", "noexcept"}
_SIZES = {
    "short": ctypes.sizeof(ctypes.c_short),
    "int": ctypes.sizeof(ctypes.c_int),
    "long": ctypes.sizeof(ctypes.c_long),
    "long long": ctypes.sizeof(ctypes.c_longlong),
}
_WORD = ctypes.sizeof(ctypes.c_size_t)
_TYPEDEFS = {
    "size_t": f"u{_WORD}",
    "uintptr_t": f"u{_WORD}",
    "npy_uintp": f"u{_WORD}",
    "ssize_t": f"i{_WORD}",
    "Py_ssize_t": f"i{_WORD}",
    "ptrdiff_t": f"i{_WORD}",
    "intptr_t": f"i{_WORD}",
    "npy_intp": f"i{_WORD}",
    "npy_bool": "?",
    "npy_double": "f8",
    "npy_float": "f4",
    **{f"{kind}int{8 * size}_t": f"{code}{size}" for kind, code in (("", "i"), ("u", "u")) for size in (1, 2, 4, 8)},
}


def supported(dtype: np.dtype) -> str:  # type: ignore[type-arg]
    """The code of a dtype; a ValueError if it is not supported."""
    code = "?" if dtype.kind == "b" else dtype.kind + str(dtype.itemsize)
    if code not in CODES or not dtype.isnative:
        raise ValueError(f"the type {dtype} is not supported")
    return code


def parse(text: str) -> Declaration:
    """The declaration that a text is: 'dd->d', 'f8(f8, i4)' or 'double (double, int)'.

    `int`, `long` and `float` are C's in all forms. A ValueError says what is wrong.
    """
    try:
        return _numpy(text) if "->" in text else _c(text)
    except ValueError as error:
        message = f"{text!r} is no signature such as 'dd->d', 'f8(f8, i4)' or 'double (double, int)': {error}"
        raise ValueError(message) from None


def _numpy(text: str) -> Declaration:
    inputs, _, outputs = re.sub(r"[\s,]", "", text).partition("->")
    if len(outputs) != 1:
        raise ValueError("there is one output")

    def parameter(character: str) -> Parameter:
        try:
            dtype = np.dtype(character)
        except TypeError:
            raise ValueError(f"NumPy has no type {character!r}") from None
        return Parameter(supported(dtype))

    return Declaration(parameter(outputs), tuple(map(parameter, inputs)))


def _c(text: str) -> Declaration:
    # `double (*)(double)` is how ctypes and cffi write pointers to functions.
    text = re.sub(r"\(\s*\*\s*\w*\s*\)\s*(?=\()", " ", text.strip().rstrip(";"))
    match = re.fullmatch(r"([^()]*)\(([^()]*)\)\s*(?:noexcept)?\s*(?:nogil)?", text)
    if not match:
        raise ValueError("it has to be the result's type, and in parentheses the parameters'")
    result = parameter(match[1])
    params = [] if match[2].strip() in ("", "void") else [parameter(param) for param in match[2].split(",")]
    if any(not param.dtype and not param.pointer for param in params):
        raise ValueError("a parameter is void")
    if result.pointer:
        raise ValueError("the result is a pointer")
    return Declaration(result if result.dtype else None, tuple(params))


def parameter(text: str) -> Parameter:
    """A parameter or a result as C writes it, with or without its name."""
    if "..." in text:
        raise ValueError("functions with variable arguments are not supported")
    pointers = text.count("*") + text.count("[")
    words = re.findall(r"\w+", re.sub(r"\[\w*\]", " ", text))
    if re.sub(r"\[\w*\]|\w+|\*|\s|\?", "", text):
        raise ValueError(f"{text.strip()!r} is no type")
    const = "const" in words
    words = [word for word in words if word not in _QUALIFIERS]
    if "?" in text:
        words.insert(0, "?")
    count = next((count for count, word in enumerate(words) if word not in _WORDS), len(words))
    # A type that C has no words for is one word.
    count = count or min(len(words), 2 if words[:1] in (["struct"], ["enum"], ["union"]) else 1)
    kind, names = words[:count], words[count:]
    if not kind or len(names) > 1 or pointers > 1:
        raise ValueError(f"{text.strip()!r} is no type that is supported")
    name = names[0] if names else ""
    try:
        dtype = _type(kind)
    except ValueError:
        # What is passed as a null pointer may point to anything.
        if not (pointers and name == "__pyx_optional_args"):
            raise
        dtype = ""
    return Parameter(dtype, bool(pointers), const, name)


def _type(words: list[str]) -> str:
    """The code of a C type or a dtype; '' for void."""
    text = " ".join(words)
    if text == "void":
        return ""
    if text == "double":
        return "f8"
    if text == "float":
        return "f4"
    if text in ("bool", "_Bool"):
        return "?"
    if text in _TYPEDEFS:
        return _TYPEDEFS[text]
    if text == "char":
        raise ValueError("whether char has a sign is the compiler's choice: write signed char or unsigned char")
    if set(words) <= {"char", "short", "int", "long", "signed", "unsigned"}:
        sign = "u" if "unsigned" in words else "i"
        rest = [word for word in words if word not in ("signed", "unsigned")]
        if rest == ["char"]:
            return f"{sign}1"
        if len(rest) > 1 and "int" in rest:
            rest.remove("int")
        size = _SIZES.get(" ".join(rest or ["int"]))
        if size:
            return f"{sign}{size}"
    elif len(words) == 1:
        try:
            return supported(np.dtype(text))
        except TypeError:
            pass
    raise ValueError(f"the type {text} is not supported")
