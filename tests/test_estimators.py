"""The contract of every estimator: a new file in estimators/ is tested here by existing."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table

from hgdx_eval.errors import Refusal
from hgdx_eval.estimators import estimator_names
from hgdx_eval.results import check_table

pytestmark = pytest.mark.parametrize("name", estimator_names())


def fit(name, design):
    return import_module(f"hgdx_eval.estimators.{name}").fit(design)


def number(name, table):
    return fit(name, design_of(table)).overall()["estimate"]


def test_has_a_docstring_with_a_source(name):
    assert any(ch.isdigit() for ch in import_module(f"hgdx_eval.estimators.{name}").__doc__)


def test_result_keeps_the_contract(name):
    found = fit(name, design_of(made_up_table(1)))
    check_table(found.table)
    assert set(found.table["estimator"]) == {name}
    assert found.table["simulated"].all()
    assert (found.table["term"].isin(["overall", "change"])).sum() >= 1


def test_recovers_a_known_effect_on_average(name):
    table = [made_up_table(seed, effect=0.08, periods=30) for seed in range(12)]
    errors = [number(name, t) - 8.0 for t in table]
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(len(errors)) + 0.25


def test_same_answer_twice_and_inputs_untouched(name):
    design = design_of(made_up_table(2))
    before = design.table.copy(deep=True)
    first, second = fit(name, design), fit(name, design)
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(design.table, before)


def test_row_order_changes_nothing(name):
    design = design_of(made_up_table(3))
    mixed = replace(design, table=design.table.sample(frac=1, random_state=1))
    np.testing.assert_allclose(fit(name, mixed).overall()["estimate"], fit(name, design).overall()["estimate"], atol=1e-9)


def test_unit_names_change_nothing(name):
    table = made_up_table(4)
    names = {u: f"z{hash(u) % 997}{u[::-1]}" for u in table["unit"].unique()}
    renamed = table.assign(unit=table["unit"].map(names), cluster="k" + table["cluster"])
    np.testing.assert_allclose(number(name, renamed), number(name, table), atol=1e-9)


def test_a_constant_for_the_whole_outcome_changes_nothing(name):
    design = design_of(made_up_table(5))
    moved = replace(design, table=design.table.assign(y=design.table["y"] + 0.2))
    np.testing.assert_allclose(fit(name, moved).overall()["estimate"], fit(name, design).overall()["estimate"], atol=1e-8)


def test_split_cells_change_nothing(name):
    design = design_of(made_up_table(6))
    half = design.table.assign(weight=design.table["weight"] / 2, received=design.table["received"] / 2)
    split = replace(design, table=pd.concat([half, half], ignore_index=True))
    np.testing.assert_allclose(fit(name, split).overall()["estimate"], fit(name, design).overall()["estimate"], atol=1e-8)


def test_refuses_with_a_known_reason_and_never_with_a_number(name):
    from hgdx_eval.results import REASONS

    table = made_up_table(7, periods=9)
    table = table[table["time"] >= table["time"].min() + 7]
    try:
        found = fit(name, design_of(table))
    except Refusal as refusal:
        assert refusal.reason in REASONS
    else:
        check_table(found.table)
