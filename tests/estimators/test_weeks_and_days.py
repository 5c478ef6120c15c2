"""Panels of weeks and days with a known effect: every estimator finds it, or says why it cannot; a calendar's lengths are those of months."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError, Refusal
from hgdx_eval.base.periods import HALF_YEAR, period_of, written
from hgdx_eval.design.design import Design, study_design
from hgdx_eval.design.placebos import placebo_before
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimators.interrupted_time_series import fit as segmented
from hgdx_eval.estimators.interrupted_time_series import weekdays
from hgdx_eval.infer.false_alarms import worlds_of
from hgdx_eval.infer.sensitivity import event_study
from hgdx_eval.infer.sequential import looks
from hgdx_eval.infer.specification_curve import specification_curve
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import load_study
from hgdx_eval.study.vocabulary import estimator_names

EFFECT = 2.0
FIRST = {"D": "2022-11-01", "W": "2021-12-27"}
LENGTH = {"D": (300, 140), "W": (100, 60)}  # periods, of which before the policy
REFUSED = {"grouped_logit": "no_counts", "triple_difference": "no_third_difference"}


def panel(frequency: str, units: int = 12, seed: int = 1, quiet: float = 3.0) -> pd.DataFrame:
    """town, when, value, start: towns 0, 2, ... treated; a common path with a memory; Saturdays and Sundays lower by `quiet`."""
    rng, (length, before) = np.random.default_rng(seed), LENGTH[frequency]
    periods = pd.period_range(FIRST[frequency], periods=length, freq=frequency)
    path, shocks = np.zeros(length), rng.normal(0, 0.2, length)
    for t in range(1, length):
        path[t] = 0.3 * path[t - 1] + shocks[t]
    if frequency == "D":
        path = path - quiet * (periods.day_of_week >= 5)
    own, names, rows = rng.normal(10, 1, units), [written(period) for period in periods], []
    for u in range(units):
        treated = u % 2 == 0
        value = own[u] + path + EFFECT * treated * (np.arange(length) >= before) + rng.normal(0, 0.3, length)
        rows.append(pd.DataFrame({"town": f"Town {u:02}", "when": names, "value": value, "start": names[before] if treated else ""}))
    return pd.concat(rows, ignore_index=True)


def designed(folder: Path, table: pd.DataFrame, frequency: str, estimator: str = "two_way_fixed_effects", start: str = "start",
             more: str = "") -> Design:  # fmt: skip
    table.to_csv(folder / "t.csv", index=False)
    (folder / "s.yaml").write_text(f"study: s\ndata: t.csv\nunit: town\nperiod: when\nfrequency: {frequency}\noutcome: value\n"
                                   f"treated_from: {start}\ncluster: town\nweights: none\nestimator: {estimator}\n{more}", encoding="utf-8")  # fmt: skip
    p, _ = load_study(str(folder / "s.yaml"))
    return study_design(load_panel(p), p)


@pytest.fixture(scope="module", params=["W", "D"])
def design(request, tmp_path_factory) -> Design:
    return designed(tmp_path_factory.mktemp("panel"), panel(request.param), request.param)


@pytest.mark.parametrize("name", estimator_names())
def test_every_estimator_finds_the_effect_or_says_why_not(design, name):
    if name in REFUSED:
        with pytest.raises(Refusal) as refusal:
            estimate(design, name)
        assert refusal.value.reason == REFUSED[name]
        return
    found = estimate(replace(design, path=False), name).overall()
    assert found["estimate"] == pytest.approx(EFFECT, abs=0.35)
    if pd.notna(found["ci_low"]):
        assert found["ci_low"] < EFFECT < found["ci_high"] and found["ci_low"] > 0


def test_periods_in_results_are_written_as_they_are_read(design):
    found = [estimate(design, name).table for name in ("interrupted_time_series", "sun_abraham", "callaway_santanna")]
    texts = pd.concat(found)[["period", "cohort"]].stack()
    told = set(texts[texts != ""])
    form = r"\d{4}-W\d\d" if design.frequency == "W" else r"\d{4}-\d\d-\d\d"
    assert told and pd.Series(sorted(told)).str.fullmatch(form).all()
    assert written(design.start) in told and "/" not in "".join(told)


def test_a_placebo_is_half_a_year_earlier_on_the_same_weekday(design):
    if design.frequency == "D":
        assert HALF_YEAR["D"] % 7 == 0
    earlier = placebo_before(design, 28)
    assert estimate(earlier, "two_way_fixed_effects").overall()["estimate"] == pytest.approx(0, abs=0.2)
    assert design.start - earlier.start == 28 * design.start.freq


def test_placebo_worlds_are_of_blocks_as_long_as_those_of_months(design):
    assert worlds_of(design).block == {"W": 26, "D": 70}[design.frequency]  # 182 days, but at most half of the time before


def test_sensitivity_tells_days_and_weeks_by_the_most_that_leave_three_spans_before(design):
    """Twelve clusters allow six coefficients: more than there are of days or weeks, fewer than of quarters of the time before."""
    assert event_study(design).spans[0] == {"W": (0, 12), "D": (0, 27)}[design.frequency]


def test_looks_are_four_weeks_apart_and_end_with_the_last_period(design):
    found = looks(design, "two_way_fixed_effects").table
    when = found["period"].drop_duplicates().tolist()
    time = np.sort([period_of(text).ordinal for text in when])
    assert set(np.diff(time)) == {28 if design.frequency == "D" else 4} and time[-1] == design.table["time"].max()


def test_another_date_in_the_curve_is_a_week_away_and_the_transition_weeks_long(design):
    curve = specification_curve(design).table
    rows = curve.set_index("parameter")
    step, half = (7, 28) if design.frequency == "D" else (1, 4)
    late = replace(design, table=moved(design.table, step), path=False)
    assert rows.loc["date=one_later", "estimate"] == pytest.approx(estimate(late, "two_way_fixed_effects").overall()["estimate"], abs=1e-9)
    event = design.table["time"] - design.start.ordinal
    inner = replace(design, table=design.table[~event.between(-half, half - 1)].reset_index(drop=True), path=False)
    expected = estimate(inner, "two_way_fixed_effects").overall()["estimate"]
    assert rows.loc["window=no_transition", "estimate"] == pytest.approx(expected, abs=1e-9)


def moved(table: pd.DataFrame, by: int) -> pd.DataFrame:
    start = table["treated_from"] + by
    return table.assign(treated_from=start, treated=table["time"] >= start, event_time=table["time"] - start)


# --- one series of days --------------------------------------------------------------------------------------------
def one_series(tmp_path, keep=lambda days: np.ones(len(days), bool), quiet: float = 3.0) -> Design:
    table = panel("D", units=1, seed=3, quiet=quiet)
    days = pd.to_datetime(table["when"])
    return designed(tmp_path, table[keep(days)], "D", "interrupted_time_series")


def test_the_days_of_the_week_are_taken_out_of_a_single_series(tmp_path):
    """With weekends 3 lower, a series without its weekdays would be noise: its error is that of a series that has none."""
    swinging, even = (segmented(one_series(tmp_path, quiet=quiet)).overall() for quiet in (3.0, 0.0))
    assert swinging["estimate"] == pytest.approx(even["estimate"], abs=1e-9) == pytest.approx(EFFECT, abs=0.5)
    assert swinging["std_error"] == pytest.approx(even["std_error"], rel=1e-6)


def test_a_structural_series_of_days_alone_has_weekdays_and_no_comparison(tmp_path):
    found = estimate(one_series(tmp_path), "structural_time_series")
    assert found.notes == ("no_comparison_series",) and found.overall()["estimate"] == pytest.approx(EFFECT, abs=0.6)


def test_weekdays_that_change_with_the_policy_are_refused(tmp_path):
    """Mondays before, Tuesdays after: what is the policy's and what the weekday's cannot be told."""
    start = pd.Timestamp(FIRST["D"]) + pd.Timedelta(days=LENGTH["D"][1])
    keep = lambda days: np.where(days < start, days.dt.day_of_week < 3, days.dt.day_of_week >= 3)  # noqa: E731
    with pytest.raises(Refusal) as refusal:
        segmented(one_series(tmp_path, keep))
    assert refusal.value.reason == "collinear"


def test_too_few_days_are_refused_with_what_is_needed(tmp_path):
    start = pd.Timestamp(FIRST["D"]) + pd.Timedelta(days=LENGTH["D"][1])
    with pytest.raises(Refusal, match="27 periods before and 160 after; at least 28 and 2"):
        segmented(one_series(tmp_path, lambda days: (days >= start - pd.Timedelta(days=27)).to_numpy()))


def test_weekdays_are_dummies_of_all_but_the_first_that_is_there():
    days = pd.period_range("2023-03-06", periods=14, freq="D")  # from a Monday
    assert list(weekdays(pd.Index(days.asi8), "D")) == [f"weekday {k}" for k in range(1, 7)]
    assert weekdays(pd.Index(days.asi8), "D").loc[days[1].ordinal, "weekday 1"] == 1.0
    working = days[days.day_of_week < 5]
    assert list(weekdays(pd.Index(working.asi8), "D")) == [f"weekday {k}" for k in range(1, 5)]
    assert weekdays(pd.Index(days.asi8), "M").empty


# --- what a study may say ------------------------------------------------------------------------------------------
def test_an_export_is_counted_by_month_alone(tmp_path):
    (tmp_path / "s.yaml").write_text("study: s\ndata: t.csv\nlayout: opencps_dossiers\nunit: agency\nperiod: period\nfrequency: W\n"
                                     "numerator: online\ndenominator: received\ncluster: cluster\ntreated_from: {a: 2023-08}\n"
                                     "estimator: two_way_fixed_effects\n", encoding="utf-8")  # fmt: skip
    with pytest.raises(InputError, match="frequency: 'W': an export is counted by month; allowed: M"):
        load_study(str(tmp_path / "s.yaml"))


@pytest.mark.parametrize(("frequency", "window", "start", "first"), [
    ("W", "[2022-W10, 2023-W40]", "2023-W10", "2022-W10"), ("W", "[2022-03-08, 8/10/2023]", "W10/2023", "2022-W10"),
    ("D", "[2022-11-08, 2023-06-04]", "2023-03-08", "2022-11-08"), ("D", "[8/11/2022, 20230604]", "8/3/2023", "2022-11-08")])  # fmt: skip
def test_windows_and_starts_are_typed_as_weeks_or_dates(tmp_path, frequency, window, start, first):
    design = designed(tmp_path, panel(frequency), frequency, more=f"window: {window}\n", start=f"{{Town 00: {start}}}")
    assert written(design.start) == ("2023-W10" if frequency == "W" else "2023-03-08") and design.treated_units == ["Town 00"]
    assert (written(design.table["period"].min()), design.table["event_time"].max()) == (first, 30 if frequency == "W" else 88)
