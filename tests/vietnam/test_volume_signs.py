"""What check says of an export's content: volumes, silences, repeats, dates, names; and how often it is wrong."""

import json
from html import unescape

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monte_carlo import at_least, at_most, draws, rate

import hgdx_eval as hg
from hgdx_eval.base.errors import InputError
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import check_file, check_lines
from hgdx_eval.vietnam.made_up_world import simulate, simulate_cells
from hgdx_eval.vietnam.volume_signs import SIGNS, volume_signs


def drawn(seed, dossiers=40_000):
    cells, _ = simulate_cells(seed, dossiers=dossiers)
    return cells.assign(month=cells["period"].astype(str)).groupby(["agency", "month"], as_index=False)["received"].sum()


def told(counts, *signs):
    found = volume_signs(counts)
    return found[found["sign"].isin(signs)]


def halved(counts, inside, rng):
    counts = counts.copy()
    counts.loc[inside, "received"] = rng.binomial(counts.loc[inside, "received"], 0.5)
    return counts


def test_false_alarms_are_as_rare_as_said_and_half_a_month_is_found():
    files, agencies, found = [], [], []
    for seed in range(12):
        counts, rng = drawn(seed), np.random.default_rng(seed)
        files.append(len(told(counts, "file_fall", "file_rise", "month_repeated", "month_missing")) > 0)
        agencies.append(len(told(counts, "agency_fall", "agency_rise")) > 0)
        month = rng.choice(sorted(counts["month"].unique()))
        found.append(month in set(told(halved(counts, counts["month"] == month, rng), "file_fall")["first"]))
    assert sum(files) <= 1 and sum(agencies) <= 4  # 5% of files: more than 1 and 4 of 12 would come in 12% and 0.02%
    assert sum(found) == 12


@pytest.mark.long
@pytest.mark.draws
def test_false_alarms_and_power_in_many_worlds(tell):
    number = draws(20, 60)
    for dossiers, agency_power in ((40_000, 0.0), (400_000, 0.9)):
        rates = {"file": 0, "agency": 0, "half_file": 0, "half_agency": 0}
        for seed in range(100, 100 + number):
            counts, rng = drawn(seed, dossiers), np.random.default_rng(seed)
            rates["file"] += len(told(counts, "file_fall", "file_rise")) > 0
            rates["agency"] += len(told(counts, "agency_fall", "agency_rise")) > 0
            month = rng.choice(sorted(counts["month"].unique()))
            rates["half_file"] += month in set(told(halved(counts, counts["month"] == month, rng), "file_fall")["first"])
            big = rng.choice(counts.groupby("agency")["received"].sum().nlargest(20).index)
            one = halved(counts, (counts["month"] == month) & (counts["agency"] == big), rng)
            rates["half_agency"] += ((found := told(one, "agency_fall"))["agency"].eq(big) & found["first"].eq(month)).any()
        for name, hits in rates.items():
            tell(f"{dossiers:,} dossiers, {name}: {rate(hits, number)}")
        assert at_most(rates["file"], number, 7 / 60) and at_most(rates["agency"], number, 7 / 60)  # at 5% more of 60 would come once in 80
        assert at_least(rates["half_file"], number, 0.95)
        assert not agency_power or at_least(
            rates["half_agency"], number, agency_power
        )  # in small files half a month of one agency is chance


def test_an_agency_that_stops_one_that_pauses_a_lost_month_and_a_copied_one_are_told():
    counts = drawn(3)
    stopped, paused = counts.groupby("agency")["received"].sum().nlargest(2).index
    counts.loc[(counts["agency"] == stopped) & (counts["month"] >= "2025-01"), "received"] = 0
    counts.loc[(counts["agency"] == paused) & (counts["month"] == "2023-04"), "received"] = 0
    counts.loc[counts["month"] == "2022-09", "received"] = 0
    copied = counts[counts["month"] == "2024-05"].set_index("agency")["received"]
    later = counts["month"] == "2024-06"
    counts.loc[later, "received"] = counts.loc[later, "agency"].map(copied)
    found = [(row.sign, row.agency, row.first, row.last) for row in volume_signs(counts).itertuples()]
    for sign in (("agency_stopped", stopped, "2025-01", "2025-06"), ("agency_gap", paused, "2023-04", "2023-04"),
                 ("month_missing", "", "2022-09", "2022-09"), ("month_repeated", "", "2024-06", "2024-06")):  # fmt: skip
        assert sign in found


