"""At the bench: what there is, the schema of a study, and estimates, charts and tables out of the kit with one call."""

import json
import os
import re
import shutil
import subprocess
from xml.etree import ElementTree

import docx
import in_process
import jsonschema
import openpyxl
import pandas as pd
import pytest
import yaml
from foreign import write_study
from PIL import Image
from test_charts import demo_words
from test_charts import design as demo_design

import hgdx_eval as hg
from hgdx_eval.base.errors import InputError
from hgdx_eval.base.own_files import own_file
from hgdx_eval.report.blocks import Block
from hgdx_eval.report.tables import Table
from hgdx_eval.study.vocabulary import estimator_names


def command(*words):
    return in_process.command(*words, cwd=os.getcwd())


@pytest.fixture(scope="module")
def found():
    return hg.estimate(demo_design(), "two_way_fixed_effects")


def test_the_bare_command_prints_its_help_and_is_no_error():
    done = command()
    assert done.returncode == 0 and "Commands:" in done.stdout and "run " in done.stdout


def test_list_says_studies_layouts_methods_and_runs(tmp_path):
    done = command("list", "--out", str(tmp_path), "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and {row["name"] for row in told["studies"]} >= {"demo", "organ_donation"}
    assert [row["name"] for row in told["methods"]] == estimator_names() and told["runs"] == []
    assert "opencps_dossiers" in {row["name"] for row in told["layouts"]}
    assert "runs:\n  none" in command("list", "--out", str(tmp_path)).stdout


def test_a_study_that_cannot_be_read_is_listed_with_what_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "broken.yaml").write_text("study: broken\n", encoding="utf-8")
    monkeypatch.setenv("HGDX_PARAMS", str(tmp_path))
    (row,) = json.loads(command("list", "--json").stdout)["studies"]
    assert row["name"] == "broken" and "broken.yaml" in row["wrong"]


def test_the_schema_accepts_every_study_of_ours_and_refuses_a_wrong_key(tmp_path):
    done = command("schema", "-o", str(tmp_path / "study.schema.json"))
    made = json.loads((tmp_path / "study.schema.json").read_text(encoding="utf-8"))
    assert done.returncode == 0 and json.loads(command("schema").stdout) == made
    jsonschema.Draft202012Validator.check_schema(made)
    check = jsonschema.Draft202012Validator(made)
    for file in sorted(own_file("params", "studies").glob("*.yaml")):
        value = json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str))
        assert [error.message for error in check.iter_errors(value)] == [], file.name
        assert list(check.iter_errors({**value, "estimater": "x"})) and list(check.iter_errors({**value, "estimator": "ols"}))


def test_methods_are_told_with_formula_and_source():
    for lang in ("vi", "en"):
        table = hg.methods(lang)
        assert table["estimator"].tolist() == estimator_names() and (table != "").all().all()


def test_an_estimate_is_tidy_and_has_a_summary(found):
    tidy = found.tidy()
    row = found.overall()
    first = tidy[tidy["term"] == "overall"].iloc[0]
    assert first["estimate"] == row["estimate"] and first["std_error"] == row["std_error"] and "event_time" in tidy
    said = found.summary()
    assert "two_way_fixed_effects" in said and f"{row['estimate']:.4g}" in said and "Simulated:    yes" in said and "nan" not in said


@pytest.mark.parametrize("kind", ["text", "latex", "html"])
def test_estimates_side_by_side(found, tmp_path, kind):
    said = hg.etable([found, found], kind, tmp_path / "table.txt")
    row = found.overall()
    assert (
        said.count(f"{row['estimate']:.4g}") >= 2
        and "simulated" in said
        and f"({row['std_error']:.4g})" in said
        and f"{row['n_obs']:,.0f}" in said
    )
    assert (tmp_path / "table.txt").read_text(encoding="utf-8") == said + "\n"


def test_estimates_side_by_side_for_word(found, tmp_path):
    hg.etable([found], "docx", tmp_path / "table.docx")
    (table,) = docx.Document(str(tmp_path / "table.docx")).tables
    assert f"{found.overall()['estimate']:.4g}" in {cell.text for row in table.rows for cell in row.cells}


@pytest.mark.parametrize(("given", "says"), [(([], "text"), "no estimate"), ((None, "pdf"), "kind"), ((None, "docx"), "file=")])
def test_what_cannot_be_a_table_is_refused_in_one_line(found, given, says):
    estimates, kind = given
    with pytest.raises(InputError, match=says):
        hg.etable([found] if estimates is None else estimates, kind)


def hg_height(figure):
    return float(re.search(r'viewBox="([^"]+)"', figure.wide)[1].split()[3])


