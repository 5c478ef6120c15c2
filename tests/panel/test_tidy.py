"""A tidy table -> panel: rows that are no data, totals, repeats, names, wide tables, and what each reading tells."""

import pandas as pd
import pytest
import yaml
from openpyxl import Workbook

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.panel.load import load_panel
from hgdx_eval.report.show_data import show_series
from hgdx_eval.study.load import load_study, study_words

UNITS = ["North", "South", "East", "West"]
STUDY = {"study": "s", "layout": "table", "unit": "place", "period": "month", "frequency": "M", "cluster": "place", "estimator": "two_way_fixed_effects",
         "inference_order": ["placebo"], "treated_from": {"North": "2023-04"}}  # fmt: skip
COUNTS = {"numerator": "yes", "denominator": "all"}


def rows(counts: bool = True) -> list[list]:
    months = [f"2023-{m:02}" for m in range(1, 8)]
    return [
        [u, m, *([10 + 3 * i + t, 100 + 7 * i] if counts else [1.5 + i + 0.25 * t])]
        for i, u in enumerate(UNITS)
        for t, m in enumerate(months)
    ]


def panel_of(folder, body: list[list], header: str = "place,month,yes,all", **study):
    (folder / "a.csv").write_text(header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in body), encoding="utf-8")
    keys = {**STUDY, **(COUNTS if "yes" in header else {"outcome": "value"}), "data": "a.csv", **study}
    (folder / "s.yaml").write_text(yaml.safe_dump({k: v for k, v in keys.items() if v is not None}, allow_unicode=True), encoding="utf-8")
    p, _ = load_study(folder / "s.yaml", "en")
    return load_panel(p), p


def reasons(panel) -> dict:
    return {row.reason: row.rows for row in panel.rejected.itertuples()}


def told(panel) -> set[str]:
    return {reading.kind for reading in panel.readings}


@pytest.mark.parametrize(
    ("extra", "at", "reason"),
    [
        (["place", "month", "yes", "all"], 9, "repeated_header"),
        (["(1)", "(2)", "(3)", "(4)"], 0, "column_numbers"),
        (["A", "B", "1", "2"], 0, "column_numbers"),
        (["", "", "(cases)", "(cases)"], 0, "unit_row"),
        (["Source: the office", "", "", ""], 28, "note_row"),
        (["", "Checked by", "", ""], 28, "note_row"),
        (["", "2024-01-31", "", ""], 28, "note_row"),
        (["Total", "2023-01", "58", "442"], 28, "total_row"),
        (["Tổng số:", "2023-01", "58", "442"], 0, "total_row"),
        (["North", "Cả năm", "91", "700"], 7, "total_row"),
    ],
)
def test_a_row_that_is_no_data_is_set_aside_and_told(tmp_path, extra, at, reason):
    body = rows()
    panel, _ = panel_of(tmp_path, [*body[:at], extra, *body[at:]])
    clean, _ = panel_of(tmp_path, body)
    pd.testing.assert_frame_equal(panel.cells, clean.cells)
    assert reasons(panel) == {reason: 1}
    assert panel.rejected["examples"].iloc[0] == (at + 2,)
    assert panel.accepted == 28


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        (["", "2023-01", "5", "10"], "row 30: the unit is empty"),
        (["North", "", "5", "10"], "row 30, column 'month': nothing"),
        (["North", "2023-01", "5", "10"], "row 30: a second row of unit 'North' in period 2023-01 .the first: row 2."),
        (["#REF!", "2023-01", "5", "10"], "row 30, column 'place': an error value"),
        (["North", "2023Q1", "36", "300"], "row 30, column 'month': '2023Q1' is a quarter"),
        (["North", "2093-01", "5", "10"], "has not begun"),
        (["Nort", "tháng trước", "5", "10"], "is not a period"),
    ],
)
def test_a_row_that_could_move_the_number_is_refused(tmp_path, extra, match):
    with pytest.raises(InputError, match=match):
        panel_of(tmp_path, [*rows(), extra])


def test_an_exact_repeat_counts_once_and_only_if_the_whole_row_repeats(tmp_path):
    header = "place,month,yes,all,note"
    body = [[*row, "a"] for row in rows()]
    panel, _ = panel_of(tmp_path, [*body, body[3]], header)
    assert reasons(panel) == {"repeated_row": 1}
    assert panel.cells["denominator"].sum() == sum(row[3] for row in body)
    with pytest.raises(InputError, match="a second row"):
        panel_of(tmp_path, [*body, [*body[3][:-1], "b"]], header)


