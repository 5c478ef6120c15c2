"""Triple difference: what the policy touches against what it does not, in its place against other places, before and after.

Olden & Moen (2022), equation 3: unit effects, period effects of each place (`period_by`) and of each group of dossiers
(`group`). What moves all dossiers of a place, or fee-bearing dossiers everywhere, is taken out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.event_path import EventPath, Layout, regression_path
from ..estimation.fixed_effects import (
    Cells,
    Fit,
    cells_of,
    coefficients,
    event_table,
    indicators,
    linear,
    linear_estimate,
    observations,
    regress,
    usable,
)
from ..estimation.inference import Linear, itself
from ..estimation.results import Estimate


def fit(design: Design) -> Estimate:
    """Raises Refusal: no third difference (one place, or one group alone), one cluster, or treatment that is absorbed."""
    table = usable(design)
    cells = cells_of(design, table)
    overall, third = regression(design, table, cells)
    rows = [{"term": "overall", **coefficients(overall, 1)[0], "n_obs": observations(table)}]
    if design.path:
        rows += event_rows(design, table, cells, third)
    return linear_estimate(design, table, cells, "triple_difference", rows)


def regression(design: Design, table: pd.DataFrame, cells: Cells) -> tuple[Fit, sparse.csr_matrix]:
    """(the regression on being treated, the dummies of group x period)."""
    touched = table.loc[table["treated_from"].notna(), "group"].unique()
    elsewhere = table["treated_from"].isna() & table["group"].isin(touched)
    if table["group"].nunique() < 2 or table["block"].nunique() < 2 or not elsewhere.any():
        raise Refusal("no_third_difference", f"{design.study}: the groups that the policy touches are seen in no other place, "
                                             "or nothing else is seen in its place")  # fmt: skip
    third = group_periods(table)
    overall = regress(cells, table["treated"].to_numpy(float)[:, None], third)
    if overall is None:
        raise Refusal("collinear", f"{design.study}: treatment does not vary inside the fixed effects")
    return overall, third


def linears(design: Design, kept: Callable[[Linear], Any] = itself) -> dict[int | None, Any]:
    """What is `kept` of `overall` (key None) as a weighted sum of outcomes. Raises Refusal as `fit` does."""
    table = usable(design)
    return {None: kept(linear(regression(design, table, cells_of(design, table))[0], np.ones(1)))}


def event_path(design: Design, layout: Layout) -> EventPath:
    """Bins of event times as coefficients of one regression. Raises Refusal as `fit` and `regression_path` do."""
    table = usable(design)
    cells = cells_of(design, table)
    overall, third = regression(design, table, cells)
    return regression_path(design, table, cells, overall, layout, third)


def group_periods(table: pd.DataFrame) -> sparse.csr_matrix:
    """Dummies of group x period, one group and one period left out: rows x (groups - 1)(periods - 1)."""
    groups, _ = pd.factorize(table["group"], sort=True)
    times, _ = pd.factorize(table["time"], sort=True)
    codes = np.where((groups > 0) & (times > 0), (groups - 1) * times.max() + times - 1, -1)
    return indicators(codes, np.arange(groups.max() * times.max()))


def event_rows(design: Design, table: pd.DataFrame, cells: Cells, third: np.ndarray) -> list[dict]:
    event = table["event_time"].to_numpy()
    known = np.unique(event[np.isfinite(event)]).astype(int)
    reference = known[known < 0].max()
    others = known[known != reference]
    found = regress(cells, indicators(event, others), third)
    return event_table(design, table, reference, dict(zip(others.tolist(), coefficients(found, len(others)) if found else
                                                          [None] * len(others), strict=True)))  # fmt: skip
