"""One file, one estimator: a citation and `fit(design) -> Estimate`. A new file here is listed, called and tested."""

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from ..base.memo import remembered
from ..panel.disclosure import told_whole

if TYPE_CHECKING:
    from ..design.design import Design
    from ..estimation.results import Estimate


def estimator_names() -> list[str]:
    """The names of the files beside this one."""
    return sorted(module.name for module in iter_modules(__path__))


def estimate(design: "Design", estimator: str) -> "Estimate":
    """The estimate of one method, computed once in a run. Raises Refusal where the method cannot identify the effect."""
    module = import_module(f".{estimator}", __name__)
    found = remembered(lambda: module.fit(design), estimator, design)
    return replace(found, table=told_whole(found.table, found.dossiers, design.whole, design.told))
