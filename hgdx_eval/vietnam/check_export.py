"""`hgdx-eval check`: what an export holds, for the clerk who made it. Counts and row numbers, never a cell's text."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.telling import SHEET, did_you_mean, row_text, shape_of, told_file
from ..panel.disclosure import hidden_beside_total
from ..panel.panel import EXAMPLES, NAMES
from ..read.sources import data_files
from ..read.table_proposal import as_json, proposal, told_columns
from ..read.tables import open_table
from ..study.words import Words, reading_text, told_shape
from .count_dossiers import content_of, count_dossiers, payment_sums
from .dossier_dates import many
from .dossier_panel import reasons, without_unfinished
from .facts import load_facts
from .fee_schedule import fee_schedule_of, todays_codes
from .layouts import DEFINITIONS, POST, layout_names, layout_of, summary_layouts
from .layouts.opencps_dossiers import ANSWERS
from .summary_panel import summary_panel
from .unit_names import HOW, matched_table, named_agencies, shown_code
from .volume_signs import volume_signs

HEAVY = 0.1  # share of a month's rows that repeat a dossier number: no slip of a hand, a file put in twice
LEAST_PERIODS = 2  # of a unit on average, by which a file of no known layout is a table of units over time
FEW = 5  # dossiers, below which a count is not told unless it is asked for (`--exact`)
DOUBTFUL = ("ambiguous", "unknown", "unlisted")
MOST = 8  # names, months and signs that are told one by one; --json has all


def check_file(path: Path, layout: str | None = None, fees: Path | None = None) -> dict:
    """What a file, or the files of a folder or pattern, hold: file, layout, rows, accepted, rejected (reason, rows, examples),
    corrected, simulated, and by layout what the content is, how names were understood, and signs that something is wrong.

    Several files of one summarised layout, or of dossiers, are read as one. `fees`: the fee schedule; default FILE.fees.csv,
    if there. Raises InputError where a file is not understood, or where a folder holds several layouts.
    """
    if layout is not None and layout not in layout_names():
        raise InputError(f"--layout {layout}: not known{did_you_mean(layout, layout_names())}; "
                         f"known: {', '.join(layout_names())}")  # fmt: skip
    paths = data_files(path)
    layouts = {file: layout or layout_or_table(file) for file in paths}
    layout = layouts[paths[0]]
    if other := next((file for file in paths if layouts[file] != layout), None):
        raise InputError(f"{other.name}: a file of layout {layouts[other]}, but {paths[0].name} is of {layout}: check them apart")
    if layout in summary_layouts():
        return check_summary(paths, layout)
    if layout == "opencps_dossiers":
        return check_dossiers(paths, layout, fees)
    if len(paths) > 1:
        raise InputError(f"{path.name}: {len(paths)} files of layout {layout}: check them one by one")
    return check_fees(paths[0]) if layout == "opencps_fees" else check_table(paths[0])


def layout_or_table(path: Path) -> str:
    """The layout that a file is of; table for one of no layout that looks like units over several periods.

    Raises InputError for another.
    """
    try:
        return layout_of(path)
    except InputError as unknown:
        try:
            seen = proposal(path)["proposal"]
        except InputError:
            raise unknown from None
        shape = seen["shape"] or {"units": 0, "periods": 0, "gaps": 0, "repeats": 1}
        pairs = shape["units"] * shape["periods"] - shape["gaps"]
        if shape["repeats"] or not seen["measured"] or pairs < LEAST_PERIODS * shape["units"]:
            raise unknown from None
        return "table"


def name_of(paths: list[Path]) -> str:
    """What was checked, as it is shown and kept: see `telling.told_file`."""
    return told_file(paths[0].name) + (f" (+{len(paths) - 1})" if len(paths) > 1 else "")


def check_fees(path: Path) -> dict:
    """What a fee detail tells: sums only."""
    sums = payment_sums(path)
    good = next((item for item in sums if item["reason"] is None), {"rows": 0, "paid": 0, "dossiers": 0})
    return {
        "file": name_of([path]), "layout": "opencps_fees", "rows": sum(item["rows"] for item in sums), "accepted": good["rows"],
        "rejected": [{name: item[name] for name in ("reason", "rows", "examples")} for item in sums if item["reason"]],
        "corrected": [], "simulated": False, "paid": good["paid"], "dossiers": good["dossiers"],
    }  # fmt: skip


def check_summary(paths: list[Path], layout: str) -> dict:
    """What summarised exports tell; received and online are missing where they tell points."""
    panel = summary_panel(paths, layout, refuse=False)
    cells, months = panel.cells, sorted(panel.cells["period"].astype(str).unique())
    sums = {f"sum_{name}": int(cells[name].sum()) for name in ("received", "online") if name in cells}
    counts = cells.assign(month=cells["period"].astype(str))
    return {
        "file": name_of(paths), "layout": layout, "rows": panel.origin.rows, "accepted": panel.accepted,
        "rejected": panel.rejected.to_dict("records"), "corrected": panel.corrected.to_dict("records"),
        "simulated": panel.origin.simulated, "definition": panel.definition, "first": months[0], "last": months[-1],
        "units": int(cells["agency"].nunique()), **sums, "post": POST.get(layout, ""),
        "names": panel.names_matched.to_dict("records"), "signs": signs_of(counts) if "received" in cells else [],
    }  # fmt: skip


def signs_of(counts: pd.DataFrame) -> list[dict]:
    """The signs of `volume_signs`, numbers rounded; what was expected is None where nothing was."""
    found = volume_signs(counts).to_dict("records")
    return [{**sign, "expected": None if pd.isna(sign["expected"]) else round(float(sign["expected"]))} for sign in found]


def check_dossiers(paths: list[Path], layout: str, fees: Path | None) -> dict:
    counted = count_dossiers(paths)
    cells = without_unfinished(counted.cells)
    good, rejected = cells[cells["reason"].isna()], reasons(cells)
    months = sorted(good["month"].unique())
    serials = int(good["serials"].sum())
    noted = [*([("excel_serial", serials)] if serials else []), *counted.noted]
    agencies = named_agencies(good["agency"], good["month"], good["n"], load_facts())
    counts = agencies.assign(month=good["month"], received=good["n"].astype("int64"))
    codes, schedule = procedures_of(good, fees or Path(f"{paths[0]}.fees.csv"), paths[0].name)
    return {
        "file": name_of(paths), "layout": layout, "rows": int(cells["n"].sum()), "accepted": int(good["n"].sum()),
        "rejected": rejected.to_dict("records"),
        "corrected": [{"reason": reason, "rows": rows, "examples": ()} for reason, rows in noted],
        "unread": int(counted.unread["n"].sum()), "readings": as_json(counted.readings),
        "periods": [months[0], months[-1]] if months else [], "agencies": int(counts["agency"].nunique()),
        "procedures": int(good["procedure"].nunique()), "online": int(good["online"].sum()),
        "assisted": int(good["assisted"].sum()) if "assisted" in good else None, "simulated": bool(good["simulated"].any()),
        "definition": "online_share", "post": POST[layout], "schedule": schedule,
        "names": matched_table([agencies.assign(kind="agency"), codes]).to_dict("records"),
        "signs": signs_of(counts), **content_of(paths, doubtful(good, agencies, codes), counted.date_forms),
    }  # fmt: skip


def procedures_of(good: pd.DataFrame, fees: Path, export: str) -> tuple[pd.DataFrame, str | None]:
    """(what was understood of the procedures' codes, the schedule's name); without a schedule every code is as it is, None."""
    if not fees.is_file():
        codes, name = pd.DataFrame({"code": good["procedure"], "how": "listed", "outside": ""}), None
    else:
        codes, name = todays_codes(good, fee_schedule_of(fees, export)), told_file(fees.name)
    return codes.assign(kind="procedure", text=good["procedure"].map(shown_code), means=codes["code"].map(shown_code),
                        rows=good["n"].astype("int64")), name  # fmt: skip


def doubtful(good: pd.DataFrame, agencies: pd.DataFrame, codes: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(column, the file's text) -> the text as it may be told, of names and codes that were not understood."""
    parts = ((agencies, "agency", ("ambiguous", "unknown")), (codes, "procedure", ("unlisted",)))
    return {(column, good.at[at, column]): told.at[at, "text"] for told, column, hows in parts for at in told.index[told["how"].isin(hows)]}


