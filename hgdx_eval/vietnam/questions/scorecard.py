"""The seven tasks: indicators from facts, from the study's own data and from a user's file, each with its status.

A user's file (docs/scorecard.md) has one row per indicator and period. What can be read in two ways is refused, with its row.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ...base import periods
from ...base.errors import InputError
from ...base.origin import Origin
from ...base.periods import written
from ...base.telling import did_you_mean, in_brief, told_file
from ...estimation.results import Estimate, result_table
from ...panel.disclosure import as_told, hidden_beside_total, parts_of
from ...panel.panel import Panel
from ...panel.told import run_release
from ...study.study import Study
from ..facts import PAYMENT_RATE, Facts, Indicator, load_facts
from ..provinces import same_province
from .user_csv import amount_of, csv_rows, period_in_past, period_of, told

COLUMNS = ("task", "indicator", "name", "name_en", "definition", "definition_en", "unit", "better", "target", "period", "value", "source")
NEEDED = ("task", "indicator", "name", "definition", "unit", "better", "target", "period", "value", "source")
SAME = ("task", "name", "name_en", "definition", "definition_en", "unit", "better")  # one indicator has one of each
UNITS = ("share", "percent", "count", "VND", "")
STATUSES = ("reached", "on_the_way", "away", "unclear", "no_target", "no_data")

TASKS = range(1, 8)


@dataclass(frozen=True)
class Note:
    """A number that was rewritten while it was read: 30 with unit share became 0.3."""

    row: int
    column: str  # target or value
    found: str
    share: float


@dataclass(frozen=True)
class Item:
    """One indicator of a task. Shares are 0-1. `values`: (period, value) by time, periods of one frequency; `names` and
    `definitions`: text by language, the Vietnamese one where no English was given; `kind`: facts, data or file."""

    task: int
    name: str
    names: dict[str, str]
    definitions: dict[str, str]
    unit: str  # share, count or VND
    better: str  # higher or lower
    target: float | None
    values: tuple[tuple[pd.Period, float], ...]
    sources: tuple[str, ...]
    kind: str
    fact_target: float | None = None  # what the source of the tasks says, where a file says something else

    @property
    def status(self) -> str:
        return status_of([value for _, value in compared(self)], self.target, self.better)


@dataclass(frozen=True)
class Scorecard:
    """All tasks: `items` sorted by task; `origin` of the study's own data, `notes` on what was rewritten in the file."""

    items: tuple[Item, ...]
    notes: tuple[Note, ...]
    origin: Origin
    file: str | None

    def __repr__(self) -> str:
        return in_brief(self, f"{len(self.items)} indicators of {len({item.task for item in self.items})} tasks")


def scorecard(panel: Panel, p: Study) -> Scorecard | None:
    """The scorecard of a study; None where the seven tasks are another place's and the study brings no file. Raises InputError."""
    facts = load_facts()
    if p.scorecard is None and not (p.place and same_province(facts, p.place, facts.tasks.place)):
        return None
    given, notes = read_scorecard(Path(p.scorecard), facts) if p.scorecard else ((), ())
    named = {item.name for item in given}
    own = tuple(item for item in [*own_items(panel, p), *own_payment(panel, p, facts)] if item.name not in named)
    named |= {item.name for item in own}
    known = tuple(fact_item(i) for i in facts.tasks.indicators if i.name not in named)
    order = {"data": 0, "facts": 1, "file": 2}
    items = sorted([*own, *known, *given], key=lambda item: (item.task, order[item.kind]))
    return Scorecard(tuple(items), notes, panel.origin, told_file(Path(p.scorecard).name) if p.scorecard else None)


