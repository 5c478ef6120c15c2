"""Charts of how far a result can be trusted: under other calculations, other inference, other trends, and looked at early. Each
title states a finding by a rule written at its function; `words` gives every text."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...estimation.inference import FEW_CLUSTERS
from ...estimation.results import Estimate
from ...infer.specification_curve import OWN, CurveSummary, curve_choices, curve_summary
from ...study.words import Words
from ..blocks import csv_text
from ..figure import EVENT, GROUND, INK, MUTED, RULE, TREATED, Figure, canvas, drawn, source_line
from .axes import simulated_note, sized, tag, tick_digits
from .intervals import length, put, unit_of

SPACED = 60  # specifications up to this number have marks that stand apart
PHONE_DIMENSIONS = 4  # dimensions shown on a phone
REACH = 1.0  # intervals of a curve are cut this many spans of its points beyond them


def plot_curve(curve: Estimate, words: Words) -> Figure:
    """Every specification from low to high with its interval, the study's own marked, and below what each does otherwise. `curve`: the
    `curve` of what `robust` gives.

    Title: how many have the sign of the study's own, of all that could be estimated (the study's own counted), and how many intervals leave
    out 0. Intervals are neither drawn nor counted with fewer than `FEW_CLUSTERS` treated clusters. A phone shows the dimensions that
    explain most of the spread.
    Returns a Figure.
    """
    summary, table = curve_summary(curve), sorted_curve(curve)
    few = bool(table.loc[table["own"], "n_treated_clusters"].iloc[0] < FEW_CLUSTERS)
    if few:
        table = table.assign(ci_low=np.nan, ci_high=np.nan)
    title, scale = finding_of_curve(summary, few, words), table["scale"].iloc[0]
    said = {name: words.effect(getattr(summary, name), scale) for name in ("median", "own")}
    alt = words("robustness.curve_alt", number=words.number(summary.number), title=title, low=words.effect(summary.lowest, scale),
                high=words.effect(summary.highest, scale), **said, simulated=simulated_note(curve.origin, words))  # fmt: skip
    choices = curve_choices(curve).loc[table["row"]].reset_index(drop=True)
    default = curve_choices(curve).loc[curve.table["cohort"] == OWN].iloc[0]
    order = [name for name, _ in summary.explained]
    shown = (table, choices, default, order, curve.frequency, words)
    narrow, wide = drawn("curve", lambda width, small: draw_curve(*shown, width, small), alt)
    low, high = reach_of_curve(table)
    cut = bool((table["ci_low"] < low).any() or (table["ci_high"] > high).any())
    notes = {"curve_note": len(choices.columns) > 0, "curve_few": few, "curve_cut": cut, "curve_refused": summary.refused > 0}
    note = " ".join(words(f"robustness.{key}", refused=words.number(summary.refused)) for key, holds in notes.items() if holds)
    subtitle = words(f"robustness.curve_subtitle_{'bare_' if few else ''}{unit_of(table)}")
    size = sized(float(table.loc[table["own"], "n_obs"].iloc[0]), curve.span, curve.dossiers, words) if curve.span else ""
    picked = {words(f"robustness.dimension_{name}"): [
                  "" if choice == default[name] else choice_text(name, choice, curve.frequency, words, False) for choice in choices[name]]
              for name in choices.columns}  # fmt: skip
    data = pd.concat([table[["estimator", "estimate", "ci_low", "ci_high"]], pd.DataFrame(picked)], axis=1)  # empty: the study's own choice
    return Figure("curve", title, subtitle, narrow, wide, (), source_line(curve.origin, size, words, note), alt, csv_text(data, words),
                  tag(curve.origin, words), words("charts.download"))  # fmt: skip


def sorted_curve(curve: Estimate) -> pd.DataFrame:
    """What could be estimated, from low to high; `row`: its place in the curve's table; `own`: the study's own."""
    table = curve.table.assign(row=curve.table.index, own=curve.table["cohort"] == OWN)
    return table[table["status"] == "ok"].sort_values(["estimate", "parameter"], kind="stable", ignore_index=True)


def finding_of_curve(summary: CurveSummary, few: bool, words: Words) -> str:
    if summary.number == 1:
        return words("robustness.curve_one")
    said = {"number": words.number(summary.number), "same": words.number(summary.same)}
    finding = words("robustness.curve_" + ("all" if summary.same == summary.number else "same"), **said)
    return finding if few else words("robustness.curve_clear", finding=finding, clear=words.number(summary.clear))


def reach_of_curve(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: 0, every point and the study's own interval; other intervals as far as `REACH` spans beyond."""
    own = table.loc[table["own"]].iloc[0]
    points = np.array([0.0, *table["estimate"], own["ci_low"], own["ci_high"]])
    low, high = np.nanmin(points), np.nanmax(points)
    further = REACH * (high - low)
    low, high = max(np.nanmin([low, *table["ci_low"]]), low - further), min(np.nanmax([high, *table["ci_high"]]), high + further)
    pad = (high - low) * 0.04 or 1.0
    return float(low - pad), float(high + pad)


