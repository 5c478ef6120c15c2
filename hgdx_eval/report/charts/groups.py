"""The charts: the two groups over time, the path by event time, placebos, who is in the panel. Each title states a finding
by a rule written at its function; `words` gives every text."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.periods import written_all
from ...design.design import Design, thin_event_times
from ...panel.disclosure import as_told, hidden_beside_total, parts_of
from ...study.events import Event
from ...study.vocabulary import SIDES
from ...study.words import Words, capital
from ..blocks import csv_text
from ..figure import ACCENT, BAND, COMPARISON, EVENT, GROUND, RULE, TREATED, Figure, canvas, drawn, source_line
from .axes import MANY, end_labels, lanes_for, line_width, sample_text, simulated_note, tag, time_axis, value_axis

EVENTS_SHOWN = 5  # the nearest in time to the policy; more labels than that cannot be read


@dataclass(frozen=True)
class Mark:
    """Something dated on the time axis: position(s) in periods, text, whether it is the policy."""

    x: float
    until: float | None
    text: str
    policy: bool


# --- two groups over time ------------------------------------------------------------------------------------------
def plot_shares(design: Design, words: Words, min_count: int = 5) -> Figure:
    """Treated and comparison by period (per cent, or the outcome's own unit), with the policy and concurrent events. Cells with fewer
    dossiers than `min_count` are left out.

    Title: "apart" where the gap between the groups moved by more than twice its own standard deviation before the policy; "together" where
    it did not; neither with fewer than 6 periods before.
    Returns a Figure.
    """
    series = group_series(design, min_count)
    marks = time_marks(design, words)
    unit = "%" if design.scale == "pp" else ""
    alt = words("charts.shares_alt", first=words.period(design.table["period"].min(), True),
                last=words.period(design.table["period"].max(), True), gap_before=gap_text(design, series, words, False),
                gap_after=gap_text(design, series, words, True), simulated=simulated_note(design.origin, words))  # fmt: skip
    narrow, wide = drawn("shares", lambda width, small: draw_shares(design, series, marks, words, width, small), alt)
    note = " ".join(filter(None, (words("charts.thin") if thin_event_times(design) else "", outside_note(design, series, words))))
    table = series.pivot(index="period", columns="side", values="y").reset_index()
    table = table.assign(period=written_all(table["period"])).rename(columns=SIDES)
    return Figure(
        "shares", words("charts.shares_" + finding_of_gap(design, series), start=start_text(design, words)),
        capital(words("charts.shares_subtitle_pp" if unit else "charts.shares_subtitle_level")), narrow, wide,
        tuple((m.text, m.policy) for m in marks), source_line(design.origin, sample_text(design, words), words, note), alt,
        csv_text(table, words), tag(design.origin, words),
        words("charts.download"),
    )  # fmt: skip


def group_series(design: Design, min_count: int) -> pd.DataFrame:
    """side (True treated), time, period, y (per cent, or the outcome's unit), thin; small counts left out."""
    table = design.table.assign(side=design.table["treated_from"].notna(), wy=design.table["weight"] * design.table["y"])
    sums = table.groupby(["side", "time"])[["wy", "weight", "denominator", "numerator"]].sum(min_count=1).reset_index()
    sums["period"] = pd.PeriodIndex.from_ordinals(sums["time"], freq=design.frequency)
    sums["y"] = sums["wy"] / sums["weight"]
    if table["denominator"].notna().all():
        beside = [sums["side"], sums["time"] >= design.start.ordinal]  # the sums of each side before and after are told too
        sums = told_series(sums, design, "side", "", beside, min_count)
    sums["y"] *= 100 if design.scale == "pp" else 1
    sums["thin"] = sums["time"].isin([design.start.ordinal + k for k in thin_event_times(design)])
    return sums[["side", "time", "period", "y", "thin"]]


def told_series(sums: pd.DataFrame, design: Design, family: str, group: object, beside: list, min_count: int) -> pd.DataFrame:
    """Sums by side (True treated) and period that may be told: as the run tells them; outside one without those that the sums of
    `beside` would tell. A mean by other weights than dossiers is left out where what is told is not what is there."""
    sums = sums.reset_index(drop=True)
    if design.release is None:
        hide = np.zeros(len(sums), bool)
        for part in sums.groupby(beside).groups.values():
            hide[part] = hidden_beside_total(parts_of(sums.loc[part, "numerator"], sums.loc[part, "denominator"]), min_count)
        return sums[~hide]
    told = as_told(design.release, family, sums["side"].map(SIDES), group, written_all(sums["period"]))
    by_dossiers = np.isclose(sums["y"], sums["numerator"] / sums["denominator"])
    exact = (told["denominator"] == sums["denominator"]) & (told["numerator"] == sums["numerator"])
    sums["y"] = np.where(by_dossiers, told["numerator"] / told["denominator"], sums["y"].where(exact))
    return sums[told["denominator"].notna() & sums["y"].notna()]


def gaps(design: Design, series: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Treated less comparison, by time: before and after."""
    wide = series.pivot(index="time", columns="side", values="y").dropna()
    gap = wide[True] - wide[False] if {True, False} <= set(wide.columns) else pd.Series(dtype=float)
    return gap[gap.index < design.start.ordinal], gap[gap.index >= design.start.ordinal]


def finding_of_gap(design: Design, series: pd.DataFrame) -> str:
    before, after = gaps(design, series)
    if len(before) < 6 or after.empty:
        return "plain"
    return "apart" if abs(after.mean() - before.mean()) > 2 * before.std() else "together"


def gap_text(design: Design, series: pd.DataFrame, words: Words, after: bool) -> str:
    gap = gaps(design, series)[after]
    return words.effect(gap.mean(), design.scale) if len(gap) else words.number(None)


def time_marks(design: Design, words: Words) -> list[Mark]:
    """The policy and the concurrent events nearest to it, in order of time."""
    start = design.start.ordinal
    policy = policy_mark(design, words)

    def place(day: object) -> float:
        period = pd.Period(pd.Timestamp(day), freq=design.frequency)
        days = (period.end_time - period.start_time).days + 1
        return period.ordinal + (pd.Timestamp(day) - period.start_time).days / days

    def mark(event: Event) -> Mark:
        inside = event.until and pd.Timestamp(event.until) <= design.table["period"].max().end_time
        until = place(event.until) if inside else None  # a period that outlasts the data is drawn as its beginning
        days = [event.date, event.until] if inside else [event.date]
        span = "–".join(words.date(str(day)[:7] if design.frequency in ("Q", "Y") else day).removeprefix("tháng ") for day in days)
        return Mark(place(event.date), until, f"{span}: {event.label(words.lang)}", False)

    near = sorted(design.events, key=lambda event: abs(place(event.date) - start))[:EVENTS_SHOWN]
    return sorted([policy, *map(mark, near)], key=lambda m: m.x)


def policy_mark(design: Design, words: Words) -> Mark:
    """The policy's start; where units start at different times a stretch from the first to the last."""
    start, last = words.period(design.start, True), words.period(design.starts[-1], True)
    if len(design.starts) > 1:
        label = words("charts.in_force_staggered", first=start, last=last, n=words.number(len(design.treated_units)))
        return Mark(design.start.ordinal, design.starts[-1].ordinal, label, True)
    return Mark(design.start.ordinal, None, words("charts.assumed" if design.assumed else "charts.in_force", start=start), True)


def start_text(design: Design, words: Words) -> str:
    """The start as titles name it: of staggered adoption the first one."""
    text = words.period(design.start, short=True)
    return text if len(design.starts) == 1 else words("charts.first_start", start=text)


def draw_shares(design: Design, series: pd.DataFrame, marks: list[Mark], words: Words, width: int, small: bool) -> MplFigure:
    lanes = 58 if small else 17 * len(marks) + 22
    figure, axes = canvas(width, (250 if small else 290) + lanes, 34 if small else 44, 100 if small else 130, lanes + 6, 26)
    times = np.arange(design.table["time"].min(), design.table["time"].max() + 1)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    if shows_units(design):
        faint_units(axes, design, times)
    axes.set_ylim(*frame(series))
    draw_marks(axes, marks, small, lanes)
    for side, colour in ((False, COMPARISON), (True, TREATED)):
        line = series[series["side"] == side].set_index("time")["y"].reindex(times)
        width_of = line_width(2.5 if side else 1.9, len(times))
        axes.plot(times, line, color=colour, lw=width_of, dashes=(None, None) if side else (5, 2), zorder=3 + side)
        thin = series[(series["side"] == side) & series["thin"]]
        axes.plot(thin["time"], thin["y"], ls="none", marker="o", ms=5, mfc=GROUND, mec=colour, mew=1.3, zorder=5)
    ends = {side: part.sort_values("time").iloc[-1]["y"] for side, part in series.groupby("side")}
    end_labels(axes, ends, {side: words("study.treated" if side else "study.comparison") for side in ends}, design.scale, words, small)
    time_axis(axes, times, design.frequency, words, small)
    value_axis(axes, design.scale, words)
    return figure


def frame(series: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: what the two groups reach, and a little more."""
    low, high = series["y"].min(), series["y"].max()
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def shows_units(design: Design) -> bool:
    """Comparison units are drawn one by one where they are few."""
    return design.scale == "level" and len(design.comparison_units) <= MANY


def outside_note(design: Design, series: pd.DataFrame, words: Words) -> str:
    """How many of the faint lines leave the frame, which follows the two groups."""
    if not shows_units(design):
        return ""
    units = design.table[design.table["treated_from"].isna()]
    low, high = frame(series)
    outside = units.loc[(units["y"] < low) | (units["y"] > high), "unit"].nunique()
    return words("charts.shares_outside", n=words.number(outside), of=words.number(units["unit"].nunique())) if outside else ""


def faint_units(axes: Axes, design: Design, times: np.ndarray) -> None:
    """Every comparison unit as a faint line, in one path."""
    xs, ys = [], []
    for _, part in design.table[design.table["treated_from"].isna()].groupby("unit"):
        xs += [*times, np.nan]
        ys += [*part.set_index("time")["y"].reindex(times), np.nan]
    axes.plot(xs, ys, color=RULE, lw=0.7, zorder=1)


def draw_marks(axes: Axes, marks: list[Mark], small: bool, lanes: int) -> None:
    """Lines and bands of events; labels in lanes above the plot, or numbered discs on a phone."""
    low, high = axes.get_ylim()
    height = axes.get_position().height * axes.figure.get_size_inches()[1] * 72
    unit = (high - low) / height
    first, last = axes.get_xlim()
    across = axes.get_position().width * axes.figure.get_size_inches()[0] * 72 / (last - first)
    disc_lanes = lanes_for([max(mark.x - 0.5, first) * across for mark in marks], 17)
    for number, mark in enumerate(marks, start=1):
        colour = ACCENT if mark.policy else EVENT
        x = max(mark.x - 0.5, first)  # the boundary before the first period concerned
        top = high + (lanes - 17 * number) * unit if not small else high + (10 + 17 * disc_lanes[number - 1]) * unit
        if mark.until is not None:
            axes.axvspan(x, min(mark.until - 0.5, last), color=BAND, lw=0, zorder=0)
        axes.plot([x, x], [low, top], color=colour, lw=1.8 if mark.policy else 1, zorder=2, clip_on=False,
                  solid_capstyle="butt", **({} if mark.policy else {"dashes": (1.5, 2.5)}))  # fmt: skip
        if small:
            axes.plot(x, top, marker="o", ms=15, color=colour, clip_on=False, zorder=6)
            axes.text(x, top - 4 * unit, str(number), color=GROUND, fontsize=11, weight="bold", ha="center", va="baseline", zorder=7)
        else:
            right = (last - x) * across + 120 > 6.2 * len(mark.text)
            axes.annotate(mark.text, (x, top), xytext=(5 if right else -5, -9), textcoords="offset points", color=colour,
                          ha="left" if right else "right", va="baseline", weight="bold" if mark.policy else "normal",
                          fontsize=11, annotation_clip=False)  # fmt: skip
    axes.set_ylim(low, high)
