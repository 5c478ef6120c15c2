"""One file, one export layout. Only here are personal columns seen; what leaves holds none.

A reader has `HEADERS` (canonical column -> the headers it goes by) and `read(path, ...)`; a new file here is listed
by `layout_names` and tested by the contract test.
"""

from pkgutil import iter_modules


def layout_names() -> list[str]:
    """The names of the reader files beside this one."""
    return sorted(module.name for module in iter_modules(__path__))
