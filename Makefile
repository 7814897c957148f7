# Everything is done from here: `make help` lists the targets.
# Needs Python 3.11, Node 20 and git; uv comes from the Python package index into .venv-tools.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
PYTHON ?= $(shell command -v python3.11 || command -v python3)
DATA ?= data
ARGS ?=
JOBS ?= 2
EXAMPLES ?= 1500
SEED ?= $(shell date +%Y%m%d)

# A uv that is already there will do if it is new enough, else we keep our own.
UV := $(shell uv --version 2>/dev/null | awk '{ split($$2, v, "."); if (v[1] > 0 || v[2] >= 9) print "uv" }')
ifeq ($(UV),)
UV := .venv-tools/bin/uv
UV_FILE := $(UV)
endif
export UV_PYTHON_DOWNLOADS ?= never
# Compiled once here, not by every process that starts: some machines let Python write nothing beside its sources.
export UV_COMPILE_BYTECODE ?= 1
RUN := $(UV) run --frozen --no-sync

PAGE_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
C_SOURCES := $(shell find src/antiphon -name '*.[ch]')
STAMPS := .venv/.stamps
CHECKS := check-format check-lint check-types check-layers check-migrations check-docs check-page

.PHONY: help setup run demo test property check $(CHECKS) format bench e2e faults docs client migration servers clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/python ## make the environment and build the page (quick when nothing changed)

run: setup ## serve on http://127.0.0.1:8000 from the folder ./data (ARGS="--port 9000", DATA=/elsewhere)
	@exec .venv/bin/antiphon serve --data $(DATA) $(ARGS)

demo: setup ## start the example API and its simulated customers against a running server
	@exec .venv/bin/antiphon demo $(ARGS)

test: setup servers $(STAMPS)/spark $(STAMPS)/ui ## run every test: page, Python, PostgreSQL, contract, faults, browser
	@if [ -f ui/package.json ]; then npm --prefix ui test; fi
	@$(RUN) pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

property: setup servers $(STAMPS)/spark ## try the rules' properties on 10,500 random worlds and more (hours; EXAMPLES for each, SEED to repeat)
	@ANTIPHON_EXAMPLES=$(EXAMPLES) $(RUN) pytest tests/property tests/contract/test_history_engines.py -q -n 0 --timeout=0 --hypothesis-seed=$(SEED) $(ARGS)

check: $(CHECKS) ## formatting, lint, types, layers, generated files (what CI and pre-commit run)

check-format: setup
	$(RUN) ruff format --check .

check-lint: setup
	$(RUN) ruff check .

check-types: setup
	$(RUN) pyright

check-layers: setup
	@echo "import-linter"; $(RUN) lint-imports > .venv/layers.log || { cat .venv/layers.log; exit 1; }

check-migrations: setup
	$(RUN) python tools/new_migration.py --check

check-docs: setup
	$(RUN) python tools/reference_docs.py --check
	@if [ -f tools/openapi.py ]; then $(RUN) python tools/openapi.py --check; fi

check-page: $(STAMPS)/ui
	@if [ -f ui/package.json ]; then npm --prefix ui run check; fi

format: setup ## format the Python and repair what the linter can
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: setup ## run the benchmarks (ARGS=bench/commit.py runs one)
	@tools/install_test_servers.sh peers
	@for file in $(or $(ARGS),$(filter-out bench/_%,$(wildcard bench/*.py))); do echo "== $$file"; $(RUN) python $$file; done

e2e: setup servers $(STAMPS)/ui ## drive the real page in Chromium (ANTIPHON_SHOTS=tmp/shots keeps pictures)
	@$(RUN) pytest tests/e2e $(ARGS)

faults: setup servers ## kill every process 50 times under load, then at each crash point (ARGS="--kills 10 --seed 7")
	@$(RUN) python tests/faults/run.py $(ARGS)

docs: setup ## write docs/reference from the code
	$(RUN) python tools/reference_docs.py

client: setup $(STAMPS)/ui ## write the API's OpenAPI document and the page's client from the handlers
	$(RUN) python tools/openapi.py
	npm --prefix ui run generate

migration: setup ## write the next migration from the tables (ARGS="what changes")
	$(RUN) python tools/new_migration.py "$(ARGS)"

servers: ## install the servers that tests talk to, when they are missing (Debian packages)
	@tools/install_test_servers.sh

clean: ## remove what was made (never the data folder)
	rm -rf .venv .venv-tools ui/node_modules ui/dist src/antiphon/web/static
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# -- files --------------------------------------------------------------------------------------------------------

.venv-tools/bin/uv:
	@tools/bootstrap_uv.sh $(PYTHON) $(UV_VERSION)

$(STAMPS)/python: $(UV_FILE) uv.lock pyproject.toml sdk/python/pyproject.toml $(wildcard hatch_build.py) $(C_SOURCES) $(PAGE_SOURCES)
	@$(UV) sync --frozen --quiet --python $(PYTHON) --reinstall-package antiphon
	@.venv/bin/python -m compileall -q src/antiphon
	@mkdir -p $(@D) && touch $@

# a group of its own, since it is large: only the tests need it, and serving does not install it
$(STAMPS)/spark: $(STAMPS)/python
	@$(UV) sync --frozen --quiet --python $(PYTHON) --group spark
	@mkdir -p $(@D) && touch $@

$(STAMPS)/ui: $(STAMPS)/python $(wildcard ui/package-lock.json)
	@if [ -f ui/package-lock.json ] && { [ ! -x ui/node_modules/.bin/vitest ] || [ ! ui/node_modules -nt ui/package-lock.json ]; }; then npm --prefix ui ci --no-audit --no-fund && touch ui/node_modules; fi
	@mkdir -p $(@D) && touch $@
