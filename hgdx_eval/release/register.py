"""What can be worked out from numbers that are told together: every hidden count bounded by linear programs.

A register lists every number that could leave a run as a sum of atoms, the finest counts that any of these numbers parts. Whoever
reads the told ones knows that the atoms are 0 or more and what those sums are. A count is safe where at least `min_count` whole values
of it fit all that; the least and the most of it are a linear program each (Fischetti & Salazar 2000, Models and algorithms for
optimizing cell suppression in tabular data with linear constraints, JASA 95). Where one is not safe, more is hidden.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

NEAR = 1e-6  # of a linear program's numbers
BATCHES = (1000, 60, 8)  # counts that one program moves together: first many, then what they left unsure, which get in each other's way
SHARES = (0.5, 0.1, 0.9, 0.02, 0.5, 0.1)  # of the targets that move up in the first programs, where there are more than a batch of them
SEED, FAR = 16, 20
LARGE, IN_VAIN = (
    3000,
    2,
)  # atoms from which programs take so long that few are solved; batches that may show nothing before no more are tried
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
        if unsafe.shape[0] > (0 if len(register.x) > LARGE else AT_ONCE):
            more = dearest(known, told, register, unsafe, min_count, least)
        if not more:
            for i in range(min(AT_ONCE, len(still))):
                values, rows = values_that_fit(known, register.x, unsafe[i], least)
                choice = [e for e in np.unique(told[rows[rows < len(told)]]) if not register.fixed[e]] if values < min_count else []
                more |= {min(choice, key=lambda e: register.cost[e])} if choice else set()
                still[i] = bool(choice)  # what only `fixed` numbers pin is lost already
        new = np.isin(register.entry, list(more)) & few
        unsafe = sparse.vstack([register.rows[new], unsafe[still]]).tocsr()
        hide = hide | np.isin(np.arange(len(hide)), list(more))
    return hide


def dearest(
    known: sparse.csr_matrix, told: np.ndarray, register: Register, unsafe: sparse.csr_matrix, min_count: int, least: float
) -> set[int]:
    """Where a register is large or much of it unsafe, the entries to hide next, a quarter as many as targets are `unsafe`: those that keep
    most from moving for what they are worth to readers.

    `told`: the entry of each of the first `known` rows. The price of a row, its dual, is by how many dossiers more the targets could move
    together for each dossier by which the row was unknown."""
    prices = np.zeros(len(register.cost))
    for sign in (1, -1):
        solved = together(known, register.x, unsafe, sign, min_count - 1, least)
        if solved.status == 0:
            np.add.at(prices, told, np.abs(solved.eqlin.marginals[: len(told)]))
    worth = np.where(register.fixed | (prices < NEAR), 0.0, prices / (1 + register.cost))
    order = np.argsort(-worth, kind="stable")[: 1 + unsafe.shape[0] // 4]
    return {int(entry) for entry in order if worth[entry] > 0}


def safe_together(known: sparse.csr_matrix, x: np.ndarray, targets: sparse.csr_matrix, min_count: int, least: float) -> np.ndarray:
    """One bool per target: True where moves of many together show that at least `min_count` values fit; False says nothing.

    Every move that nobody who reads the known rows would see is one more world that fits: a target has at least the values from the least
    to the most that it is in any of the worlds found.
    """
    rng, worlds = np.random.default_rng(SEED), np.zeros((2, targets.shape[0]))  # the least and the most by which each has moved

    def unsure() -> np.ndarray:
        now = targets @ x
        return np.flatnonzero(np.floor(now + worlds[1] + NEAR) - np.ceil(now + worlds[0] - NEAR) + 1 < min_count)

    def found(moves: np.ndarray | None) -> None:
        if moves is not None:
            worlds[0], worlds[1] = np.minimum(worlds[0], targets @ moves), np.maximum(worlds[1], targets @ moves)

    for share in SHARES if targets.shape[0] > BATCHES[0] else ():
        left = unsure()
        goal = np.where(rng.random(len(left)) < share, 1.0, -share) * rng.random(len(left))
        found(moved_far(known, x, goal @ targets[left], least, min_count))
    for batch in BATCHES:
        left, in_vain = unsure(), 0
        for start in range(0, len(left), batch):
            part = left[start : start + batch]
            for sign in (1, -1):
                solved = together(known, x, targets[part], sign, min_count - 1, least)
                found(solved.x[: len(x)] if solved.status == 0 else None)
            in_vain = 0 if len(np.setdiff1d(part, unsure())) else in_vain + 1
            if in_vain == IN_VAIN and len(x) > LARGE:
                break
    return ~np.isin(np.arange(targets.shape[0]), unsure())


def moved_far(known: sparse.csr_matrix, x: np.ndarray, goal: np.ndarray, least: float, min_count: int) -> np.ndarray | None:
    """Changes of the atoms, of which nobody who reads the known rows would see anything, that go furthest towards a goal; each is by
    `FAR` times `min_count` at most."""
    far = FAR * min_count
    ends = np.column_stack([np.maximum(least - x, -far), np.full(len(x), far)])
    solved = linprog(-goal, A_eq=known, b_eq=np.zeros(known.shape[0]), bounds=ends, method="highs")
    return solved.x if solved.status == 0 else None


def together(known: sparse.csr_matrix, x: np.ndarray, targets: sparse.csr_matrix, sign: int, most: float, least: float) -> OptimizeResult:
    """The program that moves as many targets as can be, each by up to `most`, up (`sign` 1) or down (-1); its first numbers are the
    changes of the atoms."""
    n, count = len(x), targets.shape[0]
    lowest = np.concatenate([least - x, np.zeros(count)])
    highest = np.concatenate([np.full(n, np.inf), np.full(count, most)])
    return linprog(
        np.concatenate([np.zeros(n), -np.ones(count)]),
        A_ub=sparse.hstack([-sign * targets, sparse.identity(count)]).tocsr(), b_ub=np.zeros(count),
        A_eq=sparse.hstack([known, sparse.csr_matrix((known.shape[0], count))]).tocsr(), b_eq=np.zeros(known.shape[0]),
        bounds=np.column_stack([lowest, highest]), method="highs",
    )  # fmt: skip


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
