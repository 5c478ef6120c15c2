"""Logit of counts with unit and period effects: the chance that one counted in the denominator is in the numerator, the effect told on
the share's own scale.

Maximum likelihood by weighted least squares with the dummies profiled out (Stammann, Heiss & McFadden 2016), clustered by
the delta method; near a ceiling the logit asks for equal odds ratios where the linear methods ask for equal points
(Puhani 2012 on the treatment effect). Dossiers of one agency and month are no coin tosses: the dispersion is told_by_leverage, plain
binomial errors never are. Units and periods whose numerator is 0 or the whole denominator fit themselves whatever the effect: they
are left out of the likelihood and count as no change.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.fixed_effects import Cells, absorbed, cells_of, independent, linear_estimate, rows_only, told, told_by_leverage, usable
from ..estimation.inference import beyond_rounding, cluster_variance
from ..estimation.results import Estimate
from ..estimation.two_way import TwoWay, effects, residuals, two_way

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
    denominator, numerator = table["denominator"].to_numpy(float), table["numerator"].to_numpy(float)
    found, inside, overall = effect(design.study, cells, denominator, numerator, table["treated"].to_numpy(float))
    odds = log_odds(found, rows_only(cells, inside), denominator[inside], numerator[inside], cells)
    if np.isnan(odds["std_error"]):  # the share's error is made of the coefficient's
        overall = told(overall["estimate"], np.nan, 1.0)
    rows = [{"term": "overall", **overall, "n_obs": denominator.sum()},
            {"term": "specification", "group": "log_odds", **odds, "scale": "log", "n_obs": denominator.sum()},
            {"term": "specification", "group": "dispersion", "estimate": found.dispersion, "inference": "none",
             "scale": "level"}]  # fmt: skip
    notes = (*(("separated",) if not inside.all() else ()), *(("overdispersed",) if found.dispersion > OVERDISPERSED else ()))
    return linear_estimate(design, table, cells, "grouped_logit", rows, notes)


def effect(study: str, cells: Cells, denominator: np.ndarray, numerator: np.ndarray, treated: np.ndarray) -> tuple[Logit, np.ndarray, dict]:
    """(the model, its rows, the effect on the share scale over all treated dossiers). Raises Refusal as `fit` does."""
    inside = varied(denominator, numerator, cells.units, cells.times)
    if not inside.any():
        raise Refusal("no_variation", f"{study}: in every unit or period the numerator is 0 or the whole denominator")
    kept, n_in, y_in, on = rows_only(cells, inside), denominator[inside], numerator[inside], treated[inside]
    found = maximise(kept, n_in, y_in, on[:, None])
    if found is None:
        raise Refusal("collinear", f"{study}: treatment does not vary inside the fixed effects")
    return found, inside, on_share_scale(found, kept, n_in, y_in, on, on * n_in / (denominator * treated).sum(), cells)


def counted(design: Design) -> pd.DataFrame:
    """The table with whole counts; weights other than the dossiers are not used."""
    table = design.table
    if table["denominator"].isna().all() or table["numerator"].isna().all():
        raise Refusal("no_counts", f"{design.study}: no counts of dossiers: a share alone has no likelihood")
    if design.scale != "pp":
        raise Refusal("no_counts", f"{design.study}: the outcome is no share of counts")
    if not np.isfinite(table[["denominator", "numerator"]].to_numpy(float)).all():
        raise Refusal("not_finite", f"{design.study}: a count that is no finite number")
    usable(design)
    return table[table["denominator"] > 0]


def varied(denominator: np.ndarray, numerator: np.ndarray, units: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rows that are left when units and periods without variation are taken out, again and again."""
    inside = np.ones(len(denominator), bool)
    while True:
        before = inside.sum()
        for codes in (units, times):
            total, part_sum = np.bincount(codes, denominator * inside), np.bincount(codes, numerator * inside)
            inside = inside & ((part_sum > 0) & (part_sum < total))[codes]
        if inside.sum() == before:
            return inside


def maximise(cells: Cells, denominator: np.ndarray, numerator: np.ndarray, regressors: np.ndarray) -> Logit | None:
    """Newton steps until the coefficients stand still. None where the dummies absorb every regressor; Refusal where it
    does not converge."""
    first = two_way(denominator, cells.units, cells.times)
    x = residuals(first, regressors)
    rank, _ = independent(x.T @ (denominator[:, None] * x), denominator @ regressors**2)
    if len(rank) == 0:
        return None
    regressors, eta, best = regressors[:, rank], np.log((numerator + 0.5) / (denominator - numerator + 0.5)), -np.inf
    for step in range(STEPS):
        share = expit(eta)
        working = np.maximum(denominator * share * (1 - share), 1e-12)
        fe = two_way(working, cells.units, cells.times, first)
        z = eta + (numerator - denominator * share) / working
        columns = residuals(fe, np.column_stack([z, regressors]))
        rest, x = columns[:, 0], columns[:, 1:]
        bread = np.linalg.inv(x.T @ (working[:, None] * x))
        beta = bread @ (x.T @ (working * rest))
        target, best = climbed(eta, z - (rest - x @ beta), denominator, numerator, best if step else -np.inf)
        moved, eta = np.abs(target - eta).max(), target
        if step and moved < CLOSE * max(1.0, np.abs(eta).max()):
            pearson = ((numerator - denominator * expit(eta)) ** 2 / working).sum()
            free = len(denominator) - len(rank) - len(fe.unit_weight) - fe.free.sum()
            return Logit(eta, beta, rank, fe, x, bread, float(pearson / max(free, 1)))
    raise Refusal("not_converged", "the likelihood has no maximum: over some combination of units and periods the numerator is 0 or "
                                   "the whole denominator")  # fmt: skip


def likelihood(eta: np.ndarray, denominator: np.ndarray, numerator: np.ndarray) -> float:
    return float(numerator @ eta - denominator @ np.logaddexp(0, eta))


def climbed(eta: np.ndarray, target: np.ndarray, denominator: np.ndarray, numerator: np.ndarray, best: float) -> tuple[np.ndarray, float]:
    """(the step, halved until the likelihood does not fall; its likelihood)."""
    for _ in range(20):
        reached = likelihood(target, denominator, numerator)
        if reached >= best - 1e-9 * abs(best):
            break
        target = (eta + target) / 2
    return target, reached


def log_odds(found: Logit, cells: Cells, denominator: np.ndarray, numerator: np.ndarray, whole: Cells) -> dict:
    """The coefficient: a log odds ratio."""
    weights = found.x @ found.bread[:, 0]
    return robust(found.beta[0], weights, found, cells, denominator, numerator, whole)


def on_share_scale(found: Logit, cells: Cells, denominator: np.ndarray, numerator: np.ndarray, treated: np.ndarray, share: np.ndarray,
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
    return robust(100 * (share @ gap), 100 * weights, found, cells, denominator, numerator, whole)


def robust(estimate: float, weights: np.ndarray, found: Logit, cells: Cells, denominator: np.ndarray, numerator: np.ndarray,
           whole: Cells) -> dict:  # fmt: skip
    """With its clustered error; `weights`: a row's part in the estimate for each dossier more than expected."""
    k = len(found.kept) + absorbed(cells.units, cells.times, cells.clusters)
    parts = weights * (numerator - denominator * expit(found.eta))
    variance = beyond_rounding(cluster_variance(parts, cells.clusters, whole.n, k), parts, weights * numerator)
    return told_by_leverage(estimate, variance, weights**2 * found.fe.weight, cells.clusters)
