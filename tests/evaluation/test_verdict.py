"""The verdict: each level in a made-up world, by rules that a study writes down."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import factor_table, made_up_table
from test_show_methods import made

import hgdx_eval as hg
from hgdx_eval.estimation.inference import t_interval
from hgdx_eval.evaluation import verdict
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.verdict import CANNOT, CLEAR, NEGLIGIBLE, SUGGESTIVE, UNCLEAR
from hgdx_eval.report.answer import headline, reasons, show_checks
from hgdx_eval.report.charts.placebos import plot_leave_one_out
from hgdx_eval.report.show_data import show_scale
from hgdx_eval.study.load import study_words

KEYS = "treated_from: start\n"
METHODS = ["two_way_fixed_effects", "imputation", "callaway_santanna"]


def world(seed=2, effect=0.08, clusters=12, tilt=0.0):
    """Sixteen months before the policy and twelve after; `tilt`: points a month by which the treated drift away."""
    table = made_up_table(seed, 0.0, clusters=clusters, periods=28).assign(treated_from=lambda t: t["treated_from"] + 8)
    treated, months = table["treated_from"].notna(), table["time"] - table["time"].min()
    more = effect * (table["time"] >= table["treated_from"]) + tilt * months * treated
    return table.assign(numerator=(table["numerator"] + more * table["denominator"]).clip(0, table["denominator"]).round())


def judged(folder, table, keys=KEYS):
    p, design = made(folder, table, keys)
    p = p.model_copy(update={"estimators": METHODS})
    return p, design, evaluate(design, p)


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    return judged(tmp_path_factory.mktemp("clear"), world())


@pytest.fixture(scope="module")
def null(tmp_path_factory):
    return judged(tmp_path_factory.mktemp("null"), world(effect=0.0))


def test_level_1_where_the_interval_and_every_check_speak_for_it(clear):
    p, _, found = clear
    assert set(found.checks) == {"placebo_time", "leave_one_out", "pre_period", "methods", "breakdown", "volume"}
    assert set(found.checks.values()) == {"pass"} and found.signs == () and found.verdict == CLEAR
    assert headline(found, study_words(p, "vi")).startswith("Có. ") and headline(found, study_words(p, "en")).startswith("Yes. ")


@pytest.mark.parametrize("name", ["placebo_time", "leave_one_out", "pre_period", "methods", "breakdown", "volume"])
@pytest.mark.parametrize("result", ["fail", "none"])
def test_level_2_where_one_check_fails_or_could_not_be_made(clear, name, result):
    _, design, found = clear
    checks = {**found.checks, name: result}
    assert verdict.judge(design, found.main, found.headline, checks, None, (), None, found.rules) == SUGGESTIVE


def test_never_level_1_where_trends_drift(tmp_path):
    """So steep a drift also makes one side move together before the policy: the gate finds it, and no interval passes."""
    p, _, found = judged(tmp_path, world(tilt=0.003))
    assert found.verdict in (SUGGESTIVE, CANNOT) and ("fail" in found.checks.values() or found.signs)
    assert any(sign == "-" for sign, _ in reasons(found, study_words(p, "vi")))


def test_no_check_says_that_each_was_left_out_where_only_some_were(clear):
    """The note of a synthetic method with more donors of weight than are left out in turn."""
    p, _, whole = clear
    some = replace(whole, leave_one_out=replace(whole.leave_one_out, notes=("left_out_in_part",)))
    for lang, each in (("vi", "từng cụm"), ("en", "ach cluster")):
        words = study_words(p, lang)
        told = [show_checks(found, words)._repr_html_() + plot_leave_one_out(found.main, found.leave_one_out, words).title
                for found in (whole, some)]  # fmt: skip
        assert each in told[0] and each not in told[1] and told[0] != told[1]
        assert each not in " ".join(text for _, text in reasons(some, words))


def test_level_3_without_an_effect_and_without_a_threshold(null):
    _, _, found = null
    assert found.verdict == UNCLEAR and found.small is None


def test_level_4_only_where_the_study_names_a_threshold_that_holds_everything(null, tmp_path):
    table = world(effect=0.0)
    low, high = null[2].main.overall()[["ci_low", "ci_high"]]
    reach = max(abs(low), abs(high))
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    wide.mkdir(), narrow.mkdir()
    p, _, found = judged(wide, table, KEYS + f"smallest_effect: {reach + 1:.3f}\n")
    assert found.small.inside and found.verdict == NEGLIGIBLE
    for lang, opening in (("vi", "Không đáng kể."), ("en", "Not to a meaningful degree.")):
        words = study_words(p, lang)
        said = headline(found, words)
        assert said.startswith(opening) and "90%" in said and words.number(reach + 1, 1) in said
        assert words.number(found.small.low, 1) in said and words.number(found.small.high, 1) in said
        assert len(reasons(found, words)) >= 2
    _, _, other = judged(narrow, table, KEYS + f"smallest_effect: {0.3 * reach:.3f}\n")
    assert not other.small.inside and other.verdict == UNCLEAR


def test_level_4_needs_the_time_before_and_no_warning(null):
    _, design, found = null
    small = verdict.Small(5.0, -1.0, 1.0, 1.5)

    def level(checks, signs=(), small=small, chosen=design):
        return verdict.judge(chosen, found.main, found.headline, checks, None, signs, small, found.rules)

    good = {**found.checks, "placebo_time": "pass", "pre_period": "pass"}
    assert level(good) == NEGLIGIBLE
    assert level({**good, "pre_period": "fail"}) == level({**good, "placebo_time": "none"}) == level(good, ("a warning",)) == UNCLEAR
    assert level(good, small=replace(small, largest=5.1)) == level(good, small=replace(small, high=5.0)) == UNCLEAR
    assert level(good, chosen=replace(design, estimand="difference")) == UNCLEAR


def test_level_5_for_a_single_series_and_where_no_interval_can_be_relied_on(clear, tmp_path):
    _, design, found = clear
    assert verdict.judge(design, found.main, "none", found.checks, None, (), None, found.rules) == CANNOT


def test_a_rank_is_a_sign_at_most(tmp_path):
    table = factor_table(1, effect=0.3, donors=25, periods=10, before=3)
    _, _, found = judged(tmp_path, table, "treated_from: start\n")
    assert found.headline == "placebo" and found.verdict == SUGGESTIVE and found.rank == (1, 26)
    strict = found.rules.model_copy(update={"rank": 0.01})
    assert verdict.judge(found.design, found.main, "placebo", found.checks, found.placebo_space, (), None, strict) == UNCLEAR


def test_the_rules_of_a_study_decide(clear, tmp_path):
    table = world()
    times = verdict.breakdown_of(clear[2].sensitivity)
    assert 1 <= times < 5
    _, _, stricter = judged(tmp_path, table, KEYS + f"verdict:\n  breakdown: {min(times + 0.1, 5):.2f}\n")
    assert stricter.checks["breakdown"] == "fail" and stricter.verdict == SUGGESTIVE
    asked = clear[2].rules.model_copy(update={"breakdown": 0.0, "sign_agreement": 0.0})
    checks = verdict.judge_checks(clear[2].main, clear[2].placebo_time, clear[2].leave_one_out, (), None, asked)
    assert set(checks) == {"placebo_time", "leave_one_out", "pre_period"}


def test_one_method_against_the_others_is_seen(clear):
    _, _, found = clear
    turned = found.others[0]
    turned = replace(turned, table=turned.table.assign(estimate=-turned.table["estimate"]))
    checks = verdict.judge_checks(found.main, None, None, (turned, *found.others[1:]), None, found.rules)
    assert checks["methods"] == "fail" and checks["breakdown"] == "none"
    half = found.rules.model_copy(update={"sign_agreement": 0.5})
    assert verdict.judge_checks(found.main, None, None, (turned, *found.others[1:]), None, half)["methods"] == "pass"


@pytest.mark.parametrize("dof", [2.0, 7.3, 40.0, 1e6])
def test_the_90_percent_interval_is_the_kinds_own(dof):
    low, high, _ = t_interval(1.5, 0.7, dof)
    found = verdict.of_error(pd.Series({"estimate": 1.5, "std_error": 0.7, "ci_low": low, "ci_high": high}))
    assert found == pytest.approx(t_interval(1.5, 0.7, dof, 0.90)[:2], rel=1e-6)
    assert np.isnan(verdict.of_error(pd.Series({"estimate": 1.5, "std_error": np.nan, "ci_low": low, "ci_high": high}))[0])


@pytest.mark.parametrize("kind", ["cluster", "wild", "randomization"])
def test_the_90_percent_interval_lies_inside_the_95_percent_one(clear, kind):
    _, design, found = clear
    rows = found.main.rows("overall")
    own = rows[rows["inference"] == kind].iloc[0]
    main = replace(found.main, table=own.to_frame().T.astype(rows.dtypes.to_dict()))
    low, high = verdict.narrower(design, main, kind, "two_way_fixed_effects")
    assert own["ci_low"] < low < own["estimate"] < high < own["ci_high"]


def test_the_page_tells_the_rules_of_its_study(null, tmp_path):
    p, _, found = judged(tmp_path, world(effect=0.0), KEYS + "smallest_effect: 2.5\nverdict: {pre_trends: 0.2, breakdown: 0}\n")
    for lang, said in (("vi", ("2,5 điểm phần trăm", "20%")), ("en", ("2.5 percentage points", "20%"))):
        words = study_words(p, lang)
        html = show_scale(words, p).html
        assert all(text in html for text in said) and words("story.rule_4_none") not in html
        assert words("story.rule_4_none") in show_scale(words, null[0]).html
        shown = show_checks(found, words).html
        assert shown.count("<tr>") == 1 + len(found.checks) + 1 and "breakdown" not in found.checks


@pytest.mark.parametrize("line, says", [
    ("smallest_effect: 0", "smallest_effect"), ("smallest_effect: two", "smallest_effect"), ("verdict: {gate: 0.5}", "verdict.gate"),
    ("verdict: {breakdowns: 1}", "did you mean 'breakdown'"), ("verdict: strict", "verdict"), ("verdict: {rank: -1}", "verdict.rank"),
])  # fmt: skip
def test_wrong_rules_are_refused_in_one_line(tmp_path, line, says):
    with pytest.raises(hg.InputError) as refused:
        made(tmp_path, world(), KEYS + line + "\n")
    assert says in str(refused.value) and "\n" not in str(refused.value)
