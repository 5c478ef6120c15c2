"""The order of a run: study, data, key, lock, notebooks, pages, published at once or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from . import estimators
from .designs import study_design
from .errors import Busy, InputError, RunFailed
from .execute import execute_all, kernel_environment, prepare_work
from .panel import Panel, load_panel, study_data
from .params import Study, parse_change, read_study, study_file
from .progress import one_line, say
from .publish import keep_failed, latest_run, mark_killed, point_latest, publish_files, unused, write_json
from .receipt import inputs_key, make_receipt
from .remember import remember_inputs
from .signals import Interrupted, interruptible
from .workfolder import private_folder

LOCK_SECONDS = 5.0


def run_study(study: str, change: dict, langs: list[str], out: Path, jobs: int, force: bool) -> Path:
    """Run a study and publish it under `out/<study>/<run>/`; returns that folder (the last one where nothing changed).

    Raises InputError (2), Busy (3), RunFailed (1).
    """
    file = study_file(study)
    p = read_study(file, parse_change(change))
    folder = out.absolute() / p.study  # papermill changes the current folder while it works
    say(f"{p.study}: reading the data")
    data = study_data(p)
    p = p.model_copy(update={"data": str(data)})
    panel = load_panel(p)
    key = inputs_key(p, panel, langs)
    if not force and (same := unchanged(folder, key)):
        say(f"{p.study}: unchanged, nothing to do")
        return same
    design = study_design(panel, p)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), interruptible():
        mark_killed(folder)
        return build(p, panel, design, langs, folder, jobs, key, file)


def unchanged(folder: Path, key: str) -> Path | None:
    """The last complete run, if it was made from the very same inputs."""
    latest = latest_run(folder)
    if latest is None:
        return None
    try:
        receipt = json.loads((latest / "receipt.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return latest if receipt.get("key") == key and receipt.get("state") == "complete" else None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The study's lock; waits briefly. A dead process's lock is free again by itself."""
    lock = filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS)
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise Busy(f"{folder.name}: another run of this study is under way") from None


def build(p: Study, panel: Panel, design: object, langs: list[str], folder: Path, jobs: int, key: str, file: Path) -> Path:
    """The run itself, under the study's lock: built in a hidden folder beside the published ones."""
    started = datetime.now(UTC)
    run = unused(folder, f"{started:%Y%m%dT%H%M%SZ}-{key[:8]}")
    building = folder / f".building-{run}"
    receipt = make_receipt(p, panel, langs, key, run, started)
    try:
        building.mkdir()
        write_json(building / "receipt.json", {**receipt, "state": "running"})
        with kernels_folder(p, panel) as work:
            say(f"{p.study}: {p.estimator}")
            estimators.estimate(design, p.estimator)  # refused here: exit 2 before any kernel starts
            executed = execute_all(p, langs, building / "notebooks", work, jobs)
        publish_files(building, p, panel, langs, executed, receipt)
        final = folder / run
        os.rename(building, final)
        point_latest(folder, run)
        remember_inputs(final, p, file)
        return final
    except InputError:
        shutil.rmtree(building, ignore_errors=True)
        raise
    except (Exception, Interrupted) as error:
        reason = one_line(error)
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": reason})
        raise RunFailed(f"{p.study}: {reason}; nothing was published") from error
    finally:
        remove_if_empty(folder)


@contextmanager
def kernels_folder(p: Study, panel: Panel) -> Iterator[Path]:
    """The private folder of a run (HGDX_WORK), with what its kernels need, and the environment that points at it."""
    with private_folder(sockets=True) as work:
        prepare_work(work, p, panel)
        added = kernel_environment(work)
        before = {name: os.environ.get(name) for name in added}
        os.environ.update(added)
        try:
            yield work
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def remove_if_empty(folder: Path) -> None:
    """A study's folder in which nothing was ever kept leaves no trace."""
    if folder.is_dir() and not any(f for f in folder.iterdir() if f.name != ".lock"):
        (folder / ".lock").unlink(missing_ok=True)
        folder.rmdir()
