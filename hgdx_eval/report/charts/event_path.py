"""The effect period by period, before and after."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...estimation.results import Estimate
from ...study.words import Words
from ..blocks import csv_text
from ..figure import ACCENT, GROUND, INK, TREATED, Figure, canvas, drawn, source_line
from .axes import estimate_size, simulated_note, tag, value_axis

MOST_POINTS = 150  # event times up to this number have a dot each
MOST_TICKS = {False: 12, True: 7}
STEPS = {"D": (1, 7, 28, 91, 182, 364), "W": (1, 4, 13, 26, 52)}


def plot_event(estimate: Estimate, words: Words) -> Figure | None:
    """The difference by event time with its 95% band. `estimate`: of any method.

    Title: about the periods after the policy, "above" ("below") where more than half of their intervals lie above (below) 0, else "around";
    preceded by whether before it at most one interval in ten (rounded up) misses 0; of a path without intervals neither.
    Returns a Figure; None of a method that has no path over time.
    """
    rows = estimate.rows("event").sort_values("event_time", ignore_index=True)
    if rows.empty:
        return None
    before, after = rows[rows["event_time"] < -1], rows[rows["event_time"] >= 0]
    told = bool(rows["ci_low"].notna().any())
    missed = ((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum()
    flat = "flat" if missed <= int(np.ceil(len(before) / 10)) else "uneven"
    side = "above" if (after["ci_low"] > 0).mean() > 0.5 else "below" if (after["ci_high"] < 0).mean() > 0.5 else "around"
    scale = rows["scale"].iloc[0]
    title = words(f"charts.event_{flat}_{side}" if told else "charts.event_plain")
    alt = words("charts.event_alt", title=title, before=words.effect(before["estimate"].mean(), scale),
                after=words.effect(after["estimate"].mean(), scale), simulated=simulated_note(estimate.origin, words))  # fmt: skip
    narrow, wide = drawn("event", lambda width, small: draw_event(rows, estimate, words, width, small), alt)
    note = words("charts.reference" if told else "charts.reference_bare") + (" " + words("charts.thin") if estimate.thin else "")
    data = csv_text(rows[["event_time", "estimate", "ci_low", "ci_high"]], words)
    return Figure("event", title, words(f"charts.event_subtitle_{'pp' if scale == 'pp' else 'level'}"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, note), alt, data, tag(estimate.origin, words),
                  words("charts.download"))  # fmt: skip


def draw_event(rows: pd.DataFrame, estimate: Estimate, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 250 if small else 300, 34 if small else 44, 12, 24, 42)
    x, y = rows["event_time"].to_numpy(), rows["estimate"].to_numpy()
    thin = np.isin(x, estimate.thin)
    if rows["ci_low"].isna().all():
        axes.plot(x, y, color=TREATED, lw=1.6)
    elif len(rows) > 8:
        axes.fill_between(x, rows["ci_low"].fillna(0), rows["ci_high"].fillna(0), color=TREATED, alpha=0.18, lw=0)
        axes.plot(x, y, color=TREATED, lw=1.6)
    else:
        axes.vlines(x, rows["ci_low"], rows["ci_high"], color=TREATED, lw=1.6)
    if len(rows) <= MOST_POINTS:
        axes.plot(x[~thin & (x != -1)], y[~thin & (x != -1)], ls="none", marker="o", ms=4.5, color=TREATED)
    axes.plot(x[thin], y[thin], ls="none", marker="o", ms=4.5, mfc=GROUND, mec=TREATED, mew=1.2, alpha=0.7)
    axes.plot(x[x == -1], y[x == -1], ls="none", marker="s", ms=6, color=INK)
    axes.axhline(0, color=INK, lw=1.1, zorder=1)
    axes.set_xlim(x.min() - 0.7, x.max() + 0.7)
    axes.axvline(-0.5, color=ACCENT, lw=1.8, zorder=1)
    axes.annotate(words("study.policy_label"), (-0.5, 1), xycoords=("data", "axes fraction"), xytext=(5, 8),
                  textcoords="offset points", color=ACCENT, weight="bold", annotation_clip=False)  # fmt: skip
    axes.set_xlabel(words(f"charts.event_axis_{estimate.frequency}"))
    step = step_of(estimate.frequency, len(rows), small)
    ticks = [t for t in range(int(x.min()), int(x.max()) + 1) if t % step == 0]
    axes.set_xticks(ticks, [words.number(t, 0, sign=True) for t in ticks])
    value_axis(axes, "level", words)
    return figure


def step_of(frequency: str, number: int, small: bool) -> int:
    """Periods from tick to tick: of days and weeks the fewest that are whole weeks, months or years and leave room for the numbers."""
    if frequency not in STEPS:
        return 12 if number > 24 else 6 if number > 12 else 1
    return next((step for step in STEPS[frequency] if number / step <= MOST_TICKS[small]), STEPS[frequency][-1])
