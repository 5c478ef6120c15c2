"""Opens an export as it comes (CSV of any common delimiter and encoding, XLSX, Parquet, JSON) as columns of raw text.

Only the asked-for columns leave this module. Its errors name file, row and column, never a cell's text.
"""

import codecs
import csv
import io
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
from python_calamine import CalamineError, load_workbook

from .errors import InputError

HEADER_ROWS = 30  # a header stands within so many first rows
DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet", ".json")
GRID_ROWS = 100_000  # a printed summary or a stored answer is small: what is longer is something else
JSON_BYTES = 64 << 20


@dataclass(frozen=True)
class RawTable:
    """Asked-for columns as text, in a DuckDB connection of its own.

    Relation `raw`: `row` (row number in the file, the header's row counted) and one VARCHAR column per found name.
    `broken`: row numbers of lines that do not fit the header.
    """

    con: duckdb.DuckDBPyConnection
    header: tuple[str, ...]
    columns: tuple[str, ...]  # the names found
    rows: int
    broken: tuple[int, ...]
    decimal_comma: bool  # semicolon-separated text: 0,5 is a half


@dataclass(frozen=True)
class Opening:
    """How a file begins, by which its layout is told: its first `rows` as text, or the `document` that a JSON file holds."""

    rows: list[list[str]]
    document: object = None


def header_key(text: object) -> str:
    """A header as compared: NFC, lower case, single spaces, no order number, colon or asterisk around it."""
    plain = unicodedata.normalize("NFC", str(text)).casefold().replace("\ufeff", "")
    return re.sub(r"\s+", " ", plain).strip(" \t*:.")


def open_table(path: Path, wanted: dict[str, tuple[str, ...]]) -> RawTable:
    """The columns of a file that go by one of the wanted names. `wanted`: name here -> headers it goes by.

    Raises InputError: no such file, an unknown kind of file, an empty file, an unreadable one.
    """
    check_kind(path)
    names = {header_key(header): name for name, headers in wanted.items() for header in headers}
    if path.suffix.lower() == ".parquet":
        return open_parquet(path, names)
    if path.suffix.lower() in (".xlsx", ".xls"):
        return from_rows(path, workbook_rows(path), names, decimal_comma=False)
    if path.suffix.lower() == ".json":
        return from_rows(path, objects_as_rows(path, read_json(path)), names, decimal_comma=False)
    return open_text(path, names)


def check_kind(path: Path) -> None:
    """Raises InputError for a missing file, a kind of file that is not read here, an empty file."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such file")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name}: a {path.suffix or 'nameless'} file; allowed: {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty")


def open_beginning(path: Path, wanted: Iterable[str]) -> Opening:
    """The first rows of a file, or its JSON document. `wanted`: the headers by which a text's delimiter is told.

    Raises InputError like `open_table`.
    """
    check_kind(path)
    kind = path.suffix.lower()
    if kind == ".json":
        return Opening([], read_json(path))
    if kind in (".xlsx", ".xls"):
        return Opening(workbook_rows(path, HEADER_ROWS + 10))
    if kind == ".parquet":
        raw = open_parquet(path, {})
        raw.con.close()
        return Opening([list(raw.header)])
    head, delimiter, _ = text_head(path, {header_key(header): header for header in wanted})
    return Opening(parse_head(head, delimiter)[: HEADER_ROWS + 10])


def read_grid(path: Path, wanted: Iterable[str]) -> list[list[str]]:
    """Every row of a small sheet or text as text in NFC, as far as the file goes: where the place of a cell matters.

    Raises InputError like `open_table`, and for more than 100,000 rows.
    """
    check_kind(path)
    if path.suffix.lower() in (".xlsx", ".xls"):
        rows = iter(workbook_rows(path, GRID_ROWS + 1))
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        _, delimiter, encoding = text_head(path, {header_key(header): header for header in wanted})
        rows = decoded_rows(path, encoding, delimiter)
    else:
        raise InputError(f"{path.name}: a {path.suffix} file holds no printed table; allowed: .csv, .tsv, .txt, .xlsx, .xls")
    grid = [[unicodedata.normalize("NFC", cell).strip() for cell in row] for row in itertools.islice(rows, GRID_ROWS + 1)]
    if len(grid) > GRID_ROWS:
        raise InputError(f"{path.name}: more than {GRID_ROWS:,} rows: not a summary")
    return grid


def read_json(path: Path) -> object:
    """The document of a JSON file in any common encoding. Raises InputError: too large, too deep, not JSON."""
    if path.stat().st_size > JSON_BYTES:
        raise InputError(f"{path.name}: more than {JSON_BYTES >> 20} MB of JSON")

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(path.read_bytes().decode(encoding_of(path)), parse_constant=refuse)
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise InputError(f"{path.name}: not readable as JSON") from None


def objects_as_rows(path: Path, document: object) -> list[list[str]]:
    """A JSON list of flat objects as a header and rows of text; null and what is nested are empty.

    Raises InputError where it is no such list.
    """
    if not isinstance(document, list) or not document or not all(isinstance(item, dict) for item in document):
        raise InputError(f"{path.name}: no table: a list of objects is needed")
    keys = list(dict.fromkeys(key for item in document for key in item))
    return [keys, *([value_text(item.get(key)) for key in keys] for item in document)]


def value_text(value: object) -> str:
    """A JSON value as text in NFC; nothing for null and for what is nested."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return unicodedata.normalize("NFC", cell_text(value)).strip()


