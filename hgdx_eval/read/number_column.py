"""A column of numbers as people write them: marks of thousands and decimals, percent signs and units are decided for the whole column.

A column whose texts allow two readings (1.234 may be 1234) is refused, unless another column of the file, the study's `decimal_mark`, or
the kind of column (counts have no decimals) says which is meant.
"""

import math
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.telling import row_text, told_cell
from .database import TYPED
from .readings import Reading

MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", ".", "..", "...", "…", "-", "--", "–", "—", ":", "(na)"}
MARKS = {"x", "*", "c"}  # stand for a number that is kept back or does not exist; numbers of a column of treatment are read before
SPACES = "\u00a0\u2007\u2008\u2009\u200a\u202f "
NUMBER = re.compile(r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?")
UNIT = re.compile(r"(?P<before>[^\d+\-.,()<>≤≥±]*)(?P<number>[+-]?[\d.,][\d.,]*(?:[eE][+-]?\d+)?)(?P<after>(?!\s*[+\-−–])[^\d¼-¾⅐-⅟]*)")
ROUNDED = re.compile(r"[+-]?\d(?:[.,](?P<decimals>\d+))?E\+(?P<power>\d+)")  # as spreadsheets show a number that they have no room for
GROUPED = {".": re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+"), ",": re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")}
ERROR = re.compile(r"#(?:n/a|ref!|value!|div/0!|name\?|num!|null!|error!|spill!|calc!)", re.IGNORECASE)
TRUTH = {"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "y": 1.0, "n": 0.0, "t": 1.0, "f": 0.0, "có": 1.0,
         "không": 0.0, "co": 1.0, "khong": 0.0, "đúng": 1.0, "sai": 0.0}  # fmt: skip
CODE = re.compile(r"-[1789]|-?(7{2,}|8{2,}|9{2,})")  # numbers that statistical programs write for a missing value
LEAST_APART = 10.0  # of a code from all other numbers, where these hardly differ
FAR = 5  # times the largest other number, from which on a positive one is no number of the same thing
TICKS = {"x", "✓", "✔", "☑", "v"}
LARGER = re.compile(r"nghìn|ngàn|triệu|tỷ|tỉ|thousand|million|billion|mn\b|bn\b|\btr\b|\bk\b", re.IGNORECASE)


@dataclass(frozen=True)
class NumberColumn:
    """A column before it is read: `name` in the file, `file`, `count` (whole numbers), `share` (0-1: 30% is 0.3), `semicolons` (they
    part the file's cells, as they do where the comma is the decimal mark)."""

    file: str
    name: str
    count: bool = False
    share: bool = False
    semicolons: bool = False

    def place(self, row: int) -> str:
        return f"{self.file}: row {row_text(row)}, column {self.name!r}"


@dataclass(frozen=True)
class Split:
    """Texts of a column in parts: `numbers` (as written, digits and marks only; "" where there is none), `unit` of all of them."""

    numbers: dict[str, str]
    unit: str = ""
    percent: bool = False


def read_numbers(
    columns: dict[str, tuple[pd.Series, NumberColumn]], rows: pd.Series, mark: str | None
) -> tuple[dict[str, pd.Series], list[Reading]]:
    """(name here -> floats, NaN where nothing or a mark of nothing stands; how they were understood).

    `mark`: the decimal mark that is known of the file ("." or ","), else None. Raises InputError naming row and column: what is no finite
    number, a column that allows two readings, percent signs or units on some cells only, numbers that a spreadsheet has rounded.
    """
    splits = {key: split(texts, rows, column) for key, (texts, column) in columns.items()}
    marks = {key: proven_mark(splits[key], columns[key], rows) for key in columns}
    known = mark or the_one({found for found in marks.values() if found})
    known = known or the_one({found for key, (_, column) in columns.items() if (found := guessed_mark(splits[key], column))})
    values, readings = {}, []
    for key, (texts, column) in columns.items():
        decimal = marks[key] or known or ("." if not open_in(splits[key]) else refuse_two(open_in(splits[key])[0], column, texts, rows))
        parsed = {text: value_of(number, decimal) for text, number in splits[key].numbers.items()}
        check_values(parsed, splits[key], decimal, texts, rows, column)
        scaled = 0.01 if splits[key].percent and column.share else 1.0
        typed = texts.str.endswith(TYPED).fillna(False).to_numpy(bool)
        numbers = pd.Series(np.nan, index=texts.index)
        numbers[typed] = pd.to_numeric(texts[typed].str.removesuffix(TYPED), errors="coerce").astype(float)
        numbers[~typed] = texts[~typed].map(parsed).astype(float) * scaled
        check_finite(numbers, texts, rows, typed, column)
        values[key] = numbers
        readings += told(splits[key], decimal, texts[~typed], column)
    return values, readings


