# `make` installs into .venv; `make help` lists the rest. PYTHON=python3.12 chooses the interpreter.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := setup
.PHONY: setup dev demo run test soak calibrate model check lock clean help FORCE

PIP := .venv/bin/python -m pip install -q --disable-pip-version-check --no-input
# Everything comes as a wheel whose hash is locked; langdetect exists as source only and is built
# by what requirements/build.txt brings. That holds pip too: older ones warn at every second line.
LOCKED := --require-hashes --only-binary :all:
SOURCE := --no-binary langdetect --no-build-isolation
FAILED = { echo "setup: pip could not install from $(1), its reason stands above; if it is the network, run make again" >&2; exit 1; }
VERSION := import sys; print(*sys.version_info[:3], sep=".")

# A stamp's name holds what it was made from, so a checkout, a new lock or a moved folder is noticed.
sum = $(shell { pwd -P; cat $(1) 2>/dev/null; } | cksum | cut -d' ' -f1)
SETUP := .venv/.setup-$(call sum,pyproject.toml requirements/build.txt requirements/run.txt)
DEV := .venv/.dev-$(call sum,requirements/dev.txt)
# Made anew as well when its interpreter is gone, or is not the one asked for.
STALE := $(shell .venv/bin/python -c '' 2>/dev/null || echo FORCE)
ifneq ($(PYTHON),)
STALE += $(shell [ "$$($(PYTHON) -c '$(VERSION)' 2>&1)" = "$$(.venv/bin/python -c '$(VERSION)' 2>&1)" ] || echo FORCE)
endif

FOREIGN := $(if $(wildcard ../shared/recordings),$(CURDIR)/../shared/recordings)

setup: $(SETUP) ## install monitor at .venv/bin/monitor

$(SETUP): $(STALE)
	@python=; for name in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	[ -n "$$python" ] || { echo "setup: no Python 3.11 or newer as $(or $(PYTHON),python3); install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }; \
	$$python -c 'import ensurepip, venv' 2>/dev/null || { echo "setup: $$python lacks venv; run: sudo apt-get install python3-venv" >&2; exit 1; }; \
	echo "setup: installing into .venv with Python $$($$python -c '$(VERSION)')"; \
	$$python -m venv --clear .venv
	@$(PIP) $(LOCKED) -r requirements/build.txt || $(call FAILED,requirements/build.txt)
	@$(PIP) $(LOCKED) $(SOURCE) -r requirements/run.txt || $(call FAILED,requirements/run.txt)
	@$(PIP) --no-deps --no-build-isolation -e . || $(call FAILED,pyproject.toml)
	@touch $@
	@echo "setup: done; .venv/bin/monitor --help"

dev: $(DEV)

$(DEV): $(SETUP)
	@$(PIP) $(LOCKED) -r requirements/dev.txt || $(call FAILED,requirements/dev.txt)
	@rm -f .venv/.dev-* && touch $@

demo: $(SETUP) ## show the whole thing, offline
	@.venv/bin/monitor demo

run: $(SETUP) ## run the daemon with config/monitor.toml
	@exec .venv/bin/monitor --config config/monitor.toml run

test: $(DEV) ## run the tests; the last line counts passed, failed and skipped
	@MONITOR_RECORDINGS="$(or $(MONITOR_RECORDINGS),$(FOREIGN))" .venv/bin/python -m pytest -rs -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(DEV) ## a thousand sources on virtual time, then a hundred kills; about an hour
	@.venv/bin/python benchmarks/soak.py
	@SOAK_KILLS=100 .venv/bin/python -m pytest tests/serve/test_daemon.py -k killed_at_any_moment

calibrate: $(DEV) ## count how often intervals hold what they promise; about ten minutes
	@.venv/bin/python benchmarks/calibrate.py && .venv/bin/python benchmarks/increments.py

model: $(DEV) ## train the model of mood: TEXTS="a.csv b.csv" EXTRA=c.csv; about six minutes
	@test -n "$(TEXTS)" || { echo 'model: name the texts: make model TEXTS="train.csv validation.csv" EXTRA=more.csv' >&2; exit 2; }
	@.venv/bin/python benchmarks/mood_model.py $(TEXTS) --extra $(EXTRA)

check: $(DEV) ## lint, formatting, types
	@status=0; \
	.venv/bin/ruff check -q --output-format concise . || status=1; \
	.venv/bin/ruff format -q --check --output-format concise . || { echo "check: to format, run: .venv/bin/ruff format" >&2; status=1; }; \
	.venv/bin/mypy --strict --no-error-summary || status=1; \
	[ $$status = 0 ] && echo "check: ok"; exit $$status

# UV names the resolver (users have none: the locks are committed). ARGS=--upgrade takes newer versions.
UV ?= uv
COMPILE = $(UV) pip compile -q --no-config --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header --no-annotate $(ARGS)

lock: ## write requirements/*.txt anew (needs uv)
	@command -v "$(UV)" >/dev/null || { echo "lock: no uv; run: python3 -m venv /tmp/uv && /tmp/uv/bin/pip install uv && make lock UV=/tmp/uv/bin/uv" >&2; exit 1; }
	@$(COMPILE) --group build -o requirements/build.txt >/dev/null
	@$(COMPILE) pyproject.toml -c requirements/build.txt -o requirements/run.txt >/dev/null
	@$(COMPILE) --group dev -c requirements/build.txt -c requirements/run.txt -o requirements/dev.txt >/dev/null

clean: ## remove .venv, caches and builds; data stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
