"""A published run for offices: the brief as DOCX, a page as PDF through Chromium where there is one."""

import base64
import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import docx
import nbformat
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from ..base.aside import write_bytes
from ..base.errors import InputError, RunFailed
from ..base.machine import shortage
from ..base.private_folder import private_folder
from .document import MIME

FONT = "Times New Roman"  # what Decree 30/2020 asks of administrative documents; it has every Vietnamese letter
INK, MUTED, ACCENT = RGBColor(0x16, 0x20, 0x2B), RGBColor(0x50, 0x5B, 0x67), RGBColor(0xA3, 0x12, 0x3B)
SIZES = {"Normal": 12, "Title": 17, "Heading 1": 14, "Heading 2": 12, "Caption": 9.5, "List Bullet": 12}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 120
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")  # XML has no place for these


def write_docx(run: Path, lang: str) -> Path:
    """`brief.<lang>.docx` of a published run. Raises InputError where its brief holds no document."""
    source, target = run / "notebooks" / f"brief.{lang}.ipynb", run / f"brief.{lang}.docx"
    found = [data[MIME] for data in outputs(source) if MIME in data] if source.is_file() else []
    if not found:
        raise InputError(f"{source.name}: holds no document; run the study again")
    made = word_document(found[-1]["head"], found[-1]["parts"])
    stream = io.BytesIO()
    made.save(stream)
    write_bytes(target, stream.getvalue())
    return target


def outputs(notebook: Path) -> list[dict]:
    cells = nbformat.read(notebook, as_version=4).cells
    return [output.get("data", {}) for cell in cells if cell.cell_type == "code" for output in cell.outputs]


# --- DOCX ----------------------------------------------------------------------------------------------------------
def word_document(head: dict[str, str], parts: list[dict]) -> docx.document.Document:
    """A4, real headings, tables with repeated head rows, pictures with alt texts, the mark of simulated data in the header."""
    made = docx.Document()
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin, section.top_margin, section.bottom_margin = Mm(25), Mm(20), Mm(20), Mm(18)
    made.core_properties.title, made.core_properties.language = plain(head["title"]), head["lang"]
    made.core_properties.author = made.core_properties.comments = ""
    for name, size in SIZES.items():
        style(made, name, size, head["lang"])
    if head["mark"]:
        mark = section.header.paragraphs[0]
        mark.alignment = WD_ALIGN_PARAGRAPH.CENTER
        bold(mark, head["mark"])
    footer(section.footer.paragraphs[0], head)
    for part in parts:
        WRITERS[part["kind"]](made, part)
    return made


def style(made: docx.document.Document, name: str, size: float, lang: str) -> None:
    """One typeface for all scripts, ink instead of the template's blue."""
    found = made.styles[name]
    found.font.name, found.font.size, found.font.color.rgb = FONT, Pt(size), MUTED if name == "Caption" else INK
    found.font.italic, found.font.bold = False, name in ("Title", "Heading 1", "Heading 2")
    properties = found.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONT)
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), {"vi": "vi-VN", "en": "en-GB"}[lang])
    properties.append(language)
    found.paragraph_format.space_after = Pt(4)
    found.paragraph_format.space_before = Pt(10 if name == "Heading 1" else 0)
    border = found.element.get_or_add_pPr().find(qn("w:pBdr"))
    if border is not None:
        border.getparent().remove(border)


def footer(paragraph: Paragraph, head: dict[str, str]) -> None:
    paragraph.add_run(plain(head["footer"]) + "  ·  " + plain(head["page"]) + " ").font.size = Pt(9)
    for number, field in enumerate(("PAGE", "NUMPAGES")):
        if number:
            paragraph.add_run("/").font.size = Pt(9)
        run = paragraph.add_run()
        run.font.size = Pt(9)
        for kind, said in (("begin", None), (None, field), ("end", None)):
            element = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                element.set(qn("w:fldCharType"), kind)
            else:
                element.text = said
            run._r.append(element)


def plain(said: str) -> str:
    return ILLEGAL.sub("", str(said))


