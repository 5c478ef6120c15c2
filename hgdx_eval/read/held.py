"""What Python reads itself (workbooks, JSON, markup, text that is not UTF-8), a batch of rows at a time."""

import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from .database import TYPED
from .readings import Reading
from .sheets import HeldTable

BATCH, BATCH_CELLS = 10_000, 250_000  # rows, and cells of them, held in Python at a time


@dataclass(frozen=True)
class HeldRows:
    """`frames`, drawn once, have `row` (in the file) and the found columns, NULL where empty; `broken` and `filled` (see `HeldTable`) grow
    while they are drawn."""

    first: int  # rows up to and with the header
    header: tuple[str, ...]
    columns: tuple[str, ...]
    frames: Iterator[pd.DataFrame]
    broken: list[int]
    readings: tuple[Reading, ...]
    sheets: tuple[str, ...]
    filled: set[str]


def in_frames(table: HeldTable, typed: bool) -> HeldRows:
    """The rows of a table, a batch of them at a time; numbers bear `TYPED` where asked for."""
    broken: list[int] = []
    width, found = len(table.header.labels), table.header.found

    def frames() -> Iterator[pd.DataFrame]:
        below = ((number, row[:width], any(str(cell).strip() for cell in row[width:])) for number, row in table.rows)
        size = max(1, min(BATCH, BATCH_CELLS // max(width, 1)))
        batch = list(itertools.islice(below, size))
        while True:
            broken.extend(number for number, _, longer in batch if longer)
            kept = [(number, row) for number, row, longer in batch if not longer and any(str(cell).strip() for cell in row)]
            cells = {name: [composed(row[i], typed) if i < len(row) else None for _, row in kept] for name, i in found.items()}
            yield pd.DataFrame({"row": pd.Series([number for number, _ in kept], dtype="int64"),
                                **{name: pd.Series(values, dtype="object") for name, values in cells.items()}})  # fmt: skip
            if len(batch) < size:
                return
            batch = list(itertools.islice(below, size))

    return HeldRows(table.header.first, table.header.labels, tuple(found), frames(), broken, table.readings, table.sheets, table.filled)


def composed(cell: str, typed: bool) -> str | None:
    """A cell's text in NFC without spaces around it; None where there is none."""
    cell = cell if typed else cell.rstrip(TYPED)
    if cell.isascii():
        return cell.strip() or None
    return whole_letters(unicodedata.normalize("NFC", cell)).strip() or None


def whole_letters(text: str) -> str:
    """Text without halves of letters, which JSON may hold and nothing can write."""
    return text.encode("utf-8", "replace").decode("utf-8")
