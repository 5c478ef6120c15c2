"""Charts of methods, groups and a synthetic series: titles by their rules, the numbers drawn, nothing cut or covered."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from made_up import ORIGIN

from hgdx_eval.estimation.results import Estimate, result_table
from hgdx_eval.report.charts.effects_by_group import group_table, plot_groups
from hgdx_eval.report.charts.intervals import Row, lines_of, phone_places, reach_of
from hgdx_eval.report.charts.methods import method_rows, plot_methods
from hgdx_eval.report.charts.synthetic import plot_synthetic
from hgdx_eval.report.figure import ELEMENTS
from hgdx_eval.report.page import sanitised
from hgdx_eval.study.words import Words
from params import params_folder

MAIN = "two_way_fixed_effects"
SPAN = (pd.Period("2022-01", "M"), pd.Period("2025-06", "M"))
ENGLISH = re.compile(r"\b(the|of|estimate|confidence|method|methods|group|groups|rank|overall|synthetic|interval|mean)\b")


def words(lang="vi"):
    path = params_folder() / "words" / "nq04_2023.yaml"
    return Words(lang, tuple(yaml.safe_load(path.read_text(encoding="utf-8"))[lang].items()), "vietnam")


def found(name, value, low=np.nan, high=np.nan, **row):
    common = {"term": "overall", "inference": "cluster", "scale": "pp", "n_obs": 412806}
    numbers = {"estimate": value, "ci_low": low, "ci_high": high}
    return Estimate(result_table([{**common, **row, **numbers}], estimator=name), ORIGIN, "M", span=SPAN, dossiers=True)


def refused(name):
    row = {"term": "overall", "status": "refused", "reason": "staggered"}
    return Estimate(result_table([row], estimator=name, scale="pp"), ORIGIN, "M")


def eleven():
    return [
        found(MAIN, 4.2, 3.7, 4.8), found("interrupted_time_series", 9.8, 6.9, 12.7, term="change", inference="hac"),
        found("callaway_santanna", 3.9, 2.8, 5.0), found("sun_abraham", 4.0, 3.1, 4.9), found("imputation", 4.4, 3.2, 5.6),
        found("triple_difference", 3.1, -0.4, 6.6), found("synthetic_control", 5.1, inference="placebo", parameter="3/40"),
        found("augmented_synthetic_control", 4.6, inference="none"), found("synthetic_did", 3.6, 0.3, 6.9),
        found("structural_time_series", -0.4, -3.5, 2.9, inference="model"), found("grouped_logit", 4.3, 3.9, 4.7),
    ]  # fmt: skip


def groups(values, pooled=True, overall=4.0):
    rows = [{"term": "group", "group": "", "parameter": "pooled", "estimate": overall}]
    for name, (value, reach) in values.items():
        row = {"term": "group", "group": f"cluster={name}", "n_obs": 500}
        rows.append({**row, "parameter": "raw", "estimate": value, "ci_low": value - 2 * reach, "ci_high": value + 2 * reach})
        if pooled:
            drawn_in = 0.7 * value + 0.3 * overall
            rows.append({**row, "parameter": "pooled", "estimate": drawn_in, "ci_low": drawn_in - reach, "ci_high": drawn_in + reach})
    return result_table(rows, estimator=MAIN, scale="pp", inference="cluster")


def synthetic(effect, notes=(), seed=1):
    rng = np.random.default_rng(seed)
    time = np.arange(SPAN[0].ordinal, SPAN[1].ordinal + 1)
    line = 0.3 + 0.005 * np.arange(42) + rng.normal(0, 0.01, 42)
    treated = line + rng.normal(0, 0.01, 42) + effect * (np.arange(42) >= 19)
    table = pd.DataFrame({"time": time, "period": pd.PeriodIndex.from_ordinals(time, freq="M"), "treated": treated, "synthetic": line})
    rows = [{"term": "overall", "estimate": 100 * effect, "n_obs": 412806}]
    rows += [{"term": "event", "event_time": k - 19, "estimate": 0} for k in range(42)]
    one = Estimate(result_table(rows, estimator="synthetic_control", scale="pp"), ORIGIN, "M", span=SPAN, dossiers=True, notes=notes)
    return one, table


def all_figures(lang="vi"):
    said = words(lang)
    return [plot_methods(eleven(), MAIN, said), plot_groups(groups({"Vị Thanh": (6, 0.3), "Ngã Bảy": (3, 2)}), said, ORIGIN, "huyện"),
            plot_synthetic(*synthetic(0.05), said)]  # fmt: skip


def data(figure):
    sep, decimal = (";", ",") if figure.download.startswith("Tải") else (",", ".")  # as the spreadsheets of a language read it
    return pd.read_csv(io.StringIO(figure.csv), sep=sep, decimal=decimal)


# --- what every chart keeps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_svg_is_clean_and_survives_the_sanitiser_and_all_is_signed_and_marked(lang):
    tag = words(lang)("charts.simulated")
    for figure in all_figures(lang):
        for svg in (figure.narrow, figure.wide):
            assert set(re.findall(r"<(\w+)", svg)) <= ELEMENTS and "style=" not in svg and len(svg) < 40_000
        kept = str(sanitised(figure._repr_html_()))
        assert kept.count("<svg") == 2 and tag in kept and tag in figure.alt and ORIGIN.file in figure.source
        assert 40 < len(figure.alt) <= 320 and figure.title in figure.alt


def test_no_english_in_the_vietnamese_charts():
    for figure in all_figures():
        drawn = re.findall(r">([^<>]+)<", figure.wide)
        texts = " ".join([figure.title, figure.subtitle, figure.alt, figure.source.replace(ORIGIN.file, ""), *drawn])
        assert not ENGLISH.search(texts.lower()), figure.name


def test_two_charts_of_one_kind_share_no_id_and_the_same_chart_is_the_same_bytes():
    pairs = [
        [plot_methods(some, MAIN, words()) for some in (eleven(), eleven()[:3])],
        [plot_groups(groups({"a": (1, reach), "b": (2, 1)}), words(), ORIGIN, "x") for reach in (1, 2)],
        [plot_synthetic(*synthetic(effect), words()) for effect in (0.05, 0.02)],
    ]
    for pair in pairs:
        ids = [i for figure in pair for svg in (figure.narrow, figure.wide) for i in re.findall(r'\bid="([^"]+)"', svg)]
        assert ids and len(ids) == len(set(ids))
    assert all_figures() == all_figures()


# --- methods -------------------------------------------------------------------------------------------------------


def test_the_title_counts_signs_and_estimates_inside_the_main_interval():
    figure = plot_methods(eleven(), MAIN, words())
    assert figure.title.startswith("8 trong 9 cách tính khác cho kết quả cùng dấu; 5 nằm trong")
    assert "+4,2 [3,7; 4,8]" in figure.alt and "−0,4" in figure.alt and "+5,1" in figure.alt
    inside = [found(MAIN, 4.2, 3.7, 4.8), found("imputation", 4.0, 1, 7), found("sun_abraham", 4.4, 1, 7)]
    assert plot_methods(inside, MAIN, words()).title.startswith("Cả 2 cách tính khác đều cho kết quả cùng dấu và nằm trong")
    further = plot_methods([*inside, found("synthetic_did", 9, 8, 10)], MAIN, words()).title
    assert further.startswith("Cả 3") and "; 2 nằm" in further
    ranked = [found(MAIN, 4.2, inference="placebo", parameter="1/20"), *inside[1:]]
    assert "nằm trong" not in plot_methods(ranked, MAIN, words()).title
    assert "trái dấu" in plot_methods([inside[0], found("imputation", -4)], MAIN, words()).title
    assert "+4,2" in plot_methods([inside[0], refused("imputation")], MAIN, words()).title
    assert "1 trong 1" in plot_methods([refused(MAIN), inside[1]], MAIN, words()).title


def test_a_mere_change_is_marked_stands_last_and_is_not_counted():
    figure = plot_methods(eleven(), MAIN, words())
    assert list(data(figure)["estimator"])[-1] == "interrupted_time_series" and list(data(figure)["estimator"])[0] == MAIN
    assert "chỉ là mức đổi tại mốc" in figure.wide and "chỉ là mức đổi tại mốc" in figure.narrow and "◇" in figure.source
    assert "-comparison" in figure.wide and "-comparison" not in plot_methods(eleven()[:1], MAIN, words()).wide
    alone = plot_methods([eleven()[1], found("structural_time_series", 3, 1, 5)], "interrupted_time_series", words())
    assert "cùng dấu" in alone.title and "không được kể" not in alone.source


def test_refused_methods_and_other_scales_are_not_drawn():
    figure = plot_methods([*eleven()[:3], refused("imputation"), found("grouped_logit", 0.2, 0.1, 0.3, scale="log")], MAIN, words())
    assert set(data(figure)["estimator"]) == {MAIN, "interrupted_time_series", "callaway_santanna"}


def test_an_interval_from_too_few_clusters_is_not_drawn_and_a_rank_is_told():
    table = result_table([{"term": "overall", "estimate": 4.2, "ci_low": 4, "ci_high": 4.4, "inference": "cluster", "n_treated_clusters": 1},
                          {"term": "overall", "estimate": 4.2, "inference": "placebo", "parameter": "3/40"}],
                         estimator=MAIN, scale="pp")  # fmt: skip
    figure = plot_methods([Estimate(table, ORIGIN, "M")], MAIN, words())
    assert data(figure)["ci_low"].isna().all() and "+4,2 (2/39 lớn hơn)" in figure.wide and "○" in figure.source
    few = method_rows([found(MAIN, 4.2, 4, 4.4, n_treated_clusters=4)], MAIN)
    assert few["ci_low"].isna().all() and method_rows([found(MAIN, 4.2, 4, 4.4, n_treated_clusters=5)], MAIN)["ci_low"].notna().all()


def test_the_download_has_the_numbers_drawn():
    shown = data(plot_methods(eleven(), MAIN, words())).set_index("estimator")
    assert shown.loc["grouped_logit", ["estimate", "ci_low", "ci_high"]].tolist() == [4.3, 3.9, 4.7]
    assert len(shown) == 11


def test_a_huge_interval_is_cut_and_said_while_the_others_stay_readable():
    wild = [found(MAIN, 4.2, 3.7, 4.8), found("imputation", 4, 3, 5), found("sun_abraham", 4, -3500, 4000)]
    figure = plot_methods(wild, MAIN, words())
    assert "ngoài khung" in figure.source and "[−3.500,0; 4.000,0]" in figure.wide
    low, high = reach_of([Row("a", "", 4.2, 3.7, 4.8, "main"), Row("b", "", 4, -3500, 4000, "plain"), Row("c", "", 4, 3, 5, "plain")], None)
    assert -10 < low < 0 and 4.8 < high < 20
    assert "ngoài khung" not in plot_methods(eleven(), MAIN, words()).source


def test_long_names_are_wrapped_and_the_value_then_stands_under_them():
    names = ("Theo đợt áp dụng và kỳ (Callaway – Sant’Anna)", "Vị Thanh")
    long, short = phone_places([Row(name, "+4,2 [3,7; 4,8]", 4.2, 3.7, 4.8, "group") for name in names], 340)
    assert long.value > long.texts[-1][1] and short.value == short.texts[-1][1] and short.top == long.bottom
    name = "Ban Quản lý các khu công nghiệp, khu kinh tế và khu nông nghiệp ứng dụng công nghệ cao"
    assert " ".join(lines_of(name, 240, False)) == name and len(lines_of(name, 240, False)) == 3


# --- groups --------------------------------------------------------------------------------------------------------


def test_groups_stand_by_pooled_effect_and_the_title_names_the_one_that_stands_out():
    values = {"A": (2.0, 1.0), "B": (9.0, 0.5), "C": (4.0, 1.0), "D": (-3.0, 0.2)}
    figure = plot_groups(groups(values), words(), ORIGIN, "lĩnh vực")
    assert list(data(figure)["label"]) == ["B", "C", "A", "D"]
    assert figure.title == "Theo lĩnh vực: B cao hơn mức chung rõ nhất (+7,5)" and "Mức chung +4,0" in figure.wide
    assert "thấp hơn" in plot_groups(groups({"A": (4, 1), "D": (-3, 0.2)}), words(), ORIGIN, "lĩnh vực").title
    assert "chưa thấy khác biệt rõ" in plot_groups(groups({"A": (4, 1), "D": (5, 2)}), words(), ORIGIN, "lĩnh vực").title


def test_without_pooling_the_groups_own_effects_are_drawn_full():
    figure = plot_groups(groups({"A": (4, 1), "B": (9, 0.5)}, pooled=False), words(), ORIGIN, "mức phí")
    assert "gộp" not in figure.source and "B cao hơn" in figure.title and data(figure)["low"].notna().all()
    bare = groups({"A": (4, 1), "B": (9, 0.5)}, pooled=False)
    assert "Bình quân các nhóm +6,5" in plot_groups(bare[bare["group"] != ""], words(), ORIGIN, "mức phí").wide


def test_a_group_without_interval_keeps_its_row_and_is_told_apart():
    rows = groups({"A": (4, 1), "B": (5, 1)})
    rows = rows[~((rows["group"] == "cluster=B") & (rows["parameter"] == "pooled"))]
    table = group_table(rows)
    assert table.set_index("label")["low"].isna().to_dict() == {"A": False, "B": True}
    assert "+5,0 (tính riêng)" in plot_groups(rows, words(), ORIGIN, "huyện").wide


def test_hostile_labels_are_text():
    figure = plot_groups(groups({"<script>x</script>": (4, 1), "$a_b$ & c": (9, 1)}), words(), ORIGIN, "huyện")
    assert "<script" not in figure._repr_html_() and "$a_b$ &amp; c" in figure.wide


# --- treated against synthetic -------------------------------------------------------------------------------------


def test_the_title_says_how_far_the_treated_series_stands_from_its_synthetic_one():
    assert re.search(r"Từ 8/2023, .* cao hơn mức tổng hợp bình quân \d,\d điểm phần trăm", plot_synthetic(*synthetic(0.05), words()).title)
    assert "thấp hơn" in plot_synthetic(*synthetic(-0.05), words()).title
    assert "không tách rõ" in plot_synthetic(*synthetic(0.0), words()).title
    assert "chưa khớp" in plot_synthetic(*synthetic(0.05, notes=("poor_fit",)), words()).title


def test_the_series_drawn_are_the_series_downloaded():
    one, table = synthetic(0.05)
    figure = plot_synthetic(one, table, words())
    shown = data(figure)
    assert np.allclose(shown["treated"], 100 * table["treated"], atol=1e-4) and shown["period"].iloc[0] == "2022-01"
    assert plot_synthetic(one, table, words(), start=pd.Period("2023-08", "M")) == figure
