"""From an evaluation to what a reader is told."""
