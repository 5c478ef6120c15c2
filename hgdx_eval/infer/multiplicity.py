"""Several questions at once: Holm's p-values and simultaneous intervals."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ..estimation.inference import LEVEL


def adjusted(rows: pd.DataFrame, groups: Iterable[str] | None = None, level: float = LEVEL) -> pd.DataFrame:
    """group, estimate, ci_low, ci_high, p_holm of a family of estimates: rows of results, one per group or outcome.

    `groups`: which of them make up the family, in this order; without it every row that is not refused. p: Holm (1979), over
    the rows that have one. Intervals: Bonferroni's, which hold all true values at once with probability `level` at least; Holm
    may reject a little more than they do. Degrees of freedom are those of the row's own interval; a row whose interval is not
    its estimate plus or minus a multiple of its error (at least the normal one) gets none.
    """
    told = rows[rows["status"] == "ok"]
    if groups is not None:
        wanted = list(groups)
        told = told[told["group"].isin(wanted)]
        told = told.iloc[np.argsort([wanted.index(name) for name in told["group"]], kind="stable")]
    number = max(int(told["p_value"].notna().sum()), 1)
    reach = [simultaneous(row, number, level) for _, row in told.iterrows()]
    estimates = told["estimate"].to_numpy(float)
    return pd.DataFrame({
        "group": told["group"].to_numpy(), "estimate": estimates, "ci_low": estimates - reach, "ci_high": estimates + reach,
        "p_holm": holm(told["p_value"].to_numpy(float)),
    })  # fmt: skip


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down p-values (1979, Scandinavian Journal of Statistics 6, 65-70); NaN where there is none."""
    p = np.asarray(p, float)
    found, known = np.full(len(p), np.nan), np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return found


def simultaneous(row: pd.Series, number: int, level: float) -> float:
    """Half the length of a row's interval at level 1 - (1 - level) / number; NaN where it has none."""
    above, below, error = row["ci_high"] - row["estimate"], row["estimate"] - row["ci_low"], row["std_error"]
    given = row["level"] if pd.notna(row["level"]) else LEVEL
    if not error > 0 or np.isnan([above, below]).any() or abs(above - below) > 1e-6 * error or np.isnan(row["p_value"]):
        return np.nan
    share, tail = 0.5 + given / 2, 1 - (1 - level) / (2 * number)
    if abs(above / error - stats.norm.ppf(share)) < 1e-6:
        return float(stats.norm.ppf(tail) * error)

    def gap(log_dof: float) -> float:
        return float(stats.t.ppf(share, np.exp(log_dof)) - above / error)

    if gap(np.log(0.2)) < 0 or gap(np.log(1e8)) > 0:
        return np.nan
    return float(stats.t.ppf(tail, np.exp(optimize.brentq(gap, np.log(0.2), np.log(1e8), xtol=1e-12))) * error)
