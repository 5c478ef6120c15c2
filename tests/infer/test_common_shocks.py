"""Clusters that move together are found out by the time before alone, and then the worlds in which all draw the same months decide."""

from dataclasses import replace

import numpy as np
import pytest
from monte_carlo import draws, rate
from worlds import World, codes, parallel, two_groups, wandering

from hgdx_eval.infer.common_shocks import by_period_and_month, spread, together
from hgdx_eval.infer.false_alarms import chosen, false_alarms, linear_of, worlds_of
from hgdx_eval.infer.world_sums import draws_of, outcomes

REGRESSION = "two_way_fixed_effects"


def drawn(seed, shock=0.0, clusters=12):
    """`shock`: standard deviation of what hits all treated units alike, a share; AR(.7)."""
    design = replace(World(two_groups(clusters), parallel).drawn(seed)[0], path=False)
    table, rng = design.table, np.random.default_rng([seed, 99])
    common = wandering(rng, np.zeros(len(table), int), codes(table, "time"), shock, 0.7) if shock else 0.0
    return replace(design, table=table.assign(y=table["y"] + common * table["treated_from"].notna()))


def p_of(design):
    return together(design, linear_of(design, REGRESSION), worlds_of(design))


def test_the_spread_is_that_of_the_worlds_themselves():
    design = drawn(1)
    linear, w = linear_of(design, REGRESSION), worlds_of(design)
    told = spread(w, by_period_and_month(linear, w).sum(axis=0))
    estimates = np.concatenate([linear.weights @ outcomes(w, draws_of(w, at, 500, common=True)) for at in range(0, 4000, 500)])
    assert estimates.var() == pytest.approx(told, rel=0.12)  # 4,000 worlds: the variance has an error of about 2.5 %


def test_nothing_after_the_start_is_read():
    one = drawn(2, 0.02)
    later = one.table["time"] >= one.start.ordinal
    assert p_of(one) == p_of(replace(one, table=one.table.assign(y=one.table["y"].where(~later, 0.3))))


def test_clusters_that_share_a_shock_are_found_and_the_worse_rate_decides():
    found = false_alarms(drawn(3, 0.04), REGRESSION, ("cluster", "wild"), 300)
    assert (found["together"] < 0.05).all() and (found["rate"] == found[["own", "common"]].max(axis=1)).all()
    assert set(chosen(found, ("cluster", "wild"), {"cluster", "wild"})["state"]) == {"fails"}


def test_clusters_of_their_own_leave_the_rate_as_it_is():
    found = false_alarms(drawn(1), REGRESSION, ("cluster",), 300)
    assert found["together"].iloc[0] > 0.05 and found["rate"].iloc[0] == found["own"].iloc[0]


@pytest.mark.long
@pytest.mark.draws
def test_how_often_clusters_are_said_to_move_together(tell):
    number = draws(20, 400)
    for clusters in (8, 12, 30):
        found = {shock: np.array([p_of(drawn(seed, shock, clusters)) for seed in range(1, number + 1)]) for shock in (0.0, 0.01, 0.02)}
        hits = {shock: int((p < 0.05).sum()) for shock, p in found.items()}
        tell(f"{clusters} clusters: " + "; ".join(f"shock of {100 * shock:g} points {rate(n, number)}" for shock, n in hits.items()))
        assert hits[0.0] <= 0.05 * number + 2.6 * np.sqrt(0.05 * 0.95 * number)
        assert hits[0.02] > hits[0.0]


def test_a_season_that_comes_again_is_no_common_shock():
    """Four points up and down every year on the treated side alone: seen as a common movement only while calendar months are not known."""
    design = drawn(1)
    table = design.table
    swing = 0.04 * np.sin(2 * np.pi * table["period"].dt.month / 12) * table["treated_from"].notna()
    design = replace(design, table=table.assign(y=table["y"] + swing))
    w = worlds_of(design)
    assert w.season is not None and len(set(w.season)) == 12
    assert together(design, linear_of(design, REGRESSION), replace(w, season=None)) < 0.05 < p_of(design)
