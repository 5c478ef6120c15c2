"""What a run may tell of counts, beside what the last run of its study and other studies of the same data have told."""

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from ..base.errors import InputError
from ..design.design import Design, study_design
from ..panel.panel import Panel
from ..panel.told import FILE, Release, read_told
from ..release.release import as_decided, release_of
from ..study.study import Study, study_digest
from .run_folders import latest_run, read_receipt
from .run_records import studies

SAME_CELLS = ("layout", "date", "unit", "period", "frequency")  # keys by which two studies of one export have the same cells


def decide(panel: Panel, p: Study, design: Design, folder: Path, inputs: str, decided: Path | None) -> Release | None:
    """What the run tells; None where its study counts no dossiers.

    `folder`: of the study's runs; `inputs`: the key of all that this run reads: where the last run read the same, what it hid stays
    hidden and nothing else. `decided`: the run that this one is only made to be compared with.
    """
    before = last_told(folder) if decided is None else told_by(decided)
    if before is not None and before[2] == inputs:
        return replace(before[1], study=study_digest(p))
    if decided is not None:
        return release_of(panel, p, design) if before is None else as_decided(panel, p, design, before[1])
    return release_of(panel, p, design, before and before[:2], others_told(folder, panel, p))


def last_told(folder: Path) -> tuple[str, Release, str] | None:
    """(name of the run that `latest` names, what it told, the key of what it read); None where there is none."""
    run = latest_run(folder)
    return told_by(run) if run else None


def told_by(run: Path) -> tuple[str, Release, str] | None:
    """The same of one run's folder."""
    told, receipt = read_told(run / FILE), read_receipt(run)
    return (run.name, told, str(receipt.get("inputs_key"))) if told is not None and receipt is not None else None


def others_told(folder: Path, panel: Panel, p: Study) -> tuple[tuple[Study, Design, Release], ...]:
    """Of every other study beside `folder` whose last run read the very same data: its keys, its design, what it told."""
    found = []
    for name in studies(folder.parent):
        run = latest_run(folder.parent / name) if name != folder.name else None
        told, receipt = (told_by(run), read_receipt(run)) if run else (None, None)
        if told is None or receipt is None or receipt["inputs"][0].get("sha256") != panel.origin.sha256:
            continue
        try:
            paths = {"data": p.data, "fees": p.fees, "words": None, "scorecard": None, "places": None}
            other = Study.model_validate({**receipt["study"], **paths}, strict=False)
            if all(getattr(other, key) == getattr(p, key) for key in SAME_CELLS):
                found.append((other, study_design(panel, other), told[1]))
        except (ValidationError, InputError):  # of an earlier version of the kit
            continue
    return tuple(found)
