"""The OpenCPS monthly summary: one row an agency, 14 columns; a table, or a list of JSON objects.

Received = one-stop counter (post is inside that figure) + online; what was processed carries the backlog and is no
denominator. The month stands in columns `month` and `year`, or in the file's name: 2023-07, 07_2023, 072023.
"""

import re
from pathlib import Path

import pandas as pd

from ...base.errors import InputError
from ...base.periods import parse_period
from ...base.safe_text import header_key
from ...read.headers import find_header
from ...read.tables import Opening, open_table
from . import SIMULATED_MARK, Summary, check_sum, is_total, month_of_name, need_columns, parse_counts, usable

HEADERS = {
    "agency": ("govAgencyName",),
    "onegate": ("onegateCount",),
    "online": ("onlineCount",),
    "month": ("month", "Tháng"),
    "year": ("year", "Năm"),
    "note": ("note",),
}
COLUMNS = ("govAgencyName", "processCount", "onegateCount", "onlineCount", "remainingCount", "releaseCount", "onegateBetimesCount",
           "onegateOntimeCount", "onegateOvertimeCount", "onlineBetimesCount", "onlineOntimeCount", "onlineOvertimeCount",
           "processingCount", "note")  # fmt: skip
NEEDED = ("agency", "onegate", "online")
DEFINITION = "online_share"
SUFFIXES = (".csv", ".xlsx", ".json")


def recognise(opening: Opening) -> bool:
    """True where a header, or the keys of a list of objects, holds every needed column."""
    rows = opening.rows
    if isinstance(opening.document, list) and opening.document and isinstance(opening.document[0], dict):
        rows = [list(opening.document[0])]
    names = {header_key(header): name for name, headers in HEADERS.items() for header in headers}
    return set(NEEDED) <= set(find_header(rows, names)[2])


def read_summary(path: Path) -> Summary:
    """The agencies' counts. Raises InputError: no month, a cell that is no count, a total that its rows do not add up to."""
    with open_table(path, HEADERS) as raw:
        need_columns(raw, HEADERS, NEEDED, path.name, "opencps_monthly")
        when = "".join(f", {name}" for name in ("month", "year") if name in raw.columns)
        mark = f"coalesce(note, '') = '{SIMULATED_MARK}'" if "note" in raw.columns else "false"
        frame = raw.con.sql(f"SELECT row, agency, onegate, online{when}, {mark} AS simulated FROM raw ORDER BY row").df()
    if raw.broken:
        raise InputError(f"{path.name}: row {raw.broken[0]} has more cells than the header")
    frame["month"] = months(frame, path.name)
    for column in ("onegate", "online"):
        frame[column] = parse_counts(frame[column], frame["row"], path.name, HEADERS[column][0])
    frame["received"] = frame["onegate"] + frame["online"]
    yearly, total = frame["month"] == "", is_total(frame["agency"])
    left_out = [("total_row", int(row)) for row in frame.loc[yearly | total, "row"]]
    for _, row in frame[total & ~yearly].iterrows():
        parts = frame[~total & (frame["month"] == row["month"])]
        check_sum(parts, row, ("received", "online"), path.name, "the total row")
    cells = usable(frame[~yearly & ~total], left_out, path.name)
    return Summary(cells[["agency", "month", "received", "online", "row"]], ("received", "online"), tuple(left_out),
                   len(frame), bool(frame["simulated"].any()), DEFINITION)  # fmt: skip


def months(frame: pd.DataFrame, file: str) -> pd.Series:
    """YYYY-MM of every row; "" where the row says month 0, the whole year."""
    if "month" not in frame:
        if month := month_of_name(file):
            return pd.Series(month, index=frame.index)
        raise InputError(f"{file}: which month? A column month (and year) is needed, or a file name like 2023-07 or 07_2023")
    told = []
    years = frame["year"].fillna("") if "year" in frame else [""] * len(frame)
    for row, month, year in zip(frame["row"], frame["month"].fillna(""), years, strict=True):
        place = f"{file}: row {row}, column 'month'"
        if re.fullmatch(r"\d{1,2}", month) and not year:
            raise InputError(f"{place}: a month without a year: a column year is needed")
        if month in ("0", "00"):
            told.append("")
        else:
            told.append(str(parse_period(f"{month}/{year}" if re.fullmatch(r"\d{1,2}", month) else month, "M", place, cell=True)))
    return pd.Series(told, index=frame.index, dtype=object)


def made_up(counts: pd.DataFrame) -> list[list[object]]:
    """The table of made-up counts (agency, month, received, online), with a month column; every seventh dossier is backlog."""
    rows: list[list[object]] = [[*COLUMNS, "month", "year"]]
    for cell in counts.itertuples():
        year, month = map(int, cell.month.split("-"))
        received, online, old = int(cell.received), int(cell.online), int(cell.received) // 7
        counter = received - online
        rows.append([cell.agency, received + old, counter, online, old, received, 0, counter, 0, 0, online, 0, old,
                     SIMULATED_MARK, month, year])  # fmt: skip
    return rows
