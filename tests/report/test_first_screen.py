"""The first screen, and that every surface tells one truth: over many designs no label contradicts the interval or rank beside it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_charts import demo_words
from test_charts import design as demo_design

import hgdx_eval as hg
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.report.answer import interval_text
from hgdx_eval.report.charts.answer import mean_gaps, plot_answer, without_policy
from hgdx_eval.report.first_screen import FACTS, meaning, open_question, strip
from hgdx_eval.report.ranks import ranked
from hgdx_eval.study.vocabulary import NO_INTERVAL
from hgdx_eval.study.words import Words

EN = Words("en", (("unit", "state"), ("units", "states"), ("treated", "Alpha"), ("comparison", "others"), ("policy", "the law"),
                  ("policy_label", "law"), ("without_policy", "without the law"), ("outcome", "the rate"), ("measure", "points"),
                  ("question", "Did it?"), ("kicker", "k"), ("source", "")))  # fmt: skip


def study(folder, *, treated=4, others=6, effect=2.0, starts=(2018,), years=(2008, 2023), noise=0.4, seed=1, estimator="two_way_fixed_effects",
          ended=None, change=None):  # fmt: skip
    """A yearly panel of made-up units, the treated ones starting at `starts` in turn; (design, study)."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(treated + others):
        start = starts[n % len(starts)] if n < treated else None
        level = rng.normal(10, 2)
        for year in range(*years):
            on = start is not None and year >= start and not (ended and year >= ended)
            rows.append(
                (f"U{n:02d}", year, level + 0.1 * (year - years[0]) + effect * on + rng.normal(0, noise), "" if start is None else start)
            )
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=["unit", "year", "rate", "start"]).to_csv(folder / "data.csv", index=False)
    (folder / "mine.yaml").write_text(
        "study: mine\ndata: data.csv\nlayout: table\nunit: unit\nperiod: year\nfrequency: Y\noutcome: rate\ntreated_from: start\n"
        f"cluster: unit\nestimator: {estimator}\nestimators: [{estimator}]\n", encoding="utf-8")  # fmt: skip
    p, _ = hg.load_study(str(folder / "mine.yaml"), "en", change or {})
    panel = hg.load_panel(p)
    return hg.study_design(panel, p), p, panel


SHAPES = {
    "many": {}, "staggered": {"starts": (2014, 2017, 2020)}, "one_treated": {"treated": 1, "others": 9}, "two_units": {"treated": 1, "others": 1},
    "two_a_side": {"treated": 2, "others": 2}, "no_effect": {"effect": 0.0}, "down": {"effect": -2.0}, "short": {"years": (2016, 2021)},
    "synthetic": {"treated": 1, "others": 9, "estimator": "synthetic_control"}, "cohorts": {"starts": (2014, 2018), "estimator": "callaway_santanna"},
}  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Evaluations of every shape, each made once."""
    made = {}

    def of(name):
        if name not in made:
            design, p, panel = study(tmp_path_factory.mktemp("study") / name, **SHAPES[name])
            made[name] = evaluate(design, p), panel, p
        return made[name]

    return of


def said(html):
    """What is read of a block."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("&nbsp;", " "))).strip()


@pytest.mark.parametrize("name", SHAPES)
def test_every_surface_tells_the_number_of_the_answer_and_no_interval_that_it_refuses(judged, name):
    found, panel, p = judged(name)
    row = found.main.overall()
    value = EN.effect(row["estimate"], row["scale"])
    screen = said(hg.show_answer(found, panel, p, EN).html)
    figure, path = plot_answer(found, EN), hg.plot_event(found.told, EN)
    table, methods = said(hg.estimates_table(found.told.table, EN).html), hg.plot_methods([found.told, *found.others], p.estimator, EN)
    if found.headline == "none":
        assert "No effect is reported" in screen and value not in screen and figure.name == "shares"
    else:
        assert value in screen and value in figure.wide and figure.name == "answer" and value in methods.wide
    if found.headline in NO_INTERVAL:
        shown = [screen, figure.title, figure.alt, table, *([path.title, path.subtitle, path.wide] if path else [])]
        assert not any("95% confidence interval:" in text or re.search(r"\[[^\]]+; [^\]]+\]", text) for text in shown)
        assert found.told.table["ci_low"].isna().all() and found.checks["pre_period"] == "none"
        if path:
            assert path.title == EN("charts.event_plain") and "No confidence interval" in path.source
    else:
        interval = EN.effect_interval(row["ci_low"], row["ci_high"], row["scale"])
        assert found.told.rows("overall")["inference"].tolist() == [found.headline] and interval in table
        assert said(interval_text(row, EN)) in screen
        apart = not row["ci_low"] <= 0 <= row["ci_high"]
        assert ("not clearly apart" in figure.title) == (found.verdict == 3) and (apart or found.verdict >= 3)
    if found.headline == "placebo":
        assert ranked(*found.rank, EN, "ratio" if name == "synthetic" else "size") in screen


