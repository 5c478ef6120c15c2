"""A run's estimate to be checked without this kit: its cells as they may leave, expected numbers, scripts; one zip, or a refusal."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pydantic import ValidationError

from ..base.aside import write_bytes
from ..base.errors import InputError, Refusal
from ..base.hashes import file_hash
from ..base.own_files import own_file
from ..base.periods import written
from ..base.telling import told_file
from ..design.design import Design, study_design
from ..estimation.fixed_effects import cells_of, combination, one_a_side, usable
from ..locale import LANGUAGES
from ..panel.disclosure import MERGED
from ..panel.load import load_panel
from ..panel.panel import Panel
from ..panel.tidy import joined_text
from ..read.sources import DRAWN, study_data
from ..release.release import all_cells, rounded
from ..report.replication import Regression, Replication, archive, cells_table, expected_table, readme, scripts
from ..study.load import study_words
from ..study.study import Study, named_columns, weight_column
from ..study.vocabulary import REGRESSION
from .receipt import input_files
from .told_before import rows_beside
from .verify import published_run, verify_study

EXPRESSED = (REGRESSION, "triple_difference", "sun_abraham")  # one regression each, of programs for which scripts are written
CLOSE = 1e-9  # of the number itself: less is the last digits of other machines' arithmetic
INTERACTED = "sun_abraham"  # the one of them whose estimate is an average of coefficients
NEEDED = {"run", "study", "inputs", "result", "facts", "simulated", "key", "packages", "started"}  # of a receipt


def replicate_run(run_dir: Path, output: Path, change: dict, say: Callable[[str], None]) -> Replication:
    """Write the package of a published run. Raises InputError: no complete run, data that are missing or changed, no regression to
    replicate, nothing that may leave; OSError."""
    receipt, estimates = published_run(run_dir)
    p = study_of(run_dir, receipt, change)
    method, row = replicated(run_dir, estimates, p)
    say(f"{p.study}: reading the data")
    panel = same_panel(run_dir, receipt, p)
    design = study_design(panel, p)
    own = regression(design, method)
    check_same(run_dir, own, row)
    left: list[Path] = []
    try:
        if p.numerator:
            say(f"{p.study}: finding the cells that may leave (it may take minutes where many are small)")
        told, left = leaving(run_dir, panel, p, design)
        found = own if told is design else of_leaving(run_dir, p, told, method)
        made = Replication(p, with_interactions(told, method), method, as_published(own, row, p), found, not same_cells(told, design),
                           p.estimator, inference_of(receipt), panel.origin.simulated)  # fmt: skip
        write_bytes(output, archive(files_of(made, run_dir, receipt)))
    except BaseException:
        for path in left:
            path.unlink(missing_ok=True)
        raise
    return made


# --- the run -------------------------------------------------------------------------------------------------------
def study_of(run_dir: Path, receipt: dict, change: dict) -> Study:
    """The run's study, with files that are there. Raises InputError also for a run of a version whose receipts this one cannot read."""
    try:
        if missing := NEEDED - set(receipt):
            raise KeyError(*missing)
        keys = receipt["study"]
        drawn = receipt["simulated"] and keys.get("data") == DRAWN and "world" in keys and "data" not in change
        paths = {"data": str(study_data(Study.model_validate({**keys, "data": None}, strict=False)))} if drawn else {}
        return Study.model_validate(verify_study(run_dir, receipt, {**paths, **change}), strict=False)
    except (KeyError, AttributeError, ValidationError):
        version = receipt["packages"].get("hgdx_eval", "?") if isinstance(receipt.get("packages"), dict) else "?"
        raise InputError(f"{run_dir.name}: its receipt is of another version of this kit ({version}) and cannot be read by this one: run "
                         f"the study again and take that run") from None  # fmt: skip


def same_panel(run_dir: Path, receipt: dict, p: Study) -> Panel:
    """The panel of the very data that the run read. Raises InputError where a file has changed."""

    def changed(name: str) -> InputError:
        return InputError(f"{run_dir.name}: {name} is not what the run read (SHA-256 differs); give that file as -p KEY=PATH, or run the "
                          f"study again and take that run")  # fmt: skip

    known: dict[str, set[str]] = {}
    for item in receipt["inputs"]:
        known.setdefault(item["file"], set()).add(item["sha256"])
    for file in input_files(p):
        name = told_file(file.name)
        if name in known and file.is_file() and file_hash(file) not in known[name]:
            raise changed(name)
    panel = load_panel(p)
    if panel.origin.sha256 != receipt["inputs"][0]["sha256"]:
        raise changed(panel.origin.file)
    return panel


