"""What a whole dossier list shows to be wrong, beyond single rows: its dates, numbers and codes, and how it ends.

The limits are those of docs/decisions/0020-spoilt-lists.md. Everything is asked of the kept columns: no cell is seen here.
"""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.telling import row_text
from ..read.spool import Spool, spool
from .dossier_dates import DAY_FIRST, MOST_ODD, TOLD, ZONE, DateForm, check_besides, judged, many
from .layouts import opencps_dossiers
from .layouts.opencps_dossiers import ANSWERS, BESIDES, BLANK, COUNTER, HEADERS

READINGS = 3  # day first, month first, and with two-digit years
MOST_REPEATED, LEAST_ROWS = 0.2, 100  # share of rows whose number came before, in a list of at least so many rows
MOST_UNREAD = 0.1  # share of rows without a readable date
FAR = 12  # months without any dossier, behind which few rows are strays


@dataclass(frozen=True)
class ReadList:
    """A dossier list that was read: `spool` (its kept columns), `date_form` (how its dates are read), `days`: one row per form, day, fault
    and answer: form, day (datetime64, NaT where unreadable), fault, answer, n (rows), row (the first in the file)."""

    file: str
    spool: Spool
    date_form: DateForm
    days: pd.DataFrame


def read_list(con: duckdb.DuckDBPyConnection, path: Path, date_column: str, target: Path) -> ReadList:
    """A dossier list, read again where its dates agree in another reading.

    Raises InputError where the list is not understood, two readings remain, its channel is told by a code, or most dates are none.
    """
    reading, place = DAY_FIRST, f"{path.name}: column {HEADERS[date_column][0]!r}"
    for _ in range(READINGS):
        shutil.rmtree(target, ignore_errors=True)
        select = partial(opencps_dossiers.kept, date_column=date_column, file=path.name, reading=reading)
        found = spool(con, path, HEADERS, select, target)
        days = days_of(con, found)
        if (other := judged(days, reading, place)) == reading:
            break
        reading = other
    for name in BESIDES:
        codes = con.execute(f"SELECT {name}_form, count(*) FROM ({found.relation}) WHERE {name}_form IS NOT NULL GROUP BY 1").fetchall()
        check_besides(dict(codes), int(days["n"].sum()), reading, f"{path.name}: column {HEADERS[name][0]!r}")
    check_cells(days, path.name, date_column)
    return ReadList(path.name, found, reading, days)


def days_of(con: duckdb.DuckDBPyConnection, found: Spool) -> pd.DataFrame:
    """`ReadList.days`: the only look at all rows that most of what is judged here needs."""
    days = con.execute(f"""SELECT form, date_diff('day', DATE '1970-01-01', day) AS day, fault, answer, count(*) AS n, min(place) AS row
                           FROM ({found.relation}) GROUP BY ALL""").df()  # fmt: skip
    told = days["day"].to_numpy(float)
    since = np.where(np.isnan(told), np.iinfo("int64").min, np.nan_to_num(told) * 86_400).astype("int64")  # year 23 is before pandas' own
    return days.assign(day=since.view("datetime64[s]"), row=[found.row(place) for place in days["row"]])


def check_cells(days: pd.DataFrame, file: str, date_column: str) -> None:
    """Raises InputError for a list whose channel is told by a code, or of which many dates are none."""
    unclear, undated = (days[days["fault"] == fault] for fault in ("unclear_online", "unreadable_date"))
    if len(unclear):
        raise InputError(f"{file}: row {row_text(unclear['row'].min())}, column {HEADERS['online'][0]!r}: 2 or 3, a code that the file "
                         f"does not explain (1 may be yes, or the counter, where 2 is online); write words; "
                         f"allowed: {ANSWERS}")  # fmt: skip
    rows, odd = int(days["n"].sum()), int(undated["n"].sum())
    if rows >= LEAST_ROWS and odd > MOST_UNREAD * rows:
        raise InputError(f"{file}: column {HEADERS[date_column][0]!r}: {odd} of {rows} rows have a date that is none (first: row "
                         f"{row_text(undated['row'].min())}); allowed: {TOLD}")  # fmt: skip


def check_numbers(con: duckdb.DuckDBPyConnection, lists: list[ReadList]) -> None:
    """Raises InputError where dossiers' numbers repeat because a spreadsheet rounded them, or in very many rows. Against `repeated`."""
    check_repeats(repeats_told(con), lists)


