"""Text files: encoding, separator, quotes, lines that are broken."""

import codecs
import collections
import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np

from ..base.errors import InputError
from ..base.machine import blame
from .database import literal
from .garbled import garbled, refused
from .headers import COLUMNS, HEADER_ROWS, Header, find_header, sound_header

DELIMITERS = (",", ";", "\t", "|")

BLOCK, BLOCKS = 1 << 16, 64  # by which an encoding is told
TOLD_LINES = 200  # of each block, those with other letters than ASCII's by which it is told whether the letters are right
READ = 1 << 22  # bytes at a time where a whole text is gone through
MOST_EMPTY = 20_000_000  # lines that hold nothing

MOST_BROKEN = 100_000  # rows that do not fit the header: with more of them the file is no table
# of a rejected line: others may have gone with it
ODD = """error_type IN ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM') OR regexp_matches(trim(csv_line, chr(10) || chr(13)), '[\\r\\n]')"""
END = "\0\0"  # a line after the last one, told by identity: where it is no row of its own, a quote is open
SPOILT = ["?"] * (COLUMNS + 1)  # a row that fits no header


def encoding_of(path: Path) -> str:
    """utf-8-sig, utf-16 or cp1258 (Windows Vietnamese), told from blocks all over the file.

    A spoilt letter makes no other encoding of a file: its row will not fit. But where most lines that have letters besides
    ASCII are no UTF-8, the file is not.
    """
    blocks = list(sampled(path))
    start = blocks[0]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[1:4096:2].count(0) > len(start[:4096]) // 8:
        return "utf-16-le"
    if start[0:4096:2].count(0) > len(start[:4096]) // 8:
        return "utf-16-be"
    telling = [line for block in blocks for line in block.split(b"\n") if not line.isascii()]
    return "utf-8-sig" if 2 * sum(map(is_utf8, telling)) >= len(telling) else "cp1258"


def letters_of(path: Path) -> tuple[str, str | None]:
    """(`encoding_of`, `garbled_text`) of a text, looked at once as long as the file is the same."""
    told = path.stat()
    return looked_at(path, told.st_size, told.st_mtime_ns)


@lru_cache(64)
def looked_at(path: Path, size: int, changed: int) -> tuple[str, str | None]:
    encoding = encoding_of(path)
    return encoding, garbled_text(path, encoding)


