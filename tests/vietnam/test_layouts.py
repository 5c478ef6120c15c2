"""The contract of export layouts: a new file in vietnam/layouts/ joins by existing. And what each summarised layout refuses."""

import json

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.panel.load import load_panel
from hgdx_eval.read.sources import data_files
from hgdx_eval.read.tables import open_beginning, parse_count
from hgdx_eval.study.load import read_study
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import check_file, check_lines
from hgdx_eval.vietnam.layouts import DEFINITIONS, is_total, layout_names, layout_of, month_of_name, reader, stored_answers, summary_layouts
from hgdx_eval.vietnam.made_up_export import agency_months, write_made_up
from hgdx_eval.vietnam.made_up_world import simulate, simulate_cells
from hgdx_eval.vietnam.summary_panel import check_definitions, summary_panel

MONTHS = ("2023-06", "2023-07", "2023-08")
KINDS = [(layout, suffix) for layout in summary_layouts() for suffix in reader(layout).SUFFIXES
         if (layout, suffix) != ("portal_766", ".xlsx")]  # fmt: skip
CANARY = "Trần Thị Bí Mật 0912345678"
PERSONAL = ("Chủ hồ sơ", "Người nộp hồ sơ", "Số điện thoại", "applicantName")


@pytest.fixture(scope="module")
def counts():
    """One row per agency and month: three months of the made-up province."""
    cells, _ = simulate_cells(5, dossiers=20_000)
    table = agency_months(cells[cells["period"].astype(str).isin(MONTHS)])
    assert len(table) > 200
    return table


def write(folder, layout, suffix, counts):
    """The made-up export of a layout: one file, or one a month."""
    module = reader(layout)
    one = getattr(module, "ONE_MONTH_A_FILE", False)
    paths = []
    for month, part in counts.groupby("month") if one else [("so_lieu", counts)]:
        paths.append(folder / f"{month}{suffix}")
        write_made_up(paths[-1], module.made_up(part.reset_index(drop=True)), getattr(module, "MERGED", ()))
    return paths


# --- the contract --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", layout_names())
def test_a_reader_says_what_it_reads(layout):
    module = reader(layout)
    assert module.__doc__ and isinstance(module.HEADERS, dict)
    assert all(isinstance(names, tuple) and names for names in module.HEADERS.values())
    for lang in ("vi", "en"):
        assert Words(lang, domain="vietnam")("check.layout_" + layout)
    if layout in summary_layouts():
        assert module.DEFINITION in DEFINITIONS and Words("vi", domain="vietnam")("check.definition_" + module.DEFINITION)


@pytest.mark.parametrize(("layout", "suffix"), KINDS)
def test_a_made_up_example_is_recognised_by_its_reader_alone_and_read_back(tmp_path, counts, layout, suffix):
    paths = write(tmp_path, layout, suffix, counts)
    module = reader(layout)
    for path in paths:
        opening = open_beginning(path, [h for name in layout_names() for hs in reader(name).HEADERS.values() for h in hs])
        assert [n for n in layout_names() if hasattr(reader(n), "recognise") and reader(n).recognise(opening)] == [layout]
        assert layout_of(path) == layout
    panel = summary_panel(paths, layout)
    assert panel.origin.simulated and panel.definition == module.DEFINITION
    assert not panel.cells.duplicated(["agency", "period"]).any() and set(panel.cells["level"]) == {"province", "district", "commune"}
    assert len(panel.cells) == panel.accepted == len(counts)
    if "received" in panel.cells:
        official = counts.assign(agency=counts["agency"].str.removeprefix("UBND ")).sort_values(["agency", "month"])
        told = panel.cells.assign(month=panel.cells["period"].astype(str)).sort_values(["agency", "month"])
        for column in ("agency", "month", "received", "online"):
            assert told[column].tolist() == official[column].tolist()
        assert panel.cells["received"].dtype == panel.cells["online"].dtype == np.dtype("int64")


@pytest.mark.parametrize("layout", [name for name in layout_names() if name != "table"])
def test_simulate_writes_every_layout_and_only_its_reader_knows_it(tmp_path, layout):
    alone = getattr(reader(layout), "SUFFIXES", (".csv",))[-1]
    folder = layout == "opencps_fees" or getattr(reader(layout), "ONE_MONTH_A_FILE", False)
    simulate(tmp_path / ("ra" if folder else f"ra{'.json' if layout == 'portal_766' else alone}"), seed=5, dossiers=600, layout=layout)
    files = sorted((tmp_path / "ra").iterdir()) if folder else data_files(tmp_path)
    known = {layout_of(path) for path in files if not path.name.endswith((".fees.csv", ".truth.csv", ".payments.csv"))}
    assert known == ({layout, "opencps_dossiers"} if layout == "opencps_fees" else {layout})


