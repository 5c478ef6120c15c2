"""Notebooks executed and published, at once or not at all."""
