"""The contract of every estimator: a new file in estimators/ is tested here by existing."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from made_up import SYNTHETIC, design_of, staggered_table, table_for

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.results import check_table
from hgdx_eval.study.vocabulary import NOTES, REASONS, estimator_names

pytestmark = pytest.mark.parametrize("name", estimator_names())
SERIES = ("interrupted_time_series", "structural_time_series")  # of the treated group as one: no unit has an effect of its own
LEVELS = ("synthetic_control", "augmented_synthetic_control")  # match levels: a unit moved up is another donor


def fit(name, design):
    return import_module(f"hgdx_eval.estimators.{name}").fit(design)


def number(name, table):
    return fit(name, design_of(table)).overall()["estimate"]


def outcome(name, design):
    """The estimate, or the reason why there is none: never anything else."""
    try:
        found = fit(name, design)
    except Refusal as refusal:
        assert refusal.reason in REASONS
        return refusal.reason
    check_table(found.table)
    assert set(found.notes) <= NOTES
    return found.overall()["estimate"]


def test_has_a_docstring_with_a_source(name):
    assert any(ch.isdigit() for ch in import_module(f"hgdx_eval.estimators.{name}").__doc__)


def test_result_keeps_the_contract(name):
    found = fit(name, design_of(table_for(name, 1)))
    check_table(found.table)
    assert set(found.table["estimator"]) == {name}
    assert found.table["simulated"].all()
    assert (found.table["term"].isin(["overall", "change"])).sum() >= 1
    assert set(found.notes) <= NOTES
    only = fit(name, replace(design_of(table_for(name, 1)), path=False))
    assert only.overall()["estimate"] == found.overall()["estimate"]


def test_recovers_a_known_effect_on_average(name):
    """Six draws see what is wrong by a factor, a sign or a period; a bias of a tenth of a standard deviation: tests/estimators/test_bias.py."""
    errors = [number(name, table_for(name, seed, effect=0.08, periods=30)) - 8.0 for seed in range(6)]
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(len(errors)) + 0.25


def test_same_answer_twice_and_inputs_untouched(name):
    design = design_of(table_for(name, 2))
    before = design.table.copy(deep=True)
    first, second = fit(name, design), fit(name, design)
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(design.table, before)


def test_row_order_changes_nothing(name):
    design = design_of(table_for(name, 3))
    mixed = replace(design, table=design.table.sample(frac=1, random_state=1))
    first, second = fit(name, design).table, fit(name, mixed).table
    keys = ["term", "group", "cohort", "period", "event_time", "parameter", "inference"]
    both = first.merge(second, on=keys, suffixes=("", "_mixed"))
    assert len(both) >= len(first)
    np.testing.assert_allclose(both["estimate_mixed"], both["estimate"], atol=1e-6)


def test_unit_names_change_nothing(name):
    table = table_for(name, 4)
    names = {u: f"z{(i * 7919) % 997}{u[::-1]}" for i, u in enumerate(table["unit"].unique())}
    renamed = table.assign(unit=table["unit"].map(names), cluster="k" + table["cluster"])
    np.testing.assert_allclose(number(name, renamed), number(name, table), atol=1e-7)


def test_a_constant_for_the_whole_outcome_changes_nothing(name):
    design = design_of(table_for(name, 5))
    moved = replace(design, table=design.table.assign(y=design.table["y"] + 0.2))
    np.testing.assert_allclose(fit(name, moved).overall()["estimate"], fit(name, design).overall()["estimate"], atol=1e-6)


def test_a_constant_per_unit_changes_nothing_where_units_have_effects(name):
    if name in (*SERIES, *LEVELS, "grouped_logit"):
        pytest.skip("this method has no unit effects on the outcome's own scale")
    design = design_of(table_for(name, 5))
    codes = pd.factorize(design.table["unit"])[0]
    moved = replace(design, table=design.table.assign(y=design.table["y"] + np.sin(codes) / 5))
    np.testing.assert_allclose(fit(name, moved).overall()["estimate"], fit(name, design).overall()["estimate"], atol=1e-7)


def test_split_cells_change_nothing_or_are_refused(name):
    design = design_of(table_for(name, 6))
    counts = {c: design.table[c] / 2 for c in ("weight", "denominator", "numerator")}
    half = design.table.assign(**counts)
    split = replace(design, table=pd.concat([half, half], ignore_index=True))
    found = outcome(name, split)
    assert isinstance(found, str) or found == pytest.approx(fit(name, design).overall()["estimate"], abs=1e-7)


def test_unused_categories_change_nothing(name):
    design = design_of(table_for(name, 6))
    columns = ("unit", "cluster", "effect", "block", "group")
    typed = {c: pd.Categorical(design.table[c], categories=[*sorted(design.table[c].unique()), "never seen"]) for c in columns}
    found = outcome(name, replace(design, table=design.table.assign(**typed)))
    assert isinstance(found, str) or found == pytest.approx(fit(name, design).overall()["estimate"], abs=1e-7)


def test_unbalanced_panels_keep_their_answer_near(name):
    table = table_for(name, 8, effect=0.08, periods=30)
    rng = np.random.default_rng(8)
    treated = table["treated_from"].notna() & (name in SYNTHETIC)
    gone = table[(rng.uniform(size=len(table)) > 0.02) | treated | (table["unit"] < "u015") & (name in SYNTHETIC)]
    found = outcome(name, design_of(gone))
    assert isinstance(found, str) or abs(found - 8.0) < 4.0


def test_too_few_periods_before_are_refused_or_told_with_a_true_number(name):
    table = table_for(name, 7)
    start = int(table["treated_from"].min())
    outcome(name, design_of(table[table["time"] >= start - 1]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(name, value):
    design = design_of(table_for(name, 7))
    y = design.table["y"].copy()
    y.iloc[3] = value
    numerator = design.table["numerator"].where(np.isfinite(y), value)
    assert outcome(name, replace(design, table=design.table.assign(y=y, numerator=numerator))) == "not_finite"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_that_never_vary_give_no_effect_or_a_refusal(name, share):
    table = table_for(name, 7)
    found = outcome(name, design_of(table.assign(numerator=table["denominator"] * share)))
    assert found in ("no_variation", "not_converged", "collinear") or abs(found) < 1e-9


def test_rows_of_zero_weight_count_for_nothing(name):
    table = table_for(name, 9)
    design = design_of(table)
    first_comparison = design.table.index[design.table["treated_from"].isna()][:1]
    zero = design.table.assign(weight=design.table["weight"].where(~design.table.index.isin(first_comparison), 0.0))
    gone = replace(design, table=design.table.drop(index=first_comparison))
    zero = replace(design, table=zero)
    one, other = outcome(name, zero), outcome(name, gone)
    if name == "grouped_logit":  # its weights are the dossiers themselves
        return
    assert one == other if isinstance(one, str) else one == pytest.approx(other, abs=1e-7)


def test_one_cluster_gives_no_clustered_error(name):
    design = design_of(table_for(name, 9))
    found = outcome(name, replace(design, table=design.table.assign(cluster="all")))
    assert name in SERIES or found in ("one_cluster", "mixed_clusters")


def test_staggered_starts_are_estimated_or_refused(name):
    found = outcome(name, design_of(staggered_table(3)))
    assert found in ("staggered", "no_third_difference", "mixed_clusters") or 5 < found < 15


def test_without_any_treated_unit_there_is_no_number(name):
    design = design_of(table_for(name, 3))
    none = design.table.assign(treated_from=np.nan, event_time=np.nan, treated=False)
    assert isinstance(outcome(name, replace(design, table=none)), str)
