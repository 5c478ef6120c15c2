"""Made-up worlds with a known truth: in each the assumptions of some methods hold, and those of others fail.

A world has one design, made once; a draw puts new outcomes into it. Levels, sizes and cohorts are fixed by the world,
everything random comes from the draw's generator. Shares 0-1 inside, truths in percentage points.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from made_up import design_of

from hgdx_eval.design.design import Design

FIRST = pd.Period("2020-01", freq="M").ordinal
EFFECT = 0.05


@dataclass(frozen=True)
class World:
    """`draw` gives the outcome of each row of the design's table, and the true effect in shares of each treated row."""

    design: Design
    draw: Callable[[pd.DataFrame, np.random.Generator], tuple[np.ndarray, np.ndarray]]

    def drawn(self, seed: int) -> tuple[Design, float]:
        """(the design with new outcomes, the dossier-weighted mean effect over treated rows, percentage points)."""
        table = self.design.table
        y, effect = self.draw(table, np.random.default_rng([seed, 2023]))
        treated = table["treated"].to_numpy()
        return replace(self.design, table=table.assign(y=y, numerator=y * table["denominator"])), 100 * float(
            np.average(effect[treated], weights=table["weight"][treated])
        )


# --- designs -------------------------------------------------------------------------------------------------------


def crossed(units: list[dict], periods: int) -> Design:
    """Every unit in every period. A unit has: cluster, start (period from 0, or None), size; block and group where needed."""
    rows = [{"unit": f"u{number:03}", "cluster": unit["cluster"], "time": FIRST + t, "denominator": float(unit["size"]), "numerator": 0.0,
             "treated_from": np.nan if unit["start"] is None else float(FIRST + unit["start"]),
             "block": unit.get("block", ""), "group": unit.get("group", "")}
            for number, unit in enumerate(units) for t in range(periods)]  # fmt: skip
    return replace(design_of(pd.DataFrame(rows)), path=False)


