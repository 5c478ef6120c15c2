"""Augmented synthetic control: what the weights could not match before the policy is corrected by a ridge regression.

Ben-Michael, Feller & Rothstein (2021), equations 10-12; earlier outcomes less the donors' means. The penalty is the largest whose
error in leaving out one earlier period after another is within one standard error of the smallest, as in R's augsynth. Weights
may be negative: it extrapolates as far as the penalty lets it.
"""

import numpy as np

from ..design.design import Design
from ..estimation.results import Estimate
from ..estimation.synthetic_weights import DIFFERS, Matrix, Synthetic, simplex, synthetic_estimate

__all__ = ["DIFFERS", "fit"]
STEPS, SMALLEST = 20, 1e-8  # penalties tried, from the largest squared singular value down to this part of it


def fit(design: Design) -> Estimate:
    """Raises Refusal as `synthetic.matrix` does."""
    return synthetic_estimate(design, "augmented_synthetic_control", augmented, spread=False)


def augmented(m: Matrix) -> Synthetic:
    """Synthetic control weights plus the ridge correction."""
    center = m.donors[:, : m.before].mean(axis=0)
    donors, treated = m.donors[:, : m.before] - center, m.treated[: m.before] - center
    weights, unique = simplex(donors - treated)
    weights = weights + correction(donors, treated, weights, penalty(donors, treated))
    gap = m.treated - weights @ m.donors
    return Synthetic(float(gap[m.before :].mean()), gap, weights, unique)


def correction(donors: np.ndarray, treated: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """(x1 - X0'w)' (X0'X0 + ridge I)^-1 X0' (equation 12)."""
    if ridge <= 0:
        return np.zeros(len(donors))
    system = donors.T @ donors + ridge * np.eye(donors.shape[1])
    return donors @ np.linalg.solve(system, treated - weights @ donors)


def penalty(donors: np.ndarray, treated: np.ndarray) -> float:
    """The penalty by leaving out one period after another, with the one-standard-error rule; 0 where the donors do not vary."""
    largest = float(np.linalg.svd(donors, compute_uv=False)[0]) ** 2
    tried = largest * SMALLEST ** (np.arange(STEPS + 1) / STEPS)
    if largest <= 0 or donors.shape[1] < 3:
        return largest
    errors = np.array([period_errors(donors, treated, period, tried) for period in range(donors.shape[1] - 1)])
    mean, error = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    best = int(mean.argmin())
    return float(tried[mean <= mean[best] + error[best]].max())


def period_errors(donors: np.ndarray, treated: np.ndarray, period: int, tried: np.ndarray) -> np.ndarray:
    """Squared error in one period left out, for each penalty."""
    x, one = np.delete(donors, period, axis=1), np.delete(treated, period)
    weights, _ = simplex(x - one)
    left, values, right = np.linalg.svd(x, full_matrices=False)
    toward = (one - weights @ x) @ right.T
    moved = left @ (values / (values**2 + tried[:, None]) * toward).T  # donors x penalties
    return (treated[period] - (weights[:, None] + moved).T @ donors[:, period]) ** 2
