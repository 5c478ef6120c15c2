import shutil
import unicodedata
from datetime import date

import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.study.load import study_folder
from hgdx_eval.vietnam.facts import FILES, cluster_of, events_between, find_adoption, load_facts
from hgdx_eval.vietnam.unit_names import find_unit

FACTS = load_facts()
FOLDER = study_folder().parent / "facts"


def test_units_are_as_many_as_there_were():
    levels = [unit.level for unit in FACTS.units]
    assert {level: levels.count(level) for level in set(levels)} == {"province": 1, "district": 8, "commune": 75, "department": 19}


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


@pytest.mark.parametrize("text", ["Long Mỹ", "Châu Thành", "Vị Thanh", "Phòng Nội vụ", "", "UBND", "Xã Vị Thanh, TP Vị Thanh", "Xã Châu Thành A"])
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


@pytest.mark.parametrize("name", ["Hanoi", "TP. Hồ Chí Minh", "Tỉnh Hà Nam", "TP. Huế", "Ho Chi Minh City", "Thua Thien Hue", "Ba Ria - Vung Tau", "Hau Giang", "Hải Dương"])
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