def parse_count(text: str | None) -> int | None:
    """A whole number of 0 or more, thousands grouped or not ("1.234" is 1234: a count has no decimals); None where empty.

    Raises ValueError for anything else.
    """
    plain = (text or "").strip().replace("\xa0", " ")
    if plain.casefold() in ("", "-", "null", "none", "na", "nan"):
        return None
    if not re.fullmatch(r"\d{1,12}|\d{1,3}([., ]\d{3}){1,3}", plain, re.ASCII):
        raise ValueError(plain)
    return int(re.sub(r"[., ]", "", plain))


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory database that loads and fetches nothing."""
    return duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def open_parquet(path: Path, names: dict[str, str]) -> RawTable:
    con = connect()
    try:
        source = f"read_parquet({literal(str(path))}, file_row_number=true)"
        header = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        found = match_header([h for h in header if h != "file_row_number"], names)
        chosen = "".join(f", CAST({quoted(header[i])} AS VARCHAR) AS {quoted(n)}" for n, i in found.items())
        con.execute(f"CREATE VIEW raw AS SELECT file_row_number + 1 AS row{chosen} FROM {source}")
        rows = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    except duckdb.Error:
        raise InputError(f"{path.name}: not a readable Parquet file") from None
    if rows == 0:
        raise InputError(f"{path.name}: no data rows")
    return RawTable(con, tuple(h for h in header if h != "file_row_number"), tuple(found), rows, (), False)


def workbook_sheets(path: Path, wanted: Iterable[str]) -> dict[str, list[list[str]]]:
    """The named sheets of a workbook, those that there are, as text. Raises InputError where it is not readable."""
    try:
        book = load_workbook(str(path))
        return {name: [[cell_text(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python(False, GRID_ROWS)]
                for name in wanted if name in book.sheet_names}  # fmt: skip
    except (CalamineError, OSError, ValueError, KeyError):
        raise InputError(f"{path.name}: not a readable workbook") from None


def workbook_rows(path: Path, most: int | None = None) -> list[list[str]]:
    """The first sheet with anything in it, as text; dates in ISO form, whole numbers without a decimal point.

    `most`: read so many rows only.
    """
    try:
        book = load_workbook(str(path))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(False, most)
            if any(str(cell).strip() for row in rows[: HEADER_ROWS * 10] for cell in row):
                return [[cell_text(cell) for cell in row] for row in rows]
    except (CalamineError, OSError, ValueError, KeyError):
        raise InputError(f"{path.name}: not a readable workbook") from None
    raise InputError(f"{path.name}: the file is empty")


def cell_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(sep=" ") if hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)


def from_rows(path: Path, rows: Iterable[list[str]], names: dict[str, str], decimal_comma: bool) -> RawTable:
    """A table from rows of text held in Python: workbooks, and text in encodings other than UTF-8."""
    rows = iter(rows)
    head = list(itertools.islice(rows, HEADER_ROWS + 1))
    first, header, found = find_header(head, names)
    data: dict[str, list[str | None]] = {name: [] for name in found}
    numbers, broken = [], []
    for number, row in enumerate(itertools.chain(head[first:], rows), start=first + 1):
        if not any(str(cell).strip() for cell in row):
            continue
        if len(row) > len(header) and any(str(cell).strip() for cell in row[len(header) :]):
            broken.append(number)
            continue
        numbers.append(number)
        for name, i in found.items():
            text = unicodedata.normalize("NFC", row[i]).strip() if i < len(row) else ""
            data[name].append(text or None)
    if not numbers:
        raise InputError(f"{path.name}: no data rows below the header in row {first}")
    con = connect()
    frame = pd.DataFrame({"row": numbers, **{name: pd.Series(v, dtype="object") for name, v in data.items()}})
    con.register("frame", frame)
    kinds = "".join(f", CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in found)
    con.execute(f"CREATE TABLE raw AS SELECT row{kinds} FROM frame")
    con.unregister("frame")
    return RawTable(con, tuple(header), tuple(found), len(numbers), tuple(broken), decimal_comma)


def find_header(head: list[list[str]], names: dict[str, str]) -> tuple[int, list[str], dict[str, int]]:
    """(rows up to and with the header, the header, name -> column) of the row that names most wanted columns.

    A label merged over two rows stands in the upper one, so two neighbouring rows are also read as one. Where no row
    names a wanted column, the first row is the header and nothing is found.
    """
    best = (1, head[0] if head else [], match_header(head[0], names) if head else {})
    for i, row in enumerate(head[:HEADER_ROWS]):
        candidates = [(i + 1, row)]
        if i + 1 < len(head) and any(not str(cell).strip() for cell in row):
            below = head[i + 1]
            width = max(len(row), len(below))
            upper, lower = (r + [""] * (width - len(r)) for r in (row, below))
            candidates.append((i + 2, [low if str(low).strip() else up for up, low in zip(upper, lower, strict=True)]))
        for first, header in candidates:
            found = match_header(header, names)
            if len(found) > len(best[2]):
                best = (first, header, found)
    return best


def match_header(header: list[str], names: dict[str, str]) -> dict[str, int]:
    """name -> index of the first column that goes by it."""
    found: dict[str, int] = {}
    for i, label in enumerate(header):
        name = names.get(header_key(label))
        if name is not None and name not in found:
            found[name] = i
    return found


def encoding_of(path: Path) -> str:
    """utf-8-sig, utf-16 or cp1258 (Windows Vietnamese), told from the bytes."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start[1::2].count(0) > len(start) // 8:
            return "utf-16-le"
        if start[0::2].count(0) > len(start) // 8:
            return "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        file.seek(0)
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1258"
    return "utf-8-sig"


