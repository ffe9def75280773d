"""The package's surface: names, attributes, documentation, pickles, weak references."""

import copy
import doctest
import gc
import inspect
import pickle
import subprocess
import sys
import weakref

import numfuse as nf
import numpy as np
import pytest


def test_all_is_what_there_is():
    public = {name for name in vars(nf) if not name.startswith("_")}
    assert set(nf.__all__) == public | {"__version__"}


@pytest.mark.parametrize("name", [name for name in nf.__all__ if name != "__version__"])
def test_everything_is_documented_and_examples_run(name):
    thing = getattr(nf, name)
    assert thing.__doc__
    test = doctest.DocTestParser().get_doctest(thing.__doc__, {}, name, None, 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, clear_globs=False).failed == 0
    # What the exceptions of one kind have in common, and their example, is at their base.
    if name not in ("CacheInfo",) and not (name.startswith("Expr") and name != "ExprError"):
        assert test.examples, f"{name} has no example"


def test_the_module_is_documented_and_its_example_runs():
    test = doctest.DocTestParser().get_doctest(nf.__doc__, {}, "numfuse", None, 0)
    assert test.examples and doctest.DocTestRunner().run(test).failed == 0


def test_attributes():
    kernel = nf.compile("y += a*x; z = y - 1")
    assert kernel.args == ("y", "a", "x")
    assert kernel.outputs == ("y", "z")
    assert kernel.expression == "y += a*x; z = y - 1"
    assert kernel.signatures == ()
    assert nf.compile("x + 1").outputs == ("result",)


@pytest.mark.parametrize("attribute", ["args", "outputs", "expression", "signatures", "other"])
def test_kernels_are_immutable(attribute):
    with pytest.raises(AttributeError):
        setattr(nf.compile("x + y"), attribute, ())


def test_kernels_are_made_by_compile_only():
    with pytest.raises(TypeError, match="cannot create"):
        nf.Kernel()
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Sub", (nf.Kernel,), {})


def test_repr():
    assert repr(nf.compile("a + b")) == "<numfuse.Kernel (a, b) -> result: 'a + b'>"
    long = " + ".join(f"x{i}" for i in range(100))
    assert long[:100] + "..." in repr(nf.compile(long))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("x + y", "(x, y, *, out=None, where=True, casting='same_kind', order='K', dtype=None)"),
        ("x + `a b`", "(x, arg1, /, *, out=None, where=True, casting='same_kind', order='K', dtype=None)"),
        ("x + out + y", "(x, arg1, /, y, *, out=None, where=True, casting='same_kind', order='K', dtype=None)"),
        ("1 + 2", "(*, out=None, where=True, casting='same_kind', order='K', dtype=None)"),
    ],
)
def test_signature(text, want):
    assert str(inspect.signature(nf.compile(text))) == want


def test_signature_of_evaluate():
    options = "out=None, where=True, casting='same_kind', order='K', dtype=None, fastmath=False, functions=None"
    want = f"(expr, mapping=None, /, *, {options}, **names)"
    assert str(inspect.signature(nf.evaluate)) == want


def test_the_same_text_and_options_are_the_same_kernel():
    kernel = nf.compile("p + q")
    assert nf.compile("p" + " + q") is kernel
    assert nf.compile("p + q", ["q", "p"]) is not kernel
    assert nf.compile("p + q", fastmath=True) is not kernel
    assert nf.compile("p + q", fastmath=()) is kernel
    assert nf.compile("p + q", limits={"depth": 17}) is not kernel
    assert kernel == nf.compile("p + q") and len({kernel, nf.compile("p + q")}) == 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    for kernel in (
        nf.compile("x - e*y"),
        nf.compile("x - e*y", ["y", "e", "x"], fastmath={"contract"}, limits={"nodes": 20}),
    ):
        again = pickle.loads(pickle.dumps(kernel, protocol))
        assert again is kernel
        assert copy.copy(kernel) is kernel and copy.deepcopy(kernel) is kernel


