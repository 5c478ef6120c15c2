"""What a whole dossier list shows to be wrong, beyond single rows: its dates, numbers and codes, and how it ends.

The limits are those of docs/decisions/0020-spoilt-lists.md. Everything is asked of the kept columns: no cell is seen here.
"""

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..read.spool import Spool, spool
from .dossier_dates import DAY_FIRST, MOST_ODD, TOLD, Reading, check_besides, judged, many
from .layouts import opencps_dossiers
from .layouts.opencps_dossiers import ANSWERS, BESIDES, HEADERS

READINGS = 3  # day first, month first, and with two-digit years
MOST_REPEATED, LEAST_ROWS = 0.2, 100  # share of rows whose number came before, in a list of at least so many rows
MOST_UNREAD = 0.1  # share of rows without a readable date
FAR = 12  # months without any dossier, behind which few rows are strays
SHEET_ENDS = (1_048_576, 65_536)  # rows of an .xlsx and an .xls sheet: a list that ends there has probably lost the rest


def read_list(con: duckdb.DuckDBPyConnection, path: Path, date_column: str, target: Path) -> tuple[Spool, Reading]:
    """(the kept columns of a dossier list, how its dates are read), read again where its dates agree in another reading.

    Raises InputError where the list is not understood, or two readings remain.
    """
    reading, found = DAY_FIRST, None
    for _ in range(READINGS):
        shutil.rmtree(target, ignore_errors=True)
        select = partial(opencps_dossiers.kept, date_column=date_column, file=path.name, reading=reading)
        found = spool(con, path, HEADERS, select, target)
        other = judged(days_of(con, found), reading, f"{path.name}: column {HEADERS[date_column][0]!r}")
        if other == reading:
            break
        reading = other
    rows = con.execute(f"SELECT count(*) FROM ({found.relation})").fetchall()[0][0]
    for name in BESIDES:
        codes = con.execute(f"SELECT {name}_form, count(*) FROM ({found.relation}) WHERE {name}_form IS NOT NULL GROUP BY 1").fetchall()
        check_besides(dict(codes), rows, reading, f"{path.name}: column {HEADERS[name][0]!r}")
    return found, reading


def days_of(con: duckdb.DuckDBPyConnection, found: Spool) -> pd.DataFrame:
    """One row per form and day of a list: form, day, n, row (the first)."""
    days = con.execute(f"""SELECT form, date_diff('day', DATE '1970-01-01', day) AS day, count(*) AS n, min(place) AS row
                           FROM ({found.relation}) GROUP BY form, day""").df()  # fmt: skip
    told = days["day"].to_numpy(float)
    since = np.where(np.isnan(told), np.iinfo("int64").min, np.nan_to_num(told) * 86_400).astype("int64")  # year 23 is before pandas' own
    return days.assign(day=since.view("datetime64[s]"), row=[found.row(place) for place in days["row"]])


def check_lists(con: duckdb.DuckDBPyConnection, lists: list[Spool], files: list[str]) -> None:
    """Raises InputError for a list whose channel is told by a code, or whose dates are mostly unreadable. Against `listed`."""
    rows = con.execute("""SELECT file, count(*), count(*) FILTER (WHERE fault = 'unreadable_date'),
        min(place) FILTER (WHERE fault = 'unreadable_date'), min(place) FILTER (WHERE fault = 'unclear_online')
        FROM listed GROUP BY file ORDER BY file""").fetchall()
    for file, n, undated, first, unclear in rows:
        found = lists[file]
        if unclear is not None:
            raise InputError(f"{files[file]}: row {found.row(unclear)}, column {HEADERS['online'][0]!r}: 2 or 3, a code that the file does "
                             f"not explain (1 may be yes, or the counter, where 2 is online); write words; allowed: {ANSWERS}")  # fmt: skip
        if n >= LEAST_ROWS and undated > MOST_UNREAD * n:
            raise InputError(f"{files[file]}: {undated} of {n} rows have a date that is none (first: row {found.row(first)}); "
                             f"allowed: {TOLD}")  # fmt: skip


