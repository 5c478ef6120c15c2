"""Names to codes: every spelling of a unit leads to it, as of the dossier's month, and what may be two units is refused."""

import dataclasses
import unicodedata
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgdx_eval.base.errors import InputError
from hgdx_eval.study.events import Source
from hgdx_eval.study.load import load_study
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.dossier_panel import dossier_panel, dossier_study_columns
from hgdx_eval.vietnam.facts import FormerName, Unit, check_successors, load_facts
from hgdx_eval.vietnam.fee_schedule import fee_schedule_of, todays_codes
from hgdx_eval.vietnam.made_up_export import COLUMNS
from hgdx_eval.vietnam.unit_names import (
    SHORT,
    UNKNOWN,
    find_unit,
    looks_like_agency,
    match_unit,
    named_agencies,
    refuse_ambiguous,
    shown_text,
    toned_last,
)

FACTS = load_facts()
TOLD = Source(verified=False, reason="made up for a test")
LONG = {long: short for short, long in SHORT.items() if len(short) > 1}
UNITS = [unit for unit in FACTS.units if unit.level != "department"]


def month(text):
    return pd.Period(text, freq="M")


@pytest.mark.parametrize(
    ("text", "name", "how"),
    [
        ("Huyện Long Mỹ", "Huyện Long Mỹ", "exact"), ("UBND Thị xã Long Mỹ", "Thị xã Long Mỹ", "exact"),
        ("Huyện Vị Thủy", "Huyện Vị Thuỷ", "orthography"), ("xã HỎA LỰU", "Xã Hoả Lựu", "orthography"),
        ("TX. Long Mỹ", "Thị xã Long Mỹ", "abbreviation"), ("Xã Vị Thanh, H. Vị Thủy", "Xã Vị Thanh", "abbreviation"),
        ("Phường 3", "Phường III", "alias"), ("Nàng Mau", "Thị trấn Nàng Mau", "without_kind"), ("HTXLONGMY", "Thị xã Long Mỹ", "portal_code"),
        ("UBND xã Vĩnh Viễn", "Thị trấn Vĩnh Viễn", "former_name"), ("Phòng lạ", None, "unknown"), ("Xã Vị Thanh, TP Vị Thanh", None, "unknown"),
    ],
)  # fmt: skip
def test_what_was_matched_how_is_told(text, name, how):
    found = match_unit(FACTS, text)
    assert (found.unit.name if found.unit else None, found.how) == (name, how)


@pytest.mark.parametrize(
    ("text", "names"),
    [("Long Mỹ", {"Huyện Long Mỹ", "Thị xã Long Mỹ"}), ("vị thanh", {"Thành phố Vị Thanh", "Xã Vị Thanh"}),
     ("Châu Thành", {"Huyện Châu Thành", "Huyện Châu Thành A"})],
)  # fmt: skip
def test_what_may_be_two_units_names_them(text, names):
    found = match_unit(FACTS, text)
    assert found.unit is None and found.how == "ambiguous" and {unit.name for unit in found.candidates} == names


@given(st.sampled_from(UNITS), st.data())
def test_every_way_to_write_a_unit_leads_to_it(unit, data):
    text = unit.name
    if data.draw(st.booleans()):
        text = " ".join(data.draw(st.sampled_from([word, unicodedata.normalize("NFC", toned_last(word))])) for word in text.split())
    if data.draw(st.booleans()):
        for long, short in LONG.items():
            if text.casefold().startswith(long + " "):
                text = data.draw(st.sampled_from([short, short.upper() + "."])) + text[len(long) :]
    if unit.level == "commune" and data.draw(st.booleans()):
        text += data.draw(st.sampled_from([", ", " - ", " "])) + next(above.name for above in FACTS.units if above.code == unit.parent)
    text = data.draw(st.sampled_from(["", "UBND ", "Ủy ban nhân dân ", "Uỷ ban nhân dân "])) + text
    text = data.draw(st.sampled_from([str, str.upper, str.lower]))(text)
    text = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), text).replace(" ", data.draw(st.sampled_from([" ", "  "])))
    assert find_unit(FACTS, text) is unit
    assert match_unit(FACTS, text).how in ("exact", "orthography", "abbreviation")


