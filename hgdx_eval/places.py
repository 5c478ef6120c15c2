"""What the user knows of places: a CSV of one number per place and measure, dated and sourced (docs/places.md)."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .facts import load_facts
from .names import match_unit
from .params import did_you_mean
from .scorecard import MOST_BYTES, amount_of, period_in_past, told

COLUMNS = ("place", "measure", "value", "date", "source")
MEASURES = {"ethnic_minority_share": "share", "elderly_share": "share", "distance_km": "number", "digital_team_members": "number"}
UNIT_OF = {"share": "share", "number": "count"}


@dataclass(frozen=True)
class Places:
    """`values`: by measure, official name of a place -> number (shares 0-1). `sources`: by measure, each "source (date)" once."""

    values: dict[str, dict[str, float]]
    sources: dict[str, tuple[str, ...]]


def read_places(path: Path) -> Places:
    """Numbers of a CSV file with the columns COLUMNS. Raises InputError (one line: file, row, what was found, what is allowed)."""
    values: dict[str, dict[str, float]] = {}
    sources: dict[str, dict[str, None]] = {}
    facts = load_facts()
    for number, row in rows_of(path):
        place = f"{path.name}: row {number}"
        if row["measure"] not in MEASURES:
            raise InputError(f"{place}: measure: {told(row['measure'])}{did_you_mean(row['measure'], MEASURES)}; "
                             f"allowed: {', '.join(MEASURES)}")  # fmt: skip
        if not row["source"]:
            raise InputError(f"{place}: source is empty; allowed: where the number was read")
        period = period_in_past(row["date"], place)
        found = facts_unit(facts, row["place"], place)
        amount, _ = amount_of(row["value"], UNIT_OF[MEASURES[row["measure"]]], f"{place}: value")
        own = values.setdefault(row["measure"], {})
        if found in own:
            raise InputError(f"{place}: a second {row['measure']} of {found}; allowed: one for a place")
        own[found] = amount
        sources.setdefault(row["measure"], {})[f"{row['source']} ({period})"] = None
    return Places(values, {measure: tuple(texts) for measure, texts in sources.items()})


def facts_unit(facts: object, text: str, place: str) -> str:
    """Official name of a unit given by code or name."""
    by_code = {unit.code: unit.name for unit in facts.units}
    found = by_code.get(text) or getattr(match_unit(facts, text).unit, "name", None)
    if found is None:
        raise InputError(f"{place}: place: {told(text)} is no unit of the facts, or may mean two; allowed: its code or full name")
    return found


def rows_of(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line as a spreadsheet numbers rows, cells by column) of every row that is not empty."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such file of places")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path.name}: {path.stat().st_size} bytes; allowed: {MOST_BYTES}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8 text; allowed: a CSV saved as UTF-8 (Excel: CSV UTF-8)") from None
    head = text.splitlines()[0] if text.strip() else ""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True))
    except csv.Error:
        raise InputError(f"{path.name}: not a CSV table; a quote is not closed, or stands inside a cell") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    if sorted(header) != sorted(COLUMNS):
        raise InputError(f"{path.name}: row 1: columns {', '.join(map(told, header)) or 'none'}; needed: {', '.join(COLUMNS)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"{path.name}: row {number}: {len(cells)} cells; allowed: {len(header)}, a cell with the separator in quotes")
        rows.append((number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    return rows
