"""The synthetic methods: exact optima, every placebo, nobody in their own donor pool, and refusals instead of numbers."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from former_simplex import former_simplex, former_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import SYNTHETIC, design_of, factor_table
from scipy.optimize import minimize
from test_published import FROZEN, from_study

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation import synthetic_weights
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.synthetic_weights import (
    TIE,
    Matrix,
    by_parts,
    dual,
    in_proportion,
    leave_one_out,
    left_out,
    matrix,
    objective,
    placebos,
    pretended,
    reach,
    simplex,
)
from hgdx_eval.estimators.augmented_synthetic_control import STEPS, augmented, correction, penalty, period_errors
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


SHAPES = ("plain", "alike", "nearly alike", "one of many", "constant", "rounded", "units")


def shaped(seed, donors, periods, shape, away):
    """Distances that try the weights: donors alike or nearly, constant ones, ties, of any unit, about the treated or `away` from it."""
    rng = np.random.default_rng(seed)
    distance, half = random_distance(seed, donors, periods) + away, donors // 2
    if shape in ("alike", "nearly alike"):
        distance[half:] = distance[: donors - half]
    if shape == "nearly alike":
        distance[half:] += rng.normal(size=(donors - half, periods)) * 10.0 ** rng.integers(-12, -2)
    if shape == "one of many":
        distance[: max(1, donors // 3)] = distance[0]
    if shape == "constant":
        distance[:] = distance[:, :1]
    return np.round(distance) if shape == "rounded" else distance * 10.0 ** (rng.integers(-4, 6) if shape == "units" else 0)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10_000), donors=st.integers(2, 40), periods=st.integers(1, 16), shape=st.sampled_from(SHAPES),
       away=st.sampled_from([0.0, 3.0]), part=st.sampled_from([0.0, 1e-6, 1e-3, 0.3, 20.0]))  # fmt: skip
def test_weights_equal_those_of_all_donors_at_once(seed, donors, periods, shape, away, part):
    """To 1e-10 where the ridge lets equations be solved so far; below, donors alike are told apart by the ridge alone, and either
    way is as far off as rounding over the ridge. What they fit is the same to 1e-8 in any case."""
    distance = shaped(seed, donors, periods, shape, away)
    size = (distance**2).mean()
    weights, unique = simplex(distance, part * size)
    former, former_unique = former_simplex(distance, part * size)
    assert unique == former_unique
    smallest = part or (1.0 if unique else TIE * periods)
    exact = smallest >= 1e-3
    np.testing.assert_allclose(weights, former, rtol=0, atol=1e-10 if exact else 1e-10 + 1e-13 / smallest)
    np.testing.assert_allclose(weights @ distance, former @ distance, rtol=0, atol=(1e-10 if exact else 1e-8) * max(np.sqrt(size), 1e-300))


def in_fractions(distance, ridge, active):
    """Weights on the active donors by the dual's equations in fractions: no rounding at all."""
    rows = [[Fraction(float(x)) for x in distance[i]] + [Fraction(-1)] for i in active]
    size = len(rows[0])
    system = [[sum(row[a] * row[b] for row in rows) + (Fraction(ridge) if a == b < size - 1 else 0) for b in range(size)]
              + [Fraction(int(a == size - 1))] for a in range(size)]  # fmt: skip
    for i in range(size):
        system[i] = [x / system[i][i] for x in system[i]]
        for j in set(range(size)) - {i}:
            system[j] = [x - system[j][i] * y for x, y in zip(system[j], system[i])]
    weights = np.zeros(len(distance))
    weights[active] = [float(-sum(x * line[-1] for x, line in zip(row, system))) for row in rows]
    return weights


@pytest.mark.parametrize("seed", range(6))
def test_the_tie_break_is_exact_where_all_donors_at_once_round(seed):
    distance = random_distance(seed, 30, 3)
    distance /= np.sqrt((distance**2).mean())
    weights, unique = simplex(distance)
    expected = in_fractions(distance, TIE * (distance**2).sum(axis=1).mean(), np.flatnonzero(weights > 0))
    assert not unique
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("away", [0.0, 1.5, 6.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_of_hundreds_of_donors_equal_those_of_all_at_once(shape, away):
    distance = shaped(2, 340, 8, shape, away)
    size = np.sqrt((distance**2).mean())
    weights, unique = simplex(distance)
    former, former_unique = former_simplex(distance)
    assert unique == former_unique
    np.testing.assert_allclose(weights, former, rtol=0, atol=1e-10 if unique else 1e-6)
    np.testing.assert_allclose(weights @ distance, former @ distance, rtol=0, atol=1e-8 * size)


@pytest.mark.parametrize("away", [0.0, 4.0])
@pytest.mark.parametrize("ridge", [1e-7, 1e-2, 5.0])
def test_the_dual_and_the_parts_give_the_weights_of_all_donors(ridge, away):
    distance = random_distance(3, 120, 10) + away
    distance /= np.sqrt((distance**2).mean())
    expected = former_weights(distance, ridge)
    np.testing.assert_allclose(by_parts(distance, ridge), expected, atol=1e-8 if ridge < 1e-3 else 1e-10)
    found = dual(distance, ridge, 25)
    if found is not None:
        np.testing.assert_allclose(found, expected, atol=1e-8 if ridge < 1e-3 else 1e-10)
    assert found is not None or (ridge, away) == (1e-7, 4.0)


def test_steps_that_do_not_end_are_no_answer():
    distance = random_distance(3, 120, 10)
    assert dual(distance, 1e-3, 0) is None
    assert dual(np.full((5, 2), np.nan), 1e-3, 10) is None


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


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), donors=st.integers(3, 20), periods=st.integers(2, 15), ridge=st.sampled_from([0.05, 0.5, 20.0]))
def test_no_donor_left_out_moves_the_fit_further_than_its_reach(seed, donors, periods, ridge):
    distance = random_distance(seed, donors, periods)
    weights, _ = simplex(distance, ridge)
    bound, best = reach(distance, weights, ridge), objective(distance, weights, ridge)
    for i in np.flatnonzero(weights < 0.999):
        scaled = np.where(np.arange(donors) == i, 0.0, weights) / (1 - weights[i])
        assert bound[i] ** 2 == pytest.approx(objective(distance, scaled, ridge) - best, rel=1e-6, abs=1e-8 * best)
        without = np.insert(simplex(np.delete(distance, i, axis=0), ridge)[0], i, 0.0)
        assert objective(distance, without - weights, ridge) <= bound[i] ** 2 + 1e-8 * best


