"""The page of all runs of a study."""
