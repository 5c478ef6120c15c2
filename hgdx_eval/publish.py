"""A run's folder: built aside, there at once or not at all; `latest`, receipts, and what a failed run leaves."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pandas as pd

from .errors import RunFailed
from .panel import Panel
from .params import Study, study_words
from .progress import say
from .recording import MIME as ESTIMATES_MIME
from .report import Page, render
from .results import COLUMNS, check_table, result_table

KILLED = "killed"


def publish_files(building: Path, p: Study, panel: Panel, langs: list[str], executed: dict, receipt: dict) -> None:
    """estimates.csv, reports, notebook pages and the receipt, in the folder being built."""
    tables = {lang: collected([nb for job, nb in executed.items() if job.lang == lang], p) for lang in langs}
    first = tables[langs[0]]
    for lang in langs[1:]:
        if not first.equals(tables[lang]):
            raise RunFailed(f"the estimates differ between {langs[0]} and {lang}")
    first.to_csv(building / "estimates.csv", index=False, lineterminator="\n")
    annexes = {lang: receipt_annex(receipt, lang, p) for lang in langs}
    for lang in langs:
        mine = {job: notebook for job, notebook in executed.items() if job.lang == lang}
        page = page_of(p, panel, lang, "report", annexes[lang])
        write_text(building / f"report.{lang}.html", render(list(mine.values()), page))
        for job, notebook in mine.items():
            page = page_of(p, panel, lang, "notebook", ())
            write_text(building / "notebooks" / f"{job.stem}.html", render([notebook], page))
    write_json(building / "receipt.json", {**receipt, "state": "complete", "finished": now()})


def page_of(p: Study, panel: Panel, lang: str, kind: str, annexes: tuple[str, ...]) -> Page:
    from .story import page_for

    return page_for(p, panel, study_words(p, lang), kind, annexes)


def receipt_annex(receipt: dict, lang: str, p: Study) -> tuple[str, ...]:
    from .story import receipt_block

    return (receipt_block(receipt, study_words(p, lang)),)


def collected(notebooks: list[nbformat.NotebookNode], p: Study) -> pd.DataFrame:
    """Every estimate that the notebooks recorded, under the contract's columns. Raises RunFailed where there is none."""
    rows = [dict(zip(data["columns"], row, strict=True)) for notebook in notebooks for cell in notebook.cells
            if cell.cell_type == "code" for output in cell.outputs
            for data in [output.get("data", {}).get(ESTIMATES_MIME)] if data for row in data["rows"]]  # fmt: skip
    if not rows:
        raise RunFailed("the notebooks recorded no estimate")
    table = result_table(rows)
    check_table(table)
    return table.assign(study=p.study)[COLUMNS]


def unused(folder: Path, run: str) -> str:
    """The run's name, numbered where two runs begin in one second."""
    names = [run, *(f"{run}-{n}" for n in range(2, 1000))]
    return next(n for n in names if not (folder / n).exists() and not (folder / "failed" / n).exists())


def latest_run(folder: Path) -> Path | None:
    """The folder that `latest` points at, by link or by the one-line file where links are impossible."""
    link, text = folder / "latest", folder / "latest.txt"
    if link.is_dir():
        return link.resolve()
    if text.is_file():
        found = folder / text.read_text(encoding="utf-8").strip()
        return found if found.is_dir() else None
    return None


def point_latest(folder: Path, run: str) -> None:
    """`latest` names the run from one moment to the next: a relative link, or a one-line file."""
    fresh = folder / f".latest-{run}"
    try:
        os.symlink(run, fresh, target_is_directory=True)
        os.replace(fresh, folder / "latest")
    except OSError:
        fresh.unlink(missing_ok=True)
        write_text(folder / f".latest-{run}.txt", run + "\n")
        os.replace(folder / f".latest-{run}.txt", folder / "latest.txt")


def keep_failed(building: Path, failed: Path, receipt: dict, state: str = "failed") -> None:
    """Leave the receipt and the notebooks of a run that did not finish; never a report. Best effort on a full disk."""
    try:
        failed.mkdir(parents=True, exist_ok=True)
        if (building / "notebooks").is_dir():
            (failed / "notebooks").mkdir(exist_ok=True)
            for file in (building / "notebooks").glob("*.ipynb"):
                os.replace(file, failed / "notebooks" / file.name)
        write_json(failed / "receipt.json", {**receipt, "state": state, "finished": now()})
    except OSError as error:
        say(f"the receipt of the failed run could not be written: {error.strerror}")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def mark_killed(folder: Path) -> None:
    """What a killed run left behind becomes a failed run, so marked. Called under the study's lock."""
    for building in folder.glob(".building-*"):
        run = building.name.removeprefix(".building-")
        try:
            receipt = json.loads((building / "receipt.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            receipt = {"run": run}
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": "the run was killed"}, KILLED)


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_text(path: Path, text: str) -> None:
    """Written whole and flushed to the disk before anything points at it."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: dict) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
