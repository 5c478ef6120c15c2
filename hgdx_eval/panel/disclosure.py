"""What readers may see of small counts: nothing from 1 to below `min_count`, and nothing from which it could be worked out.

Dossiers of a cell come in two parts, online and at the counter. A part is small from 1 to `min_count` - 1; a cell with a small
part is hidden, because with the shares and totals around it one part tells the other. Hiding it alone is not enough where
a total stands beside it: then other cells are hidden too (complementary suppression). In a two-way table with its totals
a hidden cell can be worked out if and only if it lies on no closed path of hidden cells, each step along a row or a column
(Gusfield 1988, A graph theoretic approach to statistical data security, SIAM J. Comput. 17); along such a path one can
be added and taken away in turn, and every total stays.
"""

import heapq

import numpy as np
import pandas as pd

from .told import Release

MERGED = "*"  # in place of a procedure, agency, cluster or fee group of which several were merged
OPEN = ("no total",)  # the place of every row and column whose total nobody is told
BANDS = tuple(step * 10**power for power in range(1, 9) for step in (2, 5, 10))  # 20, 50, 100, 200, ...
SOLE_GROUP = ""  # in place of a fee group where cells have none


def small(counts: np.ndarray | pd.Series, min_count: int) -> np.ndarray | pd.Series:
    """True from 1 to `min_count` - 1."""
    return (counts > 0) & (counts < min_count)


def hidden_beside_total(parts: np.ndarray, min_count: int) -> np.ndarray:
    """Which cells to hide where their sum is told: those with a small part, and the smallest others, until what is hidden
    holds at least two cells and `min_count` dossiers of each part that has a small one. All cells that have the part, where
    even their sum is small.

    `parts`: one row per cell, one column per part (counts, 0 or more). Returns one bool per cell.
    """
    hide = small(parts, min_count).any(axis=1)
    size = parts.sum(axis=1)
    for part in parts.T:
        while small(part[hide], min_count).any() and ((part[hide] > 0).sum() < 2 or part[hide].sum() < min_count):
            others = np.flatnonzero(~hide & (part > 0))
            if not len(others):
                break
            hide[others[np.argmin(size[others])]] = True
    return hide


