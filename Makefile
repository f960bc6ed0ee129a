# `make serve` and `make test` are all that a newcomer needs; both work with Python 3.11, pip, venv and make alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# Where programs of third parties live in the tests: apart from everything of ours.
CLIENT := examples/python/.venv

.DEFAULT_GOAL := help
.PHONY: help serve journey test test-full check bench migrate reset lock format schema clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.installed  ## Start the portal on 127.0.0.1:8000, with a demo district on an empty database
	@exec $(BIN)/portal serve

journey: $(VENV)/.installed  ## Walk the guardian's way against the running portal, or one started for it
	@$(BIN)/portal journey

test: $(VENV)/.installed-dev $(CLIENT)/.installed  ## All tests, the slow ones in their bounded form
	$(BIN)/python -m pytest -n 2 -m "not full"

test-full: $(VENV)/.installed-dev $(CLIENT)/.installed  ## All tests, the slow ones in full
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.installed-dev  ## Lint, types, import contracts, schema snapshot
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schema.snapshot --check

bench: $(VENV)/.installed-dev  ## What it costs, as ratios measured side by side
	$(BIN)/python -m bench

migrate: $(VENV)/.installed  ## Bring the database up to date
	$(BIN)/portal migrate

reset: $(VENV)/.installed  ## Throw the development database and the demo district away
	$(BIN)/portal reset

format: $(VENV)/.installed-dev  ## Put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/.installed-dev  ## Write schema/schema.graphql anew
	$(BIN)/python -m schema.snapshot

lock: $(VENV)/.installed-dev  ## Resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --group build --generate-hashes --no-header --no-annotate --universal -o requirements.lock
	uv pip compile pyproject.toml --group build --group dev --generate-hashes --no-header --no-annotate --universal -o requirements-dev.lock
	uv pip compile examples/python/requirements.in --generate-hashes --no-header --no-annotate --universal -o examples/python/requirements.lock

clean:  ## Remove the virtual environments and caches
	rm -rf $(VENV) $(CLIENT) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Portal Access needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.11")'
	@echo "Making a virtual environment in $(VENV)."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing the locked requirements."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests need."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(CLIENT)/.installed: examples/python/requirements.lock
	@echo "Installing what the example clients need, in an environment of their own."
	@$(PYTHON) -m venv $(CLIENT)
	@$(CLIENT)/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r examples/python/requirements.lock
	@touch $@
