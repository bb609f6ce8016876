# Needs make, a shell and Python 3.11 to 3.13. Everything is installed into .venv; data is kept in .local.

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# The first that runs and fits: a name on the path may be an empty shim.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do "$$name" -c '$(FITS)' 2>/dev/null && command -v "$$name" && break; done)
# On a machine with an NVIDIA GPU: make install REQUIREMENTS=requirements-gpu.txt
REQUIREMENTS ?= requirements.txt
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo up test lint format clean

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done
	@printf '\n  PORT=8000 and RECSITE_DATA_DIR=.local say where demo and up listen and keep their data.\n'

install: $(INSTALLED) ## Make .venv and install what the shop needs

demo: $(INSTALLED) ## Run a demo shop on a year of a real grocer's data
	@exec $(BIN)/python manage.py demo

up: $(INSTALLED) ## Run your own shop
	@exec $(BIN)/python manage.py up

test: $(INSTALLED_DEV) ## Run the tests, e.g. make test ARGS=tests.platform
	$(BIN)/python manage.py test $(ARGS)

lint: $(INSTALLED_DEV) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## Rewrite the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv and caches; the data in .local stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.13 is needed, and none is on the path. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c '$(FITS)' || { echo "Python 3.11 to 3.13 is needed; $(PYTHON) is another."; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "Python's module venv is missing (on Debian: apt-get install python3-venv)."; exit 1; }

$(INSTALLED): $(wildcard requirements*.txt) | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r $(REQUIREMENTS)
	@touch $@

$(INSTALLED_DEV): $(wildcard requirements*.txt) | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@touch $(INSTALLED) $@
