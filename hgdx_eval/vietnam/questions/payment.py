"""Online payment by two definitions, what the cut did to each, and when the target is reached.

The official rate counts dossiers paid online among those that paid something; one that owes nothing is no part of it. A cut of the
whole fee therefore takes out just those who file online, who pay online more often, and the rate falls though nobody pays
otherwise. The fixed rate is over a set of dossiers that owe a fee with the cut as well as without it (where the cut takes the
whole fee, those of the groups concerned that were not filed online; else all), and its two parts, the groups whose fee is
cut and the others, keep the weights of the year before the start: it moves only where somebody pays otherwise.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ...base.errors import Refusal
from ...base.periods import told_span
from ...base.telling import in_brief
from ...design.design import Design, study_design
from ...estimation.estimate import estimate
from ...estimation.inference import LEVEL
from ...estimation.results import Estimate, joined, result_table
from ...infer.fieller import Ratio, fieller
from ...panel.panel import Panel
from ...panel.told import Release
from ...study.study import Study
from ..count_dossiers import CHANNELS
from ..facts import PAYMENT_RATE, load_facts

RATES = ("official", "fixed")
YEAR = 12
FLAT = 1e-9  # points a month: no rise but that of rounding
MOST_LIKE = 0.9  # autocorrelation of errors beyond which a short series cannot tell a trend from a wave
TREND, LEAST = 24, 12  # months of a trend: the last ones, and how many are needed
HALF = 0.5  # a cut takes the whole fee where most dossiers filed online since then pay nothing


@dataclass(frozen=True)
class Reach:
    """When a rate reaches the target on its trend. `state`: reached (`since`: the first month from which it stayed there); when
    (`month`, between `low` and `high`); open (the trend may be flat: not before `low`, None where even that cannot be told);
    not (the trend does not rise); short (too few months). `months`: Fieller's set of months from the last one."""

    state: str
    since: pd.Period | None = None
    month: pd.Period | None = None
    low: pd.Period | None = None
    high: pd.Period | None = None
    months: Ratio | None = None
    slope: float = np.nan  # points a month


@dataclass(frozen=True)
class Payment:
    """`series`: one row per month: period, and per rate of RATES its value (share, NaN where too few may be told), with
    official_told (dossiers that it is a share of) and left (dossiers of the groups whose fee is cut that owed nothing). `waived`:
    whether the cut took the whole fee. `effects`: per rate the overall row of the study's own method, or a refusal's. `reach`:
    per rate. `unknown`: payments of which nobody knows how they were made (share). `reason`: why there is nothing at all."""

    reason: str | None
    series: pd.DataFrame | None = None
    waived: bool = False
    effects: dict[str, pd.Series] | None = None
    reach: dict[str, Reach] | None = None
    target: float | None = None
    unknown: float = np.nan
    estimate: Estimate | None = None
    by_filing: tuple[float, float] = (np.nan, np.nan)  # of the groups whose fee is cut, the year before: filed online, and not
    groups: tuple[str, ...] = ()  # whom the effects compare with
    until: pd.Period | None = None  # last month of the comparison, where the study ends it before its window's end

    def __repr__(self) -> str:
        return in_brief(self, self.reason or f"{' and '.join(RATES)} rate, {told_span(self.series['period'])}")

    @property
    def recorded(self) -> list[Estimate]:
        return [] if self.estimate is None else [self.estimate]


def why_none(panel: Panel, p: Study) -> str | None:
    """Why nothing can be said of online payment (a key of locale/payment.*.yaml), or None."""
    if not p.policy:
        return "none_policy"
    if "paying" not in panel.cells:
        return "none_payments"
    return None if set(CHANNELS) <= set(panel.cells) else "none_channel"


