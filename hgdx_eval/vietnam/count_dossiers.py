"""Dossier lists of any size -> counts by agency, procedure and month, each row of the export accounted for. What is personal ends here."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..base import periods
from ..base.errors import InputError
from ..base.telling import row_text, told_file
from ..panel.panel import EXAMPLES
from ..read.readings import Reading
from ..read.spool import Spool, spool
from ..read.tables import spilling
from .dossier_dates import NUMBER, DateForm
from .facts import load_facts
from .layouts import opencps_dossiers, opencps_fees
from .layouts.opencps_dossiers import ONLINE
from .list_faults import check_codes, check_numbers, noted_rows, read_list, strays
from .unit_names import looks_like_agency, match_unit

MOST_NAMELESS = 5_000  # different texts in the column of agencies that are no agency's name, as far as can be told
UNREAD = ["procedure", "month", "n", "row"]
PROCESSED = ("done", "days", "timed", "on_time")  # of dossiers with a day of completion, and those with an appointment too
PAID = ("paid", "paying", "zero_fee", "filed_online_paid", "filed_online_paying", "filed_online_zero")
CHANNELS = ("channel_told", "paid_online", "counter_told", "counter_paid_online")  # of dossiers that paid something and say how
SUMS_SQL = {
    "done": "count(days)",
    "days": "CAST(coalesce(sum(days), 0) AS BIGINT)",
    "timed": "count(on_time)",
    "on_time": "count(*) FILTER (WHERE on_time)",
    "paid": "CAST(coalesce(sum(paid), 0) AS BIGINT)",
    "paying": "count(*) FILTER (WHERE paid > 0)",
    "zero_fee": "count(*) FILTER (WHERE paid = 0)",
    "filed_online_paid": 'CAST(coalesce(sum(paid) FILTER (WHERE "online"), 0) AS BIGINT)',
    "filed_online_paying": 'count(*) FILTER (WHERE "online" AND paid > 0)',
    "filed_online_zero": 'count(*) FILTER (WHERE "online" AND paid = 0)',
    "channel_told": "count(paid_online)",
    "paid_online": "count(*) FILTER (WHERE paid_online)",
    "counter_told": 'count(paid_online) FILTER (WHERE NOT "online")',
    "counter_paid_online": 'count(*) FILTER (WHERE paid_online AND NOT "online")',
    "lines": "CAST(coalesce(sum(lines), 0) AS BIGINT)",
}


@dataclass(frozen=True)
class Counted:
    """What dossier lists and their fee details hold.

    `cells`: one row per file x reason x agency x procedure x month: reason (why rows are left out; None where they count, and
    only then agency, procedure and month YYYY-MM), n (rows), online, assisted (where every list says who filed), simulated,
    serials, examples (row numbers), shape (of a cell that could not be read), last_day; of PROCESSED what every list can tell; with
    fee details besides PAID, lines and, where they say how a fee was paid, CHANNELS (see `panel.Panel`).
    `payments`: lines of payment read, `payments_left_out`: their rows left out by reason.
    `date_forms`: how each list's dates are read. `noted`: (reason, rows) of what was understood otherwise than it stands there, or may be
    missing. `unread`: rows left out because the outcome's own column could not be read: procedure, month (YYYY-MM), n, row (the first).
    """

    cells: pd.DataFrame
    payments: int = 0
    payments_left_out: tuple[tuple[str, int], ...] = ()
    date_forms: tuple[DateForm, ...] = ()
    noted: tuple[tuple[str, int], ...] = ()
    unread: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=UNREAD))
    readings: tuple[Reading, ...] = ()  # how the files were understood (sheets, encodings)


def count_dossiers(paths: list[Path], date_column: str = "received", details: Iterable[Path] = (), before: date | None = None) -> Counted:
    """Counts of dossier lists, which may overlap: a dossier counts once, in the first row of the first file that has it.

    `date_column`: received or submitted, the date that dates a dossier; `details`: their fee details; `before`: dossiers of that day
    and later are left out before anything is counted. What is kept of the rows
    lies in a private folder until they are counted, and never holds anything but `opencps_dossiers.kept`.
    Raises InputError where a file is not understood.
    """
    details = list(details)
    with spilling(*paths, *details) as (con, folder):
        read = [read_list(con, path, date_column, folder / f"list{number}") for number, path in enumerate(paths)]
        lists = [found.spool for found in read]
        list_rows(con, lists, before)
        check_agencies(con, paths[0].name)
        check_codes(con, read)
        only_codes(con, strays(read))
        find_repeated(con)
        check_numbers(con, read)
        payments, left_out = read_payments(con, details, folder) if details else (0, ())
        told = told_columns(lists)
        if details:
            told += [*PAID, *(CHANNELS if says_how(con) else ()), "lines"]
        cells = con.execute(counts_sql(told)).df()
        noted, unread = noted_rows(read), unread_rows(con, lists)
    if not all("filing_note" in found.columns for found in lists):
        del cells["assisted"]
    readings = tuple(reading for found in lists for reading in found.readings)
    date_forms = tuple(found.date_form for found in read)
    return Counted(tidied(cells, lists), payments, left_out, date_forms, noted, unread, readings)


def unread_rows(con: duckdb.DuckDBPyConnection, lists: list[Spool]) -> pd.DataFrame:
    """`Counted.unread`."""
    told = con.execute("""SELECT procedure, strftime(date_trunc('month', day), '%Y-%m') AS month, count(*) AS n, file, min(place)
        FROM dossiers WHERE fault = 'unreadable_online' GROUP BY ALL ORDER BY ALL""").fetchall()
    return pd.DataFrame([(procedure, month, n, lists[file].row(place)) for procedure, month, n, file, place in told], columns=UNREAD)


def together(con: duckdb.DuckDBPyConnection, name: str, spools: list[Spool], more: str = "", where: str = "") -> None:
    """One relation of several files, `file` being the number of each; `more`: SQL of further columns; `where`: SQL of which rows."""
    parts = " UNION ALL ".join(f"SELECT {number} AS file, *{more} FROM ({part.relation}){where}" for number, part in enumerate(spools))
    con.execute(f"CREATE VIEW {name} AS {parts}")


def list_rows(con: duckdb.DuckDBPyConnection, lists: list[Spool], before: date | None) -> None:
    """A view `listed` of the rows of dossier lists; `before`: of the days before it alone."""
    together(con, "listed", lists, f', answer = {ONLINE} AS "online"', f" WHERE day IS NULL OR day < DATE '{before}'" if before else "")


def check_agencies(con: duckdb.DuckDBPyConnection, file: str) -> None:
    """Raises InputError for a column of agencies that holds too many different texts which no fact knows and which look like no agency's
    name: it is another column. The agencies of the whole country are more than 10,000."""
    found = con.execute("SELECT count(DISTINCT agency) FROM listed").fetchall()[0][0]
    if found <= MOST_NAMELESS:
        return
    facts, nameless = load_facts(), 0
    texts = con.execute("SELECT DISTINCT agency FROM listed WHERE agency IS NOT NULL")
    while (part := texts.fetchmany(1_000)) and nameless <= MOST_NAMELESS:  # of a column of people the first few thousand tell
        nameless += sum(not looks_like_agency(text) and not match_unit(facts, text).candidates for (text,) in part)
    if nameless > MOST_NAMELESS:
        raise InputError(f"{file}: column {opencps_dossiers.HEADERS['agency'][0]!r} holds {found:,} different texts, and more "
                         f"than {MOST_NAMELESS:,} of them are no agency's name: is it another column's content?")  # fmt: skip


def only_codes(con: duckdb.DuckDBPyConnection, body: tuple[str, str] | None) -> None:
    """A view `dossiers` of the listed rows in which a procedure that is no code is a fault: in a row with a cell too few the next
    column's text stands there, which may be anybody's name, number or address. Only the few different texts are looked at. So is
    a day outside of `body`, its first and last day (None: all are in it)."""
    con.execute("""CREATE TABLE no_codes AS SELECT procedure FROM (SELECT DISTINCT procedure FROM listed WHERE procedure IS NOT NULL)
        WHERE NOT (regexp_full_match(procedure, '[0-9A-Za-z][0-9A-Za-z._/-]{0,39}') AND regexp_matches(procedure, '[0-9]'))
          OR regexp_full_match(procedure, '[0-9]{7,}')""")
    found = con.execute("SELECT count(*) FROM no_codes").fetchall()[0][0]
    fault = "coalesce(fault, CASE WHEN procedure IN (SELECT procedure FROM no_codes) THEN 'unreadable_procedure' END)" if found else "fault"
    if body is not None:
        far = f"day NOT BETWEEN DATE '{body[0]}' AND DATE '{body[1]}'"
        fault = f"CASE WHEN fault IS NULL AND {far} THEN 'stray_date' ELSE {fault} END"
    con.execute(f"CREATE VIEW dossiers AS SELECT * REPLACE ({fault} AS fault) FROM listed")


def find_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """A table `repeated` of the usable rows (file, place, rounded) whose dossier stands in a row before them, and the reason."""
    con.execute("CREATE TABLE twice AS SELECT dossier FROM dossiers WHERE fault IS NULL GROUP BY dossier HAVING count(*) > 1")
    con.execute("""CREATE TABLE repeated AS
        SELECT file, place, rounded, CASE WHEN here > 1 THEN 'duplicate' ELSE 'duplicate_elsewhere' END AS repeats FROM (
          SELECT file, place, rounded, row_number() OVER (PARTITION BY dossier ORDER BY file, place) AS anywhere,
            row_number() OVER (PARTITION BY dossier, file ORDER BY place) AS here
          FROM dossiers WHERE fault IS NULL AND dossier IN (SELECT dossier FROM twice))
        WHERE anywhere > 1""")


def told_columns(lists: list[Spool]) -> list[str]:
    """Of PROCESSED what the columns of every list can tell."""
    has = set.intersection(*(set(found.columns) for found in lists))
    return list(PROCESSED if {"done", "due"} <= has else PROCESSED[:2] if "done" in has else ())


def says_how(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether any payment says how it was made."""
    return bool(con.execute("SELECT count(*) FROM details WHERE paid_online IS NOT NULL").fetchall()[0][0])


