"""One program, run by numfuse and by the oracle, and what differs between the two."""

import numfuse as nf
import numpy as np
import oracle
import pytest

SHOWN = 12
KINDS = (OverflowError, ZeroDivisionError, ValueError, TypeError)


def kind_of(error):
    return next((kind for kind in KINDS if isinstance(error, kind)), type(error))


def show(value):
    """A value as Python text."""
    if isinstance(value, np.ndarray) and value.size > 40:
        return f"<{value.dtype} array, shape {value.shape}, strides {value.strides}>"
    with np.printoptions(threshold=1000, floatmode="unique"):
        text = repr(value)
    if isinstance(value, np.ndarray):
        text += f" (strides {value.strides})" if value.ndim else ""
    return text


class Differences:
    """What a test found; `check` runs one case."""

    def __init__(self, statistics):
        self.statistics = statistics
        self.found = []
        self.count = 0

    def note(self, text, args, what):
        self.count += 1
        if len(self.found) < SHOWN:
            given = ", ".join(f"{name}={show(value)}" for name, value in args.items())
            self.found.append(f"{text!r} with {given}\n      {what}")

    def check(self, kernel, text, args, *, ulp=0, zero_signs=True, strict=True, **options):
        """Runs `text` both ways. `strict`: an error must be of NumPy's kind."""
        self.statistics["cases"] += 1
        want = error = None
        meant = {key: value for key, value in options.items() if key != "order"}
        if isinstance(meant.get("out"), np.ndarray):
            meant["out"] = {"result": meant["out"]}
        try:
            want = oracle.run(text, args, **meant)
        except KINDS as raised:
            self.statistics[f"cases that raise {kind_of(raised).__name__}"] += 1
            error = raised
        call, args = args, {name: np.copy(v) if isinstance(v, np.ndarray) else v for name, v in args.items()}
        try:
            got = (kernel or nf.compile(text, args=list(call)))(*call.values(), **options)
        except KINDS as raised:
            if error is None:
                self.note(text, args, f"raised {type(raised).__name__}: {raised}")
            elif strict and kind_of(raised) is not kind_of(error):
                what = f"raised {type(raised).__name__}: {raised}\n      NumPy {type(error).__name__}: {error}"
                self.note(text, args, what)
            return
        except Exception as raised:
            self.note(text, args, f"raised {type(raised).__name__}: {raised}")
            return
        if isinstance(error, oracle.WeakOverflow) and not (args and strict):
            # Of literals more is known than their type: they may be as great as Python's.
            self.statistics["cases of great literals"] += 1
            return
        if isinstance(error, oracle.WeakComplex) and not args:
            self.statistics["cases of complex literals"] += 1
            if abs(got - eval(text)) > 1e-14 * abs(got):
                self.note(text, args, f"gave {show(got)}, Python {eval(text)}")
            return
        if error is not None:
            what = f"gave {show(got)}, NumPy raised {type(error).__name__}: {error}"
            self.note(text, args, what)
            return
        results = list(got) if isinstance(got, tuple) else [got]
        if len(results) != len(want):
            self.note(text, args, f"gave {len(results)} outputs, not {list(want)}")
            return
        for result, (name, value) in zip(results, want.items(), strict=True):
            self.compare(text, args, name, result, value, ulp, zero_signs)
            if isinstance(call.get(name), np.ndarray) and f"{name} = " not in text:
                if result is not call[name]:
                    self.note(text, args, f"{name} is not the caller's own array")

    def compare(self, text, args, name, got, want, ulp, zero_signs):
        if not isinstance(got, np.ndarray | np.generic):
            self.note(text, args, f"{name} is a {type(got).__name__}")
            return
        wrong = oracle.differs(got, want, ulp, zero_signs)
        if wrong is None:
            return
        if isinstance(wrong, np.ndarray):
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            inputs = {}
            for argument, value in args.items():
                if isinstance(value, np.ndarray):
                    try:
                        inputs[argument] = np.broadcast_to(value, wrong.shape)[place]
                    except ValueError:
                        inputs[argument] = value
            element, right = np.asarray(got)[place], np.asarray(want)[place]
            wrong = (
                f"{name}[{place}]: got {element!r}, want {right!r}; {int(wrong.sum())} of "
                f"{wrong.size} elements differ; inputs there {inputs}"
            )
        self.note(text, args, f"{name}: {wrong}")

    def done(self):
        self.statistics["cases"] += 0
        if self.count:
            lines = "\n  ".join(self.found)
            pytest.fail(f"{self.count} differences from NumPy; the first:\n  {lines}", pytrace=False)
