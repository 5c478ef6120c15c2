"""How many cases there are is an outcome too: where their number jumps with the policy, a share can move because it counts other cases.

The jump is estimated by the study's own method on the log of the numbers. What it could do to the effect is bounded (Horowitz & Manski
2000): all the cases that are missing, or that are new, on whichever side, may count in the share or not.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..base.telling import in_brief
from ..design.design import Design, check_design, with_codes
from ..estimation.estimate import estimate
from ..estimation.inference import interval_at
from ..estimation.results import Estimate

LARGE, LIKELY, SURE = 0.1, 0.05, 0.01  # a jump of that part or more is seen with a p-value below the second; any with one below the third
FAR = 0.99  # level of the jump's interval whose far end is taken: what could be the whole effect must not be missed by a hair


@dataclass(frozen=True)
class Volume:
    """The jump of the treated side's number of cases beside the comparison's, and what it could do to the effect (points)."""

    jump: float  # part (0-1) by which there are more (below 0: fewer) than without the policy
    p_value: float
    low: float  # the effect's interval, were all missing or new cases (as many as the jump's interval allows) where they lower it most
    high: float

    def __repr__(self) -> str:
        return in_brief(self, f"{100 * self.jump:+.1f}%", f"effect {self.low:.3g} to {self.high:.3g}", "seen" if self.seen else "not seen")

    @property
    def seen(self) -> bool:
        return bool(self.p_value < (LIKELY if abs(self.jump) >= LARGE else SURE) or (np.isnan(self.p_value) and abs(self.jump) >= LARGE))

    @property
    def explains(self) -> bool:
        """Whether the jump is seen and could be all of the effect."""
        return self.seen and self.low <= 0 <= self.high


def volume_effect(design: Design, estimator: str) -> tuple[pd.Series | None, str]:
    """(effect on the log of the number of cases by the study's own method, why there is none: a reason code).

    Cases are summed by cluster and side, so that periods without any are rare; a sum that has such a period is left out. Weights
    are the sums' mean before the start: those after it are part of the outcome.
    """
    table = design.table
    if table["denominator"].isna().any():
        return None, "no_counts"
    side = np.where(table["treated_from"].notna(), table["treated_from"].astype(str), "never")
    keys = table.assign(unit=table["cluster"].astype(str) + " · " + side, block=np.where(table["block"] != "", table["cluster"], ""))
    first = {name: "first" for name in table.columns if name not in ("unit", "time", "denominator", "numerator")}
    sums = keys.groupby(["unit", "time"], as_index=False).agg({**first, "denominator": "sum", "numerator": "sum"})
    whole = sums.groupby("unit")["denominator"].transform(lambda n: (n > 0).all() and len(n) == sums["time"].nunique())
    sums = sums[whole.astype(bool)]
    before = sums[sums["time"] < design.start.ordinal].groupby("unit")["denominator"].mean()
    sums = sums.assign(effect=sums["unit"], y=np.log(sums["denominator"]), weight=sums["unit"].map(before), group="")
    sums = with_codes(sums.dropna(subset=["weight"])[list(table.columns)].sort_values(["unit", "time"], ignore_index=True))
    own = replace(design, table=sums, scale="level", outcome="log(received)", path=False, traits=pd.DataFrame(), ended=pd.DataFrame(),
                  lost=pd.DataFrame())  # fmt: skip
    try:
        check_design(own)
        return estimate(own, estimator).overall().replace({"level": "log"}), ""
    except Refusal as refusal:
        return None, refusal.reason


def volume_of(design: Design, main: Estimate) -> Volume | None:
    """The jump and its bounds for a main estimate; None where nothing is counted, or the jump cannot be estimated."""
    found = main.overall()
    row, _ = volume_effect(design, found["estimator"])
    if row is None or design.scale != "pp" or not np.isfinite(row["estimate"]):
        return None
    jump = float(row["estimate"])
    far = interval_at(row, FAR)[0 if jump < 0 else 1]
    least, most = moved_by(design.table, float(np.exp(jump if np.isnan(far) else far)))
    ends = found[["ci_low", "ci_high"]].fillna(found["estimate"])
    return Volume(float(np.expm1(jump)), float(row["p_value"]), float(ends["ci_low"] + least), float(ends["ci_high"] + most))


def moved_by(table: pd.DataFrame, times: float) -> tuple[float, float]:
    """(lowest, highest) change of the effect, in points, had the treated not `times` as many cases beside the comparison: it may be
    cases of the treated that are new or missing, or cases of the comparison that are missing or new."""
    late = table["time"] >= table["treated_from"].min()
    found = []
    for side, own, sign in ((table["treated"], times, 1.0), (late & ~table["treated"], 1 / times, -1.0)):
        weight = table["weight"][side]
        if weight.sum() > 0:
            share = float((table["y"][side] * weight).sum() / weight.sum())
            found += [100 * sign * (other - share) for other in without_jump(share, own)]
    return min(found), max(found)


def without_jump(share: float, times: float) -> tuple[float, float]:
    """(lowest, highest) share of a side that there could be had its number not been `times` as large."""
    if times <= 1:
        return share * times, share * times + 1 - times
    new = 1 - 1 / times
    return max(share - new, 0.0) / (1 - new), min(share / (1 - new), 1.0)
