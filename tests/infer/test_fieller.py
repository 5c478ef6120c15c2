"""Fieller's set against published numbers, its definition, and where it is no interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hgdx_eval.infer.fieller import fieller

FINITE = st.floats(-50, 50).filter(lambda x: x == 0 or abs(x) > 1e-3)


def test_published_values():
    """a = 14 (SD 3), b = 7 (SD 2), not correlated, t of 10 degrees of freedom at 0.95: limits 1.051413 and 4.414296, g 0.268164.

    Program FIELLER of D. Colquhoun, as in DCSTATS, tests/infer/test_fieller.py, github.com/DCPROGS/DCSTATS (read 2026-11-26).
    """
    crit = stats.t.ppf(0.95, 10)
    found = fieller(14, 7, 9, 4, 0, crit)
    assert crit**2 * 4 / 49 == pytest.approx(0.268164, rel=1e-4)
    assert (found.shape, found.estimate) == ("interval", 2)
    assert (found.low, found.high) == (pytest.approx(1.051413, rel=1e-4), pytest.approx(4.414296, rel=1e-4))


def test_it_is_the_interval_of_inverse_regression():
    """The age at which a straight line reaches a value: the roots of the same test, written out for a line (Draper & Smith 1998, 3.2)."""
    x = np.arange(12.0)
    y = 3 + 0.4 * x + np.array([0.1, -0.2, 0.15, 0.05, -0.1, 0.2, -0.15, 0.1, -0.05, 0.0, -0.1, 0.05])
    fit = stats.linregress(x, y)
    s2 = ((y - fit.intercept - fit.slope * x) ** 2).sum() / 10
    sxx, crit, target = ((x - x.mean()) ** 2).sum(), stats.t.ppf(0.975, 10), 10.0
    cov = -x.mean() * s2 / sxx
    found = fieller(target - fit.intercept, fit.slope, s2 * (1 / 12 + x.mean() ** 2 / sxx), s2 / sxx, -cov, crit)
    g = crit**2 * s2 / sxx / fit.slope**2
    middle = x.mean() + (found.estimate - x.mean()) / (1 - g)
    reach = crit * math.sqrt(s2) / fit.slope / (1 - g) * math.sqrt((found.estimate - x.mean()) ** 2 / sxx + (1 - g) / 12)
    assert (found.low, found.high) == (pytest.approx(middle - reach), pytest.approx(middle + reach))


@given(FINITE, FINITE, st.floats(0, 30), st.floats(0, 30), st.floats(-1, 1), st.floats(-80, 80))
def test_a_ratio_is_in_the_set_where_the_test_does_not_reject_it(a, b, var_a, var_b, r, ratio):
    cov = r * math.sqrt(var_a * var_b)
    found = fieller(a, b, var_a, var_b, cov, 1.96)
    left, right = (a - ratio * b) ** 2, 1.96**2 * (var_a - 2 * ratio * cov + ratio**2 * var_b)
    if abs(left - right) > 1e-6 * (1 + left + abs(right)):
        assert found.holds(ratio) == (left <= right), found


@pytest.mark.parametrize(
    ("numbers", "shape"),
    [((5, 0.1, 0, 1, 0), "outside"), ((0.1, 0.1, 1, 1, 0), "everything"), ((5, 1.96, 0, 1, 0), "from"), ((-5, 1.96, 0, 1, 0), "up_to"),
     ((5, 0.0, 0, 1, 0), "outside"), ((0, 0, 0, 0, 0), "everything"), ((5, 3, 0, 0, 0), "interval"), ((5, 0, 0, 0, 0), "nothing")],
)  # fmt: skip
def test_where_the_denominator_may_be_0_the_set_says_so(numbers, shape):
    found = fieller(*numbers, 1.96)
    assert found.shape == shape
    if shape == "outside":
        assert found.low < 0 < found.high and not found.holds(0.0) and found.holds(1e12) and found.holds(-1e12)
    if numbers[1]:
        assert found.holds(found.estimate)


def test_a_constant_numerator_turns_the_interval_of_the_denominator_over():
    found = fieller(100, 4, 0, 0.25, 0, 1.96)
    assert (found.low, found.high) == (pytest.approx(100 / (4 + 1.96 * 0.5)), pytest.approx(100 / (4 - 1.96 * 0.5)))


@pytest.mark.parametrize("wrong", [(-1, 1, 0), (1, -1, 0), (1, 1, 2)])
def test_what_is_no_covariance_matrix_is_an_error(wrong):
    with pytest.raises(ValueError, match="no covariance matrix"):
        fieller(1, 1, *wrong, 1.96)


def test_it_holds_the_truth_as_often_as_it_says_even_where_the_denominator_is_near_0():
    """10,000 draws; Monte Carlo standard error 0.2 points."""
    rng = np.random.default_rng(20230714)
    for b in (3.0, 0.5, 0.0):
        draws = rng.multivariate_normal([2.0, b], [[1, 0.3], [0.3, 1]], 10_000)
        if b:
            held = np.mean([fieller(*draw, 1, 1, 0.3, 1.959964).holds(2.0 / b) for draw in draws])
            assert 0.943 < held < 0.957
        else:  # no ratio is true: the set is unbounded as often as it says
            assert 0.943 < np.mean([fieller(*draw, 1, 1, 0.3, 1.959964).shape != "interval" for draw in draws]) < 0.957
