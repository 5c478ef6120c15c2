"""Optional libraries of libraries, which cost more here than they give."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# rfc3987_syntax: jsonschema's check of addresses, half of what importing papermill costs; debugpy: nobody steps through a notebook of a
# run; polars: statsmodels looks for it, and it starts threads, after which no process may be forked
COSTLY = ("debugpy", "polars", "rfc3987_syntax")


@contextmanager
def left_out() -> Iterator[None]:
    """Inside, libraries that are imported do without them; they can be imported as ever afterwards."""
    blocked = [name for name in COSTLY if name not in sys.modules]
    for name in blocked:
        sys.modules[name] = None
    try:
        yield
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