@pytest.mark.parametrize(("layout", "suffix"), KINDS)
def test_what_misses_a_needed_column_is_refused_with_one_clear_line(tmp_path, counts, layout, suffix):
    path = write(tmp_path, layout, suffix, counts)[0]
    table = reader(layout).made_up(counts[counts["month"] == MONTHS[0]].reset_index(drop=True))
    needed = {"opencps_monthly": "onlineCount", "opencps_summary": "Trực tuyến", "portal_counts": "HTN_BUUCHINH_TOTAL",
              "portal_evaluation": "channelTotalSum", "portal_766": "TTTT"}  # fmt: skip
    near = json.loads(json.dumps(table, ensure_ascii=False).replace(f'"{needed[layout]}"', '"Cột khác"'))
    write_made_up(path, near)
    for refused in (lambda: check_file(path, None), lambda: reader(layout).read_summary(path)):
        with pytest.raises(InputError, match="no known header") as error:
            refused()
        assert str(error.value).startswith(path.name) and "\n" not in str(error.value)


@pytest.mark.parametrize(("layout", "suffix"), KINDS)
def test_no_personal_column_gets_through(tmp_path, counts, layout, suffix):
    path = write(tmp_path, layout, suffix, counts)[0]
    table = reader(layout).made_up(counts[counts["month"] == MONTHS[0]].reset_index(drop=True))
    if isinstance(table[0], dict):
        for _, answer, _ in stored_answers(table):
            for item in answer if isinstance(answer, list) else answer["data"]["children"]:
                item.update(dict.fromkeys(PERSONAL, CANARY))
    else:
        width = max(len(row) for row in table)
        for row in table:  # four more columns at the right end
            header = "Trực tuyến" in row or "onlineCount" in row
            row += [""] * (width - len(row)) + (list(PERSONAL) if header else [CANARY] * 4 if isinstance(row[0], (int, str)) else [])
    write_made_up(path, table)
    panel = summary_panel([path], layout)
    told = panel.cells.to_csv() + panel.rejected.to_csv() + repr(panel.origin) + json.dumps(check_file(path, None))
    assert panel.accepted > 50 and "Mật" not in told and "0912345678" not in told


@pytest.mark.parametrize("layout", summary_layouts())
def test_simulate_writes_it_and_check_tells_a_clerk(tmp_path, layout):
    folder = getattr(reader(layout), "ONE_MONTH_A_FILE", False)
    out = tmp_path / ("ra" if folder else "ra" + next(s for lay, s in KINDS if lay == layout))
    simulate(out, seed=5, dossiers=5000, layout=layout)
    assert (tmp_path / (out.name + ".truth.csv")).is_file()
    paths = data_files(out)
    assert len(paths) == (42 if folder else 1)
    panel = summary_panel(paths, layout)
    assert panel.cells["period"].nunique() == 42
    found = check_file(paths[0], None)
    assert (
        found["layout"] == layout and found["simulated"] and found["rows"] == found["accepted"] + sum(r["rows"] for r in found["rejected"])
    )
    for lang in ("vi", "en"):
        lines = check_lines(found, Words(lang, domain="vietnam"))
        assert Words(lang, domain="vietnam")("check.layout_" + layout) in lines[0] and len(lines) >= 5
    with pytest.raises(InputError, match="is written as"):
        simulate(tmp_path / "ra.parquet", seed=5, dossiers=500, layout=layout)


JUNK = ("", "x", "-1", "1e9", "NaN", "null", "9" * 15, "Tổng số", "=1+1", "\x00", "٣", "(3)", "Đơn vị/Lĩnh vực", "I", "1.1", "<b>", "a\nb", "1.234",
        None, 1, 2.5, True, {}, [])  # fmt: skip


def spoilt(value, rng):
    """A table with some cells, rows and keys replaced, lost or doubled."""
    if isinstance(value, list):
        out = [spoilt(item, rng) for item in value]
        if out and rng.random() < 0.06:
            out.insert(rng.integers(len(out)), out.pop(rng.integers(len(out))) if rng.random() < 0.5 else out[rng.integers(len(out))])
        return out
    if isinstance(value, dict):
        return {key: spoilt(item, rng) for key, item in value.items() if rng.random() > 0.004}
    return JUNK[rng.integers(len(JUNK))] if rng.random() < 0.02 else value


