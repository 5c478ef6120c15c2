"""A column of periods as people write them: the form is decided for the column as a whole, then each cell is read by it.

`base.periods` reads one period that an analyst typed into a study, where 1/7/2023 is 1 July. In a table the same text may come from a
program that writes the month first, so that the whole column is asked.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ..base import periods
from ..base.errors import InputError
from ..base.periods import FINER, NAMES
from ..base.safe_text import plain_spaces
from ..base.telling import row_text, told_cell
from .database import TYPED
from .readings import Reading

FORMS = ("2023, 2023-07, 07/2023, 202307, 2023M07, Tháng 7/2023, Jul 2023, 2023Q3, Q3 2023, Quý III/2023, 2023-W10, dates "
         "(2023-07-01, 01/07/2023, 1 July 2023)")  # fmt: skip
MONTHS = {name: i for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)}
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
NAME = (r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
        r"nov(?:ember)?|dec(?:ember)?)\.?")  # fmt: skip
YEAR, TIME = r"(?P<y>\d{4})", r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:am|pm|sa|ch))?)?"
ZONE = r"(?P<zone>z| ?utc| ?gmt| ?[+-]\d{2}:?\d{2}|[+-]\d{2})"
SURE = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("Y", rf"(?:(?:năm|nam|year) )?{YEAR}"),
        ("Q", rf"{YEAR}[-/. ]?[qk](?P<q>[1-4])"),
        ("Q", rf"[qk](?P<q>[1-4])[-/. ]?{YEAR}"),
        ("Q", rf"(?:quý|quy|quarter) (?P<q>[1-4]|i{{1,3}}|iv)(?:[-/., ]+| năm | nam ){YEAR}"),
        ("M", rf"{YEAR}[-/. ]?m(?P<m>\d{{1,2}})"),
        ("M", rf"{YEAR}[-/.](?P<m>\d{{1,2}})"),
        ("M", rf"(?P<m>\d{{1,2}})[-/.]{YEAR}"),
        ("M", rf"(?:t|tháng|thang|month|m)[. ]?(?P<m>\d{{1,2}})(?:[-/., ]+| năm | nam ){YEAR}"),
        ("M", rf"{NAME}[-/., ]*{YEAR}"),
        ("M", rf"{YEAR}[-/., ]*{NAME}"),
        ("W", rf"{YEAR}[-/. ]?w(?P<w>\d{{1,2}})"),
        ("W", rf"(?:w|week|tuần|tuan)[. ]?(?P<w>\d{{1,2}})(?:[-/., ]+| năm | nam | of ){YEAR}"),
        ("D", rf"{YEAR}-?w(?P<w>\d{{2}})-?(?P<wd>[1-7])"),
        ("D", rf"{YEAR}[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){TIME}"),
        ("D", rf"(?P<d>\d{{1,2}})[-/. ]*{NAME}[-/., ]*{YEAR}{TIME}"),
        ("D", rf"{NAME} ?(?P<d>\d{{1,2}}),? {YEAR}{TIME}"),
        ("D", rf"(?:ngày|ngay) (?P<d>\d{{1,2}}) (?:tháng|thang) (?P<m>\d{{1,2}}) (?:năm|nam) {YEAR}"),
    )
)
# styles of forms of which the column as a whole must choose one: pattern -> (form, kind, which of its numbers is year, month and day)
OPEN = tuple(
    (name, re.compile(pattern + time, re.IGNORECASE), forms)
    for name, pattern, time, forms in (
        ("three numbers", r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", TIME, (("day/month/year", "D", "dmy"), ("month/day/year", "D", "mdy"))),
        ("two-digit years", r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{2})", TIME,
         (("day/month/year", "D", "dmy"), ("month/day/year", "D", "mdy"), ("year/month/day", "D", "ymd"))),
        ("six digits", r"(\d{2})(\d{2})(\d{2})", "",
         (("year, month", "M", "yym"), ("month, year", "M", "myy"), ("year, month, day", "D", "ymd"), ("day, month, year", "D", "dmy"))),
        ("eight digits", r"(\d{2})(\d{2})(\d{2})(\d{2})", "",
         (("year, month, day", "D", "yymd"), ("day, month, year", "D", "dmyy"), ("month, day, year", "D", "mdyy"))),
        ("named month", NAME.replace("?P<name>", "") + r"[-/. ']+(\d{2})", "", (("month-year", "M", "ny"), ("month-day", "D", "nd"))),
    )
)  # fmt: skip
EARLY = r"sơ bộ|so bo|ước tính|ước|uoc|prel\.?|provisional|est\.?|p|r|e"  # numbers that will be revised
PROVISIONAL = re.compile(
    rf"^(?:ước|sơ bộ|uoc|so bo|prel\.?|est\.?) (?:tính |thực hiện )?|\s*(?:\*+|\((?:\*|\d|{EARLY})\)|(?<=\d) ?(?:{EARLY}))$", re.IGNORECASE
)
SPAN = re.compile(r"\d\d(\d\d)\s*[-/–]\s*(?:\d\d)?(\d\d)")
SERIAL = re.compile(r"[2-6]\d{4}(?:\.\d+)?")
EPOCH = re.compile(r"-?(?:\d{12,13}|\d{9,10})(?:\.0*)?")
STAMP = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})[T ](\d{{1,2}}:\d{{2}}(?::\d{{2}})?)(?:[.,]\d+)?{ZONE}", re.IGNORECASE)
FIRST_DAY = date(1899, 12, 30)  # of Excel's numbers
YEARS = range(1900, 2101)  # of forms in which a year is guessed from digits
BUDDHIST = range(2440, 2644)


@dataclass(frozen=True)
class Cell:
    """One reading of a text. `kind`: Y, Q, M, W, D; `day`: its first day."""

    kind: str
    day: date


@dataclass(frozen=True)
class Asked:
    """Whose column is read, for messages: `file`, `column`; `frequency` of the study; `zone` that stamps are converted to, or None;
    `form`: which form another column of the table was found to have, for one that does not say it itself; `ahead`: whether periods that
    have not begun may stand there, as starts that are planned do."""

    file: str
    column: str
    frequency: str
    zone: str | None = None
    form: str | None = None
    ahead: bool = False

    def place(self, row: int) -> str:
        return f"{self.file}: row {row_text(row)}, column {self.column!r}"


def read_periods(cells: pd.Series, rows: pd.Series, asked: Asked) -> tuple[pd.DataFrame, list[Reading]]:
    """(per cell: `time` (ordinal of the study's frequency), `kind` (of the text: Y, Q, M, W, D), `day` (ordinal of its first day)), how
    the column was understood).

    Raises InputError for a text that is no period, a period coarser than the frequency, a column that allows two readings (both are
    named), a stamp with a zone where no zone is stated, Buddhist years, a period that has not begun, and one that lies by itself.
    """
    first = pd.Series(rows.to_numpy(), index=cells.to_numpy()).groupby(level=0, sort=False).first()
    texts = {text: plain_text(text) for text in first.index}
    row_of = dict(zip(first.index, first, strict=True))
    found, readings = read_texts(texts, row_of, asked)
    for text, cell in found.items():
        check_cell(texts[text], cell, row_of[text], asked)
    table = pd.DataFrame(
        [(pd.Period(pd.Timestamp(c.day), freq=asked.frequency).ordinal, c.kind, c.day.toordinal()) for c in found.values()],
        index=list(found), columns=["time", "kind", "day"])  # fmt: skip
    whole = table.loc[cells.to_numpy()].set_index(cells.index)
    if not asked.ahead:  # starts may lie where no other does
        check_apart(whole["time"], rows, asked)
    return whole, readings


def check_apart(times: pd.Series, rows: pd.Series, asked: Asked) -> None:
    """Raises InputError for a first or last period that few rows have, farther from all others than these are from each other: a slip of
    the pen (2203), or a day that a program writes where none is known (1900-01-01)."""
    sizes = times.value_counts().sort_index()
    for at, rest in ((sizes.index[0], sizes.iloc[1:]), (sizes.index[-1], sizes.iloc[:-1])):
        if len(rest) < 2 or sizes[at] >= rest.median() / 2:
            continue
        if min(abs(rest.index - at)) > max(rest.index[-1] - rest.index[0], 1):
            row = rows[(times == at).idxmax()]
            told = periods.written(pd.Period(ordinal=at, freq=asked.frequency))
            raise InputError(f"{asked.place(row)}: {told} lies farther from all other periods than these from each other, and few rows "
                             f"have it: mend the period, or take the row out")  # fmt: skip


def plain_text(text: str) -> str:
    """A cell as it is compared: without the mark of a number, the decimal zero and double spaces."""
    return re.sub(r"(?<=\d)\.0$", "", plain_spaces(text.removesuffix(TYPED)))


def read_texts(texts: dict[str, str], rows: dict[str, int], asked: Asked) -> tuple[dict[str, Cell], list[Reading]]:
    """Each text's reading, once the column has decided which forms it is written in."""
    readings = []
    bare = {text: PROVISIONAL.sub("", plain).strip() for text, plain in texts.items() if not is_sure(plain)}
    marked = {text for text, plain in bare.items() if plain != texts[text] and (is_sure(plain) or style_of(plain))}
    if marked:
        texts = {text: bare[text] if text in marked else plain for text, plain in texts.items()}
        readings.append(Reading("period_marks", {"column": asked.column, "cells": len(marked)}))
    if asked.frequency == "Y" and texts and all(re.fullmatch(r"[12],\d{3}", plain) for plain in texts.values()):
        texts = {text: plain.replace(",", "") for text, plain in texts.items()}
        readings.append(Reading("period_thousands", {"column": asked.column}))
    found: dict[str, Cell] = {}
    left: dict[str, dict[str, str]] = {}
    for text, plain in texts.items():
        style = "" if is_sure(plain) else style_of(plain)
        if style is None:
            raise no_period(plain, rows[text], asked)
        if style:
            left.setdefault(style, {})[text] = plain
        elif cell := is_sure(plain):
            found[text] = cell
    check_swapped(found, left, rows, asked)
    for style, members in left.items():
        cells, reading = STYLES[style](style, members, rows, asked)
        found |= cells
        readings += [reading] if reading else []
    return {text: found[text] for text in texts}, readings


@cache
def is_sure(plain: str) -> Cell | None:
    """The one reading of a text that allows no other, if it has one."""
    for kind, pattern in SURE:
        if (match := pattern.fullmatch(plain)) and (day := day_of(match.groupdict())):
            return Cell(kind, day)
    return None


def day_of(part: dict[str, str]) -> date | None:
    """The first day of what a text names; None where there is no such day."""
    year = int(part["y"])
    if not 1000 <= year <= 2999:
        return None
    try:
        if part.get("w"):
            return date.fromisocalendar(year, int(part["w"]), int(part.get("wd") or 1))
        if quarter := part.get("q"):
            return date(year, 3 * int(ROMAN.get(quarter.lower(), 0) or quarter) - 2, 1)
        month = MONTHS[part["name"][:3].lower()] if part.get("name") else int(part.get("m") or 1)
        return date(year, month, int(part.get("d") or 1))
    except ValueError:
        return None


@cache
def style_of(plain: str) -> str | None:
    """The style of forms that a text without a sure reading may belong to; None where there is none."""
    if STAMP.fullmatch(plain):
        return "stamps"
    for name, pattern, _ in OPEN:
        if pattern.fullmatch(plain):
            return name
    if SERIAL.fullmatch(plain):
        return "serials"
    return "epochs" if EPOCH.fullmatch(plain) else None


def numbers_in(pattern: re.Pattern, plain: str) -> list[str]:
    """The numbers of a text of an open style, its time of day left out; a month's name is its number."""
    return [
        str(MONTHS.get(part[:3].lower().rstrip("."), part))
        for match in [pattern.fullmatch(plain)]
        if match
        for part in match.groups()
        if part
    ]


def ordered(parts: list[str], order: str) -> date | None:
    """The day that numbers in an order name (y, m or n, d); two y side by side are one year of four digits."""
    taken: dict[str, str] = {}
    if "yy" in order:
        at = order.index("yy")
        parts, order = [*parts[:at], parts[at] + parts[at + 1], *parts[at + 2 :]], order.replace("yy", "y")
    for part, letter in zip(parts, order, strict=True):
        taken["m" if letter == "n" else letter] = part
    if "y" not in taken:
        return None
    year = int(taken["y"]) if len(taken["y"]) == 4 else century(int(taken["y"]))
    try:
        return date(year, int(taken["m"]), int(taken.get("d", 1))) if year in YEARS else None
    except ValueError:
        return None


def century(year: int) -> int:
    """A year of two digits: of the last hundred years, this one and the next included."""
    return 2000 + year if 2000 + year <= periods.today().year + 1 else 1900 + year


def read_open(style: str, members: dict[str, str], rows: dict[str, int], asked: Asked) -> tuple[dict[str, Cell], Reading | None]:
    """The form of an open style that all of its texts allow. Raises InputError where none or several do, and they differ."""
    pattern, forms = next((pattern, forms) for name, pattern, forms in OPEN if name == style)
    parts = {text: numbers_in(pattern, plain) for text, plain in members.items()}
    tried = {form: {text: ordered(numbers, order) for text, numbers in parts.items()} for form, _, order in forms}
    fitting = {form: {text: day for text, day in days.items() if day} for form, days in tried.items() if all(days.values())}
    kinds = {form: kind for form, kind, _ in forms}
    if not fitting:
        raise no_order(style, members, tried, rows, asked)
    if style == "named month":
        check_years(next(iter(fitting.values())), members, rows, asked)
    chosen = fitting if same_periods(fitting, asked) else regular(fitting)
    if asked.form and asked.form in chosen and len(chosen) > 1:
        chosen = {asked.form: chosen[asked.form]}
    if len(chosen) > 1 and not same_periods(chosen, asked):
        first, second = list(chosen)[:2]
        text = next(text for text in members if chosen[first][text] != chosen[second][text])
        raise InputError(f"{asked.place(rows[text])}: the column can be read as {first} and as {second} (here {chosen[first][text]} or "
                         f"{chosen[second][text]}), and nothing in it says which; write it as 2023-07-01 or 2023-07")  # fmt: skip
    form = next(iter(chosen))
    reading = (
        Reading("period_form", {"column": asked.column, "form": form}) if len(fitting) == 1 or not same_periods(fitting, asked) else None
    )
    return {text: Cell(kinds[form], day) for text, day in chosen[form].items()}, reading


def check_years(days: dict[str, date], members: dict[str, str], rows: dict[str, int], asked: Asked) -> None:
    """Raises InputError where the numbers behind names of months are as many as days (Jul-01 to Jul-31)."""
    years, months = {day.year for day in days.values()}, {day.month for day in days.values()}
    if len(years) > 12 and len(years) > 2 * len(months):
        text = next(iter(members))
        raise InputError(f"{asked.place(rows[text])}: {told_cell(members[text])} can be read as month-day and as month-year; write it as "
                         f"2023-07-01 or 2023-07")  # fmt: skip


def same_periods(forms: dict[str, dict[str, date]], asked: Asked) -> bool:
    """Whether all forms give every text the same period of the study."""
    ordinals = [[pd.Period(pd.Timestamp(day), freq=asked.frequency).ordinal for day in days.values()] for days in forms.values()]
    return all(a == b for a, b in pairwise(ordinals))


def regular(forms: dict[str, dict[str, date]]) -> dict[str, dict[str, date]]:
    """Those forms in which the days are the first (or the last) ones of several months, where there are any: a program that writes
    months as dates does so. A form that turns months into twelve days of one January is none."""

    def opens(days: dict[str, date]) -> bool:
        ends = {(day + timedelta(days=1)).day == 1 for day in days.values()}
        return ({day.day for day in days.values()} == {1} or ends == {True}) and len({day.month for day in days.values()}) > 1

    return {form: days for form, days in forms.items() if opens(days)} or forms


def no_order(style: str, members: dict[str, str], tried: dict, rows: dict[str, int], asked: Asked) -> InputError:
    """No form fits all texts of a style: which row speaks against each."""
    against = [f"row {row_text(rows[text])} is no {form}" for form, days in tried.items()
               for text in [next(text for text in members if days[text] is None)]]  # fmt: skip
    if not all(any(days[text] for days in tried.values()) for text in members):
        text = next(text for text in members if not any(days[text] for days in tried.values()))
        return no_period(members[text], rows[text], asked)
    return InputError(f"{asked.file}: column {asked.column!r}: no one order of day, month and year fits all rows ({'; '.join(against)}): "
                      f"were some turned round by a spreadsheet? Write all as 2023-07-01")  # fmt: skip


def check_swapped(found: dict[str, Cell], left: dict[str, dict[str, str]], rows: dict[str, int], asked: Asked) -> None:
    """Raises InputError where a spreadsheet of another country read days up to 12 as months and left the others as text: then its dates
    have no day above 12, and the texts beside them no other."""
    texts, cells = left.get("three numbers", {}), [(text, cell) for text, cell in found.items() if cell.kind == "D"]
    pattern = OPEN[0][1]
    late = all(max(int(n) for n in numbers_in(pattern, plain)[:2]) > 12 for plain in texts.values())
    if texts and cells and late and all(cell.day.day <= 12 for _, cell in cells) and {cell.day.day for _, cell in cells} != {1}:
        text, other = cells[0][0], next(iter(texts))
        raise InputError(f"{asked.place(rows[text])}: dates up to the 12th stand in another form than later ones (row "
                         f"{row_text(rows[other])}): a spreadsheet took days for months in them; write all as 2023-07-01")  # fmt: skip


def read_serials(_: str, members: dict[str, str], rows: dict[str, int], asked: Asked) -> tuple[dict[str, Cell], Reading | None]:
    """Excel's numbers of days. Raises InputError where they are not the first or last days of months: then nothing in them says from
    which of its two first days (1900, 1904) they count, or that they are days at all."""
    days = {text: FIRST_DAY + timedelta(days=int(float(plain))) for text, plain in members.items()}
    if {day.day for day in days.values()} != {1} and not all((day + timedelta(days=1)).day == 1 for day in days.values()):
        text = next(iter(members))
        raise InputError(f"{asked.place(rows[text])}: {told_cell(members[text])} may be a date as a spreadsheet's number, counted from "
                         f"1900 or from 1904; write dates as 2023-07-01")  # fmt: skip
    return {text: Cell("D", day) for text, day in days.items()}, Reading("period_serials", {"column": asked.column})


def read_stamps(_: str, members: dict[str, str], rows: dict[str, int], asked: Asked) -> tuple[dict[str, Cell], Reading | None]:
    """Stamps with a zone (2023-06-30T17:00Z) and seconds or milliseconds since 1970, which are in UTC, in the stated zone."""
    text = next(iter(members))
    if asked.zone is None:
        raise InputError(f"{asked.place(rows[text])}: a stamp of a time zone (of UTC, as seconds since 1970 are): of which zone its day is "
                         f"meant is not stated; say time_zone: in the study (Asia/Ho_Chi_Minh, UTC)")  # fmt: skip
    try:
        zone = ZoneInfo(asked.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(f"time_zone: {asked.zone!r} is not known; allowed: a name like Asia/Ho_Chi_Minh or UTC") from None
    cells = {}
    for text, plain in members.items():
        try:
            cells[text] = Cell("D", moment(plain).astimezone(zone).date())
        except (ValueError, OverflowError):
            raise no_period(plain, rows[text], asked) from None
    return cells, Reading("period_zone", {"column": asked.column, "zone": asked.zone})


def moment(plain: str) -> datetime:
    """A stamp with its zone. Raises ValueError where there is no such moment."""
    if match := STAMP.fullmatch(plain):
        year, month, day, clock, zone = match.groups()
        zone = "+00:00" if zone.strip().lower() in ("z", "utc", "gmt") else zone.strip()
        hour, *rest = clock.split(":")
        return datetime.fromisoformat(f"{year}-{int(month):02}-{int(day):02}T{int(hour):02}:{':'.join(rest)}{zone}")
    number = float(plain)
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(seconds=number / 1000 if abs(number) >= 1e11 else number)


Style = Callable[[str, dict[str, str], dict[str, int], Asked], tuple[dict[str, Cell], Reading | None]]
STYLES: dict[str, Style] = {**{name: read_open for name, _, _ in OPEN}, "serials": read_serials, "stamps": read_stamps,
                               "epochs": read_stamps}  # fmt: skip


def check_cell(plain: str, cell: Cell, row: int, asked: Asked) -> None:
    """Raises InputError for a period coarser than the study's, of a Buddhist year, or that has not begun."""
    if cell.kind not in FINER[asked.frequency]:
        raise InputError(f"{asked.place(row)}: {plain!r} is a {NAMES[cell.kind]}, but the frequency is {asked.frequency}")
    if cell.day.year in BUDDHIST:
        raise InputError(f"{asked.place(row)}: the year {cell.day.year} is of the Buddhist calendar, it seems ({cell.day.year - 543} of "
                         f"the common one); subtract 543")  # fmt: skip
    if cell.day > periods.today() and not asked.ahead:
        raise InputError(f"{asked.place(row)}: {told_cell(plain)} has not begun yet (today is {periods.today()}); take the row out or "
                         f"mend its period")  # fmt: skip


def no_period(plain: str, row: int, asked: Asked) -> InputError:
    """What is no period: told as what it looks like."""
    if (years := SPAN.fullmatch(plain)) and (len(plain) > len("2019/20") or int(years[2]) == (int(years[1]) + 1) % 100):
        return InputError(f"{asked.place(row)}: {told_cell(plain)} is a span of years; write the one year that the row is about")
    return InputError(f"{asked.place(row)}: {told_cell(plain)} is not a period; understood: {FORMS}")


def form_of(readings: list[Reading]) -> str | None:
    """The form that a column was found to have."""
    return next((str(found.said["form"]) for found in readings if found.kind == "period_form"), None)


def canonical(cells: pd.Series, rows: pd.Series, asked: Asked, never: Callable[[object], bool]) -> tuple[pd.Series, list[Reading]]:
    """A column of periods in which a cell may be "never", as texts that allow one reading."""
    named = ~cells.map(never).to_numpy(bool)
    if not named.any():
        return pd.Series("", index=cells.index), []
    found, readings = read_periods(cells[named], rows[named], asked)
    told = pd.Series(np.array([""] * len(cells), object), index=cells.index)
    told[named] = [pd.Period(ordinal=time, freq=asked.frequency).start_time.strftime("%Y-%m-%d") for time in found["time"]]
    return told, readings


def periods_in(labels: Iterable[str]) -> dict[str, str]:
    """Those of some headers that surely name a period -> its kind: of a table with a column a month."""
    found = {label: is_sure(PROVISIONAL.sub("", plain_text(label)).strip()) for label in labels}
    return {label: cell.kind for label, cell in found.items() if cell}