def hidden_in_table(rows: list, columns: list, parts: np.ndarray, min_count: int, told_rows: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Which cells to hide where the totals of rows and columns are told too: (hide, cannot), one bool per cell.

    `rows`, `columns`: where each cell stands; `parts` as above. A total with a small part is taken to be told nowhere;
    `told_rows`: False where no row's total is. Of all closed paths through a small cell the one with the fewest dossiers not
    hidden yet is taken. A hidden small part is protected by one dossier up and one down at the least. `cannot`: small cells
    on no closed path: while these totals are told, they can be worked out whatever else is hidden.
    """
    hide, cannot = small(parts, min_count).any(axis=1), np.zeros(len(parts), bool)
    size = parts.sum(axis=1)
    ends = list(zip(places(rows, parts, min_count, "row", told_rows), places(columns, parts, min_count, "column"), strict=True))
    for part in parts.T:
        around = neighbours(ends, np.flatnonzero(part > 0))
        for cell in sorted(np.flatnonzero(small(part, min_count)), key=lambda i: -part[i]):
            if ends[cell][0] == ends[cell][1]:
                continue
            path = cheapest_path(around, cell, np.where(hide, 0, size).tolist(), *ends[cell])
            if path is None:
                cannot[cell] = True
            else:
                hide[path] = True
    return hide, cannot


def places(names: list, parts: np.ndarray, min_count: int, kind: str, told: bool = True) -> list[tuple]:
    """The row's or column's own place for each cell; OPEN where its total has a small part or is told nowhere."""
    sums: dict = {}
    for name, part in zip(names, parts, strict=True):
        sums[name] = sums.get(name, 0) + part
    known = {name for name, part in sums.items() if told and not small(part, min_count).any()}
    return [(kind, name) if name in known else OPEN for name in names]


def neighbours(ends: list[tuple], cells: np.ndarray) -> dict[tuple, list[tuple[tuple, int]]]:
    """Place -> (place at the other end, cell) of each of these cells that lies between two places."""
    around: dict[tuple, list[tuple[tuple, int]]] = {}
    for cell in cells.tolist():
        one, other = ends[cell]
        if one != other:
            around.setdefault(one, []).append((other, cell))
            around.setdefault(other, []).append((one, cell))
    return around


def cheapest_path(around: dict, without: int, cost: list[float], start: tuple, goal: tuple) -> list[int] | None:
    """Cells that lead from one place to another `without` one cell at the least cost (Dijkstra 1959); None where none do."""
    best, came, queue = {start: (0.0, 0)}, {}, [(0.0, 0, start)]
    while queue:
        so_far, steps, at = heapq.heappop(queue)
        if at == goal:
            path = []
            while at != start:
                at, cell = came[at]
                path.append(cell)
            return path
        for there, cell in around.get(at, ()):
            total = (so_far + cost[cell], steps + 1)
            if cell != without and (there not in best or total < best[there]):
                best[there], came[there] = total, (at, cell)
                heapq.heappush(queue, (*total, there))
    return None


def told_sizes(sizes: pd.Series, counted: bool) -> pd.Series:
    """Sizes of the parts of a table, or of nearly the same table (one cluster less, one month more): nobody needs them and few dossiers
    can be told by taking one off another, so they stay empty. `counted`: False where they count no dossiers, and all are told."""
    return sizes.mask(np.full(len(sizes), counted))


def about(size: float, counted: bool = True) -> str:
    """About how many, for a record's repr: "at least 500"; exactly where what is `counted` is nobody's dossiers."""
    least = band(size)
    return f"{size:,.0f}" if not counted else f"at least {least:,}" if least else f"fewer than {BANDS[0]}"


def band(size: float) -> int:
    """The largest of `BANDS` that a size reaches; 0 below all of them: as much of a size as a reader needs to see whether it matters."""
    return max((least for least in BANDS if size >= least), default=0)


def told_whole(table: pd.DataFrame, counted: bool, whole: float, told: float) -> pd.DataFrame:
    """An estimate's table with the one size that is told, where dossiers are counted: that of the study's own design, as a run
    tells it (`whole`: as it is; NaN: a design that no study made, whose sizes stay)."""
    if not counted or np.isnan(whole):
        return table
    return table.assign(n_obs=np.where(table["n_obs"] == whole, told, np.nan))


def as_told(release: Release, family: str, side: object, group: object, period: object) -> pd.DataFrame:
    """counter, numerator, denominator of cells of a family as a run tells them (NaN = hidden), one row per row asked for. A run tells
    the numerator under the name `online`."""
    asked = pd.DataFrame({"side": side, "group": group, "period": period})
    told = release.of(family).reindex(columns=["counter", "online"])  # a family without any cell has no columns
    found = told.reindex(pd.MultiIndex.from_frame(asked)).reset_index(drop=True).astype({"counter": float, "online": float})
    return found.rename(columns={"online": "numerator"}).assign(denominator=found["counter"] + found["online"])


# --- a file that is passed on --------------------------------------------------------------------------------------
def released(cells: pd.DataFrame, min_count: int) -> tuple[pd.DataFrame, int]:
    """(cells that can be passed on, dossiers left out of them), of a dossier export or of agencies' monthly counts.

    What the rows guarantee. (1) No row has a small part: received, online and received - online are 0 or at least
    `min_count`; `assisted` is empty where it, or what is left of online, is small. (2) A merged row (`*`) is the sum of two
    cells or more. (3) Whoever holds the rows, and knows besides each agency's total of the month over all procedures (where
    that is not small itself) and the province's, can work out no small part of any cell of agency x procedure x month: at
    least one other count fits everything he knows, and by the rows alone every count from 0 to its merged row's.
    Of a summary (one cell per agency and month) he is taken to know the province's total and the rows.
    Not guaranteed against: totals of one procedure over agencies, of several months, or of `assisted`, published elsewhere.

    Cells with a small part are merged where they lie, with the smallest others as needed: procedures of one agency and fee
    group; else agencies of a cluster and fee group, then of the province; then fee groups. A month that cannot be protected is
    left out whole. Empty cells are dropped.
    """
    cells = cells[cells["received"] > 0]
    if "procedure" not in cells:
        cells = cells.assign(procedure=MERGED, fee_group=SOLE_GROUP)
        told_rows, keys = False, ["agency", "level", "cluster", "period", "simulated"]
    else:
        told_rows, keys = True, ["agency", "level", "cluster", "procedure", "fee_group", "period", "simulated"]
    numbers = ["received", "online", *(["assisted"] if "assisted" in cells else [])]
    own = cells[["agency", "level", "cluster", "procedure", "fee_group", "period", "simulated", *numbers]]
    parts = [released_month(month, min_count, told_rows) for _, month in own.groupby("period", sort=True)]
    rows = pd.concat(parts, ignore_index=True) if parts else own
    rows = rows.groupby([*keys], as_index=False)[numbers].sum().sort_values(keys, ignore_index=True)
    left_out = int(cells["received"].sum() - rows["received"].sum())
    if "assisted" in rows:
        few = small(rows["assisted"], min_count) | small(rows["online"] - rows["assisted"], min_count)
        rows["assisted"] = rows["assisted"].astype("Int64").mask(few)
    return rows, left_out


def parts_of(numerator: pd.Series, denominator: pd.Series) -> np.ndarray:
    """The numerator and the rest of the denominator (of dossiers: online and at the counter), one row per cell."""
    return np.column_stack([numerator, denominator - numerator]).astype(float)


def released_month(cells: pd.DataFrame, min_count: int, told_rows: bool) -> pd.DataFrame:
    """One month's cells with procedure, then agency, level, cluster and fee group replaced by `*` where they are merged."""
    cells, parts = cells.reset_index(drop=True), parts_of(cells["online"], cells["received"])
    hide = np.zeros(len(cells), bool)
    for inside in cells.groupby(["agency", "fee_group"]).indices.values():
        hide[inside] = hidden_beside_total(parts[inside], min_count)
    cells["procedure"] = cells["procedure"].mask(hide, MERGED)
    nodes = cells.groupby(["agency", "fee_group"], as_index=False).agg({"cluster": "first", "received": "sum", "online": "sum"})
    columns = merged_into(nodes, min_count, told_rows)
    if columns is None:
        return cells.iloc[:0]
    gone = {(a, g): column for a, g, column in zip(nodes["agency"], nodes["fee_group"], columns, strict=True) if column}
    merged = [gone.get(place) for place in zip(cells["agency"], cells["fee_group"], strict=True)]
    inside = np.array([place is not None for place in merged], bool)
    for i, name in enumerate(("cluster", "fee_group")):
        cells[name] = [place[i] if place else own for place, own in zip(merged, cells[name], strict=True)]
    return cells.assign(**{name: cells[name].mask(inside, MERGED) for name in ("agency", "level", "procedure")})


