"""The command `plan`: a plan's file and its pages, from the periods before the policy alone."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from ..base import periods
from ..base.aside import write_text
from ..base.errors import InputError
from ..base.progress import begin, say
from ..base.signals import interruptible, time_limit
from ..evaluation.plan import plan_of
from ..evaluation.plan_record import plan_text
from ..read.sources import study_data
from ..report.page import Page, render
from ..study.load import parse_change, read_study, study_file, study_words
from .notebook_files import PLAN, Job, Options
from .notebooks import execute_all, kernels
from .receipt import zone_of


def folder_of(study: str) -> Path:
    """Where a study's plan is found by its reports: beside the study, where that lies below the current folder, else the current folder."""
    folder = study_file(study).parent
    return Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else Path()


def write_plan(study: str, change: dict, langs: list[str], folder: Path, options: Options) -> list[Path]:
    """Writes `STUDY.plan.yaml` and a page a language into a folder; returns them. Nothing is overwritten: a plan is written once.

    Raises InputError where one is there already, and for whatever is wrong with study or data; Refusal, RunFailed.
    """
    p = read_study(study_file(study), parse_change(change))
    files = [folder / f"{p.study}.plan.yaml", *(folder / f"{p.study}.plan.{lang}.html" for lang in langs)]
    if there := [file.name for file in files if file.exists()]:
        raise InputError(f"{there[0]}: is there already; a plan is written once: move it away, or name another folder with -o")
    p = p.model_copy(update={"data": str(study_data(p))})
    day = periods.day_in(zone_of(p), datetime.now(UTC))
    with interruptible(), time_limit(options.run_seconds), periods.on(day), kernels(p) as (work, _):
        begin()
        say(f"{p.study}: planning from the periods before the policy")
        plan = plan_of(p)  # remembered: the pages show this one
        pages = work / "pages"
        pages.mkdir()
        executed = execute_all(p, [Job(PLAN, lang) for lang in langs], {}, pages, work, options)
        texts = {files[0]: plan_text(plan, day)}
        for job, file in zip(executed, files[1:], strict=True):
            words = study_words(p, job.lang)
            page = Page(lang=job.lang, title=words("plan.title", title=words("study.title")), place=words("study.place"), kind="chapter",
                        simulated=plan.origin.simulated, annexes=(), footer=words("plan.footer"), domain=words.domain,
                        about=Markup("<p>{}</p>").format(words("plan.registered", date=words.date(day))))  # fmt: skip
            texts[file] = render([executed[job]], page)
        shutil.rmtree(pages)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        write_text(file, text)
    return files
