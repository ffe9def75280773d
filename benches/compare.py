"""How fast numfuse is beside the best of its peers, kernel by kernel and size by size.

All peers run in turns, each verified against NumPy first. A round takes one sample of every peer, the
mean of a few milliseconds' runs; a peer's time is the median of its samples, and a cell's ratio is
numfuse's time by that of the quickest peer. (With large arrays a peer that takes four times the
quickest's time is measured once, to save time.) The table goes to the standard output and, with the times
of all peers, to target/compare.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import json
import math
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import time
import tomllib

from kernels import ELEMENTARY, KERNELS
from peers import HERE, PEERS

ROOT = HERE.parent
SIZES = [16, 128, 1024, 4096, 65_536, 1_000_000, 16_000_000]
QUICK = [16, 4096, 65_536, 1_000_000]
# The classes of sizes, with the greatest geometric mean of the ratios.
CLASSES = [((16, 128), 0.6), ((1024, 4096, 65_536), 0.9), ((1_000_000, 16_000_000), 1.0)]
CELL = 1.25
BANDWIDTH = 0.9
FIRST_RESULT = 1.5
# How many times the quickest's time a peer may take to be measured again with large arrays.
FAR = 4
STREAMS = ["stream", "stream past"]
LARGE = 1_000_000
MODES = {False: "strict", True: "fast"}


class Home:
    """A process in which peers run, with a virtual environment and libraries of its own."""

    def __init__(self, name, threads, cpus, clock):
        environment = os.environ | {
            "COMPARE_THREADS": str(threads),
            "COMPARE_CLOCK": clock,
            "NUMFUSE_NUM_THREADS": str(threads),
            "NUMEXPR_MAX_THREADS": str(threads),
            "NUMBA_NUM_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": "1",
            "JAX_PLATFORMS": "cpu",
        }
        python = sys.executable
        if name == "svml":
            directory = ROOT / ".venv-svml"
            python = str(directory / "bin" / "python")
            # The wheel puts Intel's library where the loader does not look.
            environment["LD_LIBRARY_PATH"] = str(directory / "lib")
        if name == "jax" and threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self.process = subprocess.Popen(
            [python, str(HERE / "peers.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )

    def ask(self, *command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the process of {self.process.args} ended at {command}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Comparison:
    """The measured times: by kernel, size and the peer's label, in seconds."""

    def __init__(self, peers, homes, rounds, seconds, pause):
        self.peers, self.homes = peers, homes
        self.rounds, self.seconds, self.pause = rounds, seconds, pause
        self.times = {}
        self.traffic = {}
        self.absent = {}

    def measure(self, kernel, size, peers, streams=()):
        places = {peer.label: self.homes[peer.home] for peer in peers}
        places |= dict.fromkeys(streams, self.homes["main"])
        ready = {}
        for home in dict.fromkeys(places.values()):
            answer = home.ask("cell", kernel.name, size, self.seconds)
            if "error" in answer:
                raise SystemExit(f"{kernel.name}: {answer['error']}")
            self.traffic[kernel.name, size] = answer["bytes"]
        for label, home in places.items():
            answer = home.ask("prepare", label)
            if "seconds" in answer:
                ready[label] = answer["seconds"]
            else:
                reason = answer.get("unable") or answer["error"]
                self.absent.setdefault((kernel.name, label, reason), []).append(size)
        samples = {label: [] for label in ready}
        # Long samples vary less, and who is far behind is not the best.
        rounds = self.rounds if size < LARGE else min(self.rounds, 5)
        for turn in range(rounds):
            if turn == 1 and size >= LARGE:
                for label in self.far_behind(peers, ready):
                    del ready[label]
            for label in random.sample(list(ready), len(ready)):
                time.sleep(self.pause)
                samples[label].append(places[label].ask("run", label)["seconds"])
        for home in dict.fromkeys(places.values()):
            home.ask("drop")
        for label, values in samples.items():
            self.times[kernel.name, size, label] = statistics.median(values)

    @staticmethod
    def far_behind(peers, rough):
        """The labels of those that cannot be the best of their mode, by a rough measurement."""
        for fast in MODES:
            labels = [p.label for p in peers if p.fast == fast and p.name != "numfuse" and p.label in rough]
            quickest = min((rough[label] for label in labels), default=0)
            yield from [label for label in labels if rough[label] > FAR * quickest]

    def time(self, kernel, size, label):
        return self.times.get((kernel.name, size, label))

    def ratio(self, kernel, size, fast):
        """Our time by that of the best peer, and its name; None where one is missing."""
        ours = self.time(kernel, size, "numfuse fast" if fast else "numfuse")
        theirs = [
            (self.time(kernel, size, peer.label), peer.name)
            for peer in self.peers
            if peer.fast == fast and peer.name != "numfuse" and self.time(kernel, size, peer.label)
        ]
        if ours is None or not theirs:
            return None
        best, name = min(theirs)
        return ours / best, name

    def bandwidth(self, kernel, size, fast):
        """The share of the memory's bandwidth that we use, where it is the memory that binds.

        That is so where the same traffic without the work takes longer, for each element, than the
        work takes on the quickest of all over 4096 elements, which are in the first caches.
        """
        streams = [self.time(kernel, size, stream) for stream in STREAMS]
        streams = [seconds for seconds in streams if seconds]
        work = [seconds for (name, n, _), seconds in self.times.items() if (name, n) == (kernel.name, 4096)]
        ours = self.time(kernel, size, "numfuse fast" if fast else "numfuse")
        if size < LARGE or not (streams and work and ours) or min(work) / 4096 > min(streams) / size:
            return None
        return min(streams) / ours


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def table(rows):
    """A Markdown table, whose columns are also straight as text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append("| " + " | ".join(cells) + " |")
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def size_name(size):
    return f"{size // 1_000_000}M" if size >= 1_000_000 else str(size)


class Report:
    """The table's parts, and the misses found while they are made."""

    def __init__(self, comparison, kernels, sizes):
        self.comparison, self.kernels, self.sizes = comparison, kernels, sizes
        self.parts = []
        self.misses = []
        self.reasons = tomllib.loads((HERE / "misses.toml").read_text()).get("miss", [])

    def miss(self, measure, value, limit, **place):
        """Remembers a miss, with the reason that misses.toml gives for it."""
        place = place or {"measure": measure}
        for entry in self.reasons:
            fits = all(
                place.get("size") in entry[key] if key == "sizes" else place.get(key) == entry[key]
                for key in entry
                if key != "reason"
            )
            if fits:
                self.misses.append([measure, value, limit, entry["reason"]])
                return
        self.misses.append([measure, value, limit, "-"])

    def add(self, title, *paragraphs):
        self.parts += [f"## {title}", *paragraphs]

    def mark(self, ratio, limit, measure, **place):
        if ratio <= limit:
            return f"{ratio:.2f}"
        self.miss(measure, f"{ratio:.2f}", f"{limit:g}", **place)
        return f"**{ratio:.2f}**"

    def ratios(self, fast):
        mode = MODES[fast]
        names = [p.name for p in self.comparison.peers if p.fast == fast and p.name != "numfuse"]
        rows = [[f"{mode}, time / best peer's", *map(size_name, self.sizes)]]
        for kernel in self.kernels:
            row = [kernel.name]
            for size in self.sizes:
                found = self.comparison.ratio(kernel, size, fast)
                if found is None:
                    row.append("-")
                    continue
                measure = f"{kernel.name}, {size_name(size)}, {mode}, by {found[1]}"
                place = {"mode": mode, "kernel": kernel.name, "size": size}
                row.append(f"{self.mark(found[0], CELL, measure, **place)} {found[1]}")
            rows.append(row)
        ours = "numfuse with fastmath=True" if fast else "numfuse's strict mode"
        self.add(f"{ours} against {', '.join(names)}", table(rows))

    def means(self):
        rows = [["geometric mean", "strict", "fast", "both", "at most"]]
        for sizes, limit in CLASSES:
            sizes = [size for size in sizes if size in self.sizes]
            if not sizes:
                continue
            label = f"sizes {', '.join(map(size_name, sizes))}"
            row = [label]
            per_mode = {
                mode: [
                    found[0]
                    for kernel in self.kernels
                    for size in sizes
                    if (found := self.comparison.ratio(kernel, size, fast))
                ]
                for fast, mode in MODES.items()
            }
            for mode, values in [*per_mode.items(), ("both", sum(per_mode.values(), []))]:
                mean = geometric_mean(values)
                row.append("-" if mean is None else self.mark(mean, limit, f"{label}, {mode}"))
            rows.append([*row, f"{limit:g}"])
        self.add("Geometric means by class of sizes", table(rows))

    def memory(self):
        rows = [["GB/s", "size", "mode", "numfuse", "memory", "share", "at least"]]
        for kernel, size, (fast, mode) in itertools.product(self.kernels, self.sizes, MODES.items()):
            share = self.comparison.bandwidth(kernel, size, fast)
            if share is None:
                continue
            ours = self.comparison.time(kernel, size, "numfuse fast" if fast else "numfuse")
            speed = self.comparison.traffic[kernel.name, size] / ours / 1e9
            marked = f"{share:.2f}"
            if share < BANDWIDTH:
                measure = f"{kernel.name}, {size_name(size)}, {mode}, share of the bandwidth"
                place = {"mode": "memory", "kernel": kernel.name, "size": size}
                self.miss(measure, marked, f">= {BANDWIDTH:g}", **place)
                marked = f"**{marked}**"
            row = [f"{speed:.1f}", f"{speed / share:.1f}", marked, f"{BANDWIDTH:g}"]
            rows.append([kernel.name, size_name(size), mode, *row])
        if len(rows) > 1:
            words = (
                "Memory binds where the same traffic without the work takes longer, for each element, than"
                " the work takes in the first caches."
            )
            self.add("Cells bound by memory", words, table(rows))

    def measures(self, first):
        rows = [["measure", "numfuse", "other", "ratio", "at most"]]
        for kernel, limit in ELEMENTARY:
            ours, theirs = (self.comparison.time(kernel, 4096, who) for who in ("numfuse", "NumPy"))
            if ours and theirs:
                measure = f"{kernel.name}, 4096 float64, by NumPy"
                ratio = self.mark(ours / theirs, limit, measure)
                rows.append([measure, f"{ours * 1e6:.2f} us", f"{theirs * 1e6:.2f} us", ratio, f"{limit:g}"])
        for name, (ours, theirs) in first:
            measure = f"new text to first result, {name}, by numexpr"
            ratio = self.mark(ours / theirs, FIRST_RESULT, measure)
            rows.append([measure, f"{ours * 1e6:.0f} us", f"{theirs * 1e6:.0f} us", ratio, f"{FIRST_RESULT:g}"])
        if len(rows) > 1:
            self.add("Other measures", table(rows))

    def list_misses(self):
        if not self.misses:
            self.add("Misses", "None.")
            return
        self.add(f"Misses: {len(self.misses)}", table([["measure", "is", "bound", "reason"], *self.misses]))

    def list_times(self):
        labels = [peer.label for peer in self.comparison.peers] + STREAMS
        rows = [["ns an element", "size", *labels]]
        for kernel in self.kernels:
            for size in self.sizes:
                times = [self.comparison.time(kernel, size, label) for label in labels]
                cells = ["-" if seconds is None else f"{seconds / size * 1e9:.3g}" for seconds in times]
                rows.append([kernel.name, size_name(size), *cells])
        words = "`stream` is the kernel's traffic alone, `stream past` with stores past the caches."
        self.add("All times", words, table(rows))

    def list_absent(self):
        rows = [["kernel", "peer", "sizes", "why"]]
        for (kernel, label, reason), sizes in self.comparison.absent.items():
            rows.append([kernel, label, ", ".join(map(size_name, sizes)), reason.replace("|", "\\|")])
        if len(rows) > 1:
            self.add("Not compared", table(rows))


