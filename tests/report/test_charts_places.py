"""Small multiples: what is drawn is what was counted, sorted, signed, and never a small count."""

import io
import re
from dataclasses import replace

import pandas as pd
import pytest
from made_up import design_of, made_up_table
from test_charts import demo_words

from hgdx_eval.release.release import MOST
from hgdx_eval.report.charts.places import cluster_series, moves, plot_places


def design(clusters=6, **changes):
    return replace(design_of(made_up_table(1, periods=24, clusters=clusters), blocks=True), **changes)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_each_place_has_a_panel_with_its_own_number_sorted(lang):
    chosen, words = design(), demo_words(lang)
    figure, moved = plot_places(chosen, words), moves(chosen, cluster_series(chosen, 5))
    assert list(moved) == sorted(moved, reverse=True) and len(moved) == 6
    for svg in (figure.narrow, figure.wide):
        texts = re.findall(r">([^<>]+)</text>", svg)
        assert [t for t in texts if t in set(moved.index)] == list(moved.index)
        assert [t for t in texts if re.fullmatch(r"[+−]\d+[.,]\d", t)] == [words.effect(value, "pp") for value in moved]
    assert words.number((moved > 0).sum()) in figure.title and words.effect(moved.iloc[0], "pp") in figure.alt
    assert 40 < len(figure.alt) <= 320


def test_the_number_of_a_panel_is_the_mean_gap_after_less_before():
    chosen = design()
    table = chosen.table[chosen.table["cluster"] == "c2"].assign(side=lambda t: t["treated_from"].notna())
    sums = table.groupby(["side", "time"])[["denominator", "numerator"]].sum()
    share = 100 * sums["numerator"] / sums["denominator"]
    gap = share[True] - share[False]
    late = gap.index >= chosen.start.ordinal
    assert moves(chosen, cluster_series(chosen, 5))["c2"] == pytest.approx(gap[late].mean() - gap[~late].mean())


def test_small_counts_are_in_neither_picture_nor_download():
    chosen = design()
    table = chosen.table
    few = (table["cluster"] == "c1") & (table["time"] == table["time"].min())
    chosen = replace(
        chosen, table=table.assign(denominator=table["denominator"].mask(few, 1.0), numerator=table["numerator"].mask(few, 0.0))
    )
    data = pd.read_csv(io.StringIO(plot_places(chosen, demo_words(), 60).csv), sep=";", decimal=",")
    first = str(table["period"].min())
    assert data[(data["cluster"] == "c1") & (data["period"] == first)][["treated", "comparison"]].isna().all(axis=None)
    assert data[(data["cluster"] == "c2") & (data["period"] == first)][["treated", "comparison"]].notna().all(axis=None)


def test_only_the_largest_places_are_drawn_and_one_alone_is_no_chart():
    assert len(moves(design(12), cluster_series(design(12), 5))) == MOST
    assert plot_places(design(1), demo_words()) is None
    assert plot_places(replace(design(), scale="level"), demo_words()) is None
    tiny = design()
    tiny = replace(tiny, table=tiny.table.assign(denominator=5.0, numerator=2.0))
    assert plot_places(tiny, demo_words()) is None


def test_hostile_and_long_names_are_text_and_fit():
    chosen = design()
    names = {"c0": "<script>alert(1)</script>", "c1": "Ban Quản lý các khu công nghiệp tỉnh Hậu Giang"}
    chosen = replace(chosen, table=chosen.table.assign(cluster=chosen.table["cluster"].replace(names)))
    figure = plot_places(chosen, demo_words())
    assert "<script" not in figure._repr_html_()
    assert re.search(r">Ban Quản lý [^<]{1,10}…</text>", figure.narrow) and "tỉnh Hậu Giang</text>" not in figure.narrow
