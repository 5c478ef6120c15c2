"""Honest intervals: the published ones, linear and general-purpose programmes beside the closed forms, and what must hold of any."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import design_of, made_up_table, staggered_table, triple_table
from monte_carlo import draws, rate
from scipy import optimize, stats
from worlds import EFFECT, World, one_among_many, parallel, staggered, two_groups

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.results import check_table
from hgdx_eval.estimators import callaway_santanna
from hgdx_eval.estimators.two_way_fixed_effects import fit
from hgdx_eval.infer import sensitivity as s
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import read_study
from hgdx_eval.study.vocabulary import estimator_names

PUBLISHED = yaml.safe_load((Path(__file__).parent.parent / "reference" / "sensitivity.yaml").read_text(encoding="utf-8"))["medicaid"]
KINDS = {"relative": s.relative_magnitudes, "smooth": s.smoothness}


def made_up_study(seed, before=4, after=3):
    """Coefficients that wander and depend on one another."""
    rng = np.random.default_rng([seed, 31])
    root = rng.normal(size=(before + after, before + after + 4)) / 4 + 0.3
    return s.EventStudy(rng.normal(0, 0.4, before + after) + np.r_[np.zeros(before), np.full(after, 2.0)], root @ root.T / 4, before, after)


def drawn(number):
    """A world of two groups with new outcomes."""
    return World(two_groups(28, 43, 20), parallel).drawn(number)


def contrasts(study):
    return {"first": s.first(study), "average": s.average(study)}


# --- published -----------------------------------------------------------------------------------------------------


@pytest.fixture
def medicaid(tmp_path, shared_reference):
    """The published event study, through a study file."""
    data = pd.read_csv(shared_reference / "ehec_medicaid.csv")
    data = data[(data["year"] < 2016) & (data["yexp2"] != 2015)]
    data.assign(since=data["yexp2"].where(data["yexp2"] < 2016, 0).astype(int)).to_csv(tmp_path / "medicaid.csv", index=False)
    keys = dict(study="s", data=str(tmp_path / "medicaid.csv"), unit="stfips", period="year", frequency="Y", outcome="dins",
                treated_from="since", cluster="stfips", estimator="two_way_fixed_effects")  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    p = read_study(tmp_path / "s.yaml", {})
    return study_design(load_panel(p), p)


@pytest.mark.parametrize("kind", KINDS)
def test_published_intervals(medicaid, kind):
    study = replace(s.event_study(medicaid), dof=np.inf)  # normal quantiles, as published
    assert (study.before, study.after) == (5, 2)
    for bound, expected in PUBLISHED[kind].items():
        found = KINDS[kind](study, bound, s.first(study))
        assert found == pytest.approx(expected, abs=PUBLISHED["tolerance"]), bound


def test_published_breakdown_lies_where_the_intervals_say(medicaid):
    study = replace(s.event_study(medicaid), dof=np.inf)
    assert 1.5 < s.breakdown(study, s.first(study), "relative") < 2.0
    assert 0.02 < s.breakdown(study, s.first(study), "smooth") < 0.03


def test_few_clusters_widen_the_published_intervals_a_little(medicaid):
    study = s.event_study(medicaid)
    for kind, interval in KINDS.items():
        normal, wider = (interval(each, 0.0, s.first(study)) for each in (replace(study, dof=np.inf), study))
        assert 1 < np.ptp(wider) / np.ptp(normal) < 1.2, kind


# --- what must hold ------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.integers(1, 10**6), st.integers(1, 6), st.integers(1, 5), st.floats(0.01, 100))
def test_units_and_signs_do_not_matter(seed, before, after, factor):
    study = made_up_study(seed, before, after)
    for interval, bound, scaled in ((s.relative_magnitudes, 0.8, 0.8), (s.smoothness, 0.2, 0.2 * factor)):
        for contrast in contrasts(study).values():
            low, high = interval(study, bound, contrast)
            other = replace(study, beta=study.beta * factor, covariance=study.covariance * factor**2)
            assert interval(other, scaled, contrast) == pytest.approx((low * factor, high * factor), abs=2e-5 * factor)
            assert interval(replace(study, beta=-study.beta), bound, contrast) == pytest.approx((-high, -low), abs=2e-5)


@settings(max_examples=15)
@given(st.integers(1, 10**6), st.integers(1, 6), st.integers(1, 5))
def test_more_is_allowed_the_interval_is_wider(seed, before, after):
    study = made_up_study(seed, before, after)
    for contrast in contrasts(study).values():
        relative = [s.relative_magnitudes(study, bound, contrast) for bound in (0, 0.5, 1, 2, 4)]
        smooth = [np.ptp(s.smoothness(study, bound, contrast)) for bound in (0, 0.05, 0.2, 1)]
        point = contrast @ study.beta[before:]
        assert all(low <= point <= high for low, high in relative)
        assert np.all(np.diff([high - low for low, high in relative]) >= -1e-6) and np.all(np.diff(smooth) >= -1e-9)


@pytest.mark.parametrize("name", ["first", "average"])
def test_without_relative_violations_it_is_the_usual_interval(name):
    study = made_up_study(1)
    contrast = contrasts(study)[name]
    reach = 1.959964 * np.sqrt(contrast @ study.covariance[4:, 4:] @ contrast)
    point = contrast @ study.beta[4:]
    assert s.relative_magnitudes(study, 0, contrast) == pytest.approx((point - reach, point + reach), abs=1e-5)


@pytest.mark.parametrize("name", ["first", "average"])
def test_without_changes_of_slope_a_line_is_continued(name):
    """Generalised least squares of a line through the reference and free effects afterwards."""
    study = made_up_study(2, 5, 3)
    contrast = contrasts(study)[name]
    columns = np.column_stack([np.r_[-5:0, 1:4], np.vstack([np.zeros((5, 3)), np.eye(3)])])
    inverse = np.linalg.inv(study.covariance)
    bread = np.linalg.inv(columns.T @ inverse @ columns)
    share = np.r_[0, contrast]
    center, reach = share @ bread @ columns.T @ inverse @ study.beta, 1.959964 * np.sqrt(share @ bread @ share)
    assert s.smoothness(study, 0, contrast) == pytest.approx((center - reach, center + reach), abs=1e-6)


def test_bad_input_is_refused():
    study = made_up_study(1)
    for contrast in ([1, 0], [0, 0, 0], [np.nan, 0, 0]):
        with pytest.raises(ValueError, match="contrast"):
            s.smoothness(study, 0, contrast)
    for bound in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="bound"):
            s.relative_magnitudes(study, bound, s.first(study))
    with pytest.raises(ValueError, match="kind"):
        s.breakdown(study, s.first(study), "rough")
    with pytest.raises(ValueError, match="coefficients"):
        s.smoothness(replace(study, before=5), 0, s.first(study))


# --- smoothness against other ways to compute it --------------------------------------------------------------------


def worst_bias(weights, before, after):
    """The largest bias of weights over second differences of at most 1, by a linear programme."""
    path = np.insert(np.eye(before + after), before, 0, axis=0)
    second = np.diff(path, 2, axis=0)
    found = optimize.linprog(-weights, np.vstack([second, -second]), np.ones(2 * len(second)), bounds=(None, None), method="highs")
    return -found.fun if found.status == 0 else np.inf


@pytest.mark.parametrize(("seed", "before", "after", "bound"), [(1, 3, 2, 0.1), (2, 5, 1, 0.3), (3, 4, 3, 1.0), (4, 2, 2, 0.02)])
def test_no_other_weights_give_a_shorter_interval(seed, before, after, bound):
    study = made_up_study(seed, before, after)
    contrast = s.average(study)
    best = s.frontier(study, contrast)
    for weights, bias in zip(best.weights, best.bias):
        assert worst_bias(weights, before, after) == pytest.approx(bias, abs=1e-7)
    length = np.ptp(s.smoothness(study, bound, contrast)) / 2
    back = np.linalg.inv(np.maximum(np.arange(1, before + 1) - np.arange(before)[:, None], 0.0))
    own = np.abs(best.bias[0]) - abs(contrast @ np.arange(1, after + 1))

    def other(c):
        c = np.r_[contrast @ np.arange(1, after + 1), c]
        weights = np.r_[(back @ c)[::-1], contrast]
        return s.half_length(np.sqrt(weights @ study.covariance @ weights), bound * (np.abs(c).sum() + own))

    starts = np.random.default_rng(seed).normal(0, 1, (4, before - 1))
    found = min(
        optimize.minimize(other, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxfev": 4000}).fun
        for start in starts
    )
    assert length <= found + 1e-9
    assert length == pytest.approx(found, rel=2e-3)


@pytest.mark.parametrize("bound", [0.2, *(pytest.param(bound, marks=pytest.mark.long) for bound in (0.0, 1.0))])
def test_an_independent_library_gives_the_same_smooth_intervals(bound):
    honest = pytest.importorskip("diff_diff.honest_did", reason="the oracles extra is not installed")
    for seed, before, after in ((1, 2, 1), (2, 4, 3), (3, 6, 2)):
        study = made_up_study(seed, before, after)
        contrast = s.average(study)
        theirs = honest._compute_optimal_flci(study.beta[:before], study.beta[before:], study.covariance, contrast, before, after, bound)
        assert s.smoothness(study, bound, contrast) == pytest.approx(theirs, abs=2e-4)


@settings(max_examples=40)
@given(st.integers(1, 10**6), st.integers(1, 20))
def test_every_corner_of_the_path_is_optimal(seed, k):
    rng = np.random.default_rng(seed)
    root, linear = rng.normal(size=(k, k + 3)), rng.normal(size=k)
    quadratic = root @ root.T * np.outer(*[10.0 ** rng.uniform(-1, 1, k)] * 2)
    path = s.lasso_path(quadratic, linear)
    np.testing.assert_allclose(path[-1], -np.linalg.solve(quadratic, linear), rtol=1e-5, atol=1e-7)
    for c in (path[:-1] + path[1:]) / 2:
        slope = quadratic @ c + linear
        penalty = np.abs(slope).max()
        on = np.abs(c) > 1e-12
        np.testing.assert_allclose(slope[on], -penalty * np.sign(c[on]), rtol=1e-5, atol=1e-7 * np.abs(linear).max())


def test_half_length():
    assert s.half_length(2.0, 0.0) == pytest.approx(2 * 1.959964, abs=1e-5)
    assert s.half_length(1.0, 40.0) == pytest.approx(41.644854, abs=1e-5)
    x = s.half_length(1.0, 0.7)
    assert stats.norm.cdf(x - 0.7) - stats.norm.cdf(-x - 0.7) == pytest.approx(0.95)


def test_what_few_clusters_cost():
    """A regression on two others with nine degrees of freedom left."""
    assert s.widening(np.inf, 5) == 1.0
    assert s.widening(11) == pytest.approx(stats.t.ppf(0.975, 11) / stats.norm.ppf(0.975))
    assert s.widening(11, 2) == pytest.approx(np.sqrt(11 / 9 * (1 + 2 / 8)) * stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975))
    assert np.isinf(s.widening(5, 4))
    study = replace(made_up_study(1, 6, 2), dof=4.0)
    assert np.isfinite(s.smoothness(study, 0.0, s.first(study))).all()


# --- relative magnitudes against linear programmes -------------------------------------------------------------------


def moments(study, bound, contrast, pre):
    """(A, X, covariance): moments A beta - theta x[0] - X[:, 1:] others <= 0 of the periods after, as the paper builds them."""
    size = study.before + study.after
    step = np.diff(np.insert(np.eye(size), study.before, 0, axis=0), axis=0)[study.before :]
    a = np.vstack([step - bound * pre, -step - bound * pre])
    lead = int(np.flatnonzero(contrast)[0])
    basis = np.vstack([contrast, np.delete(np.eye(study.after), lead, axis=0)])
    return a, a[:, study.before :] @ np.linalg.inv(basis), a @ study.covariance @ a.T


def programme(y, x, sd):
    """(eta, vertex) of the dual: most of g'y with g >= 0, g'X = 0, g'sd = 1."""
    found = optimize.linprog(-y, A_eq=np.vstack([sd, x.T]), b_eq=np.r_[1, np.zeros(x.shape[1])], bounds=(0, None), method="highs-ds")
    return -found.fun, found.x


