"""What a two-way fixed effects coefficient averages: every comparison of two groups, with its weight (Goodman-Bacon 2021)."""

import pandas as pd

from ..base.periods import written
from ..design.design import Design, of_names

COLUMNS = ["kind", "pair", "weight", "estimate"]
FORBIDDEN = "later_vs_already_treated"


def decomposition(design: Design, table: pd.DataFrame) -> pd.DataFrame:
    """One row per comparison: kind (treated_vs_never, earlier_vs_later, later_vs_already_treated), pair of cohorts, weight
    (sum 1), estimate (points).

    Theorem 1, for units seen in every period of their block, each with its mean weight over time; separate period effects
    are decomposed block by block. With weights that change over time the sum is near the coefficient, not equal to it.
    Empty where no unit is complete.
    """
    scale = 100.0 if design.scale == "pp" else 1.0
    parts = []
    for _, block in table.groupby("block", sort=True):
        block = block[block.groupby("unit")["time"].transform("size") == block["time"].nunique()]
        if not block.empty and block["treated_from"].notna().any():
            parts += block_comparisons(block, scale)
    frame = pd.DataFrame(parts, columns=COLUMNS)
    frame = frame.assign(moment=frame["weight"] * frame["estimate"]).groupby(["kind", "pair"], as_index=False).sum()
    frame["estimate"] = frame["moment"] / frame["weight"]
    frame["weight"] /= frame["weight"].sum()
    return frame[COLUMNS].sort_values(["kind", "pair"], ignore_index=True)


def block_comparisons(block: pd.DataFrame, scale: float) -> list[tuple[str, str, float, float]]:
    """(kind, pair, weight not yet divided by their sum, estimate) of one block's cohorts."""
    weight = block.groupby("unit")["weight"].mean()
    block = block.assign(fixed=of_names(block["unit"], weight), cohort=block["treated_from"].fillna(float("inf")))
    block = block.assign(wy=block["fixed"] * block["y"] * scale)
    sums = block.groupby(["cohort", "time"])[["wy", "fixed"]].sum()
    mean = (sums["wy"] / sums["fixed"]).unstack("time")
    mass = sums["fixed"].unstack("time").iloc[:, 0]
    times = mean.columns.to_numpy()
    after = {cohort: float((times >= cohort).mean()) for cohort in mean.index}  # part of the periods treated
    parts = []
    for early in mean.index:
        for late in mean.index[mean.index > early]:
            both, part = mass[early] + mass[late], mass[early] / (mass[early] + mass[late])
            spread, d_early, d_late = part * (1 - part), after[early], after[late]
            if not 0 < d_early < 1:
                continue
            before_late, from_early = times < late, times >= early
            kind = "treated_vs_never" if late == float("inf") else "earlier_vs_later"
            own = both**2 * spread * (d_early - d_late) * (1 - d_early)
            parts.append((kind, pair(early, late, block), own, contrast(mean, early, late, times >= early, before_late)))
            if late < float("inf") and d_late > 0:
                reverse = both**2 * spread * d_late * (d_early - d_late)
                parts.append((FORBIDDEN, pair(late, early, block), reverse, contrast(mean, late, early, times >= late, from_early)))
    size = len(times) / mass.sum()  # theorem 1 is in parts of the block; blocks add up by rows and weight
    return [(kind, name, own * size, value) for kind, name, own, value in parts if own > 0]


def contrast(mean: pd.DataFrame, one: float, other: float, after: pd.Series, within: pd.Series) -> float:
    """Difference in differences of two cohorts' means over some periods."""
    gap = (mean.loc[one] - mean.loc[other]).to_numpy()
    return float(gap[after & within].mean() - gap[~after & within].mean())


def pair(one: float, other: float, block: pd.DataFrame) -> str:
    def name(cohort: float) -> str:
        return "never" if cohort == float("inf") else written(pd.Period(ordinal=int(cohort), freq=block["period"].iloc[0].freq))

    return f"{name(one)} / {name(other)}"


def forbidden_weight(parts: pd.DataFrame) -> float:
    """The part of the weight in comparisons with units that are treated already."""
    return float(parts.loc[parts["kind"] == FORBIDDEN, "weight"].sum())