def check_table(path: Path) -> dict:
    """What a tidy table seems to hold; see `table_proposal.proposal`."""
    found = proposal(path)
    definitions = definitions_in(path)
    known = [name if name in DEFINITIONS else f"({shape_of(name)})" for name in definitions[:MOST]]
    return {
        "file": name_of([path]), "layout": "table", "rows": found["rows"], "accepted": found["rows"], "rejected": [], "corrected": [],
        "columns": told_columns(found["columns"]), "simulated": found["simulated"], "definitions": known,
        "readings": as_json(found["readings"]), "proposal": found["proposal"],
    }  # fmt: skip


def definitions_in(path: Path) -> list[str]:
    """The different texts of a column `definition`."""
    with open_table(path, {"definition": ("definition",)}) as raw:
        if "definition" not in raw.columns:
            return []
        query = "SELECT DISTINCT definition FROM raw WHERE definition IS NOT NULL ORDER BY 1"
        return [text for (text,) in raw.con.sql(query).fetchall()]


def table_lines(found: dict, words: Words) -> list[str]:
    """What a table seems to hold: what a study could name, its shape, empty cells, how it was read."""
    seen, shape = found["proposal"], found["proposal"]["shape"]
    nothing = words("check.table_nothing")
    lines = [words("check.table_proposal")]
    for key in ("unit", "period", "measured", "treated", "treated_from"):
        told = seen[key] if isinstance(seen[key], list) else [seen[key]] if seen[key] else []
        more = words("check.more", n=words.number(len(told) - MOST)) if len(told) > MOST else ""
        lines.append(words("check.table_" + key, columns=", ".join(told[:MOST]) + more or nothing))
    if shape:
        lines.append(words("check.table_shape", **{name: words.number(value) for name, value in shape.items()},
                           frequency=words("check.table_frequency_" + seen["frequency"])))  # fmt: skip
    if seen["alike"]:
        lines.append(words("check.table_alike", n=words.number(seen["alike"])))
    empty = [words("check.table_empty", column=item["column"], n=words.number(item["empty"])) for item in found["columns"] if item["empty"]]
    lines += listed(empty, "check.table_empties", words)
    return lines


