"""Charts: clean SVG, the same twice, data as drawn, nothing hidden that is shown and nothing shown that is hidden."""

import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table

from hgdx_eval.base.periods import written
from hgdx_eval.estimation.results import Estimate, result_table
from hgdx_eval.estimators.two_way_fixed_effects import fit
from hgdx_eval.report.charts.axes import lanes_for, tick_digits, time_axis
from hgdx_eval.report.charts.coverage import plot_coverage
from hgdx_eval.report.charts.event_path import plot_event, step_of
from hgdx_eval.report.charts.groups import group_series, plot_shares
from hgdx_eval.report.charts.looks import as_looked
from hgdx_eval.report.charts.placebos import plot_leave_one_out, plot_placebos
from hgdx_eval.report.colours import classes
from hgdx_eval.report.figure import ELEMENTS
from hgdx_eval.report.page import sanitised, style
from hgdx_eval.report.tables import unbundled
from hgdx_eval.study.load import load_study
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.facts import load_facts


def demo_words(lang="vi"):
    return load_study("demo", lang)[1]


def design(**changes):
    found = design_of(made_up_table(1, periods=24), blocks=True)
    events = tuple(e for e in load_facts().events if e.name in ("decision_766", "digitisation_district", "campaign_2023", "campaign_2022"))
    return replace(found, events=events, **changes)


def strip(found, term, names):
    row = found.overall()
    rows = [{"term": term, "group": name, "estimate": row["estimate"] * k, "inference": "none"} for name, k in names.items()]
    return Estimate(result_table(rows, estimator="two_way_fixed_effects", scale="pp"), found.origin, "M")


def all_figures(words, chosen=None):
    chosen = chosen or design()
    found = fit(chosen)
    return [plot_shares(chosen, words), plot_event(found, words), plot_coverage(chosen, words),
            plot_placebos(found, strip(found, "placebo_space", {"a": 0.1, "<b>": -2.0}), words),
            plot_leave_one_out(found, strip(found, "leave_one_out", {"c0": 0.9, "c1": 1.1}), words)]  # fmt: skip


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_svg_is_clean_small_and_survives_the_sanitiser(lang):
    for figure in all_figures(demo_words(lang)):
        for svg in (figure.narrow, figure.wide):
            assert set(re.findall(r"<(\w+)", svg)) <= ELEMENTS, figure.name
            assert "style=" not in svg and "font-family" not in svg and "var(" not in svg
            for element in ElementTree.fromstring(svg).iter():  # a viewer without variables has the colour, the page its own
                named = classes(element.get("fill", ""), element.get("stroke", "")).split()
                assert set(named) <= set(element.get("class", "").split()) and all(f".{name}{{" in style() for name in named)
            assert len(svg) < 60_000, figure.name
        kept = str(sanitised(figure._repr_html_()))
        assert kept.count("<svg") == 2 and "<figcaption" in kept and figure.title in kept.replace("&lt;", "<")


def test_the_data_of_a_chart_travel_beside_it():
    for figure in all_figures(demo_words()):
        data = figure._repr_mimebundle_()
        (table,) = unbundled(data)
        assert (
            data["text/html"].endswith("</style>" + figure._repr_html_())
            and table.name == figure.name
            and table.title.startswith(figure.title)
        )
        assert len(table.rows) == figure.csv.count("\n") - 1 and not set(table.heads) & {
            "estimate",
            "period",
            "ci_low",
            "treated",
            "cluster",
        }


def test_the_same_design_gives_the_same_bytes():
    first, second = (plot_shares(design(), demo_words()) for _ in range(2))
    assert first == second


def test_ids_do_not_meet_on_one_page():
    ids = [i for figure in all_figures(demo_words()) for svg in (figure.narrow, figure.wide) for i in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))


