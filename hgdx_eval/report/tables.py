"""A table as it travels: typed cells beside the HTML of a block, in a notebook's output, on the way to the workbook of a run.

Nothing is computed here: what a block or chart was given to show is what the workbook holds, counts that may not be told left out and
fractions of as many digits as ever, so that no count can be worked out of them.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..base.periods import written
from ..base.telling import in_brief
from ..study.words import MINUS, NOTHING, Words
from .in_lab import lab_style

MIME = "application/vnd.hgdx.tables+json"
DIGITS = 6  # significant, of a fraction: more would tell the counts that it was divided from
CODED = {
    name: module for module, names in (("tables", ("estimator", "inference", "term")), ("robustness", ("kind", "state"))) for name in names
}  # columns of words of the code -> where those are said
LOOSE = {"parameter", "bound"}  # columns of estimates in which numbers are written as text
SMALL = re.compile(r"\s*<small[^>]*>(.*?)</small>", re.S)
PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
DATES = (("D", r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), ("M", r"\d{4}-\d{2}", "%Y-%m"), ("D", r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y"),
         ("M", r"\d{1,2}/\d{4}", "%m/%Y"), ("D", r"\d{1,2} [A-Z][a-z]+ \d{4}", "%d %B %Y"),
         ("M", r"[A-Z][a-z]+ \d{4}", "%B %Y"))  # fmt: skip
YEAR = re.compile(r"1[5-9]\d\d|20\d\d|2100")

Cell = Any  # None, a text, a number, True or False, or [format, value]: D and M a day and a month (ISO), "0" a year, "0.0%" a share


@dataclass(frozen=True)
class Table:
    """`heads` in the reader's language; `rows` of cells as JSON has them: None, text, number, True or False, or [format, value]."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __repr__(self) -> str:
        return in_brief(self, f"{self.name}: {self.title}", f"{len(self.rows)} rows of {len(self.heads)} columns")

    @property
    def frame(self) -> pd.DataFrame:
        """As pandas has it: days and months as dates, shares 0-1, years as numbers."""
        plain_cells = [[bare(cell) for cell in row] for row in self.rows]
        return pd.DataFrame(plain_cells, columns=list(self.heads))


def bare(cell: Cell) -> Any:
    """A cell without its format."""
    if not isinstance(cell, list):
        return cell
    return pd.Timestamp(cell[1]) if cell[0] in ("D", "M") else cell[1]


def table_of(name: str, title: str, frame: pd.DataFrame, words: Words, numeric: frozenset[str] | set[str] = frozenset(),
             digits: int = DIGITS) -> Table:  # fmt: skip
    """A frame as a table. Columns of numbers and dates stay such; texts that are dates, and in the `numeric` columns those that are numbers
    as the reader's language writes them, become such; an estimate with its interval becomes three columns; empty columns are left out."""
    made = [column for i, head in enumerate(frame.columns)
            for column in columns_of(str(head), list(frame.iloc[:, i]), head in numeric, words, digits)]  # fmt: skip
    made = [(head, cells) for head, cells in made if any(cell is not None for cell in cells)] or made
    return Table(name, plain(title), tuple(head for head, _ in made), tuple(zip(*(cells for _, cells in made), strict=True)))


def bundle(html: str, tables: tuple[Table, ...]) -> dict:
    """What a notebook keeps of a block: what is seen, with its style for JupyterLab, and its tables as data."""
    said = [{"name": t.name, "title": t.title, "heads": list(t.heads), "rows": list(map(list, t.rows))} for t in tables]
    return {"text/html": lab_style() + html, **({MIME: said} if said else {})}


def unbundled(data: dict) -> list[Table]:
    """The tables of a notebook's output."""
    return [Table(t["name"], t["title"], tuple(t["heads"]), tuple(map(tuple, t["rows"]))) for t in data.get(MIME, [])]


