"""Charts of how far a result can be trusted: titles true to the numbers, the same numbers in both languages, nothing covered."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import ORIGIN, design_of, made_up_table
from test_charts_methods import ENGLISH, SPAN, words

from hgdx_eval.estimation.results import Estimate, result_table
from hgdx_eval.evaluation.rehearsal import COLUMNS, Rehearsal, smallest_found
from hgdx_eval.infer.specification_curve import OWN, specification_curve
from hgdx_eval.report.charts.false_alarms import plot_gate
from hgdx_eval.report.charts.looks import plot_peeking, reach_of_history
from hgdx_eval.report.charts.power import plot_rehearsal
from hgdx_eval.report.charts.sensitivity import plot_sensitivity, reach_of_bounds
from hgdx_eval.report.charts.specification_curve import choice_text, plot_curve, reach_of_curve, runs, shortened, size_of, sorted_curve
from hgdx_eval.report.figure import ELEMENTS
from hgdx_eval.report.page import sanitised
from hgdx_eval.report.show_rehearsal import rehearsal_sentence, show_rehearsal
from hgdx_eval.study.words import MINUS

REAL = replace(ORIGIN, simulated=False)


def curve(below=1, number=12, treated=6.0):
    """Estimates of a study's own +4.0 and others, `below` of them negative, with intervals of plus and minus 2."""
    rng = np.random.default_rng(1)
    values = [4.0, *(-rng.uniform(0.5, 1, below)), *rng.uniform(2.5, 6, number - 1 - below)]
    windows = ["", *(["window=first_year"] * below), *(["weights=equal;comparison=free", "date=one_later;left_out=c1"] * number)]
    rows = [{"cohort": OWN if i == 0 else "crossed", "estimate": value, "ci_low": value - 2, "ci_high": value + 2, "n_obs": 500,
             "parameter": "window=all;weights=dossiers;comparison=all;date=as_studied;left_out=none" if i == 0 else windows[i]}
            for i, value in enumerate(values)]  # fmt: skip
    rows.append({"parameter": "window=shorter_before", "status": "refused", "reason": "no_pre_period"})
    table = result_table(
        rows, estimator="two_way_fixed_effects", term="specification", group="curve", scale="pp", n_treated_clusters=treated
    )
    return Estimate(table, ORIGIN, "M", span=SPAN, dossiers=True)


def gate(states=("fails", "headline", "conservative", "unavailable")):
    rates = {"fails": (0.123, 0.097, 0.152), "headline": (0.058, 0.041, 0.079), "passes": (0.049, 0.03, 0.07),
             "conservative": (0.011, 0.004, 0.02), "unavailable": (np.nan, np.nan, np.nan)}  # fmt: skip
    kinds = ("cluster", "wild", "randomization", "placebo")
    return pd.DataFrame(
        [(kind, *rates[state], state) for kind, state in zip(kinds, states)], columns=["kind", "rate", "low", "high", "state"]
    )


def sensitivity(effect=4.2, groups=("first", "average"), wider=1.5, breakdown=()):
    rows = [{"group": group, "parameter": f"{bound:g}", "estimate": effect, "ci_low": effect - 0.8 - wider * bound, "ci_high": effect + 0.8 + wider * bound}
            for group in groups for bound in (0, 0.5, 1, 1.5, 2)]  # fmt: skip
    rows += [{"group": f"{group} breakdown", "parameter": text, "estimate": value, "scale": "level"} for group, text, value in breakdown]
    table = result_table(rows, estimator="two_way_fixed_effects", term="sensitivity_relative", inference="honest", scale="pp")
    return Estimate(table, ORIGIN, "M")


def history(effect=4.0, number=23, usual=1.96, sequential=3.4):
    k = np.arange(1, number + 1)
    value, error = effect + 0.3 * np.sin(k), 2.6 / np.sqrt(k)
    return pd.DataFrame({"period": pd.period_range("2023-08", periods=number, freq="M"), "estimate": value,
                         "ci_low": value - usual * error, "ci_high": value + usual * error,
                         "seq_low": value - sequential * error, "seq_high": value + sequential * error})  # fmt: skip


