"""Signs in the content of an export that something is wrong with it: volumes that break their own history, agencies that stop.

Counts are compared on the square-root scale, where those of Poisson have a variance of 1/4: z = 2 (sqrt(n) - sqrt(expected)), over
the series' own spread (1.4826 x median |z|, at least what chance has: the median around is drawn too).
Expected of the whole file: working days times the median daily volume
of the months around, in Tết months also times what other Tết months reached; of an agency: what the other agencies received
times the median ratio of the months around. So what moves everybody is told once, of the file. The limit of |z| is that of a
normal test at 5% for all months together (Bonferroni), and a month tells only if it is at most 0.7 or at least 1.4 times what
was expected: about one sound file in twenty has a false alarm (`tests/vietnam/test_volume_signs.py` holds the measured rates).
"""

from statistics import NormalDist

import numpy as np
import pandas as pd

from .calendar import tet_share, working_days

ALARM = 0.05  # of files in which nothing is wrong, for each rule
AROUND = 4  # months before and after that a month is compared with
FALL, RISE = 0.7, 1.4
FEWEST_MONTHS = 6
SIGNS = ("month_missing", "file_fall", "file_rise", "agency_stopped", "agency_gap", "agency_fall", "agency_rise", "month_repeated")
COLUMNS = ["sign", "agency", "first", "last", "received", "expected"]


def volume_signs(counts: pd.DataFrame) -> pd.DataFrame:
    """One row per sign (of SIGNS): agency ("" for the file), first and last month (YYYY-MM), received, expected.

    `counts`: agency, month (YYYY-MM), received; several rows of one agency and month are added up.
    """
    wide = counts.pivot_table(index="agency", columns="month", values="received", aggfunc="sum", fill_value=0)
    if wide.empty:
        return pd.DataFrame(columns=COLUMNS)
    months = pd.period_range(wide.columns.min(), wide.columns.max(), freq="M")
    wide = wide.reindex(columns=[str(month) for month in months], fill_value=0)
    found = missing_months(wide)
    if len(months) >= FEWEST_MONTHS:
        found += file_breaks(wide, months) + silences(wide) + agency_breaks(wide)
    found += repeated_months(wide)
    frame = pd.DataFrame(found, columns=COLUMNS)
    order = frame["sign"].map(SIGNS.index)
    return frame.assign(order=order).sort_values(["order", "first", "agency"], ignore_index=True).drop(columns="order")


def missing_months(wide: pd.DataFrame) -> list[tuple]:
    """Months without a dossier of anyone, as runs."""
    total = wide.sum(axis=0).to_numpy()
    return [("month_missing", "", wide.columns[a], wide.columns[b], 0, np.nan) for a, b in zero_runs(total)]


