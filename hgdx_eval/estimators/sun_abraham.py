"""Interaction-weighted event study: an effect for every cohort and event time, averaged with the cohorts' own shares.

Sun & Abraham (2021), equations 26-28: comparison units are those never treated, or, where there are none, the cohort treated
last, on the periods before its start. Shares are taken as given; errors are clustered.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.event_path import (
    EventPath,
    Layout,
    bin_sizes,
    coefficients_of,
    gram_of,
    joined_in,
    overall_of,
    parting,
    path_of_fit,
    scaled_scores,
)
from ..estimation.fixed_effects import Cells, Fit, behind, cells_of, combination, event_table, linear, linear_estimate, regress, usable
from ..estimation.inference import Linear, itself, on_all_rows
from ..estimation.results import Estimate
from ..panel.disclosure import told_sizes


def fit(design: Design) -> Estimate:
    """Raises Refusal: one cluster, no comparison, no period before, or effects that the fixed effects absorb."""
    table = own_rows(design, usable(design))
    cells = cells_of(design, table)
    found, keys, columns = interacted(design, table, cells)
    after = keys["event_time"] >= 0
    rows = [{"term": "overall", **combination(found, shares(keys, after)), "n_obs": keys.loc[after, "n"].sum()}]
    if design.path:
        events = {int(e): combination(found, shares(keys, keys["event_time"] == e)) for e in sorted(set(keys["event_time"]))}
        reference = int(table.loc[table["event_time"] < 0, "event_time"].max())
        rows += event_table(design, table, reference, events) + cohort_rows(design, table, found, keys)
    lost = int(table["treated"].sum()) > int(columns[:, after].sum())
    notes = (*(("unidentified_left_out",) if lost else ()), *left_out(design, keys[after]))
    return linear_estimate(design, table, cells, "sun_abraham", rows, notes)


def left_out(design: Design, kept: pd.DataFrame) -> tuple[str, ...]:
    """Notes on cohorts without an effect: the one compared with for want of units never treated, and others."""
    cohorts = design.table["treated_from"]
    last = cohorts.max() if cohorts.notna().all() else np.nan
    others = set(cohorts.dropna()) - {last} - set(kept["cohort"])
    return (*(("last_cohort_compared",) if np.isfinite(last) else ()), *(("cohorts_left_out",) if others else ()))


def interacted(design: Design, table: pd.DataFrame, cells: Cells) -> tuple[Fit, pd.DataFrame, np.ndarray]:
    """(the regression, its interactions that were kept, their dummies)."""
    keys = interactions(table)
    cohort, event = table["treated_from"].to_numpy(), table["event_time"].to_numpy()
    columns = (cohort[:, None] == keys["cohort"].to_numpy()) & (event[:, None] == keys["event_time"].to_numpy())
    found = regress(cells, columns.astype(float)) if len(keys) else None
    if found is None:
        raise Refusal("collinear", f"{design.study}: treatment does not vary inside the fixed effects")
    keys = keys.iloc[found.kept].reset_index(drop=True)
    if not (keys["event_time"] >= 0).any():
        raise Refusal("no_post_period", f"{design.study}: no treated period that can be compared")
    return found, keys, columns[:, found.kept]


def linears(design: Design, kept: Callable[[Linear], Any] = itself) -> dict[int | None, Any]:
    """What is `kept` of `overall` (key None) and, with `path`, of every event time as weighted sums of outcomes. Raises Refusal as `fit`
    does."""
    whole = usable(design)
    table = own_rows(design, whole)
    found, keys, _ = interacted(design, table, cells_of(design, table))
    inside, clusters = whole.index.isin(table.index), pd.factorize(whole["cluster"])[0]

    def made(chosen: pd.Series) -> Any:
        own = linear(found, shares(keys, chosen))
        return kept(own if inside.all() else on_all_rows(own, inside, clusters))

    events = sorted(set(keys["event_time"])) if design.path else []
    return {None: made(keys["event_time"] >= 0)} | {int(e): made(keys["event_time"] == e) for e in events}


def event_path(design: Design, layout: Layout) -> EventPath:
    """Coefficients of cohort x event time, each against its cohort's last period before, joined in bins by weight. Raises Refusal as
    `fit` does."""
    whole = usable(design)
    table = own_rows(design, whole)
    cells = cells_of(design, table)
    found, keys, _ = interacted(design, table, cells)
    every, inside = cohort_events(table), whole.index.isin(table.index)
    base = every[every["event_time"] == last_before(every)]
    events, weight = (np.concatenate([keys[name], base[name]]) for name in ("event_time", "weight"))
    bins = layout(np.unique(events).astype(int), int(cells.clusters.max()) + 1)
    mix = joined_in(bins, events, weight)[: len(keys)]  # those of the bases are 0
    drift, of = parting(table), path_of_fit(found, mix)
    return EventPath(bins, bin_sizes(bins, events, weight), found.beta @ mix, scaled_scores(found) @ mix,
                     coefficients_of(found, drift) @ mix, lambda sums: gram_of(found, mix @ sums),
                     overall_of(found, shares(keys, keys["event_time"] >= 0), drift), lambda y: of(y[inside]))  # fmt: skip


def own_rows(design: Design, table: pd.DataFrame) -> pd.DataFrame:
    """The table with units never treated; without any, the cohort treated last takes their place before its start. A cohort without a
    period before is left out: it has nothing to be measured from, and is no comparison."""
    earliest = table.groupby("treated_from")["time"].transform("min")
    table = table[~(earliest >= table["treated_from"])]
    if table["treated_from"].isna().any():
        return table
    last = table["treated_from"].max()
    if table["treated_from"].nunique() == 1:
        raise Refusal("no_comparison", f"{design.study}: every unit is treated at the same time")
    kept = table[table["time"] < last]
    late = kept["treated_from"] == last
    return kept.assign(treated_from=kept["treated_from"].mask(late), event_time=kept["event_time"].mask(late))


def interactions(table: pd.DataFrame) -> pd.DataFrame:
    """One row per cohort x event time but each cohort's last period before: cohort, event_time, weight, n."""
    keys = cohort_events(table)
    return keys[keys["event_time"] != last_before(keys)].reset_index(drop=True)


