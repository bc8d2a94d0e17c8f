# The same targets for people and for CI. `make` alone lists them.
# PYTHON=/path/to/python3 chooses the interpreter; see scripts/find_pythons.sh for the default.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALL_NEEDS := pyproject.toml scripts/find_pythons.sh scripts/make_venv.sh

.PHONY: help demo test bench soak clean
.PHONY: components toxiproxy-server prometheus grafana-check container-server machine-tools
.PHONY: check check-format check-lint check-types check-imports check-docs

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 24

demo: $(VENV)/.installed ## break a real database for 20 s and see what it cost (needs Python >= 3.11 only)
	$(BIN)/slochaos run experiments/db_outage.json

test: ## all tests on the first Python found, the fast ones on the oldest and newest of the others
	@$(MAKE) --no-print-directory -j4 components $(VENV)/.installed-dev
	@scripts/test_all.sh $(BIN)/python

# The real things that tests run against, in the user's cache folder: minutes the first time, then nothing. -j4 helps.
components: toxiproxy-server prometheus grafana-check container-server machine-tools

toxiproxy-server: # the real one; without Go the tests use the embedded server only, and say so
	@if command -v go >/dev/null; then scripts/build_toxiproxy.sh; else echo "No Go here: no real toxiproxy-server to test against."; fi

prometheus: | machine-tools # both may refresh apt's lists, which only one at a time can
prometheus: # the real one and its relatives, unpacked into the user's cache folder; see the script
	@scripts/get_prometheus.sh || echo "The tests that need a real Prometheus are skipped here, and fail in CI."

grafana-check: # the reader of dashboards of Grafana's own SDK, built into the user's cache folder
	@scripts/build_grafana_check.sh || echo "The exported dashboard is not checked here, which fails in CI."

container-server: # what answers inside the tests' containers
	@scripts/build_container_server.sh || echo "The tests with Docker containers are skipped here, and fail in CI."

machine-tools: # a Docker engine, tc, nft, stress-ng, another kernel, unpacked into the user's cache folder
	@scripts/get_machine_tools.sh || echo "The tests of machine faults are skipped here, and fail in CI."

check: check-format check-lint check-types check-imports check-docs ## format, lint, types, import rules, docs

check-format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

check-lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

check-types: $(VENV)/.installed-dev
	$(BIN)/mypy

check-imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

check-docs: $(VENV)/.installed-dev
	$(BIN)/python scripts/check_docs.py

bench: $(VENV)/.installed-dev ## the benchmarks, as a table of ratios
	$(BIN)/python -m benchmarks

soak: $(VENV)/.installed-dev ## the long randomized campaigns
	$(BIN)/python -m pytest -m soak

clean: ## remove what these targets made (not .slochaos/, the record of your runs)
	rm -rf $(VENV) .venv-3.* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.installed: $(INSTALL_NEEDS)
	@scripts/find_pythons.sh | { read -r _ python && scripts/make_venv.sh $(VENV) "$$python" user; }
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@scripts/find_pythons.sh | { read -r _ python && scripts/make_venv.sh $(VENV) "$$python" dev; }
	@touch $@
