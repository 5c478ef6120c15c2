"""Designs with one choice changed: weights, periods, units, comparison group."""

from dataclasses import replace

import pandas as pd

from .design import Design, check_design


def with_equal_weights(design: Design) -> Design:
    """Every unit and period counts the same."""
    return replace(design, table=design.table.assign(weight=1.0))


def with_mean_weights(design: Design) -> Design:
    """Every unit has its mean weight in all periods."""
    return replace(design, table=design.table.assign(weight=design.table.groupby("unit")["weight"].transform("mean")))


def with_common_periods(design: Design) -> Design:
    """Period effects common to all blocks."""
    return replace(design, table=design.table.assign(block=""))


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
