"""What cannot be identified is bounded: the bounds hold what an adversary could have done, and are no wider than that."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, factor_table

import hgdx_eval as hg
from hgdx_eval.design.design import with_codes
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.bounds import SPILL, effect_bounds
from hgdx_eval.report.show_methods import show_bounds

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


def short_panel(folder, missing, scale="share", seed=4):
    """A tidy table of twelve units and eight years, six of them treated, without the outcome in some cells."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame([(f"u{u:02}", year, 0.3 + 0.02 * u + rng.normal(0, 0.02) + 0.1 * (u < 6 and year >= 2016))
                          for u in range(12) for year in range(2012, 2020)], columns=["unit", "year", "value"])  # fmt: skip
    if scale == "level":
        table["value"] *= 100
    table.loc[missing, "value"] = np.nan
    table.to_csv(folder / "data.csv", index=False)
    (folder / "s.yaml").write_text(
        "study: s\nlayout: table\ndata: data.csv\nunit: unit\nperiod: year\nfrequency: Y\noutcome: value\nweights: none\n"
        f"cluster: unit\nestimator: {MAIN}\nscale: {scale}\ntreated_from: {{{', '.join(f'u{u:02}: 2016' for u in range(6))}}}\n",
        encoding="utf-8",
    )
    p, words = hg.load_study(folder / "s.yaml", "en")
    return table, hg.study_design(hg.load_panel(p), p), words


@pytest.mark.parametrize("scale", ["share", "level"])
def test_missing_outcomes_are_bounded_by_the_worst_that_they_could_be(tmp_path, scale):
    missing = [6, 20, 70]  # treated after, treated before, comparison after
    table, design, words = short_panel(tmp_path, missing, scale)
    assert len(design.lost) == 3 and len(design.table) == 93
    limits = effect_bounds(design, MAIN)
    row = limits.table.query("group == 'lost'").iloc[0]
    ends = (0.0, 1.0) if scale == "share" else (table["value"].min(), table["value"].max())
    found = []
    for values in product(ends, repeat=3):
        whole = table.copy()
        whole.loc[missing, "value"] = values
        whole = whole.assign(time=whole["year"] - 1970, y=whole["value"], cluster=whole["unit"],
                             treated_from=np.where(whole["unit"] < "u06", 2016.0 - 1970, np.nan))  # fmt: skip
        cells = replace(design, lost=pd.DataFrame(), path=False, table=with_whole(design, whole))
        found.append(estimate(cells, MAIN).overall()["estimate"])
    assert row["ci_low"] == pytest.approx(min(found), abs=1e-9) and row["ci_high"] == pytest.approx(max(found), abs=1e-9)
    assert row["estimate"] == pytest.approx(estimate(design, MAIN).overall()["estimate"]) and row["parameter"] == "3"
    told = show_bounds(limits, words)._repr_html_()
    assert "3 missing values" in told and ("100%" in told) == (scale == "share")


def with_whole(design, whole):
    """The design's table with a row for every cell."""
    rows = whole.merge(design.table[["unit", "time"]], on=["unit", "time"], how="left", indicator=True)
    absent = rows[rows["_merge"] == "left_only"]
    like = design.table.drop_duplicates("unit").set_index("unit").loc[absent["unit"]].reset_index()
    like = like.assign(time=absent["time"].to_numpy(), period=pd.PeriodIndex.from_ordinals(absent["time"], freq=design.frequency),
                       y=absent["value"].to_numpy())  # fmt: skip
    like["treated"] = like["time"] >= like["treated_from"]
    like["event_time"] = like["time"] - like["treated_from"]
    return with_codes(pd.concat([design.table, like[design.table.columns]]).sort_values(["unit", "time"], ignore_index=True))


def test_a_panel_without_missing_outcomes_has_no_such_bound(tmp_path):
    _, design, _ = short_panel(tmp_path, [])
    assert design.lost.empty and "lost" not in set(effect_bounds(design, MAIN).table["group"])


@pytest.mark.parametrize(("estimator", "missing"), [("callaway_santanna", [6, 70]), ("imputation", [6, 70]), ("synthetic_did", [70])])
def test_methods_that_are_no_regression_have_it_too(tmp_path, estimator, missing):
    _, design, _ = short_panel(tmp_path, missing)
    row = effect_bounds(design, estimator).table.query("group == 'lost'").iloc[0]
    assert row["ci_low"] <= row["estimate"] <= row["ci_high"] and row["ci_high"] > row["ci_low"]
