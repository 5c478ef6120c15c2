"""One file, one export layout. Only here are personal columns seen; what leaves holds none.

Every reader has `HEADERS` (canonical column -> the headers it goes by). A reader of dossiers opens them for SQL; a reader of
a summarised layout has besides: `DEFINITION` (one of DEFINITIONS), `SUFFIXES` it comes in (`WRITTEN`: those that
`simulate` writes, where it is not all of them), `recognise(opening)`,
`read_summary(path) -> Summary`, and `made_up(counts)`, the same table from made-up counts. A new file here is listed by
`layout_names` and tested by the contract test.
"""

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pandas as pd

from ...base.errors import InputError
from ...base.safe_text import header_key
from ...base.telling import told_cell
from ...read.database import RawTable
from ...read.headers import check_twice
from ...read.tables import Opening, open_beginning, parse_count, read_json
from ..unit_names import told_agency

DEFINITIONS = {
    "online_share": "dossiers filed online, of those received in the month",
    # no layout yields it: the portal's newer answer counts full-process services (fullCount), not their dossiers; for tidy tables
    "full_process_share": "dossiers of full-process services filed online, of those received in the month",
    "index_766": "points of the index of Decision 766",
    "online_payment": "dossiers paid online, of those with a fee to pay",
}
POST = {
    "opencps_dossiers": "inside",
    "opencps_summary": "inside",
    "opencps_monthly": "inside",
    "portal_counts": "apart",
    "portal_evaluation": "apart",
}  # post, in the counter's figure or told apart from it; it is never online
TOTAL_WORDS = ("tổng", "cộng", "total")
NO_TOTAL = re.compile(r"tổng (?:cục|công ty|đài|đội|kho)\b|cộng (?:đồng|tác)\b")  # of offices that begin like one
SIMULATED_MARK = "SỐ LIỆU MÔ PHỎNG"
YEAR, MONTH, APART = r"20\d\d", r"(?:0[1-9]|1[0-2])", r"[-_. ]?"
NAMED_MONTHS = (  # 2023-07, 2023_07, 202307; 07-2023, 7_2023, 072023: no whole date, which is the day of the export
    rf"(?<!\d)(?P<y>{YEAR}){APART}(?P<m>{MONTH})(?!\d)(?![-_.]\d{{1,2}}(?!\d))",
    rf"(?<!\d)(?<!\d[-_.])(?P<m>{MONTH}|[1-9](?=[-_.])){APART}(?P<y>{YEAR})(?!\d)",
)


@dataclass(frozen=True)
class Summary:
    """A summarised export.

    `cells`: one row per unit and month that the file tells: agency (as the file writes it), month (YYYY-MM), the columns
    `values` (whole counts, or points), row (in the file). `left_out`: (reason, row). `rows`: data rows of the file, totals
    counted.
    """

    cells: pd.DataFrame
    values: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...]
    rows: int
    simulated: bool
    definition: str


def layout_names() -> list[str]:
    """The names of the reader files beside this one, and the tidy table."""
    return sorted(["table", *(module.name for module in iter_modules(__path__))])


def reader(layout: str) -> ModuleType:
    """The reader of a layout of `layout_names`."""
    return import_module("hgdx_eval.read.tidy" if layout == "table" else f"{__name__}.{layout}")


def summary_layouts() -> list[str]:
    """The layouts that hold counts or points of units and months, no dossiers."""
    return [name for name in layout_names() if hasattr(reader(name), "read_summary")]


def layout_of(path: Path) -> str:
    """The layout that recognises a file. Raises InputError where none does, and what `open_beginning` raises."""
    readers = {name: reader(name) for name in layout_names()}
    headers = [header for module in readers.values() for names in module.HEADERS.values() for header in names]
    opening = open_beginning(path, headers)
    for name, module in readers.items():
        if hasattr(module, "recognise") and module.recognise(opening):
            return name
    raise InputError(f"{path.name}: no known header; known layouts: {', '.join(readers)} "
                     f"(a tidy table of your own: --layout table)")  # fmt: skip


def personal_layout(path: Path) -> str | None:
    """The layout of people's rows (dossiers, payments) that recognises a file, if any. Raises what `open_beginning` raises."""
    readers = {name: reader(name) for name in layout_names() if name not in ("table", *summary_layouts())}
    headers = [header for module in readers.values() for names in module.HEADERS.values() for header in names]
    opening = open_beginning(path, headers)
    if isinstance(opening.document, list) and opening.document and isinstance(opening.document[0], dict):
        opening = Opening([list(opening.document[0])])
    return next((name for name, module in readers.items() if module.recognise(opening)), None)


# --- what summarised layouts share ---------------------------------------------------------------------------------
def month_of_name(name: str) -> str | None:
    """The month (YYYY-MM) that a file's name tells, as 2023-07, 07_2023 or 072023; None where it tells none or several."""
    found = {f"{match['y']}-{int(match['m']):02}" for pattern in NAMED_MONTHS for match in re.finditer(pattern, name)}
    return found.pop() if len(found) == 1 else None


