"""Sums over the rows of placebo worlds without their outcomes.

In a world every row has the residual of its own unit in another month, the same month for all rows of a cluster in a period. A sum
of weight x outcome is therefore a sum over clusters and periods of numbers that are known beforehand for each month: it is looked
up. Drawn months follow each other in blocks, so that of cumulative sums along such runs two entries serve a whole block.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..estimation.fixed_effects import Fit
from ..estimation.inference import Linear, Parts, by_cluster
from ..estimation.two_way import solve
from .randomization import Permuted, by_effect, treated_weights, under_all

ENTRIES = 1 << 23  # numbers in one array of sums, at most


@dataclass(frozen=True)
class Worlds:
    """What placebo worlds are drawn from: residuals of the time before in points, and where each row of the study finds its own."""

    residual: np.ndarray  # units x months before; 0 where a unit was not seen
    unit: np.ndarray  # per row of the study
    cluster: np.ndarray  # per row of the study
    time: np.ndarray  # per row of the study, from 0
    block: int
    seed: int
    season: np.ndarray | None = None  # code of each month before's calendar month, where each was seen in two years or more

    @property
    def before(self) -> int:
        return self.residual.shape[1]

    @cached_property
    def periods(self) -> int:
        return int(self.time.max()) + 1

    @cached_property
    def clusters(self) -> int:
        return int(self.cluster.max()) + 1

    @cached_property
    def rows(self) -> list[np.ndarray]:
        """The rows of each cluster."""
        order = np.argsort(self.cluster, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.cluster))[:-1])


@dataclass(frozen=True)
class Draws:
    """Some worlds: the month in which each of a cluster's blocks begins, and how far its first block had run before the first period."""

    starts: np.ndarray  # worlds x clusters x blocks
    offset: np.ndarray  # worlds x clusters

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Sums:
    """What inference needs of each world's outcomes y; e: what the estimate's model leaves of them."""

    estimates: np.ndarray  # worlds
    scores: np.ndarray  # clusters x worlds
    s0: np.ndarray | None = None  # clusters x worlds: sums of weights x e
    b0: np.ndarray | None = None  # worlds x clusters h x clusters g: sums over the rows of g of h's influence x e


