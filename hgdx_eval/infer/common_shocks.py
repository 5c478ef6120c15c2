"""Do clusters of one side move together more than chance? Then errors clustered by cluster are too small, and only the worlds in which all
clusters draw the same months tell how often an interval cries wolf.

The worlds' own rate cannot tell: it is that of one history, and of good histories up to a third has more than 7 % by chance alone
(docs/decisions/0007-how-sure.md). So the spread of the estimate over such worlds is held against the same of histories in which each
cluster's months are turned by a number of its own: these keep every cluster's sizes and memory, and lose what moves many at once.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from ..design.design import Design
from ..estimation.fixed_effects import Cells, cells_of, rows_only, usable
from ..estimation.inference import Linear
from ..estimation.two_way import residuals, two_way
from .world_sums import Worlds

TURNS = 499
LEAST_KEPT = 0.05  # of a cluster's shock, after unit and period effects: with less the cluster tells nothing


def together(design: Design, linear: Linear, w: Worlds) -> float:
    """p-value of no common movement: the share of turned histories whose estimates spread at least as far, the real one among them. Where
    two years were seen, also with each calendar month's mean taken out of both, and the larger of the two: a season that one side has comes
    again every year, and what it does to the estimate is no chance (`warning_signs.season`)."""
    own = by_period_and_month(linear, w)
    alone = own / np.sqrt(np.clip(kept(design, linear, w), LEAST_KEPT, 1.0))[:, None, None]
    rng, months = np.random.default_rng([w.seed, 5]), np.arange(w.before)
    turns = (months + rng.integers(0, w.before, (TURNS, w.clusters, 1))) % w.before
    turned = [np.take_along_axis(alone, turn[:, None, :], axis=2).sum(axis=0) for turn in turns]
    found = []
    views: list[Callable[[np.ndarray], np.ndarray]] = [np.asarray, *([out_of_season(w.season)] if w.season is not None else [])]
    for rest in views:
        real = spread(w, rest(own.sum(axis=0))) * (1 - 1e-12)
        found.append((1 + sum(spread(w, rest(one)) >= real for one in turned)) / (1 + TURNS))
    return float(max(found))


def out_of_season(season: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Periods x months before -> the same less the mean of each calendar month."""
    share = (season[:, None] == season) / np.bincount(season)[season]
    return lambda sums: sums - sums @ share


def by_period_and_month(linear: Linear, w: Worlds) -> np.ndarray:
    """Clusters x periods x months before: what a cluster adds to the estimate in a period that has that month's residuals."""
    found = np.empty((w.clusters, w.periods, w.before))
    for cluster, rows in enumerate(w.rows):
        place = w.time[rows], w.unit[rows]
        found[cluster] = sparse.csr_matrix((linear.weights[rows], place), shape=(w.periods, len(w.residual))) @ w.residual
    return found


def spread(w: Worlds, sums: np.ndarray) -> float:
    """The variance of the estimate over worlds in which all clusters draw the same blocks. `sums`: periods x months before."""
    periods = np.arange(w.periods)
    along = np.zeros((w.periods + 1, w.before))
    np.cumsum(sums[periods[:, None], (np.arange(w.before) + periods[:, None]) % w.before], axis=0, out=along[1:])
    ends = [np.clip(np.arange(-offset, w.periods + w.block, w.block), 0, w.periods) for offset in range(w.block)]
    return float(np.mean([np.diff(along[end], axis=0).var(axis=1).sum() for end in ends]))


def kept(design: Design, linear: Linear, w: Worlds) -> np.ndarray:
    """The part of a shock to each cluster alone, in the estimate's direction, that unit and period effects leave in residuals of the time
    before: what all clusters' shocks together keep whole."""
    table = usable(design)
    cells = cells_of(design, table)
    late = (table["time"] >= table["treated_from"].min()).to_numpy()
    push = np.bincount(w.unit, linear.weights * late) / np.maximum(np.bincount(w.unit, cells.weight * late), 1e-300)
    sign = np.where(w.time[~late] % 2 == 0, 1.0, -1.0)  # a shock that stayed for ever would be the unit's own
    early: Cells = rows_only(cells, ~late)
    shock = np.zeros((len(sign), w.clusters))
    shock[np.arange(len(sign)), w.cluster[~late]] = push[w.unit[~late]] * sign
    rest = residuals(two_way(early.weight, early.units, early.times), shock)
    whole = early.weight @ shock**2
    return np.where(whole > 0, (early.weight @ (rest * shock)) / np.where(whole > 0, whole, 1.0), 1.0)
