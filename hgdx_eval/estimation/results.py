"""The one shape of every result: a tidy table with a closed list of columns and vocabularies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.origin import Origin
from ..base.periods import written
from ..base.telling import check_name, in_brief
from ..study.vocabulary import COLUMNS, INFERENCE, NUMBERS, REASONS, SCALES, STATUS, TERMS


@dataclass(frozen=True)
class Estimate:
    """What an estimator returns. It holds no panel and nothing personal, so it can be mailed.

    `table` has one row per term and kind of interval, columns `COLUMNS`. `estimate`, `std_error`, `ci_low` and
    `ci_high` are in the unit that `scale` names: `pp` percentage points, `share` 0-1, `level` the outcome's own unit.
    `n_obs` counts dossiers where the design is weighted by dossiers, else rows; in an `event` row it counts the treated.
    """

    table: pd.DataFrame
    origin: Origin
    frequency: str  # D, W, M, Q or Y
    thin: tuple[int, ...] = ()  # event times whose treated or comparison cells hold few dossiers
    span: tuple[pd.Period, pd.Period] | None = None  # first and last period estimated on
    dossiers: bool = False  # whether n_obs counts dossiers
    notes: tuple[str, ...] = ()  # codes (`NOTES`) of what a reader must know beside the numbers
    donors: tuple[tuple[str, float], ...] = ()  # synthetic methods: comparison units and their weights (sum 1), largest first

    def __repr__(self) -> str:
        if self.table.empty:
            return in_brief(self, "no rows")
        row = self.table.iloc[0]
        return in_brief(self, f"{row['study']}: {row['estimator']}", told_row(row),
                        f"rows of {', '.join(dict.fromkeys(self.table['term']))}")  # fmt: skip

    def tidy(self) -> pd.DataFrame:
        """The rows that were estimated, one a term, group, event time and kind of interval, as broom has them: term, group, cohort,
        event_time, estimate, std_error, p_value, ci_low, ci_high, inference, scale, simulated; columns that are empty throughout are
        left out."""
        kept = ["term", "group", "cohort", "period", "event_time", "parameter", "estimate", "std_error", "p_value", "ci_low", "ci_high",
                "inference", "scale", "simulated"]  # fmt: skip
        rows = self.table.loc[self.table["status"] == "ok", kept].reset_index(drop=True)
        return rows.loc[:, [name for name in kept if not (rows[name].isna() | rows[name].isin(["", False])).all()]]

    def summary(self) -> str:
        """Text as statsmodels prints it: what was estimated on what, then the rows of `tidy`."""
        row = self.table.iloc[0]
        span = "" if self.span is None else f"{written(self.span[0])} to {written(self.span[1])}"
        head = {"Study": row["study"], "Outcome": row["outcome"], "Method": row["estimator"], "Scale": row["scale"], "Periods": span,
                **{name: f"{row[key]:,.0f}" for name, key in (("Observations", "n_obs"), ("Units", "n_units"), ("Clusters", "n_clusters"))
                   if pd.notna(row[key])}, "Simulated": "yes" if row["simulated"] else "no"}  # fmt: skip
        table = self.tidy().to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}")
        rule = max(map(len, table.splitlines()))
        lines = [f"{name + ':':<14}{text}" for name, text in head.items() if text]
        return "\n".join(["=" * rule, *lines, "-" * rule, table, "=" * rule])

    def rows(self, term: str, inference: str | None = None) -> pd.DataFrame:
        """The rows of one term, in the table's order."""
        check_name("term", term, sorted(TERMS))
        keep = self.table["term"] == term
        if inference:
            check_name("kind of inference", inference, sorted(INFERENCE))
            keep &= self.table["inference"] == inference
        return self.table[keep]

    def overall(self, inference: str | None = None) -> pd.Series:
        """The first `overall` (or `change`) row, of one kind of interval where named."""
        rows = self.rows("overall", inference)
        rows = rows if len(rows) else self.rows("change", inference)
        return rows.iloc[0]


