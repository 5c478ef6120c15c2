"""Dates of dossier lists: the forms that offices write, as SQL, and whether a whole column agrees on one reading.

A cell alone does not tell 3 July from 7 March; its column does. So cells are read day first, every cell's form and day are counted,
and `judged` looks at all of them: a column that is month first throughout is read again that way, one in which both readings
occur, or in which a spreadsheet swapped day and month, is refused. The limits are those of docs/decisions/0020-spoilt-lists.md.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.telling import row_text
from ..read.database import literal

SAMPLE = 400  # rows by which the form of dates is told
COMMON = (  # read by the database alone: the one that most of the first rows are written in is tried first
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%Y",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d",
    "%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y",
)  # fmt: skip
TOLD = ("13/07/2023, 13-07-2023, 13.07.2023, 2023-07-13, 2023/07/13, each with or without a time (07:30, 07:30:00, 2:30:00 CH, PM) "
        "behind or before it, 2023-07-13T07:30:00+07:00, a spreadsheet's number of a day")  # fmt: skip
TIME = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:\s*(?:SA|CH|AM|PM|Sáng|Chiều))?"
TIMED = rf"(?i)^(?:{TIME},?\s+)?(\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}})(?:(?:,?\s+|T){TIME})?$"
ZONED = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(?:[Zz]|([+-]\d\d):?(\d\d)?)"
SERIAL = r"[0-9]{5}([.,][0-9]*)?"
HOURS = 7  # of Asia/Ho_Chi_Minh before UTC, all year and since 1975: no machine's zone matters
TEXT, YEAR_FIRST, NUMBER, OTHER_ORDER, TWO_DIGITS, ZONE = range(1, 7)  # forms of a cell; OTHER_ORDER: a date only if read the other way
LATER = 16  # added to a form where the day is above 12, in the columns of which nothing else is kept
MOST_ODD, FEWEST_ODD = 0.005, 5  # share and number of rows up to which they are slips of a hand, set aside one by one
WHOLE_ORDER = 0.2  # of a column that is month first throughout, 19 days in 31 prove it
ENOUGH = 30  # dates: (12/31)^30 that all of their days are at most 12
DIFFERENT = 8  # days among them: many dossiers of a day are one draw
MOST_TYPED = 0.05  # share of a column up to which another form is one clerk's of a few days
MANY = 100  # dates on both sides by which weekends tell
MOST_YEARS = 15  # in a column of two-digit years; more of them are days
ANCIENT = "DATE '0100-01-01'"  # what 13/07/23 is before, read as it stands
FIRST_DAY = np.datetime64("2000-01-01")


@dataclass(frozen=True)
class DateForm:
    """How a list's dates are read: `month_first` (07/13/2023), `two_digits` (13/07/23)."""

    month_first: bool = False
    two_digits: bool = False

    def form(self, day_first: str) -> str:
        return day_first.replace("%d/%m", "%m/%d").replace("%d-%m", "%m-%d").replace("%d.%m", "%m.%d") if self.month_first else day_first


DAY_FIRST = DateForm()


def first_form(con: duckdb.DuckDBPyConnection, column: str, reading: DateForm) -> str:
    """The form of COMMON in which most of the first rows are written: a form tried in vain costs more than all else."""
    forms = [reading.form(form) for form in COMMON]
    fits = ", ".join(f"count(TRY_STRPTIME({column}, '{form}'))" for form in forms)
    counts = con.execute(f"SELECT {fits} FROM (SELECT {column} FROM text LIMIT {SAMPLE})").fetchall()[0]
    return forms[counts.index(max(counts))]


def token(column: str) -> str:
    """SQL of the date in a text with a time behind or before it, its parts separated by /."""
    return f"translate(regexp_replace({column}, {literal(TIMED)}, '\\1'), '-.', '//')"


def day_sql(column: str, first: str, reading: DateForm) -> str:
    """The day (DATE) of a text in the form `first`, in another one, or of a spreadsheet's number; NULL where unreadable. Of two-digit
    years that of the first century, unless the column is read so."""
    return read_sql(column, f"TRY_STRPTIME({column}, '{first}')", reading)


