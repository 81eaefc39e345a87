# Two commands: `make demo` and `make test`. Each does all the set-up it needs, in this folder.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that the tests run in.
WORKERS ?= 2
# Label Studio's own environment, made once by `docposts studio install`.
export DOCPOSTS_STUDIO_HOME ?= $(CURDIR)/.studio

.PHONY: demo test bench lint format docs studio system clean
.DELETE_ON_ERROR:

$(VENV)/installed: pyproject.toml constraints/toolkit.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV) || (echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints/toolkit.txt --editable '.[dev]'
	touch $@

studio: $(VENV)/installed
	$(BIN)/docposts studio install

demo: studio
	$(BIN)/docposts demo

# What needs root, for tests in a browser and on Spark: installed where it can be, else skipped with its reason.
system:
	.ci/system-packages

test: system studio
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# ROWS: how many posts, several numbers; docs/benchmarks.md and .svg are written anew.
bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.build $(ROWS) --docs docs

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .studio .spark .objects build dist docposts-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
