"""The committed studies on the real data they are made for, and plain papermill on the notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from small_run import LEAN

from hgdx_eval.design.design import study_design
from hgdx_eval.design.placebos import rebuilt
from hgdx_eval.estimators.two_way_fixed_effects import fit
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.verdict import UNCLEAR
from hgdx_eval.panel.load import load_panel
from hgdx_eval.report.answer import headline
from hgdx_eval.study.load import load_study, parse_change, read_study, study_file

ROOT = Path(__file__).parent.parent.parent


def evaluated(name, **change):
    p = read_study(study_file(name), parse_change(change))
    return evaluate(study_design(load_panel(p), p), p)


def test_papi_with_every_complete_province_kept(shared_data):
    data = str(shared_data / "papi" / "papi_egov_2018_2024.csv")
    found = evaluated("papi_2019_2024", data=data, other_adopters="keep")
    assert found.rank == (49, 57)
    placebos = found.placebo_space.table
    assert ((placebos["estimate"] / placebos["std_error"]).abs() > 2).sum() == 46  # Hậu Giang left out of the pool
    assert pretenders_with_the_treated_kept(found.design) == 47  # false alarms of the clustered error, as first counted
    assert found.headline == "placebo" and found.verdict == UNCLEAR


def pretenders_with_the_treated_kept(design):
    table, start, count = design.table, float(design.start.ordinal), 0
    for unit in design.comparison_units:
        pretended = table.assign(treated_from=np.where(table["unit"] == unit, start, np.nan))
        row = fit(rebuilt(design, pretended, design.start)).overall()
        count += abs(row["estimate"] / row["std_error"]) > 2
    return count


def test_papi_is_a_difference_and_says_how_many_provinces_are_unknown(shared_data):
    data = str(shared_data / "papi" / "papi_egov_2018_2024.csv")
    found = evaluated("papi_2019_2024", data=data)
    assert found.design.estimand == "difference"
    assert found.design.unknown_units == len(found.design.comparison_units) > 20
    said = headline(found, load_study("papi_2019_2024", "vi", {"data": data})[1])
    assert "không phải tác động" in said and f"{found.rank[0] - 1} trong {found.rank[1] - 1} tỉnh còn lại có chênh lệch lớn hơn" in said


def test_organ_donation_rests_on_its_rank(shared_reference):
    found = evaluated("organ_donation", data=str(shared_reference / "organ_donations.csv"))
    assert found.rank == (5, 27)
    assert found.headline == "placebo" and found.verdict == UNCLEAR
    placebo = found.main.overall("placebo")
    assert placebo["p_value"] == pytest.approx(5 / 27)


@pytest.mark.long
@pytest.mark.parametrize("name", ["effect", "comparison", "data_quality"])
def test_notebooks_run_under_plain_papermill(tmp_path, name):
    (tmp_path / "d.csv").write_text("u,y,v\n" + "".join(f"{u},{y},{y % 7 + (u == 'a' and y > 2020)}\n" for u in "abcdef"
                                                        for y in range(2015, 2025)), encoding="utf-8")  # fmt: skip
    (tmp_path / "s.yaml").write_text("study: s\ndata: d.csv\nunit: u\nperiod: y\nfrequency: Y\noutcome: v\ncluster: u\n"
                                     "treated_from: {a: 2021}\nestimator: two_way_fixed_effects\n", encoding="utf-8")  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "papermill", str(ROOT / "notebooks" / f"{name}.ipynb"), str(tmp_path / "out.ipynb"),
                           "-p", "study", str(tmp_path / "s.yaml"), "-p", "lang", "en", "-p", "change", "min_count=3"],
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": LEAN})  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
