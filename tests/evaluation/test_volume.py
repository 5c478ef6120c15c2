"""The jump in the number of cases: estimated, bounded by who the missing or new ones may be, and decisive only where it could be the effect."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import design_of, made_up_table

from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.volume import Volume, volume_effect, volume_of, without_jump

REGRESSION = "two_way_fixed_effects"


def world(seed=1, effect=0.0, lost=0.0, times=1.0):
    """Of treated units after the date `lost` of the counter's dossiers are not recorded, or everything is received `times` as often."""
    table = made_up_table(seed, effect, clusters=12)
    rng, late = np.random.default_rng([seed, 9]), table["time"] >= table["treated_from"]
    table["denominator"] = rng.poisson(200, len(table)).clip(50)
    table["numerator"] = rng.binomial(table["denominator"], 0.5 + effect * late)
    counter = rng.binomial(table["denominator"] - table["numerator"], np.where(late, 1 - lost, 1.0))
    table["denominator"] = np.where(late, times, 1.0) * (table["numerator"] + counter)
    table["numerator"] = np.where(late, times, 1.0) * table["numerator"]
    return replace(design_of(table), path=False)


def judged(design):
    return volume_of(design, estimate(design, REGRESSION))


def test_dossiers_that_are_not_recorded_are_found_and_could_be_the_whole_effect():
    found = judged(world(lost=0.4))
    assert abs(found.jump + 0.2) < 0.03 and found.explains and found.low < 0 < found.high
    assert estimate(world(lost=0.4), REGRESSION).overall()["estimate"] > 8  # a large effect of nothing


def test_dossiers_that_the_comparison_side_lacks_could_be_the_whole_effect_too():
    """Forty per cent of its online dossiers unrecorded: its share falls, and the treated side's number does not move at all."""
    design = world()
    table, rng = design.table, np.random.default_rng(3)
    late = (table["time"] >= table["treated_from"].min()) & table["treated_from"].isna()
    lost = rng.binomial(table["numerator"].astype(int), np.where(late, 0.4, 0.0))
    numerator, denominator = table["numerator"] - lost, table["denominator"] - lost
    found = judged(
        replace(design, table=table.assign(numerator=numerator, denominator=denominator, weight=denominator, y=numerator / denominator))
    )
    assert found.jump > 0.15 and found.explains


def test_a_volume_that_doubles_could_be_the_whole_effect():
    found = judged(world(effect=0.1, times=2.0))
    assert abs(found.jump - 1) < 0.1 and found.explains


def test_a_stable_volume_explains_nothing():
    for seed in range(1, 6):
        found = judged(world(seed, effect=0.1))
        assert abs(found.jump) < 0.05 and not found.explains


def test_a_small_sure_jump_does_not_undo_a_large_effect():
    found = judged(world(effect=0.2, times=1.06))
    assert found.seen and not found.explains and 0 < found.low < found.high


def test_without_counts_there_is_no_jump():
    bare = world()
    bare = replace(bare, table=bare.table.assign(denominator=np.nan, numerator=np.nan, weight=1.0), scale="level")
    assert volume_effect(bare, REGRESSION) == (None, "no_counts") and judged(bare) is None


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_bounds_hold_whatever_the_missing_or_new_cases_were(online, counter, more_online, more_counter):
    """Cases of one side are hidden, or added: the share without that stands inside the bounds, and at their ends where all were alike."""
    share, whole = online / (online + counter), online + counter
    other = (online + more_online) / (whole + more_online + more_counter)
    low, high = without_jump(share, whole / (whole + more_online + more_counter))
    assert low - 1e-12 <= other <= high + 1e-12
    back_low, back_high = without_jump(other, (whole + more_online + more_counter) / whole)
    assert back_low - 1e-12 <= share <= back_high + 1e-12
    if more_online == 0:
        assert low == pytest.approx(other)
    if more_counter == 0:
        assert high == pytest.approx(other)


def test_it_says_what_it_is():
    assert "seen" in repr(Volume(-0.2, 0.001, -8.0, 9.0)) and "-20" in repr(Volume(-0.2, 0.001, -8.0, 9.0))
