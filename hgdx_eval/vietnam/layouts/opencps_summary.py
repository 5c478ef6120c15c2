"""The printed OpenCPS summary "BÁO CÁO TỔNG HỢP TÌNH HÌNH GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH": merged headers, one month a file.

Received is "Nhận trong kỳ: Tổng số", online its "Trực tuyến"; what was carried over ("Tồn trước") is in neither. Rows of
fields under an agency, of groups above agencies and the last row "Tổng số" must add up, and are left out.
"""

import calendar
import re
import unicodedata
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from ...base.errors import InputError
from ...base.safe_text import header_key
from ...read.tables import Opening, read_grid
from ..facts import load_facts
from ..unit_names import find_unit, told_agency
from . import SIMULATED_MARK, Summary, check_sum, month_of_name, names_total, parse_counts, usable

HEADERS = {
    "agency": ("Đơn vị/Lĩnh vực", "Đơn vị", "Cơ quan/Lĩnh vực", "Cơ quan, đơn vị"),
    "inflow": ("Nhận trong kỳ", "Tiếp nhận trong kỳ"),
    "received": ("Tổng số",),
    "counter": ("Một cửa",),
    "online": ("Trực tuyến",),
    "number": ("STT", "TT", "Số TT"),
}
HEADER_DEPTH = 3
DEFINITION = "online_share"
SUFFIXES = (".csv", ".xlsx")
ONE_MONTH_A_FILE = True
DAYS = re.compile(r"từ ngày\s+(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}).{0,20}?đến (?:hết )?ngày\s+(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.I)
MONTH_TITLE = re.compile(r"tháng\s+(\d{1,2})\s*(?:/|năm)\s*(\d{4})", re.I)
TOP = ("STT", "Đơn vị/Lĩnh vực", "Nhận giải quyết", "", "", "", "", "Kết quả giải quyết", "", "", "", "", "", "",
       "Đang giải quyết", "", "", "Tạm dừng bổ sung điều kiện", "Rút không giải quyết", "Tỉ lệ sớm và đúng hạn")  # fmt: skip
MIDDLE = ("", "", "Tổng số", "Tồn trước", "Nhận trong kỳ", "", "", "Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn",
          "Từ chối giải quyết", "Trả kết quả", "", "Tổng số", "Còn hạn", "Quá hạn", "", "", "")  # fmt: skip
BOTTOM = ("", "", "", "", "Tổng số", "Một cửa", "Trực tuyến", "", "", "", "", "", "Đã trả", "Chưa trả", *[""] * 6)
MERGED = ((2, 2, 2, 6), (2, 7, 2, 13), (2, 14, 2, 16), (3, 4, 3, 6), (3, 12, 3, 13), (2, 0, 4, 0), (2, 1, 4, 1), (3, 2, 4, 2),
          (3, 3, 4, 3))  # fmt: skip


def recognise(opening: Opening) -> bool:
    """True where merged headers name an agency and, under "Nhận trong kỳ", a total and what came online."""
    return find_columns(opening.rows) is not None


def label(cell: str) -> str:
    return header_key(re.sub(r"\s*/\s*", "/", unicodedata.normalize("NFC", cell)))


def known(name: str) -> set[str]:
    return {header_key(header) for header in HEADERS[name]}


def find_columns(rows: list[list[str]]) -> tuple[int, dict[str, int]] | None:
    """(index of the first row below the header, column of agency, received, online, counter and number); None where there
    is no such header."""
    for top, row in enumerate(rows[:30]):
        agency = next((i for i, cell in enumerate(row) if label(cell) in known("agency")), None)
        if agency is None:
            continue
        width = max(len(r) for r in rows[top : top + HEADER_DEPTH])
        head = []
        for below in rows[top : top + HEADER_DEPTH]:
            below = below + [""] * (width - len(below))
            if head and (label(below[agency]) not in {"", label(row[agency])} or any(cell.strip(" ()").isdigit() for cell in below)):
                break
            head.append([label(cell) for cell in below])
        found = by_path(paths(head))
        if {"agency", "received", "online"} <= set(found):
            return top + len(head), found
    return None


def paths(head: list[list[str]]) -> list[tuple[str, ...]]:
    """The labels over every column from the top; a label merged over several columns stands in the first of them only."""
    spread: list[list[str]] = []
    for depth, row in enumerate(head):
        wide = list(row)
        for i in range(1, len(row)):
            same_parent = all(upper[i] == upper[i - 1] for upper in spread)
            if not row[i] and depth < len(head) - 1 and same_parent:
                wide[i] = wide[i - 1]
        spread.append(wide)
    return [tuple(dict.fromkeys(row[i] for row in spread if row[i])) for i in range(len(head[0]))]


def by_path(columns: list[tuple[str, ...]]) -> dict[str, int]:
    """Which column holds what, by the labels above it."""
    found: dict[str, int] = {}
    for i, path in enumerate(columns):
        name = None
        if path and path[-1] in known("agency"):
            name = "agency"
        elif path and path[-1] in known("number"):
            name = "number"
        elif len(path) > 1 and set(path[:-1]) & known("inflow"):
            name = next((key for key in ("received", "counter", "online") if path[-1] in known(key)), None)
        if name is not None and name not in found:
            found[name] = i
    return found


def check_columns_twice(rows: list[list[str]], first: int, columns: dict[str, int], file: str) -> None:
    """Raises InputError where a second column has the labels of a wanted one, all the way down."""
    head = [[label(cell) for cell in row] for row in rows[max(first - HEADER_DEPTH, 0) : first]]
    width = max(map(len, head))
    told = paths([row + [""] * (width - len(row)) for row in head])
    for name, at in columns.items():
        if again := next((i for i in range(len(told)) if i != at and told[i] and told[i] == told[at]), None):
            raise InputError(f"{file}: columns {at + 1} and {again + 1} both go by {HEADERS[name][0]!r}: which is meant cannot be told; "
                             f"remove one")  # fmt: skip


def read_summary(path: Path) -> Summary:
    """The agencies' counts of one month. Raises InputError: another table, no single month, totals that do not add up."""
    grid = read_grid(path, [header for names in HEADERS.values() for header in names])
    found = find_columns(grid)
    if found is None:
        raise InputError(f"{path.name}: no known header: opencps_summary needs {HEADERS['agency'][0]} and, under "
                         f"{HEADERS['inflow'][0]}, {HEADERS['received'][0]} and {HEADERS['online'][0]}")  # fmt: skip
    first, columns = found
    check_columns_twice(grid, first, columns, path.name)
    title = " ".join(cell for row in grid[:first] for cell in row if cell)
    month, finished = month_of_title(title, path.name)
    frame = table_rows(grid, first, columns, path.name)
    rows = len(frame)
    left_out: list[tuple[str, int]] = []
    frame = checked_agencies(frame, left_out, path.name).assign(month=month)
    frame = parts_agree(frame, left_out)
    if not finished:
        left_out += [("unfinished_month", int(row)) for row in frame["row"]]
        frame = frame.iloc[:0]
    cells = usable(frame, left_out, path.name)
    return Summary(cells[["agency", "month", "received", "online", "row"]], ("received", "online"), tuple(left_out), rows,
                   SIMULATED_MARK.casefold() in title.casefold(), DEFINITION)  # fmt: skip


def month_of_title(title: str, file: str) -> tuple[str, bool]:
    """(YYYY-MM, whether the month is whole): from the title's days or month, else from the file's name.

    Raises InputError where the days are no part of one month from its first day on.
    """
    if days := DAYS.search(title):
        day, month, year, last_day, last_month, last_year = map(int, days.groups())
        try:
            start, end = date(year, month, day), date(last_year, last_month, last_day)
        except ValueError:
            raise InputError(f"{file}: the title's period is no period: {days[0][:60]}") from None
        if start.day != 1 or (start.year, start.month) != (end.year, end.month):
            raise InputError(f"{file}: it covers {start:%d/%m/%Y} to {end:%d/%m/%Y}, not one month: export month by month")
        return f"{year}-{month:02}", end.day == calendar.monthrange(year, month)[1]
    titles = {f"{match[2]}-{int(match[1]):02}" for match in MONTH_TITLE.finditer(title) if 1 <= int(match[1]) <= 12}
    named = titles.pop() if len(titles) == 1 else month_of_name(file)
    if named is None:
        raise InputError(f'{file}: which month? The title "Từ ngày ... đến ngày ..." or a file name like 2023-07 is needed')
    return named, True


def table_rows(grid: list[list[str]], first: int, columns: dict[str, int], file: str) -> pd.DataFrame:
    """One row per row below the header: agency, number (STT), received, counter, online, row; without the row (1)...(20)."""
    rows = []
    for row, cells in enumerate(grid[first:], start=first + 1):
        told = {name: cells[i] if i < len(cells) else "" for name, i in columns.items()}
        if re.fullmatch(r"\(?\d*\)?", told["agency"]):  # the row (1)...(20), and blank rows; a total may stand under STT
            if not names_total(label(told.get("number", ""))):
                if told["received"] and not told["agency"]:
                    raise InputError(f"{file}: row {row}: counts without the name of an agency")
                continue
            told["agency"] = told["number"]
        if told["received"] or told["online"]:  # signatures and notes below the table hold none
            rows.append({"row": row, "counter": None, "number": "", **told})
    if not rows:
        raise InputError(f"{file}: no data rows below the header in row {first}")
    frame = pd.DataFrame(rows)
    for name in ("received", "counter", "online"):
        frame[name] = parse_counts(frame[name], frame["row"], file, HEADERS[name][0])
    return frame


def number_kind(text: str) -> str:
    """How a row is numbered: letter, roman, arabic, dotted, or blank."""
    text = text.strip().rstrip(".")
    if re.fullmatch(r"[IVX]+", text):
        return "roman"
    if re.fullmatch(r"[A-ZĐ]", text):
        return "letter"
    if re.fullmatch(r"\d+", text):
        return "arabic"
    return "dotted" if re.fullmatch(r"\d+(\.\d+)+", text) else "blank"


def checked_agencies(frame: pd.DataFrame, left_out: list[tuple[str, int]], file: str) -> pd.DataFrame:
    """The agencies' rows. A kind of numbering seen later lies deeper: groups of agencies above them and fields below them
    must add up to their own sums, and the agencies to the last row "Tổng số"; all these are left out.

    Raises InputError where they do not add up, or where nothing tells which rows are agencies.
    """
    total = frame["agency"].map(label).map(names_total)
    if not total.any():
        raise InputError(f"{file}: no row {HEADERS['received'][0]!r}: the file may have been cut short")
    totals, frame = frame[total], frame[~total].reset_index(drop=True)
    left_out += [("total_row", int(row)) for row in totals["row"]]
    if frame.empty:
        raise InputError(f"{file}: a total, but no agency")
    kinds = list(dict.fromkeys(frame["number"].map(number_kind)))
    depth = frame["number"].map(lambda text: kinds.index(number_kind(text)))
    facts = load_facts()  # all units: departments are called alike in every province
    units = frame["agency"].map(lambda name: find_unit(facts, name))
    official = units.map(lambda unit: unit is not None and unit.level != "province").astype(bool)
    if len(kinds) > 1 and not official.any():
        raise InputError(f"{file}: rows are numbered in {len(kinds)} ways, and no name is one of params/facts/units.yaml: "
                         f"which of them are agencies cannot be told")  # fmt: skip
    if len(kinds) == 1 and official.any() and not official.all() and not adds_up(frame, totals.iloc[-1]):
        depth = depth.where(official, 1)  # fields that are numbered like their agencies
    role = roles(depth.to_numpy(), official.to_numpy())
    inside = frame[role == "agency"]
    check_sum(inside, totals.iloc[-1], ("received", "online"), file, "the total")
    check_parents(frame, depth, file)
    left_out += [(kind, int(row)) for kind, row in zip(role, frame["row"], strict=True) if kind != "agency"]
    return inside


def roles(depth: np.ndarray, official: np.ndarray) -> np.ndarray:
    """agency, group_row or field_row. An agency is a known unit with no known unit below it; beside them, as deep as most of
    them, stand agencies whose names are not known."""
    parents: list[list[int]] = []
    above: list[int] = []
    for at, own in enumerate(depth):
        while above and depth[above[-1]] >= own:
            above.pop()
        parents.append(list(above))
        above.append(at)
    group = np.zeros(len(depth), bool)
    for at in np.flatnonzero(official):
        group[parents[at]] = True
    agency = official & ~group
    level = np.bincount(depth[agency]).argmax() if agency.any() else 0
    below = np.array([any(agency[i] for i in chain) for chain in parents], bool)
    agency |= ~group & ~below & (depth == level)
    below = np.array([any(agency[i] for i in chain) for chain in parents], bool)
    return np.where(agency, "agency", np.where(below, "field_row", "group_row"))


def adds_up(frame: pd.DataFrame, total: pd.Series) -> bool:
    return all(pd.isna(total[name]) or int(frame[name].sum()) == int(total[name]) for name in ("received", "online"))


def check_parents(frame: pd.DataFrame, depth: pd.Series, file: str) -> None:
    """Raises InputError where the rows right below a row, one step deeper, do not add up to it."""
    levels = depth.to_numpy()
    for at in range(len(frame) - 1):
        if levels[at + 1] <= levels[at]:
            continue
        end = next((i for i in range(at + 1, len(frame)) if levels[i] <= levels[at]), len(frame))
        parts = frame.iloc[at + 1 : end]
        parts = parts[levels[at + 1 : end] == levels[at + 1]]
        check_sum(parts, frame.iloc[at], ("received", "online"), file, f"the row of {told_agency(frame['agency'].iloc[at])}")


def parts_agree(frame: pd.DataFrame, left_out: list[tuple[str, int]]) -> pd.DataFrame:
    """Rows whose counter and online dossiers make up those received; the others are left out."""
    wrong = (frame["counter"] + frame["online"] != frame["received"]).fillna(False).astype(bool)
    left_out += [("parts_differ", int(row)) for row in frame.loc[wrong, "row"]]
    return frame[~wrong]


def made_up(counts: pd.DataFrame) -> list[list[object]]:
    """The printed table of one month's made-up counts (agency, month, received, online); every seventh dossier is backlog."""
    year, month = map(int, counts["month"].iloc[0].split("-"))
    last = calendar.monthrange(year, month)[1]
    rows: list[list[object]] = [
        [f"BÁO CÁO TỔNG HỢP TÌNH HÌNH GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH ({SIMULATED_MARK})"],
        [f"Từ ngày 01/{month:02}/{year} đến ngày {last}/{month:02}/{year}"],
        list(TOP), list(MIDDLE), list(BOTTOM), [f"({i})" for i in range(1, 21)],
    ]  # fmt: skip
    sums = [0] * 17
    for number, cell in enumerate(counts.itertuples(), start=1):
        received, online, old = int(cell.received), int(cell.online), int(cell.received) // 7
        told = [received + old, old, received, received - online, online, received, 0, received, 0, 0, received, 0, old, old, 0, 0, 0]
        sums = [a + b for a, b in zip(sums, told)]
        rows.append([number, cell.agency, *told, "100%"])
    return [*rows, ["", "Tổng số", *sums, "100%"]]