def replicated(run_dir: Path, estimates: pd.DataFrame, p: Study) -> tuple[str, pd.Series]:
    """(method, its row of estimates.csv): the study's own where it is a regression, else two-way fixed effects where the run has them."""
    method = p.estimator if p.estimator in EXPRESSED else REGRESSION
    rows = estimates[(estimates["estimator"] == method) & (estimates["term"] == "overall") & (estimates["notebook"] == "effect")
                     & (estimates["status"] == "ok")]  # fmt: skip
    rows = rows.assign(own=rows["inference"].isin(["cluster", "none"])).sort_values("own", ascending=False, kind="stable")
    if rows.empty:
        why = f"its main method, {p.estimator}, is no regression that other programs express, and " if method != p.estimator else ""
        raise InputError(f"{run_dir.name}: {why}its estimates.csv has no estimate of {method}: add {method} to `estimators` of the study "
                         f"and run it again, or check this run by hgdx-eval verify")  # fmt: skip
    row = rows.iloc[0].copy()
    for name in ("estimate", "std_error", "n_obs"):
        row[name] = pd.to_numeric(row[name] if row["own"] or name != "std_error" else "", errors="coerce")
    return method, row


def check_same(run_dir: Path, own: Regression, row: pd.Series) -> None:
    """Raises InputError where the data do not give the number that was published."""
    if not (same(own.estimate, row["estimate"]) and same(own.std_error, row["std_error"])):
        raise InputError(f"{run_dir.name}: its data give {own.estimate:.7f} ({own.std_error:.7f}) today, its estimates.csv says "
                         f"{row['estimate']:.7f} ({row['std_error']:.7f}): code or facts are not what they were (hgdx-eval verify names "
                         f"them); run the study again and take that run")  # fmt: skip


def as_published(own: Regression, row: pd.Series, p: Study) -> Regression:
    """The published number: how many cases are behind it only as far as the run told that."""
    return own if not p.numerator else replace(own, n=float("nan") if row["estimator"] == INTERACTED else float(row["n_obs"]))


def same(now: float, then: float) -> bool:
    return bool(np.isnan(now) and np.isnan(then)) or abs(now - then) <= CLOSE * max(1.0, abs(then))


def inference_of(receipt: dict) -> str:
    """The kind of interval that the report tells; "" for none."""
    main = receipt["result"].get("main") or {}
    return str(main["inference"]) if main.get("ci_low") is not None else ""


# --- the regression ------------------------------------------------------------------------------------------------
def regression(design: Design, method: str) -> Regression:
    """The main coefficient of a method, or its average of coefficients, with its clustered error, as the method itself has them. Raises
    Refusal."""
    module = import_module(f"hgdx_eval.estimators.{method}")
    table = module.own_rows(design, usable(design)) if method == INTERACTED else usable(design)
    cells = cells_of(design, table)
    if method == INTERACTED:
        fit, keys, _ = module.interacted(design, table, cells)
        row = combination(fit, module.shares(keys, keys["event_time"] >= 0))
    else:
        made = module.regression(design, table, cells)
        fit = made[0] if isinstance(made, tuple) else made
        row = combination(fit, np.ones(1))
    error = float("nan") if one_a_side(design) else row["std_error"]
    return Regression(row["estimate"], error, cells.n, fit.k, int(cells.clusters.max()) + 1)


def with_interactions(design: Design, method: str) -> Design:
    """The design as the method takes it, each row with its dummy of cohort and event time ("" for none) where it takes such."""
    if method != INTERACTED:
        return design
    module = import_module(f"hgdx_eval.estimators.{method}")
    table = module.own_rows(design, usable(design))
    _, keys, columns = module.interacted(design, table, cells_of(design, table))
    names = [f"{written(pd.Period(ordinal=int(key.cohort), freq=design.frequency))}{int(key.event_time):+d}" for key in keys.itertuples()]
    return replace(design, table=table.assign(interaction=np.where(columns.any(axis=1), np.array(names)[columns.argmax(axis=1)], "")))


def of_leaving(run_dir: Path, p: Study, told: Design, method: str) -> Regression:
    """The same of the cells that may leave. Raises InputError where they do not suffice."""
    try:
        return regression(told, method)
    except Refusal as refusal:
        raise nothing_left(run_dir, p, refusal) from None


def nothing_left(run_dir: Path, p: Study, error: InputError) -> InputError:
    return InputError(f"{run_dir.name}: too few of its cells may leave (min_count: {p.min_count}): {error}; hgdx-eval verify checks the "
                      f"run where its data are")  # fmt: skip


