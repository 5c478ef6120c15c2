"""A study's own words name other words and are no format program."""

import json

import pandas as pd
import pytest
from faults import ROOT, STUDY, ended, make, start
from in_process import command

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.own_files import own_file
from hgdx_eval.locale import LANGUAGES
from hgdx_eval.study.load import load_study, read_study, study_words
from hgdx_eval.study.own_words import words_told


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


def written(folder, text):
    make(folder)
    (folder / "w.yaml").write_text(text, encoding="utf-8")
    (folder / "small.yaml").write_text(STUDY + "words: w.yaml\n", encoding="utf-8")
    return folder / "small.yaml"


@pytest.mark.parametrize(("text", "says"), [
    ("question: What?\n", "w.yaml: question: is no language; allowed: vi: and en:"), ("vn:\n  title: x\n", "w.yaml: vn: is no language"),
    ("en:\n", "w.yaml: en: holds no sentence"), ("{}\n", "w.yaml: holds no sentence"), ("en: text\n", "w.yaml: en: holds no sentence"),
    ("en:\n  titel: x\n", "w.yaml: en: titel: no such sentence (did you mean 'title'?); allowed: comparison"),
    ("en:\n  title: 7\n", "w.yaml: en: title: found 7; allowed: text"),
])  # fmt: skip
def test_a_words_file_that_says_nothing_is_refused_in_one_line(tmp_path, text, says):
    file = written(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_study(file, {})
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_words_of_one_language_make_a_report_in_that_language_and_say_so(tmp_path):
    p = read_study(written(tmp_path, "en:\n  title: Mine\n  question:\n"), {})
    langs, lines = words_told(p, ["vi", "en"])
    assert langs == ["en"] and "w.yaml: has sentences under en: alone: the report is made in en" in lines
    assert lines[1].startswith("w.yaml: en: no sentence for question, kicker, outcome") and "title" not in lines[1]
    for asked in (["vi", "en"], ["vi"]):
        with pytest.raises(InputError, match="--lang .*has sentences under en: alone; allowed: --lang en, or add vi:"):
            words_told(p, asked, asked=True)
    assert words_told(p, ["en"], asked=True) == (["en"], lines[1:])
    with pytest.raises(InputError, match="add vi:"):
        load_study(tmp_path / "small.yaml", "vi")
    assert load_study(tmp_path / "small.yaml", "en")[1]("study.title") == "Mine"


def test_whole_words_and_none_are_told_nothing_about(tmp_path):
    make(tmp_path)
    assert words_told(read_study(tmp_path / "small.yaml", {}), list(LANGUAGES)) == (list(LANGUAGES), [])
    for file in own_file("params", "studies").glob("*.yaml"):
        assert words_told(read_study(file, {"data": str(tmp_path / "small.csv")}), list(LANGUAGES)) == (list(LANGUAGES), []), file.name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_check_of_a_study_says_what_its_words_lack(tmp_path, lang):
    file = written(tmp_path, "en:\n  title: Mine\n")
    done = command("check", file.name, "--lang", lang, cwd=tmp_path)
    says = {"en": ("under en: alone", "no sentence for question"), "vi": ("chỉ có câu chữ dưới en:", "chưa có câu cho question")}[lang]
    assert done.returncode == 0 and all(text in done.stdout for text in says)
    assert "hgdx-eval run small.yaml" in done.stdout and "small.csv" in done.stdout
    told = json.loads(command("check", file.name, "--json", cwd=tmp_path).stdout)
    assert told["languages"] == ["en"] and told["study"] == "small" and "question" in told["missing"]["en"]
    file.write_text(STUDY.replace("value", "valu"), encoding="utf-8")
    assert command("check", file.name, cwd=tmp_path).returncode == 2


@pytest.mark.long
def test_a_run_is_made_in_the_language_of_its_words(tmp_path):
    file = written(tmp_path, "en:\n  title: Mine\n")
    refused = command("run", file.name, "--lang", "vi,en", cwd=tmp_path)
    assert refused.returncode == 2 and "add vi:" in refused.stderr and not (tmp_path / "outputs").exists()
    done = command("run", file.name, cwd=tmp_path, env={"HGDX_NOTEBOOKS": str(tmp_path / "notebooks")})
    assert done.returncode == 0 and "the report is made in en" in done.stderr, done.stderr
    made = {path.name for path in (tmp_path / done.stdout.strip()).iterdir()}
    assert {"report.en.html", "report.en.xlsx"} <= made and "report.vi.html" not in made
