"""The coefficient of two-way fixed effects without each cluster in turn, from one pass over the rows.

Where every unit effect lies in one cluster, leaving a cluster out takes its units along and changes the periods' normal equations by
that cluster's own part. After unit effects, sums by unit and period then give each coefficient, its clustered error and its degrees
of freedom as a new estimation would (Frisch & Waugh 1933; Cameron & Miller 2015, eq. 12; Bell & McCaffrey 2002).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import connected_components

from .fixed_effects import Cells, nested
from .inference import MANY, satterthwaite, small_sample
from .two_way import two_way

CHUNK = 64  # clusters left out at once
LARGEST = 2e7  # units x periods that hang together, laid out, at most
UNSURE = 1e-9  # of its length: where less of the treatment is left, its digits may be those of what was taken away


@dataclass(frozen=True)
class LeftOut:
    """Per cluster that is left out: coefficient, its clustered variance and degrees of freedom; `sure`: whether they can be told, or
    hardly anything is left of the treatment."""

    estimate: np.ndarray
    variance: np.ndarray
    dof: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Piece:
    """Units and periods that hang together, as sums after unit effects. d: being treated, y: the outcome; both less the unit's mean."""

    clusters: np.ndarray  # codes of those that are here, sorted
    cluster: np.ndarray  # per unit: position in `clusters`
    weight: np.ndarray  # per unit
    share: np.ndarray  # periods x units: the part of the unit's weight that lies in the period
    products: np.ndarray  # clusters x (d d, d y): weighted sums
    of_period: np.ndarray  # clusters x periods: weighted sums of 1, of d, of y
    of_d: np.ndarray
    of_y: np.ndarray

    def members(self, cluster: int) -> np.ndarray:
        return np.flatnonzero(self.cluster == cluster)


@dataclass(frozen=True)
class Without:
    """What a piece gives without one or another of its clusters (or with all), one column each; what is left: after unit and period
    effects."""

    gram: np.ndarray  # weighted square of what is left of d
    numerator: np.ndarray  # and its product with y
    squares: np.ndarray  # clusters x columns: the gram's part of each cluster, 0 of the one left out
    across: np.ndarray  # and of its product with what is left of y
    explained: list[np.ndarray]  # clusters x clusters: what period effects take of shocks in d's direction; empty if not asked for


def left_out(cells: Cells, treated: np.ndarray, n: np.ndarray) -> LeftOut | None:
    """The coefficient of `treated` (rows) without each cluster; `n`: the small-sample factor's, without it. None where a unit effect
    lies in several clusters, where units x periods are too many to be laid out, or where two clusters are all there are."""
    groups = int(cells.clusters.max()) + 1
    pieces = pieces_of(cells, treated) if groups > 2 and nested(cells.units, cells.clusters) else None
    if pieces is None:
        return None
    asked, length = groups - 1 <= MANY, np.bincount(cells.clusters, cells.weight * treated**2)
    length = length.sum() - length
    whole = [without(piece, np.array([-1]), asked) for piece in pieces]
    found = [one_chunk(pieces, whole, range(at, min(at + CHUNK, groups)), groups, length, asked) for at in range(0, groups, CHUNK)]
    estimate, variance, dof, sure = (np.concatenate(part) for part in zip(*found, strict=True))
    k = 1 + absorbed_without(cells)
    factor = np.array([small_sample(groups - 1, size, number) for size, number in zip(n, k, strict=True)])
    return LeftOut(estimate, variance * factor, dof, sure)


def absorbed_without(cells: Cells) -> np.ndarray:
    """Per cluster left out: the period effects that count as coefficients, none where each of them lies in one cluster."""
    groups, times = int(cells.clusters.max()) + 1, int(cells.times.max()) + 1
    seen = sparse.csr_matrix((np.ones(len(cells.times)), (cells.clusters, cells.times)), shape=(groups, times))
    seen.data[:] = 1.0
    number = np.bincount(seen.indices, minlength=times)  # clusters of each period
    own, pairs = np.add.reduceat(number[seen.indices] == 1, seen.indptr[:-1]), np.diff(seen.indptr)
    left = times - own
    return np.where(number.sum() - pairs == left, 0, left)


