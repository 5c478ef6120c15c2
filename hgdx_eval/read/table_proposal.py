"""What a tidy table seems to hold, before any study names its columns: unit, period, what is measured, who is treated, and its shape.

A proposal, never more: every column that could be meant is told, and the analyst's study decides.
"""

import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import duckdb
import pandas as pd

from ..base.errors import InputError
from ..base.periods import is_never
from ..base.safe_text import header_key
from ..base.telling import folded, is_header, row_text
from . import tidy
from .database import TYPED, quoted
from .number_column import MISSING, NUMBER, TICKS, TRUTH, UNIT, squeezed
from .period_column import Cell, is_sure, plain_text, style_of
from .readings import Reading
from .tables import open_table
from .unit_spellings import spelling_key

LOOKED_AT = 5_000  # distinct texts by which a column is judged
MOST_KEYS = 12  # columns of which pairs are tried as units
HINTS = re.compile(r"\b(?:thang|month|nam|year|quy|quarter|ky|period|date|ngay|time|tuan|week|when|day)\b")
STARTS = re.compile(r"treat|start|adopt|reform|tu_?\b|ap dung|bat dau|hieu luc|effective|since|first")


@dataclass(frozen=True)
class Column:
    """A column of a table. `kind`: period, yes_no, number or text; `frequency`: of a period (Y, Q, M, W, D); `empty`, `distinct`: cells
    without and different texts."""

    name: str
    called: str
    kind: str
    frequency: str
    empty: int
    distinct: int


def proposal(path: Path) -> dict:
    """What a table holds: rows, columns (column, kind, empty), simulated, readings, and `proposal` (unit, period, frequency, measured,
    treated, shape: units, periods, first, last, gaps, repeats; alike: names that may be one unit's twice). What cannot be told is None.

    Raises InputError where the first row names no columns.
    """
    with open_table(path, {}) as raw:
        header = raw.header
    names = [label for label in dict.fromkeys(header_key(label) for label in header) if label]
    shown = {header_key(label): label for label in reversed(header)}
    tidy.check_once(path, header, names, {})
    if len(names) < 2:
        raise InputError(f"{path.name}: no known header: fewer than two named columns in the first row")
    called = {f"column{i}": shown[name] for i, name in enumerate(names)}
    with open_table(path, {key: (name,) for key, name in called.items()}, typed=True) as raw:
        below = raw.con.sql(f"SELECT * EXCLUDE row FROM raw LIMIT {tidy.LOOKED_AT}").df().reindex(columns=list(called))
        if not is_header([shown[name] for name in names], below.itertuples(index=False)):
            raise InputError(f"{path.name}: no known header: {tidy.NO_HEADER.format(len(header))}")
        if raw.broken:
            raise InputError(f"{path.name}: row {row_text(raw.broken[0])} has more cells than the header")
        columns = [judged(raw.con, key, name) for key, name in called.items()]
        simulated = any(header_key(c.name) == "simulated" and tidy.says_so(distinct_texts(raw.con, c.called)) for c in columns)
        return {"rows": raw.rows, "simulated": simulated, "readings": raw.readings, "columns": columns,
                "proposal": proposed(raw.con, columns)}  # fmt: skip


