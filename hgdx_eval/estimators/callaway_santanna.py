"""Group-time effects: each cohort in each period against units not treated, from the period before its start.

Callaway & Sant'Anna (2021), equation 2.8 and section 3; errors from influence functions, clustered. Units weigh as they do on
average over time. With separate period effects a unit is compared inside its block alone: the outcome regression of that
paper on block dummies, which there equals the doubly robust one. Earlier periods are each compared with the one before
(the varying base of R's did). `overall` is the simple average; `aggregate` rows are the dynamic and the group one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.event_path import EventPath, Layout, Overall, bin_sizes, cluster_gram, joined_in
from ..estimation.fixed_effects import (
    Cells,
    Fit,
    behind,
    cells_of,
    indicators,
    linear_estimate,
    points,
    regress,
    told,
    told_by_leverage,
    unexplained,
    usable,
    with_few,
)
from ..estimation.inference import (
    MANY,
    Linear,
    beyond_rounding,
    by_cluster,
    degrees_of_freedom,
    effective_clusters,
    itself,
    linear_of_rows,
)
from ..estimation.many_outcomes import Told
from ..estimation.results import Estimate
from ..panel.disclosure import told_sizes

DIFFERS = ("mean_weights",)  # what it takes otherwise than two-way fixed effects on the same design


@dataclass(frozen=True)
class Wide:
    """A design as a matrix: one row per unit, one column per period."""

    y: np.ndarray  # units x periods, NaN where not seen
    weight: np.ndarray  # mean weight, mean 1 over units
    cohort: np.ndarray  # first treated period, inf = never
    block: np.ndarray
    cluster: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class Effect:
    """An effect on one cohort; influence of each unit on it; squared weights of outcomes over their weight."""

    cohort: float
    att: float
    influence: np.ndarray
    leverage: np.ndarray


@dataclass(frozen=True)
class GroupTime(Effect):
    """ATT(g, t): its period, the matrix's columns of that period and of the one compared with, and who is compared."""

    time: int
    column: int
    base: int
    treated: np.ndarray
    compared: np.ndarray
    share: np.ndarray  # of a unit's gap in its influence


def fit(design: Design) -> Estimate:
    """Raises Refusal: one cluster, no untreated unit to compare with, a unit in several blocks."""
    table, cells, wide, found, after, lost = compared(design)
    n = table["denominator"].fillna(1.0).where(table["treated"]).sum()
    own = weighted(wide, after)
    if wide.cluster.max() < MANY:
        own = told(own["estimate"], own["std_error"] ** 2, dof_of(table, cells, wide, after))
    rows = [{"term": "overall", **own, "n_obs": n}]
    if design.path:
        rows += dynamic_rows(design, table, wide, found) + group_rows(design, wide, after) + cohort_rows(design, wide, found)
    without = set(wide.cohort[np.isfinite(wide.cohort)]) - {part.cohort for part in after}
    notes = (*(("unidentified_left_out",) if lost else ()), *(("cohorts_left_out",) if without else ()))
    return linear_estimate(design, table, cells, "callaway_santanna", rows, notes)


def dof_of(table: pd.DataFrame, cells: Cells, wide: Wide, parts: list[GroupTime]) -> float:
    """Degrees of freedom of an average of ATT(g, t) with few clusters."""
    return linear_parts(table, cells, wide, {None: parts}, itself)[None].dof


def linears(design: Design, kept: Callable[[Linear], Any] = itself) -> dict[int | None, Any]:
    """What is `kept` of `overall` (key None) and, with `path`, of every event time as weighted sums of outcomes. Raises Refusal as `fit`
    does.

    Bootstrap residuals are those of a regression on cohort x period effects; the error is the influence function's.
    """
    table, cells, wide, found, after, _ = compared(design)
    events = sorted({int(part.time - part.cohort) for part in found}) if design.path else []
    own = {e: [part for part in found if part.time - part.cohort == e] for e in events}
    return linear_parts(table, cells, wide, {None: after, **own}, kept)


