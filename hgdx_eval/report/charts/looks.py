"""The estimate at every look, with the interval that holds however often one looks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.origin import Origin
from ...base.periods import period_of, written_all
from ...base.telling import check_name
from ...study.vocabulary import SCALES
from ...study.words import Words
from ..blocks import csv_text
from ..figure import INK, MUTED, TREATED, Figure, canvas, drawn, source_line
from .axes import simulated_note, tag, time_axis, value_axis
from .intervals import LINE, lines_of
from .specification_curve import REACH, signed_axis


def plot_peeking(history: pd.DataFrame, words: Words, origin: Origin, scale: str) -> Figure:
    """How the estimate moved as periods were added, with the usual interval and the one that holds however often one looks.

    `history`: what `history` gives: period, estimate, ci_low, ci_high (usual), seq_low, seq_high (anytime-valid), in `scale` (pp or level);
    `origin`: of the data. Title, about the last period: since when every sequential interval leaves out 0; or that only the usual one does;
    or that the sequential one once did; or neither.
    Returns a Figure. Raises InputError for an unknown scale.
    """
    check_name("scale", scale, sorted(SCALES))
    periods = [period if isinstance(period, pd.Period) else period_of(period) for period in history["period"]]
    table = history.assign(period=periods, time=[period.ordinal for period in periods]).sort_values("time", ignore_index=True)
    title = finding_of_peeking(table, words)
    first, last = table.iloc[0], table.iloc[-1]
    span = [words.period(row["period"], short=True) for row in (first, last)]
    alt = words("robustness.peeking_alt", first=span[0], last=span[1], title=title,
                start=words.effect(first["estimate"], scale), value=words.effect(last["estimate"], scale),
                interval=words.effect_interval(last["seq_low"], last["seq_high"], scale),
                simulated=simulated_note(origin, words))  # fmt: skip
    narrow, wide = drawn("peeking", lambda width, small: draw_peeking(table, scale, words, width, small), alt)
    low, high = reach_of_history(table)
    cut = bool((table["seq_low"] < low).any() or (table["seq_high"] > high).any())
    note = words("robustness.peeking_note") + (" " + words("robustness.curve_cut") if cut else "")
    data = table.assign(period=written_all(table["period"]))[["period", "estimate", "ci_low", "ci_high", "seq_low", "seq_high"]]
    return Figure("peeking", title, words(f"robustness.peeking_subtitle_{'pp' if scale == 'pp' else 'level'}"), narrow, wide, (),
                  source_line(origin, "", words, note), alt, csv_text(data, words), tag(origin, words),
                  words("charts.download"))  # fmt: skip


def finding_of_peeking(table: pd.DataFrame, words: Words) -> str:
    usual = ((table["ci_low"] > 0) | (table["ci_high"] < 0)).to_numpy()
    sequential = ((table["seq_low"] > 0) | (table["seq_high"] < 0)).to_numpy()
    last = words.period(table["period"].iloc[-1])
    if sequential[-1]:
        held = np.flatnonzero(~sequential)
        since = table["period"].iloc[held[-1] + 1 if len(held) else 0]
        return words("robustness.peeking_since", period=words.period(since))
    key = "lost" if sequential.any() else "only_usual" if usual[-1] else "neither"
    return words(f"robustness.peeking_{key}", period=last)


def draw_peeking(table: pd.DataFrame, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 250 if small else 290, 38 if small else 46, 96 if small else 138, 14, 26)
    x = table["time"].to_numpy()
    times = np.arange(x[0], x[-1] + 1)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    axes.set_ylim(*reach_of_history(table))
    lines = as_looked(table)[["estimate", "ci_low", "ci_high", "seq_low", "seq_high"]]
    axes.fill_between(lines.index, lines["seq_low"], lines["seq_high"], color=TREATED, alpha=0.13, lw=0, zorder=1)
    axes.fill_between(lines.index, lines["ci_low"], lines["ci_high"], color=TREATED, alpha=0.28, lw=0, zorder=2)
    axes.plot(lines.index, lines["estimate"], color=TREATED, lw=2.5, zorder=4)
    axes.axhline(0, color=INK, lw=1.1, zorder=3)
    last = table.iloc[-1]
    axes.plot(last["time"], last["estimate"], marker="o", ms=6.5, color=TREATED, zorder=5, clip_on=False)
    right_labels(axes, last, scale, words, small)
    time_axis(axes, times, table["period"].iloc[0].freqstr[0], words, small)
    value_axis(axes, "level", words)
    signed_axis(axes, words)
    return figure


def as_looked(table: pd.DataFrame) -> pd.DataFrame:
    """Looks by `time`, as far apart as the nearest two; a look that could not be made is a row without numbers."""
    time = np.sort(table["time"].to_numpy())
    apart = int(np.diff(time).min()) if len(time) > 1 else 1
    return table.set_index("time").reindex(np.arange(time[0], time[-1] + 1, apart))


def reach_of_history(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: 0, the estimates and the last intervals; earlier intervals as far as `REACH` spans beyond."""
    columns = ["ci_low", "ci_high", "seq_low", "seq_high"]
    points = np.array([0.0, *table["estimate"], *table[columns].iloc[-1]])
    low, high = np.nanmin(points), np.nanmax(points)
    further, whole = REACH * (high - low), table[columns].to_numpy()
    low, high = max(np.nanmin([low, np.nanmin(whole)]), low - further), min(np.nanmax([high, np.nanmax(whole)]), high + further)
    pad = (high - low) * 0.05 or 1.0
    return float(low - pad), float(high + pad)


def right_labels(axes: Axes, last: pd.Series, scale: str, words: Words, small: bool) -> None:
    """The last estimate, and the names of the two bands beside their upper ends, pushed apart."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_position().height * axes.figure.get_size_inches()[1] * 72)
    room = 88 if small else 130
    wanted = [(last["seq_high"], lines_of(words("robustness.peeking_sequential"), room, False), {"color": MUTED}),
              (last["ci_high"], lines_of(words("robustness.peeking_usual"), room, False), {"color": INK}),
              (last["estimate"], [words.effect(last["estimate"], scale)], {"color": TREATED, "weight": "bold"})]  # fmt: skip
    top = high
    for value, lines, style in wanted:
        top = min(top, value + LINE / 2 * len(lines) * unit)
        for text in lines:
            axes.annotate(text, (axes.get_xlim()[1], top), xytext=(7, -11), textcoords="offset points", annotation_clip=False, fontsize=11,
                          va="baseline", **style)  # fmt: skip
            top -= LINE * unit
        top -= 3 * unit
