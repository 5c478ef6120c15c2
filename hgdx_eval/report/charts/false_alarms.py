"""How often each kind of interval finds an effect where none is."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.origin import Origin
from ...estimation.inference import LEVEL
from ...infer.false_alarms import MOST
from ...study.words import Words
from ..blocks import csv_text
from ..figure import BAND, GROUND, INK, MUTED, TREATED, Figure, canvas, drawn, source_line
from .axes import simulated_note, tag, tick_digits
from .intervals import EDGE, length, put, upright

NOMINAL, LIMIT = 1 - LEVEL, MOST  # false-alarm rate asked for, and the highest that is accepted
COLUMNS = ["kind", "rate", "low", "high", "own", "common", "together", "state"]
KEEP = {"headline", "passes", "conservative"}  # states that keep the rate


def plot_gate(gate: pd.DataFrame, words: Words, origin: Origin) -> Figure:
    """How often each kind of interval cries wolf, in the study's order of preference.

    `gate`: kind (cluster, wild, randomization, placebo), rate (0-1), low, high (99% Monte Carlo interval), state (headline, passes,
    conservative, fails, unavailable); with a column `conservative` (true or false) the one used is told to be too cautious where it is;
    `origin`: of the data, for the source line. Title: the one used and its rate; without it, how many
    pass, that none does, or that no rate is known.
    Returns a Figure.
    Example: `hg.plot_gate(result.gate, words, design.origin)`
    """
    gate = gate.reset_index(drop=True)
    title = finding_of_gate(gate, words)
    rates = "; ".join(rate_text(row, words, True) for _, row in gate.iterrows())
    alt = words("robustness.gate_alt", number=words.number(len(gate)), title=title, rates=rates, simulated=simulated_note(origin, words))
    narrow, wide = drawn("gate", lambda width, small: draw_gate(gate, words, width, small), alt)
    note = words("robustness.gate_note", limit=words.percent(LIMIT, 0))
    return Figure("gate", title, words("robustness.gate_subtitle"), narrow, wide, (), source_line(origin, "", words, note), alt,
                  csv_text(gate[[c for c in COLUMNS if c in gate]], words), tag(origin, words),
                  words("charts.download"))  # fmt: skip


def finding_of_gate(gate: pd.DataFrame, words: Words) -> str:
    used, passed = gate[gate["state"] == "headline"], int(gate["state"].isin(KEEP).sum())
    if len(used):
        return words("robustness.gate_used", kind=words(f"robustness.kind_{used['kind'].iloc[0]}"),
                     rate=words.percent(used["rate"].iloc[0]))  # fmt: skip
    if gate["rate"].isna().all():
        return words("robustness.gate_unknown")
    said = {"passed": words.number(passed), "number": words.number(len(gate)), "limit": words.percent(LIMIT, 0)}
    return words("robustness.gate_unused" if passed else "robustness.gate_none", **said)


def rate_text(row: pd.Series, words: Words, named: bool) -> str:
    """With its kind: "Sai số theo cụm 12,0%, không đạt"; else "12,0% · không đạt"."""
    cautious = row["state"] == "headline" and bool(row.get("conservative", False))
    kind, state = words(f"robustness.kind_{row['kind']}"), words(f"robustness.state_{row['state']}{'_cautious' if cautious else ''}")
    if pd.isna(row["rate"]):
        return words("robustness.gate_missing", kind=kind, state=state) if named else state
    rate = words.percent(row["rate"])
    return words("robustness.gate_rate", kind=kind, rate=rate, state=state) if named else f"{rate} · {state}"


def draw_gate(gate: pd.DataFrame, words: Words, width: int, small: bool) -> MplFigure:
    """Point and interval a row; names at the left and values at the right, or both above on a phone."""
    names = [words(f"robustness.kind_{kind}") for kind in gate["kind"]]
    values = [rate_text(row, words, False) for _, row in gate.iterrows()]
    used = (gate["state"] == "headline").to_numpy()
    apart = small and any(length(name, bold) + length(value, bold) + 12 > width for name, value, bold in zip(names, values, used))
    row, left, right = (59 if apart else 44, EDGE, 20) if small else (32, 0, 0)  # `apart`: name and value do not fit on one line
    if not small:
        left = int(max(length(name, bold) for name, bold in zip(names, used))) + 16
        right = int(max(length(value, bold) for value, bold in zip(values, used))) + 16
    total = row * len(gate)
    figure, axes = canvas(width, total + 24 + 28, left, right, 24, 28)
    top = max(0.1, float(np.nanmax([0.0, *gate["rate"], *gate["high"]])) * 1.05)
    axes.set_xlim(0, min(top, 1.0))
    axes.set_ylim(total, 0)
    axes.set_yticks([])
    axes.grid(False)
    axes.axvspan(0, LIMIT, color=BAND, lw=0, zorder=0)
    places = [i * row + (row - 12 if small else row / 2) for i in range(len(gate))]
    stretches = [(y - 9, y + 9) for y in places] if small else [(0, total)]
    upright(axes, NOMINAL, stretches, color=INK, lw=1.1, dashes=(3, 2.5), zorder=1)
    axes.annotate(words("robustness.gate_nominal", rate=words.percent(NOMINAL, 0)), (NOMINAL, 0), xytext=(0, 8),
                  textcoords="offset points", color=INK, ha="left" if top > 5 * NOMINAL else "center", annotation_clip=False)  # fmt: skip
    axes.locator_params(axis="x", nbins=4 if small else 6)
    ticks = [t for t in axes.get_xticks() if 0 <= t <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [words.percent(t, tick_digits([100 * other for other in ticks])) for t in ticks])
    for i, (_, found) in enumerate(gate.iterrows()):
        y = places[i]
        style = {"color": TREATED, "weight": "bold"} if used[i] else {"color": INK if found["state"] in KEEP else MUTED}
        text = i * row + 20 if small else y + 4
        put(axes, 0 if small else left - 12, text, names[i], left, ha="left" if small else "right", **style)
        edge = 0 if apart else width if small else width - right + 14
        put(axes, edge, text + 15 * apart, values[i], left, ha="right" if small and not apart else "left", **style)
        draw_rate(axes, found, y, used[i])
    return figure


def draw_rate(axes: Axes, row: pd.Series, y: float, used: bool) -> None:
    """Full where the rate is kept, hollow where not."""
    if pd.isna(row["rate"]):
        return
    colour, kept = TREATED if used else INK, row["state"] in KEEP
    axes.plot([row["low"], row["high"]], [y, y], color=colour, lw=3 if used else 1.9, solid_capstyle="butt", zorder=3)
    axes.plot(row["rate"], y, marker="o", ms=9 if used else 6.5, mfc=colour if kept else GROUND, mec=colour, mew=0 if kept else 1.4,
              zorder=4, clip_on=False)  # fmt: skip
