"""Synthetic difference-in-differences: one fit of 666 donors x 48 months before at least 10 times as fast as with the weights of all
donors at once; with all 62 placebos (63 units x 48 months, 36 before) at least 8 times as fast for each placebo fit as diff-diff's
SyntheticDiD with 200 random placebos, the estimates equal to 0.01 of a point (theirs stops its steps early)."""

import warnings
from functools import partial
from importlib.metadata import version

from diff_diff import SyntheticDiD
from measure import growth, paired, verdict
from synthetic_study import against_former, many_units, one_treated, placebo_panel

from hgdx_eval.estimation.synthetic_weights import Matrix, placebos
from hgdx_eval.estimators.synthetic_did import synthetic_did

warnings.simplefilter("ignore")
DRAWS = 200


def ours(m: Matrix) -> tuple:
    """The fit and every placebo, from the matrix of outcomes."""
    return synthetic_did(m), placebos(m, synthetic_did, 1)


def against_diff_diff() -> None:
    table, m = placebo_panel()
    after = sorted(set(table["time"]))[m.before :]

    def theirs() -> object:
        return SyntheticDiD(n_bootstrap=DRAWS, seed=1).fit(table, "y", "treated_unit", "unit", "time", post_periods=after)

    own, others = ours(m)
    other = theirs()
    mine, them, ratio = paired(partial(ours, m), theirs)
    each = ratio * (1 + len(others)) / (1 + DRAWS)
    print(f"estimate {own.estimate:.5f} (exact optimum), theirs {other.att:.5f}")
    print(f"ours {mine * 1000:.0f} ms for 1 + {len(others)} fits, diff-diff {version('diff-diff')} {them * 1000:.0f} ms for 1 + {DRAWS}")
    verdict("synthetic difference-in-differences, per placebo fit", each, 8, f"estimates differ by {abs(own.estimate - other.att):.1e}")
    assert abs(own.estimate - other.att) < 0.01


against_former("synthetic_did", many_units(), 10)
against_diff_diff()

growth("one fit: donors, 36 periods before", [50, 100, 200, 400, 800, 1600], lambda n: partial(synthetic_did, one_treated(n, 48)))
growth("one fit: periods, 400 donors", [16, 32, 64, 128], lambda n: partial(synthetic_did, one_treated(400, n)))
growth("all placebos: donors, 36 periods before (as many more fits)", [25, 50, 100, 200], lambda n: partial(ours, one_treated(n, 48)))
growth("one fit: periods doubled, fewer donors (30) than periods", [64, 128, 256], lambda n: partial(synthetic_did, one_treated(30, n)))
