"""The wild bootstrap against its definition, step by step, and against an independent program."""

import itertools
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import design_of, made_up_table, staggered_table, triple_table

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.fixed_effects import cells_of, linear, regress, usable
from hgdx_eval.estimation.inference import by_cluster, satterthwaite
from hgdx_eval.infer.wild import drawn, kernel, p_value, signs, wild
from hgdx_eval.study.vocabulary import estimator_names

LINEAR = [name for name in estimator_names() if hasattr(import_module(f"hgdx_eval.estimators.{name}"), "linears")]
DESIGNS = {
    "plain": lambda: design_of(made_up_table(1, clusters=8, drop=0.1)),
    "blocks": lambda: design_of(made_up_table(2, clusters=8, drop=0.1), blocks=True),
    "staggered": lambda: design_of(staggered_table(1, clusters=20)),
    "not_yet": lambda: replace(design_of(staggered_table(1, never=False, clusters=9)), comparison="not_yet"),
    "three_differences": lambda: design_of(triple_table(1)),
}


def test_the_linear_methods_are_known_by_their_function():
    assert set(LINEAR) == {"two_way_fixed_effects", "callaway_santanna", "sun_abraham", "imputation", "triple_difference"}


@pytest.mark.parametrize("world", sorted(DESIGNS))
@pytest.mark.parametrize("name", LINEAR)
def test_a_weighted_sum_of_outcomes_is_the_estimate_and_its_error(name, world):
    design, module = DESIGNS[world](), import_module(f"hgdx_eval.estimators.{name}")
    try:
        found = module.fit(design)
    except Refusal:
        with pytest.raises(Refusal):
            module.linears(design)
        return
    overall, events = found.overall(), found.rows("event").set_index("event_time")
    for key, part in module.linears(design).items():
        row = overall if key is None else events.loc[key]
        assert part.estimate == pytest.approx(row["estimate"], abs=1e-10)
        assert part.std_error == pytest.approx(row["std_error"], abs=1e-10)
        assert part.weights @ part.direction == pytest.approx(1)


def by_hand(table, cells, null: float, v: np.ndarray) -> float:
    """t of one bootstrap sample: restricted residuals, signs, a whole new regression."""
    treated = table["treated"].to_numpy(float)
    absorbed = regress(replace(cells, y=cells.y - null * treated), np.random.default_rng(0).normal(size=(len(treated), 1)))
    fit = regress(cells, treated[:, None])
    step = linear(fit, np.ones(1))
    u = fit.errors + step.direction * (fit.beta[0] - null)
    assert absorbed is not None
    again = regress(replace(cells, y=cells.y - u + v[cells.clusters] * u), treated[:, None])
    return (again.beta[0] - null) / np.sqrt(again.covariance[0, 0])


@pytest.mark.parametrize("null", [0.0, 3.0, -2.0])
def test_equal_to_estimating_every_sample_anew(null):
    design = design_of(made_up_table(5, clusters=6, drop=0.1))
    table = usable(design)
    cells = cells_of(design, table)
    fit = regress(cells, table["treated"].to_numpy(float)[:, None])
    t = (fit.beta[0] - null) / np.sqrt(fit.covariance[0, 0])
    patterns = np.array(list(itertools.product([1.0, -1.0], repeat=6)))
    slow = np.array([by_hand(table, cells, null, v) for v in patterns])
    k = kernel(linear(fit, np.ones(1)))
    v, complete = signs(6, 9999, 1)
    assert complete and len(v) == 32
    assert p_value(k, drawn(k, v), complete, null) == (np.abs(slow) >= abs(t) * (1 - 1e-9)).mean()


def test_ties_are_counted_so_that_p_is_never_below_two_in_all_patterns():
    design = design_of(made_up_table(1, effect=0.3, clusters=8))
    found = wild(import_module("hgdx_eval.estimators.two_way_fixed_effects").linears(design)[None], 1)
    assert found["parameter"] == "256" and found["p_value"] == 2 / 256


def test_the_interval_holds_what_is_not_rejected_and_nothing_else():
    design = design_of(made_up_table(3, clusters=8))
    part = import_module("hgdx_eval.estimators.two_way_fixed_effects").linears(design)[None]
    found, k = wild(part, 1), kernel(part)
    v, complete = signs(8, 9999, 1)
    d = drawn(k, v)
    for end, inward in ((found["ci_low"], 1), (found["ci_high"], -1)):
        assert p_value(k, d, complete, end + inward * 1e-6) > 0.05
        assert p_value(k, d, complete, end - inward * 1e-6) <= 0.05


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50), seed=st.integers(1, 50))
def test_it_moves_with_the_outcome(scale, shift, seed):
    design = design_of(made_up_table(seed, clusters=8))
    module = import_module("hgdx_eval.estimators.two_way_fixed_effects")
    moved = replace(design, table=design.table.assign(y=design.table["y"] * scale + shift))
    a, b = (wild(module.linears(d)[None], 1) for d in (design, moved))
    assert b["p_value"] == a["p_value"]
    assert (b["ci_low"], b["ci_high"]) == pytest.approx((a["ci_low"] * scale, a["ci_high"] * scale), rel=1e-5, abs=1e-6)


def test_with_few_clusters_on_a_side_the_interval_may_have_no_end():
    design = design_of(made_up_table(1, clusters=4))
    found = wild(import_module("hgdx_eval.estimators.two_way_fixed_effects").linears(design)[None], 1)
    assert found["p_value"] >= 2 / 16 and np.isnan(found["ci_low"]) and np.isnan(found["ci_high"])


def test_equal_to_an_independent_program_where_there_are_no_weights():
    pf = pytest.importorskip("pyfixest", reason="the oracles are not installed")
    design = design_of(made_up_table(4, clusters=12), weight=1.0)
    table = design.table.assign(d=design.table["treated"].astype(float), period=design.table["time"], cluster=pd_codes(design))
    fit = pf.feols("y ~ d | unit + period", data=table, vcov={"CRV1": "cluster"})
    theirs = fit.wildboottest(param="d", reps=99999, cluster="cluster", seed=3)["Pr(>|t|)"]
    ours = wild(import_module("hgdx_eval.estimators.two_way_fixed_effects").linears(design)[None], 1)["p_value"]
    assert ours == pytest.approx(float(theirs), abs=3 / 4096)


def pd_codes(design):
    import pandas as pd

    return pd.factorize(design.table["cluster"])[0]


def test_degrees_of_freedom_count_equal_clusters_and_see_one_that_dominates():
    even = np.eye(8) - 1 / 8
    assert satterthwaite(even) == pytest.approx(7)
    assert satterthwaite(np.diag([1.0, 0.01, 0.01, 0.01])) == pytest.approx(1, abs=0.01)
    assert satterthwaite(np.zeros((5, 5))) == 4


def test_sums_by_cluster():
    assert by_cluster(np.array([0, 1, 0]), np.array([[1.0], [2.0], [4.0]])).tolist() == [[5.0], [2.0]]
