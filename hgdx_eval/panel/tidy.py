"""A tidy table -> panel: one row per unit and period, columns called by the study's keys."""

from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.origin import Origin, sha256_of
from ..base.periods import parse_periods
from ..base.safe_text import header_key
from ..base.telling import shared_names, told_amount, told_file, told_name
from ..read import tidy
from ..study.domains import domains
from ..study.study import COUNTED, Study, named_by, named_columns, weight_column
from .panel import EXAMPLES, NOTES, Panel

TOTAL_WORDS = ("tổng", "cộng", "total")


def table_panel(path: Path, p: Study) -> Panel:
    """The panel of a tidy table. Raises InputError naming file, row and column of a value that cannot be, and for a list of dossiers
    or payments: its cells are people's, and a study could name any of its columns."""
    for domain in domains():
        domain.refuse_people(path)
    text, numbers = table_columns(p)
    keys = {column: key for key, columns in named_columns(p).items() for column in columns}
    frame, simulated = tidy.read_columns(path, text, numbers, keys)
    raw_rows = len(frame)
    first = frame["unit 1"].str.strip().str.casefold()
    total = first.str.startswith(TOTAL_WORDS) & (frame["period"].str.strip() == "")
    rejected = pd.DataFrame([("total_row", int(total.sum()), tuple(frame.loc[total, "row"][:EXAMPLES]))], columns=NOTES)
    frame = frame[~total].reset_index(drop=True)
    check_numbers(frame, p, path.name)
    frame["time"] = parse_periods(frame["period"], frame["row"], p.frequency, path.name, p.period)
    parts = [f"unit {i}" for i in range(1, len(p.unit_columns) + 1)]
    frame["unit"] = joined_text(frame, parts)
    if (frame["unit"].str.strip() == "").any():
        row = frame.loc[(frame["unit"].str.strip() == "").idxmax(), "row"]
        raise InputError(f"{path.name}: row {row}: the unit is empty")
    cells = one_row_each(frame, p, path.name, {**text, **numbers})
    cells["period"] = pd.PeriodIndex.from_ordinals(cells["time"], freq=p.frequency)
    origin = Origin(told_file(path.name), sha256_of(path), raw_rows, "table", simulated)
    cells = cells[["unit", "period", *(name for name in (*text, *numbers) if name not in ("period", *parts))]]
    parted = "definition" in map(header_key, p.unit_columns)
    return Panel(cells, origin, rejected[rejected["rows"] > 0], pd.DataFrame(columns=NOTES), len(frame),
                 definition="" if parted else tidy.told_definition(path))  # fmt: skip


def label(p: Study, key: str, name: str | None = None) -> str | None:
    """What the cells call a column that a study names under a key (`name`: which one, where it names several). An export's bear
    their own names; of a tidy table they bear the key's, so that no name that a user gave can be one of ours."""
    name = getattr(p, key) if name is None else name
    if p.layout != "table" or name is None:
        return name
    return f"by_{name}" if key == "by" else key


def table_columns(p: Study) -> tuple[dict[str, str], dict[str, str]]:
    """(text, numbers) of a tidy table: `label` -> the file's column; the parts of a unit are "unit 1" and so on. A trait that is a
    number under another key is one here."""
    named = {**named_columns(p), "weights": [weight_column(p)] if weight_column(p) else []}
    counted = {header_key(column) for key in COUNTED for column in named[key]}
    text, numbers = {}, {}
    for key, columns in named.items():
        for i, column in enumerate(columns, start=1):
            number = key in COUNTED or (key == "by" and header_key(column) in counted)
            (numbers if number else text)[f"unit {i}" if key == "unit" else label(p, key, column)] = column
    return text, numbers


def tellable_names(names: pd.Series, at: pd.Series, p: Study) -> frozenset[str]:
    """Names of units, clusters or groups that a message may quote: the study's own words, and what `telling.shared_names` gives; of
    dossiers all, since `named` told the others by their shape already."""
    if p.layout != "table":
        return frozenset(names)
    return named_by(p) | shared_names(names.tolist(), at.tolist())


def joined_text(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """One label of several text columns: "Sở Tư pháp · 1.004194"."""
    label = frame[columns[0]].astype(str)
    for column in columns[1:]:
        label = label + " · " + frame[column].astype(str)
    return label


def check_numbers(frame: pd.DataFrame, p: Study, file: str) -> None:
    """Counts, shares and weights that cannot be. Raises InputError with the first row."""
    checks, called = [], table_columns(p)[1]
    if p.numerator:
        numerator, denominator = frame["numerator"], frame["denominator"]
        checks += [("numerator", numerator < 0, "a negative count"), ("denominator", denominator < 0, "a negative count"),
                   ("numerator", numerator.isna(), "an empty count"), ("denominator", denominator.isna(), "an empty count"),
                   ("numerator", numerator > denominator, f"more than column {p.denominator!r}")]  # fmt: skip
    elif p.scale == "share":
        checks += [("outcome", frame["outcome"] > 1, "a share above 1 (write 0.88, not 88)"),
                   ("outcome", frame["outcome"] < 0, "a share below 0")]  # fmt: skip
    if "weights" in frame:
        checks += [("weights", frame["weights"] < 0, "a negative weight"), ("weights", frame["weights"].isna(), "an empty weight")]
    if p.treated:
        checks += [("treated", ~frame["treated"].isin([0, 1]), "not 0 or 1")]
    for column, wrong, what in checks:
        if wrong.any():
            at = wrong.idxmax()
            told = told_amount(frame.loc[at, column])
            raise InputError(f"{file}: row {frame.loc[at, 'row']}, column {called[column]!r}: {what} ({told})")


def one_row_each(frame: pd.DataFrame, p: Study, file: str, called: dict[str, str]) -> pd.DataFrame:
    """One row per unit and period: finer rows of counts are added up, a repeated outcome is refused. `called`: a column's name in
    the file."""
    twice = frame.duplicated(["unit", "time"])
    if not twice.any():
        return frame.sort_values(["unit", "time"], ignore_index=True)
    at = twice.idxmax()
    tellable = tellable_names(frame["unit"], frame["time"], p)
    if p.outcome:
        unit, period = told_name(frame.loc[at, "unit"], tellable), pd.Period(ordinal=frame.loc[at, "time"], freq=p.frequency)
        raise InputError(f"{file}: row {frame.loc[at, 'row']}: a second row of unit {unit} in period {period}; an outcome needs one row "
                         f"per unit and period")  # fmt: skip
    fixed = [c for c in frame.columns if c not in ("numerator", "denominator", "weights", "row", "time", "unit", "period")]
    differing = frame.groupby(["unit", "time"])[fixed].nunique().gt(1)
    if fixed and differing.any(axis=None):
        unit, column = differing.any(axis=1).idxmax()[0], differing.any().idxmax()
        row = frame.loc[frame["unit"] == unit, "row"].iloc[0]
        raise InputError(f"{file}: row {row}: unit {told_name(unit, tellable)}: column {called[column]!r} differs between rows of one "
                         f"period")  # fmt: skip
    sums = {name: "sum" for name in ("numerator", "denominator", "weights") if name in frame}
    others = {name: "first" for name in frame.columns if name not in sums and name not in ("unit", "time")}
    return frame.groupby(["unit", "time"], as_index=False).agg({**others, **sums})