def test_a_chart_is_saved_as_picture_and_as_svg(tmp_path):
    figure = hg.plot_shares(demo_design(), demo_words())
    png = figure.save(tmp_path / "chart.png")
    with Image.open(png) as picture:
        assert picture.width == round(680 / 72 * 300) and picture.height > hg_height(figure) / 72 * 300 + 200  # what stands around it too
        above, below = (
            picture.convert("L").crop((0, rows[0], rows[1], rows[2])).getextrema()[0]
            for rows in ((0, picture.width, 90), (picture.height - 90, picture.width, picture.height))
        )
        assert above < 128 and below < 128  # title and source are written there
    root = ElementTree.fromstring((figure.save(tmp_path / "chart.svg")).read_text(encoding="utf-8"))
    said = " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert figure.title in said and "mô phỏng" in said.lower() and "var(" not in ElementTree.tostring(root, encoding="unicode")
    with pytest.raises(InputError, match=r"allowed: \.png, \.svg, \.pdf"):
        figure.save(tmp_path / "chart.gif")
    assert sorted(os.listdir(tmp_path)) == ["chart.png", "chart.svg"]


def test_a_chart_is_saved_as_pdf_of_vectors_with_title_source_and_mark(tmp_path):
    figure = hg.plot_shares(demo_design(), demo_words())
    made = figure.save(tmp_path / "chart.pdf").read_bytes()
    assert made == figure.save(tmp_path / "chart.pdf").read_bytes() and b"/Subtype /Image" not in made and b"/FontFile2" in made
    with Image.open(figure.save(tmp_path / "chart.png")) as picture:
        box = [float(side) for side in re.search(rb"/MediaBox \[([^\]]+)\]", made)[1].split()]
        assert box[2] / box[3] == pytest.approx(picture.width / picture.height, rel=0.01) and box[2] == pytest.approx(680)
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) reads a PDF's texts")
    said = subprocess.run(["pdftotext", "-layout", tmp_path / "chart.pdf", "-"], capture_output=True, check=True).stdout.decode()
    told = " ".join(said.split())
    assert figure.title in told and "mô phỏng" in told and " ".join(figure.source.split()[-4:]) in told


def test_a_block_has_its_table_as_a_frame(found):
    block = hg.estimates_table(found.table, demo_words("en"))
    frame = block.frame
    assert isinstance(frame, pd.DataFrame) and len(frame) == len(found.table) and frame.select_dtypes("number").shape[1] > 1


def test_a_table_of_a_report_goes_to_csv_and_xlsx_with_one_call(found, tmp_path):
    block = hg.estimates_table(found.table, demo_words("en"))
    frame = pd.read_csv(block.save(tmp_path / "t.csv"))
    sheet = openpyxl.load_workbook(block.save(tmp_path / "t.xlsx", "en")).worksheets[0]
    heads = [cell.value for cell in sheet[4]]
    assert list(frame) == heads == list(block.frame) and sheet.max_row == 4 + len(frame)
    numbers = block.frame.select_dtypes("number").columns
    for name in numbers:
        column = [sheet.cell(row, heads.index(name) + 1).value for row in range(5, sheet.max_row + 1)]
        assert pd.Series(column, dtype=float).equals(block.frame[name].astype(float)) and frame[name].equals(block.frame[name]), name
    odd = Block("", (Table("t", "=1+1", ("=2+2", "n"), (('=HYPERLINK("x")', 1),)),))
    assert "'=HYPERLINK" in odd.save(tmp_path / "o.csv").read_text(encoding="utf-8")
    cells = [cell for row in openpyxl.load_workbook(odd.save(tmp_path / "o.xlsx")).worksheets[0] for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells) and any(cell.quotePrefix for cell in cells)


@pytest.mark.parametrize(
    ("tables", "name", "says"),
    [(0, "t.csv", "0 tables"), (2, "t.csv", r"2 tables; allowed: \.xlsx"), (1, "t.ods", r"allowed: \.csv, \.xlsx")],
)
def test_what_no_file_of_tables_can_hold_is_refused(tmp_path, tables, name, says):
    with pytest.raises(InputError, match=says):
        Block("", (Table("t", "t", ("a",), ((1,),)),) * tables).save(tmp_path / name)


def test_a_table_in_memory_is_the_panel_of_the_same_file(tmp_path):
    own = write_study(tmp_path, "staggered_yearly")
    p, _ = hg.load_study(str(own), "en")
    panel = hg.load_panel(p)
    frame = pd.read_csv(own.with_suffix(".csv"))
    made, words, mine = hg.panel_of(
        frame, "en", unit="town", period="when", frequency="Y", outcome="value", treated_from="start", cluster="region"
    )
    pd.testing.assert_frame_equal(mine.cells, panel.cells)
    theirs, ours = hg.study_design(panel, p), hg.study_design(mine, made)
    assert (
        words.lang == "en"
        and hg.estimate(ours, made.estimator).overall()["estimate"] == hg.estimate(theirs, p.estimator).overall()["estimate"]
    )


@pytest.mark.parametrize(("keys", "says"), [({"unit": "town", "period": "when"}, "frequency: needed"), ({"unit": "town", "periods": "when"}, "periods"),
                                            ({"unit": "place", "period": "when", "frequency": "Y"}, "place")])  # fmt: skip
def test_a_table_in_memory_is_refused_as_a_file_is(tmp_path, keys, says):
    frame = pd.read_csv(write_study(tmp_path, "staggered_yearly").with_suffix(".csv"))
    with pytest.raises(InputError, match=says):
        hg.panel_of(frame, outcome="value", treated_from="start", **keys)
