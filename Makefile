# Two commands do everything: `make report TERRITORY=Taiwan` and `make test`. Both create the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TERRITORY ?= Taiwan
LANG_OF_REPORT ?= en
ELEMENTS ?=
OUT ?= reports/$(subst $(space),-,$(notdir $(TERRITORY)))
space := $(subst ,, )

.PHONY: report test test-fast lint types check benchmark docs lock clean

report: $(VENV)/.ready
	$(BIN)/overflight report "$(TERRITORY)" $(foreach file,$(ELEMENTS),--elements $(file)) --lang $(LANG_OF_REPORT) --out "$(OUT)" --overwrite

test: $(VENV)/.ready
	$(BIN)/pytest -n 2 --dist worksteal

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

check: lint types test

benchmark: $(VENV)/.ready
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready
	$(BIN)/python tools/write_docs.py

# The environment: exactly the versions of requirements.lock, each checked against its hash.
$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Overflight needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lock:
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-strip-extras --allow-unsafe --extra dev --extra tables --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