def test_the_gap_drawn_is_the_estimated_effect_of_each_period(judged):
    found, _, _ = judged("many")
    series = without_policy(found).set_index("time")
    path = found.main.rows("event").set_index("event_time")["estimate"]
    start = found.design.start.ordinal
    gap = series["treated"] - series["without"]
    for time in (start - 1, start, start + 3):
        assert gap[time] == pytest.approx(path.get(time - start, 0.0) if time >= start else 0.0, abs=1e-9)
    assert series.loc[: start - 2, "without"].isna().all()


def test_before_its_own_start_a_unit_has_no_gap(judged):
    found, _, _ = judged("staggered")
    gaps, table = mean_gaps(found), found.design.table
    path = found.main.rows("event").set_index("event_time")["estimate"]
    assert gaps[found.design.start.ordinal - 1] == 0
    first = table[(table["time"] == found.design.start.ordinal) & table["treated_from"].notna()]
    assert gaps[found.design.start.ordinal] == pytest.approx(first["treated"].mean() * path[0.0])


def test_staggered_adoption_is_told_as_it_is(judged):
    found, _, p = judged("staggered")
    figure = plot_answer(found, EN)
    assert any("2014 to 2020: 4 states start one after another" in text for text, policy in figure.key if policy)
    groups = said(hg.show_groups(found.design, p, EN).html)
    treated = found.design.table[found.design.table["treated_from"].notna()]
    assert "from its own start on" in groups and f"on {int(treated['treated'].sum())} " in groups
    assert "2014 (the first start)" in hg.plot_shares(found.design, EN).title


def test_a_study_of_one_start_says_plainly_before_and_after(judged):
    found, _, p = judged("many")
    groups = said(hg.show_groups(found.design, p, EN).html)
    assert "own start" not in groups and " before " in groups and " after " in groups


def test_a_synthetic_study_shows_the_synthetic_series_first(judged):
    found, _, _ = judged("synthetic")
    figure = plot_answer(found, EN)
    series = without_policy(found).set_index("time")
    gap = found.main.rows("event").set_index("event_time")["estimate"]
    assert "weighted mean" in figure.source
    assert (series["treated"] - series["without"]).to_numpy() == pytest.approx(
        gap.reindex(series.index - found.design.start.ordinal).to_numpy()
    )


@pytest.mark.parametrize("name", SHAPES)
def test_the_strip_has_at_most_four_facts_and_the_meaning_says_what_would_help(judged, name):
    found, panel, p = judged(name)
    assert 2 <= len(strip(found, panel, p, EN)) <= FACTS
    texts = meaning(found, panel, p, EN)
    assert 2 <= len(texts) <= 3 and texts[-1] == EN(f"story.settle_{open_question(found)}")
    if found.headline in NO_INTERVAL:
        assert open_question(found) == "units"


def test_a_rank_is_told_by_its_meaning():
    assert ranked(1, 42, EN) == "none of the other 41 states moved as much"
    assert ranked(39, 42, EN) == "38 of the other 41 states moved more"
    assert ranked(42, 42, EN) == "all of the other 41 states moved more"
    assert ranked(2, 42, EN, "ratio") == "1 of the other 41 states has a larger ratio of errors after and before"


def test_periods_of_few_are_left_out_of_the_answers_chart():
    words = demo_words()
    chosen = demo_design()
    found = type(
        "Found", (), {"design": chosen, "headline": "cluster", "main": hg.estimate(chosen, "two_way_fixed_effects"), "verdict": 2}
    )()
    kept, fewer = without_policy(found, 5), without_policy(found, 900)
    assert fewer["treated"].notna().sum() < kept["treated"].notna().sum() or len(fewer) < len(kept)
    assert words("study.treated").lower() in plot_answer(found, words).title.lower()


def test_a_level_and_a_share_say_their_unit(judged):
    found, _, _ = judged("many")
    assert EN("charts.answer_gap_level") in plot_answer(found, EN).wide
    words = demo_words()
    chosen = demo_design()
    share = type(
        "Found", (), {"design": chosen, "headline": "cluster", "main": hg.estimate(chosen, "two_way_fixed_effects"), "verdict": 2}
    )()
    assert words("charts.answer_gap_pp") in plot_answer(share, words).wide


def test_a_verdict_of_no_meaning_or_doubt_has_a_title_of_its_own(judged):
    found, _, _ = judged("many")
    titles = {verdict: plot_answer(replace(found, verdict=verdict), EN).title for verdict in (1, 3, 4)}
    assert len(set(titles.values())) == 3 and "not clearly" in titles[3] and "almost" in titles[4]
