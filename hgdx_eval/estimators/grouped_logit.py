"""Logit of counts with unit and period effects: a dossier's chance to come online, the effect told on the share's own scale.

Maximum likelihood by weighted least squares with the dummies profiled out (Stammann, Heiss & McFadden 2016), clustered by
the delta method; near a ceiling the logit asks for equal odds ratios where the linear methods ask for equal points
(Puhani 2012 on the treatment effect). Dossiers of one agency and month are no coin tosses: the dispersion is told_by_leverage, plain
binomial errors never are. Units and periods with no or only online dossiers fit themselves whatever the effect: they are left
out of the likelihood and count as no change.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.fixed_effects import (
    Cells,
    TwoWay,
    absorbed,
    cells_of,
    effects,
    independent,
    linear_estimate,
    residuals,
    rows_only,
    told_by_leverage,
    two_way,
    usable,
)
from ..estimation.inference import cluster_variance
from ..estimation.results import Estimate

STEPS, CLOSE = 60, 1e-6  # of a step: Newton squares it, so that what is left after it is rounding
OVERDISPERSED = 1.5


@dataclass(frozen=True)
class Logit:
    """A fitted model: linear predictor of each row, coefficients of the regressors, what errors need."""

    eta: np.ndarray
    beta: np.ndarray
    kept: np.ndarray
    fe: TwoWay  # at the working weights of the solution
    x: np.ndarray  # regressors less their projection
    bread: np.ndarray
    dispersion: float


def fit(design: Design) -> Estimate:
    """Raises Refusal: no counts, no variation, one cluster, treatment that is absorbed, or no convergence."""
    table = counted(design)
    cells = cells_of(design, table)
    n, online = table["received"].to_numpy(float), table["online"].to_numpy(float)
    found, inside, overall = effect(design.study, cells, n, online, table["treated"].to_numpy(float))
    odds = log_odds(found, rows_only(cells, inside), n[inside], online[inside], cells)
    rows = [{"term": "overall", **overall, "n_obs": n.sum()},
            {"term": "specification", "group": "log_odds", **odds, "scale": "log", "n_obs": n.sum()},
            {"term": "specification", "group": "dispersion", "estimate": found.dispersion, "inference": "none",
             "scale": "level"}]  # fmt: skip
    notes = (*(("separated",) if not inside.all() else ()), *(("overdispersed",) if found.dispersion > OVERDISPERSED else ()))
    return linear_estimate(design, table, cells, "grouped_logit", rows, notes)


def effect(study: str, cells: Cells, n: np.ndarray, online: np.ndarray, treated: np.ndarray) -> tuple[Logit, np.ndarray, dict]:
    """(the model, its rows, the effect on the share scale over all treated dossiers). Raises Refusal as `fit` does."""
    inside = varied(n, online, cells.units, cells.times)
    if not inside.any():
        raise Refusal("no_variation", f"{study}: every unit or period has no or only online dossiers")
    kept, n_in, y_in, on = rows_only(cells, inside), n[inside], online[inside], treated[inside]
    found = maximise(kept, n_in, y_in, on[:, None])
    if found is None:
        raise Refusal("collinear", f"{study}: treatment does not vary inside the fixed effects")
    return found, inside, on_share_scale(found, kept, n_in, y_in, on, on * n_in / (n * treated).sum(), cells)


def counted(design: Design) -> pd.DataFrame:
    """The table with whole counts; weights other than the dossiers are not used."""
    table = design.table
    if table["received"].isna().all() or table["online"].isna().all():
        raise Refusal("no_counts", f"{design.study}: no counts of dossiers: a share alone has no likelihood")
    if design.scale != "pp":
        raise Refusal("no_counts", f"{design.study}: the outcome is no share of counts")
    if not np.isfinite(table[["received", "online"]].to_numpy(float)).all():
        raise Refusal("not_finite", f"{design.study}: a count that is no finite number")
    usable(design)
    return table[table["received"] > 0]


def varied(n: np.ndarray, online: np.ndarray, units: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rows that are left when units and periods without variation are taken out, again and again."""
    inside = np.ones(len(n), bool)
    while True:
        before = inside.sum()
        for codes in (units, times):
            total, sum_online = np.bincount(codes, n * inside), np.bincount(codes, online * inside)
            inside = inside & ((sum_online > 0) & (sum_online < total))[codes]
        if inside.sum() == before:
            return inside


