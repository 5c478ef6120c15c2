# Everything is in bootstrap.py; Windows: python bootstrap.py report
PYTHON ?= python3

.PHONY: help report test test-long test-spark lab docs wheel

help:
	@$(PYTHON) bootstrap.py help

report test test-long test-spark lab docs wheel:
	@$(PYTHON) bootstrap.py $@