def zero_runs(series: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of every run of zeros after the first number that is not 0."""
    runs, start = [], None
    for at in range(int(np.argmax(series > 0)) if (series > 0).any() else len(series), len(series)):
        if series[at] == 0 and start is None:
            start = at
        if series[at] > 0 and start is not None:
            runs.append((start, at - 1))
            start = None
    return runs + ([(start, len(series) - 1)] if start is not None else [])


def around_median(ratios: np.ndarray) -> np.ndarray:
    """Median over the last axis of the AROUND values before and after each place, without it; NaN are passed over."""
    length = ratios.shape[-1]
    out = np.full(ratios.shape, np.nan)
    for at in range(length):
        near = [i for i in range(max(at - AROUND, 0), min(at + AROUND + 1, length)) if i != at]
        part = ratios[..., near]
        enough = np.isfinite(part).sum(axis=-1) >= 3
        out[..., at] = np.where(enough, np.nanmedian(np.where(enough[..., None], part, 0.0), axis=-1), np.nan)
    return out


def breaks(received: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """True where a count breaks its series (one row each): beyond the limit and beyond FALL or RISE."""
    z = 2 * (np.sqrt(received) - np.sqrt(expected))
    judged = np.isfinite(z) & (received > 0)
    if not judged.any():
        return judged
    spread = np.array([1.4826 * np.median(np.abs(row[ok])) if ok.any() else 1.0 for row, ok in zip(z, judged)])
    limit = NormalDist().inv_cdf(1 - ALARM / (2 * judged.sum()))
    place = np.arange(z.shape[1])
    near = np.minimum(place, AROUND) + np.minimum(place[::-1], AROUND)
    chance = np.sqrt(1 + np.pi / (2 * np.maximum(near, 1)))  # of Poisson counts against the median of `near` others
    far = np.abs(np.where(judged, z, 0.0)) > limit * np.maximum(spread[:, None], chance)
    return far & ((received <= FALL * expected) | (received >= RISE * expected))


def file_breaks(wide: pd.DataFrame, months: pd.PeriodIndex) -> list[tuple]:
    """Months in which the whole file falls or rises."""
    total = wide.sum(axis=0).to_numpy(float)
    days = np.array([working_days(month) for month in months], float)
    expected = days * around_median(np.where(total > 0, total / days, np.nan))
    tet = np.flatnonzero(np.array([tet_share(month) for month in months]) > 0)
    reached = {at: total[at] / expected[at] for at in tet if expected[at] > 0 and total[at] > 0}
    for at in tet:
        others = [ratio for other, ratio in reached.items() if other != at]
        expected[at] *= min(np.median(others), 1.0) if len(others) > 1 else 1.0
    out = breaks(total[None, :], expected[None, :])[0]
    return [("file_fall" if total[at] < expected[at] else "file_rise", "", wide.columns[at], wide.columns[at], int(total[at]), expected[at])
            for at in np.flatnonzero(out)]  # fmt: skip


def agency_breaks(wide: pd.DataFrame) -> list[tuple]:
    """Months in which one agency falls or rises against the others."""
    own, others = agency_matrices(wide)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = others * around_median(np.where((own > 0) & (others > 0), own / others, np.nan))
    out = breaks(own, np.where(expected > 0, expected, np.nan))
    return [("agency_fall" if own[a, t] < expected[a, t] else "agency_rise", wide.index[a], wide.columns[t], wide.columns[t],
             int(own[a, t]), expected[a, t]) for a, t in zip(*np.nonzero(out))]  # fmt: skip


def agency_matrices(wide: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(an agency's counts, those of all others), agencies x months."""
    own = wide.to_numpy(float)
    return own, own.sum(axis=0, keepdims=True) - own


def silences(wide: pd.DataFrame) -> list[tuple]:
    """Agencies without a dossier for so long that chance (Poisson, 5% for all agencies and months together) does not explain it:
    to the file's end (agency_stopped) or for some months (agency_gap)."""
    own, others = agency_matrices(wide)
    limit, found = np.log(own.size / ALARM), []
    for a, name in enumerate(wide.index):
        for first, last in zero_runs(own[a]):
            rest = np.r_[0:first, last + 1 : own.shape[1]]
            if (own[a] > 0).sum() < FEWEST_MONTHS:  # too short a history to miss it
                continue
            rate = own[a, rest].sum() / others[a, rest].sum() if others[a, rest].sum() else 0.0
            expected = rate * others[a, first : last + 1].sum()
            if expected > limit:
                sign = "agency_stopped" if last == own.shape[1] - 1 else "agency_gap"
                found.append((sign, name, wide.columns[first], wide.columns[last], 0, expected))
    return found


def repeated_months(wide: pd.DataFrame) -> list[tuple]:
    """Months in which every agency has the count of the month before: chance (Poisson) has less than 1 in 10,000 for it."""
    own, found = wide.to_numpy(float), []
    for at in range(1, own.shape[1]):
        some = own[:, at] > 0
        surprise = 0.5 * np.log(4 * np.pi * own[some, at]).sum()
        if some.sum() >= 3 and np.array_equal(own[:, at], own[:, at - 1]) and surprise > np.log(1e4 * own.shape[1]):
            found.append(("month_repeated", "", wide.columns[at], wide.columns[at], int(own[:, at].sum()), np.nan))
    return found