def test_days_are_added_up_to_months_and_periods_of_two_lengths_are_not(tmp_path):
    days = [[u, f"{m}-{d:02}", 1, 4] for u, m, *_ in rows() for d in (3, 17, 28)]
    panel, _ = panel_of(tmp_path, days)
    assert set(panel.cells["denominator"]) == {12.0}
    with pytest.raises(InputError, match="second row|two lengths"):
        panel_of(tmp_path, [*days, ["North", "2023-01", 3, 12]])


def test_a_unit_that_is_the_sum_or_mean_of_others_is_left_out_and_told(tmp_path):
    body = rows()
    region = [
        ["The region", m, sum(r[2] for r in body if r[1] == m), sum(r[3] for r in body if r[1] == m)]
        for m in dict.fromkeys(r[1] for r in body)
    ]
    panel, p = panel_of(tmp_path, [*region, *body])
    assert set(panel.cells["unit"]) == set(UNITS)
    assert told(panel) == {"totals_found"}
    assert reasons(panel) == {"total_row": 7}
    values = rows(False)
    mean = [["Typical", m, sum(r[2] for r in values if r[1] == m) / 4] for m in dict.fromkeys(r[1] for r in values)]
    panel, _ = panel_of(tmp_path, [*values, *mean], "place,month,value")
    assert set(panel.cells["unit"]) == set(UNITS)
    assert "sum or the mean" in show_series(panel, study_words(p, "en"))._repr_html_()


def test_a_total_is_found_in_any_order_of_rows(tmp_path):
    body = rows()
    months = dict.fromkeys(row[1] for row in body)
    region = [["The region", m, *(sum(row[i] for row in body if row[1] == m) for i in (2, 3))] for m in months]
    panel, _ = panel_of(tmp_path, sorted([*body, *region], key=lambda row: (row[3] % 7, row[0])))
    assert set(panel.cells["unit"]) == set(UNITS)


def test_a_unit_the_study_names_is_never_taken_for_a_total(tmp_path):
    body = [["Total" if u == "North" else u, m, *rest] for u, m, *rest in rows()]
    panel, _ = panel_of(tmp_path, body, treated_from={"Total": "2023-04"})
    assert "Total" in set(panel.cells["unit"])


@pytest.mark.parametrize("other", ["NORTH", "north", "North*", "North (1)", "Province of North", "Nörth"])
def test_two_spellings_of_a_treated_unit_are_refused_and_of_another_told(tmp_path, other):
    body = [[other if u == "North" and m > "2023-05" else u, m, *rest] for u, m, *rest in rows()]
    with pytest.raises(InputError, match="probably one unit, and it is treated"):
        panel_of(tmp_path, body)
    panel, p = panel_of(tmp_path, body, treated_from={"South": "2023-04"})
    assert told(panel) == {"units_alike"}
    assert "probably one unit" in show_series(panel, study_words(p, "en"))._repr_html_()


def test_codes_that_differ_by_zeros_alone_are_told_too(tmp_path):
    names = dict(zip(UNITS, ["01", "02", "03", "04"], strict=True))
    body = [[names[u].lstrip("0") if u == "East" and m > "2023-05" else names[u], m, *rest] for u, m, *rest in rows()]
    panel, _ = panel_of(tmp_path, body, treated_from={"01": "2023-04"})
    assert told(panel) == {"units_alike"}
    together = [*body, *[["1", m, *rest] for u, m, *rest in rows() if u == "North"]]
    panel, _ = panel_of(tmp_path, together, treated_from={"01": "2023-04"})  # 1 and 01 share periods: two units
    assert told(panel) == {"units_alike"}


@pytest.mark.parametrize("seen", ["North\u00a0", "\u200bNorth", "No\u00adrth", "North\ufeff", "  North", "N\u200dorth"])
def test_what_no_eye_sees_makes_no_other_unit(tmp_path, seen):
    body = [[seen if u == "North" and m > "2023-05" else u, m, *rest] for u, m, *rest in rows()]
    panel, p = panel_of(tmp_path, body)
    assert set(panel.cells["unit"]) == set(UNITS)
    assert study_design(panel, p).table["treated_from"].notna().sum() == 7
    panel, p = panel_of(tmp_path, rows(), treated_from={seen: "2023-04"})
    assert study_design(panel, p).table["treated_from"].notna().sum() == 7


def test_a_table_with_a_column_a_period_is_read_and_told(tmp_path):
    months = [f"2023-{m:02}" for m in range(1, 8)]
    body = [[u, *(1.5 + i + 0.25 * t for t in range(7))] for i, u in enumerate(UNITS)]
    panel, _ = panel_of(tmp_path, body, "place," + ",".join(months), outcome="value", numerator=None, denominator=None)
    clean, _ = panel_of(tmp_path, rows(False), "place,month,value")
    pd.testing.assert_frame_equal(panel.cells, clean.cells)
    assert told(panel) == {"wide_table"}


