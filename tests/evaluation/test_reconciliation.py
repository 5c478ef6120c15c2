"""Why methods differ is computed: steps add up to each method's number, and what a method is said to take otherwise is true."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import design_of, made_up_table, table_for

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.reconciliation import STEPS, differs, extra_cases, one_change, path, reconcile
from hgdx_eval.study.vocabulary import estimator_names

MAIN = "two_way_fixed_effects"


@pytest.mark.parametrize("name", estimator_names())
def test_what_a_method_is_said_to_take_otherwise_does_not_move_it(name):
    """Each declared step leaves the method's own number where it was, and its steps are known."""
    design = design_of(table_for(name, 5))
    before = estimate(design, name).overall()["estimate"]
    for step in differs(name):
        if step == "no_comparison":
            treated = replace(design, table=design.table[design.table["treated_from"].notna()].reset_index(drop=True))
            assert estimate(treated, name).overall()["estimate"] == pytest.approx(before, abs=1e-6)
            continue
        assert step in STEPS
        assert estimate(STEPS[step](design), name).overall()["estimate"] == pytest.approx(before, abs=1e-6), step


@pytest.mark.parametrize("name", estimator_names())
def test_steps_add_up_to_the_methods_number(name):
    design = design_of(table_for(name, 6))
    found = estimate(design, name)
    rows = reconcile(design, [found]).table
    if name == MAIN:
        assert rows.empty
        return
    assert rows["estimate"].sum() == pytest.approx(found.overall()["estimate"], abs=1e-9)
    assert rows["group"].iloc[0] == "start" and rows["group"].iloc[-1] == "rest"
    assert rows["estimate"].iloc[0] == pytest.approx(estimate(design, MAIN).overall()["estimate"], abs=1e-9)


def test_weights_explain_a_difference_that_weights_made():
    """Large units have no effect, small ones have: only the weights differ between the two answers."""
    table = made_up_table(8, effect=0.0, clusters=8)
    small = (table["unit"].str[-1] == "1").to_numpy()
    table.loc[~small, ["denominator", "numerator"]] *= 50
    after = (table["time"] >= table["treated_from"]).to_numpy()
    table["numerator"] += np.where(after & small, 0.1 * table["denominator"], 0).round()
    changes = one_change(design_of(table)).table.set_index("group")["estimate"]
    assert changes["equal_weights"] - changes["unchanged"] > 3


def test_one_change_says_where_a_change_cannot_be_made():
    design = design_of(made_up_table(3, drop=0.0))
    gone = replace(design, table=design.table[(design.table.index % 29 != 0)].reset_index(drop=True))
    rows = one_change(gone).table.set_index("group")
    assert rows.loc["complete_units", "status"] == "refused" or rows.loc["complete_units", "n_units"] < 24
    assert "common_periods" not in rows.index  # they are common already


def test_comparison_groups_are_taken_alone():
    table = made_up_table(3)
    table["group"] = np.where(table["treated_from"].notna(), "fee", np.where(table["unit"].str[-1] == "2", "free", "already_free"))
    rows = one_change(design_of(table)).table
    assert rows.loc[rows["group"] == "comparison_group", "parameter"].tolist() == ["already_free", "free"]


def test_extra_cases_are_the_effect_times_the_treated():
    design = design_of(made_up_table(2))
    found = estimate(design, MAIN)
    row = extra_cases(design, found).table.iloc[0]
    treated = design.table.loc[design.table["treated"], "denominator"].sum()
    assert row["estimate"] == pytest.approx(found.overall()["estimate"] / 100 * treated)
    assert row["scale"] == "count" and row["group"] == "extra_dossiers"
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_without_counts_there_are_no_extra_cases():
    design = design_of(made_up_table(2))
    level = replace(design, table=design.table.assign(denominator=np.nan, numerator=np.nan), scale="level")
    assert extra_cases(level, estimate(level, MAIN)).table.empty


def test_a_step_that_cannot_be_made_leaves_the_method_out():
    design = design_of(made_up_table(1))
    assert path(design, "callaway_santanna") is not None
    one = replace(design, table=design.table[design.table["time"] >= design.start.ordinal])
    try:
        assert path(one, "callaway_santanna") is None
    except Refusal:
        pytest.fail("a refusal came through")
