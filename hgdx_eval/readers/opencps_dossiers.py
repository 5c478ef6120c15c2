"""The OpenCPS dossier list: one row a dossier, 24 columns, most of them personal.

Six columns are looked at; dossier numbers only find duplicates and notes only tell who filed, and neither leaves.
"""

from datetime import date
from pathlib import Path

from ..errors import InputError
from ..files import Opening, RawTable, find_header, header_key, open_table
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
}
NEEDED = ("dossier", "procedure", "agency", "received", "online")
STAFF_MARK = "cán bộ nộp thay"
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


def open_dossiers(path: Path, date_column: str = "received") -> RawTable:
    """The export with a view `dossiers`: row, dossier (hash), procedure, agency, day (DATE), online, assisted,
    simulated, is_serial (BOOLEAN), reason (why a row is rejected, else NULL), cell (what could not be read: only its shape
    may be told).

    Raises InputError where the header is not this layout's, and what `open_table` raises.
    """
    raw = open_table(path, HEADERS)
    needed = set(NEEDED) | {date_column}
    if missing := [HEADERS[column][0] for column in HEADERS if column in needed and column not in raw.columns]:
        raise InputError(f"{path.name}: no known header: the columns {', '.join(missing)} are missing; "
                         f"opencps_dossiers needs {', '.join(HEADERS[c][0] for c in NEEDED)}")  # fmt: skip
    raw.con.execute(f"CREATE VIEW dossiers AS {dossiers_sql(raw.columns, date_column)}")
    return raw


def dossiers_sql(columns: tuple[str, ...], date_column: str) -> str:
    """One row per row of the file, typed, with the reason where it cannot be used."""
    forms = "[" + ", ".join(f"'{form}'" for form in DATE_FORMS) + "]"
    serial = f"TRY_CAST({date_column} AS DOUBLE)"
    text = 'lower("online")'
    note = "lower(coalesce(filing_note, ''))" if "filing_note" in columns else "''"
    detail = "coalesce(detail, '')" if "detail" in columns else "''"
    listed = {name: "(" + ", ".join(f"'{word}'" for word in words) + ")" for name, words in (("y", YES), ("n", NO))}
    return f"""
    WITH typed AS (
      SELECT row, hash(dossier) AS dossier, dossier IS NULL AS nameless, procedure, agency,
        regexp_matches(lower(coalesce(dossier, '') || coalesce(procedure, '') || coalesce(agency, '')), '^\\s*(tổng|cộng)')
          OR (procedure IS NULL AND agency IS NULL AND {date_column} IS NULL) AS total,
        CASE WHEN {serial} BETWEEN 20000 AND 80000 THEN DATE '1899-12-30' + CAST(floor({serial}) AS INTEGER)
             ELSE CAST(TRY_STRPTIME({date_column}, {forms}) AS DATE) END AS day,
        {serial} IS NOT NULL AS is_serial,
        CASE WHEN "online" IS NULL THEN false WHEN {text} IN {listed["y"]} THEN true
             WHEN {text} IN {listed["n"]} THEN false END AS online,
        {date_column} AS date_cell, "online" AS online_cell,
        starts_with({note}, '{STAFF_MARK}') AS assisted, {detail} = '{SIMULATED_MARK}' AS simulated
      FROM raw),
    judged AS (
      SELECT *, CASE WHEN total THEN 'total_row' WHEN nameless THEN 'no_dossier_number'
             WHEN procedure IS NULL THEN 'no_procedure' WHEN agency IS NULL THEN 'no_agency'
             WHEN day IS NULL OR day < DATE '2000-01-01' THEN 'unreadable_date'
             WHEN date_trunc('month', day) > DATE '{date.today().isoformat()}' THEN 'future_date'
             WHEN online IS NULL THEN 'unreadable_online' END AS fault
      FROM typed)
    SELECT row, dossier, procedure, agency, day, online, assisted, simulated, is_serial,
      CASE fault WHEN 'unreadable_date' THEN date_cell WHEN 'unreadable_online' THEN online_cell END AS cell,
      CASE WHEN fault IS NOT NULL THEN fault
           WHEN row_number() OVER (PARTITION BY dossier, fault IS NULL ORDER BY row) > 1 THEN 'duplicate' END AS reason
    FROM judged"""


# --- what `check` asks besides: dates in order, repeats by month ---------------------------------------------------

DATE_HEADERS = {"done": ("Ngày hoàn thành",), "returned": ("Ngày trả",)}
ORDER = {  # fault -> (dates it needs, when); by whole days, for a counter often writes no time
    "received_before_submitted": (("submitted", "received"), "received < submitted"),
    "done_before_received": (("received", "done"), "done < received"),
    "returned_before_done": (("done", "returned"), "returned < done"),
    "submitted_in_future": (("submitted",), "submitted > today"),
    "done_in_future": (("done",), "done > today"),
}


def open_content(path: Path) -> RawTable:
    """Relation `raw` as in `open_dossiers`, of what check asks besides: dossier, procedure, agency and what there is of the dates.

    Raises what `open_table` raises.
    """
    wanted = {name: HEADERS[name] for name in ("dossier", "procedure", "agency", "submitted", "received")}
    return open_table(path, {**wanted, **DATE_HEADERS})


def day_sql(column: str) -> str:
    """The day (DATE) of a text in one of DATE_FORMS or of an Excel number; NULL where unreadable or out of 2000 to 2100."""
    forms = "[" + ", ".join(f"'{form}'" for form in DATE_FORMS) + "]"
    serial = f"TRY_CAST({column} AS DOUBLE)"
    day = (f"CASE WHEN {serial} BETWEEN 36526 AND 73051 THEN DATE '1899-12-30' + CAST(floor({serial}) AS INTEGER) "
           f"ELSE CAST(TRY_STRPTIME({column}, {forms}) AS DATE) END")  # fmt: skip
    return f"CASE WHEN {day} BETWEEN DATE '2000-01-01' AND DATE '2100-12-31' THEN {day} END"


def date_order_sql(columns: tuple[str, ...], examples: int, today: date) -> str:
    """One row per fault of ORDER that can be looked for: fault, rows (0 too), the first row numbers. Against `raw`."""
    dates = [name for name in ("submitted", "received", "done", "returned") if name in columns]
    days = ", ".join(f"{day_sql(name)} AS {name}" for name in dates)
    late = " WHERE received <= today OR received IS NULL" if "received" in dates else ""  # one received later is refused as such
    parts = [f"SELECT '{fault}' AS fault, count(*) FILTER (WHERE {when}) AS rows, min(row, {examples}) FILTER (WHERE {when}) AS examples "
             f"FROM days{late}" for fault, (needed, when) in ORDER.items() if set(needed) <= set(dates)]  # fmt: skip
    return f"WITH days AS (SELECT row, DATE '{today.isoformat()}' AS today, {days} FROM raw) {' UNION ALL '.join(parts)}"


def repeats_sql() -> str:
    """One row per month of receipt with repeated dossier numbers: month, rows, again (rows whose number came before). Against `raw`."""
    return f"""SELECT strftime({day_sql("received")}, '%Y-%m') AS month, count(*) AS rows, count(*) - count(DISTINCT dossier) AS again
               FROM raw WHERE dossier IS NOT NULL GROUP BY month HAVING again > 0 AND month IS NOT NULL ORDER BY month"""
