"""The whole demonstration, both languages, `--force`: this checkout against an older one, in turns, CPU of all processes and peak memory.

    git worktree add ../before COMMIT
    python benchmarks/demonstration.py ../before [--repeats 2] [--bar 0.47] [--study demo]

Both run under this Python; their estimates are compared number by number (largest difference relative to 1 or the number's size).
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent


def run(checkout: Path, folder: Path, study: str) -> tuple[float, float, pd.DataFrame]:
    """`measured` in a process of its own: the system keeps one peak for all children of a process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, checkout, folder, study).result()


def measured(checkout: Path, folder: Path, study: str) -> tuple[float, float, pd.DataFrame]:
    """(CPU seconds of all processes, largest peak of one in MB, the estimates)."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "hgdx_eval", "run", study, "--force"], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(checkout), "HOME": str(home)})  # fmt: skip
    if done.returncode:
        sys.exit(f"{checkout}: {done.stderr[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = pd.read_csv(folder / done.stdout.strip().splitlines()[-1] / "estimates.csv")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024, told


def difference(one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, int]:
    """(largest difference of numbers that both tell, rows that only one tells)."""
    keys = ["notebook", "outcome", "estimator", "term", "group", "cohort", "period", "event_time", "parameter", "inference"]
    both = [table.assign(nth=table.groupby(keys, dropna=False).cumcount()) for table in (one, other)]
    joined = both[0].merge(both[1], on=[*keys, "nth"], how="outer", suffixes=("", "_other"), indicator=True)
    matched, worst = joined[joined["_merge"] == "both"], 0.0
    for column in ("estimate", "std_error", "ci_low", "ci_high", "p_value"):
        gap = (matched[column] - matched[column + "_other"]).abs() / np.maximum(1, matched[column].abs())
        worst = max(worst, float(gap.max()))
    return worst, int((joined["_merge"] != "both").sum())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before", type=Path)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--bar", type=float, default=0.47)
    options.add_argument("--study", default="demo")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = {"now": (ROOT, Path(folder) / "now"), "before": (given.before.resolve(), Path(folder) / "before")}
        found = {name: [] for name in places}
        for _ in range(given.repeats):
            for name, (checkout, where) in places.items():
                where.mkdir(exist_ok=True)
                found[name].append(run(checkout, where, given.study))
                print(f"{name}: {found[name][-1][0]:.1f} s of CPU, peak {found[name][-1][1]:.0f} MB", flush=True)
    worst, alone = difference(found["now"][-1][2], found["before"][-1][2])
    ratio = statistics.median(now[0] / before[0] for now, before in zip(found["now"], found["before"], strict=True))
    print(f"{ratio:.2f} of the CPU (bar {given.bar:g}); estimates differ by at most {worst:.1e}; {alone} rows told by one alone")
    sys.exit(ratio > given.bar)


if __name__ == "__main__":
    main()
