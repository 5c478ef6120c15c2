"""A published run once more from its receipt: every number compared, what changed since then named."""

import json
from datetime import date
from pathlib import Path

import pandas as pd

from ..base import periods
from ..base.errors import InputError
from ..base.private_folder import private_folder
from ..read.sources import data_files
from ..study.load import parse_change
from ..study.study import PATH_KEYS
from . import differences
from .machine_record import private_record
from .notebook_files import Options
from .run import run_study


def verify_run(run_dir: Path, change: dict) -> list[str]:
    """Run it again from its receipt into a private folder; a table of differences, no line where all is equal.

    Raises InputError where receipt or inputs are not found.
    """
    receipt, _ = published_run(run_dir)
    study = verify_study(run_dir, receipt, parse_change(change))
    with private_folder() as folder:
        file = folder / f"{study['study']}.yaml"
        file.write_text(json.dumps(study, ensure_ascii=False), encoding="utf-8")
        with periods.on(date.fromisoformat(receipt.get("day") or receipt["started"][:10])):
            again = run_study(str(file), {}, receipt["languages"], folder / "outputs",
                              Options(force=True, compared=True, told=run_dir.absolute()))  # fmt: skip
        fresh = json.loads((again / "receipt.json").read_text(encoding="utf-8"))
        return differences.lines_of(differences.differences(run_dir, again, receipt, fresh))


def published_run(run_dir: Path) -> tuple[dict, pd.DataFrame]:
    """A run's receipt and estimates. Raises InputError for what is no published run, or none that is complete."""
    try:
        receipt = json.loads((run_dir / "receipt.json").read_text(encoding="utf-8"))
        if "portfolio" in receipt:
            raise InputError(f"{run_dir.name}: a portfolio's page; allowed: a run of a study, so verify its members one by one")
        estimates = pd.read_csv(run_dir / "estimates.csv", dtype={"parameter": str, "group": str}, keep_default_na=False)
        state = receipt.get("state")
    except (OSError, ValueError, AttributeError):
        raise InputError(f"{run_dir.name}: not a published run (no readable receipt.json and estimates.csv)") from None
    if state != "complete":
        raise InputError(f"{run_dir.name}: not a complete run (state {state!r})")
    return receipt, estimates


def verify_study(run_dir: Path, receipt: dict, change: dict) -> dict:
    """The receipt's study with paths that exist here: remembered ones, or those given by -p."""
    try:
        remembered = json.loads(private_record(run_dir).read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, KeyError):
        remembered = {}
    study = dict(receipt["study"])
    for key in PATH_KEYS:
        path = change.get(key) or remembered.get(key)
        if path and (data_there(Path(path)) if key == "data" else Path(path).is_file()):
            study[key] = str(path)
        elif key == "data" or key in ("scorecard", "places") and study.get(key):
            what = {"data": "data file", "scorecard": "scorecard file", "places": "file of places"}[key]
            raise InputError(f"{run_dir.name}: its {what} {study.get(key)!r} is not found; give it as -p {key}=PATH")
        else:
            study.pop(key, None)
    return study


def data_there(data: Path) -> bool:
    """Whether a file, folder or pattern leads to a file."""
    try:
        return all(file.is_file() for file in data_files(data))
    except InputError:
        return False
