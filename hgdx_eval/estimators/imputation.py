"""Imputation: fixed effects from untreated observations alone give each treated one its counterfactual.

Borusyak, Jaravel & Spiess (2024), equations 3-5; error of their theorem 3, clustered, treated residuals taken around the
mean effect of their cohort and period. The second row of `overall` has the two-stage error of Gardner (2022), residuals
around one mean effect. Event times before the start come from untreated observations alone, against the earlier ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.event_path import EventPath, Layout, Overall, bin_sizes, cluster_gram, parting
from ..estimation.fixed_effects import (
    Cells,
    Fit,
    cells_of,
    coefficients,
    event_table,
    indicators,
    linear_estimate,
    outcome_weights,
    regress,
    rows_only,
    told,
    told_by_leverage,
    usable,
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
    small_sample,
    sums_by_code,
)
from ..estimation.many_outcomes import Told, of_fit
from ..estimation.results import Estimate
from ..estimation.two_way import TwoWay, effects, solve, two_way

LEADS = {"D": 56, "W": 26, "M": 12, "Q": 12, "Y": 12}  # event times before the start that are shown, at most


@dataclass(frozen=True)
class FirstStage:
    """Fixed effects from the untreated rows, for every row of the table."""

    fe: TwoWay
    untreated: np.ndarray  # rows x bool
    units: np.ndarray  # per row the unit's code among untreated ones, -1 = never seen untreated
    times: np.ndarray
    residual: np.ndarray  # per row: untreated ones less their fit, treated ones less their counterfactual
    known: np.ndarray  # treated rows whose counterfactual is identified


def fit(design: Design) -> Estimate:
    """Raises Refusal: one cluster, or no treated observation whose counterfactual the untreated ones identify."""
    table = usable(design)
    cells = cells_of(design, table)
    treated = table["treated"].to_numpy(bool)
    first, cohort_time = identified(design, table, cells)
    n, event = table["denominator"].fillna(1.0).to_numpy(), table["event_time"].to_numpy()
    own = headlined(cells, first, cohort_time)
    rows = [{"term": "overall", **own, "n_obs": n[first.known].sum()},
            {"term": "overall", **average(cells, first, first.known, np.zeros_like(cohort_time)), "inference": "two_stage",
             "n_obs": n[first.known].sum()}]  # fmt: skip
    if design.path:
        after = {int(e): average(cells, first, first.known & (event == e), cohort_time) for e in np.unique(event[first.known])}
        rows += path(design, table, cells, treated, after)
    notes = ("unidentified_left_out",) if first.known.sum() < treated.sum() else ()
    return linear_estimate(design, table, cells, "imputation", rows, notes)


def identified(design: Design, table: pd.DataFrame, cells: Cells) -> tuple[FirstStage, np.ndarray]:
    """(first stage, codes of cohort x period)."""
    treated = table["treated"].to_numpy(bool)
    if treated.all():
        raise Refusal("no_comparison", f"{design.study}: no untreated observation")
    first = first_stage(cells, treated)
    if not first.known.any():
        raise Refusal("collinear", f"{design.study}: untreated observations identify no counterfactual")
    return first, pd.factorize(pd.MultiIndex.from_frame(table[["treated_from", "time"]]))[0]


def linears(design: Design, kept: Callable[[Linear], Any] = itself) -> dict[int | None, Any]:
    """What is `kept` of `overall` (key None) and, with `path`, of the event times after the start as weighted sums of outcomes."""
    table = usable(design)
    cells = cells_of(design, table)
    first, groups = identified(design, table, cells)
    event = table["event_time"].to_numpy()
    found = {None: kept(as_linear(cells, first, first.known, groups))}
    events = np.unique(event[first.known]) if design.path else []
    return found | {int(e): kept(as_linear(cells, first, first.known & (event == e), groups)) for e in events}


def as_linear(cells: Cells, first: FirstStage, chosen: np.ndarray, groups: np.ndarray) -> Linear:
    """The weighted mean effect of chosen treated rows; residuals and error as in `average`."""
    share = cells.weight * chosen / cells.weight[chosen].sum()
    weights = share.copy()
    weights[first.untreated] = -counterfactual_weights(cells, first, share[:, None])[:, 0]
    squares = np.bincount(groups, share**2)
    part = share**2 / np.where(squares > 0, squares, 1.0)[groups]

    def rest(z: np.ndarray) -> np.ndarray:
        unit, period = effects(first.fe, z[first.untreated])
        left = z - unit[first.units] - period[first.times]
        means = sums_by_code(groups, len(squares), left, part)
        return np.where(chosen[:, None], left - means[groups], np.where(first.untreated[:, None], left, 0.0))

    def influence() -> np.ndarray:
        own = np.zeros((len(share), int(cells.clusters.max()) + 1))
        own[np.arange(len(share)), cells.clusters] = weights
        means = sums_by_code(groups, len(squares), own, chosen.astype(float))
        found = np.where(chosen[:, None], own - part[:, None] * means[groups], 0.0)
        absorbed = counterfactual_weights(cells, first, np.where(first.untreated[:, None], own, found))
        found[first.untreated] = own[first.untreated] - absorbed
        return found

    step = weights / cells.weight
    return linear_of_rows(cells.y, rest(cells.y[:, None])[:, 0], weights, step / (weights @ step), influence(), influence, rest,
                          cells.clusters, 1.0)  # fmt: skip


def event_path(design: Design, layout: Layout) -> EventPath:
    """The path with one base: a first stage in which bins of event times before the start, but the base, have coefficients of their own
    among untreated rows (the test of Borusyak et al., equation 9), so that the counterfactual stands on the base alone. Weights of
    bins are those of their rows. Raises Refusal as `fit` does, and where untreated rows do not identify a bin.
    """
    table = usable(design)
    cells = cells_of(design, table)
    first, groups = identified(design, table, cells)
    event, drift, free = table["event_time"].to_numpy(), parting(table), first.untreated
    kept = first.known | (free & ~np.isnan(event))
    bins = layout(np.unique(event[kept]).astype(int), int(cells.clusters.max()) + 1)
    place = np.full(len(event), np.nan)
    place[kept] = [bins.place[int(each)] for each in event[kept]]
    early, late = bins.others[bins.others < 0], bins.others[bins.others >= 0]
    leads = regress(rows_only(cells, free), indicators(place[free], early)) if len(early) else None
    if leads is None or len(leads.kept) < len(early):
        raise Refusal("collinear", f"{design.study}: untreated observations do not identify the event times before the start")
    before = np.zeros((len(event), len(early)))
    before[free] = np.column_stack([outcome_weights(leads, one) for one in np.eye(len(early))])
    share = np.column_stack([cells.weight * (place == b) / cells.weight[place == b].sum() for b in late])
    absorbed = counterfactual_weights(cells, first, share)
    after = share.copy()
    after[free] = -absorbed
    after += before @ (leads.columns.T @ absorbed)  # what the leads explain is no part of the counterfactual
    weights = np.column_stack([before, after])
    unit, period = effects(first.fe, (cells.y[free] - leads.columns @ leads.beta)[:, None])
    left = np.where(first.known, cells.y - unit[first.units, 0] - period[first.times, 0], 0.0)
    left[free] = leads.errors
    shares = np.column_stack([np.zeros(before.shape), share])
    scores = np.column_stack([np.bincount(cells.clusters, column * around(left, of, groups, free))
                              for column, of in zip(weights.T, shares.T, strict=True)])  # fmt: skip
    factor = np.sqrt(small_sample(len(scores), cells.n, leads.k))
    scores *= factor
    many = of_fit(leads)

    def of(y: np.ndarray) -> Told:
        rest = y[free] - leads.columns @ many.of(y[free])[0]
        unit, period = effects(first.fe, rest)
        left = np.where(first.known[:, None], y - unit[first.units] - period[first.times], 0.0)
        left[free] = rest - unit[first.units[free]] - period[first.times[free]]
        parts = [by_cluster(cells.clusters, column[:, None] * around_each(left, of, groups, free))
                 for column, of in zip(weights.T, shares.T, strict=True)]  # fmt: skip
        return weights.T @ y, factor * np.stack(parts, axis=1)

    return EventPath(bins, bin_sizes(bins, event[kept], cells.weight[kept]), cells.y @ weights, scores, drift @ weights,
                     lambda sums: cluster_gram(weights @ sums, cells.weight, cells.clusters),
                     overall_of(cells, first, groups, drift), of)  # fmt: skip


def headlined(cells: Cells, first: FirstStage, groups: np.ndarray) -> dict:
    """`average` of all; with few clusters its degrees of freedom are Satterthwaite's."""
    own = average(cells, first, first.known, groups)
    if cells.clusters.max() >= MANY:
        return own
    return told(own["estimate"], own["std_error"] ** 2, as_linear(cells, first, first.known, groups).dof)