def truncation(y, x, sd, covariance, vertex, eta):
    """The values of eta for which the vertex stays the best, by bisection on linear programmes."""
    along = covariance @ vertex / (vertex @ covariance @ vertex)
    rest = y - along * eta
    ends = []
    for far in (eta - 30, eta + 30):
        good, bad = eta, far
        if programme(rest + along * far, x, sd)[0] <= far + 1e-9:
            ends.append(far)
            continue
        for _ in range(30):
            middle = (good + bad) / 2
            good, bad = (middle, bad) if programme(rest + along * middle, x, sd)[0] <= middle + 1e-9 else (good, middle)
        ends.append(good)
    return ends


CASES = [(5, 3, 3, (1, 0, 0)), (6, 2, 4, (0.25,) * 4), (7, 4, 2, (-1, 1)), (8, 2, 3, (0.5, -0.2, 0.1)), (9, 3, 1, (1,))]


@pytest.mark.parametrize(("seed", "before", "after", "contrast"), CASES)
def test_the_closed_form_is_the_linear_programme(seed, before, after, contrast):
    study, contrast = made_up_study(seed, before, after), np.array(contrast, float)
    for pre in s.pre_steps(study):
        a, x, covariance = moments(study, 0.7, contrast, pre)
        shape = s.shaped(study, 0.7, contrast, pre)
        for theta in contrast @ study.beta[before:] + np.array([-2.0, -0.3, 0.0, 1.0]):
            eta, _ = programme(a @ study.beta - x[:, 0] * theta, x[:, 1:], np.sqrt(covariance.diagonal()))
            assert (shape.level - shape.move * theta).max() == pytest.approx(eta, abs=1e-8)


