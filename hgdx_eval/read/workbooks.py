"""Workbooks (XLSX, XLSM, XLS, ODS) as sheets of text. What is inside is looked at before it is opened: a small file can hold a mountain.

Cells give the values stored in them: formulas are never computed, links to other files never followed.
"""

import itertools
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from xml.parsers import expat
from xml.parsers.expat import ExpatError

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from ..base.errors import InputError, RunFailed
from ..base.machine import blame, memory_left
from .database import TYPED
from .kinds import ENDINGS, MEMBERS, kind_of, plain_name
from .sheets import Sheet, untyped

FULL = {"xlsx": 1_048_576, "xls": 65_536, "ods": 1_048_576}  # rows that a sheet can hold: a table of so many was probably cut
BYTES = 350 << 20  # unpacked; a list of about 250,000 dossiers
CELLS = 8_000_000  # between the first cell of a sheet and its last: so many are held at once
COLUMNS = 702  # A to ZZ
LOOK = 50  # rows by which a sheet is empty
BLOCK = 1 << 20
TRIED_MEMORY, TRIED_SECONDS, TRIED_WAIT = 512 << 20, 60, 600  # of the process in which a workbook is opened first: bytes, seconds of
# work, seconds altogether on a busy computer
TRY = """
import sys
try:
    from python_calamine import load_workbook
except (ImportError, OSError, MemoryError):
    sys.exit(3)  # too little of the machine for anything to be opened
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
except (ImportError, OSError, ValueError):  # Windows, and systems that know no such limit
    pass
try:
    book = load_workbook(open(sys.argv[1], "rb") if sys.argv[4] else sys.argv[1])
except MemoryError:
    raise
except Exception:
    sys.exit(0)  # the file is told to be unreadable by whoever reads it
for name in book.sheet_names:
    try:
        for row in book.get_sheet_by_name(name).iter_rows():
            pass
    except MemoryError:
        raise
    except Exception:
        pass
"""
TAG = re.compile(rb"<(?:[^\s<>/:]+:)?(?:c|row)[\s/>]")
PLAIN = re.compile(rb"""<(?:[^\s<>/:]+:)?(c|row)(?:\s+[\w:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*?\s+r\s*=\s*["']([A-Z]{0,2})([0-9]{1,7})["']""")
ADDRESS = re.compile(r"([A-Z]{0,3})([0-9]{1,7})", re.ASCII)
EMPTY = re.compile(
    rb"""<(?:[^\s<>/:]+:)?c(?:\s+[\w:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*?\s+r\s*=\s*["'][A-Z]{1,3}[0-9]{1,7}["']"""
    rb"""(?:\s+[\w:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(?:/>|>\s*</(?:[^\s<>/:]+:)?c>)"""
)
ERROR_CELL = re.compile(rb"""<(?:[^\s<>/:]+:)?c\s[^<>]*?\bt\s*=\s*["']e["']""")
UNSTORED = re.compile(rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>")


def workbook_sheets(path: Path, kind: str) -> Iterator[Sheet]:
    """The sheets of a workbook of a kind of FULL, in its order; dates in ISO form, whole numbers without a decimal point, numbers with
    `TYPED` behind them. One sheet at a time is held.

    Raises InputError: not a workbook, protected, unpacked too large, calculated cells without a stored value.
    """
    told = path.stat()
    spoilt = tried(path, kind, told.st_size, told.st_mtime_ns)
    errors = error_cells(path, spoilt) if spoilt else {}
    with readable(path):
        book = load_workbook(path.open("rb") if misnamed(path, kind) else str(path))
        known = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    merged = merged_in_ods(path) if kind == "ods" else {}
    for one in known:
        sheet = loaded(path, book, one.name)
        mine = errors.get(one.name, {})
        rows = partial(padded, path, sheet, mine) if len(known) == 1 else partial(padded_anew, path, book, one.name, mine)
        full = FULL[kind] if sheet.end is not None and sheet.end[0] + 1 >= FULL[kind] else 0
        held = merged.get(one.name, ()) if kind == "ods" else tuple(sheet.merged_cell_ranges or ())
        yield Sheet(one.name, rows, one.visible == SheetVisibleEnum.Visible, held, full)


def misnamed(path: Path, kind: str) -> bool:
    """Whether a workbook goes by an ending that is not its own: the library believes endings, unless it is given the bytes."""
    return path.suffix.lower() not in ENDINGS[kind]


def loaded(path: Path, book: CalamineWorkbook, name: str) -> CalamineSheet:
    with readable(path):
        return book.get_sheet_by_name(name)


def padded_anew(path: Path, book: CalamineWorkbook, name: str, errors: dict[int, dict[int, str]]) -> Iterator[list[str]]:
    return padded(path, loaded(path, book, name), errors)


def named_sheets(path: Path, wanted: Iterable[str], most: int) -> dict[str, list[list[str]]]:
    """The named sheets of a workbook, those that there are, as at most `most` rows of text; hidden ones only where none can be seen.

    Raises InputError like `workbook_sheets`, and for what is no workbook."""
    kind = kind_of(path)
    if kind not in FULL:
        raise unreadable(path)
    found = [sheet for sheet in workbook_sheets(path, kind) if sheet.name in wanted]
    seen = [sheet for sheet in found if sheet.visible] or found
    return {sheet.name: untyped(itertools.islice(sheet.rows(), most)) for sheet in seen}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever the library of workbooks raises as one InputError."""
    try:
        yield
    except PasswordError:
        raise InputError(f"{path.name}: protected by a password; save it without one") from None
    except (CalamineError, OSError, ValueError, KeyError) as error:
        raise blame(error, unreadable(path)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what its Rust code ends in where it gives up; no Exception
            raise
        raise unreadable(path) from None


def unreadable(path: Path) -> InputError:
    return InputError(f"{path.name}: not a readable workbook")


@lru_cache(64)
def tried(path: Path, kind: str, size: int, changed: int) -> tuple[str, ...]:
    """Names of the parts of an XLSX workbook that hold error values. Raises InputError for a workbook that must not be opened here: its
    inside is looked at, then another process opens it, for a spoilt one can end the process that does, or take all of its memory. `size`,
    `changed`: of the file that was tried."""
    spoilt = look_inside(path, kind)
    left = memory_left()
    most = TRIED_MEMORY if left is None else min(TRIED_MEMORY, left)
    try:
        done = subprocess.run([sys.executable, "-P", "-c", TRY, str(path), str(most), str(TRIED_SECONDS),
                               "misnamed" if misnamed(path, kind) else ""], timeout=TRIED_WAIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(f"{path.name}: not opened within {TRIED_WAIT} s; save it as .csv") from None
    if done.returncode == 3 or (done.returncode and most < TRIED_MEMORY):
        raise RunFailed(f"{path.name}: not opened within the limits of this process (memory, files, processes): raise them (ulimit -a)")
    if done.returncode:
        raise InputError(f"{path.name}: not a readable workbook, or one that needs more than {TRIED_MEMORY >> 20} MB of memory or "
                         f"{TRIED_SECONDS} s; save it as .csv")  # fmt: skip
    return spoilt


def padded(path: Path, sheet: CalamineSheet, errors: dict[int, dict[int, str]]) -> Iterator[list[str]]:
    """The rows from the first row and column of the sheet on, wherever its first cell stands. `errors`: row -> column -> error value, both
    from 0, which the library reads as nothing."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    with readable(path):
        for number, row in enumerate(sheet.iter_rows()):
            cells = left + [typed_text(cell) for cell in row]
            for column, text in errors.get(number, {}).items():
                cells[column : column + 1] = [text]
            yield cells


def typed_text(cell: object) -> str:
    """A cell as text, a number with `TYPED` behind it."""
    return cell_text(cell) + TYPED if isinstance(cell, (int, float)) and not isinstance(cell, bool) else cell_text(cell)


def cell_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(sep=" ") if hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)


