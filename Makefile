PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check bench clean

# The environment is built when it is missing or when pyproject.toml has changed.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python -m grainline.bench.demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n 2

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -q -m slow

check: $(VENV)/.ready
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .grainline .mypy_cache .ruff_cache .pytest_cache