def processor():
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", help="names, separated by commas; a name's beginning is enough")
    parser.add_argument("--sizes", help="numbers of elements, separated by commas")
    parser.add_argument("--peers", help="names such as numexpr,Numba,gcc; numfuse takes part anyway")
    parser.add_argument("--rounds", type=int, default=9, help="for large sizes at most 5 of them")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    parser.add_argument("--threads", type=int, default=1, help="more than 1: the peers' parallel forms, large sizes")
    parser.add_argument("--seconds", type=float, default=0.004, help="how long a sample takes at least")
    parser.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu: the processor's time, for one thread on a machine that has other work to do",
    )
    parser.add_argument("--output", type=pathlib.Path)
    return parser.parse_args()


def chosen(given, all_of, name):
    """The rows that an option names, by their beginnings."""
    if not given:
        return list(all_of)
    starts = [start.strip().lower() for start in given.split(",")]
    return [row for row in all_of if any(name(row).lower().startswith(start) for start in starts)]


def main():
    options = arguments()
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 5), 0.002
    sizes = QUICK if options.quick else SIZES
    if options.threads > 1:
        sizes = [size for size in sizes if size >= LARGE]
    if options.sizes:
        sizes = [int(size) for size in options.sizes.split(",")]
    kernels = chosen(options.kernels, KERNELS, lambda kernel: kernel.name)
    peers = chosen(options.peers, PEERS, lambda peer: peer.name)
    peers += [peer for peer in PEERS if peer.name == "numfuse" and peer not in peers]
    if options.threads > 1:
        peers = [peer for peer in peers if peer.parallel]

    if options.clock == "cpu" and options.threads > 1:
        raise SystemExit("the processor's time says nothing of threads")
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < options.threads:
        raise SystemExit(f"{options.threads} threads need as many processors; there are {len(cpus)}")
    names = ["main", *dict.fromkeys(peer.home for peer in peers if peer.home != "main")]
    homes = {name: Home(name, options.threads, set(cpus[-options.threads :]), options.clock) for name in names}
    versions = "; ".join(home.ask("versions", name)["versions"] for name, home in homes.items())
    # Idle threads of some peers keep spinning for a while.
    pause = 0.02 if options.threads > 1 else 0
    comparison = Comparison(peers, homes, options.rounds, options.seconds, pause)
    start = time.monotonic()
    for kernel in kernels:
        for size in sizes:
            streams = STREAMS if size >= LARGE and options.threads == 1 else ()
            comparison.measure(kernel, size, peers, streams)
        print(f"{time.monotonic() - start:5.0f} s  {kernel.name}", file=sys.stderr)
    first = []
    if options.threads == 1 and not options.kernels:
        alone = [peer for peer in PEERS if peer.label in ("numfuse", "NumPy")]
        for kernel, _ in ELEMENTARY:
            comparison.measure(kernel, 4096, alone)
        answer = homes["main"].ask("first")
        if "error" in answer:
            print(f"text to first result: {answer['error']}", file=sys.stderr)
        else:
            names = ["axpy", "gauss", "softplus", "log-density", "Black-Scholes"]
            first = list(zip(names, answer["times"], strict=True))
    for home in homes.values():
        home.close()

    report = Report(comparison, kernels, sizes)
    for fast in MODES:
        report.ratios(fast)
    report.means()
    report.memory()
    report.measures(first)
    report.list_misses()
    count = f"{options.threads} thread{'s' if options.threads > 1 else ''}"
    clock = ", processor's time" if options.clock == "cpu" else ""
    heading = [
        f"# numfuse and its peers, {count}",
        f"{processor()}, {datetime.date.today()}, {options.rounds} rounds{clock}. {versions}.",
        "A ratio is numfuse's time by that of the best peer, which is named; a bold one misses its bound.",
    ]
    summary = "\n\n".join([*heading, *report.parts]) + "\n"
    print(summary)
    report.list_absent()
    report.list_times()
    suffix = f"-{options.threads}" if options.threads > 1 else ""
    output = options.output or ROOT / "target" / f"compare{suffix}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n\n".join([*heading, *report.parts]) + "\n")
    print(f"All of it is in {output}.")


if __name__ == "__main__":
    main()
