"""Opens an export as it comes (CSV of any common delimiter and encoding, XLSX, Parquet, JSON) as columns of raw text.

Only the asked-for columns leave this module. Its errors name file, row and column, never a cell's text.
"""

import codecs
import collections
import csv
import io
import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.machine import blame, reading, told_of
from ..base.origin import SUFFIXES
from ..base.private_folder import private_folder
from .workbooks import cell_text, sheet_rows

HEADER_ROWS = 30  # a header stands within so many first rows
DELIMITERS = (",", ";", "\t", "|")
COLUMNS = 1_000  # more are no table that anybody made
GRID_ROWS = 100_000  # a printed summary or a stored answer is small: what is longer is something else
BLOCK, BLOCKS = 1 << 16, 64  # by which an encoding is told
READ = 1 << 22  # bytes at a time where a whole text is gone through
MOST_EMPTY = 20_000_000  # lines that hold nothing
JSON_BYTES = 12 << 20  # up to forty times as much when read
BATCH, BATCH_CELLS = 10_000, 250_000  # rows, and cells of them, held in Python at a time
MOST_BROKEN = 100_000  # rows that do not fit the header: with more of them the file is no table
# of a rejected line: others may have gone with it
ODD = """error_type IN ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM') OR regexp_matches(trim(csv_line, chr(10) || chr(13)), '[\\r\\n]')"""
END = "\0\0"  # a line after the last one, told by identity: where it is no row of its own, a quote is open
SPOILT = ["?"] * (COLUMNS + 1)  # a row that fits no header
MEMORY = "400MB"  # of a database; what does not fit is spilled into a private folder


@dataclass(frozen=True)
class RawTable:
    """Asked-for columns as text, in a DuckDB connection of its own that `open_table` closes.

    Relation `raw`: `row` (row number in the file, the header's row counted) and one VARCHAR column per found name.
    `broken`: row numbers of lines that do not fit the header.
    """

    con: duckdb.DuckDBPyConnection
    header: tuple[str, ...]
    columns: tuple[str, ...]  # the names found
    rows: int
    broken: tuple[int, ...]
    decimal_comma: bool  # semicolon-separated text: 0,5 is a half


@dataclass(frozen=True)
class Opening:
    """How a file begins, by which its layout is told: its first `rows` as text, or the `document` that a JSON file holds."""

    rows: list[list[str]]
    document: object = None


@lru_cache(4096)
def header_key(text: str) -> str:
    """A header as compared: NFC, lower case, single spaces, no order number, colon or asterisk around it."""
    plain = unicodedata.normalize("NFC", str(text)).casefold().replace("\ufeff", "")
    return re.sub(r"\s+", " ", plain).strip(" \t*:.")


@contextmanager
def open_table(path: Path, wanted: dict[str, tuple[str, ...]]) -> Iterator[RawTable]:
    """The columns of a file that go by one of the wanted names. `wanted`: name here -> headers it goes by.

    Raises InputError: no such file, an unknown kind of file, an empty file, an unreadable one.
    """
    check_kind(path)
    with spilling(path) as (con, _):
        yield table_in(con, path, {header_key(header): name for name, headers in wanted.items() for header in headers})


@contextmanager
def spilling(*files: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """(a database that reads the named files, the private folder that it spills into); both are gone at the end. RunFailed for a fault
    of the machine."""
    with private_folder() as folder, told_of(folder), connect(*files, folder=folder) as con:
        yield con, folder


def table_in(con: duckdb.DuckDBPyConnection, path: Path, names: dict[str, str]) -> RawTable:
    if path.suffix.lower() == ".parquet":
        return open_parquet(con, path, names)
    rows, text = held_rows(path, names)
    try:
        if rows is None:
            return open_utf8(con, path, text, names)
    except OddText:
        for name in ("usable", "reject_errors", "reject_scans"):
            con.execute(f"DROP TABLE IF EXISTS {name}")
        rows = decoded_rows(path, text.encoding, text.delimiter)
    return from_rows(con, path, rows, names, text is not None and text.delimiter == ";")


def held_rows(path: Path, names: dict[str, str]) -> tuple[Iterator[list[str]] | None, "TextHead | None"]:
    """(the rows of a file that Python must read: workbooks, JSON, text not in UTF-8; None where DuckDB scans the text itself,
    how a text begins; None where the file is none)."""
    if path.suffix.lower() in (".xlsx", ".xls"):
        return sheet_rows(path), None
    if path.suffix.lower() == ".json":
        return objects_as_rows(path, read_json(path)), None
    text = text_head(path, names)
    return (None if text.encoding == "utf-8-sig" else decoded_rows(path, text.encoding, text.delimiter)), text


def check_kind(path: Path) -> None:
    """Raises InputError for a missing file, one that may not be read, a kind of file that is not read here, an empty file."""
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path.name}: there is no such file")
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path.name}: a {path.suffix or 'nameless'} file; allowed: {', '.join(SUFFIXES)}")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path.name}: the file is empty")