def test_two_different_figures_of_one_kind_share_no_id():
    found = fit(design())
    pair = [plot_leave_one_out(found, strip(found, "leave_one_out", {"c0": k, "c1": 1.1}), demo_words()) for k in (0.9, 0.2)]
    ids = [i for figure in pair for svg in (figure.narrow, figure.wide) for i in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids)) > 0
    for figure in pair:
        for svg in (figure.narrow, figure.wide):  # and each uses its own
            assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg)) <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_simulated_is_said_in_every_figure_and_only_there():
    for figure in all_figures(demo_words()):
        assert "Số liệu mô phỏng" in figure._repr_html_() and "mô phỏng" in figure.alt.lower()
    real = replace(design(), origin=replace(design().origin, simulated=False))
    assert "mô phỏng" not in plot_shares(real, demo_words())._repr_html_().lower()


def test_the_download_holds_what_is_drawn_and_small_counts_are_in_neither():
    chosen = design()
    table = chosen.table
    small = table["time"] == table["time"].min()
    chosen = replace(chosen, table=table.assign(denominator=table["denominator"].mask(small, 1.0), numerator=table["numerator"].mask(small, 0.0),
                                                weight=table["weight"].mask(small, 1.0)))  # fmt: skip
    figure = plot_shares(chosen, demo_words(), min_count=60)
    data = pd.read_csv(io.StringIO(figure.csv), sep=";", decimal=",")
    assert str(table["period"].min()) not in set(data["period"])
    series = group_series(chosen, 60)
    assert sorted(data["treated"].dropna().round(3)) == sorted(series[series["side"]]["y"].round(3))
    before = table.loc[table["time"] < chosen.start.ordinal, "time"].nunique()
    for side in (True, False):  # beside the sum of its periods before the policy one hidden period could be worked out
        shown = series[(series["side"] == side) & (series["time"] < chosen.start.ordinal)]
        assert len(shown) <= before - 2


def test_alt_text_says_the_finding_within_its_limit():
    for figure in all_figures(demo_words()):
        assert 40 < len(figure.alt) <= 320, (figure.name, len(figure.alt))
        assert re.search(r"\d", figure.alt)


def test_titles_follow_their_rules():
    words = demo_words()
    assert "thay đổi rõ" in plot_shares(design(), words).title
    none = replace(design(), table=design_of(made_up_table(1, effect=0.0, periods=24), blocks=True).table)
    assert "chưa vượt mức dao động" in plot_shares(none, words).title
    strong = design_of(made_up_table(1, effect=0.2, periods=24), blocks=True)
    assert "dương" in plot_event(fit(strong), words).title


def test_faint_lines_that_leave_the_frame_are_counted():
    chosen = design(scale="level")
    table, units = chosen.table, chosen.comparison_units
    inside = replace(chosen, table=table.assign(y=0.5 + 0.1 * (table["time"] % 2)))
    assert "nằm ngoài" not in plot_shares(inside, demo_words()).source
    far = inside.table["y"].mask(inside.table["unit"].isin(units[:2]) & (table["time"] == table["time"].min()), 9.0)
    weightless = inside.table["weight"].mask(inside.table["unit"].isin(units[:2]), 1e-9)
    said = plot_shares(replace(inside, table=inside.table.assign(y=far, weight=weightless)), demo_words()).source
    assert f"2 trong {len(units)} đường mảnh có phần nằm ngoài" in said


def test_hostile_names_are_text():
    found = fit(design())
    html = plot_placebos(found, strip(found, "placebo_space", {"<script>alert(1)</script>": 0.2, "b": 3}), Words("vi", demo_words().study))
    assert "<script" not in html._repr_html_()


