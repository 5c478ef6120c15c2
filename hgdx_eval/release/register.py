"""What can be worked out from numbers that are told together: every hidden count bounded by linear programs.

A register lists every number that could leave a run as a sum of atoms, the finest counts that any of these numbers parts. Whoever
reads the told ones knows that the atoms are 0 or more and what those sums are. A count is safe where at least `min_count` whole values
of it fit all that; the least and the most of it are a linear program each (Fischetti & Salazar 2000, Models and algorithms for
optimizing cell suppression in tabular data with linear constraints, JASA 95). Where one is not safe, more is hidden.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

NEAR = 1e-6  # of a linear program's numbers
BATCHES = (1000, 60, 8)  # counts that one program moves together: first many, then what they left unsure, which get in each other's way
AT_ONCE = 25  # unsafe counts that are looked at one by one before what was found is hidden: others are often safe then


@dataclass(frozen=True)
class Register:
    """`rows`: one row per number that could be told, over the atoms. `entry`: the cell of a table that each belongs to; its numbers are
    told or hidden together. `cost`: per entry, what it is worth to readers. `fixed`: per entry, told elsewhere already.
    `known`: rows over the atoms that are 0 whatever is told. `x`: the atoms as they are, one number each."""

    rows: sparse.csr_matrix
    entry: np.ndarray
    cost: np.ndarray
    fixed: np.ndarray
    known: sparse.csr_matrix
    x: np.ndarray

    def told(self, hide: np.ndarray) -> sparse.csr_matrix:
        """The rows of the entries that are not hidden, then those that are known anyhow."""
        return sparse.vstack([self.rows[~hide[self.entry]], self.known]).tocsr()


def is_small(values: np.ndarray, min_count: int) -> np.ndarray:
    """True from 1 to `min_count` - 1, up or down."""
    return (np.abs(values) > NEAR) & (np.abs(values) < min_count - NEAR)


def entries_with(few: np.ndarray, register: Register) -> np.ndarray:
    """One bool per entry: whether one of its numbers is among the `few` (one bool per row)."""
    return np.bincount(register.entry, few, len(register.cost)) > 0


def hidden_entries(
    register: Register, hide: np.ndarray, few: np.ndarray, secret: sparse.csr_matrix, min_count: int, least: float = 0.0
) -> np.ndarray:
    """Which entries to hide, one bool each: those of `hide`, and the cheapest others until nothing small can be pinned.

    What must not be pinned: the numbers of hidden entries that are among the `few` (one bool per row), and the rows of `secret`.
    `least`: what no atom is below (-inf: anything). What is told elsewhere (`fixed`) stays told.
    """
    hide = hide & ~register.fixed
    unsafe = sparse.vstack([register.rows[hide[register.entry] & few], secret]).tocsr()
    while unsafe.shape[0]:
        known, told = register.told(hide), register.entry[~hide[register.entry]]
        unsafe = unsafe[~safe_together(known, register.x, unsafe, min_count, least)]
        more, still = set(), np.ones(unsafe.shape[0], bool)
        for i in range(min(AT_ONCE, len(still))):
            values, rows = values_that_fit(known, register.x, unsafe[i], least)
            choice = [e for e in np.unique(told[rows[rows < len(told)]]) if not register.fixed[e]] if values < min_count else []
            more |= {min(choice, key=lambda e: register.cost[e])} if choice else set()
            still[i] = bool(choice)  # what only `fixed` numbers pin is lost already
        new = np.isin(register.entry, list(more)) & few
        unsafe = sparse.vstack([register.rows[new], unsafe[still]]).tocsr()
        hide = hide | np.isin(np.arange(len(hide)), list(more))
    return hide


def safe_together(known: sparse.csr_matrix, x: np.ndarray, targets: sparse.csr_matrix, min_count: int, least: float) -> np.ndarray:
    """One bool per target: True where many moved together show that at least `min_count` values fit; False says nothing."""
    room, unsure = np.zeros(targets.shape[0]), np.arange(targets.shape[0])
    for batch in BATCHES:
        for start in range(0, len(unsure), batch):
            part = unsure[start : start + batch]
            moved = sum(moved_together(known, x, targets[part], sign, min_count - 1, least) for sign in (1, -1))
            room[part] = np.maximum(room[part], moved)
        unsure = unsure[room[unsure] < min_count - 1]
    return room >= min_count - 1


def moved_together(known: sparse.csr_matrix, x: np.ndarray, targets: sparse.csr_matrix, sign: int, most: float, least: float) -> np.ndarray:
    """By how many whole dossiers each target can at least be more (`sign` 1) or fewer (-1), up to `most`: one program that moves all
    of them at once, by changes of the atoms of which nobody who reads the known rows would see anything."""
    n, count = len(x), targets.shape[0]
    if count == 0:
        return np.zeros(0)
    lowest = np.concatenate([least - x, np.zeros(count)])
    highest = np.concatenate([np.full(n, np.inf), np.full(count, most)])
    found = linprog(
        np.concatenate([np.zeros(n), -np.ones(count)]),
        A_ub=sparse.hstack([-sign * targets, sparse.identity(count)]).tocsr(), b_ub=np.zeros(count),
        A_eq=sparse.hstack([known, sparse.csr_matrix((known.shape[0], count))]).tocsr(), b_eq=np.zeros(known.shape[0]),
        bounds=np.column_stack([lowest, highest]), method="highs",
    )  # fmt: skip
    return np.floor(found.x[n:] + NEAR) if found.status == 0 else np.zeros(count)


def values_that_fit(known: sparse.csr_matrix, x: np.ndarray, target: sparse.csr_matrix, least: float = 0.0) -> tuple[float, np.ndarray]:
    """(how many whole values a row of atoms can have where `known @ x` is known, the known rows that keep it to them)."""
    goal, now = target.toarray().ravel(), float((target @ x)[0])
    ends, blamed, room = [], np.zeros(known.shape[0], bool), np.column_stack([least - x, np.full(len(x), np.inf)])
    for sign in (1, -1):
        found = linprog(sign * goal, A_eq=known, b_eq=np.zeros(known.shape[0]), bounds=room, method="highs")
        if found.status != 0:  # without end
            ends.append(-sign * np.inf)
            continue
        ends.append(now + sign * found.fun)
        blamed |= np.abs(found.eqlin.marginals) > NEAR
    return np.floor(ends[1] + NEAR) - np.ceil(ends[0] - NEAR) + 1, np.flatnonzero(blamed)


def some_atoms(known: sparse.csr_matrix, values: np.ndarray) -> np.ndarray | None:
    """Atoms of 0 or more with `known @ x = values`; None where there are none."""
    found = linprog(np.zeros(known.shape[1]), A_eq=known, b_eq=values, bounds=(0, None), method="highs")
    return found.x if found.status == 0 else None
