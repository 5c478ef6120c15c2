"""Kernels of a run, forked from one parent."""