def read_payments(con: duckdb.DuckDBPyConnection, details: list[Path], folder: Path) -> tuple[int, tuple[tuple[str, int], ...]]:
    """(lines of payment, rows left out by reason); makes a table `payments`: dossier, paid (VND), lines, paid_online.

    A dossier may have several payments; one told by two files (same day, same amount) counts once. paid_online: of a dossier that
    paid something, true where a payment was made online, false where every one was made at the counter, else NULL.
    Raises InputError where a file is not understood, and for a row that does not fit the header.
    """
    together(con, "details", [read_detail(con, path, folder / f"fees{number}") for number, path in enumerate(details)])
    return sum_payments(con)


def read_detail(con: duckdb.DuckDBPyConnection, path: Path, target: Path) -> Spool:
    """A file of payments. Raises InputError where it is not understood, and for a row that does not fit the header."""
    found = spool(con, path, opencps_fees.HEADERS, partial(opencps_fees.kept, file=path.name), target)
    if found.broken:
        raise InputError(f"{path.name}: row {row_text(found.broken[0])} has more cells than the header")
    return found


def sum_payments(con: duckdb.DuckDBPyConnection) -> tuple[int, tuple[tuple[str, int], ...]]:
    """`read_payments` of a relation `details`."""
    con.execute("""CREATE TABLE payments AS
        SELECT dossier, CAST(sum(amount * lines) AS BIGINT) AS paid, CAST(sum(lines) AS BIGINT) AS lines,
          CASE WHEN coalesce(bool_or(some_online) FILTER (WHERE amount > 0), false) THEN true
            WHEN bool_and(all_counter) FILTER (WHERE amount > 0) THEN false END AS paid_online FROM (
          SELECT dossier, day, amount, max(lines) AS lines, bool_or(some_online) AS some_online, bool_and(all_counter) AS all_counter FROM (
            SELECT file, dossier, day, amount, count(*) AS lines, bool_or(coalesce(paid_online, false)) AS some_online,
              bool_and(coalesce(NOT paid_online, false)) AS all_counter
            FROM details WHERE fault IS NULL GROUP BY file, dossier, day, amount) GROUP BY dossier, day, amount)
        GROUP BY dossier""")
    lines = con.execute("SELECT coalesce(sum(lines), 0) FROM payments").fetchall()[0][0]
    left_out = con.execute("SELECT fault, count(*) FROM details WHERE fault IS NOT NULL GROUP BY fault ORDER BY fault").fetchall()
    return int(lines), tuple(left_out)


