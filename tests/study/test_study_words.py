"""A study's own words name other words and are no format program."""

import pandas as pd
import pytest
from faults import ROOT, STUDY, ended, make, start

from hgdx_eval.base.errors import InputError
from hgdx_eval.locale import LANGUAGES
from hgdx_eval.study.load import read_study, study_words


@pytest.mark.parametrize("text", ["{study_name.__class__.__mro__}", "{outcome!r:>9}", "{0}", "{unknown}", "{", "{{outcome}}"])
def test_words_of_a_study_are_text_and_no_program(tmp_path, text):
    make(tmp_path)
    (tmp_path / "w.yaml").write_text(f"vi:\n  title: '{text}'\n", encoding="utf-8")
    with pytest.raises(InputError, match="w.yaml: vi: title: .*allowed in braces: .*outcome_column"):
        read_study(tmp_path / "small.yaml", {"words": str(tmp_path / "w.yaml")})


def test_words_of_a_study_may_name_other_words(tmp_path):
    make(tmp_path)
    (tmp_path / "w.yaml").write_text("vi:\n  title: 'Về {outcome_column} của {study_name}'\n", encoding="utf-8")
    p = read_study(tmp_path / "small.yaml", {"words": str(tmp_path / "w.yaml")})
    assert study_words(p, "vi")("study.title") == "Về value của small"


@pytest.mark.parametrize("column", ["giá {trị}", "{outcome}", "{outcome_column}", "{0}", "{", "a}b", "%s %(x)d", "$x^2$ và $"])
def test_a_column_may_be_called_anything(tmp_path, column):
    make(tmp_path)
    p = read_study(tmp_path / "small.yaml", {"outcome": column})
    for lang in LANGUAGES:
        words = study_words(p, lang)
        assert words("study.outcome") == words("study.outcome_short") == column
        assert column in words("study.question")


@pytest.mark.long
def test_names_with_braces_and_dollars_go_through_a_whole_run(tmp_path):
    make(tmp_path)
    column, unit = "giá {trị} $x^2$", "a{0}$b$"
    table = (
        (tmp_path / "small.csv")
        .read_text(encoding="utf-8")
        .replace("unit,year,value", f"{{0}},year,{column}")
        .replace("\na,", f"\n{unit},")
    )
    (tmp_path / "small.csv").write_text(table, encoding="utf-8")
    study = (
        STUDY.replace("unit: unit", "unit: '{0}'")
        .replace("cluster: unit", "cluster: '{0}'")
        .replace("outcome: value", f"outcome: '{column}'")
    )
    (tmp_path / "small.yaml").write_text(study.replace("{a: 2021}", f"{{'{unit}': 2021}}"), encoding="utf-8")
    code, told = ended(start(tmp_path, given=ROOT / "notebooks"))
    assert code == 0, told
    assert set(pd.read_csv(tmp_path / "out/small/latest/estimates.csv")["outcome"]) == {column}
    page = (tmp_path / "out/small/latest/report.vi.html").read_text(encoding="utf-8")
    assert all(text in page for text in (column, unit))
