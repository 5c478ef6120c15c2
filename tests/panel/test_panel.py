import shutil

import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.panel.load import load_panel
from hgdx_eval.read.sources import data_files
from hgdx_eval.study.load import read_study
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import check_file, check_lines
from hgdx_eval.vietnam.dossier_panel import dossier_panel
from hgdx_eval.vietnam.made_up_export import COLUMNS
from hgdx_eval.vietnam.made_up_world import simulate, simulate_cells

HEADER = ",".join(COLUMNS)
FEES = "procedure,name,field,set_by,fee_vnd,same_as\n1.004194,A,x,province,50000,\n2.000001,B,x,none,,\n3.000001,C,x,none,,2.000001\n"


def dossier(number="H1", procedure="1.004194", agency="Sở Tư pháp", received="14/08/2023 08:00", online="Có", name="Trần Thị Bí Mật"):
    cells = dict.fromkeys(COLUMNS, "")
    cells.update({"Mã hồ sơ": number, "Mã thủ tục": procedure, "Cơ quan thụ lý": agency, "Ngày tiếp nhận": received,
                  "Trực tuyến": online, "Chủ hồ sơ": name})  # fmt: skip
    return ",".join(cells[c] for c in COLUMNS)


@pytest.fixture
def export(tmp_path):
    def write(*rows):
        path = tmp_path / "hồ sơ.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        (tmp_path / "hồ sơ.csv.fees.csv").write_text(FEES, encoding="utf-8")
        return dossier_panel([path], "opencps_dossiers", "received", None)

    return write


@pytest.mark.parametrize("date", ["14/08/2023 08:00", "14/08/2023", "2023-08-14 08:00:00", "14-08-2023", "45152", "45152.5"])
def test_dates_in_textual_forms_and_as_excel_serials(export, date):
    cells = export(dossier(received=date)).cells
    assert cells["period"].astype(str).tolist() == ["2023-08"]


def test_every_row_is_accounted_for_with_its_reason_and_row(export):
    panel = export(
        dossier("H1"), dossier("H1"), dossier("H2", received="chưa rõ"), dossier("H3", received="15/01/2999"),
        dossier("H4", online="có lẽ"), dossier("H5", procedure=""), dossier("H6", agency=""), dossier(""),
        dossier("Tổng số", "", "", "", ""), dossier("H7"),
    )  # fmt: skip
    reasons = {row.reason: (row.rows, row.examples) for row in panel.rejected.itertuples()}
    assert reasons == {
        "duplicate": (1, (3,)), "unreadable_date": (1, (4,)), "future_date": (1, (5,)), "unreadable_online": (1, (6,)),
        "no_procedure": (1, (7,)), "no_agency": (1, (8,)), "no_dossier_number": (1, (9,)), "total_row": (1, (10,)),
    }  # fmt: skip
    assert panel.accepted == 2
    assert panel.origin.rows == 10


def test_names_become_official_a_commune_belongs_to_its_district_and_old_codes_are_followed(export):
    strange = [dossier(f"2{at}", agency="Phòng lạ", received=f"31/0{7 + at % 2}/2023 08:00") for at in range(20)]
    cells = export(dossier("1", agency="UBND xã Hỏa Lựu", procedure="3.000001"), *strange).cells
    row = cells[cells["received"] > 0].set_index("procedure").loc["2.000001"]
    assert (row["agency"], row["cluster"], row["level"], row["fee_group"]) == ("Xã Hoả Lựu", "Thành phố Vị Thanh", "commune", "free")
    assert "Phòng lạ" in set(cells["agency"])


def test_no_personal_value_reaches_the_panel(export):
    panel = export(dossier(), dossier("H2", received="Bí Mật"))
    for frame in (panel.cells, panel.rejected):
        assert "Mật" not in frame.astype(str).to_csv()


def test_nothing_usable_and_no_fee_schedule_are_refused(export, tmp_path):
    with pytest.raises(
        InputError,
        match=r"no usable row: unreadable_date 1 \(first: row 2, column 'Ngày tiếp nhận', found text of 6 characters; allowed: 13/07/2023, ",
    ) as error:
        export(dossier(received="Bí Mật"))
    assert "Mật" not in str(error.value)
    (tmp_path / "b.csv").write_text(HEADER + "\n" + dossier() + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="fee schedule"):
        dossier_panel([tmp_path / "b.csv"], "opencps_dossiers", "received", None)