@pytest.mark.parametrize(
    ("seed", "before", "after", "contrast"), [*CASES[:2], *(pytest.param(*case, marks=pytest.mark.long) for case in CASES[2:])]
)
def test_the_hybrid_test_decides_as_by_linear_programmes(seed, before, after, contrast):
    study, contrast = made_up_study(seed, before, after), np.array(contrast, float)
    rng, decisions = np.random.default_rng(seed), []
    shapes = [(pre, s.shaped(study, 0.7, contrast, pre)) for pre in s.pre_steps(study)]
    parts = [0.01, *rng.uniform(0.1, 0.9, 2)]  # of what the first stage leaves
    places = [
        (pre, shape, found[0] + part * np.ptp(found)) for pre, shape in shapes for found in [s.ends(shape)] if found for part in parts
    ]
    for pre, shape, theta in places[:12]:
        a, x, covariance = moments(study, 0.7, contrast, pre)
        sd, y = np.sqrt(covariance.diagonal()), a @ study.beta - x[:, 0] * theta
        eta, vertex = programme(y, x[:, 1:], sd)
        low, high = truncation(y, x[:, 1:], sd, covariance, vertex, eta)
        spread = stats.norm(scale=np.sqrt(vertex @ covariance @ vertex))
        high = min(high, shape.critical)
        p = (spread.cdf(high) - spread.cdf(eta)) / (spread.cdf(high) - spread.cdf(low))
        if abs(p - s.SECOND_STAGE) > 1e-4:
            decisions.append(
                (bool(eta <= 0 or (eta <= shape.critical and p > s.SECOND_STAGE)), bool(s.accepted(shape, np.array([theta]))[0]))
            )
    assert len(decisions) >= 3 and all(theirs == ours for theirs, ours in decisions)
    assert {ours for _, ours in decisions} == {False, True}