def sizes(number: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(100, 500, number)


@cache
def two_groups(clusters: int = 12, periods: int = 40, before: int = 24) -> Design:
    """Half of the clusters treated at one date; three units each."""
    size = sizes(3 * clusters, 1)
    return crossed([{"cluster": f"c{n // 3:02}", "start": before if n // 3 < clusters // 2 else None, "size": s}
                    for n, s in enumerate(size)], periods)  # fmt: skip


@cache
def staggered(periods: int = 16) -> Design:
    """Three cohorts of six units and as many never treated; every unit a cluster."""
    starts = [start for start in (5, 8, 11, None) for _ in range(6)]
    return crossed([{"cluster": f"c{n:02}", "start": start, "size": s}
                    for n, (start, s) in enumerate(zip(starts, sizes(24, 2), strict=True))], periods)  # fmt: skip


@cache
def places(number: int = 10, periods: int = 16) -> Design:
    """In each place units with a fee and without; those with a fee are treated in the first half of the places."""
    size = sizes(4 * number, 3)
    return crossed([{"cluster": f"p{n // 4:02}", "block": f"p{n // 4:02}", "group": "fee" if n % 4 < 2 else "free",
                     "start": 8 if n % 4 < 2 and n // 4 < number // 2 else None, "size": s} for n, s in enumerate(size)],
                   periods)  # fmt: skip


@cache
def one_among_many(donors: int = 20, periods: int = 40, before: int = 30) -> Design:
    """One treated unit and its donors, every unit a cluster."""
    return crossed([{"cluster": f"c{n:02}", "start": before if n == 0 else None, "size": 1000} for n in range(donors + 1)], periods)


# --- outcomes ------------------------------------------------------------------------------------------------------


def codes(table: pd.DataFrame, column: str) -> np.ndarray:
    return pd.factorize(table[column], sort=True)[0]


def unit_levels(table: pd.DataFrame, low: float = 0.3, high: float = 0.6) -> np.ndarray:
    """A fixed level of each unit."""
    unit = codes(table, "unit")
    return np.random.default_rng(4).uniform(low, high, unit.max() + 1)[unit]


def wandering(rng: np.random.Generator, codes: np.ndarray, time: np.ndarray, sd: float, memory: float = 0.5) -> np.ndarray:
    """A stationary autoregressive shock of each code and period."""
    shape = (codes.max() + 1, time.max() + 1)
    steps = rng.normal(0, sd, shape)
    steps[:, 1:] *= np.sqrt(1 - memory**2)
    for t in range(1, shape[1]):
        steps[:, t] += memory * steps[:, t - 1]
    return steps[codes, time]


def noise(table: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Shocks common to a period, of clusters and of units."""
    time = codes(table, "time")
    return (rng.normal(0, 0.02, time.max() + 1)[time] + wandering(rng, codes(table, "cluster"), time, 0.015)
            + wandering(rng, codes(table, "unit"), time, 0.03))  # fmt: skip


def constant(table: pd.DataFrame) -> np.ndarray:
    return EFFECT * table["treated"].to_numpy(float)


def growing(table: pd.DataFrame) -> np.ndarray:
    """An effect that differs by cohort and grows with time."""
    cohort = table["treated_from"].fillna(FIRST).to_numpy() - FIRST
    event = table["event_time"].fillna(0).to_numpy()
    return np.where(table["treated"], 0.02 + 0.004 * cohort + 0.012 * event, 0.0)


def parallel(table, rng, effect=constant):
    """Parallel trends, an effect of the kind named."""
    return unit_levels(table) + effect(table) + noise(table, rng), effect(table)


def parallel_growing(table, rng):
    return parallel(table, rng, growing)


def drifting(table, rng):
    """The treated would have grown faster anyway: 0.15 points a period."""
    y, effect = parallel(table, rng)
    return y + 0.0015 * codes(table, "time") * table["treated_from"].notna(), effect


def anticipated(table, rng):
    """Half of the effect comes in the three periods before the date."""
    y, effect = parallel(table, rng)
    event = table["event_time"].to_numpy()
    return y + 0.5 * EFFECT * ((event < 0) & (event >= -3)), effect


def common_event(table, rng):
    """Something else happens to everybody two periods after the date."""
    y, effect = parallel(table, rng)
    return y + 0.04 * (codes(table, "time") >= 26), effect


def contaminated(table, rng):
    """A third of the comparison clusters have the policy too, unseen."""
    y, effect = parallel(table, rng)
    cluster = codes(table, "cluster")
    return y + EFFECT * (table["treated_from"].isna() & (cluster % 3 == 0) & (codes(table, "time") >= 24)), effect


def straight(table, rng):
    """Straight trends with a step at the date, no shock common to a period."""
    time = codes(table, "time")
    y = unit_levels(table) + 0.002 * time + constant(table) + wandering(rng, codes(table, "unit"), time, 0.03, 0.3)
    return y, constant(table)


def share(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


def near_the_ceiling(table, rng):
    """Parallel on the logit scale: comparison units from half, treated ones from 80 %, everything growing towards 100 %."""
    time, treated = codes(table, "time"), table["treated_from"].notna().to_numpy()
    level = np.where(treated, 1.4, 0.0) + 4 * (unit_levels(table) - 0.45) + 0.03 * time
    base = level + wandering(rng, codes(table, "cluster"), time, 0.05) + rng.normal(0, 0.05, time.max() + 1)[time]
    effect = share(base + 0.4 * table["treated"]) - share(base)
    denominator = table["denominator"].to_numpy().astype(int)
    return rng.binomial(denominator, share(base + 0.4 * table["treated"])) / denominator, effect


def by_place(table, rng, own=0.02, alike=0.02):
    """Places, and dossiers with a fee everywhere, have shocks of their own."""
    time, fee = codes(table, "time"), codes(table, "group")
    by_place = wandering(rng, codes(table, "block"), time, own)
    by_fee = wandering(rng, fee, time, alike)
    return unit_levels(table) + by_place + by_fee + constant(table) + wandering(rng, codes(table, "unit"), time, 0.03), constant(table)


def fees_elsewhere_too(table, rng):
    """Dossiers with a fee rise everywhere from the date on: a cut by the government."""
    y, effect = by_place(table, rng)
    return y + 0.03 * ((codes(table, "group") == 0) & (codes(table, "time") >= 8)), effect


def common_factor(table, rng, treated_loading=0.5):
    """A common trend that units follow each in its own degree, from 0 to 1; the treated unit in the middle."""
    unit, time = codes(table, "unit"), codes(table, "time")
    loading = np.r_[treated_loading, np.linspace(0, 1, unit.max())][unit]
    trend = 0.006 * time + 0.02 * np.sin(time / 3)
    return 0.3 + loading * trend + constant(table) + rng.normal(0, 0.01, len(table)), constant(table)


def outside_the_hull(table, rng):
    """The treated unit follows the common trend more than any other unit."""
    return common_factor(table, rng, 1.3)


def follows_its_neighbours(table, rng):
    """The treated series is a multiple of the comparison mean plus a level that wanders."""
    unit, time = codes(table, "unit"), codes(table, "time")
    common = np.cumsum(rng.normal(0, 0.01, time.max() + 1))
    own = np.cumsum(rng.normal(0, 0.002, time.max() + 1))
    treated = 0.4 + 0.8 * common + own + rng.normal(0, 0.008, len(common))
    others = 0.5 + common[time] + rng.normal(0, 0.02, len(table))
    return np.where(unit == 0, treated[time], others) + constant(table), constant(table)


HOLDS: dict[str, list[World]] = {  # estimator -> worlds in which its assumptions hold
    "two_way_fixed_effects": [World(two_groups(), parallel)],
    "callaway_santanna": [World(staggered(), parallel_growing)],
    "sun_abraham": [World(staggered(), parallel_growing)],
    "imputation": [World(staggered(), parallel_growing)],
    "triple_difference": [World(places(), fees_elsewhere_too)],
    "grouped_logit": [World(two_groups(), near_the_ceiling)],
    "interrupted_time_series": [World(two_groups(), straight)],
    "structural_time_series": [World(one_among_many(), follows_its_neighbours)],
    "synthetic_control": [World(one_among_many(), common_factor)],
    "augmented_synthetic_control": [World(one_among_many(), common_factor)],
    "synthetic_did": [World(one_among_many(), common_factor)],
}

BROKEN: dict[str, World] = {  # what fails -> the world
    "growing_effects": World(staggered(), parallel_growing),
    "differential_trend": World(two_groups(), drifting),
    "anticipation": World(two_groups(), anticipated),
    "common_event": World(two_groups(), common_event),
    "contamination": World(two_groups(), contaminated),
    "ceiling": World(two_groups(), near_the_ceiling),
    "government_cut": World(places(), fees_elsewhere_too),
    "outside_hull": World(one_among_many(), outside_the_hull),
}
