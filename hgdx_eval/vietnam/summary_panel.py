"""Summarised exports -> panel: one row per agency and month, agencies under their official names."""

from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..panel.panel import EXAMPLES, NOTES, Panel, origin_of
from .facts import load_facts
from .layouts import DEFINITIONS, layout_of, reader
from .provinces import facts_at
from .unit_names import matched_table, named_agencies, refuse_ambiguous, told_agency


def summary_panel(paths: list[Path], layout: str, refuse: bool = True, place: str | None = None) -> Panel:
    """The panel of summarised exports of one layout, agencies under their official names.

    `refuse`: whether a name that may mean two units is refused; else it stays as written; `place`: the province whose units names are
    matched with (None: all units of the facts).
    Raises InputError: a file of another layout or definition, two files that disagree, no usable row, an ambiguous name.
    """
    parts = []
    for path in paths:
        check_layout(path, layout)
        parts.append((path.name, reader(layout).read_summary(path)))
    check_definitions([(name, part.definition) for name, part in parts])
    facts, values = facts_at(load_facts(), place), list(parts[0][1].values)
    frame = pd.concat([part.cells.assign(file=name) for name, part in parts], ignore_index=True)
    left_out = pd.DataFrame([note for _, part in parts for note in part.left_out], columns=["reason", "row"])
    if frame.empty:
        told = "; ".join(f"{row.reason} {row.rows}" for row in noted_reasons(left_out).itertuples())
        raise InputError(f"{paths[0].name}: no usable row: {told or 'nothing was read'}")
    agencies = named_agencies(frame["agency"], frame["month"], pd.Series(1, frame.index), facts, personal=False)
    if refuse:
        refuse_ambiguous(agencies, paths[0].name)
    frame = frame.assign(**{name: agencies[name] for name in ("agency", "level", "cluster")})
    frame, again = merged(frame, values)
    left_out = pd.concat([left_out, again.assign(reason="overlap")[["reason", "row"]]], ignore_index=True)
    frame["period"] = pd.PeriodIndex(frame["month"], freq="M")
    first = ["agency", "level", "cluster", "period"]
    others = [c for c in frame.columns if c not in (*first, *values, "month", "row", "file")]
    cells = frame.sort_values(["agency", "period"], ignore_index=True)[[*first, *others, *values]]
    counts = {name: "int64" for name in values if str(cells[name].dtype) == "Int64"}
    origin = origin_of(paths, sum(part.rows for _, part in parts), layout, any(part.simulated for _, part in parts))
    return Panel(cells.astype(counts), origin, noted_reasons(left_out), pd.DataFrame(columns=NOTES), len(cells),
                 names_matched=matched_table([agencies.assign(kind="agency")]), definition=parts[0][1].definition)  # fmt: skip


def check_layout(path: Path, layout: str) -> None:
    """Raises InputError where a file is recognised as another layout than the study's, above all one of another definition."""
    found = layout_of(path)
    if found == layout:
        return
    theirs, ours = getattr(reader(found), "DEFINITION", "online_share"), reader(layout).DEFINITION
    if theirs != ours:
        check_definitions([(f"layout {layout}", ours), (path.name, theirs)])
    raise InputError(f"{path.name}: a file of layout {found}, but the study says layout: {layout}")


def check_definitions(series: list[tuple[str, str]]) -> None:
    """Raises InputError where series of different definitions would be joined; says what each of them measures."""
    name, definition = series[0]
    for other, own in series[1:]:
        if own != definition:
            raise InputError(f"{other}: holds {own} ({DEFINITIONS.get(own, own)}), but {name} holds {definition} "
                             f"({DEFINITIONS.get(definition, definition)}): two definitions are not one series; "
                             f"evaluate each in a study of its own")  # fmt: skip


def merged(frame: pd.DataFrame, values: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(one row per agency and month, rows that only repeat one). Raises InputError where two rows disagree."""
    keys = ["agency", "month"]
    again = frame.duplicated(keys)
    firsts = frame[~again].set_index(keys, drop=False)
    for row in frame[again].itertuples():
        before = firsts.loc[(row.agency, row.month)]
        if before["file"] == row.file:
            raise InputError(f"{row.file}: row {row.row}: a second row of {told_agency(row.agency)} in {row.month}")
        for name in values:
            ours, theirs = getattr(row, name), before[name]
            if ours != theirs and not (pd.isna(ours) and pd.isna(theirs)):
                raise InputError(f"{row.file}: row {row.row}: {told_agency(row.agency)}, {row.month}: {name} {ours:g}, but "
                                 f"{before['file']}, row {before['row']}, tells {theirs:g}")  # fmt: skip
    return frame[~again].copy(), frame[again]


def noted_reasons(left_out: pd.DataFrame) -> pd.DataFrame:
    """One row per reason: how many rows, and the numbers of the first ones."""
    rows = [(reason, len(part), tuple(int(row) for row in part["row"][:EXAMPLES])) for reason, part in left_out.groupby("reason")]
    return pd.DataFrame(rows, columns=NOTES)