@pytest.mark.parametrize(("layout", "suffix"), [kind for kind in KINDS if kind[1] != ".xlsx"])
def test_a_spoilt_export_is_read_or_refused_with_one_line(tmp_path, counts, layout, suffix):
    rng = np.random.default_rng(20230714)
    few = counts[counts["month"] == MONTHS[0]].head(6).reset_index(drop=True)
    table = json.loads(json.dumps(reader(layout).made_up(few)))
    path = tmp_path / f"2023-06{suffix}"
    for _ in range(25):
        made = spoilt(table, rng)
        path.write_text(json.dumps(made), encoding="utf-8") if suffix == ".json" else write_made_up(path, made)
        if rng.random() < 0.2:
            path.write_bytes(path.read_bytes()[: rng.integers(1, 400)])
        try:
            cells = summary_panel([path], layout).cells
        except InputError as error:
            assert "\n" not in str(error) and str(error).startswith(("2023-06", "layout"))
        else:
            assert "received" not in cells or (cells["online"] <= cells["received"]).all()


# --- months, counts, definitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "month"),
    [("2023-07.csv", "2023-07"), ("bc_202307.xlsx", "2023-07"), ("thang_07_2023.json", "2023-07"), ("bc-7-2023.csv", "2023-07"),
     ("072023.csv", "2023-07"), ("122023.csv", "2023-12"), ("xuat 2023-08-01.csv", None), ("01_08_2023.csv", None),
     ("bc.csv", None), ("2023.csv", None), ("2023-06_2023-07.csv", None), ("2023-13.csv", None), ("20230715.csv", None)],
)  # fmt: skip
def test_the_month_in_a_file_name_is_no_day_of_export(name, month):
    assert month_of_name(name) == month


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("1.234", 1234), ("1,234,567", 1234567), ("12 345", 12345), ("", None), ("-", None), (None, None)]
)
def test_a_count_is_whole_and_nothing_is_not_0(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["1.5", "-3", "1e3", "12.34.567", "x", "٣", "1" * 13])
def test_what_is_no_count(text):
    with pytest.raises(ValueError):
        parse_count(text)


def test_two_definitions_are_never_one_series(tmp_path, counts):
    check_definitions([("a", "online_share"), ("b", "online_share")])
    with pytest.raises(
        InputError, match=r"b: holds index_766 \(points.*\), but a holds online_share \(dossiers filed online.*two definitions"
    ):
        check_definitions([("a", "online_share"), ("b", "index_766")])
    write(tmp_path, "portal_counts", ".json", counts)
    (tmp_path / "so_lieu.json").rename(tmp_path / "a.json")
    write(tmp_path, "portal_766", ".json", counts)
    with pytest.raises(InputError, match=r"so_lieu\.json: holds index_766"):
        summary_panel(data_files(tmp_path), "portal_counts")
    (tmp_path / "so_lieu.json").unlink()
    write(tmp_path, "opencps_monthly", ".json", counts)
    with pytest.raises(InputError, match=r"so_lieu\.json: a file of layout opencps_monthly, but the study says layout: portal_counts"):
        summary_panel(data_files(tmp_path), "portal_counts")


# --- several files -------------------------------------------------------------------------------------------------


def monthly(path, rows, month="2023-07"):
    lines = ["govAgencyName,processCount,onegateCount,onlineCount,note,month"]
    path.write_text("\n".join(lines + [f"{name},0,{counter},{online},,{month}" for name, counter, online in rows]) + "\n", encoding="utf-8")
    return path


def test_a_folder_or_a_pattern_is_read_in_order_and_overlaps_that_agree_are_merged(tmp_path):
    monthly(tmp_path / "b.csv", [("Sở Tư pháp", 6, 4), ("Sở Xây dựng", 1, 1)], "2023-08")
    monthly(tmp_path / "a.csv", [("Sở Tư pháp", 5, 5)])
    monthly(tmp_path / "c.csv", [("sở tư  pháp", 6, 4)], "2023-08")
    for name in ("a.csv.fees.csv", "a.csv.truth.csv", ".b.csv", "~$b.xlsx", "read.me"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "sub.csv").mkdir()
    assert [path.name for path in data_files(tmp_path)] == ["a.csv", "b.csv", "c.csv"]
    assert [path.name for path in data_files(tmp_path / "[ab].csv")] == ["a.csv", "b.csv"]
    panel = summary_panel(data_files(tmp_path), "opencps_monthly")
    assert panel.cells[["agency", "received", "online"]].to_numpy().tolist() == [
        ["Sở Tư pháp", 10, 5],
        ["Sở Tư pháp", 10, 4],
        ["Sở Xây dựng", 2, 1],
    ]
    assert [tuple(row) for row in panel.rejected.itertuples(index=False)] == [("overlap", 1, (2,))]
    assert panel.origin.file == "a.csv (+2)" and panel.origin.rows == 4 and len(panel.origin.sha256) == 64
    with pytest.raises(InputError, match="no file to read"):
        data_files(tmp_path / "z*.csv")