# --- the cells -----------------------------------------------------------------------------------------------------
def leaving(run_dir: Path, panel: Panel, p: Study, design: Design) -> tuple[Design, list[Path]]:
    """(the design of the cells that may leave, files left beside the runs for those to come). A study that counts no cases tells all.

    Raises InputError where nothing that can be estimated is left, or where it cannot be known what was told before."""
    if p.layout != "table" and "received" in panel.cells and not all_cells(p):
        raise InputError(f"{run_dir.name}: its outcome, {p.outcome_name}, is another one than the share submitted online of an export, and "
                         f"only of that share it is decided which cells may leave (numerator: online, denominator: received)")  # fmt: skip
    if not p.numerator:
        return design, []
    folder = run_dir.resolve().parent
    if folder.name != p.study:
        raise InputError(f"{run_dir.name}: lies outside its folder of outputs ({p.study}/RUN), where it is kept what was told of these "
                         f"data; give the run in that folder")  # fmt: skip
    rows, left = rows_beside(panel, p, design, folder.parent)
    cells = left_of_export(rows, p) if all_cells(p) else left_of_table(rows, panel, p)
    try:
        if cells.empty:
            raise Refusal("one_unit", "none is left")
        return study_design(replace(panel, cells=cells), as_left(cells, p)), left
    except InputError as error:
        for path in left:
            path.unlink(missing_ok=True)
        raise nothing_left(run_dir, p, error) from None


def left_of_export(rows: pd.DataFrame, p: Study) -> pd.DataFrame:
    """Cells of an export's released rows. Rows of several agencies, or of several groups, say not on which side they stand, and are left
    out; several procedures of an agency and group are one."""
    names = [name for name in ("agency", "cluster", "fee_group") if name in rows]
    kept = rows[(rows[names] != MERGED).all(axis=1)]
    if "procedure" in kept:
        several = kept["procedure"] == MERGED
        kept = kept.assign(procedure=kept["procedure"].mask(several, MERGED + " " + kept["fee_group"]))
    counts = {name: rounded(kept[name], p.round_to or 1) for name in ("received", "online")}
    return kept.assign(**counts, period=pd.PeriodIndex(kept["period"], freq="M")).reset_index(drop=True)


def left_of_table(rows: pd.DataFrame, panel: Panel, p: Study) -> pd.DataFrame:
    """The panel's cells that are among the rows that may leave."""
    at = pd.MultiIndex.from_arrays([panel.cells["unit"].astype(str), panel.cells["period"].astype(str)])
    kept = panel.cells[at.isin(pd.MultiIndex.from_frame(rows[["unit", "period"]]))].reset_index(drop=True)
    counts = [name for name in ("numerator", "denominator", *(["weights"] if weight_column(p) == p.denominator else [])) if name in kept]
    return kept.assign(**{name: rounded(kept[name], p.round_to or 1) for name in counts})


def as_left(cells: pd.DataFrame, p: Study) -> Study:
    """The study of these cells: without groups and doses, which no regression here takes, and without names that are hidden."""
    p = p.model_copy(update={"by": [], "dose": None})
    gone = {column for columns in named_columns(p).values() for column in columns} - set(cells)
    if p.layout != "table" and gone:
        raise Refusal("one_unit", f"they have no column {', '.join(sorted(gone))}, which the study names")
    units = cells["unit"] if "unit" in cells else joined_text(cells, p.unit_columns)
    clusters = cells["cluster"] if "cluster" in cells else cells[p.cluster]
    known = {*units.astype(str), *clusters.astype(str)}
    maps = {key: {name: when for name, when in value.items() if name in known}
            for key in ("treated_from", "treated_until") if isinstance(value := getattr(p, key), dict)}  # fmt: skip
    if maps.get("treated_from") == {}:
        raise Refusal("no_treated", "no treated unit is left")
    return p.model_copy(update={"exclude": [name for name in p.exclude if name in known], **maps})


def same_cells(told: Design, design: Design) -> bool:
    """Whether nothing was kept back."""
    return len(told.table) == len(design.table) and all(
        np.array_equal(told.table[name], design.table[name]) for name in ("time", "y", "weight")
    )


# --- the files -----------------------------------------------------------------------------------------------------
def files_of(made: Replication, run_dir: Path, receipt: dict) -> dict[str, bytes]:
    """Every file of the package by its name."""
    cells = cells_table(made)
    facts, left = facts_of(receipt)
    texts = {
        "cells.csv": cells.to_csv(index=False, lineterminator="\n"),
        "expected.csv": expected_table(made).to_csv(index=False, lineterminator="\n"),
        "study.yaml": yaml.safe_dump(receipt["study"], allow_unicode=True, sort_keys=False, width=120),
        **{f"README.{lang}.txt": readme(made, receipt, left, study_words(made.study, lang)) for lang in LANGUAGES},
        **scripts(made, list(cells)),
    }
    return {name: text.encode() for name, text in texts.items()} | facts | {"receipt.json": (run_dir / "receipt.json").read_bytes()}


def facts_of(receipt: dict) -> tuple[dict[str, bytes], list[str]]:
    """(the files of facts that the run read, names of those that are no longer what they were)."""
    found, left = {}, []
    for name, digest in sorted(receipt["facts"].items()):
        file = own_file("params", "facts", Path(name).name)
        content = file.read_bytes() if file.is_file() else b""
        if sha256(content).hexdigest() == digest:
            found[f"facts/{file.name}"] = content
        else:
            left.append(file.name)
    return found, left
