"""A published run for offices: the brief as DOCX, a page as PDF through Chromium where there is one."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import docx
import nbformat
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml.etree import XMLSyntaxError

from ..base.aside import write_bytes
from ..base.errors import InputError, RunFailed
from ..base.machine import shortage
from ..base.own_files import own_file
from ..base.private_folder import private_folder
from ..study.words import Words
from .colophon import about, dateline, day_of
from .document import document_of

FONT = "Times New Roman"  # what Decree 30/2020 asks of administrative documents; it has every Vietnamese letter
INK, MUTED, ACCENT = RGBColor(0x16, 0x20, 0x2B), RGBColor(0x50, 0x5B, 0x67), RGBColor(0xA3, 0x12, 0x3B)
SIZES = {"Normal": 12, "Title": 16, "Heading 1": 13, "Heading 2": 11.5, "Caption": 9, "List Bullet": 11.5}
MARGINS = {"left_margin": 30, "right_margin": 15, "top_margin": 20, "bottom_margin": 20}  # mm, as Decree 30/2020 asks
LETTER = 0.014  # of a line, a letter of a table
KEPT = 2  # rows that stay together at either end of a table
CELL = 10  # points
CHARTS = (140, 95)  # mm across: of the first, of the others
SHADES = {True: ("16202B", RGBColor(0xFF, 0xFF, 0xFF)), False: ("E6EAEE", MUTED)}  # of a step of the scale that holds, of another
BARS = ("header", "first_page_header", "footer", "first_page_footer")
OWN_TEMPLATE = ("params", "brief.docx")  # a letterhead in the working folder
PLACES = {name: "{{" + name + "}}" for name in ("brief", "date", "made_by", "contact")}  # what a template may name
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 120
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")  # XML has no place for these
Written = docx.document.Document


def write_docx(run: Path, lang: str, template: Path | None = None) -> Path:
    """`brief.<lang>.docx` of a published run, on a letterhead where there is one. Raises InputError where its brief holds no document."""
    source, target = run / "notebooks" / f"brief.{lang}.ipynb", run / f"brief.{lang}.docx"
    found = document_of(outputs(source)) if source.is_file() else None
    if not found:
        raise InputError(f"{source.name}: holds no document; run the study again")
    made = word_document(found["head"], found["parts"], told_of_run(run, lang), letterhead(template))
    stream = io.BytesIO()
    made.save(stream)
    write_bytes(target, stream.getvalue())
    return target


def outputs(notebook: Path) -> list[dict]:
    cells = nbformat.read(notebook, as_version=4).cells
    return [output.get("data", {}) for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def told_of_run(run: Path, lang: str) -> dict[str, str]:
    """What a run's receipt says of its report: date, place, maker, contact, and all of it in a line. Nothing without a receipt."""
    try:
        receipt = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
        titles = receipt["result"]["titles"][lang]
        words = Words(lang, tuple(titles.items()))
        return {"date": dateline(day_of(receipt), titles["place"], words), "made_by": str(receipt["study"].get("made_by") or ""),
                "contact": str(receipt["study"].get("contact") or ""),
                "about": "  ·  ".join(f"{what}: {text}" for what, text in about(receipt, words)[1:])}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return {}


# --- DOCX ----------------------------------------------------------------------------------------------------------
def letterhead(template: Path | None) -> Path | None:
    """The template given, or the working folder's own; None without one. Raises InputError where it is no Word document."""
    own = own_file(*OWN_TEMPLATE)
    path = template or (own if own.is_file() else None)
    if path is not None:
        try:
            docx.Document(str(path))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, XMLSyntaxError, PackageNotFoundError):
            raise InputError(f"--template: {path.name}: not a readable Word document; allowed: a .docx, in which a paragraph "
                             f"{PLACES['brief']} says where the brief goes, {PLACES['date']} where its date") from None  # fmt: skip
    return path


def word_document(head: dict[str, str], parts: list[dict], told: dict[str, str] | None = None, template: Path | None = None) -> Written:
    """A4, real headings, tables with repeated head rows, pictures with alt texts, the mark of simulated data in the header. `told`: date,
    maker and the rest of the report, as far as they are known. A template keeps its page, styles, header, footer and text."""
    made, told = docx.Document(str(template) if template else None), told or {}
    made.core_properties.title, made.core_properties.language = plain(head["title"]), head["lang"]
    if template is None:
        made.core_properties.author = made.core_properties.comments = ""
        plain_page(made, head)
    named = fill_places(made, told) if template else set()
    for name in (*SIZES, "Table Grid"):
        add_missing_style(made, name)
    for section in made.sections if head["mark"] else ():
        mark_header(section, head["mark"])
    before = list(made.element.body)
    for name, alignment in (("made_by", WD_ALIGN_PARAGRAPH.LEFT), ("date", WD_ALIGN_PARAGRAPH.RIGHT)):
        if told.get(name) and name not in named and (name == "date" or template is None):
            write_opening(made, told[name], name, alignment)
    for part in parts:
        WRITERS[part["kind"]](made, part)
    if told.get("about"):
        made.add_paragraph(plain(told["about"]), style="Caption").paragraph_format.keep_together = True
    move_to_place(made, before)
    return made


