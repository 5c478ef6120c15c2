"""Rows of a table that are no data: repeated headers, numbers of columns, units of measure, notes, signatures, totals."""

import re
from dataclasses import dataclass

import pandas as pd

from ..base.errors import InputError
from ..base.safe_text import header_key, plain_spaces
from ..base.telling import row_text
from .database import TYPED
from .number_column import ERROR
from .period_column import is_sure, plain_text, style_of

FEW = 3  # rows below the header among which numbers of columns and units of measure stand
TOTAL = re.compile(
    r"(?:tổng|tổng số|tổng cộng|cộng|tong|tong so|tong cong|total|totals|grand total|sub-?total|all|sum|overall|average|mean|tổng số .*|"
    r"(?:cộng|tổng|tổng cộng|total|sub-?total) (?:chung|toàn .*|cả .*|of .*|for .*|\(.*\))|bình quân(?: chung)?|trung bình(?: chung)?|"
    r"cả nước|toàn quốc|toàn tỉnh|toàn thành phố|toàn vùng|toàn ngành|cả năm|whole country|national|nationwide)[:.]?",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"\(?(\d{1,3}|[A-ZĐ])\)?")


@dataclass(frozen=True)
class Columns:
    """The named columns of a frame of texts: `units`, `period`, `numbers`, `others`; `header`: name here -> the file's header;
    `position`: name here -> its place in the file's header, from 1."""

    units: list[str]
    period: str
    numbers: list[str]
    others: list[str]
    header: dict[str, str]
    position: dict[str, int]

    @property
    def all(self) -> list[str]:
        return [*self.units, self.period, *self.numbers, *self.others]


def rows_of_data(frame: pd.DataFrame, columns: Columns, file: str, named: frozenset[str]) -> tuple[pd.DataFrame, pd.Series]:
    """(rows that are data; reason by index of those that are none). `frame`: row, the named columns as text ("" where empty); `named`:
    names that the study itself gives, which are never totals.

    Raises InputError for a row with values but without a unit or a period, and for an error value of a spreadsheet as a unit.
    """
    unseen = {cell for name in columns.all for cell in frame[name].unique() if cell and not plain_spaces(cell)}
    frame = frame.replace({name: dict.fromkeys(unseen, "") for name in columns.all}) if unseen else frame
    blank = frame[columns.all].eq("")
    reason = pd.Series(pd.NA, index=frame.index, dtype=object)

    def note(which: pd.Series, why: str) -> None:
        reason[which & reason.isna()] = why

    note(blank.all(axis=1), "note_row")
    note(repeats_header(frame, columns, blank), "repeated_header")
    note(numbers_columns(frame, columns, blank), "column_numbers")
    note(names_units_of_measure(frame, columns, blank), "unit_row")
    note(is_total(frame, columns, named), "total_row")
    note(is_note(frame, columns, blank), "note_row")
    data = frame[reason.isna()]
    check_whole(data, columns, file)
    return data, reason.dropna()


def repeats_header(frame: pd.DataFrame, columns: Columns, blank: pd.DataFrame) -> pd.Series:
    """A header printed again at the top of a page."""
    same = pd.DataFrame({name: frame[name].map(header_key) == header_key(columns.header[name]) for name in columns.all})
    return (same | blank).all(axis=1) & (same.sum(axis=1) >= min(2, len(columns.all)))