def need_columns(raw: RawTable, module_headers: dict, needed: tuple[str, ...], file: str, layout: str) -> None:
    """Raises InputError naming the needed columns that a file lacks, or two columns that go by one name."""
    check_twice(file, raw.header, {header_key(header): name for name, headers in module_headers.items() for header in headers})
    if missing := [module_headers[column][0] for column in needed if column not in raw.columns]:
        raise InputError(f"{file}: no known header: the columns {', '.join(missing)} are missing; "
                         f"{layout} needs {', '.join(module_headers[c][0] for c in needed)}")  # fmt: skip


def parse_counts(cells: pd.Series, rows: pd.Series, file: str, column: str) -> pd.Series:
    """Whole counts (Int64, empty = NA). Raises InputError naming file, row and column of what is none."""
    parsed = []
    for cell, row in zip(cells, rows, strict=True):
        try:
            parsed.append(parse_count(None if pd.isna(cell) else cell))
        except ValueError:
            raise InputError(f"{file}: row {row}, column {column!r}: not a count of 0 or more") from None
    return pd.Series(parsed, index=cells.index, dtype="Int64")


def one_line(name: str) -> str:
    """A name without line breaks and doubled spaces, as it may stand in a message."""
    return " ".join(str(name).split())


def is_total(names: pd.Series) -> pd.Series:
    """True where a unit has no name or its name says that it is a total."""
    plain = names.fillna("").astype(str).str.strip().str.casefold()
    return (plain == "") | plain.map(names_total)


def names_total(name: str) -> bool:
    """Whether a name in lower case is a total's: Tổng cục Thuế is an office."""
    return name.startswith(TOTAL_WORDS) and not NO_TOTAL.match(name)


def check_sum(parts: pd.DataFrame, total: pd.Series, columns: tuple[str, ...], file: str, what: str) -> None:
    """Raises InputError where a total that is told (not NA) differs from what its rows add up to."""
    for column in columns:
        added = int(parts[column].sum())
        if not pd.isna(total[column]) and int(total[column]) != added:
            raise InputError(f"{file}: row {total['row']}: {what} tells {int(total[column])} {column}, its rows add up to {added}")


def usable(frame: pd.DataFrame, left_out: list[tuple[str, int]], file: str) -> pd.DataFrame:
    """Rows with whole counts, once per unit and month; adds to `left_out` rows whose count is empty or cannot be.

    Raises InputError where a unit has two rows in one month.
    """
    frame = frame.assign(agency=frame["agency"].map(one_line))
    empty = frame["received"].isna() | frame["online"].isna()
    left_out += [("no_count", int(row)) for row in frame.loc[empty, "row"]]
    frame = frame[~empty]
    impossible = frame["online"] > frame["received"]
    left_out += [("parts_differ", int(row)) for row in frame.loc[impossible, "row"]]
    frame = frame[~impossible]
    twice = frame.duplicated(["agency", "month"])
    if twice.any():
        again = frame.loc[twice.idxmax()]
        raise InputError(f"{file}: row {again['row']}: a second row of {told_agency(again['agency'])} in {again['month']}")
    return frame.reset_index(drop=True)


# --- stored answers of the national portal -------------------------------------------------------------------------
def stored_answers(document: object) -> list[tuple[dict, object, bool]]:
    """(request, answer, simulated) of a stored document: {"request": ..., "answer": ...}, a list of those, or a bare answer."""
    items = document if isinstance(document, list) else [document]
    if items and all(isinstance(item, dict) and "answer" in item for item in items):
        return [(plain_request(item.get("request")), item["answer"], item.get("note") == SIMULATED_MARK) for item in items]
    return [({}, document, False)]


def read_answers(path: Path) -> list[tuple[dict, object, bool]]:
    """The stored answers of a file; the request of a bare one may stand beside it as FILE.request.json."""
    answers = stored_answers(read_json(path))
    beside = path.with_name(path.name + ".request.json")
    if len(answers) == 1 and not answers[0][0] and beside.is_file():
        answers = [(plain_request(read_json(beside)), *answers[0][1:])]
    return answers


def plain_request(request: object) -> dict:
    """The parameters of a request, whether it holds them itself or in `params`."""
    if not isinstance(request, dict):
        return {}
    inner = request.get("params")
    return inner if isinstance(inner, dict) else request


def month_of_request(request: dict, file: str) -> str:
    """The month asked for, by p_nam and p_thang or year and month; without a request, the month of the file's name.

    Raises InputError where neither tells one month.
    """
    if request:
        year, month = (next((str(request[key]) for key in keys if request.get(key) not in (None, "")), "") for keys in
                       (("p_nam", "year"), ("p_thang", "month")))  # fmt: skip
        if re.fullmatch(YEAR, year) and re.fullmatch(r"0?[1-9]|1[0-2]", month) and request.get("timeType", "month") == "month":
            return f"{year}-{int(month):02}"
        raise InputError(f"{file}: its request asks for no single month (year {told_cell(year)}, month {told_cell(month)})")  # fmt: skip
    if month := month_of_name(file):
        return month
    raise InputError(f"{file}: which month? Store the request beside it as {file}.request.json, or name the file like 2023-07.json")
