# Everything is in bootstrap.py; Windows: python bootstrap.py report
PYTHON ?= python3

.PHONY: help report test test-long lab docs wheel

help:
	@$(PYTHON) bootstrap.py help

report test test-long lab docs wheel:
	@$(PYTHON) bootstrap.py $@
