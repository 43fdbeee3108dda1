# Everything runs in .venv of this checkout; a stamp file per lock says what is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -P
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup setup-dev page demo serve test test-unit test-debian13 test-replica test-kill test-memory chaos chaos-short webhooks hostile lint types arrows services services-stop ui ui-dev test-ui screenshots readme-picture bench-page k8s-check k8s-build compose-up compose-dev compose-down bench bench-detector bench-bus bench-consensus bench-pipelines bench-distributed broker-away trace schemathesis loadtest soak experiment-pyramid experiment-pods experiment-loss experiment-scale lock docs-api docs-access audit-dependencies scan-secrets clean

help:  ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.server  ## install what serving needs
setup-dev: $(VENV)/.dev  ## install what testing needs as well

# Debian and Ubuntu keep a part of venv in a package of its own; without it venv would leave half a .venv behind.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import importlib.util as have; have.find_spec("ensurepip") or exit("$(PYTHON) lacks venv: apt install python3-venv (for a Python beside the default one: python3.x-venv)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.server: requirements/server.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements/server.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.server
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

HAS_NODE := node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' 2>/dev/null

# What serves goes on without the web page where it cannot be built.
page:
	@if [ ! -f ui/package-lock.json ]; then true; \
	elif ! $(HAS_NODE); then echo 'Node 20.19 or newer is not here: serving the API without the web page'; \
	else $(MAKE) --no-print-directory ui || echo 'The web page could not be built, see above: serving without it, or as it was built before' >&2; fi

# What is set on make's command line (IMAGES, LABELS, MODEL, OPEN, PROFILE) reaches the demonstration through the environment.
demo: setup page $(if $(filter distributed,$(PROFILE)),services)  ## label sample pictures end to end, or IMAGES=dir LABELS=a,b,c MODEL=path.cfg; OPEN=1 PROFILE=distributed
	@$(BIN)/python -m loadtest.demo

# Not from the environment: HOST and PORT mean other things there.
serve: HOST = 127.0.0.1
serve: PORT = 8080
serve: DATA_DIR = quorate-data
serve: MODEL =
serve: setup page  ## keep the platform running: HOST, PORT, DATA_DIR, MODEL=path.cfg
	@$(if $(MODEL),QUORATE_MODEL='$(MODEL)') exec $(BIN)/quorate serve --host '$(HOST)' --port '$(PORT)' --data-dir '$(DATA_DIR)'

# Four at a time on two cores: tests wait a lot. Those that kill processes and watch the time follow each other (tests/conftest.py).
test: setup-dev page lint types arrows  ## everything that must hold, the web page in Chromium too, in one summary; QUORATE_LONG=1: what takes long, too
	@$(BIN)/python -m pytest --numprocesses 4 --no-loadscope-reorder

test-unit: setup-dev  ## the rules alone, in seconds
	@$(BIN)/python -m pytest tests/unit tests/contract

# Some of it is part of `make test`: tests/replica, and the suites that tests/contract/conftest.py names.
test-replica: setup-dev  ## the stores' suites on a replica set whose majority lags, whose primary fails: tests/replica
	@QUORATE_REPLICA_SET=1 $(BIN)/python -m pytest tests/replica tests/contract -k replica_set

test-debian13:  ## `make test` in a fresh Debian 13, on its Python 3.13; takes root and debootstrap
	@tests/debian13.sh

schemathesis: SECONDS = 300
schemathesis: SEED = 14
schemathesis: setup-dev  ## five minutes of generated requests to all operations: SECONDS=300 SEED=number
	@QUORATE_LONG=1 QUORATE_SCHEMATHESIS_S='$(SECONDS)' QUORATE_SCHEMATHESIS_SEED='$(SEED)' $(BIN)/python -m pytest tests/service/test_schemathesis.py --timeout 600

test-kill: setup-dev  ## kill the process 50 times while people work
	@QUORATE_KILLS=50 $(BIN)/python -m pytest tests/e2e/test_kill.py --timeout 1800

test-memory: setup-dev  ## memory while a 1.9 GB zip goes in and 1,000,000 results come out
	@QUORATE_LONG=1 QUORATE_MEMORY_FULL=1 $(BIN)/python -m pytest tests/e2e/test_memory.py --timeout 7200

