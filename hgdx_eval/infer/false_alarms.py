"""The few-cluster gate: how often would each kind of interval cry wolf on this study's own data?

The months before the policy are taken apart into residuals and put together again into placebo worlds: every cluster keeps all
of its units, and draws blocks of consecutive months of its own, so that shocks common to its units and their memory stay. A
world has the study's own units, months, weights and adoption, and no effect. The share of worlds in which a nominal 5 % test
rejects is told with its Monte Carlo interval; no row from the policy's start on is read. The order in which kinds are tried
is the study's, written down beforehand; the first that cries wolf in at most 7 % of the worlds is headlined.
"""

from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pandas as pd
from scipy import stats

from ..base.errors import Refusal
from ..design.design import Design
from ..design.placebos import placebos_in_space
from ..estimation.fixed_effects import cells_of, rows_only, usable
from ..estimation.heterogeneity import group_linears
from ..estimation.inference import LEVEL, MANY, Linear, by_cluster
from ..estimation.two_way import residuals, two_way
from ..study.vocabulary import REGRESSION
from . import randomization, wild

WORLDS = 2000
CHUNK = 100
MOST, LEAST = 0.07, 0.03  # false alarms: above, a kind is not headlined; below, it is called conservative
BLOCK = {"D": 182, "W": 26, "M": 6, "Q": 6, "Y": 6}  # periods drawn together, at most
MIN_BEFORE = 4  # periods before the policy without which there is nothing to draw from
LEAST_CLUSTERS = 3  # on either side: with fewer, no clustered error is tried
WILD_DRAWS, RANDOM_DRAWS = 999, 199
RATES = ["kind", "worlds", "rate", "low", "high"]


@dataclass(frozen=True)
class Worlds:
    """What placebo worlds are drawn from: residuals of the time before in points, and where each row of the study finds its own."""

    residual: np.ndarray  # rows of the time before, and one 0 for units not seen in a month
    source: np.ndarray  # rows of the study x months before: position in `residual`
    cluster: np.ndarray  # per row of the study
    time: np.ndarray  # per row of the study, from 0
    before: int
    block: int
    seed: int


def false_alarms(design: Design, estimator: str, kinds: tuple[str, ...], worlds: int = WORLDS) -> pd.DataFrame:
    """One row per kind of `kinds` that can be tried: kind, worlds, rate (0-1), low, high (its 99 % Monte Carlo interval).

    Empty where the time before is shorter than four periods, or the estimate is no weighted sum of outcomes.
    """
    linear = linear_of(design, estimator)
    source = None if linear is None else worlds_of(design)
    if source is None:
        return pd.DataFrame(columns=RATES)
    kinds = tuple(kind for kind in kinds if kind in ("cluster", "wild") or estimator == REGRESSION)
    tests = {kind: TESTS[kind](design, linear) for kind in kinds}
    tests = {kind: test for kind, test in tests.items() if test is not None}
    alarms = dict.fromkeys(tests, 0)
    for at in range(0, worlds, CHUNK):
        y = drawn(source, at, min(CHUNK, worlds - at))
        rest = linear.rest(y)
        for kind, test in tests.items():
            alarms[kind] += int((test(y, rest) <= 1 - LEVEL + 1e-12).sum())
    return pd.DataFrame([{"kind": kind, "worlds": worlds, "rate": number / worlds, **monte_carlo(number, worlds)}
                         for kind, number in alarms.items()], columns=RATES)  # fmt: skip


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
            rows.append(wild.wild(linear, design.seed))
        if kind == "randomization" and estimator == REGRESSION:
            try:
                rows.append(randomization.randomization(design))
            except Refusal:
                continue
    return rows


