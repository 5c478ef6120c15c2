"""The national portal's newer answer, /api/v1/reporting/evaluation/...: `data.parent` and `data.children`, by way of filing.

Received = `channelTotalSum`, online = `channelOnlineSum`. The children of all stored pages of a month must add up to their
parent, which is left out; a parent without children is the unit itself. null is not 0.
"""

from pathlib import Path

import pandas as pd

from ...base.errors import InputError
from ...read.tables import Opening
from ...read.trees import value_text
from . import SIMULATED_MARK, Summary, check_sum, month_of_request, parse_counts, read_answers, stored_answers, usable

HEADERS = {
    "agency": ("departmentName",),
    "online": ("channelOnlineSum",),
    "counter": ("channelDirectSum",),
    "post": ("channelPostalSum",),
    "received": ("channelTotalSum",),
}
DEFINITION = "online_share"
SUFFIXES = (".json",)


def recognise(opening: Opening) -> bool:
    """True where an answer has a parent, or children, with counts by way of filing."""
    return any(units_of(answer) is not None for _, answer, _ in stored_answers(opening.document))


def units_of(answer: object) -> tuple[dict | None, list[dict]] | None:
    """(parent, children) of an answer; None where it is another one."""
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        return None
    parent, children = data.get("parent"), data.get("children") or []
    parent = parent if isinstance(parent, dict) else None
    if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
        return None
    units = [*children, *([parent] if parent else [])]
    needed = {HEADERS["received"][0], HEADERS["online"][0]}
    return (parent, children) if units and needed <= set(units[0]) else None


def read_summary(path: Path) -> Summary:
    """The units' counts of every stored month. Raises InputError: another answer, no month, a missing page."""
    rows, simulated = [], False
    for request, answer, marked in read_answers(path):
        found = units_of(answer)
        if found is None:
            raise InputError(f"{path.name}: no known header: portal_evaluation needs data.parent or data.children with "
                             f"{HEADERS['received'][0]} and {HEADERS['online'][0]}")  # fmt: skip
        parent, children = found
        month = month_of_request(request, path.name)
        for unit, role in [*((child, "child") for child in children), *([(parent, "parent")] if parent else [])]:
            told = {name: value_text(unit.get(keys[0])) for name, keys in HEADERS.items()}
            rows.append({"row": len(rows) + 1, "month": month, "role": role, **told})
        simulated |= marked
    frame = pd.DataFrame(rows)
    for name in ("online", "counter", "post", "received"):
        frame[name] = parse_counts(frame[name], frame["row"], path.name, HEADERS[name][0])
    left_out: list[tuple[str, int]] = []
    kept = pd.concat([month_units(part, left_out, path.name) for _, part in frame.groupby("month")])
    wrong = (kept["online"] + kept["counter"] + kept["post"] != kept["received"]).fillna(False).astype(bool)
    left_out += [("parts_differ", int(row)) for row in kept.loc[wrong, "row"]]
    nameless = kept["agency"] == ""
    left_out += [("no_agency", int(row)) for row in kept.loc[nameless & ~wrong, "row"]]
    cells = usable(kept[~wrong & ~nameless], left_out, path.name)
    return Summary(cells[["agency", "month", "received", "online", "row"]], ("received", "online"), tuple(left_out), len(rows),
                   simulated, DEFINITION)  # fmt: skip


def month_units(part: pd.DataFrame, left_out: list[tuple[str, int]], file: str) -> pd.DataFrame:
    """The units of one month: the children, which add up to the parent of every page, or the parent alone."""
    parents, children = part[part["role"] == "parent"], part[part["role"] == "child"]
    if children.empty:
        return parents
    for _, parent in parents.iterrows():
        check_sum(children, parent, ("received", "online"), file, f"the parent of {parent['month']} (is a page missing?)")
    left_out += [("total_row", int(row)) for row in parents["row"]]
    return children


def made_up(counts: pd.DataFrame) -> list[dict]:
    """Stored (request, answer) pairs of made-up counts (agency, month, received, online): a tenth of the rest came by post."""
    stored = []
    for month, part in counts.groupby("month"):
        children = []
        for cell in part.itertuples():
            received, online = int(cell.received), int(cell.online)
            post = (received - online) // 10
            children.append({"departmentName": cell.agency, "channelOnlineSum": online, "channelPostalSum": post,
                             "channelDirectSum": received - online - post, "channelTotalSum": received})  # fmt: skip
        parent = {"departmentName": "Tỉnh mô phỏng",
                  **{key: sum(child[key] for child in children) for key in children[0] if key != "departmentName"}}  # fmt: skip
        request = {"timeType": "month", "year": int(month[:4]), "month": int(month[5:]), "currentPage": 1, "pageSize": 200}
        answer = {"code": "OK", "data": {"parent": parent, "children": children}}
        stored.append({"request": request, "answer": answer, "note": SIMULATED_MARK})
    return stored
