"""Counting dossiers in parts, each by the same code as the whole: a file is read where it lies, its kept rows are shared out by their
dossiers' keyed hashes, a share is counted by itself, and the counts are added up.

A dossier's rows and payments all fall into one share, so repeats are found there. Nothing but the kept columns leaves a reading.
"""

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from ..base import periods
from ..base.aside import new_file, write_bytes
from ..base.errors import InputError
from ..panel.panel import EXAMPLES
from ..read.database import literal
from ..read.spool import Spool, keyed_with
from ..read.tables import spilling
from .count_dossiers import (
    CHANNELS,
    PAID,
    UNREAD,
    Counted,
    check_agencies,
    counts_sql,
    find_repeated,
    list_rows,
    only_codes,
    read_detail,
    says_how,
    sum_payments,
    tidied,
    together,
    told_columns,
)
from .list_faults import ReadList, check_codes, check_repeats, noted_rows, read_list, repeats_told, strays

PIECE = 16 << 20  # bytes of a share that travel in one row
FILE = 1 << 40  # bytes behind which the next of several Parquet files begins
TOLD = -1  # the share that is what a reading tells of its file


@dataclass(frozen=True)
class Order:
    """What every reading is told: the first `lists` files are dossier lists, the others fee details; `shares`: how many there are; `key`:
    of the hashes (`spool.secrets_of_process`); `today`: by which a month to come is told."""

    lists: int
    shares: int
    key: tuple[int, ...]
    date_column: str = "received"
    before: date | None = None
    today: date = field(default_factory=periods.today)


@dataclass(frozen=True)
class Piece:
    """Bytes of a Parquet file of one share's rows of one file, or (share TOLD) of what was told of that file."""

    share: int
    file: int
    at: int
    content: bytes


@dataclass(frozen=True)
class ReadFile:
    """What a reading tells: `found` (None where the file is refused, for `refused`), and its different texts of agencies."""

    refused: str = ""
    found: ReadList | Spool | None = None
    agencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class CountedShare:
    """`cells`: Parquet of counts by `counts_sql`; the others as `repeats_told`, `Counted.unread` with places, and `sum_payments` yield."""

    cells: bytes
    repeats: list[tuple[int, int, int, int]]
    unread: list[tuple[str, str, int, int, int]]
    payments: int = 0
    left_out: tuple[tuple[str, int], ...] = ()
    says_how: bool = False


def read_part(path: Path, number: int, order: Order) -> Iterator[Piece]:
    """The shares of file `number`. A file that is not understood is told, not raised: all of them are to be named."""
    with spilling(path) as (con, folder), keyed_with(order.key), periods.on(order.today):
        try:
            if number < order.lists:
                read = read_list(con, path, order.date_column, folder / "read")
                list_rows(con, [read.spool], order.before)
                check_agencies(con, path.name)
                check_codes(con, [read])
                texts = con.execute("SELECT DISTINCT agency FROM listed WHERE agency IS NOT NULL ORDER BY ALL").fetchall()
                told = ReadFile(found=read, agencies=tuple(text for (text,) in texts))
            else:
                detail = read_detail(con, path, folder / "read")
                told = ReadFile(found=detail)
                together(con, "listed", [detail])
        except InputError as error:
            told = ReadFile(refused=str(error))
        yield Piece(TOLD, number, 0, pickle.dumps(told))
        if told.found is not None:
            yield from shared_out(con, folder, number, order.shares)


def shared_out(con: duckdb.DuckDBPyConnection, folder: Path, number: int, shares: int) -> Iterator[Piece]:
    """`listed` by shares. A file without rows of a share has its columns there all the same."""
    nothing = folder / "nothing.parquet"
    con.execute(f"COPY (SELECT * REPLACE ({number} AS file) FROM listed LIMIT 0) TO {literal(str(nothing))} (FORMAT parquet)")
    con.execute(f"""COPY (SELECT * REPLACE ({number} AS file), CAST(coalesce(dossier, place) % {shares} AS INTEGER) AS share FROM listed)
        TO {literal(str(folder / "shares"))} (FORMAT parquet, COMPRESSION lz4, PARTITION_BY (share))""")
    for share in range(shares):
        for part, made in enumerate(sorted((folder / "shares" / f"share={share}").glob("*.parquet")) or [nothing]):
            with made.open("rb") as file:
                at = part * FILE
                while content := file.read(PIECE):
                    yield Piece(share, number, at, content)
                    at += len(content)


