"""A small made-up panel for the estimators' tests: no file, no world, a known effect."""

import numpy as np
import pandas as pd

from hgdx_eval.designs import COLUMNS, Design
from hgdx_eval.origin import Origin

ORIGIN = Origin("made_up.csv", "0" * 64, 100, "table", True)


def made_up_table(seed: int, effect: float = 0.05, drop: float = 0.0, clusters: int = 6, periods: int = 14) -> pd.DataFrame:
    """One row per unit x period: clusters of four units, two of them treated from the ninth period on."""
    rng = np.random.default_rng(seed)
    rows = []
    first = pd.Period("2022-01", freq="M").ordinal
    shock = rng.normal(0, 0.02, (clusters, periods))
    for c in range(clusters):
        for u in range(4):
            level = rng.uniform(0.3, 0.5)
            for t in range(periods):
                treated_from = first + 8 if u < 2 else np.nan
                share = level + 0.01 * t + shock[c, t] + effect * (u < 2 and t >= 8)
                received = int(rng.integers(20, 400))
                rows.append((f"c{c}u{u}", f"c{c}", first + t, received, rng.binomial(received, share), treated_from))
    table = pd.DataFrame(rows, columns=["unit", "cluster", "time", "received", "online", "treated_from"])
    return table[rng.uniform(size=len(table)) >= drop].reset_index(drop=True)


def design_of(table: pd.DataFrame, blocks: bool = False, **changes: object) -> Design:
    """A design of such a table; `blocks`: period effects separate inside each cluster."""
    table = table.astype({"received": float, "online": float})
    table = table.assign(
        block=table["cluster"] if blocks else "", period=pd.PeriodIndex.from_ordinals(table["time"], freq="M"),
        y=table["online"] / table["received"], weight=table["received"],
        treated=table["time"] >= table["treated_from"], event_time=table["time"] - table["treated_from"],
    )  # fmt: skip
    start = pd.Period(ordinal=int(table["treated_from"].min()), freq="M")
    settings = dict(
        table=table.sort_values(["unit", "time"], ignore_index=True)[COLUMNS], study="made_up", outcome="online/received",
        frequency="M", scale="pp", estimand="effect", start=start, apart=(), events=(), origin=ORIGIN, seed=1,
        set_aside=pd.DataFrame(columns=["reason", "units", "rows"]),
    )  # fmt: skip
    return Design(**{**settings, **changes})
