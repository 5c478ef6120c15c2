import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table

from hgdx_eval.base.errors import InputError, Refusal
from hgdx_eval.design.design import study_design
from hgdx_eval.design.placebos import placebo_before, placebo_sets, placebos_in_space, without_cluster
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import parse_change, read_study

STUDY = """study: t
data: t.csv
unit: unit
period: year
frequency: Y
outcome: value
treated_from: start
cluster: unit
estimator: two_way_fixed_effects
"""


def design(tmp_path, rows, change=None, study=STUDY):
    (tmp_path / "t.csv").write_text("unit,year,value,start,on\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(study, encoding="utf-8")
    p = read_study(tmp_path / "t.yaml", parse_change(change))
    return study_design(load_panel(p), p)


def panel_rows(starts, years=range(2018, 2024), skip=()):
    return [f"{unit},{year},{i + year / 10},{start},{int(bool(start) and year >= int(start))}" for i, (unit, start) in
            enumerate(starts.items()) for year in years if (unit, year) not in skip]  # fmt: skip


@pytest.mark.parametrize(
    ("starts", "change", "reason"),
    [
        ({"a": "2021", "b": "2021"}, None, "no_comparison"), ({"a": "", "b": "0"}, None, "no_treated"),
        ({"a": "2021"}, None, "one_unit"), ({"a": "2018", "b": ""}, None, "no_pre_period"),
        ({"a": "2030", "b": ""}, None, "no_post_period"), ({"a": "2021", "b": ""}, {"exclude": "[b]"}, "one_unit"),
        ({"a": "2021", "b": "", "c": ""}, {"exclude": "[a]"}, "no_treated"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated_is_refused_and_says_what_is_missing(tmp_path, starts, change, reason):
    with pytest.raises(Refusal) as refusal:
        design(tmp_path, panel_rows(starts), change)
    assert refusal.value.reason == reason
    assert "\n" not in str(refusal.value)


def test_a_unit_treated_from_the_first_period_is_set_aside_beside_others(tmp_path):
    found = design(tmp_path, panel_rows({"a": "2021", "b": "", "c": "2018"}))
    assert found.set_aside.set_index("reason").loc["always_treated", "units"] == 1
    assert found.treated_units == ["a"]


def test_window_units_blanks_and_incomplete_units_are_counted(tmp_path):
    rows = panel_rows({"a": "2021", "b": "", "c": ""}, skip={("c", 2020)})
    found = design(tmp_path, rows, {"window": "[2019, 2023]", "complete_units": "true"})
    counts = found.set_aside.set_index("reason")["units"]
    assert counts["outside_window"] == 3
    assert counts["incomplete"] == 1
    assert found.table["time"].nunique() == 5


def test_the_same_design_from_a_column_a_map_and_a_switch(tmp_path):
    rows = panel_rows({"a": "2021", "b": ""})
    by_column = design(tmp_path, rows).table
    by_map = design(tmp_path, rows, study=STUDY.replace("treated_from: start", "treated_from: {a: 2021}")).table
    by_switch = design(tmp_path, rows, study=STUDY.replace("treated_from: start", "treated: 'on'")).table
    pd.testing.assert_frame_equal(by_column, by_map)
    pd.testing.assert_frame_equal(by_column, by_switch)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("treated_from: start", "treated_from: {x: 2021}", "no unit 'x'"), ("treated_from: start", "treated: start", "not 0 or 1"),
     ("treated_from: start", "treated_from: {a: Q9}", "not a period"), ("cluster: unit", "cluster: 'on'", "more than one cluster")],
)  # fmt: skip
def test_choices_that_do_not_fit_the_data_are_refused_by_name(tmp_path, old, new, says):
    with pytest.raises(InputError, match=says):
        design(tmp_path, panel_rows({"a": "2021", "b": ""}), study=STUDY.replace(old, new))


def test_a_unit_switched_off_again_keeps_its_later_rows_apart(tmp_path):
    rows = ["a,2018,1,,0", "a,2019,1,,1", "a,2020,1,,0", *(f"b,{year},1,,0" for year in (2018, 2019, 2020))]
    by_switch = design(tmp_path, rows, study=STUDY.replace("treated_from: start", "treated: 'on'"))
    by_map = design(tmp_path, rows, study=STUDY.replace("treated_from: start", "treated_from: {a: 2019}\ntreated_until: {a: 2019}"))
    for found in (by_switch, by_map):
        assert found.ended[["unit", "event_time"]].to_numpy().tolist() == [["a", 1.0]]
        assert found.table.loc[found.table["unit"] == "a", "event_time"].tolist() == [-1, 0]
        assert "after_end" in set(found.set_aside["reason"])


def test_a_unit_treated_twice_is_refused(tmp_path):
    rows = [f"a,{year},1,,{on}" for year, on in ((2018, 0), (2019, 1), (2020, 0), (2021, 1))] + ["b,2018,1,,0", "b,2019,1,,0"]
    with pytest.raises(InputError, match=r"unit \(text of 1 characters\) is treated twice"):
        design(tmp_path, rows, study=STUDY.replace("treated_from: start", "treated: 'on'"))
    with pytest.raises(InputError, match="more than one first treated period"):
        design(tmp_path, ["a,2018,1,2019,0", "a,2019,1,2020,0", "b,2018,1,,0"])
    with pytest.raises(InputError, match="ends before it starts"):
        design(
            tmp_path, rows[:3] + rows[4:], study=STUDY.replace("treated_from: start", "treated_from: {a: 2020}\ntreated_until: {a: 2019}")
        )


def test_a_second_row_of_one_unit_and_period_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 4: a second row of unit \(text of 1 characters\) in period 2019"):
        design(tmp_path, ["a,2018,1,2019,0", "a,2019,1,2019,0", "a,2019,2,2019,0", "b,2018,1,,0"])


def test_a_placebo_date_uses_nothing_from_after_the_policy():
    found = placebo_before(design_of(made_up_table(1)), 3)
    assert found.table["time"].max() < design_of(made_up_table(1)).start.ordinal
    assert found.start == design_of(made_up_table(1)).start - 3
    with pytest.raises(Refusal):
        placebo_before(design_of(made_up_table(1)), 7)


def test_placebos_leave_the_treated_out_and_treat_as_many():
    table = made_up_table(1, clusters=3)
    whole = one_treated(design_of(table.assign(cluster=table["unit"])))
    found = placebos_in_space(whole)
    assert [name for name, _ in found] == whole.comparison_units
    for name, placebo in found:
        assert placebo.treated_units == [name]
        assert not set(placebo.table["unit"]) & set(whole.treated_units)


def test_placebos_are_whole_clusters_or_none():
    with pytest.raises(Refusal) as refusal:
        placebos_in_space(design_of(made_up_table(1)))
    assert refusal.value.reason == "mixed_clusters"
    table = made_up_table(1)
    few = table.assign(treated_from=np.where(table["cluster"] == "c0", table["time"].median() // 1, np.nan))
    found = placebos_in_space(design_of(few))
    assert [name for name, _ in found] == ["c1", "c2", "c3", "c4", "c5"]
    assert all(len(placebo.treated_units) == 4 for _, placebo in found)


def one_treated(design):
    from dataclasses import replace

    table = design.table
    keep = table["treated_from"].isna() | (table["unit"] == design.treated_units[0])
    return replace(design, table=table[keep].reset_index(drop=True))


def test_placebo_sets_are_all_listed_when_few_and_fixed_draws_when_many():
    assert len(placebo_sets(list("abcdef"), 2, 1)) == 15
    many = placebo_sets([f"u{i}" for i in range(40)], 5, 1)
    assert len(many) == len(set(many)) == 199
    assert many == placebo_sets([f"u{i}" for i in range(40)], 5, 1)


def test_a_design_of_a_design_leaves_the_first_untouched():
    whole = design_of(made_up_table(2))
    before = whole.table.copy(deep=True)
    without_cluster(whole, "c0")
    placebo_before(whole, 3)
    pd.testing.assert_frame_equal(whole.table, before)
    assert np.isnan(whole.table.loc[whole.table["treated_from"].isna(), "event_time"]).all()


def policy_design(monkeypatch, tmp_path, start=None, **change):
    """The demonstration's design on a small draw, with another start of the resolution where one is named."""
    import shutil

    from coverage_worlds import ORIGIN, PLAIN

    from hgdx_eval.panel.panel import NOTES, Panel
    from hgdx_eval.study.load import study_file
    from hgdx_eval.vietnam.made_up_world import simulate_cells
    from params import params_folder

    file, cells = study_file("demo"), simulate_cells(1, dossiers=20_000)[0]
    if start:
        shutil.copytree(params_folder(), tmp_path / "params")
        law = tmp_path / "params" / "facts" / "resolution.yaml"
        law.write_text(
            law.read_text(encoding="utf-8").replace("assumed_effective: 2023-08-01", f"assumed_effective: {start}"), encoding="utf-8"
        )
        monkeypatch.setenv("HGDX_PARAMS", str(tmp_path / "params"))
    nothing = pd.DataFrame(columns=NOTES)
    return study_design(Panel(cells, ORIGIN, nothing, nothing, 0), read_study(file, {**PLAIN, **change}))


def test_a_month_in_which_the_cut_starts_midway_is_set_aside(monkeypatch, tmp_path):
    found = policy_design(monkeypatch, tmp_path, start="2023-08-10")
    assert str(found.start) == "2023-09"
    assert "part_month" in set(found.set_aside["reason"])
    assert "2023-08" not in set(found.table["period"].astype(str))


def test_a_start_on_the_first_counts_and_the_gap_is_set_aside_when_asked(monkeypatch, tmp_path):
    assert str(policy_design(monkeypatch, tmp_path).start) == "2023-08"
    found = policy_design(monkeypatch, tmp_path, gap=True)
    assert "2023-07" not in set(found.table["period"].astype(str))
    assert {"gap", "group_central"} <= set(found.set_aside["reason"])
    assert found.assumed


def test_rows_alone_in_their_unit_or_period_are_set_aside_and_told(tmp_path):
    """A unit of one row, and a period in which one unit alone was seen."""
    rows = panel_rows({"a": "2021", "b": "2021", "c": "", "d": ""})
    found = design(tmp_path, [*rows, "lone,2020,5,,0", "a,2024,7,2021,1"])
    assert found.set_aside.set_index("reason").loc["singleton", "rows"] == 2
    assert "lone" not in set(found.table["unit"]) and len(found.table) == len(rows)


def test_a_row_that_is_alone_once_another_is_gone_goes_too(tmp_path):
    rows = panel_rows({"a": "2021", "b": "2021", "c": "", "d": ""})
    found = design(tmp_path, [*rows, "lone,2025,5,,0", "lone,2026,5,,0", "d,2026,5,,0"])
    assert found.set_aside.set_index("reason").loc["singleton", "rows"] == 3 and len(found.table) == len(rows)


def test_the_start_is_of_units_that_are_left(tmp_path):
    """One unit treated since before the panel, one earlier adopter that the study excludes: neither dates the policy."""
    starts = {"a": "2022", "b": "2022", "early": "2019", "always": "2010", "c": "", "d": ""}
    assert design(tmp_path, panel_rows(starts)).start == pd.Period("2019", "Y")
    left = design(tmp_path, panel_rows(starts), {"exclude": ["early"]})
    assert left.start == pd.Period("2022", "Y") and {"always_treated", "excluded"} <= set(left.set_aside["reason"])
