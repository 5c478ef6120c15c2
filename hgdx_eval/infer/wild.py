"""Wild cluster bootstrap of any estimate that is a weighted sum of outcomes, with weights, the null imposed.

Cameron, Gelbach & Miller (2008) with Rademacher signs; all sign patterns where clusters are few, ties counted against the
estimate; intervals by inversion (Davidson & MacKinnon 2010). The bootstrap never goes back to the rows: an estimate and its
clustered error are linear in each cluster's residuals, so that one clusters x clusters matrix serves all draws (Roodman,
MacKinnon, Nielsen & Webb 2019; MacKinnon, Nielsen & Webb 2023), and under the null of another value they move along a line:
the interval costs no second bootstrap.
"""

from dataclasses import dataclass

import numpy as np

from ..estimation.inference import LEVEL, Linear, by_cluster, inverted

DRAWS = 9999
TIE = 1e-9  # relative: a draw this close to the estimate's own t counts as equal


@dataclass(frozen=True)
class Kernel:
    """Numerators and cluster scores as functions of signs v and of delta = estimate less null.

    Numerator: v @ (s0 + delta s1) + s_fit. Score of cluster h: (b0 + delta b1)[h] @ v + (b_fit0 + delta b_fit1)[h]. The parts
    named fit are those of the fitted values; they are 0 where residuals come from the estimate's own regression.
    """

    estimate: float
    variance: float  # of the estimate, clustered
    factor: float
    s0: np.ndarray
    s1: np.ndarray
    b0: np.ndarray  # clusters x clusters
    b1: np.ndarray
    s_fit: float
    b_fit0: np.ndarray
    b_fit1: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """What each draw needs at any null: t^2 is a ratio of two quadratics in delta."""

    numerator: np.ndarray  # draws x 2
    squares: np.ndarray  # draws x 3: of delta^0, delta^1, delta^2


def kernel(linear: Linear) -> Kernel:
    """The matrices of one estimate."""
    s = by_cluster(linear.clusters, np.column_stack([linear.weights * linear.errors, linear.weights * linear.direction]))
    b0, b1, scores = linear.of_errors, linear.of_step, linear.scores
    return Kernel(linear.estimate, linear.factor * float(scores @ scores), linear.factor, s[:, 0], s[:, 1], b0, b1,
                  -float(s[:, 0].sum()), scores - b0.sum(axis=1), -b1.sum(axis=1))  # fmt: skip


def signs(groups: int, draws: int, seed: int) -> tuple[np.ndarray, bool]:
    """(draws x clusters of +1 and -1, whether these are all there are). A pattern and its mirror give the same t: the first
    sign stays +1."""
    if 2 ** (groups - 1) <= draws:
        bits = (np.arange(2 ** (groups - 1))[:, None] >> np.arange(groups - 1)) & 1
        return np.column_stack([np.ones(len(bits)), 1.0 - 2.0 * bits]), True
    return 1.0 - 2.0 * np.random.default_rng([seed, 1]).integers(0, 2, (draws, groups)), False


def drawn(k: Kernel, v: np.ndarray) -> Drawn:
    a, b = v @ k.b0.T + k.b_fit0, v @ k.b1.T + k.b_fit1
    squares = np.column_stack([np.einsum("dg,dg->d", a, a), 2 * np.einsum("dg,dg->d", a, b), np.einsum("dg,dg->d", b, b)])
    return Drawn(np.column_stack([v @ k.s0 + k.s_fit, v @ k.s1]), k.factor * squares)


def p_value(k: Kernel, draws: Drawn, complete: bool, null: float) -> float:
    """The share of draws whose t is at least as large; not complete: with the estimate itself among them."""
    delta = k.estimate - null
    top = draws.numerator[:, 0] + delta * draws.numerator[:, 1]
    below = draws.squares @ np.array([1.0, delta, delta**2])
    least = delta**2 * below * (1 - TIE)
    at_least = int((top**2 * k.variance >= least).sum())
    return at_least / len(top) if complete else (at_least + 1) / (len(top) + 1)


def wild(linear: Linear, seed: int, draws: int = DRAWS, level: float = LEVEL) -> dict:
    """estimate, ci_low, ci_high, p_value (against no effect), inference `wild` and in `parameter` the number of sign
    patterns. Both ends of an interval that is unbounded on one side are nan; where the clustered variance is but rounding, so is
    every t, and neither interval nor p is told."""
    k = kernel(linear)
    if np.isnan(linear.variance):
        return {"estimate": k.estimate, "std_error": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan,
                "inference": "wild", "parameter": ""}  # fmt: skip
    v, complete = signs(len(k.s0), draws, seed)
    found = drawn(k, v)
    low, high = inverted(lambda null: p_value(k, found, complete, null), k.estimate, np.sqrt(k.variance), level)
    return {"estimate": k.estimate, "std_error": np.nan, "ci_low": low, "ci_high": high, "p_value": p_value(k, found, complete, 0.0),
            "inference": "wild", "parameter": f"{2 * len(v) if complete else len(v)}"}  # fmt: skip
