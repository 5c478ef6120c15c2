"""What a run or a released panel may tell of counts, beside what was told before: by all published runs of its study, by those of other
studies of the same data, by released panels of the same data; all in one folder of outputs."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from ..base.aside import own_folder, write_text
from ..base.errors import InputError
from ..base.periods import written_all
from ..design.design import Design, study_design
from ..panel.load import load_panel
from ..panel.panel import Panel, export_panel
from ..panel.tidy import table_columns
from ..panel.told import FILE, Release, read_told
from ..release.passed_on import cells_beside, released_beside
from ..release.release import Earlier, all_cells, as_decided, release_of
from ..study.study import Study, study_digest
from .run_folders import KEPT, latest_run, read_receipt
from .run_records import listed, studies

SAME_CELLS = ("layout", "date", "unit", "period", "frequency")  # keys by which two studies of one export have the same cells
PANELS = "released-panels"  # beside the studies' folders: no study can have that name


def decide(panel: Panel, p: Study, design: Design, folder: Path, inputs: str, decided: Path | None) -> Release | None:
    """What the run tells; None where its study counts no dossiers.

    `folder`: of the study's runs; `inputs`: the key of all that this run reads: where the last run read the same, what it hid stays
    hidden and nothing else. `decided`: the run that this one is only made to be compared with.
    """
    run = latest_run(folder) if decided is None else decided
    before = told_by(run) if run else None
    if before is not None and before[1].get("inputs_key") == inputs:
        return replace(before[0], study=study_digest(p))
    if decided is not None:
        return release_of(panel, p, design) if before is None else as_decided(panel, p, design, before[0])
    files = tuple(files_told(folder.parent, panel, p).values())
    return release_of(panel, p, design, (*own_told(folder, panel, p, design), *others_told(folder, panel, p)), files)


def told_by(run: Path) -> tuple[Release, dict] | None:
    """What a run told, and its receipt; None where it left none that can be read."""
    told, receipt = read_told(run / FILE), read_receipt(run)
    return (told, receipt) if told is not None and receipt is not None else None


def runs_told(folder: Path) -> Iterator[tuple[str, Release, dict]]:
    """(name, what it told, receipt) of every published run of a study, oldest first, also of those that were taken away."""
    for run in sorted((run for place in (folder, folder / KEPT) for run in listed(place)), key=lambda run: run.name):
        found = told_by(run)
        if found is not None:
            yield run.name, *found


def own_told(folder: Path, panel: Panel, p: Study, design: Design) -> Iterator[Earlier]:
    """What the runs of this study told, each by the keys that the study had then."""
    for name, told, receipt in runs_told(folder):
        then = study_then(receipt, p)
        if then is None or study_digest(then) == study_digest(p):
            yield Earlier(name, told, p, design, own=True)
        elif (divided := design_then(panel, then)) is not None:
            yield Earlier(name, told, then, divided, own=True)


def others_told(folder: Path, panel: Panel, p: Study) -> Iterator[Earlier]:
    """What the runs of every other study beside `folder` told of the very same data."""
    for name in studies(folder.parent):
        runs = runs_told(folder.parent / name) if name != folder.name else ()
        yield from divided([run for run in runs if hash_of(run[2]) == panel.origin.sha256], panel, p)


def divided(
    runs: list[tuple[str, Release, dict]], panel: Panel, p: Study | None, fits: Callable[[Study], bool] | None = None
) -> Iterator[Earlier]:
    """The runs of another study that have the cells of `p`, or that fit, with how they divide the present data."""
    designs: dict[str, Design | None] = {}
    for run, told, receipt in runs:
        then = study_then(receipt, p)
        if then is not None and (fits is None or fits(then)):
            key = study_digest(then)
            designs[key] = designs[key] if key in designs else design_then(panel, then)
            if (known := designs[key]) is not None:
                yield Earlier(run, told, then, known)


def hash_of(receipt: dict) -> str | None:
    """Of the data that a run read."""
    inputs = receipt.get("inputs")
    return inputs[0].get("sha256") if inputs else None


def study_then(receipt: dict, p: Study | None) -> Study | None:
    """A run's study as it was, with the files of `p`; None where it has other cells than that, or cannot be read by this version."""
    paths = {"data": p.data if p else "data", "fees": p.fees if p else None, "words": None, "scorecard": None, "places": None}
    try:
        then = Study.model_validate({**receipt.get("study", {}), **paths}, strict=False)
    except ValidationError:
        return None
    return then if p is None or all(getattr(then, key) == getattr(p, key) for key in SAME_CELLS) else None


