"""A folder of notebooks that run in seconds: some of the real ones, the others empty but for one that records an estimate."""

import os
import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from hgdx_eval.run.notebook_files import NOTEBOOKS

ROOT = Path(__file__).parent.parent
LEAN = os.pathsep.join([str(ROOT / "tests" / "lean"), str(ROOT)])  # PYTHONPATH of a process that runs the kit


def small_notebooks(folder: Path, real: tuple[str, ...] = (), cell: str = "") -> Path:
    """`real`: notebooks taken as they are; `cell`: code that every other one runs besides."""
    folder.mkdir(parents=True)
    for name in NOTEBOOKS:
        source = ROOT / "notebooks" / f"{name}.ipynb"
        if name in real:
            shutil.copy(source, folder)
            continue
        notebook = nbformat.read(source, 4)
        first = [c for c in notebook.cells if c.cell_type == "code"][:2]
        record = "hg.record([hg.evaluate(design, p).main], 'effect', words)" if name == "effect" else "len(panel.cells)"
        notebook.cells = [*first, new_code_cell(record), *([new_code_cell(cell)] if cell else [])]
        nbformat.write(notebook, folder / source.name)
    return folder
