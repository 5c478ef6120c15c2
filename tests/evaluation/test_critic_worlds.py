"""The worlds of a critic are what they say, none talks the verdict into clear evidence of nothing, and their table counts right."""

from contextlib import suppress
from dataclasses import replace

import critics
import numpy as np
import pandas as pd
import pytest
from critic_worlds import WORLDS
from critics import grouped_by_world, judged, line, misses, page
from monte_carlo import draws

from hgdx_eval.base.errors import InputError
from hgdx_eval.estimation.estimate import estimate

ASTRAY = 0.4  # of a world's effect: how far a mean error over few draws may lie from what the world says
FEW, MORE = range(1, 4), range(1, 25)
REFUSED = "lost_told"  # a world that the kit will not judge
TELLING = [name for name, world in WORLDS.items() if not world.impossible and name != REFUSED]
QUICK = (
    "under_recorded",
    "easy_kind",
    "shared_shock",
    "season_unbalanced",
    "diverging",
    "giant",
)  # of each family one, judged at every run
SLOW = ("under_recorded_little", "under_recorded_elsewhere", "lost_untold", "postponed", "informationless")  # the draws that fooled it once
DRAW = {"lost_untold": 10}  # the draw that is judged, where another than the seventh once fooled the verdict


def errors(name: str, real: bool, seeds: range) -> np.ndarray:
    """What is estimated less the truth, the outcome's unit, of draws that are not refused."""
    found = []
    for seed in seeds:
        with suppress(InputError):
            draw = WORLDS[name].drawn(seed, real)
            row = estimate(replace(draw.design, path=False), draw.study.estimator).overall()
            found.append(row["estimate"] - draw.truth)
    return np.array(found)


def test_there_are_worlds_enough_of_both_kinds():
    assert len(WORLDS) >= 24 and all(name == world.name for name, world in WORLDS.items())
    assert {world.valid for world in WORLDS.values()} == {True, False}
    assert all(world.bias == 0 and not world.impossible for world in WORLDS.values() if world.valid)


def test_a_draw_is_made_by_its_seed_and_its_effect_alone():
    first, again, other, real = (WORLDS["good"].drawn(seed, effect).panel.cells for seed, effect in ((1, 0), (1, 0), (2, 0), (1, 1)))
    pd.testing.assert_frame_equal(first, again)
    assert not first["numerator"].equals(other["numerator"]) and not first["numerator"].equals(real["numerator"])
    pd.testing.assert_series_equal(first["denominator"], real["denominator"])


@pytest.mark.parametrize("name", [*TELLING, *(name for name, world in WORLDS.items() if world.impossible)])
def test_a_world_does_to_the_estimate_what_it_says(name):
    world = WORLDS[name]
    assert world.drawn(1, False).truth == pytest.approx(0, abs=1e-9)
    assert 0.6 <= world.drawn(1, True).truth / world.effect <= 1.1
    assert abs(errors(name, False, FEW).mean() - world.bias) <= ASTRAY * abs(world.effect)


@pytest.mark.long
@pytest.mark.parametrize("name", [*TELLING, *(name for name, world in WORLDS.items() if world.impossible)])
def test_a_world_leads_astray_by_as_much_as_it_says(name):
    world = WORLDS[name]
    for real in (False, True) if world.valid else (False,):
        found = errors(name, real, MORE)
        assert abs(found.mean() - world.bias) <= 4 * found.std() / np.sqrt(len(found)) + 0.1 * abs(world.bias)


def test_outcomes_that_the_policy_takes_away_are_refused():
    with pytest.raises(InputError, match="its loss moves with the policy"):
        WORLDS[REFUSED].drawn(1, False)
    assert judged((REFUSED, "zero", 1))["refused"] == "InputError"


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in SLOW)])
def test_no_clear_evidence_of_nothing(name):
    assert judged((name, "zero", DRAW.get(name, 7))).get("verdict") in (2, 3, 4, 5)


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", TELLING)
def test_no_clear_evidence_of_nothing_in_several_draws(name):
    said = [judged((name, "zero", seed)) for seed in range(2, 2 + draws(1, 20))]
    assert [row["seed"] for row in said if row.get("verdict") == 1] == []


# --- the table -------------------------------------------------------------------------------------------------------
def row(world="good", effect="zero", seed=1, verdict=3, headline="cluster", low=-1.0, high=1.0, **more):
    own = {"refused": "", "truth": 0.0, "estimate": 0.0, "rank": None, "number": None, "checks": {}, "signs": [], "seconds": 1.0}
    given = {"world": world, "effect": effect, "seed": seed, "verdict": verdict, "headline": headline, "low": low, "high": high}
    return {**given, **own, **more}


def columns(text: str) -> list[str]:
    return [cell.strip() for cell in text.strip("|").split("|")]


def test_a_line_tells_what_holds_what_alarms_and_what_stands_in_the_way():
    rank = {"headline": "placebo", "low": np.nan, "high": np.nan, "number": 40}
    rows = [row(), row(low=0.5, verdict=2, signs=["ceiling"], checks={"breakdown": "fail", "methods": "pass"}),
            row(**rank, rank=2, verdict=2), row(**rank, rank=3), row(headline="none", low=np.nan, high=np.nan, verdict=5),
            {"world": "good", "effect": "zero", "seed": 6, "refused": "InputError", "seconds": 1.0}]  # fmt: skip
    found = columns(line("good", "zero", rows))
    assert found[2] == "6" and found[4].startswith("50.0 [") and found[5].startswith("50.0 [")
    assert found[6].startswith("0.0 [") and found[7:10] == ["33", "33", "0"] and found[10].startswith("16.7 [") and found[11] == "17"
    assert set(found[13].split(", ")) == {"ceiling 1", "breakdown: fail 1", "rank 1"}


def test_exaggeration_is_that_of_what_is_called_clear():
    rows = [row(effect="real", truth=4.0, estimate=6.0, low=5.0, high=7.0, verdict=1), row(effect="real", truth=4.0, estimate=90.0)]
    found = columns(line("good", "real", rows))
    assert found[12] == "1.50" and found[5] == "–" and found[4].startswith("0.0 [")


def test_the_bars_are_held_where_they_are_meant():
    worlds = {"good": True, "under_recorded": True, "counted_otherwise": False, "giant": True}  # whether level 1 of nothing is a miss
    rows = [row(world, seed=seed, low=0.5, verdict=1 if seed == 1 else 5) for world in worlds for seed in range(1, 51)]
    held, clear, cannot = misses(grouped_by_world(rows)).values()
    assert [text.split("`")[1] for text in held] == ["good", "giant"]  # valid
    assert sorted(text.split("`")[1] for text in clear) == sorted(world for world, miss in worlds.items() if miss)
    assert [text.split("`")[1] for text in cannot] == ["good"]  # enough clusters that carry information
    few = [row(world, seed=seed, verdict=1 if seed == 1 else 3) for world in worlds for seed in range(1, 101)]
    assert not any(misses(grouped_by_world(few)).values()) and page(few)[1] and not page(rows)[1]


def test_the_page_names_every_world_and_why_nobody_could_tell():
    text, _ = page([row(name, seed=1) for name in WORLDS])
    assert all(f"`{name}`" in text for name in WORLDS)
    assert all(world.impossible in text for world in WORLDS.values() if world.impossible) and critics.rate(0, 0) == "–"
