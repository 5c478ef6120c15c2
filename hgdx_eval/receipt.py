"""What a run was made from: enough to run it again, and the key by which an unchanged one is known."""

import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .errors import InputError
from .execute import NOTEBOOKS, notebook_folder
from .facts import load_facts
from .origin import sha256_of
from .panel import Panel, code_hash, data_files
from .params import PATH_KEYS, Study

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "duckdb", "papermill", "nbclient", "nbconvert")


def make_receipt(p: Study, panel: Panel, langs: list[str], key: str, run: str, started: datetime) -> dict:
    """What is needed to run it again: no folder, user or host."""
    study = {name: Path(value).name if name in PATH_KEYS and value else value
             for name, value in p.model_dump(mode="json", exclude_defaults=True).items()}  # fmt: skip
    files = data_files(Path(p.data))
    inputs = [{"file": panel.origin.file, "sha256": panel.origin.sha256, "rows": panel.origin.rows,
               "layout": panel.origin.layout}]  # fmt: skip
    beside = [*(files if len(files) > 1 else []), p.fees or f"{files[0]}.fees.csv" if p.layout != "table" else None, p.words]
    inputs += [{"file": Path(path).name, "sha256": sha256_of(Path(path))} for path in beside if path and Path(path).is_file()]
    return {
        "run": run, "study": study, "languages": langs, "simulated": panel.origin.simulated, "inputs": inputs,
        "facts_sha256": load_facts().sha256, "code_sha256": code_hash(), "notebooks_sha256": notebooks_hash(),
        "git_commit": git_commit(), "python": ".".join(map(str, sys.version_info[:3])), "packages": package_versions(),
        "seed": p.seed, "key": key, "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def package_versions() -> dict[str, str]:
    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    return {name: of(name) for name in ("hgdx_eval", *PACKAGES)}


def notebooks_hash() -> str:
    digest = sha256()
    for name in NOTEBOOKS:
        path = notebook_folder() / f"{name}.ipynb"
        if not path.is_file():
            raise InputError(f"{path.name}: there is no such notebook")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def git_commit() -> str | None:
    """The checkout's commit, with `+` where files differ from it; None outside a checkout."""
    import subprocess

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return commit and commit + ("+" if ask("status", "--porcelain", "--untracked-files=no") else "")


def inputs_key(p: Study, panel: Panel, langs: list[str]) -> str:
    """SHA-256 of all that decides a run's content: study, data, facts, code, notebooks, packages, languages."""
    receipt = make_receipt(p, panel, langs, "", "", datetime(2000, 1, 1, tzinfo=UTC))
    decisive = {k: v for k, v in receipt.items() if k not in ("run", "started", "key", "git_commit")}
    return sha256(json.dumps(decisive, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
