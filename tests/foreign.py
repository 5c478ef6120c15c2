"""Eight panels of other countries, made up, with studies that name no policy, place or domain."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from hgdx_eval.base.periods import written_all

METHODS = ["two_way_fixed_effects", "imputation", "interrupted_time_series", "synthetic_control"]


def grid(units: int, periods: list[str], seed: int) -> pd.DataFrame:
    """One row per unit x period: town, region, when, and a value of unit effects, a common path and noise."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([range(units), range(len(periods))], names=["i", "t"]).to_frame(index=False)
    own, path = rng.normal(10, 1, units), np.cumsum(rng.normal(0, 0.2, len(periods)))
    value = own[rows["i"]] + path[rows["t"]] + rng.normal(0, 0.3, len(rows))
    return rows.assign(town="Town " + (rows["i"] + 1).astype(str), region="Region " + (rows["i"] % 6 + 1).astype(str),
                       when=np.array(periods)[rows["t"]], value=value)  # fmt: skip


def periods(first: str, number: int, frequency: str) -> list[str]:
    return written_all(pd.period_range(first, periods=number, freq=frequency)).tolist()


def treated(table: pd.DataFrame, starts: dict[int, int], effect: float, names: list[str]) -> pd.DataFrame:
    """The table with an effect from each unit's start on, and the column `start`."""
    start = table["i"].map(starts)
    return table.assign(value=table["value"] + effect * (table["t"] >= start), start=start.map(dict(enumerate(names))).fillna(""))


def one_yearly() -> tuple[pd.DataFrame, dict]:
    names = periods("2005", 12, "Y")
    return treated(grid(12, names, 1), {0: 8}, 2.0, names), {"frequency": "Y", "outcome": "value", "inference_order": ["placebo"]}


def staggered_yearly() -> tuple[pd.DataFrame, dict]:
    names = periods("2003", 14, "Y")
    return treated(grid(24, names, 2), {i: 6 + i % 3 * 2 for i in range(12)}, 1.0, names), {
        "frequency": "Y",
        "outcome": "value",
        "comparison": "not_yet",
    }


def one_quarterly_series() -> tuple[pd.DataFrame, dict]:
    names = periods("2010Q1", 32, "Q")
    return treated(grid(1, names, 3), {0: 20}, 1.0, names), {"frequency": "Q", "outcome": "value", "estimator": "interrupted_time_series",
                                                             "estimators": ["interrupted_time_series", "structural_time_series"]}  # fmt: skip


def two_clusters_monthly() -> tuple[pd.DataFrame, dict]:
    names = periods("2015-01", 36, "M")
    table = treated(grid(10, names, 4), dict.fromkeys(range(5), 24), 1.0, names)
    return table.assign(region=np.where(table["i"] < 5, "North", "South")), {"frequency": "M", "outcome": "value"}


def counts_monthly() -> tuple[pd.DataFrame, dict]:
    names, rng = periods("2016-01", 30, "M"), np.random.default_rng(5)
    table = treated(grid(24, names, 5), dict.fromkeys(range(0, 24, 2), 18), 0.0, names)
    patients = rng.integers(60, 200, len(table))
    share = 0.4 + 0.02 * (table["value"] - 10) + 0.06 * (table["start"] != "") * (table["t"] >= 18)
    return (table.assign(patients=patients, vaccinated=rng.binomial(patients, share.clip(0.05, 0.95))),
            {"frequency": "M", "numerator": "vaccinated", "denominator": "patients", "by": ["half"]})  # fmt: skip


def share_yearly() -> tuple[pd.DataFrame, dict]:
    names = periods("2008", 10, "Y")
    table = treated(grid(20, names, 6), dict.fromkeys(range(0, 20, 2), 6), 0.0, names)
    rate = 0.5 + 0.02 * (table["value"] - 10) + 0.05 * (table["start"] != "") * (table["t"] >= 6)
    return table.assign(rate=rate.clip(0, 1)), {"frequency": "Y", "outcome": "rate", "scale": "share"}


def weekly() -> tuple[pd.DataFrame, dict]:
    """Three years of weeks, the years' ends among them; ten of thirty towns are treated from the 92nd week on."""
    names = periods("2021-12-27", 156, "W")
    table = treated(grid(30, names, 7), dict.fromkeys(range(0, 30, 3), 91), 1.0, names)
    return table.assign(region="Region " + (table["i"] % 15 + 1).astype(str)), {"frequency": "W", "outcome": "value"}


def daily() -> tuple[pd.DataFrame, dict]:
    """Fourteen months of days with quiet weekends; ten of twenty towns are treated from the 251st day on."""
    names = periods("2022-06-01", 431, "D")
    table = treated(grid(20, names, 8), dict.fromkeys(range(0, 20, 2), 250), 1.0, names)
    weekend = pd.PeriodIndex(table["when"], freq="D").day_of_week >= 5
    return (table.assign(value=table["value"] - 3.0 * weekend, region="Region " + (table["i"] + 1).astype(str)),
            {"frequency": "D", "outcome": "value"})  # fmt: skip


PANELS = {made.__name__: made for made in (one_yearly, staggered_yearly, one_quarterly_series, two_clusters_monthly, counts_monthly,
                                           share_yearly, weekly, daily)}  # fmt: skip


def write_study(folder: Path, name: str) -> Path:
    """`NAME.csv` and `NAME.yaml` in a folder; the path of the study."""
    table, keys = PANELS[name]()
    table.assign(half=np.where(table["i"] % 4 < 2, "east", "west")).drop(columns=["i", "t"]).to_csv(folder / f"{name}.csv", index=False)
    study = {"study": name, "data": f"{name}.csv", "unit": "town", "period": "when", "treated_from": "start", "cluster": "region", "weights": "none",
             "estimator": "two_way_fixed_effects", "estimators": METHODS, **keys}  # fmt: skip
    if "denominator" in study:
        del study["weights"]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path