def draw_curve(table: pd.DataFrame, choices: pd.DataFrame, default: pd.Series, order: list[str], frequency: str, words: Words,
               width: int, small: bool) -> MplFigure:  # fmt: skip
    """The curve above, one row a choice below."""
    lines = choice_lines(choices, default, order, frequency, words, small)
    upper, row, gap, head = (170, 14, 5, 30) if small else (220, 15, 6, 34)
    places, y = [], 0.0
    for i, (name, _, _) in enumerate(lines):
        y += gap if i and lines[i - 1][0] != name else 0
        places.append(y + row / 2)
        y += row
    left = left_of(lines, words, small)
    figure, axes = canvas(width, int(upper + (head + y + 6 if lines else 10)), left, 8, 26, int(head + y + 6) if lines else 10)
    draw_estimates(axes, table, words, width - left - 8)
    if not lines:
        return figure
    total = figure.get_size_inches()[1] * 72
    lower = figure.add_axes((left / width, 6 / total, (width - left - 8) / width, y / total))
    lower.set_xlim(*axes.get_xlim())
    lower.set_ylim(y, 0)
    lower.set_axis_off()
    draw_choices(lower, lines, places, int(np.flatnonzero(table["own"])[0]), left, small, words)
    heading = words("robustness.curve_changes" + ("_most" if small and len(order) > PHONE_DIMENSIONS else ""))
    put(lower, 0, -9, heading, left, color=INK, weight="bold", fontsize=11)
    return figure


def left_of(lines: list[tuple], words: Words, small: bool) -> int:
    """Units at the left for the names of choices, and on a desktop of dimensions before them."""
    if not lines:
        return 34
    names = max(0 if small else size_of(words(f"robustness.dimension_{name}")) + 14 for name, _, _ in lines)
    return int(np.clip(max(size_of(text) for _, text, _ in lines) + 14, 46, 128 if small else 190) + names)


def size_of(text: str) -> float:
    """Units that a text takes in the small type of choices."""
    return 0.88 * length(text)


def choice_lines(choices: pd.DataFrame, default: pd.Series, order: list[str], frequency: str, words: Words, small: bool) -> list[tuple]:
    """(dimension, text, which specifications) of every choice that differs from the study's, in the dimensions' order."""
    shown = set(order[:PHONE_DIMENSIONS]) if small else set(order)
    found = []
    for name in choices.columns:
        for choice in sorted(set(choices[name]) - {default[name]}):
            if name in shown:
                found.append((name, choice_text(name, choice, frequency, words, small), (choices[name] == choice).to_numpy()))
    return found


def choice_text(dimension: str, choice: str, frequency: str, words: Words, small: bool) -> str:
    """A choice in the reader's language; groups by the name that comparisons give them, clusters by their own."""
    head = "robustness.short_" if small else "robustness.choice_"
    if dimension == "comparison":
        return words(head + dimension, name=words.texts.get(f"compare.group_{choice}", choice))
    if dimension == "left_out":
        return words(head + dimension, name=choice)
    own = f"{head}{dimension}_{choice}_{frequency}"  # days and weeks are moved and left out by more than one or two
    return words(own if own in words.texts else f"{head}{dimension}_{choice}")


