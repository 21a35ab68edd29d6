# Every target runs on a bare machine: the virtual environment is made on first need.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV ?= .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
STATIC_ENV := env $$(grep -v '^\#' tests/static.env)
PIP_COMPILE := $(VENV)/bin/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header --no-annotate

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer with venv is needed: apt-get install python3 python3-venv" >&2; exit 1; }
	@test "$$(uname)" != Linux || test -n "$$MONGO_URL" || python3 -c 'import ctypes; ctypes.CDLL("libcurl.so.4")' 2>/dev/null || { echo "libcurl is needed by the embedded MongoDB: apt-get install libcurl4" >&2; exit 1; }
	@echo "Installing what is pinned into $(VENV) (1.2 GB), this once." >&2
	@test -x $(VENV)/bin/pip || python3 -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log >&2; exit 1; }
	@touch $@

# The launcher takes the place of the recipe's shell, so that it is told when make is killed.
.PHONY: run
run: $(INSTALLED) ## Run everything in the foreground: real servers, API and worker
	@exec $(PYTHON) -m backend.embedded run --end-with-parent

# The file name goes through the environment as it was typed: neither make nor the shell reads it.
.PHONY: demo
unexport VIDEO
demo: export VIDEO_FILE = $(value VIDEO)
demo: $(INSTALLED) ## Send a video in and get it out again (VIDEO=path for your own)
	@exec $(PYTHON) -m backend.embedded demo --end-with-parent --video "$$VIDEO_FILE"

.PHONY: check
check: export MYPY_FORCE_COLOR = 0
check: $(INSTALLED) ## Format, lint, types, Django, migrations and whether they only add, architecture
	$(VENV)/bin/black --check --quiet . || { echo "Not formatted: run make format." >&2; exit 1; }
	$(VENV)/bin/ruff check --quiet .
	$(STATIC_ENV) $(VENV)/bin/mypy
	$(STATIC_ENV) $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(STATIC_ENV) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(STATIC_ENV) DJANGO_SETTINGS_MODULE=backend.config.settings $(PYTHON) -m pytest -q -p no:django -p no:cacheprovider --noconftest tests/unit/test_architecture.py tests/unit/test_migrations.py

# Half of the time tests wait: for timers, for servers to start, for faults to be noticed.
PROCESSES ?= 3

.PHONY: test
test: $(INSTALLED) ## Every test, on real servers of its own, with coverage
	@rm -f .coverage .coverage.*
	$(PYTHON) -m coverage run -m pytest -n $(PROCESSES) --no-loadscope-reorder
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

# All tests that the fault matrix names, and what tries faults as a whole.
FAULTS = tests=$$($(PYTHON) -m tests.faults.selection) && exec $(PYTHON) -m pytest $(1) $$tests

.PHONY: faults
faults: $(INSTALLED) ## Kill, freeze and cut off what the system needs, and count what is lost (30 min)
	@$(call FAULTS,-m "not long")

.PHONY: faults-all
faults-all: $(INSTALLED) ## The same, and what takes longer
	@$(call FAULTS,-m "faults or not faults")

NEWMAN := tests/postman/node_modules/.package-lock.json

# npm starts node by its name.
$(NEWMAN): tests/postman/package.json tests/postman/package-lock.json $(INSTALLED)
	@PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/npm --prefix tests/postman ci --silent
	@touch $@

.PHONY: postman
postman: $(NEWMAN) ## The Postman collection, twice, with newman (BASE_URL=... for a running system)
	@exec $(PYTHON) -m tests.postman

.PHONY: browser
browser: $(INSTALLED) ## Swagger UI by hand, in headless Chromium (CHROMIUM=path, BASE_URL=...)
	@exec $(PYTHON) -m tests.browser

# FUZZ_SECONDS=90 for how long, FUZZ_SEED=… to repeat a run.
.PHONY: fuzz
fuzz: $(INSTALLED) ## Send what the OpenAPI document allows and forbids to a stack of its own
	@exec $(PYTHON) -m tests.fuzz.run

.PHONY: docker-test
docker-test: $(INSTALLED) $(NEWMAN) ## Build the image, bring compose.yml up and try everything on it
	@exec $(PYTHON) -m tests.docker

.PHONY: bench
bench: $(INSTALLED) ## Measure us beside our peers, and renew docs/performance.md (needs wrk)
	@exec $(PYTHON) -m bench --page

.PHONY: bench-quick
bench-quick: $(INSTALLED) ## The same with fewer and shorter runs and a smaller upload
	@exec $(PYTHON) -m bench --quick

.PHONY: format
format: $(INSTALLED) ## Bring the code into its form
	$(VENV)/bin/ruff check --quiet --fix .
	$(VENV)/bin/black --quiet .

.PHONY: lock
lock: $(INSTALLED) ## Pin every dependency with its hashes again
	$(PIP_COMPILE) --extra embedded --extra dev --output-file requirements/dev.txt pyproject.toml
	$(PIP_COMPILE) --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml
	$(PIP_COMPILE) --constraint requirements/dev.txt --extra tracing --output-file requirements/tracing.txt pyproject.toml
	$(PIP_COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt requirements/build.in
	$(PIP_COMPILE) --constraint requirements/dev.txt --output-file bench/requirements.txt bench/requirements.in
