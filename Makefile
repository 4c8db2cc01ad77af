# Five short names for what README.md says; nothing needs them.

.PHONY: setup run test quick check

setup:
	python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt

run:
	.venv/bin/python run.py

test:
	.venv/bin/python -m pytest

quick:
	.venv/bin/python -m pytest -m quick

check:
	.venv/bin/pre-commit run --all-files
