import ast
import shutil
import unicodedata
from datetime import date

import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.own_files import PACKAGE
from hgdx_eval.base.yaml_strict import load_yaml, validate
from hgdx_eval.vietnam.facts import FILES, ProvinceFile, bare, cluster_of, find_adoption, load_facts, next_of
from hgdx_eval.vietnam.provinces import events_between, facts_at, province_on, provinces_named
from hgdx_eval.vietnam.unit_names import find_unit, match_unit
from params import params_folder

FACTS = load_facts()
FOLDER = params_folder() / "facts"


def test_units_are_as_many_as_there_were():
    levels = [unit.level for unit in FACTS.units]
    assert {level: levels.count(level) for level in set(levels)} == {"province": 1, "district": 8, "commune": 75, "department": 19}


BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
MERGED = {  # new province: those that went into it, as Nghị quyết 202/2025/QH15 is commonly cited
    "Tuyên Quang": "Hà Giang", "Lào Cai": "Yên Bái", "Thái Nguyên": "Bắc Kạn", "Phú Thọ": "Hòa Bình, Vĩnh Phúc", "Bắc Ninh": "Bắc Giang",
    "Hưng Yên": "Thái Bình", "Hải Phòng": "Hải Dương", "Ninh Bình": "Hà Nam, Nam Định", "Quảng Trị": "Quảng Bình", "Đà Nẵng": "Quảng Nam",
    "Quảng Ngãi": "Kon Tum", "Gia Lai": "Bình Định", "Khánh Hòa": "Ninh Thuận", "Lâm Đồng": "Đắk Nông, Bình Thuận", "Đắk Lắk": "Phú Yên",
    "Hồ Chí Minh": "Bình Dương, Bà Rịa - Vũng Tàu", "Đồng Nai": "Bình Phước", "Tây Ninh": "Long An", "Cần Thơ": "Hậu Giang, Sóc Trăng",
    "Vĩnh Long": "Bến Tre, Trà Vinh", "Đồng Tháp": "Tiền Giang", "Cà Mau": "Bạc Liêu", "An Giang": "Kiên Giang",
}  # fmt: skip
ALONE = ["Hà Nội", "Huế", "Lai Châu", "Điện Biên", "Sơn La", "Lạng Sơn", "Quảng Ninh", "Thanh Hóa", "Nghệ An", "Hà Tĩnh", "Cao Bằng"]


def test_there_were_63_provinces_and_are_34():
    for day, number in ((BEFORE, 63), (AFTER, 34)):
        held = [province for province in FACTS.provinces if province.holds(day)]
        assert len(held) == len({p.code for p in held}) == len({bare(p.name) for p in held}) == number
    days = {(p.valid_from, p.valid_to) for p in FACTS.provinces}
    assert days == {(None, None), (None, BEFORE), (AFTER, None)}


def test_every_province_has_the_one_successor_that_it_went_into():
    into = {}
    for province in FACTS.provinces:
        if province.valid_to:
            into.setdefault(bare(next_of(FACTS.provinces, province).name), set()).add(bare(province.name))
    assert into == {bare(new): {bare(new), *map(bare, old.split(", "))} for new, old in MERGED.items()}
    assert {bare(p.name) for p in FACTS.provinces if p.valid_from is p.valid_to is None} == set(map(bare, ALONE))


def test_provinces_have_their_sources_and_what_was_not_opened_says_so():
    file = validate(load_yaml(FOLDER / "provinces.yaml"), ProvinceFile, "provinces.yaml")
    assert file.first_source.verified and file.second_source.verified and file.merger_source.verified
    for text in (file.merger_law, file.first_codes, file.second_codes):
        assert text.title and text.reason and not text.verified


def test_the_units_of_a_province_are_of_one_in_the_list():
    (top,) = (unit for unit in FACTS.units if unit.level == "province")
    (same,) = provinces_named(FACTS, top.name)
    assert (top.code, top.name, FACTS.units_end) == (same.code, same.name, same.valid_to)