def distinct_texts(con: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    query = f"SELECT {quoted(column)} FROM raw WHERE {quoted(column)} IS NOT NULL GROUP BY 1 ORDER BY min(row) LIMIT {LOOKED_AT}"
    return [text for (text,) in con.sql(query).fetchall()]


def judged(con: duckdb.DuckDBPyConnection, key: str, name: str) -> Column:
    """What kind of column it is, by its distinct texts."""
    empty, distinct = con.sql(f"SELECT count(*) - count({quoted(key)}), count(DISTINCT {quoted(key)}) FROM raw").fetchall()[0]
    texts = [plain_text(text) for text in distinct_texts(con, key)]
    texts = [text for text in texts if text.casefold() not in MISSING]
    words = {text.casefold() for text in texts}
    dates = [text for text in texts if not is_never(text)]
    if dates and (frequency := period_kind(dates, name)):
        return Column(name, key, "period", frequency, empty or len(texts) - len(dates), distinct)
    if texts and len(words) <= 2 and (words <= TRUTH.keys() or (words <= TICKS and empty)):
        return Column(name, key, "yes_no", "", empty, distinct)
    codes = any(re.match(r"0\d", text) for text in texts)  # 01 is no number
    number = texts and not codes and all(NUMBER.fullmatch(squeezed(text)) or unit_behind(text) for text in texts)
    return Column(name, key, "number" if number else "text", "", empty, distinct)


def unit_behind(text: str) -> bool:
    match = UNIT.fullmatch(squeezed(text))
    return match is not None and not match["before"].strip() and bool(NUMBER.fullmatch(match["number"]))


def period_kind(texts: list[str], name: str) -> str:
    """The frequency of a column of periods; "" for another. Bare figures (2023, 202307) are periods where they all can be, and serial
    numbers of days only below a header that says so."""
    hinted = bool(HINTS.search(folded(name).replace("_", " ")))
    found = [is_sure(text) for text in texts]
    cells = [cell for cell in found if cell]
    bare = [text for text in texts if text.isdigit()]
    if len(cells) == len(texts):
        plausible = all(1900 <= cell.day.year <= 2100 for cell in cells)
        return frequency_of(cells) if plausible and (hinted or len(bare) < len(texts) or len(texts) <= 200) else ""
    if not all(cell or style_of(text) for cell, text in zip(found, texts, strict=True)):
        return ""
    return "M" if hinted or not bare else ""


def frequency_of(cells: list[Cell]) -> str:
    """The longest period that keeps the cells apart: dates that are all the first of their month are months."""
    kinds = {cell.kind for cell in cells}
    if kinds == {"D"}:
        return "M" if {cell.day.day for cell in cells} == {1} else "D"
    return next(iter(kinds)) if len(kinds) == 1 else "M"


def proposed(con: duckdb.DuckDBPyConnection, columns: list[Column]) -> dict:
    """What a study could name: the first column of each kind that fits, and the table's shape by it."""
    dated = [c for c in columns if c.kind == "period"]
    starts = [c for c in dated if c.empty or STARTS.search(folded(c.name))]
    period = next((c for c in dated if c not in starts), dated[0] if dated else None)
    unit = best_unit(con, [c for c in columns if c.kind in ("text", "number", "yes_no")], period) if period else ()
    marks = [c for c in columns if c.kind == "yes_no" and c.distinct > 1 and c not in unit]
    begun = {c: cells for c in marks if (cells := cells_treated(con, c, unit, period))} if unit and period else {}
    treated = sorted(begun, key=lambda c: -begun[c])  # the one with most treated cells first: leads and lags of it have fewer
    numbers = [c for c in columns if c.kind == "number" and c not in unit]
    measured, moving = [c.name for c in numbers], [c.name for c in numbers if unit and moves(con, c, unit)]
    start = next((c for c in starts if c is not period), None)
    return {
        "unit": [c.name for c in unit], "period": period.name if period else None, "frequency": period.frequency if period else None,
        "measured": measured, "moving": moving, "treated": treated[0].name if treated else None,
        "treated_too": [c.name for c in treated[1:]], "treated_from": start.name if start else None,
        "shape": shape(con, unit, period) if unit and period else None,
        "alike": alike_names(con, unit) if unit else 0,
    }  # fmt: skip


def best_unit(con: duckdb.DuckDBPyConnection, columns: list[Column], period: Column) -> tuple[Column, ...]:
    """The column, or else the pair of columns, of which no row repeats a period; texts before numbers, few values before many. Of one
    series, in which no period repeats, the column that names it."""
    single = next((c for c in columns if c.kind == "text" and c.distinct == 1 and not c.empty), None)
    if single and not repeats(con, (single,), period):
        return (single,)
    repeating = [c for c in columns if c.distinct > 1 and not c.empty]
    wide = con.sql(f"SELECT max(n) FROM (SELECT count(*) n FROM raw GROUP BY {quoted(period.called)})").fetchall()[0][0] or 0
    order = sorted(repeating, key=lambda c: (c.kind != "text", c.distinct < wide, c.distinct))[:MOST_KEYS]  # fewer cannot name them all
    texts = [c for c in order if c.kind == "text"]
    for group in (*((c,) for c in order), *combinations(texts, 2)):
        if repeats(con, group, period):
            continue
        found = shape(con, group, period)
        measure = group[0].kind != "text" and 2 * found["gaps"] > found["units"] * found["periods"]  # a number that hardly comes twice
        if found["units"] > 1 and not measure:
            return group
    return (texts[0],) if texts else ()


def cells_treated(con: duckdb.DuckDBPyConnection, column: Column, unit: tuple[Column, ...], period: Column) -> int:
    """Cells in which a yes-no column says yes, where it could be a treatment: it begins in some units and ends in none, and is not the
    same in all of several units. Else 0; 1 where the order of periods is not known yet."""
    days = {text: found.day for text in distinct_texts(con, period.called) if (found := is_sure(plain_text(text)))}
    if not days or len(days) < period.distinct:
        return 1
    truth = {text: TRUTH.get(plain_text(text).casefold()) for text in distinct_texts(con, column.called)}
    con.register("days", pd.DataFrame({"said": list(days), "day": pd.to_datetime(list(days.values()))}))
    con.register("truths", pd.DataFrame({"told": list(truth), "yes": pd.Series(list(truth.values()), dtype=float)}))
    began, ended, never, starts, cells = con.sql(f"""
        WITH units AS (SELECT min(day) FILTER (yes = 1) AS start, max(day) FILTER (yes = 0) AS last_no, count(*) FILTER (yes = 1) AS ones,
                              count(*) FILTER (yes = 0) AS zeros
                       FROM raw JOIN days ON said = {quoted(period.called)} JOIN truths ON told = {quoted(column.called)}
                       GROUP BY {names_of(unit)})
        SELECT count(*) FILTER (ones > 0 AND zeros > 0), count(*) FILTER (ones > 0 AND last_no > start), count(*) FILTER (ones = 0),
               count(DISTINCT start), coalesce(sum(ones), 0)::BIGINT FROM units""").fetchall()[0]
    return cells if began and not ended and (never or starts > 1 or began == 1) else 0


def moves(con: duckdb.DuckDBPyConnection, column: Column, unit: tuple[Column, ...]) -> bool:
    """Whether a column has more than one value within any unit: codes and features of units have not, and nothing could change them."""
    several = f"SELECT count(DISTINCT {quoted(column.called)}) n FROM raw GROUP BY {names_of(unit)}"
    return con.sql(f"SELECT coalesce(max(n), 0) FROM ({several})").fetchall()[0][0] > 1


def names_of(group: tuple[Column, ...]) -> str:
    return ", ".join(quoted(c.called) for c in group)


def repeats(con: duckdb.DuckDBPyConnection, group: tuple[Column, ...], period: Column) -> int:
    """Rows beyond the first of each unit and period."""
    named = f"{names_of(group)}, {quoted(period.called)}"
    return con.sql(f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) n FROM raw GROUP BY {named})").fetchall()[0][0]


