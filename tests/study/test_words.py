import string
from importlib import resources

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval.report.ranks import ranked
from hgdx_eval.study.words import NOTHING, Words, texts
from params import params_folder

VI, EN = Words("vi"), Words("en")
MODULES = sorted({f.name.split(".")[0] for f in resources.files("hgdx_eval.locale").iterdir() if f.name.endswith(".yaml")})


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_placeholders():
    vi, en = texts("vi"), texts("en")
    assert set(vi) == set(en)
    study = {"outcome", "treated", "comparison", "policy", "place", "unit", "units", "measure", "without_policy", "opening"}
    assert [k for k in vi if placeholders(vi[k]) - study != placeholders(en[k]) - study] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_key_stands_once_in_its_file(module):
    for lang in ("vi", "en"):
        text = resources.files("hgdx_eval.locale").joinpath(f"{module}.{lang}.yaml").read_text(encoding="utf-8")
        keys = [line.split(":")[0] for line in text.splitlines() if line and line[0] not in " #"]
        assert len(keys) == len(set(keys))


def test_words_of_studies_have_the_same_keys_in_both_languages():
    for file in (params_folder() / "words").glob("*.yaml"):
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(found["vi"]) == set(found["en"]), file.name


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (VI.number(1234.5, 1), "1.234,5"), (EN.number(1234.5, 1), "1,234.5"), (VI.number(-0.4, 1, True), "−0,4"),
        (VI.number(4.2, 1, True), "+4,2"), (VI.number(-0.04, 1), "0,0"), (VI.number(float("nan")), NOTHING),
        (VI.percent(0.123), "12,3%"), (VI.interval(1.1, 7.3), "[1,1; 7,3]"), (VI.date("2023-07-14"), "14/7/2023"),
        (EN.date("2023-07-14"), "14 July 2023"), (VI.period(pd.Period("2023-08", "M")), "tháng 8/2023"),
        (EN.period(pd.Period("2023-08", "M")), "August 2023"), (VI.period(pd.Period("2023Q3", "Q")), "quý III/2023"),
        (VI.period(pd.Period("2023-08", "M"), short=True), "8/2023"), (VI.period(pd.Period("2023", "Y")), "2023"),
        (VI.period(pd.Period("2020-12-28", "W")), "tuần 53/2020"), (EN.period(pd.Period("2021-01-03", "W")), "week 53 of 2020"),
        (EN.period(pd.Period("2023-03-06", "W"), short=True), "W10 2023"), (VI.period(pd.Period("2023-03-13", "D")), "13/3/2023"),
        (EN.period(pd.Period("2023-03-13", "D")), "13 March 2023"), (EN.period(pd.Period("2023-03-13", "D"), short=True), "13 Mar 2023"),
        (VI.date("2023-W10"), "tuần 10/2023"), (EN.date("2010Q4"), "Q4 2010"), (EN.date("2023-08"), "August 2023"), (VI.date("2023"), "2023"),
        (VI.effect(-0.0224590, "level"), "−0,022"), (VI.effect(-0.0087, "level"), "−0,009"), (VI.effect(4.04, "pp"), "+4,0"),
    ],
)  # fmt: skip
def test_numbers_and_dates_the_way_of_each_language(made, expected):
    assert made == expected


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_number_says_the_same_in_both_languages(value, digits):
    swapped = EN.number(value, digits).translate(str.maketrans(",.", ".,"))
    assert VI.number(value, digits) == swapped


@pytest.mark.parametrize(
    ("words", "number", "said"),
    [(EN, 1, "1 case, 2023."), (EN, 2, "2 cases, 2023."), (EN, 0, "0 cases, 2023."), (EN, 1001, "1,001 cases, 2023."), (VI, 1, "1 trường hợp, 2023.")],
)  # fmt: skip
def test_a_word_goes_with_its_number_by_the_rules_of_the_language(words, number, said):
    assert words("charts.size_dossiers", n=words.number(number), span="2023") == said


def test_a_number_told_in_words_takes_the_plural_and_a_unit_of_the_study_is_one_or_many():
    assert EN("charts.size_dossiers", n="at least 500", span="2023") == "at least 500 cases, 2023."
    study = Words("en", (("unit", "state"), ("units", "states"), ("treated", "California")))
    assert ranked(1, 2, study) == "none of the other 1 state moved as much"
    assert ranked(5, 27, study) == "4 of the other 26 states moved more"