def read_sql(column: str, at: str, reading: DateForm) -> str:
    """The same; `at`: SQL of the column's text read in its first form."""
    part = [f"regexp_extract({column}, {literal(ZONED)}, {group})" for group in range(5)]
    away = f"coalesce(TRY_CAST(replace({part[3]}, '+', '') || ':' || coalesce(nullif({part[4]}, ''), '00') AS INTERVAL), INTERVAL 0 HOUR)"
    day = f"""CAST(coalesce({at}, CASE WHEN {column} IS NULL THEN NULL
      WHEN regexp_full_match({column}, {literal(SERIAL)}) THEN
        DATE '1899-12-30' + CAST(left({column}, 5) AS INTEGER)
      WHEN regexp_full_match({column}, {literal(ZONED)}) THEN
        TRY_CAST({part[1]} || ' ' || {part[2]} AS TIMESTAMP) + INTERVAL {HOURS} HOUR - {away}
      ELSE TRY_STRPTIME({token(column)}, ['{reading.form("%d/%m/%Y")}', '%Y/%m/%d']) END) AS DATE)"""
    return f"CASE WHEN {day} < {ANCIENT} THEN CAST({day} + INTERVAL 2000 YEAR AS DATE) ELSE {day} END" if reading.two_digits else day


def form_sql(column: str, at: str, day: str, reading: DateForm, usual: int | None) -> str:
    """The form of a cell (TEXT ...), NULL where it is empty or no date at all. `at`: SQL of its text read in the form that is tried
    first, `day`: of its day, `usual`: what that form is (None: not told, which costs less)."""
    return f"""CASE WHEN {at} IS NULL OR {day} < {ANCIENT} THEN CASE WHEN {column} IS NULL THEN NULL
      WHEN {day} < {ANCIENT} THEN {TWO_DIGITS}
      WHEN {day} IS NULL THEN CASE WHEN TRY_STRPTIME({token(column)}, '{other_order(reading)}') IS NOT NULL THEN {OTHER_ORDER} END
      WHEN regexp_full_match({column}, {literal(SERIAL)}) THEN {NUMBER}
      WHEN regexp_full_match({column}, {literal(ZONED)}) THEN {ZONE}
      WHEN regexp_matches({column}, '^[0-9]{{4}}') THEN {YEAR_FIRST} ELSE {TEXT} END ELSE {usual or "NULL"} END"""


def other_order(reading: DateForm) -> str:
    return "%d/%m/%Y" if reading.month_first else "%m/%d/%Y"


# --- the whole column ----------------------------------------------------------------------------------------------
def judged(days: pd.DataFrame, reading: DateForm, place: str) -> DateForm:
    """The reading in which a column's dates agree: `reading`, or another one in which the list must be read again.

    `days`: one row per form and day of the column: form, day (datetime64, NaT where unreadable), n, row (the first in the file).
    `place`: file and column, as a message names them. Raises InputError where two readings remain.
    """
    told = days[days["form"].notna()]
    counts = told.groupby("form")["n"].sum().reindex(range(1, 7), fill_value=0)
    if many(counts[TWO_DIGITS], counts.sum()):
        return two_digit_years(told, counts, reading, place)
    read = told[told["day"] >= FIRST_DAY].assign(low=lambda frame: frame["day"].dt.day <= 12)
    proving = int(read.loc[(read["form"] == TEXT) & ~read["low"], "n"].sum())
    if many(counts[OTHER_ORDER], counts[TEXT] + counts[OTHER_ORDER]):
        if not reading.month_first and not proving and counts[OTHER_ORDER] >= WHOLE_ORDER * (counts[TEXT] + counts[OTHER_ORDER]):
            return DateForm(True, reading.two_digits)
        refuse_both(told, counts, proving, reading, place)
    check_swapped(read, place)
    return reading


def many(rows: int, whole: int) -> bool:
    """Whether odd cells are more than slips of a hand."""
    return rows >= FEWEST_ODD and rows > MOST_ODD * whole


def two_digit_years(told: pd.DataFrame, counts: pd.Series, reading: DateForm, place: str) -> DateForm:
    """The reading with two-digit years. Raises InputError where other years have four, or where years might be days."""
    short = told[told["form"] == TWO_DIGITS]
    years = short["day"].dt.year.nunique()
    if many(counts.sum() - counts[TWO_DIGITS] - counts[OTHER_ORDER], counts.sum()) or years > MOST_YEARS:
        why = f"{years} different years, which may be days" if years > MOST_YEARS else "others have years of four digits"
        raise InputError(f"{place}: {counts[TWO_DIGITS]} dates have a year of two digits (first: row {row_text(short['row'].min())}), and "
                         f"{why}; allowed: {TOLD}")  # fmt: skip
    return DateForm(reading.month_first, True)


