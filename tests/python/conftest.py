"""What the tests of the package share: the seed, the slow tests, and statistics at the end."""

import collections
import os
import sys
import warnings

import numpy as np
import pytest
from differences import Differences

_statistics = {}
_seed = None


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run what takes minutes or gigabytes too")
    parser.addoption("--seed", default=None, help="the seed of random tests: a number, or `new` for a fresh one")
    parser.addoption("--cases", type=int, default=None, help="how many random programs to run")


def pytest_configure(config):
    global _seed
    config.addinivalue_line("markers", "slow: takes minutes or gigabytes (run with --slow)")
    # The same seed by default, so that a change is judged by itself; `make test-all` takes a new one.
    text = config.getoption("--seed") or os.environ.get("NUMFUSE_SEED") or "2086047327"
    _seed = int.from_bytes(os.urandom(4), sys.byteorder) if text == "new" else int(text)


def pytest_report_header(config):
    return f"numfuse: seed {_seed} (repeat with --seed {_seed}), NumPy {np.__version__}"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def seed():
    return _seed


@pytest.fixture
def rng():
    return np.random.default_rng(_seed)


@pytest.fixture
def differences(statistics):
    """Gathers what differs from NumPy; the test fails when it is over."""
    found = Differences(statistics)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield found
    found.done()


@pytest.fixture
def statistics(request):
    """A counter of what a test's generator made, printed when all is done."""
    return _statistics.setdefault(request.node.name.split("[")[0], collections.Counter())


def pytest_terminal_summary(terminalreporter):
    for name, counter in _statistics.items():
        terminalreporter.section(f"{name}: what was generated (seed {_seed})", sep="-")
        line = ""
        for what, count in sorted(counter.items()):
            word = f"{what}: {count}"
            if len(line) + len(word) > 96:
                terminalreporter.write_line(line)
                line = ""
            line += word if not line else f", {word}"
        terminalreporter.write_line(line)
