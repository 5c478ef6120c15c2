"""Rows of estimates with intervals, on a desk and on a phone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...study.words import Words
from ..figure import BAND, COMPARISON, GROUND, INK, MUTED, RULE, TREATED, canvas
from .axes import tick_digits, wrapped

EDGE = 12  # units left free at either side of a phone's chart
THIN, LETTER, WIDE = 4.0, 7.0, 9.5  # units that a letter takes at most, in the widest font of the page
LINE = 14  # units between lines of text
NAME = 240  # units that names may take on a desktop
REACH = 1.0  # intervals are cut this many spans of points and main interval beyond them


@dataclass(frozen=True)
class Row:
    """One line of an interval chart. `low` and `high` NaN: no interval; `aside`: a second, faint point, or NaN."""

    label: str
    value: str  # printed at the right
    estimate: float
    low: float
    high: float
    kind: str  # main, plain or change
    remark: str = ""  # printed under the label
    aside: float = np.nan


@dataclass(frozen=True)
class Place:
    """Where a row stands, in units from the top of the plotting area."""

    texts: tuple[tuple[str, float], ...]  # line of the label, baseline
    remark: float
    value: float
    y: float  # of the interval
    top: float
    bottom: float


def unit_of(rows: pd.DataFrame) -> str:
    return "pp" if rows["scale"].iloc[0] == "pp" else "level"


def shortened(label: str, most: int = 40) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


# --- an interval chart ---------------------------------------------------------------------------------------------
def draw_rows(rows: list[Row], overall: tuple[float, str] | None, words: Words, width: int, small: bool) -> MplFigure:
    """Points and intervals under each other: names at the left and values at the right, or above the interval on a phone."""
    places = phone_places(rows, width) if small else desk_places(rows)
    total = places[-1].bottom
    top, bottom, left, right = 24 if overall else 6, 28, EDGE, EDGE
    if not small:
        left = int(max(length(line, row.kind == "main") for row, place in zip(rows, places, strict=True) for line, _ in place.texts)) + 16
        right = int(max(length(row.value, row.kind == "main") for row in rows)) + 16
    figure, axes = canvas(width, int(np.ceil(total)) + top + bottom, left, right, top, bottom)
    low, high = reach_of(rows, overall[0] if overall else None)
    axes.set_xlim(low, high)
    axes.set_ylim(total, 0)
    axes.set_yticks([])
    axes.grid(False)
    axes.locator_params(axis="x", nbins=4 if small else 6)
    ticks = [t for t in axes.get_xticks() if low <= t <= high]
    axes.set_xticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    stretches = [(place.y - 10, place.y + 9) for place in places] if small else [(0, total)]
    for tick in ticks:
        upright(axes, tick, stretches, color=RULE, lw=0.7, zorder=0.5)
    upright(axes, 0.0, stretches, color=INK, lw=1.1, zorder=1)
    if overall:
        overall_line(axes, overall, stretches, low, high)
    main = next((row for row in rows if row.kind == "main" and not np.isnan(row.low)), None)
    if main and len(rows) > 1:
        axes.axvspan(max(main.low, low), min(main.high, high), color=BAND, lw=0, zorder=0)
    for row, place in zip(rows, places, strict=True):
        draw_interval(axes, row, place.y, low, high)
        draw_texts(axes, row, place, left, right, width)
    first = next((i for i, row in enumerate(rows) if row.kind == "change"), 0)
    if first and not rows[first - 1].remark:
        y = places[first].top + (4 if small else 0)
        axes.plot([-left / (width - left - right), 1 + right / (width - left - right)], [y, y], transform=axes.get_yaxis_transform(),
                  color=RULE, lw=1, clip_on=False, zorder=1)  # fmt: skip
    return figure


def desk_places(rows: list[Row]) -> list[Place]:
    places, top = [], 0.0
    for row in rows:
        lines = lines_of(row.label, NAME, row.kind == "main")
        tall = max(LINE * (len(lines) + bool(row.remark)) + 12, 26 if row.kind == "group" else 32)
        y = top + tall / 2
        first = y + 4 - LINE * (len(lines) + bool(row.remark) - 1) / 2
        texts = tuple((line, first + LINE * i) for i, line in enumerate(lines))
        places.append(Place(texts, first + LINE * len(lines), y + 4, y, top, top + tall))
        top += tall
    return places


def phone_places(rows: list[Row], width: int) -> list[Place]:
    """The value stands beside the last line of the name where both fit, else under it."""
    places, top = [], 0.0
    for row in rows:
        bold = row.kind == "main"
        lines = lines_of(row.label, width, bold)
        texts = tuple((line, top + 21 + LINE * i) for i, line in enumerate(lines))
        last = texts[-1][1]
        value = last + LINE * bool(row.remark)
        if length(row.remark or lines[-1], bold) + length(row.value, bold) + 8 > width:
            value += LINE
        y = value + 15
        places.append(Place(texts, last + LINE, value, y, top, y + 9))
        top = y + 9
    return places


def draw_texts(axes: Axes, row: Row, place: Place, left: int, right: int, width: int) -> None:
    """Name, remark and value: beside the plotting area, or on a phone (where it has no margins) above the interval."""
    beside = right > EDGE
    style = {"color": TREATED, "weight": "bold"} if row.kind == "main" else {"color": INK}
    x, align = (left - 12, "right") if beside else (0, "left")
    for line, y in place.texts:
        put(axes, x, y, line, left, ha=align, **style)
    if row.remark:
        put(axes, x, place.remark, row.remark, left, ha=align, color=MUTED, fontsize=11)
    put(axes, width - right + 14 if beside else width, place.value, row.value, left, ha="left" if beside else "right", **style)


def put(axes: Axes, x: float, y: float, text: str, left: float, **style: object) -> None:
    """Text at x units from the chart's left edge."""
    inner = axes.get_position().width * axes.figure.get_size_inches()[0] * 72
    axes.text((x - left) / inner, y, text, transform=axes.get_yaxis_transform(), va="baseline", clip_on=False, **style)


