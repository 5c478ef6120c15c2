"""Segmented regression of the treated group's own series: level and slope change at the date, working days and Tết.

Autocorrelation-robust errors (Newey & West 1987; Bernal, Cummins & Gasparrini 2017 on the design). One series cannot
tell the policy from anything else that happened: with a listed event inside its window it reports a `change`.
"""

import numpy as np
import pandas as pd
import statsmodels.api as sm

from ..designs import Design
from ..errors import Refusal
from ..inference import LEVEL, t_interval
from ..results import Estimate, result_table
from ..workdays import tet_share, working_days

MIN_BEFORE, MIN_AFTER = 8, 2


def fit(design: Design) -> Estimate:
    """Raises Refusal: treated units that start at different times, or too few periods."""
    table = design.table[design.table["treated_from"].notna()]
    if table["treated_from"].nunique() != 1:
        raise Refusal("staggered", f"{design.study}: treated units start at different times: no single date")
    series = treated_series(table, 100.0 if design.scale == "pp" else 1.0)
    start = int(table["treated_from"].iloc[0])
    after = (series.index.to_numpy() >= start).astype(float)
    if (after == 0).sum() < MIN_BEFORE or after.sum() < MIN_AFTER:
        raise Refusal("too_few_periods", f"{design.study}: {int((after == 0).sum())} periods before and "
                                         f"{int(after.sum())} after; at least {MIN_BEFORE} and {MIN_AFTER} are needed")  # fmt: skip
    x = regressors(series.index, start, after, design.frequency)
    lags = int(np.floor(4 * (len(series) / 100) ** (2 / 9)))  # Newey & West 1994
    result = sm.WLS(series["y"], x, weights=series["weight"]).fit(
        cov_type="HAC", cov_kwds={"maxlags": max(lags, 1), "use_correction": True}
    )
    share = series["weight"] * after / (series["weight"] * after).sum()
    contrast = np.zeros(x.shape[1])
    contrast[x.columns.get_loc("level")] = 1.0
    contrast[x.columns.get_loc("slope")] = float(share @ x["slope"])
    estimate = float(contrast @ result.params)
    std_error = float(np.sqrt(contrast @ result.cov_params() @ contrast))
    low, high, p = t_interval(estimate, std_error, result.df_resid)
    row = {
        "term": "change" if design.events else "overall", "estimate": estimate, "std_error": std_error, "ci_low": low,
        "ci_high": high, "p_value": p, "inference": "hac", "n_obs": len(series),
    }  # fmt: skip
    common = dict(
        study=design.study, outcome=design.outcome, estimator="interrupted_time_series", level=LEVEL, n_units=1,
        n_clusters=1, n_treated_clusters=1, scale=design.scale, simulated=design.origin.simulated,
    )  # fmt: skip
    return Estimate(result_table([row], **common), design.origin, design.frequency)


def treated_series(table: pd.DataFrame, points: float) -> pd.DataFrame:
    """One row per time: the treated units' weighted mean outcome, and its weight."""
    sums = table.assign(wy=table["weight"] * table["y"]).groupby("time")[["wy", "weight"]].sum()
    return pd.DataFrame({"y": points * sums["wy"] / sums["weight"], "weight": sums["weight"]})


def regressors(times: pd.Index, start: int, after: np.ndarray, frequency: str) -> pd.DataFrame:
    """Constant, trend, level and slope change (periods since the start); for months working days and Tết days."""
    trend = times.to_numpy(float) - start
    x = pd.DataFrame({"constant": 1.0, "trend": trend, "level": after, "slope": after * trend}, index=times)
    if frequency == "M" and len(times) >= 24:
        periods = [pd.Period(ordinal=int(time), freq="M") for time in times]
        x["working_days"] = [working_days(period) for period in periods]
        x["tet"] = [tet_share(period) for period in periods]
        x = x.loc[:, (x.std() > 0) | (x.columns == "constant")]
    return x