def test_shares_and_percentages_in_one_column_are_refused(tmp_path):
    body = [[u, m, 0.3 + 0.01 * t] for u in UNITS for t, m in enumerate(f"2023-{k:02}" for k in range(1, 8))]
    body[5][2] = 35.0
    with pytest.raises(InputError, match="shares and percentages"):
        panel_of(tmp_path, body, "place,month,value")


def test_an_outcome_that_goes_missing_with_the_policy_is_refused(tmp_path):
    body = [[u, m, "" if u == "North" and m >= "2023-06" else v] for u, m, v in rows(False)]
    panel, p = panel_of(tmp_path, body, "place,month,value")
    with pytest.raises(InputError, match="50% of the cells of treated units after"):
        study_design(panel, p)
    panel, p = panel_of(tmp_path, body, "place,month,value", complete_units=True, treated_from={"South": "2023-04"})
    assert "North" not in set(study_design(panel, p).table["unit"])
    even = [[u, m, "" if m == "2023-06" else v] for u, m, v in rows(False)]
    panel, p = panel_of(tmp_path, even, "place,month,value")
    assert ("no_value", 4, 4) in study_design(panel, p).set_aside.itertuples(index=False, name=None)


def test_a_missing_column_is_answered_with_the_nearest_of_all(tmp_path):
    header = "place,month,value," + ",".join(f"other_{i}" for i in range(60)) + ",denominators"
    body = [[*row, *range(61)] for row in rows(False)]
    with pytest.raises(InputError, match="did you mean 'denominators'.*and 34 more"):
        panel_of(tmp_path, body, header, weights="denominator")


def test_a_page_of_a_statistical_yearbook_is_read(tmp_path):
    """Titles, a header merged over years, the country, regions above their provinces, a source below."""
    book = Workbook()
    sheet = book.active
    sheet["A1"], sheet["A4"], sheet["B4"] = "Table 12. Average population by province", "Province", "Year"
    for cells in ("A1:H1", "A4:A5", "B4:H4"):
        sheet.merge_cells(cells)
    for at, year in enumerate([2017, 2018, 2019, 2020, 2021, 2022, "Prel. 2023"]):
        sheet.cell(5, 2 + at, year)
    regions = {"Region A": ["A1", "A2", "A3"], "Region B": ["B1", "B2", "B3", "B4"]}
    values = {u: [500 + 37 * i + 3 * t + (t * i) % 5 for t in range(7)] for i, u in enumerate(u for us in regions.values() for u in us)}
    lines = [["WHOLE COUNTRY", *(sum(v[t] for v in values.values()) for t in range(7))]]
    for region, units in regions.items():
        lines += [[region, *(sum(values[u][t] for u in units) for t in range(7))], *(["  " + u, *values[u]] for u in units)]
    for line in [*lines, [], ["Source: Statistics Office"]]:
        sheet.append(line)
    book.save(tmp_path / "book.xlsx")
    keys = {**STUDY, "unit": "Province", "cluster": "Province", "period": "year", "frequency": "Y", "outcome": "population",
            "treated_from": {"A1": "2021"}, "data": "book.xlsx"}  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    p, _ = load_study(tmp_path / "s.yaml", "en")
    panel = load_panel(p)
    assert {unit: part["outcome"].tolist() for unit, part in panel.cells.groupby("unit")} == values
    assert reasons(panel) == {"note_row": 1, "total_row": 21}
    assert told(panel) == {"wide_table", "period_marks", "totals_found"}


def test_a_number_merged_over_rows_is_refused(tmp_path):
    book = Workbook()
    for line in [["place", "month", "value"], *rows(False)]:
        book.active.append(line)
    book.active.merge_cells("C3:C4")
    book.save(tmp_path / "m.xlsx")
    with pytest.raises(InputError, match="merged over several rows"):
        panel_of(tmp_path, rows(False), "place,month,value", data="m.xlsx")


def test_a_treated_unit_that_is_the_sum_of_others_is_refused(tmp_path):
    body = [[*row, int(row[0] == "North" and row[1] >= "2023-04")] for row in rows()]
    months = dict.fromkeys(row[1] for row in body)
    region = [["Region", m, *(sum(row[i] for row in body if row[1] == m) for i in (2, 3)), int(m >= "2023-04")] for m in months]
    with pytest.raises(InputError, match="is treated, and equals the sum or the mean"):
        panel_of(tmp_path, [*body, *region], "place,month,yes,all,on", treated_from=None, treated="on")


