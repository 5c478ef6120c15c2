"""A user's CSV of few lines, cell by cell: periods, amounts, shares."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ...base import periods
from ...base.errors import InputError
from ...base.machine import reading
from ...base.periods import PATTERNS, parse_period, written
from ...base.telling import looks_personal, told_cell

MOST_BYTES = 1_000_000

# 1.234 or 12,500: thousands to one reader, decimals to another.
TWO_WAYS = re.compile(r"-?[1-9]\d{0,2}([.,]\d{3})+")
SEPARATORS = ",;\t"


def csv_rows(path: Path, what: str, check: Callable[[list[str], str], None]) -> list[tuple[int, dict[str, str]]]:
    """The rows that are not empty of a small CSV that somebody wrote by hand: (row as a spreadsheet numbers it, cells by column).

    `check` raises InputError for a header (lower case) of a file of that name that cannot be. Raises InputError: no such file,
    too large, not UTF-8, quotes that do not close, rows longer or shorter than the header.
    """
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path.name}: there is no such {what}")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name}: {path.stat().st_size} bytes; allowed: {MOST_BYTES}")
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8 text; allowed: a CSV saved as UTF-8 (Excel: CSV UTF-8)") from None
    head = text.splitlines()[0] if text.strip() else ""
    separator = max(SEPARATORS, key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)) or [[]]
    except csv.Error:
        raise InputError(f"{path.name}: not a CSV table; a quote is not closed, or stands inside a cell") from None
    header = [cell.strip().lower() for cell in lines[0]]
    check(header, path.name)
    filled = [(number, cells) for number, cells in enumerate(lines[1:], start=2) if any(cell.strip() for cell in cells)]
    for number, cells in filled:
        if len(cells) != len(header):
            raise InputError(f"{path.name}: row {number}: {len(cells)} cells, but the header has {len(header)}; a cell with the separator "
                             f"in it goes in quotes")  # fmt: skip
    return [(number, dict(zip(header, (cell.strip() for cell in cells), strict=True))) for number, cells in filled]


def period_in_past(text: str, place: str) -> pd.Period:
    period = period_of(text, place)
    if period.start_time.date() > periods.today():
        raise InputError(f"{place}: period: {written(period)} has not begun; allowed: periods up to today")
    return period


def period_of(text: str, place: str) -> pd.Period:
    """A year, quarter, month, week or day, as it was written."""
    for kind, pattern in PATTERNS:
        if re.fullmatch(pattern, text):
            try:
                if kind == "D":
                    day = parse_period(text, "M", place)  # checks the day's numbers
                    numbers = re.fullmatch(pattern, text).groupdict()
                    return pd.Period(year=day.year, month=day.month, day=int(numbers["d"]), freq="D")
                return parse_period(text, kind, place)
            except (InputError, ValueError):
                continue
    raise InputError(f"{place}: period: {told(text)}; allowed: {periods.FORMS}")


def amount_of(text: str, unit: str, place: str) -> tuple[float, bool]:
    """(number, whether it was rewritten). A share is returned as 0-1. Raises InputError for what can be read in two ways."""
    plain = text.replace("\u00a0", "").replace(" ", "").replace("\u2212", "-")
    percent = plain.endswith("%")
    plain = plain.removesuffix("%")
    rate = percent or unit in ("share", "percent")
    if not re.fullmatch(r"[+-]?\d+([.,]\d+)*", plain):
        raise InputError(f"{place}: {told(text)} is not a number; allowed: 30%, 0.3, 1234")
    if not rate and TWO_WAYS.fullmatch(plain) or plain.count(".") + plain.count(",") > 1:
        raise InputError(f"{place}: {told(text)} can be read in two ways; allowed: no separator of thousands, as in 1234 or 1234.5")
    number = float(plain.replace(",", "."))
    if number < 0:
        raise InputError(f"{place}: {told(text)} is negative; allowed: 0 or more")
    if percent and unit not in ("share", "percent", ""):
        raise InputError(f"{place}: {told(text)}, but unit is {unit}; allowed: a number without %")
    if not rate and not unit:
        raise InputError(f"{place}: {told(text)} without a unit can be read in two ways; allowed: a % sign, as in 30%, "
                         f"or unit share, percent, count or VND")  # fmt: skip
    return share_of(number, percent, unit, text, place) if rate else (number, False)


def share_of(number: float, percent: bool, unit: str, text: str, place: str) -> tuple[float, bool]:
    """A share 0-1 of what was written, and whether that is another number."""
    if number > 100:
        raise InputError(f"{place}: {told(text)} is above 100%; allowed: 0% to 100%")
    if not percent and unit == "percent" and 0 < number <= 1:
        raise InputError(f"{place}: {told(text)} with unit percent can be read in two ways; allowed: with a % sign, as in 0.9% or 90%")
    if not percent and unit == "share" and 1 < number < 2:
        raise InputError(f"{place}: {told(text)} with unit share is above 1; allowed: 0 to 1, or with a % sign")
    return (number, False) if unit == "share" and not percent and number <= 1 else (round(number / 100, 12), number != 0)


def told(text: str) -> str:
    """A cell as a message may quote it: a name as indicators have that looks like nobody's, or what `telling` quotes; else its shape."""
    label = re.fullmatch(r"[a-z0-9_]{1,40}", text) is not None and not looks_personal(text)
    return repr(text) if label else told_cell(text)
