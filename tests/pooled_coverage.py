"""How often the pooled answer holds the truth: python tests/pooled_coverage.py [--draws 400] [--seed N]

Cells are drawn directly: each place has clusters, half of them treated, months before and after, shocks of clusters that last (AR 0.5) and
its own true effect, from a normal distribution of known mean and spread. Its effect and clustered interval are the kit's own (two-way fixed
effects; written out, and held to the kit's for each number of clusters before anything is drawn), without the gate. Then `pool`. Told: how often the interval of the mean holds the known
mean, and the prediction interval the effect of a place that was not drawn.
"""

import argparse
import os
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from made_up import design_of  # noqa: E402
from scipy import stats  # noqa: E402
from seeds import seed as seed_of  # noqa: E402

from hgdx_eval.estimators.two_way_fixed_effects import fit  # noqa: E402
from hgdx_eval.evaluation.pooled import pool  # noqa: E402
from hgdx_eval.evaluation.sites import Site  # noqa: E402

MEAN, MONTHS, AFTER, LASTS = 4.0, 36, 18, 0.5
WORLDS = {  # name: places, spread of the true effects, clusters of the places (drawn from), largest size over smallest
    "12 places, no spread": (12, 0.0, (8, 20), 1), "12 places, spread 1": (12, 1.0, (8, 20), 1), "12 places, spread 3": (12, 3.0, (8, 20), 1),
    "12 places of 4 to 6 clusters, spread 1": (12, 1.0, (4, 6), 1), "12 places of 4 to 6 clusters, no spread": (12, 0.0, (4, 6), 1),
    "12 places, sizes 1 to 20, spread 1": (12, 1.0, (8, 20), 20), "3 places, spread 1": (3, 1.0, (8, 20), 1),
    "5 places, spread 1": (5, 1.0, (8, 20), 1), "30 places, spread 1": (30, 1.0, (8, 20), 1),
}  # fmt: skip


def cells(rng: np.random.Generator, clusters: int, noise: float) -> np.ndarray:
    """Shocks of clusters (rows) in months, in points."""
    shocks = rng.normal(size=(clusters, MONTHS)) * np.sqrt(1 - LASTS**2)
    for t in range(1, MONTHS):
        shocks[:, t] += LASTS * shocks[:, t - 1]
    return noise * shocks


def estimated(shocks: np.ndarray, effect: float) -> tuple[float, float]:
    """(estimate, spread of its clusters' changes) of one place: with one row per cluster and month of one weight, two-way fixed effects are
    the difference of the clusters' own changes."""
    treated = np.arange(len(shocks)) < len(shocks) // 2
    change = shocks[:, -AFTER:].mean(axis=1) - shocks[:, :-AFTER].mean(axis=1) + effect * treated
    sides = [change[treated], change[~treated]]
    return sides[0].mean() - sides[1].mean(), float(np.sqrt(sum(((side - side.mean()) ** 2).sum() / len(side) ** 2 for side in sides)))


@cache
def kits_own(clusters: int) -> tuple[float, float]:
    """(standard error, half-width) of the kit over the spread that `estimated` tells, which are the same for all draws of so many clusters."""
    told = []
    for seed in (1, 2):
        shocks = cells(np.random.default_rng(seed), clusters, 3.0)
        estimate, spread = estimated(shocks, MEAN)
        start = pd.Period("2022-01", freq="M").ordinal + MONTHS - AFTER
        rows = [(f"c{c}", f"c{c}", start - MONTHS + AFTER + t, 1.0, 0.5 + (shocks[c, t] + MEAN * (c < clusters // 2 and t >= MONTHS - AFTER)) / 100,
                 start if c < clusters // 2 else np.nan) for c in range(clusters) for t in range(MONTHS)]  # fmt: skip
        columns = ["unit", "cluster", "time", "denominator", "numerator", "treated_from"]
        row = fit(replace(design_of(pd.DataFrame(rows, columns=columns), weight=1.0), path=False)).overall()
        assert abs(row["estimate"] - estimate) < 1e-6, (row["estimate"], estimate)
        told.append((row["std_error"] / spread, (row["ci_high"] - row["ci_low"]) / 2 / spread))
    assert np.allclose(told[0], told[1], rtol=1e-6), told
    return told[0]


def one_draw(world: tuple, rng: np.random.Generator) -> tuple[bool, bool | None, float]:
    """(whether the mean's interval holds it, whether a new place's effect lies in the prediction interval, width of the former)."""
    places, spread, (fewest, most), ratio = world
    sites = []
    for i in range(places):
        noise = 3.0 * ratio ** (-rng.random() / 2)
        shocks = cells(rng, int(rng.integers(fewest, most + 1)), noise)
        estimate, spread_of = estimated(shocks, MEAN + spread * rng.normal())
        error, reach = (times * spread_of for times in kits_own(len(shocks)))
        sites.append(Site(f"p{i}", "counts", estimate=estimate, std_error=error, ci_low=estimate - reach, ci_high=estimate + reach,
                          level=0.95, scale="pp", start="2023-07", inference="cluster"))  # fmt: skip
    found = pool(sites).answer
    new = MEAN + spread * rng.normal()
    ahead = found.new_low <= new <= found.new_high if np.isfinite(found.new_low) else None
    return found.low <= MEAN <= found.high, ahead, found.high - found.low


def measured(draws: int, seed: int) -> pd.DataFrame:
    """One row per world: coverage of the mean's interval and of the prediction interval with their 99% Monte Carlo intervals."""
    rows = []
    for number, (name, world) in enumerate(WORLDS.items()):
        rng = np.random.default_rng([seed, number])
        drawn = [one_draw(world, rng) for _ in range(draws)]
        told = {"world": name, "width": np.mean([width for _, _, width in drawn])}
        for key, hits in (("mean", [one for one, _, _ in drawn]), ("new place", [two for _, two, _ in drawn if two is not None])):
            ends = stats.binomtest(sum(hits), len(hits)).proportion_ci(0.99)
            told[key] = f"{100 * np.mean(hits):.1f}% [{100 * ends.low:.1f}; {100 * ends.high:.1f}]"
        rows.append(told)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", default="20261201")
    given = parser.parse_args()
    seed = seed_of(given.seed)
    table = measured(given.draws, seed)
    lines = ["| world | mean of all | a new place | width of the mean's interval |", "|---|---|---|---|"]
    lines += [f"| {row['world']} | {row['mean']} | {row['new place']} | {row['width']:.2f} |" for row in table.to_dict("records")]
    print(f"python tests/pooled_coverage.py --draws {given.draws} --seed {seed}, {date.today()}\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
