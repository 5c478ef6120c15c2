"""Units that changed on one day -> units constant over time: the smallest that old and new ones have in common."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from ..base import periods
from ..base.errors import InputError
from ..base.periods import parse_period
from ..base.telling import told_cell
from ..read import tidy
from ..read.readings import Reading
from ..study.domains import domain_of
from ..study.study import Study
from .panel import Panel

COLUMNS = ("old", "new", "valid_from", "share")
SUMMED = ("numerator", "denominator", "weights")
STARTS = ("treated_from", "treated_until", "treated")
NEARLY = 1e-6  # of a share, by which a sum may miss 1


@dataclass(frozen=True)
class Crosswalk:
    """`old`, `new`: name of a unit before and from `valid_from` on -> its unit constant over time, which is called after the old ones."""

    old: dict[str, str]
    new: dict[str, str]
    valid_from: date


def joined(pairs: Iterable[tuple[str, str]], valid_from: date) -> Crosswalk:
    """The connected parts of pairs (old, new): old units are joined until every new one lies in exactly one part."""
    above: dict[tuple, tuple] = {}

    def top(node: tuple) -> tuple:
        while above.setdefault(node, node) != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    for old, new in pairs:
        above[top(("new", new))] = top(("old", old))
    members: dict[tuple, list[str]] = {}
    for side, name in sorted(above):
        if side == "old":
            members.setdefault(top((side, name)), []).append(name)
    names = {node: " + ".join(olds) for node, olds in members.items()}
    into = {wanted: {name: names[top((side, name))] for side, name in above if side == wanted} for wanted in ("old", "new")}
    return Crosswalk(into["old"], into["new"], valid_from)


def read_crosswalk(path: Path) -> Crosswalk:
    """The crosswalk of a csv: old, new, valid_from (one day), share (0-1 of the old unit, or empty where nobody knows it).

    Shares are checked and never used: counts are not apportioned. Raises InputError for a pair named twice, a name that is missing, a share
    that is none, shares of an old unit that do not add up to 1, and a day to come.
    """
    table = tidy.read_texts(path, {name: name for name in COLUMNS}, {}).frame
    rows = table.assign(**{name: table[name].fillna("").str.strip() for name in COLUMNS})

    def refuse(wrong: pd.Series, what: str) -> None:
        if wrong.any():
            raise InputError(f"{path.name}: row {rows.loc[wrong.idxmax(), 'row']}: {what} ({int(wrong.sum())} such rows)")

    if rows.empty:
        raise InputError(f"{path.name}: no row: a crosswalk has one row per pair of an old and a new unit")
    refuse(rows["old"].eq("") | rows["new"].eq(""), "old or new is empty: name both units, a unit that stayed in both columns")
    refuse(rows.duplicated(["old", "new"]), "the same pair of old and new a second time: keep one")
    share = pd.to_numeric(rows["share"].where(rows["share"].ne("")), errors="coerce")
    refuse(
        rows["share"].ne("") & ~share.between(0, 1, inclusive="right"), "share: allowed: above 0 up to 1, or empty where it is not known"
    )
    sums = share.groupby(rows["old"]).agg(["sum", "count", "size"])
    holes = sums.index[(sums["count"] > 0) & ((sums["count"] < sums["size"]) | ((sums["sum"] - 1).abs() > NEARLY))]
    refuse(
        rows["old"].isin(holes),
        f"shares of {len(holes)} old {plural(len(holes))} do not add up to 1: name every new unit of it, or no share",
    )
    days = {text: parse_period(text, "D", f"{path.name}: valid_from", cell=True).start_time.date() for text in rows["valid_from"].unique()}
    if len(set(days.values())) > 1:
        raise InputError(f"{path.name}: valid_from: {len(set(days.values()))} days; allowed: one, on which all new units begin")
    day = next(iter(days.values()))
    if day > periods.today():
        raise InputError(f"{path.name}: valid_from: {told_cell(str(day))} is still to come")
    return joined(zip(rows["old"], rows["new"], strict=True), day)


def plural(n: int) -> str:
    return "unit" if n == 1 else "units"


def crosses(cells: pd.DataFrame, p: Study, day: date) -> bool:
    """Whether the window of a study has periods before a day and from it on."""
    found = pd.PeriodIndex(cells["period"].unique(), freq=p.frequency)
    if p.window:
        low, high = (parse_period(end, p.frequency, f"{p.study}: window") for end in p.window)
        found = found[(found >= low) & (found <= high)]
    moment = pd.Timestamp(day)
    return bool((found.start_time < moment).any() and (found.end_time >= moment).any())


def check_crossing(panel: Panel, p: Study) -> None:
    """Raises InputError where the units of a study's domain change inside its window and nothing says how."""
    day = domain_of(p).units_change(p)
    if day is None or p.crosswalk or p.constant_units or not crosses(panel.cells, p, day):
        return
    way = "crosswalk: FILE.csv (old, new, valid_from, share)" if p.layout == "table" else "constant_units: true"
    raise InputError(f"{p.study}: window: it crosses {day}, when units were merged and split: end it before that day, or write {way}")


