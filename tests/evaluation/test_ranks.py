"""Which rank judges a synthetic method: what is large in a large unit may be small beside its own errors."""

import numpy as np
import pandas as pd
import pytest
from test_show_methods import made

from hgdx_eval.estimation.synthetic_weights import Matrix, placebos, rmspe
from hgdx_eval.estimators.synthetic_control import control
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.verdict import UNCLEAR
from hgdx_eval.report.answer import headline, show_checks
from hgdx_eval.report.charts.methods import plot_methods
from hgdx_eval.report.charts.placebos import plot_placebos
from hgdx_eval.report.show_methods import show_formulas, show_methods
from hgdx_eval.study.load import study_words


def restless_table(seed: int, donors: int = 20, periods: int = 24, before: int = 16) -> pd.DataFrame:
    """One treated unit whose own shocks are ten times as large as those of the others, and no effect."""
    rng, first = np.random.default_rng([seed, 31]), pd.Period("2021-01", freq="M").ordinal
    rows = [(f"u{u:03}", f"u{u:03}", first + t, 10_000, 10_000 * (0.4 + 0.01 * u / donors + (0.05 if u == 0 else 0.005) * rng.normal()),
             first + before if u == 0 else np.nan) for u in range(donors + 1) for t in range(periods)]  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from"])


@pytest.fixture(scope="module")
def restless(tmp_path_factory):
    p, design = made(tmp_path_factory.mktemp("restless"), restless_table(1), estimator="synthetic_control")
    p = p.model_copy(update={"estimators": ["two_way_fixed_effects", "structural_time_series"]})
    return p, evaluate(design, p)


def test_a_gap_that_is_usual_for_its_unit_is_no_sign(restless):
    _, found = restless
    assert found.headline == "placebo" and found.size_rank == (1, 21) and found.rank[0] > 5
    assert found.verdict == UNCLEAR


@pytest.mark.parametrize(
    ("lang", "both"),
    [("vi", "{} trong 20 {units} còn lại có tỷ số sai lệch"), ("en", "{} of the other 20 {units} have a larger ratio of errors")],
)
def test_both_ranks_stand_on_the_page(restless, lang, both):
    p, found = restless
    words, rank = study_words(p, lang), found.rank[0]
    said = both.format(rank - 1, units=words("study.units"))
    alone = words("story.ranks_of", ranked="", more=words.number(found.size_rank[0] - 1)).strip()
    for shown in (
        show_checks(found, words).html,
        show_methods(found, words).html,
        plot_placebos(found.main, found.placebo_space, words).title,
    ):
        assert said in shown and alone in shown
    assert said in headline(found, words)
    drawn = plot_methods([found.main, *found.others], p.estimator, words)
    assert words("charts.methods_rank", value="", more=rank - 1, others=20).strip() in drawn.alt + drawn.wide
    assert "CausalImpact" in show_formulas(found, words).html


def test_other_methods_are_judged_by_size(tmp_path):
    p, design = made(tmp_path, restless_table(1))
    found = evaluate(design, p.model_copy(update={"estimators": []}))
    assert found.rank == found.size_rank


def test_false_alarms_where_shocks_grow_with_size():
    """The treated unit is the largest of units whose levels and shocks grow with their size (decision 7 tells of 400 draws)."""
    before, periods, units, draws = 20, 30, 16, 80
    size, by_size, by_ratio = np.geomspace(4, 0.25, units), 0, 0
    for seed in range(draws):
        y = (10 + np.random.default_rng([seed, 32]).normal(0, 1, (units, periods))) * size[:, None]
        m = Matrix(y[0], y[1:], tuple(map(str, range(1, units))), before, 1, np.arange(periods) - before)
        fits = [control(m), *(fit for _, fit in placebos(m, control, 1))]
        own, ratio = (np.array(values) for values in zip(*[(abs(f.estimate), rmspe(m, f.gap, True) / rmspe(m, f.gap, False)) for f in fits],
                                                         strict=True))  # fmt: skip
        by_size, by_ratio = by_size + (own[0] >= own.max()), by_ratio + (ratio[0] >= ratio.max())
    assert by_size / draws > 0.25 and by_ratio / draws <= 0.1  # nominally 1 / 16
