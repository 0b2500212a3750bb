# Two commands are all that is needed: `make demo` and `make test`. Python 3.11 or newer is assumed.
# PYTHON=/path/to/python3.12 chooses another interpreter.
.PHONY: help demo demo-ui stack test setup format lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     set up, run the reference graph over demo songs in a real Airflow, write build/demo/report.html"
	@echo "make demo-ui  the same, and keep Airflow running with its web pages"
	@echo "make stack    storage and Pub/Sub servers on loopback, to try gs:// and uploads without a cloud account"
	@echo "make test     set up, lint, type-check, run all tests"
	@echo "make setup    only make .venv"
	@echo "make format   let ruff sort and format"
	@echo "make lock     resolve requirements.lock anew from pyproject.toml"
	@echo "make clean    remove build/ (the demo's files)"

setup:
	@PYTHON="$(PYTHON)" sh scripts/setup_env.sh

demo: setup
	@.venv/bin/python -m scripts.demo

demo-ui: setup
	@.venv/bin/python -m scripts.demo --keep-running

stack: setup
	@.venv/bin/python -m scripts.stack

test: setup
	@PYTHON="$(PYTHON)" sh scripts/setup_env.sh airflow2
	@sh scripts/check.sh $(PYTEST_ARGS)

format: setup
	@.venv/bin/ruff check --fix-only . ; .venv/bin/ruff format .

lock: setup
	@sh scripts/lock.sh

clean:
	@rm -rf build