def payment_of(panel: Panel, p: Study, design: Design) -> Payment:
    """Online payment by both of its definitions (shares 0-1 by month), the effect of the cut on each (percentage points), and when the
    target is reached.

    Returns a Payment; where nothing can be said its `reason` is a code, and every show_* of it copes.
    """
    if reason := why_none(panel, p):
        return Payment(reason)
    waived = whole_fee(panel.cells, p, design)
    cells = counted(panel.cells, p, waived)
    series, target = monthly(cells, p, design), target_of()
    effects = {name: effect_on(name, panel, cells, p, waived) for name in RATES}
    reach = {name: reached(series, name, target) for name in RATES} if target is not None else {}
    until = study_of("official", p, cells).window[1] if p.payment.until else None
    paying, told = panel.cells["paying"].sum(), panel.cells["channel_told"].sum()
    found = Payment(None, series, waived, effects, reach, target, 1 - told / paying if paying else np.nan,
                    by_filing=rates_by_filing(cells, design), groups=tuple(p.payment.comparison_groups),
                    until=pd.Period(until, freq=p.frequency) if until else None)  # fmt: skip
    return replace(found, estimate=rows_of(found, design))


def target_of() -> float | None:
    """The target of the programme's task (share), None where its source gives none."""
    return next((task.target for task in load_facts().tasks.tasks if task.indicator == PAYMENT_RATE), None)


# --- two rates -----------------------------------------------------------------------------------------------------
def whole_fee(cells: pd.DataFrame, p: Study, design: Design) -> bool:
    """Whether most dossiers whose fee is cut, filed online since the start, paid nothing."""
    own = cells[cells[p.group].isin(p.treated_groups) & (cells["period"] >= design.start)]
    nothing, lines = own["filed_online_zero"].sum(), (own["filed_online_zero"] + own["filed_online_paying"]).sum()
    return bool(lines) and nothing / lines > HALF


def counted(cells: pd.DataFrame, p: Study, waived: bool) -> pd.DataFrame:
    """Cells with what each rate counts: official_paid of official_told, fixed_paid of fixed_told (dossiers), and `part`: cut (its
    fee is cut) or other."""
    cut = cells[p.group].isin(p.treated_groups)
    not_online = waived & cut
    return cells.assign(
        part=np.where(cut, "cut", "other"), official_paid=cells["paid_online"], official_told=cells["channel_told"],
        fixed_paid=np.where(not_online, cells["counter_paid_online"], cells["paid_online"]),
        fixed_told=np.where(not_online, cells["counter_told"], cells["channel_told"]),
    )  # fmt: skip


def monthly(cells: pd.DataFrame, p: Study, design: Design) -> pd.DataFrame:
    """The two rates of the province by month, see `Payment.series`."""
    last = design.table["time"].max()
    cells = cells[(cells["period"].array.asi8 <= last) & (cells["period"].array.asi8 >= design.table["time"].min())]
    names = ["official_paid", "official_told", "fixed_paid", "fixed_told", "zero_fee"]
    sums = cells.groupby(["period", "part"])[names].sum().unstack(fill_value=0)
    official = sums["official_paid"].sum(axis=1), sums["official_told"].sum(axis=1)
    before = (sums.index < design.start) & (sums.index >= design.start - YEAR)
    weights = sums.loc[before, "fixed_told"].sum()
    weights = weights / weights.sum() if weights.sum() else weights
    parts = (sums["fixed_paid"] / sums["fixed_told"].where(sums["fixed_told"] > 0)).loc[:, weights[weights > 0].index]
    fixed = (parts * weights[weights > 0]).sum(axis=1, skipna=False) if len(parts.columns) else pd.Series(np.nan, sums.index)
    few = few_of(sums["fixed_paid"].sum(axis=1), sums["fixed_told"].sum(axis=1), p.min_count)
    series = pd.DataFrame({
        "official": (official[0] / official[1]).mask(few_of(*official, p.min_count)), "fixed": fixed.mask(few),
        "official_told": official[1],
        "left": sums["zero_fee"].get("cut", pd.Series(0, sums.index)),
    })  # fmt: skip
    return (series if design.release is None else as_released(series, design.release, weights)).reset_index()


