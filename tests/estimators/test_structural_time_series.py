"""Against R CausalImpact's published numbers, statsmodels' own maximiser and dense least squares; and in known worlds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from made_up import design_of, made_up_table, staggered_table
from monte_carlo import draws, rate, unbiased
from scipy.optimize import minimize_scalar
from statsmodels.tsa.statespace.structural import UnobservedComponents

from hgdx_eval.base.errors import Refusal
from hgdx_eval.estimation.results import check_table
from hgdx_eval.estimators import interrupted_time_series as segmented
from hgdx_eval.estimators import structural_time_series as structural
from hgdx_eval.estimators.structural_time_series import explaining, fit
from hgdx_eval.vietnam.domain import calendar

REFERENCE = yaml.safe_load((Path(__file__).parent.parent / "reference" / "structural_time_series.yaml").read_text(encoding="utf-8"))
FIRST = pd.Period("2015-01", freq="M").ordinal


def series_design(y, comparison, before, **changes):
    """One treated series and comparison series in the outcome's own unit, as months; no dossiers are counted."""
    rows = [(name, FIRST + t, FIRST + before if name == "treated" else np.nan, value)
            for name, values in {"treated": y, **comparison}.items() for t, value in enumerate(values)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["unit", "time", "treated_from", "value"]).sort_values(["unit", "time"], ignore_index=True)
    made = design_of(table.assign(cluster=table["unit"], denominator=np.nan, numerator=np.nan), weight=1.0, scale="level")
    return replace(made, table=made.table.assign(y=table["value"].astype(float)), **changes)


def world(seed, before, after, share, effect=5.0):
    """The model's own world: the comparison series explains a common shock, the level's variance is `share` of the whole."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=before + after).cumsum() + rng.normal(size=before + after)
    y = 50 + 0.7 * x + np.sqrt(share) * rng.normal(size=len(x)).cumsum() + np.sqrt(1 - share) * rng.normal(size=len(x))
    y[before:] += effect
    return series_design(y, {"x": x}, before, path=False, seed=seed)


# --- published and independent values ------------------------------------------------------------------------------


def google(shared_reference):
    data, before = pd.read_csv(shared_reference / "causalimpact_google.csv"), REFERENCE["causalimpact_google"]["before"]
    return data, before, fit(series_design(data["y"], {"x1": data["x1"], "x2": data["x2"]}, before))


def test_causal_impact_as_published(shared_reference):
    data, before, found = google(shared_reference)
    values = REFERENCE["causalimpact_google"]["values"]
    overall, total = found.overall(), found.rows("specification").iloc[0]
    assert total["group"] == "cumulative"
    assert overall["estimate"] == pytest.approx(values["average"]["expected"], abs=values["average"]["tolerance"])
    assert total["estimate"] == pytest.approx(values["cumulative"]["expected"], abs=values["cumulative"]["tolerance"])
    counterfactual = data["y"][before:].mean() - overall["estimate"]
    assert round(100 * overall["estimate"] / counterfactual) == values["relative_pct"]["expected"]
    published, plug_in = values["std_error"]["expected"], maximiser(data, before)[1]
    print(f"\naverage {overall['estimate']:.4f}, cumulative {total['estimate']:.2f}; s.d. {overall['std_error']:.1f} "
          f"[{overall['ci_low']:.1f}, {overall['ci_high']:.1f}]; R {published} [18, 36] under a prior that holds the level's "
          f"s.d. near 0.01; maximum likelihood with coefficients and variances taken as known {plug_in:.1f}")  # fmt: skip
    assert overall["std_error"] > plug_in > published


def maximiser(data, before):
    """(average effect, its s.d. with every parameter taken as known), by statsmodels' own maximum likelihood."""
    y, x = data["y"].to_numpy(float), data[["x1", "x2"]].to_numpy(float)
    centre, spread = y[:before].mean(), y[:before].std(ddof=1)
    x = (x - x[:before].mean(axis=0)) / x[:before].std(axis=0, ddof=1)
    found = UnobservedComponents((y[:before] - centre) / spread, level="local level", exog=x[:before]).fit(disp=0, maxiter=1000)
    noise, step = found.params[:2]
    ahead = np.arange(1, len(y) - before + 1)
    covariance = found.filtered_state_cov[0, 0, -1] + step * np.minimum.outer(ahead, ahead) + noise * np.eye(len(ahead))
    mean = found.get_forecast(len(ahead), exog=x[before:]).predicted_mean
    return (y[before:] - centre - spread * mean).mean(), spread * np.sqrt(covariance.mean())


