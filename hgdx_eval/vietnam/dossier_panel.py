"""Dossier exports -> panel: counts by agency, procedure and month, from which nobody can be told."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.telling import row_text
from ..panel.panel import EXAMPLES, NOTES, Panel, origin_of
from ..read import tidy
from ..read.readings import Reading
from ..read.sources import payments_beside
from ..read.tables import open_table
from ..study.study import Study, named_columns
from .calendar import vietnam
from .count_dossiers import CHANNELS, PAID, PROCESSED, Counted, count_dossiers
from .dossier_dates import TOLD
from .facts import Facts, Unit, load_facts
from .fee_schedule import fee_schedule_of, todays_codes, todays_rows
from .layouts import layout_of, opencps_dossiers
from .layouts.opencps_dossiers import ANSWERS
from .merger import LOST, constant_agencies
from .provinces import facts_at
from .unit_names import matched_table, named_agencies, refuse_ambiguous, shown_code
from .unread_channel import Comparison, check_unread, unread_counts, worst_move

NOTHING = Comparison()
Count = Callable[[list[Path], str, list[Path], date | None], Counted]
MISSED = 10  # dossiers that a month's last working days would have brought: fewer may be chance
MORE = (*PROCESSED, *PAID, *CHANNELS)  # there only where the export tells it

NOTE = opencps_dossiers.HEADERS["filing_note"][0]


def dossier_panel(paths: list[Path], layout: str, date_column: str, fees: Path | None, place: str | None = None,
                  compared: Comparison = NOTHING, before: date | None = None, constant: bool = False,
                  count: Count = count_dossiers) -> Panel:  # fmt: skip
    """The panel of dossier exports, by one SQL statement a file. Several files are put together: a dossier in two of them
    counts in the first, and fee details among them say what was paid. The last month is left out where it was not finished.
    `place`: the province whose units names are matched with (None: all units of the facts). `compared`: what a study compares, by
    which rows without a readable channel are judged. `before`: dossiers of that day and later are left out before any is counted.
    `constant`: communes are those constant over time across the day on which they were merged. `count`: what counts them, here or on a
    cluster.

    Raises InputError: what the reader raises, no usable row, no fee schedule, or too many rows without a readable channel.
    """
    details = [path for path in paths if layout_of(path) == "opencps_fees"] if len(paths) > 1 else []
    paths = [path for path in paths if path not in details]
    beside = [file for path in paths for file in (payments_beside(path),) if file.is_file()]
    if not paths:
        raise InputError(f"{details[0].name}: fee details only: the dossier list that they belong to is missing")
    counted = count(paths, date_column, [*details, *beside], before)
    raw = without_unfinished(counted.cells)
    good = raw[raw["reason"].isna()]
    file = paths[0].name
    if good.empty:
        raise InputError(f"{file}: no usable row: {unusable(raw)}")
    schedule = fee_schedule_of(fees or Path(str(paths[0]) + ".fees.csv"), file)
    facts = facts_at(load_facts(), place)
    counts, matched, keep, told = named(good, schedule, facts, file, constant)
    raw, good, counts = without_lost(raw, keep), good[keep], counts[keep]
    unread = unread_counts(counted.unread, counts, groups_of(counted.unread, schedule), compared)
    if len(counted.unread):
        check_unread(unread, int(counted.unread["row"].min()), file)
    cells = described(complete(counts), schedule, facts)
    truth = Path(str(paths[0]) + ".truth.csv")
    simulated = bool(good["simulated"].any())
    origin = origin_of(paths, int(raw["n"].sum()), layout, simulated)
    noted = {**dict(counted.noted), **dict(counted.payments_left_out)}
    if details or beside:
        listed = raw["reason"].isna() | raw["reason"].isin(["unfinished_month", LOST])
        noted["payment_unmatched"] = counted.payments - int(raw.loc[listed, "lines"].sum())
        origin = origin_of([*paths, *details], origin.rows, layout, simulated)
    notes = [("excel_serial", int(good["serials"].sum()), ()), *((reason, rows, ()) for reason, rows in sorted(noted.items()))]
    corrected = pd.DataFrame(notes, columns=NOTES)
    return Panel(
        cells, origin, reasons(raw), corrected[corrected["rows"] > 0], int(good["n"].sum()),
        read_truth(truth) if simulated and truth.is_file() else None, todays_rows(schedule)["name"].to_dict(), matched,
        readings=(*counted.readings, *told), unread_pp=worst_move(unread, compared),
    )  # fmt: skip


def counting(engine: str, master: str | None = None) -> Count:
    """What counts dossiers: `duckdb`, here; `spark`, on a cluster at `master` (None: of Spark's own settings).

    Raises InputError where pyspark or Java is absent or the address is none, RunFailed where nobody answers there.
    """
    if engine == "duckdb":
        return count_dossiers
    from ..read.spark import check_installed, check_master
    from .count_on_spark import counting_on_spark

    check_installed()
    check_master(master)
    return counting_on_spark(master)


def groups_of(unread: pd.DataFrame, schedule: pd.DataFrame) -> pd.Series:
    """Code of a procedure as the list writes it -> its fee group; unknown where it is not in the schedule."""
    codes = todays_codes(unread, schedule)["code"].map(todays_rows(schedule)["fee_group"]).fillna("unknown")
    return pd.Series(codes.to_numpy(), index=unread["procedure"]).groupby(level=0).first()


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
        found += {"unreadable_date": f"; allowed: {TOLD}", "unreadable_online": f"; allowed: {ANSWERS}"}.get(row.reason, "")
        first = f" (first: row {row_text(row.examples[0])}{column_of(row.reason)}{found})" if row.examples else ""
        told.append(f"{row.reason} {row.rows}{first}")
    return "; ".join(told) or "nothing was read"


def column_of(reason: str) -> str:
    dates = dict.fromkeys(("unreadable_date", "future_date", "early_date", "stray_date"), "received")
    column = {**dates, "unreadable_online": "online", "no_agency": "agency", "no_procedure": "procedure",
              "no_dossier_number": "dossier"}.get(reason)  # fmt: skip
    return f", column {opencps_dossiers.HEADERS[column][0]!r}" if column else ""


def named(good: pd.DataFrame, schedule: pd.DataFrame, facts: Facts, file: str,
          constant: bool) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, list[Reading]]:  # fmt: skip
    """(counts with official agency names, level, cluster, today's procedure codes and fee groups; what was matched how; which
    rows have a unit that is constant over time, where that is asked; what a reader must know of it).

    A text that no fact knows and that does not look like an agency's name, or that fewer than SHARED_ROWS rows in SHARED_PERIODS months
    share, is none that may be told: its rows are of the agency UNKNOWN.
    Raises InputError where a name may mean two units.
    """
    agencies = named_agencies(good["agency"], good["month"], good["n"], facts)
    refuse_ambiguous(agencies, file)
    keep, told = pd.Series(True, index=good.index), []
    if constant:
        agencies, keep, told = constant_agencies(agencies, good["agency"], good["month"], facts)
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
    return counts, matched_table([agencies.assign(kind="agency"), procedures]), keep, told


def without_lost(raw: pd.DataFrame, keep: pd.Series) -> pd.DataFrame:
    """Cells whose agency has no unit that is constant over time get a reason."""
    lost = keep.index[~keep]
    if lost.empty:
        return raw
    raw = raw.copy()
    raw.loc[lost, "reason"] = LOST
    raw["examples"] = [[] if own else told for own, told in zip(raw.index.isin(lost), raw["examples"])]
    return raw


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
    frame, _ = tidy.read_columns(path, {"period": "period"}, {name: name for name in numbers}, mark=".")
    return frame.drop(columns="row")


def dossier_study_columns(p: Study, cells: pd.DataFrame, file: str) -> None:
    """Every column that a study of dossiers names must be one of the panel's. Raises InputError."""
    for key, columns in named_columns(p).items():
        for column in columns:
            if key != "period" and column not in cells.columns:
                why = f": no column {NOTE!r} in the export says who filed" if column in ("assisted", "remote") else ""
                raise InputError(f"{p.study}: {key}: no column {column!r} in a panel of {file}{why}; "
                                 f"columns: {', '.join(map(str, cells.columns))}")  # fmt: skip
