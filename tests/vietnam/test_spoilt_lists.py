"""Dossier lists as offices and spreadsheets spoil them: the right number, or a refusal that says why; never a wrong number."""

import csv
import json

import pandas as pd
import pytest
from spoilt_lists import AGENCY, DAY, DONE, NUMBER, ONLINE, READ, REFUSED, SENT, SET_ASIDE, SINCE, UNREAD, days, drawn, write

from hgdx_eval.base.errors import InputError
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import check_file, check_lines, rows_told
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.dossier_panel import dossier_panel
from hgdx_eval.vietnam.layouts import layout_of
from hgdx_eval.vietnam.made_up_world import simulate
from hgdx_eval.vietnam.summary_panel import summary_panel
from hgdx_eval.vietnam.unread_channel import Comparison

ALSO = {"two_digit_years_month_first": {"two_digit_years"}}  # told besides
COMPARED = Comparison("2023-08", ("provincial",), ("free", "already_free"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return drawn(folder), folder / "sound.csv.fees.csv"


def spoilt(tmp_path, sound, spoil):
    return write(spoil(sound[0]), tmp_path / "ds.csv", sound[1])


def panel_of(path, compared=COMPARED):
    return dossier_panel([path], "opencps_dossiers", "received", None, None, compared)


def monthly(panel):
    """Received and online by month: what every estimate is made of."""
    return panel.cells.groupby(panel.cells["period"].astype(str))[["received", "online"]].sum()


def expected(table):
    sums = pd.DataFrame({"month": days(table).dt.strftime("%Y-%m"), "received": 1, "online": (table[ONLINE] == "Có").astype(int)})
    return sums.groupby("month")[["received", "online"]].sum()


def same(panel, table):
    told = monthly(panel)
    pd.testing.assert_frame_equal(told[told["received"] > 0], expected(table), check_names=False)


def test_the_sound_list_is_the_number_to_find(tmp_path, sound):
    panel = panel_of(spoilt(tmp_path, sound, lambda table: table))
    same(panel, sound[0])
    assert panel.corrected.empty and panel.rejected.empty and panel.unread_pp is None


@pytest.mark.parametrize("kind", READ)
def test_what_is_sure_is_read_and_told(tmp_path, sound, kind):
    spoil, note = READ[kind]
    path = spoilt(tmp_path, sound, spoil)
    counted = count_dossiers([path])
    good = counted.cells[counted.cells["reason"].isna()]
    told = good.rename(columns={"n": "received"}).groupby("month")[["received", "online"]].sum().astype("int64")
    pd.testing.assert_frame_equal(told, expected(sound[0]))
    assert good["n"].sum() == len(sound[0]) and {reason for reason, _ in counted.noted} == ({note} - {None}) | ALSO.get(kind, set())
    if note is not None:
        told = check_file(path)
        assert note in {item["reason"] for item in told["corrected"]}
        for lang in ("vi", "en"):
            words = Words(lang, domain="vietnam")
            assert any(words("reasons." + note) in line for line in check_lines(told, words))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_two_readings_is_refused_by_run_and_check(tmp_path, sound, kind):
    spoil, why = REFUSED[kind]
    path = spoilt(tmp_path, sound, spoil)
    for read in (panel_of, check_file):
        with pytest.raises(InputError, match=rf"^ds\.csv.*{why}") as error:
            read(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", UNREAD)
def test_an_outcome_that_falls_out_is_refused_and_check_says_so(tmp_path, sound, kind):
    path = spoilt(tmp_path, sound, UNREAD[kind])
    with pytest.raises(InputError, match=r"Trực tuyến.*cannot be read.*before the policy.*allowed: Có, Không"):
        panel_of(path)
    told = check_file(path)
    assert told["unread"] > 100
    assert any("0,5%" in line for line in check_lines(told, Words("vi", domain="vietnam")))
    assert any("0.5%" in line for line in check_lines(told, Words("en", domain="vietnam")))


def channel_unread(table, rows):
    return table.assign(**{ONLINE: table[ONLINE].mask(table.index.isin(rows), "??")})


def test_a_few_unreadable_channels_are_bounded(tmp_path, sound):
    table = sound[0]
    rows = [10, 900, 1800, 2700]
    panel = panel_of(write(channel_unread(table, rows), tmp_path / "ds.csv", sound[1]))
    assert dict(zip(panel.rejected["reason"], panel.rejected["rows"])) == {"unreadable_online": 4}
    ends = []
    for word in ("Có", "Không"):
        ends.append(panel_of(write(channel_unread(table, rows).replace({ONLINE: {"??": word}}), tmp_path / "e.csv", sound[1])))
    raw = [difference(panel), *map(difference, ends)]
    assert 0 < max(abs(raw[1] - raw[0]), abs(raw[2] - raw[0])) <= panel.unread_pp < 5


def difference(panel):
    cells = panel.cells.assign(late=panel.cells["period"].astype(str) >= "2023-08", treated=panel.cells["fee_group"] == "provincial")
    cells = cells[cells["fee_group"].isin(["provincial", "free", "already_free"])]
    shares = cells.groupby(["treated", "late"])[["received", "online"]].sum().pipe(lambda sums: 100 * sums["online"] / sums["received"])
    return (shares[True, True] - shares[True, False]) - (shares[False, True] - shares[False, False])


def test_few_unreadable_channels_on_one_side_after_the_policy_are_refused(tmp_path, sound):
    table = sound[0]
    late = table.index[(days(table) >= SINCE) & (table[ONLINE] == "Có")]
    path = write(channel_unread(table, late[:12]), tmp_path / "ds.csv", sound[1])  # 0.4% of the list
    with pytest.raises(InputError, match=r"of the months after the policy cannot be read"):
        panel_of(path)


@pytest.mark.parametrize("kind", SET_ASIDE)
def test_rows_of_no_dossier_are_set_aside_by_reason_and_row(tmp_path, sound, kind):
    spoil, reason, rows = SET_ASIDE[kind]
    table = spoil(sound[0])
    panel = panel_of(write(table, tmp_path / "ds.csv", sound[1]))
    same(panel, sound[0])
    found = {row.reason: (row.rows, row.examples) for row in panel.rejected.itertuples()}
    added = [at + 2 for at in table.index[~table[NUMBER].isin(sound[0][NUMBER])]]
    assert found == {reason: (rows, tuple(added))}
    for lang in ("vi", "en"):
        assert Words(lang, domain="vietnam")("reasons." + reason)


def test_two_columns_of_one_name_are_refused(tmp_path, sound):
    path = spoilt(tmp_path, sound, lambda table: table.head(300).assign(**{DAY + " ": table[SENT].head(300)}))
    for read in (panel_of, check_file):
        with pytest.raises(InputError, match=r"ds\.csv: columns 13 and 25 both go by 'Ngày tiếp nhận'"):
            read(path)


@pytest.mark.parametrize("layout", ["opencps_monthly", "opencps_summary"])
def test_a_summary_with_two_columns_of_one_name_is_refused(tmp_path, layout):
    simulate(tmp_path / ("s.csv" if layout == "opencps_monthly" else "s"), seed=5, dossiers=2000, layout=layout)
    path = min((tmp_path / "s").iterdir()) if layout == "opencps_summary" else tmp_path / "s.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    at = 6 if layout == "opencps_summary" else rows[0].index("onlineCount")  # the column of what came online, twice
    path.write_text(
        "\n".join(",".join(f'"{cell}"' for cell in [*row[: at + 1], *row[at : at + 1], *row[at + 1 :]]) for row in rows), encoding="utf-8"
    )
    with pytest.raises(InputError, match="both go by"):
        summary_panel([path], layout)


def test_some_rows_that_one_clerk_typed_otherwise_are_no_swap(tmp_path, sound):
    """Forty dossiers of two days in another form, all of days up to the 12th."""
    table = sound[0].copy()
    for day in ("2023-07-03", "2023-08-04"):
        rows = table.index[days(sound[0]) >= day][:20]
        table.loc[rows, DAY] = f"{day} 08:00:00"
        table.loc[rows, DONE] = "2023-08-10 08:00:00"
    counted = count_dossiers([write(table, tmp_path / "ds.csv", sound[1])])
    assert counted.cells["reason"].isna().all() and counted.cells["n"].sum() == len(table)


@pytest.mark.parametrize("rows", [65_535, 65_534])
def test_a_list_that_ends_where_a_sheet_ends_is_told(tmp_path, sound, rows):
    columns = [NUMBER, "Mã thủ tục", AGENCY, DAY, ONLINE]
    table = pd.concat([sound[0][columns]] * 25, ignore_index=True).head(rows)
    table[NUMBER] = [f"D{at}" for at in range(rows)]
    panel = panel_of(write(table, tmp_path / "ds.csv", sound[1]))
    assert [reading.kind for reading in panel.readings] == ["rows_full"] * (rows == 65_535)


def test_letters_in_a_wrong_encoding_are_turned_back_or_named(tmp_path, sound):
    """Mojibake of a whole list is read, of a part of it, or of an old encoding, refused (`read.garbled`, with its own tests)."""
    panel = panel_of(write(sound[0], tmp_path / "sound.csv", sound[1]))
    path = write(sound[0], tmp_path / "ds.csv", sound[1])
    text = path.read_text(encoding="utf-8")
    path.write_text("".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode()), encoding="utf-8")
    turned = panel_of(path)
    pd.testing.assert_frame_equal(turned.cells, panel.cells)
    assert {reading.kind for reading in turned.readings}
    path.write_text(text.replace("Có", "CÃ³"), encoding="utf-8")
    with pytest.raises(InputError, match="mojibake"):
        panel_of(path)


def test_letters_in_a_sound_encoding_are_not_blamed(tmp_path, sound):
    for kind in ("utf-8", "utf-8-sig", "utf-16"):
        path = write(sound[0].head(50).rename(columns={ONLINE: "Cột khác"}), tmp_path / "ds.csv", sound[1], kind)
        with pytest.raises(InputError, match="no known header"):
            layout_of(path)


def test_a_sheet_a_year_is_read_as_one_list(tmp_path, sound):
    path = tmp_path / "ds.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        for year, part in sound[0].groupby(days(sound[0]).dt.year):
            part.to_excel(book, sheet_name=str(year), index=False)
    (tmp_path / "ds.xlsx.fees.csv").write_bytes(sound[1].read_bytes())
    same(panel_of(path), sound[0])


def test_what_check_tells_is_json(tmp_path, sound):
    assert json.dumps(check_file(spoilt(tmp_path, sound, READ["month_first"][0])))


def test_a_row_of_a_further_sheet_is_told_with_its_sheet(tmp_path, sound):
    """In sentences, in a refusal and for machines; never as one number over all sheets."""
    path, table = tmp_path / "ds.xlsx", sound[0].head(400).copy()
    table.loc[250, DAY] = "không rõ"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        table.head(200).to_excel(book, sheet_name="2022", index=False)
        table.tail(200).to_excel(book, sheet_name="2023", index=False)
    (tmp_path / "ds.xlsx.fees.csv").write_bytes(sound[1].read_bytes())
    found = check_file(path)
    assert any("52 of sheet 2" in line for line in check_lines(found, Words("en", domain="vietnam")))
    assert [item["examples"] for item in json.loads(json.dumps(rows_told(found)))["rejected"]] == [["52 of sheet 2"]]
    table.loc[table.index >= 250, ONLINE] = "2"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        table.head(200).to_excel(book, sheet_name="2022", index=False)
        table.tail(200).to_excel(book, sheet_name="2023", index=False)
    with pytest.raises(InputError, match="row 53 of sheet 2, column 'Trực tuyến'"):
        panel_of(path)
