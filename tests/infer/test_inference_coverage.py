"""The intervals that the kit may headline, with 8 clusters of which 3 or 4 are treated, and with agencies that hold both sides.

Seeds fixed beforehand. The methods are weighted sums of outcomes and the effects add to them: an interval misses a true
effect exactly as often as it leaves out 0 where there is none, so that one rate tells both.
"""

from functools import cache

import numpy as np
import pytest
from monte_carlo import at_least, draws, rate
from scipy import stats
from worlds import World, codes, constant, crossed, parallel, sizes, two_groups, wandering

from hgdx_eval.estimation.fixed_effects import residuals
from hgdx_eval.estimators import two_way_fixed_effects as main
from hgdx_eval.infer import false_alarms, randomization, wild

KINDS = ("cluster", "wild", "randomization")


@cache
def three_of_eight():
    return crossed([{"cluster": f"c{n // 3:02}", "start": 24 if n // 3 < 3 else None, "size": s} for n, s in enumerate(sizes(24, 5))], 40)


@cache
def inside_agencies():
    """Eight agencies, three units with a fee and three without in each; every month is compared inside an agency."""
    return crossed([{"cluster": f"c{n // 6:02}", "block": f"c{n // 6:02}", "start": 24 if n % 6 < 3 else None, "size": s}
                    for n, s in enumerate(sizes(48, 6))], 40)  # fmt: skip


def shocks_by_side(table, rng):
    """In each agency the dossiers with a fee and those without have shocks of their own."""
    y, effect = parallel(table, rng, constant)
    side = table["treated_from"].notna().to_numpy().astype(int)
    return y + wandering(rng, codes(table, "cluster") * 2 + side, codes(table, "time"), 0.02, 0.6), effect


WORLDS = {
    "4 of 8 clusters treated": World(two_groups(8), parallel),
    "3 of 8 clusters treated": World(three_of_eight(), parallel),
    "8 agencies with both sides": World(inside_agencies(), shocks_by_side),
    "6 of 12 clusters treated": World(two_groups(), parallel),
}


def holds(design, truth: float) -> dict[str, bool]:
    """Whether each kind's interval holds the truth."""
    linear = main.linears(design)[None]
    k = wild.kernel(linear)
    v, complete = wild.signs(len(k.s0), 999, 1)
    p, table = randomization.permuted(design, 499)
    both = randomization.under_all(
        p, randomization.sums_by_start(p, residuals(p.fe, np.column_stack([linear.y, table["treated"]]).astype(float)))
    )
    return {
        "cluster": 2 * stats.t.sf(abs(linear.estimate - truth) / linear.std_error, linear.dof) > 0.05,
        "wild": wild.p_value(k, wild.drawn(k, v), complete, truth) > 0.05 + 1e-12,
        "randomization": randomization.line_test(both[:, 0], both[:, 1])(truth) > 0.05 + 1e-12,
    }


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", sorted(WORLDS))
def test_what_the_gate_headlines_holds_the_truth(name, tell):
    number, held, picked, own = draws(50, 500), 0, dict.fromkeys((*KINDS, "none"), 0), dict.fromkeys(KINDS, 0)
    for seed in range(1, number + 1):
        design, truth = WORLDS[name].drawn(seed)
        inside = holds(design, truth)
        found = false_alarms.chosen(false_alarms.false_alarms(design, "two_way_fixed_effects", KINDS, 500), KINDS, set(KINDS))
        kind = next(iter(found.loc[found["state"] == "headline", "kind"]), "none")
        picked[kind] += 1
        held += inside.get(kind, True)
        for each in KINDS:
            own[each] += inside[each]
    tell(f"{name}: headlined {rate(held, number)}; chosen {picked}")
    for kind in KINDS:
        tell(f"{name}: {kind} {rate(own[kind], number)}")
    assert at_least(held, number, 0.93)


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", sorted(WORLDS))
def test_the_default_kind_alone_holds_the_truth(name, tell):
    """The clustered t with Satterthwaite's degrees of freedom."""
    number = draws(250, 2000)
    held = sum(abs(part.estimate - truth) <= stats.t.ppf(0.975, part.dof) * part.std_error
               for design, truth in (WORLDS[name].drawn(seed) for seed in range(1, number + 1))
               for part in [main.linears(design)[None]])  # fmt: skip
    tell(f"{name}: clustered t alone {rate(held, number)}")
    assert at_least(held, number, 0.93)


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_every_kind_can_be_had_in_these_designs(name):
    design, truth = WORLDS[name].drawn(1)
    assert set(holds(design, truth)) == set(KINDS)
