"""Tables in markup: web pages (HTML), which many systems save as .xls, and Excel's XML of 2003 (SpreadsheetML).

Nothing is fetched, no script runs, no entity is declared; elements are told one by one, in time that grows with the file alone.
"""

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ..base.errors import InputError
from ..base.machine import reading
from .database import TYPED
from .sheets import Sheet
from .text import encoding_of

BYTES = 64 << 20
CELLS = 2_000_000
TAGS = 5_000_000
BLOCK = 1 << 18
WIDTH = 1_000  # columns
NUMBER = "\0"  # behind a number that a cell of a page tells beside its text
HIDDEN = ("script", "style", "template", "title", "textarea")
REST = r"""(?:[^<>"']++|"[^"]{0,2000}+"|'[^']{0,2000}+')*+>"""  # of a tag: quotes may hold its end; never gone through twice
TAG = re.compile(rf"<!--|<(/?)(table|tr|td|th|br|p|div|li|{'|'.join(HIDDEN)})(?=[\s/>])({REST})", re.IGNORECASE)
OTHER_TAG = re.compile(rf"<[/a-zA-Z!?]{REST}")


@dataclass
class Grid:
    """One table while it is told."""

    name: str
    visible: bool = True
    rows: list[list[str]] = field(default_factory=list)
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)  # column -> last row of a merged cell that stands there

    def put(self, text: str, down: int = 0, across: int = 0) -> int:
        """By how much its row has become wider by a cell right of the one before it, and of merged ones from above."""
        row, at = self.rows[-1], len(self.rows) - 1
        before = len(row)
        while self.taken.get(len(row), -1) >= at:
            row.append("")
        column = len(row)
        if down:
            self.merged.append(((at, column), (at + down, column + across)))
            self.taken |= {column + i: at + down for i in range(across + 1)}
        row.extend([text, *[""] * across])
        return len(row) - before

    def sheet(self) -> Sheet:
        return Sheet(self.name, lambda: map(list, self.rows), self.visible, tuple(self.merged))


class Limits:
    """What one file of markup may hold, counted as it is told. Raises InputError beyond."""

    def __init__(self, path: Path) -> None:
        self.path, self.cells, self.tags = path, 0, 0

    def tag(self) -> None:
        self.tags += 1
        if self.tags > TAGS:
            raise self.too_large()

    def cell(self, width: int) -> None:
        self.cells += max(1, width)
        if self.cells > CELLS or width > WIDTH:
            raise self.too_large()

    def too_large(self) -> InputError:
        return InputError(f"{self.path.name}: more than {BYTES >> 20} MB, {CELLS:,} cells, {WIDTH:,} columns or {TAGS:,} tags of markup; "
                          f"save it as .xlsx or .csv")  # fmt: skip


def number_of(text: str | None, least: int = 0) -> int:
    return max(least, int(text)) if text and re.fullmatch(r"\d{1,7}", text.strip(), re.ASCII) else least


