"""The brief for Word: what was put in can be read back; hostile text stays text."""

import base64
import io
import json
import re
import zipfile

import docx
import nbformat
import pytest
import xlsxwriter
from docx.oxml.ns import qn
from docx.shared import Mm, Twips
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


RECEIPT = {"study": {"made_by": "Văn phòng Ủy ban", "contact": "a@b.vn"}, "day": "2026-11-30", "packages": {"hgdx_eval": "0.1.0"}, "key": "1a2b3c4d",
           "result": {"titles": {lang: {"title": "Giảm phí", "place": "Hậu Giang"} for lang in ("vi", "en")}}}  # fmt: skip


def lines(path):
    """Every paragraph in reading order, those of tables too."""
    return ["".join(node.text or "" for node in found.iter(qn("w:t"))) for found in docx.Document(str(path)).element.body.iter(qn("w:p"))]


def test_it_bears_its_date_its_maker_and_how_to_cite_it(parts, tmp_path):
    (tmp_path / "receipt.json").write_text(json.dumps(RECEIPT), encoding="utf-8")
    said = lines(written(tmp_path, parts[1]["vi"][0]))
    assert said[:2] == ["VĂN PHÒNG ỦY BAN", "Hậu Giang, ngày 30 tháng 11 năm 2026"]
    assert "Liên hệ: a@b.vn" in said[-1] and "hgdx_eval 0.1.0, lần chạy 1a2b3c4d" in said[-1] and "None" not in "".join(said)


def test_the_scale_shows_the_verdict(parts, tmp_path):
    found, made_in = parts
    words = made_in["vi"][1]
    back = docx.Document(str(written(tmp_path, made_in["vi"][0])))
    shorts = [words(f"tables.short_{n}").replace(" ", "\u00a0") for n in range(1, 6)]
    (scale,) = [p for p in back.paragraphs if all(short in p.text for short in shorts)]
    steps = [run for run in scale.runs if run.text.strip()]
    assert [run.text.strip("\u00a0") for run in steps] == shorts
    assert [n for n, run in enumerate(steps, start=1) if run.bold] == [found.verdict]
    fills = [run._r.rPr.find(qn("w:shd")).get(qn("w:fill")) for run in steps]
    assert len({fill for n, fill in enumerate(fills, start=1) if n != found.verdict}) == 1 and len(set(fills)) == 2


def test_headings_keep_to_what_follows_and_no_row_stands_alone(parts, tmp_path):
    back = docx.Document(str(written(tmp_path, parts[1]["vi"][0])))
    assert all(p.paragraph_format.keep_with_next for p in back.paragraphs if p.style.name in ("Title", "Heading 1", "Heading 2"))
    for table in back.tables:
        kept = [{cell.paragraphs[0].paragraph_format.keep_with_next for cell in row.cells} for row in table.rows]
        assert kept[0] == kept[1] == kept[-2] == {True} and kept[-1] == {False}
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows[1:])
        wide = [cell.width for cell in table.rows[0].cells]
        inside = back.sections[0].page_width - back.sections[0].left_margin - back.sections[0].right_margin
        assert abs(sum(wide) - inside) <= Twips(1) * len(wide) and len(set(wide)) == len(wide)


def template_of(path, *paragraphs, styles=True):
    """A letterhead: its own page, header, footer and style."""
    made = docx.Document()
    section = made.sections[0]
    section.left_margin, section.header.paragraphs[0].text, section.footer.paragraphs[0].text = Mm(31), "TIÊU ĐỀ CỦA CƠ QUAN", "chân trang"
    made.styles["Heading 1"].font.name = "Arial Black"
    table = made.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "UBND TỈNH", "Độc lập - Tự do - Hạnh phúc"
    for text in paragraphs:
        made.add_paragraph(text)
    if not styles:
        for name in ("Caption", "List Bullet", "Table Grid"):
            made.styles[name].delete()
    made.save(str(path))
    return path


