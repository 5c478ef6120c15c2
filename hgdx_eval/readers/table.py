"""A tidy table: one row per unit and period (finer rows of counts are added up), any policy on any panel."""

import math
import re
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files import RawTable, open_table
from ..telling import MOST, did_you_mean, is_header, told_cell
from . import DEFINITIONS

HEADERS: dict[str, tuple[str, ...]] = {}  # the study names the columns
NO_HEADER = "{} cells in the first row that may be values, no names of columns (each another one, with a letter, and numbers below some)"
LOOKED_AT = 200  # rows below a first row, by which it is told whether it is a header
TRUE_WORDS = {"true", "1", "t", "yes", "có"}


def open_columns(path: Path, columns: list[str], keys: dict[str, str]) -> RawTable:
    """The named columns of a table. Raises InputError where one is missing, with the study's key that names it, if any."""
    raw = open_table(path, {name: (name,) for name in [*columns, "simulated"]})
    if missing := [name for name in columns if name not in raw.columns]:
        raw.con.close()
        found = told_header(path, raw.header, missing[0])
        key = f" (named by {keys[missing[0]]})" if missing[0] in keys else ""
        raise InputError(f"{path.name}: no known header: column {missing[0]!r}{key} is missing{found}")
    return raw


def told_header(path: Path, header: tuple[str, ...], missing: str) -> str:
    """The nearest name of a column and the first ones, as a message goes on; only how many cells there are where the first row may hold
    somebody's values (`telling.is_header`)."""
    labels = [str(label) for label in header if str(label).strip()]
    raw = open_table(path, {label: (label,) for label in labels})
    below = raw.con.sql(f"SELECT * FROM raw LIMIT {LOOKED_AT}").df()
    raw.con.close()
    if not is_header(labels, below.reindex(columns=labels).itertuples(index=False)):
        return f"; found: {NO_HEADER.format(len(header))}"
    return f"{did_you_mean(missing, labels)}; found: {', '.join(labels[:MOST])}"


def read_columns(path: Path, text: list[str], numbers: list[str], keys: dict[str, str] | None = None) -> tuple[pd.DataFrame, bool]:
    """(one row per row of the file, whether the data say they are simulated).

    Columns: `row` (in the file), the `text` columns as text, the `numbers` as floats (empty = NaN). `keys`: which key of a
    study names a column.
    Raises InputError naming file, row and column of what is not a number.
    """
    raw = open_columns(path, list(dict.fromkeys([*text, *numbers])), keys or {})
    frame = raw.con.sql("SELECT * FROM raw ORDER BY row").df()
    raw.con.close()
    if raw.broken:
        raise InputError(f"{path.name}: row {raw.broken[0]} has more cells than the header")
    simulated = "simulated" in frame and frame["simulated"].astype(str).str.lower().isin(TRUE_WORDS).any()
    for column in text:
        frame[column] = frame[column].fillna("").astype(object).map(whole_number_text)
    for column in numbers:
        frame[column] = parse_numbers(frame[column], frame["row"], path.name, column, raw.decimal_comma)
    return frame[["row", *dict.fromkeys([*text, *numbers])]], bool(simulated)


def told_definition(path: Path) -> str:
    """What a table's column `definition` says that its series measures; "" without one.

    Raises InputError where it says two things: two definitions are not one series.
    """
    raw = open_table(path, {"definition": ("definition",)})
    found = []
    if "definition" in raw.columns:
        query = "SELECT definition, min(row) FROM raw WHERE definition IS NOT NULL GROUP BY 1 ORDER BY 2 LIMIT 2"
        found = raw.con.sql(query).fetchall()
    raw.con.close()
    if len(found) > 1:
        (first, at), (second, then) = ((told_cell(text, DEFINITIONS), row) for text, row in found)
        raise InputError(f"{path.name}: row {then}, column 'definition': {second}, but row {at} is {first}: "
                         f"two definitions are not one series; evaluate each in a study of its own, or make `definition` part "
                         f"of the unit")  # fmt: skip
    return found[0][0] if found else ""


def whole_number_text(text: str) -> str:
    """A code that a spreadsheet or Parquet turned into 93.0 is 93 again."""
    return text[:-2] if re.fullmatch(r"-?\d+\.0", text) else text


def parse_numbers(cells: pd.Series, rows: pd.Series, file: str, column: str, decimal_comma: bool) -> pd.Series:
    text = pd.Series([None if pd.isna(cell) else str(cell) for cell in cells], index=cells.index, dtype=object)
    if decimal_comma:
        text = text.map(lambda t: t.replace(".", "").replace(",", ".") if t and "," in t else t)
    blank = text.map(lambda t: t is None or t.strip().lower() in ("", "na", "nan", "null", "none", "."))
    values = pd.to_numeric(text.mask(blank, None), errors="coerce").astype(float)
    wrong = ~blank & ~values.map(math.isfinite)
    if wrong.any():
        first = wrong.idxmax()
        raise InputError(f"{file}: row {rows[first]}, column {column!r}: {told_cell(cells[first])} is not a finite number")
    return values
