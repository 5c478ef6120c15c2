"""Opens an export as it comes (text of any common delimiter and encoding, workbooks, Parquet, JSON, web pages, Stata; packed or not) as
columns of raw text.

Only the asked-for columns leave this module. Its errors name file, row and column, never a cell's text.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.machine import blame, reading, told_of
from ..base.origin import SUFFIXES
from ..base.private_folder import private_folder
from ..base.safe_text import header_key
from .database import TYPED, RawTable, connect, literal, nfc, quoted
from .headers import HEADER_ROWS, check_width, match_header
from .held import in_frames
from .markup import html_sheets, spreadsheetml_sheets
from .packed import PlainFile, beginning, plain_file
from .readings import Reading
from .sheets import Choice, HeldTable, Sheet, check_others, choose, names_of, plain_table, sheet_table, untyped
from .stata import stata_rows
from .text import OddText, TextHead, broken_rows, decoded_rows, gaps, left_out, parse_head, scanning, text_head, text_source
from .trees import document_rows, is_lines, line_rows, read_json
from .workbooks import FULL, workbook_sheets

SHEETS = (*FULL, "html", "spreadsheetml")  # kinds of files with sheets, or with tables that are treated as such
NUMERIC = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL")
GRID_ROWS = 100_000  # a printed summary or a stored answer is small: what is longer is something else


@dataclass(frozen=True)
class Opening:
    """How a file begins, by which its layout is told: its first `rows` as text, or the `document` that a JSON file holds."""

    rows: list[list[str]]
    document: object = None


@contextmanager
def open_table(path: Path, wanted: dict[str, tuple[str, ...]], typed: bool = False) -> Iterator[RawTable]:
    """The columns of a file that go by one of the wanted names. `wanted`: name here -> headers it goes by; `typed`: whether a number that
    the file holds as a number bears `TYPED`.

    Raises InputError: no such file, an unknown kind of file, an empty file, an unreadable one; sheets of which nobody knows which is meant.
    """
    check_kind(path)
    with spilling(path) as (con, folder):
        names = {header_key(header): name for name, headers in wanted.items() for header in headers}
        yield table_in(con, plain_file(path, folder), names, typed)


@contextmanager
def spilling(*files: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """(a database that reads the named files, the private folder that it spills into); both are gone at the end. RunFailed for a fault
    of the machine."""
    with private_folder() as folder, told_of(folder), connect(*files, folder=folder) as con:
        yield con, folder


def table_in(con: duckdb.DuckDBPyConnection, file: PlainFile, names: dict[str, str], typed: bool) -> RawTable:
    path, text = file.path, None
    if file.kind == "parquet":
        return open_parquet(con, file, names, typed)
    try:
        if file.kind == "text" and (text := text_head(path, names)).encoding == "utf-8-sig":
            return open_utf8(con, file, text, names)
    except OddText:
        for name in ("usable", "reject_errors", "reject_scans"):
            con.execute(f"DROP TABLE IF EXISTS {name}")
    return from_rows(con, file, held_table(file, names, text), typed, text is not None and text.delimiter == ";")


def held_table(file: PlainFile, names: dict[str, str], text: TextHead | None = None) -> HeldTable:
    """A table that Python reads: of any kind but Parquet. `text`: how a text begins."""
    path = file.path
    if file.kind in SHEETS:
        return sheet_table(path, sheets_of(file), names)
    if file.kind == "json":
        rows, said = (line_rows(path), (Reading("json_lines"),)) if is_lines(path) else document_rows(path, read_json(path))
        table = plain_table(path, rows, names)
        return replace(table, readings=(*said, *table.readings))
    if file.kind == "dta":
        return plain_table(path, stata_rows(path), names)
    text = text or text_head(path, names)
    return plain_table(path, decoded_rows(path, text.encoding, text.delimiter), names)


def sheets_of(file: PlainFile) -> Iterator[Sheet]:
    """The sheets of a file of a kind of SHEETS, or the tables of a page."""
    if file.kind in FULL:
        return workbook_sheets(file.path, file.kind)
    return html_sheets(file.path) if file.kind == "html" else spreadsheetml_sheets(file.path)


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
    """The first rows of a file, or its JSON document. `wanted`: the headers by which a text's delimiter and a workbook's sheet are told.

    Raises InputError like `open_table`.
    """
    check_kind(path)
    names = {header_key(header): header for header in wanted}
    with beginning(path) as file:
        if file.kind in SHEETS:
            return Opening(choose(file.path, sheets_of(file), names).read[0].head[: HEADER_ROWS + 10])
        if file.kind == "parquet":
            with connect(file.path) as con, scanning_parquet(file.path):
                return Opening([list(parquet_columns(con, file.path, {}, False)[0])])
        if file.kind == "text":
            text = text_head(file.path, names)
            return Opening(parse_head(text.lines, text.delimiter)[: HEADER_ROWS + 10])
        if file.kind == "dta":
            return Opening(untyped(itertools.islice(stata_rows(file.path), HEADER_ROWS + 10)))
        return json_beginning(file.path)


def json_beginning(path: Path) -> Opening:
    """The document of a JSON file; where the table in it is no plain list of objects, its first rows too."""
    if is_lines(path):
        return Opening(untyped(itertools.islice(line_rows(path), HEADER_ROWS + 10)))
    document = read_json(path)
    if isinstance(document, list):
        return Opening([], document)
    try:
        rows, _ = document_rows(path, document)
    except InputError:  # a layout of its own, or none
        return Opening([], document)
    return Opening(untyped(itertools.islice(rows, HEADER_ROWS + 10)), document)


def read_grid(path: Path, wanted: Iterable[str]) -> list[list[str]]:
    """Every row of a small sheet or text as text in NFC, as far as the file goes: where the place of a cell matters.

    Raises InputError like `open_table`, for several sheets of such tables, and for more than 100,000 rows.
    """
    check_kind(path)
    names = {header_key(header): header for header in wanted}
    with beginning(path) as file:
        if file.kind in SHEETS:
            rows = one_sheet(path, choose(file.path, sheets_of(file), names)).rows()
        elif file.kind == "text":
            text = text_head(file.path, names)
            rows = decoded_rows(file.path, text.encoding, text.delimiter)
        else:
            raise InputError(f"{path.name}: a {path.suffix} file holds no printed table; allowed: .csv, .tsv, .txt, .xlsx, .xls, .ods")
        grid = [[unicodedata.normalize("NFC", cell).strip() for cell in row] for row in untyped(itertools.islice(rows, GRID_ROWS + 1))]
    if len(grid) > GRID_ROWS:
        raise InputError(f"{path.name}: more than {GRID_ROWS:,} rows: not a summary")
    return grid


def one_sheet(path: Path, choice: Choice) -> Sheet:
    """The sheet of a printed table. Raises InputError where several hold one."""
    check_others(path.name, choice)
    if len(choice.read) > 1:
        raise InputError(f"{path.name}: {len(choice.read)} sheets with a table each ({names_of(choice.read)}): one is read of a file; save "
                         f"every sheet as a file of its own")  # fmt: skip
    return choice.read[0].sheet


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


def open_parquet(con: duckdb.DuckDBPyConnection, file: PlainFile, names: dict[str, str], typed: bool) -> RawTable:
    path = file.path
    with scanning_parquet(path):
        header, found, chosen = parquet_columns(con, path, names, typed)
        con.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () + 1 AS row{chosen} FROM read_parquet({literal(str(path))})")
    rows = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if rows == 0:
        raise InputError(f"{path.name}: no data rows")
    return RawTable(con, header, tuple(found), rows, (), False, file.readings)


@contextmanager
def scanning_parquet(path: Path) -> Iterator[None]:
    """Errors of a scan of Parquet as InputError; faults of the machine stay."""
    try:
        yield
    except duckdb.Error as error:
        raise blame(error, InputError(f"{path.name}: not a readable Parquet file")) from None


def parquet_source(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, file_row_number=true)"


def parquet_columns(
    con: duckdb.DuckDBPyConnection, path: Path, names: dict[str, str], typed: bool
) -> tuple[tuple[str, ...], dict[str, int], str]:
    """(header, name -> column, SQL that goes on with the wanted columns as text, numbers with `TYPED` where asked for)."""
    told = con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    header = tuple(row[0] for row in told)
    check_width(path, header)
    found = match_header(list(header), names)
    marks = [f" || chr({ord(TYPED)})" if typed and NUMERIC.match(row[1]) else "" for row in told]
    return header, found, "".join(f", CAST({quoted(header[i])} AS VARCHAR){marks[i]} AS {quoted(n)}" for n, i in found.items())


def from_rows(con: duckdb.DuckDBPyConnection, file: PlainFile, table: HeldTable, typed: bool, decimal_comma: bool) -> RawTable:
    """A table from rows of text that Python reads."""
    held = in_frames(table, typed)
    kinds = "".join(f", {quoted(name)} VARCHAR" for name in held.columns)
    con.execute(f"CREATE TABLE raw (row BIGINT{kinds})")
    for frame in held.frames:
        con.register("frame", frame)
        con.execute("INSERT INTO raw SELECT * FROM frame")
        con.unregister("frame")
    total = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if total == 0:
        raise InputError(f"{file.path.name}: no data rows below the header in row {held.first}")
    readings = (*file.readings, *held.readings)
    return RawTable(con, held.header, held.columns, total, tuple(held.broken), decimal_comma, readings, held.sheets, frozenset(held.filled))


def open_utf8(con: duckdb.DuckDBPyConnection, file: PlainFile, text: TextHead, names: dict[str, str]) -> RawTable:
    """A table of UTF-8 text. Raises OddText where Python must read it."""
    path = file.path
    source = text_source(path, text, names)
    header = source.header
    chosen = "".join(f", nullif(trim({nfc(f'c{i}')}), '') AS {quoted(n)}" for n, i in header.found.items())
    with scanning(path, text.delimiter):
        con.execute(f"CREATE TABLE usable AS SELECT row_number() OVER () - 1 AS place{chosen} FROM {source.sql}")
        broken = broken_rows(con, path.name)
        opened = gaps(header.first, left_out(path, header.first, broken))
        passed = pd.DataFrame({"gap": opened, "passed": np.arange(1, len(opened) + 1)})
        con.register("gaps", passed.groupby("gap", as_index=False).max())
        con.execute(f"""CREATE TABLE raw AS SELECT place + {header.first + 1} + coalesce(passed, 0) AS row, usable.* EXCLUDE place
                        FROM usable ASOF LEFT JOIN gaps ON usable.place >= gaps.gap""")
        con.execute("DROP TABLE usable")
        con.unregister("gaps")
    total, last = con.execute("SELECT count(*), max(row) FROM raw").fetchall()[0]
    if total == 0:
        raise InputError(f"{path.name}: no data rows below the header in row {header.first}")
    readings = (*file.readings, *header.readings, *told_full(max(last, *broken, 0)))
    return RawTable(con, header.labels, tuple(header.found), total, broken, text.delimiter == ";", readings)


def told_full(last: int) -> tuple[Reading, ...]:
    """Of a text whose last row is the last that a sheet can hold, of today's workbooks or of old ones."""
    return (Reading("rows_full", {"rows": last}),) if last in FULL.values() else ()
