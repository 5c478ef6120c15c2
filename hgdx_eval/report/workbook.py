"""All tables of a run in one workbook: one sheet a table, numbers as numbers, dates as dates, texts never formulas; the same run, the
same bytes."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ..base.aside import write_bytes, write_text
from ..base.errors import InputError
from ..base.safe_text import FORMULA, harmless
from ..study.words import Words
from .tables import Table, unbundled

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")  # XML has no place for these
HEADING = re.compile(r"#{1,2} +(.+)")
MADE = datetime(2000, 1, 1)  # what the file says of its own making: of two equal runs the same
NAME_MOST, TEXT_MOST, FOOT_MOST = 31, 32_767, 100  # letters of a sheet's name, of a cell and of what stands below a page
WIDTHS, LINE = (11, 46), 13  # of a column, in letters; of a line, in points
HEAD_ROW = 3  # under section, title and mark
DAYS = {"vi": {"D": "dd/mm/yyyy", "M": "mm/yyyy"}, "en": {"D": "d mmm yyyy", "M": "mmm yyyy"}}
BASE = {"font_name": "Arial", "font_size": 10, "valign": "top"}
TITLE, MARK = {"bold": True, "font_size": 13}, {"bold": True, "bg_color": "#FFF1C2", "font_color": "#4A3500"}
HEAD = {"bold": True, "text_wrap": True, "bottom": 1, "bg_color": "#E6EAEE", "valign": "vcenter"}
LINK = {"font_color": "#0B4F8A", "underline": 1}
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
FIRST_YEAR = 1900  # of a spreadsheet's calendar; what lies before stays text


@dataclass(frozen=True)
class Sheet:
    """A table in its place: the number and title of its section."""

    name: str
    section: str
    table: Table


def sheets_of(notebooks: Iterable[NotebookNode], lang: str) -> list[Sheet]:
    """Every table that the notebooks of a language show, once, by the headings under which it stands first, in the order of the page."""
    found: dict[str, list[Table]] = {}
    seen = set()
    for notebook in notebooks:
        section = ""
        for cell in notebook.cells:
            heading = HEADING.match(cell.source) if cell.cell_type == "markdown" and lang_of(cell) in (lang, None) else None
            section = heading[1].strip() if heading else section
            for output in cell.outputs if cell.cell_type == "code" else ():
                for table in unbundled(output.get("data", {})):
                    told = repr((table.heads, table.rows))
                    if told not in seen:
                        seen.add(told)
                        found.setdefault(section, []).append(table)
    return [Sheet(sheet_name(f"{i}.{j} {section}"), section, table) for i, (section, tables) in enumerate(found.items(), start=1)
            for j, table in enumerate(tables, start=1)]  # fmt: skip


def lang_of(cell: NotebookNode) -> str | None:
    return next((tag for tag in cell.metadata.get("tags", []) if tag in ("vi", "en")), None)


def sheet_name(text: str) -> str:
    """As spreadsheets allow it: at most 31 letters, none of []:*?/\\, cut between words."""
    text = " ".join(re.sub(r"[\[\]:*?/\\']", " ", clean(text)).split())
    return text if len(text) <= NAME_MOST else text[: NAME_MOST - 1].rsplit(" ", 1)[0].rstrip(" ,;–-") + "…"


def clean(text: str) -> str:
    return ILLEGAL.sub("", str(text))[:TEXT_MOST]


def workbook(sheets: list[Sheet], title: str, about: list[tuple[str, str]], mark: str, words: Words) -> bytes:
    """The file. `title`: of the report; `about`: (what, text) of the first sheet; `mark`: what stands on every sheet of simulated data,
    "" where they are real."""
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, OPTIONS) as book:
        book.set_properties({"title": clean(title), "comments": clean(mark), "created": MADE})
        styles = Styles(book, words.lang)
        write_contents(book.add_worksheet(sheet_name(words("workbook.contents"))), sheets, title, about, mark, styles, words)
        for sheet in sheets:
            write_table(book.add_worksheet(sheet.name), sheet, mark, styles, words)
    return stream.getvalue()


def save_tables(tables: Sequence[Table], target: Path, lang: str) -> Path:
    """Tables out of a notebook: `target` by its ending. Raises InputError."""
    import xlsxwriter

    ending = target.suffix.lower()
    if ending not in (".csv", ".xlsx"):
        raise InputError(f"{target.name}: {ending or 'no ending'!r}; allowed: .csv, .xlsx")
    if not tables or (ending == ".csv" and len(tables) > 1):
        allowed = ".xlsx, which has a sheet for each" if tables else "a block with a table: others are text alone"
        raise InputError(f"{target.name}: {len(tables)} tables; allowed: {allowed}")
    if ending == ".csv":
        text = tables[0].frame.map(harmless).rename(columns=harmless).to_csv(index=False, lineterminator="\n")
        write_text(target, "\ufeff" + text)  # the mark by which spreadsheets know UTF-8
        return target
    stream, words = io.BytesIO(), Words(lang)
    with xlsxwriter.Workbook(stream, OPTIONS) as book:
        book.set_properties({"created": MADE})
        styles = Styles(book, lang)
        for number, table in enumerate(tables, start=1):
            name = sheet_name(f"{number} {table.title or table.name}")
            write_table(book.add_worksheet(name), Sheet(name, "", table), "", styles, words)
    write_bytes(target, stream.getvalue())
    return target


class Styles:
    """Formats of one workbook, each made once, by their properties."""

    def __init__(self, book: Any, lang: str) -> None:
        self.book, self.days = book, DAYS[lang]
        self.made: dict[tuple, Any] = {}

    def __call__(self, properties: dict) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({**BASE, **properties})
        return self.made[key]


def write_contents(page: Any, sheets: list[Sheet], title: str, about: list[tuple[str, str]], mark: str, styles: Styles,
                   words: Words) -> None:  # fmt: skip
    """The first sheet: what the report is, and a list of the others, each a link inside the file."""
    set_up(page, mark, words)
    page.set_column(0, 0, 30)
    page.set_column(1, 1, 34)
    page.set_column(2, 2, 80)
    put_text(page, 0, 0, title, styles, **TITLE)
    if mark:
        put_text(page, 1, 0, mark, styles, **MARK)
    for row, (what, text) in enumerate(about, start=2):
        put_text(page, row, 0, what, styles, font_color="#505B67")
        put_text(page, row, 1, text, styles)
    head = len(about) + 3
    for column, name in enumerate(("sheet", "section", "table", "rows")):
        put_text(page, head, column, words(f"workbook.{name}"), styles, **HEAD)
    for row, sheet in enumerate(sheets, start=head + 1):
        page.write_url(row, 0, f"internal:'{sheet.name}'!A1", styles(LINK), sheet.name)
        page.set_row(row, LINE * lines((sheet.section, sheet.table.title), [32, 78]))
        put_text(page, row, 1, sheet.section, styles, text_wrap=True)
        put_text(page, row, 2, sheet.table.title, styles, text_wrap=True)
        page.write_number(row, 3, len(sheet.table.rows), styles({"num_format": "#,##0"}))


def write_table(page: Any, sheet: Sheet, mark: str, styles: Styles, words: Words) -> None:
    """Section, title and mark, then the table under its heads, which stay in sight."""
    table = sheet.table
    set_up(page, mark, words)
    put_text(page, 0, 0, sheet.section, styles, font_color="#505B67")
    put_text(page, 1, 0, table.title, styles, **TITLE)
    if mark:
        put_text(page, 2, 0, mark, styles, **MARK)
    wide = [width(head, [row[column] for row in table.rows]) for column, head in enumerate(table.heads)]
    for column, head in enumerate(table.heads):
        put_text(page, HEAD_ROW, column, head, styles, **HEAD)
        page.set_column(column, column, wide[column])
    for row, cells in enumerate((table.heads, *table.rows), start=HEAD_ROW):
        page.set_row(row, LINE * lines(cells, wide))
    for row, cells in enumerate(table.rows, start=HEAD_ROW + 1):
        for column, cell in enumerate(cells):
            put(page, row, column, cell, styles)
    page.freeze_panes(HEAD_ROW + 1, 1)
    page.repeat_rows(HEAD_ROW)
    page.autofilter(HEAD_ROW, 0, HEAD_ROW + max(len(table.rows), 1), max(len(table.heads) - 1, 0))


def set_up(page: Any, mark: str, words: Words) -> None:
    """A4 across, as wide as the page, the mark and the page's number below."""
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer(f"&L{clean(mark)[:FOOT_MOST].replace('&', '&&')}&R{words('report.page')} &P/&N")