def told_row(row: pd.Series) -> str:
    """A row in a few letters: overall -2.2 pp [-3.8, -0.6] by cluster. Counts and amounts are left to the tables."""
    if row["status"] != "ok":
        return f"{row['term']} refused: {row['reason']}"
    if row["scale"] in ("count", "VND"):
        return row["term"]
    interval = f" [{row['ci_low']:.3g}, {row['ci_high']:.3g}]" if pd.notna(row["ci_low"]) else ""
    unit = "" if row["scale"] == "level" else f" {row['scale']}"
    return f"{row['term']} {row['estimate']:.3g}{unit}{interval} by {row['inference']}"


RATIO = "rmspe "  # before the rank of a ratio of errors, in `parameter`


def ratio_rank(found: Estimate) -> tuple[int, int] | None:
    """(rank, number) of the ratio of errors after and before the policy (Abadie, Diamond & Hainmueller 2010, section 3.4) where the
    method tells it, as synthetic ones do; else None."""
    told = found.table.loc[found.table["parameter"].str.startswith(RATIO) & (found.table["term"] == "overall"), "parameter"]
    return None if told.empty else tuple(map(int, told.iloc[0].removeprefix(RATIO).split("/")))


def result_table(rows: list[dict], **common: object) -> pd.DataFrame:
    """Rows (dicts of `COLUMNS`) and what they share as one table: every column, in order, text and numbers typed."""
    empty = {**dict.fromkeys(COLUMNS), "status": "ok", "simulated": False}
    table = pd.DataFrame([{**empty, **common, **row} for row in rows], columns=COLUMNS, dtype=object)
    table["simulated"] = table["simulated"].astype(bool)
    for column in COLUMNS:
        if column in NUMBERS:
            table[column] = pd.to_numeric(table[column]).astype(float)
        elif column != "simulated":
            table[column] = ["" if pd.isna(value) else text_of(value) for value in table[column]]
            table[column] = table[column].astype(object)
    return table


def text_of(value: object) -> str:
    return written(value) if isinstance(value, pd.Period) else str(value)


def check_table(table: pd.DataFrame) -> None:
    """Raise ValueError where a table leaves the contract: columns, vocabularies, numbers of refused rows."""
    if list(table.columns) != COLUMNS:
        raise ValueError(f"columns {list(table.columns)} instead of {COLUMNS}")
    for column, allowed in {"term": TERMS, "inference": INFERENCE, "scale": SCALES, "status": STATUS}.items():
        unknown = set(table[column]) - allowed
        if unknown:
            raise ValueError(f"{column}: {sorted(unknown)}; allowed: {sorted(allowed)}")
    refused = table["status"] == "refused"
    if not set(table.loc[refused, "reason"]) <= REASONS:
        raise ValueError(f"reason: {sorted(set(table.loc[refused, 'reason']))}; allowed: {sorted(REASONS)}")
    if table.loc[refused, ["estimate", "std_error", "ci_low", "ci_high", "p_value"]].notna().any(axis=None):
        raise ValueError("a refused row carries a number")
    numbers = table[["estimate", "std_error", "ci_low", "ci_high", "p_value"]].to_numpy()
    if np.isinf(numbers).any() or table.loc[~refused, "estimate"].isna().any():
        raise ValueError("an estimate that is not a finite number")
    ordered = table.dropna(subset=["ci_low", "ci_high"])
    if ((ordered["ci_low"] > ordered["estimate"]) | (ordered["ci_high"] < ordered["estimate"])).any():
        raise ValueError("an interval that does not hold its estimate")


def joined(estimates: list[Estimate]) -> pd.DataFrame:
    """The tables of several estimates under each other."""
    tables = [estimate.table for estimate in estimates]
    return pd.concat(tables, ignore_index=True) if tables else result_table([])