def draw_estimates(axes: Axes, table: pd.DataFrame, words: Words, room: float) -> None:
    """Intervals in one path, points in another (many points need few letters), the study's own on top with its label."""
    number, own = len(table), int(np.flatnonzero(table["own"])[0])
    axes.set_xlim(-0.5 - 0.01 * number, number - 0.5 + 0.01 * number)
    axes.set_ylim(*reach_of_curve(table))
    x, y = np.arange(number), table["estimate"].to_numpy()
    step = room / number
    axes.plot(*upright_lines(x, table["ci_low"].to_numpy(), table["ci_high"].to_numpy()), color=EVENT, alpha=0.45,
              lw=float(np.clip(step * 0.45, 0.5, 3)), solid_capstyle="butt", zorder=2)  # fmt: skip
    if number > 2 * SPACED:
        axes.plot(x, y, color=INK, lw=2.2, zorder=3)
    else:
        axes.plot(*level_lines(x, y, 0.15 / step), color=INK, lw=float(np.clip(step * 0.7, 2.5, 5.5)), solid_capstyle="round", zorder=3)
    axes.axhline(0, color=INK, lw=1.1, zorder=1)
    row = table.iloc[own]
    axes.plot([own, own], [row["ci_low"], row["ci_high"]], color=TREATED, lw=3, solid_capstyle="butt", zorder=4)
    axes.plot(own, row["estimate"], marker="o", ms=8, color=TREATED, mec=GROUND, mew=1, zorder=5, clip_on=False)
    axes.plot([own, own], [0, 1], transform=axes.get_xaxis_transform(), color=TREATED, lw=0.9, dashes=(2, 2), zorder=1.5)
    label = words("robustness.curve_own", value=words.effect(row["estimate"], row["scale"]))
    margin = axes.get_position().x0 * axes.figure.get_size_inches()[0] * 72
    middle = (own + 0.5) / number * room
    half = length(label, True) / 2
    place = float(np.clip(middle, half - margin + 2, room - half))
    axes.annotate(label, (place / room, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", color=TREATED,
                  weight="bold", ha="center", annotation_clip=False)  # fmt: skip
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    signed_axis(axes, words)


def upright_lines(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upright segments as one path with gaps."""
    nothing = np.full(len(x), np.nan)
    return np.column_stack([x, x, nothing]).ravel(), np.column_stack([low, high, nothing]).ravel()


def level_lines(x: np.ndarray, y: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Level segments as one path with gaps; short ones with round ends are dots."""
    nothing = np.full(len(x), np.nan)
    return np.column_stack([x - half, x + half, nothing]).ravel(), np.column_stack([y, y, nothing]).ravel()


def draw_choices(axes: Axes, lines: list[tuple], places: list[float], own: int, left: int, small: bool, words: Words) -> None:
    """A mark where a specification takes a choice; neighbours that both take it are one mark where they are many."""
    number = len(lines[0][2])
    last = None
    for (name, text, taken), y in zip(lines, places, strict=True):
        axes.plot([-0.5, number - 0.5], [y, y], color=RULE, lw=0.7, zorder=1)
        axes.plot(*runs(taken, number <= SPACED, y), color=INK, lw=8, solid_capstyle="butt", zorder=2)
        room = left - 12 - (0 if small else max(size_of(words(f"robustness.dimension_{line[0]}")) + 14 for line in lines))
        put(axes, left - 10, y + 4, shortened(text, room), left, ha="right", color=INK, fontsize=11)
        if name != last and not small:
            put(axes, 0, y + 4, words(f"robustness.dimension_{name}"), left, color=MUTED, fontsize=11)
        last = name
    axes.axvline(own, color=TREATED, lw=0.9, dashes=(2, 2), zorder=1.5)


def runs(taken: np.ndarray, apart: bool, y: float) -> tuple[list[float], list[float]]:
    """Horizontal segments over the places where `taken`, with gaps between."""
    if apart:
        spans = [(i - 0.3, i + 0.3) for i in np.flatnonzero(taken)]
    else:
        edges = np.flatnonzero(np.diff(np.r_[False, taken, False].astype(int)))
        spans = [(start - 0.5, end - 0.5) for start, end in edges.reshape(-1, 2)]
    return [x for span in spans for x in (*span, np.nan)], [y, y, np.nan] * len(spans)


def shortened(text: str, room: float) -> str:
    """The text, cut with … where it does not fit into so many units."""
    if size_of(text) <= room:
        return text
    while text and size_of(text) + 8 > room:
        text = text[:-1]
    return text.rstrip() + "…"


def signed_axis(axes: Axes, words: Words) -> None:
    """Three to six ticks with their signs."""
    axes.locator_params(axis="y", nbins=5)
    low, high = axes.get_ylim()
    ticks = [t for t in axes.get_yticks() if low <= t <= high]
    axes.set_yticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    axes.set_ylim(low, high)