@given(st.text(max_size=40))
def test_any_text_has_one_answer_whatever_its_form(text):
    nfc, nfd = (match_unit(FACTS, unicodedata.normalize(form, text)) for form in ("NFC", "NFD"))
    assert nfc == nfd


def dated_facts(*units):
    return dataclasses.replace(FACTS, units=(*FACTS.units, *units))


OLD = Unit(code="a", level="commune", parent="930", name="Xã Thử Cũ", valid_to=date(2023, 3, 31), successor="b", dated=TOLD)
NEW = Unit(code="b", level="commune", parent="930", name="Xã Thử Mới", valid_from=date(2023, 4, 1), dated=TOLD,
           former_names=(FormerName(name="Xã Thử Xưa", valid_to=date(2022, 6, 30), verified=False, reason="made up for a test"),))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "when", "name", "how", "outside"),
    [
        ("Xã Thử Cũ", "2023-03", "Xã Thử Cũ", "exact", ""), ("Xã Thử Cũ", "2023-04", "Xã Thử Mới", "former_name", "ended"),
        ("Xã Thử Mới", "2023-04", "Xã Thử Mới", "exact", ""), ("Xã Thử Mới", "2023-03", "Xã Thử Mới", "exact", "not_begun"),
        ("Xã Thử Xưa", "2022-06", "Xã Thử Mới", "former_name", ""), ("Xã Thử Xưa", "2022-07", "Xã Thử Mới", "former_name", "ended"),
        ("Xã Vị Thanh", "2025-06", "Xã Vị Thanh", "exact", ""), ("Xã Vị Thanh", "2025-07", "Xã Vị Thanh", "exact", "ended"),
    ],
)  # fmt: skip
def test_names_are_matched_as_of_the_month(text, when, name, how, outside):
    found = match_unit(dated_facts(OLD, NEW), text, month(when))
    assert (found.unit.name, found.how, found.outside) == (name, how, outside)


def test_one_name_of_two_units_in_turn_means_the_one_of_that_month():
    first = Unit(code="a", level="commune", parent="930", name="Xã Thử", valid_to=date(2023, 3, 31), dated=TOLD)
    second = Unit(code="b", level="commune", parent="931", name="Xã Thử", valid_from=date(2023, 4, 1), dated=TOLD)
    facts = dated_facts(first, second)
    assert [match_unit(facts, "Xã Thử", month(text)).unit.code for text in ("2023-03", "2023-04")] == ["a", "b"]
    assert match_unit(facts, "Xã Thử").how == "ambiguous"


@pytest.mark.parametrize(
    ("change", "says"),
    [({"valid_to": date(2023, 1, 1)}, "need their source"), ({"successor": "b", "dated": TOLD}, "since when"),
     ({"valid_from": date(2023, 2, 1), "valid_to": date(2023, 1, 1), "dated": TOLD}, "after valid_to")],
)  # fmt: skip
def test_a_dated_unit_without_a_source_or_sense_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        Unit(code="a", level="commune", parent="930", name="Xã Thử", **change)


def test_successors_that_are_no_unit_or_a_circle_are_refused():
    back = NEW.model_copy(update={"valid_to": date(2024, 1, 1), "successor": "a"})
    with pytest.raises(InputError, match="in a circle"):
        check_successors([OLD, back])
    with pytest.raises(InputError, match="'b' is no unit's code"):
        check_successors([OLD])


def test_an_ambiguous_name_is_refused_with_what_to_write():
    frame = named_agencies(pd.Series(["Long Mỹ", "Sở Y tế"]), pd.Series(["2023-01"] * 2), pd.Series([12, 3]), FACTS)
    with pytest.raises(
        InputError, match=r"a\.csv: the agency 'Long Mỹ' \(12 rows\) may be Huyện Long Mỹ or Thị xã Long Mỹ: .*\(HLONGMY, HTXLONGMY\)"
    ):
        refuse_ambiguous(frame, "a.csv")