def check_numbers(con: duckdb.DuckDBPyConnection, lists: list[Spool], files: list[str]) -> None:
    """Raises InputError where dossiers' numbers repeat because a spreadsheet rounded them, or in very many rows. Against `dossiers` and
    `repeated`."""
    rows = con.execute("""SELECT file, count(*), count(*) FILTER (WHERE repeats = 'duplicate'),
        count(*) FILTER (WHERE repeats = 'duplicate' AND rounded), min(place) FILTER (WHERE repeats = 'duplicate')
        FROM dossiers LEFT JOIN repeated USING (file, place) WHERE fault IS NULL GROUP BY file ORDER BY file""").fetchall()
    for file, n, again, rounded, first in rows:
        if not (many(rounded, n) or (n >= LEAST_ROWS and again > MOST_REPEATED * n)):
            continue
        why = (f"{rounded} of these look like numbers that a spreadsheet rounded (2.02E+12, or zeros from the 16th digit on)"
               if many(rounded, n) else "is the list put together of the same rows twice, or has it a row for every document?")  # fmt: skip
        raise InputError(f"{files[file]}: column {HEADERS['dossier'][0]!r}: {again} of {n} rows repeat an earlier row's number "
                         f"(first: row {lists[file].row(first)}); {why}; allowed: a row a dossier, its number stored as text")  # fmt: skip


def check_codes(con: duckdb.DuckDBPyConnection, lists: list[Spool], files: list[str]) -> None:
    """Raises InputError where codes of procedures lost their last zeros, or became fractions, in a spreadsheet: 2.00072 of 2.000720.
    National codes have six decimals; a list without any such code has codes of another kind. Against `listed`."""
    rows = con.execute("""SELECT file, sum(n), sum(n) FILTER (WHERE spoilt), min(first) FILTER (WHERE spoilt) FROM (
          SELECT file, procedure, count(*) AS n, min(place) AS first,
            regexp_full_match(procedure, '[0-9]([.,][0-9]{1,5}|[.,][0-9]{7,})?') AS spoilt
          FROM listed WHERE fault IS NULL GROUP BY file, procedure)
        GROUP BY file HAVING bool_or(regexp_matches(procedure, '^[0-9][.,][0-9]{6}($|[.])')) ORDER BY file""").fetchall()
    for file, n, spoilt, first in rows:
        if many(spoilt or 0, n):
            raise InputError(f"{files[file]}: column {HEADERS['procedure'][0]!r}: {spoilt} of {n} rows have codes of fewer or more than "
                             f"six decimals (first: row {lists[file].row(first)}): zeros lost in a spreadsheet (2.00072 for 2.000720), or "
                             f"a number computed with; allowed: codes stored as text")  # fmt: skip


def strays(con: duckdb.DuckDBPyConnection) -> tuple[str, str] | None:
    """(first, last) day of the lists' body, where few rows lie a year or more before or after it; None where none do. Against `listed`."""
    days = con.execute("SELECT date_trunc('month', day) AS month, min(day) AS first, max(day) AS last, count(*) AS n FROM listed "
                       "WHERE fault IS NULL GROUP BY month ORDER BY month").df()  # fmt: skip
    if days.empty:
        return None
    months = pd.to_datetime(days["month"].astype("str")).dt.to_period("M")
    part = (months.map(lambda month: month.ordinal).diff() > FAR).cumsum()
    sums = days["n"].groupby(part).sum()
    body = days[part == sums.idxmax()]
    if len(sums) == 1 or days["n"].sum() - body["n"].sum() > MOST_ODD * days["n"].sum():
        return None
    return str(body["first"].iloc[0])[:10], str(body["last"].iloc[-1])[:10]


def cut_rows(con: duckdb.DuckDBPyConnection, lists: Iterable[Spool]) -> list[int]:
    """The number of the last row of each list that ends where a spreadsheet's sheet does."""
    ends = (found.row(con.execute(f"SELECT max(place) FROM ({found.relation})").fetchall()[0][0]) for found in lists)
    return [end for end in ends if end in SHEET_ENDS]