def plain_page(made: Written, head: dict[str, str]) -> None:
    """The page of an administrative document, where no letterhead brings its own."""
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for name, size in MARGINS.items():
        setattr(section, name, Mm(size))
    section.header_distance = section.footer_distance = Mm(10)
    for name, points in SIZES.items():
        style(made, name, points, head["lang"])
    footer(section.footer.paragraphs[0], head)


def add_missing_style(made: Written, name: str) -> None:
    """A template need not have every style that the brief is written in."""
    if name not in {one.name for one in made.styles}:
        kind = WD_STYLE_TYPE.TABLE if name == "Table Grid" else WD_STYLE_TYPE.PARAGRAPH
        added = made.styles.add_style(name, kind)
        if kind == WD_STYLE_TYPE.PARAGRAPH:
            added.font.size, added.font.bold = Pt(SIZES[name]), name in ("Title", "Heading 1", "Heading 2")


def mark_header(section: Section, mark: str) -> None:
    """The mark on every page, above whatever stands in the header."""
    for header in (section.header, *([section.first_page_header] if section.different_first_page_header_footer else [])):
        first = header.paragraphs[0] if header.paragraphs else header.add_paragraph()
        paragraph = first.insert_paragraph_before() if first.text or first._p.xpath(".//w:drawing|.//w:pict") else first
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        bold(paragraph, mark)


def fill_places(made: Written, told: dict[str, str]) -> set[str]:
    """Date, maker and contact where a template names them, in its text, tables, headers and footers; which ones it does."""
    bars = [getattr(section, name) for section in made.sections for name in BARS]
    bars = [bar for bar in bars if not bar.is_linked_to_previous]
    named = set()
    for element in (made.element.body, *(bar._element for bar in bars)):
        for found in element.iter(qn("w:p")):
            paragraph = Paragraph(found, made)
            for name in (name for name in PLACES if name != "brief" and PLACES[name] in paragraph.text):
                replace_in(paragraph, PLACES[name], plain(told.get(name, "")))
                named.add(name)
    return named


def replace_in(paragraph: Paragraph, place: str, said: str) -> None:
    """A place in the run that holds it; where Word split it, the whole paragraph takes the look of its first run."""
    runs = paragraph.runs
    if any(place in run.text for run in runs):
        for run in runs:
            run.text = run.text.replace(place, said) if place in run.text else run.text
        return
    runs[0].text = paragraph.text.replace(place, said)
    for run in runs[1:]:
        run.text = ""


def move_to_place(made: Written, before: list) -> None:
    """The brief where the template says, else after what stands there."""
    place = next((found for found in made.element.body.iter(qn("w:p")) if Paragraph(found, made).text.strip() == PLACES["brief"]), None)
    if place is not None:
        for element in [one for one in made.element.body if one not in before]:
            place.addprevious(element)
        place.getparent().remove(place)


def write_opening(made: Written, said: str, name: str, alignment: WD_ALIGN_PARAGRAPH) -> None:
    """Who made it, in capitals as on a letterhead; place and date."""
    paragraph = made.add_paragraph()
    paragraph.alignment = alignment
    run = paragraph.add_run(plain(said).upper() if name == "made_by" else plain(said))
    run.bold, run.italic, run.font.size = name == "made_by", name == "date", Pt(12)


def style(made: Written, name: str, size: float, lang: str) -> None:
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
    found.paragraph_format.space_after = Pt(3)
    found.paragraph_format.space_before = Pt(8 if name == "Heading 1" else 0)
    found.paragraph_format.line_spacing = 1
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


def write_text(made: Written, part: dict) -> None:
    names = {"title": "Title", "heading": "Heading 1", "kicker": "Caption", "plain": "Normal"}
    said = made.add_paragraph(plain(part["text"]), style=names[part["kind"]])
    said.paragraph_format.keep_with_next = part["kind"] in ("title", "heading")


def write_answer(made: Written, part: dict) -> None:
    paragraph = made.add_paragraph(plain(part["before"]))
    if part["strong"]:
        bold(paragraph, part["strong"])
    paragraph.add_run(plain(part["after"]))