def indicators(card: Scorecard | None) -> list[Estimate]:
    """The latest value of every indicator of a scorecard that has one. `card`: what `tasks_of` gives, which may be None.

    Returns a list of one Estimate for `record`, rows `indicator` (`group` its name, `parameter` its task and status; scale share, 0-1,
    count or VND; no interval, none is given); an empty list without a scorecard.
    """
    if card is None:
        return []
    rows = [{"term": "indicator", "estimator": "", "outcome": item.name, "group": item.name, "period": item.values[-1][0],
             "parameter": f"{item.task}/{item.status}", "estimate": item.values[-1][1], "inference": "none",
             "scale": {"share": "share", "count": "count", "VND": "VND"}[item.unit]} for item in card.items if item.values]  # fmt: skip
    return [Estimate(result_table(rows, simulated=card.origin.simulated), card.origin, "M")]


# --- status (docs/decisions/0016-scorecard.md) ---------------------------------------------------------------------
def status_of(values: list[float], target: float | None, better: str) -> str:
    """One of STATUSES from the values compared (earlier ones first) and the target. Reached: at the target or beyond it. Else on
    the way where the last value is nearer to it than the first, away where it is further off, unclear where neither can be said."""
    if not values:
        return "no_data"
    if target is None:
        return "no_target"
    sign = 1 if better == "higher" else -1
    if sign * (values[-1] - target) >= 0:
        return "reached"
    moved = sign * (values[-1] - values[0])
    return "on_the_way" if moved > 0 else "away" if moved < 0 else "unclear"


def compared(item: Item) -> tuple[tuple[pd.Period, float], ...]:
    """(earlier, latest) values: a year earlier where that is given, else the first; the latest alone where there is no other."""
    if len(item.values) < 2:
        return item.values
    latest = item.values[-1]
    year_before = dict(item.values).get(same_time_last_year(latest[0]))
    earlier = item.values[0] if year_before is None else (same_time_last_year(latest[0]), year_before)
    return earlier, latest


def same_time_last_year(period: pd.Period) -> pd.Period:
    return pd.Period(period.start_time - pd.DateOffset(years=1), freq=period.freq)


# --- facts and own data --------------------------------------------------------------------------------------------
def fact_item(found: Indicator) -> Item:
    """What the source of the tasks tells of an indicator."""
    values = () if found.value is None else ((period_of(found.period, ""), float(found.value)),)
    return Item(found.task, found.name, {"vi": found.vi, "en": found.en}, {"vi": found.definition_vi, "en": found.definition_en},
                found.unit, found.better, found.target, values, (), "facts")  # fmt: skip


def own_items(panel: Panel, p: Study) -> list[Item]:
    """Task 3 from the study's own data: the share submitted online, and from remote where the export says who filed. Names and
    definitions are the texts of `show_scorecard`. Months with a small count are left out."""
    cells = panel.cells.rename(columns={"numerator": "online", "denominator": "received"})  # a tidy table that says it holds this share
    if panel.definition not in ("online_share", "full_process_share") or not {"received", "online"} <= set(cells.columns):
        return []
    sums = cells.groupby("period")[[c for c in ("received", "online", "remote") if c in cells]].sum().astype(float)
    sums = sums[sums["received"] > 0]
    told = "remote" in sums and bool((sums["remote"] < sums["online"]).any())  # nobody filed for others: nothing is known of it
    sums = months_told(sums, told, p)
    shown = [(panel.definition, (sums["online"] / sums["received"]).dropna())]
    if told:
        shown.append(("remote_share", (sums["remote"] / sums["received"]).dropna()))
    return [Item(3, f"{name}_data", {}, {}, "share", "higher", None, tuple(zip(series.index, map(float, series), strict=True)), (), "data")
            for name, series in shown if len(series)]  # fmt: skip