@pytest.mark.parametrize(("seed", "before", "after", "contrast"), CASES)
def test_the_first_stage_rejects_as_often_as_it_should(seed, before, after, contrast):
    study, contrast = made_up_study(seed, before, after), np.array(contrast, float)
    draws = np.random.default_rng(seed).multivariate_normal(np.zeros(before + after), study.covariance, 400_000)
    for pre in s.pre_steps(study)[:2]:
        shape = s.shaped(study, 0.7, contrast, pre)
        target, v = draws[:, before:] @ contrast, draws @ pre
        above, below = 1 / shape.move[0], -1 / shape.move[1]
        reach = 0.7 * np.abs(np.cumsum(contrast[::-1])).sum()
        step = np.diff(np.vstack([np.zeros(before + after), np.eye(before + after)[before:]]), axis=0)
        sds = sum(np.sqrt(np.einsum("ij,jk,ik->i", rows, study.covariance, rows)) for rows in (step - 0.7 * pre, step + 0.7 * pre))
        eta = np.max([(target - reach * v) / above, (-target - reach * v) / below, -1.4 * v / sds.min(), -1.4 * v / sds.max()], axis=0)
        assert (eta > shape.critical).mean() == pytest.approx(0.005, abs=0.0005)


def test_truncated_normal_tails():
    value, low, high = np.array([1.0, 2.5, 0.5]), np.array([0.5, -np.inf, -1.0]), np.array([2.0, np.inf, 0.6])
    theirs = [stats.truncnorm.sf(v, lo, hi) for v, lo, hi in zip(value / 2, low / 2, high / 2)]
    np.testing.assert_allclose(s.tail(value, low, high, 2.0), theirs, rtol=1e-9)
    far = s.tail(np.array([60.0]), np.array([59.9]), np.array([np.inf]), 1.0)
    assert far == pytest.approx(np.exp(-(60**2 - 59.9**2) / 2) * 59.9 / 60, rel=1e-3)


