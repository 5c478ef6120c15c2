"""What is told of many outcomes at once is what each method tells of them one by one."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import places, staggered, two_groups

from hgdx_eval.estimation.fixed_effects import points, usable
from hgdx_eval.estimation.many_outcomes import of_fit, of_linear
from hgdx_eval.estimators.two_way_fixed_effects import regression
from hgdx_eval.infer.false_alarms import linear_of
from hgdx_eval.infer.sensitivity import binned, path_of

DESIGNS = {"two groups": two_groups(), "staggered": staggered(), "places": places()}
PATHS = [("two groups", "two_way_fixed_effects"), ("staggered", "two_way_fixed_effects"), ("staggered", "sun_abraham"),
         ("staggered", "callaway_santanna"), ("staggered", "imputation"), ("two groups", "callaway_santanna"),
         ("two groups", "imputation"), ("two groups", "sun_abraham"), ("places", "triple_difference")]  # fmt: skip


def with_outcomes(design, y: np.ndarray):
    return replace(design, table=design.table.assign(y=y / points(design)))


@pytest.mark.parametrize(("name", "method"), PATHS)
def test_the_path_of_many_outcomes_is_the_method_s_own(name, method):
    design, rng = DESIGNS[name], np.random.default_rng(3)
    layout = lambda events, clusters: binned(design, events, clusters, None)  # noqa: E731
    many = rng.normal(size=(len(usable(design)), 3)).cumsum(axis=0)
    beta, scores = path_of(design, method)(design, layout).of(many)
    for number, y in enumerate(many.T):
        own = path_of(design, method)(with_outcomes(design, y), layout)
        assert beta[:, number] == pytest.approx(own.beta, rel=1e-8, abs=1e-9)
        assert scores[:, :, number] == pytest.approx(own.scores, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", list(DESIGNS))
def test_a_regression_of_many_outcomes_is_each_one_s(name):
    from hgdx_eval.estimation.fixed_effects import cells_of

    design = DESIGNS[name]
    y = np.random.default_rng(4).normal(size=(len(usable(design)), 2))
    fit = regression(design, usable(design), cells_of(design, usable(design)))
    beta, scores = of_fit(fit).of(y)
    linear = of_linear(linear_of(design, "two_way_fixed_effects"))
    assert linear.factor == pytest.approx(of_fit(fit).factor)
    assert beta == pytest.approx(linear.of(y)[0], rel=1e-8)
    assert scores == pytest.approx(linear.of(y)[1], rel=1e-7, abs=1e-10)