def pieces_of(cells: Cells, treated: np.ndarray) -> list[Piece] | None:
    fe = two_way(cells.weight, cells.units, cells.times)
    of_unit = fe.layout.unit_part
    cluster, laid = np.zeros(len(of_unit), int), np.bincount(of_unit) * np.bincount(fe.layout.part)
    cluster[cells.units] = cells.clusters
    if laid.sum() > LARGEST:
        return None
    groups = int(cells.clusters.max()) + 1
    d, y = (values - (np.bincount(cells.units, cells.weight * values) / fe.unit_weight)[cells.units] for values in (treated, cells.y))
    tables = [sparse.csr_matrix((cells.weight * values, (cells.clusters, cells.times)), shape=(groups, len(fe.free)))
              for values in (np.ones(len(d)), d, y)]  # fmt: skip
    pairs, shape = cells.clusters * len(laid) + fe.layout.part[cells.times], (groups, len(laid))
    products = [np.bincount(pairs, cells.weight * d * values, groups * len(laid)).reshape(shape) for values in (d, y)]
    found = []
    for part in range(len(laid)):
        times, units = np.flatnonzero(fe.layout.part == part), np.flatnonzero(of_unit == part)
        here, position = np.unique(cluster[units], return_inverse=True)
        own = fe.scaled[times][:, units]
        sums = [table[here][:, times].toarray() for table in tables]
        found.append(Piece(here, position, fe.unit_weight[units], own.toarray() if sparse.issparse(own) else own,
                           np.column_stack([column[here, part] for column in products]), *sums))  # fmt: skip
    return found


def without(piece: Piece, leave: np.ndarray, asked: bool) -> Without:
    """`leave`: positions of clusters in the piece, -1 for none."""
    of_d, of_y = piece.of_d, piece.of_y
    seen = (piece.share > 0).astype(float)
    normal, links = normal_part(piece.share, piece.weight, piece.of_period.sum(axis=0)), seen @ seen.T
    sums, products = np.column_stack([of_d.sum(axis=0), of_y.sum(axis=0)]), piece.products.sum(axis=0)
    effects, gram, explained = np.zeros((2, len(normal), len(leave))), np.zeros((2, len(leave))), []
    for j, cluster in enumerate(leave):
        right, own, linked, total = sums, normal, links, products
        if cluster >= 0:
            inside = piece.members(cluster)
            own = normal - normal_part(piece.share[:, inside], piece.weight[inside], piece.of_period[cluster])
            linked = links - seen[:, inside] @ seen[:, inside].T
            right, total = sums - np.column_stack([of_d[cluster], of_y[cluster]]), products - piece.products[cluster]
        solver = factorised(own, linked)
        effects[:, :, j] = solved(solver, right).T
        gram[:, j] = total - right.T @ effects[0, :, j]
        if asked:
            explained.append(explained_by_periods(piece, effects[0, :, j], cluster, solver))
    squares, across = of_clusters(piece, effects[0], effects[1])
    left = leave >= 0
    squares[leave[left], np.flatnonzero(left)] = across[leave[left], np.flatnonzero(left)] = 0.0
    return Without(gram[0], gram[1], squares, across, explained)


def normal_part(share: np.ndarray, weight: np.ndarray, of_period: np.ndarray) -> np.ndarray:
    """Periods x periods: weighted cross products of their dummies after unit effects."""
    return np.diag(of_period) - (share * weight) @ share.T


def factorised(normal: np.ndarray, links: np.ndarray) -> tuple:
    """(factors, periods with an effect): one period of all that hang together has none, nor has one that nobody is seen in."""
    present = np.flatnonzero(links.diagonal() > 0)
    free = np.zeros(len(links), bool)
    free[present] = True
    linked = links[np.ix_(present, present)] > 0
    if linked.all(axis=1).any():
        free[present[0]] = False
    elif len(present):
        free[present[np.unique(connected_components(linked, directed=False)[1], return_index=True)[1]]] = False
    return cho_factor(normal[np.ix_(free, free)], check_finite=False) if free.any() else None, free


def solved(solver: tuple, right: np.ndarray) -> np.ndarray:
    """Period effects of right-hand sides: periods x columns."""
    factors, free = solver
    found = np.zeros_like(right)
    if factors is not None:
        found[free] = cho_solve(factors, right[free], check_finite=False)
    return found