def test_a_month_counted_twice_is_told():
    counts = drawn(4)
    counts.loc[counts["month"] == "2024-02", "received"] *= 2
    assert told(counts, "file_rise")["first"].tolist() == ["2024-02"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.integers(0, 500)), max_size=60))
def test_any_counts_have_signs_in_order_and_without_a_warning(rows):
    month = [str(pd.Period("2022-01", "M") + at) for _, at, _ in rows]
    counts = pd.DataFrame({"agency": [a for a, _, _ in rows], "month": month, "received": [n for _, _, n in rows]})
    with np.errstate(all="raise"):
        found = volume_signs(counts)
    order = found["sign"].map(SIGNS.index).tolist()
    assert order == sorted(order) and (found["first"] <= found["last"]).all()


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A simulated export spoiled as portals do it, and its check."""
    folder = tmp_path_factory.mktemp("spoiled")
    simulate(folder / "a.csv", seed=6, dossiers=8000)
    export = pd.read_csv(folder / "a.csv", dtype=str, encoding="utf-8-sig")
    month = export["Ngày tiếp nhận"].str[3:10]
    agency, at = export["Cơ quan thụ lý"], export.index[month == "05/2024"]
    export.loc[(agency == "UBND Thị xã Long Mỹ") & (month == "06/2024"), "Cơ quan thụ lý"] = "Long Mỹ"
    export.loc[export.index[:2], "Cơ quan thụ lý"] = "Trần Thị Bí Mật 0912345678"
    export.loc[at[:4], "Ngày gửi"] = "01/06/2024 08:00"
    export.loc[at[4:7], "Ngày hoàn thành"] = "01/01/2021 08:00"
    export.loc[at[7:9], "Ngày gửi"] = "01/01/2099 08:00"
    export.loc[at[10:15], "Mã thủ tục"] = "1.999999"
    pd.concat([export, export[month == "10/2024"]]).to_csv(folder / "b.csv", index=False)
    (folder / "a.csv.fees.csv").rename(folder / "b.csv.fees.csv")
    return folder / "b.csv", check_file(folder / "b.csv"), [int(i) + 2 for i in at]


def test_dates_out_of_order_are_told_with_their_rows(spoiled):
    _, found, at = spoiled
    order = {item["fault"]: (item["rows"], list(item["examples"])) for item in found["date_order"]}
    assert order["received_before_submitted"] == (6, sorted([*at[:4], *at[7:9]])[:5])
    assert order["done_before_received"] == (3, at[4:7]) and order["submitted_in_future"] == (2, at[7:9])
    assert order["returned_before_done"][0] == order["done_in_future"][0] == 0


def test_repeats_names_and_procedures_are_told_without_a_personal_text(spoiled):
    path, found, at = spoiled
    heavy = [item for item in found["repeats"] if item["again"] >= 0.1 * item["rows"]]
    assert [item["month"] for item in heavy] == ["2024-10"] and heavy[0]["again"] * 2 >= heavy[0]["rows"]
    doubt = {row["text"]: (row["how"], row["rows"]) for row in found["names"] if row["how"] in ("ambiguous", "unknown", "unlisted")}
    assert doubt.pop("Long Mỹ")[0] == "ambiguous"
    assert doubt == {"(text of 26 characters)": ("unknown", 2), "1.999999": ("unlisted", 5)}
    assert {"file": "b.csv", "text": "1.999999", "examples": at[10:15]} in found["places"]
    for lang in ("vi", "en"):
        lines = "\n".join(check_lines(found, Words(lang, domain="vietnam")))
        assert "Mật" not in lines + json.dumps(found, ensure_ascii=False) and "0912345678" not in lines and "Long Mỹ" in lines
    assert found["assisted"] < found["online"] and found["post"] == "inside" and path.name == found["file"]


def test_without_a_schedule_or_note_check_says_that_it_does_not_know(tmp_path):
    simulate(tmp_path / "a.csv", seed=6, dossiers=600)
    (tmp_path / "a.csv.fees.csv").unlink()
    export = pd.read_csv(tmp_path / "a.csv", dtype=str, encoding="utf-8-sig").drop(columns="Ghi chú nộp")
    export.to_csv(tmp_path / "a.csv", index=False)
    found = check_file(tmp_path / "a.csv")
    assert found["schedule"] is None and found["assisted"] is None
    lines = check_lines(found, Words("en", domain="vietnam"))
    assert any("No fee schedule" in line for line in lines) and any("is not known" in line for line in lines)


@pytest.mark.parametrize("layout", ["opencps_monthly", "portal_counts", "portal_evaluation", "opencps_summary"])
def test_summaries_are_checked_for_volumes_as_one(tmp_path, layout):
    suffix = {"opencps_monthly": ".csv", "opencps_summary": ""}.get(layout, ".json")
    simulate(tmp_path / f"a{suffix}", seed=6, dossiers=6000, layout=layout)
    found = check_file(tmp_path / f"a{suffix}")
    assert found["first"] == "2022-01" and found["last"] == "2025-06" and found["definition"] == "online_share"
    assert found["post"] == ("apart" if layout.startswith("portal") else "inside")
    assert Words("vi", domain="vietnam")("check.post_" + found["post"]) in check_lines(found, Words("vi", domain="vietnam"))


def test_check_takes_a_folder_and_refuses_two_layouts(tmp_path):
    simulate(tmp_path / "out.csv", seed=5, dossiers=1500)
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    (tmp_path / "x").mkdir()
    for name, part in (("a.csv", lines[1:900]), ("b.csv", lines[800:])):
        (tmp_path / "x" / name).write_text("\n".join([lines[0], *part]) + "\n", encoding="utf-8")
    whole, both = check_file(tmp_path / "out.csv"), check_file(tmp_path / "x", fees=tmp_path / "out.csv.fees.csv")
    assert both["accepted"] == whole["accepted"] and both["file"] == "a.csv (+1)" and both["signs"] == whole["signs"]
    assert "duplicate_elsewhere" in {item["reason"] for item in both["rejected"]}
    simulate(tmp_path / "x" / "c.csv", seed=5, dossiers=600, layout="opencps_monthly")
    with pytest.raises(InputError, match=r"c\.csv: a file of layout opencps_monthly, but a\.csv is of opencps_dossiers"):
        check_file(tmp_path / "x")


def test_a_table_of_two_definitions_is_told_so(tmp_path):
    (tmp_path / "t.csv").write_text("unit,definition,y\na,online_share,1\na,index_766,2\n", encoding="utf-8")
    found = check_file(tmp_path / "t.csv", "table")
    assert found["definitions"] == ["index_766", "online_share"]
    assert any("not one series" in line for line in check_lines(found, Words("en", domain="vietnam")))


def test_the_self_filed_share_can_be_studied(tmp_path):
    simulate(tmp_path / "a.csv", seed=5, dossiers=3000)
    change = {"data": str(tmp_path / "a.csv"), "numerator": "remote"}
    p, _ = hg.load_study("demo", "vi", change)
    panel = hg.load_panel(p)
    design = hg.study_design(panel, p)
    kept = panel.cells[(panel.cells["fee_group"].isin(["provincial", "free", "already_free"]))]
    assert 0 < design.table["numerator"].sum() <= kept["remote"].sum() < kept["online"].sum()
    for lang in ("vi", "en"):
        p, words = hg.load_study("demo", lang, change)
        told = [
            unescape(block.html) for block in (hg.show_series(panel, words), hg.show_names(panel, words), hg.show_staff(panel, p, words))
        ]
        assert words.number(panel.cells["assisted"].sum()) in told[0] and words("check.post_inside") in told[0]
        assert words("check.definition_online_share") in told[0] and words("check.how_recoded") in told[1] and "2024" in told[2]
        assert hg.show_doubtful_names(panel, words) is None
