"""The national portal's older answer `report_by_month_sum_service`: a list of objects whose values are text.

Received = the four ways of filing added up: online by the standard or not, counter, post (`HS_TOTAL` counts what was
resolved too and is no denominator). Online = both kinds; `online_standard` keeps the first apart. null is not 0: a row in
which a way of filing is null is left out. One month a request; several (request, answer) pairs may stand in one file.
"""

from pathlib import Path

import pandas as pd

from ...base.errors import InputError
from ...base.telling import told_cell
from ...read.tables import Opening
from ...read.trees import value_text
from . import SIMULATED_MARK, Summary, check_sum, is_total, month_of_request, parse_counts, read_answers, stored_answers, usable

HEADERS = {
    "agency": ("TEN_COQUAN", "TEN"),
    "online_standard": ("HTN_TRUCTUYEN_TOTAL",),
    "online_other": ("HTN_TRUCTUYEN_KHONGCHUAN_TOTAL",),
    "counter": ("HTN_TRUCTIEP_TOTAL",),
    "post": ("HTN_BUUCHINH_TOTAL",),
    "month": ("THANG",),
    "year": ("NAM",),
}
WAYS = ("online_standard", "online_other", "counter", "post")
PLACES = ("p_xa_id", "p_huyen_id", "p_tinh_id")
DEFINITION = "online_share"
SUFFIXES = (".json",)


def recognise(opening: Opening) -> bool:
    """True where an answer is a list of objects with the four ways of filing."""
    return any(fits(answer) for _, answer, _ in stored_answers(opening.document))


def fits(answer: object) -> bool:
    return (isinstance(answer, list) and bool(answer) and isinstance(answer[0], dict)
            and all(HEADERS[way][0] in answer[0] for way in WAYS))  # fmt: skip


def read_summary(path: Path) -> Summary:
    """The units' counts of every stored month. Raises InputError: another answer, no month, counts of online services only."""
    rows, simulated = [], False
    for request, answer, marked in read_answers(path):
        if not fits(answer):
            raise InputError(f"{path.name}: no known header: portal_counts needs a list of objects with "
                             f"{', '.join(HEADERS[way][0] for way in WAYS)}")  # fmt: skip
        if str(request.get("loaichitieu") or "0") != "0":
            raise InputError(f"{path.name}: its request asks for a part of the dossiers (loaichitieu "
                             f"{told_cell(request['loaichitieu'])}): another denominator; ask with loaichitieu 0")  # fmt: skip
        rows += answer_rows(answer, request, path.name, len(rows))
        simulated |= marked
    frame = pd.DataFrame(rows)
    for way in WAYS:
        frame[way] = parse_counts(frame[way], frame["row"], path.name, HEADERS[way][0])
    frame["online"] = frame["online_standard"] + frame["online_other"]
    frame["received"] = frame["online"] + frame["counter"] + frame["post"]
    total = is_total(frame["agency"])
    left_out = [("total_row", int(row)) for row in frame.loc[total, "row"]]
    for _, row in frame[total].iterrows():
        check_sum(frame[~total & (frame["month"] == row["month"])], row, ("received", "online"), path.name, "the total row")
    cells = usable(frame[~total], left_out, path.name)
    values = ("received", "online", "online_standard")
    return Summary(cells[["agency", "month", *values, "row"]], values, tuple(left_out), len(rows), simulated, DEFINITION)


def answer_rows(answer: list, request: dict, file: str, before: int) -> list[dict]:
    """One row per object (numbered from 1 through the file) with the asked-for values as text. A row without a unit's name
    is about the place asked for; one without a month of its own about the month asked for."""
    rows = []
    places = (f"{key} {request[key]}" for key in PLACES if str(request.get(key) or "0") != "0")
    asked = next(places, "")
    for number, item in enumerate(answer, start=before + 1):
        if not isinstance(item, dict):
            raise InputError(f"{file}: object {number} of the answer is no object")
        told = {way: value_text(item.get(HEADERS[way][0])) for way in WAYS}
        names = [value_text(item.get(key)) for key in HEADERS["agency"]]
        agency = next((name for name in names if name), asked if len(answer) == 1 or "THANG" in item else "")
        month, year = value_text(item.get("THANG")), value_text(item.get("NAM")) or str(request.get("p_nam") or "")
        own = {"p_nam": year, "p_thang": month} if month else request
        rows.append({"row": number, "agency": agency, "month": month_of_request(own, file), **told})
    return rows


def made_up(counts: pd.DataFrame) -> list[dict]:
    """Stored (request, answer) pairs of made-up counts (agency, month, received, online): a tenth of the rest came by post."""
    stored = []
    for month, part in counts.groupby("month"):
        answer = []
        for cell in part.itertuples():
            received, online = int(cell.received), int(cell.online)
            other, post = online // 9, (received - online) // 10
            answer.append({
                "TEN_COQUAN": cell.agency, "HS_TOTAL": str(received + received // 7), "HTN_TRUCTUYEN_TOTAL": str(online - other),
                "HTN_TRUCTUYEN_KHONGCHUAN_TOTAL": str(other), "HTN_TRUCTIEP_TOTAL": str(received - online - post),
                "HTN_BUUCHINH_TOTAL": str(post), "GDTT_TOTAL": None,
            })  # fmt: skip
        request = {"type": "ref", "service": "report_by_month_sum_service", "p_nam": month[:4], "p_thang": str(int(month[5:])),
                   "p_tinh_id": "0", "loaichitieu": "0"}  # fmt: skip
        stored.append({"request": request, "answer": answer, "note": SIMULATED_MARK})
    return stored
