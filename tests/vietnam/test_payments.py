"""What was paid, how and when a dossier was done: from the export to counts, and the truth of the simulated export about them."""

import numpy as np
import pandas as pd
import pytest
from test_panel import FEES, dossier

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.sources import payments_beside
from hgdx_eval.vietnam.count_dossiers import CHANNELS, PAID, PROCESSED
from hgdx_eval.vietnam.dossier_panel import dossier_panel
from hgdx_eval.vietnam.made_up_export import COLUMNS
from hgdx_eval.vietnam.made_up_procedures import CUT
from hgdx_eval.vietnam.made_up_world import simulate, simulate_cells

HEADER = ",".join(COLUMNS)
RECEIVED_ONLINE_ASSISTED = [19775, 13392, 2363]  # as drawn before there were payments
FEE_HEADER = "Mã hồ sơ;Người đăng ký;Địa chỉ người nộp;Ngày thu;Lệ phí;Phí;Tổng;Diễn giải"


def panel_of(folder, rows, payments=None, header=HEADER, fee_header=FEE_HEADER):
    """The panel of a list with these rows and, beside it, lines of payment (number, VND, how)."""
    path = folder / "a.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (folder / "a.csv.fees.csv").write_text(FEES, encoding="utf-8")
    if payments is not None:
        width = fee_header.count(";") + 1
        lines = [";".join([n, "Bí Mật", "x", "14/08/2023", str(vnd), "0", str(vnd), how][:width]) for n, vnd, how in payments]
        payments_beside(path).write_text("\n".join([fee_header, *lines]) + "\n", encoding="utf-8")
    return dossier_panel([path], "opencps_dossiers", "received", None)


def dated(number, received="14/08/2023 08:00", due="", done="", extended=""):
    cells = dict(zip(COLUMNS, dossier(number, received=received).split(","), strict=True))
    cells.update({"Ngày hẹn trả": due, "Ngày hoàn thành": done, "Ngày gia hạn": extended})
    return ",".join(cells.values())


def sums(panel, *names):
    return panel.cells[[*names]].sum().tolist()


@pytest.mark.parametrize("world", ["default", "waiver"])
def test_the_panel_counts_what_was_drawn_cell_by_cell(tmp_path, world):
    simulate(tmp_path / "a.csv", seed=5, dossiers=6000, world=world)
    panel = dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None)
    drawn, _ = simulate_cells(5, 4.0, 6000, world)
    keys = ["agency", "fee_group", "period"]  # a procedure has today's code in the panel
    names = [*PAID, *CHANNELS, "received", "online", "assisted", "remote"]
    both = drawn.groupby(keys)[names].sum().add_suffix("_drawn").join(panel.cells.groupby(keys)[[*names, *PROCESSED]].sum()).fillna(0)
    for name in (*PAID, "received", "online", "assisted", "remote"):
        assert both[name].tolist() == both[name + "_drawn"].tolist(), name
    told, all_paying = both["channel_told"].sum(), both["paying"].sum()
    assert 0.97 < told / all_paying < 1  # every 97th payment does not say how it was made: not known, never guessed
    assert both["paid_online"].sum() / told == pytest.approx(drawn["paid_online"].sum() / all_paying, abs=0.01)
    assert sums(panel, "done", "timed") == [panel.accepted] * 2
    assert 0.9 < both["on_time"].sum() / panel.accepted < 0.97


def test_payments_have_a_stream_of_their_own():
    """The draws of filing, on which golden numbers rest, are those of before; another cut changes what is paid alone."""
    cells, _ = simulate_cells(20230714, 4.0, 20_000)
    assert cells[["received", "online", "assisted"]].sum().tolist() == RECEIVED_ONLINE_ASSISTED
    waived, _ = simulate_cells(20230714, 4.0, 20_000, "waiver")
    assert cells[["received", "online", "assisted"]].equals(waived[["received", "online", "assisted"]])
    assert waived["paid"].sum() < cells["paid"].sum()


