"""How sure: clustered errors with small-sample corrections, and ranks among placebos."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, sparse, stats

FEW_CLUSTERS = 5  # fewer effective clusters than this on either side: the clustered error is never the headline
LEVEL = 0.95
MANY = 150  # clusters: with more, degrees of freedom and the bootstrap make no difference
SMALL = 120_000  # entries of a dense matrix of sums
ROUNDING, DIGITS = 1e-10, 1e-12  # of what scores are sums of, and of the outcomes that residuals are differences of: less is rounding
FAR = 1e4  # standard errors: an interval that reaches further is unbounded


def small_sample(groups: int, n: float, k: int) -> float:
    """The factor of a clustered variance: G/(G-1) * (n-1)/(n-k) (Cameron & Miller 2015, eq. 12); `k`: coefficients and fixed
    effects not nested in clusters. NaN where these are as many as the observations."""
    return groups / (groups - 1) * (n - 1) / (n - k) if n > k else float("nan")


def beyond_rounding(variance: float, parts: np.ndarray, outcomes: np.ndarray) -> float:
    """A variance from squared sums; NaN where nothing but rounding is left of it: the fit is exact, or the scores of all clusters are 0
    whatever the outcomes (one cluster on a side). Such a number tells nothing of how sure an estimate is.

    `parts`: what the sums are made of, weights times residuals; `outcomes`: the same weights times the outcomes.
    """
    least = max(ROUNDING * float(np.abs(parts).sum()), DIGITS * float(np.abs(outcomes).sum()))
    return float(variance) if variance > least**2 else float("nan")


def cluster_variance(influence: np.ndarray, clusters: np.ndarray, n: float, k: int) -> float:
    """CRV1: squared cluster sums of each row's part in an estimate's error, with the small-sample factor."""
    by_cluster = np.bincount(clusters, influence)
    return float(by_cluster @ by_cluster) * small_sample(len(by_cluster), n, k)


def effective_clusters(leverage: np.ndarray, clusters: np.ndarray) -> float:
    """G* = (sum of gamma)^2 / sum of gamma^2, gamma = a cluster's part in the coefficient's variance under homoskedastic
    errors (Carter, Schnepel & Steigerwald 2017, eq. 5, with independent errors inside a cluster)."""
    return effective_number(np.bincount(clusters, weights=leverage))


def effective_number(parts: np.ndarray) -> float:
    """How many equal parts tell as much as these: (sum of parts)^2 / sum of parts^2; 0 of none."""
    squares = float((parts**2).sum())
    return float(parts.sum() ** 2 / squares) if squares > 0 else 0.0


def degrees_of_freedom(clusters: int, effective: float) -> float:
    """G - 1; where the effective number of clusters is below half of G, that number less one."""
    return max(effective - 1.0, 1.0) if effective < clusters / 2 else clusters - 1.0


def satterthwaite(scores: np.ndarray) -> float:
    """Degrees of freedom of a clustered variance, at most G - 1: tr(A)^2 / tr(A^2), A = scores @ scores.T (Bell & McCaffrey 2002;
    Imbens & Kolesar 2016, section 2.4, with shocks common to a cluster in the estimate's direction).

    `scores`: clusters x clusters, what a shock of unit size to cluster g adds to the score of cluster h.
    """
    a = scores @ scores.T
    squares = float((a * a).sum())
    return float(np.clip(np.trace(a) ** 2 / squares, 1.0, len(a) - 1.0)) if squares > 0 else len(a) - 1.0


def t_interval(estimate: float, std_error: float, dof: float, level: float = LEVEL) -> tuple[float, float, float]:
    """(low, high, two-sided p)."""
    reach = stats.t.ppf(0.5 + level / 2, dof) * std_error
    p = 2 * stats.t.sf(abs(estimate) / std_error, dof) if std_error > 0 else float("nan")
    return estimate - reach, estimate + reach, float(p)


def interval_at(row: pd.Series, level: float) -> tuple[float, float]:
    """(low, high) at another level from a row's estimate, its error and its 95 % interval, which tells the degrees of freedom; nan where
    there is none."""
    reach = stats.t.ppf(0.5 + level / 2, dof_told(row)) * row["std_error"]
    return float(row["estimate"] - reach), float(row["estimate"] + reach)


def dof_told(row: pd.Series) -> float:
    """The degrees of freedom that a row's error and 95 % interval tell; nan where it has none."""
    error, reach = row["std_error"], (row["ci_high"] - row["ci_low"]) / 2
    if not (error > 0 and reach > 0):
        return float("nan")
    quantile, far = 0.5 + LEVEL / 2, 1e6
    ratio = reach / error
    return far if ratio <= stats.t.ppf(quantile, far) else float(optimize.brentq(lambda n: stats.t.ppf(quantile, n) - ratio, 0.5, far))


def few_parts(parts: np.ndarray) -> bool:
    """Whether clusters that tell so much each are, in their effective number, too few for a clustered error."""
    return effective_number(np.asarray(parts, float)) < FEW_CLUSTERS - 0.5


def placebo_rank(estimate: float, placebos: pd.Series) -> tuple[int, int]:
    """(rank of |estimate| among placebos and itself, how many there are), ties counted against it; p = rank / N."""
    others = placebos.abs().to_numpy()
    return 1 + int((others >= abs(estimate) * (1 - 1e-12)).sum()), 1 + len(others)


@dataclass(frozen=True)
class Parts:
    """Each cluster's part in the error of a coefficient of a regression, without a rows x clusters matrix: cluster h's part is
    `influence[:, h]` = weights on its own rows, less the row's weight x (unit[u, h] + period[t, h] + columns @ column[:, h])."""

    fit: Any  # the regression
    unit: np.ndarray  # units x clusters
    period: np.ndarray  # periods x clusters
    column: np.ndarray  # columns x clusters


@dataclass(frozen=True)
class Linear:
    """An estimate that is a weighted sum of outcomes, with all that inference needs. Rows are those of the design's table.

    For outcomes z: the estimate is `weights @ z`, what its model leaves is `rest(z)`, and cluster h's part in its error
    `influence()[:, h] @ z`. `direction` is how outcomes move when the estimate moves by one and nothing else does (the restricted
    least-squares step); `errors` is `rest(y)`. `of_errors` and `of_step`, clusters h x clusters g, are the sums over the rows of
    cluster g of h's influence x `errors` and x `direction`. `factor`: of the clustered variance.
    """

    y: np.ndarray
    errors: np.ndarray
    weights: np.ndarray
    direction: np.ndarray
    scores: np.ndarray  # per cluster: its part in the error
    of_errors: np.ndarray
    of_step: np.ndarray
    influence: Callable[[], np.ndarray]  # rows x clusters, made anew: as large as the table, clusters times
    rest: Callable[[np.ndarray], np.ndarray]  # rows x columns -> rows x columns
    clusters: np.ndarray
    factor: float
    parts: Callable[[], Parts] | None = None  # of a regression

    @property
    def dof(self) -> float:
        """Degrees of freedom of the clustered t: `satterthwaite` for shocks to a cluster in the estimate's direction."""
        return satterthwaite(self.of_step)

    @property
    def estimate(self) -> float:
        return float(self.weights @ self.y)

    @property
    def variance(self) -> float:
        """Clustered; NaN where it is but rounding."""
        return beyond_rounding(self.factor * (self.scores @ self.scores), self.weights * self.errors, self.weights * self.y)

    @property
    def std_error(self) -> float:
        return float(np.sqrt(self.variance))


def itself(linear: Linear) -> Linear:
    """What is kept of an estimate by whoever needs all of it. Each holds numbers for every row: of hundreds of event times, keep less."""
    return linear


def linear_of_rows(y: np.ndarray, errors: np.ndarray, weights: np.ndarray, direction: np.ndarray, made: np.ndarray,
                   influence: Callable[[], np.ndarray], rest: Callable[[np.ndarray], np.ndarray], clusters: np.ndarray,
                   factor: float) -> Linear:  # fmt: skip
    """A `Linear` from the matrix `made` of influences (rows x clusters), which is not kept: `influence` makes it again."""
    of_errors, of_step = (by_cluster(clusters, made * column[:, None]).T for column in (errors, direction))
    return Linear(y, errors, weights, direction, y @ made, of_errors, of_step, influence, rest, clusters, factor)


def on_all_rows(linear: Linear, kept: np.ndarray, clusters: np.ndarray) -> Linear:
    """The same estimate on a table of which it takes only the rows `kept`: others weigh nothing. `clusters`: the whole table's codes."""
    own = np.zeros(int(linear.clusters.max()) + 1, int)
    own[linear.clusters] = clusters[kept]
    groups = int(clusters.max()) + 1

    def wide(values: np.ndarray, places: np.ndarray = kept, number: int = len(kept)) -> np.ndarray:
        found = np.zeros((number, *values.shape[1:]))
        found[places] = values
        return found

    def square(values: np.ndarray) -> np.ndarray:
        return wide(wide(values, own, groups).T, own, groups).T

    return Linear(wide(linear.y), wide(linear.errors), wide(linear.weights), wide(linear.direction), wide(linear.scores, own, groups),
                  square(linear.of_errors), square(linear.of_step), lambda: wide(wide(linear.influence().T, own, groups).T),
                  lambda z: wide(linear.rest(z[kept])), clusters, linear.factor)  # fmt: skip


def by_cluster(clusters: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums over rows of each cluster: clusters x columns."""
    return sums_by_code(clusters, int(clusters.max()) + 1, columns, np.ones(len(clusters)))


def sums_by_code(codes: np.ndarray, number: int, columns: np.ndarray | sparse.csr_matrix, weight: np.ndarray) -> np.ndarray:
    """Weighted sums of columns by code: number x columns."""
    if not sparse.issparse(columns) and columns.shape[1] <= 3:
        return np.column_stack([np.bincount(codes, weight * column, number) for column in columns.T])
    rows = np.arange(len(codes))
    if not sparse.issparse(columns) and number * len(codes) <= SMALL:  # making a sparse matrix takes longer than the sums
        by = np.zeros((number, len(codes)))
        by[codes, rows] = weight
        return by @ columns
    found = sparse.csr_matrix((weight, (codes, rows)), shape=(number, len(codes))) @ columns
    return found.toarray() if sparse.issparse(found) else found


def inverted(p_of: Callable[[float], float], estimate: float, step: float, level: float = LEVEL) -> tuple[float, float]:
    """The values that a test does not reject, going outwards from the estimate in units of `step`, a standard error; (nan, nan)
    where one side has no end."""
    low, high = (edge(p_of, estimate, side * step, 1 - level) for side in (-1.0, 1.0))
    return (low, high) if np.isfinite(low) and np.isfinite(high) else (np.nan, np.nan)


def edge(p_of: Callable[[float], float], estimate: float, step: float, alpha: float) -> float:
    """The last value on one side that is not rejected, by growing steps and halving."""
    if step == 0 or not np.isfinite(step):
        return np.nan
    inside, reach = 0.0, 0.5
    while p_of(estimate + reach * step) > alpha:
        inside, reach = reach, reach * 1.5
        if reach > FAR:
            return np.nan
    while reach - inside > 1e-10 * reach:
        middle = 0.5 * (inside + reach)
        if p_of(estimate + middle * step) > alpha:
            inside = middle
        else:
            reach = middle
    return float(estimate + inside * step)
