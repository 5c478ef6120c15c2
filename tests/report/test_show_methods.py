"""The comparison, from study files to what a reader sees: every number the same in both languages, no key left untold."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from made_up import factor_table, made_up_table, staggered_table, triple_table

import hgdx_eval as hg
from hgdx_eval.base.errors import InputError
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.evaluation.reconciliation import one_change, reconcile
from hgdx_eval.report.show_methods import (
    group_effects,
    show_bounds,
    show_changes,
    show_dose,
    show_groups_of,
    show_inside,
    show_methods,
    show_notes,
    show_reconciliation,
    show_reversal,
    synthetic_part,
    traits,
)
from hgdx_eval.study.load import study_words
from hgdx_eval.study.vocabulary import estimator_names

STUDY = """study: mine
data: data.csv
unit: unit
period: month
frequency: M
numerator: online
denominator: received
cluster: cluster
estimator: {estimator}
estimators: [{all}]
"""


def made(tmp_path, table: pd.DataFrame, keys: str = "treated_from: start\n", estimator: str = "two_way_fixed_effects"):
    """(study, design) of a table of made-up units written as a user would bring it."""
    months = pd.PeriodIndex.from_ordinals(table["time"], freq="M").astype(str)
    start = pd.Series(pd.PeriodIndex.from_ordinals(table["treated_from"].fillna(0).astype(int), freq="M").astype(str))
    out = table.rename(columns={"numerator": "online", "denominator": "received"})
    out = out.assign(month=months, online=out["online"].round(), start=start.where(table["treated_from"].notna(), "").to_numpy())
    out.drop(columns=["time", "treated_from"]).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "mine.yaml").write_text(STUDY.format(estimator=estimator, all=", ".join(estimator_names())) + keys, encoding="utf-8")
    p, _ = hg.load_study(str(tmp_path / "mine.yaml"), "vi")
    return p, hg.study_design(hg.load_panel(p), p)


def blocks(p, design, found, lang: str) -> list[str]:
    """Everything that the comparison notebook shows, as HTML."""
    words = study_words(p, lang)
    shown = [show_methods(found, words), show_changes(one_change(design), words),
             show_reconciliation(reconcile(design, found.others), words), show_bounds(hg.effect_bounds(design, p.estimator), words),
             show_notes(found, words), *show_inside(found, words)]  # fmt: skip
    groups, dose, ended = hg.effects_by_group(design), hg.dose_response(design), hg.reversal(design)
    shown += [show_groups_of(groups, trait, words) for trait in traits(groups)]
    shown += [hg.plot_groups(group_effects(groups, trait, words), words, groups.origin, trait) for trait in traits(groups)]
    shown += [show_dose(dose, words)] if dose is not None else []
    shown += [show_reversal(ended, words)] if ended is not None else []
    part = synthetic_part(found)
    shown += [hg.plot_synthetic(part, hg.synthetic_series(design, part), words, design.start)] if part else []
    return [block._repr_html_() for block in shown if block is not None]


def numbers(html: str, lang: str) -> list[str]:
    """The numbers that a reader sees, written one way; downloads and drawings are left out."""
    text = unescape(re.sub(r'href="[^"]*"|<svg.*?</svg>|<[^>]+>', " ", html, flags=re.S))
    text = re.sub(r"tháng \d+/", "", text)  # English writes the month in letters
    found = re.findall(r"[+−]?\d[\d.,]*\d|[+−]?\d", text)
    return [n.replace(".", "").replace(",", ".") if lang == "vi" else n.replace(",", "") for n in found]


WORLDS = {
    "plain": (lambda: made_up_table(1, clusters=12), "treated_from: start\nby: [cluster]\n"),
    "one_treated": (lambda: factor_table(1), "treated_from: start\n"),
    "staggered": (lambda: staggered_table(1, clusters=20), "treated_from: start\n"),
    "three_differences": (lambda: triple_table(1, places=8), "treated_from: start\nperiod_by: block\ngroup: group\n"),
}


@pytest.fixture(scope="module", params=sorted(WORLDS))
def world(request, tmp_path_factory):
    table, keys = WORLDS[request.param]
    p, design = made(tmp_path_factory.mktemp(request.param), table(), keys)
    return request.param, p, design, evaluate(design, p)


def test_every_method_has_its_number_or_its_reason(world):
    _, _, design, found = world
    assert {part.overall()["estimator"] for part in [found.main, *found.others]} == set(estimator_names())
    for part in found.others:
        row = part.overall()
        assert (row["status"] == "ok") == np.isfinite(row["estimate"]) and (row["status"] == "ok" or row["reason"])


def test_a_reader_sees_the_same_numbers_in_both_languages_and_no_key(world):
    _, p, design, found = world
    vi, en = (blocks(p, design, found, lang) for lang in ("vi", "en"))
    assert len(vi) == len(en) >= 4
    for a, b in zip(vi, en, strict=True):
        assert sorted(numbers(a, "vi")) == sorted(numbers(b, "en"))
        text = re.sub(r'href="[^"]*"|<[^>]+>', " ", a + b)
        assert not re.search(r"\b(compare|tables|notes|refusals|charts)\.\w|\{\w+\}|\bnan\b|\bNone\b", text)


def test_what_each_step_adds_sums_to_the_method(world):
    _, _, design, found = world
    steps = reconcile(design, found.others).table
    for method, part in steps.groupby("cohort"):
        own = next(other.overall()["estimate"] for other in found.others if other.overall()["estimator"] == method)
        assert part["estimate"].sum() == pytest.approx(own, abs=1e-9)


def test_triple_difference_needs_both_differences(world):
    name, _, _, found = world
    row = next(part.overall() for part in found.others if part.overall()["estimator"] == "triple_difference")
    assert row["status"] == ("ok" if name == "three_differences" else "refused")


def test_a_synthetic_main_method_is_judged_by_its_own_placebos(tmp_path):
    p, design = made(tmp_path, factor_table(1, effect=0.1), estimator="synthetic_control")
    found = evaluate(design, p)
    assert found.headline == "placebo" and found.rank == (1, 21)
    assert len(found.placebo_space.table) == 20 and len(found.main.rows("placebo_space")) == 0
    assert len(found.main.table[found.main.table["inference"] == "placebo"].query("parameter == '1/21'")) == 1
    everything = pd.concat([part.table for part in found.all])
    assert not everything.duplicated(["estimator", "term", "group", "event_time", "parameter", "inference", "cohort"]).any()


def test_a_single_series_as_the_main_method_has_one_placebo_in_time(tmp_path):
    table = made_up_table(1, clusters=12, periods=34).assign(treated_from=lambda t: t["treated_from"] + 12)
    p, design = made(tmp_path, table, estimator="interrupted_time_series")
    found = evaluate(design, p)
    everything = pd.concat([part.table for part in found.all])
    own = everything[everything["estimator"] == "interrupted_time_series"]
    assert (own["term"] == "placebo_time").sum() == 1 and found.checks["placebo_time"] in ("pass", "fail")


def with_end(table: pd.DataFrame, rows: int = 3) -> pd.DataFrame:
    """The effect is gone again in the last `rows` periods of the treated units."""
    last = table["time"].max() - rows
    treated = table["treated_from"].notna()
    return table.assign(until=np.where(treated, str(pd.Period(ordinal=int(last), freq="M")), ""))


def test_a_policy_switched_off_again_is_told_apart(tmp_path):
    table = made_up_table(3, effect=0.0, clusters=10)
    table = with_end(table)
    on = (table["time"] >= table["treated_from"]) & (table["time"] <= table["time"].max() - 3)
    table["numerator"] = np.where(on, table["numerator"] + 0.1 * table["denominator"], table["numerator"]).clip(max=table["denominator"])
    p, design = made(tmp_path, table, "treated_from: start\ntreated_until: until\n")
    rows = hg.reversal(design).table.set_index("parameter")["estimate"]
    assert rows["on"] == pytest.approx(10, abs=2.5) and rows["off"] == pytest.approx(0, abs=2.5)
    assert str(design.table["period"].max()) > str(design.table.loc[design.table["treated"], "period"].max())
    (tmp_path / "mine.yaml").write_text((tmp_path / "mine.yaml").read_text().replace("treated_until: until", "treated_until: month"))
    with pytest.raises(InputError, match="treated_until"):
        hg.load_study(str(tmp_path / "mine.yaml"), "vi")


def test_a_dose_by_unit_gives_each_level_its_effect(tmp_path):
    table = made_up_table(4, effect=0.0, clusters=10)
    dose = table["unit"].str[-1].map({"0": 50, "1": 100}).fillna(0).astype(float)
    after = table["time"] >= table["treated_from"]
    table["numerator"] = (table["numerator"] + after * dose / 1000 * table["denominator"]).clip(upper=table["denominator"])
    p, design = made(tmp_path, table.assign(cut=dose), "treated_from: start\ndose: cut\n")
    rows = hg.dose_response(design).table.set_index("group")
    assert rows.loc["50", "estimate"] == pytest.approx(5, abs=2) and rows.loc["100", "estimate"] == pytest.approx(10, abs=2)
    assert rows.loc["10", "parameter"] == "slope" and rows.loc["10", "estimate"] == pytest.approx(1, abs=0.4)


@pytest.mark.parametrize(
    ("keys", "says"),
    [("by: [nowhere]", "nowhere.*named by by"), ("by: [month]", "by: column 'month' stands there and under period"),
     ("by: [received]", "by.*more than one"), ("dose: nowhere", "nowhere.*named by dose"),
     ("unit_effects: nowhere", "nowhere.*named by unit_effects"), ("treated_until: nowhere", "nowhere.*named by treated_until")],
)  # fmt: skip
def test_a_key_that_names_no_usable_column_is_said(tmp_path, keys, says):
    with pytest.raises(InputError, match=says):
        made(tmp_path, made_up_table(1), "treated_from: start\n" + keys + "\n")


def test_a_unit_treated_twice_is_refused(tmp_path):
    table = made_up_table(1)
    on = (table["unit"] == "c0u0") & (table["time"] % 4 == 0)
    with pytest.raises(InputError, match="treated twice"):
        made(tmp_path, table.assign(cut=on.astype(int)), "treated: cut\n")