@pytest.mark.parametrize(
    "text",
    [
        "Trần Thị Bí Mật",
        "0912345678",
        "a@b.vn",
        "Xã 0912345678",
        "12 Ấp Mật",
        "",
        "P. Nguyễn Văn Mật",
        "T. Bí Mật",
        "Ban Thị Mật",
        "X. Mật",
        "Xã Vị Thanh, nhà ông Mật",
        "Phường 1, 12/3 Trần Hưng Đạo",
        "Xã Vị Thanh nhà Mật",
        "Phường 1, Trần Bí Mật",
        "UBND Trần Bí Mật",
        "Tổ 3 khu vực 2",
        "Xã Vị Thanh, ấp 3",
        "Phường Trà Lồng Nguyễn Văn Mật",
    ],
)
def test_a_text_that_looks_like_no_agency_is_told_by_its_shape(text):
    assert not looks_like_agency(text)
    shown = shown_text(text, looks_like_agency(text))
    assert not text or text not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Phòng Tài nguyên",
        "TP. Nơi Khác",
        "UBND xã Lạ",
        "Tòa án huyện",
        "Ủy ban Dân tộc",
        "BQL Dự án",
        "Xã Lạ, huyện Nơi Khác",
        "Phường 12",
        "Điện lực khu vực Ngã Bảy",
        "Ban Quản lý các khu công nghiệp",
    ],
)
def test_a_text_that_begins_like_an_agency_is_told(text):
    assert looks_like_agency(text) and shown_text(text, True) == text


# --- procedures ----------------------------------------------------------------------------------------------------

HEAD = "procedure,name,field,set_by,fee_vnd,same_as"


def schedule(tmp_path, *lines, head=HEAD + ",valid_from,valid_to"):
    path = tmp_path / "x.fees.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return fee_schedule_of(path, "x")


def test_a_code_that_was_given_to_another_procedure_is_followed_by_month(tmp_path):
    fees = schedule(
        tmp_path,
        "1.1,A,x,province,5000,2.2,,2022-12-31",
        "1.1,B,x,none,,,2023-01-01,",
        "2.2,A,x,province,5000,3.3,,2023-05",
        "3.3,A,x,province,5000,,2023-06,",
    )
    used = pd.DataFrame(
        {
            "procedure": ["1.1", "1.1", "2.2", "2.2", "3.3", "9.9"],
            "month": ["2022-12", "2023-01", "2023-05", "2023-06", "2023-05", "2023-01"],
        }
    )
    found = todays_codes(used, fees)
    assert found["code"].tolist() == ["3.3", "1.1", "3.3", "3.3", "3.3", "9.9"]
    assert found["how"].tolist() == ["recoded", "listed", "recoded", "recoded", "listed", "unlisted"]
    assert found["outside"].tolist() == ["", "", "", "ended", "not_begun", ""]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["1.1,A,x,none,,,,2023-03", "1.1,B,x,none,,,2023-03,"], "row 3: a procedure listed twice"),
        (["1.1,A,x,none,,9.9,,"], "row 2: same_as is no procedure"),
        (["1.1,A,x,none,,2.2,,", "2.2,A,x,none,,1.1,,"], "row 2: same_as leads in a circle"),
        (["0.1,A,x,none,,1.1,,", "1.1,A,x,none,,2.2,,", "2.2,A,x,none,,1.1,,"], "row 2: same_as leads in a circle"),
        (["1.1,A,x,none,,,2023-03,2023-01"], "row 2: valid_from is after valid_to"),
        (["1.1,A,x,none,,,soon,"], "row 2, column 'valid_from': no day or month"),
    ],
)  # fmt: skip
def test_re_coding_that_cannot_be_is_refused_by_row(tmp_path, lines, says):
    with pytest.raises(InputError, match=says):
        schedule(tmp_path, *lines)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 7), min_size=8, max_size=8))
def test_re_coding_ends_at_a_code_of_today_or_is_refused(tmp_path_factory, targets):
    lines = [f"c{at},A,x,none,,{'' if to == at else f'c{to}'}" for at, to in enumerate(targets)]
    try:
        fees = schedule(tmp_path_factory.mktemp("s"), *lines, head=HEAD)
    except InputError as error:
        assert "in a circle" in str(error)
        return
    found = todays_codes(pd.DataFrame({"procedure": [f"c{at}" for at in range(8)], "month": ["2023-01"] * 8}), fees)
    for code in found["code"]:
        assert targets[int(code[1:])] == int(code[1:])


# --- in the panel --------------------------------------------------------------------------------------------------


