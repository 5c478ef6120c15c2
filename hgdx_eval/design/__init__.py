"""Cells -> who is compared with whom, when."""
