"""What estimates tell of many outcomes at once: they are linear in them, and so is each cluster's part in their errors.

Of a regression only sums by cluster of what the fixed effects leave are needed; another weighted sum has a matrix of influences.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fixed_effects import Fit
from .inference import Linear, small_sample
from .two_way import residuals

Told = tuple[np.ndarray, np.ndarray]  # coefficients x outcomes, clusters x coefficients x outcomes: their scores


@dataclass(frozen=True)
class Many:
    """Estimates as functions of outcomes. `factor`: of the clustered variance, the sum of squared scores."""

    of: Callable[[np.ndarray], Told]  # outcomes: rows x outcomes
    factor: float


def of_fit(fit: Fit, clean: bool = False) -> Many:
    """Every coefficient of a regression, further dummies too; those that were not kept are 0. `clean`: of outcomes that are after its fixed
    effects already."""
    cells, fe = fit.cells, fit.fe
    columns: Any = fit.columns
    dense = columns if isinstance(columns, np.ndarray) else columns.toarray()
    after = dense - fit.unit[cells.units] - fit.period[cells.times]
    weights = cells.weight[:, None] * (after @ fit.inverse)
    order = np.argsort(cells.clusters, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(cells.clusters))[:-1])
    weights_of = [np.ascontiguousarray(weights[own].T) for own in rows]
    fitted = np.stack([own @ after[inside] for own, inside in zip(weights_of, rows, strict=True)])

    def of(y: np.ndarray) -> Told:
        left = y if clean else residuals(fe, y)
        sums = np.stack([own @ left[inside] for own, inside in zip(weights_of, rows, strict=True)])
        beta = sums.sum(axis=0)
        return beta, sums - fitted @ beta

    return Many(of, small_sample(len(rows), cells.n, fit.k))


def of_linear(linear: Linear) -> Many:
    """One weighted sum."""
    weights, influence = linear.weights, linear.influence()
    return Many(lambda y: ((weights @ y)[None], (influence.T @ y)[:, None]), linear.factor)


def mixed(told: Told, mix: np.ndarray) -> Told:
    """Weighted sums (coefficients x sums) of what is told."""
    return mix.T @ told[0], np.einsum("gkw,ks->gsw", told[1], mix)
