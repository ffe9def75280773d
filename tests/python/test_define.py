"""Functions defined in the language, and what `functions` says of functions."""

import pickle

import numfuse as nf
import numpy as np
import pytest


@pytest.fixture
def registry():
    return nf.Registry()


def test_definitions_are_inlined_as_python_would_compute(registry, rng):
    registry.define("half(x) = x / 2")
    registry.define("poly(x, a=1, b=half(a)) = half(x) * a + b")
    x = rng.random(1000, "float32")
    got = nf.evaluate("poly(x) + poly(x, b=x, a=3)", x=x, functions=registry)
    want = (x / 2 * 1 + 0.5) + (x / 2 * 3 + x)
    assert got.dtype == want.dtype == np.float32
    np.testing.assert_array_equal(got, want)
    # Python's own numbers stay so.
    assert nf.evaluate("half(n) + x", n=3, x=x[:2], functions=registry).dtype == np.float32
    kernel = nf.compile("half(x)", functions=registry)
    np.testing.assert_array_equal(kernel(np.arange(5)), np.arange(5) / 2)


def test_the_default_registry(request):
    nf.define("test_define_twice(x) = 2 * x", doc="Twice x.")
    request.addfinalizer(lambda: nf.unregister("test_define_twice"))
    old = nf.compile("test_define_twice(x)")
    assert nf.evaluate("test_define_twice(x)", x=4) == 8
    with pytest.raises(ValueError, match="registered already"):
        nf.define("test_define_twice(x) = 3 * x")
    nf.define("test_define_twice(x) = 3 * x", replace=True)
    assert nf.evaluate("test_define_twice(x)", x=4) == 12
    assert old(4) == 8
    assert "test_define_twice" in nf.functions()
    with pytest.raises(nf.ExprNameError, match="unknown function"):
        nf.evaluate("test_define_twice(x)", x=4, functions=nf.Registry())


def test_a_registrys_own_names_shadow_built_ins(registry):
    registry.define("exp(x) = x + 100")
    assert nf.evaluate("exp(x)", x=1, functions=registry) == 101
    assert nf.evaluate("exp(x)", x=0) == 1
    assert nf.functions("exp", registry=registry).family == "Registered functions"
    assert nf.functions("exp").family == "Elementary functions"


def test_mistakes_are_told_together_with_their_places(registry):
    with pytest.raises(nf.ExprNameError) as info:
        registry.define("λ(x) = sine(x) + λ(y)")
    assert [(kind, start, end) for kind, start, end, *_ in info.value.errors] == [
        ("name", 7, 11),
        ("name", 17, 18),
        ("name", 19, 20),
    ]
    with pytest.raises(nf.ExprSyntaxError, match="comes twice"):
        registry.define("f(x, x) = x")
    for text in (5, None, b"f(x) = x"):
        with pytest.raises(TypeError):
            registry.define(text)
    with pytest.raises(nf.ExprSyntaxError, match="surrogate"):
        registry.define("f(x) = \ud800")
    with pytest.raises(TypeError):
        registry.define("f(x) = x", "positional")
    assert len(registry) == 0


def test_what_grows_without_end_is_refused(registry):
    registry.define("f0(x) = x + x")
    with pytest.raises(nf.ExprSyntaxError, match="too large"):
        for n in range(1, 100):
            registry.define(f"f{n}(x) = f{n - 1}(x) * f{n - 1}(x)")
    assert 10 < len(registry) < 20


def test_all_functions_are_listed_and_documented():
    registry = nf.Registry()  # the default one has what other tests registered
    names = nf.functions(registry=registry)
    assert names == sorted(names) and len(names) == len(set(names)) > 100
    assert not [name for name in names if name.startswith("_")]
    for name in names:
        info = nf.functions(name, registry=registry)
        assert name == info.name or name in info.aliases
        assert info.signature.startswith(info.name + "(")
        assert info.doc.endswith(".") and info.family and info.reference
        assert info.accuracy == "exact" or "ULP" in info.accuracy
        assert info.pure and info.thread_safe
        assert str(info).startswith(info.signature + "\n" + info.doc)


def test_what_is_said_of_ones_own(registry):
    registry.register("seven", lambda x: 7.0, "d->d", python=True, pure=False, thread_safe=False, doc="Seven.")
    info = nf.functions("seven", registry=registry)
    assert (info.name, info.doc, info.aliases, info.pure, info.thread_safe) == ("seven", "Seven.", (), False, False)
    assert str(info).endswith("calls: one for each element, in order, one at a time")
    assert pickle.loads(pickle.dumps(info)) == info
    # A definition has the effects of what it calls.
    registry.define("also(x, y=seven(x)) = y")
    assert not nf.functions("also", registry=registry).pure
    with pytest.raises(KeyError, match="did you mean .*hypot"):
        nf.functions("hypott")
    with pytest.raises(TypeError, match="Registry"):
        nf.functions(registry={})
