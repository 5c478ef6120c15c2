"""The joint test of the time before: its size, its power against a drift, and what it tells."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monte_carlo import at_least, at_most, draws, rate
from scipy import stats
from worlds import World, parallel, staggered, two_groups

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.event_path import parting
from hgdx_eval.infer import sensitivity as s
from hgdx_eval.infer.pre_trends import ENOUGH, POWER, power_of, pre_trends


def made_up_study(seed, before=4, dof=15.0, scale=1.0):
    """Coefficients before the policy alone, in units of `scale`."""
    rng = np.random.default_rng([seed, 8])
    root = rng.normal(size=(before + 1, before + 4)) / 4 + 0.2
    own = s.Headlined(scale, (0.3 * scale) ** 2, np.zeros(before), dof, np.full(before, dof), dof, 3.0, -np.arange(before, 0.0, -1))
    return s.EventStudy(scale * rng.normal(0, 0.4, before + 1), scale**2 * root @ root.T, before, 1, (1.0,), ((0, 0),), dof, own)


@settings(max_examples=25)
@given(st.integers(1, 10**6), st.integers(1, 6), st.floats(0.01, 100))
def test_units_do_not_matter_and_what_is_found_has_its_power(seed, before, factor):
    found, other = (pre_trends(made_up_study(seed, before, scale=scale), "M") for scale in (1.0, factor))
    assert (other.p_value, other.power) == pytest.approx((found.p_value, found.power))
    assert other.drift == pytest.approx(factor * found.drift) and found.bias == pytest.approx(3 * found.drift)
    told = pre_trends(made_up_study(seed, before), "M", found.bias)  # an effect that this very drift could hide
    assert told.matters == max(found.bias, 1.0) and (told.matters == 1.0 or told.power == pytest.approx(POWER, abs=1e-6))
    assert found.enough == (found.power >= ENOUGH) and found.rejects == (found.p_value < 0.05)


def test_size_and_power_are_hotellings():
    """Against draws: normal coefficients, a Wishart covariance of so many degrees of freedom."""
    study, rng, k, nu, number = made_up_study(2), np.random.default_rng(3), 4, 15, 20_000
    own, truth = study.headlined, study.covariance[:4, :4]
    drift = 0.3
    exact = power_of(drift**2 * float(own.drift_before @ np.linalg.solve(truth, own.drift_before)), k, nu - k + 1)
    covariances = stats.wishart(nu, truth / nu).rvs(number, rng)
    for slope, expected in ((0.0, 0.05), (drift, exact)):
        beta = rng.multivariate_normal(slope * own.drift_before, truth, number)
        t2 = np.einsum("ni,ni->n", beta, np.linalg.solve(covariances, beta[:, :, None])[:, :, 0])
        rejects = (stats.f.sf(t2 * (nu - k + 1) / (nu * k), k, nu - k + 1) < 0.05).sum()
        assert at_least(rejects, number, expected) and at_most(rejects, number, expected)


def test_what_cannot_be_tested_is_refused():
    study = made_up_study(1)
    with pytest.raises(Refusal) as few:
        pre_trends(replace(study, headlined=replace(study.headlined, dof_joint=3.5)), "M")
    with pytest.raises(Refusal) as alike:
        pre_trends(replace(study, headlined=replace(study.headlined, drift_before=np.zeros(4))), "M")
    assert (few.value.reason, alike.value.reason) == ("few_clusters", "no_variation")


def test_degrees_of_freedom_of_a_covariance():
    alike = np.repeat(np.eye(3)[None], 12, axis=0)
    assert s.joint_dof(alike) == pytest.approx(12)
    giant = alike * np.r_[np.ones(11), 20.0][:, None, None]
    assert s.joint_dof(giant) == pytest.approx((31**2) / (11 + 400))
    turn = np.random.default_rng(1).normal(size=(3, 3))
    assert s.joint_dof(turn @ giant @ turn.T) == pytest.approx(s.joint_dof(giant))


def test_a_drift_in_the_data_is_found():
    design = World(two_groups(30), parallel).drawn(1)[0]
    none = pre_trends(s.event_study(design), "M")
    table = design.table.assign(y=design.table["y"] + 2 * none.drift / 100 * parting(design.table))
    assert not none.rejects and pre_trends(s.event_study(replace(design, table=table)), "M").rejects


WORLDS = {  # design, methods
    "8 clusters": (two_groups(8, 14, 9), ("two_way_fixed_effects",)),
    "12 clusters": (two_groups(12), ("two_way_fixed_effects",)),
    "30 clusters": (two_groups(30), ("two_way_fixed_effects",)),
    "24 clusters, three dates": (staggered(), ("callaway_santanna", "sun_abraham", "imputation", "two_way_fixed_effects")),
}
MOST = 0.075  # rejections of a test of size 5%


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", WORLDS)
def test_it_rejects_about_as_often_as_it_says(name, tell):
    design, methods = WORLDS[name]
    world, number = World(design, parallel), draws(100, 1000)
    found = dict.fromkeys(methods, 0)
    for seed in range(1, number + 1):
        drawn, _ = world.drawn(seed)
        for method in methods:
            found[method] += pre_trends(s.event_study(drawn, estimator=method), "M").rejects
    for method, hits in found.items():
        tell(f"{name}, {method}: a joint test of 5% rejects without a divergence in {rate(hits, number)}")
        assert at_most(hits, number, MOST)
