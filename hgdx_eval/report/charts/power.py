"""How often effects of known sizes were found in the rehearsal."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.origin import Origin
from ...evaluation.rehearsal import POWER, Rehearsal
from ...infer.false_alarms import monte_carlo
from ...study.words import Words
from ..answer import size_text
from ..blocks import csv_text
from ..figure import INK, MUTED, TREATED, Figure, canvas, drawn, source_line
from .axes import simulated_note, tag, tick_digits
from .intervals import LINE, lines_of

COLUMNS = ["effect", "worlds", "found", "low", "high", "level_1"]  # of the curve as data


def plot_rehearsal(found: Rehearsal, words: Words, origin: Origin) -> Figure | None:
    """A curve of power: how often effects of each size were found in worlds made of the months before the policy, and how often the verdict
    was the clear one. `found`: what `rehearse` gives; `origin`: of the data. Title: the least effect found 8 times in 10.

    Returns a Figure; None where nothing could be rehearsed.
    Example: `hg.plot_rehearsal(hg.rehearse(result, p), words, design.origin)`
    """
    if found.table.empty:
        return None
    own = curve_of(found)
    title = finding_of_rehearsal(found, words)
    rates = "; ".join(words("rehearsal.alt_rate", effect=size_text(row["effect"], found.scale, words), rate=words.percent(row["found"], 0))
                      for _, row in own.iterrows())  # fmt: skip
    alt = words("rehearsal.alt", title=title, rates=rates, simulated=simulated_note(origin, words))
    narrow, wide = drawn("rehearsal", lambda width, small: draw_power(own, found, words, width, small), alt)
    note = words(f"rehearsal.note_{found.by}", n=words.number(int(own["worlds"].iloc[0])))
    return Figure("rehearsal", title, words(f"rehearsal.subtitle_{'pp' if found.scale == 'pp' else 'level'}"), narrow, wide, (),
                  source_line(origin, "", words, note), alt, csv_text(own[COLUMNS], words), tag(origin, words),
                  words("charts.download"))  # fmt: skip


def curve_of(found: Rehearsal) -> pd.DataFrame:
    """Constant effects with the 99% Monte Carlo interval of how often they were found."""
    own = found.table[found.table["shape"] == "constant"].reset_index(drop=True)
    ends = [monte_carlo(round(row["found"] * row["worlds"]), int(row["worlds"])) for _, row in own.iterrows()]
    return own.assign(low=[end["low"] for end in ends], high=[end["high"] for end in ends])


def finding_of_rehearsal(found: Rehearsal, words: Words) -> str:
    if np.isfinite(found.smallest):
        return words("rehearsal.title", effect=size_text(found.smallest, found.scale, words))
    last = curve_of(found).iloc[-1]
    return words("rehearsal.title_never", effect=size_text(last["effect"], found.scale, words), rate=words.percent(last["found"], 0))


def draw_power(own: pd.DataFrame, found: Rehearsal, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 230 if small else 270, 38 if small else 46, 96 if small else 138, 22, 26)
    x = own["effect"].to_numpy()
    axes.set_xlim(0, x[-1])
    axes.set_ylim(0, 1)
    axes.fill_between(x, own["low"], own["high"], color=TREATED, alpha=0.15, lw=0, zorder=1)
    axes.plot(x, own["found"], color=TREATED, lw=2.5, zorder=4)
    clear = found.by == "worlds"
    if clear:
        axes.plot(x, own["level_1"], color=INK, lw=1.6, dashes=(4, 2), zorder=3)
    axes.axhline(POWER, color=MUTED, lw=1.0, dashes=(3, 2.5), zorder=2)
    if np.isfinite(found.smallest):
        axes.plot([found.smallest] * 2, [0, POWER], color=TREATED, lw=1.0, zorder=3)
        axes.plot(found.smallest, POWER, marker="o", ms=6.5, color=TREATED, zorder=5)
    if found.limit is not None:
        axes.plot([found.limit] * 2, [0, 1], color=INK, lw=1.1, zorder=2)
        side = "right" if found.limit > 0.6 * x[-1] else "left"
        axes.annotate(words("rehearsal.smallest_effect"), (found.limit, 1), xytext=(0, 7), textcoords="offset points", color=INK, ha=side,
                      fontsize=11, annotation_clip=False)  # fmt: skip
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= x[-1]]
    axes.set_xticks(ticks, [words.number(tick, tick_digits(ticks)) for tick in ticks])
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], [words.percent(rate, 0) for rate in (0, 0.2, 0.4, 0.6, 0.8, 1)])
    name_lines(axes, own, words, small, clear)
    return figure


def name_lines(axes: Axes, own: pd.DataFrame, words: Words, small: bool, clear: bool) -> None:
    """What each line is, at its right end, pushed apart."""
    unit = 1 / (axes.bbox.height * 72 / axes.figure.dpi)
    room, top = 88 if small else 130, 1.0
    wanted: list[tuple[float, str, dict]] = [(own["found"].iloc[-1], "found", {"color": TREATED, "weight": "bold"}),
              *([(own["level_1"].iloc[-1], "clear", {"color": INK})] if clear else [])]  # fmt: skip
    for value, name, style in wanted:
        lines = lines_of(words(f"rehearsal.line_{name}"), room, "weight" in style)
        top = min(top, value + LINE / 2 * len(lines) * unit)
        top = max(top, LINE * len(lines) * unit)
        for text in lines:
            axes.annotate(text, (axes.get_xlim()[1], top), xytext=(7, -11), textcoords="offset points", annotation_clip=False, fontsize=11,
                          va="baseline", **style)  # fmt: skip
            top -= LINE * unit
        top -= 3 * unit
