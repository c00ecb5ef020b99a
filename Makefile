# Two commands: `make run` and `make test`. `make help` lists the rest.
# PYTHON=… chooses another Python; WORKSPACE=… another workspace; PORT=… the first port to try.

WORKSPACE ?= data
PORT ?= 8501
HOST ?= 127.0.0.1

# The first Python from 3.11 to 3.14 that works and has venv; pyenv's and system ones alike.
FITS = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3 python3.12 python3.13 python3.11 python3.14 python; do \
	"$$name" -c "$(FITS)" >/dev/null 2>&1 && { command -v "$$name"; break; }; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help run test check bench bench-claims clean format

help:
	@echo "make run     install what is missing, make the demo workspace (or, with WORKSPACE=…, an empty one), start the app"
	@echo "make test    run every test"
	@echo "make check   format, lint, types, floors"
	@echo "make bench   run the benchmarks"
	@echo "make bench-claims  fail where the docs claim what the table of models does not show"
	@echo "make format  put the code into its format"
	@echo "make clean   remove the environment and caches (never the workspace)"

# The drawn demo set belongs to the default workspace; one of your own begins empty.
run: .venv/installed
	@test -e "$(WORKSPACE)/hmgc.db" -a ! -e "$(WORKSPACE)/demo.unfinished" || $(BIN)/hmgc init --workspace "$(WORKSPACE)" \
		$$(test "$(WORKSPACE)" = data -o -e "$(WORKSPACE)/demo.unfinished" && echo --demo)
	@exec $(BIN)/hmgc serve --workspace "$(WORKSPACE)" --host $(HOST) --port $(PORT)

test: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/hmgc benchmark losses
	$(BIN)/hmgc benchmark photos

bench-claims: .venv/installed
	$(BIN)/hmgc benchmark claims

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache hmgc_studio.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last: an interrupted install is taken up again, a finished one is never repeated.
.venv/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "No Python from 3.11 to 3.14 with venv was found."; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13)"; \
		echo "or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	"$(PYTHON)" -m venv .venv

.venv/installed: .venv/bin/python requirements.txt pyproject.toml
	@echo "Installing into .venv: about 3 GB to download and 7 GB on disk, a few minutes the first time."
	$(PIP) install --quiet --upgrade "pip>=24" "setuptools>=77"
	$(PIP) install --no-compile --requirement requirements.txt
	@echo "Preparing the packages for a quick start: a minute or two."
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true  # on every core, which pip would do on one
	PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) install --requirement requirements-dev.txt
	@touch $@
