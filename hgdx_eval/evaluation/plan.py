"""A study planned before its outcomes are seen: what it would find with so many periods, and what would make it fail.

No row of a period from the policy's start on is read (`load_panel(early=True)`). The periods to come are taken to be like the last year
before the policy, in volume and in who is there: what would be found is rehearsed on that (`rehearsal`), the outcomes themselves are not.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..base.errors import InputError, Refusal
from ..base.memo import remembered
from ..base.origin import Origin
from ..base.periods import PER_YEAR, parse_period, written
from ..base.telling import in_brief
from ..design.design import Design, study_design
from ..panel.load import load_panel
from ..panel.panel import Panel
from ..panel.tidy import first_start
from ..study.study import Study
from .evaluation import Evaluation, evaluate
from .rehearsal import MOST, Rehearsal, rehearsed

LEAST_AFTER = 3  # periods planned, where the study names no window
FEWER = 400  # worlds, for numbers of periods other than the planned one
PARTS = (0.25, 0.5, 1.0, 2.0)  # of the planned periods, for which is told what would be found


@dataclass(frozen=True)
class Plan:
    """What is written down before the outcomes are seen. Wordless; no outcome of a period from `start` on is in it.

    `months`: one row per number of periods after the start: after, smallest (least effect found 8 times in 10, points or the outcome's own
    unit; NaN: none that was tried). `sizes`: treated and comparison units and clusters. `lacking`: what would make it fail, reason codes.
    """

    p: Study
    origin: Origin
    start: pd.Period
    first: pd.Period
    before: int
    after: int
    sizes: dict[str, int]
    headline: str
    gate: pd.DataFrame
    checks: tuple[str, ...]  # those that can be made
    rehearsal: Rehearsal
    months: pd.DataFrame
    lacking: tuple[str, ...]
    data: str  # hash of what was read of the time before

    def __repr__(self) -> str:
        return in_brief(self, f"{self.p.study}: {self.before} periods before {written(self.start)}, {self.after} planned",
                        f"{self.rehearsal.smallest:.3g} found 8 times in 10 by {self.headline}",
                        f"lacking: {', '.join(self.lacking) or 'nothing'}")  # fmt: skip

    @property
    def needed(self) -> int | None:
        """The fewest of the periods tried with which the smallest meaningful effect is found 8 times in 10; None: none of them, or
        the study names no such effect."""
        if self.p.smallest_effect is None:
            return None
        enough = self.months.loc[self.months["smallest"] <= self.p.smallest_effect, "after"]
        return int(enough.min()) if len(enough) else None


def plan_of(p: Study) -> Plan:
    """A plan of a study from its periods before the policy alone. `p`: what `load_study` gives; its window's end says until when it is
    planned, else as many periods after as before. Computed once in a run.

    Returns a Plan. Raises InputError where the data do not say when the policy begins without the rows after it, Refusal where nothing
    could be estimated.
    """
    return remembered(lambda: planned(p), "plan", p)


def planned(p: Study) -> Plan:
    panel = load_panel(p, early=True)
    start = start_of(p, panel)
    known = sorted(panel.cells["period"].unique())
    if not known:
        raise InputError(f"{p.study}: no period before the policy")
    after = planned_after(p, start, len(known))
    design, found, rehearsal = with_periods(p, panel, start, after)
    tried = sorted({max(1, round(part * after)) for part in PARTS})
    smallest = [rehearsal.smallest if number == after else smallest_with(p, panel, start, number) for number in tried]
    sizes = {"treated_units": len(design.treated_units), "comparison_units": len(design.comparison_units),
             "treated_clusters": len(design.clusters(True)), "comparison_clusters": len(design.clusters(False))}  # fmt: skip
    months = pd.DataFrame({"after": tried, "smallest": smallest})
    before = design.table.loc[design.table["time"] < design.start.ordinal, "period"]
    return Plan(p, panel.origin, design.start, before.min(), int(before.nunique()), after, sizes, found.headline, found.gate,
                tuple(name for name, state in found.checks.items() if state != "none"), rehearsal, months,
                lacking(found, rehearsal, p), digest_of(panel))  # fmt: skip


def start_of(p: Study, panel: Panel) -> pd.Period:
    """The first period that is planned."""
    starts = panel.cells["treated_from"] if isinstance(p.treated_from, str) else None
    return pd.Period(ordinal=first_start(p, starts, panel.origin.file), freq=p.frequency)


def planned_after(p: Study, start: pd.Period, before: int) -> int:
    if p.window:
        after = parse_period(p.window[1], p.frequency, f"{p.study}: window").ordinal - start.ordinal + 1
        if after < 1:
            raise InputError(f"{p.study}: window: ends before the policy begins ({written(start)}); a plan is for the periods after it")
        return after
    return max(LEAST_AFTER, min(before, 2 * PER_YEAR[p.frequency]))


def with_periods(p: Study, panel: Panel, start: pd.Period, after: int, worlds: int = MOST) -> tuple[Design, Evaluation, Rehearsal]:
    """The study judged as if so many periods after the start had been like the last year before it: what depends on the outcomes before
    alone, or on the design, is what it will be."""
    design, p = judged_with(p, panel, start, after)
    found = evaluate(design, p)
    return design, found, rehearsed(found, p, most=worlds)


def judged_with(p: Study, panel: Panel, start: pd.Period, after: int) -> tuple[Design, Study]:
    """The design with the periods to come, and the study with its window."""
    window = None if p.window is None else [p.window[0], written(start + after - 1)]
    p = p.model_copy(update={"window": window, "fresh_within": None})
    return study_design(to_come(panel, start, after), p), p


def gate_before(p: Study) -> str:
    """The kind of inference that the gate chooses from the periods before the policy alone, or none. Raises InputError, Refusal."""
    panel = load_panel(p, early=True)
    start = start_of(p, panel)
    after = planned_after(p, start, panel.cells["period"].nunique())
    return evaluate(*judged_with(p, panel, start, after)).headline


def smallest_with(p: Study, panel: Panel, start: pd.Period, after: int) -> float:
    try:
        return with_periods(p, panel, start, after, FEWER)[2].smallest
    except Refusal:
        return np.nan


def to_come(panel: Panel, start: pd.Period, after: int) -> Panel:
    """The panel with so many periods from the start on, each like the same one of the last year before it (of what there is, where that is
    less than a year)."""
    cells = panel.cells
    known = np.sort(pd.PeriodIndex(cells["period"].unique()).asi8)
    cycle = known[-min(len(known), PER_YEAR[start.freqstr[0]]) :]
    parts = [cells]
    for number in range(after):
        source = pd.Period(ordinal=int(cycle[number % len(cycle)]), freq=cells["period"].dt.freq)
        parts.append(cells[cells["period"] == source].assign(period=start + number))
    every = pd.concat(parts, ignore_index=True)
    every["period"] = pd.PeriodIndex(every["period"], freq=cells["period"].dt.freq)
    return replace(panel, cells=every)


def lacking(found: Evaluation, rehearsal: Rehearsal, p: Study) -> tuple[str, ...]:
    """What would make the study fail, as far as it can be seen beforehand."""
    limit = p.smallest_effect
    holds = {
        "gate": found.headline == "none",
        "few_clusters": found.sides is not None and found.sides.few,
        "not_rehearsed": rehearsal.table.empty and found.headline != "none",
        "never_found": not rehearsal.table.empty and np.isnan(rehearsal.smallest),
        "smallest_not_found": limit is not None and rehearsal.smallest > limit,
        "no_smallest": limit is None,
        "untested": any(state == "none" for state in found.checks.values()),
    }
    return tuple(name for name, true in holds.items() if true)


def digest_of(panel: Panel) -> str:
    """SHA-256 of the cells that were read."""
    import hashlib

    cells = panel.cells.assign(period=panel.cells["period"].astype(str))
    return hashlib.sha256(cells.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