def without_in_proportion(m, found, i):
    weights = np.where(np.arange(len(m.names)) == i, 0.0, found.weights) / (1 - found.weights[i])
    gap = m.treated - weights @ m.donors
    return gap[m.before :].mean() - found.periods @ gap[: m.before]


@pytest.mark.parametrize("name", SYNTHETIC)
def test_few_donors_are_all_left_out_and_of_many_those_that_matter(name, monkeypatch):
    m, solver = matrix(design_of(factor_table(3))), SOLVERS[name]
    found = solver(m)
    everyone, cut = leave_one_out(m, found, solver)
    heavy = [i for i in range(20) if abs(found.weights[i]) >= 1e-3]
    assert not cut and everyone == [{"term": "leave_one_out", "group": m.names[i], "estimate": left_out(m, i, solver)} for i in heavy]
    np.testing.assert_allclose(in_proportion(m, found), [without_in_proportion(m, found, i) for i in range(20)], rtol=1e-9)
    monkeypatch.setattr(synthetic_weights, "LEFT_OUT", 2)
    some, cut = leave_one_out(m, found, solver)
    assert cut and len(some) == 2 and all(row in everyone for row in some)
    apart = (m.donors - m.treated)[:, : m.before]
    apart = apart - (apart.mean(axis=1, keepdims=True) if name == "synthetic_did" else 0.0)
    moved = reach(apart, found.weights, found.ridge)
    assert {row["group"] for row in some} == {m.names[i] for i in sorted(heavy, key=lambda i: -moved[i])[:2]}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_a_donor_on_which_the_sign_hangs_is_left_out_beyond_the_number(name, monkeypatch):
    """The treated series is moved until the estimate is just above nothing: some donor's share then turns the sign."""
    m, solver = matrix(design_of(factor_table(3))), SOLVERS[name]
    found = solver(m)
    late = np.arange(len(m.treated)) >= m.before
    near = replace(m, treated=m.treated - late * (found.estimate - 1e-6))
    found = solver(near)
    assert 0 < found.estimate < 2e-6
    monkeypatch.setattr(synthetic_weights, "LEFT_OUT", 0)
    rows, _ = leave_one_out(near, found, solver)
    turning = [i for i in np.flatnonzero(np.abs(found.weights) >= 1e-3) if in_proportion(near, found)[i] < 0]
    assert rows and {row["group"] for row in rows} <= {near.names[i] for i in turning}
    assert any(row["estimate"] < 0 for row in rows) or len(rows) == len(turning)


def test_donors_not_left_out_are_told(monkeypatch):
    design = design_of(factor_table(3))
    assert "left_out_in_part" not in estimate(design, "synthetic_control").notes
    monkeypatch.setattr(synthetic_weights, "LEFT_OUT", 2)
    assert "left_out_in_part" in estimate(design, "synthetic_control").notes


@pytest.mark.parametrize(("donors", "periods"), [(6, 18), (30, 12)])
def test_errors_of_left_out_periods_are_those_of_their_own_decompositions(donors, periods):
    rng = np.random.default_rng(donors)
    series, treated = np.cumsum(rng.normal(size=(donors, periods)), axis=1), np.cumsum(rng.normal(size=periods))
    center = series.mean(axis=0)
    series, treated = series - center, treated - center
    largest = np.linalg.svd(series, compute_uv=False)[0] ** 2
    tried = largest * 1e-8 ** (np.arange(STEPS + 1) / STEPS)
    inverse = np.linalg.inv(series.T @ series + tried[:, None, None] * np.eye(periods))
    expected = []
    for period in range(periods - 1):
        x, one = np.delete(series, period, axis=1), np.delete(treated, period)
        weights, _ = simplex(x - one)
        moved = [correction(x, one, weights, ridge) for ridge in tried]
        expected.append([(treated[period] - (weights + more) @ series[:, period]) ** 2 for more in moved])
    errors = np.array([period_errors(series, treated, period, inverse) for period in range(periods - 1)])
    np.testing.assert_allclose(errors, expected, rtol=1e-4)
    mean, error = np.mean(expected, axis=0), np.std(expected, axis=0, ddof=1) / np.sqrt(periods - 1)
    assert penalty(series, treated) == pytest.approx(tried[mean <= mean.min() + error[mean.argmin()]].max())


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
