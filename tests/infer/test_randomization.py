"""Randomisation inference against re-estimating every assignment, and its exactness."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table, staggered_table
from worlds import World, parallel, two_groups

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.placebos import rebuilt
from hgdx_eval.estimation.fixed_effects import residuals, usable
from hgdx_eval.estimators.two_way_fixed_effects import fit
from hgdx_eval.infer.randomization import assignments, line_test, permuted, randomization, sums_by_start, under_all


def pure(seed=1, clusters=8):
    return replace(World(two_groups(clusters, 20, 12), parallel).drawn(seed)[0], path=False)


def slow(design) -> Callable[[float], np.ndarray]:
    """The estimate under every choice of as many treated clusters, by whole new designs, for outcomes less an effect (points): regressions
    of the outcome and of being treated, as what is subtracted is subtracted from the estimate."""
    table = design.table
    clusters, treated = sorted(table["cluster"].unique()), design.clusters(True)
    start = float(table["treated_from"].dropna().iloc[0])
    found = []
    for chosen in itertools.combinations(clusters, len(treated)):
        moved = table.assign(treated_from=np.where(table["cluster"].isin(chosen), start, np.nan))
        outcomes = (table["y"], table["treated"].astype(float) / 100)
        found.append([fit(rebuilt(design, moved.assign(y=y), design.start)).overall()["estimate"] for y in outcomes])
    estimates, subtracted = np.array(found).T
    return lambda effect: estimates - effect * subtracted


def test_equal_to_estimating_under_every_assignment():
    design = pure()
    p, table = permuted(design)
    both = residuals(p.fe, np.column_stack([p.cells.y, table["treated"].to_numpy(float)]))
    lines = under_all(p, sums_by_start(p, both))
    assert len(lines) == 70 and p.assigned.complete
    whole = slow(design)
    for effect in (0.0, 3.0):
        fast = lines[:, 0] - effect * lines[:, 1]
        assert np.sort(fast) == pytest.approx(np.sort(whole(effect)), abs=1e-9)
        less = design.table.assign(y=design.table["y"] - effect / 100 * design.table["treated"])
        assert fast[0] == pytest.approx(fit(replace(design, table=less)).overall()["estimate"], abs=1e-9)


def test_p_is_an_exact_count_and_the_interval_holds_what_is_not_rejected():
    design = pure(3)
    found, whole = randomization(design), slow(design)
    estimates = np.abs(whole(0.0))
    own = abs(fit(design).overall()["estimate"])
    assert found["p_value"] == (estimates >= own * (1 - 1e-9)).mean()
    for end, inward in ((found["ci_low"], 1), (found["ci_high"], -1)):
        size_in, size_out = (np.abs(whole(end + inward * step)) for step in (1e-4, -1e-4))
        own_in, own_out = (abs(fit(design).overall()["estimate"] - end - inward * step) for step in (1e-4, -1e-4))
        assert (size_in >= own_in * (1 - 1e-9)).mean() > 0.05
        assert (size_out >= own_out * (1 - 1e-9)).mean() <= 0.05


def test_it_rejects_as_often_as_it_says_where_all_assignments_are_alike():
    world, hits = World(two_groups(8, 20, 12), lambda table, rng: (rng.normal(size=len(table)), np.zeros(len(table)))), 0
    for seed in range(80):
        hits += randomization_p(world.drawn(seed)[0]) <= 0.05
    assert hits <= 10  # binomial(80, 3/70): above 10 once in a thousand times


def randomization_p(design) -> float:
    p, _ = permuted(design)
    return line_test(under_all(p, sums_by_start(p, residuals(p.fe, p.cells.y[:, None])))[:, 0], np.zeros(len(p.length)))(0.0)


def test_where_clusters_hold_both_sides_units_exchange_inside_them():
    design = design_of(made_up_table(1, clusters=3))
    found = assignments(design, usable(design))
    cluster = pd.factorize(design.table.groupby("unit")["cluster"].first())[0]
    assert len(found.starts) == 6**3 and found.complete
    for c in range(3):
        assert ((found.starts[:, cluster == c] > 0).sum(axis=1) == 2).all()
    assert len(np.unique(found.starts, axis=0)) == 216


def test_staggered_starts_are_exchanged_too():
    design = design_of(staggered_table(1, clusters=20))
    found = assignments(design, usable(design), draws=50)
    own = np.sort(found.starts[0])
    assert len(found.starts) == 51 and not found.complete
    assert all((np.sort(row) == own).all() for row in found.starts)


def test_too_few_assignments_are_refused():
    with pytest.raises(Refusal) as refused:
        randomization(pure(1, clusters=4))
    assert refused.value.reason == "too_few_placebos"