def test_equal_to_statsmodels_own_maximiser(shared_reference):
    data, before, found = google(shared_reference)
    assert found.overall()["estimate"] == pytest.approx(maximiser(data, before)[0], abs=2e-3)


def dense(y, x, weight, times, start):
    """(average effect, its s.d.), without a filter: generalised least squares with a full covariance of the level's walk."""
    past, later = times < start, times >= start
    walk = np.minimum.outer(times, times) - times.min() + 1.0  # any number: the constant takes it up
    x = np.column_stack([np.ones(len(times)), *x])
    own = weight[later] / weight[later].sum()

    def parts(share):
        v = (1 - share) * np.eye(len(times)) + share * walk
        inverse = np.linalg.inv(v[np.ix_(past, past)])
        bread = np.linalg.inv(x[past].T @ inverse @ x[past])
        beta = bread @ x[past].T @ inverse @ y[past]
        left = y[past] - x[past] @ beta
        ahead = v[np.ix_(later, past)] @ inverse
        gap = x[later] - ahead @ x[past]
        covariance = v[np.ix_(later, later)] - ahead @ v[np.ix_(past, later)] + gap @ bread @ gap.T
        mean = y[later] - x[later] @ beta - ahead @ left
        log = np.linalg.slogdet(v[np.ix_(past, past)])[1]
        return left @ inverse @ left, log, inverse, bread, own @ mean, own @ covariance @ own

    def minus_likelihood(share):  # given the first period: the constant is integrated out, the coefficients are not
        squares, log, inverse, *_ = parts(share)
        return (past.sum() - 1) * np.log(squares) + log + np.log(inverse.sum())

    grid = (np.arange(400) / 399) ** 3
    near = int(np.argmin([minus_likelihood(share) for share in grid]))
    low, high = grid[max(near - 1, 0)], grid[min(near + 1, 399)]
    best = minimize_scalar(minus_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    best = min([best, 0.0, 1.0], key=minus_likelihood)
    dof = past.sum() - x.shape[1]
    shares = ((np.arange(40) + 0.5) / 40) ** 2
    found = [parts(share) for share in shares]
    log = np.array([-0.5 * (dof * np.log(f[0]) + f[1] - np.linalg.slogdet(f[3])[1]) for f in found])
    chance = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    means, spreads = np.array([f[4] for f in found]), np.array([f[0] / dof * f[5] * dof / (dof - 2) for f in found])
    return parts(best)[4], np.sqrt(chance @ spreads + chance @ (means - chance @ means) ** 2)


def frozen_design(case):
    """The small made-up panel, its policy `later` periods later, without the periods `gaps`."""
    table = made_up_table(case["seed"], effect=0.0, periods=case["periods"])
    table["treated_from"] += case["later"]
    return with_calendar(design_of(table[~(table["time"] - table["time"].min()).isin(case["gaps"])]))


def with_calendar(design):
    """A design as of a study of Vietnam: with working days and Tết."""
    return replace(design, calendar=calendar("M", pd.Index(sorted(design.table["time"].unique()))))


def mean_of(rows):
    return rows.groupby("time").apply(lambda part: np.average(part["y"], weights=part["weight"]))


@pytest.mark.parametrize("name", sorted(REFERENCE["made_up"]["cases"]))
def test_equal_to_dense_least_squares_on_the_small_panel(name):
    case = REFERENCE["made_up"]["cases"][name]
    design = frozen_design(case)
    table, row = design.table, fit(design).overall()
    treated, comparison = table[table["treated_from"].notna()], table[table["treated_from"].isna()]
    y, x, weight = 100 * mean_of(treated), mean_of(comparison), treated.groupby("time")["weight"].sum()
    times, start = y.index.to_numpy(), int(treated["treated_from"].iloc[0])
    x = [(x - x.mean()).to_numpy() * 10]
    if (times < start).sum() >= 24:
        x += list(design.calendar.loc[times].to_numpy().T)
    estimate, std_error = dense(y.to_numpy(), x, weight.to_numpy(), times, start)
    print(f"\n{name}: {row['estimate']:.8f}, dense {estimate:.8f}; s.d. of the draws {row['std_error']:.4f}, exact {std_error:.4f}")
    tolerance = REFERENCE["made_up"]["tolerance"]
    assert estimate == pytest.approx(case["estimate"], abs=tolerance)
    assert row["estimate"] == pytest.approx(case["estimate"], abs=tolerance)
    assert row["std_error"] == pytest.approx(std_error, rel=0.06)  # 4,000 draws of a distribution with long tails


# --- known worlds --------------------------------------------------------------------------------------------------


def test_recovers_an_effect_behind_a_shock_that_only_the_comparison_series_explain():
    rng = np.random.default_rng(3)
    shock = 3 * rng.normal(size=(2, 60)).cumsum(axis=1) - 8 * (np.arange(60) >= 40)  # falls on the day of the policy
    comparison = {"a": shock[0] + rng.normal(0, 0.1, 60), "b": shock[1] + rng.normal(0, 0.1, 60)}
    y = 40 + shock[0] + 0.5 * shock[1] + rng.normal(0, 0.5, 60) + 5 * (np.arange(60) >= 40)
    with_it, without = fit(series_design(y, comparison, 40)), fit(series_design(y, {}, 40))
    row = with_it.overall()
    assert abs(row["estimate"] - 5) < 3 * row["std_error"] and row["std_error"] < 0.6
    assert abs(without.overall()["estimate"] - 5) > 5
    assert with_it.notes == () and without.notes == ("no_comparison_series",)


@pytest.mark.long
def test_share_of_intervals_that_hold_the_truth_is_printed():
    for share in (0.0, 0.2, 0.5):
        rows = [fit(world(seed, 24, 12, share)).overall() for seed in range(1, 26)]
        held = np.mean([row["ci_low"] <= 5 <= row["ci_high"] for row in rows])
        print(f"\nlevel {share:.0%} of the variance: {held:.3f} of 25 nominal 95 % intervals hold the truth")
        assert held > 0.8


@pytest.mark.long
@pytest.mark.draws
def test_unbiased_where_the_assumptions_hold(tell):
    rows = pd.DataFrame([fit(world(seed, 40, 12, 0.2)).overall() for seed in range(1, draws(50, 500) + 1)])
    error, held = rows["estimate"].to_numpy(float) - 5, (rows["ci_low"] <= 5) & (rows["ci_high"] >= 5)
    tell(f"mean error {error.mean():.4f}, sd of the estimate {error.std():.4f}, mean std_error {rows['std_error'].mean():.4f}, "
         f"coverage {rate(held.sum(), len(held))}")  # fmt: skip
    assert unbiased(error, 0.15)


# --- the contract --------------------------------------------------------------------------------------------------


def test_same_numbers_twice_and_other_draws_with_another_seed():
    design = design_of(made_up_table(2, periods=20))
    first = fit(design)
    pd.testing.assert_frame_equal(first.table, fit(design).table)
    check_table(first.table)
    other = fit(replace(design, seed=99)).overall()
    assert other["estimate"] == first.overall()["estimate"] and other["std_error"] != first.overall()["std_error"]


def test_cumulative_is_the_sum_of_the_path_and_the_average_is_weighted():
    design = design_of(made_up_table(3, periods=20))
    found = fit(design)
    path = found.rows("event").set_index("event_time")["estimate"]
    assert list(path.index) == list(range(12))
    assert found.rows("specification").iloc[0]["estimate"] == pytest.approx(path.sum(), abs=1e-9)
    table = design.table[design.table["event_time"] >= 0]
    weight = table.groupby("event_time")["weight"].sum()
    assert found.overall()["estimate"] == pytest.approx((path * weight).sum() / weight.sum(), abs=1e-9)
    only = fit(replace(design, path=False)).table
    assert list(only["term"]) == ["overall"] and only["estimate"].iloc[0] == found.overall()["estimate"]


def test_points_are_a_hundred_times_shares():
    design = design_of(made_up_table(3, periods=20))
    share, points = fit(replace(design, scale="level")).overall(), fit(design).overall()
    for column in ("estimate", "std_error", "ci_low", "ci_high"):
        assert points[column] == pytest.approx(100 * share[column], rel=1e-6)


def test_without_comparison_an_event_inside_makes_it_a_change():
    design = world(1, 30, 6, 0.2)
    alone = replace(design, table=design.table[design.table["unit"] == "treated"])
    assert fit(alone).overall()["term"] == "overall"
    assert fit(replace(alone, events=("an event",))).overall()["term"] == "change"
    assert fit(replace(design, events=("an event",))).overall()["term"] == "overall"


def test_a_comparison_series_that_says_nothing_is_none():
    flat = series_design(world(1, 30, 6, 0.2).table.query("unit == 'treated'")["y"], {"x": np.full(36, 7.0)}, 30)
    assert fit(flat).notes == ("no_comparison_series",)


def test_comparison_series_one_by_one_only_where_few_and_whole():
    rng = np.random.default_rng(5)

    def columns(units, before, changed=lambda table: table):
        design = series_design(rng.normal(size=before + 4), {f"x{n}": rng.normal(size=before + 4) for n in range(units)}, before)
        table = changed(design.table)
        treated = segmented.mean_series(table[table["treated_from"].notna()], 1.0)
        return list(explaining(design, table, treated, FIRST + before))

    assert columns(3, 12) == ["unit x0", "unit x1", "unit x2"]
    assert columns(6, 40) == ["comparison"]
    assert columns(3, 11) == ["comparison"]  # fewer than four periods before for each
    assert columns(3, 12, lambda table: table.drop(index=table.index[table["unit"] == "x1"][5])) == ["comparison"]
    twin = columns(
        3,
        12,
        lambda table: table.assign(
            y=table["y"].mask(table["unit"] == "x1", table["time"] % 5 * 1.0).mask(table["unit"] == "x2", table["time"] % 5 * 2.0)
        ),
    )
    assert len(twin) == 2  # of two that say the same, one


def test_the_calendar_of_a_domain_only_where_people_are_counted():
    table = made_up_table(1, periods=40)
    table["treated_from"] += 20
    design = with_calendar(design_of(table))
    treated = segmented.mean_series(design.table[design.table["treated_from"].notna()], 1.0)
    start = int(design.table["treated_from"].min())
    assert list(explaining(design, design.table, treated, start)) == ["comparison", "working_days", "tet"]
    uncounted = design.table.assign(denominator=np.nan)
    assert list(explaining(design, uncounted, treated, start)) == ["comparison"]
    assert list(explaining(design_of(table), design.table, treated, start)) == ["comparison"]  # a study without a domain


def test_gaps_are_passed_over():
    design = replace(world(4, 40, 12, 0.2), path=True)
    table = design.table
    holes = (table["unit"] == "treated") & table["time"].isin([FIRST + 7, FIRST + 8, FIRST + 39, FIRST + 45])
    holes |= (table["unit"] == "x") & table["time"].isin([FIRST + 20, FIRST + 50])
    found, whole = fit(replace(design, table=table[~holes])), fit(design)
    assert list(found.rows("event")["event_time"]) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 11]
    assert abs(found.overall()["estimate"] - whole.overall()["estimate"]) < whole.overall()["std_error"]
    again = replace(design, table=table[~holes].assign(y=lambda t: t["y"] + 3.0))
    assert fit(again).overall()["estimate"] == pytest.approx(found.overall()["estimate"], abs=1e-8)


