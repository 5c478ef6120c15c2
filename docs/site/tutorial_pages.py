"""The tutorial as a page in each language, executed when the site is built where its data are at hand (HGDX_REFERENCE, or
../shared/reference), but for the cell that makes a whole report; else without what its cells give, which the page says."""

import os
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from chart_pages import one_size
from code_pages import raw
from nbclient import NotebookClient
from repository_pages import VIETNAMESE

from hgdx_eval.locale import LANGUAGES
from hgdx_eval.run.bench import init

ROOT = Path(__file__).parent.parent.parent
DATA = "organ_donations.csv"
WITHOUT = {"vi": "*Trang này được tạo khi không có số liệu: không có kết quả của các ô lệnh.*\n",
           "en": "*This page was made without the data at hand: what the cells give is not shown.*\n"}  # fmt: skip
SLOW = "report"  # the tag of a cell that takes longest and shows least


def pages() -> dict[str, str]:
    """Page -> Markdown of the tutorial with its outputs."""
    return {f"tutorial/tutorial.{lang}": (VIETNAMESE if lang == "vi" else "") + executed(lang) for lang in LANGUAGES}


def executed(lang: str) -> str:
    with TemporaryDirectory() as folder:
        init(Path(folder, "work"), lang)
        notebook = nbformat.read(Path(folder, "work", "tutorial.ipynb"), 4)
        if not (data := data_file()).is_file():
            return "\n".join([shown(notebook.cells[0]), WITHOUT[lang], *map(shown, notebook.cells[1:])])
        shutil.copy(data, Path(folder, "work", "data"))
        slow = [cell for cell in notebook.cells if SLOW in cell.metadata.get("tags", [])]
        for cell in slow:
            cell.cell_type = "raw"
        place = {"metadata": {"path": str(Path(folder, "work"))}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place, extra_arguments=["--log-level=40"]).execute()
        for cell in slow:
            cell.cell_type, cell.outputs = "code", []
    return "\n".join(map(shown, notebook.cells))


def data_file() -> Path:
    return Path(os.environ.get("HGDX_REFERENCE") or ROOT.parent / "shared" / "reference") / DATA


def shown(cell: nbformat.NotebookNode) -> str:
    """A cell as Markdown."""
    if cell.cell_type != "code":
        return cell.source + "\n"
    kind = "sh" if cell.source.startswith("!") else "python"
    return "\n".join([f"```{kind}\n{cell.source}\n```", *map(output, cell.outputs)]) + "\n"


def output(found: nbformat.NotebookNode) -> str:
    """What a cell gave, in the form that shows most of it. Raises ValueError for an error."""
    if found.output_type == "error":
        raise ValueError(f"the tutorial ended with {found.ename}: {found.evalue}")
    data = found.get("data", {})
    if html := data.get("text/html"):
        html = re.sub(r"<style.*?</style>\s*", "", html, flags=re.S)
        return raw(f'<div class="given">{one_size(html)}</div>')
    if text := data.get("text/markdown"):
        return f"> {text}"
    return f"```text\n{(found.get('text') or data['text/plain']).rstrip()}\n```"
