# Everything a person does with this checkout. `make` prints this list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
LEDGER ?= ledger-data
ORIGIN ?= localhost/cadastre
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test demo check bench docs conformance load clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

install: .venv/.installed ## make .venv with the pinned dependencies and the cadastre command

# The stamp is written last, so that an interrupted installation starts again.
.venv/.installed: requirements.lock pyproject.toml
	@echo "installing into .venv: a minute or two, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: install ## serve a ledger at http://127.0.0.1:8000, in ./ledger-data (made at the first run)
	@test -e $(LEDGER)/ledger.db -o -e $(LEDGER)/keys -o -e $(LEDGER)/heads || $(BIN)/cadastre init $(LEDGER) --origin $(ORIGIN)
	@exec $(BIN)/cadastre serve $(LEDGER) --port $(PORT)

test: install ## run all tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

demo: install ## play the life of a data set and audit it; DATA=path plays it with your file
	$(BIN)/cadastre demo $(if $(DATA),"$(DATA)")

check: install ## lint, types, import arrows, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.docs --check

bench: install ## measure this machine: rates and their ratios to bare signature verification
	$(BIN)/cadastre bench

load: install ## three kinds of users against a running ledger (make run), for one minute
	$(BIN)/locust -f load/locustfile.py --headless --users 30 --spawn-rate 10 --run-time 1m --host http://127.0.0.1:8000

docs: install ## write docs/kinds.md and docs/refusals.md from the registry
	$(BIN)/python -m scripts.docs

conformance: install ## suites of others against our credentials; needs node and npm; SUITES=DIR adds those of the W3C
	$(BIN)/python -m tests.conformance.run $(if $(SUITES),--suites "$(SUITES)")

clean: ## remove the virtual environment and caches; never a ledger
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .conformance *.egg-info build
