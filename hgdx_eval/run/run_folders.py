"""Folders of runs: one appears whole or not at all; `latest`, receipts, and what a failed or killed run leaves."""

import errno
import json
import os
import re
import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..base.aside import own_folder, write_text
from ..base.errors import InputError
from ..base.machine import fault_of
from ..base.own_files import HOME
from ..base.progress import warn, without_places
from ..base.signals import too_late

KILLED = "killed"
KEPT = "told"  # in a study's folder: what runs told that were taken away
MEMBERS = "members"  # in a portfolio's folder, from its beginning: what became of members that published nothing
STAMP = "%Y%m%dT%H%M%SZ"
RUN_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}(-\d+)?")


def next_name(folder: Path, key: str, started: datetime) -> str:
    """The run's name, by its time in UTC; later than every name that is there, even where the clock went back."""
    names = [path.name.removeprefix(".building-") for place in (folder, folder / "failed") if place.is_dir() for path in place.iterdir()]
    stamps = [datetime.strptime(name[:16], STAMP).replace(tzinfo=UTC) for name in names if re.match(r"\d{8}T\d{6}Z-", name)]
    moment = max([started.replace(microsecond=0), *(stamp + timedelta(seconds=1) for stamp in stamps)])
    return f"{moment.strftime(STAMP)}-{key[:8]}"


def publish(building: Path, run: str) -> Path:
    """The folder appears, whole, and `latest` names it; or neither. Raises OSError."""
    folder, final = building.parent, building.parent / run
    flush(building)
    pointer = pointer_to(folder, run)
    with too_late():
        try:
            os.rename(building, final)
            try:
                point_latest(pointer)
            except OSError:
                os.rename(final, building)
                raise
        except OSError:
            pointer.unlink(missing_ok=True)
            raise
    return final


