# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
EXTRAS ?= dev
VENV := .venv
BIN := $(VENV)/bin
# A file's tests share what they compile: they stay on one worker.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
APT := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static clang bubblewrap gdb-multiarch ed

.PHONY: demo test types pytest test-all lint bench docs tools clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	touch $@

# Debian's cross compiler and emulator are the references; without apt their tests skip.
tools:
	@sh tools/install-references.sh $(APT)

demo: $(VENV)/.installed
	$(BIN)/ncpu demo

# The type checker runs beside the tests: it has one thread, and they say nothing at first.
test: $(VENV)/.installed tools
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(MAKE) --no-print-directory -j2 types pytest

types: $(VENV)/.installed
	$(BIN)/pyright

pytest: $(VENV)/.installed
	$(PYTEST) -m 'not slow'

test-all: $(VENV)/.installed tools
	$(PYTEST)

lint: $(VENV)/.installed
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/pyright

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/machine.py
	$(BIN)/python benchmarks/neural_alu.py
	$(BIN)/python benchmarks/npcot.py
	$(BIN)/python benchmarks/synth.py suite u95

# docs/isa.md is generated from the instruction table; mkdocs then shows docs/.
docs: $(VENV)/.installed
	$(BIN)/ncpu isa --markdown > docs/isa.md

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
