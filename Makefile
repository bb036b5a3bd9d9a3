# Everything a fresh machine needs is Python ≥ 3.11 with venv, and make.
UV_VERSION := 0.13.9
PYTHON ?= python3
TOOLS := .tools
VENV := .venv
BIN := $(VENV)/bin
UV := $(TOOLS)/bin/uv
# What uv would otherwise fetch by itself: this Python is the one to use.
export UV_PYTHON_DOWNLOADS := never
PROTOS := $(shell find protos -name '*.proto')
BENCHES := $(patsubst tests/bench/bench_%.py,bench-%,$(wildcard tests/bench/bench_*.py))

.PHONY: help run test test-compose attack check protos format lint types layers contracts env-example bench $(BENCHES) clean

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for bench in $(BENCHES); do echo "  $$bench"; done

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "multiflux needs Python 3.11 or newer, and $(PYTHON) is not here: install it, or name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "multiflux needs Python 3.11 or newer, and $(PYTHON) is older: name another with PYTHON=..." >&2; exit 1; }
	@echo "preparing $(TOOLS) ..." >&2
	@$(PYTHON) -m venv $(TOOLS) >$(TOOLS).log 2>&1 && $(TOOLS)/bin/python -m pip --version >>$(TOOLS).log 2>&1 \
		|| { rm -rf $(TOOLS); cat $(TOOLS).log >&2; rm -f $(TOOLS).log; echo "Python's venv module is missing or incomplete: on Debian and Ubuntu, install python3-venv; then run make again." >&2; exit 1; }
	@rm -f $(TOOLS).log
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# What running needs.
$(VENV)/installed: $(UV) pyproject.toml uv.lock
	@echo "installing into $(VENV) ..." >&2
	@$(UV) sync --quiet --frozen --no-dev --group generate --inexact
	@touch $@

# What running, testing and checking need.
$(VENV)/synced: $(UV) pyproject.toml uv.lock
	@echo "installing what tests and checks need into $(VENV) ..." >&2
	@$(UV) sync --quiet --frozen --all-extras
	@touch $@ $(VENV)/installed

# Generated beside and then put in place, so that nobody meets half of it.
services/multiflux/generated: $(VENV)/installed $(PROTOS)
	@rm -rf services/.generating && mkdir services/.generating
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I protos --python_out=services/.generating --grpc_python_out=services/.generating \
		--mypy_out=quiet:services/.generating --mypy_grpc_out=quiet:services/.generating $(PROTOS)
	@touch services/.generating/multiflux/generated
	@rm -rf services/multiflux && mv services/.generating/multiflux services/multiflux && rmdir services/.generating

protos: services/multiflux/generated ## Generate Python from protos/.

run: services/multiflux/generated ## Start every service with the simulated town; Ctrl-C stops them.
	@exec $(BIN)/multiflux up --town

test: $(VENV)/synced services/multiflux/generated ## Run every test; ARGS="-k name" chooses, ARGS="-n 0" runs one after the other.
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-compose: $(VENV)/synced services/multiflux/generated ## Build and run the containers of compose.yaml, and strike them; needs Docker.
	@$(BIN)/pytest tests/compose $(ARGS)

check: lint types layers contracts ## Check style, types, layers and contracts.

attack: $(VENV)/synced services/multiflux/generated ## Run what attackers would try; each attack succeeds where its defence is gone.
	@MULTIFLUX_ATTACK_TIMING=1 $(BIN)/pytest -s tests/attack $(ARGS)

lint: $(VENV)/synced
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(VENV)/synced services/multiflux/generated
	@$(BIN)/pyright

layers: $(VENV)/synced services/multiflux/generated
	@$(BIN)/lint-imports --no-logo

contracts: $(VENV)/synced
	@$(BIN)/buf lint
	@BUF=$(BIN)/buf .ci/breaking

format: $(VENV)/synced ## Put the code in its form.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

env-example: $(VENV)/installed services/multiflux/generated ## Write deploy/env.example from the settings.
	@$(BIN)/python deploy/env_example.py deploy/env.example

bench: $(BENCHES) ## Run every benchmark, one after the other.

# What benchmarks compare with.
$(VENV)/peers: $(VENV)/synced
	@$(UV) sync --quiet --frozen --all-extras --group bench
	@touch $@

$(BENCHES): bench-%: $(VENV)/synced services/multiflux/generated
	@PYTHONPATH=services:tests $(BIN)/python tests/bench/bench_$*.py $(ARGS)

bench-forecast: $(VENV)/peers
# One thread each, ours and the peers'.
bench-forecast: export OPENBLAS_NUM_THREADS = 1
bench-forecast: export OMP_NUM_THREADS = 1

clean: ## Remove what was made, but not var/.
	@rm -rf services/multiflux services/.generating $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	@find services tests deploy -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -L $(TOOLS) ]; then rm $(TOOLS); else rm -rf $(TOOLS); fi
