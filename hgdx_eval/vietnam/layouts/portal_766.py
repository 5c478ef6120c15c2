"""Index scores of Decision 766 as the national portal saves them: a workbook of several sheets, or one answer
`report_tinh_766_service` as a list of objects. Points, no counts of dossiers.

The raw names are kept: sources disagree on which of `TTTT` and `CLGQ` is online services and which online payment. Scores of
the year so far (sheet "Điểm năm") are another series than a month's and are left out; an empty score is none, not 0.
"""

from pathlib import Path

import pandas as pd

from ...base.errors import InputError
from ...base.safe_text import header_key
from ...read.headers import check_above, find_header
from ...read.tables import GRID_ROWS, Opening
from ...read.trees import objects_as_rows
from ...read.workbooks import named_sheets
from ..unit_names import told_agency
from . import SIMULATED_MARK, Summary, month_of_name, month_of_request, one_line, read_answers, stored_answers

SCORES = ("CKMB", "TDGQ", "TTTT", "CLGQ", "MDHL", "MDSH", "TONG_SCORE")
MOST = {"CKMB": 18, "TDGQ": 20, "TTTT": 12, "CLGQ": 12, "MDHL": 18, "MDSH": 22, "TONG_SCORE": 100}
HEADERS = {"agency": ("TEN_COQUAN", "TEN"), "code": ("MA_COQUAN",), **{score: (score,) for score in SCORES}}
YEARLY = "Điểm năm"
SHEETS = (YEARLY, "Điểm tháng", "Sở Ban", "Xã Phường")
DEFINITION = "index_766"
SUFFIXES = (".xlsx", ".json")
WRITTEN = (".json",)  # the saved workbook is laid out by the portal, sheet by sheet


def recognise(opening: Opening) -> bool:
    """True where a header, or the objects of an answer, hold a unit and the scores."""
    answers = [answer for _, answer, _ in stored_answers(opening.document)]
    heads = [list(a[0]) for a in answers if isinstance(a, list) and a and isinstance(a[0], dict)]
    return any(complete(rows) for rows in ([opening.rows] if opening.rows else [[head] for head in heads]))


def complete(rows: list[list[str]]) -> bool:
    return {"agency", *SCORES} <= set(find_header(rows, names())[2])


def names() -> dict[str, str]:
    return {header_key(header): name for name, headers in HEADERS.items() for header in headers}


def read_summary(path: Path) -> Summary:
    """The scores of every unit: agency, code, sheet, month and SCORES as floats (empty = NaN).

    Raises InputError: no sheet of scores, no month, a score outside its range, a unit twice.
    """
    frames, simulated = [], False
    for sheet, month, rows, marked in sheets(path):
        first, header, found = find_header(rows[:30], names())
        if not {"agency", *SCORES} <= set(found):
            raise InputError(f"{path.name}: sheet {sheet!r}: no known header: portal_766 needs {', '.join(SCORES)}")
        check_above(f"{path.name}: sheet {sheet!r}", rows, first, header, found)
        for number, cells in enumerate(rows[first:], start=first + 1):
            if any(cells):
                told = {name: cells[i].strip() if i < len(cells) else "" for name, i in found.items()}
                frames.append({"row": number, "sheet": sheet, "month": month, "code": "", **told})
        simulated |= marked
    if not frames:
        raise InputError(f"{path.name}: no data rows")
    frame = pd.DataFrame(frames)
    frame["agency"] = frame["agency"].map(one_line)
    for score in SCORES:
        frame[score] = points(frame, score, path.name)
    yearly, nameless = frame["sheet"] == YEARLY, frame["agency"] == ""
    left_out = [("yearly_score", int(row)) for row in frame.loc[yearly, "row"]]
    left_out += [("no_agency", int(row)) for row in frame.loc[nameless & ~yearly, "row"]]
    cells = frame[~yearly & ~nameless].reset_index(drop=True)
    twice = cells.duplicated(["agency", "month"])
    if twice.any():
        again = cells.loc[twice.idxmax()]
        raise InputError(f"{path.name}: sheet {again['sheet']!r}, row {again['row']}: a second row of {told_agency(again['agency'])}")
    return Summary(cells[["agency", "month", "code", "sheet", *SCORES, "row"]], SCORES, tuple(left_out), len(frame), simulated,
                   DEFINITION)  # fmt: skip


def sheets(path: Path) -> list[tuple[str, str, list[list[str]], bool]]:
    """(sheet, month, rows of text, whether they are made up) of every sheet of scores, or of every stored answer."""
    if path.suffix.lower() == ".json":
        return [("Điểm tháng", month_of_request(request, path.name), list(objects_as_rows(path, answer)), marked)
                for request, answer, marked in read_answers(path)]  # fmt: skip
    month = month_of_name(path.name)
    if month is None:
        raise InputError(f"{path.name}: which month? A file name like chi_so_766_2025-10.xlsx is needed")
    found = named_sheets(path, SHEETS, GRID_ROWS)
    if not found:
        raise InputError(f"{path.name}: no sheet of scores; portal_766 reads {', '.join(SHEETS)}")
    return [(name, month, rows, any(SIMULATED_MARK in row for row in rows)) for name, rows in found.items()]


def points(frame: pd.DataFrame, score: str, file: str) -> pd.Series:
    text = frame[score].str.replace(",", ".", regex=False)
    value = pd.to_numeric(text.mask(text == "", None), errors="coerce").astype(float)
    wrong = (value.isna() & (text != "")) | (value < 0) | (value > MOST[score])
    if wrong.any():
        at = frame.loc[wrong.idxmax()]
        raise InputError(f"{file}: sheet {at['sheet']!r}, row {at['row']}, column {score}: not points from 0 to {MOST[score]}")
    return value


def made_up(counts: pd.DataFrame) -> list[dict]:
    """Stored answers with made-up scores: `TTTT` from the online share of made-up counts, the others fixed."""
    stored = []
    for month, part in counts.groupby("month"):
        answer = []
        for cell in part.itertuples():
            share = round(10 * cell.online / max(cell.received, 1), 2)
            told = {"CKMB": 15.0, "TDGQ": 18.0, "TTTT": share, "CLGQ": 8.0, "MDHL": 17.0, "MDSH": 18.0}
            told = {name: f"{value:g}" for name, value in [*told.items(), ("TONG_SCORE", sum(told.values()))]}
            answer.append({"TEN": cell.agency, "TEN_COQUAN": cell.agency, "MA_COQUAN": "MP", **told})
        request = {"service": "report_tinh_766_service", "p_nam": month[:4], "p_thang": str(int(month[5:]))}
        stored.append({"request": request, "answer": answer, "note": SIMULATED_MARK})
    return stored
