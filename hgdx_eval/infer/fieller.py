"""The ratio of two estimates with the set of ratios that the data do not rule out, which need not be an interval.

Fieller, E. C. (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B 16 (2), 175-185: the
ratios r for which a - r b is no further than `crit` of its standard errors from 0. With a denominator that may be 0 this is
everything outside an interval, or everything.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """`estimate` a / b (NaN where b is 0) and the set: from `low` to `high`; from `low` on; up to `high`; outside, that is up to
    `low` and from `high` on; everything, or nothing where the denominator is known to be 0 (both ends NaN)."""

    estimate: float
    shape: str
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a ratio is in the set."""
        return {"interval": self.low <= value <= self.high, "from": value >= self.low, "up_to": value <= self.high,
                "outside": value <= self.low or value >= self.high, "everything": True, "nothing": False}[self.shape]  # fmt: skip


def fieller(a: float, b: float, var_a: float, var_b: float, cov: float, crit: float) -> Ratio:
    """The ratio a / b of two normal estimates. `crit`: the quantile, 1.96 for 95% with known variances.

    Raises ValueError for variances that cannot be: negative, or a covariance larger than they allow.
    """
    if var_a < 0 or var_b < 0 or cov**2 > var_a * var_b * (1 + 1e-9):
        raise ValueError(f"no covariance matrix: variances {var_a:g}, {var_b:g}, covariance {cov:g}")
    estimate = a / b if b else math.nan
    square, half, constant = b**2 - crit**2 * var_b, a * b - crit**2 * cov, a**2 - crit**2 * var_a  # square r^2 - 2 half r + constant <= 0
    if math.isclose(square, 0, abs_tol=1e-12 * b**2):
        if half == 0:
            return Ratio(estimate, "everything" if constant <= 0 else "nothing", math.nan, math.nan)
        end = constant / (2 * half)
        return Ratio(estimate, "from", end, math.nan) if half > 0 else Ratio(estimate, "up_to", math.nan, end)
    inside = half**2 - square * constant
    if square > 0:
        reach = math.sqrt(max(inside, 0.0))  # never below 0 but for rounding: the estimate itself is in the set
        return Ratio(estimate, "interval", (half - reach) / square, (half + reach) / square)
    if inside <= 0:
        return Ratio(estimate, "everything", math.nan, math.nan)
    ends = sorted([(half - math.sqrt(inside)) / square, (half + math.sqrt(inside)) / square])
    return Ratio(estimate, "outside", *ends)
