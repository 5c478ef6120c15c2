"""Unit and period dummies of weighted rows: their normal equations factorised once, solved for any right-hand side.

Unit effects are profiled out; what is left are the period effects, one system for each part of the panel that shares no unit with
another (a block that is compared inside itself), all of them factorised and solved in one go.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from .inference import sums_by_code

WIDEST = 600  # period effects of one part up to this number are solved as a dense system
FULL, WIDEST_FULL = 0.5, 2000  # and up to this one where this part of all units x periods is there, as in a panel of days
MOST = 2e7  # entries of a dense matrix


@dataclass(frozen=True)
class Layout:
    """Where the parts of a panel lie; it depends on which rows there are and on no weight.

    `part`: per period the part it belongs to; `place`: its place in it; `unit_part` likewise per unit; `free`: all periods but the first
    of each part, whose effect is 0.
    """

    part: np.ndarray
    place: np.ndarray
    unit_part: np.ndarray
    free: np.ndarray
    width: int  # periods of the part that has most


@dataclass(frozen=True)
class Dense:
    """The period effects of every part as dense systems of one width: `inverse` parts x width x width, `scale` makes their diagonal 1."""

    matrix: np.ndarray
    inverse: np.ndarray
    scale: np.ndarray  # parts x width
    layout: Layout

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Period effects for right-hand sides (periods x columns); those of periods that are not free are 0."""
        layout = self.layout
        wide = np.zeros((*self.scale.shape, right.shape[1]))
        wide[layout.part[layout.free], layout.place[layout.free]] = right[layout.free]
        wide *= self.scale[:, :, None]
        found = self.inverse @ wide
        found += self.inverse @ (wide - self.matrix @ found)  # one refinement: as exact as a factor
        found *= self.scale[:, :, None]
        return found[layout.part, layout.place]


@dataclass(frozen=True)
class Sparse:
    """The period effects of a panel with wide parts as one sparse system."""

    factor: object
    layout: Layout

    def solve(self, right: np.ndarray) -> np.ndarray:
        found = np.zeros_like(right)
        if self.layout.free.any():
            found[self.layout.free] = self.factor.solve(np.ascontiguousarray(right[self.layout.free]))
        return found


@dataclass(frozen=True)
class TwoWay:
    """Unit and period dummies of weighted rows, factorised once: solves their normal equations for any right-hand side."""

    weight: np.ndarray
    units: np.ndarray
    times: np.ndarray
    unit_weight: np.ndarray
    scaled: sparse.csr_matrix | np.ndarray  # periods x units: the part of a unit's weight that lies in the period
    layout: Layout
    solver: Dense | Sparse

    @property
    def free(self) -> np.ndarray:
        """Whether a period has an effect of its own; one of each part is 0."""
        return self.layout.free


def two_way(weight: np.ndarray, units: np.ndarray, times: np.ndarray, like: TwoWay | None = None) -> TwoWay:
    """Factorise the normal equations of unit and period dummies; `like`: an earlier one of the same rows, other weights."""
    layout = like.layout if like else laid_out(units, times)
    n_units, n_times, width = len(layout.unit_part), len(layout.part), layout.width
    unit_weight, own = np.bincount(units, weight, n_units), np.bincount(times, weight, n_times)
    most = WIDEST_FULL if len(weight) > FULL * n_units * n_times else WIDEST
    if width > most or n_units * width > MOST:
        cross = sparse.csr_matrix((weight, (times, units)), shape=(n_times, n_units))
        scaled = (cross @ sparse.diags(1 / unit_weight)).tocsr()
        schur = (sparse.diags(own) - scaled @ cross.T).tocsc()
        return TwoWay(weight, units, times, unit_weight, scaled, layout, Sparse(
            splu(schur[layout.free][:, layout.free].tocsc()) if layout.free.any() else None, layout))  # fmt: skip
    cross = np.bincount(units * width + layout.place[times], weight, n_units * width).reshape(n_units, width)
    share = cross / unit_weight[:, None]
    if layout.part.max() == 0:
        scaled = share.T
    else:
        scaled = sparse.csr_matrix((weight / unit_weight[units], (times, units)), shape=(n_times, n_units))
    return TwoWay(weight, units, times, unit_weight, scaled, layout, factorised(cross, share, own, layout))


def laid_out(units: np.ndarray, times: np.ndarray) -> Layout:
    """Parts that share no unit and no period with one another."""
    n_units, n_times = int(units.max()) + 1, int(times.max()) + 1
    linked = sparse.csr_matrix((np.ones(len(units), bool), (units, times + n_units)), shape=(n_units + n_times,) * 2)
    label = connected_components(linked, directed=False)[1]
    part = np.unique(label[n_units:], return_inverse=True)[1]
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], np.arange(part.max() + 1))
    place = np.empty(n_times, np.int64)
    place[order] = np.arange(n_times) - first[part[order]]
    unit_part = np.empty(n_units, np.int64)
    unit_part[units] = part[times]
    return Layout(part, place, unit_part, place > 0, int(place.max()) + 1)


def factorised(cross: np.ndarray, share: np.ndarray, own: np.ndarray, layout: Layout) -> Dense:
    """The systems of the parts. `cross`: units x places, a unit's weight; `share` the same over the unit's weight."""
    number, width = int(layout.part.max()) + 1, layout.width
    matrix = np.zeros((number, width, width))
    order = np.argsort(layout.unit_part, kind="stable")
    ends = np.searchsorted(layout.unit_part[order], np.arange(number + 1))
    left, right = share[order], cross[order]
    for part, (start, end) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        matrix[part] = left[start:end].T @ right[start:end]
    np.negative(matrix, out=matrix)
    diagonal = np.einsum("bii->bi", matrix)
    diagonal[layout.part, layout.place] += own
    free = np.zeros((number, width), bool)
    free[layout.part[layout.free], layout.place[layout.free]] = True
    matrix *= free[:, :, None] & free[:, None, :]
    diagonal[~free] = 1.0
    scale = 1 / np.sqrt(diagonal)
    matrix *= scale[:, :, None] * scale[:, None, :]
    return Dense(matrix, np.linalg.inv(matrix), scale, layout)


def solve(fe: TwoWay, of_units: np.ndarray, of_times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(unit effects, period effects) that solve the normal equations with these right-hand sides (rows x columns)."""
    period = fe.solver.solve(of_times - fe.scaled @ of_units)
    return of_units / fe.unit_weight[:, None] - fe.scaled.T @ period, period


def effects(fe: TwoWay, columns: np.ndarray | sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """(unit effects, period effects) of the weighted projection of columns (rows x columns) on the dummies."""
    of_units = sums_by_code(fe.units, len(fe.unit_weight), columns, fe.weight)
    return solve(fe, of_units, sums_by_code(fe.times, len(fe.free), columns, fe.weight))


def residuals(fe: TwoWay, columns: np.ndarray) -> np.ndarray:
    """Columns (rows x columns) less their weighted projection on the dummies."""
    unit, period = effects(fe, columns)
    return columns - period[fe.times] - unit[fe.units]
