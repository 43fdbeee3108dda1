# Everything runs in .venv of this checkout; a stamp file per lock says what is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -P
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup setup-dev demo serve test test-unit test-kill test-memory lint types arrows bench lock docs-api clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.server  ## install what serving needs
setup-dev: $(VENV)/.dev  ## install what testing needs as well

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.server: requirements/server.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements/server.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.server
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

lock: setup-dev  ## lock the dependencies anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --extra server --group build -o requirements/server.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --extra server --group build --group dev -c requirements/server.txt -o requirements/dev.txt
