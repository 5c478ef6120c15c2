"""The seven tasks: what a user's file may hold, what is refused and where, how a status comes about, what readers see."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import command
from small_run import LEAN, small_notebooks

import hgdx_eval as hg
from hgdx_eval.base import periods
from hgdx_eval.base.errors import InputError
from hgdx_eval.base.origin import sha256_of
from hgdx_eval.design.design import study_design
from hgdx_eval.run.verify import verify_study
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.facts import load_facts
from hgdx_eval.vietnam.questions.payment import payment_of
from hgdx_eval.vietnam.questions.scorecard import COLUMNS, indicators, read_scorecard, scorecard, status_of
from hgdx_eval.vietnam.questions.user_csv import amount_of
from params import params_folder

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = params_folder() / "scorecard_template.csv"
FACTS = load_facts()
ROW = {"task": "4", "indicator": "paid", "name": "Thanh toán", "definition": "trên hồ sơ có phí", "unit": "percent", "better": "higher",
       "target": "30", "period": "2024-01", "value": "20", "source": "Báo cáo"}  # fmt: skip


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr(periods, "today", lambda: date(2026, 11, 26))


def written(folder, *rows, separator=","):
    """A file of rows that differ from ROW."""
    frame = pd.DataFrame([{**ROW, **row} for row in rows])
    path = folder / "cards.csv"
    frame.to_csv(path, index=False, sep=separator)
    return path


def read(folder, *rows):
    return read_scorecard(written(folder, *rows), FACTS)


def demo(**change):
    return hg.load_study("demo", "vi", {"dossiers": 20000, **change})[0]


def blocks(card, words):
    found = (hg.show_tasks, hg.show_definitions, hg.show_statuses, hg.show_rewritten, hg.show_context)
    return [block.html if (block := show(card, words)) else "" for show in found]


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_template_is_a_valid_file_with_every_task_and_no_figure_but_sourced_ones():
    items, _ = read_scorecard(TEMPLATE, FACTS)
    assert [item.task for item in items] == list(range(1, 8))
    assert {item.name: item.target for item in items if item.target is not None} == {"online_payment_rate": 0.3}
    assert {item.name: [v for _, v in item.values] for item in items if item.values} == {"community_teams": [600.0]}
    assert all(item.sources for item in items if item.values)
    assert {item.name: item.status for item in items}["online_payment_rate"] == "no_data"
    assert TEMPLATE.read_text(encoding="utf-8-sig").splitlines()[0].split(",") == list(COLUMNS)


def test_the_layout_is_documented_column_by_column():
    text = (ROOT / "docs" / "scorecard.md").read_text(encoding="utf-8")
    assert [column for column in COLUMNS if f"`{column}`" not in text] == []


def test_values_come_sorted_with_their_notes(tmp_path):
    (item,), notes = read(tmp_path, {"period": "2024-03", "value": "24%"}, {"target": "", "value": "12,5"})
    assert item.values == ((pd.Period("2024-01", "M"), 0.125), (pd.Period("2024-03", "M"), 0.24))
    assert item.target == 0.3 and item.status == "on_the_way"
    assert [(n.row, n.column, n.found, n.share) for n in notes] == [
        (2, "target", "30", 0.3), (2, "value", "24%", 0.24), (3, "value", "12,5", 0.125)]  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_separator_of_spreadsheets_is_read(tmp_path, separator):
    (item,), _ = read_scorecard(written(tmp_path, {"value": "12,5"}, separator=separator), FACTS)
    assert item.values[0][1] == 0.125


@pytest.mark.parametrize(("text", "unit", "value", "rewritten"), [
    ("30", "percent", 0.3, True), ("30%", "percent", 0.3, True), ("30 %", "share", 0.3, True), ("0.3", "share", 0.3, False),
    ("0,3", "share", 0.3, False), ("30", "share", 0.3, True), ("30%", "", 0.3, True), ("0.9%", "percent", 0.009, True),
    ("1", "share", 1.0, False), ("0", "percent", 0.0, False), ("54.825", "percent", 0.54825, True), ("1234", "count", 1234.0, False),
    ("1234,5", "VND", 1234.5, False),
])  # fmt: skip
def test_a_number_is_taken_as_meant(text, unit, value, rewritten):
    assert amount_of(text, unit, "x") == (pytest.approx(value), rewritten)


@pytest.mark.parametrize(("text", "unit", "says"), [
    ("0.9", "percent", "two ways"), ("1", "percent", "two ways"), ("1", "", "two ways"), ("0.9", "", "two ways"), ("30", "", "two ways"),
    ("1.5", "share", "above 1"), ("101%", "share", "above 100%"), ("1.234", "count", "two ways"), ("1.234.567", "VND", "two ways"),
    ("-0.1", "share", "negative"), ("\u22125", "count", "negative"), ("abc", "count", "not a number"), ("nan", "share", "not a number"),
    ("inf", "count", "not a number"), ("1e3", "count", "not a number"), ("30%", "count", "without %"), ("%", "share", "not a number"),
])  # fmt: skip
def test_a_number_that_could_be_another_is_refused(text, unit, says):
    with pytest.raises(InputError, match=says):
        amount_of(text, unit, "x")


@given(st.floats(0.0001, 1), st.sampled_from(["share", "percent", ""]))
def test_a_per_cent_sign_means_the_same_under_every_unit(share, unit):
    assert amount_of(f"{100 * share:.6f}%", unit, "x")[0] == pytest.approx(share, abs=1e-8)


@pytest.mark.parametrize(("rows", "says"), [
    ([{"task": "8"}], r"row 2: task: '8'; allowed: 1 to 7"), ([{"task": ""}], "row 2: task"), ([{"indicator": "Tỷ lệ"}], "row 2: indicator"),
    ([{"name": ""}], "row 2: name: empty"), ([{"definition": ""}], "row 2: definition: empty"), ([{"unit": "ratio"}], "row 2: unit: 'ratio'"),
    ([{"better": "more"}], "row 2: better: 'more'"), ([{"value": "many"}], "row 2: value: 'many' is not a number"),
    ([{"value": "-0.1%"}], "row 2: value: '-0.1%' is negative"), ([{"target": "1"}], "row 2: target: '1' with unit percent"),
    ([{"unit": "", "target": "0.9"}], "row 2: target: '0.9' without a unit"), ([{"period": "2027"}], "row 2: period: 2027 has not begun"),
    ([{"period": "2026-12-01"}], "row 2: period: 2026-12-01 has not begun"), ([{"value": "", "period": "2030"}], "2030 has not begun"),
    ([{"period": "2024-13"}], "row 2: period: '2024-13'"), ([{"period": "2024-02-30"}], "row 2: period"), ([{"period": ""}], "row 2: period: empty"),
    ([{"source": ""}], "row 2: source: empty"), ([{}, {}], "row 3: indicator 'paid', 2024-01: stands already in row 2"),
    ([{"value": "", "period": ""}] * 2, "row 3: indicator 'paid' stands already in row 2"),
    ([{}, {"period": "2024-02", "definition": "trên mọi hồ sơ"}], "row 3 and row 2: indicator 'paid': two definitions"),
    ([{}, {"period": "2024-02", "unit": "share", "value": "0.2"}], "row 3 and row 2: indicator 'paid': two entries in unit"),
    ([{}, {"period": "2024-02", "task": "3"}], "row 3 and row 2: .* two entries in task"),
    ([{}, {"period": "2024-02", "target": "40"}], "row 3: .* its target differs from that of row 2"),
    ([{}, {"period": "2023"}], "row 3: period: 2023, but row 2 has 2024-01"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_file_and_row_in_one_line(tmp_path, rows, says):
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, *rows)
    line = str(caught.value)
    assert line.startswith("cards.csv: row") and "\n" not in line and str(tmp_path) not in line
    assert "allowed" in line or "stands already" in line


@pytest.mark.parametrize(("content", "says"), [
    (b"", "is missing"), (b"task;indicator\n1;a\n", "column 'name' is missing"), (b"\xff\xfet\x00", "not UTF-8"),
    (",".join(COLUMNS).encode(), "no row below the header"), ((",".join(COLUMNS) + "\n1,2\n").encode(), "row 2: 2 cells"),
    ((",".join([*COLUMNS, "values"]) + "\n").encode(), "did you mean 'value'"), ((",".join([*COLUMNS, "task"]) + "\n").encode(), "stands twice"),
    ((",".join(COLUMNS) + '\n1,"a').encode(), "not a CSV"), (b"a" * 1_000_001, "allowed: 1000000"),
])  # fmt: skip
def test_what_is_no_such_table_is_refused(tmp_path, content, says):
    path = tmp_path / "cards.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_scorecard(path, FACTS)


def test_a_name_of_a_person_is_not_quoted(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, {"value": "Nguyễn Văn An 0912345678"})
    assert "Nguyễn" not in str(caught.value) and "0912" not in str(caught.value)


# --- status ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("values", "target", "better", "status"), [
    ([], 0.3, "higher", "no_data"), ([], None, "higher", "no_data"), ([0.2], None, "higher", "no_target"), ([0.3], 0.3, "higher", "reached"),
    ([0.4, 0.31], 0.3, "higher", "reached"), ([0.1, 0.2], 0.3, "higher", "on_the_way"), ([0.2, 0.1], 0.3, "higher", "away"),
    ([0.2], 0.3, "higher", "unclear"), ([0.2, 0.2], 0.3, "higher", "unclear"), ([9, 5], 3, "lower", "on_the_way"), ([5, 9], 3, "lower", "away"),
    ([5, 3], 3, "lower", "reached"), ([5, 0], 0, "lower", "reached"),
])  # fmt: skip
def test_the_rules_of_a_status(values, target, better, status):
    assert status_of(values, target, better) == status


def test_the_same_time_last_year_is_compared_where_it_is_known(tmp_path):
    rows = [{"period": p, "value": v} for p, v in (("2023-06", "5"), ("2024-01", "20"), ("2024-12", "25"), ("2025-01", "18"))]
    (item,), _ = read(tmp_path, *rows)
    assert item.status == "away"  # 18 is less than 20 a year before, though more than the first 5
    (item,), _ = read(tmp_path, rows[0], rows[3])
    assert item.status == "on_the_way"


# --- the study's own data, and what readers see ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def panel():
    return hg.load_panel(demo())


def test_the_online_share_of_the_data_feeds_task_3(panel):
    card = scorecard(panel, demo())
    own = {item.name: item for item in card.items if item.kind == "data" and item.task == 3}
    assert set(own) == {"online_share_data", "remote_share_data"}
    sums = panel.cells.groupby("period")[["received", "online", "remote"]].sum().iloc[-1]
    assert own["online_share_data"].values[-1][1] == pytest.approx(sums["online"] / sums["received"])
    assert own["remote_share_data"].values[-1][1] == pytest.approx(sums["remote"] / sums["received"])
    assert {item.status for item in own.values()} == {"no_target"}


def test_the_fee_details_feed_task_4_as_the_chapter_on_payment_does(panel):
    (item,) = [item for item in scorecard(panel, demo()).items if item.task == 4]
    rates = payment_of(panel, demo(), study_design(panel, demo())).series.set_index("period")["official"].dropna()
    assert (item.name, item.kind, item.target) == ("online_payment_rate", "data", 0.3)
    assert dict(item.values) == pytest.approx(rates.to_dict())
    assert item.status == ("reached" if rates.iloc[-1] >= 0.3 else "on_the_way")
    for lang in ("vi", "en"):
        assert (
            Words(lang, domain="vietnam").percent(rates.iloc[-1])
            in hg.show_tasks(scorecard(panel, demo()), Words(lang, domain="vietnam")).html
        )


def test_without_a_file_all_tasks_are_there_with_the_known_target_and_no_data(panel):
    unpaid = panel.cells.drop(columns=["paid_online", "channel_told"])
    card = scorecard(replace(panel, cells=unpaid), demo())
    for lang, nothing, least in (("vi", "Không có số liệu", "ít nhất 30%"), ("en", "No data given", "at least 30%")):
        html = hg.show_tasks(card, Words(lang, domain="vietnam")).html
        assert [int(n) for n in re.findall(r"<b>(\d)\. ", html)] == list(range(1, 8))
        assert html.count(nothing) >= 5 and least in html and "600" in html
        assert hg.show_tasks(scorecard(panel, demo()), Words(lang, domain="vietnam")).html.count(nothing) == 4


def test_a_small_month_is_not_told(panel):
    few = panel.cells.assign(online=np.where(panel.cells["period"] == "2024-05", 0, panel.cells["online"]))
    few.loc[few.index[few["period"] == "2024-05"][0], "online"] = 1
    own = next(i for i in scorecard(replace(panel, cells=few), demo(min_count=5)).items if i.name == "online_share_data")
    assert pd.Period("2024-05", "M") not in dict(own.values)


@pytest.mark.parametrize("given", [False, True])
def test_both_languages_show_the_same_numbers(panel, tmp_path, given):
    rows = [{"period": p, "value": v} for p, v in (("2023-06", "5"), ("2024-01", "20"), ("2024-12", "25"), ("2025-01", "18"))]
    p = demo(**({"scorecard": str(written(tmp_path, *rows))} if given else {}))
    card = scorecard(panel, p)

    def numbers(lang):
        text = [
            re.sub(r'<a [^>]*data:[^>]*>|aria-label="[^"]*"|\(SHA-256 \w+\)', "", html)
            for html in blocks(card, Words(lang, domain="vietnam"))
        ]
        return [sorted(re.findall(r"\d+(?:[.,]\d+)*%", html.replace(",", ".") if lang == "vi" else html)) for html in text]

    assert numbers("vi") == numbers("en") and any(numbers("vi"))


def test_simulated_data_are_said_in_the_table_at_every_own_figure_and_in_every_drawing(panel):
    card = scorecard(panel, demo())
    for lang, said in (("vi", "Số liệu mô phỏng"), ("en", "Simulated data")):
        html, details = (show(card, Words(lang, domain="vietnam")).html for show in (hg.show_tasks, hg.show_definitions))
        assert said in re.search(r"<caption>.*?</caption>", html)[0]
        drawings = re.findall(r"<svg[^>]*>", html)
        assert len(drawings) == 3 and all(said.lower() in drawing.lower() for drawing in drawings)
        assert html.lower().count(f"<small>{said.lower()}</small>") == 3 and details.count(said) == 3
    assert indicators(card)[0].table["simulated"].all()


def test_a_status_is_a_sign_and_a_word_and_heads_have_a_scope(panel):
    html = hg.show_tasks(scorecard(panel, demo()), Words("vi", domain="vietnam")).html
    assert "<th>" not in html and html.count('scope="rowgroup"') == 7 and html.count('scope="col"') == 3
    assert all(len(cell.split(" ", 1)) == 2 for cell in re.findall(r'<td class="(?:ok|pt|no|na)">([^<]+)', html))


def test_text_of_the_file_cannot_smuggle_anything_in(panel, tmp_path):
    card = scorecard(panel, demo(scorecard=str(written(tmp_path, {"name": "<script>x</script>", "source": "<img src=x>"}))))
    assert all("<script" not in html and "<img" not in html for html in blocks(card, Words("vi", domain="vietnam")))


def test_an_indicator_of_the_file_takes_the_place_of_the_facts_and_keeps_their_target(panel, tmp_path):
    card = scorecard(panel, demo(scorecard=str(written(tmp_path, {"indicator": "online_payment_rate", "target": ""}))))
    (item,) = [i for i in card.items if i.task == 4]
    assert item.kind == "file" and item.target == 0.3 and item.status == "unclear"
    other = scorecard(panel, demo(scorecard=str(written(tmp_path, {"indicator": "online_payment_rate", "target": "45"}))))
    assert "bài báo về bảy nhiệm vụ nêu 30%" in hg.show_definitions(other, Words("vi", domain="vietnam")).html


def test_another_place_shows_no_scorecard_unless_it_brings_one(panel, tmp_path):
    assert scorecard(panel, demo(place="Cần Thơ")) is None
    assert scorecard(panel, demo(place="hau giang")) is not None
    assert blocks(None, Words("vi", domain="vietnam")) == [""] * 5 and indicators(None) == []
    assert scorecard(panel, demo(place="Cần Thơ", scorecard=str(written(tmp_path, {})))) is not None


def test_published_figures_carry_a_source_or_say_that_they_have_none(panel):
    html = hg.show_context(scorecard(panel, demo()), Words("vi", domain="vietnam")).html
    for figure in FACTS.published:
        assert figure.verified == bool(figure.link) and figure.definition_vi and figure.definition_en
    unverified = sum(not f.verified for f in FACTS.published) + len(FACTS.tasks.figures)
    assert html.count("? Chưa đối chiếu") == unverified and "Lâm Đồng" in html and "trên 20%" in html


# --- the notebook and the run ----------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_notebook_alone_under_plain_papermill(tmp_path):
    change = f"dossiers=20000; scorecard={TEMPLATE}"
    done = subprocess.run([sys.executable, "-m", "papermill", str(ROOT / "notebooks" / "scorecard.ipynb"), str(tmp_path / "out.ipynb"),
                           "-p", "study", "demo", "-p", "lang", "en", "-p", "change", change],
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": LEAN})  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
    assert "Share of IT projects on schedule" in json.dumps(cells, ensure_ascii=False)


@pytest.mark.long
def test_a_run_prints_the_file_as_an_input_and_a_bad_one_ends_before_it_begins(tmp_path):
    env = {"HGDX_NOTEBOOKS": str(small_notebooks(tmp_path / "nb", ("scorecard",))), "XDG_STATE_HOME": str(tmp_path / "state")}
    run = partial(command, cwd=tmp_path, env=env)

    path = written(tmp_path, {"value": "2.5", "period": "2024-01"})
    (tmp_path / "d.csv").write_text("u,y,v\n" + "".join(f"{u},{y},{y % 7 + (u == 'a' and y > 2020)}\n" for u in "abcdef"
                                                        for y in range(2015, 2025)), encoding="utf-8")  # fmt: skip
    (tmp_path / "s.yaml").write_text("study: s\ndata: d.csv\nscorecard: cards.csv\nunit: u\nperiod: y\nfrequency: Y\noutcome: v\n"
                                     "cluster: u\ntreated_from: {a: 2021}\nestimator: two_way_fixed_effects\n", encoding="utf-8")  # fmt: skip
    call = ("run", "s.yaml", "--out", "out")
    done = run(*call)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / done.stdout.strip().splitlines()[-1]
    receipt = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
    assert {i["file"]: i["sha256"] for i in receipt["inputs"]}["cards.csv"] == sha256_of(path) and receipt["study"][
        "scorecard"
    ] == "cards.csv"
    rows = pd.read_csv(folder / "estimates.csv", keep_default_na=False)
    rows = rows[rows["term"] == "indicator"].set_index("group")
    assert float(rows.loc["paid", "estimate"]) == 0.025 and rows.loc["paid", "parameter"] == "4/unclear"
    for lang, text in (("vi", "2,5%"), ("en", "2.5%")):
        assert text in (folder / f"report.{lang}.html").read_text(encoding="utf-8")
    assert "nothing to do" in run(*call).stderr
    assert verify_study(folder, receipt, {"data": str(path), "scorecard": str(path)})["scorecard"] == str(path)
    with pytest.raises(InputError, match=r"its scorecard file 'cards.csv' is not found; give it as -p scorecard=PATH"):
        verify_study(folder, receipt, {"data": str(path)})
    written(tmp_path, {"task": "9"})
    bad = run(*call)
    assert bad.returncode == 2 and bad.stderr.strip().splitlines()[-1].endswith("cards.csv: row 2: task: '9'; allowed: 1 to 7")
