"""A small made-up panel for the estimators' tests: no file, no world, a known effect."""

import numpy as np
import pandas as pd

from hgdx_eval.base.origin import Origin
from hgdx_eval.design.design import COLUMNS, Design

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
                denominator = int(rng.integers(20, 400))
                rows.append((f"c{c}u{u}", f"c{c}", first + t, denominator, rng.binomial(denominator, share), treated_from))
    table = pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])
    return table[rng.uniform(size=len(table)) >= drop].reset_index(drop=True)


def design_of(table: pd.DataFrame, blocks: bool = False, weight: float | None = None, **changes: object) -> Design:
    """A design of such a table; `blocks`: period effects separate inside each cluster; `weight`: the same for all."""
    table = table.astype({"denominator": float, "numerator": float})
    table = table.assign(group=table.get("group", ""), dose=table.get("dose", np.nan), effect=table["unit"])
    table = table.assign(
        block=table["cluster"] if blocks else table.get("block", ""), period=pd.PeriodIndex.from_ordinals(table["time"], freq="M"),
        y=table["numerator"] / table["denominator"], weight=table["denominator"] if weight is None else weight,
        treated=table["time"] >= table["treated_from"], event_time=table["time"] - table["treated_from"],
    )  # fmt: skip
    start = pd.Period(ordinal=int(table["treated_from"].min()), freq="M")
    settings = dict(
        table=table.sort_values(["unit", "time"], ignore_index=True)[COLUMNS], study="made_up", outcome="online/received",
        frequency="M", scale="pp", estimand="effect", start=start, apart=(), events=(), origin=ORIGIN, seed=1,
        set_aside=pd.DataFrame(columns=["reason", "units", "rows"]), traits=table[["unit"]].drop_duplicates(),
    )  # fmt: skip
    return Design(**{**settings, **changes})


def staggered_table(seed: int, cohorts: tuple[int, ...] = (4, 6, 9), never: bool = True, units: int = 5, periods: int = 12,
                    effect: float = 0.05, growth: float = 0.01, noise: float = 0.02, clusters: int = 5) -> pd.DataFrame:  # fmt: skip
    """One row per unit x period: cohorts of `units` first treated in these periods (from 0), and as many never treated.

    The effect grows by `growth` a period and is `effect` x (1 + rank of the cohort / 2) at first: heterogeneous.
    """
    rng = np.random.default_rng([seed, 7])
    first, rows = pd.Period("2021-01", freq="M").ordinal, []
    starts = [start for start in (*cohorts, *((None,) if never else ())) for _ in range(units)]
    common = rng.normal(0, 0.02, periods)
    for number, start in enumerate(starts):
        level, size = rng.uniform(0.2, 0.5), int(rng.integers(50, 400))
        for t in range(periods):
            on = start is not None and t >= start
            rank = cohorts.index(start) if start is not None else 0
            share = level + common[t] + rng.normal(0, noise) + on * (effect * (1 + rank / 2) + growth * (t - (start or 0)))
            rows.append((f"u{number:03}", f"c{number % clusters}", first + t, size, size * share,
                         first + start if start is not None else np.nan))  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])


def triple_table(seed: int, effect: float = 0.05, places: int = 6, periods: int = 14) -> pd.DataFrame:
    """One row per unit x period: in every place two units with a fee and two without; in the first half of the places those
    with a fee are treated from the ninth period on. Places and groups have shocks of their own."""
    rng = np.random.default_rng([seed, 3])
    first, rows = pd.Period("2022-01", freq="M").ordinal, []
    place_shock, group_shock = rng.normal(0, 0.03, (places, periods)), rng.normal(0, 0.03, (2, periods))
    for place in range(places):
        for u in range(4):
            fee, level = u < 2, rng.uniform(0.3, 0.5)
            start = first + 8 if fee and place < places // 2 else np.nan
            for t in range(periods):
                share = level + place_shock[place, t] + group_shock[int(fee), t] + effect * (t >= 8) * (start == start)
                denominator = int(rng.integers(100, 400))
                rows.append((f"p{place}u{u}", f"p{place}", first + t, denominator, rng.binomial(denominator, np.clip(share, 0, 1)), start,
                             f"p{place}", "fee" if fee else "free"))  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from", "block", "group"])


def factor_table(seed: int, effect: float = 0.05, donors: int = 20, periods: int = 24, before: int = 16) -> pd.DataFrame:
    """One row per unit x period: one treated unit inside the hull of its donors, two common factors, every unit a cluster."""
    rng = np.random.default_rng([seed, 5])
    first, rows = pd.Period("2021-01", freq="M").ordinal, []
    factors = np.cumsum(rng.normal(0, 0.01, (2, periods)), axis=1)
    loadings, levels = rng.uniform(0, 2, (donors, 2)), rng.uniform(0.3, 0.5, donors)
    mix = rng.dirichlet(np.ones(donors))
    loadings, levels = np.vstack([mix @ loadings, loadings]), np.r_[mix @ levels, levels]
    for unit in range(donors + 1):
        for t in range(periods):
            share = levels[unit] + loadings[unit] @ factors[:, t] + effect * (unit == 0 and t >= before)
            denominator = 4000
            numerator = rng.binomial(denominator, np.clip(share, 0.01, 0.99))
            rows.append((f"u{unit:03}", f"u{unit:03}", first + t, denominator, numerator, first + before if unit == 0 else np.nan))
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])


SYNTHETIC = ("synthetic_control", "augmented_synthetic_control", "synthetic_did")


def table_for(name: str, seed: int, **changes: object) -> pd.DataFrame:
    """A panel of the kind that a method is made for: one treated unit among many, three differences, or plain groups."""
    if name in SYNTHETIC:
        return factor_table(seed, **changes)
    return triple_table(seed, **changes) if name == "triple_difference" else made_up_table(seed, **changes)
