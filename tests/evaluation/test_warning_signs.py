"""Warnings: each fires where its own thing is broken, all are quiet where nothing is, and what a trend test can see is told."""

import string
from dataclasses import asdict, replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from coverage_worlds import demo_design
from made_up import design_of, made_up_table
from monte_carlo import MANY, at_least, draws
from scipy import stats
from warning_worlds import BROKEN, CHANGES, composition_change, drawn, drifting, few_clusters, thin_months
from worlds import World, one_among_many, parallel, places, staggered

from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.fixed_effects import cells_of, usable
from hgdx_eval.evaluation.volume import volume_of
from hgdx_eval.evaluation.warning_signs import Trend, event_in_window, trend, uneven_campaign, warning_signs
from hgdx_eval.infer.false_alarms import monte_carlo
from hgdx_eval.report.show_robustness import show_signs, trend_power, warning_texts
from hgdx_eval.study.load import read_study, study_file, study_words
from hgdx_eval.study.vocabulary import REGRESSION, WARNINGS
from hgdx_eval.study.words import texts
from hgdx_eval.vietnam import made_up_world as synth

ALWAYS = ("few_clusters", "two_treated_agencies", "event_in_window", "thin_months")
ALARMS = 0.1  # of the good world, at most
STEPS = (0, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if MANY else (0, 3, 8)  # bias of the average effect, in about so many standard errors


def signs(design):
    return warning_signs(design, None, volume_of(design, estimate(replace(design, path=False), REGRESSION)))


def names(design):
    return {warning.name for warning in signs(design)}


@cache
def signs_drawn(seed: int, world: str) -> tuple:
    return tuple(signs(drawn(seed, world)))


@cache
def fired(seed: int, broken: tuple[str, ...] = BROKEN) -> dict[str, set[str]]:
    """World -> warnings. `good`: the default world without its listed events; `listed`: with them. Draws and tests that worlds
    have in common are made once."""
    listed = demo_design(seed)[0]
    alike = {"listed": listed, "event_in_window": CHANGES["event_in_window"](listed)}  # other events, the same dossiers
    found = {name: {warning.name for warning in signs_drawn(seed, name)} for name in ("good", *broken) if name not in alike}
    for name, design in alike.items():
        more = [uneven_campaign(design, usable(design), cells_of(design, usable(design))), event_in_window(design)]
        found[name] = found["good"] | {warning.name for warning in more if warning}
    return found


def counted(seeds: range, broken: tuple[str, ...] = BROKEN) -> pd.DataFrame:
    """Worlds x warnings: how many of the draws each fires in."""
    counts = pd.DataFrame(0, index=["good", "listed", *BROKEN], columns=list(WARNINGS))
    for seed in seeds:
        for world, found in fired(seed, broken).items():
            counts.loc[world, list(found)] += 1
    return counts


# --- the firing table --------------------------------------------------------------------------------------------------


def test_each_warning_fires_where_its_thing_is_broken():
    for world, found in fired(1, tuple(name for name in BROKEN if name != "differential_trend")).items():
        assert world in found or world in ("good", "listed"), world


@pytest.mark.long
def test_where_nothing_is_broken_warnings_are_quiet():
    counts = counted(range(1, 11))  # made once, for the rates below too
    for name in ("uneven_campaign", "ceiling"):
        assert counts.loc[name, name] >= 9, name
    assert counts.loc["good", "differential_trend"] <= 2 and counts.loc["listed", "event_in_window"] == 10
    assert (counts.loc["good"].drop("differential_trend") == 0).all()
    assert (counts.loc["listed"].drop(["differential_trend", "event_in_window"]) <= 1).all()


@pytest.mark.long
@pytest.mark.draws
def test_rates_of_every_warning_in_every_world(tell):
    seeds = draws(10, 200)  # those of the test above, whose warnings are remembered
    counts = counted(range(1, seeds + 1))
    for world in counts.index:
        told = [f"{name} {n / seeds:.1%} [{monte_carlo(n, seeds)['low']:.1%}; {monte_carlo(n, seeds)['high']:.1%}]"
                for name, n in counts.loc[world].astype(int).items() if n]  # fmt: skip
        tell(f"{world}, {seeds} draws: " + "; ".join(told))
    for name in ALWAYS:
        assert counts.loc[name, name] == seeds, name
    for name in ("uneven_campaign", "ceiling", "composition_change"):
        assert counts.loc[name, name] >= 0.9 * seeds, name
    quiet = pd.concat([counts.loc["good"], counts.loc["listed"].drop("event_in_window")]).astype(int)
    assert all(monte_carlo(n, seeds)["low"] <= ALARMS for n in quiet)
    assert not MANY or (quiet <= ALARMS * seeds).all()


# --- the differential trend: what can be seen --------------------------------------------------------------------------


def best_power(design, slope: float, agencies: bool) -> float:
    """Power of the best test, one that knows the sign, the variances and that shares move by chance draws of dossiers alone, with
    one false alarm in ten, for a steady drift (shares a month) beside an effect of unknown size. `agencies`: each compared
    within itself in every month, as the study does."""
    table = usable(design)
    side = table["treated_from"].notna().rename("side")
    month = table.groupby("time")[["numerator", "denominator"]].sum()
    share = month["numerator"] / month["denominator"]
    keys = [table["block"], side, table["time"]] if agencies else [side, table["time"]]
    sizes = table.groupby(keys)["denominator"].sum().unstack("side").dropna()
    weight = (sizes[True] * sizes[False] / (sizes[True] + sizes[False])).groupby("time").sum() / (share * (1 - share))
    time = weight.index.to_numpy(float) - design.start.ordinal
    columns = np.column_stack([np.ones(len(time)), time >= 0, time])
    error = np.sqrt(np.linalg.inv(columns.T @ (columns * weight.to_numpy()[:, None]))[2, 2])
    return float(stats.norm.cdf(slope / error - stats.norm.ppf(1 - ALARMS)))


def test_no_test_could_see_the_drift_of_that_world_nine_times_in_ten():
    """A bias of three standard errors is a drift of two of its own: chance in the dossiers alone hides it."""
    design = drawn(1, "differential_trend")
    assert 0.65 < best_power(design, synth.DRIFT_PER_MONTH, agencies=True) < 0.78
    assert best_power(design, synth.DRIFT_PER_MONTH, agencies=False) < 0.88
    assert best_power(design, 2 * synth.DRIFT_PER_MONTH, agencies=True) > 0.95


def test_a_drift_twice_as_strong_is_found():
    assert sum("differential_trend" in names(drifting(seed, 2)) for seed in range(1, 5)) >= 3


@pytest.mark.long
@pytest.mark.draws
def test_power_of_the_trend_test(tell):
    """The share of draws in which the warning fires, by the bias that the drift makes."""
    seeds, table = draws(20, 200), {}
    for step in STEPS:
        table[step] = sum(trend(drifting(seed, step / 3)).seen for seed in range(1, seeds + 1))
    for step, n in table.items():
        low, high = monte_carlo(n, seeds).values()
        tell(f"bias of {step} standard errors: {n / seeds:.1%} [{low:.1%}; {high:.1%}] of {seeds} draws")
    assert monte_carlo(table[0], seeds)["low"] <= ALARMS and at_least(table[STEPS[-1]], seeds, 0.9)
    assert table[3] / seeds > 0.1  # and cannot be 0.9: see above


def test_a_constant_effect_of_any_size_is_no_trend():
    design = drawn(1, "good")
    table = design.table
    other = trend(replace(design, table=table.assign(y=table["y"] + 0.1 * table["treated"])))
    one = trend(design)
    for name, value in asdict(one).items():
        assert getattr(other, name) == (value if name == "frequency" else pytest.approx(value, abs=1e-7)), name


def test_a_steady_drift_is_measured_and_what_it_does_to_the_effect():
    from hgdx_eval.estimators.two_way_fixed_effects import fit

    design = drawn(1, "good")
    table = design.table
    side, time = table["treated_from"].notna(), table["time"] - design.start.ordinal
    drifted = replace(design, table=table.assign(y=table["y"] + 0.002 * side * time))
    one, other = trend(design), trend(drifted)
    assert other.slope - one.slope == pytest.approx(0.2) and other.before - one.before == pytest.approx(0.2)
    assert other.after - one.after == pytest.approx(0.2) and other.std_error == pytest.approx(one.std_error, rel=0.3)
    shift = fit(drifted).overall()["estimate"] - fit(design).overall()["estimate"]
    assert shift == pytest.approx(0.2 * one.bias) and other.seen


def test_an_effect_that_grows_fast_is_told_apart_from_a_trend():
    design = drawn(4, "good")
    table = design.table
    grown = table.assign(y=table["y"] + 0.004 * table["treated"] * (table["time"] - design.start.ordinal))
    found = trend(replace(design, table=grown))
    assert found.p_value < 0.01 and found.p_same < 0.05 and not found.seen


def test_what_a_trend_test_needs():
    design = drawn(1, "good")
    early = replace(design, table=design.table[design.table["time"] >= design.start.ordinal - 2].reset_index(drop=True))
    assert trend(early) is None
    assert trend(few_clusters(design)) is None
    assert {"few_clusters"} <= names(few_clusters(design)) <= {"few_clusters", "two_treated_agencies"}


# --- single warnings ---------------------------------------------------------------------------------------------------


def test_the_number_of_a_thin_month_and_of_a_moved_mix():
    design = drawn(2, "good")
    [thin] = [w for w in warning_signs(thin_months(design)) if w.name == "thin_months"]
    assert thin.numbers["periods"] == ("2024-02", "2024-03") and 0.05 < thin.strength < 0.35
    [mix] = [w for w in warning_signs(composition_change(design)) if w.name == "composition_change"]
    assert mix.numbers["treated_side"] and 0.2 < mix.strength < 0.5
    assert abs(mix.numbers["estimate"] - mix.numbers["reweighted"]) < 1.5


def test_a_mix_that_always_wanders_is_no_break():
    """Each month has other units' dossiers; nothing special at the date."""
    design = drawn(2, "good")
    table = design.table
    wave = 1 + 0.8 * np.sin(pd.factorize(table["unit"])[0] + (table["time"] - design.start.ordinal) / 9 * np.pi)
    denominator = (table["denominator"] * wave).round() + 1
    wandering = replace(design, table=table.assign(denominator=denominator, weight=denominator))
    assert "composition_change" not in names(wandering)


def test_designs_of_other_kinds_are_not_refused():
    for other in (staggered(), places(), one_among_many()):
        assert names(World(other, parallel).drawn(1)[0]) <= set(WARNINGS)
    plain = design_of(made_up_table(1, clusters=12, periods=30, effect=0.05))
    assert names(plain) <= set(WARNINGS)
    bare = replace(plain, table=plain.table.assign(denominator=np.nan, numerator=np.nan, weight=1.0), scale="level")
    assert names(bare) <= set(WARNINGS) - {"ceiling", "thin_months"}
    around = plain.table["time"].between(plain.start.ordinal - 1, plain.start.ordinal)
    assert "differential_trend" not in names(replace(plain, table=plain.table[around].reset_index(drop=True)))


def test_a_campaign_before_the_policy_or_all_through_it_is_not_tried():
    design = drawn(1, "event_in_window")
    [event] = design.events
    table = usable(design)
    before = event.model_copy(update={"date": date(2022, 1, 1), "until": date(2022, 12, 31)})
    through = event.model_copy(update={"date": date(2022, 1, 1), "until": date(2025, 12, 31)})
    national = event.model_copy(update={"scope": "national"})
    for other in (before, through, national):
        assert uneven_campaign(replace(design, events=(other,)), table, cells_of(design, table)) is None


# --- in words ----------------------------------------------------------------------------------------------------------


@cache
def one_of_each() -> dict:
    found = {}
    for name in BROKEN:
        told = signs(drifting(1, 3)) if name == "differential_trend" else signs_drawn(1, name)
        found |= {warning.name: warning for warning in told}
    return found


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_warning_is_said_with_its_numbers(lang):
    words, found = study_words(read_study(study_file("demo"), {}), lang), one_of_each()
    assert set(found) == set(WARNINGS)
    told = warning_texts(list(found.values()), words)
    for title, text in told:
        assert (
            title
            and text.count(". ") >= 1
            and not {"{", "}", "!"} & set(text)
            and "nan" not in text
            and "–" not in text.replace(words("study.units"), "")
        )
    block = show_signs(list(found.values()), words, trend(drawn(1, "good"))).html
    assert all(title in block for title, _ in told) and words("warnings.trend_power_title") in block
    assert words("warnings.none") in show_signs([], words).html


def test_the_numbers_in_a_sentence():
    words = study_words(read_study(study_file("demo"), {}), "vi")
    found = Trend(0.05, 0.02, 0.0, 0.1, 0.2, 9.0, 0.0, 0.5, 0.0, 0.5, 0.0912, 20.8, "M")
    assert "từ 0,091 điểm phần trăm mỗi tháng" in trend_power(found, words) and "lệch 1,9 điểm phần trăm" in trend_power(found, words)
    daily = trend_power(replace(found, detectable=0.0008, frequency="D"), words)  # of days and weeks by the year: 365 times
    assert "từ 0,29 điểm phần trăm mỗi năm" in daily and "lệch 0,017 điểm phần trăm" in daily


def test_no_text_lacks_its_other_language():
    fields = {lang: {key: {f for _, f, _, _ in string.Formatter().parse(text) if f} for key, text in texts(lang).items()
                     if key.startswith("warnings.")} for lang in ("vi", "en")}  # fmt: skip
    assert fields["vi"] == fields["en"] and len(fields["vi"]) > 20
