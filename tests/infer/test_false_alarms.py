"""The gate: worlds without an effect from the time before alone, honest rates, and the study's own order."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table, staggered_table
from worlds import World, noise, one_among_many, parallel, two_groups, unit_levels

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.infer.false_alarms import chosen, false_alarms, linear_of, worlds_of
from hgdx_eval.infer.world_sums import draws_of, outcomes
from hgdx_eval.study.vocabulary import KINDS, estimator_names

MAIN = "two_way_fixed_effects"


def design(seed=1, clusters=8):
    return replace(World(two_groups(clusters), parallel).drawn(seed)[0], path=False)


def test_nothing_from_the_start_on_is_read():
    one = design()
    later = one.table["time"] >= one.start.ordinal
    other = replace(one, table=one.table.assign(y=one.table["y"].where(~later, 0.123)))
    assert false_alarms(one, MAIN, KINDS, 200).equals(false_alarms(other, MAIN, KINDS, 200))


def test_a_world_keeps_clusters_whole_and_months_in_a_row():
    w = worlds_of(design())
    tagged = replace(w, residual=np.arange(w.residual.size, dtype=float).reshape(w.residual.shape))
    y = outcomes(tagged, draws_of(tagged, 0, 3))
    assert (y[:, 0] // w.before == w.unit).all()
    month = (y[:, 0] % w.before).astype(int)  # units are listed one after the other, each with its months in order
    frame = pd.DataFrame({"cluster": w.cluster, "time": w.time, "month": month})
    assert (frame.groupby(["cluster", "time"])["month"].nunique() == 1).all()
    steps = frame.groupby(["cluster", "time"])["month"].first().unstack().diff(axis=1).iloc[:, 1:] % w.before
    assert (steps == 1).to_numpy().mean() > 0.75  # five of six within blocks of six


def test_the_same_number_gives_the_same_world():
    w = worlds_of(design())
    assert (outcomes(w, draws_of(w, 5, 1))[:, 0] == outcomes(w, draws_of(w, 0, 10))[:, 5]).all()


def test_rates_have_their_monte_carlo_interval():
    found = false_alarms(design(), MAIN, KINDS, 300)
    assert set(found["kind"]) == {"cluster", "wild", "randomization"}  # more placebo sets than clusters allow
    assert ((found["low"] <= found["rate"]) & (found["rate"] <= found["high"])).all() and (found["worlds"] == 300).all()


def test_a_shock_that_clusters_do_not_share_is_found_out():
    """Agencies whose fee and no-fee dossiers have shocks of their own: units exchanged inside an agency are not alike."""
    table = made_up_table(1, clusters=8, periods=30, effect=0.0).assign(treated_from=lambda t: t["treated_from"] + 8)
    side = table["treated_from"].notna().astype(int)
    rng = np.random.default_rng(1)
    shock = rng.normal(0, 0.08, (8, 2, 30))
    cluster, time = pd.factorize(table["cluster"])[0], table["time"] - table["time"].min()
    table["numerator"] = (
        (table["numerator"] / table["denominator"] + shock[cluster, side, time]).clip(0, 1) * table["denominator"]
    ).round()
    rates = false_alarms(replace(design_of(table, blocks=True), path=False), MAIN, KINDS, 500).set_index("kind")["rate"]
    assert rates["randomization"] > 0.15 > 0.08 > rates["cluster"]


def test_too_short_a_time_before_has_no_rates():
    short = World(two_groups(8, 10, 3), parallel).drawn(1)[0]
    assert false_alarms(short, MAIN, KINDS, 100).empty


def test_a_method_that_is_no_weighted_sum_has_no_rates():
    assert false_alarms(World(one_among_many(), parallel).drawn(1)[0], "synthetic_control", KINDS, 100).empty


RATES = pd.DataFrame([("cluster", 2000, 0.09, 0.07, 0.11), ("wild", 2000, 0.06, 0.05, 0.08), ("placebo", 2000, 0.02, 0.01, 0.03)],
                     columns=["kind", "worlds", "rate", "low", "high"])  # fmt: skip


@pytest.mark.parametrize(
    ("order", "at_hand", "states"),
    [
        (KINDS, set(KINDS), ["fails", "headline", "unavailable", "conservative"]),
        (("placebo", "wild"), set(KINDS), ["conservative", "headline"]),
        (("cluster",), set(KINDS), ["fails"]),
        (("wild", "placebo"), {"placebo"}, ["unavailable", "headline"]),
    ],
)
def test_of_the_kinds_that_pass_the_one_nearest_to_5_per_cent_is_headlined(order, at_hand, states):
    found = chosen(RATES, order, at_hand)
    assert found["state"].tolist() == states and found["kind"].tolist() == list(order)
    assert found.set_index("kind")["conservative"].reindex(["cluster", "wild"]).dropna().eq(False).all()
    assert "placebo" not in order or found.set_index("kind").loc["placebo", "conservative"]


def test_levels_and_noise_have_the_shape_that_worlds_promise():
    table = two_groups().table
    assert unit_levels(table).shape == noise(table, np.random.default_rng(1)).shape == (len(table),)


@pytest.mark.parametrize(
    "estimator", [name for name in estimator_names() if hasattr(import_module(f"hgdx_eval.estimators.{name}"), "linears")]
)
def test_every_weighted_sum_has_a_gate_where_everybody_is_treated_in_the_end(estimator):
    """Also one that leaves rows out, as Sun & Abraham do from the last cohort's start on: it stays on the rows of the table."""
    table = staggered_table(1, cohorts=(6, 8, 10), never=False, units=6, periods=14, clusters=18).assign(cluster=lambda t: t["unit"])
    chosen = replace(design_of(table), comparison="not_yet", path=False)
    try:
        linear = linear_of(chosen, estimator)
    except Refusal:
        return
    assert len(linear.weights) == len(chosen.table) and linear.estimate == pytest.approx(
        estimate(chosen, estimator).overall()["estimate"], abs=1e-9)  # fmt: skip
    assert linear.std_error == pytest.approx(estimate(chosen, estimator).overall()["std_error"], rel=1e-9)
    assert linear.influence().T @ linear.y == pytest.approx(linear.scores, abs=1e-9)
    assert set(false_alarms(chosen, estimator, ("cluster", "wild"), 60)["kind"]) == {"cluster", "wild"}
