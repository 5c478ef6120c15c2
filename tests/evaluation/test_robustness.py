"""What a sceptic asks, from study files to what a reader sees; and the verdict that follows from the gate."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import factor_table, made_up_table
from test_show_methods import made, numbers

import hgdx_eval as hg
from hgdx_eval.estimation.results import check_table
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.robustness import robust, together
from hgdx_eval.evaluation.verdict import CANNOT
from hgdx_eval.report.answer import headline, reasons
from hgdx_eval.report.show_robustness import show_breakdown, show_drivers, show_intervals, show_sensitivity, show_together
from hgdx_eval.study.load import study_words
from hgdx_eval.study.vocabulary import KINDS


def longer(seed=1, clusters=12, effect=0.05):
    """Sixteen months before the policy and twelve after."""
    table = made_up_table(seed, 0.0, clusters=clusters, periods=28).assign(treated_from=lambda t: t["treated_from"] + 8)
    more = effect * (table["time"] >= table["treated_from"])
    return table.assign(numerator=(table["numerator"] + more * table["denominator"]).clip(0, table["denominator"]).round())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    p, design = made(
        tmp_path_factory.mktemp("robust"), longer().assign(kind=lambda t: t["unit"].str[-1]), "treated_from: start\nby: [kind]\n"
    )
    found = evaluate(design, p)
    return p, design, found, robust(found, p)


def test_every_kind_of_interval_stands_in_the_main_table_the_headlined_one_first(study):
    _, _, found, _ = study
    rows = found.main.rows("overall")
    assert set(rows["inference"]) >= {"cluster", "wild", "randomization"}
    assert found.main.overall()["inference"] == found.headline == found.gate.loc[found.gate["state"] == "headline", "kind"].iloc[0]
    assert rows["estimate"].round(9).nunique() == 1
    check_table(found.main.table)


def test_a_studys_order_of_inference_is_followed(tmp_path):
    p, design = made(tmp_path, longer(), "treated_from: start\ninference_order: [wild, cluster]\n")
    found = evaluate(design, p)
    assert found.gate["kind"].tolist() == ["wild", "cluster"] and found.main.overall()["inference"] == found.headline
    passing = found.gate[found.gate["rate"] <= p.verdict.gate]
    assert found.headline == passing["kind"].iloc[(passing["rate"] - 0.05).abs().argmin()]
    alone, design = made(tmp_path, longer(), "treated_from: start\ninference_order: [wild]\n")
    assert evaluate(design, alone).headline == "wild"  # a study that fixes one


def test_parts_keep_the_contract_and_have_their_rows(study):
    _, _, _, parts = study
    everything = pd.concat([part.table for part in parts.all])
    check_table(everything.reset_index(drop=True))
    assert {"gate", "curve", "as_of"} <= set(everything["group"]) and "sensitivity_relative" in set(everything["term"])
    rates = parts.gate_rows.table
    assert (rates["scale"] == "share").all() and rates["estimate"].between(0, 1).all() and (rates["level"] == 0.99).all()


def test_a_reader_sees_the_same_numbers_in_both_languages(study):
    p, design, found, parts = study
    shown = []
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        blocks = [show_intervals(found, words), show_breakdown(parts, words), show_sensitivity(parts.sensitivity, words),
                  show_drivers(parts.curve, words), show_together(together(hg.effects_by_group(design)), design.scale, words),
                  hg.plot_gate(found.gate, words, design.origin), hg.plot_curve(parts.curve, words),
                  hg.plot_sensitivity(parts.sensitivity, words),
                  hg.plot_peeking(hg.history(parts.looks), words, design.origin, design.scale)]  # fmt: skip
        shown.append([block._repr_html_() for block in blocks])
    for vi, en in zip(*shown, strict=True):
        assert sorted(numbers(vi, "vi")) == sorted(numbers(en, "en"))
        text = re.sub(r'href="[^"]*"|<[^>]+>', " ", vi + en)
        assert not re.search(r"\b(robustness|tables|notes|refusals|charts)\.\w|\{\w+\}|\bnan\b|\bNone\b(?! keeps)", text)


def test_where_no_kind_passes_the_data_cannot_tell(study, tmp_path, monkeypatch):
    p, design, _, _ = study
    failing = pd.DataFrame([{"kind": kind, "worlds": 2000, "rate": 0.2, "low": 0.18, "high": 0.22} for kind in KINDS])
    monkeypatch.setattr("hgdx_eval.evaluation.evaluation.false_alarms", lambda *_: failing)
    found = evaluate(design, p)
    assert (found.headline, found.verdict) == ("none", CANNOT)
    for lang, says in (("vi", "báo nhầm"), ("en", "cries wolf")):
        words = study_words(p, lang)
        assert says in headline(found, words) and not re.search(r"\d", headline(found, words).split("**")[0].split(".")[1])
        assert any("7%" in text for _, text in reasons(found, words))


def test_with_one_treated_cluster_only_ranks_and_randomisation_are_tried(tmp_path):
    p, design = made(tmp_path, factor_table(1, effect=0.1))
    found = evaluate(design, p)
    states = found.gate.set_index("kind")["state"]
    assert (states[["cluster", "wild"]] == "unavailable").all() and found.headline in ("randomization", "placebo", "none")


def test_a_short_time_before_leaves_the_exact_rank(tmp_path):
    table = factor_table(1, effect=0.1, periods=10, before=3)
    p, design = made(tmp_path, table)
    found = evaluate(design, p)
    assert found.gate["rate"].isna().all() and found.headline == "placebo" and found.rank[1] == 21


def test_an_interval_known_to_be_too_narrow_is_never_headlined(tmp_path):
    p, design = made(tmp_path, longer(), estimator="interrupted_time_series")
    found = evaluate(replace(design, events=()), p)
    assert found.main.overall()["inference"] == "hac" and found.headline != "hac"
    assert "too_sure" in found.main.notes


def test_groups_together_are_judged_more_strictly_than_alone(study):
    _, design, _, _ = study
    groups = hg.effects_by_group(design)
    alone = groups.table[groups.table["parameter"] == "raw"].set_index("group")
    found = together(groups)
    for row in found.itertuples():
        own = alone.loc[f"{row.trait}={row.group}"]
        assert row.p_holm >= own["p_value"] - 1e-12
        assert np.isnan(row.ci_low) or (row.ci_low <= own["ci_low"] + 1e-9 and row.ci_high >= own["ci_high"] - 1e-9)


def test_event_times_groups_and_contrasts_have_wild_intervals_too(study):
    _, design, found, parts = study
    rows = parts.wild.table
    check_table(rows)
    events = rows[rows["term"] == "event"].set_index("event_time")["estimate"]
    own = found.main.rows("event").query("inference == 'cluster'").set_index("event_time")["estimate"]
    assert events.to_dict() == pytest.approx(own.to_dict(), abs=1e-9)
    groups = rows[rows["term"] == "group"].set_index("group")
    raw = hg.effects_by_group(design).table.query("parameter == 'raw'").set_index("group")["estimate"]
    assert groups.loc[raw.index, "estimate"].to_dict() == pytest.approx(raw.to_dict(), abs=1e-9)
    contrast = groups[groups.index.str.contains(": ")].iloc[0]
    assert contrast["estimate"] == pytest.approx(raw["kind=1"] - raw["kind=0"], abs=1e-9)
    assert contrast["ci_low"] < contrast["estimate"] < contrast["ci_high"]


def test_beside_another_method_nothing_speaks_of_the_regressions_number(tmp_path):
    p, design = made(tmp_path, longer(), estimator="imputation")
    parts = robust(evaluate(design, p), p)
    assert parts.curve is None and parts.unsure == ""
    assert all(set(part.table["estimator"]) == {"imputation"} for part in (parts.wild, parts.sensitivity))
    average = parts.sensitivity.rows("sensitivity_level").query("parameter == '0'").iloc[0]
    own = evaluate(design, p).main.overall("cluster")
    assert average[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(own[["estimate", "ci_low", "ci_high"]].tolist())


def test_a_method_without_effects_by_event_time_says_why_there_is_no_sensitivity(tmp_path):
    p, design = made(tmp_path, longer(), estimator="grouped_logit")
    found = evaluate(design, p)
    parts = robust(found, p)
    assert parts.sensitivity is None and parts.unsure == "other_method" and found.pre_trends is None
    for lang in ("vi", "en"):
        assert show_breakdown(parts, study_words(p, lang))._repr_html_()


def test_a_study_that_rests_on_no_interval_has_none_of_earlier_looks(tmp_path):
    """One treated unit: the page gives a rank, and neither a chart of looks nor the history may say that an interval leaves out 0."""
    table = longer()
    table = table[table["treated_from"].isna() | (table["unit"] == "c0u0")].assign(cluster=lambda t: t["unit"])
    p, design = made(tmp_path, table)
    found = evaluate(design, p)
    assert found.headline in ("none", "placebo") and robust(found, p).looks is None
