# Two commands matter: `make demo` and `make test`. Each creates .venv and installs what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= build/demo

.PHONY: demo test lint docs bench bench-steps fuzz notebooks clean help
help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.use: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet -e ".[all]"
	touch $@

$(VENV)/.dev: $(VENV)/.use
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(VENV)/.notebooks: $(VENV)/.use
	$(BIN)/python -m pip install --quiet --group notebooks
	touch $@

$(VENV)/.docs: $(VENV)/.use
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

demo: $(VENV)/.use ## generate dermoscopy images, train, evaluate, export and report, in minutes
	rm -rf $(DEMO)
	$(BIN)/deephealth data generate uc12-skin $(DEMO)/data -n 400
	$(BIN)/deephealth data check uc12-skin $(DEMO)/data
	$(BIN)/deephealth train uc12-skin/smoke data.root=$(DEMO)/data run.dir=$(DEMO)/run
	$(BIN)/deephealth export $(DEMO)/run --to onnx
	$(BIN)/deephealth report $(DEMO)/run

lint: $(VENV)/.dev ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev lint ## lint, types, contracts, doctests and tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --doctest-modules deephealth tests

notebooks: $(VENV)/.notebooks ## make .ipynb files from notebooks/*.py and run them on generated data
	$(BIN)/jupytext --to ipynb --execute notebooks/*.py

docs: $(VENV)/.docs ## build the documentation into build/docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

fuzz: $(VENV)/.dev ## 2,000 mutations of every file format; minutes
	$(BIN)/python -m tests.fuzz --count 2000

$(VENV)/.bench: $(VENV)/.use
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

bench: $(VENV)/.bench ## the hot spots, readers and pictures against their peers: one table in build/bench; a quiet machine, an hour
	$(BIN)/python scripts/bench/run.py --out build/bench

bench-steps: $(VENV)/.use ## training steps against hand-written torch, start-up, and runs that are killed
	$(BIN)/python scripts/bench/start_up.py
	$(BIN)/python scripts/bench/train_step.py
	$(BIN)/python scripts/bench/kill_resume.py
	$(BIN)/python scripts/bench/kill_command.py
	$(BIN)/python scripts/bench/eddl_step.py
	$(BIN)/python scripts/bench/eddl_step.py --memory
	$(BIN)/python scripts/bench/eddl_workloads.py

clean:           ## remove what was built; .venv stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
	find deephealth -name '*.nb[ic]' -delete  # compiled kernels
