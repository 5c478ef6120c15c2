"""Synthetic difference-in-differences: one fit of 666 donors x 48 months before at least 10 times as fast as with the weights of all
donors at once; with all 62 placebos (63 units x 48 months, 36 before) at least 8 times as fast for each placebo fit as diff-diff's
SyntheticDiD with 200 random placebos, the estimates equal to 0.01 of a point (theirs stops its steps early)."""

import warnings
from functools import partial
from importlib.metadata import version

from measure import design_of, factor_table, paired, verdict
from synthetic_study import against_former, growth_of, many_units, one_treated

from hgdx_eval.estimation.synthetic_weights import Matrix, matrix, placebos
from hgdx_eval.estimators.synthetic_did import synthetic_did

warnings.simplefilter("ignore")
DRAWS = 200


def ours(m: Matrix) -> tuple:
    """The fit and every placebo, from the matrix of outcomes."""
    return synthetic_did(m), placebos(m, synthetic_did, 1)


def against_diff_diff() -> None:
    try:
        from diff_diff import SyntheticDiD
    except ImportError:
        print("placebos against diff-diff: skipped, the package `diff-diff` is not installed")
        return
    table = factor_table(1, donors=62, periods=48, before=36)
    table = table.assign(y=100 * table["numerator"] / table["denominator"], on=table["treated_from"].notna().astype(int))
    after = sorted(set(table["time"]))[36:]
    m = matrix(design_of(table))

    def theirs() -> object:
        return SyntheticDiD(n_bootstrap=DRAWS, seed=1).fit(table, "y", "on", "unit", "time", post_periods=after)

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

growth_of("one fit: donors, 36 periods before", [50, 100, 200, 400, 800, 1600], lambda n: partial(synthetic_did, one_treated(n, 48)))
growth_of("one fit: periods, 400 donors", [16, 32, 64, 128], lambda n: partial(synthetic_did, one_treated(400, n)))
growth_of("all placebos: donors, 36 periods before (as many more fits)", [25, 50, 100, 200], lambda n: partial(ours, one_treated(n, 48)))
growth_of("one fit: periods doubled, fewer donors (30) than periods", [64, 128, 256], lambda n: partial(synthetic_did, one_treated(30, n)))