def bold(paragraph: Paragraph, said: str) -> Run:
    run = paragraph.add_run(plain(said))
    run.bold = True
    return run


def write_text(made: docx.document.Document, part: dict) -> None:
    names = {"title": "Title", "heading": "Heading 1", "kicker": "Caption"}
    made.add_paragraph(plain(part["text"]), style=names[part["kind"]])


def write_answer(made: docx.document.Document, part: dict) -> None:
    paragraph = made.add_paragraph(plain(part["before"]))
    if part["strong"]:
        bold(paragraph, part["strong"])
    paragraph.add_run(plain(part["after"]))


def write_list(made: docx.document.Document, part: dict) -> None:
    for first, said in part["items"]:
        paragraph = made.add_paragraph(style="List Bullet")
        bold(paragraph, first + " ")
        paragraph.add_run(plain(said))


def write_figure(made: docx.document.Document, part: dict) -> None:
    title = made.add_paragraph(plain(part["title"]), style="Heading 2")
    subtitle = made.add_paragraph(plain(part["subtitle"]), style="Caption")
    inside = made.add_paragraph()
    for paragraph in (title, subtitle, inside):
        paragraph.paragraph_format.keep_with_next = True
    inside.add_run().add_picture(io.BytesIO(base64.b64decode(part["png"])), width=Mm(150))
    for properties in inside._p.iter(qn("wp:docPr")):
        properties.set("descr", plain(part["alt"]))
    made.add_paragraph(plain(part["source"]), style="Caption")


def write_table(made: docx.document.Document, part: dict) -> None:
    caption = made.add_paragraph(plain(part["caption"]), style="Heading 2")
    caption.paragraph_format.keep_with_next = True
    table = made.add_table(rows=1, cols=len(part["head"]), style="Table Grid")
    for cell, said in zip(table.rows[0].cells, part["head"], strict=True):
        bold(cell.paragraphs[0], said)
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for row in part["rows"]:
        cells = table.add_row()
        cells._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, said in zip(cells.cells, row, strict=True):
            cell.paragraphs[0].add_run(plain(said))
    for row in table.rows:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.space_after = Pt(1)
            for run in cell.paragraphs[0].runs:
                run.font.size = Pt(10.5)
    made.add_paragraph().paragraph_format.space_after = Pt(0)


WRITERS = {"title": write_text, "heading": write_text, "kicker": write_text, "answer": write_answer, "list": write_list,
           "figure": write_figure, "table": write_table}  # fmt: skip


# --- PDF -----------------------------------------------------------------------------------------------------------
def browser() -> str:
    """The Chromium of this computer (or what HGDX_CHROMIUM names). Raises InputError where there is none."""
    named = os.environ.get("HGDX_CHROMIUM")
    found = shutil.which(named) if named is not None else next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise InputError("no Chromium, Chrome or Edge was found on this computer (HGDX_CHROMIUM names one): open the page and print it")
    return found


def is_pdf(content: bytes) -> bool:
    """Whether it is a whole PDF: a browser that was stopped leaves a beginning."""
    return content.startswith(b"%PDF") and b"%%EOF" in content[-1024:]


def write_pdf(page: Path, target: Path) -> Path:
    """A page of this kit on A4 with page numbers. Raises InputError without a browser or where it prints nothing."""
    program = browser()
    with private_folder() as folder:
        made = folder / "page.pdf"
        flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={made}"]  # fmt: skip
        flags += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # the sandbox refuses the superuser
        try:
            done = subprocess.run([program, *flags, page.resolve().as_uri()], capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise InputError(f"{page.name}: the browser did not finish within {SECONDS} s") from None
        if done.returncode or not made.is_file() or not is_pdf(made.read_bytes()):
            told = f"{page.name}: {Path(program).name} printed nothing, or not all"
            raise RunFailed(f"{told}: {short}") if (short := shortage(Path(folder))) else InputError(told)
        write_bytes(target, made.read_bytes())
    return target
