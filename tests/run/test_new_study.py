"""A study begun from a data file: what is found is what the panel is, what cannot be told is marked, nothing is overwritten."""

import json
import re

import pandas as pd
import pytest
import yaml
from foreign import PANELS, write_study
from in_process import command

import hgdx_eval as hg
from hgdx_eval.run.new_study import DECIDE


def begun(folder, file, *words):
    done = command("new", file, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip().splitlines()[-1], done


def designed(path):
    p, _ = hg.load_study(str(path), "en")
    return p, hg.study_design(hg.load_panel(p), p)


@pytest.mark.parametrize("name", [name for name in PANELS if name not in ("daily", "weekly")])
def test_what_is_begun_is_the_study_of_the_panel_or_says_what_to_decide(tmp_path, name):
    own = write_study(tmp_path, name)
    path, done = begun(tmp_path, f"{name}.csv", "--study", "mine")
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = yaml.safe_load(own.read_text(encoding="utf-8"))
    assert (value["unit"], value["period"], value["frequency"]) == (known["unit"], known["period"], known["frequency"])
    marked = [line.partition(":")[0] for line in path.read_text(encoding="utf-8").splitlines() if f"# {DECIDE}" in line]
    told = done.stderr.splitlines()[-1]
    assert all(key in told for key in marked) and (marked or "to decide: nothing" in told)
    if not marked:
        (p, design), (_, theirs) = designed(path), designed(own)
        assert design.treated_units == theirs.treated_units and design.starts == theirs.starts
        assert p.estimator in p.estimators and p.estimators


def test_a_table_without_treatment_leaves_that_to_its_author(tmp_path):
    rows = [(f"U{u}", year, u + year / 10) for u in range(6) for year in range(2010, 2020)]
    pd.DataFrame(rows, columns=["place", "year", "rate"]).to_csv(tmp_path / "panel.csv", index=False)
    path, done = begun(tmp_path, "panel.csv", "--json")
    told = json.loads(done.stdout.splitlines()[0])
    assert told["undecided"] == ["treated_from"] and told["study"]["outcome"] == "rate"
    run = command("run", path.name, cwd=tmp_path)
    assert run.returncode == 2 and "treated_from" in run.stderr


def test_several_columns_of_numbers_are_told_and_one_is_to_be_chosen(tmp_path):
    rows = [(f"U{u}", year, u, 2 * u, 2015 if u < 3 else "") for u in range(6) for year in range(2010, 2020)]
    pd.DataFrame(rows, columns=["place", "year", "jobs", "wages", "start"]).to_csv(tmp_path / "panel.csv", index=False)
    path, done = begun(tmp_path, "panel.csv")
    (line,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("outcome:")]
    assert DECIDE in line and "jobs" in line and "wages" in line and "to decide: outcome" in done.stderr


def test_one_series_and_its_switch_are_a_study_of_one_series(tmp_path):
    rows = [("Alpha", f"{2000 + i // 4}Q{i % 4 + 1}", 10 + i % 4 + 3 * (i >= 24), int(i >= 24)) for i in range(40)]
    pd.DataFrame(rows, columns=["town", "quarter", "trips", "lane"]).to_csv(tmp_path / "one.csv", index=False)
    path, done = begun(tmp_path, "one.csv")
    assert "to decide: nothing" in done.stderr and designed(path)[0].estimator == "interrupted_time_series"
    assert f"hgdx-eval run {path.name}" in path.read_text(encoding="utf-8")


def test_what_cannot_change_is_no_outcome_and_a_second_switch_is_told(tmp_path):
    rows = [(u, year, 50 * u, u + year % 7, int(u < 3 and year >= 2014), int(u < 3 and year >= 2016), 7) for u in range(6)
            for year in range(2010, 2020)]  # fmt: skip
    pd.DataFrame(rows, columns=["id", "year", "area", "jobs", "law", "fine", "fips"]).to_csv(tmp_path / "p.csv", index=False)
    path, done = begun(tmp_path, "p.csv")
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (value["unit"], value["outcome"], value["treated"]) == ("id", "jobs", "law")
    assert done.stderr.splitlines()[-1].startswith("to decide: treated;") and "it may also be: fine" in done.stderr


def test_an_export_of_dossiers_begins_as_the_domains_own_study(tmp_path):
    assert command("simulate", "list.csv", "--dossiers", "2000", cwd=tmp_path).returncode == 0
    path, done = begun(tmp_path, "list.csv", "--study", "fees")
    p, words = hg.load_study(str(path), "vi")
    assert p.layout == "opencps_dossiers" and p.policy and p.words.endswith("fees.words.yaml")
    assert {"policy", "place", "window"} <= set(re.findall(r"\w+", done.stderr.splitlines()[-1]))


def test_words_of_both_languages_can_be_adapted(tmp_path):
    own = write_study(tmp_path, "staggered_yearly")
    path, _ = begun(tmp_path, own.with_suffix(".csv").name, "--study", "mine")
    made = yaml.safe_load((tmp_path / "mine.words.yaml").read_text(encoding="utf-8"))
    assert set(made) == {"vi", "en"} and set(made["vi"]) == set(made["en"])
    changed = (tmp_path / "mine.words.yaml").read_text(encoding="utf-8").replace("treated group", "early towns")
    (tmp_path / "mine.words.yaml").write_text(changed, encoding="utf-8")
    assert hg.load_study(str(path), "en")[1]("study.treated") == "early towns"


@pytest.mark.parametrize("there", ["mine.yaml", "mine.words.yaml"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / "panel.csv").write_text("unit,year,value\na,2010,1\na,2011,2\nb,2010,1\nb,2011,2\n", encoding="utf-8")
    (tmp_path / there).write_text("mine", encoding="utf-8")
    done = command("new", "panel.csv", "--study", "mine", cwd=tmp_path)
    assert done.returncode == 2 and there in done.stderr and (tmp_path / there).read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["panel.csv", there])


@pytest.mark.parametrize(("words", "says"), [(["--study", "Mine!"], "a-z, 0-9"), (["--out", "nowhere"], "no such folder")])
def test_what_cannot_be_is_refused_in_one_line(tmp_path, words, says):
    (tmp_path / "panel.csv").write_text("unit,year,value\na,2010,1\nb,2010,2\n", encoding="utf-8")
    done = command("new", "panel.csv", *words, cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["panel.csv"]


def test_a_file_that_cannot_be_read_begins_nothing(tmp_path):
    (tmp_path / "panel.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (tmp_path / "folder").mkdir()
    for name in ("panel.xlsx", "folder", "nothing.csv"):
        done = command("new", name, cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, (name, done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "panel.xlsx"]
