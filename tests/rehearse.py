"""The rehearsal's fast path against the slow one: in the same worlds, with the same effects, every judgement made by estimating anew.

    python tests/rehearse.py [--gate] [WORLDS [NAME ...]]

Names: worlds of critic_worlds.py. Told per world and effect: how often either path finds it and speaks of clear evidence, and in how many
worlds their levels differ. `--gate`: the slow path chooses its headline anew by the gate of each world, else it keeps the study's.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
from critic_worlds import WORLDS as CRITICS

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.fixed_effects import points, usable
from hgdx_eval.evaluation import evaluation
from hgdx_eval.evaluation.evaluation import Evaluation, evaluated
from hgdx_eval.evaluation.rehearsal import judge_of, paths_of, worst_common
from hgdx_eval.evaluation.rehearsal_sums import read_of
from hgdx_eval.infer.false_alarms import WORLDS, worlds_of
from hgdx_eval.infer.world_sums import draws_of, outcomes
from hgdx_eval.study.study import Study

NAMES = ("good", "both_sides", "staggered_regression", "by_size", "staggered_imputation", "staggered_callaway")


def world(found: Evaluation, y: np.ndarray):
    """The study with other outcomes (in points) around each unit's mean before the policy."""
    table = usable(found.design)
    early = table[table["time"] < table["treated_from"].min()]
    level = (early["y"] * early["weight"]).groupby(early["unit"], observed=True).sum() / early.groupby("unit", observed=True)[
        "weight"
    ].sum()
    values = table["unit"].map(level).to_numpy(float) + y / points(found.design)
    return replace(found.design, table=table.assign(y=values, numerator=values * table["denominator"]))


@contextmanager
def gate_of(found: Evaluation) -> Iterator[None]:
    """Every evaluation has this one's gate."""
    own = evaluation.gated
    evaluation.gated = lambda *given: found.gate
    try:
        yield
    finally:
        evaluation.gated = own


def compared(found: Evaluation, p: Study, effects: list[float], number: int, anew: bool = False) -> pd.DataFrame:
    """One row per effect and world: the level by either path, and what the slow one saw. `anew`: the gate, too, is asked in each world."""
    read = read_of(found.design, found, p)
    judge, source = judge_of(found, read, p), worlds_of(found.design)
    y = outcomes(source, draws_of(source, WORLDS, number, worst_common(found)))
    path, plain, rows = paths_of(found.design)["constant"], read.sums(y), []
    moved = read.sums(path[:, None])
    for effect in effects:
        fast = judge.of(plain, moved, effect)
        for j in range(number):
            one = world(found, y[:, j] + effect * path)
            if anew:
                slow = evaluated(one, p)
            else:
                with gate_of(found):
                    slow = evaluated(one, p)
            rows.append({"effect": effect, "fast": int(fast["level"].iloc[j]), "slow": slow.verdict, "checks": slow.checks,
                         "signs": [sign.name for sign in slow.signs], "kind": slow.headline})  # fmt: skip
    return pd.DataFrame(rows)


def studied(name: str) -> tuple[Evaluation, Study]:
    drawn = CRITICS[name].drawn(1, False)
    return evaluated(drawn.design, drawn.study), drawn.study


def effects_of(found: Evaluation) -> list[float]:
    """None, and two that are found sometimes and nearly always."""
    error = float(found.main.rows("overall")["std_error"].dropna().iloc[0])
    return [0.0, 3 * error, 6 * error]


def main() -> None:
    given = [text for text in sys.argv[1:] if text != "--gate"]
    for name in given[1:] or list(CRITICS):
        try:
            found, p = studied(name)
        except Refusal as refusal:
            print(name, "is refused:", refusal.reason)
            continue
        read = None if found.headline == "none" else read_of(found.design, found, p)
        if read is None:
            print(name, "is not rehearsed in worlds:", found)
            continue
        told = compared(found, p, effects_of(found), int(given[0]) if given else 20, "--gate" in sys.argv)
        print(f"{name}: {p.estimator}, {found.headline}; held as they are: {read.missing}")
        for effect, own in told.groupby("effect"):
            rates = [f"{(own[path] <= 2).mean():.2f} found, {(own[path] == 1).mean():.2f} clear" for path in ("fast", "slow")]
            print(f"  effect {effect:.2f}: fast {rates[0]}; slow {rates[1]}; {(own['fast'] != own['slow']).sum()} of {len(own)} differ")
            for row in own[own["fast"] != own["slow"]].head(4).itertuples():
                print(f"    fast {row.fast}, slow {row.slow} by {row.kind}: {row.checks} {row.signs}")


if __name__ == "__main__":
    main()
