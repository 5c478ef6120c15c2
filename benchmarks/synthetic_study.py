"""The synthetic methods on a study of 1,000 units x 60 months, 9 of 27 clusters treated (666 donors, 48 months before): seconds of one
fit, of all placebos and of leaving out donors; each fit at least 5 times as fast as with the weights of all donors at once, the
estimates equal to 1e-7 of a point."""

import sys
import time
from unittest.mock import patch

import numpy as np
import pandas as pd
from measure import design_of, factor_table, seconds
from measure import verdict as told

from hgdx_eval.estimation.synthetic_weights import Matrix, Synthetic, leave_one_out, matrix, placebos
from hgdx_eval.estimators import augmented_synthetic_control, synthetic_control, synthetic_did

METHODS = {"synthetic_control": (synthetic_control, "control"), "synthetic_did": (synthetic_did, "synthetic_did"),
           "augmented_synthetic_control": (augmented_synthetic_control, "augmented")}  # fmt: skip


def many_units(units: int = 1000, periods: int = 60, before: int = 48, clusters: int = 27, treated: int = 9, seed: int = 1) -> Matrix:
    """The matrix of a made-up study: levels, a common walk, a walk for each cluster, noise; effect 5 points."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(units) % clusters
    walk = np.cumsum(rng.normal(0, 0.5, (clusters, periods)), axis=1)
    common = np.cumsum(rng.normal(0, 0.5, periods))
    series = rng.uniform(30, 50, units)[:, None] + common + walk[cluster] + rng.normal(0, 3, (units, periods))
    on = cluster < treated
    series[on, before:] += 5
    donors = series[~on]
    names = tuple(f"u{i:04}" for i in range(len(donors)))
    return Matrix(series[on].mean(axis=0), donors, names, before, int(on.sum()), np.arange(periods) - before)


def one_treated(donors: int, periods: int, seed: int = 1) -> Matrix:
    """One treated unit and so many donors, three quarters of the periods before: two common factors and noise."""
    rng = np.random.default_rng(seed)
    factors = np.cumsum(rng.normal(0, 1, (2, periods)), axis=1)
    series = rng.uniform(30, 50, (donors + 1, 1)) + rng.uniform(0, 2, (donors + 1, 2)) @ factors + rng.normal(0, 1, (donors + 1, periods))
    before = periods * 3 // 4
    return Matrix(series[0], series[1:], tuple(f"u{i:04}" for i in range(donors)), before, 1, np.arange(periods) - before)


def placebo_panel() -> tuple[pd.DataFrame, Matrix]:
    """One treated unit and 62 donors, 48 months, 36 of them before: the table (y in points, on, treated_unit) and its matrix."""
    table = factor_table(1, donors=62, periods=48, before=36)
    on, ever = table["time"] >= table["treated_from"], table["treated_from"].notna()
    table = table.assign(y=100 * table["numerator"] / table["denominator"], on=on.astype(int), treated_unit=ever.astype(int))
    return table, matrix(design_of(table))


def formerly(module: object, solver: str, m: Matrix) -> Synthetic:
    """The fit with the weights of all donors at once."""
    from former_simplex import former_simplex

    with patch.object(module, "simplex", former_simplex):
        return getattr(module, solver)(m)


def against_former(method: str, m: Matrix, bar: float, repeats: int = 3) -> None:
    """The ratio to the weights of all donors at once, on one fit, the median of neighbours in time."""
    module, solver = METHODS[method]
    own, other = getattr(module, solver)(m), formerly(module, solver, m)
    pairs = [(seconds(lambda: getattr(module, solver)(m)), seconds(lambda: formerly(module, solver, m))) for _ in range(repeats)]
    mine, them, ratio = (float(np.median(x)) for x in zip(*[(a, b, b / a) for a, b in pairs], strict=True))
    apart, weights = abs(own.estimate - other.estimate), np.abs(own.weights - other.weights).max()
    print(
        f"{method}, {m.donors.shape[0]} donors x {m.before} periods before: {mine * 1000:.1f} ms, all donors at once {them * 1000:.0f} ms"
    )
    told(f"{method}, one fit", ratio, bar, f"estimates differ by {apart:.1e}, weights by {weights:.1e}")
    assert apart < 1e-7 and weights < 1e-7


def main() -> None:
    m = many_units()
    for method, (module, solver) in METHODS.items():
        fit = getattr(module, solver)
        begun = time.perf_counter()
        found = fit(m)
        one = time.perf_counter()
        others = placebos(m, fit, 1)
        space = time.perf_counter()
        rows, cut = leave_one_out(m, found, fit)
        out = time.perf_counter()
        heavy = int((np.abs(found.weights) >= 1e-3).sum())
        print(f"{method}: fit {one - begun:.3f} s, {len(others)} placebos {space - one:.2f} s, "
              f"{len(rows)} of {heavy} donors left out {out - space:.2f} s{' (told)' if cut else ''}", flush=True)  # fmt: skip
    for method in METHODS:
        against_former(method, m, 5, repeats=1 if method == "augmented_synthetic_control" else 3)


if __name__ == "__main__":
    sys.exit(main())