def as_released(series: pd.DataFrame, release: Release, weights: pd.Series) -> pd.DataFrame:
    """The same from what the run tells of payments; NaN where that is hidden."""
    months = series.index.astype(str)
    official, fixed = release.of("payment").droplevel([0, 1]).reindex(months), release.of("payment_fixed").droplevel(0)
    told = official["paid"] + official["unpaid"]
    rates = [(part["paid"] / (part["paid"] + part["unpaid"])).to_numpy() * weight for name, weight in weights[weights > 0].items()
             for part in [fixed.loc[name].reindex(months)]]  # fmt: skip
    return series.assign(official=(official["paid"] / told).to_numpy(), fixed=np.sum(rates, axis=0) if rates else np.nan,
                         official_told=told.fillna(0.0).to_numpy())  # fmt: skip


def rates_by_filing(cells: pd.DataFrame, design: Design) -> tuple[float, float]:
    """Shares paid online of the dossiers filed online and of the others, among those whose fee is cut, in the year before the start."""
    own = cells[(cells["part"] == "cut") & (cells["period"] < design.start) & (cells["period"] >= design.start - YEAR)]
    told, counter = own["channel_told"].sum() - own["counter_told"].sum(), own["counter_told"].sum()
    online = own["paid_online"].sum() - own["counter_paid_online"].sum()
    return online / told if told else np.nan, own["counter_paid_online"].sum() / counter if counter else np.nan


def few_of(paid: pd.Series, told: pd.Series, min_count: int) -> pd.Series:
    """Where one of the two parts is too small to be told."""
    other = told - paid
    return (told == 0) | ((paid > 0) & (paid < min_count)) | ((other > 0) & (other < min_count))


# --- what the cut did to them --------------------------------------------------------------------------------------
def study_of(name: str, p: Study, cells: pd.DataFrame) -> Study:
    """The study of one rate: the same treated groups, unit, clusters and method; compared are groups that have fees too."""
    ends = p.window or [str(cells["period"].min()), str(cells["period"].max())]
    window = [ends[0], p.payment.until] if p.payment.until else list(ends)
    return p.model_copy(update={
        "numerator": f"{name}_paid", "denominator": f"{name}_told", "comparison_groups": p.payment.comparison_groups, "window": window,
        "by": [], "dose": None, "weights": None, "apart": [],
    })  # fmt: skip


def effect_on(name: str, panel: Panel, cells: pd.DataFrame, p: Study, waived: bool) -> pd.Series:
    """The overall row of the study's own method for one rate; a row `refused` where it cannot be estimated. Where the cut takes
    the whole fee, the fixed rate is compared among dossiers not filed online in both groups: like with like."""
    own = study_of(name, p, cells)
    if name == "fixed" and waived:
        cells = cells.assign(fixed_paid=cells["counter_paid_online"], fixed_told=cells["counter_told"])
    try:
        design = study_design(replace(panel, cells=cells), own)
        return estimate(replace(design, path=False), p.estimator).overall()
    except Refusal as refusal:
        row = {"study": p.study, "outcome": own.outcome_name, "estimator": p.estimator, "status": "refused", "reason": refusal.reason,
               "inference": "none", "scale": "pp", "term": "overall", "simulated": panel.origin.simulated}  # fmt: skip
        return result_table([row]).iloc[0]