def numbers_columns(frame: pd.DataFrame, columns: Columns, blank: pd.DataFrame) -> pd.Series:
    """(1), (2), (3) or A, B, 1, 2 below a header; everywhere where the marks are in brackets, else among the first rows only."""

    def is_mark(name: str) -> pd.Series:
        return frame[name].str.removesuffix(TYPED).str.fullmatch(NUMBERED.pattern).fillna(False) & ~blank[name]

    marks = pd.DataFrame({name: is_mark(name) for name in columns.all})
    order = [name for _, name in sorted({columns.position[name]: name for name in reversed(columns.all)}.items())]
    texts = frame.loc[(marks | blank).all(axis=1) & (marks.sum(axis=1) >= 2), order]
    found = pd.Series(False, index=frame.index)
    for at, row in texts.iterrows():
        cells = [cell.removesuffix(TYPED) for cell in row if cell]
        numbers = [int(cell.strip("()")) for cell in cells if cell.strip("()").isdigit()]
        letters = [cell for cell in cells if not cell.strip("()").isdigit()]
        rising = numbers == sorted(set(numbers)) and letters == sorted(set(letters))
        dated = is_sure(plain_text(frame.loc[at, columns.period])) is not None
        early = frame.index.get_loc(at) < FEW and not dated
        found[at] = rising and (early or all(cell.startswith("(") for cell in cells))
    return found


def names_units_of_measure(frame: pd.DataFrame, columns: Columns, blank: pd.DataFrame) -> pd.Series:
    """Below a header: no unit and no period, and words without a figure where numbers stand elsewhere: (hồ sơ), %."""
    words = pd.DataFrame({name: ~frame[name].str.contains(r"\d", regex=True) for name in columns.numbers})
    empty = blank[columns.units].all(axis=1) & ~frame[columns.period].str.contains(r"\d", regex=True)
    early = pd.Series(range(len(frame)), index=frame.index) < FEW
    return empty & words.all(axis=1) & ~blank[columns.numbers].all(axis=1) & early


def is_total(frame: pd.DataFrame, columns: Columns, named: frozenset[str]) -> pd.Series:
    """Sums and averages that a table tells by their names, as a unit, a part of one or a period."""
    found = pd.Series(False, index=frame.index)
    for name in (*columns.units, columns.period):
        totals = {text for text in frame[name].unique() if text and text not in named and TOTAL.fullmatch(plain_spaces(text))}
        found |= frame[name].isin(totals)
    return found


def is_note(frame: pd.DataFrame, columns: Columns, blank: pd.DataFrame) -> pd.Series:
    """Notes, sources, dates and signatures above and below a table: no figure in a column of numbers, and no period or no unit. No note is
    a row of a unit that other rows have whose period cannot be read: it may have lost a cell."""
    periods = {text: bool(is_sure(plain_text(text)) or style_of(plain_text(text))) for text in frame[columns.period].unique()}
    dated = frame[columns.period].map(periods).astype(bool)
    figures = pd.DataFrame({name: frame[name].str.contains(r"^\(?[-+]?[.,]?\d", regex=True) for name in columns.numbers}, index=frame.index)
    found = ~figures.any(axis=1) & (~dated | blank[columns.units].all(axis=1))
    units = pd.Series(list(zip(*(frame[name] for name in columns.units), strict=True)), index=frame.index)
    return found & ~(units.isin(set(units[~found])) & ~blank[columns.units].any(axis=1) & ~blank[columns.period])


def check_whole(data: pd.DataFrame, columns: Columns, file: str) -> None:
    """Raises InputError for the first row without a unit or a period, or with an error value in place of a unit."""
    for name in columns.units:
        empty = data[name].eq("")
        if empty.any():
            row = row_text(data.loc[empty.idxmax(), "row"])
            raise InputError(f"{file}: row {row}: the unit is empty (column {columns.header[name]!r}), but the row has values; fill it in "
                             f"(a merged cell: unmerge it and fill down), or take the row out")  # fmt: skip
        wrong = data[name].str.fullmatch(ERROR.pattern, case=False)
        if wrong.any():
            raise InputError(f"{file}: row {row_text(data.loc[wrong.idxmax(), 'row'])}, column {columns.header[name]!r}: an error value of "
                             f"a spreadsheet in place of the unit; mend the formula and export again")  # fmt: skip
    empty = data[columns.period].eq("")
    if empty.any():
        raise InputError(f"{file}: row {row_text(data.loc[empty.idxmax(), 'row'])}, column {columns.header[columns.period]!r}: nothing is "
                         f"not a period, but the row has values; fill it in, or take the row out")  # fmt: skip
