"""Export -> panel: counts by unit and month, from which nobody can be told. The privacy border runs through here."""

import os
import pickle
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from .errors import InputError
from .facts import Facts, Unit, cluster_of, find_unit, load_facts
from .files import quoted, shape_of
from .origin import Origin, sha256_of
from .params import Study
from .periods import parse_periods
from .readers import opencps_dossiers, table
from .synth import simulate

EXAMPLES = 5  # row numbers kept for each reason
FEE_COLUMNS = ("procedure", "name", "field", "set_by", "fee_vnd", "same_as")
TOTAL_WORDS = ("tổng", "cộng", "total")
NOTES = ["reason", "rows", "examples"]


@dataclass(frozen=True)
class Panel:
    """Cells and where they came from.

    `cells` of a dossier export: one row per agency x procedure x period (every period between the first and the last,
    0 where nothing came in), sorted: agency, level, cluster, procedure, fee_group, period (pandas Period), received,
    online, assisted (counts). Of a tidy table: one row per unit x period: the study's columns as text, `unit`,
    `period`, and numbers as floats.
    `rejected`, `corrected`: one row per reason, with the number of rows and the first row numbers.
    `truth`: what a simulated export says of itself (period, truth_pp, treated_received), else None.
    """

    cells: pd.DataFrame
    origin: Origin
    rejected: pd.DataFrame
    corrected: pd.DataFrame
    accepted: int
    truth: pd.DataFrame | None = None
    names: dict[str, str] = field(default_factory=dict)  # procedure code -> its name in the fee schedule


def load_panel(p: Study) -> Panel:
    """The panel of a study. Inside a run it was made once, before the notebooks, and lies in HGDX_WORK.

    Raises InputError naming file and place for whatever cannot be understood.
    """
    work = os.environ.get("HGDX_WORK")
    if work:
        return pickle.loads((Path(work) / "panel.pickle").read_bytes())
    path = study_data(p)
    if p.layout == "table":
        return table_panel(path, p)
    return dossier_panel([path], p.layout, p.date, Path(p.fees) if p.fees else None)


def study_data(p: Study) -> Path:
    """The study's data file; a study without one draws its simulated export into a folder of this user's cache."""
    if p.data is not None:
        return Path(p.data)
    if p.world is None:
        raise InputError(f"{p.study}: data: is missing: bring the province's export as -p data=FILE "
                         f"({p.layout}: csv or xlsx)")  # fmt: skip
    from platformdirs import user_cache_path

    draw = f"{p.world}-{p.effect:g}-{p.dossiers}-{p.seed}-{code_hash()[:8]}"
    path = user_cache_path("hgdx_eval") / draw / "mo_phong.csv"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        simulate(path, effect=p.effect, seed=p.seed, dossiers=p.dossiers, layout=p.layout, world=p.world)
    return path


