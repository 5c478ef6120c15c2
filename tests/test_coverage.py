"""Does the main design's interval hold the truth as often as it says? Seeds 1 to 400, fixed beforehand."""

import numpy as np
import pytest
from coverage_worlds import demo_design
from scipy import stats

from hgdx_eval.estimators.two_way_fixed_effects import fit

SEEDS = range(1, 401)


def monte_carlo_interval(hits: int, draws: int) -> str:
    low, high = stats.binomtest(hits, draws).proportion_ci(0.99)
    return f"{hits / draws:.3f} (99% Monte Carlo interval {low:.3f} to {high:.3f})"


def rows(effect):
    for seed in SEEDS:
        design, truth = demo_design(seed, effect)
        yield fit(design).overall(), truth


@pytest.mark.long
def test_the_interval_holds_the_truth_and_the_estimate_is_unbiased(capsys):
    found = [(row["estimate"] - truth, row["std_error"], row["ci_low"] <= truth <= row["ci_high"])
             for row, truth in rows(4.0)]  # fmt: skip
    errors, std_errors, held = map(np.array, zip(*found, strict=True))
    with capsys.disabled():
        print(f"\ncoverage {monte_carlo_interval(int(held.sum()), len(held))}; mean error {errors.mean():+.4f} points = "
              f"{errors.mean() / errors.std():+.3f} sd; mean standard error {std_errors.mean():.3f}, sd {errors.std():.3f}")  # fmt: skip
    assert held.mean() >= 0.93
    assert abs(errors.mean()) < 0.15 * std_errors.mean()


@pytest.mark.long
def test_without_an_effect_it_seldom_claims_one(capsys):
    false = np.array([row["ci_low"] > 0 or row["ci_high"] < 0 for row, _ in rows(0.0)])
    with capsys.disabled():
        print(f"\nfalse alarms {monte_carlo_interval(int(false.sum()), len(false))}")
    assert false.mean() <= 0.07


def test_no_effect_is_exactly_none():
    assert demo_design(1, effect=0.0, dossiers=20_000)[1] == 0.0
