"""Who wants to know what is hidden: he holds everything that runs told, knows what each number adds up, and solves for the rest.

Independent of `register.py`: his unknowns are the cells of the data themselves (unit x period x online or at the counter)."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

NEAR = 1e-6


def small_export(seed: int, months: int = 16, late: int = 0, sizes: tuple[int, ...] = (2, 6, 25, 60)):
    """(panel, study) of a made-up export of 5 agencies x 6 procedures x months, with cells of 1 to 4 dossiers planted everywhere: in a
    month, in a procedure, in an agency, beside totals. `late`: so many periods more. `sizes`:
    usual dossiers of a procedure at an agency in a month."""
    from hgdx_eval.base.origin import Origin
    from hgdx_eval.panel.panel import NOTES, Panel
    from hgdx_eval.study.load import load_study

    rng = np.random.default_rng(seed)
    p, _ = load_study(
        "demo", "en", {"window": ["2022-10", "2025-06"], "by": ["level", "field", "cluster"], "period_by": None, "min_count": 5}
    )
    rows = []
    for a in range(5):
        for q in range(6):
            group, size = ("provincial", "free")[q % 2], rng.choice(sizes)
            for month in pd.period_range("2022-10", periods=months + late, freq="M"):
                received = int(rng.poisson(size))
                online = int(rng.binomial(received, 0.3 + 0.1 * a))
                assisted = int(rng.binomial(online, 0.15))
                rows.append((f"a{a}", ("district", "province")[a % 2], f"a{a}", f"1.{q:06}", group, month, received, online, assisted,
                             f"f{q // 2}", 20_000 * (1 + q) if q % 2 == 0 else 0))  # fmt: skip
    names = ["agency", "level", "cluster", "procedure", "fee_group", "period", "received", "online", "assisted", "field", "fee"]
    cells = pd.DataFrame(rows, columns=names)
    cells["remote"] = cells["online"] - cells["assisted"]
    planted = rng.choice(len(cells), 12, replace=False)  # few where there are usually many
    cells.loc[planted, ["received", "online", "assisted", "remote"]] = [[3, 1, 0, 1]] * len(planted)
    origin = Origin("made.csv", "0" * 64, int(cells["received"].sum()), "opencps_dossiers", True)
    nothing = pd.DataFrame(columns=NOTES)
    return Panel(cells, origin, nothing, nothing, int(cells["received"].sum())), p


def unknowns(panel, months=None) -> pd.DataFrame:
    """One row per unknown: unit, period (text), kind (online, counter), n (what he wants to know)."""
    cells = panel.cells if months is None else panel.cells[panel.cells["period"].astype(str).isin(months)]
    both = [
        cells.assign(kind=kind, n=cells["online"] if kind == "online" else cells["received"] - cells["online"])
        for kind in ("online", "counter")
    ]
    return pd.concat(both, ignore_index=True).assign(period=lambda frame: frame["period"].astype(str))


def what_it_adds_up(row, cells: pd.DataFrame, start: str, fees: bool = True) -> pd.Series:
    """Which unknowns a told number is the sum of, by what the report says of it; None for what is not of these cells."""
    treated, design = cells["fee_group"] == "provincial", cells["fee_group"].isin(["provincial", "free"])
    after, part = cells["period"] >= start, cells["kind"].isin(["online", "counter"] if row.part == "received" else [row.part])
    side = {"treated": treated, "comparison": design & ~treated, "": True}[row.side]
    trait, _, value = row.group.partition("=")
    if row.family in ("month", "side"):
        return part & side & (cells["period"] == row.period)
    if row.family == "place":
        return part & side & (cells["cluster"] == row.group) & (cells["period"] == row.period)
    if row.family == "span":
        return part & side & (after == (row.period == "after"))
    if row.family in ("whole", "design"):
        return part & (design if row.family == "design" else True)
    if row.family == "treated" or (row.family == "forgone" and not row.group):
        return part & treated & after
    if row.family in ("size", "forgone") and trait != "fee":
        column = cells["period"].str[:4] if trait == "year" else cells[trait]
        return part & treated & after & (column == value)
    return None


def sums_of(told: pd.DataFrame, cells: pd.DataFrame, start: str) -> tuple[sparse.csr_matrix, np.ndarray, list]:
    """(rows over the unknowns, what was told of each, the told rows)."""
    rows, values, kept = [], [], []
    for row in told[told["count"].notna() & told["part"].isin(["online", "counter", "received"])].itertuples():
        mask = what_it_adds_up(row, cells, start)
        if mask is not None:
            rows.append(sparse.csr_matrix(np.asarray(mask, float)))
            values.append(row.count)
            kept.append(row)
    return sparse.vstack(rows).tocsr(), np.array(values), kept


def values_that_fit(matrix, low, high, targets, n: int) -> np.ndarray:
    """How many whole values of each target (row over the unknowns) fit `low <= matrix @ x <= high`, x of 0 or more."""
    exact = low == high
    between = sparse.vstack([matrix[~exact], -matrix[~exact]]).tocsr() if (~exact).any() else None
    ends = np.concatenate([high[~exact], -low[~exact]]) if between is not None else None
    found = []
    for i in range(targets.shape[0]):
        goal, span = targets[i].toarray().ravel(), []
        for sign in (1, -1):
            solved = linprog(sign * goal, A_eq=matrix[exact], b_eq=low[exact], A_ub=between, b_ub=ends, bounds=(0, None), method="highs")
            assert solved.status in (0, 3), solved.message
            span.append(sign * solved.fun if solved.status == 0 else np.inf)
        found.append(np.floor(span[1] + NEAR) - np.ceil(span[0] - NEAR) + 1)
    return np.array(found)


def sums_of_file(rows: pd.DataFrame, cells: pd.DataFrame) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The same of a released panel: a cell is in the row that names most of what it is (`*` names nothing)."""
    names = [name for name in ("procedure", "agency", "cluster", "fee_group") if name in rows]
    stars = (rows[names] == "*").sum(axis=1)
    order = rows.assign(stars=stars, at=np.arange(len(rows))).sort_values("stars", kind="stable")
    inside, months = np.full(len(cells), -1), dict(iter(order.groupby("period")))
    units = cells.drop_duplicates(["agency", "procedure", "period"])
    for cell in units[units["received"] > 0].itertuples():
        for row in months.get(cell.period, order.iloc[:0]).itertuples():
            if all(getattr(row, name) in ("*", getattr(cell, name)) for name in names):
                same = (cells["agency"] == cell.agency) & (cells["procedure"] == cell.procedure) & (cells["period"] == cell.period)
                inside[same.to_numpy()] = row.at
                break
    found, values = [], []
    for kind, told in (("online", rows["online"]), ("counter", rows["received"] - rows["online"])):
        mine = np.flatnonzero((inside >= 0) & (cells["kind"] == kind).to_numpy())
        found.append(sparse.csr_matrix((np.ones(len(mine)), (inside[mine], mine)), shape=(len(rows), len(cells))))
        values.append(told.to_numpy(float))
    return sparse.vstack(found).tocsr(), np.concatenate(values)
