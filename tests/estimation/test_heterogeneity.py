"""For whom, at what dose, after the end: known effects are recovered group by group, and groups are drawn together by chance alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import design_of, made_up_table

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.heterogeneity import between, dose_response, effects_by_group, labels, pooled_rows, reversal
from hgdx_eval.estimators.two_way_fixed_effects import fit


def grouped_design(seed=1, clusters=12, effects=(0.0, 0.1)):
    """Clusters are of two kinds whose treated units have different effects."""
    table = made_up_table(seed, effect=0.0, clusters=clusters)
    kind = table["cluster"].str[1:].astype(int) % 2
    after = (table["time"] >= table["treated_from"]).to_numpy()
    extra = np.where(after, np.where(kind == 0, effects[0], effects[1]), 0.0)
    table["numerator"] = (table["numerator"] + (extra * table["denominator"]).round()).clip(upper=table["denominator"])
    design = design_of(table, blocks=True)
    traits = design.table[["unit"]].drop_duplicates().assign(kind=lambda t: np.where(t["unit"].str[1:-2].astype(int) % 2, "b", "a"))
    return replace(design, traits=traits)


def test_effects_of_groups_are_found_and_named():
    found = effects_by_group(grouped_design())
    raw = found.table[found.table["parameter"] == "raw"].set_index("group")["estimate"]
    assert raw["kind=a"] == pytest.approx(0.0, abs=2.5) and raw["kind=b"] == pytest.approx(10.0, abs=2.5)
    assert set(found.table["term"]) == {"group"}


def test_group_effects_average_to_the_main_one_with_their_dossiers():
    design = grouped_design()
    found = effects_by_group(design)
    raw = found.table[found.table["parameter"] == "raw"]
    assert min(raw["estimate"]) < fit(design).overall()["estimate"] < max(raw["estimate"])
    assert raw["n_obs"].sum() == design.table.loc[design.table["treated"], "denominator"].sum()


def test_without_traits_or_with_one_value_there_is_nothing():
    design = design_of(made_up_table(1))
    assert effects_by_group(design) is None
    same = replace(design, traits=design.traits.assign(kind="a"))
    assert effects_by_group(same).table.empty


def test_a_group_in_few_clusters_has_no_error_but_a_number():
    design = grouped_design(clusters=6)  # three clusters of each kind, blocks are the clusters themselves
    raw = effects_by_group(design).table
    assert raw["std_error"].isna().all() and raw["estimate"].notna().all() and set(raw["inference"]) == {"none"}


def test_numbers_become_bands_and_nothing_is_in_no_band():
    table = design_of(made_up_table(1)).table
    units = table["unit"].unique()
    values = pd.Series(np.linspace(0, 1000, len(units)).round(), index=units)
    found = labels(values, table)
    assert found[units[0]] == "" and len(set(found) - {""}) == 3
    for unit in table.loc[table["treated"], "unit"].unique()[1:]:  # the first is worth nothing
        ends = [float(end) for end in found[unit].split("..")]
        assert ends[0] <= values[unit] <= ends[-1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(0.1, 5)), min_size=4, max_size=20))
def test_pooled_effects_lie_between_their_own_and_the_mean(pairs):
    rows = [{"group": f"k={i}", "estimate": e, "std_error": s} for i, (e, s) in enumerate(pairs)]
    y, variance = np.array([e for e, _ in pairs]), np.array([s for _, s in pairs]) ** 2
    _, mean = between(y, variance)
    pooled = [row for row in pooled_rows(rows, "k") if row["parameter"] == "pooled"]
    for (own, _), row in zip(pairs, pooled, strict=True):
        assert min(own, mean) - 1e-9 <= row["estimate"] <= max(own, mean) + 1e-9
        assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_pooled_intervals_hold_the_true_group_effects_as_often_as_they_say():
    rng = np.random.default_rng(20)
    held = []
    for _ in range(400):
        truth, error = rng.normal(4, 1, 8), rng.uniform(0.5, 2, 8)
        rows = [
            {"group": f"k={i}", "estimate": e, "std_error": s} for i, (e, s) in enumerate(zip(rng.normal(truth, error), error, strict=True))
        ]
        held += [row["ci_low"] <= t <= row["ci_high"] for row, t in zip(pooled_rows(rows, "k"), truth, strict=False)]
    assert np.mean(held) >= 0.93


def test_three_groups_are_too_few_to_pool():
    assert pooled_rows([{"estimate": 1.0, "std_error": 1.0}] * 3, "k") == []


def doses(seed=1):
    """Treated units saved 10, 20 or 30; each 10 are worth 3 points."""
    table = made_up_table(seed, effect=0.0, clusters=9)
    dose = 10.0 * (1 + table["cluster"].str[1:].astype(int) % 3)
    after = (table["time"] >= table["treated_from"]).to_numpy()
    table["numerator"] += np.where(after, 0.003 * dose * table["denominator"], 0).round()
    return design_of(table.assign(dose=dose.where(table["treated_from"].notna())), blocks=True)


def test_dose_levels_and_slope_are_recovered():
    found = dose_response(doses()).table
    levels = found[found["parameter"] != "slope"].set_index("group")["estimate"]
    np.testing.assert_allclose(levels[["10", "20", "30"]], [3, 6, 9], atol=2.0)
    slope = found[found["parameter"] == "slope"].iloc[0]
    assert slope["group"] == "10" and slope["estimate"] == pytest.approx(3.0, abs=1.0)


def test_one_dose_has_no_slope_and_none_is_refused():
    design = doses()
    one = replace(design, table=design.table.assign(dose=design.table["dose"].where(design.table["dose"].isna(), 20.0)))
    assert "slope" not in set(dose_response(one).table["parameter"])
    zero = replace(design, table=design.table.assign(dose=0.0))
    with pytest.raises(Refusal, match="dose above 0"):
        dose_response(zero)
    assert dose_response(design_of(made_up_table(1))) is None


def test_what_is_left_after_the_policy_ended():
    """5 points while it was on, 2 left afterwards."""
    table = made_up_table(2, effect=0.05, periods=24, clusters=8)
    ended = (table["time"] >= table["treated_from"] + 8).to_numpy()
    table["numerator"] -= np.where(ended, 0.03 * table["denominator"], 0).round()
    design = design_of(table)
    off = (design.table["event_time"] >= 8).to_numpy()
    design = replace(design, table=design.table[~off].reset_index(drop=True), ended=design.table[off].reset_index(drop=True))
    found = reversal(design).table.set_index("parameter")
    assert found.loc["on", "estimate"] == pytest.approx(5.0, abs=1.5)
    assert found.loc["off", "estimate"] == pytest.approx(2.0, abs=1.5)
    assert found.loc["off", "period"].startswith("2023-05..")
    assert reversal(design_of(made_up_table(1))) is None
