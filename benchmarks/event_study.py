"""Event study on 500 units x 60 periods with dossiers as weights: at least 5 times as fast as pyfixest, equal to 1e-9."""

import warnings
from functools import partial

import numpy as np
import pyfixest
from measure import growth, paired, panel, verdict

from hgdx_eval.estimation.fixed_effects import cells_of, indicators, regress

warnings.simplefilter("ignore")
design = panel(500, 60, 27)
frame = design.table.assign(k=design.table["event_time"].fillna(-1).astype(int), y=design.table["y"] * 100)


def ours(d=design):
    """The event rows alone, from the design's table to coefficients and clustered errors."""
    table = d.table
    cells = cells_of(d, table)
    event = table["event_time"].to_numpy()
    others = np.unique(event[np.isfinite(event)]).astype(int)
    others = others[others != -1]
    fit = regress(cells, indicators(event, others))
    return others, fit


def theirs():
    return pyfixest.feols("y ~ i(k, ref=-1) | unit + time", frame, weights="weight", weights_type="fweights", vcov={"CRV1": "cluster"})


others, fit = ours()
other = theirs()
coefficients = np.array([other.coef()[f"C(k, contr.treatment(base=-1))[{k}]"] if f"C(k, contr.treatment(base=-1))[{k}]" in other.coef()
                         else other.coef().iloc[i] for i, k in enumerate(others)])  # fmt: skip
errors = other.se().to_numpy()
gap = np.abs(np.sort(fit.beta) - np.sort(coefficients)).max()
ratio_of_errors = np.sqrt(np.diag(fit.covariance)) / errors
mine, them, ratio = paired(ours, theirs)
print(f"ours {mine * 1000:.0f} ms, pyfixest {pyfixest.__version__} {them * 1000:.0f} ms; {len(fit.beta)} coefficients")
verdict("event study", ratio, 5, f"coefficients differ by {gap:.1e} at most, errors by a factor of "
        f"{ratio_of_errors.min():.9f} to {ratio_of_errors.max():.9f}")  # fmt: skip
assert gap < 1e-9
growth("units, 60 periods", [125, 250, 500, 1000, 2000], lambda n: partial(ours, panel(n, 60, 27)))
growth("periods, 500 units", [15, 30, 60, 120], lambda n: partial(ours, panel(500, n, 27)))
