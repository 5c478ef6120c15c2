"""A tidy table: one row per unit and period (finer rows of counts are added up), any policy on any panel."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.safe_text import header_key
from ..base.telling import MOST, did_you_mean, is_header, told_cell
from ..study.domains import domains
from .database import RawTable
from .tables import open_table

HEADERS: dict[str, tuple[str, ...]] = {}  # the study names the columns
NO_HEADER = "{} cells in the first row that may be values, no names of columns (each another one, with a letter, and numbers below some)"
LOOKED_AT = 200  # rows below a first row, by which it is told whether it is a header
TRUE_WORDS = {"true", "1", "t", "yes", "có"}
OWN = ("simulated", "definition")  # columns by which a table speaks of itself
VECTORS = 50  # of 2,048 rows each: so many are held as text at a time


@contextmanager
def open_columns(path: Path, columns: list[str], keys: dict[str, str]) -> Iterator[tuple[RawTable, dict[str, str]]]:
    """(the named columns of a table, and `simulated` where there is one; what each is called there, by `header_key`): no name of
    a user's goes into the database. Raises InputError where one is missing or stands twice, with the study's key that names it, and where
    a row has more cells than the header."""
    own = {header_key(name): name for name in reversed([*columns, "simulated"])}
    called = {key: f"column{i}" for i, key in enumerate(own)}
    with open_table(path, {called[key]: (name,) for key, name in own.items()}) as raw:
        check_once(path, raw.header, columns, keys)
        if missing := [name for name in columns if called[header_key(name)] not in raw.columns]:
            found = told_header(path, raw.header, missing[0])
            raise InputError(f"{path.name}: no known header: column {missing[0]!r}{named_by(missing[0], keys)} is missing{found}")
        if raw.broken:
            raise InputError(f"{path.name}: row {raw.broken[0]} has more cells than the header")
        yield raw, called


def check_once(path: Path, header: tuple[str, ...], columns: list[str], keys: dict[str, str]) -> None:
    """Raises InputError where a wanted column, or `simulated`, goes by two headers; a name that neither a study nor the kit gave is not
    told, as a first row of equal cells may be anybody's."""
    labels = [header_key(label) for label in header]
    for name in [*columns, "simulated"]:
        if labels.count(header_key(name)) > 1:
            first, second = [at for at, label in enumerate(labels, start=1) if label == header_key(name)][:2]
            what = f"column {name!r}{named_by(name, keys)}" if name in keys or name in OWN else "one name"
            raise InputError(f"{path.name}: {what} stands twice in the header, as columns {first} and {second} (case and spaces aside); "
                             f"rename one of them")  # fmt: skip


def named_by(column: str, keys: dict[str, str]) -> str:
    return f" (named by {keys[column]})" if column in keys else ""


def told_header(path: Path, header: tuple[str, ...], missing: str) -> str:
    """The nearest name of a column and the first ones, as a message goes on; only how many cells there are where the first row may hold
    somebody's values (`telling.is_header`)."""
    labels = [str(label) for label in header if str(label).strip()]
    called = {f"column{i}": label for i, label in enumerate(labels)}
    with open_table(path, {name: (label,) for name, label in called.items()}) as raw:
        below = raw.con.sql(f"SELECT * FROM raw LIMIT {LOOKED_AT}").df()
    if not is_header(labels, below.reindex(columns=list(called)).itertuples(index=False)):
        return f"; found: {NO_HEADER.format(len(header))}"
    return f"{did_you_mean(missing, labels)}; found: {', '.join(labels[:MOST])}"


def read_columns(
    path: Path, text: dict[str, str], numbers: dict[str, str], keys: dict[str, str] | None = None
) -> tuple[pd.DataFrame, bool]:
    """(one row per row of the file, whether the data say they are simulated).

    `text`, `numbers`: name here -> the file's column; one column may be read as both. Columns of the result: `row` (in the
    file), the names of `text` as text, those of `numbers` as floats (empty = NaN). `keys`: which key of a study names a column.
    Raises InputError naming file, row and column of what is not a number.
    """
    frames, simulated = zip(*read_parts(path, text, numbers, keys), strict=True)
    return pd.concat(frames, ignore_index=True), any(simulated)


def read_parts(
    path: Path, text: dict[str, str], numbers: dict[str, str], keys: dict[str, str] | None = None
) -> Iterator[tuple[pd.DataFrame, bool]]:
    """The same as `read_columns`, a part of the rows at a time. Equal texts are held once."""
    known: dict[str, str] = {}
    with open_columns(path, [*text.values(), *numbers.values()], keys or {}) as (raw, called):
        rows, mark = raw.con.execute("SELECT * FROM raw ORDER BY row"), called["simulated"]
        while len(part := rows.fetch_df_chunk(VECTORS)):
            simulated = mark in part and part[mark].astype(str).str.lower().isin(TRUE_WORDS).any()
            frame = {"row": part["row"]}
            for name, column in text.items():
                cells = part[called[header_key(column)]].fillna("").astype(object)
                known |= {cell: whole_number_text(cell) for cell in set(cells) - known.keys()}
                frame[name] = cells.map(known.__getitem__)
            for name, column in numbers.items():
                frame[name] = parse_numbers(part[called[header_key(column)]], part["row"], path.name, column, raw.decimal_comma)
            yield pd.DataFrame(frame), bool(simulated)


def told_definition(path: Path) -> str:
    """What a table's column `definition` says that its series measures; "" without one.

    Raises InputError where it says two things: two definitions are not one series.
    """
    found = []
    with open_table(path, {"definition": ("definition",)}) as raw:
        check_once(path, raw.header, ["definition"], {})
        if "definition" in raw.columns:
            query = "SELECT definition, min(row) FROM raw WHERE definition IS NOT NULL GROUP BY 1 ORDER BY 2 LIMIT 2"
            found = raw.con.sql(query).fetchall()
    if len(found) > 1:
        known = {name for domain in domains() for name in domain.definitions()}
        (first, at), (second, then) = ((told_cell(text, known), row) for text, row in found)
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