def garbled_text(path: Path, encoding: str) -> str | None:
    """Which of garbled.NAMES a text is in, by lines all over the file; None for none of them."""
    if encoding.startswith("utf-16"):
        return None
    blocks = ([line for line in block.split(b"\n") if not line.isascii()] for block in sampled(path))
    lines = b"\n".join(line for telling in blocks for line in telling[:: 1 + len(telling) // TOLD_LINES])
    text = lines.decode(encoding, "ignore")
    return garbled(text, None if encoding == "utf-8-sig" else lines.decode("cp1252", "ignore"))


def sampled(path: Path) -> Iterator[bytes]:
    """The first block of a file and others at even steps: all of a file of a few megabytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in range(0, size, max(BLOCK, size // BLOCKS)):
            file.seek(place)
            yield file.read(BLOCK)


def is_utf8(block: bytes) -> bool:
    """Whether a piece of a line, which may begin and end inside a letter, is UTF-8."""
    inside = next((i for i, byte in enumerate(block[:4]) if byte & 0xC0 != 0x80), 4)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block[inside:])
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class TextHead:
    """How a text begins: its first lines in NFC, what separates its cells, how it is encoded."""

    lines: list[str]
    delimiter: str
    encoding: str


def text_head(path: Path, names: dict[str, str]) -> TextHead:
    """How a text begins. Raises InputError where there is no text, and for one of garbled.NAMES."""
    encoding, name = letters_of(path)
    if name:
        raise refused(path, name)
    try:
        # of UTF-8 a spoilt letter is the business of its row
        with path.open(encoding=encoding, newline="", errors="replace" if encoding == "utf-8-sig" else "strict") as file:
            head = list(itertools.islice(text_lines(file), HEADER_ROWS * 4))
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    if not any(line.strip() for line in head):
        raise InputError(f"{path.name}: the file is empty")
    told = re.fullmatch(r"\ufeff?sep=(.)\s*", head[0], re.IGNORECASE)  # a line for a spreadsheet program
    delimiter = told[1] if told and told[1] in DELIMITERS else max(DELIMITERS, key=lambda d: delimiter_score(head, d, names))
    return TextHead(head, delimiter, encoding)


def text_lines(file: io.TextIOBase) -> Iterator[str]:
    """Lines in NFC, each at most a million characters: a line without end is no table."""
    while line := file.readline(1_000_000):
        yield unicodedata.normalize("NFC", line)


def parse_head(head: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(head, delimiter=delimiter))
    except csv.Error:
        return []


def delimiter_score(head: list[str], delimiter: str, names: dict[str, str]) -> tuple[int, int]:
    rows = parse_head(head, delimiter)
    return (len(find_header(rows, names)[2]), max((len(row) for row in rows), default=0)) if rows else (0, 0)


def decoded_rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a text that Python reads. In UTF-8 a row with a spoilt letter becomes one that fits no header.

    Raises InputError for another encoding, a cell without end, a quote that is never closed or closed in a later row.
    """
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    number = 1
    try:
        with path.open(encoding=encoding, newline="", errors=errors) as file:
            for row in whole_records(path, text_lines(file), delimiter):
                number += 1
                yield SPOILT if errors != "strict" and not is_whole(row) else row
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    except csv.Error as error:
        raise InputError(f"{path.name}: row {number}: not readable as text separated by {delimiter!r}: {error}; "
                         f"is a quote opened and never closed?") from None  # fmt: skip


def whole_records(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Rows of text. Raises InputError where a quote joins what are rows of their own: it is never closed, or another row's closes it."""
    taken: list[str] = []  # the lines of one row

    def noted() -> Iterator[str]:
        for line in itertools.chain(lines, [END]):
            taken.append(line)
            yield line

    number, width, row, widths = 0, 0, None, collections.Counter()
    for number, row in enumerate(csv.reader(noted(), delimiter=delimiter), start=1):
        if taken[0] is END:
            return
        if taken[-1] is END or joins_rows(taken, row, delimiter, width):
            break
        if number <= HEADER_ROWS and len(row) > 3:
            widths[len(row)] += 1
            width = max(widths, key=lambda cells: (widths[cells], cells))  # that of most rows: some are broken
        taken.clear()
        yield row
    raise InputError(f"{path.name}: row {number}: a quote opens here and is never closed, or is closed in a later row, whose text "
                     f"would be taken for this row's; double it or remove it")  # fmt: skip


def joins_rows(lines: list[str], row: list[str], delimiter: str, width: int) -> bool:
    """Whether a row that goes over several lines is several rows: its closing quote stands before other text, as an opening one does,
    or two of its lines have as many cells as the rows before it, or one has and the row itself has fewer (`width` 0: of tables of two
    or three columns that tells nothing)."""
    if len(lines) == 1:
        return False
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    cells = [line.count(delimiter) + 1 for line in lines]
    return width > 0 and (cells.count(width) > 1 or (len(row) < width <= max(cells)))


def is_whole(row: list[str]) -> bool:
    """Whether every letter of a row could be decoded."""
    try:
        "".join(row).encode()
    except UnicodeError:
        return False
    return True


class OddText(Exception):
    """A text has cells over several lines, or quotes or ends of lines that the database does not understand: Python reads it, slowly."""


@dataclass(frozen=True)
class TextSource:
    """UTF-8 text that DuckDB scans where it lies; only the header is read in Python. `sql`: its cells c0, c1, ... as text."""

    header: Header
    sql: str


def text_source(path: Path, text: TextHead, names: dict[str, str]) -> TextSource:
    """Raises OddText where the header goes over several lines, or the last row may."""
    reader = csv.reader(text.lines, delimiter=text.delimiter)
    rows, ends = [], []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path.name}: not readable as text separated by {text.delimiter!r}: {error}") from None
    header = sound_header(path, rows, names)
    if ends[header.first - 1] != header.first:  # the database would skip as many rows as these are lines
        raise OddText
    if ends_quoted(path, text.delimiter):
        raise OddText
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header.labels)))
    return TextSource(header, (
        f"read_csv({literal(str(path))}, columns={{{columns}}}, delim={literal(text.delimiter)}, quote='\"', escape='\"', "
        f"header=false, skip={header.first}, null_padding=true, auto_detect=false, compression='none', "
        f"ignore_errors=true, store_rejects=true, rejects_limit={MOST_BROKEN})"
    ))  # fmt: skip


