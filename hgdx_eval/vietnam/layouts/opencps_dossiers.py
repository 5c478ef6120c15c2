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
from ...read.database import literal, nfc, shape_sql
from ...read.headers import find_header
from ...read.spool import keyed
from ...read.tables import Opening
from ..dossier_dates import DAY_FIRST, LATER, TEXT, TWO_DIGITS, YEAR_FIRST, DateForm, day_sql, first_form, form_sql, read_sql
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
BESIDES = ("due", "done")  # dates that tell how long it took
STAFF_MARK = "cán bộ nộp thay"
YES = ("có", "x", "1", "true", "yes", "y", "trực tuyến", "online", "✓", "✔", "☑")
NO = ("không", "0", "false", "no", "n", "trực tiếp", "một cửa", "☐")
MORE_YES = (  # with brackets, dashes and doubled spaces taken for one space
    "trực tuyến toàn trình", "trực tuyến một phần", "toàn trình", "một phần", "có toàn trình", "có một phần", "nộp trực tuyến",
    "hồ sơ trực tuyến", "dịch vụ công trực tuyến toàn trình", "dịch vụ công trực tuyến một phần", "dvc trực tuyến toàn trình",
    "dvc trực tuyến một phần", "dvctt toàn trình", "dvctt một phần", "mức 3", "mức 4", "mức độ 3", "mức độ 4", "có mức 3", "có mức 4",
    "có mức độ 3", "có mức độ 4", "trực tuyến mức 3", "trực tuyến mức 4", "trực tuyến mức độ 3", "trực tuyến mức độ 4",
)  # fmt: skip
MORE_NO = ("nộp trực tiếp", "tại quầy", "nộp tại quầy", "trực tiếp tại quầy", "tại một cửa", "nộp tại một cửa", "bộ phận một cửa",
           "bưu chính", "bưu chính công ích", "qua bưu chính", "qua bưu chính công ích", "bưu điện", "không trực tuyến")  # fmt: skip
ANSWERS = ("Có, Không; Trực tuyến (toàn trình, một phần), Trực tiếp, Bưu chính; Mức 3, Mức 4; Y, N; true, false; 1, 0; x, ✓ "
           "(an empty cell: not online)")  # fmt: skip
COUNTER, ONLINE, BLANK = range(3)  # what the column says; neither: NULL
COLUMN_NUMBER = "\\(?[0-9]{1,2}\\)?"  # of a row (1), (2), ... below a printed header
SCIENTIFIC, DIGITS = "[0-9]([.,][0-9]+)?[eE]\\+?[0-9]{1,2}", 15  # a spreadsheet keeps so many digits of a number


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


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def answer_sql() -> str:
    """COUNTER, ONLINE or BLANK of a text `said` in lower case; NULL for what is none of the words. Every expression stands once: what
    stands twice is computed for all rows."""
    words = {word: code for told, code in (((*YES, *MORE_YES), ONLINE), ((*NO, *MORE_NO), COUNTER)) for word in either(*told)}
    plain = "trim(regexp_replace(said, '[\\s()\\[\\].,;:_–-]+', ' ', 'g'))"
    found = f"list_position([{', '.join(map(literal, words))}], {plain})"
    return (f"CASE WHEN said = 'có' THEN {ONLINE} WHEN said = 'không' THEN {COUNTER} WHEN said IS NULL THEN {BLANK} "
            f"ELSE list_extract([{', '.join(map(str, words.values()))}], {found}) END")  # fmt: skip


def no_dossier_sql(date_column: str) -> str:
    """Why a row in which something is lacking is no dossier's: total_row, repeated_header (the header again, on a printed page),
    column_numbers, note_row (a note or signature); NULL where it may be one."""
    total = literal(f"^\\s*({'|'.join(either('tổng', 'cộng'))})")
    label = tuple(text.lower() for text in (*HEADERS["dossier"], *HEADERS[date_column]))
    numbers = f"regexp_full_match(concat_ws(' ', number, procedure, agency), '{COLUMN_NUMBER}( {COLUMN_NUMBER}){{2}}')"
    return f"""CASE WHEN regexp_matches(lower(concat_ws(' ', number, procedure, agency)), {total}) THEN 'total_row'
            WHEN list_has_any([{one_of(label)[1:-1]}], [lower(number), lower(date_cell)]) THEN 'repeated_header'
            WHEN {numbers} THEN 'column_numbers'
            WHEN procedure IS NULL AND agency IS NULL AND date_cell IS NULL THEN 'note_row' END"""


def rounded_sql() -> str:
    """Whether a dossier's number has lost digits in a spreadsheet: 2.02E+12, or zeros from the 16th digit on."""
    zeros = f"length(number) > {DIGITS} AND ends_with(number, '0') AND regexp_full_match(number, '[0-9]{{{DIGITS}}}0+')"
    return f"CASE WHEN number < ':' THEN ({zeros}) OR (contains(number, '+') AND regexp_full_match(number, '{SCIENTIFIC}')) ELSE false END"


