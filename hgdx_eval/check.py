"""`hgdx-eval check`: what an export holds, for the clerk who made it. Counts and row numbers, never a cell's text."""

from pathlib import Path

from .errors import InputError
from .files import open_table
from .panel import EXAMPLES, read_cells, reasons
from .params import did_you_mean
from .readers import layout_names, opencps_dossiers, table
from .words import Words


def check_file(path: Path, layout: str | None) -> dict:
    """file, layout, rows, accepted, rejected (reason, rows, examples), corrected, periods, agencies, procedures, online.

    Raises InputError where the file is not understood.
    """
    if layout is not None and layout not in layout_names():
        raise InputError(f"--layout {layout}: not known{did_you_mean(layout, layout_names())}; "
                         f"known: {', '.join(layout_names())}")  # fmt: skip
    if layout is None:
        layout = recognised(path)
    return check_table(path) if layout == "table" else check_dossiers(path, layout)


def recognised(path: Path) -> str:
    """The layout whose header this is. Raises InputError where none fits."""
    header = open_table(path, opencps_dossiers.HEADERS).header
    if opencps_dossiers.recognise(header):
        return "opencps_dossiers"
    raise InputError(f"{path.name}: no known header; known layouts: {', '.join(layout_names())} "
                     f"(a tidy table of your own: --layout table)")  # fmt: skip


def check_dossiers(path: Path, layout: str) -> dict:
    cells, _ = read_cells(path, "received")
    good, rejected = cells[cells["reason"].isna()], reasons(cells)
    months = sorted(good["month"].unique())
    return {
        "file": path.name, "layout": layout, "rows": int(cells["n"].sum()), "accepted": int(good["n"].sum()),
        "rejected": rejected.to_dict("records"),
        "corrected": [{"reason": "excel_serial", "rows": int(good["serials"].sum()), "examples": ()}]
        if good["serials"].sum() else [],
        "periods": [months[0], months[-1]] if months else [], "agencies": int(good["agency"].nunique()),
        "procedures": int(good["procedure"].nunique()), "online": int(good["online"].sum()),
        "simulated": bool(good["simulated"].any()),
    }  # fmt: skip


def check_table(path: Path) -> dict:
    raw = open_table(path, {})
    if len([label for label in raw.header if label.strip()]) < 2:
        raise InputError(f"{path.name}: no known header: fewer than two named columns in the first row")
    names = [label for label in dict.fromkeys(raw.header) if label.strip()]
    frame, simulated = table.read_columns(path, names, [])
    blanks = {name: int((frame[name].str.strip() == "").sum()) for name in names}
    return {
        "file": path.name, "layout": "table", "rows": len(frame), "accepted": len(frame), "rejected": [], "corrected": [],
        "columns": [{"column": name, "empty": blanks[name]} for name in names], "simulated": simulated,
    }  # fmt: skip


def check_lines(found: dict, words: Words) -> list[str]:
    """The same as sentences."""
    lines = [words("check.file", file=found["file"], layout=words("check.layout_" + found["layout"]))]
    if found["simulated"]:
        lines.append(words("check.simulated"))
    lines.append(words("check.counts", rows=words.number(found["rows"]), accepted=words.number(found["accepted"]),
                       rejected=words.number(found["rows"] - found["accepted"])))  # fmt: skip
    for kind in ("rejected", "corrected"):
        for item in found[kind]:
            rows = ", ".join(str(row) for row in item["examples"])
            more = item["rows"] > EXAMPLES
            lines.append(words("check.reason", reason=words("reasons." + item["reason"]), rows=words.number(item["rows"]),
                               examples=words("check.rows_more" if more else "check.rows", rows=rows) if rows else ""))  # fmt: skip
    if found.get("periods"):
        lines.append(words("check.content", first=words.date(found["periods"][0]), last=words.date(found["periods"][1]),
                           agencies=words.number(found["agencies"]), procedures=words.number(found["procedures"]),
                           share=words.percent(found["online"] / max(found["accepted"], 1))))  # fmt: skip
    for item in found.get("columns", []):
        lines.append(words("check.column", column=item["column"], empty=words.number(item["empty"])))
    return lines
