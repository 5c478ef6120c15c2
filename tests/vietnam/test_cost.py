"""The cost of the cut: to the dong, with its set whatever the shape, and against the known truth."""

import json
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cost_worlds import drawn
from monte_carlo import at_least, at_most, draws, rate, unbiased

from hgdx_eval.base.errors import InputError
from hgdx_eval.estimation.results import check_table
from hgdx_eval.infer.fieller import Ratio
from hgdx_eval.report.record import record
from hgdx_eval.study.load import read_study, study_file, study_words
from hgdx_eval.vietnam.facts import load_facts
from hgdx_eval.vietnam.questions.charts_cost import plot_forgone
from hgdx_eval.vietnam.questions.cost import (
    Cost,
    bill,
    cost_of,
    costs,
    cut_paid,
    effect_of,
    forgone_by,
    per_extra,
    ratio_rows,
    saved,
    savings,
    why_none,
)
from hgdx_eval.vietnam.questions.show_cost import show_cost_basis, show_cost_truth, show_costs, show_forgone, show_other_cut, show_savings

ROOT = Path(__file__).parent.parent.parent
PAYMENTS = ["paid", "paying", "zero_fee", "filed_online_paid", "filed_online_paying", "filed_online_zero", "channel_told", "paid_online",
            "counter_told", "counter_paid_online"]  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return drawn(1)


@pytest.fixture(scope="module")
def found(made):
    return cost_of(*made)


def without_payments(panel):
    return replace(panel, cells=panel.cells.drop(columns=PAYMENTS))


def text(block):
    return re.sub(r"<[^>]+>", " ", re.sub(r'href="[^"]*"', "", block.html))


# --- arithmetic ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "cut", "vnd"),
    [(50_000, 50, 25_000), (15_001, 50, 7_501), (15_000, Decimal("33.33"), 5_000), (8_000, 100, 8_000), (999, Decimal("0.05"), 0),
     (1_001, 50, 501), (1, 50, 1), (10**12 + 1, 50, 500_000_000_001)],
)  # fmt: skip
def test_a_cut_is_rounded_to_the_dong_halves_up(fee, cut, vnd):
    assert saved(fee, cut) == vnd


