"""Units of a table that are sums or means of its other units: counted beside them, they would count twice."""

from collections.abc import Collection

import numpy as np
import pandas as pd

MOST_UNITS = 3_000  # of which every run of neighbours is added up
LEAST_OTHERS, LEAST_AVERAGED, LEAST_PERIODS = 2, 4, 3
DIGITS = 6  # that must agree over all periods, and as many more as there are units to agree by chance


def hidden_totals(frame: pd.DataFrame, measured: str, named: Collection[str]) -> list[str]:
    """Names of units that in every period of theirs equal the sum of the units right before or after them in the file, or the sum or the
    mean of all others: a total, a region, an average without a word that says so. Without those found, others are looked for: the country
    stands above its regions.

    `frame`: unit, time, row, and the column `measured`. A unit that the study itself names (`named`) is none. Fewer than three periods
    tell nothing, nor do numbers of so few digits that they may agree by chance.
    """
    order = frame.drop_duplicates("unit")["unit"].tolist()
    values = frame.pivot_table(index="unit", columns="time", values=measured, aggfunc="first", sort=False).reindex(order).to_numpy(float)
    if values.shape[1] < LEAST_PERIODS or len(order) < LEAST_OTHERS + 1:
        return []
    whole, known = np.nan_to_num(values), ~np.isnan(values).any(axis=1)
    candidates = [at for at, name in enumerate(order) if name not in named and known[at] and values[at].any()]
    summed = sums_of_neighbours(whole, candidates) if len(order) <= MOST_UNITS else set()
    found = [order[at] for at in candidates if at in summed or (known.all() and len(order) > LEAST_AVERAGED and is_mean(values, at))]
    return found + hidden_totals(frame[~frame["unit"].isin(found)], measured, named) if found else []


def sums_of_neighbours(values: np.ndarray, candidates: list[int]) -> set[int]:
    """Rows that are, in every column, the sum of so many rows right before or after them, or of all others; two of them hold something."""
    before = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])  # row k: the sum of the first k rows
    held = np.concatenate([[0], np.cumsum(values.any(axis=1))])
    found = set()
    for at in candidates:
        if not (values[at] > 0).all() or np.log10(1 + values[at]).sum() < DIGITS + 2 * np.log10(len(values)):
            continue
        near = 1e-9 * values[at]
        after = np.flatnonzero(np.abs(before[at + 2 :, 0] - before[at + 1, 0] - values[at, 0]) <= near[0]) + at + 2
        ahead = np.flatnonzero(np.abs(before[at, 0] - before[:at, 0] - values[at, 0]) <= near[0])
        blocks = [(at + 1, end) for end in after] + [(start, at) for start in ahead]
        equal = [held[end] - held[start] for start, end in blocks if (np.abs(before[end] - before[start] - values[at]) <= near).all()]
        whole = (np.abs(before[-1] - 2 * values[at]) <= near).all()
        if max(equal, default=0) >= LEAST_OTHERS or (whole and held[-1] > LEAST_OTHERS):
            found.add(at)
    return found


def is_mean(values: np.ndarray, at: int) -> bool:
    """Whether a row is the mean of all others in every column, to the digits that it is written with; others that are all alike tell
    nothing."""
    others = len(values) - 1
    mean = (values.sum(axis=0) - values[at]) / others
    half = half_a_digit(values[at])
    if not (np.abs(values[at] - mean) <= half).all():
        return False
    spread = np.delete(values, at, axis=0).std(axis=0)
    return bool((spread > 0).all() and np.log10(np.maximum(spread / (2 * half), 1)).sum() >= DIGITS / 2 + np.log10(len(values)))


def half_a_digit(row: np.ndarray) -> float:
    """Half of the last decimal that some number of a row is written with, at least a rounding error."""
    decimals = max(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in row)
    return 0.5 * 10.0**-decimals * (1 + 1e-9) if decimals < 10 else 1e-9 * max(1.0, float(np.abs(row).max()))