def open_text(path: Path, names: dict[str, str]) -> RawTable:
    head, delimiter, encoding = text_head(path, names)
    if encoding != "utf-8-sig":
        return from_rows(path, decoded_rows(path, encoding, delimiter), names, delimiter == ";")
    return open_utf8(path, head, delimiter, names)


def text_head(path: Path, names: dict[str, str]) -> tuple[list[str], str, str]:
    """(first lines, delimiter, encoding). Raises InputError where there is no text."""
    encoding = encoding_of(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            head = list(itertools.islice(text_lines(file), HEADER_ROWS * 4))
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    if not any(line.strip() for line in head):
        raise InputError(f"{path.name}: the file is empty")
    return head, max(DELIMITERS, key=lambda d: delimiter_score(head, d, names)), encoding


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
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield from csv.reader(text_lines(file), delimiter=delimiter)
    except UnicodeError:
        raise InputError(f"{path.name}: the encoding is not UTF-8, UTF-16 or Windows-1258") from None
    except csv.Error as error:
        raise InputError(f"{path.name}: not readable as text separated by {delimiter!r}: {error}") from None


def open_utf8(path: Path, head: list[str], delimiter: str, names: dict[str, str]) -> RawTable:
    """UTF-8 text is scanned by DuckDB where it lies; only the header is read in Python."""
    reader = csv.reader(head, delimiter=delimiter)
    rows, ends = [], []
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    first, header, found = find_header(rows, names)
    con = connect()
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    chosen = "".join(f", nullif(trim(nfc_normalize(c{i})), '') AS {quoted(n)}" for n, i in found.items())
    source = (
        f"read_csv({literal(str(path))}, columns={{{columns}}}, delim={literal(delimiter)}, quote='\"', escape='\"', "
        f"header=false, skip={ends[first - 1]}, null_padding=true, auto_detect=false, "
        f"ignore_errors=true, store_rejects=true, rejects_limit=0)"
    )
    try:
        con.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () + {first} AS row{chosen} FROM {source}")
        broken = con.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line LIMIT 1000").fetchall()
        for (line,) in broken:  # rows after one that was left out keep their number in the file
            con.execute(f"UPDATE raw SET row = row + 1 WHERE row >= {line}").fetchall()
    except duckdb.Error as error:
        line = re.search(r"Line:? (\d+)", str(error))
        place = f", row {line[1]}" if line else ""
        raise InputError(f"{path.name}{place}: not readable as text separated by {delimiter!r}") from None
    total = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
    if total == 0:
        raise InputError(f"{path.name}: no data rows below the header in row {first}")
    return RawTable(con, tuple(header), tuple(found), total, tuple(b[0] for b in broken), delimiter == ";")


def shape_of(text: object) -> str:
    """What a cell of a personal table looks like, never what it says: 'text of 14 letters', 'number of 8 digits'."""
    text = "" if text is None else str(text)
    if not text.strip():
        return "nothing"
    if re.fullmatch(r"[\d.,\s/:-]+", text):
        return f"number of {sum(c.isdigit() for c in text)} digits"
    return f"text of {len(text)} characters"
