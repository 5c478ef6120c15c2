"""Weighted two-way fixed effects: unit effects, and period effects common to all or separate inside each block.

`overall` is the coefficient of being treated (Cameron & Miller 2015 for its clustered error); `event` the path by event
time against the period before; `bacon` the comparisons of two groups that the coefficient averages (Goodman-Bacon 2021,
theorem 1), of which those that take already treated units for a comparison are forbidden: a note warns where they weigh.
Wooldridge (2021) on the method.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..base.periods import written
from ..design.design import Design
from ..estimation.bacon import decomposition, forbidden_weight
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
from ..panel.disclosure import told_sizes

FORBIDDEN = 0.05  # of the weight: from here on a reader is warned


def fit(design: Design) -> Estimate:
    """Raises Refusal: one cluster, treatment that the fixed effects absorb, or numbers that are not finite."""
    table = usable(design)
    cells = cells_of(design, table)
    overall = regression(design, table, cells)
    rows = [{"term": "overall", **coefficients(overall, 1)[0], "n_obs": observations(table)}]
    notes = ()
    if design.path:
        rows += event_rows(design, table, cells) + apart_rows(design, table, cells)
        parts = decomposition(design, table)
        rows += bacon_rows(parts)
        notes = ("forbidden_comparisons",) if forbidden_weight(parts) > FORBIDDEN else ()
    return linear_estimate(design, table, cells, "two_way_fixed_effects", rows, notes)


def regression(design: Design, table: pd.DataFrame, cells: Cells) -> Fit:
    """The regression on being treated."""
    found = regress(cells, table["treated"].to_numpy(float)[:, None])
    if found is None:
        raise Refusal("collinear", f"{design.study}: treatment does not vary inside the fixed effects")
    return found


def event_path(design: Design, layout: Layout) -> EventPath:
    """Bins of event times as coefficients of one regression. Raises Refusal as `fit` and `regression_path` do."""
    table = usable(design)
    cells = cells_of(design, table)
    return regression_path(design, table, cells, regression(design, table, cells), layout)


def event_rows(design: Design, table: pd.DataFrame, cells: Cells) -> list[dict]:
    """One row per event time, the period before the start being 0 by definition."""
    reference, others, found = event_regression(table, cells)
    if reference is None:
        return []
    rows = coefficients(found, len(others)) if found else [None] * len(others)
    return event_table(design, table, reference, dict(zip(others, rows, strict=True)))


def event_regression(table: pd.DataFrame, cells: Cells) -> tuple[int | None, np.ndarray, Fit | None]:
    """(reference event time, the other ones in order, the regression on their dummies)."""
    event = table["event_time"]
    known = np.sort(event.dropna().unique().astype(int))
    earlier = known[known < 0]
    if len(earlier) == 0:
        return None, known, None
    others = known[known != earlier.max()]
    return int(earlier.max()), others, regress(cells, indicators(event.to_numpy(), others))


def linears(design: Design, kept: Callable[[Linear], Any] = itself) -> dict[int | None, Any]:
    """What is `kept` of `overall` (key None) and, with `path`, of every event time as weighted sums of outcomes. Raises Refusal as `fit`
    does."""
    table = usable(design)
    cells = cells_of(design, table)
    overall = regression(design, table, cells)
    found = {None: kept(linear(overall, np.ones(1)))}
    if design.path:
        _, others, events = event_regression(table, cells)
        if events is not None:
            found |= {int(others[j]): kept(linear(events, one)) for j, one in zip(events.kept, np.eye(len(events.kept)), strict=True)}
    return found


def apart_rows(design: Design, table: pd.DataFrame, cells: Cells) -> list[dict]:
    """The effect in the periods that the study shows apart, and in the later ones, against all periods before."""
    if not design.apart:
        return []
    treated, time = table["treated"].to_numpy(), table["time"].to_numpy()
    first = np.isin(time, [period.ordinal for period in design.apart]) & treated
    later = treated & ~first
    if not first.any() or not later.any():
        return []
    fit = regress(cells, np.column_stack([first, later]).astype(float))
    names = [" ".join(map(written, design.apart)), f"{written(table.loc[later, 'period'].min())}.."]
    counts = pd.Series([table["denominator"].fillna(1.0)[mask].sum() for mask in (first, later)], dtype=float)
    told = told_sizes(counts, bool(table["denominator"].notna().all()))
    return [{"term": "group", "group": "apart", "period": name, **row, "n_obs": n}
            for name, row, n in zip(names, coefficients(fit, 2) if fit else [None, None], told, strict=True)
            if row]  # fmt: skip


def bacon_rows(parts: pd.DataFrame) -> list[dict]:
    """One row per comparison of two groups: `group` its kind, `cohort` and `parameter` its weight."""
    return [{"term": "bacon", "group": part.kind, "cohort": part.pair, "parameter": f"{part.weight:.6f}",
             "estimate": part.estimate, "inference": "none"} for part in parts.itertuples()]  # fmt: skip