def design_then(panel: Panel, p: Study) -> Design | None:
    """How a study divides the present data; None where it cannot."""
    try:
        return study_design(panel_then(panel, p), p)
    except InputError:
        return None


def panel_then(panel: Panel, p: Study) -> Panel:
    """The panel, read again where a study of the same table named columns that the present one does not."""
    if p.layout != "table":
        return panel
    named = {name for columns in table_columns(p) for name in columns if not name.startswith("unit ")}
    return panel if named <= set(panel.cells) else load_panel(p)


def counted_as(p: Study) -> str:
    """What is counted in a released panel of a study's data, in the name of what is left of it: an export's dossiers by their date, or the
    cases of a study of a table, which counts its own."""
    if all_cells(p):
        return p.date
    keys = (p.layout, p.date, p.unit_columns, p.period, p.frequency, p.numerator, p.denominator)
    return "cells" + sha256(repr(keys).encode()).hexdigest()[:8]


# --- released panels -----------------------------------------------------------------------------------------------
def rows_beside(panel: Panel, p: Study, design: Design, out: Path) -> tuple[pd.DataFrame, list[Path]]:
    """(what a study's data may tell cell by cell beside the reports and panels in `out`, files that are left there of it): an export's
    released rows, or the cells of a study that counts its own cases: unit, period, numerator, denominator. Raises InputError, OSError."""
    files = files_told(out, panel, p)
    about = counted_as(p) if all_cells(p) else f"{counted_as(p)}-{study_digest(p)[:8]}"
    if (about, p.min_count) in files:
        return files[about, p.min_count], []
    if all_cells(p):
        cells = panel.cells.assign(period=written_all(panel.cells["period"]), simulated=panel.origin.simulated)
        rows, _ = released_beside(panel, cells, p.min_count, tuple(reports_told(out, panel, p.date)), tuple(files.values()))
    else:
        earlier = (*as_others(own_told(out / p.study, panel, p, design)), *others_told(out / p.study, panel, p))
        rows = cells_beside(panel, p, design, earlier, tuple(files.values())).assign(simulated=panel.origin.simulated)
    return rows.drop(columns="simulated"), keep_panel(out, rows, panel.origin.sha256, about, p.min_count) if len(rows) else []


def files_told(out: Path, panel: Panel, p: Study) -> dict[tuple[str, int], pd.DataFrame]:
    """(what is counted, `min_count`) -> the rows of the panel released of a study's data; of a table, where each study counts cells of its
    own, those of the packages of every study that counts the same columns. Raises InputError for a file that was spoilt."""
    place, digest, about = out / PANELS, panel.origin.sha256, [counted_as(p)]
    if not all_cells(p):
        found = place.glob(f"{digest[:16]}-{about[0]}-*-*.csv") if own_folder(place) else ()
        about = sorted({path.name.removeprefix(f"{digest[:16]}-").rpartition("-")[0] for path in found})
    return {(one, least): rows for one in about for least, rows in panels_told(out, digest, one).items()}


def as_others(told: Iterator[Earlier]) -> Iterator[Earlier]:
    """What a study's own runs told, to the case: beside cells that are told as they are, nothing of it moves any more."""
    return (replace(one, own=False) for one in told)


