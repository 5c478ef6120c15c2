"""What the benchmarks share of growth: seconds as a size doubles, and the exponent of each doubling."""

from collections.abc import Callable
from dataclasses import replace
from math import log2

import numpy as np
from measure import panel, seconds

from hgdx_eval.design.design import Design


def grown(title: str, sizes: list[int], work: Callable[[int], Callable[[], object]]) -> None:
    """Seconds for each size, each twice the one before, and by which power of the size they grow."""
    print(f"\n{title}")
    took: list[float] = []
    for size in sizes:
        run = work(size)
        took.append(min(seconds(run) for _ in range(2)))
        print(f"  {size:>8}  {took[-1]:8.3f} s" + (f"   power {log2(took[-1] / took[-2]):5.2f}" if len(took) > 1 else ""), flush=True)
    print(f"  from first to last: power {log2(took[-1] / took[0]) / (len(sizes) - 1):.2f}")


def whole_clusters(units: int, periods: int, clusters: int) -> Design:
    """A panel in which a third of the clusters is treated as a whole, `overall` alone asked for."""
    design = panel(units, periods, clusters)
    start = design.table["treated_from"].min()
    since = np.where(design.table["cluster"].isin([f"c{c:02}" for c in range(clusters // 3)]), start, np.nan)
    table = design.table.assign(treated_from=since, treated=design.table["time"] >= since, event_time=design.table["time"] - since)
    return replace(design, table=table, path=False)