chaos: PROFILE = embedded
chaos: SECONDS = 3600
chaos: SEED =
chaos: setup-dev  ## faults while people work, and a report: PROFILE=embedded|distributed|replica SECONDS=3600 SEED=number
	@$(RUN) -m tests.chaos --profile '$(PROFILE)' --seconds '$(SECONDS)' $(if $(SEED),--seed '$(SEED)')

chaos-short: setup-dev  ## a minute of them on both profiles, as in CI
	@QUORATE_LONG=1 $(BIN)/python -m pytest tests/chaos/test_chaos.py -s

webhooks: DELIVERIES = 10000
webhooks: KILLS = 10
webhooks: SEED =
webhooks: setup-dev  ## webhooks while the platform is killed, none lost, each signed: DELIVERIES=10000 KILLS=10 SEED=number
	@$(RUN) -m tests.webhooks --deliveries '$(DELIVERIES)' --kills '$(KILLS)' $(if $(SEED),--seed '$(SEED)')

hostile: SECONDS = 180
hostile: SEED =
hostile: setup-dev  ## hostile inputs while 32 people work, under a pod's limits, and a report: SECONDS=180 SEED=number
	@$(RUN) -m tests.hostile --seconds '$(SECONDS)' $(if $(SEED),--seed '$(SEED)')

UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -type f -print)

ui: shared/page/dist/.stamp  ## build the web application into shared/page/dist; takes Node 20.19 or newer

shared/page/dist/.stamp: ui/node_modules/.stamp $(UI_SOURCES)
	@cd ui && npm run --silent build
	@touch $@

ui/node_modules/.stamp: ui/package-lock.json ui/.npmrc
	@cd ui && npm ci --ignore-scripts --silent
	@touch $@

ui-dev: ui/node_modules/.stamp  ## serve the web application's sources on port 5173, beside `make serve`
	@cd ui && npm run --silent dev

test-ui: setup-dev  ## the web application alone: lint, types, unit tests, and browser tests where Chromium is
	@QUORATE_LONG=1 QUORATE_AXE=all $(BIN)/python -m pytest tests/page

screenshots: setup-dev shared/page/dist/.stamp  ## pictures of every page, state and theme for people to look at, in build/ui
	@cd ui && npm run --silent screenshots

readme-picture: setup-dev shared/page/dist/.stamp  ## the pictures of README and docs/page.md, of the sample pictures, in docs/images
	@cd ui && npm run --silent docs

bench-page: setup-dev shared/page/dist/.stamp  ## key to paint, first load and a large upload in Chromium, in build/bench-page.json
	@cd ui && npm run --silent bench

services: setup-dev  ## start RabbitMQ, an S3 server and a MongoDB server for the tests, in build/services
	@$(RUN) -m deploy.local start

services-stop: setup-dev  ## stop them; their data stays
	@$(RUN) -m deploy.local stop

OVERLAY = minikube

k8s-check: setup-dev  ## build, validate and judge the Kubernetes manifests, offline
	@$(BIN)/python -m pytest tests/unit/test_kubernetes_*.py

k8s-build:  ## print an overlay's manifests: OVERLAY=minikube|production|detector-only
	@kubectl kustomize deploy/k8s/overlays/$(OVERLAY)

COMPOSE := cd deploy/compose && docker compose
DEVELOPMENT := $(COMPOSE) -f compose.yaml -f compose.dev.yaml

deploy/compose/.env:
	cd deploy/compose && ./secrets.sh

compose-up: deploy/compose/.env  ## build the images and run the platform with its servers on this host, by Docker Compose
	$(DEVELOPMENT) build
	$(COMPOSE) up --detach --wait

compose-dev: deploy/compose/.env  ## the same with every server published on loopback, and all logs
	$(DEVELOPMENT) up --build --detach --wait

compose-down:  ## stop them; their data stays
	$(DEVELOPMENT) down

lint: setup-dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: setup-dev
	@$(BIN)/basedpyright

arrows: setup-dev
	@$(BIN)/lint-imports --no-logo --no-timings 2>/dev/null || $(BIN)/lint-imports

