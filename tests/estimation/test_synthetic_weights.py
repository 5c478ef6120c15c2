"""The synthetic methods: exact optima, every placebo, nobody in their own donor pool, and refusals instead of numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import SYNTHETIC, design_of, factor_table
from scipy.optimize import minimize
from test_published import FROZEN, from_study

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.synthetic_weights import Matrix, matrix, objective, placebos, pretended, simplex
from hgdx_eval.estimators.augmented_synthetic_control import augmented, correction
from hgdx_eval.estimators.synthetic_control import control
from hgdx_eval.estimators.synthetic_did import synthetic_did

REFERENCE = Path(__file__).parent.parent / "reference"
SOLVERS = {"synthetic_control": control, "synthetic_did": synthetic_did, "augmented_synthetic_control": augmented}


def published(name, part="prop99"):
    return yaml.safe_load((REFERENCE / f"{name}.yaml").read_text(encoding="utf-8"))[part]


@pytest.mark.parametrize("name", SYNTHETIC)
def test_proposition_99(name, tmp_path, shared_reference, capsys):
    found = from_study(tmp_path, data=str(shared_reference / "california_prop99.csv"), unit="State", period="Year", frequency="Y",
                       outcome="PacksPerCapita", treated="treated", cluster="State", estimator=name)  # fmt: skip
    told, row = published(name), found.overall()
    expected = told["values"]["estimate"]
    with capsys.disabled():
        print(f"\n{name}: {row['estimate']:.5f}, exact {expected['expected']}, printed by R {told.get('printed', '-')}")
    assert row["estimate"] == pytest.approx(expected["expected"], abs=expected["tolerance"])
    assert len(found.rows("placebo_space")) == 38 and "California" not in set(found.rows("placebo_space")["group"])
    assert all(0 < p <= 1 for p in found.rows("overall", "placebo")["p_value"])


@pytest.mark.parametrize("name", SYNTHETIC)
def test_frozen_values_of_independent_libraries(name):
    row = estimate(design_of(factor_table(11, donors=12)), name).overall()
    if name == "augmented_synthetic_control":
        expected, tolerance = (published(name, "made_up")["values"]["estimate"][k] for k in ("expected", "tolerance"))
    else:
        kind, tolerance = ("unscaled", 1e-7) if name == "synthetic_control" else ("stopped_early", 1e-3)
        expected = FROZEN[name][kind]["estimate"]
    assert row["estimate"] == pytest.approx(expected, abs=tolerance)


def random_distance(seed, donors, periods):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(donors, 1)) + np.cumsum(rng.normal(size=(donors, periods)), axis=1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), donors=st.integers(2, 12), periods=st.integers(2, 15), ridge=st.sampled_from([0.0, 0.3, 20.0]))
def test_weights_are_the_optimum(seed, donors, periods, ridge):
    """On the simplex; no donor could lower the objective (the conditions of Karush, Kuhn & Tucker); no random point is better."""
    distance = random_distance(seed, donors, periods)
    weights, _ = simplex(distance, ridge)
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)
    slope = distance @ (weights @ distance) + ridge * weights
    size = max(1.0, np.abs(slope).max())
    assert (slope >= weights @ slope - 1e-5 * size).all()
    reached = objective(distance, weights, ridge)
    for point in np.random.default_rng(seed).dirichlet(np.ones(donors), 50):
        assert reached <= objective(distance, point, ridge) + 1e-6 * size


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_weights_equal_those_of_a_general_optimiser(seed, ridge):
    distance = random_distance(seed, 6, 20)
    weights, unique = simplex(distance, ridge)
    found = minimize(lambda w: objective(distance, w, ridge), np.full(6, 1 / 6), jac=lambda w: 2 * (distance @ (w @ distance) + ridge * w),
                     bounds=[(0, 1)] * 6, constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(6)},
                     method="SLSQP", options={"ftol": 1e-15, "maxiter": 500})  # fmt: skip
    assert unique
    np.testing.assert_allclose(weights, found.x, atol=1e-5)


def test_two_donors_alike_are_told_and_share_their_weight():
    distance = random_distance(1, 4, 10)
    weights, unique = simplex(distance[[0, 1, 2, 3, 3]])
    once, _ = simplex(distance)
    assert unique == (once[3] < 1e-6)
    both = distance.copy()
    both[:] = distance[0]
    weights, unique = simplex(both)
    assert not unique
    np.testing.assert_allclose(weights, 0.25, atol=1e-6)


def test_more_donors_than_periods_that_fit_exactly_take_the_smallest_squares():
    rng = np.random.default_rng(4)
    distance = rng.normal(size=(30, 3))
    weights, unique = simplex(distance)
    mixed = rng.permutation(30)
    again, _ = simplex(distance[mixed])
    assert not unique and objective(distance, weights, 0.0) < 1e-6
    np.testing.assert_allclose(weights[mixed], again, atol=1e-5)


@pytest.mark.parametrize("name", SYNTHETIC)
def test_every_placebo_has_its_own_donors_and_never_a_treated_unit(name):
    m = matrix(design_of(factor_table(2, donors=9)))
    for i in range(9):
        part = pretended(m, [i])
        assert m.names[i] not in part.names and "u000" not in part.names and len(part.names) == 8
        np.testing.assert_array_equal(part.treated, m.donors[i])
    found = placebos(m, SOLVERS[name], 1)
    assert [group for group, _ in found] == list(m.names)
    assert found[3][1].estimate == SOLVERS[name](pretended(m, [3])).estimate


@pytest.mark.parametrize("name", SYNTHETIC)
def test_ranks_and_rows_are_complete(name):
    found = estimate(design_of(factor_table(3, effect=0.3)), name)
    ranks = found.rows("overall").query("parameter != ''").set_index("parameter")
    assert any(key.startswith("1/21") for key in ranks.index) and any(key.startswith("rmspe ") for key in ranks.index)
    assert ranks["p_value"].min() >= 1 / 21
    assert len(found.rows("placebo_space")) == 20 and len(found.rows("event")) == 24
    assert sum(weight for _, weight in found.donors) == pytest.approx(1, abs=1e-3)
    left_out = set(found.rows("leave_one_out")["group"])
    assert left_out == {donor for donor, weight in found.donors if abs(weight) >= 1e-3}
    assert found.rows("pre_trend")["parameter"].tolist() == ["rmspe"]


def test_the_error_of_synthetic_did_is_the_spread_of_all_placebos():
    found = estimate(design_of(factor_table(3)), "synthetic_did")
    assert found.overall()["std_error"] == pytest.approx(found.rows("placebo_space")["estimate"].std(ddof=0))
    assert found.overall()["inference"] == "placebo"


def test_a_constant_per_unit_changes_nothing_in_synthetic_did():
    m = matrix(design_of(factor_table(4)))
    moved = replace(m, donors=m.donors + np.arange(20.0)[:, None])
    assert synthetic_did(moved).estimate == pytest.approx(synthetic_did(m).estimate, abs=1e-8)


def test_ridge_goes_from_synthetic_control_to_regression():
    m = matrix(design_of(factor_table(5)))
    center = m.donors[:, : m.before].mean(axis=0)
    donors, treated = m.donors[:, : m.before] - center, m.treated[: m.before] - center
    weights, _ = simplex(donors - treated)
    far = correction(donors, treated, weights, 1e12)
    near = correction(donors, treated, weights, 1e-9)
    assert np.abs(far).max() < 1e-6
    np.testing.assert_allclose((weights + near) @ donors, treated, atol=1e-3)


def test_a_poor_fit_and_an_extreme_unit_are_told():
    table = factor_table(6)
    high = table.assign(numerator=np.where(table["unit"] == "u000", (table["numerator"] + 0.25 * table["denominator"]).clip(upper=table["denominator"]),
                                        table["numerator"]))  # fmt: skip
    assert "poor_fit" in estimate(design_of(high), "synthetic_control").notes
    late = (table["unit"] == "u000") & (table["time"] >= table["treated_from"].min() - 4)
    spike = table.assign(numerator=np.where(late, table["numerator"] + 0.15 * table["denominator"], table["numerator"]))
    assert "regression_to_mean" in estimate(design_of(spike), "synthetic_did").notes


@pytest.mark.parametrize("name", SYNTHETIC)
def test_donors_with_gaps_are_left_out_and_a_treated_gap_is_refused(name):
    table = factor_table(7, donors=8)
    gone = table[~((table["unit"] == "u003") & (table["time"] == table["time"].min()))]
    found = estimate(design_of(gone), name)
    assert "u003" not in set(found.rows("placebo_space")["group"])
    without = estimate(design_of(table[table["unit"] != "u003"]), name)
    assert found.overall()["estimate"] == pytest.approx(without.overall()["estimate"], abs=1e-9)
    hole = table[~((table["unit"] == "u000") & (table["time"] == table["time"].min() + 2))]
    refused(name, design_of(hole), "gaps")


def refused(name, design, reason):
    with pytest.raises(Refusal) as caught:
        estimate(design, name)
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", SYNTHETIC)
def test_what_cannot_be_done_is_refused_by_name(name):
    table = factor_table(8, donors=6)
    refused(name, design_of(table[table["unit"].isin(["u000", "u001"])]), "too_few_donors")
    refused(name, design_of(table[table["time"] >= table["treated_from"].min() - 1]), "too_few_periods")
    refused(name, design_of(table, blocks=True), "blocks")
    together = design_of(table.assign(cluster="c" + (table["unit"].str[-1].astype(int) // 2).astype(str)))
    refused(name, together, "mixed_clusters")


@pytest.mark.parametrize("name", SYNTHETIC)
def test_few_donors_and_constant_donors_give_numbers_that_are_true(name):
    table = factor_table(9, donors=3)
    assert np.isfinite(estimate(design_of(table), name).table["estimate"]).all()
    same = table.assign(numerator=np.where(table["treated_from"].isna(), 2000, table["numerator"]))
    found = estimate(design_of(same), name).overall()["estimate"]
    share = 100 * table["numerator"] / table["denominator"]
    treated = table["treated_from"].notna()
    after = treated & (table["time"] >= table["treated_from"])
    level = share[after].mean() - (50.0 if name != "synthetic_did" else share[treated & ~after].mean())
    assert found == pytest.approx(level, abs=1.0 if name != "synthetic_did" else 6.0)


def test_several_treated_units_are_one_mean_series_and_placebos_take_as_many():
    table = factor_table(10, donors=8)
    second = table[table["unit"] == "u004"].assign(treated_from=table["treated_from"].max())
    both = design_of(pd.concat([table[table["unit"] != "u004"], second], ignore_index=True))
    m = matrix(both)
    assert m.size == 2 and len(m.names) == 7
    found = estimate(both, "synthetic_control")
    assert len(found.rows("placebo_space")) == 21 and all(" + " in group for group in found.rows("placebo_space")["group"])


def test_the_policy_is_found_where_the_assumptions_hold():
    errors = [estimate(replace(design_of(factor_table(seed, effect=0.06)), path=False), "synthetic_did").overall()["estimate"] - 6
              for seed in range(60)]  # fmt: skip
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(60)


def test_a_matrix_is_complete_and_in_points():
    m = matrix(design_of(factor_table(1)))
    assert isinstance(m, Matrix) and m.donors.shape == (20, 24) and m.before == 16
    assert 5 < m.treated.mean() < 100
