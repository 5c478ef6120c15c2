"""Workbooks (XLSX, XLS) as rows of text. What is inside is looked at before it is opened: a small file can hold a mountain.

Cells give the values stored in them: formulas are never computed, links to other files never followed.
"""

import itertools
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from xml.parsers import expat
from xml.parsers.expat import ExpatError

from python_calamine import CalamineError, CalamineSheet, PasswordError, load_workbook

from ..base.errors import InputError, RunFailed
from ..base.machine import blame, memory_left, reading

MEMBERS = 2_000  # files in the archive that a workbook is
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
    book = load_workbook(sys.argv[1])
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
OLE = b"\xd0\xcf\x11\xe0"
TAG = re.compile(rb"<(?:[^\s<>/:]+:)?(?:c|row)[\s/>]")
PLAIN = re.compile(rb"""<(?:[^\s<>/:]+:)?(?:c|row)(?:\s+[\w:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*?\s+r\s*=\s*["']([A-Z]{0,2})([0-9]{1,7})["']""")
ADDRESS = re.compile(r"([A-Z]{0,2})([0-9]{1,7})", re.ASCII)
UNSTORED = re.compile(rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>")


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the first sheet with anything in it, as text; dates in ISO form, whole numbers without a decimal point.

    Raises InputError: not a workbook, protected, unpacked too large, calculated cells without a stored value, empty.
    """
    for _, sheet in opened(path):
        rows = padded(path, sheet)
        first = list(itertools.islice(rows, LOOK))
        if any(cell.strip() for row in first for cell in row):
            return itertools.chain(first, rows)
    raise InputError(f"{path.name}: the file is empty")


def named_sheets(path: Path, wanted: Iterable[str], most: int) -> dict[str, list[list[str]]]:
    """The named sheets of a workbook, those that there are, as at most `most` rows of text. Raises InputError like `sheet_rows`."""
    return {name: list(itertools.islice(padded(path, sheet), most)) for name, sheet in opened(path) if name in wanted}


def opened(path: Path) -> Iterator[tuple[str, CalamineSheet]]:
    told = path.stat()
    tried(path, told.st_size, told.st_mtime_ns)
    with readable(path):
        book = load_workbook(str(path))
        names = book.sheet_names
    for name in names:
        with readable(path):
            sheet = book.get_sheet_by_name(name)
        yield name, sheet


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
def tried(path: Path, size: int, changed: int) -> None:
    """Raises InputError for a workbook that must not be opened here: its inside is looked at, then another process opens it, for a
    spoilt one can end the process that does, or take all of its memory. `size`, `changed`: of the file that was tried."""
    look_inside(path)
    left = memory_left()
    most = TRIED_MEMORY if left is None else min(TRIED_MEMORY, left)
    try:
        done = subprocess.run([sys.executable, "-P", "-c", TRY, str(path), str(most), str(TRIED_SECONDS)], timeout=TRIED_WAIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(f"{path.name}: not opened within {TRIED_WAIT} s; save it as .csv") from None
    if done.returncode == 3 or (done.returncode and most < TRIED_MEMORY):
        raise RunFailed(f"{path.name}: not opened within the limits of this process (memory, files, processes): raise them (ulimit -a)")
    if done.returncode:
        raise InputError(f"{path.name}: not a readable workbook, or one that needs more than {TRIED_MEMORY >> 20} MB of memory or "
                         f"{TRIED_SECONDS} s; save it as .csv")  # fmt: skip


def padded(path: Path, sheet: CalamineSheet) -> Iterator[list[str]]:
    """The rows from the first row and column of the sheet on, wherever its first cell stands."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    with readable(path):
        for row in sheet.iter_rows():
            yield left + [cell_text(cell) for cell in row]


def cell_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(sep=" ") if hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)


def look_inside(path: Path) -> None:
    """Raises InputError for an archive that is no workbook or unpacks to more than a computer should hold."""
    with reading(path), path.open("rb") as file:
        start = file.read(4)
    if start == OLE and path.suffix.lower() == ".xlsx":
        raise InputError(f"{path.name}: protected by a password, or an old .xls under another name; save it as .xlsx without a password")
    if start[:2] != b"PK":
        if path.suffix.lower() == ".xlsx":  # an archive may begin later, and is found by whoever opens it
            raise unreadable(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if "xl/workbook.xml" not in archive.namelist():
                raise unreadable(path)
            if len(members) > MEMBERS or sum(member.file_size for member in members) > BYTES:
                raise too_large(path)
            left, named = BYTES, named_parts(archive, members)
            for member in members:
                may_be_sheet = member.filename.lower().endswith(".xml") or base_name(member.filename) in named
                size, addressed = look_at(path, archive, member, left)
                left -= size
                if may_be_sheet and not addressed:
                    count_cells(path, archive, member)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, ExpatError, NotImplementedError, RuntimeError,
            zlib.error) as error:  # fmt: skip
        raise blame(error, unreadable(path)) from None


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


def look_at(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> tuple[int, bool]:
    """(bytes that a member really unpacks to, whatever the archive says; whether all its rows and cells plainly tell where they are).

    Raises InputError for more than `left`, and for a sheet whose cells lie too far apart, or are formulas without a stored value."""
    size, rows, columns, held, addressed = 0, 1, 1, b"", True
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
            places = PLAIN.findall(seen)
            addressed = addressed and len(TAG.findall(seen)) == len(places)
            columns = max([columns, *(column_number(name.decode()) for name in {name for name, _ in places})])
            rows = max([rows, *map(int, {row for _, row in places})])
            if addressed and rows * columns > CELLS:
                raise too_large(path)
            if not block:
                return size, addressed


def count_cells(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises InputError for a sheet whose cells lie too far apart, where some do not plainly tell where they are: a cell without an
    address stands right of the one before it, such a row below the one before it. Slow, and so only for those."""
    row, column, rows, columns = 0, 0, 1, 1

    def begin(name: str, told: dict[str, str]) -> None:
        nonlocal row, column, rows, columns
        kind = name.rpartition(":")[2]
        if kind not in ("row", "c"):
            return
        if "r" in told:
            place = ADDRESS.fullmatch(told["r"])
            if not place:
                raise too_wide(path)
            rows, column = max(rows, int(place[2])), column_number(place[1])
            row = int(place[2]) if kind == "row" else row
        elif kind == "row":
            row, column = row + 1, 0
        else:
            column += 1
        rows, columns = max(rows, row), max(columns, column)
        if columns > COLUMNS:
            raise too_wide(path)
        if rows * columns > CELLS:
            raise too_large(path)

    def declared(*_: object) -> None:
        raise unreadable(path)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = begin, declared
    with archive.open(member) as stream:
        read = 0
        while block := stream.read(BLOCK):
            parser.Parse(block)
            read += len(block)
            if read - parser.CurrentByteIndex > 4 * BLOCK:  # a tag without end, which would be held as a whole
                raise unreadable(path)
        parser.Parse(b"", True)