def wild_aggregates(design: Design, estimator: str) -> list[dict]:
    """Rows with wild intervals of whatever else is a weighted sum: `event` times of the estimator, `group` effects and contrasts
    of two groups. Empty with too many clusters, or for a method that is no weighted sum. Of days the event times are left out: an
    interval for each of hundreds would take gigabytes."""
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    if not hasattr(module, "linears") or design.table["cluster"].nunique() > MANY:
        return []
    events = module.linears(replace(design, path=design.frequency != "D"))
    rows = [{"term": "event", "event_time": time, **wild.wild(part, design.seed, WILD_DRAWS)} for time, part in sorted(
        (time, part) for time, part in events.items() if time is not None)]  # fmt: skip
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
    place = np.full((units.max() + 1, len(months)), len(residual))
    place[units[early], np.searchsorted(months, times[early])] = np.arange(len(residual))
    block = max(1, min(BLOCK[design.frequency], len(months) // 2))
    return Worlds(np.append(residual, 0.0), place[units], pd.factorize(table["cluster"])[0], pd.factorize(table["time"], sort=True)[0],
                  len(months), block, design.seed)  # fmt: skip


def drawn(w: Worlds, first: int, number: int) -> np.ndarray:
    """Outcomes of so many worlds, numbered from `first`: rows x worlds. The same number gives the same world."""
    clusters, periods = int(w.cluster.max()) + 1, int(w.time.max()) + 1
    blocks = -(-periods // w.block) + 1
    y = np.empty((len(w.cluster), number))
    rows = np.arange(len(w.cluster))
    for j in range(number):
        rng = np.random.default_rng([w.seed, 3, first + j])
        starts = rng.integers(0, w.before, (clusters, blocks))
        months = ((starts[:, :, None] + np.arange(w.block)) % w.before).reshape(clusters, -1)
        offset = rng.integers(0, w.block, clusters)
        month = months[w.cluster, w.time + offset[w.cluster]]
        y[:, j] = w.residual[w.source[rows, month]]
    return y


# --- tests: (outcomes, what the estimate's model leaves of them; rows x worlds) -> p of each world -------------------
def cluster_test(design: Design, linear: Linear):
    dof = linear.dof

    def p(y: np.ndarray, rest: np.ndarray) -> np.ndarray:
        scores = linear.influence.T @ y
        with np.errstate(divide="ignore", invalid="ignore"):
            t = linear.weights @ y / np.sqrt(linear.factor * (scores**2).sum(axis=0))
        return 2 * stats.t.sf(np.abs(t), dof)

    return p


def wild_test(design: Design, linear: Linear):
    groups = int(linear.clusters.max()) + 1
    v, complete = wild.signs(groups, WILD_DRAWS, design.seed)
    step = by_cluster(linear.clusters, linear.influence * linear.direction[:, None]).T
    share = by_cluster(linear.clusters, (linear.weights * linear.direction)[:, None])[:, 0]
    members = [np.flatnonzero(linear.clusters == g) for g in range(groups)]
    inside = [linear.influence[rows].T for rows in members]  # clusters x rows of one cluster

    def p(y: np.ndarray, rest: np.ndarray) -> np.ndarray:
        estimates, scores = linear.weights @ y, linear.influence.T @ y
        s0 = by_cluster(linear.clusters, linear.weights[:, None] * rest)
        b0 = np.stack([part @ rest[rows] for part, rows in zip(inside, members, strict=True)], axis=1)
        found = []
        for j in range(y.shape[1]):
            k = wild.Kernel(estimates[j], linear.factor * float(scores[:, j] @ scores[:, j]), linear.factor, s0[:, j], share,
                            b0[:, :, j], step, -float(s0[:, j].sum()), scores[:, j] - b0[:, :, j].sum(axis=1),
                            -step.sum(axis=1))  # fmt: skip
            found.append(wild.p_value(k, wild.drawn(k, v), complete, 0.0))
        return np.array(found)

    return p


def randomization_test(design: Design, linear: Linear):
    try:
        p = randomization.permuted(design, RANDOM_DRAWS)[0]
    except Refusal:
        return None

    def test(y: np.ndarray, rest: np.ndarray) -> np.ndarray:
        return randomization.share_as_extreme(randomization.under_all(p, residuals(p.fe, y)))

    return test


def placebo_test(design: Design, linear: Linear):
    """The rank among comparison clusters that pretend to be treated."""
    try:
        placebos = placebos_in_space(design)
        weights = np.column_stack([placebo_weights(design, placebo) for _, placebo in placebos])
    except Refusal:
        return None

    def test(y: np.ndarray, rest: np.ndarray) -> np.ndarray:
        own, others = np.abs(linear.weights @ y), np.abs(weights.T @ y)
        return (1 + (others >= own * (1 - 1e-12)).sum(axis=0)) / (1 + len(others))

    return test


def placebo_weights(design: Design, placebo: Design) -> np.ndarray:
    """The weights of a placebo's estimate over the rows of the study; 0 for the treated units, which it leaves out."""
    table = usable(design)
    linear = import_module("hgdx_eval.estimators.two_way_fixed_effects").linears(replace(placebo, path=False))[None]
    place = pd.MultiIndex.from_frame(table[["unit", "time"]]).get_indexer(pd.MultiIndex.from_frame(usable(placebo)[["unit", "time"]]))
    weights = np.zeros(len(table))
    weights[place] = linear.weights
    return weights


TESTS = {"cluster": cluster_test, "wild": wild_test, "randomization": randomization_test, "placebo": placebo_test}


# --- the choice ----------------------------------------------------------------------------------------------------
def chosen(rates: pd.DataFrame, order: tuple[str, ...], at_hand: set[str], most: float = MOST) -> pd.DataFrame:
    """`rates` in the study's order with `state`: headline (the first that passes), passes, conservative (passes, with less
    than 3 %), fails (above `most`), unavailable (no interval or rank `at_hand`, or no rate); and `conservative`, true or false."""
    known, rows, taken = rates.set_index("kind"), [], False
    for kind in order:
        if kind not in known.index or kind not in at_hand:
            rows.append({"kind": kind, "worlds": 0, "rate": np.nan, "low": np.nan, "high": np.nan, "state": "unavailable",
                         "conservative": False})  # fmt: skip
            continue
        row = known.loc[kind].to_dict()
        state = "fails" if row["rate"] > most else "conservative" if row["rate"] < LEAST else "passes"
        headline = state != "fails" and not taken
        taken |= headline
        rows.append({"kind": kind, **row, "state": "headline" if headline else state, "conservative": row["rate"] < LEAST})
    return pd.DataFrame(rows)
