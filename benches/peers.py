"""How each peer computes a kernel; run as a process that times what it is told to.

A peer's adapter gives the statement that a user would write once everything is compiled, with the
names that it uses: the arrays that a user of the peer holds, and a preallocated, touched output
where the peer's interface has one. The statement's value is the result.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import itertools
import json
import math
import os
import pathlib
import random
import re
import statistics
import sys
import tempfile
import time
import timeit
from dataclasses import dataclass

from kernels import ELEMENTARY, KERNELS, Kernel

HERE = pathlib.Path(__file__).parent
THREADS = int(os.environ.get("COMPARE_THREADS", "1"))
CLOCK = {"wall": time.perf_counter, "cpu": time.process_time}[os.environ.get("COMPARE_CLOCK", "wall")]
BY_NAME = {kernel.name: kernel for kernel in [*KERNELS, *(kernel for kernel, _ in ELEMENTARY)]}


@dataclass(frozen=True)
class Peer:
    name: str
    # Fast peers are compared with numfuse's fastmath=True, the others with its strict mode.
    fast: bool
    # The process that it runs in: "main", or one of its own with its own libraries.
    home: str
    # If it has a form for several threads.
    parallel: bool
    adapter: str

    @property
    def label(self):
        return self.name + (" fast" if self.fast else "")


PEERS = [
    Peer("numfuse", False, "main", True, "numfuse"),
    Peer("numfuse", True, "main", True, "numfuse"),
    Peer("NumPy", False, "main", False, "numpy"),
    Peer("numexpr", False, "main", True, "numexpr"),
    Peer("Numba", False, "main", True, "numba"),
    Peer("Numba", True, "main", True, "numba"),
    Peer("SVML", False, "svml", True, "numba"),
    Peer("SVML", True, "svml", True, "numba"),
    Peer("JAX", False, "jax", True, "jax"),
    Peer("symjit", False, "main", True, "symjit"),
    Peer("symjit", True, "main", True, "symjit"),
    Peer("gcc", False, "main", False, "gcc"),
    Peer("gcc", True, "main", False, "gcc"),
]


class Unable(Exception):
    """The peer has no form of the kernel."""


def statements(text):
    """A text's assignments, as pairs, and its result."""
    *assignments, result = (part.strip() for part in text.split(";"))
    return [tuple(part.split(" = ", 1)) for part in assignments], result


def form(peer, kernel):
    text = kernel.forms.get(peer, kernel.text)
    if text is None:
        raise Unable("cannot express it")
    return text


LITERAL = re.compile(r"(?<![\w.])(0x[0-9a-f]+|\d+(?:\.\d+)?)")


def typed_literals(text, dtype):
    """The text with NumPy scalars for numbers, where plain ones would change the dtype."""
    return text if dtype == "float64" else LITERAL.sub(rf"np.{dtype}(\1)", text)


# The kernel's arrays.


