"""Designs with one choice changed: weights, periods, units, comparison group."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from .design import Design, check_design, with_codes


def with_equal_weights(design: Design) -> Design:
    """Every unit and period counts the same."""
    return replace(design, table=design.table.assign(weight=1.0))


def with_mean_weights(design: Design) -> Design:
    """Every unit has its mean weight in all periods."""
    return replace(design, table=design.table.assign(weight=design.table.groupby("unit")["weight"].transform("mean")))


def with_common_periods(design: Design) -> Design:
    """Period effects common to all blocks."""
    return replace(design, table=design.table.assign(block=""))


def with_season(design: Design) -> Design:
    """Every unit has an effect of its own in each calendar month (of quarters: quarter) instead of one: a season that units do not share
    drops out. Raises Refusal where nothing is left to compare, or of years."""
    months = calendar_months(design.table["period"], design.frequency)
    if months is None:
        raise Refusal("no_variation", f"{design.study}: years have no season")
    effect = design.table["effect"].astype(str) + " · " + pd.Series(months, design.table.index).astype(str)
    found = replace(design, table=with_codes(design.table.assign(effect=effect)))
    check_design(found)
    return found


def calendar_months(periods: pd.Series, frequency: str) -> np.ndarray | None:
    """The calendar month in which each period begins (of quarters the first of the quarter); None of years."""
    if frequency == "Y":
        return None
    codes, known = pd.factorize(periods)
    return np.array([period.start_time.month for period in known])[codes]


def with_complete_units(design: Design) -> Design:
    """Only units seen in every period. Raises Refusal where nothing is left to compare."""
    seen = design.table.groupby("unit")["time"].transform("nunique")
    found = replace(design, table=design.table[seen == design.table["time"].nunique()].reset_index(drop=True))
    check_design(found)
    return found


def with_periods(design: Design, keep: pd.Series) -> Design:
    """Only some rows (True in `keep`, by the table's index). Raises Refusal where nothing is left to compare."""
    found = replace(design, table=design.table[keep].reset_index(drop=True))
    check_design(found)
    return found


def with_comparison_group(design: Design, group: str) -> Design:
    """Only one of the comparison groups. Raises Refusal where it holds no unit."""
    return with_periods(design, design.table["treated_from"].notna() | (design.table["group"] == group))