def tellable(found: dict, min_count: int = FEW) -> dict:
    """What `check_file` found as it may be kept and sent on: counts of dossiers below `min_count`, and those that would give them, are
    None, and `min_count` and `hidden` (which single ones) say so.

    Rows of the file that have a fault are told exactly, with their numbers, as they are to be mended: rejected, corrected, unread, dates,
    repeats, names that were not understood.
    """
    if found["layout"] == "table":  # it counts nobody
        return found
    told = {**found, "min_count": min_count}

    def few(*counts: int | None) -> bool:
        return any(count is not None and 0 < count < min_count for count in counts)

    if "paid" in found and few(found["dossiers"]):
        told |= {"paid": None, "dossiers": None}
    for part, whole in (("sum_online", "sum_received"), ("online", "accepted"), ("assisted", "online")):
        if found.get(part) is not None and few(found[part], found[whole] - found[part]):
            told[part] = None
    if few(found.get("sum_received")):
        told["sum_received"] = None
    received: dict[str, int] = {}
    if found["layout"] == "opencps_dossiers":
        told["names"], told["repeats"] = names_tellable(found["names"], min_count), months_tellable(found["repeats"], min_count)
        for item in found["names"]:
            received[item["means"]] = received.get(item["means"], 0) + item["rows"]
    if "signs" in found:
        told["signs"] = [{**sign, "received": None} if few(sign["received"], received.get(sign["agency"], 0) - sign["received"]) else sign
                         for sign in found["signs"]]  # fmt: skip
    return {**told, "hidden": [name for name in told if told[name] is None and found[name] is not None]}


def names_tellable(names: list[dict], min_count: int) -> list[dict]:
    """Names without the rows of those in few, beside all rows of their kind; of names to be looked at all rows are told."""
    frame = pd.DataFrame(names, columns=NAMES)
    sound = ~frame["how"].isin(DOUBTFUL) & frame["outside"].eq("")
    hide = np.zeros(len(frame), bool)
    for at in frame[sound].groupby("kind").indices.values():
        own = np.flatnonzero(sound)[at]
        hide[own] = hidden_beside_total(frame["rows"].to_numpy(float)[own, None], min_count)
    return [{**item, "rows": None} if gone else item for item, gone in zip(names, hide, strict=True)]


