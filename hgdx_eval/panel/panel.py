"""Export -> panel: counts by unit and month, from which nobody can be told. The privacy border runs through here."""

import hashlib
import os
import pickle
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..base import periods
from ..base.aside import new_file
from ..base.errors import InputError
from ..base.origin import Origin, sha256_of
from ..base.periods import months_since, parse_periods
from ..base.private_folder import private_folder
from ..base.telling import SHARED_PERIODS, SHARED_ROWS, shared_names, told_amount, told_file, told_name
from ..read import tidy
from ..read.sources import data_files, payments_beside, study_data
from ..read.tables import header_key, open_table, quoted
from ..study.study import COUNTED, Study, named_by, named_columns
from ..vietnam.calendar import vietnam
from ..vietnam.count_dossiers import CHANNELS, EXAMPLES, PAID, PROCESSED, count_dossiers
from ..vietnam.facts import Facts, Unit, cluster_of, load_facts
from ..vietnam.fee_schedule import fee_schedule_of, todays_codes, todays_rows
from ..vietnam.layouts import DEFINITIONS, layout_of, opencps_dossiers, personal_layout, reader, summary_layouts
from ..vietnam.unit_names import looks_like_agency, match_unit, shown_code, shown_text, told_agency

MISSED = 10  # dossiers that a month's last working days would have brought: fewer may be chance
MORE = (*PROCESSED, *PAID, *CHANNELS)  # there only where the export tells it
TOTAL_WORDS = ("tổng", "cộng", "total")
NOTES = ["reason", "rows", "examples"]
NAMES = ["kind", "text", "means", "how", "outside", "rows"]
LABELS = {"numerator": "online", "denominator": "received"}  # columns of a tidy table that are not called as their key
UNKNOWN = "Chưa rõ cơ quan"  # the agency of rows whose text is no agency's name, and may be a person's
NOTE = opencps_dossiers.HEADERS["filing_note"][0]


@dataclass(frozen=True)
class Panel:
    """Cells and where they came from.

    `cells` of a dossier export: one row per agency x procedure x period (every period between the first and the last,
    0 where nothing came in), sorted: agency, level, cluster, procedure, fee_group, period (pandas Period), received,
    online, assisted, remote (online without assisted; counts). What the export does not tell is absent: done (dossiers with a
    day of completion), days (from receipt to it, their sum), timed (with an appointment too), on_time (of timed); with fee
    details paid (VND really paid), paying (dossiers that paid something), zero_fee (all of whose payments are 0), the same of
    dossiers filed online (filed_online_paid, filed_online_paying, filed_online_zero); where they say how, channel_told (paying
    dossiers of which that is known), paid_online (of them, online), the same of dossiers not filed online (counter_told,
    counter_paid_online). Of a summarised export: one row per
    agency x month that it tells, sorted: agency, level, cluster, period, the layout's values (received, online; or points).
    Of a tidy table: one row per unit x period, sorted: unit, period, then what the study names, each under its key and whatever the
    user calls it (numerator: online, denominator: received; `by_NAME` for each of `by`), text as text, numbers as floats; `label`.
    `rejected`, `corrected`: one row per reason, with the number of rows and the first row numbers.
    `names_matched`: one row per text of an agency or code of a procedure and way in which it was understood: kind (agency,
    procedure), text (its shape where it looks like no agency), means (official name, today's code; "" where unknown), how (of
    names.HOW; listed, recoded, unlisted), outside ("", ended, not_begun: not in force in those months), rows.
    `truth`: what a simulated export says of itself (period, truth_pp, treated_received and more, see `synth.truth_table`), else None.
    """

    cells: pd.DataFrame
    origin: Origin
    rejected: pd.DataFrame
    corrected: pd.DataFrame
    accepted: int
    truth: pd.DataFrame | None = None
    names: dict[str, str] = field(default_factory=dict)  # procedure code -> its name in the fee schedule
    names_matched: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=NAMES))
    definition: str = "online_share"  # of readers.DEFINITIONS; "" for a table that does not say