def kept(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], date_column: str, file: str, reading: DateForm = DAY_FIRST) -> str:
    """SQL over a spool's relation `text`, one row per row of the file: place, dossier (keyed hash), procedure, agency, day, answer (of
    COUNTER, ONLINE, BLANK), assisted, simulated, days (calendar days from receipt to completion, NULL where not told or negative),
    on_time (completed by the day of the appointment, or that it was extended to; NULL where not told), form (of the day's cell, as
    `dossier_dates` names them), due_form, done_form (codes of `check_besides`, NULL where not told), rounded (the dossier's number lost
    digits), fault (why the row cannot be used, else NULL) and, where a cell could not be read, its shape.

    Raises InputError where the header is not this layout's.
    """
    needed = set(NEEDED) | {date_column}
    if missing := [HEADERS[column][0] for column in HEADERS if column in needed and column not in columns]:
        raise InputError(f"{file}: no known header: the columns {', '.join(missing)} are missing; "
                         f"opencps_dossiers needs {', '.join(HEADERS[c][0] for c in NEEDED)}")  # fmt: skip
    note = starts("filing_note", STAFF_MARK) if "filing_note" in columns else "false"
    made_up = f"coalesce(detail = '{SIMULATED_MARK}', false)" if "detail" in columns else "false"
    firsts = {name: first_form(con, name, reading) for name in ("received", "submitted", "due", "extended", "done")
              if name in columns and (name != "submitted" or date_column == name)}  # fmt: skip
    usual = YEAR_FIRST if firsts[date_column].startswith("%Y") else TEXT
    attempts = "".join(f", TRY_STRPTIME({name}, '{first}') AS {name}_at" for name, first in firsts.items())
    days = "".join(f", {read_sql(name, name + '_at', reading)} AS {name}_day" for name in firsts)
    return f"""
    WITH tried AS (SELECT *, lower("online") AS said{attempts} FROM text),
    dated AS (SELECT *{days} FROM tried),
    typed AS (
      SELECT place, {nfc("dossier")} AS number, {nfc("procedure")} AS procedure, agency, {date_column} AS date_cell,
        "online" AS online_cell, {answer_sql()} AS answer, {note} AS assisted, {made_up} AS simulated, {date_column}_day AS day,
        {form_sql(date_column, f"{date_column}_at", f"{date_column}_day", reading, usual)} AS form,
        {processing_sql(tuple(firsts), date_column, reading)}
      FROM dated),
    judged AS (
      SELECT *, CASE WHEN procedure IS NULL OR agency IS NULL OR day IS NULL OR number IS NULL THEN coalesce({no_dossier_sql(date_column)},
            CASE WHEN number IS NULL THEN 'no_dossier_number' WHEN procedure IS NULL THEN 'no_procedure'
              WHEN agency IS NULL THEN 'no_agency' ELSE 'unreadable_date' END)
          WHEN day < DATE '2000-01-01' THEN CASE WHEN form = {TWO_DIGITS} THEN 'unreadable_date' ELSE 'early_date' END
          WHEN day > DATE '{month_end(periods.today())}' THEN 'future_date'
          WHEN answer IS NULL THEN
            CASE WHEN regexp_full_match(online_cell, '[23]') THEN 'unclear_online' ELSE 'unreadable_online' END END AS fault
      FROM typed)
    SELECT place, {keyed("number")} AS dossier, procedure, agency, day, CAST(answer AS UTINYINT) AS answer, assisted, simulated,
      CASE WHEN done >= coalesce(received, day) THEN CAST(done - coalesce(received, day) AS INTEGER) END AS days,
      CASE WHEN done >= coalesce(received, day) THEN done <= due END AS on_time,
      CAST(form AS UTINYINT) AS form, due_form, done_form, {rounded_sql()} AS rounded, fault,
      CASE WHEN fault = 'unreadable_date' THEN {shape_sql("date_cell")} WHEN fault = 'unreadable_online' THEN {shape_sql("online_cell")}
        END AS shape
    FROM judged"""


def processing_sql(names: tuple[str, ...], date_column: str, reading: DateForm) -> str:
    """SQL of the days received (where another day dates the dossier), due and done, and due_form, done_form, each NULL where the file has
    no such column. `names`: the columns of dates."""
    has = [name for name in names if name != date_column]
    nothing = "CAST(NULL AS DATE)"
    due = [f"{name}_day" for name in ("extended", "due") if name in has]
    told = {"received": "received_day" if "received" in has else nothing, "due": f"coalesce({', '.join(due)}, NULL)" if due else nothing,
            "done": "done_day" if "done" in has else nothing}  # fmt: skip
    for name in BESIDES:
        code = "NULL"
        if name in has:
            form = form_sql(name, f"{name}_at", f"{name}_day", reading, None)
            code = f"{form} + CASE WHEN day({name}_day) > 12 THEN {LATER} ELSE 0 END"
        told[f"{name}_form"] = f"CAST({code} AS UTINYINT)"
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


def content_kept(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], reading: DateForm = DAY_FIRST) -> str:
    """SQL over a spool's relation `text`: place, dossier (keyed hash), procedure, agency and what there is of the dates (DATE)."""
    days = "".join(f", {day_sql(name, first_form(con, name, reading), reading)} AS {name}" for name in DATES if name in columns)
    return f"""SELECT place, {keyed(nfc("dossier"))} AS dossier, {nfc("procedure")} AS procedure,
               {nfc("agency")} AS agency{days} FROM text"""


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
