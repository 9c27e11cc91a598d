# `make` alone lists what there is.
.DEFAULT_GOAL := help
MEMBERS := $(wildcard libs/* services/*)
UV := $(shell command -v uv 2>/dev/null || echo python3 -m uv)

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

install: ## Make .venv exactly as locked
	@command -v uv >/dev/null 2>&1 || python3 -m uv --version >/dev/null 2>&1 || python3 -m pip install -q uv
	$(UV) venv --allow-existing -q
	$(UV) pip sync -q --require-hashes requirements.lock
	$(UV) pip install -q --no-deps $(foreach m,$(MEMBERS),-e ./$(m))

lock: ## Resolve anew; keeps pins that still fit (add UPGRADE=--upgrade to move them)
	$(UV) pip compile -q --universal --generate-hashes $(UPGRADE) $(foreach m,$(MEMBERS),$(m)/pyproject.toml) \
	  --group pyproject.toml:dev --group pyproject.toml:local \
	  $(foreach m,$(notdir $(MEMBERS)),--no-emit-package $(m)) -o requirements.lock

.PHONY: help install lock