def rehearsal(found=(0.05, 0.2, 0.62, 0.9, 0.99), clear=(0.0, 0.0, 0.1, 0.4, 0.7), by="worlds", limit=1.5, missing=()):
    """Effects of 0, 1, ... points, constant and growing."""
    rows = [{"shape": shape, "effect": float(effect), "worlds": 1000, "found": hit, "covered": 0.95, "wrong_sign": 0.01 if effect else np.nan,
             "exaggeration": 1 + 1 / effect if effect else np.nan, "level_1": sure, "level_2": hit - sure, "level_3": 1 - hit,
             "level_4": 0.0, "level_5": 0.0}
            for shape in ("constant", "growing") for effect, (hit, sure) in enumerate(zip(found, clear, strict=True))]  # fmt: skip
    table = pd.DataFrame(rows)[COLUMNS]
    return Rehearsal(table, by, smallest_found(table), 18, limit, "pp", missing)


def all_figures(lang="vi", origin=ORIGIN):
    said = words(lang)
    return [plot_curve(replace(curve(), origin=origin), said), plot_gate(gate(), said, origin), plot_sensitivity(replace(sensitivity(), origin=origin), said),
            plot_peeking(history(), said, origin, "pp"), plot_rehearsal(rehearsal(), said, origin)]  # fmt: skip


def data(figure):
    sep, decimal = (";", ",") if figure.download.startswith("Tải") else (",", ".")  # as the spreadsheets of a language read it
    return pd.read_csv(io.StringIO(figure.csv), sep=sep, decimal=decimal)


def drawn_texts(svg):
    return re.findall(r">([^<>]+)<", svg)


# --- what every chart keeps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_svg_is_clean_and_survives_the_sanitiser_and_all_is_signed_and_marked(lang):
    tag = words(lang)("charts.simulated")
    for figure in all_figures(lang):
        for svg in (figure.narrow, figure.wide):
            assert set(re.findall(r"<(\w+)", svg)) <= ELEMENTS and "style=" not in svg and len(svg) < 20_000
        kept = str(sanitised(figure._repr_html_()))
        assert kept.count("<svg") == 2 and tag in kept and tag in figure.alt and ORIGIN.file in figure.source
        assert 40 < len(figure.alt) <= 320 and figure.title in figure.alt and "{" not in figure.alt + figure.source + figure.title


def test_real_data_are_not_called_simulated():
    for figure in all_figures(origin=REAL):
        assert "mô phỏng" not in figure._repr_html_().lower()


def test_no_english_in_the_vietnamese_charts():
    for figure in all_figures():
        texts = " ".join(
            [
                figure.title,
                figure.subtitle,
                figure.alt,
                figure.source.replace(ORIGIN.file, ""),
                *drawn_texts(figure.wide),
                *drawn_texts(figure.narrow),
            ]
        )
        assert not ENGLISH.search(texts.lower()), figure.name


def test_the_same_chart_is_the_same_bytes_and_charts_share_no_id():
    assert all_figures() == all_figures()
    pairs = [
        *all_figures(),
        plot_curve(curve(0), words()),
        plot_gate(gate(("passes", "passes")), words(), ORIGIN),
        plot_peeking(history(1), words(), ORIGIN, "pp"),
    ]
    ids = [i for figure in pairs for svg in (figure.narrow, figure.wide) for i in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))


def test_both_languages_say_the_same_numbers():
    for vi, en in zip(all_figures("vi"), all_figures("en"), strict=True):
        same = [data(figure).select_dtypes("number").to_numpy() for figure in (vi, en)]  # heads and choices are in the reader's language
        np.testing.assert_array_equal(*same)
        assert same[0].size and data(vi).shape == data(en).shape
        for one, other in ((vi.title, en.title), (vi.alt, en.alt)):
            numbers = [sorted(re.findall(r"[+−]?\d+(?:[.,]\d+)?", text.replace("6/2025", ""))) for text in (one, other)]
            if vi.name != "peeking":  # there months have names
                assert numbers[0] == sorted(n.replace(".", ",") for n in numbers[1]), vi.name