def load_panel(p: Study) -> Panel:
    """The panel of a study. Inside a run it was made once, before the notebooks, and lies in HGDX_WORK.

    Raises InputError naming file and place for whatever cannot be understood.
    """
    work = os.environ.get("HGDX_WORK")
    if work and (Path(work) / "panel.pickle").is_file():
        return held_panel(work)
    path = study_data(p)
    if p.layout == "table":
        return table_panel(path, p)
    paths = data_files(path)
    if p.layout in summary_layouts():
        return summary_panel(paths, p.layout)
    if p.layout != "opencps_dossiers":
        raise InputError(f"{p.study}: layout: {p.layout} alone is no panel: put it into one folder with a dossier list "
                         f"(layout: opencps_dossiers)")  # fmt: skip
    return dossier_panel(paths, p.layout, p.date, Path(p.fees) if p.fees else None)


def check_fresh(panel: Panel, p: Study) -> None:
    """Raises InputError where the newest period of the data is older than the study's `fresh_within` allows.

    Asked when a run begins, and never again: a run that is verified later is the same run. The unfinished last month is no
    longer in the panel, a period in which no dossier came in does not count.
    """
    if p.fresh_within is not None:
        check_age(newest_counted(panel, p), panel.origin.file, p)


def newest_counted(panel: Panel, p: Study) -> str | None:
    """The newest period in which anything was counted."""
    cells = panel.cells
    name = label(p, "denominator")
    counts = cells[name] if name in cells else pd.Series(1, index=cells.index)
    newest = cells.loc[counts > 0, "period"].max()
    return None if pd.isna(newest) else str(newest)


def check_age(newest: str | None, file: str, p: Study) -> None:
    """`check_fresh` for a newest period that is known, as of data that were read before."""
    age = None if newest is None else months_since(pd.Period(newest), periods.today())
    if age is None or age > p.fresh_within:
        found = "no period with data" if age is None else f"the newest whole period is {newest}, {age} months ago"
        raise InputError(f"{file}: {found}; {p.study} says fresh_within: {p.fresh_within} (months)")


@cache
def held_panel(work: str) -> Panel:
    """The panel of the run that is under way, read once in a process."""
    return pickle.loads((Path(work) / "panel.pickle").read_bytes())


def origin_of(paths: list[Path], rows: int, layout: str, simulated: bool) -> Origin:
    """Where one file or several came from; the hash of several is over their hashes, in order."""
    hashes = [sha256_of(path) for path in paths]
    if len(paths) == 1:
        return Origin(told_file(paths[0].name), hashes[0], rows, layout, simulated)
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return Origin(f"{told_file(paths[0].name)} (+{len(paths) - 1})", digest, rows, layout, simulated)


# --- summarised exports --------------------------------------------------------------------------------------------
def summary_panel(paths: list[Path], layout: str, refuse: bool = True) -> Panel:
    """The panel of summarised exports of one layout, agencies under their official names.

    `refuse`: whether a name that may mean two units is refused; else it stays as written.
    Raises InputError: a file of another layout or definition, two files that disagree, no usable row, an ambiguous name.
    """
    parts = []
    for path in paths:
        check_layout(path, layout)
        parts.append((path.name, reader(layout).read_summary(path)))
    check_definitions([(name, part.definition) for name, part in parts])
    facts, values = load_facts(), list(parts[0][1].values)
    frame = pd.concat([part.cells.assign(file=name) for name, part in parts], ignore_index=True)
    left_out = pd.DataFrame([note for _, part in parts for note in part.left_out], columns=["reason", "row"])
    if frame.empty:
        told = "; ".join(f"{row.reason} {row.rows}" for row in noted_reasons(left_out).itertuples())
        raise InputError(f"{paths[0].name}: no usable row: {told or 'nothing was read'}")
    agencies = named_agencies(frame["agency"], frame["month"], pd.Series(1, frame.index), facts, personal=False)
    if refuse:
        refuse_ambiguous(agencies, paths[0].name)
    frame = frame.assign(**{name: agencies[name] for name in ("agency", "level", "cluster")})
    frame, again = merged(frame, values)
    left_out = pd.concat([left_out, again.assign(reason="overlap")[["reason", "row"]]], ignore_index=True)
    frame["period"] = pd.PeriodIndex(frame["month"], freq="M")
    first = ["agency", "level", "cluster", "period"]
    others = [c for c in frame.columns if c not in (*first, *values, "month", "row", "file")]
    cells = frame.sort_values(["agency", "period"], ignore_index=True)[[*first, *others, *values]]
    counts = {name: "int64" for name in values if str(cells[name].dtype) == "Int64"}
    origin = origin_of(paths, sum(part.rows for _, part in parts), layout, any(part.simulated for _, part in parts))
    return Panel(cells.astype(counts), origin, noted_reasons(left_out), pd.DataFrame(columns=NOTES), len(cells),
                 names_matched=matched_table([agencies.assign(kind="agency")]), definition=parts[0][1].definition)  # fmt: skip


