"""How often what a verdict asks of the time before passes: effects without a divergence, and divergences without an effect."""

from dataclasses import replace

import numpy as np
import pytest
from monte_carlo import at_least, at_most, draws, rate
from worlds import World, parallel, two_groups

from hgdx_eval.estimation.event_path import parting
from hgdx_eval.infer import sensitivity as s
from hgdx_eval.infer.pre_trends import pre_trends

DESIGNS = {"28 clusters, 20 months before and 23 after": (28, 43, 20), "12 clusters, 24 months before and 16 after": (12, 40, 24)}
MOST, LEAST = 0.10, 0.20  # of drifts without an effect that pass all; of effects of eight standard errors


def quiet(table, rng):
    y, effect = parallel(table, rng)
    return y - effect, 0 * effect


def passes(design):
    """(an interval without 0, first period in steps, average in steps, average in levels, no parting and enough power)."""
    study = s.event_study(design)
    before = pre_trends(study, design.frequency)
    first, steps, level, usual = (np.prod(ends) > 0 for ends in (
        s.relative_magnitudes(study, 1.0, s.first(study)), s.relative_magnitudes(study, 1.0, s.average(study)), s.level_interval(study, 1.0),
        s.level_interval(study, 0.0)))  # fmt: skip
    return usual, first, steps, level, not before.rejects and before.enough


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", DESIGNS)
def test_how_often_each_rule_passes(name, tell):
    world, number = World(two_groups(*DESIGNS[name]), quiet), draws(20, 200)
    drawn = [world.drawn(seed)[0] for seed in range(1, number + 1)]
    averages = [s.event_study(design).headlined for design in drawn]
    error, bias = np.std([own.estimate for own in averages]), averages[0].drift
    for kind, times in (("effect", 2), ("effect", 4), ("effect", 8), ("drift", 2), ("drift", 4), ("drift", 8)):
        moved = times * error / 100
        found = np.array([passes(replace(design, table=design.table.assign(
            y=design.table["y"] + moved * (design.table["treated"] if kind == "effect" else parting(design.table) / bias))))
            for design in drawn])  # fmt: skip
        usual, first, steps, level, before = found.sum(axis=0)
        old, new = (found[:, 0] & found[:, 1]).sum(), (found[:, 0] & found[:, 3] & found[:, 4]).sum()
        tell(f"{name}, {kind} of {times} standard errors: interval without 0 {usual / number:.2f}, first period in steps {first / number:.2f}, "
             f"average in steps {steps / number:.2f}, average in levels {level / number:.2f}, time before {before / number:.2f}; "
             f"first period and interval {old / number:.2f}; average in levels, time before and interval {rate(new, number)}")  # fmt: skip
        assert at_most(new, number, MOST) if kind == "drift" else times < 8 or at_least(new, number, LEAST)