def columns_of(head: str, values: list, numeric: bool, words: Words, digits: int) -> list[tuple[str, list[Cell]]]:
    """One column, or three of an estimate and its interval, under heads of the language."""
    cells = [simple(value, digits) for value in values]
    texts = [cell for cell in cells if isinstance(cell, str)]
    title = words.texts.get(f"columns.{head}")
    title = head if title is None else words(f"columns.{head}")
    if numeric:
        parts = [with_interval(cell, words) for cell in cells]
        if any(len(part) > 1 for part in parts):
            ends = [title, *(f"{title}: {words(f'columns.{end}')}" for end in ("ci_low", "ci_high"))]
            return [(name, [part[i] if i < len(part) else None for part in parts]) for i, name in enumerate(ends)]
        return [(title, [part[0] for part in parts])]
    if texts and len(texts) == sum(cell is not None for cell in cells):
        if all(YEAR.fullmatch(text) for text in texts[:-1] or texts):  # the last row may be the total
            return [(title, [["0", int(cell)] if isinstance(cell, str) and YEAR.fullmatch(cell) else cell for cell in cells])]
        if all(map(as_date, texts)):
            return [(title, [cell and as_date(cell) for cell in cells])]
    if head in LOOSE:
        return [(title, [float(cell) if isinstance(cell, str) and PLAIN.fullmatch(cell) else cell for cell in cells])]
    if head in CODED:
        named = [words.texts.get(f"{CODED[head]}.{head}_{cell}", cell) if isinstance(cell, str) else cell for cell in cells]
        return [(title, [None if cell == NOTHING else cell for cell in named])]
    return [(title, cells)]


def simple(value: Any, digits: int) -> Cell:
    """A cell as JSON has it."""
    if isinstance(value, (pd.Period, date, datetime)) and not pd.isna(value):
        value = written(value) if isinstance(value, pd.Period) else value.isoformat()[:10]
    if isinstance(value, str):
        text = plain(value)
        return None if text in ("", NOTHING) else text
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if value is None or pd.isna(value) or not np.isfinite(value):
        return None
    whole = float(value).is_integer()
    return int(value) if whole else float(f"{float(value):.{digits}g}")


def plain(text: str) -> str:
    """What is read of a cell: no mark-up, its second line after the first."""
    if isinstance(text, Markup):
        text = Markup(SMALL.sub(lambda found: (" " if found[1].startswith("[") else "; ") + found[1], str(text))).striptags()
    return str(text).strip()


def as_date(text: str) -> Cell:
    """["D", "2023-07-14"], ["M", "2023-07-01"], or None for what is no date."""
    for kind, form, pattern in DATES:
        if re.fullmatch(form, text):
            try:
                return [kind, datetime.strptime(text, pattern).date().isoformat()]
            except ValueError:
                return None
    return None


def number_of(text: str, words: Words) -> Cell:
    """A number as the language writes it, a share as such; None for anything else."""
    group, mark = (".", ",") if words.lang == "vi" else (",", ".")
    form = rf"([+{MINUS}-]?)(\d{{1,3}}(?:\{group}\d{{3}})+|\d+)(?:\{mark}(\d+))?(%?)"
    found = re.fullmatch(form, text)
    if not found:
        return None
    sign, whole, part, share = found.groups()
    value = float(f"{whole.replace(group, '')}.{part or 0}") * (-1 if sign in (MINUS, "-") and sign else 1)
    if share:
        return ["0%" if not part else f"0.{'0' * len(part)}%", round(value / 100, len(part or "") + 2)]
    return int(value) if value.is_integer() else value


def with_interval(cell: Cell, words: Words) -> list[Cell]:
    """[number], [number, low, high] of "+4,2 [3,6; 4,8]", [None, low, high] of an interval alone, or what it was."""
    if not isinstance(cell, str):
        return [cell]
    found = re.fullmatch(r"(\S*)\s*\[(\S+); (\S+)\]", cell)
    texts = [part for part in (found.groups() if found else [cell]) if part]
    parts = [number_of(part, words) for part in texts]
    if any(part is None for part in parts):
        return [as_date(cell) or cell]
    return parts if len(parts) != 2 else [None, *parts]
