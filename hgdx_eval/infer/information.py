"""Which clusters carry an estimate, on which side, and how much of it each: asked of the estimate's own weights, not of rows.

An estimate is a weighted sum of outcomes. The weights of a unit's treated periods sum to the part of the effect that is measured on it, and
its own earlier periods take as much away again; whatever else its weights swing, it is compared with others. A unit of which one row is
left weighs nothing; one that is treated later than others stands on both sides.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.fixed_effects import cells_of, outcome_weights, usable
from ..estimation.inference import effective_number, few_parts
from ..estimators import two_way_fixed_effects
from ..study.vocabulary import SINGLE_SERIES
from .false_alarms import linear_of

NOTHING = 1e-6  # of a side: rounding


@dataclass(frozen=True)
class Sides:
    """Each cluster's part (0-1) in what its side tells, largest first, by name; clusters that tell nothing are absent."""

    treated: pd.Series
    compared: pd.Series

    def effective(self, treated: bool) -> float:
        """So many clusters of equal parts would tell as much (Carter, Schnepel & Steigerwald 2017, eq. 5)."""
        return effective_number((self.treated if treated else self.compared).to_numpy())

    @property
    def least(self) -> float:
        """The effective number of the side that has fewer."""
        return min(self.effective(True), self.effective(False))

    @property
    def few(self) -> bool:
        """Whether the clustered error must not be the headline: the effective number of a side is, rounded, below `FEW_CLUSTERS`."""
        return few_parts(self.treated.to_numpy()) or few_parts(self.compared.to_numpy())


def sides_of(design: Design, estimator: str) -> Sides:
    """What each cluster carries of an estimate. Of a method that is no weighted sum of outcomes, or that cannot be applied: of two-way
    fixed effects; where these cannot either, every cluster of a side counts the same."""
    weights = weights_of(design, estimator)
    if weights is None:
        return Sides(*(alike(design.clusters(treated)) for treated in (True, False)))
    table = usable(design)
    cohort = table["treated_from"].fillna(np.inf)
    keys = [table["cluster"], cohort, table["time"], table["treated"]]
    sums = pd.Series(weights, table.index).groupby(keys, observed=True).sum().rename("sum").reset_index()
    sums["size"] = sums["sum"].abs()
    own = sums[sums["treated"]].groupby(["cluster", "treated_from"], observed=True)["sum"].sum().abs()
    swing = sums.groupby(["cluster", "treated_from"], observed=True)["size"].sum() / 2
    return Sides(parts(own), parts((swing - own.reindex(swing.index, fill_value=0.0)).clip(lower=0.0)))


def weights_of(design: Design, estimator: str) -> np.ndarray | None:
    """The weight of each row of `usable`; None where there are none."""
    if estimator in SINGLE_SERIES:
        return None
    try:
        linear = linear_of(design, estimator)
        if linear is not None:
            return linear.weights
    except Refusal:
        pass
    try:
        table = usable(design)
        return outcome_weights(two_way_fixed_effects.regression(design, table, cells_of(design, table)), np.ones(1))
    except Refusal:
        return None


def parts(masses: pd.Series) -> pd.Series:
    """Shares by cluster, largest first."""
    by_cluster = masses.groupby(level=0, observed=True).sum()
    by_cluster.index = by_cluster.index.astype(object)
    whole = by_cluster.sum()
    shares = by_cluster / whole if whole > 0 else by_cluster
    return shares[shares > NOTHING].sort_values(ascending=False, kind="stable")


def alike(names: list[str]) -> pd.Series:
    return pd.Series(1 / max(len(names), 1), index=pd.Index(names, dtype=object))