def test_a_pickle_is_read_in_another_process():
    kernel = nf.compile("x - 2*y", ["y", "x"])
    program = "import pickle, sys; k = pickle.loads(sys.stdin.buffer.read()); print(k(3, 10), k.args)"
    data = pickle.dumps(kernel)
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert done.stdout.decode().split(maxsplit=1) == ["4", "('y', 'x')\n"]


def test_weak_references_and_death():
    kernel = nf.compile("x + 123456")
    seen = []
    reference = weakref.ref(kernel, seen.append)
    nf.cache_clear()
    assert reference() is kernel
    del kernel
    gc.collect()
    assert reference() is None and seen == [reference]
    assert nf.compile("x + 123456")(1) == 123457


def test_args_option():
    assert nf.compile("2*e").args == ()
    assert nf.compile("2*e", ["e"])(4) == 8
    assert nf.compile("x - y", ("y", "x"))(1, 10) == 9
    assert nf.compile("pi*e", args=iter(["pi", "e"]))(2, 3) == 6
    with pytest.raises((nf.ExprError, TypeError, ValueError)):
        nf.compile("x + y", ["x", "y", "z"])
    with pytest.raises(TypeError, match="not a string"):
        nf.compile("x + y", "xy")
    with pytest.raises(TypeError, match="sequence of names"):
        nf.compile("x + y", [1, 2])


def test_signatures_option():
    kernel = nf.compile("a*x + b", signatures=["f4, f4, f4", "f8(f8, float, int)", (np.int16, int, float)])
    assert "f4(f4, f4, f4)" in kernel.signatures
    assert "f8(f8, float, int)" in kernel.signatures
    assert len(kernel.signatures) == 3
    kernel(1, 2, 3)
    assert "i8(int, int, int)" in kernel.signatures


@pytest.mark.parametrize(
    ("signatures", "error"),
    [
        (["f8"], TypeError),
        (["f8, nonsense"], ValueError),
        (["i8(f8, f8)"], TypeError),
        ("f8, f8", TypeError),
        ([(np.float64, None)], TypeError),
        ([(np.float64, np.object_)], TypeError),
        (3, TypeError),
    ],
)
def test_wrong_signatures(signatures, error):
    with pytest.raises(error):
        nf.compile("x * y", signatures=signatures)


@pytest.mark.parametrize("fastmath", [True, False, "contract", {"contract"}, ["reassoc", "afn"], ()])
def test_fastmath(fastmath):
    assert nf.compile("a*b + c", fastmath=fastmath)(2.0, 3.0, 4.0) == 10
    assert nf.evaluate("a*b + c", a=2.0, b=3.0, c=4.0, fastmath=fastmath) == 10


@pytest.mark.parametrize(("fastmath", "error"), [("fast", ValueError), ({"contract", "x"}, ValueError), (1.5, TypeError)])
def test_wrong_fastmath(fastmath, error):
    with pytest.raises(error, match="contract"):
        nf.compile("a*b + c", fastmath=fastmath)


def test_limits_option():
    assert nf.compile("x + 1", limits={"characters": 5, "nodes": 3})(1) == 2
    for limits in ({"characters": 4}, {"nodes": 2}):
        with pytest.raises(nf.ExprSyntaxError):
            nf.compile("x + 1", limits=limits)
    with pytest.raises(nf.ExprSyntaxError):
        nf.compile("((((x))))", limits={"depth": 3})
    with pytest.raises(ValueError, match="characters"):
        nf.compile("x + 1", limits={"lines": 4})
    with pytest.raises(TypeError, match="mapping"):
        nf.compile("x + 1", limits=4)


@pytest.mark.parametrize("expression", [None, 3, b"x + 1", ["x"]])
def test_an_expression_is_a_string(expression):
    with pytest.raises(TypeError):
        nf.compile(expression)
    with pytest.raises(TypeError, match="string"):
        nf.evaluate(expression, x=1)


def test_a_subclass_of_str_is_an_expression():
    class Text(str):
        pass

    assert nf.compile(Text("x + 1"))(1) == 2
    assert nf.evaluate(Text("x + 1"), x=1) == 2


def test_importing_loads_little():
    program = (
        "import sys, numpy; before = set(sys.modules); import numfuse; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"numfuse", "numfuse._core", "numfuse._register"}
