"""Texts from strangers: an error at once, never a crash. Each runs in a process of its own."""

import subprocess
import sys
import textwrap

import numfuse as nf
import numpy as np
import pytest

N = 10**6

TEXTS = {
    "open parentheses": "'(' * N",
    "nested parentheses": "'(' * N + 'x' + ')' * N",
    "close parentheses": "'x' + ')' * N",
    "nested calls": "'sqrt(' * N + 'x' + ')' * N",
    "unfinished calls": "'sqrt(' * N",
    "unary minus": "'-' * N + 'x'",
    "not": "'not ' * N + 'x'",
    "unary mixture": "'-+~' * N + 'x'",
    "powers": "'x ** ' * N + 'x'",
    "a sum": "'x + ' * N + 'x'",
    "a product without an end": "'x * ' * N",
    "comparisons": "'x < ' * N + 'x'",
    "conditionals": "'x if x else ' * N + 'x'",
    "nested conditionals": "'(x if ' * N + 'x' + ' else x)' * N",
    "statements": "'y += x; ' * N",
    "assignments": "''.join(f'a{i} = x\\n' for i in range(N // 4))",
    "arguments of a call": "'maximum(' + 'x, ' * N + 'x)'",
    "names": "'a' * N",
    "operands": "' + '.join(f'a{i}' for i in range(N // 4))",
    "digits": "'1' * N",
    "newlines": "'\\n' * N + 'x'",
    "a comment": "'#' * N",
    "backticks": "'`' * N",
    "strings": "'\"' * N",
    "brackets": "'[' * N + ']' * N",
    "nonsense": "'\\x00\\u00e9$?!' * N",
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile(name):
    """A syntax error (or, for a text that is fine, a kernel); never a crash."""
    code = textwrap.dedent(
        f"""
        import numfuse as nf
        N = {N}
        try:
            nf.compile({TEXTS[name]})
        except nf.ExprError as error:
            str(error), repr(error)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "text",
    [
        "x + (1",
        "((((((((x",
        "",
        ";;;",
        "let",
        "let x",
        "let x = ",
        "x +",
        "x = = 3",
        "1 = x",
        "sqrt(x)) + 1",
        "x[0]",
        "x.T",
        "x && y",
        "import os",
        "__import__('os')",
        "lambda: x",
        "x := 3",
        "\ud7ff\U0010ffff",
        "x\x00y",
    ],
)
def test_mistakes_are_errors(text):
    with pytest.raises(nf.ExprError) as caught:
        nf.compile(text)()
    assert caught.value.expression == text
    assert 0 <= caught.value.start <= caught.value.end <= len(text.encode())


def test_lone_surrogate():
    with pytest.raises((ValueError, nf.ExprError)):
        nf.compile("x + \ud800")


def test_long_sum():
    """10,000 terms are one kernel."""
    x = np.linspace(0, 1, 9)
    want = x.copy()
    for i in range(9_999):
        want = want + (x if i % 2 else i)
    text = " + ".join(["x", *("x" if i % 2 else str(i) for i in range(9_999))])
    assert (nf.evaluate(text, x=x) == want).all()


def test_long_product_and_mixture():
    x = np.full(5, 1.0000001)
    want = x.copy()
    for _ in range(9_999):
        want = want * x
    assert (nf.evaluate(" * ".join(["x"] * 10_000), x=x) == want).all()
    want = x.copy()
    for i in range(4_000):
        want = want - x if i % 2 else want + x
    text = "x" + "".join(" - x" if i % 2 else " + x" for i in range(4_000))
    assert (nf.evaluate(text, x=x) == want).all()


def test_many_statements():
    x = np.arange(4.0)
    text = "\n".join(["let a0 = x", *(f"let a{i} = a{i - 1} + {i}" for i in range(1, 500)), "a499"])
    assert (nf.evaluate(text, x=x) == x + sum(range(500))).all()


def test_names_are_only_names():
    """Nothing that a name says reaches a linker or a loader."""
    x = np.arange(3.0)
    for name in ("malloc", "free", "system", "main", "_start", "memcpy", "exit", "abort"):
        assert (nf.evaluate(f"{name} + 1", {name: x}) == x + 1).all()
        with pytest.raises(nf.ExprNameError):
            nf.compile(f"{name}(x)")