def months_tellable(months: list[dict], min_count: int) -> list[dict]:
    """The same of the rows of each month."""
    if not months:
        return months
    hide = hidden_beside_total(np.array([[item["rows"]] for item in months], float), min_count)
    return [{**item, "rows": None} if gone else item for item, gone in zip(months, hide, strict=True)]


def number(count: float | None, words: Words) -> str:
    """A count, or that it is not shown."""
    return words("check.not_shown") if count is None or pd.isna(count) else words.number(count)


def share(part: float | None, whole: float | None, words: Words) -> str:
    """The same of a share."""
    return words("check.not_shown") if part is None or whole is None else words.percent(part / max(whole, 1))


def rows_told(found: object) -> object:
    """What `check_file` found, for machines: a row of a further sheet as text ("7 of sheet 2"), all other numbers of rows as numbers."""
    if isinstance(found, dict):
        return {name: [row if row < SHEET else row_text(row) for row in value] if name == "examples" else rows_told(value)
                for name, value in found.items()}  # fmt: skip
    return [rows_told(item) for item in found] if isinstance(found, (list, tuple)) else found


def check_lines(found: dict, words: Words) -> list[str]:
    """The same as sentences."""
    lines = [words("check.file", file=found["file"], layout=words("check.layout_" + found["layout"]))]
    if found["simulated"]:
        lines.append(words("check.simulated"))
    lines.append(words("check.counts", rows=words.number(found["rows"]), accepted=words.number(found["accepted"]),
                       rejected=words.number(found["rows"] - found["accepted"])))  # fmt: skip
    for kind in ("rejected", "corrected"):
        for item in found[kind]:
            rows = ", ".join(map(row_text, item["examples"]))
            more = item["rows"] > EXAMPLES
            lines.append(words("check.reason", reason=words("reasons." + item["reason"]), rows=words.number(item["rows"]),
                               examples=words("check.rows_more" if more else "check.rows", rows=rows) if rows else ""))  # fmt: skip
    if many(found.get("unread", 0), found["accepted"] + found.get("unread", 0)):
        lines.append(words("check.unread", rows=words.number(found["unread"]), allowed=ANSWERS,
                           share=words.percent(found["unread"] / (found["accepted"] + found["unread"]))))  # fmt: skip
    if found.get("periods"):
        lines.append(words("check.content", first=words.date(found["periods"][0]), last=words.date(found["periods"][1]),
                           agencies=words.number(found["agencies"]), procedures=words.number(found["procedures"]),
                           share=share(found["online"], found["accepted"], words)))  # fmt: skip
    if "paid" in found:
        lines.append(words("check.paid", paid=number(found["paid"], words), dossiers=number(found["dossiers"], words)))
    if "definition" in found:
        lines.append(words("check.definition", definition=words("check.definition_" + found["definition"])))
        lines += [words("check.post_" + found["post"])] if found["post"] else []
    if "units" in found:
        ends = {"first": words.date(found["first"]), "last": words.date(found["last"]), "units": words.number(found["units"])}
        if "sum_received" in found:
            lines.append(words("check.summary", **ends, received=number(found["sum_received"], words),
                               share=share(found["sum_online"], found["sum_received"], words)))  # fmt: skip
        else:
            lines.append(words("check.scores", **ends))
    if "assisted" in found:
        lines.append(staff_line(found, words))
    if "names" in found:
        lines += name_lines(found, words)
        lines += sign_lines(found, words)
    if told := found.get("definitions"):
        texts = [words("check.definition_" + name) if name in DEFINITIONS else told_shape(name, words) for name in told]
        lines.append(words("check.definition" if len(told) == 1 else "check.definitions", definition="; ".join(texts)))
    lines += table_lines(found, words) if "proposal" in found else []
    for said in found.get("readings", []):
        told = {name: value for name, value in said.items() if name != "kind"}
        lines.append(words("check.reading", said=reading_text(said["kind"], told, words)))
    return [*lines, words("check.few", n=words.number(found["min_count"]))] if "min_count" in found else lines


