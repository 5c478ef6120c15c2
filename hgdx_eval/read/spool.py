"""An export of any size: its rows run once through a reader's SELECT into Parquet in a private folder, and are counted there.

Memory stays bounded whatever the file's size: DuckDB streams, and spills into the same folder. Only what the SELECT names
is ever written: a closed list, no personal column, dossier numbers as a keyed hash.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
from tqdm import tqdm

from ..base.errors import InputError
from ..base.safe_text import header_key
from .database import literal, quoted
from .headers import check_twice
from .held import HeldRows, in_frames
from .packed import PlainFile, plain_file
from .readings import Reading
from .tables import check_kind, held_table, parquet_columns, parquet_source, scanning_parquet, told_full
from .text import OddText, TextHead, broken_rows, gaps, left_out, scanning, text_head, text_source

SECONDS = 0.2  # between two looks at how far it is
Select = Callable[[duckdb.DuckDBPyConnection, tuple[str, ...]], str]


@dataclass(frozen=True)
class Spool:
    """The kept columns of one export.

    `relation`: SQL with one row per usable row of the file: `place` (rising with the file's rows) and what was kept.
    `columns`: the wanted names that the file has; `broken`: numbers of the rows that do not fit the header.
    """

    relation: str
    columns: tuple[str, ...]
    broken: tuple[int, ...]
    first: int | None  # rows up to and with the header; None where `place` is the row's number already
    gaps: np.ndarray | None = None  # see `files.gaps`; of a text that the database read
    readings: tuple[Reading, ...] = ()  # how the file was understood where it could have been meant otherwise

    def row(self, place: int) -> int:
        """The number in the file, the header's row counted, of the row at a place (`telling.row_text` tells it)."""
        if self.first is None:
            return int(place)
        return int(place + self.first + 1 + np.searchsorted(self.gaps, place, side="right"))


@cache
def secrets_of_process() -> tuple[int, ...]:
    """What dossier numbers are hashed with: four numbers of 64 bits, drawn anew by every process, never written."""
    return tuple(secrets.randbits(64) for _ in range(4))


GIVEN: ContextVar[tuple[int, ...] | None] = ContextVar("GIVEN", default=None)  # the key of another process, inside `keyed_with`


@contextmanager
def keyed_with(key: tuple[int, ...]) -> Iterator[None]:
    """Inside, hashes are another process's: of files that several processes read, equal numbers must stay equal."""
    before = GIVEN.set(key)
    try:
        yield
    finally:
        GIVEN.reset(before)


def keyed(column: str) -> str:
    """SQL of a column's keyed hash (64 bits): equal texts are equal, and without the key nothing else can be told of them.

    The database's own hash of the text, then three rounds of its mixing with a secret before, between and after (an iterated
    Even-Mansour construction; Bogdanov et al. 2012). It costs a tenth of MD5 (docs/decisions/0015).
    """
    first, *others = (f"CAST({number} AS UBIGINT)" for number in GIVEN.get() or secrets_of_process())
    mixed = f"xor(hash({column}), {first})"
    for number in others:
        mixed = f"xor(hash({mixed}), {number})"
    return mixed


def spool(con: duckdb.DuckDBPyConnection, path: Path, wanted: dict[str, tuple[str, ...]], select: Select, target: Path) -> Spool:
    """Run a file through `select(con, columns)`: SQL that yields `place` and what is to be kept of the relation `text`, which has
    `place` and the wanted columns found, as text without spaces around it, NULL where empty. `target`: a new folder for it.

    Raises InputError like `files.open_table`, for two columns of one wanted name, and what `select` raises.
    """
    check_kind(path)
    target.mkdir()
    names = {header_key(header): name for name, headers in wanted.items() for header in headers}
    file = plain_file(path, target)
    if file.kind == "parquet":
        return spool_parquet(con, file, names, select, target)
    if file.kind == "text" and (text := text_head(file.path, names)).encoding == "utf-8-sig":
        return spool_text(con, file, text, names, select, target)
    return spool_held(con, file, in_frames(held_table(file, names), typed=False), names, select, target)


def spool_parquet(con: duckdb.DuckDBPyConnection, file: PlainFile, names: dict[str, str], select: Select, target: Path) -> Spool:
    path = file.path
    with scanning_parquet(path):
        header, found, chosen = parquet_columns(con, path, names, typed=False)
        check_twice(path.name, header, names)
        con.execute(f"CREATE OR REPLACE TEMP VIEW cells AS SELECT file_row_number AS place{chosen} FROM {parquet_source(path)}")
        trimmed = "".join(f", nullif(trim({quoted(name)}), '') AS {quoted(name)}" for name in found)
        con.execute(f"CREATE OR REPLACE TEMP VIEW text AS SELECT place{trimmed} FROM cells")
        kept(con, path.name, select(con, tuple(found)), target / "0.parquet")
    found_rows = Spool(f"SELECT * FROM {kept_in(target)}", tuple(found), (), 0, np.array([], "int64"), file.readings)
    return checked(con, path.name, found_rows, 0)


def spool_text(
    con: duckdb.DuckDBPyConnection, file: PlainFile, text: TextHead, names: dict[str, str], select: Select, target: Path
) -> Spool:
    """The order of a text's rows is the order in which they are written, so their numbers cost nothing."""
    path = file.path
    try:
        source = text_source(path, text, names)
        header = source.header
        check_twice(path.name, header.labels, names)
        trimmed = "".join(f", nullif(trim(c{i}), '') AS {quoted(name)}" for name, i in header.found.items())
        with scanning(path, text.delimiter):
            con.execute(f"CREATE OR REPLACE TEMP VIEW text AS SELECT 0 AS place{trimmed} FROM {source.sql}")
            kept(con, path.name, select(con, tuple(header.found)), target / "0.parquet")
            broken = broken_rows(con, path.name)
        opened = gaps(header.first, left_out(path, header.first, broken))
    except OddText:
        con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        (target / "0.parquet").unlink(missing_ok=True)
        return spool_held(con, file, in_frames(held_table(file, names, text), typed=False), names, select, target)
    relation = f"SELECT * EXCLUDE file_row_number REPLACE (file_row_number AS place) FROM {kept_in(target)}"
    found = Spool(relation, tuple(header.found), broken, header.first, opened, (*file.readings, *header.readings))
    checked(con, path.name, found, header.first)
    last = con.execute(f"SELECT max(place) FROM ({relation})").fetchall()[0][0]
    return replace(found, readings=(*found.readings, *told_full(max(found.row(last), *broken, 0))))


def spool_held(
    con: duckdb.DuckDBPyConnection, file: PlainFile, held: HeldRows, names: dict[str, str], select: Select, target: Path
) -> Spool:
    """A batch of rows of Python at a time; one without rows is written too, so that there is something to count in."""
    check_twice(file.path.name, held.header, names)
    con.execute("DROP VIEW IF EXISTS text")  # of a file before this one
    for number, frame in enumerate(held.frames):
        con.register("text", frame.rename(columns={"row": "place"}))
        kept(con, file.path.name, select(con, held.columns), target / f"{number:06}.parquet")
        con.unregister("text")
    readings = (*file.readings, *held.readings)
    found = Spool(f"SELECT * FROM {kept_in(target)}", held.columns, tuple(held.broken), None, readings=readings)
    return checked(con, file.path.name, found, held.first)


def kept_in(target: Path) -> str:
    return f"read_parquet({literal(str(target / '*.parquet'))}, file_row_number=true)"


def kept(con: duckdb.DuckDBPyConnection, file: str, sql: str, target: Path) -> None:
    """Write what a SELECT yields, in order, and say on a terminal how far it is."""
    with progress(con, file):
        con.execute(f"COPY ({sql}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION lz4)")


def checked(con: duckdb.DuckDBPyConnection, file: str, found: Spool, header: int) -> Spool:
    """Raises InputError where there is no row below the header."""
    if not con.execute(f"SELECT 1 FROM ({found.relation}) LIMIT 1").fetchall():
        raise InputError(f"{file}: no data rows below the header in row {header}")
    return found


@contextmanager
def progress(con: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """A bar on standard error while a query runs, where that is a terminal."""
    done = threading.Event()
    with tqdm(total=100, desc=name, unit="%", leave=False, disable=None, bar_format="{desc}: {percentage:3.0f}% {bar:30}") as bar:

        def look() -> None:
            while not done.wait(SECONDS):
                bar.update(max(con.query_progress(), bar.n) - bar.n)

        looking = threading.Thread(target=look, daemon=True)
        if not bar.disable:
            looking.start()
        try:
            yield
        finally:
            done.set()
            if looking.is_alive():
                looking.join()
