"""Another country, another policy: a study that names no policy, place or domain carries nothing of any domain."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from foreign import PANELS, write_study
from in_process import command
from small_run import LEAN

from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.run.notebook_files import EVERYWHERE
from hgdx_eval.study.domains import domain_of
from hgdx_eval.study.load import load_study
from hgdx_eval.study.words import texts

ROOT = Path(__file__).parent.parent
DOMAIN = {
    "en": r"dossiers?\b|\bfees?\b|\bportals?\b|\bagenc(?:y|ies)\b|\bcommunes?\b|\bresolutions?\b|\bdecrees?\b|\bprovinces?\b|\bdistricts?\b|\bministr"
          r"|\bonline\b|\bprocedures?\b|state (?:agency|document)|hau giang|vietnam|\btết\b",
    "vi": r"hồ sơ|\bphí\b|cơ quan|thủ tục|\btỉnh\b|\bxã\b|\bhuyện\b|cổng dịch vụ|nghị quyết|trực tuyến|\btết\b|văn bản|hậu giang|một cửa|công dân|người dân"
          r"|nhà nước|\bsở ngành\b",
}  # fmt: skip


def run(folder, study):
    """A run with an empty folder of parameters; standard output's last line is the run's folder."""
    (folder / "params").mkdir(exist_ok=True)
    done = command("run", study.name, "--out", "out", cwd=folder, env={"HGDX_PARAMS": str(folder / "params")})
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


def seen(page):
    """What a page shows or says: text, and the attributes that are read out or downloaded; the cells of a workbook."""
    if page.suffix == ".xlsx":
        return " ".join(str(cell.value) for sheet in openpyxl.load_workbook(page) for row in sheet.iter_rows() for cell in row)
    text = re.sub(r"<(style|script).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
    names = " ".join(re.findall(r'(?:alt|title|aria-label|download)="([^"]*)"', text))
    return html.unescape(re.sub(r"<[^>]+>", " ", text) + " " + names)


def check_no_word(made):
    """No page of a run speaks of a domain."""
    for lang, words in DOMAIN.items():
        pages = [made / f"report.{lang}.html", made / f"brief.{lang}.html", *(made / "notebooks").glob(f"*.{lang}.html")]
        for page in [*pages, made / f"report.{lang}.xlsx"]:
            found = [text[max(0, hit.start() - 40) : hit.end() + 20] for text in [seen(page)] for hit in re.finditer(words, text, re.I)]
            assert not found, (page.name, found[:3])


@pytest.mark.long
@pytest.mark.parametrize("name", PANELS)
def test_a_foreign_study_has_no_word_chapter_or_minute_of_a_domain(tmp_path, name):
    """A yearly study of one unit more is in test_cli, at every run of the tests."""
    made = run(tmp_path, write_study(tmp_path, name))
    check_no_word(made)
    if name in ("weekly", "daily"):
        check_no_raw_period(made)
    assert {file.name.split(".")[0] for file in (made / "notebooks").glob("*.ipynb")} == EVERYWHERE
    receipt = json.loads((made / "receipt.json").read_text(encoding="utf-8"))
    assert receipt["facts"] == {}


def check_no_raw_period(made):
    """Readers see weeks and days in words, tables have one form of them, and nothing has a week as two dates."""
    for file in made.rglob("*.*"):
        text = "" if file.suffix == ".png" else seen(file) if file.suffix == ".xlsx" else file.read_text(encoding="utf-8")
        assert not re.search(r"\d{4}-\d\d-\d\d(?:/|%2F)\d{4}-\d\d", text), file.name
    for page in made.glob("*.html"):
        assert not re.search(r"\b\d{4}-(?:W\d\d|\d\d-\d\d)\b", seen(page)), page.name
    periods = pd.read_csv(made / "estimates.csv", dtype=str, keep_default_na=False).query("term == 'placebo_time'")["period"]
    assert len(periods) and periods.str.fullmatch(r"\d{4}-W\d\d|\d{4}-\d\d-\d\d").all()


@pytest.mark.parametrize("lang", DOMAIN)
def test_the_words_that_are_looked_for_are_those_of_the_domain(lang):
    """What is searched for above is there to be found: in nearly every text that the domain says otherwise than the engine."""
    general, own = texts(lang), texts(lang, "vietnam")
    other = [own[key] for key in own if key in general and own[key] != general[key]]
    assert sum(re.search(DOMAIN[lang], text, re.I) is not None for text in other) > 0.8 * len(other) > 20


@pytest.mark.long
def test_a_monthly_study_is_the_same_without_any_package_of_holidays(tmp_path):
    """Working days and Tết are regressors of the domain's studies alone: here a series of 36 months of another country."""
    study = write_study(tmp_path, "two_clusters_monthly")
    code = "import sys\nsys.modules['holidays'] = None\nsys.path.insert(0, sys.argv[1])\nimport test_foreign\nprint(test_foreign.series(sys.argv[2]))"
    words = [sys.executable, "-c", code, str(ROOT / "tests"), str(study)]
    told = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": LEAN}).stdout
    assert told.strip() == series(study) and told.endswith(" []\n")


def series(study):
    """What the methods of a single series say, to the last digit, and the calendar that they had."""
    p, _ = load_study(study, "en")
    design = study_design(load_panel(p), p)
    tables = [estimate(design, name).table.to_json(double_precision=15) for name in ("interrupted_time_series", "structural_time_series")]
    return f"{tables} {list(design.calendar)}"


def test_a_study_of_the_domain_still_has_its_calendar():
    p, _ = load_study("demo")
    months = pd.Index(pd.period_range("2023-01", "2023-12", freq="M").asi8)
    calendar = domain_of(p).calendar("M", months)
    assert list(calendar) == ["working_days", "tet"] and calendar["tet"].sum() == pytest.approx(1.0)
    assert domain_of(p).calendar("Y", months).empty