def test_discs_never_meet_and_ticks_are_told_exactly():
    places = [0, 5, 9, 18, 40, 41]
    lanes = lanes_for(places, 17)
    for i, a in enumerate(places):
        assert all(lanes[i] != lanes[j] or abs(a - b) >= 17 for j, b in enumerate(places) if i != j)
    assert [tick_digits(t) for t in ([0, 20, 40], [0, 0.5], [-0.0125, -0.01], [0.1])] == [0, 1, 4, 1]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_label_of_the_plot_stands_on_another(lang):
    """Text boxes from matplotlib's own measure, both widths; its font is wider than a browser's."""
    from hgdx_eval.report import figure
    from hgdx_eval.report.charts import groups

    chosen, words, boxes = design(), demo_words(lang), []

    def look(width, small):
        figure = groups.draw_shares(chosen, group_series(chosen, 5), groups.time_marks(chosen, words), words, width, small)
        figure.canvas.draw()
        texts = [t for t in figure.axes[0].texts if t.get_text() and not t.get_text().isdigit()]
        boxes.append([t.get_window_extent() for t in texts])
        return figure

    figure.drawn("look", look, "alt")
    for found in boxes:
        for i, a in enumerate(found):
            assert not any(a.shrunk(0.9, 0.6).overlaps(b.shrunk(0.9, 0.6)) for b in found[i + 1 :])


def test_every_figure_is_signed_with_source_dates_and_number():
    chosen = design()
    total = demo_words().number(chosen.table["denominator"].sum())
    first, last = (demo_words().period(p, True) for p in (chosen.table["period"].min(), chosen.table["period"].max()))
    for figure in all_figures(demo_words()):
        assert chosen.origin.file in figure.source and f"{total} hồ sơ, {first}–{last}" in figure.source, figure.name


def test_a_figure_without_a_finding_in_words_is_refused():
    figure = plot_shares(design(), demo_words())
    for alt in ("", "   ", "Biểu đồ."):
        with pytest.raises(ValueError, match="alt text"):
            replace(figure, alt=alt)


def test_above_some_thousand_marks_a_chart_is_a_small_picture():
    import numpy as np

    from hgdx_eval.report import figure as figures

    def draw(width, small):
        figure, axes = figures.canvas(width, 300, 40, 20, 20, 30)
        rng = np.random.default_rng(1)
        axes.scatter(rng.normal(size=6000), rng.normal(size=6000), s=3, color=figures.TREATED)
        return figure

    pair = figures.drawn("cloud", draw, "Đám mây điểm: sáu nghìn chấm quanh số không, không có xu hướng.")
    for variant, text in zip("nw", pair):
        assert text.startswith(f'<img class="c {variant}" src="data:image/png;base64,') and len(text) <= figures.MOST_BYTES + 200
    figure = replace(plot_shares(design(), demo_words()), narrow=pair[0], wide=pair[1])
    assert str(sanitised(figure._repr_html_())).count('alt="Đám mây điểm') == 2
    assert pair == figures.drawn("cloud", draw, "Đám mây điểm: sáu nghìn chấm quanh số không, không có xu hướng.")


@pytest.mark.parametrize("lang, first", [("vi", "a;b"), ("en", "a,b")])
def test_a_download_is_a_table_to_the_spreadsheets_of_its_language_and_never_a_formula(lang, first):
    from hgdx_eval.report.blocks import csv_text

    frame = pd.DataFrame(
        {"a": ["=cmd|' /C calc'!A0", "@SUM(1)", "-x", "+4,2 [3; 5]", "xã; huyện, tỉnh"], "b": [84.523, -0.1234, 1e-3, 5, None]}
    )
    text = csv_text(frame, demo_words(lang))
    assert text.startswith(first + "\n") and ("84,523" in text) == (lang == "vi")
    sep, decimal = (";", ",") if lang == "vi" else (",", ".")
    back = pd.read_csv(io.StringIO(text), sep=sep, decimal=decimal)
    assert back["b"].tolist()[:4] == [84.523, -0.1234, 0.001, 5.0] and back["a"][4] == "xã; huyện, tỉnh"
    assert back["a"].tolist()[:4] == ["'=cmd|' /C calc'!A0", "'@SUM(1)", "'-x", "+4,2 [3; 5]"]