# --- specification curve -------------------------------------------------------------------------------------------


def test_the_title_counts_signs_and_intervals_of_what_could_be_estimated():
    figure = plot_curve(curve(below=3), words())
    shown = data(figure)
    assert len(shown) == 12 and (shown["estimate"] < 0).sum() == 3 and shown["estimate"].is_monotonic_increasing
    clear = int(((shown["ci_low"] > 0) | (shown["ci_high"] < 0)).sum())
    assert figure.title == f"Trong 12 cách tính, 9 cho kết quả cùng dấu với nghiên cứu; {clear} có khoảng tin cậy không chứa 0"
    assert "Không tính được: 1 cách" in figure.source and "500 hồ sơ, 1/2022–6/2025" in figure.source
    assert plot_curve(curve(below=0), words()).title.startswith("Cả 12 cách tính đều cho kết quả cùng dấu")
    assert "của nghiên cứu: +4,0" in figure.wide and "của nghiên cứu: +4,0" in figure.narrow


def test_intervals_from_too_few_clusters_are_neither_drawn_nor_counted():
    figure = plot_curve(curve(treated=3.0), words())
    assert data(figure)["ci_low"].isna().all() and "không chứa 0" not in figure.title and "95%" not in figure.subtitle
    assert "Có quá ít cụm" in figure.source


def test_every_choice_otherwise_than_the_study_has_its_row_and_a_phone_has_fewer():
    figure = plot_curve(curve(), words())
    for text in ("một năm đầu sau mốc", "mỗi ô như nhau", "chỉ không thu phí", "muộn một kỳ", "c1", "Trọng số"):
        assert text in drawn_texts(figure.wide), text
    assert len(drawn_texts(figure.narrow)) < len(drawn_texts(figure.wide)) and "Các lựa chọn làm kết quả đổi nhiều nhất" in figure.narrow