# --- breakdown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_up_to_the_breakdown_zero_is_excluded(kind):
    study = made_up_study(3)
    for contrast in contrasts(study).values():
        value, limit = s.breakdown(study, contrast, kind), s.breakdown_limit(study, contrast, kind)
        assert 0 < value < limit
        low, high = KINDS[kind](study, value, contrast)
        assert low > 0 or high < 0
        low, high = KINDS[kind](study, value + limit / 500, contrast)
        assert low <= 0 <= high


def test_a_breakdown_may_be_nothing_or_everything():
    study = made_up_study(3)
    none = replace(study, beta=np.zeros(7))
    sure = replace(study, beta=study.beta + np.r_[np.zeros(4), np.full(3, 1000.0)])
    for kind in KINDS:
        assert s.breakdown(none, s.first(study), kind) == 0.0
        assert s.breakdown(sure, s.first(study), kind) == np.inf


# --- designs -------------------------------------------------------------------------------------------------------


def test_the_event_study_is_the_main_method_s():
    design = design_of(made_up_table(3, clusters=40), blocks=True)
    study = s.event_study(design, width=1)
    rows = fit(design).rows("event").query("event_time != -1")
    np.testing.assert_allclose(study.beta, rows["estimate"], atol=1e-9)
    np.testing.assert_allclose(np.sqrt(study.covariance.diagonal()), rows["std_error"], rtol=1e-9)
    assert (study.before, study.after, study.dof) == (7, 6, 39.0)


def test_event_times_are_joined_from_the_policy_outwards():
    design, _ = drawn(1)
    study = s.event_study(design)
    assert (study.before, study.after) == (5, 8) and study.spans == (*((3 * k, 3 * k + 2) for k in range(7)), (21, 22))
    treated = design.table[design.table["treated"]]
    assert sum(study.dossiers) == treated["denominator"].sum()
    assert s.average(study) == pytest.approx(np.r_[np.full(7, 3), 2] / 23)
    joined = treated["event_time"].between(0, 2) @ treated["denominator"]
    assert study.dossiers[0] == joined


@pytest.mark.parametrize(
    ("before", "after", "clusters", "width"),
    [(20, 23, 27, 3), (20, 23, 100, 1), (24, 16, 12, 6), (6, 2, 43, 1), (3, 4, 6, 1), (2, 2, 50, 1)],
)
def test_how_many_event_times_are_joined(before, after, clusters, width):
    assert s.chosen_width("M", before, after, clusters) == width


def test_designs_that_say_too_little_are_refused():
    with pytest.raises(Refusal) as few:
        s.event_study(two_groups(), width=1)  # 39 coefficients, 12 clusters
    with pytest.raises(Refusal) as one:
        s.sensitivity(one_among_many())
    table = made_up_table(1, clusters=12)
    with pytest.raises(Refusal) as short:
        s.sensitivity(design_of(table[table["time"] >= table["time"].min() + 6]))
    assert (few.value.reason, one.value.reason, short.value.reason) == ("few_clusters", "few_clusters", "too_few_periods")


def test_the_table_of_a_design():
    design, truth = drawn(2)
    before = design.table.copy()
    found = s.sensitivity(design)
    pd.testing.assert_frame_equal(design.table, before)
    check_table(found.table)
    rows = found.table
    assert set(rows["group"]) == {name + end for name in ("first", "average", "overall") for end in ("", " breakdown")}
    assert rows.groupby(["term", "group"]).size().tolist() == [5, 1, 5, 1, 5, 1, 4, 1, 4, 1]
    honest = rows[rows["inference"] == "honest"]
    assert honest[["ci_low", "ci_high"]].notna().all(axis=None) and set(honest["level"]) == {0.95} and set(honest["scale"]) == {"pp"}
    relative = honest.query("term == 'sensitivity_relative' and group == 'average'")
    assert relative["parameter"].tolist() == ["0", "0.5", "1", "1.5", "2"] and set(relative["period"]) == {"0..22"}
    shuffled = replace(design, table=design.table.sample(frac=1, random_state=1).reset_index(drop=True))
    numbers = ["estimate", "ci_low", "ci_high"]
    np.testing.assert_allclose(s.sensitivity(shuffled).table[numbers], rows[numbers], atol=1e-6)