@pytest.mark.parametrize("small, width", [(True, 2.6), (False, 7)])
@pytest.mark.parametrize("years", [2, 4, 10, 35])
def test_names_of_years_never_stand_on_each_other(small, width, years):
    figure, axes = plt.subplots(figsize=(width, 2), dpi=100)
    time_axis(axes, np.arange(years) + 20, "Y", demo_words("vi"), small)
    axes.set_xlim(19.5, 19.5 + years)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    plt.close(figure)
    assert len(boxes) >= 2 and all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:], strict=False))


@pytest.mark.parametrize(("small", "width"), [(False, 5.5), (True, 2.6)])
@pytest.mark.parametrize(
    ("frequency", "number"), [("W", 20), ("W", 60), ("W", 156), ("W", 600), ("D", 40), ("D", 100), ("D", 366), ("D", 731), ("D", 3000)]
)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_names_of_weeks_and_days_stand_apart_inside_the_axis(lang, frequency, number, small, width):
    first = pd.Period("2021-12-27" if frequency == "W" else "2022-01-01", frequency).ordinal
    figure, axes = plt.subplots(figsize=(width, 2), dpi=100)
    time_axis(axes, np.arange(number) + first, frequency, demo_words(lang), small)
    axes.set_xlim(first - 0.5, first + number - 0.5)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert len(boxes) >= 2 and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))
    assert boxes[-1].x1 < figure.bbox.width
    plt.close(figure)


@pytest.mark.parametrize(("frequency", "first", "number", "said"), [
    ("W", "2021-12-27", 156, {"2022-W01": "2022", "2023-W01": "2023", "2024-W01": "2024"}),
    ("W", "2020-12-14", 156, {"2021-W01": "2021", "2022-W01": "2022", "2023-W01": "2023"}),
    ("D", "2022-01-01", 731, {"2022-01-01": "1/2022", "2023-01-01": "1/2023"}),
    ("D", "2023-02-10", 100, {"2023-03-01": "3/2023", "2023-04-01": "4/2023", "2023-05-01": "5/2023"}),
    ("D", "2023-03-01", 20, {"2023-03-01": "1/3/2023", "2023-03-11": "11/3/2023"})])  # fmt: skip
def test_weeks_and_days_are_named_where_a_year_or_month_begins(frequency, first, number, said):
    start = pd.Period(first, frequency).ordinal + (0 if frequency == "D" or first != "2021-12-27" else 1)
    figure, axes = plt.subplots()
    time_axis(axes, np.arange(number) + start, frequency, demo_words("vi"), True)
    found = {
        written(pd.Period(ordinal=int(t), freq=frequency)): label.get_text()
        for t, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    }
    assert found == said
    plt.close(figure)


@pytest.mark.parametrize(("frequency", "number", "small", "step"), [("D", 731, True, 182), ("D", 731, False, 91), ("D", 60, False, 7), ("W", 156, True, 26),
                                                                    ("W", 20, False, 4), ("M", 42, True, 12), ("M", 20, False, 6), ("Y", 8, False, 1)])  # fmt: skip
def test_event_times_of_days_and_weeks_are_marked_by_whole_weeks_and_years(frequency, number, small, step):
    assert step_of(frequency, number, small) == step


def test_looks_that_are_weeks_apart_are_one_line():
    table = pd.DataFrame({"time": [8, 12, 20], "estimate": [1.0, 2.0, 3.0]})
    assert as_looked(table)["estimate"].fillna(-1).to_dict() == {8: 1.0, 12: 2.0, 16: -1.0, 20: 3.0}


@pytest.mark.parametrize("text, width, lines", [
    ("comparison group", 15, ["Comparison", "group"]), ("one two three four", 9, ["One two", "three", "four"]),
])  # fmt: skip
def test_a_name_is_never_broken_inside_a_word(text, width, lines):
    from hgdx_eval.report.charts.axes import wrapped

    assert wrapped(text, width) == lines
