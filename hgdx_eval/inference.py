"""How sure: clustered errors with small-sample corrections, and ranks among placebos."""

import numpy as np
import pandas as pd
from scipy import stats

FEW_CLUSTERS = 5  # fewer clusters than this on either side: the clustered error is never the headline
LEVEL = 0.95


def small_sample(groups: int, n: float, k: int) -> float:
    """The factor of a clustered variance: G/(G-1) * (n-1)/(n-k) (Cameron & Miller 2015, eq. 12); `k`: coefficients and fixed
    effects not nested in clusters."""
    return groups / (groups - 1) * (n - 1) / (n - k)


def cluster_variance(influence: np.ndarray, clusters: np.ndarray, n: float, k: int) -> float:
    """CRV1: squared cluster sums of each row's part in an estimate's error, with the small-sample factor."""
    by_cluster = np.bincount(clusters, influence)
    return float(by_cluster @ by_cluster) * small_sample(len(by_cluster), n, k)


def effective_clusters(leverage: np.ndarray, clusters: np.ndarray) -> float:
    """G* = (sum of gamma)^2 / sum of gamma^2, gamma = a cluster's part in the coefficient's variance under homoskedastic
    errors (Carter, Schnepel & Steigerwald 2017, eq. 5, with independent errors inside a cluster)."""
    gamma = np.bincount(clusters, weights=leverage)
    return float(gamma.sum() ** 2 / (gamma**2).sum())


def degrees_of_freedom(clusters: int, effective: float) -> float:
    """G - 1; where the effective number of clusters is below half of G, that number less one."""
    return max(effective - 1.0, 1.0) if effective < clusters / 2 else clusters - 1.0


def t_interval(estimate: float, std_error: float, dof: float, level: float = LEVEL) -> tuple[float, float, float]:
    """(low, high, two-sided p)."""
    reach = stats.t.ppf(0.5 + level / 2, dof) * std_error
    p = 2 * stats.t.sf(abs(estimate) / std_error, dof) if std_error > 0 else float("nan")
    return estimate - reach, estimate + reach, float(p)


def few_clusters(treated: int, comparison: int) -> bool:
    """Whether the clustered error must not be the headline."""
    return min(treated, comparison) < FEW_CLUSTERS


def placebo_rank(estimate: float, placebos: pd.Series) -> tuple[int, int]:
    """(rank of |estimate| among placebos and itself, how many there are), ties counted against it; p = rank / N."""
    others = placebos.abs().to_numpy()
    return 1 + int((others >= abs(estimate) * (1 - 1e-12)).sum()), 1 + len(others)
