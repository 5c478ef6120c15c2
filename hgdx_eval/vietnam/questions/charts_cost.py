"""The fees that were not taken, by procedure: a bar each, the largest first."""

import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...design.design import Design
from ...panel.panel import Panel
from ...report.blocks import csv_text
from ...report.charts.axes import sample_text, simulated_note, tag, wrapped
from ...report.figure import INK, MUTED, RULE, TREATED, Figure, canvas, drawn, source_line
from ...study.study import Study
from ...study.words import Words
from .cost import Cost, forgone_by

BARS = 8
ROW, BAR = 40, 9  # units of a row with its name above the bar, and of the bar
LETTERS = {True: 43, False: 90}  # of a name, on a phone and on a desk


def plot_forgone(found: Cost, panel: Panel, p: Study, design: Design, words: Words) -> Figure | None:
    """Fees not taken (million VND): a bar per procedure, the largest BARS. `found`: what `cost_of` gives.

    Title: the share of the largest three in all that was not taken.
    Returns a Figure; None without costs or with fewer than three procedures that may be told.
    """
    if found.reason or not found.bill.forgone:
        return None
    rows = forgone_by(found.bill, "procedure", p.min_count)
    rows = rows[~rows["hidden"] & (rows["forgone"] > 0)].head(BARS).reset_index(drop=True)
    if len(rows) < 3:
        return None
    rows["name"] = [panel.names.get(code, code) for code in rows["procedure"]]
    share = words.percent(rows["forgone"].iloc[:3].sum() / found.bill.forgone, 0)
    title = words("cost.chart_title", share=share)
    alt = words("cost.chart_alt", title=title, name=rows["name"].iloc[0], value=millions(rows["forgone"].iloc[0], words))
    narrow, wide = drawn("forgone", lambda width, small: draw(rows, words, width, small), alt + simulated_note(design.origin, words))
    data = rows[["procedure", "name", "forgone", "online"]]
    source = source_line(design.origin, sample_text(design, words), words, words("cost.chart_note"))
    return Figure("forgone", title, words("cost.chart_subtitle"), narrow, wide, (), source, alt + simulated_note(design.origin, words),
                  csv_text(data, words, 15), tag(design.origin, words), words("charts.download"))  # fmt: skip


def millions(value: float, words: Words) -> str:
    return words.number(value / 1e6, 1 if value < 1e8 else 0)


def draw(rows: pd.DataFrame, words: Words, width: int, small: bool) -> MplFigure:
    """Name and value above each bar, so that names have the whole width on a phone too."""
    figure, axes = canvas(width, ROW * len(rows) + 8, 4, 4, 4, 4)
    axes.set_xlim(0, rows["forgone"].max())
    axes.set_ylim(ROW * len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.axvline(0, color=INK, lw=1.1)
    for number, row in enumerate(rows.itertuples(index=False)):
        lines = wrapped(row.name, LETTERS[small])
        name = lines[0] if len(lines) == 1 else row.name[: LETTERS[small] - 1].rstrip() + "…"
        top = ROW * number
        axes.plot([0, rows["forgone"].max()], [top + 27] * 2, color=RULE, lw=0.7, zorder=0.5)
        axes.barh(top + 27, row.forgone, height=BAR, color=TREATED, zorder=2)
        axes.text(0, top + 17, name, color=INK, fontsize=11.5, va="baseline")
        axes.text(rows["forgone"].max(), top + 17, millions(row.forgone, words), color=MUTED, fontsize=11.5, ha="right", va="baseline")
    return figure