def merged_into(nodes: pd.DataFrame, min_count: int, told_rows: bool) -> list[tuple[str, str] | None] | None:
    """(cluster, fee group) of the row that each agency's fee group is merged into, None where it stays; None for a month
    that cannot be protected. Columns begin as a cluster's fee groups and are widened until all small cells are safe in them.
    """
    columns = list(zip(nodes["cluster"], nodes["fee_group"], strict=True))
    parts, agencies = parts_of(nodes["online"], nodes["received"]), list(nodes["agency"])
    while True:
        hide, cannot = hidden_in_table(agencies, columns, parts, min_count, told_rows)
        hide, bad = filled(columns, parts, hide, min_count)
        bad |= {columns[i] for i in np.flatnonzero(cannot)}
        if not bad:
            return [column if gone else None for column, gone in zip(columns, hide, strict=True)]
        wider = widened(columns, bad)
        if wider == columns:
            return None
        columns = wider


def filled(columns: list[tuple], parts: np.ndarray, hide: np.ndarray, min_count: int) -> tuple[np.ndarray, set[tuple]]:
    """(cells hidden, columns whose hidden sum stays small): the smallest others are hidden where a merged row had a small part."""
    hide, size, bad = hide.copy(), parts.sum(axis=1), set()
    for column in sorted({columns[i] for i in np.flatnonzero(hide)}):
        inside = np.array([own == column for own in columns])
        for part in parts.T:
            while small(part[inside & hide].sum(), min_count):
                others = np.flatnonzero(inside & ~hide & (part > 0))
                if not len(others):
                    bad.add(column)
                    break
                hide[others[np.argmin(size[others])]] = True
    return hide, bad


def widened(columns: list[tuple], bad: set[tuple]) -> list[tuple]:
    """The columns with bad ones widened: from a cluster's fee group to the province's, joined by its other clusters where that
    was not enough, then to all fee groups, joined by all; the same columns where none can be widened."""
    moves = {}
    for cluster, group in bad:
        others = {own for own in columns if own[1] == group and own[0] != MERGED}
        if cluster != MERGED:
            moves[(cluster, group)] = (MERGED, group)
        elif group != MERGED:
            moves |= dict.fromkeys(others, (MERGED, group)) if others else {(MERGED, group): (MERGED, MERGED)}
        else:
            moves |= dict.fromkeys(set(columns), (MERGED, MERGED))
    return [moves.get(column, column) for column in columns]
