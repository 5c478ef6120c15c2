"""The tutorial, from an empty folder: made by `init`, executed cell by cell, its numbers as published."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from in_process import command
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
PUBLISHED = yaml.safe_load((ROOT / "tests" / "reference" / "two_way_fixed_effects.yaml").read_text(encoding="utf-8"))["organ_donation"][
    "values"
]
FILE = ROOT / "tutorial" / "tutorial.ipynb"


def test_the_tutorial_is_committed_without_outputs_in_short_cells_and_both_languages():
    cells = nbformat.read(FILE, 4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(cell.source.count("\n") < 12 and "def " not in cell.source for cell in code)
    spoken = [cell.metadata.tags[0] for cell in cells if cell.cell_type == "markdown"]
    assert spoken == ["vi", "en"] * (len(spoken) // 2)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_working_folder_has_the_tutorial_in_its_language(tmp_path, lang):
    assert command("init", "work", "--lang", lang, cwd=tmp_path).returncode == 0
    notebook = nbformat.read(tmp_path / "work" / "tutorial.ipynb", 4)
    assert not any({"vi": "en", "en": "vi"}[lang] in cell.metadata.get("tags", []) for cell in notebook.cells)


CHECKED = """
main = estimate.overall()
print("told:", repr(float(main["estimate"])), repr(float(main["std_error"])), result.verdict, len(frame))
"""


@pytest.mark.long  # in English; the site's build executes both (docs/site/tutorial_pages.py)
def test_the_tutorial_runs_from_an_empty_folder_and_finds_what_was_published(tmp_path, monkeypatch, shared_reference):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    assert command("init", "work", "--lang", "en", cwd=tmp_path).returncode == 0
    work = tmp_path / "work"
    shutil.copy(shared_reference / "organ_donations.csv", work / "data")
    notebook = nbformat.read(work / "tutorial.ipynb", 4)
    notebook.cells.append(nbformat.v4.new_code_cell(CHECKED))
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(work)}}).execute()
    said = "".join(output.get("text", "") for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    estimate, error, verdict, rows = re.search(r"^told: (\S+) (\S+) (\d) (\d+)$", said, re.M).groups()
    for found, told in ((estimate, PUBLISHED["estimate"]), (error, PUBLISHED["std_error"])):
        assert float(found) == pytest.approx(told["expected"], abs=told["tolerance"])
    assert (verdict, rows) == ("3", "162")
    assert (work / "params" / "studies" / "mine.yaml").is_file() and "162" in said
    assert (work / "outputs" / "table.docx").stat().st_size > 10_000 and (work / "outputs" / "placebos.png").stat().st_size > 10_000
    assert "error" not in {output.output_type for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs}
    report = work / "outputs" / "organ_donation" / "latest" / "report.en.html"
    assert "4 of the other 26 states moved more" in report.read_text(encoding="utf-8")
