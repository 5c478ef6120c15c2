"""Which sheets of a workbook, or tables of a page, hold the table: never the first one at sight, nor some of several without a word."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..base.errors import InputError
from ..base.safe_text import header_key, plain_line
from ..base.telling import MOST, SHEET, shape_of
from .database import TYPED
from .garbled import check_cells
from .headers import HEADER_ROWS, Header, find_header, sound_header
from .readings import Reading

LOOK = 50  # rows by which a sheet is empty
WORD = (r"sheet|table|data|page|cover|notes?|old|hidden|list|trang tính|trang|bảng|bang|bìa|dữ liệu|du lieu|số liệu|so lieu|solieu|ghi chú|"
        r"danh mục|danhmuc|cũ|cu|ẩn|an|tháng|thang|quý|quy|năm|nam|month|quarter|year|[tqm]")  # fmt: skip
PLAIN = re.compile(rf"(?:(?:{WORD})(?=[\W\d_]|$)|\d{{1,4}}|[\s_.,()/-])+", re.IGNORECASE)  # names of sheets that are nobody's
Merged = tuple[tuple[tuple[int, int], tuple[int, int]], ...]  # (first row, first column), (last row, last column), counted from 0


@dataclass(frozen=True)
class Sheet:
    """One sheet. `rows`: draws its rows of text (numbers with `TYPED`) from the first row and column on, anew every time; `full`: how many
    rows it has where it can hold no more, else 0."""

    name: str
    rows: Callable[[], Iterator[list[str]]]
    visible: bool = True
    merged: Merged = ()
    full: int = 0


@dataclass(frozen=True)
class Looked:
    """A sheet with something in it: its `place` among the visible ones, its first rows, the wanted names that its header has."""

    sheet: Sheet
    place: int
    head: list[list[str]]
    found: frozenset[str]
    labels: int  # cells filled in its header


@dataclass(frozen=True)
class Choice:
    """The sheets that hold the table, those with other content, and what is to be told of it."""

    read: tuple[Looked, ...]
    others: tuple[Looked, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class HeldTable:
    """A table that Python reads: its header and, drawn once, (number in the file, cells) of the rows below it. `sheets`: the names of
    those it was put together from; `filled` grows while rows are drawn: columns in which a number of a merged cell was repeated."""

    header: Header
    rows: Iterator[tuple[int, list[str]]]
    readings: tuple[Reading, ...] = ()
    sheets: tuple[str, ...] = ()
    filled: set[str] = field(default_factory=set)


def plain_table(path: Path, rows: Iterator[list[str]], names: dict[str, str]) -> HeldTable:
    """The table of rows without sheets. Raises InputError like `sound_header` and `check_cells`."""
    held = list(itertools.islice(rows, HEADER_ROWS + 1))
    header = sound_header(path, untyped(held), names)
    check_cells(path, held)
    return HeldTable(header, enumerate(itertools.chain(held[header.first :], rows), start=header.first + 1), header.readings)


def choose(path: Path, sheets: Iterator[Sheet], names: dict[str, str]) -> Choice:
    """The sheets that name most wanted columns, of the visible ones where any holds something. Raises InputError: all are empty, an old
    encoding of fonts."""
    looked: list[Looked] = []
    place = -1
    for sheet in sheets:
        place += sheet.visible
        head = untyped(itertools.islice(sheet.rows(), LOOK))
        check_cells(path, head)
        if any(cell.strip() for row in head for cell in row):
            _, labels, found = find_header(head, names)
            filled = sum(bool(header_key(label)) for label in labels)
            looked.append(Looked(sheet, place, head, frozenset(found), filled))
    if not looked:
        raise InputError(f"{path.name}: the file is empty")
    seen = [one for one in looked if one.sheet.visible]
    hidden = [one for one in looked if not one.sheet.visible] if seen else []
    seen = seen or looked
    best = max(seen, key=lambda one: (len(one.found), one.labels if not one.found else 0))
    read = [one for one in seen if one is best or (best.found and one.found == best.found)]
    others = [one for one in seen if one not in read]
    told = [("sheets_joined" if len(read) > 1 else "sheet_read", read if len(seen) > 1 or not best.sheet.visible else [])]
    told += [("sheets_not_read", others), ("sheets_hidden", hidden)]
    readings = [Reading(kind, {"sheets": names_of(ones), "number": len(ones)}) for kind, ones in told if ones]
    readings += [Reading("rows_full", {"rows": one.sheet.full}) for one in read if one.sheet.full]
    return Choice(tuple(read), tuple(others), tuple(readings))


def untyped(rows: Iterable[list[str]]) -> list[list[str]]:
    return [[cell.rstrip(TYPED) for cell in row] for row in rows]


def told_sheet(looked: Looked) -> str:
    """A sheet's name where it can be nobody's (Sheet1, 2023, Tháng 7), else its place and the shape of its name."""
    name = plain_line(looked.sheet.name).strip()
    if PLAIN.fullmatch(name) and sum(letter.isdigit() for letter in name) < 7:
        return name
    return f"{looked.place + 1} ({shape_of(name)})" if looked.sheet.visible else f"({shape_of(name)})"


def names_of(looked: Iterable[Looked]) -> str:
    """The names of sheets as a message tells them: not those that look like somebody's."""
    names = [told_sheet(one) for one in looked]
    return ", ".join([*names[:MOST], *([f"(+{len(names) - MOST})"] if len(names) > MOST else [])])


