"""Goodman-Bacon: the weighted comparisons add up to the coefficient, whatever the cohorts; forbidden ones are told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import design_of, staggered_table

from hgdx_eval.estimation.bacon import decomposition, forbidden_weight
from hgdx_eval.estimators.two_way_fixed_effects import FORBIDDEN, fit


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), blocks=st.booleans(), never=st.booleans())
def test_comparisons_add_up_to_the_coefficient(seed, blocks, never):
    table = staggered_table(seed, never=never or blocks)
    design = design_of(table, blocks=blocks)
    mean = design.table.groupby("unit")["weight"].transform("mean")
    fixed = replace(design, table=design.table.assign(weight=mean))
    parts = decomposition(fixed, fixed.table)
    assert parts["weight"].sum() == pytest.approx(1)
    assert (parts["weight"] > 0).all()
    assert parts["weight"] @ parts["estimate"] == pytest.approx(fit(fixed).overall()["estimate"], abs=1e-9)


def test_equal_to_an_independent_library():
    diff_diff = pytest.importorskip("diff_diff", reason="the oracles extra is not installed")
    table = staggered_table(3)
    design = design_of(table, weight=1.0)
    frame = design.table.assign(first=design.table["treated_from"].fillna(0).astype(int), y=design.table["y"] * 100)
    theirs = diff_diff.BaconDecomposition(weights="exact").fit(frame, "y", "unit", "time", "first")
    parts = decomposition(design, design.table)
    assert len(parts) == len(theirs.comparisons)
    ours = parts.sort_values(["weight", "estimate"])[["weight", "estimate"]].to_numpy()
    other = pd.DataFrame([(c.weight, c.estimate) for c in theirs.comparisons]).sort_values([0, 1]).to_numpy()
    np.testing.assert_allclose(ours, other, atol=1e-9)


def test_with_one_cohort_there_is_one_comparison_and_no_warning():
    found = fit(design_of(staggered_table(1, cohorts=(6,))))
    rows = found.rows("bacon")
    assert rows["group"].tolist() == ["treated_vs_never"] and "forbidden_comparisons" not in found.notes


def test_forbidden_comparisons_that_weigh_are_told():
    found = fit(design_of(staggered_table(1)))
    parts = found.rows("bacon")
    forbidden = parts.loc[parts["group"] == "later_vs_already_treated", "parameter"].astype(float).sum()
    assert forbidden > FORBIDDEN and "forbidden_comparisons" in found.notes
    design = design_of(staggered_table(1))
    assert forbidden == pytest.approx(forbidden_weight(decomposition(design, design.table)), abs=1e-5)


def test_units_with_gaps_are_left_out_and_none_left_is_an_empty_table():
    table = staggered_table(2)
    gone = table[~((table["time"] == table["time"].min() + 3) & (table["unit"] == "u000"))]
    design = design_of(gone)
    assert decomposition(design, design.table)["weight"].sum() == pytest.approx(1)
    place = table.groupby("unit").cumcount()
    holes = design_of(table[place != table["unit"].str[1:].astype(int) % 12])
    assert decomposition(holes, holes.table).empty and forbidden_weight(decomposition(holes, holes.table)) == 0
