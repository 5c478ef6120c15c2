"""The panel of a study: from its files, or as the run under way holds it."""

import os
import pickle
from functools import cache
from pathlib import Path
from typing import cast

import pandas as pd

from ..base import periods
from ..base.errors import InputError
from ..base.periods import months_since, period_of, written
from ..read.sources import data_files, study_data
from ..study.domains import domain_of
from ..study.study import Study
from .crosswalk import check_crossing, constant_units
from .panel import Panel
from .tidy import label, table_panel


def load_panel(p: Study, early: bool = False) -> Panel:
    """The panel of a study: counts or values by unit and period, read from its data. Inside a run it was made once, before the notebooks.
    `early`: of the periods before the policy alone; what is later is left out before any number is read or counted.

    Returns a Panel. Raises InputError naming file and place for whatever cannot be understood.
    """
    work = None if early else os.environ.get("HGDX_WORK")
    if work and (Path(work) / "panel.pickle").is_file():
        return held_panel(work)
    path = study_data(p)
    if p.layout == "table":
        if p.engine != "duckdb":
            raise InputError(f"{p.study}: engine: {p.engine} reads lists of a row a case, found layout: table: leave it out")
        panel = table_panel(path, p, early)
        panel = constant_units(panel, p, Path(p.crosswalk)) if p.crosswalk else panel
    else:
        panel = cast(Panel, domain_of(p).load_panel(p, data_files(path), early))
    check_crossing(panel, p)
    return panel


def check_fresh(panel: Panel, p: Study) -> None:
    """Raises InputError where the newest period of the data is older than the study's `fresh_within` allows.

    Asked when a run begins, and never again: a run that is verified later is the same run. The unfinished last month is no
    longer in the panel, a period in which no dossier came in does not count.
    """
    if p.fresh_within is not None:
        check_age(newest_counted(panel, p), panel.origin.file, p)


def newest_counted(panel: Panel, p: Study) -> str | None:
    """The newest period in which anything was counted."""
    cells = panel.cells
    name = label(p, "denominator")
    counts = cells[name] if name in cells else pd.Series(1, index=cells.index)
    newest = cells.loc[counts > 0, "period"].max()
    return None if pd.isna(newest) else written(newest)


def check_age(newest: str | None, file: str, p: Study) -> None:
    """`check_fresh` for a newest period that is known, as of data that were read before."""
    age = None if newest is None else months_since(period_of(newest), periods.today())
    if age is None or age > p.fresh_within:
        found = "no period with data" if age is None else f"the newest whole period is {newest}, {age} months ago"
        raise InputError(f"{file}: {found}; {p.study} says fresh_within: {p.fresh_within} (months)")


@cache
def held_panel(work: str) -> Panel:
    """The panel of the run that is under way, read once in a process."""
    return pickle.loads((Path(work) / "panel.pickle").read_bytes())
