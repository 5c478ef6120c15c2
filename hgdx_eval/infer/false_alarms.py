"""The few-cluster gate: how often would each kind of interval cry wolf on this study's own data?

The months before the policy are taken apart into residuals and put together again into placebo worlds: every cluster keeps all
of its units, and draws blocks of consecutive months, so that shocks common to its units and their memory stay. In half of the worlds
clusters draw blocks of their own, in the other half all draw the same, so that what moves many clusters together stays too. A world has
the study's own units, months, weights and adoption, and no effect. The share of worlds in which a nominal 5 % test rejects is told of
either half; the first decides, and where clusters move together more than chance (`common_shocks`) the worse one. No row from the policy's
start on is read. Of the study's kinds, written down beforehand, that cry wolf in at most 7 % of the worlds, the one nearest to 5 % is
headlined.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
from scipy import stats

from ..base.errors import Refusal
from ..base.periods import PER_YEAR
from ..design.design import Design
from ..design.placebos import placebo_sets
from ..design.variants import calendar_months
from ..estimation.fixed_effects import TINY, cells_of, rows_only, usable
from ..estimation.heterogeneity import group_linears
from ..estimation.inference import LEVEL, MANY, Linear, by_cluster
from ..estimation.two_way import residuals, two_way
from ..study.vocabulary import REGRESSION
from . import randomization, wild
from .common_shocks import together
from .world_sums import Part, Sums, Worlds, part_of, sums_of_adoptions, sums_of_outcomes, sums_of_regression

WORLDS = 2000
AT_ONCE = 10_000_000  # numbers of so many worlds together
MOST, LEAST = 0.07, 0.03  # false alarms: above, a kind is not headlined; below, it is called conservative
BLOCK = {"D": 182, "W": 26, "M": 6, "Q": 6, "Y": 6}  # periods drawn together, at most
MIN_BEFORE = 4  # periods before the policy without which there is nothing to draw from
TOO_FEW = 2.0  # effective clusters on either side: with no more, no clustered error is tried
WILD_DRAWS, RANDOM_DRAWS = 999, 199
TOGETHER = 0.05  # p of no common movement: below, the worse rate decides
RATES = ["kind", "worlds", "rate", "low", "high", "own", "common", "together"]


def false_alarms(design: Design, estimator: str, kinds: tuple[str, ...], worlds: int = WORLDS) -> pd.DataFrame:
    """One row per kind of `kinds` that can be tried: kind, worlds (of either half), own and common (its rates, 0-1, where clusters draw
    blocks of their own and where all draw the same), together (p-value of no common movement), rate (the one that decides), low, high
    (its 99 % Monte Carlo interval).

    Empty where the time before is shorter than four periods, or the estimate is no weighted sum of outcomes.
    """
    linear = linear_of(design, estimator)
    source = None if linear is None else worlds_of(design)
    if linear is None or source is None:
        return pd.DataFrame(columns=RATES)
    kinds = tuple(kind for kind in kinds if kind in ("cluster", "wild") or estimator == REGRESSION)
    tests = {kind: TESTS[kind](design, linear, source) for kind in kinds}
    tests = {kind: test for kind, test in tests.items() if test is not None}
    sums, chunk = sums_of(source, linear, "wild" in kinds), chunk_of(source, linear)
    alarms = {kind: [0, 0] for kind in tests}
    for common in (False, True):
        for at in range(0, worlds, chunk):
            part = part_of(source, at, min(chunk, worlds - at), common)
            found = sums(part)
            for kind, test in tests.items():
                alarms[kind][common] += int((test(part, found) <= 1 - LEVEL + 1e-12).sum())
    p = together(design, linear, source)
    decides = {kind: max(numbers) if p < TOGETHER else numbers[False] for kind, numbers in alarms.items()}
    return pd.DataFrame([{"kind": kind, "worlds": worlds, "rate": decides[kind] / worlds, **monte_carlo(decides[kind], worlds),
                          "own": numbers[False] / worlds, "common": numbers[True] / worlds, "together": p}
                         for kind, numbers in alarms.items()], columns=RATES)  # fmt: skip


def chunk_of(w: Worlds, linear: Linear) -> int:
    """How many worlds at once: numbers of each world are sums by unit, by cluster x period and by cluster x cluster, or its outcomes."""
    numbers = len(w.residual) + w.clusters * (w.periods + w.clusters) if linear.parts else 3 * len(w.cluster)
    return int(np.clip(AT_ONCE // numbers, 20, 500))


def monte_carlo(number: int, worlds: int) -> dict[str, float]:
    """The exact 99 % interval of a rate (Clopper & Pearson 1934)."""
    low, high = stats.binomtest(number, worlds).proportion_ci(0.99)
    return {"low": float(low), "high": float(high)}


def intervals(design: Design, estimator: str, order: tuple[str, ...]) -> list[dict]:
    """`overall` rows of the kinds of `order` besides the estimator's own: wild, randomization; those that cannot be had are
    left out. Raises Refusal as the estimator does."""
    linear = linear_of(design, estimator)
    rows = []
    for kind in order:
        if kind == "wild" and linear is not None:
            found = wild.wild(linear, design.seed)
            rows += [found] if np.isfinite(found["p_value"]) else []
        if kind == "randomization" and estimator == REGRESSION:
            try:
                rows.append(randomization.randomization(design))
            except Refusal:
                continue
    return rows


def wild_aggregates(design: Design, estimator: str) -> list[dict]:
    """Rows with wild intervals of whatever else is a weighted sum: `event` times of the estimator, `group` effects and contrasts
    of two groups. Empty with too many clusters, or for a method that is no weighted sum. Of days there are
    event times of the regression alone: other methods need a matrix of rows x clusters for each of hundreds."""
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    if not hasattr(module, "linears") or design.table["cluster"].nunique() > MANY:
        return []
    path = design.frequency != "D" or estimator == REGRESSION
    events = module.linears(replace(design, path=path), lambda part: wild.wild(part, design.seed, WILD_DRAWS))
    rows = [{"term": "event", "event_time": time, **events[time]} for time in sorted(time for time in events if time is not None)]
    groups = group_linears(design) if estimator == REGRESSION else {}  # they are its coefficients
    return rows + [{"term": "group", "group": name, **wild.wild(part, design.seed, WILD_DRAWS)} for name, part in groups.items()]


def linear_of(design: Design, estimator: str) -> Linear | None:
    """The estimate as a weighted sum of outcomes; None for a method that is none, or with too many clusters to need it."""
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    if not hasattr(module, "linears") or design.table["cluster"].nunique() > MANY:
        return None
    return module.linears(replace(design, path=False))[None]


# --- worlds --------------------------------------------------------------------------------------------------------
def worlds_of(design: Design) -> Worlds | None:
    """The residuals of the time before any unit is treated, after unit and period effects; None where it is too short."""
    table = usable(design)
    start = table["treated_from"].min()
    early = (table["time"] < start).to_numpy()
    months = np.sort(table.loc[early, "time"].unique())
    if len(months) < MIN_BEFORE:
        return None
    cells = rows_only(cells_of(design, table), early)
    residual = residuals(two_way(cells.weight, cells.units, cells.times), cells.y[:, None])[:, 0]
    units, times = pd.factorize(table["unit"])[0], table["time"].to_numpy()
    by_month = np.zeros((units.max() + 1, len(months)))
    by_month[units[early], np.searchsorted(months, times[early])] = residual
    block = max(1, min(BLOCK[design.frequency], len(months) // 2))
    known = calendar_months(pd.Series(pd.PeriodIndex.from_ordinals(months, freq=design.frequency)), design.frequency)
    season = None if known is None or len(months) < 2 * PER_YEAR[design.frequency] else pd.factorize(known)[0]
    return Worlds(by_month, units, pd.factorize(table["cluster"])[0], pd.factorize(table["time"], sort=True)[0], block, design.seed, season)


def sums_of(w: Worlds, linear: Linear, residual_sums: bool) -> Callable[[Part], Sums]:
    """Looked up where the estimate is a regression's, else from the worlds' outcomes."""
    if linear.parts is None:
        return sums_of_outcomes(w, linear, residual_sums)
    return sums_of_regression(w, linear, linear.parts(), residual_sums)


# --- tests: (some worlds, their sums) -> p of each world ---------------------------------------------------------------
def cluster_test(design: Design, linear: Linear, w: Worlds):
    dof = linear.dof

    def p(part: Part, found: Sums) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = found.estimates / np.sqrt(linear.factor * (found.scores**2).sum(axis=0))
        return 2 * stats.t.sf(np.abs(t), dof)

    return p


def wild_test(design: Design, linear: Linear, w: Worlds | None = None) -> Callable[[Part | None, Sums], np.ndarray]:
    v, complete = wild.signs(len(linear.scores), WILD_DRAWS, design.seed)
    share = by_cluster(linear.clusters, (linear.weights * linear.direction)[:, None])[:, 0]
    step = np.column_stack([linear.of_step, -linear.of_step.sum(axis=1)])
    one, other = np.triu_indices(step.shape[1], 1)
    pairs = np.column_stack([v, np.ones(len(v))])
    pairs = 2 * pairs[:, one] * pairs[:, other]

    def p(part: Part | None, found: Sums) -> np.ndarray:
        tops = v @ found.s0 - found.s0.sum(axis=0) + found.estimates * (v @ share)[:, None]
        lines = np.dstack([found.b0, found.scores.T - found.b0.sum(axis=2)]) + found.estimates[:, None, None] * step
        squares = lines.transpose(0, 2, 1) @ lines  # a cluster's score is a line of signs and 1: their squares' sum a quadratic form
        least = pairs @ squares[:, one, other].T + np.trace(squares, axis1=1, axis2=2)
        at_least = (tops**2 * (found.scores**2).sum(axis=0) >= found.estimates**2 * least * (1 - wild.TIE)).sum(axis=0)
        return at_least / len(v) if complete else (at_least + 1) / (len(v) + 1)

    return p


def randomization_test(design: Design, linear: Linear, w: Worlds):
    try:
        estimates = sums_of_adoptions(w, randomization.permuted(design, RANDOM_DRAWS)[0])
    except Refusal:
        return None
    return lambda part, found: randomization.share_as_extreme(estimates(part))


def placebo_test(design: Design, linear: Linear, w: Worlds):
    """The rank among comparison clusters that pretend to be treated."""
    placebos = pretended(design)
    if placebos is None:
        return None
    estimates = sums_of_adoptions(w, placebos)

    def test(part: Part, found: Sums) -> np.ndarray:
        own, others = np.abs(found.estimates), np.abs(estimates(part))
        return (1 + (others >= own * (1 - 1e-12)).sum(axis=0)) / (1 + len(others))

    return test


def pretended(design: Design) -> randomization.Permuted | None:
    """`placebos_in_space` as assignments: no start or the real one, among the comparison clusters' rows alone. None where there are no
    such placebos, or where one of them is absorbed."""
    table, own, others = usable(design), design.clusters(True), design.clusters(False)
    if set(own) & set(others) or len(others) <= len(own) or design.table["treated_from"].nunique() != 1:
        return None
    sets, inside = placebo_sets(others, len(own), design.seed), table["treated_from"].isna().to_numpy()
    cells = rows_only(cells_of(design, table), inside)
    group, names = pd.factorize(table.loc[inside, "cluster"])
    starts = np.array([names.isin(one) for one in sets]).astype(int)
    late = table.loc[inside, "time"].to_numpy() >= table["treated_from"].min()
    assigned = randomization.Assignments(starts, np.vstack([np.zeros_like(late), late]), group, False)
    fe = two_way(cells.weight, cells.units, cells.times)
    rest, whole = randomization.squared(fe, cells, assigned)
    if not (rest > TINY**2 * whole).all():
        return None
    return randomization.Permuted(assigned, cells, fe, rest, np.flatnonzero(inside))


TESTS = {"cluster": cluster_test, "wild": wild_test, "randomization": randomization_test, "placebo": placebo_test}


# --- the choice ----------------------------------------------------------------------------------------------------
def chosen(rates: pd.DataFrame, order: tuple[str, ...], at_hand: set[str], most: float = MOST) -> pd.DataFrame:
    """`rates` in the study's order with `state`: headline (of those that pass, the one nearest to 5 %, of equals the first), passes,
    conservative (passes, with less than 3 %), fails (above `most`), unavailable (no interval or rank `at_hand`, or no rate); and
    `conservative`, true or false."""
    found = rates.set_index("kind").reindex(index=list(order), columns=RATES[1:])
    found.loc[~found.index.isin(at_hand), RATES[2:]] = np.nan
    found["worlds"] = found["worlds"].where(found["rate"].notna(), 0).astype(int)
    found["conservative"] = found["rate"] < LEAST
    cases = [found["rate"].isna(), found["rate"] > most, found["conservative"]]
    found["state"] = np.select(cases, ["unavailable", "fails", "conservative"], "passes").astype(object)
    kept = found.loc[found["rate"] <= most, "rate"]
    if len(kept):
        found.loc[(kept - (1 - LEVEL)).abs().idxmin(), "state"] = "headline"
    return found.reset_index()