def test_no_code_or_name_of_a_province_stands_in_the_package():
    codes, names = {p.code for p in FACTS.provinces}, {bare(p.name) for p in FACTS.provinces}
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        specs = [node.format_spec for node in ast.walk(tree) if isinstance(node, ast.FormattedValue) and node.format_spec]
        widths = {id(part) for spec in specs for part in ast.walk(spec)}  # {month:02} is no province
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in widths:
                folded = bare(node.value)
                found += [(file.name, node.value[:60])] * (node.value in codes or "haugiang" in folded or folded in names)
    assert found == []


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [("Cần Thơ", "92", 2), ("TP. Hồ Chí Minh", "79", 2), ("tp hcm", "79", 2), ("Thành phố Hồ Chí Minh", "79", 2), ("hau giang", "93", 1),
     ("Tỉnh Hậu Giang", "93", 1), ("Hanoi", "01", 1), ("Thừa Thiên Huế", "46", 1), ("Ba Ria - Vung Tau", "77", 1), ("Đắc Lắc", "66", 2),
     ("HOÀ BÌNH", "17", 1), ("Nơi Khác", None, 0), ("", None, 0)],
)  # fmt: skip
def test_a_province_is_found_under_any_spelling(text, code, number):
    found = provinces_named(FACTS, unicodedata.normalize("NFD", text))
    assert len(found) == number and {province.code for province in found} <= {code}


def test_a_name_is_followed_to_the_province_of_the_day():
    assert province_on(FACTS, "Sóc Trăng", BEFORE).name == "Tỉnh Sóc Trăng"
    assert province_on(FACTS, "Sóc Trăng", AFTER) is province_on(FACTS, "Cần Thơ", AFTER) is not province_on(FACTS, "Cần Thơ", BEFORE)
    assert province_on(FACTS, "Bắc Giang", AFTER).name == "Tỉnh Bắc Ninh" and province_on(FACTS, "Nơi Khác", AFTER) is None


def test_events_after_a_merger_are_those_of_the_whole_new_province():
    def local(place, first, last):
        return {event.name for event in events_between(FACTS, first, last, place) if event.scope != "national"}

    assert local("Hậu Giang", date(2020, 1, 1), date(2030, 1, 1)) == {event.name for event in FACTS.events if event.scope != "national"}
    assert local("hau giang", date(2020, 1, 1), BEFORE) == local("Hậu Giang", date(2020, 1, 1), BEFORE) >= {"campaign_2023"}
    assert local("TP. Cần Thơ", date(2020, 1, 1), BEFORE) == set()
    assert local("Sóc Trăng", AFTER, AFTER) == local("Cần Thơ", AFTER, AFTER) == local("Hậu Giang", AFTER, AFTER) == {"merger"}
    assert local("Hà Nội", date(2020, 1, 1), date(2030, 1, 1)) == set()


def test_units_are_those_of_the_place_alone():
    own = facts_at(FACTS, "hau giang")
    assert (own.units, own.former_units, own.units_end) == (FACTS.units, FACTS.former_units, FACTS.units_end)
    assert facts_at(FACTS, None) is FACTS and facts_at(FACTS, "hau giang") is own
    other = facts_at(FACTS, "Cần Thơ")
    assert find_unit(other, "Huyện Châu Thành") is None and find_unit(FACTS, "Huyện Châu Thành")
    for month in (None, "2023-01", "2026-01"):
        found = match_unit(other, "UBND TP. Cần Thơ", month and pd.Period(month, "M"))
        assert (found.unit.name, found.outside) == ("Thành phố Cần Thơ", "")
    assert match_unit(facts_at(FACTS, "Sóc Trăng"), "Tỉnh Sóc Trăng", pd.Period("2025-08", "M")).outside == "ended"


