"""Files as people have them -> tables."""