bench: setup-dev  ## measure; prints a table and writes build/bench.json
	@$(BIN)/python -m loadtest.bench

# MODEL and PICTURES on make's command line reach it through the environment.
bench-detector: setup-dev  ## the detector beside its raw engine, here and in a small pod: MODEL=name or path, PICTURES=dir
	@$(BIN)/python -P -m loadtest.bench_detector

bench-bus: setup-dev  ## the bus beside plain aio-pika, on the broker that `make services` started
	@$(RUN) -m loadtest.bench_bus

bench-consensus: setup-dev  ## estimates of true labels on 1,000,000 votes, in build/bench-consensus.json
	@$(RUN) -m loadtest.bench_consensus

bench-pipelines: setup-dev  ## pipelines beside plain OpenCV, and two workers beside one, in build/bench-pipelines.json
	@$(RUN) -m loadtest.bench_pipelines

bench-distributed: SECONDS = 6
bench-distributed: setup-dev  ## what a label cycle costs distributed, one replica each, in build/bench-distributed.json: SECONDS=6
	@$(RUN) -m loadtest.bench_distributed --seconds '$(SECONDS)'

broker-away: services  ## how often 12 processes publish what waited while the broker was away
	@$(RUN) -m tests.broker_away

trace: services  ## one image from upload to result, as a trace across all services
	@$(RUN) -m loadtest.trace

loadtest: URL = http://127.0.0.1:8080
loadtest: SHAPE = pyramid
loadtest: setup-dev  ## people and clients by Locust against a running platform: URL=http://... SHAPE=pyramid|steps|spike|soak
	@$(RUN) -m loadtest.people --url '$(URL)' --shape '$(SHAPE)' $(OPTIONS)

soak: PROFILE = embedded
soak: SECONDS = 1800
soak: setup-dev  ## a steady pace, and what grows meanwhile, in build/soak: PROFILE=embedded|distributed SECONDS=1800
	@$(RUN) -m loadtest.soak --profile '$(PROFILE)' --seconds '$(SECONDS)' $(OPTIONS)

# OPTIONS on make's command line are passed on; `OPTIONS=--help` shows them.
experiment-pyramid: setup-dev  ## replicas, CPU and response times over the pyramid of load, with the real HPA manifests
	@$(RUN) -m loadtest.experiments.pyramid --cpu 0.1 --least 1 $(OPTIONS)

experiment-pods: setup-dev  ## how many users 1, 2, 4, 8 small detector pods carry
	@$(RUN) -m loadtest.experiments.pods $(OPTIONS)

experiment-loss: setup-dev  ## goodput and accuracy while the client's link loses packets
	@$(RUN) -m loadtest.experiments.loss $(OPTIONS)

experiment-scale: setup-dev  ## cost per operation from a thousand to millions of subtasks, and with ever more operators
	@$(RUN) -m loadtest.experiments.scale $(OPTIONS)

docs-api: setup-dev  ## write docs/api/openapi.json anew
	@$(RUN) -m embedded.openapi > docs/api/openapi.json

docs-access: setup-dev  ## write docs/access.md anew: who may do what, found out by asking
	@$(RUN) -m tests.service.access_table

# Both ask services on the internet: the advisories of PyPI, and those of the npm registry that is set up here. What has
# no answer counts as a failure; so this is not part of CI, where neither may be reached.
audit-dependencies: setup-dev  ## look for known holes in what the lock files name, Python and npm
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/server.txt
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/dev.txt
	@cd ui && npm audit --audit-level=low

scan-secrets: setup-dev  ## look for secrets in every file that git has, ours by their form
	@$(BIN)/python -m pytest tests/unit/test_no_secrets.py

clean:  ## remove what was built, but not the data of `make serve`
	@[ ! -d build/services ] || [ ! -d $(VENV) ] || $(RUN) -m deploy.local stop
	rm -rf build $(VENV) shared/page/dist

lock: setup-dev  ## lock the dependencies anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --extra server --group build -o requirements/server.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --extra server --extra convert --extra parquet --group build --group dev -c requirements/server.txt -o requirements/dev.txt