def test_overlaps_that_disagree_are_refused_by_file_agency_month_and_counts(tmp_path):
    monthly(tmp_path / "a.csv", [("Sở Tư pháp", 5, 5)])
    monthly(tmp_path / "b.csv", [("Sở Xây dựng", 5, 5), ("Sở tư pháp", 5, 6)])
    with pytest.raises(InputError, match=r"b\.csv: row 3: Sở Tư pháp, 2023-07: received 11, but a\.csv, row 2, tells 10"):
        summary_panel(data_files(tmp_path), "opencps_monthly")
    monthly(tmp_path / "b.csv", [("Sở Xây dựng", 5, 5), ("sở xây dựng ", 5, 5)])
    with pytest.raises(InputError, match=r"b\.csv: row 3: a second row of Sở Xây dựng in 2023-07"):
        summary_panel([tmp_path / "b.csv"], "opencps_monthly")


def test_a_study_runs_on_a_folder_of_summaries(tmp_path):
    simulate(tmp_path / "ra", seed=5, dossiers=5000, layout="opencps_summary")
    (tmp_path / "s.yaml").write_text(
        "study: s\ndata: ra\nlayout: opencps_summary\nunit: agency\nperiod: period\nfrequency: M\nnumerator: online\n"
        "denominator: received\ncluster: cluster\nestimator: two_way_fixed_effects\nwindow: [2023-01, 2023-12]\n"
        "treated_from: {Thành phố Vị Thanh: 2023-08, Huyện Phụng Hiệp: 2023-08}\n",
        encoding="utf-8",
    )
    p = read_study(tmp_path / "s.yaml", {})
    panel = load_panel(p)
    design = study_design(panel, p)
    assert design.treated_units == ["Huyện Phụng Hiệp", "Thành phố Vị Thanh"] and design.table["period"].nunique() == 12
    told = panel.cells[panel.cells["period"].dt.year == 2023]
    told = told[told.groupby("agency")["received"].transform("size") > 1]  # an agency of one month is set aside, and told
    assert design.table["denominator"].sum() == told["received"].sum() and design.scale == "pp"
    assert "singleton" in set(design.set_aside["reason"])


# --- opencps_summary -----------------------------------------------------------------------------------------------

SUMMARY = reader("opencps_summary")
TITLE = "Từ ngày 01/07/2023 đến ngày 31/07/2023"


def summary(path, rows, title=TITLE, numbered=True, delimiter=","):
    """rows: (STT, name, carried over, received, counter, online)."""
    lines = [["UBND TỈNH"], ["BÁO CÁO TỔNG HỢP"], [title], [], list(SUMMARY.TOP), list(SUMMARY.MIDDLE), list(SUMMARY.BOTTOM)]
    lines += [[f"({i})" for i in range(1, 21)]] if numbered else []
    for stt, name, old, received, counter, online in rows:
        total = old + received if isinstance(old, int) and isinstance(received, int) else ""
        lines.append([stt, name, total, old, received, counter, online, *["0"] * 12, "100%"])
    lines += [[], ["", "NGƯỜI LẬP BIỂU", "", "", "", "", "", "", "", "", "", "", "", "", "THỦ TRƯỞNG ĐƠN VỊ"]]
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("Báo cáo")
            shifted = 2  # the header starts two rows lower than in the made-up export
            for top, left, bottom, right in SUMMARY.MERGED:
                sheet.merge_range(top + shifted, left, bottom + shifted, right, "")
            sheet.merge_range(0, 0, 0, 5, "")
            for i, line in enumerate(lines):
                for j, cell in enumerate(line):
                    if cell != "":
                        sheet.write(i, j, cell)
    else:
        path.write_text("\n".join(delimiter.join(str(c) for c in line) for line in lines), encoding="utf-8-sig")
    return path


FLAT = [(1, "Sở Tư pháp", 3, 10, 6, 4), (2, "Sở Xây dựng", 1, 5, 0, 5), ("", "Tổng số", 4, 15, 6, 9)]


@pytest.mark.parametrize(
    ("suffix", "numbered", "delimiter"),
    [(".csv", True, ","), (".csv", False, ";"), (".csv", True, "\t"), (".xlsx", True, ","), (".xlsx", False, ",")],
)
def test_the_backlog_is_in_neither_count_and_the_total_is_left_out(tmp_path, suffix, numbered, delimiter):
    path = summary(tmp_path / f"a{suffix}", FLAT, numbered=numbered, delimiter=delimiter)
    assert layout_of(path) == "opencps_summary"
    panel = summary_panel([path], "opencps_summary")
    assert panel.cells[["agency", "received", "online"]].to_numpy().tolist() == [["Sở Tư pháp", 10, 4], ["Sở Xây dựng", 5, 5]]
    assert panel.cells["period"].astype(str).unique().tolist() == ["2023-07"] and panel.rejected["reason"].tolist() == ["total_row"]
    assert not panel.origin.simulated and panel.origin.rows == 3