def shape_of(kernel, size):
    if kernel.layout != "outer":
        return (size,)
    rows = 2 ** (size.bit_length() // 2) if size & (size - 1) == 0 else math.isqrt(size)
    return (rows, size // rows)


def arrays_of(kernel, size):
    """The operands by name, the same in every process, and an output whose pages are there."""
    import numpy as np

    rng = np.random.default_rng(size)
    shape = shape_of(kernel, size)
    shapes = itertools.cycle([(shape[0], 1), (1, shape[1])] if kernel.layout == "outer" else [shape])
    step = 2 if kernel.layout == "strided" else 1
    names = {}
    for (name, (low, high)), own in zip(kernel.arrays.items(), shapes, strict=False):
        own = tuple(length * step for length in own)
        if kernel.dtype == "uint64":
            values = rng.integers(low, high, own, dtype="u8", endpoint=True)
        else:
            values = rng.random(own, dtype=kernel.dtype)
            values *= high - low
            values += low
        names[name] = values[::step]
    out = names[kernel.in_place] if kernel.in_place else np.full(shape, 1, kernel.dtype)
    return names, out


# The adapters: (peer, kernel, arrays, out) to (statement, names).


def numpy_form(text):
    """The text as a user of NumPy writes it: the last operation writes to the output."""
    operators = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
    operators |= {ast.BitXor: "bitwise_xor"}
    assignments, result = statements(text)
    tree = ast.parse(result, mode="eval").body
    if isinstance(tree, ast.BinOp):
        call = f"{operators[type(tree.op)]}({ast.unparse(tree.left)}, {ast.unparse(tree.right)}"
    else:
        call = f"{tree.func.id}({', '.join(map(ast.unparse, tree.args))}"
    return "; ".join([f"{name} = {value}" for name, value in assignments] + [f"{call}, out=out)"])


@functools.cache
def numpy_names():
    import numpy as np
    import scipy.special

    return {name: getattr(np, name) for name in np.__all__} | {"erfc": scipy.special.erfc}


def numpy(peer, kernel, names, out):
    return numpy_form(form(peer.name, kernel)), numpy_names() | names | kernel.scalars | {"out": out}


def numfuse(peer, kernel, names, out):
    import numfuse as nf

    nf.set_num_threads(THREADS)
    text = form(peer.name, kernel)
    if not kernel.in_place:
        assignments, result = statements(text)
        text = "; ".join([f"let {name} = {value}" for name, value in assignments] + [result])
    args = [*names, *kernel.scalars]
    compiled = nf.compile(text, args=args, fastmath=peer.fast)
    given = ", ".join(args) + ("" if kernel.in_place else ", out=out")
    return f"kernel({given})", names | kernel.scalars | {"kernel": compiled, "out": out}


def numexpr(peer, kernel, names, out):
    import numexpr as ne
    import numpy as np

    ne.set_num_threads(THREADS)
    # It has no intermediate names, and computes with float64 wherever a number has a fraction.
    assignments, text = statements(form(peer.name, kernel))
    text = text.replace("clip(x, lo, hi)", "minimum(maximum(x, lo), hi)")
    for name, value in reversed(assignments):
        text = re.sub(rf"\b{name}\b", f"({value})", text)
    given = names | kernel.scalars
    if kernel.dtype != "float64":
        constants = {}
        text = LITERAL.sub(lambda found: constants.setdefault(found[1], f"c{len(constants)}"), text)
        given = given | {name: np.dtype(kernel.dtype).type(value) for value, name in constants.items()}
    given = {name: value for name, value in given.items() if re.search(rf"\b{name}\b", text)}
    ne.evaluate(text, local_dict=given, out=out)
    # re_evaluate remembers the output.
    return "re_evaluate(local_dict=given)", {"re_evaluate": ne.re_evaluate, "given": given}


@functools.cache
def numba_function(peer, name):
    import numba as nb
    import numpy as np

    kernel = BY_NAME[name]
    text = typed_literals(form(peer.name, kernel), kernel.dtype)
    assignments, result = statements(text)
    lines = [f"{name} = {value}" for name, value in assignments]
    target = kernel.in_place or "out"
    args = [*([] if kernel.in_place else ["out"]), *kernel.arrays, *kernel.scalars]
    sweep = "prange" if THREADS > 1 else "range"
    if kernel.layout == "outer":
        loops = [f"for i in {sweep}(out.shape[0]):", "    for j in range(out.shape[1]):"]
        places = dict(zip(kernel.arrays, ("[i, 0]", "[0, j]"), strict=True))
        stored = f"{target}[i, j] = {result}"
    else:
        loops = [f"for i in {sweep}({target}.size):"]
        places = dict.fromkeys(kernel.arrays, "[i]")
        stored = f"{target}[i] = {result}"
    # Inside the loop a name means the array's element.
    body = [
        re.sub(r"\b\w+\b(?!\()", lambda found: found[0] + places.get(found[0], ""), line) for line in lines
    ]
    value = re.sub(r"\b\w+\b(?!\()", lambda found: found[0] + places.get(found[0], ""), result)
    body.append(stored.removesuffix(result) + value)
    depth = "    " * (len(loops) + 1)
    source = "\n".join(
        [f"def function({', '.join(args)}):", *("    " + loop for loop in loops), *(depth + line for line in body)]
    )

    @nb.njit(fastmath=peer.fast)
    def clip(x, lo, hi):
        return lo if x < lo else (hi if x > hi else x)

    known = {name: getattr(math, name) for name in ("sqrt", "exp", "log", "log1p", "sin", "erfc")}
    known |= {"np": np, "prange": nb.prange, "abs": abs, "minimum": min, "maximum": max, "clip": clip}
    exec(source, known)
    options = {"fastmath": peer.fast, "error_model": "numpy", "parallel": THREADS > 1}
    return nb.njit(**options)(known["function"]), args


def numba(peer, kernel, names, out):
    if peer.name == "SVML":
        import numba as nb

        if not nb.config.USING_SVML:
            raise Unable("Numba does not find Intel's library")
    function, args = numba_function(peer, kernel.name)
    return f"function({', '.join(args)})", names | kernel.scalars | {"function": function, "out": out}


def jax(peer, kernel, names, out):
    import jax as module
    import jax.numpy as jnp
    import jax.scipy.special
    import numpy as np

    module.config.update("jax_enable_x64", True)
    # Handing work to a thread costs more than most of these calls.
    module.config.update("jax_cpu_enable_async_dispatch", THREADS > 1)
    assignments, result = statements(typed_literals(form(peer.name, kernel), kernel.dtype))
    lines = [f"    {name} = {value}" for name, value in assignments]
    args = [*names, *kernel.scalars]
    known = {name: getattr(jnp, name) for name in ("sqrt", "exp", "log", "log1p", "clip", "abs", "maximum")}
    known |= {"erfc": jax.scipy.special.erfc, "np": np}
    exec("\n".join([f"def function({', '.join(args)}):", *lines, f"    return {result}"]), known)
    # Its users hold its own arrays. Strided ones do not exist: a slice is a copy, made beforehand.
    held = {name: jnp.asarray(array) for name, array in names.items()}
    held |= kernel.scalars | {"asarray": np.asarray, "function": module.jit(known["function"])}
    return f"asarray(function({', '.join(args)}))", held


@functools.cache
def symjit_function(peer, name):
    import symjit as module
    import sympy

    kernel = BY_NAME[name]
    text = form(peer.name, kernel).replace("clip(x, lo, hi)", "minimum(maximum(x, lo), hi)")
    assignments, result = statements(text)
    known = {name: getattr(sympy, name) for name in ("sqrt", "exp", "log", "erfc")}
    known |= {"log1p": lambda x: sympy.log(1 + x), "abs": sympy.Abs}
    known |= {"minimum": sympy.Min, "maximum": sympy.Max}
    states = [sympy.Symbol(name, real=True) for name in kernel.arrays]
    params = [sympy.Symbol(name, real=True) for name in kernel.scalars]
    known |= {symbol.name: symbol for symbol in (*states, *params)}
    for name, value in assignments:
        known[name] = eval(value, {}, known)
    wide = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
    return module.compile_func(
        states,
        eval(result, {}, known),
        params=params or None,
        fastmath=peer.fast,
        use_threads=THREADS > 1,
        enable_simd512=wide,
    )


def symjit(peer, kernel, names, out):
    function = symjit_function(peer, kernel.name)
    args = ", ".join([*names, *kernel.scalars])
    return f"function({args})", names | kernel.scalars | {"function": function}


C_TYPES = {"float64": "double", "float32": "float", "uint64": "uint64_t"}
C_PRELUDE = """
#include <tgmath.h>
#include <stdint.h>
#define abs(x) fabs(x)
#define minimum(a, b) ((a) < (b) ? (a) : (b))
#define maximum(a, b) ((a) > (b) ? (a) : (b))
#define clip(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))
"""


def c_function(name, kernel):
    """The kernel as a C function: its prototype, and its source."""
    kind = C_TYPES[kernel.dtype]
    text = form("gcc", kernel)
    if kernel.dtype == "float32":
        text = re.sub(r"(?<![\w.])(\d+\.\d+)", r"\1f", text)
    assignments, result = statements(text)
    places = {name: "[i]" for name in kernel.arrays}
    if kernel.layout == "outer":
        places = dict(zip(kernel.arrays, ("[i]", "[j]"), strict=True))
    elif kernel.layout == "strided":
        places = {name: f"[i * {name}_step]" for name in kernel.arrays}

    def element(text):
        return re.sub(r"\b[a-z]\w*\b(?!\()", lambda found: found[0] + places.get(found[0], ""), text)

    arrays = [f"{kind} *restrict {kernel.in_place or 'out'}"]
    arrays += [f"const {kind} *restrict {name}" for name in kernel.arrays if name != kernel.in_place]
    steps = [f"long {name}_step" for name in kernel.arrays if kernel.layout == "strided"]
    scalars = [f"{kind} {name}" for name in kernel.scalars]
    lengths = ["long rows", "long n"] if kernel.layout == "outer" else ["long n"]
    head = f"void {name}({', '.join(arrays + steps + scalars + lengths)})"
    body = " ".join(f"{kind} {name} = {element(value)};" for name, value in assignments)
    if kernel.layout == "outer":
        loop = f"for (long i = 0; i < rows; i++) for (long j = 0; j < n; j++) out[i * n + j] = {element(result)};"
    else:
        loop = f"for (long i = 0; i < n; i++) {{ {body} {kernel.in_place or 'out'}[i] = {element(result)}; }}"
    return head, f"{head} {{ {loop} }}"


def built(name, head, source, flags):
    """A module in CFFI's API mode, by gcc."""
    import cffi

    os.environ["CC"] = "gcc"
    builder = cffi.FFI()
    builder.cdef(head.replace("restrict", ""))
    builder.set_source(name, source, extra_compile_args=["-O3", "-march=native", *flags], libraries=["m"])
    path = builder.compile(tmpdir=tempfile.mkdtemp())
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def gcc_module(fast):
    """All kernels in one module: compiling starts the compiler once."""
    functions = [c_function(c_name(kernel), kernel) for kernel in KERNELS if kernel.forms.get("gcc", "") is not None]
    head = "\n".join(f"{head};" for head, _ in functions)
    source = C_PRELUDE + "\n".join(source for _, source in functions)
    return built(f"compare_{'fast' if fast else 'strict'}", head, source, ["-ffast-math"] if fast else [])


def c_name(kernel):
    return "kernel_" + re.sub(r"\W+", "_", kernel.name)


def gcc(peer, kernel, names, out):
    module = gcc_module(peer.fast)
    # A type that is not parsed from text in every call.
    kind = module.ffi.typeof(f"{C_TYPES[kernel.dtype]}[]")
    inputs = [name for name in names if name != kernel.in_place]
    strided = kernel.layout == "strided"
    args = [f"from_buffer(kind, {name}{'.base' if strided else ''})" for name in inputs]
    args.insert(0, "from_buffer(kind, out)")
    args += [f"{name}.strides[0] // {name}.itemsize" for name in inputs if strided]
    args += kernel.scalars
    args += ["out.shape[0]", "out.shape[1]"] if kernel.layout == "outer" else ["out.size"]
    given = names | kernel.scalars | {"from_buffer": module.ffi.from_buffer, "kind": kind, "out": out}
    return f"function({', '.join(args)})", given | {"function": getattr(module.lib, c_name(kernel))}


ADAPTERS = {
    "numpy": numpy, "numfuse": numfuse, "numexpr": numexpr, "numba": numba,
    "jax": jax, "symjit": symjit, "gcc": gcc,
}  # fmt: skip


# The memory.


@functools.cache
def stream_module():
    head = """
void stream(int64_t *out, const int64_t *a, const int64_t *b, const int64_t *c, const int64_t *d,
            long n, int inputs, int past);
void fill(int64_t *out, const int64_t *row, long rows, long columns, int past);
void gather(int64_t *out, const int64_t *a, const int64_t *b, long n, int past);
"""
    return built("compare_stream", head, (HERE / "stream.c").read_text(), [])


def stream(kernel, names, out, past):
    """The same traffic without the work, with stores past the caches or not."""
    import numpy as np

    module = stream_module()
    if kernel.in_place:
        # Integers are no business of the kernel's own y.
        names = names | {kernel.in_place: np.ones_like(out)}
        out = names[kernel.in_place]
    pointers = [module.ffi.from_buffer("int64_t[]", a.base if a.base is not None else a) for a in names.values()]
    target = module.ffi.from_buffer("int64_t[]", out)
    words = out.nbytes // 8
    if kernel.layout == "outer":
        args = (target, pointers[1], out.shape[0], out.shape[1], past)
        return "fill(*args)", {"fill": module.lib.fill, "args": args}
    if kernel.layout == "strided":
        args = (target, *pointers, words, past)
        return "gather(*args)", {"gather": module.lib.gather, "args": args}
    args = (target, *(pointers + pointers[:1] * 4)[:4], words, len(pointers), past)
    return "stream(*args)", {"stream": module.lib.stream, "args": args, "kept": (out, names)}


def traffic(kernel, names, out):
    """The bytes that have to pass between memory and processor."""
    read = sum((a.base if kernel.layout == "strided" else a).nbytes for a in names.values())
    return read + out.nbytes


# What the process does.


class Cell:
    """A kernel at a size, with the statements of the peers that compute it right."""

    def __init__(self, name, size, seconds):
        self.kernel = BY_NAME[name]
        self.seconds = seconds
        self.names, self.out = arrays_of(self.kernel, size)
        self.before = self.out.copy() if self.kernel.in_place else None
        statement, given = numpy(PEERS[2], self.kernel, self.names, self.out)
        exec(statement, dict(given))
        self.want = self.out.copy()
        self.timers = {}

    def prepare(self, label):
        """Compiles the peer's form, compares its result with NumPy's and measures a run roughly."""
        import numpy as np

        if label.startswith("stream"):
            statement, given = stream(self.kernel, self.names, self.out, label.endswith("past"))
        else:
            peer = next(peer for peer in PEERS if peer.label == label)
            if self.before is not None:
                self.out[...] = self.before
            else:
                self.out[...] = 1
            statement, given = ADAPTERS[peer.adapter](peer, self.kernel, self.names, self.out)
            if self.before is not None:
                # What a peer computed while it was prepared is not what is compared.
                self.out[...] = self.before
            *first, last = statement.split("; ")
            scope = dict(given)
            exec("; ".join([*first, f"value = {last}"]), scope)
            self.verify(self.out if scope["value"] is None else np.asarray(scope["value"]))
        timer = timeit.Timer(statement, timer=CLOCK, globals=dict(given))
        once = timer.timeit(1)
        if once < 0.1:
            once = timer.timeit(1)
        if once < 1e-3:
            # A single run is too short to be measured.
            count = max(1, int(2e-4 / max(once, 1e-7)))
            once = timer.timeit(count) / count
        self.timers[label] = timer, max(1, int(self.seconds / once))
        return once

    def verify(self, got):
        import numpy as np

        if got.dtype != self.want.dtype or got.shape != self.want.shape:
            raise AssertionError(f"gives {got.dtype}{got.shape}, NumPy {self.want.dtype}{self.want.shape}")
        if self.kernel.tolerance == 0:
            wrong = int((got != self.want).sum())
            if wrong:
                raise AssertionError(f"{wrong} elements differ from NumPy's")
            return
        scale = float(np.abs(self.want).max())
        error = np.abs(got - self.want) / (np.abs(self.want) + scale)
        worst = float(error.max())
        # Not a number compares as false.
        if not worst <= self.kernel.tolerance:
            raise AssertionError(f"differs from NumPy by {worst:.1e}")

    def run(self, label):
        timer, count = self.timers[label]
        if count > 1:
            # What the others left in the caches is theirs.
            timer.timeit(1)
        return timer.timeit(count) / count


# Texts whose structure is new: the operands of commutative operators change places.

SEEDS = [
    "y + 0.5*x1 + 0.25*x2 + 0.125*x3",
    "exp(-x1*x1/2)*x2 + x3*0.5 + y*x1",
    "log(1 + exp(x1))*x2 + sqrt(x3)*y + 0.5",
    "-0.5*((x1 - x2)/x3)*((x1 - x2)/x3) - log(x3) - 0.9189*y*x1*x2",
    # Black-Scholes with the logistic function for the normal distribution, which numexpr lacks.
    "x1/(1 + exp(-1.702*D)) - x2*exp(-0.03*x3)/(1 + exp(-1.702*(D - 0.3*sqrt(x3))))"
    .replace("D", "((log(x1/x2) + (0.03 + 0.045)*x3)/(0.3*sqrt(x3)))"),
]  # fmt: skip


class Shuffle(ast.NodeTransformer):
    def __init__(self, rng):
        self.rng = rng

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult) and self.rng.random() < 0.5:
            node.left, node.right = node.right, node.left
        return node

    def visit_Constant(self, node):
        if isinstance(node.value, float):
            return ast.Constant(round(node.value * self.rng.uniform(0.9, 1.1), 6))
        return node


def first_results(count=60):
    """For each seed: medians of text to first result, numfuse's and numexpr's, in seconds."""
    import numexpr as ne
    import numfuse as nf
    import numpy as np

    nf.set_num_threads(1)
    ne.set_num_threads(1)
    rng = random.Random(11)
    names = dict(zip(("y", "x1", "x2", "x3"), np.random.default_rng(3).uniform(1, 2, (4, 16)).copy(), strict=True))
    known = numpy_names() | names
    found = []
    for seed in SEEDS:
        times, seen = {"ours": [], "theirs": []}, set()
        while len(times["ours"]) < count + 5:
            text = ast.unparse(Shuffle(rng).visit(ast.parse(seed, mode="eval")))
            structure = re.sub(r"\d+\.\d+", "c", text)
            if structure in seen:
                # The seed's structures are used up: another term makes new ones.
                seed += f" + {rng.choice(['y', 'x1', 'x2', 'x3'])}"
                continue
            seen.add(structure)
            results = {}
            for who in rng.sample(["ours", "theirs"], 2):
                start = CLOCK()
                if who == "ours":
                    results[who] = nf.evaluate(text, names)
                else:
                    results[who] = ne.evaluate(text, local_dict=names)
                times[who].append(CLOCK() - start)
            want = eval(text, dict(known))
            for result in results.values():
                np.testing.assert_allclose(result, want, rtol=1e-11, err_msg=text)
        found.append([statistics.median(times[who][5:]) for who in ("ours", "theirs")])
    return found


def versions(home):
    import importlib.metadata

    wanted = {
        "main": ["numfuse", "numpy", "numexpr", "numba", "symjit", "scipy"],
        "svml": ["numba", "llvmlite", "intel-cmplr-lib-rt"],
        "jax": ["jax"],
    }[home]
    found = []
    for name in wanted:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(name)
    return ", ".join(found)


def serve():
    """Answers commands, a line of JSON each; what libraries print goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    cell = None
    for line in sys.stdin:
        command, *args = json.loads(line)
        try:
            if command == "cell":
                cell = None
                cell = Cell(*args)
                answer = {"bytes": traffic(cell.kernel, cell.names, cell.out)}
            elif command == "drop":
                cell = None
                answer = {}
            elif command == "prepare":
                answer = {"seconds": cell.prepare(*args)}
            elif command == "run":
                answer = {"seconds": cell.run(*args)}
            elif command == "first":
                answer = {"times": first_results(*args)}
            else:
                answer = {"versions": versions(*args)}
        except Unable as unable:
            answer = {"unable": str(unable)}
        except Exception as error:
            words = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {words[0][:160]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
