"""The first chart: the treated group, the same group as estimated without the policy, and the gap between them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.periods import written_all
from ...design.design import Design, thin_event_times
from ...estimation.synthetic_weights import synthetic_series
from ...evaluation.evaluation import Evaluation
from ...evaluation.verdict import NEGLIGIBLE, UNCLEAR
from ...study.words import Words, capital
from ..answer import size_text
from ..blocks import csv_text
from ..figure import COMPARISON, GROUND, INK, TREATED, Figure, canvas, drawn, source_line
from .axes import end_labels, line_width, sample_text, simulated_note, tag, time_axis, value_axis, value_text
from .groups import Mark, draw_marks, group_series, plot_shares, time_marks
from .intervals import length

ROOM = 0.24  # of the axis, on the side of the lines where the gap is told


def plot_answer(found: Evaluation, words: Words, min_count: int = 5) -> Figure:
    """The treated group by period, the same group without the estimated effect, and the gap, told as in the answer. `found`: what
    `evaluate` gives; periods of fewer dossiers than `min_count` are left out. Where no effect is told (no interval or rank, a single
    series) the two groups, as `plot_shares` draws them.

    Title: by the verdict, with the number of the answer.
    Returns a Figure.
    """
    series = without_policy(found, min_count)
    if series is None:
        return plot_shares(found.design, words, min_count)
    design, row = found.design, found.main.overall()
    value = words.effect(row["estimate"], row["scale"])
    name = without_text(found, words)
    title = capital(words(f"charts.answer_{finding(found)}", size=size_text(row["estimate"], row["scale"], words), without=name,
                          direction=words("story.up" if row["estimate"] >= 0 else "story.down")))  # fmt: skip
    span = [words.period(design.table["period"].min(), True), words.period(design.table["period"].max(), True)]
    last = series.dropna().iloc[-1]
    ends = {end: value_text(last[end], design.scale, words) for end in ("treated", "without")}
    alt = words("charts.answer_alt", first=span[0], last=span[1], title=title, period=words.period(last["period"], True), without_text=name,
                simulated=simulated_note(design.origin, words), **ends)  # fmt: skip
    marks = time_marks(design, words)
    narrow, wide = drawn("answer", lambda width, small: draw_answer(series, marks, value, name, design, words, width, small), alt)
    note = words("charts.answer_note_" + ("synthetic" if found.main.donors else "path" if len(found.main.rows("event")) else "level"),
                 without=name)  # fmt: skip
    note += " " + words("charts.thin") if thin_event_times(design) else ""
    data = series.assign(period=written_all(series["period"]))[["period", "treated", "without"]]
    subtitle = words("charts.shares_subtitle_pp" if design.scale == "pp" else "charts.synthetic_subtitle_level")
    return Figure(
        "answer", title, capital(subtitle), narrow, wide, tuple((mark.text, mark.policy) for mark in marks),
        source_line(design.origin, sample_text(design, words), words, note), alt, csv_text(data, words), tag(design.origin, words),
        words("charts.download"),
    )  # fmt: skip


def without_text(found: Evaluation, words: Words) -> str:
    """What the dashed line is: the group without the policy, or, where only a difference is told, moving as the comparison group."""
    return words("charts.answer_as_comparison" if found.design.estimand == "difference" else "study.without_policy")


def finding(found: Evaluation) -> str:
    """What the title says: that the gap is clear, a sign of one, that it may be none, that it is small."""
    if found.verdict == NEGLIGIBLE:
        return "small"
    return "unclear" if found.verdict == UNCLEAR else "apart"


def without_policy(found: Evaluation, min_count: int = 5) -> pd.DataFrame | None:
    """time, period, treated, without (per cent, or the outcome's unit; NaN before the last period before the policy), thin: the treated
    group less the mean effect on those of it that are treated in the period: of its event time, else the overall one.

    Returns None where the report tells no effect.
    """
    design, main = found.design, found.main
    if found.headline == "none" or main.overall()["term"] == "change":
        return None
    thin = [design.start.ordinal + k for k in thin_event_times(design)]
    if main.donors and design.table["treated_from"].nunique() == 1:
        factor = 100 if design.scale == "pp" else 1
        made = synthetic_series(design, main)
        series = made.assign(treated=made["treated"] * factor, without=made["synthetic"] * factor)
    else:
        own = group_series(design, min_count)
        own = own[own["side"]]
        series = own.assign(treated=own["y"], without=own["y"] - own["time"].map(mean_gaps(found)))
        series.loc[series["time"] < design.start.ordinal - 1, "without"] = np.nan
    series = series.assign(thin=series["time"].isin(thin)).sort_values("time", ignore_index=True)
    after = series[series["time"] >= design.start.ordinal]
    return series[["time", "period", "treated", "without", "thin"]] if after["without"].notna().any() else None


def mean_gaps(found: Evaluation) -> pd.Series:
    """The mean effect on the ever treated by time (as the treated line is scaled), 0 before any of them is treated."""
    table, row = found.design.table, found.main.overall()
    mine = table[table["treated_from"].notna() & table["y"].notna()]
    path = found.main.rows("event").set_index("event_time")["estimate"]
    effect = mine["event_time"].map(path).fillna(row["estimate"]).where(mine["treated"].astype(bool), 0.0)
    sums = pd.DataFrame({"effect": effect * mine["weight"], "weight": mine["weight"]}).groupby(mine["time"]).sum()
    return sums["effect"] / sums["weight"]


def draw_answer(
    series: pd.DataFrame, marks: list[Mark], value: str, name: str, design: Design, words: Words, width: int, small: bool
) -> MplFigure:
    lanes = 58 if small else 17 * len(marks) + 22
    figure, axes = canvas(width, (230 if small else 270) + lanes, 34 if small else 44, 100 if small else 130, lanes + 6, 26)
    times = np.arange(series["time"].min(), series["time"].max() + 1)
    lines = series.set_index("time")[["treated", "without"]].reindex(times)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    low, high = np.nanmin(lines.to_numpy()), np.nanmax(lines.to_numpy())
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    after = lines[(times >= design.start.ordinal) & lines.notna().all(axis=1)]
    below = (after["treated"] - after["without"]).mean() >= 0  # the gap is told on the side of the line without the policy
    room = (high - low + 2 * margin) * ROOM
    axes.set_ylim(low - margin - room * below, high + margin + room * (not below))
    draw_marks(axes, marks, small, lanes)
    axes.fill_between(times, lines["treated"], lines["without"], where=lines.notna().all(axis=1), color=TREATED, alpha=0.16, lw=0, zorder=1)
    axes.plot(times, lines["without"], color=COMPARISON, lw=line_width(1.9, len(times)), dashes=(5, 2), zorder=3)
    axes.plot(times, lines["treated"], color=TREATED, lw=line_width(2.5, len(times)), zorder=4)
    thin = series[series["thin"]]
    axes.plot(thin["time"], thin["treated"], ls="none", marker="o", ms=5, mfc=GROUND, mec=TREATED, mew=1.3, zorder=5)
    tell_gap(axes, after, value, below, design, words, small)
    last = lines.dropna().iloc[-1]
    names = {True: words("study.treated"), False: name}
    end_labels(axes, {True: last["treated"], False: last["without"]}, names, design.scale, words, small)
    time_axis(axes, times, design.frequency, words, small)
    value_axis(axes, design.scale, words)
    return figure


def tell_gap(axes: Axes, after: pd.DataFrame, value: str, below: bool, design: Design, words: Words, small: bool) -> None:
    """The number of the answer, with a line to the gap it is the mean of."""
    low, high = axes.get_ylim()
    first, last = axes.get_xlim()
    at = after.index[len(after) // 2]
    box = axes.get_window_extent()  # in dots
    dots = axes.figure.dpi / 72
    across, height = box.width / dots / (last - first), box.height / dots / (high - low)
    x = min(max(at, first + 52 / across), last - 52 / across)  # the text stays in the frame
    edge = low + 30 / height if below else high - 12 / height
    axes.plot([at, at], [after.loc[at, "treated"], edge + (4 / height if below else -22 / height)], color=INK, lw=0.9, zorder=2)
    unit = words("charts.answer_gap_pp") if design.scale == "pp" else words("charts.answer_gap_level")
    half = max(length(unit, False) * 11 / 11.5, length(value, True) * 14 / 11.5) / 2 / across + 3 / across
    axes.fill_between([x - half, x + half], edge - 28 / height, edge + 3 / height, color=GROUND, lw=0, zorder=5.5)  # lines end at the text
    axes.annotate(value, (x, edge), xytext=(0, -11), textcoords="offset points", ha="center", va="baseline", color=TREATED,
                  fontsize=14, weight="bold", annotation_clip=False, zorder=6)  # fmt: skip
    axes.annotate(unit, (x, edge), xytext=(0, -24), textcoords="offset points", ha="center", va="baseline", color=INK,
                  fontsize=11, annotation_clip=False, zorder=6)  # fmt: skip
    axes.set_ylim(low, high)
