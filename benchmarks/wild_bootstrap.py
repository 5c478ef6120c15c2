"""Wild cluster bootstrap against pyfixest's (pip install .[oracles]): `python benchmarks/wild_bootstrap.py`.

Both start from a fitted regression. 9,999 draws without weights, which pyfixest does not take: 500 units x 60 periods in
27 clusters (bar: 10 times as fast as its second call, and 5 times with the interval, which it has none of) and 40 x 60 in 8
clusters, all sign patterns (bar: 200). Then growth: of the bootstrap by clusters, of the event times' intervals by rows, clusters and
event times.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pyfixest as pf
from measure import growth, paired, panel, seconds, verdict

from hgdx_eval.design.variants import with_equal_weights
from hgdx_eval.estimation.fixed_effects import cells_of, linear, regress, usable
from hgdx_eval.estimators import two_way_fixed_effects as main
from hgdx_eval.infer import false_alarms
from hgdx_eval.infer.wild import DRAWS, drawn, kernel, p_value, signs, wild
from hgdx_eval.study.vocabulary import KINDS, REGRESSION


def fitted(design):
    table = usable(design)
    return regress(cells_of(design, table), table["treated"].to_numpy(float)[:, None])


def ours(fit):
    """p alone, from the fitted regression on."""
    k = kernel(linear(fit, np.ones(1)))
    v, complete = signs(len(k.s0), DRAWS, 1)
    return p_value(k, drawn(k, v), complete, 0.0)


def compare(units: int, clusters: int, bar: float, interval_bar: float | None) -> None:
    design = replace(with_equal_weights(panel(units, 60, clusters)), path=False)
    table = design.table
    design = replace(design, table=table.assign(y=table["y"] - 0.048 * table["treated"]))  # near no effect: a p that tells
    data = design.table.assign(d=table["treated"].astype(float), cluster=pd.factorize(table["cluster"])[0])
    own, fit = fitted(design), pf.feols("y ~ d | unit + time", data=data, vcov={"CRV1": "cluster"})

    def theirs():
        return fit.wildboottest(param="d", reps=DRAWS, cluster="cluster", seed=1)["Pr(>|t|)"]

    a, b = ours(own), float(theirs())
    _, _, ratio = paired(lambda: ours(own), theirs)
    verdict(f"wild bootstrap, {units} x 60, {clusters} clusters", ratio, bar, f"p {a:.4f} and {b:.4f}")
    if interval_bar:
        _, _, whole = paired(lambda: wild(linear(own, np.ones(1)), 1), theirs)
        verdict("  with the interval, against its p alone", whole, interval_bar, "no interval there")


def placebo_worlds() -> None:
    for units, clusters in ((40, 8), (500, 27)):
        design = replace(panel(units, 60, clusters), path=False)
        took = seconds(lambda design=design: false_alarms.false_alarms(design, "two_way_fixed_effects", KINDS))
        print(f"the gate, 2,000 worlds, {units} x 60, {clusters} clusters: {took:.1f} s")


def events(units: int, periods: int, clusters: int):
    return partial(false_alarms.wild_aggregates, panel(units, periods, clusters), REGRESSION)


if __name__ == "__main__":
    np.seterr(all="ignore")
    placebo_worlds()
    growth("all of ours, as clusters double (240 units x 60)", [10, 20, 40, 80],
           lambda clusters: partial(lambda design: wild(main.linears(design)[None], 1), panel(240, 60, clusters)))  # fmt: skip
    growth("wild intervals of all event times: units x 60 periods, 27 clusters", [250, 500, 1000, 2000], lambda n: events(n, 60, 27))
    growth("wild intervals of all event times: clusters of 500 units x 60 periods", [15, 30, 60, 120], lambda n: events(500, 60, n))
    growth("wild intervals of all event times: periods of 250 units in 27 clusters", [15, 30, 60, 120], lambda n: events(250, n, 27))
    compare(500, 27, 10, 5)
    compare(40, 8, 200, None)
