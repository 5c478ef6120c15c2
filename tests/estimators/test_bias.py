"""Is each method right on average where its assumptions hold? Seeds from 1 on, fixed beforehand."""

import numpy as np
import pytest
from monte_carlo import draws, unbiased
from worlds import BROKEN, HOLDS, World

from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.study.vocabulary import estimator_names

SLOW = {"structural_time_series"}  # over 0.1 s for one fit, the others 0.02 to 0.05


def errors_of(world: World, estimator: str, number: int) -> np.ndarray:
    """Estimate less truth, percentage points, over the seeds 1 to `number`."""
    found = []
    for seed in range(1, number + 1):
        design, truth = world.drawn(seed)
        found.append(estimate(design, estimator).overall()["estimate"] - truth)
    return np.array(found)


def test_every_method_has_a_world_in_which_it_holds():
    assert set(HOLDS) == set(estimator_names())


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_every_broken_world_can_be_drawn_and_has_a_truth(name):
    design, truth = BROKEN[name].drawn(1)
    assert np.isfinite(design.table["y"]).all() and truth > 1
    again, same = BROKEN[name].drawn(1)
    assert same == truth and again.table.equals(design.table)


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", sorted(HOLDS))
def test_the_estimate_is_right_on_average_where_the_assumptions_hold(name, tell):
    for world in HOLDS[name]:
        errors = errors_of(world, name, draws(40, 500) if name in SLOW else draws(100, 2000))
        mean, sd, monte_carlo = errors.mean(), errors.std(), errors.std() / np.sqrt(len(errors))
        tell(f"{name}: mean error {mean:+.4f} points = {mean / sd:+.3f} sd (Monte Carlo error {monte_carlo / sd:.3f} sd), "
             f"sd {sd:.3f}, {len(errors)} draws")  # fmt: skip
        assert unbiased(errors, 0.15 if name in SLOW else 0.1)
