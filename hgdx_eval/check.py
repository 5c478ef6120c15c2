"""`hgdx-eval check`: what an export holds, for the clerk who made it. Counts and row numbers, never a cell's text."""

from pathlib import Path

from .dossiers import EXAMPLES, count_dossiers, payment_sums
from .errors import InputError
from .files import open_table
from .panel import reasons, summary_panel, without_unfinished
from .params import did_you_mean
from .readers import layout_names, layout_of, summary_layouts, table
from .words import Words


def check_file(path: Path, layout: str | None) -> dict:
    """file, layout, rows, accepted, rejected (reason, rows, examples), corrected, periods, agencies, procedures, online.

    Raises InputError where the file is not understood.
    """
    if layout is not None and layout not in layout_names():
        raise InputError(f"--layout {layout}: not known{did_you_mean(layout, layout_names())}; "
                         f"known: {', '.join(layout_names())}")  # fmt: skip
    if layout is None:
        layout = layout_of(path)
    if layout in summary_layouts():
        return check_summary(path, layout)
    if layout == "opencps_fees":
        return check_fees(path)
    return check_table(path) if layout == "table" else check_dossiers(path, layout)


def check_fees(path: Path) -> dict:
    """What a fee detail tells: sums only."""
    sums = payment_sums(path)
    good = next((item for item in sums if item["reason"] is None), {"rows": 0, "paid": 0, "dossiers": 0})
    return {
        "file": path.name, "layout": "opencps_fees", "rows": sum(item["rows"] for item in sums), "accepted": good["rows"],
        "rejected": [{name: item[name] for name in ("reason", "rows", "examples")} for item in sums if item["reason"]],
        "corrected": [], "simulated": False, "paid": good["paid"], "dossiers": good["dossiers"],
    }  # fmt: skip


def check_summary(path: Path, layout: str) -> dict:
    """What a summarised export tells; received and online are missing where it tells points."""
    panel = summary_panel([path], layout)
    cells, months = panel.cells, sorted(panel.cells["period"].astype(str).unique())
    sums = {f"sum_{name}": int(cells[name].sum()) for name in ("received", "online") if name in cells}
    return {
        "file": path.name, "layout": layout, "rows": panel.origin.rows, "accepted": panel.accepted,
        "rejected": panel.rejected.to_dict("records"), "corrected": [], "simulated": panel.origin.simulated,
        "definition": panel.definition, "first": months[0], "last": months[-1], "units": int(cells["agency"].nunique()), **sums,
    }  # fmt: skip


def check_dossiers(path: Path, layout: str) -> dict:
    cells = without_unfinished(count_dossiers([path]).cells)
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
    if (told := table.told_header(raw.header)) != ", ".join(map(str, raw.header[:30])):
        raise InputError(f"{path.name}: no known header: {told}")
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
    if "paid" in found:
        lines.append(words("check.paid", paid=words.number(found["paid"]), dossiers=words.number(found["dossiers"])))
    if "definition" in found:
        ends = {"first": words.date(found["first"]), "last": words.date(found["last"]), "units": words.number(found["units"])}
        lines.append(words("check.definition", definition=words("check.definition_" + found["definition"])))
        if "sum_received" in found:
            lines.append(words("check.summary", **ends, received=words.number(found["sum_received"]),
                               share=words.percent(found["sum_online"] / max(found["sum_received"], 1))))  # fmt: skip
        else:
            lines.append(words("check.scores", **ends))
    for item in found.get("columns", []):
        lines.append(words("check.column", column=item["column"], empty=words.number(item["empty"])))
    return lines