def look_inside(path: Path, kind: str) -> tuple[str, ...]:
    """Names of parts with error values, of an XLSX workbook. Raises InputError for an archive that is no workbook or unpacks to more than a
    computer should hold."""
    if kind == "xls":
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS or sum(member.file_size for member in members) > BYTES:
                raise too_large(path)
            if kind == "xlsx":
                return look_at_xlsx(path, archive, members)
            look_at_ods(path, archive, members)
            return ()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, ExpatError, NotImplementedError, RuntimeError,
            zlib.error) as error:  # fmt: skip
        raise blame(error, unreadable(path)) from None


def look_at_xlsx(path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> tuple[str, ...]:
    left, named, spoilt = BYTES, named_parts(archive, members), []
    for member in members:
        may_be_sheet = member.filename.lower().endswith(".xml") or base_name(member.filename) in named
        size, addressed, errors = look_at(path, archive, member, left)
        left -= size
        spoilt += [member.filename] if errors else []
        if may_be_sheet and not addressed:
            count_cells(path, archive, member)
    return tuple(spoilt)


def error_cells(path: Path, parts: tuple[str, ...]) -> dict[str, dict[int, dict[int, str]]]:
    """Sheet -> row -> column (from 0) -> error value (#N/A) of the parts of an XLSX workbook that hold some."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, part in sheet_parts(path, archive).items():
                if part in parts:
                    found[name] = errors_in(path, archive, archive.getinfo(part))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, ExpatError, KeyError, zlib.error) as error:
        raise blame(error, unreadable(path)) from None
    return found


def sheet_parts(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """Name of a sheet -> the part of the workbook that holds it."""
    sheets: dict[str, str] = {}
    targets: dict[str, str] = {}

    def sheet(name: str, told: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "sheet":
            sheets[told.get("name", "")] = next((value for key, value in told.items() if key.endswith(":id")), "")

    def relation(name: str, told: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Relationship":
            targets[told.get("Id", "")] = told.get("Target", "")

    for part, begin in (("xl/workbook.xml", sheet), ("xl/_rels/workbook.xml.rels", relation)):
        parse_part(path, archive, archive.getinfo(part), begin, lambda name: None)
    at = {key: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for key, target in targets.items()}
    return {name: at.get(key, "") for name, key in sheets.items()}


def errors_in(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> dict[int, dict[int, str]]:
    """Row -> column (from 0) -> error value. A cell without an address stands right of the one before it, such a row below it."""
    row, column, wrong, inside, text = 0, 0, False, False, ""
    found: dict[int, dict[int, str]] = {}

    def begin(name: str, told: dict[str, str]) -> None:
        nonlocal row, column, wrong, inside, text
        kind = name.rpartition(":")[2]
        place = ADDRESS.fullmatch(told.get("r", "")) if kind in ("row", "c") else None
        if kind == "row":
            row, column = int(place[2]) if place else row + 1, 0
        elif kind == "c":
            column, wrong, text = column_number(place[1]) if place else column + 1, told.get("t") == "e", ""
        inside = wrong and kind == "v"

    def end(name: str) -> None:
        nonlocal wrong, inside
        inside, ended = False, name.rpartition(":")[2] == "c"
        if ended and wrong:
            found.setdefault(row - 1, {})[column - 1] = text or "#N/A"
        wrong = wrong and not ended

    def letters(told: str) -> None:
        nonlocal text
        text += told if inside else ""

    parse_part(path, archive, member, begin, end, letters)
    return found


def look_at_ods(path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    left = BYTES
    for member in members:
        with archive.open(member) as stream:
            while block := stream.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise too_large(path)
        if plain_name(member.filename) == "content.xml":
            count_repeated(path, archive, member)


def too_large(path: Path) -> InputError:
    return InputError(f"{path.name}: unpacked it is larger than {BYTES >> 20} MB or {CELLS:,} cells; save it as .csv")


def too_wide(path: Path) -> InputError:
    return InputError(f"{path.name}: cells beyond column {COLUMNS} or at no address; save the table alone")


def base_name(name: str) -> bytes:
    return re.split(r"[/\\]", name.lower())[-1].encode("utf-8", "replace")


def named_parts(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    """What tells the names of a workbook's sheets: a picture is none, whatever its bytes look like."""
    told = []
    for member in members:
        if base_name(member.filename) == b"workbook.xml.rels":
            with archive.open(member) as stream:
                told.append(stream.read(BLOCK).lower())
    return b" ".join(told)


def column_number(letters: str) -> int:
    return sum((ord(letter) - 64) * 26**i for i, letter in enumerate(reversed(letters)))


def look_at(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> tuple[int, bool, bool]:
    """(bytes that a member really unpacks to, whatever the archive says; whether all its rows and cells plainly tell where they are;
    whether some cell holds an error value).

    Raises InputError for more than `left`, and for a sheet whose cells lie too far apart, or are formulas without a stored value."""
    size, rows, columns, held, addressed, errors = 0, 1, 1, b"", True, False
    with archive.open(member) as stream:
        while True:
            block = stream.read(BLOCK)
            size += len(block)
            if size > left:
                raise too_large(path)
            seen = held + block
            cut = max(seen.rfind(b"<c"), len(seen) - BLOCK) if block else len(seen)  # a cell is looked at whole
            seen, held = seen[:cut], seen[cut:]
            if UNSTORED.search(seen):
                raise InputError(f"{path.name}: holds formulas without a stored value; save it in a spreadsheet program first")
            errors = errors or ERROR_CELL.search(seen) is not None
            seen = EMPTY.sub(b"", seen)  # formatted and empty: no cell
            places = PLAIN.findall(seen)
            addressed = addressed and len(TAG.findall(seen)) == len(places)
            columns = max([columns, *(column_number(name.decode()) for name in {name for _, name, _ in places})])
            rows = max([rows, *map(int, {row for tag, _, row in places if tag == b"c"})])
            if addressed and rows * columns > CELLS:
                raise too_large(path)
            if not block:
                return size, addressed, errors


def count_cells(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises InputError for a sheet whose cells with content lie too far apart, where some do not plainly tell where they are: a cell
    without an address stands right of the one before it, such a row below the one before it. Slow, and so only for those."""
    row, column, at, inside, most = 0, 0, 0, False, (1, 1)

    def begin(name: str, told: dict[str, str]) -> None:
        nonlocal row, column, at, inside, most
        kind = name.rpartition(":")[2]
        if kind not in ("row", "c"):
            if inside:  # something stands in the cell
                most = spread(path, *most, at, column)
            return
        inside, place = kind == "c", ADDRESS.fullmatch(told.get("r", "A1"))
        if not place:
            raise too_wide(path)
        if kind == "row":
            row, column = int(place[2]) if "r" in told else row + 1, 0
        else:
            column, at = (column_number(place[1]), int(place[2])) if "r" in told else (column + 1, row)

    def end(name: str) -> None:
        nonlocal inside
        inside = inside and name.rpartition(":")[2] != "c"

    parse_part(path, archive, member, begin, end)


def spread(path: Path, rows: int, columns: int, row: int, column: int) -> tuple[int, int]:
    """(rows, columns) of a sheet with one more cell. Raises InputError where they are too many."""
    rows, columns = max(rows, row), max(columns, column)
    if columns > COLUMNS:
        raise too_wide(path)
    if rows * columns > CELLS:
        raise too_large(path)
    return rows, columns


def count_repeated(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises InputError for an OpenDocument sheet whose cells with content lie too far apart: one may stand for many rows and columns."""
    row, column, high, wide, inside, most = 0, 0, 1, 1, False, (1, 1)

    def begin(name: str, told: dict[str, str]) -> None:
        nonlocal row, column, high, wide, inside, most
        if name == "table:table":
            row, most = 0, (1, 1)
        elif name == "table:table-row":
            high, column = int(told.get("table:number-rows-repeated", 1)), 0
        elif name in ("table:table-cell", "table:covered-table-cell"):
            wide, inside = int(told.get("table:number-columns-repeated", 1)), True
            column += wide
            if "office:value-type" in told:
                most = spread(path, *most, row + high, column)
        elif inside:
            most = spread(path, *most, row + high, column)

    def end(name: str) -> None:
        nonlocal row, inside
        row += high if name == "table:table-row" else 0
        inside = inside and name not in ("table:table-cell", "table:covered-table-cell")

    parse_part(path, archive, member, begin, end)


def merged_in_ods(path: Path) -> dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]]:
    """Merged cells of an OpenDocument file by sheet, ((first row, column), (last row, column)) from 0: the library tells those of other
    workbooks only."""
    found: dict[str, list] = {}
    sheet, row, column, high = "", 0, 0, 1

    def begin(name: str, told: dict[str, str]) -> None:
        nonlocal sheet, row, column, high
        if name == "table:table":
            sheet, row = told.get("table:name", ""), 0
        elif name == "table:table-row":
            high, column = int(told.get("table:number-rows-repeated", 1)), 0
        elif name in ("table:table-cell", "table:covered-table-cell"):
            down, across = (int(told.get(f"table:number-{what}-spanned", 1)) for what in ("rows", "columns"))
            if (down, across) != (1, 1):
                found.setdefault(sheet, []).append(((row, column), (row + down - 1, column + across - 1)))
            column += int(told.get("table:number-columns-repeated", 1))

    def end(name: str) -> None:
        nonlocal row
        row += high if name == "table:table-row" else 0

    with readable(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if plain_name(member.filename) == "content.xml":
                parse_part(path, archive, member, begin, end)
    return {name: tuple(cells) for name, cells in found.items()}


def parse_part(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, begin: Callable, end: Callable, letters: Callable | None = None
) -> None:
    """Tell of a part's elements and letters, none of them held. Raises InputError for a document type, which may declare entities."""

    def declared(*_: object) -> None:
        raise unreadable(path)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = begin, end, declared
    parser.CharacterDataHandler = letters
    with archive.open(member) as stream:
        read = 0
        while block := stream.read(BLOCK):
            parser.Parse(block)
            read += len(block)
            if read - parser.CurrentByteIndex > 4 * BLOCK:  # a tag without end, which would be held as a whole
                raise unreadable(path)
        parser.Parse(b"", True)
