"""Old runs taken away: by number, by age, never the last good one, never anything that is not a run of ours."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..base.errors import Busy, InputError
from ..panel.told import FILE
from .history.page import refresh
from .machine_record import private_record
from .run import locked
from .run_folders import KEPT, left_by_runs, recover
from .run_records import STUDY_NAME, Run, last_good, portfolios, runs_of, studies

GOING = ".pruning-"


def prune(out: Path, study: str | None, keep: int | None, days: int | None, dry_run: bool, say: Callable[[str], None],
          now: datetime | None = None) -> list[str]:  # fmt: skip
    """Take away runs beyond the `keep` newest and older than `days` (both where both are given); `<study>/<run>` of each.

    Published and failed runs are counted apart. Raises InputError (a folder that is not ours, no limit given), Busy (after the
    other studies were done).
    """
    if keep is None and days is None:
        raise InputError("prune: give --keep N, --days D or both")
    names = [our_study(out, study)] if study else [*studies(out), *portfolios(out)]
    gone, busy = [], None
    for name in names:
        folder = out / name
        if dry_run:
            gone += [f"{name}/{run.name}" for run in doomed(folder, keep, days, now or datetime.now(UTC))]
            continue
        try:
            with locked(folder):
                recover(folder)
                sweep(folder)
                gone += [f"{name}/{take(run, folder)}" for run in doomed(folder, keep, days, now or datetime.now(UTC))]
        except Busy as error:
            busy = error
    if not dry_run:
        refresh(out, say)
    if busy:
        raise busy
    return gone


def our_study(out: Path, study: str) -> str:
    """The study's name, if its folder holds runs of ours. Raises InputError."""
    if not STUDY_NAME.fullmatch(study):
        raise InputError(f"{study}: not a study's name (small letters, digits, _)")
    folder = out / study
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"{study}: no such folder of runs in {out.name}")
    if not runs_of(folder):
        raise InputError(f"{study}: its folder holds no run with a receipt; nothing is taken from it")
    return study


def doomed(folder: Path, keep: int | None, days: int | None, now: datetime) -> list[Run]:
    """Runs that both limits let go, oldest first; the last good one is never among them."""
    good, found = last_good(folder), []
    for published in (True, False):
        runs = [run for run in runs_of(folder) if run.receipt.get("study", {}).get("study", folder.name) == folder.name
                and (run.folder.parent == folder) == published]  # fmt: skip
        beyond = runs if keep is None else runs[: max(0, len(runs) - keep)]
        found += [run for run in beyond if run.name != good and (days is None or started(run) < now - timedelta(days=days))]
    return found


def started(run: Run) -> datetime:
    """When a run began, by its name."""
    return datetime.strptime(run.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def take(run: Run, folder: Path) -> str:
    """Renamed at once, so that no reader sees half a run, then removed with what this machine remembered of it."""
    if run.complete:
        private_record(run.folder).unlink(missing_ok=True)
    going = folder / f"{GOING}{run.name}"
    os.rename(run.folder, going)
    remove(going, folder)
    return run.name


def remove(going: Path, folder: Path) -> None:
    """All of a run but what a published one told of counts, and its receipt: its readers know it, so that later runs must. Nothing is
    written, as the disk may be full."""
    told = {FILE, "receipt.json"} if (going / FILE).is_file() else set()
    for path in going.iterdir():
        if path.name not in told:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if not told:
        going.rmdir()
        return
    (folder / KEPT).mkdir(exist_ok=True)
    os.rename(going, folder / KEPT / going.name.removeprefix(GOING))


def sweep(folder: Path) -> None:
    """What a prune that was killed left half removed."""
    for left in left_by_runs(folder, GOING):
        with suppress(OSError):
            remove(left, folder)
