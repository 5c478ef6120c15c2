"""Segmented regression of the treated group's own series: level and slope change at the date, and the calendar of the study's domain;
of daily series also the days of the week.

Autocorrelation-robust errors (Newey & West 1987; Bernal, Cummins & Gasparrini 2017 on the design). One series cannot
tell the policy from anything else that happened: with a listed event inside its window it reports a `change`. Where there
are comparison units, a row `controlled` is the same regression on the difference between the two groups' series (Linden
2015; Bernal, Cummins & Gasparrini 2018), from which an event that touches both alike is gone.
"""

import numpy as np
import pandas as pd
import statsmodels.api as sm

from ..base.errors import Refusal
from ..base.periods import HALF_YEAR, written
from ..design.design import Design
from ..estimation.fixed_effects import points, usable
from ..estimation.inference import LEVEL, beyond_rounding, t_interval
from ..estimation.results import Estimate, result_table

DIFFERS = ("no_comparison",)  # what it takes otherwise than two-way fixed effects on the same design
MIN_BEFORE, MIN_AFTER = {"D": 28, "W": 8, "M": 8, "Q": 8, "Y": 8}, 2
MIN_LAGS = {"D": 14, "W": 1, "M": 1, "Q": 1, "Y": 1}  # of the autocorrelation: of days two weeks, what weekdays leave included
THURSDAY = 3  # the weekday of 1 January 1970, from which ordinals of days count
LONG = 24  # periods: over fewer, regressors of the calendar would take more than they give


def fit(design: Design) -> Estimate:
    """Raises Refusal: treated units that start at different times, too few periods, or numbers that are not finite."""
    table = usable(design)
    start = one_start(design, table)
    treated = mean_series(table[table["treated_from"].notna()], points(design))
    enough(design, treated.index, start)
    rows = [{"term": "change" if design.events else "overall", **segmented(design, treated, start)}]
    if design.path:
        rows += controlled_rows(design, table, treated, start) + placebo_rows(design, treated, start)
    common = dict(
        study=design.study, outcome=design.outcome, estimator="interrupted_time_series", inference="hac", level=LEVEL,
        n_units=1, n_clusters=1, n_treated_clusters=1, scale=design.scale, simulated=design.origin.simulated,
    )  # fmt: skip
    return Estimate(result_table(rows, **common), design.origin, design.frequency, notes=("too_sure",))


def segmented(design: Design, series: pd.DataFrame, start: int) -> dict:
    """The mean effect over the periods after, weighted by their weight: level change plus slope change times periods."""
    after = (series.index.to_numpy() >= start).astype(float)
    x = regressors(series.index, start, after, design.calendar, design.frequency)
    if design.frequency == "D" and np.linalg.matrix_rank(x.to_numpy()) < x.shape[1]:
        raise Refusal("collinear", f"{design.study}: the days of the week are not the same ones before and after")
    lags = int(np.floor(4 * (len(series) / 100) ** (2 / 9)))  # Newey & West 1994
    result = sm.WLS(series["y"], x, weights=series["weight"]).fit(
        cov_type="HAC", cov_kwds={"maxlags": max(lags, MIN_LAGS[design.frequency]), "use_correction": True}
    )
    share = series["weight"] * after / (series["weight"] * after).sum()
    contrast = np.zeros(x.shape[1])
    contrast[x.columns.get_loc("level")] = 1.0
    contrast[x.columns.get_loc("slope")] = float(share @ x["slope"])
    estimate = float(contrast @ result.params)
    weights = contrast @ result.model.pinv_wexog
    variance = beyond_rounding(contrast @ result.cov_params() @ contrast, weights * result.wresid, weights * result.model.wendog)
    std_error = float(np.sqrt(variance))
    low, high, p = t_interval(estimate, std_error, result.df_resid)
    return {"estimate": estimate, "std_error": std_error, "ci_low": low, "ci_high": high, "p_value": p, "n_obs": len(series)}


