"""The verdict: each level in a made-up world, by rules that a study writes down."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from foreign import write_study
from made_up import factor_table, made_up_table
from scipy import stats
from test_show_methods import made

import hgdx_eval as hg
from hgdx_eval.base.own_files import PACKAGE
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.inference import interval_at, t_interval
from hgdx_eval.evaluation import verdict
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.verdict import CANNOT, CLEAR, NEGLIGIBLE, SUGGESTIVE, UNCLEAR
from hgdx_eval.infer.pre_trends import PreTrends
from hgdx_eval.panel.load import load_panel
from hgdx_eval.report.answer import check_rows, headline, reasons, show_checks
from hgdx_eval.report.charts.placebos import plot_leave_one_out
from hgdx_eval.report.show_data import show_scale
from hgdx_eval.study.load import read_study, study_words
from hgdx_eval.study.study import VerdictRules

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


def seen_before(p_value=0.4, power=0.9):
    return PreTrends(p_value, 4, 12.0, 3.0, power, 0.2, 1.5, "M")


@pytest.mark.parametrize(("missed", "number", "share", "parted", "expected"), [
    (0, 12, 0.1, seen_before(), "pass"), (1, 12, 0.1, seen_before(), "pass"), (3, 12, 0.1, seen_before(), "fail"), (1, 2, 0.1, seen_before(), "fail"),
    (0, 2, 0.1, seen_before(), "pass"), (1, 1, 0.1, seen_before(), "fail"), (1, 5, 0.1, seen_before(), "pass"), (2, 5, 0.1, seen_before(), "fail"),
    (1, 5, 0.0, seen_before(), "fail"), (5, 10, 0.5, seen_before(), "pass"), (3, 30, 0.1, seen_before(), "pass"), (4, 30, 0.1, seen_before(), "fail"),
    (0, 12, 0.1, seen_before(0.049), "fail"), (0, 12, 0.1, seen_before(0.051), "pass"), (0, 12, 0.1, seen_before(power=0.49), "none"),
    (0, 12, 0.1, seen_before(0.01, 0.1), "fail"), (0, 12, 0.1, None, "none"), (4, 12, 0.1, None, "fail"), (0, 0, 0.1, None, "none"),
])  # fmt: skip
def test_the_time_before_passes_only_where_it_could_have_failed(missed, number, share, parted, expected):
    rules = VerdictRules(pre_trends=share)
    assert verdict.before_state(missed, number, parted, rules) == expected


def test_one_miss_is_not_rounded_up():
    """What a study of few periods may miss is nothing, of many the share, and chance alone fails few studies."""
    assert [verdict.allowed(number, 0.1) for number in (1, 2, 3, 10, 20, 40)] == [0, 0, 1, 1, 2, 4]
    for number in range(1, 60):
        assert stats.binom.sf(verdict.allowed(number, 0.1), number, 0.05) <= 0.1


def test_what_the_time_before_tells_has_its_power_in_the_same_sentence(clear, null):
    for lang, month, never in (("en", "a month", "parallel"), ("vi", "mỗi tháng", "song song")):
        words = study_words(clear[0], lang)
        found = clear[2]
        said = {name: text for name, text, _ in check_rows(found, words)}[words("story.check_pre_period")]
        assert month in said and words("story.size_pp", value="").strip() in said and never not in said
        support = next(text for sign, text in reasons(found, words) if sign == "+")
        assert month in support and never not in support
        weak = {name: text for name, text, _ in check_rows(null[2], words)}[words("story.check_pre_period")]
        assert null[2].checks["pre_period"] == "none" and not null[2].pre_trends.enough and weak != said
        unsure = replace(found, checks={**found.checks, "pre_period": "none"}, verdict=SUGGESTIVE)
        assert ("-", words("story.limit_pre_weak")) in reasons(unsure, words)
        assert words("story.limit_pre_weak") not in [text for _, text in reasons(found, words)]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_sentence_finds_that_groups_moved_in_parallel(lang):
    """Only an assumption may speak of it, never a result."""
    texts = yaml.safe_load((PACKAGE / "locale" / f"story.{lang}.yaml").read_text(encoding="utf-8"))
    findings = {name: text for name, text in texts.items() if name.startswith(("support_", "check_", "pre_", "rule_"))}
    assert findings and not [name for name, text in findings.items() if "parallel" in text or "song song" in text]


def test_the_average_is_what_the_verdict_asks_of_and_the_first_period_is_told(clear):
    p, _, found = clear
    rows = found.sensitivity.table.set_index(["term", "group"])["estimate"]
    assert verdict.breakdown_of(found.sensitivity) == rows["sensitivity_level", "overall breakdown"]
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        said = {name: text for name, text, _ in check_rows(found, words)}[words("story.check_breakdown")]
        assert all(
            words.number(rows[place], 1) in said
            for place in (
                ("sensitivity_level", "overall breakdown"),
                ("sensitivity_relative", "first breakdown"),
                ("sensitivity_relative", "average breakdown"),
            )
        )


@pytest.mark.parametrize(
    "estimator", ["imputation", *(pytest.param(name, marks=pytest.mark.long) for name in ("callaway_santanna", "sun_abraham"))]
)
def test_level_1_is_within_reach_of_every_linear_method(estimator, tmp_path):
    """A staggered panel without anything of a domain, its towns the clusters; two of nine steps before miss 0 by chance."""
    path = write_study(tmp_path, "staggered_yearly")
    keys = yaml.safe_load(path.read_text(encoding="utf-8")) | {
        "estimator": estimator,
        "cluster": "town",
        "verdict": {"pre_trends": 0.25},
        "estimators": [estimator, *METHODS],
    }
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    p = read_study(path, {})
    found = evaluate(study_design(load_panel(p), p), p)
    assert set(found.sensitivity.table["estimator"]) == {estimator}
    assert set(found.checks.values()) == {"pass"} and found.signs == () and found.verdict == CLEAR


@pytest.mark.parametrize("dof", [2.0, 7.3, 40.0, 1e6])
def test_the_90_percent_interval_is_the_kinds_own(dof):
    low, high, _ = t_interval(1.5, 0.7, dof)
    found = interval_at(pd.Series({"estimate": 1.5, "std_error": 0.7, "ci_low": low, "ci_high": high}), verdict.EQUIVALENCE)
    assert found == pytest.approx(t_interval(1.5, 0.7, dof, 0.90)[:2], rel=1e-6)
    assert np.isnan(interval_at(pd.Series({"estimate": 1.5, "std_error": np.nan, "ci_low": low, "ci_high": high}), verdict.EQUIVALENCE)[0])


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
