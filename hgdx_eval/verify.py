"""A published run once more from its receipt: every number compared, what changed since then named."""

import json
import tempfile
from pathlib import Path

import pandas as pd

from .data_files import data_files
from .errors import InputError
from .params import PATH_KEYS, parse_change
from .remember import private_record
from .results import NUMBERS
from .runs import Options, run_study


def verify_run(run_dir: Path, change: dict) -> list[str]:
    """Run it again from its receipt into a temporary folder; one line per difference, none where all is equal.

    Raises InputError where receipt or inputs are not found.
    """
    try:
        receipt = json.loads((run_dir / "receipt.json").read_text(encoding="utf-8"))
        before = pd.read_csv(run_dir / "estimates.csv", keep_default_na=False)
    except (OSError, ValueError):
        raise InputError(f"{run_dir.name}: not a published run (no readable receipt.json and estimates.csv)") from None
    if receipt.get("state") != "complete":
        raise InputError(f"{run_dir.name}: not a complete run (state {receipt.get('state')!r})")
    study = verify_study(run_dir, receipt, parse_change(change))
    with tempfile.TemporaryDirectory(prefix="hgdx-verify-") as folder:
        file = Path(folder) / f"{study['study']}.yaml"
        file.write_text(json.dumps(study, ensure_ascii=False), encoding="utf-8")
        again = run_study(str(file), {}, receipt["languages"][:1], Path(folder) / "outputs", Options(force=True))
        fresh = json.loads((again / "receipt.json").read_text(encoding="utf-8"))
        after = pd.read_csv(again / "estimates.csv", keep_default_na=False)
    return receipt_differences(receipt, fresh) + table_differences(before, after)


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
        elif key == "data":
            raise InputError(f"{run_dir.name}: its data file {study.get('data')!r} is not found; give it as -p data=PATH")
        else:
            study.pop(key, None)
    return study


def data_there(data: Path) -> bool:
    """Whether a file, folder or pattern leads to a file."""
    try:
        return all(file.is_file() for file in data_files(data))
    except InputError:
        return False


def receipt_differences(before: dict, after: dict) -> list[str]:
    """Inputs, facts, code and packages that are not what they were, by name."""
    lines = []
    hashes = {item["file"]: item["sha256"] for item in after["inputs"]}
    for item in before["inputs"]:
        if item["file"] in hashes and hashes[item["file"]] != item["sha256"]:
            lines.append(f"input {item['file']}: its content has changed")
    for key, name in (("facts_sha256", "facts"), ("code_sha256", "code"), ("notebooks_sha256", "notebooks")):
        if before[key] != after[key]:
            lines.append(f"{name}: changed since that run")
    lines += [f"package {name}: {old} then, {after['packages'].get(name)} now"
              for name, old in before["packages"].items() if after["packages"].get(name) != old]  # fmt: skip
    return lines


def table_differences(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Numbers that moved by more than 1e-9 of themselves, and rows that came or went."""
    if list(before.columns) != list(after.columns) or len(before) != len(after):
        return [f"estimates.csv: {len(before)} rows then, {len(after)} now"]
    lines = []
    for column in before.columns:
        if column in NUMBERS:
            old, new = (pd.to_numeric(t[column], errors="coerce") for t in (before, after))
            moved = ~((old - new).abs() <= 1e-9 * old.abs().clip(lower=1e-300)) & ~(old.isna() & new.isna())
        else:
            moved = before[column].astype(str) != after[column].astype(str)
        for i in before.index[moved]:
            lines.append(f"row {i + 2} ({before.loc[i, 'estimator']} {before.loc[i, 'term']}), {column}: "
                         f"{before.loc[i, column]} then, {after.loc[i, column]} now")  # fmt: skip
    return lines
