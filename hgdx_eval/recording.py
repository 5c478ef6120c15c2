"""Estimates as a notebook output: the executed notebook itself carries the numbers that are published."""

from dataclasses import dataclass

import pandas as pd

from .results import COLUMNS, Estimate, check_table, joined
from .words import Words

MIME = "application/vnd.hgdx.estimates+json"


@dataclass(frozen=True)
class Recorded:
    """Shown in JupyterLab as one line, read by the runner as data."""

    table: pd.DataFrame
    line: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        cells = self.table.astype(object).where(self.table.notna(), None)
        return {MIME: {"columns": COLUMNS, "rows": cells.to_numpy().tolist()}, "text/plain": self.line}


def record(estimates: list[Estimate], notebook: str, words: Words) -> Recorded:
    """Hand estimates to the run: they come out in estimates.csv. Raises ValueError where one leaves the contract."""
    table = joined(estimates).assign(notebook=notebook)
    check_table(table)
    return Recorded(table, words("story.recorded", n=words.number(len(table))))