def draw_interval(axes: Axes, row: Row, y: float, low: float, high: float) -> None:
    """Interval, cut with an arrow where it leaves the frame; point (hollow without an interval, ◇ a change); faint point."""
    colour = {"main": TREATED, "group": TREATED, "change": COMPARISON, "plain": INK}[row.kind]
    bold = row.kind == "main"
    if not np.isnan(row.aside):
        axes.plot(row.aside, y, marker="o", ms=6, mfc=GROUND, mec=colour, mew=1.1, alpha=0.55, zorder=4, clip_on=False)
    if not np.isnan(row.low):
        axes.plot([max(row.low, low), min(row.high, high)], [y, y], color=colour, lw=3 if bold else 1.9, zorder=3, solid_capstyle="butt")
        for cut, edge, mark in ((row.low < low, low, "<"), (row.high > high, high, ">")):
            if cut:
                axes.plot(edge, y, marker=mark, ms=6, color=colour, lw=0, mew=0, zorder=4, clip_on=False)
    hollow = np.isnan(row.low) or bool(row.remark)
    axes.plot(row.estimate, y, marker="D" if row.remark else "o", ms=9 if bold else 6.5, mfc=GROUND if hollow else colour,
              mec=colour, mew=1.4 if hollow else 0, zorder=5, clip_on=False)  # fmt: skip


def upright(axes: Axes, x: float, stretches: list[tuple[float, float]], **style: object) -> None:
    """A vertical line over these stretches, in one path."""
    ys = [y for start, end in stretches for y in (start, end, np.nan)]
    axes.plot([x] * len(ys), ys, solid_capstyle="butt", **style)


def overall_line(axes: Axes, overall: tuple[float, str], stretches: list[tuple[float, float]], low: float, high: float) -> None:
    value, label = overall
    upright(axes, value, stretches, color=TREATED, lw=1.2, dashes=(3, 2.5), zorder=1.5)
    share = (value - low) / (high - low)
    align = "left" if share < 0.3 else "right" if share > 0.7 else "center"
    axes.annotate(label, (value, 0), xytext=(0, 8), textcoords="offset points", color=TREATED, weight="bold", ha=align,
                  annotation_clip=False)  # fmt: skip


def reach_of(rows: list[Row], overall: float | None) -> tuple[float, float]:
    """Ends of the axis: 0, every point and the main interval; other intervals as far as `REACH` spans of these beyond."""
    points = [0.0, *([] if overall is None else [overall])]
    for row in rows:
        points += [row.estimate, row.aside, *([row.low, row.high] if row.kind == "main" else [])]
    low, high = np.nanmin(points), np.nanmax(points)
    lows, highs = [row.low for row in rows], [row.high for row in rows]
    usual = np.nanmedian(np.subtract(highs, lows)) if np.isfinite(lows).any() else 0.0
    further = REACH * max(high - low, usual)
    low = max(np.nanmin([low, *lows]), low - further)
    high = min(np.nanmax([high, *highs]), high + further)
    pad = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return float(low - pad), float(high + pad)


def length(text: str, bold: bool = False) -> float:
    """Units that a text takes at most."""
    letters = sum(THIN if letter in " .,;:()[]'’ijlt" else WIDE if letter in "mMwW" or letter.isupper() else LETTER for letter in text)
    return letters * (1.1 if bold else 1)


def lines_of(text: str, room: float, bold: bool) -> list[str]:
    """The text in lines that fit into so many units."""
    return wrapped(text, max(8, int(room * len(text) / max(length(text, bold), 1))))
