"""What could be wrong: each threat with its number once it is taken out, the same in both languages, and recorded."""

from dataclasses import replace

import pandas as pd
import pytest
from test_show_methods import made, numbers
from test_verdict import METHODS, world

import hgdx_eval as hg
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.results import check_table
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.without_threat import taken_out
from hgdx_eval.report.threats import show_threats, show_threats_short, threats
from hgdx_eval.study.load import study_words
from hgdx_eval.vietnam.facts import load_facts


def event(name, date, until=None):
    """A listed event moved to where the made-up study has its policy (May 2023)."""
    known = next(event for event in load_facts().events if event.name == name)
    return known.model_copy(update={"date": pd.Timestamp(date).date(), "until": until and pd.Timestamp(until).date()})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A campaign that lifts the treated alone by 20 points for two months after the policy, and digitisation before it."""
    table = world(effect=0.05)
    start = int(table["treated_from"].min())
    lifted = table["treated_from"].notna() & table["time"].isin([start + 1, start + 2])
    table = table.assign(numerator=(table["numerator"] + 0.2 * lifted * table["denominator"]).clip(0, table["denominator"]).round())
    p, design = made(tmp_path_factory.mktemp("threats"), table)
    first = design.start
    events = (
        event("campaign_2023", (first + 1).start_time, (first + 2).end_time),
        event("digitisation_commune", (first - 2).start_time),
        event("seven_tasks", (first + 3).start_time),
        event("decree_42", (first - 10).start_time),
    )
    design = replace(design, events=events)
    p = p.model_copy(update={"estimators": [*METHODS, "grouped_logit"], "domain": "vietnam"})
    panel, found = hg.load_panel(p), evaluate(design, p)
    return p, panel, found, taken_out(found, panel, p)


def test_the_number_without_a_threat_is_the_estimate_without_its_periods(study):
    p, _, found, fixed = study
    assert set(fixed) == {"without_campaign_2023", "without_digitisation_commune", "season"}  # what has no end takes no periods away
    design, start = found.design, found.design.start.ordinal
    kept = design.table[~design.table["time"].isin([start + 1, start + 2])].reset_index(drop=True)
    alone = estimate(replace(design, table=kept), p.estimator).overall()["estimate"]
    without = fixed["without_campaign_2023"].table.iloc[0]
    assert without["estimate"] == pytest.approx(alone) and without["period"] == f"{design.start + 1} {design.start + 2}"
    assert found.main.overall()["estimate"] - without["estimate"] > 2  # the campaign is gone from it
    assert fixed["without_digitisation_commune"].table["period"].iloc[0] == f"{design.start - 2} {design.start - 1}"
    for fix in fixed.values():
        check_table(fix.table)
        assert fix.table["term"].tolist() == ["specification"]


def test_every_threat_says_what_was_done_and_what_is_left_in_both_languages(study):
    p, panel, found, fixed = study
    shown = {lang: show_threats(found, panel, p, study_words(p, lang), fixed).html for lang in ("vi", "en")}
    names = [threat.name for threat in threats(found, panel, p, study_words(p, "vi"), fixed)]
    assert names == ["event", "event", "digitisation_common", "background_common", "season", "room", "definition", "parallel"]
    for lang, html in shown.items():
        words = study_words(p, lang)
        assert html.count("<li>") == len(names) and "{" not in html
        for fix in fixed.values():
            assert words.effect(fix.table["estimate"].iloc[0], "pp") in html
        logit = next(part.overall() for part in found.others if part.overall()["estimator"] == "grouped_logit")
        assert words.effect(logit["estimate"], "pp") in html
    told = {lang: sorted(n for n in numbers(html, lang) if "." in n) for lang, html in shown.items()}  # English months have names
    assert told["vi"] == told["en"] and len(told["vi"]) >= 7


def test_the_short_table_has_a_line_each_and_the_same_numbers(study):
    p, panel, found, fixed = study
    words = study_words(p, "vi")
    html = show_threats_short(found, panel, p, words, fixed).html
    assert html.count("<tr>") == 1 + 6  # all but the background and the season
    assert words.effect(fixed["without_campaign_2023"].table["estimate"].iloc[0], "pp") in html


def test_dossiers_that_staff_filed_are_taken_out_of_the_numerator():
    p, _ = hg.load_study("demo", "vi", {"dossiers": 20000})
    panel = hg.load_panel(p)
    design = hg.study_design(panel, p)
    p = p.model_copy(update={"estimators": []})
    found = replace(evaluate_quickly(design, p), design=design)
    fixed = taken_out(found, panel, p)
    alone = replace(panel, cells=panel.cells.assign(online=panel.cells["online"] - panel.cells["assisted"]))
    assert panel.cells["assisted"].sum() > 0
    assert fixed["remote"].table["estimate"].iloc[0] == pytest.approx(
        estimate(hg.study_design(alone, p), p.estimator).overall()["estimate"]
    )


def evaluate_quickly(design, p):
    """An evaluation of which only the design matters."""
    from hgdx_eval.evaluation.evaluation import Evaluation

    main = estimate(design, p.estimator)
    return Evaluation(design, main, None, None, None, (), pd.DataFrame(columns=["state"]), "cluster", None, "", {}, (), None, p.verdict, 3)


def test_every_estimator_has_its_formula_and_its_letters_explained():
    from hgdx_eval.report.formulas import METHODS as FORMULAS
    from hgdx_eval.report.formulas import mathml
    from hgdx_eval.study.vocabulary import estimator_names
    from hgdx_eval.study.words import texts

    assert set(FORMULAS) == set(estimator_names())
    for name, (tex, source) in FORMULAS.items():
        assert mathml(tex, True).count("<math") == 1 and "<code>" not in mathml(tex) and "(20" in source
        assert all(f"formulas.{name}" in texts(lang) for lang in ("vi", "en"))