def test_a_sure_effect_has_its_breakdown_beyond_the_limit():
    design, _ = drawn(2)
    table = design.table.assign(y=design.table["y"] + 100 * design.table["treated"])
    rows = s.sensitivity(replace(design, table=table)).table.query("term == 'sensitivity_relative' and inference == 'none'")
    assert set(rows["parameter"]) == {">5"} and set(rows["estimate"]) == {5.0}


# --- every linear method -------------------------------------------------------------------------------------------
PATHS = ["two_way_fixed_effects", "callaway_santanna", "sun_abraham", "imputation"]
OTHERS = {"augmented_synthetic_control", "grouped_logit", "interrupted_time_series", "structural_time_series", "synthetic_control",
          "synthetic_did"}  # fmt: skip


def test_every_method_with_effects_by_event_time_has_them_on_one_base():
    have = {name for name in estimator_names() if hasattr(import_module(f"hgdx_eval.estimators.{name}"), "event_path")}
    assert have == {*PATHS, "triple_difference"} and have | OTHERS == set(estimator_names())
    for name in OTHERS:
        with pytest.raises(Refusal) as refused:
            s.sensitivity(design_of(made_up_table(3, clusters=40)), name)
        assert refused.value.reason == "other_method"


@pytest.mark.parametrize("width", [1, 2])
def test_with_one_date_and_equal_weights_all_methods_coincide(width):
    design = design_of(made_up_table(3, clusters=40, periods=16), weight=1.0)
    regression, *others = (s.event_study(design, width, name) for name in PATHS)
    for other in others:
        np.testing.assert_allclose(other.beta, regression.beta, atol=1e-9)
        np.testing.assert_allclose(other.covariance, regression.covariance, rtol=0.01, atol=1e-3)  # n - k in the factor of some
        np.testing.assert_allclose(other.headlined.drift_before, regression.headlined.drift_before, atol=1e-9)