def count_part(pieces: Iterable[Piece], order: Order, told: list[str], body: tuple[str, str] | None) -> CountedShare:
    """One share. `told`: of SUMS_SQL what every file can tell; `body`: see `list_faults.strays`. The pieces may come in any order."""
    with spilling() as (con, folder):
        files: dict[tuple[int, int], dict[int, Path]] = {}
        for number, piece in enumerate(pieces):
            write_bytes(folder / f"{number}.piece", piece.content, private=True)
            files.setdefault((piece.file, piece.at // FILE), {})[piece.at] = folder / f"{number}.piece"
        for (number, part), parts in files.items():
            put_together([parts[at] for at in sorted(parts)], folder / f"{number}-{part}.parquet")
        numbers = sorted({number for number, _ in files})
        relation(con, "listed", folder, [number for number in numbers if number < order.lists])
        only_codes(con, body)
        find_repeated(con)
        details = [number for number in numbers if number >= order.lists]
        payments, how = 0, False
        left_out: tuple[tuple[str, int], ...] = ()
        if details:
            relation(con, "details", folder, details)
            payments, left_out = sum_payments(con)
            how = says_how(con)
        first = ", min(place) FILTER (WHERE reason IS NOT NULL AND shape IS NOT NULL) AS shape_place"
        con.execute(f"COPY ({counts_sql(told, first)}) TO {literal(str(folder / 'cells.parquet'))} (FORMAT parquet)")
        unread = con.execute("""SELECT procedure, strftime(date_trunc('month', day), '%Y-%m') AS month, file, count(*), min(place)
            FROM dossiers WHERE fault = 'unreadable_online' GROUP BY ALL""").fetchall()
        return CountedShare((folder / "cells.parquet").read_bytes(), repeats_told(con), unread, payments, left_out, how)


def put_together(parts: list[Path], made: Path) -> None:
    """Pieces to their file; each is gone once it is in."""
    if len(parts) == 1:
        parts[0].rename(made)
        return
    with new_file(made, private=True) as file:
        for part in parts:
            file.write(part.read_bytes())
            part.unlink()


def relation(con: duckdb.DuckDBPyConnection, name: str, folder: Path, numbers: list[int]) -> None:
    files = (literal(str(folder / f"{number}-*.parquet")) for number in numbers)
    parts = " UNION ALL ".join(f"SELECT * FROM read_parquet({file}, hive_partitioning=false)" for file in files)
    con.execute(f"CREATE VIEW {name} AS {parts}")


def check_files(read: list[ReadFile], paths: list[Path]) -> None:
    """Raises InputError for files that were refused, each named, and for texts of agencies that only all files together show to be none."""
    refused = [file.refused for file in read if file.refused]
    if len(refused) == 1:
        raise InputError(refused[0])
    if refused:
        raise InputError(f"{len(refused)} of {len(read)} files cannot be read: " + " | ".join(refused))
    with spilling() as (con, _):
        texts = sorted({text for file in read for text in file.agencies})
        con.register("listed", pd.DataFrame({"agency": pd.Series(texts, dtype=object)}))
        check_agencies(con, paths[0].name)


def added_up(shares: list[CountedShare], read: list[ReadFile], order: Order, told: list[str]) -> Counted:
    """The counts of all shares. Raises InputError where very many rows repeat others."""
    lists = [file.found for file in read[: order.lists] if isinstance(file.found, ReadList)]
    spools = [found.spool for found in lists]
    check_repeats(added([(part[:1], part[1:3], part[3:]) for share in shares for part in share.repeats]), lists)
    if not any(share.says_how for share in shares):
        told = [name for name in told if name not in CHANNELS]
    cells = added_cells(shares, told)
    unread = added([(row[:3], row[3:4], row[4:]) for share in shares for row in share.unread])
    rows = sorted((procedure, month, n, file, place) for procedure, month, file, n, place in unread)
    if not all("filing_note" in found.columns for found in spools):
        del cells["assisted"]
    left_out = added([((reason,), (n,), ()) for share in shares for reason, n in share.left_out])
    return Counted(
        tidied(cells, spools), sum(share.payments for share in shares), tuple(left_out), tuple(found.date_form for found in lists),
        noted_rows(lists), pd.DataFrame([(p, m, n, spools[file].row(place)) for p, m, n, file, place in rows], columns=UNREAD),
        tuple(reading for found in spools for reading in found.readings),
    )  # fmt: skip


def added(rows: Iterable[tuple[tuple, tuple, tuple]]) -> list[tuple]:
    """(key, numbers to be added, numbers of which the least is kept) -> one row per key, sorted."""
    found: dict[tuple, tuple[tuple, tuple]] = {}
    for key, sums, least in rows:
        before = found.get(key)
        found[key] = (sums, least) if before is None else (
            tuple(a + b for a, b in zip(before[0], sums, strict=True)), tuple(map(min, before[1], least)))  # fmt: skip
    return sorted((*key, *sums, *least) for key, (sums, least) in found.items())


def added_cells(shares: list[CountedShare], told: list[str]) -> pd.DataFrame:
    """What `counts_sql` yields of all rows."""
    sums = "".join(f', CAST(sum("{name}") AS BIGINT) AS "{name}"' for name in told)
    with spilling() as (con, folder):
        for number, share in enumerate(shares):
            write_bytes(folder / f"{number}.parquet", share.cells, private=True)
        return con.execute(f"""
            SELECT file, reason, agency, procedure, month, CAST(sum(n) AS BIGINT) AS n, CAST(sum("online") AS BIGINT) AS "online",
              CAST(sum(assisted) AS BIGINT) AS assisted, bool_or(simulated) AS simulated, CAST(sum(serials) AS BIGINT) AS serials,
              list_sort(flatten(list(examples) FILTER (WHERE examples IS NOT NULL)))[1:{EXAMPLES}] AS examples,
              arg_min(shape, shape_place) AS shape, max(last_day) AS last_day{sums}
            FROM read_parquet({literal(str(folder / "*.parquet"))}) GROUP BY file, reason, agency, procedure, month
            ORDER BY file, reason, agency, procedure, month""").df()


def told_sums(read: list[ReadFile], order: Order) -> list[str]:
    """Of SUMS_SQL what all lists can tell, and what payments may."""
    told = told_columns([file.found.spool for file in read[: order.lists] if isinstance(file.found, ReadList)])
    return told + ([*PAID, *CHANNELS, "lines"] if len(read) > order.lists else [])


def body_of(read: list[ReadFile]) -> tuple[str, str] | None:
    return strays([file.found for file in read if isinstance(file.found, ReadList)])
