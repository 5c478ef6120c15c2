"""Gaps between places, and other outcomes that are shares: estimates with intervals that hold for all of a chart together."""

import pandas as pd

from ...design.design import Design
from ...report.blocks import csv_text
from ...report.charts.axes import sample_text, simulated_note, tag
from ...report.charts.intervals import Row, draw_rows
from ...report.figure import Figure, drawn, source_line
from ...study.words import Words
from .gaps import OUTCOMES, Who
from .show_gaps import direction, state_of


def plot_gaps(found: Who, design: Design, words: Words) -> Figure | None:
    """Gaps between places: one line per gap, with intervals that hold for all together. `found`: what `who_of` gives. Title: how many
    narrowed and widened for certain.

    Returns a Figure; None with fewer than two gaps that have an interval.
    """
    own = {gap.name: state_of(gap, found) for gap in found.gaps if gap.row is not None}
    changed = {state: sum(one == state for one in own.values()) for state in ("narrowed", "widened", "opened")}
    title = words("who.chart_gaps" if sum(changed.values()) else "who.chart_no_gap", n=words.number(len(own)),
                  narrowed=words.number(changed["narrowed"]), widened=words.number(changed["widened"] + changed["opened"]))  # fmt: skip
    return intervals("who_gaps", found.apart, {f"gap_{name}": words(f"who.gap_{name}") for name in own}, title, design, words)


def plot_outcomes(found: Who, design: Design, words: Words) -> Figure | None:
    """Other outcomes that are shares (percentage points): one line each, with intervals that hold for all together. `found`: what `who_of`
    gives. Title: which of them moved most, as far as can be told.

    Returns a Figure; None with fewer than two that were estimated.
    """
    shares = {f"other_{name}": words(f"who.outcome_{name}") for name, (_, _, scale) in OUTCOMES.items() if scale == "pp"}
    together = found.together
    clear = together[[group in shares and direction(low, high) != "unclear" for group, low, high in zip(
        together.get("group", ()), together.get("ci_low", ()), together.get("ci_high", ()), strict=True)]]  # fmt: skip
    title = words("who.chart_none")
    if len(clear):
        first = clear.loc[clear["estimate"].abs().idxmax()]
        title = words("who.chart_moved", outcome=shares[first["group"]], value=words.effect(first["estimate"], "pp"))
    return intervals("who_outcomes", together, shares, title, design, words)


def intervals(name: str, rows: pd.DataFrame, labels: dict[str, str], title: str, design: Design, words: Words) -> Figure | None:
    """Rows of `specification.adjusted` that have a label, highest first."""
    rows = rows[rows["group"].isin(labels) & rows["ci_low"].notna()] if len(rows) else rows
    if len(rows) < 2:
        return None
    rows = rows.sort_values("estimate", ascending=False, kind="stable")
    shown = [Row(labels[row.group], words.effect(row.estimate, "pp") + " " + words.effect_interval(row.ci_low, row.ci_high, "pp"),
                 row.estimate, row.ci_low, row.ci_high, "group") for row in rows.itertuples()]  # fmt: skip
    alt = words("who.chart_alt", n=words.number(len(shown)), title=title, high=shown[0].label, high_value=shown[0].value,
                low=shown[-1].label, low_value=shown[-1].value) + simulated_note(design.origin, words)  # fmt: skip
    narrow, wide = drawn(name, lambda width, small: draw_rows(shown, None, words, width, small), alt)
    data = rows.assign(label=[row.label for row in shown])[["label", "estimate", "ci_low", "ci_high"]]
    source = source_line(design.origin, sample_text(design, words), words)
    return Figure(name, title, words(f"who.subtitle_{name}"), narrow, wide, (), source, alt, csv_text(data, words),
                  tag(design.origin, words), words("charts.download"))  # fmt: skip
