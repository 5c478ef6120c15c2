"""Randomisation inference over adoption: what the estimate would be had others adopted, or at other dates.

Fisher's exact test of an effect that is the same everywhere (Young 2019; MacKinnon & Webb 2020), on the coefficient of two-way
fixed effects. Whole clusters exchange their starts where a cluster is on one side alone; where clusters hold both sides, units
exchange theirs inside each cluster. All assignments where they are few, else a fixed number, the real one always among them.
The interval holds the effects that, taken out of the outcomes, leave an estimate that is not extreme: estimates under another
assignment move along a line with the effect taken out.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
import pandas as pd
from scipy import sparse

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.fixed_effects import Cells, cells_of, usable
from ..estimation.inference import LEVEL, inverted
from ..estimation.two_way import TwoWay, residuals, solve, two_way

DRAWS = 1999
TIE = 1e-9
CHUNK = 64


@dataclass(frozen=True)
class Assignments:
    """`starts`: draws x groups of units that always start together, the code of their start in each draw, 0 = never; the first draw
    is the real one. `rows`: starts x rows, whether a row would be treated with that start; `group` its unit's group.
    """

    starts: np.ndarray
    rows: np.ndarray
    group: np.ndarray
    complete: bool


def assignments(design: Design, table: pd.DataFrame, draws: int = DRAWS) -> Assignments:
    """Other adoptions that might have been. Raises Refusal where there are fewer than 20, so that none can be rare."""
    units = table.groupby("unit", sort=True)[["treated_from", "cluster"]].first()
    unit = pd.factorize(table["unit"], sort=True)[0]
    dates = np.sort(units["treated_from"].dropna().unique())
    code = np.where(units["treated_from"].isna(), 0, 1 + np.searchsorted(dates, units["treated_from"].fillna(-np.inf)))
    rows = np.vstack([np.zeros(len(table), bool), table["time"].to_numpy()[None, :] >= dates[:, None]])
    groups = exchangeable(code, pd.factorize(units["cluster"])[0])
    number = prod(arrangements(code[members[:, 0]]) for members in groups)
    if number < 20:
        raise Refusal("too_few_placebos", f"{design.study}: only {number} adoptions are possible; at least 20 are needed")
    complete = number <= draws + 1
    found = listed(code, groups) if complete else sampled(code, groups, draws, design.seed)
    whole, group = together(groups, len(code))
    return Assignments(found[:, whole], rows, group[unit], complete)


def together(groups: list[np.ndarray], units: int) -> tuple[np.ndarray, np.ndarray]:
    """(one unit of each set that is exchanged as one, per unit the set it belongs to)."""
    sets = [one for members in groups for one in members]
    group = np.empty(units, int)
    for number, one in enumerate(sets):
        group[one] = number
    return np.array([one[0] for one in sets]), group


def exchangeable(code: np.ndarray, cluster: np.ndarray) -> list[np.ndarray]:
    """Groups of what may exchange starts, each exchanged x units: all clusters, or the units of each cluster.

    Clusters exchange whole starts; one whose units start at different times, or that holds both sides, has its units exchange.
    """
    pure = all(len(np.unique(code[cluster == c])) == 1 for c in np.unique(cluster))
    if pure:
        members = [np.flatnonzero(cluster == c) for c in np.unique(cluster)]
        width = max(map(len, members))
        return [np.array([np.pad(m, (0, width - len(m)), mode="edge") for m in members])]
    return [np.flatnonzero(cluster == c)[:, None] for c in np.unique(cluster)]


def arrangements(code: np.ndarray) -> int:
    """In how many ways these starts can be given to as many."""
    return factorial(len(code)) // prod(factorial(int(n)) for n in np.unique(code, return_counts=True)[1])


def listed(code: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """All assignments, the real one first."""
    ways = [list(combined(code[members[:, 0]])) for members in groups]
    found = []
    for way in itertools.product(*ways):
        new = code.copy()
        for members, given in zip(groups, way, strict=True):
            new[members] = np.asarray(given)[:, None]
        found.append(new)
    found = np.array(found)
    real = (found == code).all(axis=1)
    return np.vstack([found[real][:1], found[~real]])


def combined(code: np.ndarray) -> Iterator[np.ndarray]:
    """All arrangements without repetition: the places of one start after another are chosen among those left."""
    values, counts = np.unique(code, return_counts=True)

    def place(free: tuple[int, ...], left: int) -> Iterator[np.ndarray]:
        if left == len(values) - 1:
            yield np.full(len(code), values[left])
            return
        for chosen in itertools.combinations(free, counts[left]):
            for rest in place(tuple(set(free) - set(chosen)), left + 1):
                rest[list(chosen)] = values[left]
                yield rest

    return place(tuple(range(len(code))), 0)


def sampled(code: np.ndarray, groups: list[np.ndarray], draws: int, seed: int) -> np.ndarray:
    """The real assignment and so many drawn ones."""
    rng, found = np.random.default_rng([seed, 2]), np.tile(code, (draws + 1, 1))
    for members in groups:
        own = code[members[:, 0]]
        given = rng.permuted(np.tile(own, (draws, 1)), axis=1)
        found[1:, members] = given[:, :, None]
    return found


@dataclass(frozen=True)
class Permuted:
    """What estimates under all assignments need: numerators are sums over the groups' own residual sums."""

    assigned: Assignments
    cells: Cells
    fe: TwoWay
    length: np.ndarray  # per draw: squared length of being treated after the fixed effects; 0 = absorbed
    kept: np.ndarray  # rows of the study that `cells` hold


