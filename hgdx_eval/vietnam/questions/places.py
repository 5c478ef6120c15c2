"""What the user knows of places: a CSV of one number per place and measure, dated and sourced (docs/places.md)."""

from dataclasses import dataclass
from pathlib import Path

from ...base.errors import InputError
from ...base.telling import did_you_mean
from ..facts import load_facts
from ..provinces import facts_at
from ..unit_names import match_unit
from .user_csv import amount_of, csv_rows, period_in_past, told

COLUMNS = ("place", "measure", "value", "date", "source")
MEASURES = {"ethnic_minority_share": "share", "elderly_share": "share", "distance_km": "number", "digital_team_members": "number"}
UNIT_OF = {"share": "share", "number": "count"}


@dataclass(frozen=True)
class Places:
    """`values`: by measure, official name of a place -> number (shares 0-1). `sources`: by measure, each "source (date)" once."""

    values: dict[str, dict[str, float]]
    sources: dict[str, tuple[str, ...]]


def read_places(path: Path, province: str | None = None) -> Places:
    """Numbers of a CSV file with the columns COLUMNS; `province`: whose units they are of (None: all of the facts).

    Raises InputError (one line: file, row, what was found, what is allowed)."""
    values: dict[str, dict[str, float]] = {}
    sources: dict[str, dict[str, None]] = {}
    facts = facts_at(load_facts(), province)
    for number, row in csv_rows(path, "file of places", check_columns):
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


def check_columns(header: list[str], file: str) -> None:
    if sorted(header) != sorted(COLUMNS):
        raise InputError(f"{file}: row 1: columns {', '.join(map(told, header)) or 'none'}; needed: {', '.join(COLUMNS)}")
