"""How far each method is off where an assumption fails: `python benchmarks/bias.py [draws]` prints the table of docs/bias.md.

Worlds and seeds are those of the tests (tests/worlds.py), 500 draws unless told otherwise.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from worlds import BROKEN, World

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.study.vocabulary import estimator_names


def bias(world: World, draws: int) -> dict[str, str]:
    """Estimator -> mean error in percentage points, its Monte Carlo error, and the error in standard deviations."""
    errors: dict[str, list[float]] = {}
    for seed in range(1, draws + 1):
        design, truth = world.drawn(seed)
        for name in estimator_names():
            try:
                errors.setdefault(name, []).append(estimate(design, name).overall()["estimate"] - truth)
            except Refusal:
                errors.setdefault(name, [])
    return {name: told(np.array(found)) for name, found in errors.items()}


def told(errors: np.ndarray) -> str:
    if len(errors) == 0:
        return "refused"
    return f"{errors.mean():+.2f} ± {errors.std() / np.sqrt(len(errors)):.2f} ({errors.mean() / errors.std():+.1f} sd)"


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    found = {name: bias(world, draws) for name, world in BROKEN.items()}
    print(f"| method | {' | '.join(found)} |")
    print("|---" * (len(found) + 1) + "|")
    for estimator in estimator_names():
        print(f"| `{estimator}` | {' | '.join(found[name][estimator] for name in found)} |")


if __name__ == "__main__":
    main()