@pytest.mark.parametrize(("world", "cut"), [("default", 50), ("waiver", 100)])
def test_the_truth_of_the_cost_is_what_the_fees_due_exceed_the_fees_paid(tmp_path, world, cut):
    truth = simulate(tmp_path / "a.csv", seed=6, dossiers=8000, world=world).iloc[-1]
    panel = dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None)
    cells = panel.cells
    treated = cells[(cells["fee_group"] == "provincial") & (cells["period"] >= CUT)]
    due = int((treated["fee"] * treated["received"]).sum())
    assert due - treated["paid"].sum() == truth["forgone_vnd"] == int((treated["fee"] * treated["online"]).sum()) * cut // 100
    told = panel.truth.set_index("period").loc["overall"]
    assert told["forgone_vnd"] == truth["forgone_vnd"] and told["extra_online"] == pytest.approx(truth["extra_online"])
    assert 0 < truth["unchanged_vnd"] < truth["forgone_vnd"] and truth["on_time_pp"] == truth["days"] == 0


def test_the_truth_of_payment_is_the_mean_difference_of_rates_drawn_many_times():
    """Against draws: both worlds share every probability of paying online; only composition moves the official rate of the waiver."""
    for world, low, high in (("default", 0.7, 0.9), ("waiver", -16.0, -12.0)):
        _, truth = simulate_cells(3, 4.0, 400_000, world)
        overall, months = truth.iloc[-1], truth.iloc[:-1]
        assert low < overall["official_pp"] < high
        assert overall["official_paying"] == months["official_paying"].sum()
        assert overall["official_pp"] == pytest.approx(
            (months["official_pp"] * months["official_paying"]).sum() / overall["official_paying"]
        )
    assert (truth["fixed_pp"] == 0).all() and (simulate_cells(3, 0.0, 4000)[1]["fixed_pp"] == 0).all()


def test_counter_filed_payers_pay_online_as_often_after_the_waiver_as_others_do():
    cells, _ = simulate_cells(8, 4.0, 2_000_000, "waiver")
    late = cells[(cells["period"] >= CUT) & (cells["paying"] > 0)]
    rate = late.groupby("fee_group")[["counter_paid_online", "counter_told"]].sum()
    rate = rate["counter_paid_online"] / rate["counter_told"]
    assert abs(rate["provincial"] - rate["central"]) < 0.01


@pytest.mark.parametrize(
    ("how", "told"),
    [("Thanh toán trực tuyến", [1, 1]), ("THANH TOÁN TRỰC TUYẾN (Ngân hàng A).", [1, 1]), ("Nộp tại quầy", [1, 0]), ("nộp tiền mặt;", [1, 0]),
     ("Thanh toán trực tuyến không thành công", [0, 0]), ("không thanh toán trực tuyến", [0, 0]), ("Thu lệ phí hồ sơ", [0, 0]), ("", [0, 0]),
     ("Thanh toán trực tuyến (lỗi), nộp tại quầy", [0, 0])],
)  # fmt: skip
def test_how_a_fee_was_paid_is_read_from_closed_words_and_never_guessed(tmp_path, how, told):
    panel = panel_of(
        tmp_path, [dossier("H1"), dossier("H2")], [("H1", 25000, how.replace(";", ".")), ("H2", 1000, "Thanh toán trực tuyến")]
    )
    assert sums(panel, "channel_told", "paid_online") == [told[0] + 1, told[1] + 1] and sums(panel, "paid", "paying") == [26000, 2]


def test_the_words_are_understood_in_both_unicode_forms(tmp_path):
    import unicodedata

    how = unicodedata.normalize("NFD", "Thanh toán trực tuyến")
    assert sums(panel_of(tmp_path, [dossier("H1")], [("H1", 1000, how)]), "channel_told", "paid_online") == [1, 1]


def test_a_dossier_of_several_payments_is_paid_online_where_one_of_them_was(tmp_path):
    rows = [dossier("H1"), dossier("H2"), dossier("H3", online="Không"), dossier("H4", online="Không"), dossier("H5")]
    lines = [("H1", 1000, "Nộp tại quầy"), ("H1", 2000, "Thanh toán trực tuyến"), ("H2", 0, "Thanh toán trực tuyến"),
             ("H2", 500, "Nộp tại quầy"), ("H3", 700, "Nộp tại quầy"), ("H3", 800, "khác"), ("H4", 900, "Thanh toán trực tuyến"),
             ("H5", 0, "Thanh toán trực tuyến")]  # fmt: skip
    panel = panel_of(tmp_path, rows, lines)
    assert sums(panel, *CHANNELS) == [3, 2, 1, 1]
    assert sums(panel, *PAID) == [5900, 4, 1, 3500, 2, 1]


