"""The specification curve: the same numbers as the estimators themselves give, the rule of what is in it, what is read from it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import ORIGIN, design_of, made_up_table, staggered_table
from scipy import stats

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.placebos import rebuilt, without_cluster
from hgdx_eval.design.variants import (
    with_common_periods,
    with_comparison_group,
    with_complete_units,
    with_equal_weights,
    with_mean_weights,
    with_periods,
)
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.results import Estimate, check_table, result_table
from hgdx_eval.evaluation.reconciliation import one_change
from hgdx_eval.infer.multiplicity import adjusted, holm
from hgdx_eval.infer.specification_curve import (
    CROSSED,
    ONE,
    OWN,
    choices_of,
    coded,
    curve_choices,
    curve_summary,
    extreme_clusters,
    specification_curve,
    text_of,
)

SAME = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "level", "n_obs", "n_units", "n_clusters", "n_treated_clusters"]


def design(seed=1, drop=0.01, blocks=True, **changes):
    table = made_up_table(seed, drop=drop, periods=30, **changes)
    never = table["treated_from"].isna()
    table = table.assign(treated_from=table["treated_from"] + 6)
    table["group"] = np.where(~never, "fee", np.where(table["unit"].str.endswith("2"), "free", "already=free; 50%"))
    return design_of(table, blocks=blocks)


@pytest.fixture(scope="module")
def whole():
    return design(), specification_curve(design(), most=120)


def row_of(curve, parameter):
    rows = curve.table[curve.table["parameter"] == parameter]
    assert len(rows) == 1, parameter
    return rows.iloc[0]


def agrees(curve, parameter, expected, estimator="two_way_fixed_effects"):
    row, own = row_of(curve, parameter), estimate(replace(expected, path=False), estimator).overall()
    assert row["estimator"] == estimator and row["scale"] == "pp"
    np.testing.assert_allclose(row[SAME].astype(float), own[SAME].astype(float), rtol=1e-8)


# --- numbers -------------------------------------------------------------------------------------------------------


def test_single_changes_are_the_estimators_own_numbers_on_the_changed_design(whole):
    found, curve = whole
    event = found.table["time"] - found.start.ordinal
    own = curve.table.loc[curve.table["cohort"] == OWN, "parameter"].iloc[0]
    agrees(curve, own, found)
    agrees(curve, "window=first_year", with_periods(found, event < 12))
    agrees(curve, "window=shorter_before", with_periods(found, found.table["time"] >= found.table["time"].min() + 12))
    agrees(curve, "window=no_transition", with_periods(found, ~event.isin([-2, -1, 0, 1])))
    agrees(curve, "weights=equal", with_equal_weights(found))
    agrees(curve, "comparison=free", with_comparison_group(found, "free"))
    agrees(curve, "periods=common", with_common_periods(found))
    agrees(curve, "units=complete", with_complete_units(found))
    agrees(curve, "scale=log_odds", found, "grouped_logit")
    for name, shift in (("one_later", 1), ("one_earlier", -1)):
        table = found.table.assign(treated_from=found.table["treated_from"] + shift)
        agrees(curve, f"date={name}", rebuilt(found, table, found.start + shift))
    for name in choices_of(own) and sorted({choices_of(text).get("left_out", "none") for text in curve.table["parameter"]} - {"none"}):
        agrees(curve, f"left_out={name}", without_cluster(found, name))


@pytest.mark.long  # two thousand specifications
def test_crossed_choices_are_the_estimators_own_numbers_too():
    found = design()
    curve = specification_curve(found, most=2000)
    event = found.table["time"] - found.start.ordinal
    agrees(
        curve, "window=first_year;weights=equal;periods=common", with_common_periods(with_equal_weights(with_periods(found, event < 12)))
    )
    agrees(curve, "window=first_year;units=complete", with_complete_units(with_periods(found, event < 12)))
    table = found.table.assign(treated_from=found.table["treated_from"] + 1)
    later = with_periods(rebuilt(found, table, found.start + 1), event - 1 < 12)
    agrees(curve, "window=first_year;scale=log_odds;date=one_later", later, "grouped_logit")
    assert not curve.table["parameter"].iloc[1:].str.contains("weights=.*scale=").any() and not curve.table["parameter"].duplicated().any()


def test_coarser_unit_effects_are_kept():
    found = design()
    found = replace(found, table=found.table.assign(effect=found.table["cluster"] + found.table["treated_from"].notna().astype(str)))
    curve = specification_curve(found, most=20)
    agrees(curve, "weights=mean", with_mean_weights(found))
    agrees(curve, "units=complete", with_complete_units(found))


def test_the_rows_that_the_comparison_of_methods_has_are_the_same(whole):
    found, curve = whole
    pairs = {"equal_weights": "weights=equal", "mean_weights": "weights=mean", "common_periods": "periods=common",
             "complete_units": "units=complete", "first_year": "window=first_year"}  # fmt: skip
    table = one_change(found).table.set_index("group")
    for group, parameter in pairs.items():
        assert np.isclose(table.loc[group, "estimate"], row_of(curve, parameter)["estimate"], rtol=1e-8)


def test_the_clusters_left_out_are_the_extreme_ones():
    found = design(clusters=7)
    values = {
        name: estimate(without_cluster(found, name), "two_way_fixed_effects").overall()["estimate"]
        for name in found.table["cluster"].unique()
    }
    assert extreme_clusters(coded(found)) == [max(values, key=values.get), min(values, key=values.get)]


def test_with_many_clusters_only_the_most_influential_are_tried(monkeypatch):
    found = design(clusters=14)
    exact = extreme_clusters(coded(found))
    monkeypatch.setattr("hgdx_eval.infer.specification_curve.EXACT", 3)
    assert extreme_clusters(coded(found)) == exact


# --- what is in it -------------------------------------------------------------------------------------------------


def test_the_curve_keeps_the_contract_of_results(whole):
    found, curve = whole
    check_table(curve.table)
    assert set(curve.table["term"]) == {"specification"} and set(curve.table["group"]) == {"curve"} and curve.table["simulated"].all()
    assert curve.dossiers and curve.span == (found.table["period"].min(), found.table["period"].max())
    assert list(curve.table["cohort"].drop_duplicates()) == [OWN, ONE, CROSSED] and len(curve.table) == 120
    assert curve.table["parameter"].iloc[0].startswith("window=all;weights=dossiers;comparison=all;periods=by_block")


def test_the_same_design_gives_the_same_curve_and_a_larger_one_begins_with_the_smaller(whole):
    found, curve = whole
    pd.testing.assert_frame_equal(specification_curve(found, most=60).table, curve.table.head(60))
    other = specification_curve(replace(found, seed=2), most=60).table["parameter"]
    assert list(other) != list(curve.table["parameter"].head(60)) and list(other.head(14)) == list(curve.table["parameter"].head(14))


def test_equal_data_stand_once():
    plain = specification_curve(design_of(made_up_table(1), weight=3.0))
    assert not {"weights", "periods", "units", "comparison"} & set(curve_choices(plain).columns)
    told = plain.table[plain.table["status"] == "ok"]
    assert not told[["estimator", "estimate", "std_error"]].duplicated().any()


def test_a_choice_that_is_refused_alone_is_told_once_and_not_crossed():
    short = specification_curve(design_of(made_up_table(1)))  # 8 months before: no year can be dropped
    refused = short.table[short.table["status"] == "refused"]
    assert list(refused["parameter"]) == ["window=shorter_before"] and list(refused["reason"]) == ["no_pre_period"]
    assert not short.table.loc[short.table["cohort"] == CROSSED, "parameter"].str.contains("shorter_before").any()
    check_table(short.table)


def test_without_counts_there_are_no_log_odds():
    found = design()
    bare = replace(found, table=found.table.assign(denominator=np.nan, numerator=np.nan))
    curve = specification_curve(bare, most=30)
    assert "scale" not in curve_choices(curve).columns and not curve.dossiers and "weights=own" in curve.table["parameter"].iloc[0]


def test_staggered_designs_have_a_curve():
    curve = specification_curve(design_of(staggered_table(1, periods=20)), most=40)
    check_table(curve.table)
    assert (curve.table["status"] == "ok").sum() > 20


def test_the_studys_own_refusal_is_the_curves():
    found = design()
    one = replace(found, table=found.table.assign(cluster="c"))
    with pytest.raises(Refusal, match="cluster"):
        specification_curve(one)


def test_nothing_is_changed_in_the_design():
    found = design()
    before = found.table.copy()
    specification_curve(found, most=30)
    pd.testing.assert_frame_equal(found.table, before)


# --- what is read from it ------------------------------------------------------------------------------------------


def test_choices_are_read_back_whatever_a_name_holds():
    chosen = {"window": "first_year", "comparison": "already=free; 50%", "left_out": "a%3Bb"}
    assert choices_of(text_of(chosen)) == chosen


def made_curve(effects, noise=0.0):
    """A curve whose estimates are 4 plus the sum of the effects of its choices."""
    rng = np.random.default_rng(1)
    rows = [{"cohort": OWN, "parameter": ";".join(f"{name}=all" for name in effects), "estimate": 4.0}]
    for number in range(1, 2 ** len(effects)):
        taken = [name for bit, name in enumerate(effects) if number >> bit & 1]
        rows.append(
            {
                "parameter": ";".join(f"{name}=x" for name in taken),
                "estimate": 4 + sum(effects[name] for name in taken) + noise * rng.normal(),
            }
        )
    rows = [{**row, "ci_low": row["estimate"] - 1, "ci_high": row["estimate"] + 1} for row in rows]
    return Estimate(result_table(rows, term="specification", group="curve", scale="pp"), ORIGIN, "M")


def test_the_summary_counts_and_names_what_drives_the_spread():
    curve = made_curve({"window": -5.0, "weights": 0.5, "date": 0.0})
    read = curve_summary(curve)
    assert (read.number, read.refused, read.same, read.clear) == (8, 0, 4, 4)
    assert (read.lowest, read.highest, read.own, read.same / read.number) == (-1.0, 4.5, 4.0, 0.5)
    assert read.driver == "window" and np.isclose(dict(read.explained)["window"], 25 / 25.25) and dict(read.explained)["date"] < 1e-12
    assert curve_summary(made_curve({"window": 0.0})).driver == ""


def test_holm_is_as_published_and_keeps_its_order():
    assert np.allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])  # as R's p.adjust(method = "holm")
    assert np.allclose(holm([0.6, np.nan, 0.9]), [1.0, np.nan, 1.0], equal_nan=True)


def groups(values, dof, error=1.0, level=0.95):
    reach = stats.t.ppf(0.5 + level / 2, dof) * error
    rows = [{"group": f"g{i}", "estimate": value, "std_error": error, "ci_low": value - reach, "ci_high": value + reach, "level": level,
             "p_value": 2 * stats.t.sf(abs(value) / error, dof), "inference": "cluster"} for i, value in enumerate(values)]  # fmt: skip
    return result_table(rows, term="group", scale="pp")


@pytest.mark.parametrize("dof", [1.0, 4.5, 26.0, 1e12])
def test_simultaneous_intervals_are_bonferronis_with_the_rows_own_degrees_of_freedom(dof):
    found = adjusted(groups([0.5, 3.0, -2.0, 5.0], dof))
    assert np.allclose(found["ci_high"] - found["estimate"], stats.t.ppf(1 - 0.05 / 8, dof), rtol=1e-5)
    away = (found["ci_low"] > 0) | (found["ci_high"] < 0)
    assert (found.loc[away, "p_holm"] <= 0.05 + 1e-9).all()  # Holm rejects whatever Bonferroni does


def test_a_family_may_be_named_and_a_row_without_error_has_no_interval():
    table = pd.concat([groups([0.5, 3.0, -2.0], 9), result_table([{"group": "wild", "estimate": 1.0, "ci_low": 0.1, "ci_high": 2.5, "p_value": 0.03}]),
                       result_table([{"group": "no", "status": "refused", "reason": "gaps"}])], ignore_index=True)  # fmt: skip
    found = adjusted(table, ["wild", "g1"])
    assert list(found["group"]) == ["wild", "g1"] and found["ci_low"].isna().tolist() == [True, False]
    assert np.isclose(found["p_holm"].iloc[0], 0.03) and list(found.columns) == ["group", "estimate", "ci_low", "ci_high", "p_holm"]
    assert len(adjusted(table)) == 4


def test_the_family_is_right_at_least_as_often_as_it_says():
    rng = np.random.default_rng(3)
    wrong = missed = 0
    for _ in range(200):
        found = adjusted(groups(rng.standard_t(12, 8), 12))
        wrong += (found["p_holm"] < 0.05).any()
        missed += ((found["ci_low"] > 0) | (found["ci_high"] < 0)).any()
    assert wrong <= 22 and missed <= 22  # 5% of 200 is 10; 22 is four standard errors of the binomial above
