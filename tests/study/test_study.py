import re

import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.study.load import load_study, parse_change, read_study
from hgdx_eval.study.study import Study, study_digest
from params import params_folder

MINIMAL = """study: mine
data: data.csv
unit: unit
period: period
frequency: Y
outcome: value
treated_from: start
cluster: unit
estimator: two_way_fixed_effects
"""


def study(tmp_path, text=MINIMAL, change=None):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return read_study(file, parse_change(change))


@pytest.mark.parametrize("name", sorted(file.stem for file in (params_folder() / "studies").glob("*.yaml")))
def test_every_study_of_the_project_loads_in_both_languages(name):
    for lang in ("vi", "en"):
        p, words = load_study(name, lang, {"data": "x.csv"})
        assert p.study == name
        assert words("study.question").endswith("?")


def test_every_study_of_the_project_is_flat_and_commented():
    for file in (params_folder() / "studies").glob("*.yaml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert sum("#" in line for line in lines) >= 2, file.name
        assert not any(line.startswith("    ") for line in lines), file.name


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("weihgts: none", r"weihgts.*did you mean.*weights"), ("seed: abc", "seed.*whole number"),
        ("exclude: [01]", r"exclude.*'?\"?01"), ("exclude: [1.004194]", r"1\.004194.*quotes|quotes.*1\.004194"),
        ("frequency2: M", "frequency2"), ("window: [2011]", "window"), ("study: again", "study.*already in line 1"),
        ("policy: nq04_2023", "treated_from"), ("numerator: a", "outcome|denominator"), ("min_count: 0", "min_count"),
        ("comparison: nobody", "comparison.*never"), ("seed: -1", "seed"), ("words: missing.yaml", "missing.yaml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_its_key(tmp_path, line, says):
    with pytest.raises(InputError, match=says) as error:
        p = study(tmp_path, MINIMAL + line + "\n")
        from hgdx_eval.study.load import study_words

        study_words(p, "vi")
    assert "\n" not in str(error.value)
    assert "mine.yaml" in str(error.value) or "missing.yaml" in str(error.value)


@pytest.mark.parametrize("key", ["study", "unit", "period", "frequency", "cluster", "estimator", "outcome", "treated_from", "data"])
def test_a_missing_key_is_named(tmp_path, key):
    text = "".join(line + "\n" for line in MINIMAL.splitlines() if not line.startswith(key + ":"))
    with pytest.raises(InputError, match=key):
        study(tmp_path, text)


def test_unknown_names_come_with_what_is_known(tmp_path):
    for key, wrong in (("estimator", "two_way_fixed_effect"), ("layout", "opencps_dossier")):
        with pytest.raises(InputError, match=f"{key}.*did you mean"):
            study(tmp_path, change={key: wrong})
    with pytest.raises(InputError, match="did you mean 'demo'"):
        load_study("demmo")


def test_changes_keep_codes_as_written_and_data_is_relative_to_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    p = study(tmp_path, change={"data": "01.csv", "seed": "7", "exclude": "['01', b]", "window": "[2011, 2012]"})
    assert p.data == str(tmp_path / "01.csv")
    assert (p.seed, p.exclude, p.window) == (7, ["01", "b"], [2011, 2012])
    with pytest.raises(InputError, match="did you mean 'seed'"):
        parse_change({"sed": "1"})


def test_change_as_one_line_of_text(tmp_path):
    assert parse_change("seed=3; weights = none") == {"seed": 3, "weights": "none"}


@pytest.mark.parametrize("text", ['{"dossiers": 3000, "window": ["2022-01", "2024-12"], "unit": ["agency"]}', "dossiers: 3000\nwindow: [2022-01, 2024-12]\nunit: [agency]",
                                  "{dossiers: 3000, window: [2022-01, 2024-12], unit: [agency]}"])  # fmt: skip
def test_change_as_a_text_of_yaml_or_json_as_papermill_gives_it(text):
    assert parse_change(text) == {"dossiers": 3000, "window": ["2022-01", "2024-12"], "unit": ["agency"]}


@pytest.mark.parametrize(("text", "says"), [
    ("{dossiers: 3000", "change: line 1: not valid YAML"), ("{dossiers: 3000, dossiers: 4000}", "dossiers: this key stands already"),
    ("[dossiers]", "change: found list; allowed: a map"), ("{dosiers: 3000}", "change: dosiers: no such key of a study (did you mean 'dossiers'?)"),
    ("{seed: 010}", "found 010"), ("{1: 2}", "change: 1: no such key"), (7, "change: found int; allowed: a map"), ("{seed: *x}", "aliases"),
])  # fmt: skip
def test_a_wrong_text_of_changes_is_one_line(text, says):
    with pytest.raises(InputError, match=re.escape(says)) as error:
        parse_change(text)
    assert "\n" not in str(error.value)


def test_data_in_the_file_is_relative_to_the_file(tmp_path):
    assert study(tmp_path).data == str(tmp_path / "data.csv")


@pytest.mark.parametrize(("key", "value", "seen"), [
    ("made_by", "  Văn phòng\u00a0UBND\ntỉnh ", "Văn phòng UBND tỉnh"), ("contact", "a.b@haugiang.gov.vn", "a.b@haugiang.gov.vn"),
    ("contact", "https://haugiang.gov.vn/x", "https://haugiang.gov.vn/x"), ("contact", "+84 (293) 388-8888", "+84 (293) 388-8888"),
    ("licence", "CC BY 4.0", "CC BY 4.0"),
])  # fmt: skip
def test_who_made_the_report_is_told_in_plain_lines(tmp_path, key, value, seen):
    assert getattr(study(tmp_path, change={key: value}), key) == seen


@pytest.mark.parametrize(("key", "value"), [
    ("made_by", " "), ("made_by", "x" * 201), ("licence", "\u200b"), ("contact", "hỏi ông A"), ("contact", "http://a.vn"), ("contact", "javascript:x"),
    ("contact", "a@b"), ("contact", "a@b.vn, c@d.vn"), ("made_by", 3),
])  # fmt: skip
def test_other_lines_are_refused_with_what_is_allowed(tmp_path, key, value):
    with pytest.raises(InputError, match=rf"{key}: found .*; allowed: {re.escape(Study.model_fields[key].description)}"):
        study(tmp_path, change={key: value})


def test_who_made_a_report_makes_it_no_other_study(tmp_path):
    assert study_digest(study(tmp_path)) == study_digest(study(tmp_path, change={"made_by": "A", "contact": "a@b.vn", "licence": "x"}))


@pytest.mark.parametrize("zone", ["Asia/Saigon city", "../../etc/passwd", "America", "", "GMT+25"])
def test_a_time_zone_that_is_none_is_refused(tmp_path, zone):
    with pytest.raises(InputError, match=r"time_zone: .* is not known; allowed: a name like Asia/Ho_Chi_Minh or UTC"):
        study(tmp_path, change={"time_zone": zone})


def test_every_key_says_what_it_takes():
    undescribed = [name for name, field in Study.model_fields.items() if not field.description]
    assert set(undescribed) <= {"study"}