def shape(con: duckdb.DuckDBPyConnection, unit: tuple[Column, ...], period: Column) -> dict:
    """Units, periods, pairs of them without a row, rows that repeat a pair."""
    named, when = names_of(unit), quoted(period.called)
    units = con.sql(f"SELECT count(*) FROM (SELECT DISTINCT {named} FROM raw)").fetchall()[0][0]
    periods = con.sql(f"SELECT count(DISTINCT {when}) FROM raw").fetchall()[0][0]
    pairs = con.sql(f"SELECT count(*) FROM (SELECT DISTINCT {named}, {when} FROM raw)").fetchall()[0][0]
    return {"units": units, "periods": periods, "gaps": units * periods - pairs, "repeats": repeats(con, unit, period)}


def alike_names(con: duckdb.DuckDBPyConnection, unit: tuple[Column, ...]) -> int:
    """How many names of units differ from another one in capitals, marks, signs or leading zeros alone."""
    names = {text.removesuffix(TYPED) for text in distinct_texts(con, unit[0].called)}
    return len(names) - len({spelling_key(name) for name in names})


def told_columns(columns: list[Column]) -> list[dict]:
    """For `--json`: column, kind and empty cells of each."""
    return [{"column": c.name, "kind": c.kind, "empty": c.empty} for c in columns]


def as_json(readings: tuple[Reading, ...]) -> list[dict]:
    return [{"kind": reading.kind, **reading.said} for reading in readings]
