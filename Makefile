# make help lists what there is.
PYTHON ?= python3
PORT ?= 8501
HOST ?= 127.0.0.1
# Two for each of two cores: many tests wait for a browser, a server or a process for a good part of
# their time.
JOBS ?= 4
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The checkout with its command, for the scripts that Streamlit looks for beside installed packages.
INSTALL_CHECKOUT := $(INSTALL) --no-deps --no-build-isolation --editable .
TESTS := -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder
# Without what needs a browser, other programs or long, and the contract on the embedded engine only.
UNCOVERED := browser contract docs pages serving soak
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header
.DEFAULT_GOAL := help

.PHONY: help run test coverage soak check bench lock clean

help:
	@echo "make run       the app at http://localhost:$(PORT), with a demo where there is no log yet"
	@echo "make test      lint, types and all tests, laws with a share of their examples (JOBS=1: in one process)"
	@echo "make coverage  how much of audit_core the tests run, at least fail_under of pyproject.toml"
	@echo "make check     lint, format and types only"
	@echo "make soak      attacks, faults and all laws at full length (ATTACKS='name laws': some of them)"
	@echo "make bench     every statement beside hand-written SQL (ROWS=, PARTS=, ENGINES=)"
	@echo "make lock      requirements*.lock anew, after a change of requirements*.txt"
	@echo "make clean     remove the virtual environment"

run: .venv/run.stamp
	@$(BIN)/python -m audit_core prepare
	@echo "Sandtrail is at http://localhost:$(PORT) (stop it with Ctrl-C)"
	@exec $(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(HOST)

# Hundreds of processes are started: where the environment forbids bytecode to be kept, each would
# compile the product anew, half a second of its time.
test coverage soak: export PYTHONDONTWRITEBYTECODE :=

test: .venv/test.stamp check
	@$(BIN)/python $(TESTS)

coverage: .venv/test.stamp
	@$(BIN)/coverage erase
	@$(BIN)/coverage run $(TESTS) $(UNCOVERED:%=--ignore=tests/%)
	@$(BIN)/coverage run $(TESTS) tests/contract -k "not postgresql and not clickhouse"
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: .venv/test.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

soak: .venv/test.stamp
	@$(BIN)/python -m tests.soak

bench: .venv/test.stamp
	@$(BIN)/python -m benchmarks

lock: .venv/test.stamp
	@$(LOCK) requirements.txt --output-file requirements.lock
	@$(LOCK) requirements-dev.txt --output-file requirements-dev.lock

clean:
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sandtrail needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Set PYTHON= to a newer one.")'
	@$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL_CHECKOUT)
	@touch $@

.venv/test.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(INSTALL_CHECKOUT)
	@touch $@ .venv/run.stamp
