"""A monthly re-run is a sequence of looks: the interval that stays right however often, and whenever, one looks.

Normal mixture boundary (Robbins 1970; Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024 for its asymptotic use): with an
estimate's standard error s and a mixture whose standard deviation is the root of MIXTURE times a reference error fixed
beforehand, the interval is estimate +- s sqrt((1 + 1/r) log((1 + r) / alpha^2)), r = MIXTURE (reference / s)^2. Few clusters: times the
quantile of t over that of the normal distribution. About 1.6 times as wide as the usual interval.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ..base.errors import Refusal
from ..base.periods import written
from ..design.design import Design
from ..design.variants import with_periods
from ..estimation.estimate import estimate
from ..estimation.inference import LEVEL
from ..estimation.results import Estimate, result_table

MIXTURE = 7.0  # near the best for alpha = 0.05 over errors from half to three times the reference
FIRST_LOOK = {"D": 91, "W": 13, "M": 3, "Q": 1, "Y": 1}  # periods after the policy before anyone looks
BETWEEN = {"D": 28, "W": 4, "M": 1, "Q": 1, "Y": 1}  # periods from look to look, counted from the last: the interval holds at any
KEPT = ("estimate", "std_error", "ci_low", "ci_high", "p_value", "inference", "n_obs", "n_units", "n_clusters", "n_treated_clusters")


def looks(design: Design, estimator: str) -> Estimate:
    """`specification` rows named as_of: the estimate with the periods up to `period`, each twice: with its usual interval
    and with the one that allows for looking again and again (inference `sequential`). Empty where the method gives no interval.

    The reference error is that of the first look.
    """
    table, first = design.table, design.start.ordinal + FIRST_LOOK[design.frequency] - 1
    rows, reference = [], None
    for last in range(int(table["time"].max()), first - 1, -BETWEEN[design.frequency])[::-1]:
        try:
            found = estimate(replace(with_periods(design, table["time"] <= last), path=False), estimator).overall()
        except Refusal:
            continue
        if not found["std_error"] > 0:
            return Estimate(result_table([]), design.origin, design.frequency)
        reference = reference or found["std_error"]
        period = written(pd.Period(ordinal=last, freq=design.frequency))
        usual = {name: found[name] for name in KEPT}
        rows += [{"period": period, **usual}, {"period": period, **usual, **anytime(found, reference)}]
    common = dict(study=design.study, outcome=design.outcome, estimator=estimator, term="specification", group="as_of", level=LEVEL,
                  scale=design.scale, simulated=design.origin.simulated)  # fmt: skip
    return Estimate(result_table(rows, **common), design.origin, design.frequency)


def anytime(row: pd.Series, reference: float) -> dict:
    """The interval and p-value that hold at all looks together, of a row with its usual interval."""
    error, value = row["std_error"], row["estimate"]
    widened = (row["ci_high"] - row["ci_low"]) / 2 / error / stats.norm.ppf(0.5 + LEVEL / 2)  # t over normal
    r = MIXTURE * (reference / error) ** 2
    reach = widened * error * np.sqrt((1 + 1 / r) * np.log((1 + r) / (1 - LEVEL) ** 2))
    z = value / (widened * error)
    p = min(1.0, float(np.sqrt(1 + r) * np.exp(-(z**2) * r / (1 + r) / 2)))
    return {"ci_low": value - reach, "ci_high": value + reach, "p_value": p, "inference": "sequential"}
