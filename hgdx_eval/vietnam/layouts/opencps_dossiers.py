"""The OpenCPS dossier list: one row a dossier, 24 columns, most of them personal.

Nine columns are looked at; dossier numbers only find duplicates and notes only tell who filed, and neither leaves.
"""

import calendar
import unicodedata
from datetime import date

import duckdb

from ...base import periods
from ...base.errors import InputError
from ...base.safe_text import header_key
from ...read.database import literal, shape_sql
from ...read.headers import find_header
from ...read.spool import keyed
from ...read.tables import Opening
from . import SIMULATED_MARK

HEADERS = {
    "dossier": ("Mã hồ sơ",),
    "procedure": ("Mã thủ tục",),
    "agency": ("Cơ quan thụ lý",),
    "submitted": ("Ngày gửi",),
    "received": ("Ngày tiếp nhận",),
    "online": ("Trực tuyến",),
    "filing_note": ("Ghi chú nộp",),
    "detail": ("Chi tiết nội dung",),
    "due": ("Ngày hẹn trả",),
    "extended": ("Ngày gia hạn",),
    "done": ("Ngày hoàn thành",),
}
NEEDED = ("dossier", "procedure", "agency", "received", "online")
STAFF_MARK = "cán bộ nộp thay"
SAMPLE = 400  # rows by which the form of dates is told
DATE_FORMS = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y",
)  # fmt: skip
YES = ("có", "x", "1", "true", "yes", "trực tuyến", "online", "2")
NO = ("không", "0", "false", "no", "trực tiếp", "một cửa")


def recognise(opening: Opening) -> bool:
    """True where a header holds every needed column."""
    names = {header_key(header): name for name, headers in HEADERS.items() for header in headers}
    return set(NEEDED) <= set(find_header(opening.rows, names)[2])


def either(*words: str) -> list[str]:
    """Words in both Unicode forms: SQL compares a cell as it came."""
    return list(dict.fromkeys(unicodedata.normalize(form, word) for word in words for form in ("NFC", "NFD")))


def one_of(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(literal(word) for word in either(*words)) + ")"


def starts(column: str, word: str) -> str:
    return "coalesce(" + " OR ".join(f"starts_with(lower({column}), {literal(start)})" for start in either(word)) + ", false)"


def date_forms(con: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    """DATE_FORMS, the one in which most of the first rows are written first: a form tried in vain costs more than all else."""
    fits = ", ".join(f"count(TRY_STRPTIME({column}, '{form}'))" for form in DATE_FORMS)
    counts = con.execute(f"SELECT {fits} FROM (SELECT {column} FROM text LIMIT {SAMPLE})").fetchall()[0]
    return sorted(DATE_FORMS, key=lambda form: -counts[DATE_FORMS.index(form)])


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def kept(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], date_column: str, file: str) -> str:
    """SQL over a spool's relation `text`, one row per row of the file: place, dossier (keyed hash), procedure, agency, day, online,
    assisted, simulated, days (calendar days from receipt to completion, NULL where not told or negative), on_time (completed by the
    day of the appointment, or that it was extended to; NULL where not told), is_serial (day told as a spreadsheet's number),
    fault (why it cannot be used, else NULL) and, where a cell could not be read, its shape.

    Raises InputError where the header is not this layout's.
    """
    needed = set(NEEDED) | {date_column}
    if missing := [HEADERS[column][0] for column in HEADERS if column in needed and column not in columns]:
        raise InputError(f"{file}: no known header: the columns {', '.join(missing)} are missing; "
                         f"opencps_dossiers needs {', '.join(HEADERS[c][0] for c in NEEDED)}")  # fmt: skip
    note = starts("filing_note", STAFF_MARK) if "filing_note" in columns else "false"
    made_up = f"coalesce(detail = '{SIMULATED_MARK}', false)" if "detail" in columns else "false"
    start = f"'^\\s*({'|'.join(either('tổng', 'cộng'))})'"
    return f"""
    WITH typed AS (
      SELECT place, nfc_normalize(dossier) AS number, nfc_normalize(procedure) AS procedure, agency, {date_column} AS date_cell,
        "online" AS online_cell, lower("online") AS answer, {note} AS assisted, {made_up} AS simulated,
        {day_sql(date_column, date_forms(con, date_column))} AS day, {processing_sql(con, columns, date_column)}
      FROM text),
    answered AS (
      SELECT *, CASE WHEN answer IS NULL THEN false WHEN answer IN {one_of(YES)} THEN true WHEN answer IN {one_of(NO)} THEN false
        END AS "online" FROM typed),
    judged AS (
      SELECT *, CASE WHEN procedure IS NULL AND agency IS NULL AND date_cell IS NULL THEN 'total_row'
          WHEN (procedure IS NULL OR agency IS NULL OR day IS NULL OR number IS NULL) AND
            regexp_matches(lower(concat_ws(' ', number, procedure, agency)), {start}) THEN 'total_row'
          WHEN number IS NULL THEN 'no_dossier_number' WHEN procedure IS NULL THEN 'no_procedure' WHEN agency IS NULL THEN 'no_agency'
          WHEN day IS NULL OR day < DATE '2000-01-01' THEN 'unreadable_date'
          WHEN day > DATE '{month_end(periods.today())}' THEN 'future_date'
          WHEN "online" IS NULL THEN 'unreadable_online' END AS fault
      FROM answered)
    SELECT place, {keyed("number")} AS dossier, procedure, agency, day, "online", assisted, simulated,
      CASE WHEN done >= coalesce(received, day) THEN CAST(done - coalesce(received, day) AS INTEGER) END AS days,
      CASE WHEN done >= coalesce(received, day) THEN done <= due END AS on_time,
      day IS NOT NULL AND regexp_full_match(date_cell, '[0-9.]+') AS is_serial, fault,
      CASE fault WHEN 'unreadable_date' THEN {shape_sql("date_cell")} WHEN 'unreadable_online' THEN {shape_sql("online_cell")} END AS shape
    FROM judged"""


def processing_sql(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], date_column: str) -> str:
    """SQL of the days received (where another day dates the dossier), due and done, each NULL where the file has no such column."""
    days = {name: day_sql(name, date_forms(con, name)) for name in ("received", "due", "extended", "done")
            if name in columns and name != date_column}  # fmt: skip
    nothing = "CAST(NULL AS DATE)"
    due = [days[name] for name in ("extended", "due") if name in days]
    told = {"received": days.get("received", nothing), "due": f"coalesce({', '.join(due)}, NULL)" if due else nothing,
            "done": days.get("done", nothing)}  # fmt: skip
    return ", ".join(f"{sql} AS {name}" for name, sql in told.items())


