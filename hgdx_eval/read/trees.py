"""JSON as a table: a list of objects, an object a line, columns, an answer of a data portal (CKAN and the like), JSON-stat."""

import itertools
import json
import math
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from ..base.errors import InputError
from ..base.machine import reading
from ..base.safe_text import plain_line
from ..base.telling import told_text
from .database import TYPED
from .headers import check_width
from .held import whole_letters
from .readings import Reading
from .text import encoding_of
from .workbooks import cell_text

BYTES = 12 << 20  # up to forty times as much when read
LINES = 350 << 20  # bytes of a file of an object a line, of which one is held
LINE = 1 << 20
CELLS = 2_000_000
DEPTH = 3  # within so many objects a list of rows is looked for
TOTALS = ("total", "count", "totalcount", "total_count", "totalrecords", "recordstotal", "@odata.count")
NEXT = ("next", "nextlink", "@odata.nextlink", "next_page")
SHAPES = "a list of objects, one object a line, columns, a list of objects under one key, or JSON-stat"


def read_json(path: Path) -> object:
    """The document of a JSON file in any common encoding. Raises InputError: too large, too deep, not JSON."""
    with reading(path):
        if path.stat().st_size > BYTES:
            raise InputError(f"{path.name}: more than {BYTES >> 20} MB of JSON; save it as .csv, or as one object a line")
        text = path.read_bytes()
    try:
        return parse(text.decode(encoding_of(path)))
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise InputError(f"{path.name}: not readable as JSON (a value that is none, a key twice in one object, or too deep)") from None


def parse(text: str) -> object:
    """Raises ValueError: not JSON, a number beyond all others, a key twice in one object; RecursionError."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def finite(text: str) -> float:
        if not math.isfinite(number := float(text)):
            raise ValueError("a number beyond all others")
        return number

    def once(pairs: list[tuple[str, object]]) -> dict:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return found

    return json.loads(text, parse_constant=refuse, parse_float=finite, object_pairs_hook=once)


# --- one object a line ---------------------------------------------------------------------------------------------
def is_lines(path: Path) -> bool:
    """Whether a file holds one object a line, and more than one line."""
    with reading(path), path.open(encoding=encoding_of(path), errors="replace") as file:
        first = next((line for line in iter(lambda: file.readline(LINE), "") if line.strip()), "")
        more = any(line.strip() for line in itertools.islice(iter(lambda: file.readline(LINE), ""), 10))
    try:
        return more and isinstance(parse(first), dict)
    except (ValueError, RecursionError):
        return False


def line_rows(path: Path) -> Iterator[list[str]]:
    """Keys and rows of a file of one object a line, gone through twice; numbers with `TYPED` behind them. Raises InputError naming the
    line that is none."""
    if path.stat().st_size > LINES:
        raise InputError(f"{path.name}: more than {LINES >> 20} MB of JSON; save it as .csv or .parquet")
    keys: dict[str, None] = {}
    for item in line_objects(path):
        keys |= dict.fromkeys(item)
        check_width(path, keys)
    yield [value_text(key) for key in keys]
    for item in line_objects(path):
        yield [typed_value(item.get(key)) for key in keys]


def line_objects(path: Path) -> Iterator[dict]:
    with reading(path), path.open(encoding=encoding_of(path)) as file:
        number = 0
        try:
            while line := file.readline(LINE):
                number += 1
                if line.strip():
                    item = parse(line.lstrip("\ufeff"))
                    if not isinstance(item, dict):
                        raise ValueError("no object")
                    yield item
        except (ValueError, RecursionError):
            raise InputError(
                f"{path.name}: line {number + 1 if number == 0 else number}: no JSON object (one a line, each key once)"
            ) from None


# --- one document --------------------------------------------------------------------------------------------------
def document_rows(path: Path, document: object) -> tuple[Iterator[list[str]], tuple[Reading, ...]]:
    """(header and rows of text of the table that a JSON document holds, how it was found). Raises InputError where it holds none, or a
    part of one alone."""
    if isinstance(document, list) and document and all(isinstance(row, list) for row in document):
        check_cells(path, len(document), max(map(len, document)))
        return ([typed_value(cell) for cell in row] for row in document), ()
    if not isinstance(document, dict) or not document:
        return objects_as_rows(path, document, typed_value), ()
    if cube := as_cube(document):
        return cube_rows(path, cube), (Reading("json_stat"),)
    columns = list(document.values())
    if all(isinstance(column, dict) and column and not any(map(nested, column.values())) for column in columns) or all(
        isinstance(column, list) and not any(map(nested, column)) for column in columns
    ):
        return column_rows(path, document), (Reading("json_columns"),)
    if is_split(document):
        return split_rows(document), (Reading("json_columns"),)
    place, items, around = one_list(path, document)
    check_whole(path, around, items)
    return objects_as_rows(path, items, typed_value), (Reading("json_list", {"key": plain_line(told_text(place))}),)


def objects_as_rows(path: Path, document: object, text: Callable[[object], str] | None = None) -> Iterator[list[str]]:
    """A JSON list of flat objects as a header and rows of text (`text`: how a value is written); null and what is nested are empty.

    Raises InputError where it is no such list, and for very many keys.
    """
    text = text or value_text
    if not isinstance(document, list) or not document or not all(isinstance(item, dict) for item in document):
        raise InputError(f"{path.name}: no table: a list of objects is needed (read are {SHAPES})")
    keys = list(dict.fromkeys(key for item in document for key in item))
    check_width(path, keys)
    return itertools.chain([[value_text(key) for key in keys]], ([text(item.get(key)) for key in keys] for item in document))


def nested(value: object) -> bool:
    return isinstance(value, (dict, list))


def is_split(document: dict) -> bool:
    """Whether `columns` holds the names and `data` lists of cells."""
    names, rows = document.get("columns"), document.get("data")
    return isinstance(names, list) and isinstance(rows, list) and not any(map(nested, names)) and all(isinstance(row, list) for row in rows)


def split_rows(document: dict) -> Iterator[list[str]]:
    return itertools.chain([list(map(value_text, document["columns"]))], ([typed_value(cell) for cell in row] for row in document["data"]))


def column_rows(path: Path, columns: dict) -> Iterator[list[str]]:
    """Raises InputError for columns of different rows."""
    check_width(path, columns)
    rows = [list(column) if isinstance(column, dict) else list(range(len(column))) for column in columns.values()]
    if any(set(other) != set(rows[0]) for other in rows):
        raise InputError(f"{path.name}: no table: its columns have different rows ({min(map(len, rows)):,} to {max(map(len, rows)):,})")
    head = [[value_text(name) for name in columns]]
    return itertools.chain(head, ([typed_value(column[at]) for column in columns.values()] for at in rows[0]))


def one_list(path: Path, document: dict) -> tuple[str, list, dict]:
    """(its keys, the list, the objects around it) of the one list of objects nearest to the top; CKAN's records before its fields."""
    level: list[tuple[tuple[str, ...], dict, dict]] = [((), document, document)]
    for _ in range(DEPTH):
        found = [((*keys, str(key)), value, {**around, **inside}) for keys, inside, around in level for key, value in inside.items()
                 if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)]  # fmt: skip
        found = [one for one in found if one[0][-1] == "records"] or found
        if len(found) == 1:
            return ".".join(found[0][0]), found[0][1], found[0][2]
        if found:
            break
        level = [((*keys, str(key)), value, {**around, **inside}) for keys, inside, around in level for key, value in inside.items()
                 if isinstance(value, dict)]  # fmt: skip
    raise InputError(f"{path.name}: no table: {len(found)} lists of objects in it; read are {SHAPES}")