def width(head: str, cells: list) -> float:
    """Letters that a column needs, within limits: long texts run on or wrap."""
    longest = max([len(word) for word in head.split()] + [len(cell) if isinstance(cell, str) else 9 for cell in cells], default=9)
    return min(max(longest + 3, WIDTHS[0]), WIDTHS[1])


def lines(cells: Sequence, wide: list[float]) -> int:
    """How many lines the longest text of a row takes: not every program works it out by itself."""
    texts = [(len(cell), most) for cell, most in zip(cells, wide, strict=True) if isinstance(cell, str)]
    return max([1 if length <= most else ceil(1.1 * length / most) for length, most in texts], default=1)


def put(page: Any, row: int, column: int, cell: Any, styles: Styles) -> None:
    """One cell with its type."""
    kind, value = cell if isinstance(cell, (list, tuple)) else ("", cell)
    if value is None:
        return
    if kind in styles.days:
        day = date.fromisoformat(value)
        if day.year < FIRST_YEAR:
            put_text(page, row, column, value, styles)
        else:
            page.write_datetime(row, column, day, styles({"num_format": styles.days[kind], "align": "left"}))
    elif isinstance(value, bool):
        page.write_boolean(row, column, value, styles({}))
    elif isinstance(value, (int, float)):
        form = kind or ("#,##0" if float(value).is_integer() else "General")
        page.write_number(row, column, value, styles({"num_format": form}))
    else:
        put_text(page, row, column, value, styles, text_wrap=len(str(value)) > WIDTHS[1])


def put_text(page: Any, row: int, column: int, text: str, styles: Styles, **properties: object) -> None:
    """A text as text, whatever it begins with: it stays one even where somebody opens the cell and closes it again."""
    text = clean(text)
    page.write_string(row, column, text, styles({**properties, "quote_prefix": True} if FORMULA.match(text) else properties))