def check_layout(path: Path, layout: str) -> None:
    """Raises InputError where a file is recognised as another layout than the study's, above all one of another definition."""
    found = layout_of(path)
    if found == layout:
        return
    theirs, ours = getattr(reader(found), "DEFINITION", "online_share"), reader(layout).DEFINITION
    if theirs != ours:
        check_definitions([(f"layout {layout}", ours), (path.name, theirs)])
    raise InputError(f"{path.name}: a file of layout {found}, but the study says layout: {layout}")


def check_definitions(series: list[tuple[str, str]]) -> None:
    """Raises InputError where series of different definitions would be joined; says what each of them measures."""
    name, definition = series[0]
    for other, own in series[1:]:
        if own != definition:
            raise InputError(f"{other}: holds {own} ({DEFINITIONS.get(own, own)}), but {name} holds {definition} "
                             f"({DEFINITIONS.get(definition, definition)}): two definitions are not one series; "
                             f"evaluate each in a study of its own")  # fmt: skip


def merged(frame: pd.DataFrame, values: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(one row per agency and month, rows that only repeat one). Raises InputError where two rows disagree."""
    keys = ["agency", "month"]
    again = frame.duplicated(keys)
    firsts = frame[~again].set_index(keys, drop=False)
    for row in frame[again].itertuples():
        before = firsts.loc[(row.agency, row.month)]
        if before["file"] == row.file:
            raise InputError(f"{row.file}: row {row.row}: a second row of {told_agency(row.agency)} in {row.month}")
        for name in values:
            ours, theirs = getattr(row, name), before[name]
            if ours != theirs and not (pd.isna(ours) and pd.isna(theirs)):
                raise InputError(f"{row.file}: row {row.row}: {told_agency(row.agency)}, {row.month}: {name} {ours:g}, but "
                                 f"{before['file']}, row {before['row']}, tells {theirs:g}")  # fmt: skip
    return frame[~again].copy(), frame[again]


def noted_reasons(left_out: pd.DataFrame) -> pd.DataFrame:
    """One row per reason: how many rows, and the numbers of the first ones."""
    rows = [(reason, len(part), tuple(int(row) for row in part["row"][:EXAMPLES])) for reason, part in left_out.groupby("reason")]
    return pd.DataFrame(rows, columns=NOTES)


# --- dossier exports -----------------------------------------------------------------------------------------------
def dossier_panel(paths: list[Path], layout: str, date_column: str, fees: Path | None) -> Panel:
    """The panel of dossier exports, by one SQL statement a file. Several files are put together: a dossier in two of them
    counts in the first, and fee details among them say what was paid. The last month is left out where it was not finished.

    Raises InputError: what the reader raises, no usable row, or no fee schedule.
    """
    details = [path for path in paths if layout_of(path) == "opencps_fees"] if len(paths) > 1 else []
    paths = [path for path in paths if path not in details]
    beside = [file for path in paths for file in (payments_beside(path),) if file.is_file()]
    if not paths:
        raise InputError(f"{details[0].name}: fee details only: the dossier list that they belong to is missing")
    counted = count_dossiers(paths, date_column, [*details, *beside])
    raw = without_unfinished(counted.cells)
    good = raw[raw["reason"].isna()]
    file = paths[0].name
    if good.empty:
        raise InputError(f"{file}: no usable row: {unusable(raw)}")
    schedule = fee_schedule_of(fees or Path(str(paths[0]) + ".fees.csv"), file)
    counts, matched = named(good, schedule, load_facts(), file)
    cells = described(complete(counts), schedule, load_facts())
    truth = Path(str(paths[0]) + ".truth.csv")
    simulated = bool(good["simulated"].any())
    origin = origin_of(paths, int(raw["n"].sum()), layout, simulated)
    noted = dict(counted.payments_left_out)
    if details or beside:
        listed = raw["reason"].isna() | (raw["reason"] == "unfinished_month")
        noted["payment_unmatched"] = counted.payments - int(raw.loc[listed, "lines"].sum())
        origin = origin_of([*paths, *details], origin.rows, layout, simulated)
    notes = [("excel_serial", int(good["serials"].sum()), ()), *((reason, rows, ()) for reason, rows in sorted(noted.items()))]
    corrected = pd.DataFrame(notes, columns=NOTES)
    return Panel(
        cells, origin, reasons(raw), corrected[corrected["rows"] > 0], int(good["n"].sum()),
        read_truth(truth) if simulated and truth.is_file() else None, todays_rows(schedule)["name"].to_dict(), matched,
    )  # fmt: skip


def without_unfinished(raw: pd.DataFrame) -> pd.DataFrame:
    """Cells of the last month get a reason where the export was made before the month's end: where, at the month's own daily
    volume, the working days after its last dossier would have brought at least 10 more."""
    good = raw[raw["reason"].isna()]
    if good.empty:
        return raw
    last = date.fromisoformat(max(good["last_day"]))
    month, first = pd.Period(last, freq="M"), last.replace(day=1)
    closed = sorted(vietnam(last.year))
    after = np.busday_count(last + timedelta(1), (month + 1).start_time.date(), holidays=closed)
    before = max(np.busday_count(first, last + timedelta(1), holidays=closed), 1)
    inside = raw["reason"].isna() & (raw["month"] == str(month))
    if after / before * raw.loc[inside, "n"].sum() < MISSED:
        return raw
    raw = raw.copy()
    raw.loc[inside, "reason"] = "unfinished_month"
    raw["examples"] = [[] if own else told for own, told in zip(inside, raw["examples"])]
    return raw


def reasons(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per reason of rejection: how many rows, and the numbers of the first ones."""
    bad = raw[raw["reason"].notna()]
    rows = [(reason, int(part["n"].sum()), tuple(int(r) for e in part["examples"] for r in e)[:EXAMPLES])
            for reason, part in bad.groupby("reason")]  # fmt: skip
    return pd.DataFrame(rows, columns=NOTES)


def unusable(raw: pd.DataFrame) -> str:
    """Every reason with its number of rows, first row and, where a cell could not be read, that cell's shape."""
    shapes = raw[raw["reason"].notna()].groupby("reason")["shape"].first().to_dict()
    told = []
    for row in reasons(raw).itertuples():
        found = f", found {shapes[row.reason]}" if shapes.get(row.reason) else ""
        first = f" (first: row {row.examples[0]}{column_of(row.reason)}{found})" if row.examples else ""
        told.append(f"{row.reason} {row.rows}{first}")
    return "; ".join(told) or "nothing was read"


def column_of(reason: str) -> str:
    column = {"unreadable_date": "received", "future_date": "received", "unreadable_online": "online", "no_agency": "agency",
              "no_procedure": "procedure", "no_dossier_number": "dossier"}.get(reason)  # fmt: skip
    return f", column {opencps_dossiers.HEADERS[column][0]!r}" if column else ""


def named(good: pd.DataFrame, schedule: pd.DataFrame, facts: Facts, file: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(counts with official agency names, level, cluster, today's procedure codes and fee groups; what was matched how).

    A text that no fact knows and that does not look like an agency's name, or that fewer than SHARED_ROWS rows in SHARED_PERIODS months
    share, is none that may be told: its rows are of the agency UNKNOWN.
    Raises InputError where a name may mean two units.
    """
    agencies = named_agencies(good["agency"], good["month"], good["n"], facts)
    refuse_ambiguous(agencies, file)
    codes = todays_codes(good, schedule)
    groups = todays_rows(schedule)["fee_group"]
    counts = pd.DataFrame({
        **{name: agencies[name] for name in ("agency", "level", "cluster")},
        "procedure": codes["code"], "fee_group": codes["code"].map(groups).fillna("unknown"),
        "month": good["month"], "received": good["n"].astype("int64"), "online": good["online"].astype("int64"),
        **{name: good[name].astype("int64") for name in ("assisted", *MORE) if name in good},
    })  # fmt: skip
    if "assisted" in good:
        counts.insert(counts.columns.get_loc("assisted") + 1, "remote", counts["online"] - counts["assisted"])
    procedures = codes.assign(kind="procedure", text=good["procedure"].map(shown_code), means=codes["code"].map(shown_code), rows=good["n"])
    return counts, matched_table([agencies.assign(kind="agency"), procedures])


def named_agencies(texts: pd.Series, months: pd.Series, rows: pd.Series, facts: Facts, personal: bool = True) -> pd.DataFrame:
    """One row per row: agency, level, cluster, and of its text what may be told (text, means, how, outside, candidates, rows).

    `personal`: the file holds personal data, so that a text which may be no agency's name is told by its shape alone.
    """
    pairs = pd.MultiIndex.from_arrays([texts, months])
    sums, at = rows.groupby(texts).sum(), months.groupby(texts).nunique()
    often = set(sums.index[(sums >= SHARED_ROWS) & (at >= SHARED_PERIODS)])
    told = {}
    for text, month in pairs.unique():
        found = match_unit(facts, text, pd.Period(month, freq="M"))
        known = not personal or bool(found.candidates) or (text in often and looks_like_agency(text))
        own = found.unit.name if found.unit else " ".join(text.split()) if known else UNKNOWN
        told[text, month] = (own, level_of(found.unit), cluster_of(facts, found.unit).name if found.unit else own, shown_text(text, known),
                             found.unit.name if found.unit else "", found.how, found.outside, found.candidates)  # fmt: skip
    columns = ["agency", "level", "cluster", "text", "means", "how", "outside", "candidates"]
    frame = pd.DataFrame([told[pair] for pair in pairs], columns=columns, index=texts.index)
    return frame.assign(rows=rows.astype("int64"))


def matched_table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One row per text and way in which it was understood, most doubtful first; see `Panel.names_matched`."""
    both = pd.concat([part[NAMES] for part in parts], ignore_index=True)
    sums = both.groupby(NAMES[:-1], as_index=False, sort=True)["rows"].sum()
    doubt = sums["how"].isin(["ambiguous", "unknown", "unlisted"]).astype(int) + sums["outside"].ne("")
    return sums.assign(doubt=-doubt).sort_values(["kind", "doubt", "how", "text"], ignore_index=True).drop(columns="doubt")


def refuse_ambiguous(agencies: pd.DataFrame, file: str) -> None:
    """Raises InputError for the first text that may mean two units: the text, the candidates, what to write."""
    doubtful = agencies[agencies["how"] == "ambiguous"]
    if doubtful.empty:
        return
    first = doubtful.iloc[0]
    units = first["candidates"]
    rows = int(doubtful.loc[doubtful["text"] == first["text"], "rows"].sum())
    names, codes = " or ".join(unit.name for unit in units), ", ".join(unit.portal for unit in units if unit.portal)
    raise InputError(f"{file}: the agency {first['text']!r} ({rows} rows) may be {names}: write its full name, or its code on the "
                     f"portal ({codes})")  # fmt: skip


def level_of(unit: Unit | None) -> str:
    """province (departments and boards), district, commune, or unknown."""
    if unit is None:
        return "unknown"
    return "province" if unit.level == "department" else unit.level


def complete(counts: pd.DataFrame) -> pd.DataFrame:
    """Cells summed to one row per agency x procedure x month, every month between first and last, sorted."""
    keys = ["agency", "level", "cluster", "procedure", "fee_group"]
    period = pd.PeriodIndex(counts["month"], freq="M")
    ordinal = period.asi8
    codes, units = pd.factorize(pd.MultiIndex.from_frame(counts[keys]), sort=True)
    first, length = ordinal.min(), ordinal.max() - ordinal.min() + 1
    numbers = [name for name in ("received", "online", "assisted", "remote", *MORE) if name in counts]
    grid = pd.DataFrame({"slot": codes * length + (ordinal - first), **counts[numbers]})
    sums = grid.groupby("slot").sum().reindex(range(len(units) * length), fill_value=0)
    cells = units.to_frame(index=False, name=keys)
    cells = cells.loc[cells.index.repeat(length)].reset_index(drop=True)
    cells["period"] = pd.PeriodIndex.from_ordinals(list(first + sums.index.to_numpy() % length), freq="M")
    return pd.concat([cells, sums.reset_index(drop=True)], axis=1)


def described(cells: pd.DataFrame, schedule: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Cells with what is known of their procedure and agency: field, fee (VND before any cut), commune_type."""
    schedule = todays_rows(schedule)
    kinds = {unit.name: commune_type(unit) for unit in facts.units}
    return cells.assign(
        field=cells["procedure"].map(schedule["field"]).fillna(""), fee=cells["procedure"].map(schedule["fee_vnd"]),
        commune_type=cells["agency"].map(kinds).fillna(""),
    )  # fmt: skip


def commune_type(unit: Unit) -> str:
    """ward, township or commune, by the first word of its name; "" for agencies above communes."""
    kinds = {"Phường": "ward", "Thị trấn": "township", "Xã": "commune"}
    return next((kind for start, kind in kinds.items() if unit.level == "commune" and unit.name.startswith(start)), "")


def read_truth(path: Path) -> pd.DataFrame:
    """What a simulated export says of itself: one row per month and a last one `overall`; every column but `period` is a number."""
    with open_table(path, {}) as raw:
        header = raw.header
    numbers = ["truth_pp", "treated_received", *(name for name in header if name not in ("period", "truth_pp", "treated_received"))]
    frame, _ = tidy.read_columns(path, {"period": "period"}, {name: name for name in numbers})
    return frame.drop(columns="row")


# --- tidy tables ---------------------------------------------------------------------------------------------------
def table_panel(path: Path, p: Study) -> Panel:
    """The panel of a tidy table. Raises InputError naming file, row and column of a value that cannot be, and for a list of dossiers
    or payments: its cells are people's, and a study could name any of its columns."""
    if (layout := personal_layout(path)) is not None:
        raise InputError(f"{path.name}: a file of layout {layout}, one row a dossier or payment, no tidy table: write "
                         f"layout: opencps_dossiers")  # fmt: skip
    text, numbers = table_columns(p)
    keys = {column: key for key, columns in named_columns(p).items() for column in columns}
    frame, simulated = tidy.read_columns(path, text, numbers, keys)
    raw_rows = len(frame)
    first = frame["unit 1"].str.strip().str.casefold()
    total = first.str.startswith(TOTAL_WORDS) & (frame["period"].str.strip() == "")
    rejected = pd.DataFrame([("total_row", int(total.sum()), tuple(frame.loc[total, "row"][:EXAMPLES]))], columns=NOTES)
    frame = frame[~total].reset_index(drop=True)
    check_numbers(frame, p, path.name)
    frame["time"] = parse_periods(frame["period"], frame["row"], p.frequency, path.name, p.period)
    parts = [f"unit {i}" for i in range(1, len(p.unit_columns) + 1)]
    frame["unit"] = joined_text(frame, parts)
    if (frame["unit"].str.strip() == "").any():
        row = frame.loc[(frame["unit"].str.strip() == "").idxmax(), "row"]
        raise InputError(f"{path.name}: row {row}: the unit is empty")
    cells = one_row_each(frame, p, path.name, {**text, **numbers})
    cells["period"] = pd.PeriodIndex.from_ordinals(cells["time"], freq=p.frequency)
    origin = Origin(told_file(path.name), sha256_of(path), raw_rows, "table", simulated)
    cells = cells[["unit", "period", *(name for name in (*text, *numbers) if name not in ("period", *parts))]]
    parted = "definition" in map(header_key, p.unit_columns)
    return Panel(cells, origin, rejected[rejected["rows"] > 0], pd.DataFrame(columns=NOTES), len(frame),
                 definition="" if parted else tidy.told_definition(path))  # fmt: skip


def label(p: Study, key: str, name: str | None = None) -> str | None:
    """What the cells call a column that a study names under a key (`name`: which one, where it names several). An export's bear
    their own names; of a tidy table they bear the key's, so that no name that a user gave can be one of ours."""
    name = getattr(p, key) if name is None else name
    if p.layout != "table" or name is None:
        return name
    return f"by_{name}" if key == "by" else LABELS.get(key, key)


def table_columns(p: Study) -> tuple[dict[str, str], dict[str, str]]:
    """(text, numbers) of a tidy table: `label` -> the file's column; the parts of a unit are "unit 1" and so on. A trait that is a
    number under another key is one here."""
    named = {**named_columns(p), "weights": [weight_column(p)] if weight_column(p) else []}
    counted = {header_key(column) for key in COUNTED for column in named[key]}
    text, numbers = {}, {}
    for key, columns in named.items():
        for i, column in enumerate(columns, start=1):
            number = key in COUNTED or (key == "by" and header_key(column) in counted)
            (numbers if number else text)[f"unit {i}" if key == "unit" else label(p, key, column)] = column
    return text, numbers


def tellable_names(names: pd.Series, at: pd.Series, p: Study) -> frozenset[str]:
    """Names of units, clusters or groups that a message may quote: the study's own words, and what `telling.shared_names` gives; of
    dossiers all, since `named` told the others by their shape already."""
    if p.layout != "table":
        return frozenset(names)
    return named_by(p) | shared_names(names.tolist(), at.tolist())


def joined_text(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """One label of several text columns: "Sở Tư pháp · 1.004194"."""
    label = frame[columns[0]].astype(str)
    for column in columns[1:]:
        label = label + " · " + frame[column].astype(str)
    return label


def weight_column(p: Study) -> str | None:
    """The column of weights: named, or the denominator where there is one; None = unweighted."""
    if p.weights == "none":
        return None
    return p.weights or p.denominator


def check_numbers(frame: pd.DataFrame, p: Study, file: str) -> None:
    """Counts, shares and weights that cannot be. Raises InputError with the first row."""
    checks, called = [], table_columns(p)[1]
    if p.numerator:
        online, received = frame["online"], frame["received"]
        checks += [("online", online < 0, "a negative count"), ("received", received < 0, "a negative count"),
                   ("online", online.isna(), "an empty count"), ("received", received.isna(), "an empty count"),
                   ("online", online > received, f"more than column {p.denominator!r}")]  # fmt: skip
    elif p.scale == "share":
        checks += [("outcome", frame["outcome"] > 1, "a share above 1 (write 0.88, not 88)"),
                   ("outcome", frame["outcome"] < 0, "a share below 0")]  # fmt: skip
    if "weights" in frame:
        checks += [("weights", frame["weights"] < 0, "a negative weight"), ("weights", frame["weights"].isna(), "an empty weight")]
    if p.treated:
        checks += [("treated", ~frame["treated"].isin([0, 1]), "not 0 or 1")]
    for column, wrong, what in checks:
        if wrong.any():
            at = wrong.idxmax()
            told = told_amount(frame.loc[at, column])
            raise InputError(f"{file}: row {frame.loc[at, 'row']}, column {called[column]!r}: {what} ({told})")


def one_row_each(frame: pd.DataFrame, p: Study, file: str, called: dict[str, str]) -> pd.DataFrame:
    """One row per unit and period: finer rows of counts are added up, a repeated outcome is refused. `called`: a column's name in
    the file."""
    twice = frame.duplicated(["unit", "time"])
    if not twice.any():
        return frame.sort_values(["unit", "time"], ignore_index=True)
    at = twice.idxmax()
    tellable = tellable_names(frame["unit"], frame["time"], p)
    if p.outcome:
        unit, period = told_name(frame.loc[at, "unit"], tellable), pd.Period(ordinal=frame.loc[at, "time"], freq=p.frequency)
        raise InputError(f"{file}: row {frame.loc[at, 'row']}: a second row of unit {unit} in period {period}; an outcome needs one row "
                         f"per unit and period")  # fmt: skip
    fixed = [c for c in frame.columns if c not in ("online", "received", "weights", "row", "time", "unit", "period")]
    differing = frame.groupby(["unit", "time"])[fixed].nunique().gt(1)
    if fixed and differing.any(axis=None):
        unit, column = differing.any(axis=1).idxmax()[0], differing.any().idxmax()
        row = frame.loc[frame["unit"] == unit, "row"].iloc[0]
        raise InputError(f"{file}: row {row}: unit {told_name(unit, tellable)}: column {called[column]!r} differs between rows of one "
                         f"period")  # fmt: skip
    sums = {name: "sum" for name in ("online", "received", "weights") if name in frame}
    others = {name: "first" for name in frame.columns if name not in sums and name not in ("unit", "time")}
    return frame.groupby(["unit", "time"], as_index=False).agg({**others, **sums})


def dossier_study_columns(p: Study, cells: pd.DataFrame, file: str) -> None:
    """Every column that a study of dossiers names must be one of the panel's. Raises InputError."""
    for key, columns in named_columns(p).items():
        for column in columns:
            if key != "period" and column not in cells.columns:
                why = f": no column {NOTE!r} in the export says who filed" if column in ("assisted", "remote") else ""
                raise InputError(f"{p.study}: {key}: no column {column!r} in a panel of {file}{why}; "
                                 f"columns: {', '.join(map(str, cells.columns))}")  # fmt: skip


def export_panel(panel: Panel, out: Path, min_count: int, release: bool) -> int:
    """Write the cells as Parquet, marked internal, or released as `disclose.released` guarantees; returns the dossiers left out.

    The file says `status` (internal, released) and `min_count`; an internal one, which holds small counts, has mode 0600. Raises
    InputError where there are no counts to release, or where nothing is left.
    """
    from ..read.tables import connect, literal
    from .disclosure import released

    cells = panel.cells.assign(period=panel.cells["period"].astype(str), simulated=panel.origin.simulated)
    left_out = 0
    if release:
        if not {"received", "online"} <= set(cells):
            raise InputError(f"{panel.origin.file}: --release: it holds no counts of dossiers, so nothing small has to be merged; "
                             f"leave --release out")  # fmt: skip
        cells, left_out = released(cells, min_count)
        if cells.empty:
            raise InputError(f"{panel.origin.file}: --release: nothing is left: with --min-count {min_count} no month can be protected")
    status = "released" if release else "internal"
    columns = ", ".join(quoted(c) for c in cells.columns)
    with new_file(out, private=not release) as file, private_folder() as folder, connect(folder=folder) as con:
        made = folder / "panel.parquet"
        con.register("cells", cells)
        con.execute(f"COPY (SELECT {columns} FROM cells) TO {literal(str(made))} "
                    f"(FORMAT parquet, KV_METADATA {{status: '{status}', min_count: '{min_count}'}})")  # fmt: skip
        with made.open("rb") as source:
            shutil.copyfileobj(source, file)
    return left_out
