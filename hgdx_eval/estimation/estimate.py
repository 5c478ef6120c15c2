"""The estimate of one method, by the name of its file in estimators/."""

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from ..base.memo import remembered
from ..base.telling import check_name
from ..panel.disclosure import told_whole
from ..study.vocabulary import estimator_names

if TYPE_CHECKING:
    from ..design.design import Design
    from .results import Estimate


def estimate(design: "Design", estimator: str) -> "Estimate":
    """The estimate of one method, computed once in a run. `estimator`: the name of a file in estimators/.

    Returns an Estimate, in percentage points where the outcome is a share, else in the outcome's own unit. Raises Refusal where the method
    cannot identify the effect, InputError for an unknown method.
    Example: `hg.estimate(design, "callaway_santanna").overall()`
    """
    check_name("estimator", estimator, estimator_names())
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    found = remembered(lambda: module.fit(design), estimator, design)
    return replace(found, table=told_whole(found.table, found.dossiers, design.whole, design.told))
