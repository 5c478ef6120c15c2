"""Effects by event time, all against one and the same base, for whoever asks how far the groups may have parted anyway.

What a page draws may compare each period with the one before (Callaway & Sant'Anna) or with the whole time before (imputation);
bounds on a divergence need coefficients whose base is the same before and after the policy (Roth 2024, Interpreting event-studies
from recent difference-in-differences methods).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy import sparse

from ..base.errors import Refusal
from ..design.design import Design
from .fixed_effects import (
    Cells,
    Fit,
    cluster_scores,
    indicators,
    outcome_weights,
    regress,
    regression_dof,
)
from .inference import by_cluster, small_sample
from .many_outcomes import Told, mixed, of_fit
from .two_way import residuals


@dataclass(frozen=True)
class Bins:
    """Which event times share a coefficient: event time -> bin, -1 the base; those from `-1 - before` to `after - 1` are finished."""

    place: dict[int, int]
    before: int
    after: int
    spans: tuple[tuple[int, int], ...]  # first and last event time of each bin after the policy

    @property
    def others(self) -> np.ndarray:
        """The bins but the base, in order."""
        return np.array(sorted(set(self.place.values()) - {-1}))


Layout = Callable[[np.ndarray, int], Bins]  # (event times seen, clusters) -> bins


@dataclass(frozen=True)
class Overall:
    """The average effect that the method tells, beside its event path."""

    estimate: float
    scores: np.ndarray  # per cluster, so scaled that the variance is their sum of squares
    dof: float
    drift: float  # what a difference that grows by one a period adds to it


@dataclass(frozen=True)
class EventPath:
    """A coefficient for each bin but the base, in order."""

    bins: Bins
    size: np.ndarray  # treated dossiers or weight of each
    beta: np.ndarray
    scores: np.ndarray  # clusters x coefficients, so scaled that the covariance is scores.T @ scores
    drift: np.ndarray  # what a difference that grows by one a period adds to each
    gram: Callable[[np.ndarray], np.ndarray]  # weighted sums of coefficients (coefficients x sums) -> `cluster_gram` of their outcomes
    overall: Overall
    of: Callable[[np.ndarray], Told]  # `beta` and `scores` of other outcomes (rows of `usable` x outcomes)
    of_clean: Callable[[np.ndarray], Told] | None = None  # the same of outcomes that are after the study's fixed effects already


def joined_in(bins: Bins, events: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Parts x coefficients: each bin's mean of its parts by size, less that of the base. `events`, `sizes`: of each part."""
    place = np.array([bins.place[int(event)] for event in events])
    mean = {b: sizes * (place == b) / sizes[place == b].sum() for b in np.unique(place)}
    return np.column_stack([mean[b] - mean[-1] for b in bins.others])


def bin_sizes(bins: Bins, events: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Each coefficient's size."""
    place = np.array([bins.place[int(event)] for event in events])
    return np.array([sizes[place == b].sum() for b in bins.others])


def parting(table: pd.DataFrame) -> np.ndarray:
    """A difference that grows by one a period between units treated at some time and all others: outcomes of the rows."""
    return table["event_time"].fillna(0.0).to_numpy(float)


# --- regressions ---------------------------------------------------------------------------------------------------------
def regression_path(design: Design, table: pd.DataFrame, cells: Cells, overall: Fit, layout: Layout,
                    further: sparse.csr_matrix | None = None) -> EventPath:  # fmt: skip
    """The path of a regression on dummies of event time, one for each bin, beside its coefficient of being treated.

    Raises Refusal as `layout` does, and where the fixed effects absorb event times.
    """
    event = table["event_time"]
    bins = layout(np.sort(event.dropna().unique().astype(int)), int(cells.clusters.max()) + 1)
    place = event.map(bins.place).to_numpy(float)
    fit = regress(cells, indicators(place, bins.others), further)
    if fit is None or len(fit.kept) < len(bins.others):
        raise Refusal("collinear", f"{design.study}: the fixed effects absorb event times")
    seen = event.notna().to_numpy()
    size = bin_sizes(bins, event.to_numpy()[seen], sizes_of(table)[seen])
    return EventPath(bins, size, fit.beta, scaled_scores(fit), coefficients_of(fit, parting(table)),
                     lambda mix: gram_of(fit, mix), overall_of(overall, np.ones(1), parting(table)),
                     path_of_fit(fit), path_of_fit(fit, clean=True))  # fmt: skip


def path_of_fit(fit: Fit, mix: np.ndarray | None = None, clean: bool = False) -> Callable[[np.ndarray], Told]:
    """The kept coefficients of a regression, or weighted sums of them (coefficients x sums), of many outcomes; `clean`: of outcomes that
    are after its fixed effects already."""
    chosen = np.eye(len(fit.inverse))[:, fit.kept] @ (np.eye(len(fit.kept)) if mix is None else mix)
    known = cache(lambda: of_fit(fit, clean))  # not before it is asked for

    def of(y: np.ndarray) -> Told:
        many = known()
        beta, scores = mixed(many.of(y), chosen)
        return beta, scores * np.sqrt(many.factor)

    return of


def overall_of(fit: Fit, shares: np.ndarray, drift: np.ndarray) -> Overall:
    """A weighted sum of coefficients as the headlined average."""
    return Overall(float(shares @ fit.beta), scaled_scores(fit) @ shares, regression_dof(fit, outcome_weights(fit, shares)),
                   float(shares @ coefficients_of(fit, drift)))  # fmt: skip


def sizes_of(table: pd.DataFrame) -> np.ndarray:
    """Dossiers of each row, weight where none are counted."""
    return (table["denominator"] if table["denominator"].notna().all() else table["weight"]).to_numpy(float)


def scaled_scores(fit: Fit) -> np.ndarray:
    """Each cluster's part in the kept coefficients' errors: clusters x coefficients, the covariance being scores.T @ scores."""
    scores = cluster_scores(fit.cells, fit.errors, fit.columns, fit.unit, fit.period) @ fit.mix
    return scores * np.sqrt(small_sample(len(scores), fit.cells.n, fit.k))


def coefficients_of(fit: Fit, outcomes: np.ndarray) -> np.ndarray:
    """The kept coefficients with other outcomes."""
    left = residuals(fit.fe, outcomes[:, None])[:, 0]
    return fit.mix.T @ (fit.columns.T @ (fit.cells.weight * left))


def gram_of(fit: Fit, mix: np.ndarray) -> np.ndarray:
    """`cluster_gram` of weighted sums of the kept coefficients (coefficients x sums)."""
    weights = np.column_stack([outcome_weights(fit, shares) for shares in mix.T])
    return cluster_gram(weights, fit.cells.weight, fit.cells.clusters)


def cluster_gram(weights: np.ndarray, weight: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Clusters x sums x sums: a cluster's part in the covariance of sums of outcomes with these weights (rows x sums) where the errors of
    rows are independent, each with a variance of one over the row's weight."""
    scaled = weights / np.sqrt(weight)[:, None]
    return np.stack([by_cluster(clusters, scaled * column[:, None]) for column in scaled.T], axis=2)