def the_one(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


def split(texts: pd.Series, rows: pd.Series, column: NumberColumn) -> Split:
    """The distinct texts of a column, typed numbers aside, without the unit that all of them bear."""
    typed = texts.str.endswith(TYPED).fillna(False)
    plain = {text: squeezed(text) for text in texts[~typed].dropna().unique()}
    numbers, units = {}, {}
    for text, written in plain.items():
        if written.casefold() in MISSING | MARKS:
            numbers[text] = ""
        elif NUMBER.fullmatch(written):
            numbers[text], units[text] = written, ""
        elif ERROR.fullmatch(written):
            raise InputError(f"{column.place(row_of(text, texts, rows))}: {told_cell(text)}, an error value of a spreadsheet; mend the "
                             f"formula and export again, or leave the cell empty")  # fmt: skip
        elif (match := UNIT.fullmatch(written)) and NUMBER.fullmatch(match["number"]):
            numbers[text], units[text] = match["number"], f"{match['before']}|{match['after']}"
        else:
            raise not_a_number(text, texts, rows, column)
    bare = [text for text, unit in units.items() if not unit]
    named = [text for text, unit in units.items() if unit]
    if named and (bare or typed.any() or len(set(units.values())) > 1):
        other = bare[0] if bare else next((t for t in named if units[t] != units[named[0]]), None)
        where = f"row {row_text(row_of(other, texts, rows))}" if other is not None else "other rows"
        raise InputError(f"{column.place(row_of(named[0], texts, rows))}: {told_cell(named[0])} bears a unit or a percent sign, and "
                         f"{where} another one or none; one column has one unit")  # fmt: skip
    unit = next((units[text].replace("|", "").strip() for text in named), "")
    if column.count and unit and (unit == "%" or LARGER.search(unit)):
        raise InputError(
            f"{column.place(row_of(named[0], texts, rows))}: counts are needed, and the column is written in {told_cell(unit)}"
        )
    return Split(numbers, unit, unit == "%")


def squeezed(text: str) -> str:
    """A number as written, in plain digits: full-width ones are made plain, spaces, apostrophes and low lines between groups of three
    are taken away."""
    if any(unicodedata.category(letter) == "No" for letter in text):  # 45³ is no 453, nor 45½ any number of plain digits
        return text
    plain = unicodedata.normalize("NFKC", text).strip() if not text.isascii() else text.strip()
    plain = re.sub(r"^[\u2212\u2013\u2010\u2011]\s*(?=[\d.,])", "-", plain)
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf") if not plain.isascii() else plain
    if re.match(r"[+-]?\d{1,3}([ '\u2019_])\d{3}(?:\1\d{3})*(?!\d)", plain):
        plain = re.sub(r"(?<=\d)[ '\u2019_](?=\d{3}(?!\d))", "", plain)
    return re.sub(r"(?<=\d)\s+(?=%$)", "", plain)


def row_of(text: str, texts: pd.Series, rows: pd.Series) -> int:
    return int(rows[(texts == text).idxmax()])


def not_a_number(text: str, texts: pd.Series, rows: pd.Series, column: NumberColumn) -> InputError:
    return InputError(f"{column.place(row_of(text, texts, rows))}: {told_cell(text)} is not a finite number")


def proven_mark(parts: Split, column: tuple[pd.Series, NumberColumn], rows: pd.Series) -> str | None:
    """The decimal mark that some text of a column proves; None where none does. Raises InputError where two texts prove two."""
    proofs: dict[str | None, str] = {}
    for text, number in parts.numbers.items():
        proofs.setdefault(mark_in(number), text)
    proofs.pop(None, None)
    if len(proofs) > 1:
        texts, about = column
        (first, one), (second, other) = list(proofs.items())[:2]
        raise InputError(f"{about.file}: column {about.name!r}: {told_cell(one)} in row {row_text(row_of(one, texts, rows))} has the "
                         f"decimal mark {first!r}, {told_cell(other)} in row {row_text(row_of(other, texts, rows))} {second!r}; use one in "
                         f"the whole column")  # fmt: skip
    return next(iter(proofs), None)


def mark_in(number: str) -> str | None:
    """The decimal mark that a text proves by itself: 1.5 and 0.123 a point, 1,5 a comma, 1.234.567 a comma, as its points part
    thousands; 1.234 nothing."""
    points, commas = number.count("."), number.count(",")
    if points and commas:
        return "," if number.rfind(",") > number.rfind(".") else "."
    if points + commas > 1:
        return "," if points else "."
    if not points + commas or GROUPED["." if points else ","].fullmatch(number):
        return None
    return "." if points else ","


def open_in(parts: Split) -> list[str]:
    """Texts with a mark that proves nothing by itself: 1.234."""
    return [text for text, number in parts.numbers.items() if ("." in number or "," in number) and mark_in(number) is None]


def guessed_mark(parts: Split, column: NumberColumn) -> str | None:
    """The decimal mark of a column whose texts prove none, each with three digits behind its only mark: a count's mark parts thousands
    where its numbers vary; a comma between semicolons parts decimals. None where two readings are left, or no mark stands."""
    unclear = open_in(parts)
    marks = {letter for text in unclear for letter in parts.numbers[text] if letter in ".,"}
    if len(marks) != 1:
        return None
    (mark,) = marks
    if not column.count:
        return "," if mark == "," and column.semicolons else None
    plain = [number for text, number in parts.numbers.items() if number and text not in unclear]
    long = any(len(re.sub(r"\D", "", number)) > 3 for number in plain)
    zeros = all(parts.numbers[text].endswith("000") for text in unclear)
    return None if long or (zeros and not plain) else "," if mark == "." else "."


def refuse_two(text: str, about: NumberColumn, texts: pd.Series, rows: pd.Series) -> str:
    """Raises InputError."""
    number = squeezed(text)
    whole = re.sub(r"[.,]", "", number)
    raise InputError(f"{about.place(row_of(text, texts, rows))}: {told_cell(text)} can be read as a whole number with thousands parted (of "
                     f"{len(re.sub('[+-]', '', whole))} digits) and as one with three decimals, and nothing in the column says which; say "
                     f"decimal_mark: '.' or ',' in the study")  # fmt: skip


def value_of(number: str, decimal: str) -> float:
    """The value of a text in a decimal mark; NaN where it is empty, infinity where it cannot be one."""
    if not number:
        return math.nan
    thousands = "," if decimal == "." else "."
    whole, _, decimals = number.partition(decimal)
    if thousands in decimals or (thousands in whole and not GROUPED[thousands].fullmatch(whole)) or decimal in decimals:
        return math.inf
    try:
        return float(whole.replace(thousands, "") + ("." + decimals if decimals else ""))
    except ValueError:
        return math.inf


def check_values(found: dict[str, float], parts: Split, decimal: str, texts: pd.Series, rows: pd.Series, column: NumberColumn) -> None:
    """Raises InputError for what is no number in the column's decimal mark, and what a spreadsheet has rounded."""
    for text, value in found.items():
        if math.isinf(value):
            row = row_of(text, texts, rows)
            if NUMBER.fullmatch(parts.numbers[text]) and not re.search(r"\d{300}|[eE]", parts.numbers[text]):
                raise InputError(f"{column.place(row)}: {told_cell(text)} is no number with the decimal mark {decimal!r}, which the rest "
                                 f"of the column has")  # fmt: skip
            raise not_a_number(text, texts, rows, column)
        short = ROUNDED.fullmatch(parts.numbers[text])
        if short and len(short["decimals"] or "") < int(short["power"]):
            raise InputError(f"{column.place(row_of(text, texts, rows))}: {told_cell(text)} was rounded by a spreadsheet, its last digits "
                             f"are lost; export the column as a number without exponent")  # fmt: skip


def check_finite(values: pd.Series, texts: pd.Series, rows: pd.Series, typed: np.ndarray, column: NumberColumn) -> None:
    """Raises InputError for an infinite number, or a typed cell that is none."""
    wrong = (np.isinf(values) | (typed & values.isna())).to_numpy()
    if wrong.any():
        at = values.index[wrong][0]
        raise InputError(f"{column.place(rows[at])}: {told_cell(str(texts[at]).removesuffix(TYPED))} is not a finite number")


def suspected_codes(values: pd.Series) -> list[float]:
    """Numbers of a column that are codes of a missing value, it seems, the largest first: -9, -999 or 9999 that are the only negative ones
    or lie farther from all others than these from each other."""
    whole = values[values.notna() & (values == values.round()) & (values.abs() < 1e9)]
    often = whole.value_counts()
    codes = {value for value in often.index if CODE.fullmatch(f"{value:.0f}") and (abs(value) > 9 or often[value] > 1)}
    others = values[values.notna() & ~values.isin(codes)]
    if others.empty:
        return []
    low, high = float(others.min()), float(others.max())
    apart = high - low + LEAST_APART
    found = [code for code in codes if code < 0 <= low or code < low - apart or (code > high + apart and code > FAR * high)]
    return sorted(found, key=abs, reverse=True)


def told(parts: Split, decimal: str, texts: pd.Series, column: NumberColumn) -> list[Reading]:
    """What was decided of a column, where it could have been meant otherwise."""
    found = []
    numbers = list(parts.numbers.values())
    if decimal == "," and any("," in number for number in numbers):
        found.append(Reading("decimal_comma", {"column": column.name}))
    if any(("," if decimal == "." else ".") in number for number in numbers):
        found.append(Reading("thousands", {"column": column.name}))
    if parts.unit:
        found.append(Reading("percent_as_share" if parts.percent and column.share else "unit_taken_off", {"column": column.name}))
    marks = {text for text, number in parts.numbers.items() if not number and text.strip()}
    if marks:
        found.append(Reading("missing_marks", {"column": column.name, "cells": int(texts.isin(marks).sum())}))
    return found


def read_truth(texts: pd.Series, rows: pd.Series, column: NumberColumn) -> tuple[pd.Series, list[Reading]]:
    """A column of 0 and 1, of yes and no, or of ticks and nothing, as 0.0 and 1.0 (NaN where a yes-no column is empty).

    Raises InputError for another word, and for a column that mixes them.
    """
    plain = texts.fillna("").str.removesuffix(TYPED).str.strip().str.casefold().str.replace(r"^([01])\.0+$", r"\1", regex=True)
    words = set(plain.unique())
    if words - {""} <= TICKS and words - {""}:
        return plain.isin(TICKS).astype(float), [Reading("ticks", {"column": column.name})]
    if wrong := words - TRUTH.keys() - MISSING:
        at = plain.isin(wrong).idxmax()
        raise InputError(f"{column.place(rows[at])}: {told_cell(str(texts[at]).removesuffix(TYPED))} is not 0 or 1; allowed: 0 and 1, yes "
                         f"and no, true and false, or x and nothing in the whole column")  # fmt: skip
    values = plain.map(TRUTH).astype(float)
    return values, ([] if words <= {"0", "1", ""} else [Reading("yes_no", {"column": column.name})])
