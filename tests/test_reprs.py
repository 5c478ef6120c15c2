"""What records say of themselves: one line each, the same in every run, and nothing of few or of anybody."""

import json
from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table
from small_run import small_notebooks

import hgdx_eval as hg
from hgdx_eval import cli
from hgdx_eval.base.memo import key_of
from hgdx_eval.base.origin import Origin
from hgdx_eval.base.telling import LONGEST_REPR
from hgdx_eval.panel.panel import NAMES, NOTES, Panel
from hgdx_eval.study.load import study_words

STUDY = """study: mine
data: "{data}"
unit: unit
period: year
frequency: Y
outcome: "{outcome}"
treated_from: {{a: 2021}}
cluster: unit
estimator: two_way_fixed_effects
"""
SHOWN = "display(p, words, panel, design, hg.evaluate(design, p), hg.show_parameters(p, words), hg.plot_shares(design, words, p.min_count))"


def tidy(folder, data="data.csv", outcome="value"):
    rows = [f"{u},{y},{i + (y - 2015) * 0.1 + (u == 'a' and y >= 2021) * 2 + (i * y) % 3 / 50}" for i, u in enumerate("abcdefgh")
            for y in range(2015, 2025)]  # fmt: skip
    (folder / data).write_text(f"unit,year,{outcome}\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "mine.yaml").write_text(STUDY.format(data=data, outcome=outcome), encoding="utf-8")
    return folder / "mine.yaml"


def records(file):
    p, words = hg.load_study(file, "en")
    panel = hg.load_panel(p)
    design = hg.study_design(panel, p)
    found = hg.evaluate(design, p)
    return (
        p,
        words,
        panel,
        design,
        found.main,
        found,
        hg.show_answer(found, panel, p, words),
        hg.plot_event(found.main, words),
        hg.robust(found, p),
    )


def test_each_record_is_one_line_that_says_what_it_is(tmp_path):
    p, words, panel, design, main, found, block, figure, parts = map(repr, records(tidy(tmp_path)))
    assert p == "Study(mine: data.csv; value by unit and year; two_way_fixed_effects; 9 keys set)"
    assert words == "Words(en; mine)"
    assert panel == "Panel(data.csv: 8 units x 10 years, 2015 to 2024; 80 cells)"
    assert (
        design
        == "Design(mine: effect on value, its own unit; 1 treated and 7 comparison units in 8 clusters; 10 years, 2015 to 2024; policy from 2021)"
    )
    assert main.startswith("Estimate(mine: two_way_fixed_effects; overall 2") and "rows of overall, event" in main
    assert found.startswith("Evaluation(mine: two_way_fixed_effects; overall 2") and "verdict " in found and "checks: " in found
    assert block.startswith("Block(") and block.endswith(" letters of HTML)")
    assert figure.startswith("Figure(event: ") and parts.startswith("Robustness(gate")


def test_reprs_are_short_and_the_same_in_every_run(tmp_path):
    first, again = ([repr(one) for one in records(tidy(tmp_path))] for _ in range(2))
    assert first == again
    assert all(len(one) <= LONGEST_REPR + 20 and "\n" not in one and " at 0x" not in one for one in first)


def test_of_dossiers_a_panel_tells_about_how_many(tmp_path):
    """One cell or unit more may be one dossier; and no count of dossiers is told."""
    cells = pd.DataFrame({"agency": ["a", "b", "c"] * 8, "procedure": "x", "period": pd.PeriodIndex(np.repeat(pd.period_range("2024-01", periods=8, freq="M"), 3)),
                          "received": 7777, "online": 3333})  # fmt: skip
    panel = Panel(cells, Origin("hồ sơ Nguyễn Văn A.csv", "0" * 64, 24, "opencps_dossiers", True), pd.DataFrame(columns=NOTES), pd.DataFrame(columns=NOTES),
                  7777 * 24, names_matched=pd.DataFrame(columns=NAMES))  # fmt: skip
    assert repr(panel) == "Panel(….csv: fewer than 20 units x 8 months, 2024-01 to 2024-08; at least 20 cells; simulated)"
    assert repr(replace(panel, cells=cells.iloc[:-1])) == repr(panel)


def test_of_dossiers_a_design_and_its_estimates_tell_no_count():
    table = made_up_table(1)
    design = design_of(table.assign(denominator=4 * table["denominator"] + 70_000, numerator=table["numerator"] + 60_000))
    told = " ".join(
        map(
            repr,
            (design, hg.estimate(design, "two_way_fixed_effects"), hg.extra_cases(design, hg.estimate(design, "two_way_fixed_effects"))),
        )
    )
    assert not any(number in told for number in (f"{design.table['denominator'].sum():.0f}", f"{len(design.table)}"))
    assert (
        repr(hg.extra_cases(design, hg.estimate(design, "two_way_fixed_effects")))
        == "Estimate(made_up: two_way_fixed_effects; specification; rows of specification)"
    )


def test_what_looks_like_somebodys_is_told_by_its_shape(tmp_path):
    p, words = hg.load_study(tidy(tmp_path, "nguyen_van_a.csv", "trần thị b"), "en")
    assert repr(p) == str(p) == "Study(mine: ….csv; (text of 10 characters) by unit and year; two_way_fixed_effects; 9 keys set)"
    assert str(tmp_path) not in repr(p)


def test_a_memory_of_a_run_still_tells_studies_apart_that_say_the_same_of_themselves(tmp_path):
    file = tidy(tmp_path)
    one, other = (hg.load_study(file, "en", {"seed": seed, "smallest_effect": 1.0})[0] for seed in (1, 2))
    assert repr(one) == repr(other) and key_of(one) != key_of(other)
    assert key_of((one,)) != key_of((other,)) and key_of({"p": one}) != key_of({"p": other})
    assert key_of([study_words(one, "vi")]) != key_of([study_words(one, "en")])


def test_executed_notebooks_store_no_page_as_plain_text(tmp_path, monkeypatch):
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(small_notebooks(tmp_path / "notebooks", ("data_quality",), SHOWN)))
    with pytest.raises(SystemExit) as leave:
        cli.main(["run", str(tidy(tmp_path)), "--lang", "vi", "--out", str(tmp_path / "out")])
    assert leave.value.code == 0
    stored = []
    for file in (tmp_path / "out/mine/latest/notebooks").glob("*.ipynb"):
        for cell in nbformat.read(file, 4).cells:
            stored += [output.data.get("text/plain", "") for output in cell.get("outputs", []) if "data" in output]
    assert len(stored) > 20 and any(one.startswith("Evaluation(") for one in stored)
    assert max(map(len, stored)) <= 300
    assert "<table" not in json.dumps(stored)
