"""Months, quarters and years as people write them."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

import pandas as pd

from .errors import InputError
from .telling import told_cell

FORMS = "dates, 2011, 2011-07, 2011Q3, Q32011, 202307"
NEVER = {"", "0", "0.0", "inf", "infinity", "nan", "none", "null", "never"}
PATTERNS = (  # (what it names, pattern with groups y, q, m, d)
    ("Y", r"(?P<y>\d{4})"),
    ("Q", r"(?P<y>\d{4})[-/ ]?[qQ](?P<q>[1-4])"),
    ("Q", r"[qQ](?P<q>[1-4])[-/ ]?(?P<y>\d{4})"),
    ("M", r"(?P<y>\d{4})[-/](?P<m>\d{1,2})"),
    ("M", r"(?P<y>\d{4})(?P<m>\d{2})"),
    ("M", r"(?P<m>\d{1,2})/(?P<y>\d{4})"),
    ("D", r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ].*)?"),
    ("D", r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?: .*)?"),
    ("D", r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)
FINER = {"Y": "YQMD", "Q": "QMD", "M": "MD", "W": "WD", "D": "D"}
NAMES = {"Y": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day"}
PER_YEAR, HALF_YEAR = {"M": 12, "Q": 4, "Y": 1}, {"M": 6, "Q": 2, "Y": 1}  # periods; of a year, half is the whole


def told_span(periods: Iterable[pd.Period]) -> str:
    """How many periods, and from when to when: 6 quarters, 2010Q4 to 2012Q1."""
    found = sorted(set(periods))
    if not found:
        return "no period"
    what = NAMES.get(found[0].freqstr[0], "period") + ("s" if len(found) > 1 else "")
    return f"{len(found)} {what}, {found[0]}" + (f" to {found[-1]}" if len(found) > 1 else "")


def parse_period(text: object, frequency: str, place: str, cell: bool = False) -> pd.Period:
    """A period of frequency M, Q or Y. `place` (file, row or key) opens the error. `cell`: of a table, not typed by the analyst: then
    what is no period is quoted only where it can be nobody's name or number.

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
        month = part.get("m", 3 * part["q"] - 2 if "q" in part else 1)
        if not (1000 <= part["y"] <= 2999 and 1 <= month <= 12 and 1 <= part.get("d", 1) <= 31):
            continue
        if kind not in FINER[frequency]:
            raise InputError(f"{place}: {plain!r} is a {NAMES[kind]}, but the frequency is {frequency}")
        try:
            return pd.Period(pd.Timestamp(part["y"], month, part.get("d", 1)), freq=frequency)
        except ValueError:
            continue
    found = told_cell(plain) if cell else repr(plain)
    raise InputError(f"{place}: {found} is not a period; understood: {FORMS}")


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