def overall_of(cells: Cells, first: FirstStage, groups: np.ndarray, drift: np.ndarray) -> Overall:
    """The headlined average with what `headlined` tells of it."""
    share, weights = mean_weights(cells, first, first.known)
    scores = np.bincount(cells.clusters, weights * around(first.residual, share, groups, first.untreated))
    few = cells.clusters.max() < MANY
    dof = (as_linear(cells, first, first.known, groups).dof if few else
           degrees_of_freedom(len(scores), effective_clusters(weights**2 / cells.weight, cells.clusters)))  # fmt: skip
    return Overall(float(share @ first.residual), scores, dof, float(weights @ drift))


def first_stage(cells: Cells, treated: np.ndarray) -> FirstStage:
    """Unit and period effects of the untreated rows, and what is left of every row after them."""
    units, times = codes_among(cells.units, ~treated), codes_among(cells.times, ~treated)
    fe = two_way(cells.weight[~treated], units[~treated], times[~treated])
    unit, period = effects(fe, cells.y[~treated][:, None])
    known = treated & (units >= 0) & (times >= 0) & (fe.layout.unit_part[units] == fe.layout.part[times])
    residual = np.where(known | ~treated, cells.y - unit[units, 0] - period[times, 0], 0.0)
    return FirstStage(fe, ~treated, units, times, residual, known)


