"""Since when each place has data."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...design.design import Design
from ...study.words import Words
from ..blocks import csv_text
from ..figure import ACCENT, COMPARISON, MUTED, TREATED, Figure, canvas, drawn, source_line
from .axes import sample_text, simulated_note, tag, time_axis


def plot_coverage(design: Design, words: Words) -> Figure:
    """Since when each cluster has data. Title: how many clusters are whole, and how many have gaps. Returns a Figure."""
    table = design.table
    seen = table.groupby(["cluster", "time"]).size().unstack()
    times = np.arange(table["time"].min(), table["time"].max() + 1)
    seen = seen.reindex(columns=times).notna()
    whole = int(seen.all(axis=1).sum())
    touched = set(design.clusters(True))
    order = sorted(seen.index, key=lambda name: (name not in touched, -int(seen.loc[name].sum()), name))
    said = {"whole": words.number(whole), "number": words.number(len(seen))}
    title = words("charts.coverage_whole" if whole == len(seen) else "charts.coverage_gaps", **said)
    alt = words("charts.coverage_alt", **said, simulated=simulated_note(design.origin, words))
    narrow, wide = drawn("coverage", lambda w, s: draw_coverage(seen.loc[order], touched, design, words, w, s), alt)
    data = csv_text(seen.loc[order].sum(axis=1).rename("periods").reset_index(), words)
    return Figure("coverage", title, words("charts.coverage_subtitle"), narrow, wide, (),
                  source_line(design.origin, sample_text(design, words), words), alt, data, tag(design.origin, words),
                  words("charts.download"))  # fmt: skip


def draw_coverage(seen: pd.DataFrame, touched: set, design: Design, words: Words, width: int, small: bool) -> MplFigure:
    row = 15 if len(seen) <= 40 else 12
    left, limit = (138, 22) if small else (236, 40)
    figure, axes = canvas(width, row * len(seen) + 52, left, 10, 22, 28)
    times = seen.columns.to_numpy()
    xs: dict[bool, list] = {True: [], False: []}
    ys: dict[bool, list] = {True: [], False: []}
    for i, name in enumerate(seen.index):
        side = name in touched
        for t in times[seen.loc[name].to_numpy()]:
            xs[side] += [t - 0.42, t + 0.42, np.nan]
            ys[side] += [i, i, np.nan]
    for side, colour in ((True, TREATED), (False, COMPARISON)):
        axes.plot(xs[side], ys[side], color=colour, lw=5 if row == 15 else 4, solid_capstyle="butt")
    axes.axvline(design.start.ordinal - 0.5, color=ACCENT, lw=1.8)
    axes.annotate(words("study.policy_label"), (design.start.ordinal - 0.5, 1), xycoords=("data", "axes fraction"),
                  xytext=(0, 6), textcoords="offset points", ha="center", color=ACCENT, weight="bold", annotation_clip=False)  # fmt: skip
    names = [name if len(name) <= limit else name[: limit - 1].rstrip() + "…" for name in map(str, seen.index)]
    axes.set_yticks(range(len(seen)), names, color=MUTED, fontsize=11 if row == 15 else 10.5)
    axes.set_ylim(len(seen) - 0.4, -0.6)
    axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
    axes.grid(False)
    time_axis(axes, times, design.frequency, words, small)
    return figure
