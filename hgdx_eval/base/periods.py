"""Days, weeks, months, quarters and years as people write them, and how they are written here."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

import pandas as pd

from .errors import InputError
from .telling import told_cell
from .zones import in_zone

FORMS = "dates, 2011, 2011-07, 2011Q3, Q32011, 202307, 2023-W10"
NEVER = {"", "0", "0.0", "inf", "infinity", "nan", "none", "null", "never"}
PATTERNS = (  # (what it names, pattern with groups y, q, m, w, d)
    ("Y", r"(?P<y>\d{4})"),
    ("Q", r"(?P<y>\d{4})[-/ ]?[qQ](?P<q>[1-4])"),
    ("Q", r"[qQ](?P<q>[1-4])[-/ ]?(?P<y>\d{4})"),
    ("M", r"(?P<y>\d{4})[-/](?P<m>\d{1,2})"),
    ("M", r"(?P<y>\d{4})(?P<m>\d{2})"),
    ("M", r"(?P<m>\d{1,2})/(?P<y>\d{4})"),
    ("W", r"(?P<y>\d{4})[-/ ]?[wW](?P<w>\d{1,2})"),
    ("W", r"[wW](?P<w>\d{1,2})[-/ ]?(?P<y>\d{4})"),
    ("D", r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ].*)?"),
    ("D", r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?: .*)?"),
    ("D", r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)
FINER = {"Y": "YQMD", "Q": "QMD", "M": "MD", "W": "WD", "D": "D"}
NAMES = {"Y": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day"}
PER_YEAR = {"D": 365, "W": 52, "M": 12, "Q": 4, "Y": 1}  # periods
HALF_YEAR = {"D": 182, "W": 26, "M": 6, "Q": 2, "Y": 1}  # of years, half is the whole; of days, whole weeks: weekdays stay where they are


def written(period: pd.Period) -> str:
    """A period as tables and messages have it: 2023, 2023Q3, 2023-07, 2023-W10 (ISO, Monday to Sunday), 2023-03-13; `period_of` reads it.

    Texts of one frequency sort as their periods do.
    """
    if period.freqstr[0] != "W":
        return str(period)
    year, week, _ = period.start_time.isocalendar()
    return f"{year}-W{week:02}"


def written_all(periods: pd.Series | pd.PeriodIndex) -> pd.Series:
    """`written` for a column, each distinct period once; the index is kept."""
    column = periods if isinstance(periods, pd.Series) else pd.Series(periods)
    return column.map({period: written(period) for period in column.unique()}).astype(object)


def period_of(text: str) -> pd.Period:
    """The period that `written` wrote, its frequency told by its form. Raises InputError for another text."""
    for kind, form in (("Y", r"\d{4}"), ("Q", r"\d{4}Q[1-4]"), ("M", r"\d{4}-\d{2}"), ("W", r"\d{4}-W\d{2}"), ("D", r"\d{4}-\d{2}-\d{2}")):
        if re.fullmatch(form, text):
            return parse_period(text, kind, "a period")
    raise InputError(f"{told_cell(text)} is not a period; allowed: 2023, 2023Q3, 2023-07, 2023-W10, 2023-03-13")


def year_of(period: pd.Period) -> int:
    """The year that a period is counted in; of a week that of its Thursday (ISO 8601)."""
    return period.start_time.isocalendar()[0] if period.freqstr[0] == "W" else period.year


def told_span(periods: Iterable[pd.Period]) -> str:
    """How many periods, and from when to when: 6 quarters, 2010Q4 to 2012Q1."""
    found = sorted(set(periods))
    if not found:
        return "no period"
    what = NAMES.get(found[0].freqstr[0], "period") + ("s" if len(found) > 1 else "")
    return f"{len(found)} {what}, {written(found[0])}" + (f" to {written(found[-1])}" if len(found) > 1 else "")


def parse_period(text: object, frequency: str, place: str, cell: bool = False) -> pd.Period:
    """A period of a frequency (D, W, M, Q or Y). `place` (file, row or key) opens the error. `cell`: of a table, not typed by the analyst:
    then what is no period is quoted only where it can be nobody's name or number.

    Raises InputError for text that is no period, or one coarser than the frequency (a year where months are asked).
    """
    if isinstance(text, (date, datetime, pd.Timestamp)):
        return pd.Period(pd.Timestamp(text), freq=frequency)
    plain = re.sub(r"\.0$", "", str(text).strip())
    for kind, pattern in PATTERNS:
        match = re.fullmatch(pattern, plain)
        if match is None:
            continue
        part = {key: int(value) for key, value in match.groupdict().items()}
        if (day := first_day(part)) is None:
            continue
        if kind not in FINER[frequency]:
            raise InputError(f"{place}: {plain!r} is a {NAMES[kind]}, but the frequency is {frequency}")
        return pd.Period(pd.Timestamp(day), freq=frequency)
    found = told_cell(plain) if cell else repr(plain)
    raise InputError(f"{place}: {found} is not a period; understood: {FORMS}")


def first_day(part: dict[str, int]) -> date | None:
    """The first day of what the numbers of a text name; None where there is no such day."""
    if not 1000 <= part["y"] <= 2999:
        return None
    try:
        if "w" in part:
            return date.fromisocalendar(part["y"], part["w"], 1)
        return date(part["y"], part.get("m", 3 * part["q"] - 2 if "q" in part else 1), part.get("d", 1))
    except ValueError:
        return None


def is_never(text: object) -> bool:
    """True for an empty cell, 0 and infinity: a unit that is never treated."""
    return text is None or str(text).strip().lower() in NEVER


def first_whole_period(day: date, frequency: str) -> pd.Period:
    """The first period wholly in force from a day: its own where the day opens it, else the next."""
    period = pd.Period(pd.Timestamp(day), freq=frequency)
    return period if period.start_time.date() == day else period + 1


DAY: ContextVar[date | None] = ContextVar("DAY", default=None)


def today() -> date:
    """The day on which the program runs, or whose run it repeats."""
    return DAY.get() or date.today()


def day_in(zone: str, moment: datetime) -> date:
    """The day of a moment in a time zone, or that of the run which the program repeats."""
    return DAY.get() or in_zone(moment, zone).date()


@contextmanager
def on(day: date) -> Iterator[None]:
    """As if it were that day: what a file's rows mean can depend on it (a month to come)."""
    before = DAY.set(day)
    try:
        yield
    finally:
        DAY.reset(before)


def months_since(newest: pd.Period, day: date) -> int:
    """Whole and begun months from a period's last one to the month of `day`: 0 while that month lasts."""
    return pd.Period(pd.Timestamp(day), freq="M").ordinal - newest.asfreq("M", how="end").ordinal
