"""Looking every month: the usual interval is too sure, the sequential one is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table
from monte_carlo import at_least, at_most, draws, rate
from worlds import World, noise, two_groups, unit_levels

from hgdx_eval.estimation.results import check_table
from hgdx_eval.infer.sequential import anytime, looks

MAIN = "two_way_fixed_effects"


def nothing(table, rng):
    return unit_levels(table) + noise(table, rng), np.zeros(len(table))


def test_each_look_is_the_estimate_that_was_to_be_had_then():
    design = replace(design_of(made_up_table(1, clusters=8, periods=20)), path=False)
    found = looks(design, MAIN).table
    check_table(found)
    from hgdx_eval.design.variants import with_periods
    from hgdx_eval.estimation.estimate import estimate

    usual = found[found["inference"] == "cluster"]
    assert len(usual) == 20 - 8 - 2 and len(found) == 2 * len(usual)
    for _, row in usual.iterrows():
        then = with_periods(design, design.table["period"].astype(str) <= row["period"])
        assert estimate(then, MAIN).overall()["estimate"] == row["estimate"]


def test_the_sequential_interval_is_wider_and_agrees_with_its_p():
    found = looks(replace(design_of(made_up_table(1, clusters=8, periods=20, effect=0.02)), path=False), MAIN).table
    usual, wide = (found[found["inference"] == kind].reset_index(drop=True) for kind in ("cluster", "sequential"))
    assert (wide["ci_low"] < usual["ci_low"]).all() and (wide["ci_high"] > usual["ci_high"]).all()
    outside = (wide["ci_low"] > 0) | (wide["ci_high"] < 0)
    assert (outside == (wide["p_value"] < 0.05)).all()


@pytest.mark.parametrize("error", [0.5, 1.0, 3.0])
def test_p_is_one_in_twenty_at_the_edge(error):
    row = pd.Series({"estimate": 0.0, "std_error": error, "ci_low": -1.96 * error, "ci_high": 1.96 * error})
    edge = anytime(row, 1.0)["ci_high"]
    assert anytime(pd.Series({**row, "estimate": edge}), 1.0)["p_value"] == pytest.approx(0.05)


def test_a_method_without_an_error_has_no_looks():
    from made_up import factor_table

    assert looks(replace(design_of(factor_table(1, donors=6)), path=False), "synthetic_control").table.empty


@pytest.mark.long
@pytest.mark.draws
def test_looking_every_month_the_usual_interval_cries_wolf_and_the_sequential_one_does_not(tell):
    world, number = World(two_groups(12, 40, 16), nothing), draws(50, 500)
    ever = {"cluster": 0, "sequential": 0}
    for seed in range(1, number + 1):
        found = looks(world.drawn(seed)[0], MAIN).table
        for kind in ever:
            rows = found[found["inference"] == kind]
            ever[kind] += bool(((rows["ci_low"] > 0) | (rows["ci_high"] < 0)).any())
    for kind, times in ever.items():
        tell(f"{kind}: an interval without 0 at one look or more of 22: {rate(times, number)}")
    assert at_most(ever["sequential"], number, 0.05)
    assert at_least(ever["cluster"], number, 0.08)