@pytest.mark.parametrize("marks", [("A", "I", "1", "2", "II", "1"), ("", "1", "1.1", "1.2", "2", "2.1"), ("", "1", "1", "2", "2", "1")])
def test_groups_and_fields_are_checked_and_not_counted_twice(tmp_path, marks):
    rows = [
        ("Cấp sở", 15, 6, 9),
        ("Sở Tư pháp", 10, 6, 4),
        ("Chứng thực", 7, 5, 2),
        ("Hộ tịch", 3, 1, 2),
        ("Sở Xây dựng", 5, 0, 5),
        ("Quy hoạch", 5, 0, 5),
    ]
    table = [(mark, name, 0, *rest) for mark, (name, *rest) in zip(marks, rows, strict=True)]
    table = table if marks[0] else table[1:]
    panel = summary_panel([summary(tmp_path / "a.csv", [*table, ("", "Tổng số", 0, 15, 6, 9)])], "opencps_summary")
    assert panel.cells[["agency", "received", "online"]].to_numpy().tolist() == [["Sở Tư pháp", 10, 4], ["Sở Xây dựng", 5, 5]]
    noted = dict(zip(panel.rejected["reason"], panel.rejected["rows"]))
    assert noted["field_row"] == 3 and noted.get("group_row", 0) == bool(marks[0]) and panel.origin.rows == len(table) + 1
    table[1 if not marks[0] else 2] = (table[1 if not marks[0] else 2][0], "Chứng thực", 0, 8, 6, 2)
    with pytest.raises(InputError, match="the row of Sở Tư pháp tells 10 received, its rows add up to 11"):
        summary_panel([summary(tmp_path / "a.csv", [*table, ("", "Tổng số", 0, 15, 6, 9)])], "opencps_summary")


def test_communes_under_their_district_are_the_agencies_and_departments_keep_their_fields(tmp_path):
    rows = [("A", "Tỉnh Hậu Giang", 0, 24, 12, 12), ("I", "Sở Tư pháp", 0, 10, 6, 4), ("1", "Chứng thực", 0, 10, 6, 4),
            ("II", "Huyện Long Mỹ", 0, 9, 5, 4), ("1", "UBND xã Xà Phiên", 0, 6, 3, 3), ("2", "UBND xã Lương Tâm", 0, 3, 2, 1),
            ("III", "Sở Y tế", 0, 5, 1, 4), ("1", "Dược", 0, 5, 1, 4), ("", "Tổng số", 0, 24, 12, 12)]  # fmt: skip
    panel = summary_panel([summary(tmp_path / "a.csv", rows)], "opencps_summary")
    assert dict(zip(panel.cells["agency"], panel.cells["received"])) == {
        "Sở Tư pháp": 10,
        "Sở Y tế": 5,
        "Xã Lương Tâm": 3,
        "Xã Xà Phiên": 6,
    }
    assert dict(zip(panel.rejected["reason"], panel.rejected["rows"])) == {"field_row": 2, "group_row": 2, "total_row": 1}
    strange = [("I", "Sở lạ", 0, 5, 1, 4), ("1", "Đất đai", 0, 5, 1, 4), ("", "Tổng số", 0, 5, 1, 4)]
    with pytest.raises(InputError, match="numbered in 2 ways.*cannot be told"):
        summary_panel([summary(tmp_path / "a.csv", strange)], "opencps_summary")


@pytest.mark.parametrize(
    ("rows", "title", "says"),
    [
        ([*FLAT[:2], ("", "Tổng số", 4, 16, 6, 9)], TITLE, r"row 11: the total tells 16 received, its rows add up to 15"),
        (FLAT[:2], TITLE, "no row 'Tổng số': the file may have been cut short"),
        ([FLAT[2]], TITLE, "a total, but no agency"), ([], TITLE, "no data rows"),
        (FLAT, "Từ ngày 01/07/2023 đến ngày 30/09/2023", "not one month"), (FLAT, "Từ ngày 15/07/2023 đến ngày 31/07/2023", "not one month"),
        (FLAT, "Từ ngày 01/07/2023 đến ngày 32/07/2023", "no period"), (FLAT, "", "which month"),
        (FLAT, "Từ ngày 01/07/2023 đến ngày 20/07/2023", "no usable row: total_row 1; unfinished_month 2"),
        ([(1, "Sở Tư pháp", 3, "mười", 6, 4), FLAT[2]], TITLE, "row 9, column 'Tổng số': not a count"),
    ],
)  # fmt: skip
def test_a_summary_that_cannot_be_trusted_is_refused(tmp_path, rows, title, says):
    with pytest.raises(InputError, match=says) as error:
        summary_panel([summary(tmp_path / "a.csv", rows, title)], "opencps_summary")
    assert "\n" not in str(error.value)


