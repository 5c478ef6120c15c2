"""Where a table's header stands and which of its columns are meant."""

from collections.abc import Iterable
from pathlib import Path

from ..base.errors import InputError
from ..base.safe_text import header_key

HEADER_ROWS = 30  # a header stands within so many first rows

COLUMNS = 1_000  # more are no table that anybody made


def check_width(path: Path, header: Iterable[str]) -> None:
    """Raises InputError for a header of very many columns."""
    if (width := len(list(header))) > COLUMNS:
        raise InputError(f"{path.name}: {width:,} columns; allowed: {COLUMNS:,}")


def find_header(head: list[list[str]], names: dict[str, str]) -> tuple[int, list[str], dict[str, int]]:
    """(rows up to and with the header, the header, name -> column) of the row that names most wanted columns.

    A label merged over two rows stands in the upper one, so two neighbouring rows are also read as one. Where no row
    names a wanted column, the first row is the header and nothing is found.
    """
    best = (1, head[0] if head else [], match_header(head[0], names) if head else {})
    for i, row in enumerate(head[:HEADER_ROWS]):
        candidates = [(i + 1, row)]
        if i + 1 < len(head) and any(not str(cell).strip() for cell in row):
            below = head[i + 1]
            width = max(len(row), len(below))
            upper, lower = (r + [""] * (width - len(r)) for r in (row, below))
            candidates.append((i + 2, [low if str(low).strip() else up for up, low in zip(upper, lower, strict=True)]))
        for first, header in candidates:
            found = match_header(header, names)
            if len(found) > len(best[2]):
                best = (first, header, found)
    return best


def sound_header(path: Path, head: list[list[str]], names: dict[str, str]) -> tuple[int, list[str], dict[str, int]]:
    """The same as `find_header`. Raises InputError for very many columns, or where rows of the table stand above it."""
    first, header, found = find_header(head, names)
    check_width(path, header)
    check_above(path.name, head, first, header, found)
    return first, header, found


def check_above(file: str, head: list[list[str]], first: int, header: list[str], found: dict[str, int]) -> None:
    """Raises InputError where a row above the header (rows up to and with it: `first`) is filled like one of the table, as in a sheet
    that was sorted with its header: it would be left out without a word. Titles fill few cells, the upper row of a header over two
    rows repeats itself, a header in another language has few figures, rows of column numbers are short. A header of fewer than four
    wanted columns tells nothing."""
    start = first - 1 if head and header == head[first - 1] else first - 2  # where the header begins
    for number, row in enumerate(head[: max(start, 0)], start=1):
        filled = {text for i in found.values() if i < len(row) and (text := str(row[i]).strip())}
        figures = sum(any(letter.isdigit() for letter in text) for text in filled)
        many = 2 * len(filled) > len(found) > 3 and 2 * figures >= len(filled)
        if many and any(len(text) > 4 for text in filled):
            raise InputError(f"{file}: row {number}: above the header in row {first}, but filled like a row of the table: was the sheet "
                             f"sorted with its header? Allowed above it: titles; put the header first")  # fmt: skip


def check_twice(file: str, header: Iterable[str], names: dict[str, str]) -> None:
    """Raises InputError where two columns go by one wanted name: which of them is meant nobody can tell."""
    seen: dict[str, int] = {}
    for number, label in enumerate(header, start=1):
        name = names.get(header_key(label))
        if name in seen:
            raise InputError(f"{file}: columns {seen[name]} and {number} both go by {' '.join(str(label).split())!r}: which is meant "
                             f"cannot be told; rename or remove one")  # fmt: skip
        if name is not None:
            seen[name] = number


def match_header(header: list[str], names: dict[str, str]) -> dict[str, int]:
    """name -> index of the first column that goes by it."""
    found: dict[str, int] = {}
    for i, label in enumerate(header):
        name = names.get(header_key(label))
        if name is not None and name not in found:
            found[name] = i
    return found
