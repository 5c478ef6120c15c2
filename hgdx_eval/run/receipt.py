"""What a run was made from: enough to run it again, and the key by which an unchanged one is known without reading a row."""

import sys
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.hashes import digest, file_hash
from ..base.own_files import HOME
from ..base.telling import told_file
from ..read.sources import code_hash, data_files, payments_beside
from ..study.domains import domain_of
from ..study.study import PATH_KEYS, Study
from .notebook_files import Job, notebook_file, notebook_names

if TYPE_CHECKING:
    from ..panel.panel import Panel

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "duckdb", "papermill", "nbclient", "nbconvert", "mistune", "nh3",
            "jinja2", "babel")  # fmt: skip


@dataclass(frozen=True)
class Key:
    """SHA-256 of what decides a run's content. `inputs`: study, data, facts, code, packages; `notebooks`: of each file; `whole`:
    of both and the languages."""

    inputs: str
    notebooks: dict[str, str]
    whole: str

    def of(self, job: Job) -> str:
        """What decides one executed notebook."""
        return digest([self.inputs, self.notebooks[job.name], job.lang])


def inputs_key(p: Study, langs: list[str]) -> Key:
    """The key of a run. Raises InputError for data or notebooks that are not there."""
    notebooks = {name: file_hash(notebook_file(name)) for name in notebook_names(p)}
    files = [(told_file(file.name), file_hash(file)) for file in input_files(p) if file.is_file()]
    inputs = digest([shown_study(p), files, domain_of(p).facts(), code_hash(), python(), package_versions()])
    return Key(inputs, notebooks, digest([inputs, list(notebooks.items()), langs]))


def shown_study(p: Study) -> dict:
    """The study's own keys, file names (`told_file`) in place of paths."""
    return {name: told_file(Path(value).name) if name in PATH_KEYS and value else value
            for name, value in p.model_dump(mode="json", exclude_defaults=True).items()}  # fmt: skip


def input_files(p: Study) -> list[Path]:
    """Every file that is read: data, payments, fee schedule, what a simulation says of itself, the study's words,
    scorecard and numbers of places."""
    files = data_files(Path(p.data))
    fees = [p.fees or f"{files[0]}.fees.csv"] if p.layout != "table" else []
    beside = [f"{files[0]}.truth.csv", *(path for path in (p.words, p.scorecard, p.places, p.plan, p.crosswalk) if path)]
    return [*files, *map(payments_beside, files), *map(Path, fees), *map(Path, beside)]


def make_receipt(p: Study, panel: "Panel", rows: int, langs: list[str], key: Key, run: str, started: datetime) -> dict:
    """What is needed to run it again: no folder, user or host. `rows`: of the data, as they may be told."""
    from ..base import periods
    from ..panel.load import newest_counted

    files, facts = data_files(Path(p.data)), domain_of(p).facts()
    inputs = [{"file": panel.origin.file, "sha256": panel.origin.sha256, "rows": rows,
               "layout": panel.origin.layout}]  # fmt: skip
    inputs += [{"file": told_file(file.name), "sha256": file_hash(file)} for file in input_files(p)
               if file.is_file() and not (files == [file] or file.name.endswith(".truth.csv"))]  # fmt: skip
    return {
        "run": run, "study": shown_study(p), "languages": langs, "newest": newest_counted(panel, p),
        **({"blind_lifted": f"{periods.today()}"} if p.blind else {}),
        "simulated": panel.origin.simulated, "inputs": inputs,
        "facts_sha256": digest(facts), "facts": facts, "code_sha256": code_hash(), "notebooks_sha256": digest(key.notebooks),
        "git_commit": git_commit(), "python": python(), "packages": package_versions(),
        "seed": p.seed, "key": key.whole, "inputs_key": key.inputs, "day": f"{periods.today()}", "time_zone": zone_of(p),
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def zone_of(p: Study) -> str:
    """The time zone in which a study's days are meant, and its report is dated; UTC where neither study nor domain says."""
    return p.time_zone or domain_of(p).TIME_ZONE or "UTC"


def python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def package_versions() -> dict[str, str]:
    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    return {name: of(name) for name in ("hgdx_eval", *PACKAGES)}


def git_commit() -> str | None:
    """The checkout's commit, with `+` where files differ from it; None outside a checkout."""
    import subprocess

    if not (HOME / ".git").exists():  # an installed package may lie inside somebody else's checkout
        return None

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=HOME, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return commit and commit + ("+" if ask("status", "--porcelain", "--untracked-files=no") else "")
