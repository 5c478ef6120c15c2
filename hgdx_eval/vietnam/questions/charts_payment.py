"""The two rates of online payment over time, with the target and the start of the cut."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...design.design import Design
from ...report.blocks import csv_text
from ...report.charts.axes import sample_text, simulated_note, tag, time_axis, value_axis, wrapped
from ...report.charts.groups import Mark, draw_marks, time_marks
from ...report.figure import EVENT, INK, TREATED, Figure, canvas, drawn, source_line
from ...study.words import Words
from .payment import RATES, YEAR, Payment, mean_rate

LINE = 13  # units between lines of a label
APART = 0.005  # rates nearer than this on average are drawn as one
LINES = {"official": (INK, (None, None), 1.9), "fixed": (TREATED, (5, 2), 2.2)}


def plot_payment(found: Payment, design: Design, words: Words) -> Figure | None:
    """Both rates of online payment by month (per cent); one line where they are the same. `found`: what `payment_of` gives.

    Title: by how many points each rate moved from the year before the start to the last twelve months.
    Returns a Figure; None without rates.
    """
    if found.reason or found.series[list(RATES)].dropna().empty:
        return None
    series, period = found.series, found.series["period"]
    one = bool((series["official"] - series["fixed"]).abs().max() < APART)
    before, recent = (period < design.start) & (period >= design.start - YEAR), period > period.max() - YEAR
    moves = {name: 100 * (mean_rate(found, name, recent) - mean_rate(found, name, before)) for name in RATES}
    said = {name: words.number(value, 1, sign=True) for name, value in moves.items()}
    title = words("payment.chart_one" if one else "payment.chart_two", **said)
    ends = {f"{name}_end": words.percent(series[name].dropna().iloc[-1]) for name in RATES}
    alt = words("payment.chart_alt", title=title, first=words.period(period.min(), True), last=words.period(period.max(), True), **ends)
    alt += simulated_note(design.origin, words)
    marks = [mark for mark in time_marks(design, words) if mark.policy]
    narrow, wide = drawn("payment", lambda width, small: draw(found, design, marks, one, words, width, small), alt)
    data = series.assign(period=period.astype(str))[["period", *RATES]]
    return Figure("payment", title, words("payment.chart_subtitle"), narrow, wide, tuple((m.text, m.policy) for m in marks),
                  source_line(design.origin, sample_text(design, words), words), alt, csv_text(data, words), tag(design.origin, words),
                  words("charts.download"))  # fmt: skip


def draw(found: Payment, design: Design, marks: list[Mark], one: bool, words: Words, width: int, small: bool) -> MplFigure:
    lanes = 30 if small else 17 * len(marks) + 22
    figure, axes = canvas(width, (220 if small else 260) + lanes, 34 if small else 44, 96 if small else 130, lanes + 6, 26)
    series = found.series
    times = series["period"].array.asi8
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    top = max(100 * series[list(RATES)].max().max(), 100 * (found.target or 0))
    axes.set_ylim(0, top * 1.08)
    draw_marks(axes, marks, small, lanes)
    if found.target is not None:
        axes.axhline(100 * found.target, color=EVENT, lw=1.1, zorder=1)
        axes.annotate(words("payment.chart_target", target=words.percent(found.target, 0)), (times[0], 100 * found.target), xytext=(2, 4),
                      textcoords="offset points", color=EVENT, fontsize=11, va="baseline")  # fmt: skip
    shown = RATES[:1] if one else RATES
    for name in shown:
        colour, dashes, thick = LINES[name]
        axes.plot(times, 100 * series[name], color=colour, lw=thick, dashes=dashes, zorder=4)
    labels(axes, {name: 100 * series[name].dropna().iloc[-1] for name in shown}, one, words, small)
    time_axis(axes, np.asarray(times), "M", words, small)
    value_axis(axes, "pp", words)
    return figure


def labels(axes: Axes, ends: dict[str, float], one: bool, words: Words, small: bool) -> None:
    """Value and name of each line at its end, pushed apart."""
    high = axes.get_ylim()[1]
    unit = high / (axes.get_position().height * axes.figure.get_size_inches()[1] * 72)
    names = {name: wrapped(words("payment.chart_both" if one else f"payment.chart_{name}"), 14 if small else 19) for name in ends}
    places, gap = pd.Series(ends).sort_values(), (LINE * (1 + max(map(len, names.values()))) + 4) * unit
    if len(places) == 2 and places.iloc[1] - places.iloc[0] < gap:
        middle = max(places.mean(), gap)
        places.iloc[0], places.iloc[1] = middle - gap / 2, middle + gap / 2
    for name, y in places.items():
        lines = [(words.number(ends[name], 1) + "%", "normal"), *((part, "bold") for part in names[name])]
        for i, (text, weight) in enumerate(lines):
            above = LINE * (len(lines) / 2 - 1 - i) + 3
            axes.annotate(text, (axes.get_xlim()[1], y), xytext=(7, above), textcoords="offset points", color=LINES[name][0], weight=weight,
                          fontsize=11.5, annotation_clip=False, va="baseline")  # fmt: skip
