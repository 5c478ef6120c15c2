"""What a run leaves for the record: its result in the receipt, all runs of a folder, and what changed from one to the next.

Nothing here tells of people: of a month's counts a receipt keeps a keyed hash alone, whose key stays on this machine.
"""

import hmac
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from nbformat import NotebookNode
from platformdirs import user_state_path

from ..base.aside import write_bytes
from ..base.periods import written, written_all
from ..design.design import Design
from ..locale import LANGUAGES
from ..panel.load import newest_counted
from ..panel.panel import Panel
from ..report.record import MIME
from ..study.domains import domain_of
from ..study.load import study_words
from ..study.study import Study
from ..study.vocabulary import NO_INTERVAL
from .run_folders import RUN_NAME, is_portfolio, latest_name

STUDY_NAME = re.compile(r"[a-z0-9_]+")
MAIN = ("estimator", "estimate", "ci_low", "ci_high", "level", "p_value", "inference", "scale", "outcome")
STEPS = (0.1, 0.5, 1.0, 5.0)  # points to which a level is rounded: the finest that tells no few dossiers
INPUTS = ("facts", "code", "notebooks")  # what a receipt holds a hash of, besides the input files


@dataclass(frozen=True)
class Run:
    """One run as its receipt tells it. `result` is empty for a run that failed."""

    name: str
    folder: Path
    receipt: dict
    result: dict

    @property
    def complete(self) -> bool:
        return self.receipt.get("state") == "complete"


# --- what a receipt says of the result -----------------------------------------------------------------------------
def result_of(table: pd.DataFrame, panel: Panel, rows: int, p: Study, notebooks: list[NotebookNode],
              policy: dict) -> dict:  # fmt: skip
    """The receipt's `result`: the headlined estimate, the verdict's number, the newest period, a keyed hash per
    period and `policy` (`policy_told`)."""
    main = table[(table["estimator"] == p.estimator) & table["term"].isin(["overall", "change"]) & (table["notebook"] == "effect")].head(1)
    if judged(notebooks, "headline") in NO_INTERVAL and not (main["term"] == "change").any():
        main = main.assign(ci_low=float("nan"), ci_high=float("nan"))  # what the report refuses to tell, nobody is told
    first = main.astype(object).where(main.notna(), None).to_dict("records")
    key, kind = machine_key(), b"table" if p.layout == "table" else b"id"  # rows of a table had other columns in older runs
    months = month_hashes(panel.cells, key) if key else {}
    titles = {lang: {name: study_words(p, lang)(f"study.{name}") for name in ("title", "place")} for lang in LANGUAGES}
    return {
        "main": {name: first[0][name] for name in MAIN} if first else None, "verdict": judged(notebooks, "verdict"),
        "last_period": newest_counted(panel, p), "rows": rows, "titles": titles,
        "periods": months, "periods_key": hmac.digest(key, kind, "sha256").hex()[:8] if key else None, **policy,
    }  # fmt: skip


def policy_told(design: Design, p: Study) -> dict[str, str | float | None]:
    """What other studies are compared by: the policy's first period (`start`), its size in per cent (`dose`, None unknown) and the treated
    units' mean outcome before it (`start_level`, in points or the outcome's own unit; None where too few dossiers stand behind it)."""
    policy = domain_of(p).policy(p)
    return {"start": written(design.start), "dose": round(policy.cut * 100, 1) if policy else None, "start_level": start_level(design)}


def start_level(design: Design) -> float | None:
    """The mean outcome of the treated before their start, so rounded that a step of it is at least `min_count` dossiers."""
    before = design.table[design.table["treated_from"].notna() & (design.table["time"] < design.table["treated_from"])]
    if before.empty:
        return None
    mean = float(np.average(before["y"], weights=before["weight"]))
    if design.scale != "pp":
        return float(f"{mean:.3g}")
    dossiers = float(before["denominator"].sum()) if before["denominator"].notna().all() else np.inf
    step = next((step for step in STEPS if step / 100 * dossiers >= design.min_count), None)
    return None if step is None else round(round(mean * 100 / step) * step, 1)


def judged(notebooks: list[NotebookNode], name: str) -> int | str | None:
    """The verdict's number, or the kind of inference that it rests on, as a notebook recorded it beside its estimates."""
    found = [output["data"][MIME].get(name) for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"
             for output in cell.outputs if MIME in output.get("data", {})]  # fmt: skip
    return next((value for value in found if value), None)


def month_hashes(cells: pd.DataFrame, key: bytes) -> dict[str, str]:
    """Period -> 12 hex digits of an HMAC-SHA-256 of its rows, whatever their order."""
    text = cells.drop(columns="period").astype(str)
    rows = pd.util.hash_pandas_object(text, index=False).groupby(written_all(cells["period"]))
    return {period: hmac.digest(key, values.sort_values().to_numpy().tobytes(), "sha256").hex()[:12] for period, values in rows}


