"""Opens an export as it comes (CSV of any common delimiter and encoding, XLSX, Parquet, JSON) as columns of raw text.

Only the asked-for columns leave this module. Its errors name file, row and column, never a cell's text.
"""

import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.machine import blame, reading, told_of
from ..base.origin import SUFFIXES
from ..base.private_folder import private_folder
from ..base.safe_text import header_key
from .database import RawTable, connect, literal, quoted
from .headers import HEADER_ROWS, check_width, match_header, sound_header
from .text import OddText, TextHead, broken_rows, decoded_rows, encoding_of, gaps, left_out, parse_head, scanning, text_head, text_source
from .workbooks import cell_text, sheet_rows

GRID_ROWS = 100_000  # a printed summary or a stored answer is small: what is longer is something else

JSON_BYTES = 12 << 20  # up to forty times as much when read
BATCH, BATCH_CELLS = 10_000, 250_000  # rows, and cells of them, held in Python at a time


@dataclass(frozen=True)
class Opening:
    """How a file begins, by which its layout is told: its first `rows` as text, or the `document` that a JSON file holds."""

    rows: list[list[str]]
    document: object = None


@contextmanager
def open_table(path: Path, wanted: dict[str, tuple[str, ...]], typed: bool = False) -> Iterator[RawTable]:
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