def maximise(cells: Cells, n: np.ndarray, online: np.ndarray, regressors: np.ndarray) -> Logit | None:
    """Newton steps until the coefficients stand still. None where the dummies absorb every regressor; Refusal where it
    does not converge."""
    first = two_way(n, cells.units, cells.times)
    x = residuals(first, regressors)
    rank, _ = independent(x.T @ (n[:, None] * x), n @ regressors**2)
    if len(rank) == 0:
        return None
    regressors, eta, best = regressors[:, rank], np.log((online + 0.5) / (n - online + 0.5)), -np.inf
    for step in range(STEPS):
        share = expit(eta)
        working = np.maximum(n * share * (1 - share), 1e-12)
        fe = two_way(working, cells.units, cells.times, first)
        z = eta + (online - n * share) / working
        columns = residuals(fe, np.column_stack([z, regressors]))
        rest, x = columns[:, 0], columns[:, 1:]
        bread = np.linalg.inv(x.T @ (working[:, None] * x))
        beta = bread @ (x.T @ (working * rest))
        target, best = climbed(eta, z - (rest - x @ beta), n, online, best if step else -np.inf)
        moved, eta = np.abs(target - eta).max(), target
        if step and moved < CLOSE * max(1.0, np.abs(eta).max()):
            pearson = ((online - n * expit(eta)) ** 2 / working).sum()
            free = len(n) - len(rank) - len(fe.unit_weight) - fe.free.sum()
            return Logit(eta, beta, rank, fe, x, bread, float(pearson / max(free, 1)))
    raise Refusal("not_converged", "the likelihood has no maximum: some combination of units and periods is fully online or not at all")


def likelihood(eta: np.ndarray, n: np.ndarray, online: np.ndarray) -> float:
    return float(online @ eta - n @ np.logaddexp(0, eta))


def climbed(eta: np.ndarray, target: np.ndarray, n: np.ndarray, online: np.ndarray, best: float) -> tuple[np.ndarray, float]:
    """(the step, halved until the likelihood does not fall; its likelihood)."""
    for _ in range(20):
        reached = likelihood(target, n, online)
        if reached >= best - 1e-9 * abs(best):
            break
        target = (eta + target) / 2
    return target, reached


def log_odds(found: Logit, cells: Cells, n: np.ndarray, online: np.ndarray, whole: Cells) -> dict:
    """The coefficient: a log odds ratio."""
    weights = found.x @ found.bread[:, 0]
    return robust(found.beta[0], weights, found, cells, n, online, whole)


def on_share_scale(found: Logit, cells: Cells, n: np.ndarray, online: np.ndarray, treated: np.ndarray, share: np.ndarray,
                   whole: Cells) -> dict:  # fmt: skip
    """Mean over treated dossiers of the share with less without the policy, in percentage points (delta method).

    `share`: each row's part in that mean; rows left out of the likelihood count as 0.
    """
    without = found.eta - found.beta[0] * treated
    gap = expit(found.eta) - expit(without)
    slope = expit(found.eta) * expit(-found.eta) - expit(without) * expit(-without)
    direct = (share * expit(without) * expit(-without)).sum()
    # the gradient in all effects at once: its projection on dummies and regressors at the working weights
    fe = found.fe
    q = (share * slope)[:, None]
    unit, period = effects(fe, q / fe.weight[:, None])
    projected = unit[fe.units, 0] + period[fe.times, 0]
    projected = projected + found.x @ (found.bread @ (found.x.T @ q[:, 0]))
    weights = projected + direct * (found.x @ found.bread[:, 0])
    return robust(100 * (share @ gap), 100 * weights, found, cells, n, online, whole)


def robust(estimate: float, weights: np.ndarray, found: Logit, cells: Cells, n: np.ndarray, online: np.ndarray, whole: Cells) -> dict:
    """With its clustered error; `weights`: a row's part in the estimate for each dossier more than expected."""
    k = len(found.kept) + absorbed(cells.units, cells.times, cells.clusters)
    variance = cluster_variance(weights * (online - n * expit(found.eta)), cells.clusters, whole.n, k)
    return told_by_leverage(estimate, variance, weights**2 * found.fe.weight, cells.clusters)