def constant_units(panel: Panel, p: Study, path: Path) -> Panel:
    """The panel of a tidy table on units constant over time, counts added up, with what was joined and left out among its readings.

    A unit is looked for among the old ones before the day and among the new ones from it on, and else among the other ones: rows that still
    name an old unit after it rebuild that unit's part. Raises InputError for a unit of the table that the crosswalk does not have, for an
    outcome that cannot be added up, and for a joined unit whose start a map of the study names.
    """
    walk, cells, file = read_crosswalk(path), panel.cells, path.name
    late = pd.PeriodIndex(cells["period"]).start_time >= pd.Timestamp(walk.valid_from)
    olds, news = cells["unit"].map(walk.old), cells["unit"].map(walk.new)
    into = news.where(late, olds).fillna(olds.where(late, news))
    holes = cells["unit"][into.isna()].nunique()
    if holes:
        raise InputError(f"{file}: {holes} {plural(holes)} of {panel.origin.file} in none of its rows: add a "
                         f"row for each, one that stayed in old and in new alike")  # fmt: skip
    if isinstance(p.treated_from, dict):
        known = set(walk.old.values())
        if wrong := [name for name in p.treated_from if name not in known]:
            raise InputError(f"{p.study}: treated_from: {wrong[0]!r} is joined with other units across {walk.valid_from}: name the joined "
                             f"unit (its old names with ' + ' between them), or give the start in a column")  # fmt: skip
    rebuilt = cells.loc[late & news.isna() & olds.notna(), "unit"].nunique()
    frame = cells.assign(unit=into)
    frame, mixed = without_mixed(frame)
    whole = added_up(with_clusters(frame), p, panel.origin.file)
    sides = frame.assign(late=late[frame.index]).groupby("unit")["late"].nunique()
    several = sum(" + " in name for name in set(frame["unit"]) if name not in walk.old)
    lost = {"mixed": mixed, "one_side": int((sides < 2).sum()), "rebuilt": rebuilt}
    told = told_constant(walk.valid_from, cells["unit"].nunique(), whole["unit"].nunique(), several, **lost)
    return replace(panel, cells=whole, readings=(*panel.readings, *told))


def told_constant(day: date, before: int, units: int, joined: int, **lost: int) -> list[Reading]:
    """What a reader must know of units constant over time: how many of `before` names they are made of, and what of `lost` there is (mixed:
    left out as their parts were treated at different times; one_side: with data on one side of the day alone; rebuilt: old ones still
    named after it)."""
    first = Reading("units_constant", {"day": str(day), "before": before, "units": units, "joined": joined})
    return [first, *(Reading(f"units_{name}", {"n": n}) for name, n in lost.items() if n)]


def without_mixed(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """(cells without joined units of which parts were treated at different times, how many units those were)."""
    starts = [name for name in STARTS if name in frame]
    mixed: set[str] = set()
    for name in starts:
        keys = ["unit", "period"] if name == "treated" else ["unit"]
        differ = frame.groupby(keys)[name].nunique(dropna=False)
        mixed |= set(differ.index.get_level_values("unit")[differ.to_numpy() > 1])
    return frame[~frame["unit"].isin(mixed)], len(mixed)


def with_clusters(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells whose clusters are joined as far as a unit lies in several, so that each unit is in one."""
    if "cluster" not in frame:
        return frame
    walk = joined(frame[["cluster", "unit"]].drop_duplicates().itertuples(index=False, name=None), date.min)
    return frame.assign(cluster=frame["cluster"].map(walk.old))


def added_up(frame: pd.DataFrame, p: Study, file: str) -> pd.DataFrame:
    """One row per unit and period. Raises InputError where something that is no count differs in one, or an outcome would be added up."""
    keys = ["unit", "period"]
    again = frame.duplicated(keys, keep=False)
    if again.any() and p.outcome:
        raise InputError(f"{file}: crosswalk: units are joined, and an outcome cannot be added up: give numerator and denominator")
    sums = {name: "sum" for name in SUMMED if name in frame}
    others = [name for name in frame if name not in (*keys, *sums)]
    for name in others:
        if again.any() and frame[again].groupby(keys)[name].nunique(dropna=False).gt(1).any():
            raise InputError(f"{file}: crosswalk: {name}: differs between units that are joined: leave that key out")
    return frame.groupby(keys, as_index=False).agg({**dict.fromkeys(others, "first"), **sums})[list(frame.columns)]
