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
from ..estimation.fixed_effects import (
    Cells,
    cells_of,
    coefficients,
    event_table,
    indicators,
    linear_estimate,
    regress,
    rows_only,
    told,
    told_by_leverage,
    usable,
)
from ..estimation.inference import MANY, Linear, beyond_rounding, itself, linear_of_rows, sums_by_code
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
    own = average(cells, first, first.known, cohort_time)
    if cells.clusters.max() < MANY:
        own = told(own["estimate"], own["std_error"] ** 2, as_linear(cells, first, first.known, cohort_time).dof)
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
    share = cells.weight * chosen / cells.weight[chosen].sum()
    estimate = share @ first.residual
    weights = share.copy()
    weights[first.untreated] = -counterfactual_weights(cells, first, share[:, None])[:, 0]
    squares = np.bincount(groups, share**2)
    means = np.bincount(groups, share**2 * first.residual) / np.where(squares > 0, squares, 1.0)
    residual = np.where(chosen, first.residual - means[groups], np.where(first.untreated, first.residual, 0.0))
    by_cluster = np.bincount(cells.clusters, weights * residual)
    variance = beyond_rounding(by_cluster @ by_cluster, weights * residual, weights * cells.y)
    return told_by_leverage(estimate, variance, weights**2 / cells.weight, cells.clusters)


def counterfactual_weights(cells: Cells, first: FirstStage, share: np.ndarray) -> np.ndarray:
    """Weights of the untreated outcomes in the mean counterfactual of rows that weigh `share` (rows x columns)."""
    fe, inside = first.fe, (first.units >= 0) & (first.times >= 0)
    of_units = sums_by_code(first.units[inside], len(fe.unit_weight), share[inside], np.ones(inside.sum()))
    of_times = sums_by_code(first.times[inside], len(fe.free), share[inside], np.ones(inside.sum()))
    unit, period = solve(fe, of_units, of_times)
    return fe.weight[:, None] * (unit[fe.units] + period[fe.times])


def path(design: Design, table: pd.DataFrame, cells: Cells, treated: np.ndarray, after: dict[int, dict]) -> list[dict]:
    """Event rows: leads from a regression among untreated rows, effects after the start by imputation."""
    event = table["event_time"].to_numpy()
    earlier = np.unique(event[~treated & (event < 0)]).astype(int)
    leads = earlier[1:][-LEADS[design.frequency] :]  # the first one at least is what they are compared with
    before: dict[int, dict | None] = {}
    if len(leads):
        found = regress(rows_only(cells, ~treated), indicators(event[~treated], leads))
        before = dict(zip(leads.tolist(), coefficients(found, len(leads)) if found else [None] * len(leads), strict=True))
    rows = event_table(design, table, int(earlier.min()), {**before, **after})
    return rows if not len(leads) else [row for row in rows if row["event_time"] >= leads.min()]
