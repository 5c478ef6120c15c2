"""Small multiples: the two groups over time in each of the largest places that have both."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.periods import written_all, year_of
from ...design.design import Design
from ...release.release import places_drawn
from ...study.vocabulary import SIDES
from ...study.words import Words, capital
from ..blocks import csv_text
from ..figure import ACCENT, COMPARISON, INK, MUTED, TREATED, Figure, drawn, source_line
from .axes import opens_year, sample_text, simulated_note, tag
from .groups import start_text, told_series

LEAST = 6  # periods with both groups on each side of the date, for a panel
COLUMNS = {True: 2, False: 4}  # on a phone, on a desk
DOWN = 128  # units of a panel, with its title and axis
LETTER, KEY = 6.6, 44  # units that a letter takes, about, and the line before a name of the key


def plot_places(design: Design, words: Words, min_count: int = 5) -> Figure | None:
    """One panel per cluster that holds both groups, by how far the gap between them (percentage points) moved at the policy. Cells with
    fewer dossiers than `min_count` are left out.

    Title: in how many of the panels the gap moved up.
    Returns a Figure; None with fewer than two such clusters, or where the outcome is no share of dossiers.
    """
    series = cluster_series(design, min_count)
    order = moves(design, series)
    if len(order) < 2:
        return None
    series = series[series["cluster"].isin(order.index)]
    up = int((order > 0).sum())
    said = {"n": words.number(up), "number": words.number(len(order)), "start": start_text(design, words)}
    ends = {"first": order.index[0], "first_move": words.effect(order.iloc[0], "pp"), "last": order.index[-1],
            "last_move": words.effect(order.iloc[-1], "pp")}  # fmt: skip
    title = words("charts.places_up", **said)
    alt = words("charts.places_alt", title=title, **ends) + simulated_note(design.origin, words)
    narrow, wide = drawn("places", lambda width, small: draw(design, series, order, words, width, small), alt)
    table = series.pivot(index=["cluster", "period"], columns="side", values="y").rename(columns=SIDES)
    table = table.reset_index()
    data = csv_text(table.assign(period=written_all(table["period"])), words)
    source = source_line(design.origin, sample_text(design, words), words, words("charts.places_note"))
    return Figure("places", title, words("charts.places_subtitle"), narrow, wide, (), source, alt, data,
                  tag(design.origin, words), words("charts.download"))  # fmt: skip


def cluster_series(design: Design, min_count: int) -> pd.DataFrame:
    """cluster, side (True treated), time, period, y (per cent); small counts left out. Empty where nothing is counted."""
    table = design.table
    if design.scale != "pp" or table["denominator"].isna().any():
        return pd.DataFrame(columns=["cluster", "side", "time", "period", "y"])
    sided = table.assign(side=table["treated_from"].notna())
    sums = sided.groupby(["cluster", "side", "time"])[["denominator", "numerator"]].sum().reset_index()
    sums = sums[sums["denominator"] > 0].reset_index(drop=True)
    sums = sums[sums["cluster"].isin(places_drawn(design))].reset_index(drop=True)
    sums["period"] = pd.PeriodIndex.from_ordinals(sums["time"].astype(int), freq=design.frequency)
    sums["y"] = sums["numerator"] / sums["denominator"]
    sums = told_series(sums, design, "place", sums["cluster"], ["cluster", "side"], min_count)
    return sums.assign(y=100 * sums["y"])[["cluster", "side", "time", "period", "y"]]


def moves(design: Design, series: pd.DataFrame) -> pd.Series:
    """How far the gap (treated less comparison) moved at the policy, by cluster, largest first; no weights, every period alike."""
    if series.empty:
        return pd.Series(dtype=float)
    gap = series.pivot(index=["cluster", "time"], columns="side", values="y").reindex(columns=[True, False]).dropna()
    gap = (gap[True] - gap[False]).reset_index(name="gap")
    late = gap["time"] >= design.start.ordinal
    counts = gap.groupby(["cluster", late])["gap"].agg(["mean", "size"]).unstack().dropna()
    counts = counts[(counts["size"] >= LEAST).all(axis=1)] if counts["size"].shape[1] == 2 else counts.iloc[:0]
    return (counts[("mean", True)] - counts[("mean", False)]).sort_values(ascending=False) if len(counts) else pd.Series(dtype=float)


def draw(design: Design, series: pd.DataFrame, order: pd.Series, words: Words, width: int, small: bool) -> MplFigure:
    columns = COLUMNS[small]
    rows = -(-len(order) // columns)
    across, down = width / columns, DOWN
    names = {side: capital(words("study.treated" if side else "study.comparison")) for side in (True, False)}
    lines = 1 if 28 + sum(KEY + LETTER * len(name) for name in names.values()) <= width else 2
    head = 8 + 16 * lines
    height = rows * down + head
    figure = plt.figure(figsize=(width / 72, height / 72))
    low, high = np.floor(series["y"].min() / 20) * 20, np.ceil(series["y"].max() / 20) * 20
    for number, cluster in enumerate(order.index):
        row, column = divmod(number, columns)
        left, bottom = column * across + 28, height - head - (row + 1) * down + 20
        axes = figure.add_axes((left / width, bottom / height, (across - 38) / width, (down - 52) / height))
        panel(axes, design, series[series["cluster"] == cluster], (low, high), words, first=column == 0)
        said = dict(textcoords="offset points", xycoords="axes fraction", fontsize=11, color=INK, annotation_clip=False)
        axes.annotate(cut(cluster, across), (0, 1), xytext=(0, 8), weight="bold", **said)
        axes.annotate(words.effect(order[cluster], "pp"), (1, 1), xytext=(0, -6), ha="right", **said)
    legend(figure, names, lines, width, height)
    return figure


def panel(axes: Axes, design: Design, rows: pd.DataFrame, limits: tuple[float, float], words: Words, first: bool) -> None:
    """The two lines and the policy's date; values on the first panel of a row alone, all panels on one axis."""
    times = np.arange(design.table["time"].min(), design.table["time"].max() + 1)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    axes.set_ylim(limits[0], limits[1] + 0.12 * (limits[1] - limits[0]))
    axes.axvline(design.start.ordinal - 0.5, color=ACCENT, lw=1.4, zorder=2)
    for side, colour in ((False, COMPARISON), (True, TREATED)):
        line = rows[rows["side"] == side].set_index("time")["y"].reindex(times)
        axes.plot(times, line, color=colour, lw=1.8 if side else 1.4, dashes=(None, None) if side else (4, 2), zorder=3 + side)
    ticks = [limits[0], (limits[0] + limits[1]) / 2, limits[1]]
    axes.set_yticks(ticks, ["", words.number(ticks[1]), words.number(ticks[2]) + "%"] if first else [""] * 3)
    years = [t for t in times if opens_year(int(t), design.frequency)]
    shown = years[:1] + years[-1:] if len(years) > 1 else years
    axes.set_xticks(shown, [str(year_of(pd.Period(ordinal=int(t), freq=design.frequency))) for t in shown])
    axes.tick_params(labelsize=10.5, labelcolor=MUTED, pad=2)


def legend(figure: MplFigure, names: dict[bool, str], lines: int, width: int, height: int) -> None:
    """Which line is which, above the panels: beside each other, or under each other where a phone has no room."""
    x, down = 28.0, 9.0
    for side, colour in ((True, TREATED), (False, COMPARISON)):
        y = (height - down) / height
        figure.add_artist(plt.Line2D([x / width, (x + 22) / width], [y, y], color=colour, lw=2.2 if side else 1.8,
                                     dashes=(None, None) if side else (4, 2)))  # fmt: skip
        figure.text((x + 27) / width, (height - down - 4) / height, names[side], fontsize=11, color=colour, weight="bold")
        x, down = (28.0, down + 16) if lines == 2 else (x + KEY + LETTER * len(names[side]), down)


def cut(name: str, across: float) -> str:
    """A name that fits over its panel."""
    letters = int((across - 30) / LETTER)
    return name if len(name) <= letters else name[: letters - 1].rstrip() + "…"
