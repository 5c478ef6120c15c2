"""Online payment: the official rate can be moved by who is counted, the fixed one cannot; both against the known truth."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cost_worlds import drawn
from monte_carlo import at_least, draws, rate, unbiased
from scipy import stats

from hgdx_eval.base.errors import InputError
from hgdx_eval.estimation.results import check_table
from hgdx_eval.report.record import record
from hgdx_eval.study.load import read_study, study_file, study_words
from hgdx_eval.vietnam.questions.charts_payment import plot_payment
from hgdx_eval.vietnam.questions.payment import (
    RATES,
    Payment,
    counted,
    effect_on,
    line,
    mean_rate,
    monthly,
    payment_of,
    reached,
    target_of,
    whole_fee,
    why_none,
)
from hgdx_eval.vietnam.questions.show_payment import (
    show_payment_answer,
    show_payment_basis,
    show_payment_effects,
    show_payment_truth,
    show_rates,
    show_target,
)

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def half():
    made = drawn(1)
    return made, payment_of(*made)


@pytest.fixture(scope="module")
def waiver():
    made = drawn(1, world="waiver")
    return made, payment_of(*made)


def text(block):
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r'href="[^"]*"', "", block.html)))


def rates(found, design, name):
    """(mean of the year before the start, mean since), shares."""
    period = found.series["period"]
    return mean_rate(found, name, (period < design.start) & (period >= design.start - 12)), mean_rate(found, name, period >= design.start)


# --- the payment trap ----------------------------------------------------------------------------------------------


def test_a_waiver_moves_the_official_rate_by_composition_alone_and_not_the_fixed_one(half, waiver):
    """Both worlds draw the same people and the same ways of paying; the waiver only takes the fee of those who file online."""
    (panel, p, design), _ = half
    (_, _, _), found = waiver
    assert found.waived and not half[1].waived
    same_set = monthly(counted(panel.cells, p, True), p, design)  # the fixed set of the waiver, where nothing is waived
    assert found.series["fixed"].tolist() == same_set["fixed"].tolist()  # month by month, to the last digit
    before, since = found.series["period"] < design.start, found.series["period"] >= design.start
    assert found.series.loc[before, "official"].tolist() == same_set.loc[before, "official"].tolist()
    assert (same_set["official"] - found.series["official"])[since].mean() > 0.04  # nobody pays otherwise
    assert (same_set["official"] > found.series["official"])[since].mean() > 0.9


def test_the_estimated_effects_tell_the_trap(waiver):
    _, found = waiver
    official, fixed = found.effects["official"], found.effects["fixed"]
    assert official["ci_high"] < -8 < 0 and found.series["left"].sum() > 10_000
    errors = []
    for seed in range(2, 6):
        panel, p, design = drawn(seed, world="waiver")
        row = effect_on("fixed", panel, counted(panel.cells, p, True), p, True)
        errors.append(row["estimate"] / row["std_error"])
    assert abs(np.mean([*errors, fixed["estimate"] / fixed["std_error"]])) < 1.2  # five draws of mean 0


def test_a_half_cut_moves_both_rates_alike(half):
    (_, _, design), found = half
    assert found.effects["official"]["estimate"] == found.effects["fixed"]["estimate"]
    assert (found.series["official"] - found.series["fixed"]).abs().max() < 0.005
    assert found.series["left"].sum() == 0
    assert rates(found, design, "official")[1] > rates(found, design, "official")[0]


def test_the_fixed_rate_keeps_the_weights_of_the_year_before(half):
    """More dossiers of one part, its ways of paying unchanged: the official rate moves, the fixed one does not."""
    (panel, p, design), found = half
    names = ["paying", "channel_told", "paid_online", "counter_told", "counter_paid_online", "filed_online_paying"]
    more = (panel.cells["fee_group"] == "central") & (panel.cells["period"] >= design.start)
    cells = panel.cells.copy()
    cells.loc[more, names] *= 3
    shifted = monthly(counted(cells, p, False), p, design)
    np.testing.assert_allclose(shifted["fixed"], found.series["fixed"], rtol=1e-12)
    assert not np.allclose(shifted["official"], found.series["official"], atol=1e-5)


def test_rates_are_those_counted_by_hand(half):
    (panel, _, _), found = half
    month = panel.cells[panel.cells["period"] == pd.Period("2024-05", "M")]
    row = found.series.set_index("period").loc[pd.Period("2024-05", "M")]
    assert row["official"] == month["paid_online"].sum() / month["channel_told"].sum()
    assert row["official_told"] == month["channel_told"].sum()


def test_whether_the_whole_fee_was_waived_is_seen_in_the_payments(half, waiver):
    for (panel, p, design), found in (half, waiver):
        assert whole_fee(panel.cells, p, design) == found.waived
    (panel, p, design), _ = half
    assert not whole_fee(panel.cells.assign(filed_online_zero=0, filed_online_paying=0), p, design)


# --- the target ----------------------------------------------------------------------------------------------------


def straight(last, slope, months=30, noise=()):
    """A series that ends at `last` (per cent) and rises by `slope` points a month."""
    periods = pd.period_range("2022-01", periods=months, freq="M")
    values = last + slope * (np.arange(months) - months + 1) + np.resize(np.asarray(noise, float), months) if len(noise) else \
        last + slope * (np.arange(months) - months + 1.0)  # fmt: skip
    return pd.DataFrame({"period": periods, "official": values / 100, "official_told": 1000})


def test_a_straight_line_reaches_the_target_in_its_month():
    found = reached(straight(27.0, 0.5), "official", 0.30)
    assert (found.state, found.month, found.low, found.high) == ("when", *[pd.Period("2024-12", "M")] * 3)
    assert found.slope == pytest.approx(0.5) and found.months.estimate == pytest.approx(6)


def test_a_noisy_line_has_an_interval_that_holds_its_month():
    found = reached(straight(27.0, 0.5, noise=[0.4, -0.3, 0.1, -0.4, 0.2]), "official", 0.30)
    assert found.state == "when" and found.low <= found.month <= found.high and found.low < found.high


@pytest.mark.parametrize(
    ("series", "state"),
    [(straight(33.0, 0.5), "reached"), (straight(20.0, -0.1), "not"), (straight(20.0, 0.0), "not"), (straight(20.0, 0.5, months=11), "short"),
     (straight(20.0, 0.02, noise=[2, -2, 1.5, -1, -1.5]), "open"), (straight(29.0, 0.5, noise=[0.0]), "when")],
)  # fmt: skip
def test_every_state_of_the_target(series, state):
    found = reached(series, "official", 0.30)
    assert found.state == state
    if state == "reached":
        told = series.set_index("period")["official"]
        assert (told[found.since :] >= 0.30).all() and told[found.since - 1] < 0.30
    if state == "open":
        assert found.months.shape in ("outside", "everything", "from") and found.high is None


def test_a_month_that_dips_below_the_target_again_undoes_it():
    series = straight(33.0, 0.5)
    series.loc[28, "official"] = 0.28
    assert reached(series, "official", 0.30).since == series["period"][29]


def test_the_target_is_the_programmes_own():
    assert target_of() == 0.30


def crossing_held(rng, rho, months=24, true=10.0):
    rest = np.zeros(months + 50)
    for t in range(1, months + 50):
        rest[t] = rho * rest[t - 1] + rng.normal(0, 0.7)
    series = straight(27.0, 0.3, months)
    series["official"] += rest[50:] / 100
    months_to = reached(series, "official", 0.30).months
    return months_to is None or months_to.holds(true)


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.93), (0.3, 0.89)])
def test_the_month_of_the_target_is_in_the_set_as_often_as_it_says(rho, least):
    """500 straight lines with errors of first-order autocorrelation; Monte Carlo standard error 1 point. Newey & West: 0.89 and 0.83."""
    rng = np.random.default_rng(20230714)
    held = np.mean([crossing_held(rng, rho) for _ in range(500)])
    assert held >= least


def test_the_errors_of_the_line_without_autocorrelation_are_those_of_least_squares():
    x = np.arange(24.0) - 23
    y = 20 + 0.3 * x + np.resize([0.5, -0.5], 24)  # negative autocorrelation is held at 0
    (level, slope), cov = line(x, y)
    known = stats.linregress(x, y)
    assert (level, slope) == (pytest.approx(known.intercept), pytest.approx(known.slope))
    assert np.sqrt(np.diag(cov)) == pytest.approx([known.intercept_stderr, known.stderr])


# --- what is recorded and told -------------------------------------------------------------------------------------


def test_what_is_recorded_keeps_the_contract(half, waiver):
    for _, found in (half, waiver):
        table = found.estimate.table
        check_table(table)
        assert {"official_rate", "fixed_rate", "payment_official", "payment_fixed", "official_months_to_target"} <= set(table["group"])
        assert set(table["term"]) == {"indicator", "specification"} and table["simulated"].all()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_it_says_why_nothing_can_be_said(half, lang):
    (panel, p, design), _ = half
    words = study_words(p, lang)
    without = {
        "none_payments": replace(panel, cells=panel.cells.drop(columns=["paying", "channel_told"])),
        "none_channel": replace(panel, cells=panel.cells.drop(columns=["channel_told", "counter_told"])),
    }
    for reason, bare in without.items():
        found = payment_of(bare, p, design)
        assert found == Payment(reason) and why_none(bare, p) == reason
        assert (
            text(show_payment_answer(found, design, words))
            .strip()
            .startswith("Chưa nói được gì" if lang == "vi" else "Nothing can be said")
        )
        assert [show_rates(found, design, words), show_payment_effects(found, words), show_target(found, words), show_payment_basis(found, words),
                show_payment_truth(found, panel, words), plot_payment(found, design, words)] == [None] * 6  # fmt: skip
        assert len(record(found.recorded, "payment", words).table) == 0
    assert why_none(panel, p.model_copy(update={"policy": None})) == "none_policy"


def test_without_a_comparison_that_has_fees_the_effect_is_refused_in_words(half):
    (panel, p, design), _ = half
    other = p.model_copy(update={"payment": p.payment.model_copy(update={"comparison_groups": ["free"]})})
    found = payment_of(panel, other, design)
    assert {row["status"] for row in found.effects.values()} == {"refused"}
    check_table(found.estimate.table)
    assert "không ước tính được" in text(show_payment_effects(found, study_words(p, "vi")))


def test_few_dossiers_are_told_of_nobody():
    panel, p, design = drawn(2, dossiers=3000)
    cells = counted(panel.cells, p, False)
    sums, series = cells.groupby("period")[["official_paid", "official_told"]].sum(), monthly(cells, p, design)
    few = (sums["official_paid"] > 0) & (sums["official_paid"] < 5)
    assert few.any() and series.loc[few.to_numpy(), list(RATES)].isna().all(axis=None)
    assert plot_payment(payment_of(panel, p, design), design, study_words(p, "vi")) is not None


def test_payments_that_do_not_say_how_are_counted_out_and_told(half):
    (panel, p, design), _ = half
    cells = panel.cells.assign(paying=panel.cells["paying"] * 2)
    found = payment_of(replace(panel, cells=cells), p, design)
    assert found.unknown == pytest.approx(0.5)
    assert "50,0% số hồ sơ đã nộp" in text(show_payment_basis(found, study_words(p, "vi")))


@pytest.mark.parametrize("world", ["half", "waiver"])
def test_both_languages_tell_the_same_numbers(request, world):
    (panel, p, design), found = request.getfixturevalue(world)
    told = {}
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        blocks = [show_payment_answer(found, design, words), show_rates(found, design, words), show_payment_effects(found, words),
                  show_target(found, words), show_payment_basis(found, words), show_payment_truth(found, panel, words)]  # fmt: skip
        said = " ".join(map(text, blocks))
        assert not re.search(r"\bnan\b|None|\{", said)
        said = said.replace("tháng 11/2023", "2023").replace("November 2023", "2023").replace("1 trong 20 lần", "20")
        numbers = re.findall(r"\d[\d.,/]*\d|\d", said)
        told[lang] = sorted(n.translate(str.maketrans(".,", ",.")) if lang == "vi" else n for n in numbers)
    assert told["vi"] == told["en"]


@pytest.mark.parametrize("world", ["half", "waiver"])
def test_the_chart_says_its_finding_and_is_small(request, world):
    (_, p, design), found = request.getfixturevalue(world)
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        figure = plot_payment(found, design, words)
        assert max(len(figure.narrow), len(figure.wide)) < 60_000 and len(figure.alt) <= 320 and figure.simulated
        names = [t for t in re.findall(r">([^<>]+)</text>", figure.wide) if t in ("Chính thức", "Nhóm cố định", "Official", "Fixed set")]
        assert len(names) == (2 if world == "waiver" else 0)


def test_the_notebook_has_both_languages_and_no_number_in_prose():
    cells = json.loads((ROOT / "notebooks/payment.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = {lang: [c for c in cells if c["cell_type"] == "markdown" and lang in c["metadata"]["tags"]] for lang in ("vi", "en")}
    assert len(prose["vi"]) == len(prose["en"]) > 0
    assert [set(c["metadata"]["tags"]) - {lang} for lang in ("vi",) for c in prose[lang]] == [
        set(c["metadata"]["tags"]) - {"en"} for c in prose["en"]
    ]
    assert not any(re.search(r"\d", "".join(c["source"])) for part in prose.values() for c in part)


@pytest.mark.parametrize(("payment", "says"), [("{comparison_groups: []}", "comparison_groups"), ("{against: [central]}", "against"),
                                               ("{comparison_groups: central}", "comparison_groups")])  # fmt: skip
def test_rules_that_cannot_be_are_refused_in_one_line(tmp_path, payment, says):
    study = study_file("demo").read_text(encoding="utf-8").replace("words: ../", f"words: {study_file('demo').parent}/../")
    study = re.sub(r"\npayment: .*", "", study)
    (tmp_path / "s.yaml").write_text(f"{study}\npayment: {payment}\n", encoding="utf-8")
    with pytest.raises(InputError, match=says) as error:
        read_study(tmp_path / "s.yaml", {})
    assert "\n" not in str(error.value)


# --- the truth, over many draws ------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("world", ["default", "waiver"])
def test_the_intervals_hold_the_truth_as_often_as_they_say(tell, world):
    """Seeds from 1 on, fixed beforehand. Truth: the mean effect on the rate over the dossiers of the months compared."""
    found = {name: [] for name in RATES}
    for seed in range(1, draws(30, 200) + 1):
        panel, p, _ = drawn(seed, world=world)
        cells = counted(panel.cells, p, world == "waiver")
        months = panel.truth[panel.truth["period"] <= str(p.payment.until)]
        for name in RATES if world == "waiver" else RATES[:1]:
            row, weight = effect_on(name, panel, cells, p, world == "waiver"), months[f"{name}_paying"]
            truth = (months[f"{name}_pp"] * weight).sum() / weight.sum()
            found[name].append((row["estimate"] - truth, row["std_error"], row["ci_low"] <= truth <= row["ci_high"]))
    for name, rows in found.items():
        if rows:
            errors, std_errors, held = map(np.array, zip(*rows, strict=True))
            tell(f"{world}, {name}: coverage {rate(held.sum(), len(held))}; mean error {errors.mean():+.3f} points; "
                 f"mean standard error {std_errors.mean():.3f}, sd {errors.std():.3f}")  # fmt: skip
            assert at_least(held.sum(), len(held), 0.91) and unbiased(errors, 0.25)