def months_told(sums: pd.DataFrame, staff: bool, p: Study) -> pd.DataFrame:
    """received, online and, where staff filed for others, remote by month, as they may be told (NaN = hidden)."""
    release = run_release()
    if release is not None and (release.table["family"] == "month").any():
        month = as_told(release, "month", "", "", sums.index.astype(str)).set_axis(sums.index)
        sums = sums.assign(received=month["denominator"], online=month["numerator"])
        if staff:
            filed = release.of("staff").droplevel([0, 1]).reindex(sums.index.astype(str))
            same = filed["remote"] + filed["assisted"] == sums["online"].to_numpy()  # else one is an earlier run's
            sums["remote"] = filed["remote"].where(same).to_numpy()
        return sums
    hide = hidden_beside_total(parts_of(sums["online"], sums["received"]), p.min_count)
    told = sums[~hide].reindex(sums.index)
    if staff:
        parts = np.column_stack([sums["remote"], sums["online"] - sums["remote"], sums["received"] - sums["online"]])
        told["remote"] = told["remote"].mask(hidden_beside_total(parts, p.min_count))
    return told


def own_payment(panel: Panel, p: Study, facts: Facts) -> list[Item]:
    """Task 4 from the study's own fee details: the official rate (see `payment`), against the target of the programme. Months with
    a small count are left out."""
    found = next((i for i in facts.tasks.indicators if i.name == PAYMENT_RATE), None)
    if found is None or not {"paid_online", "channel_told"} <= set(panel.cells.columns):
        return []
    sums = panel.cells.groupby("period")[["paid_online", "channel_told"]].sum().query("channel_told > 0")
    parts = np.column_stack([sums["paid_online"], sums["channel_told"] - sums["paid_online"]]).astype(float)
    release = run_release()
    if release is None:
        rates = (sums["paid_online"] / sums["channel_told"])[~hidden_beside_total(parts, p.min_count)]
    else:
        told = release.of("payment").droplevel([0, 1]).reindex(sums.index.astype(str)).set_axis(sums.index)
        rates = (told["paid"] / (told["paid"] + told["unpaid"])).dropna()
    if rates.empty:
        return []
    values = tuple(zip(rates.index, map(float, rates), strict=True))
    return [replace(fact_item(found), definitions={}, values=values, kind="data")]


# --- a user's file -------------------------------------------------------------------------------------------------
def read_scorecard(path: Path, facts: Facts) -> tuple[tuple[Item, ...], tuple[Note, ...]]:
    """Indicators of a CSV file, and what was rewritten. Raises InputError (one line: file, row, what was found, what is allowed)."""
    rows = table_rows(path)
    notes: list[Note] = []
    seen: dict[str, tuple[int, dict[str, str]]] = {}  # indicator -> its first row
    targets: dict[str, tuple[int, float]] = {}
    values: dict[str, dict[pd.Period, tuple[int, float]]] = {}
    sources: dict[str, list[str]] = {}
    for number, row in rows:
        place = f"{path.name}: row {number}"
        check_row(row, place)
        name = row["indicator"]
        check_same(row, number, *seen.setdefault(name, (number, row)), place)
        for column, found in (("target", row["target"]), ("value", row["value"])):
            if found:
                amount, rewritten = amount_of(found, row["unit"], f"{place}: {column}")
                notes += [Note(number, column, found, amount)] if rewritten else []
                if column == "value":
                    keep_value(values.setdefault(name, {}), row, number, amount, place)
                elif targets.setdefault(name, (number, amount))[1] != amount:
                    raise InputError(f"{place}: indicator {told(name)}: its target differs from that of row {targets[name][0]}; "
                                     f"allowed: one target for an indicator")  # fmt: skip
        if not row["value"] and row["period"]:
            period_in_past(row["period"], place)
        if row["source"] and row["source"] not in sources.setdefault(name, []):
            sources[name].append(row["source"])
    items = [file_item(name, first, targets.get(name), values.get(name, {}), tuple(sources.get(name, ())), facts)
             for name, (_, first) in seen.items()]  # fmt: skip
    return tuple(items), tuple(notes)


