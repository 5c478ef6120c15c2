"""How often each method's own interval holds the truth, and how often it cries wolf: `python benchmarks/false_alarms.py [draws]`.

Worlds in which the assumptions hold (tests/worlds.py), 500 draws unless told otherwise; prints the first table of docs/coverage.md.
`python benchmarks/false_alarms.py growth` measures how the gate grows with rows and clusters instead.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

from measure import growth, whole_clusters  # noqa: E402
from worlds import HOLDS, World  # noqa: E402

from hgdx_eval.estimation.estimate import estimate  # noqa: E402
from hgdx_eval.infer.false_alarms import false_alarms  # noqa: E402
from hgdx_eval.study.vocabulary import KINDS, REGRESSION  # noqa: E402

RANKED = ("synthetic_control", "augmented_synthetic_control", "synthetic_did")


def without_effect(world: World, seed: int):
    """The same draw, its effect taken out."""
    table = world.design.table
    y, effect = world.draw(table, np.random.default_rng([seed, 2023]))
    y = np.clip(y - effect, 0, 1)
    return replace(world.design, table=table.assign(y=y, numerator=y * table["denominator"]))


def measured(name: str, world: World, draws: int) -> dict[str, list[int]]:
    """Kind of inference -> [times the truth was held, times an alarm was false, draws]."""
    found: dict[str, list[int]] = {}
    for seed in range(1, draws + 1):
        design, truth = world.drawn(seed)
        nothing = without_effect(world, seed)
        if name in RANKED:
            design, nothing = replace(design, path=True), replace(nothing, path=True)
        for rows, kind_of in ((estimate(design, name).rows("overall"), "held"), (estimate(nothing, name).rows("overall"), "false")):
            for _, row in rows.iterrows():
                kind = row["inference"] + (" (rank of the ratio)" if row["parameter"].startswith("rmspe") else
                                           " (rank)" if row["inference"] == "placebo" and "/" in row["parameter"] else "")  # fmt: skip
                counts = found.setdefault(kind, [0, 0, 0])
                if kind_of == "held":
                    counts[0] += bool(row["ci_low"] <= truth <= row["ci_high"])
                else:
                    counts[1] += bool(row["p_value"] <= 0.05 + 1e-12)
                    counts[2] += 1
    return {kind: counts for kind, counts in found.items() if not kind.startswith("none")}


def rate(number: int, draws: int) -> str:
    low, high = stats.binomtest(number, draws).proportion_ci(0.99)
    return f"{number / draws:.3f} ({low:.3f}–{high:.3f})"


def gate_growth() -> None:
    """Seconds of 2,000 worlds for each kind, a third of the clusters being treated as a whole."""
    for kind in KINDS:

        def work(units: int, clusters: int, kind: str = kind):
            return partial(false_alarms, whole_clusters(units, 60, clusters), REGRESSION, (kind,))

        growth(f"{kind}: units x 60 periods, 27 clusters", [500, 1000, 2000, 4000], partial(work, clusters=27))
        growth(f"{kind}: clusters of 960 units x 60 periods", [15, 30, 60, 120], partial(work, 960))


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("| method | interval | holds the truth | false alarms |\n|---|---|---|---|")
    for name, worlds in HOLDS.items():
        for kind, (held, false, number) in measured(name, worlds[0], draws).items():
            print(f"| `{name}` | {kind} | {'–' if 'rank' in kind else rate(held, number)} | {rate(false, number)} |", flush=True)


if __name__ == "__main__":
    gate_growth() if sys.argv[1:] == ["growth"] else main()