class Page:
    """The tables of a web page, told tag by tag; one inside another stands for itself."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.found = limits, []
        self.open: list[tuple[Grid, int]] = []  # tables, and how many cells stood open outside
        self.cells: list[tuple[list[str], int, int]] = []  # of the open tables: pieces of text, rows and columns more

    def begin(self, tag: str, told: str) -> None:
        if tag == "table":
            self.found.append(Grid(str(len(self.found) + 1)))
            self.open.append((self.found[-1], len(self.cells)))
        elif tag == "tr" and self.open:
            self.end_cell()
            self.limits.cell(1)
            self.open[-1][0].rows.append([])
        elif tag in ("td", "th") and self.open:
            self.end_cell()
            down, across = number_of(attribute("rowspan", told), 1) - 1, number_of(attribute("colspan", told), 1) - 1
            self.limits.cell(across)
            number = attribute("x:num", told)  # as Excel saves what the cell holds beside what it shows
            self.cells.append(([number + TYPED, NUMBER] if number else [], down, across))
        else:
            self.data(" ")

    def end(self, tag: str) -> None:
        if tag in ("td", "th", "tr") and self.open:
            self.end_cell()
        elif tag == "table" and self.open:
            self.end_cell()
            self.open.pop()

    def data(self, text: str) -> None:
        if self.cells and self.cells[-1][0][1:] != [NUMBER]:
            self.cells[-1][0].append(text)

    def text(self, markup: str) -> None:
        """What stands between two tags."""
        if self.cells and markup:
            self.data(html.unescape(OTHER_TAG.sub("", markup) if "<" in markup else markup))

    def end_cell(self) -> None:
        """Put the open cell of the innermost table there."""
        grid, outside = self.open[-1]
        if len(self.cells) > outside:
            pieces, down, across = self.cells.pop()
            if not grid.rows:
                grid.rows.append([])
            text = pieces[0] if pieces[1:] == [NUMBER] else " ".join("".join(pieces).split())
            self.limits.cell(grid.put(text, down, across))
            if len(grid.rows[-1]) > WIDTH:
                raise self.limits.too_large()


def attribute(name: str, told: str) -> str | None:
    found = re.search(rf"""(?:^|[\s"'/]){name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", told, re.IGNORECASE)
    return found and next((html.unescape(value) for value in found.groups() if value is not None), None)


def html_sheets(path: Path) -> Iterator[Sheet]:
    """The tables of a web page as sheets. Raises InputError: none, or more than may be held."""
    limits = Limits(path)
    page = Page(limits)
    with reading(path):
        if path.stat().st_size > BYTES:
            raise limits.too_large()
        text = path.read_bytes().decode(encoding_of(path), "replace")
    tell(page, text)
    while page.open:
        page.end("table")
    if not any(cell.strip() for grid in page.found for row in grid.rows for cell in row):
        raise InputError(f"{path.name}: a web page without a table (a page to log in, an error?), whatever it is called: open it in a "
                         f"browser, and save the table as .xlsx or .csv")  # fmt: skip
    yield from (grid.sheet() for grid in page.found)


def tell(page: Page, text: str) -> None:
    """The tags of TAG and what stands between them; comments, scripts and styles are passed over."""
    at = 0
    while found := TAG.search(text, at):
        page.limits.tag()
        page.text(text[at : found.start()])
        at, tag = found.end(), (found[2] or "").lower()
        if found[0] == "<!--" or tag in HIDDEN and not found[1]:
            end = re.compile("-->" if found[0] == "<!--" else f"</{tag}", re.IGNORECASE).search(text, at)
            at = end.end() if end else len(text)
        elif found[1]:
            page.end(tag)
        else:
            page.begin(tag, found[3])
    page.text(text[at:])


class Book:
    """The worksheets of a SpreadsheetML file, told by expat; names without their namespace."""

    def __init__(self, path: Path) -> None:
        self.limits, self.found, self.text = Limits(path), [], None
        self.kind, self.merge, self.row = "", (0, 0), 0

    def begin(self, name: str, told: dict[str, str]) -> None:
        self.limits.tag()
        tag, told = name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in told.items()}
        if tag == "Worksheet":
            self.found.append(Grid(told.get("Name", str(len(self.found) + 1))))
        elif not self.found:
            return
        elif tag == "Row":
            grid = self.found[-1]
            missing = max(0, number_of(told.get("Index")) - 1 - len(grid.rows))
            self.limits.cells += missing
            self.limits.cell(1)
            grid.rows.extend([] for _ in range(missing + 1))
        elif tag == "Cell" and self.found[-1].rows:
            row, index = self.found[-1].rows[-1], number_of(told.get("Index"))
            self.merge = number_of(told.get("MergeDown")), number_of(told.get("MergeAcross"))
            self.limits.cell(max(index - len(row), self.merge[1]))
            row.extend([""] * (index - 1 - len(row)))
            self.text, self.kind = [], ""
        elif tag == "Data" and self.text is not None:
            self.kind = told.get("Type", "String")
        elif tag == "Visible":
            self.text = []

    def end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "Cell" and self.text is not None and self.found[-1].rows:
            self.limits.cell(self.found[-1].put(self.typed("".join(self.text)), *self.merge))
            self.text = None
        elif tag == "Visible" and self.text is not None:
            self.found[-1].visible = "".join(self.text).strip() not in ("SheetHidden", "SheetVeryHidden")
            self.text = None

    def typed(self, text: str) -> str:
        """A cell by the type that it says it has."""
        if self.kind == "Number":
            with suppress(ValueError):
                number = float(text)
                return (str(int(number)) if number.is_integer() else str(number)) + TYPED
        if self.kind == "DateTime":
            return re.sub(r"(\d)T(\d)", r"\1 \2", text.strip()).removesuffix(".000").removesuffix(" 00:00:00")
        return text

    def data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)


def spreadsheetml_sheets(path: Path) -> Iterator[Sheet]:
    """The worksheets of Excel's XML of 2003. Raises InputError: not well-formed, a document type, more than may be held."""
    book = Book(path)

    def declared(*_: object) -> None:
        raise InputError(f"{path.name}: XML with a document type, which may declare anything; save it as .xlsx")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = book.begin, book.end, book.data
    parser.StartDoctypeDeclHandler = declared
    with reading(path):
        if path.stat().st_size > BYTES:
            raise book.limits.too_large()
        with path.open("rb") as file:
            try:
                while block := file.read(BLOCK):
                    parser.Parse(block)
                parser.Parse(b"", True)
            except (expat.ExpatError, ValueError, OverflowError):
                raise InputError(f"{path.name}: not readable as a workbook in XML; save it as .xlsx") from None
    yield from (grid.sheet() for grid in book.found)