def open_beginning(path: Path, wanted: Iterable[str]) -> Opening:
    """The first rows of a file, or its JSON document. `wanted`: the headers by which a text's delimiter is told.

    Raises InputError like `open_table`.
    """
    check_kind(path)
    kind = path.suffix.lower()
    if kind == ".json":
        return Opening([], read_json(path))
    if kind in (".xlsx", ".xls"):
        return Opening(list(itertools.islice(sheet_rows(path), HEADER_ROWS + 10)))
    if kind == ".parquet":
        with connect(path) as con, scanning_parquet(path):
            return Opening([list(parquet_columns(con, path, {})[0])])
    text = text_head(path, {header_key(header): header for header in wanted})
    return Opening(parse_head(text.lines, text.delimiter)[: HEADER_ROWS + 10])


def read_grid(path: Path, wanted: Iterable[str]) -> list[list[str]]:
    """Every row of a small sheet or text as text in NFC, as far as the file goes: where the place of a cell matters.

    Raises InputError like `open_table`, and for more than 100,000 rows.
    """
    check_kind(path)
    if path.suffix.lower() in (".xlsx", ".xls"):
        rows = sheet_rows(path)
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        text = text_head(path, {header_key(header): header for header in wanted})
        rows = decoded_rows(path, text.encoding, text.delimiter)
    else:
        raise InputError(f"{path.name}: a {path.suffix} file holds no printed table; allowed: .csv, .tsv, .txt, .xlsx, .xls")
    grid = [[unicodedata.normalize("NFC", cell).strip() for cell in row] for row in itertools.islice(rows, GRID_ROWS + 1)]
    if len(grid) > GRID_ROWS:
        raise InputError(f"{path.name}: more than {GRID_ROWS:,} rows: not a summary")
    return grid


def read_json(path: Path) -> object:
    """The document of a JSON file in any common encoding. Raises InputError: too large, too deep, not JSON."""
    with reading(path):
        if path.stat().st_size > JSON_BYTES:
            raise InputError(f"{path.name}: more than {JSON_BYTES >> 20} MB of JSON")
        text = path.read_bytes()

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def finite(text: str) -> float:
        if not math.isfinite(number := float(text)):
            raise ValueError("a number beyond all others")
        return number

    def once(pairs: list[tuple[str, object]]) -> dict:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        return json.loads(text.decode(encoding_of(path)), parse_constant=refuse, parse_float=finite,
                          object_pairs_hook=once)  # fmt: skip
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise InputError(f"{path.name}: not readable as JSON (a value that is none, a key twice in one object, or too deep)") from None


def objects_as_rows(path: Path, document: object) -> Iterator[list[str]]:
    """A JSON list of flat objects as a header and rows of text; null and what is nested are empty.

    Raises InputError where it is no such list, and for very many keys.
    """
    if not isinstance(document, list) or not document or not all(isinstance(item, dict) for item in document):
        raise InputError(f"{path.name}: no table: a list of objects is needed")
    keys = list(dict.fromkeys(key for item in document for key in item))
    check_width(path, keys)
    return itertools.chain([[value_text(key) for key in keys]], ([value_text(item.get(key)) for key in keys] for item in document))