def event_path(design: Design, layout: Layout) -> EventPath:
    """ATT(g, t) against the period before each cohort's start, before it, too (the universal base of R's did), joined in bins by the
    cohorts' sizes. Raises Refusal as `fit` does."""
    table, cells, wide, found, after, _ = compared(design, universal=True)
    sizes, moves = cohort_shares(wide, np.array([part.cohort for part in found]))
    events = np.array([part.time - part.cohort for part in found])
    bins = layout(np.unique(events).astype(int), int(wide.cluster.max()) + 1)
    mix = joined_in(bins, events, sizes)
    att, steps = np.array([part.att for part in found]), np.array([part.time - wide.times[part.base] for part in found])
    own = np.column_stack([part.influence for part in found]) @ mix
    place = np.array([bins.place[int(event)] for event in events])
    shift = {b: moves @ ((place == b) * (att - mean_in(att, sizes, place == b))) / sizes[place == b].sum() for b in np.unique(place)}
    own += np.column_stack([shift[b] - shift[-1] for b in bins.others])
    scores = scaled(wide, own)

    def gram(sums: np.ndarray) -> np.ndarray:
        weights = np.zeros((*wide.y.shape, sums.shape[1]))
        for part, shares in zip(found, mix @ sums, strict=True):
            weights[:, part.column] += part.share[:, None] * shares
            weights[:, part.base] -= part.share[:, None] * shares
        rows = weights.reshape(-1, sums.shape[1])
        return cluster_gram(rows, *(np.repeat(each, wide.y.shape[1]) for each in (wide.weight, wide.cluster)))

    rows = pd.factorize(table["unit"], sort=True)[0], np.searchsorted(wide.times, table["time"].to_numpy())
    size = np.array([sizes[place == b].sum() for b in np.unique(place)])
    member = (place == np.unique(place)[:, None]).astype(float)  # bins x parts

    def of(y: np.ndarray) -> Told:
        own, effects = of_outcomes(wide, found, rows, y, mix)
        mean = (member * sizes) @ effects / size[:, None]
        shift = np.stack([moves @ (one[:, None] * (effects - own_mean)) / n for one, own_mean, n in zip(member, mean, size, strict=True)])
        base = int(np.flatnonzero(np.unique(place) == -1)[0])
        own += np.stack([shift[b] - shift[base] for b in range(len(size)) if b != base], axis=1)
        return mix.T @ effects, np.stack([scaled(wide, own[:, k]) for k in range(own.shape[1])], axis=1)

    told_one, influence, squares = average(wide, after)
    clusters = int(wide.cluster.max()) + 1
    dof = (dof_of(table, cells, wide, after) if clusters <= MANY else
           degrees_of_freedom(clusters, effective_clusters(squares, wide.cluster)))  # fmt: skip
    shares, _ = cohort_shares(wide, np.array([part.cohort for part in after]))
    drift = np.average([part.time - wide.times[part.base] for part in after], weights=shares)
    return EventPath(bins, bin_sizes(bins, events, sizes), att @ mix, scores, steps @ mix, gram,
                     Overall(told_one, scaled(wide, influence[:, None])[:, 0], dof, float(drift)), of)  # fmt: skip