def test_an_unfinished_month_beside_finished_ones_is_left_out_and_said(tmp_path):
    summary(tmp_path / "a.csv", FLAT)
    summary(tmp_path / "b.csv", FLAT, "Từ ngày 01/8/2023 đến hết ngày 20/8/2023")
    panel = summary_panel(data_files(tmp_path), "opencps_summary")
    assert panel.cells["period"].astype(str).unique().tolist() == ["2023-07"]
    assert dict(zip(panel.rejected["reason"], panel.rejected["rows"])) == {"total_row": 2, "unfinished_month": 2}


def test_the_title_may_name_the_month_or_the_file_may(tmp_path):
    assert SUMMARY.read_summary(summary(tmp_path / "a.csv", FLAT, "Tháng 8 năm 2023")).cells["month"].unique().tolist() == ["2023-08"]
    assert SUMMARY.read_summary(summary(tmp_path / "bc_09_2023.csv", FLAT, "")).cells["month"].unique().tolist() == ["2023-09"]


def test_empty_counts_are_no_zeros_and_parts_must_make_up_the_received(tmp_path):
    rows = [
        (1, "Sở Tư pháp", 3, 10, 6, 4),
        (2, "Sở Xây dựng", "", "", "", 0),
        (3, "Sở Công Thương", 0, 9, 9, 1),
        (4, "Sở Y tế", 0, 0, 0, 0),
        ("", "Tổng số", 3, 19, 15, 5),
    ]
    found = SUMMARY.read_summary(summary(tmp_path / "a.csv", rows))
    assert found.cells[["agency", "received"]].to_numpy().tolist() == [["Sở Tư pháp", 10], ["Sở Y tế", 0]]
    assert sorted(reason for reason, _ in found.left_out) == ["no_count", "parts_differ", "total_row"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
def test_any_encoding_of_a_printed_summary(tmp_path, encoding):
    from test_files import encode_1258

    path = summary(tmp_path / "a.csv", FLAT)
    text = path.read_text(encoding="utf-8-sig")
    path.write_bytes((encode_1258(text) if encoding == "cp1258" else text).encode(encoding))
    assert SUMMARY.read_summary(path).cells["agency"].tolist() == ["Sở Tư pháp", "Sở Xây dựng"]


# --- opencps_monthly -----------------------------------------------------------------------------------------------

MONTHLY = reader("opencps_monthly")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".json"])
def test_the_month_of_a_monthly_summary_comes_from_its_name_where_no_column_tells(tmp_path, suffix):
    table = [list(MONTHLY.COLUMNS), ["Sở Tư pháp", 13, 6, 4, 3, *[0] * 8, ""], ["", 13, 6, 4, 3, *[0] * 8, ""]]
    write_made_up(tmp_path / f"bc_07_2023{suffix}", table)
    found = MONTHLY.read_summary(tmp_path / f"bc_07_2023{suffix}")
    assert found.cells[["agency", "month", "received", "online"]].to_numpy().tolist() == [["Sở Tư pháp", "2023-07", 10, 4]]
    assert found.left_out == (("total_row", 3),) and not found.simulated
    (tmp_path / f"bc_07_2023{suffix}").rename(tmp_path / f"bc{suffix}")
    with pytest.raises(InputError, match=f"bc{suffix}: which month"):
        MONTHLY.read_summary(tmp_path / f"bc{suffix}")


@pytest.mark.parametrize(
    ("rows", "month", "says"),
    [([("Sở Tư pháp", 6, 4), ("Tổng số", 6, 5)], "2023-07", "row 3: the total row tells 11 received, its rows add up to 10"),
     ([("Sở Tư pháp", -6, 4)], "2023-07", "row 2, column 'onegateCount': not a count"),
     ([("Sở Tư pháp", 6, 4), ("Sở Tư pháp", 6, 4)], "2023-07", "row 3: a second row of Sở Tư pháp"),
     ([("Sở Tư pháp", 6, 4)], "7", "a column year is needed"), ([("Sở Tư pháp", 6, 4)], "2023", "is a year"),
     ([("Sở Tư pháp", 6, "")], "2023-07", "no usable row: no_count 1")],
)  # fmt: skip
def test_a_monthly_summary_that_cannot_be_trusted_is_refused(tmp_path, rows, month, says):
    with pytest.raises(InputError, match=says):
        summary_panel([monthly(tmp_path / "a.csv", rows, month)], "opencps_monthly")