def machine_key() -> bytes | None:
    """32 random bytes of this user on this machine (mode 0600), made when first asked for; None where nothing can be kept.

    Small counts could be found again by hashing every guess; with a key that is in no published file they cannot.
    """
    path = user_state_path("hgdx_eval") / "key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            write_bytes(path, secrets.token_bytes(32), private=True)
        found = path.read_bytes()
        return found if len(found) == 32 else None
    except OSError:
        return None


# --- the runs of a folder ------------------------------------------------------------------------------------------
def studies(out: Path) -> list[str]:
    """Studies with runs under `out`; links are not followed."""
    return [folder.name for folder in own_folders(out) if runs_of(folder) and not is_portfolio(folder)]


def portfolios(out: Path) -> list[str]:
    """Portfolios with runs under `out`; links are not followed."""
    return [folder.name for folder in own_folders(out) if runs_of(folder) and is_portfolio(folder)]


def own_folders(out: Path) -> list[Path]:
    """The folders under `out` that are named as studies and portfolios are, by name."""
    try:
        found = [folder for folder in out.iterdir() if STUDY_NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()]
    except OSError:
        return []
    return sorted(found)


def runs_of(folder: Path) -> list[Run]:
    """Every published and failed run of a study's folder, oldest first."""
    found = [run for place in (folder, folder / "failed") for run in map(read_run, listed(place)) if run]
    return sorted(found, key=lambda run: run.name)


def listed(place: Path) -> list[Path]:
    """Folders named as runs are; no links."""
    try:
        if place.is_symlink():
            return []
        return [path for path in place.iterdir() if RUN_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def read_run(path: Path) -> Run | None:
    """A run by its receipt; None where the folder has none that names it."""
    try:
        receipt = json.loads((path / "receipt.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(receipt, dict) or receipt.get("run") != path.name:
        return None
    result = receipt.get("result")
    return Run(path.name, path, receipt, result if isinstance(result, dict) else {})


def last_good(folder: Path) -> str | None:
    """Name of the run that `latest` points at; where that leads nowhere, of the newest complete one."""
    complete = [run.name for run in runs_of(folder) if run.complete]
    named = latest_name(folder)
    return named if named in complete else complete[-1] if complete else None


# --- what changed --------------------------------------------------------------------------------------------------
def changes(before: Run, after: Run) -> list[str]:
    """Codes of what differs between two runs: data, revised, months, study, facts, code, notebooks, packages."""
    old, new = before.receipt, after.receipt
    found = []
    if hashes(old) != hashes(new):
        found.append("data")
    if revised(before, after):
        found.append("revised")
    found += [name for name in INPUTS if old.get(f"{name}_sha256") != new.get(f"{name}_sha256")]
    if {**old.get("study", {}), "data": ""} != {**new.get("study", {}), "data": ""}:
        found.append("study")
    if (old.get("packages"), old.get("python")) != (new.get("packages"), new.get("python")):
        found.append("packages")
    return found


def hashes(receipt: dict) -> list[str]:
    return sorted(str(item.get("sha256")) for item in receipt.get("inputs", []))


def revised(before: Run, after: Run) -> list[str]:
    """Periods of the earlier run whose rows are not what they were; none where the two cannot be compared."""
    if not before.result.get("periods_key") or before.result["periods_key"] != after.result.get("periods_key"):
        return []
    now = after.result.get("periods", {})
    return sorted(period for period, value in before.result.get("periods", {}).items() if now.get(period) != value)


def added(before: Run, after: Run) -> list[str]:
    """Periods that the earlier run did not have."""
    return sorted(set(after.result.get("periods", {})) - set(before.result.get("periods", {})))


def moved(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Overall estimates that differ between two tables of one study: estimator, scale, old, new (one row per estimator)."""
    keys, tables = ["estimator", "scale"], []
    for table in (before, after):
        rows = table[table["term"].isin(["overall", "change"]) & (table["status"] == "ok") & (table["notebook"] == "effect")]
        tables.append(rows.drop_duplicates("estimator")[[*keys, "estimate"]])
    both = tables[0].merge(tables[1], on=keys, suffixes=("_old", "_new"))
    different = (both["estimate_old"] - both["estimate_new"]).abs() > 1e-9 * both["estimate_old"].abs()
    return both[different].rename(columns={"estimate_old": "old", "estimate_new": "new"}).reset_index(drop=True)


def estimates(run: Run) -> pd.DataFrame | None:
    """A published run's estimates.csv; None where it cannot be read."""
    try:
        return pd.read_csv(run.folder / "estimates.csv", dtype={"period": str, "group": str, "parameter": str})
    except (OSError, ValueError):
        return None
