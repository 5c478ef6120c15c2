"""The estimate among those of pretended policies, and without each cluster."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...estimation.results import Estimate, ratio_rank
from ...study.vocabulary import IN_PART
from ...study.words import Words
from ..blocks import csv_text
from ..figure import COMPARISON, GROUND, INK, TREATED, Figure, canvas, drawn, source_line
from ..ranks import ranked
from .axes import estimate_size, simulated_note, tag, tick_digits


def plot_placebos(estimate: Estimate, placebos: Estimate, words: Words) -> Figure:
    """Each comparison unit pretending to be treated, and the treated one among them. `estimate`: the main one; `placebos`: what `evaluate`
    gives as `placebo_space`. Title: how many of the others moved more; by the ratio of errors too where the method tells it.

    Returns a Figure.
    """
    values = placebos.table["estimate"].to_numpy()
    own = float(estimate.overall()["estimate"])
    scale = estimate.overall()["scale"]
    rank = 1 + int((np.abs(values) >= abs(own) * (1 - 1e-12)).sum())
    ratio = ratio_rank(estimate)
    told = ranked(rank, len(values) + 1, words)
    told = told if ratio is None else words("story.ranks_of", ranked=ranked(*ratio, words, "ratio"), more=words.number(rank - 1))
    said = {"ranked": told, "number": words.number(len(values) + 1), "value": words.effect(own, scale)}
    alt = words("charts.placebo_alt", **said, simulated=simulated_note(estimate.origin, words))
    label, title = words("charts.placebo_label", **said), words("charts.placebo_title", **said)
    narrow, wide = drawn("placebos", lambda w, s: draw_strip(values, own, label, COMPARISON, scale, words, w, s), alt)
    data = csv_text(placebos.table[["group", "estimate"]], words)
    return Figure("placebos", title, words("charts.placebo_subtitle"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, words("charts.placebo_note")), alt, data,
                  tag(estimate.origin, words), words("charts.download"))  # fmt: skip


def plot_leave_one_out(estimate: Estimate, left_out: Estimate, words: Words) -> Figure:
    """The main estimate without each cluster in turn, or without each of those that can move it most. `estimate`: the main one; `left_out`:
    the `leave_one_out` of what `evaluate` gives. Title: whether the sign ever changes.

    Returns a Figure.
    """
    table = left_out.table.sort_values("estimate", ignore_index=True)
    own, scale = float(estimate.overall()["estimate"]), estimate.overall()["scale"]
    low, high = table.iloc[0], table.iloc[-1]
    same = (np.sign(table["estimate"]) == np.sign(own)).all()
    said = {"low": words.effect(low["estimate"], scale), "high": words.effect(high["estimate"], scale),
            "low_name": low["group"], "high_name": high["group"], "number": words.number(len(table)),
            "value": words.effect(own, scale)}  # fmt: skip
    kept = "charts.left_out_same_part" if IN_PART in left_out.notes else "charts.left_out_same"
    title = words(kept if same else "charts.left_out_changes", **said)
    alt = words("charts.left_out_alt", **said, simulated=simulated_note(estimate.origin, words))
    label = words("charts.left_out_label", **said)
    narrow, wide = drawn("leave_one_out", lambda w, s: draw_strip(table["estimate"].to_numpy(), own, label, TREATED, scale,
                                                                  words, w, s), alt)  # fmt: skip
    data = csv_text(table[["group", "estimate", "ci_low", "ci_high"]], words)
    return Figure("leave_one_out", title, words("charts.left_out_subtitle"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, words("charts.left_out_note", **said)), alt, data,
                  tag(estimate.origin, words), words("charts.download"))  # fmt: skip


def draw_strip(values: np.ndarray, own: float, label: str, colour: str, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    """Dots on one axis, stacked where they meet; the main estimate filled, with its label."""
    reach = np.concatenate([values, [own, 0.0]])
    low, high = reach.min(), reach.max()
    pad = (high - low) * 0.06 or 1.0
    inner = width - 24
    bins = np.round((values - low + pad) / (high - low + 2 * pad) * inner / 9).astype(int)
    level = pd.Series(bins).groupby(bins).cumcount().to_numpy()
    tall = max(4, int(level.max()) + 1)
    figure, axes = canvas(width, 66 + 10 * tall, 12, 12, 34, 30)
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(-0.8, tall + 0.2)
    axes.axvline(0, color=INK, lw=1.1, zorder=1)
    axes.plot(values, level, ls="none", marker="o", ms=6.5, mfc=GROUND, mec=colour, mew=1.3, zorder=3)
    axes.plot([own, own], [-0.8, tall + 0.4], color=TREATED, lw=1.6, clip_on=False, zorder=2)
    axes.plot(own, -0.1, marker="o", ms=9, color=TREATED, zorder=4)
    share = (own - low + pad) / (high - low + 2 * pad)
    align = "left" if share < 0.3 else "right" if share > 0.7 else "center"
    axes.annotate(label, (own, tall + 0.4), xytext=(0, 6), textcoords="offset points", color=TREATED, weight="bold",
                  ha=align, annotation_clip=False)  # fmt: skip
    axes.grid(False)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4 if small else 7)
    ticks = [t for t in axes.get_xticks() if low - pad <= t <= high + pad]
    axes.set_xticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    return figure
