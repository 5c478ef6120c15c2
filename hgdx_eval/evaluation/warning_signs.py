"""What in a design can mislead its estimate: warnings, each named for its failure, with the numbers of its sentence.

From the design alone, and so always told where it is so: `few_clusters`, `dominant_cluster`, `two_treated_agencies`, `event_in_window`,
`thin_months`. From the outcomes or counts: `differential_trend` (the two sides drift apart at a steady rate, seen before and
after the policy with the effect taken out; tests of the time before alone have little power, Roth 2022, American Economic
Review: Insights, and this one has not much more: `Trend.detectable` says how much), `uneven_campaign` (their gap moves with a
listed campaign), `season` (the window does not balance a season that one side has), `ceiling` (no room left, or the effect depends on
the scale), `composition_change` (the mix of dossiers shifts at the date), `volume_change` (their number jumps, and that could be the
effect). Errors are clustered, with the degrees of freedom of `fixed_effects.regression_dof`; with few clusters nothing is
tested. Effects are in points, shares 0-1.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, special, stats

from ..base.errors import Refusal
from ..base.periods import NAMES as PERIODS
from ..base.periods import PER_YEAR, written
from ..base.telling import in_brief
from ..design.design import Design, nearby_events, of_names, thin_event_times
from ..design.variants import calendar_months
from ..estimation.fixed_effects import (
    TINY,
    Cells,
    Fit,
    cells_of,
    coefficients,
    combination,
    indicators,
    outcome_weights,
    points,
    regress,
    regression_dof,
    usable,
)
from ..estimation.fixed_effects import told as t_test
from ..estimation.inference import FEW_CLUSTERS, LEVEL, small_sample
from ..infer.information import Sides, sides_of
from ..study.events import Event
from ..study.vocabulary import REGRESSION
from .volume import Volume

STEADY, BEFORE = 0.04, 0.01  # sizes of the two tests of a trend, 5 % together
CAMPAIGN = 0.01  # size of the test of a campaign, shared by the campaigns that are tried
POWER = 0.8
LEAST_PERIODS = 3  # on a side of the date, for a slope
TWO_HOLD = 0.8  # of the treated dossiers, in two clusters
HIGH = 0.9  # counterfactual share from which there is no room
TOP, TOP_PART, TOP_SIZE = 0.95, 0.25, 20  # a unit's share; part of the treated dossiers in such units; dossiers a unit needs
APART, APART_LEAST = 0.5, 1.0  # logit and linear effect differ by this part of the larger one, and by so many points
HALF = 0.5  # of what a side tells, in one cluster
SEASON = 0.01  # size of the test that a season moves the estimate
MOVED, MOVED_Z = 0.1, 3.0  # of a side's dossiers, beyond chance and beyond what moved before; in standard errors


@dataclass(frozen=True)
class Sign:
    """One thing that can mislead. `strength`: a p-value for tests (smaller is stronger), else the share or number told.
    `numbers`: what its sentence needs. Wordless."""

    name: str
    strength: float
    numbers: dict[str, Any]  # numbers, names, events


@dataclass(frozen=True)
class Trend:
    """How fast treated and comparison units drift apart, in points a period, the effect taken out, and what could be seen.

    `slope` is one rate before and after the policy beside a constant effect; `before` and `after` have a rate each. `p_same`:
    that both are alike. `detectable`: the least slope found with 80 % power at 5 %. `bias`: what a slope of one adds to the
    average effect; `bias * slope` is thus what this trend would do to it. `std_error`, `dof`: of the slope.
    """

    slope: float
    std_error: float
    ci_low: float
    ci_high: float
    p_value: float
    dof: float
    before: float
    p_before: float
    after: float
    p_same: float
    detectable: float
    bias: float
    frequency: str  # D, W, M, Q or Y: what a period is

    def __repr__(self) -> str:
        return in_brief(self, f"{self.slope:.3g} a {PERIODS[self.frequency]} [{self.ci_low:.3g}, {self.ci_high:.3g}]",
                        f"{self.detectable:.3g} would be found", "seen" if self.seen else "not seen")  # fmt: skip

    @property
    def seen(self) -> bool:
        """A steady drift, or one before the policy. A path that bends at the policy alone may be a growing effect."""
        return (self.p_value < STEADY and self.p_same >= 1 - LEVEL) or self.p_before < BEFORE


def warning_signs(design: Design, sides: Sides | None = None, volume: Volume | None = None) -> list[Sign]:
    """The warnings that fire, in the order of `WARNINGS`; none twice. `sides`: what each cluster carries of the main estimate; where not
    given, of two-way fixed effects. `volume`: the jump in the number of cases, where it is known. Raises Refusal where a number is not
    finite."""
    table = usable(design)
    sides = sides_of(design, REGRESSION) if sides is None else sides
    cells = None if sides.few else cells_or_none(design, table)  # few clusters' errors say too little for a test
    found = [differential_trend(design, sides), uneven_campaign(design, table, cells), season(design, table, cells), ceiling(design, table),
             clusters_few(sides), dominant_cluster(sides), two_treated(table), event_in_window(design),
             composition_change(design, table), volume_change(volume), thin_months(design)]  # fmt: skip
    return [warning for warning in found if warning is not None]


# --- trends and campaigns ----------------------------------------------------------------------------------------------
def sided(table: pd.DataFrame) -> np.ndarray:
    """1 for rows of units that are treated at some time."""
    return table["treated_from"].notna().to_numpy(float)


def cells_or_none(design: Design, table: pd.DataFrame) -> Cells | None:
    try:
        return cells_of(design, table)
    except Refusal:
        return None


def trend(design: Design) -> Trend | None:
    """The differential trend of the sides: how fast they drift apart beside the effect, in points (or the outcome's own unit) a period, and
    the least drift that would have been found.

    Returns a Trend; None where fewer than three periods stand on a side of the date, all units are treated, or clusters are few. Raises
    Refusal where an outcome is no finite number.
    """
    return trend_of(design, sides_of(design, REGRESSION))


def trend_of(design: Design, sides: Sides) -> Trend | None:
    """The same, with what each cluster carries of the main estimate."""
    table = usable(design)
    fits = trend_fits(design, table, None if sides.few else cells_or_none(design, table))
    if fits is None:
        return None
    main, one, two = fits
    slope = coefficients(one, 2)[1]
    _, before, after = coefficients(two, 3)
    dof = regression_dof(one, outcome_weights(one, np.array([0.0, 1.0])))
    same = combination(two, np.array([0.0, 1.0, -1.0]))
    return Trend(slope["estimate"], slope["std_error"], float(slope["ci_low"]), float(slope["ci_high"]), slope["p_value"], dof,
                 before["estimate"], before["p_value"], after["estimate"], same["p_value"],
                 detectable(slope["std_error"], dof), bias_of_slope(main, drift_of(design, table)), design.frequency)  # fmt: skip


def trend_fits(design: Design, table: pd.DataFrame, cells: Cells | None) -> tuple[Fit, Fit, Fit] | None:
    """The regressions on being treated alone, beside one slope of the treated side, and beside one before and one after the policy; None
    where there is too little for them."""
    time = table["time"].to_numpy(float) - design.start.ordinal
    if cells is None or min(len(np.unique(time[time < 0])), len(np.unique(time[time >= 0]))) < LEAST_PERIODS:
        return None
    drift, treated = drift_of(design, table), table["treated"].to_numpy(float)
    one = regress(cells, np.column_stack([treated, drift]))
    two = regress(cells, np.column_stack([treated, drift * (1 - treated), drift * treated]))
    main = regress(cells, treated[:, None])
    if main is None or one is None or two is None or len(one.kept) < 2 or len(two.kept) < 3:
        return None
    return main, one, two


def drift_of(design: Design, table: pd.DataFrame) -> np.ndarray:
    """Outcomes of a treated side that grows by one a period, 0 at the start."""
    return sided(table) * (table["time"].to_numpy(float) - design.start.ordinal)


def detectable(std_error: float, dof: float) -> float:
    """The least value that a two-sided 5 % t test finds with 80 % power (Bloom 1995, Evaluation Review, eq. 1)."""
    return float((stats.t.ppf(0.5 + LEVEL / 2, dof) + stats.t.ppf(POWER, dof)) * std_error)


def bias_of_slope(main: Fit, path: np.ndarray) -> float:
    """What a path of one point a period of the treated side adds to the average effect."""
    return float(outcome_weights(main, np.ones(1)) @ path)


def differential_trend(design: Design, sides: Sides) -> Sign | None:
    found = trend_of(design, sides)
    if found is None or not found.seen:
        return None
    steady = found.p_value < STEADY and found.p_same >= 1 - LEVEL
    slope = found.slope if steady else found.before
    told = {"slope": slope, "bias": slope * found.bias, "detectable": found.detectable,
            "detectable_bias": found.detectable * abs(found.bias), "steady": float(steady), "frequency": found.frequency}  # fmt: skip
    return Sign("differential_trend", found.p_value if steady else found.p_before, told)


def uneven_campaign(design: Design, table: pd.DataFrame, cells: Cells | None) -> Sign | None:
    """The campaign of the place with the least p-value, where the treated side's gap in its days differs from that in the other
    periods after the policy."""
    tried = [(combination(fit, np.array([0.0, 1.0])), event) for fit, event in campaign_fits(design, table, cells)]
    if not tried:
        return None
    moved, event = min(tried, key=lambda pair: pair[0]["p_value"])
    if not moved["p_value"] * len(tried) < CAMPAIGN:
        return None
    told = {"gap": moved["estimate"], "low": float(moved["ci_low"]), "high": float(moved["ci_high"]), "events": (event,)}
    return Sign("uneven_campaign", moved["p_value"], told)


def campaign_fits(design: Design, table: pd.DataFrame, cells: Cells | None) -> list[tuple[Fit, Event]]:
    """The regression on being treated and on being so in a campaign's days, for each campaign that can be told apart."""
    found: list[tuple[Fit, Event]] = []
    treated = table["treated"].to_numpy(float)
    for event in design.events:
        if cells is None or event.scope == "national" or event.until is None:
            continue
        during = treated * days_inside(event, table["period"])
        if not during.any() or (during == treated).all():
            continue
        fit = regress(cells, np.column_stack([treated, during]))
        if fit is not None and len(fit.kept) == 2:
            found.append((fit, event))
    return found


def days_inside(event: Event, periods: pd.Series) -> np.ndarray:
    """The part of each period's days on which an event with an end goes on."""
    first, last = pd.Timestamp(event.date), pd.Timestamp(event.until)
    known = {}
    for period in periods.unique():
        begin, end = period.start_time.normalize(), period.end_time.normalize()
        inside = (min(end, last) - max(begin, first)).days + 1
        known[period] = max(inside, 0) / ((end - begin).days + 1)
    return periods.map(known).to_numpy(float)


def season(design: Design, table: pd.DataFrame, cells: Cells | None) -> Sign | None:
    """Fires where the estimate moves once the treated side may have a season of its own (an effect of each calendar month or quarter), or
    where only with it the interval holds 0: the window does not tell a season from the effect."""
    fits = season_fits(design, table, cells)
    if fits is None:
        return None
    usual, fit = fits
    before, after = (int(table.loc[rows, "time"].nunique()) for rows in (table["time"] < design.start.ordinal, table["treated"]))
    told = {"before": before, "after": after, "estimate": float(usual.beta[0])}
    if fit is None:
        return Sign("season", 1.0, {**told, "seen": 0.0})
    row, other = combination(usual, np.ones(1)), combination(fit, np.ones(1))
    one, more = (outcome_weights(found, np.ones(1)) for found in (usual, fit))
    step = np.bincount(fit.cells.clusters, more * fit.errors - one * usual.errors)
    factor = small_sample(len(step), fit.cells.n, fit.k)
    moved = t_test(other["estimate"] - row["estimate"], factor * float(step @ step), regression_dof(fit, more - one))
    told |= {"without": other["estimate"], "low": float(other["ci_low"]), "high": float(other["ci_high"])}
    if moved["p_value"] < SEASON:
        return Sign("season", moved["p_value"], {**told, "seen": 1.0})
    lost = other["ci_low"] <= 0 <= other["ci_high"] and not row["ci_low"] <= 0 <= row["ci_high"]
    return Sign("season", moved["p_value"], {**told, "seen": 0.0}) if lost else None


def season_fits(design: Design, table: pd.DataFrame, cells: Cells | None) -> tuple[Fit, Fit | None] | None:
    """The regression on being treated alone, and beside a season of the treated side (None: that absorbs being treated); None where there
    is no season to tell, or where the window balances it."""
    months = calendar_months(table["period"], design.frequency)
    if cells is None or months is None:
        return None
    treated = table["treated"].to_numpy(float)[:, None]
    usual = regress(cells, treated)
    if usual is None:
        return None
    of_side = sparse.csr_matrix(indicators(months, np.unique(months)[1:]).multiply(sided(table)[:, None]))
    fit = regress(cells, treated, of_side)
    if fit is not None:
        one, more = (outcome_weights(found, np.ones(1)) for found in (usual, fit))
        if np.abs(more - one).max() <= TINY * np.abs(one).max():
            return None
    return usual, fit


# --- room for an effect ------------------------------------------------------------------------------------------------
def ceiling(design: Design, table: pd.DataFrame) -> Sign | None:
    """Shares alone. Fires where the treated would have stood at 90 % or above without the policy, where a quarter of their
    dossiers are in units at 95 % or above, or where logits tell an effect that differs from the linear one by half."""
    late = table[table["treated"]]
    cells = cells_or_none(design, table)
    fit = None if cells is None else regress(cells, table["treated"].to_numpy(float)[:, None])
    if design.scale != "pp" or fit is None or late["weight"].sum() == 0:
        return None
    effect, share = float(fit.beta[0]), float(np.average(late["y"], weights=late["weight"]))
    without = share - effect / points(design)
    top = at_the_top(late)
    linear, logit = two_scales(table)
    apart = abs(logit - linear)  # nan where no block has both sides on both dates
    differ = bool(without > 0.5 and apart >= max(APART_LEAST, APART * max(abs(linear), abs(logit))))
    holds = tuple(name for name, true in (("high", without >= HIGH), ("top", top >= TOP_PART), ("scale", differ)) if true)
    if not holds:
        return None
    return Sign("ceiling", without, {"share": share, "without": without, "room": 1 - without, "top": top,
                                        "linear": linear, "logit": logit, "holds": holds})  # fmt: skip


def at_the_top(late: pd.DataFrame) -> float:
    """The part of treated dossiers after the policy in units (of 20 dossiers or more) whose share is 95 % or above."""
    sums = late.assign(part=late["y"] * late["weight"]).groupby("unit")[["part", "weight"]].sum()
    large = sums["weight"] >= TOP_SIZE if late["denominator"].notna().all() else sums["weight"] > 0
    return float(sums.loc[large & (sums["part"] >= TOP * sums["weight"]), "weight"].sum() / sums["weight"].sum())


def two_scales(table: pd.DataFrame) -> tuple[float, float]:
    """(linear, logit) difference in differences of mean shares inside blocks, in points, blocks weighted by treated dossiers
    after the policy; logit: the counterfactual's log odds move by as much as the comparison's do. nan where none has all four."""
    start = table["treated_from"].min()
    parts = table.assign(part=table["y"] * table["weight"], side=table["treated_from"].notna(), late=table["time"] >= start)
    sums = parts.groupby(["block", "side", "late"])[["part", "weight"]].sum().unstack(["side", "late"]).dropna()
    if sums.empty or sums.shape[1] < 8:
        return np.nan, np.nan
    n, half = sums["weight"], 0.5
    share = (sums["part"] + half) / (n + 1)
    began, ended, other_began, other_ended = (share[key] for key in ((True, False), (True, True), (False, False), (False, True)))
    weight = n[(True, True)]
    line = ended - (began + other_ended - other_began)
    odds = ended - special.expit(special.logit(began) + special.logit(other_ended) - special.logit(other_began))
    return 100 * float(np.average(line, weights=weight)), 100 * float(np.average(odds, weights=weight))


# --- what the design alone shows ---------------------------------------------------------------------------------------
def clusters_few(sides: Sides) -> Sign | None:
    if not sides.few:
        return None
    return Sign("few_clusters", sides.least,
                {"treated_clusters": len(sides.treated), "comparison_clusters": len(sides.compared),
                 "treated_effective": sides.effective(True), "comparison_effective": sides.effective(False),
                 "limit": FEW_CLUSTERS})  # fmt: skip


def dominant_cluster(sides: Sides) -> Sign | None:
    """One cluster of several tells more than half of what its side tells."""
    largest = {treated: (own.iloc[0], str(own.index[0]), len(own)) for treated, own in ((True, sides.treated), (False, sides.compared))
               if len(own) > 1 and own.iloc[0] > HALF}  # fmt: skip
    if not largest:
        return None
    treated, (share, name, number) = max(largest.items(), key=lambda pair: pair[1][0])
    return Sign("dominant_cluster", float(share), {"share": float(share), "names": (name,), "all": number, "treated_side": float(treated)})


def two_treated(table: pd.DataFrame) -> Sign | None:
    """Treatment in at most two clusters, or two that hold four fifths of the treated dossiers."""
    weight = table[table["treated"]].groupby("cluster")["weight"].sum().sort_values()
    if weight.empty or weight.tail(2).sum() < TWO_HOLD * weight.sum():
        return None
    share = float(weight.tail(2).sum() / weight.sum())
    return Sign("two_treated_agencies", share, {"share": share, "clusters": min(len(weight), 2),
                                                   "all": len(weight), "names": tuple(weight.tail(2).index[::-1])})  # fmt: skip


def event_in_window(design: Design) -> Sign | None:
    events = nearby_events(design)
    if not events:
        return None
    away = min(abs(pd.Period(pd.Timestamp(e.date), freq=design.frequency).ordinal - design.start.ordinal) for e in events)
    return Sign("event_in_window", float(away), {"events": events, "away": away})


def thin_months(design: Design) -> Sign | None:
    """Event times whose treated or comparison dossiers are fewer than half of their median (`designs.thin_event_times`)."""
    times = thin_event_times(design)
    if not times:
        return None
    start = int(design.table["treated_from"].dropna().iloc[0])
    sums = design.table.groupby([design.table["treated_from"].notna(), "time"])["denominator"].sum().unstack(0).fillna(0)
    least = (sums / sums.median()).min(axis=1)
    return Sign("thin_months", float(least.min()),
                   {"number": len(times), "part": float(least.min()), "frequency": design.frequency,
                    "periods": tuple(written(pd.Period(ordinal=start + k, freq=design.frequency)) for k in times)})  # fmt: skip


# --- who is in the panel -----------------------------------------------------------------------------------------------
def composition_change(design: Design, table: pd.DataFrame) -> Sign | None:
    """Fires where a tenth of a side's dossiers moved between units at the date, beyond chance and beyond what moved before it.

    Windows of equal length, at most a year. The effect is told as it is and with each unit at its weight before the policy.
    """
    time = table["time"].to_numpy() - design.start.ordinal
    width = min(PER_YEAR[design.frequency], -int(time.min()) // 2, int(time.max()) + 1)
    if width < 1:
        return None
    moved = {side: abrupt_move(table[part], time[part], width) for side, part in
             ((side, table["treated_from"].notna().to_numpy() == side) for side in (True, False)) if part.any()}  # fmt: skip
    side, (share, error) = max(moved.items(), key=lambda pair: pair[1][0])
    if share < MOVED or share < MOVED_Z * error:
        return None
    estimate, reweighted = before_and_after_reweighting(design, table)
    return Sign("composition_change", share, {"share": share, "treated_side": float(side), "estimate": estimate,
                                                 "reweighted": reweighted})  # fmt: skip


def volume_change(volume: Volume | None) -> Sign | None:
    if volume is None or not volume.explains:
        return None
    return Sign("volume_change", volume.p_value, {"jump": volume.jump, "low": volume.low, "high": volume.high})


def abrupt_move(side: pd.DataFrame, time: np.ndarray, width: int) -> tuple[float, float]:
    """(share of dossiers that moved between units at the date less the share that moved one window earlier, its error)."""
    counts = side["weight"].to_numpy(float)
    units = pd.factorize(side["unit"])[0]
    sums = [np.bincount(units, counts * ((time >= k * width) & (time < (k + 1) * width)), units.max() + 1) for k in (-2, -1, 0)]
    if min(part.sum() for part in sums) == 0:
        return 0.0, 0.0
    counted = bool(side["denominator"].notna().all())
    (now, now_error), (then, then_error) = distance(sums[1], sums[2], counted), distance(sums[0], sums[1], counted)
    return now - then, float(np.hypot(now_error, then_error))


def distance(first: np.ndarray, second: np.ndarray, counted: bool) -> tuple[float, float]:
    """(half the sum of absolute differences of two mixes less what chance makes of it, its error), shares 0-1. Chance: counts
    of one mix, each unit's difference normal; none where weights are no counts."""
    gap = np.abs(first / first.sum() - second / second.sum()) / 2
    if not counted:
        return float(gap.sum()), 0.0
    mix = (first + second) / (first.sum() + second.sum())
    variance = mix * (1 - mix) * (1 / first.sum() + 1 / second.sum()) / 4
    return float(gap.sum() - np.sqrt(2 / np.pi * variance).sum()), float(np.sqrt((1 - 2 / np.pi) * variance.sum()))


def before_and_after_reweighting(design: Design, table: pd.DataFrame) -> tuple[float, float]:
    """(effect, effect with each unit at its mean weight before the policy, units not seen before left out), in points."""
    early = table[table["time"] < design.start.ordinal].groupby("unit")["weight"].mean()
    fixed = table.assign(weight=of_names(table["unit"], early)).dropna(subset=["weight"])
    found = []
    for rows in (table, fixed):
        cells = cells_or_none(replace(design, table=rows), rows)
        fit = None if cells is None else regress(cells, rows["treated"].to_numpy(float)[:, None])
        found.append(np.nan if fit is None else float(fit.beta[0]))
    return found[0], found[1]