def sheet_table(path: Path, sheets: Iterator[Sheet], names: dict[str, str]) -> HeldTable:
    """The table that stands in one sheet, or in several of the same wanted columns.

    Raises InputError like `sound_header`, and where another sheet has half of the wanted columns: which one is meant, nobody knows.
    """
    choice = choose(path, sheets, names)
    check_others(path.name, choice)
    many = len(choice.read) > 1
    parts = [(one, sound_header(path, one.head, names)) for one in choice.read]
    filled: set[str] = set()
    below = itertools.chain.from_iterable(
        sheet_below(one.sheet, header, parts[0][1], SHEET * one.place * many, filled) for one, header in parts
    )
    told = [*choice.readings, *(reading for _, header in parts for reading in header.readings)]
    if merged := [one for one, header in parts if any(tall(cells) and cells[0][0] >= header.first for cells in one.sheet.merged)]:
        told.append(Reading("merged_cells", {"sheets": names_of(merged), "number": len(merged)}))
    once = tuple(reading for i, reading in enumerate(told) if reading not in told[:i])
    return HeldTable(parts[0][1], below, once, tuple(one.sheet.name for one in choice.read), filled)


def check_others(file: str, choice: Choice) -> None:
    """Raises InputError where a sheet that is not read has half of the columns of those that are."""
    has = len(choice.read[0].found)
    if alike := [one for one in choice.others if one.found and 2 * len(one.found) >= has]:
        numbers = ", ".join(str(len(one.found)) for one in alike[:MOST])
        raise InputError(f"{file}: which sheet is meant? {names_of(choice.read)}: {has} of the columns looked for; {names_of(alike)}: "
                         f"{numbers} of them: give the sheets one header, or save the one that is meant alone")  # fmt: skip


def tall(cells: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    return cells[1][0] > cells[0][0]


def sheet_below(sheet: Sheet, header: Header, first: Header, number: int, filled: set[str]) -> Iterator[tuple[int, list[str]]]:
    """(number in the file, cells in the order of the first sheet's header) of the rows below a sheet's header."""
    rows = merged_rows(sheet, header, filled) if any(map(tall, sheet.merged)) else sheet.rows()
    moved = [(header.found[name], first.found[name]) for name in first.found]
    same = header is first or header.found == first.found and len(header.labels) == len(first.labels)
    for at, row in enumerate(itertools.islice(rows, header.first, None), start=number + header.first + 1):
        if same:
            yield at, row
            continue
        cells = [""] * len(first.labels)
        for old, new in moved:
            cells[new] = row[old] if old < len(row) else ""
        yield at, cells + row[len(header.labels) :]


def merged_rows(sheet: Sheet, header: Header, filled: set[str]) -> Iterator[list[str]]:
    """A sheet's rows in which the value of a cell merged over several rows of the table stands in all of them. Over several columns it
    stands in the first alone: one number is not two columns' value. `filled`: takes the names of columns where it is a number."""
    begin = {top: [] for (top, _), _ in sheet.merged}
    for cells in sheet.merged:
        if tall(cells) and cells[0][0] >= header.first:
            begin[cells[0][0]].append(cells)
    named = {i: name for name, i in header.found.items()}
    held: dict[int, tuple[int, str]] = {}  # column -> last row, value
    for at, row in enumerate(sheet.rows()):
        for i in [i for i, (last, _) in held.items() if last < at]:
            del held[i]
        for i, (_, value) in held.items():
            if i < len(row) and not row[i]:
                row[i] = value
                if i in named and value.endswith(TYPED):
                    filled.add(named[i])
        held |= {left: (last, row[left]) for (_, left), (last, _) in begin.get(at, ()) if left < len(row)}
        yield row
