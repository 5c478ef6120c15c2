"""Everything countable that leaves a run, decided once."""
