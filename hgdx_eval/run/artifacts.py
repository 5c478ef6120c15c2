"""What a run publishes: estimates.csv, reports, pages of notebooks, receipt."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
from markupsafe import Markup

from ..base.aside import write_bytes, write_text
from ..base.errors import RunFailed
from ..base.hashes import file_hash
from ..base.safe_text import harmless
from ..estimation.results import check_table, result_table
from ..panel.panel import Panel
from ..panel.told import FILE, Release, write_told
from ..report.blocks import definitions, fold
from ..report.colophon import about, about_html, day_of
from ..report.document import answer_text, document_of, part_of
from ..report.page import QUIET, Page, output_html, render, tags
from ..report.record import MIME as ESTIMATES_MIME
from ..report.workbook import sheets_of, workbook
from ..study.load import study_words
from ..study.study import Study
from ..study.vocabulary import COLUMNS
from ..study.words import Words
from .receipt import Key
from .run_folders import now, write_json
from .run_records import result_of


def publish_files(building: Path, p: Study, panel: Panel, release: Release | None, langs: list[str], executed: dict, receipt: dict,
                  key: Key, policy: dict) -> None:  # fmt: skip
    """estimates.csv, reports, notebook pages, what was told of counts and the receipt, in the folder being built."""
    tables = {lang: collected([nb for job, nb in executed.items() if job.lang == lang], p) for lang in langs}
    first = tables[langs[0]]
    for lang in langs[1:]:
        if not first.equals(tables[lang]):
            raise RunFailed(f"the estimates differ between {langs[0]} and {lang}", "languages_differ")
    write_text(building / "estimates.csv", first.map(harmless).to_csv(index=False, lineterminator="\n"))
    for lang in langs:
        publish_language(building, p, panel, lang, {job: notebook for job, notebook in executed.items() if job.lang == lang}, receipt)
    made = {job.stem: {"key": key.of(job), "sha256": file_hash(building / "notebooks" / f"{job.stem}.ipynb")} for job in executed}
    if release is not None:
        write_told(release, building / FILE)
    result = result_of(first, panel, receipt["inputs"][0]["rows"], p, list(executed.values()), policy)
    files = {file.name: file_hash(file) for file in sorted(building.iterdir()) if file.is_file() and file.name != "receipt.json"}
    write_json(building / "receipt.json", {**receipt, "executed": made, "files": files, "result": result, "state": "complete",
                                           "finished": now()})  # fmt: skip


def has_own_page(notebook: nbformat.NotebookNode) -> bool:
    """Whether a notebook's heading asks for a page besides the report, and there is something on it."""
    return any("own-page" in tags(cell) for cell in notebook.cells) and any(
        output_html(output) for cell in notebook.cells if not tags(cell) & QUIET for output in cell.get("outputs", [])
    )


def publish_language(building: Path, p: Study, panel: Panel, lang: str, executed: dict, receipt: dict) -> None:
    """What one language is published as: report and brief, the workbook of their tables, the picture of the answer, pages of notebooks."""
    words, notebooks = study_words(p, lang), list(executed.values())
    pairs, document = about(receipt, words), document_of(output.get("data", {}) for output in outputs(notebooks))
    sheets = sheets_of(notebooks, lang)
    workbook_name, picture = f"report.{lang}.xlsx" if sheets else "", f"share.{lang}.png" if document else ""
    page = Page(lang=lang, title=words("study.title"), place=words("study.place"), simulated=panel.origin.simulated, kind="report",
                annexes=(receipt_block(receipt, words),), footer=words("story.footer"), domain=words.domain,
                about=about_html(pairs, workbook_name, words), description=answer_text(document) if document else "",
                picture=picture)  # fmt: skip
    write_text(building / f"report.{lang}.html", render(notebooks, page))
    brief = [notebook for job, notebook in executed.items() if job.name == "brief"]
    if brief:
        own = replace(page, kind="brief", annexes=(), about=about_html(pairs, "", words))
        write_text(building / f"brief.{lang}.html", render(brief, own))
    for job, notebook in executed.items():
        if has_own_page(notebook):
            own = replace(page, kind="chapter", annexes=(), about=about_html(pairs, "", words), description="", picture="")
            write_text(building / f"{job.name}.{lang}.html", render([notebook], own))
        own = replace(page, kind="notebook", annexes=(), about=Markup(""), description="", picture="")
        write_text(building / "notebooks" / f"{job.stem}.html", render([notebook], own))
    mark = words("report.mark", place=page.place) if page.simulated else ""
    if sheets:
        first = [(words("colophon.study"), p.study), (words("colophon.place"), page.place), *pairs]
        write_bytes(building / workbook_name, workbook(sheets, page.title, first, mark, words))
    if document:
        write_bytes(building / picture, picture_of(document, f"{words.date(day_of(receipt))} · {page.place}", mark))


def picture_of(document: dict, foot: str, mark: str) -> bytes:
    """The picture of a brief's answer; what draws is loaded only here."""
    from ..report.share import share_picture

    kicker, title, said, scale = (part_of(document, kind) for kind in ("kicker", "title", "answer", "verdict"))
    return share_picture(kicker["text"], title["text"], said, scale["level"], scale["labels"], foot, mark)


def outputs(notebooks: list[nbformat.NotebookNode]) -> Iterator[dict]:
    """Every output of every cell."""
    return (output for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)


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
    rows = [dict(zip(data["columns"], row, strict=True)) for output in outputs(notebooks)
            for data in [output.get("data", {}).get(ESTIMATES_MIME)] if data for row in data["rows"]]  # fmt: skip
    if not rows:
        raise RunFailed("the notebooks recorded no estimate", "no_estimate")
    table = result_table(rows)
    check_table(table)
    return table.assign(study=p.study)[COLUMNS]
