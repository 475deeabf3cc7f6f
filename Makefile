# make help says what there is. Without make (Windows): the commands stand in README.md.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet -c constraints.txt
CPU_TORCH := https://download.pytorch.org/whl/cpu
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
export JUPYTER_PREFER_ENV_PATH := 1

.PHONY: help demo test slow browser lab check notebooks book bench reset clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Linux without an NVIDIA GPU: torch's CPU build saves gigabytes. Not reachable: take PyPI's.
$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	@if [ "$$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then \
		$(PIP) --no-deps --timeout 8 --retries 0 --index-url $(CPU_TORCH) torch 2>/dev/null \
		|| echo "PyTorch's CPU index cannot be reached: torch comes from PyPI."; fi
	@touch $@

$(VENV)/.notebooks: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[notebooks]'
	@touch $@

$(VENV)/.course: $(VENV)/.notebooks
	$(PIP) -e '.[train,notebooks,experiments]'
	@touch $@

$(VENV)/.all: $(VENV)/.course
	$(PIP) -e '.[train,notebooks,experiments,dev]'
	@touch $@

demo: $(VENV)/.notebooks ## one photo, four prompts: runs notebook 00 into out/00/
	@mkdir -p out/00
	$(BIN)/papermill --no-progress-bar -k python3 -p out_dir out/00 \
		notebooks/00_quick_start.ipynb out/00/00_quick_start.ipynb
	@echo "Written to out/00/:" && ls out/00

test: $(VENV)/.all ## the default tests on two cores, one to two minutes
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

slow: $(VENV)/.all ## notebooks by papermill and nbval, the book, training killed and resumed, two ranks
	$(BIN)/python -m pytest -q -m slow
	$(BIN)/python -m pytest -q --nbval --nbval-sanitize-with tests/nbval.cfg $(wildcard notebooks/0[0235]_*.ipynb)

browser: $(VENV)/.all ## the widget in JupyterLab and Notebook 7, driven by Chromium
	$(BIN)/python -m pytest -q -m browser || $(BIN)/python -m pytest -q -m browser --last-failed

lab: $(VENV)/.course ## JupyterLab on copies of the notebooks in my/
	@mkdir -p my && cp -R notebooks/here my/
	@for file in $(NOTEBOOKS); do copy="my/$$(basename $$file)"; [ -e "$$copy" ] || cp "$$file" "$$copy"; done
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir=my $(if $(filter 0,$(shell id -u)),--allow-root)

check: $(VENV)/.all ## format, lint, types, import contract, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell

notebooks: $(VENV)/.all ## build and execute the notebooks from notebooks/src/
	$(BIN)/python notebooks/build.py

book: $(VENV)/.all ## the course, the notes and the API as web pages in build/book/
	$(BIN)/python docs/book/build.py

bench: $(VENV)/.notebooks ## CPU time of a prompt on one thread
	$(BIN)/vpuformer benchmark

reset: ## a fresh copy of one notebook (NB=00) in my/; yours is kept beside it
	@[ -n "$(NB)" ] || { echo "Say which: make reset NB=00"; exit 2; }
	@mkdir -p my && cp -R notebooks/here my/
	@for file in notebooks/$(NB)_*.ipynb; do copy="my/$$(basename $$file)"; \
		if [ -e "$$copy" ]; then mv "$$copy" "$${copy%.ipynb}.$$(date +%Y%m%d-%H%M%S).ipynb"; fi; \
		cp "$$file" "$$copy" && echo "$$copy is fresh"; done

clean: ## remove what was built (not my/, not runs/)
	rm -rf .venv build dist out *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find vpuformer tests -name __pycache__ -type d -prune -exec rm -rf {} +
