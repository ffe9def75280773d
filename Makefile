# What a developer runs is what CI runs: .ci/run is `make test`.
#
#   make demo         sets everything up and runs the main job on real data
#   make test         everything that must pass before a change lands
#   make test-all     the same and what takes longer
#   make test-avx512  the compiler's tests on an emulated machine with AVX-512 (Debian, many minutes)
#   make bench        the table of speeds, with the bound for each
#   make compare      the ratios to the best of several peers, kernel by kernel and size by size

.DEFAULT_GOAL := help
.PHONY: help wheel demo lint test-rust test-python test test-slow test-all test-avx512 bench compare clean

help:
	@sed -n 's/^#   //p' Makefile

# One wheel serves the demo, the tests and the benchmarks; cargo knows if it is up to date.
WHEELS := target/wheels

.venv-build: .ci/requirements.txt
	.ci/venv $@ .ci/requirements.txt
	@touch $@

wheel: .venv-build
	@rm -rf $(WHEELS)
	.venv-build/bin/maturin build --release --locked --out $(WHEELS) --interpreter .venv-build/bin/python

# pip takes a wheel of an unchanged version for installed, hence --force-reinstall.
install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(WHEELS)/*.whl

.venv: benches/requirements.txt
	.ci/venv $@ benches/requirements.txt
	@touch $@

demo: .venv wheel
	@$(call install,.venv)
	.venv/bin/python python/examples/demo.py

bench: .venv wheel
	@$(call install,.venv)
	.venv/bin/python benches/overhead.py
	.venv/bin/python benches/natives.py
	.venv/bin/python benches/distributions.py
	.venv/bin/python benches/reductions.py

.venv-compare: benches/compare.txt
	.ci/venv $@ benches/compare.txt
	@touch $@

.venv-svml: benches/svml.txt
	.ci/venv $@ benches/svml.txt
	@touch $@

# One thread, then the peers' parallel forms.
compare: .venv-compare .venv-svml wheel
	@$(call install,.venv-compare)
	.venv-compare/bin/python benches/compare.py $(COMPARE)
	.venv-compare/bin/python benches/compare.py --threads 2 $(COMPARE)

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets --all-features -- -D warnings

test-rust:
	cargo test --locked

# The package is tested as its users get it: installed in an environment of its own.
test-python: wheel
	.ci/venv .venv-test tests/requirements.txt
	.ci/r-mathlib
	@$(call install,.venv-test)
	.venv-test/bin/python -m mypy.stubtest numfuse --ignore-disjoint-bases
	.venv-test/bin/python -m pytest tests/python

test: lint test-rust test-python

test-slow: test-python
	NUMFUSE_SEED=new cargo test --locked --tests -- --ignored
	.venv-test/bin/python -m pytest tests/python --slow -m slow --seed new

test-all: test test-slow

# What generated code and kernels do at the widest level, wherever it is developed. The tests are
# the usual binaries, optimised, since the emulator runs some thirty million instructions a second;
# those that do not exist in this tree are left out. TESTS="--skip NAME" and the like go to them.
EMULATED := $(basename $(notdir $(wildcard $(addprefix tests/,wide.rs accuracy.rs corpus.rs codegen.rs))))

test-avx512:
	EMULATE_WITH=$(CURDIR)/tests CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$(CURDIR)/tests/emulate/run \
	cargo test --release --locked $(addprefix --test ,$(EMULATED)) -- $(TESTS)

clean:
	rm -rf .venv .venv-test .venv-build .venv-compare .venv-svml target