def repeats_told(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int, int, int]]:
    """Of `repeated`: (file, rows that repeat one before them in it, those of them with a rounded number, the first's place)."""
    return con.execute("""SELECT file, count(*), count(*) FILTER (WHERE rounded), min(place) FROM repeated WHERE repeats = 'duplicate'
                          GROUP BY file ORDER BY file""").fetchall()  # fmt: skip


def check_repeats(rows: list[tuple[int, int, int, int]], lists: list[ReadList]) -> None:
    """`check_numbers` for what `repeats_told` yields."""
    for file, again, rounded, first in rows:
        found = lists[file]
        n = int(usable(found)["n"].sum())
        if not (many(rounded, n) or (n >= LEAST_ROWS and again > MOST_REPEATED * n)):
            continue
        why = (f"{rounded} of these look like numbers that a spreadsheet rounded (2.02E+12, or zeros from the 16th digit on)"
               if many(rounded, n) else "is the list put together of the same rows twice, or has it a row for every document?")  # fmt: skip
        raise InputError(f"{found.file}: column {HEADERS['dossier'][0]!r}: {again} of {n} rows repeat an earlier row's number "
                         f"(first: row {row_text(found.spool.row(first))}); {why}; "
                         f"allowed: a row a dossier, its number stored as text")  # fmt: skip


def usable(found: ReadList) -> pd.DataFrame:
    return found.days[found.days["fault"].isna()]


def check_codes(con: duckdb.DuckDBPyConnection, lists: list[ReadList]) -> None:
    """Raises InputError where codes of procedures lost their last zeros, or became fractions, in a spreadsheet: 2.00072 of 2.000720.
    National codes have six decimals; a list without any such code has codes of another kind. Against `listed`."""
    rows = con.execute("""SELECT file, sum(n), sum(n) FILTER (WHERE spoilt), min(first) FILTER (WHERE spoilt) FROM (
          SELECT file, procedure, count(*) AS n, min(place) AS first,
            regexp_full_match(procedure, '[0-9]([.,][0-9]{1,5}|[.,][0-9]{7,})?') AS spoilt
          FROM listed WHERE fault IS NULL GROUP BY file, procedure)
        GROUP BY file HAVING bool_or(regexp_matches(procedure, '^[0-9][.,][0-9]{6}($|[.])')) ORDER BY file""").fetchall()
    for file, n, spoilt, first in rows:
        if many(spoilt or 0, n):
            raise InputError(f"{lists[file].file}: column {HEADERS['procedure'][0]!r}: {spoilt} of {n} rows have codes of fewer or more "
                             f"than six decimals (first: row {row_text(lists[file].spool.row(first))}): zeros lost in a spreadsheet "
                             f"(2.00072 for 2.000720), or a number computed with; allowed: codes stored as text")  # fmt: skip


def strays(lists: list[ReadList]) -> tuple[str, str] | None:
    """(first, last) day of the lists' body, where few rows lie a year or more before or after it; None where none do."""
    days = pd.concat([usable(found) for found in lists]).sort_values("day")
    if days.empty:
        return None
    month = days["day"].dt.year * 12 + days["day"].dt.month
    part = (month.diff() > FAR).cumsum()
    sums = days["n"].groupby(part).sum()
    body = days[part == sums.idxmax()]
    if len(sums) == 1 or days["n"].sum() - body["n"].sum() > MOST_ODD * days["n"].sum():
        return None
    return str(body["day"].iloc[0])[:10], str(body["day"].iloc[-1])[:10]


def noted_rows(lists: list[ReadList]) -> tuple[tuple[str, int], ...]:
    """(reason, rows) of dates read month first or with two-digit years, stamps of another zone, and empty cells of a column that says no
    elsewhere, as far as there are any."""
    sums = dict.fromkeys(("month_first", "two_digit_years", "zone_converted", "blank_online"), 0)
    for found in lists:
        days, rows = usable(found), usable(found)["n"].sum()
        sums["month_first"] += rows * found.date_form.month_first
        sums["two_digit_years"] += rows * found.date_form.two_digits
        sums["zone_converted"] += days.loc[days["form"] == ZONE, "n"].sum()
        sums["blank_online"] += days.loc[days["answer"] == BLANK, "n"].sum() * (days["answer"] == COUNTER).any()
    return tuple((reason, int(rows)) for reason, rows in sums.items() if rows)