def test_placebo_in_time_keeps_the_minimum_before():
    assert len(fit(design_of(made_up_table(1))).rows("placebo_time")) == 0  # eight periods before, none to spare
    design = replace(world(2, 20, 4, 0.2), path=True)
    row = fit(design).rows("placebo_time").iloc[0]
    assert row["period"] == str(pd.Period(ordinal=FIRST + 14, freq="M"))
    moved = design.table[design.table["time"] < FIRST + 20].assign(treated_from=lambda t: t["treated_from"] - 6)
    same = fit(replace(design, table=moved.assign(treated=moved["time"] >= moved["treated_from"]), path=False)).overall()
    assert row["estimate"] == pytest.approx(same["estimate"], abs=1e-12)
    yearly = fit(replace(design, frequency="Y")).rows("placebo_time").iloc[0]
    assert yearly["period"] == str(pd.Period(ordinal=FIRST + 19, freq="Y"))


def test_sizes_of_event_times_are_told_where_they_count_no_dossiers():
    design = design_of(made_up_table(5))
    assert fit(design).rows("event")["n_obs"].isna().all()
    rows = replace(design, table=design.table.assign(denominator=np.nan, numerator=np.nan))
    assert fit(rows).rows("event")["n_obs"].notna().all()


def with_y(design, change):
    treated = design.table["treated_from"].notna()
    return replace(design, table=design.table.assign(y=design.table["y"].mask(treated, change(design.table))))