def test_the_panel_carries_what_was_matched_how_and_no_unknown_text(tmp_path):
    def row(number, agency, procedure, note="", day="31/08/2023"):
        told = dict.fromkeys(COLUMNS, "") | {"Mã hồ sơ": number, "Mã thủ tục": procedure, "Cơ quan thụ lý": agency, "Ngày tiếp nhận": day,
                                             "Trực tuyến": "Có", "Ghi chú nộp": note}  # fmt: skip
        return ",".join(told[name] for name in COLUMNS)

    rows = [row("1", "UBND xã Hỏa Lựu", "1.000001", "Cán bộ nộp thay tại quầy"), row("2", "UBND xã Hỏa Lựu", "1.000001"),
            *(row(f"3{at}", "Trần Thị Bí Mật", "1.000001") for at in range(6)), row("4", "Phòng ít", "3.000003"), row("5", "Phòng ít", "Bí Mật"),
            *(row(f"6{at}", "Phòng lạ", "3.000003", day=f"31/0{7 + at % 2}/2023") for at in range(20)),
            *(row(f"7{at}", "Phòng lẻ", "3.000003") for at in range(20)), *(row(f"8{at}", "Phòng hiếm", "3.000003", day=f"31/0{7 + at % 2}/2023") for at in range(19)),
            *(row(f"9{at}", "Văn phòng luật sư Bí Mật", "3.000003", day=f"31/0{7 + at % 2}/2023") for at in range(20))]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    (tmp_path / "a.csv.fees.csv").write_text(
        HEAD + "\n1.000001,A,x,province,5000,2.000001\n2.000001,A,x,province,5000,\n", encoding="utf-8"
    )
    panel = dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None)
    told = {(row.kind, row.text): (row.means, row.how, row.rows) for row in panel.names_matched.itertuples()}
    assert told == {
        ("agency", "UBND xã Hỏa Lựu"): ("Xã Hoả Lựu", "orthography", 2), ("agency", "(text of 15 characters)"): ("", "unknown", 6),
        ("agency", "(text of 8 characters)"): ("", "unknown", 21), ("agency", "Phòng lạ"): ("", "unknown", 20),
        ("agency", "(text of 10 characters)"): ("", "unknown", 19), ("agency", "(text of 24 characters)"): ("", "unknown", 20),
        ("procedure", "1.000001"): ("2.000001", "recoded", 8), ("procedure", "3.000003"): ("3.000003", "unlisted", 80),
    }  # fmt: skip
    assert "Mật" not in panel.names_matched.to_csv() and "Trần" not in panel.cells.to_csv()
    assert UNKNOWN in set(panel.cells["agency"])
    assert panel.cells[["online", "assisted", "remote"]].sum().tolist() == [88, 1, 87]


def test_rows_with_a_cell_too_few_tell_nothing_of_a_person(tmp_path, capfd):
    from hgdx_eval.cli import main

    person = ["P. Nguyễn Văn Mật", "T. Bí Mật", "Phường 1, 12/3 Bí Mật", "Phòng của Bí Mật", "Sở Bí Mật"]
    rows = [[f"H{at}", "1.000001", "Sở Y tế", "31/08/2023", "Có", "31/08/2023"] for at in range(40)]
    rows += [[f"S{at}", "1.000001", text, "31/08/2023", "Có", "31/08/2023"] for at, text in enumerate(person)]
    (tmp_path / "a.csv").write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in [
        ["Mã hồ sơ", "Mã thủ tục", "Cơ quan thụ lý", "Ngày tiếp nhận", "Trực tuyến", "Ngày gửi"], *rows]) + "\n", encoding="utf-8")  # fmt: skip
    for words in ((), ("--json",)):
        with pytest.raises(SystemExit, match="0"):
            main(["check", str(tmp_path / "a.csv"), *words])
        said = capfd.readouterr().out
        assert "Mật" not in said and "45" in said, said


def test_without_the_column_of_who_filed_there_is_no_remote(tmp_path):
    rows = [f"H{at},1.000001,Sở Y tế,31/08/2023,Có" for at in range(9)]
    (tmp_path / "a.csv").write_text(
        "\n".join(["Mã hồ sơ,Mã thủ tục,Cơ quan thụ lý,Ngày tiếp nhận,Trực tuyến", *rows]) + "\n", encoding="utf-8"
    )
    (tmp_path / "a.csv.fees.csv").write_text(HEAD + "\n1.000001,A,x,none,,\n", encoding="utf-8")
    cells = dossier_panel([tmp_path / "a.csv"], "opencps_dossiers", "received", None).cells
    assert not {"assisted", "remote"} & set(cells) and cells["online"].sum() == 9
    with pytest.raises(InputError, match="numerator: no column 'remote' .*'Ghi chú nộp' in the export"):
        dossier_study_columns(load_study("nq04_2023", change={"numerator": "remote"})[0], cells, "a.csv")