# --- the target ----------------------------------------------------------------------------------------------------
def reached(series: pd.DataFrame, name: str, target: float) -> Reach:
    """When a rate reaches the target if its line of the last TREND months goes on: (target - level) / slope months from the last
    one, after Fieller, with errors that may depend on those of the month before."""
    told = series.dropna(subset=[name]).tail(TREND)
    if len(told) < LEAST:
        return Reach("short")
    last, y = told["period"].iloc[-1], told[name].to_numpy() * 100
    x = told["period"].array.asi8 - last.ordinal
    (level, slope), cov = line(x.astype(float), y)
    if min(y[-1], level) >= 100 * target:
        below = np.flatnonzero(series[name].to_numpy() < target)
        return Reach("reached", since=series["period"].iloc[below[-1] + 1 if len(below) else 0], slope=slope)
    crit = stats.t.ppf((1 + LEVEL) / 2, len(y) - 2)
    months = fieller(100 * target - level, slope, cov[0, 0], cov[1, 1], -cov[0, 1], crit)
    if slope < FLAT:
        return Reach("not", months=months, slope=slope)
    month = last + max(int(np.ceil(months.estimate)), 1)
    if months.shape == "interval":
        return Reach("when", month=month, low=last + max(int(np.ceil(months.low)), 1), high=last + max(int(np.ceil(months.high)), 1),
                     months=months, slope=slope)  # fmt: skip
    earliest = {"outside": months.high, "from": months.low}.get(months.shape, np.nan)
    return Reach("open", month=month, low=None if np.isnan(earliest) else last + max(int(np.ceil(earliest)), 1), months=months, slope=slope)


def line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((level at x = 0, slope), their covariance) by least squares with errors of first-order autocorrelation.

    The autocorrelation of the residuals is corrected for its bias around a fitted line, -(2 + 4 r) / n (Shaman & Stine 1988, The
    bias of autoregressive coefficient estimators, J. Am. Stat. Assoc. 83) and held between 0 and MOST_LIKE. With some 20
    months this keeps its word where Newey & West's errors do not (`tests/vietnam/test_payment.py`).
    """
    basis = np.column_stack([np.ones(len(x)), x])
    bread = np.linalg.inv(basis.T @ basis)
    params = bread @ basis.T @ y
    rest = y - basis @ params
    r = rest[1:] @ rest[:-1] / (rest @ rest) if rest @ rest > 0 else 0.0
    r = min(max(r + (2 + 4 * r) / len(y), 0.0), MOST_LIKE)
    alike = r ** np.abs(np.subtract.outer(x, x))
    annihilator = np.eye(len(x)) - basis @ bread @ basis.T
    variance = rest @ rest / np.trace(annihilator @ alike)
    return params, variance * bread @ basis.T @ alike @ basis @ bread


# --- what is told and recorded -------------------------------------------------------------------------------------
def mean_rate(found: Payment, name: str, when: pd.Series) -> float:
    """The mean of a rate over months, each by the official rate's dossiers."""
    rows = found.series[when].dropna(subset=[name])
    return float(np.average(rows[name], weights=rows["official_told"])) if len(rows) else np.nan


def rows_of(found: Payment, design: Design) -> Estimate:
    """`indicator` rows: each rate of the last twelve months and months_to_target; `specification` rows: the effect on each rate."""
    common = {"study": design.study, "estimator": "", "simulated": design.origin.simulated, "level": LEVEL}
    rows, recent = [], found.series["period"] > found.series["period"].max() - YEAR
    for name in RATES:
        value = mean_rate(found, name, recent)
        told = {**common, "outcome": f"{name}_paid/{name}_told", "term": "indicator", "inference": "none"}
        if not np.isnan(value):
            rows.append({**told, "group": f"{name}_rate", "estimate": value, "scale": "share"})
        months = found.reach[name].months if name in found.reach else None
        if months is not None and not np.isnan(months.estimate):
            bounds = {"ci_low": months.low, "ci_high": months.high} if months.shape == "interval" else {"parameter": months.shape}
            rows.append({**told, "group": f"{name}_months_to_target", "estimate": months.estimate, "scale": "level",
                         "inference": "fieller", **bounds})  # fmt: skip
    tables = [replace_table(row, f"payment_{name}") for name, row in found.effects.items()]
    empty = Estimate(result_table(rows), design.origin, design.frequency)
    return replace(empty, table=joined([empty, *(replace(empty, table=table) for table in tables)]))


def replace_table(row: pd.Series, group: str) -> pd.DataFrame:
    return result_table([{**row, "term": "specification", "group": group}])