def check_whole(path: Path, around: dict, items: list) -> None:
    """Raises InputError where an answer says that there are more rows than it holds."""
    told = {str(key).casefold(): value for key, value in around.items()}
    for key in TOTALS:
        if isinstance(total := told.get(key), int) and total > len(items):
            raise InputError(f"{path.name}: {len(items):,} rows of {total:,} ({key}): a part of the answer; ask the portal for all of them "
                             f"(limit, page size)")  # fmt: skip
    if any(isinstance(told.get(key), str) and told[key] for key in NEXT):
        raise InputError(
            f"{path.name}: {len(items):,} rows and a link to the next ones: a part of the answer; ask the portal for all of them"
        )


# --- JSON-stat -----------------------------------------------------------------------------------------------------
def as_cube(document: dict) -> dict | None:
    """The dataset of a JSON-stat document of version 2, or of 1 (`dataset` around it); None for another one."""
    inner = document.get("dataset")
    cube = inner if isinstance(inner, dict) else document
    dimension = cube.get("dimension")
    if not isinstance(dimension, dict) or "value" not in cube:
        return None
    return {"value": cube["value"], "dimension": dimension, **{key: cube.get(key, dimension.get(key)) for key in ("id", "size")}}


def cube_rows(path: Path, cube: dict) -> Iterator[list[str]]:
    """A column a dimension, its categories by their labels, and `value`. Raises InputError where its parts do not fit together."""
    names, sizes, value = cube["id"], cube["size"], cube["value"]
    try:
        labels = [categories(cube["dimension"][name]) for name in names]
        if [len(told) for told in labels] != list(sizes) or not names:
            raise ValueError("sizes")
        cells = math.prod(sizes)
        if isinstance(value, list) and len(value) != cells:
            raise ValueError("values")
        if isinstance(value, dict) and not all(0 <= int(at) < cells for at in value):
            raise ValueError("values")
        if not isinstance(value, (list, dict)):
            raise ValueError("values")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise InputError(f"{path.name}: JSON-stat whose dimensions, sizes and values do not fit together") from None
    check_cells(path, cells, len(names) + 1)
    at = value.__getitem__ if isinstance(value, list) else lambda i: value.get(str(i))
    rows = ([*(value_text(told) for told in place), typed_value(at(i))] for i, place in enumerate(itertools.product(*labels)))
    return itertools.chain([[*map(value_text, names), "value"]], rows)


def categories(dimension: dict) -> list[str]:
    """The labels of a dimension in their order, or its codes where two labels are one."""
    category = dimension["category"]
    index, labels = category.get("index"), category.get("label", {})
    codes = list(labels) if index is None else sorted(index, key=index.get) if isinstance(index, dict) else list(index)
    told = [str(labels.get(code, code)) for code in codes]
    return told if len(set(told)) == len(told) else [str(code) for code in codes]


def check_cells(path: Path, rows: int, columns: int) -> None:
    check_width(path, range(columns))
    if rows * columns > CELLS:
        raise InputError(f"{path.name}: more than {CELLS:,} cells of JSON; save it as .csv or .parquet")


# --- values --------------------------------------------------------------------------------------------------------
def value_text(value: object) -> str:
    """A JSON value as text in NFC; nothing for null and for what is nested."""
    if value is None or nested(value):
        return ""
    return whole_letters(unicodedata.normalize("NFC", cell_text(value))).strip()


def typed_value(value: object) -> str:
    """The same, a number with `TYPED` behind it."""
    return value_text(value) + TYPED if isinstance(value, (int, float)) and not isinstance(value, bool) else value_text(value)