@cache
def code_hash() -> str:
    """SHA-256 over the package's own files: a simulated export or a run is remembered together with the code."""
    import hashlib

    digest = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted(here.rglob("*")):
        if file.suffix in (".py", ".yaml", ".j2", ".css", ".mplstyle", ".json"):
            digest.update(str(file.relative_to(here)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


# --- dossier exports -----------------------------------------------------------------------------------------------


def dossier_panel(paths: list[Path], layout: str, date_column: str, fees: Path | None) -> Panel:
    """The panel of dossier exports, by one SQL statement a file. Several files are put together.

    Raises InputError: what the reader raises, no usable row, or no fee schedule.
    """
    parts = [read_cells(path, date_column) for path in paths]
    raw = pd.concat([part[0] for part in parts], ignore_index=True)
    good = raw[raw["reason"].isna()]
    file = paths[0].name
    if good.empty:
        raise InputError(f"{file}: no usable row: {unusable(raw)}")
    schedule = fee_schedule_of(fees or Path(str(paths[0]) + ".fees.csv"), file)
    cells = described(complete(named(good, schedule, load_facts())), schedule, load_facts())
    truth = Path(str(paths[0]) + ".truth.csv")
    simulated = bool(good["simulated"].any())
    origin = Origin(
        file if len(paths) == 1 else f"{file} (+{len(paths) - 1})",
        sha256_of(paths[0]) if len(paths) == 1 else "+".join(sha256_of(path)[:16] for path in paths),
        int(raw["n"].sum()), layout, simulated,
    )  # fmt: skip
    corrected = pd.DataFrame([("excel_serial", int(good["serials"].sum()), ())], columns=NOTES)
    return Panel(
        cells, origin, reasons(raw), corrected[corrected["rows"] > 0], int(good["n"].sum()),
        read_truth(truth) if simulated and truth.is_file() else None, dict(zip(schedule["procedure"], schedule["name"])),
    )  # fmt: skip


def read_cells(path: Path, date_column: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Counts by reason, agency, procedure and month of one export, as its reader typed it."""
    raw = opencps_dossiers.open_dossiers(path, date_column)
    cells = raw.con.sql(f"""
        SELECT reason, CASE WHEN reason IS NULL THEN agency END AS agency,
               CASE WHEN reason IS NULL THEN procedure END AS procedure,
               CASE WHEN reason IS NULL THEN strftime(day, '%Y-%m') END AS month,
               count(*) AS n, count_if(online) AS online, count_if(online AND assisted) AS assisted,
               bool_or(simulated) AS simulated, count_if(is_serial) AS serials,
               min(row, {EXAMPLES}) FILTER (WHERE reason IS NOT NULL) AS examples,
               arg_min(cell, row) FILTER (WHERE reason IS NOT NULL) AS shape
        FROM dossiers GROUP BY ALL ORDER BY ALL""").df()
    raw.con.close()
    cells["shape"] = [shape_of(cell) if isinstance(cell, str) else "" for cell in cells["shape"]]  # its text ends here
    if raw.broken:
        broken = {"reason": "broken_row", "n": len(raw.broken), "examples": list(raw.broken[:EXAMPLES])}
        cells = pd.concat([cells, pd.DataFrame([broken])], ignore_index=True)
    for column in ("reason", "agency", "procedure", "month"):
        cells[column] = cells[column].astype(object).where(cells[column].notna(), None)
    return cells.fillna({"online": 0, "assisted": 0, "serials": 0, "simulated": False}), raw.columns


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
        told.append(f"{row.reason} {row.rows} (first: row {row.examples[0]}{column_of(row.reason)}{found})")
    return "; ".join(told) or "nothing was read"


def column_of(reason: str) -> str:
    column = {"unreadable_date": "received", "future_date": "received", "unreadable_online": "online", "no_agency": "agency",
              "no_procedure": "procedure", "no_dossier_number": "dossier"}.get(reason)  # fmt: skip
    return f", column {opencps_dossiers.HEADERS[column][0]!r}" if column else ""


def fee_schedule_of(path: Path, export: str) -> pd.DataFrame:
    """The fee schedule: one row per procedure, with `fee_group` (provincial, central, already_free, free).

    Raises InputError where it is missing or a line cannot be right (negative fee, unknown authority, listed twice).
    """
    if not path.is_file():
        raise InputError(f"{export}: fees: there is no fee schedule {path.name}; give one as -p fees=FILE "
                         f"(columns {', '.join(FEE_COLUMNS)})")  # fmt: skip
    frame, _ = table.read_columns(path, ["procedure", "name", "field", "set_by", "same_as"], ["fee_vnd"])
    for wrong, what in (
        (~frame["set_by"].isin(["province", "centre", "none"]), "set_by is not province, centre or none"),
        (frame["fee_vnd"] < 0, "a negative fee"),
        (frame["fee_vnd"].isna() & (frame["set_by"] != "none"), "no fee"),
        (frame["procedure"].duplicated(), "a procedure listed twice"),
        (frame["procedure"] == "", "no procedure code"),
    ):
        if wrong.any():
            raise InputError(f"{path.name}: row {frame.loc[wrong.idxmax(), 'row']}: {what}")
    charged = frame["fee_vnd"].fillna(0) > 0
    frame["fee_group"] = "free"
    frame.loc[frame["set_by"].isin(["province", "centre"]) & ~charged, "fee_group"] = "already_free"
    frame.loc[(frame["set_by"] == "province") & charged, "fee_group"] = "provincial"
    frame.loc[(frame["set_by"] == "centre") & charged, "fee_group"] = "central"
    return frame


def named(good: pd.DataFrame, schedule: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Counts with official agency names, level, cluster, today's procedure codes and fee groups."""
    units = {text: find_unit(facts, text) for text in good["agency"].unique()}
    clusters = {text: cluster_of(facts, unit) if unit else None for text, unit in units.items()}
    current = {row.procedure: row.same_as or row.procedure for row in schedule.itertuples()}
    groups = dict(zip(schedule["procedure"], schedule["fee_group"]))
    procedure = good["procedure"].map(lambda code: current.get(code, code))
    return pd.DataFrame({
        "agency": good["agency"].map(lambda text: units[text].name if units[text] else text.strip()),
        "level": good["agency"].map(lambda text: level_of(units[text])),
        "cluster": good["agency"].map(lambda text: clusters[text].name if clusters[text] else text.strip()),
        "procedure": procedure,
        "fee_group": procedure.map(lambda code: groups.get(code, "unknown")),
        "month": good["month"], "received": good["n"].astype("int64"), "online": good["online"].astype("int64"),
        "assisted": good["assisted"].astype("int64"),
    })  # fmt: skip


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
    grid = pd.DataFrame({"slot": codes * length + (ordinal - first), **counts[["received", "online", "assisted"]]})
    sums = grid.groupby("slot").sum().reindex(range(len(units) * length), fill_value=0)
    cells = units.to_frame(index=False, name=keys)
    cells = cells.loc[cells.index.repeat(length)].reset_index(drop=True)
    cells["period"] = pd.PeriodIndex.from_ordinals(list(first + sums.index.to_numpy() % length), freq="M")
    return pd.concat([cells, sums.reset_index(drop=True)], axis=1)


def described(cells: pd.DataFrame, schedule: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Cells with what is known of their procedure and agency: field, fee (VND before any cut), commune_type."""
    schedule = schedule.set_index("procedure")
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
    """The known effect of a simulated export: one row per month and a last one `overall`, in percentage points."""
    frame, _ = table.read_columns(path, ["period"], ["truth_pp", "treated_received"])
    return frame.drop(columns="row")


# --- tidy tables ---------------------------------------------------------------------------------------------------


def table_panel(path: Path, p: Study) -> Panel:
    """The panel of a tidy table. Raises InputError naming file, row and column of a value that cannot be."""
    named = {**named_columns(p), "period": [p.period], "weights": [weight_column(p)], "treated": [p.treated],
             "treated_from": [p.treated_from], "treated_until": [p.treated_until]}  # fmt: skip
    keys = {column: key for key, columns in named.items() for column in columns if isinstance(column, str)}
    numeric = {"outcome", "numerator", "denominator", "treated", "weights", "dose"}
    numbers = [column for key in numeric for column in named[key] if isinstance(column, str)]
    text = [column for key, columns in named.items() if key not in numeric for column in columns if isinstance(column, str)]
    frame, simulated = table.read_columns(path, text, sorted(numbers), keys)
    raw_rows = len(frame)
    first = frame[p.unit_columns[0]].str.strip().str.casefold()
    total = first.str.startswith(TOTAL_WORDS) & (frame[p.period].str.strip() == "")
    rejected = pd.DataFrame([("total_row", int(total.sum()), tuple(frame.loc[total, "row"][:EXAMPLES]))], columns=NOTES)
    frame = frame[~total].reset_index(drop=True)
    check_numbers(frame, p, path.name)
    frame["time"] = parse_periods(frame[p.period], frame["row"], p.frequency, path.name, p.period)
    frame["unit"] = joined_text(frame, p.unit_columns)
    if (frame["unit"].str.strip() == "").any():
        row = frame.loc[(frame["unit"].str.strip() == "").idxmax(), "row"]
        raise InputError(f"{path.name}: row {row}: the unit is empty")
    cells = one_row_each(frame, p, path.name)
    cells["period"] = pd.PeriodIndex.from_ordinals(cells["time"], freq=p.frequency)
    origin = Origin(path.name, sha256_of(path), raw_rows, "table", simulated)
    return Panel(cells.drop(columns=["row", "time"]), origin, rejected[rejected["rows"] > 0],
                 pd.DataFrame(columns=NOTES), len(frame), None)  # fmt: skip


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
    checks = []
    if p.numerator:
        online, received = frame[p.numerator], frame[p.denominator]
        checks += [(p.numerator, online < 0, "a negative count"), (p.denominator, received < 0, "a negative count"),
                   (p.numerator, online.isna(), "an empty count"), (p.denominator, received.isna(), "an empty count"),
                   (p.numerator, online > received, f"more than column {p.denominator!r}")]  # fmt: skip
    elif p.scale == "share":
        checks += [(p.outcome, frame[p.outcome] > 1, "a share above 1 (write 0.88, not 88)"),
                   (p.outcome, frame[p.outcome] < 0, "a share below 0")]  # fmt: skip
    if weight := weight_column(p):
        checks += [(weight, frame[weight] < 0, "a negative weight"), (weight, frame[weight].isna(), "an empty weight")]
    if p.treated:
        checks += [(p.treated, ~frame[p.treated].isin([0, 1]), "not 0 or 1")]
    for column, wrong, what in checks:
        if wrong.any():
            at = wrong.idxmax()
            raise InputError(f"{file}: row {frame.loc[at, 'row']}, column {column!r}: {what} ({frame.loc[at, column]:g})")


def one_row_each(frame: pd.DataFrame, p: Study, file: str) -> pd.DataFrame:
    """One row per unit and period: finer rows of counts are added up, a repeated outcome is refused."""
    twice = frame.duplicated(["unit", "time"])
    if not twice.any():
        return frame.sort_values(["unit", "time"], ignore_index=True)
    at = twice.idxmax()
    if p.outcome:
        raise InputError(f"{file}: row {frame.loc[at, 'row']}: a second row of unit {frame.loc[at, 'unit']!r} in period "
                         f"{frame.loc[at, p.period]!r}; an outcome needs one row per unit and period")  # fmt: skip
    fixed = [c for c in frame.columns if c not in (p.numerator, p.denominator, weight_column(p), "row", "time", "unit",
                                                   p.period)]  # fmt: skip
    differing = frame.groupby(["unit", "time"])[fixed].nunique().gt(1)
    if fixed and differing.any(axis=None):
        unit, column = differing.any(axis=1).idxmax()[0], differing.any().idxmax()
        raise InputError(f"{file}: unit {unit!r}: column {column!r} differs between rows of one period")
    sums = {name: "sum" for name in dict.fromkeys([p.numerator, p.denominator, weight_column(p)]) if name}
    others = {name: "first" for name in frame.columns if name not in sums and name not in ("unit", "time")}
    return frame.groupby(["unit", "time"], as_index=False).agg({**others, **sums})


def named_columns(p: Study) -> dict[str, list]:
    """The columns that a study names, by key; None and maps stand where a key names no column."""
    return {"unit": p.unit_columns, "cluster": [p.cluster], "period_by": [p.period_by], "unit_effects": [p.unit_effects],
            "group": [p.group], "by": p.by, "dose": [p.dose], "numerator": [p.numerator], "denominator": [p.denominator],
            "outcome": [p.outcome]}  # fmt: skip


def dossier_study_columns(p: Study, cells: pd.DataFrame, file: str) -> None:
    """Every column that a study of dossiers names must be one of the panel's. Raises InputError."""
    for key, columns in named_columns(p).items():
        for column in columns:
            if isinstance(column, str) and column not in cells.columns:
                raise InputError(f"{p.study}: {key}: no column {column!r} in a panel of {file}; "
                                 f"columns: {', '.join(map(str, cells.columns))}")  # fmt: skip


def export_panel(panel: Panel, out: Path, min_count: int, release: bool) -> None:
    """Write the cells as Parquet, marked internal unless released with small cells merged into their parent."""
    from .disclose import merge_small
    from .files import connect

    cells = panel.cells.assign(period=panel.cells["period"].astype(str), simulated=panel.origin.simulated)
    if release:
        cells = merge_small(cells, min_count)
    con = connect()
    con.register("cells", cells)
    partial = out.with_name(out.name + ".part")
    status = "released" if release else "internal"
    columns = ", ".join(quoted(c) for c in cells.columns)
    try:
        con.execute(f"COPY (SELECT {columns} FROM cells) TO '{str(partial).replace(chr(39), chr(39) * 2)}' "
                    f"(FORMAT parquet, KV_METADATA {{status: '{status}', min_count: '{min_count}'}})")  # fmt: skip
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
        con.close()
