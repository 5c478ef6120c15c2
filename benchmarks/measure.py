"""What the benchmarks share: made-up panels, paired timings, one line a result."""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]
from made_up import design_of, factor_table  # noqa: E402, F401

from hgdx_eval.design.design import Design  # noqa: E402

REPEATS = 5


def panel(units: int, periods: int, clusters: int, seed: int = 1, start: float = 0.5) -> Design:
    """A design of counts: every second unit treated from `start` of the time on, effect 5 points."""
    rng = np.random.default_rng(seed)
    unit, time_ = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    first = pd.Period("2018-01", freq="M").ordinal
    since = np.where(unit % 2 == 0, first + int(periods * start), np.nan)
    level, common = rng.uniform(0.3, 0.5, units), np.cumsum(rng.normal(0, 0.005, periods))
    share = level[unit] + common[time_] + 0.05 * (first + time_ >= since) + rng.normal(0, 0.02, len(unit))
    denominator = rng.integers(20, 400, len(unit))
    names = np.array([f"u{u:04}" for u in range(units)]), np.array([f"c{c:02}" for c in range(clusters)])
    return design_of(pd.DataFrame({
        "unit": names[0][unit], "cluster": names[1][unit % clusters], "time": first + time_, "denominator": denominator,
        "numerator": rng.binomial(denominator, np.clip(share, 0.01, 0.99)), "treated_from": since,
    }))  # fmt: skip


def whole_clusters(units: int, periods: int, clusters: int) -> Design:
    """A panel in which a third of the clusters is treated as a whole, `overall` alone asked for."""
    design = panel(units, periods, clusters)
    start = design.table["treated_from"].min()
    since = np.where(design.table["cluster"].isin([f"c{c:02}" for c in range(clusters // 3)]), start, np.nan)
    table = design.table.assign(treated_from=since, treated=design.table["time"] >= since, event_time=design.table["time"] - since)
    return replace(design, table=table, path=False)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def paired(ours: Callable[[], object], theirs: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float, float]:
    """(median seconds of ours, of theirs, median of the ratios of neighbours in time), after one unmeasured call of each."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), statistics.median(b / a for a, b in pairs))


def verdict(name: str, ratio: float, bar: float, digits: str) -> None:
    """Say the ratio against the bar; exit 1 where it is missed."""
    print(f"{name}: {ratio:.1f} times as fast (bar {bar:g}); {digits}")
    if ratio < bar:
        sys.exit(1)


def growth(title: str, sizes: list[int], work: Callable[[int], Callable[[], object]]) -> None:
    """Seconds for each size, and by which power of the size they grow: from one to the next, and over all."""
    print(f"\n{title}")
    took: list[float] = []
    for size in sizes:
        run = work(size)
        run()
        took.append(min(seconds(run) for _ in range(3)))
        step = f"   power {log(took[-1] / took[-2]) / log(size / sizes[len(took) - 2]):5.2f}" if len(took) > 1 else ""
        print(f"  {size:>8}  {took[-1] * 1000:9.1f} ms{step}", flush=True)
    print(f"  over all: power {np.polyfit(np.log(sizes), np.log(took), 1)[0]:.2f}")