def refuse_both(told: pd.DataFrame, counts: pd.Series, proving: int, reading: DateForm, place: str) -> None:
    """Raises InputError for a column in which some dates are dates only month first, and others only day first, or may be."""
    order = ("month", "day") if reading.month_first else ("day", "month")
    rows = [told.loc[told["form"] == OTHER_ORDER, "row"].min(), told.loc[(told["form"] == TEXT) & (told["day"].dt.day > 12), "row"].min()]
    first = "" if pd.isna(rows[1]) else f" (first: row {row_text(rows[1])})"
    raise InputError(f"{place}: day and month cannot be told apart: {counts[OTHER_ORDER]} dates are dates only {order[1]} first "
                     f"(first: row {row_text(rows[0])}), {proving} only {order[0]} first{first}, and {counts[TEXT] - proving} may be "
                     f"either (03/07/2023: 3 July or 7 March); write all of them one way; allowed: {TOLD}")  # fmt: skip


def check_swapped(read: pd.DataFrame, place: str) -> None:
    """Raises InputError where a spreadsheet has swapped day and month of the dates that allow it, those of days up to 12: all real dates
    then have such a day, all others stayed text; or they fall on weekends and into months in which the others do not."""
    for form, part in read.groupby("form"):
        months = part["day"].dt.to_period("M").nunique()
        if part["low"].all() and part["n"].sum() >= ENOUGH and months > 1 and told_apart(part["day"]):
            raise swapped(part, f"all {part['n'].sum()} dates {FORM_NAMES[int(form)]}, of {months} months, have a day of at most 12", place)
    low, high = read[read["low"]], read[~read["low"]]
    if min(low["n"].sum(), high["n"].sum()) < MANY:
        return
    often, seldom = (float(part.loc[part["day"].dt.day_of_week > 4, "n"].sum() / part["n"].sum()) for part in (low, high))
    if often >= 0.2 and seldom <= 0.1:
        raise swapped(low, f"{often:.0%} of the dates with a day of at most 12 are weekends, of the others {seldom:.0%}", place)
    month = pd.Timedelta(days=31)
    beyond = low[(low["day"] > high["day"].max() + month) | (low["day"] < high["day"].min() - month)]
    if beyond["n"].sum() >= 2 * FEWEST_ODD and many(beyond["n"].sum(), low["n"].sum()):
        raise swapped(beyond, f"{beyond['n'].sum()} dates with a day of at most 12 lie more than a month before or after all others", place)


def told_apart(days: pd.Series) -> bool:
    """Whether days are so many different ones that all of them up to the 12th is no chance; all on the first stand for their months."""
    return days.nunique() >= DIFFERENT and days.dt.day.nunique() > 1


FORM_NAMES = {TEXT: "written as text", YEAR_FIRST: "with the year first", NUMBER: "that are a spreadsheet's numbers", ZONE: "with a zone",
              TWO_DIGITS: "with years of two digits"}  # fmt: skip


def swapped(part: pd.DataFrame, seen: str, place: str) -> InputError:
    return InputError(f"{place}: day and month seem swapped, as when a spreadsheet that expects the month first opened the list: {seen} "
                      f"(first: row {row_text(part['row'].min())}). Two readings of one cell: 2023-03-07 is 7 March, and was 3 July; "
                      f"export the list again and read that file as it comes, unopened; allowed: {TOLD}")  # fmt: skip


def check_besides(codes: dict[int, int], whole: int, reading: DateForm, place: str) -> None:
    """The same of a column that dates no dossier (appointment, completion). `codes`: of cells that are not in its usual form, their form,
    plus LATER where the day is above 12 -> number; `whole`: rows of the list. Raises InputError."""
    form = {name: (codes.get(name, 0), codes.get(name + LATER, 0)) for name in range(1, 7)}
    for name, what in ((OTHER_ORDER, f"dates only {'day' if reading.month_first else 'month'} first"), (TWO_DIGITS, "of two-digit years")):
        if many(sum(form[name]), whole):
            raise InputError(f"{place}: {sum(form[name])} of {whole} are {what}, unlike the dates by which dossiers are counted; write all "
                             f"dates of a list one way; allowed: {TOLD}")  # fmt: skip
    for name, (low, high) in form.items():
        if low + high >= max(ENOUGH, MOST_TYPED * whole) and not (low and high):
            raise InputError(f"{place}: day and month seem swapped by a spreadsheet: all {low + high} dates {FORM_NAMES[name]} "
                             f"have a day {'of at most' if low else 'above'} 12; export the list again and read that file "
                             f"as it comes, unopened")  # fmt: skip