DESIGNS = {
    "staggered": lambda: design_of(staggered_table(1, clusters=20), comparison="not_yet"),
    "blocks": lambda: design_of(made_up_table(3, clusters=12), blocks=True),
    "one date": lambda: design_of(made_up_table(3, clusters=40)),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("kind", DESIGNS)
def test_the_headlined_average_is_the_method_s_own(kind, name):
    design = DESIGNS[kind]()
    study, own = s.event_study(design, estimator=name), estimate(replace(design, path=False), name).overall()
    assert study.headlined.estimate == pytest.approx(own["estimate"], abs=1e-9)
    assert s.level_interval(study, 0.0) == pytest.approx((own["ci_low"], own["ci_high"]), abs=1e-9)
    rows = s.sensitivity_of(design, study, name).table
    check_table(rows)
    assert set(rows["estimator"]) == {name}


def test_the_third_difference_has_its_event_study_too():
    design = design_of(triple_table(1, places=30), blocks=False)
    design = replace(design, table=design.table.assign(block=design.table["cluster"]))
    study, own = s.event_study(design, 1, "triple_difference"), estimate(design, "triple_difference")
    np.testing.assert_allclose(study.beta, own.rows("event").query("event_time != -1")["estimate"], atol=1e-9)
    assert study.headlined.estimate == pytest.approx(own.overall()["estimate"], abs=1e-9)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("kind", DESIGNS)
def test_a_coefficient_and_its_drift_follow_from_outcomes(kind, name):
    """A drift in the outcome moves every coefficient by what the study says."""
    design = DESIGNS[kind]()
    if name == "callaway_santanna" and kind == "staggered":
        design = replace(design, comparison="never")  # those not yet treated drift, too
    drift = 0.01 * design.table["event_time"].fillna(0.0)  # a point a period
    before, after = (s.event_study(replace(design, table=design.table.assign(y=design.table["y"] + add)), estimator=name)
                     for add in (0.0, drift))  # fmt: skip
    k, own = before.before, before.headlined
    np.testing.assert_allclose((after.beta - before.beta)[:k], own.drift_before, atol=1e-9)
    assert after.headlined.estimate - own.estimate == pytest.approx(own.drift, abs=1e-9)


@pytest.mark.parametrize("name", ["callaway_santanna", "sun_abraham"])
def test_bins_are_means_by_size_less_the_base(name):
    design = DESIGNS["staggered"]()
    path = import_module(f"hgdx_eval.estimators.{name}").event_path
    single, wide = (path(design, lambda events, clusters, width=width: s.binned(design, events, clusters, width)) for width in (1, 3))
    events, sizes = single.bins.others, single.size  # with one period a bin, an event time's bin is itself
    base = design.table.query("event_time == -1")["weight"].sum() if name == "sun_abraham" else sizes[events == -2][0]  # the same units
    events, beta, sizes = np.append(events, -1), np.append(single.beta, 0.0), np.append(sizes, base)
    place = np.array([wide.bins.place[event] for event in events])
    means = {b: np.average(beta[place == b], weights=sizes[place == b]) for b in set(place)}
    np.testing.assert_allclose(wide.beta, [means[b] - means[-1] for b in wide.bins.others], atol=1e-9)


def test_the_universal_base_of_published_group_times(shared_reference, tmp_path):
    """R's did tells steps before the start (its varying base): against the one period before the start these add up."""
    data = pd.read_csv(shared_reference / "mpdta.csv")
    data.to_csv(tmp_path / "mpdta.csv", index=False)
    keys = dict(study="s", data=str(tmp_path / "mpdta.csv"), unit="countyreal", period="year", frequency="Y", outcome="lemp", weights="none",
                treated_from="first.treat", cluster="countyreal", estimator="callaway_santanna")  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    p = read_study(tmp_path / "s.yaml", {})
    design = study_design(load_panel(p), p)
    published = callaway_santanna.fit(replace(design, path=True)).rows("cohort_period")
    own = published.assign(event=published["event_time"].astype(int)).set_index(["cohort", "event"])["estimate"]
    _, _, wide, found, _, _ = callaway_santanna.compared(design, universal=True)
    for part in found:
        event = int(part.time - part.cohort)
        cohort = str(pd.Period(ordinal=int(part.cohort), freq="Y"))
        expected = own[cohort, event] if event >= 0 else -sum(own[cohort, step] for step in range(event + 1, 0))
        assert part.att == pytest.approx(expected, abs=1e-9)
    study = s.event_study(design, estimator="callaway_santanna")
    assert (study.before, study.after) == (3, 4)


# --- levels --------------------------------------------------------------------------------------------------------
def with_average(study, estimate=1.5, shared=0.02):
    """A made-up study with a headlined average."""
    k = study.before
    return replace(
        study, headlined=s.Headlined(estimate, 0.09, np.full(k, shared), 20.0, np.full(k, 12.0), 18.0, 3.0, -np.arange(k, 0.0, -1))
    )


@settings(max_examples=25)
@given(st.integers(1, 10**6), st.integers(2, 6), st.floats(0.01, 3.0), st.floats(0.01, 100))
def test_the_interval_in_levels_is_the_union_over_the_farthest(seed, before, bound, factor):
    study = with_average(made_up_study(seed, before, 3))
    own, ends = study.headlined, []
    for e in range(before):
        for sign in (-1, 1):
            move = bound * sign
            sd = np.sqrt(own.variance - 2 * move * own.shared[e] + move**2 * study.covariance[e, e])
            ends += [own.estimate - move * study.beta[e] + side * stats.t.ppf(0.975, 12.0) * sd for side in (-1, 1)]
    low, high = s.level_interval(study, bound)
    assert (low, high) == pytest.approx((min(ends), max(ends)))
    usual = s.level_interval(study, 0.0)
    assert usual == pytest.approx(own.estimate + stats.t.ppf([0.025, 0.975], 20.0) * 0.3)
    assert low <= usual[0] and usual[1] <= high
    wider = s.level_interval(study, bound * 1.5)
    assert wider[0] <= low and high <= wider[1]
    turned = replace(study, beta=-factor * study.beta, covariance=factor**2 * study.covariance,
                     headlined=replace(own, estimate=-factor * own.estimate, variance=factor**2 * own.variance, shared=factor**2 * own.shared))  # fmt: skip
    assert s.level_interval(turned, bound) == pytest.approx((-factor * high, -factor * low))


def test_up_to_the_breakdown_in_levels_zero_is_excluded():
    study = with_average(made_up_study(3))
    value = s.level_breakdown(study)
    assert 0 < value < s.LIMIT
    for bound, excluded in ((value, True), (value + s.LIMIT / 500, False)):
        low, high = s.level_interval(study, bound)
        assert (low > 0 or high < 0) == excluded
    assert s.level_breakdown(with_average(made_up_study(3), 0.1)) == 0.0
    assert s.level_breakdown(with_average(made_up_study(3), 1000.0)) == np.inf
    with pytest.raises(ValueError, match="bound"):
        s.level_interval(study, -0.1)


# --- coverage ------------------------------------------------------------------------------------------------------


def highest(hits):
    """The upper end of the rate's 99 % Monte Carlo interval."""
    return stats.binomtest(int(np.sum(hits)), len(hits)).proportion_ci(0.99).high


VIOLATIONS = {  # the true trend at the edge of what is allowed: bound, delta of 4 before and 3 after
    "one large step before, then as many upwards": ("relative", 1.0, np.r_[-1.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
    "the same, far beyond chance": ("relative", 1.0, 20 * np.r_[-1.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
    "small steps": ("relative", 0.5, np.r_[-0.4, -0.3, -0.2, -0.1, 0.05, 0.1, 0.15]),
    "no violation": ("relative", 1.0, np.zeros(7)),
    "half as much afterwards, then back": ("relative", 0.5, np.r_[0.0, 0.8, 0.0, 0.0, 0.4, 0.0, -0.4]),
    "a curve": ("smooth", 0.2, 0.1 * np.r_[-4:0, 1:4] ** 2),
    "a line": ("smooth", 0.0, 0.3 * np.r_[-4:0, 1:4]),
    "a line that bends at the policy": ("smooth", 0.2, 0.3 * np.r_[-4:0, 1:4] + 0.2 * np.r_[0, 0, 0, 0, 1, 2, 3]),
}


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_interval_holds_the_truth_whatever_trend_is_allowed(name, tell):
    kind, bound, delta = VIOLATIONS[name]
    study = made_up_study(11)
    effect = np.r_[np.zeros(4), 1.0, 2.0, 0.5]
    beta = np.random.default_rng(5).multivariate_normal(delta + effect, study.covariance, draws(200, 2000))
    for which, contrast in contrasts(study).items():
        truth = contrast @ effect[4:]
        hits = [low <= truth <= top for low, top in (KINDS[kind](replace(study, beta=each), bound, contrast) for each in beta)]
        tell(f"{name}, {which}, {kind} {bound}: coverage {rate(sum(hits), len(hits))}")
        assert highest(hits) >= 0.95


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize(("clusters", "periods", "before"), [(12, 40, 24), (28, 43, 20), (60, 43, 20)])
def test_the_interval_holds_the_truth_with_estimated_errors(clusters, periods, before, tell):
    world, held = World(two_groups(clusters, periods, before), parallel), {}
    for seed in range(1, draws(50, 400) + 1):
        design, truth = world.drawn(seed)
        study = s.event_study(design)
        for which, contrast in contrasts(study).items():
            for kind, interval in KINDS.items():
                low, high = interval(study, 0.0, contrast)
                held.setdefault((which, kind), []).append(low <= truth <= high)
    for key, hits in held.items():
        tell(f"{clusters} clusters, {', '.join(key)}, no violation: coverage {rate(sum(hits), len(hits))}")
        assert highest(hits) >= 0.92  # clustered errors of few clusters are too small for every method


def apart(table, rng):
    """The treated stand three points off early before their start and again after it, as a divergence and not as an effect."""
    y, effect = parallel(table, rng)
    off = (table["event_time"] < -3) | (table["event_time"] >= 0)
    return y - effect + EFFECT * table["treated"] + 0.03 * off, EFFECT * table["treated"].to_numpy(float)


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("name", PATHS)
def test_in_levels_the_truth_is_held_where_groups_stand_apart_as_before(name, tell):
    world, held = World(staggered(), apart), []
    for seed in range(1, draws(50, 400) + 1):
        design, truth = world.drawn(seed)
        low, high = s.level_interval(s.event_study(design, estimator=name), 1.0)
        held.append(low <= truth <= high)
    tell(f"{name}, staggered, three points apart as before: coverage {rate(sum(held), len(held))}")
    assert highest(held) >= 0.95
