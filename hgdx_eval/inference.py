"""How sure: clustered errors with small-sample corrections, and ranks among placebos."""

import numpy as np
import pandas as pd
from scipy import stats

FEW_CLUSTERS = 5  # fewer clusters than this on either side: the clustered error is never the headline
LEVEL = 0.95


def cluster_covariance(scores: np.ndarray, clusters: np.ndarray, bread: np.ndarray, n: float, k: int) -> np.ndarray:
    """CRV1: bread * (sum of outer products of cluster sums) * bread * G/(G-1) * (n-1)/(n-k).

    `scores`: rows x coefficients (weighted regressor times residual); `clusters`: integer codes; `k`: coefficients
    and fixed effects not nested in clusters (Cameron & Miller 2015, eq. 12).
    """
    groups = int(clusters.max()) + 1
    sums = np.zeros((groups, scores.shape[1]))
    np.add.at(sums, clusters, scores)
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    return bread @ (sums.T @ sums) @ bread * factor


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
