"""Errors that are but rounding are not told, and parts that rest on one treated cluster have no interval: both would look sure."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import SYNTHETIC, design_of, factor_table, made_up_table, staggered_table, table_for
from test_show_methods import made

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.inference import beyond_rounding
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.infer.false_alarms import linear_of
from hgdx_eval.infer.wild import wild
from hgdx_eval.report.answer import headline
from hgdx_eval.study.load import study_words
from hgdx_eval.study.vocabulary import estimator_names

CLUSTERED = ("two_way_fixed_effects", "callaway_santanna", "sun_abraham", "imputation", "grouped_logit")
ERRORS = ["std_error", "ci_low", "ci_high", "p_value"]


def two_units(noise: float) -> pd.DataFrame:
    """One unit treated from the ninth month on and one not, every unit a cluster."""
    rng, first = np.random.default_rng(3), pd.Period("2022-01", freq="M").ordinal
    rows = [(f"u{u}", f"u{u}", first + t, 1000.0, 1000 * (0.4 + 0.1 * u + 0.05 * (u == 1 and t >= 8) + noise * rng.normal()),
             first + 8 if u == 1 else np.nan) for u in (0, 1) for t in range(14)]  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])


def untold(table: pd.DataFrame) -> bool:
    return bool(table[ERRORS].isna().all(axis=None))


@pytest.mark.parametrize("name", CLUSTERED)
@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("even", [True, False])
def test_two_units_have_an_estimate_and_no_error(name, noise, even):
    """Whatever the outcomes: each side's score is 0, or what uneven sizes leave of it; its square says nothing of how sure the number is."""
    table = two_units(noise)
    size = 1.0 if even else np.random.default_rng(4).uniform(0.5, 2, len(table))
    found = estimate(design_of(table.assign(denominator=table["denominator"] * size, numerator=table["numerator"] * size)), name)
    assert untold(found.rows("overall")) and untold(found.rows("event")) and untold(found.rows("specification"))
    assert found.overall()["estimate"] == pytest.approx(5.0, abs=0.001 if noise == 0 else 3.0)


@pytest.mark.parametrize("name", estimator_names())
def test_an_exact_fit_has_no_error(name):
    table = table_for(name, 1)
    level = table.groupby("unit")["numerator"].transform("first") / 8000
    table = table.assign(denominator=1000.0, numerator=1000 * (level + 0.05 * (table["time"] >= table["treated_from"])))
    try:
        found = estimate(design_of(table), name)
    except Refusal as refusal:
        assert refusal.reason in ("no_variation", "not_converged")
        return
    told = found.rows("overall")
    told = told[~((told["inference"] == "placebo") & told["parameter"].str.contains("/"))]  # a rank needs no error
    if name != "grouped_logit":  # parallel in shares is not parallel in log odds: no exact fit
        assert untold(told), told[ERRORS]
        assert found.overall()["estimate"] == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize("name", ["two_way_fixed_effects", "callaway_santanna", "imputation"])
def test_nothing_is_concluded_from_an_interval_that_is_none(tmp_path, name):
    """Twelve clusters, fitted exactly: the headline is not a clustered interval from nowhere to nowhere."""
    table = made_up_table(1, clusters=12)
    level = table.groupby("unit")["numerator"].transform("first") / 1000
    table = table.assign(denominator=1000, numerator=1000 * (level + 0.05 * (table["time"] >= table["treated_from"])))
    p, design = made(tmp_path, table, estimator=name)
    found = evaluate(design, p.model_copy(update={"estimators": []}))
    assert found.headline not in ("cluster", "wild")
    assert untold(found.main.rows("overall").query("inference in ('none', 'cluster', 'wild')"))
    assert "–" not in headline(found, study_words(p, "en"))


def test_rounding_is_judged_by_what_it_is_rounding_of():
    parts, outcomes = np.array([1e-3, -1e-3]), np.array([40.0, -40.0])
    assert np.isnan(beyond_rounding(1e-28, parts, outcomes)) and np.isnan(beyond_rounding(0.0, parts, outcomes))
    assert beyond_rounding(1e-8, parts, outcomes) == 1e-8
    assert beyond_rounding(1e-24, parts * 1e-9, outcomes * 1e-9) == 1e-24  # the same in another unit of the outcome


@pytest.mark.parametrize("name", ["two_way_fixed_effects", "imputation", "callaway_santanna", "sun_abraham"])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_outcome_decides_nothing(name, scale):
    """A real error stays, however small or large the outcome's unit."""
    table = table_for(name, 1)
    plain, scaled = (estimate(replace(found, table=found.table.assign(y=found.table["y"] * by)), name).overall()
                     for found, by in ((design_of(table), 1.0), (design_of(table), scale)))  # fmt: skip
    assert scaled["std_error"] == pytest.approx(plain["std_error"] * scale, rel=1e-6)


def test_no_bootstrap_is_drawn_from_rounding():
    found = wild(linear_of(design_of(two_units(0.01)), "two_way_fixed_effects"), 1)
    assert np.isnan([found["ci_low"], found["ci_high"], found["p_value"]]).all()


@pytest.mark.parametrize("name", ["sun_abraham", "callaway_santanna"])
def test_a_cohort_of_one_cluster_has_no_interval_and_a_note(name):
    """Three cohorts: the first of one cluster, the others of five each."""
    table = staggered_table(1).assign(cluster=lambda t: t["unit"])
    first = table["treated_from"] == table["treated_from"].min()
    found = estimate(design_of(table[~first | (table["unit"] == "u000")]), name)
    parts = found.rows("cohort_period")
    alone = parts["cohort"] == parts["cohort"].min()
    assert untold(parts[alone]) and parts.loc[alone, "estimate"].notna().all()
    assert parts.loc[~alone, "ci_low"].notna().all() and found.overall()["ci_low"] < found.overall()["ci_high"]
    late = found.rows("event").query("event_time >= 7")  # seen of the first cohort alone
    assert len(late) and untold(late)
    assert "few_behind_parts" in found.notes
    assert "few_behind_parts" not in estimate(design_of(table), name).notes


@pytest.mark.parametrize("name", ["sun_abraham", "callaway_santanna"])
def test_cohorts_without_an_effect_are_noted(name):
    table = staggered_table(1)
    start = table["time"].min()
    early = table["unit"].isin(["u000", "u001"])  # treated since the first month: no period before
    always = table.assign(treated_from=table["treated_from"].mask(early, start))
    assert "cohorts_left_out" in estimate(design_of(always), name).notes
    assert not {"cohorts_left_out", "last_cohort_compared"} & set(estimate(design_of(table), name).notes)


def test_without_units_never_treated_the_last_cohort_is_compared_and_said_so():
    table = staggered_table(1, never=False)
    assert "last_cohort_compared" in estimate(design_of(table), "sun_abraham").notes
    assert "cohorts_left_out" in estimate(design_of(table, comparison="not_yet"), "callaway_santanna").notes


@pytest.mark.parametrize("name", SYNTHETIC)
def test_a_series_fitted_exactly_before_has_no_ratio_to_be_ranked(name):
    """Anything after would be infinitely large beside nothing before."""
    table = factor_table(1)
    flat = table.assign(numerator=table["denominator"] * (0.4 + 0.01 * (table["unit"] == "u003")
                                                          + 0.05 * (table["time"] >= table["treated_from"])))  # fmt: skip
    assert not estimate(design_of(flat), name).table["parameter"].str.startswith("rmspe ").any()
    assert estimate(design_of(table), name).table["parameter"].str.startswith("rmspe ").any()