def payment_sums(path: Path) -> list[dict]:
    """One dict per reason why rows of a fee detail are left out (None: they count): rows, examples (row numbers), paid (VND),
    dossiers. Raises InputError where the file is not understood."""
    with spilling(path) as (con, folder):
        found = spool(con, path, opencps_fees.HEADERS, partial(opencps_fees.kept, file=path.name), folder / "fees")
        told = con.execute(f"""SELECT fault, count(*), min(place, {EXAMPLES}), CAST(coalesce(sum(amount), 0) AS BIGINT),
                               count(DISTINCT dossier) FROM ({found.relation}) GROUP BY fault ORDER BY fault""").fetchall()
    sums = [{"reason": reason, "rows": rows, "examples": tuple(found.row(place) for place in places), "paid": paid, "dossiers": dossiers}
            for reason, rows, places, paid, dossiers in told]  # fmt: skip
    if found.broken:
        sums.append({"reason": "broken_row", "rows": len(found.broken), "examples": found.broken[:EXAMPLES], "paid": 0, "dossiers": 0})
    return sums


def content_of(paths: list[Path], doubts: dict[tuple[str, str], str], date_forms: tuple[DateForm, ...]) -> dict[str, list[dict]]:
    """What is looked for in the content of dossier lists, by a pass of its own: date_order (fault, file, rows, examples), repeats of
    dossier numbers (file, month, rows, again), and places of texts that were not understood (file, text, examples).

    `doubts`: (column, the file's text) -> the text as it may be told; `date_forms`: how each list's
    dates are read. Raises InputError like `count_dossiers`.
    """
    order, repeats, places = [], [], []
    wanted = {**opencps_dossiers.HEADERS, **opencps_dossiers.DATE_HEADERS}
    for path, reading in zip(paths, date_forms, strict=True):
        with spilling(path) as (con, folder):
            found = spool(con, path, wanted, partial(opencps_dossiers.content_kept, reading=reading), folder / "content")
            con.execute(f"CREATE VIEW content AS {found.relation}")
            faults = con.execute(opencps_dossiers.date_order_sql(found.columns, EXAMPLES, periods.today())).fetchall()
            order += [{"fault": fault, "file": told_file(path.name), "rows": rows, "examples": row_numbers(found, first)}
                      for fault, rows, first in faults]  # fmt: skip
            repeats += [{"file": told_file(path.name), "month": month, "rows": rows, "again": again}
                        for month, rows, again in con.execute(opencps_dossiers.repeats_sql()).fetchall()]  # fmt: skip
            asked = pd.DataFrame([(*key, told) for key, told in doubts.items()], columns=["held_in", "text", "told"], dtype="object")
            con.register("doubts", asked)
            for column in ("agency", "procedure"):
                rows = con.execute(f"""SELECT told, min(place, {EXAMPLES}) FROM content JOIN doubts ON trim({column}) = text
                                       WHERE held_in = '{column}' GROUP BY told ORDER BY told""").fetchall()
                places += [{"file": told_file(path.name), "text": told, "examples": row_numbers(found, first)} for told, first in rows]
    return {"date_order": order, "repeats": repeats, "places": places}


