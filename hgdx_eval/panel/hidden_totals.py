"""Units of a table that are sums or means of its other units: counted beside them, they would count twice."""

from collections.abc import Collection

import numpy as np
import pandas as pd

MOST_UNITS, MOST_PERIODS = 3_000, 400  # of which every run of neighbours is added up
LEAST_OTHERS, LEAST_PERIODS = 2, 3


def hidden_totals(frame: pd.DataFrame, counted: bool, measured: str, named: Collection[str]) -> list[str]:
    """Names of units that in every period of theirs equal the sum of the units right before or after them in the file, or the mean of all
    others: a total, a region, an average without a word that says so.

    `frame`: unit, time, row, and the column `measured` (`counted`: whether it is a count). A unit that the study itself
    names (`named`) is none. Fewer than three periods tell nothing.
    """
    order = frame.drop_duplicates("unit")["unit"].tolist()
    values = frame.pivot_table(index="unit", columns="time", values=measured, aggfunc="first", sort=False).reindex(order).to_numpy(float)
    if values.shape[1] < LEAST_PERIODS or len(order) < LEAST_OTHERS + 1:
        return []
    found = []
    for at, name in enumerate(order):
        if name in named or np.isnan(values[at]).any() or not values[at].any():
            continue
        rest = np.delete(values, at, axis=0)
        summed = counted and len(order) <= MOST_UNITS and is_sum(values, at)
        if summed or is_mean(values[at], rest):
            found.append(name)
    return found


def is_sum(values: np.ndarray, at: int) -> bool:
    """Whether a row is the sum of so many rows right before or after it, in every column."""
    if not (values[at] > 0).all():
        return False
    for block in (values[at + 1 :], values[:at][::-1]):
        sums = np.cumsum(np.nan_to_num(block), axis=0)
        for end in np.flatnonzero((sums == values[at]).all(axis=1)) if len(block) else ():
            if (np.nan_to_num(block[: end + 1]).any(axis=1)).sum() >= LEAST_OTHERS:
                return True
    return False


def is_mean(row: np.ndarray, rest: np.ndarray) -> bool:
    """Whether a row is the mean of all others in every column, to the digits that it is written with; others that are all alike tell
    nothing."""
    if np.isnan(rest).any() or not (rest.std(axis=0) > 0).all():
        return False
    return bool((np.abs(row - rest.mean(axis=0)) <= half_a_digit(row)).all())


def half_a_digit(row: np.ndarray) -> float:
    """Half of the last decimal that some number of a row is written with, at least a rounding error."""
    decimals = max(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in row)
    return 0.5 * 10.0**-decimals * (1 + 1e-9) if decimals < 10 else 1e-9
