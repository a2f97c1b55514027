# Each target does all of its own set-up; the second time there is nothing to do.
PYTHON ?= python3.11
CORES ?= 2
DATA ?= data
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Sums depend on the count of threads; the workflow sets its own, libraries must not add to it.
export OMP_NUM_THREADS ?= 1
# Where a shell forbids bytecode to be kept, every start would compile our own modules again: up to a second.
unexport PYTHONDONTWRITEBYTECODE
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --quiet rules

.PHONY: demo table8 readme offline test test-long coverage fuzz bench docs lint lock clean

demo: $(READY)  ## the whole workflow on phantoms: tables 6 to 8, figures, report
	$(SNAKEMAKE) --configfile configs/demo.yaml
	@$(BIN)/fusionmedclip tables results/demo
	@echo "report: results/demo/report.html"

table8: $(READY)  ## the demo's ablation alone, which the README prints
	$(SNAKEMAKE) --configfile configs/demo.yaml -- table8
	@$(BIN)/fusionmedclip tables results/demo

readme: demo  ## the README's table from the demo's results, with the machine that made them
	$(BIN)/python -m fusionmedclip.reporting.tables.readme results/demo --preset demo

offline: $(READY)  ## real images in DATA, packaged weights
	$(SNAKEMAKE) --configfile configs/offline.yaml --config data='$(DATA)'
	@$(BIN)/fusionmedclip tables results/offline
	@echo "report: results/offline/report.html"

# Tests of one file may share what they made. One worker more than cores: some of them wait for a scheduler.
PYTEST := $(BIN)/pytest -q -n $$(($(CORES) + 1)) --dist loadfile --no-loadscope-reorder

test: $(READY)  ## every test but the long ones
	$(PYTEST) -m "not long"

test-long: $(READY)  ## the others: before a release, and after a change of what they are about
	$(PYTEST) -m long

coverage: $(READY)  ## the same, and the share of lines and branches that they take in the suite's own processes
	$(PYTEST) --cov --cov-report=
	@set -e; for part in fusionmedclip/[!_]*/; do \
	  share=$$($(BIN)/coverage report --include "$$part*" --format total); echo "$$part $$share %"; done

fuzz: $(READY)  ## thousands of damaged files through every reader
	$(BIN)/python benchmarks/fuzz_readers.py --workers $(CORES)

bench: $(READY)  ## every benchmark, each with its bar
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

docs: $(READY)  ## the documentation as a site in build/site; a warning is an error (with --quiet they are not counted)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy fusionmedclip
	$(BIN)/lint-imports --no-logo
	$(BIN)/snakefmt --check Snakefile rules workflow/Snakefile
	$(BIN)/snakemake --lint --configfile configs/demo.yaml

# A locked install: exact versions, checked hashes. Of its 19,000 modules Python compiles those that are ever imported.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock:  ## after a change of pyproject.toml
	uv pip compile pyproject.toml --all-extras --python-version 3.11 --no-emit-index-url --generate-hashes \
	  --no-annotate --no-header -o requirements.lock
	$(BIN)/python envs/pin.py

clean:
	rm -rf results/demo results/offline .snakemake