def controlled_rows(design: Design, table: pd.DataFrame, treated: pd.DataFrame, start: int) -> list[dict]:
    """The same regression on treated less comparison, over the periods that both have; none where these do not suffice."""
    comparison = mean_series(table[table["treated_from"].isna()], points(design))
    both = treated.join(comparison.add_suffix("_comparison"), how="inner")
    if not is_enough(both.index, start, design.frequency):
        return []
    weight = 1 / (1 / both["weight"] + 1 / both["weight_comparison"])  # a difference's variance is the sum of the two
    difference = pd.DataFrame({"y": both["y"] - both["y_comparison"], "weight": weight})
    return row_unless_refused(design, difference, start, {"term": "specification", "group": "controlled"})


def placebo_rows(design: Design, series: pd.DataFrame, start: int) -> list[dict]:
    """The same regression on the periods before alone, at a pretended earlier date; none where these do not suffice."""
    before = series[series.index < start]
    pretended = earlier_start(design, before.index, start)
    if not is_enough(before.index, pretended, design.frequency):
        return []
    period = written(pd.Period(ordinal=pretended, freq=design.frequency))
    return row_unless_refused(design, before, pretended, {"term": "placebo_time", "period": period})


def row_unless_refused(design: Design, series: pd.DataFrame, start: int, named: dict) -> list[dict]:
    """The row of a further regression; none where it cannot be made."""
    try:
        return [{**named, **segmented(design, series, start)}]
    except Refusal:
        return []


# --- also for structural_time_series -------------------------------------------------------------------------------
def one_start(design: Design, table: pd.DataFrame) -> int:
    """The one period from which all treated units are treated. Raises Refusal where there are several, or none."""
    starts = table["treated_from"].dropna().unique()
    if len(starts) == 0:
        raise Refusal("no_treated", f"{design.study}: no treated unit with a usable row")
    if len(starts) > 1:
        raise Refusal("staggered", f"{design.study}: treated units start at different times: no single date")
    return int(starts[0])


def mean_series(rows: pd.DataFrame, points: float) -> pd.DataFrame:
    """One row per time: the weighted mean outcome of the rows' units, and its weight."""
    sums = rows.assign(wy=rows["weight"] * rows["y"]).groupby("time")[["wy", "weight"]].sum()
    return pd.DataFrame({"y": points * sums["wy"] / sums["weight"], "weight": sums["weight"]})


def is_enough(times: pd.Index, start: int, frequency: str, min_after: int = MIN_AFTER) -> bool:
    return (times < start).sum() >= MIN_BEFORE[frequency] and (times >= start).sum() >= min_after


def enough(design: Design, times: pd.Index, start: int, min_after: int = MIN_AFTER) -> None:
    """Raises Refusal where the periods before or after do not suffice."""
    if not is_enough(times, start, design.frequency, min_after):
        before, after = int((times < start).sum()), int((times >= start).sum())
        raise Refusal("too_few_periods", f"{design.study}: {before} periods before and {after} after; at least "
                                         f"{MIN_BEFORE[design.frequency]} and {min_after} are needed")  # fmt: skip


def earlier_start(design: Design, before: pd.Index, start: int) -> int:
    """The pretended date of a placebo: a fixed number of periods earlier, at most half of the time before."""
    return start - min(HALF_YEAR[design.frequency], int(start - before.min()) // 2)


def weekdays(times: pd.Index, frequency: str) -> pd.DataFrame:
    """Whether a day is a Tuesday, ..., a Sunday, of the weekdays that are there all but the first, one row per time; no column where
    periods are no days."""
    if frequency != "D":
        return pd.DataFrame(index=times)
    day = (times.to_numpy(int) + THURSDAY) % 7
    return pd.DataFrame({f"weekday {k}": (day == k).astype(float) for k in np.unique(day)[1:]}, index=times)


def regressors(times: pd.Index, start: int, after: np.ndarray, calendar: pd.DataFrame, frequency: str) -> pd.DataFrame:
    """Constant, trend, level and slope change (periods since the start); of days the weekday; over two years and more what the calendar
    does to an outcome, where the study's domain has one."""
    trend = times.to_numpy(float) - start
    x = pd.DataFrame({"constant": 1.0, "trend": trend, "level": after, "slope": after * trend}, index=times)
    if frequency == "D":
        x = pd.concat([x, weekdays(times, frequency)], axis=1)
    if len(calendar.columns) and len(times) >= LONG:
        x = pd.concat([x, calendar.loc[times]], axis=1)
        x = x.loc[:, (x.std() > 0) | (x.columns == "constant")]
    return x
