"""A pretended earlier date: of all cohorts together, and of each alone, so that what one of them did early is seen."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from made_up import design_of
from test_show_methods import made

from hgdx_eval.design.placebos import cohort_before, placebo_before
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.evaluation import placebo_time, relabelled
from hgdx_eval.evaluation.verdict import at_pretended_date, early_cohorts
from hgdx_eval.report.answer import check_result
from hgdx_eval.study.load import study_words

FIRST = pd.Period("2021-01", freq="M").ordinal


def table_of(anticipation: float, seed: int, starts=(16, 28), clusters: int = 8, periods: int = 40) -> pd.DataFrame:
    """As many clusters of one unit never treated as in each cohort; the last cohort begins `anticipation` of its effect 3 months early."""
    rng, rows = np.random.default_rng([seed, 20]), []
    common = rng.normal(0, 0.02, periods)
    for number, start in enumerate(start for start in (*starts, None) for _ in range(clusters)):
        level = rng.uniform(0.3, 0.5)
        for t in range(periods):
            share = level + common[t] + rng.normal(0, 0.015)
            if start is not None:
                share += 0.08 * (t >= start) + anticipation * (start == starts[-1] and start - 3 <= t < start)
            begins = np.nan if start is None else FIRST + start
            rows.append((f"u{number:03}", f"u{number:03}", FIRST + t, 1000, 1000 * share, begins))
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])


@cache
def studied(folder, anticipation: float, seed: int):
    folder = folder / f"{anticipation}-{seed}"
    folder.mkdir()
    return made(folder, table_of(anticipation, seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dates")


def test_a_later_cohort_that_began_early_is_seen_and_named(folder):
    p, design = studied(folder, 0.06, 1)
    found = placebo_time(design, p)
    assert found.table["group"].tolist() == ["", "2022-05", "2023-05"] and found.table["period"].tolist()[1:] == ["2021-11", "2022-11"]
    assert early_cohorts(found.table).tolist() == [False, False, True] and at_pretended_date(found.table) == "fail"
    judged = type("Found", (), {"checks": {"placebo_time": "fail"}, "placebo_time": found})
    for lang, name in (("vi", "đợt áp dụng từ tháng 5/2023: "), ("en", "units treated from May 2023: ")):
        assert name in check_result(judged, "placebo_time", study_words(p, lang))


def test_without_one_the_check_passes(folder):
    p, _ = studied(folder, 0.0, 1)
    passed = [at_pretended_date(placebo_time(design_of(table_of(0.0, seed)), p).table) for seed in range(24)]
    assert passed.count("pass") >= 18, passed  # 5 % of the pooled intervals miss 0, and 5 % of the cohorts together: of 200 draws 9 %


def test_never_treated_units_stay_as_long_as_somebody_is_still_untreated(folder):
    _, design = studied(folder, 0.0, 1)
    kept = placebo_before(design, 6).table
    never = kept["treated_from"].isna()
    assert kept.loc[never, "time"].max() == FIRST + 27
    assert (kept.loc[~never, "time"] < kept.loc[~never, "treated_from"] + 6).all()
    later = cohort_before(design, 6, FIRST + 28).table
    assert later["unit"].nunique() == 16 and later["time"].max() == FIRST + 27


def test_without_units_never_treated_later_cohorts_are_compared_before_their_own_pretended_date(folder):
    _, design = studied(folder, 0.0, 1)
    table = design.table[design.table["treated_from"].notna()].reset_index(drop=True)
    kept = cohort_before(replace(design, table=table), 6, FIRST + 16).table
    others = kept["treated_from"].isna()
    assert others.any() and kept["time"].max() == FIRST + 15
    not_yet = cohort_before(replace(design, comparison="not_yet"), 14, FIRST + 16).table
    late = not_yet["unit"].isin(table.loc[table["treated_from"] == FIRST + 28, "unit"])
    assert late.any() and not_yet.loc[late, "time"].max() == FIRST + 13


def test_with_one_cohort_the_number_is_as_ever(folder):
    p, design = studied(folder, 0.0, 1)
    table = design.table[design.table["treated_from"] != FIRST + 28].reset_index(drop=True)
    alone = replace(design, table=table)
    before = table[table["time"] < FIRST + 16]
    before = before.assign(treated_from=before["treated_from"] - 6)
    before = before.assign(treated=before["time"] >= before["treated_from"], event_time=before["time"] - before["treated_from"])
    expected = estimate(replace(alone, table=before.reset_index(drop=True), path=False), p.estimator)
    found = placebo_time(alone, p)
    pd.testing.assert_frame_equal(found.table, relabelled(expected, "placebo_time", period="2021-11").table)


def test_a_cohort_of_one_cluster_has_no_error_and_decides_nothing(folder):
    p, design = studied(folder, 0.06, 1)
    late = design.table["treated_from"] == FIRST + 28
    one = replace(design, table=design.table[~late | (design.table["unit"] == "u008")].reset_index(drop=True))
    row = placebo_time(one, p).table.iloc[2]
    assert row["group"] == "2023-05" and np.isnan(row["p_value"]) and not early_cohorts(placebo_time(one, p).table).any()
