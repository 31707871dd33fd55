# Arauto. `make demo` and `make test` set up everything that they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test check bench constraints clean

setup: .venv/ready

# uv where it is installed, else venv and pip; the versions are those of constraints.txt.
.venv/ready: pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then \
		test -d .venv || uv venv --quiet --python 3.11 .venv || uv venv --quiet .venv; \
		uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'; \
	else \
		test -d .venv || $(PYTHON) -m venv .venv; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'; \
	fi
	@touch $@

demo: setup
	$(BIN)/arauto demo

test: setup
	$(BIN)/pytest -n 2 --dist worksteal

# Format, lint, strict types, the layers, and what the docs promise.
check: setup
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py tests/test_docs.py

bench: setup
	$(BIN)/python -m bench

# Pin what is installed now.
constraints:
	uv pip freeze --python $(BIN)/python --exclude-editable | grep -v '://' > constraints.txt

clean:
	rm -rf .venv demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