def table_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line in the file as a spreadsheet numbers rows, cells by column) of every row that is not empty."""
    rows = csv_rows(path, "scorecard file", check_header)
    if not rows:
        raise InputError(f"{path.name}: no row below the header; a template is params/scorecard_template.csv")
    return [(number, {**dict.fromkeys(COLUMNS, ""), **row}) for number, row in rows]


def check_header(header: list[str], file: str) -> None:
    for column in header:
        if column not in COLUMNS:
            raise InputError(f"{file}: row 1: column {told(column)} is not known{did_you_mean(column, COLUMNS)}; "
                             f"allowed: {', '.join(COLUMNS)}")  # fmt: skip
        if header.count(column) > 1:
            raise InputError(f"{file}: row 1: column {column!r} stands twice")
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise InputError(f"{file}: row 1: column {missing[0]!r} is missing; needed: {', '.join(NEEDED)}")


def check_row(row: dict[str, str], place: str) -> None:
    """What one row alone can tell."""
    if row["task"] not in map(str, TASKS):
        raise InputError(f"{place}: task: {told(row['task'])}; allowed: 1 to 7")
    if not re.fullmatch(r"[a-z0-9_]+", row["indicator"]):
        raise InputError(f"{place}: indicator: {told(row['indicator'])}; allowed: a name of a-z, 0-9 and _")
    for column in ("name", "definition"):
        if not row[column]:
            raise InputError(f"{place}: {column}: empty; allowed: text")
    if row["unit"] not in UNITS:
        raise InputError(f"{place}: unit: {told(row['unit'])}; allowed: share (0 to 1), percent (0 to 100), count, VND")
    if row["better"] not in ("higher", "lower"):
        raise InputError(f"{place}: better: {told(row['better'])}; allowed: higher, lower")
    if row["value"] and not row["period"]:
        raise InputError(f"{place}: period: empty beside a value; allowed: {periods.FORMS}")
    if row["value"] and not row["source"]:
        raise InputError(f"{place}: source: empty beside a value; allowed: where it was read")


def check_same(row: dict[str, str], number: int, first_number: int, first: dict[str, str], place: str) -> None:
    """An indicator has one definition; two are two indicators."""
    for column in SAME:
        if row[column] != first[column]:
            what = "two definitions of one indicator" if column.startswith("definition") else f"two entries in {column}"
            raise InputError(f"{place} and row {first_number}: indicator {told(row['indicator'])}: {what}; allowed: the same {column} in "
                             f"every row of an indicator (another definition is another indicator)")  # fmt: skip
    if number != first_number and not row["period"]:
        raise InputError(f"{place}: indicator {told(row['indicator'])} stands already in row {first_number}; allowed: one row per "
                         f"indicator and period")  # fmt: skip


def keep_value(series: dict, row: dict[str, str], number: int, amount: float, place: str) -> None:
    period = period_in_past(row["period"], place)
    if period in series:
        raise InputError(f"{place}: indicator {told(row['indicator'])}, {written(period)}: stands already in row {series[period][0]}; "
                         f"allowed: one row per indicator and period")  # fmt: skip
    other = next((p for p in series if p.freqstr != period.freqstr), None)
    if other is not None:
        raise InputError(f"{place}: period: {written(period)}, but row {series[other][0]} has {written(other)}; allowed: one kind of "
                         f"period (year, quarter, month, week or day) for an indicator")  # fmt: skip
    series[period] = (number, amount)


def file_item(name: str, row: dict[str, str], target: tuple[int, float] | None, series: dict, sources: tuple[str, ...],
              facts: Facts) -> Item:  # fmt: skip
    """One indicator of the file; its target from the facts where the file gives none."""
    fact = next((i for i in facts.tasks.indicators if i.name == name), None)
    known = fact.target if fact is not None else None
    unit = row["unit"] if row["unit"] in ("count", "VND") else "share"
    values = tuple((period, value) for period, (_, value) in sorted(series.items(), key=lambda pair: pair[0].ordinal))
    item = Item(int(row["task"]), name, {"vi": row["name"], "en": row["name_en"] or row["name"]},
                {"vi": row["definition"], "en": row["definition_en"] or row["definition"]}, unit, row["better"],
                target[1] if target else known, values, sources, "file")  # fmt: skip
    return replace(item, fact_target=known) if target and known is not None and known != target[1] else item