def test_month_0_is_the_whole_year_and_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("govAgencyName,onegateCount,onlineCount,month,year\nSở Tư pháp,60,40,0,2023\nSở Tư pháp,6,4,7,2023\n", encoding="utf-8")
    found = MONTHLY.read_summary(path)
    assert found.cells["month"].tolist() == ["2023-07"] and found.left_out == (("total_row", 2),)


# --- answers of the national portal --------------------------------------------------------------------------------

COUNTS, EVALUATION = reader("portal_counts"), reader("portal_evaluation")


def counted(name="Sở Tư pháp", standard="3", other="1", counter="6", post="2", **more):
    return {"TEN": name, "HS_TOTAL": "99", "HTN_TRUCTUYEN_TOTAL": standard, "HTN_TRUCTUYEN_KHONGCHUAN_TOTAL": other,
            "HTN_TRUCTIEP_TOTAL": counter, "HTN_BUUCHINH_TOTAL": post, **more}  # fmt: skip


def stored(path, document):
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


ASKED = {"service": "report_by_month_sum_service", "p_nam": "2023", "p_thang": "7", "p_tinh_id": "11358"}


def test_the_four_ways_of_filing_make_up_the_received_and_null_is_not_0(tmp_path):
    answer = [
        counted(),
        counted("Sở Xây dựng", post=None),
        counted("Sở Y tế", "0", "0", "0", "0"),
        counted("Tổng số", "6", "2", "12", None),
    ]
    found = COUNTS.read_summary(stored(tmp_path / "a.json", {"request": {"params": ASKED}, "answer": answer}))
    assert found.cells[["agency", "month", "received", "online", "online_standard"]].to_numpy().tolist() == [
        ["Sở Tư pháp", "2023-07", 12, 4, 3], ["Sở Y tế", "2023-07", 0, 0, 0]]  # fmt: skip
    assert sorted(found.left_out) == [("no_count", 2), ("total_row", 4)]


def test_the_month_of_an_answer_comes_from_its_request_the_request_beside_it_or_the_name(tmp_path):
    path = stored(tmp_path / "2023-06.json", [counted()])
    assert COUNTS.read_summary(path).cells["month"].tolist() == ["2023-06"]
    stored(tmp_path / "2023-06.json.request.json", ASKED)
    assert COUNTS.read_summary(path).cells["month"].tolist() == ["2023-07"]
    pairs = [{"request": {**ASKED, "p_thang": str(month)}, "answer": [counted("")]} for month in (7, 8)]
    found = COUNTS.read_summary(stored(tmp_path / "b.json", pairs))
    assert found.cells[["agency", "month"]].to_numpy().tolist() == [["p_tinh_id 11358", "2023-07"], ["p_tinh_id 11358", "2023-08"]]
    year = [counted("", THANG=str(month)) for month in (1, 2)]
    found = COUNTS.read_summary(stored(tmp_path / "c.json", {"request": {**ASKED, "p_thang": "0"}, "answer": year}))
    assert found.cells["month"].tolist() == ["2023-01", "2023-02"]


@pytest.mark.parametrize(
    ("request_", "answer", "says"),
    [({**ASKED, "p_thang": "0"}, [counted()], "asks for no single month"), ({**ASKED, "loaichitieu": "2"}, [counted()], "loaichitieu '2'.*another denominator"),
     (ASKED, [counted(), counted("Tổng", "9")], "tells 18 received, its rows add up to 12"), (ASKED, [counted(counter="sáu")], "column 'HTN_TRUCTIEP_TOTAL': not a count"),
     (ASKED, [counted(), counted()], "a second row of Sở Tư pháp"), (ASKED, [], "no known header"), ({}, [counted()], "which month")],
)  # fmt: skip
def test_an_older_answer_that_cannot_be_trusted_is_refused(tmp_path, request_, answer, says):
    with pytest.raises(InputError, match=says):
        COUNTS.read_summary(stored(tmp_path / "a.json", {"request": request_, "answer": answer}))


def unit(name="Sở Tư pháp", online=4, direct=6, post=2, total=12):
    return {
        "departmentName": name,
        "channelOnlineSum": online,
        "channelDirectSum": direct,
        "channelPostalSum": post,
        "channelTotalSum": total,
    }


