# make serve · make test · make lint · make train · make bench: each from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: serve test lint format train bench lock clean

serve: $(VENV)/.service
	$(BIN)/ganymede serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(VENV)/.dev
	$(BIN)/ganymede train --preset dcgan --data fashion-mnist

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" ./requirements/lock

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	  "Ganymede needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d: make PYTHON=python3.11 …" % v)'
	$(PYTHON) -m venv $(VENV)

# The service's packages alone: no TensorFlow.
$(VENV)/.service: $(BIN)/python requirements/service.txt pyproject.toml
	@echo "Installing the service's packages…"
	$(PIP_INSTALL) -r requirements/service.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Everything: service, training, tests.
$(VENV)/.dev: $(BIN)/python requirements/dev.txt pyproject.toml
	@echo "Installing the packages of service, training and tests (about 2 GB)…"
	$(PIP_INSTALL) -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.service
