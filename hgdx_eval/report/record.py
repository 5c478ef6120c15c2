"""Estimates as a notebook output: the executed notebook itself carries the numbers that are published."""

from dataclasses import dataclass

import pandas as pd

from ..base.telling import in_brief
from ..estimation.results import Estimate, check_table, joined
from ..study.vocabulary import COLUMNS
from ..study.words import Words

MIME = "application/vnd.hgdx.estimates+json"


@dataclass(frozen=True)
class Recorded:
    """Shown in JupyterLab as one line, read by the runner as data."""

    table: pd.DataFrame
    line: str
    verdict: int | None = None
    headline: str | None = None

    def __repr__(self) -> str:
        return in_brief(self, f"{len(self.table)} rows of estimates", f"verdict {self.verdict} of 5" if self.verdict else "")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        cells = self.table.astype(object).where(self.table.notna(), None)
        data = {"columns": COLUMNS, "rows": cells.to_numpy().tolist()}
        judged = {"verdict": self.verdict, "headline": self.headline}
        return {MIME: data | {name: value for name, value in judged.items() if value}, "text/plain": self.line}


def record(estimates: list[Estimate], notebook: str, words: Words, verdict: int | None = None, headline: str | None = None) -> Recorded:
    """Hands estimates to the run: they come out in estimates.csv, a verdict in the receipt. `estimates`: a list, perhaps empty; `notebook`:
    the name of the notebook, their column `notebook`; `verdict`: 1 to 5, and `headline`: the kind of inference that it rests on, of the
    notebook that gives them.

    Returns a Recorded, which must be what its cell shows. Raises ValueError where a table leaves the contract of results.
    """
    table = joined(estimates).assign(notebook=notebook)
    check_table(table)
    return Recorded(table, words("story.recorded", n=words.number(len(table))), verdict, headline)