def test_a_real_curve_is_drawn_with_a_text_for_every_choice():
    table = made_up_table(2, drop=0.01)
    table["group"] = np.where(table["treated_from"].notna(), "fee", np.where(table["unit"].str.endswith("2"), "free", "already_free"))
    found = specification_curve(design_of(table, blocks=True), most=150)
    for lang in ("vi", "en"):
        figure = plot_curve(found, words(lang))
        assert (
            len(data(figure)) == (found.table["status"] == "ok").sum()
            and len(figure.wide) < 40_000
            and "=" not in "".join(drawn_texts(figure.wide))
        )
        for svg in (figure.narrow, figure.wide):  # rows of choices stand apart
            heights = sorted(float(y) for x, y in re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', svg) if float(y) > 230)
            assert all(later - earlier > 10 or later - earlier < 1 for earlier, later in zip(heights, heights[1:]))


def test_the_text_of_every_choice_is_there_in_both_languages():
    from hgdx_eval.study.words import texts

    for lang in ("vi", "en"):
        keys = {key.removeprefix("robustness.choice_") for key in texts(lang) if key.startswith("robustness.choice_")}
        assert keys == {key.removeprefix("robustness.short_") for key in texts(lang) if key.startswith("robustness.short_")}
        assert choice_text("comparison", "Xã <b>", "M", words(lang), True) == "Xã <b>"
        for small in (True, False):  # a date of days is moved by a week, one of weeks or months by one
            told = [choice_text("date", "one_later", frequency, words(lang), small) for frequency in "DWM"]
            assert "7" in told[0] and told[1] == told[2] != told[0]
        assert [re.findall(r"\d+", choice_text("window", "no_transition", f, words(lang), False)) for f in "DWM"] == [["56"], ["8"], ["4"]]


def test_a_huge_interval_is_cut_and_said_while_the_points_stay_readable():
    wild = curve()
    table = wild.table.assign(ci_high=wild.table["ci_high"].where(wild.table.index != 5, 900.0))
    figure = plot_curve(replace(wild, table=table), words())
    assert "ngoài khung" in figure.source and reach_of_curve(sorted_curve(replace(wild, table=table)))[1] < 20
    assert "ngoài khung" not in plot_curve(curve(), words()).source


def test_hostile_names_are_text_and_long_ones_are_cut():
    found = curve()
    table = found.table.assign(parameter=found.table["parameter"].str.replace("left_out=c1", "left_out=<script>alert(1)</script> $a_b$"))
    assert "<script" not in plot_curve(replace(found, table=table), words())._repr_html_()
    name = "Ban Quản lý các khu công nghiệp, khu kinh tế và khu nông nghiệp"
    assert shortened(name, 120).endswith("…") and size_of(shortened(name, 120)) <= 126 and shortened("c1", 120) == "c1"


def test_marks_of_neighbours_are_one_where_they_are_many():
    taken = np.array([True, True, False, True])
    assert np.array_equal(runs(taken, False, 3)[0], [-0.5, 1.5, np.nan, 2.5, 3.5, np.nan], equal_nan=True)
    assert len(runs(taken, True, 3)[0]) == 9 and runs(np.zeros(3, bool), False, 1) == ([], [])


def test_a_curve_of_one_is_a_chart_too():
    found = curve(below=0, number=1)
    assert plot_curve(replace(found, table=found.table.head(1)), words()).title == "Chỉ tính được theo một cách"


# --- which interval may be used ------------------------------------------------------------------------------------


def test_the_title_names_the_interval_used_or_says_that_there_is_none():
    assert plot_gate(gate(), words(), ORIGIN).title == "Bootstrap theo cụm được dùng: báo động giả 5,8% khi thật ra không có tác động"
    assert plot_gate(gate(("fails",) * 4), words(), ORIGIN).title == "Không cách nào giữ được tỷ lệ báo động giả trong giới hạn 7%"
    assert plot_gate(gate(("fails", "unavailable")), words(), ORIGIN).title.startswith("Không cách nào")
    assert plot_gate(gate(("fails", "passes", "conservative")), words(), ORIGIN).title.startswith("2 trong 3 cách giữ được")


def test_rows_stand_in_the_studys_order_with_rate_and_state():
    figure = plot_gate(gate(), words(), ORIGIN)
    texts = drawn_texts(figure.wide)
    names = ["Sai số theo cụm", "Bootstrap theo cụm", "Suy luận ngẫu nhiên hóa", "Xếp hạng trong phép thử giả định"]
    assert [text for text in texts if text in names] == names
    assert {"12,3% · không đạt", "5,8% · được dùng", "1,1% · quá thận trọng", "không tính được", "danh nghĩa 5%"} <= set(texts)
    assert data(figure)["rate"].tolist()[:3] == [0.123, 0.058, 0.011] and "12,3%, không đạt" in figure.alt


def test_a_cautious_interval_that_is_used_is_told_to_be_both():
    table = gate(("headline", "passes")).assign(rate=[0.012, 0.05], conservative=[True, False])
    assert "1,2% · được dùng, quá thận trọng" in drawn_texts(plot_gate(table, words(), ORIGIN).wide)
    assert "5,0% · đạt" in drawn_texts(plot_gate(table, words(), ORIGIN).narrow)


def test_a_gate_without_any_rate_is_drawn():
    figure = plot_gate(gate(("unavailable",) * 3), words(), ORIGIN)
    assert drawn_texts(figure.wide).count("không tính được") == 3 and figure.title == "Chưa tính được tỷ lệ báo động giả của cách nào"


# --- other trends --------------------------------------------------------------------------------------------------


def test_the_title_tells_the_bound_at_which_the_conclusion_falls():
    assert (
        plot_sensitivity(sensitivity(2.0), words()).title == "Kết luận vẫn đúng trừ khi xu hướng lệch gấp 1 lần mức lệch lớn nhất từng thấy"
    )
    assert "gấp 2,27 lần" in plot_sensitivity(sensitivity(), words(), {"average": 2.27}).title
    assert (
        "đến 2 lần" in plot_sensitivity(sensitivity(9.0), words()).title
        and "chưa chứa 0" in plot_sensitivity(sensitivity(9.0), words()).wide
    )
    assert plot_sensitivity(sensitivity(0.1), words()).title.startswith("Khoảng tin cậy chứa 0 ngay cả khi")
    assert "gấp 1 lần" in plot_sensitivity(sensitivity(-2.0, groups=("first",)), words()).title


def test_breakdown_rows_are_read_and_not_drawn():
    found = sensitivity(2.0, breakdown=(("first", "", 0.8), ("average", "", 0.83)))
    figure = plot_sensitivity(found, words())
    assert "gấp 0,83 lần" in figure.title and len(data(figure)) == 10 and "chứa 0 từ 0,8 lần" in figure.wide
    beyond = plot_sensitivity(sensitivity(30.0, breakdown=(("average", ">5", 5.0),)), words())
    assert "mọi mức lệch đã thử" in beyond.title
    assert "gấp 1,2 lần" in plot_sensitivity(found, words(), {"average": 1.2}).title  # what is passed comes first


def test_the_average_in_levels_comes_first_where_it_is_told():
    both, level = sensitivity(2.0), sensitivity(2.0, groups=("overall",), wider=0.5, breakdown=(("overall", "", 1.7),))
    level = replace(level, table=level.table.assign(term="sensitivity_level"))
    found = replace(both, table=pd.concat([both.table, level.table], ignore_index=True))
    for lang, title in (("vi", "quá 1,7 lần mức xa nhất"), ("en", "more than 1.7 times as far apart")):
        figure = plot_sensitivity(found, words(lang))
        assert title in figure.title and len(data(figure)) == 15
        drawn = [words(lang)(f"robustness.sensitivity_{name}") in figure.wide for name in ("overall", "first", "average")]
        assert drawn == [True, True, False]  # the average in steps is told in the table
    never = replace(level, table=level.table.query("parameter != '' or group != 'overall breakdown'").assign(ci_low=1.0))
    assert "2" in plot_sensitivity(never, words(), {"overall": np.inf}).title


def test_far_breaking_points_do_not_squeeze_the_intervals():
    bounds = pd.Series([0, 0.5, 1, 2])
    assert np.allclose(reach_of_bounds(bounds, [2.6, np.nan]), (-0.14, 2.74)) and np.allclose(reach_of_bounds(bounds, [4.5]), (-0.14, 2.14))
    assert "4,5 lần ▸" in plot_sensitivity(sensitivity(9.0), words(), {"average": 4.5}).wide


# --- looked at early -----------------------------------------------------------------------------------------------


def test_the_title_tells_what_the_sequential_interval_says_in_the_end():
    table = history()
    clear = (table["seq_low"] > 0) | (table["seq_high"] < 0)
    since = table["period"][clear[~clear].index[-1] + 1]
    assert (
        plot_peeking(table, words(), ORIGIN, "pp").title
        == f"Từ tháng {since.month}/{since.year}, khoảng tuần tự không còn chứa 0, dù xem số liệu bao nhiêu lần"
    )
    assert plot_peeking(history(0.2), words(), ORIGIN, "pp").title == "Đến tháng 6/2025, khoảng tin cậy vẫn chứa 0"
    assert "chưa đủ chắc" in plot_peeking(history(1.5, sequential=5), words(), ORIGIN, "pp").title
    lost = table.assign(seq_low=table["seq_low"].where(table.index < 22, -1.0))
    assert "lại chứa 0" in plot_peeking(lost, words(), ORIGIN, "pp").title
    assert f"{MINUS}" in plot_peeking(history(-4), words(), ORIGIN, "pp").alt


def test_rows_may_come_in_any_order_and_periods_as_text():
    table = history()
    shuffled = table.sample(frac=1, random_state=1).assign(period=lambda part: part["period"].astype(str))
    assert plot_peeking(shuffled, words(), ORIGIN, "pp") == plot_peeking(table, words(), ORIGIN, "pp")
    assert data(plot_peeking(table, words(), ORIGIN, "pp"))["period"].iloc[0] == "2023-08"


def test_wide_early_intervals_do_not_flatten_the_rest():
    table = history()
    table.loc[0, ["seq_low", "seq_high"]] = -500.0, 500.0
    assert reach_of_history(table)[1] < 20 and "ngoài khung" in plot_peeking(table, words(), ORIGIN, "pp").source


# --- in a browser --------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_label_stands_on_another_or_leaves_its_chart(lang, width, tmp_path):
    import shutil
    from importlib import resources

    from test_browser import CLIPPED, FLAGS, OVERLAPS

    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    style = resources.files("hgdx_eval.report").joinpath("template/style.css").read_text(encoding="utf-8")
    figures = "".join(str(sanitised(figure._repr_html_())) for figure in all_figures(lang))
    page = tmp_path / "page.html"
    page.write_text(
        f'<!doctype html><html><meta charset="utf-8"><style>{style}</style><main><div class="col">{figures}</div></main></html>',
        encoding="utf-8",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        tab = browser.new_page(viewport={"width": width, "height": 800})
        tab.goto(page.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(OVERLAPS) == [] and tab.evaluate(CLIPPED) == []
        browser.close()


# --- the rehearsal ----------------------------------------------------------------------------------------------------------
def test_the_title_tells_the_least_effect_that_is_found_or_that_none_is():
    assert (
        plot_rehearsal(rehearsal(), words("en"), ORIGIN).title == "An effect of 2.6 percentage points or more would be found 8 times in 10"
    )
    never = rehearsal(found=(0.04, 0.1, 0.2, 0.3, 0.55), clear=(0, 0, 0, 0, 0))
    assert plot_rehearsal(never, words("en"), ORIGIN).title == "Even an effect of 4.0 percentage points would be found only 55% of the time"
    assert plot_rehearsal(replace(rehearsal(), table=rehearsal().table.head(0)), words(), ORIGIN) is None


def test_the_sentence_tells_what_would_be_found_and_what_would_be_false():
    assert rehearsal_sentence(rehearsal(), words("en")) == (
        "An effect of 2.6 percentage points or more would be found 8 times in 10. "
        "Where there is none, this page would speak of signs 5 times in 100, of clear evidence never."
    )
    ranked = rehearsal(found=(0.038, 0.1, 0.2, 0.3, 0.9), clear=(0, 0, 0, 0, 0), by="placebos")
    assert "speak of signs 4 times in 100." in rehearsal_sentence(ranked, words("en"))
    assert "bằng chứng rõ không lần nào" in rehearsal_sentence(rehearsal(), words())


@pytest.mark.parametrize("reason", ["too_few_periods", "other_method", "no_headline"])
def test_a_study_that_cannot_be_rehearsed_says_why_or_nothing(reason):
    none = replace(rehearsal(), table=rehearsal().table.head(0), reason=reason)
    assert bool(rehearsal_sentence(none, words("en"))) == (reason != "no_headline")
    assert bool(show_rehearsal(none, words("en"), "M").html) == (reason != "no_headline")


def test_the_table_tells_every_effect_with_its_bounds_and_what_is_not_known():
    block = show_rehearsal(rehearsal(missing=("ceiling",)), words("en"), "M").html
    assert block.count("<tr") == 11 and "[57.9%; 65.9%]" in block
    assert "18 periods before the policy" in block and "24 would tell more" in block and "the room that is left for an effect" in block
    assert "Interval holds it" not in show_rehearsal(replace(rehearsal(), by="placebos"), words("en"), "M").html