def counts_sql(told: list[str], more: str = "") -> str:
    """`told`: of SUMS_SQL what can be told; `more`: SQL of further columns."""
    sums, joined = "".join(f", {SUMS_SQL[name]} AS {name}" for name in told), "LEFT JOIN payments USING (dossier)" if "paid" in told else ""
    return f"""
        SELECT file, reason, CASE WHEN reason IS NULL THEN agency END AS agency, CASE WHEN reason IS NULL THEN procedure END AS procedure,
               CASE WHEN reason IS NULL THEN date_trunc('month', day) END AS month,
               count(*) AS n, count_if("online") AS "online", count_if("online" AND assisted) AS assisted,
               bool_or(simulated) AS simulated, count_if(form = {NUMBER}) AS serials,
               min(place, {EXAMPLES}) FILTER (WHERE reason IS NOT NULL) AS examples,
               arg_min(shape, place) FILTER (WHERE reason IS NOT NULL) AS shape,
               max(day) FILTER (WHERE reason IS NULL) AS last_day{sums}{more}
        FROM (SELECT *, coalesce(fault, repeats) AS reason FROM dossiers LEFT JOIN repeated USING (file, place) {joined})
        GROUP BY ALL ORDER BY ALL"""


def tidied(cells: pd.DataFrame, lists: list[Spool]) -> pd.DataFrame:
    """Counts with row numbers of the files, months as text, names composed; and the rows that do not fit their header."""
    for number, found in enumerate(lists):
        if found.broken:
            broken = {"file": number, "reason": "broken_row", "n": len(found.broken), "examples": list(found.broken[:EXAMPLES])}
            cells = pd.concat([cells, pd.DataFrame([broken])], ignore_index=True)
    cells["examples"] = [numbers if reason == "broken_row" else row_numbers(lists[int(file)], numbers)
                         for file, reason, numbers in zip(cells["file"], cells["reason"], cells["examples"])]  # fmt: skip
    for column, form in (("month", "%Y-%m"), ("last_day", "%Y-%m-%d")):
        cells[column] = pd.to_datetime(cells[column]).dt.strftime(form)
    cells["agency"] = [unicodedata.normalize("NFC", text).strip() if isinstance(text, str) else None for text in cells["agency"]]
    cells["shape"] = cells["shape"].fillna("")
    for column in ("reason", "agency", "procedure", "month"):
        cells[column] = cells[column].astype(object).where(cells[column].notna(), None)
    return cells.fillna({"online": 0, "assisted": 0, "serials": 0, "simulated": False})


def row_numbers(found: Spool, places: object) -> list[int]:
    """Places as DuckDB hands them over (nothing where there is none) as row numbers of the file."""
    return [found.row(place) for place in places] if isinstance(places, (list, np.ndarray)) else []
