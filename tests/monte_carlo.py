"""How many worlds a Monte Carlo test draws, and what so many can show.

In CI few, of fixed seeds: a rate is held to its bar as far as chance allows, so that a method whose true rate lies at the bar would
fail once in 1,000 sets of seeds. `tests/many_draws.py` draws many: then the rate itself must keep the bar (docs/coverage.md).
"""

import os

import numpy as np
from scipy import stats

MANY = os.environ.get("HGDX_DRAWS") == "many"
CHANCE = 0.001  # false failures of one bar, were the seeds drawn anew


def draws(few: int, many: int) -> int:
    return many if MANY else few


def rate(hits: int, number: int) -> str:
    low, high = stats.binomtest(int(hits), number).proportion_ci(0.99)
    return f"{hits / number:.3f} of {number} draws (99% Monte Carlo interval {low:.3f} to {high:.3f})"


def at_least(hits: int, number: int, bar: float) -> bool:
    """Whether a true rate of at least `bar` can show so few hits."""
    return hits >= bar * number if MANY else stats.binom.cdf(hits, number, bar) >= CHANCE


def at_most(hits: int, number: int, bar: float) -> bool:
    return at_least(number - hits, number, 1 - bar)


def unbiased(errors: np.ndarray, bar: float) -> bool:
    """Whether the mean error is nothing: many draws within `bar` of the errors' standard deviation, few as far as chance allows."""
    mean, number = abs(np.mean(errors)) / np.std(errors), len(errors)
    return mean < (bar if MANY else max(bar, stats.norm.isf(CHANCE / 2) / np.sqrt(number)))


def told(reports: list) -> list[tuple[str, str]]:
    """(file, line) of what tests told, in the order of their names."""
    found = sorted((one for one in reports if getattr(one, "when", "") == "call"), key=lambda one: one.nodeid)
    return [(report.nodeid.split("::")[0], str(line)) for report in found for name, line in report.user_properties if name == "told"]
