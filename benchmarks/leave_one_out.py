"""One cluster less by sums against estimating anew without each: `python benchmarks/leave_one_out.py`.

The other way is the estimator itself, `estimate(without_cluster(design, name), "two_way_fixed_effects")`, once for each cluster.
1,000 units x 60 periods in 27 and in 108 clusters, and 27 with period effects of their own; every number equal to 1e-9 (bar: 10 times
as fast). Then growth by rows, clusters and periods.
"""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
from measure import growth, panel, seconds, verdict, whole_clusters

from hgdx_eval.design.placebos import without_cluster
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.evaluation import leave_one_out

MAIN = "two_way_fixed_effects"
NUMBERS = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "n_obs", "n_units", "n_clusters"]


def ours(design):
    return leave_one_out(design, SimpleNamespace(estimator=MAIN)).table[NUMBERS].to_numpy(float)


def theirs(design):
    names = sorted(design.table["cluster"].unique())
    return np.array([estimate(without_cluster(design, name), MAIN).overall()[NUMBERS] for name in names], float)


def compare(name: str, design) -> None:
    gap = float(np.abs(ours(design) / theirs(design) - 1).max())
    assert gap < 1e-9, gap
    mine = min(seconds(lambda: ours(design)) for _ in range(3))
    verdict(name, seconds(lambda: theirs(design)) / mine, 10, f"{mine:.2f} s; numbers differ by {gap:.1e} of themselves at most")


if __name__ == "__main__":
    np.seterr(all="ignore")
    compare("1,000 x 60, 27 clusters", whole_clusters(1000, 60, 27))
    compare("1,000 x 60, 108 clusters", whole_clusters(1000, 60, 108))
    blocks = panel(1000, 60, 27)
    compare(
        "1,000 x 60, 27 clusters with period effects of their own",
        replace(blocks, table=blocks.table.assign(block=blocks.table["cluster"])),
    )
    growth("units x 60 periods, 27 clusters", [625, 1250, 2500, 5000], lambda n: partial(ours, whole_clusters(n, 60, 27)))
    growth("clusters of 2,400 units x 60 periods", [150, 300, 600, 1200], lambda n: partial(ours, whole_clusters(2400, 60, n)))
    growth("periods of 500 units in 27 clusters", [30, 60, 120, 240], lambda n: partial(ours, whole_clusters(500, n, 27)))
