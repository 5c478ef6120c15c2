"""Designs that pretend: an earlier date, another treated unit, one cluster fewer."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from ..base.errors import InputError, Refusal
from ..base.telling import did_you_mean, shared_names, told_names
from .design import Design, check_design

DRAWS = 199  # placebo assignments drawn where there are too many to list


def placebo_before(design: Design, periods: int) -> Design:
    """The same study pretending that the policy came earlier, on the periods before it really came: of each treated unit those before its
    own start, of units never treated those before the last start. `periods`: by how many periods, in the study's frequency.

    Returns a Design. Raises Refusal where fewer than two real periods would stand before the pretended date.
    Example: `hg.estimate(hg.placebo_before(design, 6), p.estimator)`
    """
    table = design.table
    before = table["time"] < table["treated_from"].fillna(table["treated_from"].max())
    kept = table.assign(treated_from=table["treated_from"] - periods)[before]
    return pretending(design, kept, design.start - periods, periods)


def cohort_before(design: Design, periods: int, cohort: int) -> Design:
    """The same for one cohort alone (ordinal of its start), whose own pretended date nobody else's effect can hide: against units never
    treated and, where the study compares with them or there are no others, those not yet treated, before their own pretended date."""
    table = design.table
    start, never = table["treated_from"], table["treated_from"].isna()
    later = (start > cohort) & (table["time"] < start - periods) if design.comparison == "not_yet" or not never.any() else False
    rows = ((start == cohort) | never | later) & (table["time"] < cohort)
    kept = table.assign(treated_from=np.where(start == cohort, cohort - periods, np.nan))[rows]
    return pretending(design, kept, pd.Period(ordinal=cohort, freq=design.frequency) - periods, periods)


def pretending(design: Design, kept: pd.DataFrame, start: pd.Period, periods: int) -> Design:
    earlier = kept.loc[kept["time"] < kept["treated_from"], "time"].nunique()
    if earlier < 2 or kept.empty:
        raise Refusal("no_pre_period", f"{design.study}: too few periods before a placebo {periods} earlier")
    return rebuilt(design, kept, start)


def without_cluster(design: Design, cluster: str) -> Design:
    """The same study without one cluster. `cluster`: its name in the data.

    Returns a Design. Raises Refusal where nothing is left to compare, InputError for a name that no cluster has.
    """
    left = design.table["cluster"] != cluster
    if left.all():
        raise InputError(unknown_cluster(design, cluster))
    smaller = replace(design, table=design.table[left].reset_index(drop=True), path=False)
    check_design(smaller)
    return smaller


def unknown_cluster(design: Design, cluster: object) -> str:
    names = design.table["cluster"]
    tellable = shared_names(names.tolist(), design.table["time"].tolist())
    near = did_you_mean(str(cluster), sorted(tellable))
    return f"{design.study}: unknown cluster {str(cluster)[:60]!r}{near}; known: {told_names(sorted(names.unique()), tellable)}"


def placebos_in_space(design: Design) -> list[tuple[str, Design]]:
    """Comparison clusters pretending to be treated, as many as really are, the real ones left out.

    With one treated cluster each comparison cluster is taken in turn; with several, every set of as many is listed, or a fixed number of
    sets is drawn. Whole clusters, because units of one cluster share shocks: sets of single units would vary too little.
    Returns a list of (name, Design). Raises Refusal where a cluster holds both sides, or where the clusters do not suffice.
    """
    units, size = design.clusters(treated=False), len(design.clusters(treated=True))
    if set(units) & set(design.clusters(treated=True)):
        raise Refusal("mixed_clusters", f"{design.study}: clusters hold treated and comparison units: none can stand in")
    if len(units) <= size or design.table["treated_from"].nunique() != 1:
        raise Refusal("too_few_placebos", f"{design.study}: {len(units)} comparison clusters cannot stand in for {size}")
    pool = design.table[design.table["treated_from"].isna()]
    start = float(design.table["treated_from"].dropna().iloc[0])
    return [(" + ".join(chosen), rebuilt(design, pool.assign(
                treated_from=np.where(pool["cluster"].isin(chosen), start, np.nan)), design.start))
            for chosen in placebo_sets(units, size, design.seed)]  # fmt: skip


def placebo_sets(units: list[str], size: int, seed: int) -> list[tuple[str, ...]]:
    from math import comb

    if comb(len(units), size) <= max(DRAWS, len(units)):
        return list(itertools.combinations(units, size))
    rng, sets = np.random.default_rng(seed), set()
    while len(sets) < DRAWS:
        sets.add(tuple(sorted(rng.choice(units, size, replace=False))))
    return sorted(sets)


def rebuilt(design: Design, table: pd.DataFrame, start: pd.Period) -> Design:
    """A design of other treated periods, without what was found after a treatment ended."""
    table = table.assign(treated=table["time"] >= table["treated_from"], event_time=table["time"] - table["treated_from"])
    return replace(design, table=table.reset_index(drop=True), start=start, path=False)
