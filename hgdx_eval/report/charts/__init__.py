"""One file, one kind of chart."""
