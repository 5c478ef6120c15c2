"""Which notebooks make up a run, where they lie, and how they are run."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.own_files import NAMED_BY, own_file, own_folders
from ..study.domains import domain_of
from ..study.study import Study

NOTEBOOKS = ("brief", "effect", "comparison", "who", "robustness", "cost", "payment", "scorecard", "data_quality")  # as in the report
PLAN = "plan"  # the notebook of the command of that name, in no report
EVERYWHERE = {"brief", "effect", "comparison", "robustness", "data_quality"}  # the others are a domain's, where they apply


@dataclass(frozen=True, order=True)
class Job:
    """One notebook in one language."""

    name: str
    lang: str

    @property
    def stem(self) -> str:
        return f"{self.name}.{self.lang}"


@dataclass(frozen=True)
class Options:
    """How to run. `cell_seconds`, `run_seconds`: limits of one cell and of the whole run; `force`: even where nothing has changed;
    `compared`: made only to be compared with an earlier run, so that nobody is to find it and old data are no fault; `told`: the folder
    of that run."""

    jobs: int = 2  # notebooks at a time
    force: bool = False
    cell_seconds: float = 1800.0
    run_seconds: float = 7200.0
    compared: bool = False
    told: Path | None = None


def notebook_names(p: Study) -> tuple[str, ...]:
    """The kit's own notebooks that apply to a study; of a folder named by HGDX_NOTEBOOKS those and all that are not the kit's."""
    apply = EVERYWHERE | set(domain_of(p).notebooks(p))
    kits = [name for name in NOTEBOOKS if name in apply]
    if not os.environ.get(NAMED_BY["notebooks"]):
        return tuple(kits)
    folder = own_folders("notebooks")[0]
    found = {file.stem for file in folder.glob("*.ipynb") if re.fullmatch(r"[a-z0-9_]+", file.stem)}
    if not found:
        raise InputError(f"HGDX_NOTEBOOKS: {folder.name} holds no notebook")
    return (*(name for name in kits if name in found), *sorted(found - {*NOTEBOOKS, PLAN}))


def notebook_file(name: str) -> Path:
    """Raises InputError where there is none."""
    path = own_file("notebooks", f"{name}.ipynb")
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such notebook")
    return path
