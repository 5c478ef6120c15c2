"""What few and many draws may show."""

import monte_carlo
import numpy as np
import pytest
from monte_carlo import CHANCE, at_least, at_most, draws, unbiased
from scipy import stats


@pytest.fixture(params=[False, True], ids=["few", "many"])
def many(request, monkeypatch):
    monkeypatch.setattr(monte_carlo, "MANY", request.param)
    return request.param


def test_few_draws_or_many(many):
    assert draws(60, 400) == (400 if many else 60)


@pytest.mark.parametrize(("number", "bar"), [(40, 0.91), (60, 0.93), (100, 0.95), (400, 0.93)])
def test_a_rate_is_held_to_its_bar_as_far_as_chance_allows_and_by_many_draws_to_the_bar_itself(many, number, bar):
    fewest = next(hits for hits in range(number + 1) if at_least(hits, number, bar))
    assert at_most(number - fewest, number, 1 - bar) and not at_most(number - fewest + 1, number, 1 - bar)
    if many:
        assert (fewest - 1) / number < bar <= fewest / number
    else:
        assert 0 < stats.binom.cdf(fewest - 1, number, bar) < CHANCE


def test_a_method_that_is_too_sure_is_seen_in_few_draws():
    """An interval that holds the truth in four of five worlds: four sets of 100 draws in five fail the bar of 0.93."""
    fewest = next(hits for hits in range(101) if at_least(hits, 100, 0.93))
    assert stats.binom.cdf(fewest - 1, 100, 0.8) > 0.8


def test_a_mean_error_is_held_to_its_bar_as_far_as_chance_allows(many):
    errors = np.random.default_rng(1).normal(size=100)
    errors = (errors - errors.mean()) / errors.std()
    assert unbiased(errors, 0.1) and unbiased(errors + 0.3, 0.1) == (not many) and not unbiased(errors + 0.5, 0.1)