def codes_among(codes: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Codes numbered anew over the rows `inside`; -1 for a code never seen there."""
    known = np.unique(codes[inside])
    place = np.clip(np.searchsorted(known, codes), 0, len(known) - 1)
    return np.where(known[place] == codes, place, -1)


def average(cells: Cells, first: FirstStage, chosen: np.ndarray, groups: np.ndarray) -> dict:
    """The weighted mean effect of chosen treated rows, with its clustered error.

    `groups`: the rows whose effects are taken as alike when the spread of treated residuals is measured (theorem 3 of
    Borusyak et al.: the mean weighted by squares, so that the error is never too small).
    """
    share, weights = mean_weights(cells, first, chosen)
    part = weights * around(first.residual, share, groups, first.untreated)
    by_cluster = np.bincount(cells.clusters, part)
    variance = beyond_rounding(by_cluster @ by_cluster, part, weights * cells.y)
    return told_by_leverage(share @ first.residual, variance, weights**2 / cells.weight, cells.clusters)


def mean_weights(cells: Cells, first: FirstStage, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(each row's share in the mean effect of chosen treated rows, the weight of each row's outcome in it)."""
    share = cells.weight * chosen / cells.weight[chosen].sum()
    weights = share.copy()
    weights[first.untreated] = -counterfactual_weights(cells, first, share[:, None])[:, 0]
    return share, weights


def around(left: np.ndarray, share: np.ndarray, groups: np.ndarray, untreated: np.ndarray) -> np.ndarray:
    """Residuals as `average` takes them: of treated rows with a share around their group's mean, of untreated ones as they are."""
    return around_each(left[:, None], share, groups, untreated)[:, 0]


def around_each(left: np.ndarray, share: np.ndarray, groups: np.ndarray, untreated: np.ndarray) -> np.ndarray:
    """The same of several columns."""
    squares = np.bincount(groups, share**2)
    means = sums_by_code(groups, len(squares), left, share**2) / np.where(squares > 0, squares, 1.0)[:, None]
    return np.where((share > 0)[:, None], left - means[groups], np.where(untreated[:, None], left, 0.0))


def counterfactual_weights(cells: Cells, first: FirstStage, share: np.ndarray) -> np.ndarray:
    """Weights of the untreated outcomes in the mean counterfactual of rows that weigh `share` (rows x columns)."""
    fe, inside = first.fe, (first.units >= 0) & (first.times >= 0)
    of_units = sums_by_code(first.units[inside], len(fe.unit_weight), share[inside], np.ones(inside.sum()))
    of_times = sums_by_code(first.times[inside], len(fe.free), share[inside], np.ones(inside.sum()))
    unit, period = solve(fe, of_units, of_times)
    return fe.weight[:, None] * (unit[fe.units] + period[fe.times])


def path(design: Design, table: pd.DataFrame, cells: Cells, treated: np.ndarray, after: dict[int, dict]) -> list[dict]:
    """Event rows: leads from a regression among untreated rows, effects after the start by imputation."""
    leads, found = leads_regression(design, table, cells, treated)
    before = dict(zip(leads.tolist(), coefficients(found, len(leads)) if found else [None] * len(leads), strict=True))
    rows = event_table(design, table, int(table.loc[~treated, "event_time"].min()), {**before, **after})
    return rows if not len(leads) else [row for row in rows if row["event_time"] >= leads.min()]


def leads_regression(design: Design, table: pd.DataFrame, cells: Cells, treated: np.ndarray) -> tuple[np.ndarray, Fit | None]:
    """(event times before the start that are shown, the regression on their dummies among untreated rows): the first one at least is what
    they are compared with."""
    event = table["event_time"].to_numpy()
    earlier = np.unique(event[~treated & (event < 0)]).astype(int)
    leads = earlier[1:][-LEADS[design.frequency] :]
    return leads, regress(rows_only(cells, ~treated), indicators(event[~treated], leads)) if len(leads) else None