def row_lost(design):
    return replace(design, table=design.table.assign(y=design.table["y"].mask(design.table.index == 3)))


GOOD = design_of(made_up_table(1, periods=30))
HOSTILE = {
    "staggered": (design_of(staggered_table(1)), "staggered"),
    "one period before": (replace(GOOD, table=GOOD.table[GOOD.table["time"] >= GOOD.table["treated_from"].min() - 1]), "too_few_periods"),
    "seven before": (replace(GOOD, table=GOOD.table[GOOD.table["time"] > GOOD.table["time"].min()]), "too_few_periods"),
    "one after": (replace(GOOD, table=GOOD.table[GOOD.table["time"] <= GOOD.table["treated_from"].min()]), "too_few_periods"),
    "no common period": (
        replace(GOOD, table=GOOD.table[GOOD.table["treated_from"].notna() == (GOOD.table["time"] % 2 == 0)]),
        "too_few_periods",
    ),
    "constant": (with_y(GOOD, lambda table: 0.3), "no_variation"),
    "all 0": (replace(GOOD, table=GOOD.table.assign(y=0.0)), "no_variation"),
    "all 1": (replace(GOOD, table=GOOD.table.assign(y=1.0)), "no_variation"),
    "explained without a rest": (world(1, 30, 6, 0.2), "no_variation"),
    "NaN": (row_lost(GOOD), "not_finite"),
    "inf": (with_y(GOOD, lambda table: np.inf), "not_finite"),
    "nobody treated": (replace(GOOD, table=GOOD.table[GOOD.table["treated_from"].isna()]), "no_treated"),
}
HOSTILE["explained without a rest"] = (with_y(
    HOSTILE["explained without a rest"][0],
    lambda table: 2 + 3 * table["time"].map(table[table["unit"] == "x"].set_index("time")["y"])), "no_variation")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_with_a_reason(name):
    design, reason = HOSTILE[name]
    with pytest.raises(Refusal) as refusal:
        fit(design)
    assert refusal.value.reason == reason


