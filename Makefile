# make demo   set-up in .venv, then the main job: train on digits, save, reload, draw the graph
# make test   set-up in .venv, then the tests
# make slow   the tests that take long
# make lint   ruff and mypy
# make reference  writes the type stubs and docs/reference.md anew
# make bench  timings, beside PyTorch where it is installed

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=...` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PYTEST := $(BIN)/python -m pytest -n 2

.PHONY: demo test slow lint format reference bench clean

demo: $(VENV)/core
	$(BIN)/python examples/digits.py $(ARGS)

test: $(VENV)/test
	$(PYTEST) -m "not slow" $(ARGS)

slow: $(VENV)/test
	$(PYTEST) -m slow $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: $(VENV)/test
	$(BIN)/python docs/make_reference.py

bench: $(VENV)/test
	$(BIN)/python benchmarks/step.py

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 was found; install one, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# Each file marks a finished set-up, made again when pyproject.toml has changed.
$(VENV)/core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@ $(VENV)/core

$(VENV)/dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,dev]"
	@touch $@ $(VENV)/core $(VENV)/test

clean:
	rm -rf $(VENV) out build dist *.egg-info
