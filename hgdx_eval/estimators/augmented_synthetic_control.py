"""Augmented synthetic control: what the weights could not match before the policy is corrected by a ridge regression.

Ben-Michael, Feller & Rothstein (2021), equations 10-12; earlier outcomes less the donors' means. The penalty is the largest whose
error in leaving out one earlier period after another is within one standard error of the smallest, as in R's augsynth. Weights
may be negative: it extrapolates as far as the penalty lets it.
"""

import numpy as np

from ..design.design import Design
from ..estimation.results import Estimate
from ..estimation.synthetic_weights import DIFFERS, Matrix, Synthetic, simplex, synthetic_estimate

__all__ = ["DIFFERS", "SOLVER", "fit"]
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
    return Synthetic(float(gap[m.before :].mean()), gap, weights, np.zeros(m.before), unique=unique)


def correction(donors: np.ndarray, treated: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """(x1 - X0'w)' (X0'X0 + ridge I)^-1 X0' (equation 12)."""
    if ridge <= 0:
        return np.zeros(len(donors))
    system = donors.T @ donors + ridge * np.eye(donors.shape[1])
    return donors @ np.linalg.solve(system, treated - weights @ donors)


def penalty(donors: np.ndarray, treated: np.ndarray) -> float:
    """The penalty by leaving out one period after another, with the one-standard-error rule; 0 where the donors do not vary."""
    number, periods = donors.shape
    short = np.zeros((max(0, periods - number), periods))  # so that every direction of the periods has its singular value, if 0
    _, values, right = np.linalg.svd(np.vstack([donors, short]), full_matrices=False)
    largest = float(values[0]) ** 2
    tried = largest * SMALLEST ** (np.arange(STEPS + 1) / STEPS)
    if largest <= 0 or periods < 3:
        return largest
    inverse = (right.T / (values**2 + tried[:, None])[:, None, :]) @ right  # penalties x periods x periods
    errors = np.array([period_errors(donors, treated, period, inverse) for period in range(periods - 1)])
    mean, error = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    best = int(mean.argmin())
    return float(tried[mean <= mean[best] + error[best]].max())


def period_errors(donors: np.ndarray, treated: np.ndarray, period: int, inverse: np.ndarray) -> np.ndarray:
    """Squared error in one period left out, for each penalty.

    `inverse`: (X0'X0 + ridge I)^-1 of all periods, by penalty. The ridge regression of one period on the others is its row,
    divided by minus its own entry (the inverse of a matrix in blocks): no period needs a decomposition of its own.
    """
    x, one = np.delete(donors, period, axis=1), np.delete(treated, period)
    weights, _ = simplex(x - one)
    slopes = -np.delete(inverse[:, period], period, axis=1) / inverse[:, period, period, None]
    return (treated[period] - weights @ donors[:, period] - slopes @ (one - weights @ x)) ** 2


SOLVER = augmented