def staff_line(found: dict, words: Words) -> str:
    """How many of the online dossiers staff entered."""
    if found["assisted"] is None and "assisted" not in found.get("hidden", ()):
        return words("check.staff_unknown")
    return words("check.staff", assisted=number(found["assisted"], words), online=number(found["online"], words),
                 share=share(found["assisted"], found["online"], words))  # fmt: skip


def name_lines(found: dict, words: Words) -> list[str]:
    """How names were understood, in one line a kind; then those that somebody must look at."""
    frame = pd.DataFrame(found["names"], columns=NAMES)
    rows_of: dict[str, list[int]] = {}
    for place in found.get("places", []):
        rows_of.setdefault(place["text"], []).extend(place["examples"])
    lines = []
    for kind, part in frame.groupby("kind"):
        if kind == "procedure" and found["schedule"] is None:
            lines.append(words("check.no_schedule"))
            continue
        order = [how for how in (*HOW, "listed", "recoded", "unlisted") if how in set(part["how"])]
        told = [words("check.how_count", how=words("check.how_" + how), names=words.number(sub["text"].nunique()),
                      rows=number(sub["rows"].sum(skipna=False), words))
                for how in order for sub in [part[part["how"] == how]]]  # fmt: skip
        lines.append(words(f"check.names_{kind}", told="; ".join(told)))
        for column, values in (("how", DOUBTFUL), ("outside", ("ended", "not_begun"))):
            for value in values:
                sums = part[part[column] == value].groupby("text")["rows"].sum().sort_values(ascending=False)
                key = f"check.doubt_{value}" if column == "how" else f"check.{value}_{kind}"
                lines += listed([name_text(text, rows, sorted(rows_of.get(text, []))[:EXAMPLES], words) for text, rows in sums.items()],
                                key, words)  # fmt: skip
    return lines


def name_text(text: str, rows: int, examples: list[int], words: Words) -> str:
    """A name, on how many rows, and which the first ones are."""
    told = ", ".join(map(row_text, examples))
    place = words("check.rows_more" if rows > len(examples) else "check.rows", rows=told) if examples else ""
    return words("check.name", text=told_shape(text, words), rows=number(rows, words)) + place


def listed(items: list[str], key: str, words: Words) -> list[str]:
    """One line with the first MOST items; no line without any."""
    if not items:
        return []
    more = words("check.more", n=words.number(len(items) - MOST)) if len(items) > MOST else ""
    return [words(key, items="; ".join(items[:MOST]) + more)]


def sign_lines(found: dict, words: Words) -> list[str]:
    """What in the content may be wrong, each with its place; or that nothing was found."""
    lines = []
    for item in found.get("date_order", []):
        if item["rows"]:
            rows = ", ".join(map(row_text, item["examples"]))
            more = item["rows"] > EXAMPLES
            lines.append(words("check.sign", sign=words("check.order_" + item["fault"]), rows=words.number(item["rows"]),
                               examples=words("check.rows_more" if more else "check.rows", rows=rows)))  # fmt: skip
    heavy = [item for item in found.get("repeats", []) if item["rows"] is not None and item["again"] >= HEAVY * item["rows"]]
    lines += listed([words("check.repeat", month=words.date(item["month"]), again=words.number(item["again"]),
                           rows=words.number(item["rows"])) for item in heavy], "check.repeats", words)  # fmt: skip
    for sign in dict.fromkeys(item["sign"] for item in found["signs"]):
        lines += listed([sign_text(item, words) for item in found["signs"] if item["sign"] == sign], "check.sign_" + sign, words)
    return [words("check.signs"), *lines] if lines else [words("check.no_signs")]


def sign_text(item: dict, words: Words) -> str:
    """One place: agency, months, received against expected."""
    span = words.date(item["first"]) if item["first"] == item["last"] else words(
        "check.span", first=words.date(item["first"]), last=words.date(item["last"]))  # fmt: skip
    place = f"{told_shape(item['agency'], words)}, {span}" if item["agency"] else span
    if item["expected"] is None or item["sign"] == "month_missing":
        return place
    return words("check.against", place=place, received=number(item["received"], words), expected=words.number(item["expected"]))