def test_what_was_not_found_about_the_resolution_is_marked():
    law = FACTS.resolutions["nq04_2023"]
    assert str(law.signed) == "2023-07-14"
    assert law.effective is law.cut_pct is law.fee_list is law.expires is None
    assert not any(law.verified_of(field) for field in ("title", "effective", "cut_pct", "fee_list", "expires"))
    assert (str(law.assumed_effective), law.assumed_cut_pct) == ("2023-08-01", 50)


def test_the_seven_tasks_and_the_one_target():
    assert [task.number for task in FACTS.tasks.tasks] == list(range(1, 8))
    assert {task.number: task.target for task in FACTS.tasks.tasks if task.target is not None} == {4: 0.30}


def test_verified_facts_have_a_link_and_others_a_reason():
    for fact in [*FACTS.events, *FACTS.adoptions]:
        assert (fact.link and fact.read) if fact.verified else fact.reason, fact


def test_events_are_those_that_touch_the_window():
    law = FACTS.resolutions["nq04_2023"]
    names = {event.name for event in events_between(FACTS, law.assumed_effective, law.assumed_effective, "Hậu Giang")}
    assert "campaign_2022" not in names
    assert "campaign_2023" not in names
    later = {event.name for event in events_between(FACTS, law.assumed_effective.replace(day=25), law.assumed_effective.replace(day=25), "Hậu Giang")}  # fmt: skip
    assert "campaign_2023" in later