def test_columns_that_the_export_does_not_hold_are_absent_and_never_0(tmp_path):
    bare = [c for c in COLUMNS if c not in ("Ngày hoàn thành", "Ghi chú nộp")]
    row = dict(zip(COLUMNS, dossier("H1").split(","), strict=True))
    panel = panel_of(tmp_path, [",".join(row[c] for c in bare)], header=",".join(bare))
    assert not set(panel.cells) & {*PROCESSED, *PAID, *CHANNELS, "assisted", "remote"}
    panel = panel_of(tmp_path, [dossier("H1")], [("H1", 1000, "")], fee_header=FEE_HEADER.removesuffix(";Diễn giải"))
    assert set(PAID) <= set(panel.cells) and not set(CHANNELS) & set(panel.cells)
    no_due = [c for c in COLUMNS if c != "Ngày hẹn trả"]
    panel = panel_of(tmp_path, [",".join(row[c] for c in no_due)], header=",".join(no_due))
    assert {"done", "days"} <= set(panel.cells) and not {"timed", "on_time"} & set(panel.cells)


def test_days_and_appointments_by_whole_days(tmp_path):
    rows = [dated("H1", due="20/08/2023 08:00", done="20/08/2023 16:00"), dated("H2", due="20/08/2023", done="22/08/2023"),
            dated("H3", due="20/08/2023", done="22/08/2023", extended="25/08/2023"), dated("H4", due="20/08/2023"),
            dated("H5", due="20/08/2023", done="01/08/2023"), dated("H6", done="15/08/2023")]  # fmt: skip
    panel = panel_of(tmp_path, rows)
    assert sums(panel, *PROCESSED) == [4, 6 + 8 + 8 + 1, 3, 2]


def test_a_dossier_is_done_so_many_days_after_its_receipt_whatever_day_dates_it(tmp_path):
    row = dict(zip(COLUMNS, dated("H1", done="20/08/2023").split(","), strict=True)) | {"Ngày gửi": "31/07/2023"}
    panel_of(tmp_path, [",".join(row.values())])
    panel = dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "submitted", None)
    assert sums(panel, "done", "days") == [1, 6] and str(panel.cells["period"].iloc[0]) == "2023-07"


def test_nothing_personal_comes_with_payments(tmp_path):
    panel = panel_of(tmp_path, [dossier("H1"), dossier("H2")], [("H1", 1000, "Bí Mật nộp thay"), ("H2", 1000, "Nộp tại quầy")])
    assert "Mật" not in panel.cells.to_csv() and "H1" not in panel.cells.to_csv()
    assert all(panel.cells[name].dtype == np.int64 for name in (*PAID, *CHANNELS))


def test_a_truth_file_of_three_columns_still_reads(tmp_path):
    simulate(tmp_path / "a.csv", seed=5, dossiers=600)
    path = tmp_path / "a.csv.truth.csv"
    pd.read_csv(path)[["period", "truth_pp", "treated_received"]].to_csv(path, index=False)
    assert list(dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None).truth) == [
        "period",
        "truth_pp",
        "treated_received",
    ]


def test_payments_and_fees_in_thousands_are_seen(tmp_path):
    """50 in place of 50 000: a payment is left out with a note, a fee schedule is refused with the row and what to write."""
    panel = panel_of(tmp_path, [dossier("H1"), dossier("H2")], [("H1", 50, "Nộp tại quầy"), ("H2", 25000, "Nộp tại quầy")])
    assert sums(panel, "paid", "paying", "zero_fee") == [25000, 1, 0]
    assert dict(zip(panel.corrected["reason"], panel.corrected["rows"], strict=True)) == {"small_amount": 1}
    panel = panel_of(tmp_path, [dossier("H1")], [("H1", -50000, "Nộp tại quầy")])
    assert sums(panel, "paid", "paying") == [0, 0] and set(panel.corrected["reason"]) == {"unreadable_amount"}


@pytest.mark.parametrize(
    ("fee", "says"), [("50", "below 500 VND: write it in VND"), ("-50000", "a negative fee"), ("50000.5", "no whole number")]
)
def test_a_fee_that_cannot_be_is_refused_with_its_row(tmp_path, fee, says):
    panel_of(tmp_path, [dossier("H1")])
    (tmp_path / "a.csv.fees.csv").write_text(FEES.replace("50000", fee), encoding="utf-8")
    with pytest.raises(InputError, match=rf"a\.csv\.fees\.csv: row 2: .*{says}"):
        dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None)