def flush(folder: Path) -> None:
    """Everything in a folder is on the disk before it is shown."""
    if os.name == "posix":
        for path in (*folder.rglob("*"), folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Raises InputError where a run could not be kept there; leaves nothing."""
    made = missing_above(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        bad = InputError(f"--out: {folder.parent.name}/{folder.name} cannot be written: {error.strerror}")
        raise fault_of(error, folder.parent) or bad from None
    finally:
        remove_if_empty(folder, made)


def is_portfolio(folder: Path) -> bool:
    """Whether a folder of runs is a portfolio's."""
    return (folder / MEMBERS).is_dir()


def check_no_link(folder: Path) -> None:
    """A study's folder is a real one, and so is what runs open in it: whoever may write beside it cannot send a run elsewhere.

    Raises InputError.
    """
    for place in (folder, folder / ".lock", folder / "failed", folder / KEPT, folder / MEMBERS):
        if place.is_symlink():
            raise InputError(f"--out: {place.relative_to(folder.parent.parent)} is a link; allowed: a real folder or file, so that a run "
                             f"writes nowhere else: take the link away, or give another --out")  # fmt: skip


def remove_if_empty(folder: Path, made: list[Path]) -> None:
    """A study's folder in which nothing was ever kept leaves no trace, nor do the folders `made` above it."""
    with suppress(OSError):
        if not any(file for file in folder.iterdir() if file.name != ".lock"):
            (folder / ".lock").unlink(missing_ok=True)
            folder.rmdir()
            for above in made:
                above.rmdir()


def missing_above(folder: Path) -> list[Path]:
    """Folders above one that are not there, nearest first."""
    return [above for above in folder.parents if not above.exists()]


def latest_run(folder: Path) -> Path | None:
    """The folder that `latest` points at, by link or by the one-line file where links are impossible."""
    named = latest_name(folder)
    return folder.resolve() / named if named and (folder / named).is_dir() else None


def latest_name(folder: Path) -> str | None:
    """The run that `latest` names, whether or not it is there; None where it names anything but a run beside it."""
    link = folder / "latest"
    named = pointed_at(link if link.is_symlink() else folder / "latest.txt")
    return named if named and RUN_NAME.fullmatch(named) else None


def pointer_to(folder: Path, run: str) -> Path:
    """What `latest` is about to be: a relative link, or a one-line file where links are impossible. It is made before the run
    appears, so that one who finds it knows what was under way."""
    pointer = folder / f".latest-{run}"
    try:
        os.symlink(run, pointer, target_is_directory=True)
    except OSError as error:
        if os.name != "nt" and error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        write_text(pointer, run + "\n")
    return pointer


def point_latest(pointer: Path) -> None:
    """`latest` names another run from one moment to the next."""
    os.replace(pointer, pointer.with_name("latest" if pointer.is_symlink() else "latest.txt"))


def keep_failed(building: Path, failed: Path, receipt: dict, state: str = "failed") -> None:
    """Leave the receipt and the notebooks of a run that did not finish; never a report. On a full disk the receipt comes first."""
    written = {**receipt, "state": state, "finished": now()}
    try:
        failed.mkdir(parents=True, exist_ok=True)
        write_json(failed / "receipt.json", written)
        for file in sorted(building.glob("notebooks/*.ipynb")):
            (failed / "notebooks").mkdir(exist_ok=True)
            write_text(failed / "notebooks" / file.name, failed_notebook(file.read_text(encoding="utf-8"), written))
    except (OSError, ValueError):
        shutil.rmtree(building, ignore_errors=True)  # makes room
        shutil.rmtree(failed / "notebooks", ignore_errors=True)
        try:
            write_json(failed / "receipt.json", written)
        except OSError as error:
            (failed / "receipt.json").unlink(missing_ok=True)
            with suppress(OSError):
                failed.rmdir()
            warn(f"the receipt of the failed run could not be written: {error.strerror}")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def failed_notebook(text: str, receipt: dict) -> str:
    """A notebook of a run that failed, so marked: without papermill's own marks, which call cells completed that never ran, without
    folders of this machine, and without what its cells said: of an error its kind and lines are kept, its text may hold data."""
    notebook = json.loads(text)
    notebook["metadata"].pop("papermill", None)
    notebook["metadata"]["hgdx"] = {name: receipt.get(name, "") for name in ("run", "state", "reason")}
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = [where_raised(output) for output in cell["outputs"] if output["output_type"] == "error"]
    written = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return without_places(written, HOME)


def where_raised(output: dict) -> dict:
    """An error in a notebook as its kind and the lines that it passed."""
    passed = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.get("traceback", [])))
    lines = re.findall(r"(?<![\w-])[a-z_]+\.py:\d+|\bIn ?\[\d+\], line \d+", passed)
    return {"output_type": "error", "ename": output["ename"], "evalue": "", "traceback": lines}


def recover(folder: Path) -> None:
    """After a killed run of this user: what it left behind becomes a failed run, so marked; one that had appeared and that `latest`
    was about to name is named. Called under the study's lock."""
    for building in left_by_runs(folder, ".building-"):
        run = building.name.removeprefix(".building-")
        receipt = read_receipt(building) or {"run": run}
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": "the run was killed", "failure": {"kind": KILLED}}, KILLED)
    for pointer in folder.glob(".latest-*"):
        run = pointer.name.removeprefix(".latest-")
        if not RUN_NAME.fullmatch(run) or pointed_at(pointer) != run:
            continue
        if (folder / run).is_dir():
            point_latest(pointer)
        else:
            pointer.unlink()


def left_by_runs(folder: Path, prefix: str) -> list[Path]:
    """Folders that this user's runs left halfway: the prefix and a run's name exactly, no links."""
    return [left for left in sorted(folder.glob(f"{prefix}*")) if RUN_NAME.fullmatch(left.name.removeprefix(prefix)) and own_folder(left)]


def pointed_at(pointer: Path) -> str | None:
    """What a link or a one-line file names; None where it is neither."""
    try:
        return os.path.normpath(os.readlink(pointer)) if pointer.is_symlink() else pointer.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def read_receipt(run: Path) -> dict | None:
    """The receipt of a run's folder; None where there is none that can be read."""
    try:
        found = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_json(path: Path, value: dict) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