def value_text(value: object) -> str:
    """A JSON value as text in NFC; nothing for null and for what is nested."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return whole_letters(unicodedata.normalize("NFC", cell_text(value))).strip()


def whole_letters(text: str) -> str:
    """Text without halves of letters, which JSON may hold and nothing can write."""
    return text.encode("utf-8", "replace").decode("utf-8")


def parse_count(text: str | None) -> int | None:
    """A whole number of 0 or more, thousands grouped or not ("1.234" is 1234: a count has no decimals); None where empty.

    Raises ValueError for anything else.
    """
    plain = (text or "").strip().replace("\xa0", " ")
    if plain.casefold() in ("", "-", "null", "none", "na", "nan"):
        return None
    if not re.fullmatch(r"\d{1,12}|\d{1,3}([., ]\d{3}){1,3}", plain, re.ASCII):
        raise ValueError(plain)
    return int(re.sub(r"[., ]", "", plain))


def connect(*files: Path, folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database that loads and fetches nothing and touches only the named files and, for what does not fit into
    `MEMORY`, the private folder; without one (for few rows) it writes nothing besides."""
    con = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
                                 "memory_limit": MEMORY, "temp_directory": str(folder / "spill") if folder else ""})  # fmt: skip
    con.execute(f"SET allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
    con.execute(f"SET allowed_directories = [{literal(str(folder)) if folder else ''}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def open_parquet(con: duckdb.DuckDBPyConnection, path: Path, names: dict[str, str]) -> RawTable:
    with scanning_parquet(path):
        header, found, chosen = parquet_columns(con, path, names)
        con.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () + 1 AS row{chosen} FROM read_parquet({literal(str(path))})")
    rows = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if rows == 0:
        raise InputError(f"{path.name}: no data rows")
    return RawTable(con, header, tuple(found), rows, (), False)


@contextmanager
def scanning_parquet(path: Path) -> Iterator[None]:
    """Errors of a scan of Parquet as InputError; faults of the machine stay."""
    try:
        yield
    except duckdb.Error as error:
        raise blame(error, InputError(f"{path.name}: not a readable Parquet file")) from None


def parquet_source(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, file_row_number=true)"


def parquet_columns(con: duckdb.DuckDBPyConnection, path: Path, names: dict[str, str]) -> tuple[tuple[str, ...], dict[str, int], str]:
    """(header, name -> column, SQL that goes on with the wanted columns as text)."""
    header = tuple(row[0] for row in con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall())
    check_width(path, header)
    found = match_header(list(header), names)
    return header, found, "".join(f", CAST({quoted(header[i])} AS VARCHAR) AS {quoted(n)}" for n, i in found.items())


@dataclass(frozen=True)
class HeldRows:
    """Rows of text that Python reads: `frames`, drawn once, have `row` (in the file) and the found columns, NULL where empty;
    `broken` grows while they are drawn."""

    first: int  # rows up to and with the header
    header: tuple[str, ...]
    columns: tuple[str, ...]
    frames: Iterator[pd.DataFrame]
    broken: list[int]


def in_frames(path: Path, rows: Iterator[list[str]], names: dict[str, str]) -> HeldRows:
    """Rows from their header on, a batch of them at a time."""
    head = list(itertools.islice(rows, HEADER_ROWS + 1))
    first, header, found = sound_header(path, head, names)
    broken: list[int] = []

    def frames() -> Iterator[pd.DataFrame]:
        width = len(header)
        below = ((number, row[:width], any(str(cell).strip() for cell in row[width:]))
                 for number, row in enumerate(itertools.chain(head[first:], rows), start=first + 1))  # fmt: skip
        size = max(1, min(BATCH, BATCH_CELLS // max(width, 1)))
        batch = list(itertools.islice(below, size))
        while True:
            broken.extend(number for number, _, longer in batch if longer)
            kept = [(number, row) for number, row, longer in batch if not longer and any(str(cell).strip() for cell in row)]
            cells = {name: [composed(row[i]) if i < len(row) else None for _, row in kept] for name, i in found.items()}
            yield pd.DataFrame({"row": [number for number, _ in kept],
                                **{name: pd.Series(values, dtype="object") for name, values in cells.items()}})  # fmt: skip
            if len(batch) < size:
                return
            batch = list(itertools.islice(below, size))

    return HeldRows(first, tuple(header), tuple(found), frames(), broken)


def composed(cell: str) -> str | None:
    """A cell's text in NFC without spaces around it; None where there is none."""
    if cell.isascii():
        return cell.strip() or None
    return whole_letters(unicodedata.normalize("NFC", cell)).strip() or None


def from_rows(
    con: duckdb.DuckDBPyConnection, path: Path, rows: Iterator[list[str]], names: dict[str, str], decimal_comma: bool
) -> RawTable:
    """A table from rows of text that Python reads."""
    held = in_frames(path, rows, names)
    kinds = "".join(f", {quoted(name)} VARCHAR" for name in held.columns)
    con.execute(f"CREATE TABLE raw (row BIGINT{kinds})")
    for frame in held.frames:
        con.register("frame", frame)
        con.execute("INSERT INTO raw SELECT * FROM frame")
        con.unregister("frame")
    total = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if total == 0:
        raise InputError(f"{path.name}: no data rows below the header in row {held.first}")
    return RawTable(con, held.header, held.columns, total, tuple(held.broken), decimal_comma)


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


def match_header(header: list[str], names: dict[str, str]) -> dict[str, int]:
    """name -> index of the first column that goes by it."""
    found: dict[str, int] = {}
    for i, label in enumerate(header):
        name = names.get(header_key(label))
        if name is not None and name not in found:
            found[name] = i
    return found


def encoding_of(path: Path) -> str:
    """utf-8-sig, utf-16 or cp1258 (Windows Vietnamese), told from blocks all over the file.

    A spoilt letter makes no other encoding of a file: its row will not fit. But where most lines that have letters besides
    ASCII are no UTF-8, the file is not.
    """
    blocks = list(sampled(path))
    start = blocks[0]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[1:4096:2].count(0) > len(start[:4096]) // 8:
        return "utf-16-le"
    if start[0:4096:2].count(0) > len(start[:4096]) // 8:
        return "utf-16-be"
    telling = [line for block in blocks for line in block.split(b"\n") if not line.isascii()]
    return "utf-8-sig" if 2 * sum(map(is_utf8, telling)) >= len(telling) else "cp1258"


def sampled(path: Path) -> Iterator[bytes]:
    """The first block of a file and others at even steps: all of a file of a few megabytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in range(0, size, max(BLOCK, size // BLOCKS)):
            file.seek(place)
            yield file.read(BLOCK)


def is_utf8(block: bytes) -> bool:
    """Whether a piece of a line, which may begin and end inside a letter, is UTF-8."""
    inside = next((i for i, byte in enumerate(block[:4]) if byte & 0xC0 != 0x80), 4)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block[inside:])
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class TextHead:
    """How a text begins: its first lines in NFC, what separates its cells, how it is encoded."""

    lines: list[str]
    delimiter: str
    encoding: str


def text_head(path: Path, names: dict[str, str]) -> TextHead:
    """How a text begins. Raises InputError where there is no text."""
    encoding = encoding_of(path)
    try:
        # of UTF-8 a spoilt letter is the business of its row
        with path.open(encoding=encoding, newline="", errors="replace" if encoding == "utf-8-sig" else "strict") as file:
            head = list(itertools.islice(text_lines(file), HEADER_ROWS * 4))
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    if not any(line.strip() for line in head):
        raise InputError(f"{path.name}: the file is empty")
    return TextHead(head, max(DELIMITERS, key=lambda d: delimiter_score(head, d, names)), encoding)


def text_lines(file: io.TextIOBase) -> Iterator[str]:
    """Lines in NFC, each at most a million characters: a line without end is no table."""
    while line := file.readline(1_000_000):
        yield unicodedata.normalize("NFC", line)


def parse_head(head: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(head, delimiter=delimiter))
    except csv.Error:
        return []


def delimiter_score(head: list[str], delimiter: str, names: dict[str, str]) -> tuple[int, int]:
    rows = parse_head(head, delimiter)
    return (len(find_header(rows, names)[2]), max((len(row) for row in rows), default=0)) if rows else (0, 0)


def decoded_rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a text that Python reads. In UTF-8 a row with a spoilt letter becomes one that fits no header.

    Raises InputError for another encoding, a cell without end, a quote that is never closed or closed in a later row.
    """
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    number = 1
    try:
        with path.open(encoding=encoding, newline="", errors=errors) as file:
            for row in whole_records(path, text_lines(file), delimiter):
                number += 1
                yield SPOILT if errors != "strict" and not is_whole(row) else row
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    except csv.Error as error:
        raise InputError(f"{path.name}: row {number}: not readable as text separated by {delimiter!r}: {error}; "
                         f"is a quote opened and never closed?") from None  # fmt: skip


def whole_records(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Rows of text. Raises InputError where a quote joins what are rows of their own: it is never closed, or another row's closes it."""
    taken: list[str] = []  # the lines of one row

    def noted() -> Iterator[str]:
        for line in itertools.chain(lines, [END]):
            taken.append(line)
            yield line

    number, width, row, widths = 0, 0, None, collections.Counter()
    for number, row in enumerate(csv.reader(noted(), delimiter=delimiter), start=1):
        if taken[0] is END:
            return
        if taken[-1] is END or joins_rows(taken, row, delimiter, width):
            break
        if number <= HEADER_ROWS and len(row) > 3:
            widths[len(row)] += 1
            width = max(widths, key=lambda cells: (widths[cells], cells))  # that of most rows: some are broken
        taken.clear()
        yield row
    raise InputError(f"{path.name}: row {number}: a quote opens here and is never closed, or is closed in a later row, whose text "
                     f"would be taken for this row's; double it or remove it")  # fmt: skip


def joins_rows(lines: list[str], row: list[str], delimiter: str, width: int) -> bool:
    """Whether a row that goes over several lines is several rows: its closing quote stands before other text, as an opening one does,
    or two of its lines have as many cells as the rows before it, or one has and the row itself has fewer (`width` 0: of tables of two
    or three columns that tells nothing)."""
    if len(lines) == 1:
        return False
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    cells = [line.count(delimiter) + 1 for line in lines]
    return width > 0 and (cells.count(width) > 1 or (len(row) < width <= max(cells)))


def is_whole(row: list[str]) -> bool:
    """Whether every letter of a row could be decoded."""
    try:
        "".join(row).encode()
    except UnicodeError:
        return False
    return True


class OddText(Exception):
    """A text has cells over several lines, or quotes or ends of lines that the database does not understand: Python reads it, slowly."""


@dataclass(frozen=True)
class TextSource:
    """UTF-8 text that DuckDB scans where it lies; only the header is read in Python. `sql`: its cells c0, c1, ... as text."""

    first: int  # rows up to and with the header
    header: tuple[str, ...]
    found: dict[str, int]
    sql: str


def text_source(path: Path, text: TextHead, names: dict[str, str]) -> TextSource:
    """Raises OddText where the header goes over several lines, or the last row may."""
    reader = csv.reader(text.lines, delimiter=text.delimiter)
    rows, ends = [], []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path.name}: not readable as text separated by {text.delimiter!r}: {error}") from None
    first, header, found = sound_header(path, rows, names)
    if ends[first - 1] != first:  # the database would skip as many rows as these are lines
        raise OddText
    if ends_quoted(path, text.delimiter):
        raise OddText
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    return TextSource(first, tuple(header), found, (
        f"read_csv({literal(str(path))}, columns={{{columns}}}, delim={literal(text.delimiter)}, quote='\"', escape='\"', "
        f"header=false, skip={ends[first - 1]}, null_padding=true, auto_detect=false, "
        f"ignore_errors=true, store_rejects=true, rejects_limit={MOST_BROKEN})"
    ))  # fmt: skip


def ends_quoted(path: Path, delimiter: str) -> bool:
    """Whether a quote opened in a line before may be closed in the last one, which no line break ends: the only lines that the
    database joins without saying so."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - BLOCK, 0))
        *before, last = re.split(rb"[\r\n]", file.read())
    if not before:
        return b'"' in last or len(last) == BLOCK
    closed = re.sub(r'" +', '"', '"' + last.decode("utf-8", "replace"))
    try:
        return bool(last) and bool(list(csv.reader([closed], delimiter=delimiter, strict=True)))
    except csv.Error:  # it makes no sense from inside a quote
        return False


@contextmanager
def scanning(path: Path, delimiter: str) -> Iterator[None]:
    """Errors of a scan of a text as OddText, or InputError where Python would fare no better; faults of the machine stay."""
    try:
        yield
    except duckdb.Error as error:
        odd = unreadable_text(path, delimiter, error) if isinstance(error, duckdb.IOException) else OddText()
        raise blame(error, odd) from None


def broken_rows(con: duckdb.DuckDBPyConnection, file: str) -> tuple[int, ...]:
    """Numbers of the rows of the text just scanned that do not fit the header. Raises InputError where they are very many, OddText
    where rows may have been lost in a quote."""
    odd = con.execute(f"SELECT 1 FROM reject_errors WHERE {ODD} LIMIT 1").fetchall()
    broken = con.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line").fetchall()
    con.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")  # the lines themselves stand there
    if odd:
        raise OddText
    if len(broken) >= MOST_BROKEN:
        raise InputError(f"{file}: row {broken[0][0]} and {MOST_BROKEN:,} more do not fit the header: not a table")
    return tuple(line for (line,) in broken)


def left_out(path: Path, first: int, broken: tuple[int, ...]) -> np.ndarray:
    """Numbers, in order, of the lines below row `first` that the database gives no row for: those that do not fit the header, and
    those that hold nothing. Of a text without line breaks in cells. Raises InputError for very many of the latter."""
    found, lines, rest = [np.array(broken, "int64")], 0, b""
    with path.open("rb") as file:
        while block := file.read(READ):
            text = np.frombuffer(rest + block, "uint8")
            ends = np.flatnonzero(text == ord("\n"))
            starts = np.concatenate([[0], ends + 1])
            length = ends - starts[:-1]
            found.append(np.flatnonzero((length == 0) | ((length == 1) & (text[starts[:-1]] == ord("\r")))) + lines + 1)
            lines, rest = lines + len(ends), text[starts[-1] :].tobytes()
            if sum(map(len, found)) > MOST_EMPTY:
                raise InputError(f"{path.name}: more than {MOST_EMPTY:,} lines hold nothing: not a table")
    numbers = np.unique(np.concatenate(found))
    return numbers[numbers > first]


def gaps(first: int, left_out: np.ndarray) -> np.ndarray:
    """For each line left out: how many usable rows stand before it. A usable row's number in the file is its place among them plus
    `first` + 1 plus the gaps passed, which a line left out opens."""
    return left_out - first - 1 - np.arange(len(left_out))


def unreadable_text(path: Path, delimiter: str, error: duckdb.Error) -> InputError:
    line = re.search(r"Line:? (\d+)", str(error))
    place = f", row {line[1]}" if line else ""
    return InputError(f"{path.name}{place}: not readable as text separated by {delimiter!r}")


def open_utf8(con: duckdb.DuckDBPyConnection, path: Path, text: TextHead, names: dict[str, str]) -> RawTable:
    """A table of UTF-8 text. Raises OddText where Python must read it."""
    source = text_source(path, text, names)
    chosen = "".join(f", nullif(trim(nfc_normalize(c{i})), '') AS {quoted(n)}" for n, i in source.found.items())
    with scanning(path, text.delimiter):
        con.execute(f"CREATE TABLE usable AS SELECT row_number() OVER () - 1 AS place{chosen} FROM {source.sql}")
        broken = broken_rows(con, path.name)
        opened = gaps(source.first, left_out(path, source.first, broken))
        passed = pd.DataFrame({"gap": opened, "passed": np.arange(1, len(opened) + 1)})
        con.register("gaps", passed.groupby("gap", as_index=False).max())
        con.execute(f"""CREATE TABLE raw AS SELECT place + {source.first + 1} + coalesce(passed, 0) AS row, usable.* EXCLUDE place
                        FROM usable ASOF LEFT JOIN gaps ON usable.place >= gaps.gap""")
        con.execute("DROP TABLE usable")
        con.unregister("gaps")
    total = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if total == 0:
        raise InputError(f"{path.name}: no data rows below the header in row {source.first}")
    return RawTable(con, source.header, tuple(source.found), total, broken, text.delimiter == ";")


def shape_sql(column: str) -> str:
    """The same as `shape_of` in SQL, of a text that is not blank."""
    digits = f"length(regexp_replace({column}, '[^0-9]', '', 'g'))"
    return (f"CASE WHEN regexp_full_match({column}, '[0-9.,\\s/:-]+') THEN 'number of ' || {digits} || ' digits' "
            f"ELSE 'text of ' || length({column}) || ' characters' END")  # fmt: skip
