"""What a run publishes: estimates.csv, reports, pages of notebooks, receipt."""

from pathlib import Path

import nbformat
import pandas as pd

from ..base.aside import write_text
from ..base.errors import RunFailed
from ..base.hashes import file_hash
from ..base.safe_text import harmless
from ..estimation.results import check_table, result_table
from ..panel.panel import Panel
from ..panel.told import FILE, Release, write_told
from ..report.blocks import definitions, fold
from ..report.page import QUIET, Page, output_html, render, tags
from ..report.record import MIME as ESTIMATES_MIME
from ..study.load import study_words
from ..study.study import Study
from ..study.vocabulary import COLUMNS
from ..study.words import Words
from .receipt import Key
from .run_folders import now, write_json
from .run_records import result_of


def publish_files(building: Path, p: Study, panel: Panel, release: Release | None, langs: list[str], executed: dict, receipt: dict,
                  key: Key) -> None:  # fmt: skip
    """estimates.csv, reports, notebook pages, what was told of counts and the receipt, in the folder being built."""
    tables = {lang: collected([nb for job, nb in executed.items() if job.lang == lang], p) for lang in langs}
    first = tables[langs[0]]
    for lang in langs[1:]:
        if not first.equals(tables[lang]):
            raise RunFailed(f"the estimates differ between {langs[0]} and {lang}", "languages_differ")
    write_text(building / "estimates.csv", first.map(harmless).to_csv(index=False, lineterminator="\n"))
    annexes = {lang: (receipt_block(receipt, study_words(p, lang)),) for lang in langs}
    for lang in langs:
        mine = {job: notebook for job, notebook in executed.items() if job.lang == lang}
        page = page_of(p, panel, lang, "report", annexes[lang])
        write_text(building / f"report.{lang}.html", render(list(mine.values()), page))
        brief = [notebook for job, notebook in mine.items() if job.name == "brief"]
        if brief:
            write_text(building / f"brief.{lang}.html", render(brief, page_of(p, panel, lang, "brief", ())))
        for job, notebook in mine.items():
            if has_own_page(notebook):
                write_text(building / f"{job.name}.{lang}.html", render([notebook], page_of(p, panel, lang, "chapter", ())))
            page = page_of(p, panel, lang, "notebook", ())
            write_text(building / "notebooks" / f"{job.stem}.html", render([notebook], page))
    made = {job.stem: {"key": key.of(job), "sha256": file_hash(building / "notebooks" / f"{job.stem}.ipynb")} for job in executed}
    if release is not None:
        write_told(release, building / FILE)
    result = result_of(first, panel, receipt["inputs"][0]["rows"], p, list(executed.values()))
    write_json(building / "receipt.json", {**receipt, "executed": made, "result": result, "state": "complete", "finished": now()})


def has_own_page(notebook: nbformat.NotebookNode) -> bool:
    """Whether a notebook's heading asks for a page besides the report, and there is something on it."""
    return any("own-page" in tags(cell) for cell in notebook.cells) and any(
        output_html(output) for cell in notebook.cells if not tags(cell) & QUIET for output in cell.get("outputs", [])
    )


def page_of(p: Study, panel: Panel, lang: str, kind: str, annexes: tuple[str, ...]) -> Page:
    """What the page needs to know besides its notebooks."""
    words = study_words(p, lang)
    return Page(lang=lang, title=words("study.title"), place=words("study.place"), simulated=panel.origin.simulated, kind=kind,
                annexes=annexes, footer=words("story.footer"), domain=words.domain)  # fmt: skip


def receipt_block(receipt: dict, words: Words) -> str:
    """What is needed to run it again; clock times stay in receipt.json."""
    pairs = [(words("story.receipt_inputs"), "; ".join(f"{i['file']} (SHA-256 {i['sha256'][:16]}…)" for i in receipt["inputs"])),
             (words("story.receipt_code"), receipt["code_sha256"][:16]),
             (words("story.receipt_facts"), receipt["facts_sha256"][:16]),
             (words("story.receipt_seed"), str(receipt["seed"])),
             (words("story.receipt_packages"), ", ".join(f"{k} {v}" for k, v in receipt["packages"].items()))]  # fmt: skip
    return str(fold(words("story.receipt"), definitions(pairs, words), words).html)


def collected(notebooks: list[nbformat.NotebookNode], p: Study) -> pd.DataFrame:
    """Every estimate that the notebooks recorded, under the contract's columns. Raises RunFailed where there is none."""
    rows = [dict(zip(data["columns"], row, strict=True)) for notebook in notebooks for cell in notebook.cells
            if cell.cell_type == "code" for output in cell.outputs
            for data in [output.get("data", {}).get(ESTIMATES_MIME)] if data for row in data["rows"]]  # fmt: skip
    if not rows:
        raise RunFailed("the notebooks recorded no estimate", "no_estimate")
    table = result_table(rows)
    check_table(table)
    return table.assign(study=p.study)[COLUMNS]
