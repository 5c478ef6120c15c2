"""Rehearsed rates against true ones: docs/rehearsal.md.

    python tests/rehearsals.py [STUDIES [DRAWS [NAME ...]]]

Of each world (critic_worlds.py) so many studies without an effect are drawn and rehearsed, and so many new studies are drawn without and
with a third of the world's effect (found sometimes) and judged: what the rehearsals say is held against what happens. Told per rate: the true one, the mean and the
spread of the rehearsed ones, and in how many studies the 99% Monte Carlo interval of the rehearsed rate overlaps that of the true one.
"""

import sys
from dataclasses import replace

import numpy as np
from critic_worlds import WORLDS, World

from hgdx_eval.base.errors import InputError
from hgdx_eval.evaluation.evaluation import evaluated
from hgdx_eval.evaluation.rehearsal import Rehearsal, rehearsed
from hgdx_eval.infer.false_alarms import monte_carlo

NAMES = ("good", "both_sides", "season_balanced", "heteroskedastic", "by_size", "missing_at_random", "days", "staggered_regression",
         "five_before", "memory_9", "random_walk", "three_treated")  # fmt: skip
FIRST_STUDY, FIRST_DRAW = 1, 1000


def rehearsals(world: World, number: int) -> list[Rehearsal]:
    """Of so many studies without an effect, those that can be rehearsed; the world's effect is tried, too."""
    found = []
    for seed in range(FIRST_STUDY, FIRST_STUDY + number):
        try:
            drawn = world.drawn(seed, False)
            judged = evaluated(drawn.design, drawn.study)
        except InputError:  # a draw that is refused
            continue
        told = rehearsed(judged, drawn.study, (world.effect,))
        found += [] if told.table.empty else [told]
    return found


def levels(world: World, number: int, real: bool) -> np.ndarray:
    """Verdicts of so many new studies that have a headline: the rehearsal, too, keeps one."""
    found = []
    for seed in range(FIRST_DRAW, FIRST_DRAW + number):
        try:
            drawn = world.drawn(seed, real)
            found.append(evaluated(drawn.design, drawn.study).verdict)
        except InputError:  # a draw that is refused
            continue
    found = np.array(found)
    return found[found < 5]


def main() -> None:
    studies, draws = (int(text) for text in [*sys.argv[1:3], "20", "100"][:2]) if len(sys.argv) != 2 else (int(sys.argv[1]), 100)
    print("| world | effect | rate | true | rehearsed, mean (spread) | overlap |\n|---|---|---|---|---|---|")
    held = tried = 0
    for name in sys.argv[3:] or NAMES:
        world = replace(WORLDS[name], effect=WORLDS[name].effect / 3)
        told = rehearsals(world, studies)
        for effect in (0.0, world.effect):
            true = levels(world, draws, effect > 0)
            for rate, share in (("found", (true <= 2).mean()), ("clear", (true == 1).mean())):
                own = [each.at(effect) for each in told]
                column = "found" if rate == "found" else "level_1"
                values = np.array([row[column] for row in own])
                ends = monte_carlo(round(share * len(true)), len(true))
                apart = [monte_carlo(round(row[column] * row["worlds"]), int(row["worlds"])) for row in own]
                over = sum(end["low"] <= ends["high"] and ends["low"] <= end["high"] for end in apart)
                held, tried = held + over, tried + len(own)
                print(
                    f"| {name} | {effect:g} | {rate} | {share:.3f} | {values.mean():.3f} ({values.std():.3f}) | {over} of {len(own)} |",
                    flush=True,
                )
    print(f"intervals that overlap: {held} of {tried}")


if __name__ == "__main__":
    main()