def test_two_names_of_a_study_that_no_eye_tells_apart_are_refused(tmp_path):
    with pytest.raises(InputError, match="s.yaml: line .*: treated_from: .*no eye sees"):
        panel_of(tmp_path, rows(), treated_from={"North": "2023-04", "North\u00a0": "2023-05"})


def test_codes_of_missing_values_are_asked_for_and_then_left_out(tmp_path):
    body = [[*row[:2], -999 if i in (3, 9) else row[2]] for i, row in enumerate(rows(False))]
    with pytest.raises(InputError, match=r"a\.csv: row 5, column 'value': -999 stands in 2 rows, .*missing_codes: \[-999\]"):
        panel_of(tmp_path, body, "place,month,value")
    panel, _ = panel_of(tmp_path, body, "place,month,value", missing_codes=[-999])
    assert told(panel) == {"missing_codes"} and panel.cells["outcome"].isna().sum() == 2
    panel, _ = panel_of(tmp_path, body, "place,month,value", missing_codes=[])
    assert panel.cells["outcome"].min() == -999


@pytest.mark.parametrize("times", [1e3, 1e6])
def test_numbers_beside_thousands_of_them_are_refused(tmp_path, times):
    body = [[*row[:2], row[2] * times if row[1] >= "2023-05" else row[2]] for row in rows(False)]
    with pytest.raises(InputError, match=r"column 'value': numbers and (thousands|millions) of them, it seems: 1.5 in row 2, .* in row 6"):
        panel_of(tmp_path, body, "place,month,value")
    panel, _ = panel_of(tmp_path, [[*row[:2], row[2] * times if row[0] == "West" else row[2]] for row in rows(False)], "place,month,value")
    assert panel.cells["unit"].nunique() == 4  # a large unit is one


def test_a_row_that_lost_its_period_is_no_note(tmp_path):
    body = [row if i != 9 else [row[0], *row[2:], ""] for i, row in enumerate(rows(False))]
    with pytest.raises(InputError, match=r"row 11, column 'month': '.*' is not a period"):
        panel_of(tmp_path, body, "place,month,value")


@pytest.mark.parametrize(
    ("other", "alike"), [("7. West", True), ("West (93)", True), ("93 - West", True), ("T. West", True), ("West 2", False)]
)
def test_a_number_beside_a_name_makes_no_second_unit_without_a_word(tmp_path, other, alike):
    body = [[other if row[0] == "West" and row[1] >= "2023-03" else row[0], *row[1:]] for row in rows(False)]
    assert ("units_alike" in told(panel_of(tmp_path, body, "place,month,value")[0])) == alike
    both = [[f"{1 + (row[1] >= '2023-03')}. West" if row[0] == "West" else row[0], *row[1:]] for row in rows(False)]
    assert "units_alike" not in told(panel_of(tmp_path, both, "place,month,value")[0])  # two numbers part two units


def test_quarters_that_lack_a_month_are_told(tmp_path):
    whole, _ = panel_of(tmp_path, [row for row in rows() if row[1] <= "2023-06"], frequency="Q", treated_from={"North": "2023Q2"})
    assert told(whole) == set()
    lacking = [row for row in rows() if row[1] <= "2023-06" and row[:2] != ["East", "2023-05"]]
    panel, _ = panel_of(tmp_path, lacking, frequency="Q", treated_from={"North": "2023Q2"})
    assert [(reading.kind, reading.said["cells"]) for reading in panel.readings] == [("periods_incomplete", 1)]


def test_a_period_that_heads_two_columns_of_a_wide_table_is_refused(tmp_path):
    body = [["North", 1, 2, 3, 4], ["South", 2, 3, 4, 5]]
    with pytest.raises(InputError, match="column '2023-03' stands twice in the header"):
        panel_of(tmp_path, body, "place,2023-01,2023-02,2023-03,2023-03")


def test_a_cell_of_letters_that_nobody_sees_is_empty(tmp_path):
    body = [["\u00ad" if i == 9 else row[0], *row[1:]] for i, row in enumerate(rows())]
    with pytest.raises(InputError, match="row 11: the unit is empty"):
        panel_of(tmp_path, body)


def test_dates_turned_round_in_some_rows_are_no_finer_table(tmp_path):
    """Two clerks: last days of months, and months first; days above 12 say which order holds, so that some rows land in other months."""
    last = {"01": "31", "02": "28", "03": "31", "04": "30", "05": "31", "06": "30", "07": "31"}
    body = [
        [u, f"{m[5:]}/04/2023" if u == "North" and m[5:] in ("02", "06") else f"{last[m[5:]]}/{m[5:]}/2023", *rest]
        for u, m, *rest in rows()
    ]
    with pytest.raises(InputError, match="a second row of unit 'North' in period 2023-04"):
        panel_of(tmp_path, body)
