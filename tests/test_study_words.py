"""A study's own words name other words and are no format program."""

import pytest
from faults import make

from hgdx_eval.errors import InputError
from hgdx_eval.params import read_study, study_words


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