def of_clusters(piece: Piece, d: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each cluster's sums of what is left of d, squared and times what is left of y: clusters x columns. `d`, `y`: their period effects,
    periods x columns."""
    member = sparse.csr_matrix((piece.weight, (piece.cluster, np.arange(len(piece.weight)))))
    of_d, of_y = piece.share.T @ d, piece.share.T @ y
    of_effects = [piece.of_period @ (d * other) - member @ (of_d * of_other) for other, of_other in ((d, of_d), (y, of_y))]
    squares = piece.products[:, :1] - 2 * piece.of_d @ d + of_effects[0]
    return squares, piece.products[:, 1:] - piece.of_y @ d - piece.of_d @ y + of_effects[1]


def explained_by_periods(piece: Piece, d: np.ndarray, cluster: int, solver: tuple) -> np.ndarray:
    """Clusters x clusters, without one of them where `cluster` is not -1; `d`: period effects of d."""
    member = sparse.csr_matrix((np.ones(len(piece.weight)), (piece.cluster, np.arange(len(piece.weight)))))
    shock = piece.of_d - piece.of_period * d + member @ (piece.share * (piece.weight * (d @ piece.share))).T
    if cluster >= 0:
        shock[cluster] = 0.0
    return shock @ solved(solver, shock.T)


def one_chunk(pieces: list[Piece], whole: list[Without], chunk: range, groups: int, length: np.ndarray, asked: bool) -> tuple:
    """(estimate, variance without its factor, degrees of freedom, sure) without each of some clusters.

    Pieces that a cluster does not touch stay as they are.
    """
    gram, numerator = (np.full(len(chunk), sum(getattr(found, name)[0] for found in whole)) for name in ("gram", "numerator"))
    squares, across = (np.zeros((groups, len(chunk))) for _ in range(2))
    for piece, found in zip(pieces, whole, strict=True):
        squares[piece.clusters] += found.squares
        across[piece.clusters] += found.across
    changed: list[list[tuple]] = [[] for _ in chunk]
    for piece, found in zip(pieces, whole, strict=True):
        here = np.flatnonzero((piece.clusters >= chunk.start) & (piece.clusters < chunk.stop))
        if len(here) == 0:
            continue
        new, columns = without(piece, here, asked), piece.clusters[here] - chunk.start
        gram[columns] += new.gram - found.gram
        numerator[columns] += new.numerator - found.numerator
        place = np.ix_(piece.clusters, columns)
        squares[place] += new.squares - found.squares
        across[place] += new.across - found.across
        for column, after in zip(columns, new.explained, strict=False):  # none where they are not asked for
            changed[column].append((piece.clusters, after - found.explained[0]))
    sure = gram > UNSURE * length[chunk]
    gram = np.where(sure, gram, np.nan)
    estimate = numerator / gram
    dof = np.full(len(chunk), groups - 2.0)
    if asked:
        dof = freedom(pieces, whole, changed, chunk, squares, gram)
    return estimate, ((across - estimate * squares) ** 2).sum(axis=0) / gram**2, dof, sure


def freedom(pieces: list[Piece], whole: list[Without], changed: list[list[tuple]], chunk: range, squares: np.ndarray,
            gram: np.ndarray) -> np.ndarray:  # fmt: skip
    """Degrees of freedom without each of some clusters: `satterthwaite` of what a shock to a cluster adds to the scores."""
    groups, found = len(squares), np.full(len(chunk), np.nan)
    explained = np.zeros((groups, groups))
    for piece, one in zip(pieces, whole, strict=True):
        explained[np.ix_(piece.clusters, piece.clusters)] += one.explained[0]
    for j, cluster in enumerate(chunk):
        own, kept = explained.copy(), np.arange(groups) != cluster
        for clusters, change in changed[j]:
            own[np.ix_(clusters, clusters)] += change
        shock = np.diag(squares[:, j]) - own - np.outer(squares[:, j], squares[:, j]) / gram[j]
        if np.isfinite(gram[j]):
            found[j] = satterthwaite(shock[np.ix_(kept, kept)])
    return found
