"""The brief for Word: what was put in can be read back; hostile text stays text."""

import base64
import io
import json
import re
import zipfile

import docx
import nbformat
import pytest
from docx.oxml.ns import qn
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from test_show_methods import made
from test_verdict import METHODS, world

import hgdx_eval as hg
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.report import pdf_docx
from hgdx_eval.report.answer import check_rows, headline
from hgdx_eval.report.brief_docx import MIME, in_word
from hgdx_eval.report.page import Page, render
from hgdx_eval.study.load import study_words


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The document's data in both languages, and the evaluation it is made of."""
    p, design = made(tmp_path_factory.mktemp("office"), world(), "treated_from: start\nsmallest_effect: 2\n")
    p = p.model_copy(update={"estimators": METHODS})
    panel, found = hg.load_panel(p), evaluate(design, p)
    made_in = {}
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        figures = [hg.plot_shares(design, words), hg.plot_event(found.main, words)]
        made_in[lang] = in_word(found, panel, p, words, figures, hg.taken_out(found, panel, p)), words, figures
    return found, made_in


def written(folder, document, lang="vi"):
    """The DOCX of a run whose brief notebook holds this document."""
    (folder / "notebooks").mkdir(exist_ok=True)
    data = document if isinstance(document, dict) else document._repr_mimebundle_()
    cell = new_code_cell("x", outputs=[new_output("display_data", data=json.loads(json.dumps(data)))], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), folder / "notebooks" / f"brief.{lang}.ipynb")
    return pdf_docx.write_docx(folder, lang)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_document_reads_back_whole(parts, tmp_path, lang):
    found, made_in = parts
    document, words, figures = made_in[lang]
    path = written(tmp_path, document, lang)
    back = docx.Document(str(path))
    text = "\n".join(paragraph.text for paragraph in back.paragraphs)
    assert path.name == f"brief.{lang}.docx" and headline(found, words).replace("**", "") in text
    assert [p.text for p in back.paragraphs if p.style.name == "Title"] == [words("study.question")]
    headings = [p.text for p in back.paragraphs if p.style.name == "Heading 1"]
    assert headings[0].startswith(words("tables.verdict")) and words("office.why") in headings and words("office.wrong") in headings
    checks = back.tables[0]
    assert [cell.text for cell in checks.rows[0].cells] == [words(f"tables.col_{c}") for c in ("check", "result", "state")]
    assert [[cell.text for cell in row.cells[:2]] for row in checks.rows[1:]] == [list(row[:2]) for row in check_rows(found, words)]
    assert all(table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None for table in back.tables) and len(back.tables) == 2
    for figure in figures:
        assert figure.title in text and figure.source in text
    assert [shape._inline.docPr.get("descr") for shape in back.inline_shapes] == [figure.alt for figure in figures]


def test_pictures_are_sharp_small_and_fit_the_page(parts, tmp_path):
    path = written(tmp_path, parts[1]["vi"][0])
    with zipfile.ZipFile(path) as archive:
        pictures = [archive.read(name) for name in archive.namelist() if name.startswith("word/media/")]
        names = set(re.findall(rb'w:(?:ascii|hAnsi|eastAsia|cs)="([^"]+)"', archive.read("word/styles.xml")))
    assert len(pictures) == 2
    for content in pictures:
        image = Image.open(io.BytesIO(content))
        assert image.width >= 1800 and len(content) < 150_000
    section = docx.Document(str(path)).sections[0]
    inside = section.page_width - section.left_margin - section.right_margin
    assert all(shape.width <= inside for shape in docx.Document(str(path)).inline_shapes)
    assert pdf_docx.FONT.encode() in names and round(section.page_width.mm) == 210 and round(section.page_height.mm) == 297


def test_the_mark_of_simulated_data_stands_on_every_page(parts, tmp_path):
    document, words, _ = parts[1]["vi"]
    assert document.head["mark"] == ""  # a table of the user's own is real
    marked = document._repr_mimebundle_()
    marked[MIME]["head"] = {**document.head, "mark": "SỐ LIỆU MÔ PHỎNG"}
    assert docx.Document(str(written(tmp_path, marked))).sections[0].header.paragraphs[0].text == "SỐ LIỆU MÔ PHỎNG"
    footer = docx.Document(str(written(tmp_path, document))).sections[0].footer
    assert words("story.footer") in footer.paragraphs[0].text and b"NUMPAGES" in footer.part.blob


def test_hostile_text_stays_text(tmp_path):
    bad = "<w:p/>&amp;]]>\x00\x0b\ud800 =1+1 <script>alert(1)</script>"
    image = io.BytesIO()
    Image.new("RGB", (4, 4)).save(image, format="PNG")
    said = [{"kind": "title", "text": bad}, {"kind": "answer", "before": bad, "strong": bad, "after": bad}, {"kind": "list", "items": [[bad, bad]]},
            {"kind": "table", "caption": bad, "head": [bad, "b"], "rows": [[bad, bad]]},
            {"kind": "figure", "title": bad, "subtitle": bad, "png": base64.b64encode(image.getvalue()).decode(), "alt": bad, "source": bad}]  # fmt: skip
    made = pdf_docx.word_document({"lang": "vi", "title": bad, "mark": bad, "footer": bad, "page": "Trang"}, said)
    stream = io.BytesIO()
    made.save(stream)
    back = docx.Document(io.BytesIO(stream.getvalue()))
    kept = "<w:p/>&amp;]]> =1+1 <script>alert(1)</script>"
    assert back.tables[0].rows[1].cells[0].text == kept and back.paragraphs[0].text == kept


def test_a_run_without_a_document_says_what_to_do(tmp_path):
    with pytest.raises(hg.InputError, match=r"brief.vi.ipynb: holds no document; run the study again"):
        pdf_docx.write_docx(tmp_path, "vi")


def test_the_document_is_nowhere_on_the_page(parts):
    document = parts[1]["vi"][0]
    cell = new_code_cell("x", outputs=[new_output("display_data", data=document._repr_mimebundle_())], execution_count=1)
    html = render([new_notebook(cells=[cell])], Page("vi", "t", "p", False, "notebook", (), "f"))
    assert "base64" not in html


def test_a_browser_that_prints_nothing_is_told(tmp_path, monkeypatch):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    (tmp_path / "a.html").write_text("<p>a</p>")
    monkeypatch.setenv("HGDX_CHROMIUM", str(fake))
    with pytest.raises(hg.InputError, match="a.html: chromium printed nothing"):
        pdf_docx.write_pdf(tmp_path / "a.html", tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()