def of_outcomes(wide: Wide, parts: list[GroupTime], rows: tuple, y: np.ndarray, mix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(influence of units x sums x outcomes on sums of ATT(g, t), every ATT(g, t) x outcomes) of other outcomes (rows x outcomes). `rows`:
    unit and period of each in the matrix."""
    blocks, number = int(wide.block.max()) + 1, y.shape[1]
    matrix = np.zeros((*wide.y.shape, number))
    matrix[rows] = y
    influence, effects = np.zeros((len(wide.y), mix.shape[1], number)), np.empty((len(parts), number))
    for j, p in enumerate(parts):
        change = matrix[:, p.column] - matrix[:, p.base]
        own, other = np.where(p.treated, wide.weight, 0.0), np.where(p.compared, wide.weight, 0.0)
        weigh = np.bincount(wide.block, other, blocks)
        gap = change - (by_cluster(wide.block, other[:, None] * change) / np.where(weigh > 0, weigh, 1.0)[:, None])[wide.block]
        effects[j] = own @ gap / own.sum()
        part = p.share[:, None] * (gap - p.treated[:, None] * effects[j])
        for k in np.flatnonzero(mix[j]):
            influence[:, k] += mix[j, k] * part
    return influence, effects


def mean_in(values: np.ndarray, sizes: np.ndarray, chosen: np.ndarray) -> float:
    return float(np.average(values[chosen], weights=sizes[chosen]))


def scaled(wide: Wide, influence: np.ndarray) -> np.ndarray:
    """Cluster sums of units' influences (units x columns), so scaled that the covariance is the cross product."""
    groups = int(wide.cluster.max()) + 1
    return np.sqrt(factor_of(wide, groups)) * by_cluster(wide.cluster, influence)


def factor_of(wide: Wide, groups: int) -> float:
    """Of the clustered variance: as in R's did where every unit is a cluster, else G/(G-1)."""
    return 1.0 if groups == len(wide.cluster) else groups / (groups - 1)


def compared(design: Design, universal: bool = False) -> tuple[pd.DataFrame, Cells, Wide, list[GroupTime], list[GroupTime], bool]:
    """(table, cells, matrix, every ATT(g, t), those from the start on, whether treated units had to be left out). `universal`: the
    base of every one is the cohort's last period before its start, that period itself, with 0, among them."""
    table = usable(design)
    cells = cells_of(design, table)  # refuses one cluster
    wide = widened(design, table)
    found, lost = group_times(wide, design.comparison, universal)
    after = [part for part in found if part.time >= part.cohort]
    if not after:
        raise Refusal("no_comparison", f"{design.study}: no cohort has units to be compared with before and after its start")
    return table, cells, wide, found, after, lost


def linear_parts(table: pd.DataFrame, cells: Cells, wide: Wide, averages: dict, kept: Callable[[Linear], Any]) -> dict[int | None, Any]:
    """Averages of ATT(g, t) as weighted sums of outcomes."""
    rows = pd.factorize(table["unit"], sort=True)[0]  # of the matrix, whose units are sorted
    place = rows, np.searchsorted(wide.times, table["time"].to_numpy())
    base = replace(cells, weight=wide.weight[rows])
    model = regress(base, cohort_periods(table))
    return {key: kept(as_linear(wide, parts, base, model, place)) for key, parts in averages.items()}


def cohort_periods(table: pd.DataFrame) -> sparse.csr_matrix:
    """Dummies of cohort x period of treated rows."""
    codes = pd.factorize(pd.MultiIndex.from_frame(table[["treated_from", "time"]]))[0]
    codes = np.where(table["treated"], codes, -1)
    return indicators(codes, np.unique(codes[codes >= 0]))


def as_linear(wide: Wide, parts: list[GroupTime], cells: Cells, model: Fit, place: tuple) -> Linear:
    """The average of ATT(g, t) by the cohorts' sizes as a weighted sum of outcomes, with each cluster's part in its error."""
    rows, columns = place
    weights, influence = weights_and_influence(wide, parts)
    w, groups = weights[rows, columns], len(influence)
    step = w / cells.weight
    return linear_of_rows(cells.y, model.errors, w, step / (w @ step), influence[:, rows, columns].T,
                          lambda: weights_and_influence(wide, parts)[1][:, rows, columns].T, lambda z: unexplained(model, z),
                          cells.clusters, factor_of(wide, groups))  # fmt: skip


def weights_and_influence(wide: Wide, parts: list[GroupTime]) -> tuple[np.ndarray, np.ndarray]:
    """(units x periods, clusters x units x periods): the weight of each outcome in the average, and its part in each cluster's error."""
    groups = int(wide.cluster.max()) + 1
    size, moves = cohort_shares(wide, np.array([p.cohort for p in parts]))
    share = size / size.sum()
    moved = by_cluster(wide.cluster, moves) / size.sum()  # clusters x parts
    weights, influence = np.zeros(wide.y.shape), np.zeros((groups, *wide.y.shape))
    own = []
    for p, s in zip(parts, share, strict=True):
        att, parts_of = adjoint(wide, p, groups)
        own.append((p, att))
        weights[:, p.column] += s * att
        weights[:, p.base] -= s * att
        influence[:, :, p.column] += s * parts_of
        influence[:, :, p.base] -= s * parts_of
    for j, (p, att) in enumerate(own):
        influence[:, :, p.column] += moved[:, j, None] * att
        influence[:, :, p.base] -= moved[:, j, None] * att
    influence -= moved.sum(axis=1)[:, None, None] * weights
    return weights, influence


def adjoint(wide: Wide, p: GroupTime, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """How the change of each unit's outcome enters ATT(g, t) (units), and each cluster's part in its error (clusters x units)."""
    blocks = int(wide.block.max()) + 1
    own = np.where(p.treated, wide.weight, 0.0)
    other = np.where(p.compared, wide.weight, 0.0)
    of_compared = np.bincount(wide.block, other, blocks)
    within = other / np.where(of_compared > 0, of_compared, 1.0)[wide.block]
    of_treated = np.bincount(wide.block, own, blocks)
    att = own / own.sum() - of_treated[wide.block] / own.sum() * within
    direct = np.zeros((groups, len(att)))
    direct[wide.cluster, np.arange(len(att))] = p.share
    by_block = direct @ (wide.block[:, None] == np.arange(blocks))
    of_att = (direct * p.treated).sum(axis=1)
    return att, direct - by_block[:, wide.block] * within - of_att[:, None] * att


def widened(design: Design, table: pd.DataFrame) -> Wide:
    """The matrix; rows of one unit and period are put together by their weights."""
    if table.groupby("unit")["block"].nunique().max() > 1:
        raise Refusal("blocks", f"{design.study}: a unit changes its block of period effects")
    sums = table.assign(wy=table["weight"] * table["y"]).groupby(["unit", "time"])[["wy", "weight"]].sum()
    y = (points(design) * sums["wy"] / sums["weight"]).unstack("time").sort_index(axis=1)
    units = table.groupby("unit")[["treated_from", "block", "cluster"]].first().loc[y.index]
    weight = sums["weight"].groupby("unit").mean().loc[y.index].to_numpy()
    return Wide(y.to_numpy(), weight / weight.mean(), units["treated_from"].fillna(np.inf).to_numpy(),
                pd.factorize(units["block"])[0], pd.factorize(units["cluster"])[0], y.columns.to_numpy())  # fmt: skip


def group_times(wide: Wide, comparison: str, universal: bool = False) -> tuple[list[GroupTime], bool]:
    """Every ATT(g, t) that can be had, and whether treated units had to be left out for want of a comparison."""
    found, lost = [], False
    for cohort in np.unique(wide.cohort[np.isfinite(wide.cohort)]):
        earlier = np.flatnonzero(wide.times < cohort)
        if len(earlier) == 0:
            continue
        for column in range(0 if universal else 1, len(wide.times)):
            base = earlier[-1] if universal or wide.times[column] >= cohort else column - 1
            part, missing = group_time(wide, cohort, column, base, comparison)
            lost |= missing and wide.times[column] >= cohort
            if part is not None:
                found.append(part)
    return found, lost


def group_time(wide: Wide, cohort: float, column: int, base: int, comparison: str) -> tuple[GroupTime | None, bool]:
    """ATT of one cohort in one period (equation 2.8 with outcome regression on block dummies), among units seen in both."""
    change = wide.y[:, column] - wide.y[:, base]
    seen = np.isfinite(change)
    latest = max(wide.times[column], wide.times[base])
    compared = seen & (np.isinf(wide.cohort) if comparison == "never" else (wide.cohort > latest)) & (wide.cohort != cohort)
    treated = seen & (wide.cohort == cohort)
    blocks = int(wide.block.max()) + 1
    of_treated = np.bincount(wide.block, wide.weight * treated, blocks)
    of_compared = np.bincount(wide.block, wide.weight * compared, blocks)
    inside = (of_treated > 0) & (of_compared > 0)
    kept = treated & inside[wide.block]
    if not kept.any():
        return None, bool(treated.any())
    change = np.where(seen, change, 0.0)
    mean = np.bincount(wide.block, wide.weight * compared * change, blocks) / np.where(of_compared > 0, of_compared, 1.0)
    total = of_treated[inside].sum()
    gap = change - mean[wide.block]
    att = float((wide.weight * gap)[kept].sum() / total)
    ratio = np.where(inside, of_treated / np.where(of_compared > 0, of_compared, 1.0), 0.0)[wide.block]
    share = wide.weight / total * (kept * 1.0 - compared * ratio)
    influence = share * np.where(kept, gap - att, gap)
    found = GroupTime(cohort, att, influence, share**2 / wide.weight, int(wide.times[column]), column, base, kept, compared, share)
    return found, bool((treated & ~kept).any())


def cohort_shares(wide: Wide, cohorts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(each cohort's part of all units, influence of units x cohorts on it)."""
    member = (wide.cohort[:, None] == cohorts[None, :]) * wide.weight[:, None]
    part = member.mean(axis=0)
    return part, (member - part) / len(wide.weight)


def weighted(wide: Wide, parts: list[Effect]) -> dict:
    """The average of ATT(g, t) by the cohorts' sizes, whose own uncertainty counts (Callaway & Sant'Anna, corollary 2)."""
    estimate, influence, leverage = average(wide, parts)
    return clustered(wide, estimate, influence, leverage)


def average(wide: Wide, parts: list[Effect]) -> tuple[float, np.ndarray, np.ndarray]:
    part, moves = cohort_shares(wide, np.array([p.cohort for p in parts]))
    att, share = np.array([p.att for p in parts]), part / part.sum()
    estimate = float(share @ att)
    influence = sum(s * p.influence for s, p in zip(share, parts, strict=True)) + moves @ (att - estimate) / part.sum()
    return estimate, influence, sum(s**2 * p.leverage for s, p in zip(share, parts, strict=True))


def clustered(wide: Wide, estimate: float, influence: np.ndarray, leverage: np.ndarray) -> dict:
    """With its clustered error."""
    sums = np.bincount(wide.cluster, influence)
    outcomes = np.sqrt(leverage * wide.weight) * np.nanmax(np.abs(wide.y))
    variance = beyond_rounding(sums @ sums * factor_of(wide, len(sums)), influence, outcomes)
    return told_by_leverage(estimate, variance, leverage, wide.cluster)


def dynamic_rows(design: Design, table: pd.DataFrame, wide: Wide, found: list[GroupTime]) -> list[dict]:
    """Event rows, and the plain mean of those from the start on."""
    counts = table.assign(n=table["denominator"].fillna(1.0)).groupby("event_time")["n"].sum()
    counts = told_sizes(counts, bool(table["denominator"].notna().all()))
    rows, after = [], []
    for event in sorted({int(part.time - part.cohort) for part in found}):
        here = average(wide, [part for part in found if part.time - part.cohort == event])
        rows.append({"term": "event", "event_time": event, **clustered(wide, *here), "n_obs": counts.get(event)})
        after += [here] if event >= 0 else []
    rows = with_few(design, table, {row["event_time"]: row for row in rows}).values()
    return [*rows, {"term": "aggregate", "parameter": "dynamic", **plain_mean(wide, after)}]


def plain_mean(wide: Wide, parts: list[tuple[float, np.ndarray, np.ndarray]]) -> dict:
    estimates, influences, leverages = zip(*parts, strict=True)
    return clustered(wide, float(np.mean(estimates)), np.mean(influences, axis=0), np.sum(leverages, axis=0) / len(parts) ** 2)


def group_rows(design: Design, wide: Wide, after: list[GroupTime]) -> list[dict]:
    """Each cohort's mean over its treated periods, and their mean by cohort size."""
    cohorts = sorted({part.cohort for part in after})
    own = []
    for cohort in cohorts:
        mine = [part for part in after if part.cohort == cohort]
        influence = np.mean([part.influence for part in mine], axis=0)
        leverage = np.sum([part.leverage for part in mine], axis=0) / len(mine) ** 2
        own.append(Effect(cohort, float(np.mean([part.att for part in mine])), influence, leverage))
    rows = [{"term": "aggregate", "parameter": "group", "cohort": pd.Period(ordinal=int(part.cohort), freq=design.frequency),
             **behind(clustered(wide, part.att, part.influence, part.leverage), clusters_of(wide, wide.cohort == part.cohort))}
            for part in own]  # fmt: skip
    return [{"term": "aggregate", "parameter": "group", **weighted(wide, own)}, *rows]


def cohort_rows(design: Design, wide: Wide, found: list[GroupTime]) -> list[dict]:
    """Every ATT(g, t)."""
    return [{"term": "cohort_period", "cohort": pd.Period(ordinal=int(part.cohort), freq=design.frequency),
             "period": pd.Period(ordinal=part.time, freq=design.frequency), "event_time": part.time - part.cohort,
             **behind(clustered(wide, part.att, part.influence, part.leverage), clusters_of(wide, part.treated))}
            for part in found]  # fmt: skip


def clusters_of(wide: Wide, units: np.ndarray) -> np.ndarray:
    """Weight of the chosen units per cluster."""
    return np.bincount(wide.cluster, wide.weight * units)