def ends_quoted(path: Path, delimiter: str) -> bool:
    """Whether a quote opened in a line before may be closed in the last one, which no line break ends: the only lines that the
    database joins without saying so."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - BLOCK, 0))
        *before, last = re.split(rb"[\r\n]", file.read())
    if not before:
        return b'"' in last or len(last) == BLOCK
    closed = re.sub(r'" +', '"', '"' + last.decode("utf-8", "replace"))
    try:
        return bool(last) and bool(list(csv.reader([closed], delimiter=delimiter, strict=True)))
    except csv.Error:  # it makes no sense from inside a quote
        return False


@contextmanager
def scanning(path: Path, delimiter: str) -> Iterator[None]:
    """Errors of a scan of a text as OddText, or InputError where Python would fare no better; faults of the machine stay."""
    try:
        yield
    except duckdb.Error as error:
        odd = unreadable_text(path, delimiter, error) if isinstance(error, duckdb.IOException) else OddText()
        raise blame(error, odd) from None


def broken_rows(con: duckdb.DuckDBPyConnection, file: str) -> tuple[int, ...]:
    """Numbers of the rows of the text just scanned that do not fit the header. Raises InputError where they are very many, OddText
    where rows may have been lost in a quote."""
    odd = con.execute(f"SELECT 1 FROM reject_errors WHERE {ODD} LIMIT 1").fetchall()
    broken = con.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line").fetchall()
    con.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")  # the lines themselves stand there
    if odd:
        raise OddText
    if len(broken) >= MOST_BROKEN:
        raise InputError(f"{file}: row {broken[0][0]} and {MOST_BROKEN:,} more do not fit the header: not a table")
    return tuple(line for (line,) in broken)


def left_out(path: Path, first: int, broken: tuple[int, ...]) -> np.ndarray:
    """Numbers, in order, of the lines below row `first` that the database gives no row for: those that do not fit the header, and
    those that hold nothing. Of a text without line breaks in cells. Raises InputError for very many of the latter."""
    found, lines, rest = [np.array(broken, "int64")], 0, b""
    with path.open("rb") as file:
        while block := file.read(READ):
            text = np.frombuffer(rest + block, "uint8")
            ends = np.flatnonzero(text == ord("\n"))
            starts = np.concatenate([[0], ends + 1])
            length = ends - starts[:-1]
            found.append(np.flatnonzero((length == 0) | ((length == 1) & (text[starts[:-1]] == ord("\r")))) + lines + 1)
            lines, rest = lines + len(ends), text[starts[-1] :].tobytes()
            if sum(map(len, found)) > MOST_EMPTY:
                raise InputError(f"{path.name}: more than {MOST_EMPTY:,} lines hold nothing: not a table")
    numbers = np.unique(np.concatenate(found))
    return numbers[numbers > first]


def gaps(first: int, left_out: np.ndarray) -> np.ndarray:
    """For each line left out: how many usable rows stand before it. A usable row's number in the file is its place among them plus
    `first` + 1 plus the gaps passed, which a line left out opens."""
    return left_out - first - 1 - np.arange(len(left_out))


def unreadable_text(path: Path, delimiter: str, error: duckdb.Error) -> InputError:
    line = re.search(r"Line:? (\d+)", str(error))
    place = f", row {line[1]}" if line else ""
    return InputError(f"{path.name}{place}: not readable as text separated by {delimiter!r}")