def release_panel(panel: Panel, output: Path, out: Path, min_count: int, date: str) -> int:
    """Write the panel so that it can be passed on beside the reports and panels in `out`, and leave there what it tells, for the runs to
    come; returns the dossiers left out. Raises InputError, OSError."""
    left: list[Path] = []

    def beside(cells: pd.DataFrame, least: int) -> tuple[pd.DataFrame, int]:
        files = panels_told(out, panel.origin.sha256, date)
        if least in files:  # what was released is released: another one could be subtracted from it
            rows = files[least].assign(simulated=panel.origin.simulated)
            return rows, int(cells["received"].sum() - rows["received"].sum())
        rows, left_out = released_beside(panel, cells, least, tuple(reports_told(out, panel, date)), tuple(files.values()))
        left.extend(keep_panel(out, rows, panel.origin.sha256, date, least) if len(rows) else [])
        return rows, left_out

    try:
        return export_panel(panel, output, min_count, True, beside)
    except BaseException:
        for path in left:
            path.unlink(missing_ok=True)
        raise


def reports_told(out: Path, panel: Panel, date: str) -> Iterator[Earlier]:
    """What the runs in `out` told of an export: all runs of every study of which one read the very same data."""
    for name in studies(out):
        runs = list(runs_told(out / name))
        if any(hash_of(receipt) == panel.origin.sha256 for _, _, receipt in runs):
            yield from divided(runs, panel, None, lambda p: all_cells(p) and (p.layout, p.date) == (panel.origin.layout, date))


def panels_told(out: Path, sha256: str, date: str) -> dict[int, pd.DataFrame]:
    """`min_count` -> the rows of the panel that was released of the very same data, counted by the same date.

    Raises InputError for a file that was spoilt."""
    place, found = out / PANELS, {}
    for path in sorted(place.glob(f"{sha256[:16]}-{date}-*.csv")) if own_folder(place) else ():
        try:
            head, _, text = path.read_text(encoding="utf-8").partition("\n")
            start, _, least = head.rpartition(" ")
            if start != head_of(sha256, date):
                raise ValueError("of other data")
            found[int(least)] = panel_rows(text)
        except (ValueError, KeyError):
            raise InputError(f"--out: {PANELS}/{path.name} cannot be read, and it says what a released panel told; allowed: the file as "
                             f"`panel --release` left it") from None  # fmt: skip
    return found


def panel_rows(text: str) -> pd.DataFrame:
    """The rows of a released panel, or the cells of a package, as they were kept. Raises ValueError, KeyError."""
    names = ("unit", "agency", "level", "cluster", "procedure", "fee_group", "period")
    rows = pd.read_csv(io.StringIO(text), dtype=dict.fromkeys(names, str), keep_default_na=False, na_values={"assisted": [""]})
    if "unit" in rows:
        return rows.astype({"numerator": float, "denominator": float})
    counts = {
        name: "Int64" if name == "assisted" else "int64"
        for name in ("received", "online", "assisted")
        if name != "assisted" or name in rows
    }
    return rows.astype(counts)


def head_of(sha256: str, date: str) -> str:
    return f"# {sha256} {date}"


def keep_panel(out: Path, rows: pd.DataFrame, sha256: str, date: str, min_count: int) -> list[Path]:
    """Leave what a released panel tells, its own rows; the file that was made. Raises InputError (a link in the way)."""
    text = rows.drop(columns="simulated").to_csv(index=False, lineterminator="\n")
    place = out / PANELS
    place.mkdir(parents=True, exist_ok=True)
    if not own_folder(place):
        raise InputError(f"--out: {PANELS} in {out.name} is a link or another user's; allowed: a folder of this user, in which the panel "
                         f"leaves what it tells, for the runs to come")  # fmt: skip
    path = place / f"{sha256[:16]}-{date}-{min_count}.csv"
    write_text(path, f"{head_of(sha256, date)} {min_count}\n{text}")
    return [path]
