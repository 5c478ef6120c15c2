"""Weights over the simplex by non-negative least squares with a row for every donor: plain, slow with many donors, what faster
ways are held to."""

import numpy as np
from scipy.optimize import nnls

from hgdx_eval.estimation.synthetic_weights import ACTIVE, TIE, objective


def former_simplex(distance: np.ndarray, ridge: float = 0.0) -> tuple[np.ndarray, bool]:
    """(weights, whether they are the only ones), as `simplex` gives them."""
    scale = np.sqrt((distance**2).mean()) or 1.0
    distance, ridge = distance / scale, ridge / scale**2
    weights = former_weights(distance, ridge)
    if ridge > 0 or former_only(distance, weights):
        return weights, True
    return former_weights(distance, TIE * (distance**2).sum(axis=1).mean()), False


def former_weights(distance: np.ndarray, ridge: float) -> np.ndarray:
    number = len(distance)
    system = np.vstack([distance.T, np.ones((1, number)), *([np.sqrt(ridge) * np.eye(number)] if ridge else [])])
    target = np.zeros(len(system))
    target[distance.shape[1]] = 1.0
    weights, _ = nnls(system, target, maxiter=30 * number + 100)
    weights /= weights.sum()
    active = np.flatnonzero(weights > ACTIVE)
    try:
        own = np.linalg.solve(distance[active] @ distance[active].T + ridge * np.eye(len(active)), np.ones(len(active)))
    except np.linalg.LinAlgError:
        return weights
    own /= own.sum()
    if not np.isfinite(own).all() or own.min() < 0:
        return weights
    better = np.zeros_like(weights)
    better[active] = own
    return better if objective(distance, better, ridge) <= objective(distance, weights, ridge) else weights


def former_only(distance: np.ndarray, weights: np.ndarray) -> bool:
    slope = distance @ (weights @ distance)
    free = np.flatnonzero(slope <= slope[weights > ACTIVE].mean() + 1e-7 * max(1.0, np.abs(slope).max()))
    system = np.column_stack([distance[free], np.ones(len(free))])
    return bool(np.linalg.matrix_rank(system, tol=1e-7 * max(1.0, np.abs(system).max()) * len(free)) == len(free))