def cohort_events(table: pd.DataFrame) -> pd.DataFrame:
    """One row per cohort x event time."""
    seen = table[table["event_time"].notna()].assign(n=lambda t: t["denominator"].fillna(1.0))
    keys = seen.groupby(["treated_from", "event_time"], as_index=False)[["weight", "n"]].sum()
    return keys.rename(columns={"treated_from": "cohort"})


def last_before(keys: pd.DataFrame) -> pd.Series:
    """The last event time before the start of each row's cohort; NaN where it has none."""
    return keys["event_time"].where(keys["event_time"] < 0).groupby(keys["cohort"]).transform("max")


def shares(keys: pd.DataFrame, chosen: pd.Series) -> np.ndarray:
    """Weights of the chosen coefficients: each cohort's share of the treated observations."""
    weight = keys["weight"].to_numpy() * chosen.to_numpy()
    return weight / weight.sum()


def cohort_rows(design: Design, table: pd.DataFrame, found: Fit, keys: pd.DataFrame) -> list[dict]:
    """The effect of every cohort in every period."""
    rows, sizes = [], told_sizes(keys["n"], bool(design.table["denominator"].notna().all()))
    own = table.groupby(["treated_from", "event_time", "cluster"], observed=True)["weight"].sum()
    for j, key in enumerate(keys.itertuples()):
        cohort, period = (pd.Period(ordinal=int(t), freq=design.frequency) for t in (key.cohort, key.cohort + key.event_time))
        told = behind(combination(found, np.eye(len(keys))[j]), own[key.cohort, key.event_time].to_numpy())
        rows.append({"term": "cohort_period", "cohort": cohort, "period": period, "event_time": key.event_time, **told, "n_obs": sizes[j]})
    return rows