@pytest.mark.parametrize("line", ["1.1,X,x,province,-5,", "1.1,X,x,nobody,5,", "1.004194,X,x,none,,", "1.1,X,x,province,,"])
def test_a_fee_schedule_that_cannot_be_right_is_refused_by_row(tmp_path, line):
    (tmp_path / "a.csv").write_text(HEADER + "\n" + dossier() + "\n", encoding="utf-8")
    (tmp_path / "a.csv.fees.csv").write_text(FEES + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv\.fees\.csv: row 5"):
        dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_simulated_export_comes_back_as_the_cells_it_was_drawn_from(tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    simulate(out, seed=5, dossiers=4000)
    drawn, truth = simulate_cells(5, dossiers=4000)
    panel = dossier_panel([out], "opencps_dossiers", "received", None)
    keys = ["agency", "procedure", "period"]
    drawn = drawn[drawn["received"] > 0].assign(procedure=drawn["procedure"].replace({"1.003337": "3.000182"}))
    drawn = drawn.sort_values(keys, ignore_index=True)
    read = panel.cells[panel.cells["received"] > 0].sort_values(keys, ignore_index=True)
    columns = ["agency", "level", "cluster", "procedure", "fee_group", "period", "received", "online", "assisted"]
    pd.testing.assert_frame_equal(read[columns].astype(str), drawn[columns].astype(str))
    assert panel.origin.simulated
    assert panel.truth["truth_pp"].iloc[-1] == pytest.approx(truth["truth_pp"].iloc[-1])
    assert set(panel.rejected["reason"]) == {"duplicate", "unreadable_date", "future_date"}


def test_cells_are_complete_sorted_and_unique(tmp_path):
    simulate(tmp_path / "out.csv", seed=5, dossiers=3000)
    cells = dossier_panel([tmp_path / "out.csv"], "opencps_dossiers", "received", None).cells
    keys = ["agency", "procedure", "period"]
    assert not cells.duplicated(keys).any()
    assert cells.groupby(["agency", "procedure"]).size().nunique() == 1
    assert (cells["online"] <= cells["received"]).all()


def test_a_dossier_in_two_files_counts_once_whatever_the_row(tmp_path):
    for name, rows in (
        ("a.csv", [dossier("H1"), dossier("H2")]),
        ("b.csv", [dossier("H3"), dossier("H2"), dossier("H1"), dossier("H4", online="?")]),
    ):
        (tmp_path / name).write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "a.csv.fees.csv").write_text(FEES, encoding="utf-8")
    panel = dossier_panel(data_files(tmp_path), "opencps_dossiers", "received", None)
    assert panel.cells["received"].sum() == panel.accepted == 3 and panel.origin.rows == 6
    noted = {row.reason: (row.rows, row.examples) for row in panel.rejected.itertuples()}
    assert noted == {"duplicate_elsewhere": (2, (3, 4)), "unreadable_online": (1, (5,))}


def test_a_simulated_export_cut_in_two_overlapping_files_is_the_same_panel(tmp_path):
    simulate(tmp_path / "out.csv", seed=5, dossiers=3000)
    whole = dossier_panel([tmp_path / "out.csv"], "opencps_dossiers", "received", None)
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    (tmp_path / "x").mkdir()
    shutil.copy(tmp_path / "out.csv.payments.csv", tmp_path / "x" / "b.csv.payments.csv")
    for name, part in (("a.csv", lines[1:2000]), ("b.csv", lines[1500:])):
        (tmp_path / "x" / name).write_text("\n".join([lines[0], *part]) + "\n", encoding="utf-8")
    parts = dossier_panel(data_files(tmp_path / "x"), "opencps_dossiers", "received", tmp_path / "out.csv.fees.csv")
    pd.testing.assert_frame_equal(parts.cells, whole.cells)
    assert "duplicate_elsewhere" in set(parts.rejected["reason"])


@pytest.mark.parametrize(("last", "a_day", "left_out"), [(18, 4, True), (31, 4, False), (30, 4, False), (30, 12, True), (18, 0, False)])
def test_an_unfinished_last_month_is_left_out_and_said(export, last, a_day, left_out):
    rows = [dossier(f"J{i}", received=f"{1 + i % 28:02}/07/2023") for i in range(30)]
    days = [day for day in range(1, last + 1) if pd.Timestamp(2023, 8, day).weekday() < 5]
    rows += [dossier(f"A{day}-{i}", received=f"{day:02}/08/2023") for day in days for i in range(a_day)]
    panel = export(*rows)
    months = sorted(panel.cells["period"].astype(str).unique())
    assert months == (["2023-07"] if left_out or not a_day else ["2023-07", "2023-08"])
    noted = {row.reason: (row.rows, row.examples) for row in panel.rejected.itertuples()}
    assert noted == ({"unfinished_month": (len(days) * a_day, ())} if left_out else {})


FEE_HEADER = "Mã hồ sơ;Người đăng ký;Địa chỉ người nộp;Ngày thu;Lệ phí;Phí;Tổng;Diễn giải"


def with_payments(folder, *payments, again=()):
    """A folder of four dossiers and their payments: (number, fee, charge, total)."""
    rows = [dossier("H1"), dossier("H2", online="Không"), dossier("H3", procedure="2.000001"), dossier("H4", agency="Sở Y tế")]
    (folder / "ho_so.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    (folder / "ho_so.csv.fees.csv").write_text(FEES, encoding="utf-8")
    for name, lines in (("le_phi.csv", payments), ("le_phi_2.csv", again)):
        if lines:
            told = [f"{n};Trần Thị Bí Mật;12 Ấp Mật;14/08/2023;{fee};{charge};{total};Bí Mật nộp" for n, fee, charge, total in lines]
            (folder / name).write_text("\n".join([FEE_HEADER, *told]) + "\n", encoding="utf-8")
    return dossier_panel(data_files(folder), "opencps_dossiers", "received", None)


def test_fee_details_beside_a_dossier_list_say_what_was_really_paid(tmp_path):
    lines = [("H1", "25.000", "", "25.000"), ("H1", "5000", "0", "5000"), ("H2", "0", "0", "0"), ("H4", "50.000đ", "10,000 VND", "60000"),
             ("H9", "7000", "", "7000"), ("H3", "nhiều", "", "1"), ("H3", "1", "1", "3"), ("Tổng số", "1", "1", "2"), ("", "1", "1", "2")]  # fmt: skip
    panel = with_payments(tmp_path, *lines, again=[("H1", "25.000", "", "25.000"), ("H2", "10.000", "", "10.000")])
    cells = panel.cells.set_index(["agency", "procedure"])
    assert cells.loc[("Sở Tư pháp", "1.004194"), ["received", "paid", "paying", "zero_fee"]].tolist() == [2, 40_000, 2, 0]
    assert cells.loc[("Sở Tư pháp", "2.000001"), ["paid", "paying", "zero_fee"]].tolist() == [0, 0, 0]
    assert cells.loc[("Sở Y tế", "1.004194"), ["paid", "paying", "zero_fee"]].tolist() == [60_000, 1, 0]
    assert dict(zip(panel.corrected["reason"], panel.corrected["rows"])) == {
        "payment_unmatched": 1, "unreadable_amount": 1, "parts_differ": 1, "total_row": 1, "no_dossier_number": 1}  # fmt: skip
    told = panel.cells.to_csv() + panel.corrected.to_csv() + panel.rejected.to_csv() + repr(panel.origin)
    assert "Mật" not in told and "H1" not in told and panel.origin.file == "ho_so.csv (+2)" and panel.accepted == 4


def test_a_dossier_all_of_whose_payments_are_0_is_told_apart_from_one_without(tmp_path):
    panel = with_payments(tmp_path, ("H1", "0", "0", "0"), ("H2", "9000", "", "9000"))
    assert panel.cells[["received", "paid", "paying", "zero_fee"]].sum().tolist() == [4, 9000, 1, 1]


def test_fee_details_alone_are_no_panel_and_a_near_miss_is_one_line(tmp_path):
    with_payments(tmp_path, ("H1", "0", "0", "0"))
    (tmp_path / "ho_so.csv").unlink()
    (tmp_path / "le_phi_2.csv").write_text((tmp_path / "le_phi.csv").read_text(encoding="utf-8").replace("H1", "H2"), encoding="utf-8")
    with pytest.raises(InputError, match=r"le_phi\.csv: fee details only"):
        dossier_panel(data_files(tmp_path), "opencps_dossiers", "received", None)
    found = check_file(tmp_path / "le_phi.csv", None)
    assert found["layout"] == "opencps_fees" and found["dossiers"] == 1 and "Mật" not in str(found)
    assert "Đã thu 0 đồng của 1 hồ sơ" in "\n".join(check_lines(found, Words("vi", domain="vietnam")))
    (tmp_path / "b.csv").write_text(FEE_HEADER.replace("Ngày thu", "Ngày") + "\nH1;Bí Mật;x;14/08/2023;1;1;2;\n", encoding="utf-8")
    with pytest.raises(InputError, match="no known header.*Ngày thu") as error:
        check_file(tmp_path / "b.csv", "opencps_fees")
    assert "Mật" not in str(error.value)
    (tmp_path / "t.yaml").write_text(STUDY + "layout: opencps_fees\n", encoding="utf-8")
    with pytest.raises(InputError, match="opencps_fees alone is no panel"):
        load_panel(read_study(tmp_path / "t.yaml", {"data": str(tmp_path)}))


def test_a_simulated_fee_detail_comes_back_as_the_fees_that_were_due(tmp_path):
    simulate(tmp_path / "ra", seed=5, dossiers=4000, layout="opencps_fees")
    cells = dossier_panel(data_files(tmp_path / "ra"), "opencps_dossiers", "received", None).cells
    after = (cells["period"] >= pd.Period("2023-08", "M")) & (cells["fee_group"] == "provincial")
    due = (cells["fee"].fillna(0) * (cells["received"] - 0.5 * cells["online"] * after)).astype("int64")
    assert cells["paid"].tolist() == due.tolist() and cells["paid"].sum() > 0
    assert (cells["paying"] + cells["zero_fee"])[cells["fee_group"] != "free"].sum() == cells["received"][
        cells["fee_group"] != "free"
    ].sum()


STUDY = """study: t
data: t.csv
unit: unit
period: month
frequency: M
numerator: online
denominator: received
treated_from: start
cluster: unit
estimator: two_way_fixed_effects
"""


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a,2023-01,5,4,"], "row 2, column 'online'.*more than"), (["a,2023-01,-1,4,"], "negative count"),
        (["a,2023-01,x,4,"], "empty count"), (["a,2023-01,many,4,"], "not a finite number"), (["a,thg 1,1,4,"], "row 2, column 'month'"),
        (["a,2023-01,,4,"], "empty count"), (["a,2023-01,inf,4,"], "not a finite number"), ([",2023-01,1,4,"], "unit is empty"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused_by_row_and_column(tmp_path, rows, says):
    (tmp_path / "t.csv").write_text("unit,month,online,received,start\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        load_panel(read_study(tmp_path / "t.yaml", {}))


def test_a_missing_column_names_those_there_are(tmp_path):
    (tmp_path / "t.csv").write_text("unit,month,received\na,2023-01,4\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.raises(InputError, match=r"column .start. \(named by treated_from\) is missing"):
        load_panel(read_study(tmp_path / "t.yaml", {}))


def test_finer_rows_of_counts_are_added_up_and_a_total_row_is_left_out(tmp_path):
    rows = ["a,2023-01-03,1,4,", "a,2023-01-20,2,6,", "a,2023-02-01,1,1,", "Tổng số,,4,11,"]
    (tmp_path / "t.csv").write_text("unit;month;online;received;start\n".replace(";", ",") + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(STUDY, encoding="utf-8")
    panel = load_panel(read_study(tmp_path / "t.yaml", {}))
    assert panel.cells["denominator"].tolist() == [10, 1]
    assert panel.rejected["reason"].tolist() == ["total_row"]


def test_a_table_carries_its_definition_and_two_are_no_series(tmp_path):
    (tmp_path / "t.yaml").write_text(STUDY, encoding="utf-8")
    for rows, definition in (
        (["a,2023-01,1,4,,", "a,2023-02,1,4,,"], ""),
        (["a,2023-01,1,4,,full_process_share", "a,2023-02,1,4,,"], "full_process_share"),
    ):
        (tmp_path / "t.csv").write_text("unit,month,online,received,start,definition\n" + "\n".join(rows) + "\n", encoding="utf-8")
        assert load_panel(read_study(tmp_path / "t.yaml", {})).definition == definition
    rows = ["a,2023-01,1,4,,online_share", "a,2023-02,1,4,,full_process_share"]
    (tmp_path / "t.csv").write_text("unit,month,online,received,start,definition\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 3, column 'definition': 'full_process_share', but row 2 is 'online_share': two definitions"):
        load_panel(read_study(tmp_path / "t.yaml", {}))
    assert load_panel(read_study(tmp_path / "t.yaml", {"unit": ["unit", "definition"]})).definition == ""