def test_children_of_all_pages_add_up_to_their_parent(tmp_path):
    asked = {"timeType": "month", "year": 2026, "month": 3}
    pages = [{"request": {**asked, "currentPage": i}, "answer": {"data": {"parent": unit("Tỉnh", 8, 12, 4, 24), "children": [unit(name)]}}}
             for i, name in ((1, "Sở Tư pháp"), (2, "Sở Xây dựng"))]  # fmt: skip
    found = EVALUATION.read_summary(stored(tmp_path / "a.json", pages))
    assert found.cells[["agency", "month", "received", "online"]].to_numpy().tolist() == [
        ["Sở Tư pháp", "2026-03", 12, 4],
        ["Sở Xây dựng", "2026-03", 12, 4],
    ]
    with pytest.raises(InputError, match="parent of 2026-03.*tells 24 received, its rows add up to 12"):
        EVALUATION.read_summary(stored(tmp_path / "a.json", pages[:1]))
    alone = {"data": {"parent": unit("Tỉnh"), "children": []}}
    assert EVALUATION.read_summary(stored(tmp_path / "2026-03.json", alone)).cells["agency"].tolist() == ["Tỉnh"]
    odd = {"data": {"children": [unit(), unit("b", online=None), unit("c", post=1), unit("")]}}
    assert sorted(EVALUATION.read_summary(stored(tmp_path / "2026-03.json", odd)).left_out) == [
        ("no_agency", 4),
        ("no_count", 2),
        ("parts_differ", 3),
    ]
    with pytest.raises(InputError, match="asks for no single month"):
        EVALUATION.read_summary(stored(tmp_path / "a.json", {"request": {"timeType": "year", "year": 2026}, "answer": alone}))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": NaN}', "[1, 2]", "null", '"x"', '{"data": 3}', '[{"answer": 5}]', "1" * 5000])
def test_json_that_is_no_answer_is_one_line(tmp_path, text):
    (tmp_path / "2023-07.json").write_text(text, encoding="utf-8")
    for layout in (None, "opencps_monthly", "portal_counts", "portal_evaluation", "portal_766"):
        with pytest.raises(InputError) as error:
            check_file(tmp_path / "2023-07.json", None) if layout is None else reader(layout).read_summary(tmp_path / "2023-07.json")
        assert "\n" not in str(error.value) and str(error.value).startswith("2023-07.json")


# --- index 766 -----------------------------------------------------------------------------------------------------


def test_the_real_index_file_loads_with_its_raw_names(shared_data):
    path = shared_data / "portal" / "chi_so_766_2025-10.xlsx"
    assert layout_of(path) == "portal_766"
    panel = summary_panel([path], "portal_766")
    cells = panel.cells
    assert panel.definition == "index_766" and not panel.origin.simulated and (cells["period"].astype(str) == "2025-10").all()
    assert cells["sheet"].value_counts().to_dict() == {"Xã Phường": 102, "Điểm tháng": 34, "Sở Ban": 15}
    first = cells[cells["code"] == "H05"].iloc[0]
    assert (first["agency"], first["TTTT"], first["CLGQ"], first["TONG_SCORE"]) == ("UBND tỉnh Bắc Ninh", 9.31, 8.08, 91.52)
    assert dict(zip(panel.rejected["reason"], panel.rejected["rows"])) == {"yearly_score": 34}
    points = cells[["CKMB", "TDGQ", "TTTT", "CLGQ", "MDHL", "MDSH"]].sum(axis=1)
    assert (abs(points - cells["TONG_SCORE"]) < 0.1).mean() > 0.9
    assert "Nội dung đo" in "\n".join(check_lines(check_file(path, None), Words("vi", domain="vietnam")))


def scores(**changes):
    told = {
        "TEN": "UBND tỉnh A",
        "MA_COQUAN": "H01",
        "CKMB": "15.5",
        "TDGQ": "18",
        "TTTT": "9",
        "CLGQ": "8",
        "MDHL": "17",
        "MDSH": "18",
        "TONG_SCORE": "85.5",
    }
    return {**told, **changes}


def test_an_answer_of_scores_keeps_null_apart_and_refuses_what_cannot_be(tmp_path):
    module, path = reader("portal_766"), tmp_path / "2025-10.json"
    found = module.read_summary(stored(path, [scores(), scores(TEN="B", TTTT=None), scores(TEN="C", CKMB="15,5")]))
    assert found.cells["TTTT"].isna().tolist() == [False, True, False] and found.cells["CKMB"].tolist() == [15.5, 15.5, 15.5]
    for wrong, says in (
        (scores(CKMB="19"), "row 2, column CKMB: not points from 0 to 18"),
        (scores(TTTT="nan"), "column TTTT"),
        (scores(MDHL="-1"), "MDHL"),
    ):
        with pytest.raises(InputError, match=says):
            module.read_summary(stored(path, [wrong]))
    with pytest.raises(InputError, match="a second row of UBND tỉnh A"):
        module.read_summary(stored(path, [scores(), scores()]))


def test_an_office_whose_name_begins_like_a_total_is_none():
    names = pd.Series(
        ["Tổng cục Thuế", "Tổng công ty Điện lực", "Cộng đồng doanh nghiệp", "Tổng số", "Tổng cộng các đơn vị", "CỘNG", "Total", "", None]
    )
    assert is_total(names).tolist() == [False] * 3 + [True] * 6