def test_a_letterhead_is_kept_and_the_brief_stands_where_it_says(parts, tmp_path):
    (tmp_path / "receipt.json").write_text(json.dumps(RECEIPT), encoding="utf-8")
    document, words, _ = parts[1]["vi"]
    marked = document._repr_mimebundle_()
    marked[MIME]["head"] = {**document.head, "mark": "SỐ LIỆU MÔ PHỎNG"}
    template = template_of(tmp_path / "mau.docx", "{{date}}", "Người lập: {{made_by}}", "{{brief}}", "Nơi nhận: lưu VT")
    written(tmp_path, marked)
    path = pdf_docx.write_docx(tmp_path, "vi", template)
    said = lines(path)
    assert said[:4] == ["UBND TỈNH", "Độc lập - Tự do - Hạnh phúc", "Hậu Giang, ngày 30 tháng 11 năm 2026", "Người lập: Văn phòng Ủy ban"]
    assert said[-1] == "Nơi nhận: lưu VT" and "{{" not in "".join(said) and said.count("Hậu Giang, ngày 30 tháng 11 năm 2026") == 1
    assert 4 < said.index(words("study.question")) < len(said) - 2
    section = docx.Document(str(path)).sections[0]
    assert [p.text for p in section.header.paragraphs] == ["SỐ LIỆU MÔ PHỎNG", "TIÊU ĐỀ CỦA CƠ QUAN"]
    assert [p.text for p in section.footer.paragraphs] == ["chân trang"] and round(section.left_margin.mm) == 31
    assert docx.Document(str(path)).styles["Heading 1"].font.name == "Arial Black"


@pytest.mark.parametrize("styles", [True, False])
def test_a_letterhead_without_places_or_styles_is_followed_by_the_brief(parts, tmp_path, styles):
    written(tmp_path, parts[1]["en"][0], "en")
    said = lines(pdf_docx.write_docx(tmp_path, "en", template_of(tmp_path / "t.docx", "end of the head", styles=styles)))
    assert said.index("end of the head") < said.index(parts[1]["en"][1]("study.question"))


def test_a_place_that_word_split_into_runs_is_still_found(parts, tmp_path):
    (tmp_path / "receipt.json").write_text(json.dumps(RECEIPT), encoding="utf-8")
    made = docx.Document()
    paragraph = made.add_paragraph("Ngày: {")
    for text in ("{da", "te}", "} (dự thảo)"):
        paragraph.add_run(text)
    made.save(str(tmp_path / "t.docx"))
    written(tmp_path, parts[1]["vi"][0])
    assert lines(pdf_docx.write_docx(tmp_path, "vi", tmp_path / "t.docx"))[0] == "Ngày: Hậu Giang, ngày 30 tháng 11 năm 2026 (dự thảo)"


def test_the_letterhead_of_the_working_folder_is_taken_by_itself(parts, tmp_path, monkeypatch):
    (tmp_path / "params" / "studies").mkdir(parents=True)
    template_of(tmp_path / "params" / "brief.docx", "đầu trang của cơ quan")
    assert pdf_docx.letterhead(None) is None
    monkeypatch.chdir(tmp_path)
    assert pdf_docx.letterhead(None) == tmp_path / "params" / "brief.docx"
    assert "đầu trang của cơ quan" in lines(written(tmp_path, parts[1]["vi"][0]))


@pytest.mark.parametrize("content", [None, b"", b"no document", b"PK\x03\x04cut"])
def test_what_is_no_letterhead_is_refused_by_name(tmp_path, content):
    path = tmp_path / "mau.docx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        hg.InputError, match=r"--template: mau.docx: not a readable Word document; allowed: a .docx, in which a paragraph {{brief}}"
    ):
        pdf_docx.letterhead(path)
    workbook = tmp_path / "book.docx"
    xlsxwriter.Workbook(str(workbook)).close()
    with pytest.raises(hg.InputError, match="book.docx: not a readable Word document"):
        pdf_docx.letterhead(workbook)


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