def test_the_bill_is_exact_by_payments_and_by_the_schedule(made):
    panel, p, design = made
    by_payments, by_schedule = bill(panel, p, design), bill(without_payments(panel), p, design)
    treated = panel.cells[(panel.cells["fee_group"] == "provincial") & (panel.cells["period"] >= design.start)]
    by_hand = sum(int(row.online) * int(row.fee) // 2 for row in treated.itertuples() if row.received)
    assert by_payments.forgone == by_schedule.forgone == by_hand == panel.truth["forgone_vnd"].iloc[-1]
    assert (by_payments.basis, by_schedule.basis) == ("payments", "schedule")
    assert by_payments.cut == by_payments.stated == 50 and by_payments.assumed and by_payments.at_counter == 1


@pytest.mark.parametrize("by", ["procedure", "agency", "level", "year"])
def test_parts_add_up_to_the_total(found, by):
    parts = forgone_by(found.bill, by, 5)
    exact = found.bill.cells.groupby(by)["forgone"].sum().loc[parts[by]].to_numpy()
    several = (found.bill.cells.groupby(by)["fee"].nunique().loc[parts[by]] > 1).to_numpy() & (parts["online"] < 1000)
    assert exact.sum() == found.bill.forgone and parts["forgone"].is_monotonic_decreasing
    assert (parts["forgone"][~several] == exact[~several]).all() and np.allclose(parts["forgone"], exact, rtol=0.005)
    assert all(value == float(f"{value:.3g}") for value in parts["forgone"][several])


def test_few_dossiers_are_told_of_nobody():
    panel, p, design = drawn(2, dossiers=8000)
    found = bill(panel, p, design)
    rows, exact = forgone_by(found, "agency", 5), found.cells.groupby("agency")[["forgone", "online"]].sum()
    small = exact.index[(exact["online"] > 0) & (exact["online"] < 5)]
    hidden = rows[rows["hidden"]]
    assert len(small) and set(small) <= set(hidden["agency"]) and hidden[["forgone", "online"]].isna().all(axis=None)
    assert list(hidden["agency"]) == sorted(hidden["agency"]) and rows["hidden"].is_monotonic_increasing  # their order tells nothing
    shown = text(show_forgone(cost_of(panel, p, design), panel, p, "agency", study_words(p, "vi")))
    assert not any(f">{amount:,}<".replace(",", ".") in shown for amount in exact.loc[small, "forgone"] if amount)


def test_dossiers_without_a_payment_are_left_out_and_counted(made):
    panel, p, design = made
    first = panel.cells.index[
        (panel.cells["fee_group"] == "provincial") & (panel.cells["period"] == design.start) & (panel.cells["online"] > 1)
    ][0]
    cells = panel.cells.copy()
    row = cells.loc[first]
    gone = {"paid": row["fee"] // 2, "filed_online_paid": row["fee"] // 2, "paying": 1, "filed_online_paying": 1}
    for name, amount in gone.items():
        cells.loc[first, name] -= amount
    less = bill(replace(panel, cells=cells), p, design)
    assert less.uncounted == 1 and less.forgone == bill(panel, p, design).forgone - row["fee"] // 2


def test_the_cut_that_was_paid_is_told_where_it_differs_from_the_stated_one():
    panel, p, design = drawn(3, world="waiver", dossiers=60_000)
    found = cost_of(panel, p, design)
    assert (found.bill.cut, found.bill.stated) == (100, 50)
    assert "100%, khác mức 50%" in text(show_cost_basis(found, study_words(p, "vi")))
    assert show_other_cut(found, p, study_words(p, "vi")) is None  # there is no larger cut
    assert cut_paid(1000, 600, Decimal(50)) == 40 and cut_paid(0, 0, Decimal(50)) == 50
    assert cut_paid(100_000, 50_030, Decimal(50)) == 50  # rounding of single fees


def test_payments_in_thousands_that_are_not_small_are_told(made):
    panel, p, design = made
    cells = panel.cells.assign(paid=panel.cells["paid"] // 1000, filed_online_paid=panel.cells["filed_online_paid"] // 1000)
    told = text(show_cost_basis(cost_of(replace(panel, cells=cells), p, design), study_words(p, "vi")))
    assert "Bằng 0,1% số phải thu theo biểu phí" in told and "nghìn đồng" in told


# --- what depends on the effect ------------------------------------------------------------------------------------


def test_every_row_leaves_the_contract_whole_and_agrees_with_the_effect(made, found):
    panel, p, design = made
    check_table(found.estimate.table)
    assert set(found.estimate.table["term"]) == {"cost"} and set(found.estimate.table["scale"]) == {"VND", "count"}
    row = effect_of(design, p).overall()
    treated = design.table.loc[design.table["treated"], "denominator"].sum()
    extra, unchanged, each = found.row("extra_online"), found.row("unchanged"), found.row("per_extra")
    assert extra["estimate"] == pytest.approx(row["estimate"] * treated / 100)
    assert each["estimate"] == pytest.approx(found.bill.forgone / extra["estimate"])
    assert (each["ci_low"], each["ci_high"]) == (pytest.approx(found.bill.forgone / extra["ci_high"]),
                                                 pytest.approx(found.bill.forgone / extra["ci_low"]))  # fmt: skip
    assert found.bill.forgone - unchanged["estimate"] == pytest.approx(row["estimate"] / 100 * found.bill.saving("received", 50))


def shaped(estimate, std_error):
    return pd.Series({"estimate": estimate, "std_error": std_error, "ci_low": estimate - 2 * std_error, "ci_high": estimate + 2 * std_error,
                      "inference": "cluster", "n_clusters": 27, "status": "ok", "scale": "pp"})  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "std_error", "shape", "groups"),
    [(4.0, 0.5, "", ["per_extra"]), (1.0, 0.9, "outside", ["per_extra", "per_extra_up_to", "per_extra_from"]),
     (1.0, 0.5, "from", ["per_extra", "per_extra_from"]), (-1.0, 0.9, "outside", ["per_extra", "per_extra_up_to", "per_extra_from"])],
)  # fmt: skip
def test_an_unbounded_set_is_recorded_as_such(estimate, std_error, shape, groups):
    rows = ratio_rows("per_extra", per_extra(1e9, 0.0, shaped(estimate, std_error), 10_000))
    assert [row["group"] for row in rows] == groups and rows[0]["parameter"] == shape
    if shape == "outside":
        assert rows[1]["estimate"] == pytest.approx(1e9 / 100 / (estimate - 2 * std_error))
        assert rows[2]["estimate"] == pytest.approx(1e9 / 100 / (estimate + 2 * std_error))


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(
    ("ratio", "says"),
    [(Ratio(5e5, "outside", -2e6, 3e5), ("hai nửa", "two halves")), (Ratio(5e5, "from", 3e5, np.nan), ("không có giới hạn trên", "without an upper")),
     (Ratio(5e5, "everything", np.nan, np.nan), ("không loại trừ", "rules out no")), (Ratio(-5e5, "outside", -2e6, 3e5), ("không tăng", "none")),
     (Ratio(np.nan, "outside", -2e6, 3e5), ("không tăng", "none")), (Ratio(5e5, "interval", 3e5, 9e5), ("300 nghìn đồng", "300 thousand VND"))],
)  # fmt: skip
def test_every_shape_is_said_as_what_it_is(made, found, ratio, says, lang):
    table = found.estimate.table
    kept = table[~table["group"].str.startswith("per_extra")]
    common = {"study": "demo", "outcome": "o", "estimator": "e", "term": "cost", "scale": "VND", "level": 0.95, "simulated": True}
    from hgdx_eval.estimation.results import joined, result_table

    made_rows = result_table([{**common, **row} for row in ratio_rows("per_extra", ratio)])
    check_table(made_rows)
    estimate = replace(found.estimate, table=joined([replace(found.estimate, table=kept), replace(found.estimate, table=made_rows)]))
    said = text(show_costs(replace(found, estimate=estimate), made[2], study_words(made[1], lang)))
    assert says[lang == "en"] in said and "nan" not in said.lower()


def test_the_other_cut_under_stated_elasticities(made, found):
    panel, p, design = made
    own = found.bill
    assert found.row("forgone_other", "0")["estimate"] == own.saving("online", 100) == 2 * own.forgone
    effect = found.row("extra_online")["estimate"]
    for elasticity, growth in ((0, 1), (0.5, 2**0.5), (1, 2)):
        told = f"{elasticity:g}"
        assert found.row("extra_other", told)["estimate"] == pytest.approx(growth * effect)
        expected = 2 * own.forgone + (growth - 1) * effect_of(design, p).overall()["estimate"] / 100 * own.saving("received", 100)
        assert found.row("forgone_other", told)["estimate"] == pytest.approx(expected)
        assert found.row("per_extra_other", told)["estimate"] == pytest.approx(expected / growth / effect)


@pytest.mark.long
def test_an_elasticity_of_1_is_the_world_with_the_double_cut_and_the_double_effect():
    """The cost of a waiver told from the world of the half cut, against the world of the waiver itself, its fees really not taken."""
    errors = []
    for seed in range(1, 9):
        panel, p, design = drawn(seed)
        row = cost_of(panel, p, design).row("forgone_other", "1")
        other, _, other_design = drawn(seed, effect=8.0, world="waiver")
        errors.append(row["estimate"] / bill(other, p, other_design).forgone - 1)
    assert abs(np.mean(errors)) < 0.01 and np.std(errors) < 0.03


def test_without_an_effect_on_a_design_that_says_no_number_the_bill_alone_is_told(made):
    panel, p, design = made
    refused = effect_of(design, p)
    table = refused.table.assign(status="refused", reason="no_pre_period", estimate=np.nan, std_error=np.nan, ci_low=np.nan, ci_high=np.nan)
    rows = costs(bill(panel, p, design), design, replace(refused, table=table), p).table
    assert rows["group"].tolist() == ["forgone"]


# --- what cannot be said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_it_says_why_nothing_can_be_said(made, lang):
    panel, p, design = made
    bare = replace(panel, cells=panel.cells.drop(columns="fee"))
    assert why_none(bare, p) == "none_fees"
    nothing = cost_of(bare, p, design)
    words = study_words(p, lang)
    assert text(show_costs(nothing, design, words)).strip().startswith("Chưa nói được gì" if lang == "vi" else "Nothing can be said")
    assert [show(nothing, panel, p, words) for show in (lambda c, *a: show_cost_basis(c, a[2]), lambda c, *a: show_forgone(c, a[0], a[1], "level", a[2]),
            lambda c, *a: show_other_cut(c, a[1], a[2]), lambda c, *a: show_savings(c, a[2]), lambda c, *a: show_cost_truth(c, a[0], a[2]),
            lambda c, *a: plot_forgone(c, a[0], a[1], design, a[2]))] == [None] * 6  # fmt: skip
    assert len(record(nothing.recorded, "cost", words).table) == 0
    other = p.model_copy(update={"policy": None})
    assert why_none(panel, other) == "none_policy" and why_none(panel, p.model_copy(update={"numerator": "remote"})) == "none_counts"
    assert cost_of(panel, other, design) == Cost("none_policy")


@pytest.mark.parametrize(
    ("cost", "says"),
    [("{other_cut_pct: 150}", "other_cut_pct.*up to 100"), ("{other_cut_pct: 0}", "other_cut_pct"), ("{elasticities: [-1]}", "elasticities"),
     ("{elasticities: []}", "elasticities"), ("{elasticity: 1}", "elasticity")],
)  # fmt: skip
def test_assumptions_that_cannot_be_are_refused_in_one_line(tmp_path, cost, says):
    study = (study_file("demo")).read_text(encoding="utf-8").replace("words: ../", f"words: {study_file('demo').parent}/../")
    (tmp_path / "s.yaml").write_text(f"{study}\ncost: {cost}\n", encoding="utf-8")
    with pytest.raises(InputError, match=says) as error:
        read_study(tmp_path / "s.yaml", {})
    assert str(error.value).startswith("s.yaml") and "\n" not in str(error.value)


def facts_with(tmp_path, monkeypatch, **changes):
    """A params folder of its own with other facts: file -> (text, in its place)."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    for name, pairs in changes.items():
        path = tmp_path / "params/facts" / f"{name}.yaml"
        told = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in told
            told = told.replace(old, new)
        path.write_text(told, encoding="utf-8")
    monkeypatch.setenv("HGDX_PARAMS", str(tmp_path / "params"))


def test_a_cut_above_100_per_cent_is_refused_with_its_file(tmp_path, monkeypatch):
    facts_with(tmp_path, monkeypatch, resolution=[("assumed_cut_pct: 50", "assumed_cut_pct: 150")])
    with pytest.raises(InputError, match=r"resolution\.yaml.*assumed_cut_pct.*up to 100"):
        load_facts()


# --- savings -------------------------------------------------------------------------------------------------------


def unit(name, value, year=2023):
    source = "title: 'T', link: 'https://example.org', read: 2026-11-01, verified: true"
    return (f"name: {name}, value: null, year: null, verified: false", f"name: {name}, value: {value}, year: {year}, {source}")


def test_nothing_is_saved_where_nothing_is_known(found):
    assert savings(load_facts()) == {"citizen_time": None, "citizen_travel": None, "staff_time": None}
    told = text(show_savings(found, study_words(drawn(1, dossiers=2000)[1], "vi")))
    assert told.count("chưa biết") == 7 and "Chưa tính được" in told


def test_savings_are_exact_where_sourced_facts_are_given(tmp_path, monkeypatch, found, made):
    facts_with(tmp_path, monkeypatch, unit_costs=[unit("trips", 2), unit("trip_minutes", 47.5), unit("citizen_vnd_per_hour", 31250),
                                                  unit("trip_km", 12.4), unit("vnd_per_km", 1755)])  # fmt: skip
    assert savings(load_facts()) == {"citizen_time": 49479, "citizen_travel": 43524, "staff_time": None}  # 49479.17 and 43524.0
    told = text(show_savings(found, study_words(made[1], "vi")))
    assert (
        "thời gian của người dân: 49.479 đồng" in told
        and "Chưa tính được phần tiết kiệm của mỗi hồ sơ nộp từ xa về thời gian của cán bộ" in told
    )
    assert "31.250 đồng/giờ (năm 2023)" in told and told.count("Có nguồn") == 5


@pytest.mark.parametrize(
    ("pair", "says"),
    [(unit("trips", -1), "trips|value"), (("name: trips, value: null, year: null", "name: trips, value: 2, year: null"), "year"),
     (("name: trips, value", "name: trip_km, value"), "twice"), (("name: trips, value", "name: journeys, value"), "name")],
)  # fmt: skip
def test_unit_costs_that_cannot_be_are_refused(tmp_path, monkeypatch, pair, says):
    facts_with(tmp_path, monkeypatch, unit_costs=[pair])
    with pytest.raises(InputError, match=rf"unit_costs\.yaml.*({says})"):
        load_facts()


# --- what readers see ----------------------------------------------------------------------------------------------


def test_both_languages_tell_the_same_numbers(made, found):
    panel, p, design = made
    told = {}
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        blocks = [show_costs(found, design, words), show_cost_truth(found, panel, words), show_other_cut(found, p, words),
                  *(show_forgone(found, panel, p, by, words) for by in ("year", "level", "procedure", "agency"))]  # fmt: skip
        said = " ".join(map(text, blocks))
        assert not re.search(r"nan|None|\{", said)
        numbers = re.findall(r"\d[\d.,]*\d|\d", said)
        told[lang] = sorted(n.translate(str.maketrans(".,", ",.")) if lang == "vi" else n for n in numbers)
    assert told["vi"] == told["en"]


def test_the_chart_says_its_finding_and_is_small(made, found):
    panel, p, design = made
    rows = forgone_by(found.bill, "procedure", 5)
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        figure = plot_forgone(found, panel, p, design, words)
        share = words.percent(rows["forgone"].iloc[:3].sum() / found.bill.forgone, 0)
        assert share in figure.title and share in figure.alt and len(figure.alt) <= 300
        assert max(len(figure.narrow), len(figure.wide)) < 60_000 and figure.simulated
        for svg in (figure.narrow, figure.wide):
            texts = re.findall(r">([^<>]+)</text>", svg)
            assert len(texts) == 16 and panel.names[rows["procedure"].iloc[0]][:20] == texts[0][:20]


def test_the_notebook_has_both_languages_and_no_number_in_prose():
    cells = json.loads((ROOT / "notebooks/cost.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = {lang: [c for c in cells if c["cell_type"] == "markdown" and lang in c["metadata"]["tags"]] for lang in ("vi", "en")}
    assert len(prose["vi"]) == len(prose["en"]) > 2
    assert not any(re.search(r"\d", "".join(c["source"])) for part in prose.values() for c in part)
    assert all(len(c["source"]) <= 6 and "def " not in "".join(c["source"]) for c in cells if c["cell_type"] == "code")


# --- the truth, over many draws ------------------------------------------------------------------------------------


def held(found, truth):
    """Whether the intervals of unchanged, extra_online and per_extra hold the truth."""
    extra = truth["extra_online"]
    each = found.row("per_extra")
    return [found.row("unchanged")["ci_low"] <= truth["unchanged_vnd"] <= found.row("unchanged")["ci_high"],
            found.row("extra_online")["ci_low"] <= extra <= found.row("extra_online")["ci_high"],
            each["ci_low"] <= truth["forgone_vnd"] / extra <= each["ci_high"]]  # fmt: skip


@pytest.mark.long
@pytest.mark.draws
def test_the_intervals_hold_the_truth_as_often_as_they_say(tell):
    """Seeds from 1 on, fixed beforehand, as in test_coverage."""
    hits, errors = [], []
    for seed in range(1, draws(50, 400) + 1):
        panel, p, design = drawn(seed)
        found, truth = cost_of(panel, p, design), panel.truth.set_index("period").loc["overall"]
        assert found.bill.forgone == truth["forgone_vnd"]
        hits.append(held(found, truth))
        errors.append((found.row("unchanged")["estimate"] - truth["unchanged_vnd"]) / found.row("unchanged")["std_error"])
    for name, hit in zip(("unchanged", "extra_online", "per_extra"), np.array(hits).T, strict=True):
        tell(f"{name}: coverage {rate(hit.sum(), len(hit))}")
        assert at_least(hit.sum(), len(hit), 0.93), name
    tell(f"mean error of unchanged {np.mean(errors):+.3f} standard errors")
    assert unbiased(np.array(errors), 0.15)


@pytest.mark.long
@pytest.mark.draws
def test_without_an_effect_the_cost_per_extra_dossier_is_seldom_told_as_bounded(tell):
    shapes = []
    for seed in range(1, draws(50, 400) + 1):
        panel, p, design = drawn(seed, effect=0.0)
        shapes.append(pd.notna(cost_of(panel, p, design).row("per_extra")["ci_low"]))
    tell(f"bounded without an effect: {rate(np.sum(shapes), len(shapes))}")
    assert at_most(np.sum(shapes), len(shapes), 0.07)