def listed(path, agencies):
    """A dossier list with one row an agency."""
    rows = [f'H{at},1.000001,"{agency}",31/08/2023,Có' for at, agency in enumerate(agencies)]
    path.write_text("\n".join(["Mã hồ sơ,Mã thủ tục,Cơ quan thụ lý,Ngày tiếp nhận,Trực tuyến", *rows]) + "\n", encoding="utf-8")
    return path


LETTERS = [a + b for a in "bcdghklmnprstvx" for b in "aeiou"]
NATIONAL = [f"UBND xã {first.title()} {second.title()}{mark} huyện {second.title()} Lạ{mark} tỉnh {third.title()} Xa"
            for first in LETTERS[:52] for second in LETTERS[:50] for mark, third in (("", "ba"), (",", "ca"))]  # fmt: skip


def test_a_column_of_agencies_that_holds_something_else_is_refused(tmp_path):
    for people in ([f"Người {at}" for at in range(5_001)], [f"Trần Thị {at // 75} {at % 75}" for at in range(5_001)]):
        path = listed(tmp_path / "a.csv", [*NATIONAL[:2], *people])
        with pytest.raises(
            InputError, match=r"a\.csv: column 'Cơ quan thụ lý' holds 5,003 different texts, and more than 5,000 of them are no agency"
        ):
            dossier_panel([path], "opencps_dossiers", "received", None)


def test_a_national_file_of_5200_agencies_is_accepted(tmp_path):
    assert len(set(NATIONAL)) == 5_200
    found = count_dossiers([listed(tmp_path / "a.csv", [*NATIONAL, *(f"Người {at}" for at in range(5_000))])]).cells
    assert found["agency"].nunique() == 10_200 and found["n"].sum() == 10_200


@pytest.mark.parametrize(
    "text",
    [
        "UBND xã Lạ huyện Nơi Khác tỉnh Xa",
        "Phường 12, Quận 10, TP. Hồ Chí Minh",
        "Quận 1",
        "Xã Quế Xuân 1",
        "Đặc khu Phú Quý",
        "Xã Ea R'Bin, huyện Lắk",
        "Phường Hoà An quận Cẩm Lệ thành phố Đà Nẵng",
        "Thị xã Kinh Môn Tỉnh Hải Dương",
    ],
)
def test_agencies_of_other_provinces_are_told(text):
    assert looks_like_agency(text)


@pytest.mark.parametrize(
    "text",
    ["Quận Trần Bí Mật 12 3", "Xã Lạ huyện Khác nhà ông Mật", "Xã Lạ huyện Khác Trần Bí Mật", "Quận 1, Trần Bí Mật", "Đặc khu nhà Mật"],
)
def test_a_place_with_somebody_in_it_is_not_told(text):
    assert not looks_like_agency(text)


def test_names_are_matched_with_the_units_of_the_studys_place(tmp_path):
    path = listed(tmp_path / "a.csv", ["Huyện Châu Thành"] * 30 + ["UBND TP Cần Thơ"] * 30)
    (tmp_path / "a.csv.fees.csv").write_text(HEAD + "\n1.000001,A,x,none,,\n", encoding="utf-8")
    told = {place: dossier_panel([path], "opencps_dossiers", "received", None, place).names_matched.set_index("text") for place in
            (None, "Hậu Giang", "can tho")}  # fmt: skip
    rows = {place: names.loc[names["kind"] == "agency", ["means", "how"]].agg("; ".join, axis=1).to_dict() for place, names in told.items()}
    assert rows[None] == rows["Hậu Giang"]
    assert rows[None]["Huyện Châu Thành"] == "Huyện Châu Thành; exact"
    assert rows["can tho"]["UBND TP Cần Thơ"] == "Thành phố Cần Thơ; abbreviation"
    assert "; unknown" in rows["can tho"].values()