def test_shares_that_turn_from_all_0_to_all_1_before_are_numbers():
    turned = with_y(GOOD, lambda table: (table["time"] >= table["time"].min() + 4) * 1.0)
    check_table(fit(turned).table)


def test_a_likelihood_that_is_not_finite_is_refused(monkeypatch):
    monkeypatch.setattr(structural.Ratio, "score", lambda self, share: np.nan)
    with pytest.raises(Refusal) as refusal:
        fit(GOOD)
    assert refusal.value.reason == "not_converged"


# --- segmented regression ------------------------------------------------------------------------------------------


def test_controlled_is_the_segmented_regression_of_the_difference():
    rng = np.random.default_rng(8)
    shock = rng.normal(size=36).cumsum() + 6 * (np.arange(36) >= 24)
    y, x = 30 + shock + rng.normal(0, 0.3, 36) + 5 * (np.arange(36) >= 24), 20 + shock + rng.normal(0, 0.3, 36)
    design = replace(series_design(y, {"x": x}, 24), frequency="Q")
    found = segmented.fit(design)
    check_table(found.table)
    row = found.rows("specification").iloc[0]
    t, after = np.arange(36) - 24.0, (np.arange(36) >= 24) * 1.0
    plain = sm.OLS(y - x, np.column_stack([np.ones(36), t, after, after * t])).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}
    )
    contrast = np.array([0, 0, 1, t[24:].mean()])
    assert row["group"] == "controlled" and row["inference"] == "hac"
    assert row["estimate"] == pytest.approx(contrast @ plain.params, abs=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(contrast @ plain.cov_params() @ contrast), rel=1e-9)
    assert abs(row["estimate"] - 5) < abs(found.overall()["estimate"] - 5)


def test_segmented_rows_beside_the_first_only_where_they_can_be_had():
    design = world(1, 30, 6, 0.2)
    assert list(segmented.fit(design).table["term"]) == ["overall"]
    path = replace(design, path=True)
    found = segmented.fit(path)
    assert list(found.table["term"]) == ["overall", "specification", "placebo_time"]
    assert found.rows("placebo_time").iloc[0]["period"] == str(pd.Period(ordinal=FIRST + 24, freq="M"))
    alone = replace(path, table=path.table[path.table["unit"] == "treated"])
    assert list(segmented.fit(alone).table["term"]) == ["overall", "placebo_time"]
    short = replace(world(1, 11, 6, 0.2), path=True)
    assert list(segmented.fit(short).table["term"]) == ["overall", "specification"]  # 11 // 2 = 5 earlier leaves six before


@pytest.mark.parametrize("name", ["staggered", "one period before", "one after", "NaN", "inf", "nobody treated"])
def test_segmented_refuses_hostile_input(name):
    design, reason = HOSTILE[name]
    with pytest.raises(Refusal) as refusal:
        segmented.fit(design)
    assert refusal.value.reason == reason
