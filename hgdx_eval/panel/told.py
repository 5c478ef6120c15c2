"""What a run tells of counts: one table, decided once (`release.py`), from which every surface takes its numbers."""

import io
import os
import pickle
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.aside import write_text
from ..base.telling import in_brief

KEYS = ["family", "side", "group", "period"]
TOLD = [*KEYS, "part", "count"]
FILE, HELD = "told.csv", "release.pickle"


@dataclass(frozen=True)
class Release:
    """`table`: one row per number of dossiers that may leave a run: family (which table it stands in), side (treated, comparison, or
    "" = all), group, period, part (received, online, counter, remote, assisted), count (NaN where it is hidden), as_of ("" = of this
    run; else the run from which an older number is kept, because the difference would tell of few). `study`: whose it is (`study_digest`).
    `until`: the last period of the data. `round_to`: counts are multiples of it; 1 = exact.
    `kept`: whether some numbers are an earlier run's."""

    table: pd.DataFrame
    study: str
    until: str
    min_count: int
    round_to: int = 1
    kept: bool = False

    def __repr__(self) -> str:
        return in_brief(self, f"to {self.until}", f"counts under {self.min_count} hidden")

    def of(self, family: str) -> pd.DataFrame:
        """One row per cell of a family, indexed by side, group and period: a column per part (NaN = hidden)."""
        return self.table[self.table["family"] == family].pivot(index=KEYS[1:], columns="part", values="count")

    def one(self, family: str, part: str, group: str = "") -> float:
        """A family's only number, or that of a group; NaN where it is hidden or was never counted."""
        mine = self.table[(self.table["family"] == family) & (self.table["part"] == part) & (self.table["group"] == group)]
        return float(mine["count"].iloc[0]) if len(mine) else float("nan")

    def rows_told(self, rows: int) -> float:
        """Rows that were accepted, as they may be told: each is a dossier of the whole."""
        whole = self.one("whole", "counter") + self.one("whole", "online")
        return float(rows) if np.isnan(whole) and not (self.table["family"] == "whole").any() else whole

    @property
    def hidden(self) -> int:
        """Cells that are told to nobody."""
        return int(self.table[self.table["count"].isna()].groupby(KEYS).ngroups)


def inside_run() -> bool:
    """Whether a run is under way that has decided what it tells."""
    work = os.environ.get("HGDX_WORK")
    return bool(work) and (Path(work) / HELD).is_file()


def run_release() -> Release | None:
    """What the run that is under way tells; None outside a run."""
    return read_held(os.environ["HGDX_WORK"]) if inside_run() else None


def held_release(study: str) -> Release | None:
    """What the run that is under way tells, if it is that study's; None outside a run."""
    found = run_release()
    return found if found is not None and found.study == study else None


@cache
def read_held(work: str) -> Release:
    """Read once in a process."""
    return pickle.loads((Path(work) / HELD).read_bytes())


def write_told(release: Release, path: Path) -> None:
    """The table as CSV: what of counts a run told, for the runs after it. Which numbers are an earlier run's stays untold: it would
    say where few dossiers came late."""
    head = f"# {release.study} {release.until} {release.min_count} {release.round_to} {int(release.kept)}\n"
    write_text(path, head + release.table[TOLD].to_csv(index=False, float_format="%.0f", lineterminator="\n"))


def read_told(path: Path) -> Release | None:
    """What an earlier run told; None where it left nothing that can be read."""
    try:
        text = path.read_text(encoding="utf-8")
        study, until, min_count, round_to, kept = text.partition("\n")[0].removeprefix("# ").split(" ")
        table = pd.read_csv(io.StringIO(text.partition("\n")[2]), dtype=dict.fromkeys([*KEYS, "part"], str), keep_default_na=False)
        table["count"] = pd.to_numeric(table["count"].replace("", None)).astype(float)
        return Release(table[TOLD].assign(as_of=""), study, until, int(min_count), int(round_to), kept == "1")
    except (OSError, ValueError, KeyError):
        return None
