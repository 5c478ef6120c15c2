"""The order of a run: study, key, lock, panel, main method, notebooks, pages; published at once or not at all."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import filelock

from ..base.errors import Busy, InputError, RunFailed
from ..base.machine import fault_of
from ..base.progress import begin, failure_of, one_line, say, warn
from ..base.signals import Interrupted, interruptible, raise_if_asked, stoppable, time_limit
from ..study.domains import domain_of
from ..study.load import parse_change, read_study, study_file
from ..study.study import Study
from .notebook_files import Job, Options, notebook_names
from .receipt import Key, inputs_key
from .run_folders import (
    check_no_link,
    check_writable,
    is_portfolio,
    keep_failed,
    latest_run,
    missing_above,
    next_name,
    publish,
    read_receipt,
    recover,
    remove_if_empty,
    write_json,
)

LOCK_SECONDS = 5.0
OPTIONS = Options()


def run_study(study: str, change: dict, langs: list[str], out: Path, options: Options = OPTIONS) -> Path:
    """Run a study and publish it under `out/<study>/<run>/`; returns that folder (the last one where nothing changed).

    Raises InputError (2), Busy (3), RunFailed (1).
    """
    file = study_file(study)
    p = read_study(file, parse_change(change))
    folder = out.absolute() / p.study
    check_no_link(folder)
    if is_portfolio(folder):
        raise InputError(f"{p.study}: --out: {folder.parent.name}/{folder.name} is a portfolio's; allowed: another --out, or another name")
    try:
        with interruptible(), time_limit(options.run_seconds):
            p, key = keyed(p, langs)
            if not options.force and (same := unchanged(p, folder, key)):
                return same
            check_writable(folder)
            made = missing_above(folder)
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with locked(folder):
                    recover(folder)
                    if not options.force and (same := unchanged(p, folder, key)):  # another run made it while this one waited
                        return same
                    try:
                        return build(p, langs, folder, options, key, file)
                    finally:
                        if not options.compared:
                            refresh_history(folder)
            finally:
                remove_if_empty(folder, made)
    except Interrupted as error:
        raise RunFailed(f"{p.study}: {one_line(error)}; nothing was published") from None


def keyed(p: Study, langs: list[str]) -> tuple[Study, Key]:
    """The study with its data file, drawn where it is simulated, and the key of all that decides the run's content."""
    from ..read.sources import study_data

    p = p.model_copy(update={"data": str(study_data(p))})
    return p, inputs_key(p, langs)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The study's lock; waits briefly. A dead process's lock is free again by itself. Raises Busy, InputError (a link in the way)."""
    check_no_link(folder)
    lock = filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Busy(f"{folder.name}: another run of this study is under way") from None
    try:
        yield
    finally:
        lock.release()


def unchanged(p: Study, folder: Path, key: Key) -> Path | None:
    """The last complete run, if it was made from the very same inputs. Raises InputError where they have grown old meanwhile."""
    latest = latest_run(folder)
    receipt = read_receipt(latest) if latest else None
    if receipt is None or receipt.get("key") != key.whole or receipt.get("state") != "complete":
        return None
    if p.fresh_within is not None:
        from ..panel.load import check_age

        check_age(receipt["newest"], receipt["inputs"][0]["file"], p)
    begin()
    say(f"{folder.name}: unchanged, nothing to do")
    return latest


def build(p: Study, langs: list[str], folder: Path, options: Options, key: Key, file: Path) -> Path:
    """The run itself, under the study's lock: built in a hidden folder beside the published ones."""
    from ..base import periods
    from ..base.light_imports import left_out

    with left_out():
        from .artifacts import publish_files
        from .notebooks import execute_all, held_over, kernels
    from .machine_record import remember_inputs
    from .receipt import make_receipt, zone_of

    started, clock = datetime.now(UTC), time.monotonic()
    run = next_name(folder, key.whole, started)
    building = folder / f".building-{run}"
    receipt: dict = {"run": run}
    try:
        with periods.on(periods.day_in(zone_of(p), started)), kernels(p) as (work, hand_over):
            panel, release, policy = first_look(p, options, hand_over, folder, key)
            rows = panel.origin.rows if release is None else int(release.rows_told(panel.origin.rows))
            receipt = make_receipt(p, panel, rows, langs, key, run, started)
            begin()
            building.mkdir()
            write_json(building / "receipt.json", {**receipt, "state": "running"})
            say(f"{p.study}: {p.estimator}")
            (building / "notebooks").mkdir()
            todo = [Job(name, lang) for lang in langs for name in notebook_names(p)]
            done = {} if options.force else held_over(todo, key, latest_run(folder), building / "notebooks")
            executed = execute_all(p, todo, done, building / "notebooks", work, options)
        say(f"{p.study}: writing the report")
        receipt = {**receipt, "seconds": round(time.monotonic() - clock, 1)}
        publish_files(building, p, panel, release, langs, executed, receipt, key, policy)
        raise_if_asked()
        final = publish(building, run)
        if not options.compared:
            remember_inputs(final, p, file)
        return final
    except InputError:
        shutil.rmtree(building, ignore_errors=True)
        raise
    except (Exception, Interrupted) as failed:
        error = fault_of(failed, folder.parent) or failed
        reason, seconds = one_line(error), round(time.monotonic() - clock, 1)
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": reason, "failure": failure_of(error), "seconds": seconds})
        raise RunFailed(f"{p.study}: {reason}; nothing was published") from failed


def refresh_history(folder: Path) -> None:
    """The page of all runs. Its charts are loaded only here, so that an unchanged run ends at once; what stops it now does
    not undo a run that is published."""
    if not folder.is_dir() or all(path.name == ".lock" for path in folder.iterdir()):
        return  # refused before anything began: nothing is written
    try:
        with stoppable():
            from .history.page import refresh

            refresh(folder.parent, warn)
    except Interrupted as signal_name:
        warn(f"{folder.name}: stopped by {signal_name} while the history page was written")
    except Exception as error:  # a library that a signal stopped halfway in being imported cannot be used; the next run writes the page
        warn(f"{folder.name}: the history page could not be written: {type(error).__name__}")


def first_look(p: Study, options: Options, hand_over: object, folder: Path, key: Key) -> tuple[object, object, dict]:
    """The panel and what may be told of it, handed to the kernels to come, once the main method has accepted it: what is wrong is refused
    before any starts; and what is told of the policy (`policy_told`)."""
    from ..design.design import study_design
    from ..estimation.estimate import estimate
    from ..evaluation.plan_record import check_plan, lift
    from ..panel.load import check_fresh, load_panel
    from .run_records import policy_told
    from .told_before import decide

    check_plan(p)
    if p.blind:
        lift(p)
    say(f"{p.study}: reading the data")
    panel = load_panel(p)
    if not options.compared:
        check_fresh(panel, p)
    domain_of(p).check_files(p, panel)
    design = study_design(panel, p)
    release = decide(panel, p, design, folder, key.inputs, options.told)
    hand_over(panel, release)
    estimate(replace(design, release=release), p.estimator)  # as the kernels ask for it
    return panel, release, policy_told(design, p)
