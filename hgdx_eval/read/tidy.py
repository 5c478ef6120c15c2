"""A tidy table: one row per unit and period, any policy on any panel."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.safe_text import header_key
from ..base.telling import MOST, folded, is_header, row_text, told_cell
from ..study.domains import domains
from .database import TYPED, RawTable
from .number_column import TRUTH, NumberColumn, read_numbers
from .period_column import periods_in
from .readings import Reading
from .tables import open_table

HEADERS: dict[str, tuple[str, ...]] = {}  # the study names the columns
NO_HEADER = "{} cells in the first row that may be values, no names of columns (each another one, with a letter, and numbers below some)"
LOOKED_AT = 200  # rows below a first row, by which it is told whether it is a header
OWN = ("simulated", "definition")  # columns by which a table speaks of itself
NEAR = 3  # names of columns told as near to a missing one
LEAST_WIDE = 3  # headers that are periods, by which a table has a column a period
VECTORS = 50  # of 2,048 rows each: so many are held as text at a time


@contextmanager
def open_columns(path: Path, columns: list[str], keys: dict[str, str]) -> Iterator[tuple[RawTable, dict[str, str]]]:
    """(the named columns of a table, and `simulated` where there is one; what each is called there, by `header_key`): no name of
    a user's goes into the database. Raises InputError where one is missing or stands twice, with the study's key that names it, and where
    a row has more cells than the header."""
    own = {header_key(name): name for name in reversed([*columns, "simulated"])}
    called = {key: f"column{i}" for i, key in enumerate(own)}
    with open_table(path, {called[key]: (name,) for key, name in own.items()}, typed=True) as raw:
        check_once(path, raw.header, columns, keys)
        if missing := [name for name in columns if called[header_key(name)] not in raw.columns]:
            found = told_header(path, raw.header, missing[0])
            raise InputError(f"{path.name}: no known header: column {missing[0]!r}{named_by(missing[0], keys)} is missing{found}")
        if raw.broken:
            raise InputError(f"{path.name}: row {row_text(raw.broken[0])} has more cells than the header")
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
    near = dict(zip(map(folded, labels), labels, strict=True))
    close = [near[match] for match in difflib.get_close_matches(folded(missing), near, n=NEAR)]
    more = f" and {len(labels) - MOST} more" if len(labels) > MOST else ""
    return f"{f' (did you mean {told_list(close)}?)' if close else ''}; found: {', '.join(labels[:MOST])}{more}; name one of them"


def told_list(names: list[str]) -> str:
    return " or ".join(map(repr, names))


@dataclass(frozen=True)
class Texts:
    """Named columns of a table before anything is understood of them.

    `frame`: one row per row of the file: `row` (its number there), each column as text under its name here ("" where empty; a number that
    the file holds as one bears `TYPED`). `header`, `position`: name here -> the file's header and its place in it, from 1. `simulated`:
    whether the data say they are. `semicolons`: whether these part the cells. `readings`: how the file was understood so far. `merged`:
    names here of columns in which a number of a cell merged over several rows stands in all of them. `defined`: whether there is a column
    `definition`.
    """

    frame: pd.DataFrame
    header: dict[str, str]
    position: dict[str, int]
    simulated: bool
    semicolons: bool
    readings: tuple[Reading, ...]
    merged: frozenset[str] = frozenset()
    defined: bool = False


def read_texts(path: Path, columns: dict[str, str], keys: dict[str, str], wide: tuple[str, str] | None = None) -> Texts:
    """The columns of a table as text. `columns`: name here -> the file's column; `keys`: which key of a study names a column; `wide`:
    names here of the period and of what is measured: a table without these columns but with a column a period is turned into a long one.

    Raises InputError like `open_columns`.
    """
    try:
        with open_columns(path, list(columns.values()), keys) as (raw, called):
            frame, simulated = texts_of(raw, {name: called[header_key(column)] for name, column in columns.items()}, called["simulated"])
            labels = [header_key(label) for label in raw.header]
            position = {name: labels.index(header_key(column)) + 1 for name, column in columns.items()}
            merged = frozenset(name for name, column in columns.items() if called[header_key(column)] in raw.filled)
            return Texts(frame, columns, position, simulated, raw.decimal_comma, raw.readings, merged, "definition" in labels)
    except InputError:  # the period's column is missing, perhaps: looked into only now, so that every other table is read once
        if wide and (labels := wide_labels(path, columns, wide)):
            return read_wide(path, columns, keys, wide, labels)
        raise


def texts_of(raw: RawTable, wanted: dict[str, str], mark: str) -> tuple[pd.DataFrame, bool]:
    """(`row` and the wanted columns as text, a part of the rows at a time and equal texts held once; whether the data say that they are
    simulated). `wanted`: name here -> the column of `raw`."""
    known: dict[str, str] = {}
    parts, simulated = [], False
    rows = raw.con.execute("SELECT * FROM raw ORDER BY row")
    while len(part := rows.fetch_df_chunk(VECTORS)):
        simulated = simulated or (mark in part and says_so(part[mark].dropna().unique()))
        held = {name: part[column].fillna("").map(lambda cell: known.setdefault(cell, cell)) for name, column in wanted.items()}
        parts.append(pd.DataFrame({"row": part["row"], **held}).astype(dict.fromkeys(wanted, object)))
    return pd.concat(parts, ignore_index=True), bool(simulated)


def says_so(texts: Iterable[str]) -> bool:
    """Whether some cell of a column is a yes."""
    return any(TRUTH.get(text.removesuffix(TYPED).strip().casefold()) for text in texts)


def wide_labels(path: Path, columns: dict[str, str], wide: tuple[str, str]) -> list[str]:
    """The headers that are periods of a table with a column a period; none where it has the column of periods itself."""
    others = [column for name, column in columns.items() if name not in wide]
    with open_table(path, {f"column{i}": (column,) for i, column in enumerate(others)}) as raw:
        keys = [header_key(label) for label in raw.header]
        labels = list(periods_in(raw.header))
        again = next((label for label in labels if keys.count(header_key(label)) > 1), None)
        if again and len(set(labels)) >= LEAST_WIDE and header_key(columns[wide[0]]) not in keys:
            raise InputError(f"{path.name}: column {again!r} stands twice in the header of a table with a column a period: which one is "
                             f"meant is not known; rename or remove one of them")  # fmt: skip
    return labels if len(labels) >= LEAST_WIDE and header_key(columns[wide[0]]) not in keys else []


def read_wide(path: Path, columns: dict[str, str], keys: dict[str, str], wide: tuple[str, str], labels: list[str]) -> Texts:
    """A table with a column a period as a long one. Raises InputError where a study needs two numbers of each period."""
    period, value = wide
    rest = {name: column for name, column in columns.items() if name not in wide}
    if value == "numerator":
        raise InputError(f"{path.name}: a column a period ({len(labels)} of them) and no column {columns[period]!r}: such a table holds "
                         f"one number of each period, and the study needs numerator and denominator; bring it with a row a unit and "
                         f"period, or name the one number as outcome")  # fmt: skip
    called = {f"value{i}": label for i, label in enumerate(labels)}
    found = read_texts(path, {**rest, **called}, keys)
    empty = found.frame[list(called)].eq("").all(axis=1)  # a title, a note: one row without a period
    notes = found.frame.loc[empty, ["row", *rest]].assign(**{period: "", value: ""})
    long = found.frame[~empty].melt(id_vars=["row", *rest], value_vars=list(called), var_name=period, value_name=value)
    long = pd.concat([long.assign(**{period: long[period].map(called)}), notes]).sort_values("row", kind="stable", ignore_index=True)
    position = {**found.position, period: found.position["value0"], value: found.position["value0"]}
    told = Reading("wide_table", {"columns": len(labels), "first": labels[0], "last": labels[-1]})
    return Texts(long[["row", *columns]], columns, position, found.simulated, found.semicolons, (*found.readings, told),
                 frozenset([value]) if found.merged - rest.keys() else frozenset(), found.defined)  # fmt: skip


def read_columns(
    path: Path,
    text: dict[str, str],
    numbers: dict[str, str],
    keys: dict[str, str] | None = None,
    counts: Collection[str] = (),
    mark: str | None = None,
) -> tuple[pd.DataFrame, bool]:
    """(one row per row of the file, whether the data say they are simulated).

    `text`, `numbers`: name here -> the file's column; one column may be read as both; `counts`: those of `numbers` that are whole;
    `mark`: the decimal mark, where it is known.
    Columns of the result: `row` (in the file), the names of `text` as text, those of `numbers` as floats (empty = NaN). `keys`: which key
    of a study names a column. Raises InputError naming file, row and column of what is not a number.
    """
    found = read_texts(path, {**text, **numbers}, keys or {})
    frame = found.frame
    for name in text:
        frame[name] = code_texts(frame[name])
    columns = {name: (frame[name], NumberColumn(path.name, numbers[name], name in counts, False, found.semicolons)) for name in numbers}
    values, _ = read_numbers(columns, frame["row"], mark)
    return frame.assign(**values), found.simulated


def whole_rows(path: Path, numbers: list[int]) -> pd.DataFrame:
    """Some rows of a table, all columns that have a name of their own, as text, in the order of their numbers given."""
    with open_table(path, {}) as raw:
        labels = [label for label in dict.fromkeys(map(header_key, raw.header)) if label]
    with open_table(path, {f"column{i}": (label,) for i, label in enumerate(labels)}) as raw:
        raw.con.register("asked", pd.DataFrame({"row": numbers, "place": range(len(numbers))}))
        return raw.con.sql("SELECT raw.* EXCLUDE row FROM raw JOIN asked USING (row) ORDER BY place").df()


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


def code_texts(cells: pd.Series) -> pd.Series:
    """Cells as codes or names: a code that a spreadsheet or Parquet turned into 93.0 is 93 again; 1.10 stays."""
    known = {cell: re.sub(r"^(-?\d+)\.0$", r"\1", cell.removesuffix(TYPED)) for cell in cells.unique()}
    return cells.map(known)