@pytest.mark.parametrize(
    ("text", "name", "cluster"),
    [
        ("UBND Xã Hỏa Lựu", "Xã Hoả Lựu", "Thành phố Vị Thanh"), ("ubnd  huyện Long Mỹ", "Huyện Long Mỹ", "Huyện Long Mỹ"),
        ("TX. Long Mỹ", "Thị xã Long Mỹ", "Thị xã Long Mỹ"), ("Xã Vị Thanh", "Xã Vị Thanh", "Huyện Vị Thuỷ"),
        ("TP Vị Thanh", "Thành phố Vị Thanh", "Thành phố Vị Thanh"), ("Huyện Vị Thủy", "Huyện Vị Thuỷ", "Huyện Vị Thuỷ"),
        ("Huyện Châu Thành A", "Huyện Châu Thành A", "Huyện Châu Thành A"), ("Huyện Châu Thành", "Huyện Châu Thành", "Huyện Châu Thành"),
        ("STP", "Sở Tư pháp", "Sở Tư pháp"), ("HTXLONGMY", "Thị xã Long Mỹ", "Thị xã Long Mỹ"),
        ("P.1", "Phường I", "Thành phố Vị Thanh"), ("Phường III, TP. Vị Thanh", "Phường III", "Thành phố Vị Thanh"),
        ("XHCT_TTNGASAU", "Thị trấn Ngã Sáu", "Huyện Châu Thành"), ("XHVT_XAVITHANH", "Xã Vị Thanh", "Huyện Vị Thuỷ"),
        ("UBND xã Vị Thanh, huyện Vị Thủy", "Xã Vị Thanh", "Huyện Vị Thuỷ"), ("Sở TN&MT", "Sở Tài nguyên và Môi trường", "Sở Tài nguyên và Môi trường"),
        ("UBND huyện Long Mỹ, tỉnh Hậu Giang", "Huyện Long Mỹ", "Huyện Long Mỹ"), ("Uỷ ban nhân dân tỉnh Hậu Giang", "Tỉnh Hậu Giang", "Tỉnh Hậu Giang"),
        ("Xã Phú An", "Xã Phú An", "Huyện Châu Thành"), ("000.00.00.H30", "Tỉnh Hậu Giang", "Tỉnh Hậu Giang"),
        ("Phường Vĩnh Tường", "Phường Vĩnh Tường", "Thị xã Long Mỹ"), ("Xã Vĩnh Tường", "Xã Vĩnh Tường", "Huyện Vị Thuỷ"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_as_exports_write_them(text, name, cluster, form):
    unit = find_unit(FACTS, unicodedata.normalize(form, text))
    assert (unit.name, cluster_of(FACTS, unit).name) == (name, cluster)


@pytest.mark.parametrize(
    "text", ["Long Mỹ", "Châu Thành", "Vị Thanh", "Phòng Nội vụ", "", "UBND", "Xã Vị Thanh, TP Vị Thanh", "Xã Châu Thành A"]
)
def test_ambiguous_and_unknown_names_match_nothing(text):
    assert find_unit(FACTS, text) is None


def test_every_official_name_and_portal_code_means_its_own_unit():
    for unit in [*FACTS.units, *FACTS.former_units]:
        assert find_unit(FACTS, unit.name) is unit
        assert find_unit(FACTS, unit.portal.lower()) is unit
        assert cluster_of(FACTS, unit).level != "commune"


def test_an_adoption_after_the_day_asked_for_does_not_count():
    assert find_adoption(FACTS, "Thanh Hoa", by=date(2024, 12, 31)) is None
    assert find_adoption(FACTS, "Thanh Hoa", by=date(2025, 12, 31)) is not None
    assert find_adoption(FACTS, "Hue", by=date(2024, 12, 31)).cut_pct == "40"
    assert find_adoption(FACTS, "Lang Son", by=date(2019, 1, 1)) is not None  # its date is not known


@pytest.mark.parametrize(
    "name",
    [
        "Hanoi",
        "TP. Hồ Chí Minh",
        "Tỉnh Hà Nam",
        "TP. Huế",
        "Ho Chi Minh City",
        "Thua Thien Hue",
        "Ba Ria - Vung Tau",
        "Hau Giang",
        "Hải Dương",
    ],
)
def test_adopters_are_found_under_any_spelling(name):
    assert find_adoption(FACTS, name) is not None


def test_a_province_that_is_not_listed_is_unknown_and_drafts_are_no_adoption():
    assert find_adoption(FACTS, "Soc Trang") is None
    assert find_adoption(FACTS, "Lai Chau") is None


@pytest.fixture
def facts_folder(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / "facts")
    monkeypatch.setenv("HGDX_PARAMS", str(tmp_path))
    return tmp_path / "facts"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("events.yaml", "    verified: true\n", "", "verified"), ("events.yaml", "verified: true", "verified: false", "reason"),
        ("events.yaml", "    scope:", "    scop:", "scop"), ("resolution.yaml", "assumed_cut_pct: 50", "assumed_cut_pct: 150", "assumed_cut_pct"),
        ("tet.yaml", "year: 2022", "year: 2022, year: 2022", "year"), ("units.yaml", "code: '930'", "code: 930", "930"),
        ("provinces.yaml", "successor: '92'", "successor: '93'", "successor '93' is no province in force the day after 2025-06-30"),
        ("provinces.yaml", "{code: '11'", "{code: '12'", "'12' stands twice"), ("provinces.yaml", ", successor: '92'", "", "belong together"),
        ("units.yaml", "province: '93'", "province: '92'", "'92' is no unit"), ("units.yaml", "parent: '930'", "parent: '929'", "'929' is no unit"),
        ("events.yaml", "scope: 'Hậu Giang'", "scope: 'Hậu Gian'", "a province of provinces.yaml"),
        ("adoptions.yaml", "kind: draft", "kind: rumour", "kind"), ("tasks.yaml", "date: 2023-10-10", "date: soon", "date"),
    ],
)  # fmt: skip
def test_a_fact_that_cannot_be_is_refused_in_one_line(facts_folder, file, old, new, says):
    path = facts_folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=says) as error:
        load_facts()
    assert file in str(error.value)
    assert "\n" not in str(error.value)


def test_all_files_are_read(facts_folder):
    for name in FILES:
        (facts_folder / f"{name}.yaml").rename(facts_folder / "x")
        with pytest.raises(InputError, match=f"{name}.yaml"):
            load_facts()
        (facts_folder / "x").rename(facts_folder / f"{name}.yaml")
