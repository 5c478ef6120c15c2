"""What cannot be identified is bounded: the bounds hold what an adversary could have done, and are no wider than that."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, factor_table

from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.bounds import SPILL, effect_bounds

MAIN = "two_way_fixed_effects"


def provinces(seed=1, donors=8):
    """One treated unit, as many others, of which nobody knows whether they were treated."""
    return design_of(factor_table(seed, donors=donors), weight=1.0, contaminated=3, unknown_units=donors, estimand="difference")


def test_contamination_bounds_are_the_worst_of_all_ways_to_leave_units_out():
    design = provinces()
    rows = effect_bounds(design, MAIN).table.query("group == 'contamination'").set_index("parameter")
    assert list(rows.index) == ["0", "1", "2", "3"]
    for k in (1, 2):
        found = [estimate(replace(design, table=design.table[~design.table["unit"].isin(out)], path=False), MAIN).overall()["estimate"]
                 for out in combinations(design.comparison_units, k)]  # fmt: skip
        assert rows.loc[str(k), "ci_low"] == pytest.approx(min(found), abs=1e-9)
        assert rows.loc[str(k), "ci_high"] == pytest.approx(max(found), abs=1e-9)
    assert rows.loc["0", "ci_low"] == rows.loc["0", "ci_high"] == rows.loc["0", "estimate"]
    assert (rows["ci_high"].diff().dropna() >= 0).all() and (rows["ci_low"].diff().dropna() <= 0).all()
    assert set(rows["inference"]) == {"none"}


def test_contaminated_provinces_hide_the_effect_and_the_bounds_hold_it():
    table = factor_table(3, effect=0.08, donors=12)
    also = table["unit"].isin(["u003", "u004"]) & (table["time"] >= table["treated_from"].min())
    table["numerator"] = np.where(
        also, (table["numerator"] + 0.08 * table["denominator"]).clip(upper=table["denominator"]), table["numerator"]
    )
    design = design_of(table, weight=1.0, contaminated=2, unknown_units=12)
    rows = effect_bounds(design, MAIN).table.query("group == 'contamination'").set_index("parameter")
    clean = estimate(replace(design, table=design.table[~design.table["unit"].isin(["u003", "u004"])], path=False), MAIN).overall()
    assert rows.loc["0", "estimate"] < clean["estimate"]
    assert rows.loc["2", "ci_low"] <= clean["estimate"] <= rows.loc["2", "ci_high"] + 1e-9


def test_known_comparison_units_need_no_such_bound():
    assert "contamination" not in set(effect_bounds(design_of(factor_table(1)), MAIN).table["group"])


def test_anticipation_leaves_out_the_periods_before():
    design = provinces()
    rows = (
        effect_bounds(replace(design, signed=design.start.ordinal - 2), MAIN).table.query("group == 'anticipation'").set_index("parameter")
    )
    event = design.table["time"] - design.start.ordinal
    for name, gone in (("1", 1), ("3", 3), ("signed", 2)):
        kept = replace(design, table=design.table[(event >= 0) | (event < -gone)], path=False)
        assert rows.loc[name, "estimate"] == pytest.approx(estimate(kept, MAIN).overall()["estimate"], abs=1e-9)


def test_spillover_at_the_same_counter_scales_the_effect():
    from made_up import made_up_table

    design = design_of(made_up_table(2), blocks=True)
    rows = effect_bounds(design, MAIN).table.query("group == 'spillover'")
    main = estimate(design, MAIN).overall()
    assert rows["parameter"].astype(float).tolist() == list(SPILL)
    np.testing.assert_allclose(rows["estimate"], [main["estimate"] / (1 - part) for part in SPILL])
    assert "spillover" not in set(effect_bounds(provinces(), MAIN).table["group"])  # no counter is shared


def test_an_effect_that_spills_over_is_bounded_from_below():
    """Free dossiers at the counter get half of 6 points: the difference is 3, and a half spilled over says 6."""
    from made_up import made_up_table

    found = []
    for seed in range(10):
        table = made_up_table(seed, effect=0.06, clusters=10, periods=20)
        free = table["treated_from"].isna() & (table["time"] >= table["treated_from"].min())
        table["numerator"] += np.where(free, 0.03 * table["denominator"], 0).round()
        rows = effect_bounds(design_of(table, blocks=True), MAIN).table.query("group == 'spillover'").set_index("parameter")
        found.append(rows.loc["0.5", "estimate"])
    assert np.mean(found) == pytest.approx(6.0, abs=4 * np.std(found) / np.sqrt(10))


def test_bounds_keep_the_contract():
    from hgdx_eval.estimation.results import check_table

    found = effect_bounds(provinces(), MAIN)
    check_table(found.table)
    assert isinstance(found.table, pd.DataFrame) and set(found.table["term"]) == {"bound"}