def draws_of(w: Worlds, first: int, number: int, common: bool = False) -> Draws:
    """So many worlds, numbered from `first`: the same number gives the same world. `common`: all clusters draw the same blocks."""
    clusters, blocks = w.clusters, -(-w.periods // w.block) + 1
    starts, offset = np.empty((number, clusters, blocks), int), np.empty((number, clusters), int)
    for j in range(number):
        rng = np.random.default_rng([w.seed, 4 if common else 3, first + j])
        starts[j] = rng.integers(0, w.before, (1 if common else clusters, blocks))
        offset[j] = rng.integers(0, w.block, 1 if common else clusters)
    return Draws(starts, offset)


def months_of(w: Worlds, draws: Draws, cluster: int, times: np.ndarray) -> np.ndarray:
    """The months before that a cluster takes for periods: worlds x periods."""
    place = times + draws.offset[:, cluster, None]
    return (np.take_along_axis(draws.starts[:, cluster], place // w.block, axis=1) + place % w.block) % w.before


def outcomes(w: Worlds, draws: Draws) -> np.ndarray:
    """The worlds' outcomes themselves: rows x worlds."""
    y = np.empty((len(w.cluster), len(draws)))
    for cluster, rows in enumerate(w.rows):
        times, place = np.unique(w.time[rows], return_inverse=True)
        y[rows] = w.residual[w.unit[rows, None], months_of(w, draws, cluster, times).T[place]]
    return y


# --- looking up ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """Some worlds, and per cluster where in its cumulative sums each of them looks."""

    w: Worlds
    draws: Draws
    picks: list[sparse.csr_matrix]


def part_of(w: Worlds, first: int, number: int, common: bool = False) -> Part:
    draws = draws_of(w, first, number, common)
    return Part(w, draws, [picked(w, draws, cluster) for cluster in range(w.clusters)])


def picked(w: Worlds, draws: Draws, cluster: int) -> sparse.csr_matrix:
    """Worlds x entries of cumulative sums (periods and one more, x months): each block is what stands at its end less what stands at
    its beginning, on the diagonal that its first month tells."""
    number = len(draws)
    begins = np.arange(draws.starts.shape[2]) * w.block - draws.offset[:, cluster, None]
    diagonal = (draws.starts[:, cluster] - begins) % w.before
    entries = np.hstack([np.clip(begins + step, 0, w.periods) * w.before + diagonal for step in (w.block, 0)])
    signs = np.ones(entries.shape)
    signs[:, begins.shape[1] :] = -1.0
    ends = np.arange(number + 1) * entries.shape[1]
    return sparse.csr_matrix((signs.ravel(), entries.ravel(), ends), shape=(number, (w.periods + 1) * w.before))


def looked_up(w: Worlds, pick: sparse.csr_matrix, by_month: Callable[[slice], np.ndarray], number: int) -> np.ndarray:
    """Sums of each world: columns x worlds. `by_month`: some of the columns -> periods x months before x columns, what a period adds
    where the cluster takes that month for it."""
    at_diagonal = np.arange(w.periods)[:, None], (np.arange(w.before) + np.arange(w.periods)[:, None]) % w.before
    found, step = np.empty((number, pick.shape[0])), max(1, ENTRIES // pick.shape[1])
    for at in range(0, number, step):
        inside = slice(at, min(at + step, number))
        entries = np.zeros((w.periods + 1, w.before, inside.stop - at))
        np.cumsum(by_month(inside)[at_diagonal], axis=0, out=entries[1:])
        found[inside] = (pick @ entries.reshape(-1, inside.stop - at)).T
    return found


def coded(codes: np.ndarray, number: int) -> sparse.csr_matrix:
    """Codes x entries: 1 where an entry has the code."""
    return sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(number, len(codes)))


def sums_of_columns(part: Part, cluster: int, columns: sparse.csc_matrix) -> np.ndarray:
    """Columns x worlds. `columns`: of the cluster's rows."""
    w, rows = part.w, part.w.rows[cluster]

    def by_month(inside: slice) -> np.ndarray:
        own, number = columns[:, inside].tocoo(), inside.stop - inside.start
        place = w.time[rows][own.row] * number + own.col, w.unit[rows][own.row]
        cells = sparse.csr_matrix((own.data, place), shape=(w.periods * number, len(w.residual)))
        return np.moveaxis((cells @ w.residual).reshape(w.periods, number, w.before), 1, 2)

    return looked_up(w, part.picks[cluster], by_month, columns.shape[1])


def sums_by_period(part: Part, cluster: int, weight: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Codes x worlds; `weight` and `codes`, from 0 and each in one period, are of the cluster's rows."""
    w, rows = part.w, part.w.rows[cluster]
    by_month = sparse.csr_matrix((weight, (codes, w.unit[rows])), shape=(int(codes.max()) + 1, len(w.residual))) @ w.residual
    times = np.zeros(len(by_month), int)
    times[codes] = w.time[rows]
    return by_month[np.arange(len(times)), months_of(w, part.draws, cluster, times)].T


# --- a regression's sums -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Local:
    """One cluster's rows in a regression: what its sums are taken with, and how these move with the regression's effects."""

    columns: np.ndarray  # of the regression, that are not 0 here
    times: np.ndarray  # period effects that are here
    units: np.ndarray  # unit effects that are here
    weighted: sparse.csc_matrix  # rows x (the estimate's weights, weight x columns, weight x units)
    time: np.ndarray  # per row: position in `times`
    straddling: np.ndarray  # positions in `units` of those that other clusters have, too
    gram: np.ndarray  # (estimate, columns, times, straddling units) x (columns, times, units): weighted cross products


def locals_of(w: Worlds, linear: Linear, fit: Fit) -> list[Local]:
    cells, found = fit.cells, []
    pairs = np.unique(cells.units.astype(np.int64) * w.clusters + cells.clusters) // w.clusters
    several = np.bincount(pairs, minlength=len(fit.fe.unit_weight)) > 1
    for rows in w.rows:
        own, weight = sparse.csc_matrix(fit.columns[rows]), cells.weight[rows]
        columns = np.flatnonzero(np.diff(own.indptr))
        times, time = np.unique(cells.times[rows], return_inverse=True)
        units, unit = np.unique(cells.units[rows], return_inverse=True)
        straddling = np.flatnonzero(several[units])
        step = sparse.csc_matrix((linear.weights[rows] / weight)[:, None])
        own, of_times, of_units = own[:, columns], coded(time, len(times)).T, coded(unit, len(units)).T.tocsc()
        weighted = sparse.diags(weight) @ sparse.hstack([step, own, of_units])
        kept = sparse.diags(weight) @ sparse.hstack([step, own, of_times, of_units[:, straddling]])
        gram = (kept.T @ sparse.hstack([own, of_times, of_units])).toarray()
        found.append(Local(columns, times, units, weighted.tocsc(), time, straddling, gram))
    return found


def sums_of_regression(w: Worlds, linear: Linear, parts: Parts, residual_sums: bool) -> Callable[[Part], Sums]:
    """What the clustered error and, with `residual_sums`, the wild bootstrap of a coefficient need of each world.

    With y's sums by unit, period and column the regression of each world is known, and so are the sums of its residuals by cluster x
    period and cluster x column; those by cluster x unit are 0, unless a unit stands in several clusters.
    """
    fit: Fit = parts.fit
    cells, fe, local = fit.cells, fit.fe, locals_of(w, linear, fit)

    def sums(part: Part) -> Sums:
        number = len(part.draws)
        of_units, of_times = np.zeros((len(fe.unit_weight), number)), np.zeros((len(fe.free), number))
        of_columns, scores, seen = np.zeros((fit.columns.shape[1], number)), np.empty((w.clusters, number)), []
        for g, own in enumerate(local):
            first, by_unit = np.split(sums_of_columns(part, g, own.weighted), [1 + len(own.columns)])
            by_time = sums_by_period(part, g, cells.weight[w.rows[g]], own.time)
            of_units[own.units] += by_unit
            of_times[own.times] += by_time
            of_columns[own.columns] += first[1:]
            scores[g] = first[0]
            seen.append(np.vstack([first, by_time, by_unit[own.straddling]]) if residual_sums else None)
        estimates = scores.sum(axis=0)
        scores -= parts.unit.T @ of_units + parts.period.T @ of_times + parts.column.T @ of_columns
        if not residual_sums:
            return Sums(estimates, scores)
        unit, period = solve(fe, of_units, of_times)
        column = fit.inverse @ (of_columns - fit.unit.T @ of_units - fit.period.T @ of_times)
        unit, period = unit - fit.unit @ column, period - fit.period @ column
        s0, b0 = np.empty((w.clusters, number)), np.empty((w.clusters, w.clusters, number))
        for g, own in enumerate(local):
            rest = seen[g] - own.gram @ np.vstack([column[own.columns], period[own.times], unit[own.units]])
            effects = np.vstack([parts.column[own.columns], parts.period[own.times], parts.unit[own.units[own.straddling]]])
            s0[g], b0[:, g] = rest[0], -(effects.T @ rest[1:])
            b0[g, g] += s0[g]
        return Sums(estimates, scores, s0, np.ascontiguousarray(np.moveaxis(b0, 2, 0)))

    return sums


def sums_of_outcomes(w: Worlds, linear: Linear, residual_sums: bool) -> Callable[[Part], Sums]:
    """The same from the outcomes of each world, for an estimate that is no regression's."""
    influence = linear.influence()
    inside = [influence[rows].T for rows in w.rows]  # clusters x rows of one cluster

    def sums(part: Part) -> Sums:
        y = outcomes(w, part.draws)
        estimates, scores = linear.weights @ y, influence.T @ y
        if not residual_sums:
            return Sums(estimates, scores)
        rest = linear.rest(y)
        b0 = np.stack([own @ rest[rows] for own, rows in zip(inside, w.rows, strict=True)], axis=1)
        return Sums(estimates, scores, by_cluster(w.cluster, linear.weights[:, None] * rest), np.moveaxis(b0, 2, 0))

    return sums


# --- sums after unit and period effects ----------------------------------------------------------------------------
def sums_of_adoptions(w: Worlds, p: Permuted) -> Callable[[Part], np.ndarray]:
    """Estimates of each world under every assignment: assignments x worlds."""
    cells, fe, groups = p.cells, p.fe, p.assigned.starts.shape[1]
    first = treated_weights(p.assigned, p.cells)
    columns = sparse.hstack([sparse.csr_matrix((cells.weight, (np.arange(len(cells.weight)), cells.units))), first]).tocsr()
    of_units, of_times = by_effect(fe, cells, first)
    place = np.full(len(w.cluster), -1)
    place[p.kept] = np.arange(len(p.kept))
    local = []
    for rows in w.rows:
        rows = place[rows]
        own = columns[rows].tocsc() if (rows >= 0).all() else None
        active = None if own is None else np.flatnonzero(np.diff(own.indptr))
        local.append((rows, active, None if own is None else own[:, active]))

    def sums(part: Part) -> np.ndarray:
        whole, times = np.zeros((columns.shape[1], len(part.draws))), np.zeros((len(fe.free), len(part.draws)))
        for g, (rows, active, own) in enumerate(local):
            if own is None:
                continue
            here, code = np.unique(cells.times[rows], return_inverse=True)
            whole[active] += sums_of_columns(part, g, own)
            times[here] += sums_by_period(part, g, cells.weight[rows], code)
        unit, period = solve(fe, whole[: len(fe.unit_weight)], times)
        rest = whole[len(fe.unit_weight) :] - of_units.T @ unit - of_times.T @ period
        return under_all(p, rest.reshape(-1, groups, len(part.draws)))

    return sums
