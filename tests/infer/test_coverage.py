"""Does the main design's interval hold the truth as often as it says? Seeds from 1 on, fixed beforehand."""

import numpy as np
import pytest
from coverage_worlds import demo_design
from monte_carlo import at_least, at_most, draws, rate, unbiased

from hgdx_eval.estimators.two_way_fixed_effects import fit


def rows(effect):
    for seed in range(1, draws(50, 400) + 1):
        design, truth = demo_design(seed, effect)
        yield fit(design).overall(), truth


@pytest.mark.long
@pytest.mark.draws
def test_the_interval_holds_the_truth_and_the_estimate_is_unbiased(tell):
    found = [(row["estimate"] - truth, row["std_error"], row["ci_low"] <= truth <= row["ci_high"])
             for row, truth in rows(4.0)]  # fmt: skip
    errors, std_errors, held = map(np.array, zip(*found, strict=True))
    tell(f"coverage {rate(held.sum(), len(held))}; mean error {errors.mean():+.4f} points = "
         f"{errors.mean() / errors.std():+.3f} sd; mean standard error {std_errors.mean():.3f}, sd {errors.std():.3f}")  # fmt: skip
    assert at_least(held.sum(), len(held), 0.93)
    assert unbiased(errors, 0.15)


@pytest.mark.long
@pytest.mark.draws
def test_without_an_effect_it_seldom_claims_one(tell):
    false = np.array([row["ci_low"] > 0 or row["ci_high"] < 0 for row, _ in rows(0.0)])
    tell(f"false alarms {rate(false.sum(), len(false))}")
    assert at_most(false.sum(), len(false), 0.07)


def test_no_effect_is_exactly_none():
    assert demo_design(1, effect=0.0, dossiers=20_000)[1] == 0.0
