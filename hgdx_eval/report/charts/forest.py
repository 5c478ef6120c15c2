"""Many studies and their pooled answer under each other."""

import numpy as np
import pandas as pd

from ...evaluation.pooled import Pooled
from ...evaluation.sites import Site
from ...study.words import Words
from ..blocks import csv_text
from ..figure import Figure, drawn
from .intervals import Row, draw_rows, reach_of


def plot_forest(found: Pooled, words: Words) -> Figure | None:
    """Each study that counts, by the policy's start and name (never by size: chance alone makes a ranking of places), then the mean effect
    and what a new place may expect. `found`: what `pool` gives.

    Title: whether the interval of the mean leaves out 0. Returns a Figure; None where no study counts.
    """
    if found.answer is None:
        return None
    rows = rows_of(found, words)
    title = words(f"pooled.forest_{finding(found)}")
    alt = words("pooled.forest_alt", title=title, n=words.number(len(found.counted)), answer=told(found, words))
    alt += f" {words('charts.simulated')}." if found.simulated else ""
    narrow, wide = drawn("forest", lambda width, small: draw_rows(rows, None, words, width, small), alt)
    low, high = reach_of(rows, None)
    notes = [words("pooled.forest_order"), words("pooled.forest_source")] + [words("charts.methods_cut")] * any(
        row.low < low or row.high > high for row in rows
    )
    return Figure("forest", title, words(f"pooled.forest_subtitle_{'pp' if found.scale == 'pp' else 'level'}"), narrow, wide, (),
                  " ".join(notes), alt, csv_text(data_of(found, words), words), words("charts.simulated") if found.simulated else "",
                  words("charts.download"))  # fmt: skip


def finding(found: Pooled) -> str:
    """above or below, where the interval of the mean leaves out 0; else unclear. One study is no pool."""
    one = found.answer
    assert one is not None
    if one.k == 1:
        return "single"
    return "above" if one.low > 0 else "below" if one.high < 0 else "unclear"


def rows_of(found: Pooled, words: Words) -> list[Row]:
    one, scale = found.answer, found.scale
    assert one is not None
    rows = [Row(name_of(site, words), value(site.estimate, site.ci_low, site.ci_high, scale, words), site.estimate, site.ci_low,
                site.ci_high, "plain") for site in found.counted]  # fmt: skip
    if one.k > 1:
        text = value(one.estimate, one.low, one.high, scale, words)
        rows.append(Row(words("pooled.mean"), text, one.estimate, one.low, one.high, "main"))
    if np.isfinite(one.new_low):
        text = words.effect_interval(one.new_low, one.new_high, scale)
        rows.append(Row(words("pooled.new_place"), text, one.estimate, one.new_low, one.new_high, "change"))
    return rows


def data_of(found: Pooled, words: Words) -> pd.DataFrame:
    """What is drawn: one row per study that counts, then the mean and a new place."""
    return pd.DataFrame([{"study": row.label, "estimate": row.estimate, "ci_low": row.low, "ci_high": row.high}
                         for row in rows_of(found, words)])  # fmt: skip


def name_of(site: Site, words: Words) -> str:
    return site.titles.get(words.lang) or site.study


def value(estimate: float, low: float, high: float, scale: str, words: Words) -> str:
    """+4,2 [3,5; 4,9]"""
    return f"{words.effect(estimate, scale)} {words.effect_interval(low, high, scale)}"


def told(found: Pooled, words: Words) -> str:
    one = found.answer
    assert one is not None
    return value(one.estimate, one.low, one.high, found.scale, words)
