"""A panel that is passed on beside published reports of the same data: one release with them."""

import numpy as np
import pandas as pd
from scipy import sparse

from ..design.design import Design
from ..panel.disclosure import MERGED, released
from ..panel.panel import Panel
from ..study.study import Study
from .register import entries_with, hidden_entries, is_small
from .release import (
    Earlier,
    Passed,
    View,
    cells_passed,
    counts_of,
    counts_register,
    dossier_cells,
    passed_on,
    small_atoms,
    staff_register,
    told_last,
    view_then,
    views_of,
    without_moved,
)

KEYS = ["agency", "level", "cluster", "procedure", "fee_group"]


def released_beside(
    panel: Panel, cells: pd.DataFrame, min_count: int, earlier: tuple[Earlier, ...], files: tuple[pd.DataFrame, ...]
) -> tuple[pd.DataFrame, int]:
    """(rows, dossiers left out of them) as `disclosure.released` has them, of which more are merged where what reports and other panels
    told (`earlier`, `files`) would pin anything small: into one row of the month, so that the month's total stays told. A month whose
    total would tell something is left out whole.

    `cells`: the panel's, as they would be written.
    """
    rows, left_out = released(cells, min_count)
    if rows.empty or not (earlier or files):
        return rows, left_out
    data, earlier = dossier_cells(panel), told_last(earlier)
    views = views_of(data, panel, [(told.study, told.design) for told in earlier])
    views = [view_then(view, told) for view, told in zip(views, earlier, strict=True)]
    known = tuple(passed_on(panel.cells.loc[data.index], one) for one in files)
    merged, gone = merged_rows(panel, data, rows, views, known, min_count)
    rows = without_staff(panel, data, joined(rows, merged, gone), views, known, min_count)
    return rows, int(cells["received"].sum() - rows["received"].sum())


def cells_beside(panel: Panel, p: Study, design: Design, earlier: tuple[Earlier, ...], files: tuple[pd.DataFrame, ...]) -> pd.DataFrame:
    """The cells of a design that counts cases of its own, not an export's dossiers, of which nothing small can be pinned beside what
    reports (`earlier`) and packages (`files`) told: unit, period (as text), numerator, denominator. The others are left out."""
    data, earlier = counts_of(panel, p, design), told_last(earlier)
    views = views_of(data, panel, [(told.study, told.design) for told in earlier])
    views = [view_then(view, told) for view, told in zip(views, earlier, strict=True)]
    own = Passed(pd.Series(np.arange(len(data)), index=data.index), frozenset(), fixed=False)
    passed = (*(cells_passed(data, one) for one in files), own)
    numbers, register = counts_register(data, views, passed)
    numbers, register, secret = without_moved(numbers, register, views, p.min_count)
    few = is_small(register.rows @ register.x, p.min_count)
    secret = sparse.vstack([small_atoms(register.x, p.min_count), secret]).tocsr()
    hide = hidden_entries(register, entries_with(few, register), few, secret, p.min_count)[register.entry]
    told = numbers.loc[~hide & (numbers["view"] == -len(passed)), "group"].astype(int).unique()
    kept = data.iloc[np.sort(told)]
    return pd.DataFrame({"unit": kept["unit"].astype(str), "period": kept["period"].astype(str), "numerator": kept["online"],
                         "denominator": kept["online"] + kept["counter"]}).reset_index(drop=True)  # fmt: skip


def merged_rows(panel: Panel, data: pd.DataFrame, rows: pd.DataFrame, views: list[View], known: tuple[Passed, ...],
                min_count: int) -> tuple[np.ndarray, set[str]]:  # fmt: skip
    """(which rows are merged into one of their month, months that are left out)."""
    own = passed_on(panel.cells.loc[data.index], rows, fixed=False)
    months = pd.Series(pd.factorize(rows["period"])[0])
    month = Passed(own.row.map(months).fillna(-1).astype(int), frozenset(), fixed=False)
    passed = (*known, own, month)
    numbers, register = counts_register(data, views, passed)
    numbers, register, secret = without_moved(numbers, register, views, min_count)
    secret = sparse.vstack([small_atoms(register.x, min_count), secret]).tocsr()
    nothing = np.zeros(len(register.cost), bool)
    total = numbers.drop_duplicates("entry")["view"].to_numpy() == -len(passed)
    register.cost[total] += 1e12  # a month's total goes last
    hide = hidden_entries(register, nothing, is_small(register.rows @ register.x, min_count), secret, min_count)[register.entry]
    merged = np.zeros(len(rows), bool)
    merged[numbers.loc[hide & (numbers["view"] == 1 - len(passed)), "group"].astype(int)] = True
    gone = numbers.loc[hide & (numbers["view"] == -len(passed)), "period"]
    return with_wider(rows, merged), set(gone)


def with_wider(rows: pd.DataFrame, merged: np.ndarray) -> np.ndarray:
    """Rows merged, and those that cells of theirs would be taken to be in otherwise: the rows of `*` above them."""
    hide = merged.copy()
    fee = rows["fee_group"] if "fee_group" in rows else pd.Series("", index=rows.index)
    groups = pd.DataFrame({"period": rows["period"], "agency": rows["agency"], "cluster": rows["cluster"], "fee": fee,
                           "procedure": rows.get("procedure", MERGED)})  # fmt: skip
    wider = [groups.assign(procedure=MERGED), groups.assign(procedure=MERGED, agency=MERGED),
             groups.assign(procedure=MERGED, agency=MERGED, cluster=MERGED)]  # fmt: skip
    at = pd.MultiIndex.from_frame(groups)
    for above in wider:
        own = pd.MultiIndex.from_frame(above[list(groups)])
        hide |= at.isin(own[hide])
    return hide


def joined(rows: pd.DataFrame, merged: np.ndarray, gone: set[str]) -> pd.DataFrame:
    """The rows with those merged as one of their month, without the months that are gone."""
    named = [name for name in KEYS if name in rows]
    made = rows.assign(**{name: rows[name].mask(merged, MERGED) for name in named})[~rows["period"].isin(gone)]
    keys = [*named, "period", "simulated"]
    numbers = ["received", "online"]
    sums = made.groupby(keys, as_index=False)[numbers].sum()
    if "assisted" in made:
        staff = made.groupby(keys)["assisted"].agg(lambda part: part.sum(skipna=False) if len(part) == 1 else pd.NA)
        sums = sums.merge(staff.reset_index(), on=keys)
        sums["assisted"] = sums["assisted"].astype("Int64")
    return sums.sort_values(keys, ignore_index=True)


def without_staff(panel: Panel, data: pd.DataFrame, rows: pd.DataFrame, views: list[View], known: tuple[Passed, ...],
                  min_count: int) -> pd.DataFrame:  # fmt: skip
    """The rows without those numbers of who filed that would pin a small one beside what is told of it."""
    if "assisted" not in rows or "assisted" not in data:
        return rows
    passed = (*known, passed_on(panel.cells.loc[data.index], rows, fixed=False))
    numbers, register = staff_register(data, views, passed)
    numbers, register, secret = without_moved(numbers, register, views, min_count)
    secret = sparse.vstack([small_atoms(register.x, min_count), secret]).tocsr()
    few = is_small(register.rows @ register.x, min_count)
    hide = hidden_entries(register, np.zeros(len(register.cost), bool), few, secret, min_count)[register.entry]
    at = numbers.loc[hide & (numbers["view"] == -len(passed)), "group"].astype(int)
    return rows.assign(assisted=rows["assisted"].mask(np.isin(np.arange(len(rows)), at)))
