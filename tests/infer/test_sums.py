"""Sums by cluster, unit and period against the matrices and outcome vectors that they stand for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table, staggered_table, triple_table

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.placebos import placebos_in_space
from hgdx_eval.estimation import fixed_effects
from hgdx_eval.estimation.fixed_effects import cells_of, linear, regress, residuals, unexplained, usable
from hgdx_eval.estimation.inference import by_cluster
from hgdx_eval.estimators import sun_abraham, triple_difference, two_way_fixed_effects
from hgdx_eval.infer import false_alarms, randomization, wild, world_sums


def straddling(seed=1):
    """Units that change their cluster half way: effects not nested in clusters."""
    design = design_of(made_up_table(seed, clusters=8, drop=0.1))
    table = design.table
    moved = (table["time"] > table["time"].min() + 6) & table["unit"].str.endswith("u3")
    other = "c" + ((table["cluster"].str[1:].astype(int) + 3) % 8).astype(str)
    return replace(design, table=table.assign(cluster=table["cluster"].where(~moved, other)))


def shared_effects():
    """Fixed effects coarser than units, and over clusters."""
    design = design_of(made_up_table(6, clusters=8, drop=0.1))
    return replace(design, table=design.table.assign(effect=design.table["unit"].str[-2:]))


def one_treated_cluster():
    table = made_up_table(3, clusters=9, drop=0.05, periods=18)
    start = float(table["treated_from"].min())
    return design_of(table.assign(treated_from=np.where(table["cluster"] == "c0", start + 2, np.nan)))


def whole_clusters(blocks=False):
    table = made_up_table(4, clusters=10, drop=0.1, periods=18)
    start = float(table["treated_from"].min())
    return design_of(table.assign(treated_from=np.where(table["cluster"].isin(["c0", "c4", "c5"]), start + 2, np.nan)), blocks=blocks)


DESIGNS = {
    "plain": lambda: design_of(made_up_table(1, clusters=8, drop=0.1)),
    "blocks": lambda: design_of(made_up_table(2, clusters=8, drop=0.1), blocks=True),
    "equal weights": lambda: design_of(made_up_table(2, clusters=8), weight=1.0),
    "staggered": lambda: design_of(staggered_table(1, clusters=20)),
    "straddling": straddling,
    "shared effects": shared_effects,
    "one treated cluster": one_treated_cluster,
    "whole clusters": whole_clusters,
    "three differences": lambda: design_of(triple_table(1)),
}


def rows_by_clusters(fit, shares):
    """The definition: influence = weight x what the regression leaves of a shock to one cluster's rows in the estimate's direction."""
    part = linear(fit, shares)
    step = part.weights / fit.cells.weight
    own = np.zeros((len(step), int(part.clusters.max()) + 1))
    own[np.arange(len(step)), part.clusters] = step
    return fit.cells.weight[:, None] * unexplained(fit, own)


def close(found, expected):
    scale = np.abs(expected).max() or 1.0
    assert np.abs(np.asarray(found) - expected).max() <= 1e-9 * scale


@pytest.mark.parametrize("small", [0, fixed_effects.SMALL])
@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_the_sums_of_a_regression_are_those_of_its_influence_matrix(name, small, monkeypatch):
    monkeypatch.setattr(fixed_effects, "SMALL", small)
    design = DESIGNS[name]()
    table = usable(design)
    cells = cells_of(design, table)
    overall = regress(cells, table["treated"].to_numpy(float)[:, None])
    _, _, events = two_way_fixed_effects.event_regression(table, cells)
    for fit, shares in ((overall, np.ones(1)), (events, np.eye(len(events.kept))[-1]), (events, np.ones(len(events.kept)) / 3)):
        part, made = linear(fit, shares), rows_by_clusters(fit, shares)
        close(part.influence(), made)
        close(part.scores, part.y @ made)
        close(part.of_errors, by_cluster(part.clusters, made * part.errors[:, None]).T)
        close(part.of_step, by_cluster(part.clusters, made * part.direction[:, None]).T)


@pytest.mark.parametrize("name", ["plain", "blocks", "late and staggered", "straddling"])
def test_wild_intervals_of_event_times_are_those_of_the_influence_matrices(name):
    design = replace(DESIGNS[name](), frequency="D")  # of days, too
    found = {row["event_time"]: row for row in false_alarms.wild_aggregates(design, "two_way_fixed_effects") if row["term"] == "event"}
    table = usable(design)
    _, others, events = two_way_fixed_effects.event_regression(table, cells_of(design, table))
    assert sorted(found) == [int(others[j]) for j in events.kept]
    for j, one in list(zip(events.kept, np.eye(len(events.kept)), strict=True))[:3]:
        part, made = linear(events, one), rows_by_clusters(events, one)
        part = replace(part, scores=part.y @ made, of_errors=by_cluster(part.clusters, made * part.errors[:, None]).T,
                       of_step=by_cluster(part.clusters, made * part.direction[:, None]).T)  # fmt: skip
        slow, row = wild.wild(part, design.seed, false_alarms.WILD_DRAWS), found[int(others[j])]
        assert row["p_value"] == slow["p_value"]
        for key in ("estimate", "ci_low", "ci_high"):
            assert row[key] == pytest.approx(slow[key], rel=1e-7, abs=1e-9, nan_ok=True)


# --- worlds --------------------------------------------------------------------------------------------------------
def month_by_month(w, first, number):
    """Outcomes of worlds row by row, as their definition says."""
    clusters, periods = int(w.cluster.max()) + 1, int(w.time.max()) + 1
    blocks, y = -(-periods // w.block) + 1, np.empty((len(w.cluster), number))
    for j in range(number):
        rng = np.random.default_rng([w.seed, 3, first + j])
        starts = rng.integers(0, w.before, (clusters, blocks))
        months = ((starts[:, :, None] + np.arange(w.block)) % w.before).reshape(clusters, -1)
        offset = rng.integers(0, w.block, clusters)
        y[:, j] = w.residual[w.unit, months[w.cluster, w.time + offset[w.cluster]]]
    return y


WITH_TIME = sorted(set(DESIGNS) - {"staggered"}) + ["late and staggered"]
DESIGNS["late and staggered"] = lambda: design_of(
    staggered_table(2, cohorts=(8, 11, 14), periods=18, clusters=20).sample(frac=0.93, random_state=1)
)


@pytest.mark.parametrize("name", WITH_TIME)
@pytest.mark.parametrize("module", [two_way_fixed_effects, sun_abraham, triple_difference])
def test_what_is_looked_up_is_what_the_outcomes_give(name, module):
    design = replace(DESIGNS[name](), path=False)
    try:
        part = module.linears(design)[None]
    except Refusal:
        return
    w = false_alarms.worlds_of(design)
    some = world_sums.part_of(w, 7, 9)
    y, made = month_by_month(w, 7, 9), part.influence()
    close(world_sums.outcomes(w, some.draws), y)
    rest, codes = part.rest(y), part.clusters
    found = world_sums.sums_of_regression(w, part, part.parts(), True)(some)
    close(found.estimates, part.weights @ y)
    close(found.scores, made.T @ y)
    close(found.s0, by_cluster(codes, part.weights[:, None] * rest))
    close(found.b0, np.stack([by_cluster(codes, made * rest[:, [j]]).T for j in range(9)]))
    again = world_sums.sums_of_outcomes(w, part, True)(some)
    close(found.b0, again.b0)
    assert world_sums.sums_of_regression(w, part, part.parts(), False)(some).b0 is None


@pytest.mark.parametrize("name", WITH_TIME)
def test_a_world_is_judged_by_the_bootstrap_of_its_own_outcomes(name):
    design = replace(DESIGNS[name](), path=False)
    part, w = two_way_fixed_effects.linears(design)[None], false_alarms.worlds_of(design)
    some = world_sums.part_of(w, 0, 12)
    found = world_sums.sums_of_regression(w, part, part.parts(), True)(some)
    v, complete = wild.signs(w.clusters, false_alarms.WILD_DRAWS, design.seed)
    made, y = part.influence(), month_by_month(w, 0, 12)
    rest, slow = part.rest(y), []
    for j in range(12):
        errors = rest[:, j]
        k = wild.kernel(replace(part, y=y[:, j], errors=errors, scores=made.T @ y[:, j],
                                of_errors=by_cluster(part.clusters, made * errors[:, None]).T))  # fmt: skip
        slow.append(wild.p_value(k, wild.drawn(k, v), complete, 0.0))
    assert false_alarms.wild_test(design, part, w)(some, found) == pytest.approx(np.array(slow), abs=1e-12)
    t = part.weights @ y / np.sqrt(part.factor * ((made.T @ y) ** 2).sum(axis=0))
    from scipy import stats

    assert false_alarms.cluster_test(design, part, w)(some, found) == pytest.approx(2 * stats.t.sf(np.abs(t), part.dof), abs=1e-9)


@pytest.mark.parametrize("name", WITH_TIME)
def test_estimates_under_all_assignments_of_a_world(name):
    design = replace(DESIGNS[name](), path=False)
    try:
        p, table = randomization.permuted(design, 60)
    except Refusal:
        assert name == "one treated cluster"
        return
    w = false_alarms.worlds_of(design)
    some, y = world_sums.part_of(w, 3, 6), residuals(p.fe, month_by_month(w, 3, 6))
    found = world_sums.sums_of_adoptions(w, p)(some)
    starts = p.assigned.starts[:, p.assigned.group]
    treated = p.assigned.rows[starts.T, np.arange(len(table))[:, None]].astype(float)
    assert (treated[:, 0] == table["treated"]).all()
    left = residuals(p.fe, treated)
    length = p.cells.weight @ left**2
    scale = p.cells.weight @ treated
    assert p.length == pytest.approx(np.where(length > 1e-10 * scale, length, 0.0), rel=1e-9, abs=1e-8)
    close(found, np.where(length[:, None] > 1e-10 * scale[:, None], left.T @ (p.cells.weight[:, None] * y) / length[:, None], 0.0))


def weights_of_placebo(design, placebo):
    """The weights of a placebo's estimate over the rows of the study; 0 for the treated units, which it leaves out."""
    table = usable(design)
    part = two_way_fixed_effects.linears(replace(placebo, path=False))[None]
    place = pd.MultiIndex.from_frame(table[["unit", "time"]]).get_indexer(pd.MultiIndex.from_frame(usable(placebo)[["unit", "time"]]))
    weights = np.zeros(len(table))
    weights[place] = part.weights
    return weights


@pytest.mark.parametrize("name", ["one treated cluster", "whole clusters", "blocks", "three differences", "whole clusters, blocks"])
def test_placebos_of_a_world_are_those_of_whole_new_designs(name):
    design = whole_clusters(True) if name == "whole clusters, blocks" else DESIGNS[name]()
    try:
        weights = np.column_stack([weights_of_placebo(design, placebo) for _, placebo in placebos_in_space(design)])
    except Refusal:
        assert false_alarms.pretended(design) is None
        return
    w = false_alarms.worlds_of(design)
    found = world_sums.sums_of_adoptions(w, false_alarms.pretended(design))(world_sums.part_of(w, 2, 8))
    close(found, weights.T @ month_by_month(w, 2, 8))


def test_many_columns_are_looked_up_in_parts(monkeypatch):
    design = replace(whole_clusters(), path=False)
    part, w = two_way_fixed_effects.linears(design)[None], false_alarms.worlds_of(design)
    sums, some = world_sums.sums_of_regression(w, part, part.parts(), True), world_sums.part_of(w, 0, 5)
    whole = sums(some)
    monkeypatch.setattr(world_sums, "ENTRIES", 1)
    close(sums(some).b0, whole.b0)
