import numpy as np
import pandas as pd
import pytest

from hgdx_eval.estimation.inference import degrees_of_freedom, effective_clusters, few_parts, placebo_rank, t_interval


def test_equal_clusters_are_as_effective_as_they_are_many():
    assert effective_clusters(np.ones(40), np.repeat(np.arange(8), 5)) == pytest.approx(8)


def test_one_dominant_cluster_counts_for_little():
    leverage = np.where(np.repeat(np.arange(10), 5) == 0, 100.0, 1.0)
    effective = effective_clusters(leverage, np.repeat(np.arange(10), 5))
    assert 1 < effective < 2
    assert degrees_of_freedom(10, effective) == 1.0
    assert degrees_of_freedom(10, 8.0) == 9.0


def test_a_rank_counts_ties_against_the_estimate_and_is_never_zero():
    assert placebo_rank(2.0, pd.Series([1.0, -2.0, 0.5])) == (2, 4)
    assert placebo_rank(9.0, pd.Series([1.0, -2.0, 0.5])) == (1, 4)


def test_few_clusters_are_counted_by_what_they_tell():
    assert few_parts(np.ones(4)) and not few_parts(np.ones(5)) and not few_parts(np.array([1.0, 1.0, 1.2, 0.9, 0.8]))
    assert few_parts(np.array([10.0, *np.ones(20)])) is False and few_parts(np.array([100.0, *np.ones(20)]))


def test_interval_is_wider_with_fewer_degrees_of_freedom():
    low, high, p = t_interval(1.0, 0.5, 5)
    assert (low, high) == (pytest.approx(1 - 2.5706 * 0.5, abs=1e-3), pytest.approx(1 + 2.5706 * 0.5, abs=1e-3))
    assert 0.05 < p < 0.15