def write_verdict(made: Written, part: dict) -> None:
    """The five steps in a line, the one that holds dark and bold."""
    paragraph = made.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    for number, label in enumerate(part["labels"], start=1):
        here = number == part["level"]
        if number > 1:
            paragraph.add_run(" ").font.size = Pt(CELL)
        run = paragraph.add_run("\u00a0" + plain(label).replace(" ", "\u00a0") + "\u00a0")
        run.bold, run.font.size, run.font.color.rgb = here, Pt(CELL), SHADES[here][1]
        shade = OxmlElement("w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", SHADES[here][0])):
            shade.set(qn(f"w:{name}"), value)
        run._r.get_or_add_rPr().append(shade)


def write_list(made: Written, part: dict) -> None:
    for first, said in part["items"]:
        paragraph = made.add_paragraph(style="List Bullet")
        paragraph.paragraph_format.keep_together = True
        bold(paragraph, first + " ")
        paragraph.add_run(plain(said))


def write_figure(made: Written, part: dict) -> None:
    """Title, subtitle, picture and source on one page."""
    title = made.add_paragraph(plain(part["title"]), style="Heading 2")
    subtitle = made.add_paragraph(plain(part["subtitle"]), style="Caption")
    inside = made.add_paragraph()
    for paragraph in (title, subtitle, inside):
        paragraph.paragraph_format.keep_with_next = True
    inside.add_run().add_picture(io.BytesIO(base64.b64decode(part["png"])), width=min(Mm(CHARTS[len(made.inline_shapes) > 0]), room(made)))
    for properties in inside._p.iter(qn("wp:docPr")):
        properties.set("descr", plain(part["alt"]))
    made.add_paragraph(plain(part["source"]), style="Caption").paragraph_format.keep_together = True


def room(made: Written) -> int:
    """What a line has of the page, between its margins."""
    section: Any = made.sections[-1]
    return section.page_width - section.left_margin - section.right_margin


def widths(head: list[str], rows: list[list[str]]) -> list[float]:
    """Each column's share of the table: as the root of how much it says, and no less than its longest word."""
    columns = [[plain(cell) for cell in column] for column in zip(head, *rows, strict=True)]
    said = [max(sum(map(len, column)) / len(column), 1) ** 0.5 for column in columns]
    least = [LETTER * max(len(word) for cell in column for word in cell.split() or [""]) for column in columns]
    shares = [max(one / sum(said), low) for one, low in zip(said, least, strict=True)]
    return [share / sum(shares) for share in shares]


def write_table(made: Written, part: dict) -> None:
    """Rows stay whole, and no row stands alone on a page: the first keeps to the head, the last to the one before."""
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
    table.autofit, last = False, len(table.rows) - 1
    for column, share in zip(table.columns, widths(part["head"], part["rows"]), strict=True):
        column.width = int(share * room(made))
        for cell in column.cells:
            cell.width = column.width
    for number, row in enumerate(table.rows):
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.space_after = Pt(1)
            cell.paragraphs[0].paragraph_format.keep_with_next = number < last and (number < KEPT or number >= last - KEPT)
            for run in cell.paragraphs[0].runs:
                run.font.size = Pt(CELL)
    after = made.add_paragraph()
    after.paragraph_format.space_after, after.paragraph_format.line_spacing = Pt(0), Pt(6)


WRITERS = {"title": write_text, "heading": write_text, "kicker": write_text, "plain": write_text, "answer": write_answer,
           "list": write_list, "verdict": write_verdict, "figure": write_figure, "table": write_table}  # fmt: skip


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


def write_pdf(page: Path, target: Path, unfolded: bool = False) -> Path:
    """A page of this kit on A4 with page numbers; `unfolded`: with what stands behind its folds. Raises InputError without a browser or
    where it prints nothing."""
    program = browser()
    with private_folder() as folder:
        made, shown = folder / "page.pdf", page.resolve()
        if unfolded:
            shown = folder / "page.html"
            write_bytes(shown, page.read_bytes().replace(b"<details>", b"<details open>"))
        flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={made}"]  # fmt: skip
        flags += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # the sandbox refuses the superuser
        try:
            done = subprocess.run([program, *flags, shown.as_uri()], capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise InputError(f"{page.name}: the browser did not finish within {SECONDS} s") from None
        if done.returncode or not made.is_file() or not is_pdf(made.read_bytes()):
            told = f"{page.name}: {Path(program).name} printed nothing, or not all"
            raise RunFailed(f"{told}: {short}") if (short := shortage(Path(folder))) else InputError(told)
        write_bytes(target, made.read_bytes())
    return target
