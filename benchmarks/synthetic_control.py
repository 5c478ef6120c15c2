"""Synthetic control: one fit of 666 donors x 48 months before at least 20 times as fast as Clarabel's interior point on the same problem
and 20 times as the weights of all donors at once; with all 62 placebos in space (63 units x 48 months, 36 before) at least 50 times as
fast as diff-diff's SyntheticControl(custom V) with in_space_placebo, the same estimate and the same p-value. Without
Clarabel that part is skipped."""

import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import numpy as np
import pandas as pd
from diff_diff import SyntheticControl
from measure import growth, paired, verdict
from synthetic_study import against_former, many_units, one_treated, placebo_panel

from hgdx_eval.estimation.inference import placebo_rank
from hgdx_eval.estimation.synthetic_weights import TIE, Matrix, placebos, rmspe
from hgdx_eval.estimators.synthetic_control import control

warnings.simplefilter("ignore")


def clarabel_weights(m: Matrix) -> Callable[[], np.ndarray]:
    """The weights with the tie-break by Clarabel, the problem set up beforehand in its sparsest form (a variable for each period's gap)."""
    import clarabel
    from scipy import sparse

    distance = m.donors[:, : m.before] - m.treated[: m.before]
    distance = distance / np.sqrt((distance**2).mean())
    donors, periods = distance.shape
    tie = TIE * (distance**2).sum(axis=1).mean()
    curvature = sparse.diags(np.r_[np.full(donors, 2.0), np.full(periods, 2 / tie)]).tocsc()  # over the ridge: else it ends too early
    rows = sparse.bmat([[sparse.csc_matrix(distance.T), -sparse.eye(periods)], [sparse.csc_matrix(np.ones((1, donors))), None],
                        [-sparse.eye(donors), None]]).tocsc()  # fmt: skip
    target = np.r_[np.zeros(periods), 1.0, np.zeros(donors)]
    cones = [clarabel.ZeroConeT(periods + 1), clarabel.NonnegativeConeT(donors)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12

    def solve() -> np.ndarray:
        solver = clarabel.DefaultSolver(curvature, np.zeros(donors + periods), rows, target, cones, settings)
        return np.array(solver.solve().x)[:donors]

    return solve


def against_clarabel(m: Matrix) -> None:
    try:
        theirs = clarabel_weights(m)
    except ImportError:
        print("one fit against Clarabel: skipped, the package `clarabel` is not installed")
        return
    own, weights = control(m), theirs()
    after = (m.treated - weights @ m.donors)[m.before :].mean()
    mine, them, ratio = paired(lambda: control(m), theirs)
    print(f"{len(m.names)} donors x {m.before} periods before: {mine * 1000:.1f} ms, Clarabel {version('clarabel')} {them * 1000:.0f} ms")
    verdict("synthetic control, one fit", ratio, 20,
            f"estimates differ by {abs(own.estimate - after):.1e}, weights by {np.abs(own.weights - weights).max():.1e}")  # fmt: skip
    assert abs(own.estimate - after) < 1e-5


def against_diff_diff() -> None:
    table, m = placebo_panel()

    def theirs() -> object:
        kit = SyntheticControl(v_method="custom", custom_v=np.ones(36) / 36, standardize="none")
        found = kit.fit(table, "y", "on", "unit", "time")
        found.in_space_placebo()
        return found

    own, others = ours(m)
    other = theirs()
    ratios = pd.Series([rmspe(m, fit.gap, True) / rmspe(m, fit.gap, False) for _, fit in others])
    rank, number = placebo_rank(rmspe(m, own.gap, True) / rmspe(m, own.gap, False), ratios)
    gap = abs(own.estimate - other.att)
    print(
        f"estimate {own.estimate:.6f}, theirs {other.att:.6f}; p {rank}/{number} = {rank / number:.6f}, theirs {other.placebo_p_value:.6f}"
    )
    mine, them, ratio = paired(partial(ours, m), theirs)
    print(f"ours {mine * 1000:.0f} ms, diff-diff {version('diff-diff')} {them * 1000:.0f} ms for 1 + {len(others)} fits")
    verdict("synthetic control and placebos", ratio, 50, f"estimates differ by {gap:.1e}")
    assert gap < 1e-3 and abs(rank / number - other.placebo_p_value) < 1e-9


def ours(m: Matrix) -> tuple:
    """The fit and every placebo, from the matrix of outcomes."""
    return control(m), placebos(m, control, 1)


against_clarabel(many_units())
against_former("synthetic_control", many_units(), 20)
against_diff_diff()

growth("one fit: donors whose mix fits exactly, 36 periods before", [50, 100, 200, 400, 800, 1600],
          lambda n: partial(control, many_units(n * 3 // 2, 48, 36)))  # fmt: skip
growth("one fit: donors of one treated unit, 36 periods before", [50, 100, 200, 400, 800, 1600],
          lambda n: partial(control, one_treated(n, 48)))  # fmt: skip
growth("one fit: periods, 400 donors", [16, 32, 64, 128], lambda n: partial(control, one_treated(400, n)))
growth("all placebos: donors, 36 periods before (as many more fits)", [25, 50, 100, 200], lambda n: partial(ours, one_treated(n, 48)))
growth("one fit: periods doubled, fewer donors (30) than periods", [64, 128, 256], lambda n: partial(control, one_treated(30, n)))