def treated_weights(assigned: Assignments, cells: Cells) -> sparse.csr_matrix:
    """Rows x (starts x groups): the weight of a row of the group that would be treated with that start."""
    start, row = np.nonzero(assigned.rows)
    groups = assigned.starts.shape[1]
    return sparse.csr_matrix((cells.weight[row], (row, start * groups + assigned.group[row])),
                             shape=(len(cells.weight), len(assigned.rows) * groups))  # fmt: skip


def by_effect(fe: TwoWay, cells: Cells, columns: sparse.csr_matrix) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Sums of columns by unit and by period: units x columns, periods x columns."""
    rows, ones = np.arange(len(cells.weight)), np.ones(len(cells.weight))
    return tuple(sparse.csr_matrix((ones, (codes, rows)), shape=(number, len(rows))) @ columns
                 for codes, number in ((cells.units, len(fe.unit_weight)), (cells.times, len(fe.free))))  # fmt: skip


def permuted(design: Design, draws: int = DRAWS) -> tuple[Permuted, pd.DataFrame]:
    table = usable(design)
    cells = cells_of(design, table)
    assigned = assignments(design, table, draws)
    fe = two_way(cells.weight, cells.units, cells.times)
    rest, whole = squared(fe, cells, assigned)
    return Permuted(assigned, cells, fe, np.where(rest > 1e-10 * np.maximum(whole, 1.0), rest, 0.0), np.arange(len(table))), table


def squared(fe: TwoWay, cells: Cells, assigned: Assignments) -> tuple[np.ndarray, np.ndarray]:
    """(weighted squared length of being treated after the fixed effects, before them), per draw: a quadratic form in which group has
    which start."""
    of_units, of_times = by_effect(fe, cells, treated_weights(assigned, cells))
    own = (of_units.T @ sparse.diags(1 / fe.unit_weight) @ of_units).tocsr()
    explained = of_units.T @ fe.scaled.T
    left = (of_times.T - explained).T  # of the periods' sums, after the units
    left, nothing, found = np.asarray(left.todense()) if sparse.issparse(left) else np.asarray(left), len(fe.unit_weight), []
    sums = np.asarray(of_times.sum(axis=0)).ravel()
    for at in range(0, len(assigned.starts), CHUNK):
        chosen = one_hot(assigned.starts[at : at + CHUNK], len(assigned.rows))
        right = left @ chosen
        period = solve(fe, np.zeros((nothing, right.shape[1])), right)[1]
        whole = sums @ chosen
        found.append([whole - (chosen * (own @ chosen)).sum(axis=0) - (right * period).sum(axis=0), whole])
    rest, whole = np.hstack(found)
    return rest, whole


def one_hot(starts: np.ndarray, number: int) -> np.ndarray:
    """(starts x groups) x draws: 1 where the group has that start."""
    return (starts.T[None] == np.arange(number)[:, None, None]).reshape(-1, len(starts)).astype(float)


def sums_by_start(p: Permuted, residual: np.ndarray) -> np.ndarray:
    """Sums of weight x residual (rows x columns) of the rows that would be treated: starts x groups x columns."""
    return (treated_weights(p.assigned, p.cells).T @ residual).reshape(len(p.assigned.rows), -1, residual.shape[1])


def under_all(p: Permuted, by_start: np.ndarray) -> np.ndarray:
    """Estimates under every assignment from the `sums_by_start` of what the fixed effects leave: draws x columns."""
    total = np.zeros((len(p.assigned.starts), by_start.shape[2]))
    for start in range(1, len(by_start)):
        total += (p.assigned.starts == start).astype(float) @ by_start[start]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p.length[:, None] > 0, total / p.length[:, None], 0.0)


def share_as_extreme(estimates: np.ndarray) -> np.ndarray:
    """p of each column of estimates under all assignments, the real one first, ties counted."""
    size = np.abs(estimates)
    return (size >= size[:1] * (1 - TIE)).mean(axis=0)


def randomization(design: Design, draws: int = DRAWS, level: float = LEVEL) -> dict:
    """estimate, ci_low, ci_high, p_value, inference `randomization`, in `parameter` the number of assignments.

    Raises Refusal: too few assignments, one cluster, treatment that is absorbed.
    """
    p, table = permuted(design, draws)
    if not p.length[0] > 0:
        raise Refusal("collinear", f"{design.study}: treatment does not vary inside the fixed effects")
    both = residuals(p.fe, np.column_stack([p.cells.y, table["treated"].to_numpy(float)]))
    found = under_all(p, sums_by_start(p, both))
    test = line_test(found[:, 0], found[:, 1])
    spread = float(np.std(found[1:, 0])) or abs(found[0, 0]) or 1.0
    low, high = inverted(test, float(found[0, 0]), spread, level)
    return {"estimate": float(found[0, 0]), "ci_low": low, "ci_high": high, "p_value": test(0.0), "inference": "randomization",
            "parameter": str(len(found))}  # fmt: skip


def line_test(a: np.ndarray, b: np.ndarray) -> Callable[[float], float]:
    """p of an effect c: the share of assignments whose estimate a - c b is as extreme as the real one's (the first)."""

    def p_of(c: float) -> float:
        size = np.abs(a - c * b)
        return float((size >= size[0] * (1 - TIE) - 1e-12).mean())

    return p_of
