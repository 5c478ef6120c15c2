"""Where a table's header stands and which of its columns are meant."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.safe_text import header_key
from .readings import Reading

HEADER_ROWS = 30  # a header stands within so many first rows

COLUMNS = 1_000  # more are no table that anybody made


@dataclass(frozen=True)
class Header:
    """Where a table begins: `first` rows up to and with its header, the `labels` there, `found`: wanted name -> column."""

    first: int
    labels: tuple[str, ...]
    found: dict[str, int]
    readings: tuple[Reading, ...] = ()


def check_width(path: Path, header: Iterable[str]) -> None:
    """Raises InputError for a header of very many columns."""
    if (width := len(list(header))) > COLUMNS:
        raise InputError(f"{path.name}: {width:,} columns; allowed: {COLUMNS:,}")


def find_header(head: list[list[str]], names: dict[str, str]) -> tuple[int, list[str], dict[str, int]]:
    """(rows up to and with the header, the header, name -> column) of the row that names most wanted columns.

    A label merged over two rows stands in the upper one, so two neighbouring rows are also read as one. Where no row
    names a wanted column, the header is the first row below the titles, which fill few cells, and nothing is found.
    """
    best = below_titles(head)
    for i, row in enumerate(head[:HEADER_ROWS]):
        candidates = [(i + 1, row)]
        if i + 1 < len(head) and any(not str(cell).strip() for cell in row):
            below = head[i + 1]
            width = max(len(row), len(below))
            upper, lower = (r + [""] * (width - len(r)) for r in (row, below))
            candidates.append((i + 2, [low if str(low).strip() else up for up, low in zip(upper, lower, strict=True)]))
        for first, header in candidates:
            found = match_header(header, names)
            if len(found) > len(best[2]) or (found and found == best[2] and first == best[0] + 1 and names_more(best[1], header)):
                best = (first, header, found)
    return best


def names_more(upper: list[str], joined: list[str]) -> bool:
    """Whether a row, read as one with the row below it, names two columns more: a label merged over several columns stood above them."""
    return len(joined) > 2 and sum(map(bool, map(str.strip, joined))) >= sum(map(bool, map(str.strip, upper))) + 2


def below_titles(head: list[list[str]]) -> tuple[int, list[str], dict[str, int]]:
    """The first row that is as full as most rows and holds no number; else the first more than half as full."""
    filled = [[text for cell in row if (text := str(cell).strip())] for row in head]
    usual = statistics.median_high([len(cells) for cells in filled if cells] or [0])
    wide = [i for i, cells in enumerate(filled[:HEADER_ROWS]) if 2 * len(cells) > usual] or [0]
    full = next((i for i in wide if head and len(filled[i]) >= usual), wide[0])
    named = full if head and not any(is_number(text) for text in filled[full]) else wide[0]
    return named + 1, head[named] if head else [], {}


def is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not any(letter.isalpha() for letter in text)


def sound_header(path: Path, head: list[list[str]], names: dict[str, str]) -> Header:
    """The header of a table by its first rows. Raises InputError: very many columns, rows of the table above it, a second table beside
    the first, rows of one cell more than it has names."""
    first, labels, found = find_header(head, names)
    check_width(path, labels)
    check_above(path.name, head, first, labels, found)
    check_beside(path.name, first, labels, names)
    labels, shift, readings = named_rows(path.name, head, first, labels, bool(found))
    return Header(first, tuple(labels), {name: i + shift for name, i in found.items()}, readings)


def check_beside(file: str, first: int, labels: list[str], names: dict[str, str]) -> None:
    """Raises InputError where wanted columns stand once more behind a column without a name: a second table, which would be left out."""
    keys = [header_key(label) for label in labels]
    for gap in (i for i, key in enumerate(keys) if not key and i):
        before, behind = ({key: i for i, key in reversed(list(enumerate(keys[:gap]))) if key in names},
                          {key: i for i, key in enumerate(keys) if i > gap and key in names})  # fmt: skip
        if len(twice := before.keys() & behind.keys()) > 1:
            places = [sorted(side[key] + 1 for key in twice) for side in (before, behind)]
            told = " and ".join(f"{min(side)} to {max(side)}" for side in places)
            raise InputError(f"{file}: row {first}: columns {told} have the same names: two tables side by side; put them one below the "
                             f"other")  # fmt: skip


def named_rows(file: str, head: list[list[str]], first: int, labels: list[str], sure: bool) -> tuple[list[str], int, tuple[Reading, ...]]:
    """(a name for every column, by how many columns the names move, what is told) of a table whose rows all have one cell more than the
    header: nothing behind a last separator, or numbers of rows, as R writes them. `sure`: the header names a wanted column.

    Raises InputError where the cells are neither and the header is sure."""
    below = [row for row in head[first:] if any(str(cell).strip() for cell in row)]
    if len(below) < 2 or any(len(row) != len(labels) + 1 for row in below) or not any(str(label).strip() for label in labels):
        return labels, 0, ()
    if not any(str(row[-1]).strip() for row in below):
        return [*labels, ""], 0, ()
    numbers = [str(row[0]).strip() for row in below]
    if any(numbers == [str(at + start) for at in range(len(below))] for start in (0, 1)):
        return ["", *labels], 1, (Reading("row_names", {"columns": len(labels)}),)
    if not sure:
        return labels, 0, ()
    raise InputError(f"{file}: row {first + 1}: {len(labels) + 1} cells, as in the rows below it, but the header in row {first} has "
                     f"{len(labels)} names: are the first ones names of rows? Give every column a name in the header")  # fmt: skip


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