# --- what `check` asks besides: dates in order, repeats by month ---------------------------------------------------
DATES = ("submitted", "received", "done", "returned")
DATE_HEADERS = {"done": HEADERS["done"], "returned": ("Ngày trả",)}
ORDER = {  # fault -> (dates it needs, when); by whole days, for a counter often writes no time
    "received_before_submitted": (("submitted", "received"), "received < submitted"),
    "done_before_received": (("received", "done"), "done < received"),
    "returned_before_done": (("done", "returned"), "returned < done"),
    "submitted_in_future": (("submitted",), "submitted > today"),
    "done_in_future": (("done",), "done > today"),
}


def content_kept(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> str:
    """SQL over a spool's relation `text`: place, dossier (keyed hash), procedure, agency and what there is of the dates (DATE)."""
    days = "".join(f", {day_sql(name, date_forms(con, name))} AS {name}" for name in DATES if name in columns)
    return f"""SELECT place, {keyed("nfc_normalize(dossier)")} AS dossier, nfc_normalize(procedure) AS procedure,
               nfc_normalize(agency) AS agency{days} FROM text"""


def day_sql(column: str, forms: list[str]) -> str:
    """The day (DATE) of a text in one of `forms`, the likeliest first, or of a spreadsheet's number; NULL where unreadable."""
    later = "[" + ", ".join(f"'{form}'" for form in forms[1:]) + "]"
    return f"""CAST(coalesce(TRY_STRPTIME({column}, '{forms[0]}'), CASE WHEN {column} IS NULL THEN NULL
      WHEN NOT regexp_full_match({column}, '[0-9.]+') THEN TRY_STRPTIME({column}, {later})
      WHEN TRY_CAST({column} AS DOUBLE) BETWEEN 20000 AND 80000
        THEN DATE '1899-12-30' + CAST(floor(TRY_CAST({column} AS DOUBLE)) AS INTEGER) END) AS DATE)"""


def date_order_sql(columns: tuple[str, ...], examples: int, today: date) -> str:
    """One row per fault of ORDER that can be looked for: fault, rows (0 too), the first places. Against `content`."""
    dates = [name for name in DATES if name in columns]
    days = ", ".join(f"CASE WHEN {name} BETWEEN DATE '2000-01-01' AND DATE '2100-12-31' THEN {name} END AS {name}" for name in dates)
    late = " WHERE received <= today OR received IS NULL" if "received" in dates else ""  # one received later is refused as such
    parts = [f"SELECT '{fault}' AS fault, count(*) FILTER (WHERE {when}) AS rows, min(place, {examples}) FILTER (WHERE {when}) AS examples "
             f"FROM days{late}" for fault, (needed, when) in ORDER.items() if set(needed) <= set(dates)]  # fmt: skip
    parts = parts or ["SELECT '' AS fault, 0 AS rows, [place] AS examples FROM days WHERE false"]  # one date has no order
    return f"WITH days AS (SELECT place, DATE '{today.isoformat()}' AS today, {days} FROM content) {' UNION ALL '.join(parts)}"


def repeats_sql() -> str:
    """One row per month of receipt with repeated dossier numbers: month, rows, again (rows whose number came before). Against `content`."""
    return """SELECT strftime(date_trunc('month', received), '%Y-%m') AS month, count(*) AS rows,
                count(*) - count(DISTINCT dossier) AS again
              FROM content WHERE dossier IS NOT NULL AND received BETWEEN DATE '2000-01-01' AND DATE '2100-12-31'
              GROUP BY month HAVING again > 0 ORDER BY month"""
